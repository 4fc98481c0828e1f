//! NumPy's `.npy` arrays and `.npz` archives of them.

use std::collections::HashSet;
use std::io::{Cursor, Read, Write};
use std::path::Path;

use ndarray::{ArrayView, Dimension};
use npyz::WriterBuilder;
use num_complex::Complex;

use super::content::{NPY, NPZ, refused};
use super::tensor::{SUPPORTED, element_count};
use super::{Dtype, Source, Tensor, Tensors, UNPACKED_LIMIT, read_exactly};
use crate::error::{Error, Result};

/// Largest header that is read; NumPy refuses longer ones too (`max_header_size`).
const HEADER_LIMIT: usize = 10_000;

/// Most characters of a text in an array.
const TEXT_LIMIT: usize = 1 << 16;

/// An array of numbers or of texts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Array {
    /// Numbers.
    Numbers(Tensor),
    /// Texts of NumPy's types `U` and `S`.
    Texts(Texts),
}

/// An array of texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Texts {
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

/// Reads the `.npz` archive at `path`; names lose their `.npy`.
///
/// # Errors
/// As [`read`], and [`Error::Value`] if the archive unpacks to more than [`UNPACKED_LIMIT`].
pub fn read_npz(path: impl AsRef<Path>) -> Result<Tensors> {
    Source::open(path)?.parse(parse_npz)
}

/// Reads a `.npz` archive from its bytes.
///
/// # Errors
/// As [`read_npz`], without the file's name.
pub fn parse_npz(bytes: &[u8]) -> Result<Tensors> {
    Ok(parse_npz_in_order(bytes)?.into_iter().collect())
}

/// As [`parse_npz`], the arrays in the order of the archive, which is that in which they were handed to `numpy.savez`.
///
/// # Errors
/// As [`parse_npz`].
pub fn parse_npz_in_order(bytes: &[u8]) -> Result<Vec<(String, Tensor)>> {
    let mut archive = Npz::open(bytes)?;
    let names = archive.names.clone();
    names
        .into_iter()
        .map(|name| {
            let (what, array) = archive.unpack(&name)?;
            let array = parse(&what, &array)?;
            Ok((name, array))
        })
        .collect()
}

/// An `.npz` archive, whose arrays are read one by one.
pub(crate) struct Npz<'a> {
    bytes: &'a [u8],
    archive: zip::ZipArchive<Cursor<&'a [u8]>>,
    names: Vec<String>,
    unpacked: u64,
}

impl<'a> Npz<'a> {
    /// The archive in `bytes`.
    ///
    /// # Errors
    /// [`Error::Format`] if it is none or has two arrays of one name, [`Error::Unsupported`] for a file in it that is no
    /// array.
    pub fn open(bytes: &'a [u8]) -> Result<Self> {
        let malformed = |_: zip::result::ZipError| refused(bytes, NPZ);
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(malformed)?;
        if archive.has_duplicate_names() {
            return Err(Error::format(
                "npz archive",
                "two arrays have the same name",
            ));
        }
        let mut names = Vec::new();
        // Names that differ in their bytes can be the same as text.
        let mut known = HashSet::new();
        for index in 0..archive.len() {
            let file = archive.by_index_raw(index).map_err(malformed)?;
            let file = file.name().map_err(malformed)?.into_owned();
            let Some(name) = file.strip_suffix(".npy").map(str::to_owned) else {
                return Err(Error::unsupported(
                    "npz archive",
                    file,
                    "every file in it must be a .npy array",
                ));
            };
            if !known.insert(name.clone()) {
                let what = format!("array `{file}`");
                return Err(Error::format(what, "stands twice in the archive"));
            }
            names.push(name);
        }
        Ok(Self {
            bytes,
            archive,
            names,
            unpacked: 0,
        })
    }

    /// The names of its arrays in the order of the archive.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The array called `name`, numbers or texts.
    ///
    /// # Errors
    /// As [`read_npz`], without the file's name.
    ///
    /// # Panics
    /// If `name` is none of [`names`](Self::names).
    pub fn array(&mut self, name: &str) -> Result<Array> {
        let (what, bytes) = self.unpack(name)?;
        parse_array(&what, &bytes)
    }

