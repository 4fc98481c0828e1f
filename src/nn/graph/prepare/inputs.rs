//! Inputs get the shapes and elements that their file leaves open.

mod channels;

pub(super) use channels::channels;

use std::collections::{BTreeMap, HashSet};

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
use tract_onnx::pb::{
    GraphProto, ModelProto, NodeProto, TensorShapeProto, TypeProto, ValueInfoProto, type_proto,
};

use super::constants::{self, Constants};
use super::{BATCH, Choice, GivenShape, view};
use crate::error::{Error, Result};

/// Operators that give every element back in its place.
const ELEMENTWISE: [&str; 12] = [
    "Abs",
    "Cast",
    "Clip",
    "DequantizeLinear",
    "Dropout",
    "Identity",
    "Neg",
    "QuantizeLinear",
    "Relu",
    "Sigmoid",
    "Sqrt",
    "Tanh",
];

/// Operators of two values that broadcast.
const BROADCAST: [&str; 5] = ["Add", "Div", "Mul", "Pow", "Sub"];

/// The length of an axis.
#[derive(Debug, Clone, PartialEq)]
enum Length {
    Fixed(usize),
    /// The same wherever the name stands.
    Named(String),
    Open,
}

/// A length that a constant of the graph fixes.
struct Fixing {
    /// From the end if negative.
    axis: i64,
    length: usize,
    /// The number of axes, where the operator has only one.
    rank: Option<usize>,
    /// The node that has the constant.
    by: String,
}

