//! What training makes small.

use std::fmt;
use std::str::FromStr;

use ndarray::{Array2, ArrayView1, Axis};

use crate::error::{Error, Result};
use crate::field::Real;
use crate::nn::{Activation, Labels, Network, Readout};

/// What training makes small: a mean over samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Loss {
    /// −ln of the probability of each sample's class. Outputs are logits of a softmax; of one output and classes 0 and 1 the
    /// logit of a sigmoid; behind a softmax, log-softmax or sigmoid of the network's own they are taken as what they are.
    CrossEntropy,
    /// Mean square of outputs minus targets, over outputs too; of classes the targets are rows with a single 1.
    MeanSquare,
    /// Divergence of the outputs' softmax from that of the digital network, both at this temperature, times its square.
    /// Hinton, Vinyals, Dean, arXiv:1503.02531.
    Distillation {
        /// What logits are divided by, above 0.
        temperature: f64,
    },
}

impl Loss {
    /// Names of all.
    pub const NAMES: [&'static str; 3] = ["cross-entropy", "mean-square", "distillation"];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::CrossEntropy => Self::NAMES[0],
            Self::MeanSquare => Self::NAMES[1],
            Self::Distillation { .. } => Self::NAMES[2],
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Loss {
    type Err = Error;

    /// By name; distillation at temperature 2.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "cross-entropy" => Ok(Self::CrossEntropy),
            "mean-square" => Ok(Self::MeanSquare),
            "distillation" => Ok(Self::Distillation { temperature: 2.0 }),
            other => Err(Error::unknown("loss", other, &Self::NAMES)),
        }
    }
}

/// What outputs are to a cross-entropy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outputs {
    Logits,
    LogProbabilities,
    Probabilities,
}

/// What the outputs of samples should be, one entry a sample.
#[derive(Debug, Clone, PartialEq)]
enum Wanted {
    Classes(Vec<usize>),
    /// `[sample, output]`.
    Targets(Array2<f64>),
}

/// A loss with what it compares outputs with.
#[derive(Debug, Clone, PartialEq)]
pub struct Criterion {
    loss: Loss,
    outputs: Outputs,
    wanted: Wanted,
}

impl Criterion {
    /// `loss` of outputs of `network` on samples that are known by `labels`; `teacher` computes what the digital network
    /// gives for them, `[sample, output]`, where that is asked for.
    ///
    /// # Errors
    /// [`Error::Format`] where the labels are not what the loss needs, [`Error::Value`] for a class that the network has not,
    /// [`Error::Shape`] for targets of another shape than the outputs, [`Error::Unsupported`] for a distillation of outputs
    /// that are no logits; those of `teacher`.
    pub fn new(
        loss: Loss,
        network: &Network,
        labels: &Labels,
        teacher: impl FnOnce() -> Result<Array2<f64>>,
    ) -> Result<Self> {
        let count = network.classes();
        let outputs = outputs(network);
        let needs = |what: &str| {
            let got = match labels {
                Labels::None => "no labels",
                Labels::Classes(_) => "classes",
                Labels::Targets(_) => "numbers as targets",
            };
            let reason = format!("needs {what}: the data have {got}");
            Error::format(format!("loss {loss}"), reason)
        };
        let limit = match count {
            1 => 2,
            count => count,
        };
        let check = |classes: &[usize]| match classes.iter().position(|class| *class >= limit) {
            None => Ok(()),
            Some(sample) => {
                let what = format!("label of sample {sample}");
                let limit = format!("below {limit}, the number of classes of the network");
                Err(Error::value(what, classes[sample], limit))
            }
        };
        let wanted = match (loss, labels) {
            (Loss::CrossEntropy, Labels::Classes(classes)) => {
                check_last(network)?;
                check(classes)?;
                Wanted::Classes(classes.clone())
            }
            (Loss::CrossEntropy, _) => return Err(needs("classes")),
            (Loss::MeanSquare, Labels::Targets(targets)) => {
                if targets.ncols() != count {
                    let limit = format!("[sample, {count}], one number an output");
                    return Err(Error::shape("labels", targets.shape(), limit));
                }
                Wanted::Targets(targets.clone())
            }
            (Loss::MeanSquare, Labels::Classes(classes)) => {
                check(classes)?;
                Wanted::Targets(match count {
                    1 => Array2::from_shape_fn((classes.len(), 1), |(k, _)| classes[k] as f64),
                    _ => Array2::from_shape_fn((classes.len(), count), |(k, class)| {
                        f64::from(u8::from(classes[k] == class))
                    }),
                })
            }
            (Loss::MeanSquare, Labels::None) => return Err(needs("classes or targets")),
            (Loss::Distillation { .. }, _) => {
                if outputs != Outputs::Logits || count == 1 {
                    let limit = "the network must end in several logits";
                    return Err(Error::unsupported("loss", "distillation", limit));
                }
                Wanted::Targets(teacher()?)
            }
        };
        Ok(Self {
            loss,
            outputs,
            wanted,
        })
    }

