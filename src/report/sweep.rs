//! What a sweep left in its folder, as the report sees it.

use std::fmt;
use std::path::Path;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::quantity::Quantity;
use super::scale::short;
use crate::error::{Context, Error, Result};
use crate::io;

/// The trials of a sweep, by point.
#[derive(Debug, Clone)]
pub struct Sweep {
    /// Its name.
    pub name: String,
    /// What was varied, in the order of the experiment; the last one varies fastest.
    pub axes: Vec<Axis>,
    /// One entry a point that has trials.
    pub points: Vec<Point>,
    /// Names of the layers.
    pub layers: Vec<String>,
    /// `experiment.toml` as resolved.
    pub experiment: toml::Table,
    /// `manifest.json`.
    pub manifest: Value,
    /// `confusion.csv`, where it was recorded.
    pub confusion: Vec<Count>,
}

/// Something that was varied: one key, or several in step.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// The keys, the first of which names the axis.
    pub keys: Vec<String>,
    /// The values of every key, by the index of the axis.
    pub values: Vec<Vec<Value>>,
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
    /// Share of samples that the digital network classifies as labelled.
    pub digital: f64,
    /// The same of a perfect chip.
    pub ideal: f64,
    /// The same of this chip.
    pub accuracy: f64,
    /// Share of samples that this chip classifies as the digital network does.
    pub agreement: f64,
    /// Relative errors of each layer's matrix and of what is read of it.
    pub layers: Vec<Option<[f64; 2]>>,
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

impl Axis {
    /// The key that names it.
    pub fn key(&self) -> &str {
        &self.keys[0]
    }

    /// Number of its values.
    pub fn len(&self) -> usize {
        self.values[0].len()
    }

    /// Its values, if all of them are numbers.
    pub fn numbers(&self) -> Option<Vec<f64>> {
        self.values[0].iter().map(Value::as_f64).collect()
    }

    /// What it is in physics.
    pub(super) fn quantity(&self) -> Quantity {
        let mut quantity = Quantity::of(self.key());
        if self.keys.len() > 1 {
            let others: Vec<String> = self.keys[1..]
                .iter()
                .map(|k| Quantity::of(k).short)
                .collect();
            quantity.name = format!("{} (with {})", quantity.name, others.join(", "));
        }
        quantity
    }

    /// The value at `index` in words.
    pub fn text(&self, index: usize) -> String {
        match &self.values[0][index] {
            Value::Null => "whole layer".to_owned(),
            Value::Number(number) => short(number.as_f64().unwrap_or(f64::NAN), 4),
            Value::String(text) => Path::new(text)
                .file_name()
                .map_or(text.clone(), |name| name.to_string_lossy().into_owned()),
            other => other.to_string(),
        }
    }
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

/// Columns that stand behind those of the axes.
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
/// Columns in front of those of the axes.
const KEYS: [&str; 4] = ["experiment", "point", "trial", "seed"];

impl Sweep {
    /// Reads `rows.jsonl`, `manifest.json`, `experiment.toml` and, if it is there, `confusion.csv`.
    ///
    /// # Errors
    /// [`Error::Io`] if one of the first three cannot be read, [`Error::Format`] if one of them is not what `lightloom
    /// sweep` writes.
    pub fn open(folder: &Path) -> Result<Self> {
        let text = |name: &str| {
            let path = folder.join(name);
            String::from_utf8(io::read_bytes(&path)?)
                .map_err(|_| Error::format(path.display().to_string(), "is not UTF-8 text"))
        };
        let rows = text("rows.jsonl")?;
        let manifest = text("manifest.json")?;
        let experiment = text("experiment.toml")?;
        let named = |name: &str| folder.join(name).display().to_string();
        let manifest = serde_json::from_str(&manifest)
            .map_err(|error| Error::format(named("manifest.json"), error.to_string()))?;
        let experiment = experiment.parse().map_err(|error: toml::de::Error| {
            Error::format(named("experiment.toml"), error.message())
        })?;
        let confusion = match folder.join("confusion.csv").exists() {
            true => counts(&text("confusion.csv")?).within(named("confusion.csv"))?,
            false => Vec::new(),
        };
        let mut sweep = Self::from_rows(&rows).within(named("rows.jsonl"))?;
        sweep.manifest = manifest;
        sweep.experiment = experiment;
        sweep.confusion = confusion;
        Ok(sweep)
    }

