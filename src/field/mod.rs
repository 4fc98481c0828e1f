//! Planar batches of complex field amplitudes, and the kernels that move them.

mod columns;
mod matrices;
mod peak;
mod product;
mod real;
mod rotate;
mod tile;
mod walk;

pub use crate::simd::InstructionSet;
pub(crate) use columns::ColumnWalk;
pub(crate) use matrices::fetch;
pub(crate) use matrices::{BLOCK, Matrices, MatrixSource, Parts, matrix_of};
pub use peak::{peak_gflops_f32, peak_gflops_f64};
pub(crate) use product::Product;
pub(crate) use real::sealed::Lanes;
pub use real::{Precision, Real};
pub(crate) use rotate::{ByColumns, ByDiagonals, Rotation, Rotations, Side, side};
pub(crate) use walk::{Carried, Direction, Passage, Route, Walk, pull};

use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, ArrayView2, ArrayViewMut2, Axis, Zip, s};
use num_complex::Complex;

use crate::error::{Error, Result};

/// A batch of complex amplitudes, real and imaginary parts apart, each `[mode, sample]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Fields<T> {
    // Of one shape and in standard layout, as kernels take them.
    pub(crate) re: Array2<T>,
    pub(crate) im: Array2<T>,
}

/// One complex 2×2 in the order of its rows: `[t11, t12, t21, t22]`, row = output, 1 = top.
pub type TwoByTwo = [Complex<f64>; 4];

impl<T: Real> Fields<T> {
    /// Fields of these real and imaginary parts, each `[mode, sample]` in any memory layout.
    ///
    /// # Errors
    /// [`Error::Shape`] if the two differ in shape.
    pub fn new(re: ArrayView2<'_, T>, im: ArrayView2<'_, T>) -> Result<Self> {
        if re.dim() != im.dim() {
            let limit = format!("{:?}, that of the real parts", re.shape());
            return Err(Error::shape("imaginary parts", im.shape(), limit));
        }
        let [re, im] = [re, im].map(|part| part.as_standard_layout().into_owned());
        Ok(Self { re, im })
    }

    /// Real parts, `[mode, sample]`.
    pub fn re(&self) -> ArrayView2<'_, T> {
        self.re.view()
    }

    /// Imaginary parts, `[mode, sample]`.
    pub fn im(&self) -> ArrayView2<'_, T> {
        self.im.view()
    }

    /// Dark fields: `modes` modes of `samples` samples.
    pub fn zeros(modes: usize, samples: usize) -> Self {
        Self {
            re: aligned(modes, samples),
            im: aligned(modes, samples),
        }
    }

    /// Light in one mode a sample: sample `k` has amplitude 1 in mode `k`, for the first `samples` modes.
    pub fn basis(modes: usize, samples: usize) -> Self {
        let mut fields = Self::zeros(modes, samples);
        for k in 0..samples.min(modes) {
            fields.re[[k, k]] = T::one();
        }
        fields
    }

    /// Number of modes.
    pub fn modes(&self) -> usize {
        self.re.nrows()
    }

    /// Number of samples.
    pub fn samples(&self) -> usize {
        self.re.ncols()
    }

    /// Total power of all modes and samples, `Σ |a|²`.
    pub fn power(&self) -> f64 {
        self.re
            .iter()
            .chain(&self.im)
            .map(|x| x.double().powi(2))
            .sum()
    }

    /// Multiplies every mode by its own complex factor.
    ///
    /// # Panics
    /// If there is not one factor per mode.
    pub fn scale_modes(&mut self, factors: &[Complex<f64>]) {
        assert_eq!(factors.len(), self.modes(), "one factor per mode");
        for (mode, factor) in factors.iter().enumerate() {
            let (c, s) = (T::of(factor.re), T::of(factor.im));
            Zip::from(self.re.row_mut(mode))
                .and(self.im.row_mut(mode))
                .for_each(|re, im| (*re, *im) = (c * *re - s * *im, s * *re + c * *im));
        }
    }

    /// Multiplies every sample by its own complex factor.
    ///
    /// # Panics
    /// If there is not one factor per sample.
    pub(crate) fn scale_samples(&mut self, factors: &[Complex<f64>]) {
        assert_eq!(factors.len(), self.samples(), "one factor per sample");
        let factors: Vec<(T, T)> = factors.iter().map(|z| (T::of(z.re), T::of(z.im))).collect();
        for (mut re, mut im) in self.re.rows_mut().into_iter().zip(self.im.rows_mut()) {
            for ((re, im), (c, s)) in re.iter_mut().zip(&mut im).zip(&factors) {
                (*re, *im) = (*c * *re - *s * *im, *s * *re + *c * *im);
            }
        }
    }

    /// The complex conjugates.
    #[must_use]
    pub(crate) fn conjugated(mut self) -> Self {
        self.im.mapv_inplace(|x| -x);
        self
    }

    /// The first `modes` modes of the first `samples` samples.
    ///
    /// # Panics
    /// If there are fewer.
    #[must_use]
    pub fn crop(self, modes: usize, samples: usize) -> Self {
        if self.re.dim() == (modes, samples) {
            return self;
        }
        let part = |part: &Array2<T>| part.slice(s![..modes, ..samples]).to_owned();
        Self {
            re: part(&self.re),
            im: part(&self.im),
        }
    }

    /// The complex product of two matrices, `[m, k]` times `[k, n]`, by three real products:
    /// (A + iB)(C + iD) = AC − BD + i ((A + B)(C + D) − AC − BD). Errors are those of rounding relative to the norms of the
    /// factors, not to each part: Higham, SIAM J. Matrix Anal. Appl. 13, 681 (1992).
    ///
    /// # Panics
    /// If the inner dimensions differ.
    pub fn times(&self, other: &Self) -> Self {
        self.times_parts(other.re.view(), other.im.view())
    }

    /// [`times`](Self::times) the transposed matrix, `[m, k]` times `[n, k]`.
    ///
    /// # Panics
    /// If the inner dimensions differ.
    pub(crate) fn times_transposed(&self, other: &Self) -> Self {
        self.times_parts(other.re.t(), other.im.t())
    }

    fn times_parts(&self, other_re: ArrayView2<'_, T>, other_im: ArrayView2<'_, T>) -> Self {
        let re = self.re.dot(&other_re);
        let crossed = self.im.dot(&other_im);
        let mut im = &re + &crossed;
        let sums = (&self.re + &self.im, &other_re + &other_im);
        general_mat_mul(T::one(), &sums.0, &sums.1, -T::one(), &mut im);
        Self {
            re: re - &crossed,
            im,
        }
    }

    /// The transposed matrix.
    #[must_use]
    pub fn transposed(&self) -> Self {
        Self {
            re: transposed(&self.re),
            im: transposed(&self.im),
        }
    }
}

