//! The program file: a safetensors bundle of f64 phases and weights with one versioned JSON header.
//!
//! Tensors: `maps.I.weight` (complex: a last axis of real and imaginary part; of several groups: a first axis of them), for
//! each tile of meshes `maps.I.tiles.J.` + `input.theta_rad`, `input.phi_rad`, `input.screen_rad`, `attenuators_rad`,
//! `output.theta_rad`, `output.phi_rad`, `output.screen_rad`. Then `layers.I.bias` of a chain, or the file of a graph as
//! the bytes `graph.onnx`. A crossbar holds its weights, no phases.
//! Files of version 1, which had `layers` where `maps` stands, are read too.

mod header;
mod network;
mod tensors;

pub(super) use network::is_network;
pub use network::{read_network, write_network};

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use rayon::prelude::*;

use self::header::{Freedom, Header, MapHeader, TileHeader};
use self::tensors::{map_prefix, put, put_body, put_map, take_body, take_linear, take_vector};
use super::cover::check_cover;
use super::weights::{Held, Weights};
use super::{Array, Crossbar, Layout, Meshes, Multiplier, Program, Tile, check_tile_size, matrix};
use crate::error::{Context, Error, Result};
use crate::io::Tensors;
use crate::io::hash::sha256;
use crate::io::safetensors::{self, Bundle};
use crate::linalg::{C64, Matrix, spectral_norm};
use crate::mesh::{Geometry, Mesh, Phases};
use crate::nn::{LinearId, Network};

/// The metadata key that marks a program file.
const KEY: &str = "lightloom-program";

impl Program {
    /// Whether `bundle` claims to be a program file.
    pub fn is_program(bundle: &Bundle) -> bool {
        bundle.metadata.contains_key(KEY)
    }

    /// Writes the program file.
    ///
    /// # Errors
    /// [`Error::Io`] if `writer` fails.
    pub fn write(&self, writer: impl Write) -> Result<()> {
        let mut tensors = Tensors::new();
        let mut maps = Vec::new();
        for map in self.maps() {
            let header = put_map(&mut tensors, map.id, map.linear)?;
            let prefix = map_prefix(map.id);
            for (number, tile) in map.tiles.iter().enumerate() {
                if let Array::Meshes(meshes) = &tile.array {
                    put_meshes(&mut tensors, &format!("{prefix}.tiles.{number}"), meshes)?;
                }
            }
            maps.push(MapHeader {
                tiles: map.tiles.iter().map(tile_header).collect(),
                ..header
            });
        }
        let network = self.network();
        let body = put_body(&mut tensors, network)?;
        let layout = self.layout();
        let header = Header {
            version: Header::VERSION,
            geometry: layout.multiplier,
            tile: layout.tile,
            weights: layout.weights,
            freedom: Freedom {
                arrangement: layout.arrangement,
                aim: layout.aim,
                seed: layout.seed,
            },
            trained: self
                .has_trained_phases()
                .then(|| hash(self.maps().flat_map(|map| map.tiles))),
            asked: self.is_asked(),
            input: network.input.clone(),
            readout: network.readout,
            maps,
            body,
        };
        let header = serde_json::to_string(&header).expect("a header is plain data");
        safetensors::write(writer, &tensors, (KEY, &header))
    }

    /// Whether the phases of its universal meshes make other matrices than the weights of its network: they were trained
    /// themselves, or for one chip.
    pub fn has_trained_phases(&self) -> bool {
        let layout = self.layout();
        layout.multiplier.is_universal()
            && self.maps().any(|map| {
                let weight = matrix(&map.linear.whole());
                check_phases(map.tiles, &weight, layout.weights).is_err()
            })
    }

