//! The mesh file: versioned JSON that people read. `meshes/README.md` is its specification.

use std::fmt::Write as _;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use super::{Geometry, Mesh, Node};
use crate::error::{Context, Error, Result};
use crate::io::write_atomic;

/// The specification, whose example runs as a test.
#[cfg(doctest)]
#[doc = include_str!("../../meshes/README.md")]
struct Specification;

/// What `format` must say.
const FORMAT: &str = "lightloom-mesh";

/// The version that this reader knows and this writer writes.
const VERSION: u64 = 1;

/// What tells whether the rest can be read; other keys are none of its business.
#[derive(Deserialize)]
struct Header {
    format: String,
    version: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "format")]
    _format: String,
    #[serde(rename = "version")]
    _version: u64,
    #[serde(rename = "name", default)]
    _name: Option<String>,
    modes: usize,
    #[serde(default)]
    geometry: Option<Geometry>,
    nodes: Vec<Entry>,
    screen_rad: Vec<f64>,
    #[serde(default)]
    asked: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    column: usize,
    top: usize,
    bottom: usize,
    theta_rad: f64,
    phi_rad: f64,
}

impl Mesh {
    /// The mesh in the file at `path`.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be read; those of [`from_json`](Self::from_json), within `path`.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = std::fs::File::open(path).map_err(|error| Error::io(path, error))?;
        Self::read_json(file).within(path.display())
    }

    /// Writes the mesh to the file at `path`, which appears whole or not at all; `load(save(x)) == x` to the
    /// bit.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        write_atomic(path, |writer| {
            let text = self.to_json();
            writer
                .write_all(text.as_bytes())
                .map_err(|error| Error::io(path, error))
        })
    }

    /// The mesh that `reader` holds as the text of a mesh file.
    ///
    /// # Errors
    /// [`Error::Format`] if the bytes cannot be read or are not UTF-8; those of
    /// [`from_json`](Self::from_json).
    pub fn read_json(mut reader: impl Read) -> Result<Self> {
        let mut text = String::new();
        reader
            .read_to_string(&mut text)
            .map_err(|error| Error::format("mesh file", error.to_string()))?;
        Self::from_json(&text)
    }

    /// The mesh in the text of a mesh file.
    ///
    /// # Errors
    /// [`Error::Format`] with line and column if the text is cut off, no JSON, or has a key that version 1
    /// does not know; [`Error::Value`] for another `format` or `version`, a `geometry` that the nodes do not
    /// follow, or nodes that light cannot meet; [`Error::Shape`] if `screen_rad` does not have `modes` phases.
    pub fn from_json(text: &str) -> Result<Self> {
        let malformed = |error| Error::json("mesh file", text, &error);
        let header: Header = serde_json::from_str(text).map_err(malformed)?;
        if header.format != FORMAT {
            return Err(Error::value("format", header.format, FORMAT));
        }
        if header.version != VERSION {
            return Err(Error::value("version", header.version, VERSION.to_string()));
        }
        let file: File = serde_json::from_str(text).map_err(malformed)?;
        // `modes` is only a claim until as many phases stand behind it.
        if file.screen_rad.len() != file.modes {
            let limit = format!("[{}], one phase per mode", file.modes);
            return Err(Error::shape("screen_rad", [file.screen_rad.len()], limit));
        }
        let nodes = file.nodes.iter().map(|entry| Node {
            column: entry.column,
            top: entry.top,
            bottom: entry.bottom,
        });
        let mut mesh = Self::new(
            file.modes,
            nodes.collect(),
            file.nodes.iter().map(|entry| entry.theta_rad).collect(),
            file.nodes.iter().map(|entry| entry.phi_rad).collect(),
            file.screen_rad,
        )?;
        if let Some(geometry) = file.geometry {
            // The smallest rectangles are triangles too.
            if !geometry.is_of(mesh.modes, &mesh.nodes) {
                let limit = match mesh.geometry {
                    Some(found) => format!("{found}, which the nodes follow"),
                    None => "null: the nodes follow no named geometry".to_owned(),
                };
                return Err(Error::value("geometry", geometry, limit));
            }
            mesh.geometry = Some(geometry);
        }
        mesh.is_asked = file.asked;
        Ok(mesh)
    }

    /// The text of the mesh's file: one node a line, every phase with the digits that restore it to the bit.
    pub fn to_json(&self) -> String {
        let geometry = self
            .geometry
            .map_or("null".to_owned(), |geometry| format!("\"{geometry}\""));
        let mut text = format!(
            "{{\n  \"format\": \"{FORMAT}\",\n  \"version\": {VERSION},\n  \"modes\": {},\n  \"geometry\": {geometry},\n  \"nodes\": [",
            self.modes
        );
        for (index, node) in self.nodes.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(
                text,
                "{comma}\n    {{\"column\": {}, \"top\": {}, \"bottom\": {}, \"theta_rad\": {}, \"phi_rad\": {}}}",
                node.column,
                node.top,
                node.bottom,
                number(self.phases.theta[index]),
                number(self.phases.phi[index]),
            )
            .expect("a String takes any text");
        }
        let screen: Vec<String> = self
            .phases
            .screen
            .iter()
            .map(|phase| number(*phase))
            .collect();
        let end = if self.nodes.is_empty() { "" } else { "\n  " };
        let asked = match self.is_asked {
            true => ",\n  \"asked\": true",
            false => "",
        };
        write!(
            text,
            "{end}],\n  \"screen_rad\": [{}]{asked}\n}}\n",
            screen.join(", ")
        )
        .expect("a String takes any text");
        text
    }
}

