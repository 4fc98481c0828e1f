//! What must hold of a graph before tract may see it: names, order, attributes, weights.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap, HashSet};

use tract_onnx::pb::{GraphProto, NodeProto};

use super::names::Names;
use super::{tensors, view};
use crate::error::{Error, Result, did_you_mean};
use crate::io::name::check_name;

/// Operators whose weights multiply: an infinite one is no weight.
const PRODUCTS: [&str; 8] = [
    "BatchNormalization",
    "Conv",
    "ConvTranspose",
    "DequantizeLinear",
    "Einsum",
    "Gemm",
    "MatMul",
    "QuantizeLinear",
];

/// Puts the nodes of `graph` and of the bodies within it into an order in which each reads what was written before.
///
/// # Errors
/// [`Error::Format`] for names that are defined twice or never, for cycles, and for attributes of no function.
pub(super) fn order(graph: &mut GraphProto) -> Result<()> {
    order_within(graph, &BTreeSet::new())
}

fn order_within(graph: &mut GraphProto, outside: &BTreeSet<String>) -> Result<()> {
    check_names(graph, outside)?;
    let mut known: BTreeSet<String> = outside.clone();
    if graph
        .node
        .iter()
        .any(|node| view::bodies(node).next().is_some())
    {
        known.extend(view::defined(graph).into_iter().map(str::to_owned));
    }
    for node in &mut graph.node {
        let what = view::words(node);
        for body in view::bodies_mut(node) {
            order_within(body, &known).map_err(|error| error.within(&what))?;
        }
    }
    sort(graph)
}

fn check_names(graph: &GraphProto, outside: &BTreeSet<String>) -> Result<()> {
    let mut inputs = HashSet::new();
    if let Some(twice) = graph
        .input
        .iter()
        .find(|input| !inputs.insert(&*input.name))
    {
        return Err(Error::format(
            format!("input `{}`", twice.name),
            "is defined twice",
        ));
    }
    let mut constants = HashSet::new();
    if let Some(twice) = graph
        .initializer
        .iter()
        .find(|tensor| !constants.insert(&*tensor.name))
    {
        return Err(Error::format(
            format!("tensor `{}`", twice.name),
            "is defined twice",
        ));
    }
    // An input that is a constant too has it as its default.
    let mut written: HashSet<&str> = inputs.union(&constants).copied().collect();
    for node in &graph.node {
        if node.op_type.is_empty() {
            return Err(Error::format(view::words(node), "names no operator"));
        }
        if view::writes(node).next().is_none() {
            return Err(Error::format(
                view::words(node),
                "writes nothing: must name its outputs",
            ));
        }
        let mut attributes = HashSet::new();
        for attribute in &node.attribute {
            let what = format!("{}: attribute `{}`", view::words(node), attribute.name);
            if !attributes.insert(&*attribute.name) {
                return Err(Error::format(what, "is defined twice"));
            }
            if !attribute.ref_attr_name.is_empty() {
                let reason = format!(
                    "stands for `{}` of a function: there is none around it",
                    attribute.ref_attr_name
                );
                return Err(Error::format(what, reason));
            }
        }
        if let Some(twice) = view::writes(node).find(|name| !written.insert(name)) {
            return Err(Error::format(
                view::words(node),
                format!("writes `{twice}`, which is defined before it"),
            ));
        }
    }
    let undefined = |name: &str| !written.contains(name) && !outside.contains(name);
    let meant = |name: &str| did_you_mean(name, written.iter().copied());
    for node in &graph.node {
        if let Some(name) = view::reads(node).find(|name| undefined(name)) {
            let reason = format!("reads `{name}`, which nothing defines{}", meant(name));
            return Err(Error::format(view::words(node), reason));
        }
    }
    let missing = graph
        .output
        .iter()
        .find(|output| !written.contains(&*output.name));
    missing.map_or(Ok(()), |output| {
        let reason = format!("is written by no node{}", meant(&output.name));
        Err(Error::format(format!("output `{}`", output.name), reason))
    })
}

