//! How the size of steps changes on the way.

use std::f64::consts::PI;
use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// How the size of steps changes on the way, from that of the first to that of the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Schedule {
    /// Not at all.
    Constant,
    /// Down to 0 along half a cosine. Loshchilov, Hutter, arXiv:1608.03983.
    #[default]
    Cosine,
    /// From a 25th of the rate up to it in the first three tenths of the steps, then down to a 250 000th, both along half a
    /// cosine. Smith, Topin, arXiv:1708.07120, with the numbers of PyTorch's `OneCycleLR`.
    OneCycle,
}

impl Schedule {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Constant, Self::Cosine, Self::OneCycle];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Cosine => "cosine",
            Self::OneCycle => "one-cycle",
        }
    }

    /// The share of the rate at step `step` of `steps`, from 0.
    pub fn factor(self, step: u64, steps: u64) -> f64 {
        let between =
            |from: f64, to: f64, share: f64| to + (from - to) * 0.5 * (1.0 + (PI * share).cos());
        match self {
            Self::Constant => 1.0,
            Self::Cosine => between(1.0, 0.0, step as f64 / steps.max(1) as f64),
            Self::OneCycle => {
                let (first, last) = (1.0 / 25.0, 1.0 / 250_000.0);
                let end = steps.saturating_sub(1) as f64;
                let top = 0.3 * steps as f64 - 1.0;
                let step = step as f64;
                match step <= top {
                    true => between(first, 1.0, step / top.max(1.0)),
                    false => between(1.0, last, (step - top) / (end - top).max(1.0)),
                }
            }
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Schedule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|one| one.name() == text);
        found.ok_or_else(|| Error::unknown("schedule", text, &Self::ALL.map(Self::name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rates of 2 over 50 steps, of PyTorch 1.13.
    #[test]
    fn rates_are_those_of_pytorch() {
        let cycle = [
            (0, 0.08),
            (1, 0.104_069_204_305_449_41),
            (7, 1.04),
            (14, 2.0),
            (15, 1.995_974_310_098_063),
            (30, 1.134_236_728_884_592_3),
            (49, 8e-6),
        ];
        let cosine = [
            (0, 2.0),
            (1, 1.998_026_728_428_271_6),
            (25, 1.0),
            (49, 0.001_973_271_571_728_441),
        ];
        for (schedule, rates) in [
            (Schedule::OneCycle, &cycle[..]),
            (Schedule::Cosine, &cosine),
            (Schedule::Constant, &[(49, 2.0)]),
        ] {
            for (step, expected) in rates {
                let rate = 2.0 * schedule.factor(*step, 50);
                assert!((rate - expected).abs() < 1e-12, "{schedule} {step}: {rate}");
            }
        }
    }

    #[test]
    fn a_training_of_one_step_has_a_rate() {
        for schedule in Schedule::ALL {
            for steps in 1..4 {
                for step in 0..steps {
                    let factor = schedule.factor(step, steps);
                    assert!((0.0..=1.0).contains(&factor), "{schedule}: {factor}");
                }
            }
        }
    }
}
