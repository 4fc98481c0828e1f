//! Where the channels of inputs stand: operators on pictures say so.

use std::collections::{BTreeMap, HashSet};

use tract_onnx::pb::{GraphProto, NodeProto};

use super::super::view;
use super::{BROADCAST, ELEMENTWISE};
use crate::nn::port::Channels;

/// Operators whose first operand has its channels behind the samples.
const OF_PICTURES: [&str; 14] = [
    "AveragePool",
    "BatchNormalization",
    "Conv",
    "ConvInteger",
    "ConvTranspose",
    "DepthToSpace",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "GroupNormalization",
    "InstanceNormalization",
    "LRN",
    "MaxPool",
    "QLinearConv",
    "SpaceToDepth",
];

/// A value that has the elements of an input.
struct View<'a> {
    name: &'a str,
    /// The axis of the input that each of its axes is; nothing where they are the same.
    axes: Option<Vec<i64>>,
}

/// Where the channels of the inputs of `graph` stand, by their names: those of inputs that an operator on pictures reads, be
/// it behind operators that change each element in its place, or the order of axes.
pub(in super::super) fn channels(graph: &GraphProto) -> BTreeMap<String, Channels> {
    let inputs = graph.input.iter();
    let found = inputs.filter_map(|input| Some((input.name.clone(), of(graph, &input.name)?)));
    found.collect()
}

fn of(graph: &GraphProto, input: &str) -> Option<Channels> {
    let mut views = vec![View {
        name: input,
        axes: None,
    }];
    let mut seen = HashSet::from([input]);
    let mut next = 0;
    while next < views.len() {
        for node in &graph.node {
            let View { name, axes } = &views[next];
            let Some(slot) = node.input.iter().position(|read| read == name) else {
                continue;
            };
            let op = &*node.op_type;
            if slot == 0 && OF_PICTURES.contains(&op) {
                return layout(axes.as_deref());
            }
            let passes = BROADCAST.contains(&op) || slot == 0 && ELEMENTWISE.contains(&op);
            let axes = match op {
                "Transpose" => Some(permuted(node, axes.as_deref())?),
                _ if passes => axes.clone(),
                _ => continue,
            };
            let written = node.output.first().map(String::as_str);
            let written = written.filter(|name| seen.insert(name));
            views.extend(written.map(|name| View { name, axes }));
        }
        next += 1;
    }
    None
}

/// The place of the channels where axis 1 is that of `axes`.
fn layout(axes: Option<&[i64]>) -> Option<Channels> {
    let Some(axes) = axes else {
        return Some(Channels::First);
    };
    match *axes.get(1)? {
        1 => Some(Channels::First),
        axis if axis == axes.len() as i64 - 1 => Some(Channels::Last),
        _ => None,
    }
}

/// The axes behind `node`, a transposition of a value of these `axes`.
fn permuted(node: &NodeProto, axes: Option<&[i64]>) -> Option<Vec<i64>> {
    let order = &view::attribute(node, "perm")?.ints;
    let axis = |at: &i64| match axes {
        None => Some(*at),
        Some(axes) => axes.get(usize::try_from(*at).ok()?).copied(),
    };
    order.iter().map(axis).collect()
}
