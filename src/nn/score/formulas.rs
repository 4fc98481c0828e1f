//! The formulas of scores.

use ndarray::{ArrayView1, ArrayView2};

use crate::field::Real;

/// How an output is read as a probability.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// As a logit: p = softmax(y), and 1 / (1 + e^{−y}) of one output.
    Logits,
    /// As a probability.
    Probabilities,
    /// As its logarithm.
    LogProbabilities,
}

/// The least ln p that a probability counts for: one that a computer rounds to 0 is not impossible. As in PyTorch's
/// `binary_cross_entropy`.
const LEAST_LOG: f64 = -100.0;

/// Whether the class `label` is among those of the `k` largest of `outputs`, the first of equal ones first; never where
/// its output is NaN.
pub(super) fn is_among<T: Real>(outputs: ArrayView1<'_, T>, label: usize, k: usize) -> bool {
    let own = outputs[label];
    let ahead = |(class, output): (usize, &T)| *output > own || (*output == own && class < label);
    !own.is_nan() && outputs.iter().enumerate().filter(|o| ahead(*o)).count() < k
}

/// Share of pairs of a sample of class 1 and one of class 0 in which the former has the larger output, ties counting
/// half: the area under the receiver operating characteristic. Nothing where all samples are of one class.
///
/// By ranks: (Σ ranks of class 1 − n₁ (n₁ + 1) / 2) / (n₀ n₁), equal outputs sharing their mean rank. Mann, Whitney, Ann.
/// Math. Stat. 18, 50 (1947).
pub(super) fn area_under_curve(outputs: &[f64], labels: &[usize]) -> Option<f64> {
    let mut order: Vec<usize> = (0..outputs.len()).collect();
    order.sort_by(|a, b| outputs[*a].total_cmp(&outputs[*b]));
    let mut ranks = 0.0;
    let mut start = 0;
    for tie in order.chunk_by(|a, b| outputs[*a] == outputs[*b]) {
        // Ranks from 1: their mean over `start + 1 ..= start + tie.len()`.
        let mean = start as f64 + 0.5 * (tie.len() as f64 + 1.0);
        ranks += mean * tie.iter().filter(|sample| labels[**sample] == 1).count() as f64;
        start += tie.len();
    }
    let ones = labels.iter().filter(|label| **label == 1).count() as f64;
    let pairs = ones * (labels.len() as f64 - ones);
    (pairs > 0.0).then(|| (ranks - 0.5 * ones * (ones + 1.0)) / pairs)
}

/// Mean of (output − target)² over samples and outputs, both `[sample, output]`.
pub(super) fn mean_squared_error<T: Real>(
    outputs: ArrayView2<'_, T>,
    targets: ArrayView2<'_, f64>,
) -> f64 {
    squares(outputs, targets) / targets.len() as f64
}

/// R² = 1 − Σ (y − t)² / Σ (t − mean t)², both sums over samples and outputs, the mean that of each output: the R² of the
/// outputs weighted by the variance of their targets. Nothing where targets do not vary.
pub(super) fn r_squared<T: Real>(
    outputs: ArrayView2<'_, T>,
    targets: ArrayView2<'_, f64>,
) -> Option<f64> {
    let mut spread = 0.0;
    for column in targets.columns() {
        let mean = column.sum() / column.len() as f64;
        spread += column.iter().map(|t| (t - mean).powi(2)).sum::<f64>();
    }
    (spread > 0.0).then(|| 1.0 - squares(outputs, targets) / spread)
}

fn squares<T: Real>(outputs: ArrayView2<'_, T>, targets: ArrayView2<'_, f64>) -> f64 {
    let pairs = outputs.iter().zip(targets);
    pairs.map(|(y, t)| (y.double() - t).powi(2)).sum()
}

/// ‖y − y_digital‖ / ‖y_digital‖ over all outputs; 0 where both are 0 everywhere, infinite where only digital is.
pub(super) fn output_error<T: Real>(outputs: ArrayView2<'_, T>, digital: ArrayView2<'_, T>) -> f64 {
    let pairs = outputs.iter().zip(digital);
    let apart: f64 = pairs.map(|(y, d)| (y.double() - d.double()).powi(2)).sum();
    let norm: f64 = digital.iter().map(|d| d.double().powi(2)).sum();
    match apart == 0.0 {
        true => 0.0,
        false => (apart / norm).sqrt(),
    }
}

/// ln p of class `label` of one sample. One output is that of class 1.
pub(super) fn log_likelihood<T: Real>(
    outputs: ArrayView1<'_, T>,
    label: usize,
    reading: Reading,
) -> f64 {
    if outputs.len() == 1 {
        let y = outputs[0].double();
        return match reading {
            Reading::Logits if label == 1 => -softplus(-y),
            Reading::Logits => -softplus(y),
            Reading::Probabilities if label == 1 => y.ln().max(LEAST_LOG),
            Reading::Probabilities => (1.0 - y).ln().max(LEAST_LOG),
            Reading::LogProbabilities if label == 1 => y,
            Reading::LogProbabilities => (-y.exp_m1()).ln().max(LEAST_LOG),
        };
    }
    let own = outputs[label].double();
    match reading {
        Reading::Logits => {
            let most = outputs.iter().map(|y| y.double());
            let most = most.fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = outputs.iter().map(|y| (y.double() - most).exp()).sum();
            own - most - sum.ln()
        }
        Reading::Probabilities => own.ln().max(LEAST_LOG),
        Reading::LogProbabilities => own,
    }
}

