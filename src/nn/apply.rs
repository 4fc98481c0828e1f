//! The arithmetic of the activations.

use ndarray::{Array2, Axis, Zip};
use num_complex::Complex;

use super::activation::Activation;
use super::batch::Batch;
use crate::field::{Fields, Real};

impl Activation {
    /// Applies it to every signal of `batch`; the softmaxes act over the features of each sample.
    ///
    /// # Panics
    /// If a real activation meets complex signals or a complex one real signals
    /// ([`super::Model::check`] refuses both).
    pub fn apply<T: Real>(&self, batch: &mut Batch<T>) {
        match (self, batch) {
            (Self::Identity, _) => {}
            (_, Batch::Real(x)) => self.apply_real(x),
            (_, Batch::Complex(fields)) => self.apply_complex(fields),
        }
    }

    fn apply_real<T: Real>(&self, x: &mut Array2<T>) {
        let zero = T::zero();
        match *self {
            Self::Relu => x.mapv_inplace(|x| if x > zero { x } else { zero }),
            Self::LeakyRelu { slope } => {
                let slope = T::of(slope);
                x.mapv_inplace(|x| if x >= zero { x } else { slope * x });
            }
            Self::Tanh => x.mapv_inplace(|x| x.tanh()),
            Self::Sigmoid => x.mapv_inplace(|x| T::of(sigmoid(x.double()))),
            Self::Softplus => x.mapv_inplace(|x| T::of(softplus(x.double()))),
            Self::Gelu => x.mapv_inplace(|x| T::of(gelu(x.double()))),
            Self::GeluTanh => x.mapv_inplace(|x| T::of(gelu_tanh(x.double()))),
            Self::Softmax => log_softmax(x, |shifted, sum| shifted.exp() / sum),
            Self::LogSoftmax => log_softmax(x, |shifted, sum| shifted - sum.ln()),
            _ => panic!("{} needs complex signals", self.name()),
        }
    }

    fn apply_complex<T: Real>(&self, fields: &mut Fields<T>) {
        match *self {
            Self::ModulusSoftplus { temperature } => {
                let u0 = 0.5 * (1.0 / temperature - 1.0).ln();
                let dark = softplus(-2.0 * u0);
                scale(fields, |z| {
                    let modulus = z.norm();
                    if modulus > 0.0 {
                        let out = 0.5 * (softplus(2.0 * (modulus - u0)) - dark);
                        Complex::from(out / modulus)
                    } else {
                        Complex::from(temperature)
                    }
                });
            }
            Self::Modrelu { bias } => scale(fields, |z| {
                let modulus = z.norm();
                let out = (modulus + bias).max(0.0);
                Complex::from(if modulus > 0.0 { out / modulus } else { 0.0 })
            }),
            Self::Zrelu => scale(fields, |z| {
                Complex::from(if z.re >= 0.0 && z.im >= 0.0 { 1.0 } else { 0.0 })
            }),
            Self::SaturableAbsorber { sigma_tau, t0 } => scale(fields, |z| {
                Complex::from(absorber_transmission(sigma_tau * z.norm_sqr(), t0).sqrt())
            }),
            Self::ElectroOptic {
                alpha,
                g_rad,
                phi_b_rad,
            } => {
                let through = Complex::new(0.0, (1.0 - alpha).sqrt());
                scale(fields, |z| {
                    let psi = 0.5 * (g_rad * z.norm_sqr() + phi_b_rad);
                    through * Complex::cis(-psi) * psi.cos()
                });
            }
            _ => panic!("{} needs real signals", self.name()),
        }
    }
}

/// Multiplies every amplitude by a factor that depends on it; the factor is computed in f64.
fn scale<T: Real>(fields: &mut Fields<T>, factor: impl Fn(Complex<f64>) -> Complex<f64>) {
    Zip::from(&mut fields.re)
        .and(&mut fields.im)
        .for_each(|re, im| {
            let z = Complex::new(re.double(), im.double());
            let out = z * factor(z);
            (*re, *im) = (T::of(out.re), T::of(out.im));
        });
}

/// `ln(1 + eˣ)` without overflow.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// `1 / (1 + e^{−x})`.
fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn gelu(x: f64) -> f64 {
    // erfc keeps the digits where 1 + erf would cancel.
    0.5 * x * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}

fn gelu_tanh(x: f64) -> f64 {
    let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x);
    0.5 * x * (1.0 + inner.tanh())
}

/// Maps every element of a column to `result(x − max, Σ e^{x − max})`.
fn log_softmax<T: Real>(x: &mut Array2<T>, result: impl Fn(f64, f64) -> f64) {
    for mut column in x.axis_iter_mut(Axis(1)) {
        let max = column
            .iter()
            .map(|x| x.double())
            .fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = column.iter().map(|x| (x.double() - max).exp()).sum();
        column.mapv_inplace(|x| T::of(result(x.double() - max, sum)));
    }
}

/// The root `t` in `[t0, 1]` of `h(t) = ln(t / t0) − 2 s (1 − t)`, for `s = στ I₀ ≥ 0`.
///
/// `h` is increasing and concave, so Newton's steps from `t0` rise to the root and never pass it.
fn absorber_transmission(s: f64, t0: f64) -> f64 {
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

#[cfg(test)]
mod tests {
    use super::super::activation::tests::ALL;
    use super::*;
    use approx::assert_relative_eq;
    use ndarray::arr2;

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
        for activation in ALL {
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
}
