//! Which classes are taken for which.

/// A confusion matrix: how many samples of a label are taken for a class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confusion {
    classes: usize,
    /// `[label, predicted]`, row by row.
    counts: Vec<u64>,
}

impl Confusion {
    /// A matrix of `classes` classes without samples.
    pub fn new(classes: usize) -> Self {
        Self {
            classes,
            counts: vec![0; classes * classes],
        }
    }

    /// Adds `count` samples of `label` that are taken for `predicted`: one row of `confusion.csv`.
    ///
    /// # Panics
    /// If there is no such class.
    pub fn add(&mut self, label: usize, predicted: usize, count: u64) {
        assert!(
            label < self.classes && predicted < self.classes,
            "no such class"
        );
        self.counts[label * self.classes + predicted] += count;
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Number of samples of `label` that are taken for `predicted`.
    ///
    /// # Panics
    /// If there is no such class.
    pub fn count(&self, label: usize, predicted: usize) -> u64 {
        assert!(predicted < self.classes, "no such class");
        self.counts[label * self.classes + predicted]
    }

    /// Share of the samples of every label that are taken for it (recall); nothing for a label without samples.
    pub fn recall(&self) -> Vec<Option<f64>> {
        let share = |label: usize| {
            let all = (0..self.classes).map(|class| self.count(label, class));
            ratio(self.count(label, label), all.sum())
        };
        (0..self.classes).map(share).collect()
    }

    /// Share of the samples taken for every class that are of it (precision); nothing for a class that none is taken
    /// for.
    pub fn precision(&self) -> Vec<Option<f64>> {
        let share = |class: usize| {
            let all = (0..self.classes).map(|label| self.count(label, class));
            ratio(self.count(class, class), all.sum())
        };
        (0..self.classes).map(share).collect()
    }

    /// Share of all samples that are taken for their label; nothing without samples.
    pub fn accuracy(&self) -> Option<f64> {
        let right = (0..self.classes).map(|class| self.count(class, class));
        ratio(right.sum(), self.counts.iter().sum())
    }

    /// Recall that every class loses against `digital`: the class-wise loss. Nothing for a label without samples.
    ///
    /// # Panics
    /// If the two have not as many classes.
    pub fn loss_against(&self, digital: &Self) -> Vec<Option<f64>> {
        assert_eq!(self.classes, digital.classes, "the same classes");
        let pairs = digital.recall().into_iter().zip(self.recall());
        pairs.map(|(digital, own)| Some(digital? - own?)).collect()
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: label 0 three times (twice right), label 1 once (taken for 0), no label 2, of which 0 takes one.
    #[test]
    fn recall_precision_and_loss_are_shares_of_rows_and_columns() {
        let mut chip = Confusion::new(3);
        for (label, predicted, count) in [(0, 0, 1), (0, 0, 1), (0, 2, 1), (1, 0, 1)] {
            chip.add(label, predicted, count);
        }
        assert_eq!(chip.count(0, 0), 2);
        assert_eq!(chip.recall(), [Some(2.0 / 3.0), Some(0.0), None]);
        assert_eq!(chip.precision(), [Some(2.0 / 3.0), None, Some(0.0)]);
        assert_eq!(chip.accuracy(), Some(0.5));
        let mut digital = Confusion::new(3);
        digital.add(0, 0, 3);
        digital.add(1, 1, 1);
        assert_eq!(
            chip.loss_against(&digital),
            [Some(1.0 - 2.0 / 3.0), Some(1.0), None]
        );
        assert_eq!(Confusion::new(2).accuracy(), None);
    }
}
