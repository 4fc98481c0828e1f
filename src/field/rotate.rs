//! Sweeps of plane rotations that null the elements of a matrix: the kernels of a decomposition.
//!
//! A **chain** runs along neighbouring elements of a row or column. It carries one element with it, and at every step
//! a rotation joins that element `k` with the next one `z` and leaves one of the two results behind:
//!
//! ```text
//! carried on:   cos · k + sin · turn · z          |turn| = 1, cos² + sin² = 1
//! left behind:  cos · turn · z − sin · k
//! ```
//!
//! These are 12 multiply-adds instead of the 16 of a complex 2×2: a phase common to both results is not applied, the
//! caller keeps account of it. What is carried stays in registers, so that a step loads and stores one element.
//!
//! Chains of neighbouring lines run side by side in the lanes of a register. A chain that is nulled decides each
//! rotation by its own elements; all other chains follow. Sweeps are taken in groups: lines from which no rotation of
//! the group is decided wait for its end, and then take the whole group while they are in the cache.

use num_complex::Complex;
use pulp::{Arch, Simd, WithSimd, bytemuck};

use super::Real;

/// Elements below this size count as zero, so that identities and permutations get bar and cross states instead of
/// phases computed from rounding errors.
const ZERO: f64 = 16.0 * f64::EPSILON;
/// Lines that are swept side by side; also what surrounds a matrix, so that no block of lines reaches beyond it.
const LANES: usize = 16;

/// One step of a chain.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rotation {
    /// Factor of the next element, of modulus 1.
    pub turn: Complex<f64>,
    /// In [0, 1] if it was found by nulling; 0 to carry the same element on.
    pub sin: f64,
    /// In [0, 1]; 0 to carry the next element on.
    pub cos: f64,
}

impl Rotation {
    /// Leaves what is carried where it is, and carries the next element on.
    const PASS: Self = Self {
        turn: Complex::new(-1.0, 0.0),
        sin: -1.0,
        cos: 0.0,
    };

    /// The rotation of `k` and `z` after which 0 is carried on.
    fn carrying_nothing(k: Complex<f64>, z: Complex<f64>) -> Self {
        Self::with_tangent(k, z, -(z.conj() * k))
    }

    /// The rotation of `k` and `z` that leaves 0 behind.
    fn leaving_nothing(k: Complex<f64>, z: Complex<f64>) -> Self {
        Self::with_tangent(z, k, z.conj() * k)
    }

    /// sin / cos = |opposite| / |adjacent|, turned by the phase of `direction`, whose modulus is their product.
    fn with_tangent(
        opposite: Complex<f64>,
        adjacent: Complex<f64>,
        direction: Complex<f64>,
    ) -> Self {
        // No element is larger than 1, nor its square smaller than what f64 holds, if it is not zero.
        let (o2, a2) = (opposite.norm_sqr(), adjacent.norm_sqr());
        let (o, a, hypotenuse) = (o2.sqrt(), a2.sqrt(), (o2 + a2).sqrt());
        let (turn, sin, cos) = if a < ZERO {
            (Complex::ONE, 1.0, 0.0)
        } else if o < ZERO {
            (Complex::ONE, 0.0, 1.0)
        } else {
            (direction / (o * a), o / hypotenuse, a / hypotenuse)
        };
        Self { turn, sin, cos }
    }

    /// What is carried on and what is left behind.
    fn join(&self, k: Complex<f64>, z: Complex<f64>) -> (Complex<f64>, Complex<f64>) {
        let turned = self.turn * z;
        (
            k * self.cos + turned * self.sin,
            turned * self.cos - k * self.sin,
        )
    }
}

/// The rotations of one sweep, each under an index of its own; those that are not yet decided pass.
#[derive(Debug, Clone)]
pub(crate) struct Sweep {
    turn_re: Vec<f64>,
    turn_im: Vec<f64>,
    sin: Vec<f64>,
    cos: Vec<f64>,
}

impl Sweep {
    /// A sweep over up to `modes` indices, from 0.
    pub fn new(modes: usize) -> Self {
        let [turn_re, turn_im, sin, cos] =
            Self::parts(Rotation::PASS).map(|part| vec![part; modes + 2 * LANES]);
        Self {
            turn_re,
            turn_im,
            sin,
            cos,
        }
    }

    /// The rotation of an index.
    pub fn get(&self, index: usize) -> Rotation {
        let at = index + LANES;
        Rotation {
            turn: Complex::new(self.turn_re[at], self.turn_im[at]),
            sin: self.sin[at],
            cos: self.cos[at],
        }
    }

