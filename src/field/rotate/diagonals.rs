//! A matrix stored along its diagonals, nulled by rotations of rows and of columns.

use num_complex::Complex;
use pulp::{Arch, Simd, WithSimd};

use super::{LANES, Path, Planes, Rotation, Rotations, follow};

/// Which lines a sweep rotates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// Columns `index` and `index + 1`, from the last pair to the first; the chain of a row carries the right element.
    Columns,
    /// Rows `index − 1` and `index`, from the first pair to the last; the chain of a column carries the upper element.
    Rows,
}

/// A square matrix stored along its diagonals, to be nulled one subdiagonal after the other from the lower left corner
/// on, by rotations of columns and of rows.
///
/// Element `[r, c]` is the `c`-th of diagonal `r − c`. Chains down neighbouring columns that have come to the same
/// diagonal, and chains along neighbouring rows, then lie in contiguous memory, each lane one rotation further than
/// the lane before it. All of them end on the subdiagonal that is nulled.
#[derive(Debug)]
pub(crate) struct ByDiagonals {
    modes: usize,
    /// From one diagonal to the next.
    stride: usize,
    pub(super) planes: Planes,
}

impl ByDiagonals {
    /// The `[modes, modes]` matrix of these elements `[row, column]`.
    pub fn new(modes: usize, element: impl Fn(usize, usize) -> Complex<f64>) -> Self {
        // An odd number of cache lines, so that diagonals do not evict each other.
        let stride = 8 * ((modes + 2 * LANES).div_ceil(8) | 1);
        let mut matrix = Self {
            modes,
            stride,
            planes: Planes::zeros((2 * modes + 2 * LANES) * stride),
        };
        // Some columns at a time: they fill cache lines.
        for first in (0..modes).step_by(8) {
            for row in 0..modes {
                for col in first..modes.min(first + 8) {
                    let at = matrix.at(row as isize - col as isize, col as isize);
                    matrix.planes.set(at, element(row, col));
                }
            }
        }
        matrix
    }

    /// The main diagonal.
    pub fn main(&self) -> Vec<Complex<f64>> {
        let main = 0..self.modes as isize;
        main.map(|col| self.planes.get(self.at(0, col))).collect()
    }

    /// Position of an element. Both may lie `LANES` beyond the matrix.
    pub(super) fn at(&self, diagonal: isize, col: isize) -> usize {
        let line = diagonal + (self.modes + LANES) as isize - 1;
        (line * self.stride as isize + col) as usize + LANES
    }

    /// Nulls subdiagonals `modes − 1 − k` for `k` from `first` on, one for each of `sweeps`, in which the rotations are
    /// put: by rotations of columns where `k` is even and of rows where it is odd. Earlier ones have been nulled.
    pub fn null(&mut self, first: usize, sweeps: &mut [Rotations]) {
        self.null_on(Arch::new(), first, sweeps);
    }

    pub(super) fn null_on(&mut self, arch: Arch, first: usize, sweeps: &mut [Rotations]) {
        arch.dispatch(NullSubdiagonals {
            matrix: self,
            first,
            sweeps,
        });
    }
}

/// The side from which the `k`-th subdiagonal is nulled.
pub(crate) fn side(k: usize) -> Side {
    if k.is_multiple_of(2) {
        Side::Columns
    } else {
        Side::Rows
    }
}

struct NullSubdiagonals<'a> {
    matrix: &'a mut ByDiagonals,
    first: usize,
    sweeps: &'a mut [Rotations],
}

impl WithSimd for NullSubdiagonals<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self {
            matrix,
            first,
            sweeps,
        } = self;
        let modes = matrix.modes;
        // The group rotates as many lines as its last sweep, and one more.
        let rotated = modes.min(first + sweeps.len() + 1);
        for (k, sweep) in (first..).zip(&mut *sweeps) {
            sweep.clear();
            for line in (0..rotated).step_by(LANES) {
                let block = Block::new(matrix, k, line);
                follow::<S, true>(simd, &mut matrix.planes, sweep, block.path);
                block.decide(&mut matrix.planes, sweep);
            }
        }
        for line in (0..modes).step_by(LANES).filter(|line| *line >= rotated) {
            for (k, sweep) in (first..).zip(&*sweeps) {
                let block = Block::new(matrix, k, line);
                follow::<S, true>(simd, &mut matrix.planes, sweep, block.path);
            }
        }
    }
}

/// `LANES` lines of one sweep: what is known when they are reached, and what they decide.
struct Block {
    /// Through all rotations that earlier lines have decided.
    path: Path,
    /// Number of rotations that the block decides.
    decisions: usize,
    /// Where the first of them finds what its own line carries, and from there to where the next one finds it.
    corner: usize,
    corner_step: isize,
    /// Index of the first rotation.
    index: usize,
    /// From the line that decides back to the next one that follows it.
    across: usize,
}

impl Block {
    /// The block from the `line`-th line on in the `k`-th sweep: columns are counted from the left, rows from below.
    fn new(matrix: &ByDiagonals, k: usize, line: usize) -> Self {
        let modes = matrix.modes as isize;
        let (sweep, line) = (k as isize, line as isize);
        let lanes = LANES as isize;
        let nulled = modes - 1 - sweep;
        let decisions = (sweep + 1 - line).clamp(0, lanes) as usize;
        match side(k) {
            Side::Rows => {
                // All lanes start on one diagonal, the last one in front of its first rotation.
                let first = nulled - line - lanes;
                let last = (nulled - 1).min(modes - 1 - line);
                Self {
                    path: Path {
                        start: matrix.at(first, line),
                        step: matrix.stride,
                        count: (last - first) as usize,
                        rotation: (line + first + 1 + lanes) as usize,
                        rotation_step: 1,
                    },
                    decisions,
                    corner: matrix.at(nulled - 1, line),
                    corner_step: 1,
                    index: (nulled + line) as usize,
                    across: matrix.stride - 1,
                }
            }
            Side::Columns => {
                // Lanes are rows in their order: the last lane is the lowest row, which decides first.
                let row = modes - lanes - line;
                let first = row - sweep - 1;
                let last = (nulled - 1).min(row + lanes - 1);
                Self {
                    path: Path {
                        start: matrix.at(first, row - first),
                        step: matrix.stride - 1,
                        count: (last - first) as usize,
                        rotation: (row - first - 1 + lanes) as usize,
                        rotation_step: -1,
                    },
                    decisions,
                    corner: matrix.at(nulled - 1, sweep - line + 1),
                    corner_step: -1,
                    index: (sweep - line).max(0) as usize,
                    across: matrix.stride,
                }
            }
        }
    }

    /// Decides rotations, each by its own line, and applies them to the block's lines that follow.
    #[inline(always)]
    fn decide(&self, planes: &mut Planes, sweep: &mut Rotations) {
        let (re, im) = planes.planes_mut();
        let mut corner = self.corner;
        let mut index = self.index;
        for decided in 0..self.decisions {
            let next = corner + self.path.step;
            let rotation = Rotation::carrying_nothing(
                Complex::new(re[corner], im[corner]),
                Complex::new(re[next], im[next]),
            );
            sweep.set(index, rotation);
            for line in 0..LANES - decided {
                let at = corner - line * self.across;
                let next = at + self.path.step;
                let (carried, left) = rotation.join(
                    Complex::new(re[at], im[at]),
                    Complex::new(re[next], im[next]),
                );
                (re[at], im[at]) = (left.re, left.im);
                (re[next], im[next]) = (carried.re, carried.im);
            }
            corner = corner.wrapping_add_signed(self.corner_step);
            index = index.wrapping_add_signed(self.corner_step);
        }
    }
}
