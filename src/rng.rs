//! Random numbers as a function of where they are used, not of when.
//!
//! A stream has an [`Address`]: (seed, [`Effect`], trial, unit, block). Two streams with different addresses are
//! independent, so a draw does not change when another effect is switched off, when trials run in
//! another order, or on another number of threads. Effects draw N(0, 1) and scale it afterwards: a
//! sweep over a sigma reuses the same chips.

use pulp::{Arch, bytemuck};
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use rand::{Rng, RngExt, SeedableRng};
use rand_distr::StandardNormal;

use crate::simd;

/// Version of what is drawn: raised whenever a seed and an address give other numbers than before, or a compiler makes
/// another program of the same network.
///
/// Trials of two versions are of two sets of chips, so that a sweep refuses to go on with, or to merge, those of another
/// one. The tests of this file hold some draws: one that fails says that this number is to be raised.
pub const DRAWS: u32 = 3;

/// What a random number is drawn for. The discriminants are part of the reproducibility promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
#[non_exhaustive]
pub enum Effect {
    /// Haar-random matrices and meshes, and whatever a user draws directly.
    Haar = 1,
    /// Splitting errors of the couplers, per chip.
    Splitting = 2,
    /// Spread of the insertion loss, per chip.
    Loss = 3,
    /// Phase offsets of the waveguides, per chip.
    Offset = 4,
    /// Spread of the detector gain, per chip.
    Gain = 5,
    /// Error of the calibrated V_π, per chip.
    VPi = 6,
    /// Programming error of a phase, per load.
    Programming = 7,
    /// Drift of a phase since it was programmed, per load.
    Drift = 8,
    /// Relative intensity noise of the laser, per shot.
    Laser = 9,
    /// Shot and thermal noise of the detectors, per shot.
    Detector = 10,
    /// What a compiler is free to choose: unused singular vectors, spare columns, the order of modes.
    Compiler = 11,
    /// Phase of the local oscillator at each coherent detector, per chip.
    OscillatorPhase = 12,
    /// Drift of that phase since the chip was programmed, per load.
    OscillatorDrift = 13,
    /// Noise of the converters behind the detectors, per shot.
    Converter = 14,
    /// Which token follows, where text is sampled: for no chip.
    Token = 15,
    /// Noise of the power taps behind phase shifters, per shot.
    Tap = 16,
    /// What all elements of a chip have in common, per chip.
    Die = 17,
    /// What varies smoothly over a chip, per chip.
    Field = 18,
}

impl Effect {
    /// Whether it is drawn once a chip, for its silicon; else for a piece of work, once a load or a shot, or for no chip.
    pub fn is_per_chip(self) -> bool {
        match self {
            Self::Splitting
            | Self::Loss
            | Self::Offset
            | Self::Gain
            | Self::VPi
            | Self::OscillatorPhase
            | Self::Die
            | Self::Field => true,
            Self::Haar
            | Self::Programming
            | Self::Drift
            | Self::Laser
            | Self::Detector
            | Self::Compiler
            | Self::OscillatorDrift
            | Self::Converter
            | Self::Token
            | Self::Tap => false,
        }
    }
}

/// The seed from which every random number of a run follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

impl Seed {
    /// The random stream for `effect` in `trial` on `unit` (a mesh, a layer), part `block` of it.
    pub fn stream(self, effect: Effect, trial: u64, unit: u64, block: u64) -> Stream {
        let address = Address {
            seed: self,
            effect,
            trial,
            unit,
            block,
        };
        address.stream()
    }
}

/// Where a stream is: what all of its numbers follow from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    /// The seed of the whole run.
    pub seed: Seed,
    /// The effect that is drawn.
    pub effect: Effect,
    /// Number of the chip.
    pub trial: u64,
    /// Which mesh, attenuators or detectors: of the chip where the effect is [drawn once](Effect::is_per_chip), else of the
    /// program.
    pub unit: u64,
    /// Which part of the unit: a coupler, a load, a block of samples.
    pub block: u64,
}

impl Address {
    /// The stream from its beginning.
    pub fn stream(self) -> Stream {
        let mut key = [0u8; 32];
        for (slot, word) in
            key.chunks_exact_mut(8)
                .zip([self.seed.0, self.effect as u64, self.trial, self.unit])
        {
            slot.copy_from_slice(&word.to_le_bytes());
        }
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(self.block);
        Stream(rng)
    }
}

/// Normals that are drawn at a time: an even number, whose words stay in the cache.
const CHUNK: usize = 512;

