//! JSON documents, told by the keys that only they have.

use serde_json::Value;

use super::Known;
use crate::compile::Compiled;
use crate::error::{Context, Result};
use crate::io::Source;
use crate::mesh::{Described, Mesh};

/// Whose record a JSON document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Record {
    /// Of `infer`, or a list of them of `demo`.
    Results,
    /// `manifest.json` of a sweep.
    Manifest,
    /// Of `generate`.
    Text,
    /// Of `validate`.
    Validation,
    /// Of `bench`.
    Bench,
    /// Of `twin`.
    Twin,
    /// Of `inspect`.
    Inspection,
    /// `figures.json`: the figures that `report` wrote, each with its SHA-256.
    Figures,
}

impl Record {
    /// Its name, such as `results`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Results => "results",
            Self::Manifest => "manifest",
            Self::Text => "text",
            Self::Validation => "validation",
            Self::Bench => "bench",
            Self::Twin => "twin",
            Self::Inspection => "inspection",
            Self::Figures => "figures",
        }
    }

    /// Whose record `value` is, if it is one.
    fn of(value: &Value) -> Option<Self> {
        let has = |key: &str| value.get(key).is_some();
        let is_text = |key: &str| value.get(key).is_some_and(Value::is_string);
        let first = value.get(0).unwrap_or(value);
        // First, for it repeats keys of what was inspected.
        if is_text("kind") && is_text("file") {
            Some(Self::Inspection)
        } else if first.get("noisy").is_some() {
            Some(Self::Results)
        } else if is_text("text") && is_text("digital_text") {
            Some(Self::Text)
        } else if has("rows_format") {
            Some(Self::Manifest)
        } else if has("sections") && has("values") {
            Some(Self::Validation)
        } else if has("chi_squared_per_freedom") {
            Some(Self::Twin)
        } else if has("machine") {
            Some(Self::Bench)
        } else {
            is_list_of_figures(value).then_some(Self::Figures)
        }
    }
}

/// Whether `value` maps names of drawings to hashes.
fn is_list_of_figures(value: &Value) -> bool {
    let is_sha256 = |text: &str| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    value.as_object().is_some_and(|files| {
        let is_figure = |(name, sha256): (&String, &Value)| {
            name.ends_with(".svg") && sha256.as_str().is_some_and(is_sha256)
        };
        !files.is_empty() && files.iter().all(is_figure)
    })
}

/// JSON that lightloom writes or reads; what it does not know is read as a mesh.
pub(super) fn of_json(source: &Source) -> Result<Known> {
    let value: Value = serde_json::from_slice(source.bytes()).unwrap_or_default();
    if let Some(of) = Record::of(&value) {
        return Ok(Known::Record { of, value });
    }
    let first = value.get(0).unwrap_or(&value);
    if first.get("phase_rad").is_some() {
        let shifters = value.as_array().map_or(1, Vec::len);
        return Ok(Known::Phases { shifters });
    }
    if value.get("unitary_re").is_some() && value.get("cells").is_none() {
        let modes = value["unitary_re"].as_array().map_or(0, Vec::len);
        return Ok(Known::Unitary { modes });
    }
    if let Some(meshes) = netlists(first) {
        return Ok(Known::Netlist { meshes });
    }
    match Compiled::described(source)? {
        Described::Mesh(mesh) => Ok(Known::Mesh(mesh)),
        Described::Notation(notation) => {
            let mesh = Mesh::from_notation(&notation).within(source.name())?;
            Ok(Known::Cells { notation, mesh })
        }
    }
}

/// How many netlists `value` holds: one, or one a tile; nothing if it is something else.
fn netlists(value: &Value) -> Option<usize> {
    let tiles = value.as_object()?;
    if tiles.contains_key("instances") {
        return Some(1);
    }
    let is_netlist = |tile: &Value| tile.get("netlist").is_some();
    tiles.values().any(is_netlist).then_some(tiles.len())
}
