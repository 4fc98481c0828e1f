//! Statistics over chips and samples.
//!
//! Chips are the sampling unit of all but [`PairedTable`]: their spread says what another chip may do on the same
//! samples. `docs/experiments.md` says in words what each number means.

mod confusion;
mod distribution;
mod interval;
mod paired;
mod sensitivity;

pub use confusion::Confusion;
pub use distribution::{beta_share, normal_quantile, student_t, student_t_quantile};
pub use interval::{
    Interval, PairedDifference, mean_interval, paired_difference, wilson_interval, yield_above,
};
pub use paired::PairedTable;
pub use sensitivity::{Effect, Grid, Indices};

use serde::Serialize;

/// A quantity over trials.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Default)]
pub struct Summary {
    /// Mean.
    pub mean: f64,
    /// Sample standard deviation (n − 1); 0 for fewer than two trials.
    pub std: f64,
    /// Smallest value.
    pub min: f64,
    /// 5 % quantile.
    pub p05: f64,
    /// Median.
    pub p50: f64,
    /// 95 % quantile.
    pub p95: f64,
    /// Largest value.
    pub max: f64,
}

impl Summary {
    /// The summary of `values`; all zero if there is none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (Some(&min), Some(&max)) = (sorted.first(), sorted.last()) else {
            return Self::default();
        };
        let count = sorted.len() as f64;
        // The sum of equal values rounds: their mean must be exactly the value, their deviation exactly 0.
        let mean = match min == max {
            true => min,
            false => sorted.iter().sum::<f64>() / count,
        };
        let squares: f64 = sorted.iter().map(|x| (x - mean).powi(2)).sum();
        Self {
            mean,
            std: if sorted.len() > 1 {
                (squares / (count - 1.0)).sqrt()
            } else {
                0.0
            },
            min,
            p05: quantile(&sorted, 0.05),
            p50: quantile(&sorted, 0.5),
            p95: quantile(&sorted, 0.95),
            max,
        }
    }
}

/// The `share` quantile of ascending values, linear between order statistics (NumPy's default).
///
/// # Panics
/// If there is no value.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let position = share.clamp(0.0, 1.0) * (sorted.len() - 1) as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (position - below as f64) * (sorted[above] - sorted[below])
}

/// The quantiles of `values` at the `shares`, as [`quantile`]: a band from 5 % to 95 %, or any other.
///
/// # Panics
/// If there is no value.
pub fn quantiles(values: &[f64], shares: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let shares = shares.iter();
    shares.map(|share| quantile(&sorted, *share)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    /// numpy: x = [3, 1, 4, 1, 5, 9, 2, 6]; mean, std(ddof=1), quantile([.05, .5, .95]).
    #[test]
    fn summaries_agree_with_numpy() {
        let s = Summary::of([3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0]);
        assert_relative_eq!(s.mean, 3.875);
        assert_relative_eq!(s.std, 2.748_376_143_938_713, max_relative = 1e-14);
        assert_relative_eq!(s.p05, 1.0);
        assert_relative_eq!(s.p50, 3.5);
        assert_relative_eq!(s.p95, 7.95, max_relative = 1e-14);
        assert_eq!((s.min, s.max), (1.0, 9.0));
        let band = quantiles(
            &[3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0],
            &[0.05, 0.5, 0.95],
        );
        assert_eq!(band, [s.p05, s.p50, s.p95]);
    }

    #[test]
    fn one_trial_has_no_spread_and_none_has_nothing() {
        assert_eq!(Summary::of([0.5]).std, 0.0);
        assert_eq!(Summary::of([]), Summary::default());
        // The sum of ten times 0.1 is no whole 1.
        let equal = Summary::of([0.1; 10]);
        assert_eq!((equal.mean, equal.std), (0.1, 0.0));
    }
}
