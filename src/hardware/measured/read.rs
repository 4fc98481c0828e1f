//! Reading what was measured: `[measured]` of a hardware file, and its tables.

use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::id::Id;
use super::known::Known;
use super::{Curve, MeasuredChip, MeasuredQuantity, Origin};
use crate::error::{Context, Error, Result, line_of};
use crate::hardware::setting::show;
use crate::io::Source;
use crate::io::record::Cell;
use crate::io::sheet::Sheet;

/// Keys of `[measured]`: files of each kind of table, the tables themselves as text, and what corrections know.
const KEYS: [&str; 7] = [
    "files",
    "response",
    "crosstalk",
    "known",
    "table",
    "response_table",
    "crosstalk_table",
];

/// Columns of a table of responses.
pub(super) const RESPONSE: [&str; 3] = ["id", "voltage_v", "phase_rad"];

/// Columns of a table of crosstalk.
pub(super) const CROSSTALK: [&str; 3] = ["from", "to", "share"];

/// What a table says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Numbers,
    Responses,
    Crosstalk,
}

impl MeasuredChip {
    /// What the table `[measured]` of `text` says; `open` opens the files that it names.
    pub(crate) fn of_toml(
        text: &str,
        table: &DeTable<'_>,
        open: &dyn Fn(&str) -> Result<Source>,
    ) -> Result<Self> {
        let mut measured = Self::default();
        for (key, value) in table {
            let name = &**key.get_ref();
            let place = || line_of(text, key.span().start);
            let dotted = format!("measured.{name}");
            let kind = match name {
                "files" | "table" => Kind::Numbers,
                "response" | "response_table" => Kind::Responses,
                "crosstalk" | "crosstalk_table" => Kind::Crosstalk,
                "known" => {
                    measured.known = Known::of_toml(value).within("measured").within(place())?;
                    continue;
                }
                other => {
                    let error = Error::unknown("key of [measured]", other, &KEYS);
                    return Err(error.within(place()));
                }
            };
            let texts = texts(&dotted, value.get_ref()).within(place())?;
            for text in texts {
                let source = match name.ends_with("table") {
                    true => Source::new(dotted.clone(), text),
                    false => open(text).within(place())?,
                };
                measured = measured.with_table(&source, kind)?;
            }
        }
        Ok(measured)
    }

    /// With the numbers of a table: `id`, and a column for each [`MeasuredQuantity`] that was measured. An empty cell says
    /// nothing.
    ///
    /// # Errors
    /// Those of a [table](Sheet::read) and of [`with`](Self::with), by line and column, named by the source;
    /// [`Error::Value`] for a column of another name.
    pub fn with_numbers(self, source: &Source) -> Result<Self> {
        self.with_table(source, Kind::Numbers)
    }

    /// With the responses of a table of `id`, `voltage_v` and `phase_rad`: two rows or more for each heater, their voltages
    /// and phases rising.
    ///
    /// # Errors
    /// As [`with_numbers`](Self::with_numbers), and those of a [`Curve`].
    pub fn with_responses(self, source: &Source) -> Result<Self> {
        self.with_table(source, Kind::Responses)
    }

    /// With the shares of a table of `from`, `to` and `share`.
    ///
    /// # Errors
    /// As [`with_numbers`](Self::with_numbers).
    pub fn with_crosstalk(self, source: &Source) -> Result<Self> {
        self.with_table(source, Kind::Crosstalk)
    }

    fn with_table(mut self, source: &Source, kind: Kind) -> Result<Self> {
        let sheet = Sheet::read(source)?;
        let table = Table {
            sheet: &sheet,
            file: source.name().into(),
        };
        let read = match kind {
            Kind::Numbers => table.numbers(&mut self),
            Kind::Responses => table.responses(&mut self),
            Kind::Crosstalk => table.crosstalk(&mut self),
        };
        read.within(source.name())?;
        Ok(self)
    }
}

/// One text or a list of them.
fn texts<'a>(key: &str, value: &'a DeValue<'_>) -> Result<Vec<&'a str>> {
    let wrong = |got: &DeValue<'_>| Error::value(key, show(got), "a text or a list of texts");
    match value {
        DeValue::String(text) => Ok(vec![text]),
        DeValue::Array(items) => {
            let texts = items.iter().map(|item| match item.get_ref() {
                DeValue::String(text) => Ok(&**text),
                other => Err(wrong(other)),
            });
            texts.collect()
        }
        other => Err(wrong(other)),
    }
}

/// A table and the file that errors name.
struct Table<'a> {
    sheet: &'a Sheet,
    file: Arc<str>,
}

