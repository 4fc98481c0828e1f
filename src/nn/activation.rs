//! The nonlinearities between layers: their names, parameters and domains.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, did_you_mean};

/// A nonlinearity after a layer, element by element except for the softmaxes.
///
/// In files it is a table `{ kind = "leaky-relu", slope = 0.1 }` or, where no parameter is needed, its name.
/// On the command line it is `relu` or `leaky-relu:slope=0.1`; several parameters are separated by commas.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Activation {
    /// `f(x) = x`, on real and complex signals.
    #[default]
    Identity,
    /// `f(x) = max(x, 0)`.
    Relu,
    /// `f(x) = x` for `x ≥ 0`, else `slope · x`.
    LeakyRelu {
        /// Slope below zero; 0.01 if not given, as in PyTorch and ONNX.
        slope: f64,
    },
    /// `f(x) = tanh x`.
    Tanh,
    /// `f(x) = 1 / (1 + e^{−x})`.
    Sigmoid,
    /// `f(x) = ln(1 + eˣ)`.
    Softplus,
    /// `f(x) = x Φ(x) = x/2 · (1 + erf(x/√2))`.
    Gelu,
    /// `f(x) = x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³)))`, the approximation of [`Activation::Gelu`].
    GeluTanh,
    /// `f(x)_k = e^{x_k} / Σ_j e^{x_j}` over the features of a sample.
    Softmax,
    /// `f(x)_k = x_k − ln Σ_j e^{x_j}` over the features of a sample.
    LogSoftmax,
    /// `f(z) = ½ [softplus(2(|z| − u₀)) − ln(1 + e^{−2u₀})] e^{i arg z}` with `u₀ = ½ ln(1/T − 1)`.
    ///
    /// Small amplitudes are multiplied by `T`, large ones lose a constant.
    ModulusSoftplus {
        /// `T`, the transmission of small amplitudes, in (0, 1).
        temperature: f64,
    },
    /// `f(z) = max(|z| + bias, 0) e^{i arg z}`, and 0 at 0.
    ///
    /// Arjovsky, Shah, Bengio, ICML 2016 (arXiv:1511.06464), eq. 8.
    Modrelu {
        /// Added to the modulus; negative for a dead zone.
        bias: f64,
    },
    /// `f(z) = z` for `0 ≤ arg z ≤ π/2`, else 0.
    ///
    /// Guberman, arXiv:1602.09046 (2016).
    Zrelu,
    /// A saturable absorber: `f(z) = √T_m · z`, where the transmission `T_m` of the intensity `I₀ = |z|²` solves
    /// `στ I₀ = ½ ln(T_m / T₀) / (1 − T_m)`.
    ///
    /// Shen et al., Nat. Photonics 11, 441 (2017), eq. 1.
    SaturableAbsorber {
        /// `στ`: absorption cross-section times lifetime, one over the unit of `|z|²`; above 0.
        sigma_tau: f64,
        /// `T₀`: the transmission of weak light, in (0, 1).
        t0: f64,
    },
    /// An electro-optic nonlinearity: a share `alpha` of the power is detected and drives a modulator,
    /// `f(z) = i √(1 − alpha) e^{−iψ} cos(ψ) z` with `ψ = ½ (g |z|² + φ_b)`.
    ///
    /// Williamson et al., IEEE J. Sel. Top. Quantum Electron. 26, 7700412 (2020).
    ElectroOptic {
        /// Share of the power that is tapped, in [0, 1).
        alpha: f64,
        /// `g`: phase gain in rad per unit of `|z|²`.
        g_rad: f64,
        /// `φ_b`: bias phase in rad.
        phi_b_rad: f64,
    },
}

/// On what signals a function acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    /// Real numbers only.
    Real,
    /// Complex amplitudes only.
    Complex,
    /// Both.
    Both,
}

