//! Whether what comes of a sample is its own.

use ndarray::{ArrayD, IxDyn};

use super::Graph;
use crate::error::{Error, Result};
use crate::nn::digital::Digital;
use crate::nn::port::Element;
use crate::rng::{Effect, Seed};

/// How far an output may move with what stands beside its sample, of the largest: rounding.
const ROUNDING: f32 = 1e-4;

impl Graph {
    /// Fails where the outputs of a sample depend on the samples that pass with it, as behind a mean over the batch: how many
    /// pass together is not the user's choice, and every number would depend on it. A graph that cannot be computed for a
    /// sample of random numbers is not looked at, nor is one with open axes.
    ///
    /// # Errors
    /// [`Error::Unsupported`].
    pub(super) fn check_apart(&self) -> Result<()> {
        let fixed = self.inputs().iter().find_map(|port| port.batch());
        let count = fixed.unwrap_or(2);
        let is_open = self.inputs().iter().any(|port| port.features().is_none());
        if is_open || count < 2 {
            return Ok(());
        }
        let digital = Digital::<f32>::of(self.linears().iter())?;
        let beside = |others: u64| -> Result<Vec<ArrayD<f32>>> {
            let inputs = self.inputs().iter().enumerate().map(|(index, port)| {
                let shape = port.shape_for(count);
                let features = port.features().unwrap_or_default();
                let mut place = 0;
                let mut number =
                    [0, others].map(|sample| Seed(sample).stream(Effect::Haar, 0, index as u64, 0));
                ArrayD::from_shape_simple_fn(IxDyn(&shape), || {
                    let is_other = place >= features;
                    place += 1;
                    let uniform = number[usize::from(is_other)].uniform() as f32;
                    match port.element {
                        Element::Float => uniform,
                        _ => uniform.round(),
                    }
                })
            });
            self.run_on(inputs.collect(), &digital, 0)
        };
        let (Ok(some), Ok(others)) = (beside(1), beside(2)) else {
            return Ok(());
        };
        for ((port, one), other) in self.outputs().iter().zip(&some).zip(&others) {
            let width = one.len() / count;
            let first =
                |array: &ArrayD<f32>| -> Vec<f32> { array.iter().take(width).copied().collect() };
            let (one, other) = (first(one), first(other));
            let largest = one.iter().fold(0.0, |most: f32, x| most.max(x.abs()));
            let far = |(a, b): (&f32, &f32)| (a - b).abs() > ROUNDING * largest;
            if one.iter().zip(&other).any(far) {
                return Err(Error::unsupported(
                    format!("output `{}`", port.name),
                    "values of a sample that depend on the samples beside it",
                    "each sample is computed by itself; a graph that mixes them can be exported for a batch of 1",
                ));
            }
        }
        Ok(())
    }
}
