//! The walk: every MZI of a mesh applied to a batch of fields, at half the arithmetic of a plain 2×2.
//!
//! **Scaled form.** `y₁ = a x₁ + b x₂ = a (x₁ + (b/a) x₂)`: the factor `a` stays out of the loop as a complex scale
//! of that mode, is carried into the coefficients of the mode's next MZI, and meets the field only at the end.
//! An MZI then costs two complex multiply-adds instead of four complex products. Near the cross state the
//! operands swap. Scales that have become small are folded back in between.
//!
//! **Order.** Neighbouring columns are taken in groups along diagonals of the mesh. On a diagonal, the top mode of one
//! MZI is the bottom mode of the next: its field stays in registers, so that each MZI loads and stores one mode.
//! **Tiles.** A few samples at a time go through the whole mesh.
//! **Dark modes.** The columns of a transfer matrix start with light in one mode each. MZIs that this light has not
//! reached yet are skipped, a third of them in a rectangle.

mod build;

use std::ops::Range;

use num_complex::Complex;
use pulp::{Arch, Simd, WithSimd, bytemuck};

use super::{Fields, Real};
pub use build::Direction;

/// Columns that are walked together along diagonals.
const GROUP: usize = 32;

/// A walk, ready for any batch of fields at precision `T`.
#[derive(Debug, Clone)]
pub struct Walk<T> {
    modes: usize,
    moves: Vec<Move<T>>,
    links: Vec<Link<T>>,
    /// Factor of each mode at the end.
    ends: Vec<Factor<T>>,
}

/// A complex factor as (real, imaginary).
type Factor<T> = (T, T);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Move<T> {
    /// `count` links on the modes `bottom` and `bottom − distance`, then `distance` further up, and so on: the upper mode
    /// of each is the lower mode of the next.
    Chain {
        bottom: usize,
        distance: usize,
        count: usize,
    },
    /// The plain 2×2, for the rare MZI that no scale fits: a dead or blocked one.
    Plain {
        top: usize,
        bottom: usize,
        matrix: [Factor<T>; 4],
    },
    /// The mode's field times a factor.
    Fold { mode: usize, factor: Factor<T> },
}

/// One MZI in scaled form.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Link<T> {
    /// Factor of the second operand in the upper result, and of the first one in the lower result.
    down: Factor<T>,
    up: Factor<T>,
    /// Whether each result is led by the other mode's field.
    swap: bool,
}

impl<T: Real> Walk<T> {
    /// Sends every sample of `fields` through the mesh.
    ///
    /// # Panics
    /// If `fields` has another number of modes.
    pub fn run(&self, fields: &mut Fields<T>) {
        self.run_on(Arch::new(), fields);
    }

    fn run_on(&self, arch: Arch, fields: &mut Fields<T>) {
        assert_eq!(
            fields.modes(),
            self.modes,
            "fields and mesh must agree in modes"
        );
        let light = Light::Batch;
        arch.dispatch(Tiles {
            walk: self,
            fields,
            light,
        });
    }

    /// What becomes of light in one mode each: sample k starts with `amplitudes[k]` in mode k, `[mode, sample]`. With
    /// amplitudes of 1 these are the first columns of the transfer matrix.
    ///
    /// # Panics
    /// If there are more amplitudes than modes.
    pub fn columns(&self, amplitudes: &[Complex<f64>]) -> Fields<T> {
        self.columns_on(Arch::new(), amplitudes)
    }

    fn columns_on(&self, arch: Arch, amplitudes: &[Complex<f64>]) -> Fields<T> {
        let count = amplitudes.len();
        assert!(count <= self.modes, "a mesh has a column for each mode");
        let mut fields = Fields::zeros(self.modes, count);
        arch.dispatch(Tiles {
            walk: self,
            fields: &mut fields,
            light: Light::Columns(amplitudes),
        });
        fields
    }
}

/// What goes into the mesh.
#[derive(Clone, Copy)]
enum Light<'a> {
    /// The fields as they are.
    Batch,
    /// These amplitudes, the k-th in mode k of sample k; what the fields hold does not count.
    Columns(&'a [Complex<f64>]),
}

struct Tiles<'a, T> {
    walk: &'a Walk<T>,
    fields: &'a mut Fields<T>,
    light: Light<'a>,
}

impl<T: Real> WithSimd for Tiles<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // A row of a tile is as many registers as hide the latency of the chain; without vectors it is a long one.
        if S::IS_SCALAR {
            self.run::<S, 16>(simd);
        } else if S::REGISTER_COUNT >= 32 {
            self.run::<S, 4>(simd);
        } else {
            self.run::<S, 2>(simd);
        }
    }
}

