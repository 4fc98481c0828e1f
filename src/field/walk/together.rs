//! [`pull`](super::pull) at half the arithmetic: light is walked back together with its adjoint.
//!
//! Neighbouring columns make a leg. In front of each the light of a few samples is kept, as in the plain way; inside of a
//! leg it is not walked again but won back by the inverse of every MZI, which a leg is too short to amplify rounding by
//! more than some times. Both ways back are in scaled form and take the same chains, so that the overlaps of an MZI are
//! summed where both its fields are in registers; the scales of the two meet the sums afterwards.
//!
//! Where an MZI is far from a multiple of a unitary, or no scale fits it, and in meshes whose cells join distant modes, the
//! plain way is left.

use std::ops::Range;

use num_complex::Complex;
use pulp::{Arch, Simd, WithSimd};

use super::pull::{Pulled, overlap};
use super::route::{Direction, Order, Route};
use super::{Link, Move, Walk, follow, multiply, turn};
use crate::field::matrices::{Form, Matrices, Part};
use crate::field::tile::{Lines, Pair, load, store};
use crate::field::{Fields, Real};

/// Columns of a leg.
const COLUMNS: usize = 16;
/// Least `2 |det T| / ‖T‖²` of an MZI that is inverted, 1 for a multiple of a unitary: its singular values are a factor of
/// 1.22 apart, those of a leg at most 24.
const UNITARY: f64 = 0.98;

/// The legs of a mesh of neighbouring modes, which follow from its layout alone.
#[derive(Debug, Clone)]
pub(crate) struct Legs(Vec<Leg>);

#[derive(Debug, Clone)]
struct Leg {
    range: Range<usize>,
    forth: Route,
    back: Route,
}

impl Legs {
    /// The legs of `count` MZIs in the order of light, each on the modes (top, bottom) that `pair` says, in the column that
    /// `column` says; none if they join distant modes.
    pub(crate) fn new(
        count: usize,
        pair: impl Fn(usize) -> (usize, usize),
        column: impl Fn(usize) -> usize,
        modes: usize,
    ) -> Option<Self> {
        let mut legs = Vec::new();
        let mut start = 0;
        while start < count {
            let last = column(start) + COLUMNS;
            let end = (start..count).find(|index| column(*index) >= last);
            let range = start..end.unwrap_or(count);
            let route = |direction| {
                Route::new(
                    range.len(),
                    |index| pair(range.start + index),
                    modes,
                    direction,
                )
            };
            let (forth, back) = (route(Direction::Forth), route(Direction::Back));
            if !matches!(forth.order, Order::Diagonals(_)) {
                return None;
            }
            start = range.end;
            legs.push(Leg { range, forth, back });
        }
        Some(Self(legs))
    }
}

/// A leg with its walks.
struct Ready<T> {
    forth: Walk<T>,
    undo: Walk<T>,
    adjoint: Walk<T>,
    /// The number of the MZI at each place of the ways back, and what its sums are multiplied by.
    places: Vec<(usize, [Complex<f64>; 4])>,
}

impl<T: Real> Ready<T> {
    fn new(leg: &Leg, matrices: &Matrices) -> Option<Self> {
        let part = |form| Part::new(matrices, leg.range.clone(), form);
        let (forth, _) = Walk::unexceptional(&leg.forth, &part(Form::Same))?;
        let (undo, light) = Walk::unexceptional(&leg.back, &part(Form::InverseTransposed))?;
        let (adjoint, back) = Walk::unexceptional(&leg.back, &part(Form::Conjugate))?;
        let Order::Diagonals(diagonals) = &leg.back.order else {
            return None;
        };
        let mut places = vec![(0, [Complex::ZERO; 4]); leg.range.len()];
        for (index, place) in diagonals.places.iter().enumerate() {
            let place = *place as usize;
            let ([s, t], [u, v]) = (light[place], back[place].map(|scale| scale.conj()));
            places[place] = (leg.range.start + index, [s * u, s * v, t * u, t * v]);
        }
        Some(Self {
            forth,
            undo,
            adjoint,
            places,
        })
    }
}

/// What [`pull`](super::pull::pull) says of light that goes forth through `matrices`; none where only the plain way is left.
///
/// # Panics
/// As [`pull`](super::pull::pull).
pub(crate) fn pull_together<T: Real>(
    legs: &Legs,
    matrices: &Matrices,
    inputs: &Fields<T>,
    adjoint: &Fields<T>,
) -> Option<Pulled<T>> {
    pull_together_on(Arch::new(), legs, matrices, inputs, adjoint)
}

