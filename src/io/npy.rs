//! NumPy's `.npy` arrays and `.npz` archives of them.

mod archive;

pub(crate) use archive::Npz;
pub use archive::{NpzWriter, parse_npz, parse_npz_in_order, read_npz};

use std::io::Write;
use std::path::Path;

use ndarray::{ArrayView, Dimension};
use npyz::WriterBuilder;
use num_complex::Complex;

use super::content::{NPY, refused};
use super::tensor::{SUPPORTED, element_count};
use super::{Dtype, Source, Tensor};
use crate::error::{Error, Result};

/// Largest header that is read; NumPy refuses longer ones too (`max_header_size`).
const HEADER_LIMIT: usize = 10_000;

/// Most characters of a text in an array.
const TEXT_LIMIT: usize = 1 << 16;

/// An array of numbers or of texts.
#[derive(Debug, Clone, PartialEq)]
pub enum Array {
    /// Numbers.
    Numbers(Tensor),
    /// Texts of NumPy's types `U` and `S`.
    Texts(Texts),
}

/// An array of texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texts {
    /// The lengths of the axes, outermost first.
    pub shape: Vec<usize>,
    /// The elements, row-major.
    pub texts: Vec<String>,
}

/// Reads the `.npy` file at `path`.
///
/// # Errors
/// [`Error::Io`] if it cannot be read, [`Error::Format`] or [`Error::Shape`] if it is malformed, cut or has
/// bytes left over, [`Error::Unsupported`] for an element type that has no exact `f64`.
pub fn read(path: impl AsRef<Path>) -> Result<Tensor> {
    Source::open(path)?.parse(|bytes| parse("array", bytes))
}

/// Reads a `.npy` file from its bytes; `what` names the array in errors.
///
/// # Errors
/// As [`read`], without the file's name.
pub fn parse(what: &str, bytes: &[u8]) -> Result<Tensor> {
    match parse_any(what, bytes, false)? {
        Array::Numbers(tensor) => Ok(tensor),
        Array::Texts(_) => unreachable!("texts are refused"),
    }
}

/// Reads a `.npy` file of numbers or texts from its bytes; `what` names the array in errors.
///
/// # Errors
/// As [`read`], without the file's name.
pub(crate) fn parse_array(what: &str, bytes: &[u8]) -> Result<Array> {
    parse_any(what, bytes, true)
}

fn parse_any(what: &str, bytes: &[u8], takes_texts: bool) -> Result<Array> {
    let header = Header::parse(what, bytes)?;
    let data = &bytes[header.length..];
    let unsupported = || Err(Error::unsupported(what, &*header.descr, SUPPORTED));
    let element = match header.element {
        Some(Stored::Text(_)) if !takes_texts => return unsupported(),
        Some(element) => element,
        None => return unsupported(),
    };
    let whole = element_count(&header.shape).and_then(|count| count.checked_mul(element.size()));
    if whole != Some(data.len()) {
        let reason = match whole.filter(|whole| *whole > data.len()) {
            Some(whole) => format!(
                "is cut short: has {} of the {whole} bytes that its {} {:?} takes",
                data.len(),
                element.name(),
                header.shape
            ),
            None => {
                let limit = format!(
                    "one whose {} elements fill {} bytes",
                    element.name(),
                    data.len()
                );
                return Err(Error::shape(what, &header.shape, limit));
            }
        };
        return Err(Error::format(what, reason));
    }
    // Column-major: the same bytes are the row-major array of the reversed axes.
    let mut shape = header.shape;
    if header.fortran {
        shape.reverse();
    }
    match element {
        Stored::Number(dtype) => {
            let tensor = Tensor::from_bytes(what, shape, dtype, header.big_endian, data)?;
            Ok(Array::Numbers(match header.fortran {
                true => tensor.transposed(),
                false => tensor,
            }))
        }
        Stored::Text(_) if header.fortran && shape.iter().filter(|&&n| n > 1).count() > 1 => {
            let limit = "a matrix of texts must be in row-major order";
            Err(Error::unsupported(what, "fortran_order", limit))
        }
        Stored::Text(text) => {
            if header.fortran {
                shape.reverse();
            }
            let texts = text.decode(what, header.big_endian, data)?;
            Ok(Array::Texts(Texts { shape, texts }))
        }
    }
}

