//! NumPy arrays, and whatever NumPy takes for one, as the library's arrays and back.
//!
//! Memory is copied once: the library must own what it works on while other threads of Python may write. Only numbers
//! in a format that no Rust type has (another byte order, 16 bits, unaligned) are converted by NumPy before that. What does
//! not fit into memory is refused before it is copied.

use lightloom::io::Tensor;
use lightloom::io::npy::{Array, Texts};
use lightloom::linalg::{C64, Matrix};
use lightloom::nn::{Samples, Weight};
use lightloom::{Error, Result};
use ndarray::{Array1, Array2, ArrayD, Dimension, Ix1, Ix2};
use num_complex::Complex;
use numpy::{Element, IntoPyArray, PyArray2, PyArrayDyn, PyArrayMethods};
use pyo3::exceptions::PyMemoryError;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::named::{written, wrong_type};
use crate::refusal::raise;

/// An array of numbers, as NumPy holds it.
struct Given<'a, 'py> {
    /// What errors call it.
    what: &'a str,
    array: Bound<'py, PyAny>,
    /// The letter of its kind of numbers: `b`, `i`, `u`, `f` or `c`.
    kind: char,
    /// Bytes of a number.
    size: usize,
}

impl<'a, 'py> Given<'a, 'py> {
    /// What NumPy makes of `object`.
    fn new(what: &'a str, object: &Bound<'py, PyAny>) -> PyResult<Self> {
        Self::of_array(what, as_array(object)?, "real or complex numbers")
    }

    /// `array`, whose numbers must be `limit`.
    fn of_array(what: &'a str, array: Bound<'py, PyAny>, limit: &str) -> PyResult<Self> {
        let dtype = array.getattr("dtype")?;
        let kind: char = dtype.getattr("kind")?.extract()?;
        if !"biufc".contains(kind) {
            return Err(raise(Error::value(
                format!("dtype of {what}"),
                dtype,
                limit,
            )));
        }
        let size = dtype.getattr("itemsize")?.extract()?;
        let is_aligned: bool = array.getattr("flags")?.getattr("aligned")?.extract()?;
        let array = match is_aligned {
            true => array,
            false => array.call_method0("copy")?,
        };
        Ok(Self {
            what,
            array,
            kind,
            size,
        })
    }

    /// Fails if the numbers are complex; `limit` says what they must be.
    fn check_real(&self, limit: &str) -> PyResult<()> {
        match self.kind {
            'c' => {
                let dtype = self.array.getattr("dtype")?;
                let what = format!("dtype of {}", self.what);
                Err(raise(Error::value(what, dtype, limit)))
            }
            _ => Ok(()),
        }
    }

    /// The numbers row by row, each as `convert` makes it, if they are of type `T`.
    fn of<T: Element + Copy, U>(&self, convert: impl Fn(T) -> U) -> Option<PyResult<ArrayD<U>>> {
        let array = self.array.cast::<PyArrayDyn<T>>().ok()?.readonly();
        let view = array.as_array();
        let mut numbers = Vec::new();
        if numbers.try_reserve_exact(view.len()).is_err() {
            return Some(Err(too_large(self.what, view.shape(), size_of::<U>())));
        }
        numbers.extend(view.iter().map(|number| convert(*number)));
        let rows = ArrayD::from_shape_vec(view.shape(), numbers);
        Some(Ok(rows.expect("an array has as many numbers as its shape")))
    }

    /// The numbers row by row, as NumPy converts them to `T`, which is called `dtype`.
    fn cast<T: Element + Copy>(&self, dtype: &str) -> PyResult<ArrayD<T>> {
        let array = self.array.call_method1("astype", (dtype,))?;
        let array = Self { array, ..*self };
        array
            .of(|number: T| number)
            .expect("NumPy has converted it")
    }

    fn doubles(&self) -> PyResult<ArrayD<f64>> {
        self.check_real("real numbers")?;
        let same = self.of(|x: f64| x).or_else(|| self.of(|x: f32| x.into()));
        same.unwrap_or_else(|| self.cast("float64"))
    }

    fn complex(&self) -> PyResult<ArrayD<C64>> {
        let double = |z: Complex<f32>| C64::new(z.re.into(), z.im.into());
        let same = self.of(|z: C64| z).or_else(|| self.of(double));
        let same = same.or_else(|| self.of(|x: f64| x.into()));
        same.unwrap_or_else(|| self.cast("complex128"))
    }
}

