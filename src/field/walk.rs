//! The walk: every MZI of a mesh applied to a batch of fields, at half the arithmetic of a plain 2×2.
//!
//! **Scaled form.** `y₁ = a x₁ + b x₂ = a (x₁ + (b/a) x₂)`: the factor `a` stays out of the loop as a complex scale
//! of that mode, is carried into the coefficients of the mode's next MZI, and meets the field only at the end.
//! An MZI then costs two complex multiply-adds instead of four complex products. Near the cross state the
//! operands swap, which only renames the two rows. Scales that have become small are folded back in between.
//!
//! **Order.** Neighbouring columns are taken in groups along diagonals of the mesh, so that a mode's fields stay
//! in the innermost cache for a whole group. **Tiles.** A few samples at a time go through the whole mesh.

use num_complex::Complex;
use pulp::{Arch, Simd, WithSimd};

use super::{Fields, Real, Step, TwoByTwo};

/// Samples of one tile: a row of a tile is two cache lines of `f32`.
const TILE: usize = 32;
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
    /// Row of the scratch tile that holds each mode at the end, and its factor.
    ends: Vec<(usize, Factor<T>)>,
}

/// A complex factor as (real, imaginary).
type Factor<T> = (T, T);

#[derive(Debug, Clone, Copy)]
enum Move<T> {
    /// `x += down · y` and `y += up · x`, both from the old values.
    Mix {
        x: usize,
        y: usize,
        down: Factor<T>,
        up: Factor<T>,
    },
    /// The plain 2×2 on (x, y), for the rare MZI that no scale fits: a dead or blocked one.
    Plain {
        x: usize,
        y: usize,
        matrix: [Factor<T>; 4],
    },
    /// `x *= factor`.
    Fold { x: usize, factor: Factor<T> },
}

impl<T: Real> Walk<T> {
    /// The walk through `steps` in their order, then a factor on each mode.
    ///
    /// # Panics
    /// If a step names a mode that does not exist, or one mode twice.
    pub fn new(steps: impl Iterator<Item = Step>, factors: &[Complex<f64>]) -> Self {
        let modes = factors.len();
        let mut rows: Vec<usize> = (0..modes).collect();
        let mut scales = vec![Complex::new(1.0, 0.0); modes];
        let mut moves = Vec::new();
        for step in along_diagonals(steps.collect()) {
            let Step {
                top,
                bottom,
                matrix,
            } = step;
            assert!(top != bottom, "a step joins two different modes");
            let scaled = scaled_form(matrix, scales[top], scales[bottom]);
            // NaN, from a row of zeros, is not below the limit either.
            let fits = |ratio: Complex<f64>| ratio.norm_sqr() <= LARGEST_RATIO * LARGEST_RATIO;
            if fits(scaled.down) && fits(scaled.up) {
                if scaled.swap {
                    rows.swap(top, bottom);
                }
                let (down, up) = (factor(scaled.down), factor(scaled.up));
                moves.push(Move::Mix {
                    x: rows[top],
                    y: rows[bottom],
                    down,
                    up,
                });
                scales[top] = scaled.top;
                scales[bottom] = scaled.bottom;
            } else {
                let [a, b, c, d] = matrix;
                let (s, t) = (scales[top], scales[bottom]);
                let matrix = [a * s, b * t, c * s, d * t].map(factor);
                moves.push(Move::Plain {
                    x: rows[top],
                    y: rows[bottom],
                    matrix,
                });
                scales[top] = Complex::ONE;
                scales[bottom] = Complex::ONE;
            }
            for mode in [top, bottom] {
                if scales[mode].norm_sqr() < SMALLEST_SCALE * SMALLEST_SCALE {
                    moves.push(Move::Fold {
                        x: rows[mode],
                        factor: factor(scales[mode]),
                    });
                    scales[mode] = Complex::new(1.0, 0.0);
                }
            }
        }
        let ends = rows.iter().zip(&scales).zip(factors);
        Self {
            modes,
            moves,
            ends: ends
                .map(|((row, scale), last)| (*row, factor(scale * last)))
                .collect(),
        }
    }

