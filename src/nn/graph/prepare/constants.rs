//! How large constants are that a graph computes from others: claims beyond all memory are refused before tract, which
//! computes them as it reads.

use std::collections::HashMap;

use tract_onnx::pb::{GraphProto, NodeProto, TensorProto};

use super::{tensors, view};
use crate::error::{Error, Result};

/// The most elements of a value that grows out of smaller ones: 256 MiB in single precision.
pub(super) const ELEMENTS: usize = 1 << 26;

/// Elements of a constant whose numbers are kept: those of shapes, not of weights.
const KEPT: usize = 64;

/// Attributes that are lengths, and the largest of them: sides of kernels and paddings, widths of layers.
const LENGTHS: [&str; 14] = [
    "blocksize",
    "dilations",
    "group",
    "hidden_size",
    "kernel_shape",
    "num_outputs",
    "output_padding",
    "output_shape",
    "pads",
    "sample_size",
    "shape",
    "size",
    "split",
    "strides",
];
const LENGTH: i64 = 1 << 24;

/// What is known of a constant without computing it.
#[derive(Clone)]
pub(super) struct Constant {
    /// Its axes, where they are known.
    pub(super) dims: Option<Vec<usize>>,
    /// At most so many elements.
    elements: f64,
    /// Its numbers, where they are few and known.
    numbers: Option<Vec<f64>>,
}

impl Constant {
    fn of(tensor: &TensorProto) -> Self {
        let dims: Vec<usize> = tensor.dims.iter().map(|&length| length as usize).collect();
        let elements: usize = dims.iter().product();
        let numbers = (elements <= KEPT).then(|| tensors::numbers(tensor).collect());
        Self {
            elements: elements as f64,
            numbers: numbers.filter(|numbers: &Vec<f64>| numbers.len() == elements),
            dims: Some(dims),
        }
    }

    fn list(numbers: Vec<f64>) -> Self {
        Self {
            dims: Some(vec![numbers.len()]),
            elements: numbers.len() as f64,
            numbers: Some(numbers),
        }
    }
}

/// Constants by name.
pub(super) type Constants<'a> = HashMap<&'a str, Constant>;

/// What is known of the constants of `graph`, also behind nodes that compute with them; nodes must be in order.
///
/// # Errors
/// [`Error::Value`] for lengths and constants of absurd size.
pub(super) fn of(graph: &GraphProto) -> Result<Constants<'_>> {
    within(graph, &Constants::new())
}

fn within<'a>(graph: &'a GraphProto, outside: &Constants<'a>) -> Result<Constants<'a>> {
    let mut known = outside.clone();
    for input in &graph.input {
        known.remove(&*input.name);
    }
    let own = graph.initializer.iter();
    known.extend(own.map(|tensor| (&*tensor.name, Constant::of(tensor))));
    for node in &graph.node {
        check_lengths(node)?;
        for body in view::bodies(node) {
            within(body, &known)?;
        }
        let inputs: Vec<Option<&Constant>> =
            node.input.iter().map(|name| known.get(&**name)).collect();
        check_numbers(node, &inputs)?;
        let elements = elements(node, &inputs);
        let held: f64 = inputs
            .iter()
            .flatten()
            .map(|constant| constant.elements)
            .sum();
        if let Some(elements) = elements.filter(|&elements| elements > held.max(ELEMENTS as f64)) {
            let what = format!("{}: elements of what it writes", view::words(node));
            let limit = format!("at most {ELEMENTS}");
            return Err(Error::value(what, format!("{elements:.0}"), limit));
        }
        if let (Some(constant), Some(output)) =
            (constant(node, &inputs, elements), node.output.first())
        {
            known.insert(output, constant);
        }
    }
    Ok(known)
}

