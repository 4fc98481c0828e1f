//! What a file holds, in plain words.

use std::io::Write;
use std::path::Path;

use anyhow::Result;
use serde_json::Value;

use super::args::InspectArgs;
use super::{open, output};
use crate::compile::Program;
use crate::error::Error;
use crate::hardware::{Calibration, Hardware};
use crate::io::{self, Tensor, Tensors};
use crate::linalg::{from_array, unitarity_error};
use crate::mesh::{Cells, Mesh};
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
        let near = super::near(path)
            .map(|file| format!(" (did you mean {}?)", file.display()))
            .unwrap_or_else(|| crate::error::did_you_mean(&text, presets.iter().copied()));
        let limit = format!("an existing file or a preset: {}{near}", presets.join(", "));
        return Err(Error::value("file", text, limit).into());
    }
    if path.is_dir() {
        return describe_data(&mut out, &Dataset::load(path, Some(Split::Test), None)?);
    }
    // Said only when all of it was read: a damaged file leaves stdout empty.
    let mut said = Vec::new();
    output::load(path, "json", |path| {
        describe_file(&mut said, path).map_err(|error| match error.downcast::<Error>() {
            Ok(ours) => ours,
            Err(other) => Error::format("file", format!("{other:#}")),
        })
    })?;
    Ok(out.write_all(&said)?)
}

fn describe_file(out: &mut dyn Write, path: &Path) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match io::extension(path).as_str() {
        "npz" => {
            describe_tensors(out, &io::npy::read_npz(path)?)?;
            describe_layers(out, path)
        }
        "onnx" => describe_network(out, path),
        "npy" => describe_matrix(out, path),
        "toml" => describe_toml(out, path),
        "csv" => describe_csv(out, path),
        "svg" => Ok(writeln!(out, "drawing: open it in a browser")?),
        _ if name.contains("idx") => describe_idx(out, path),
        "safetensors" => {
            let bundle = io::safetensors::read(path)?;
            if Program::is_program(&bundle) {
                let program = output::in_file(path, Program::from_bundle(bundle))?;
                writeln!(out, "program: a network as phases of meshes")?;
                return describe_program(out, &program);
            }
            describe_tensors(out, &bundle.tensors)?;
            describe_layers(out, path)
        }
        "json" => describe_json(out, path),
        other => Err(Error::unsupported(
            path.display().to_string(),
            format!(".{other}"),
            "must be .safetensors, .npz, .npy, .onnx, .toml, .json, .csv, .svg, an IDX file or a folder of them",
        )
        .into()),
    }
}

/// JSON that lightloom writes or reads, told by the keys that only it has; what it does not know is read as a mesh.
fn describe_json(out: &mut dyn Write, path: &Path) -> Result<()> {
    let value: Value = serde_json::from_slice(&io::read_bytes(path)?).unwrap_or_default();
    let first = value.get(0).unwrap_or(&value);
    let count = value.as_array().map_or(1, Vec::len);
    if first.get("noisy").is_some() {
        return Ok(writeln!(
            out,
            "results of infer or demo: {count} kind(s) of chips"
        )?);
    }
    if first.get("phase_rad").is_some() {
        return Ok(writeln!(out, "exported phases: {count} phase shifters")?);
    }
    if value.get("unitary_re").is_some() && value.get("cells").is_none() {
        let modes = value["unitary_re"].as_array().map_or(0, Vec::len);
        return Ok(writeln!(
            out,
            "a unitary of {modes} modes, real and imaginary parts"
        )?);
    }
    let cells = value.get("cells").unwrap_or(&value);
    if cells.get("elements").is_some() {
        let cells = Cells::from_json(&cells.to_string());
        let cells = output::in_file(path, cells)?;
        return Ok(writeln!(
            out,
            "phases of another package: {} modes, {} elements, convention {}",
            cells.modes,
            cells.elements.len(),
            cells.convention
        )?);
    }
    let netlists = first
        .as_object()
        .into_iter()
        .flat_map(|object| object.values());
    if first.get("instances").is_some() || netlists.clone().any(|v| v.get("netlist").is_some()) {
        let tiles = if first.get("instances").is_some() {
            1
        } else {
            netlists.count()
        };
        return Ok(writeln!(out, "SAX netlist of {tiles} mesh(es) or tile(s)")?);
    }
    describe_mesh(out, &open::mesh(path)?)
}

/// A data set, phases as `export` writes them, or the calibration that it reads.
fn describe_csv(out: &mut dyn Write, path: &Path) -> Result<()> {
    let bytes = io::read_bytes(path)?;
    if bytes.starts_with(b"id,kind,column,mode,phase_rad") {
        let rows = bytes.iter().filter(|byte| **byte == b'\n').count() - 1;
        return Ok(writeln!(out, "exported phases: {rows} phase shifters")?);
    }
    let header = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let mut columns = header.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    if columns.any(|column| column == b"v_pi_v") {
        let heaters = output::in_file(path, Calibration::parse(&bytes))?.heaters;
        return Ok(writeln!(out, "calibration: {} heaters", heaters.len())?);
    }
    describe_data(out, &Dataset::load(path, None, None)?)
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
        let matrix = from_array(array.view());
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
        .map_or("its own layout".to_owned(), |geometry| geometry.to_string());
    let ancillas = match mesh.modes() - mesh.ports() {
        0 => String::new(),
        count => format!(" and {count} ancillas"),
    };
    writeln!(
        out,
        "mesh: {} modes{ancillas}, {geometry}, {} MZIs in {} columns, {} phase shifters",
        mesh.ports(),
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
