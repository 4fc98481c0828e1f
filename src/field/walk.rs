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
//! **Dark modes.** The columns of a transfer matrix start with light in one mode each, light from a smaller mesh in a few
//! modes. MZIs that it has not reached yet are skipped: for all columns of a rectangle a third of them.

mod build;
mod overlaps;
mod pull;
mod route;
mod scaled;

use std::ops::Range;

use num_complex::Complex;
use pulp::{Arch, Simd, bytemuck};

use super::tile::{Factor, Lines, Pair, Tiled, by_tiles, load, store};
use super::{Fields, Real};
pub(crate) use overlaps::{Carried, Passage};
pub(crate) use pull::pull;
pub(crate) use route::{Direction, Route};

/// Columns that are walked together along diagonals.
const GROUP: usize = 32;

/// A walk, ready for any batch of fields at precision `T`.
#[derive(Debug, Clone)]
pub(crate) struct Walk<T> {
    modes: usize,
    /// The first modes, which light comes from; the others start dark.
    lit: usize,
    moves: Vec<Move<T>>,
    links: Vec<Link<T>>,
    /// Factor of each mode at the end.
    ends: Vec<Factor<T>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Move<T> {
    Chain(Chain),
    /// The plain 2×2, for the rare MZI that no scale fits: a dead or blocked one.
    Plain {
        top: usize,
        bottom: usize,
        matrix: [Factor<T>; 4],
    },
    /// The mode's field times a factor.
    Fold {
        mode: usize,
        factor: Factor<T>,
    },
}

/// `count` links on the modes `bottom` and `bottom − distance`, then `distance` further up, and so on: the upper mode of
/// each is the lower mode of the next. Bit k of `swaps` says whether each result of link k is led by the other mode's
/// field.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Chain {
    bottom: usize,
    distance: usize,
    count: usize,
    swaps: u64,
}

/// One MZI in scaled form.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Link<T> {
    /// Factor of the second operand in the upper result, and of the first one in the lower result.
    down: Factor<T>,
    up: Factor<T>,
}

/// Links of the longest chain.
const LONGEST: usize = u64::BITS as usize;

impl<T: Real> Walk<T> {
    /// Sends every sample of `fields` through the mesh with an instruction set of this machine; what they hold in modes that the walk takes to be dark does not count.
    ///
    /// # Panics
    /// If `fields` has another number of modes.
    pub(crate) fn run_on(&self, arch: Arch, fields: &mut Fields<T>) {
        assert_eq!(
            fields.modes(),
            self.modes,
            "fields and mesh must agree in modes"
        );
        let samples = fields.samples();
        let work = Tiles {
            walk: self,
            fields,
            light: Light::Batch,
        };
        by_tiles(arch, samples, work);
    }

    /// What becomes of light in one mode each: sample k starts with `amplitudes[k]` in mode k, `[mode, sample]`. With
    /// amplitudes of 1 these are the first columns of the transfer matrix.
    ///
    /// # Panics
    /// If there are more amplitudes than lit modes.
    pub fn columns(&self, amplitudes: &[Complex<f64>]) -> Fields<T> {
        self.columns_on(Arch::new(), amplitudes)
    }

    fn columns_on(&self, arch: Arch, amplitudes: &[Complex<f64>]) -> Fields<T> {
        let count = amplitudes.len();
        assert!(count <= self.lit, "light comes from the walk's lit modes");
        let mut fields = Fields::zeros(self.modes, count);
        let work = Tiles {
            walk: self,
            fields: &mut fields,
            light: Light::Columns(amplitudes),
        };
        by_tiles(arch, count, work);
        fields
    }
}

/// What goes into the mesh.
#[derive(Clone, Copy)]
enum Light<'a> {
    /// The fields in the walk's lit modes.
    Batch,
    /// These amplitudes, the k-th in mode k of sample k; what the fields hold does not count.
    Columns(&'a [Complex<f64>]),
}

struct Tiles<'a, T> {
    walk: &'a Walk<T>,
    fields: &'a mut Fields<T>,
    light: Light<'a>,
}

impl<T: Real> Tiled for Tiles<'_, T> {
    type Precision = T;

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
                    for (mode, Lines(pair)) in tile[..walk.lit].iter_mut().enumerate() {
                        let from = mode * samples + start;
                        for (row, part) in pair.iter_mut().zip(&parts) {
                            load::<S, T, K>(row, &part[from..from + len]);
                        }
                    }
                    tile[walk.lit..].fill(dark);
                    0..walk.lit
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
                Move::Chain(Chain {
                    bottom,
                    distance,
                    count,
                    swaps,
                }) => {
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
                        let chain = (&chain[skip..], swaps >> skip);
                        follow::<S, T, K>(simd, above, &mut rest[0], distance, chain);
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
    (chain, mut swaps): (&[Link<T>], u64),
) {
    let mut carried = bottom.0;
    let mut at = bottom;
    for (link, between) in chain.iter().zip(modes.rchunks_exact_mut(distance)) {
        let top = &mut between[0];
        let loaded = top.0;
        // The first operand leads the upper result, the second one the lower result.
        (carried, at.0) = if swaps & 1 == 1 {
            turn::<S, T, K>(simd, link, &carried, &loaded)
        } else {
            turn::<S, T, K>(simd, link, &loaded, &carried)
        };
        swaps >>= 1;
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
    // One by one: pairs would go through integer registers.
    let dr = T::splat(simd, link.down.0);
    let di = T::splat(simd, link.down.1);
    let ur = T::splat(simd, link.up.0);
    let ui = T::splat(simd, link.up.1);
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
    let [re, im] = pair;
    for (re, im) in re.iter_mut().zip(im) {
        let (a, b) = (*re, *im);
        *re = T::plus_product(simd, fr, a, T::less_product(simd, fi, b, dark));
        *im = T::plus_product(simd, fr, b, T::plus_product(simd, fi, a, dark));
    }
}

#[cfg(test)]
mod tests;
