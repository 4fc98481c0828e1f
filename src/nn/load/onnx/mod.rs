//! From an ONNX graph to a network: one path from the input to the output.

mod activation;
#[cfg(test)]
mod tests;
mod walk;

use std::collections::BTreeMap;

use super::state_dict::default_readout;
use crate::error::{Context, Error, Result};
use crate::io::onnx::{Attribute, Graph, Node, Value};
use crate::io::{Tensor, Tensors};
use crate::nn::{Input, Network};
use walk::Walk;

/// The network that `graph` computes.
pub(super) fn network(graph: &Graph) -> Result<Network> {
    let constants = constants(graph)?;
    let ([input], [output]) = (&graph.inputs[..], &graph.outputs[..]) else {
        return Err(Error::format(
            "ONNX graph",
            format!(
                "has {} inputs and {} outputs: must have one of each",
                graph.inputs.len(),
                graph.outputs.len()
            ),
        ));
    };
    let batch = input.shape.as_ref().and_then(|shape| *shape.first()?);
    let mut walk = Walk::new(constants, batch);
    let mut readers: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, node) in graph.nodes.iter().enumerate() {
        for name in &node.inputs {
            readers.entry(name).or_default().push(index);
        }
    }
    let mut visited = vec![false; graph.nodes.len()];
    let mut value = input.name.clone();
    while value != output.name {
        if let Some(found) = activation::find(graph, &readers, &walk.constants, &value)? {
            let last = found.nodes.last().map_or(0, |&last| last);
            for &index in &found.nodes {
                if std::mem::replace(&mut visited[index], true) {
                    return Err(Error::format(
                        label(&graph.nodes[index]),
                        "stands in a cycle",
                    ));
                }
            }
            let node = &graph.nodes[last];
            walk.activate(found.activation).within(label(node))?;
            value = found.output;
            continue;
        }
        let index = match readers.get(&*value).map_or(&[][..], Vec::as_slice) {
            [one] => *one,
            [] => {
                return Err(Error::format(
                    format!("ONNX value `{value}`"),
                    format!(
                        "is read by no node, and the output `{}` is not reached",
                        output.name
                    ),
                ));
            }
            [first, .., last] => {
                return Err(Error::unsupported(
                    format!("ONNX value `{value}`"),
                    format!(
                        "a branch to {} and {}",
                        label(&graph.nodes[*first]),
                        label(&graph.nodes[*last])
                    ),
                    "the graph must be one path from input to output",
                ));
            }
        };
        let node = &graph.nodes[index];
        if std::mem::replace(&mut visited[index], true) {
            return Err(Error::format(label(node), "stands in a cycle"));
        }
        walk.step(node, &value).within(label(node))?;
        value = match &node.outputs[..] {
            [one] => one.clone(),
            [one, rest @ ..] if rest.iter().all(|name| !readers.contains_key(name.as_str())) => {
                one.clone()
            }
            _ => return Err(Error::format(label(node), "must have one output in use")),
        };
    }
    if let Some(node) = graph.nodes.iter().zip(&visited).find_map(|(node, seen)| {
        let constant = node
            .outputs
            .iter()
            .any(|name| walk.constants.contains_key(name));
        (!seen && !constant).then_some(node)
    }) {
        return Err(Error::unsupported(
            "ONNX graph",
            label(node),
            "it is not on the path from the input to the output",
        ));
    }
    let complex = walk.layers.iter().any(|layer| layer.linear.is_complex());
    let first = walk.layers.first().map_or(0, |layer| layer.linear.inputs());
    check_rows(input, first, &graph.nodes)?;
    let picture = input.shape.as_deref().and_then(picture);
    let input = Input {
        shape: picture
            .filter(|axes| axes.iter().product::<usize>() == first)
            .unwrap_or_default(),
        ..Input::default()
    };
    Network::new(input, walk.layers, default_readout(complex))
}

