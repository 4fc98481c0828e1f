//! What is believed of a chip before it is measured.

use super::parameters::{Parameters, Sizes};
use crate::hardware::Hardware;

/// Independent normals for couplers, V_π and crosstalk; losses that differ by their spread from a mean that is free; offsets
/// uniform in 2π.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Prior {
    sizes: Sizes,
    splitting_rad: [f64; 2],
    loss_db: f64,
    loss_spread_db: f64,
    v_pi_error: f64,
    crosstalk: [f64; 2],
}

/// Spread of splitting errors of a hardware that states none, rad.
const SPLITTING_RAD: f64 = 0.1;

/// Spread of losses of a hardware that states none, dB.
const LOSS_SPREAD_DB: f64 = 0.1;

/// Spread of V_π of a hardware that states none, relative.
const V_PI_ERROR: f64 = 0.1;

/// Crosstalk at one pitch that a fit begins with, and how far from it it may be.
const CROSSTALK: [f64; 2] = [0.003, 0.02];

/// Standard deviation of what is uniform in 2π, rad: π/√3.
pub(super) const OFFSET_RAD: f64 = 1.813_799_364_234_217_8;

impl Prior {
    /// What `hardware` says of chips; where it says that they do not differ, weak beliefs.
    pub(super) fn new(hardware: &Hardware, sizes: Sizes) -> Self {
        let or = |stated: f64, weak: f64| if stated > 0.0 { stated } else { weak };
        let (coupler, mesh) = (hardware.coupler(), hardware.mesh());
        let shifter = hardware.phase_shifter();
        Self {
            sizes,
            splitting_rad: [
                coupler.splitting_bias_rad,
                or(coupler.splitting_error_rad, SPLITTING_RAD),
            ],
            loss_db: mesh.insertion_loss_db,
            loss_spread_db: or(mesh.insertion_loss_spread_db, LOSS_SPREAD_DB),
            v_pi_error: or(shifter.v_pi_error, V_PI_ERROR),
            crosstalk: CROSSTALK,
        }
    }

    /// The middle of what is believed, offsets 0.
    pub(super) fn mean(&self) -> Parameters {
        let sizes = self.sizes;
        let [bias, _] = self.splitting_rad;
        Parameters {
            couplers_rad: vec![vec![bias; sizes.cells]; sizes.couplers],
            loss_db: vec![self.loss_db; sizes.cells],
            crosstalk: self.crosstalk[0],
            ..Parameters::perfect(sizes)
        }
    }

    /// Standard deviations of all parameters.
    pub(super) fn sigmas(&self) -> Vec<f64> {
        let sizes = self.sizes;
        let spread = Parameters {
            couplers_rad: vec![vec![self.splitting_rad[1]; sizes.cells]; sizes.couplers],
            loss_db: vec![self.loss_spread_db; sizes.cells],
            offset_rad: vec![OFFSET_RAD; sizes.heaters],
            v_pi_error: vec![self.v_pi_error; sizes.heaters],
            crosstalk: self.crosstalk[1],
        };
        spread.flat()
    }

    /// Twice the negative logarithm of its density, but for a constant.
    pub(super) fn cost(&self, of: &Parameters) -> f64 {
        let [bias, sigma] = self.splitting_rad;
        let square = |miss: f64, sigma: f64| (miss / sigma).powi(2);
        let couplers = of.couplers_rad.iter().flatten();
        let couplers: f64 = couplers.map(|x| square(x - bias, sigma)).sum();
        let v_pi: f64 = of
            .v_pi_error
            .iter()
            .map(|x| square(*x, self.v_pi_error))
            .sum();
        let mean_db = mean(&of.loss_db);
        let losses = of
            .loss_db
            .iter()
            .map(|x| square(x - mean_db, self.loss_spread_db));
        let [kappa, sigma] = self.crosstalk;
        couplers + v_pi + losses.sum::<f64>() + square(of.crosstalk - kappa, sigma)
    }

    /// Adds its half second derivatives to the lower triangle of `matrix`, and its half negative slopes at `of` to `right`.
    pub(super) fn add_to(&self, matrix: &mut [f64], right: &mut [f64], of: &Parameters) {
        let (sizes, count) = (self.sizes, right.len());
        let flat = of.flat();
        let mut pull = |index: usize, mean: f64, sigma: f64| {
            let precision = sigma.powi(-2);
            matrix[index * count + index] += precision;
            right[index] += precision * (mean - flat[index]);
        };
        let [bias, sigma] = self.splitting_rad;
        (0..sizes.loss().start).for_each(|index| pull(index, bias, sigma));
        sizes
            .v_pi()
            .for_each(|index| pull(index, 0.0, self.v_pi_error));
        let [kappa, sigma] = self.crosstalk;
        pull(sizes.crosstalk(), kappa, sigma);
        // (1 − 1 1ᵀ/n)/σ²: the mean of all losses is free.
        let mean_db = mean(&of.loss_db);
        sizes
            .loss()
            .for_each(|index| pull(index, mean_db, self.loss_spread_db));
        let common = self.loss_spread_db.powi(-2) / sizes.cells as f64;
        for column in sizes.loss() {
            for row in column..sizes.loss().end {
                matrix[column * count + row] -= common;
            }
        }
    }
}

fn mean(values: &[f64]) -> f64 {
    match values.len() {
        0 => 0.0,
        count => values.iter().sum::<f64>() / count as f64,
    }
}
