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
use crate::mesh::Mesh;

/// One phase shifter.
#[derive(Serialize)]
struct Row {
    /// Stable name: path of the mesh, kind, column, mode.
    id: String,
    /// `theta`, `phi`, `screen` or `attenuator`.
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
}

pub fn run(args: &ExportArgs) -> Result<()> {
    output::write(&args.output, || {
        let hardware = mesh::hardware_with(&args.hardware, &args.set)?;
        let v_pi_v = args.volts.then_some(hardware.phase_shifter.v_pi_v);
        let compiled = open::compiled(&args.file)?;
        if args.format == ExportFormat::Sax {
            return match &compiled {
                Compiled::Mesh(mesh) => output::json(&netlist(mesh)),
                Compiled::Program(program) => output::json(&program_netlists(program)),
            };
        }
        let groups = match &compiled {
            Compiled::Mesh(mesh) => vec![mesh_group("mesh", mesh, v_pi_v)],
            Compiled::Program(program) => program_groups(program, v_pi_v),
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

fn mesh_group(path: &str, mesh: &Mesh, v_pi_v: Option<f64>) -> Group {
    let mut rows = Vec::with_capacity(mesh.phase_shifters());
    for (index, node) in mesh.nodes().iter().enumerate() {
        let place = (node.column, node.top);
        rows.push(row(path, "phi", place, mesh.phi()[index], v_pi_v));
        rows.push(row(path, "theta", place, mesh.theta()[index], v_pi_v));
    }
    for (mode, phase) in mesh.screen().iter().enumerate() {
        rows.push(row(path, "screen", (mesh.columns(), mode), *phase, v_pi_v));
    }
    Group {
        path: path.to_owned(),
        rows,
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

fn program_groups(program: &Program, v_pi_v: Option<f64>) -> Vec<Group> {
    let mut groups = Vec::new();
    for (layer, tiles) in named_layers(program) {
        for (number, tile) in tiles.iter().enumerate() {
            let path = |section: &str| format!("{layer}.{number}.{section}");
            groups.push(mesh_group(&path("input"), &tile.input, v_pi_v));
            let bank = path("attenuators");
            let attenuators = tile.attenuators.iter().enumerate();
            groups.push(Group {
                rows: attenuators
                    .map(|(mode, theta)| row(&bank, "attenuator", (0, mode), *theta, v_pi_v))
                    .collect(),
                path: bank,
            });
            groups.push(mesh_group(&path("output"), &tile.output, v_pi_v));
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

/// Arrays `PATH.KIND_rad` (and `_v`), `PATH.KIND_column`, `PATH.KIND_mode`, in the order of the CSV rows.
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
    let mut instances = serde_json::Map::new();
    let mut connections = serde_json::Map::new();
    let mut ports = serde_json::Map::new();
    // The port at which each mode's light stands; the chip's own input where it has met nothing.
    let mut ends: Vec<Option<String>> = vec![None; mesh.modes()];
    let mut join = |ends: &mut Vec<Option<String>>, mode: usize, input: String, output: String| {
        match ends[mode].replace(output) {
            Some(from) => connections.insert(from, Value::String(input)),
            None => ports.insert(format!("in{mode}"), Value::String(input)),
        };
    };
    for (index, node) in mesh.nodes().iter().enumerate() {
        let name = format!("mzi_{}_{}", node.column, node.top);
        for (port, mode) in [node.top, node.bottom].into_iter().enumerate() {
            let (input, output) = (format!("{name},in{port}"), format!("{name},out{port}"));
            join(&mut ends, mode, input, output);
        }
        let settings = json!({"theta": mesh.theta()[index], "phi": mesh.phi()[index]});
        instances.insert(name, json!({"component": "mzi", "settings": settings}));
    }
    for (mode, phase) in mesh.screen().iter().enumerate() {
        let name = format!("screen_{mode}");
        join(
            &mut ends,
            mode,
            format!("{name},in0"),
            format!("{name},out0"),
        );
        let settings = json!({"phi": phase});
        instances.insert(name, json!({"component": "phase", "settings": settings}));
    }
    for (mode, end) in ends.into_iter().enumerate() {
        ports.insert(format!("out{mode}"), Value::from(end));
    }
    json!({"instances": instances, "connections": connections, "ports": ports})
}

/// A netlist for each mesh of a program, by the path that the other formats use.
fn program_netlists(program: &Program) -> Value {
    let mut netlists = serde_json::Map::new();
    for (layer, tiles) in named_layers(program) {
        for (number, tile) in tiles.iter().enumerate() {
            netlists.insert(format!("{layer}.{number}.input"), netlist(&tile.input));
            netlists.insert(format!("{layer}.{number}.output"), netlist(&tile.output));
        }
    }
    Value::Object(netlists)
}
