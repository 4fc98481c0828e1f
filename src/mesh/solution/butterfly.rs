//! Unitary → a butterfly near it: the start of a fit.
//!
//! Exactly one path leads from each input of a butterfly to each output, so the rows that meet in one MZI of the
//! last column form, on the inputs of either half, a block of rank one. Its singular vectors tell that MZI and the
//! rows of the half in front of it; the halves are butterflies themselves. A matrix that is a butterfly comes
//! back exactly, any other one as a butterfly in its neighbourhood.
//!
//! Le, Zheng, Riccietti, Gribonval, "Fast learning of fast transforms, with guarantees", ICASSP 2022.

use crate::error::Result;
use crate::field::TwoByTwo;
use crate::linalg::{C64, Matrix, product, svd};
use crate::mesh::{Geometry, Mesh, Mzi, wrap};

/// Elements below this size carry no phase.
const ZERO: f64 = 1e-12;

/// A butterfly near the unitary `u`, whose number of modes is a power of two.
pub(super) fn start(u: &Matrix) -> Result<Mesh> {
    let modes = u.nrows();
    let mut mesh = Mesh::bar(Geometry::Butterfly, modes)?;
    let mut found = Found {
        cells: vec![vec![[C64::ZERO; 4]; modes]; mesh.columns()],
        inputs: vec![0.0; modes],
    };
    found.split(u, 0)?;
    // Phases that no MZI has taken up run ahead to the next one.
    let mut ahead = found.inputs;
    for (index, node) in mesh.nodes.iter().enumerate() {
        let [a, b, c, d] = found.cells[node.column][node.top];
        let [s, t] = [node.top, node.bottom].map(|mode| C64::from_polar(1.0, ahead[mode]));
        let (theta, phi, outputs) = phases([a * s, b * t, c * s, d * t]);
        mesh.phases.theta[index] = theta;
        mesh.phases.phi[index] = phi;
        [ahead[node.top], ahead[node.bottom]] = outputs;
    }
    mesh.phases.screen = ahead.into_iter().map(wrap).collect();
    Ok(mesh)
}

/// The 2×2 of every MZI, `[column][top mode]`, and the phase of every input, rad.
struct Found {
    cells: Vec<Vec<TwoByTwo>>,
    inputs: Vec<f64>,
}

impl Found {
    /// Finds the cells of a butterfly whose first mode is `first`.
    fn split(&mut self, u: &Matrix, first: usize) -> Result<()> {
        let half = u.nrows() / 2;
        if half == 0 {
            self.inputs[first] = u[(0, 0)].arg();
            return Ok(());
        }
        let rows = |top: usize, side: usize| {
            Matrix::from_fn(2, half, |row, col| u[(top + row * half, side * half + col)])
        };
        let mut columns = vec![Matrix::zeros(2, 2); half];
        for side in 0..2 {
            let mut inner = Matrix::zeros(half, half);
            for top in 0..half {
                inner
                    .row_mut(top)
                    .copy_from(&svd(&rows(top, side))?.v_adjoint.row(0));
            }
            let inner = nearest_unitary(&inner)?;
            for (top, cell) in columns.iter_mut().enumerate() {
                let column = rows(top, side) * inner.row(top).adjoint();
                cell.column_mut(side).copy_from(&column);
            }
            self.split(&inner, first + side * half)?;
        }
        for (top, cell) in columns.iter().enumerate() {
            let cell = nearest_unitary(cell)?;
            let [a, b, c, d] = [(0, 0), (0, 1), (1, 0), (1, 1)].map(|at| cell[at]);
            self.cells[half.ilog2() as usize][first + top] = [a, b, c, d];
        }
        Ok(())
    }
}

/// U V† of the singular value decomposition.
fn nearest_unitary(m: &Matrix) -> Result<Matrix> {
    let svd = svd(m)?;
    Ok(product(&svd.u, &svd.v_adjoint))
}

/// A unitary 2×2 as diag(e^{ia}, e^{ib}) T(θ, φ): θ in [0, π], φ in [0, 2π), [a, b].
fn phases(m: TwoByTwo) -> (f64, f64, [f64; 2]) {
    let bar = m[0].norm().hypot(m[3].norm());
    let cross = m[1].norm().hypot(m[2].norm());
    let theta = 2.0 * bar.atan2(cross);
    // T₁₁ T₁₂* − T₂₁ T₂₂* = 2 e^{iφ} sin(θ/2) cos(θ/2).
    let external = m[0] * m[1].conj() - m[2] * m[3].conj();
    let phi = if external.norm() < ZERO {
        0.0
    } else {
        wrap(external.arg())
    };
    let t = Mzi::ideal(theta, phi).matrix();
    let output = |row: usize| (m[row] * t[row].conj() + m[row + 1] * t[row + 1].conj()).arg();
    (theta, phi, [output(0), output(2)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::max_abs_difference;
    use crate::rng::{Effect, Seed};

    fn random(modes: usize) -> Mesh {
        let mut stream = Seed(5).stream(Effect::Haar, modes as u64, 0, 0);
        let mut mesh = Mesh::bar(Geometry::Butterfly, modes).unwrap();
        for phase in mesh
            .phases
            .theta
            .iter_mut()
            .chain(&mut mesh.phases.phi)
            .chain(&mut mesh.phases.screen)
        {
            *phase = std::f64::consts::PI * stream.uniform();
        }
        mesh
    }

    #[test]
    fn a_butterfly_is_found_again() {
        for modes in [1, 2, 4, 8, 64] {
            let u = random(modes).transfer();
            let found = start(&u).unwrap();
            let error = max_abs_difference(&found.transfer(), &u);
            assert!(error < 1e-13 * modes as f64, "{modes}: {error:e}");
        }
    }

    #[test]
    fn identities_and_swaps_of_neighbours_are_butterflies() {
        let swaps = Matrix::from_fn(8, 8, |r, c| C64::from(f64::from(u8::from(r == c ^ 1))));
        for u in [Matrix::identity(8, 8), swaps] {
            assert!(max_abs_difference(&start(&u).unwrap().transfer(), &u) < 1e-14);
        }
    }
}
