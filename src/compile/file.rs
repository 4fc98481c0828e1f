//! The program file: a safetensors bundle of f64 phases and weights with one versioned JSON header.
//!
//! Tensors: `layers.I.weight` (complex: a last axis of real and imaginary part), `layers.I.bias`, and for each
//! tile `layers.I.tiles.J.` + `input.theta_rad`, `input.phi_rad`, `input.screen_rad`, `attenuators_rad`,
//! `output.theta_rad`, `output.phi_rad`, `output.screen_rad`.

use std::io::Write;
use std::path::Path;

use ndarray::Array2;
use num_complex::Complex;
use serde::{Deserialize, Serialize};

use super::{Aim, Arrangement, Layout, Program, Tile};
use crate::error::{Context, Error, Result};
use crate::io::safetensors::{self, Bundle};
use crate::io::{Tensor, Tensors};
use crate::mesh::{Geometry, Mesh, Phases};
use crate::nn::{Activation, Bias, Input, Layer, Model, Readout, Weight};
use crate::rng::Seed;

/// The metadata key that marks a program file.
const KEY: &str = "lightloom-program";
/// The only version so far.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    version: u32,
    geometry: Geometry,
    tile: Option<usize>,
    /// Files of earlier versions do not say it: [`Freedom::default`].
    #[serde(default)]
    freedom: Freedom,
    input: Input,
    readout: Readout,
    layers: Vec<LayerHeader>,
}

/// How what the weights leave free was chosen.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Freedom {
    arrangement: Arrangement,
    aim: Aim,
    seed: Seed,
}

