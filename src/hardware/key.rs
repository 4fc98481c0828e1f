//! The keys of a hardware description, for those who list, check or vary them.

use super::{Hardware, Input, PhaseShifter, Readout};

/// One key of a hardware description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HardwareKey {
    /// Its dotted name, such as `coupler.splitting_error_rad`.
    pub name: String,
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
    /// A name, or for `readout.adc_range` a name or a number.
    Name,
}

impl Hardware {
    /// Every key, by section in the order of [`Hardware`].
    pub fn keys() -> Vec<HardwareKey> {
        // Keys without a value do not appear in TOML, so that here all of them have one.
        let full = Self {
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
            ..Self::default()
        };
        let table =
            |hardware: &Self| toml::Table::try_from(hardware).expect("hardware is a TOML table");
        let defaults = table(&Self::default());
        let sections = ["coupler", "phase_shifter", "mesh", "input", "readout"];
        let full = table(&full);
        let mut keys = Vec::new();
        for section in sections {
            let values = full[section].as_table().expect("a section is a table");
            keys.extend(values.iter().map(|(name, value)| HardwareKey {
                name: format!("{section}.{name}"),
                kind: match value {
                    toml::Value::Integer(_) => ValueKind::Int,
                    toml::Value::Float(_) => ValueKind::Float,
                    _ => ValueKind::Name,
                },
                optional: defaults[section].get(name).is_none(),
            }));
        }
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the parser itself says it would have accepted.
    #[test]
    fn no_key_is_missing_and_all_can_be_set() {
        let keys = Hardware::keys();
        for section in ["coupler", "phase_shifter", "mesh", "input", "readout"] {
            let wrong = format!("[{section}]\nno_such_key = 1");
            let message = Hardware::from_toml(&wrong).unwrap_err().to_string();
            let accepted = message.split("expected").nth(1).unwrap();
            let accepted = accepted.split('`').skip(1).step_by(2);
            let mut accepted: Vec<_> = accepted.map(|key| format!("{section}.{key}")).collect();
            let of_section = keys.iter().filter(|key| key.name.starts_with(section));
            let mut names: Vec<_> = of_section.map(|key| key.name.clone()).collect();
            accepted.sort();
            names.sort();
            assert_eq!(names, accepted);
        }
        let sections = Hardware::from_toml("[nowhere]").unwrap_err().to_string();
        assert_eq!(sections.matches('`').count(), 2 * (1 + 5), "{sections}");
        let optional: Vec<_> = keys.iter().filter(|key| key.optional).collect();
        assert_eq!(optional.len(), 6);
        for key in optional {
            let set = Hardware::default().with(&key.name, "8").unwrap();
            assert_ne!(set, Hardware::default(), "{}", key.name);
            let unset = set.with_values([(&*key.name, None)]).unwrap();
            assert_eq!(unset, Hardware::default());
        }
    }
}
