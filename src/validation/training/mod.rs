//! What training makes of chips that err: for a kind of chip, and for one.

mod six_modes;

use std::f64::consts::PI;

use ndarray::{Array2, ArrayView1};

use super::learning::learnt;
use super::sample::Sample;
use super::{Case, Expected, Section, Tier};
use crate::compile::{Layout, Program, compile};
use crate::experiment::Workload;
use crate::hardware::Hardware;
use crate::io::Source;
use crate::mesh::Correction;
use crate::nn::{Activation, Dataset, Input, PerFeature, Scale, Selection};
use crate::rng::{Effect, Seed};
use crate::train::{MethodName, NewNetwork, Parameters, Training};

const TRAIN: &[u8] = include_bytes!("../../../meshes/demo/digits-train.npz");
const TEST: &[u8] = include_bytes!("../../../meshes/demo/digits-test.npz");
/// From which networks and chips follow.
const SEED: Seed = Seed(31);
/// Chips that judge.
const CHIPS: u64 = 40;

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

/// A new network of these widths, compiled in whole layers; inputs are multiplied by `scale`.
fn new(widths: &[usize], activation: Activation, scale: f64) -> Program {
    let network = NewNetwork {
        widths: widths.to_vec(),
        activation,
    };
    let input = Input {
        scale: Scale::Factor(PerFeature::Same(scale)),
        ..Input::default()
    };
    let network = network.network(input, SEED).expect("widths are some");
    compile(&network, Layout::default()).expect("its layers are tiles")
}

/// What `training` makes of `program` on chips of `hardware`.
fn trained(training: &Training, program: &Program, data: &Dataset, hardware: &Hardware) -> Program {
    learnt::<f32>(training, program, data, hardware, SEED)
}

/// Digital accuracy, and that on chips from number `first` on.
fn judged(
    program: &Program,
    data: &Dataset,
    hardware: &Hardware,
    first: u64,
    count: u64,
) -> (f64, Sample) {
    let workload = Workload::<f32>::new(program, data, None).expect("the data fit");
    let digital = workload.digital(&()).expect("data are finite");
    let on_chip = |trial| {
        let chip = hardware.fabricate(SEED, first + trial);
        let judged = workload.trial(chip, Correction::None, &digital, &());
        judged.expect("outputs are finite").1.worth.value()
    };
    (digital.worth.value(), Sample::of(count, on_chip))
}

/// A thousand samples of two classes in the plane, drawn by `point` of a class, a number in [0, 1) and two normal ones.
fn plane(part: u64, point: impl Fn(bool, f64, [f64; 2]) -> [f64; 2]) -> Dataset {
    let mut stream = SEED.stream(Effect::Haar, part, 0, 8);
    let mut labels = Vec::new();
    let mut x = Array2::zeros((1000, 2));
    for mut row in x.rows_mut() {
        let class = stream.uniform() < 0.5;
        let place = stream.uniform();
        let noise = [(); 2].map(|()| stream.standard_normal());
        labels.push(usize::from(class));
        row.assign(&ArrayView1::from(&point(class, place, noise)));
    }
    Dataset::new("plane", x.into(), labels).expect("points are finite")
}

/// Two half circles, one in the bend of the other.
fn moons(part: u64) -> Dataset {
    plane(part, |class, place, noise| {
        let (sin, cos) = (PI * place).sin_cos();
        let [x, y] = match class {
            false => [cos - 0.5, sin - 0.25],
            true => [0.5 - cos, 0.25 - sin],
        };
        [x + 0.1 * noise[0], y + 0.1 * noise[1]]
    })
}

/// Two arms that wind about each other by three quarters of a turn.
fn spiral(part: u64) -> Dataset {
    plane(part, |class, place, noise| {
        let radius = place.sqrt();
        let angle = 1.5 * PI * radius + if class { PI } else { 0.0 };
        let (sin, cos) = angle.sin_cos();
        [
            radius * cos + 0.02 * noise[0],
            radius * sin + 0.02 * noise[1],
        ]
    })
}