/// Zeros that begin at a line of the cache: rows of whole lines then share none.
fn aligned<T: Real>(rows: usize, cols: usize) -> Array2<T> {
    const LINE: usize = 64;
    let (count, spare) = (rows * cols, LINE / size_of::<T>());
    let room = Array1::<T>::zeros(count + spare);
    let ahead = room.as_ptr().align_offset(LINE).min(spare);
    room.slice_move(s![ahead..ahead + count])
        .into_shape_with_order((rows, cols))
        .expect("as many elements as rows times columns")
}

/// The transposed array, in standard layout.
fn transposed<T: Real>(array: &Array2<T>) -> Array2<T> {
    let mut turned = Array2::zeros((array.ncols(), array.nrows()));
    assign_turned(turned.view_mut(), array.t(), |x| x);
    turned
}

/// The same array in standard layout, copied only where it is not.
pub(crate) fn by_rows<T: Real>(array: Array2<T>) -> Array2<T> {
    if array.is_standard_layout() {
        return array;
    }
    let mut by_row = Array2::zeros(array.dim());
    assign_turned(by_row.view_mut(), array.view(), |x| x);
    by_row
}

/// Copies `from`, whose columns stand in order in memory, to `into`, whose rows do, as `convert` says: a strip of columns at
/// a time, so that lines of the cache are used while they are there.
pub(crate) fn assign_turned<A: Copy, B>(
    mut into: ArrayViewMut2<'_, B>,
    from: ArrayView2<'_, A>,
    convert: impl Fn(A) -> B,
) {
    const STRIP: usize = 16;
    let strips = from.axis_chunks_iter(Axis(1), STRIP);
    for (into, from) in into.axis_chunks_iter_mut(Axis(1), STRIP).zip(strips) {
        Zip::from(into)
            .and(from)
            .for_each(|into, from| *into = convert(*from));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_of_fields_is_the_complex_product() {
        let matrix = |rows, cols, seed: f64| Fields::<f64> {
            re: Array2::from_shape_fn((rows, cols), |(r, c)| {
                (seed + 3.0 * r as f64).sin() + c as f64
            }),
            im: Array2::from_shape_fn((rows, cols), |(r, c)| (seed * c as f64).cos() - r as f64),
        };
        let (a, b) = (matrix(3, 4, 0.3), matrix(4, 2, 1.7));
        let product = a.times(&b);
        let at = |m: &Fields<f64>, r, c| Complex::new(m.re[[r, c]], m.im[[r, c]]);
        for row in 0..3 {
            for col in 0..2 {
                let sum: Complex<f64> = (0..4).map(|k| at(&a, row, k) * at(&b, k, col)).sum();
                assert!((at(&product, row, col) - sum).norm() < 1e-13);
            }
        }
        assert_eq!(product.clone().crop(2, 1).re.dim(), (2, 1));
        let other = b.transposed().times(&a.transposed());
        assert_eq!(other.transposed(), product);
    }
}
