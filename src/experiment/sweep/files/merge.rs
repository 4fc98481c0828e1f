//! Shards of one sweep, put together.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::difference::{check_continues, differences};
use super::journal::{self, Head, Journal};
use super::{Shard, output};
use crate::error::{Context, Error, Result};
use crate::experiment::Trial;
use crate::experiment::sweep::{Reference, Sweep};
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
    check_alike(folders, &journals, &head)?;
    let lacking = |row: &usize| !journals.iter().any(|journal| journal.has(*row));
    let lacking: Vec<usize> = (0..sweep.rows()).filter(lacking).collect();
    if !lacking.is_empty() {
        check_ended(folders, &journals, &sweep)?;
    }
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
    let shape = |_: &Head| Ok([sweep.points(), sweep.trials]);
    output::check_own(out)?;
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
    for number in 0..sweep.points() {
        let point = sweep.point(number)?;
        if !references.iter().any(|reference| reference.is_of(&point)) {
            let rows = number * sweep.trials..(number + 1) * sweep.trials;
            let has = |journal: &Journal| rows.clone().any(|row| journal.has(row));
            let at = journals.iter().position(has).expect("no trial is missing");
            let shard = Shard::of_head(journals[at].head());
            let what = format!(
                "has lost the digital results of point {number} to a damaged line of its journal: run `lightloom sweep` for shard {shard} again"
            );
            return Err(Error::format(folders[at].display().to_string(), what));
        }
    }
    let records = joined(&sweep, &journals)?;
    std::fs::create_dir_all(out).map_err(|source| Error::io(out, source))?;
    write_atomic(out.join(journal::NAME), |writer| {
        journal::write_whole(writer, &head, &cpus, &references, records)
    })?;
    let merged = Journal::read(out, shape)?.expect("it was just written");
    debug_assert_eq!(Shard::WHOLE.missing(&sweep, Some(&merged)).count(), 0);
    output::write(&sweep, &merged, out)?;
    Ok(sweep.rows())
}

/// Fails unless all `journals`, those of `folders`, are of the experiment of `head`, and have as many trials a point.
fn check_alike(folders: &[PathBuf], journals: &[Journal], head: &Head) -> Result<()> {
    let sweeps = journals.iter().map(|journal| journal.head().sweep());
    let sweeps = sweeps.collect::<Result<Vec<Sweep>>>()?;
    let most = sweeps.iter().map(|sweep| sweep.trials).max().unwrap_or(0);
    let with_most = |head: &Head, sweep: &Sweep| Head {
        experiment: Sweep {
            trials: most,
            ..sweep.clone()
        }
        .resolved(),
        ..whole(head)
    };
    let first = with_most(head, &sweeps[0]);
    for ((folder, journal), sweep) in folders.iter().zip(journals).zip(&sweeps) {
        let this = with_most(journal.head(), sweep);
        if this != first {
            let what = format!(
                "holds trials of another experiment than {} ({}): must be shards of one",
                folders[0].display(),
                differences(&first, &this).join("; ")
            );
            return Err(Error::format(folder.display().to_string(), what));
        }
    }
    let less = sweeps.iter().position(|sweep| sweep.trials < most);
    less.map_or(Ok(()), |at| {
        let shard = Shard::of_head(journals[at].head());
        let other = sweeps.iter().position(|sweep| sweep.trials == most);
        let what = format!(
            "has trials = {}, {} has {most}: run `lightloom sweep` for shard {shard} again with trials = {most}",
            sweeps[at].trials,
            folders[other.expect("one has the most")].display()
        );
        Err(Error::format(folders[at].display().to_string(), what))
    })
}

/// Fails if one of `journals`, those of `folders`, lacks trials of its own shard: it was stopped, or a line is damaged.
fn check_ended(folders: &[PathBuf], journals: &[Journal], sweep: &Sweep) -> Result<()> {
    for (folder, journal) in folders.iter().zip(journals) {
        let shard = Shard::of_head(journal.head());
        let lost = shard.missing(sweep, Some(journal)).count();
        if lost > 0 {
            let what = format!(
                "{lost} of {} trials of shard {shard} are missing: run `lightloom sweep` for it to its end",
                shard.missing(sweep, None).count()
            );
            return Err(Error::format(folder.display().to_string(), what));
        }
    }
    Ok(())
}

/// The trial of every row, from the first journal that has it. Those of others must be the same, but for their times.
fn joined<'a>(
    sweep: &'a Sweep,
    journals: &'a [Journal],
) -> Result<impl Iterator<Item = Result<Trial>> + 'a> {
    let readers = journals
        .iter()
        .map(|journal| journal.records(0..sweep.rows()));
    let mut readers = readers.collect::<Result<Vec<_>>>()?;
    Ok((0..sweep.rows()).map(move |row| {
        let mut first: Option<Trial> = None;
        for (journal, reader) in journals.iter().zip(&mut readers) {
            if !journal.has(row) {
                continue;
            }
            let record = reader.next().expect("the journal has this row")?;
            match &first {
                None => first = Some(record),
                Some(first) => {
                    let seconds = first.seconds;
                    if *first != (Trial { seconds, ..record }) {
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