    fn set(&mut self, index: usize, rotation: Rotation) {
        let parts = Self::parts(rotation);
        for (all, part) in self.arrays().into_iter().zip(parts) {
            all[index + LANES] = part;
        }
    }

    fn clear(&mut self) {
        let parts = Self::parts(Rotation::PASS);
        for (all, part) in self.arrays().into_iter().zip(parts) {
            all.fill(part);
        }
    }

    fn parts(rotation: Rotation) -> [f64; 4] {
        let Rotation { turn, sin, cos } = rotation;
        [turn.re, turn.im, sin, cos]
    }

    fn arrays(&mut self) -> [&mut [f64]; 4] {
        [
            &mut self.turn_re,
            &mut self.turn_im,
            &mut self.sin,
            &mut self.cos,
        ]
    }
}

/// An array of complex numbers: real parts, then imaginary ones, both from the start of a cache line on.
#[derive(Debug)]
struct Planes {
    parts: Vec<f64>,
    /// Numbers in front of the real parts.
    start: usize,
    /// From the real to the imaginary part of a number.
    len: usize,
}

impl Planes {
    fn zeros(len: usize) -> Self {
        const LINE: usize = 8;
        let len = len.next_multiple_of(LINE);
        let parts = vec![0.0; 2 * len + LINE];
        // Where alignment cannot be had, it is only slower.
        let start = parts
            .as_ptr()
            .align_offset(LINE * size_of::<f64>())
            .min(LINE);
        Self { parts, start, len }
    }

    fn get(&self, at: usize) -> Complex<f64> {
        let (re, im) = self.planes();
        Complex::new(re[at], im[at])
    }

    fn set(&mut self, at: usize, value: Complex<f64>) {
        let (re, im) = self.planes_mut();
        re[at] = value.re;
        im[at] = value.im;
    }

    fn planes(&self) -> (&[f64], &[f64]) {
        self.parts[self.start..self.start + 2 * self.len].split_at(self.len)
    }

    fn planes_mut(&mut self) -> (&mut [f64], &mut [f64]) {
        self.parts[self.start..self.start + 2 * self.len].split_at_mut(self.len)
    }
}

/// The way of a block of chains through memory.
#[derive(Debug, Clone, Copy)]
struct Path {
    /// Where the first lane's first element is.
    start: usize,
    /// From one element of a chain to the next.
    step: usize,
    /// Number of rotations.
    count: usize,
    /// Index in the sweep's arrays of the first lane's first rotation, and from there to the next.
    rotation: usize,
    rotation_step: isize,
}

/// Runs a block of chains through a sweep. Lane `k` takes the `k`-th rotation after that of lane 0 if `SKEWED`, and
/// the same one otherwise.
#[inline(always)]
fn follow<S: Simd, const SKEWED: bool>(simd: S, planes: &mut Planes, sweep: &Sweep, path: Path) {
    match S::F64_LANES {
        8 => follow_in::<S, 2, SKEWED>(simd, planes, sweep, path),
        4 => follow_in::<S, 4, SKEWED>(simd, planes, sweep, path),
        2 => follow_in::<S, 8, SKEWED>(simd, planes, sweep, path),
        _ => follow_in::<S, 16, SKEWED>(simd, planes, sweep, path),
    }
}

/// The same with `LANES` lanes in `K` registers.
#[inline(always)]
fn follow_in<S: Simd, const K: usize, const SKEWED: bool>(
    simd: S,
    planes: &mut Planes,
    sweep: &Sweep,
    path: Path,
) {
    let plus = |x, y, z| f64::plus_product(simd, x, y, z);
    let less = |x, y, z| f64::less_product(simd, x, y, z);
    let nothing = f64::splat(simd, 0.0);
    let (re, im) = planes.planes_mut();
    let mut at = path.start;
    let mut rotation = path.rotation;
    let mut carried_re: [S::f64s; K] = *registers::<S, K>(re, at);
    let mut carried_im: [S::f64s; K] = *registers::<S, K>(im, at);
    for _ in 0..path.count {
        let turn_re = factors::<S, K, SKEWED>(simd, &sweep.turn_re, rotation);
        let turn_im = factors::<S, K, SKEWED>(simd, &sweep.turn_im, rotation);
        let sin = factors::<S, K, SKEWED>(simd, &sweep.sin, rotation);
        let cos = factors::<S, K, SKEWED>(simd, &sweep.cos, rotation);
        let next = at + path.step;
        let (next_re, next_im) = (*registers::<S, K>(re, next), *registers::<S, K>(im, next));
        let (mut left_re, mut left_im) = ([nothing; K], [nothing; K]);
        for k in 0..K {
            let (x, y) = (next_re[k], next_im[k]);
            let (p, q) = (carried_re[k], carried_im[k]);
            let x_turned = less(turn_im[k], y, simd.mul_f64s(turn_re[k], x));
            let y_turned = plus(turn_im[k], x, simd.mul_f64s(turn_re[k], y));
            carried_re[k] = plus(cos[k], p, simd.mul_f64s(sin[k], x_turned));
            carried_im[k] = plus(cos[k], q, simd.mul_f64s(sin[k], y_turned));
            left_re[k] = less(sin[k], p, simd.mul_f64s(cos[k], x_turned));
            left_im[k] = less(sin[k], q, simd.mul_f64s(cos[k], y_turned));
        }
        *registers_mut::<S, K>(re, at) = left_re;
        *registers_mut::<S, K>(im, at) = left_im;
        at = next;
        rotation = rotation.wrapping_add_signed(path.rotation_step);
    }
    *registers_mut::<S, K>(re, at) = carried_re;
    *registers_mut::<S, K>(im, at) = carried_im;
}

