//! An axis of a sweep in words.

use crate::report::plot::words::short;
use std::path::Path;

use super::quantity::Quantity;
use crate::experiment::sweep::{Axis, Key};
use crate::io::record::Cell;

/// What figures and tables say of an axis.
pub(crate) trait Described {
    /// The key that names it: its first.
    fn key(&self) -> &str;
    /// Its values, if all of them are numbers and no two are the same.
    fn numbers(&self) -> Option<Vec<f64>>;
    /// What it is in physics.
    fn quantity(&self) -> Quantity;
    /// The value at `index` in words.
    fn text(&self, index: usize) -> String;
    /// The value at `index` with its name and unit: `σ coupler 0.02 rad`.
    fn valued(&self, index: usize) -> String;
    /// The key and the value at `index` as part of a file's name: `correct-none`.
    fn file_text(&self, index: usize) -> String;
    /// Where the value at `index` stands along a line: the number, or the index of a name.
    fn position(&self, index: usize) -> f64;
}

impl Described for Axis {
    fn key(&self) -> &str {
        self.keys[0].name()
    }

    fn numbers(&self) -> Option<Vec<f64>> {
        let numbers: Vec<f64> = self.values[0].iter().map(number).collect::<Option<_>>()?;
        // Keys that change together may repeat the values of one.
        let is_repeated =
            (1..numbers.len()).any(|index| numbers[..index].contains(&numbers[index]));
        (!is_repeated).then_some(numbers)
    }

    fn quantity(&self) -> Quantity {
        let mut quantity = Quantity::of(self.key());
        if self.keys.len() > 1 {
            let others = self.keys[1..].iter();
            let others: Vec<String> = others.map(|key| Quantity::of(key.name()).short).collect();
            quantity.name = format!("{} (with {})", quantity.name, others.join(", "));
        }
        quantity
    }

    fn text(&self, index: usize) -> String {
        let texts: Vec<String> = (0..self.keys.len())
            .map(|key| text(self, key, index))
            .collect();
        texts.join(" / ")
    }

    fn valued(&self, index: usize) -> String {
        let of_key = |key: usize| {
            let quantity = Quantity::of(self.keys[key].name());
            match &self.values[key][index] {
                Cell::Text(_) if is_model(&self.keys[key]) => text(self, key, index),
                // Two nouns side by side would read as one.
                Cell::Null if quantity.unit != "modes" => {
                    format!("{}: {}", quantity.short, text(self, key, index))
                }
                Cell::Null | Cell::Text(_) => {
                    format!("{} {}", quantity.short, text(self, key, index))
                }
                _ => quantity.valued(&text(self, key, index)),
            }
        };
        let values: Vec<String> = (0..self.keys.len()).map(of_key).collect();
        values.join(" and ")
    }

    fn file_text(&self, index: usize) -> String {
        let of_key = |key: usize| {
            let value = match &self.values[key][index] {
                Cell::Null => "none".to_owned(),
                _ => text(self, key, index),
            };
            file_name(&format!("{}-{value}", self.keys[key].name()))
        };
        let values: Vec<String> = (0..self.keys.len()).map(of_key).collect();
        values.join("-")
    }

    fn position(&self, index: usize) -> f64 {
        self.numbers()
            .map_or(index as f64, |numbers| numbers[index])
    }
}

/// The value of one key at `index` in words.
fn text(axis: &Axis, key: usize, index: usize) -> String {
    match &axis.values[key][index] {
        Cell::Null => axis.keys[key].names().none.to_owned(),
        Cell::Text(path) if is_model(&axis.keys[key]) => {
            let others = axis.values[key].iter().filter_map(|other| match other {
                Cell::Text(other) if other != path => Some(without_kind(other)),
                _ => None,
            });
            let own = without_kind(path);
            match others.into_iter().any(|other| other == own) {
                true => without_folder(path),
                false => own,
            }
        }
        Cell::Text(text) => without_folder(text),
        cell => {
            let value = number(cell).expect("it is no text");
            // Digits that somebody wrote, and three of those that a range of equal ratios came out with.
            let text = short(value, 5);
            match text.replace('−', "-").parse() == Ok(value) {
                true => text,
                false => short(value, 3),
            }
        }
    }
}

/// Whether values of `key` are files of networks, which are called by their own names.
fn is_model(key: &Key) -> bool {
    matches!(key, Key::Network | Key::Program)
}

/// The last part of `path`.
fn without_folder(path: &str) -> String {
    let name = Path::new(path).file_name();
    name.map_or(path.to_owned(), |name| name.to_string_lossy().into_owned())
}

