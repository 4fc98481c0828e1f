//! Meshes and programs, told by their content.

use super::file::is_network;
use super::{Program, read_network};
use crate::error::{Error, Result};
use crate::io::content::{Content, refused};
use crate::io::{Format, Source, safetensors};
use crate::mesh::{Described, Mesh};
use crate::nn::{Dataset, Hints, Loaded, Network, Selection};

/// What `decompose` and `compile` write, and the phases of other packages.
#[derive(Debug, Clone, PartialEq)]
pub enum Compiled {
    /// One mesh.
    Mesh(Mesh),
    /// A network on meshes.
    Program(Program),
}

impl Compiled {
    /// The mesh or program in `source`.
    ///
    /// # Errors
    /// [`Error::Format`] and [`Error::Value`] if it is neither, named.
    pub fn read(source: &Source) -> Result<Self> {
        source.parse(|bytes| match source.format() {
            Format::Safetensors if Content::of(bytes) == Some(Content::Safetensors) => {
                let bundle = safetensors::parse(bytes)?;
                Ok(Self::Program(Program::from_bundle(bundle)?))
            }
            _ => {
                let described = described(bytes, "a mesh file (JSON) or a program")?;
                Ok(Self::Mesh(described.into_mesh()?))
            }
        })
    }

    /// Whether its phases are what the heaters of one chip are asked for.
    pub fn is_asked(&self) -> bool {
        match self {
            Self::Mesh(mesh) => mesh.is_asked(),
            Self::Program(program) => program.is_asked(),
        }
    }

    /// The mesh in `source`.
    ///
    /// # Errors
    /// As [`read`](Self::read), and [`Error::Format`] for a program.
    pub fn mesh(source: &Source) -> Result<Mesh> {
        match Self::read(source)? {
            Self::Mesh(mesh) => Ok(mesh),
            Self::Program(_) => Err(Error::format(
                source.name(),
                "is a program: must be a mesh file",
            )),
        }
    }

    /// What the mesh file in `source` describes.
    ///
    /// # Errors
    /// [`Error::Format`] and [`Error::Value`] if it is none, named.
    pub fn described(source: &Source) -> Result<Described> {
        source.parse(|bytes| described(bytes, "a mesh file (JSON)"))
    }
}

fn described(bytes: &[u8], wanted: &str) -> Result<Described> {
    let text = std::str::from_utf8(bytes).ok();
    match text.filter(|text| text.trim_start().starts_with('{')) {
        Some(text) => Described::from_json(text),
        None => Err(refused(bytes, wanted)),
    }
}

impl Program {
    /// The program in `source`.
    ///
    /// # Errors
    /// [`Error::Format`] and [`Error::Value`] for anything else, which says what it is.
    pub fn read(source: &Source) -> Result<Self> {
        let refused = |reason: &str| Err(Error::format(source.name(), reason));
        let compile = "compile it first (lightloom compile)";
        let is_data = || Dataset::read(source.clone(), Selection::default()).is_ok();
        match source.format() {
            Format::Npz if is_data() => refused("is a data set: must be a program"),
            Format::Npy | Format::Table | Format::Parquet => refused("is data: must be a program"),
            format => match format.of_network() {
                Some(kind) => refused(&format!("is a network (.{kind}): {compile}")),
                None => match Compiled::read(source)? {
                    Compiled::Program(program) => Ok(program),
                    Compiled::Mesh(_) => refused("is a mesh: must be a program"),
                },
            },
        }
    }

    /// Whether `source` is a compiled network.
    pub fn is_in(source: &Source) -> bool {
        source.format() == Format::Safetensors
            && safetensors::parse(source.bytes()).is_ok_and(|bundle| Self::is_program(&bundle))
    }
}

/// The network in `source`: what training leaves, as [`Network::read`] takes it, or what
/// [`write_network`](super::write_network) wrote, of which all is known.
///
/// # Errors
/// As [`Network::read`] and [`read_network`], named; [`Error::Format`] for hints beside a file that says all.
pub fn load_network(source: &Source, hints: &Hints) -> Result<Loaded> {
    if source.format() == Format::Safetensors && is_network(source.bytes()) {
        if *hints != Hints::default() {
            let what = "is a network that lightloom wrote, and says all of itself: must have no activation, layers, scale or \
                        the like beside it";
            return Err(Error::format(source.name(), what));
        }
        return Ok(Loaded {
            network: source.parse(|bytes| read_network(safetensors::parse(bytes)?))?,
            assumed: None,
            entry: None,
        });
    }
    Network::read(source, hints)
}