/// The shortest JSON number that reads back as the same bits.
fn number(value: f64) -> String {
    serde_json::to_string(&value).expect("a mesh holds finite phases only")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::compare::{golden, io};
    use crate::linalg::{C64, Matrix, max_abs_difference};
    use crate::mesh::decompose;
    use crate::rng::{Effect, Seed};

    fn meshes() -> Vec<Mesh> {
        let mut meshes = Vec::new();
        for n in [1, 2, 3, 4, 9, 32] {
            for geometry in [Geometry::Clements, Geometry::Reck] {
                let mut stream = Seed(8).stream(Effect::Haar, n as u64, 0, 0);
                meshes.push(Mesh::haar(geometry, n, &mut stream).unwrap());
            }
            let others = ["diamond", "butterfly", "clements+3"].map(|name| name.parse().unwrap());
            meshes.extend(others.iter().filter_map(|other| Mesh::bar(*other, n).ok()));
        }
        let node = |column, top, bottom| Node {
            column,
            top,
            bottom,
        };
        let nodes = vec![node(0, 0, 2), node(5, 2, 1)];
        let phases = (vec![-0.0, 1e-300], vec![-1e9, 5e-324]);
        meshes
            .push(Mesh::new(3, nodes, phases.0, phases.1, vec![0.1, 1.0 / 3.0, f64::MAX]).unwrap());
        meshes
    }

    fn same_bits(a: &Mesh, b: &Mesh) -> bool {
        let bits = |phases: &[f64]| phases.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        let all = |mesh: &Mesh| {
            [
                bits(&mesh.phases.theta),
                bits(&mesh.phases.phi),
                bits(&mesh.phases.screen),
            ]
        };
        a == b && all(a) == all(b)
    }

    #[test]
    fn a_saved_mesh_loads_to_the_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.mesh.json");
        for mesh in meshes() {
            mesh.save(&path).unwrap();
            assert!(same_bits(&Mesh::load(&path).unwrap(), &mesh));
            assert!(same_bits(
                &Mesh::read_json(mesh.to_json().as_bytes()).unwrap(),
                &mesh
            ));
            let asked = mesh.said_asked();
            assert_eq!(Mesh::from_json(&asked.to_json()).unwrap(), asked);
        }
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            1,
            "nothing else is left"
        );
    }

    #[test]
    fn every_truncated_file_is_refused() {
        let text = Mesh::bar(Geometry::Diamond, 3).unwrap().to_json();
        for end in 0..text.trim_end().len() {
            assert!(Mesh::from_json(&text[..end]).is_err(), "{end}");
        }
    }

    #[test]
    fn what_a_file_must_not_say_is_named() {
        let good = Mesh::bar(Geometry::Clements, 4).unwrap().to_json();
        for (from, to) in [
            ("lightloom-mesh", "mesh"),
            ("\"version\": 1", "\"version\": 2"),
            ("\"modes\": 4", "\"modes\": 4, \"size\": 4"),
            ("\"column\": 0,", "\"column\": 0, \"loss\": 0,"),
            ("\"modes\": 4", "\"modes\": 5"),
            ("\"modes\": 4", "\"modes\": 18446744073709551615"),
            ("\"clements\"", "\"reck\""),
            ("\"clements\"", "\"round\""),
            ("\"column\": 0", "\"column\": 9"),
            ("\"top\": 0", "\"top\": 4"),
            ("\"phi_rad\": 0.0", "\"phi_rad\": NaN"),
            ("\"phi_rad\": 0.0", "\"phi_rad\": 1e999"),
            ("\"phi_rad\": 0.0", "\"phi_rad\": null"),
            ("\"modes\": 4,", ""),
            ("]\n}", "]\n} {}"),
        ] {
            let text = good.replacen(from, to, 1);
            assert_ne!(text, good, "{from}");
            let asked = format!("{to} for {from}");
            golden(&asked, Mesh::from_json(&text).unwrap_err());
        }
    }

    #[test]
    fn a_file_may_have_a_name_and_leave_the_geometry_to_the_nodes() {
        let mesh = Mesh::bar(Geometry::Reck, 5).unwrap();
        let text = mesh.to_json();
        let named = text.replacen("\"modes\"", "\"name\": \"bar\", \"modes\"", 1);
        assert_eq!(Mesh::from_json(&named).unwrap(), mesh);
        let null = text.replacen("\"reck\"", "null", 1);
        assert_eq!(Mesh::from_json(&null).unwrap(), mesh);
    }

    #[test]
    fn a_missing_file_and_a_missing_folder_are_named() {
        for error in [
            Mesh::load("no/such.mesh.json").unwrap_err(),
            meshes()[0].save("no/such.mesh.json").unwrap_err(),
        ] {
            assert_eq!(error.refusal(), io("no/such.mesh.json"));
        }
    }

    /// The matrices of the example files, row = output mode.
    fn example(name: &str) -> Matrix {
        match name {
            // (F)_{jk} = e^{−2πi jk/8} / √8
            "dft-8-clements" => Matrix::from_fn(8, 8, |row, col| {
                let turns = (row * col % 8) as f64 / 8.0;
                C64::from_polar(8f64.sqrt().recip(), -std::f64::consts::TAU * turns)
            }),
            _ => {
                let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/meshes/haar-4.unitary.json");
                let text = std::fs::read_to_string(folder).unwrap();
                let parts: std::collections::BTreeMap<String, Vec<Vec<f64>>> =
                    serde_json::from_str(&text).unwrap();
                let (re, im) = (&parts["unitary_re"], &parts["unitary_im"]);
                Matrix::from_fn(4, 4, |row, col| C64::new(re[row][col], im[row][col]))
            }
        }
    }

    #[test]
    fn example_files_hold_the_decomposition_of_their_matrices() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("meshes");
        for (name, geometry) in [
            ("haar-4-clements", Geometry::Clements),
            ("haar-4-reck", Geometry::Reck),
            ("dft-8-clements", Geometry::Clements),
        ] {
            let path = folder.join(name).with_extension("mesh.json");
            let u = example(name);
            let solved = decompose(&u, geometry).unwrap();
            // LIGHTLOOM_WRITE_MESHES=1 writes the files anew.
            if std::env::var_os("LIGHTLOOM_WRITE_MESHES").is_some() {
                solved.save(&path).unwrap();
            }
            let mesh = Mesh::load(&path).unwrap();
            assert_eq!(mesh.geometry(), Some(geometry));
            assert!(max_abs_difference(&mesh.transfer(), &u) < 1e-14, "{name}");
            let phases = |mesh: &Mesh| [mesh.theta(), mesh.phi(), mesh.screen()].concat();
            for (x, y) in phases(&mesh).iter().zip(phases(&solved)) {
                let off = (x - y).abs();
                assert!(
                    off.min(std::f64::consts::TAU - off) < 1e-12,
                    "{name}: {x} {y}"
                );
            }
        }
    }
}
