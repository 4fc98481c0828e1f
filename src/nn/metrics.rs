//! Predicted classes and how often they are right.

use std::collections::BTreeMap;
use std::fmt;

use ndarray::ArrayView2;

use crate::field::Real;

/// The predicted class of every sample: the largest of its logits, the first of equal ones.
///
/// `logits` is `[sample, class]`. A NaN never wins.
pub fn predict<T: Real>(logits: ArrayView2<'_, T>) -> Vec<usize> {
    logits
        .rows()
        .into_iter()
        .map(|row| {
            let (mut class, mut best) = (0, T::neg_infinity());
            for (k, &logit) in row.iter().enumerate() {
                if logit > best {
                    (class, best) = (k, logit);
                }
            }
            class
        })
        .collect()
}

/// The share of predictions that equal the labels, in [0, 1]; NaN for no samples.
///
/// # Panics
/// If there are not as many predictions as labels.
pub fn accuracy(predicted: &[usize], labels: &[usize]) -> f64 {
    assert_eq!(predicted.len(), labels.len(), "one prediction a label");
    let right = predicted.iter().zip(labels).filter(|(a, b)| a == b).count();
    right as f64 / labels.len() as f64
}

/// The share of samples for which two predictions agree, in [0, 1]; NaN for no samples.
///
/// # Panics
/// If there are not as many of the one as of the other.
pub fn agreement(predicted: &[usize], other: &[usize]) -> f64 {
    accuracy(predicted, other)
}

/// An accuracy that is not better than naming one class for every sample.
///
/// It prints as a sentence with the usual causes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chance {
    /// Share of samples that are classified as labelled.
    pub accuracy: f64,
    /// The most frequent label.
    pub label: usize,
    /// Its share of the samples: at least one over the number of classes.
    pub share: f64,
}

/// Binomial standard errors above the share of the most frequent label within which an accuracy is near chance.
const STANDARD_ERRORS: f64 = 3.0;

impl Chance {
    /// What is said of an `accuracy` on `labels` that is not above the share p of the most frequent of n labels by
    /// three standard errors √(p (1 − p) / n); nothing of one that is above it.
    ///
    /// Where so few samples allow no accuracy that is, only one below p is near chance.
    pub fn near(accuracy: f64, labels: &[usize]) -> Option<Self> {
        let mut counts = BTreeMap::new();
        for label in labels {
            *counts.entry(*label).or_insert(0_usize) += 1;
        }
        let (mut label, mut most) = (0, 0);
        for (class, count) in counts {
            if count > most {
                (label, most) = (class, count);
            }
        }
        let samples = labels.len() as f64;
        let share = most as f64 / samples;
        let error = (share * (1.0 - share) / samples).sqrt();
        let limit = share + STANDARD_ERRORS * error;
        let is_near = match limit < 1.0 {
            true => accuracy <= limit,
            false => accuracy < share,
        };
        is_near.then_some(Self {
            accuracy,
            label,
            share,
        })
    }
}

impl fmt::Display for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the digital accuracy of {:.2} % is near chance ({:.2} % of the labels are {}): usual causes are the \
             scaling of the data, the column of the labels, the order of the layers, the activation between them, or another \
             split of the data",
            100.0 * self.accuracy,
            100.0 * self.share,
            self.label
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr2;

    #[test]
    fn the_first_of_equal_maxima_wins_and_nan_never() {
        let logits = arr2(&[
            [1.0, 3.0, 3.0],
            [f64::NAN, -5.0, f64::NEG_INFINITY],
            [0.0, -1.0, 2.0],
        ]);
        let predicted = predict(logits.view());
        assert_eq!(predicted, [1, 1, 2]);
        assert_eq!(accuracy(&predicted, &[1, 0, 2]), 2.0 / 3.0);
        assert_eq!(agreement(&predicted, &[1, 1, 2]), 1.0);
    }

    /// 100 labels, 25 of each of four: p = 0.25, standard error √(0.25 · 0.75 / 100) = 0.0433, limit 0.3799.
    #[test]
    fn accuracies_within_three_standard_errors_of_the_most_frequent_label_are_near_chance() {
        let balanced: Vec<usize> = (0..100).map(|sample| sample % 4).collect();
        assert!(Chance::near(0.37, &balanced).is_some());
        assert!(Chance::near(0.05, &balanced).is_some());
        assert_eq!(Chance::near(0.39, &balanced), None);
        // 90 of 100: standard error 0.03, limit 0.99.
        let skewed: Vec<usize> = (0..100).map(|sample| usize::from(sample < 90)).collect();
        let near = Chance::near(0.95, &skewed).unwrap();
        assert_eq!((near.label, near.share), (1, 0.9));
        assert_eq!(Chance::near(1.0, &skewed), None);
        assert!(
            near.to_string()
                .starts_with("the digital accuracy of 95.00 % is near chance (90.00 % of the labels are 1): usual"),
            "{near}"
        );
    }

    #[test]
    fn few_samples_or_one_label_say_nothing_against_a_network_that_is_right() {
        assert_eq!(Chance::near(1.0, &[3, 3, 3]), None);
        assert!(Chance::near(0.5, &[3, 3, 3]).is_some());
        // p = 0.5, standard error 0.25.
        assert_eq!(Chance::near(0.5, &[0, 1, 0, 1]), None);
        assert!(Chance::near(0.25, &[0, 1, 0, 1]).is_some());
        assert_eq!(Chance::near(f64::NAN, &[]), None);
    }
}
