//! One tensor of a file: its shape and its elements in double precision.

use ndarray::{Array1, Array2};
use num_complex::Complex;

use crate::error::{Error, Result};

/// Largest whole number up to which every integer is an `f64`: 2⁵³.
const EXACT_INTEGER: u64 = 1 << 53;

/// The element type of a tensor in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // The names say it: kind and bits; complex types count both parts, as NumPy does.
pub enum Dtype {
    Bool,
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F16,
    BF16,
    F32,
    F64,
    Complex64,
    Complex128,
}

/// What readers accept, for error messages.
pub(crate) const SUPPORTED: &str =
    "must be an integer, float16, bfloat16, float32, float64, complex64 or complex128";

impl Dtype {
    /// Bytes of one element.
    pub fn size(self) -> usize {
        match self {
            Self::Bool | Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 | Self::F16 | Self::BF16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 | Self::Complex64 => 8,
            Self::Complex128 => 16,
        }
    }

    /// The name that NumPy and PyTorch give it, for example `float32`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::U8 => "uint8",
            Self::I8 => "int8",
            Self::U16 => "uint16",
            Self::I16 => "int16",
            Self::U32 => "uint32",
            Self::I32 => "int32",
            Self::U64 => "uint64",
            Self::I64 => "int64",
            Self::F16 => "float16",
            Self::BF16 => "bfloat16",
            Self::F32 => "float32",
            Self::F64 => "float64",
            Self::Complex64 => "complex64",
            Self::Complex128 => "complex128",
        }
    }
}

/// The elements of a tensor, row-major.
#[derive(Debug, Clone, PartialEq)]
pub enum TensorData {
    /// Real elements.
    Real(Vec<f64>),
    /// Complex elements.
    Complex(Vec<Complex<f64>>),
}

/// A tensor as a file holds it: the last axis runs fastest, every element converted exactly.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    data: TensorData,
    dtype: Dtype,
}

impl Tensor {
    /// A tensor of real `data` in the given `shape`, row-major.
    ///
    /// # Errors
    /// [`Error::Shape`] if the shape does not hold exactly as many elements.
    pub fn real(what: &str, shape: Vec<usize>, data: Vec<f64>) -> Result<Self> {
        check_count(what, &shape, data.len())?;
        let (data, dtype) = (TensorData::Real(data), Dtype::F64);
        Ok(Self { shape, data, dtype })
    }

    /// A tensor of complex `data` in the given `shape`, row-major.
    ///
    /// # Errors
    /// [`Error::Shape`] if the shape does not hold exactly as many elements.
    pub fn complex(what: &str, shape: Vec<usize>, data: Vec<Complex<f64>>) -> Result<Self> {
        check_count(what, &shape, data.len())?;
        let (data, dtype) = (TensorData::Complex(data), Dtype::Complex128);
        Ok(Self { shape, data, dtype })
    }

    /// A file as a list of bytes.
    #[cfg(feature = "onnx")]
    pub(crate) fn of_bytes(bytes: Vec<u8>) -> Self {
        Self {
            shape: vec![bytes.len()],
            data: TensorData::Real(bytes.into_iter().map(f64::from).collect()),
            dtype: Dtype::U8,
        }
    }

    /// The file that a list of bytes is.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for other elements. `what` names the tensor in it.
    #[cfg(feature = "onnx")]
    pub(crate) fn into_bytes(self, what: &str) -> Result<Vec<u8>> {
        match (self.dtype, self.data) {
            (Dtype::U8, TensorData::Real(bytes)) => {
                Ok(bytes.into_iter().map(|byte| byte as u8).collect())
            }
            (dtype, _) => Err(Error::unsupported(
                format!("tensor `{what}`"),
                dtype.name(),
                "must be uint8",
            )),
        }
    }

