//! Phases for a laboratory: a row a phase shifter with a stable name, voltages, DAC codes, netlists.

mod drive;
pub mod netlist;
mod table;

use serde::Serialize;

use crate::compile::{Program, Tile};
use crate::mesh::{CellKind, Cells, Correction, Mesh, wrap};

/// One phase shifter.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shifter {
    /// Stable name: path of the mesh, kind, column, mode.
    pub id: String,
    /// `theta`, `phi`, `screen`, `free` or `attenuator`.
    pub kind: &'static str,
    /// Its column in the mesh.
    pub column: usize,
    /// The mode that carries the heater.
    pub mode: usize,
    /// Its phase in [0, 2π), rad.
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
    /// row, col, rows, cols of the layer's matrix.
    block: [usize; 4],
}

impl Export {
    /// The phase shifters of `mesh` with cells of `kind`.
    pub fn of_mesh(mesh: &Mesh, kind: CellKind) -> Self {
        Self {
            groups: vec![mesh_group("mesh", mesh, kind)],
        }
    }

    /// The phase shifters of all tiles of `program` with cells of `kind`; attenuators are plain MZIs.
    pub fn of_program(program: &Program, kind: CellKind) -> Self {
        let mut groups = Vec::new();
        for (layer, tiles) in named_layers(program) {
            for (number, tile) in tiles.iter().enumerate() {
                let path = |section: &str| format!("{layer}.{number}.{section}");
                groups.push(mesh_group(&path("input"), &tile.input, kind));
                let bank = path("attenuators");
                let attenuators = tile.attenuators.iter().enumerate();
                groups.push(Group {
                    rows: attenuators
                        .map(|(mode, theta)| row(&bank, "attenuator", (0, mode), *theta))
                        .collect(),
                    path: bank,
                    digital: Some(Digital {
                        scale: tile.scale,
                        block: [tile.row, tile.col, tile.rows, tile.cols],
                    }),
                });
                groups.push(mesh_group(&path("output"), &tile.output, kind));
            }
        }
        Self { groups }
    }

    /// Every phase shifter.
    pub fn shifters(&self) -> impl Iterator<Item = &Shifter> {
        self.groups.iter().flat_map(|group| &group.rows)
    }
}

fn row(path: &str, kind: &'static str, (column, mode): (usize, usize), phase_rad: f64) -> Shifter {
    Shifter {
        id: format!("{path}.{kind}.{column}.{mode}"),
        kind,
        column,
        mode,
        phase_rad: wrap(phase_rad),
        voltage_v: None,
        dac_code: None,
        phase_set_rad: None,
    }
}

fn mesh_group(path: &str, mesh: &Mesh, kind: CellKind) -> Group {
    let perfect = Cells::perfect(kind, mesh.nodes().len());
    let phases = mesh.corrected(Correction::None, &perfect).phases;
    let mut rows = Vec::with_capacity(mesh.phase_shifters_of(kind));
    let free = mesh.free_shifters(kind);
    let free: Vec<_> = free.iter().zip(&phases.free).collect();
    let mut first = 0;
    // In the order of light: column by column, free shifters before cells.
    for column in mesh.nodes().chunk_by(|a, b| a.column == b.column) {
        let nodes = first..first + column.len();
        first = nodes.end;
        for (shifter, phase) in free
            .iter()
            .filter(|(shifter, _)| nodes.contains(&shifter.node))
        {
            rows.push(row(path, "free", (column[0].column, shifter.mode), **phase));
        }
        for (index, node) in nodes.zip(column) {
            // Both phases of a symmetric cell stand between its couplers, θ on the top arm.
            let lower = match kind {
                CellKind::Symmetric => node.bottom,
                _ => node.top,
            };
            let mut put = |name, mode, phase: f64| {
                rows.push(row(path, name, (node.column, mode), phase));
            };
            put("phi", lower, phases.phi[index]);
            put("theta", node.top, phases.theta[index]);
        }
    }
    for (mode, phase) in phases.screen.iter().enumerate() {
        rows.push(row(path, "screen", (mesh.columns(), mode), *phase));
    }
    Group {
        path: path.to_owned(),
        rows,
        digital: None,
    }
}

fn named_layers(program: &Program) -> impl Iterator<Item = (&str, &Vec<Tile>)> {
    let layers = program.model().layers.iter();
    let names = layers.map(|layer| layer.name.as_str());
    names.zip(program.tiles())
}
