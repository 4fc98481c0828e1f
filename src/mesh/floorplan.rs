//! What a mesh is made of: names and places of its phase shifters and couplers.

use std::collections::HashSet;

use super::{CellKind, FreeShifter, Mesh};
use crate::error::{Error, Result};

/// Steps between successive heaters of a path: a heater and a coupler must fit in between.
const HEATER_STEPS: usize = 2;

/// A third of these steps: what lies between things of which two stand between two heaters.
const THIRD: f64 = HEATER_STEPS as f64 / 3.0;

/// Steps that shifters on every mode take: on odd modes they stand behind those on even ones.
const BANK_STEPS: usize = 2 * HEATER_STEPS;

/// What a component is, and what its kind is called in ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ComponentKind {
    /// `gamma`: the coupler in front of φ of a 3-splitter MZI.
    Gamma,
    /// `phi`: the external phase shifter; of a symmetric cell that of the bottom arm.
    Phi,
    /// `alpha`: the first coupler.
    Alpha,
    /// `theta`: the internal phase shifter; of a symmetric cell that of the top arm.
    Theta,
    /// `beta`: the second coupler.
    Beta,
    /// `free`: a phase shifter on one mode in front of the cells of its column.
    Free,
    /// `screen`: a phase shifter on one mode behind all cells.
    Screen,
    /// `attenuator`: θ of an MZI between two meshes, whose bar port light passes.
    Attenuator,
    /// `detector`: what reads one mode behind a tile.
    Detector,
}

impl ComponentKind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Gamma,
        Self::Phi,
        Self::Alpha,
        Self::Theta,
        Self::Beta,
        Self::Free,
        Self::Screen,
        Self::Attenuator,
        Self::Detector,
    ];

    /// The name that ids use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gamma => "gamma",
            Self::Phi => "phi",
            Self::Alpha => "alpha",
            Self::Theta => "theta",
            Self::Beta => "beta",
            Self::Free => "free",
            Self::Screen => "screen",
            Self::Attenuator => "attenuator",
            Self::Detector => "detector",
        }
    }

    /// Whether it is a coupler, on two waveguides.
    pub const fn is_coupler(self) -> bool {
        matches!(self, Self::Gamma | Self::Alpha | Self::Beta)
    }

    /// Whether it is a phase shifter, on one waveguide.
    pub const fn is_shifter(self) -> bool {
        !self.is_coupler() && !matches!(self, Self::Detector)
    }
}

/// A phase shifter, a coupler or a detector.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Component {
    /// What it is.
    pub kind: ComponentKind,
    /// Of a phase shifter, which of all phases it holds, as [`Phases::flat`](super::Phases::flat) has them; of an
    /// attenuator, of its couplers and of a detector its mode, of any other coupler its node.
    pub number: usize,
    /// Its column in the mesh, from 0; of the screen the number of columns.
    pub column: usize,
    /// The mode of the arm that carries the heater; of a coupler the mode of its top arm.
    pub mode: usize,
    /// Where it stands in its [`Floorplan`].
    pub place: Place,
}

impl Component {
    /// Its stable name on the mesh that is called `path`: `mesh.theta.3.1`.
    ///
    /// Kind, column and mode follow from the layout alone, so that a name stays the same whatever the phases are, and no
    /// two components of a mesh share one.
    pub fn id(&self, path: &str) -> String {
        let Self { column, mode, .. } = self;
        format!("{path}.{}.{column}.{mode}", self.kind.name())
    }
}

/// A place on a chip, seen from where a mesh begins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// Along the light, in steps.
    pub steps: f64,
    /// Across the light, in modes, from mode 0 on; a coupler is half-way between its two modes.
    pub modes: f64,
}

impl Place {
    /// How far from the first heater, along the light, and from mode 0, across it, µm.
    pub fn um(self, pitch: Pitch) -> [f64; 2] {
        [self.steps * pitch.step_um, self.modes * pitch.mode_um]
    }
}

/// Distances on a chip, µm. They are its layout's: an MZI is four steps long, a symmetric cell two.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pitch {
    step_um: f64,
    mode_um: f64,
}

impl Pitch {
    /// Steps of `step_um` along the light, modes `mode_um` apart.
    ///
    /// # Errors
    /// [`Error::Value`] if a distance is not a number above 0.
    pub fn new(step_um: f64, mode_um: f64) -> Result<Self> {
        for (name, um) in [("step_um", step_um), ("mode_um", mode_um)] {
            if !(um > 0.0 && um.is_finite()) {
                return Err(Error::value(name, um, "a number of µm above 0"));
            }
        }
        Ok(Self { step_um, mode_um })
    }
}

