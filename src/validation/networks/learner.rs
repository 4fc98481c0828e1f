//! A small complex network and its training: back-propagation by hand, Adam.
//!
//! The gradient of a real loss `L` by a complex amplitude `z` is kept as `g = ∂L/∂Re z + i ∂L/∂Im z`. Then `y = W x`
//! gives `g_W = g_y x†` and `g_x = W† g_y`.

use std::f64::consts::PI;

use ndarray::{Array2, Axis, Zip};

use super::butterfly::Butterfly;
use super::tasks::Task;
use crate::field::Fields;
use crate::linalg::C64;
use crate::nn::{Activation, Batch, metrics};
use crate::rng::{Effect, Seed, Stream};

/// A linear layer that is trained.
#[derive(Debug, Clone)]
pub(super) enum Linear {
    /// Every weight of its own, `[out, in]`.
    Dense {
        /// The weights.
        weight: Fields<f64>,
        /// Whether the imaginary parts stay 0.
        real: bool,
    },
    /// Phases of two butterfly meshes and the attenuators between them.
    Butterfly(Butterfly),
}

/// Linear layers, an activation after each but the last, and the intensities of the last one as logits.
#[derive(Debug, Clone)]
pub(super) struct Network {
    /// The layers in the order in which light meets them.
    pub layers: Vec<Linear>,
    /// Acts on the modulus and keeps the phase.
    pub activation: Activation,
}

/// How a network is trained.
#[derive(Debug, Clone, Copy)]
pub(super) struct Recipe {
    /// Passes over the training samples.
    pub epochs: u64,
    /// Samples of one step.
    pub batch: usize,
    /// Peak step of Adam; it falls to 0 along half a cosine.
    pub rate: f64,
    /// From which the order of the samples follows.
    pub seed: Seed,
}

impl Linear {
    /// Normal weights such that inputs of variance 1 give outputs of mean power `gain²`.
    pub fn dense(
        (outputs, inputs): (usize, usize),
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
    fn parameters(&self) -> Vec<f64> {
        match self {
            Self::Dense { weight, .. } => weight.re.iter().chain(&weight.im).copied().collect(),
            Self::Butterfly(butterfly) => butterfly.parameters(),
        }
    }

    fn set_parameters(&mut self, values: &[f64]) {
        match self {
            Self::Dense { weight, .. } => {
                for (weight, value) in weight.re.iter_mut().chain(&mut weight.im).zip(values) {
                    *weight = *value;
                }
            }
            Self::Butterfly(butterfly) => butterfly.set_parameters(values),
        }
    }

    /// Amplitudes behind the layer.
    pub fn forward(&self, x: &Fields<f64>) -> Fields<f64> {
        match self {
            Self::Dense { weight, .. } => weight.times(x),
            Self::Butterfly(butterfly) => butterfly.forward(x),
        }
    }

    /// Gradients by the parameters and by the inputs, from those by the outputs.
    fn backward(&self, x: &Fields<f64>, g: &Fields<f64>) -> (Vec<f64>, Fields<f64>) {
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
            Self::Butterfly(butterfly) => butterfly.backward(x, g),
        }
    }
}

impl Network {
    /// A network of dense layers: `widths` modes in front of and behind each.
    pub fn dense(
        widths: &[usize],
        gain: f64,
        real: bool,
        activation: Activation,
        seed: Seed,
    ) -> Self {
        let layers = widths.windows(2).enumerate().map(|(index, pair)| {
            let mut stream = seed.stream(Effect::Haar, 0, index as u64, 2);
            Linear::dense((pair[1], pair[0]), gain, real, &mut stream)
        });
        Self {
            layers: layers.collect(),
            activation,
        }
    }

    /// Trains on `task`.
    pub fn train(&mut self, task: &Task, recipe: Recipe) {
        let mut adam: Vec<Adam> = self
            .layers
            .iter()
            .map(|layer| Adam::new(layer.parameters()))
            .collect();
        let samples = task.y.len();
        for epoch in 0..recipe.epochs {
            let progress = epoch as f64 / recipe.epochs as f64;
            let rate = recipe.rate * 0.5 * (1.0 + (PI * progress).cos());
            for indices in shuffled(samples, epoch, recipe.seed).chunks(recipe.batch) {
                let (_, gradients) = self.loss(&task.select(indices));
                for ((layer, adam), gradient) in
                    self.layers.iter_mut().zip(&mut adam).zip(&gradients)
                {
                    layer.set_parameters(adam.step(gradient, rate));
                }
            }
        }
    }

    /// The mean negative log-likelihood of the classes of `task`, and its gradient by the parameters of each layer.
    fn loss(&self, task: &Task) -> (f64, Vec<Vec<f64>>) {
        let last = self.layers.len() - 1;
        let mut inputs = vec![task.x.clone()];
        let mut outputs = Vec::with_capacity(self.layers.len());
        for (index, layer) in self.layers.iter().enumerate() {
            let z = layer.forward(&inputs[index]);
            if index < last {
                inputs.push(activate(self.activation, z.clone()));
            }
            outputs.push(z);
        }
        let (loss, mut g) = likelihood(&outputs[last], &task.y);
        let mut gradients = Vec::new();
        for index in (0..=last).rev() {
            if index < last {
                g = self.before_activation(&outputs[index], &inputs[index + 1], &g);
            }
            let (by_parameters, by_input) = self.layers[index].backward(&inputs[index], &g);
            gradients.push(by_parameters);
            g = by_input;
        }
        gradients.reverse();
        (loss, gradients)
    }

