//! Networks of complex amplitudes that learn their tasks without errors.

use std::f64::consts::TAU;

use ndarray::{Array2, Axis, concatenate};

use super::layout;
use crate::compile::{Array, Layout, Meshes, Multiplier, Program, Tile, compile};
use crate::field::Fields;
use crate::hardware::Hardware;
use crate::linalg::C64;
use crate::mesh::{Geometry, Mesh};
use crate::nn::{Activation, Dataset, Encoding, Input, Layer, Network, Readout, Weight};
use crate::rng::{Effect, Seed, Stream};
use crate::train::{Parameters, Training};
use crate::validation::learning;

/// Amplitudes `[mode, sample]` and the classes that they are of.
#[derive(Debug, Clone)]
pub(super) struct Samples {
    pub x: Fields<f64>,
    pub y: Vec<usize>,
}

impl Samples {
    /// A row a sample: real parts, then imaginary parts.
    fn dataset(&self) -> Dataset {
        let rows = concatenate(Axis(1), &[self.x.re.t(), self.x.im.t()]);
        let rows = rows.expect("both parts are of the same samples");
        Dataset::new("amplitudes", rows.into(), self.y.clone()).expect("amplitudes are finite")
    }
}

/// How a network learns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Recipe {
    /// Passes over the samples.
    pub epochs: u64,
    /// Samples of one step.
    pub batch: usize,
    /// Peak step of Adam; it falls to 0 along half a cosine.
    pub rate: f64,
    /// From which the order of the samples follows.
    pub seed: Seed,
}

/// Dense layers with an activation between them, whose last intensities are logits.
fn network(weights: impl Iterator<Item = Weight>, activation: Activation) -> Network {
    let input = Input {
        encoding: Encoding::ComplexHalves,
        ..Input::default()
    };
    let layers = weights
        .enumerate()
        .map(|(index, weight)| Layer::new(index.to_string(), weight, None, activation));
    let mut layers: Vec<Layer> = layers.collect();
    if let Some(last) = layers.last_mut() {
        last.activation = Activation::Identity;
    }
    Network::new(input, layers, Readout::Intensity).expect("layers fit together")
}

/// A network of `widths` modes in front of and behind each layer, with normal weights such that inputs of variance 1 give
/// outputs of mean power `gain²`: what learns are its weights.
pub(super) fn dense(
    widths: &[usize],
    gain: f64,
    is_real: bool,
    activation: Activation,
    seed: Seed,
) -> Program {
    let weights = widths.windows(2).enumerate().map(|(index, pair)| {
        let mut stream = seed.stream(Effect::Haar, 0, index as u64, 2);
        let parts = if is_real { 1.0 } else { 2.0 };
        let std = gain / (parts * pair[0] as f64).sqrt();
        let mut draw = || std * stream.standard_normal();
        match is_real {
            true => Weight::Real(Array2::from_shape_simple_fn((pair[1], pair[0]), draw)),
            false => Weight::Complex(Array2::from_shape_simple_fn((pair[1], pair[0]), || {
                C64::new(draw(), draw())
            })),
        }
    });
    let layout = Layout {
        multiplier: Multiplier::Crossbar,
        ..Layout::default()
    };
    compile(&network(weights, activation), layout).expect("a crossbar takes any weights")
}

/// A butterfly with internal phases asin u and other phases 2π u, u uniform in [0, 1): the start that the code of Fang et
/// al., Opt. Express 27, 14009 (2019), gives its FFTNet.
fn butterfly(modes: usize, stream: &mut Stream) -> Mesh {
    let mesh = Mesh::bar(Geometry::Butterfly, modes).expect("a butterfly has 2^p modes");
    let mut phases = mesh.phases().clone();
    for theta in &mut phases.theta {
        *theta = stream.uniform().asin();
    }
    for phase in phases.phi.iter_mut().chain(&mut phases.screen) {
        *phase = TAU * stream.uniform();
    }
    mesh.with_phases(phases).expect("drawn phases are finite")
}

/// A network whose layers are pairs of such butterflies with attenuators between them and a digital `gain`: what learns are
/// phases and gains.
pub(super) fn butterflies(
    widths: &[usize],
    gain: f64,
    activation: Activation,
    seed: Seed,
) -> Program {
    let tiles = widths.windows(2).enumerate().map(|(index, pair)| {
        let (inputs, rows) = (pair[0], pair[1]);
        let outputs = rows.next_power_of_two();
        let mut stream = seed.stream(Effect::Haar, 1, index as u64, 2);
        let input = butterfly(inputs, &mut stream);
        let attenuators = (0..inputs.min(outputs)).map(|_| stream.uniform().asin());
        let attenuators = attenuators.collect();
        Tile {
            row: 0,
            col: 0,
            rows,
            cols: inputs,
            scale: gain,
            row_scales: None,
            array: Array::Meshes(Box::new(Meshes {
                input,
                attenuators,
                output: butterfly(outputs, &mut stream),
            })),
        }
    });
    let tiles: Vec<Vec<Tile>> = tiles.map(|tile| vec![tile]).collect();
    let weights = tiles.iter().map(|tiles| {
        let matrix = tiles[0].matrix();
        Weight::Complex(Array2::from_shape_fn(matrix.shape(), |at| matrix[at]))
    });
    let network = network(weights, activation);
    let program = Program::from_tiles(network, layout(Geometry::Butterfly), tiles);
    program.expect("every layer has its tile")
}

/// What `start` becomes by learning from `samples` on a perfect chip.
pub(super) fn learnt(start: &Program, samples: &Samples, recipe: Recipe) -> Program {
    let training = Training {
        parameters: match start.layout().multiplier {
            Multiplier::Crossbar => Parameters::Weights,
            Multiplier::Meshes(_) => Parameters::Phases,
        },
        epochs: recipe.epochs,
        batch: recipe.batch,
        rate: recipe.rate,
        validation: 0.0,
        ..Training::default()
    };
    let perfect = Hardware::default();
    learning::learnt::<f64>(&training, start, &samples.dataset(), &perfect, recipe.seed)
}