impl Table<'_> {
    fn numbers(&self, measured: &mut MeasuredChip) -> Result<()> {
        let names = || MeasuredQuantity::ALL.map(MeasuredQuantity::name);
        let mut columns = Vec::new();
        for (position, name) in self.sheet.names().enumerate() {
            match MeasuredQuantity::named(name) {
                Some(quantity) => columns.push((position, quantity)),
                None if name == "id" => {}
                None => {
                    let all = [&["id"][..], &names()].concat();
                    return Err(Error::unknown("column", name, &all));
                }
            }
        }
        let id = self.position("id", "id, and a column for each quantity that was measured")?;
        if columns.is_empty() {
            let reason = format!(
                "has no column of numbers: must have one of {}",
                names().join(", ")
            );
            return Err(Error::format("table", reason));
        }
        for row in 0..self.sheet.rows() {
            let at = self.id(row, id)?;
            for (position, quantity) in &columns {
                let read = self.value(row, *position, *quantity);
                if let Some(number) = read.within(self.sheet.place(row))? {
                    let put = measured.put(at.clone(), *quantity, number, self.origin(row));
                    put.within(self.sheet.place(row))?;
                }
            }
        }
        Ok(())
    }

    fn responses(&self, measured: &mut MeasuredChip) -> Result<()> {
        let [id, volts, phase] = self.columns(&RESPONSE)?;
        // Points of a heater in the order of the table, and its first row.
        let mut heaters: Vec<(Id, usize, Vec<[f64; 2]>)> = Vec::new();
        let mut places = std::collections::BTreeMap::new();
        for row in 0..self.sheet.rows() {
            let at = self.id(row, id)?;
            let point = [
                self.finite(row, volts, RESPONSE[1])?,
                self.finite(row, phase, RESPONSE[2])?,
            ];
            let index = *places.entry(at.clone()).or_insert(heaters.len());
            match heaters.get_mut(index) {
                Some((.., points)) => points.push(point),
                None => heaters.push((at, row, vec![point])),
            }
        }
        for (at, row, points) in heaters {
            let place = || format!("response of `{at}` from {} on", self.sheet.place(row));
            let curve = Curve::new(&points).within(place())?;
            let put = measured.put_response(at.clone(), curve, self.origin(row));
            put.within(self.sheet.place(row))?;
        }
        Ok(())
    }

    fn crosstalk(&self, measured: &mut MeasuredChip) -> Result<()> {
        let [from, to, share] = self.columns(&CROSSTALK)?;
        for row in 0..self.sheet.rows() {
            let [from, to] = [self.id(row, from)?, self.id(row, to)?];
            let share = self.finite(row, share, CROSSTALK[2])?;
            let put = measured.put_share(from, to, share, self.origin(row));
            put.within(self.sheet.place(row))?;
        }
        Ok(())
    }

    /// The positions of exactly these columns.
    fn columns<const N: usize>(&self, names: &[&str; N]) -> Result<[usize; N]> {
        for name in self.sheet.names() {
            if !names.contains(&name) {
                return Err(Error::unknown("column", name, names));
            }
        }
        let mut positions = [0; N];
        for (position, name) in positions.iter_mut().zip(names) {
            *position = self.position(name, &names.join(", "))?;
        }
        Ok(positions)
    }

    fn position(&self, name: &str, all: &str) -> Result<usize> {
        self.sheet.column(name).ok_or_else(|| {
            let reason = format!("is missing: the table must have {all}");
            Error::format(format!("column `{name}`"), reason)
        })
    }

    fn id(&self, row: usize, column: usize) -> Result<Id> {
        let name = self.sheet.names().nth(column).expect("there is the column");
        let parsed = match self.sheet.cell(row, column) {
            Cell::Text(text) => Id::parse(name, text),
            other => Id::parse(name, &other.to_string()),
        };
        parsed.within(self.sheet.place(row))
    }

    /// The number in a cell of a quantity; nothing where it is empty.
    fn value(&self, row: usize, column: usize, quantity: MeasuredQuantity) -> Result<Option<f64>> {
        let cell = self.sheet.cell(row, column);
        let number = match (cell, quantity) {
            (Cell::Null, _) => return Ok(None),
            (Cell::Text(text), MeasuredQuantity::Dead) if text.eq_ignore_ascii_case("true") => {
                Some(1.0)
            }
            (Cell::Text(text), MeasuredQuantity::Dead) if text.eq_ignore_ascii_case("false") => {
                Some(0.0)
            }
            _ => self.sheet.number(row, column),
        };
        let row = quantity.row();
        let wrong = || Error::value(row.name, format!("`{cell}`"), row.range);
        number.map(Some).ok_or_else(wrong)
    }

    /// The finite number in a cell that must have one.
    fn finite(&self, row: usize, column: usize, name: &str) -> Result<f64> {
        let number = self.sheet.number(row, column);
        let number = number.filter(|number| number.is_finite());
        number.ok_or_else(|| {
            let got = format!("`{}`", self.sheet.cell(row, column));
            Error::value(name, got, "a finite number").within(self.sheet.place(row))
        })
    }

    fn origin(&self, row: usize) -> Origin {
        let (row, is_line) = match self.sheet.line(row) {
            Some(line) => (line, true),
            None => (row as u64, false),
        };
        Origin {
            file: Arc::clone(&self.file),
            row,
            is_line,
        }
    }
}
