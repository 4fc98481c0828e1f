//! Instruction sets, and sine, cosine and logarithm as straight-line arithmetic, which a compiler vectorizes over a slice.
//!
//! The functions of the standard library are calls, one value at a time. These have neither branches nor tables. Errors
//! are below 1 ulp (2 in single precision) in the stated ranges. `FUSED` says whether multiply-adds are fused: only
//! where the instruction set has them, elsewhere they would be calls.
//!
//! Polynomials in double precision: the minimax coefficients of Sun's fdlibm (`k_sin.c`, `k_cos.c`); in single precision
//! those of Moshier's Cephes (`sinf.c`) and fdlibm (`e_logf.c`).

use std::f64::consts::FRAC_2_PI;

use pulp::{Arch, Simd, WithSimd};

/// An instruction set of this machine that kernels are written for.
#[derive(Debug, Clone, Copy)]
pub struct InstructionSet(pub(crate) Arch);

impl InstructionSet {
    /// The one that kernels use on this machine.
    pub fn best() -> Self {
        Self(Arch::new())
    }

    /// Every one of this machine: the portable one first, the [best](Self::best) one last.
    pub fn all() -> Vec<Self> {
        let mut sets = vec![Self(Arch::Scalar)];
        #[cfg(target_arch = "x86_64")]
        sets.extend(pulp::x86::V3::try_new().map(|set| Self(Arch::V3(set))));
        if Self::best().name() != sets[sets.len() - 1].name() {
            sets.push(Self::best());
        }
        sets
    }

    /// Its name: `x86-64-v4`, `x86-64-v3`, `neon` or `portable`.
    pub fn name(self) -> &'static str {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Arch::V3(_) => "x86-64-v3",
            #[cfg(target_arch = "x86_64")]
            Arch::V4(_) => "x86-64-v4",
            #[cfg(target_arch = "aarch64")]
            Arch::Neon(_) => "neon",
            _ => "portable",
        }
    }
}

/// Larger angles, rad, are left to the standard library: the reduction is exact up to here.
const LARGEST_ANGLE_RAD: f64 = 5e5;

/// Adding this rounds a number below 2⁵¹ to the nearest integer, which then stands in the low bits.
const ROUND: f64 = 6_755_399_441_055_744.0; // 1.5 · 2⁵²
const ROUND_F32: f32 = 12_582_912.0; // 1.5 · 2²³

#[inline(always)]
fn plus_product<const FUSED: bool>(x: f64, y: f64, z: f64) -> f64 {
    if FUSED { x.mul_add(y, z) } else { x * y + z }
}

#[inline(always)]
fn plus_product_f32<const FUSED: bool>(x: f32, y: f32, z: f32) -> f32 {
    if FUSED { x.mul_add(y, z) } else { x * y + z }
}

/// The polynomial with these coefficients, from the highest power on.
#[inline(always)]
fn polynomial<const FUSED: bool, const N: usize>(x: f64, coefficients: [f64; N]) -> f64 {
    let mut sum = 0.0;
    for coefficient in coefficients {
        sum = plus_product::<FUSED>(sum, x, coefficient);
    }
    sum
}

#[inline(always)]
fn polynomial_f32<const FUSED: bool, const N: usize>(x: f32, coefficients: [f32; N]) -> f32 {
    let mut sum = 0.0;
    for coefficient in coefficients {
        sum = plus_product_f32::<FUSED>(sum, x, coefficient);
    }
    sum
}

/// (sin, cos) of `x`, rad, for |x| ≤ 5·10⁵.
#[inline(always)]
fn sin_cos<const FUSED: bool>(x: f64) -> (f64, f64) {
    // π/2 in two parts, the first of 33 bits: its multiples are exact.
    const PI_2: [f64; 2] = [1.570_796_326_734_125_6, 6.077_100_506_506_192e-11];
    let shifted = x * FRAC_2_PI + ROUND;
    let turns = shifted - ROUND;
    let rest = (x - turns * PI_2[0]) - turns * PI_2[1];
    quadrant::<FUSED>(rest, shifted.to_bits())
}

/// (sin, cos) of `rest` + `quarter` π/2 for |rest| ≤ π/4; only the last two bits of `quarter` count.
#[inline(always)]
fn quadrant<const FUSED: bool>(rest: f64, quarter: u64) -> (f64, f64) {
    let square = rest * rest;
    let odd = polynomial::<FUSED, 6>(
        square,
        [
            1.589_690_995_211_55e-10,
            -2.505_076_025_340_686_3e-8,
            2.755_731_370_707_007e-6,
            -1.984_126_982_985_795e-4,
            8.333_333_333_322_49e-3,
            -1.666_666_666_666_663_2e-1,
        ],
    );
    let even = polynomial::<FUSED, 6>(
        square,
        [
            -1.135_964_755_778_819_5e-11,
            2.087_572_321_298_175e-9,
            -2.755_731_435_139_066_3e-7,
            2.480_158_728_947_673e-5,
            -1.388_888_888_887_411e-3,
            4.166_666_666_666_66e-2,
        ],
    );
    let sin = plus_product::<FUSED>(rest * square, odd, rest);
    // 1 − x²/2 + x⁴ · even, with what rounding of the first difference lost.
    let half = 0.5 * square;
    let near = 1.0 - half;
    let cos = near + (((1.0 - near) - half) + square * square * even);
    let sign = |bit: u64| (bit & 2) << 62;
    let (sin, cos) = if quarter & 1 == 0 {
        (sin, cos)
    } else {
        (cos, sin)
    };
    (
        f64::from_bits(sin.to_bits() ^ sign(quarter)),
        f64::from_bits(cos.to_bits() ^ sign(quarter.wrapping_add(1))),
    )
}

