//! From 2×2 matrices to a walk: the scaled form and the order.

use std::collections::BTreeMap;
use std::ops::Range;

use num_complex::Complex;
use pulp::Arch;

use super::route::{Diagonals, Direction, Order, Route};
use super::{Factor, LONGEST, Link, Move, Walk};
use crate::elementary::{Loop, vectorized};
use crate::field::matrices::{BLOCK, Matrices, MatrixSource, Parts, Reader};
use crate::field::{Real, TwoByTwo};

/// A result whose leading entry is this much smaller than the other one is computed by the plain 2×2.
const LARGEST_RATIO: f64 = 1e4;
/// A mode's scale below this is folded back into its field: `f32` then never runs out of exponents.
const SMALLEST_SCALE: f64 = 1e-6;

impl<T: Real> Walk<T> {
    /// The walk along `route` through the MZIs of `matrices`, then a factor on each mode.
    ///
    /// # Panics
    /// If there is not one matrix for every MZI of the route and one factor for every mode.
    pub fn new(route: &Route, matrices: &impl MatrixSource, factors: &[Complex<f64>]) -> Self {
        assert_eq!(matrices.count(), route.count, "one matrix for every MZI");
        assert_eq!(factors.len(), route.modes, "one factor for every mode");
        let (found, scales) = match &route.order {
            Order::OneByOne(pairs) => one_by_one(route, pairs, &matrices.all()),
            Order::Diagonals(diagonals) => by_columns(route, diagonals, matrices),
        };
        let ends = scales.iter().zip(factors);
        Self {
            modes: route.modes,
            moves: found.moves,
            links: found.links,
            ends: ends.map(|(scale, last)| factor(scale * last)).collect(),
        }
    }
}

/// What a walk does, but for the factors at its end.
#[derive(Debug, PartialEq)]
struct Found<T> {
    moves: Vec<Move<T>>,
    links: Vec<Link<T>>,
}

/// One MZI as a link of a chain, and whether its operands swap.
type Swapped<T> = (Link<T>, bool);

fn factor<T: Real>(z: Complex<f64>) -> Factor<T> {
    (T::of(z.re), T::of(z.im))
}

/// One MZI in scaled form.
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

impl Scaled {
    /// Whether no scale fits, and the plain 2×2 has to do. NaN, from a row of zeros, fits nothing.
    #[inline(always)]
    fn is_plain(&self) -> bool {
        let fits = |ratio: Complex<f64>| ratio.norm_sqr() <= LARGEST_RATIO * LARGEST_RATIO;
        !(fits(self.down) && fits(self.up))
    }
}

/// `[a b; c d]` on fields with scales `s` and `t`; the larger pair of entries leads.
#[inline(always)]
fn scaled_form([a, b, c, d]: TwoByTwo, s: Complex<f64>, t: Complex<f64>) -> Scaled {
    let swap = a.norm_sqr() * d.norm_sqr() < b.norm_sqr() * c.norm_sqr();
    let [a, b, c, d] = [a * s, b * t, c * s, d * t];
    // Part by part: a choice of numbers is no branch.
    let pick = |x: Complex<f64>, y: Complex<f64>| {
        let pick = |x: f64, y: f64| if swap { x } else { y };
        Complex::new(pick(x.re, y.re), pick(x.im, y.im))
    };
    let (top, top_rest) = (pick(b, a), pick(a, b));
    let (bottom, bottom_rest) = (pick(c, d), pick(d, c));
    let over = |rest: Complex<f64>, lead: Complex<f64>| {
        let inverse = 1.0 / lead.norm_sqr();
        let product = rest * lead.conj();
        Complex::new(product.re * inverse, product.im * inverse)
    };
    Scaled {
        swap,
        down: over(top_rest, top),
        up: over(bottom_rest, bottom),
        top,
        bottom,
    }
}

#[inline(always)]
fn is_small(scale: Complex<f64>) -> bool {
    scale.norm_sqr() < SMALLEST_SCALE * SMALLEST_SCALE
}

/// What happens at an MZI besides, or instead of, its link.
#[derive(Debug, Clone, Copy)]
struct Exception<T> {
    /// The plain 2×2 instead of the link.
    plain: Option<[Factor<T>; 4]>,
    /// Scales that are folded into the fields behind it: of the top and of the bottom mode.
    folds: [Option<Factor<T>>; 2],
}

