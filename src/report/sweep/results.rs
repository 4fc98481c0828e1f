//! What a sweep left in its folder, by point.

use std::path::Path;

use super::measure::Measure;
use crate::error::{Error, Result};
use crate::experiment::rows::{Count, Folder, Manifest, Row};
use crate::experiment::sweep::{Axis, Reference, Sweep, gathered, has_ended};
use crate::report::options::FigureOptions;

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
    /// Whether trials are missing because the sweep has not ended.
    pub is_unfinished: bool,
    /// How figures are drawn.
    pub options: FigureOptions,
    /// The axis that becomes lines, where one is chosen.
    pub lines: Option<usize>,
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
    /// Reads the folder of a sweep: its files, or of one that has not ended its journal.
    ///
    /// # Errors
    /// As [`Folder::open`]; [`Error::Format`] if its rows are scored in several ways, or none is there;
    /// [`Error::Value`] if `options` are not for this sweep.
    pub fn open(folder: &Path, options: &FigureOptions) -> Result<Self> {
        options.check()?;
        let found = gathered(folder)?;
        let Folder {
            sweep,
            manifest,
            rows,
            layers,
            confusion,
        } = found;
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
            within: options.within,
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
            is_unfinished: !has_ended(folder),
            options: options.clone(),
            lines: None,
        })
    }

    /// Number of trials that are there.
    pub fn trials(&self) -> usize {
        self.points.iter().map(|point| point.trials.len()).sum()
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
