//! Hardware error correction: phases with which faulty cells do what perfect ones were asked to.
//!
//! One question answers everything: for which θ and φ does light in a given state leave a cell through one port
//! only? An MZI with splitting errors cannot do it for every state; then it comes as close as it can, and what is
//! left is an error.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

use serde::{Deserialize, Serialize};

use super::fit::fit_watched;
use crate::error::Result;
use crate::field::TwoByTwo;
use crate::linalg::{C64, Matrix};
use crate::mesh::{CellKind, Cells, Mesh, Mzi, Node, Phases, mix, wrap};
use crate::watch::Watch;

/// How phases are chosen for a chip whose splitting errors, losses and phase offsets are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Correction {
    /// Phases for a perfect chip.
    #[default]
    None,
    /// Each cell by itself is set to split light as the perfect one does, and phases that this leaves at its outputs
    /// pass on to the next cells. Bandyopadhyay, Hamerly, Englund, Optica 8, 1247 (2021).
    Local,
    /// Each cell is set for the light that really arrives behind the faulty cells before it, so that later cells absorb
    /// what earlier ones could not do. It nulls power ratios of the states that perfect cells would have sent to one
    /// port, never single matrix elements: Hamerly, Bandyopadhyay, Englund, Phys. Rev. Applied 18, 024018 and 024019
    /// (2022).
    Progressive,
    /// Progressive, then gradient descent on all phases together: the one that makes use of spare MZIs, and slow.
    /// Burgwal et al., Opt. Express 25, 28236 (2017).
    Fit,
}

impl Correction {
    /// Every correction.
    pub const ALL: [Self; 4] = [Self::None, Self::Local, Self::Progressive, Self::Fit];

    /// The name that files and the command line use.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Local => "local",
            Self::Progressive => "progressive",
            Self::Fit => "fit",
        }
    }
}

impl std::fmt::Display for Correction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Phases for a mesh of faulty cells.
#[derive(Debug, Clone, PartialEq)]
pub struct Corrected {
    /// The phases, for the cells that were given.
    pub phases: Phases,
    /// Number of cells that cannot do exactly what was asked of them; a fit starts from there.
    pub unreachable: usize,
}

impl Mesh {
    /// Phases with which `cells`, one per node, realize this mesh.
    ///
    /// Without correction the phases are those for perfect cells of the same kind.
    ///
    /// # Panics
    /// If there is not one cell per node.
    pub fn corrected(&self, correction: Correction, cells: &Cells) -> Corrected {
        let corrected = self.corrected_watched(correction, cells, &());
        corrected.expect("nobody stops it")
    }

    /// As [`corrected`](Self::corrected); `watch` may stop a fit.
    ///
    /// # Errors
    /// [`Error::Stopped`](crate::Error::Stopped) if it does.
    ///
    /// # Panics
    /// As [`corrected`](Self::corrected).
    pub(crate) fn corrected_watched(
        &self,
        correction: Correction,
        cells: &Cells,
        watch: &dyn Watch,
    ) -> Result<Corrected> {
        assert_eq!(cells.count, self.nodes.len(), "one cell per node");
        let kind = cells.kind;
        // Symmetric cells take over the phases of MZIs with the same couplers.
        let solved = kind.with_external_phase();
        let plain = || -> Vec<Mzi> {
            let mzis = cells.mzis().into_iter();
            mzis.map(Mzi::with_external_phase).collect()
        };
        let corrected = match correction {
            Correction::None if solved == CellKind::Mzi => Corrected {
                phases: self.phases.clone(),
                unreachable: 0,
            },
            Correction::None => {
                let perfect = Mzi {
                    kind: solved,
                    ..Mzi::ideal(0.0, 0.0)
                };
                local(self, &vec![perfect; cells.count])
            }
            Correction::Local => local(self, &plain()),
            Correction::Progressive => progressive(self, &plain()),
            Correction::Fit => fitted(self, &plain(), watch)?,
        };
        Ok(match kind {
            CellKind::Symmetric => Corrected {
                phases: self.symmetric(&corrected.phases),
                ..corrected
            },
            _ => corrected,
        })
    }
}