    /// The gradient in front of the activation: of `f(z) = q(|z|) e^{i arg z}`, the part along z passes with `q′`,
    /// the part across with `q/|z|`.
    fn before_activation(&self, z: &Fields<f64>, f: &Fields<f64>, g: &Fields<f64>) -> Fields<f64> {
        /// Step of the central difference that stands for q′; its error is some 1e-9.
        const STEP: f64 = 1e-5;
        let modulus = Zip::from(&z.re).and(&z.im).map_collect(|x, y| x.hypot(*y));
        let shifted = |step: f64| {
            let re = modulus.mapv(|r| (r + step).abs());
            let im = Array2::zeros(re.raw_dim());
            activate(self.activation, Fields { re, im }).re
        };
        let slope = (shifted(STEP) - shifted(-STEP)) / (2.0 * STEP);
        let mut out = Fields::zeros(z.modes(), z.samples());
        for ((at, r), slope) in modulus.indexed_iter().zip(&slope) {
            if *r < 2.0 * STEP {
                continue;
            }
            let unit = C64::new(z.re[at], z.im[at]) / *r;
            let across = f.re[at].hypot(f.im[at]) / r;
            let turned = unit.conj() * C64::new(g.re[at], g.im[at]);
            let back = unit * C64::new(slope * turned.re, across * turned.im);
            (out.re[at], out.im[at]) = (back.re, back.im);
        }
        out
    }
}

/// The library's activation on amplitudes.
pub fn activate(activation: Activation, fields: Fields<f64>) -> Fields<f64> {
    let mut batch = Batch::Complex(fields);
    activation.apply(&mut batch);
    match batch {
        Batch::Complex(fields) => fields,
        Batch::Real(_) => unreachable!("amplitudes stay amplitudes"),
    }
}

/// The share of `task` that a network of `matrices` names right: the brightest output is the class.
pub fn accuracy(matrices: &[Fields<f64>], activation: Activation, task: &Task) -> f64 {
    let mut x = task.x.clone();
    for (index, matrix) in matrices.iter().enumerate() {
        x = matrix.times(&x);
        if index + 1 < matrices.len() {
            x = activate(activation, x);
        }
    }
    metrics::accuracy(&metrics::predict(intensities(&x).t()), &task.y)
}

/// |z|² of every amplitude.
pub fn intensities(z: &Fields<f64>) -> Array2<f64> {
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

/// Kingma, Ba, ICLR 2015 (arXiv:1412.6980), with the decay rates given there.
struct Adam {
    values: Vec<f64>,
    mean: Vec<f64>,
    square: Vec<f64>,
    steps: i32,
}

impl Adam {
    fn new(values: Vec<f64>) -> Self {
        Self {
            mean: vec![0.0; values.len()],
            square: vec![0.0; values.len()],
            values,
            steps: 0,
        }
    }

    /// The parameters after a step against `gradient`.
    fn step(&mut self, gradient: &[f64], rate: f64) -> &[f64] {
        const DECAY: [f64; 2] = [0.9, 0.999];
        self.steps += 1;
        let [unbias_mean, unbias_square] = DECAY.map(|decay| 1.0 / (1.0 - decay.powi(self.steps)));
        for (index, g) in gradient.iter().enumerate() {
            let mean = &mut self.mean[index];
            *mean += (1.0 - DECAY[0]) * (g - *mean);
            let square = &mut self.square[index];
            *square += (1.0 - DECAY[1]) * (g * g - *square);
            let size = (*square * unbias_square).sqrt() + 1e-8;
            self.values[index] -= rate * *mean * unbias_mean / size;
        }
        &self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let mut network = Network {
                layers: vec![
                    Linear::dense((4, 3), 1.0, false, &mut stream),
                    Linear::Butterfly(Butterfly::random(4, 3, 2.0, &mut stream)),
                ],
                activation,
            };
            let mut draw = || Array2::from_shape_simple_fn((3, 5), || stream.standard_normal());
            let task = Task {
                x: Fields {
                    re: draw(),
                    im: draw(),
                },
                y: vec![0, 1, 2, 1, 0],
            };
            let (_, gradients) = network.loss(&task);
            for (layer, gradient) in gradients.iter().enumerate() {
                let values = network.layers[layer].parameters();
                assert_eq!(values.len(), gradient.len());
                for (index, slope) in gradient.iter().enumerate() {
                    let mut at = |step: f64| {
                        let mut values = values.clone();
                        values[index] += step;
                        network.layers[layer].set_parameters(&values);
                        network.loss(&task).0
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
}
