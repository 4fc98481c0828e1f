//! `EXPERIMENT.toml` as resolved.

use std::fmt::Write;

use serde::Serialize;

use super::Sweep;
use crate::hardware::Hardware;
use crate::io::record::Cell;
use crate::nn::PerFeature;

impl Sweep {
    /// The experiment as TOML with every default and every value of every axis written out: equal experiments give
    /// equal text, and [`parse`](Self::parse) reads it back as it was.
    pub fn resolved(&self) -> String {
        #[derive(Serialize)]
        struct Section<'a> {
            hardware: &'a Hardware,
        }
        let mut text = String::new();
        let mut put = |key: &str, value: toml::Value| {
            writeln!(text, "{key} = {value}").expect("text can be written");
        };
        let own = |name: &Option<String>| name.clone().map(toml::Value::String);
        put("name", self.name.clone().into());
        let base = &self.base;
        for (key, cell) in &base.values {
            put(key.name(), toml_value(cell));
        }
        let options = [
            ("activation", own(&base.remarks.activation)),
            ("layers", base.remarks.layers.clone().map(toml::Value::from)),
            ("labels", own(&base.labels)),
            ("label", own(&base.label)),
            ("split", own(&base.split)),
            ("limit", base.limit.map(|limit| (limit as i64).into())),
            ("score", base.score.map(|score| score.to_string().into())),
        ];
        for (key, option) in options {
            if let Some(option) = option {
                put(key, option);
            }
        }
        for (key, text) in base.remarks.numbers() {
            if let Some(text) = text {
                put(key, numbers_value(text));
            }
        }
        if let Some(place) = own(&base.remarks.channels) {
            put("channels", place);
        }
        for (key, list) in base.remarks.lists() {
            if !list.is_empty() {
                put(key, list.clone().into());
            }
        }
        put("trials", (self.trials as i64).into());
        put("seed", (self.seed.0 as i64).into());
        let recorded = [
            ("confusion", self.records_confusion),
            ("layers", self.records_layers),
        ];
        let recorded = recorded.iter().filter(|(_, is_on)| *is_on);
        let recorded: Vec<toml::Value> = recorded.map(|(name, _)| (*name).into()).collect();
        put("record", recorded.into());
        let section = Section {
            hardware: &base.hardware,
        };
        let hardware = toml::to_string(&section).expect("hardware is a TOML table");
        write!(text, "\n{hardware}").expect("text can be written");
        // Of several tables of axes only the first can be called so: further axes are zips of one.
        let mut previous = "";
        let mut has_axes = false;
        for axis in &self.axes {
            let is_single = axis.keys.len() == 1 && (!has_axes || previous == "axes");
            let header = if is_single { "axes" } else { "zip" };
            if header == "zip" {
                text.push_str("\n[[zip]]\n");
            } else if previous != "axes" {
                text.push_str("\n[axes]\n");
                has_axes = true;
            }
            previous = header;
            for (key, cells) in axis.keys.iter().zip(&axis.values) {
                let cells: Vec<_> = cells
                    .iter()
                    .map(|cell| toml_value(cell).to_string())
                    .collect();
                writeln!(text, "\"{}\" = [{}]", key.name(), cells.join(", "))
                    .expect("text can be written");
            }
        }
        text
    }
}

/// Numbers as TOML has them; a path as text.
fn numbers_value(text: &str) -> toml::Value {
    match PerFeature::written(text) {
        Some(PerFeature::Same(number)) => number.into(),
        Some(PerFeature::Each(numbers)) => numbers.into(),
        None => text.into(),
    }
}

/// A cell as a TOML value; `"none"` for a missing one.
pub(super) fn toml_value(cell: &Cell) -> toml::Value {
    match cell {
        Cell::Null => "none".into(),
        Cell::Int(value) => (*value).into(),
        Cell::Float(value) => (*value).into(),
        Cell::Text(text) => text.as_str().into(),
    }
}
