//! Activations in a graph: an operator, or the few nodes on one value that exporters write for it.

use std::collections::BTreeMap;

use super::{Attributes, label};
use crate::error::{Context, Error, Result};
use crate::io::onnx::{Attribute, Graph, Node};
use crate::io::{Tensor, TensorData, Tensors};
use crate::nn::Activation;

/// Operators on one value after another that activations are made of, beside those that are one.
const PARTS: [&str; 22] = [
    "Abs",
    "Add",
    "Clip",
    "Cos",
    "Div",
    "Equal",
    "Erf",
    "Exp",
    "Greater",
    "GreaterOrEqual",
    "Less",
    "LessOrEqual",
    "Log",
    "Max",
    "Min",
    "Mul",
    "Neg",
    "Pow",
    "Sin",
    "Sqrt",
    "Sub",
    "Where",
];

/// The most nodes that an activation is looked for in, and the longest text of its expression.
const MOST_NODES: usize = 12;
const LONGEST: usize = 400;

/// An activation of a value in a graph.
pub(super) struct Found {
    pub(super) activation: Activation,
    /// Its nodes.
    pub(super) nodes: Vec<usize>,
    /// The value that it makes.
    pub(super) output: String,
}

/// Every operator that is an activation by itself.
pub(super) fn operators() -> Vec<&'static str> {
    let forms = Activation::kinds().iter().flat_map(|kind| kind.onnx);
    let mut operators: Vec<&str> = forms.copied().filter(|form| !form.contains('(')).collect();
    operators.sort_unstable();
    operators
}

/// The activation that the nodes behind `value` make of it: of those that fit, the one of most nodes. Nothing where no
/// node there begins one.
///
/// # Errors
/// [`Error::Unsupported`] for a branch of the path that closes to an expression that is no known activation, by the
/// expression; whatever is wrong with the attributes of an operator.
pub(super) fn find(
    graph: &Graph,
    readers: &BTreeMap<&str, Vec<usize>>,
    constants: &Tensors,
    value: &str,
) -> Result<Option<Found>> {
    let output = graph.outputs.first().map_or("", |output| &output.name);
    let mut region = Region {
        graph,
        readers,
        constants,
        texts: BTreeMap::from([(value, "x".to_owned())]),
        nodes: Vec::new(),
    };
    let mut found = None;
    let mut unknown = None;
    while let Some(node) = region.grow() {
        // Before the last node that the others lead to, there is more than one open value.
        let Some(closed) = region
            .only_open(output)
            .filter(|open| node.outputs[0] == **open)
        else {
            continue;
        };
        let text = &region.texts[closed];
        let single = (region.nodes.len() == 1).then_some(node);
        match activation(text, single, constants).within(label(node))? {
            Some(activation) => {
                found = Some(Found {
                    activation,
                    nodes: region.nodes.clone(),
                    output: closed.to_owned(),
                });
            }
            None => unknown = unknown.or_else(|| Some((label(node), text.clone()))),
        }
    }
    let branches = readers.get(value).is_some_and(|readers| readers.len() > 1);
    match (found, unknown) {
        (None, Some((last, text))) if branches => {
            let names = Activation::names(false).join(", ");
            let limit = format!("no activation is known as this function of x: must be {names}");
            Err(Error::unsupported("activation", text, limit).within(last))
        }
        (found, _) => Ok(found),
    }
}

/// Nodes that make expressions of one value, and of constants.
struct Region<'a> {
    graph: &'a Graph,
    readers: &'a BTreeMap<&'a str, Vec<usize>>,
    constants: &'a Tensors,
    /// What each value is of the first one, as text.
    texts: BTreeMap<&'a str, String>,
    nodes: Vec<usize>,
}

