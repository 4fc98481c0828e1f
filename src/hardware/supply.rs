//! The DAC that drives the heaters.

use std::f64::consts::{PI, TAU};

use crate::mesh::wrap;
use crate::units::heater_volts;

/// Phases that a heater may be asked for lie below this, rad: what corrections ask for beyond a turn, where neighbours heat it
/// or it is weaker than its calibration says, stays what it is in files.
pub const ASKED_LIMIT_RAD: f64 = 3.0 * PI;

/// What a heater is asked for so that it does `phase_rad`, rad: the phase itself from 0 to [`ASKED_LIMIT_RAD`], else the same
/// phase in [0, 2π), as a heater cools nothing.
pub fn asked_rad(phase_rad: f64) -> f64 {
    match phase_rad {
        asked if (0.0..ASKED_LIMIT_RAD).contains(&asked) => asked,
        other => wrap(other),
    }
}

/// A supply of heaters: one of evenly spaced voltages from 0 on, `2^bits` of them.
///
/// What a chip's heaters are set to and what [export](crate::hardware::Calibration) writes for a laboratory is the same
/// code of the same supply.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Supply {
    /// The largest code.
    top: f64,
    v_max_v: f64,
    step_v: f64,
}

impl Supply {
    /// A supply of `bits` whose largest voltage is `v_max_v`, V.
    ///
    /// # Panics
    /// If `bits` are not 1 to 24.
    pub fn new(bits: u32, v_max_v: f64) -> Self {
        assert!((1..=24).contains(&bits), "a supply has 1 to 24 bits");
        let top = f64::from((1u32 << bits) - 1);
        Self {
            top,
            v_max_v,
            step_v: v_max_v / top,
        }
    }

    /// The range of a supply that is given none, V: it brings the weakest heater, whose voltage for a phase of π is
    /// `v_pi_v`, to 2π, or to `largest_rad` if more is asked.
    pub fn default_v_max_v(v_pi_v: f64, largest_rad: f64) -> f64 {
        heater_volts(largest_rad.max(TAU), v_pi_v)
    }

    /// The largest voltage, V.
    pub fn v_max_v(&self) -> f64 {
        self.v_max_v
    }

    /// The voltage that is nearest to `volts`, V; the largest one beyond the range.
    pub fn nearest_v(&self, volts: f64) -> f64 {
        self.nearest(volts) * self.step_v
    }

    /// The code of [`nearest_v`](Self::nearest_v), or the one below where that voltage is above `limit_v`.
    pub fn code(&self, volts: f64, limit_v: Option<f64>) -> u32 {
        let nearest = self.nearest(volts) as u32;
        match limit_v {
            Some(limit_v) if self.volts(nearest) > limit_v => nearest.saturating_sub(1),
            _ => nearest,
        }
    }

    /// The voltage of `code`, V.
    pub fn volts(&self, code: u32) -> f64 {
        f64::from(code) * self.step_v
    }

    fn nearest(&self, volts: f64) -> f64 {
        (volts / self.step_v).round().min(self.top)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::SQRT_2;

    #[test]
    fn a_supply_has_evenly_spaced_voltages_and_saturates() {
        let supply = Supply::new(3, 7.0);
        for code in 0..8 {
            assert_eq!(supply.volts(code), f64::from(code));
            assert_eq!(supply.code(f64::from(code) + 0.4, None), code);
            assert_eq!(supply.nearest_v(f64::from(code) - 0.4), f64::from(code));
        }
        assert_eq!((supply.code(9.0, None), supply.nearest_v(9.0)), (7, 7.0));
    }

    #[test]
    fn no_code_is_above_what_a_heater_bears() {
        let supply = Supply::new(3, 7.0);
        assert_eq!(supply.code(4.8, Some(4.9)), 4);
        assert_eq!(supply.code(4.8, Some(5.0)), 5);
        assert_eq!(supply.code(0.4, Some(0.0)), 0);
    }

    /// φ = π V²/V_π²: 2π is at √2 V_π, 4π at 2 V_π.
    #[test]
    fn the_default_range_covers_a_turn_or_what_is_asked_beyond() {
        assert_eq!(Supply::default_v_max_v(4.36, 0.0), SQRT_2 * 4.36);
        assert_eq!(Supply::default_v_max_v(4.36, TAU), SQRT_2 * 4.36);
        assert_eq!(Supply::default_v_max_v(4.36, 4.0 * PI), 2.0 * 4.36);
    }
}
