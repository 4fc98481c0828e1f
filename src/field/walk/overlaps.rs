//! Overlaps of all modes of light with all modes of its adjoint, carried through a mesh.
//!
//! Of light `x` and adjoint `a` (see [`pull`](super::pull)) every phase's slope follows from `R = Σ x a†`, the sum over
//! samples. Behind MZIs `T` light is `T x` and the adjoint `T⁻† a`, so that R becomes `T R T⁻¹`: one matrix of all pairs of
//! modes takes the place of both batches, its columns hold on to what each MZI needs, and nothing is summed on the way.
//! Where nothing is lost, R's anti-Hermitian part, which alone counts, stays anti-Hermitian: half of it is enough.
//!
//! Columns of MZIs are applied from both sides at once, while two rows are in registers. Rounding grows by no more than the
//! condition of the mesh; where that is large, and in meshes whose cells join distant modes, this way is closed.

mod rows;

use std::borrow::Cow;
use std::ops::Range;

use ndarray::{Array2, Zip, s};
use num_complex::Complex;
use pulp::{Arch, Simd, WithSimd};

use super::route::{Direction, Order, Route};
use crate::field::matrices::Matrices;
use crate::field::{Fields, Real, TwoByTwo, aligned};
use rows::{Rows, Sides};

/// Largest condition of a mesh: single precision then keeps four digits.
const CONDITION: f64 = 1000.0;
/// How far the matrix of a lossless MZI may be from a unitary.
const UNITARY: f64 = 1e-12;

/// What overlaps of all modes say of a mesh.
#[derive(Debug, Clone)]
pub(crate) struct Carried {
    /// R of every MZI, `[R11, R12, R21, R22]`, 1 = top, in front of it; in the order of the matrices. Of unitary MZIs its
    /// anti-Hermitian part.
    pub(crate) overlaps: Vec<TwoByTwo>,
    /// The diagonal of R behind the last MZI.
    pub(crate) behind: Vec<Complex<f64>>,
}

/// A way through a mesh that overlaps can take.
pub(crate) struct Passage<'a> {
    runs: &'a [(Range<usize>, usize)],
    direction: Direction,
    modes: usize,
    matrices: Cow<'a, Matrices>,
    /// Whether the anti-Hermitian part is enough: what stands left of the diagonal is then not kept up.
    half: bool,
}

impl<'a> Passage<'a> {
    /// The way of overlaps along `route`; none where rounding would grow, or cells join distant modes.
    pub(crate) fn new(route: &'a Route, matrices: Cow<'a, Matrices>) -> Option<Self> {
        let Order::Diagonals(diagonals) = &route.order else {
            return None;
        };
        let mut passage = Self {
            runs: &diagonals.runs,
            direction: route.direction,
            modes: route.modes,
            matrices,
            half: false,
        };
        let (half, is_sound) = Arch::new().dispatch(Look(&passage));
        passage.half = half;
        is_sound.then_some(passage)
    }

    /// Where light enters.
    pub(crate) fn direction(&self) -> Direction {
        self.direction
    }

    /// Carries overlaps, `[mode of the light, mode of the adjoint]`, from the inputs to the outputs of the mesh, or the other
    /// way round.
    ///
    /// # Panics
    /// If the overlaps are not those of the route's modes.
    pub(crate) fn carry<T: Real>(&self, overlaps: &Fields<T>) -> Carried {
        self.carry_on(Arch::new(), overlaps)
    }

    /// [`carry`](Self::carry) with an instruction set of this machine.
    pub(super) fn carry_on<T: Real>(&self, arch: Arch, overlaps: &Fields<T>) -> Carried {
        let all = (self.modes, self.modes);
        assert_eq!(overlaps.re.dim(), all, "overlaps of all modes");
        arch.dispatch(Carry {
            passage: self,
            overlaps,
        })
    }
}

/// Runs that follow each other through the rows.
const DEEP: usize = 8;
/// Rows by which the first of them goes ahead.
const ROWS: usize = 4;
/// MZIs that are looked at together: loops of known length.
const SET: usize = 16;
/// Real and imaginary parts of t11, t12, t21, t22 of a set of MZIs.
type Set = [[f64; SET]; 8];

/// A matrix of a set.
#[inline(always)]
fn matrix([ar, ai, br, bi, cr, ci, dr, di]: &Set, lane: usize) -> TwoByTwo {
    let z = |re: &[f64; SET], im: &[f64; SET]| Complex::new(re[lane], im[lane]);
    [z(ar, ai), z(br, bi), z(cr, ci), z(dr, di)]
}

