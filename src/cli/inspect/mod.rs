//! What a file holds, in plain words.

mod data;
mod sweep;
mod table;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::{Map, Value, json};

use self::data::{describe_data, describe_idx, describe_matrix, of_any_part, read_data};
use super::common::args::Common;
use super::common::output;
use crate::compile::{Aim, Arrangement, EDGE_RAD, Layout, Multiplier, Program, Tile, Weights};
use crate::error::{Context, Error};
use crate::experiment::sweep::Status;
use crate::hardware::Hardware;
use crate::io::npy::{Array, Npz};
use crate::io::{self, Format, Source, Tensor};
use crate::mesh::Mesh;
use crate::nn::{Dataset, Hints, Layer, Loaded, Network};
use clap::Args;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lightloom inspect mlp.program.safetensors\n  lightloom inspect thermo-optic\n  lightloom inspect splitting --json -"
)]
pub(super) struct InspectArgs {
    /// A file that lightloom reads or writes, the folder of a sweep, or a preset's name; - is stdin
    pub file: PathBuf,
    /// Also write what is said as JSON to this file; - is stdout, without the text
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    #[command(flatten)]
    pub common: Common,
}

/// What is said of a file: text, the same as a record, and what was assumed for it.
#[derive(Default)]
struct Said {
    text: Vec<u8>,
    record: Map<String, Value>,
    notes: Vec<String>,
}

impl Said {
    fn put(&mut self, key: &str, value: impl Into<Value>) {
        self.record.insert(key.to_owned(), value.into());
    }
}

