//! Simultaneous perturbation.

use super::{Method, Minibatch, forward};
use crate::error::Result;
use crate::field::Real;
use crate::hardware::{Chip, Costs};
use crate::rng::{Effect, Seed};
use crate::train::Trainable;

/// Slopes from measurements alone: all values move by ± `size` at once, each up or down by chance, and what the loss makes
/// of it is taken for everyone's own. Spall, IEEE Trans. Autom. Control 37, 332 (1992).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spsa {
    /// How far every value moves; phases in rad.
    pub size: f64,
    /// From which the signs follow.
    pub seed: Seed,
}

impl<T: Real> Method<T> for Spsa {
    fn slopes(
        &self,
        trainable: &Trainable,
        chip: &Chip,
        minibatch: &Minibatch<'_, T>,
    ) -> Result<(f64, Vec<f64>)> {
        let values = trainable.values();
        let mut stream = self.seed.stream(Effect::Haar, minibatch.step, 0, 5);
        let signs = (0..values.len()).map(|_| match stream.uniform() < 0.5 {
            true => 1.0,
            false => -1.0,
        });
        let signs: Vec<f64> = signs.collect();
        let mut moved = trainable.clone();
        let mut loss_at = |way: f64, block: u64| -> Result<f64> {
            let pairs = values.iter().zip(&signs);
            let there: Vec<f64> = pairs.map(|(value, sign)| value + way * sign).collect();
            moved.set(&there, true)?;
            // Every setting meets programming errors of its own.
            let chip = chip.clone().at_load(2 * minibatch.step + block % 2 + 1);
            let processor = minibatch.load(&moved, &chip)?;
            let outputs = processor.forward(minibatch.batch.clone(), block)?;
            Ok(minibatch.criterion.slopes(&outputs, minibatch.samples).0)
        };
        // Two measurements have noise of their own.
        let up = loss_at(self.size, 2 * minibatch.step)?;
        let down = loss_at(-self.size, 2 * minibatch.step + 1)?;
        let slope = (up - down) / (2.0 * self.size);
        let slopes = signs.iter().map(|sign| slope * sign);
        Ok((0.5 * (up + down), slopes.collect()))
    }

    fn costs(&self, trainable: &Trainable, samples: usize) -> Costs {
        let moved = Costs {
            settings: 1,
            phase_writes: trainable.written() as u64,
            ..forward(trainable, samples)
        };
        moved * 2
    }
}
