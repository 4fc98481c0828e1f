//! What training makes of chips that err: for a kind of chip, and for one.

use super::sample::Sample;
use super::{Case, Expected, Section, Tier};
use crate::compile::Program;
use crate::experiment::Workload;
use crate::hardware::Hardware;
use crate::io::Source;
use crate::mesh::Correction;
use crate::nn::{Activation, Network};
use crate::nn::{Dataset, Input, PerFeature, Scale, Selection};
use crate::rng::Seed;
use crate::train::{MethodName, NewNetwork, Parameters, Setting, Trainer, Training};

const TRAIN: &[u8] = include_bytes!("../../meshes/demo/digits-train.npz");
const TEST: &[u8] = include_bytes!("../../meshes/demo/digits-test.npz");
/// From which networks and chips follow.
const SEED: Seed = Seed(31);
/// Chips that judge.
const CHIPS: u64 = 20;

const WHITE: &str =
    "white weight noise of the same strength wins back 61 % of what is lost (NumPy, two seeds)";
const GU: &str = "Gu et al., NeurIPS 2021, arXiv:2110.14807: singular values alone adapt a chip at a fraction of the cost";

fn digits(bytes: &[u8]) -> Dataset {
    let source = Source::new("digits.npz", bytes);
    Dataset::read(source, Selection::default()).expect("the built-in digits are data")
}

/// The kind of chip: couplers that err by σ.
fn chips(sigma_rad: f64) -> Hardware {
    let hardware = Hardware::default();
    let hardware = hardware.with("coupler.splitting_error_rad", &sigma_rad.to_string());
    hardware.expect("σ is in range")
}

/// What `training` makes of a new network, 64-64-64-10 with relu, or of `program`.
fn trained(training: &Training, program: Option<&Program>, hardware: &Hardware) -> Program {
    let data = digits(TRAIN);
    let new = || {
        let new_network = NewNetwork {
            widths: vec![64, 64, 64, 10],
            activation: Activation::Relu,
        };
        let input = Input {
            scale: Scale::Factor(PerFeature::Same(1.0 / 16.0)),
            ..Input::default()
        };
        let network: Network = new_network.network(input, SEED).expect("widths are some");
        crate::compile::compile(&network, crate::compile::Layout::default())
            .expect("its layers are tiles")
    };
    let program = program.cloned().unwrap_or_else(new);
    let setting = Setting {
        program: &program,
        hardware,
        seed: SEED,
        data: &data,
        score: None,
        correction: Correction::None,
    };
    let mut trainer = Trainer::<f32>::new(training, setting, None).expect("it can be trained");
    for _ in 0..trainer.steps() {
        trainer.step(&()).expect("steps are finite");
    }
    let last = trainer.best().expect("values are finite");
    match training.trial {
        Some(_) => last.program().clone(),
        None => last.trained_program().expect("weights are finite"),
    }
}

/// Digital accuracy, and that on chips from number `first` on.
fn judged(program: &Program, hardware: &Hardware, first: u64, count: u64) -> (f64, Sample) {
    let data = digits(TEST);
    let workload = Workload::<f32>::new(program, &data, None).expect("digits fit");
    let digital = workload.digital(&()).expect("digits are finite");
    let on_chip = |trial| {
        let chip = hardware.fabricate(SEED, first + trial);
        let judged = workload.trial(chip, Correction::None, &digital, &());
        judged.expect("outputs are finite").1.worth.value()
    };
    (digital.worth.value(), Sample::of(count, on_chip))
}

pub(super) fn section() -> Section {
    let ideal = Training {
        epochs: 60,
        batch: 32,
        rate: 3e-3,
        validation: 0.0,
        ..Training::default()
    };
    let sigma = chips(0.05);
    let plain = trained(&ideal, None, &Hardware::default());
    let (digital, lost) = judged(&plain, &sigma, 0, CHIPS);
    let aware = trained(&ideal, None, &sigma);
    let (_, won) = judged(&aware, &sigma, 0, CHIPS);
    let share = |accuracy: f64| (accuracy - lost.mean) / (digital - lost.mean);
    let mut cases = vec![
        Case {
            name: "digital accuracy of 64-64-64-10, relu, on digits of 8 × 8".to_owned(),
            tier: Tier::Package,
            ours: digital,
            expected: Expected::AtLeast(0.943),
            source: "94.3 % (NumPy, two seeds)",
            note: "1000 samples to learn, 797 to judge; 60 epochs of Adam.",
        },
        Case {
            name: "share of the accuracy lost to couplers of σ = 0.05 rad that training on drawn chips wins back, mean of 20 unseen chips less two standard errors".to_owned(),
            tier: Tier::Trend,
            ours: share(won.mean - 2.0 * won.standard_error),
            expected: Expected::AtLeast(0.70),
            source: WHITE,
            note: "A new chip every step, straight through programming.",
        },
    ];
    // One chip, far off.
    let bad = chips(0.1);
    let chip = 7;
    let before = judged(&plain, &bad, chip, 1).1.mean;
    for (method, least) in [
        (MethodName::Adjoint, 0.9),
        (MethodName::SigmaOnly, 0.5),
        (MethodName::DigitalOnly, 0.1),
    ] {
        let training = Training {
            method,
            parameters: Parameters::Phases,
            epochs: 10,
            batch: 32,
            rate: 5e-3,
            validation: 0.0,
            trial: Some(chip),
            ..Training::default()
        };
        let tuned = trained(&training, Some(&plain), &bad);
        let after = judged(&tuned, &bad, chip, 1).1.mean;
        cases.push(Case {
            name: format!("share of the accuracy lost on one chip of σ = 0.1 rad that tuning wins back, {method}"),
            tier: Tier::Trend,
            ours: (after - before) / (digital - before),
            expected: Expected::AtLeast(least),
            source: GU,
            note: "10 epochs.",
        });
    }
    Section {
        title: "Training",
        about: "Networks of 64-64-64-10 on the built-in digits, whole layers on rectangles of 64 modes, nothing corrected; judged by the test samples on chips that no training drew.",
        cases,
        curves: None,
    }
}
