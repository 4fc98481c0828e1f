//! Every number of the hardware, with its unit and its source.

use super::quantity::{Quantity, unit};
use super::table::Table;
use crate::hardware::{Hardware, PRESETS};
use crate::io::record::Cell;

/// One row a key of `hardware`, those that are not set included.
pub(super) fn table(hardware: &Hardware, varied: &[String]) -> Table {
    let of =
        |hardware: &Hardware| toml::Table::try_from(hardware).expect("hardware is a TOML table");
    let (values, ideal) = (of(hardware), of(&Hardware::default()));
    let presets = nearest_presets(&values);
    let mut table = Table::new(["key", "what", "value", "unit", "source"]);
    for key in Hardware::keys() {
        let (section, name) = key.name.split_once('.').expect("a key has a section");
        let value = values[section].get(name);
        let source = match value {
            _ if varied.iter().any(|name| name == key.name) => {
                "varied: an axis of this experiment".to_owned()
            }
            None => unset(name).to_owned(),
            Some(value) => source(&presets, section, name, value).unwrap_or_else(|| {
                let is_default = ideal[section].get(name) == Some(value);
                let what = match is_default {
                    true => "the default",
                    false => "set in this experiment; no preset has this value",
                };
                what.to_owned()
            }),
        };
        let shown: Cell = match value {
            None => Cell::Null,
            Some(toml::Value::Float(number)) => Cell::Float(*number),
            Some(toml::Value::Integer(number)) => Cell::Int(*number),
            Some(toml::Value::String(text)) => text.as_str().into(),
            Some(other) => Cell::Text(other.to_string()),
        };
        table.push(vec![
            key.name.into(),
            Cell::Text(Quantity::of(key.name).name),
            shown,
            unit(key.name).into(),
            Cell::Text(source),
        ]);
    }
    table
}

/// What is modelled where a key has no value.
fn unset(name: &str) -> &'static str {
    match name {
        "dac_bits" | "adc_bits" => "not set: no quantization",
        "v_max_v" => "not set: √2 V_π, which reaches a phase of 2π",
        "extinction_ratio_db" => "not set: modulators block all light",
        "rin_dbc_hz" => "not set: a laser without intensity noise",
        _ => "not set",
    }
}

/// The presets, those first that have most numbers in common with `values`.
fn nearest_presets(values: &toml::Table) -> Vec<(&'static str, &'static str)> {
    let common = |text: &str| {
        let preset: toml::Table = text.parse().expect("a preset is TOML");
        let keys = preset.iter().flat_map(|(section, keys)| {
            let keys = keys.as_table().into_iter().flatten();
            keys.map(move |(name, value)| (section, name, value))
        });
        let is_same = |(section, name, value): &(&String, &String, &toml::Value)| {
            let own = values[section.as_str()].get(name.as_str());
            own.map(number) == Some(number(value))
        };
        keys.filter(is_same).count()
    };
    let mut presets = PRESETS.to_vec();
    presets.sort_by_key(|(_, text)| std::cmp::Reverse(common(text)));
    presets
}

/// What stands beside this value in the first of `presets` that has it.
fn source(
    presets: &[(&'static str, &'static str)],
    section: &str,
    name: &str,
    value: &toml::Value,
) -> Option<String> {
    presets.iter().find_map(|(preset, text)| {
        let source = beside(text, section, name, value)?;
        Some(format!("{source} (preset {preset})"))
    })
}

/// The comment beside `name = value` in `[section]` of a preset.
fn beside(text: &str, section: &str, name: &str, value: &toml::Value) -> Option<String> {
    let mut inside = "";
    for line in text.lines() {
        if let Some(header) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            inside = header;
            continue;
        }
        let Some((assignment, source)) = line.split_once('#') else {
            continue;
        };
        let Some((key, _)) = assignment.split_once('=') else {
            continue;
        };
        if inside == section && key.trim() == name {
            let parsed = assignment.parse::<toml::Table>().ok()?;
            let same = parsed.get(name).map(number) == Some(number(value));
            return same.then(|| source.trim().to_owned());
        }
    }
    None
}

/// A value in which 16 and 16.0 are the same.
fn number(value: &toml::Value) -> String {
    match value {
        toml::Value::Integer(number) => (*number as f64).to_string(),
        toml::Value::Float(number) => number.to_string(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hardware::preset;

    fn row<'a>(table: &'a Table, key: &str) -> &'a [Cell] {
        table.rows.iter().find(|row| row[0] == key.into()).unwrap()
    }

    #[test]
    fn every_number_of_every_preset_is_shown_with_the_source_beside_it() {
        for (name, text) in PRESETS {
            let hardware = Hardware::from_toml(preset(name).unwrap()).unwrap();
            let table = table(&hardware, &[]);
            let sources = text.lines().filter(|line| !line.starts_with('#'));
            for line in sources {
                let Some((assignment, source)) = line.split_once('#') else {
                    continue;
                };
                let key = assignment.split_once('=').unwrap().0.trim();
                let shown = table.rows.iter().any(|row| {
                    let Cell::Text(shown) = &row[4] else {
                        return false;
                    };
                    let Cell::Text(long) = &row[0] else {
                        return false;
                    };
                    long.ends_with(&format!(".{key}")) && shown.contains(source.trim())
                });
                assert!(shown, "{name}: {line}");
            }
        }
    }

    #[test]
    fn a_key_without_value_says_what_that_means() {
        let table = table(&Hardware::default(), &[]);
        for row in table.rows.iter().filter(|row| row[2] == Cell::Null) {
            let Cell::Text(source) = &row[4] else {
                panic!("a source is text");
            };
            assert!(source.starts_with("not set: "), "{:?}: {source}", row[0]);
        }
        let no_limit = row(&table, "phase_shifter.v_max_v");
        assert_eq!(
            no_limit[4],
            "not set: √2 V_π, which reaches a phase of 2π".into()
        );
    }

    #[test]
    fn a_value_of_no_preset_and_a_varied_one_say_so() {
        let hardware = Hardware::default()
            .with("coupler.splitting_error_rad", "0.123")
            .and_then(|hardware| hardware.with("mesh.insertion_loss_db", "0.2"))
            .unwrap();
        let table = table(&hardware, &["mesh.insertion_loss_db".to_owned()]);
        assert_eq!(
            row(&table, "coupler.splitting_error_rad")[2..],
            [
                Cell::Float(0.123),
                "rad".into(),
                "set in this experiment; no preset has this value".into()
            ]
        );
        let Cell::Text(varied) = &row(&table, "mesh.insertion_loss_db")[4] else {
            panic!("a source is text");
        };
        assert!(varied.starts_with("varied"));
        assert_eq!(row(&table, "readout.detection")[2], "coherent".into());
    }
}
