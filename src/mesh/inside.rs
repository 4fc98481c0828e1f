//! Light inside a mesh: what power taps behind its phase shifters see.

use super::{CellParts, Cells, FreeShifter, Mesh, Mzi, Node, Phases};
use crate::linalg::C64;

/// A mesh with all of its parts, whose light is followed from one to the next.
#[derive(Debug, Clone)]
pub(crate) struct Inside<'a> {
    nodes: &'a [Node],
    cells: Vec<CellParts>,
    /// The free shifters in the order of their nodes, and what light meets there.
    free: Vec<(FreeShifter, C64)>,
    /// What light meets at the screen, `[mode]`.
    screen: Vec<C64>,
}

impl Mesh {
    /// The mesh made of `cells`, which show `phases`, with field transmission `kept` of every phase shifter.
    ///
    /// # Panics
    /// If there is not one cell for every node, or not one phase for every phase shifter of such cells.
    pub(crate) fn inside(&self, cells: &Cells, phases: &Phases, kept: f64) -> Inside<'_> {
        let nodes = self.nodes();
        assert_eq!(cells.count, nodes.len(), "one cell per node");
        let free = self.free_shifters(cells.kind);
        assert_eq!(free.len(), phases.free.len(), "one phase a free shifter");
        let factor = |phase: &f64| C64::from_polar(kept, *phase);
        let pairs = phases.theta.iter().zip(&phases.phi).enumerate();
        Inside {
            nodes,
            cells: pairs
                .map(|(index, (theta, phi))| {
                    let cell = cells.cell(index);
                    let shown = Mzi {
                        theta: *theta,
                        phi: *phi,
                        theta_arm: cell.theta_arm * kept,
                        phi_arm: cell.phi_arm * kept,
                        ..cell
                    };
                    shown.parts()
                })
                .collect(),
            free: free
                .into_iter()
                .zip(phases.free.iter().map(factor))
                .collect(),
            screen: phases.screen.iter().map(factor).collect(),
        }
    }
}