    /// The sweep of `rows`, one JSON object a line.
    fn from_rows(rows: &str) -> Result<Self> {
        let mut columns: Vec<String> = Vec::new();
        let mut name = String::new();
        let mut axes: Vec<Axis> = Vec::new();
        let mut layers: Vec<String> = Vec::new();
        let mut points: Vec<Point> = Vec::new();
        for (index, line) in rows.lines().enumerate() {
            let line_name = || format!("line {}", index + 1);
            let Ordered(row) = serde_json::from_str(line)
                .map_err(|error| Error::format(line_name(), error.to_string()))?;
            if index == 0 {
                columns = row.iter().map(|(key, _)| key.clone()).collect();
                (axes, layers) = read_columns(&columns).within(line_name())?;
                name = row[0].1.as_str().unwrap_or_default().to_owned();
            }
            if !row.iter().map(|(key, _)| key).eq(&columns) {
                let what = "has other columns than line 1: all rows must have the same";
                return Err(Error::format(line_name(), what));
            }
            let values: Vec<Value> = row.into_iter().map(|(_, value)| value).collect();
            read_row(&values, &columns, &mut axes, layers.len(), &mut points).within(line_name())?;
        }
        if points.is_empty() {
            return Err(Error::format(
                "rows",
                "are none: must be at least one trial",
            ));
        }
        Ok(Self {
            name,
            axes: zipped(axes, &mut points),
            points,
            layers,
            experiment: toml::Table::new(),
            manifest: Value::Null,
            confusion: Vec::new(),
        })
    }
}

/// The axes, without values yet, and the layers that `columns` name.
fn read_columns(columns: &[String]) -> Result<(Vec<Axis>, Vec<String>)> {
    let end = columns.iter().position(|name| name == MEASURED[0]);
    let fits = columns.iter().map(String::as_str).take(4).eq(KEYS)
        && end.is_some_and(|end| {
            let measured = columns[end..].iter().map(String::as_str);
            measured.take(MEASURED.len()).eq(MEASURED)
        });
    let Some(end) = end.filter(|_| fits) else {
        let what = "has not the columns of a sweep: must be experiment, point, trial, seed, the axes, samples, …";
        return Err(Error::format("row", what));
    };
    let axes = columns[KEYS.len()..end]
        .iter()
        .map(|key| Axis {
            keys: vec![key.clone()],
            values: vec![Vec::new()],
        })
        .collect();
    let layers = columns[end + MEASURED.len()..]
        .iter()
        .filter_map(|name| name.strip_prefix("layer.")?.strip_suffix(".matrix_error"))
        .map(str::to_owned)
        .collect();
    Ok((axes, layers))
}

fn read_row(
    values: &[Value],
    columns: &[String],
    axes: &mut [Axis],
    layers: usize,
    points: &mut Vec<Point>,
) -> Result<()> {
    let wrong = |column: usize, limit: &str| {
        Error::value(columns[column].as_str(), values[column].to_string(), limit)
    };
    let count = |column: usize| {
        values[column]
            .as_u64()
            .map(|count| count as usize)
            .ok_or_else(|| wrong(column, "a count"))
    };
    let share = |column: usize| {
        values[column]
            .as_f64()
            .filter(|share| (0.0..=1.0).contains(share))
            .ok_or_else(|| wrong(column, "from 0 to 1"))
    };
    let at: Vec<usize> = axes
        .iter_mut()
        .enumerate()
        .map(|(index, axis)| {
            let value = &values[KEYS.len() + index];
            let known = &mut axis.values[0];
            known.iter().position(|v| v == value).unwrap_or_else(|| {
                known.push(value.clone());
                known.len() - 1
            })
        })
        .collect();
    let measured = KEYS.len() + axes.len();
    let mut errors = Vec::with_capacity(layers);
    let firsts = (0..columns.len()).filter(|column| columns[*column].ends_with(".matrix_error"));
    for first in firsts {
        let read = |column: usize| match &values[column] {
            Value::Null => Ok(None),
            value => match value.as_f64() {
                Some(error) if error >= 0.0 => Ok(Some(error)),
                _ => Err(wrong(column, "0 or more")),
            },
        };
        let read_error = (first + 1 < columns.len()).then(|| read(first + 1));
        errors.push(
            read(first)?
                .zip(read_error.transpose()?.flatten())
                .map(|(a, b)| [a, b]),
        );
    }
    let trial = Trial {
        number: count(2)?,
        digital: share(measured + 1)?,
        ideal: share(measured + 2)?,
        accuracy: share(measured + 4)?,
        agreement: share(measured + 5)?,
        layers: errors,
    };
    let number = count(1)?;
    match points.last_mut().filter(|point| point.number == number) {
        Some(point) if point.at == at => point.trials.push(trial),
        Some(_) => return Err(wrong(1, "one point for one value of every axis")),
        None => points.push(Point {
            number,
            at,
            trials: vec![trial],
        }),
    }
    Ok(())
}

/// The axes, with those that always move in step joined into one.
fn zipped(axes: Vec<Axis>, points: &mut [Point]) -> Vec<Axis> {
    let mut joined: Vec<(usize, Axis)> = Vec::new();
    for (column, axis) in axes.into_iter().enumerate() {
        let twin = joined.iter_mut().find(|(first, other)| {
            other.len() == axis.len()
                && axis.len() > 1
                && points
                    .iter()
                    .all(|point| point.at[*first] == point.at[column])
        });
        match twin {
            Some((_, twin)) => {
                twin.keys.extend(axis.keys);
                twin.values.extend(axis.values);
            }
            None => joined.push((column, axis)),
        }
    }
    for point in points {
        point.at = joined.iter().map(|(column, _)| point.at[*column]).collect();
    }
    joined.into_iter().map(|(_, axis)| axis).collect()
}

/// The counts of `confusion.csv`.
fn counts(text: &str) -> Result<Vec<Count>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let mut counts = Vec::new();
    for (index, record) in reader.deserialize().enumerate() {
        let (point, _trial, label, predicted, count): (usize, usize, usize, usize, u64) = record
            .map_err(|error| Error::format(format!("line {}", index + 2), error.to_string()))?;
        counts.push(Count {
            point,
            label,
            predicted,
            count,
        });
    }
    Ok(counts)
}
