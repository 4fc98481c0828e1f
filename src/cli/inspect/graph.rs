//! What is said of a graph: its maps, and what of it stays digital.

use std::collections::BTreeMap;
use std::io::Write;

use serde_json::{Value, json};

use crate::nn::{Element, Graph, Linear, LinearId, Network, Port, Why};

/// A map of a graph in words: `conv1: convolution 5×5, 25 → 16, 784 columns a sample, 313600 multiply-adds`.
///
/// # Panics
/// If `network` is no graph that has it.
pub(super) fn map_words(network: &Network, id: LinearId, linear: &Linear) -> String {
    let columns = match linear.columns {
        1 => String::new(),
        columns => format!(", {columns} columns a sample"),
    };
    format!(
        "{}: {}, {} → {}{columns}, {} multiply-adds",
        linear.name,
        kind(network, id),
        linear.inputs(),
        linear.outputs(),
        linear.products()
    )
}

/// A map of a graph as a record.
///
/// # Panics
/// If `network` is no graph that has it.
pub(super) fn map_record(network: &Network, id: LinearId, linear: &Linear) -> Value {
    json!({
        "name": linear.name,
        "inputs": linear.inputs(),
        "outputs": linear.outputs(),
        "complex": linear.is_complex(),
        "kind": kind(network, id),
        "groups": linear.groups.len(),
        "columns": linear.columns,
        "products": linear.products(),
    })
}

fn kind(network: &Network, id: LinearId) -> &str {
    let graph = network
        .graph()
        .expect("a network without layers is a graph");
    graph.kind(id)
}

/// Inputs and outputs of `graph` where there are several, what of it stays digital, and the share of its multiply-adds that
/// is on light.
pub(super) fn describe(out: &mut dyn Write, graph: &Graph) -> std::io::Result<()> {
    for (side, ports) in [("input", graph.inputs()), ("output", graph.outputs())] {
        for port in ports.iter().filter(|_| ports.len() > 1) {
            writeln!(out, "{side} {}", port.words_of_shape())?;
        }
    }
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for left in graph.left() {
        // What has a name of its own is told by it; products of computed tensors are counted.
        let words = match left.why {
            Why::Computed => left.why.to_string(),
            why => format!("{} ({why})", left.name),
        };
        let (count, products) = counts.entry(words).or_default();
        *count += 1;
        *products += left.products;
    }
    for (words, (count, products)) in counts {
        let times = match count {
            1 => String::new(),
            count => format!("{count} × "),
        };
        let products = match products {
            0 => String::new(),
            products => format!(", {products} multiply-adds"),
        };
        writeln!(out, "digital: {times}{words}{products}")?;
    }
    let uncounted: Vec<&str> = graph
        .left()
        .iter()
        .filter(|left| left.is_uncounted())
        .map(|left| &*left.name)
        .collect();
    let uncounted = match uncounted[..] {
        [] => String::new(),
        _ => format!(", those of {} not counted", uncounted.join(", ")),
    };
    let is_open = graph.inputs().iter().any(|port| port.features().is_none());
    let open = match is_open {
        true => ", whose open axes count as 1",
        false => "",
    };
    writeln!(
        out,
        "on light: {:.1} % of the multiply-adds of a sample{open}{uncounted}",
        100.0 * share(graph)
    )
}

/// Share of the multiply-adds that is on light.
fn share(graph: &Graph) -> f64 {
    let light: usize = graph.linears().iter().map(Linear::products).sum();
    let digital: usize = graph.left().iter().map(|left| left.products).sum();
    light as f64 / ((light + digital) as f64).max(1.0)
}

/// A graph as a record.
pub(super) fn record(graph: &Graph) -> Value {
    let port = |port: &Port| {
        let element = match port.element {
            Element::Float => "float",
            Element::Integer => "integer",
            Element::Boolean => "boolean",
        };
        json!({ "name": port.name, "element": element, "shape": port.shape })
    };
    let left = graph.left().iter().map(
        |left| json!({ "name": left.name, "why": left.why.to_string(), "products": left.products }),
    );
    json!({
        "inputs": graph.inputs().iter().map(port).collect::<Vec<_>>(),
        "outputs": graph.outputs().iter().map(port).collect::<Vec<_>>(),
        "digital": left.collect::<Vec<_>>(),
        "share_on_light": share(graph),
    })
}
