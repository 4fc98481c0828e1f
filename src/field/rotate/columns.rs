//! A matrix stored by columns, nulled by rotations of columns alone.

use num_complex::Complex;
use pulp::{Arch, Simd, WithSimd};

use super::{LANES, Path, Planes, Rotation, Rotations, follow};

/// A square matrix stored by columns, the last one first, to be nulled row by row from the first row and its last
/// element on, by rotations of columns.
///
/// Rotation `index` of the sweep of a row joins columns `modes − index` and `modes − 1 − index`, from 1 on up to the
/// one whose left column is that of the row's diagonal element.
#[derive(Debug)]
pub(crate) struct ByColumns {
    modes: usize,
    /// From one column to the one left of it.
    stride: usize,
    pub(super) planes: Planes,
}

impl ByColumns {
    /// Rows that are nulled together.
    pub const GROUP: usize = LANES;

    /// The `[modes, modes]` matrix of these elements `[row, column]`.
    pub fn new(modes: usize, element: impl Fn(usize, usize) -> Complex<f64>) -> Self {
        // An odd number of cache lines, so that columns do not evict each other.
        let stride = modes.next_multiple_of(LANES) + 8;
        let mut matrix = Self {
            modes,
            stride,
            planes: Planes::zeros(modes * stride),
        };
        for col in 0..modes {
            for row in 0..modes {
                let at = matrix.at(row, col);
                matrix.planes.set(at, element(row, col));
            }
        }
        matrix
    }

    /// The main diagonal.
    pub fn main(&self) -> Vec<Complex<f64>> {
        let main = 0..self.modes;
        main.map(|row| self.planes.get(self.at(row, row))).collect()
    }

    pub(super) fn at(&self, row: usize, col: usize) -> usize {
        (self.modes - 1 - col) * self.stride + row
    }

    /// Nulls the rows from `first`, a multiple of [`GROUP`](Self::GROUP), on, one for each of `sweeps`, right of the
    /// diagonal. Earlier ones have been nulled.
    pub fn null(&mut self, first: usize, sweeps: &mut [Rotations]) {
        self.null_on(Arch::new(), first, sweeps);
    }

    pub(super) fn null_on(&mut self, arch: Arch, first: usize, sweeps: &mut [Rotations]) {
        assert!(
            first.is_multiple_of(LANES) && sweeps.len() <= LANES,
            "a group of rows is one block of lanes"
        );
        arch.dispatch(NullRows {
            matrix: self,
            first,
            sweeps,
        });
    }

    /// Decides the rotations of a row from its elements alone.
    #[inline(always)]
    fn decide(&self, row: usize, sweep: &mut Rotations) {
        let mut at = row;
        let mut carried = self.planes.get(at);
        for index in 1..self.modes - row {
            at += self.stride;
            let next = self.planes.get(at);
            let rotation = Rotation::leaving_nothing(carried, next);
            sweep.set(index, rotation);
            (carried, _) = rotation.join(carried, next);
        }
    }
}

struct NullRows<'a> {
    matrix: &'a mut ByColumns,
    first: usize,
    sweeps: &'a mut [Rotations],
}

impl WithSimd for NullRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self {
            matrix,
            first,
            sweeps,
        } = self;
        let (modes, step) = (matrix.modes, matrix.stride);
        let path = |block, row| Path {
            start: block,
            step,
            count: modes - 1 - row,
            rotation: LANES + 1,
            rotation_step: 1,
        };
        for (row, sweep) in (first..).zip(&mut *sweeps) {
            matrix.decide(row, sweep);
            follow::<S, false>(simd, &mut matrix.planes, sweep, path(first, row));
        }
        for block in (first + LANES..modes).step_by(LANES) {
            for (row, sweep) in (first..).zip(&*sweeps) {
                follow::<S, false>(simd, &mut matrix.planes, sweep, path(block, row));
            }
        }
    }
}
