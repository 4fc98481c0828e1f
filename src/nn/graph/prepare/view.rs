//! What the passes read from nodes of the protobuf, and the nodes and tensors that they write.

use std::collections::BTreeSet;

use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{AttributeProto, GraphProto, NodeProto, TensorProto};

/// How sentences call `node`: by its name, or by what it writes, and by its operator.
pub(super) fn words(node: &NodeProto) -> String {
    let operator = match &*node.domain {
        "" | "ai.onnx" => node.op_type.clone(),
        domain => format!("{domain}.{}", node.op_type),
    };
    match (&*node.name, node.output.first()) {
        ("", Some(output)) => format!("node of `{output}` ({operator})"),
        (name, _) => format!("node `{name}` ({operator})"),
    }
}

/// The attribute `name` of `node`.
pub(super) fn attribute<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    node.attribute
        .iter()
        .find(|attribute| attribute.name == name)
}

/// The integer `name` of `node`.
pub(super) fn int(node: &NodeProto, name: &str) -> Option<i64> {
    attribute(node, name).map(|attribute| attribute.i)
}

/// The numbers `name` of `node`; none if it has no such attribute.
pub(super) fn floats<'a>(node: &'a NodeProto, name: &str) -> &'a [f32] {
    attribute(node, name).map_or(&[], |attribute| &attribute.floats)
}

/// The text `name` of `node`.
pub(super) fn text(node: &NodeProto, name: &str) -> Option<String> {
    let attribute = attribute(node, name)?;
    Some(String::from_utf8_lossy(&attribute.s).into_owned())
}

/// The integer, number, text or texts `name` of `node`, in words.
pub(super) fn value(node: &NodeProto, name: &str) -> Option<String> {
    let attribute = attribute(node, name)?;
    match AttributeType::try_from(attribute.r#type) {
        Ok(AttributeType::Float) => Some(attribute.f.to_string()),
        Ok(AttributeType::String) => text(node, name),
        Ok(AttributeType::Strings) => {
            let texts = attribute.strings.iter();
            let texts: Vec<_> = texts.map(|text| String::from_utf8_lossy(text)).collect();
            Some(texts.join(" "))
        }
        _ => Some(attribute.i.to_string()),
    }
}

/// Names that `node` reads; those of inputs that are left out are empty and skipped.
pub(super) fn reads(node: &NodeProto) -> impl Iterator<Item = &str> {
    let names = node.input.iter().map(String::as_str);
    names.filter(|name| !name.is_empty())
}

/// Names that `node` writes; those of outputs that are left out are empty and skipped.
pub(super) fn writes(node: &NodeProto) -> impl Iterator<Item = &str> {
    let names = node.output.iter().map(String::as_str);
    names.filter(|name| !name.is_empty())
}

/// The graphs in the attributes of `node`: branches and bodies.
pub(super) fn bodies(node: &NodeProto) -> impl Iterator<Item = &GraphProto> {
    let attributes = node.attribute.iter();
    attributes.flat_map(|attribute| attribute.g.iter().chain(&attribute.graphs))
}

/// As [`bodies`], to change them.
pub(super) fn bodies_mut(node: &mut NodeProto) -> impl Iterator<Item = &mut GraphProto> {
    let attributes = node.attribute.iter_mut();
    attributes.flat_map(|attribute| attribute.g.iter_mut().chain(&mut attribute.graphs))
}

/// Names that `graph` defines: inputs, constants, and what its nodes write.
pub(super) fn defined(graph: &GraphProto) -> BTreeSet<&str> {
    let inputs = graph.input.iter().map(|input| &*input.name);
    let constants = graph.initializer.iter().map(|tensor| &*tensor.name);
    let written = graph.node.iter().flat_map(writes);
    inputs.chain(constants).chain(written).collect()
}

/// Names that the bodies of `node` take from the graphs around them.
pub(super) fn captured(node: &NodeProto) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    for body in bodies(node) {
        let own = defined(body);
        let read = body.node.iter().flat_map(reads);
        let outputs = body.output.iter().map(|output| &*output.name);
        let inner = body.node.iter().flat_map(captured);
        let outside = read.chain(outputs).chain(inner);
        names.extend(outside.filter(|name| !own.contains(name)));
    }
    names
}

/// A node of the standard domain.
pub(super) fn node(name: &str, op: &str, inputs: &[&str], output: &str) -> NodeProto {
    NodeProto {
        name: name.to_owned(),
        op_type: op.to_owned(),
        input: inputs.iter().map(|&name| name.to_owned()).collect(),
        output: vec![output.to_owned()],
        ..Default::default()
    }
}

/// An attribute that is an integer.
pub(super) fn with_int(mut node: NodeProto, name: &str, i: i64) -> NodeProto {
    node.attribute.push(AttributeProto {
        name: name.to_owned(),
        r#type: AttributeType::Int.into(),
        i,
        ..Default::default()
    });
    node
}

/// An attribute that is a list of integers.
pub(super) fn with_ints(mut node: NodeProto, name: &str, ints: &[i64]) -> NodeProto {
    node.attribute.push(AttributeProto {
        name: name.to_owned(),
        r#type: AttributeType::Ints.into(),
        ints: ints.to_owned(),
        ..Default::default()
    });
    node
}

/// A tensor of single precision.
pub(super) fn float_tensor(name: &str, dims: &[usize], data: &[f32]) -> TensorProto {
    TensorProto {
        name: name.to_owned(),
        dims: dims.iter().map(|&length| length as i64).collect(),
        data_type: DataType::Float.into(),
        raw_data: data.iter().flat_map(|x| x.to_le_bytes()).collect(),
        ..Default::default()
    }
}

/// A list of integers.
pub(super) fn int_tensor(name: &str, data: &[i64]) -> TensorProto {
    TensorProto {
        name: name.to_owned(),
        dims: vec![data.len() as i64],
        data_type: DataType::Int64.into(),
        raw_data: data.iter().flat_map(|x| x.to_le_bytes()).collect(),
        ..Default::default()
    }
}