/// Fails unless a sample of `input` is one row of `features` for the first layer: layers work on the last axis alone, and
/// what more axes hold are no features.
fn check_rows(input: &Value, features: usize, nodes: &[Node]) -> Result<()> {
    let Some([_, axes @ ..]) = input.shape.as_deref() else {
        return Ok(());
    };
    let flattens = |node: &Node| matches!(&*node.op, "Flatten" | "Reshape" | "Squeeze");
    let known: Option<Vec<usize>> = axes.iter().copied().collect();
    let is_row = match known {
        Some(lengths) => lengths.is_empty() || lengths.iter().product::<usize>() == features,
        None => axes.len() == 1 || nodes.iter().any(flattens),
    };
    let word = |length: &Option<usize>| length.map_or("?".to_owned(), |length| length.to_string());
    let words: Vec<String> = axes.iter().map(word).collect();
    match is_row {
        true => Ok(()),
        false => Err(Error::unsupported(
            format!("input `{}`", input.name),
            format!("samples of [{}]", words.join(", ")),
            format!("a chain of layers takes {features} features a sample"),
        )),
    }
}

/// The axes of a sample of an input of this shape, where it is a picture of several channels.
fn picture(shape: &[Option<usize>]) -> Option<Vec<usize>> {
    let axes: Vec<usize> = shape.get(1..)?.iter().copied().collect::<Option<_>>()?;
    (axes.len() > 2 && axes[0] > 1).then_some(axes)
}

/// How a node is called in errors: its name and its operator.
fn label(node: &Node) -> String {
    let name = match (&*node.name, node.outputs.first()) {
        ("", Some(output)) => output,
        (name, _) => name,
    };
    format!("node `{name}` ({})", node.op)
}

/// Initializers, `Constant` nodes, and copies of them by `Identity`.
fn constants(graph: &Graph) -> Result<Tensors> {
    let mut constants = graph.constants.clone();
    for node in &graph.nodes {
        let Some(output) = node.outputs.first() else {
            continue;
        };
        let tensor = match (&*node.op, &node.inputs[..]) {
            ("Constant", []) => constant(node).within(label(node))?,
            ("Identity", [source]) if constants.contains_key(source) => constants[source].clone(),
            _ => continue,
        };
        constants.insert(output.clone(), tensor);
    }
    Ok(constants)
}

fn constant(node: &Node) -> Result<Tensor> {
    let vector = |data: Vec<f64>| Tensor::real("constant", vec![data.len()], data);
    let ints = |data: &[i64]| data.iter().map(|&int| int as f64).collect();
    match node
        .attributes
        .iter()
        .next()
        .map(|(name, value)| (name.as_str(), value))
    {
        Some(("value", Attribute::Tensor(tensor))) => Ok(tensor.clone()),
        Some(("value_float", Attribute::Float(x))) => Tensor::real("constant", vec![], vec![*x]),
        Some(("value_int", Attribute::Int(n))) => Tensor::real("constant", vec![], ints(&[*n])),
        Some(("value_floats", Attribute::Floats(list))) => vector(list.clone()),
        Some(("value_ints", Attribute::Ints(list))) => vector(ints(list)),
        _ => Err(Error::unsupported(
            "constant",
            "its value",
            "must be numbers",
        )),
    }
}

/// The attributes of a node, with their defaults.
struct Attributes<'a>(&'a Node);

impl<'a> Attributes<'a> {
    fn wrong(name: &str, kind: &str) -> Error {
        Error::format(format!("attribute `{name}`"), format!("must be {kind}"))
    }

    fn int(&self, name: &str, default: i64) -> Result<i64> {
        match self.0.attributes.get(name) {
            None => Ok(default),
            Some(Attribute::Int(int)) => Ok(*int),
            Some(_) => Err(Self::wrong(name, "an integer")),
        }
    }

    fn float(&self, name: &str, default: f64) -> Result<f64> {
        match self.0.attributes.get(name) {
            None => Ok(default),
            Some(Attribute::Float(float)) => Ok(*float),
            Some(_) => Err(Self::wrong(name, "a number")),
        }
    }

    fn text(&self, name: &str, default: &'a str) -> Result<&'a str> {
        match self.0.attributes.get(name) {
            None => Ok(default),
            Some(Attribute::Text(text)) => Ok(text),
            Some(_) => Err(Self::wrong(name, "a text")),
        }
    }
}
