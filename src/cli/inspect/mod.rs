//! What a file holds, in plain words.

mod data;
#[cfg(feature = "onnx")]
mod graph;
mod mesh;
mod network;
mod record;
mod sweep;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use serde_json::{Map, Value};

use super::common::args::Common;
use super::common::output;
use crate::error::Error;
use crate::files::Known;
use crate::hardware::{Hardware, MeasuredChip, MeasuredQuantity, PRESETS, preset};
use crate::io::{Format, Source};
use crate::units::counted;

pub use self::network::describe_program;

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
        let Some(preset) = preset(&text) else {
            return Err(no_such_file(path).into());
        };
        let hardware = Hardware::open(&text)?;
        said.put("kind", Known::Hardware(hardware.clone().into()).kind());
        describe_hardware(&mut said, &hardware, Some(preset))?;
        return Ok(said);
    }
    let source = match path.is_dir() {
        true => None,
        false => Some(output::source(path)?),
    };
    let known = match &source {
        Some(source) => Known::read(source)?,
        None => Known::open(path)?,
    };
    said.put("kind", known.kind());
    describe_known(&mut said, path, &known, source)?;
    Ok(said)
}

/// The error for a `path` that leads nowhere and is no preset.
fn no_such_file(path: &Path) -> Error {
    let text = path.to_string_lossy();
    let presets: Vec<&str> = PRESETS.iter().map(|preset| preset.0).collect();
    let near = crate::io::nearest_file(path)
        .map(|file| format!(" (did you mean {}?)", file.display()))
        .unwrap_or_else(|| crate::error::did_you_mean(&text, presets.iter().copied()));
    let limit = format!("an existing file or a preset: {}{near}", presets.join(", "));
    Error::value("file", text, limit)
}

/// What is `known` of the file or folder at `path`; the `source` is that of a file.
fn describe_known(
    out: &mut Said,
    path: &Path,
    known: &Known,
    source: Option<Source>,
) -> Result<()> {
    match known {
        Known::Program(program) => network::describe_compiled(out, program)?,
        Known::Network { loaded, tensors } => network::describe_network(out, loaded, tensors)?,
        Known::Tensors {
            tensors,
            no_network,
        } => network::describe_others(out, tensors, no_network)?,
        Known::Dataset { data, tensors } => {
            if !tensors.is_empty() {
                network::describe_tensors(out, tensors)?;
            }
            let line = source.map(first_line).transpose()?.flatten();
            data::describe_data(out, data, line.as_deref())?;
        }
        Known::Array(tensor) => data::describe_array(out, tensor)?,
        Known::Images(images) => data::describe_images(out, images)?,
        Known::Labels(labels) => data::describe_labels(out, labels)?,
        Known::Mesh(mesh) => mesh::describe_mesh(out, mesh)?,
        Known::Cells { notation, mesh } => mesh::describe_cells(out, notation, mesh)?,
        Known::Hardware(hardware) => describe_hardware(out, hardware, None)?,
        Known::Calibration(calibration) => {
            let heaters = calibration.heaters.len();
            out.put("heaters", heaters);
            writeln!(out, "calibration: {heaters} heaters")?;
        }
        Known::Phases { shifters } => {
            out.put("rows", *shifters);
            writeln!(out, "exported phases: {shifters} phase shifters")?;
        }
        Known::Netlist { meshes } => {
            out.put("meshes", *meshes);
            writeln!(out, "SAX netlist of {meshes} mesh(es) or tile(s)")?;
        }
        Known::Unitary { modes } => {
            out.put("modes", *modes);
            writeln!(out, "a unitary of {modes} modes, real and imaginary parts")?;
        }
        Known::Experiment(sweep) => sweep::describe_experiment(out, path, sweep)?,
        Known::Training(both) => sweep::describe_training(out, path, &both.0, &both.1)?,
        Known::Epochs { rows } => {
            out.put("rows", *rows);
            writeln!(
                out,
                "how a program was trained: {}",
                counted(*rows, "epoch")
            )?;
        }
        Known::TrainingState { step } => {
            out.put("step", *step);
            let steps = counted(*step as usize, "step");
            writeln!(
                out,
                "where a training stands, behind {steps}: lightloom train goes on from it"
            )?;
        }
        Known::Sweep(status) => sweep::describe_folder(out, path, status)?,
        Known::Journal(status) => sweep::describe_journal(out, path, status)?,
        Known::Rows {
            columns,
            rows,
            scores,
        } => sweep::describe_rows(out, columns, *rows, scores)?,
        Known::Confusion { rows } => {
            out.put("rows", *rows);
            let of = "counts above 0, by point, trial, label and predicted class";
            writeln!(out, "confusion matrices of a sweep's trials: {rows} {of}")?;
        }
        Known::Times { rows } => {
            out.put("rows", *rows);
            writeln!(out, "wall-clock times of a sweep: {rows} trials")?;
        }
        Known::Predictions {
            chips,
            samples,
            outputs,
        } => {
            out.put("chips", *chips);
            out.put("samples", *samples);
            out.put("outputs", *outputs);
            let (chips, samples) = (counted(*chips, "chip"), counted(*samples, "sample"));
            writeln!(
                out,
                "predictions: {outputs} outputs of {chips} on {samples}, and those of the digital and the ideal network"
            )?;
        }
        Known::Measurements {
            settings,
            heaters,
            ports,
        } => {
            out.put("settings", *settings);
            out.put("heaters", *heaters);
            out.put("ports", *ports);
            let read = match ports {
                Some(ports) => {
                    format!("read at {ports} × {ports} ports: lightloom twin finds the chip")
                }
                None => "nothing read yet: lightloom measure --settings-from does".to_owned(),
            };
            let settings = counted(*settings, "setting");
            writeln!(out, "measurements: {settings} of {heaters} heaters, {read}")?;
        }
        Known::Record { of, value } => record::describe_record(out, *of, value)?,
        Known::Drawing | Known::Report | Known::ValidationPage => {
            out.put("bytes", source.map_or(0, |source| source.bytes().len()));
            match known {
                Known::ValidationPage => writeln!(out, "{}", known.kind())?,
                _ => writeln!(out, "{}: open it in a browser", known.kind())?,
            }
        }
    }
    Ok(())
}

