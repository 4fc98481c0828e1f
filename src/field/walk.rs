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

use num_complex::Complex;
use pulp::{Arch, Simd, WithSimd, bytemuck};

use super::{Fields, Real, Step, TwoByTwo};

/// Columns that are walked together along diagonals.
const GROUP: usize = 16;
/// A result whose leading entry is this much smaller than the other one is computed by the plain 2×2.
const LARGEST_RATIO: f64 = 1e4;
/// A mode's scale below this is folded back into its field: `f32` then never runs out of exponents.
const SMALLEST_SCALE: f64 = 1e-6;

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

#[derive(Debug, Clone, Copy)]
enum Move<T> {
    /// `count` links, the first of which has the bottom mode `bottom`; the top mode of each is the bottom mode of the
    /// next.
    Chain { bottom: usize, count: usize },
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
#[derive(Debug, Clone, Copy)]
struct Link<T> {
    top: usize,
    /// Whether each result is led by the other mode's field.
    swap: bool,
    /// Factor of the second operand in the upper result, and of the first one in the lower result.
    down: Factor<T>,
    up: Factor<T>,
}

impl<T: Real> Walk<T> {
    /// The walk through `steps` in their order, then a factor on each mode.
    ///
    /// # Panics
    /// If a step names a mode that does not exist, or one mode twice.
    pub fn new(steps: impl Iterator<Item = Step>, factors: &[Complex<f64>]) -> Self {
        let modes = factors.len();
        let mut scales = vec![Complex::new(1.0, 0.0); modes];
        let steps: Vec<Step> = steps.collect();
        for Step { top, bottom, .. } in &steps {
            assert!(top != bottom, "a step joins two different modes");
            assert!(top.max(bottom) < &modes, "a step's modes exist");
        }
        let mut moves = Vec::new();
        let mut links: Vec<Link<T>> = Vec::with_capacity(steps.len());
        for index in along_diagonals(&steps, modes) {
            let Step {
                top,
                bottom,
                matrix,
            } = steps[index as usize];
            let scaled = scaled_form(matrix, scales[top], scales[bottom]);
            // NaN, from a row of zeros, is not below the limit either.
            let fits = |ratio: Complex<f64>| ratio.norm_sqr() <= LARGEST_RATIO * LARGEST_RATIO;
            if fits(scaled.down) && fits(scaled.up) {
                match moves.last_mut() {
                    Some(Move::Chain { count, .. })
                        if links.last().is_some_and(|last| last.top == bottom) =>
                    {
                        *count += 1;
                    }
                    _ => moves.push(Move::Chain { bottom, count: 1 }),
                }
                links.push(Link {
                    top,
                    swap: scaled.swap,
                    down: factor(scaled.down),
                    up: factor(scaled.up),
                });
                scales[top] = scaled.top;
                scales[bottom] = scaled.bottom;
            } else {
                let [a, b, c, d] = matrix;
                let (s, t) = (scales[top], scales[bottom]);
                moves.push(Move::Plain {
                    top,
                    bottom,
                    matrix: [a * s, b * t, c * s, d * t].map(factor),
                });
                scales[top] = Complex::ONE;
                scales[bottom] = Complex::ONE;
            }
            for mode in [top, bottom] {
                if scales[mode].norm_sqr() < SMALLEST_SCALE * SMALLEST_SCALE {
                    moves.push(Move::Fold {
                        mode,
                        factor: factor(scales[mode]),
                    });
                    scales[mode] = Complex::new(1.0, 0.0);
                }
            }
        }
        let ends = scales.iter().zip(factors);
        Self {
            modes,
            moves,
            links,
            ends: ends.map(|(scale, last)| factor(scale * last)).collect(),
        }
    }

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
        arch.dispatch(Tiles { walk: self, fields });
    }
}

fn factor<T: Real>(z: Complex<f64>) -> Factor<T> {
    (T::of(z.re), T::of(z.im))
}

