//! A file of weights: named tensors, or ONNX.

#[cfg(feature = "onnx")]
use super::apart::check_apart;
#[cfg(feature = "onnx")]
use super::hints::GraphHints;
use super::hints::{Hints, Loaded};
use super::onnx;
use super::state_dict::{linear_layers, read_tensors};
use crate::error::{Context, Result};
use crate::io::{self, Format, Source};
#[cfg(feature = "onnx")]
use crate::nn::graph::Graph;
use crate::nn::network::Network;

/// The network in a file of weights or an ONNX file.
pub(super) fn read_weights(source: &Source, hints: &Hints) -> Result<Loaded> {
    if !matches!(source.format(), Format::Onnx | Format::Binary) {
        return linear_layers(read_tensors(source)?, hints).within(source.name());
    }
    let network = network(source, hints)?;
    let input = hints.normalization.over(network.input);
    let network = Network { input, ..network };
    network.check().within(source.name())?;
    Ok(Loaded {
        network,
        assumed: None,
        entry: None,
    })
}

/// The network of an ONNX file: a chain where it is one, in double precision, else a graph.
#[cfg(feature = "onnx")]
fn network(source: &Source, hints: &Hints) -> Result<Network> {
    if hints.graph == GraphHints::default()
        && let Ok(chain) = io::onnx::parse(source.bytes()).and_then(|graph| onnx::network(&graph))
        && chain.check().is_ok()
    {
        return Ok(chain);
    }
    let graph = Graph::read(source, &hints.graph.choice, &hints.graph.chosen)?;
    let network = Network::of_graph(graph);
    check_apart(&network).within(source.name())?;
    Ok(network)
}

#[cfg(not(feature = "onnx"))]
fn network(source: &Source, _: &Hints) -> Result<Network> {
    source.parse(|bytes| onnx::network(&io::onnx::parse(bytes)?))
}
