//! Tensors get their bytes: from the file, from its typed fields, or from other files beside it.

mod external;

use tract_onnx::pb::tensor_proto::{DataLocation, DataType};
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, TensorProto};

use external::External;

use super::view;
use crate::error::{Error, Result};
use crate::io::{Source, half};

/// What tensors can hold.
const SUPPORTED: &str = "must be float16, float32, float64, bool, or an integer of 8 to 64 bits";

/// Every tensor of `model` holds its raw bytes, as many as its shape asks for.
///
/// # Errors
/// [`Error::Format`] and [`Error::Shape`] for sizes that do not fit, [`Error::Unsupported`] for types, sparse tensors
/// and paths that are not read, [`Error::NotFinite`] for NaN, [`Error::Io`] for other files.
pub(super) fn settle(model: &mut ModelProto, source: &Source) -> Result<()> {
    let mut external = External::beside(source);
    let mut graph = model.graph.iter_mut();
    graph.try_for_each(|graph| settle_graph(graph, &mut external))
}

fn settle_graph(graph: &mut GraphProto, external: &mut External) -> Result<()> {
    if !graph.sparse_initializer.is_empty() {
        let limit = "weights must be dense";
        return Err(Error::unsupported(
            "ONNX graph",
            "sparse_initializer",
            limit,
        ));
    }
    for tensor in &mut graph.initializer {
        let what = format!("tensor `{}`", tensor.name);
        settle_tensor(&what, tensor, external)?;
    }
    settle_nodes(&mut graph.node, external)
}

fn settle_nodes(nodes: &mut [NodeProto], external: &mut External) -> Result<()> {
    for node in nodes {
        let what = view::words(node);
        for attribute in &mut node.attribute {
            let what = format!("{what}: attribute `{}`", attribute.name);
            if attribute.sparse_tensor.is_some() || !attribute.sparse_tensors.is_empty() {
                return Err(Error::unsupported(
                    what,
                    "a sparse tensor",
                    "weights must be dense",
                ));
            }
            for tensor in attribute.t.iter_mut().chain(&mut attribute.tensors) {
                settle_tensor(&what, tensor, external)?;
            }
        }
        for body in view::bodies_mut(node) {
            settle_graph(body, external)?;
        }
    }
    Ok(())
}

fn settle_tensor(what: &str, tensor: &mut TensorProto, external: &mut External) -> Result<()> {
    let volume = volume(what, tensor)?;
    tensor.doc_string.clear();
    if tensor.segment.is_some() {
        return Err(Error::unsupported(
            what,
            "a segment",
            "tensors must be whole",
        ));
    }
    let data_type = data_type(what, tensor)?;
    if data_type == DataType::String {
        return check_count(what, tensor.string_data.len(), volume, tensor);
    }
    let size = size(data_type).ok_or_else(|| unsupported(what, tensor))?;
    let bytes = volume
        .checked_mul(size)
        .ok_or_else(|| Error::shape(what, &tensor.dims, "one that fits into memory"))?;
    if tensor.data_location == Some(DataLocation::External.into()) {
        tensor.raw_data = external.read(what, tensor, bytes)?;
        tensor.external_data.clear();
        tensor.data_location = None;
    } else if tensor.raw_data.is_empty() {
        let (count, raw) = typed_bytes(tensor, data_type);
        check_count(what, count, volume, tensor)?;
        tensor.raw_data = raw;
    } else if tensor.raw_data.len() != bytes {
        let reason = format!(
            "holds {} bytes: must be the {bytes} of shape {:?}",
            tensor.raw_data.len(),
            tensor.dims
        );
        return Err(Error::format(what, reason));
    }
    tensor.float_data.clear();
    tensor.int32_data.clear();
    tensor.int64_data.clear();
    tensor.double_data.clear();
    tensor.uint64_data.clear();
    check_numbers(what, tensor, |x| !x.is_nan())
}

/// As many as the shape of `tensor` says, if that can be.
fn volume(what: &str, tensor: &TensorProto) -> Result<usize> {
    let lengths = tensor
        .dims
        .iter()
        .map(|&length| usize::try_from(length).ok());
    lengths
        .collect::<Option<Vec<_>>>()
        .and_then(|lengths| {
            // A length of 0 must not hide an absurd one.
            let ones = lengths.iter().map(|&length| length.max(1));
            ones.clone().try_fold(1usize, usize::checked_mul)?;
            Some(lengths.iter().product())
        })
        .ok_or_else(|| {
            Error::shape(
                what,
                &tensor.dims,
                "one of lengths from 0 that fit into memory",
            )
        })
}

fn check_count(what: &str, count: usize, volume: usize, tensor: &TensorProto) -> Result<()> {
    if count != volume {
        let reason = format!(
            "holds {count} elements: must be the {volume} of shape {:?}",
            tensor.dims
        );
        return Err(Error::format(what, reason));
    }
    Ok(())
}

