//! Slopes of the activations, and their values beside PyTorch's.

use std::collections::{BTreeMap, HashSet};

use ndarray::{Array2, arr2};
use serde::Deserialize;

use super::all;
use crate::field::{Fields, Real};
use crate::nn::{Activation, Batch};

/// Debian's PyTorch 1.13 wrote the file (`tests/cases/activations.py`): values, and slopes by `autograd`.
#[derive(Deserialize)]
struct Reference {
    x: Vec<f64>,
    kinds: BTreeMap<String, Curve>,
}

#[derive(Deserialize)]
struct Curve {
    y: Vec<f64>,
    slope: Vec<f64>,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("../../../../tests/cases/activations.json")).unwrap()
}

fn mapped<T: Real>(activation: Activation, x: &[f64]) -> Vec<T> {
    let x: Vec<T> = x.iter().map(|x| T::of(*x)).collect();
    let mut batch = Batch::Real(Array2::from_shape_vec((1, x.len()), x).unwrap());
    activation.apply(&mut batch);
    match batch {
        Batch::Real(y) => y.into_iter().collect(),
        Batch::Complex(_) => panic!("real stays real"),
    }
}

#[test]
fn every_real_function_has_the_values_and_slopes_of_pytorch() {
    let Reference { x, kinds } = reference();
    let mut seen = HashSet::new();
    for (name, curve) in kinds {
        let activation: Activation = name.parse().unwrap();
        seen.insert(activation.name());
        let double: Vec<f64> = mapped(activation, &x);
        let single: Vec<f32> = mapped(activation, &x);
        for (index, &x) in x.iter().enumerate() {
            let (y, slope) = (curve.y[index], curve.slope[index]);
            assert!(
                (double[index] - y).abs() <= 1e-15 + 1e-13 * y.abs(),
                "{name}({x}): {y}"
            );
            let single = f64::from(single[index]);
            let ulps = 4.0 * f64::from(f32::EPSILON) * y.abs();
            // PyTorch's 1 + erf is 0 where gelu is below 1e-300.
            assert!(
                (single - y).abs() <= 1e-15 + ulps,
                "{name}({x}) in f32: {single}, {y}"
            );
            // This PyTorch takes 1/6 in single precision for the slope of its hardsigmoid.
            let tolerance = if name == "hardsigmoid" {
                6e-9
            } else {
                1e-15 + 1e-13 * slope.abs()
            };
            let got = activation.slope(x).unwrap();
            assert!(
                (got - slope).abs() <= tolerance,
                "{name}'({x}): {got}, {slope}"
            );
        }
    }
    let with_slope = all()
        .into_iter()
        .filter(|activation| activation.slope(0.5).is_some());
    assert_eq!(
        seen,
        with_slope.map(|activation| activation.name()).collect()
    );
}

/// f'(x) = (f(x + h) − f(x − h)) / 2h + O(h²), away from kinks.
#[test]
fn slopes_are_central_differences() {
    const H: f64 = 1e-5;
    for activation in reference()
        .kinds
        .keys()
        .map(|name| name.parse::<Activation>().unwrap())
    {
        for step in -50..50 {
            // No kink lies within 0.03 of an odd multiple of 1/32 plus 1/100.
            let x = f64::from(2 * step + 1) / 16.0 + 0.01;
            let [low, high] = mapped::<f64>(activation, &[x - H, x + H])[..] else {
                panic!()
            };
            let difference = (high - low) / (2.0 * H);
            let slope = activation.slope(x).unwrap();
            assert!(
                (slope - difference).abs() < 1e-9,
                "{activation} at {x}: {slope}, {difference}"
            );
        }
    }
}

#[test]
fn no_function_and_no_slope_is_nan_far_from_zero() {
    for activation in all() {
        for x in [1e4, -1e4, 1e30, -1e30, 0.0, -0.0] {
            if activation.is_complex() {
                continue;
            }
            let (double, single) = (
                mapped::<f64>(activation, &[x]),
                mapped::<f32>(activation, &[x]),
            );
            assert!(
                double[0].is_finite() && single[0].is_finite(),
                "{activation}({x})"
            );
            let slope = activation.slope(x).unwrap_or_default();
            assert!(slope.is_finite(), "{activation}'({x})");
        }
    }
}

/// Central differences of |f(z)| along z; only functions that keep the phase have one.
#[test]
fn slopes_of_moduli_are_central_differences() {
    const STEP: f64 = 1e-5;
    let mut names = HashSet::new();
    for activation in all().into_iter().filter(Activation::is_complex) {
        for r in [1e-3, 0.2, 0.7, 1.3, 4.0] {
            let at = |r: f64| {
                let (re, im) = (arr2(&[[0.6 * r]]), arr2(&[[0.8 * r]]));
                let mut batch = Batch::Complex(Fields { re, im });
                activation.apply(&mut batch);
                let Batch::Complex(z) = batch else {
                    panic!("amplitudes stay amplitudes");
                };
                z.re[[0, 0]].hypot(z.im[[0, 0]])
            };
            let difference = (at(r + STEP) - at(r - STEP)) / (2.0 * STEP);
            if let Some(slope) = activation.modulus_slope(r) {
                names.insert(activation.name());
                let apart = (slope - difference).abs();
                assert!(apart < 1e-8, "{activation} {r}: {slope} {difference}");
            }
        }
    }
    let expected = ["modrelu", "modulus-softplus", "saturable-absorber"];
    assert_eq!(names, HashSet::from(expected));
}
