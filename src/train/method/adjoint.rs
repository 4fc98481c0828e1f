//! Back-propagation through the chip as it was drawn.

use super::{Costs, Lesson, Method};
use crate::error::Result;
use crate::field::Real;
use crate::hardware::Chip;
use crate::train::{Student, Tape};

/// The exact gradient, of a chip of which everything is known: see [`Tape`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Adjoint;

impl<T: Real> Method<T> for Adjoint {
    fn slopes(
        &self,
        student: &Student,
        chip: &Chip,
        lesson: &Lesson<'_, T>,
    ) -> Result<(f64, Vec<f64>)> {
        let processor = lesson.load(student, chip)?;
        let (outputs, tape) = Tape::record(&processor, lesson.batch.clone(), lesson.step)?;
        let (loss, by_outputs) = lesson.criterion.slopes(&outputs, lesson.samples);
        let gradient = tape.gradient(&by_outputs);
        let slopes = student.slopes(&gradient, || tape.tile_gradients(&gradient));
        Ok((loss, slopes))
    }

    fn costs(&self, student: &Student, samples: usize) -> Costs {
        Costs::forward(student, samples)
    }
}
