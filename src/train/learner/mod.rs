//! Networks, their loss and the steps of their training.

mod layer;
mod pair;

pub use layer::Layer;
pub use pair::MeshPair;

use ndarray::{Array2, Axis, Zip};

use crate::compile::{Layout, Program};
use crate::error::Result;
use crate::field::Fields;
use crate::nn::{self, Activation, Batch, Encoding, Input, Network, Readout, Weight};
use crate::rng::{Effect, Seed};
use crate::train::optimizer::{Optimizer, Rule};
use crate::train::rate::Schedule;

/// Amplitudes `[mode, sample]` and the classes that they are of.
#[derive(Debug, Clone)]
pub struct Samples {
    /// One column a sample.
    pub x: Fields<f64>,
    /// One class a sample.
    pub y: Vec<usize>,
}

impl Samples {
    /// The samples at `indices`.
    ///
    /// # Panics
    /// If there is no such sample.
    pub fn select(&self, indices: &[usize]) -> Self {
        let columns = |part: &Array2<f64>| {
            Array2::from_shape_fn((part.nrows(), indices.len()), |(mode, k)| {
                part[[mode, indices[k]]]
            })
        };
        Self {
            x: Fields {
                re: columns(&self.x.re),
                im: columns(&self.x.im),
            },
            y: indices.iter().map(|index| self.y[*index]).collect(),
        }
    }
}

/// Linear layers, an activation after each but the last, and the intensities of the last one as logits.
#[derive(Debug, Clone)]
pub struct Learner {
    /// The layers in the order in which light meets them.
    pub layers: Vec<Layer>,
    /// Acts on the modulus and keeps the phase.
    pub activation: Activation,
}

/// How a network is trained.
#[derive(Debug, Clone, Copy)]
pub struct Recipe {
    /// Passes over the training samples.
    pub epochs: u64,
    /// Samples of one step.
    pub batch: usize,
    /// Peak step of Adam; it falls to 0 along half a cosine.
    pub rate: f64,
    /// From which the order of the samples follows.
    pub seed: Seed,
}

impl Learner {
    /// A network of dense layers: `widths` modes in front of and behind each, weights of which `gain` is that of
    /// [`Layer::dense`].
    pub fn dense(
        widths: &[usize],
        gain: f64,
        real: bool,
        activation: Activation,
        seed: Seed,
    ) -> Self {
        let layers = widths.windows(2).enumerate().map(|(index, pair)| {
            let mut stream = seed.stream(Effect::Haar, 0, index as u64, 2);
            Layer::dense([pair[1], pair[0]], gain, real, &mut stream)
        });
        Self {
            layers: layers.collect(),
            activation,
        }
    }

    /// Trains on `samples`.
    pub fn train(&mut self, samples: &Samples, recipe: Recipe) {
        let of = |layer: &Layer| {
            let values = layer.parameters();
            (Optimizer::new(Rule::Adam, values.len()), values)
        };
        let mut adam: Vec<_> = self.layers.iter().map(of).collect();
        let count = samples.y.len();
        for epoch in 0..recipe.epochs {
            let rate = recipe.rate * Schedule::Cosine.factor(epoch, recipe.epochs);
            for indices in shuffled(count, epoch, recipe.seed).chunks(recipe.batch) {
                let (_, gradients) = self.loss(&samples.select(indices));
                for ((layer, (adam, values)), gradient) in
                    self.layers.iter_mut().zip(&mut adam).zip(&gradients)
                {
                    adam.step(values, gradient, rate);
                    layer.set_parameters(values);
                }
            }
        }
    }

    /// The learner as a network that takes amplitudes and gives intensities. Raw features are real parts, then imaginary
    /// parts.
    ///
    /// # Errors
    /// Those of [`Network::check`].
    pub fn network(&self) -> Result<Network> {
        let last = self.layers.len() - 1;
        let input = Input {
            encoding: Encoding::ComplexHalves,
            ..Input::default()
        };
        let layers = self.layers.iter().enumerate().map(|(index, layer)| {
            let activation = match index < last {
                true => self.activation,
                false => Activation::Identity,
            };
            let weight = Weight::Complex(layer.weight());
            nn::Layer::new(index.to_string(), weight, None, activation)
        });
        Network::new(input, layers.collect(), Readout::Intensity)
    }