/// What NumPy makes of `object`.
fn as_array<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let numpy = object.py().import("numpy")?;
    numpy.call_method1("asarray", (object,))
}

/// The exception for `what` of this `shape`, whose numbers of `size` bytes do not fit into memory.
fn too_large(what: &str, shape: &[usize], size: usize) -> PyErr {
    let numbers: f64 = shape.iter().map(|length| *length as f64).product();
    let gib = numbers * size as f64 / (1u64 << 30) as f64;
    PyMemoryError::new_err(format!(
        "{what} has shape {shape:?}: a copy takes {gib:.1} GiB, which this machine does not have free"
    ))
}

/// `array` in the number of axes that `limit` describes.
fn with_axes<T, D: Dimension>(
    what: &str,
    array: ArrayD<T>,
    limit: &str,
) -> PyResult<ndarray::Array<T, D>> {
    let shape = array.shape().to_vec();
    let array = array.into_dimensionality::<D>();
    array.map_err(|_| raise(Error::shape(what, shape, limit)))
}

/// The complex numbers of `object`, row by row.
pub fn complex(what: &str, object: &Bound<'_, PyAny>) -> PyResult<ArrayD<C64>> {
    Given::new(what, object)?.complex()
}

/// The complex `[mode, mode]` or `[batch, mode, mode]` of `object`.
pub fn matrices(what: &str, object: &Bound<'_, PyAny>) -> PyResult<ArrayD<C64>> {
    let given = Given::new(what, object)?;
    let shape: Vec<usize> = given.array.getattr("shape")?.extract()?;
    match shape.len() {
        2 | 3 => given.complex(),
        _ => {
            let limit = "[mode, mode] or [batch, mode, mode]";
            Err(raise(Error::shape(what, shape, limit)))
        }
    }
}

/// The complex `[sample, mode]` of `object`, all of them finite.
pub fn fields(what: &str, object: &Bound<'_, PyAny>) -> PyResult<Array2<C64>> {
    let rows = with_axes::<_, Ix2>(what, complex(what, object)?, "[sample, mode]")?;
    match rows.indexed_iter().find(|(_, z)| !z.is_finite()) {
        None => Ok(rows),
        Some(((sample, mode), z)) => Err(raise(Error::NotFinite {
            what: what.to_owned(),
            index: format!("[{sample}, {mode}]"),
            got: z.to_string(),
        })),
    }
}

/// The real numbers of `object`, row by row.
pub fn doubles(what: &str, object: &Bound<'_, PyAny>) -> PyResult<ArrayD<f64>> {
    Given::new(what, object)?.doubles()
}

/// The labels of `object`: numbers, or texts, of NumPy's own types or a str each.
pub fn labels(what: &str, object: &Bound<'_, PyAny>) -> PyResult<Array> {
    let mut array = as_array(object)?;
    let kind: char = array.getattr("dtype")?.getattr("kind")?.extract()?;
    let shape: Vec<usize> = array.getattr("shape")?.extract()?;
    if kind == 'S' {
        array = array.call_method1("astype", ("U",))?;
    }
    let texts = match kind {
        'U' | 'S' | 'T' | 'O' => array.call_method0("ravel")?.call_method0("tolist")?,
        _ => {
            let numbers = Given::of_array(what, array, "numbers or texts")?.doubles()?;
            let numbers = Tensor::real(what, shape, numbers.into_iter().collect());
            return numbers.map(Array::Numbers).map_err(raise);
        }
    };
    let texts: Vec<Bound<'_, PyAny>> = texts.extract()?;
    if let Some(other) = texts.iter().find(|text| !text.is_instance_of::<PyString>()) {
        let limit = "a number or a str each, all of one kind";
        return Err(wrong_type(what, &written(other)?, limit));
    }
    let texts = texts.iter().map(|text| text.extract::<String>());
    let texts = texts.collect::<PyResult<_>>()?;
    Ok(Array::Texts(Texts { shape, texts }))
}

/// The targets `[sample, output]` of `object`.
pub fn targets(what: &str, object: &Bound<'_, PyAny>) -> PyResult<Array2<f64>> {
    with_axes(what, doubles(what, object)?, "[sample, output]")
}

/// The weight `[out, in]` of `object`, complex if its numbers are.
pub fn weight(what: &str, object: &Bound<'_, PyAny>) -> PyResult<Weight> {
    let given = Given::new(what, object)?;
    let limit = "[out, in]";
    Ok(match given.kind {
        'c' => Weight::Complex(with_axes::<_, Ix2>(what, given.complex()?, limit)?),
        _ => Weight::Real(with_axes::<_, Ix2>(what, given.doubles()?, limit)?),
    })
}

