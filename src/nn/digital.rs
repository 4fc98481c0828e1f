//! Digital inference: the network's numbers in one precision, and their products.

use std::collections::BTreeMap;
use std::sync::Mutex;

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, Axis, s};

use super::batch::{BLOCK, Batch, Readout};
use super::linear::{At, Linear, LinearId, Linears, Weight};
use super::network::Network;
use super::samples::Samples;
use crate::error::{Context, Error, Result};
use crate::field::{Fields, Real};

/// The weights of a [`Network`] in one precision, as a computer multiplies by them.
#[derive(Debug, Clone)]
pub struct Digital<T> {
    maps: Vec<Vec<Map<T>>>,
}

/// A group of a map.
#[derive(Debug, Clone)]
struct Map<T> {
    re: Array2<T>,
    im: Option<Array2<T>>,
}

/// What one product of a network was given, and what it made of it.
#[derive(Debug, Clone)]
pub struct LayerSignal<T> {
    /// What the layer is given, `[in, sample]`.
    pub input: Batch<T>,
    /// The product of its weights with it, `[out, sample]`, without bias and activation.
    pub product: Batch<T>,
}

impl<T: Real> Digital<T> {
    /// The weights of `linears`.
    ///
    /// # Errors
    /// As [`Linear::check_size`].
    pub(super) fn of<'a>(linears: impl Iterator<Item = &'a Linear>) -> Result<Self> {
        let map = |linear: &Linear| {
            let sized = linear.check_size::<T>();
            sized.within(format!("layer `{}`", linear.name))?;
            Ok(linear.groups.iter().map(Map::of).collect())
        };
        let maps = linears.map(map).collect::<Result<_>>()?;
        Ok(Self { maps })
    }
}

impl Network {
    /// The network's weights in precision `T`.
    ///
    /// # Errors
    /// As [`Network::check`].
    pub fn digital<T: Real>(&self) -> Result<Digital<T>> {
        self.check()?;
        Digital::of(self.linears().map(|(_, linear)| linear))
    }

    /// The logits of all samples, `[sample, class]`, computed digitally in precision `T`.
    ///
    /// # Errors
    /// [`Error::Shape`] if the samples do not have the network's number of features, [`Error::NotFinite`] if data, a
    /// layer's outputs or the logits leave the range of `T`, and as [`Network::check`].
    pub fn forward<T: Real>(&self, samples: &Samples) -> Result<Array2<f64>> {
        let digital = self.digital::<T>()?;
        self.check_features(samples)?;
        let mut logits = Array2::zeros((samples.len(), self.classes()));
        for (block, start) in (0..samples.len()).step_by(BLOCK).enumerate() {
            let end = samples.len().min(start + BLOCK);
            let encoded = self.encode(samples, start..end)?;
            encoded.check_finite("encoded data")?;
            let checked = Checked {
                network: self,
                digital: &digital,
            };
            let outputs = Batch::Real(self.run(encoded, &checked, block as u64)?);
            outputs.check_finite("digital logits")?;
            let Batch::Real(outputs) = outputs else {
                unreachable!("logits are real");
            };
            logits
                .slice_mut(s![start..end, ..])
                .assign(&outputs.t().mapv(T::double));
        }
        Ok(logits)
    }

    /// What every map is given for the encoded `signals` where `with` computes it, and what comes of it, by its number. Of a
    /// map that a sample gives several columns some are left out, so that as many stay as there are samples.
    ///
    /// # Errors
    /// Those of `with`.
    ///
    /// # Panics
    /// As [`run`](Self::run).
    pub fn signals<T: Real>(
        &self,
        signals: Batch<T>,
        with: &(impl Linears<T> + ?Sized),
    ) -> Result<Vec<LayerSignal<T>>> {
        let strides = self.linears().map(|(_, linear)| linear.columns);
        let tape = Tape {
            with,
            strides: strides.collect(),
            signals: Mutex::default(),
        };
        self.run(signals, &tape, 0)?;
        let signals = tape.signals.into_inner().expect("no product panicked");
        let whole = |signals: Vec<LayerSignal<T>>| {
            let (inputs, products): (Vec<_>, Vec<_>) = signals
                .into_iter()
                .map(|signal| (signal.input, signal.product))
                .unzip();
            LayerSignal {
                input: Batch::stack(Axis(1), &inputs),
                product: Batch::stack(Axis(1), &products),
            }
        };
        Ok(signals.into_values().map(whole).collect())
    }

    /// Fails unless the samples have the network's number of features.
    ///
    /// # Errors
    /// [`Error::Shape`], and [`Error::Value`] for a graph that leaves this number open.
    pub fn check_features(&self, samples: &Samples) -> Result<()> {
        #[cfg(feature = "onnx")]
        if let Some(graph) = self.graph() {
            graph.check_closed()?;
        }
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

/// Digital products, each of which must be finite: an activation may hide that one is not.
struct Checked<'a, T> {
    network: &'a Network,
    digital: &'a Digital<T>,
}

impl<T: Real> Linears<T> for Checked<'_, T> {
    fn multiply(&self, id: LinearId, columns: Batch<T>, at: At) -> Result<Batch<T>> {
        let product = self.digital.multiply(id, columns, at)?;
        let mut linears = self.network.linears();
        let name = linears
            .find(|(linear, _)| *linear == id)
            .map_or("", |(_, linear)| &linear.name);
        product.check_finite(&format!("outputs of layer `{name}`"))?;
        Ok(product)
    }
}

