//! Products with constant weights, and whoever computes them.

use std::borrow::Cow;

use ndarray::{Array2, s};
use num_complex::Complex;

use super::batch::{Batch, Readout};
use crate::error::{Error, Result};
use crate::field::Real;

/// Most entries of the matrix of several groups, zeros between them included.
const WHOLE_LIMIT: usize = 1 << 24;

/// Number of a [`Linear`] in its network: layer `k` of a chain multiplies by map `k`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinearId(pub usize);

/// Where in a run a product is computed: the address of every random number of its shots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At {
    /// Number of the operation in the network: in a chain that of the layer. Two nodes may multiply by one map.
    pub node: usize,
    /// Number of the block of samples in the data.
    pub block: u64,
}

/// Whoever multiplies by the constant weights of a network: a computer ([`Digital`](super::Digital)), a chip
/// ([`Processor`](crate::processor::Processor)), a test that counts.
pub trait Linears<T: Real>: Sync {
    /// `map · columns`, `[in, column]` → `[out, column]`, at the place `at` of a run.
    ///
    /// # Errors
    /// Whatever keeps it from computing the product.
    fn multiply(&self, map: LinearId, columns: Batch<T>, at: At) -> Result<Batch<T>>;

    /// The network's outputs, `[output, sample]`, of its last `signals`: as `readout` says, but for who has squared them
    /// already.
    fn read(&self, readout: Readout, signals: Batch<T>) -> Array2<T> {
        readout.read(signals)
    }
}

/// A product of a network with constant weights.
#[derive(Debug, Clone, PartialEq)]
pub struct Linear {
    /// Its name, for example `0` or `fc1`.
    pub name: String,
    /// `[out, in]` each, all of one shape. Inputs and outputs are split into as many equal runs, and each group leads from
    /// its run of inputs to its run of outputs; a dense layer has one group.
    pub groups: Vec<Weight>,
    /// Columns of inputs that one sample gives: 1 in a dense layer.
    pub columns: usize,
}

/// A weight matrix, `[out, in]`.
#[derive(Debug, Clone, PartialEq)]
pub enum Weight {
    /// Real weights.
    Real(Array2<f64>),
    /// Complex weights.
    Complex(Array2<Complex<f64>>),
}

impl Linear {
    /// The product of a dense layer.
    pub fn dense(name: impl Into<String>, weight: Weight) -> Self {
        Self {
            name: name.into(),
            groups: vec![weight],
            columns: 1,
        }
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.groups.iter().map(Weight::outputs).sum()
    }

    /// Number of inputs.
    pub fn inputs(&self) -> usize {
        self.groups.iter().map(Weight::inputs).sum()
    }

    /// Number of weights that are stored; a complex one counts once.
    pub fn weights(&self) -> usize {
        let weights = self.groups.iter();
        weights
            .map(|weight| weight.outputs() * weight.inputs())
            .sum()
    }

    /// Number of multiply-accumulates that one sample costs, counted in the map's own numbers.
    pub fn products(&self) -> usize {
        self.columns * self.weights()
    }

    /// Whether weights are complex.
    pub fn is_complex(&self) -> bool {
        self.groups.iter().any(Weight::is_complex)
    }

    /// Whether all weights are 0.
    pub fn is_zero(&self) -> bool {
        self.groups.iter().all(Weight::is_zero)
    }

    /// All groups as one matrix, `[out, in]`, with zeros where they do not lead.
    pub fn whole(&self) -> Cow<'_, Weight> {
        if let [only] = &self.groups[..] {
            return Cow::Borrowed(only);
        }
        let shape = (self.outputs(), self.inputs());
        Cow::Owned(match self.is_complex() {
            true => Weight::Complex(diagonal(shape, self.groups.iter().map(Weight::to_complex))),
            false => {
                let real = self.groups.iter().filter_map(|weight| match weight {
                    Weight::Real(weight) => Some(weight.clone()),
                    Weight::Complex(_) => None,
                });
                Weight::Real(diagonal(shape, real))
            }
        })
    }

    /// Fails unless there are weights, all groups alike, and the numbers finite and of a usual size.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::NotFinite`] or [`Error::Value`].
    pub fn check(&self) -> Result<()> {
        let shape = |weight: &Weight| [weight.outputs(), weight.inputs()];
        let first = self.groups.first().map_or([0, 0], shape);
        if first.contains(&0) {
            return Err(Error::shape(
                "weight",
                first,
                "[out, in] with none of them 0",
            ));
        }
        for weight in &self.groups {
            if shape(weight) != first {
                let limit = format!("{first:?}, as the first group of this map");
                return Err(Error::shape("weight", shape(weight), limit));
            }
            weight.check_finite()?;
            weight.check_size::<f64>()?;
        }
        if self.groups.len() > 1 && self.outputs().saturating_mul(self.inputs()) > WHOLE_LIMIT {
            let limit = format!("of at most {WHOLE_LIMIT} entries with all groups in one matrix");
            return Err(Error::shape(
                "weight",
                [self.outputs(), self.inputs()],
                limit,
            ));
        }
        Ok(())
    }

    /// Fails unless the weights can be computed with at precision `T`.
    pub(super) fn check_size<T: Real>(&self) -> Result<()> {
        self.groups.iter().try_for_each(Weight::check_size::<T>)
    }
}