/// One random stream: ChaCha8 keyed by its address.
#[derive(Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// One draw from N(0, 1).
    pub fn standard_normal(&mut self) -> f64 {
        self.0.sample(StandardNormal)
    }

    /// `count` draws from N(0, 1): those of [`fill_normals`](Self::fill_normals).
    pub fn standard_normals(&mut self, count: usize) -> Vec<f64> {
        let mut normals = vec![0.0; count];
        self.add_normals(&mut normals, 1.0);
        normals
    }

    /// Adds `sigma · N(0, 1)` to every value: draws of [`fill_normals`](Self::fill_normals), none if `sigma` is 0.
    pub fn add_normals(&mut self, values: &mut [f64], sigma: f64) {
        if sigma == 0.0 {
            return;
        }
        let mut normals = [0.0; CHUNK];
        for chunk in values.chunks_mut(CHUNK) {
            self.fill_normals(&mut normals[..chunk.len()]);
            for (value, normal) in chunk.iter_mut().zip(&normals) {
                *value += sigma * f64::from(*normal);
            }
        }
    }

    /// Fills `normals` with draws from N(0, 1), many at a time by the transform of Box and Muller.
    ///
    /// Single precision: steps of 2⁻²⁴ relative, no draw beyond 6.7, where one in 4·10¹⁰ would be.
    pub fn fill_normals(&mut self, normals: &mut [f32]) {
        for chunk in normals.chunks_mut(CHUNK) {
            if chunk.len().is_multiple_of(2) {
                self.fill_pairs(chunk);
            } else {
                let mut even = [0.0; CHUNK];
                self.fill_pairs(&mut even[..chunk.len() + 1]);
                chunk.copy_from_slice(&even[..chunk.len()]);
            }
        }
    }

    /// The same for an even number, of one chunk: words become normals where they are.
    fn fill_pairs(&mut self, normals: &mut [f32]) {
        self.0.fill_bytes(bytemuck::cast_slice_mut(normals));
        simd::words_to_normals(Arch::new(), bytemuck::cast_slice_mut(normals));
    }

    /// Fills `values` with draws from the logistic distribution of mean 0 and variance 1: √3/π · ln(u / (1 − u)), none
    /// beyond 12.7.
    pub fn fill_logistic(&mut self, values: &mut [f32]) {
        let scale = 3f64.sqrt() / std::f64::consts::PI;
        let mut words = [0u32; CHUNK];
        for chunk in values.chunks_mut(CHUNK) {
            let words = &mut words[..chunk.len()];
            self.0.fill_bytes(bytemuck::cast_slice_mut(words));
            for (value, word) in chunk.iter_mut().zip(words) {
                // In the middle of its step: neither 0 nor 1.
                let u = (f64::from(*word) + 0.5) / 2f64.powi(32);
                *value = (scale * (u / (1.0 - u)).ln()) as f32;
            }
        }
    }

    /// One draw from the uniform distribution on `[0, 1)`.
    pub fn uniform(&mut self) -> f64 {
        self.0.random()
    }

    /// The numbers below `count` in random order.
    pub fn permutation(&mut self, count: usize) -> Vec<usize> {
        let mut numbers: Vec<usize> = (0..count).collect();
        numbers.shuffle(&mut self.0);
        numbers
    }
}

/// What [`Stream::add_normals`] would draw for `count` values, by the number of the value: what is drawn where it is
/// used takes no memory.
#[derive(Debug)]
pub(crate) struct Normals {
    stream: Stream,
    count: usize,
    /// The even and the odd chunk that were drawn last: a block of values, which two may share, needs no others.
    held: [Held; 2],
}

#[derive(Debug, Clone)]
struct Held {
    chunk: Option<usize>,
    normals: [f32; CHUNK],
}

impl Normals {
    /// Those of the stream at `address` for `count` values.
    pub(crate) fn new(address: Address, count: usize) -> Self {
        let nothing = Held {
            chunk: None,
            normals: [0.0; CHUNK],
        };
        Self {
            stream: address.stream(),
            count,
            held: [nothing.clone(), nothing],
        }
    }

    /// Writes those of the values from number `from` on.
    ///
    /// # Panics
    /// If there are not as many.
    pub(crate) fn read(&mut self, mut from: usize, mut into: &mut [f32]) {
        assert!(from + into.len() <= self.count, "a draw for every value");
        while !into.is_empty() {
            let start = from % CHUNK;
            let (now, later) = into.split_at_mut(into.len().min(CHUNK - start));
            let chunk = &self.chunk(from / CHUNK)[start..start + now.len()];
            now.copy_from_slice(chunk);
            from += now.len();
            into = later;
        }
    }

