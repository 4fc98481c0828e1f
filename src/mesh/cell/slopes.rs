//! How a loss changes with the phases of cells: from the overlaps of light and adjoint in front of them.
//!
//! With `R = x a†`, the sum over samples, a phase on the top arm of where the light is `x` has the slope `−Im R₁₁`.
//! Behind a part of matrix P the overlaps are `P R P⁻¹`, because `x` becomes `P x` and the adjoint there has `a = P† a′`.

use super::CellKind;
use super::cells::{Angles, SetCells, sines};
use super::mzi::{Mzi, Sines};
use crate::field::{BLOCK, MatrixSource, TwoByTwo, matrix_of};
use crate::linalg::C64;
use crate::simd::{Loop, vectorized};

impl Mzi {
    /// The slopes of a real loss by θ and φ, per rad, where the overlaps of light and adjoint in front of the cell are
    /// `overlaps`: `Σ x_m a_n*` over samples, `[11, 12, 21, 22]`, 1 = top.
    pub(in crate::mesh) fn slopes(&self, overlaps: TwoByTwo) -> [f64; 2] {
        slopes(self.kind, &self.sines(), self.phi_arm, overlaps)
    }
}

/// The slopes by θ and φ.
#[inline(always)]
fn slopes(kind: CellKind, sines: &Sines, phi_arm: f64, overlaps: TwoByTwo) -> [f64; 2] {
    if kind == CellKind::Symmetric {
        let [top, _, _, bottom] = behind(overlaps, sines.alpha);
        return [-top.im, -bottom.im];
    }
    let front = match kind {
        CellKind::ThreeSplitter => behind(overlaps, sines.gamma),
        _ => overlaps,
    };
    let (sin, cos) = sines.phi;
    let [a, b, c, d] = front;
    let inverse = phi_arm.recip();
    let shifted = [
        a,
        b * C64::new(phi_arm * cos, phi_arm * sin),
        c * C64::new(inverse * cos, -inverse * sin),
        d,
    ];
    [-behind(shifted, sines.alpha)[0].im, -a.im]
}

/// Overlaps behind a coupler whose angle has this sine and cosine.
#[inline(always)]
fn behind([a, b, c, d]: TwoByTwo, (s, k): (f64, f64)) -> TwoByTwo {
    let turned = |z: C64| C64::new(-s * k * z.im, s * k * z.re);
    [
        a * (k * k) + d * (s * s) + turned(c - b),
        b * (k * k) + c * (s * s) + turned(d - a),
        c * (k * k) + b * (s * s) + turned(a - d),
        d * (k * k) + a * (s * s) + turned(b - c),
    ]
}

/// Slopes of a block of cells.
struct OneBlock<'a, 'c> {
    set: &'a SetCells<'c>,
    start: usize,
    angles: &'a mut Angles,
    overlaps: &'a [TwoByTwo],
    theta: &'a mut [f64; BLOCK],
    phi: &'a mut [f64; BLOCK],
}

impl Loop for OneBlock<'_, '_> {
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let (kind, phi_arm) = (self.set.cells.kind, self.set.cells.phi_arm);
        sines::<FUSED>(
            self.set,
            self.start..self.start + self.overlaps.len(),
            self.angles,
        );
        let mut parts = [[0.0; BLOCK]; 8];
        for (lane, overlaps) in self.overlaps.iter().enumerate() {
            for (at, z) in overlaps.iter().enumerate() {
                (parts[2 * at][lane], parts[2 * at + 1][lane]) = (z.re, z.im);
            }
        }
        // All lanes, those beyond the cells' number too: a loop of known length.
        for lane in 0..BLOCK {
            let overlaps = matrix_of(&parts, lane);
            let sines = self.angles.sines(lane);
            [self.theta[lane], self.phi[lane]] = slopes(kind, &sines, phi_arm, overlaps);
        }
    }
}