    /// Reads the program file at `path`.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read; [`Error::Format`], [`Error::Shape`], [`Error::NotFinite`] if it is
    /// not a whole and consistent program file of this version, or the phases of its universal meshes, unless they were
    /// trained, do not make its weights.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bundle = safetensors::read(path)?;
        Self::from_bundle(bundle).within(path.display())
    }

    /// The program in a bundle that was read already.
    ///
    /// # Errors
    /// As [`load`](Self::load), without the file's name.
    pub fn from_bundle(bundle: Bundle) -> Result<Self> {
        let Bundle {
            mut tensors,
            metadata,
        } = bundle;
        let header = metadata.get(KEY).ok_or_else(|| {
            Error::format(
                "program",
                "is a safetensors file without phases: compile it first (lightloom compile)",
            )
        })?;
        let header = Header::read(header)?;
        if let Some(size) = header.tile {
            check_tile_size(size)?;
        }
        let mut linears = Vec::new();
        let mut tiles = BTreeMap::new();
        for (index, map) in header.maps.iter().enumerate() {
            let prefix = format!("{}.{index}", header.maps_prefix());
            let linear = take_linear(&mut tensors, &prefix, map)?;
            check_cover(map.tiles.iter().map(TileHeader::block), &linear).within(&prefix)?;
            let weight = matrix(&linear.whole());
            let mut of_map = Vec::new();
            for (number, tile) in map.tiles.iter().enumerate() {
                let prefix = format!("{prefix}.tiles.{number}");
                let tile = take_tile(&mut tensors, &prefix, tile, &header, &weight);
                of_map.push(tile.within(&prefix)?);
            }
            if header.geometry.is_universal() && header.trained.is_none() {
                check_phases(&of_map, &weight, header.weights)
                    .within(format_args!("layer `{}`", map.name))?;
            }
            linears.push(linear);
            tiles.insert(LinearId(index), of_map);
        }
        if let Some(trained) = &header.trained
            && *trained != hash(tiles.values().flatten())
        {
            let what = "are not those that were trained: the file must be as lightloom wrote it";
            return Err(Error::format("phases", what));
        }
        let body = take_body(&mut tensors, header.body, linears)?;
        if let Some(name) = tensors.keys().next() {
            return Err(Error::format(
                format!("tensor `{name}`"),
                "is not part of a program",
            ));
        }
        let network = Network {
            input: header.input,
            body,
            readout: header.readout,
        };
        network.check()?;
        let layout = Layout {
            tile: header.tile,
            multiplier: header.geometry,
            weights: header.weights,
            arrangement: header.freedom.arrangement,
            aim: header.freedom.aim,
            seed: header.freedom.seed,
        };
        Ok(Self::new(network, layout, tiles))
    }
}

fn tile_header(tile: &Tile) -> TileHeader {
    TileHeader {
        row: tile.row,
        col: tile.col,
        rows: tile.rows,
        cols: tile.cols,
        input_modes: tile.inputs(),
        output_modes: tile.outputs(),
        scale: tile.scale,
    }
}

fn put_meshes(tensors: &mut Tensors, prefix: &str, meshes: &Meshes) -> Result<()> {
    for (name, phases) in [
        ("input.theta_rad", meshes.input.theta()),
        ("input.phi_rad", meshes.input.phi()),
        ("input.screen_rad", meshes.input.screen()),
        ("attenuators_rad", &meshes.attenuators),
        ("output.theta_rad", meshes.output.theta()),
        ("output.phi_rad", meshes.output.phi()),
        ("output.screen_rad", meshes.output.screen()),
    ] {
        let shape = vec![phases.len()];
        put(tensors, format!("{prefix}.{name}"), shape, phases.to_vec())?;
    }
    Ok(())
}

/// The tile that `tile` describes, of a map of `weight`, which it does not exceed.
fn take_tile(
    tensors: &mut Tensors,
    prefix: &str,
    tile: &TileHeader,
    header: &Header,
    weight: &Matrix,
) -> Result<Tile> {
    let modes = [tile.output_modes, tile.input_modes];
    if let Some(size) = header.tile.filter(|size| modes != [*size; 2]) {
        let limit = format!("[{size}, {size}], as `tile` says");
        return Err(Error::shape("tile modes", modes, limit));
    }
    let block = weight.view((tile.row, tile.col), (tile.rows, tile.cols));
    if tile.scale == 0.0 && block.iter().any(|weight| *weight != C64::ZERO) {
        let limit = "above 0 where the tile has weights";
        return Err(Error::value("scale", 0, limit));
    }
    let Held { block, row_scales } = header.weights.held(&block.into_owned());
    let array = match header.geometry {
        Multiplier::Meshes(geometry) => {
            let mut meshes = take_meshes(tensors, prefix, tile, geometry)?;
            if header.asked {
                meshes.input = meshes.input.said_asked();
                meshes.output = meshes.output.said_asked();
            }
            Array::Meshes(Box::new(meshes))
        }
        Multiplier::Crossbar => Array::Crossbar(take_crossbar(block, tile, header)?),
    };
    let loaded = Tile {
        row: tile.row,
        col: tile.col,
        rows: tile.rows,
        cols: tile.cols,
        scale: tile.scale,
        row_scales,
        array,
    };
    loaded.check()?;
    Ok(loaded)
}