/// The same without its ending: `mlp` of `a/mlp.onnx` and of `mlp.program.safetensors`.
fn without_kind(path: &str) -> String {
    let name = without_folder(path);
    let stem = name.strip_suffix(".program.safetensors");
    let stem = stem.or_else(|| name.rsplit_once('.').map(|(stem, _)| stem));
    stem.filter(|stem| !stem.is_empty())
        .unwrap_or(&name)
        .to_owned()
}

/// `key` as part of a file's name.
pub(crate) fn file_name(key: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    key.chars().map(plain).collect()
}

fn number(cell: &Cell) -> Option<f64> {
    match cell {
        Cell::Int(value) => Some(*value as f64),
        Cell::Float(value) => Some(*value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(names: &[&str], values: Vec<Cell>) -> Axis {
        Axis {
            keys: names.iter().map(|name| Key::parse(name).unwrap()).collect(),
            values: vec![values; names.len()],
        }
    }

    #[test]
    fn values_are_said_in_words_with_their_units() {
        let sigma = axis(
            &["coupler.splitting_error_rad"],
            vec![0.0.into(), 0.025.into()],
        );
        assert_eq!(sigma.valued(1), "σ coupler 0.025 rad");
        assert_eq!(
            (sigma.numbers(), sigma.position(1)),
            (Some(vec![0.0, 0.025]), 0.025)
        );
        let range = axis(
            &["phase_shifter.phase_error_rad"],
            vec![0.012345.into(), (-154.25).into(), 0.001_258_925_4.into()],
        );
        assert_eq!(
            [0, 1, 2].map(|index| range.text(index)),
            ["0.012345", "−154.25", "0.00126"]
        );
        let tile = axis(&["tile"], vec![64.into(), Cell::Null]);
        assert_eq!(
            [tile.valued(0), tile.valued(1)],
            ["tile 64 modes", "tile whole layer"]
        );
        assert_eq!((tile.numbers(), tile.position(1)), (None, 1.0));
    }

    #[test]
    fn networks_are_called_by_their_files_names_without_endings_that_tell_nothing() {
        let network = axis(&["network"], vec!["a/b/dense.onnx".into(), "cnn.pt".into()]);
        assert_eq!([0, 1].map(|index| network.text(index)), ["dense", "cnn"]);
        assert_eq!(network.valued(0), "dense");
        assert_eq!(network.file_text(0), "network-dense");
        let program = axis(&["program"], vec!["a/vit-4.2.program.safetensors".into()]);
        assert_eq!(program.valued(0), "vit-4.2");
        let alike = axis(
            &["network"],
            vec!["a/mlp.onnx".into(), "a/mlp.pt".into(), "cnn.pt".into()],
        );
        assert_eq!(
            [0, 1, 2].map(|index| alike.valued(index)),
            ["mlp.onnx", "mlp.pt", "cnn"]
        );
        // Folders of data have dots that are no endings.
        let data = axis(&["data"], vec!["digits-1.0".into(), "digits-1.1".into()]);
        assert_eq!(data.valued(1), "data digits-1.1");
    }

    #[test]
    fn a_value_that_is_not_set_says_what_that_means() {
        for (key, words) in [
            ("phase_shifter.dac_bits", "heater supply: no quantization"),
            ("readout.adc_bits", "ADC: no quantization"),
            ("input.rin_dbc_hz", "RIN: no intensity noise"),
            ("tile", "tile whole layer"),
        ] {
            let axis = axis(&[key], vec![Cell::Null, 8.into()]);
            assert_eq!(axis.valued(0), words);
            // The name of a file has the key.
            let file = axis.file_text(0);
            assert_eq!(file, format!("{}-none", file_name(key)));
        }
    }

    #[test]
    fn a_value_of_keys_that_change_together_says_each() {
        let mut both = axis(
            &["phase_shifter.phase_error_rad", "phase_shifter.dac_bits"],
            Vec::new(),
        );
        both.values = vec![vec![0.0.into(), 0.0.into()], vec![Cell::Null, 8.into()]];
        assert_eq!(both.text(1), "0 / 8");
        assert_eq!(both.valued(1), "σ phase 0 rad and heater supply 8 bits");
        assert_eq!(
            both.valued(0),
            "σ phase 0 rad and heater supply: no quantization"
        );
        assert_eq!(
            both.file_text(0),
            "phase-shifter-phase-error-rad-0-phase-shifter-dac-bits-none"
        );
        // A line through two values at one place would be none.
        assert_eq!((both.numbers(), both.position(1)), (None, 1.0));
    }

    #[test]
    fn keys_that_change_together_are_named_together() {
        let names = [
            "coupler.splitting_error_rad",
            "phase_shifter.phase_error_rad",
        ];
        let both = axis(&names, vec![0.0.into()]);
        assert_eq!(
            both.quantity().label(),
            "σ_α of the coupler angle (with σ phase), rad"
        );
    }
}
