//! Meshes and programs, told by their content.

use std::path::Path;

use anyhow::Result;

use super::output;
use crate::compile::{Map, Program, Tile};
use crate::error::Error;
use crate::hardware::{Hardware, preset};
use crate::io::content::{Content, refused};
use crate::io::{self, Format, Source, safetensors};
use crate::mesh::{Described, Mesh};
use crate::nn::{Dataset, Selection};

/// What `decompose` and `compile` write, and the phases of other packages.
pub(super) enum Compiled {
    Mesh(Mesh),
    Program(Program),
}

/// The mesh or program at `path`, or on stdin.
pub fn compiled(path: &Path) -> Result<Compiled> {
    Ok(compiled_in(&output::source(path)?)?)
}

/// The mesh or program in `source`.
fn compiled_in(source: &Source) -> crate::Result<Compiled> {
    source.parse(|bytes| match source.format() {
        Format::Safetensors if Content::of(bytes) == Some(Content::Safetensors) => {
            let bundle = safetensors::parse(bytes)?;
            Ok(Compiled::Program(Program::from_bundle(bundle)?))
        }
        _ => {
            let described = read_mesh(bytes, "a mesh file (JSON) or a program")?;
            Ok(Compiled::Mesh(described.into_mesh()?))
        }
    })
}

/// What the mesh file in `source` describes.
pub fn described(source: &Source) -> crate::Result<Described> {
    source.parse(|bytes| read_mesh(bytes, "a mesh file (JSON)"))
}

fn read_mesh(bytes: &[u8], wanted: &str) -> crate::Result<Described> {
    let text = std::str::from_utf8(bytes).ok();
    match text.filter(|text| text.trim_start().starts_with('{')) {
        Some(text) => Described::from_json(text),
        None => Err(refused(bytes, wanted)),
    }
}

/// The program in `source`.
pub fn program(source: &Source) -> crate::Result<Program> {
    let refused = |reason: &str| Err(Error::format(source.name(), reason));
    let compile = "compile it first (lightloom compile)";
    match source.format() {
        Format::Npz if is_data(source) => refused("is a data set: must be a program"),
        Format::Npy | Format::Table | Format::Parquet => refused("is data: must be a program"),
        format => match format.of_network() {
            Some(kind) => refused(&format!("is a network (.{kind}): {compile}")),
            None => match compiled_in(source)? {
                Compiled::Program(program) => Ok(program),
                Compiled::Mesh(_) => refused("is a mesh: must be a program"),
            },
        },
    }
}

/// Whether `source` can be read as a data set.
pub fn is_data(source: &Source) -> bool {
    Dataset::read(source.clone(), Selection::default()).is_ok()
}

/// Whether `source` is a compiled network.
pub fn is_program(source: &Source) -> bool {
    source.format() == Format::Safetensors
        && safetensors::parse(source.bytes()).is_ok_and(|bundle| Program::is_program(&bundle))
}

/// A preset by its name, or else a TOML file by its path.
pub fn hardware(name_or_path: &str) -> crate::Result<Hardware> {
    let path = Path::new(name_or_path);
    let is_path = io::extension(path) == "toml" || path.components().count() > 1;
    match is_path && preset(name_or_path).is_none() {
        // That there is no such file says more than what else it could be.
        true => Source::open(path)?.parse(|bytes| {
            let text = std::str::from_utf8(bytes)
                .map_err(|_| Error::format("content", "is not UTF-8 text"))?;
            Hardware::from_toml(text)
        }),
        false => Hardware::open(name_or_path),
    }
}

/// The layer called `name`; the first layer without a name.
pub fn layer<'a>(program: &'a Program, name: Option<&str>) -> Result<Map<'a>> {
    let found = program
        .maps()
        .find(|map| name.is_none_or(|name| map.linear.name == name));
    found.ok_or_else(|| {
        let names: Vec<&str> = program.maps().map(|map| &*map.linear.name).collect();
        Error::unknown("--layer", name.unwrap_or_default(), &names).into()
    })
}

/// A tile of a layer by its number.
pub fn tile<'a>(layer: Map<'a>, number: usize) -> Result<&'a Tile> {
    let count = layer.tiles.len();
    layer
        .tiles
        .get(number)
        .ok_or_else(|| Error::value("--tile", number, format!("a number below {count}")).into())
}
