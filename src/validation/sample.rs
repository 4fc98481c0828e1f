//! Means over drawn chips.

use rayon::prelude::*;

use super::Expected;
use crate::hardware::Hardware;
use crate::linalg::matrix_error;
use crate::mesh::{CellKind, Correction, Geometry, Mesh};
use crate::rng::{Effect, Seed};

/// Where every chip and every Haar-random target of these sections comes from.
const SEED: Seed = Seed(21);

/// A mean and its standard error.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    pub(super) mean: f64,
    pub(super) standard_error: f64,
    pub(super) root_mean_square: f64,
}

impl Sample {
    /// `measure` over `count` trials, in parallel, in their order.
    pub(super) fn of(count: u64, measure: impl Fn(u64) -> f64 + Sync + Send) -> Self {
        let values: Vec<f64> = (0..count).into_par_iter().map(measure).collect();
        let n = count as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
        Self {
            mean,
            standard_error: (squares / (n - 1.0) / n).sqrt(),
            root_mean_square: (values.iter().map(|x| x * x).sum::<f64>() / n).sqrt(),
        }
    }
}

/// The Haar-random target of a trial.
pub(super) fn haar(geometry: Geometry, modes: usize, trial: u64) -> Mesh {
    let mut stream = SEED.stream(Effect::Haar, trial, modes as u64, 0);
    Mesh::haar(geometry, modes, &mut stream).expect("rectangles and triangles have Haar meshes")
}

/// The ideal hardware with some keys set.
pub(super) fn hardware(settings: &[(&str, &str)]) -> Hardware {
    let ideal = Hardware::default();
    settings.iter().fold(ideal, |hardware, (key, value)| {
        hardware.with(key, value).expect("the key exists")
    })
}

/// The chip of a trial.
pub(super) fn chip(hardware: &Hardware, trial: u64) -> crate::hardware::Chip {
    hardware.fabricate(SEED, trial)
}

pub(super) fn splitting(sigma: f64, kind: CellKind) -> Hardware {
    hardware(&[
        ("coupler.splitting_error_rad", &sigma.to_string()),
        ("mesh.cell", kind.name()),
    ])
}

/// E and the share of cells that could not be set exactly.
pub(super) fn corrected(
    hw: &Hardware,
    mesh: &Mesh,
    trial: u64,
    correction: Correction,
) -> (f64, f64) {
    let programmed = chip(hw, trial).program(mesh, correction);
    let error = matrix_error(&programmed.coefficients.transfer(), &mesh.transfer());
    let share = programmed.unreachable as f64 / mesh.nodes().len() as f64;
    (error, share)
}

pub(super) fn mean_error(hw: &Hardware, modes: usize, correction: Correction, chips: u64) -> f64 {
    let error = |trial| {
        let mesh = haar(Geometry::Clements, modes, trial);
        corrected(hw, &mesh, trial, correction).0
    };
    Sample::of(chips, error).mean
}

pub(super) fn near(value: f64, tolerance: f64) -> Expected {
    Expected::Near { value, tolerance }
}
