//! Meshes of Mach–Zehnder interferometers: geometry, phases, decomposition, transfer matrix.
//!
//! # Conventions
//!
//! Light passes the external phase shifter φ on the top arm, a coupler, the internal phase shifter θ on the
//! top arm, a second coupler. Fields are column vectors, `y = U x`; modes count from 0; the output phase
//! screen comes last; phases advance as e^{+iφ}.
//!
//! ```text
//!  top    ──[φ]──╲ ╱──[θ]──╲ ╱──    B(x) = [[cos x, i sin x], [i sin x, cos x]], ideal x = π/4
//!                 ╳         ╳       T(θ, φ) = B diag(e^{iθ}, 1) B diag(e^{iφ}, 1)
//!  bottom ───────╱ ╲───────╱ ╲──            = i e^{iθ/2} [[e^{iφ} sin θ/2,  cos θ/2],
//!                                                         [e^{iφ} cos θ/2, −sin θ/2]]
//! ```
//!
//! θ = 0 is the cross state, θ = π the bar state.

mod cell;
mod coefficients;
mod file;
mod floorplan;
mod inside;
mod layout;
mod notation;
mod phases;
mod solution;

pub use cell::{CellKind, Cells, Mzi, Values};
pub(crate) use cell::{CellParts, mix};
pub use coefficients::{Coefficients, Gradient, Prepared};
pub use floorplan::{Component, ComponentKind, Floorplan, Pitch, Place};
pub(crate) use inside::Inside;
use layout::Nodes;
pub use layout::{Geometry, Node};
pub use notation::{Convention, Described, Element, Notation, StrawberryRow};
pub use phases::{FreeShifter, Phases, Shown};
pub(crate) use solution::attenuator;
pub use solution::{Corrected, Correction, Fit, closest, decompose, fit};

use std::f64::consts::{PI, TAU};

use ndarray::{Array2, ArrayView2};
use num_complex::Complex;

use crate::error::{Error, Result};
use crate::field::{Fields, Real};
use crate::linalg::{C64, Matrix};

/// A feed-forward mesh of 2×2 MZIs over `modes` waveguides, with its phase settings.
///
/// Phases are in rad, stored as they were given: [`decompose`] yields `theta` in [0, π], `phi` and `screen`
/// in [0, 2π).
#[derive(Debug, Clone, PartialEq)]
pub struct Mesh {
    modes: usize,
    geometry: Option<Geometry>,
    nodes: Nodes,
    phases: Phases,
    is_asked: bool,
}

/// The MZIs of a mesh and its number of waveguides, without phases.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Layout {
    modes: usize,
    nodes: Nodes,
}

impl Mesh {
    /// A mesh of `geometry` with every MZI in the bar state and no other phase: light stays in its mode.
    ///
    /// `modes` is the number of modes that carry data ([`ports`](Self::ports)). The transfer matrix is
    /// diagonal; decompose the identity for a mesh that also restores every phase.
    ///
    /// # Errors
    /// [`Error::Value`] if `modes` is 0, or not a power of two for a butterfly.
    pub fn bar(geometry: Geometry, modes: usize) -> Result<Self> {
        geometry.check(modes)?;
        let nodes = geometry.nodes(modes);
        let waveguides = geometry.waveguides(modes);
        Ok(Self {
            modes: waveguides,
            geometry: Some(geometry),
            phases: Phases {
                theta: vec![PI; nodes.len()],
                phi: vec![0.0; nodes.len()],
                screen: vec![0.0; waveguides],
                free: Vec::new(),
            },
            nodes: nodes.into(),
            is_asked: false,
        })
    }

    /// A mesh of any feed-forward layout. `nodes` stand in the order in which light meets them.
    ///
    /// # Errors
    /// [`Error::Value`] if there is no mode, a node names a mode that does not exist or one mode twice, two
    /// nodes of a column share a mode, or columns run backwards; [`Error::Shape`] if the phases are not one
    /// per node and one screen phase per mode; [`Error::NotFinite`] if a phase is NaN or infinite.
    pub fn new(
        modes: usize,
        nodes: Vec<Node>,
        theta: Vec<f64>,
        phi: Vec<f64>,
        screen: Vec<f64>,
    ) -> Result<Self> {
        layout::check_nodes(modes, &nodes)?;
        let phases = Phases {
            theta,
            phi,
            screen,
            free: Vec::new(),
        };
        phases.check(modes, nodes.len())?;
        Ok(Self {
            modes,
            geometry: Geometry::of(modes, &nodes),
            nodes: nodes.into(),
            phases,
            is_asked: false,
        })
    }

    /// Whether its phases are what the heaters of one chip are asked for
    /// ([`asked_of_mesh`](crate::processor::asked_of_mesh)): a correction would take the chip's errors off a second time, and on a
    /// perfect chip they mean nothing. A file says so.
    pub fn is_asked(&self) -> bool {
        self.is_asked
    }

