//! The arithmetic of the activations: what makes each function from its parameters, and how it meets a batch.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use ndarray::{Array2, Axis, Zip};
use num_complex::Complex;

use crate::field::{Fields, Real};
use crate::nn::Batch;

/// Leaves `batch` as it is, real or complex.
pub(super) fn unchanged<T: Real>(_: &str, _: &mut Batch<T>, _: impl Fn(T) -> T) {}

/// Maps every element, in the precision of `batch`.
pub(super) fn each<T: Real>(name: &str, batch: &mut Batch<T>, function: impl Fn(T) -> T) {
    real(name, batch).mapv_inplace(function);
}

/// Maps every element, in double precision, and rounds.
pub(super) fn rounded<T: Real>(name: &str, batch: &mut Batch<T>, function: impl Fn(f64) -> f64) {
    real(name, batch).mapv_inplace(|x| T::of(function(x.double())));
}

/// Maps every element of a sample to `result(x − max, Σ e^{x − max})`.
pub(super) fn features<T: Real>(
    name: &str,
    batch: &mut Batch<T>,
    result: impl Fn(f64, f64) -> f64,
) {
    for mut column in real(name, batch).axis_iter_mut(Axis(1)) {
        let max = column
            .iter()
            .map(|x| x.double())
            .fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = column.iter().map(|x| (x.double() - max).exp()).sum();
        column.mapv_inplace(|x| T::of(result(x.double() - max, sum)));
    }
}

/// Multiplies every amplitude by a factor that depends on it; the factor is computed in double precision.
pub(super) fn amplitudes<T: Real>(
    name: &str,
    batch: &mut Batch<T>,
    factor: impl Fn(Complex<f64>) -> Complex<f64>,
) {
    let Batch::Complex(Fields { re, im }) = batch else {
        panic!("{name} needs complex signals");
    };
    Zip::from(re).and(im).for_each(|re, im| {
        let z = Complex::new(re.double(), im.double());
        let out = z * factor(z);
        (*re, *im) = (T::of(out.re), T::of(out.im));
    });
}

fn real<'a, T: Real>(name: &str, batch: &'a mut Batch<T>) -> &'a mut Array2<T> {
    match batch {
        Batch::Real(x) => x,
        Batch::Complex(_) => panic!("{name} needs real signals"),
    }
}

pub(super) fn identity<T: Real>() -> impl Fn(T) -> T {
    |x| x
}

pub(super) fn relu<T: Real>() -> impl Fn(T) -> T {
    let zero = T::zero();
    move |x| if x > zero { x } else { zero }
}

pub(super) fn relu6<T: Real>() -> impl Fn(T) -> T {
    clip(0.0, 6.0)
}

pub(super) fn leaky_relu<T: Real>(slope: f64) -> impl Fn(T) -> T {
    let (zero, slope) = (T::zero(), T::of(slope));
    move |x| if x >= zero { x } else { slope * x }
}

pub(super) fn clip<T: Real>(min: f64, max: f64) -> impl Fn(T) -> T {
    let (min, max) = (T::of(min), T::of(max));
    move |x| {
        if x < min {
            min
        } else if x > max {
            max
        } else {
            x
        }
    }
}

pub(super) fn hardtanh<T: Real>(min: f64, max: f64) -> impl Fn(T) -> T {
    clip(min, max)
}

pub(super) fn tanh<T: Real>() -> impl Fn(T) -> T {
    |x| x.tanh()
}

pub(super) fn sigmoid() -> impl Fn(f64) -> f64 {
    logistic
}

/// `1 / (1 + e^{−x})`.
pub(super) fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

pub(super) fn hardsigmoid(alpha: f64, beta: f64) -> impl Fn(f64) -> f64 {
    let clip = clip::<f64>(0.0, 1.0);
    move |x| clip(alpha * x + beta)
}

/// `ln(1 + eˣ)` without overflow.
pub(super) fn softplus() -> impl Fn(f64) -> f64 {
    |x| x.max(0.0) + (-x.abs()).exp().ln_1p()
}

pub(super) fn softsign<T: Real>() -> impl Fn(T) -> T {
    |x| x / (T::one() + x.abs())
}

pub(super) fn elu(alpha: f64) -> impl Fn(f64) -> f64 {
    move |x| if x > 0.0 { x } else { alpha * x.exp_m1() }
}

/// `α` and `λ` of Klambauer et al., NeurIPS 2017 (arXiv:1706.02515), as PyTorch has them.
pub(super) const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;
pub(super) const SELU_SCALE: f64 = 1.050_700_987_355_480_5;