/// A number that [`write()`] knows how to store.
pub trait Element: npyz::AutoSerialize + Copy {}
impl Element for i64 {}
impl Element for f32 {}
impl Element for f64 {}
impl Element for Complex<f32> {}
impl Element for Complex<f64> {}

/// Writes `array` as a `.npy` file in row-major order: int64, float32, float64, complex64 or
/// complex128.
///
/// # Errors
/// Whatever the writer returns.
pub fn write<T: Element, D: Dimension>(
    writer: impl Write,
    array: ArrayView<'_, T, D>,
) -> std::io::Result<()> {
    let shape: Vec<u64> = array.shape().iter().map(|&length| length as u64).collect();
    let mut npy = npyz::WriteOptions::new()
        .default_dtype()
        .shape(&shape)
        .writer(writer)
        .begin_nd()?;
    npy.extend(array.iter().copied())?;
    npy.finish()
}

/// What the header of a `.npy` file says.
struct Header {
    /// Bytes before the data.
    length: usize,
    shape: Vec<usize>,
    /// The element type as NumPy writes it.
    descr: String,
    /// Nothing for a type that is not read.
    element: Option<Stored>,
    big_endian: bool,
    fortran: bool,
}

/// An element as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stored {
    Number(Dtype),
    Text(Text),
}

/// How a text is stored: padded with zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Text {
    /// So many characters of four bytes each.
    Unicode(usize),
    /// So many bytes.
    Bytes(usize),
}

impl Stored {
    fn size(self) -> usize {
        match self {
            Self::Number(dtype) => dtype.size(),
            Self::Text(Text::Unicode(length)) => 4 * length,
            Self::Text(Text::Bytes(length)) => length,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Number(dtype) => dtype.name(),
            Self::Text(_) => "text",
        }
    }
}

impl Text {
    /// The texts in `data`.
    fn decode(self, what: &str, big_endian: bool, data: &[u8]) -> Result<Vec<String>> {
        let size = Stored::Text(self).size();
        let text = |(index, bytes): (usize, &[u8])| {
            let text = match self {
                Self::Unicode(_) => bytes
                    .chunks_exact(4)
                    .map(|word| {
                        let word: [u8; 4] = word.try_into().expect("chunks of four");
                        char::from_u32(match big_endian {
                            true => u32::from_be_bytes(word),
                            false => u32::from_le_bytes(word),
                        })
                    })
                    .collect::<Option<String>>(),
                Self::Bytes(_) => std::str::from_utf8(bytes).ok().map(str::to_owned),
            };
            let text = text
                .ok_or_else(|| Error::format(format!("{what}: element {index}"), "is not text"))?;
            Ok(text.trim_end_matches('\0').to_owned())
        };
        data.chunks_exact(size).enumerate().map(text).collect()
    }
}

impl Header {
    fn parse(what: &str, bytes: &[u8]) -> Result<Self> {
        let malformed = |reason: &str| Error::format(what, format!("not a .npy array: {reason}"));
        let start = match bytes {
            [0x93, b'N', b'U', b'M', b'P', b'Y', 1, 0, ..] => 10,
            [0x93, b'N', b'U', b'M', b'P', b'Y', 2 | 3, 0, ..] => 12,
            [0x93, b'N', b'U', b'M', b'P', b'Y', version, ..] => {
                let what = format!("its version is {version}: must be 1, 2 or 3");
                return Err(malformed(&what));
            }
            _ => return Err(refused(bytes, NPY)),
        };
        let size = bytes
            .get(8..start)
            .ok_or_else(|| malformed("its header is cut"))?;
        let text = size
            .iter()
            .rev()
            .fold(0, |n, &byte| n << 8 | usize::from(byte));
        if text > HEADER_LIMIT {
            return Err(malformed(&format!(
                "its header claims {text} bytes, at most {HEADER_LIMIT} are allowed"
            )));
        }
        let length = start + text;
        let head = bytes
            .get(..length)
            .ok_or_else(|| malformed("its header is cut"))?;
        let (descr, fortran, shape) = std::str::from_utf8(&head[start..])
            .ok()
            .and_then(dictionary)
            .ok_or_else(|| {
                malformed("its header is not a dictionary of descr, fortran_order and shape")
            })?;
        Ok(Self {
            length,
            shape,
            element: stored(&descr),
            big_endian: descr.starts_with('>'),
            descr,
            fortran,
        })
    }
}

