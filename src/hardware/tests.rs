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
        (
            "coupler.spliting_error_rad",
            "0.1",
            "is no key of the hardware: coupler has splitting_error_rad, splitting_bias_rad (did you mean `coupler.splitting_error_rad`?)",
        ),
        (
            "copler.splitting_error_rad",
            "0.1",
            "(did you mean `coupler.splitting_error_rad`?)",
        ),
        (
            "readout.phase_error_rad",
            "0.1",
            "(did you mean `phase_shifter.phase_error_rad`?)",
        ),
        ("voltage", "3", "voltage: must be section.name"),
        (
            "laser.voltage",
            "3",
            "sections are coupler, phase_shifter, mesh, input, readout",
        ),
        (
            "splitting_error_rad",
            "0.1",
            "must be section.name, such as coupler.splitting_error_rad (did you mean",
        ),
        ("readout.detection", "optical", "unknown variant"),
        (
            "readout.detection",
            "Coherent",
            "(did you mean `coherent`?)",
        ),
        ("mesh.cell", "3splitter", "(did you mean `3-splitter`?)"),
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

#[test]
fn a_misspelt_key_or_preset_is_answered_with_the_right_one() {
    let error = |text: &str| Hardware::from_toml(text).unwrap_err().to_string();
    let said = error("# chip\n[copler]\nsplitting_error_rad = 0.02");
    assert!(
        said.starts_with("hardware: line 2: unknown field `copler`"),
        "{said}"
    );
    assert!(said.ends_with("(did you mean `coupler`?)"), "{said}");
    let said = error("[mesh]\nphase_error_rad = 0.02");
    assert!(
        said.ends_with("(did you mean `phase_shifter.phase_error_rad`?)"),
        "{said}"
    );
    let said = Hardware::open("thermo_optic").unwrap_err().to_string();
    assert!(said.ends_with("(did you mean `thermo-optic`?)"), "{said}");
}

#[test]
fn every_key_is_explained_in_the_documents() {
    let page = include_str!("../../docs/hardware.md");
    for key in KEYS {
        let (_, name) = key.split_once('.').unwrap();
        let named = [format!("`{key}`"), format!(", `{name}`")];
        assert!(named.iter().any(|name| page.contains(name)), "{key}");
    }
}