impl<'a> Region<'a> {
    /// Takes in one more node and returns it; nothing where none fits.
    fn grow(&mut self) -> Option<&'a Node> {
        if self.nodes.len() == MOST_NODES {
            return None;
        }
        let behind = self
            .texts
            .keys()
            .filter_map(|value| self.readers.get(value));
        let mut behind: Vec<usize> = behind.flatten().copied().collect();
        behind.sort_unstable();
        let mut behind = behind
            .into_iter()
            .filter(|index| !self.nodes.contains(index));
        let (index, node, text) = behind.find_map(|index| {
            let node = &self.graph.nodes[index];
            let text = self.text(node)?;
            (text.len() <= LONGEST).then_some((index, node, text))
        })?;
        self.nodes.push(index);
        self.texts.insert(node.outputs.first()?, text);
        Some(node)
    }

    /// The one value that nodes outside read, or that is the `output` of the graph; nothing where there are several.
    fn only_open(&self, output: &str) -> Option<&'a str> {
        let mut open = self.texts.keys().copied().filter(|value| {
            let readers = self.readers.get(value).map_or(&[][..], Vec::as_slice);
            *value == output || readers.iter().any(|reader| !self.nodes.contains(reader))
        });
        let first = open.next()?;
        open.next().is_none().then_some(first)
    }

    /// What `node` computes, as text: operands that may be swapped in order, attributes where they are not the default.
    /// Nothing where it is no part of an activation, or an operand is not known.
    fn text(&self, node: &Node) -> Option<String> {
        let op = &*node.op;
        let is_part = PARTS.contains(&op) || operators().contains(&op);
        let (first, rest) = node.outputs.split_first()?;
        let is_used = |name: &String| self.readers.contains_key(name.as_str());
        let is_standard = matches!(&*node.domain, "" | "ai.onnx");
        if !is_part || !is_standard || rest.iter().any(is_used) || self.texts.contains_key(&**first)
        {
            return None;
        }
        let mut operands = Vec::new();
        for name in &node.inputs {
            operands.push(match (self.texts.get(&**name), self.constants.get(name)) {
                (Some(text), _) => text.clone(),
                (None, Some(constant)) => match scalar(constant) {
                    Some(number) => number_text(number),
                    None => format!("c{:?}", constant.shape()),
                },
                (None, None) if name.is_empty() => "nothing".to_owned(),
                (None, None) => return None,
            });
        }
        let mut attributes: Vec<String> = Vec::new();
        if op == "Clip" {
            let Ok((min, max)) = bounds(node, self.constants) else {
                return Some(format!("{op}({})", operands.join(", ")));
            };
            operands.truncate(1);
            operands.extend([min, max].map(number_text));
        } else {
            let stated = node.attributes.iter();
            attributes.extend(stated.filter_map(|(name, value)| changed(op, name, value)));
        }
        if matches!(op, "Add" | "Max" | "Min" | "Mul") {
            operands.sort_unstable();
        }
        let attributes = match &attributes[..] {
            [] => String::new(),
            some => format!("[{}]", some.join(",")),
        };
        Some(format!("{op}{attributes}({})", operands.join(", ")))
    }
}

/// A number in single precision, as exporters write all of them, in the fewest digits.
fn number_text(number: f64) -> String {
    (number as f32).to_string()
}

/// The attribute `name` of `op`, unless it says what is so without it.
fn changed(op: &str, name: &str, value: &Attribute) -> Option<String> {
    let default =
        parameters(op).find_map(|(attribute, default)| (attribute == name).then_some(default));
    match value {
        Attribute::Float(x) if default.is_some_and(|default| *x as f32 == default as f32) => None,
        Attribute::Float(x) => Some(format!("{name}={}", number_text(*x))),
        Attribute::Int(n) if name == "axis" && matches!(n, 1 | -1) => None,
        Attribute::Int(n) => Some(format!("{name}={n}")),
        Attribute::Text(text) if (name, &**text) == ("approximate", "none") => None,
        Attribute::Text(text) => Some(format!("{name}={text}")),
        _ => Some(format!("{name}=…")),
    }
}

/// The attributes with numbers that change the function of `op`, and their defaults.
fn parameters(op: &str) -> impl Iterator<Item = (&'static str, f64)> + use<> {
    let kind = Activation::kinds()
        .iter()
        .find(|kind| kind.onnx.contains(&op));
    let own = kind.map_or(&[][..], |kind| kind.parameters).iter();
    own.filter_map(|parameter| parameter.onnx)
        .chain(constants_of(op).iter().copied())
}

