//! Kinds of chips whose numbers come from the literature; each number's source stands beside it in the file.

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hardware::Hardware;

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