/// What the elements of `tensor` are.
pub(super) fn data_type(what: &str, tensor: &TensorProto) -> Result<DataType> {
    DataType::try_from(tensor.data_type).map_err(|_| unsupported(what, tensor))
}

fn unsupported(what: &str, tensor: &TensorProto) -> Error {
    let got = match DataType::try_from(tensor.data_type) {
        Ok(known) => known.as_str_name().to_lowercase(),
        Err(_) => format!("ONNX data type {}", tensor.data_type),
    };
    Error::unsupported(what, got, SUPPORTED)
}

/// Bytes of an element, for those types that tract evaluates.
fn size(data_type: DataType) -> Option<usize> {
    Some(match data_type {
        DataType::Bool | DataType::Uint8 | DataType::Int8 => 1,
        DataType::Uint16 | DataType::Int16 | DataType::Float16 => 2,
        DataType::Uint32 | DataType::Int32 | DataType::Float => 4,
        DataType::Uint64 | DataType::Int64 | DataType::Double => 8,
        _ => return None,
    })
}

/// The count and the little-endian bytes of a tensor that is stored as typed numbers.
fn typed_bytes(tensor: &TensorProto, data_type: DataType) -> (usize, Vec<u8>) {
    match data_type {
        DataType::Float => bytes_of(&tensor.float_data, |x| x.to_le_bytes()),
        DataType::Double => bytes_of(&tensor.double_data, |x| x.to_le_bytes()),
        DataType::Int64 => bytes_of(&tensor.int64_data, |x| x.to_le_bytes()),
        DataType::Uint64 => bytes_of(&tensor.uint64_data, |x| x.to_le_bytes()),
        DataType::Uint32 => bytes_of(&tensor.uint64_data, |x| (x as u32).to_le_bytes()),
        DataType::Int32 => bytes_of(&tensor.int32_data, |x| x.to_le_bytes()),
        DataType::Uint16 | DataType::Int16 | DataType::Float16 => {
            bytes_of(&tensor.int32_data, |x| (x as u16).to_le_bytes())
        }
        _ => bytes_of(&tensor.int32_data, |x| [x as u8]),
    }
}

fn bytes_of<T: Copy, const N: usize>(
    numbers: &[T],
    bytes: impl Fn(T) -> [u8; N],
) -> (usize, Vec<u8>) {
    let raw = numbers.iter().flat_map(|&number| bytes(number)).collect();
    (numbers.len(), raw)
}

/// Fails for the first floating-point number of `tensor` that is not `good`.
pub(super) fn check_numbers(what: &str, tensor: &TensorProto, good: fn(f64) -> bool) -> Result<()> {
    let Some(index) = numbers(tensor).position(|x| !good(x)) else {
        return Ok(());
    };
    let mut rest = index;
    let mut place: Vec<usize> = tensor
        .dims
        .iter()
        .rev()
        .map(|&length| {
            let length = (length as usize).max(1);
            let at = rest % length;
            rest /= length;
            at
        })
        .collect();
    place.reverse();
    Err(Error::NotFinite {
        what: what.to_owned(),
        index: format!("{place:?}"),
        got: numbers(tensor).nth(index).unwrap_or(f64::NAN).to_string(),
    })
}

/// The numbers of `tensor`; none where it holds texts or booleans.
pub(in crate::nn::graph) fn numbers(tensor: &TensorProto) -> Box<dyn Iterator<Item = f64> + '_> {
    fn of<'a, const N: usize>(
        raw: &'a [u8],
        number: fn([u8; N]) -> f64,
    ) -> Box<dyn Iterator<Item = f64> + 'a> {
        Box::new(raw.as_chunks().0.iter().map(move |&bytes| number(bytes)))
    }
    let raw = &tensor.raw_data;
    match DataType::try_from(tensor.data_type) {
        Ok(DataType::Float) => of(raw, |x| f32::from_le_bytes(x).into()),
        Ok(DataType::Double) => of(raw, f64::from_le_bytes),
        Ok(DataType::Float16) => of(raw, |x| half(u16::from_le_bytes(x))),
        Ok(DataType::Int64) => of(raw, |x| i64::from_le_bytes(x) as f64),
        Ok(DataType::Uint64) => of(raw, |x| u64::from_le_bytes(x) as f64),
        Ok(DataType::Int32) => of(raw, |x| i32::from_le_bytes(x).into()),
        Ok(DataType::Uint32) => of(raw, |x| u32::from_le_bytes(x).into()),
        Ok(DataType::Int16) => of(raw, |x| i16::from_le_bytes(x).into()),
        Ok(DataType::Uint16) => of(raw, |x| u16::from_le_bytes(x).into()),
        Ok(DataType::Int8) => of(raw, |x| i8::from_le_bytes(x).into()),
        Ok(DataType::Uint8) => of(raw, |x| u8::from_le_bytes(x).into()),
        _ => Box::new(std::iter::empty()),
    }
}
