//! How far a sweep in a folder has come.

use std::path::Path;

use super::Shard;
use super::journal::Journal;
use crate::error::Result;
use crate::experiment::Summary;
use crate::experiment::sweep::{Reference, Sweep};

/// What stands in the folder of a sweep, whether it is finished or not.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// The sweep.
    pub sweep: Sweep,
    /// Which share of its trials the folder is for.
    pub shard: Shard,
    /// Number of trials of that share.
    pub planned: usize,
    /// Number of those that are finished.
    pub finished: usize,
    /// Of every point: number of its finished trials, and the mean of their scores, 0 where there is none.
    pub points: Vec<(usize, f64)>,
    /// Digital and ideal results.
    pub references: Vec<Reference>,
}

impl Status {
    /// Reads the journal in `folder`; nothing if there is none.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io), and [`Error::Format`](crate::Error::Format) if it is no journal of this version.
    pub fn read(folder: &Path) -> Result<Option<Self>> {
        let Some((sweep, journal)) = Journal::of_any(folder)? else {
            return Ok(None);
        };
        let shard = Shard::of_head(journal.head());
        let mut scores = vec![Vec::new(); sweep.points()];
        for record in journal.records(0..sweep.rows())? {
            let record = record?;
            scores[record.point].push(record.worth.value());
        }
        // As a report has it, to the last bit: a mean between two roundings is rounded the same way by both.
        let points: Vec<(usize, f64)> = scores
            .into_iter()
            .map(|scores| (scores.len(), Summary::of(scores).mean))
            .collect();
        Ok(Some(Self {
            planned: shard.missing(&sweep, None).count(),
            finished: points.iter().map(|(count, _)| count).sum(),
            references: journal.references().to_vec(),
            sweep,
            shard,
            points,
        }))
    }
}
