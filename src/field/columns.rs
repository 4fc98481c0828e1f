//! The walk of a few samples: vectorized over the MZIs of a column, where a batch has too few samples to fill registers.
//!
//! Even and odd modes stand in arrays of their own. The MZIs of a column then join `even[k]` with `odd[k]`, or `odd[k]` with
//! `even[k + 1]`: whole registers without shuffles. Pairs without an MZI have the identity.

use num_complex::Complex;
use pulp::{Arch, Simd, WithSimd, bytemuck};

use super::{Fields, Matrices, Real};

/// Lanes of the widest register (f32 on 512 bits): arrays are padded to multiples of it.
const LANES: usize = 16;
/// Arrays of one column: real and imaginary parts of t11, t12, t21, t22.
const PARTS: usize = 8;

/// A walk column by column, for meshes of neighbouring modes.
#[derive(Debug, Clone)]
pub(crate) struct ColumnWalk<T> {
    modes: usize,
    /// Length of the array of one part, which covers all pairs of a column.
    stride: usize,
    /// Whether the first pair of each column starts at an odd mode.
    is_odd: Vec<bool>,
    /// `[column][part][pair]`.
    parts: Vec<T>,
    ends: Vec<(T, T)>,
}

impl<T: Real> ColumnWalk<T> {
    /// The walk through the MZIs of `matrices` on the modes (top, bottom) that `pair` says for each, in the order of light,
    /// then a factor on each mode; none if an MZI joins distant modes.
    pub fn new(
        pair: impl Fn(usize) -> (usize, usize),
        matrices: &Matrices,
        factors: &[Complex<f64>],
    ) -> Option<Self> {
        let modes = factors.len();
        let stride = (modes / 2 + 1).next_multiple_of(LANES);
        let mut next = vec![0; modes];
        let mut is_odd: Vec<bool> = Vec::new();
        let mut parts: Vec<T> = Vec::new();
        for (index, matrix) in matrices.iter().enumerate() {
            let (top, bottom) = pair(index);
            let (upper, lower) = (top.min(bottom), top.max(bottom));
            if lower - upper != 1 || lower >= modes {
                return None;
            }
            // Columns alternate: this one's pairs start at the parity of `upper`.
            let free: usize = next[upper].max(next[lower]);
            let column = free + (free + upper) % 2;
            while is_odd.len() <= column {
                is_odd.push(is_odd.len() % 2 == 1);
                let start = parts.len();
                parts.resize(start + PARTS * stride, T::zero());
                // Real parts of t11 and t22.
                parts[start..start + stride].fill(T::one());
                parts[start + 6 * stride..start + 7 * stride].fill(T::one());
            }
            next[upper] = column + 1;
            next[lower] = column + 1;
            let [a, b, c, d] = matrix;
            let matrix = if top < bottom {
                [a, b, c, d]
            } else {
                [d, c, b, a]
            };
            for (part, value) in matrix.iter().flat_map(|z| [z.re, z.im]).enumerate() {
                parts[(column * PARTS + part) * stride + upper / 2] = T::of(value);
            }
        }
        Some(Self {
            modes,
            stride,
            is_odd,
            parts,
            ends: factors.iter().map(|z| (T::of(z.re), T::of(z.im))).collect(),
        })
    }

    /// Sends every sample of `fields` through the mesh with an instruction set of this machine, one after the other.
    ///
    /// # Panics
    /// If `fields` has another number of modes.
    pub(crate) fn run_on(&self, arch: Arch, fields: &mut Fields<T>) {
        assert_eq!(
            fields.modes(),
            self.modes,
            "fields and mesh must agree in modes"
        );
        // Even modes have one place more: the last odd pair may reach beyond them.
        let mut light = [0; 4].map(|_| vec![T::zero(); self.stride + LANES]);
        for sample in 0..fields.samples() {
            for mode in 0..self.modes {
                light[mode % 2][mode / 2] = fields.re[[mode, sample]];
                light[2 + mode % 2][mode / 2] = fields.im[[mode, sample]];
            }
            arch.dispatch(OneSample {
                walk: self,
                light: &mut light,
            });
            for (mode, (re, im)) in self.ends.iter().enumerate() {
                let (x, y) = (light[mode % 2][mode / 2], light[2 + mode % 2][mode / 2]);
                fields.re[[mode, sample]] = *re * x - *im * y;
                fields.im[[mode, sample]] = *re * y + *im * x;
            }
        }
    }
}

struct OneSample<'a, T> {
    walk: &'a ColumnWalk<T>,
    /// Real parts of even and odd modes, imaginary parts of even and odd modes.
    light: &'a mut [Vec<T>; 4],
}

impl<T: Real> WithSimd for OneSample<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let stride = self.walk.stride;
        let [even_re, odd_re, even_im, odd_im] = self.light.each_mut().map(Vec::as_mut_slice);
        let columns = self.walk.parts.chunks_exact(PARTS * stride);
        for (is_odd, parts) in self.walk.is_odd.iter().zip(columns) {
            let (upper, lower) = if *is_odd {
                (
                    [&mut odd_re[..stride], &mut odd_im[..stride]],
                    [&mut even_re[1..stride + 1], &mut even_im[1..stride + 1]],
                )
            } else {
                (
                    [&mut even_re[..stride], &mut even_im[..stride]],
                    [&mut odd_re[..stride], &mut odd_im[..stride]],
                )
            };
            column::<S, T>(simd, parts, upper, lower);
        }
    }
}

/// One column: real and imaginary parts of the upper and of the lower modes of its pairs.
#[inline(always)]
fn column<S: Simd, T: Real>(
    simd: S,
    parts: &[T],
    [upper_re, upper_im]: [&mut [T]; 2],
    [lower_re, lower_im]: [&mut [T]; 2],
) {
    let parts: &[T::Vector<S>] = bytemuck::cast_slice(parts);
    let stride = parts.len() / PARTS;
    let [ar, ai, br, bi, cr, ci, dr, di] =
        std::array::from_fn(|part| &parts[part * stride..(part + 1) * stride]);
    let [xr, xi, yr, yi] = [upper_re, upper_im, lower_re, lower_im]
        .map(|part| &mut bytemuck::cast_slice_mut::<T, T::Vector<S>>(part)[..stride]);
    let dark = T::splat(simd, T::zero());
    let plus = |x, y, z| T::plus_product(simd, x, y, z);
    let less = |x, y, z| T::less_product(simd, x, y, z);
    for k in 0..stride {
        let (p, q, r, s) = (xr[k], xi[k], yr[k], yi[k]);
        xr[k] = less(
            bi[k],
            s,
            plus(br[k], r, less(ai[k], q, plus(ar[k], p, dark))),
        );
        xi[k] = plus(
            bi[k],
            r,
            plus(br[k], s, plus(ai[k], p, plus(ar[k], q, dark))),
        );
        yr[k] = less(
            di[k],
            s,
            plus(dr[k], r, less(ci[k], q, plus(cr[k], p, dark))),
        );
        yi[k] = plus(
            di[k],
            r,
            plus(dr[k], s, plus(ci[k], p, plus(cr[k], q, dark))),
        );
    }
}
