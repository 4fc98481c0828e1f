//! Predicted classes and how often they are right.

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
}
