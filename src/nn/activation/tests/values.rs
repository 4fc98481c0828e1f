//! Values of the activations, from tables and closed forms.

use approx::assert_relative_eq;
use ndarray::arr2;
use num_complex::Complex;

use super::all;
use crate::field::Fields;
use crate::nn::activation::function::absorber_transmission;
use crate::nn::{Activation, Batch};

fn real(activation: Activation, x: f64) -> f64 {
    let mut batch = Batch::Real(arr2(&[[x]]));
    activation.apply(&mut batch);
    match batch {
        Batch::Real(x) => x[[0, 0]],
        Batch::Complex(_) => panic!("real stays real"),
    }
}

fn complex(activation: Activation, re: f64, im: f64) -> Complex<f64> {
    let mut batch = Batch::Complex(Fields {
        re: arr2(&[[re]]),
        im: arr2(&[[im]]),
    });
    activation.apply(&mut batch);
    match batch {
        Batch::Complex(fields) => Complex::new(fields.re[[0, 0]], fields.im[[0, 0]]),
        Batch::Real(_) => panic!("complex stays complex"),
    }
}

/// Reference values to 16 digits: tanh 1, 1/(1 + 1/e), ln(1 + e), Φ(1), Φ(−2) from tables.
#[test]
fn real_activations_have_their_tabulated_values() {
    use Activation::*;
    for (activation, x, expected) in [
        (Relu, -2.0, 0.0),
        (Relu, 3.0, 3.0),
        (LeakyRelu { slope: 0.1 }, -2.0, -0.2),
        (LeakyRelu { slope: 0.1 }, 2.0, 2.0),
        (Tanh, 1.0, 0.761_594_155_955_764_9),
        (Sigmoid, 1.0, 0.731_058_578_630_004_9),
        (Sigmoid, -1000.0, 0.0),
        (Softplus, 1.0, 1.313_261_687_518_222_8),
        (Softplus, 1000.0, 1000.0),
        (Gelu, 1.0, 0.841_344_746_068_542_9),
        (Gelu, -2.0, -2.0 * 0.022_750_131_948_179_21),
        (GeluTanh, 1.0, 0.841_191_990_608_276_1),
        (Softmax, 7.0, 1.0),
        (LogSoftmax, 7.0, 0.0),
        (Identity, -7.0, -7.0),
    ] {
        assert_relative_eq!(real(activation, x), expected, max_relative = 1e-14);
    }
}

/// e^{ln 1} : e^{ln 3} = 1 : 3, whatever is added to both.
#[test]
fn softmax_acts_over_the_features_of_each_sample() {
    let x = arr2(&[[0.0, 1000.0], [3f64.ln(), 1000.0]]);
    let mut batch = Batch::Real(x.clone());
    Activation::Softmax.apply(&mut batch);
    let Batch::Real(p) = batch else { panic!() };
    for (got, expected) in p.iter().zip([0.25, 0.5, 0.75, 0.5]) {
        assert_relative_eq!(*got, expected, max_relative = 1e-15);
    }
    let mut batch = Batch::Real(x);
    Activation::LogSoftmax.apply(&mut batch);
    let Batch::Real(log) = batch else { panic!() };
    assert_relative_eq!(log[[1, 0]], 0.75f64.ln(), max_relative = 1e-14);
}

/// At T = ½, u₀ = 0 and f(u) = ½ [ln(1 + e^{2u}) − ln 2] = ½ [u + ln cosh u]; small amplitudes pass times T.
#[test]
fn modulus_softplus_keeps_the_phase_and_follows_its_closed_form() {
    let half = Activation::ModulusSoftplus { temperature: 0.5 };
    let z = complex(half, 0.6, -0.8);
    let f = 0.5 * (1.0 + 1f64.cosh().ln());
    assert_relative_eq!(z.re, 0.6 * f, max_relative = 1e-14);
    assert_relative_eq!(z.im, -0.8 * f, max_relative = 1e-14);
    let weak = Activation::ModulusSoftplus { temperature: 0.03 };
    assert_relative_eq!(complex(weak, 0.0, 1e-6).im, 0.03e-6, max_relative = 1e-5);
    // f(u) → u − u₀ + ½ ln(1 − T) for large u, with ln(1 + e^{−2u₀}) = −ln(1 − T).
    let shift = 0.5 * (1.0 / 0.03f64 - 1.0).ln() - 0.5 * 0.97f64.ln();
    assert_relative_eq!(
        complex(weak, 40.0, 0.0).re,
        40.0 - shift,
        max_relative = 1e-14
    );
    assert_eq!(complex(weak, 0.0, 0.0), Complex::from(0.0));
}

