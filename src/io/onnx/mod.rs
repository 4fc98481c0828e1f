//! Graphs of ONNX files: nodes, constants, inputs and outputs, without any meaning yet.

mod proto;

use std::collections::BTreeMap;
use std::path::Path;

use prost::Message;

use super::tensor::SUPPORTED;
use super::{Dtype, Source, Tensor, Tensors, check_name};
use crate::error::{Context, Error, Result};
use crate::io::content::{ONNX, refused};
use proto::{AttributeProto, ModelProto, NodeProto, TensorProto, ValueInfoProto};

/// The main graph of an ONNX file.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    /// Nodes in the order of the file.
    pub nodes: Vec<Node>,
    /// Initializers by name.
    pub constants: Tensors,
    /// Inputs that are not initializers.
    pub inputs: Vec<Value>,
    /// Outputs.
    pub outputs: Vec<Value>,
}

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Its name; may be empty.
    pub name: String,
    /// Its operator, for example `Gemm`.
    pub op: String,
    /// The domain of its operator; empty or `ai.onnx` for the standard ones.
    pub domain: String,
    /// Names of the values that it reads; an empty name is an input left out.
    pub inputs: Vec<String>,
    /// Names of the values that it writes.
    pub outputs: Vec<String>,
    /// Its attributes by name.
    pub attributes: BTreeMap<String, Attribute>,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Attribute {
    /// A number.
    Float(f64),
    /// An integer.
    Int(i64),
    /// A text.
    Text(String),
    /// A tensor.
    Tensor(Tensor),
    /// Numbers.
    Floats(Vec<f64>),
    /// Integers.
    Ints(Vec<i64>),
    /// Anything else: graphs, sparse tensors, lists of texts.
    Other,
}

/// A named input or output.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// Its name.
    pub name: String,
    /// Lengths of its axes where the file states them; `None` for a named or unknown length.
    pub shape: Option<Vec<Option<usize>>>,
}

/// Reads the graph of the ONNX file at `path`.
///
/// # Errors
/// [`Error::Io`] if it cannot be read, [`Error::Format`] or [`Error::Shape`] if it is malformed,
/// [`Error::Unsupported`] for tensors in other files, sparse tensors and element types that have no exact
/// `f64`. They name the file and the tensor.
pub fn read(path: impl AsRef<Path>) -> Result<Graph> {
    Source::open(path)?.parse(parse)
}

/// Reads the graph of an ONNX file from its bytes.
///
/// # Errors
/// As [`read`], without the file's name.
pub fn parse(bytes: &[u8]) -> Result<Graph> {
    let model = ModelProto::decode(bytes).map_err(|_| refused(bytes, ONNX))?;
    let graph = model.graph.ok_or_else(|| refused(bytes, ONNX))?;
    if !graph.sparse_initializer.is_empty() {
        return Err(Error::unsupported(
            "ONNX graph",
            "sparse_initializer",
            "weights must be dense",
        ));
    }
    let mut constants = Tensors::new();
    for stored in graph.initializer {
        check_name("tensor", &stored.name)?;
        let name = stored.name.clone();
        if constants.insert(name.clone(), tensor(stored)?).is_some() {
            return Err(Error::format(
                format!("tensor `{name}`"),
                "is defined twice",
            ));
        }
    }
    let inputs = graph.input.into_iter().map(value);
    Ok(Graph {
        nodes: graph.node.into_iter().map(node).collect::<Result<_>>()?,
        inputs: inputs
            .filter(|v| !constants.contains_key(&v.name))
            .collect(),
        outputs: graph.output.into_iter().map(value).collect(),
        constants,
    })
}

fn value(stored: ValueInfoProto) -> Value {
    let shape = stored.kind.and_then(|kind| kind.tensor?.shape);
    Value {
        name: stored.name,
        shape: shape.map(|shape| {
            let lengths = shape.dim.iter().map(|dimension| dimension.value);
            lengths
                .map(|length| usize::try_from(length).ok().filter(|&length| length > 0))
                .collect()
        }),
    }
}

