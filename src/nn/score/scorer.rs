//! Judging outputs by a score.

use std::borrow::Cow;

use ndarray::{Array2, ArrayView2};

use super::formulas::{
    Reading, area_under_curve, is_among, log_likelihood, mean_squared_error, output_error,
    r_squared,
};
use super::{Score, Worth};
use crate::error::{Error, Result};
use crate::field::Real;
use crate::nn::metrics::{agreement, predict};
use crate::nn::{Activation, Batch, Dataset, Labels, Model, Readout};

/// A score with what the samples of one data set should come out as, for any number of outputs of one network.
#[derive(Debug, Clone)]
pub struct Scorer<'a> {
    score: Score,
    against: Against<'a>,
    outputs: usize,
    reading: Reading,
    note: Option<String>,
}

/// What outputs are compared with.
#[derive(Debug, Clone)]
enum Against<'a> {
    Nothing,
    Classes(&'a [usize]),
    Targets(Cow<'a, Array2<f64>>),
}

/// Outputs of all samples, and what they are worth.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged<T> {
    /// `[sample, output]`.
    pub outputs: Array2<T>,
    /// The class that every sample is taken for, where there are classes.
    pub classes: Option<Vec<usize>>,
    /// Whether every sample is right, where there are classes.
    pub right: Option<Vec<bool>>,
    /// Their worth.
    pub worth: Worth,
}

impl<'a> Scorer<'a> {
    /// The scorer of outputs of `model` on `data`: by `score`, else by the one that labels and outputs have the shapes of.
    ///
    /// Classes are scored by accuracy, classes 0 and 1 of one output as binary, targets by mean squared error, and so are
    /// classes of one output that go beyond 1, which are numbers. Without labels, a network of as many outputs as features
    /// is an autoencoder: its targets are its own inputs, as they are encoded. Of any other nothing is known.
    ///
    /// # Errors
    /// [`Error::Format`] for a score that these labels and outputs cannot have, [`Error::Value`] for a class that
    /// the network has not, [`Error::Shape`] for targets of another shape than the outputs.
    pub fn new(model: &Model, data: &'a Dataset, score: Option<Score>) -> Result<Self> {
        model.check_features(&data.x)?;
        let outputs = model.classes();
        let is_binary = |labels: &[usize]| labels.iter().all(|label| *label < 2);
        let score = match score {
            Some(score) => score,
            None => match &data.labels {
                Labels::Classes(labels) if outputs == 1 && is_binary(labels) => Score::Binary,
                Labels::Classes(_) if outputs > 1 => Score::Accuracy,
                Labels::Classes(_) | Labels::Targets(_) => Score::Mse,
                Labels::None if is_autoencoder(model) => Score::Mse,
                Labels::None => Score::None,
            },
        };
        let mut scorer = Self {
            score,
            against: Against::Nothing,
            outputs,
            reading: reading(model),
            note: None,
        };
        scorer.against = scorer.against(model, data)?;
        scorer.note = scorer.words(model, data);
        Ok(scorer)
    }

