//! What is kept of one chip, and of the network that chips are compared with.

use serde::{Deserialize, Serialize};

use super::{Point, Source};
use crate::compile::Program;
use crate::error::Result;
use crate::experiment::{Inferred, Workload};
use crate::field::Real;
use crate::nn::metrics::{accuracy, agreement};
use crate::rng::Seed;

/// How many samples of one label are taken for a class: `(label, predicted, count)`, counts above 0 only.
pub type Counts = Vec<(usize, usize, u64)>;

/// One finished trial: a line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrialRecord {
    /// Its point.
    pub point: usize,
    /// Its number within the point, which is that of its chip.
    pub trial: usize,
    /// Wall-clock time, s: not part of the result.
    pub seconds: f64,
    /// Number of samples.
    pub samples: usize,
    /// Samples that both digital and the chip classify as labelled, only digital, only the chip, and neither.
    pub paired: [usize; 4],
    /// Samples that the chip classifies as digital does.
    pub agreed: usize,
    /// Of every layer: ‖W_chip − W‖_F / ‖W‖_F; null where it is not finite.
    pub matrix_errors: Vec<Option<f64>>,
    /// The same of what detectors read.
    pub read_errors: Vec<Option<f64>>,
    /// The same of the layer's products with the calibration batch.
    pub weighted_errors: Vec<Option<f64>>,
    /// Loss of a path, dB.
    pub losses_db: Vec<Option<f64>>,
    /// MZIs that a correction could not set; null without one.
    pub unreachable_mzis: Option<Vec<usize>>,
    /// The confusion matrix; empty where it is not recorded.
    pub confusion: Counts,
}

impl TrialRecord {
    /// What a chip that `inferred` did, beside the `digital` classes of the same samples.
    pub(super) fn new(
        (point, trial): (usize, usize),
        seconds: f64,
        inferred: Inferred,
        digital: &[usize],
        labels: &[usize],
        records_confusion: bool,
    ) -> Self {
        let mut paired = [0; 4];
        let mut agreed = 0;
        for ((chip, digital), label) in inferred.classes.iter().zip(digital).zip(labels) {
            let place = match (digital == label, chip == label) {
                (true, true) => 0,
                (true, false) => 1,
                (false, true) => 2,
                (false, false) => 3,
            };
            paired[place] += 1;
            agreed += usize::from(chip == digital);
        }
        let finite = |values: Vec<f64>| {
            let finite = values
                .into_iter()
                .map(|value| Some(value).filter(|v| v.is_finite()));
            finite.collect()
        };
        Self {
            point,
            trial,
            seconds,
            samples: labels.len(),
            paired,
            agreed,
            confusion: if records_confusion {
                confusion(labels, &inferred.classes)
            } else {
                Counts::new()
            },
            matrix_errors: finite(inferred.matrix_errors),
            read_errors: finite(inferred.read_errors),
            weighted_errors: finite(inferred.weighted_errors),
            losses_db: finite(inferred.losses_db),
            unreachable_mzis: inferred.unreachable_mzis,
        }
    }

    /// Share of samples that the chip classifies as labelled.
    pub fn accuracy(&self) -> f64 {
        (self.paired[0] + self.paired[2]) as f64 / self.samples as f64
    }

    /// Share of samples that the chip classifies as digital does.
    pub fn agreement(&self) -> f64 {
        self.agreed as f64 / self.samples as f64
    }
}

/// One layer of a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerShape {
    /// Its name in the network.
    pub name: String,
    /// Number of tiles.
    pub tiles: usize,
    /// Number of MZIs, attenuators included.
    pub mzis: usize,
}

/// What chips of one program are compared with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// Path of the network, if it was compiled here.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub network: Option<String>,
    /// Path of the program, if it was compiled before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub program: Option<String>,
    /// Path of the data.
    pub data: String,
    /// Modes of a tile; null for one tile a layer.
    pub tile: Option<usize>,
    /// Layout of the meshes.
    pub geometry: String,
    /// Order of the singular values.
    pub arrange: String,
    /// The chips that the phases which the weights leave free were chosen for.
    #[serde(rename = "for")]
    pub aim: String,
    /// Precision of the arithmetic.
    pub precision: String,
    /// Number of samples.
    pub samples: usize,
    /// Number of classes.
    pub classes: usize,
    /// Accuracy of the network as it was trained.
    pub digital_accuracy: f64,
    /// Accuracy of the program on a perfect chip.
    pub ideal_accuracy: f64,
    /// Share of samples that the perfect chip classifies as digital does.
    pub ideal_agreement: f64,
    /// Confusion matrix of the network as it was trained.
    pub digital_confusion: Counts,
    /// Confusion matrix of the perfect chip.
    pub ideal_confusion: Counts,
    /// The layers.
    pub layers: Vec<LayerShape>,
}

