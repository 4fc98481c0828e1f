//! Reading a model from the files that training leaves.

use std::path::{Path, PathBuf};

use super::dataset;
use super::description::Stated;
use super::model::{Bias, Layer, Model};
use super::order::{self, Order};
use super::{Activation, Input, Normalization, Readout, Weight, description, onnx};
use crate::error::{Context, Error, Result};
use crate::io::torch::Entry;
use crate::io::{self, Format, Source, Tensor, Tensors};

/// What a file of weights does not say, as whoever reads it knows it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Hints {
    /// What follows every layer but the last; relu is assumed where it is not known.
    pub activation: Option<Activation>,
    /// The names of all layers in the order in which signals meet them; found where it is not known.
    pub layers: Option<Vec<String>>,
    /// What data go through before the first layer.
    pub normalization: Normalization,
}

/// A network, and what its file does not say of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The network.
    pub model: Model,
    /// What was taken for its layers; nothing where the file says it, or there is one layer.
    pub assumed: Option<Assumed>,
    /// The entry of a checkpoint that held its weights; nothing where the file holds nothing else.
    pub entry: Option<Entry>,
}

/// What was taken for layers whose file says neither their order nor what follows them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Assumed {
    /// How their order was found.
    pub order: Order,
    /// What follows all but the last.
    pub activation: Activation,
    /// Whether the activation was given.
    pub is_activation_given: bool,
}

