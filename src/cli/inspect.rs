//! What a file holds, in plain words.

use std::io::Write;
use std::path::Path;

use anyhow::Result;

use super::args::InspectArgs;
use super::open::{self, Compiled};
use crate::compile::Program;
use crate::error::Error;
use crate::hardware::Hardware;
use crate::io::{self, Tensor, Tensors};
use crate::linalg::{Matrix, unitarity_error};
use crate::mesh::Mesh;
use crate::nn::{Activation, Dataset, Layer, Model, Split};

pub fn run(args: &InspectArgs) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let path = args.file.as_path();
    let text = args.file.to_string_lossy();
    if !path.exists() && text != "-" {
        if crate::hardware::preset(&text).is_some() {
            return describe_hardware(&mut out, &text);
        }
        let presets: Vec<&str> = crate::hardware::PRESETS
            .iter()
            .map(|preset| preset.0)
            .collect();
        let limit = format!("an existing file or a preset: {}", presets.join(", "));
        return Err(Error::value("file", text, limit).into());
    }
    if path.is_dir() {
        return describe_data(&mut out, &Dataset::load(path, Some(Split::Test), None)?);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match io::extension(path).as_str() {
        "npz" => {
            describe_tensors(&mut out, &io::npy::read_npz(path)?)?;
            describe_layers(&mut out, path)
        }
        "onnx" => describe_network(&mut out, path),
        "npy" => describe_matrix(&mut out, path),
        "toml" => describe_toml(&mut out, path),
        "csv" => describe_data(&mut out, &Dataset::load(path, None, None)?),
        _ if name.contains("idx") => describe_idx(&mut out, path),
        "safetensors" if !Program::is_program(&io::safetensors::read(path)?) => {
            describe_tensors(&mut out, &io::safetensors::read(path)?.tensors)?;
            describe_layers(&mut out, path)
        }
        "safetensors" | "json" | "" => match open::compiled(path)? {
            Compiled::Mesh(mesh) => describe_mesh(&mut out, &mesh),
            Compiled::Program(program) => {
                writeln!(out, "program: a network as phases of meshes")?;
                describe_program(&mut out, &program)
            }
        },
        other => Err(Error::unsupported(
            text,
            format!(".{other}"),
            "must be .safetensors, .npz, .npy, .onnx, .toml, .json, .csv, an IDX file or a folder of them",
        )
        .into()),
    }
}

pub(super) fn describe_program(out: &mut dyn Write, program: &Program) -> Result<()> {
    let layout = program.layout();
    let size = match layout.tile {
        Some(modes) => format!("tiles of {modes} modes"),
        None => "one tile per layer".to_owned(),
    };
    writeln!(out, "layout: {size}, {} meshes", layout.geometry)?;
    let (mut mzis, mut shifters) = (0, 0);
    for (layer, tiles) in program.model().layers.iter().zip(program.tiles()) {
        let of_layer: usize = tiles.iter().map(|tile| tile.mzis()).sum();
        mzis += of_layer;
        shifters += tiles
            .iter()
            .map(|tile| tile.phase_shifters())
            .sum::<usize>();
        writeln!(
            out,
            "{}, then {}; {} tile(s), {of_layer} MZIs, {:.0} MZIs on a path",
            describe_layer(layer),
            layer.activation,
            tiles.len(),
            tiles.first().map_or(0.0, |tile| tile.mean_depth()),
        )?;
    }
    writeln!(out, "in all: {mzis} MZIs, {shifters} phase shifters")?;
    Ok(())
}

/// A network that states its activations.
fn describe_network(out: &mut dyn Write, path: &Path) -> Result<()> {
    writeln!(out, "network:")?;
    for layer in &Model::load(path, Activation::Identity)?.layers {
        writeln!(
            out,
            "  {}, then {}",
            describe_layer(layer),
            layer.activation
        )?;
    }
    Ok(())
}

/// Named tensors that may be the layers of a network or the arrays of a data set.
fn describe_layers(out: &mut dyn Write, path: &Path) -> Result<()> {
    if let Ok(model) = Model::load(path, Activation::Identity) {
        writeln!(
            out,
            "layers of a network; its activations are not in the file:"
        )?;
        for layer in &model.layers {
            writeln!(out, "  {}", describe_layer(layer))?;
        }
    } else if let Ok(data) = Dataset::load(path, None, None) {
        describe_data(out, &data)?;
    } else {
        writeln!(out, "neither the layers of a network nor a data set")?;
    }
    Ok(())
}

