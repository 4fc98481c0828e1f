//! Back-propagation through the chip as it was drawn.

use super::{Method, Minibatch, forward};
use crate::error::Result;
use crate::field::Real;
use crate::hardware::{Chip, Costs};
use crate::train::{Tape, Trainable};

/// The exact gradient, of a chip of which everything is known: see [`Tape`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Adjoint;

impl<T: Real> Method<T> for Adjoint {
    fn slopes(
        &self,
        trainable: &Trainable,
        chip: &Chip,
        minibatch: &Minibatch<'_, T>,
    ) -> Result<(f64, Vec<f64>)> {
        let processor = minibatch.load(trainable, chip)?;
        let (outputs, tape) = Tape::record(&processor, minibatch.batch.clone(), minibatch.step)?;
        let (loss, by_outputs) = minibatch.criterion.slopes(&outputs, minibatch.samples);
        let gradient = tape.gradient(&by_outputs);
        let slopes = trainable.slopes(&gradient, || tape.tile_gradients(&gradient));
        Ok((loss, slopes))
    }

    fn costs(&self, trainable: &Trainable, samples: usize) -> Costs {
        forward(trainable, samples)
    }
}
