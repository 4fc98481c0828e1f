//! The two precisions.

use ndarray::LinalgScalar;
use pulp::{Simd, bytemuck};

use crate::error::{Error, Result};
use crate::rng::Stream;

/// Precision of arithmetic, by name where [`Real`] is by type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Precision {
    /// Single.
    #[default]
    F32,
    /// Double.
    F64,
}

impl Precision {
    /// The names that files and the command line use.
    pub const NAMES: [&'static str; 2] = ["f32", "f64"];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => Self::NAMES[0],
            Self::F64 => Self::NAMES[1],
        }
    }
}

impl std::str::FromStr for Precision {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let both = [Self::F32, Self::F64];
        let found = both.into_iter().find(|precision| precision.name() == name);
        found.ok_or_else(|| Error::unknown("precision", name, &Self::NAMES))
    }
}

/// A precision for fields: `f32` or `f64`, and nothing else.
pub trait Real:
    LinalgScalar
    + num_traits::Float
    + num_traits::FloatConst
    + std::ops::AddAssign
    + std::ops::MulAssign
    + std::fmt::Debug
    + Send
    + Sync
    + Default
    + sealed::Lanes
    + 'static
{
    /// Fills `normals` with draws from N(0, 1).
    fn fill_normals(stream: &mut Stream, normals: &mut [Self]);
    /// The nearest value of this precision.
    fn of(value: f64) -> Self;
    /// The same value in double precision.
    fn double(self) -> f64;
}

/// What kernels ask of a precision.
pub(crate) mod sealed {
    use super::{Simd, bytemuck};

    /// Registers of a precision and their arithmetic.
    pub trait Lanes: bytemuck::Pod {
        /// A register of this precision.
        type Vector<S: Simd>: bytemuck::Pod;
        /// A register that holds `value` in every lane.
        fn splat<S: Simd>(simd: S, value: Self) -> Self::Vector<S>;
        /// `x · y + z`, fused where the instruction set has it.
        fn plus_product<S: Simd>(
            simd: S,
            x: Self::Vector<S>,
            y: Self::Vector<S>,
            z: Self::Vector<S>,
        ) -> Self::Vector<S>;
        /// `z − x · y`, fused where the instruction set has it.
        fn less_product<S: Simd>(
            simd: S,
            x: Self::Vector<S>,
            y: Self::Vector<S>,
            z: Self::Vector<S>,
        ) -> Self::Vector<S>;
        /// `x + y`.
        fn plus<S: Simd>(simd: S, x: Self::Vector<S>, y: Self::Vector<S>) -> Self::Vector<S>;
        /// `x − y`.
        fn less<S: Simd>(simd: S, x: Self::Vector<S>, y: Self::Vector<S>) -> Self::Vector<S>;
        /// The sum of all lanes.
        fn sum<S: Simd>(simd: S, x: Self::Vector<S>) -> Self;
        /// Every number in its neighbour's place: first and second, third and fourth, and so on, of as many registers as hold
        /// whole pairs.
        fn neighbours<S: Simd, const K: usize>(
            simd: S,
            x: [Self::Vector<S>; K],
        ) -> [Self::Vector<S>; K];
    }
}

/// Every number in its neighbour's place.
#[inline(always)]
fn swapped<V, const K: usize>(mut x: [V; K]) -> [V; K] {
    for pair in x.as_chunks_mut::<2>().0 {
        pair.swap(0, 1);
    }
    x
}

impl sealed::Lanes for f32 {
    type Vector<S: Simd> = S::f32s;

    #[inline(always)]
    fn splat<S: Simd>(simd: S, value: Self) -> S::f32s {
        simd.splat_f32s(value)
    }

    #[inline(always)]
    fn plus_product<S: Simd>(simd: S, x: S::f32s, y: S::f32s, z: S::f32s) -> S::f32s {
        if S::IS_SCALAR {
            simd.add_f32s(simd.mul_f32s(x, y), z)
        } else {
            simd.mul_add_f32s(x, y, z)
        }
    }

    #[inline(always)]
    fn less_product<S: Simd>(simd: S, x: S::f32s, y: S::f32s, z: S::f32s) -> S::f32s {
        if S::IS_SCALAR {
            simd.sub_f32s(z, simd.mul_f32s(x, y))
        } else {
            simd.negate_mul_add_f32s(x, y, z)
        }
    }

    #[inline(always)]
    fn plus<S: Simd>(simd: S, x: S::f32s, y: S::f32s) -> S::f32s {
        simd.add_f32s(x, y)
    }

    #[inline(always)]
    fn less<S: Simd>(simd: S, x: S::f32s, y: S::f32s) -> S::f32s {
        simd.sub_f32s(x, y)
    }

    #[inline(always)]
    fn sum<S: Simd>(simd: S, x: S::f32s) -> Self {
        simd.reduce_sum_f32s(x)
    }

    #[inline(always)]
    fn neighbours<S: Simd, const K: usize>(simd: S, x: [S::f32s; K]) -> [S::f32s; K] {
        if S::IS_SCALAR {
            swapped(x)
        } else {
            x.map(|x| bytemuck::cast(simd.swap_re_im_c32s(bytemuck::cast(x))))
        }
    }
}

impl Real for f32 {
    fn fill_normals(stream: &mut Stream, normals: &mut [Self]) {
        stream.fill_normals(normals);
    }
    #[inline]
    fn of(value: f64) -> Self {
        value as f32
    }
    #[inline]
    fn double(self) -> f64 {
        f64::from(self)
    }
}

impl sealed::Lanes for f64 {
    type Vector<S: Simd> = S::f64s;

    #[inline(always)]
    fn splat<S: Simd>(simd: S, value: Self) -> S::f64s {
        simd.splat_f64s(value)
    }

    #[inline(always)]
    fn plus_product<S: Simd>(simd: S, x: S::f64s, y: S::f64s, z: S::f64s) -> S::f64s {
        if S::IS_SCALAR {
            simd.add_f64s(simd.mul_f64s(x, y), z)
        } else {
            simd.mul_add_f64s(x, y, z)
        }
    }

    #[inline(always)]
    fn less_product<S: Simd>(simd: S, x: S::f64s, y: S::f64s, z: S::f64s) -> S::f64s {
        if S::IS_SCALAR {
            simd.sub_f64s(z, simd.mul_f64s(x, y))
        } else {
            simd.negate_mul_add_f64s(x, y, z)
        }
    }

    #[inline(always)]
    fn plus<S: Simd>(simd: S, x: S::f64s, y: S::f64s) -> S::f64s {
        simd.add_f64s(x, y)
    }

    #[inline(always)]
    fn less<S: Simd>(simd: S, x: S::f64s, y: S::f64s) -> S::f64s {
        simd.sub_f64s(x, y)
    }

    #[inline(always)]
    fn sum<S: Simd>(simd: S, x: S::f64s) -> Self {
        simd.reduce_sum_f64s(x)
    }

    #[inline(always)]
    fn neighbours<S: Simd, const K: usize>(simd: S, x: [S::f64s; K]) -> [S::f64s; K] {
        if S::IS_SCALAR {
            swapped(x)
        } else {
            x.map(|x| bytemuck::cast(simd.swap_re_im_c64s(bytemuck::cast(x))))
        }
    }
}

impl Real for f64 {
    fn fill_normals(stream: &mut Stream, normals: &mut [Self]) {
        normals.fill(0.0);
        stream.add_normals(normals, 1.0);
    }
    #[inline]
    fn of(value: f64) -> Self {
        value
    }
    #[inline]
    fn double(self) -> f64 {
        self
    }
}
