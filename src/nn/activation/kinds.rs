//! The table of activations: everything that is said or done by kind follows from its rows.

use super::function::{self, amplitudes, each, features, rounded, unchanged};
use super::{Domain, Kind, Parameter, Range, slope};
use crate::field::Real;
use crate::nn::Batch;

/// Makes the enum, its table and what differs by kind from rows of this form:
///
/// ```text
/// /// What it computes, for the documentation and the table.
/// Variant = "name", form(function), [forms in ONNX] {
///     /// What the parameter is.
///     parameter: Range = default, "attribute in ONNX" = its default there;
/// }
/// ```
///
/// `function(parameters…)` makes the function, and `form` applies it to a batch ([`super::function`]); where that is
/// element by element on real numbers, `slope::function(x, parameters…)` is its derivative.
macro_rules! kinds {
    (@optional) => { None };
    (@optional $value:expr) => { Some($value) };
    (@domain unchanged) => { Domain::Both };
    (@domain amplitudes) => { Domain::Complex };
    (@domain $form:ident) => { Domain::Real };
    (@slope features $function:ident $x:ident) => { None };
    (@slope amplitudes $function:ident $x:ident $($field:ident)*) => {{ $(let _ = $field;)* None }};
    (@slope $form:ident $function:ident $x:ident $($field:ident)*) => { Some(slope::$function($x $(, $field)*)) };
    ($(
        #[doc = $words:literal]
        $(#[doc = $more:literal])*
        $variant:ident = $name:literal, $form:ident($function:ident), [$($onnx:literal),*]
        $({ $(
            #[doc = $field_words:literal]
            $field:ident: $range:ident $(= $default:expr)? $(, $attribute:literal = $there:expr)?;
        )+ })?
    )+) => {
        /// A nonlinearity after a layer, element by element except for the softmaxes.
        ///
        /// In files it is a table `{ kind = "leaky-relu", slope = 0.1 }` or, where no parameter is needed, its name.
        /// On the command line it is `relu` or `leaky-relu:slope=0.1`; several parameters are separated by commas.
        #[derive(Debug, Clone, Copy, PartialEq)]
        #[non_exhaustive]
        pub enum Activation { $(
            #[doc = $words]
            $(#[doc = $more])*
            $variant $({ $(
                #[doc = $field_words]
                $field: f64,
            )+ })?,
        )+ }

        impl Default for Activation {
            fn default() -> Self {
                Self::Identity
            }
        }

        /// Where the row of a kind stands.
        enum Place { $($variant,)+ }

        /// Every kind, in the order in which they are listed.
        pub(super) static KINDS: &[Kind] = &[ $(
            Kind {
                name: $name,
                words: $words,
                domain: kinds!(@domain $form),
                parameters: &[ $($(
                    Parameter {
                        name: stringify!($field),
                        words: $field_words,
                        range: Range::$range,
                        default: kinds!(@optional $($default)?),
                        onnx: kinds!(@optional $(($attribute, $there))?),
                    },
                )+)? ],
                onnx: &[$($onnx),*],
                build: |_values| Activation::$variant $({ $(
                    $field: _values.next().expect("a value for every parameter"),
                )+ })?,
            },
        )+ ];

        impl Activation {
            /// Its row in the table.
            pub fn kind(&self) -> &'static Kind {
                &KINDS[match self {
                    $(Self::$variant { .. } => Place::$variant as usize,)+
                }]
            }

            /// The values of its parameters, in the order of the table.
            pub(super) fn values(&self) -> Vec<f64> {
                match *self {
                    $(Self::$variant $({ $($field),+ })? => vec![ $($($field),+)? ],)+
                }
            }

            /// Applies it to every signal of `batch`; the softmaxes act over the features of each sample.
            ///
            /// # Panics
            /// If a real activation meets complex signals or a complex one real signals
            /// ([`crate::Network::check`] refuses both).
            pub fn apply<T: Real>(&self, batch: &mut Batch<T>) {
                match *self {
                    $(Self::$variant $({ $($field),+ })? => {
                        $form($name, batch, function::$function($($($field),+)?))
                    })+
                }
            }

            /// Its derivative at `x`, for a function that acts on real numbers one by one; nothing for another.
            ///
            /// At a kink it is what PyTorch's `autograd` takes.
            pub fn slope(&self, x: f64) -> Option<f64> {
                match *self {
                    $(Self::$variant $({ $($field),+ })? => {
                        kinds!(@slope $form $function x $($($field)+)?)
                    })+
                }
            }
        }
    };
}

kinds! {
    /// `f(x) = x`, on real and complex signals.
    Identity = "identity", unchanged(identity), []
    /// `f(x) = max(x, 0)`.
    Relu = "relu", each(relu), ["Relu"]
    /// `f(x) = min(max(x, 0), 6)`.
    Relu6 = "relu6", each(relu6), ["Clip(x, 0, 6)", "Min(6, Relu(x))"]
    /// `f(x) = x` for `x ≥ 0`, else `slope · x`.
    LeakyRelu = "leaky-relu", each(leaky_relu), ["LeakyRelu"] {
        /// Slope below zero, as in PyTorch and ONNX.
        slope: Finite = 0.01, "alpha" = 0.01;
    }
    /// `f(x) = x` for `x ≥ 0`, else `weight · x`, with one learnt weight.
    Prelu = "prelu", each(leaky_relu), ["PRelu"] {
        /// Slope below zero; what PyTorch's training begins with.
        weight: Finite = 0.25;
    }
    /// `f(x) = x` between `min` and `max`, and the nearer of them elsewhere.
    Clip = "clip", each(clip), ["Clip"] {
        /// Smallest value.
        min: Floor = f64::NEG_INFINITY;
        /// Largest value.
        max: Ceiling = f64::INFINITY;
    }
    /// `f(x) = x` between `min_val` and `max_val`, and the nearer of them elsewhere.
    HardTanh = "hardtanh", each(hardtanh), [] {
        /// Smallest value.
        min_val: Floor = -1.0;
        /// Largest value.
        max_val: Ceiling = 1.0;
    }
    /// `f(x) = tanh x`.
    Tanh = "tanh", each(tanh), ["Tanh"]
    /// `f(x) = 1 / (1 + e^{−x})`.
    Sigmoid = "sigmoid", rounded(sigmoid), ["Sigmoid"]
    /// `f(x) = min(max(alpha · x + beta, 0), 1)`.
    HardSigmoid = "hardsigmoid", rounded(hardsigmoid), ["HardSigmoid"] {
        /// Slope in the middle, as in PyTorch.
        alpha: Positive = 1.0 / 6.0, "alpha" = 0.2;
        /// Value at 0.
        beta: Finite = 0.5, "beta" = 0.5;
    }
    /// `f(x) = ln(1 + eˣ)`.
    Softplus = "softplus", rounded(softplus), ["Softplus", "Where(Greater(x, 20), x, Softplus(x))"]
    /// `f(x) = x / (1 + |x|)`.
    Softsign = "softsign", each(softsign), ["Softsign", "Div(x, Add(1, Abs(x)))"]
    /// `f(x) = x` for `x > 0`, else `alpha · (eˣ − 1)`.
    Elu = "elu", rounded(elu), ["Elu"] {
        /// Minus the value far below zero.
        alpha: Finite = 1.0, "alpha" = 1.0;
    }
    /// `f(x) = 1.0507 x` for `x > 0`, else `1.0507 · 1.6733 · (eˣ − 1)`.
    ///
    /// Klambauer et al., NeurIPS 2017 (arXiv:1706.02515); both numbers to sixteen digits.
    Selu = "selu", rounded(selu), ["Selu"]
    /// `f(x) = x` for `x > 0`, else `alpha · (e^{x / alpha} − 1)`.
    Celu = "celu", rounded(celu), ["Celu"] {
        /// Minus the value far below zero.
        alpha: Positive = 1.0, "alpha" = 1.0;
    }
    /// `f(x) = x Φ(x) = x/2 · (1 + erf(x/√2))`.
    Gelu = "gelu", rounded(gelu), ["Gelu", "Mul(0.5, Mul(Add(1, Erf(Div(x, 1.4142135))), x))"]
    /// `f(x) = x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³)))`, the approximation of gelu.
    GeluTanh = "gelu-tanh", rounded(gelu_tanh), ["Gelu[approximate=tanh](x)"]
    /// `f(x) = x / (1 + e^{−x})`.
    Silu = "silu", rounded(silu), ["Swish", "Mul(Sigmoid(x), x)"]
    /// `f(x) = x · min(max(x + 3, 0), 6) / 6`.
    Hardswish = "hardswish", each(hardswish), [
        "HardSwish",
        "Mul(HardSigmoid[alpha=0.16666667](x), x)",
        "Div(Mul(Clip(Add(3, x), 0, 6), x), 6)"
    ]
    /// `f(x) = x tanh(ln(1 + eˣ))`.
    Mish = "mish", rounded(mish), ["Mish", "Mul(Tanh(Softplus(x)), x)"]
    /// `f(x)_k = e^{x_k} / Σ_j e^{x_j}` over the features of a sample.
    Softmax = "softmax", features(softmax), ["Softmax"]
    /// `f(x)_k = x_k − ln Σ_j e^{x_j}` over the features of a sample.
    LogSoftmax = "log-softmax", features(log_softmax), ["LogSoftmax"]
    /// `f(z) = ½ [softplus(2(|z| − u₀)) − ln(1 + e^{−2u₀})] e^{i arg z}` with `u₀ = ½ ln(1/T − 1)`.
    ///
    /// Small amplitudes are multiplied by `T`, large ones lose a constant.
    ModulusSoftplus = "modulus-softplus", amplitudes(modulus_softplus), [] {
        /// `T`, the transmission of small amplitudes.
        temperature: Inside;
    }
    /// `f(z) = max(|z| + bias, 0) e^{i arg z}`, and 0 at 0.
    ///
    /// Arjovsky, Shah, Bengio, ICML 2016 (arXiv:1511.06464), eq. 8.
    Modrelu = "modrelu", amplitudes(modrelu), [] {
        /// Added to the modulus; negative for a dead zone.
        bias: Finite;
    }
    /// `f(z) = z` for `0 ≤ arg z ≤ π/2`, else 0.
    ///
    /// Guberman, arXiv:1602.09046 (2016).
    Zrelu = "zrelu", amplitudes(zrelu), []
    /// `f(z) = √T_m · z`, a saturable absorber: `στ |z|² = ½ ln(T_m / T₀) / (1 − T_m)`.
    ///
    /// `T_m` is the transmission of the intensity `|z|²`.
    ///
    /// Shen et al., Nat. Photonics 11, 441 (2017), eq. 1.
    SaturableAbsorber = "saturable-absorber", amplitudes(saturable_absorber), [] {
        /// `στ`: absorption cross-section times lifetime, one over the unit of `|z|²`.
        sigma_tau: Positive;
        /// `T₀`: the transmission of weak light.
        t0: Inside;
    }
    /// `f(z) = i √(1 − alpha) e^{−iψ} cos(ψ) z` with `ψ = ½ (g |z|² + φ_b)`, an electro-optic nonlinearity.
    ///
    /// A share `alpha` of the power is detected and drives a modulator.
    ///
    /// Williamson et al., IEEE J. Sel. Top. Quantum Electron. 26, 7700412 (2020).
    ElectroOptic = "electro-optic", amplitudes(electro_optic), [] {
        /// Share of the power that is tapped.
        alpha: Share;
        /// `g`: phase gain in rad per unit of `|z|²`.
        g_rad: Finite;
        /// `φ_b`: bias phase in rad.
        phi_b_rad: Finite;
    }
}
