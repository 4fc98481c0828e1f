//! The files that people read, written from the journal.

use std::io::Write;
use std::path::Path;

use serde::Serialize;

use super::input::InputFile;
use super::journal::{self, Head, Journal};
use super::{Reference, Shard, Sweep, TrialRecord};
use crate::error::{Error, Result};
use crate::io::record::{Cell, Column, Kind, write_csv, write_jsonl, write_parquet};
use crate::io::write_atomic;

/// The version of the format of rows.
pub(crate) const ROWS_FORMAT: u32 = 2;

/// Columns behind those of the axes, the same for all sweeps.
const MEASURED: [(&str, Kind); 10] = [
    ("samples", Kind::Int),
    ("digital_accuracy", Kind::Float),
    ("ideal_accuracy", Kind::Float),
    ("ideal_agreement", Kind::Float),
    ("accuracy", Kind::Float),
    ("agreement", Kind::Float),
    ("both_right", Kind::Int),
    ("only_digital_right", Kind::Int),
    ("only_chip_right", Kind::Int),
    ("neither_right", Kind::Int),
];

/// What is measured of every layer.
const OF_LAYER: [(&str, Kind); 5] = [
    ("matrix_error", Kind::Float),
    ("read_error", Kind::Float),
    ("weighted_error", Kind::Float),
    ("loss_db", Kind::Float),
    ("unreachable_mzis", Kind::Int),
];

/// `manifest.json`.
#[derive(Serialize)]
struct Manifest<'a> {
    lightloom: &'a str,
    draws: u32,
    rows_format: u32,
    cpus: Vec<&'a str>,
    experiment: &'a str,
    experiment_sha256: String,
    seed: u64,
    points: usize,
    trials: usize,
    rows: usize,
    shard: Option<String>,
    axes: Vec<ManifestAxis<'a>>,
    layers: Vec<String>,
    inputs: &'a [InputFile],
    references: Vec<&'a Reference>,
}

#[derive(Serialize)]
struct ManifestAxis<'a> {
    keys: Vec<&'a str>,
    values: &'a [Vec<Cell>],
}

/// Writes `experiment.toml` into a folder whose first trials are not finished. Of finished ones that are given more, it
/// stays what their rows are of until all are done.
pub(super) fn begin(out: &Path, experiment: &str) -> Result<()> {
    match out.join("manifest.json").exists() {
        true => Ok(()),
        false => write_experiment(out, experiment),
    }
}

fn write_experiment(out: &Path, experiment: &str) -> Result<()> {
    let path = out.join("experiment.toml");
    if std::fs::read_to_string(&path).is_ok_and(|old| old == experiment) {
        return Ok(());
    }
    put(&path, |writer| {
        writer
            .write_all(experiment.as_bytes())
            .map_err(|source| Error::io(&path, source))
    })
}

/// The files of a sweep's folder that its journal yields.
const FILES: [&str; 7] = [
    "experiment.toml",
    "rows.csv",
    "rows.jsonl",
    "rows.parquet",
    "confusion.csv",
    "times.csv",
    "manifest.json",
];

/// Fails if `out` holds a file of a sweep's names without a journal: it is somebody else's, and would be replaced.
pub(super) fn check_own(out: &Path) -> Result<()> {
    if journal::is_in(out) {
        return Ok(());
    }
    match FILES.iter().find(|name| out.join(name).exists()) {
        None => Ok(()),
        Some(name) => Err(Error::format(
            out.display().to_string(),
            format!("holds {name} and no trials.journal that it came from: give another --out"),
        )),
    }
}

