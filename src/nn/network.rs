//! Digital inference: the model's numbers in one precision, and the forward pass.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, s};

use super::activation::Activation;
use super::batch::{Batch, Readout};

use super::model::{Bias, Model, Weight};
use super::samples::Samples;
use crate::error::{Context, Error, Result};
use crate::field::{Fields, Real};

/// Samples that pass through the network together; memory does not grow with the number of samples.
pub const BLOCK: usize = 512;

/// A [`Model`] whose weights are converted to one precision, ready for blocks of samples.
#[derive(Debug, Clone)]
pub struct Network<T> {
    layers: Vec<Stage<T>>,
    readout: Readout,
}

/// What one layer of a network does to a batch.
#[derive(Debug, Clone)]
pub struct LayerSignal<T> {
    /// What the layer is given, `[in, sample]`.
    pub input: Batch<T>,
    /// The product of its weights with it, `[out, sample]`, without bias and activation.
    pub product: Batch<T>,
}

#[derive(Debug, Clone)]
struct Stage<T> {
    re: Array2<T>,
    im: Option<Array2<T>>,
    bias: Option<Bias>,
    activation: Activation,
}

impl Model {
    /// The network in precision `T`.
    ///
    /// # Errors
    /// As [`Model::check`].
    pub fn prepare<T: Real>(&self) -> Result<Network<T>> {
        self.check()?;
        for layer in &self.layers {
            let sized = layer.weight.check_size::<T>();
            sized.within(format!("layer `{}`", layer.name))?;
        }
        let stage = |layer: &super::Layer| Stage {
            re: match &layer.weight {
                Weight::Real(w) => w.mapv(T::of),
                Weight::Complex(w) => w.mapv(|z| T::of(z.re)),
            },
            im: match &layer.weight {
                Weight::Real(_) => None,
                Weight::Complex(w) => Some(w.mapv(|z| T::of(z.im))),
            },
            bias: layer.bias.clone(),
            activation: layer.activation,
        };
        Ok(Network {
            layers: self.layers.iter().map(stage).collect(),
            readout: self.readout,
        })
    }

    /// The logits of all samples, `[sample, class]`, computed digitally in precision `T`.
    ///
    /// # Errors
    /// [`Error::Shape`] if the samples do not have the network's number of features, and as [`Model::check`].
    pub fn forward<T: Real>(&self, samples: &Samples) -> Result<Array2<f64>> {
        let network = self.prepare::<T>()?;
        self.check_features(samples)?;
        let mut logits = Array2::zeros((samples.len(), self.classes()));
        for start in (0..samples.len()).step_by(BLOCK) {
            let end = samples.len().min(start + BLOCK);
            let block = network.forward_block(self.input.encode(samples, start..end)?);
            logits
                .slice_mut(s![start..end, ..])
                .assign(&block.t().mapv(T::double));
        }
        Ok(logits)
    }

    /// Fails unless the samples have the network's number of features.
    ///
    /// # Errors
    /// [`Error::Shape`].
    pub fn check_features(&self, samples: &Samples) -> Result<()> {
        if samples.features() == self.features() {
            return Ok(());
        }
        Err(Error::shape(
            "data",
            [samples.len(), samples.features()],
            format!("[sample, {}] for this network", self.features()),
        ))
    }
}

impl<T: Real> Network<T> {
    /// What every layer is given for one block of encoded samples, and what its weights make of it.
    ///
    /// # Panics
    /// As [`forward_block`](Self::forward_block).
    pub fn signals(&self, mut batch: Batch<T>) -> Vec<LayerSignal<T>> {
        let mut signals = Vec::with_capacity(self.layers.len());
        for stage in &self.layers {
            let product = stage.multiply(&batch);
            let mut next = product.clone();
            stage.finish(&mut next);
            let input = std::mem::replace(&mut batch, next);
            signals.push(LayerSignal { input, product });
        }
        signals
    }

    /// The logits of one block of encoded samples, `[class, sample]`.
    ///
    /// # Panics
    /// If the batch does not have the signals that the first layer takes.
    pub fn forward_block(&self, mut batch: Batch<T>) -> Array2<T> {
        for stage in &self.layers {
            batch = stage.multiply(&batch);
            stage.finish(&mut batch);
        }
        self.readout.read(batch)
    }
}

impl<T: Real> Stage<T> {
    /// Bias and activation.
    fn finish(&self, batch: &mut Batch<T>) {
        if let Some(bias) = &self.bias {
            batch.add_bias(bias);
        }
        self.activation.apply(batch);
    }

