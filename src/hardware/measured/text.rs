//! What was measured as tables of text, in one way for each: equal chips have equal text.

use std::collections::BTreeMap;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::read::{CROSSTALK, RESPONSE};
use super::{Id, Known, MeasuredChip, MeasuredQuantity, Spot};

/// A table and where it stands in `[measured]`.
pub(crate) struct TextTable {
    /// The key of a file.
    pub(crate) file_key: &'static str,
    /// The key of the text itself.
    pub(crate) text_key: &'static str,
    /// What the name of its file has behind that of the chip.
    pub(crate) ending: &'static str,
    pub(crate) csv: String,
}

impl MeasuredChip {
    /// The tables that say all but what is known; none that is empty.
    pub(crate) fn tables(&self) -> Vec<TextTable> {
        let tables = [
            ("files", "table", "", self.numbers_csv()),
            (
                "response",
                "response_table",
                "-response",
                self.responses_csv(),
            ),
            (
                "crosstalk",
                "crosstalk_table",
                "-crosstalk",
                self.crosstalk_csv(),
            ),
        ];
        let tables = tables
            .into_iter()
            .filter_map(|(file_key, text_key, ending, csv)| {
                Some(TextTable {
                    file_key,
                    text_key,
                    ending,
                    csv: csv?,
                })
            });
        tables.collect()
    }

    /// A row for each component, a column for each quantity that was measured of any; nothing where none was.
    pub fn numbers_csv(&self) -> Option<String> {
        let has = |quantity: &MeasuredQuantity| {
            self.sections.values().any(|section| {
                let mut keys = section.numbers.keys();
                keys.any(|(_, other)| other == quantity)
            })
        };
        let quantities: Vec<_> = MeasuredQuantity::ALL.into_iter().filter(has).collect();
        if quantities.is_empty() {
            return None;
        }
        let names = quantities.iter().map(|quantity| quantity.name());
        let mut csv = Csv::new(std::iter::once("id").chain(names));
        for (path, section) in &self.sections {
            let mut rows: BTreeMap<Spot, Vec<Option<f64>>> = BTreeMap::new();
            for ((spot, quantity), (number, _)) in &section.numbers {
                let row = rows
                    .entry(*spot)
                    .or_insert_with(|| vec![None; quantities.len()]);
                let column = quantities.iter().position(|other| other == quantity);
                row[column.expect("it is there")] = Some(*number);
            }
            for (spot, numbers) in rows {
                let cells = quantities.iter().zip(numbers).map(|(quantity, number)| {
                    match (quantity, number) {
                        (_, None) => String::new(),
                        (MeasuredQuantity::Dead, Some(number)) => (number != 0.0).to_string(),
                        (_, Some(number)) => format!("{number:?}"),
                    }
                });
                csv.row(std::iter::once(spot.id(path)).chain(cells));
            }
        }
        Some(csv.text)
    }

    /// A row for each point of a response; nothing where none was measured.
    pub fn responses_csv(&self) -> Option<String> {
        let mut csv = Csv::new(RESPONSE);
        let mut is_empty = true;
        for (path, section) in &self.sections {
            for (spot, (curve, _)) in &section.responses {
                for [volts, phase] in curve.points() {
                    is_empty = false;
                    csv.row([spot.id(path), format!("{volts:?}"), format!("{phase:?}")]);
                }
            }
        }
        (!is_empty).then_some(csv.text)
    }

    /// A row for each share of crosstalk; nothing where none was measured.
    pub fn crosstalk_csv(&self) -> Option<String> {
        let mut csv = Csv::new(CROSSTALK);
        for ((to, from), (share, _)) in &self.crosstalk {
            let id = |id: &Id| id.to_string();
            csv.row([id(from), id(to), format!("{share:?}")]);
        }
        (!self.crosstalk.is_empty()).then_some(csv.text)
    }
}

/// As `[measured]` says it, tables as text.
impl Serialize for MeasuredChip {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if self.known != Known::default() {
            map.serialize_entry("known", &self.known.names())?;
        }
        for table in self.tables() {
            map.serialize_entry(table.text_key, &table.csv)?;
        }
        map.end()
    }
}

/// Lines of cells; a cell with a separator in it stands in quotes.
struct Csv {
    text: String,
}

impl Csv {
    fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut csv = Self {
            text: String::new(),
        };
        csv.row(names.into_iter().map(str::to_owned));
        csv
    }

    fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        for (number, cell) in cells.into_iter().enumerate() {
            if number > 0 {
                self.text.push(',');
            }
            match cell.contains([',', '"', ';', '\t', '\n', '\r']) {
                true => self.text += &format!("\"{}\"", cell.replace('"', "\"\"")),
                false => self.text += &cell,
            }
        }
        self.text.push('\n');
    }
}
