//! Small ONNX files.

use prost::Message;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorShapeProto,
    TypeProto, ValueInfoProto, type_proto,
};

pub(super) use super::super::view::{float_tensor, int_tensor, node, with_int, with_ints};

/// An input or output of single precision; an axis of length 0 is open.
pub(super) fn port(name: &str, dims: &[i64]) -> ValueInfoProto {
    let dimension = |&length: &i64| Dimension {
        value: (length != 0).then_some(dimension::Value::DimValue(length)),
        ..Default::default()
    };
    let shape = TensorShapeProto {
        dim: dims.iter().map(dimension).collect(),
    };
    let tensor = type_proto::Tensor {
        elem_type: DataType::Float.into(),
        shape: Some(shape),
    };
    ValueInfoProto {
        name: name.to_owned(),
        r#type: Some(TypeProto {
            value: Some(type_proto::Value::TensorType(tensor)),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// An input or output of which nothing is said but its name.
pub(super) fn open(name: &str) -> ValueInfoProto {
    ValueInfoProto {
        name: name.to_owned(),
        ..Default::default()
    }
}

pub(super) fn imports(domain: &str, version: i64) -> OperatorSetIdProto {
    OperatorSetIdProto {
        domain: domain.to_owned(),
        version,
    }
}

/// A model of operator set 18 that reads `x [N, 2]` and writes `y`.
pub(super) fn model(node: Vec<NodeProto>) -> ModelProto {
    let graph = GraphProto {
        node,
        input: vec![port("x", &[0, 2])],
        output: vec![open("y")],
        ..Default::default()
    };
    ModelProto {
        ir_version: 8,
        opset_import: vec![imports("", 18), imports("ai.onnx.ml", 1)],
        graph: Some(graph),
        ..Default::default()
    }
}

pub(super) fn graph(model: &mut ModelProto) -> &mut GraphProto {
    model.graph.as_mut().unwrap()
}

/// y = x Wᵀ with W `[3, 2]`, then relu.
pub(super) fn dense() -> ModelProto {
    let gemm = with_int(node("product", "Gemm", &["x", "w"], "h"), "transB", 1);
    let mut dense = model(vec![gemm, node("bend", "Relu", &["h"], "y")]);
    let weight = float_tensor("w", &[3, 2], &[1.0, -1.0, 0.5, 2.0, 0.0, 1.0]);
    graph(&mut dense).initializer.push(weight);
    dense
}

pub(super) fn with_text(mut node: NodeProto, name: &str, text: &str) -> NodeProto {
    node.attribute.push(AttributeProto {
        name: name.to_owned(),
        r#type: AttributeType::String.into(),
        s: text.as_bytes().to_vec(),
        ..Default::default()
    });
    node
}

pub(super) fn with_floats(mut node: NodeProto, name: &str, floats: &[f32]) -> NodeProto {
    node.attribute.push(AttributeProto {
        name: name.to_owned(),
        r#type: AttributeType::Floats.into(),
        floats: floats.to_vec(),
        ..Default::default()
    });
    node
}

pub(super) fn with_graph(mut node: NodeProto, name: &str, graph: GraphProto) -> NodeProto {
    node.attribute.push(AttributeProto {
        name: name.to_owned(),
        r#type: AttributeType::Graph.into(),
        g: Some(graph),
        ..Default::default()
    });
    node
}

/// The node of domain `domain`.
pub(super) fn of(domain: &str, mut node: NodeProto) -> NodeProto {
    node.domain = domain.to_owned();
    node
}

pub(super) fn bytes(model: &ModelProto) -> Vec<u8> {
    model.encode_to_vec()
}