impl Reference {
    /// Digital and ideal inference of `workload`, which is that of `point`; and the digital classes.
    pub(super) fn new<T: Real>(
        point: &Point,
        workload: &Workload<'_, T>,
        seed: Seed,
    ) -> Result<(Self, Vec<usize>)> {
        let program: &Program = workload.program();
        let labels = workload.labels();
        let digital = workload.digital()?;
        let ideal = workload.ideal(seed)?.classes;
        let layers = program.model().layers.iter().zip(program.tiles());
        let (network, compiled) = match &point.source {
            Source::Network(path, _) => (Some(path.clone()), None),
            Source::Program(path) => (None, Some(path.clone())),
        };
        let reference = Self {
            network,
            program: compiled,
            data: point.data.clone(),
            tile: program.layout().tile,
            geometry: program.layout().geometry.to_string(),
            arrange: program.layout().arrangement.to_string(),
            aim: program.layout().aim.to_string(),
            precision: point.precision.name().to_owned(),
            samples: labels.len(),
            classes: program.model().classes(),
            digital_accuracy: accuracy(&digital, labels),
            ideal_accuracy: accuracy(&ideal, labels),
            ideal_agreement: agreement(&ideal, &digital),
            digital_confusion: confusion(labels, &digital),
            ideal_confusion: confusion(labels, &ideal),
            layers: layers
                .map(|(layer, tiles)| LayerShape {
                    name: layer.name.clone(),
                    tiles: tiles.len(),
                    mzis: tiles.iter().map(|tile| tile.mzis()).sum(),
                })
                .collect(),
        };
        Ok((reference, digital))
    }

    /// Whether `other` is of the same network or program, laid out alike, with the same data and precision.
    pub(super) fn has_settings_of(&self, other: &Self) -> bool {
        self.network == other.network
            && self.program == other.program
            && self.data == other.data
            && self.tile == other.tile
            && self.geometry == other.geometry
            && self.arrange == other.arrange
            && self.aim == other.aim
            && self.precision == other.precision
    }

    /// Whether chips at `point` are compared with this.
    pub fn is_of(&self, point: &Point) -> bool {
        let same = match &point.source {
            Source::Network(path, layout) => {
                self.network.as_ref() == Some(path)
                    && self.tile == layout.tile
                    && self.geometry == layout.geometry.to_string()
                    && self.arrange == layout.arrangement.name()
                    && self.aim == layout.aim.name()
            }
            Source::Program(path) => self.program.as_ref() == Some(path),
        };
        same && self.data == point.data && self.precision == point.precision.name()
    }
}

/// The confusion matrix of `predicted` classes, by label, then class.
fn confusion(labels: &[usize], predicted: &[usize]) -> Counts {
    let mut counts = std::collections::BTreeMap::new();
    for pair in labels.iter().copied().zip(predicted.iter().copied()) {
        *counts.entry(pair).or_insert(0) += 1;
    }
    let flat = counts.into_iter();
    flat.map(|((label, class), count)| (label, class, count))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_counts_once_in_the_paired_table() {
        let inferred = Inferred {
            classes: vec![0, 1, 2, 2, 0],
            matrix_errors: vec![0.5, f64::NAN],
            read_errors: vec![],
            weighted_errors: vec![],
            losses_db: vec![],
            unreachable_mzis: None,
        };
        let (digital, labels) = ([0, 2, 1, 1, 0], [0, 2, 2, 0, 0]);
        let record = TrialRecord::new((3, 1), 0.0, inferred, &digital, &labels, true);
        assert_eq!(record.paired, [2, 1, 1, 1]);
        assert_eq!((record.accuracy(), record.agreement()), (0.6, 0.4));
        assert_eq!(record.matrix_errors, [Some(0.5), None]);
        assert_eq!(
            record.confusion,
            [(0, 0, 2), (0, 2, 1), (2, 1, 1), (2, 2, 1)]
        );
    }
}
