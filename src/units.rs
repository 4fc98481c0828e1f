//! Units and physical constants: the only place where a unit is converted.
//!
//! A loss is a positive number of dB; pass it negated to these functions.

/// Elementary charge, C (exact, SI 2019).
pub const ELEMENTARY_CHARGE_C: f64 = 1.602_176_634e-19;

/// Power ratio of a level in dB: `10^(db / 10)`.
pub fn power_from_db(db: f64) -> f64 {
    10f64.powf(db / 10.0)
}

/// Field-amplitude ratio of a level in dB: `10^(db / 20)`.
pub fn amplitude_from_db(db: f64) -> f64 {
    10f64.powf(db / 20.0)
}

/// Level in dB of a power ratio: `10 lg(ratio)`.
pub fn db_from_power(ratio: f64) -> f64 {
    10.0 * ratio.log10()
}

/// Power in W of a power in mW.
pub fn w_from_mw(power_mw: f64) -> f64 {
    power_mw * 1e-3
}

/// Frequency in Hz of a frequency in GHz.
pub fn hz_from_ghz(frequency_ghz: f64) -> f64 {
    frequency_ghz * 1e9
}

/// Current in A of a current in nA.
pub fn a_from_na(current_na: f64) -> f64 {
    current_na * 1e-9
}

/// Noise density in A/√Hz of a density in pA/√Hz.
pub fn a_from_pa(density_pa: f64) -> f64 {
    density_pa * 1e-12
}

/// Phase of a thermo-optic heater at `volts`, rad: `π V²/V_π²`.
pub fn heater_phase_rad(volts: f64, v_pi_v: f64) -> f64 {
    std::f64::consts::PI * (volts / v_pi_v).powi(2)
}

/// Voltage of a thermo-optic heater for `phase_rad` of at least 0, V: `V_π √(φ/π)`.
pub fn heater_volts(phase_rad: f64, v_pi_v: f64) -> f64 {
    v_pi_v * (phase_rad / std::f64::consts::PI).sqrt()
}

/// A share in percent with this many decimals, without its sign; halves as the number that is nearest to them lies.
pub fn percent_of(share: f64, decimals: usize) -> String {
    format!("{:.decimals$}", 100.0 * share)
}

/// The unit that a quantity's name ends in, as it is written: `dB` of `insertion_loss_db`; empty where the name has none.
pub fn of_name(name: &str) -> &'static str {
    let known = SUFFIXES.iter().find(|(suffix, _)| name.ends_with(suffix));
    known.map_or("", |(_, unit)| unit)
}

/// Longer suffixes first.
const SUFFIXES: [(&str, &str); 16] = [
    ("_rad_per_sqrt_s", "rad/√s"),
    ("_pa_sqrt_hz", "pA/√Hz"),
    ("_dbc_hz", "dBc/Hz"),
    ("_a_w", "A/W"),
    ("_rad", "rad"),
    ("_dbm", "dBm"),
    ("_db", "dB"),
    ("_mw", "mW"),
    ("_nm", "nm"),
    ("_um", "µm"),
    ("_ghz", "GHz"),
    ("_ps", "ps"),
    ("_na", "nA"),
    ("_bits", "bits"),
    ("_v", "V"),
    ("_s", "s"),
];

/// `1 chip`, `2 chips`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn three_db_halve_the_power_and_six_halve_the_amplitude() {
        assert_relative_eq!(
            power_from_db(-3.010_299_956_639_812),
            0.5,
            max_relative = 1e-15
        );
        assert_relative_eq!(
            amplitude_from_db(-6.020_599_913_279_624),
            0.5,
            max_relative = 1e-15
        );
    }

    #[test]
    fn amplitude_is_the_square_root_of_power() {
        for db in [-30.0, -0.2, 0.0, 4.8] {
            assert_relative_eq!(
                amplitude_from_db(db).powi(2),
                power_from_db(db),
                max_relative = 1e-14
            );
            assert_relative_eq!(db_from_power(power_from_db(db)), db, epsilon = 1e-13);
        }
    }

    #[test]
    fn v_pi_makes_a_phase_of_pi_and_twice_the_power_twice_that() {
        let pi = std::f64::consts::PI;
        assert_relative_eq!(heater_phase_rad(4.36, 4.36), pi);
        assert_relative_eq!(heater_volts(2.0 * pi, 3.0), 3.0 * 2f64.sqrt());
        for phase in [0.0, 1e-9, 1.0, 6.0] {
            assert_relative_eq!(
                heater_phase_rad(heater_volts(phase, 2.5), 2.5),
                phase,
                max_relative = 1e-15
            );
        }
    }

    #[test]
    fn prefixes_are_powers_of_ten() {
        assert_relative_eq!(w_from_mw(2.0), 2e-3);
        assert_relative_eq!(hz_from_ghz(10.0), 1e10);
        assert_relative_eq!(a_from_na(3.0), 3e-9);
        assert_relative_eq!(a_from_pa(7.0), 7e-12);
    }

    #[test]
    fn a_name_says_its_unit() {
        assert_eq!(of_name("phase_shifter.drift_rad_per_sqrt_s"), "rad/√s");
        assert_eq!(of_name("mesh.insertion_loss_db"), "dB");
        assert_eq!(of_name("input.rin_dbc_hz"), "dBc/Hz");
        assert_eq!(of_name("phase_shifter.crosstalk"), "");
    }
}
