//! The scores in a file of rows, read without the sweep that they are of.

use serde_json::{Map, Value, json};

use super::{KEYS, main_column};
use crate::error::{Error, Result};
use crate::io::csv::plain;
use crate::nn::{PARTS, Part};

/// Whether a table with `columns` holds rows of a sweep.
pub fn is_rows(columns: &[String]) -> bool {
    columns.len() > KEYS.len() && columns.iter().zip(KEYS).all(|(column, key)| column == key)
}

/// The column of the score itself among `columns`, those of rows.
///
/// # Errors
/// [`Error::Format`] if there is none.
pub fn score_column(columns: &[String]) -> Result<&'static Part> {
    let name = main_column(columns.iter().map(String::as_str));
    let part = PARTS.iter().find(|part| Some(part.name) == name);
    part.ok_or_else(|| Error::format("rows of a sweep", "have no column of a score"))
}

/// The score of every row of `rows.csv`, which has these `columns`.
///
/// # Errors
/// [`Error::Format`] and [`Error::Value`] if it is not what `lightloom sweep` writes.
pub fn scores_of_csv(bytes: &[u8], columns: &[String]) -> Result<Vec<f64>> {
    let malformed = |error: csv::Error| Error::format("table", plain(&error));
    let name = score_column(columns)?.name;
    let index = columns.iter().position(|column| column == name);
    let index = index.expect("the score is one of the columns");
    let mut reader = csv::Reader::from_reader(bytes);
    let records = reader.records().map(|record| {
        let record = record.map_err(malformed)?;
        let line = record.position().map_or(0, csv::Position::line);
        let cell = record.get(index).unwrap_or_default();
        cell.parse().map_err(|_| {
            let what = format!("line {line}, column {name}");
            Error::value(what, format!("`{cell}`"), "a number")
        })
    });
    records.collect()
}

/// The columns of `rows.jsonl`, whose text is `text`, and the score of every row; nothing of no row.
///
/// # Errors
/// [`Error::Format`] if it is not what `lightloom sweep` writes.
pub fn scores_of_lines(text: &str) -> Result<(Vec<String>, Vec<f64>)> {
    let (mut columns, mut scores) = (Vec::new(), Vec::new());
    for (number, line) in text.lines().enumerate() {
        let what = format!("line {}", number + 1);
        let row: Map<String, Value> = serde_json::from_str(line).map_err(|error| {
            let reason = match error.is_eof() {
                true => "is cut short: must be a JSON object",
                false => "is no JSON object",
            };
            Error::format(&*what, reason)
        })?;
        let name = main_column(row.keys().map(String::as_str));
        let Some(score) = name.and_then(|name| row[name].as_f64()) else {
            return Err(Error::format(what, "is no row of a sweep: it has no score"));
        };
        scores.push(score);
        if columns.is_empty() {
            columns = row.keys().cloned().collect();
            // A map forgets the order of its keys.
            columns.sort_by_key(|key| line.find(&format!("{}:", json!(key))));
        }
    }
    Ok((columns, scores))
}
