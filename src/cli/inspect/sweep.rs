//! The folder of a sweep, and the files in it.

use std::io::Write;
use std::path::Path;

use anyhow::Result;
use serde_json::{Map, Value, json};

use super::Said;
use crate::experiment::rows::{KEYS, score_column};
use crate::experiment::sweep::{Axis, Reference, Shard, Status, Sweep};
use crate::nn::Score;
use crate::train::{STATE, Training};
use crate::units::counted;

/// Points that are listed one by one.
const LISTED: usize = 16;

/// The folder at `path`, which holds the journal of `status`.
pub(super) fn describe_folder(out: &mut Said, path: &Path, status: &Status) -> Result<()> {
    let sweep = &status.sweep;
    let part = match status.shard {
        Shard::WHOLE => String::new(),
        shard => format!(", shard {shard}"),
    };
    let (finished, planned) = (status.finished, status.planned);
    writeln!(
        out,
        "sweep {}{part}: {finished} of {planned} trials done; {} of up to {} each, seed {}",
        sweep.name,
        counted(sweep.points(), "point"),
        counted(sweep.trials, "chip"),
        sweep.seed.0
    )?;
    out.put("name", sweep.name.as_str());
    out.put(
        "shard",
        (status.shard != Shard::WHOLE).then(|| status.shard.to_string()),
    );
    out.put("planned", planned);
    out.put("finished", finished);
    describe_axes(out, sweep)?;
    describe_references(out, &status.references)?;
    let score = status.references.first();
    let score = score.map_or(Score::Accuracy, |reference| reference.score_name);
    let mut settings = Vec::new();
    for (number, (chips, mean)) in status.points.iter().enumerate() {
        let values: Vec<_> = sweep.keys().zip(sweep.values(number)).collect();
        let of_point: Vec<String> = values
            .iter()
            .map(|(key, cell)| format!("{} = {}", key.name(), cell.shown()))
            .collect();
        let mut record: Map<String, Value> = values
            .iter()
            .map(|(key, cell)| (key.name().to_owned(), json!(cell)))
            .collect();
        record.insert("point".into(), number.into());
        record.insert("chips".into(), (*chips).into());
        let value = (*chips > 0).then_some(*mean);
        record.insert(score.main_part().into(), json!(value));
        settings.push(record);
        if number < LISTED && *chips > 0 {
            let place = match of_point.is_empty() {
                true => "all trials".to_owned(),
                false => of_point.join(", "),
            };
            writeln!(
                out,
                "  {place}: {} ({})",
                score.text(*mean),
                counted(*chips, "chip")
            )?;
        }
    }
    if status.points.len() > LISTED {
        writeln!(out, "  and {} more points", status.points.len() - LISTED)?;
    }
    out.put("settings", json!(settings));
    let place = path.display();
    let command = match path.join(STATE).exists() {
        true => "train",
        false => "sweep",
    };
    let next = match (finished < planned, status.shard) {
        (true, Shard::WHOLE) => {
            format!("lightloom {command} EXPERIMENT.toml --out {place}, which runs what is missing")
        }
        (true, shard) => format!("lightloom sweep EXPERIMENT.toml --out {place} --shard {shard}"),
        (false, Shard::WHOLE) => format!("lightloom report {place}"),
        (false, _) => "lightloom merge of all shards".to_owned(),
    };
    Ok(writeln!(out, "next: {next}")?)
}

/// The experiment at `path`: a user's or that of a folder.
pub(super) fn describe_experiment(out: &mut Said, path: &Path, sweep: &Sweep) -> Result<()> {
    describe(out, sweep)?;
    let path = path.display();
    Ok(writeln!(out, "next: lightloom sweep {path} --out DIR")?)
}

fn describe(out: &mut Said, sweep: &Sweep) -> Result<()> {
    let points = counted(sweep.points(), "point");
    let (trials, rows) = (sweep.trials, sweep.rows());
    writeln!(
        out,
        "experiment {}: {points} of {} each, {rows} trials in all, seed {}",
        sweep.name,
        counted(trials, "chip"),
        sweep.seed.0
    )?;
    out.put("name", sweep.name.as_str());
    out.put("points", sweep.points());
    out.put("trials", trials);
    out.put("seed", sweep.seed.0);
    describe_axes(out, sweep)
}

/// As [`describe_experiment`], of a program that is trained before.
pub(super) fn describe_training(
    out: &mut Said,
    path: &Path,
    training: &Training,
    sweep: &Sweep,
) -> Result<()> {
    let Training {
        method,
        parameters,
        epochs,
        batch,
        ..
    } = training;
    writeln!(
        out,
        "training: {parameters} by {method}, {} of steps of {}",
        counted(*epochs as usize, "epoch"),
        counted(*batch, "sample")
    )?;
    out.put("method", method.name());
    out.put("parameters", parameters.name());
    out.put("epochs", *epochs);
    out.put("batch", *batch);
    describe(out, sweep)?;
    let path = path.display();
    Ok(writeln!(out, "next: lightloom train {path} --out DIR")?)
}