/// Writes all files of a sweep's folder but the journal; `manifest.json` last.
pub(super) fn write(sweep: &Sweep, journal: &Journal, out: &Path) -> Result<()> {
    write_experiment(out, &journal.head().experiment)?;
    let table = Table::new(sweep, journal)?;
    put(&out.join("rows.csv"), |writer| {
        write_csv(&table.columns, table.rows()?, writer)
    })?;
    put(&out.join("rows.jsonl"), |writer| {
        write_jsonl(&table.columns, table.rows()?, writer)
    })?;
    put(&out.join("rows.parquet"), |writer| {
        write_parquet(&table.columns, table.rows()?, writer)
    })?;
    let ints = |names: &[&str]| -> Vec<Column> {
        let ints = names.iter().map(|name| Column::new(*name, Kind::Int));
        ints.collect()
    };
    if sweep.records_confusion {
        let columns = ints(&["point", "trial", "label", "predicted", "count"]);
        let records = journal
            .records(0..sweep.rows())?
            .flat_map(|record| match record {
                Ok(record) => record
                    .confusion
                    .iter()
                    .map(|&(label, predicted, count)| {
                        Ok(vec![
                            record.point.into(),
                            record.trial.into(),
                            label.into(),
                            predicted.into(),
                            (count as usize).into(),
                        ])
                    })
                    .collect(),
                Err(error) => vec![Err(error)],
            });
        put(&out.join("confusion.csv"), |writer| {
            write_csv(&columns, records, writer)
        })?;
    }
    let mut columns = ints(&["point", "trial"]);
    columns.push(Column::new("seconds", Kind::Float));
    let records = journal.records(0..sweep.rows())?.map(|record| {
        let TrialRecord {
            point,
            trial,
            seconds,
            ..
        } = record?;
        Ok(vec![point.into(), trial.into(), seconds.into()])
    });
    put(&out.join("times.csv"), |writer| {
        write_csv(&columns, records, writer)
    })?;
    let manifest = manifest(sweep, journal, &table);
    put(&out.join("manifest.json"), |writer| {
        serde_json::to_writer_pretty(&mut *writer, &manifest)
            .map_err(std::io::Error::from)
            .and_then(|()| writer.write_all(b"\n"))
            .map_err(|source| Error::io("manifest.json", source))
    })
}

fn put(path: &Path, write: impl FnOnce(&mut (dyn Write + Send)) -> Result<()>) -> Result<()> {
    write_atomic(path, write)
}

fn manifest<'a>(sweep: &'a Sweep, journal: &'a Journal, table: &Table<'a>) -> Manifest<'a> {
    let head: &Head = journal.head();
    let axes = sweep.axes.iter().map(|axis| ManifestAxis {
        keys: axis.keys.iter().map(|key| key.name()).collect(),
        values: &axis.values,
    });
    Manifest {
        lightloom: &head.lightloom,
        draws: head.draws,
        rows_format: ROWS_FORMAT,
        cpus: journal.cpus().iter().map(|cpu| &**cpu).collect(),
        experiment: &sweep.name,
        experiment_sha256: head.sha256(),
        seed: sweep.seed.0,
        points: sweep.points(),
        trials: sweep.trials,
        rows: (0..sweep.rows()).filter(|row| journal.has(*row)).count(),
        shard: head.shard.map(|_| Shard::of_head(head).to_string()),
        axes: axes.collect(),
        layers: table.layers.clone(),
        inputs: &head.inputs,
        references: table.references.clone(),
    }
}

/// The rows of a sweep and their columns.
struct Table<'a> {
    sweep: &'a Sweep,
    journal: &'a Journal,
    columns: Vec<Column>,
    /// Kinds of the axes' columns.
    kinds: Vec<Kind>,
    /// Names of all layers, in the order in which points meet them.
    layers: Vec<String>,
    /// In the order in which points meet them, whatever the order in which they were computed.
    references: Vec<&'a Reference>,
    /// Which of them each point has; `None` where no trial of it is finished.
    of_point: Vec<Option<usize>>,
}