    /// Decodes the `bytes` of a row-major tensor.
    ///
    /// # Errors
    /// [`Error::Shape`] if the bytes are not exactly those of the shape, [`Error::Value`] if an integer is
    /// too large for an exact `f64`. `what` names the tensor in them.
    pub fn from_bytes(
        what: &str,
        shape: Vec<usize>,
        dtype: Dtype,
        big_endian: bool,
        bytes: &[u8],
    ) -> Result<Self> {
        if byte_count(&shape, dtype) != Some(bytes.len()) {
            return Err(Error::shape(
                what,
                &shape,
                format!(
                    "one whose {} elements fill {} bytes",
                    dtype.name(),
                    bytes.len()
                ),
            ));
        }
        let order = |chunk: &[u8]| {
            let mut word = [0u8; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            if big_endian {
                word[..chunk.len()].reverse();
            }
            u64::from_le_bytes(word)
        };
        let reals = |part: Dtype| -> Result<Vec<f64>> {
            bytes
                .chunks_exact(part.size())
                .enumerate()
                .map(|(index, chunk)| {
                    number(part, order(chunk)).ok_or_else(|| {
                        Error::value(
                            format!("{what}: element {index}"),
                            "an integer beyond 2^53",
                            "exact in float64",
                        )
                    })
                })
                .collect()
        };
        let pairs = |part: Dtype| -> Result<Vec<Complex<f64>>> {
            let parts = reals(part)?;
            Ok(parts
                .chunks_exact(2)
                .map(|pair| Complex::new(pair[0], pair[1]))
                .collect())
        };
        let data = match dtype {
            Dtype::Complex64 => TensorData::Complex(pairs(Dtype::F32)?),
            Dtype::Complex128 => TensorData::Complex(pairs(Dtype::F64)?),
            real => TensorData::Real(reals(real)?),
        };
        Ok(Self { shape, data, dtype })
    }

    /// The lengths of the axes, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The elements, row-major.
    pub fn data(&self) -> &TensorData {
        &self.data
    }

    /// The element type in the file.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// Whether the elements are complex.
    pub fn is_complex(&self) -> bool {
        matches!(self.data, TensorData::Complex(_))
    }

    /// Fails on the first element that is NaN or infinite, and names it.
    ///
    /// # Errors
    /// [`Error::NotFinite`].
    pub fn check_finite(&self, what: &str) -> Result<()> {
        let bad = match &self.data {
            TensorData::Real(data) => data
                .iter()
                .enumerate()
                .find(|(_, x)| !x.is_finite())
                .map(|(at, x)| (at, *x)),
            TensorData::Complex(data) => data
                .iter()
                .enumerate()
                .find(|(_, z)| !z.is_finite())
                .map(|(at, z)| (at, if z.re.is_finite() { z.im } else { z.re })),
        };
        match bad {
            None => Ok(()),
            Some((at, value)) => Err(Error::NotFinite {
                what: what.to_owned(),
                index: format!("{:?}", self.index(at)),
                got: value.to_string(),
            }),
        }
    }

    /// The index of the element at `position` in row-major order.
    fn index(&self, mut position: usize) -> Vec<usize> {
        let mut index: Vec<usize> = self
            .shape
            .iter()
            .rev()
            .map(|&length| {
                let digit = position % length.max(1);
                position /= length.max(1);
                digit
            })
            .collect();
        index.reverse();
        index
    }

    /// The rows and columns of a matrix.
    ///
    /// # Errors
    /// [`Error::Shape`] if the tensor has not two axes.
    pub fn matrix_shape(&self, what: &str) -> Result<(usize, usize)> {
        match self.shape[..] {
            [rows, cols] => Ok((rows, cols)),
            _ => Err(Error::shape(what, &self.shape, "a matrix: two axes")),
        }
    }

    /// The tensor with its axes in the reverse order, row-major again.
    pub(crate) fn transposed(self) -> Self {
        fn reversed<T: Clone>(shape: &[usize], data: Vec<T>) -> Vec<T> {
            ndarray::ArrayD::from_shape_vec(shape, data)
                .expect("a tensor has as many elements as its shape")
                .t()
                .iter()
                .cloned()
                .collect()
        }
        let data = match self.data {
            TensorData::Real(data) => TensorData::Real(reversed(&self.shape, data)),
            TensorData::Complex(data) => TensorData::Complex(reversed(&self.shape, data)),
        };
        let mut shape = self.shape;
        shape.reverse();
        Self {
            shape,
            data,
            ..self
        }
    }

    /// The real elements.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if the tensor is complex.
    pub(crate) fn into_real(self, what: &str) -> Result<Vec<f64>> {
        match self.data {
            TensorData::Real(data) => Ok(data),
            TensorData::Complex(_) => Err(Error::unsupported(
                what,
                self.dtype.name(),
                "must be real here",
            )),
        }
    }

    /// The elements as complex numbers; real ones get a zero imaginary part.
    fn into_complex(self) -> Vec<Complex<f64>> {
        match self.data {
            TensorData::Real(data) => data.into_iter().map(Complex::from).collect(),
            TensorData::Complex(data) => data,
        }
    }

    /// The tensor as a real matrix.
    ///
    /// # Errors
    /// [`Error::Shape`] if it has not two axes, [`Error::Unsupported`] if it is complex.
    pub fn into_matrix(self, what: &str) -> Result<Array2<f64>> {
        let shape = self.matrix_shape(what)?;
        Ok(array2(shape, self.into_real(what)?))
    }

    /// The tensor as a complex matrix; real elements get a zero imaginary part.
    ///
    /// # Errors
    /// [`Error::Shape`] if it has not two axes.
    pub fn into_complex_matrix(self, what: &str) -> Result<Array2<Complex<f64>>> {
        let shape = self.matrix_shape(what)?;
        Ok(array2(shape, self.into_complex()))
    }

    /// The tensor as a real vector.
    ///
    /// # Errors
    /// [`Error::Shape`] if it has not one axis, [`Error::Unsupported`] if it is complex.
    pub fn into_vector(self, what: &str) -> Result<Array1<f64>> {
        self.check_vector(what)?;
        Ok(Array1::from(self.into_real(what)?))
    }

    /// The tensor as a complex vector; real elements get a zero imaginary part.
    ///
    /// # Errors
    /// [`Error::Shape`] if it has not one axis.
    pub fn into_complex_vector(self, what: &str) -> Result<Array1<Complex<f64>>> {
        self.check_vector(what)?;
        Ok(Array1::from(self.into_complex()))
    }

    fn check_vector(&self, what: &str) -> Result<()> {
        if self.shape.len() == 1 {
            return Ok(());
        }
        Err(Error::shape(what, &self.shape, "a vector: one axis"))
    }
}

fn array2<T>(shape: (usize, usize), data: Vec<T>) -> Array2<T> {
    Array2::from_shape_vec(shape, data).expect("a tensor has as many elements as its shape")
}

fn check_count(what: &str, shape: &[usize], count: usize) -> Result<()> {
    if element_count(shape) == Some(count) {
        return Ok(());
    }
    Err(Error::shape(
        what,
        shape,
        format!("one of {count} elements"),
    ))
}

/// Elements of a tensor of this shape, or nothing if `usize` cannot count them.
///
/// A zero-sized axis beside absurd ones is refused as well: such a shape could not be an array.
pub(crate) fn element_count(shape: &[usize]) -> Option<usize> {
    let mut nonzero = shape.iter().filter(|&&length| length > 0);
    let bound = nonzero.try_fold(1usize, |product, &length| product.checked_mul(length))?;
    if bound > isize::MAX as usize / 16 {
        return None;
    }
    Some(shape.iter().product())
}

/// Bytes of a tensor of this shape, or nothing if `usize` cannot count them.
pub(crate) fn byte_count(shape: &[usize], dtype: Dtype) -> Option<usize> {
    element_count(shape)?.checked_mul(dtype.size())
}

/// The value of one element whose bits are the low bits of `word`; nothing for an inexact integer.
fn number(dtype: Dtype, word: u64) -> Option<f64> {
    Some(match dtype {
        Dtype::Bool => f64::from(u8::from(word != 0)),
        Dtype::U8 | Dtype::U16 | Dtype::U32 => word as f64,
        Dtype::I8 => f64::from(word as u8 as i8),
        Dtype::I16 => f64::from(word as u16 as i16),
        Dtype::I32 => f64::from(word as u32 as i32),
        Dtype::U64 if word <= EXACT_INTEGER => word as f64,
        Dtype::I64 if (word as i64).unsigned_abs() <= EXACT_INTEGER => word as i64 as f64,
        Dtype::U64 | Dtype::I64 => return None,
        Dtype::F16 => half(word as u16),
        Dtype::BF16 => f64::from(f32::from_bits((word as u32) << 16)),
        Dtype::F32 => f64::from(f32::from_bits(word as u32)),
        Dtype::F64 => f64::from_bits(word),
        Dtype::Complex64 | Dtype::Complex128 => unreachable!("complex elements are read by parts"),
    })
}

/// The value of an IEEE 754 binary16: 1 sign, 5 exponent and 10 fraction bits.
pub(crate) fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let exponent = i32::from(bits >> 10 & 0x1f);
    let fraction = f64::from(bits & 0x3ff);
    sign * match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2f64.powi(exponent - 25),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::compare::{not_finite, value};