    /// The file of the array called `name`, and what errors call it.
    fn unpack(&mut self, name: &str) -> Result<(String, Vec<u8>)> {
        let index = self.names.iter().position(|other| other == name);
        let index = index.expect("the archive holds what it names");
        let what = format!("array `{name}.npy`");
        let malformed = |_: zip::result::ZipError| refused(self.bytes, NPZ);
        let mut entry = self.archive.by_index(index).map_err(malformed)?;
        let size = entry.size();
        self.unpacked = size.saturating_add(self.unpacked);
        if self.unpacked > UNPACKED_LIMIT {
            return Err(Error::value(
                format!("{what}: unpacked size of the archive in bytes"),
                self.unpacked,
                format!("at most {UNPACKED_LIMIT}"),
            ));
        }
        let bytes = read_exactly(&what, entry.by_ref(), size)?;
        Ok((what, bytes))
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

/// An `.npz` archive that is being written into memory.
pub struct NpzWriter {
    zip: zip::ZipWriter<std::io::Cursor<Vec<u8>>>,
}

impl Default for NpzWriter {
    fn default() -> Self {
        Self::new()
    }
}

impl NpzWriter {
    /// An archive without arrays.
    pub fn new() -> Self {
        let zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        Self { zip }
    }

    /// Adds `array` under `name`.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be packed, or the name is there already.
    pub fn put<T: Element, D: Dimension>(
        &mut self,
        name: &str,
        array: ArrayView<'_, T, D>,
    ) -> Result<()> {
        let failed = |source: std::io::Error| Error::io(format!("array {name}"), source);
        let options = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Deflated)
            .large_file(true);
        let entry = format!("{name}.npy");
        let started = self.zip.start_file(entry, options);
        started.map_err(|error| failed(error.into()))?;
        let mut writer = std::io::BufWriter::new(&mut self.zip);
        write(&mut writer, array)
            .and_then(|()| std::io::Write::flush(&mut writer))
            .map_err(failed)
    }

    /// The bytes of the archive.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be closed.
    pub fn finish(self) -> Result<Vec<u8>> {
        let bytes = self.zip.finish();
        let bytes = bytes.map_err(|error| Error::io("archive", error.into()))?;
        Ok(bytes.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::TensorData;
    use crate::io::corruption::survives;
    use ndarray::{Array1, arr1, arr2};

    fn npy(header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            let options = zip::write::SimpleFileOptions::default();
            archive.start_file(*name, options).unwrap();
            archive.write_all(bytes).unwrap();
        }
        archive.finish().unwrap().into_inner()
    }

    #[test]
    fn what_is_written_is_read_back_to_the_bit() {
        let real = arr2(&[[0.1, f64::MIN_POSITIVE, -3.0], [1e300, 0.0, -0.0]]);
        let mut bytes = Vec::new();
        write(&mut bytes, real.view()).unwrap();
        assert_eq!(parse("x", &bytes).unwrap().into_matrix("x").unwrap(), real);
        // A transposed view is written in its own order, not in that of memory.
        bytes.clear();
        write(&mut bytes, real.t()).unwrap();
        assert_eq!(
            parse("x", &bytes).unwrap().into_matrix("x").unwrap(),
            real.t()
        );

        let fields = arr2(&[[Complex::new(0.1, -0.2)], [Complex::new(3.0, 4.0)]]);
        bytes.clear();
        write(&mut bytes, fields.view()).unwrap();
        let read = parse("x", &bytes).unwrap();
        assert_eq!(read.into_complex_matrix("x").unwrap(), fields);

        bytes.clear();
        write(&mut bytes, arr1(&[0.1f32, 2.0]).view()).unwrap();
        let read = parse("x", &bytes).unwrap();
        assert_eq!(read.dtype(), Dtype::F32);
        assert_eq!(
            read.into_vector("x").unwrap(),
            arr1(&[f64::from(0.1f32), 2.0])
        );

        bytes.clear();
        write(&mut bytes, arr1(&[Complex::new(0.5f32, 2.0)]).view()).unwrap();
        assert_eq!(parse("x", &bytes).unwrap().dtype(), Dtype::Complex64);
    }

    #[test]
    fn fortran_order_and_big_endian_give_the_same_array() {
        let expected = arr2(&[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
        let c = npy(
            "{'descr': '>i2', 'fortran_order': False, 'shape': (2, 3), }",
            &[0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6],
        );
        assert_eq!(parse("x", &c).unwrap().into_matrix("x").unwrap(), expected);
        let fortran = npy(
            "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3)}\n",
            &[1, 4, 2, 5, 3, 6],
        );
        assert_eq!(
            parse("x", &fortran).unwrap().into_matrix("x").unwrap(),
            expected
        );
    }

    #[test]
    fn scalars_and_empty_arrays_have_their_shapes() {
        let scalar = npy(
            "{'descr': '<f4', 'fortran_order': False, 'shape': ()}",
            &[0; 4],
        );
        assert_eq!(parse("x", &scalar).unwrap().shape(), &[0usize; 0]);
        let empty = npy(
            "{'descr': '<f4', 'fortran_order': True, 'shape': (0, 4)}",
            &[],
        );
        assert_eq!(parse("x", &empty).unwrap().shape(), &[0, 4]);
    }

    #[test]
    fn terabytes_and_leftovers_and_foreign_types_are_refused() {
        for shape in [
            "(1099511627776, 4)",
            "(18446744073709551615, 18446744073709551615)",
            "(1,)",
        ] {
            let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}");
            assert!(parse("x", &npy(&header, &[0; 9])).is_err());
        }
        for descr in ["'|O'", "'<U5'", "'<f16'", "[('a', '<f4'), ('b', '<i4')]"] {
            let header = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (1,)}}");
            let error = parse("x", &npy(&header, &[0; 4])).unwrap_err();
            assert!(
                matches!(error, Error::Unsupported { .. }),
                "{descr}: {error}"
            );
        }
        assert!(parse("x", b"\x93NUMPY\x02\x00\xff\xff\xff\xff{").is_err());
    }

    /// `np.array([["no", "ja"], ["ö", ""]])`, `np.array([b"no", b"j"])` and `np.array([True, False])` of NumPy 2.
    #[test]
    fn texts_and_truths_are_read_as_numpy_writes_them() {
        let word = |text: &str| {
            let words = text.chars().map(u32::from).chain([0, 0]).take(2);
            words.flat_map(u32::to_be_bytes).collect::<Vec<u8>>()
        };
        let data = ["no", "ja", "ö", ""].map(word).concat();
        let unicode = "{'descr': '>U2', 'fortran_order': False, 'shape': (2, 2), }";
        let read = |header: &str, data: &[u8]| parse_array("y", &npy(header, data));
        let texts = |shape: &[usize], texts: &[&str]| {
            let texts = texts.iter().map(|&text| text.to_owned()).collect();
            let shape = shape.to_vec();
            Array::Texts(Texts { shape, texts })
        };
        assert_eq!(
            read(unicode, &data).unwrap(),
            texts(&[2, 2], &["no", "ja", "ö", ""])
        );
        let bytes = "{'descr': '|S2', 'fortran_order': False, 'shape': (2,), }";
        assert_eq!(read(bytes, b"noj\0").unwrap(), texts(&[2], &["no", "j"]));
        let truths = "{'descr': '|b1', 'fortran_order': False, 'shape': (2,), }";
        let Array::Numbers(truths) = read(truths, &[1, 0]).unwrap() else {
            panic!("truths are numbers");
        };
        assert_eq!(truths.dtype(), Dtype::Bool);
        assert_eq!(truths.into_vector("y").unwrap(), arr1(&[1.0, 0.0]));
        let surrogate = [0u8, 0, 0xd8, 0, 0, 0, 0, 0];
        let one = "{'descr': '>U2', 'fortran_order': False, 'shape': (1,), }";
        assert_eq!(
            read(one, &surrogate).unwrap_err().to_string(),
            "y: element 0: is not text"
        );
        assert!(read(one, &surrogate[..7]).is_err());
        let none = "{'descr': '<U0', 'fortran_order': False, 'shape': (1,), }";
        assert!(matches!(read(none, &[]), Err(Error::Unsupported { .. })));
    }

    #[test]
    fn no_cut_or_flipped_file_makes_the_reader_panic() {
        let mut bytes = Vec::new();
        write(&mut bytes, arr2(&[[1.0f32, 2.0], [3.0, 4.0]]).view()).unwrap();
        survives(&bytes, |bytes| parse("x", bytes));
        survives(&zip_of(&[("a.npy", &bytes), ("b.npy", &bytes)]), parse_npz);
    }

    #[test]
    fn an_archive_yields_its_arrays_by_name() {
        let mut bytes = Vec::new();
        write(&mut bytes, arr1(&[1.0, 2.0]).view()).unwrap();
        let tensors = parse_npz(&zip_of(&[("0.weight.npy", &bytes)])).unwrap();
        assert_eq!(
            tensors["0.weight"].data(),
            &TensorData::Real(vec![1.0, 2.0])
        );
        let both = zip_of(&[("b.npy", &bytes), ("a.npy", &bytes)]);
        let ordered = parse_npz_in_order(&both).unwrap();
        let names: Vec<&str> = ordered.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["b", "a"]);
        let error = parse_npz(&zip_of(&[("readme.txt", b"hello")])).unwrap_err();
        assert!(error.to_string().contains("`readme.txt` is not supported"));
    }

    /// An entry whose directory claims eight bytes, but which unpacks to a megabyte of zeros.
    #[test]
    fn an_entry_that_unpacks_to_more_than_it_claims_is_refused() {
        let mut bytes = Vec::new();
        write(&mut bytes, Array1::<f64>::zeros(1 << 17).view()).unwrap();
        let mut archive = zip_of(&[("a.npy", &bytes)]);
        let size = (bytes.len() as u32).to_le_bytes();
        for at in 0..archive.len() - 4 {
            if archive[at..at + 4] == size {
                archive[at..at + 4].copy_from_slice(&8u32.to_le_bytes());
            }
        }
        assert!(parse_npz(&archive).is_err());
    }
}