fn check_lengths(node: &NodeProto) -> Result<()> {
    for attribute in node
        .attribute
        .iter()
        .filter(|attribute| LENGTHS.contains(&&*attribute.name))
    {
        let lengths = attribute.ints.iter().chain([&attribute.i]);
        if let Some(absurd) = lengths
            .into_iter()
            .find(|length| length.unsigned_abs() > LENGTH as u64)
        {
            let what = format!("{}: {}", view::words(node), attribute.name);
            return Err(Error::value(what, absurd, format!("at most {LENGTH}")));
        }
    }
    Ok(())
}

/// Fails for the largest and the smallest of no numbers, which tract takes for numbers, and for parts of a split that are not
/// one an output, or below 0.
fn check_numbers(node: &NodeProto, inputs: &[Option<&Constant>]) -> Result<()> {
    let first = inputs.first().copied().flatten();
    let is_empty = first.is_some_and(|constant| constant.elements == 0.0);
    if is_empty && matches!(&*node.op_type, "ReduceMax" | "ReduceMin") {
        let limit = "it must be of some";
        return Err(Error::unsupported(view::words(node), "no numbers", limit));
    }
    if node.op_type != "Split" {
        return Ok(());
    }
    let second = inputs.get(1).copied().flatten();
    let stored = || second.and_then(|constant| constant.numbers.clone());
    let parts = Some(ints(node, "split")).filter(|parts| !parts.is_empty());
    let Some(parts) = parts.or_else(stored) else {
        return Ok(());
    };
    let (got, outputs) = (parts.len(), node.output.len());
    if got != outputs {
        let what = format!("{}: number of parts", view::words(node));
        return Err(Error::value(what, got, format!("{outputs}, one an output")));
    }
    if let Some(part) = parts.iter().find(|part| **part < 0.0) {
        let what = format!("{}: a part", view::words(node));
        return Err(Error::value(what, part, "0 or more"));
    }
    Ok(())
}