fn node(stored: NodeProto) -> Result<Node> {
    let names = stored.input.iter().chain(&stored.output);
    for name in names.chain([&stored.name, &stored.op_type, &stored.domain]) {
        check_name("node", name)?;
    }
    let attributes = stored
        .attribute
        .into_iter()
        .map(|stored| Ok((stored.name.clone(), attribute(stored)?)))
        .collect::<Result<_>>()
        .within(format!("node `{}` ({})", stored.name, stored.op_type))?;
    Ok(Node {
        name: stored.name,
        op: stored.op_type,
        domain: stored.domain,
        inputs: stored.input,
        outputs: stored.output,
        attributes,
    })
}

fn attribute(stored: AttributeProto) -> Result<Attribute> {
    Ok(match (stored.kind, stored.t) {
        (1, _) => Attribute::Float(f64::from(stored.f)),
        (2, _) => Attribute::Int(stored.i),
        (3, _) => Attribute::Text(String::from_utf8_lossy(&stored.s).into_owned()),
        (4, Some(t)) => Attribute::Tensor(tensor(t)?),
        (6, _) => Attribute::Floats(stored.floats.into_iter().map(f64::from).collect()),
        (7, _) => Attribute::Ints(stored.ints),
        _ => Attribute::Other,
    })
}

fn tensor(stored: TensorProto) -> Result<Tensor> {
    let what = format!("tensor `{}`", stored.name);
    if stored.data_location != 0 {
        return Err(Error::unsupported(
            what,
            "external data",
            "save the model with its weights inside the .onnx file",
        ));
    }
    let dtype = match stored.data_type {
        1 => Dtype::F32,
        2 => Dtype::U8,
        3 => Dtype::I8,
        4 => Dtype::U16,
        5 => Dtype::I16,
        6 => Dtype::I32,
        7 => Dtype::I64,
        10 => Dtype::F16,
        11 => Dtype::F64,
        12 => Dtype::U32,
        13 => Dtype::U64,
        14 => Dtype::Complex64,
        15 => Dtype::Complex128,
        16 => Dtype::BF16,
        other => {
            let got = format!("ONNX data type {other}");
            return Err(Error::unsupported(what, got, SUPPORTED));
        }
    };
    let shape = stored
        .dims
        .iter()
        .map(|&length| usize::try_from(length).ok())
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| Error::shape(&what, &stored.dims, "one of lengths from 0"))?;
    let bytes = if stored.raw_data.is_empty() {
        typed_bytes(&stored, dtype)
    } else {
        stored.raw_data
    };
    Tensor::from_bytes(&what, shape, dtype, false, &bytes)
}

/// The little-endian bytes of a tensor that is stored as typed numbers instead of raw bytes.
fn typed_bytes(stored: &TensorProto, dtype: Dtype) -> Vec<u8> {
    match dtype {
        Dtype::F32 | Dtype::Complex64 => bytes_of(&stored.float_data, |x| x.to_le_bytes()),
        Dtype::F64 | Dtype::Complex128 => bytes_of(&stored.double_data, |x| x.to_le_bytes()),
        Dtype::I64 => bytes_of(&stored.int64_data, |x| x.to_le_bytes()),
        Dtype::U64 => bytes_of(&stored.uint64_data, |x| x.to_le_bytes()),
        Dtype::U32 => bytes_of(&stored.uint64_data, |x| (x as u32).to_le_bytes()),
        Dtype::I32 => bytes_of(&stored.int32_data, |x| x.to_le_bytes()),
        Dtype::U16 | Dtype::I16 | Dtype::F16 | Dtype::BF16 => {
            bytes_of(&stored.int32_data, |x| (x as u16).to_le_bytes())
        }
        Dtype::Bool | Dtype::U8 | Dtype::I8 => bytes_of(&stored.int32_data, |x| [x as u8]),
    }
}

fn bytes_of<T: Copy, const N: usize>(numbers: &[T], bytes: impl Fn(T) -> [u8; N]) -> Vec<u8> {
    numbers.iter().flat_map(|&number| bytes(number)).collect()
}

#[cfg(test)]
pub(crate) mod build {
    //! Small ONNX files for tests.

    pub(crate) use super::proto::*;
    use prost::Message;