fn describe_axes(out: &mut Said, sweep: &Sweep) -> Result<()> {
    for axis in &sweep.axes {
        let names: Vec<&str> = axis.keys.iter().map(|key| key.name()).collect();
        let together = |number: usize| {
            let cells = axis.values.iter().map(|cells| cells[number].shown());
            cells.collect::<Vec<_>>().join(" with ")
        };
        let values: Vec<String> = (0..axis.len()).map(together).collect();
        let shown = match values.len() {
            0..=8 => values.join(", "),
            count => format!("{} to {}, {count} values", values[0], values[count - 1]),
        };
        writeln!(out, "axis: {} ({shown})", names.join(" with "))?;
    }
    let record = |axis: &Axis| {
        let keys: Vec<&str> = axis.keys.iter().map(|key| key.name()).collect();
        json!({ "keys": keys, "values": axis.values })
    };
    out.put(
        "axes",
        json!(sweep.axes.iter().map(record).collect::<Vec<_>>()),
    );
    Ok(())
}

/// Digital and ideal scores, each with what tells it from the others.
fn describe_references(out: &mut Said, references: &[Reference]) -> Result<()> {
    let tile = |reference: &Reference| match reference.tile {
        Some(modes) => format!("tile = {modes}"),
        None => "tile = none".to_owned(),
    };
    let parts: [&dyn Fn(&Reference) -> String; 3] = [
        &tile,
        &|reference| format!("geometry = {}", reference.geometry),
        &|reference| format!("precision = {}", reference.precision),
    ];
    let differs = |part: &&&dyn Fn(&Reference) -> String| {
        let mut texts = references.iter().map(part);
        texts
            .next()
            .is_some_and(|first| texts.any(|text| text != first))
    };
    let telling: Vec<_> = parts.iter().filter(differs).collect();
    for reference in references {
        let of = reference.network.as_ref().or(reference.program.as_ref());
        let settings: String = telling
            .iter()
            .map(|part| format!(", {}", part(reference)))
            .collect();
        writeln!(
            out,
            "{} on {}{settings}: digital {}, ideal {}",
            of.map_or("network", |path| path),
            reference.data,
            reference.score_name.text(reference.digital.value()),
            reference.score_name.text(reference.ideal.value())
        )?;
    }
    Ok(())
}

/// `manifest.json`.
pub(super) fn describe_manifest(out: &mut Said, manifest: &Value) -> Result<()> {
    let count = |key: &str| manifest[key].as_u64().unwrap_or(0) as usize;
    let version = manifest["lightloom"].as_str().unwrap_or("of no version");
    let name = manifest["experiment"].as_str().unwrap_or("without a name");
    writeln!(
        out,
        "manifest of sweep {name}: {} trials of {}, lightloom {version}, seed {}",
        count("rows"),
        counted(count("points"), "point"),
        manifest["seed"]
    )?;
    for key in [
        "experiment",
        "lightloom",
        "points",
        "trials",
        "rows",
        "seed",
        "shard",
        "layers",
    ] {
        out.put(key, manifest[key].clone());
    }
    let references = manifest["references"].as_array().into_iter().flatten();
    let references =
        references.filter_map(|reference| serde_json::from_value(reference.clone()).ok());
    describe_references(out, &references.collect::<Vec<_>>())
}

/// Rows of a sweep as a table with `columns`; `scores` of the rows, in their order, or only their number.
pub(super) fn describe_rows(
    out: &mut Said,
    columns: &[String],
    count: usize,
    scores: &[f64],
) -> Result<()> {
    let axes = columns.iter().take_while(|column| *column != "samples");
    let axes: Vec<&str> = axes
        .map(String::as_str)
        .filter(|column| !KEYS.contains(column))
        .collect();
    writeln!(
        out,
        "rows of a sweep: {}, {} columns; varied: {}",
        counted(count, "trial"),
        columns.len(),
        match axes.is_empty() {
            true => "nothing".to_owned(),
            false => axes.join(", "),
        }
    )?;
    out.put("rows", count);
    out.put("columns", json!(columns));
    out.put("axes", json!(axes));
    if !scores.is_empty() {
        let part = score_column(columns)?;
        let low = scores.iter().copied().fold(f64::INFINITY, f64::min);
        let high = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mean = scores.iter().sum::<f64>() / scores.len() as f64;
        let [label, name] = [part.label, part.name];
        let [at, from, to] = [mean, low, high].map(|value| part.text(value));
        writeln!(out, "{label}: mean {at}, from {from} to {to}")?;
        out.put(name, json!({ "mean": mean, "min": low, "max": high }));
    }
    Ok(())
}

/// The journal of `status` at `path`.
pub(super) fn describe_journal(out: &mut Said, path: &Path, status: &Status) -> Result<()> {
    writeln!(
        out,
        "journal of finished trials, from which a sweep goes on"
    )?;
    describe_folder(out, path.parent().unwrap_or(Path::new("")), status)
}
