//! Tables, told by the names of their columns.

use super::Known;
use crate::error::{Context, Error, Result};
use crate::experiment::rows::{CONFUSION, TIMES, is_rows, scores_of_csv, scores_of_lines};
use crate::export::Export;
use crate::hardware::Calibration;
use crate::io::{self, Source};
use crate::nn::{Dataset, Selection};
use crate::train::EPOCH_COLUMNS;

/// A table that lightloom writes or reads, by its header; else a data set.
pub(super) fn of_table(source: &Source) -> Result<Known> {
    let lines = || source.bytes().split(|byte| *byte == b'\n');
    let header = String::from_utf8_lossy(lines().next().unwrap_or_default());
    let columns: Vec<String> = header
        .split(',')
        .map(|name| name.trim().to_owned())
        .collect();
    let rows = || lines().filter(|line| !line.is_empty()).count() - 1;
    if columns == CONFUSION {
        return Ok(Known::Confusion { rows: rows() });
    }
    if columns == TIMES {
        return Ok(Known::Times { rows: rows() });
    }
    if columns == EPOCH_COLUMNS {
        return Ok(Known::Epochs { rows: rows() });
    }
    if Export::is_table(&columns) {
        return Ok(Known::Phases { shifters: rows() });
    }
    if is_rows(&columns) {
        let scores = source.parse(|bytes| scores_of_csv(bytes, &columns))?;
        return Ok(Known::Rows {
            columns,
            rows: scores.len(),
            scores,
        });
    }
    if columns.iter().any(|column| column == "v_pi_v") {
        return Ok(Known::Calibration(source.parse(Calibration::parse)?));
    }
    samples(source)
}

/// `rows.parquet`; else a data set.
pub(super) fn of_parquet(source: &Source) -> Result<Known> {
    let outline = source.parse(io::parquet::outline)?;
    if is_rows(&outline.columns) {
        return Ok(Known::Rows {
            columns: outline.columns,
            rows: outline.rows,
            scores: Vec::new(),
        });
    }
    samples(source)
}

/// `rows.jsonl`.
pub(super) fn of_lines(source: &Source) -> Result<Known> {
    let text = source.text("JSON Lines")?;
    let (columns, scores) = scores_of_lines(text).within(source.name())?;
    if scores.is_empty() {
        return Err(Error::format(source.name(), "is empty: must be JSON Lines"));
    }
    Ok(Known::Rows {
        columns,
        rows: scores.len(),
        scores,
    })
}

/// A table of samples.
fn samples(source: &Source) -> Result<Known> {
    let data = Dataset::read(source.clone(), Selection::default())?;
    let tensors = Vec::new();
    Ok(Known::Dataset { data, tensors })
}