pub(super) fn selu() -> impl Fn(f64) -> f64 {
    let elu = elu(SELU_ALPHA);
    move |x| SELU_SCALE * elu(x)
}

pub(super) fn celu(alpha: f64) -> impl Fn(f64) -> f64 {
    move |x| {
        if x > 0.0 {
            x
        } else {
            alpha * (x / alpha).exp_m1()
        }
    }
}

pub(super) fn gelu() -> impl Fn(f64) -> f64 {
    // erfc keeps the digits where 1 + erf would cancel.
    |x| 0.5 * x * libm::erfc(-x * FRAC_1_SQRT_2)
}

/// The factor of `x³` in the approximation of gelu.
pub(super) const CUBIC: f64 = 0.044715;

/// What the approximation of gelu takes the hyperbolic tangent of.
pub(super) fn gelu_inner(x: f64) -> f64 {
    (2.0 / PI).sqrt() * (x + CUBIC * x * x * x)
}

pub(super) fn gelu_tanh() -> impl Fn(f64) -> f64 {
    |x| 0.5 * x * (1.0 + gelu_inner(x).tanh())
}

pub(super) fn silu() -> impl Fn(f64) -> f64 {
    |x| x * logistic(x)
}

pub(super) fn hardswish<T: Real>() -> impl Fn(T) -> T {
    let (three, six, clip) = (T::of(3.0), T::of(6.0), relu6());
    // Divided first, so that the product of large numbers does not overflow.
    move |x| x * (clip(x + three) / six)
}

pub(super) fn mish() -> impl Fn(f64) -> f64 {
    let softplus = softplus();
    move |x| x * softplus(x).tanh()
}

pub(super) fn softmax() -> impl Fn(f64, f64) -> f64 {
    |shifted, sum| shifted.exp() / sum
}

pub(super) fn log_softmax() -> impl Fn(f64, f64) -> f64 {
    |shifted, sum| shifted - sum.ln()
}

/// The modulus `u₀` around which a softplus of the modulus begins to rise.
pub(super) fn softplus_start(temperature: f64) -> f64 {
    0.5 * (1.0 / temperature - 1.0).ln()
}

pub(super) fn modulus_softplus(temperature: f64) -> impl Fn(Complex<f64>) -> Complex<f64> {
    let softplus = softplus();
    let u0 = softplus_start(temperature);
    let dark = softplus(-2.0 * u0);
    move |z| {
        let modulus = z.norm();
        if modulus > 0.0 {
            let out = 0.5 * (softplus(2.0 * (modulus - u0)) - dark);
            Complex::from(out / modulus)
        } else {
            Complex::from(temperature)
        }
    }
}

pub(super) fn modrelu(bias: f64) -> impl Fn(Complex<f64>) -> Complex<f64> {
    move |z| {
        let modulus = z.norm();
        let out = (modulus + bias).max(0.0);
        Complex::from(if modulus > 0.0 { out / modulus } else { 0.0 })
    }
}

pub(super) fn zrelu() -> impl Fn(Complex<f64>) -> Complex<f64> {
    |z| Complex::from(if z.re >= 0.0 && z.im >= 0.0 { 1.0 } else { 0.0 })
}

pub(super) fn saturable_absorber(sigma_tau: f64, t0: f64) -> impl Fn(Complex<f64>) -> Complex<f64> {
    move |z| Complex::from(absorber_transmission(sigma_tau * z.norm_sqr(), t0).sqrt())
}

/// The root `t` in `[t0, 1]` of `h(t) = ln(t / t0) − 2 s (1 − t)`, for `s = στ I₀ ≥ 0`.
///
/// `h` is increasing and concave, so Newton's steps from `t0` rise to the root and never pass it.
pub(super) fn absorber_transmission(s: f64, t0: f64) -> f64 {
    const STEPS: usize = 100; // a dozen suffice; the bound keeps NaN from looping
    let mut t = t0;
    for _ in 0..STEPS {
        let h = (t / t0).ln() - 2.0 * s * (1.0 - t);
        let step = -h / (1.0 / t + 2.0 * s);
        t = (t + step).clamp(t0, 1.0);
        if step <= f64::EPSILON * t {
            break;
        }
    }
    t
}

pub(super) fn electro_optic(
    alpha: f64,
    g_rad: f64,
    phi_b_rad: f64,
) -> impl Fn(Complex<f64>) -> Complex<f64> {
    let through = Complex::new(0.0, (1.0 - alpha).sqrt());
    move |z| {
        let psi = 0.5 * (g_rad * z.norm_sqr() + phi_b_rad);
        through * Complex::cis(-psi) * psi.cos()
    }
}
