//! What can be asked of a key of a hardware description.

use super::setting::{Perfect, Range, ValueKind};
use super::table::{Hardware, HardwareKey};
use crate::error::{Error, Result, did_you_mean};
use crate::io::record::Cell;
use crate::units;

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
                let limit = format!(
                    "section.name, such as coupler.splitting_error_rad{}",
                    meant(name)
                );
                Error::value("key", name, limit)
            }
        })
    }

    /// The section that it stands in and its name there.
    pub fn parts(&self) -> (&'static str, &'static str) {
        let parts = self.name.split_once('.');
        parts.expect("a key has a section")
    }

    /// The unit of its numbers, `rad`, `dB`, …; empty for ratios and names.
    pub fn unit(&self) -> &'static str {
        units::of_name(self.name)
    }

    /// Its value in `hardware`; null where it has none.
    pub fn get(&self, hardware: &Hardware) -> Cell {
        (self.get)(hardware)
    }

    /// `value` as this key holds it: numbers of its kind, and null for `"none"` where the key may be left out.
    ///
    /// # Errors
    /// [`Error::Value`] if it is of another kind or no name that the key knows. Ranges are checked when it is set.
    pub fn read(&self, value: Cell) -> Result<Cell> {
        use Cell::{Float, Int, Null, Text};
        match (self.kind, value) {
            (_, Text(text)) if self.optional && text == NONE => Ok(Null),
            (_, Null) if self.optional => Ok(Null),
            (ValueKind::Float | ValueKind::NameOrFloat(_), Int(number)) => Ok(Float(number as f64)),
            (ValueKind::Float | ValueKind::NameOrFloat(_), Float(number)) => Ok(Float(number)),
            (ValueKind::Int, Int(number)) if u32::try_from(number).is_ok() => Ok(Int(number)),
            (ValueKind::Int, Float(number))
                if number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number) =>
            {
                Ok(Int(number as i64))
            }
            (ValueKind::Name(names) | ValueKind::NameOrFloat(names), Text(name))
                if names.contains(&&*name) =>
            {
                Ok(Text(name))
            }
            (ValueKind::Name(names), Text(name)) => Err(Error::unknown(self.name, &name, names)),
            (_, Text(text)) => Err(self.wrong(format!("\"{text}\""))),
            (_, Null) => Err(self.wrong(format!("\"{NONE}\""))),
            (_, value) => Err(self.wrong(value)),
        }
    }

    /// The error for `got`, which is of another kind than the key's values.
    pub(super) fn wrong(&self, got: impl std::fmt::Display) -> Error {
        let or_none = if self.optional { " or \"none\"" } else { "" };
        let limit = match self.kind {
            ValueKind::Float => format!("a number{or_none}"),
            ValueKind::Int => format!("a whole number{or_none}"),
            ValueKind::Name(names) => format!("one of {}", names.join(", ")),
            ValueKind::NameOrFloat(names) => {
                format!("\"{}\" or a number", names.join("\", \""))
            }
        };
        Error::value(self.name, got, limit)
    }

    /// Fails unless its value in `hardware` is in its range and agrees with those of other keys.
    pub(super) fn check(&self, hardware: &Hardware) -> Result<()> {
        let cell = self.get(hardware);
        let number = match &cell {
            Cell::Float(number) => Some(*number),
            Cell::Int(number) => Some(*number as f64),
            Cell::Null | Cell::Text(_) => None,
        };
        if let Some(number) = number {
            let Range { words, holds } = self.row.range;
            if !number.is_finite() || !holds(number) {
                return Err(Error::value(self.name, number, words));
            }
        }
        (self.row.relation)(hardware).map_err(|limit| Error::value(self.name, cell, limit))
    }

    /// Whether it does anything in `hardware`: it has a value other than 0, a name other than the default one, and so has
    /// the key that it needs.
    pub fn acts(&self, hardware: &Hardware) -> bool {
        let needs = self.row.needs;
        self.has_value(hardware)
            && needs.is_none_or(|name| {
                let key = Self::named(name).expect("rows name keys");
                key.acts(hardware)
            })
    }

    /// Whether it has a value other than 0, a name other than the default one.
    pub(super) fn has_value(&self, hardware: &Hardware) -> bool {
        match self.get(hardware) {
            Cell::Null => false,
            Cell::Float(number) => number != 0.0,
            Cell::Int(number) => number != 0,
            name @ Cell::Text(_) => name != self.get(&Hardware::default()),
        }
    }

    /// How far a value is from a perfect chip's, in a unit of its own; 0 for all values of a key of which no value is perfect.
    pub fn imperfection(&self, value: &Cell) -> f64 {
        let number = match value {
            Cell::Int(count) => *count as f64,
            Cell::Float(number) => *number,
            // Without a converter, a limit or noise.
            Cell::Null => return f64::NEG_INFINITY,
            Cell::Text(_) => return 0.0,
        };
        match self.row.perfect {
            Perfect::Zero => number.abs(),
            Perfect::Most => -number,
            Perfect::Least => number,
            Perfect::Neither => 0.0,
        }
    }
}

/// The sections of a description, in their order.
pub(super) fn sections() -> Vec<&'static str> {
    let keys = Hardware::keys().iter();
    let mut sections: Vec<&str> = keys.map(|key| key.parts().0).collect();
    sections.dedup();
    sections
}

/// ` (did you mean …?)` if a key is near `name`.
fn meant(name: &str) -> String {
    did_you_mean(name, Hardware::keys().iter().map(|key| key.name))
}

/// What is wrong with `key`, which is none, and what `section` has.
fn no_key(key: &str, section: &str) -> Error {
    let parts = Hardware::keys().iter().map(HardwareKey::parts);
    let of_section = parts.filter(|(known, _)| *known == section);
    let names: Vec<&str> = of_section.map(|(_, name)| name).collect();
    let allowed = if names.is_empty() {
        format!("sections are {}", sections().join(", "))
    } else {
        format!("{section} has {}", names.join(", "))
    };
    let what = format!("is no key of the hardware: {allowed}{}", meant(key));
    Error::format(key, what)
}
