//! A share of the trials, for one of several machines.

use std::str::FromStr;

use super::journal::{Head, Journal};
use crate::error::{Error, Result};
use crate::experiment::sweep::Sweep;

/// A share of the trials of a sweep: number `index` of `of`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Its number, from 1.
    pub index: usize,
    /// How many there are.
    pub of: usize,
}

impl Shard {
    /// All trials.
    pub const WHOLE: Self = Self { index: 1, of: 1 };

    /// Whether number `trial` of the trials of `point`, one of `points`, is among them.
    ///
    /// The answer does not depend on how many trials there are: a shard can be given more. Trials are dealt out like
    /// cards, all points of one trial before the next trial. Whenever a deal would begin again with the same shard and the
    /// same point, one shard is skipped: all shards get all points, and as many trials as the others, give or take one.
    pub fn holds(self, point: usize, trial: usize, points: usize) -> bool {
        let dealt = trial * points + point;
        let again = (points / gcd(points, self.of)).saturating_mul(self.of);
        (dealt + dealt / again) % self.of == self.index - 1
    }

    /// The rows of these trials that are not in `journal`.
    pub(crate) fn missing<'a>(
        self,
        sweep: &Sweep,
        journal: Option<&'a Journal>,
    ) -> impl Iterator<Item = usize> + use<'a> {
        let (points, trials) = (sweep.points(), sweep.trials);
        let rows =
            (0..sweep.rows()).filter(move |row| self.holds(row / trials, row % trials, points));
        rows.filter(move |row| journal.is_none_or(|journal| !journal.has(*row)))
    }

    /// As the head of a journal has it.
    pub(crate) fn in_head(self) -> Option<[usize; 2]> {
        (self.of > 1).then_some([self.index, self.of])
    }

    pub(super) fn of_head(head: &Head) -> Self {
        head.shard
            .map_or(Self::WHOLE, |[index, of]| Self { index, of })
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Shard {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parsed = text.split_once('/').and_then(|(index, of)| {
            let (index, of) = (index.parse().ok()?, of.parse().ok()?);
            (1..=of).contains(&index).then_some(Self { index, of })
        });
        let limit = "i/n with i from 1 to n, such as 1/4";
        parsed.ok_or_else(|| Error::value("shard", format!("`{text}`"), limit))
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Number of trials that each shard gets.
    fn counts(points: usize, trials: std::ops::Range<usize>, of: usize) -> Vec<usize> {
        let count = |index: usize| {
            let shard = Shard { index, of };
            let all = trials
                .clone()
                .flat_map(|trial| (0..points).map(move |point| (point, trial)));
            all.filter(|(point, trial)| shard.holds(*point, *trial, points))
                .count()
        };
        (1..=of).map(count).collect()
    }

    #[test]
    fn every_trial_is_in_one_shard_and_shards_are_even() {
        for points in [1, 2, 3, 4, 6, 8, 12] {
            for of in [1, 2, 3, 4, 6, 7, 8, 60] {
                for trials in [1, 2, 5, 9, 24] {
                    let counts = counts(points, 0..trials, of);
                    assert_eq!(counts.iter().sum::<usize>(), points * trials);
                    let (least, most) =
                        (counts.iter().min().unwrap(), counts.iter().max().unwrap());
                    assert!(most - least <= 1, "{points} × {trials} / {of}: {counts:?}");
                }
                // As many trials as shards: each has each point once.
                let shard = Shard { index: of, of };
                for point in 0..points {
                    let own = (0..of).filter(|trial| shard.holds(point, *trial, points));
                    assert_eq!(own.count(), 1, "{points} / {of}: {point}");
                }
            }
        }
        let huge = Shard {
            index: 1,
            of: usize::MAX,
        };
        assert!(huge.holds(0, 0, 6) && !huge.holds(1, 0, 6));
    }
}