/// The largest distance of a matrix of the set from a unitary.
#[inline(always)]
fn from_unitary(set: &Set) -> f64 {
    let mut distances = [0.0; SET];
    for (lane, distance) in distances.iter_mut().enumerate() {
        let [a, b, c, d] = matrix(set, lane);
        let [first, second] = [a.norm_sqr() + b.norm_sqr(), c.norm_sqr() + d.norm_sqr()];
        let crossed = a * c.conj() + b * d.conj();
        let apart = [first - 1.0, second - 1.0, crossed.re, crossed.im].map(f64::abs);
        *distance = apart.into_iter().fold(0.0, f64::max);
    }
    distances.into_iter().fold(0.0, f64::max)
}

#[inline(always)]
fn inverses(set: &Set) -> Set {
    let mut inverses = [[0.0; SET]; 8];
    let [ar, ai, br, bi, cr, ci, dr, di] = &mut inverses;
    for lane in 0..SET {
        let [a, b, c, d] = matrix(set, lane);
        let determinant = a * d - b * c;
        let inverse = determinant.conj() * determinant.norm_sqr().recip();
        let [p, q, r, s] = [d * inverse, -b * inverse, -c * inverse, a * inverse];
        (ar[lane], ai[lane], br[lane], bi[lane]) = (p.re, p.im, q.re, q.im);
        (cr[lane], ci[lane], dr[lane], di[lane]) = (r.re, r.im, s.re, s.im);
    }
    inverses
}

/// The larger and the smaller singular value of each matrix of a set.
#[inline(always)]
fn singular_values(set: &Set) -> [[f64; SET]; 2] {
    let mut values = [[0.0; SET]; 2];
    let [larger, smaller] = &mut values;
    for lane in 0..SET {
        let [a, b, c, d] = matrix(set, lane);
        let half = 0.5 * (a.norm_sqr() + b.norm_sqr() + c.norm_sqr() + d.norm_sqr());
        let product = (a * d - b * c).norm_sqr();
        larger[lane] = (half + (half * half - product).max(0.0).sqrt()).sqrt();
        smaller[lane] = product.sqrt() / larger[lane];
    }
    values
}

/// Whether half of the overlaps is enough, and whether they can be carried at all.
struct Look<'a>(&'a Passage<'a>);

impl WithSimd for Look<'_> {
    type Output = (bool, bool);

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> (bool, bool) {
        let mut distance = 0.0;
        for (range, _) in self.0.runs {
            self.0
                .sets(range, |_, set| distance = from_unitary(set).max(distance));
        }
        let half = distance <= UNITARY;
        (half, half || self.0.condition() <= CONDITION)
    }
}

impl Passage<'_> {
    /// Shows `look` the MZIs of a run in sets, each with the number of its first one in the run; lanes beyond the last hold
    /// unity.
    #[inline(always)]
    fn sets(&self, range: &Range<usize>, mut look: impl FnMut(usize, &Set)) {
        for start in range.clone().step_by(SET) {
            let mut set = [[0.0; SET]; 8];
            let used = self
                .matrices
                .copy(start..range.end.min(start + SET), &mut set);
            set[0][used..].fill(1.0);
            set[6][used..].fill(1.0);
            look(start - range.start, &set);
        }
    }

    /// A bound on the condition of the way as far as any of its runs.
    ///
    /// Light that enters with power 1 has at most the power of the least lossy path to a mode, and in all at least that of
    /// the most lossy one.
    #[inline(always)]
    fn condition(&self) -> f64 {
        let mut bounds = vec![(1.0_f64, 1.0_f64); self.modes];
        let mut worst = 1.0_f64;
        for (range, first) in self.runs {
            self.sets(range, |start, set| {
                let [larger, smaller] = singular_values(set);
                let tops = (first + 2 * start..).step_by(2);
                let tops = tops.take(range.len() - start);
                for ((top, larger), smaller) in tops.zip(larger).zip(smaller) {
                    let (upper, lower) = (bounds[top], bounds[top + 1]);
                    let both = (
                        upper.0.min(lower.0) * smaller,
                        upper.1.max(lower.1) * larger,
                    );
                    (bounds[top], bounds[top + 1]) = (both, both);
                }
            });
            let extremes = (f64::INFINITY, 0.0);
            let (low, high) = bounds.iter().fold(extremes, |(low, high), bound| {
                (f64::min(low, bound.0), f64::max(high, bound.1))
            });
            // A dead MZI passes nothing: the bound is infinite then, or no number.
            match high / low {
                ratio if ratio.is_nan() => return f64::INFINITY,
                ratio => worst = worst.max(ratio),
            }
        }
        worst
    }
}

struct Carry<'a, T> {
    passage: &'a Passage<'a>,
    overlaps: &'a Fields<T>,
}

