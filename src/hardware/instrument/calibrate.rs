//! What every heater shows of what is asked of it.

use super::Instrument;
use super::driver::{Driven, Driver};
use crate::error::Result;
use crate::linalg::{C64, Matrix};

/// Where all heaters but one stand, rad: far enough from 0 that none has to cool where neighbours' heat is made up for.
const BASE_RAD: f64 = 1.0;
/// Step of the one that is measured, rad. It goes twice, and stays below 2π.
const STEP_RAD: f64 = 2.0;

impl Driver {
    /// Measures how much phase each heater of `instrument` shows per phase that is asked of it, and corrects what is asked
    /// from then on: V_π need not be what the supply takes it for. Leaves all heaters at 1 rad. A heater that light does not
    /// show is asked as before.
    ///
    /// A heater at p changes one state of light alone: U = U₀ + e^{isp} v w†, so that two equal steps change U by
    /// matrices whose ratio is e^{is·step}.
    ///
    /// # Errors
    /// Those of [`set`](Self::set).
    pub fn calibrate(&mut self, instrument: &mut dyn Instrument) -> Result<()> {
        Driven::new(self, instrument)?.calibrate()
    }
}

impl Driven<'_> {
    pub(super) fn calibrate(&mut self) -> Result<()> {
        let mut phases = vec![BASE_RAD; self.driver.phases.len()];
        self.set(&phases)?;
        let base = self.transfer()?;
        let mut slopes = Vec::with_capacity(phases.len());
        for heater in 0..phases.len() {
            let mut stepped = |steps: f64| {
                phases[heater] = BASE_RAD + steps * STEP_RAD;
                self.set(&phases)?;
                self.transfer()
            };
            let (once, twice) = (stepped(1.0)?, stepped(2.0)?);
            phases[heater] = BASE_RAD;
            slopes.push(turn(&(&once - &base), &(twice - &once)) / STEP_RAD);
        }
        for (scale, slope) in self.driver.scale.iter_mut().zip(slopes) {
            if slope > 0.0 {
                *scale /= slope;
            }
        }
        self.set(&phases)
    }
}

/// Phase by which `second` is ahead of `first`, rad, in (−π, π]: both are multiples of one matrix `v w†`.
fn turn(first: &Matrix, second: &Matrix) -> f64 {
    let brightest = first
        .column_iter()
        .max_by(|x, y| x.norm_squared().total_cmp(&y.norm_squared()))
        .expect("a mesh has modes");
    let w = first.ad_mul(&brightest);
    let v = first * &w;
    let along = |change: &Matrix| -> C64 { v.dotc(&(change * &w)) };
    (along(second) * along(first).conj()).arg()
}