/// Nodes by what they read, otherwise in the order of the file.
fn sort(graph: &mut GraphProto) -> Result<()> {
    let mut writer = HashMap::new();
    for (index, node) in graph.node.iter().enumerate() {
        writer.extend(view::writes(node).map(|name| (name, index)));
    }
    let before: Vec<BTreeSet<usize>> = graph
        .node
        .iter()
        .map(|node| {
            let read = view::reads(node).chain(view::captured(node));
            read.filter_map(|name| writer.get(name).copied()).collect()
        })
        .collect();
    let mut after = vec![Vec::new(); before.len()];
    let mut waits: Vec<usize> = before.iter().map(BTreeSet::len).collect();
    for (index, before) in before.iter().enumerate() {
        before
            .iter()
            .for_each(|&earlier| after[earlier].push(index));
    }
    let mut ready: BinaryHeap<_> = (0..waits.len())
        .filter(|&index| waits[index] == 0)
        .map(Reverse)
        .collect();
    let mut order = Vec::with_capacity(waits.len());
    while let Some(Reverse(index)) = ready.pop() {
        order.push(index);
        for &later in &after[index] {
            waits[later] -= 1;
            if waits[later] == 0 {
                ready.push(Reverse(later));
            }
        }
    }
    if order.len() < waits.len() {
        return Err(cycle(&graph.node, &before, &waits));
    }
    let mut nodes: Vec<Option<NodeProto>> = std::mem::take(&mut graph.node)
        .into_iter()
        .map(Some)
        .collect();
    graph.node = order
        .into_iter()
        .filter_map(|index| nodes[index].take())
        .collect();
    Ok(())
}

/// The error for nodes of which some `waits` for what it must wait for itself.
fn cycle(nodes: &[NodeProto], before: &[BTreeSet<usize>], waits: &[usize]) -> Error {
    let blocked = |index: &usize| waits[*index] > 0;
    let mut path: Vec<usize> = (0..nodes.len()).find(blocked).into_iter().collect();
    loop {
        // A blocked node waits for a blocked one, so the way back ends where it has been.
        let next = path
            .last()
            .and_then(|&last| before[last].iter().copied().find(blocked));
        let Some(next) = next else { break };
        if let Some(start) = path.iter().position(|&index| index == next) {
            path.drain(..start);
            break;
        }
        path.push(next);
    }
    path.reverse();
    let first = path.iter().min().copied().unwrap_or_default();
    let turn = path
        .iter()
        .position(|&index| index == first)
        .unwrap_or_default();
    path.rotate_left(turn);
    let through: Vec<String> = path
        .iter()
        .skip(1)
        .map(|&index| view::words(&nodes[index]))
        .collect();
    let through = match through.len() {
        0 => String::new(),
        1..=8 => format!(" through {}", through.join(", ")),
        more => format!(" through {more} other nodes"),
    };
    Error::format(
        view::words(&nodes[first]),
        format!("reads what it writes{through}: a graph must have no cycle"),
    )
}

/// Fails for infinite weights of products.
pub(super) fn check_weights(graph: &GraphProto) -> Result<()> {
    let products = graph
        .node
        .iter()
        .filter(|node| PRODUCTS.contains(&&*node.op_type));
    let weights: HashSet<&str> = products.flat_map(view::reads).collect();
    for tensor in graph
        .initializer
        .iter()
        .filter(|tensor| weights.contains(&*tensor.name))
    {
        tensors::check_numbers(&format!("tensor `{}`", tensor.name), tensor, f64::is_finite)?;
    }
    Ok(())
}

/// Fails for names with control characters, which a terminal would obey.
pub(super) fn check_printable(graph: &GraphProto) -> Result<()> {
    let nodes = graph.node.iter().map(|node| ("node", &node.name));
    let values = graph.input.iter().chain(&graph.output);
    let values = values.map(|value| ("value", &value.name));
    let stored = graph.initializer.iter();
    let stored = stored.map(|tensor| ("tensor", &tensor.name));
    let mut names = nodes.chain(values).chain(stored);
    names.try_for_each(|(what, name)| check_name(what, name))
}

/// Gives every node of `graph` a name of its own, which tract needs: its own, or that of what it writes.
pub(super) fn name_nodes(graph: &mut GraphProto) {
    let mut names = Names::of_values(graph);
    for node in &mut graph.node {
        let own = Some(&*node.name).filter(|name| !name.is_empty());
        let wanted = own.or(view::writes(node).next()).unwrap_or_default();
        node.name = names.unique(wanted);
        view::bodies_mut(node).for_each(name_nodes);
    }
}
