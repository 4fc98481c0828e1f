//! The mesh file: versioned JSON that people read. `meshes/README.md` is its specification.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::path::Path;

use serde::Deserialize;

use super::{Geometry, Mesh, Node};
use crate::error::{Context, Error, Result};

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
        write_atomic(path, |writer| writer.write_all(self.to_json().as_bytes()))
            .map_err(|error| Error::io(path, error))
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
        let malformed = |error: serde_json::Error| Error::format("mesh file", error.to_string());
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
                number(self.theta[index]),
                number(self.phi[index]),
            )
            .expect("a String takes any text");
        }
        let screen: Vec<String> = self.screen.iter().map(|phase| number(*phase)).collect();
        let end = if self.nodes.is_empty() { "" } else { "\n  " };
        write!(
            text,
            "{end}],\n  \"screen_rad\": [{}]\n}}\n",
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

/// Writes beside `path`, then moves the whole file there.
fn write_atomic(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    write(&mut file)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