    /// The network on meshes: weights as `layout` says, meshes as they are.
    ///
    /// # Errors
    /// Those of [`compile`](crate::compile::compile) and [`Program::from_tiles`].
    pub fn program(&self, layout: Layout) -> Result<Program> {
        let tiles = self.layers.iter().map(|layer| layer.tiles(layout));
        Program::from_tiles(self.network()?, layout, tiles.collect::<Result<_>>()?)
    }

    /// The mean negative log-likelihood of the classes of `samples`, and its gradient by the parameters of each layer.
    fn loss(&self, samples: &Samples) -> (f64, Vec<Vec<f64>>) {
        let last = self.layers.len() - 1;
        let mut inputs = vec![samples.x.clone()];
        let mut outputs = Vec::with_capacity(self.layers.len());
        for (index, layer) in self.layers.iter().enumerate() {
            let z = layer.forward(&inputs[index]);
            if index < last {
                inputs.push(activate(self.activation, z.clone()));
            }
            outputs.push(z);
        }
        let (loss, mut g) = likelihood(&outputs[last], &samples.y);
        let mut gradients = Vec::new();
        for index in (0..=last).rev() {
            if index < last {
                g = before(self.activation, &outputs[index], g);
            }
            let (by_parameters, by_input) = self.layers[index].backward(&inputs[index], &g);
            gradients.push(by_parameters);
            g = by_input;
        }
        gradients.reverse();
        (loss, gradients)
    }
}

/// The library's activation on amplitudes.
fn activate(activation: Activation, fields: Fields<f64>) -> Fields<f64> {
    let mut batch = Batch::Complex(fields);
    activation.apply(&mut batch);
    match batch {
        Batch::Complex(fields) => fields,
        Batch::Real(_) => unreachable!("amplitudes stay amplitudes"),
    }
}

/// The gradient in front of the library's activation on the amplitudes `z`.
fn before(activation: Activation, z: &Fields<f64>, by: Fields<f64>) -> Fields<f64> {
    match activation.pull_back(&Batch::Complex(z.clone()), Batch::Complex(by)) {
        Batch::Complex(fields) => fields,
        Batch::Real(_) => unreachable!("amplitudes stay amplitudes"),
    }
}

/// |z|² of every amplitude.
fn intensities(z: &Fields<f64>) -> Array2<f64> {
    Zip::from(&z.re)
        .and(&z.im)
        .map_collect(|x, y| x * x + y * y)
}

/// The mean negative log-likelihood under a softmax of the intensities, and its gradient by the amplitudes.
fn likelihood(z: &Fields<f64>, classes: &[usize]) -> (f64, Fields<f64>) {
    let mut by_power = intensities(z);
    let samples = classes.len() as f64;
    let mut loss = 0.0;
    for (mut column, class) in by_power.axis_iter_mut(Axis(1)).zip(classes) {
        let max = column.fold(f64::NEG_INFINITY, |a, b| a.max(*b));
        column.mapv_inplace(|p| (p - max).exp());
        let sum = column.sum();
        column /= sum;
        loss -= column[*class].max(f64::MIN_POSITIVE).ln() / samples;
        column[*class] -= 1.0;
        column /= samples;
    }
    by_power *= 2.0;
    let g = Fields {
        re: &z.re * &by_power,
        im: &z.im * &by_power,
    };
    (loss, g)
}