impl Default for Freedom {
    fn default() -> Self {
        Self {
            arrangement: Arrangement::Descending,
            aim: Aim::Perfect,
            seed: Seed(0),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LayerHeader {
    name: String,
    activation: Activation,
    complex: bool,
    tiles: Vec<TileHeader>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TileHeader {
    row: usize,
    col: usize,
    rows: usize,
    cols: usize,
    input_modes: usize,
    output_modes: usize,
    scale: f64,
}

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
        let mut layers = Vec::new();
        for (index, (layer, tiles)) in self
            .parts
            .model
            .layers
            .iter()
            .zip(&self.parts.tiles)
            .enumerate()
        {
            let prefix = format!("layers.{index}");
            put_weights(&mut tensors, &prefix, layer)?;
            for (number, tile) in tiles.iter().enumerate() {
                put_tile(&mut tensors, &format!("{prefix}.tiles.{number}"), tile)?;
            }
            layers.push(LayerHeader {
                name: layer.name.clone(),
                activation: layer.activation,
                complex: layer.weight.is_complex(),
                tiles: tiles.iter().map(tile_header).collect(),
            });
        }
        let header = Header {
            version: VERSION,
            geometry: self.parts.layout.geometry,
            tile: self.parts.layout.tile,
            freedom: Freedom {
                arrangement: self.parts.layout.arrangement,
                aim: self.parts.layout.aim,
                seed: self.parts.layout.seed,
            },
            input: self.parts.model.input.clone(),
            readout: self.parts.model.readout,
            layers,
        };
        let header = serde_json::to_string(&header).expect("a header is plain data");
        safetensors::write(writer, &tensors, (KEY, &header))
    }

    /// Reads the program file at `path`.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read; [`Error::Format`], [`Error::Shape`], [`Error::NotFinite`] if it is
    /// not a whole and consistent program file of this version.
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
        let malformed = |error| Error::json("program header", header, &error);
        let version: serde_json::Value = serde_json::from_str(header).map_err(malformed)?;
        if version["version"] != VERSION {
            let got = &version["version"];
            return Err(Error::value("program version", got, VERSION.to_string()));
        }
        let header: Header = serde_json::from_str(header).map_err(malformed)?;
        let mut layers = Vec::new();
        let mut tiles = Vec::new();
        for (index, layer) in header.layers.into_iter().enumerate() {
            let prefix = format!("layers.{index}");
            let loaded = take_weights(&mut tensors, &prefix, &layer)?;
            let shape = (loaded.weight.outputs(), loaded.weight.inputs());
            let mut of_layer = Vec::new();
            for (number, tile) in layer.tiles.iter().enumerate() {
                let prefix = format!("{prefix}.tiles.{number}");
                let tile =
                    take_tile(&mut tensors, &prefix, tile, header.geometry).within(&prefix)?;
                of_layer.push(tile);
            }
            check_cover(&of_layer, shape).within(&prefix)?;
            layers.push(loaded);
            tiles.push(of_layer);
        }
        if let Some(name) = tensors.keys().next() {
            return Err(Error::format(
                format!("tensor `{name}`"),
                "is not part of a program",
            ));
        }
        let model = Model::new(header.input, layers, header.readout)?;
        let layout = Layout {
            tile: header.tile,
            geometry: header.geometry,
            arrangement: header.freedom.arrangement,
            aim: header.freedom.aim,
            seed: header.freedom.seed,
        };
        Ok(Self::new(model, layout, tiles))
    }
}

fn tile_header(tile: &Tile) -> TileHeader {
    TileHeader {
        row: tile.row,
        col: tile.col,
        rows: tile.rows,
        cols: tile.cols,
        input_modes: tile.input.ports(),
        output_modes: tile.output.ports(),
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

fn put_weights(tensors: &mut Tensors, prefix: &str, layer: &Layer) -> Result<()> {
    let name = format!("{prefix}.weight");
    match &layer.weight {
        Weight::Real(w) => {
            let shape = vec![w.nrows(), w.ncols()];
            put(tensors, name, shape, w.iter().copied().collect())?;
        }
        Weight::Complex(w) => {
            let shape = vec![w.nrows(), w.ncols(), 2];
            put(tensors, name, shape, pairs(w.iter()))?;
        }
    }
    let name = format!("{prefix}.bias");
    match &layer.bias {
        None => Ok(()),
        Some(Bias::Real(b)) => put(tensors, name, vec![b.len()], b.to_vec()),
        Some(Bias::Complex(b)) => put(tensors, name, vec![b.len(), 2], pairs(b.iter())),
    }
}

fn put_tile(tensors: &mut Tensors, prefix: &str, tile: &Tile) -> Result<()> {
    for (name, phases) in [
        ("input.theta_rad", tile.input.theta()),
        ("input.phi_rad", tile.input.phi()),
        ("input.screen_rad", tile.input.screen()),
        ("attenuators_rad", &tile.attenuators),
        ("output.theta_rad", tile.output.theta()),
        ("output.phi_rad", tile.output.phi()),
        ("output.screen_rad", tile.output.screen()),
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

fn take_weights(tensors: &mut Tensors, prefix: &str, header: &LayerHeader) -> Result<Layer> {
    let name = format!("{prefix}.weight");
    let weight = if header.complex {
        let (shape, values) = take_complex(tensors, &name)?;
        let [rows, cols] = shape[..] else {
            return Err(Error::shape(name, shape, "[out, in, 2]"));
        };
        let matrix = Array2::from_shape_vec((rows, cols), values)
            .map_err(|error| Error::format(&name, error.to_string()))?;
        Weight::Complex(matrix)
    } else {
        Weight::Real(take(tensors, &name)?.into_matrix(&name)?)
    };
    let name = format!("{prefix}.bias");
    let bias = match tensors.get(&name).map(|bias| bias.shape().len()) {
        None => None,
        Some(1) => Some(Bias::Real(take_vector(tensors, &name)?.into())),
        Some(_) => Some(Bias::Complex(take_complex(tensors, &name)?.1.into())),
    };
    Ok(Layer {
        name: header.name.clone(),
        weight,
        bias,
        activation: header.activation,
    })
}

fn take_tile(
    tensors: &mut Tensors,
    prefix: &str,
    header: &TileHeader,
    geometry: Geometry,
) -> Result<Tile> {
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
    if attenuators.len() != input.ports().min(output.ports()) {
        let limit = "one per mode of the smaller mesh";
        return Err(Error::shape("attenuators", [attenuators.len()], limit));
    }
    if !(header.scale.is_finite() && header.scale >= 0.0) {
        return Err(Error::value("scale", header.scale, "0 or more"));
    }
    if header.rows > output.ports() || header.cols > input.ports() {
        let limit = format!("at most [{}, {}]", output.ports(), input.ports());
        return Err(Error::shape("tile", [header.rows, header.cols], limit));
    }
    Ok(Tile {
        row: header.row,
        col: header.col,
        rows: header.rows,
        cols: header.cols,
        scale: header.scale,
        input,
        attenuators,
        output,
    })
}

/// Fails unless the tiles cover every weight exactly once.
fn check_cover(tiles: &[Tile], (rows, cols): (usize, usize)) -> Result<()> {
    let mut covered = Array2::from_elem((rows, cols), false);
    for tile in tiles {
        let inside = |start: usize, count, end| start.checked_add(count).is_some_and(|e| e <= end);
        let fits = inside(tile.row, tile.rows, rows) && inside(tile.col, tile.cols, cols);
        let corner = (tile.row, tile.col);
        let mut block = if fits {
            covered.slice_mut(ndarray::s![
                tile.row..tile.row + tile.rows,
                tile.col..tile.col + tile.cols
            ])
        } else {
            return Err(Error::value(
                "tile corner",
                format!("{corner:?}"),
                "inside its layer",
            ));
        };
        if block.iter().any(|done| *done) {
            return Err(Error::value(
                "tile corner",
                format!("{corner:?}"),
                "beside other tiles",
            ));
        }
        block.fill(true);
    }
    if covered.iter().all(|done| *done) {
        Ok(())
    } else {
        Err(Error::format("tiles", "do not cover the whole layer"))
    }
}