/// The scaled form of one MZI on modes with scales `s` and `t`, which become those behind it.
fn step<T: Real>(
    matrix: TwoByTwo,
    s: &mut Complex<f64>,
    t: &mut Complex<f64>,
) -> (Swapped<T>, Option<Exception<T>>) {
    let scaled = scaled_form(matrix, *s, *t);
    let link = Link {
        down: factor(scaled.down),
        up: factor(scaled.up),
    };
    let plain = scaled.is_plain().then(|| {
        let [a, b, c, d] = matrix;
        [a * *s, b * *t, c * *s, d * *t].map(factor)
    });
    (*s, *t) = if plain.is_some() {
        (Complex::ONE, Complex::ONE)
    } else {
        (scaled.top, scaled.bottom)
    };
    let fold = |scale: &mut Complex<f64>| {
        let small = is_small(*scale);
        small.then(|| factor(std::mem::replace(scale, Complex::ONE)))
    };
    let folds = [fold(s), fold(t)];
    let is_exception = plain.is_some() || folds.iter().any(Option::is_some);
    let exception = is_exception.then_some(Exception { plain, folds });
    ((link, scaled.swap), exception)
}

/// Moves as they are found.
#[derive(Default)]
struct Moves<T> {
    all: Vec<Move<T>>,
    /// The chain that may still grow.
    chain: Option<Chain>,
}

/// See [`Move::Chain`].
#[derive(Clone, Copy)]
struct Chain {
    bottom: usize,
    distance: usize,
    count: usize,
    swaps: u64,
}

impl<T: Real> Moves<T> {
    /// The next MZI, on the modes `top` and `bottom`, whose operands `swap`; whether it is a link.
    fn mzi(
        &mut self,
        (top, bottom): (usize, usize),
        swap: bool,
        exception: Option<&Exception<T>>,
    ) -> bool {
        let plain = exception.and_then(|exception| exception.plain);
        match plain {
            Some(matrix) => self.push(Move::Plain {
                top,
                bottom,
                matrix,
            }),
            None => self.link(bottom, bottom - top, swap),
        }
        for (mode, fold) in [top, bottom]
            .into_iter()
            .zip(exception.iter().flat_map(|e| e.folds))
        {
            if let Some(factor) = fold {
                self.push(Move::Fold { mode, factor });
            }
        }
        plain.is_none()
    }

    fn link(&mut self, bottom: usize, distance: usize, swap: bool) {
        let swap = u64::from(swap);
        match &mut self.chain {
            Some(chain)
                if chain.distance == distance
                    && chain.bottom == bottom + chain.count * distance
                    && chain.count < LONGEST =>
            {
                chain.swaps |= swap << chain.count;
                chain.count += 1;
            }
            _ => {
                self.end_chain();
                self.chain = Some(Chain {
                    bottom,
                    distance,
                    count: 1,
                    swaps: swap,
                });
            }
        }
    }

    fn push(&mut self, other: Move<T>) {
        self.end_chain();
        self.all.push(other);
    }

    fn end_chain(&mut self) {
        let chain = self.chain.take();
        let chain = chain.map(|chain| Move::Chain {
            bottom: chain.bottom,
            distance: chain.distance,
            count: chain.count,
            swaps: chain.swaps,
        });
        self.all.extend(chain);
    }

    fn finish(mut self) -> Vec<Move<T>> {
        self.end_chain();
        self.all
    }
}

/// A mesh of any pairs, MZI by MZI.
fn one_by_one<T: Real>(
    route: &Route,
    pairs: &[(usize, usize)],
    matrices: &Matrices,
) -> (Found<T>, Vec<Complex<f64>>) {
    let mut scales = vec![Complex::ONE; route.modes];
    let mut links = Vec::with_capacity(route.count);
    let mut moves = Moves::default();
    for index in 0..route.count {
        let index = match route.direction {
            Direction::Forth => index,
            Direction::Back => route.count - 1 - index,
        };
        let (top, bottom) = pairs[index];
        let [a, b, c, d] = matrices.get(index);
        let [a, b, c, d] = match route.direction {
            Direction::Forth => [a, b, c, d],
            Direction::Back => [a, c, b, d],
        };
        // Modes in ascending order.
        let (top, bottom, matrix) = if top < bottom {
            (top, bottom, [a, b, c, d])
        } else {
            (bottom, top, [d, c, b, a])
        };
        let [s, t] = scales
            .get_disjoint_mut([top, bottom])
            .expect("two different modes");
        let ((link, swap), exception) = step(matrix, s, t);
        if moves.mzi((top, bottom), swap, exception.as_ref()) {
            links.push(link);
        }
    }
    let moves = moves.finish();
    (Found { moves, links }, scales)
}