/// [`pull_together`] with an instruction set of this machine.
pub(super) fn pull_together_on<T: Real>(
    arch: Arch,
    Legs(legs): &Legs,
    matrices: &Matrices,
    inputs: &Fields<T>,
    adjoint: &Fields<T>,
) -> Option<Pulled<T>> {
    assert_eq!(adjoint.re.dim(), inputs.re.dim(), "one adjoint per field");
    if !matrices.are_nearly_unitary(UNITARY) {
        return None;
    }
    let legs = legs.iter().map(|leg| Ready::new(leg, matrices));
    let legs: Vec<Ready<T>> = legs.collect::<Option<_>>()?;
    let mut back = adjoint.clone();
    let mut sums: Vec<Vec<[f64; 8]>> = legs
        .iter()
        .map(|leg| vec![[0.0; 8]; leg.places.len()])
        .collect();
    let mut ends = vec![Complex::ZERO; inputs.modes()];
    arch.dispatch(Together {
        legs: &legs,
        inputs,
        adjoint: &mut back,
        sums: &mut sums,
        ends: &mut ends,
    });
    let count = legs.iter().map(|leg| leg.places.len()).sum();
    let mut overlaps = vec![[Complex::ZERO; 4]; count];
    for (leg, sums) in legs.iter().zip(&sums) {
        for ((index, weights), sums) in leg.places.iter().zip(sums) {
            overlaps[*index] =
                std::array::from_fn(|k| weights[k] * Complex::new(sums[2 * k], sums[2 * k + 1]));
        }
    }
    Some(Pulled {
        overlaps,
        ends,
        adjoint: back,
    })
}

struct Together<'a, T> {
    legs: &'a [Ready<T>],
    inputs: &'a Fields<T>,
    adjoint: &'a mut Fields<T>,
    sums: &'a mut [Vec<[f64; 8]>],
    ends: &'a mut [Complex<f64>],
}

impl<T: Real> WithSimd for Together<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let lanes = size_of::<T::Vector<S>>() / size_of::<T>();
        // Two fields are carried: half the registers of a walk.
        if S::IS_SCALAR {
            self.run::<S, 8>(simd);
        } else if S::REGISTER_COUNT < 32 || self.inputs.samples() <= lanes {
            self.run::<S, 1>(simd);
        } else {
            self.run::<S, 2>(simd);
        }
    }
}

impl<T: Real> Together<'_, T> {
    #[inline(always)]
    fn run<S: Simd, const K: usize>(self, simd: S) {
        let width = K * size_of::<T::Vector<S>>() / size_of::<T>();
        let samples = self.inputs.samples();
        let modes = self.inputs.modes();
        let dark: Lines<Pair<S, T, K>> = Lines([[T::splat(simd, T::zero()); K]; 2]);
        let mut light = vec![dark; modes];
        let mut back = vec![dark; modes];
        let mut kept = vec![dark; modes * self.legs.len()];
        let mut lit = vec![0..0; self.legs.len() + 1];
        let standard = "fields are stored in standard layout";
        let inputs =
            [&self.inputs.re, &self.inputs.im].map(|part| part.as_slice().expect(standard));
        let mut adjoint = [&mut self.adjoint.re, &mut self.adjoint.im]
            .map(|part| part.as_slice_mut().expect(standard));
        for start in (0..samples).step_by(width) {
            let len = width.min(samples - start);
            let (mut first, mut end) = (modes, 0);
            for (mode, (Lines(light), Lines(back))) in light.iter_mut().zip(&mut back).enumerate() {
                let from = mode * samples + start;
                for part in 0..2 {
                    // Lanes beyond the batch must stay dark.
                    light[part] = dark.0[part];
                    back[part] = dark.0[part];
                    load::<S, T, K>(&mut light[part], &inputs[part][from..from + len]);
                    load::<S, T, K>(&mut back[part], &adjoint[part][from..from + len]);
                    if inputs[part][from..from + len]
                        .iter()
                        .any(|x| *x != T::zero())
                    {
                        first = first.min(mode);
                        end = mode + 1;
                    }
                }
            }
            lit[0] = first.min(end)..end;
            for (number, (leg, kept)) in self.legs.iter().zip(kept.chunks_mut(modes)).enumerate() {
                kept.copy_from_slice(&light);
                let here = lit[number].clone();
                leg.forth.send::<S, K>(simd, &mut light, here.clone());
                finish::<S, T, K>(simd, &leg.forth, &mut light);
                // Light spreads by one mode a column.
                lit[number + 1] = match here.is_empty() {
                    true => here,
                    false => here.start.saturating_sub(COLUMNS)..modes.min(here.end + COLUMNS),
                };
            }
            for (end, (Lines(light), Lines(back))) in
                self.ends.iter_mut().zip(light.iter().zip(&back))
            {
                *end += overlap::<S, T, K>(simd, light, back);
            }
            for (number, leg) in self.legs.iter().enumerate().rev() {
                if let Some(behind) = kept.chunks(modes).nth(number + 1) {
                    light.copy_from_slice(behind);
                }
                let (lit, sums) = (lit[number + 1].clone(), &mut self.sums[number]);
                leg.back::<S, K>(simd, &mut light, &mut back, lit, sums);
                finish::<S, T, K>(simd, &leg.adjoint, &mut back);
            }
            for (mode, Lines(pair)) in back.iter().enumerate() {
                let to = mode * samples + start;
                for (row, part) in pair.iter().zip(&mut adjoint) {
                    store::<S, T, K>(row, &mut part[to..to + len]);
                }
            }
        }
    }
}

