//! What a key of a hardware description is: the type of the rows of [`KEYS`](super::KEYS).

use super::{AdcRange, Detection, Hardware};
use crate::error::{Error, Result, did_you_mean};
use crate::io::record::Cell;
use crate::mesh::CellKind;
use crate::units;

/// What a key that may be left out is set to in order to leave it without a value.
pub(super) const NONE: &str = "none";

/// One key of a hardware description: everything that is known of it.
#[derive(Debug, Clone, Copy)]
pub struct HardwareKey {
    /// Its dotted name, such as `coupler.splitting_error_rad`.
    pub name: &'static str,
    /// What it is, in sentences.
    pub words: &'static str,
    /// What its values are.
    pub kind: ValueKind,
    /// Whether it may be left out and then has no value, not even a default one.
    pub optional: bool,
    /// How it acts and is spoken of.
    pub row: Row,
    pub(super) get: fn(&Hardware) -> Cell,
    pub(super) set: fn(&mut Hardware, &Cell),
}

/// How a key acts and is spoken of.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// As on an axis of a figure: `σ of the coupler angle`.
    pub label: &'static str,
    /// As in a legend: `σ coupler`.
    pub short: &'static str,
    /// When it is drawn.
    pub when: When,
    /// Where along the way from a phase that is asked for to a number that is read it acts.
    pub place: Place,
    /// Which of its values is a perfect chip's.
    pub perfect: Perfect,
    /// What its numbers may be.
    pub range: Range,
    /// What is modelled where it has no value; empty where it always has one.
    pub none: &'static str,
    /// The key without which it does nothing.
    pub needs: Option<&'static str>,
    /// What it must hold to beside the values of other keys; the limit in words where it does not.
    relation: fn(&Hardware) -> Result<(), String>,
}

/// When an effect is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Never: it is the same on every chip.
    Fixed,
    /// Once for every chip.
    PerChip,
    /// Once for every programming of a chip.
    PerLoad,
    /// For every sample.
    PerShot,
    /// Never: it changes no result.
    Recorded,
}

/// Where a key acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The angles of couplers.
    Coupler,
    /// Between the phase that is asked of a heater and what the heater does.
    Drive,
    /// On top of what a heater does: it adds to the phase.
    Phase,
    /// What cells absorb.
    Loss,
    /// Laser, modulators and the way onto the chip.
    Input,
    /// Detectors and what digitizes them.
    Readout,
}

impl Place {
    /// Whether it is among the cells of a mesh, not in front of them or behind them.
    pub fn is_in_mesh(self) -> bool {
        match self {
            Self::Coupler | Self::Drive | Self::Phase | Self::Loss => true,
            Self::Input | Self::Readout => false,
        }
    }
}

/// Which end of a key's values is a perfect chip's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Perfect {
    /// 0, and less is better on either side of it.
    Zero,
    /// No value, and more is better.
    Most,
    /// No value, and less is better.
    Least,
    /// None: it is a matter of design.
    Neither,
}

/// What numbers a key takes.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    /// In words, as errors say it: `0 or more`.
    pub words: &'static str,
    holds: fn(f64) -> bool,
}

impl Range {
    /// Every number; names.
    pub(super) const ANY: Self = Self::new("a finite number", |_| true);
    pub(super) const NOT_NEGATIVE: Self = Self::new("0 or more", |x| x >= 0.0);
    pub(super) const POSITIVE: Self = Self::new("more than 0", |x| x > 0.0);
    pub(super) const BITS: Self = Self::new("1..=24", |x| (1.0..=24.0).contains(&x));

    pub(super) const fn new(words: &'static str, holds: fn(f64) -> bool) -> Self {
        Self { words, holds }
    }
}

impl Row {
    /// A row of a key that is 0 on a perfect chip and else 0 or more.
    pub(super) const fn new(
        label: &'static str,
        short: &'static str,
        when: When,
        place: Place,
    ) -> Self {
        Self {
            label,
            short,
            when,
            place,
            perfect: Perfect::Zero,
            range: Range::NOT_NEGATIVE,
            none: "",
            needs: None,
            relation: |_| Ok(()),
        }
    }

    pub(super) const fn perfect(self, perfect: Perfect) -> Self {
        Self { perfect, ..self }
    }

