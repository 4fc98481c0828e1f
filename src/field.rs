//! Planar batches of complex field amplitudes, and the kernels that move them.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, LinalgScalar, Zip, s};
use num_complex::Complex;

/// A precision for fields: `f32` or `f64`.
pub trait Real:
    LinalgScalar
    + num_traits::Float
    + num_traits::FloatConst
    + std::ops::AddAssign
    + std::ops::MulAssign
    + std::fmt::Debug
    + Send
    + Sync
    + Default
    + 'static
{
    /// The nearest value of this precision.
    fn of(value: f64) -> Self;
    /// The same value in double precision.
    fn double(self) -> f64;
}

impl Real for f32 {
    fn of(value: f64) -> Self {
        value as f32
    }
    fn double(self) -> f64 {
        f64::from(self)
    }
}

impl Real for f64 {
    fn of(value: f64) -> Self {
        value
    }
    fn double(self) -> f64 {
        self
    }
}

/// A batch of complex amplitudes, real and imaginary parts apart, each `[mode, sample]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Fields<T> {
    /// Real parts, `[mode, sample]`, row-major.
    pub re: Array2<T>,
    /// Imaginary parts, `[mode, sample]`, row-major.
    pub im: Array2<T>,
}

/// One complex 2×2 in the order of its rows: `[t11, t12, t21, t22]`, row = output, 1 = top.
pub type TwoByTwo = [Complex<f64>; 4];

/// Samples that are walked through the whole mesh together, so that their fields stay in the cache.
const TILE: usize = 64;

/// One step of a walk: a 2×2 on two modes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Upper mode.
    pub top: usize,
    /// Lower mode.
    pub bottom: usize,
    /// The matrix that acts on (top, bottom).
    pub matrix: TwoByTwo,
}

impl<T: Real> Fields<T> {
    /// Dark fields: `modes` modes of `samples` samples.
    pub fn zeros(modes: usize, samples: usize) -> Self {
        Self {
            re: Array2::zeros((modes, samples)),
            im: Array2::zeros((modes, samples)),
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

    /// The complex product of two matrices, `[m, k]` times `[k, n]`, by four real products.
    ///
    /// # Panics
    /// If the inner dimensions differ.
    pub fn times(&self, other: &Self) -> Self {
        let mut out = Self {
            re: self.re.dot(&other.re),
            im: self.re.dot(&other.im),
        };
        general_mat_mul(-T::one(), &self.im, &other.im, T::one(), &mut out.re);
        general_mat_mul(T::one(), &self.im, &other.re, T::one(), &mut out.im);
        out
    }

    /// Applies `steps` in their order to every sample.
    ///
    /// # Panics
    /// If a step names a mode that does not exist, or one mode twice.
    pub fn walk(&mut self, steps: impl Iterator<Item = Step> + Clone) {
        let samples = self.samples();
        let re = self
            .re
            .as_slice_mut()
            .expect("fields are stored in standard layout");
        let im = self
            .im
            .as_slice_mut()
            .expect("fields are stored in standard layout");
        let mut start = 0;
        while start < samples {
            let len = TILE.min(samples - start);
            for step in steps.clone() {
                let (top, bottom) = (step.top * samples + start, step.bottom * samples + start);
                let m = step.matrix.map(|z| (T::of(z.re), T::of(z.im)));
                let (re1, re2) = pair(re, top, bottom, len);
                let (im1, im2) = pair(im, top, bottom, len);
                rotate(m, re1, im1, re2, im2);
            }
            start += len;
        }
    }
}

/// The slices of `len` elements at `a` and `b`, which must not overlap.
fn pair<T>(data: &mut [T], a: usize, b: usize, len: usize) -> (&mut [T], &mut [T]) {
    if a < b {
        let (low, high) = data.split_at_mut(b);
        (&mut low[a..a + len], &mut high[..len])
    } else {
        let (low, high) = data.split_at_mut(a);
        (&mut high[..len], &mut low[b..b + len])
    }
}

/// Applies one complex 2×2 to a tile of samples of two modes.
#[inline]
fn rotate<T: Real>(m: [(T, T); 4], re1: &mut [T], im1: &mut [T], re2: &mut [T], im2: &mut [T]) {
    let [(ar, ai), (br, bi), (cr, ci), (dr, di)] = m;
    let n = re1.len();
    let (im1, re2, im2) = (&mut im1[..n], &mut re2[..n], &mut im2[..n]);
    for k in 0..n {
        let (xr, xi, yr, yi) = (re1[k], im1[k], re2[k], im2[k]);
        re1[k] = ar * xr - ai * xi + br * yr - bi * yi;
        im1[k] = ar * xi + ai * xr + br * yi + bi * yr;
        re2[k] = cr * xr - ci * xi + dr * yr - di * yi;
        im2[k] = cr * xi + ci * xr + dr * yi + di * yr;
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
    }

    #[test]
    fn a_step_multiplies_the_pair_of_amplitudes_by_its_matrix() {
        let c = |re, im| Complex::new(re, im);
        let matrix = [c(0.1, 0.2), c(-0.3, 0.4), c(0.5, -0.6), c(0.7, 0.8)];
        let x = [c(1.0, -2.0), c(0.25, 3.0)];
        for (top, bottom) in [(0, 2), (2, 0)] {
            // 130 samples: two whole tiles and a rest.
            let mut fields = Fields::<f64>::zeros(3, 130);
            for (mode, z) in [(top, x[0]), (bottom, x[1])] {
                fields.re.row_mut(mode).fill(z.re);
                fields.im.row_mut(mode).fill(z.im);
            }
            fields.walk(std::iter::once(Step {
                top,
                bottom,
                matrix,
            }));
            let expected = [
                matrix[0] * x[0] + matrix[1] * x[1],
                matrix[2] * x[0] + matrix[3] * x[1],
            ];
            for sample in 0..130 {
                for (mode, z) in [(top, expected[0]), (bottom, expected[1])] {
                    let got = c(fields.re[[mode, sample]], fields.im[[mode, sample]]);
                    assert!((got - z).norm() < 1e-15);
                }
                assert_eq!(fields.re[[1, sample]], 0.0);
            }
        }
    }
}