/// Notes the products of a run.
struct Tape<'a, T, L: ?Sized> {
    with: &'a L,
    /// One column of so many is kept, by the number of the map.
    strides: Vec<usize>,
    signals: Mutex<BTreeMap<LinearId, Vec<LayerSignal<T>>>>,
}

impl<T: Real, L: Linears<T> + ?Sized> Linears<T> for Tape<'_, T, L> {
    fn multiply(&self, map: LinearId, columns: Batch<T>, at: At) -> Result<Batch<T>> {
        let product = self.with.multiply(map, columns.clone(), at)?;
        let stride = self.strides[map.0];
        let signal = LayerSignal {
            input: columns.every(stride),
            product: product.every(stride),
        };
        let mut signals = self.signals.lock().expect("no product panicked");
        signals.entry(map).or_default().push(signal);
        Ok(product)
    }

    fn read(&self, readout: Readout, signals: Batch<T>) -> Array2<T> {
        self.with.read(readout, signals)
    }
}

impl<T: Real> Linears<T> for Digital<T> {
    fn multiply(&self, map: LinearId, columns: Batch<T>, _: At) -> Result<Batch<T>> {
        Ok(match &self.maps[map.0][..] {
            [only] => only.multiply(&columns),
            groups => multiply_groups(groups, &columns),
        })
    }
}

/// The products of `groups` with their equal runs of the rows of `batch`, after one another.
fn multiply_groups<T: Real>(groups: &[Map<T>], batch: &Batch<T>) -> Batch<T> {
    let inputs = groups[0].re.ncols();
    let products = groups.iter().enumerate().map(|(group, map)| {
        let rows = group * inputs..(group + 1) * inputs;
        map.multiply(&batch.rows(rows))
    });
    Batch::stack(Axis(0), &products.collect::<Vec<_>>())
}

impl<T: Real> Map<T> {
    fn of(weight: &Weight) -> Self {
        match weight {
            Weight::Real(w) => Self {
                re: w.mapv(T::of),
                im: None,
            },
            Weight::Complex(w) => Self {
                re: w.mapv(|z| T::of(z.re)),
                im: Some(w.mapv(|z| T::of(z.im))),
            },
        }
    }

    /// `weight · batch`, by one real product where both are real, two where one is complex, else four.
    fn multiply(&self, batch: &Batch<T>) -> Batch<T> {
        let one = T::one();
        let product = |w: &Array2<T>, x: &Array2<T>| {
            // Columns that stand one after another stay so.
            match !x.is_standard_layout() && x.t().is_standard_layout() {
                true => x.t().dot(&w.t()).reversed_axes(),
                false => w.dot(x),
            }
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
    use super::super::{Activation, Bias, Encoding, Input, Layer};
    use super::*;
    use crate::error::compare::{not_finite, shape};
    use ndarray::{arr1, arr2};
    use num_complex::Complex;

    fn layer(weight: Weight, bias: Option<Bias>, activation: Activation) -> Layer {
        Layer::new("0", weight, bias, activation)
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
            Layer::new(
                "1",
                Weight::Real(arr2(&[[1.0, 1.0]])),
                None,
                Activation::Identity,
            ),
        ];
        let network = Network::new(Input::default(), layers, Readout::Real).unwrap();
        let samples = Samples::from(arr2(&[[2.0, 1.0]]));
        assert_eq!(network.forward::<f64>(&samples).unwrap(), arr2(&[[0.5]]));
        assert_eq!(network.forward::<f32>(&samples).unwrap(), arr2(&[[0.5]]));
        let wrong = Samples::from(arr2(&[[2.0]]));
        assert_eq!(
            network.forward::<f64>(&wrong).unwrap_err().refusal(),
            shape("data", &[1, 1])
        );
    }

    /// −1e10 · 1e30 has no single precision, of which relu would make the 0 of a network that gives nothing.
    #[test]
    fn what_leaves_the_range_of_the_precision_is_refused_in_front_of_what_hides_it() {
        let real = |weight: f64| Weight::Real(arr2(&[[weight]]));
        let layers = vec![
            layer(real(-1e10), None, Activation::Relu),
            Layer::new("1", real(1.0), None, Activation::Identity),
        ];
        let network = Network::new(Input::default(), layers, Readout::Real).unwrap();
        let refused = |x: f64| {
            let refused = network.forward::<f32>(&Samples::from(arr2(&[[1.0], [x]])));
            refused.unwrap_err().refusal()
        };
        let outputs = format!("outputs of layer `{}`", network.layers()[0].name());
        assert_eq!(refused(1e30), not_finite(&outputs, "[1, 0]", "-inf"));
        assert_eq!(refused(1e39), not_finite("encoded data", "[1, 0]", "inf"));
        let double = network.forward::<f64>(&Samples::from(arr2(&[[1e30]])));
        assert_eq!(double.unwrap(), arr2(&[[0.0]]));
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
                let network = Network::new(input, layers, readout).unwrap();
                let width = network.features();
                let x = Array2::from_shape_fn((count, width), |(i, j)| {
                    (i as f64 * 0.7 + j as f64).sin()
                });
                let logits = network.forward::<f64>(&Samples::from(x.clone())).unwrap();
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
