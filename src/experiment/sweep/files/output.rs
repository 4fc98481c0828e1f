//! The files that people read, written from the journal.

use std::io::Write;
use std::path::Path;

use super::Shard;
use super::journal::{self, Head, Journal};
use crate::error::{Context, Error, Result};
use crate::experiment::Trial;
use crate::experiment::rows::{
    CONFUSION, Columns, Count, Folder, Manifest, ManifestAxis, ROWS_FORMAT, Row, TIMES,
    check_draws, layers,
};
use crate::experiment::sweep::{Reference, Sweep};
use crate::io::record::{Cell, Column, Kind, write_csv, write_jsonl, write_parquet};
use crate::io::write_atomic;

/// Writes `experiment.toml` into a folder whose first trials are not finished. Of finished ones that are given more, it
/// stays what their rows are of until all are done.
pub(crate) fn begin(out: &Path, experiment: &str) -> Result<()> {
    match has_ended(out) {
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
pub(crate) fn check_own(out: &Path) -> Result<()> {
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
pub(crate) fn write(sweep: &Sweep, journal: &Journal, out: &Path) -> Result<()> {
    write_experiment(out, &journal.head().experiment)?;
    let table = Table::new(sweep, journal)?;
    let columns = table.columns.columns();
    put(&out.join("rows.csv"), |writer| {
        write_csv(&columns, table.rows()?, writer)
    })?;
    put(&out.join("rows.jsonl"), |writer| {
        write_jsonl(&columns, table.rows()?, writer)
    })?;
    put(&out.join("rows.parquet"), |writer| {
        write_parquet(&columns, table.rows()?, writer)
    })?;
    if sweep.records_confusion && table.references.iter().any(|r| r.classes > 0) {
        let columns = CONFUSION.map(|name| Column::new(name, Kind::Int));
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
    let [point, trial, seconds] = TIMES;
    let columns = [
        Column::new(point, Kind::Int),
        Column::new(trial, Kind::Int),
        Column::new(seconds, Kind::Float),
    ];
    let records = journal.records(0..sweep.rows())?.map(|record| {
        let Trial {
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

fn manifest(sweep: &Sweep, journal: &Journal, table: &Table<'_>) -> Manifest {
    let head: &Head = journal.head();
    let axes = sweep.axes.iter().map(|axis| ManifestAxis {
        keys: axis.keys.iter().map(|key| key.name().to_owned()).collect(),
        values: axis.values.clone(),
    });
    Manifest {
        lightloom: head.lightloom.clone(),
        draws: head.draws,
        rows_format: ROWS_FORMAT,
        cpus: journal.cpus().iter().cloned().collect(),
        experiment: sweep.name.clone(),
        experiment_sha256: head.sha256(),
        seed: sweep.seed.0,
        points: sweep.points(),
        trials: sweep.trials,
        rows: (0..sweep.rows()).filter(|row| journal.has(*row)).count(),
        shard: head.shard.map(|_| Shard::of_head(head).to_string()),
        axes: axes.collect(),
        layers: layers(&table.references),
        inputs: head.inputs.clone(),
        references: table.references.iter().copied().cloned().collect(),
    }
}

/// The rows of a sweep and their columns.
struct Table<'a> {
    sweep: &'a Sweep,
    journal: &'a Journal,
    columns: Columns<'a>,
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
        Ok(Self {
            sweep,
            journal,
            columns: Columns::new(sweep, &references),
            references,
            of_point,
        })
    }

    /// The cells of every finished trial, by point, then trial.
    fn rows(&self) -> Result<impl Iterator<Item = Result<Vec<Cell>>>> {
        let records = self.journal.records(0..self.sweep.rows())?;
        Ok(records.map(|record| Ok(self.columns.cells(&self.row(record?)))))
    }

    fn row(&self, trial: Trial) -> Row {
        let reference = self.of_point[trial.point].expect("this point has a trial");
        self.columns.join(trial, self.references[reference])
    }
}

/// What the folder of a sweep holds: its files, or of one that has not ended those that its journal yields so far.
///
/// # Errors
/// As [`Folder::open`]; [`Error::Value`] if its random numbers are not this lightloom's; [`Error::Format`] if `folder` is of
/// no sweep, or of one without a trial.
pub fn gathered(folder: &Path) -> Result<Folder> {
    let found = match has_ended(folder) {
        true => Some(Folder::open(folder)?),
        false => so_far(folder)?,
    };
    let place = folder.display().to_string();
    let Some(found) = found else {
        let what = "must be the folder of a sweep or merge";
        return Err(Error::format(place, what));
    };
    if found.rows.is_empty() {
        let what = format!(
            "holds an unfinished sweep, 0 of {} trials: run lightloom sweep again with this --out, then the report",
            found.sweep.rows()
        );
        return Err(Error::format(place, what));
    }
    Ok(found)
}

/// Whether the sweep in `folder` has written its files.
pub(crate) fn has_ended(folder: &Path) -> bool {
    folder.join("manifest.json").exists()
}

/// What the folder of an unfinished sweep would hold if it ended now; nothing without a journal.
///
/// # Errors
/// As [`Status::read`](super::Status::read); [`Error::Value`] if its random numbers are not this lightloom's.
fn so_far(folder: &Path) -> Result<Option<Folder>> {
    let Some((sweep, journal)) = Journal::of_any(folder)? else {
        return Ok(None);
    };
    check_draws(journal.head().draws).within(folder.display())?;
    let table = Table::new(&sweep, &journal)?;
    let (mut rows, mut confusion) = (Vec::new(), Vec::new());
    for record in journal.records(0..sweep.rows())? {
        let trial = record?;
        if sweep.records_confusion {
            let counts = trial.confusion.iter();
            confusion.extend(counts.map(|&(label, predicted, count)| Count {
                point: trial.point,
                label,
                predicted,
                count,
            }));
        }
        rows.push(table.row(trial));
    }
    let manifest = manifest(&sweep, &journal, &table);
    let layers = table.columns.layers().to_vec();
    Ok(Some(Folder {
        manifest,
        rows,
        layers,
        confusion,
        sweep: sweep.clone(),
    }))
}

/// Bytes that a trial takes in all files of the folder but the journal.
pub(crate) fn bytes_of(sweep: &Sweep, trial: &Trial, reference: &Reference) -> usize {
    let columns = Columns::new(sweep, &[reference]).columns();
    // Names of columns in JSON, numbers of some 18 digits in both texts and 8 bytes in Parquet.
    let names: usize = columns.iter().map(|column| column.name.len()).sum();
    let row = columns.len() * (12 + 12 + 4 + 8) + names;
    row + trial.confusion.len() * 12 + 24
}
