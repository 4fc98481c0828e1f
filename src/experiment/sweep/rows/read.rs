//! Reading the folder of a finished sweep.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{CONFUSION, Columns, Manifest, ROWS_FORMAT, Row};
use crate::error::{Context, Error, Result};
use crate::experiment::sweep::Sweep;
use crate::io::Source;
use crate::io::csv::plain;
use crate::io::record::{Cell, Column};
use crate::rng::DRAWS;

/// What the folder of a finished sweep holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Folder {
    /// The experiment as resolved.
    pub sweep: Sweep,
    /// How the rows came to be.
    pub manifest: Manifest,
    /// One entry a trial, in the order of the file.
    pub rows: Vec<Row>,
    /// Names of the layers that the rows tell of.
    pub layers: Vec<String>,
    /// Classes of all chips, where they were recorded.
    pub confusion: Vec<Count>,
}

/// How often one chip took a label for a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// Point of the chip.
    pub point: usize,
    /// Class that a sample has.
    pub label: usize,
    /// Class that the chip says.
    pub predicted: usize,
    /// Number of such samples.
    pub count: u64,
}

impl Folder {
    /// Reads `experiment.toml`, `manifest.json`, `rows.jsonl` and, if classes were recorded, `confusion.csv`.
    ///
    /// # Errors
    /// [`Error::Io`] if one of them cannot be read, [`Error::Format`] and [`Error::Value`] if one is not what `lightloom
    /// sweep` writes.
    pub fn open(folder: &Path) -> Result<Self> {
        let place = |name: &str| folder.join(name).display().to_string();
        let text = |name: &str| {
            let source = Source::open(folder.join(name))?;
            Ok::<_, Error>(source.text("what lightloom sweep writes")?.to_owned())
        };
        let (experiment, manifest) = (text("experiment.toml")?, text("manifest.json")?);
        let sweep = Sweep::parse(&experiment, "", |name| {
            let what = "is a name: must be tables, as lightloom sweep writes them";
            Err(Error::format(format!("hardware `{name}`"), what))
        })
        .within(place("experiment.toml"))?;
        let manifest = read_manifest(&manifest, &place("manifest.json"))?;
        check_references(&manifest, &sweep).within(place("manifest.json"))?;
        let references: Vec<_> = manifest.references.iter().collect();
        let columns = Columns::new(&sweep, &references);
        let rows = read_rows(&text("rows.jsonl")?, &columns).within(place("rows.jsonl"))?;
        let classes = references.iter().map(|reference| reference.classes).max();
        let confusion = match classes.filter(|classes| *classes > 0 && sweep.records_confusion) {
            Some(classes) => read_counts(&text("confusion.csv")?, &sweep, classes)
                .within(place("confusion.csv"))?,
            None => Vec::new(),
        };
        let layers = columns.layers;
        Ok(Self {
            sweep,
            manifest,
            rows,
            layers,
            confusion,
        })
    }
}

impl Folder {
    /// Every column of the rows and its cells, one a row.
    pub fn columns(&self) -> Vec<(Column, Vec<Cell>)> {
        let references: Vec<_> = self.manifest.references.iter().collect();
        let columns = Columns::new(&self.sweep, &references);
        let named = columns.columns().into_iter();
        let mut filled: Vec<_> = named.map(|column| (column, Vec::new())).collect();
        for row in &self.rows {
            for ((_, cells), cell) in filled.iter_mut().zip(columns.cells(row)) {
                cells.push(cell);
            }
        }
        filled
    }
}

/// The manifest in `text`, which stands at `place`, if it is of this version.
fn read_manifest(text: &str, place: &str) -> Result<Manifest> {
    #[derive(Deserialize)]
    struct Versions {
        rows_format: u32,
        draws: u32,
    }
    let malformed = |error: serde_json::Error| Error::json(place, text, &error);
    let Versions { rows_format, draws } = serde_json::from_str(text).map_err(malformed)?;
    if rows_format != ROWS_FORMAT {
        let limit = format!("{ROWS_FORMAT}: run the sweep again with this lightloom");
        return Err(Error::value("rows_format", rows_format, limit).within(place));
    }
    check_draws(draws).within(place)?;
    serde_json::from_str(text).map_err(malformed)
}

/// Fails if rows are of other random numbers than this lightloom's.
pub(crate) fn check_draws(draws: u32) -> Result<()> {
    if draws != DRAWS {
        let limit = format!(
            "{DRAWS}, this lightloom's random numbers, with which a figure draws a chip again"
        );
        return Err(Error::value("draws", draws, limit));
    }
    Ok(())
}

/// Fails if what chips are compared with could not be drawn.
fn check_references(manifest: &Manifest, sweep: &Sweep) -> Result<()> {
    for reference in &manifest.references {
        let counts = reference.digital_confusion.iter();
        let classes = counts.map(|(label, predicted, _)| *label.max(predicted));
        if let Some(class) = classes.max().filter(|class| *class >= reference.classes) {
            let limit = format!("below the number of classes, {}", reference.classes);
            return Err(Error::value("class in digital_confusion", class, limit));
        }
    }
    for point in 0..sweep.points() {
        sweep.point(point)?;
    }
    Ok(())
}

/// The rows of `text`, one JSON object a line.
fn read_rows(text: &str, columns: &Columns<'_>) -> Result<Vec<Row>> {
    let rows = text.lines().enumerate().map(|(index, line)| {
        let place = format!("line {}", index + 1);
        let object: Map<String, Value> =
            serde_json::from_str(line).map_err(|error| Error::json(&place, line, &error))?;
        columns.row(&object).within(place)
    });
    let rows = rows.collect::<Result<Vec<Row>>>()?;
    if rows.is_empty() {
        let what = "holds no row: run lightloom sweep to its end";
        return Err(Error::format("sweep", what));
    }
    Ok(rows)
}

/// The counts of `confusion.csv`.
fn read_counts(text: &str, sweep: &Sweep, classes: usize) -> Result<Vec<Count>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let mut counts = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let record = record.map_err(|error| Error::format("CSV table", plain(&error)))?;
        let mut numbers = [0; CONFUSION.len()];
        for (column, number) in numbers.iter_mut().enumerate() {
            let cell = record.get(column).unwrap_or_default();
            *number = cell.parse().map_err(|_| {
                let what = format!("line {}, {}", index + 2, CONFUSION[column]);
                Error::value(what, format!("`{cell}`"), "a whole number from 0")
            })?;
        }
        let [point, _trial, label, predicted, count] = numbers;
        let outside = [
            ("point", point, sweep.points()),
            ("label", label, classes),
            ("predicted", predicted, classes),
        ]
        .into_iter()
        .find(|(_, value, below)| value >= below);
        if let Some((name, value, below)) = outside {
            let error = Error::value(name, value, format!("below {below}"));
            return Err(error.within(format_args!("line {}", index + 2)));
        }
        counts.push(Count {
            point,
            label,
            predicted,
            count: count as u64,
        });
    }
    Ok(counts)
}
