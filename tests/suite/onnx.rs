//! Small ONNX files, written by hand.

use ndarray::{ArrayView, Dimension};
use prost::Message;
use tract_onnx::pb;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_shape_proto::{self, dimension};
use tract_onnx::pb::type_proto;

/// ONNX's number of single precision.
pub const FLOAT: i32 = 1;
/// ONNX's number of the type of indices.
pub const INT64: i32 = 7;

/// A tensor called `name`.
pub fn tensor(name: &str, kind: i32, dims: &[usize], raw: Vec<u8>) -> pb::TensorProto {
    pb::TensorProto {
        name: name.to_owned(),
        data_type: kind,
        dims: dims.iter().map(|length| *length as i64).collect(),
        raw_data: raw,
        ..Default::default()
    }
}

/// A tensor of single precision.
pub fn floats<D: Dimension>(name: &str, array: ArrayView<'_, f32, D>) -> pb::TensorProto {
    let raw = array.iter().flat_map(|x| x.to_le_bytes()).collect();
    tensor(name, FLOAT, array.shape(), raw)
}

/// A node that is called as its output is.
pub fn node(operator: &str, inputs: &[&str], output: &str) -> pb::NodeProto {
    pb::NodeProto {
        name: output.to_owned(),
        op_type: operator.to_owned(),
        input: inputs.iter().map(|&name| name.to_owned()).collect(),
        output: vec![output.to_owned()],
        ..Default::default()
    }
}

/// The node with an attribute that is an integer.
pub fn with_int(mut node: pb::NodeProto, name: &str, i: i64) -> pb::NodeProto {
    node.attribute.push(pb::AttributeProto {
        name: name.to_owned(),
        r#type: AttributeType::Int.into(),
        i,
        ..Default::default()
    });
    node
}

/// The node with an attribute that is a list of integers.
pub fn with_ints(mut node: pb::NodeProto, name: &str, ints: &[i64]) -> pb::NodeProto {
    node.attribute.push(pb::AttributeProto {
        name: name.to_owned(),
        r#type: AttributeType::Ints.into(),
        ints: ints.to_owned(),
        ..Default::default()
    });
    node
}

/// An input or output called `name`; a word is an open axis.
pub fn port(name: &str, kind: i32, axes: &[&str]) -> pb::ValueInfoProto {
    let dim = axes.iter().map(|axis| tensor_shape_proto::Dimension {
        denotation: String::new(),
        value: Some(match axis.parse() {
            Ok(length) => dimension::Value::DimValue(length),
            Err(_) => dimension::Value::DimParam((*axis).to_owned()),
        }),
    });
    let shape = pb::TensorShapeProto { dim: dim.collect() };
    let tensor = type_proto::Tensor {
        elem_type: kind,
        shape: Some(shape),
    };
    pb::ValueInfoProto {
        name: name.to_owned(),
        r#type: Some(pb::TypeProto {
            value: Some(type_proto::Value::TensorType(tensor)),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// The file of a graph.
pub fn onnx(graph: pb::GraphProto) -> Vec<u8> {
    let model = pb::ModelProto {
        ir_version: 8,
        opset_import: vec![pb::OperatorSetIdProto {
            domain: String::new(),
            version: 17,
        }],
        graph: Some(graph),
        ..Default::default()
    };
    model.encode_to_vec()
}
