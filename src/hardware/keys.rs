//! The keys of a hardware description, for those who list, check or vary them.

use std::sync::LazyLock;

use super::{Hardware, Input, PhaseShifter, Readout};
use crate::mesh::CellKind;

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
    "readout.lo_phase_error_rad",
    "readout.lo_phase_drift_rad_per_sqrt_s",
    "readout.adc_bits",
    "readout.adc_range",
];

/// One key of a hardware description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HardwareKey {
    /// Its dotted name, such as `coupler.splitting_error_rad`.
    pub name: &'static str,
    /// What its values are.
    pub kind: ValueKind,
    /// Whether it may be left out and then has no value, not even a default one.
    pub optional: bool,
}

/// What the values of a key are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// A number.
    Float,
    /// A whole number.
    Int,
    /// One of these names.
    Name(&'static [&'static str]),
    /// One of these names, or a number.
    NameOrFloat(&'static [&'static str]),
}

const CELLS: [&str; CellKind::ALL.len()] = {
    let mut names = [""; CellKind::ALL.len()];
    let mut index = 0;
    while index < names.len() {
        names[index] = CellKind::ALL[index].name();
        index += 1;
    }
    names
};

impl Hardware {
    /// What each of [`KEYS`] is, in that order.
    pub fn keys() -> &'static [HardwareKey] {
        static ALL: LazyLock<Vec<HardwareKey>> = LazyLock::new(describe);
        &ALL
    }
}

fn describe() -> Vec<HardwareKey> {
    // Keys without a value do not appear in TOML, so that here all of them have one.
    let full = Hardware {
        phase_shifter: PhaseShifter {
            dac_bits: Some(8),
            v_max_v: Some(10.0),
            ..PhaseShifter::default()
        },
        input: Input {
            dac_bits: Some(8),
            extinction_ratio_db: Some(30.0),
            rin_dbc_hz: Some(-150.0),
            ..Input::default()
        },
        readout: Readout {
            adc_bits: Some(8),
            ..Readout::default()
        },
        ..Hardware::default()
    };
    let table =
        |hardware: &Hardware| toml::Table::try_from(hardware).expect("hardware is a TOML table");
    let defaults = table(&Hardware::default());
    let full = table(&full);
    let describe = |name: &'static str| {
        let (section, key) = name.split_once('.').expect("a key has a section");
        HardwareKey {
            name,
            kind: match (&full[section][key], name) {
                (toml::Value::Integer(_), _) => ValueKind::Int,
                (toml::Value::Float(_), _) => ValueKind::Float,
                (_, "mesh.cell") => ValueKind::Name(&CELLS),
                (_, "readout.adc_range") => ValueKind::NameOrFloat(&["max"]),
                _ => ValueKind::Name(&["coherent", "intensity"]),
            },
            optional: defaults[section].get(key).is_none(),
        }
    };
    KEYS.iter().copied().map(describe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn keys_without_a_value_can_be_set_and_left_out_again() {
        let keys = Hardware::keys();
        let optional: Vec<_> = keys.iter().filter(|key| key.optional).collect();
        assert_eq!(optional.len(), 6);
        for key in optional {
            let set = Hardware::default().with(key.name, "8").unwrap();
            assert_ne!(set, Hardware::default(), "{}", key.name);
            let unset = set.with_values([(key.name, None)]).unwrap();
            assert_eq!(unset, Hardware::default());
        }
    }
}
