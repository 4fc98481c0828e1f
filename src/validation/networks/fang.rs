//! GridNet against FFTNet: a rectangular mesh that holds any matrix against a shallow one that holds few.

use rayon::prelude::*;

use super::chips::{FIDELITY_LAW, OnChips, Spread, fidelity_law};
use super::learn::{Recipe, Samples, butterflies, dense, learnt};
use super::tasks::pixels;
use super::{case, near, seed};
use crate::compile::Program;
use crate::experiment::{Summary, quantile};
use crate::hardware::Given;
use crate::linalg::fidelity;
use crate::mesh::Mesh;
use crate::nn::Activation;
use crate::rng::Seed;
use crate::validation::{Case, Curves, Expected, Section, Tier};

const SOURCE: &str = "Fang et al., Opt. Express 27, 14009 (2019), abstract";
const DATA: &str = "theirs is MNIST on 392-256-256-10 modes, ours the 8×8 digits on 64-64-64-10";

/// Networks of each kind, each from its own start.
const NETWORKS: u64 = 6;
/// Chips of each network and spread.
const CHIPS: u64 = 10;
const WIDTHS: [usize; 4] = [64, 64, 64, 10];
/// T = 0.03 of the softplus, as in their code.
const ACTIVATION: Activation = Activation::ModulusSoftplus { temperature: 0.03 };

/// GridNet against FFTNet.
pub fn section() -> Section {
    const SIGMAS: [f64; 5] = [0.0, 0.005, 0.01, 0.015, 0.02];
    let task = pixels();
    let kinds = [
        train(grid, 0.005, &task.train),
        train(fft, 0.02, &task.train),
    ];
    let [grid, fft] = kinds
        .each_ref()
        .map(|networks| SIGMAS.map(|sigma| Accuracies::of(networks, &task.test, sigma)));
    let (ideal, worst) = (0, SIGMAS.len() - 1);
    let loss = |net: &[Accuracies; 5]| net[ideal].median - net[worst].median;
    let mut cases = vec![
        case(
            ("GridNet without errors, accuracy", Tier::Published),
            grid[ideal].median,
            Expected::NotReproduced(0.98),
            SOURCE,
            DATA,
        ),
        case(
            ("FFTNet without errors, accuracy", Tier::Published),
            fft[ideal].median,
            Expected::NotReproduced(0.95),
            SOURCE,
            DATA,
        ),
        case(
            ("GridNet minus FFTNet without errors, accuracy", Tier::Trend),
            grid[ideal].median - fft[ideal].median,
            Expected::AtLeast(0.0),
            SOURCE,
            "more accurate while perfect",
        ),
        case(
            ("σ at which FFTNet overtakes GridNet", Tier::Trend),
            crossover(&SIGMAS, &grid, &fft),
            Expected::AtMost(0.02),
            SOURCE,
            "between two medians on a straight line; 0.02 is the largest error of their code",
        ),
        case(
            (
                "20 % quantile of FFTNet minus 80 % quantile of GridNet at σ = 0.02, accuracy",
                Tier::Trend,
            ),
            fft[worst].p20 - grid[worst].p80,
            Expected::AtLeast(0.0),
            SOURCE,
            "the bands are apart",
        ),
        case(
            (
                "loss of accuracy at σ = 0.02, GridNet over FFTNet",
                Tier::Trend,
            ),
            loss(&grid) / loss(&fft),
            Expected::AtLeast(1.0),
            SOURCE,
            "the more fault-tolerant loses less",
        ),
    ];
    cases.extend(
        kinds
            .iter()
            .map(|networks| fidelity_case(&networks[0].meshes(0).input)),
    );
    Section {
        title: "GridNet against FFTNet",
        about: "Six networks of each kind, complex amplitudes on 64-64-64-10 modes, learn the built-in 8×8 digits (1000 to learn \
                from, 797 to be judged by): modulus-softplus with T = 0.03 between layers, intensities under a log-softmax behind \
                the last, 20 epochs of Adam. GridNet has free weights, whose singular vectors stand on rectangular meshes. FFTNet \
                has butterfly meshes, whose phases, attenuators and gain are trained through the mesh. Then every phase is off by \
                σ rad and the amplitude 1/√2 of every coupler by σ (its angle by √2 σ), attenuators included, ten chips of each \
                network. Medians over all chips of a kind. FFTNet's start, the \
                softplus and the errors are those of the authors' code, whose attenuators have errors of their phases only.",
        cases,
        curves: Some(curves(&SIGMAS, &grid, &fft)),
    }
}