/// How an attenuator is set: the bar port of an MZI.
pub(crate) struct Attenuation {
    /// Internal phase, rad.
    pub(crate) theta: f64,
    /// Phase by which its light is ahead of that of a perfect attenuator, rad.
    pub(crate) ahead: f64,
    /// Whether it passes exactly what was asked.
    pub(crate) reached: bool,
}

/// Sets `mzi` so that it passes as much light as a perfect attenuator at `theta`, or as close to it as can be.
pub(crate) fn attenuator(mzi: &Mzi, theta: f64) -> Attenuation {
    let [p, q, ..] = arms(mzi, true);
    let asked = (theta / 2.0).sin().powi(2);
    // |p e^{iθ} + q|² = (p + q)² − 4 p q sin²(θ/2) = (p − q)² + 4 p q cos²(θ/2).
    let sign = -(p * q).signum();
    let (set, reached) = angle(
        sign * (asked - (p + q).powi(2)),
        sign * ((p - q).powi(2) - asked),
    );
    let got = Mzi {
        theta: set,
        phi: 0.0,
        ..*mzi
    };
    let got = got.matrix()[0];
    let ideal = C64::from_polar(1.0, FRAC_PI_2 + theta / 2.0);
    Attenuation {
        theta: set,
        ahead: if got == C64::ZERO {
            0.0
        } else {
            (got * ideal.conj()).arg()
        },
        reached,
    }
}

/// What a cell can do about a state of light.
struct Null {
    theta: f64,
    phi: f64,
    reached: bool,
}

/// A miss of sin²(θ/2) or cos²(θ/2) below this is rounding.
const MISS: f64 = 1e-12;

/// θ in [0, π] from numbers proportional to its sin²(θ/2) and cos²(θ/2), and whether neither is negative.
fn angle(sin2: f64, cos2: f64) -> (f64, bool) {
    let reached = sin2.min(cos2) >= -MISS * (sin2.abs() + cos2.abs());
    let theta = 2.0 * sin2.max(0.0).sqrt().atan2(cos2.max(0.0).sqrt());
    (theta, reached)
}

/// `[p, q, r, s]` of one row of two couplers with θ between. Upper row: T₁₁ = p e^{iθ} + q, T₁₂ = i (r e^{iθ} + s); lower
/// row: T₂₁ = i (p e^{iθ} + q), T₂₂ = r e^{iθ} + s.
fn arms(mzi: &Mzi, upper: bool) -> [f64; 4] {
    let (sin_a, cos_a) = (FRAC_PI_4 + mzi.alpha).sin_cos();
    let (sin_b, cos_b) = (FRAC_PI_4 + mzi.beta).sin_cos();
    let k = mzi.theta_arm;
    if upper {
        [
            k * cos_a * cos_b,
            -sin_a * sin_b,
            k * sin_a * cos_b,
            cos_a * sin_b,
        ]
    } else {
        [
            k * cos_a * sin_b,
            sin_a * cos_b,
            -k * sin_a * sin_b,
            cos_a * cos_b,
        ]
    }
}