/// Gives every input of `graph` a shape and the kind of its elements, in the order that `choice` asks for.
///
/// The first axis is [`BATCH`] where it is open. Other open axes are taken from `choice`, or from the first constant
/// that fixes them, or keep their name.
///
/// # Errors
/// [`Error::Value`] for names that are no inputs and for axes that nothing fixes, [`Error::Shape`] for shapes that
/// contradict the file.
pub(super) fn settle(
    graph: &mut GraphProto,
    choice: &Choice,
    notes: &mut Vec<String>,
) -> Result<()> {
    order(graph, choice)?;
    let names: Vec<String> = graph.input.iter().map(|input| input.name.clone()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for (index, given) in choice.shapes.iter().enumerate() {
        if !names.contains(&&*given.name) {
            return Err(Error::unknown("input", &given.name, &names));
        }
        if choice.shapes[..index]
            .iter()
            .any(|other| other.name == given.name)
        {
            return Err(Error::value("shapes of an input", &given.name, "one"));
        }
    }
    let declared: Vec<Option<Vec<Length>>> = graph.input.iter().map(lengths).collect();
    let batch = Batch::of(&declared);
    let constants = constants::of(graph)?;
    let mut settled = Vec::new();
    for (input, declared) in graph.input.iter().zip(declared) {
        let given = choice.shapes.iter().find(|given| given.name == input.name);
        let fixings = fixings(graph, &constants, &input.name);
        let shape = shape(&input.name, declared, given, &fixings, &batch, notes)?;
        settled.push((shape, element(input, notes)?));
    }
    for (input, (shape, element)) in graph.input.iter_mut().zip(settled) {
        input.r#type = Some(kind(&shape, element));
    }
    // What is declared of outputs follows from the graph; names of axes there are those of the file.
    for output in &mut graph.output {
        output.r#type = None;
    }
    Ok(())
}

/// Makes the first axis of the inputs of `model` that is open one sample; whether there is one.
pub(super) fn fix_batch(model: &mut ModelProto) -> bool {
    let mut is_open = false;
    let inputs = model.graph.iter_mut().flat_map(|graph| &mut graph.input);
    for input in inputs {
        let value = input.r#type.as_mut().and_then(|kind| kind.value.as_mut());
        let Some(type_proto::Value::TensorType(tensor)) = value else {
            continue;
        };
        let axes = tensor.shape.iter_mut().flat_map(|shape| &mut shape.dim);
        for axis in axes {
            if axis.value == Some(dimension::Value::DimParam(BATCH.to_owned())) {
                axis.value = Some(dimension::Value::DimValue(1));
                is_open = true;
            }
        }
    }
    is_open
}

/// Puts inputs into the order of `choice`.
fn order(graph: &mut GraphProto, choice: &Choice) -> Result<()> {
    if choice.inputs.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = graph.input.iter().map(|input| &*input.name).collect();
    for (index, name) in choice.inputs.iter().enumerate() {
        if !names.contains(&&**name) {
            return Err(Error::unknown("input", name, &names));
        }
        if choice.inputs[..index].contains(name) {
            return Err(Error::value("input", name, "named once"));
        }
    }
    let place = |input: &ValueInfoProto| choice.inputs.iter().position(|name| *name == input.name);
    if let Some(left) = graph.input.iter().find(|input| place(input).is_none()) {
        let limit = format!("all that the outputs need: `{}` too", left.name);
        return Err(Error::value("inputs", choice.inputs.join(", "), limit));
    }
    graph.input.sort_by_key(place);
    Ok(())
}

/// What the file says of the shape of `input`; nothing if not even the number of its axes.
fn lengths(input: &ValueInfoProto) -> Option<Vec<Length>> {
    let type_proto::Value::TensorType(tensor) = input.r#type.as_ref()?.value.as_ref()?;
    let length = |dimension: &Dimension| match &dimension.value {
        Some(dimension::Value::DimValue(length)) if *length > 0 => {
            usize::try_from(*length).map_or(Length::Open, Length::Fixed)
        }
        Some(dimension::Value::DimParam(name)) if is_name(name) => Length::Named(name.clone()),
        _ => Length::Open,
    };
    Some(tensor.shape.as_ref()?.dim.iter().map(length).collect())
}

/// Whether `text` names an axis; expressions of names do not.
fn is_name(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.chars().all(word) && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

/// The names that the file gives to the batch axis.
struct Batch {
    names: HashSet<String>,
}

impl Batch {
    /// The name of the first axis of the first input; and of the first axis of others, if it stands nowhere else.
    fn of(inputs: &[Option<Vec<Length>>]) -> Self {
        let axes = |first: bool| {
            let shapes = inputs.iter().flatten();
            shapes.flat_map(move |shape| {
                shape
                    .iter()
                    .skip(usize::from(!first))
                    .take(if first { 1 } else { usize::MAX })
            })
        };
        let name = |length: &Length| match length {
            Length::Named(name) => Some(name.clone()),
            _ => None,
        };
        let inner: HashSet<String> = axes(false).filter_map(name).collect();
        let mut firsts = axes(true).filter_map(name);
        let own = firsts.next();
        let others = firsts.filter(|name| !inner.contains(name));
        Self {
            names: own.into_iter().chain(others.collect::<Vec<_>>()).collect(),
        }
    }

    /// The symbol of an axis that the file calls `name`.
    fn symbol(&self, name: &str) -> String {
        if self.names.contains(name) {
            BATCH.to_owned()
        } else if name == BATCH {
            format!("{BATCH}_axis")
        } else {
            name.to_owned()
        }
    }
}

fn shape(
    name: &str,
    declared: Option<Vec<Length>>,
    given: Option<&GivenShape>,
    fixings: &[Fixing],
    batch: &Batch,
    notes: &mut Vec<String>,
) -> Result<Vec<Length>> {
    let what = format!("input `{name}`");
    let rank = fixings.iter().find_map(|fixing| fixing.rank);
    let mut assumed = None;
    let mut shape = match (declared, given) {
        (Some(shape), _) => shape,
        (None, Some(given)) => vec![Length::Open; given.axes.len()],
        // Samples of features, unless an operator says otherwise.
        (None, None) if !fixings.is_empty() => vec![Length::Open; rank.unwrap_or(2)],
        (None, None) => {
            let limit = format!(
                "given, since nothing in the graph fixes it: --shape {name}=N,… (lengths of its axes)"
            );
            return Err(Error::value(format!("{what}: shape"), "open", limit));
        }
    };
    if let Some(given) = given {
        let fits = |(axis, length): (&Length, &Option<usize>)| match (axis, length) {
            (Length::Fixed(fixed), Some(length)) => fixed == length,
            (_, Some(0)) => false,
            _ => true,
        };
        if given.axes.len() != shape.len() || !shape.iter().zip(&given.axes).all(fits) {
            return Err(Error::shape(
                format!("{what} as given"),
                Axes(
                    &given
                        .axes
                        .iter()
                        .map(|length| length.map_or(Length::Open, Length::Fixed))
                        .collect::<Vec<_>>(),
                ),
                format!(
                    "{:?} in its file, and without axes of length 0",
                    Axes(&shape)
                ),
            ));
        }
        for (axis, length) in shape.iter_mut().zip(&given.axes) {
            if let Some(length) = length {
                *axis = Length::Fixed(*length);
            }
        }
    }
    let rank = shape.len() as i64;
    for fixing in fixings {
        let axis = if fixing.axis < 0 {
            fixing.axis + rank
        } else {
            fixing.axis
        };
        let place = usize::try_from(axis).ok().filter(|&axis| axis > 0);
        let axis = place.and_then(|axis| shape.get_mut(axis));
        if let Some(axis) = axis.filter(|axis| !matches!(axis, Length::Fixed(_))) {
            *axis = Length::Fixed(fixing.length);
            assumed.get_or_insert(&*fixing.by);
        }
    }
    for (index, axis) in shape.iter_mut().enumerate() {
        match axis {
            Length::Open if index == 0 => *axis = Length::Named(BATCH.to_owned()),
            Length::Named(name) => *name = batch.symbol(name),
            _ => {}
        }
    }
    if shape.contains(&Length::Open) {
        let lengths: Vec<String> = shape
            .iter()
            .map(|length| Axes::word(length).replace('?', "…"))
            .collect();
        let limit = format!(
            "given, since nothing in the graph fixes it: --shape {name}={}",
            lengths.join(",")
        );
        return Err(Error::value(
            format!("{what}: shape"),
            format!("{:?}", Axes(&shape)),
            limit,
        ));
    }
    let fixed = shape.iter().map(|length| match length {
        Length::Fixed(length) => *length,
        _ => 1,
    });
    let volume = fixed.into_iter().try_fold(1usize, usize::checked_mul);
    if volume.is_none_or(|volume| volume > constants::ELEMENTS) {
        return Err(Error::shape(
            what,
            Axes(&shape),
            format!("one of at most {} elements", constants::ELEMENTS),
        ));
    }
    if let Some(by) = assumed {
        notes.push(format!(
            "the input `{name}` is taken as {:?}, which a constant of {by} fixes",
            Axes(&shape)
        ));
    }
    Ok(shape)
}

/// A shape as sentences write it.
struct Axes<'a>(&'a [Length]);

impl Axes<'_> {
    fn word(length: &Length) -> String {
        match length {
            Length::Fixed(length) => length.to_string(),
            Length::Named(name) => name.clone(),
            Length::Open => "?".to_owned(),
        }
    }
}

