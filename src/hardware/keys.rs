//! The names of all keys.

/// Every key of the hardware, dotted, as `--set` and the axes of experiments take them; in the order of
/// `docs/hardware.md`.
pub const KEYS: &[&str] = &[
    "coupler.splitting_error_rad",
    "coupler.splitting_bias_rad",
    "phase_shifter.phase_error_rad",
    "phase_shifter.offset_rad",
    "phase_shifter.dac_bits",
    "phase_shifter.v_pi_v",
    "phase_shifter.v_max_v",
    "phase_shifter.v_pi_error",
    "phase_shifter.crosstalk",
    "phase_shifter.drift_rad_per_sqrt_s",
    "phase_shifter.drift_time_s",
    "mesh.cell",
    "mesh.insertion_loss_db",
    "mesh.insertion_loss_spread_db",
    "mesh.arm_imbalance_db",
    "input.laser_power_mw",
    "input.wavelength_nm",
    "input.facet_loss_db",
    "input.modulator_loss_db",
    "input.dac_bits",
    "input.extinction_ratio_db",
    "input.rin_dbc_hz",
    "readout.detection",
    "readout.lo_power_mw",
    "readout.responsivity_a_w",
    "readout.dark_current_na",
    "readout.bandwidth_ghz",
    "readout.thermal_noise_pa_sqrt_hz",
    "readout.gain_spread",
    "readout.adc_bits",
    "readout.adc_range",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hardware::Hardware;

    /// The keys as serde lists them when it meets a wrong one.
    #[test]
    fn the_list_of_keys_is_that_of_the_reader() {
        let listed = |text: &str| {
            let error = toml::from_str::<Hardware>(text).unwrap_err();
            let names = error.message().split('`').skip(3).step_by(2);
            names.map(str::to_owned).collect::<Vec<String>>()
        };
        let sections = listed("no_such_section = 1");
        let keys: Vec<String> = sections
            .iter()
            .flat_map(|section| {
                let keys = listed(&format!("[{section}]\nno_such_key = 1"));
                keys.into_iter().map(move |key| format!("{section}.{key}"))
            })
            .collect();
        assert_eq!(keys, KEYS);
    }
}
