//! The program file: a safetensors bundle of f64 phases and weights with one versioned JSON header.
//!
//! Tensors: `maps.I.weight` (complex: a last axis of real and imaginary part; of several groups: a first axis of them), for
//! each tile of meshes `maps.I.tiles.J.` + `input.theta_rad`, `input.phi_rad`, `input.screen_rad`, `attenuators_rad`,
//! `output.theta_rad`, `output.phi_rad`, `output.screen_rad`. Then `layers.I.bias` of a chain, or the file of a graph as
//! the bytes `graph.onnx`. A crossbar holds its weights, no phases.
//! Files of version 1, which had `layers` where `maps` stands, are read too.

mod header;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use ndarray::Array2;
use num_complex::Complex;
use rayon::prelude::*;

use self::header::{BodyHeader, Freedom, Header, MapHeader, TileHeader};
use super::cover::check_cover;
use super::weights::{Held, Weights};
use super::{Array, Crossbar, Layout, Meshes, Multiplier, Program, Tile, check_tile_size, matrix};
use crate::error::{Context, Error, Result};
use crate::io::safetensors::{self, Bundle};
use crate::io::{Tensor, Tensors};
use crate::linalg::{C64, Matrix, svd};
use crate::mesh::{Geometry, Mesh, Phases};
#[cfg(feature = "onnx")]
use crate::nn::Graph;
use crate::nn::{Bias, Body, Layer, Linear, LinearId, Network, Weight};

/// The metadata key that marks a program file.
const KEY: &str = "lightloom-program";

/// The tensor of bytes that holds the file of a graph.
#[cfg(feature = "onnx")]
const GRAPH: &str = "graph.onnx";

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
            let prefix = format!("maps.{}", map.id.0);
            put_weights(&mut tensors, &prefix, map.linear)?;
            for (number, tile) in map.tiles.iter().enumerate() {
                if let Array::Meshes(meshes) = &tile.array {
                    put_meshes(&mut tensors, &format!("{prefix}.tiles.{number}"), meshes)?;
                }
            }
            maps.push(MapHeader {
                name: map.linear.name.clone(),
                groups: map.linear.groups.len(),
                columns: map.linear.columns,
                complex: map.linear.is_complex(),
                tiles: map.tiles.iter().map(tile_header).collect(),
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
            input: network.input.clone(),
            readout: network.readout,
            maps,
            body,
        };
        let header = serde_json::to_string(&header).expect("a header is plain data");
        safetensors::write(writer, &tensors, (KEY, &header))
    }

    /// Reads the program file at `path`.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read; [`Error::Format`], [`Error::Shape`], [`Error::NotFinite`] if it is
    /// not a whole and consistent program file of this version, or the phases of its universal meshes do not make its weights.
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
            if header.geometry.is_universal() {
                check_phases(&of_map, &weight, header.weights)
                    .within(format_args!("layer `{}`", map.name))?;
            }
            linears.push(linear);
            tiles.insert(LinearId(index), of_map);
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

fn pairs<'a>(values: impl Iterator<Item = &'a Complex<f64>>) -> Vec<f64> {
    values.flat_map(|z| [z.re, z.im]).collect()
}

fn put(tensors: &mut Tensors, name: String, shape: Vec<usize>, data: Vec<f64>) -> Result<()> {
    let tensor = Tensor::real(&name, shape, data)?;
    tensors.insert(name, tensor);
    Ok(())
}

fn put_weights(tensors: &mut Tensors, prefix: &str, linear: &Linear) -> Result<()> {
    let mut shape = vec![linear.groups.len()];
    shape.retain(|groups| *groups > 1);
    let mut values = Vec::new();
    for weight in &linear.groups {
        match weight {
            Weight::Real(w) if !linear.is_complex() => values.extend(w.iter()),
            _ => values.extend(pairs(weight.to_complex().iter())),
        }
    }
    let first = &linear.groups[0];
    shape.extend([first.outputs(), first.inputs()]);
    shape.extend(linear.is_complex().then_some(2));
    put(tensors, format!("{prefix}.weight"), shape, values)
}

/// Puts what is computed with the maps of `network`.
fn put_body(tensors: &mut Tensors, network: &Network) -> Result<BodyHeader> {
    match &network.body {
        Body::Chain(layers) => {
            for (index, layer) in layers.iter().enumerate() {
                put_bias(tensors, &format!("layers.{index}.bias"), &layer.bias)?;
            }
            let activations = layers.iter().map(|layer| layer.activation);
            Ok(BodyHeader::Chain(activations.collect()))
        }
        #[cfg(feature = "onnx")]
        Body::Graph(graph) => {
            tensors.insert(GRAPH.to_owned(), Tensor::of_bytes(graph.file().to_vec()));
            Ok(BodyHeader::Graph(graph.chosen().clone()))
        }
        #[allow(unreachable_patterns)] // Without graphs there are only chains.
        _ => unreachable!("a network is a chain or a graph"),
    }
}