impl Inside<'_> {
    /// Number of phase shifters.
    pub(crate) fn shifters(&self) -> usize {
        2 * self.cells.len() + self.screen.len() + self.free.len()
    }

    /// Sends `light`, one amplitude per mode, from the inputs to the outputs; `behind`, in the order of the phases, gets the
    /// field behind every phase shifter.
    pub(crate) fn forth(&self, light: &mut [C64], behind: &mut [C64]) {
        let (at_theta, at_phi, at_screen, at_free) = self.places(behind);
        let mut free = self.free.iter().zip(at_free).peekable();
        for (index, (node, cell)) in self.nodes.iter().zip(&self.cells).enumerate() {
            if let Some(((shifter, factor), behind)) = free.next_if(|((at, _), _)| at.node == index)
            {
                light[shifter.mode] *= factor;
                *behind = light[shifter.mode];
            }
            let through = cell.forth([light[node.top], light[node.bottom]]);
            [light[node.top], light[node.bottom]] = through.out;
            (at_theta[index], at_phi[index]) = (through.theta, through.phi);
        }
        for ((z, factor), behind) in light.iter_mut().zip(&self.screen).zip(at_screen) {
            *z *= factor;
            *behind = *z;
        }
    }

    /// Sends `light` from the outputs to the inputs. Behind a shifter is where light of inference leaves it: in front of it
    /// for this light.
    pub(crate) fn back(&self, light: &mut [C64], behind: &mut [C64]) {
        let (at_theta, at_phi, at_screen, at_free) = self.places(behind);
        for ((z, factor), behind) in light.iter_mut().zip(&self.screen).zip(at_screen) {
            *behind = *z;
            *z *= factor;
        }
        let mut free = self.free.iter().zip(at_free).rev().peekable();
        for (index, (node, cell)) in self.nodes.iter().zip(&self.cells).enumerate().rev() {
            let through = cell.back([light[node.top], light[node.bottom]]);
            [light[node.top], light[node.bottom]] = through.out;
            (at_theta[index], at_phi[index]) = (through.theta, through.phi);
            if let Some(((shifter, factor), behind)) = free.next_if(|((at, _), _)| at.node == index)
            {
                *behind = light[shifter.mode];
                light[shifter.mode] *= factor;
            }
        }
    }

    /// What is behind θ, φ, the screen and the free shifters.
    fn places<'b>(
        &self,
        behind: &'b mut [C64],
    ) -> (&'b mut [C64], &'b mut [C64], &'b mut [C64], &'b mut [C64]) {
        let (theta, behind) = behind.split_at_mut(self.cells.len());
        let (phi, behind) = behind.split_at_mut(self.cells.len());
        let (screen, free) = behind.split_at_mut(self.screen.len());
        (theta, phi, screen, free)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::Fields;
    use crate::mesh::{CellKind, Coefficients, Geometry, Values};
    use crate::rng::{Effect, Seed};

    /// Every kind of cell, free shifters and screen: the light that comes out, and −Im x a at every shifter, are those of
    /// [`Coefficients`], on meshes that lose light and err.
    #[test]
    fn light_inside_of_a_mesh_gives_what_comes_out_and_the_slopes_of_all_phases() {
        for kind in CellKind::ALL {
            for (geometry, modes) in [(Geometry::Clements, 5), (Geometry::Reck, 4)] {
                let mut stream = Seed(61).stream(Effect::Haar, modes as u64, 0, 0);
                let mesh = Mesh::bar(geometry, modes).unwrap();
                let count = mesh.nodes().len();
                let mut draw = |count: usize, size: f64| -> Vec<f64> {
                    (0..count).map(|_| size * stream.uniform()).collect()
                };
                let cells = Cells {
                    alpha: Values::each(draw(count, 0.2)),
                    beta: Values::each(draw(count, -0.2)),
                    gamma: Values::each(draw(count, 0.3)),
                    amplitude: Values::each(draw(count, 1.0)),
                    theta_arm: 0.9,
                    phi_arm: 0.8,
                    ..Cells::perfect(kind, count)
                };
                let shifters = mesh.phase_shifters_of(kind);
                let phases = Phases::from_flat(draw(shifters, 6.0), &mesh);
                let known = Coefficients::of(&mesh, cells.clone(), phases.clone());
                let inside = mesh.inside(&cells, &phases, 1.0);
                assert_eq!(inside.shifters(), shifters);
                let mut field = || -> Vec<C64> {
                    let parts = draw(2 * modes, 1.0);
                    parts
                        .chunks(2)
                        .map(|pair| C64::new(pair[0], pair[1]))
                        .collect()
                };
                let (input, adjoint) = (field(), field());
                let fields = |of: &[C64]| Fields {
                    re: ndarray::Array2::from_shape_fn((modes, 1), |(mode, _)| of[mode].re),
                    im: ndarray::Array2::from_shape_fn((modes, 1), |(mode, _)| of[mode].im),
                };
                let check = |ours: &[C64], expected: &Fields<f64>, what: &str| {
                    for (mode, z) in ours.iter().enumerate() {
                        let y = C64::new(expected.re[[mode, 0]], expected.im[[mode, 0]]);
                        assert!((z - y).norm() < 1e-14, "{kind} {what} {mode}: {z} {y}");
                    }
                };
                let (mut light, mut behind) = (input.clone(), vec![C64::ZERO; shifters]);
                inside.forth(&mut light, &mut behind);
                let mut expected = fields(&input);
                known.walk(&mut expected);
                check(&light, &expected, "output");
                // The conjugate of the gradient goes backwards, and so does its conjugate come out.
                let (mut back, mut seen) = (adjoint.clone(), vec![C64::ZERO; shifters]);
                inside.back(&mut back, &mut seen);
                let mut expected = fields(&adjoint);
                known.walk_back(&mut expected);
                check(&back, &expected, "input");
                let conjugate: Vec<C64> = adjoint.iter().map(|z| z.conj()).collect();
                let slopes = known.gradient(&fields(&input), fields(&conjugate)).phases;
                for (index, slope) in slopes.flat().iter().enumerate() {
                    let ours = -(behind[index] * seen[index]).im;
                    assert!(
                        (ours - slope).abs() < 1e-13,
                        "{kind} {index}: {ours} {slope}"
                    );
                }
            }
        }
    }
}
