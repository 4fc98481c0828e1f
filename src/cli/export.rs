//! Phases for a laboratory.

use std::collections::BTreeMap;
use std::f64::consts::PI;
use std::io::Write;

use anyhow::Result;
use ndarray::Array1;
use serde::Serialize;
use serde_json::{Value, json};

use super::args::{ExportArgs, ExportFormat};
use super::open::{self, Compiled};
use super::{mesh, output};
use crate::compile::{Program, Tile};
use crate::error::Error;
use crate::mesh::{CellArray, CellKind, Correction, Mesh};

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
    phase_rad: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    voltage_v: Option<f64>,
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
    output::write(&args.output, &[&args.file], || {
        let hardware = mesh::hardware_with(&args.hardware, &args.set)?;
        let target = Target {
            kind: hardware.mesh.cell,
            v_pi_v: args.volts.then_some(hardware.phase_shifter.v_pi_v),
        };
        let compiled = open::compiled(&args.file)?;
        if args.format == ExportFormat::Sax {
            if args.volts {
                let limit = "left out: a netlist has phases, not voltages";
                return Err(Error::value("--volts", "with --format sax", limit).into());
            }
            if target.kind != CellKind::Mzi {
                let limit = "mzi for a netlist of SAX";
                return Err(Error::value("mesh.cell", target.kind, limit).into());
            }
            return match &compiled {
                Compiled::Mesh(mesh) => output::json(&netlist(mesh)),
                Compiled::Program(program) => output::json(&program_netlists(program)),
            };
        }
        let groups = match &compiled {
            Compiled::Mesh(mesh) => vec![mesh_group("mesh", mesh, target)],
            Compiled::Program(program) => program_groups(program, target),
        };
        match args.format {
            ExportFormat::Csv => csv_rows(&groups),
            ExportFormat::Npz => npz_arrays(&groups),
            ExportFormat::Json | ExportFormat::Sax => {
                let rows: Vec<&Row> = groups.iter().flat_map(|group| &group.rows).collect();
                output::json(&rows)
            }
        }
    })
}

/// What the phases are for.
#[derive(Clone, Copy)]
struct Target {
    kind: CellKind,
    v_pi_v: Option<f64>,
}

/// Voltage of a thermo-optic heater for a phase in [0, 2π): V = V_π √(φ/π).
fn voltage(phase_rad: f64, v_pi_v: f64) -> f64 {
    v_pi_v * (phase_rad.rem_euclid(2.0 * PI) / PI).sqrt()
}

fn row(
    path: &str,
    kind: &'static str,
    (column, mode): (usize, usize),
    phase_rad: f64,
    v_pi_v: Option<f64>,
) -> Row {
    Row {
        id: format!("{path}.{kind}.{column}.{mode}"),
        kind,
        column,
        mode,
        phase_rad,
        voltage_v: v_pi_v.map(|v_pi_v| voltage(phase_rad, v_pi_v)),
    }
}

