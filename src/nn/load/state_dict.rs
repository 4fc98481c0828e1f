//! Named tensors → layers.

use super::hints::{Assumed, Hints, Loaded};
use super::order;
use crate::error::{Error, Result};
use crate::io::torch::Entry;
use crate::io::{self, Format, Source, Tensor, Tensors};
use crate::nn::dataset;
use crate::nn::input::Input;
use crate::nn::network::{Bias, Layer, Network};
use crate::nn::{Activation, Readout, Weight};

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
pub(super) const STATE_DICTS: &str = ".safetensors, .npz, .pt, .pth";

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
    let network = Network::new(input, layers, default_readout(complex))?;
    let assumed = (network.layers().len() > 1).then_some(Assumed {
        order,
        activation: between,
        is_activation_given: hints.activation.is_some(),
    });
    Ok(Loaded {
        network,
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
            "a file of weights does not say where it stands; export the network to ONNX (model.eval(), torch.onnx.export), \
             where one straight after a linear layer is read",
        ),
        "weight_g" | "weight.original0" | "weight.original1" => (
            "weight norm",
            "the weights are computed from two tensors; take the norm off before saving (remove_parametrizations or \
             remove_weight_norm of torch.nn.utils), or export the network to ONNX (torch.onnx.export)",
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
