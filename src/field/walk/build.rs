//! From 2×2 matrices to a walk: the scaled form and the order.

use std::collections::BTreeMap;
use std::ops::Range;

use num_complex::Complex;
use pulp::Arch;

use super::{Factor, GROUP, Link, Move, Walk};
use crate::elementary::{Loop, vectorized};
use crate::field::matrices::{BLOCK, Matrices, MatrixSource, Parts, Reader};
use crate::field::{Real, TwoByTwo};

/// A result whose leading entry is this much smaller than the other one is computed by the plain 2×2.
const LARGEST_RATIO: f64 = 1e4;
/// A mode's scale below this is folded back into its field: `f32` then never runs out of exponents.
const SMALLEST_SCALE: f64 = 1e-6;

/// Which way light goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the inputs to the outputs.
    Forth,
    /// From the outputs to the inputs: transposed matrices in reversed order.
    Back,
}

impl<T: Real> Walk<T> {
    /// The walk through the MZIs of `matrices` on the modes (top, bottom) that `pair` says for each, in the order of light,
    /// then a factor on each mode.
    ///
    /// # Panics
    /// If a pair names a mode that does not exist, or one mode twice.
    pub fn new(
        pair: impl Fn(usize) -> (usize, usize),
        matrices: &impl MatrixSource,
        direction: Direction,
        factors: &[Complex<f64>],
    ) -> Self {
        let (count, modes) = (matrices.count(), factors.len());
        let mut neighbours = true;
        for index in 0..count {
            let (top, bottom) = pair(index);
            assert!(top != bottom, "an MZI joins two different modes");
            assert!(top.max(bottom) < modes, "an MZI's modes exist");
            neighbours &= bottom == top + 1;
        }
        let (links, scales) = if neighbours {
            Neighbours::new(|index| pair(index).0, matrices, direction, modes).links()
        } else {
            one_by_one(pair, &matrices.all(), direction, modes)
        };
        let ends = scales.iter().zip(factors);
        let ends = ends.map(|(scale, last)| factor(scale * last)).collect();
        Self {
            modes,
            moves: links.moves,
            links: links.links,
            ends,
        }
    }
}

