//! Trained layers on meshes whose elements are off by drawn errors.

use rayon::prelude::*;

use super::butterfly::Butterfly;
use super::learner::{self, Linear, Network};
use super::tasks::Task;
use crate::compile::{Tile, compile};
use crate::field::Fields;
use crate::hardware::Section;
use crate::linalg::{C64, Matrix};
use crate::mesh::{Cells, Coefficients, Mesh, Mzi, Phases};
use crate::nn::{Activation, Encoding, Input, Layer, LinearId, Model, Readout, Weight};
use crate::rng::{Effect, Seed, Stream};

/// Two meshes with attenuators between them, `scale · U diag(sin θ/2) V†`.
#[derive(Debug, Clone)]
pub(super) struct Stage {
    /// Mesh of V†. Its screen also undoes the phase that each attenuator adds.
    pub input: Mesh,
    /// Internal phases of the attenuators, rad.
    pub attenuators: Vec<f64>,
    /// Mesh of U.
    pub output: Mesh,
    scale: f64,
    rows: usize,
    cols: usize,
}

/// An element of a network on meshes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Site {
    /// The layer, from 0.
    pub layer: usize,
    /// V†, attenuators or U.
    pub section: Section,
    /// The column; `None` for a phase of the output screen.
    pub column: Option<usize>,
    /// The upper mode.
    pub mode: usize,
}

/// Standard deviations of the errors of one element.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Spread {
    /// Of each phase, rad.
    pub phase_rad: f64,
    /// Of the angle of each coupler, rad.
    pub splitting_rad: f64,
}

impl Spread {
    /// Phases off by `sigma` rad, and the amplitude r = 1/√2 of each coupler off by `sigma`: its angle by √2 σ.
    pub fn of_both(sigma: f64) -> Self {
        Self {
            phase_rad: sigma,
            splitting_rad: std::f64::consts::SQRT_2 * sigma,
        }
    }
}

/// The source line of [`fidelity_law`].
pub const FIDELITY_LAW: &str =
    "F = exp(−[P σ_p² (N − 1)/N² + 2 C σ_a²/N]), P phases and C couplers on N modes";

/// The mean fidelity of a lossless mesh whose phases and couplers are off by small normal errors.
///
/// One phase δ changes tr(U†U′)/N by (e^{iδ} − 1)/N, one coupler angle α by (2 cos α − 2)/N, wherever they stand; to
/// first order in the squares of many errors the losses add.
pub fn fidelity_law(modes: usize, phases: usize, couplers: usize, spread: Spread) -> f64 {
    let (n, phases, couplers) = (modes as f64, phases as f64, couplers as f64);
    let of_phases = phases * spread.phase_rad.powi(2) * (n - 1.0) / (n * n);
    let of_couplers = 2.0 * couplers * spread.splitting_rad.powi(2) / n;
    (-of_phases - of_couplers).exp()
}

/// The spread of every element of a chip.
pub(super) type Spreads<'a> = &'a (dyn Fn(Site) -> Spread + Sync);

/// `mesh` with normal errors of the given spread. An element consumes its draws whatever its spread is, so that
/// errors on parts of a mesh are parts of the errors on all of it.
pub fn disturbed(
    mesh: &Mesh,
    spread: impl Fn(Option<usize>, usize) -> Spread,
    stream: &mut Stream,
) -> Coefficients<'static> {
    let mzis: Vec<Mzi> = (0..mesh.nodes().len())
        .map(|index| {
            let node = mesh.nodes()[index];
            let (theta, phi) = (mesh.theta()[index], mesh.phi()[index]);
            disturbed_mzi(theta, phi, spread(Some(node.column), node.top), stream)
        })
        .collect();
    let screen = mesh.screen().iter().enumerate().map(|(mode, phase)| {
        let error = spread(None, mode).phase_rad * stream.standard_normal();
        phase + error
    });
    let phases = Phases {
        theta: mzis.iter().map(|mzi| mzi.theta).collect(),
        phi: mzis.iter().map(|mzi| mzi.phi).collect(),
        screen: screen.collect(),
        free: Vec::new(),
    };
    Coefficients::of(mesh, Cells::from(&mzis[..]), phases)
}