/// One part (real or imaginary) of one mode: a row of K vectors.
type Row<S, T, const K: usize> = [<T as Real>::Vector<S>; K];
/// Real and imaginary part of one mode.
type Pair<S, T, const K: usize> = [Row<S, T, K>; 2];

/// One mode of a tile. No register crosses a line of the cache.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Lines<P>(P);

impl<T: Real> Tiles<'_, T> {
    #[inline(always)]
    fn run<S: Simd, const K: usize>(self, simd: S) {
        let Self {
            walk,
            fields,
            light,
        } = self;
        let width = K * size_of::<T::Vector<S>>() / size_of::<T>();
        let samples = fields.samples();
        let standard = "fields are stored in standard layout";
        let mut parts = [
            fields.re.as_slice_mut().expect(standard),
            fields.im.as_slice_mut().expect(standard),
        ];
        // A tile of its own: rows of the batch may lie a power of two apart and evict each other.
        let dark: Lines<Pair<S, T, K>> = Lines([[T::splat(simd, T::zero()); K]; 2]);
        let mut tile = vec![dark; walk.modes];
        for start in (0..samples).step_by(width) {
            let len = width.min(samples - start);
            let lit = match light {
                Light::Batch => {
                    for (mode, Lines(pair)) in tile.iter_mut().enumerate() {
                        let from = mode * samples + start;
                        for (row, part) in pair.iter_mut().zip(&parts) {
                            load::<S, T, K>(row, &part[from..from + len]);
                        }
                    }
                    0..walk.modes
                }
                Light::Columns(amplitudes) => {
                    tile.fill(dark);
                    for (column, Lines(pair)) in tile[start..start + len].iter_mut().enumerate() {
                        let amplitude = amplitudes[start + column];
                        for (row, part) in pair.iter_mut().zip([amplitude.re, amplitude.im]) {
                            bytemuck::cast_slice_mut(row)[column] = T::of(part);
                        }
                    }
                    start..start + len
                }
            };
            walk.send::<S, K>(simd, &mut tile, lit);
            for (mode, (Lines(pair), factor)) in tile.iter().zip(&walk.ends).enumerate() {
                let mut pair = *pair;
                multiply::<S, T, K>(simd, &mut pair, *factor);
                let to = mode * samples + start;
                for (row, part) in pair.iter().zip(&mut parts) {
                    store::<S, T, K>(row, &mut part[to..to + len]);
                }
            }
        }
    }
}

/// Fills the first lanes of `row`.
#[inline(always)]
fn load<S: Simd, T: Real, const K: usize>(row: &mut Row<S, T, K>, from: &[T]) {
    if size_of_val(from) == size_of_val(row) {
        // Of known length: K loads.
        for (vector, from) in row.iter_mut().zip(bytemuck::cast_slice(from)) {
            *vector = *from;
        }
    } else {
        bytemuck::cast_slice_mut(row)[..from.len()].copy_from_slice(from);
    }
}

/// Writes the first lanes of `row`.
#[inline(always)]
fn store<S: Simd, T: Real, const K: usize>(row: &Row<S, T, K>, to: &mut [T]) {
    if size_of_val(to) == size_of_val(row) {
        for (vector, to) in row.iter().zip(bytemuck::cast_slice_mut(to)) {
            *to = *vector;
        }
    } else {
        to.copy_from_slice(&bytemuck::cast_slice(row)[..to.len()]);
    }
}

impl<T: Real> Walk<T> {
    /// Sends a tile through the mesh that has light in the modes `lit` alone.
    #[inline(always)]
    fn send<S: Simd, const K: usize>(
        &self,
        simd: S,
        tile: &mut [Lines<Pair<S, T, K>>],
        mut lit: Range<usize>,
    ) {
        let mut links = self.links.as_slice();
        for step in &self.moves {
            match *step {
                Move::Chain {
                    bottom,
                    distance,
                    count,
                } => {
                    let (chain, rest) = links.split_at(count);
                    links = rest;
                    // The first links find no light where both modes lie behind it.
                    let skip = if distance == 1 {
                        bottom.saturating_sub(lit.end)
                    } else {
                        0
                    };
                    if skip < count && bottom >= lit.start {
                        let first = bottom - skip * distance;
                        lit.start = lit.start.min(bottom - count * distance);
                        lit.end = lit.end.max(first + 1);
                        let (above, rest) = tile.split_at_mut(first);
                        follow::<S, T, K>(simd, above, &mut rest[0], distance, &chain[skip..]);
                    }
                }
                Move::Plain {
                    top,
                    bottom,
                    matrix,
                } => {
                    if lit.contains(&top) || lit.contains(&bottom) {
                        lit.start = lit.start.min(top);
                        lit.end = lit.end.max(bottom + 1);
                        plain::<S, T, K>(simd, tile, (top, bottom), matrix);
                    }
                }
                Move::Fold { mode, factor } => {
                    multiply::<S, T, K>(simd, &mut tile[mode].0, factor);
                }
            }
        }
    }
}

