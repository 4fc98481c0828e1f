//! Keys, ranges and their document.

use super::*;

#[test]
fn the_default_is_ideal_and_survives_toml() {
    let text = toml::to_string(&Hardware::default()).unwrap();
    assert_eq!(Hardware::from_toml(&text).unwrap(), Hardware::default());
    assert_eq!(Hardware::from_toml("").unwrap(), Hardware::default());
}

#[test]
fn a_set_key_changes_only_itself() {
    let base = Hardware::default();
    let set = base.with("readout.adc_bits", "6").unwrap();
    let set = set.with("readout.detection", "intensity").unwrap();
    let set = set.with("readout.adc_range", "99.9").unwrap();
    assert_eq!(set.readout.adc_bits, Some(6));
    assert_eq!(set.readout.detection, Detection::Intensity);
    assert_eq!(set.readout.adc_range, AdcRange::Percentile(99.9));
    assert_eq!(set.coupler, base.coupler);
}

#[test]
fn a_wrong_value_is_named_with_its_range() {
    for (key, value, says) in [
        (
            "readout.adc_bits",
            "40",
            "readout.adc_bits = 40: must be 1..=24",
        ),
        (
            "coupler.splitting_error_rad",
            "-0.1",
            "must be from 0 to π/4",
        ),
        (
            "coupler.splitting_error_rad",
            "nan",
            "must be from 0 to π/4",
        ),
        ("coupler.spliting_error_rad", "0.1", "unknown field"),
        ("couplers.splitting_error_rad", "0.1", "unknown field"),
        ("splitting_error_rad", "0.1", "must be section.name"),
        ("readout.detection", "optical", "unknown variant"),
        ("readout.adc_range", "min", "adc_range must be"),
        ("readout.adc_range", "101", "percentile in (0, 100]"),
        ("phase_shifter.v_max_v", "5", "√2 · v_pi_v"),
        ("phase_shifter.crosstalk", "0.3", "from 0 to 0.1"),
    ] {
        let error = Hardware::default()
            .with(key, value)
            .unwrap_err()
            .to_string();
        assert!(error.contains(says), "{error}");
    }
}

/// The keys as a wrong one makes the reader list them.
#[test]
fn every_key_is_explained_in_the_documents() {
    let page = include_str!("../../docs/hardware.md");
    for section in ["coupler", "phase_shifter", "mesh", "input", "readout"] {
        let error = Hardware::from_toml(&format!("[{section}]\nno_such_key = 1"));
        let error = error.unwrap_err().to_string();
        let keys: Vec<&str> = error.split('`').skip(3).step_by(2).collect();
        assert!(keys.len() >= 2, "{error}");
        for key in keys {
            let named = [format!("`{section}.{key}`"), format!(", `{key}`")];
            assert!(named.iter().any(|name| page.contains(name)), "{key}");
        }
    }
}