    fn decode(dtype: Dtype, big_endian: bool, bytes: &[u8]) -> Vec<f64> {
        let count = bytes.len() / dtype.size();
        match Tensor::from_bytes("t", vec![count], dtype, big_endian, bytes)
            .unwrap()
            .data
        {
            TensorData::Real(data) => data,
            TensorData::Complex(data) => data.iter().flat_map(|z| [z.re, z.im]).collect(),
        }
    }

    #[test]
    fn every_element_type_is_converted_exactly_in_both_byte_orders() {
        assert_eq!(decode(Dtype::U8, false, &[255]), [255.0]);
        assert_eq!(decode(Dtype::I8, false, &[255]), [-1.0]);
        assert_eq!(decode(Dtype::I16, true, &[0xff, 0xfe]), [-2.0]);
        assert_eq!(decode(Dtype::U16, true, &[1, 0]), [256.0]);
        assert_eq!(decode(Dtype::I32, false, &(-7i32).to_le_bytes()), [-7.0]);
        assert_eq!(
            decode(Dtype::U32, true, &u32::MAX.to_be_bytes()),
            [4_294_967_295.0]
        );
        assert_eq!(decode(Dtype::I64, true, &(-9i64).to_be_bytes()), [-9.0]);
        assert_eq!(
            decode(Dtype::F32, true, &0.1f32.to_be_bytes()),
            [f64::from(0.1f32)]
        );
        assert_eq!(decode(Dtype::F64, false, &0.1f64.to_le_bytes()), [0.1]);
        assert_eq!(decode(Dtype::BF16, false, &[0x80, 0x3f]), [1.0]);
        let pair = [1.5f32.to_be_bytes(), (-2.0f32).to_be_bytes()].concat();
        assert_eq!(decode(Dtype::Complex64, true, &pair), [1.5, -2.0]);
    }