/// `descr`, `fortran_order` and `shape` of a header such as
/// `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
///
/// A `descr` that is not a plain string (a record type) is returned as its text.
fn dictionary(text: &str) -> Option<(String, bool, Vec<usize>)> {
    let (mut descr, mut fortran, mut shape) = (None, None, None);
    let mut rest = text.trim().strip_prefix('{')?.trim_start();
    while !rest.starts_with('}') {
        let (key, after) = quoted(rest)?;
        let value = after.trim_start().strip_prefix(':')?.trim_start();
        let after = match key {
            "descr" if value.starts_with('[') => {
                let (record, after) = value.split_at(value.find(']')? + 1);
                descr = Some(record.to_owned());
                after
            }
            "descr" => {
                let (name, after) = quoted(value)?;
                descr = Some(name.to_owned());
                after
            }
            "fortran_order" => match value.strip_prefix("False") {
                Some(after) => {
                    fortran = Some(false);
                    after
                }
                None => {
                    fortran = Some(true);
                    value.strip_prefix("True")?
                }
            },
            "shape" => {
                let (lengths, after) = value.strip_prefix('(')?.split_once(')')?;
                let lengths = lengths.trim();
                let lengths = lengths.strip_suffix(',').unwrap_or(lengths);
                let one = |length: &str| length.trim().trim_end_matches('L').parse().ok();
                shape = Some(match lengths {
                    "" => Vec::new(),
                    _ => lengths
                        .split(',')
                        .map(one)
                        .collect::<Option<Vec<usize>>>()?,
                });
                after
            }
            _ => return None,
        };
        rest = after.trim_start();
        if !rest.starts_with('}') {
            rest = rest.strip_prefix(',')?.trim_start();
        }
    }
    (rest == "}").then_some((descr?, fortran?, shape?))
}

/// The text of a leading Python string without escapes, and what follows it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    text[1..].split_once(quote)
}

/// The element type behind a type string such as `<f4`.
fn stored(descr: &str) -> Option<Stored> {
    let order = descr.chars().next()?;
    let kind = descr.get(1..)?;
    let length = |digits: &str| {
        let length = digits.parse().ok();
        length.filter(|length| (1..=TEXT_LIMIT).contains(length))
    };
    let element = match (kind.chars().next()?, kind) {
        ('U', _) => Stored::Text(Text::Unicode(length(&kind[1..])?)),
        ('S', _) => Stored::Text(Text::Bytes(length(&kind[1..])?)),
        _ => Stored::Number(dtype(kind)?),
    };
    let is_of_bytes = matches!(element, Stored::Text(Text::Bytes(_))) || element.size() == 1;
    match order {
        '<' | '>' => Some(element),
        '|' if is_of_bytes => Some(element),
        _ => None,
    }
}

fn dtype(kind: &str) -> Option<Dtype> {
    Some(match kind {
        "b1" => Dtype::Bool,
        "u1" => Dtype::U8,
        "u2" => Dtype::U16,
        "u4" => Dtype::U32,
        "u8" => Dtype::U64,
        "i1" => Dtype::I8,
        "i2" => Dtype::I16,
        "i4" => Dtype::I32,
        "i8" => Dtype::I64,
        "f2" => Dtype::F16,
        "f4" => Dtype::F32,
        "f8" => Dtype::F64,
        "c8" => Dtype::Complex64,
        "c16" => Dtype::Complex128,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
