//! The derivatives of the functions that act on real numbers one by one, and of the moduli that complex ones give.
//!
//! Each has the name and the parameters of its function. At a kink it is what PyTorch's `autograd` takes.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_PI, PI};

use num_complex::Complex;

use super::function::{self, CUBIC, SELU_ALPHA, SELU_SCALE, logistic};

fn step(above: bool) -> f64 {
    f64::from(u8::from(above))
}

/// `1 / cosh² x`.
fn sech_squared(x: f64) -> f64 {
    x.cosh().powi(2).recip()
}

pub(super) fn identity(_: f64) -> f64 {
    1.0
}

pub(super) fn relu(x: f64) -> f64 {
    step(x > 0.0)
}

pub(super) fn relu6(x: f64) -> f64 {
    hardtanh(x, 0.0, 6.0)
}

pub(super) fn leaky_relu(x: f64, slope: f64) -> f64 {
    if x > 0.0 { 1.0 } else { slope }
}

pub(super) fn clip(x: f64, min: f64, max: f64) -> f64 {
    step(x >= min && x <= max)
}

pub(super) fn hardtanh(x: f64, min: f64, max: f64) -> f64 {
    step(x > min && x < max)
}

pub(super) fn tanh(x: f64) -> f64 {
    sech_squared(x)
}

pub(super) fn sigmoid(x: f64) -> f64 {
    logistic(x) * logistic(-x)
}

pub(super) fn hardsigmoid(x: f64, alpha: f64, beta: f64) -> f64 {
    let y = alpha * x + beta;
    if y > 0.0 && y < 1.0 { alpha } else { 0.0 }
}

pub(super) fn softplus(x: f64) -> f64 {
    logistic(x)
}

pub(super) fn softsign(x: f64) -> f64 {
    (1.0 + x.abs()).powi(2).recip()
}

pub(super) fn elu(x: f64, alpha: f64) -> f64 {
    if x > 0.0 { 1.0 } else { alpha * x.exp() }
}

pub(super) fn selu(x: f64) -> f64 {
    SELU_SCALE * elu(x, SELU_ALPHA)
}

pub(super) fn celu(x: f64, alpha: f64) -> f64 {
    elu(x / alpha, 1.0)
}

/// `Φ(x) + x φ(x)`.
pub(super) fn gelu(x: f64) -> f64 {
    let density = (-0.5 * x * x).exp() / (2.0 * PI).sqrt();
    0.5 * libm::erfc(-x * FRAC_1_SQRT_2) + x * density
}

pub(super) fn gelu_tanh(x: f64) -> f64 {
    let inner = function::gelu_inner(x);
    let bent = sech_squared(inner);
    // Where the tangent is flat, its argument may grow beyond all numbers.
    let rest = if bent > 0.0 {
        0.5 * x * bent * FRAC_2_PI.sqrt() * (1.0 + 3.0 * CUBIC * x * x)
    } else {
        0.0
    };
    0.5 * (1.0 + inner.tanh()) + rest
}

pub(super) fn silu(x: f64) -> f64 {
    logistic(x) * (1.0 + x * logistic(-x))
}

pub(super) fn hardswish(x: f64) -> f64 {
    if x < -3.0 {
        0.0
    } else if x < 3.0 {
        x / 3.0 + 0.5
    } else {
        1.0
    }
}

pub(super) fn mish(x: f64) -> f64 {
    let inner = function::softplus()(x);
    inner.tanh() + x * sech_squared(inner) * logistic(x)
}

/// Of `(softplus(2 (r − u₀)) − softplus(−2 u₀)) / 2`.
pub(super) fn modulus_softplus(r: f64, temperature: f64) -> f64 {
    logistic(2.0 * (r - function::softplus_start(temperature)))
}

pub(super) fn modrelu(r: f64, bias: f64) -> f64 {
    step(r + bias > 0.0)
}

/// Of `r √t`, where `ln(t / t₀) = 2 s (1 − t)` and `s = στ r²`: `√t + s t′ / √t`, `t′ = 2 (1 − t) / (1/t + 2 s)`.
pub(super) fn saturable_absorber(r: f64, sigma_tau: f64, t0: f64) -> f64 {
    let s = sigma_tau * r * r;
    let t = function::absorber_transmission(s, t0);
    let by_s = 2.0 * (1.0 - t) / (1.0 / t + 2.0 * s);
    t.sqrt() + s * by_s / t.sqrt()
}

/// Of the factor `i √(1 − alpha) e^{−iψ} cos ψ` with `ψ = ½ (g p + φ_b)` by the power `p`.
pub(super) fn electro_optic(power: f64, alpha: f64, g_rad: f64, phi_b_rad: f64) -> Complex<f64> {
    Complex::from_polar(
        0.5 * g_rad * (1.0 - alpha).sqrt(),
        -(g_rad * power + phi_b_rad),
    )
}
