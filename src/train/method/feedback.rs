//! Direct feedback alignment.

use ndarray::Array2;

use super::{Method, Minibatch, forward};
use crate::error::Result;
use crate::field::{Fields, Real};
use crate::hardware::{Chip, Costs};
use crate::mesh::{Geometry, Mesh};
use crate::rng::{Effect, Seed};
use crate::train::{Tape, Trainable};

/// Errors of the outputs go to every hidden layer at once, each by a fixed mesh of random phases instead of the transposed
/// weights behind it: one pass of light that needs no chip to run backward. Nøkland, NeurIPS 2016 (arXiv:1609.01596); on
/// photonic meshes Filipovich et al., Optica 9, 1323 (2022).
#[derive(Debug, Clone)]
pub struct DirectFeedback {
    /// `[signal of the layer, signal of the outputs]` of every layer but the last.
    feedback: Vec<Fields<f64>>,
}

impl DirectFeedback {
    /// Meshes for the layers of `trainable`, which follow from `seed`.
    ///
    /// # Errors
    /// Those of a mesh of so many modes.
    pub fn new(trainable: &Trainable, seed: Seed) -> Result<Self> {
        let layers = trainable.program().network().layers();
        let widths: Vec<usize> = layers.iter().map(|layer| layer.linear.outputs()).collect();
        let (last, hidden) = widths.split_last().expect("a trainable has layers");
        let feedback = hidden.iter().enumerate().map(|(layer, width)| {
            let modes = (*width).max(*last).max(2);
            let mut stream = seed.stream(Effect::Haar, 0, layer as u64, 4);
            let mesh = Mesh::haar(Geometry::Clements, modes, &mut stream)?;
            let matrix = mesh.transfer();
            let part = |of: fn(&num_complex::Complex<f64>) -> f64| {
                Array2::from_shape_fn((*width, *last), |at| of(&matrix[at]))
            };
            Ok(Fields {
                re: part(|z| z.re),
                im: part(|z| z.im),
            })
        });
        Ok(Self {
            feedback: feedback.collect::<Result<_>>()?,
        })
    }
}

impl<T: Real> Method<T> for DirectFeedback {
    fn slopes(
        &self,
        trainable: &Trainable,
        chip: &Chip,
        minibatch: &Minibatch<'_, T>,
    ) -> Result<(f64, Vec<f64>)> {
        let processor = minibatch.load(trainable, chip)?;
        let (outputs, tape) = Tape::record(&processor, minibatch.batch.clone(), minibatch.step)?;
        let (loss, by_outputs) = minibatch.criterion.slopes(&outputs, minibatch.samples);
        let gradient = tape.gradient_by_feedback(&by_outputs, &self.feedback);
        let slopes = trainable.slopes(&gradient, || tape.tile_gradients(&gradient));
        Ok((loss, slopes))
    }

    fn costs(&self, trainable: &Trainable, samples: usize) -> Costs {
        let read: usize = self.feedback.iter().map(Fields::modes).sum();
        let back = Costs {
            passes: samples as u64,
            readings: (read * samples) as u64,
            ..Costs::default()
        };
        forward(trainable, samples) + back
    }
}