    /// Values of IEEE 754: largest, smallest normal, smallest subnormal, 1/3 rounded.
    #[test]
    fn halves_have_the_values_of_ieee_754() {
        for (bits, value) in [
            (0x7bffu16, 65504.0),
            (0x0400, 2f64.powi(-14)),
            (0x0001, 2f64.powi(-24)),
            (0x3555, 0.333_251_953_125),
            (0xc000, -2.0),
            (0xfc00, f64::NEG_INFINITY),
        ] {
            assert_eq!(half(bits), value);
        }
        assert!(half(0x7e00).is_nan());
    }

    #[test]
    fn integers_that_are_no_float64_are_refused() {
        let bytes = ((1i64 << 53) + 1).to_le_bytes();
        let error = Tensor::from_bytes("y", vec![1], Dtype::I64, false, &bytes).unwrap_err();
        assert_eq!(
            error.refusal(),
            value("y: element 0", "an integer beyond 2^53")
        );
    }

    #[test]
    fn a_shape_that_its_bytes_do_not_fill_is_refused_without_allocating() {
        for shape in [
            vec![1 << 40],
            vec![usize::MAX, 2],
            vec![0, usize::MAX, 9],
            vec![3],
        ] {
            let error = Tensor::from_bytes("w", shape, Dtype::F32, false, &[0; 8]).unwrap_err();
            assert!(matches!(error, Error::Shape { .. }));
        }
    }

    #[test]
    fn a_number_that_is_not_finite_is_named_with_its_index() {
        let data = vec![0.0, 1.0, 2.0, 3.0, f64::NAN, 5.0];
        let tensor = Tensor::real("w", vec![2, 3], data).unwrap();
        assert_eq!(
            tensor.check_finite("w").unwrap_err().refusal(),
            not_finite("w", "[1, 1]", "NaN")
        );
    }
}
