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
        (
            "readout.detection",
            "optical",
            "readout.detection = optical: must be one of coherent, intensity",
        ),
        (
            "coupler.splitting_error_rad",
            "none",
            "coupler.splitting_error_rad = \"none\": must be a number",
        ),
        (
            "coupler.splitting_error_rad",
            "[0.1]",
            "coupler.splitting_error_rad = a list: must be a number",
        ),
        (
            "input.rin_dbc_hz",
            "low",
            "input.rin_dbc_hz = \"low\": must be a number or \"none\"",
        ),
        (
            "input.dac_bits",
            "-1",
            "input.dac_bits = -1: must be a whole number or \"none\"",
        ),
        (
            "readout.adc_bits",
            "",
            "readout.adc_bits = \"\": must be a whole number or \"none\"",
        ),
        (
            "readout.detection",
            "Coherent",
            "(did you mean `coherent`?)",
        ),
        ("mesh.cell", "3splitter", "(did you mean `3-splitter`?)"),
        (
            "readout.adc_range",
            "min",
            "readout.adc_range = \"min\": must be \"max\" or a number",
        ),
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
fn what_is_wrong_in_a_file_is_told_with_its_line_key_and_what_is_allowed() {
    let error = |text: &str| Hardware::from_toml(text).unwrap_err().to_string();
    for (text, says) in [
        (
            "# chip\n[copler]\nsplitting_error_rad = 0.02",
            "(did you mean `coupler`?)",
        ),
        (
            "[mesh]\nphase_error_rad = 0.02",
            "line 2: mesh.phase_error_rad: is no key of the hardware: mesh has cell,",
        ),
        (
            "[mesh]\nphase_error_rad = 0.02",
            "(did you mean `phase_shifter.phase_error_rad`?)",
        ),
        (
            "[coupler]\n\nsplitting_error_rad = 'x'",
            "line 3: coupler.splitting_error_rad = \"x\": must be a number",
        ),
        (
            "mesh.cell = 3",
            "line 1: mesh.cell = 3: must be one of mzi, 3-splitter, mzi-crossing, symmetric",
        ),
        (
            "[coupler.splitting_error_rad]\nx = 1",
            "line 1: coupler.splitting_error_rad = a table: must be a number",
        ),
        (
            "readout = 8",
            "line 1: readout = 8: must be a table [readout] of keys",
        ),
        (
            "[readout]\nadc_bits = 8.5",
            "line 2: readout.adc_bits = 8.5: must be a whole number or \"none\"",
        ),
        (
            "[readout]\nadc_bits = 99999999999999999999",
            "must be a whole number or \"none\"",
        ),
        ("[readout]\nadc_bits 8", "line 2: "),
        ("[readout]\nadc_bits = 8\nadc_bits = 9", "line 3: "),
    ] {
        let said = error(text);
        assert!(said.contains(says), "{text}: {said}");
        assert!(!said.contains('\n'), "{said}");
    }
    let said = Hardware::open("thermo_optic").unwrap_err().to_string();
    assert!(said.ends_with("(did you mean `thermo-optic`?)"), "{said}");
}

#[test]
fn none_leaves_a_key_of_a_preset_without_a_value() {
    let base = Hardware::open("thermo-optic").unwrap();
    assert!(base.readout.adc_bits.is_some());
    for written in ["none", "\"none\""] {
        let set = base.with("readout.adc_bits", written).unwrap();
        assert_eq!(set.readout.adc_bits, None);
        assert_eq!(set.input, base.input);
    }
    for key in Hardware::keys() {
        let (section, name) = key.name.split_once('.').unwrap();
        let read = Hardware::from_toml(&format!("[{section}]\n{name} = \"none\""));
        assert_eq!(
            read.ok(),
            key.optional.then(Hardware::default),
            "{}",
            key.name
        );
    }
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
