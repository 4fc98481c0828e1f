//! How far a sweep in a folder has come.

use std::path::Path;

use super::Shard;
use super::journal::{Head, Journal};
use crate::error::{Context, Result};
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
        let shape = |head: &Head| {
            let sweep = head.sweep().within(folder.display())?;
            Ok([sweep.points(), sweep.trials])
        };
        let Some(journal) = Journal::read(folder, shape)? else {
            return Ok(None);
        };
        let sweep = journal.head().sweep()?;
        let shard = Shard::of_head(journal.head());
        let mut points = vec![(0, 0.0); sweep.points()];
        for record in journal.records(0..sweep.rows())? {
            let record = record?;
            let (count, mean) = &mut points[record.point];
            *count += 1;
            *mean += (record.worth.value() - *mean) / *count as f64;
        }
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
