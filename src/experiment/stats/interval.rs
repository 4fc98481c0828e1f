//! Confidence intervals, and differences between two settings.

use serde::Serialize;

use super::distribution::{normal_quantile, student_t, student_t_quantile};

/// An estimate with its confidence interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// The estimate.
    pub estimate: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// The mean of `values` over chips, with Student's interval at confidence `level`: x̄ ± t s/√n.
///
/// It says what another chip may do on these samples. Nothing for fewer than two chips.
///
/// # Panics
/// If `level` is not in (0, 1).
pub fn mean_interval(values: &[f64], level: f64) -> Option<Interval> {
    check_level(level);
    let (mean, error) = mean_and_error(values)?;
    let reach = error * student_t_quantile(0.5 + 0.5 * level, values.len() as f64 - 1.0);
    Some(Interval {
        estimate: mean,
        low: mean - reach,
        high: mean + reach,
    })
}

/// The share of `successes` among `count` with the Wilson score interval at confidence `level`.
///
/// Wilson, J. Am. Stat. Assoc. 22, 209 (1927). Nothing for a `count` of 0.
///
/// # Panics
/// If `level` is not in (0, 1), or more succeed than there are.
pub fn wilson_interval(successes: usize, count: usize, level: f64) -> Option<Interval> {
    check_level(level);
    assert!(successes <= count, "{successes} of {count}");
    if count == 0 {
        return None;
    }
    let n = count as f64;
    let share = successes as f64 / n;
    let z2 = normal_quantile(0.5 + 0.5 * level).powi(2);
    let middle = (share + 0.5 * z2 / n) / (1.0 + z2 / n);
    let reach = (z2 * (share * (1.0 - share) / n + 0.25 * z2 / (n * n))).sqrt() / (1.0 + z2 / n);
    Some(Interval {
        estimate: share,
        // Exact where rounding would step over the end.
        low: if successes == 0 { 0.0 } else { middle - reach },
        high: if successes == count {
            1.0
        } else {
            middle + reach
        },
    })
}

/// Yield: the share of chips whose accuracy is at least `least`, with its Wilson interval at confidence `level`.
pub fn yield_above(accuracies: &[f64], least: f64, level: f64) -> Option<Interval> {
    let good = accuracies.iter().filter(|accuracy| **accuracy >= least);
    wilson_interval(good.count(), accuracies.len(), level)
}

/// A difference between two settings on the same chips.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PairedDifference {
    /// Mean of the differences, with Student's interval.
    pub difference: Interval,
    /// Student's t of the differences; not finite where all of them are equal.
    pub t: f64,
    /// Probability of a |t| as large or larger if there was no difference: two-sided paired t test.
    pub p: f64,
    /// The same from all ways to swap the two settings of each chip, which presumes no distribution; of up to 20
    /// chips.
    pub sign_flip_p: Option<f64>,
}

/// The difference `a` − `b` of two settings, entry by entry of the same chip, at confidence `level`.
///
/// Chips of one number share their draws, so that their spread cancels. Nothing for fewer than two chips.
///
/// # Panics
/// If the two are not of one length, or `level` is not in (0, 1).
pub fn paired_difference(a: &[f64], b: &[f64], level: f64) -> Option<PairedDifference> {
    assert_eq!(a.len(), b.len(), "two settings of the same chips");
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    let difference = mean_interval(&differences, level)?;
    let (mean, error) = mean_and_error(&differences)?;
    let (t, p) = if mean == 0.0 {
        (0.0, 1.0)
    } else {
        let t = mean / error;
        // An equal difference on all chips leaves no doubt: t is infinite.
        let tail = if t.is_finite() {
            student_t(-t.abs(), differences.len() as f64 - 1.0)
        } else {
            0.0
        };
        (t, 2.0 * tail)
    };
    Some(PairedDifference {
        difference,
        t,
        p,
        sign_flip_p: sign_flip_p(&differences),
    })
}

/// Chips of the largest exact sign-flip test: a million ways.
const SIGN_FLIP_LIMIT: usize = 20;

/// Share of the sign patterns of `differences` whose |sum| is at least that of the pattern that was seen.
fn sign_flip_p(differences: &[f64]) -> Option<f64> {
    if differences.len() > SIGN_FLIP_LIMIT {
        return None;
    }
    let seen = differences.iter().sum::<f64>().abs();
    // Sums that only differ by rounding count as equal.
    let least = seen * (1.0 - 1e-12) - 1e-15;
    let patterns = 1usize << differences.len();
    let reaches = |pattern: &usize| {
        let signed = differences.iter().enumerate().map(|(bit, difference)| {
            if pattern >> bit & 1 == 1 {
                -difference
            } else {
                *difference
            }
        });
        signed.sum::<f64>().abs() >= least
    };
    Some((0..patterns).filter(reaches).count() as f64 / patterns as f64)
}

