//! Which points a line, a square or a bar stands for.

use super::axis::Described;
use super::choice::{best, evenly};
use super::results::{PointTrials, Results};
use crate::experiment::rows::Row;
use crate::experiment::sweep::Axis;
use crate::report::plot::series::PALETTE;

/// The most lines of one chart: as many as there are colours.
pub(crate) const LINES: usize = PALETTE.len();

/// The most figures of one kind, one for each combination of names.
pub(crate) const FIGURES: usize = 4;

/// One value of one axis, by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Choice {
    pub axis: usize,
    pub index: usize,
}

/// Points that share their index on some axes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Slice {
    /// What tells it from the other groups of its picture.
    pub fixed: Vec<Choice>,
    /// What all groups of its picture have in common.
    held: Vec<Choice>,
}

impl Slice {
    /// The same points, those with `index` on `axis` only.
    pub fn and(&self, axis: usize, index: usize) -> Self {
        let mut group = self.clone();
        group.fixed.push(Choice { axis, index });
        group
    }

    /// The same points, those of `figure` only, which holds all groups of its picture.
    pub fn within(&self, figure: &Slice) -> Self {
        let mut group = self.clone();
        group.held.extend(figure.fixed.iter().chain(&figure.held));
        group
    }

    /// The same, whatever its picture holds.
    pub fn unheld(&self) -> Self {
        Self {
            fixed: self.fixed.clone(),
            held: Vec::new(),
        }
    }

    pub fn holds(&self, point: &PointTrials) -> bool {
        let mut all = self.fixed.iter().chain(&self.held);
        all.all(|choice| point.at[choice.axis] == choice.index)
    }

    /// The chips of all its points.
    pub fn trials<'a>(&'a self, results: &'a Results) -> impl Iterator<Item = &'a Row> {
        let points = results.points.iter().filter(|point| self.holds(point));
        points.flat_map(|point| &point.trials)
    }

    /// What tells it from the other groups of its picture, in words; nothing if that is nothing.
    pub fn name(&self, axes: &[Axis]) -> String {
        let words: Vec<String> = self
            .fixed
            .iter()
            .map(|choice| axes[choice.axis].valued(choice.index))
            .collect();
        words.join(", ")
    }

    /// What tells its figure from those of other groups, behind a headline.
    pub fn behind_title(&self, axes: &[Axis]) -> String {
        match self.fixed.is_empty() {
            true => String::new(),
            false => format!(", {}", self.name(axes)),
        }
    }

    /// The same behind the name of a file; with its number where two values of an axis read alike.
    pub fn behind_id(&self, axes: &[Axis]) -> String {
        let parts = self.fixed.iter().map(|&Choice { axis, index }| {
            let text = |index: usize| axes[axis].file_text(index);
            let own = text(index);
            let is_twice = (0..axes[axis].len()).any(|other| other != index && text(other) == own);
            match is_twice {
                true => format!("-{own}-{index}"),
                false => format!("-{own}"),
            }
        });
        parts.collect()
    }
}

/// What becomes of the axes that a picture does not run along. Chips of several values of one axis are never put together.
pub(crate) struct Beside {
    /// One group for each combination of the axes that are told apart.
    pub groups: Vec<Slice>,
    /// Axes of which only some values are told apart.
    pub thinned: Vec<usize>,
    /// Axes of which one value is shown: that of the best point.
    pub held: Vec<usize>,
}

impl Beside {
    /// One figure for each combination of the names among `axes`, as long as these are at most `most`.
    pub fn figures(results: &Results, axes: &[usize], most: usize) -> Self {
        let mut beside = Self::nothing();
        for axis in axes {
            match results.axes()[*axis].numbers() {
                None => beside.tell_apart(results, *axis, most),
                Some(_) => beside.held.push(*axis),
            }
        }
        beside.hold(results)
    }

    /// One line for each combination of `axes`, that which is asked for first, then names, as long as these are at most [`LINES`]. Of numbers that are
    /// more and stand alone, evenly chosen ones.
    pub fn lines(results: &Results, axes: &[usize]) -> Self {
        let mut beside = Self::nothing();
        let mut order = axes.to_vec();
        order.sort_by_key(|axis| {
            let is_asked = results.lines == Some(*axis);
            (!is_asked, results.axes()[*axis].numbers().is_some())
        });
        for axis in order {
            let is_crowded = results.axes()[axis].len() > LINES;
            if beside.groups.len() == 1 && is_crowded && results.axes()[axis].numbers().is_some() {
                let chosen = evenly(results.axes()[axis].len(), LINES);
                beside.groups = chosen
                    .iter()
                    .map(|index| beside.groups[0].and(axis, *index))
                    .collect();
                beside.thinned.push(axis);
            } else {
                beside.tell_apart(results, axis, LINES);
            }
        }
        beside.hold(results)
    }

    fn nothing() -> Self {
        Self {
            groups: vec![Slice::default()],
            thinned: Vec::new(),
            held: Vec::new(),
        }
    }

    fn tell_apart(&mut self, results: &Results, axis: usize, most: usize) {
        let values = results.axes()[axis].len();
        if self.groups.len() * values > most {
            return self.held.push(axis);
        }
        let groups = self.groups.iter();
        self.groups = groups
            .flat_map(|group| (0..values).map(|index| group.and(axis, index)))
            .collect();
    }

    fn hold(mut self, results: &Results) -> Self {
        let best = best(results);
        for group in &mut self.groups {
            group.held = self
                .held
                .iter()
                .map(|&axis| Choice {
                    axis,
                    index: best.at[axis],
                })
                .collect();
        }
        self
    }

    /// Sentences that say what is not shown, or nothing.
    pub fn sentences(&self, results: &Results) -> String {
        let axes = results.axes();
        let mut text = String::new();
        for axis in &self.thinned {
            text.push_str(&format!(
                " Lines are {LINES} of the {} values of the {}.",
                axes[*axis].len(),
                axes[*axis].quantity().name
            ));
        }
        let best = best(results);
        let held: Vec<String> = self
            .held
            .iter()
            .map(|axis| axes[*axis].valued(best.at[*axis]))
            .collect();
        if !held.is_empty() {
            text.push_str(&format!(
                " Axes that are not shown stay where {} is best: {}.",
                results.measure.name(),
                held.join(", ")
            ));
        }
        text
    }
}

/// Axes that vary, but for `taken`.
pub(crate) fn others(results: &Results, taken: &[usize]) -> Vec<usize> {
    let varied = results.varied().into_iter();
    varied.filter(|axis| !taken.contains(axis)).collect()
}
