//! A small mesh as its transfer matrix: batches are multiplied by it in place.
//!
//! N modes cost 4 N² multiply-adds a sample, which is only 4 N more than the MZIs of a rectangle or triangle in scaled form
//! take, and the sums stay in registers where a walk loads and stores one mode an MZI.

use pulp::{Arch, Simd};

use super::tile::{Factor, Lines, Pair, Tiled, by_tiles, load, store};
use super::{Fields, Real};

/// A square matrix, ready to multiply any batch of fields at precision `T`.
#[derive(Debug, Clone)]
pub struct Product<T> {
    modes: usize,
    /// The elements of two rows side by side, `[pair of rows][column]`. A last row without a partner has a dark one.
    rows: Vec<[Factor<T>; 2]>,
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
            let part =
                |part: &ndarray::Array2<f64>| part.get((row, col)).map_or(T::zero(), |x| T::of(*x));
            (part(&matrix.re), part(&matrix.im))
        };
        let columns = |row| (0..modes).map(move |col| [row, row + 1].map(|row| element(row, col)));
        Self {
            modes,
            rows: (0..modes).step_by(2).flat_map(columns).collect(),
        }
    }

    /// Multiplies every sample of `fields`.
    ///
    /// # Panics
    /// If `fields` has another number of modes.
    pub fn run(&self, fields: &mut Fields<T>) {
        self.run_on(Arch::new(), fields);
    }

    /// [`run`](Self::run) with an instruction set of this machine.
    ///
    /// # Panics
    /// If `fields` has another number of modes.
    pub fn run_on(&self, arch: Arch, fields: &mut Fields<T>) {
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
        let dark: Lines<Pair<S, T, K>> = Lines([[T::splat(simd, T::zero()); K]; 2]);
        let mut tile = vec![dark; modes];
        for start in (0..samples).step_by(width) {
            let range = |mode: usize| {
                let from = mode * samples + start;
                from..from + width.min(samples - start)
            };
            for (mode, Lines(pair)) in tile.iter_mut().enumerate() {
                load::<S, T, K>(&mut pair[0], &parts[0][range(mode)]);
                load::<S, T, K>(&mut pair[1], &parts[1][range(mode)]);
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

/// Two rows of a matrix times the fields of a tile.
#[inline(always)]
fn two_rows<S: Simd, T: Real, const K: usize>(
    simd: S,
    tile: &[Lines<Pair<S, T, K>>],
    rows: &[[Factor<T>; 2]],
) -> [Pair<S, T, K>; 2] {
    let mut sums = [[[T::splat(simd, T::zero()); K]; 2]; 2];
    for (Lines([re, im]), factors) in tile.iter().zip(rows) {
        for ([sum_re, sum_im], (fr, fi)) in sums.iter_mut().zip(factors) {
            let (fr, fi) = (T::splat(simd, *fr), T::splat(simd, *fi));
            for k in 0..K {
                let (x, y) = (re[k], im[k]);
                sum_re[k] = T::plus_product(simd, fr, x, T::less_product(simd, fi, y, sum_re[k]));
                sum_im[k] = T::plus_product(simd, fr, y, T::plus_product(simd, fi, x, sum_im[k]));
            }
        }
    }
    sums
}
