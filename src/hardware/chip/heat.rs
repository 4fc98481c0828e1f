//! What heaters do by the phase that they were asked for, to themselves and to their neighbours.

use std::f64::consts::{PI, TAU};

use super::Chip;
use crate::hardware::given::Response;
use crate::hardware::{Heaters, Placed, Quantity, Section, crosstalk};

/// The place of a heater among those of all `sections`, of so many each.
///
/// # Panics
/// If the section is none of them.
pub(super) fn index(sections: &[(Placed, usize)], (section, number): (Section, usize)) -> usize {
    let ahead = sections
        .iter()
        .take_while(|(at, _)| at.part.section != section);
    let ahead: usize = ahead.map(|(_, count)| count).sum();
    assert!(
        sections.iter().any(|(at, _)| at.part.section == section),
        "the section is on this site"
    );
    ahead + number
}

impl Chip {
    /// Whether heat reaches any heater's neighbours.
    pub(super) fn has_crosstalk(&self) -> bool {
        self.hardware.phase_shifter.crosstalk > 0.0 || self.given.has_shares()
    }

    /// What heaters of `sections`, of so many each, do in place of the phases that they were asked for: φ = π V²/V_π² or what
    /// was measured of them, with V chosen for the calibrated V_π.
    pub(super) fn respond(&self, sections: &[(Placed, usize)], phases: &mut [f64]) {
        self.divide_by_v_pi_errors(sections, phases);
        let square_v2 = self.square_v2_per_rad();
        self.each_response(sections, |index, response| {
            phases[index] = match response {
                Response::Dead => 0.0,
                Response::Measured(curve) => curve.phase_rad(square_v2 * phases[index]),
            };
        });
    }

    /// The phases to be asked for in place of `phases`, so that heaters whose answer corrections know do these.
    pub(super) fn make_up_for_responses(&self, sections: &[(Placed, usize)], phases: &mut [f64]) {
        let known = self.hardware.measured.known();
        if known.v_pi_v {
            self.with_v_pi_errors(sections, phases, |phase, error| {
                phase * (1.0 + error).powi(2)
            });
        }
        if known.response {
            let square_v2 = self.square_v2_per_rad();
            self.each_response(sections, |index, response| {
                if let Response::Measured(curve) = response {
                    phases[index] = curve.square_v2(phases[index]) / square_v2;
                }
            });
        }
    }

    /// The slopes by the phases that were asked for, `asked`, from those by what heaters do.
    pub(super) fn respond_back(
        &self,
        sections: &[(Placed, usize)],
        asked: Option<&[f64]>,
        slopes: &mut [f64],
    ) {
        self.divide_by_v_pi_errors(sections, slopes);
        let square_v2 = self.square_v2_per_rad();
        self.each_response(sections, |index, response| {
            slopes[index] *= match response {
                Response::Dead => 0.0,
                Response::Measured(curve) => {
                    let asked = asked.expect("slopes through a measured response are at phases");
                    curve.slope(square_v2 * asked[index]) * square_v2
                }
            };
        });
    }

    /// The square of the voltage that a calibrated heater is given for each rad, V².
    fn square_v2_per_rad(&self) -> f64 {
        self.hardware.phase_shifter.v_pi_v.powi(2) / PI
    }

    /// Calls `act` with the place of every heater of `sections` that answers otherwise than φ = π V²/V_π².
    fn each_response(&self, sections: &[(Placed, usize)], mut act: impl FnMut(usize, &Response)) {
        let mut ahead = 0;
        for (at, count) in sections {
            let responses = self.given.responses(at.site, at.part.section);
            for (number, response) in responses.into_iter().flatten() {
                act(ahead + number, response);
            }
            ahead += count;
        }
    }

    fn divide_by_v_pi_errors(&self, sections: &[(Placed, usize)], phases: &mut [f64]) {
        self.with_v_pi_errors(sections, phases, |phase, error| {
            phase / (1.0 + error).powi(2)
        });
    }

    /// Every phase as `act` makes it of the phase and the error of its heater's V_π; those that have their own response are
    /// left as they are.
    fn with_v_pi_errors(
        &self,
        sections: &[(Placed, usize)],
        phases: &mut [f64],
        act: impl Fn(f64, f64) -> f64,
    ) {
        if !self.has_v_pi_errors() {
            return;
        }
        let mut rest = phases;
        for (at, count) in sections {
            let (section, behind) = rest.split_at_mut(*count);
            rest = behind;
            let errors = self.numbers(Quantity::VPiError, *at, 0..*count).all(*count);
            let own = self.given.responses(at.site, at.part.section);
            for (number, (phase, error)) in section.iter_mut().zip(errors).enumerate() {
                if own.is_none_or(|own| !own.contains_key(&number)) {
                    *phase = act(*phase, error);
                }
            }
        }
    }

    /// The phases with the heat of other heaters, rad.
    pub(super) fn heat(
        &self,
        heaters: &Heaters,
        sections: &[(Placed, usize)],
        phases: &[f64],
    ) -> Vec<f64> {
        let mut heated = heaters.heat(phases, self.hardware.phase_shifter.crosstalk);
        self.each_share(heaters, sections, |from, to, more| {
            heated[to] += more * phases[from];
        });
        heated
    }

    /// The slopes by the phases of heaters from those by phases with the heat of others.
    pub(super) fn heat_back(
        &self,
        heaters: &Heaters,
        sections: &[(Placed, usize)],
        slopes: &[f64],
    ) -> Vec<f64> {
        let mut gathered = heaters.heat(slopes, self.hardware.phase_shifter.crosstalk);
        self.each_share(heaters, sections, |from, to, more| {
            gathered[from] += more * slopes[to];
        });
        gathered
    }

    /// The phases that with the heat of others are `targets` modulo 2π, as far as corrections know of it.
    pub(super) fn heated_to(
        &self,
        heaters: &Heaters,
        sections: &[(Placed, usize)],
        targets: &[f64],
    ) -> Vec<f64> {
        let shifter = &self.hardware.phase_shifter;
        if !self.hardware.measured.known().crosstalk {
            return targets.iter().map(|phase| phase.rem_euclid(TAU)).collect();
        }
        match sections
            .iter()
            .all(|(at, _)| self.given.shares(at.site).is_empty())
        {
            true => heaters.heated_to(targets, shifter.crosstalk),
            false => crosstalk::heated_to(targets, |phases| self.heat(heaters, sections, phases)),
        }
    }

    /// Calls `act` with the places of every two heaters whose share was measured, from and to, and what that is more than
    /// the share that follows from their distance.
    fn each_share(
        &self,
        heaters: &Heaters,
        sections: &[(Placed, usize)],
        mut act: impl FnMut(usize, usize, f64),
    ) {
        let Some((at, _)) = sections.first() else {
            return;
        };
        for share in self.given.shares(at.site) {
            let [from, to] = [share.from, share.to].map(|at| index(sections, at));
            let law = heaters.share(from, to, self.hardware.phase_shifter.crosstalk);
            act(from, to, share.share - law);
        }
    }
}