struct Scaled {
    /// Whether each result is led by the other mode's operand.
    swap: bool,
    /// Factor of the lower row in the upper one, and the other way round; not finite where nothing leads.
    down: Complex<f64>,
    up: Complex<f64>,
    /// Scales of the results.
    top: Complex<f64>,
    bottom: Complex<f64>,
}

/// `[a b; c d]` on fields with scales `s` and `t`; the larger pair of entries leads.
fn scaled_form([a, b, c, d]: TwoByTwo, s: Complex<f64>, t: Complex<f64>) -> Scaled {
    let swap = a.norm_sqr() * d.norm_sqr() < b.norm_sqr() * c.norm_sqr();
    let (top, top_rest, bottom, bottom_rest) = if swap {
        (b * t, a * s, c * s, d * t)
    } else {
        (a * s, b * t, d * t, c * s)
    };
    Scaled {
        swap,
        down: top_rest / top,
        up: bottom_rest / bottom,
        top,
        bottom,
    }
}

/// The order in which steps are taken: grouped by columns and within a group along diagonals, as light allows.
///
/// Only meshes of neighbouring modes are reordered: there a step depends on steps of earlier columns at most
/// one mode away, which lie on the same or an earlier diagonal.
fn along_diagonals(steps: &[Step], modes: usize) -> Vec<u32> {
    let count = u32::try_from(steps.len()).expect("a mesh has fewer than 2³² MZIs");
    if !steps.iter().all(|step| step.top.abs_diff(step.bottom) == 1) {
        return (0..count).collect();
    }
    // The column of each step: one more than the last column that touched either mode.
    let mut next = vec![0; modes];
    let diagonals = modes + GROUP;
    let keys: Vec<usize> = steps
        .iter()
        .map(|step| {
            let column: usize = next[step.top].max(next[step.bottom]);
            next[step.top] = column + 1;
            next[step.bottom] = column + 1;
            column / GROUP * diagonals + step.top.min(step.bottom) + column % GROUP
        })
        .collect();
    // A counting sort: steps of one diagonal stay in the order of their columns.
    let mut starts = vec![0u32; keys.iter().max().map_or(0, |last| last + 2)];
    for key in &keys {
        starts[key + 1] += 1;
    }
    for key in 1..starts.len() {
        starts[key] += starts[key - 1];
    }
    let mut order = vec![0; steps.len()];
    for (index, key) in (0..count).zip(&keys) {
        order[starts[*key] as usize] = index;
        starts[*key] += 1;
    }
    order
}

struct Tiles<'a, T> {
    walk: &'a Walk<T>,
    fields: &'a mut Fields<T>,
}

impl<T: Real> WithSimd for Tiles<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // A row of a tile is two registers; without vectors it is long enough to hide latencies.
        if S::IS_SCALAR {
            walk_tiles::<S, T, 16>(simd, self.walk, self.fields);
        } else {
            walk_tiles::<S, T, 2>(simd, self.walk, self.fields);
        }
    }
}

/// The rows of a tile: real or imaginary parts, one row of K vectors a mode.
type Rows<S, T, const K: usize> = [[<T as Real>::Vector<S>; K]];