/// The components of a mesh, of a bank of attenuators or of a row of detectors, in the order in which light meets them.
///
/// Along the light, a step is half of what lies between two heaters of one path. Of MZIs, φ of column c stands at 4c, θ at
/// 4c + 2, and a coupler behind each; the screen of a mesh of D columns at 4D on even and at 4D + 2 on odd modes. Both
/// phases of a symmetric cell stand side by side, two steps a column. Where two things stand between the same heaters
/// (a coupler of either of two cells, or a coupler and a crossing) they stand at a third and at two; so the first coupler
/// of some cells stands two thirds of a step in front of the first heater.
///
/// ```
/// use lightloom::mesh::{CellKind, Geometry, Mesh, Pitch};
///
/// let plan = Mesh::bar(Geometry::Clements, 4)?.floorplan(CellKind::Mzi);
/// let theta = plan.shifters().find(|part| part.id("mesh") == "mesh.theta.1.1");
/// let pitch = Pitch::new(150.0, 127.0)?;
/// assert_eq!(theta.unwrap().place.um(pitch), [6.0 * 150.0, 127.0]);
/// # Ok::<(), lightloom::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Floorplan {
    /// Every phase shifter and coupler.
    pub components: Vec<Component>,
    /// Steps from the first heater to where what is behind begins.
    pub steps: usize,
}

impl Floorplan {
    /// Attenuators on each of `modes` modes, which stand in column 0: their phase shifters and the couplers on either side of
    /// each, by which light leaves its mode and comes back.
    pub fn bank(modes: usize) -> Self {
        let row = |kind, steps| {
            let first = Component {
                kind,
                number: 0,
                column: 0,
                mode: 0,
                place: Place { steps, modes: 0.0 },
            };
            staggered(first, modes)
        };
        let [alpha, theta, beta] = [
            (ComponentKind::Alpha, -1.0),
            (ComponentKind::Attenuator, 0.0),
            (ComponentKind::Beta, 1.0),
        ]
        .map(|(kind, steps)| row(kind, steps));
        let attenuators = alpha.zip(theta).zip(beta);
        let components = attenuators.flat_map(|((alpha, theta), beta)| [alpha, theta, beta]);
        Self {
            components: components.collect(),
            steps: BANK_STEPS,
        }
    }

    /// A detector on each of `modes` modes behind a tile, side by side.
    pub fn detectors(modes: usize) -> Self {
        let detector = |mode: usize| Component {
            kind: ComponentKind::Detector,
            number: mode,
            column: 0,
            mode,
            place: Place {
                steps: 0.0,
                modes: mode as f64,
            },
        };
        Self {
            components: (0..modes).map(detector).collect(),
            steps: 0,
        }
    }

    /// The phase shifters.
    pub fn shifters(&self) -> impl Iterator<Item = &Component> {
        let components = self.components.iter();
        components.filter(|component| component.kind.is_shifter())
    }

    /// The couplers.
    pub fn couplers(&self) -> impl Iterator<Item = &Component> {
        let components = self.components.iter();
        components.filter(|component| component.kind.is_coupler())
    }
}

/// `first`, which is on mode 0, and shifters like it on the next modes, `modes` in all.
fn staggered(first: Component, modes: usize) -> impl Iterator<Item = Component> {
    (0..modes).map(move |mode| Component {
        number: first.number + mode,
        mode,
        place: Place {
            steps: first.place.steps + (HEATER_STEPS * (mode % 2)) as f64,
            modes: mode as f64,
        },
        ..first
    })
}

/// A component of a cell, and the steps from the first heater of its column to it.
struct InCell {
    kind: ComponentKind,
    steps: f64,
}

/// What cells are made of, in the order of light.
impl InCell {
    const MZI: [Self; 4] = [
        Self::new(ComponentKind::Phi, 0.0),
        Self::new(ComponentKind::Alpha, 1.0),
        Self::new(ComponentKind::Theta, 2.0),
        Self::new(ComponentKind::Beta, 3.0),
    ];
    const CROSSING: [Self; 4] = [
        Self::new(ComponentKind::Phi, 0.0),
        Self::new(ComponentKind::Alpha, 1.0),
        Self::new(ComponentKind::Theta, 2.0),
        Self::new(ComponentKind::Beta, 2.0 + THIRD),
    ];
    const THREE_SPLITTER: [Self; 5] = [
        Self::new(ComponentKind::Gamma, -THIRD),
        Self::new(ComponentKind::Phi, 0.0),
        Self::new(ComponentKind::Alpha, 1.0),
        Self::new(ComponentKind::Theta, 2.0),
        Self::new(ComponentKind::Beta, 2.0 + THIRD),
    ];
    const SYMMETRIC: [Self; 4] = [
        Self::new(ComponentKind::Alpha, -THIRD),
        Self::new(ComponentKind::Phi, 0.0),
        Self::new(ComponentKind::Theta, 0.0),
        Self::new(ComponentKind::Beta, THIRD),
    ];

