//! Safetensors files: a JSON header, then the tensors, little-endian and row-major.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype as Stored, SafeTensors};

use super::content::{SAFETENSORS, refused};
use super::tensor::SUPPORTED;
use super::{Dtype, Source, Tensor, TensorData, Tensors, check_name};
use crate::error::{Error, Result};

/// What a safetensors file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Bundle {
    /// The tensors by name.
    pub tensors: Tensors,
    /// The text metadata of the header.
    pub metadata: BTreeMap<String, String>,
}

/// Reads the safetensors file at `path`.
///
/// # Errors
/// [`Error::Io`] if it cannot be read, [`Error::Format`] if it is malformed or has bytes left over,
/// [`Error::Unsupported`] for an element type that has no exact `f64`. They name the file and the tensor.
pub fn read(path: impl AsRef<Path>) -> Result<Bundle> {
    Source::open(path)?.parse(parse)
}

/// Reads a safetensors file from its bytes.
///
/// # Errors
/// As [`read`], without the file's name.
pub fn parse(bytes: &[u8]) -> Result<Bundle> {
    let malformed = |_: safetensors::SafeTensorError| match claimed_bytes(bytes) {
        Some(whole) if whole != bytes.len() as u64 => {
            let what = if whole > bytes.len() as u64 {
                "is cut short"
            } else {
                "is too long"
            };
            let reason = format!(
                "{what}: has {} bytes, must have the {whole} that its header claims",
                bytes.len()
            );
            Error::format("content", reason)
        }
        _ => refused(bytes, SAFETENSORS),
    };
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(malformed)?;
    let metadata = header.metadata().clone().unwrap_or_default();
    let file = SafeTensors::deserialize(bytes).map_err(malformed)?;
    let mut tensors = Tensors::new();
    for (name, view) in file.iter() {
        check_name("tensor", name)?;
        let what = format!("tensor `{name}`");
        let dtype = dtype(&what, view.dtype())?;
        let tensor = Tensor::from_bytes(&what, view.shape().to_vec(), dtype, false, view.data())?;
        tensors.insert(name.to_owned(), tensor);
    }
    Ok(Bundle {
        tensors,
        metadata: metadata.into_iter().collect(),
    })
}

/// Whether `bytes` begin with a header whose text metadata have the entry `key`; what follows it is not looked at.
pub fn has_metadata(bytes: &[u8], key: &str) -> bool {
    let header = SafeTensors::read_metadata(bytes);
    header.is_ok_and(|(_, header)| {
        let metadata = header.metadata().as_ref();
        metadata.is_some_and(|metadata| metadata.contains_key(key))
    })
}

/// Bytes of a whole file as its header claims: eight for the header's length, the header, the data.
fn claimed_bytes(bytes: &[u8]) -> Option<u64> {
    let length = u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?);
    let whole = length.checked_add(8)?;
    if bytes.get(8) != Some(&b'{') || whole > bytes.len() as u64 {
        return (bytes.get(8) == Some(&b'{')).then_some(whole);
    }
    let header = &bytes[8..usize::try_from(whole).ok()?];
    let header: serde_json::Value = serde_json::from_slice(header).ok()?;
    let ends = header.as_object()?.values();
    let ends = ends.filter_map(|tensor| tensor.get("data_offsets")?.get(1)?.as_u64());
    whole.checked_add(ends.max().unwrap_or(0))
}

/// Writes real tensors as float64, bytes and float32 as they are, with one entry of text metadata.
///
/// # Errors
/// [`Error::Unsupported`] for a complex tensor, [`Error::Io`] if `writer` fails.
pub fn write(mut writer: impl Write, tensors: &Tensors, (key, text): (&str, &str)) -> Result<()> {
    let mut bytes = Vec::with_capacity(tensors.len());
    for (name, tensor) in tensors {
        let TensorData::Real(data) = tensor.data() else {
            let limit =
                "a bundle holds float64; keep real and imaginary parts on a last axis of two";
            return Err(Error::unsupported(
                format!("tensor `{name}`"),
                "complex",
                limit,
            ));
        };
        bytes.push(match tensor.dtype() {
            Dtype::U8 => data.iter().map(|x| *x as u8).collect::<Vec<u8>>(),
            Dtype::F32 => data
                .iter()
                .flat_map(|x| (*x as f32).to_le_bytes())
                .collect(),
            _ => data.iter().flat_map(|x| x.to_le_bytes()).collect(),
        });
    }
    let views = tensors.iter().zip(&bytes).map(|((name, tensor), bytes)| {
        let stored = match tensor.dtype() {
            Dtype::U8 => Stored::U8,
            Dtype::F32 => Stored::F32,
            _ => Stored::F64,
        };
        let view = TensorView::new(stored, tensor.shape().to_vec(), bytes)
            .expect("a tensor has the bytes of its shape");
        (name.as_str(), view)
    });
    let metadata = HashMap::from([(key.to_owned(), text.to_owned())]);
    let file = safetensors::serialize(views, Some(metadata))
        .map_err(|error| Error::format("safetensors", error.to_string()))?;
    writer
        .write_all(&file)
        .map_err(|source| Error::io("output", source))
}

fn dtype(what: &str, stored: Stored) -> Result<Dtype> {
    Ok(match stored {
        Stored::U8 => Dtype::U8,
        Stored::I8 => Dtype::I8,
        Stored::U16 => Dtype::U16,
        Stored::I16 => Dtype::I16,
        Stored::U32 => Dtype::U32,
        Stored::I32 => Dtype::I32,
        Stored::U64 => Dtype::U64,
        Stored::I64 => Dtype::I64,
        Stored::F16 => Dtype::F16,
        Stored::BF16 => Dtype::BF16,
        Stored::F32 => Dtype::F32,
        Stored::F64 => Dtype::F64,
        Stored::C64 => Dtype::Complex64,
        other => return Err(Error::unsupported(what, format!("{other:?}"), SUPPORTED)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::compare::unsupported;
    use crate::io::TensorData;
    use crate::io::corruption::survives;

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    fn small() -> Vec<u8> {
        let header = r#"{"__metadata__":{"format":"pt"},"a":{"dtype":"C64","shape":[1,1],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}"#;
        file(header, &[0, 0, 128, 63, 0, 0, 0, 192, 0, 0, 0, 63])
    }

    #[test]
    fn tensors_and_metadata_are_read() {
        let bundle = parse(&small()).unwrap();
        assert_eq!(bundle.metadata["format"], "pt");
        let one = num_complex::Complex::new(1.0, -2.0);
        assert_eq!(bundle.tensors["a"].data(), &TensorData::Complex(vec![one]));
        assert_eq!(bundle.tensors["b"].data(), &TensorData::Real(vec![0.5]));
    }

    #[test]
    fn no_cut_or_flipped_file_makes_the_reader_panic() {
        survives(&small(), parse);
    }

    #[test]
    fn trailing_bytes_and_absurd_headers_are_refused() {
        let mut long = small();
        long.push(0);
        assert!(parse(&long).is_err());
        let huge =
            r#"{"a":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,4398046511104]}}"#;
        assert!(parse(&file(huge, &[0; 8])).is_err());
        assert!(parse(&u64::MAX.to_le_bytes()).is_err());
        assert!(parse(&file(&"[".repeat(100_000), &[])).is_err());
    }

    #[test]
    fn an_unsupported_element_type_is_named() {
        let header = r#"{"mask":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]}}"#;
        let error = parse(&file(header, &[0, 1])).unwrap_err();
        assert_eq!(error.refusal(), unsupported("tensor `mask`", "BOOL"));
    }
}
