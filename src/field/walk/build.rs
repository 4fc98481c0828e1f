//! From 2×2 matrices to a walk: links in the order of its route.

use std::collections::BTreeMap;

use num_complex::Complex;
use pulp::Arch;

use super::route::{Diagonals, Direction, Order, Route};
use super::scaled::{Lanes, SET, Scales, Scaling, Swapped, at, factor, is_small, scaled_form};
use super::{Chain, Factor, LONGEST, Link, Move, Walk};
use crate::field::matrices::{BLOCK, Matrices, MatrixSource, Parts, Reader, fetch};
use crate::field::{Real, TwoByTwo};
use crate::simd::vectorized;

impl<T: Real> Walk<T> {
    /// The walk along `route` through the MZIs of `matrices`, then a factor on each mode, for light that comes from the
    /// first `lit` modes alone: matrices of MZIs that it does not reach are not asked for.
    ///
    /// # Panics
    /// If there is not one matrix for every MZI of the route and one factor for every mode, or not so many modes.
    pub fn new(
        route: &Route,
        matrices: &impl MatrixSource,
        factors: &[Complex<f64>],
        lit: usize,
    ) -> Self {
        assert_eq!(matrices.count(), route.count, "one matrix for every MZI");
        assert_eq!(factors.len(), route.modes, "one factor for every mode");
        assert!(lit <= route.modes, "light comes from modes of the mesh");
        let (found, scales) = match &route.order {
            Order::OneByOne(pairs) => one_by_one(route, pairs, &matrices.all()),
            Order::Diagonals(diagonals) => by_columns(route, diagonals, matrices, lit),
        };
        let ends = scales.iter().zip(factors);
        Self {
            modes: route.modes,
            lit,
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
        let chain = self.chain.take().map(Move::Chain);
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

/// A mesh of neighbouring modes, its columns a block at a time. Links of MZIs in the dark are 0: they keep it dark.
fn by_columns<T: Real>(
    route: &Route,
    diagonals: &Diagonals,
    matrices: &impl MatrixSource,
    lit: usize,
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
    let mut runs = diagonals.reached(lit).peekable();
    while let Some((range, first)) = runs.next() {
        if let Some((next, _)) = runs.peek() {
            matrices.fetch(next.clone());
            fetch(&diagonals.places[next.clone()]);
        }
        for block in range.start / BLOCK..range.end.div_ceil(BLOCK) {
            let start = range.start.max(block * BLOCK);
            let end = range.end.min((block + 1) * BLOCK);
            let top = first + 2 * (start - range.start);
            let places = &diagonals.places[start..end];
            let entries = entries(blocks.block(block), route.direction);
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
        }
    }
    let moves = if exceptions.is_empty() {
        let mut swaps = swaps.as_slice();
        let chain = |(bottom, count): &(u32, u32)| {
            let (own, rest) = swaps.split_at(*count as usize);
            swaps = rest;
            let bits = own.iter().rev();
            Move::Chain(Chain {
                bottom: *bottom as usize,
                distance: 1,
                count: own.len(),
                swaps: bits.fold(0, |bits, swap| bits << 1 | u64::from(*swap)),
            })
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
