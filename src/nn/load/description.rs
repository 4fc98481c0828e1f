//! `network.toml`: a network described beside its weights. Without `[[layers]]` it is the network in its `weights`,
//! with another input or readout.

use std::path::PathBuf;

use serde::Deserialize;

use super::hints::{Hints, Loaded};
use super::state_dict::{bias, default_readout, linear_layers, read_tensors, weight};
use super::weights::read_weights;
use crate::error::{Context, Error, Result, did_you_mean};
use crate::io::{self, Source, Tensors};
use crate::nn::input::{Encoding, Input};
use crate::nn::network::{Body, Layer, Network};
use crate::nn::{Activation, Readout};

/// Every key with its table, to name the place of one that stands in a wrong table.
const KEYS: &[&str] = &[
    "weights",
    "input.scale",
    "input.mean",
    "input.std",
    "input.encoding",
    "input.channels",
    "input.shape",
    "layers.weight",
    "layers.bias",
    "layers.activation",
    "output.readout",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Description {
    /// The weights, beside the description.
    weights: PathBuf,
    input: Option<Input>,
    /// Nothing where those in the file of weights are taken.
    layers: Option<Vec<LayerDescription>>,
    #[serde(default)]
    output: Output,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LayerDescription {
    /// The name of its weight tensor.
    weight: String,
    /// The name of its bias tensor.
    bias: Option<String>,
    #[serde(default)]
    activation: Activation,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Output {
    readout: Option<Readout>,
}

/// Reads the network that `source` describes.
pub(super) fn load(source: &Source, hints: &Hints) -> Result<Loaded> {
    let description = source.parse(parse)?;
    let loaded = Source::open(source.beside(&description.weights)).and_then(|weights| {
        if description.layers.is_some() {
            let tensors = read_tensors(&weights)?;
            let entry = tensors.entry;
            let tensors: Tensors = tensors.tensors.into_iter().collect();
            build(description, &tensors, hints).map(|loaded| Loaded { entry, ..loaded })
        } else {
            description.around(read_weights(&weights, hints)?, hints)
        }
    });
    loaded.within(source.name())
}

/// What a network says of itself beside its weights.
#[derive(Default)]
pub(super) struct Stated {
    /// The order of its layers, and what follows each.
    pub(super) layers: bool,
    /// What data go through before them.
    pub(super) input: bool,
    /// Nodes, of which some may be chosen: it is ONNX.
    #[cfg(feature = "onnx")]
    pub(super) nodes: bool,
}

/// What the description in `source` states.
pub(super) fn states(source: &Source) -> Result<Stated> {
    let description = source.parse(parse)?;
    let is_onnx = io::extension(&description.weights) == "onnx";
    Ok(Stated {
        layers: description.layers.is_some() || is_onnx,
        input: description.input.is_some(),
        #[cfg(feature = "onnx")]
        nodes: description.layers.is_none() && is_onnx,
    })
}

/// The network that `text` describes, with the tensors of its weights file.
pub(super) fn from_text(text: &str, tensors: &Tensors) -> Result<Network> {
    let (description, hints) = (parse(text.as_bytes())?, Hints::default());
    let loaded = match description.layers {
        Some(_) => build(description, tensors, &hints),
        None => linear_layers(tensors.clone().into(), &hints)
            .and_then(|loaded| description.around(loaded, &hints)),
    };
    Ok(loaded?.network)
}

/// The file of weights that the description in `source` names.
pub(super) fn weights(source: &Source) -> Result<PathBuf> {
    Ok(source.beside(&source.parse(parse)?.weights))
}

pub(super) fn parse(bytes: &[u8]) -> Result<Description> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| Error::format("network description", "is not UTF-8 text: must be TOML"))?;
    toml::from_str(text).map_err(|error| Error::toml(text, &error, KEYS))
}

impl Description {
    /// The input, that of `hints` where none is described.
    fn input(&self, hints: &Hints) -> Input {
        let stated = self.input.clone();
        stated.unwrap_or_else(|| hints.normalization.over(Input::default()))
    }

    /// The network in the file of weights with the input and the readout of this.
    fn around(&self, loaded: Loaded, hints: &Hints) -> Result<Loaded> {
        let network = match loaded.network.body {
            Body::Chain(layers) => self.network(layers, hints)?,
            #[cfg(feature = "onnx")]
            body @ Body::Graph(_) => {
                let network = Network {
                    input: self.input(hints),
                    body,
                    readout: self.output.readout.unwrap_or_default(),
                };
                network.check()?;
                network
            }
        };
        Ok(Loaded {
            network,
            assumed: loaded.assumed,
            entry: loaded.entry,
        })
    }

    fn network(&self, layers: Vec<Layer>, hints: &Hints) -> Result<Network> {
        let input = self.input(hints);
        let complex = input.encoding == Encoding::ComplexHalves
            || layers.iter().any(|layer| layer.linear.is_complex());
        let readout = self.output.readout.unwrap_or(default_readout(complex));
        Network::new(input, layers, readout)
    }
}

/// The network whose layers are described.
fn build(mut description: Description, tensors: &Tensors, hints: &Hints) -> Result<Loaded> {
    let take = |name: &str| {
        tensors.get(name).cloned().ok_or_else(|| {
            let names: Vec<_> = tensors.keys().map(String::as_str).collect();
            let meant = did_you_mean(name, names.iter().copied());
            let held = names.join(", ");
            Error::format(
                format!("tensor `{name}`"),
                format!("is not in the weights: they hold {held}{meant}"),
            )
        })
    };
    let mut layers = Vec::new();
    for layer in description.layers.take().unwrap_or_default() {
        let weight = weight(&layer.weight, take(&layer.weight)?)?;
        let bias = match &layer.bias {
            Some(name) => Some(bias(name, take(name)?)?),
            None => None,
        };
        let name = layer.weight.strip_suffix(".weight");
        let name = name.unwrap_or(&layer.weight);
        layers.push(Layer::new(name, weight, bias, layer.activation));
    }
    Ok(Loaded {
        network: description.network(layers, hints)?,
        assumed: None,
        entry: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::compare::golden;
    use crate::io::Tensor;
    use crate::nn::Scale;

    const TEXT: &str = r#"
weights = "w.npz"
[input]
scale = 0.5
mean = 0.1307
std = 0.3081
encoding = "complex-halves"
[[layers]]
weight = "0.weight"
bias = "0.bias"
activation = { kind = "modulus-softplus", temperature = 0.03 }
[[layers]]
weight = "last"
activation = "identity"
[output]
readout = "intensity"
"#;

    fn tensors() -> Tensors {
        let tensor = |shape: &[usize]| {
            Tensor::real("w", shape.to_vec(), vec![1.0; shape.iter().product()]).unwrap()
        };
        Tensors::from([
            ("0.weight".to_owned(), tensor(&[2, 3])),
            ("0.bias".to_owned(), tensor(&[2])),
            ("last".to_owned(), tensor(&[1, 2])),
        ])
    }

    #[test]
    fn a_description_says_everything_about_a_network() {
        let network = from_text(TEXT, &tensors()).unwrap();
        assert_eq!(network.features(), 6);
        assert_eq!(network.input.scale, Scale::Factor(0.5.into()));
        let normalized = (network.input.mean.clone(), network.input.std.clone());
        assert_eq!(normalized, (0.1307.into(), 0.3081.into()));

        assert_eq!(network.readout, Readout::Intensity);
        assert_eq!(
            network.layers()[0].activation,
            Activation::ModulusSoftplus { temperature: 0.03 }
        );
        assert_eq!(
            (network.layers()[0].name(), network.layers()[1].name()),
            ("0", "last")
        );
        assert!(network.layers()[0].bias.is_some() && network.layers()[1].bias.is_none());
    }

    #[test]
    fn a_short_description_gets_the_defaults() {
        let text = "weights = 'w.npz'\n[[layers]]\nweight = 'last'";
        let network = from_text(text, &tensors()).unwrap();
        assert_eq!(network.input, Input::default());
        assert_eq!(network.readout, Readout::Real);
        assert_eq!(network.layers()[0].activation, Activation::Identity);
    }

    #[test]
    fn unknown_keys_and_missing_tensors_are_named() {
        let refused = |asked: &str, text: &str| {
            golden(asked, from_text(text, &tensors()).unwrap_err());
        };
        for (from, to) in [
            ("mean", "maen"),
            ("[output]", "[output]\nencoding = 'real'"),
            ("\"0.weight\"", "\"0.weigth\""),
            ("\"identity\"", "\"identiy\""),
            ("\"intensity\"", "\"intensty\""),
            ("readout", "read"),
            ("bias", "biass"),
            ("temperature", "temp"),
            ("\"0.weight\"", "\"1.weight\""),
            ("std = 0.3081", "std = 0"),
        ] {
            refused(&format!("{to} for {from}"), &TEXT.replacen(from, to, 1));
        }
        for text in ["weights = 'w.npz'\nlayers = []", "weights = 'w.npz"] {
            refused(text, text);
        }
    }
}
