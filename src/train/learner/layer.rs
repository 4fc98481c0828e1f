//! What of a layer is trained.

use ndarray::Array2;

use super::pair::MeshPair;
use crate::compile::{Layout, Tile, compile};
use crate::error::Result;
use crate::field::Fields;
use crate::linalg::{C64, Matrix};
use crate::nn::{LinearId, Network, Readout, Weight};
use crate::rng::Stream;

/// A linear layer that is trained.
#[derive(Debug, Clone)]
pub enum Layer {
    /// Every weight of its own, `[out, in]`.
    Dense {
        /// The weights.
        weight: Fields<f64>,
        /// Whether the imaginary parts stay 0.
        real: bool,
    },
    /// Phases of two meshes and the attenuators between them.
    Meshes(MeshPair),
}

impl Layer {
    /// Normal weights such that inputs of variance 1 give outputs of mean power `gain²`.
    pub fn dense(
        [outputs, inputs]: [usize; 2],
        gain: f64,
        real: bool,
        stream: &mut Stream,
    ) -> Self {
        let parts = if real { 1.0 } else { 2.0 };
        let std = gain / (parts * inputs as f64).sqrt();
        let mut draw = |std: f64| {
            Array2::from_shape_simple_fn((outputs, inputs), || std * stream.standard_normal())
        };
        let re = draw(std);
        let im = draw(if real { 0.0 } else { std });
        Self::Dense {
            weight: Fields { re, im },
            real,
        }
    }

    /// Everything that is trained, in one order.
    pub(super) fn parameters(&self) -> Vec<f64> {
        match self {
            Self::Dense { weight, .. } => weight.re.iter().chain(&weight.im).copied().collect(),
            Self::Meshes(meshes) => meshes.parameters(),
        }
    }

    pub(super) fn set_parameters(&mut self, values: &[f64]) {
        match self {
            Self::Dense { weight, .. } => {
                for (weight, value) in weight.re.iter_mut().chain(&mut weight.im).zip(values) {
                    *weight = *value;
                }
            }
            Self::Meshes(meshes) => meshes.set_parameters(values),
        }
    }

    /// Amplitudes behind the layer.
    pub fn forward(&self, x: &Fields<f64>) -> Fields<f64> {
        match self {
            Self::Dense { weight, .. } => weight.times(x),
            Self::Meshes(meshes) => meshes.forward(x),
        }
    }

    /// Gradients by the parameters and by the inputs, from those by the outputs.
    pub(super) fn backward(&self, x: &Fields<f64>, g: &Fields<f64>) -> (Vec<f64>, Fields<f64>) {
        match self {
            Self::Dense { weight, real } => {
                let by_weight = Fields {
                    re: g.re.dot(&x.re.t()) + g.im.dot(&x.im.t()),
                    im: g.im.dot(&x.re.t()) - g.re.dot(&x.im.t()),
                };
                let by_input = Fields {
                    re: weight.re.t().dot(&g.re) + weight.im.t().dot(&g.im),
                    im: weight.re.t().dot(&g.im) - weight.im.t().dot(&g.re),
                };
                let imaginary = if *real { 0.0 } else { 1.0 };
                let flat = by_weight.re.iter().copied();
                let flat = flat.chain(by_weight.im.iter().map(|value| imaginary * value));
                (flat.collect(), by_input)
            }
            Self::Meshes(meshes) => meshes.backward(x, g),
        }
    }

    /// The weights, `[out, in]`, as they are on perfect meshes.
    pub(super) fn weight(&self) -> Array2<C64> {
        match self {
            Self::Dense { weight, .. } => ndarray::Zip::from(&weight.re)
                .and(&weight.im)
                .map_collect(|re, im| C64::new(*re, *im)),
            Self::Meshes(meshes) => {
                let matrix: Matrix = meshes.tile().matrix();
                Array2::from_shape_fn(matrix.shape(), |at| matrix[at])
            }
        }
    }

    /// The layer on meshes: weights through their singular values as `layout` says, meshes as they are.
    ///
    /// # Errors
    /// Those of [`compile`].
    pub fn tiles(&self, layout: Layout) -> Result<Vec<Tile>> {
        match self {
            Self::Dense { .. } => {
                let network =
                    Network::of_weight(Weight::Complex(self.weight()), Readout::Intensity)?;
                Ok(compile(&network, layout)?.tiles(LinearId(0)).to_vec())
            }
            Self::Meshes(meshes) => Ok(vec![meshes.tile()]),
        }
    }
}
