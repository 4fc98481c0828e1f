//! Random numbers as a function of where they are used, not of when.
//!
//! A stream is addressed by (seed, [`Effect`], trial, unit, block). Two streams with different addresses are
//! independent, so a draw does not change when another effect is switched off, when trials run in
//! another order, or on another number of threads. Effects draw N(0, 1) and scale it afterwards: a
//! sweep over a sigma reuses the same chips.

use pulp::{Arch, bytemuck};
use rand::rngs::ChaCha8Rng;
use rand::{Rng, RngExt, SeedableRng};
use rand_distr::StandardNormal;

use crate::elementary;

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
    /// Error of the calibrated V_π, per load.
    VPi = 6,
    /// Programming error of a phase, per load.
    Programming = 7,
    /// Drift of a phase since it was programmed, per load.
    Drift = 8,
    /// Relative intensity noise of the laser, per shot.
    Laser = 9,
    /// Shot and thermal noise of the detectors, per shot.
    Detector = 10,
}

/// The seed from which every random number of a run follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

impl Seed {
    /// The random stream for `effect` in `trial` on `unit` (a mesh, a layer), part `block` of it.
    pub fn stream(self, effect: Effect, trial: u64, unit: u64, block: u64) -> Stream {
        let mut key = [0u8; 32];
        for (slot, word) in key
            .chunks_exact_mut(8)
            .zip([self.0, effect as u64, trial, unit])
        {
            slot.copy_from_slice(&word.to_le_bytes());
        }
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(block);
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
        let arch = Arch::new();
        let mut words = [0u32; CHUNK];
        for chunk in normals.chunks_mut(CHUNK) {
            let words = &mut words[..chunk.len().next_multiple_of(2)];
            self.0.fill_bytes(bytemuck::cast_slice_mut(words));
            if chunk.len() == words.len() {
                elementary::normals(arch, words, chunk);
            } else {
                let mut even = [0.0; CHUNK];
                elementary::normals(arch, words, &mut even[..words.len()]);
                chunk.copy_from_slice(&even[..chunk.len()]);
            }
        }
    }

    /// One draw from the uniform distribution on `[0, 1)`.
    pub fn uniform(&mut self) -> f64 {
        self.0.random()
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
