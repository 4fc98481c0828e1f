//! What one chip gave.

use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

use super::stats::PairedTable;
use crate::nn::{Judged, Worth};

/// How many samples of one label are taken for a class: `(label, predicted, count)`, counts above 0 only.
pub type Counts = Vec<(usize, usize, u64)>;

/// What one chip gave: a line of a sweep's journal, a row of its tables, an entry of what `infer` prints.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// Its point of a sweep; 0 where there is none.
    pub point: usize,
    /// Its number within the point, which is that of its chip.
    pub trial: usize,
    /// Wall-clock time in a sweep, s, else 0: not part of the result.
    pub seconds: f64,
    /// Number of samples.
    pub samples: usize,
    /// What its outputs are worth.
    pub worth: Worth,
    /// How many samples it and digital have right, where there are classes.
    pub paired: Option<PairedTable>,
    /// What became of every layer.
    pub layers: Vec<LayerTrial>,
    /// The confusion matrix; empty where it is not recorded.
    pub confusion: Counts,
}

/// What became of one layer on one chip; null what is not finite, or not there.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerTrial {
    /// ‖W_chip − W‖_F / ‖W‖_F.
    pub matrix_error: Option<f64>,
    /// The relative error of what detectors read of it: of a real network the real part.
    pub read_error: Option<f64>,
    /// ‖(W_chip − W) x‖ / ‖W x‖ of what detectors read, over the calibration batch.
    pub weighted_error: Option<f64>,
    /// Loss of the layer's tiles, dB, mean over the tiles.
    pub loss_db: Option<f64>,
    /// Number of MZIs that no phases could make do what the correction asked of them; null without one.
    pub unreachable_mzis: Option<usize>,
}

/// How many samples `digital` and a `chip` have right; nothing where there are no classes.
pub(super) fn paired<T>(digital: &Judged<T>, chip: &Judged<T>) -> Option<PairedTable> {
    let (digital, chip) = (digital.right.as_ref()?, chip.right.as_ref()?);
    let mut table = PairedTable::default();
    for pair in digital.iter().zip(chip) {
        *match pair {
            (true, true) => &mut table.both_right,
            (true, false) => &mut table.only_digital_right,
            (false, true) => &mut table.only_chip_right,
            (false, false) => &mut table.neither_right,
        } += 1;
    }
    Some(table)
}

/// The confusion matrix of `predicted` classes, by label, then class; all beyond the last of `classes` are that one.
pub(super) fn confusion(labels: &[usize], predicted: &[usize], classes: usize) -> Counts {
    let last = classes.saturating_sub(1);
    let mut counts = std::collections::BTreeMap::new();
    for (label, class) in labels.iter().zip(predicted) {
        *counts.entry((*label, *class.min(&last))).or_insert(0) += 1;
    }
    let flat = counts.into_iter();
    flat.map(|((label, class), count)| (label, class, count))
        .collect()
}

/// `trials` as `infer` prints them: a list a quantity, one entry a layer.
pub(super) fn as_printed<S: Serializer>(trials: &[Trial], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(trials.iter().map(Printed))
}

struct Printed<'a>(&'a Trial);

impl Serialize for Printed<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Trial {
            trial,
            worth,
            layers,
            ..
        } = self.0;
        let parts = crate::nn::PARTS.iter().zip(worth.parts());
        let there = parts.filter_map(|(part, value)| Some((part.name, value?)));
        let mut object = to.serialize_struct("Trial", 6 + there.clone().count())?;
        object.serialize_field("trial", trial)?;
        for (name, value) in there {
            object.serialize_field(name, &value)?;
        }
        let of =
            |value: fn(&LayerTrial) -> Option<f64>| layers.iter().map(value).collect::<Vec<_>>();
        object.serialize_field("matrix_errors", &of(|layer| layer.matrix_error))?;
        object.serialize_field("read_errors", &of(|layer| layer.read_error))?;
        object.serialize_field("weighted_errors", &of(|layer| layer.weighted_error))?;
        object.serialize_field("losses_db", &of(|layer| layer.loss_db))?;
        let unreachable: Option<Vec<usize>> =
            layers.iter().map(|layer| layer.unreachable_mzis).collect();
        object.serialize_field("unreachable_mzis", &unreachable)?;
        object.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn every_sample_counts_once_in_the_paired_table() {
        let judged = |right: [bool; 5]| Judged {
            outputs: Array2::<f64>::zeros((5, 3)),
            classes: None,
            right: Some(right.to_vec()),
            worth: Worth::default(),
        };
        let digital = judged([true, true, false, false, true]);
        let chip = judged([true, false, true, false, true]);
        let table = paired(&digital, &chip).unwrap();
        assert_eq!(table.counts(), [2, 1, 1, 1]);
        let nothing = Judged {
            right: None,
            ..chip
        };
        assert_eq!(paired(&digital, &nothing), None);
        assert_eq!(
            confusion(&[0, 2, 2, 0, 0], &[0, 1, usize::MAX, 2, 0], 3),
            [(0, 0, 2), (0, 2, 1), (2, 1, 1), (2, 2, 1)]
        );
    }

    #[test]
    fn a_trial_is_printed_with_a_list_a_quantity_and_without_what_its_score_has_not() {
        let layer = |error| LayerTrial {
            matrix_error: error,
            loss_db: Some(0.5),
            ..LayerTrial::default()
        };
        let mut trial = Trial {
            trial: 3,
            worth: Worth {
                accuracy: Some(0.5),
                agreement: Some(1.0),
                ..Worth::default()
            },
            layers: vec![layer(Some(0.25)), layer(None)],
            ..Trial::default()
        };
        let printed = |trial: &Trial| serde_json::to_string(&Printed(trial)).unwrap();
        assert_eq!(
            printed(&trial),
            r#"{"trial":3,"accuracy":0.5,"agreement":1.0,"matrix_errors":[0.25,null],"read_errors":[null,null],"#.to_owned()
                + r#""weighted_errors":[null,null],"losses_db":[0.5,0.5],"unreachable_mzis":null}"#
        );
        for layer in &mut trial.layers {
            layer.unreachable_mzis = Some(7);
        }
        assert!(printed(&trial).ends_with(r#""unreachable_mzis":[7,7]}"#));
    }
}