    /// `weight · batch`, by one real product where both are real, two where one is complex, else four.
    fn multiply(&self, batch: &Batch<T>) -> Batch<T> {
        let (one, zero) = (T::one(), T::zero());
        let product = |w: &Array2<T>, x: &Array2<T>| {
            let mut y = Array2::zeros((w.nrows(), x.ncols()));
            general_mat_mul(one, w, x, zero, &mut y);
            y
        };
        match (&self.im, batch) {
            (None, Batch::Real(x)) => Batch::Real(product(&self.re, x)),
            (Some(im), Batch::Real(x)) => Batch::Complex(Fields {
                re: product(&self.re, x),
                im: product(im, x),
            }),
            (None, Batch::Complex(x)) => Batch::Complex(Fields {
                re: product(&self.re, &x.re),
                im: product(&self.re, &x.im),
            }),
            (Some(im), Batch::Complex(x)) => {
                let mut y = Fields {
                    re: product(&self.re, &x.re),
                    im: product(&self.re, &x.im),
                };
                general_mat_mul(-one, im, &x.im, one, &mut y.re);
                general_mat_mul(one, im, &x.re, one, &mut y.im);
                Batch::Complex(y)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Encoding, Input, Layer};
    use super::*;
    use ndarray::{arr1, arr2};
    use num_complex::Complex;

    fn layer(weight: Weight, bias: Option<Bias>, activation: Activation) -> Layer {
        let name = "0".into();
        Layer {
            name,
            weight,
            bias,
            activation,
        }
    }

    /// By hand: W x + b = (1·2 − 2·1 + 0.5, 3·2 + 4·1 − 20) = (0.5, −10); relu; (1, 1)·(0.5, 0) = 0.5.
    #[test]
    fn a_real_network_is_weight_bias_activation_in_turn() {
        let layers = vec![
            layer(
                Weight::Real(arr2(&[[1.0, -2.0], [3.0, 4.0]])),
                Some(Bias::Real(arr1(&[0.5, -20.0]))),
                Activation::Relu,
            ),
            layer(
                Weight::Real(arr2(&[[1.0, 1.0]])),
                None,
                Activation::Identity,
            ),
        ];
        let model = Model::new(Input::default(), layers, Readout::Real).unwrap();
        let samples = Samples::from(arr2(&[[2.0, 1.0]]));
        assert_eq!(model.forward::<f64>(&samples).unwrap(), arr2(&[[0.5]]));
        assert_eq!(model.forward::<f32>(&samples).unwrap(), arr2(&[[0.5]]));
        let wrong = Samples::from(arr2(&[[2.0]]));
        assert_eq!(
            model.forward::<f64>(&wrong).unwrap_err().to_string(),
            "data has shape [1, 1]: must be [sample, 2] for this network"
        );
    }

    /// All four products of real and complex: W z by complex arithmetic, over more than one block.
    #[test]
    fn products_agree_with_complex_arithmetic_in_every_block() {
        let c = Complex::new;
        let complex = arr2(&[[c(1.0, 2.0), c(-0.5, 0.25)], [c(0.0, -1.0), c(3.0, 0.5)]]);
        let real = arr2(&[[1.0, -2.0], [0.5, 4.0]]);
        let count = BLOCK + 3;
        for weight in [Weight::Real(real), Weight::Complex(complex)] {
            for encoding in [Encoding::Real, Encoding::ComplexHalves] {
                let input = Input {
                    encoding,
                    ..Input::default()
                };
                let readout = Readout::Intensity;
                let layers = vec![layer(weight.clone(), None, Activation::Identity)];
                let model = Model::new(input, layers, readout).unwrap();
                let width = model.features();
                let x = Array2::from_shape_fn((count, width), |(i, j)| {
                    (i as f64 * 0.7 + j as f64).sin()
                });
                let logits = model.forward::<f64>(&Samples::from(x.clone())).unwrap();
                let w = weight.to_complex();
                for i in 0..count {
                    for k in 0..2 {
                        let y: Complex<f64> = (0..2)
                            .map(|j| {
                                let im = if width == 4 { x[[i, 2 + j]] } else { 0.0 };
                                w[[k, j]] * c(x[[i, j]], im)
                            })
                            .sum();
                        assert!((logits[[i, k]] - y.norm_sqr()).abs() < 1e-13);
                    }
                }
            }
        }
    }
}
