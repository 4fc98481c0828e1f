//! Rows of overlaps, multiplied by a run of MZIs from both sides while two of them are in registers.

use std::ops::Range;

use num_complex::Complex;
use pulp::{Simd, bytemuck};

use super::super::route::Direction;
use crate::field::tile::{Factor, Row};
use crate::field::{Lanes, Real, TwoByTwo};

/// How a run's rows and columns are multiplied.
pub(super) struct Sides<T> {
    /// The modes of its MZIs.
    pub(super) lit: Range<usize>,
    /// The place where registers begin.
    pub(super) origin: usize,
    /// The matrix that each pair of rows is multiplied by from the left.
    pub(super) left: Vec<[Factor<T>; 4]>,
    /// What columns are multiplied by from the right, by their places from `origin` on: their own factor, real and imaginary
    /// part, and that of the neighbour's.
    pub(super) right: [Vec<T>; 4],
}

impl<T: Real> Sides<T> {
    pub(super) fn new(places: usize) -> Self {
        Self {
            lit: 0..0,
            origin: 0,
            left: Vec::new(),
            right: std::array::from_fn(|_| vec![T::zero(); places]),
        }
    }
}

/// The overlaps of every mode of light: its real parts, then its imaginary ones, each as long as `places` says. Mode n of
/// the adjoint has place n + 1, so that pairs begin a register behind place 0 or behind place 1.
pub(super) struct Rows<'a, T> {
    pub(super) places: usize,
    /// Registers of a row.
    pub(super) registers: usize,
    /// Whether what stands left of the diagonal is not kept up.
    pub(super) half: bool,
    pub(super) values: &'a mut [T],
}

impl<T: Real> Rows<'_, T> {
    /// Multiplies by a run in the `ready` rows, as far as whole MZIs go; the first row that is not done. The MZIs' own
    /// overlaps, in front of them, go to `overlaps`.
    #[inline(always)]
    pub(super) fn advance<S: Simd, const K: usize>(
        &mut self,
        simd: S,
        sides: &Sides<T>,
        direction: Direction,
        ready: Range<usize>,
        overlaps: &mut [TwoByTwo],
    ) -> usize {
        let Sides { lit, origin, .. } = sides;
        let width = K * size_of::<T::Vector<S>>() / size_of::<T>();
        let right = sides.right.each_ref();
        let right = right.map(|part| registers::<S, T, K>(part));
        // The registers in which columns change.
        let changed = (lit.start + 1 - origin) / width..(lit.end + 1 - origin).div_ceil(width);
        let half = self.half;
        let diagonal = |mode: usize| match half {
            true => (mode + 1 - origin) / width,
            false => 0,
        };
        let mut row = ready.start;
        while row < ready.end {
            if !lit.contains(&row) {
                let from = changed.start.max(diagonal(row));
                if from < changed.end {
                    let places = origin + from * width..origin + changed.end * width;
                    let parts = self.one::<S, K>(row, places);
                    columns::<S, T, K>(simd, parts, right.map(|part| &part[from..changed.end]));
                }
                row += 1;
                continue;
            }
            if row + 1 == ready.end {
                break;
            }
            let number = (row - lit.start) / 2;
            if half {
                self.mirror(row);
            }
            if direction == Direction::Forth {
                overlaps[number] = self.overlaps(row);
            }
            let from = diagonal(row);
            let places = origin + from * width..origin + self.registers * width;
            let pair = self.pair::<S, K>(row, places);
            both::<S, T, K>(
                simd,
                pair,
                sides.left[number],
                right.map(|part| &part[from..]),
            );
            if direction == Direction::Back {
                overlaps[number] = self.overlaps(row);
            }
            row += 2;
        }
        row
    }

    #[inline(always)]
    pub(super) fn at(&self, light: usize, adjoint: usize) -> Complex<f64> {
        let start = 2 * light * self.places + adjoint + 1;
        let [re, im] = [start, start + self.places].map(|at| self.values[at].double());
        Complex::new(re, im)
    }

    /// Sets the element left of the diagonal that the MZI on `top` needs.
    #[inline(always)]
    fn mirror(&mut self, top: usize) {
        let (right, left) = (
            2 * top * self.places + top + 2,
            2 * (top + 1) * self.places + top + 1,
        );
        self.values[left] = -self.values[right];
        self.values[left + self.places] = self.values[right + self.places];
    }

    /// The overlaps of the MZI on `top`.
    #[inline(always)]
    fn overlaps(&self, top: usize) -> TwoByTwo {
        let pairs = [(0, 0), (0, 1), (1, 0), (1, 1)];
        pairs.map(|(row, col)| self.at(top + row, top + col))
    }

    /// The `range` of places of the row of `mode`, in registers.
    #[inline(always)]
    fn one<S: Simd, const K: usize>(
        &mut self,
        mode: usize,
        range: Range<usize>,
    ) -> Parts<'_, S, T, K> {
        let length = 2 * self.places;
        parts::<S, T, K>(&mut self.values[mode * length..][..length], range)
    }

    /// That of the rows of `top` and of the mode below it.
    #[inline(always)]
    fn pair<S: Simd, const K: usize>(
        &mut self,
        top: usize,
        range: Range<usize>,
    ) -> [Parts<'_, S, T, K>; 2] {
        let length = 2 * self.places;
        let rows = &mut self.values[top * length..][..2 * length];
        let (upper, lower) = rows.split_at_mut(length);
        [
            parts::<S, T, K>(upper, range.clone()),
            parts::<S, T, K>(lower, range),
        ]
    }
}

