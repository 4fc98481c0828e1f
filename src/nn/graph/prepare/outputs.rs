//! Which outputs are asked for; what stands behind the others is dropped.

use std::collections::HashSet;

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{GraphProto, ValueInfoProto, type_proto};

use super::view;
use crate::error::{Error, Result};

/// Keeps the outputs `chosen` of `graph` in that order, and what they need.
///
/// If none is chosen: the first one of floating-point numbers, or the first one where there is none.
///
/// # Errors
/// [`Error::Value`] for a name that is no output; [`Error::Unsupported`] for an output that no node writes.
pub(super) fn choose(
    graph: &mut GraphProto,
    chosen: &[String],
    notes: &mut Vec<String>,
) -> Result<()> {
    if graph.output.is_empty() {
        return Err(Error::format("ONNX graph", "has no output"));
    }
    let names: Vec<&str> = graph.output.iter().map(|output| &*output.name).collect();
    let mut kept = Vec::new();
    for (index, name) in chosen.iter().enumerate() {
        let Some(place) = names.iter().position(|known| known == name) else {
            return Err(Error::unknown("output", name, &names));
        };
        if chosen[..index].contains(name) {
            return Err(Error::value("output", name, "named once"));
        }
        kept.push(graph.output[place].clone());
    }
    if chosen.is_empty() {
        let first = graph.output.iter().find(|output| may_be_float(output));
        let first = first.unwrap_or(&graph.output[0]).clone();
        let left = names.iter().filter(|name| **name != first.name);
        let left: Vec<String> = left.map(|name| format!("`{name}`")).collect();
        if !left.is_empty() {
            notes.push(format!(
                "the output taken is `{}`, not {} (--outputs NAME,… takes others)",
                first.name,
                left.join(", ")
            ));
        }
        kept.push(first);
    }
    let written: HashSet<&str> = graph.node.iter().flat_map(view::writes).collect();
    if let Some(idle) = kept.iter().find(|output| !written.contains(&*output.name)) {
        let limit = "an output must be computed";
        return Err(Error::unsupported(
            format!("output `{}`", idle.name),
            "an input or constant",
            limit,
        ));
    }
    graph.output = kept;
    drop_dead(graph, notes);
    Ok(())
}

/// Whether the file lets `output` be of floating-point numbers.
fn may_be_float(output: &ValueInfoProto) -> bool {
    let value = output.r#type.as_ref().and_then(|kind| kind.value.as_ref());
    let Some(type_proto::Value::TensorType(tensor)) = value else {
        return true;
    };
    match DataType::try_from(tensor.elem_type) {
        Ok(known) => matches!(
            known,
            DataType::Float | DataType::Double | DataType::Float16 | DataType::Undefined
        ),
        Err(_) => false,
    }
}

/// Drops nodes, constants and inputs that no output needs; nodes must be in order.
fn drop_dead(graph: &mut GraphProto, notes: &mut Vec<String>) {
    let mut needed: HashSet<String> = graph
        .output
        .iter()
        .map(|output| output.name.clone())
        .collect();
    let mut alive = vec![false; graph.node.len()];
    for (node, alive) in graph.node.iter().zip(&mut alive).rev() {
        *alive = view::writes(node).any(|name| needed.contains(name));
        if *alive {
            let read = view::reads(node).chain(view::captured(node));
            needed.extend(read.map(str::to_owned));
        }
    }
    let mut alive = alive.into_iter();
    graph.node.retain(|_| alive.next().unwrap_or(false));
    // An input that is a constant too was only its default.
    let constants = graph.initializer.iter().map(|tensor| tensor.name.clone());
    let constants: HashSet<String> = constants.collect();
    graph
        .initializer
        .retain(|tensor| needed.contains(&tensor.name));
    graph.input.retain(|input| {
        let (constant, used) = (
            constants.contains(&input.name),
            needed.contains(&input.name),
        );
        if !used && !constant {
            notes.push(format!("the input `{}` is not used", input.name));
        }
        used && !constant
    });
}