/// The names that are accepted.
const KINDS: [&str; 15] = [
    "identity",
    "relu",
    "leaky-relu",
    "tanh",
    "sigmoid",
    "softplus",
    "gelu",
    "gelu-tanh",
    "softmax",
    "log-softmax",
    "modulus-softplus",
    "modrelu",
    "zrelu",
    "saturable-absorber",
    "electro-optic",
];

impl Activation {
    /// On what signals it acts.
    pub fn domain(&self) -> Domain {
        match self {
            Self::Identity => Domain::Both,
            Self::Relu
            | Self::LeakyRelu { .. }
            | Self::Tanh
            | Self::Sigmoid
            | Self::Softplus
            | Self::Gelu
            | Self::GeluTanh
            | Self::Softmax
            | Self::LogSoftmax => Domain::Real,
            Self::ModulusSoftplus { .. }
            | Self::Modrelu { .. }
            | Self::Zrelu
            | Self::SaturableAbsorber { .. }
            | Self::ElectroOptic { .. } => Domain::Complex,
        }
    }

    /// Whether it acts on complex amplitudes only.
    pub fn is_complex(&self) -> bool {
        self.domain() == Domain::Complex
    }

    /// Its name, for example `leaky-relu`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Relu => "relu",
            Self::LeakyRelu { .. } => "leaky-relu",
            Self::Tanh => "tanh",
            Self::Sigmoid => "sigmoid",
            Self::Softplus => "softplus",
            Self::Gelu => "gelu",
            Self::GeluTanh => "gelu-tanh",
            Self::Softmax => "softmax",
            Self::LogSoftmax => "log-softmax",
            Self::ModulusSoftplus { .. } => "modulus-softplus",
            Self::Modrelu { .. } => "modrelu",
            Self::Zrelu => "zrelu",
            Self::SaturableAbsorber { .. } => "saturable-absorber",
            Self::ElectroOptic { .. } => "electro-optic",
        }
    }

    /// The names of its parameters.
    fn parameters(&self) -> &'static [&'static str] {
        match self {
            Self::LeakyRelu { .. } => &["slope"],
            Self::ModulusSoftplus { .. } => &["temperature"],
            Self::Modrelu { .. } => &["bias"],
            Self::SaturableAbsorber { .. } => &["sigma_tau", "t0"],
            Self::ElectroOptic { .. } => &["alpha", "g_rad", "phi_b_rad"],
            _ => &[],
        }
    }

    /// Fails unless every parameter lies in its range.
    ///
    /// # Errors
    /// [`Error::Value`].
    pub fn check(&self) -> Result<()> {
        let require = |name: &str, value: f64, holds: bool, limit: &str| {
            if value.is_finite() && holds {
                return Ok(());
            }
            Err(Error::value(
                format!("{}: {name}", self.name()),
                value,
                limit,
            ))
        };
        let inside = |x: f64| x > 0.0 && x < 1.0;
        match *self {
            Self::LeakyRelu { slope } => require("slope", slope, true, "finite"),
            Self::ModulusSoftplus { temperature: t } => {
                require("temperature", t, inside(t), "above 0 and below 1")
            }
            Self::Modrelu { bias } => require("bias", bias, true, "finite"),
            Self::SaturableAbsorber { sigma_tau, t0 } => {
                require(
                    "sigma_tau",
                    sigma_tau,
                    sigma_tau > 0.0,
                    "finite and above 0",
                )?;
                require("t0", t0, inside(t0), "above 0 and below 1")
            }
            Self::ElectroOptic {
                alpha,
                g_rad,
                phi_b_rad,
            } => {
                require(
                    "alpha",
                    alpha,
                    (0.0..1.0).contains(&alpha),
                    "at least 0 and below 1",
                )?;
                require("g_rad", g_rad, true, "finite")?;
                require("phi_b_rad", phi_b_rad, true, "finite")
            }
            _ => Ok(()),
        }
    }

    /// The activation `kind` with its named parameters.
    fn new(kind: &str, mut parameters: BTreeMap<String, f64>) -> Result<Self> {
        let mut take = |name: &str| {
            parameters.remove(name).ok_or_else(|| {
                Error::format(
                    format!("activation {kind}"),
                    format!("needs `{name}`: for example {kind}:{name}=0.1"),
                )
            })
        };
        let activation = match kind {
            "identity" => Self::Identity,
            "relu" => Self::Relu,
            "leaky-relu" => Self::LeakyRelu {
                slope: take("slope").unwrap_or(0.01),
            },
            "tanh" => Self::Tanh,
            "sigmoid" => Self::Sigmoid,
            "softplus" => Self::Softplus,
            "gelu" => Self::Gelu,
            "gelu-tanh" => Self::GeluTanh,
            "softmax" => Self::Softmax,
            "log-softmax" => Self::LogSoftmax,
            "modulus-softplus" => Self::ModulusSoftplus {
                temperature: take("temperature")?,
            },
            "modrelu" => Self::Modrelu {
                bias: take("bias")?,
            },
            "zrelu" => Self::Zrelu,
            "saturable-absorber" => Self::SaturableAbsorber {
                sigma_tau: take("sigma_tau")?,
                t0: take("t0")?,
            },
            "electro-optic" => Self::ElectroOptic {
                alpha: take("alpha")?,
                g_rad: take("g_rad")?,
                phi_b_rad: take("phi_b_rad")?,
            },
            other => {
                let meant = did_you_mean(other, KINDS);
                let limit = format!("must be {}{meant}", KINDS.join(", "));
                return Err(Error::unsupported("activation", other, limit));
            }
        };
        if let Some(name) = parameters.keys().next() {
            let names = activation.parameters();
            let meant = did_you_mean(name, names.iter().copied());
            let allowed = match names {
                [] => "it has none".to_owned(),
                names => format!("it has {}", names.join(", ")),
            };
            return Err(Error::format(
                format!("activation {kind}"),
                format!("has no parameter `{name}`: {allowed}{meant}"),
            ));
        }
        activation.check()?;
        Ok(activation)
    }
}