/// θ and φ with which light of amplitudes (`top`, `bottom`) leaves through the upper port, all of it or as much as can.
///
/// With w behind the coupler in front of φ, if there is one, the lower port is dark if |t₁| |w₁| = |t₂| |w₂| for its row
/// (t₁, t₂), which is linear in cos θ, and if φ turns the two against each other. For κ = 1 this is
/// sin²(θ/2) = (|T₁₁|² − sin² a) / (cos² b − sin² a), a = α + β, b = α − β, of Bandyopadhyay et al. (2021). Unequal arms
/// turn the two rows differently; then φ brings both as close to their states as can be. Loss of φ's arm is left alone
/// for the same reason: a θ that made up for it at one port would double it at the other.
fn null(cell: &Mzi, [top, bottom]: [C64; 2]) -> Null {
    let (w1, w2) = match cell.kind {
        CellKind::ThreeSplitter => {
            let (sin, cos) = (FRAC_PI_4 + cell.gamma).sin_cos();
            let cross = C64::new(0.0, sin);
            (top * cos + bottom * cross, top * cross + bottom * cos)
        }
        _ => (top, bottom),
    };
    // A crossing behind the couplers makes their upper port the lower one.
    let [p, q, r, s] = arms(cell, cell.kind == CellKind::Crossing);
    let (x, y) = (w1.norm_sqr(), w2.norm_sqr());
    if x + y == 0.0 {
        return Null {
            theta: PI,
            phi: 0.0,
            reached: true,
        };
    }
    // x |p e^{iθ} + q|² = y |r e^{iθ} + s|², with |p e^{iθ} + q|² = (p + q)² − 4 p q sin²(θ/2) = (p − q)² + 4 p q cos²(θ/2).
    let sign = (y * r * s - x * p * q).signum();
    let sin2 = sign * (y * (r + s).powi(2) - x * (p + q).powi(2));
    let cos2 = sign * (x * (p - q).powi(2) - y * (r - s).powi(2));
    let (theta, reached) = angle(sin2, cos2);
    let behind_phi = match cell.kind {
        CellKind::Crossing => CellKind::Crossing,
        _ => CellKind::Mzi,
    };
    let [t11, t12, t21, t22] = Mzi {
        kind: behind_phi,
        theta,
        phi: 0.0,
        ..*cell
    }
    .matrix();
    // Σ |⟨state|row⟩|² over both rows, as a function of φ, is largest at the phase of this.
    let turn = w1.conj() * w2 * (t12 * t11.conj() - t22 * t21.conj());
    let size = (x + y) * f64::EPSILON * cell.amplitude.powi(2);
    Null {
        theta,
        // No light to turn against: the canonical choice.
        phi: if turn.norm() <= size {
            0.0
        } else {
            wrap(turn.arg())
        },
        reached,
    }
}

/// The cell set to `null`.
fn set(cell: &Mzi, null: &Null) -> Mzi {
    Mzi {
        theta: null.theta,
        phi: null.phi,
        ..*cell
    }
}

/// Each cell by itself, in the order of light.
fn local(mesh: &Mesh, cells: &[Mzi]) -> Corrected {
    let mut phases = mesh.phases.clone();
    let mut unreachable = 0;
    // Perfect light is this far ahead of the chip's light in every mode.
    let mut ahead = vec![C64::ONE; mesh.modes];
    for (index, node) in mesh.nodes.iter().enumerate() {
        let ideal = Mzi::ideal(mesh.phases.theta[index], mesh.phases.phi[index]).matrix();
        let (top, bottom) = (ahead[node.top], ahead[node.bottom]);
        let asked = [
            ideal[0] * top,
            ideal[1] * bottom,
            ideal[2] * top,
            ideal[3] * bottom,
        ];
        // The state that a perfect cell sends to the top port alone.
        let null = null(&cells[index], [asked[0].conj(), asked[1].conj()]);
        unreachable += usize::from(!null.reached);
        phases.theta[index] = null.theta;
        phases.phi[index] = null.phi;
        let got = set(&cells[index], &null).matrix();
        ahead[node.top] = phase_factor(asked[0] * got[0].conj() + asked[1] * got[1].conj());
        ahead[node.bottom] = phase_factor(asked[2] * got[2].conj() + asked[3] * got[3].conj());
    }
    for (screen, ahead) in phases.screen.iter_mut().zip(&ahead) {
        *screen = wrap(*screen + ahead.arg());
    }
    Corrected {
        phases,
        unreachable,
    }
}

fn phase_factor(z: C64) -> C64 {
    let size = z.norm();
    if size > 0.0 { z / size } else { C64::ONE }
}