#[test]
fn modrelu_shortens_the_modulus_and_zrelu_keeps_one_quadrant() {
    let modrelu = Activation::Modrelu { bias: -2.5 };
    let z = complex(modrelu, -3.0, 4.0);
    assert_relative_eq!(z.re, -1.5, max_relative = 1e-15);
    assert_relative_eq!(z.im, 2.0, max_relative = 1e-15);
    assert_eq!(complex(modrelu, 1.0, -2.0), Complex::from(0.0));
    let open = Activation::Modrelu { bias: 1.0 };
    assert_eq!(complex(open, 0.0, 0.0), Complex::from(0.0));
    assert_eq!(complex(Activation::Zrelu, 1.0, 2.0), Complex::new(1.0, 2.0));
    for (re, im) in [(-1.0, 2.0), (1.0, -2.0), (-1.0, -2.0)] {
        assert_eq!(complex(Activation::Zrelu, re, im), Complex::from(0.0));
    }
}

/// Shen et al. 2017, eq. 1, read backwards: a chosen T_m gives the intensity that must produce it.
#[test]
fn saturable_absorber_solves_the_equation_of_shen() {
    for t0 in [1e-6, 0.03, 0.5, 0.99] {
        for share in [1e-9, 0.01, 0.5, 0.9, 0.999] {
            let tm: f64 = t0 + share * (1.0 - t0);
            let sigma_tau: f64 = 1.7;
            let intensity = 0.5 * (tm / t0).ln() / (1.0 - tm) / sigma_tau;
            let z = complex(
                Activation::SaturableAbsorber { sigma_tau, t0 },
                0.6 * intensity.sqrt(),
                0.8 * intensity.sqrt(),
            );
            assert_relative_eq!(z.norm_sqr(), tm * intensity, max_relative = 1e-10);
            assert_relative_eq!(z.im / z.re, 4.0 / 3.0, max_relative = 1e-12);
        }
    }
    assert_eq!(absorber_transmission(0.0, 0.2), 0.2);
    assert_relative_eq!(absorber_transmission(1e12, 0.2), 1.0, max_relative = 1e-12);
}

/// Williamson et al. 2020: at φ_b = π weak light is blocked and g|z|² = π opens fully; at φ_b = 0 weak
/// light passes as i √(1 − α) z. Between, ψ = π/4 gives i √(1 − α) e^{−iπ/4} / √2 = √(1 − α) (1 + i)/2.
#[test]
fn electro_optic_activation_opens_with_power() {
    use std::f64::consts::PI;
    let gate = |g_rad, phi_b_rad| Activation::ElectroOptic {
        alpha: 0.19,
        g_rad,
        phi_b_rad,
    };
    assert!(complex(gate(0.05 * PI, PI), 1e-6, 0.0).norm() < 1e-16);
    let open = complex(gate(PI, PI), 0.6, 0.8);
    assert_relative_eq!(open.norm(), 0.9, max_relative = 1e-14);
    let weak = complex(gate(1.0, 0.0), 1e-6, 0.0);
    assert_relative_eq!(weak.im, 0.9e-6, max_relative = 1e-11);
    let quarter = complex(gate(0.25 * PI, 0.25 * PI), 1.0, 0.0);
    assert_relative_eq!(quarter.re, 0.45, max_relative = 1e-14);
    assert_relative_eq!(quarter.im, 0.45, max_relative = 1e-14);
}

#[test]
fn single_precision_agrees_with_double() {
    let re = arr2(&[[0.3, -1.2], [0.9, 2.0]]);
    let im = arr2(&[[-0.4, 0.1], [1.1, 0.5]]);
    for activation in all() {
        let (mut single, mut double) = if activation.is_complex() {
            let fields = Fields {
                re: re.mapv(|x| x as f32),
                im: im.mapv(|x| x as f32),
            };
            let exact = Fields {
                re: re.clone(),
                im: im.clone(),
            };
            (Batch::Complex(fields), Batch::Complex(exact))
        } else {
            (Batch::Real(re.mapv(|x| x as f32)), Batch::Real(re.clone()))
        };
        activation.apply(&mut single);
        activation.apply(&mut double);
        let parts = |batch: Batch<f64>| match batch {
            Batch::Real(x) => x.into_iter().collect::<Vec<_>>(),
            Batch::Complex(fields) => fields.re.into_iter().chain(fields.im).collect(),
        };
        let single = match single {
            Batch::Real(x) => Batch::Real(x.mapv(f64::from)),
            Batch::Complex(fields) => Batch::Complex(Fields {
                re: fields.re.mapv(f64::from),
                im: fields.im.mapv(f64::from),
            }),
        };
        for (a, b) in parts(single).into_iter().zip(parts(double)) {
            assert!((a - b).abs() < 1e-6, "{activation}: {a} against {b}");
        }
    }
}
