//! What a signal does as the two phases of one cell turn.

use std::f64::consts::PI;

use crate::linalg::C64;

/// How far rounding takes a cosine beyond 1.
const ROUNDING: f64 = 1e-9;

/// Turns (θ, φ) of a cell at which its signal is measured, rad.
pub(super) const TURNS: [(f64, f64); 4] = [(0.0, 0.0), (PI, 0.0), (0.0, PI), (PI, PI)];

/// A signal `a + b e^{iδθ} + (c + d e^{iδθ}) e^{iδφ}` of one cell whose phases turn by δθ and δφ.
#[derive(Debug, Clone, Copy)]
pub(super) struct Response {
    a: C64,
    b: C64,
    c: C64,
    d: C64,
}

/// Turns of a cell's phases that make a signal as small as can be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Darkest {
    /// Turn of θ, rad.
    pub(super) theta: f64,
    /// Turn of φ, rad.
    pub(super) phi: f64,
    /// Amplitude that is left, relative to all light of the cell; 0 if the signal vanishes.
    pub(super) left: f64,
}

impl Response {
    /// The response with these vectors at the [`TURNS`], which are multiples of one another: the light of one mode
    /// leaves the chip in one state, and the brightest of the four shows it best.
    pub(super) fn of(signals: &[Vec<C64>; 4]) -> Self {
        let power = |signal: &Vec<C64>| signal.iter().map(C64::norm_sqr).sum::<f64>();
        let brightest = signals
            .iter()
            .max_by(|x, y| power(x).total_cmp(&power(y)))
            .expect("there are four");
        let size = power(brightest).sqrt();
        let along = |signal: &Vec<C64>| {
            let product: C64 = brightest
                .iter()
                .zip(signal)
                .map(|(x, y)| x.conj() * y)
                .sum();
            if size > 0.0 {
                product / size
            } else {
                C64::ZERO
            }
        };
        let [s00, s10, s01, s11] = signals.each_ref().map(along);
        Self {
            a: (s00 + s10 + s01 + s11) / 4.0,
            b: (s00 - s10 + s01 - s11) / 4.0,
            c: (s00 + s10 - s01 - s11) / 4.0,
            d: (s00 - s10 - s01 + s11) / 4.0,
        }
    }

    /// The smallest turns that make the signal as small as can be.
    ///
    /// It vanishes for some φ where |a + b e^{iδθ}| = |c + d e^{iδθ}|, which is linear in the cosine of δθ less a
    /// constant.
    pub(super) fn darkest(&self) -> Darkest {
        let Self { a, b, c, d } = *self;
        let powers = [a, b, c, d].map(|z| z.norm_sqr());
        // Over the four turns a cell of even couplers sends its light to the port twice.
        let light = (2.0 * powers.iter().sum::<f64>()).sqrt();
        let constant = powers[0] + powers[1] - powers[2] - powers[3];
        let swing = a.conj() * b - c.conj() * d;
        let cosine = -constant / (2.0 * swing.norm());
        if !cosine.is_finite() {
            // Neither phase moves the signal.
            return Darkest {
                theta: 0.0,
                phi: 0.0,
                left: 0.0,
            };
        }
        let spread = cosine.clamp(-1.0, 1.0).acos();
        let turned = |turn: f64| (turn + PI).rem_euclid(2.0 * PI) - PI;
        let (one, other) = (turned(-swing.arg() + spread), turned(-swing.arg() - spread));
        let theta = if one.abs() <= other.abs() { one } else { other };
        let factor = C64::from_polar(1.0, theta);
        let (still, moved) = (a + b * factor, c + d * factor);
        let against = -still * moved.conj();
        let is_reached = cosine.abs() <= 1.0 + ROUNDING;
        Darkest {
            theta,
            // No light to turn against: φ stays.
            phi: if against.norm() <= f64::EPSILON * light * light {
                0.0
            } else {
                against.arg()
            },
            left: if is_reached {
                0.0
            } else {
                (still.norm() - moved.norm()).abs() / light
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesh::Mzi;

    /// What leaves `cell` below, of light (`top`, `bottom`), in a state of two outputs, at every turn.
    fn response(cell: &Mzi, top: C64, bottom: C64) -> Response {
        let state = [C64::new(0.3, -0.4), C64::new(-0.2, 0.9)];
        Response::of(&TURNS.map(|(theta, phi)| {
            let light = below(cell, theta, phi, top, bottom);
            state.iter().map(|z| z * light).collect()
        }))
    }

    fn below(cell: &Mzi, theta: f64, phi: f64, top: C64, bottom: C64) -> C64 {
        let turned = Mzi {
            theta: cell.theta + theta,
            phi: cell.phi + phi,
            ..*cell
        };
        let [_, _, t21, t22] = turned.matrix();
        t21 * top + t22 * bottom
    }

    #[test]
    fn the_signal_vanishes_where_the_response_says() {
        for (theta, phi, top) in [(0.3, 5.0, 0.6), (2.8, 1.0, 0.1), (-4.0, 0.0, 0.99)] {
            let cell = Mzi {
                alpha: 0.03,
                beta: -0.02,
                theta_arm: 0.95,
                ..Mzi::ideal(theta, phi)
            };
            let (top, bottom) = (
                C64::from(top),
                C64::from_polar((1.0 - top * top).sqrt(), 2.0),
            );
            let darkest = response(&cell, top, bottom).darkest();
            let left = below(&cell, darkest.theta, darkest.phi, top, bottom);
            assert!(left.norm() < 1e-14, "{left}");
            assert_eq!(darkest.left, 0.0);
            let at_rest = Mzi {
                theta: theta + darkest.theta,
                phi: phi + darkest.phi,
                ..cell
            };
            let again = response(&at_rest, top, bottom).darkest();
            assert!(again.theta.abs() < 1e-12 && again.phi.abs() < 1e-12);
        }
    }

    /// |T₂₂|² = sin²(θ/2) cos²(α − β) + cos²(θ/2) sin²(α + β) of Bandyopadhyay et al. (2021) is not below sin²(α + β).
    #[test]
    fn what_no_phase_removes_is_what_splitting_errors_leave_of_the_cross_state() {
        let cell = Mzi {
            alpha: 0.1,
            beta: 0.1,
            ..Mzi::ideal(1.0, 2.0)
        };
        let (top, bottom) = (C64::ZERO, C64::ONE);
        let darkest = response(&cell, top, bottom).darkest();
        let least = 0.2f64.sin();
        let left = below(&cell, darkest.theta, darkest.phi, top, bottom);
        assert!((left.norm() - least).abs() < 1e-14);
        let over_turns = (1.0 + least * least).sqrt();
        assert!((darkest.left - least / over_turns).abs() < 1e-14);
        assert_eq!(darkest.phi, 0.0);
    }
}