fn describe_layer(layer: &Layer) -> String {
    format!(
        "layer {}: {} → {} {}{}",
        layer.name,
        layer.weight.inputs(),
        layer.weight.outputs(),
        if layer.weight.is_complex() {
            "complex"
        } else {
            "real"
        },
        if layer.bias.is_some() {
            " with bias"
        } else {
            ""
        },
    )
}

/// One file of a folder of IDX files.
fn describe_idx(out: &mut dyn Write, path: &Path) -> Result<()> {
    match io::idx::read_images(path) {
        Ok(images) => {
            let (samples, features) = images.dim();
            writeln!(out, "images: {samples} of {features} bytes")?;
        }
        Err(not_images) => match io::idx::read_labels(path) {
            Ok(labels) => writeln!(out, "labels: {} of them", labels.len())?,
            Err(_) => return Err(not_images.into()),
        },
    }
    Ok(())
}

fn describe_tensors(out: &mut dyn Write, tensors: &Tensors) -> Result<()> {
    writeln!(out, "{} tensor(s):", tensors.len())?;
    for (name, tensor) in tensors {
        writeln!(out, "  {name}: {}", describe_tensor(tensor))?;
    }
    Ok(())
}

fn describe_tensor(tensor: &Tensor) -> String {
    format!("{:?} {}", tensor.shape(), tensor.dtype().name())
}

fn describe_matrix(out: &mut dyn Write, path: &Path) -> Result<()> {
    let tensor = io::npy::read(path)?;
    writeln!(out, "array: {}", describe_tensor(&tensor))?;
    if let [rows, cols] = *tensor.shape()
        && rows == cols
        && tensor.check_finite("array").is_ok()
    {
        let array = tensor.into_complex_matrix("array")?;
        let matrix = Matrix::from_fn(rows, cols, |row, col| array[[row, col]]);
        let error = unitarity_error(&matrix);
        let verdict = if error <= crate::linalg::UNITARY_LIMIT {
            "unitary: lightloom decompose takes it"
        } else {
            "not unitary"
        };
        writeln!(out, "{verdict}; max |U†U - 1| = {error:.1e}")?;
    }
    Ok(())
}

fn describe_mesh(out: &mut dyn Write, mesh: &Mesh) -> Result<()> {
    let geometry = mesh
        .geometry()
        .map_or("its own layout", |geometry| geometry.name());
    writeln!(
        out,
        "mesh: {} modes, {geometry}, {} MZIs in {} columns, {} phase shifters",
        mesh.modes(),
        mesh.nodes().len(),
        mesh.columns(),
        mesh.phase_shifters()
    )?;
    let range = |values: &[f64]| {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if values.is_empty() {
            "none".to_owned()
        } else {
            format!("{low:.4} to {high:.4} rad")
        }
    };
    writeln!(out, "theta: {}", range(mesh.theta()))?;
    writeln!(out, "phi: {}", range(mesh.phi()))?;
    writeln!(out, "screen: {}", range(mesh.screen()))?;
    Ok(())
}

fn describe_data(out: &mut dyn Write, data: &Dataset) -> Result<()> {
    let classes = data.y.iter().max().map_or(0, |label| label + 1);
    writeln!(
        out,
        "data set: {} samples of {} features, labels 0 to {}",
        data.len(),
        data.x.features(),
        classes.saturating_sub(1)
    )?;
    for class in 0..classes {
        let count = data.y.iter().filter(|label| **label == class).count();
        writeln!(out, "  class {class}: {count}")?;
    }
    Ok(())
}

/// A TOML file is a network if it names weights, else hardware.
fn describe_toml(out: &mut dyn Write, path: &Path) -> Result<()> {
    let text = String::from_utf8(io::read_bytes(path)?).map_err(|_| {
        Error::format(
            path.display().to_string(),
            "is not UTF-8 text: must be TOML",
        )
    })?;
    if text
        .parse::<toml::Table>()
        .is_ok_and(|table| table.contains_key("weights"))
    {
        return describe_network(out, path);
    }
    describe_hardware(out, &path.to_string_lossy())
}

fn describe_hardware(out: &mut dyn Write, name_or_path: &str) -> Result<()> {
    let hardware = Hardware::open(name_or_path)?;
    match crate::hardware::preset(name_or_path) {
        Some(text) if hardware != Hardware::default() => {
            writeln!(out, "hardware preset; keys that are not listed are ideal:")?;
            write!(out, "{text}")?;
        }
        _ => {
            writeln!(
                out,
                "hardware, every key (bits, ratios and noise that are left out are ideal):"
            )?;
            write!(out, "{}", toml::to_string(&hardware)?)?;
        }
    }
    Ok(())
}