    fn chunk(&mut self, index: usize) -> &[f32; CHUNK] {
        let Self {
            stream,
            count,
            held,
        } = self;
        let held = &mut held[index % 2];
        if held.chunk != Some(index) {
            let first = index * CHUNK;
            // A word a normal.
            stream.0.set_word_pos(first as u128);
            let len = CHUNK.min(*count - first);
            stream.fill_normals(&mut held.normals[..len]);
            held.chunk = Some(index);
        }
        &held.normals
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_coordinate_of_the_address_changes_the_stream() {
        let base = Seed(0).stream(Effect::Haar, 0, 0, 0).standard_normals(4);
        assert_eq!(
            base,
            Seed(0).stream(Effect::Haar, 0, 0, 0).standard_normals(4)
        );
        for mut other in [
            Seed(1).stream(Effect::Haar, 0, 0, 0),
            Seed(0).stream(Effect::Splitting, 0, 0, 0),
            Seed(0).stream(Effect::Haar, 1, 0, 0),
            Seed(0).stream(Effect::Haar, 0, 1, 0),
            Seed(0).stream(Effect::Haar, 0, 0, 1),
        ] {
            assert_ne!(base, other.standard_normals(4));
        }
    }

    #[test]
    fn normals_by_number_are_those_in_turn() {
        let address = Address {
            seed: Seed(3),
            effect: Effect::Splitting,
            trial: 1,
            unit: 2,
            block: 3,
        };
        for count in [1, 7, 511, 512, 513, 1025, 3000] {
            let all = address.stream().standard_normals(count);
            let mut normals = Normals::new(address, count);
            let blocks = (0..count).step_by(50);
            let there = blocks.clone();
            for first in there.chain(blocks.rev()).chain([count - 1, 0]) {
                let mut block = vec![0.0; 50.min(count - first)];
                normals.read(first, &mut block);
                for (k, normal) in block.into_iter().enumerate() {
                    assert_eq!(
                        f64::from(normal),
                        all[first + k],
                        "{} of {count}",
                        first + k
                    );
                }
            }
        }
    }

    /// Five standard errors for 200 000 draws: mean 1/√n, variance √(2/n), fourth moment √(96/n).
    #[test]
    fn normals_have_the_moments_of_the_normal_distribution() {
        let n = 200_000;
        let draws = Seed(7)
            .stream(Effect::Detector, 3, 1, 2)
            .standard_normals(n);
        let moment = |p: i32| draws.iter().map(|x| x.powi(p)).sum::<f64>() / n as f64;
        let se = 5.0 / (n as f64).sqrt();
        assert!(moment(1).abs() < se);
        assert!((moment(2) - 1.0).abs() < se * 2f64.sqrt());
        assert!((moment(4) - 3.0).abs() < se * 96f64.sqrt());
    }

    /// E x^2k = (2^2k − 2) |B_2k| 3^k: variance 1, kurtosis 4.2. Five standard errors for 400 000 draws; of x² it is
    /// √(4.2 − 1), of x⁴ √(685.8 − 4.2²), each over √n.
    #[test]
    fn logistic_draws_have_variance_one_and_a_kurtosis_of_four_point_two() {
        let n = 400_000;
        let mut draws = vec![0.0; n];
        let mut stream = Seed(5).stream(Effect::Converter, 3, 1, 2);
        stream.fill_logistic(&mut draws);
        let moment = |p: i32| draws.iter().map(|x| f64::from(*x).powi(p)).sum::<f64>() / n as f64;
        let se = 5.0 / (n as f64).sqrt();
        assert!(moment(1).abs() < se);
        assert!((moment(2) - 1.0).abs() < se * 3.2f64.sqrt());
        assert!((moment(4) - 4.2).abs() < se * 668.2f64.sqrt());
    }

    /// If this fails, seeds give other numbers than before: raise [`DRAWS`], then write the new ones here.
    #[test]
    fn draws_of_this_version_are_these() {
        let stream = |effect| Seed(1).stream(effect, 2, 3, 4);
        let mut one = stream(Effect::Haar);
        let singles = [one.standard_normal(), one.standard_normal(), one.uniform()];
        let many = stream(Effect::Splitting).standard_normals(3);
        let found: Vec<f64> = singles.into_iter().chain(many).collect();
        let expected = [
            -0.075_337_505,
            1.835_508_725,
            0.511_231_927,
            -0.423_661_411,
            0.751_562_297,
            -0.676_025_510,
        ];
        assert_eq!(DRAWS, 3);
        for (found, expected) in found.iter().zip(expected) {
            // CPUs differ in the last bits of a single-precision number.
            assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        }
    }

    /// Neighbouring addresses must not correlate: |r| < 5/√n.
    #[test]
    fn neighbouring_streams_are_uncorrelated() {
        let n = 100_000;
        let a = Seed(0)
            .stream(Effect::Splitting, 0, 0, 0)
            .standard_normals(n);
        for (trial, unit, block) in [(1, 0, 0), (0, 1, 0), (0, 0, 1)] {
            let b = Seed(0)
                .stream(Effect::Splitting, trial, unit, block)
                .standard_normals(n);
            let r = a.iter().zip(&b).map(|(x, y)| x * y).sum::<f64>() / n as f64;
            assert!(r.abs() < 5.0 / (n as f64).sqrt(), "correlation {r}");
        }
    }
}
