//! How symmetric cells share out the phases of a mesh.

use super::Phases;
use super::ties::Ties;
use crate::mesh::{CellKind, Mesh, wrap};

/// A phase shifter on one mode between cells, in front of one arm of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreeShifter {
    /// The node that it stands in front of.
    pub node: usize,
    /// The mode that it stands on, one of the node's.
    pub mode: usize,
}

impl Mesh {
    /// Where a mesh of cells of `kind` has phase shifters on single modes besides its output screen.
    ///
    /// A symmetric cell has no external phase. What would be φ comes from the common phases of the two cells in
    /// front of it; a free shifter stands where these are bound already: in a rectangle once per pair of inputs and
    /// once per column that leaves out the edge modes.
    pub fn free_shifters(&self, kind: CellKind) -> Vec<FreeShifter> {
        match kind {
            CellKind::Symmetric => share_out(self, &self.phases.phi).shifters,
            _ => Vec::new(),
        }
    }

    /// Number of phase shifters that this mesh has with cells of `kind`.
    pub fn phase_shifters_of(&self, kind: CellKind) -> usize {
        self.phase_shifters() + self.free_shifters(kind).len()
    }

    /// Lengths of phase shifters that light passes with cells of `kind`: the output screen, a row of free shifters at
    /// the inputs of symmetric cells, and every column.
    pub fn sections(&self, kind: CellKind) -> usize {
        let ends = if kind == CellKind::Symmetric { 2 } else { 1 };
        ends + kind.sections() * self.columns()
    }

    /// The phases with which symmetric cells move light as MZIs at `mzis` do, whatever their couplers.
    ///
    /// B P(θ₁, θ₂) B = e^{iθ₂} B P(θ₁ − θ₂, 0) B: the common phase θ₂ acts as φ of the cells behind.
    pub(crate) fn symmetric(&self, mzis: &Phases) -> Phases {
        let shared = share_out(self, &mzis.phi);
        let wrapped = |phases: &[f64]| phases.iter().map(|phase| wrap(*phase)).collect();
        let add = |phases: &[f64], more: &[f64], sign: f64| {
            let sums = phases.iter().zip(more).map(|(a, b)| wrap(a + sign * b));
            sums.collect()
        };
        Phases {
            theta: add(&mzis.theta, &shared.common, 1.0),
            phi: wrapped(&shared.common),
            screen: add(&mzis.screen, &shared.ahead, -1.0),
            free: wrapped(&shared.free),
        }
    }
}

/// The φ of a mesh as common phases of symmetric cells.
struct Shared {
    /// Common phase of every cell, rad.
    common: Vec<f64>,
    shifters: Vec<FreeShifter>,
    /// Phase of every free shifter, rad.
    free: Vec<f64>,
    /// Phase by which the light of every output is ahead of that of a mesh of MZIs, rad.
    ahead: Vec<f64>,
}

/// Shares `phi` out.
///
/// The light behind a cell is ahead by a phase that its θ₂ sets. Each node asks that its top arm be ahead of its
/// bottom arm by φ, which ties the two cells that its arms come from. A union-find that carries differences solves
/// these ties. A node whose arms are tied already gets a free shifter, on the arm that has waited longer.
fn share_out(mesh: &Mesh, phi: &[f64]) -> Shared {
    // Unknown 0 is the phase of the inputs, unknown k + 1 that of the light behind node k.
    let mut ties = Ties::new(mesh.nodes.len() + 1);
    let mut source = vec![0; mesh.modes];
    let mut sources = Vec::with_capacity(mesh.nodes.len());
    let mut shifters = Vec::new();
    for (index, node) in mesh.nodes.iter().enumerate() {
        let (top, bottom) = (source[node.top], source[node.bottom]);
        if ties.tie(top, bottom, phi[index]).is_some() {
            let mode = if bottom < top { node.bottom } else { node.top };
            shifters.push(FreeShifter { node: index, mode });
        }
        sources.push((top, bottom));
        source[node.top] = index + 1;
        source[node.bottom] = index + 1;
    }
    let ahead: Vec<f64> = (0..=mesh.nodes.len()).map(|k| ties.phase(k)).collect();
    let mut free = Vec::with_capacity(shifters.len());
    let mut at_bottom = vec![0.0; mesh.nodes.len()];
    for FreeShifter { node, mode } in &shifters {
        let (top, bottom) = sources[*node];
        let missing = phi[*node] - (ahead[top] - ahead[bottom]);
        if *mode == mesh.nodes[*node].top {
            free.push(missing);
        } else {
            free.push(-missing);
            at_bottom[*node] = -missing;
        }
    }
    let common = sources.iter().enumerate().map(|(node, (_, bottom))| {
        // What a cell adds to the phase of its bottom arm.
        ahead[node + 1] - (ahead[*bottom] + at_bottom[node])
    });
    Shared {
        common: common.collect(),
        shifters,
        free,
        ahead: source.iter().map(|unknown| ahead[*unknown]).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::max_abs_difference;
    use crate::mesh::{Cells, Coefficients, Geometry, Values};
    use crate::rng::{Effect, Seed};

    /// N² phases and N − 1 more that only shift all modes together; the paper's rectangle leaves those out.
    /// Bell and Walmsley, APL Photonics 6, 070804 (2021).
    #[test]
    fn a_rectangle_of_symmetric_cells_has_one_section_a_column() {
        for modes in [4, 6, 10] {
            let mesh = Mesh::bar(Geometry::Clements, modes).unwrap();
            assert_eq!(
                mesh.phase_shifters_of(CellKind::Symmetric),
                modes * modes + modes - 1
            );
            assert_eq!(mesh.sections(CellKind::Symmetric), modes + 2);
            assert_eq!(mesh.sections(CellKind::Mzi), 2 * modes + 1);
        }
    }

    #[test]
    fn symmetric_cells_move_light_as_mzis_do_even_with_wrong_couplers() {
        for modes in [1, 2, 3, 5, 8, 9] {
            for geometry in [Geometry::Clements, Geometry::Reck] {
                let mut stream = Seed(3).stream(Effect::Haar, modes as u64, 0, 0);
                let mesh = Mesh::haar(geometry, modes, &mut stream).unwrap();
                let errors = |size: f64, of: fn(f64) -> f64| -> Vec<f64> {
                    (0..mesh.nodes.len())
                        .map(|node| size * of(node as f64))
                        .collect()
                };
                let cells = |kind| Cells {
                    alpha: Values::each(errors(0.1, f64::sin)),
                    beta: Values::each(errors(0.2, f64::cos)),
                    theta_arm: 0.9,
                    ..Cells::perfect(kind, mesh.nodes.len())
                };
                let plain = Coefficients::of(&mesh, cells(CellKind::Mzi), mesh.phases());
                let shared = mesh.symmetric(mesh.phases());
                let shared = Coefficients::of(&mesh, cells(CellKind::Symmetric), shared);
                let off = max_abs_difference(&plain.transfer(), &shared.transfer());
                assert!(off < 1e-14 * modes as f64, "{geometry} {modes}: {off:e}");
            }
        }
    }
}