    /// What `score` compares outputs with, if it can.
    fn against(&self, model: &Model, data: &'a Dataset) -> Result<Against<'a>> {
        let (score, outputs) = (self.score, self.outputs);
        let refuse = |needs: &str| {
            let labels = match &data.labels {
                Labels::None => "no labels".to_owned(),
                Labels::Classes(_) => "classes".to_owned(),
                Labels::Targets(targets) => format!("{} numbers a sample", targets.ncols()),
            };
            let plural = if outputs == 1 { "" } else { "s" };
            let reason = format!(
                "needs {needs}: the network has {outputs} output{plural}, the data have {labels}"
            );
            Err(Error::format(format!("score {score}"), reason))
        };
        match (score, &data.labels) {
            (Score::None, _) => Ok(Against::Nothing),
            (Score::Mse, Labels::Targets(targets)) => {
                if targets.ncols() != outputs {
                    let limit =
                        format!("[sample, {outputs}], one number an output of this network");
                    return Err(Error::shape(
                        "labels",
                        [targets.nrows(), targets.ncols()],
                        limit,
                    ));
                }
                Ok(Against::Targets(Cow::Borrowed(targets)))
            }
            // Names are no numbers.
            (Score::Mse, Labels::Classes(labels)) if outputs == 1 && data.class_names.is_none() => {
                let numbers = labels.iter().map(|label| *label as f64).collect();
                let column = Array2::from_shape_vec((labels.len(), 1), numbers);
                Ok(Against::Targets(Cow::Owned(
                    column.expect("one number a label"),
                )))
            }
            (Score::Mse, Labels::None | Labels::Classes(_)) if is_autoencoder(model) => {
                let inputs = match model.input.encode::<f64>(&data.x, 0..data.len())? {
                    Batch::Real(x) => x.reversed_axes(),
                    Batch::Complex(_) => unreachable!("inputs of an autoencoder are real"),
                };
                Ok(Against::Targets(Cow::Owned(inputs)))
            }
            (Score::Mse, _) => refuse("a number for every output"),
            (Score::Binary, Labels::Classes(labels)) if outputs == 1 => self.classes(data, labels),
            (Score::Binary, _) => refuse("one output and the classes 0 and 1"),
            (Score::Accuracy, Labels::Classes(labels)) if outputs > 1 => self.classes(data, labels),
            (Score::Accuracy, _) => refuse("classes and at least two outputs"),
            (Score::Top(k), Labels::Classes(labels)) if k < outputs => self.classes(data, labels),
            (Score::Top(_), _) => refuse("classes and more outputs than it counts"),
            (Score::Nll, _) if outputs == 1 && model.readout != Readout::Real => {
                refuse("probabilities or logits, and one power or modulus is neither")
            }
            (Score::Nll, Labels::Classes(labels)) => self.classes(data, labels),
            (Score::Nll, _) => refuse("classes"),
        }
    }

    fn classes(&self, data: &Dataset, labels: &'a [usize]) -> Result<Against<'a>> {
        // One output tells two classes apart.
        let classes = self.outputs.max(2);
        data.check_labels(classes)?;
        if let Some(names) = data.class_names.as_ref().filter(|n| n.len() != classes) {
            let reason = format!(
                "are {} names ({}), and the network tells {classes} classes apart: names are numbered by their order, so that \
                 none may be missing; give the classes as whole numbers from 0",
                names.len(),
                names.join(", ")
            );
            return Err(Error::format("labels", reason));
        }
        Ok(Against::Classes(labels))
    }

    /// What was taken for granted, where it is not plain.
    fn words(&self, model: &Model, data: &Dataset) -> Option<String> {
        let outputs = match self.reading {
            Reading::Logits => "outputs are taken as logits",
            Reading::Probabilities => "outputs are taken as probabilities",
            Reading::LogProbabilities => "outputs are taken as logarithms of probabilities",
        };
        match (self.score, &data.labels) {
            (Score::Accuracy | Score::Top(_), _) => is_autoencoder(model).then(|| {
                "as many outputs as features: --score mse compares those of an autoencoder with its inputs".to_owned()
            }),
            (Score::Binary, _) => {
                Some(format!("one output: class 1 above {}, else class 0", self.threshold()))
            }
            (Score::Mse, Labels::Classes(_)) if is_autoencoder(model) => Some(
                "as many outputs as features: scored by the mean squared error against the network's own inputs, as they are \
                 encoded; the labels are not used"
                    .to_owned(),
            ),
            (Score::Mse, Labels::None) => Some(
                "no labels, and as many outputs as features: scored by the mean squared error against the network's own \
                 inputs, as they are encoded"
                    .to_owned(),
            ),
            (Score::Mse, Labels::Classes(_)) => {
                Some("one output: labels are taken as numbers, scored by the mean squared error".to_owned())
            }
            (Score::Mse, Labels::Targets(_)) => None,
            (Score::Nll, _) => Some(outputs.to_owned()),
            (Score::None, Labels::None) => {
                Some("no labels: outputs are compared with the digital ones alone".to_owned())
            }
            (Score::None, _) => None,
        }
    }

    /// The output above which class 1 is said.
    fn threshold(&self) -> f64 {
        match self.reading {
            Reading::Logits => 0.0,
            Reading::Probabilities => 0.5,
            Reading::LogProbabilities => 0.5_f64.ln(),
        }
    }

    /// The score.
    pub fn score(&self) -> Score {
        self.score
    }

    /// What was taken for granted, as a sentence without its full stop; nothing where it is plain.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// The class of every sample, where the score is of classes.
    pub fn labels(&self) -> Option<&'a [usize]> {
        match self.against {
            Against::Classes(labels) => Some(labels),
            _ => None,
        }
    }

    /// Number of classes that outputs tell apart; 0 where they are no classes.
    pub fn class_count(&self) -> usize {
        match self.score.has_classes() {
            true => self.outputs.max(2),
            false => 0,
        }
    }

    /// What `outputs`, `[sample, output]`, are worth by themselves.
    ///
    /// # Panics
    /// If there is not one row a sample and one column an output.
    pub fn judge<T: Real>(&self, outputs: Array2<T>) -> Judged<T> {
        let mut worth = Worth::default();
        let (mut classes, mut right) = (None, None);
        match &self.against {
            Against::Nothing => worth.output_error = Some(0.0),
            Against::Targets(targets) => {
                assert_eq!(outputs.dim(), targets.dim(), "one target an output");
                worth.score = Some(mean_squared_error(outputs.view(), targets.view()));
                worth.r2 = r_squared(outputs.view(), targets.view());
            }
            Against::Classes(labels) => {
                assert_eq!(
                    outputs.dim(),
                    (labels.len(), self.outputs),
                    "one row a label"
                );
                let predicted = self.predict(outputs.view());
                let is_right: Vec<bool> = match self.score {
                    Score::Top(k) => {
                        let rows = outputs.rows().into_iter().zip(*labels);
                        rows.map(|(row, label)| is_among(row, *label, k)).collect()
                    }
                    _ => predicted.iter().zip(*labels).map(|(a, b)| a == b).collect(),
                };
                let count = is_right.iter().filter(|right| **right).count();
                let samples = labels.len() as f64;
                worth.accuracy = Some(count as f64 / samples);
                if self.score == Score::Binary {
                    let outputs: Vec<f64> = outputs.iter().map(|y| y.double()).collect();
                    worth.auc = area_under_curve(&outputs, labels);
                }
                if self.score == Score::Nll {
                    let rows = outputs.rows().into_iter().zip(*labels);
                    let sum: f64 = rows
                        .map(|(row, label)| log_likelihood(row, *label, self.reading))
                        .sum();
                    worth.score = Some(-sum / samples);
                }
                (classes, right) = (Some(predicted), Some(is_right));
            }
        }
        Judged {
            outputs,
            classes,
            right,
            worth,
        }
    }

    /// What `outputs` of a chip are worth by themselves and beside `digital` ones.
    ///
    /// # Panics
    /// As [`judge`](Self::judge).
    pub fn judge_beside<T: Real>(&self, outputs: Array2<T>, digital: &Judged<T>) -> Judged<T> {
        let mut judged = self.judge(outputs);
        match (&judged.classes, &digital.classes) {
            (Some(chip), Some(digital)) => judged.worth.agreement = Some(agreement(chip, digital)),
            _ => {
                let error = output_error(judged.outputs.view(), digital.outputs.view());
                judged.worth.output_error = Some(error);
            }
        }
        judged
    }

    /// The class that every sample is taken for.
    fn predict<T: Real>(&self, outputs: ArrayView2<'_, T>) -> Vec<usize> {
        if self.outputs > 1 {
            return predict(outputs);
        }
        let threshold = self.threshold();
        let classes = outputs.iter().map(|y| usize::from(y.double() > threshold));
        classes.collect()
    }
}

/// Whether a network of these shapes can be asked for its own inputs.
fn is_autoencoder(model: &Model) -> bool {
    model.classes() == model.features() && !model.is_complex()
}

/// How the outputs of `model` are probabilities: those behind a softmax or a sigmoid are, and so is a single power or
/// modulus, which is never below 0.
fn reading(model: &Model) -> Reading {
    let last = model.layers.last().map(|layer| layer.activation);
    match (model.readout, last) {
        (Readout::Real, Some(Activation::LogSoftmax)) => Reading::LogProbabilities,
        (Readout::Real, Some(Activation::Softmax | Activation::Sigmoid)) => Reading::Probabilities,
        (Readout::Real, Some(Activation::HardSigmoid { .. })) => Reading::Probabilities,
        (Readout::Modulus | Readout::Intensity, _) if model.classes() == 1 => {
            Reading::Probabilities
        }
        _ => Reading::Logits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Input, Layer, Samples, Weight};
    use approx::assert_relative_eq;
    use ndarray::{Array2, arr2};

    /// A network of one layer of ones.
    fn model(outputs: usize, inputs: usize, activation: Activation) -> Model {
        let layer = Layer {
            name: "0".into(),
            weight: Weight::Real(Array2::ones((outputs, inputs))),
            bias: None,
            activation,
        };
        Model::new(Input::default(), vec![layer], Readout::Real).unwrap()
    }

    fn data(features: usize, labels: impl Into<Labels>) -> Dataset {
        let x = Array2::from_shape_fn((4, features), |(i, j)| (3 * i + j) as f64);
        Dataset::new("d", Samples::from(x), labels).unwrap()
    }

    #[test]
    fn the_score_follows_from_the_shapes_of_labels_and_outputs() {
        let classes = |labels: &[usize]| Labels::Classes(labels.to_vec());
        for (outputs, features, labels, expected) in [
            (3, 2, classes(&[0, 2, 1, 0]), Score::Accuracy),
            (1, 2, classes(&[0, 1, 1, 0]), Score::Binary),
            (1, 2, classes(&[0, 5, 1, 0]), Score::Mse),
            (2, 3, Labels::Targets(Array2::zeros((4, 2))), Score::Mse),
            (2, 2, Labels::None, Score::Mse),
            (3, 2, Labels::None, Score::None),
        ] {
            let (model, data) = (
                model(outputs, features, Activation::Identity),
                data(features, labels),
            );
            let scorer = Scorer::new(&model, &data, None).unwrap();
            assert_eq!(scorer.score(), expected, "{:?}", data.labels);
        }
    }

    /// Names are numbered by their order among those that occur: with one missing, all behind it would be other classes.
    #[test]
    fn names_of_classes_must_be_as_many_as_the_network_tells_apart() {
        let named = |outputs: usize, names: &[&str]| {
            let names = names.iter().map(|&name| name.to_owned());
            let data = Dataset {
                class_names: Some(names.collect()),
                ..data(2, Labels::Classes(vec![0, 1, 1, 0]))
            };
            Scorer::new(&model(outputs, 2, Activation::Identity), &data, None).map(|_| ())
        };
        assert!(named(3, &["a", "b", "c"]).is_ok());
        assert!(named(1, &["-1", "1"]).is_ok());
        let said = named(3, &["b", "c"]).unwrap_err().to_string();
        assert!(
            said.contains("are 2 names (b, c), and the network tells 3"),
            "{said}"
        );
        assert!(named(1, &["well"]).is_err());
    }

    /// -1 and 1 are classes 0 and 1, and no numbers to be compared with.
    #[test]
    fn classes_that_have_names_are_no_numbers() {
        let network = model(1, 2, Activation::Identity);
        let mut data = data(2, Labels::Classes(vec![0, 1, 1, 0]));
        assert!(Scorer::new(&network, &data, Some(Score::Mse)).is_ok());
        data.class_names = Some(vec!["-1".into(), "1".into()]);
        assert!(Scorer::new(&network, &data, Some(Score::Mse)).is_err());
    }

    #[test]
    fn an_autoencoder_of_labelled_data_is_compared_with_its_inputs_where_that_is_asked() {
        let network = model(3, 3, Activation::Identity);
        let data = data(3, Labels::Classes(vec![0, 1, 2, 0]));
        let scorer = Scorer::new(&network, &data, Some(Score::Mse)).unwrap();
        assert!(scorer.note().unwrap().contains("the labels are not used"));
        let Against::Targets(targets) = &scorer.against else {
            panic!("inputs are targets");
        };
        assert_eq!(targets[[1, 2]], 5.0);
        let scorer = Scorer::new(&network, &data, None).unwrap();
        assert_eq!(scorer.score(), Score::Accuracy);
        assert!(scorer.note().unwrap().contains("--score mse"));
    }

    #[test]
    fn a_hard_sigmoid_ends_in_probabilities_and_a_power_in_none() {
        let hard = Activation::HardSigmoid {
            alpha: 1.0 / 6.0,
            beta: 0.5,
        };
        assert_eq!(reading(&model(1, 2, hard)), Reading::Probabilities);
        let network = Model::new(
            Input::default(),
            vec![Layer {
                name: "0".into(),
                weight: Weight::Complex(Array2::ones((1, 2)).mapv(|x: f64| x.into())),
                bias: None,
                activation: Activation::Identity,
            }],
            Readout::Intensity,
        );
        let data = data(2, Labels::Classes(vec![0, 1, 1, 0]));
        let refused = Scorer::new(&network.unwrap(), &data, Some(Score::Nll));
        assert!(
            refused
                .unwrap_err()
                .to_string()
                .contains("probabilities or logits")
        );
    }

    #[test]
    fn a_score_that_cannot_be_is_refused_in_a_sentence() {
        let classes = || Labels::Classes(vec![0, 1, 1, 0]);
        let targets = || Labels::Targets(Array2::zeros((4, 2)));
        for (outputs, labels, score, says) in [
            (
                3,
                classes(),
                Score::Mse,
                "score mse: needs a number for every output: the network has 3 outputs, the data have classes",
            ),
            (
                1,
                classes(),
                Score::Accuracy,
                "score accuracy: needs classes and at least two outputs: the network has 1 output,",
            ),
            (
                3,
                targets(),
                Score::Accuracy,
                "the data have 2 numbers a sample",
            ),
            (
                3,
                classes(),
                Score::Binary,
                "score binary: needs one output and the classes 0 and 1",
            ),
            (
                3,
                classes(),
                Score::Top(3),
                "score top3: needs classes and more outputs than it counts",
            ),
            (
                3,
                Labels::None,
                Score::Nll,
                "score nll: needs classes: the network has 3 outputs, the data have no labels",
            ),
            (
                3,
                targets(),
                Score::Mse,
                "labels has shape [4, 2]: must be [sample, 3], one number an output",
            ),
            (
                1,
                Labels::Classes(vec![0, 2, 1, 0]),
                Score::Binary,
                "label of sample 1 = 2: must be below 2",
            ),
        ] {
            let (model, data) = (model(outputs, 5, Activation::Identity), data(5, labels));
            let error = Scorer::new(&model, &data, Some(score)).unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
        }
    }

    #[test]
    fn one_output_is_class_1_above_one_half_behind_a_sigmoid_and_above_0_as_a_logit() {
        let data = data(5, vec![0_usize, 1, 1, 0]);
        let outputs = arr2(&[[0.2], [0.4], [0.9], [0.7]]);
        for (activation, accuracy, note) in [
            (
                Activation::Sigmoid,
                0.5,
                "one output: class 1 above 0.5, else class 0",
            ),
            (
                Activation::Identity,
                0.5,
                "one output: class 1 above 0, else class 0",
            ),
        ] {
            let model = model(1, 5, activation);
            let scorer = Scorer::new(&model, &data, None).unwrap();
            let judged = scorer.judge(outputs.clone());
            let above = activation != Activation::Sigmoid;
            assert_eq!(judged.classes, Some(vec![above.into(), above.into(), 1, 1]));
            assert_eq!(judged.worth.accuracy, Some(accuracy));
            // Pairs (0.4, 0.2), (0.9, 0.2), (0.9, 0.7) are in order, (0.4, 0.7) is not.
            assert_eq!(judged.worth.auc, Some(0.75));
            assert_eq!(scorer.note(), Some(note));
        }
    }

    #[test]
    fn classes_are_compared_with_digital_by_sample_and_numbers_by_distance() {
        let network = model(3, 5, Activation::Identity);
        let data_of_classes = data(5, vec![0_usize, 1, 2, 2]);
        let digital = arr2(&[
            [3.0, 2.0, 1.0],
            [3.0, 2.0, 1.0],
            [0.0, 1.0, 2.0],
            [2.0, 0.0, 1.0],
        ]);
        let mut chip = digital.clone();
        chip[[0, 1]] = 4.0;
        for (score, right, chip_right) in [
            (Score::Accuracy, [true, false, true, false], 1),
            (Score::Top(2), [true, true, true, true], 4),
        ] {
            let scorer = Scorer::new(&network, &data_of_classes, Some(score)).unwrap();
            let digital = scorer.judge(digital.clone());
            assert_eq!(digital.right, Some(right.to_vec()));
            assert_eq!(digital.worth.agreement, None);
            let judged = scorer.judge_beside(chip.clone(), &digital);
            assert_eq!(judged.worth.accuracy, Some(f64::from(chip_right) / 4.0));
            assert_eq!(judged.worth.agreement, Some(0.75));
            assert_eq!(judged.worth.output_error, None);
        }
        let scorer = Scorer::new(&network, &data_of_classes, Some(Score::Nll)).unwrap();
        let worth = scorer.judge(digital.clone()).worth;
        let ln_sum = |row: [f64; 3]| row.map(f64::exp).iter().sum::<f64>().ln();
        let by_hand = [
            ln_sum([3.0, 2.0, 1.0]) - 3.0,
            ln_sum([3.0, 2.0, 1.0]) - 2.0,
            ln_sum([0.0, 1.0, 2.0]) - 2.0,
            ln_sum([2.0, 0.0, 1.0]) - 1.0,
        ];
        let expected = by_hand.iter().sum::<f64>() / 4.0;
        assert_relative_eq!(worth.value(), expected, max_relative = 1e-14);
        assert_eq!(worth.accuracy, Some(0.5));

        let wanted = data(5, Labels::Targets(digital.clone()));
        let scorer = Scorer::new(&network, &wanted, None).unwrap();
        let reference = scorer.judge(digital.clone());
        assert_eq!(
            (reference.worth.score, reference.worth.r2),
            (Some(0.0), Some(1.0))
        );
        let worth = scorer.judge_beside(chip, &reference).worth;
        // One of twelve outputs is off by 2.
        assert_relative_eq!(worth.value(), 4.0 / 12.0, max_relative = 1e-15);
        let norm: f64 = digital.iter().map(|y| y * y).sum();
        assert_relative_eq!(
            worth.output_error.unwrap(),
            2.0 / norm.sqrt(),
            max_relative = 1e-15
        );
        assert_eq!(worth.agreement, None);
    }

    #[test]
    fn an_autoencoder_is_compared_with_its_inputs_as_they_are_encoded() {
        let mut network = model(5, 5, Activation::Identity);
        network.input.std = 2.0.into();
        let data = data(5, Labels::None);
        let scorer = Scorer::new(&network, &data, None).unwrap();
        let halves = Array2::from_shape_fn((4, 5), |(i, j)| (3 * i + j) as f64 / 2.0);
        assert_eq!(scorer.judge(halves).worth.score, Some(0.0));
        assert!(scorer.note().unwrap().contains("as they are encoded"));
    }
}