impl Write for Said {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.text.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

pub fn run(args: &InspectArgs) -> Result<()> {
    output::report(
        args.json.as_deref(),
        &[&args.file],
        // Said only when all of it was read: a damaged file leaves stdout empty.
        || {
            let said = describe(&args.file)?;
            if !args.common.quiet {
                said.notes.iter().for_each(|note| eprintln!("note: {note}"));
            }
            Ok(said)
        },
        |said| output::json(&said.record),
        |said| Ok(std::io::stdout().lock().write_all(&said.text)?),
    )
}

/// A file, a folder, stdin, or a preset.
fn describe(path: &Path) -> Result<Said> {
    let mut said = Said::default();
    let text = path.to_string_lossy();
    said.put("file", &*text);
    if !output::is_standard(path) && !path.exists() {
        if let Some(preset) = crate::hardware::preset(&text) {
            describe_hardware(&mut said, &Hardware::open(&text)?, Some(preset))?;
            return Ok(said);
        }
        let presets: Vec<&str> = crate::hardware::PRESETS
            .iter()
            .map(|preset| preset.0)
            .collect();
        let near = crate::io::nearest_file(path)
            .map(|file| format!(" (did you mean {}?)", file.display()))
            .unwrap_or_else(|| crate::error::did_you_mean(&text, presets.iter().copied()));
        let limit = format!("an existing file or a preset: {}{near}", presets.join(", "));
        return Err(Error::value("file", text, limit).into());
    }
    if path.is_dir() {
        match Status::read(path)? {
            Some(status) => sweep::describe_folder(&mut said, path, &status)?,
            None if !Dataset::is_folder_of_data(path) => {
                let reason = "holds neither a sweep (trials.journal) nor data (t10k-images-idx3-ubyte, \
                              train-images-idx3-ubyte)";
                return Err(Error::format(text, reason).into());
            }
            None => describe_data(
                &mut said,
                &of_any_part(|part| Dataset::load(path, part, None))?,
            )?,
        }
        return Ok(said);
    }
    describe_source(&mut said, &output::source(path)?)?;
    Ok(said)
}

fn describe_source(out: &mut Said, source: &Source) -> Result<()> {
    match source.format() {
        Format::Npz => describe_archive(out, source),
        Format::Onnx | Format::Binary => describe_network(out, source),
        Format::Npy => describe_matrix(out, source),
        Format::Toml => describe_toml(out, source),
        Format::Table | Format::Gzip => table::describe_text(out, &source.clone().unpacked()?),
        Format::Parquet => table::describe_parquet(out, source),
        Format::JsonLines => sweep::describe_lines(out, source),
        Format::Journal => sweep::describe_journal(out, source),
        Format::Svg => describe_page(out, source, "<svg", "drawing"),
        Format::Html => describe_page(out, source, "<!doctype html", "report of a sweep"),
        Format::Markdown => describe_page(out, source, "# Validation", "page of validate"),
        Format::Idx => describe_idx(out, source),
        Format::Safetensors => describe_safetensors(out, source),
        Format::Json => table::describe_json(out, source),
        Format::Text => describe_text(out, source),
        Format::Torch => describe_state_dict(out, source),
        Format::Unknown => Err(Error::unsupported(
            source.name(),
            ending(source),
            "must be a file that lightloom reads or writes: .safetensors, .npz, .npy, .pt, .pth, .onnx, .toml, .json, .jsonl, .csv, .tsv, .parquet, .svg, .html, trials.journal, an IDX file, or a folder of a sweep or of IDX files",
        )
        .into()),
    }
}

/// The ending of a file's name, with its dot.
fn ending(source: &Source) -> String {
    let ending = source.path().map(io::extension);
    format!(".{}", ending.unwrap_or_default())
}

/// Text of a stream: JSON, TOML or a table.
fn describe_text(out: &mut Said, source: &Source) -> Result<()> {
    let text = source.text("JSON, TOML or a table")?;
    if text.trim_start().starts_with(['{', '[']) && text.parse::<toml::Table>().is_err() {
        return table::describe_json(out, source);
    }
    match text.parse::<toml::Table>() {
        Ok(_) => describe_toml(out, source),
        Err(_) => table::describe_text(out, source),
    }
}

/// Named arrays: layers of a network or a data set.
fn describe_archive(out: &mut Said, source: &Source) -> Result<()> {
    let arrays = source.parse(|bytes| {
        let mut archive = Npz::open(bytes)?;
        let names = archive.names().to_vec();
        let arrays = names.into_iter().map(|name| {
            let array = archive.array(&name)?;
            Ok((name, array))
        });
        arrays.collect::<crate::Result<Vec<_>>>()
    })?;
    let of_array = |(name, array): (String, Array)| match array {
        Array::Numbers(tensor) => Named::of(&name, &tensor),
        Array::Texts(texts) => Named {
            name,
            shape: texts.shape,
            dtype: "text",
        },
    };
    let mut arrays: Vec<Named> = arrays.into_iter().map(of_array).collect();
    arrays.sort_by(|a, b| a.name.cmp(&b.name));
    describe_named(out, &arrays)?;
    describe_layers(out, source)
}

/// Layers of a network, as `torch.save` wrote them.
fn describe_state_dict(out: &mut Said, source: &Source) -> Result<()> {
    let tensors = source.parse(io::torch::parse)?.tensors;
    let tensors = tensors.iter().map(|(name, tensor)| Named::of(name, tensor));
    describe_named(out, &tensors.collect::<Vec<_>>())?;
    describe_layers(out, source)
}

/// A program, or layers of a network.
fn describe_safetensors(out: &mut Said, source: &Source) -> Result<()> {
    let bundle = source.parse(io::safetensors::parse)?;
    if !Program::is_program(&bundle) {
        let tensors = bundle.tensors.iter();
        let tensors = tensors.map(|(name, tensor)| Named::of(name, tensor));
        describe_named(out, &tensors.collect::<Vec<_>>())?;
        return describe_layers(out, source);
    }
    let program = Program::from_bundle(bundle).within(source.name())?;
    match program.layout().multiplier {
        Multiplier::Crossbar => writeln!(out, "program: a network as crossbars")?,
        _ => writeln!(out, "program: a network as phases of meshes")?,
    }
    out.put("kind", "program");
    let layout = program.layout();
    out.put("tile", layout.tile);
    out.put("geometry", layout.multiplier.to_string());
    out.put("weights", layout.weights.to_string());
    // A crossbar leaves nothing free and has no MZI.
    let is_free = layout.multiplier != Multiplier::Crossbar;
    out.put("for", is_free.then(|| layout.aim.name()));
    out.put("arrange", is_free.then(|| layout.arrangement.name()));
    out.put("seed", is_free.then_some(layout.seed.0));
    out.put("share_at_edges", is_free.then(|| program.share_at_edges()));
    let layers = program.network().layers().iter().zip(program.maps());
    let layers = layers.map(|(layer, map)| {
        let mut record = layer_record(layer);
        record["activation"] = layer.activation.to_string().into();
        record["tiles"] = map.tiles.len().into();
        record["mzis"] = map.mzis().into();
        let shifters = map.tiles.iter().map(Tile::phase_shifters);
        record["phase_shifters"] = shifters.sum::<usize>().into();
        record
    });
    out.put("layers", layers.collect::<Vec<_>>());
    let input = &program.network().input;
    out.put("input", serde_json::to_value(input)?);
    writeln!(out, "data: {}", input.words())?;
    describe_program(out, &program)
}

pub(super) fn describe_program(out: &mut dyn Write, program: &Program) -> Result<()> {
    let layout = program.layout();
    let size = match layout.tile {
        Some(modes) => format!("tiles of {modes} modes"),
        None => "one tile per layer".to_owned(),
    };
    let weights = layout.weights;
    let Multiplier::Meshes(geometry) = layout.multiplier else {
        writeln!(
            out,
            "layout: {size}, crossbars: arrays of {weights} weights without MZIs"
        )?;
        for (layer, map) in program.network().layers().iter().zip(program.maps()) {
            let (layer, activation) = (describe_layer(layer), layer.activation);
            writeln!(
                out,
                "{layer}, then {activation}; {} tile(s)",
                map.tiles.len()
            )?;
        }
        return Ok(());
    };
    let held = match weights {
        Weights::Exact => String::new(),
        weights => format!(" of {weights} weights"),
    };
    writeln!(out, "layout: {size}, {geometry} meshes{held}")?;
    let Layout {
        arrangement,
        aim,
        seed,
        ..
    } = layout;
    let seed = match (aim, arrangement) {
        (Aim::Perfect, Arrangement::Shuffled) | (Aim::Uncorrected | Aim::Corrected, _) => {
            format!(", seed {}", seed.0)
        }
        (Aim::Perfect, _) => String::new(),
    };
    writeln!(
        out,
        "compiled for {aim} chips, singular values {arrangement}{seed}; {:.1} % of the MZIs within {EDGE_RAD} rad of bar or cross",
        100.0 * program.share_at_edges()
    )?;
    let (mut mzis, mut shifters) = (0, 0);
    for (layer, map) in program.network().layers().iter().zip(program.maps()) {
        let (tiles, of_layer) = (map.tiles, map.mzis());
        mzis += of_layer;
        shifters += tiles.iter().map(Tile::phase_shifters).sum::<usize>();
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

/// An ONNX file or a `network.toml`.
fn describe_network(out: &mut Said, source: &Source) -> Result<()> {
    let loaded = Network::read(source, &Hints::default())?;
    if loaded.assumed.is_some() {
        describe_unstated(out, &loaded)?;
        return Ok(());
    }
    writeln!(out, "network:")?;
    let network = loaded.network;
    let layers = network.layers().iter().map(|layer| {
        let mut record = layer_record(layer);
        record["activation"] = layer.activation.to_string().into();
        record
    });
    out.put("kind", "network");
    out.put("layers", layers.collect::<Vec<_>>());
    for layer in network.layers() {
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
fn describe_layers(out: &mut Said, source: &Source) -> Result<()> {
    match Network::read(source, &Hints::default()) {
        Ok(loaded) => describe_unstated(out, &loaded)?,
        Err(no_network) => match of_any_part(|split| read_data(source, split)) {
            Ok(data) => describe_data(out, &data)?,
            Err(_) => {
                writeln!(out, "neither a network nor a data set as it stands")?;
                writeln!(out, "  as a network: {no_network}")?;
            }
        },
    }
    Ok(())
}

/// Layers whose file does not say what is between them.
fn describe_unstated(out: &mut Said, loaded: &Loaded) -> std::io::Result<()> {
    writeln!(
        out,
        "layers of a network; its activations are not in the file:"
    )?;
    out.put("kind", "network");
    let layers = loaded.network.layers();
    let records = layers.iter().map(layer_record);
    out.put("layers", records.collect::<Vec<_>>());
    out.put("order", loaded.assumed.map(|assumed| assumed.order.name()));
    out.notes.extend(loaded.entry_words());
    out.notes.extend(loaded.order_words());
    for layer in layers {
        writeln!(out, "  {}", describe_layer(layer))?;
    }
    Ok(())
}

fn layer_record(layer: &Layer) -> Value {
    json!({
        "name": layer.name(),
        "inputs": layer.linear.inputs(),
        "outputs": layer.linear.outputs(),
        "complex": layer.linear.is_complex(),
        "bias": layer.bias.is_some(),
    })
}

fn describe_layer(layer: &Layer) -> String {
    format!(
        "layer {}: {} → {} {}{}",
        layer.name(),
        layer.linear.inputs(),
        layer.linear.outputs(),
        if layer.linear.is_complex() {
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

/// An array of a file.
struct Named {
    name: String,
    shape: Vec<usize>,
    dtype: &'static str,
}

impl Named {
    fn of(name: &str, tensor: &Tensor) -> Self {
        Self {
            name: name.to_owned(),
            shape: tensor.shape().to_vec(),
            dtype: tensor.dtype().name(),
        }
    }
}

fn describe_named(out: &mut Said, arrays: &[Named]) -> Result<()> {
    writeln!(out, "{} tensor(s):", arrays.len())?;
    out.put("kind", "tensors");
    let records = arrays
        .iter()
        .map(|array| json!({ "name": array.name, "shape": array.shape, "dtype": array.dtype }));
    out.put("tensors", records.collect::<Vec<_>>());
    for array in arrays {
        writeln!(out, "  {}: {:?} {}", array.name, array.shape, array.dtype)?;
    }
    Ok(())
}

fn describe_mesh(out: &mut Said, mesh: &Mesh) -> Result<()> {
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
    out.put("kind", "mesh");
    out.put("modes", mesh.ports());
    out.put("ancillas", mesh.modes() - mesh.ports());
    out.put(
        "geometry",
        mesh.geometry().map(|geometry| geometry.to_string()),
    );
    out.put("mzis", mesh.nodes().len());
    out.put("columns", mesh.columns());
    out.put("phase_shifters", mesh.phase_shifters());
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

/// A page or a drawing of ours, which begins with `start`.
fn describe_page(out: &mut Said, source: &Source, start: &str, what: &str) -> Result<()> {
    let bytes = source.bytes();
    let text = String::from_utf8_lossy(bytes);
    let head: String = text.chars().take(200).collect::<String>().to_lowercase();
    if !head.contains(&start.to_lowercase()) {
        let reason = format!("is no {what}: must begin with {start}");
        return Err(Error::format(source.name(), reason).into());
    }
    out.put("kind", what);
    out.put("bytes", bytes.len());
    match start.starts_with('<') {
        true => writeln!(out, "{what}: open it in a browser")?,
        false => writeln!(out, "{what}")?,
    }
    Ok(())
}

/// A TOML file is a network if it names weights, an experiment if it counts trials, else hardware.
fn describe_toml(out: &mut Said, source: &Source) -> Result<()> {
    let text = source.text("TOML")?;
    let table: toml::Table = text.parse().unwrap_or_default();
    if table.contains_key("weights") || table.contains_key("layers") {
        return describe_network(out, source);
    }
    if ["trials", "data", "axes", "zip"]
        .iter()
        .any(|key| table.contains_key(*key))
    {
        return sweep::describe_experiment(out, source);
    }
    describe_hardware(out, &Hardware::from_toml(text).within(source.name())?, None)
}

/// Hardware, of which `preset` is the text if it is one.
fn describe_hardware(out: &mut Said, hardware: &Hardware, preset: Option<&str>) -> Result<()> {
    out.put("kind", "hardware");
    out.put("hardware", serde_json::to_value(hardware)?);
    match preset {
        Some(text) if *hardware != Hardware::default() => {
            writeln!(out, "hardware preset; keys that are not listed are ideal:")?;
            write!(out, "{text}")?;
        }
        _ => {
            writeln!(out, "hardware, every key:")?;
            write!(out, "{}", hardware.annotated())?;
        }
    }
    Ok(())
}
