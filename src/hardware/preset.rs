//! Kinds of chips whose numbers come from the literature; each number's source stands beside it in the file.

use super::{Hardware, HardwareKey};
use crate::io::record::Cell;

/// Every preset: its name and its TOML text.
pub const PRESETS: &[(&str, &str)] = &[
    ("ideal", include_str!("presets/ideal.toml")),
    ("thermo-optic", include_str!("presets/thermo-optic.toml")),
    ("mit-pnp", include_str!("presets/mit-pnp.toml")),
    ("low-noise", include_str!("presets/low-noise.toml")),
];

/// The TOML text of a preset.
pub fn preset(name: &str) -> Option<&'static str> {
    PRESETS
        .iter()
        .find(|preset| preset.0 == name)
        .map(|preset| preset.1)
}

/// A number of a preset and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Sourced {
    /// Name of the preset.
    pub preset: &'static str,
    /// Dotted name of the key.
    pub key: &'static str,
    /// Its value.
    pub value: Cell,
    /// Its source: what stands beside it in the file.
    pub source: &'static str,
}

/// Every value that the preset called `name` sets, with its source; nothing for a name of none.
pub fn sources(name: &str) -> Vec<Sourced> {
    let Some((preset, text)) = PRESETS.iter().find(|(known, _)| *known == name) else {
        return Vec::new();
    };
    let hardware = Hardware::from_toml(text).expect("a preset is hardware");
    let mut section = "";
    let mut found = Vec::new();
    for line in text.lines() {
        let header = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        section = header.unwrap_or(section);
        let parts = line.split_once('#');
        if let Some((assignment, source)) = parts
            && let Some((name, _)) = assignment.split_once('=')
        {
            let name = format!("{section}.{}", name.trim());
            let key = HardwareKey::named(&name).expect("a preset has keys of the hardware");
            found.push(Sourced {
                preset,
                key: key.name,
                value: key.get(&hardware),
                source: source.trim(),
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_number_carries_its_source() {
        for (name, text) in PRESETS {
            let hardware = Hardware::from_toml(text).unwrap();
            assert_eq!(*name == "ideal", hardware == Hardware::default());
            for line in text
                .lines()
                .filter(|line| line.contains('=') && !line.starts_with('#'))
            {
                let source = line.split_once('#').map_or("", |(_, source)| source);
                assert!(source.len() > 10, "{name}: no source beside `{line}`");
            }
        }
    }
}
