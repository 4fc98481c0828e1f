//! Tables and JSON documents, told by the names that only they have.

use std::io::Write;

use anyhow::Result;
use serde_json::{Value, json};

use super::data::describe_data;
use super::sweep::{describe_manifest, describe_rows};
use super::{Said, describe_mesh};
use crate::compile::Compiled;
use crate::error::Context;
use crate::experiment::rows::{CONFUSION, TIMES, is_rows, scores_of_csv};
use crate::hardware::Calibration;
use crate::io::table::{Columns, Header};
use crate::io::{self, Source};
use crate::mesh::{Described, Mesh, Notation};
use crate::nn::{Dataset, PARTS, Part, Score, Selection};
use crate::units::counted;

/// A table that lightloom writes or reads, by its header; else a data set.
pub(super) fn describe_text(out: &mut Said, source: &Source) -> Result<()> {
    let bytes = source.bytes();
    let header = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let header = String::from_utf8_lossy(header).trim().to_owned();
    let columns: Vec<String> = header
        .split(',')
        .map(|name| name.trim().to_owned())
        .collect();
    let rows = || {
        bytes
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .count()
            - 1
    };
    let mut table = |kind: &str, what: &str, of: &str| -> Result<()> {
        writeln!(out, "{what}: {} {of}", rows())?;
        out.put("kind", kind);
        out.put("rows", rows());
        Ok(())
    };
    if columns == CONFUSION {
        return table(
            "confusion",
            "confusion matrices of a sweep's trials",
            "counts above 0, by point, trial, label and predicted class",
        );
    }
    if columns == TIMES {
        return table("times", "wall-clock times of a sweep", "trials");
    }
    if header.starts_with("id,kind,column,mode,phase_rad") {
        return table("phases", "exported phases", "phase shifters");
    }
    if is_rows(&columns) {
        let scores = source.parse(|bytes| scores_of_csv(bytes, &columns))?;
        return describe_rows(out, &columns, scores.len(), &scores);
    }
    if columns.iter().any(|column| column == "v_pi_v") {
        let heaters = source.parse(Calibration::parse)?.heaters;
        writeln!(out, "calibration: {} heaters", heaters.len())?;
        out.put("kind", "calibration");
        out.put("heaters", heaters.len());
        return Ok(());
    }
    let columns = describe_samples(out, source)?;
    match columns.and_then(|columns| columns.header) {
        Some(Header::Names(_)) => writeln!(out, "its first line is a header: {header}")?,
        Some(Header::Counts(_)) => {
            writeln!(out, "its first line counts samples and features: {header}")?;
        }
        None => {}
    }
    Ok(())
}

/// A table of samples; returns what its columns are.
fn describe_samples(out: &mut Said, source: &Source) -> Result<Option<Columns>> {
    let data = Dataset::read(source.clone(), Selection::default())?;
    describe_data(out, &data)?;
    if let Some(columns) = &data.columns {
        writeln!(out, "label: {}", columns.label_in_words())?;
        let name = columns.name(columns.label);
        out.put("label", json!({ "column": columns.label, "name": name }));
    }
    Ok(data.columns)
}

/// `rows.parquet`; else a data set.
pub(super) fn describe_parquet(out: &mut Said, source: &Source) -> Result<()> {
    let outline = source.parse(io::parquet::outline)?;
    if is_rows(&outline.columns) {
        return describe_rows(out, &outline.columns, outline.rows, &[]);
    }
    describe_samples(out, source)?;
    Ok(())
}