pub(super) fn section() -> Section {
    let ideal = Training {
        epochs: 100,
        batch: 64,
        rate: 3e-3,
        validation: 0.0,
        ..Training::default()
    };
    let on_chips = Training {
        epochs: 120,
        rate: 0.01,
        chips: 2,
        ..ideal.clone()
    };
    // Straight through programming is no exact gradient: the last steps are those of the phases.
    let phases = Training {
        parameters: Parameters::Phases,
        epochs: 60,
        batch: 32,
        rate: 2e-3,
        ..on_chips.clone()
    };
    let sigma = chips(0.05);
    let start = new(&[64, 64, 64, 10], Activation::Relu, 1.0 / 16.0);
    let plain = trained(&ideal, &start, &digits(TRAIN), &Hardware::default());
    let (digital, lost) = judged(&plain, &digits(TEST), &sigma, 0, CHIPS);
    let aware = trained(&on_chips, &start, &digits(TRAIN), &sigma);
    let aware = trained(&phases, &aware, &digits(TRAIN), &sigma);
    let (_, won) = judged(&aware, &digits(TEST), &sigma, 0, CHIPS);
    let share = |accuracy: f64| (accuracy - lost.mean) / (digital - lost.mean);
    let mut cases = vec![
        Case {
            name: "digital accuracy of 64-64-64-10, relu, on digits of 8 × 8".to_owned(),
            tier: Tier::Package,
            ours: digital,
            expected: Expected::AtLeast(0.943),
            source: "94.3 % (NumPy, two seeds)",
            note: "1000 samples to learn, 797 to judge; 100 epochs of Adam.",
        },
        Case {
            name: "share of the accuracy lost to couplers of σ = 0.05 rad that training on drawn chips wins back, mean of 40 unseen chips less two standard errors".to_owned(),
            tier: Tier::Trend,
            ours: share(won.mean - 2.0 * won.standard_error),
            expected: Expected::AtLeast(0.70),
            source: WHITE,
            note: "Weights, then phases, on two new chips every step.",
        },
    ];
    // One chip, far off.
    let bad = chips(0.1);
    let chip = 7;
    let before = judged(&plain, &digits(TEST), &bad, chip, 1).1.mean;
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
        let tuned = trained(&training, &plain, &digits(TRAIN), &bad);
        let after = judged(&tuned, &digits(TEST), &bad, chip, 1).1.mean;
        cases.push(Case {
            name: format!("share of the accuracy lost on one chip of σ = 0.1 rad that tuning wins back, {method}"),
            tier: Tier::Trend,
            ours: (after - before) / (digital - before),
            expected: Expected::AtLeast(least),
            source: GU,
            note: "10 epochs.",
        });
    }
    // Small tasks, their phases trained on chips as they are.
    for (name, task) in [("moons", moons as fn(u64) -> Dataset), ("spiral", spiral)] {
        let training = Training {
            parameters: Parameters::Phases,
            epochs: 100,
            batch: 50,
            rate: 0.02,
            validation: 0.0,
            ..Training::default()
        };
        let start = new(&[2, 8, 2], Activation::Tanh, 1.0);
        let program = trained(&training, &start, &task(0), &sigma);
        let (_, accuracy) = judged(&program, &task(1), &sigma, 0, CHIPS);
        cases.push(Case {
            name: format!("accuracy of 2-8-2 on {name}, phases trained on chips of σ = 0.05 rad, mean of 40 unseen chips less two standard errors"),
            tier: Tier::Trend,
            ours: accuracy.mean - 2.0 * accuracy.standard_error,
            expected: Expected::AtLeast(0.925),
            source: "92.5 % and more, of networks of this size that were trained on a chip",
            note: "1000 samples to learn, 1000 to judge.",
        });
    }
    cases.extend(six_modes::cases());
    Section {
        title: "Training",
        about: "Networks of 64-64-64-10 on the built-in digits, and of 2-8-2 on points in the plane, whole layers on rectangles, nothing corrected; judged by other samples on chips that no training drew, but where one chip is tuned. The smallest one has optical activations and learns by light alone.",
        cases,
        curves: None,
    }
}
