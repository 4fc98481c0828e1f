//! A sweep as data: what `EXPERIMENT.toml` says.

mod idle;
mod key;
mod parse;
mod point;
mod resolved;
pub(crate) mod value;

pub use key::{Key, Names};
pub use parse::Beside;
pub use point::{Point, Source};

use self::idle::Idle;
use crate::error::{Error, Result};
use crate::hardware::Hardware;
use crate::io::record::Cell;
use crate::nn::{Remarks, Score};
use crate::rng::Seed;

/// Trials of all points of the largest sweep.
const ROWS_LIMIT: usize = 10_000_000;

/// A Monte-Carlo sweep over a grid of settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    /// Its name, the first column of every row.
    pub name: String,
    /// What does not vary.
    pub base: Base,
    /// What varies, the last axis fastest.
    pub axes: Vec<Axis>,
    /// Chips of every point.
    pub trials: usize,
    /// The seed from which every chip and every shot follows.
    pub seed: Seed,
    /// Whether confusion matrices of all trials are written.
    pub records_confusion: bool,
    /// Whether errors and losses of layers are written.
    pub records_layers: bool,
}

/// Settings of all points, before an axis changes them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Base {
    /// Values of keys that are not of the hardware, as they would stand on an axis.
    pub values: Vec<(Key, Cell)>,
    /// The kind of chip.
    pub hardware: Hardware,
    /// The file that described the hardware, if it was one.
    pub hardware_file: Option<String>,
    /// What is said of networks beside their files.
    pub remarks: Remarks,
    /// Labels of an `.npy` data set.
    pub labels: Option<String>,
    /// The label's column of a `.csv` data set: a name, else a position from 0.
    pub label: Option<String>,
    /// Part of a folder of IDX files.
    pub split: Option<String>,
    /// Only so many samples.
    pub limit: Option<usize>,
    /// What outputs are scored by, if not by what labels and outputs are.
    pub score: Option<Score>,
}

/// One axis: a key and its values, or several keys whose values change together.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// What varies.
    pub keys: Vec<Key>,
    /// The values of every key, all of one length.
    pub values: Vec<Vec<Cell>>,
}

impl Axis {
    /// Number of values.
    pub fn len(&self) -> usize {
        self.values.first().map_or(0, Vec::len)
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Sweep {
    /// Number of points: the product of the axes' lengths.
    pub fn points(&self) -> usize {
        self.axes.iter().map(Axis::len).product()
    }

    /// Number of trials of all points.
    pub fn rows(&self) -> usize {
        self.points() * self.trials
    }

    /// The keys of all axes, in the order of their columns.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.axes.iter().flat_map(|axis| &axis.keys)
    }

    /// The values of [`keys`](Self::keys) at `point`.
    ///
    /// # Panics
    /// If there is no such point.
    pub fn values(&self, point: usize) -> Vec<&Cell> {
        assert!(point < self.points(), "point {point} does not exist");
        let mut rest = point;
        let mut indices = vec![0; self.axes.len()];
        for (index, axis) in indices.iter_mut().zip(&self.axes).rev() {
            *index = rest % axis.len();
            rest /= axis.len();
        }
        let picked = self.axes.iter().zip(indices);
        picked
            .flat_map(|(axis, index)| axis.values.iter().map(move |values| &values[index]))
            .collect()
    }

    /// What is worth saying of all points that is allowed and hardly meant, in sentences: of their kinds of chips, and of
    /// choices of a compiler that do nothing.
    ///
    /// # Errors
    /// As [`point`](Self::point).
    pub fn notes(&self) -> Result<Vec<String>> {
        let mut wrong = None;
        let mut idle = Idle::new(self);
        let points = (0..self.points()).map_while(|number| match self.point(number) {
            Ok(point) => {
                idle.note(&point);
                Some(point.hardware)
            }
            Err(error) => {
                wrong = Some(error);
                None
            }
        });
        let mut notes = Hardware::notes_of(points);
        notes.extend(idle.words());
        wrong.map_or(Ok(notes), Err)
    }

    /// The experiment with `other(path)` for every path in it: of networks, programs, data, labels, hardware, and of numbers
    /// in files.
    #[must_use]
    pub fn with_paths(mut self, other: impl Fn(&str) -> String) -> Self {
        let is_path = |key: &Key| matches!(key, Key::Network | Key::Program | Key::Data);
        let renamed = |cell: &mut Cell| {
            if let Cell::Text(path) = cell {
                *path = other(path);
            }
        };
        for (key, cell) in &mut self.base.values {
            if is_path(key) {
                renamed(cell);
            }
        }
        for axis in &mut self.axes {
            let columns = axis.keys.iter().zip(&mut axis.values);
            let columns = columns.filter(|(key, _)| is_path(key));
            columns.for_each(|(_, cells)| cells.iter_mut().for_each(renamed));
        }
        let base = &mut self.base;
        for path in [&mut base.labels, &mut base.hardware_file]
            .into_iter()
            .flatten()
        {
            *path = other(path);
        }
        base.remarks.rename_files(other);
        self
    }

    /// Fails on the first axis or point that cannot be.
    fn check(&self) -> Result<()> {
        let mut rows = self.trials;
        for axis in &self.axes {
            rows = rows.saturating_mul(axis.len());
        }
        if rows > ROWS_LIMIT {
            let limit = format!("at most {ROWS_LIMIT} in all");
            return Err(Error::value("points × trials", rows, limit));
        }
        for point in 0..self.points() {
            self.point(point)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_is_renamed_and_nothing_else() {
        let text = "network = [\"a.npz\", \"b.npz\"]\ndata = \"d.npy\"\nlabels = \"l.npy\"\nscale = \"s.npy\"\nmean = 0.5\n\
                    hardware = \"chip.toml\"\ngeometry = \"reck\"\nactivation = \"tanh\"\ntrials = 1\n[axes]\n\
                    correct = [\"none\", \"local\"]\n";
        let read = |text: &str| Sweep::parse(text, "e", |_| Ok(Hardware::default())).unwrap();
        let renamed = read(text).with_paths(|path| format!("in/{path}"));
        let paths = ["a.npz", "b.npz", "d.npy", "l.npy", "s.npy", "chip.toml"];
        let in_folder = paths.iter().fold(text.to_owned(), |text, path| {
            text.replace(&format!("\"{path}\""), &format!("\"in/{path}\""))
        });
        assert_eq!(renamed, read(&in_folder));
        assert_ne!(renamed, read(text));
    }
}
