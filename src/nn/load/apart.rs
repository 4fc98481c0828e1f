//! Whether what comes of a sample is its own.

use ndarray::{ArrayD, IxDyn};

use crate::error::{Error, Result};
use crate::nn::graph::Graph;
use crate::nn::network::Network;
use crate::nn::port::{Element, Port};
use crate::rng::{Effect, Seed};

/// How far an output may move with what stands beside its sample, of the largest: rounding.
const ROUNDING: f32 = 1e-4;

/// Fails where the outputs of a sample of `network` depend on the samples that pass with it, as behind a mean over the batch:
/// how many pass together is not the user's choice, and every number would depend on it. A graph that cannot be computed for
/// a sample of random numbers is not looked at, nor is one with open axes.
///
/// # Errors
/// [`Error::Unsupported`], and as [`Network::digital`].
pub(super) fn check_apart(network: &Network) -> Result<()> {
    let Some(graph) = network.graph() else {
        return Ok(());
    };
    let fixed = graph.inputs().iter().find_map(Port::batch);
    let count = fixed.unwrap_or(2);
    let is_open = graph.inputs().iter().any(|port| port.features().is_none());
    if is_open || count < 2 {
        return Ok(());
    }
    let digital = network.digital::<f32>()?;
    let beside = |others| graph.run_on(inputs(graph, count, others), &digital, 0);
    let (Ok(some), Ok(others)) = (beside(1), beside(2)) else {
        return Ok(());
    };
    for ((port, one), other) in graph.outputs().iter().zip(&some).zip(&others) {
        let first = |array: &ArrayD<f32>| -> Vec<f32> {
            let width = array.len() / count;
            array.iter().take(width).copied().collect()
        };
        let (one, other) = (first(one), first(other));
        let largest = one.iter().fold(0.0, |most: f32, x| most.max(x.abs()));
        let far = |(a, b): (&f32, &f32)| (a - b).abs() > ROUNDING * largest;
        if one.iter().zip(&other).any(far) {
            return Err(Error::unsupported(
                format!("output `{}`", port.name),
                "a mix of samples",
                "what comes of a sample must not depend on those beside it; export the graph for a batch of 1",
            ));
        }
    }
    Ok(())
}

/// Inputs of `count` samples, of which the first is the same whatever the `others` are.
fn inputs(graph: &Graph, count: usize, others: u64) -> Vec<ArrayD<f32>> {
    let ports = graph.inputs().iter().enumerate().map(|(index, port)| {
        let features = port.features().unwrap_or_default();
        let stream = |sample| Seed(sample).stream(Effect::Haar, 0, index as u64, 0);
        let (mut own, mut beside) = (stream(0), stream(others));
        let mut place = 0;
        ArrayD::from_shape_simple_fn(IxDyn(&port.shape_for(count)), || {
            let number = match place < features {
                true => own.uniform(),
                false => beside.uniform(),
            };
            place += 1;
            match port.element {
                Element::Float => number as f32,
                Element::Integer | Element::Boolean => number.round() as f32,
            }
        })
    });
    ports.collect()
}
