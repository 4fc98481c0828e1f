//! Reading a network from the files that training leaves.

#[cfg(feature = "onnx")]
mod apart;
mod description;
mod hints;
mod onnx;
mod order;
mod remarks;
mod state_dict;
mod weights;

#[cfg(feature = "onnx")]
pub use hints::GraphHints;
pub use hints::{Assumed, Hints, Loaded};
pub use order::Order;
pub use remarks::Remarks;

use std::path::{Path, PathBuf};

use self::description::Stated;
use self::state_dict::{STATE_DICTS, linear_layers};
use self::weights::read_weights;
use super::network::Network;
use super::{Activation, Normalization, PerFeature};
use crate::error::{Error, Result};
use crate::io::{self, Format, Source, Tensors};

impl Hints {
    /// Fails if the network in `source` states what is said here.
    fn check(&self, source: &Source) -> Result<()> {
        let stated = match source.format() {
            Format::Onnx | Format::Binary => Stated {
                layers: true,
                input: false,
                #[cfg(feature = "onnx")]
                nodes: true,
            },
            Format::Toml | Format::Text => description::states(source)?,
            _ => Stated::default(),
        };
        let refused = |what: &str, got: String, limit: &str| {
            Err(Error::value(what, got, limit).within(source.name()))
        };
        if let Some(activation) = self.activation.filter(|_| stated.layers) {
            let limit = "left out: this network states its own activations";
            return refused("activation", activation.to_string(), limit);
        }
        if let Some(layers) = self.layers.as_ref().filter(|_| stated.layers) {
            let limit = "left out: this network states the order of its layers";
            return refused("layers", layers.join(","), limit);
        }
        #[cfg(feature = "onnx")]
        if self.graph != GraphHints::default() && !stated.nodes {
            let limit = "left out: only graphs of ONNX files have them";
            let what = "inputs, outputs, shape, light or digital";
            return refused(what, "given".to_owned(), limit);
        }
        let Normalization {
            scale,
            mean,
            std,
            channels,
        } = &self.normalization;
        let words = |numbers: &Option<PerFeature>| numbers.as_ref().map(PerFeature::to_string);
        for (what, given) in [
            ("scale", words(scale)),
            ("mean", words(mean)),
            ("std", words(std)),
            ("channels", channels.map(|channels| channels.to_string())),
        ] {
            if let Some(given) = given.filter(|_| stated.input) {
                let limit = "left out: this network states its own [input]";
                return refused(what, given, limit);
            }
        }
        Ok(())
    }
}

impl Network {
    /// Reads a network.
    ///
    /// `path` leads to `.safetensors`, `.npz`, `.pt` or `.pth` with PyTorch `Linear` tensors (`0.weight [out, in]`, optional
    /// `0.bias`),
    /// `.onnx`, or a `network.toml`. `between` follows every layer but the last of weights that stand alone; an ONNX
    /// file and the `[[layers]]` of a `network.toml` state their own activations, and their order.
    ///
    /// Weights that stand alone are put in the order of their names where those are one name with ascending numbers
    /// (`10` after `2`), else in that of an `.npz`, `.pt` or `.pth` file, else in the only one that their shapes allow.
    ///
    /// A file without an input description takes data at [`super::Scale::FullScale`] (pixel / 255 for bytes),
    /// and reads the modulus if its weights are complex.
    ///
    /// # Errors
    /// Whatever is wrong with the file, named; [`Error::Format`] where several orders of layers are possible;
    /// [`Error::Unsupported`] for what cannot be represented.
    pub fn load(path: impl AsRef<Path>, between: Activation) -> Result<Self> {
        let hints = Hints {
            activation: Some(between),
            ..Hints::default()
        };
        Ok(read(&Source::open(path)?, &hints)?.network)
    }

    /// Reads a network as [`load`](Self::load), with what is known of it beside its file, and says what was assumed.
    ///
    /// # Errors
    /// As [`load`](Self::load), and [`Error::Value`] for a hint about what the file states itself, or that does not
    /// fit.
    pub fn load_with(path: impl AsRef<Path>, hints: &Hints) -> Result<Loaded> {
        Self::read(&Source::open(path)?, hints)
    }

    /// Reads a network as [`load_with`](Self::load_with), from bytes that were read; files that it names stand beside it.
    ///
    /// # Errors
    /// As [`load_with`](Self::load_with).
    pub fn read(source: &Source, hints: &Hints) -> Result<Loaded> {
        hints.check(source)?;
        read(source, hints)
    }

