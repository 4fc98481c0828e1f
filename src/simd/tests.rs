//! Against the standard library, on every instruction set of the machine.

use std::f64::consts::{FRAC_PI_2, PI, TAU};

use super::*;
use crate::rng::{Effect, Seed};

fn sines(arch: Arch, angles: &[f64]) -> (Vec<f64>, Vec<f64>) {
    const N: usize = 8;
    struct All<'a>(&'a [f64], &'a mut Vec<f64>, &'a mut Vec<f64>);
    impl Loop for All<'_> {
        fn run<const FUSED: bool>(self) {
            for chunk in self.0.chunks(N) {
                let mut angles = [0.0; N];
                angles[..chunk.len()].copy_from_slice(chunk);
                let (mut sin, mut cos) = ([0.0; N], [0.0; N]);
                sin_cos_all::<FUSED, N>(&angles, &mut sin, &mut cos);
                self.1.extend(&sin[..chunk.len()]);
                self.2.extend(&cos[..chunk.len()]);
            }
        }
    }
    let (mut sin, mut cos) = (Vec::new(), Vec::new());
    vectorized(arch, All(angles, &mut sin, &mut cos));
    (sin, cos)
}

#[test]
fn sine_and_cosine_agree_with_the_standard_library() {
    let mut stream = Seed(0).stream(Effect::Haar, 0, 0, 0);
    for reach in [1e-9, 1.0, 7.0, 100.0, 4e5] {
        let angles: Vec<f64> = (0..10_007)
            .map(|_| reach * (2.0 * stream.uniform() - 1.0))
            .collect();
        for arch in InstructionSet::all().into_iter().map(|set| set.0) {
            let (sin, cos) = sines(arch, &angles);
            for ((x, sin), cos) in angles.iter().zip(sin).zip(cos) {
                // Near a zero the error is one of the angle's reduction.
                let off = |got: f64, exact: f64| (got - exact).abs() / (exact.abs() + 1e-5);
                assert!(off(sin, x.sin()) < 2.3e-16, "sin {x}");
                assert!(off(cos, x.cos()) < 2.3e-16, "cos {x}");
            }
        }
    }
}

/// θ = π is the bar state: sin π and cos π/2 must be as small as those of the rounded angles.
#[test]
fn zeros_of_sine_and_cosine_are_those_of_the_rounded_angle() {
    for arch in InstructionSet::all().into_iter().map(|set| set.0) {
        let (sin, cos) = sines(arch, &[0.0, PI, -PI, 2.0 * PI, FRAC_PI_2]);
        assert_eq!((sin[0], cos[0]), (0.0, 1.0));
        for (got, exact) in [
            (sin[1], PI.sin()),
            (sin[2], -PI.sin()),
            (cos[4], FRAC_PI_2.cos()),
        ] {
            assert!((got - exact).abs() < 1e-24, "{got:e} {exact:e}");
        }
        assert_eq!((cos[1], cos[2], cos[3], sin[4]), (-1.0, -1.0, 1.0, 1.0));
    }
}

#[test]
fn huge_angles_are_left_to_the_standard_library() {
    for arch in InstructionSet::all().into_iter().map(|set| set.0) {
        let (sin, cos) = sines(arch, &[1e9, 0.3]);
        assert_eq!((sin[0], cos[0]), 1e9f64.sin_cos());
        assert_eq!((sin[1], cos[1]), 0.3f64.sin_cos());
    }
}

#[test]
fn logarithms_agree_with_the_standard_library() {
    for k in 0..100_000 {
        let x = 2f64.powf(-32.0 * f64::from(k) / 100_000.0) as f32;
        let exact = f64::from(x).ln();
        for got in [ln::<false>(x), ln::<true>(x)] {
            let off = (f64::from(got) - exact).abs();
            assert!(off <= 2.0 * f64::from(f32::EPSILON) * exact.abs(), "ln {x}");
        }
    }
    assert_eq!((ln::<false>(1.0), ln::<true>(1.0)), (0.0, 0.0));
}

#[test]
fn sines_of_turns_agree_with_the_standard_library() {
    for k in -50_000..=50_000 {
        let turns = k as f32 / 50_000.0;
        let (sin, cos) = (f64::from(turns) * TAU).sin_cos();
        for (s, c) in [
            sin_cos_of_turns::<false>(turns),
            sin_cos_of_turns::<true>(turns),
        ] {
            assert!((f64::from(s) - sin).abs() < 1.5e-7, "sin of {turns} turns");
            assert!((f64::from(c) - cos).abs() < 1.5e-7, "cos of {turns} turns");
        }
    }
}

/// The smallest word has the longest radius, √(2 · 32 ln 2), the largest one radius 0.
#[test]
fn extreme_words_yield_finite_normals() {
    let longest = (2.0 * 32.0 * std::f32::consts::LN_2).sqrt();
    for arch in InstructionSet::all().into_iter().map(|set| set.0) {
        for (radius, expected) in [(0, longest), (u32::MAX, 0.0)] {
            for angle in [0, 1 << 30, 1 << 31, u32::MAX] {
                let mut pair = [radius, angle];
                words_to_normals(arch, &mut pair);
                let pair = pair.map(f32::from_bits);
                let got = pair[0].hypot(pair[1]);
                assert!((got - expected).abs() < 1e-5, "{radius} {angle}: {pair:?}");
            }
        }
    }
}
