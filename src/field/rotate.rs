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

mod columns;
mod diagonals;

pub(crate) use columns::ByColumns;
pub(crate) use diagonals::{ByDiagonals, Side, side};

use num_complex::Complex;
use pulp::{Simd, bytemuck};

use super::Lanes;

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
pub(crate) struct Rotations {
    turn_re: Vec<f64>,
    turn_im: Vec<f64>,
    sin: Vec<f64>,
    cos: Vec<f64>,
}

impl Rotations {
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
fn follow<S: Simd, const SKEWED: bool>(
    simd: S,
    planes: &mut Planes,
    sweep: &Rotations,
    path: Path,
) {
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
    sweep: &Rotations,
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

#[cfg(test)]
mod tests;
