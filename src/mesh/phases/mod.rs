//! The phases of a mesh: one type for whoever chooses, corrects, fits, programs or writes them.

mod shown;
mod symmetric;
mod ties;

pub use shown::Shown;
pub use symmetric::FreeShifter;
pub(super) use ties::Ties;

use super::{Mesh, Nodes};
use crate::error::{Error, Result};

/// The phases of a mesh, one per phase shifter of its cells, rad.
///
/// Where all phases stand in one list, [`flat`](Self::flat), they do in the order of the fields: what a chip is
/// programmed with and the errors that it draws for its phase shifters. Tables of an [`Export`](crate::export::Export)
/// have the order of light instead.
#[derive(Debug, Clone, PartialEq)]
pub struct Phases {
    /// θ of every cell, `[node]`; of symmetric cells the phase of the top arm.
    pub theta: Vec<f64>,
    /// φ of every cell, `[node]`; of symmetric cells the phase of the bottom arm.
    pub phi: Vec<f64>,
    /// The output phase screen, `[mode]`.
    pub screen: Vec<f64>,
    /// The [free shifters](Mesh::free_shifters), in their order: none but with symmetric cells.
    pub free: Vec<f64>,
}

impl Phases {
    /// All phases: `theta`, `phi`, `screen`, `free`.
    pub fn flat(&self) -> Vec<f64> {
        [&self.theta[..], &self.phi, &self.screen, &self.free].concat()
    }

    /// The phases of the cells of `mesh` in one list: the inverse of [`flat`](Self::flat).
    ///
    /// # Panics
    /// If there are fewer phases than two for every node and one for every mode.
    pub fn from_flat(mut flat: Vec<f64>, mesh: &Mesh) -> Self {
        let nodes = mesh.nodes().len();
        let free = flat.split_off(2 * nodes + mesh.modes());
        let screen = flat.split_off(2 * nodes);
        let phi = flat.split_off(nodes);
        Self {
            theta: flat,
            phi,
            screen,
            free,
        }
    }

    /// Fails unless these are finite phases of MZIs at `nodes` on `modes` modes.
    pub(in crate::mesh) fn check(&self, modes: usize, nodes: usize) -> Result<()> {
        for (what, phases, count) in [
            ("theta", &self.theta, nodes),
            ("phi", &self.phi, nodes),
            ("screen", &self.screen, modes),
        ] {
            if phases.len() != count {
                return Err(Error::shape(what, [phases.len()], format!("[{count}]")));
            }
            if let Some(index) = phases.iter().position(|phase| !phase.is_finite()) {
                return Err(Error::NotFinite {
                    what: what.to_owned(),
                    index: format!("[{index}]"),
                    got: phases[index].to_string(),
                });
            }
        }
        if !self.free.is_empty() {
            let limit = "[0]: a mesh holds the phases of MZIs, which have no free shifters";
            return Err(Error::shape("free", [self.free.len()], limit));
        }
        Ok(())
    }
}

impl Mesh {
    /// The mesh's own phases: those of ideal MZIs, without free shifters.
    pub fn phases(&self) -> &Phases {
        &self.phases
    }

    /// The mesh with other phases of its MZIs; the layout is shared, and so is what walks have worked out of it.
    ///
    /// What symmetric cells show, with their free shifters, is no mesh: [`corrected`](Self::corrected) says it, and
    /// [`Coefficients`](crate::mesh::Coefficients) take it.
    ///
    /// # Errors
    /// As [`new`](Self::new); [`Error::Shape`] if there are free shifters.
    ///
    /// ```
    /// use lightloom::mesh::{Geometry, Mesh, Phases};
    ///
    /// let bar = Mesh::bar(Geometry::Clements, 2)?;
    /// let half = bar.with_phases(Phases { theta: vec![1.0], ..bar.phases().clone() })?;
    /// // |T₁₁|² = sin²(θ/2)
    /// assert!((half.transfer()[(0, 0)].norm_sqr() - 0.5f64.sin().powi(2)).abs() < 1e-15);
    /// # Ok::<(), lightloom::Error>(())
    /// ```
    pub fn with_phases(&self, phases: Phases) -> Result<Self> {
        phases.check(self.modes, self.nodes.len())?;
        Ok(self.set(phases))
    }