    /// The same mesh, said to have phases that the heaters of one chip are asked for.
    pub(crate) fn said_asked(mut self) -> Self {
        self.is_asked = true;
        self
    }

    /// Number of waveguides, ancillas included.
    pub fn modes(&self) -> usize {
        self.modes
    }

    /// Number of modes that carry data: the first ones. The other waveguides, which only a diamond has, are
    /// ancillas: dark at the input, and left alone at the output.
    pub fn ports(&self) -> usize {
        let ports = self
            .geometry
            .and_then(|geometry| geometry.ports(self.modes));
        ports.unwrap_or(self.modes)
    }

    /// MZIs that light of a mode that carries data meets, averaged over these modes.
    pub fn mean_depth(&self) -> f64 {
        let ports = self.ports();
        let arms = self.nodes.iter().flat_map(|node| [node.top, node.bottom]);
        arms.filter(|mode| *mode < ports).count() as f64 / ports as f64
    }

    /// The named geometry that the nodes follow, if they follow one.
    pub fn geometry(&self) -> Option<Geometry> {
        self.geometry
    }

    /// The MZIs in the order in which light meets them.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// What all meshes of its shape have in common.
    pub(crate) fn layout(&self) -> Layout {
        Layout {
            modes: self.modes,
            nodes: self.nodes.clone(),
        }
    }

    /// Optical depth: the number of columns.
    pub fn columns(&self) -> usize {
        self.nodes
            .iter()
            .map(|node| node.column + 1)
            .max()
            .unwrap_or(0)
    }

    /// Internal phase shifts, rad, one per node.
    pub fn theta(&self) -> &[f64] {
        &self.phases.theta
    }

    /// External phase shifts, rad, one per node.
    pub fn phi(&self) -> &[f64] {
        &self.phases.phi
    }

    /// The output phase screen, rad, one per mode.
    pub fn screen(&self) -> &[f64] {
        &self.phases.screen
    }

    /// Number of phase shifters: two per MZI and one per mode.
    pub fn phase_shifters(&self) -> usize {
        2 * self.nodes.len() + self.modes
    }

    /// The coefficients of the ideal mesh: lossless MZIs with 50:50 couplers.
    pub fn coefficients(&self) -> Coefficients<'static> {
        let perfect = Cells::perfect(CellKind::Mzi, self.nodes.len());
        Coefficients::of(self, perfect, self.phases.clone())
    }

    /// What becomes of `input`, `[sample, mode]`, behind the mesh, `[sample, mode]`; ancillas begin dark.
    ///
    /// A batch goes the way that [`prepare`](Coefficients::prepare) finds the fastest: through a small mesh it is multiplied by
    /// the mesh's matrix. For many batches through one mesh, `mesh.coefficients().prepare(samples)` is ready for all of them.
    ///
    /// # Errors
    /// [`Error::Shape`] if there is not one amplitude for every [port](Self::ports), [`Error::Value`] if what leaves the mesh
    /// is not finite at precision `T`.
    pub fn apply<T: Real>(&self, input: ArrayView2<'_, C64>) -> Result<Array2<Complex<T>>> {
        if input.ncols() != self.ports() {
            let limit = format!("[sample, {}], as the mesh has modes", self.ports());
            return Err(Error::shape("fields", input.shape(), limit));
        }
        let mut fields = Fields::zeros(self.modes(), input.nrows());
        for ((sample, mode), z) in input.indexed_iter() {
            fields.re[[mode, sample]] = T::of(z.re);
            fields.im[[mode, sample]] = T::of(z.im);
        }
        self.coefficients().prepare(input.nrows()).run(&mut fields);
        let finite = |part: &Array2<T>| part.iter().all(|x| x.is_finite());
        if !(finite(&fields.re) && finite(&fields.im)) {
            let largest = input.iter().fold(0.0, |most, z| z.norm().max(most));
            let limit = "small enough that what leaves the mesh is finite at this precision";
            return Err(Error::value("fields", format!("up to {largest:e}"), limit));
        }
        Ok(Array2::from_shape_fn(input.dim(), |(sample, mode)| {
            Complex::new(fields.re[[mode, sample]], fields.im[[mode, sample]])
        }))
    }

    /// The transfer matrix of the ideal mesh, `[modes, modes]`, row = output mode.
    pub fn transfer(&self) -> Matrix {
        self.coefficients().transfer()
    }

    /// What `transfer`, a matrix of all waveguides, does to the modes that carry data, `[ports, ports]`.
    ///
    /// # Panics
    /// If `transfer` has fewer rows or columns than the mesh has ports.
    pub fn between_ports(&self, transfer: &Matrix) -> Matrix {
        let ports = self.ports();
        transfer.view((0, 0), (ports, ports)).into_owned()
    }
}

/// The same angle in [0, 2π).
pub(crate) fn wrap(phase_rad: f64) -> f64 {
    let wrapped = phase_rad.rem_euclid(TAU);
    // A tiny negative angle rounds up to 2π itself.
    if wrapped >= TAU { 0.0 } else { wrapped }
}
