//! What commands found, as JSON.

use std::io::Write;

use anyhow::Result;
use serde_json::{Value, json};

use super::Said;
use super::sweep::describe_manifest;
use crate::files::Record;
use crate::nn::{PARTS, Part, Score};
use crate::units::counted;

/// The document `value` of a command.
pub(super) fn describe_record(out: &mut Said, of: Record, value: &Value) -> Result<()> {
    let mut put = |keys: &[&str]| {
        for key in keys {
            out.put(key, value[*key].clone());
        }
    };
    match of {
        Record::Results => return describe_results(out, value),
        Record::Manifest => return describe_manifest(out, value),
        Record::Text => return describe_text(out, value),
        Record::Validation => {
            put(&["lightloom", "values", "failed"]);
            let (values, failed) = (&value["values"], &value["failed"]);
            writeln!(
                out,
                "results of validate: {values} values, {failed} of them not what they must be"
            )?;
        }
        Record::Bench => {
            put(&["machine"]);
            let what = match value.get("scaling") {
                Some(_) => "how time grows",
                None => "rates",
            };
            let cpu = value["machine"]["cpu"].as_str().unwrap_or("some CPU");
            writeln!(out, "results of bench: {what}, on {cpu}")?;
        }
        Record::Twin => {
            put(&[
                "readings",
                "chi_squared_per_freedom",
                "is_explained",
                "expected_error",
            ]);
            let (readings, error) = (&value["readings"], value["expected_error"].as_f64());
            let error = error.unwrap_or(f64::NAN);
            writeln!(
                out,
                "a chip found by twin from {readings} readings, matrix error {error:.1e} expected at a new setting"
            )?;
        }
        Record::Inspection => {
            let (file, kind) = (&value["file"], &value["kind"]);
            writeln!(out, "what inspect said of {file}: {kind}")?;
        }
        Record::Figures => {
            let count = value.as_object().map_or(0, serde_json::Map::len);
            out.put("figures", count);
            let figures = counted(count, "figure");
            writeln!(
                out,
                "list of what a report wrote: {figures}, each with its SHA-256"
            )?;
        }
    }
    Ok(())
}

/// What `generate` leaves.
fn describe_text(out: &mut Said, value: &Value) -> Result<()> {
    let program = value["program"].as_str().unwrap_or("a program");
    let count = |key: &str| value[key].as_array().map_or(0, Vec::len);
    let prompt = value["prompt_tokens"].as_u64().unwrap_or(0) as usize;
    let (trial, seed) = (&value["trial"], &value["seed"]);
    let behind = match prompt {
        0 => String::new(),
        prompt => format!(" behind a prompt of {prompt}"),
    };
    writeln!(
        out,
        "results of generate: {}{behind}, {program} on chip {trial}, seed {seed}",
        counted(count("ids").saturating_sub(prompt), "token")
    )?;
    writeln!(out, "chip      {}", value["text"].as_str().unwrap_or(""))?;
    match value["first_difference"].as_u64() {
        None => writeln!(out, "digital   the same")?,
        Some(place) => {
            let digital = value["digital_text"].as_str().unwrap_or("");
            writeln!(out, "digital   {digital}")?;
            writeln!(out, "differs   from token {} on", place + 1)?;
        }
    }
    let number = |value: &Value, text: fn(f64) -> String| {
        value.as_f64().map_or_else(|| "not told".to_owned(), text)
    };
    let nll = |whose: &str| number(&value["nll"][whose], |nll| format!("{nll:.4}"));
    let agreement = number(&value["agreement"], |share| {
        format!("{:.2} %", 100.0 * share)
    });
    writeln!(
        out,
        "nll       digital {}   chip {}   (nats a token, {} tokens)",
        nll("digital"),
        nll("chip"),
        value["scored_tokens"]
    )?;
    writeln!(out, "agreement {agreement}")?;
    for key in [
        "program",
        "trial",
        "seed",
        "text",
        "digital_text",
        "prompt_tokens",
        "first_difference",
        "scored_tokens",
        "nll",
        "agreement",
    ] {
        out.put(key, value[key].clone());
    }
    Ok(())
}

/// What `infer` and `demo` leave: one object, or one for each kind of chip.
fn describe_results(out: &mut Said, value: &Value) -> Result<()> {
    let first = value.get(0).unwrap_or(value);
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