/// At most so many elements in what `node` writes, where constants say it.
fn elements(node: &NodeProto, inputs: &[Option<&Constant>]) -> Option<f64> {
    let input = |slot: usize| inputs.get(slot).copied().flatten();
    let count = |slot: usize| input(slot).map(|constant| constant.elements);
    let numbers = |slot: usize| input(slot).and_then(|constant| constant.numbers.as_deref());
    let product = |numbers: &[f64]| numbers.iter().map(|x| x.abs().max(1.0)).product::<f64>();
    match &*node.op_type {
        "ConstantOfShape" | "BlackmanWindow" | "HannWindow" | "HammingWindow" => {
            numbers(0).map(product)
        }
        "Expand" => {
            let shape = numbers(1).map(product)?;
            Some(shape.max(count(0).unwrap_or(1.0)))
        }
        "Tile" | "OneHot" => Some(numbers(1).map(product)? * count(0).unwrap_or(1.0)),
        "MelWeightMatrix" => Some(product(numbers(0)?) * product(numbers(1)?)),
        "DFT" => Some(numbers(1).map(product)? * count(0).unwrap_or(1.0)),
        "Range" => {
            let (start, end, step) = (
                numbers(0)?.first()?,
                numbers(1)?.first()?,
                numbers(2)?.first()?,
            );
            Some(((end - start) / step).abs())
        }
        "Resize" => {
            let scales =
                [1, 2].map(|slot| numbers(slot).map_or(1.0, product) * count(0).unwrap_or(1.0));
            Some(
                scales[0]
                    .max(scales[1])
                    .max(numbers(3).map_or(1.0, product)),
            )
        }
        "Pad" => {
            let mut pads = ints(node, "pads");
            if pads.is_empty() {
                pads = numbers(1)?.to_vec();
            }
            let (before, after) = pads.split_at(pads.len() / 2);
            let dims = input(0).and_then(|constant| constant.dims.as_deref());
            let sides = before
                .iter()
                .zip(after)
                .enumerate()
                .map(|(axis, (before, after))| {
                    let length = dims
                        .and_then(|dims| dims.get(axis))
                        .map_or(1.0, |&length| length as f64);
                    length + before.max(0.0) + after.max(0.0)
                });
            Some(sides.product())
        }
        "RandomNormal" | "RandomUniform" => Some(product(&ints(node, "shape"))),
        "AveragePool" | "Conv" | "ConvTranspose" | "LpPool" | "MaxPool" => {
            let pads = ints(node, "pads");
            let (before, after) = pads.split_at(pads.len() / 2);
            let sides = before.iter().zip(after);
            let padded: f64 = sides
                .map(|(before, after)| 1.0 + before.max(0.0) + after.max(0.0))
                .product();
            let spread = match &*node.op_type {
                "ConvTranspose" => {
                    let kernel = count(1).unwrap_or(1.0);
                    let stretched = product(&ints(node, "strides")) * kernel;
                    stretched.max(product(&ints(node, "output_shape")))
                }
                _ => 1.0,
            };
            Some(padded * spread * count(0).unwrap_or(1.0))
        }
        "Gather" => {
            let dims = input(0)?.dims.as_deref()?;
            let axis = view::int(node, "axis").unwrap_or(0);
            let axis = if axis < 0 {
                axis + dims.len() as i64
            } else {
                axis
            };
            let length = usize::try_from(axis)
                .ok()
                .and_then(|axis| dims.get(axis))
                .copied()?;
            Some(count(0)? / length.max(1) as f64 * count(1)?)
        }
        "Concat" => inputs
            .iter()
            .map(|input| input.map(|constant| constant.elements))
            .sum(),
        "MatMul" | "Gemm" | "MatMulInteger" => {
            let last = |slot: usize| {
                input(slot).and_then(|constant| constant.dims.as_ref()?.iter().copied().min())
            };
            Some(count(0)? / last(0)?.max(1) as f64 * count(1)? / last(1)?.max(1) as f64)
        }
        "Einsum" => {
            let known: Option<Vec<&[usize]>> = inputs
                .iter()
                .map(|input| input.and_then(|constant| constant.dims.as_deref()))
                .collect();
            einsum(&view::text(node, "equation")?, &known?)
        }
        _ => {
            let known: Option<Vec<&[usize]>> = inputs
                .iter()
                .map(|input| input.and_then(|constant| constant.dims.as_deref()))
                .collect();
            let known = known.filter(|known| !known.is_empty())?;
            Some(
                broadcast(&known)
                    .iter()
                    .map(|&length| length as f64)
                    .product(),
            )
        }
    }
}

/// The integers `name` of `node`; none if it has no such attribute.
fn ints(node: &NodeProto, name: &str) -> Vec<f64> {
    let list = view::attribute(node, name).map_or(&[][..], |attribute| &attribute.ints);
    list.iter().map(|&x| x as f64).collect()
}

/// The elements of an Einsum without dots; of one with, nothing.
fn einsum(equation: &str, dims: &[&[usize]]) -> Option<f64> {
    let equation: String = equation.chars().filter(|c| !c.is_whitespace()).collect();
    let (inputs, output) = equation.split_once("->")?;
    let mut lengths = HashMap::new();
    for (labels, dims) in inputs.split(',').zip(dims) {
        lengths.extend(labels.chars().zip(dims.iter().map(|&length| length as f64)));
    }
    output.chars().map(|label| lengths.get(&label)).product()
}

/// The axes of values that broadcast; each is the largest of its lengths.
fn broadcast(dims: &[&[usize]]) -> Vec<usize> {
    let rank = dims.iter().map(|dims| dims.len()).max().unwrap_or(0);
    let length = |axis: usize| {
        let lengths = dims
            .iter()
            .filter_map(|dims| dims.len().checked_sub(rank - axis).map(|axis| dims[axis]));
        lengths.max().unwrap_or(1)
    };
    (0..rank).map(length).collect()
}

