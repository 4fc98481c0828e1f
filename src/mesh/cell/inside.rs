//! Light inside a cell: what stands behind each of its phase shifters.

use std::f64::consts::FRAC_PI_4;

use super::{CellKind, Mzi};
use crate::linalg::C64;

/// Light that went through a cell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Through {
    /// The field behind θ, on its arm, at the side where light of inference leaves it.
    pub(crate) theta: C64,
    /// The field behind φ.
    pub(crate) phi: C64,
    /// What leaves the cell, top and bottom.
    pub(crate) out: [C64; 2],
}

/// Cosine and sine of the angle of a coupler.
type Coupler = [f64; 2];

/// A cell with what light meets at each of its parts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CellParts {
    kind: CellKind,
    /// What of a field is left in front of the parts, and again behind them.
    half: f64,
    on_theta: C64,
    on_phi: C64,
    alpha: Coupler,
    beta: Coupler,
    gamma: Coupler,
}

impl Mzi {
    /// Its parts, for light that is followed from one to the next.
    ///
    /// What a cell loses on both arms it loses half in front of its parts and half behind them, in dB: the same for light of
    /// either direction.
    pub(crate) fn parts(&self) -> CellParts {
        let coupler = |error: f64| {
            let (sin, cos) = (FRAC_PI_4 + error).sin_cos();
            [cos, sin]
        };
        CellParts {
            kind: self.kind,
            half: self.amplitude.sqrt(),
            on_theta: C64::from_polar(self.theta_arm, self.theta),
            on_phi: C64::from_polar(self.phi_arm, self.phi),
            alpha: coupler(self.alpha),
            beta: coupler(self.beta),
            gamma: coupler(self.gamma),
        }
    }
}

impl CellParts {
    /// Light that enters at the inputs, top and bottom.
    pub(crate) fn forth(&self, light: [C64; 2]) -> Through {
        let mut light = light.map(|z| z * self.half);
        if self.kind == CellKind::ThreeSplitter {
            light = coupled(light, self.gamma);
        }
        let mut phi = light[0] * self.on_phi;
        if self.kind != CellKind::Symmetric {
            light[0] = phi;
        }
        let [top, bottom] = coupled(light, self.alpha);
        let theta = top * self.on_theta;
        light = [theta, bottom];
        if self.kind == CellKind::Symmetric {
            phi = bottom * self.on_phi;
            light[1] = phi;
        }
        let out = coupled(light, self.beta).map(|z| z * self.half);
        Through {
            theta,
            phi,
            out: self.uncrossed(out),
        }
    }

    /// Light that enters at the outputs: it meets the transposed matrix.
    pub(crate) fn back(&self, light: [C64; 2]) -> Through {
        let light = self.uncrossed(light).map(|z| z * self.half);
        let [theta, bottom] = coupled(light, self.beta);
        let mut phi = bottom;
        let mut light = [theta * self.on_theta, bottom];
        if self.kind == CellKind::Symmetric {
            light[1] *= self.on_phi;
        }
        light = coupled(light, self.alpha);
        if self.kind != CellKind::Symmetric {
            phi = light[0];
            light[0] *= self.on_phi;
        }
        if self.kind == CellKind::ThreeSplitter {
            light = coupled(light, self.gamma);
        }
        Through {
            theta,
            phi,
            out: light.map(|z| z * self.half),
        }
    }

    /// `light` without the crossing of a cell that has one.
    fn uncrossed(&self, [top, bottom]: [C64; 2]) -> [C64; 2] {
        match self.kind {
            CellKind::Crossing => [bottom, top],
            _ => [top, bottom],
        }
    }
}

/// Light behind a coupler, from either side.
fn coupled([top, bottom]: [C64; 2], [cos, sin]: Coupler) -> [C64; 2] {
    let cross = |z: C64| C64::new(-sin * z.im, sin * z.re);
    [top * cos + cross(bottom), cross(top) + bottom * cos]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesh::mix;

    const LIGHT: [C64; 2] = [C64::new(0.3, -0.8), C64::new(0.5, 0.2)];
    const ADJOINT: [C64; 2] = [C64::new(-0.1, 0.4), C64::new(0.9, 0.7)];

    fn cell(kind: CellKind) -> Mzi {
        Mzi {
            kind,
            theta: 0.7,
            phi: 2.1,
            alpha: 0.11,
            beta: -0.07,
            gamma: 0.05,
            amplitude: 0.9,
            theta_arm: 0.8,
            phi_arm: 0.6,
        }
    }

    #[test]
    fn light_through_the_parts_of_a_cell_meets_its_matrix_and_from_behind_the_transposed_one() {
        for kind in CellKind::ALL {
            let cell = cell(kind);
            let parts = cell.parts();
            let [a, b, c, d] = cell.matrix();
            let forth = mix(&[a, b, c, d], LIGHT);
            let back = mix(&[a, c, b, d], LIGHT);
            for (ours, expected) in [
                (parts.forth(LIGHT).out, forth),
                (parts.back(LIGHT).out, back),
            ] {
                for (x, y) in ours.iter().zip(expected) {
                    assert!((x - y).norm() < 1e-15, "{kind}");
                }
            }
        }
    }

    /// dL/dη = −Im x_η a_η, with x_η behind the shifter and a_η what comes back to there of the conjugate gradient at the
    /// outputs, sent backwards: of L = Re Σ a y by central differences. Hughes et al., Optica 5, 864 (2018).
    #[test]
    fn the_light_behind_a_shifter_from_both_sides_gives_the_slope_of_its_phase() {
        const STEP: f64 = 1e-5;
        for kind in CellKind::ALL {
            let cell = cell(kind);
            let parts = cell.parts();
            let (forth, back) = (parts.forth(LIGHT), parts.back(ADJOINT));
            let loss = |cell: Mzi| -> f64 {
                let out = mix(&cell.matrix(), LIGHT);
                ADJOINT.iter().zip(out).map(|(a, y)| (a * y).re).sum()
            };
            let slope = |change: &dyn Fn(f64) -> Mzi| {
                (loss(change(STEP)) - loss(change(-STEP))) / (2.0 * STEP)
            };
            let by_theta = slope(&|step| Mzi {
                theta: cell.theta + step,
                ..cell
            });
            let by_phi = slope(&|step| Mzi {
                phi: cell.phi + step,
                ..cell
            });
            for (x, a, expected) in [
                (forth.theta, back.theta, by_theta),
                (forth.phi, back.phi, by_phi),
            ] {
                let ours = -(x * a).im;
                assert!((ours - expected).abs() < 1e-9, "{kind}: {ours} {expected}");
            }
        }
    }
}