/// `blocks` along the diagonal of a matrix of `shape`.
fn diagonal<A: Clone + num_traits::Zero>(
    shape: (usize, usize),
    blocks: impl Iterator<Item = Array2<A>>,
) -> Array2<A> {
    let mut whole = Array2::zeros(shape);
    let (mut row, mut col) = (0, 0);
    for block in blocks {
        let (rows, cols) = block.dim();
        whole
            .slice_mut(s![row..row + rows, col..col + cols])
            .assign(&block);
        (row, col) = (row + rows, col + cols);
    }
    whole
}

impl Weight {
    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        match self {
            Self::Real(w) => w.nrows(),
            Self::Complex(w) => w.nrows(),
        }
    }

    /// Number of inputs.
    pub fn inputs(&self) -> usize {
        match self {
            Self::Real(w) => w.ncols(),
            Self::Complex(w) => w.ncols(),
        }
    }

    /// Whether the weights are complex.
    pub fn is_complex(&self) -> bool {
        matches!(self, Self::Complex(_))
    }

    /// Whether all weights are 0.
    pub fn is_zero(&self) -> bool {
        match self {
            Self::Real(w) => w.iter().all(|value| *value == 0.0),
            Self::Complex(w) => w.iter().all(|value| *value == Complex::ZERO),
        }
    }

    /// The weights as complex numbers.
    pub fn to_complex(&self) -> Array2<Complex<f64>> {
        match self {
            Self::Real(w) => w.mapv(Complex::from),
            Self::Complex(w) => w.clone(),
        }
    }

    fn check_finite(&self) -> Result<()> {
        match self {
            Self::Real(w) => first_bad(w.indexed_iter().map(|(at, x)| (at, *x, 0.0))),
            Self::Complex(w) => first_bad(w.indexed_iter().map(|(at, z)| (at, z.re, z.im))),
        }
        .map_or(Ok(()), |((row, column), got)| {
            Err(not_finite("weight", format!("[{row}, {column}]"), got))
        })
    }

    /// Fails unless the squares of the largest weights are numbers, at precision `T` far from the smallest ones.
    fn check_size<T: Real>(&self) -> Result<()> {
        let largest = match self {
            Self::Real(w) => w.iter().fold(0.0, |most, x| x.abs().max(most)),
            Self::Complex(w) => w.iter().fold(0.0, |most, z| z.norm().max(most)),
        };
        // Sums of many squares, too, and what trained weights have below their largest one.
        let reach = T::max_value().double().sqrt() / 1e4;
        if largest == 0.0 || (reach.recip()..=reach).contains(&largest) {
            return Ok(());
        }
        let limit = format!(
            "with the largest from {:.0e} to {reach:.0e} in {} precision, or all 0",
            reach.recip(),
            if size_of::<T>() == 4 {
                "single"
            } else {
                "double"
            }
        );
        Err(Error::value("weight", format!("{largest:e}"), limit))
    }
}

pub(super) fn first_bad<I>(mut values: impl Iterator<Item = (I, f64, f64)>) -> Option<(I, f64)> {
    values
        .find(|(_, re, im)| !(re.is_finite() && im.is_finite()))
        .map(|(at, re, im)| (at, if re.is_finite() { im } else { re }))
}

pub(super) fn not_finite(what: &str, index: String, got: f64) -> Error {
    Error::NotFinite {
        what: what.to_owned(),
        index,
        got: got.to_string(),
    }
}