impl FromStr for Activation {
    type Err = Error;

    /// Reads `relu` or `leaky-relu:slope=0.1`.
    fn from_str(text: &str) -> Result<Self> {
        let (kind, list) = text.split_once(':').unwrap_or((text, ""));
        let mut parameters = BTreeMap::new();
        for pair in list.split(',').filter(|pair| !pair.is_empty()) {
            let parsed = pair
                .split_once('=')
                .and_then(|(name, value)| Some((name.trim(), value.trim().parse().ok()?)));
            let Some((name, value)) = parsed else {
                return Err(Error::value(
                    format!("activation {kind}: parameter"),
                    format!("`{pair}`"),
                    "name=number",
                ));
            };
            if parameters.insert(name.to_owned(), value).is_some() {
                return Err(Error::format(
                    format!("activation {kind}"),
                    format!("`{name}` is given twice"),
                ));
            }
        }
        Self::new(kind, parameters)
    }
}

impl fmt::Display for Activation {
    /// Writes what [`Activation::from_str`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::LeakyRelu { slope } => write!(f, ":slope={slope}"),
            Self::ModulusSoftplus { temperature } => write!(f, ":temperature={temperature}"),
            Self::Modrelu { bias } => write!(f, ":bias={bias}"),
            Self::SaturableAbsorber { sigma_tau, t0 } => {
                write!(f, ":sigma_tau={sigma_tau},t0={t0}")
            }
            Self::ElectroOptic {
                alpha,
                g_rad,
                phi_b_rad,
            } => {
                write!(f, ":alpha={alpha},g_rad={g_rad},phi_b_rad={phi_b_rad}")
            }
            _ => Ok(()),
        }
    }
}

