//! Netlists for SAX.

use serde_json::{Value, json};

use crate::compile::Program;
use crate::error::Result;
use crate::mesh::Mesh;

/// A SAX netlist of a mesh: components `mzi` (theta, phi; ports in0, in1, out0, out1, 0 = top) and `phase`
/// (phi; ports in0, out0).
pub fn mesh(mesh: &Mesh) -> Value {
    let mut circuit = Circuit::new(mesh.modes());
    circuit.push_mesh("", mesh);
    circuit.finish()
}

/// For each tile of a program the netlist of its whole path (V†, attenuators, U) and what stays digital: the
/// scale, those of rows where they have their own, and the block of the layer's matrix that it covers.
///
/// Output k of the netlist is amplitude k of `U diag(a) V†`; ports beyond rows and cols are padding.
///
/// # Errors
/// [`Error::Unsupported`](crate::Error::Unsupported) if a tile has no meshes.
pub fn program(program: &Program) -> Result<Value> {
    let mut tiles_by_path = serde_json::Map::new();
    for map in program.maps() {
        let layer = &map.linear.name;
        for (number, tile) in map.tiles.iter().enumerate() {
            let meshes = tile.as_meshes()?;
            let mut circuit = Circuit::new(meshes.input.modes());
            circuit.push_mesh("v_", &meshes.input);
            circuit.push_attenuators(&meshes.attenuators);
            // What no attenuator leads on ends here, ancillas too.
            circuit.resize(meshes.attenuators.len());
            circuit.resize(meshes.output.modes());
            circuit.push_mesh("u_", &meshes.output);
            let mut entry = json!({
                "scale": tile.scale, "row": tile.row, "col": tile.col, "rows": tile.rows, "cols": tile.cols,
                "netlist": circuit.finish(),
            });
            if let Some(scales) = &tile.row_scales {
                entry["row_scales"] = json!(scales);
            }
            tiles_by_path.insert(format!("{layer}.{number}"), entry);
        }
    }
    Ok(Value::Object(tiles_by_path))
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