/// One part of the rotations of all lanes, of which lane 0 has that at `rotation`.
#[inline(always)]
fn factors<S: Simd, const K: usize, const SKEWED: bool>(
    simd: S,
    part: &[f64],
    rotation: usize,
) -> [S::f64s; K] {
    if SKEWED {
        *registers::<S, K>(part, rotation)
    } else {
        [f64::splat(simd, part[rotation]); K]
    }
}

#[inline(always)]
fn registers<S: Simd, const K: usize>(part: &[f64], at: usize) -> &[S::f64s; K] {
    let lanes: &[S::f64s] = bytemuck::cast_slice(&part[at..at + LANES]);
    lanes.try_into().expect("K registers hold all lanes")
}

#[inline(always)]
fn registers_mut<S: Simd, const K: usize>(part: &mut [f64], at: usize) -> &mut [S::f64s; K] {
    let lanes: &mut [S::f64s] = bytemuck::cast_slice_mut(&mut part[at..at + LANES]);
    lanes.try_into().expect("K registers hold all lanes")
}

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
pub(crate) struct Diagonals {
    modes: usize,
    /// From one diagonal to the next.
    stride: usize,
    planes: Planes,
}

impl Diagonals {
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
    fn at(&self, diagonal: isize, col: isize) -> usize {
        let line = diagonal + (self.modes + LANES) as isize - 1;
        (line * self.stride as isize + col) as usize + LANES
    }

    /// Nulls subdiagonals `modes − 1 − k` for `k` from `first` on, one for each of `sweeps`, in which the rotations are
    /// put: by rotations of columns where `k` is even and of rows where it is odd. Earlier ones have been nulled.
    pub fn null(&mut self, first: usize, sweeps: &mut [Sweep]) {
        self.null_on(Arch::new(), first, sweeps);
    }

    fn null_on(&mut self, arch: Arch, first: usize, sweeps: &mut [Sweep]) {
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
    matrix: &'a mut Diagonals,
    first: usize,
    sweeps: &'a mut [Sweep],
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
    fn new(matrix: &Diagonals, k: usize, line: usize) -> Self {
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
    fn decide(&self, planes: &mut Planes, sweep: &mut Sweep) {
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

/// A square matrix stored by columns, the last one first, to be nulled row by row from the first row and its last
/// element on, by rotations of columns.
///
/// Rotation `index` of the sweep of a row joins columns `modes − index` and `modes − 1 − index`, from 1 on up to the
/// one whose left column is that of the row's diagonal element.
#[derive(Debug)]
pub(crate) struct Columns {
    modes: usize,
    /// From one column to the one left of it.
    stride: usize,
    planes: Planes,
}

impl Columns {
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

    fn at(&self, row: usize, col: usize) -> usize {
        (self.modes - 1 - col) * self.stride + row
    }

    /// Nulls the rows from `first`, a multiple of [`GROUP`](Self::GROUP), on, one for each of `sweeps`, right of the
    /// diagonal. Earlier ones have been nulled.
    pub fn null(&mut self, first: usize, sweeps: &mut [Sweep]) {
        self.null_on(Arch::new(), first, sweeps);
    }

    fn null_on(&mut self, arch: Arch, first: usize, sweeps: &mut [Sweep]) {
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
    fn decide(&self, row: usize, sweep: &mut Sweep) {
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
    matrix: &'a mut Columns,
    first: usize,
    sweeps: &'a mut [Sweep],
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

#[cfg(test)]
mod tests;
