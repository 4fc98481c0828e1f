//! What is unknown of a chip with one mesh.

use std::f64::consts::{FRAC_PI_4, TAU};
use std::ops::Range;

use serde::Serialize;

/// Everything that decides what light meets on a chip with one mesh, beside the phases that are asked of its heaters.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Parameters {
    /// Splitting errors of the couplers, rad, `[coupler][cell]`: alpha, beta and, of 3-splitter MZIs, gamma.
    pub couplers_rad: Vec<Vec<f64>>,
    /// Loss of both arms of every cell, dB, at least 0.
    pub loss_db: Vec<f64>,
    /// Phase of every shifter with its heater off, rad: theta, phi, screen, free shifters.
    pub offset_rad: Vec<f64>,
    /// Relative error of every heater's calibrated V_π, in the order of the offsets.
    pub v_pi_error: Vec<f64>,
    /// Share of a heater's phase that reaches a neighbour at one pitch.
    pub crosstalk: f64,
}

/// Largest splitting error, rad: a coupler that crosses all light, or none.
const MOST_SPLITTING_RAD: f64 = FRAC_PI_4;

/// V_π may be so much smaller than it was calibrated to be, relative.
const LEAST_V_PI: f64 = -0.5;

/// Most crosstalk at one pitch.
const MOST_CROSSTALK: f64 = 0.1;

/// How many parameters of each kind there are, and where they stand in one list: couplers, losses, offsets, errors of V_π,
/// crosstalk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sizes {
    pub(super) couplers: usize,
    pub(super) cells: usize,
    pub(super) heaters: usize,
}

impl Sizes {
    /// Number of parameters.
    pub(super) fn all(self) -> usize {
        self.crosstalk() + 1
    }

    pub(super) fn coupler(self, coupler: usize) -> Range<usize> {
        coupler * self.cells..(coupler + 1) * self.cells
    }

    pub(super) fn loss(self) -> Range<usize> {
        self.coupler(self.couplers)
    }

    pub(super) fn offsets(self) -> Range<usize> {
        let start = self.loss().end;
        start..start + self.heaters
    }

    pub(super) fn v_pi(self) -> Range<usize> {
        let start = self.offsets().end;
        start..start + self.heaters
    }

    pub(super) fn crosstalk(self) -> usize {
        self.v_pi().end
    }
}

impl Parameters {
    /// A perfect chip.
    pub(super) fn perfect(sizes: Sizes) -> Self {
        Self::from_flat(&vec![0.0; sizes.all()], sizes)
    }

    /// All of them in the order of the fields.
    pub fn flat(&self) -> Vec<f64> {
        let mut flat = self.couplers_rad.concat();
        for part in [&self.loss_db, &self.offset_rad, &self.v_pi_error] {
            flat.extend(part);
        }
        flat.push(self.crosstalk);
        flat
    }

    /// The inverse of [`flat`](Self::flat).
    pub(super) fn from_flat(flat: &[f64], sizes: Sizes) -> Self {
        let part = |range: Range<usize>| flat[range].to_vec();
        let couplers = (0..sizes.couplers).map(|coupler| part(sizes.coupler(coupler)));
        Self {
            couplers_rad: couplers.collect(),
            loss_db: part(sizes.loss()),
            offset_rad: part(sizes.offsets()),
            v_pi_error: part(sizes.v_pi()),
            crosstalk: flat[sizes.crosstalk()],
        }
    }

    /// The nearest ones that a chip can have: no gain, no crosstalk below 0, couplers between all and nothing.
    #[must_use]
    pub(super) fn within_physics(mut self) -> Self {
        for coupler in self.couplers_rad.iter_mut().flatten() {
            *coupler = coupler.clamp(-MOST_SPLITTING_RAD, MOST_SPLITTING_RAD);
        }
        for loss in &mut self.loss_db {
            *loss = loss.max(0.0);
        }
        for error in &mut self.v_pi_error {
            *error = error.max(LEAST_V_PI);
        }
        self.crosstalk = self.crosstalk.clamp(0.0, MOST_CROSSTALK);
        self
    }

    /// The same chip with every offset in [0, 2π).
    #[must_use]
    pub(super) fn wrapped(mut self) -> Self {
        for offset in &mut self.offset_rad {
            *offset = offset.rem_euclid(TAU);
        }
        self
    }
}
