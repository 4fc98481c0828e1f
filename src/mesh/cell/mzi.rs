//! One Mach–Zehnder interferometer.

use std::f64::consts::FRAC_PI_4;

use super::CellKind;
use crate::field::TwoByTwo;
use crate::linalg::C64;

/// Everything that decides how one cell moves light.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mzi {
    /// Which couplers, phase shifters and crossing the cell is made of.
    pub kind: CellKind,
    /// Internal phase shift, rad; of a symmetric cell that of the top arm.
    pub theta: f64,
    /// External phase shift, rad; of a symmetric cell the phase of the bottom arm.
    pub phi: f64,
    /// Splitting error of the first coupler, rad: its angle is π/4 + alpha.
    pub alpha: f64,
    /// Splitting error of the second coupler, rad: its angle is π/4 + beta.
    pub beta: f64,
    /// Splitting error of the coupler in front of φ, rad: its angle is π/4 + gamma. Only a 3-splitter MZI has it.
    pub gamma: f64,
    /// Field transmission of the whole MZI, both arms, in [0, 1].
    pub amplitude: f64,
    /// Additional field transmission of the arm that θ stands on, in [0, 1].
    pub theta_arm: f64,
    /// Additional field transmission of the arm that φ stands on, in (0, 1].
    pub phi_arm: f64,
}

impl Mzi {
    /// A lossless MZI with 50:50 couplers.
    pub fn ideal(theta: f64, phi: f64) -> Self {
        Self {
            kind: CellKind::Mzi,
            theta,
            phi,
            alpha: 0.0,
            beta: 0.0,
            gamma: 0.0,
            amplitude: 1.0,
            theta_arm: 1.0,
            phi_arm: 1.0,
        }
    }

    /// The cell with θ between its couplers and φ in front of them that does what a symmetric cell at θ₁ and θ₂ does at
    /// θ₁ − θ₂, up to the phase θ₂; any other cell is itself.
    ///
    /// B diag(k₁ e^{iθ₁}, k₂ e^{iθ₂}) B = k₂ e^{iθ₂} B diag(k₁/k₂ e^{i(θ₁ − θ₂)}, 1) B.
    pub(in crate::mesh) fn with_external_phase(self) -> Self {
        match self.kind {
            CellKind::Symmetric => Self {
                kind: CellKind::Mzi,
                amplitude: self.amplitude * self.phi_arm,
                theta_arm: self.theta_arm / self.phi_arm,
                phi_arm: 1.0,
                ..self
            },
            _ => self,
        }
    }

    /// Sines and cosines of its angles: of a symmetric cell θ is θ₁ − θ₂, and there is no φ.
    pub(super) fn sines(&self) -> Sines {
        let (inner, outer) = match self.kind {
            CellKind::Symmetric => (self.theta - self.phi, 0.0),
            _ => (self.theta, self.phi),
        };
        Sines {
            theta: inner.sin_cos(),
            phi: outer.sin_cos(),
            alpha: (FRAC_PI_4 + self.alpha).sin_cos(),
            beta: (FRAC_PI_4 + self.beta).sin_cos(),
            gamma: (FRAC_PI_4 + self.gamma).sin_cos(),
        }
    }

    /// The 2×2 transfer matrix `[t11, t12, t21, t22]`, row = output, 1 = top; see [`CellKind`].
    ///
    /// A plain MZI is `amplitude · B(π/4 + beta) diag(theta_arm e^{iθ}, 1) B(π/4 + alpha) diag(phi_arm e^{iφ}, 1)`.
    pub fn matrix(&self) -> TwoByTwo {
        let Self {
            amplitude,
            theta_arm,
            phi_arm,
            ..
        } = self.with_external_phase();
        let sines = self.sines();
        let core = between_couplers(&sines, [theta_arm, phi_arm], amplitude);
        match self.kind {
            CellKind::Mzi => core,
            CellKind::Crossing => crossed(core),
            CellKind::ThreeSplitter => behind_coupler(core, sines.gamma),
            CellKind::Symmetric => times(core, C64::from_polar(1.0, self.phi)),
        }
    }
}

