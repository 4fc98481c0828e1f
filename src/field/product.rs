//! A small mesh as its transfer matrix: batches are multiplied by it in place.
//!
//! An element takes three real multiply-adds a sample, N modes 3 N², where the MZIs of a rectangle or triangle in scaled form
//! take 4 N² − 4 N, and the sums stay in registers where a walk loads and stores one mode an MZI. Errors are those of rounding
//! relative to the sum of an output's terms, not to its real and imaginary part each: Higham, SIAM J. Matrix Anal. Appl. 13, 681 (1992).

use ndarray::Array2;
use pulp::{Arch, Simd};

use super::tile::{Lines, Pair, Row, Tiled, by_tiles, load, store};
use super::{Fields, Real};

/// A square matrix, ready to multiply any batch of fields at precision `T`.
#[derive(Debug, Clone)]
pub(crate) struct Product<T> {
    modes: usize,
    /// The elements of two rows side by side, `[pair of rows][column]`: real part, imaginary part, their sum. A last row
    /// without a partner has a dark one.
    rows: Vec<[[T; 3]; 2]>,
}

impl<T: Real> Product<T> {
    /// The product with `matrix`, `[modes, modes]`, row = output mode.
    ///
    /// # Panics
    /// If the matrix is not square.
    pub fn new(matrix: &Fields<f64>) -> Self {
        let modes = matrix.modes();
        assert_eq!(matrix.samples(), modes, "a transfer matrix is square");
        let element = |row: usize, col: usize| {
            let part = |part: &Array2<f64>| part.get((row, col)).copied().unwrap_or(0.0);
            let (re, im) = (part(&matrix.re), part(&matrix.im));
            [re, im, re + im].map(T::of)
        };
        let columns = |row| (0..modes).map(move |col| [row, row + 1].map(|row| element(row, col)));
        Self {
            modes,
            rows: (0..modes).step_by(2).flat_map(columns).collect(),
        }
    }

    /// Multiplies every sample of `fields` with an instruction set of this machine.
    ///
    /// # Panics
    /// If `fields` has another number of modes.
    pub(crate) fn run_on(&self, arch: Arch, fields: &mut Fields<T>) {
        assert_eq!(
            fields.modes(),
            self.modes,
            "fields and matrix must agree in modes"
        );
        let samples = fields.samples();
        by_tiles(
            arch,
            samples,
            Tiles {
                product: self,
                fields,
            },
        );
    }
}

struct Tiles<'a, T> {
    product: &'a Product<T>,
    fields: &'a mut Fields<T>,
}

impl<T: Real> Tiled for Tiles<'_, T> {
    type Precision = T;

    #[inline(always)]
    fn run<S: Simd, const K: usize>(self, simd: S) {
        let Self { product, fields } = self;
        let (modes, samples) = (product.modes, fields.samples());
        let width = K * size_of::<T::Vector<S>>() / size_of::<T>();
        let standard = "fields are stored in standard layout";
        let parts = [
            fields.re.as_slice_mut().expect(standard),
            fields.im.as_slice_mut().expect(standard),
        ];
        let dark = Lines([[T::splat(simd, T::zero()); K]; 3]);
        let mut tile = vec![dark; modes];
        for start in (0..samples).step_by(width) {
            let range = |mode: usize| {
                let from = mode * samples + start;
                from..from + width.min(samples - start)
            };
            for (mode, Lines([re, im, sum])) in tile.iter_mut().enumerate() {
                load::<S, T, K>(re, &parts[0][range(mode)]);
                load::<S, T, K>(im, &parts[1][range(mode)]);
                for k in 0..K {
                    sum[k] = T::plus(simd, re[k], im[k]);
                }
            }
            for (rows, top) in product.rows.chunks_exact(modes).zip((0..).step_by(2)) {
                let [upper, lower] = two_rows::<S, T, K>(simd, &tile, rows);
                store::<S, T, K>(&upper[0], &mut parts[0][range(top)]);
                store::<S, T, K>(&upper[1], &mut parts[1][range(top)]);
                if top + 1 < modes {
                    store::<S, T, K>(&lower[0], &mut parts[0][range(top + 1)]);
                    store::<S, T, K>(&lower[1], &mut parts[1][range(top + 1)]);
                }
            }
        }
    }
}

/// Two rows of a matrix times the fields of a tile, each element by three real products:
/// (a + ib)(x + iy) = ax − by + i ((a + b)(x + y) − ax − by).
#[inline(always)]
fn two_rows<S: Simd, T: Real, const K: usize>(
    simd: S,
    tile: &[Lines<[Row<S, T, K>; 3]>],
    rows: &[[[T; 3]; 2]],
) -> [Pair<S, T, K>; 2] {
    let dark = [T::splat(simd, T::zero()); K];
    // Each by its name: an array of all three would not stay in registers.
    let [mut re, mut im, mut both] = [[dark; 2]; 3];
    for (Lines([x, y, sum]), [upper, lower]) in tile.iter().zip(rows) {
        add::<S, T, K>(simd, [upper[0], lower[0]], x, &mut re);
        add::<S, T, K>(simd, [upper[1], lower[1]], y, &mut im);
        add::<S, T, K>(simd, [upper[2], lower[2]], sum, &mut both);
    }
    let mut pairs = [[dark; 2]; 2];
    for row in 0..2 {
        for k in 0..K {
            let (x, y) = (re[row][k], im[row][k]);
            pairs[row][0][k] = T::less(simd, x, y);
            pairs[row][1][k] = T::less(simd, both[row][k], T::plus(simd, x, y));
        }
    }
    pairs
}

/// Adds `light` times its factor to each of two sums.
#[inline(always)]
fn add<S: Simd, T: Real, const K: usize>(
    simd: S,
    [first, second]: [T; 2],
    light: &Row<S, T, K>,
    [upper, lower]: &mut [Row<S, T, K>; 2],
) {
    let (first, second) = (T::splat(simd, first), T::splat(simd, second));
    for k in 0..K {
        upper[k] = T::plus_product(simd, first, light[k], upper[k]);
        lower[k] = T::plus_product(simd, second, light[k], lower[k]);
    }
}
