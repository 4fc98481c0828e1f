//! What the keys of an experiment are called in physics, and their units.

/// The name and the unit of what a key sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Quantity {
    /// As on an axis: `σ of the coupler angle`.
    pub name: String,
    /// As in a legend: `σ coupler`.
    pub short: String,
    /// `rad`, `dB`, …; empty for numbers and names.
    pub unit: &'static str,
}

impl Quantity {
    /// The quantity that `key` sets; a key that is not known is its own name.
    pub fn of(key: &str) -> Self {
        let known = NAMES.iter().find(|(known, _, _)| *known == key);
        let (name, short) = known.map_or((key, key), |(_, name, short)| (*name, *short));
        Self {
            name: name.to_owned(),
            short: short.to_owned(),
            unit: unit(key),
        }
    }

    /// As an axis is labelled: the name, then the unit.
    pub fn label(&self) -> String {
        match self.unit {
            "" => self.name.clone(),
            unit => format!("{}, {unit}", self.name),
        }
    }

    /// A value of it: `σ coupler 0.02 rad`.
    pub fn valued(&self, value: &str) -> String {
        match self.unit {
            "" => format!("{} {value}", self.short),
            unit => format!("{} {value} {unit}", self.short),
        }
    }
}

/// The unit in the name of a key.
pub(super) fn unit(key: &str) -> &'static str {
    let known = UNITS.iter().find(|(suffix, _)| key.ends_with(suffix));
    known.map_or("", |(_, unit)| unit)
}

/// What is modelled where a key has no value, in a few words.
pub(super) fn unset(key: &str) -> &'static str {
    match key.rsplit('.').next() {
        Some("tile") => "whole layer",
        Some("dac_bits" | "adc_bits") => "no quantization",
        Some("v_max_v") => "√2 V_π",
        Some("extinction_ratio_db") => "all light blocked",
        Some("rin_dbc_hz") => "no intensity noise",
        _ => "not set",
    }
}

/// Longer suffixes first.
const UNITS: [(&str, &str); 17] = [
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
    ("tile", "modes"),
];

const NAMES: [(&str, &str, &str); 39] = [
    (
        "coupler.splitting_error_rad",
        "σ of the coupler angle",
        "σ coupler",
    ),
    (
        "coupler.splitting_bias_rad",
        "bias of the coupler angle",
        "coupler bias",
    ),
    (
        "phase_shifter.phase_error_rad",
        "σ of the programmed phase",
        "σ phase",
    ),
    (
        "phase_shifter.offset_rad",
        "σ of the phase offset",
        "σ offset",
    ),
    (
        "phase_shifter.dac_bits",
        "resolution of the heater supply",
        "heater supply",
    ),
    ("phase_shifter.v_pi_v", "V_π of a heater", "V_π"),
    ("phase_shifter.v_max_v", "largest heater voltage", "V_max"),
    (
        "phase_shifter.v_pi_error",
        "relative σ of the calibrated V_π",
        "σ V_π",
    ),
    (
        "phase_shifter.crosstalk",
        "thermal crosstalk at one pitch",
        "crosstalk",
    ),
    ("phase_shifter.drift_rad_per_sqrt_s", "phase drift", "drift"),
    (
        "phase_shifter.drift_time_s",
        "time since programming",
        "drift time",
    ),
    ("mesh.cell", "kind of cell", "cell"),
    (
        "mesh.insertion_loss_db",
        "insertion loss of a cell",
        "cell loss",
    ),
    (
        "mesh.insertion_loss_spread_db",
        "σ of the cells’ insertion loss",
        "σ cell loss",
    ),
    (
        "mesh.arm_imbalance_db",
        "loss imbalance of a cell’s arms",
        "arm imbalance",
    ),
    ("input.laser_power_mw", "laser power", "laser"),
    ("input.wavelength_nm", "wavelength", "wavelength"),
    ("input.facet_loss_db", "loss of a facet", "facet loss"),
    (
        "input.modulator_loss_db",
        "loss of a modulator",
        "modulator loss",
    ),
    (
        "input.dac_bits",
        "resolution of the modulators",
        "modulator DAC",
    ),
    (
        "input.extinction_ratio_db",
        "extinction ratio of the modulators",
        "extinction",
    ),
    (
        "input.rin_dbc_hz",
        "relative intensity noise of the laser",
        "RIN",
    ),
    ("readout.detection", "detection", "detection"),
    ("readout.lo_power_mw", "local oscillator power", "LO"),
    (
        "readout.responsivity_a_w",
        "responsivity of a photodiode",
        "responsivity",
    ),
    (
        "readout.dark_current_na",
        "dark current of a photodiode",
        "dark current",
    ),
    (
        "readout.bandwidth_ghz",
        "noise bandwidth of the readout",
        "bandwidth",
    ),
    (
        "readout.thermal_noise_pa_sqrt_hz",
        "current noise of the amplifier",
        "amplifier noise",
    ),
    (
        "readout.gain_spread",
        "relative σ of the detectors’ gain",
        "σ gain",
    ),
    (
        "readout.lo_phase_error_rad",
        "σ of the local oscillator’s phase",
        "σ LO phase",
    ),
    (
        "readout.lo_phase_drift_rad_per_sqrt_s",
        "drift of the local oscillator’s phase",
        "LO drift",
    ),
    (
        "readout.adc_bits",
        "resolution of the detectors’ converters",
        "ADC",
    ),
    (
        "readout.adc_range",
        "full scale of the converters, percentile",
        "ADC range",
    ),
    ("tile", "modes of a tile", "tile"),
    ("geometry", "geometry of the meshes", "geometry"),
    ("arrange", "order of the singular values", "order"),
    (
        "for",
        "chips that free phases are chosen for",
        "compiled for",
    ),
    ("correct", "error correction", "correction"),
    ("precision", "precision of the arithmetic", "precision"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hardware::Hardware;

    #[test]
    fn every_key_of_the_hardware_has_a_name_in_physics() {
        let mut full = Hardware::default();
        full.phase_shifter.dac_bits = Some(8);
        full.phase_shifter.v_max_v = Some(8.0);
        full.input.dac_bits = Some(8);
        full.input.extinction_ratio_db = Some(20.0);
        full.input.rin_dbc_hz = Some(-150.0);
        full.readout.adc_bits = Some(8);
        let table = toml::Table::try_from(&full).unwrap();
        for (section, keys) in &table {
            for key in keys.as_table().unwrap().keys() {
                let key = format!("{section}.{key}");
                assert_ne!(Quantity::of(&key).name, key);
            }
        }
    }

    #[test]
    fn an_axis_says_name_and_unit() {
        let sigma = Quantity::of("coupler.splitting_error_rad");
        assert_eq!(sigma.label(), "σ of the coupler angle, rad");
        assert_eq!(sigma.valued("0.02"), "σ coupler 0.02 rad");
        assert_eq!(Quantity::of("correct").valued("local"), "correction local");
        assert_eq!(unit("phase_shifter.drift_rad_per_sqrt_s"), "rad/√s");
        assert_eq!(Quantity::of("new.key").label(), "new.key");
    }
}
