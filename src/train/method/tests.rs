use ndarray::Array2;

use super::*;
use crate::compile::{Layout, Program, compile};
use crate::field::Fields;
use crate::hardware::Hardware;
use crate::nn::{Activation, Bias, Input, Labels, Layer, Network, Readout, Weight};
use crate::rng::{Effect, Seed};
use crate::train::{Loss, Parameters, Passes, Tape};

const CLASSES: [usize; 6] = [0, 1, 2, 0, 1, 2];

fn random(shape: (usize, usize), unit: u64) -> Array2<f64> {
    let mut stream = Seed(71).stream(Effect::Haar, 0, unit, 0);
    Array2::from_shape_simple_fn(shape, || stream.standard_normal())
}

fn network() -> Network {
    let bias = |count, unit| Some(Bias::Real(random((count, 1), unit).column(0).to_owned()));
    let layers = vec![
        Layer::new(
            "0",
            Weight::Real(random((4, 5), 1)),
            bias(4, 2),
            Activation::Tanh,
        ),
        Layer::new("1", Weight::Real(random((4, 4), 3)), None, Activation::Tanh),
        Layer::new(
            "2",
            Weight::Real(random((3, 4), 4)),
            bias(3, 5),
            Activation::Identity,
        ),
    ];
    Network::new(Input::default(), layers, Readout::Real).unwrap()
}

fn program() -> Program {
    let layout = Layout {
        tile: Some(4),
        ..Layout::default()
    };
    compile(&network(), layout).unwrap()
}

fn criterion() -> Criterion {
    let labels: Labels = CLASSES.to_vec().into();
    Criterion::new(Loss::CrossEntropy, &network(), &labels, || unreachable!()).unwrap()
}

