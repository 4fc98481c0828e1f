//! Keys, ranges and their document.

use super::*;
use crate::error::compare::{golden, value};
use crate::io::record::Cell;

#[test]
fn the_default_is_ideal_and_survives_toml() {
    let text = toml::to_string(&Hardware::default()).unwrap();
    assert_eq!(Hardware::from_toml(&text).unwrap(), Hardware::default());
    assert_eq!(Hardware::from_toml("").unwrap(), Hardware::default());
}

#[test]
fn hardware_with_words_beside_it_reads_as_what_it_was() {
    for (name, _) in PRESETS {
        let hardware = Hardware::open(name).unwrap();
        let text = hardware.annotated();
        assert_eq!(Hardware::from_toml(&text).unwrap(), hardware);
        for key in Hardware::keys() {
            assert!(text.contains(key.row.label), "{}", key.name);
        }
    }
    let ideal = Hardware::default().annotated();
    let unset = "# resolution of the modulators, per shot: no quantization\n";
    let line = ideal
        .split_inclusive('\n')
        .find(|line| line.ends_with(unset));
    assert!(line.unwrap().starts_with("dac_bits = \"none\""));
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
    for (key, value) in [
        ("readout.adc_bits", "40"),
        ("coupler.splitting_error_rad", "-0.1"),
        ("coupler.splitting_error_rad", "nan"),
        ("coupler.spliting_error_rad", "0.1"),
        ("copler.splitting_error_rad", "0.1"),
        ("readout.phase_error_rad", "0.1"),
        ("voltage", "3"),
        ("laser.voltage", "3"),
        ("splitting_error_rad", "0.1"),
        ("readout.detection", "optical"),
        ("coupler.splitting_error_rad", "none"),
        ("coupler.splitting_error_rad", "[0.1]"),
        ("input.rin_dbc_hz", "low"),
        ("input.dac_bits", "-1"),
        ("readout.adc_bits", ""),
        ("readout.detection", "Coherent"),
        ("mesh.cell", "3splitter"),
        ("readout.adc_range", "min"),
        ("readout.adc_range", "101"),
        ("phase_shifter.v_max_v", "5"),
        ("phase_shifter.crosstalk", "0.3"),
    ] {
        let error = Hardware::default().with(key, value).unwrap_err();
        golden(&format!("{key} = {value}"), error);
    }
}

