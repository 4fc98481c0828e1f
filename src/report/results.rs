//! What a sweep left in its folder.

use std::fmt;
use std::path::Path;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::scale::percent;
use crate::error::{Context, Error, Result};
use crate::experiment::Sweep;
use crate::experiment::stats::PairedTable;
use crate::experiment::sweep::ROWS_FORMAT;
use crate::experiment::sweep::{Axis, Reference};
use crate::io::Source;
use crate::rng::DRAWS;

/// The trials of a sweep, by point.
#[derive(Debug, Clone)]
pub struct Results {
    /// The experiment as resolved.
    pub sweep: Sweep,
    /// One entry a point that has trials.
    pub points: Vec<Point>,
    /// Names of the layers whose errors were recorded.
    pub layers: Vec<String>,
    /// How the trials came to be.
    pub manifest: Manifest,
    /// Classes of all chips, where they were recorded.
    pub confusion: Vec<Count>,
}

/// What a report uses of `manifest.json`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Manifest {
    /// The version of lightloom that ran the trials.
    pub lightloom: String,
    /// The version of the random numbers that their chips were drawn with.
    pub draws: u32,
    /// The version of the format of rows.
    pub rows_format: u32,
    /// The processors that the trials ran on.
    pub cpus: Vec<String>,
    /// SHA-256 of `experiment.toml`.
    pub experiment_sha256: String,
    /// Which share of the trials this folder holds, if not all.
    pub shard: Option<String>,
    /// The files that were read.
    pub inputs: Vec<InputFile>,
    /// What chips are compared with.
    pub references: Vec<Reference>,
}

/// A file that a sweep read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// What it was read for.
    pub key: String,
    /// Its path as the experiment gives it.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: String,
}

/// The chips of one point.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Its number.
    pub number: usize,
    /// Index of its value on every axis.
    pub at: Vec<usize>,
    /// One entry a chip.
    pub trials: Vec<Trial>,
}

/// One chip.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// Its number.
    pub number: usize,
    /// Number of samples.
    pub samples: usize,
    /// Share of samples that the digital network classifies as labelled.
    pub digital: f64,
    /// The same of a perfect chip.
    pub ideal: f64,
    /// The same of this chip.
    pub accuracy: f64,
    /// Share of samples that this chip classifies as the digital network does.
    pub agreement: f64,
    /// How many samples digital and this chip classify as labelled.
    pub paired: PairedTable,
    /// Relative errors of each layer: of its matrix, of what is read of it, of that on the data.
    pub layers: Vec<Option<[f64; 3]>>,
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

/// An object whose keys keep their order.
struct Ordered(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Ordered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Ordered;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Ordered(pairs))
            }
        }
        deserializer.deserialize_map(Keys)
    }
}

/// Columns in front of those of the axes.
const KEYS: [&str; 4] = ["experiment", "point", "trial", "seed"];
/// Columns behind those of the axes.
const MEASURED: [&str; 10] = [
    "samples",
    "digital_accuracy",
    "ideal_accuracy",
    "ideal_agreement",
    "accuracy",
    "agreement",
    "both_right",
    "only_digital_right",
    "only_chip_right",
    "neither_right",
];

impl Results {
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
        let manifest: Manifest = serde_json::from_str(&manifest)
            .map_err(|error| Error::json(&place("manifest.json"), &manifest, &error))?;
        if manifest.rows_format != ROWS_FORMAT {
            let limit = format!("{ROWS_FORMAT}: run the sweep again with this lightloom");
            let error = Error::value("rows_format", manifest.rows_format, limit);
            return Err(error.within(place("manifest.json")));
        }
        if manifest.draws != DRAWS {
            let limit = format!(
                "{DRAWS}, this lightloom's random numbers, with which a figure draws a chip again"
            );
            let error = Error::value("draws", manifest.draws, limit);
            return Err(error.within(place("manifest.json")));
        }
        check_references(&manifest, &sweep).within(place("manifest.json"))?;
        let classes = manifest
            .references
            .iter()
            .map(|reference| reference.classes);
        let classes = classes.max().unwrap_or(0);
        let (points, layers) =
            read_rows(&text("rows.jsonl")?, &sweep).within(place("rows.jsonl"))?;
        let confusion = match sweep.records_confusion {
            true => read_counts(&text("confusion.csv")?, &sweep, classes)
                .within(place("confusion.csv"))?,
            false => Vec::new(),
        };
        Ok(Self {
            sweep,
            points,
            layers,
            manifest,
            confusion,
        })
    }

    /// What varies.
    pub fn axes(&self) -> &[Axis] {
        &self.sweep.axes
    }

    /// Axes with more than one value.
    pub fn varied(&self) -> Vec<usize> {
        let axes = self.axes();
        (0..axes.len())
            .filter(|axis| axes[*axis].len() > 1)
            .collect()
    }

    /// Decimals of an accuracy in percent: the second says something only of many samples.
    pub(super) fn decimals(&self) -> usize {
        let references = self.manifest.references.iter();
        let samples = references.map(|reference| reference.samples).max();
        if samples.unwrap_or(0) < 5000 { 1 } else { 2 }
    }

    /// An accuracy, or a difference of two, in percent.
    pub(super) fn percent(&self, share: f64) -> String {
        percent(share, self.decimals())
    }

    /// What the chips of `point` are compared with.
    pub fn reference(&self, point: &Point) -> Option<&Reference> {
        let settings = self.sweep.point(point.number).ok()?;
        let mut references = self.manifest.references.iter();
        references.find(|reference| reference.is_of(&settings))
    }
}