/// The numbers below `count` in an order that depends on the epoch (Fisher–Yates).
fn shuffled(count: usize, epoch: u64, seed: Seed) -> Vec<usize> {
    let mut stream = seed.stream(Effect::Haar, epoch, 0, 3);
    let mut order: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        order.swap(last, (stream.uniform() * (last + 1) as f64) as usize);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::{C64, max_abs_difference};

    /// Central differences of the loss against its gradient, for every parameter of a network of both kinds of layers.
    #[test]
    fn gradients_agree_with_finite_differences() {
        const STEP: f64 = 1e-5;
        let mut stream = Seed(3).stream(Effect::Haar, 0, 0, 0);
        for activation in [
            Activation::ModulusSoftplus { temperature: 0.03 },
            Activation::SaturableAbsorber {
                sigma_tau: 1.0,
                t0: 0.1,
            },
        ] {
            let mut network = Learner {
                layers: vec![
                    Layer::dense([4, 3], 1.0, false, &mut stream),
                    Layer::Meshes(MeshPair::butterflies(4, 3, 2.0, &mut stream)),
                ],
                activation,
            };
            let mut draw = || Array2::from_shape_simple_fn((3, 5), || stream.standard_normal());
            let samples = Samples {
                x: Fields {
                    re: draw(),
                    im: draw(),
                },
                y: vec![0, 1, 2, 1, 0],
            };
            let (_, gradients) = network.loss(&samples);
            for (layer, gradient) in gradients.iter().enumerate() {
                let values = network.layers[layer].parameters();
                assert_eq!(values.len(), gradient.len());
                for (index, slope) in gradient.iter().enumerate() {
                    let mut at = |step: f64| {
                        let mut values = values.clone();
                        values[index] += step;
                        network.layers[layer].set_parameters(&values);
                        network.loss(&samples).0
                    };
                    let difference = (at(STEP) - at(-STEP)) / (2.0 * STEP);
                    network.layers[layer].set_parameters(&values);
                    assert!(
                        (difference - slope).abs() < 1e-7,
                        "layer {layer}, parameter {index}: {difference} against {slope}"
                    );
                }
            }
        }
    }

    #[test]
    fn layers_on_perfect_meshes_are_the_layers() {
        let mut stream = Seed(1).stream(Effect::Haar, 0, 0, 0);
        for gain in [2.0, -2.0] {
            let layers = [
                Layer::dense([5, 8], 1.0, false, &mut stream),
                Layer::Meshes(MeshPair::butterflies(8, 3, gain, &mut stream)),
            ];
            for layer in layers {
                let of_layer = layer.forward(&Fields::basis(8, 8));
                let tiles = layer.tiles(Layout::default()).unwrap();
                let expected = crate::linalg::Matrix::from_fn(of_layer.modes(), 8, |row, col| {
                    C64::new(of_layer.re[[row, col]], of_layer.im[[row, col]])
                });
                assert!(max_abs_difference(&tiles[0].matrix(), &expected) < 1e-13);
            }
        }
    }

    /// Two classes on either side of a line: a network that learns tells them apart, well below the ln 2 of a guess.
    #[test]
    fn training_lowers_the_loss() {
        let mut stream = Seed(2).stream(Effect::Haar, 0, 0, 0);
        let re = Array2::from_shape_simple_fn((2, 60), || stream.standard_normal());
        let y = re
            .columns()
            .into_iter()
            .map(|x| usize::from(x[0].abs() > x[1].abs()));
        let samples = Samples {
            y: y.collect(),
            x: Fields {
                im: Array2::zeros(re.raw_dim()),
                re,
            },
        };
        let activation = Activation::ModulusSoftplus { temperature: 0.03 };
        let mut network = Learner::dense(&[2, 4, 2], 2.0, false, activation, Seed(3));
        let before = network.loss(&samples).0;
        let recipe = Recipe {
            epochs: 60,
            batch: 20,
            rate: 0.03,
            seed: Seed(4),
        };
        network.train(&samples, recipe);
        let after = network.loss(&samples).0;
        assert!(
            after < 0.5 * std::f64::consts::LN_2 && after < 0.5 * before,
            "{before} {after}"
        );
    }
}
