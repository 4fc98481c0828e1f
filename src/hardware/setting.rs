//! What a key of a hardware description can be: when and where it acts, what its values are.

use toml::de::DeValue;

use super::{AdcRange, CodeNoise, Correlation, Detection, Law, NumberFormat};
use crate::io::record::Cell;
use crate::mesh::CellKind;

/// When an effect is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Never: it is the same on every chip.
    Fixed,
    /// When a network is compiled.
    PerCompile,
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
    /// The weights, before phases are chosen for them.
    Weight,
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
    /// The die and its wafer: how the elements of a chip share what is drawn.
    Die,
}

impl Place {
    /// Whether it is among the cells of a mesh, not in front of them or behind them.
    pub fn is_in_mesh(self) -> bool {
        match self {
            Self::Coupler | Self::Drive | Self::Phase | Self::Loss => true,
            Self::Weight | Self::Input | Self::Readout | Self::Die => false,
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
    pub(super) holds: fn(f64) -> bool,
}

impl Range {
    /// Every number; names.
    pub(super) const ANY: Self = Self::new("a finite number", |_| true);
    pub(super) const NOT_NEGATIVE: Self = Self::new("0 or more", |x| x >= 0.0);
    pub(super) const POSITIVE: Self = Self::new("more than 0", |x| x > 0.0);
    /// Bits of numbers with a sign and several sizes.
    pub(super) const WEIGHT_BITS: Self = Self::new("2..=24", |x| (2.0..=24.0).contains(&x));
    pub(super) const BITS: Self = Self::new("1..=24", |x| (1.0..=24.0).contains(&x));

    pub(super) const fn new(words: &'static str, holds: fn(f64) -> bool) -> Self {
        Self { words, holds }
    }
}

impl When {
    /// As the documents say it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::PerCompile => "per compile",
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

/// Implements [`Setting`] for an enum by its names.
macro_rules! named {
    ($($kind:ty),*) => { $(
        impl Setting for $kind {
            const KIND: ValueKind = ValueKind::Name(&{
                let mut names = [""; <$kind>::ALL.len()];
                let mut index = 0;
                while index < names.len() {
                    names[index] = <$kind>::ALL[index].name();
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
    )* };
}

named!(
    CellKind,
    Detection,
    NumberFormat,
    CodeNoise,
    Correlation,
    Law
);

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