    const fn new(kind: ComponentKind, steps: f64) -> Self {
        Self { kind, steps }
    }

    fn all(kind: CellKind) -> &'static [Self] {
        match kind {
            CellKind::Mzi => &Self::MZI,
            CellKind::Crossing => &Self::CROSSING,
            CellKind::ThreeSplitter => &Self::THREE_SPLITTER,
            CellKind::Symmetric => &Self::SYMMETRIC,
        }
    }
}

/// The phase shifters and couplers of a mesh while they are placed.
struct Plan<'a> {
    mesh: &'a Mesh,
    kind: CellKind,
    /// Steps in front of the first column.
    start: usize,
}

impl Plan<'_> {
    /// Where the first heaters of a column stand.
    fn steps(&self, column: usize) -> usize {
        self.start + HEATER_STEPS * self.kind.sections() * column
    }

    /// A part of the cell at node number `index`.
    fn in_cell(&self, part: &InCell, index: usize) -> Component {
        let node = self.mesh.nodes[index];
        // Both phases of a symmetric cell stand between its couplers, θ on the top arm.
        let is_below = part.kind == ComponentKind::Phi && self.kind == CellKind::Symmetric;
        let mode = if is_below { node.bottom } else { node.top };
        Component {
            kind: part.kind,
            number: match part.kind {
                ComponentKind::Phi => self.mesh.nodes.len() + index,
                _ => index,
            },
            column: node.column,
            mode,
            place: Place {
                steps: self.steps(node.column) as f64 + part.steps,
                modes: if part.kind.is_coupler() {
                    (node.top + node.bottom) as f64 / 2.0
                } else {
                    mode as f64
                },
            },
        }
    }

    /// Free shifter number `index`. It stands beside the cells of the column before where they leave its mode out, else
    /// behind them.
    fn free(&self, shifter: &FreeShifter, index: usize, cells: &HashSet<Spot>) -> Component {
        let mode = shifter.mode;
        let column = self.mesh.nodes[shifter.node].column;
        let is_taken = column > 0
            && cells.contains(&Spot {
                column: column - 1,
                mode,
            });
        let steps = self.steps(column) - if is_taken { 1 } else { HEATER_STEPS };
        Component {
            kind: ComponentKind::Free,
            number: self.mesh.phase_shifters() + index,
            column,
            mode,
            place: Place {
                steps: steps as f64,
                modes: mode as f64,
            },
        }
    }
}

/// A mode in a column.
#[derive(PartialEq, Eq, Hash)]
struct Spot {
    column: usize,
    mode: usize,
}

impl Mesh {
    /// The path of a mesh that stands alone, with which the ids of its components begin.
    pub const PATH: &'static str = "mesh";

    /// The phase shifters and couplers of the mesh with cells of `kind`, by name and place.
    pub fn floorplan(&self, kind: CellKind) -> Floorplan {
        let free = self.free_shifters(kind);
        let plan = Plan {
            mesh: self,
            kind,
            // Free shifters of the first column have a section of their own.
            start: if free.is_empty() { 0 } else { HEATER_STEPS },
        };
        let mut cells = HashSet::new();
        if !free.is_empty() {
            let spots = self.nodes.iter().flat_map(|node| {
                let column = node.column;
                [node.top, node.bottom].map(|mode| Spot { column, mode })
            });
            cells.extend(spots);
        }
        let parts = InCell::all(kind);
        let count = parts.len() * self.nodes.len() + free.len() + self.modes;
        let mut components = Vec::with_capacity(count);
        let mut free = free.iter().enumerate().peekable();
        let mut first = 0;
        for column in self.nodes.chunk_by(|a, b| a.column == b.column) {
            let nodes = first..first + column.len();
            first = nodes.end;
            while let Some((index, shifter)) = free.next_if(|(_, at)| nodes.contains(&at.node)) {
                components.push(plan.free(shifter, index, &cells));
            }
            for index in nodes {
                components.extend(parts.iter().map(|part| plan.in_cell(part, index)));
            }
        }
        let steps = plan.steps(self.columns());
        let screen = Component {
            kind: ComponentKind::Screen,
            number: 2 * self.nodes.len(),
            column: self.columns(),
            mode: 0,
            place: Place {
                steps: steps as f64,
                modes: 0.0,
            },
        };
        components.extend(staggered(screen, self.modes));
        Floorplan {
            components,
            steps: steps + BANK_STEPS,
        }
    }
}

#[cfg(test)]
mod tests;
