//! What is known of a network beside its file, and what its file does not say of it.

use super::order::{self, Order};
use crate::io::torch::Entry;
#[cfg(feature = "onnx")]
use crate::nn::graph::{Choice, Chosen};
use crate::nn::network::Network;
use crate::nn::{Activation, Normalization};

/// What a file of weights does not say, as whoever reads it knows it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Hints {
    /// What follows every layer but the last; relu is assumed where it is not known.
    pub activation: Option<Activation>,
    /// The names of all layers in the order in which signals meet them; found where it is not known.
    pub layers: Option<Vec<String>>,
    /// What data go through before the first layer.
    pub normalization: Normalization,
    /// What of a graph is taken, and what of it goes to light.
    #[cfg(feature = "onnx")]
    pub graph: GraphHints,
}

/// What is asked of a graph of ONNX.
#[cfg(feature = "onnx")]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GraphHints {
    /// Inputs, outputs, shapes.
    pub choice: Choice,
    /// Products on light, products that stay digital.
    pub chosen: Chosen,
}

/// A network, and what its file does not say of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The network.
    pub network: Network,
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

impl Loaded {
    /// The order of the layers and where it comes from: `layers in the order a, b, c (the order of the file)`.
    pub fn order_words(&self) -> Option<String> {
        let names: Vec<&str> = self
            .network
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
