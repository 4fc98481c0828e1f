//! The 16-16-16-10 network of Banerjee et al. under errors on all of its MZIs.

use std::f64::consts::TAU;

use rayon::prelude::*;

use super::chips::{OnChips, Spread, Zone, within};
use super::learn::{Recipe, Samples, dense, learnt};
use super::tasks::{Split, fourier};
use super::{case, mean, near, seed};
use crate::nn::Activation;
use crate::validation::{Expected, Section, Tier};

const SOURCE: &str = "Banerjee et al., DATE 2021, arXiv:2012.10594, abstract";

/// Networks, each from its own start.
pub const NETWORKS: u64 = 5;
/// Chips of each network and spread.
pub const CHIPS: u64 = 20;

/// The network under errors on all of its MZIs.
pub fn section() -> Section {
    let task = fourier();
    let networks = networks(&task);
    let ideal = mean_accuracy(&networks, &task.test, 1, 0.0, &|_| true);
    let at = |share| mean_accuracy(&networks, &task.test, CHIPS, share, &|_| true);
    let collapsed = at(0.05);
    let mzis: usize = networks[0].program.maps().map(|map| map.mzis()).sum();
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

/// The trained networks.
pub fn networks(task: &Split) -> Vec<OnChips> {
    let activation = Activation::ModulusSoftplus { temperature: 0.03 };
    let train = |number| {
        let seed = seed(number);
        let start = dense(&[16, 16, 16, 10], 2.0, false, activation, seed);
        let recipe = Recipe {
            epochs: 60,
            batch: 50,
            rate: 0.02,
            seed,
        };
        OnChips::new(learnt(&start, &task.train, recipe), seed)
    };
    (0..NETWORKS).into_par_iter().map(train).collect()
}

/// The mean accuracy over `chips` chips of each network, with errors on those MZIs and attenuators that are in `zone`, but
/// not on screens.
pub fn mean_accuracy(
    networks: &[OnChips],
    samples: &Samples,
    chips: u64,
    share: f64,
    zone: Zone,
) -> f64 {
    let of_network = |network: &OnChips| {
        let given = within(&network.program, &|spot| {
            spot.column.is_some() && zone(spot)
        });
        mean(&network.accuracies(samples, chips, relative(share), &given))
    };
    mean(&networks.iter().map(of_network).collect::<Vec<f64>>())
}
