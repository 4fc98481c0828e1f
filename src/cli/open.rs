//! Meshes and programs, told by their content.

use std::path::Path;

use anyhow::Result;

use super::output;
use crate::compile::{Program, Tile};
use crate::error::Error;
use crate::io::content::refused;
use crate::io::safetensors;
use crate::mesh::{Described, Mesh};
use crate::nn::Model;

/// What `decompose` and `compile` write, and the phases of other packages.
pub enum Compiled {
    Mesh(Mesh),
    Program(Program),
}

/// The mesh or program at `path`, or on stdin.
pub fn compiled(path: &Path) -> Result<Compiled> {
    let bytes = output::read(path)?;
    let parsed = if output::looks_like_safetensors(&bytes) {
        safetensors::parse(&bytes)
            .and_then(Program::from_bundle)
            .map(Compiled::Program)
    } else {
        read_mesh(&bytes, "a mesh file (JSON) or a program")
            .and_then(Described::into_mesh)
            .map(Compiled::Mesh)
    };
    output::in_file(path, parsed)
}

/// What the mesh file at `path`, or on stdin, describes.
pub fn described(path: &Path) -> Result<Described> {
    let bytes = output::read(path)?;
    output::in_file(path, read_mesh(&bytes, "a mesh file (JSON)"))
}

fn read_mesh(bytes: &[u8], wanted: &str) -> crate::Result<Described> {
    let text = std::str::from_utf8(bytes).ok();
    match text.filter(|text| text.trim_start().starts_with('{')) {
        Some(text) => Described::from_json(text),
        None => Err(refused(bytes, wanted)),
    }
}

pub fn mesh(path: &Path) -> Result<Mesh> {
    match compiled(path)? {
        Compiled::Mesh(mesh) => Ok(mesh),
        Compiled::Program(_) => output::in_file(
            path,
            Err(Error::format(
                "content",
                "is a program: must be a mesh file",
            )),
        ),
    }
}

pub fn program(path: &Path) -> Result<Program> {
    match Model::only_ending(path) {
        Some(kind) => {
            let what = format!("is a network (.{kind}): compile it first (lightloom compile)");
            output::in_file(path, Err(Error::format("content", what)))
        }
        None => match compiled(path)? {
            Compiled::Program(program) => Ok(program),
            Compiled::Mesh(_) => output::in_file(
                path,
                Err(Error::format("content", "is a mesh: must be a program")),
            ),
        },
    }
}

/// The number of the layer called `name`; the first layer without a name.
pub fn layer(program: &Program, name: Option<&str>) -> Result<usize> {
    let layers = &program.model().layers;
    let Some(name) = name else { return Ok(0) };
    let found = layers.iter().position(|layer| layer.name == name);
    found.ok_or_else(|| {
        let names: Vec<&str> = layers.iter().map(|layer| layer.name.as_str()).collect();
        Error::unknown("--layer", name, &names).into()
    })
}

/// A tile of a layer by its number.
pub fn tile(program: &Program, layer: usize, number: usize) -> Result<&Tile> {
    let tiles = &program.tiles()[layer];
    tiles.get(number).ok_or_else(|| {
        Error::value("--tile", number, format!("a number below {}", tiles.len())).into()
    })
}
