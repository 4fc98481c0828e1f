//! Reading a hardware description key by key, so that what is wrong with a value is said of its key.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Hardware, HardwareKey, KEYS, ValueKind};
use crate::error::{Context, Error, Result, did_you_mean, line_of};

/// What a key that may be left out is set to in order to leave it without a value.
pub(super) const NONE: &str = "none";

impl HardwareKey {
    /// The key called `name`, dotted as in `coupler.splitting_error_rad`.
    ///
    /// # Errors
    /// [`Error::Value`] and [`Error::Format`] if there is none, with what its section has and the nearest one.
    pub fn named(name: &str) -> Result<&'static Self> {
        let found = Hardware::keys().iter().find(|key| key.name == name);
        found.ok_or_else(|| match name.split_once('.') {
            Some((section, _)) => no_key(name, section),
            None => {
                let meant = did_you_mean(name, KEYS.iter().copied());
                let limit = format!("section.name, such as coupler.splitting_error_rad{meant}");
                Error::value("key", name, limit)
            }
        })
    }

    /// `value` as this key holds it: numbers of its kind, and nothing for `"none"` where the key may be left out.
    ///
    /// # Errors
    /// [`Error::Value`] if it is of another kind or no name that the key knows. Ranges are checked by
    /// [`Hardware::check`].
    pub fn read(&self, value: toml::Value) -> Result<Option<toml::Value>> {
        use toml::Value::{Float, Integer, String};
        match (self.kind, value) {
            (_, String(text)) if self.optional && text == NONE => Ok(None),
            (ValueKind::Float, Integer(number)) | (ValueKind::NameOrFloat(_), Integer(number)) => {
                Ok(Some(Float(number as f64)))
            }
            (ValueKind::Float | ValueKind::NameOrFloat(_), Float(number)) => {
                Ok(Some(Float(number)))
            }
            (ValueKind::Int, Integer(number)) if u32::try_from(number).is_ok() => {
                Ok(Some(Integer(number)))
            }
            (ValueKind::Name(names) | ValueKind::NameOrFloat(names), String(name))
                if names.contains(&&*name) =>
            {
                Ok(Some(String(name)))
            }
            (ValueKind::Name(names), String(name)) => Err(Error::unknown(self.name, &name, names)),
            (kind, value) => {
                let or_none = if self.optional { " or \"none\"" } else { "" };
                let got = match value {
                    toml::Value::Array(_) => "a list".to_owned(),
                    toml::Value::Table(_) => "a table".to_owned(),
                    value => value.to_string(),
                };
                let limit = match kind {
                    ValueKind::Float => format!("a number{or_none}"),
                    ValueKind::Int => format!("a whole number{or_none}"),
                    ValueKind::Name(names) => format!("one of {}", names.join(", ")),
                    ValueKind::NameOrFloat(names) => {
                        format!("\"{}\" or a number", names.join("\", \""))
                    }
                };
                Err(Error::value(self.name, got, limit))
            }
        }
    }
}

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
        let parsed = format!("v = {value}")
            .parse::<toml::Table>()
            .ok()
            .and_then(|mut table| table.remove("v"))
            .unwrap_or_else(|| toml::Value::String(value.to_owned()));
        self.with_values([(key, Some(parsed))])
    }

    /// The same hardware with every key of `changes` set to its TOML value, or left out where there is none.
    ///
    /// # Errors
    /// As [`with`](Self::with), once all are set.
    pub fn with_values<'a>(
        &self,
        changes: impl IntoIterator<Item = (&'a str, Option<toml::Value>)>,
    ) -> Result<Self> {
        let mut table = toml::Table::try_from(self).expect("hardware is a TOML table");
        for (name, value) in changes {
            let key = HardwareKey::named(name)?;
            let (section, name) = name.split_once('.').expect("a key has a section");
            let section = table[section]
                .as_table_mut()
                .expect("every section of the hardware is a table");
            match value.map(|value| key.read(value)).transpose()?.flatten() {
                Some(value) => section.insert(name.to_owned(), value),
                None => section.remove(name),
            };
        }
        let hardware: Self = table.try_into().expect("every value is of its key's kind");
        hardware.check()?;
        Ok(hardware)
    }
}

/// The tables of a description.
fn sections() -> Vec<&'static str> {
    let parts = KEYS.iter().filter_map(|key| key.split_once('.'));
    let mut sections: Vec<&str> = parts.map(|(section, _)| section).collect();
    sections.dedup();
    sections
}

/// One key of a description and its value.
fn change(name: &str, value: &Spanned<DeValue<'_>>) -> Result<(&'static str, Option<toml::Value>)> {
    let key = HardwareKey::named(name)?;
    let wrong = || key.read(toml::Value::String(show(value.get_ref())));
    let read = match value.get_ref() {
        DeValue::String(text) => key.read(toml::Value::String(text.to_string())),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => key.read(toml::Value::Integer(number)),
            Err(_) => wrong(),
        },
        DeValue::Float(number) => match number.as_str().parse() {
            Ok(number) => key.read(toml::Value::Float(number)),
            Err(_) => wrong(),
        },
        DeValue::Boolean(value) => key.read(toml::Value::Boolean(*value)),
        DeValue::Datetime(time) => key.read(toml::Value::Datetime(*time)),
        DeValue::Array(_) => key.read(toml::Value::Array(Vec::new())),
        DeValue::Table(_) => key.read(toml::Value::Table(toml::Table::new())),
    }?;
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

/// What is wrong with `key`, which is none, and what `section` has.
fn no_key(key: &str, section: &str) -> Error {
    let parts = KEYS.iter().filter_map(|key| key.split_once('.'));
    let of_section = parts.filter(|(known, _)| *known == section);
    let names: Vec<&str> = of_section.map(|(_, name)| name).collect();
    let allowed = if names.is_empty() {
        format!("sections are {}", sections().join(", "))
    } else {
        format!("{section} has {}", names.join(", "))
    };
    let meant = did_you_mean(key, KEYS.iter().copied());
    Error::format(key, format!("is no key of the hardware: {allowed}{meant}"))
}