/// Attributes that must be what they are by default: lightloom has no parameter for them.
fn constants_of(op: &str) -> &'static [(&'static str, f64)] {
    match op {
        "Selu" => &[
            ("alpha", 1.673_263_192_176_818_8),
            ("gamma", 1.050_701_022_148_132_3),
        ],
        "Swish" => &[("alpha", 1.0)],
        _ => &[],
    }
}

/// The activation whose form is `text`, or which `node` is; nothing where there is none.
fn activation(text: &str, node: Option<&Node>, constants: &Tensors) -> Result<Option<Activation>> {
    let kinds = Activation::kinds();
    if let Some(kind) = kinds.iter().find(|kind| kind.onnx.contains(&text)) {
        let mut values = kind
            .parameters
            .iter()
            .filter_map(|parameter| parameter.default);
        return Ok(Some((kind.build)(&mut values)));
    }
    let Some(node) = node else { return Ok(None) };
    let Some(kind) = kinds.iter().find(|kind| kind.onnx.contains(&&*node.op)) else {
        return Ok(None);
    };
    let attributes = Attributes(node);
    for &(name, only) in constants_of(&node.op) {
        let got = attributes.float(name, only)?;
        if got as f32 != only as f32 {
            return Err(Error::value(name, got, format!("{only}, or left out")));
        }
    }
    let values = match &*node.op {
        "Clip" => {
            let (min, max) = bounds(node, constants)?;
            vec![min, max]
        }
        "PRelu" => vec![slope(node, constants)?],
        "Softmax" | "LogSoftmax" => match attributes.int("axis", -1)? {
            1 | -1 => Vec::new(),
            axis => return Err(Error::value("axis", axis, "1 or -1, the features")),
        },
        "Gelu" => match attributes.text("approximate", "none")? {
            "none" => Vec::new(),
            other => return Err(Error::value("approximate", other, "none or tanh")),
        },
        _ => {
            let stated = kind
                .parameters
                .iter()
                .filter_map(|parameter| parameter.onnx);
            stated
                .map(|(name, default)| attributes.float(name, default))
                .collect::<Result<_>>()?
        }
    };
    let activation = (kind.build)(&mut values.into_iter());
    activation.check()?;
    Ok(Some(activation))
}

/// The bounds of a `Clip`: attributes up to version 10 of the operators, operands since; infinite where left out.
fn bounds(node: &Node, constants: &Tensors) -> Result<(f64, f64)> {
    let attributes = Attributes(node);
    let bound = |place: usize, name: &str, none: f64| {
        let stated = match node.inputs.get(place).filter(|name| !name.is_empty()) {
            Some(input) => constants.get(input).and_then(scalar).ok_or_else(|| {
                Error::unsupported(name, format!("a tensor `{input}`"), "must be one number")
            })?,
            None => attributes.float(name, none)?,
        };
        // The largest number of single precision is how exporters write that there is none.
        let is_none = stated.abs() >= f64::from(f32::MAX);
        Ok(if is_none {
            f64::INFINITY.copysign(stated)
        } else {
            stated
        })
    };
    Ok((
        bound(1, "min", f64::NEG_INFINITY)?,
        bound(2, "max", f64::INFINITY)?,
    ))
}

/// The slope of a `PRelu`: one number, alone or for every feature.
fn slope(node: &Node, constants: &Tensors) -> Result<f64> {
    let name = node.inputs.get(1).map_or("", String::as_str);
    let limit = "must be one number, or the same for every feature";
    let Some(TensorData::Real(data)) = constants.get(name).map(Tensor::data) else {
        return Err(Error::unsupported("slope", "a computed value", limit));
    };
    match data.first() {
        Some(first) if data.iter().all(|other| other == first) => Ok(*first),
        _ => Err(Error::unsupported(
            "slope",
            format!("{} numbers", data.len()),
            limit,
        )),
    }
}

/// The number in a tensor of one.
fn scalar(tensor: &Tensor) -> Option<f64> {
    match (tensor.shape(), tensor.data()) {
        ([] | [1] | [1, 1], TensorData::Real(data)) => data.first().copied(),
        _ => None,
    }
}