/// Real and imaginary parts of a row.
type Parts<'a, S, T, const K: usize> = [&'a mut [Row<S, T, K>]; 2];

#[inline(always)]
fn parts<S: Simd, T: Real, const K: usize>(
    row: &mut [T],
    range: Range<usize>,
) -> Parts<'_, S, T, K> {
    let (re, im) = row.split_at_mut(row.len() / 2);
    let re: &mut [T::Vector<S>] = bytemuck::cast_slice_mut(&mut re[range.clone()]);
    let im: &mut [T::Vector<S>] = bytemuck::cast_slice_mut(&mut im[range]);
    [re.as_chunks_mut().0, im.as_chunks_mut().0]
}

/// What columns are multiplied by from the right: see [`Sides`].
type Right<'a, S, T, const K: usize> = [&'a [Row<S, T, K>]; 4];

#[inline(always)]
fn registers<S: Simd, T: Real, const K: usize>(numbers: &[T]) -> &[Row<S, T, K>] {
    let vectors: &[T::Vector<S>] = bytemuck::cast_slice(numbers);
    vectors.as_chunks().0
}

#[inline(always)]
fn together<R>([a, b, c, d]: [&[R]; 4]) -> impl Iterator<Item = [&R; 4]> {
    let pairs = a.iter().zip(b).zip(c.iter().zip(d));
    pairs.map(|((a, b), (c, d))| [a, b, c, d])
}

/// A row times the MZIs of a column.
#[inline(always)]
fn columns<S: Simd, T: Real, const K: usize>(
    simd: S,
    [re, im]: Parts<'_, S, T, K>,
    right: Right<'_, S, T, K>,
) {
    for ((re, im), right) in re.iter_mut().zip(im).zip(together(right)) {
        [*re, *im] = mixed::<S, T, K>(simd, [*re, *im], right);
    }
}

/// The MZI `left` times two rows times the MZIs of a column.
#[inline(always)]
fn both<S: Simd, T: Real, const K: usize>(
    simd: S,
    [[top_re, top_im], [bottom_re, bottom_im]]: [Parts<'_, S, T, K>; 2],
    left: [Factor<T>; 4],
    right: Right<'_, S, T, K>,
) {
    let [a, b, c, d] = left.map(|(re, im)| (T::splat(simd, re), T::splat(simd, im)));
    let dark = T::splat(simd, T::zero());
    let top = top_re.iter_mut().zip(top_im);
    let bottom = bottom_re.iter_mut().zip(bottom_im);
    let rows = top.zip(bottom).zip(together(right));
    for (((top_re, top_im), (bottom_re, bottom_im)), right) in rows {
        let (mut upper, mut lower) = ([[dark; K]; 2], [[dark; K]; 2]);
        for k in 0..K {
            let x = (top_re[k], top_im[k]);
            let y = (bottom_re[k], bottom_im[k]);
            for (into, (of_x, of_y)) in [(&mut upper, (a, b)), (&mut lower, (c, d))] {
                let z = plus_times::<S, T>(simd, (dark, dark), of_x, x);
                (into[0][k], into[1][k]) = plus_times::<S, T>(simd, z, of_y, y);
            }
        }
        [*top_re, *top_im] = mixed::<S, T, K>(simd, upper, right);
        [*bottom_re, *bottom_im] = mixed::<S, T, K>(simd, lower, right);
    }
}

/// Neighbouring columns mixed.
#[inline(always)]
fn mixed<S: Simd, T: Real, const K: usize>(
    simd: S,
    row: [Row<S, T, K>; 2],
    [own_re, own_im, other_re, other_im]: [&Row<S, T, K>; 4],
) -> [Row<S, T, K>; 2] {
    let other = row.map(|part| T::neighbours::<S, K>(simd, part));
    let dark = T::splat(simd, T::zero());
    let mut mixed = row;
    for k in 0..K {
        let own = (own_re[k], own_im[k]);
        let z = plus_times::<S, T>(simd, (dark, dark), own, (row[0][k], row[1][k]));
        let neighbours = (other_re[k], other_im[k]);
        (mixed[0][k], mixed[1][k]) =
            plus_times::<S, T>(simd, z, neighbours, (other[0][k], other[1][k]));
    }
    mixed
}

type Number<S, T> = (<T as Lanes>::Vector<S>, <T as Lanes>::Vector<S>);

/// z + f x, complex.
#[inline(always)]
fn plus_times<S: Simd, T: Real>(
    simd: S,
    z: Number<S, T>,
    f: Number<S, T>,
    x: Number<S, T>,
) -> Number<S, T> {
    (
        T::plus_product(simd, f.0, x.0, T::less_product(simd, f.1, x.1, z.0)),
        T::plus_product(simd, f.0, x.1, T::plus_product(simd, f.1, x.0, z.1)),
    )
}
