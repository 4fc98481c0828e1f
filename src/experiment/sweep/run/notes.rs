//! What a sweep says while it runs.

use std::cell::RefCell;
use std::collections::HashSet;

use super::session::Group;
use crate::error::Result;
use crate::experiment::Workload;
use crate::experiment::sweep::{Point, Sweep};
use crate::field::Real;
use crate::nn::Judged;
use crate::nn::metrics::Chance;
use crate::processor::idle_words;

/// Sentences about what was assumed, each said once.
pub(super) struct Notes<'a> {
    said: RefCell<HashSet<String>>,
    say: &'a dyn Fn(&str),
}

impl<'a> Notes<'a> {
    /// Sentences are handed to `say`.
    pub(super) fn new(say: &'a dyn Fn(&str)) -> Self {
        let said = RefCell::default();
        Self { said, say }
    }

    pub(super) fn add(&self, note: String) {
        if !self.said.borrow().contains(&note) {
            (self.say)(&note);
            self.said.borrow_mut().insert(note);
        }
    }

    /// Says of a `group` of `sweep`, whose program and data are those of `workload`, what may surprise who reads its rows:
    /// why its `digital` outputs may not be what they are taken for, and what does nothing at any of its points.
    ///
    /// # Errors
    /// As [`Sweep::point`].
    pub(super) fn add_group<T: Real>(
        &self,
        sweep: &Sweep,
        group: &Group,
        workload: &Workload<'_, T>,
        digital: &Judged<T>,
    ) -> Result<()> {
        let (path, data) = (group.point.source.path(), &group.point.data);
        let (program, scorer) = (workload.program(), workload.scorer());
        if let Some(dark) = program.network().dark_words() {
            self.add(format!("{path}: {dark}"));
        }
        let chance = Chance::of(&digital.worth, scorer).map(|chance| chance.to_string());
        for doubt in scorer.doubt(digital).into_iter().chain(chance) {
            self.add(format!("{path} on {data}: {doubt}"));
        }
        let mut points: Vec<usize> = group.rows.iter().map(|row| row / sweep.trials).collect();
        points.dedup();
        let points = points.into_iter().map(|point| sweep.point(point));
        let points: Vec<Point> = points.collect::<Result<_>>()?;
        let settings = points
            .iter()
            .map(|point| (&point.hardware, point.correction));
        idle_words(program, settings)
            .into_iter()
            .for_each(|note| self.add(note));
        Ok(())
    }
}
