//! Reading a hardware description key by key, so that what is wrong with a value is said of its key.

use std::path::Path;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::key::{NONE, sections};
use super::setting::show;
use super::{Hardware, HardwareKey, MeasuredChip};
use crate::error::{Context, Error, Result, line_of};
use crate::io::Source;
use crate::io::record::Cell;

impl Hardware {
    /// Reads a hardware description in TOML. `"none"` leaves a key without a value, where it may be.
    ///
    /// # Errors
    /// [`Error::Format`] if it is not TOML or a key is unknown, [`Error::Value`] if a value is of the wrong kind or out
    /// of range; with the line.
    pub fn from_toml(text: &str) -> Result<Self> {
        Self::from_toml_in(text, &no_files)
    }

    /// Reads a hardware description in TOML from `source`; the tables of a measured chip that it names are in its folder.
    ///
    /// # Errors
    /// Those of [`from_toml`](Self::from_toml) and of the tables, named by the source; [`Error::Io`].
    pub fn read(source: &Source) -> Result<Self> {
        source.parse(|bytes| {
            let text = std::str::from_utf8(bytes)
                .map_err(|_| Error::format("content", "is not UTF-8 text"))?;
            let open = |name: &str| Source::open(source.beside(Path::new(name)));
            Self::from_toml_in(text, &open)
        })
    }

    fn from_toml_in(text: &str, open: &dyn Fn(&str) -> Result<Source>) -> Result<Self> {
        let table = DeTable::parse(text).map_err(|error| Error::toml(text, &error, &[]))?;
        Self::from_table_in(text, table.get_ref(), open)
    }

    /// Every key as TOML that [`from_toml`](Self::from_toml) reads, with what it is beside it; of a measured chip its tables
    /// too.
    pub fn annotated(&self) -> String {
        let mut text = self.annotated_keys();
        if !self.measured.is_empty() {
            let measured = toml::to_string(&*self.measured).expect("it is a table of texts");
            text += &format!("\n[{MEASURED}]\n{measured}");
        }
        text
    }

    /// Every key as TOML, with what it is beside it, but for what was measured.
    pub(crate) fn annotated_keys(&self) -> String {
        let mut text = String::new();
        let mut inside = "";
        for key in Self::keys() {
            let (section, name) = key.parts();
            if section != inside {
                let gap = if inside.is_empty() { "" } else { "\n" };
                text += &format!("{gap}[{section}]\n");
                inside = section;
            }
            let value = match key.get(self) {
                Cell::Null => format!("{NONE:?}"),
                Cell::Float(number) => format!("{number:?}"),
                Cell::Int(number) => number.to_string(),
                Cell::Text(name) => format!("{name:?}"),
            };
            let none = match key.get(self) {
                Cell::Null => format!(": {}", key.row.none),
                _ => String::new(),
            };
            let assignment = format!("{name} = {value}");
            let (label, when) = (key.row.label, key.row.when.name());
            text += &format!("{assignment:<40} # {label}, {when}{none}\n");
        }
        text
    }

    /// The hardware that `table`, a part of `text`, describes without files beside it.
    pub(crate) fn from_table(text: &str, table: &DeTable<'_>) -> Result<Self> {
        Self::from_table_in(text, table, &no_files)
    }

    fn from_table_in(
        text: &str,
        table: &DeTable<'_>,
        open: &dyn Fn(&str) -> Result<Source>,
    ) -> Result<Self> {
        let mut changes = Vec::new();
        let mut measured = MeasuredChip::default();
        for (section, value) in table {
            let name = section.get_ref();
            match value.get_ref() {
                DeValue::Table(keys) if name == MEASURED => {
                    measured = MeasuredChip::of_toml(text, keys, open)?;
                }
                DeValue::Table(keys) if sections().contains(&&**name) => {
                    for (key, value) in keys {
                        let name = format!("{name}.{}", key.get_ref());
                        let change = change(&name, value);
                        changes.push(change.within(line_of(text, key.span().start))?);
                    }
                }
                _ if name == MEASURED || sections().contains(&&**name) => {
                    let limit = format!("a table [{name}] of keys");
                    let error = Error::value(&**name, show(value.get_ref()), limit);
                    return Err(error.within(line_of(text, section.span().start)));
                }
                DeValue::Table(_) => {
                    let all = [&sections()[..], &[MEASURED]].concat();
                    let error = Error::unknown("section of the hardware", name, &all);
                    return Err(error.within(line_of(text, section.span().start)));
                }
                // A dotted key in quotes; of anything else the nearest key is named.
                _ => changes.push(change(name, value).within(line_of(text, section.span().start))?),
            }
        }
        Ok(Self::default()
            .with_values(changes)?
            .with_measured(measured))
    }

    /// What was measured of the chip, where it is one that was.
    pub fn measured(&self) -> &MeasuredChip {
        &self.measured
    }

    /// The same hardware, of whose chips this was measured: it stands in place of what would be drawn.
    #[must_use]
    pub fn with_measured(mut self, measured: MeasuredChip) -> Self {
        self.measured = Arc::new(measured);
        self
    }

    /// The same hardware with `key = value` applied, `key` dotted as in `coupler.splitting_error_rad`.
    ///
    /// `value` is read as TOML; what is not TOML is taken as a string. `none` leaves the key without a value, where it
    /// may be.
    ///
    /// # Errors
    /// [`Error::Format`] if there is no such key, [`Error::Value`] if the value is of the wrong kind or out of range.
    pub fn with(&self, key: &str, value: &str) -> Result<Self> {
        let text = format!("v = {value}");
        let change = match DeTable::parse(&text) {
            Ok(table) if table.get_ref().len() == 1 => {
                let (_, value) = table.get_ref().iter().next().expect("one value");
                change(key, value)?
            }
            // `.01` is no TOML, and a number all the same.
            _ => match value.trim().parse() {
                Ok(number) => (key, Cell::Float(number)),
                Err(_) => (key, Cell::from(value)),
            },
        };
        self.with_values([change])
    }

    /// The same hardware with every key of `changes` set to its value, or left out where that is null or `"none"`.
    ///
    /// # Errors
    /// As [`with`](Self::with), once all are set: keys can depend on each other.
    pub fn with_values<'a>(
        &self,
        changes: impl IntoIterator<Item = (&'a str, Cell)>,
    ) -> Result<Self> {
        let mut hardware = self.clone();
        for (name, value) in changes {
            let key = HardwareKey::named(name)?;
            let value = key.read(value)?;
            (key.set)(&mut hardware, &value);
        }
        Self::keys()
            .iter()
            .try_for_each(|key| key.check(&hardware))?;
        Ok(hardware)
    }
}

/// The section of what was measured.
pub(super) const MEASURED: &str = "measured";

/// Text that is in no folder names no files.
fn no_files(name: &str) -> Result<Source> {
    let limit = "named by a hardware file, whose folder it is in";
    Err(Error::value(
        "file of a measured chip",
        format!("`{name}`"),
        limit,
    ))
}

/// One key of a description and its value.
fn change(name: &str, value: &Spanned<DeValue<'_>>) -> Result<(&'static str, Cell)> {
    let key = HardwareKey::named(name)?;
    let wrong = || key.wrong(show(value.get_ref()));
    let cell = match value.get_ref() {
        DeValue::String(text) => Some(Cell::Text(text.to_string())),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .ok()
            .map(Cell::Int),
        DeValue::Float(number) => number.as_str().parse().ok().map(Cell::Float),
        DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    };
    let read = key.read(cell.ok_or_else(wrong)?)?;
    Ok((key.name, read))
}