/// Multiplies every mode by its scale at the end of a walk.
#[inline(always)]
fn finish<S: Simd, T: Real, const K: usize>(
    simd: S,
    walk: &Walk<T>,
    tile: &mut [Lines<Pair<S, T, K>>],
) {
    for (Lines(pair), factor) in tile.iter_mut().zip(&walk.ends) {
        multiply::<S, T, K>(simd, pair, *factor);
    }
}

impl<T: Real> Ready<T> {
    /// Walks light, which is in the modes `lit` alone, and its adjoint back, and adds the overlaps in front of every MZI to
    /// `sums`.
    #[inline(always)]
    fn back<S: Simd, const K: usize>(
        &self,
        simd: S,
        light: &mut [Lines<Pair<S, T, K>>],
        back: &mut [Lines<Pair<S, T, K>>],
        lit: Range<usize>,
        sums: &mut [[f64; 8]],
    ) {
        let (mut undo, mut adjoint) = (&self.undo.links[..], &self.adjoint.links[..]);
        let mut sums = sums;
        for moves in self.undo.moves.iter().zip(&self.adjoint.moves) {
            let (Move::Chain(of_light), Move::Chain(of_back)) = moves else {
                unreachable!("the walks of a leg have chains alone")
            };
            let (bottom, count) = (of_light.bottom, of_light.count);
            let light_links;
            let back_links;
            (light_links, undo) = undo.split_at(count);
            (back_links, adjoint) = adjoint.split_at(count);
            let own;
            (own, sums) = std::mem::take(&mut sums).split_at_mut(count);
            let (back_above, back_rest) = back.split_at_mut(bottom);
            if bottom < lit.start || bottom - count >= lit.end {
                let chain = (back_links, of_back.swaps);
                follow::<S, T, K>(simd, back_above, &mut back_rest[0], 1, chain);
                continue;
            }
            let (light_above, light_rest) = light.split_at_mut(bottom);
            let light = (
                light_above,
                &mut light_rest[0],
                (light_links, of_light.swaps),
            );
            let back = (back_above, &mut back_rest[0], (back_links, of_back.swaps));
            follow_both::<S, T, K>(simd, light, back, own);
        }
    }
}

/// The modes above a chain, its lowest mode, its links and their swaps.
type Way<'a, S, T, const K: usize> = (
    &'a mut [Lines<Pair<S, T, K>>],
    &'a mut Lines<Pair<S, T, K>>,
    (&'a [Link<T>], u64),
);

/// The MZIs of a chain for light and adjoint, the fields of the shared mode in registers.
#[inline(always)]
fn follow_both<S: Simd, T: Real, const K: usize>(
    simd: S,
    (light_above, light_bottom, (light_links, mut light_swaps)): Way<'_, S, T, K>,
    (back_above, back_bottom, (back_links, mut back_swaps)): Way<'_, S, T, K>,
    sums: &mut [[f64; 8]],
) {
    let (mut light_carried, mut back_carried) = (light_bottom.0, back_bottom.0);
    let (mut light_at, mut back_at) = (light_bottom, back_bottom);
    let links = light_links.iter().zip(back_links).zip(sums);
    let modes = light_above
        .iter_mut()
        .rev()
        .zip(back_above.iter_mut().rev());
    for (((light_link, back_link), sums), (light_top, back_top)) in links.zip(modes) {
        let light = pass::<S, T, K>(simd, light_link, light_swaps, &light_top.0, &light_carried);
        let back = pass::<S, T, K>(simd, back_link, back_swaps, &back_top.0, &back_carried);
        light_swaps >>= 1;
        back_swaps >>= 1;
        let pairs = [
            (&light.0, &back.0),
            (&light.0, &back.1),
            (&light.1, &back.0),
            (&light.1, &back.1),
        ];
        for (sums, (x, a)) in sums.chunks_exact_mut(2).zip(pairs) {
            let z = overlap::<S, T, K>(simd, x, a);
            sums[0] += z.re;
            sums[1] += z.im;
        }
        (light_carried, light_at.0) = light;
        (back_carried, back_at.0) = back;
        (light_at, back_at) = (light_top, back_top);
    }
    light_at.0 = light_carried;
    back_at.0 = back_carried;
}

/// The fields of the top and of the bottom mode behind one link.
#[inline(always)]
fn pass<S: Simd, T: Real, const K: usize>(
    simd: S,
    link: &Link<T>,
    swaps: u64,
    top: &Pair<S, T, K>,
    bottom: &Pair<S, T, K>,
) -> (Pair<S, T, K>, Pair<S, T, K>) {
    // The first operand leads the upper result, the second one the lower result.
    if swaps & 1 == 1 {
        turn::<S, T, K>(simd, link, bottom, top)
    } else {
        turn::<S, T, K>(simd, link, top, bottom)
    }
}