/// (sin, cos) of 2π `turns` in single precision, for |turns| ≤ 1.
#[inline(always)]
fn sin_cos_of_turns<const FUSED: bool>(turns: f32) -> (f32, f32) {
    let shifted = 4.0 * turns + ROUND_F32;
    let quarter = shifted.to_bits();
    let rest = (turns - 0.25 * (shifted - ROUND_F32)) * std::f32::consts::TAU;
    let square = rest * rest;
    let odd = polynomial_f32::<FUSED, 3>(square, [-1.951_529_6e-4, 8.332_161e-3, -1.666_665_5e-1]);
    let even =
        polynomial_f32::<FUSED, 3>(square, [2.443_315_7e-5, -1.388_731_6e-3, 4.166_664_6e-2]);
    let sin = plus_product_f32::<FUSED>(rest * square, odd, rest);
    let cos = plus_product_f32::<FUSED>(square * square, even, 1.0 - 0.5 * square);
    let sign = |bit: u32| (bit & 2) << 30;
    let (sin, cos) = if quarter & 1 == 0 {
        (sin, cos)
    } else {
        (cos, sin)
    };
    (
        f32::from_bits(sin.to_bits() ^ sign(quarter)),
        f32::from_bits(cos.to_bits() ^ sign(quarter.wrapping_add(1))),
    )
}

/// The natural logarithm of a normal, positive `x` in single precision.
#[inline(always)]
fn ln<const FUSED: bool>(x: f32) -> f32 {
    const LN_2: [f32; 2] = [6.931_381e-1, 9.058_001e-6];
    const SQRT_HALF: u32 = 0x3f35_04f3;
    let bits = x.to_bits() + (0x3f80_0000 - SQRT_HALF);
    let k = f32::from_bits((bits >> 23) | 0x4b00_0000) - (8_388_608.0 + 127.0);
    let f = f32::from_bits((bits & 0x007f_ffff) + SQRT_HALF) - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let r = z * polynomial_f32::<FUSED, 4>(
        z,
        [2.427_907_9e-1, 2.849_878_7e-1, 4.000_097_2e-1, 6.666_666e-1],
    );
    let half = 0.5 * f * f;
    k * LN_2[0] - ((half - (s * (half + r) + k * LN_2[1])) - f)
}

/// Two independent draws from N(0, 1) from two uniform words. Box and Muller, Ann. Math. Stat. 29, 610 (1958).
///
/// The radius has 31 random bits: no draw is beyond 6.7, where a normal one in 4·10¹⁰ is.
#[inline(always)]
fn normal_pair<const FUSED: bool>([radius, angle]: [u32; 2]) -> [f32; 2] {
    // In (0, 1], finest near 0, where the tails come from.
    let u = (radius >> 1) as i32 as f32 * 2f32.powi(-31) + 2f32.powi(-32);
    let r = (-2.0 * ln::<FUSED>(u)).sqrt();
    let turns = f32::from_bits((angle >> 9) | 0x3f80_0000) - 1.5;
    let (sin, cos) = sin_cos_of_turns::<FUSED>(turns);
    [r * cos, r * sin]
}

/// A loop of straight-line arithmetic over slices.
pub(crate) trait Loop {
    /// Runs it; `FUSED` says whether the instruction set has multiply-adds.
    fn run<const FUSED: bool>(self);
}

/// Runs `work` compiled for the instruction set of `arch`.
pub(crate) fn vectorized(arch: Arch, work: impl Loop) {
    struct Vectorized<L>(L);
    impl<L: Loop> WithSimd for Vectorized<L> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) {
            if S::IS_SCALAR {
                self.0.run::<false>();
            } else {
                self.0.run::<true>();
            }
        }
    }
    arch.dispatch(Vectorized(work));
}

/// Writes the sines and cosines of `angles`, rad; part of a [`Loop`].
#[inline(always)]
pub(crate) fn sin_cos_all<const FUSED: bool, const N: usize>(
    angles: &[f64; N],
    sin: &mut [f64; N],
    cos: &mut [f64; N],
) {
    // NaN goes to the standard library too.
    let mut beyond = 0;
    for angle in angles {
        beyond |= u64::from(!(0.0..=LARGEST_ANGLE_RAD).contains(&angle.abs()));
    }
    if beyond == 0 {
        for k in 0..N {
            (sin[k], cos[k]) = sin_cos::<FUSED>(angles[k]);
        }
    } else {
        for k in 0..N {
            (sin[k], cos[k]) = angles[k].sin_cos();
        }
    }
}

/// Puts the bits of a draw from N(0, 1) in the place of each of an even number of uniform `words`.
///
/// # Panics
/// If their number is odd.
pub(crate) fn words_to_normals(arch: Arch, words: &mut [u32]) {
    struct All<'a>(&'a mut [u32]);
    impl Loop for All<'_> {
        #[inline(always)]
        fn run<const FUSED: bool>(self) {
            // Halves side by side: whole registers.
            let (radii, angles) = self.0.split_at_mut(self.0.len() / 2);
            for (radius, angle) in radii.iter_mut().zip(angles) {
                [*radius, *angle] = normal_pair::<FUSED>([*radius, *angle]).map(f32::to_bits);
            }
        }
    }
    assert!(words.len().is_multiple_of(2));
    vectorized(arch, All(words));
}

#[cfg(test)]
mod tests;
