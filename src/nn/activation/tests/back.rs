//! Gradients through the activations and the readouts against central differences.

use ndarray::{Array2, arr2};

use super::all;
use crate::field::Fields;
use crate::nn::{Activation, Batch, Readout};

const STEP: f64 = 1e-4;

/// The derivative at 0 of a loss of one number, by five points.
fn difference(loss: impl Fn(f64) -> f64) -> f64 {
    let [far, near] = [2.0, 1.0].map(|k| loss(k * STEP) - loss(-k * STEP));
    (8.0 * near - far) / (12.0 * STEP)
}

/// Signals away from kinks.
fn signals(complex: bool) -> Batch<f64> {
    let re = arr2(&[[0.31, -1.7, 0.9], [-0.42, 0.77, 2.3]]);
    let im = arr2(&[[0.6, 0.8, -1.1], [-0.2, 0.35, 0.4]]);
    match complex {
        true => Batch::Complex(Fields { re, im }),
        false => Batch::Real(re),
    }
}

fn shifted(batch: &Batch<f64>, part: usize, at: [usize; 2], step: f64) -> Batch<f64> {
    let mut batch = batch.clone();
    match &mut batch {
        Batch::Real(x) => x[at] += step,
        Batch::Complex(z) => [&mut z.re, &mut z.im][part][at] += step,
    }
    batch
}

fn parts(batch: &Batch<f64>) -> Vec<&Array2<f64>> {
    match batch {
        Batch::Real(x) => vec![x],
        Batch::Complex(z) => vec![&z.re, &z.im],
    }
}

/// Re Σ g* y: the loss whose gradient by `y` is `g`.
fn loss(y: &Batch<f64>, g: &Batch<f64>) -> f64 {
    let pairs = parts(y).into_iter().zip(parts(g));
    pairs.map(|(y, g)| (y * g).sum()).sum()
}

fn check(what: &str, x: &Batch<f64>, got: &Batch<f64>, loss: impl Fn(&Batch<f64>) -> f64) {
    for (part, got) in parts(got).into_iter().enumerate() {
        for ((row, col), got) in got.indexed_iter() {
            let expected = difference(|step| loss(&shifted(x, part, [row, col], step)));
            assert!(
                (got - expected).abs() < 1e-9 * (1.0 + expected.abs()),
                "{what} {part} {row} {col}: {got} {expected}"
            );
        }
    }
}

#[test]
fn gradients_through_every_activation_are_central_differences() {
    for activation in all() {
        let domains = match activation == Activation::Identity {
            true => vec![false, true],
            false => vec![activation.is_complex()],
        };
        for complex in domains {
            let x = signals(complex);
            let g = match complex {
                true => Batch::Complex(Fields {
                    re: arr2(&[[1.0, -0.3, 0.2], [0.5, 0.7, -0.9]]),
                    im: arr2(&[[-0.8, 0.1, 0.6], [0.3, -0.4, 1.2]]),
                }),
                false => Batch::Real(arr2(&[[1.0, -0.3, 0.2], [0.5, 0.7, -0.9]])),
            };
            let got = activation.pull_back(&x, g.clone());
            check(&activation.to_string(), &x, &got, |x| {
                let mut y = x.clone();
                activation.apply(&mut y);
                loss(&y, &g)
            });
        }
    }
}

#[test]
fn gradients_of_dark_amplitudes_are_finite() {
    let dark = Batch::Complex(Fields::<f64>::zeros(1, 1));
    let one = Batch::Complex(Fields {
        re: arr2(&[[1.0]]),
        im: arr2(&[[-2.0]]),
    });
    for activation in all().into_iter().filter(Activation::is_complex) {
        let got = activation.pull_back(&dark, one.clone());
        assert!(got.check_finite("gradient").is_ok(), "{activation}");
    }
    let absorber = Activation::SaturableAbsorber {
        sigma_tau: 1.0,
        t0: 0.25,
    };
    // Weak light keeps √t₀ of its amplitude.
    let got = absorber.pull_back(&dark, one);
    assert_eq!(parts(&got), [&arr2(&[[0.5]]), &arr2(&[[-1.0]])]);
}

#[test]
fn gradients_through_every_readout_are_central_differences() {
    let g = arr2(&[[1.0, -0.3, 0.2], [0.5, 0.7, -0.9]]);
    for readout in [Readout::Real, Readout::Modulus, Readout::Intensity] {
        for complex in [false, true] {
            let x = signals(complex);
            let got = readout.pull_back(&x, &g);
            check(&format!("{readout:?}"), &x, &got, |x| {
                (readout.read(x.clone()) * &g).sum()
            });
        }
    }
}