/// Medians and bands of 20 to 80 %, as in the paper's figures.
fn curves(sigmas: &[f64], grid: &[Accuracies], fft: &[Accuracies]) -> Curves {
    let row = |k: usize| {
        let [g, f] = [grid[k], fft[k]];
        vec![sigmas[k], g.p20, g.median, g.p80, f.p20, f.median, f.p80]
    };
    Curves {
        header: &[
            "σ",
            "GridNet 20 %",
            "median",
            "80 %",
            "FFTNet 20 %",
            "median",
            "80 %",
        ],
        rows: (0..sigmas.len()).map(row).collect(),
    }
}

/// Accuracies over all chips of a kind.
#[derive(Debug, Clone, Copy)]
struct Accuracies {
    p20: f64,
    median: f64,
    p80: f64,
}

impl Accuracies {
    fn of(networks: &[OnChips], samples: &Samples, sigma: f64) -> Self {
        // Without errors all chips of a network are one.
        let chips = if sigma == 0.0 { 1 } else { CHIPS };
        let spread = Spread::of_both(sigma);
        let mut all: Vec<f64> = networks
            .iter()
            .flat_map(|network| network.accuracies(samples, chips, spread, &Given::default()))
            .collect();
        all.sort_by(f64::total_cmp);
        let [p20, median, p80] = [0.2, 0.5, 0.8].map(|share| quantile(&all, share));
        Self { p20, median, p80 }
    }
}

/// The σ at which the medians cross, on straight lines between the points; infinite if they do not.
fn crossover(sigmas: &[f64], grid: &[Accuracies], fft: &[Accuracies]) -> f64 {
    let lead = |k: usize| grid[k].median - fft[k].median;
    (1..sigmas.len())
        .find(|k| lead(*k) < 0.0)
        .map_or(f64::INFINITY, |k| {
            let share = lead(k - 1) / (lead(k - 1) - lead(k));
            sigmas[k - 1] + share * (sigmas[k] - sigmas[k - 1])
        })
}

/// What networks learn from their `start` with this peak step, as chips hold them.
fn train(start: fn(Seed) -> Program, rate: f64, samples: &Samples) -> Vec<OnChips> {
    let network = |number| {
        let seed = seed(number);
        let recipe = Recipe {
            epochs: 20,
            batch: 50,
            rate,
            seed,
        };
        OnChips::new(learnt(&start(seed), samples, recipe), seed)
    };
    (0..NETWORKS).into_par_iter().map(network).collect()
}

/// Weights of their own.
fn grid(seed: Seed) -> Program {
    dense(&WIDTHS, 1.0, false, ACTIVATION, seed)
}

/// Butterflies of random phases, with the gain from which their code starts.
fn fft(seed: Seed) -> Program {
    butterflies(&WIDTHS, 6.0, ACTIVATION, seed)
}

/// The fidelity of a trained mesh under errors against its law.
fn fidelity_case(mesh: &Mesh) -> Case {
    const SIGMA: f64 = 0.01;
    let ideal = mesh.transfer();
    let hardware = Spread::of_both(SIGMA).hardware();
    let fidelities = (0..CHIPS).map(|chip| {
        let chip = hardware.fabricate(seed(0), chip);
        fidelity(&chip.transfer(mesh), &ideal)
    });
    let (mzis, modes) = (mesh.nodes().len(), mesh.modes());
    let law = fidelity_law(modes, 2 * mzis + modes, 2 * mzis, Spread::of_both(SIGMA));
    case(
        (
            format!("mean fidelity of a trained V†, {mzis} MZIs on {modes} modes, σ = {SIGMA}"),
            Tier::Analytic,
        ),
        Summary::of(fidelities).mean,
        near(law, 0.1 * (1.0 - law)),
        FIDELITY_LAW,
        "",
    )
}