    /// The mesh with phases that are known to be its own.
    pub(in crate::mesh) fn set(&self, phases: Phases) -> Self {
        Self {
            modes: self.modes,
            geometry: self.geometry,
            is_asked: self.is_asked,
            nodes: Nodes::clone(&self.nodes),
            phases,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesh::Geometry;

    /// A diamond of 4 ports: 9 MZIs on 6 waveguides.
    fn diamond() -> Mesh {
        Mesh::bar(Geometry::Diamond, 4).unwrap()
    }

    #[test]
    fn one_list_holds_theta_phi_screen_and_free_shifters_in_turn() {
        let mesh = Mesh::bar(Geometry::Clements, 3).unwrap();
        let list: Vec<f64> = (0..11).map(f64::from).collect();
        let phases = Phases::from_flat(list.clone(), &mesh);
        assert_eq!(phases.theta, [0.0, 1.0, 2.0]);
        assert_eq!(phases.phi, [3.0, 4.0, 5.0]);
        assert_eq!(phases.screen, [6.0, 7.0, 8.0]);
        assert_eq!(phases.free, [9.0, 10.0]);
        assert_eq!(phases.flat(), list);
        assert_eq!(mesh.phases().flat().len(), mesh.phase_shifters());
    }

    #[test]
    fn a_mesh_with_other_phases_keeps_its_layout_and_shares_it() {
        let mesh = diamond();
        let phases = Phases {
            theta: vec![0.3; 9],
            phi: vec![-7.0; 9],
            screen: vec![1e9; 6],
            free: Vec::new(),
        };
        let set = mesh.with_phases(phases.clone()).unwrap();
        assert_eq!(set.phases(), &phases);
        assert_eq!((set.theta(), set.phi()), (&[0.3; 9][..], &[-7.0; 9][..]));
        assert_eq!(set.screen(), [1e9; 6]);
        assert_eq!(set.geometry(), Some(Geometry::Diamond));
        assert!(std::ptr::eq(set.nodes(), mesh.nodes()));
        assert_eq!(set.with_phases(mesh.phases().clone()).unwrap(), mesh);
    }

    #[test]
    fn phases_that_are_not_those_of_the_mesh_are_refused() {
        let mesh = diamond();
        let refused = |change: &dyn Fn(&mut Phases), expected: &str| {
            let mut phases = mesh.phases().clone();
            change(&mut phases);
            let error = mesh.with_phases(phases.clone()).unwrap_err().to_string();
            assert_eq!(error, expected);
            if phases.free.is_empty() {
                let Phases {
                    theta, phi, screen, ..
                } = phases;
                let made = Mesh::new(6, mesh.nodes().to_vec(), theta, phi, screen);
                assert_eq!(made.unwrap_err().to_string(), expected);
            }
        };
        refused(
            &|phases| phases.theta.truncate(8),
            "theta has shape [8]: must be [9]",
        );
        refused(
            &|phases| phases.phi.push(0.0),
            "phi has shape [10]: must be [9]",
        );
        refused(
            &|phases| phases.screen.clear(),
            "screen has shape [0]: must be [6]",
        );
        refused(
            &|phases| phases.phi[3] = f64::NAN,
            "phi: element [3] is NaN: must be finite",
        );
        refused(
            &|phases| phases.screen[5] = f64::INFINITY,
            "screen: element [5] is inf: must be finite",
        );
        refused(
            &|phases| phases.free.push(0.1),
            "free has shape [1]: must be [0]: a mesh holds the phases of MZIs, which have no free shifters",
        );
    }
}