    /// Sends every sample of `fields` through the mesh.
    ///
    /// # Panics
    /// If `fields` has another number of modes.
    pub fn run(&self, fields: &mut Fields<T>) {
        assert_eq!(
            fields.modes(),
            self.modes,
            "fields and mesh must agree in modes"
        );
        Arch::new().dispatch(Tiles { walk: self, fields });
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

/// The same steps, grouped by columns and within a group along diagonals, in an order that light allows.
///
/// Only meshes of neighbouring modes are reordered: there a step depends on steps of earlier columns at most
/// one mode away, which lie on the same or an earlier diagonal.
fn along_diagonals(mut steps: Vec<Step>) -> Vec<Step> {
    if !steps.iter().all(|step| step.top.abs_diff(step.bottom) == 1) {
        return steps;
    }
    // The column of each step: one more than the last column that touched either mode.
    let modes = steps
        .iter()
        .map(|step| step.top.max(step.bottom) + 1)
        .max()
        .unwrap_or(0);
    let mut next = vec![0; modes];
    let mut keyed: Vec<((usize, usize, usize), Step)> = steps
        .drain(..)
        .map(|step| {
            let column = next[step.top].max(next[step.bottom]);
            next[step.top] = column + 1;
            next[step.bottom] = column + 1;
            let upper = step.top.min(step.bottom);
            ((column / GROUP, upper + column % GROUP, column), step)
        })
        .collect();
    keyed.sort_by_key(|(key, _)| *key);
    keyed.into_iter().map(|(_, step)| step).collect()
}

struct Tiles<'a, T> {
    walk: &'a Walk<T>,
    fields: &'a mut Fields<T>,
}

impl<T: Real> WithSimd for Tiles<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { walk, fields } = self;
        let samples = fields.samples();
        let standard = "fields are stored in standard layout";
        let re = fields.re.as_slice_mut().expect(standard);
        let im = fields.im.as_slice_mut().expect(standard);
        // A tile of its own: rows of the batch may lie a power of two apart and evict each other.
        let mut tile_re = vec![[T::zero(); TILE]; walk.modes];
        let mut tile_im = tile_re.clone();
        for start in (0..samples).step_by(TILE) {
            let len = TILE.min(samples - start);
            for mode in 0..walk.modes {
                let from = mode * samples + start;
                tile_re[mode][..len].copy_from_slice(&re[from..from + len]);
                tile_im[mode][..len].copy_from_slice(&im[from..from + len]);
            }
            for step in &walk.moves {
                match *step {
                    Move::Mix { x, y, down, up } => {
                        let [xr, yr] = pair(&mut tile_re, x, y);
                        let [xi, yi] = pair(&mut tile_im, x, y);
                        mix::<S, T>((xr, xi), (yr, yi), down, up);
                    }
                    Move::Plain { x, y, matrix } => {
                        let [xr, yr] = pair(&mut tile_re, x, y);
                        let [xi, yi] = pair(&mut tile_im, x, y);
                        plain((xr, xi), (yr, yi), matrix);
                    }
                    Move::Fold { x, factor } => {
                        multiply::<S, T>(&mut tile_re[x], &mut tile_im[x], factor);
                    }
                }
            }
            for (mode, (row, factor)) in walk.ends.iter().enumerate() {
                let (row_re, row_im) = (&mut tile_re[*row], &mut tile_im[*row]);
                multiply::<S, T>(row_re, row_im, *factor);
                let to = mode * samples + start;
                re[to..to + len].copy_from_slice(&row_re[..len]);
                im[to..to + len].copy_from_slice(&row_im[..len]);
            }
        }
    }
}

/// Two different rows of a tile.
#[inline(always)]
fn pair<T>(rows: &mut [[T; TILE]], x: usize, y: usize) -> [&mut [T; TILE]; 2] {
    rows.get_disjoint_mut([x, y])
        .expect("a step joins two different modes of the mesh")
}

