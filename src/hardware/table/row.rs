//! What a row of the table of keys holds.

use crate::hardware::setting::{Perfect, Place, Range, ValueKind, When};
use crate::io::record::Cell;

use super::Hardware;

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
    pub(in crate::hardware) get: fn(&Hardware) -> Cell,
    pub(in crate::hardware) set: fn(&mut Hardware, &Cell),
}

/// How a key acts and is spoken of.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// As on an axis of a figure: `σ of the coupler angle`.
    pub label: &'static str,
    /// As in a legend: `σ coupler`.
    pub short: &'static str,
    /// What stands for the σ of the label on an axis, `_` before what is lowered: `σ_φ`; empty where there is none.
    pub symbol: &'static str,
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
    pub(in crate::hardware) relation: fn(&Hardware) -> Result<(), String>,
}

impl Row {
    /// A row of a key that is 0 on a perfect chip and else 0 or more.
    pub(in crate::hardware) const fn new(
        label: &'static str,
        short: &'static str,
        when: When,
        place: Place,
    ) -> Self {
        Self {
            label,
            short,
            symbol: "",
            when,
            place,
            perfect: Perfect::Zero,
            range: Range::NOT_NEGATIVE,
            none: "",
            needs: None,
            relation: |_| Ok(()),
        }
    }

    pub(in crate::hardware) const fn symbol(self, symbol: &'static str) -> Self {
        Self { symbol, ..self }
    }

    pub(in crate::hardware) const fn perfect(self, perfect: Perfect) -> Self {
        Self { perfect, ..self }
    }

    pub(in crate::hardware) const fn range(self, range: Range) -> Self {
        Self { range, ..self }
    }

    pub(in crate::hardware) const fn none(self, none: &'static str) -> Self {
        Self { none, ..self }
    }

    pub(in crate::hardware) const fn needs(self, key: &'static str) -> Self {
        Self {
            needs: Some(key),
            ..self
        }
    }

    pub(in crate::hardware) const fn relation(
        self,
        relation: fn(&Hardware) -> Result<(), String>,
    ) -> Self {
        Self { relation, ..self }
    }
}
