//! The 16-16-16-10 network of Banerjee et al. under errors on all of its MZIs.

use std::f64::consts::TAU;

use rayon::prelude::*;

use super::errors::{OnMeshes, Site, Spread};
use super::learner::{Network, Recipe};
use super::tasks::{Split, Task, fourier};
use super::{case, mean, near, seed};
use crate::compile::compile;
use crate::experiment::Experiment;
use crate::hardware::Hardware;
use crate::mesh::Correction;
use crate::nn::Activation;
use crate::validation::{Case, Expected, Section, Tier};

const SOURCE: &str = "Banerjee et al., DATE 2021, arXiv:2012.10594, abstract";

/// Networks, each from its own start.
pub const NETWORKS: u64 = 5;
/// Chips of each network and spread.
pub const CHIPS: u64 = 20;

/// The network under errors on all of its MZIs.
pub fn section() -> Section {
    let task = fourier();
    let meshes = networks(&task);
    let ideal = mean_accuracy(&meshes, &task.test, 1, |_| Spread::default());
    let at = |share| mean_accuracy(&meshes, &task.test, CHIPS, move |_| relative(share));
    let collapsed = at(0.05);
    let mzis: usize = meshes[0].stages.iter().map(|stage| stage.mzis()).sum();
    let cases = vec![
        case(
            (
                "phase shifters, two an MZI and an attenuator, without output screens",
                Tier::Published,
            ),
            2.0 * mzis as f64,
            near(1374.0, 0.0),
            SOURCE,
            "2 (120 + 16 + 120) + (120 + 10 + 45) MZIs",
        ),
        case(
            ("loss of accuracy at σ = 0.05", Tier::Published),
            ideal - collapsed,
            Expected::NotReproduced(0.7),
            SOURCE,
            "theirs is MNIST, and the abstract does not say at which σ; what is left is a guess here",
        ),
        case(
            ("accuracy at σ = 0.05", Tier::Analytic),
            collapsed,
            near(0.1, 0.06),
            "a guess among ten classes",
            "",
        ),
        case(
            (
                "accuracy without errors minus accuracy at σ = 0.0025",
                Tier::Analytic,
            ),
            ideal - at(0.0025),
            Expected::AtMost(0.02),
            "fidelity of a 16-mode unitary at σ = 0.0025: 0.996",
            "the collapse is not one of the network",
        ),
        own_chips_case(&meshes, &task.test),
    ];
    Section {
        title: "A 16-16-16-10 network of complex weights",
        about: "Five networks learn the 16 Fourier coefficients of lowest frequency of the built-in 8×8 digits (the paper's are \
                those of MNIST): complex weights, modulus-softplus between layers, intensities under a log-softmax behind the \
                last. Singular vectors stand on rectangular meshes. Every phase is off by σ · 2π rad and the amplitude 1/√2 of \
                every coupler by σ/√2, which is σ rad of its angle, attenuators included; 20 chips of each network. Means over \
                all chips.",
        cases,
        curves: None,
    }
}

/// Phases off by a share of 2π, coupler amplitudes by the same share of 1/√2: their angle by that share of 1 rad.
pub fn relative(share: f64) -> Spread {
    Spread {
        phase_rad: share * TAU,
        splitting_rad: share,
    }
}

/// The trained networks on meshes.
pub fn networks(task: &Split) -> Vec<OnMeshes> {
    let activation = Activation::ModulusSoftplus { temperature: 0.03 };
    let train = |number| {
        let seed = seed(number);
        let mut network = Network::dense(&[16, 16, 16, 10], 2.0, false, activation, seed);
        let recipe = Recipe {
            epochs: 60,
            batch: 50,
            rate: 0.02,
            seed,
        };
        network.train(&task.train, recipe);
        OnMeshes::new(network, seed)
    };
    (0..NETWORKS).into_par_iter().map(train).collect()
}

/// The mean accuracy over `chips` chips of each network, with errors on MZIs and attenuators but not on screens.
pub fn mean_accuracy(
    meshes: &[OnMeshes],
    task: &Task,
    chips: u64,
    spread: impl Fn(Site) -> Spread + Sync,
) -> f64 {
    let spreads = |site: Site| site.column.map_or(Spread::default(), |_| spread(site));
    let of_network = |meshes: &OnMeshes| mean(&meshes.accuracies(task, chips, &spreads));
    mean(&meshes.iter().map(of_network).collect::<Vec<f64>>())
}

/// Errors drawn here against those of the library's own chips.
fn own_chips_case(meshes: &[OnMeshes], task: &Task) -> Case {
    const SHARE: f64 = 0.01;
    let here = meshes
        .iter()
        .map(|meshes| mean(&meshes.accuracies(task, CHIPS, &|_| relative(SHARE))));
    let errors = relative(SHARE);
    let hardware = Hardware::default().with_values([
        ("phase_shifter.phase_error_rad", errors.phase_rad.into()),
        ("coupler.splitting_error_rad", errors.splitting_rad.into()),
    ]);
    let hardware = hardware.expect("a relative error of 1 % is in range");
    let data = task.dataset();
    let there = meshes.iter().enumerate().map(|(number, meshes)| {
        let program = compile(&meshes.model(), super::layout()).expect("trained weights compile");
        let experiment = Experiment {
            hardware: hardware.clone(),
            seed: seed(number as u64),
            trials: CHIPS as usize,
            correction: Correction::None,
        };
        let report = experiment.run::<f64>(&program, &data, &());
        report.expect("network and data fit").noisy.value().mean
    });
    let [here, there] = [here.collect::<Vec<f64>>(), there.collect()].map(|all| mean(&all));
    case(
        (
            "accuracy at σ = 0.01, errors drawn here minus errors of lightloom's chips",
            Tier::Analytic,
        ),
        here - there,
        near(0.0, 0.05),
        "two draws of the same errors, screens of U included; five standard errors",
        "",
    )
}
