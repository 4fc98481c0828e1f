//! Phases for a laboratory: a row a phase shifter with a stable name, voltages, DAC codes, netlists.

mod drive;
pub mod netlist;
mod table;

use serde::Serialize;

use crate::compile::Program;
use crate::error::Result;
use crate::hardware::Section;
use crate::hardware::asked_rad;
use crate::mesh::{CellKind, Cells, Component, Correction, Floorplan, Mesh};

/// One phase shifter.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shifter {
    /// Stable name: path of the mesh, kind, column, mode; see [`Component::id`].
    pub id: String,
    /// `theta`, `phi`, `screen`, `free` or `attenuator`.
    pub kind: &'static str,
    /// Its column in the mesh.
    pub column: usize,
    /// The mode that carries the heater.
    pub mode: usize,
    /// Its phase in [0, 2π), rad; beyond, below 3π, where a correction asks for more than a turn.
    pub phase_rad: f64,
    /// Its voltage, V.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voltage_v: Option<f64>,
    /// The code of its supply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dac_code: Option<u32>,
    /// What the code yields, in [0, 2π), rad.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase_set_rad: Option<f64>,
}

/// The phase shifters of a mesh or of a program, in the order of light.
#[derive(Debug, Clone, PartialEq)]
pub struct Export {
    groups: Vec<Group>,
}

/// The shifters of one mesh or bank of attenuators.
#[derive(Debug, Clone, PartialEq)]
struct Group {
    /// `mesh`, or `layer.tile.section` within a program.
    path: String,
    rows: Vec<Shifter>,
    /// The digital side of a tile, beside its attenuators.
    digital: Option<Digital>,
}

/// What of a tile is no phase.
#[derive(Debug, Clone, PartialEq)]
struct Digital {
    scale: f64,
    row_scales: Option<Vec<f64>>,
    /// row, col, rows, cols of the layer's matrix.
    block: [usize; 4],
}

impl Export {
    /// The phase shifters of `mesh` with cells of `kind`.
    pub fn of_mesh(mesh: &Mesh, kind: CellKind) -> Self {
        Self {
            groups: vec![mesh_group(Mesh::PATH.to_owned(), mesh, kind)],
        }
    }

    /// The phase shifters of all tiles of `program` with cells of `kind`; attenuators are plain MZIs.
    ///
    /// # Errors
    /// [`Error::Unsupported`](crate::Error::Unsupported) if a tile has no meshes.
    pub fn of_program(program: &Program, kind: CellKind) -> Result<Self> {
        let mut groups = Vec::new();
        for map in program.maps() {
            let layer = &map.linear.name;
            for (number, tile) in map.tiles.iter().enumerate() {
                let meshes = tile.as_meshes()?;
                let path = |section: Section| section.path(layer, number);
                groups.push(mesh_group(path(Section::Input), &meshes.input, kind));
                let bank = Floorplan::bank(meshes.attenuators.len());
                groups.push(Group {
                    digital: Some(Digital {
                        scale: tile.scale,
                        row_scales: tile.row_scales.clone(),
                        block: [tile.row, tile.col, tile.rows, tile.cols],
                    }),
                    ..group(path(Section::Attenuators), &bank, &meshes.attenuators)
                });
                groups.push(mesh_group(path(Section::Output), &meshes.output, kind));
            }
        }
        Ok(Self { groups })
    }

    /// Every phase shifter.
    pub fn shifters(&self) -> impl Iterator<Item = &Shifter> {
        self.groups.iter().flat_map(|group| &group.rows)
    }
}

/// A group of the phase shifters of `plan`, which show `phases`, in the order of their numbers.
fn group(path: String, plan: &Floorplan, phases: &[f64]) -> Group {
    let row = |shifter: &Component| Shifter {
        id: shifter.id(&path),
        kind: shifter.kind.name(),
        column: shifter.column,
        mode: shifter.mode,
        phase_rad: asked_rad(phases[shifter.number]),
        voltage_v: None,
        dac_code: None,
        phase_set_rad: None,
    };
    Group {
        rows: plan.shifters().map(row).collect(),
        path,
        digital: None,
    }
}

fn mesh_group(path: String, mesh: &Mesh, kind: CellKind) -> Group {
    let perfect = Cells::perfect(kind, mesh.nodes().len());
    let phases = mesh.corrected(Correction::None, &perfect).phases;
    group(path, &mesh.floorplan(kind), &phases.flat())
}