    /// The loss of `outputs`, `[output, sample]`, of the samples at `samples`, and its gradient by them.
    ///
    /// # Panics
    /// If there is not one column a sample, or no such sample.
    pub fn slopes<T: Real>(&self, outputs: &Array2<T>, samples: &[usize]) -> (f64, Array2<T>) {
        assert_eq!(outputs.ncols(), samples.len(), "one column a sample");
        let share = 1.0 / samples.len() as f64;
        let mut by = outputs.mapv(T::double);
        let mut loss = 0.0;
        for (mut column, sample) in by.axis_iter_mut(Axis(1)).zip(samples) {
            let (value, slopes) = match &self.wanted {
                Wanted::Classes(classes) => self.likelihood(column.view(), classes[*sample]),
                Wanted::Targets(targets) => self.distance(column.view(), targets.row(*sample)),
            };
            loss += share * value;
            for (to, slope) in column.iter_mut().zip(slopes) {
                *to = share * slope;
            }
        }
        (loss, by.mapv(T::of))
    }

    /// −ln of the probability of `class`, and its slopes by the outputs.
    fn likelihood(&self, outputs: ArrayView1<'_, f64>, class: usize) -> (f64, Vec<f64>) {
        let mut slopes = vec![0.0; outputs.len()];
        let value = match (outputs.len(), self.outputs) {
            (1, Outputs::Logits) => {
                let sign = if class == 1 { 1.0 } else { -1.0 };
                let margin = sign * outputs[0];
                slopes[0] = -sign / (1.0 + margin.exp());
                (-margin).max(0.0) + (-margin.abs()).exp().ln_1p()
            }
            (1, _) => {
                let probability = match class {
                    1 => outputs[0],
                    _ => 1.0 - outputs[0],
                };
                let probability = probability.max(f64::MIN_POSITIVE);
                slopes[0] = if class == 1 { -1.0 } else { 1.0 } / probability;
                -probability.ln()
            }
            (_, Outputs::Logits) => {
                let (probabilities, log_sum) = softmax(outputs.iter().copied());
                slopes.copy_from_slice(&probabilities);
                slopes[class] -= 1.0;
                log_sum - outputs[class]
            }
            (_, Outputs::LogProbabilities) => {
                slopes[class] = -1.0;
                -outputs[class]
            }
            (_, Outputs::Probabilities) => {
                let probability = outputs[class].max(f64::MIN_POSITIVE);
                slopes[class] = -1.0 / probability;
                -probability.ln()
            }
        };
        (value, slopes)
    }