fn with_minibatch<R>(work: impl FnOnce(&Minibatch<'_, f64>, &Chip) -> R) -> R {
    let hardware =
        Hardware::from_toml("coupler.splitting_error_rad = 0.1\nphase_shifter.offset_rad = 0.2");
    let chip = hardware.unwrap().fabricate(Seed(2), 3);
    let batch = Batch::Real(random((5, 6), 6));
    let criterion = criterion();
    let minibatch = Minibatch {
        batch: batch.clone(),
        samples: &[0, 1, 2, 3, 4, 5],
        criterion: &criterion,
        calibration: &batch,
        correction: Correction::None,
        step: 4,
    };
    work(&minibatch, &chip)
}

fn trainable(parameters: Parameters, part: TrainedPart) -> Trainable {
    let mut trainable = Trainable::new(&program(), parameters, part).unwrap();
    if parameters == Parameters::Phases {
        // Away from 0, below which a heater goes to 2π.
        let values = trainable.values();
        let away = values.iter().map(|value| value.rem_euclid(6.2) * 0.9 + 0.3);
        trainable.set(&away.collect::<Vec<_>>(), true).unwrap();
    }
    trainable
}

/// The loss on the chip, as a function of the trainable's values.
fn loss_of(
    trainable: &Trainable,
    values: &[f64],
    minibatch: &Minibatch<'_, f64>,
    chip: &Chip,
) -> f64 {
    let mut moved = trainable.clone();
    moved.set(values, true).unwrap();
    let processor = minibatch.load(&moved, chip).unwrap();
    let outputs = processor
        .forward(minibatch.batch.clone(), minibatch.step)
        .unwrap();
    minibatch.criterion.slopes(&outputs, minibatch.samples).0
}

/// Every value of every kind: phases, attenuators, scales, biases.
#[test]
fn adjoint_slopes_are_central_differences() {
    for part in [
        TrainedPart::Everything,
        TrainedPart::SingularValues,
        TrainedPart::Digital,
        TrainedPart::LastLayer,
    ] {
        let trainable = trainable(Parameters::Phases, part);
        with_minibatch(|minibatch, chip| {
            let (loss, slopes) = Adjoint.slopes(&trainable, chip, minibatch).unwrap();
            let values = trainable.values();
            assert_eq!(loss, loss_of(&trainable, &values, minibatch, chip));
            let largest = slopes.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
            assert!(largest > 1e-2, "{largest}");
            for (index, slope) in slopes.iter().enumerate() {
                let at = |step: f64| {
                    let mut moved = values.clone();
                    moved[index] += step;
                    loss_of(&trainable, &moved, minibatch, chip)
                };
                let h = 1e-5;
                let expected = (at(h) - at(-h)) / (2.0 * h);
                let off = (slope - expected).abs();
                assert!(off < 1e-7 * largest.max(1.0), "{index}: {slope} {expected}");
            }
        });
    }
}

/// On a perfect chip straight through programming is the gradient itself.
#[test]
fn slopes_by_weights_are_central_differences_on_a_perfect_chip() {
    let trainable = trainable(Parameters::Weights, TrainedPart::Everything);
    with_minibatch(|minibatch, _| {
        let chip = Hardware::default().fabricate(Seed(0), 0);
        let (_, slopes) = Adjoint.slopes(&trainable, &chip, minibatch).unwrap();
        let values = trainable.values();
        for (index, slope) in slopes.iter().enumerate() {
            let at = |step: f64| {
                let mut moved = values.clone();
                moved[index] += step;
                loss_of(&trainable, &moved, minibatch, &chip)
            };
            let expected = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!(
                (slope - expected).abs() < 1e-8,
                "{index}: {slope} {expected}"
            );
        }
    });
}

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// Where no light is lost, and all that leaves is seen, powers tell every slope: of phases, attenuators, scales and biases.
/// Where attenuators lose it, the fourth pass brings the slopes of phases nearer.
#[test]
fn light_measures_the_gradient() {
    let trainable = trainable(Parameters::Phases, TrainedPart::Everything);
    with_minibatch(|minibatch, chip| {
        let (loss, exact) = Adjoint.slopes(&trainable, chip, minibatch).unwrap();
        let largest = exact.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
        let whole = InSitu {
            has_drop_ports: true,
            ..InSitu::default()
        };
        let (same, measured) = whole.slopes(&trainable, chip, minibatch).unwrap();
        assert_eq!(loss, same);
        for (index, (measured, exact)) in measured.iter().zip(&exact).enumerate() {
            let off = (measured - exact).abs();
            assert!(off < 1e-9 * largest, "{index}: {measured} {exact}");
        }
        let [three, four] = [Passes::Three, Passes::Four].map(|passes| {
            let method = InSitu {
                passes,
                ..InSitu::default()
            };
            let (_, slopes) = method.slopes(&trainable, chip, minibatch).unwrap();
            cosine(&slopes, &exact)
        });
        assert!(three < four && four > 0.9 && three < 0.99, "{three} {four}");
    });
}

/// The mean over many signs is the gradient.
#[test]
fn simultaneous_perturbation_is_the_gradient_on_average() {
    let trainable = trainable(Parameters::Phases, TrainedPart::LastLayer);
    with_minibatch(|minibatch, chip| {
        let (_, exact) = Adjoint.slopes(&trainable, chip, minibatch).unwrap();
        let rounds = 600;
        let mut mean = vec![0.0; exact.len()];
        for round in 0..rounds {
            let method = Spsa {
                size: 1e-4,
                seed: Seed(round),
            };
            let (_, slopes) = method.slopes(&trainable, chip, minibatch).unwrap();
            for (sum, slope) in mean.iter_mut().zip(slopes) {
                *sum += slope / rounds as f64;
            }
        }
        // Every component errs by the norm of the others over the root of the rounds.
        let norm = exact.iter().map(|x| x * x).sum::<f64>().sqrt();
        let bound = 5.0 * norm / (rounds as f64).sqrt();
        for (mean, exact) in mean.iter().zip(&exact) {
            assert!((mean - exact).abs() < bound, "{mean} {exact} {bound}");
        }
        assert!(bound < 0.25 * norm);
    });
}

/// Where the feedback of every layer is the transposed path behind it, direct feedback is back-propagation: of a network
/// without activations that is a constant.
#[test]
fn direct_feedback_by_the_transposed_weights_is_the_gradient() {
    let mut layers = network().layers().to_vec();
    layers
        .iter_mut()
        .for_each(|layer| layer.activation = Activation::Identity);
    let network = Network::new(Input::default(), layers, Readout::Real).unwrap();
    let program = compile(&network, Layout::default()).unwrap();
    let chip = Hardware::default().fabricate(Seed(0), 0);
    let batch = Batch::Real(random((5, 6), 6));
    let processor = Processor::<f64>::load(&program, chip, Correction::None, None).unwrap();
    let (outputs, tape) = Tape::record(&processor, batch, 0).unwrap();
    let by_outputs = random(outputs.dim(), 9);
    let (second, third) = (random((4, 4), 3), random((3, 4), 4));
    let real = |re: Array2<f64>| Fields {
        im: Array2::zeros(re.raw_dim()),
        re,
    };
    let feedback = [real(second.t().dot(&third.t())), real(third.t().to_owned())];
    let direct = tape.gradient_by_feedback(&by_outputs, &feedback);
    let exact = tape.gradient(&by_outputs);
    for (direct, exact) in direct.layers.iter().zip(&exact.layers) {
        let pairs = direct.map.weight.re.iter().zip(&exact.map.weight.re);
        for (direct, exact) in pairs {
            assert!((direct - exact).abs() < 1e-12, "{direct} {exact}");
        }
    }
}

/// Direct feedback gives the last layer its exact slopes and the others different ones of some alignment.
#[test]
fn direct_feedback_is_exact_in_the_last_layer_alone() {
    let trainable = trainable(Parameters::Weights, TrainedPart::Everything);
    with_minibatch(|minibatch, chip| {
        let feedback = DirectFeedback::new(&trainable, Seed(5)).unwrap();
        let (loss, direct) = feedback.slopes(&trainable, chip, minibatch).unwrap();
        let (same, exact) = Adjoint.slopes(&trainable, chip, minibatch).unwrap();
        assert_eq!(loss, same);
        let last = direct.len() - (3 * 4 + 3);
        assert_eq!(direct[last..], exact[last..]);
        assert_ne!(direct[..last], exact[..last]);
    });
}

/// Two layers of 4 and one of 3 outputs in tiles of 4 modes, the first over two columns of tiles.
#[test]
fn methods_say_what_they_cost() {
    let trainable = trainable(Parameters::Phases, TrainedPart::Everything);
    let written = trainable.written() as u64;
    let costs = |method: &dyn Method<f64>| method.costs(&trainable, 10);
    let forward = Costs {
        passes: 10,
        readings: 10 * (2 * 4 + 4 + 3),
        ..Costs::default()
    };
    assert_eq!(costs(&Adjoint), forward);
    let spsa = Spsa {
        size: 0.1,
        seed: Seed(0),
    };
    let twice = Costs {
        passes: 20,
        settings: 2,
        phase_writes: 2 * written,
        readings: 2 * forward.readings,
    };
    assert_eq!(costs(&spsa), twice);
    // Taps in three passes, what comes back once at the inputs of every tile.
    let taps = (written + 5 + 4 + 4) * 10 + 2 * written * 10;
    let measured = Costs {
        passes: 30,
        readings: forward.readings + taps,
        ..Costs::default()
    };
    assert_eq!(costs(&InSitu::default()), measured);
    let feedback = DirectFeedback::new(&trainable, Seed(0)).unwrap();
    let both = Costs {
        passes: 20,
        readings: forward.readings + 10 * (4 + 4),
        ..Costs::default()
    };
    assert_eq!(costs(&feedback), both);
}