impl<T: Real> WithSimd for Carry<'_, T> {
    type Output = Carried;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Carried {
        // A pair of neighbours must fit.
        if S::IS_SCALAR {
            self.run::<S, 2>(simd)
        } else {
            self.run::<S, 1>(simd)
        }
    }
}

impl<T: Real> Carry<'_, T> {
    /// What a run multiplies by.
    #[inline(always)]
    fn sides(&self, (range, first): &(Range<usize>, usize), sides: &mut Sides<T>) {
        sides.lit = *first..first + 2 * range.len();
        sides.origin = (first + 1) % 2;
        sides.left.clear();
        for (part, value) in sides.right.iter_mut().zip([1.0, 0.0, 0.0, 0.0]) {
            part.fill(T::of(value));
        }
        self.passage.sets(range, |start, set| {
            let inverses = inverses(set);
            let (left, right) = match self.passage.direction {
                Direction::Forth => (set, &inverses),
                Direction::Back => (&inverses, set),
            };
            let used = SET.min(range.len() - start);
            let number = |side: &Set, part: usize, lane: usize| T::of(side[part][lane]);
            for lane in 0..used {
                let entry = |k| (number(left, 2 * k, lane), number(left, 2 * k + 1, lane));
                sides.left.push(std::array::from_fn(entry));
            }
            let from = first + 2 * start + 1 - sides.origin;
            let places = from..from + 2 * used;
            // A column becomes its own times t11 or t22 and its neighbour times t21 or t12.
            let factors = [[0, 6], [1, 7], [4, 2], [5, 3]];
            for (part, [even, odd]) in sides.right.iter_mut().zip(factors) {
                let pairs = part[places.clone()].as_chunks_mut::<2>().0;
                for (lane, pair) in pairs.iter_mut().enumerate() {
                    *pair = [number(right, even, lane), number(right, odd, lane)];
                }
            }
        });
    }

    #[inline(always)]
    fn run<S: Simd, const K: usize>(self, simd: S) -> Carried {
        const LINE: usize = 64;
        let Passage { modes, half, .. } = *self.passage;
        let width = K * size_of::<T::Vector<S>>() / size_of::<T>();
        let registers = (modes + 1).div_ceil(width);
        let places = (registers * width + 1).next_multiple_of(LINE / size_of::<T>());
        let mut values = self.rows(places, half);
        let mut rows = Rows {
            places,
            registers,
            half,
            values: values.as_slice_mut().expect("rows of one length"),
        };
        let count = self.passage.runs.iter().map(|(range, _)| range.len()).sum();
        let mut overlaps = vec![[Complex::ZERO; 4]; count];
        let mut sides: Vec<Sides<T>> = (0..DEEP).map(|_| Sides::new(registers * width)).collect();
        for runs in self.passage.runs.chunks(DEEP) {
            for (run, sides) in runs.iter().zip(&mut sides) {
                self.sides(run, sides);
            }
            // Rows that each run is done with: it follows the one in front of it while those are in the cache.
            let mut done = [0; DEEP];
            for front in (0..modes + ROWS).step_by(ROWS) {
                let mut ready = front.min(modes);
                for (((range, _), sides), done) in runs.iter().zip(&sides).zip(&mut done) {
                    let own = &mut overlaps[range.clone()];
                    *done = rows.advance::<S, K>(
                        simd,
                        sides,
                        self.passage.direction,
                        *done..ready,
                        own,
                    );
                    ready = *done;
                }
            }
        }
        let behind = match self.passage.direction {
            Direction::Forth => (0..modes).map(|mode| rows.at(mode, mode)).collect(),
            Direction::Back => {
                let at = |mode| {
                    let Fields { re, im } = self.overlaps;
                    Complex::new(re[[mode, mode]].double(), im[[mode, mode]].double())
                };
                (0..modes).map(at).collect()
            }
        };
        Carried { overlaps, behind }
    }

    /// The overlaps, or their anti-Hermitian part: of every mode of light real parts in `places` of a row, then imaginary
    /// ones, mode n of the adjoint at place n + 1.
    fn rows(&self, places: usize, half: bool) -> Array2<T> {
        let modes = self.overlaps.modes();
        let mut rows = aligned(modes, 2 * places);
        let parts = [
            (0, &self.overlaps.re, -T::one()),
            (places, &self.overlaps.im, T::one()),
        ];
        for (start, part, sign) in parts {
            let mut into = rows.slice_mut(s![.., start + 1..start + 1 + modes]);
            match half {
                false => into.assign(part),
                true => {
                    let share = T::of(0.5);
                    Zip::from(into)
                        .and(part)
                        .and(part.t())
                        .for_each(|into, x, turned| *into = share * (*x + sign * *turned));
                }
            }
        }
        rows
    }
}