/// A mesh of neighbouring modes, its columns a block at a time.
fn by_columns<T: Real>(
    route: &Route,
    diagonals: &Diagonals,
    matrices: &impl MatrixSource,
) -> (Found<T>, Vec<Complex<f64>>) {
    let arch = Arch::new();
    let dark = (T::zero(), T::zero());
    let nothing = Link {
        down: dark,
        up: dark,
    };
    let mut links = vec![nothing; route.count];
    let mut swaps = vec![false; route.count];
    let mut exceptions = BTreeMap::new();
    let mut scales = Scales::new(route.modes);
    let mut lanes = Lanes::default();
    let mut blocks = Reader::new(matrices);
    for (range, first) in &diagonals.runs {
        let mut start = range.start;
        while start < range.end {
            let end = range.end.min((start / BLOCK + 1) * BLOCK);
            let top = first + 2 * (start - range.start);
            let places = &diagonals.places[start..end];
            let entries = entries(blocks.block(start / BLOCK), route.direction);
            // A lane is the place of an MZI in its block.
            let used = start % BLOCK..start % BLOCK + places.len();
            scales.lend(top, &mut lanes, used.clone());
            let work = Scaling {
                entries,
                lanes: &mut lanes,
                sets: used.start / SET..used.end.div_ceil(SET),
            };
            vectorized(arch, work);
            if lanes.is_exceptional {
                for (lane, place) in used.clone().zip(places) {
                    let [mut s, mut t] = lanes.before.each_ref().map(|scale| at(scale, lane));
                    let part = |which: usize| entries[which][lane];
                    let matrix =
                        std::array::from_fn(|k| Complex::new(part(2 * k), part(2 * k + 1)));
                    let (link, exception) = step(matrix, &mut s, &mut t);
                    (links[*place as usize], swaps[*place as usize]) = link;
                    exceptions.extend(exception.map(|exception| (*place, exception)));
                    lanes.set_scales(lane, [s, t]);
                }
            } else {
                for (lane, place) in used.clone().zip(places) {
                    (links[*place as usize], swaps[*place as usize]) = lanes.link(lane);
                }
            }
            scales.take_back(top, &lanes, used);
            start = end;
        }
    }
    let moves = if exceptions.is_empty() {
        let mut swaps = swaps.as_slice();
        let chain = |(bottom, count): &(u32, u32)| {
            let (own, rest) = swaps.split_at(*count as usize);
            swaps = rest;
            let bits = own.iter().rev();
            Move::Chain {
                bottom: *bottom as usize,
                distance: 1,
                count: own.len(),
                swaps: bits.fold(0, |bits, swap| bits << 1 | u64::from(*swap)),
            }
        };
        diagonals.chains.iter().map(chain).collect()
    } else {
        with_exceptions(diagonals, &exceptions, &mut links, &swaps)
    };
    (Found { moves, links }, scales.into_factors(route.modes))
}

/// The moves of a walk with plain MZIs, whose links are taken out, and folds.
fn with_exceptions<T: Real>(
    diagonals: &Diagonals,
    exceptions: &BTreeMap<u32, Exception<T>>,
    links: &mut Vec<Link<T>>,
    swaps: &[bool],
) -> Vec<Move<T>> {
    let mut moves = Moves::default();
    let mut place = 0;
    let mut kept = 0;
    for (bottom, count) in &diagonals.chains {
        for above in 0..*count {
            let bottom = (bottom - above) as usize;
            links[kept] = links[place as usize];
            let swap = swaps[place as usize];
            let is_link = moves.mzi((bottom - 1, bottom), swap, exceptions.get(&place));
            kept += usize::from(is_link);
            place += 1;
        }
    }
    links.truncate(kept);
    moves.finish()
}

/// Real and imaginary parts of a, b, c, d.
fn entries(parts: &Parts, direction: Direction) -> [&[f64; BLOCK]; 8] {
    match direction {
        Direction::Forth => parts.each_ref(),
        Direction::Back => [0, 1, 4, 5, 2, 3, 6, 7].map(|part: usize| &parts[part]),
    }
}

/// The scales of all modes, even and odd ones apart: real parts, imaginary parts.
struct Scales {
    parts: [[Vec<f64>; 2]; 2],
}

impl Scales {
    fn new(modes: usize) -> Self {
        let half = modes / 2 + 1;
        let ones = || [vec![1.0; half], vec![0.0; half]];
        Self {
            parts: [ones(), ones()],
        }
    }

    /// Where the scales of `count` modes from `mode` on, every other one, stand.
    fn range(mode: usize, count: usize) -> Range<usize> {
        mode / 2..mode / 2 + count
    }

    /// Puts the scales of the MZIs on `top` and every other mode below it before the lanes `used`.
    fn lend(&self, top: usize, lanes: &mut Lanes, used: Range<usize>) {
        for (mode, into) in [top, top + 1].into_iter().zip(&mut lanes.before) {
            for (part, into) in self.parts[mode % 2].iter().zip(into) {
                let scales = &part[Self::range(mode, used.len())];
                into.as_flattened_mut()[used.clone()].copy_from_slice(scales);
            }
        }
    }