/// The bias `[out]` of `object`, complex if its numbers are.
pub fn bias(what: &str, object: &Bound<'_, PyAny>) -> PyResult<lightloom::nn::Bias> {
    use lightloom::nn::Bias;
    let given = Given::new(what, object)?;
    let limit = "[out]";
    Ok(match given.kind {
        'c' => Bias::Complex(with_axes::<_, Ix1>(what, given.complex()?, limit)?),
        _ => Bias::Real(with_axes::<_, Ix1>(what, given.doubles()?, limit)?),
    })
}

/// Samples with the lengths of the axes of one.
pub struct Sampled {
    /// `[sample, feature]`, row by row.
    pub samples: Samples,
    /// The axes of a sample.
    pub axes: Vec<usize>,
}

/// The samples `[sample, …]` of `object`, in the smallest type of the library that holds its numbers exactly: bytes stay
/// bytes.
pub fn samples(what: &str, object: &Bound<'_, PyAny>) -> PyResult<Sampled> {
    let given = Given::new(what, object)?;
    given.check_real(
        "real numbers: complex amplitudes enter as numpy.hstack([x.real, x.imag]), of a network with encoding=\"complex-halves\"",
    )?;
    let (samples, axes) = match (given.kind, given.size) {
        ('u', 1) => by_sample(what, given.cast_or(|x: u8| x, "uint8")?)?,
        ('f', 2 | 4) | ('i' | 'u' | 'b', 1 | 2) => {
            by_sample(what, given.cast_or(|x: f32| x, "float32")?)?
        }
        _ => by_sample(what, given.doubles()?)?,
    };
    Ok(Sampled { samples, axes })
}

impl Given<'_, '_> {
    /// The numbers row by row if they are of type `T`, else as NumPy converts them to it.
    fn cast_or<T: Element + Copy>(&self, same: fn(T) -> T, dtype: &str) -> PyResult<ArrayD<T>> {
        self.of(same).unwrap_or_else(|| self.cast(dtype))
    }
}

/// `x` as one row a sample, and the axes of a sample.
fn by_sample<T>(what: &str, x: ArrayD<T>) -> PyResult<(Samples, Vec<usize>)>
where
    Samples: From<Array2<T>>,
{
    let [samples, axes @ ..] = x.shape() else {
        let limit = "[sample, feature], or [sample, …] of several axes";
        return Err(raise(Error::shape(what, x.shape(), limit)));
    };
    let (shape, axes) = ((*samples, axes.iter().product()), axes.to_vec());
    if axes.is_empty() {
        let limit = "[sample, feature], or [sample, …] of several axes";
        return Err(raise(Error::shape(what, x.shape(), limit)));
    }
    let (numbers, _) = x.into_raw_vec_and_offset();
    let rows = Array2::from_shape_vec(shape, numbers);
    let rows = rows.expect("an array has as many numbers as its shape");
    Ok((rows.into(), axes))
}

/// The matrix as an array of Python's, `[row, column]`.
pub fn matrix<'py>(py: Python<'py>, matrix: &Matrix) -> Bound<'py, PyArray2<C64>> {
    Array2::from_shape_fn(matrix.shape(), |(row, col)| matrix[(row, col)]).into_pyarray(py)
}

/// One number or one a feature: a number, or an array of any shape.
pub fn per_feature(what: &str, object: &Bound<'_, PyAny>) -> PyResult<lightloom::nn::PerFeature> {
    let numbers = doubles(what, object)?;
    let is_single = numbers.ndim() == 0;
    let numbers: Array1<f64> = numbers.into_iter().collect();
    Ok(match is_single {
        true => numbers[0].into(),
        false => numbers.to_vec().into(),
    })
}

/// `array`, which nobody may write: a getter gives it, and to write it would change nothing.
pub fn read_only<'py, T>(array: Bound<'py, T>) -> PyResult<Bound<'py, T>> {
    array.as_any().call_method1("setflags", (false,))?;
    Ok(array)
}

/// `result`, said to lie within the `index`-th of `what`.
pub fn within<T>(what: &str, index: usize, result: Result<T>) -> Result<T> {
    result.map_err(|error| error.within(format_args!("{what}[{index}]")))
}