/// The first line of a table as text, packed or not.
fn first_line(source: Source) -> crate::Result<Option<String>> {
    let source = source.unpacked()?;
    let is_text = matches!(source.format(), Format::Table | Format::Text);
    let text = std::str::from_utf8(source.bytes()).ok();
    let line = text
        .filter(|_| is_text)
        .and_then(|text| text.lines().next());
    Ok(line.map(|line| line.trim().to_owned()))
}

/// Hardware, of which `preset` is the text if it is one.
fn describe_hardware(out: &mut Said, hardware: &Hardware, preset: Option<&str>) -> Result<()> {
    out.put("hardware", serde_json::to_value(hardware)?);
    match preset {
        Some(text) if *hardware != Hardware::default() => {
            writeln!(out, "hardware preset; keys that are not listed are ideal:")?;
            write!(out, "{text}")?;
        }
        _ => {
            writeln!(out, "hardware, every key:")?;
            write!(out, "{}", hardware.annotated_keys())?;
        }
    }
    if !hardware.measured().is_empty() {
        describe_measured(out, hardware.measured())?;
    }
    Ok(())
}

/// What was measured of a chip, a line a quantity.
fn describe_measured(out: &mut Said, measured: &MeasuredChip) -> Result<()> {
    let summaries = measured.summaries();
    let [responses, pairs] = [measured.response_count(), measured.pair_count()];
    let known = measured.known().names();
    let record = summaries.iter().map(|summary| {
        let (farthest, number) = &summary.farthest;
        serde_json::json!({
            "quantity": summary.quantity.name(),
            "count": summary.count,
            "mean": summary.mean,
            "sigma": summary.sigma,
            "farthest": farthest,
            "farthest_value": number,
        })
    });
    let record = serde_json::json!({
        "numbers": record.collect::<Vec<_>>(),
        "responses": responses,
        "crosstalk": pairs,
        "known": known,
    });
    out.put("measured", record);
    writeln!(out, "\nmeasured:")?;
    for summary in &summaries {
        let name = summary.quantity.name();
        let (farthest, number) = &summary.farthest;
        let count = summary.count;
        if summary.quantity == MeasuredQuantity::Dead {
            let dead = (summary.mean * count as f64).round();
            writeln!(out, "  {name:<20} {dead} of {count}")?;
            continue;
        }
        let (mean, sigma) = (summary.mean, summary.sigma);
        writeln!(
            out,
            "  {name:<20} {count:>6}   mean {mean:.4}   σ {sigma:.4}   farthest {number:.4} at {farthest}"
        )?;
    }
    for (name, count) in [("response", responses), ("crosstalk", pairs)] {
        if count > 0 {
            let of = if name == "response" {
                "heaters"
            } else {
                "pairs of heaters"
            };
            writeln!(out, "  {name:<20} {count:>6}   {of}")?;
        }
    }
    let known = match known.is_empty() {
        true => "nothing".to_owned(),
        false => known.join(", "),
    };
    writeln!(out, "corrections know {known}")?;
    Ok(())
}