/// What a walk does, but for the factors at its end.
#[derive(Debug, PartialEq)]
struct Found<T> {
    moves: Vec<Move<T>>,
    links: Vec<Link<T>>,
}

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
    /// Whether the scaled form does, and no scale has become too small. NaN, from a row of zeros, is not below the limit.
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
) -> (Link<T>, Option<Exception<T>>) {
    let scaled = scaled_form(matrix, *s, *t);
    let link = Link {
        down: factor(scaled.down),
        up: factor(scaled.up),
        swap: scaled.swap,
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
    (link, is_exception.then_some(Exception { plain, folds }))
}

/// Moves as they are found.
struct Moves<T> {
    all: Vec<Move<T>>,
    /// The chain that may still grow: bottom mode, distance, number of links.
    chain: Option<(usize, usize, usize)>,
}

impl<T: Real> Moves<T> {
    /// The next MZI, on the modes `top` and `bottom`; whether it is a link.
    fn mzi(&mut self, top: usize, bottom: usize, exception: Option<&Exception<T>>) -> bool {
        let plain = exception.and_then(|exception| exception.plain);
        match plain {
            Some(matrix) => self.push(Move::Plain {
                top,
                bottom,
                matrix,
            }),
            None => self.link(bottom, bottom - top),
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

    fn link(&mut self, bottom: usize, distance: usize) {
        match &mut self.chain {
            Some((first, step, count))
                if *step == distance && *first == bottom + *count * *step =>
            {
                *count += 1;
            }
            _ => {
                self.end_chain();
                self.chain = Some((bottom, distance, 1));
            }
        }
    }

    fn push(&mut self, other: Move<T>) {
        self.end_chain();
        self.all.push(other);
    }

    fn end_chain(&mut self) {
        let chain = self.chain.take();
        let chain = chain.map(|(bottom, distance, count)| Move::Chain {
            bottom,
            distance,
            count,
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
    pair: impl Fn(usize) -> (usize, usize),
    matrices: &Matrices,
    direction: Direction,
    modes: usize,
) -> (Found<T>, Vec<Complex<f64>>) {
    let count = matrices.len();
    let mut scales = vec![Complex::ONE; modes];
    let mut links = Vec::with_capacity(count);
    let mut moves = Moves {
        all: Vec::new(),
        chain: None,
    };
    for index in 0..count {
        let index = match direction {
            Direction::Forth => index,
            Direction::Back => count - 1 - index,
        };
        let (top, bottom) = pair(index);
        let [a, b, c, d] = matrices.get(index);
        let [a, b, c, d] = match direction {
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
        let (link, exception) = step(matrix, s, t);
        if moves.mzi(top, bottom, exception.as_ref()) {
            links.push(link);
        }
    }
    let moves = moves.finish();
    (Found { moves, links }, scales)
}

/// A mesh of neighbouring modes: MZIs of a column are scaled together, then put in the order of diagonals.
struct Neighbours<'a, M> {
    matrices: &'a M,
    direction: Direction,
    modes: usize,
    /// Ranges of MZIs on every other pair of modes, and the top mode of the first one; in the order of light.
    runs: Vec<(Range<usize>, usize)>,
    /// The place of each MZI in the walk.
    places: Vec<u32>,
}

impl<'a, M: MatrixSource> Neighbours<'a, M> {
    fn new(
        top: impl Fn(usize) -> usize,
        matrices: &'a M,
        direction: Direction,
        modes: usize,
    ) -> Self {
        let count = matrices.count();
        let mut runs: Vec<(Range<usize>, usize)> = Vec::new();
        for index in 0..count {
            let top = top(index);
            match runs.last_mut() {
                Some((range, first)) if top == *first + 2 * range.len() => range.end += 1,
                _ => runs.push((index..index + 1, top)),
            }
        }
        if direction == Direction::Back {
            runs.reverse();
        }
        let places = along_diagonals(&runs, count, modes);
        Self {
            matrices,
            direction,
            modes,
            runs,
            places,
        }
    }

    fn links<T: Real>(&self) -> (Found<T>, Vec<Complex<f64>>) {
        let arch = Arch::new();
        let count = self.matrices.count();
        let dark = (T::zero(), T::zero());
        let nothing = Link {
            down: dark,
            up: dark,
            swap: false,
        };
        let mut links = vec![nothing; count];
        let mut tops = vec![0u32; count];
        let mut exceptions = BTreeMap::new();
        let mut scales = Scales::new(self.modes);
        let mut lanes = Lanes::default();
        let mut blocks = Reader::new(self.matrices);
        for (range, first) in &self.runs {
            let mut start = range.start;
            while start < range.end {
                let end = range.end.min((start / BLOCK + 1) * BLOCK);
                let top = first + 2 * (start - range.start);
                let places = &self.places[start..end];
                lanes.load(
                    blocks.block(start / BLOCK),
                    self.direction,
                    start,
                    places.len(),
                );
                scales.lend(top, &mut lanes, places.len());
                vectorized(arch, &mut lanes);
                if lanes.is_exceptional {
                    for (lane, place) in places.iter().enumerate() {
                        let (mut s, mut t) = lanes.scales(lane);
                        let (link, exception) = step(lanes.matrix(lane), &mut s, &mut t);
                        links[*place as usize] = link;
                        tops[*place as usize] = (top + 2 * lane) as u32;
                        exceptions.extend(exception.map(|exception| (*place, exception)));
                        lanes.set_scales(lane, s, t);
                    }
                } else {
                    for (lane, place) in places.iter().enumerate() {
                        links[*place as usize] = lanes.link(lane);
                        tops[*place as usize] = (top + 2 * lane) as u32;
                    }
                }
                scales.take_back(top, &lanes, places.len());
                start = end;
            }
        }
        let mut moves = Moves {
            all: Vec::new(),
            chain: None,
        };
        let mut kept = 0;
        for (place, top) in tops.iter().enumerate() {
            let top = *top as usize;
            let exception = exceptions.get(&(place as u32));
            links[kept] = links[place];
            kept += usize::from(moves.mzi(top, top + 1, exception));
        }
        links.truncate(kept);
        let moves = moves.finish();
        (Found { moves, links }, scales.into_factors(self.modes))
    }
}

/// The place of every MZI in the order of the walk: grouped by columns and within a group along diagonals, as light
/// allows. An MZI depends on those of earlier columns at most one mode away, which lie on the same or an earlier diagonal.
fn along_diagonals(runs: &[(Range<usize>, usize)], count: usize, modes: usize) -> Vec<u32> {
    assert!(
        u32::try_from(count).is_ok(),
        "a mesh has fewer than 2³² MZIs"
    );
    // The column of each MZI: one more than the last column that touched either mode.
    let mut next = vec![0usize; modes];
    let diagonals = modes + GROUP;
    let mut places = vec![0u32; count];
    let mut starts: Vec<u32> = Vec::new();
    let mut columns = 0;
    for (range, first) in runs {
        for (index, top) in range.clone().zip((*first..).step_by(2)) {
            let column = next[top].max(next[top + 1]);
            next[top] = column + 1;
            next[top + 1] = column + 1;
            columns = columns.max(column + 1);
            let key = column / GROUP * diagonals + top + column % GROUP;
            places[index] = key as u32;
        }
    }
    // A counting sort: MZIs of one diagonal stay in the order of their columns.
    starts.resize(columns.div_ceil(GROUP) * diagonals + 1, 0);
    for key in &places {
        starts[*key as usize + 1] += 1;
    }
    for key in 1..starts.len() {
        starts[key] += starts[key - 1];
    }
    for (range, _) in runs {
        for place in &mut places[range.clone()] {
            let start = &mut starts[*place as usize];
            *place = *start;
            *start += 1;
        }
    }
    places
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

    fn lend(&self, top: usize, lanes: &mut Lanes, count: usize) {
        for (mode, into) in [top, top + 1].into_iter().zip(&mut lanes.before) {
            for (part, into) in self.parts[mode % 2].iter().zip(into) {
                into.as_flattened_mut()[..count].copy_from_slice(&part[Self::range(mode, count)]);
            }
        }
    }

    fn take_back(&mut self, top: usize, lanes: &Lanes, count: usize) {
        for (mode, from) in [top, top + 1].into_iter().zip(&lanes.behind) {
            for (part, from) in self.parts[mode % 2].iter_mut().zip(from) {
                part[Self::range(mode, count)].copy_from_slice(&from.as_flattened()[..count]);
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

/// MZIs of one column that are scaled together.
struct Lanes {
    count: usize,
    /// a, b, c, d.
    entries: [Planar; 4],
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
        // Idle lanes hold the identity.
        let all = |value: f64| [[value; SET]; BLOCK / SET];
        let (one, zero) = ([all(1.0), all(0.0)], [all(0.0); 2]);
        Self {
            count: 0,
            entries: [one, zero, zero, one],
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
    /// Loads `count` matrices from number `start` on, which lie in the block of `parts`.
    fn load(&mut self, parts: &Parts, direction: Direction, start: usize, count: usize) {
        let order = match direction {
            Direction::Forth => [0, 1, 2, 3],
            Direction::Back => [0, 2, 1, 3],
        };
        let from = start % BLOCK;
        for (entry, which) in self.entries.iter_mut().zip(order) {
            for (part, values) in entry.iter_mut().zip(&parts[2 * which..]) {
                part.as_flattened_mut()[..count].copy_from_slice(&values[from..from + count]);
            }
        }
        self.count = count;
    }

    fn matrix(&self, lane: usize) -> TwoByTwo {
        self.entries.each_ref().map(|entry| at(entry, lane))
    }

    fn scales(&self, lane: usize) -> (Complex<f64>, Complex<f64>) {
        (at(&self.before[0], lane), at(&self.before[1], lane))
    }

    fn set_scales(&mut self, lane: usize, top: Complex<f64>, bottom: Complex<f64>) {
        for (planar, scale) in self.behind.iter_mut().zip([top, bottom]) {
            planar[0].as_flattened_mut()[lane] = scale.re;
            planar[1].as_flattened_mut()[lane] = scale.im;
        }
    }

    fn link<T: Real>(&self, lane: usize) -> Link<T> {
        Link {
            down: factor(at(&self.down, lane)),
            up: factor(at(&self.up, lane)),
            swap: self.swap.as_flattened()[lane] == 1.0,
        }
    }
}

fn at([re, im]: &Planar, lane: usize) -> Complex<f64> {
    Complex::new(re.as_flattened()[lane], im.as_flattened()[lane])
}

impl Loop for &mut Lanes {
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Lanes {
            count,
            entries,
            before,
            behind,
            down,
            up,
            swap,
            is_exceptional,
        } = self;
        // A count of floating-point numbers would have to be added up in their order.
        let mut exceptional = 0;
        for set in 0..count.div_ceil(SET) {
            let read = |[re, im]: &Planar| (re[set], im[set]);
            let entries = entries.each_ref().map(read);
            let [s, t] = before.each_ref().map(read);
            for lane in 0..SET {
                let z = |(re, im): &([f64; SET], [f64; SET])| Complex::new(re[lane], im[lane]);
                let scaled = scaled_form(entries.each_ref().map(z), z(&s), z(&t));
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
