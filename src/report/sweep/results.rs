//! What a sweep left in its folder, by point.

use std::path::Path;

use super::measure::Measure;
use crate::error::{Error, Result};
use crate::experiment::rows::{Count, Folder, Manifest, Row};
use crate::experiment::sweep::{Axis, Reference, Sweep};

/// The trials of a sweep, by point.
#[derive(Debug, Clone)]
pub(crate) struct Results {
    /// The experiment as resolved.
    pub sweep: Sweep,
    /// One entry a point that has trials.
    pub points: Vec<PointTrials>,
    /// Names of the layers whose errors were recorded.
    pub layers: Vec<String>,
    /// How the trials came to be.
    pub manifest: Manifest,
    /// Classes of all chips, where they were recorded.
    pub confusion: Vec<Count>,
    /// The score.
    pub(crate) measure: Measure,
}

/// The chips of one point.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PointTrials {
    /// Its number.
    pub number: usize,
    /// Index of its value on every axis.
    pub at: Vec<usize>,
    /// One entry a chip.
    pub trials: Vec<Row>,
}

impl Results {
    /// Reads the folder of a finished sweep.
    ///
    /// # Errors
    /// As [`Folder::open`]; [`Error::Format`] if its rows are scored in several ways.
    pub fn open(folder: &Path) -> Result<Self> {
        let Folder {
            sweep,
            manifest,
            rows,
            layers,
            confusion,
        } = Folder::open(folder)?;
        let score = rows[0].score;
        if let Some(other) = rows.iter().find(|row| row.score != score) {
            let what = format!(
                "holds rows of two scores, {score} and {}: a report is on one, so write score = … in the experiment",
                other.score
            );
            return Err(Error::format(folder.display().to_string(), what));
        }
        let samples = manifest
            .references
            .iter()
            .map(|reference| reference.samples);
        let is_many = samples.max().unwrap_or(0) >= 5000;
        let measure = Measure {
            score,
            decimals: if is_many { 2 } else { 1 },
        };
        let mut points: Vec<PointTrials> = Vec::new();
        for row in rows {
            let number = row.trial.point;
            match points.last_mut().filter(|point| point.number == number) {
                Some(point) => point.trials.push(row),
                None => points.push(PointTrials {
                    number,
                    at: place_of(&sweep.axes, number),
                    trials: vec![row],
                }),
            }
        }
        Ok(Self {
            sweep,
            points,
            layers,
            manifest,
            confusion,
            measure,
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

    /// What the chips of `point` are compared with.
    pub fn reference(&self, point: &PointTrials) -> Option<&Reference> {
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