/// ln(1 + eˣ) without overflow.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;
    use ndarray::{Array2, arr1, arr2};

    /// Every pair counted: the definition, against ranks.
    #[test]
    fn the_area_under_the_curve_is_the_share_of_ordered_pairs_ties_half() {
        let by_pairs = |outputs: &[f64], labels: &[usize]| {
            let (mut won, mut pairs) = (0.0, 0.0);
            for (one, _) in labels.iter().enumerate().filter(|(_, label)| **label == 1) {
                for (zero, _) in labels.iter().enumerate().filter(|(_, label)| **label == 0) {
                    pairs += 1.0;
                    won += match outputs[one].partial_cmp(&outputs[zero]).unwrap() {
                        std::cmp::Ordering::Greater => 1.0,
                        std::cmp::Ordering::Equal => 0.5,
                        std::cmp::Ordering::Less => 0.0,
                    };
                }
            }
            won / pairs
        };
        // Of scikit-learn's page of roc_auc_score: 0.75.
        assert_eq!(
            area_under_curve(&[0.1, 0.4, 0.35, 0.8], &[0, 0, 1, 1]),
            Some(0.75)
        );
        let outputs: Vec<f64> = (0..97).map(|i| f64::from((i * 37) % 11) - 3.0).collect();
        let labels: Vec<usize> = (0..97).map(|i| usize::from((i * 53) % 7 < 3)).collect();
        let area = area_under_curve(&outputs, &labels).unwrap();
        assert_relative_eq!(area, by_pairs(&outputs, &labels), max_relative = 1e-14);
        assert_eq!(area_under_curve(&[0.0, -0.0], &[1, 0]), Some(0.5));
        assert_eq!(area_under_curve(&[0.0, 1.0], &[1, 1]), None);
    }

    /// scikit-learn's page of r2_score: 0.948…; of two outputs weighted by variance: 0.938….
    #[test]
    fn r_squared_and_mean_squared_error_are_those_of_scikit_learn() {
        let targets = arr2(&[[3.0], [-0.5], [2.0], [7.0]]);
        let outputs = arr2(&[[2.5], [0.0], [2.0], [8.0]]);
        assert_eq!(mean_squared_error(outputs.view(), targets.view()), 0.375);
        let found = r_squared(outputs.view(), targets.view()).unwrap();
        assert_relative_eq!(found, 0.9486081370449679, max_relative = 1e-15);
        let targets = arr2(&[[0.5, 1.0], [-1.0, 1.0], [7.0, -6.0]]);
        let outputs = arr2(&[[0.0, 2.0], [-1.0, 2.0], [8.0, -5.0]]);
        let found = r_squared(outputs.view(), targets.view()).unwrap();
        assert_relative_eq!(found, 0.9382566585956417, max_relative = 1e-14);
        let constant = Array2::<f64>::ones((3, 1));
        assert_eq!(r_squared(constant.view(), constant.view()), None);
    }

    #[test]
    fn an_output_error_is_a_distance_in_norms_of_digital() {
        let digital = arr2(&[[3.0_f32, 0.0], [0.0, 4.0]]);
        let chip = arr2(&[[3.0_f32, 1.0], [0.0, 4.0]]);
        assert_eq!(output_error(chip.view(), digital.view()), 0.2);
        assert_eq!(output_error(digital.view(), digital.view()), 0.0);
        let dark = Array2::<f32>::zeros((2, 2));
        assert_eq!(output_error(dark.view(), dark.view()), 0.0);
        assert_eq!(output_error(chip.view(), dark.view()), f64::INFINITY);
    }

    /// p = e^{y_k} / Σ e^{y_j} by its definition.
    #[test]
    fn the_log_likelihood_is_the_same_of_logits_probabilities_and_their_logarithms() {
        let logits = arr1(&[0.3, -1.2, 2.5]);
        let sum: f64 = logits.iter().map(|y: &f64| y.exp()).sum();
        let p = logits.mapv(|y| y.exp() / sum);
        for label in 0..3 {
            let ln = p[label].ln();
            for (outputs, reading) in [
                (logits.clone(), Reading::Logits),
                (p.clone(), Reading::Probabilities),
                (p.mapv(f64::ln), Reading::LogProbabilities),
            ] {
                let found = log_likelihood(outputs.view(), label, reading);
                assert_relative_eq!(found, ln, max_relative = 1e-14);
            }
        }
        // Of one output: p₁ = 1 / (1 + e^{−y}), far from 0 too.
        for y in [-800.0_f64, -1.5, 0.0, 40.0] {
            let logit = arr1(&[y]);
            let [zero, one] =
                [0, 1].map(|label| log_likelihood(logit.view(), label, Reading::Logits));
            assert_relative_eq!(one - zero, y, max_relative = 1e-12);
            if y.abs() < 30.0 {
                assert_relative_eq!(zero.exp() + one.exp(), 1.0, max_relative = 1e-14);
                let p = arr1(&[one.exp()]);
                let found = log_likelihood(p.view(), 0, Reading::Probabilities);
                assert_relative_eq!(found, zero, max_relative = 1e-12);
            }
        }
        let impossible = arr1(&[0.0, 1.0]);
        let found = log_likelihood(impossible.view(), 0, Reading::Probabilities);
        assert_eq!(found, LEAST_LOG);
    }

    #[test]
    fn the_first_of_equal_outputs_ranks_higher_and_nan_ranks_nowhere() {
        let outputs = arr1(&[1.0, 3.0, 3.0, f64::NAN]);
        let ranks = |k| [0, 1, 2, 3].map(|label| is_among(outputs.view(), label, k));
        assert_eq!(ranks(1), [false, true, false, false]);
        assert_eq!(ranks(2), [false, true, true, false]);
        assert_eq!(ranks(3), [true, true, true, false]);
    }
}