/// The MZIs of a chain, the field of the shared mode in registers. `modes` are those above the mode `bottom`.
#[inline(always)]
fn follow<S: Simd, T: Real, const K: usize>(
    simd: S,
    modes: &mut [Lines<Pair<S, T, K>>],
    bottom: &mut Lines<Pair<S, T, K>>,
    distance: usize,
    chain: &[Link<T>],
) {
    let mut carried = bottom.0;
    let mut at = bottom;
    for (link, between) in chain.iter().zip(modes.rchunks_exact_mut(distance)) {
        let top = &mut between[0];
        let loaded = top.0;
        // The first operand leads the upper result, the second one the lower result.
        (carried, at.0) = if link.swap {
            turn::<S, T, K>(simd, link, &carried, &loaded)
        } else {
            turn::<S, T, K>(simd, link, &loaded, &carried)
        };
        at = top;
    }
    at.0 = carried;
}

/// `(x + down · y, y + up · x)`.
#[inline(always)]
fn turn<S: Simd, T: Real, const K: usize>(
    simd: S,
    link: &Link<T>,
    x: &Pair<S, T, K>,
    y: &Pair<S, T, K>,
) -> (Pair<S, T, K>, Pair<S, T, K>) {
    let [dr, di] = [link.down.0, link.down.1].map(|z| T::splat(simd, z));
    let [ur, ui] = [link.up.0, link.up.1].map(|z| T::splat(simd, z));
    let (mut upper, mut lower) = (*x, *y);
    for k in 0..K {
        let (a, b, c, d) = (x[0][k], x[1][k], y[0][k], y[1][k]);
        upper[0][k] = T::plus_product(simd, dr, c, T::less_product(simd, di, d, a));
        upper[1][k] = T::plus_product(simd, dr, d, T::plus_product(simd, di, c, b));
        lower[0][k] = T::plus_product(simd, ur, a, T::less_product(simd, ui, b, c));
        lower[1][k] = T::plus_product(simd, ur, b, T::plus_product(simd, ui, a, d));
    }
    (upper, lower)
}

/// The textbook 2×2.
#[inline(always)]
fn plain<S: Simd, T: Real, const K: usize>(
    simd: S,
    tile: &mut [Lines<Pair<S, T, K>>],
    (top, bottom): (usize, usize),
    matrix: [Factor<T>; 4],
) {
    let [(ar, ai), (br, bi), (cr, ci), (dr, di)] =
        matrix.map(|(x, y)| (T::splat(simd, x), T::splat(simd, y)));
    let dark = T::splat(simd, T::zero());
    // z + (r + i s) (x + i y), real and imaginary part.
    let add = |(zr, zi), (r, s), (x, y)| {
        (
            T::plus_product(simd, r, x, T::less_product(simd, s, y, zr)),
            T::plus_product(simd, r, y, T::plus_product(simd, s, x, zi)),
        )
    };
    for k in 0..K {
        let [x, y] = [top, bottom].map(|mode| (tile[mode].0[0][k], tile[mode].0[1][k]));
        let none = (dark, dark);
        (tile[top].0[0][k], tile[top].0[1][k]) = add(add(none, (ar, ai), x), (br, bi), y);
        (tile[bottom].0[0][k], tile[bottom].0[1][k]) = add(add(none, (cr, ci), x), (dr, di), y);
    }
}

#[inline(always)]
fn multiply<S: Simd, T: Real, const K: usize>(
    simd: S,
    pair: &mut Pair<S, T, K>,
    (fr, fi): Factor<T>,
) {
    let (fr, fi) = (T::splat(simd, fr), T::splat(simd, fi));
    let dark = T::splat(simd, T::zero());
    for k in 0..K {
        let (a, b) = (pair[0][k], pair[1][k]);
        pair[0][k] = T::plus_product(simd, fr, a, T::less_product(simd, fi, b, dark));
        pair[1][k] = T::plus_product(simd, fr, b, T::plus_product(simd, fi, a, dark));
    }
}

#[cfg(test)]
mod tests;