impl<'de> Deserialize<'de> for Activation {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Table {
            kind: String,
            #[serde(flatten)]
            parameters: BTreeMap<String, f64>,
        }
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Activation;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of an activation or a table { kind = \"…\", … }")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Activation, E> {
                text.parse().map_err(E::custom)
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                map: A,
            ) -> Result<Activation, A::Error> {
                let table = Table::deserialize(MapAccessDeserializer::new(map))?;
                Activation::new(&table.kind, table.parameters).map_err(serde::de::Error::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// One of each kind.
    pub(crate) const ALL: [Activation; 15] = [
        Activation::Identity,
        Activation::Relu,
        Activation::LeakyRelu { slope: 0.1 },
        Activation::Tanh,
        Activation::Sigmoid,
        Activation::Softplus,
        Activation::Gelu,
        Activation::GeluTanh,
        Activation::Softmax,
        Activation::LogSoftmax,
        Activation::ModulusSoftplus { temperature: 0.03 },
        Activation::Modrelu { bias: -0.25 },
        Activation::Zrelu,
        Activation::SaturableAbsorber {
            sigma_tau: 2.0,
            t0: 0.1,
        },
        Activation::ElectroOptic {
            alpha: 0.1,
            g_rad: 0.2,
            phi_b_rad: 3.0,
        },
    ];

    #[test]
    fn every_kind_and_parameter_is_listed() {
        assert_eq!(ALL.map(|activation| activation.name()), KINDS);
        for activation in ALL {
            let json = serde_json::to_value(activation).unwrap();
            let mut written: Vec<&String> = json.as_object().unwrap().keys().collect();
            written.retain(|key| *key != "kind");
            assert_eq!(written, activation.parameters());
        }
    }

    #[test]
    fn every_activation_survives_text_json_and_toml() {
        #[derive(Serialize, Deserialize)]
        struct File {
            activation: Activation,
        }
        for activation in ALL {
            assert_eq!(
                activation.to_string().parse::<Activation>().unwrap(),
                activation
            );
            let json = serde_json::to_string(&activation).unwrap();
            assert!(
                json.contains(&format!("\"kind\":\"{}\"", activation.name())),
                "{json}"
            );
            assert_eq!(
                serde_json::from_str::<Activation>(&json).unwrap(),
                activation
            );
            let toml = toml::to_string(&File { activation }).unwrap();
            assert_eq!(
                toml::from_str::<File>(&toml).unwrap().activation,
                activation
            );
        }
    }

    #[test]
    fn an_integer_parameter_and_a_plain_name_are_accepted() {
        let parse = |text: &str| serde_json::from_str::<Activation>(text).unwrap();
        assert_eq!(
            parse(r#""leaky-relu""#),
            Activation::LeakyRelu { slope: 0.01 }
        );
        assert_eq!(
            parse(r#"{"kind": "modrelu", "bias": -1}"#),
            Activation::Modrelu { bias: -1.0 }
        );
    }

    #[test]
    fn a_wrong_activation_is_refused_in_a_sentence() {
        let error = |text: &str| text.parse::<Activation>().unwrap_err().to_string();
        assert!(
            error("swish").starts_with("activation: `swish` is not supported: must be identity")
        );
        assert!(error("rleu").ends_with("electro-optic (did you mean `relu`?)"));
        assert!(error("leaky-relu:slpoe=1").ends_with("it has slope (did you mean `slope`?)"));
        assert!(error("modulus-softplus").contains("needs `temperature`"));
        assert!(error("relu:slope=1").contains("has no parameter `slope`"));
        assert!(error("leaky-relu:slope=x").contains("name=number"));
        assert_eq!(
            error("modulus-softplus:temperature=1.5"),
            "modulus-softplus: temperature = 1.5: must be above 0 and below 1"
        );
        let json =
            serde_json::from_str::<Activation>(r#"{"kind": "relu", "slop": 1}"#).unwrap_err();
        assert!(json.to_string().contains("has no parameter `slop`"));
    }
}
