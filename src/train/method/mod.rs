//! How the slopes of a loss are had: with knowledge of the chip, or by light alone.

mod adjoint;
mod feedback;
mod in_situ;
mod spsa;

pub use adjoint::Adjoint;
pub use feedback::DirectFeedback;
pub use in_situ::InSitu;
pub use spsa::Spsa;

use std::fmt;
use std::str::FromStr;

use super::loss::Criterion;
use super::trainable::{Trainable, TrainedPart};
use crate::compile::Map;
use crate::error::{Error, Result};
use crate::field::Real;
use crate::hardware::{Chip, Costs};
use crate::mesh::Correction;
use crate::nn::Batch;
use crate::processor::{Loading, Processor};

/// How the slopes of a loss by a trainable's values are had.
pub trait Method<T: Real> {
    /// The mean loss of the samples of `minibatch` on `chip`, and its slopes by the trainable's values.
    ///
    /// # Errors
    /// Those of [`Processor::load`] and [`Processor::forward`].
    fn slopes(
        &self,
        trainable: &Trainable,
        chip: &Chip,
        minibatch: &Minibatch<'_, T>,
    ) -> Result<(f64, Vec<f64>)>;

    /// What one call costs on a chip, for so many samples, but for the writing of new values.
    fn costs(&self, trainable: &Trainable, samples: usize) -> Costs;
}

/// Samples of one step, and what their outputs are compared with.
#[derive(Debug)]
pub struct Minibatch<'a, T> {
    /// Their encoded features, `[signal, sample]`.
    pub batch: Batch<T>,
    /// Their places in the data of `criterion`.
    pub samples: &'a [usize],
    /// What is to become small.
    pub criterion: &'a Criterion,
    /// The encoded samples that set the ranges of modulators and converters.
    pub calibration: &'a Batch<T>,
    /// How phases are chosen.
    pub correction: Correction,
    /// Number of the step: the address of its shots' noise.
    pub step: u64,
}

impl<T: Real> Minibatch<'_, T> {
    /// The trainable's program on `chip`.
    fn load(&self, trainable: &Trainable, chip: &Chip) -> Result<Processor<T>> {
        let loading = Loading {
            correction: self.correction,
            parallel: true,
            ..Loading::default()
        };
        let calibration = Some(self.calibration);
        Processor::load(trainable.program(), chip.clone(), loading, calibration)
    }
}

/// Readings that a field takes: of a complex map two.
fn quadratures(map: &Map<'_>) -> usize {
    match map.linear.is_complex() {
        true => 2,
        false => 1,
    }
}

/// What so many samples cost that are sent forward and read behind every layer.
fn forward(trainable: &Trainable, samples: usize) -> Costs {
    let outputs = trainable.program().maps();
    let outputs: usize = outputs
        .flat_map(|map| {
            map.tiles
                .iter()
                .map(move |tile| quadratures(&map) * tile.rows)
        })
        .sum();
    Costs {
        passes: samples as u64,
        readings: (outputs * samples) as u64,
        ..Costs::default()
    }
}

/// The methods by their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MethodName {
    /// [`Adjoint`].
    #[default]
    Adjoint,
    /// [`InSitu`].
    InSitu,
    /// [`DirectFeedback`].
    Dfa,
    /// [`Spsa`].
    Spsa,
    /// [`Adjoint`], of singular values alone.
    SigmaOnly,
    /// [`Adjoint`], of biases and digital scales alone.
    DigitalOnly,
    /// [`Adjoint`], of the last layer alone.
    LastLayer,
}

impl MethodName {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Adjoint,
        Self::InSitu,
        Self::Dfa,
        Self::Spsa,
        Self::SigmaOnly,
        Self::DigitalOnly,
        Self::LastLayer,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Adjoint => "adjoint",
            Self::InSitu => "in-situ",
            Self::Dfa => "dfa",
            Self::Spsa => "spsa",
            Self::SigmaOnly => "sigma-only",
            Self::DigitalOnly => "digital-only",
            Self::LastLayer => "last-layer",
        }
    }

    /// Which parameters it trains.
    pub fn part(self) -> TrainedPart {
        match self {
            Self::Adjoint | Self::InSitu | Self::Dfa | Self::Spsa => TrainedPart::Everything,
            Self::SigmaOnly => TrainedPart::SingularValues,
            Self::DigitalOnly => TrainedPart::Digital,
            Self::LastLayer => TrainedPart::LastLayer,
        }
    }
}

impl fmt::Display for MethodName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for MethodName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|one| one.name() == text);
        found.ok_or_else(|| Error::unknown("method", text, &Self::ALL.map(Self::name)))
    }
}

#[cfg(test)]
mod tests;