    /// The files that [`load`](Self::load) reads for `path`: itself, and the weights beside a `network.toml`.
    ///
    /// # Errors
    /// Whatever is wrong with a `network.toml`, named.
    pub fn files(path: impl AsRef<Path>) -> Result<Vec<PathBuf>> {
        let path = path.as_ref();
        let source = Source::open(path)?;
        let mut files = vec![path.to_owned()];
        if source.format() == Format::Toml {
            files.push(description::weights(&source)?);
        }
        Ok(files)
    }

    /// The network whose layers are the pairs `<name>.weight`, `<name>.bias` of `tensors`, with `between` after every
    /// layer but the last.
    ///
    /// # Errors
    /// Whatever does not fit, by the tensor's name.
    pub fn from_tensors(tensors: Tensors, between: Activation) -> Result<Self> {
        let hints = Hints {
            activation: Some(between),
            ..Hints::default()
        };
        Ok(linear_layers(tensors.into(), &hints)?.network)
    }

    /// The network that an ONNX graph computes.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for an operator or a shape of graph that is none of a fully connected network's.
    pub fn from_onnx(graph: &io::onnx::Graph) -> Result<Self> {
        onnx::network(graph)
    }

    /// The network that the text of a `network.toml` describes, with the tensors of its weights file.
    ///
    /// # Errors
    /// [`Error::Format`] with the line for TOML that is no description; whatever does not fit, by name.
    pub fn from_description(text: &str, weights: &Tensors) -> Result<Self> {
        description::from_text(text, weights)
    }
}

fn read(source: &Source, hints: &Hints) -> Result<Loaded> {
    match source.format() {
        Format::Safetensors | Format::Npz | Format::Torch | Format::Onnx | Format::Binary => {
            read_weights(source, hints)
        }
        Format::Toml | Format::Text => description::load(source, hints),
        _ => {
            let limit = format!("must be {STATE_DICTS}, .onnx or a network.toml");
            Err(Error::unsupported("network", source.name(), limit))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::compare::{golden, not_finite, shape, unsupported};
    use crate::io::Tensor;
    use crate::nn::Readout;
    use num_complex::Complex;

    fn tensors(list: &[(&str, &[usize])]) -> Tensors {
        let one = |(name, shape): &(&str, &[usize])| {
            let data = vec![1.0; shape.iter().product()];
            (
                (*name).to_owned(),
                Tensor::real(name, shape.to_vec(), data).unwrap(),
            )
        };
        list.iter().map(one).collect()
    }

    #[test]
    fn numbered_layers_have_the_activation_between_them() {
        let file = tensors(&[
            ("10.weight", &[2, 3]),
            ("2.weight", &[3, 4]),
            ("2.bias", &[3]),
        ]);
        let network = Network::from_tensors(file, Activation::Tanh).unwrap();
        let names: Vec<_> = network.layers().iter().map(|layer| layer.name()).collect();
        assert_eq!(names, ["2", "10"]);
        assert_eq!(network.layers()[0].activation, Activation::Tanh);
        assert_eq!(network.layers()[1].activation, Activation::Identity);
        assert!(network.layers()[0].bias.is_some() && network.layers()[1].bias.is_none());
        let single =
            Network::from_tensors(tensors(&[("weight", &[2, 3])]), Activation::Relu).unwrap();
        assert_eq!(single.layers()[0].name(), "0");
    }

    #[test]
    fn tensors_that_are_no_linear_layers_are_refused_by_name() {
        let error = |list: &[(&str, &[usize])]| {
            Network::from_tensors(tensors(list), Activation::Relu).unwrap_err()
        };
        let extra = error(&[("0.weight", &[2, 3]), ("1.extra", &[2])]);
        assert_eq!(extra.refusal(), unsupported("tensor", "1.extra"));
        let alone = error(&[("0.bias", &[2])]);
        assert_eq!(alone.refusal(), unsupported("tensor", "0.bias"));
        let norm = error(&[("bn.weight", &[2])]);
        assert_eq!(norm.refusal(), shape("tensor `bn.weight`", &[2]));
        golden("no tensors", error(&[]));
        let mut file = tensors(&[("0.weight", &[1, 2])]);
        let nan = Tensor::real("w", vec![1, 2], vec![0.0, f64::NAN]).unwrap();
        file.insert("0.weight".into(), nan);
        let error = Network::from_tensors(file, Activation::Relu).unwrap_err();
        assert_eq!(
            error.refusal(),
            not_finite("tensor `0.weight`", "[0, 1]", "NaN")
        );
    }

    #[test]
    fn complex_weights_are_read_by_their_modulus() {
        let tensor = Tensor::complex("w", vec![1, 1], vec![Complex::new(0.0, 1.0)]).unwrap();
        let file = Tensors::from([("0.weight".to_owned(), tensor)]);
        let network = Network::from_tensors(file, Activation::Relu).unwrap();
        assert_eq!(network.readout, Readout::Modulus);
    }
}
