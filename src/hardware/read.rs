//! Reading a hardware description key by key, so that what is wrong with a value is said of its key.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::key::{NONE, sections};
use super::{Hardware, HardwareKey};
use crate::error::{Context, Error, Result, line_of};
use crate::io::record::Cell;

impl Hardware {
    /// Reads a hardware description in TOML. `"none"` leaves a key without a value, where it may be.
    ///
    /// # Errors
    /// [`Error::Format`] if it is not TOML or a key is unknown, [`Error::Value`] if a value is of the wrong kind or out
    /// of range; with the line.
    pub fn from_toml(text: &str) -> Result<Self> {
        let table = DeTable::parse(text).map_err(|error| Error::toml(text, &error, &[]))?;
        Self::from_table(text, table.get_ref())
    }

    /// Every key as TOML that [`from_toml`](Self::from_toml) reads, with what it is beside it.
    pub fn annotated(&self) -> String {
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

    /// The hardware that `table`, a part of `text`, describes.
    pub(crate) fn from_table(text: &str, table: &DeTable<'_>) -> Result<Self> {
        let mut changes = Vec::new();
        for (section, value) in table {
            let name = section.get_ref();
            match value.get_ref() {
                DeValue::Table(keys) if sections().contains(&&**name) => {
                    for (key, value) in keys {
                        let name = format!("{name}.{}", key.get_ref());
                        let change = change(&name, value);
                        changes.push(change.within(line_of(text, key.span().start))?);
                    }
                }
                _ if sections().contains(&&**name) => {
                    let limit = format!("a table [{name}] of keys");
                    let error = Error::value(&**name, show(value.get_ref()), limit);
                    return Err(error.within(line_of(text, section.span().start)));
                }
                DeValue::Table(_) => {
                    let error = Error::unknown("section of the hardware", name, &sections());
                    return Err(error.within(line_of(text, section.span().start)));
                }
                // A dotted key in quotes; of anything else the nearest key is named.
                _ => changes.push(change(name, value).within(line_of(text, section.span().start))?),
            }
        }
        Self::default().with_values(changes)
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

/// A value as the user wrote it, or what it is.
pub(crate) fn show(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("\"{text}\""),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}
