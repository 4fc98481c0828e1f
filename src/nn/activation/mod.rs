//! The nonlinearities between layers. [`kinds`] holds the table of them; all else reads it.

mod back;
mod function;
mod kinds;
mod slope;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::de::value::MapAccessDeserializer;
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, did_you_mean, one_slip_from};
pub use kinds::Activation;
use kinds::KINDS;

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

/// A row of the table of activations.
#[derive(Debug)]
pub struct Kind {
    /// Its name, for example `leaky-relu`.
    pub name: &'static str,
    /// What it computes, in Markdown.
    words: &'static str,
    /// On what signals it acts.
    pub domain: Domain,
    /// Its parameters.
    pub parameters: &'static [Parameter],
    /// How ONNX writes it: an operator, or an expression of operators on `x`, such as `Mul(Sigmoid(x), x)`.
    pub(super) onnx: &'static [&'static str],
    /// The activation with the next values as its parameters, in their order.
    pub(super) build: fn(&mut dyn Iterator<Item = f64>) -> Activation,
}

/// A parameter of a kind.
#[derive(Debug)]
pub struct Parameter {
    /// Its name, for example `slope`.
    pub name: &'static str,
    /// What it is, in Markdown.
    words: &'static str,
    /// What values it takes.
    range: Range,
    /// What it is where it is not given; nothing where it must be.
    pub default: Option<f64>,
    /// The attribute of the ONNX operator that holds it, and its default there.
    pub(super) onnx: Option<(&'static str, f64)>,
}

/// What values a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Range {
    Finite,
    Positive,
    /// Above 0 and below 1.
    Inside,
    /// From 0, below 1.
    Share,
    /// A lower bound, which may be missing.
    Floor,
    /// The upper bound after a [`Range::Floor`], of which one must be there.
    Ceiling,
}

impl Range {
    /// Whether it allows `value`, behind a parameter of the value `before`.
    fn allows(self, value: f64, before: f64) -> bool {
        match self {
            Self::Finite => value.is_finite(),
            Self::Positive => value.is_finite() && value > 0.0,
            Self::Inside => value > 0.0 && value < 1.0,
            Self::Share => (0.0..1.0).contains(&value),
            Self::Floor => value < f64::INFINITY,
            Self::Ceiling => value >= before && (value.is_finite() || before.is_finite()),
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Finite => "finite",
            Self::Positive => "finite and above 0",
            Self::Inside => "above 0 and below 1",
            Self::Share => "at least 0 and below 1",
            Self::Floor => "finite, or left out",
            Self::Ceiling => "finite and at least the smallest value; one of them may be left out",
        }
    }
}

impl Kind {
    /// What it computes, in Markdown.
    pub fn words(&self) -> &'static str {
        self.words.trim()
    }
}

impl Parameter {
    /// What it is and what values it takes, in Markdown.
    pub fn words(&self) -> String {
        let words = self.words.trim().trim_end_matches('.');
        format!("{words} ({})", self.range.words())
    }
}

impl Activation {
    /// Every kind.
    pub fn kinds() -> &'static [Kind] {
        KINDS
    }

    /// The names of the kinds that act on complex signals, or on real ones.
    pub fn names(complex: bool) -> Vec<&'static str> {
        let other = if complex {
            Domain::Real
        } else {
            Domain::Complex
        };
        let kinds = KINDS.iter().filter(|kind| kind.domain != other);
        kinds.map(|kind| kind.name).collect()
    }

    /// On what signals it acts.
    pub fn domain(&self) -> Domain {
        self.kind().domain
    }

    /// The derivative of `|f(z)|` by `|z|` at `|z| = modulus` above 0, for a complex function that keeps the phase of `z`;
    /// nothing for another.
    pub fn modulus_slope(&self, modulus: f64) -> Option<f64> {
        match *self {
            Self::ModulusSoftplus { temperature } => {
                Some(slope::modulus_softplus(modulus, temperature))
            }
            Self::Modrelu { bias } => Some(slope::modrelu(modulus, bias)),
            Self::SaturableAbsorber { sigma_tau, t0 } => {
                Some(slope::saturable_absorber(modulus, sigma_tau, t0))
            }
            _ => None,
        }
    }

    /// Whether it acts on complex amplitudes only.
    pub fn is_complex(&self) -> bool {
        self.domain() == Domain::Complex
    }

    /// Its name, for example `leaky-relu`.
    pub fn name(&self) -> &'static str {
        self.kind().name
    }

    /// Its parameters with their values; bounds that are left out are left out.
    fn parameters(&self) -> impl Iterator<Item = (&'static str, f64)> {
        let names = self
            .kind()
            .parameters
            .iter()
            .map(|parameter| parameter.name);
        let pairs = names.zip(self.values());
        pairs.filter(|(_, value)| value.is_finite())
    }

    /// Fails unless every parameter lies in its range.
    ///
    /// # Errors
    /// [`Error::Value`].
    pub fn check(&self) -> Result<()> {
        let mut before = f64::NEG_INFINITY;
        for (parameter, value) in self.kind().parameters.iter().zip(self.values()) {
            if !parameter.range.allows(value, before) {
                let what = format!("{}: {}", self.name(), parameter.name);
                return Err(Error::value(what, value, parameter.range.words()));
            }
            before = value;
        }
        Ok(())
    }

    /// The activation called `name` with its named parameters.
    pub(super) fn new(name: &str, mut given: BTreeMap<String, f64>) -> Result<Self> {
        let Some(kind) = KINDS.iter().find(|kind| kind.name == name) else {
            let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
            let meant = one_slip_from(name, &names)
                .map_or_else(String::new, |meant| format!(" (did you mean `{meant}`?)"));
            let limit = format!("must be {}{meant}", names.join(", "));
            return Err(Error::unsupported("activation", name, limit));
        };
        let what = || format!("activation {name}");
        let mut values = Vec::new();
        for &Parameter { name, default, .. } in kind.parameters {
            let value = given.remove(name).or(default);
            values.push(value.ok_or_else(|| {
                let reason = format!("needs `{name}`: for example {}:{name}=0.1", kind.name);
                Error::format(what(), reason)
            })?);
        }
        if let Some(name) = given.keys().next() {
            let names: Vec<&str> = kind.parameters.iter().map(|known| known.name).collect();
            let meant = did_you_mean(name, names.iter().copied());
            let allowed = match &names[..] {
                [] => "it has none".to_owned(),
                names => format!("it has {}", names.join(", ")),
            };
            let reason = format!("has no parameter `{name}`: {allowed}{meant}");
            return Err(Error::format(what(), reason));
        }
        let activation = (kind.build)(&mut values.into_iter());
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
        let mut mark = ':';
        for (name, value) in self.parameters() {
            write!(f, "{mark}{name}={value}")?;
            mark = ',';
        }
        Ok(())
    }
}

impl Serialize for Activation {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("kind", self.name())?;
        for (name, value) in self.parameters() {
            map.serialize_entry(name, &value)?;
        }
        map.end()
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
