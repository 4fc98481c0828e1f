//! Tiles: a few samples of all modes, that go through a mesh together while they are in the cache.

use pulp::{Arch, Simd, WithSimd, bytemuck};

use super::{Lanes, Real};

/// A complex factor as (real, imaginary).
pub(super) type Factor<T> = (T, T);

/// One part (real or imaginary) of one mode: a row of K vectors.
pub(super) type Row<S, T, const K: usize> = [<T as Lanes>::Vector<S>; K];
/// Real and imaginary part of one mode.
pub(super) type Pair<S, T, const K: usize> = [Row<S, T, K>; 2];

/// One mode of a tile. No register crosses a line of the cache.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Lines<P>(pub P);

/// Work on a batch in tiles whose rows are K registers.
pub(super) trait Tiled {
    /// The precision of the fields.
    type Precision: Real;

    /// Runs the work with rows of K registers.
    fn run<S: Simd, const K: usize>(self, simd: S);
}

/// Runs `work` on a batch of `samples` with rows of as many registers as hide latencies, and no more than the samples
/// fill; without vectors a row is a long one.
pub(super) fn by_tiles(arch: Arch, samples: usize, work: impl Tiled) {
    struct Rows<W>(usize, W);
    impl<W: Tiled> WithSimd for Rows<W> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let Self(samples, work) = self;
            let lanes = size_of::<<W::Precision as Lanes>::Vector<S>>() / size_of::<W::Precision>();
            let registers = samples.div_ceil(lanes);
            if S::IS_SCALAR {
                work.run::<S, 16>(simd);
            } else if registers == 1 {
                work.run::<S, 1>(simd);
            } else if registers == 2 || S::REGISTER_COUNT < 32 {
                work.run::<S, 2>(simd);
            } else {
                work.run::<S, 4>(simd);
            }
        }
    }
    arch.dispatch(Rows(samples, work));
}

/// Fills the first lanes of `row`.
#[inline(always)]
pub(super) fn load<S: Simd, T: Real, const K: usize>(row: &mut Row<S, T, K>, from: &[T]) {
    if size_of_val(from) == size_of_val(row) {
        // Of known length: K loads.
        let vectors: &[T::Vector<S>] = bytemuck::cast_slice(from);
        *row = *vectors.first_chunk().expect("K vectors are as long");
    } else {
        bytemuck::cast_slice_mut(row)[..from.len()].copy_from_slice(from);
    }
}

/// Writes the first lanes of `row`.
#[inline(always)]
pub(super) fn store<S: Simd, T: Real, const K: usize>(row: &Row<S, T, K>, to: &mut [T]) {
    if size_of_val(to) == size_of_val(row) {
        let vectors: &mut [T::Vector<S>] = bytemuck::cast_slice_mut(to);
        *vectors.first_chunk_mut().expect("K vectors are as long") = *row;
    } else {
        to.copy_from_slice(&bytemuck::cast_slice(row)[..to.len()]);
    }
}