impl std::fmt::Debug for Axes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words: Vec<String> = self.0.iter().map(Self::word).collect();
        write!(f, "[{}]", words.join(", "))
    }
}

/// Lengths of `input` that constants fix, in the order of the nodes.
fn fixings(graph: &GraphProto, constants: &Constants, input: &str) -> Vec<Fixing> {
    let mut same: HashSet<&str> = [input].into();
    let mut found: BTreeMap<i64, Fixing> = BTreeMap::new();
    let mut order = Vec::new();
    for node in &graph.node {
        let Some(slot) = node.input.iter().position(|name| same.contains(&**name)) else {
            continue;
        };
        if let Some(fixing) = fixing(node, slot, constants)
            && !found.contains_key(&fixing.axis)
        {
            order.push(fixing.axis);
            found.insert(fixing.axis, fixing);
        }
        let other = node
            .input
            .get(1 - slot.min(1))
            .and_then(|name| constants.get(&**name));
        let passes = match &*node.op_type {
            op if BROADCAST.contains(&op) => other
                .is_some_and(|constant| constant.dims.as_ref().is_some_and(|dims| dims.len() <= 2)),
            op => slot == 0 && ELEMENTWISE.contains(&op),
        };
        if passes {
            same.extend(node.output.first().map(String::as_str));
        }
    }
    order.iter().filter_map(|axis| found.remove(axis)).collect()
}