/// (sin, cos) of a cell's phases and of its couplers' angles.
pub(super) struct Sines {
    pub(super) theta: (f64, f64),
    pub(super) phi: (f64, f64),
    pub(super) alpha: (f64, f64),
    pub(super) beta: (f64, f64),
    pub(super) gamma: (f64, f64),
}

/// Two couplers with θ between them and φ in front of them, on arms of these transmissions.
#[inline(always)]
pub(super) fn between_couplers(
    sines: &Sines,
    [theta_arm, phi_arm]: [f64; 2],
    amplitude: f64,
) -> TwoByTwo {
    let ((sin_a, cos_a), (sin_b, cos_b)) = (sines.alpha, sines.beta);
    let arm = C64::new(theta_arm * sines.theta.1, theta_arm * sines.theta.0);
    let front = amplitude * phi_arm;
    let external = C64::new(front * sines.phi.1, front * sines.phi.0);
    let turned = |z: C64| C64::new(-z.im, z.re);
    [
        (arm * (cos_a * cos_b) - sin_a * sin_b) * external,
        turned(arm * (sin_a * cos_b) + cos_a * sin_b) * amplitude,
        turned(arm * (cos_a * sin_b) + sin_a * cos_b) * external,
        (-(arm * (sin_a * sin_b)) + cos_a * cos_b) * amplitude,
    ]
}

/// What a cell of this matrix makes of the light at its two inputs, top and bottom.
#[inline(always)]
pub(crate) fn mix([a, b, c, d]: &TwoByTwo, [x, y]: [C64; 2]) -> [C64; 2] {
    [a * x + b * y, c * x + d * y]
}

/// The cell with a crossing behind it.
#[inline(always)]
pub(super) fn crossed([a, b, c, d]: TwoByTwo) -> TwoByTwo {
    [c, d, a, b]
}

/// The cell with a coupler in front of it, whose angle has this sine and cosine.
#[inline(always)]
pub(super) fn behind_coupler([a, b, c, d]: TwoByTwo, (sin, cos): (f64, f64)) -> TwoByTwo {
    let cross = |z: C64| C64::new(-sin * z.im, sin * z.re);
    [
        a * cos + cross(b),
        cross(a) + b * cos,
        c * cos + cross(d),
        cross(c) + d * cos,
    ]
}