/// What is computed with these maps.
fn take_body(tensors: &mut Tensors, header: BodyHeader, linears: Vec<Linear>) -> Result<Body> {
    match header {
        BodyHeader::Chain(activations) => {
            if activations.len() != linears.len() {
                let limit = format!("[{}], one a map", linears.len());
                return Err(Error::shape("chain", [activations.len()], limit));
            }
            let layers = linears.into_iter().zip(activations).enumerate();
            let layers = layers.map(|(index, (linear, activation))| {
                let bias = take_bias(tensors, &format!("layers.{index}.bias"))?;
                Ok(Layer {
                    linear,
                    bias,
                    activation,
                })
            });
            Ok(Body::Chain(layers.collect::<Result<_>>()?))
        }
        #[cfg(feature = "onnx")]
        BodyHeader::Graph(chosen) => {
            let bytes = tensors
                .remove(GRAPH)
                .ok_or_else(|| Error::format(format!("tensor `{GRAPH}`"), "is missing"))?;
            let graph = Graph::read_own(bytes.into_bytes(GRAPH)?, &chosen)?;
            let maps = graph.linears();
            if maps.len() != linears.len() {
                let limit = format!("[{}], one for every map of the graph", maps.len());
                return Err(Error::shape("maps", [linears.len()], limit));
            }
            for (stored, own) in linears.iter().zip(maps) {
                if stored != own {
                    let reason = "has another name, shape or weight than in the graph of this file";
                    return Err(Error::format(format!("layer `{}`", stored.name), reason));
                }
            }
            Ok(Body::Graph(graph))
        }
    }
}

fn put_bias(tensors: &mut Tensors, name: &str, bias: &Option<Bias>) -> Result<()> {
    match bias {
        None => Ok(()),
        Some(Bias::Real(b)) => put(tensors, name.to_owned(), vec![b.len()], b.to_vec()),
        Some(Bias::Complex(b)) => put(tensors, name.to_owned(), vec![b.len(), 2], pairs(b.iter())),
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

fn take(tensors: &mut Tensors, name: &str) -> Result<Tensor> {
    let tensor = tensors
        .remove(name)
        .ok_or_else(|| Error::format(format!("tensor `{name}`"), "is missing"))?;
    tensor.check_finite(&format!("tensor `{name}`"))?;
    Ok(tensor)
}

fn take_vector(tensors: &mut Tensors, name: &str) -> Result<Vec<f64>> {
    let vector = take(tensors, name)?.into_vector(&format!("tensor `{name}`"))?;
    Ok(vector.to_vec())
}

/// A tensor whose last axis of two holds real and imaginary parts, as complex values and the other axes.
fn take_complex(tensors: &mut Tensors, name: &str) -> Result<(Vec<usize>, Vec<Complex<f64>>)> {
    let tensor = take(tensors, name)?;
    let Some((2, shape)) = tensor.shape().split_last() else {
        let what = format!("tensor `{name}`");
        return Err(Error::shape(
            what,
            tensor.shape(),
            "[.., 2] for complex values",
        ));
    };
    let shape = shape.to_vec();
    let flat = tensor.into_real(&format!("tensor `{name}`"))?;
    let values = flat.chunks_exact(2).map(|z| Complex::new(z[0], z[1]));
    Ok((shape, values.collect()))
}

fn take_linear(tensors: &mut Tensors, prefix: &str, header: &MapHeader) -> Result<Linear> {
    let name = format!("{prefix}.weight");
    if header.groups == 0 || header.columns == 0 {
        let got = header.groups.min(header.columns);
        return Err(Error::value("groups and columns", got, "at least 1").within(prefix));
    }
    let (shape, values) = match header.complex {
        true => take_complex(tensors, &name)?,
        false => {
            let tensor = take(tensors, &name)?;
            let shape = tensor.shape().to_vec();
            let values = tensor.into_real(&name)?.into_iter();
            (shape, values.map(Complex::from).collect())
        }
    };
    let (groups, rows, cols) = match shape[..] {
        [rows, cols] => (1, rows, cols),
        [groups, rows, cols] if groups > 1 => (groups, rows, cols),
        _ => return Err(Error::shape(name, shape, "[out, in], or [group, out, in]")),
    };
    if groups != header.groups {
        let limit = format!("those of {} groups", header.groups);
        return Err(Error::shape(name, shape, limit));
    }
    if rows == 0 || cols == 0 {
        return Err(Error::shape(name, shape, "[out, in] with none of them 0"));
    }
    let groups = values.chunks_exact(rows * cols).map(|values| {
        let weight = Array2::from_shape_vec((rows, cols), values.to_vec());
        let weight = weight.expect("a chunk holds one group");
        match header.complex {
            true => Weight::Complex(weight),
            false => Weight::Real(weight.mapv(|z| z.re)),
        }
    });
    let linear = Linear {
        name: header.name.clone(),
        groups: groups.collect(),
        columns: header.columns,
    };
    linear.check().within(format!("layer `{}`", linear.name))?;
    Ok(linear)
}

fn take_bias(tensors: &mut Tensors, name: &str) -> Result<Option<Bias>> {
    Ok(match tensors.get(name).map(|bias| bias.shape().len()) {
        None => None,
        Some(1) => Some(Bias::Real(take_vector(tensors, name)?.into())),
        Some(_) => Some(Bias::Complex(take_complex(tensors, name)?.1.into())),
    })
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
            Array::Meshes(Box::new(take_meshes(tensors, prefix, tile, geometry)?))
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

/// The crossbar of `block`, whose scale and size follow from it.
fn take_crossbar(block: Matrix, tile: &TileHeader, header: &Header) -> Result<Crossbar> {
    let modes = [tile.output_modes, tile.input_modes];
    let own = [tile.rows, tile.cols];
    if header.tile.is_none() && modes != own {
        let limit = format!("{own:?}, as the layer has one tile of its own size");
        return Err(Error::shape("tile modes", modes, limit));
    }
    let largest = svd(&block)?.s[0];
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