/// `x · y + z`, fused where the instruction set has it.
#[inline(always)]
fn multiply_add<S: Simd, T: Real>(x: T, y: T, z: T) -> T {
    if S::IS_SCALAR {
        x * y + z
    } else {
        x.mul_add(y, z)
    }
}

#[inline(always)]
fn mix<S: Simd, T: Real>(
    (xr, xi): (&mut [T; TILE], &mut [T; TILE]),
    (yr, yi): (&mut [T; TILE], &mut [T; TILE]),
    (dr, di): Factor<T>,
    (ur, ui): Factor<T>,
) {
    for k in 0..TILE {
        let (a, b, c, d) = (xr[k], xi[k], yr[k], yi[k]);
        xr[k] = multiply_add::<S, T>(dr, c, multiply_add::<S, T>(-di, d, a));
        xi[k] = multiply_add::<S, T>(dr, d, multiply_add::<S, T>(di, c, b));
        yr[k] = multiply_add::<S, T>(ur, a, multiply_add::<S, T>(-ui, b, c));
        yi[k] = multiply_add::<S, T>(ur, b, multiply_add::<S, T>(ui, a, d));
    }
}

/// The textbook 2×2.
fn plain<T: Real>(
    (xr, xi): (&mut [T; TILE], &mut [T; TILE]),
    (yr, yi): (&mut [T; TILE], &mut [T; TILE]),
    [(ar, ai), (br, bi), (cr, ci), (dr, di)]: [Factor<T>; 4],
) {
    for k in 0..TILE {
        let (p, q, r, s) = (xr[k], xi[k], yr[k], yi[k]);
        xr[k] = ar * p - ai * q + br * r - bi * s;
        xi[k] = ar * q + ai * p + br * s + bi * r;
        yr[k] = cr * p - ci * q + dr * r - di * s;
        yi[k] = cr * q + ci * p + dr * s + di * r;
    }
}