/// Each cell for the light that really arrives, in the order of light.
///
/// `path` is what the chip's cells so far do to light that the perfect cells so far would have sent to one mode each:
/// `C … C₁ T₁† … T†`, phases only as long as every cell could be set. A cell that could not be set leaves light in
/// wrong modes there, and the cells behind are set for it: they send as much as they can of the light that is meant
/// for their top port to the top, and of that for their bottom port to the bottom.
fn progressive(mesh: &Mesh, cells: &[Mzi]) -> Corrected {
    let n = mesh.modes;
    let mut path = Matrix::identity(n, n);
    let mut phases = mesh.phases.clone();
    let mut unreachable = 0;
    let mut first = 0;
    for column in mesh.nodes.chunk_by(|a, b| a.column == b.column) {
        let mut pairs = Vec::with_capacity(column.len());
        for (index, node) in (first..).zip(column) {
            let ideal = Mzi::ideal(mesh.phases.theta[index], mesh.phases.phi[index]).matrix();
            let back = ideal.map(|z| z.conj());
            for row in [node.top, node.bottom] {
                [path[(row, node.top)], path[(row, node.bottom)]] =
                    mix(&back, [path[(row, node.top)], path[(row, node.bottom)]]);
            }
            let null = null(&cells[index], wanted(&path, node));
            unreachable += usize::from(!null.reached);
            phases.theta[index] = null.theta;
            phases.phi[index] = null.phi;
            pairs.push(Pair {
                node,
                back,
                forth: set(&cells[index], &null).matrix(),
            });
        }
        first += column.len();
        pass(&mut path, &pairs);
    }
    for (mode, screen) in phases.screen.iter_mut().enumerate() {
        *screen = wrap(*screen - path[(mode, mode)].arg());
    }
    Corrected {
        phases,
        unreachable,
    }
}

/// All phases together, from those of the progressive correction on; `watch` may stop it.
fn fitted(mesh: &Mesh, cells: &[Mzi], watch: &dyn Watch) -> Result<Corrected> {
    let Corrected {
        phases,
        unreachable,
    } = progressive(mesh, cells);
    let target = mesh.between_ports(&mesh.transfer());
    let start = mesh.set(phases);
    let found = fit_watched(&target, &start, |node| cells[node], watch)?;
    Ok(Corrected {
        phases: found.mesh.phases,
        unreachable,
    })
}

/// The light in front of a cell that is meant for its top port: what was sent there, and, for it weighs the same, what
/// is orthogonal to the light that was sent to the bottom port.
fn wanted(path: &Matrix, Node { top, bottom, .. }: &Node) -> [C64; 2] {
    let sent = [path[(*top, *top)], path[(*bottom, *top)]];
    let other = [
        path[(*bottom, *bottom)].conj(),
        -path[(*top, *bottom)].conj(),
    ];
    let phase = phase_factor(sent[0] * other[0].conj() + sent[1] * other[1].conj());
    [sent[0] + other[0] * phase, sent[1] + other[1] * phase]
}

/// A cell of the chip and the perfect one that it stands for.
struct Pair<'a> {
    node: &'a Node,
    /// The perfect cell backwards, on the columns of its modes.
    back: TwoByTwo,
    /// The chip's cell.
    forth: TwoByTwo,
}

/// A column of perfect cells backwards on the right of `path` and of the chip's cells on its left. The rows of a node
/// that lie in its own columns have met the perfect cell already.
fn pass(path: &mut Matrix, pairs: &[Pair]) {
    let n = path.nrows();
    for Pair { node, back, .. } in pairs {
        let [left, right] = path
            .as_mut_slice()
            .get_disjoint_mut([
                node.top * n..(node.top + 1) * n,
                node.bottom * n..(node.bottom + 1) * n,
            ])
            .expect("a node joins two different modes");
        for (row, (x, y)) in left.iter_mut().zip(right).enumerate() {
            if row != node.top && row != node.bottom {
                [*x, *y] = mix(back, [*x, *y]);
            }
        }
    }
    for column in path.as_mut_slice().chunks_exact_mut(n) {
        for Pair { node, forth, .. } in pairs {
            [column[node.top], column[node.bottom]] =
                mix(forth, [column[node.top], column[node.bottom]]);
        }
    }
}

#[cfg(test)]
mod tests;
