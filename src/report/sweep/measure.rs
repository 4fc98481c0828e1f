//! The score of a sweep in words, on axes and in tables.

use crate::nn::Score;
use crate::report::plot::ruler::Ruler;
use crate::report::plot::table::Table;
use crate::report::plot::words::{percent, short, signed_interval, significant};

/// What figures and tables say of a score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Measure {
    pub score: Score,
    /// Decimals of a share in percent: the second says something only of many samples.
    pub decimals: usize,
    /// The loss against digital whose place is told, where another than the score's own is asked for.
    pub within: Option<f64>,
}

/// The share of all samples whose loss against digital is told, and the distance of outputs from digital ones.
const TOLERATED: f64 = 0.01;
/// The same of an error, as a share of digital's own.
const TOLERATED_GROWTH: f64 = 0.1;

impl Measure {
    /// Its name within a sentence.
    pub fn name(self) -> String {
        self.score.words()
    }

    /// Its name at the beginning of a sentence.
    pub fn title(self) -> String {
        let name = self.name();
        name[..1].to_uppercase() + &name[1..]
    }

    /// Its name with its unit.
    pub fn label(self) -> String {
        match self.score.is_share() {
            true => format!("{}, %", self.name()),
            false => self.name(),
        }
    }

    /// Whether `a` is better than `b`.
    pub fn is_better(self, a: f64, b: f64) -> bool {
        match self.score.is_share() {
            true => a > b,
            false => a < b,
        }
    }

    /// The value in the unit of its axis.
    pub fn drawn(self, value: f64) -> f64 {
        match self.score.is_share() {
            true => 100.0 * value,
            false => value,
        }
    }

    /// The value with its unit.
    pub fn text(self, value: f64) -> String {
        match self.score.is_share() {
            true => percent(value, self.decimals),
            false => significant(value, 3),
        }
    }

    /// The value on a square of a map, without its unit.
    pub fn on_square(self, value: f64) -> String {
        match self.score.is_share() {
            true => format!("{:.1}", 100.0 * value),
            false => short(value, 2),
        }
    }

    /// The ends of an interval of a difference, each with its sign.
    pub fn interval(self, [low, high]: [f64; 2]) -> String {
        if self.score.is_share() {
            return signed_interval([low, high], self.decimals);
        }
        let [low, high] = [low, high].map(|end| {
            let sign = if end > 0.0 { "+" } else { "" };
            format!("{sign}{}", self.text(end))
        });
        format!("{low} to {high}")
    }

    /// A scale over values in the unit of the axis; that of shares ends at 0 % and 100 %.
    pub fn scale(self, values: impl IntoIterator<Item = f64>) -> Ruler {
        match (Ruler::covering(values), self.score.is_share()) {
            (Ruler::Linear { from, to }, true) => Ruler::Linear {
                from: from.max(0.0),
                to: to.min(100.0),
            },
            (scale, _) => scale,
        }
    }

    /// Shows these columns of `table` in the unit of the axis. In CSV they stay as they are.
    pub fn show(self, table: &mut Table, columns: &[&str]) {
        if self.score.is_share() {
            table.shares(columns, self.decimals);
        }
    }

    /// How much worse `to` is than `from`; below 0 where it is better.
    pub fn lost(self, from: f64, to: f64) -> f64 {
        match self.score.is_share() {
            true => from - to,
            false => to - from,
        }
    }

    /// What a chip loses against digital, in the unit of [`tolerated`](Self::tolerated).
    pub fn loss(self, digital: f64, chip: f64) -> f64 {
        match self.score {
            Score::Mse | Score::Nll | Score::NllOfProbabilities => (chip - digital) / digital.abs(),
            _ => self.lost(digital, chip),
        }
    }

    /// The loss against digital whose place is told.
    pub fn tolerated(self) -> f64 {
        let own = match self.score {
            Score::Mse | Score::Nll | Score::NllOfProbabilities => TOLERATED_GROWTH,
            _ => TOLERATED,
        };
        self.within.unwrap_or(own)
    }

    /// The same in percent: `1 %`.
    pub fn tolerated_percent(self) -> String {
        format!("{} %", short(100.0 * self.tolerated(), 3))
    }

    /// The same in words.
    pub fn tolerated_in_words(self) -> String {
        let share = self.tolerated_percent();
        match self.score {
            Score::Mse | Score::Nll | Score::NllOfProbabilities => {
                format!("{share} of digital’s {}", self.name())
            }
            Score::None => format!("{share} of the norm of the digital outputs"),
            _ => format!("{share} of all samples"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_better_where_they_are_larger_and_errors_where_they_are_smaller() {
        let of = |score| Measure {
            score,
            decimals: 1,
            within: None,
        };
        let (share, error) = (of(Score::Accuracy), of(Score::Mse));
        assert!(share.is_better(0.9, 0.8) && error.is_better(0.8, 0.9));
        assert!(share.lost(0.9, 0.8) > 0.0 && error.lost(0.8, 0.9) > 0.0);
        assert_eq!(error.loss(0.5, 0.75), 0.5);
        assert_eq!(
            (share.text(0.5), error.text(0.5)),
            ("50.0 %".into(), "0.500".into())
        );
        assert_eq!(of(Score::None).loss(0.0, 0.25), 0.25);
        assert_eq!(of(Score::Top(5)).title(), "Top-5 accuracy");
        assert_eq!(error.interval([-0.5, 0.25]), "−0.500 to +0.250");
        let ends = Ruler::Linear {
            from: 90.0,
            to: 100.0,
        };
        assert_eq!(share.scale([91.0, 99.9]), ends);
    }
}
