//! One chip against digital on the same samples.

use serde::{Deserialize, Serialize};

use super::distribution::normal_quantile;
use super::interval::{Interval, check_level};

/// How many samples digital and a chip classify as labelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PairedTable {
    /// Both.
    pub both_right: usize,
    /// Digital and not the chip.
    pub only_digital_right: usize,
    /// The chip and not digital.
    pub only_chip_right: usize,
    /// Neither.
    pub neither_right: usize,
}

impl PairedTable {
    /// What the counts are called in rows.
    pub const NAMES: [&str; 4] = [
        "both_right",
        "only_digital_right",
        "only_chip_right",
        "neither_right",
    ];

    /// The counts, in the order of [`NAMES`](Self::NAMES).
    pub fn counts(&self) -> [usize; 4] {
        [
            self.both_right,
            self.only_digital_right,
            self.only_chip_right,
            self.neither_right,
        ]
    }

    /// The table of these counts, in the order of [`NAMES`](Self::NAMES).
    pub fn of_counts(counts: [usize; 4]) -> Self {
        let [
            both_right,
            only_digital_right,
            only_chip_right,
            neither_right,
        ] = counts;
        Self {
            both_right,
            only_digital_right,
            only_chip_right,
            neither_right,
        }
    }

    /// Number of samples.
    pub fn samples(&self) -> usize {
        self.both_right + self.only_digital_right + self.only_chip_right + self.neither_right
    }

    /// Accuracy that the chip loses against digital, with an interval at confidence `level` over samples.
    ///
    /// It says what this chip may lose on other samples of the kind. With d₁ = (b + 1)/(n + 2) and d₂ = (c + 1)/(n + 2) of
    /// the b and c samples that one of the two alone has right: d₁ − d₂ ± z √((d₁ + d₂ − (d₁ − d₂)²)/(n + 2)). The
    /// estimate itself is (b − c)/n. Bonett, Price, J. Educ. Behav. Stat. 37, 479 (2012). Nothing without samples.
    ///
    /// # Panics
    /// If `level` is not in (0, 1).
    pub fn loss(&self, level: f64) -> Option<Interval> {
        check_level(level);
        let n = self.samples() as f64;
        if n == 0.0 {
            return None;
        }
        let digital = self.only_digital_right as f64;
        let chip = self.only_chip_right as f64;
        let (d1, d2) = ((digital + 1.0) / (n + 2.0), (chip + 1.0) / (n + 2.0));
        let variance = (d1 + d2 - (d1 - d2).powi(2)) / (n + 2.0);
        let reach = normal_quantile(0.5 + 0.5 * level) * variance.sqrt();
        Some(Interval {
            estimate: (digital - chip) / n,
            low: (d1 - d2 - reach).max(-1.0),
            high: (d1 - d2 + reach).min(1.0),
        })
    }

    /// Probability of samples as unevenly split between the two or more, if neither was better: McNemar's exact
    /// two-sided test.
    ///
    /// McNemar, Psychometrika 12, 153 (1947): min(1, 2 Σ_{i ≤ min(b, c)} C(b + c, i) / 2^{b + c}).
    pub fn mcnemar_p(&self) -> f64 {
        let (b, c) = (self.only_digital_right, self.only_chip_right);
        let n = (b + c) as f64;
        let ln_choose =
            |i: f64| libm::lgamma(n + 1.0) - libm::lgamma(i + 1.0) - libm::lgamma(n - i + 1.0);
        let term = |i: usize| (ln_choose(i as f64) - n * std::f64::consts::LN_2).exp();
        let tail: f64 = (0..=b.min(c)).map(term).sum();
        (2.0 * tail).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    fn table(only_digital_right: usize, only_chip_right: usize) -> PairedTable {
        PairedTable {
            both_right: 700,
            only_digital_right,
            only_chip_right,
            neither_right: 80,
        }
    }

    /// The approval ratings of Agresti, Categorical Data Analysis, section 10.1: 1600 people, difference 0.04, 95 %
    /// interval (0.021, 0.059); the further digits from the formula in numpy 2.4.
    #[test]
    fn the_interval_of_a_loss_is_that_of_the_textbook() {
        let approval = PairedTable {
            both_right: 794,
            only_digital_right: 150,
            only_chip_right: 86,
            neither_right: 570,
        };
        let loss = approval.loss(0.95).unwrap();
        assert_relative_eq!(loss.estimate, 0.04, max_relative = 1e-14);
        assert!((loss.low - 0.021).abs() < 5e-4 && (loss.high - 0.059).abs() < 5e-4);
        assert_relative_eq!(loss.low, 0.021177279791975104, max_relative = 1e-12);
        assert_relative_eq!(loss.high, 0.05872284505196995, max_relative = 1e-12);
        // Agreement on every sample is no proof that other samples agree.
        let same = table(0, 0).loss(0.95).unwrap();
        assert!(same.estimate == 0.0 && same.low < 0.0 && same.high > 0.0);
        assert_eq!(PairedTable::default().loss(0.95), None);
    }

    /// statsmodels 0.14: `mcnemar([[700, b], [c, 80]], exact=True).pvalue`.
    #[test]
    fn mcnemar_agrees_with_statsmodels() {
        for (b, c, p) in [
            (12, 3, 0.03515625),
            (0, 0, 1.0),
            (5, 5, 1.0),
            (40, 25, 0.08168153394154003),
            (1, 7, 0.0703125),
        ] {
            assert_relative_eq!(table(b, c).mcnemar_p(), p, max_relative = 1e-11);
        }
    }
}