    pub(super) const fn range(self, range: Range) -> Self {
        Self { range, ..self }
    }

    pub(super) const fn none(self, none: &'static str) -> Self {
        Self { none, ..self }
    }

    pub(super) const fn needs(self, key: &'static str) -> Self {
        Self {
            needs: Some(key),
            ..self
        }
    }

    pub(super) const fn relation(self, relation: fn(&Hardware) -> Result<(), String>) -> Self {
        Self { relation, ..self }
    }
}

impl When {
    /// As the documents say it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::PerChip => "per chip",
            Self::PerLoad => "per load",
            Self::PerShot => "per shot",
            Self::Recorded => "recorded only",
        }
    }
}

/// What the values of a key are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// A number.
    Float,
    /// A whole number.
    Int,
    /// One of these names.
    Name(&'static [&'static str]),
    /// One of these names, or a number.
    NameOrFloat(&'static [&'static str]),
}

/// What a field of [`Hardware`] can be, and how its values are written.
pub(super) trait Setting: Sized {
    const KIND: ValueKind;
    const OPTIONAL: bool = false;

    fn cell(&self) -> Cell;

    /// The value that a cell of [`KIND`](Self::KIND) says; nothing for any other cell.
    fn of(cell: &Cell) -> Option<Self>;
}

impl Setting for f64 {
    const KIND: ValueKind = ValueKind::Float;

    fn cell(&self) -> Cell {
        Cell::Float(*self)
    }

    fn of(cell: &Cell) -> Option<Self> {
        match cell {
            Cell::Float(number) => Some(*number),
            _ => None,
        }
    }
}

impl Setting for u32 {
    const KIND: ValueKind = ValueKind::Int;

    fn cell(&self) -> Cell {
        Cell::Int(i64::from(*self))
    }

    fn of(cell: &Cell) -> Option<Self> {
        match cell {
            Cell::Int(number) => u32::try_from(*number).ok(),
            _ => None,
        }
    }
}

impl<T: Setting> Setting for Option<T> {
    const KIND: ValueKind = T::KIND;
    const OPTIONAL: bool = true;

    fn cell(&self) -> Cell {
        self.as_ref().map_or(Cell::Null, T::cell)
    }

    fn of(cell: &Cell) -> Option<Self> {
        match cell {
            Cell::Null => Some(None),
            cell => T::of(cell).map(Some),
        }
    }
}

impl Setting for CellKind {
    const KIND: ValueKind = ValueKind::Name(&{
        let mut names = [""; CellKind::ALL.len()];
        let mut index = 0;
        while index < names.len() {
            names[index] = CellKind::ALL[index].name();
            index += 1;
        }
        names
    });

    fn cell(&self) -> Cell {
        self.name().into()
    }

    fn of(cell: &Cell) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.cell() == *cell)
    }
}

impl Setting for Detection {
    const KIND: ValueKind =
        ValueKind::Name(&[Detection::Coherent.name(), Detection::Intensity.name()]);

    fn cell(&self) -> Cell {
        self.name().into()
    }

    fn of(cell: &Cell) -> Option<Self> {
        let both = [Self::Coherent, Self::Intensity];
        both.into_iter().find(|kind| kind.cell() == *cell)
    }
}

impl Setting for AdcRange {
    const KIND: ValueKind = ValueKind::NameOrFloat(&[AdcRange::MAX]);

    fn cell(&self) -> Cell {
        match self {
            Self::Max => Self::MAX.into(),
            Self::Percentile(percentile) => Cell::Float(*percentile),
        }
    }

    fn of(cell: &Cell) -> Option<Self> {
        match cell {
            Cell::Text(text) if text == Self::MAX => Some(Self::Max),
            Cell::Float(percentile) => Some(Self::Percentile(*percentile)),
            _ => None,
        }
    }
}

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
        let has_effect = match self.get(hardware) {
            Cell::Null => false,
            Cell::Float(number) => number != 0.0,
            Cell::Int(number) => number != 0,
            name @ Cell::Text(_) => name != self.get(&Hardware::default()),
        };
        let needs = self.row.needs;
        has_effect
            && needs.is_none_or(|name| {
                let key = Self::named(name).expect("rows name keys");
                key.acts(hardware)
            })
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