    /// The distance of `outputs` from `targets`, and its slopes by the outputs.
    fn distance(
        &self,
        outputs: ArrayView1<'_, f64>,
        targets: ArrayView1<'_, f64>,
    ) -> (f64, Vec<f64>) {
        match self.loss {
            Loss::Distillation { temperature } => {
                let of = |logits: ArrayView1<'_, f64>| {
                    softmax(logits.iter().map(|logit| logit / temperature))
                };
                let ((ours, our_sum), (theirs, their_sum)) = (of(outputs), of(targets));
                let logs = outputs.iter().zip(targets).map(|(ours, theirs)| {
                    (theirs / temperature - their_sum) - (ours / temperature - our_sum)
                });
                let divergence: f64 = theirs.iter().zip(logs).map(|(p, log)| p * log).sum();
                let slopes = ours.iter().zip(&theirs);
                let slopes = slopes.map(|(ours, theirs)| temperature * (ours - theirs));
                (temperature * temperature * divergence, slopes.collect())
            }
            _ => {
                let count = outputs.len() as f64;
                let off = outputs.iter().zip(targets).map(|(y, t)| y - t);
                let square: f64 = off.clone().map(|off| off * off).sum();
                (square / count, off.map(|off| 2.0 * off / count).collect())
            }
        }
    }
}

/// The softmax of `logits`, and the logarithm of the sum of their exponentials.
fn softmax(logits: impl Iterator<Item = f64> + Clone) -> (Vec<f64>, f64) {
    let max = logits.clone().fold(f64::NEG_INFINITY, f64::max);
    let mut shares: Vec<f64> = logits.map(|logit| (logit - max).exp()).collect();
    let sum: f64 = shares.iter().sum();
    shares.iter_mut().for_each(|share| *share /= sum);
    (shares, max + sum.ln())
}

/// Fails where the last activation makes of so many outputs no probabilities of classes.
fn check_last(network: &Network) -> Result<()> {
    let last = network.layers().last().map(|layer| layer.activation);
    let count = network.classes();
    match last {
        Some(Activation::Sigmoid) if count > 1 => {
            let limit = "mean-square: several sigmoids are no probabilities of classes";
            Err(Error::value("loss", "cross-entropy", limit))
        }
        Some(Activation::Softmax | Activation::LogSoftmax) if count == 1 => {
            let limit = "another than a softmax of one output, which is always 1";
            Err(Error::value("last activation", "softmax", limit))
        }
        _ => Ok(()),
    }
}