#[inline(always)]
fn multiply<S: Simd, T: Real>(re: &mut [T; TILE], im: &mut [T; TILE], (fr, fi): Factor<T>) {
    for k in 0..TILE {
        let (a, b) = (re[k], im[k]);
        re[k] = multiply_add::<S, T>(fr, a, -(fi * b));
        im[k] = multiply_add::<S, T>(fr, b, fi * a);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Effect, Seed};

    fn random_fields(modes: usize, samples: usize) -> Fields<f64> {
        let mut stream = Seed(1).stream(Effect::Haar, modes as u64, samples as u64, 0);
        let mut part =
            || ndarray::Array2::from_shape_fn((modes, samples), |_| stream.standard_normal());
        Fields {
            re: part(),
            im: part(),
        }
    }

    /// The plain product of 2×2 matrices, sample by sample.
    fn product(fields: &Fields<f64>, steps: &[Step], factors: &[Complex<f64>]) -> Fields<f64> {
        let mut out = fields.clone();
        for sample in 0..fields.samples() {
            let mut x: Vec<_> = (0..fields.modes())
                .map(|mode| Complex::new(fields.re[[mode, sample]], fields.im[[mode, sample]]))
                .collect();
            for Step {
                top,
                bottom,
                matrix: [a, b, c, d],
            } in steps
            {
                (x[*top], x[*bottom]) =
                    (a * x[*top] + b * x[*bottom], c * x[*top] + d * x[*bottom]);
            }
            for (mode, (x, factor)) in x.iter().zip(factors).enumerate() {
                out.re[[mode, sample]] = (x * factor).re;
                out.im[[mode, sample]] = (x * factor).im;
            }
        }
        out
    }

    /// Rectangular layout with the given 2×2 per MZI.
    fn rectangle(modes: usize, mut matrix: impl FnMut() -> TwoByTwo) -> Vec<Step> {
        (0..modes)
            .flat_map(|column| (column % 2..modes - 1).step_by(2))
            .map(|top| Step {
                top,
                bottom: top + 1,
                matrix: matrix(),
            })
            .collect()
    }

    fn check(steps: &[Step], modes: usize) {
        let factors: Vec<_> = (0..modes)
            .map(|k| Complex::from_polar(1.0, k as f64))
            .collect();
        for samples in [1, 31, 32, 33, 100] {
            let fields = random_fields(modes, samples);
            let expected = product(&fields, steps, &factors);
            let size = (expected.power() / (modes * samples) as f64)
                .sqrt()
                .max(1e-300);
            let mut got = fields.clone();
            Walk::new(steps.iter().copied(), &factors).run(&mut got);
            let bound = 1e-15 * size * (modes * modes) as f64;
            assert!(
                distance(&got, &expected) < bound.max(1e-14 * size),
                "f64 {modes} {samples}"
            );
            let single = |part: &ndarray::Array2<f64>| part.mapv(|x| x as f32);
            let mut got = Fields {
                re: single(&fields.re),
                im: single(&fields.im),
            };
            Walk::new(steps.iter().copied(), &factors).run(&mut got);
            let double = |part: &ndarray::Array2<f32>| part.mapv(f64::from);
            let got = Fields {
                re: double(&got.re),
                im: double(&got.im),
            };
            let bound = 1e-6 * size * (modes as f64).sqrt().max(8.0);
            assert!(distance(&got, &expected) < bound, "f32 {modes} {samples}");
        }
    }

    fn distance(a: &Fields<f64>, b: &Fields<f64>) -> f64 {
        let part = |x: &ndarray::Array2<f64>, y: &ndarray::Array2<f64>| {
            x.iter()
                .zip(y)
                .map(|(x, y)| (x - y).abs())
                .fold(0.0, f64::max)
        };
        let far = part(&a.re, &b.re).max(part(&a.im, &b.im));
        assert!(a.re.iter().chain(&a.im).all(|x| x.is_finite()));
        far
    }

    fn mzi(theta: f64, phi: f64) -> TwoByTwo {
        let g = Complex::<f64>::i() * Complex::from_polar(1.0, theta / 2.0);
        let e = Complex::from_polar(1.0, phi);
        let (s, c) = (theta / 2.0).sin_cos();
        [g * e * s, g * c, g * e * c, -g * s]
    }

    #[test]
    fn the_fast_walk_equals_the_plain_one_on_random_meshes() {
        for modes in [2, 3, 5, 16, 33, 64] {
            let mut stream = Seed(2).stream(Effect::Haar, modes as u64, 0, 0);
            let mut random = || mzi(stream.uniform() * 3.1, stream.uniform() * 6.2);
            check(&rectangle(modes, &mut random), modes);
        }
    }

    #[test]
    fn the_fast_walk_holds_bar_cross_and_nearly_so() {
        use std::f64::consts::PI;
        for theta in [0.0, PI, 1e-9, PI - 1e-9, PI / 2.0] {
            check(&rectangle(24, || mzi(theta, 0.3)), 24);
        }
    }

    #[test]
    fn the_fast_walk_holds_strong_loss_and_dead_devices() {
        // 30 dB an MZI, some dead arms, over 40 columns: 1e-60 in amplitude would leave f32.
        let mut count = 0;
        let steps = rectangle(40, || {
            count += 1;
            mzi(1.0 + f64::from(count % 7) / 3.0, 0.1 * f64::from(count)).map(|z| z * 0.3)
        });
        check(&steps, 40);
        let dead = [Complex::ZERO; 4];
        let blocked = [Complex::ZERO, Complex::ZERO, Complex::ONE, Complex::ZERO];
        let mut steps = rectangle(6, || mzi(1.2, 0.4));
        steps[3].matrix = dead;
        steps[6].matrix = blocked;
        check(&steps, 6);
    }

    #[test]
    fn the_fast_walk_holds_meshes_of_distant_modes() {
        // A butterfly of 8 modes.
        let mut steps = Vec::new();
        for stride in [1, 2, 4] {
            for top in (0..8).filter(|mode| mode & stride == 0) {
                let matrix = mzi(0.3 + top as f64 / 5.0, stride as f64);
                steps.push(Step {
                    top,
                    bottom: top + stride,
                    matrix,
                });
            }
        }
        check(&steps, 8);
    }
}