impl Hints {
    /// Fails if the network in `source` states what is said here.
    fn check(&self, source: &Source) -> Result<()> {
        let stated = match source.format() {
            Format::Onnx | Format::Binary => Stated {
                layers: true,
                input: false,
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
        let Normalization { scale, mean, std } = &self.normalization;
        for (what, given) in [("scale", scale), ("mean", mean), ("std", std)] {
            if let Some(given) = given.as_ref().filter(|_| stated.input) {
                let limit = "left out: this network states its own [input]";
                return refused(what, given.to_string(), limit);
            }
        }
        Ok(())
    }
}

impl Loaded {
    /// The order of the layers and where it comes from: `layers in the order a, b, c (the order of the file)`.
    pub fn order_words(&self) -> Option<String> {
        let names: Vec<&str> = self
            .model
            .layers()
            .iter()
            .map(|layer| layer.name())
            .collect();
        let words = self.assumed?.order.words();
        Some(format!(
            "layers in the order {} ({words})",
            order::listed(&names)
        ))
    }

    /// Which of several state dicts in the file was taken: `the weights are those of state_dict, not of ema`.
    pub fn entry_words(&self) -> Option<String> {
        let Entry { name, others } = self.entry.as_ref()?;
        let others = others.join(", ");
        (!others.is_empty()).then(|| format!("the weights are those of {name}, not of {others}"))
    }

    /// What was taken for the layers, in words; `flag` is how an activation is given.
    pub fn words(&self, flag: &str) -> Option<String> {
        let Assumed {
            activation,
            is_activation_given,
            ..
        } = self.assumed?;
        let assumed = match is_activation_given {
            true => String::new(),
            false => format!(" assumed ({flag})"),
        };
        let order = self.order_words()?;
        Some(format!("{order}; {activation} between them{assumed}"))
    }
}

impl Model {
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
        Ok(read(&Source::open(path)?, &hints)?.model)
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
        Ok(linear_layers(tensors.into(), &hints)?.model)
    }

    /// The network that an ONNX graph computes.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for an operator or a shape of graph that is none of a fully connected network's.
    pub fn from_onnx(graph: &io::onnx::Graph) -> Result<Self> {
        onnx::model(graph)
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

/// The network in a file of weights or an ONNX file.
pub(super) fn read_weights(source: &Source, hints: &Hints) -> Result<Loaded> {
    if !matches!(source.format(), Format::Onnx | Format::Binary) {
        return linear_layers(read_tensors(source)?, hints).within(source.name());
    }
    let model = source.parse(|bytes| {
        let model = onnx::model(&io::onnx::parse(bytes)?)?;
        let input = hints.normalization.over(model.input);
        let model = Model { input, ..model };
        model.check()?;
        Ok(model)
    })?;
    Ok(Loaded {
        model,
        assumed: None,
        entry: None,
    })
}

/// The tensors of a file.
pub(super) struct Weights {
    pub(super) tensors: Vec<(String, Tensor)>,
    /// Whether they stand as they were written.
    keeps_order: bool,
    /// The entry of a checkpoint that held them.
    pub(super) entry: Option<Entry>,
}

impl From<Tensors> for Weights {
    fn from(tensors: Tensors) -> Self {
        Self {
            tensors: tensors.into_iter().collect(),
            keeps_order: false,
            entry: None,
        }
    }
}

/// Files of named tensors.
const STATE_DICTS: &str = ".safetensors, .npz, .pt, .pth";

/// The tensors of a file of named tensors.
pub(super) fn read_tensors(source: &Source) -> Result<Weights> {
    match source.format() {
        Format::Safetensors => Ok(source.parse(io::safetensors::parse)?.tensors.into()),
        Format::Npz => Ok(Weights {
            tensors: source.parse(io::npy::parse_npz_in_order)?,
            keeps_order: true,
            entry: None,
        }),
        Format::Torch => {
            let read = source.parse(io::torch::parse)?;
            Ok(Weights {
                tensors: read.tensors,
                keeps_order: true,
                entry: read.entry,
            })
        }
        _ => {
            let limit = format!("must be {STATE_DICTS}, or .onnx without [[layers]]");
            Err(Error::unsupported("weights", source.name(), limit))
        }
    }
}

/// The network whose layers are the pairs `<name>.weight`, `<name>.bias`.
pub(super) fn linear_layers(weights: Weights, hints: &Hints) -> Result<Loaded> {
    let between = hints.activation.unwrap_or(Activation::Relu);
    for (key, _) in &weights.tensors {
        check_part(key)?;
    }
    let names: Vec<String> = (weights.tensors.iter())
        .filter_map(|(key, _)| layer_name(key, "weight"))
        .map(str::to_owned)
        .collect();
    let mut tensors: Tensors = weights.tensors.into_iter().collect();
    if names.is_empty() && dataset::are_data(tensors.keys().map(String::as_str)) {
        let held: Vec<String> = tensors.into_keys().collect();
        let reason = format!(
            "is a data set ({}), which lightloom infer takes with --data: must be a network",
            held.join(", ")
        );
        return Err(Error::format("content", reason));
    }
    let mut layers = Vec::new();
    for name in names {
        let key = |part: &str| {
            if name.is_empty() {
                part.to_owned()
            } else {
                format!("{name}.{part}")
            }
        };
        let tensor = tensors
            .remove(&key("weight"))
            .expect("the name comes from this key");
        let bias = tensors.remove(&key("bias"));
        let weight = weight(&key("weight"), tensor)?;
        let bias = bias.map(|tensor| self::bias(&key("bias"), tensor));
        let shown = if name.is_empty() { "0" } else { &name };
        layers.push(Layer::new(shown, weight, bias.transpose()?, between));
    }
    if let Some(extra) = tensors.keys().next() {
        return Err(Error::unsupported(
            "tensor",
            extra,
            "every tensor must be `<layer>.weight` [out, in] or the `<layer>.bias` beside one",
        ));
    }
    let (mut layers, order) =
        order::in_order(layers, hints.layers.as_deref(), weights.keeps_order)?;
    if let Some(last) = layers.last_mut() {
        last.activation = Activation::Identity;
    }
    let complex = layers.iter().any(|layer| layer.linear.is_complex());
    let input = hints.normalization.over(Input::default());
    let model = Model::new(input, layers, default_readout(complex))?;
    let assumed = (model.layers().len() > 1).then_some(Assumed {
        order,
        activation: between,
        is_activation_given: hints.activation.is_some(),
    });
    Ok(Loaded {
        model,
        assumed,
        entry: weights.entry,
    })
}

/// Fails for a tensor of what stands between linear layers, or makes their weights.
fn check_part(key: &str) -> Result<()> {
    let (layer, part) = match key.split_once(".parametrizations.") {
        Some((layer, part)) => (layer, part),
        None => key.rsplit_once('.').unwrap_or(("", key)),
    };
    let (got, limit) = match part {
        "running_mean" | "running_var" | "num_batches_tracked" => (
            "BatchNorm",
            "a file of weights does not say where it stands; export the model to ONNX (model.eval(), torch.onnx.export), \
             where one straight after a linear layer is read",
        ),
        "weight_g" | "weight.original0" | "weight.original1" => (
            "weight norm",
            "the weights are computed from two tensors; take the norm off before saving (remove_parametrizations or \
             remove_weight_norm of torch.nn.utils), or export the model to ONNX (torch.onnx.export)",
        ),
        _ => return Ok(()),
    };
    Err(Error::unsupported(format!("layer `{layer}`"), got, limit))
}

/// How outputs are read where the file does not say it.
pub(super) fn default_readout(complex: bool) -> Readout {
    if complex {
        Readout::Modulus
    } else {
        Readout::Real
    }
}

/// `fc1` for `fc1.weight`, and nothing before a bare `weight`.
fn layer_name<'a>(key: &'a str, part: &str) -> Option<&'a str> {
    let name = key.strip_suffix(part)?;
    if name.is_empty() {
        Some(name)
    } else {
        name.strip_suffix('.')
    }
}

/// A weight matrix `[out, in]`.
pub(super) fn weight(name: &str, tensor: Tensor) -> Result<Weight> {
    let what = format!("tensor `{name}`");
    tensor.check_finite(&what)?;
    Ok(if tensor.is_complex() {
        Weight::Complex(tensor.into_complex_matrix(&what)?)
    } else {
        Weight::Real(tensor.into_matrix(&what)?)
    })
}

/// A bias vector `[out]`.
pub(super) fn bias(name: &str, tensor: Tensor) -> Result<Bias> {
    let what = format!("tensor `{name}`");
    tensor.check_finite(&what)?;
    Ok(if tensor.is_complex() {
        Bias::Complex(tensor.into_complex_vector(&what)?)
    } else {
        Bias::Real(tensor.into_vector(&what)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::compare::{golden, not_finite, shape, unsupported};
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
        let model = Model::from_tensors(file, Activation::Tanh).unwrap();
        let names: Vec<_> = model.layers().iter().map(|layer| layer.name()).collect();
        assert_eq!(names, ["2", "10"]);
        assert_eq!(model.layers()[0].activation, Activation::Tanh);
        assert_eq!(model.layers()[1].activation, Activation::Identity);
        assert!(model.layers()[0].bias.is_some() && model.layers()[1].bias.is_none());
        let single =
            Model::from_tensors(tensors(&[("weight", &[2, 3])]), Activation::Relu).unwrap();
        assert_eq!(single.layers()[0].name(), "0");
    }

    #[test]
    fn tensors_that_are_no_linear_layers_are_refused_by_name() {
        let error = |list: &[(&str, &[usize])]| {
            Model::from_tensors(tensors(list), Activation::Relu).unwrap_err()
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
        let error = Model::from_tensors(file, Activation::Relu).unwrap_err();
        assert_eq!(
            error.refusal(),
            not_finite("tensor `0.weight`", "[0, 1]", "NaN")
        );
    }

    #[test]
    fn complex_weights_are_read_by_their_modulus() {
        let tensor = Tensor::complex("w", vec![1, 1], vec![Complex::new(0.0, 1.0)]).unwrap();
        let file = Tensors::from([("0.weight".to_owned(), tensor)]);
        let model = Model::from_tensors(file, Activation::Relu).unwrap();
        assert_eq!(model.readout, Readout::Modulus);
    }
}
