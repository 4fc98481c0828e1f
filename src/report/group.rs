//! Which points a line, a square or a bar stands for.

use super::axis::Described;
use super::results::{Point, Results, Trial};
use crate::experiment::sweep::Axis;

/// The most lines of one chart.
pub(super) const LINES: usize = 6;

/// The most figures of one kind, one for each combination of the axes that they do not show.
pub(super) const FIGURES: usize = 4;

/// Points that share their index on some axes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Group {
    /// Axis and index.
    pub fixed: Vec<(usize, usize)>,
}

impl Group {
    /// The same points, those with `index` on `axis` only.
    pub fn and(&self, axis: usize, index: usize) -> Self {
        let mut fixed = self.fixed.clone();
        fixed.push((axis, index));
        Self { fixed }
    }

    pub fn holds(&self, point: &Point) -> bool {
        self.fixed
            .iter()
            .all(|(axis, index)| point.at[*axis] == *index)
    }

    /// The chips of all its points.
    pub fn trials<'a>(&'a self, results: &'a Results) -> impl Iterator<Item = &'a Trial> {
        let points = results.points.iter().filter(|point| self.holds(point));
        points.flat_map(|point| &point.trials)
    }

    /// What its points share, in words; nothing if that is nothing.
    pub fn name(&self, axes: &[Axis]) -> String {
        let words: Vec<String> = self
            .fixed
            .iter()
            .map(|(axis, index)| axes[*axis].valued(*index))
            .collect();
        words.join(", ")
    }
}

impl Group {
    /// What tells its figure from those of other groups, behind a headline.
    pub fn behind_title(&self, axes: &[Axis]) -> String {
        match self.fixed.is_empty() {
            true => String::new(),
            false => format!(", {}", self.name(axes)),
        }
    }

    /// The same behind the name of a file. Values of one axis may be alike but for their folder, so their numbers are in it.
    pub fn behind_id(&self, axes: &[Axis]) -> String {
        let parts = self.fixed.iter().map(|(axis, index)| {
            let text = axes[*axis].text(*index);
            match axes[*axis].key() {
                "network" | "program" | "data" => format!("-{}-{index}", file_name(&text)),
                _ => format!("-{}", file_name(&text)),
            }
        });
        parts.collect()
    }
}

/// `key` as part of a file's name.
pub(super) fn file_name(key: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    key.chars().map(plain).collect()
}

/// One group for each combination of the axes other than `taken`, as long as these are few; the axes over which chips
/// are pooled because they would be too many.
pub(super) fn beside(results: &Results, taken: &[usize], most: usize) -> (Vec<Group>, Vec<usize>) {
    let mut groups = vec![Group::default()];
    let mut pooled = Vec::new();
    // Kinds of things are told apart first: chips of several kinds say little together.
    let mut order: Vec<(usize, &Axis)> = results.axes().iter().enumerate().collect();
    order.sort_by_key(|(_, axis)| axis.numbers().is_some());
    for (index, axis) in order {
        if taken.contains(&index) || axis.len() < 2 {
            continue;
        }
        if groups.len() * axis.len() > most {
            pooled.push(index);
            continue;
        }
        groups = groups
            .iter()
            .flat_map(|group| (0..axis.len()).map(move |value| group.and(index, value)))
            .collect();
    }
    (groups, pooled)
}

/// A sentence that says what is pooled, or nothing.
pub(super) fn pooled_sentence(results: &Results, pooled: &[usize]) -> String {
    if pooled.is_empty() {
        return String::new();
    }
    let names: Vec<String> = pooled
        .iter()
        .map(|axis| {
            let axis = &results.axes()[*axis];
            format!("all {} values of the {}", axis.len(), axis.quantity().name)
        })
        .collect();
    format!(" Chips are pooled over {}.", names.join(" and "))
}
