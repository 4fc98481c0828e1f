//! How fast one thread multiplies and adds: the limit that every kernel is measured against.

use std::hint::black_box;
use std::time::Instant;

use pulp::{Simd, WithSimd};

use crate::simd::InstructionSet;

/// Independent chains of multiply-adds: more than latency times ports of any current core, and fewer than registers.
const CHAINS: usize = 12;
/// Multiply-adds of one chain in one timing.
const LENGTH: usize = 1 << 20;
/// Timings of which the fastest counts.
const TIMINGS: usize = 10;

/// Largest rate of one thread in single precision with an instruction set of this machine, 10⁹ floating-point operations
/// per second (a multiply-add is two).
pub fn peak_gflops_f32(set: InstructionSet) -> f64 {
    struct Chains;
    impl WithSimd for Chains {
        type Output = usize;

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> usize {
            let (x, y) = black_box((simd.splat_f32s(0.999), simd.splat_f32s(0.001)));
            let mut sums = black_box([simd.splat_f32s(1.0); CHAINS]);
            for _ in 0..LENGTH {
                for sum in &mut sums {
                    *sum = if S::IS_SCALAR {
                        simd.add_f32s(simd.mul_f32s(*sum, x), y)
                    } else {
                        simd.mul_add_f32s(*sum, x, y)
                    };
                }
            }
            black_box(sums);
            S::F32_LANES
        }
    }
    fastest(|| set.0.dispatch(Chains))
}

/// The same in double precision.
pub fn peak_gflops_f64(set: InstructionSet) -> f64 {
    struct Chains;
    impl WithSimd for Chains {
        type Output = usize;

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> usize {
            let (x, y) = black_box((simd.splat_f64s(0.999), simd.splat_f64s(0.001)));
            let mut sums = black_box([simd.splat_f64s(1.0); CHAINS]);
            for _ in 0..LENGTH {
                for sum in &mut sums {
                    *sum = if S::IS_SCALAR {
                        simd.add_f64s(simd.mul_f64s(*sum, x), y)
                    } else {
                        simd.mul_add_f64s(*sum, x, y)
                    };
                }
            }
            black_box(sums);
            S::F64_LANES
        }
    }
    fastest(|| set.0.dispatch(Chains))
}

/// The rate of chains that return their number of lanes.
fn fastest(chains: impl Fn() -> usize) -> f64 {
    let rates = (0..TIMINGS).map(|_| {
        let clock = Instant::now();
        let lanes = chains();
        2.0 * (lanes * CHAINS * LENGTH) as f64 / clock.elapsed().as_secs_f64() / 1e9
    });
    rates.fold(0.0, f64::max)
}