/// The length that a constant of `node` fixes for what it reads at `slot`.
fn fixing(node: &NodeProto, slot: usize, constants: &Constants) -> Option<Fixing> {
    let shape = |slot: usize| constants.get(&**node.input.get(slot)?)?.dims.as_deref();
    let fixing = |axis: i64, length: usize, rank: Option<usize>| {
        let by = view::words(node);
        let fixing = Fixing {
            axis,
            length,
            rank,
            by,
        };
        Some(fixing).filter(|fixing| fixing.length > 0)
    };
    match (&*node.op_type, slot) {
        ("Gemm", 0) if view::int(node, "transA").unwrap_or(0) == 0 => {
            let transposed = view::int(node, "transB").unwrap_or(0) != 0;
            fixing(-1, *shape(1)?.get(usize::from(transposed))?, Some(2))
        }
        ("MatMul", 0) => {
            let weight = shape(1)?;
            let rows = if weight.len() == 1 {
                weight.last()
            } else {
                weight.get(weight.len().checked_sub(2)?)
            };
            fixing(-1, *rows?, None)
        }
        ("MatMul", 1) => fixing(-2, *shape(0)?.last()?, None),
        ("Conv", 0) => {
            let kernel = shape(1)?;
            let groups = usize::try_from(view::int(node, "group").unwrap_or(1)).ok()?;
            fixing(1, kernel.get(1)?.checked_mul(groups)?, Some(kernel.len()))
        }
        ("ConvTranspose", 0) => {
            let kernel = shape(1)?;
            fixing(1, *kernel.first()?, Some(kernel.len()))
        }
        ("BatchNormalization", 0) => fixing(1, *shape(1)?.first()?, None),
        (op, 0 | 1) if BROADCAST.contains(&op) => {
            let length = *shape(1 - slot)?.last()?;
            fixing(-1, length, None).filter(|fixing| fixing.length > 1)
        }
        _ => None,
    }
}

/// What the elements of `input` are: floating-point numbers where the file does not say.
fn element(input: &ValueInfoProto, notes: &mut Vec<String>) -> Result<DataType> {
    let value = input.r#type.as_ref().and_then(|kind| kind.value.as_ref());
    let stated = match value {
        Some(type_proto::Value::TensorType(tensor)) => tensor.elem_type,
        None => DataType::Undefined.into(),
    };
    let what = format!("input `{}`", input.name);
    let limit = "must be floating-point numbers, integers or booleans";
    match DataType::try_from(stated) {
        Ok(DataType::Undefined) => {
            notes.push(format!(
                "the {what} is taken as float32, which its file does not say"
            ));
            Ok(DataType::Float)
        }
        Ok(
            known @ (DataType::Float
            | DataType::Double
            | DataType::Float16
            | DataType::Bool
            | DataType::Uint8
            | DataType::Uint16
            | DataType::Uint32
            | DataType::Uint64
            | DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64),
        ) => Ok(known),
        Ok(other) => Err(Error::unsupported(
            what,
            other.as_str_name().to_lowercase(),
            limit,
        )),
        Err(_) => Err(Error::unsupported(
            what,
            format!("ONNX data type {stated}"),
            limit,
        )),
    }
}

fn kind(shape: &[Length], element: DataType) -> TypeProto {
    let dimension = |length: &Length| {
        let value = match length {
            Length::Fixed(length) => dimension::Value::DimValue(*length as i64),
            Length::Named(name) => dimension::Value::DimParam(name.clone()),
            Length::Open => dimension::Value::DimParam("?".to_owned()),
        };
        Dimension {
            value: Some(value),
            ..Default::default()
        }
    };
    let shape = TensorShapeProto {
        dim: shape.iter().map(dimension).collect(),
    };
    TypeProto {
        value: Some(type_proto::Value::TensorType(type_proto::Tensor {
            elem_type: element.into(),
            shape: Some(shape),
        })),
        ..Default::default()
    }
}
