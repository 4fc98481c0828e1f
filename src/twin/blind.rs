//! What no reading tells: directions in which the parameters of a chip can move while every reading stays.

use super::jacobian::Kind;
use super::model::Model;
use crate::mesh::CellKind;

/// A direction that readings cannot see.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Blind {
    pub(super) of: Unseen,
    /// How the offsets move, rad, `[heater]`.
    pub(super) direction: Vec<f64>,
}

/// What powers do not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unseen {
    /// The offset of the screen on a mode.
    Screen(usize),
    /// The phase of an input against that of input 0.
    Input(usize),
}

/// All of them in sentences.
pub(super) fn words(blind: &[Blind]) -> Vec<String> {
    let screens = blind
        .iter()
        .filter(|blind| matches!(blind.of, Unseen::Screen(_)))
        .count();
    let inputs: Vec<usize> = blind
        .iter()
        .filter_map(|blind| match blind.of {
            Unseen::Input(input) => Some(input),
            Unseen::Screen(_) => None,
        })
        .collect();
    let mut words = Vec::new();
    if screens > 0 {
        words.push(format!(
            "powers do not show the phases of outputs: the offsets of the screen on all {screens} modes stay open"
        ));
    }
    if let (Some(first), Some(last)) = (inputs.first(), inputs.last()) {
        words.push(format!(
            "powers do not show the phases of inputs {first} to {last} against input 0: each moves the offsets of the φ that \
             its light passes together"
        ));
    }
    words
}

impl Model {
    /// The directions that readings of this kind are blind to whatever the settings are.
    ///
    /// A power does not change with the phase of its output: the screen's offsets are free. Nor does it change with the phase
    /// of its input: T(θ, φ) diag(e^{ia}, e^{ib}) = e^{ib} T(θ, φ + a − b), so that a phase in front of a mesh of cells with an
    /// external φ is pushed from cell to cell into the screen, and moves the offsets of the φ that it passes. A phase that all
    /// inputs share is that of the screen again.
    pub(super) fn blind(&self, kind: Kind) -> Vec<Blind> {
        if kind == Kind::Fields {
            return Vec::new();
        }
        let cells = self.sizes.cells;
        let modes = self.mesh.modes();
        let mut blind = Vec::new();
        for mode in 0..modes {
            let mut direction = vec![0.0; self.sizes.heaters];
            direction[2 * cells + mode] = 1.0;
            blind.push(Blind {
                of: Unseen::Screen(mode),
                direction,
            });
        }
        if !matches!(self.kind, CellKind::Mzi | CellKind::Crossing) {
            return blind;
        }
        for input in 1..modes {
            let mut phases = vec![0.0; modes];
            phases[input] = 1.0;
            let mut direction = vec![0.0; self.sizes.heaters];
            for (index, node) in self.mesh.nodes().iter().enumerate() {
                let [top, bottom] = [node.top, node.bottom].map(|mode| phases[mode]);
                direction[cells + index] = top - bottom;
                phases[node.top] = bottom;
                phases[node.bottom] = bottom;
            }
            if direction.iter().any(|shift| *shift != 0.0) {
                blind.push(Blind {
                    of: Unseen::Input(input),
                    direction,
                });
            }
        }
        blind
    }
}

/// Directions of length 1 that are orthogonal to each other and span the same.
pub(super) fn orthonormal(directions: impl IntoIterator<Item = Vec<f64>>) -> Vec<Vec<f64>> {
    let mut basis: Vec<Vec<f64>> = Vec::new();
    for mut direction in directions {
        // Twice, for what rounding leaves.
        for _ in 0..2 {
            for known in &basis {
                let overlap: f64 = known.iter().zip(&direction).map(|(a, b)| a * b).sum();
                for (value, other) in direction.iter_mut().zip(known) {
                    *value -= overlap * other;
                }
            }
        }
        let length = direction.iter().map(|x| x * x).sum::<f64>().sqrt();
        if length > 1e-9 {
            direction.iter_mut().for_each(|x| *x /= length);
            basis.push(direction);
        }
    }
    basis
}