/// The cell with a factor on both arms.
#[inline(always)]
pub(super) fn times(cell: TwoByTwo, factor: C64) -> TwoByTwo {
    let [a, b, c, d] = cell;
    [a * factor, b * factor, c * factor, d * factor]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    fn distance(a: TwoByTwo, b: TwoByTwo) -> f64 {
        a.iter()
            .zip(&b)
            .map(|(x, y)| (x - y).norm())
            .fold(0.0, f64::max)
    }

    /// T(θ, φ) = i e^{iθ/2} [[e^{iφ} sin θ/2, cos θ/2], [e^{iφ} cos θ/2, −sin θ/2]].
    #[test]
    fn ideal_mzi_follows_the_closed_form() {
        for (theta, phi) in [(0.0, 0.0), (PI, 0.3), (1.1, 5.0), (0.01, 2.0)] {
            let g = C64::i() * C64::from_polar(1.0, theta / 2.0);
            let e = C64::from_polar(1.0, phi);
            let (s, c) = (theta / 2.0).sin_cos();
            let closed = [g * e * s, g * c, g * e * c, g * -s];
            assert!(distance(Mzi::ideal(theta, phi).matrix(), closed) < 3e-16);
        }
    }

    /// Bandyopadhyay, Hamerly, Englund, Optica 8, 1247 (2021): T with a = α + β, b = α − β.
    #[test]
    fn mzi_with_splitting_errors_follows_the_published_form() {
        for (theta, phi, alpha, beta) in [(0.7, 0.4, 0.05, -0.02), (2.9, 6.0, -0.1, 0.03)] {
            let (a, b): (f64, f64) = (alpha + beta, alpha - beta);
            let (s, c) = (f64::sin(theta / 2.0), f64::cos(theta / 2.0));
            let g = C64::from_polar(1.0, theta / 2.0);
            let e = C64::from_polar(1.0, phi);
            let published = [
                g * e * C64::new(-c * a.sin(), s * b.cos()),
                g * C64::new(-s * b.sin(), c * a.cos()),
                g * e * C64::new(s * b.sin(), c * a.cos()),
                g * C64::new(-c * a.sin(), -s * b.cos()),
            ];
            let mzi = Mzi {
                alpha,
                beta,
                ..Mzi::ideal(theta, phi)
            };
            assert!(distance(mzi.matrix(), published) < 3e-16);
        }
    }

    /// The other cells as products of couplers and phases, T₃ = B P(θ) B P(φ) B and so on.
    #[test]
    fn every_cell_is_the_product_of_its_parts() {
        let (theta, phi, alpha, beta, gamma) = (0.7, 2.4, 0.05, -0.02, 0.11);
        let (theta_arm, phi_arm) = (0.9, 0.8);
        let coupler = |error: f64| {
            let (s, c) = (FRAC_PI_4 + error).sin_cos();
            [
                C64::from(c),
                C64::new(0.0, s),
                C64::new(0.0, s),
                C64::from(c),
            ]
        };
        let phases = |top: C64, bottom: C64| [top, C64::ZERO, C64::ZERO, bottom];
        let times = |a: TwoByTwo, b: TwoByTwo| {
            [
                a[0] * b[0] + a[1] * b[2],
                a[0] * b[1] + a[1] * b[3],
                a[2] * b[0] + a[3] * b[2],
                a[2] * b[1] + a[3] * b[3],
            ]
        };
        let turn = |angle| C64::from_polar(1.0, angle);
        let inner = phases(turn(theta) * theta_arm, C64::ONE);
        let core = times(coupler(beta), times(inner, coupler(alpha)));
        let mzi = times(core, phases(turn(phi) * phi_arm, C64::ONE));
        let crossing = phases(C64::ONE, C64::ONE);
        let crossing = [crossing[1], crossing[0], crossing[3], crossing[2]];
        let both_arms = phases(turn(theta) * theta_arm, turn(phi) * phi_arm);
        for (kind, expected) in [
            (CellKind::Mzi, mzi),
            (CellKind::Crossing, times(crossing, mzi)),
            (CellKind::ThreeSplitter, times(mzi, coupler(gamma))),
            (
                CellKind::Symmetric,
                times(coupler(beta), times(both_arms, coupler(alpha))),
            ),
        ] {
            let cell = Mzi {
                kind,
                alpha,
                beta,
                gamma,
                theta_arm,
                phi_arm,
                ..Mzi::ideal(theta, phi)
            };
            assert!(distance(cell.matrix(), expected) < 5e-16, "{kind}");
        }
    }

    #[test]
    fn loss_scales_the_whole_mzi_and_that_of_a_heated_arm_only_the_arm() {
        let ideal = Mzi::ideal(1.2, 0.5);
        let lossy = Mzi {
            amplitude: 0.8,
            ..ideal
        };
        for (x, y) in lossy.matrix().iter().zip(ideal.matrix()) {
            assert!((x - y * 0.8).norm() < 1e-15);
        }
        // What enters at the top passes φ's arm, what enters at the bottom does not.
        let front = Mzi {
            phi_arm: 0.7,
            ..ideal
        };
        for (k, (x, y)) in front.matrix().iter().zip(ideal.matrix()).enumerate() {
            let passed = if k % 2 == 0 { 0.7 } else { 1.0 };
            assert!((x - y * passed).norm() < 1e-15);
        }
        // A dead top arm leaves the bottom arm: every element has power 1/4.
        let dead = Mzi {
            theta_arm: 0.0,
            ..ideal
        };
        for x in dead.matrix() {
            assert!((x.norm_sqr() - 0.25).abs() < 1e-15);
        }
    }
}