fn mesh_group(path: &str, mesh: &Mesh, Target { kind, v_pi_v }: Target) -> Group {
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
            rows.push(row(
                path,
                "free",
                (column[0].column, shifter.mode),
                **phase,
                v_pi_v,
            ));
        }
        for (index, node) in nodes.zip(column) {
            // Both phases of a symmetric cell stand between its couplers, θ on the top arm.
            let lower = match kind {
                CellKind::Symmetric => node.bottom,
                _ => node.top,
            };
            let mut put = |name, mode, phases: &[f64]| {
                rows.push(row(path, name, (node.column, mode), phases[index], v_pi_v));
            };
            put("phi", lower, &setting.phi);
            put("theta", node.top, &setting.theta);
        }
    }
    for (mode, phase) in setting.screen.iter().enumerate() {
        rows.push(row(path, "screen", (mesh.columns(), mode), *phase, v_pi_v));
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

fn program_groups(program: &Program, target: Target) -> Vec<Group> {
    let mut groups = Vec::new();
    for (layer, tiles) in named_layers(program) {
        for (number, tile) in tiles.iter().enumerate() {
            let path = |section: &str| format!("{layer}.{number}.{section}");
            groups.push(mesh_group(&path("input"), &tile.input, target));
            let bank = path("attenuators");
            let attenuators = tile.attenuators.iter().enumerate();
            groups.push(Group {
                rows: attenuators
                    .map(|(mode, theta)| row(&bank, "attenuator", (0, mode), *theta, target.v_pi_v))
                    .collect(),
                path: bank,
                digital: Some(Digital {
                    scale: tile.scale,
                    block: [tile.row, tile.col, tile.rows, tile.cols],
                }),
            });
            groups.push(mesh_group(&path("output"), &tile.output, target));
        }
    }
    groups
}

fn csv_rows(groups: &[Group]) -> Result<Vec<u8>> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    for row in groups.iter().flat_map(|group| &group.rows) {
        csv.serialize(row)?;
    }
    Ok(csv.into_inner()?)
}

/// Arrays `PATH.KIND_rad` (and `_v`), `PATH.KIND_column`, `PATH.KIND_mode`, in the order of the CSV rows; for a tile
/// also `LAYER.TILE.attenuators.scale` and `.block` (row, col, rows, cols).
fn npz_arrays(groups: &[Group]) -> Result<Vec<u8>> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut zip = zip::ZipWriter::new(&mut bytes);
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated);
    let mut put = |name: String, npy: Vec<u8>| -> Result<()> {
        zip.start_file(format!("{name}.npy"), options)?;
        Ok(zip.write_all(&npy)?)
    };
    for group in groups {
        if let Some(Digital { scale, block }) = &group.digital {
            let name = &group.path;
            put(
                format!("{name}.scale"),
                output::npy(ndarray::arr0(*scale).view())?,
            )?;
            let block = block.map(|count| count as i64);
            put(
                format!("{name}.block"),
                output::npy(ndarray::arr1(&block).view())?,
            )?;
        }
        let mut kinds: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
        for row in &group.rows {
            kinds.entry(row.kind).or_default().push(row);
        }
        for (kind, rows) in kinds {
            let name = format!("{}.{kind}", group.path);
            let reals = |value: &dyn Fn(&Row) -> f64| {
                output::npy(
                    rows.iter()
                        .map(|row| value(row))
                        .collect::<Array1<f64>>()
                        .view(),
                )
            };
            let counts = |value: &dyn Fn(&Row) -> usize| {
                let counts = rows.iter().map(|row| value(row) as i64);
                output::npy(counts.collect::<Array1<i64>>().view())
            };
            put(format!("{name}_rad"), reals(&|row| row.phase_rad)?)?;
            put(format!("{name}_column"), counts(&|row| row.column)?)?;
            put(format!("{name}_mode"), counts(&|row| row.mode)?)?;
            if rows.iter().any(|row| row.voltage_v.is_some()) {
                put(
                    format!("{name}_v"),
                    reals(&|row| row.voltage_v.unwrap_or(f64::NAN))?,
                )?;
            }
        }
    }
    zip.finish()?;
    Ok(bytes.into_inner())
}

/// A SAX netlist of a mesh: components `mzi` (theta, phi; ports in0, in1, out0, out1, 0 = top) and `phase`
/// (phi; ports in0, out0).
fn netlist(mesh: &Mesh) -> Value {
    let mut circuit = Circuit::new(mesh.modes());
    circuit.push_mesh("", mesh);
    circuit.finish()
}