/// Index on every axis of point `number`, the last axis fastest.
fn place_of(axes: &[Axis], number: usize) -> Vec<usize> {
    let mut rest = number;
    let mut at = vec![0; axes.len()];
    for (index, axis) in at.iter_mut().zip(axes).rev() {
        *index = rest % axis.len();
        rest /= axis.len();
    }
    at
}

/// The points of `rows`, one JSON object a line, and the names of their layers.
fn read_rows(rows: &str, sweep: &Sweep) -> Result<(Vec<Point>, Vec<String>)> {
    let mut columns: Vec<String> = Vec::new();
    let mut layers: Vec<String> = Vec::new();
    let mut points: Vec<Point> = Vec::new();
    for (index, line) in rows.lines().enumerate() {
        let place = || format!("line {}", index + 1);
        let Ordered(row) =
            serde_json::from_str(line).map_err(|error| Error::json(&place(), line, &error))?;
        if index == 0 {
            columns = row.iter().map(|(key, _)| key.clone()).collect();
            layers = layers_of(&columns, sweep).within(place())?;
        }
        if !row.iter().map(|(key, _)| key).eq(&columns) {
            let what = "has other columns than line 1: all rows must have the same";
            return Err(Error::format(place(), what));
        }
        let row = Row(&row);
        let (number, trial) = row.read(sweep).within(place())?;
        match points.last_mut().filter(|point| point.number == number) {
            Some(point) => point.trials.push(trial),
            None => points.push(Point {
                number,
                at: place_of(&sweep.axes, number),
                trials: vec![trial],
            }),
        }
    }
    if points.is_empty() {
        let what = "holds no row: run lightloom sweep to its end";
        return Err(Error::format("sweep", what));
    }
    Ok((points, layers))
}

/// The layers that `columns` name, if they are the columns of this sweep.
fn layers_of(columns: &[String], sweep: &Sweep) -> Result<Vec<String>> {
    let axes = sweep.keys().map(|key| key.name());
    let known: Vec<&str> = KEYS.into_iter().chain(axes).chain(MEASURED).collect();
    let named = columns.iter().map(String::as_str);
    if !named.take(known.len()).eq(known.iter().copied()) {
        let what = format!(
            "has not the columns of its experiment: must be {}, …",
            known.join(", ")
        );
        return Err(Error::format("row", what));
    }
    let layers = columns[known.len()..]
        .iter()
        .filter_map(|name| name.strip_prefix("layer.")?.strip_suffix(".matrix_error"));
    Ok(layers.map(str::to_owned).collect())
}

/// Columns and values of one trial.
struct Row<'a>(&'a [(String, Value)]);

impl Row<'_> {
    fn wrong(&self, column: usize, limit: impl Into<String>) -> Error {
        let (name, value) = &self.0[column];
        Error::value(name.as_str(), value, limit)
    }

    fn count(&self, column: usize, below: usize) -> Result<usize> {
        let count = self.0[column].1.as_u64().map(|count| count as usize);
        count
            .filter(|count| *count < below)
            .ok_or_else(|| self.wrong(column, format!("a whole number below {below}")))
    }

    fn share(&self, column: usize) -> Result<f64> {
        let share = self.0[column].1.as_f64();
        share
            .filter(|share| (0.0..=1.0).contains(share))
            .ok_or_else(|| self.wrong(column, "from 0 to 1"))
    }

    fn error(&self, column: usize) -> Result<Option<f64>> {
        match &self.0[column].1 {
            Value::Null => Ok(None),
            value => match value.as_f64() {
                Some(error) if error >= 0.0 => Ok(Some(error)),
                _ => Err(self.wrong(column, "0 or more, or null")),
            },
        }
    }

    /// The number of the point, and the trial.
    fn read(&self, sweep: &Sweep) -> Result<(usize, Trial)> {
        let measured = KEYS.len() + sweep.keys().count();
        let mut layers = Vec::new();
        for column in measured..self.0.len() {
            if !self.0[column].0.ends_with(".matrix_error") {
                continue;
            }
            let is_named = |column: usize, name| {
                let there = self.0.get(column).map(|(name, _)| name.as_str());
                there.is_some_and(|there| there.ends_with(name))
            };
            if !(is_named(column + 1, ".read_error") && is_named(column + 2, ".weighted_error")) {
                let limit = "followed by read_error and weighted_error";
                return Err(self.wrong(column, limit));
            }
            let [matrix, read, weighted] = [0, 1, 2].map(|next| self.error(column + next));
            let errors = matrix?.zip(read?).zip(weighted?);
            layers.push(errors.map(|((matrix, read), weighted)| [matrix, read, weighted]));
        }
        let trial = Trial {
            number: self.count(2, sweep.trials)?,
            samples: self.count(measured, usize::MAX)?,
            digital: self.share(measured + 1)?,
            ideal: self.share(measured + 2)?,
            accuracy: self.share(measured + 4)?,
            agreement: self.share(measured + 5)?,
            paired: PairedTable {
                both_right: self.count(measured + 6, usize::MAX)?,
                only_digital_right: self.count(measured + 7, usize::MAX)?,
                only_chip_right: self.count(measured + 8, usize::MAX)?,
                neither_right: self.count(measured + 9, usize::MAX)?,
            },
            layers,
        };
        Ok((self.count(1, sweep.points())?, trial))
    }
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

/// The counts of `confusion.csv`.
fn read_counts(text: &str, sweep: &Sweep, classes: usize) -> Result<Vec<Count>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let mut counts = Vec::new();
    for (index, record) in reader.deserialize().enumerate() {
        let (point, _trial, label, predicted, count): (usize, usize, usize, usize, u64) = record
            .map_err(|error| Error::format(format!("line {}", index + 2), error.to_string()))?;
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
            count,
        });
    }
    Ok(counts)
}
