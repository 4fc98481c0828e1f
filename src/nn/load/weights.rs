//! A file of weights: named tensors, or ONNX.

use super::hints::{Hints, Loaded};
use super::onnx;
use super::state_dict::{linear_layers, read_tensors};
use crate::error::{Context, Result};
use crate::io::{self, Format, Source};
use crate::nn::network::Network;

/// The network in a file of weights or an ONNX file.
pub(super) fn read_weights(source: &Source, hints: &Hints) -> Result<Loaded> {
    if !matches!(source.format(), Format::Onnx | Format::Binary) {
        return linear_layers(read_tensors(source)?, hints).within(source.name());
    }
    let network = source.parse(|bytes| {
        let network = onnx::network(&io::onnx::parse(bytes)?)?;
        let input = hints.normalization.over(network.input);
        let network = Network { input, ..network };
        network.check()?;
        Ok(network)
    })?;
    Ok(Loaded {
        network,
        assumed: None,
        entry: None,
    })
}