fn disturbed_mzi(theta: f64, phi: f64, spread: Spread, stream: &mut Stream) -> Mzi {
    let [theta_error, phi_error, alpha, beta] = [(); 4].map(|()| stream.standard_normal());
    Mzi {
        alpha: spread.splitting_rad * alpha,
        beta: spread.splitting_rad * beta,
        ..Mzi::ideal(
            theta + spread.phase_rad * theta_error,
            phi + spread.phase_rad * phi_error,
        )
    }
}

impl From<&Tile> for Stage {
    fn from(tile: &Tile) -> Self {
        let meshes = tile.meshes().expect("layers are compiled to meshes");
        Self {
            input: meshes.input.clone(),
            attenuators: meshes.attenuators.clone(),
            output: meshes.output.clone(),
            scale: tile.scale,
            rows: tile.rows,
            cols: tile.cols,
        }
    }
}

impl From<&Butterfly> for Stage {
    fn from(layer: &Butterfly) -> Self {
        let mut phases = layer.input.phases().clone();
        for (screen, theta) in phases.screen.iter_mut().zip(&layer.attenuators) {
            // The bar port of an attenuator adds this phase: T₁₁ = i e^{iθ/2} sin(θ/2).
            *screen -= std::f64::consts::FRAC_PI_2 + theta / 2.0;
        }
        let input = layer.input.with_phases(phases);
        let input = input.expect("training keeps phases finite");
        Self {
            cols: input.modes(),
            input,
            attenuators: layer.attenuators.clone(),
            output: layer.output.clone(),
            scale: layer.gain,
            rows: layer.rows,
        }
    }
}

impl Stage {
    /// The stage's matrix on one chip, `[rows, cols]`.
    ///
    /// An attenuator has the phase shifters and the couplers of every MZI; its φ stands where V†'s screen stands, so
    /// the screen has no errors of its own.
    pub fn fields(&self, layer: usize, spreads: Spreads, stream: &mut Stream) -> Fields<f64> {
        let site = |section, column, mode| Site {
            layer,
            section,
            column,
            mode,
        };
        let of_input = |column: Option<usize>, mode| match column {
            Some(_) => spreads(site(Section::Input, column, mode)),
            None => Spread::default(),
        };
        let inner = disturbed(&self.input, of_input, stream);
        let factors: Vec<C64> = self
            .attenuators
            .iter()
            .enumerate()
            .map(|(mode, theta)| {
                let spread = spreads(site(Section::Attenuators, Some(0), mode));
                disturbed_mzi(*theta, 0.0, spread, stream).matrix()[0] * self.scale
            })
            .collect();
        let of_output = |column, mode| spreads(site(Section::Output, column, mode));
        let outer = disturbed(&self.output, of_output, stream);
        let light = outer.walk_on(inner.first_columns(self.cols), &factors);
        light.crop(self.rows, self.cols)
    }

    /// What the attenuators pass on a perfect chip, scale included.
    pub fn attenuations(&self) -> Vec<C64> {
        let passed = |theta: &f64| Mzi::ideal(*theta, 0.0).matrix()[0] * self.scale;
        self.attenuators.iter().map(passed).collect()
    }

    /// The stage as a matrix on a perfect chip.
    pub fn ideal(&self) -> Matrix {
        self.on_chip(
            0,
            &|_| Spread::default(),
            &mut Seed(0).stream(Effect::Splitting, 0, 0, 0),
        )
    }

    /// [`Stage::fields`] as a matrix.
    pub fn on_chip(&self, layer: usize, spreads: Spreads, stream: &mut Stream) -> Matrix {
        let fields = self.fields(layer, spreads, stream);
        Matrix::from_fn(self.rows, self.cols, |row, col| {
            C64::new(fields.re[[row, col]], fields.im[[row, col]])
        })
    }

    /// Number of MZIs, attenuators included.
    pub fn mzis(&self) -> usize {
        self.input.nodes().len() + self.attenuators.len() + self.output.nodes().len()
    }
}