/// What is known of what `node` writes, if all that it reads is constant.
fn constant(
    node: &NodeProto,
    inputs: &[Option<&Constant>],
    elements: Option<f64>,
) -> Option<Constant> {
    if node.op_type == "Constant" {
        return stated(node);
    }
    let inputs: Vec<&Constant> = inputs.iter().copied().collect::<Option<_>>()?;
    let first = *inputs.first()?;
    let counted = |elements: f64| Constant {
        dims: None,
        elements,
        numbers: None,
    };
    Some(match &*node.op_type {
        "Identity" | "Cast" => first.clone(),
        "DequantizeLinear" | "QuantizeLinear" => Constant {
            numbers: None,
            ..first.clone()
        },
        "Squeeze" | "Unsqueeze" | "Reshape" | "Flatten" => Constant {
            dims: None,
            ..first.clone()
        },
        "Shape" => Constant::list(
            first
                .dims
                .as_ref()?
                .iter()
                .map(|&length| length as f64)
                .collect(),
        ),
        "Transpose" => {
            let dims = first.dims.as_deref();
            let turned = match view::attribute(node, "perm") {
                Some(perm) => dims.and_then(|dims| {
                    let axis = |&axis: &i64| dims.get(usize::try_from(axis).ok()?).copied();
                    perm.ints.iter().map(axis).collect()
                }),
                None => dims.map(|dims| dims.iter().rev().copied().collect()),
            };
            Constant {
                dims: turned,
                elements: first.elements,
                numbers: None,
            }
        }
        "Concat" => {
            let numbers: Option<Vec<&[f64]>> = inputs
                .iter()
                .map(|input| input.numbers.as_deref())
                .collect();
            match numbers
                .map(|numbers| numbers.concat())
                .filter(|numbers| numbers.len() <= KEPT)
            {
                Some(numbers) => Constant {
                    dims: None,
                    ..Constant::list(numbers)
                },
                None => counted(elements?),
            }
        }
        "Add" | "Sub" | "Mul" | "Div" if inputs.len() == 2 => {
            let dims: Option<Vec<&[usize]>> =
                inputs.iter().map(|input| input.dims.as_deref()).collect();
            Constant {
                dims: dims.map(|dims| broadcast(&dims)),
                elements: elements.unwrap_or(inputs[0].elements * inputs[1].elements),
                numbers: arithmetic(
                    &node.op_type,
                    inputs[0].numbers.as_deref(),
                    inputs[1].numbers.as_deref(),
                ),
            }
        }
        _ => counted(elements.unwrap_or_else(|| {
            inputs
                .iter()
                .map(|input| input.elements)
                .fold(1.0, f64::max)
        })),
    })
}

fn arithmetic(op: &str, a: Option<&[f64]>, b: Option<&[f64]>) -> Option<Vec<f64>> {
    let (a, b) = (a?, b?);
    if a.is_empty() || b.is_empty() || (a.len() != b.len() && a.len() != 1 && b.len() != 1) {
        return None;
    }
    let value = |index: usize| {
        let (a, b) = (a[index % a.len()], b[index % b.len()]);
        match op {
            "Add" => a + b,
            "Sub" => a - b,
            "Mul" => a * b,
            _ => a / b,
        }
    };
    Some((0..a.len().max(b.len())).map(value).collect())
}

/// The constant that a node `Constant` states.
fn stated(node: &NodeProto) -> Option<Constant> {
    let attribute = node.attribute.first()?;
    match &*attribute.name {
        "value" => attribute.t.as_ref().map(Constant::of),
        "value_int" => Some(Constant {
            dims: Some(Vec::new()),
            ..Constant::list(vec![attribute.i as f64])
        }),
        "value_float" => Some(Constant {
            dims: Some(Vec::new()),
            ..Constant::list(vec![attribute.f.into()])
        }),
        "value_ints" => Some(Constant::list(
            attribute.ints.iter().map(|&x| x as f64).collect(),
        )),
        "value_floats" => Some(Constant::list(
            attribute.floats.iter().map(|&x| x.into()).collect(),
        )),
        _ => None,
    }
}
