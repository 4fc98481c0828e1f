//! Every number of the hardware, with its unit and its source.

use crate::hardware::{Hardware, HardwareKey, PRESETS, Sourced, sources};
use crate::io::record::Cell;
use crate::report::plot::table::Table;

/// One row a key of `hardware`, those that are not set included.
pub(crate) fn table(hardware: &Hardware, varied: &[String]) -> Table {
    let presets = nearest_presets(hardware);
    let mut table = Table::new(["key", "what", "value", "unit", "source"]);
    for key in Hardware::keys() {
        let value = key.get(hardware);
        let source = match &value {
            _ if varied.iter().any(|name| name == key.name) => {
                "varied: an axis of this experiment".to_owned()
            }
            Cell::Null => format!("not set: {}", key.row.none),
            value => source(&presets, key, value),
        };
        table.push(vec![
            key.name.into(),
            key.row.label.into(),
            value,
            key.unit().into(),
            Cell::Text(source),
        ]);
    }
    table
}

/// The values of all presets, those first that have most in common with `hardware`.
fn nearest_presets(hardware: &Hardware) -> Vec<Vec<Sourced>> {
    let presets = PRESETS.iter().map(|(name, _)| sources(name));
    let mut presets: Vec<Vec<Sourced>> = presets.collect();
    let is_same = |of_preset: &&Sourced| {
        let key = HardwareKey::named(of_preset.key).expect("a preset has keys of the hardware");
        key.get(hardware) == of_preset.value
    };
    presets.sort_by_key(|values| std::cmp::Reverse(values.iter().filter(is_same).count()));
    presets
}

/// Where `value` comes from: what stands beside it in the first of `presets` that has it.
fn source(presets: &[Vec<Sourced>], key: &HardwareKey, value: &Cell) -> String {
    let mut all = presets.iter().flatten();
    match all.find(|sourced| sourced.key == key.name && sourced.value == *value) {
        Some(Sourced { preset, source, .. }) => format!("{source} (preset {preset})"),
        None if key.get(&Hardware::default()) == *value => "the default".to_owned(),
        None => "set in this experiment; no preset has this value".to_owned(),
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