impl<'a> Table<'a> {
    fn new(sweep: &'a Sweep, journal: &'a Journal) -> Result<Self> {
        let mut references: Vec<&Reference> = Vec::new();
        let mut of_point = Vec::with_capacity(sweep.points());
        for number in 0..sweep.points() {
            let mut rows = number * sweep.trials..(number + 1) * sweep.trials;
            if !rows.any(|row| journal.has(row)) {
                of_point.push(None);
                continue;
            }
            let point = sweep.point(number)?;
            let known = references
                .iter()
                .position(|reference| reference.is_of(&point));
            let index = match known {
                Some(index) => index,
                None => {
                    let found = journal.references().iter().find(|r| r.is_of(&point));
                    references.push(found.expect("a trial stands behind its reference"));
                    references.len() - 1
                }
            };
            of_point.push(Some(index));
        }
        let mut layers: Vec<String> = Vec::new();
        for layer in references.iter().flat_map(|reference| &reference.layers) {
            if !layers.contains(&layer.name) {
                layers.push(layer.name.clone());
            }
        }
        let axes = sweep.axes.iter();
        let axes = axes.flat_map(|axis| axis.keys.iter().zip(&axis.values));
        let (mut columns, mut kinds) = (Vec::new(), Vec::new());
        columns.push(Column::new("experiment", Kind::Text));
        for name in ["point", "trial", "seed"] {
            columns.push(Column::new(name, Kind::Int));
        }
        for (key, values) in axes {
            let kind = Cell::common_kind(values);
            columns.push(Column::new(key.name(), kind));
            kinds.push(kind);
        }
        columns.extend(MEASURED.map(|(name, kind)| Column::new(name, kind)));
        if sweep.records_layers {
            for layer in &layers {
                let of_layer =
                    OF_LAYER.map(|(name, kind)| Column::new(format!("layer.{layer}.{name}"), kind));
                columns.extend(of_layer);
            }
        }
        Ok(Self {
            sweep,
            journal,
            columns,
            kinds,
            layers,
            references,
            of_point,
        })
    }

    /// The cells of every finished trial, by point, then trial.
    fn rows(&self) -> Result<impl Iterator<Item = Result<Vec<Cell>>>> {
        let records = self.journal.records(0..self.sweep.rows())?;
        Ok(records.map(|record| Ok(self.row(&record?))))
    }

    fn row(&self, record: &TrialRecord) -> Vec<Cell> {
        let sweep = self.sweep;
        let reference = self.of_point[record.point].expect("this point has a trial");
        let reference = self.references[reference];
        let mut row = vec![
            Cell::from(&*sweep.name),
            record.point.into(),
            record.trial.into(),
            (sweep.seed.0 as usize).into(),
        ];
        let values = sweep.values(record.point).into_iter().zip(&self.kinds);
        row.extend(values.map(|(cell, kind)| cell.cast(*kind)));
        row.push(record.samples.into());
        row.extend(
            [
                reference.digital_accuracy,
                reference.ideal_accuracy,
                reference.ideal_agreement,
                record.accuracy(),
                record.agreement(),
            ]
            .map(Cell::from),
        );
        row.extend(record.paired.map(Cell::from));
        if sweep.records_layers {
            let place = |name: &String| reference.layers.iter().position(|l| l.name == *name);
            let float = |values: &[Option<f64>], index: Option<usize>| {
                let value = index.and_then(|index| values[index]);
                value.map_or(Cell::Null, Cell::from)
            };
            for index in self.layers.iter().map(place) {
                row.push(float(&record.matrix_errors, index));
                row.push(float(&record.read_errors, index));
                row.push(float(&record.weighted_errors, index));
                row.push(float(&record.losses_db, index));
                let unreachable = record.unreachable_mzis.as_ref().zip(index);
                row.push(unreachable.map_or(Cell::Null, |(counts, index)| counts[index].into()));
            }
        }
        row
    }
}

/// Bytes that a trial takes in all files of the folder but the journal.
pub(super) fn bytes_of(
    sweep: &Sweep,
    record: &TrialRecord,
    reference: &Reference,
) -> Result<usize> {
    let layers = if sweep.records_layers {
        reference.layers.len()
    } else {
        0
    };
    let columns = 4 + sweep.keys().count() + MEASURED.len() + layers * OF_LAYER.len();
    // Names of columns in JSON, numbers of some 18 digits in both texts and 8 bytes in Parquet.
    let names: usize = MEASURED.iter().map(|(name, _)| name.len()).sum::<usize>()
        + sweep.keys().map(|key| key.name().len()).sum::<usize>()
        + layers
            * OF_LAYER
                .iter()
                .map(|(name, _)| name.len() + 8)
                .sum::<usize>();
    let row = columns * (12 + 12 + 4 + 8) + names;
    Ok(row + record.confusion.len() * 12 + 24)
}