/// Fails unless light makes of the phases of all `tiles` the blocks of `weight`, as `weights` are held, to rounding.
fn check_phases(tiles: &[Tile], weight: &Matrix, weights: Weights) -> Result<()> {
    // Decomposition loses some 1e-13.
    const LIMIT: f64 = 1e-9;
    let error = |tile: &Tile| {
        let block = weight.view((tile.row, tile.col), (tile.rows, tile.cols));
        let meshes = tile.meshes()?;
        let held = weights.held(&block.into_owned()).block;
        Some(match tile.scale > 0.0 {
            true => meshes.probed_error(&(held / C64::from(tile.scale))),
            false => 0.0,
        })
    };
    let errors: Vec<Option<f64>> = tiles.par_iter().map(error).collect();
    for (number, error) in errors.into_iter().enumerate() {
        if let Some(error) = error.filter(|error| error.is_nan() || *error > LIMIT) {
            let what = format!(
                "do not make its weights (error {error:.1e}): the file must be as lightloom compile wrote it"
            );
            return Err(Error::format(format!("phases of tile {number}"), what));
        }
    }
    Ok(())
}

/// SHA-256 of the phases and digital scales of `tiles`.
fn hash<'a>(tiles: impl Iterator<Item = &'a Tile>) -> String {
    let mut bytes = Vec::new();
    for tile in tiles {
        let meshes = tile.meshes().into_iter();
        let phases = meshes.flat_map(|meshes| {
            let (input, output) = (meshes.input.phases().flat(), meshes.output.phases().flat());
            [input, meshes.attenuators.clone(), output].concat()
        });
        bytes.extend(phases.chain([tile.scale]).flat_map(f64::to_le_bytes));
    }
    sha256(&bytes)
}

/// The crossbar of `block`, whose scale and size follow from it.
fn take_crossbar(block: Matrix, tile: &TileHeader, header: &Header) -> Result<Crossbar> {
    let modes = [tile.output_modes, tile.input_modes];
    let own = [tile.rows, tile.cols];
    if header.tile.is_none() && modes != own {
        let limit = format!("{own:?}, as the layer has one tile of its own size");
        return Err(Error::shape("tile modes", modes, limit));
    }
    let largest = spectral_norm(&block)?;
    if (tile.scale - largest).abs() > 1e-9 * largest {
        let limit = format!("{largest}, the largest singular value of its weights");
        return Err(Error::value("scale", format!("{:e}", tile.scale), limit));
    }
    Ok(Crossbar::new(
        &block,
        tile.scale,
        tile.input_modes,
        tile.output_modes,
    ))
}

fn take_meshes(
    tensors: &mut Tensors,
    prefix: &str,
    header: &TileHeader,
    geometry: Geometry,
) -> Result<Meshes> {
    let mut mesh = |section: &str, modes: usize| -> Result<Mesh> {
        let mut phases = |name| take_vector(tensors, &format!("{prefix}.{section}.{name}_rad"));
        let (theta, phi, screen) = (phases("theta")?, phases("phi")?, phases("screen")?);
        // Before anything of that size is allocated.
        geometry.check(modes).within(section)?;
        let waveguides = geometry.waveguides(modes);
        if screen.len() != waveguides || Some(theta.len()) != geometry.mzis(modes) {
            let got = [theta.len(), screen.len()];
            let limit = format!("the theta and screen of {modes} modes of a {geometry} mesh");
            return Err(Error::shape(format!("{section} mesh"), got, limit));
        }
        let phases = Phases {
            theta,
            phi,
            screen,
            free: Vec::new(),
        };
        let mesh = Mesh::bar(geometry, modes).and_then(|mesh| mesh.with_phases(phases));
        mesh.within(section)
    };
    let input = mesh("input", header.input_modes)?;
    let output = mesh("output", header.output_modes)?;
    let attenuators = take_vector(tensors, &format!("{prefix}.attenuators_rad"))?;
    Ok(Meshes {
        input,
        attenuators,
        output,
    })
}