/// A trained network on meshes.
#[derive(Debug, Clone)]
pub(super) struct OnMeshes {
    /// One a layer.
    pub stages: Vec<Stage>,
    network: Network,
    seed: Seed,
}

impl OnMeshes {
    /// Dense layers through singular values and decomposition into rectangular meshes, butterflies as they are. The
    /// errors of its chips follow from `seed`.
    pub fn new(network: Network, seed: Seed) -> Self {
        Self {
            stages: network.layers.iter().map(stage).collect(),
            network,
            seed,
        }
    }

    /// The network as the library's own model of dense layers; raw features are real parts, then imaginary parts.
    ///
    /// # Panics
    /// If a layer is a butterfly.
    pub fn model(&self) -> Model {
        let last = self.network.layers.len() - 1;
        let layers = self.network.layers.iter().enumerate();
        let input = Input {
            encoding: Encoding::ComplexHalves,
            ..Input::default()
        };
        let layers = layers.map(|(index, layer)| match layer {
            Linear::Dense { weight, .. } => {
                let activation = match index < last {
                    true => self.network.activation,
                    false => Activation::Identity,
                };
                Layer::new(index.to_string(), complex(weight), None, activation)
            }
            Linear::Butterfly(_) => panic!("a model has dense layers"),
        });
        let model = Model::new(input, layers.collect(), Readout::Intensity);
        model.expect("trained weights are sound")
    }

    /// The activation on amplitudes.
    pub fn activate(&self, fields: Fields<f64>) -> Fields<f64> {
        learner::activate(self.network.activation, fields)
    }

    /// The matrices of its layers on chip number `chip`.
    pub fn matrices(&self, chip: u64, spreads: Spreads) -> Vec<Fields<f64>> {
        let stages = self.stages.iter().enumerate();
        stages
            .map(|(layer, stage)| {
                let mut stream = self.seed.stream(Effect::Splitting, chip, layer as u64, 4);
                stage.fields(layer, spreads, &mut stream)
            })
            .collect()
    }

    /// The accuracy on each of `chips` chips.
    pub fn accuracies(&self, task: &Task, chips: u64, spreads: Spreads) -> Vec<f64> {
        (0..chips)
            .into_par_iter()
            .map(|chip| {
                learner::accuracy(&self.matrices(chip, spreads), self.network.activation, task)
            })
            .collect()
    }
}

/// The layer alone as a tile, or its butterflies as they are.
fn stage(layer: &Linear) -> Stage {
    match layer {
        Linear::Butterfly(butterfly) => butterfly.into(),
        Linear::Dense { weight, .. } => {
            let model = Model::of_weight(complex(weight), Readout::Intensity);
            let model = model.expect("trained weights are sound");
            let program = compile(&model, super::layout()).expect("trained weights compile");
            (&program.tiles(LinearId(0))[0]).into()
        }
    }
}

fn complex(weight: &Fields<f64>) -> Weight {
    let weight = ndarray::Zip::from(&weight.re)
        .and(&weight.im)
        .map_collect(|re, im| C64::new(*re, *im));
    Weight::Complex(weight)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::max_abs_difference;

    #[test]
    fn layers_on_perfect_meshes_are_the_layers() {
        let mut stream = Seed(1).stream(Effect::Haar, 0, 0, 0);
        let layers = [
            Linear::dense((5, 8), 1.0, false, &mut stream),
            Linear::Butterfly(Butterfly::random(8, 3, 2.0, &mut stream)),
        ];
        for layer in layers {
            let of_layer = layer.forward(&Fields::basis(8, 8));
            let on_meshes = stage(&layer).ideal();
            assert_eq!(on_meshes.shape(), of_layer.re.dim());
            let expected = Matrix::from_fn(of_layer.modes(), 8, |row, col| {
                C64::new(of_layer.re[[row, col]], of_layer.im[[row, col]])
            });
            assert!(max_abs_difference(&on_meshes, &expected) < 1e-13);
        }
    }
}
