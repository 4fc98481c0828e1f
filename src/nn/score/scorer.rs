//! Judging outputs by a score.

use std::borrow::Cow;

use ndarray::{Array2, ArrayView2};

use super::formulas::{
    Reading, area_under_curve, is_among, log_likelihood, mean_squared_error, output_error,
    r_squared,
};
use super::{Score, Worth, digits};
use crate::error::{Error, Result};
use crate::field::Real;
use crate::io::classes;
use crate::nn::metrics::{Chance, agreement, predict};
use crate::nn::port::Element;
use crate::nn::{Activation, Batch, Dataset, Labels, Network, Readout};

/// A score with what the samples of one data set should come out as, for any number of outputs of one network.
#[derive(Debug, Clone)]
pub struct Scorer<'a> {
    score: Score,
    against: Against<'a>,
    outputs: usize,
    reading: Reading,
    /// Whether the output is the number of a class.
    says_class: bool,
    /// Whether classes 0 and 1 are called -1 and 1.
    has_signs: bool,
    /// Number of classes; where the network does not say it, one more than the labels have, for all others.
    classes: usize,
    note: Option<String>,
}

/// How far from 1 the sum of probabilities of single precision may be.
const SUM_LIMIT: f64 = 1e-4;

/// What outputs are compared with.
#[derive(Debug, Clone)]
enum Against<'a> {
    Nothing,
    Classes(Cow<'a, [usize]>),
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
    /// The scorer of outputs of `network` on `data`: by `score`, else by the one that labels and outputs have the shapes of.
    ///
    /// Classes are scored by accuracy, classes 0 and 1 of one output as binary, targets by mean squared error, and so are
    /// classes of one output that go beyond 1, which are numbers; but an output of integers is the class itself. Without
    /// labels, or with labels of fewer classes than outputs, a network of as many outputs as features is an autoencoder: its
    /// targets are its own inputs, as they are encoded. Of any other nothing is known.
    ///
    /// # Errors
    /// [`Error::Format`] for a score that these labels and outputs cannot have, [`Error::Value`] for a class that
    /// the network has not, [`Error::Shape`] for targets of another shape than the outputs, and for samples of several axes
    /// that were read without the network and that it takes in another order.
    pub fn new(network: &Network, data: &'a Dataset, score: Option<Score>) -> Result<Self> {
        network.check_features(&data.x)?;
        data.check_axes(network)?;
        let outputs = network.classes();
        let says_class = network.says_class();
        let is_binary = |labels: &[usize]| labels.iter().all(|label| *label < 2);
        let has_fewer = |labels: &[usize]| outputs > 1 && labelled(labels) < outputs;
        let score = match score {
            Some(score) => score,
            None => match &data.labels {
                Labels::Classes(_) if says_class => Score::Accuracy,
                Labels::Classes(labels) if outputs == 1 && is_binary(labels) => Score::Binary,
                Labels::Classes(labels) if is_autoencoder(network) && has_fewer(labels) => {
                    Score::Mse
                }
                Labels::Classes(_) if outputs > 1 => Score::Accuracy,
                Labels::Classes(_) | Labels::Targets(_) => Score::Mse,
                Labels::None if is_autoencoder(network) => Score::Mse,
                Labels::None => Score::None,
            },
        };
        let mut scorer = Self {
            score,
            against: Against::Nothing,
            outputs,
            reading: match score {
                Score::BinaryOfProbabilities | Score::NllOfProbabilities => Reading::Probabilities,
                _ => reading(network),
            },
            says_class,
            has_signs: data.class_names == Some(classes::signs()),
            classes: network.classes_told_apart().unwrap_or_else(|| {
                let labels = data.labels.classes().unwrap_or_default();
                labelled(labels) + 1
            }),
            note: None,
        };
        scorer.against = scorer.against(network, data)?;
        scorer.note = scorer.words(network, data);
        Ok(scorer)
    }

    /// What `score` compares outputs with, if it can.
    fn against(&self, network: &Network, data: &'a Dataset) -> Result<Against<'a>> {
        let (score, outputs) = (self.score, self.outputs);
        let refuse = |needs: &str| {
            let labels = match &data.labels {
                Labels::None => "no labels".to_owned(),
                Labels::Classes(_) => "classes".to_owned(),
                Labels::Targets(targets) => format!("{} numbers a sample", targets.ncols()),
            };
            let given = match (self.says_class, outputs) {
                (true, _) => "gives the number of a class".to_owned(),
                (false, 1) => "has 1 output".to_owned(),
                (false, outputs) => format!("has {outputs} outputs"),
            };
            let reason = format!("needs {needs}: the network {given}, the data have {labels}");
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
            (Score::Mse, Labels::None | Labels::Classes(_)) if is_autoencoder(network) => {
                let inputs = match network.encode::<f64>(&data.x, 0..data.len())? {
                    Batch::Real(x) => x.reversed_axes(),
                    Batch::Complex(_) => unreachable!("inputs of an autoencoder are real"),
                };
                Ok(Against::Targets(Cow::Owned(inputs)))
            }
            (Score::Mse, _) => refuse("a number for every output"),
            _ if self.says_class && (score.is_binary() || score.is_nll()) => {
                refuse("probabilities or logits")
            }
            (_, Labels::Classes(labels)) if score.is_binary() && outputs == 1 => {
                self.classes(data, labels)
            }
            _ if score.is_binary() => refuse("one output and the classes 0 and 1"),
            (Score::Accuracy, Labels::Classes(labels)) if outputs > 1 || self.says_class => {
                let is_known = network.classes_told_apart().is_some();
                match is_known {
                    true => self.classes(data, labels),
                    false => Ok(Against::Classes(Cow::Borrowed(labels))),
                }
            }
            (Score::Accuracy, _) => refuse("classes and at least two outputs"),
            (Score::Top(k), Labels::Classes(labels)) if k < outputs => self.classes(data, labels),
            (Score::Top(_), _) => refuse("classes and more outputs than it counts"),
            _ if outputs == 1 && network.readout != Readout::Real => {
                refuse("probabilities or logits, and one power or modulus is neither")
            }
            (_, Labels::Classes(labels)) => self.classes(data, labels),
            _ => refuse("classes"),
        }
    }

    fn classes(&self, data: &Dataset, labels: &'a [usize]) -> Result<Against<'a>> {
        let classes = self.classes;
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
        Ok(Against::Classes(Cow::Borrowed(labels)))
    }

    /// What was taken for granted, where it is not plain.
    fn words(&self, network: &Network, data: &Dataset) -> Option<String> {
        let outputs = match self.reading {
            Reading::Logits => "outputs are taken as logits",
            Reading::Probabilities => "outputs are taken as probabilities",
            Reading::LogProbabilities => "outputs are taken as logarithms of probabilities",
        };
        match (self.score, &data.labels) {
            (Score::Accuracy, _) if self.says_class => {
                Some("outputs are integers: they are taken as classes".to_owned())
            }
            (Score::Accuracy | Score::Top(_), _) => is_autoencoder(network).then(|| {
                "as many outputs as features: --score mse compares those of an autoencoder with its inputs".to_owned()
            }),
            (Score::Binary | Score::BinaryOfProbabilities, _) => {
                Some(format!("one output: class 1 above {}, else class 0", self.threshold()))
            }
            (Score::Mse, Labels::Classes(_)) if is_autoencoder(network) => Some(
                "as many outputs as features: scored by the mean squared error against the network's own inputs, as they are \
                 encoded; the labels are not used (--score accuracy uses them)"
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
            (Score::Nll | Score::NllOfProbabilities, _) => Some(outputs.to_owned()),
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

    /// The same with labels or targets of its own.
    pub fn into_owned(self) -> Scorer<'static> {
        Scorer {
            score: self.score,
            against: match self.against {
                Against::Nothing => Against::Nothing,
                Against::Classes(labels) => Against::Classes(Cow::Owned(labels.into_owned())),
                Against::Targets(targets) => Against::Targets(Cow::Owned(targets.into_owned())),
            },
            outputs: self.outputs,
            reading: self.reading,
            says_class: self.says_class,
            has_signs: self.has_signs,
            classes: self.classes,
            note: self.note,
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

    /// Why the outputs of the `digital` network may not be what they are taken for, as a sentence without its full stop;
    /// nothing where nothing speaks against it, or the score does not depend on it.
    ///
    /// Logits are doubted that all lie from 0 to 1 and, where they are several, sum to 1 for every sample; probabilities
    /// that were asked for are, where one lies beyond 0 or 1.
    pub fn doubt<T: Real>(&self, digital: &Judged<T>) -> Option<String> {
        let outputs = &digital.outputs;
        let can_be = |y: &T| (0.0..=1.0).contains(&y.double());
        match self.score {
            Score::BinaryOfProbabilities | Score::NllOfProbabilities => {
                let beyond = outputs.iter().find(|y| !can_be(y))?;
                Some(format!(
                    "{} takes outputs as probabilities, from 0 to 1, and one of the digital network is {}",
                    self.score,
                    digits(beyond.double())
                ))
            }
            Score::Binary | Score::Nll if self.reading == Reading::Logits => {
                let is_whole = |sum: f64| self.outputs == 1 || (sum - 1.0).abs() < SUM_LIMIT;
                let mut rows = outputs.rows().into_iter();
                let are_probabilities = rows.all(|row| {
                    row.iter().all(can_be) && is_whole(row.iter().map(|y| y.double()).sum())
                });
                let sum = match self.outputs {
                    1 => "",
                    _ => " and sum to 1 for every sample",
                };
                (are_probabilities && !outputs.is_empty()).then(|| {
                    format!(
                        "outputs are taken as logits, but those of the digital network lie from 0 to 1{sum}, as \
                         probabilities do: --score {}-of-probabilities takes them as such",
                        self.score
                    )
                })
            }
            _ => None,
        }
    }

    /// The class of every sample, where the score is of classes.
    pub fn labels(&self) -> Option<&[usize]> {
        match &self.against {
            Against::Classes(labels) => Some(labels),
            _ => None,
        }
    }

    /// Number of classes that outputs tell apart; 0 where they are no classes. Where an output is the number of a class and
    /// the network does not say of how many, all beyond the labels are one more.
    pub fn class_count(&self) -> usize {
        match self.score.has_classes() {
            true => self.classes,
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
                        let rows = outputs.rows().into_iter().zip(labels.iter());
                        rows.map(|(row, label)| is_among(row, *label, k)).collect()
                    }
                    _ => predicted
                        .iter()
                        .zip(labels.iter())
                        .map(|(a, b)| a == b)
                        .collect(),
                };
                let count = is_right.iter().filter(|right| **right).count();
                let samples = labels.len() as f64;
                worth.accuracy = Some(count as f64 / samples);
                if self.score.is_binary() {
                    let outputs: Vec<f64> = outputs.iter().map(|y| y.double()).collect();
                    worth.auc = area_under_curve(&outputs, labels);
                }
                if self.score.is_nll() {
                    let rows = outputs.rows().into_iter().zip(labels.iter());
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

    /// The class whose number an output is; that of numbers below 0 is none that a label has.
    fn class(&self, output: f64) -> usize {
        match self.has_signs {
            true if output.abs() == 1.0 => usize::from(output > 0.0),
            _ if output < 0.0 => usize::MAX,
            _ => output as usize,
        }
    }

    /// The class that every sample is taken for.
    fn predict<T: Real>(&self, outputs: ArrayView2<'_, T>) -> Vec<usize> {
        if self.outputs > 1 {
            return predict(outputs);
        }
        if self.says_class {
            return outputs.iter().map(|y| self.class(y.double())).collect();
        }
        let threshold = self.threshold();
        let classes = outputs.iter().map(|y| usize::from(y.double() > threshold));
        classes.collect()
    }
}

/// Whether a network of these shapes can be asked for its own inputs.
fn is_autoencoder(network: &Network) -> bool {
    let takes_numbers = match &network.ports()[..] {
        [port] => port.element == Element::Float,
        _ => false,
    };
    takes_numbers && network.classes() == network.features() && !network.is_complex()
}

/// Number of classes that `labels` go up to.
fn labelled(labels: &[usize]) -> usize {
    labels.iter().max().map_or(0, |largest| largest + 1)
}

/// How the outputs of `network` are probabilities: those behind a softmax or a sigmoid are, and so is a single power or
/// modulus, which is never below 0.
fn reading(network: &Network) -> Reading {
    match (network.readout, network.last_activation()) {
        (Readout::Real, Some(Activation::LogSoftmax)) => Reading::LogProbabilities,
        (Readout::Real, Some(Activation::Softmax | Activation::Sigmoid)) => Reading::Probabilities,
        (Readout::Real, Some(Activation::HardSigmoid { .. })) => Reading::Probabilities,
        (Readout::Modulus | Readout::Intensity, _) if network.classes() == 1 => {
            Reading::Probabilities
        }
        _ => Reading::Logits,
    }
}

impl Chance {
    /// As [`near`](Self::near), of digital outputs that `scorer` has judged; nothing where their accuracy is no share of
    /// samples in their own class.
    pub fn of(digital: &Worth, scorer: &Scorer<'_>) -> Option<Self> {
        match scorer.score() {
            Score::Top(_) => None,
            _ => Self::near(digital.accuracy?, scorer.labels()?),
        }
    }
}

#[cfg(test)]
mod tests;
