//! The settings of one point of a sweep.

use super::key::correction;
use super::{Key, Sweep};
use crate::compile::Layout;
use crate::error::{Error, Result};
use crate::field::Precision;
use crate::hardware::Hardware;
use crate::io::record::Cell;
use crate::mesh::Correction;
use crate::processor::weights_on;

/// Where a program comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A trained network, compiled for this layout.
    Network(String, Layout),
    /// A compiled program.
    Program(String),
}

/// The settings of one point.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// The program.
    pub source: Source,
    /// The data set.
    pub data: String,
    /// How phases are chosen.
    pub correction: Correction,
    /// Precision of the arithmetic.
    pub precision: Precision,
    /// The kind of chip.
    pub hardware: Hardware,
}

impl Source {
    /// The path of the network or of the program.
    pub fn path(&self) -> &str {
        match self {
            Self::Network(path, _) | Self::Program(path) => path,
        }
    }
}

impl Point {
    /// Whether trials of this point and of `other` send the same data through the same program.
    pub fn shares_workload(&self, other: &Self) -> bool {
        self.source == other.source && self.data == other.data && self.precision == other.precision
    }
}

impl Sweep {
    /// The settings of `point`.
    ///
    /// # Errors
    /// [`Error::Format`] and [`Error::Value`] if the hardware is out of its range there, or there is no network or
    /// no data.
    ///
    /// # Panics
    /// If there is no such point.
    pub fn point(&self, point: usize) -> Result<Point> {
        let mut hardware = self.base.hardware.clone();
        let (mut network, mut program, mut data) = (None, None, None);
        let mut layout = Layout::default();
        let (mut correct, mut number) = (Correction::default(), Precision::default());
        let base = self.base.values.iter().map(|(key, cell)| (key, cell));
        // Keys of the hardware can depend on each other, so that it is checked when all are set.
        let mut changed = Vec::new();
        for (key, cell) in base.chain(self.keys().zip(self.values(point))) {
            let text = || match cell {
                Cell::Text(text) => text.as_str(),
                other => unreachable!("{other:?} for {}", key.name()),
            };
            match key {
                Key::Network => network = Some(text()),
                Key::Program => program = Some(text()),
                Key::Data => data = Some(text()),
                Key::Tile => {
                    layout.tile = match cell {
                        Cell::Int(modes) => Some(usize::try_from(*modes).expect("checked")),
                        _ => None,
                    }
                }
                Key::Geometry => layout.multiplier = text().parse()?,
                Key::Arrange => layout.arrangement = text().parse()?,
                Key::For => layout.aim = text().parse()?,
                Key::Weights => layout.weights = text().parse()?,
                Key::Correct => correct = correction(text()).expect("checked"),
                Key::Precision => number = text().parse()?,
                Key::Hardware(name) => changed.push((*name, cell.clone())),
            }
        }
        if !changed.is_empty() {
            hardware = hardware.with_values(changed)?;
        }
        layout.weights = weights_on(layout.weights, &hardware);
        let data = data.ok_or_else(|| Error::format("data", "is missing: name a data set"))?;
        let source = match (network, program) {
            (Some(network), None) => Source::Network(network.to_owned(), layout),
            (None, Some(program)) => Source::Program(program.to_owned()),
            _ => {
                let what = "must be given: one of the two";
                return Err(Error::format("network or program", what));
            }
        };
        Ok(Point {
            source,
            data: data.to_owned(),
            correction: correct,
            precision: number,
            hardware,
        })
    }
}