/// What the outputs of `network` are.
fn outputs(network: &Network) -> Outputs {
    let last = network.layers().last().map(|layer| layer.activation);
    match (network.readout, last) {
        (Readout::Real, Some(Activation::LogSoftmax)) => Outputs::LogProbabilities,
        (Readout::Real, Some(Activation::Softmax | Activation::Sigmoid)) => Outputs::Probabilities,
        _ => Outputs::Logits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Input, Layer, Weight};
    use ndarray::arr2;

    fn network(outputs: usize, activation: Activation) -> Network {
        let weight = Weight::Real(Array2::ones((outputs, 2)));
        let layers = vec![Layer::new("0", weight, None, activation)];
        Network::new(Input::default(), layers, Readout::Real).unwrap()
    }

    fn criterion(loss: Loss, outputs: usize, labels: &Labels) -> Criterion {
        let teacher = arr2(&[[1.5, -0.5, 0.3], [-0.2, 0.9, 0.4]]);
        let network = network(outputs, Activation::Identity);
        Criterion::new(loss, &network, labels, || Ok(teacher)).unwrap()
    }

    fn check(criterion: &Criterion, outputs: &Array2<f64>, loss: f64, slopes: &Array2<f64>) {
        let (got, by) = criterion.slopes(outputs, &[0, 1]);
        assert!((got - loss).abs() < 1e-12, "{got} {loss}");
        for (got, expected) in by.t().iter().zip(slopes) {
            assert!((got - expected).abs() < 1e-12, "{got} {expected}");
        }
    }

    /// Values and gradients of PyTorch 1.13: `cross_entropy`, `mse_loss`, `kl_div` at temperature 2,
    /// `binary_cross_entropy_with_logits`.
    #[test]
    fn losses_are_those_of_pytorch() {
        let outputs = arr2(&[[0.5, 0.1], [-1.0, 0.2], [2.0, -0.3]]);
        check(
            &criterion(Loss::CrossEntropy, 3, &vec![2, 0].into()),
            &outputs,
            0.631_069_476_105_208_2,
            &arr2(&[
                [
                    0.087_645_196_070_018_35,
                    0.019_556_286_635_343_725,
                    -0.107_201_482_705_362_06,
                ],
                [
                    -0.319_851_692_379_73,
                    0.199_094_670_522_468_01,
                    0.120_757_021_857_261_93,
                ],
            ]),
        );
        let targets = arr2(&[[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]);
        check(
            &criterion(Loss::MeanSquare, 3, &targets.into()),
            &outputs,
            0.498_333_333_333_333_3,
            &arr2(&[
                [-1.0 / 6.0, -1.0 / 3.0, 1.0 / 3.0],
                [1.0 / 30.0, -4.0 / 15.0, -0.1],
            ]),
        );
        let temperature = 2.0;
        check(
            &criterion(Loss::Distillation { temperature }, 3, &Labels::None),
            &outputs,
            0.435_680_140_033_157_7,
            &arr2(&[
                [
                    -0.243_131_796_472_045_41,
                    -0.060_333_008_121_734_2,
                    0.303_464_804_593_779_56,
                ],
                [
                    0.103_520_586_374_115_99,
                    -0.058_196_841_017_446_63,
                    -0.045_323_745_356_669_35,
                ],
            ]),
        );
        check(
            &criterion(Loss::CrossEntropy, 1, &vec![1, 0].into()),
            &arr2(&[[0.3, -2.0]]),
            0.340_641_627_755_749_8,
            &arr2(&[[-0.212_778_741_594_170_48], [0.059_601_461_011_058_77]]),
        );
    }

    /// Behind the network's own softmax the loss is that of its logits.
    #[test]
    fn probabilities_are_taken_as_such() {
        let logits = arr2(&[[0.5, 0.1], [-1.0, 0.2], [2.0, -0.3]]);
        let labels: Labels = vec![2, 0].into();
        let of = |activation: Activation| {
            let network = network(3, activation);
            Criterion::new(Loss::CrossEntropy, &network, &labels, || unreachable!()).unwrap()
        };
        let expected = of(Activation::Identity).slopes(&logits, &[0, 1]).0;
        for activation in [Activation::Softmax, Activation::LogSoftmax] {
            let mut outputs = logits.clone();
            for mut column in outputs.axis_iter_mut(Axis(1)) {
                let (shares, _) = softmax(column.iter().copied());
                let is_log = activation == Activation::LogSoftmax;
                for (to, share) in column.iter_mut().zip(shares) {
                    *to = if is_log { share.ln() } else { share };
                }
            }
            let got = of(activation).slopes(&outputs, &[0, 1]).0;
            assert!((got - expected).abs() < 1e-12, "{got} {expected}");
        }
    }

    #[test]
    fn outputs_that_are_no_probabilities_of_classes_are_refused() {
        let refused = |outputs, activation| {
            let labels = vec![0, 1].into();
            let network = network(outputs, activation);
            Criterion::new(Loss::CrossEntropy, &network, &labels, || unreachable!()).is_err()
        };
        assert!(refused(3, Activation::Sigmoid));
        assert!(!refused(1, Activation::Sigmoid));
        assert!(refused(1, Activation::Softmax) && refused(1, Activation::LogSoftmax));
    }

    #[test]
    fn a_loss_says_what_labels_it_needs() {
        let new = |loss, labels| {
            let network = network(3, Activation::Identity);
            let criterion = Criterion::new(loss, &network, &labels, || unreachable!());
            criterion.unwrap_err().to_string()
        };
        assert_eq!(
            new(Loss::CrossEntropy, Labels::None),
            "loss cross-entropy: needs classes: the data have no labels"
        );
        assert_eq!(
            new(Loss::MeanSquare, Labels::None),
            "loss mean-square: needs classes or targets: the data have no labels"
        );
        let beyond = new(Loss::CrossEntropy, vec![0, 3].into());
        assert!(beyond.contains("label of sample 1"), "{beyond}");
    }
}
