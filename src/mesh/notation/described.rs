//! What a file of one mesh can be: our own, or phases of another package.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::Notation;
use crate::error::{Error, Result};
use crate::mesh::Mesh;

/// A mesh as its file describes it.
#[derive(Debug, Clone, PartialEq)]
pub enum Described {
    /// A mesh file.
    Mesh(Mesh),
    /// Phases of another package, as they stand or under the key `cells` of an object that says where they are from.
    Notation(Notation),
}

/// The keys that tell the two apart.
#[derive(Deserialize)]
struct Keys {
    cells: Option<IgnoredAny>,
    elements: Option<IgnoredAny>,
}

/// An object that holds cells and says of them what it likes.
#[derive(Deserialize)]
struct Wrapped {
    cells: Notation,
}

impl Described {
    /// What the JSON `text` describes: cells if it has the key `elements` or `cells`, else a mesh file.
    ///
    /// # Errors
    /// Those of [`Mesh::from_json`] and [`Notation::from_json`].
    pub fn from_json(text: &str) -> Result<Self> {
        match serde_json::from_str(text) {
            Ok(Keys { cells: Some(_), .. }) => {
                let wrapped: Result<Wrapped, _> = serde_json::from_str(text);
                let wrapped = wrapped.map_err(|error| Error::json("cells", text, &error))?;
                Ok(Self::Notation(wrapped.cells))
            }
            Ok(Keys {
                elements: Some(_), ..
            }) => Notation::from_json(text).map(Self::Notation),
            _ => Mesh::from_json(text).map(Self::Mesh),
        }
    }

    /// The mesh: that of a mesh file, or [`Mesh::from_notation`].
    ///
    /// # Errors
    /// Those of [`Mesh::from_notation`].
    pub fn into_mesh(self) -> Result<Mesh> {
        match self {
            Self::Mesh(mesh) => Ok(mesh),
            Self::Notation(notation) => Mesh::from_notation(&notation),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::compare::{golden, value};
    use crate::mesh::{Convention, Geometry};

    #[test]
    fn a_mesh_file_and_cells_are_told_apart_by_their_keys() {
        let mesh = Mesh::bar(Geometry::Clements, 4).unwrap();
        let cells = mesh.to_notation(Convention::Perceval);
        let bare = cells.to_json();
        let wrapped = format!("{{\"package\": \"p\", \"cells\": {bare}, \"notes\": [1]}}");
        let read = |text: &str| Described::from_json(text).unwrap();
        assert_eq!(read(&mesh.to_json()), Described::Mesh(mesh.clone()));
        assert_eq!(read(&bare), Described::Notation(cells.clone()));
        assert_eq!(read(&wrapped), Described::Notation(cells.clone()));
        let made = read(&wrapped).into_mesh().unwrap();
        assert_eq!(made, Mesh::from_notation(&cells).unwrap());
        assert_eq!(read(&mesh.to_json()).into_mesh().unwrap(), mesh);
    }

    #[test]
    fn what_is_neither_is_refused_as_what_it_is_nearest_to() {
        let unknown = "{\"convention\": \"none\", \"modes\": 2,\n\"elements\": []}";
        let wrapped = format!("{{\"package\": \"p\",\n\"cells\": {unknown}}}");
        for text in ["{}", "{\"modes\": 2,", unknown, &wrapped] {
            golden(text, Described::from_json(text).unwrap_err());
        }
        let mode = r#"{"cells": {"convention": "clements", "modes": 2, "elements": [
            {"cell": {"modes": [0, 2], "phases_rad": [0.1, 0.2]}}]}}"#;
        let refused = Described::from_json(mode).unwrap().into_mesh().unwrap_err();
        let mode = value("mode", "2").within("elements[0]");
        assert_eq!(refused.refusal(), mode);
    }
}