/// Mean and its standard error s/√n; nothing for fewer than two values.
fn mean_and_error(values: &[f64]) -> Option<(f64, f64)> {
    if values.len() < 2 {
        return None;
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    // Equal values have no spread; their rounded mean would leave them some.
    let is_constant = values.iter().all(|value| *value == values[0]);
    match is_constant {
        true => Some((values[0], 0.0)),
        false => Some((mean, (squares / (n - 1.0) / n).sqrt())),
    }
}

pub(super) fn check_level(level: f64) {
    assert!(level > 0.0 && level < 1.0, "a confidence of {level}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    const A: [f64; 7] = [0.91, 0.93, 0.90, 0.95, 0.92, 0.94, 0.89];
    const B: [f64; 7] = [0.90, 0.90, 0.89, 0.95, 0.90, 0.95, 0.87];

    /// scipy 1.17: `t.interval(0.95, 6, loc=mean(A), scale=sem(A))`.
    #[test]
    fn the_interval_of_a_mean_agrees_with_scipy() {
        let interval = mean_interval(&A, 0.95).unwrap();
        assert_relative_eq!(interval.estimate, 0.92, max_relative = 1e-14);
        assert_relative_eq!(interval.low, 0.900021048397086, max_relative = 1e-12);
        assert_relative_eq!(interval.high, 0.9399789516029141, max_relative = 1e-12);
        assert_eq!(mean_interval(&[0.9], 0.95), None);
        let equal = mean_interval(&[0.7; 3], 0.95).unwrap();
        assert_eq!((equal.low, equal.high), (0.7, 0.7));
    }

    /// scipy 1.17: `ttest_rel(A, B)`, its `confidence_interval(0.95)`, and `permutation_test` of the mean difference,
    /// `permutation_type="samples"`, all permutations.
    #[test]
    fn paired_differences_agree_with_scipy() {
        let paired = paired_difference(&A, &B, 0.95).unwrap();
        assert_relative_eq!(
            paired.difference.estimate,
            0.011428571428571439,
            max_relative = 1e-12
        );
        assert_relative_eq!(
            paired.difference.low,
            -0.0010123187192846335,
            max_relative = 1e-9
        );
        assert_relative_eq!(
            paired.difference.high,
            0.02386946157642751,
            max_relative = 1e-12
        );
        assert_relative_eq!(paired.t, 2.2478059477960657, max_relative = 1e-12);
        assert_relative_eq!(paired.p, 0.0656388512825877, max_relative = 1e-12);
        assert_eq!(paired.sign_flip_p, Some(0.125));
    }

    #[test]
    fn equal_differences_leave_no_doubt_and_equal_settings_no_difference() {
        let same = paired_difference(&A, &A, 0.95).unwrap();
        assert_eq!((same.t, same.p, same.sign_flip_p), (0.0, 1.0, Some(1.0)));
        let shifted = [0.75, 0.5, 0.25];
        let certain = paired_difference(&shifted, &[0.5, 0.25, 0.0], 0.95).unwrap();
        assert_eq!((certain.t, certain.p), (f64::INFINITY, 0.0));
        // Of 2³ patterns, all plus and all minus.
        assert_eq!(certain.sign_flip_p, Some(0.25));
        let many = paired_difference(&[0.1; 21], &[0.2; 21], 0.95).unwrap();
        assert_eq!(many.sign_flip_p, None);
    }

    /// statsmodels 0.14: `proportion_confint(k, n, 0.05, method="wilson")`.
    #[test]
    fn wilson_intervals_agree_with_statsmodels() {
        for (successes, count, low, high) in [
            (0, 20, 0.0, 0.1611251580528194),
            (7, 10, 0.39677814746114537, 0.8922087325936989),
            (19, 20, 0.7638688065532577, 0.9911185511992044),
            (20, 20, 0.8388748419471804, 1.0),
            (50, 400, 0.0961151232367638, 0.1610190975139586),
        ] {
            let interval = wilson_interval(successes, count, 0.95).unwrap();
            assert_eq!(interval.estimate, successes as f64 / count as f64);
            assert_relative_eq!(interval.low, low, max_relative = 1e-12);
            assert_relative_eq!(interval.high, high, max_relative = 1e-12);
        }
        assert_eq!(wilson_interval(0, 0, 0.95), None);
        let good = yield_above(&A, 0.92, 0.95).unwrap();
        assert_eq!(good, wilson_interval(4, 7, 0.95).unwrap());
    }
}