    /// A float32 initializer.
    pub(crate) fn weights(name: &str, dims: &[i64], data: &[f32]) -> TensorProto {
        TensorProto {
            name: name.into(),
            dims: dims.into(),
            data_type: 1,
            float_data: data.into(),
            ..Default::default()
        }
    }

    /// A node that writes one value.
    pub(crate) fn node(op: &str, inputs: &[&str], output: &str) -> NodeProto {
        NodeProto {
            name: format!("/{output}"),
            op_type: op.into(),
            input: inputs.iter().map(|&name| name.into()).collect(),
            output: vec![output.into()],
            ..Default::default()
        }
    }

    /// An integer attribute.
    pub(crate) fn int(name: &str, i: i64) -> AttributeProto {
        let name = name.into();
        AttributeProto {
            name,
            i,
            kind: 2,
            ..Default::default()
        }
    }

    /// A file whose graph reads `x` and writes `y`.
    pub(crate) fn file(node: Vec<NodeProto>, initializer: Vec<TensorProto>) -> Vec<u8> {
        let value = |name: &str| ValueInfoProto {
            name: name.into(),
            kind: None,
        };
        let graph = GraphProto {
            node,
            initializer,
            input: vec![value("x")],
            output: vec![value("y")],
            ..Default::default()
        };
        ModelProto { graph: Some(graph) }.encode_to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::compare::unsupported;
    use crate::io::TensorData;

    #[test]
    fn nodes_constants_and_attributes_are_read() {
        let mut gemm = build::node("Gemm", &["x", "w"], "y");
        gemm.attribute.push(build::int("transB", 1));
        let graph = parse(&build::file(
            vec![gemm],
            vec![build::weights("w", &[1, 2], &[0.5, -1.0])],
        ))
        .unwrap();
        assert_eq!(
            graph.constants["w"].data(),
            &TensorData::Real(vec![0.5, -1.0])
        );
        assert_eq!(graph.nodes[0].op, "Gemm");
        assert_eq!(graph.nodes[0].attributes["transB"], Attribute::Int(1));
        assert_eq!(
            (&*graph.inputs[0].name, &*graph.outputs[0].name),
            ("x", "y")
        );
    }

    #[test]
    fn numbers_are_the_same_raw_and_typed() {
        let double = TensorProto {
            dims: vec![2],
            data_type: 11,
            ..Default::default()
        };
        let typed = TensorProto {
            double_data: vec![0.1, 2.0],
            ..double.clone()
        };
        let raw_data = [0.1f64.to_le_bytes(), 2f64.to_le_bytes()].concat();
        let raw = TensorProto { raw_data, ..double };
        assert_eq!(tensor(typed).unwrap(), tensor(raw).unwrap());
        let half = TensorProto {
            dims: vec![1],
            data_type: 10,
            int32_data: vec![0x3c00],
            ..Default::default()
        };
        assert_eq!(tensor(half).unwrap().data(), &TensorData::Real(vec![1.0]));
    }

    #[test]
    fn external_data_and_absurd_shapes_are_refused_by_the_tensors_name() {
        let mut outside = build::weights("w", &[1], &[]);
        outside.data_location = 1;
        let error = parse(&build::file(vec![], vec![outside])).unwrap_err();
        let outside = unsupported("tensor `w`", "external data");
        assert_eq!(error.refusal(), outside);
        for dims in [&[1i64 << 40, 1 << 40][..], &[-1], &[3]] {
            let wrong = build::weights("w", dims, &[1.0]);
            assert!(parse(&build::file(vec![], vec![wrong])).is_err());
        }
    }

    /// Protobuf has no frame, so some cut files are valid smaller ones: only panics count here.
    #[test]
    fn no_cut_or_flipped_file_makes_the_reader_panic() {
        let mut gemm = build::node("Gemm", &["x", "w"], "y");
        gemm.attribute.push(build::int("transB", 1));
        let good = build::file(vec![gemm], vec![build::weights("w", &[1, 2], &[0.5, -1.0])]);
        for length in 0..good.len() {
            let _ = parse(&good[..length]);
        }
        for position in 0..good.len() {
            for wrong in 0..=255 {
                let mut bytes = good.clone();
                bytes[position] = wrong;
                let _ = parse(&bytes);
            }
        }
    }
}
