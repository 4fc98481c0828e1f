//! Shards of one sweep, put together.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::journal::{self, Head, Journal};
use super::session::{check_continues, check_same, missing};
use super::{Reference, Shard, Sweep, TrialRecord, output};
use crate::error::{Context, Error, Result};
use crate::io::write_atomic;

/// Puts the trials in `folders`, shards of one sweep, together in the folder `out`: its files are those of one run.
///
/// Returns the number of rows.
///
/// # Errors
/// [`Error::Format`] if a folder holds no trials, or those of another experiment, or two hold different results for
/// one trial, or some trials are in none; [`Error::Io`].
pub fn merge(folders: &[PathBuf], out: &Path) -> Result<usize> {
    let mut journals: Vec<Journal> = Vec::new();
    for folder in folders {
        let shape = |head: &Head| {
            let sweep = head.sweep().within(folder.display())?;
            Ok([sweep.points(), sweep.trials])
        };
        let place = folder.display().to_string();
        let journal = Journal::read(folder, shape)?.ok_or_else(|| {
            let what = format!("holds no {}: must be the folder of a sweep", journal::NAME);
            Error::format(&*place, what)
        })?;
        if let Some(first) = journals.first() {
            check_same(&place, &whole(journal.head()), &whole(first.head()))?;
        }
        journals.push(journal);
    }
    let Some(first) = journals.first() else {
        return Err(Error::format(
            "merge",
            "was given no folder: must be at least one",
        ));
    };
    let head = whole(first.head());
    let sweep = head.sweep()?;
    let lacking = |row: &usize| !journals.iter().any(|journal| journal.has(*row));
    let lacking: Vec<usize> = (0..sweep.rows()).filter(lacking).collect();
    if let Some(row) = lacking.first() {
        let what = format!(
            "{} of {} trials are missing, the first is trial {} of point {}: run `lightloom sweep` for those shards to their end",
            lacking.len(),
            sweep.rows(),
            row % sweep.trials,
            row / sweep.trials
        );
        return Err(Error::format("merge", what));
    }
    let finished = |journal: &Journal| (0..sweep.rows()).filter(|row| journal.has(*row)).count();
    if journals.iter().map(finished).sum::<usize>() > sweep.rows() {
        // Two results for one trial are found before anything is written.
        joined(&sweep, &journals)?.try_for_each(|record| record.map(drop))?;
    }
    std::fs::create_dir_all(out).map_err(|source| Error::io(out, source))?;
    output::check_own(out)?;
    let shape = |_: &Head| Ok([sweep.points(), sweep.trials]);
    if let Some(old) = Journal::read(out, shape)? {
        // What an earlier merge left may be written again, with more trials too; anything else may not.
        check_continues(&out.display().to_string(), old.head(), &head)?;
    }
    let cpus: BTreeSet<String> = journals.iter().flat_map(|j| j.cpus().clone()).collect();
    let mut references: Vec<Reference> = Vec::new();
    for reference in journals.iter().flat_map(|journal| journal.references()) {
        if !references.contains(reference) {
            references.push(reference.clone());
        }
    }
    let records = joined(&sweep, &journals)?;
    write_atomic(out.join(journal::NAME), |writer| {
        journal::write_whole(writer, &head, &cpus, &references, records)
    })?;
    let merged = Journal::read(out, shape)?.expect("it was just written");
    debug_assert_eq!(missing(&sweep, Shard::WHOLE, Some(&merged)).count(), 0);
    output::write(&sweep, &merged, out)?;
    Ok(sweep.rows())
}

/// The trial of every row, from the first journal that has it. Those of others must be the same, but for their times.
fn joined<'a>(
    sweep: &'a Sweep,
    journals: &'a [Journal],
) -> Result<impl Iterator<Item = Result<TrialRecord>> + 'a> {
    let readers = journals
        .iter()
        .map(|journal| journal.records(0..sweep.rows()));
    let mut readers = readers.collect::<Result<Vec<_>>>()?;
    Ok((0..sweep.rows()).map(move |row| {
        let mut first: Option<TrialRecord> = None;
        for (journal, reader) in journals.iter().zip(&mut readers) {
            if !journal.has(row) {
                continue;
            }
            let record = reader.next().expect("the journal has this row")?;
            match &first {
                None => first = Some(record),
                Some(first) => {
                    let seconds = first.seconds;
                    if *first != (TrialRecord { seconds, ..record }) {
                        let place = format!("trial {} of point {}", first.trial, first.point);
                        let what = "has two results: folders must come from one lightloom and one kind of CPU";
                        return Err(Error::format(place, what));
                    }
                }
            }
        }
        Ok(first.expect("every trial is in one of the journals"))
    }))
}

/// The same experiment, all trials of it.
fn whole(head: &Head) -> Head {
    Head {
        shard: None,
        ..head.clone()
    }
}