    /// Takes the scales behind the lanes `used`.
    fn take_back(&mut self, top: usize, lanes: &Lanes, used: Range<usize>) {
        for (mode, from) in [top, top + 1].into_iter().zip(&lanes.behind) {
            for (part, from) in self.parts[mode % 2].iter_mut().zip(from) {
                let scales = &from.as_flattened()[used.clone()];
                part[Self::range(mode, used.len())].copy_from_slice(scales);
            }
        }
    }

    fn into_factors(self, modes: usize) -> Vec<Complex<f64>> {
        let factor = |mode: usize| {
            let [re, im] = &self.parts[mode % 2];
            Complex::new(re[mode / 2], im[mode / 2])
        };
        (0..modes).map(factor).collect()
    }
}

/// Lanes are computed in whole sets of this many: loops of known length.
const SET: usize = 16;
/// A number of each MZI of a block.
type Numbers = [[f64; SET]; BLOCK / SET];
/// Real and imaginary parts of a quantity of each MZI of a block.
type Planar = [Numbers; 2];

/// MZIs of a block that are scaled together.
struct Lanes {
    /// Scales of the top and the bottom modes, before and behind the MZIs.
    before: [Planar; 2],
    behind: [Planar; 2],
    down: Planar,
    up: Planar,
    /// 1 where the operands swap.
    swap: Numbers,
    /// Whether an MZI needs the plain 2×2, or a scale a fold.
    is_exceptional: bool,
}

impl Default for Lanes {
    fn default() -> Self {
        let all = |value: f64| [[value; SET]; BLOCK / SET];
        let (one, zero) = ([all(1.0), all(0.0)], [all(0.0); 2]);
        Self {
            before: [one; 2],
            behind: [one; 2],
            down: zero,
            up: zero,
            swap: all(0.0),
            is_exceptional: false,
        }
    }
}

impl Lanes {
    fn set_scales(&mut self, lane: usize, scales: [Complex<f64>; 2]) {
        for ([re, im], scale) in self.behind.iter_mut().zip(scales) {
            re.as_flattened_mut()[lane] = scale.re;
            im.as_flattened_mut()[lane] = scale.im;
        }
    }

    fn link<T: Real>(&self, lane: usize) -> Swapped<T> {
        let link = Link {
            down: factor(at(&self.down, lane)),
            up: factor(at(&self.up, lane)),
        };
        (link, self.swap.as_flattened()[lane] == 1.0)
    }
}

#[inline(always)]
fn at([re, im]: &Planar, lane: usize) -> Complex<f64> {
    Complex::new(re.as_flattened()[lane], im.as_flattened()[lane])
}

/// The scaled form of the MZIs in some sets of lanes; lanes besides those in use hold what was there before.
struct Scaling<'a> {
    entries: [&'a [f64; BLOCK]; 8],
    lanes: &'a mut Lanes,
    sets: Range<usize>,
}

impl Loop for Scaling<'_> {
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Lanes {
            before,
            behind,
            down,
            up,
            swap,
            is_exceptional,
        } = self.lanes;
        // Whole numbers: others would have to be added up in their order.
        let mut exceptional = 0;
        for set in self.sets {
            let part = |k: usize| &self.entries[k].as_chunks::<SET>().0[set];
            let (ar, ai, br, bi) = (part(0), part(1), part(2), part(3));
            let (cr, ci, dr, di) = (part(4), part(5), part(6), part(7));
            let [s, t] = before;
            let (s, t) = ([&s[0][set], &s[1][set]], [&t[0][set], &t[1][set]]);
            for lane in 0..SET {
                let z = |re: &[f64; SET], im: &[f64; SET]| Complex::new(re[lane], im[lane]);
                let matrix = [z(ar, ai), z(br, bi), z(cr, ci), z(dr, di)];
                let scaled = scaled_form(matrix, z(s[0], s[1]), z(t[0], t[1]));
                let write = |[re, im]: &mut Planar, z: Complex<f64>| {
                    (re[set][lane], im[set][lane]) = (z.re, z.im);
                };
                write(down, scaled.down);
                write(up, scaled.up);
                write(&mut behind[0], scaled.top);
                write(&mut behind[1], scaled.bottom);
                swap[set][lane] = if scaled.swap { 1.0 } else { 0.0 };
                let is_exception =
                    scaled.is_plain() | is_small(scaled.top) | is_small(scaled.bottom);
                exceptional |= u64::from(is_exception);
            }
        }
        *is_exceptional = exceptional != 0;
    }
}
