//! Phases for a laboratory.

mod drive;
mod netlist;
mod table;

use anyhow::Result;
use serde::Serialize;

use super::args::{ExportArgs, ExportFormat};
use super::open::{self, Compiled};
use super::{mesh, output};
use crate::compile::{Program, Tile};
use crate::error::Error;
use crate::mesh::{CellArray, CellKind, Correction, Mesh, wrap};

/// One phase shifter.
#[derive(Serialize)]
struct Row {
    /// Stable name: path of the mesh, kind, column, mode.
    id: String,
    /// `theta`, `phi`, `screen`, `free` or `attenuator`.
    kind: &'static str,
    column: usize,
    /// The mode that carries the heater.
    mode: usize,
    /// In [0, 2π).
    phase_rad: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    voltage_v: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dac_code: Option<u32>,
    /// What the code yields, in [0, 2π).
    #[serde(skip_serializing_if = "Option::is_none")]
    phase_set_rad: Option<f64>,
}

/// The shifters of one mesh or bank of attenuators.
struct Group {
    /// `mesh`, or `layer.tile.section` within a program.
    path: String,
    rows: Vec<Row>,
    /// The digital side of a tile, beside its attenuators.
    digital: Option<Digital>,
}

/// What of a tile is no phase.
struct Digital {
    scale: f64,
    /// row, col, rows, cols of the layer's matrix.
    block: [usize; 4],
}

pub fn run(args: &ExportArgs) -> Result<()> {
    let mut inputs = vec![args.file.as_path()];
    inputs.extend(args.calibration.as_deref());
    let ending = match args.format {
        ExportFormat::Csv => "csv",
        ExportFormat::Json | ExportFormat::Sax => "json",
        ExportFormat::Npz => "npz",
    };
    output::write(&args.output, ending, &inputs, || {
        if let Some(calibration) = &args.calibration {
            output::check_differs(
                "--calibration",
                calibration,
                &args.file,
                "the mesh or program",
            )?;
        }
        let hardware = mesh::hardware_with(&args.hardware, &args.set)?;
        let kind = hardware.mesh().cell;
        let compiled = open::compiled(&args.file)?;
        if args.format == ExportFormat::Sax {
            for (flag, given) in [
                ("--volts", args.volts),
                ("--calibration", args.calibration.is_some()),
                ("--dac-bits", args.dac_bits.is_some()),
            ] {
                if given {
                    let limit = "left out: a netlist has phases, not voltages";
                    return Err(Error::value(flag, "with --format sax", limit).into());
                }
            }
            if kind != CellKind::Mzi {
                let limit = "mzi for a netlist of SAX";
                return Err(Error::value("mesh.cell", kind, limit).into());
            }
            return match &compiled {
                Compiled::Mesh(mesh) => output::json(&netlist::mesh(mesh)),
                Compiled::Program(program) => output::json(&netlist::program(program)),
            };
        }
        let mut groups = match &compiled {
            Compiled::Mesh(mesh) => vec![mesh_group("mesh", mesh, kind)],
            Compiled::Program(program) => program_groups(program, kind),
        };
        drive::set(&mut groups, args, &hardware)?;
        match args.format {
            ExportFormat::Csv => table::csv(&groups),
            ExportFormat::Npz => table::npz(&groups),
            ExportFormat::Json | ExportFormat::Sax => {
                let rows: Vec<&Row> = groups.iter().flat_map(|group| &group.rows).collect();
                output::json(&rows)
            }
        }
    })
}

fn row(path: &str, kind: &'static str, (column, mode): (usize, usize), phase_rad: f64) -> Row {
    Row {
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
    let perfect = CellArray::perfect(kind, mesh.nodes().len());
    let setting = mesh.corrected(Correction::None, &perfect).setting;
    let mut rows = Vec::with_capacity(mesh.phase_shifters_of(kind));
    let free = mesh.free_shifters(kind);
    let free: Vec<_> = free.iter().zip(&setting.free).collect();
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
            let mut put = |name, mode, phases: &[f64]| {
                rows.push(row(path, name, (node.column, mode), phases[index]));
            };
            put("phi", lower, &setting.phi);
            put("theta", node.top, &setting.theta);
        }
    }
    for (mode, phase) in setting.screen.iter().enumerate() {
        rows.push(row(path, "screen", (mesh.columns(), mode), *phase));
    }
    Group {
        path: path.to_owned(),
        rows,
        digital: None,
    }
}

fn named_layers(program: &Program) -> impl Iterator<Item = (&str, &Vec<Tile>)> {
    let names = program
        .model()
        .layers
        .iter()
        .map(|layer| layer.name.as_str());
    names.zip(program.tiles())
}

fn program_groups(program: &Program, kind: CellKind) -> Vec<Group> {
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
    groups
}