/// For each tile of a program the netlist of its whole path (V†, attenuators, U) and what stays digital: the
/// scale, and the block of the layer's matrix that it covers.
///
/// Output k of the netlist is amplitude k of `U diag(a) V†`; ports beyond rows and cols are padding.
fn program_netlists(program: &Program) -> Value {
    let mut tiles_by_path = serde_json::Map::new();
    for (layer, tiles) in named_layers(program) {
        for (number, tile) in tiles.iter().enumerate() {
            let mut circuit = Circuit::new(tile.input.modes());
            circuit.push_mesh("v_", &tile.input);
            circuit.push_attenuators(&tile.attenuators);
            // What no attenuator leads on ends here, ancillas too.
            circuit.resize(tile.attenuators.len());
            circuit.resize(tile.output.modes());
            circuit.push_mesh("u_", &tile.output);
            let entry = json!({
                "scale": tile.scale, "row": tile.row, "col": tile.col, "rows": tile.rows, "cols": tile.cols,
                "netlist": circuit.finish(),
            });
            tiles_by_path.insert(format!("{layer}.{number}"), entry);
        }
    }
    Value::Object(tiles_by_path)
}

/// A netlist that grows from the inputs to the outputs.
struct Circuit {
    instances: serde_json::Map<String, Value>,
    connections: serde_json::Map<String, Value>,
    ports: serde_json::Map<String, Value>,
    /// The port at which each mode's light stands.
    ends: Vec<End>,
}

enum End {
    /// The chip's own input.
    Input,
    /// The output port of an instance.
    Port(String),
    /// No light: a mode that begins inside the chip.
    Dark,
}

impl Circuit {
    fn new(modes: usize) -> Self {
        Self {
            instances: serde_json::Map::new(),
            connections: serde_json::Map::new(),
            ports: serde_json::Map::new(),
            ends: (0..modes).map(|_| End::Input).collect(),
        }
    }

    /// Leads `mode` into port `input` and lets it go on from port `output`.
    fn join(&mut self, mode: usize, input: String, output: String) {
        match std::mem::replace(&mut self.ends[mode], End::Port(output)) {
            End::Input => self.ports.insert(format!("in{mode}"), Value::String(input)),
            End::Port(from) => self.connections.insert(from, Value::String(input)),
            End::Dark => None,
        };
    }

    fn put(&mut self, name: &str, component: &str, settings: Value) {
        let instance = json!({"component": component, "settings": settings});
        self.instances.insert(name.to_owned(), instance);
    }

    fn push_mesh(&mut self, prefix: &str, mesh: &Mesh) {
        for (index, node) in mesh.nodes().iter().enumerate() {
            let name = format!("{prefix}mzi_{}_{}", node.column, node.top);
            for (port, mode) in [node.top, node.bottom].into_iter().enumerate() {
                self.join(
                    mode,
                    format!("{name},in{port}"),
                    format!("{name},out{port}"),
                );
            }
            let settings = json!({"theta": mesh.theta()[index], "phi": mesh.phi()[index]});
            self.put(&name, "mzi", settings);
        }
        for (mode, phase) in mesh.screen().iter().enumerate() {
            let name = format!("{prefix}screen_{mode}");
            self.join(mode, format!("{name},in0"), format!("{name},out0"));
            self.put(&name, "phase", json!({"phi": phase}));
        }
    }

    /// The bar port of one MZI on each mode.
    fn push_attenuators(&mut self, theta: &[f64]) {
        for (mode, theta) in theta.iter().enumerate() {
            let name = format!("attenuator_{mode}");
            self.join(mode, format!("{name},in0"), format!("{name},out0"));
            self.put(&name, "mzi", json!({"theta": theta, "phi": 0.0}));
        }
    }

    /// Modes beyond `modes` end; new modes begin dark.
    fn resize(&mut self, modes: usize) {
        self.ends.resize_with(modes, || End::Dark);
    }

    fn finish(mut self) -> Value {
        for (mode, end) in self.ends.into_iter().enumerate() {
            if let End::Port(port) = end {
                self.ports.insert(format!("out{mode}"), Value::String(port));
            }
        }
        json!({"instances": self.instances, "connections": self.connections, "ports": self.ports})
    }
}