#[test]
fn what_is_wrong_in_a_file_is_told_with_its_line_key_and_what_is_allowed() {
    for text in [
        "# chip\n[copler]\nsplitting_error_rad = 0.02",
        "[mesh]\nphase_error_rad = 0.02",
        "[coupler]\n\nsplitting_error_rad = 'x'",
        "mesh.cell = 3",
        "[coupler.splitting_error_rad]\nx = 1",
        "readout = 8",
        "[readout]\nadc_bits = 8.5",
        "[readout]\nadc_bits = 99999999999999999999",
        "[readout]\nadc_bits 8",
        "[readout]\nadc_bits = 8\nadc_bits = 9",
    ] {
        let said = Hardware::from_toml(text).unwrap_err().to_string();
        assert!(!said.contains('\n'), "{said}");
        golden(text, said);
    }
    golden("thermo_optic", Hardware::open("thermo_optic").unwrap_err());
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
fn a_row_says_all_that_is_asked_of_a_key() {
    for key in Hardware::keys() {
        let (section, name) = key.parts();
        assert_eq!(key.name, format!("{section}.{name}"));
        for said in [key.words, key.row.label, key.row.short, key.row.range.words] {
            assert!(!said.is_empty(), "{}", key.name);
        }
        assert!(key.words.ends_with('.'), "{}: {}", key.name, key.words);
        assert_eq!(key.optional, !key.row.none.is_empty(), "{}", key.name);
        let needs = key.row.needs.map(HardwareKey::named);
        assert!(needs.is_none_or(|key| key.is_ok()), "{}", key.name);
    }
    let mut names: Vec<&str> = Hardware::keys().iter().map(|key| key.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Hardware::keys().len());
}

#[test]
fn on_the_ideal_chip_no_key_acts_that_has_a_perfect_end() {
    for key in Hardware::default().acting() {
        assert_eq!(key.row.perfect, Perfect::Neither, "{}", key.name);
        // What is asked is shown, no cell absorbs, and no shot differs from another.
        assert!(
            !matches!(key.row.place, Place::Drive | Place::Loss),
            "{}",
            key.name
        );
        assert_ne!(key.row.when, When::PerShot, "{}", key.name);
    }
}

#[test]
fn a_key_acts_where_it_has_a_value_and_so_has_the_key_that_it_needs() {
    let acts = |settings: &[(&str, &str)], key: &str| {
        let hardware = settings
            .iter()
            .fold(Hardware::default(), |hw, (key, value)| {
                hw.with(key, value).unwrap()
            });
        HardwareKey::named(key).unwrap().acts(&hardware)
    };
    let thermal = ("readout.thermal_noise_pa_sqrt_hz", "10");
    assert!(!acts(&[thermal], thermal.0));
    assert!(acts(&[thermal, ("readout.bandwidth_ghz", "1")], thermal.0));
    let drift = ("phase_shifter.drift_rad_per_sqrt_s", "0.1");
    assert!(!acts(&[drift], drift.0));
    assert!(acts(&[drift, ("phase_shifter.drift_time_s", "2")], drift.0));
    assert!(acts(&[("readout.adc_bits", "6")], "readout.adc_bits"));
    assert!(!acts(&[("readout.adc_bits", "none")], "readout.adc_bits"));
    assert!(acts(&[("mesh.cell", "symmetric")], "mesh.cell"));
    assert!(!acts(
        &[("phase_shifter.v_pi_v", "3")],
        "phase_shifter.v_pi_v"
    ));
}

#[test]
fn less_imperfect_values_are_nearer_to_a_perfect_chip() {
    let of = |key: &str, value: Cell| HardwareKey::named(key).unwrap().imperfection(&value);
    assert!(of("readout.adc_bits", Cell::Null) < of("readout.adc_bits", 8.into()));
    assert!(of("readout.adc_bits", 8.into()) < of("readout.adc_bits", 4.into()));
    assert!(of("input.rin_dbc_hz", Cell::Int(-160)) < of("input.rin_dbc_hz", Cell::Int(-140)));
    let bias = "coupler.splitting_bias_rad";
    assert!(of(bias, Cell::Float(0.01)) < of(bias, Cell::Float(-0.02)));
    assert_eq!(of("input.laser_power_mw", Cell::Float(3.0)), 0.0);
}

#[test]
fn numbers_may_be_written_as_people_write_them() {
    let set = |key: &str, value: &str| Hardware::default().with(key, value).unwrap();
    let spread = set("coupler.splitting_error_rad", ".01");
    assert_eq!(spread.coupler.splitting_error_rad, 0.01);
    assert_eq!(set("readout.adc_bits", "8.0").readout.adc_bits, Some(8));
    let error = Hardware::default().with("readout.adc_bits", "8.5");
    let half = value("readout.adc_bits", "8.5");
    assert_eq!(error.unwrap_err().refusal(), half);
}

#[test]
fn numbers_that_do_nothing_beside_others_are_noted() {
    let notes = |settings: &[(&str, &str)]| {
        let set = |hw: Hardware, (key, value): &(&str, &str)| hw.with(key, value).unwrap();
        settings.iter().fold(Hardware::default(), set).notes()
    };
    let bits = ("numbers.weight_bits", "6");
    let gain = ("numbers.gain", "2");
    let range = ("readout.adc_range", "99");
    let noise = ("numbers.noise_codes", "1");
    let blocks = ("numbers.format", "abfp");
    let fixed = ("numbers.format", "fixed");
    for idle in [
        &[bits][..],
        &[gain],
        &[gain, fixed],
        &[range, blocks],
        &[noise],
        &[("readout.thermal_noise_pa_sqrt_hz", "10")],
        &[("input.rin_dbc_hz", "-140")],
        &[("phase_shifter.drift_rad_per_sqrt_s", "0.1")],
    ] {
        let said = notes(idle);
        assert!(
            said.len() == 1 && said[0].starts_with(idle[0].0),
            "{said:?}"
        );
    }
    for acting in [
        &[bits, fixed][..],
        &[bits, gain, blocks],
        &[range],
        &[noise, ("readout.adc_bits", "8")],
        &[
            ("readout.thermal_noise_pa_sqrt_hz", "10"),
            ("readout.bandwidth_ghz", "1"),
        ],
    ] {
        assert_eq!(notes(acting), Vec::<String>::new());
    }
}

/// What several kinds of chips do that are run together.
#[test]
fn a_key_does_nothing_where_it_does_nothing_on_all_kinds_that_set_it() {
    let kind = |settings: &[(&str, &str)]| {
        let set = |hw: Hardware, (key, value): &(&str, &str)| hw.with(key, value).unwrap();
        settings.iter().fold(Hardware::default(), set)
    };
    let none = Vec::<String>::new();
    let (bits, gain) = (("numbers.weight_bits", "6"), ("numbers.gain", "2"));
    let [float, fixed, abfp] = ["float", "fixed", "abfp"].map(|name| ("numbers.format", name));
    // Bits act on one of them.
    let some = [kind(&[bits, float]), kind(&[bits, fixed])];
    assert_eq!(Hardware::notes_of(some), none);
    // Kinds that do not set a key say nothing of it.
    let said = Hardware::notes_of([kind(&[bits, float]), kind(&[fixed])]);
    assert_eq!(said.len(), 1);
    assert!(said[0].starts_with("numbers.weight_bits does nothing"));
    let said = Hardware::notes_of([kind(&[gain, float]), kind(&[gain, fixed])]);
    let why = "numbers.format is float or fixed, whose converters have the range that readout.adc_range says";
    assert_eq!(said, [format!("numbers.gain does nothing: {why}")]);
    let some = [kind(&[gain, float]), kind(&[gain, abfp])];
    assert_eq!(Hardware::notes_of(some), none);
    let turned = |error: &str| kind(&[("phase_shifter.offset_rad", error)]);
    let said = Hardware::notes_of(["1", "9", "7", "8"].map(turned));
    assert_eq!(said.len(), 1);
    let start = "phase_shifter.offset_rad = 7 to 9: more than a turn";
    assert!(said[0].starts_with(start), "{said:?}");
    assert_eq!(Hardware::notes_of([] as [Hardware; 0]), none);
}