/// JSON that lightloom writes or reads, told by the keys that only it has; what it does not know is read as a mesh.
pub(super) fn describe_json(out: &mut Said, source: &Source) -> Result<()> {
    let value: Value = serde_json::from_slice(source.bytes()).unwrap_or_default();
    let first = value.get(0).unwrap_or(&value);
    let count = value.as_array().map_or(1, Vec::len);
    let has = |key: &str| value.get(key).is_some();
    if first.get("noisy").is_some() {
        return describe_results(out, &value, first);
    }
    if has("rows_format") {
        return describe_manifest(out, &value);
    }
    if has("sections") && has("values") {
        out.put("kind", "validation");
        for key in ["lightloom", "values", "failed"] {
            out.put(key, value[key].clone());
        }
        return Ok(writeln!(
            out,
            "results of validate: {} values, {} of them not what they must be",
            value["values"], value["failed"]
        )?);
    }
    if has("machine") {
        out.put("kind", "bench");
        out.put("machine", value["machine"].clone());
        let what = match has("scaling") {
            true => "how time grows",
            false => "rates",
        };
        let cpu = value["machine"]["cpu"].as_str().unwrap_or("some CPU");
        return Ok(writeln!(out, "results of bench: {what}, on {cpu}")?);
    }
    if has("kind") && has("file") {
        out.put("kind", "inspection");
        return Ok(writeln!(
            out,
            "what inspect said of {}: {}",
            value["file"], value["kind"]
        )?);
    }
    if first.get("phase_rad").is_some() {
        out.put("kind", "phases");
        out.put("rows", count);
        return Ok(writeln!(out, "exported phases: {count} phase shifters")?);
    }
    if has("unitary_re") && !has("cells") {
        let modes = value["unitary_re"].as_array().map_or(0, Vec::len);
        out.put("kind", "unitary");
        out.put("modes", modes);
        return Ok(writeln!(
            out,
            "a unitary of {modes} modes, real and imaginary parts"
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
        out.put("kind", "netlist");
        out.put("meshes", tiles);
        return Ok(writeln!(out, "SAX netlist of {tiles} mesh(es) or tile(s)")?);
    }
    match Compiled::described(source)? {
        Described::Mesh(mesh) => describe_mesh(out, &mesh),
        Described::Notation(notation) => describe_notation(out, source, &notation),
    }
}

/// Phases of another package, and the mesh that all commands make of them.
fn describe_notation(out: &mut Said, source: &Source, notation: &Notation) -> Result<()> {
    let mesh = Mesh::from_notation(notation).within(source.name())?;
    writeln!(
        out,
        "phases of another package: {} modes, {} elements, convention {}; as a mesh:",
        notation.modes,
        notation.elements.len(),
        notation.convention
    )?;
    describe_mesh(out, &mesh)?;
    out.put("kind", "cells");
    out.put("elements", notation.elements.len());
    out.put("convention", notation.convention.to_string());
    Ok(())
}

/// What `infer` and `demo` leave: one object, or one for each kind of chip.
fn describe_results(out: &mut Said, value: &Value, first: &Value) -> Result<()> {
    let kinds = value
        .as_array()
        .map_or(std::slice::from_ref(value), Vec::as_slice);
    let count = |key: &str| first[key].as_u64().unwrap_or(0) as usize;
    let score = first["score_name"]
        .as_str()
        .and_then(|name| name.parse().ok());
    let score: Score = score.unwrap_or(Score::Accuracy);
    let of = |name: &str| PARTS.iter().find(|part| part.name == name);
    let main = of(score.main_part()).expect("it is one of the parts");
    let near = of(score.beside_digital()).expect("it is one of the parts");
    let text = |part: &Part, value: &Value| {
        value
            .as_f64()
            .map_or("not told".to_owned(), |value| part.text(value))
    };
    let program = first["program"].as_str().unwrap_or("a program");
    let (samples, chips) = (
        counted(count("samples"), "sample"),
        counted(count("trials"), "chip"),
    );
    let seed = &first["seed"];
    match value.is_array() {
        true => writeln!(
            out,
            "results of infer or demo: {} kinds of chips, {chips} each, {program} on {samples}, seed {seed}",
            kinds.len()
        )?,
        false => writeln!(
            out,
            "results of infer: {chips}, {program} on {samples}, seed {seed}"
        )?,
    }
    writeln!(
        out,
        "digital   {}",
        text(main, &first["digital"][main.name])
    )?;
    let ideal = &first["ideal"];
    let (label, agreement) = (near.label, text(near, &ideal[near.name]));
    let value = text(main, &ideal[main.name]);
    writeln!(out, "ideal     {value}   {label} {agreement}")?;
    for kind in kinds {
        let noisy = &kind["noisy"];
        let over = &noisy[main.name];
        writeln!(
            out,
            "{:<9} {} ± {}   {label} {}",
            kind["preset"].as_str().unwrap_or("noisy"),
            text(main, &over["mean"]),
            text(main, &over["std"]),
            text(near, &noisy[near.name]["mean"])
        )?;
    }
    out.put("kind", "results");
    for key in [
        "program",
        "samples",
        "trials",
        "seed",
        "score_name",
        "digital",
        "ideal",
    ] {
        out.put(key, first[key].clone());
    }
    let noisy = kinds.iter().map(|kind| {
        let noisy = &kind["noisy"];
        json!({ "preset": kind["preset"], main.name: noisy[main.name], near.name: noisy[near.name] })
    });
    out.put("noisy", noisy.collect::<Vec<_>>());
    Ok(())
}
