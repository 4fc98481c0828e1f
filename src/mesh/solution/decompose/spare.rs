//! MZIs that a geometry has beyond those of a decomposition.
//!
//! Faulty couplers reach neither the bar nor the cross state, so that an MZI which should do nothing errs more than one
//! that splits light, and no correction can mend it. Spare MZIs get angles in the middle of what every real MZI reaches.

use std::f64::consts::{FRAC_PI_2, PI, TAU};

use crate::linalg::Matrix;
use crate::mesh::{Mesh, wrap};
use crate::rng::{Effect, Seed, Stream};

/// The angles of the spare MZIs of a mesh of so many MZIs, in their order: the same whatever is decomposed.
fn angles(mesh: &Mesh) -> impl FnMut() -> f64 + use<> {
    let unit = mesh.nodes.len() as u64;
    let mut stream = Seed(0).stream(Effect::Compiler, 0, unit, 0);
    move || generic(&mut stream)
}

/// An internal phase in [π/3, 2π/3], rad: an MZI that passes between a quarter and three quarters of the power.
fn generic(stream: &mut Stream) -> f64 {
    PI / 3.0 * (1.0 + stream.uniform())
}

/// Columns of MZIs behind a rectangle, which do a fixed real orthogonal S.
///
/// An MZI is T(θ, φ) = i e^{iθ/2} G(θ) diag(e^{iφ}, 1) with the reflection G = [[sin θ/2, cos θ/2], [cos θ/2, −sin θ/2]].
/// S is the product of these G, the phases in front of them are for the phase screen.
pub(super) struct SpareColumns {
    /// The spare nodes in the order of light, and their θ, rad.
    nodes: Vec<(usize, f64)>,
}

impl SpareColumns {
    /// Those of `mesh` from column `first` on.
    pub(super) fn new(mesh: &Mesh, first: usize) -> Self {
        let mut angle = angles(mesh);
        let nodes = mesh.nodes.iter().enumerate();
        let spare = nodes.filter(|(_, node)| node.column >= first);
        Self {
            nodes: spare.map(|(index, _)| (index, angle())).collect(),
        }
    }

    /// S⁻¹ `u`: what the columns in front of the spare ones are to do.
    pub(super) fn taken_from(&self, mesh: &Mesh, u: &Matrix) -> Matrix {
        let mut rest = u.clone();
        for (index, theta) in self.nodes.iter().rev() {
            let (sin, cos) = (theta / 2.0).sin_cos();
            let node = mesh.nodes[*index];
            for mut column in rest.column_iter_mut() {
                let (top, bottom) = (column[node.top], column[node.bottom]);
                column[node.top] = top * sin + bottom * cos;
                column[node.bottom] = top * cos - bottom * sin;
            }
        }
        rest
    }

    /// Sets the spare MZIs of `mesh`, whose screen still is what stands between the other columns and them.
    pub(super) fn set(&self, mesh: &mut Mesh) {
        // How far the light of each mode is ahead of what S is to meet, or has made.
        let mut ahead: Vec<f64> = mesh.phases.screen.iter().map(|phase| -phase).collect();
        for (index, theta) in &self.nodes {
            let node = mesh.nodes[*index];
            mesh.phases.theta[*index] = *theta;
            mesh.phases.phi[*index] = wrap(ahead[node.bottom] - ahead[node.top]);
            let both = (ahead[node.bottom] + FRAC_PI_2 + theta / 2.0) % TAU;
            (ahead[node.top], ahead[node.bottom]) = (both, both);
        }
        mesh.phases.screen = ahead.into_iter().map(|phase| wrap(-phase)).collect();
    }
}

/// Sets the MZIs of a diamond that join two ancillas. Those between the last port and the first ancilla stay in the bar
/// state, for no other lets all light of the ports out of the ports. Returns these, in the order of light.
pub(super) fn set_ancillas(mesh: &mut Mesh, unused: &[usize], ports: usize) -> Vec<usize> {
    let mut angle = angles(mesh);
    let (between, ancillas): (Vec<usize>, Vec<usize>) = unused
        .iter()
        .partition(|index| mesh.nodes[**index].top < ports);
    for index in ancillas {
        mesh.phases.theta[index] = angle();
    }
    between
}

/// Takes the phases of MZIs that should do nothing out again: T(π, 0) = diag(−1, 1) turns its top mode by π,
/// which later MZIs and the screen make up for. `bars` lists these MZIs in the order of light.
pub(super) fn take_up_bars(mesh: &mut Mesh, bars: &[usize]) {
    // How far the light of each mode is ahead of what the decomposition says.
    let mut ahead = vec![0.0; mesh.modes];
    let mut bars = bars.iter().peekable();
    for (index, node) in mesh.nodes.iter().enumerate() {
        if bars.next_if(|next| **next == index).is_some() {
            ahead[node.top] = wrap(ahead[node.top] + PI);
            continue;
        }
        let canonical = mesh.phases.phi[index] == 0.0;
        if canonical && mesh.phases.theta[index] == 0.0 {
            ahead.swap(node.top, node.bottom);
        } else if !(canonical && mesh.phases.theta[index] == PI) {
            let phi = mesh.phases.phi[index] + ahead[node.bottom] - ahead[node.top];
            mesh.phases.phi[index] = wrap(phi);
            ahead[node.top] = ahead[node.bottom];
        }
    }
    for (screen, ahead) in mesh.phases.screen.iter_mut().zip(&ahead) {
        *screen = wrap(*screen - ahead);
    }
}