#[inline(always)]
fn walk_tiles<S: Simd, T: Real, const K: usize>(simd: S, walk: &Walk<T>, fields: &mut Fields<T>) {
    let width = K * size_of::<T::Vector<S>>() / size_of::<T>();
    let samples = fields.samples();
    let standard = "fields are stored in standard layout";
    let re = fields.re.as_slice_mut().expect(standard);
    let im = fields.im.as_slice_mut().expect(standard);
    // A tile of its own: rows of the batch may lie a power of two apart and evict each other.
    let dark = T::splat(simd, T::zero());
    let mut tile_re = vec![[dark; K]; walk.modes];
    let mut tile_im = tile_re.clone();
    for start in (0..samples).step_by(width) {
        let len = width.min(samples - start);
        for (mode, (row_re, row_im)) in tile_re.iter_mut().zip(&mut tile_im).enumerate() {
            let from = mode * samples + start;
            bytemuck::cast_slice_mut(row_re)[..len].copy_from_slice(&re[from..from + len]);
            bytemuck::cast_slice_mut(row_im)[..len].copy_from_slice(&im[from..from + len]);
        }
        let mut links = walk.links.as_slice();
        for step in &walk.moves {
            match *step {
                Move::Chain { bottom, count } => {
                    let (chain, rest) = links.split_at(count);
                    links = rest;
                    follow::<S, T, K>(simd, &mut tile_re, &mut tile_im, bottom, chain);
                }
                Move::Plain {
                    top,
                    bottom,
                    matrix,
                } => plain::<S, T, K>(simd, &mut tile_re, &mut tile_im, (top, bottom), matrix),
                Move::Fold { mode, factor } => {
                    multiply::<S, T, K>(simd, &mut tile_re[mode], &mut tile_im[mode], factor);
                }
            }
        }
        for (mode, factor) in walk.ends.iter().enumerate() {
            let (row_re, row_im) = (&mut tile_re[mode], &mut tile_im[mode]);
            multiply::<S, T, K>(simd, row_re, row_im, *factor);
            let to = mode * samples + start;
            re[to..to + len].copy_from_slice(&bytemuck::cast_slice(row_re)[..len]);
            im[to..to + len].copy_from_slice(&bytemuck::cast_slice(row_im)[..len]);
        }
    }
}

/// The MZIs of a chain, the field of the shared mode in registers.
#[inline(always)]
fn follow<S: Simd, T: Real, const K: usize>(
    simd: S,
    re: &mut Rows<S, T, K>,
    im: &mut Rows<S, T, K>,
    bottom: usize,
    chain: &[Link<T>],
) {
    let mut at = bottom;
    let (mut carried_re, mut carried_im) = (re[at], im[at]);
    for link in chain {
        let loaded = (re[link.top], im[link.top]);
        let carried = (carried_re, carried_im);
        // x leads the upper result, y the lower one.
        let (x, y) = if link.swap {
            (carried, loaded)
        } else {
            (loaded, carried)
        };
        let [dr, di] = [link.down.0, link.down.1].map(|z| T::splat(simd, z));
        let [ur, ui] = [link.up.0, link.up.1].map(|z| T::splat(simd, z));
        let (out_re, out_im) = (&mut re[at], &mut im[at]);
        for k in 0..K {
            let (a, b, c, d) = (x.0[k], x.1[k], y.0[k], y.1[k]);
            carried_re[k] = T::plus_product(simd, dr, c, T::less_product(simd, di, d, a));
            carried_im[k] = T::plus_product(simd, dr, d, T::plus_product(simd, di, c, b));
            out_re[k] = T::plus_product(simd, ur, a, T::less_product(simd, ui, b, c));
            out_im[k] = T::plus_product(simd, ur, b, T::plus_product(simd, ui, a, d));
        }
        at = link.top;
    }
    re[at] = carried_re;
    im[at] = carried_im;
}

/// The textbook 2×2.
#[inline(always)]
fn plain<S: Simd, T: Real, const K: usize>(
    simd: S,
    re: &mut Rows<S, T, K>,
    im: &mut Rows<S, T, K>,
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
        let (x, y) = ((re[top][k], im[top][k]), (re[bottom][k], im[bottom][k]));
        let none = (dark, dark);
        (re[top][k], im[top][k]) = add(add(none, (ar, ai), x), (br, bi), y);
        (re[bottom][k], im[bottom][k]) = add(add(none, (cr, ci), x), (dr, di), y);
    }
}

#[inline(always)]
fn multiply<S: Simd, T: Real, const K: usize>(
    simd: S,
    re: &mut [T::Vector<S>; K],
    im: &mut [T::Vector<S>; K],
    (fr, fi): Factor<T>,
) {
    let (fr, fi) = (T::splat(simd, fr), T::splat(simd, fi));
    let dark = T::splat(simd, T::zero());
    for k in 0..K {
        let (a, b) = (re[k], im[k]);
        re[k] = T::plus_product(simd, fr, a, T::less_product(simd, fi, b, dark));
        im[k] = T::plus_product(simd, fr, b, T::plus_product(simd, fi, a, dark));
    }
}

#[cfg(test)]
mod tests;