impl SetCells<'_> {
    /// The slopes of a real loss by θ and by φ of every cell, per rad, from the overlaps in front of each: those of
    /// [`Mzi::slopes`], computed many at a time.
    ///
    /// # Panics
    /// If there are not as many overlaps as cells.
    pub(in crate::mesh) fn slopes(&self, overlaps: &[TwoByTwo]) -> [Vec<f64>; 2] {
        assert_eq!(overlaps.len(), self.count(), "overlaps for every cell");
        let mut angles = self.scratch();
        let mut theta = Vec::with_capacity(overlaps.len());
        let mut phi = Vec::with_capacity(overlaps.len());
        for (block, overlaps) in overlaps.chunks(BLOCK).enumerate() {
            let start = block * BLOCK;
            angles.draw(start..start + overlaps.len());
            let (mut by_theta, mut by_phi) = ([0.0; BLOCK], [0.0; BLOCK]);
            let one = OneBlock {
                set: self,
                start,
                angles: &mut angles,
                overlaps,
                theta: &mut by_theta,
                phi: &mut by_phi,
            };
            vectorized(one.angles.arch, one);
            theta.extend(&by_theta[..overlaps.len()]);
            phi.extend(&by_phi[..overlaps.len()]);
        }
        [theta, phi]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesh::{Cells, Values};
    use crate::rng::{Effect, Seed};

    /// One cell, one sample: with L = Re a′* y behind the cell, dL/dη is Re a′* ∂T/∂η x, and the adjoint in front is T† a′.
    #[test]
    fn slopes_of_every_kind_are_differences_of_its_matrix() {
        let mut stream = Seed(51).stream(Effect::Haar, 0, 0, 0);
        let mut draw = || C64::new(stream.standard_normal(), stream.standard_normal());
        let (x, behind) = ([draw(), draw()], [draw(), draw()]);
        for kind in CellKind::ALL {
            for theta_arm in [1.0, 0.8, 0.0] {
                let mzi = Mzi {
                    kind,
                    theta: 0.7,
                    phi: 2.1,
                    alpha: 0.11,
                    beta: -0.07,
                    gamma: 0.05,
                    amplitude: 0.9,
                    theta_arm,
                    phi_arm: 0.6,
                };
                let loss = |mzi: Mzi| -> f64 {
                    let [a, b, c, d] = mzi.matrix();
                    let y = [a * x[0] + b * x[1], c * x[0] + d * x[1]];
                    (behind[0].conj() * y[0] + behind[1].conj() * y[1]).re
                };
                let [a, b, c, d] = mzi.matrix();
                let front = [
                    a.conj() * behind[0] + c.conj() * behind[1],
                    b.conj() * behind[0] + d.conj() * behind[1],
                ];
                let overlaps = [(0, 0), (0, 1), (1, 0), (1, 1)];
                let overlaps = overlaps.map(|(m, n): (usize, usize)| x[m] * front[n].conj());
                let [by_theta, by_phi] = mzi.slopes(overlaps);
                const STEP: f64 = 1e-5;
                let difference = |change: &dyn Fn(f64) -> Mzi| {
                    (loss(change(STEP)) - loss(change(-STEP))) / (2.0 * STEP)
                };
                let expected = difference(&|h| Mzi {
                    theta: mzi.theta + h,
                    ..mzi
                });
                assert!(
                    (by_theta - expected).abs() < 1e-9,
                    "{kind} θ: {by_theta} {expected}"
                );
                let expected = difference(&|h| Mzi {
                    phi: mzi.phi + h,
                    ..mzi
                });
                assert!(
                    (by_phi - expected).abs() < 1e-9,
                    "{kind} φ: {by_phi} {expected}"
                );
            }
        }
    }

    #[test]
    fn slopes_of_an_array_are_those_of_its_cells() {
        for kind in CellKind::ALL {
            for count in [1, 64, 70] {
                let mut stream = Seed(52).stream(Effect::Haar, count as u64, 0, 0);
                let mut draw = |size: f64| -> Vec<f64> {
                    (0..count).map(|_| size * stream.uniform()).collect()
                };
                let cells = Cells {
                    alpha: Values::each(draw(0.2)),
                    gamma: Values::each(draw(0.2)),
                    phi_arm: 0.8,
                    ..Cells::perfect(kind, count)
                };
                let (theta, phi) = (draw(3.0), draw(6.0));
                let parts: Vec<Vec<f64>> = (0..8).map(|_| draw(1.0)).collect();
                let overlaps = |index: usize| -> TwoByTwo {
                    std::array::from_fn(|k| C64::new(parts[2 * k][index], parts[2 * k + 1][index]))
                };
                let all: Vec<TwoByTwo> = (0..count).map(overlaps).collect();
                let set = cells.clone();
                let set = set.set(Values::each(&theta[..]), Values::each(&phi[..]));
                let [by_theta, by_phi] = set.slopes(&all);
                for index in 0..count {
                    let mzi = Mzi {
                        theta: theta[index],
                        phi: phi[index],
                        ..cells.cell(index)
                    };
                    let [t, p] = mzi.slopes(all[index]);
                    assert!((by_theta[index] - t).abs() < 1e-14, "{kind} {index}");
                    assert!((by_phi[index] - p).abs() < 1e-14, "{kind} {index}");
                }
            }
        }
    }
}
