//! What a sweep says while it runs.

use std::cell::RefCell;
use std::collections::HashSet;

use crate::experiment::Workload;
use crate::experiment::sweep::Point;
use crate::field::Real;
use crate::nn::Judged;
use crate::nn::metrics::Chance;
use crate::processor::idle_words;

/// Sentences about what was assumed, each said once.
pub(crate) struct Notes<'a> {
    said: RefCell<HashSet<String>>,
    say: &'a dyn Fn(&str),
}

impl<'a> Notes<'a> {
    /// Sentences are handed to `say`.
    pub(crate) fn new(say: &'a dyn Fn(&str)) -> Self {
        let said = RefCell::default();
        Self { said, say }
    }

    pub(crate) fn add(&self, note: String) {
        if !self.said.borrow().contains(&note) {
            (self.say)(&note);
            self.said.borrow_mut().insert(note);
        }
    }

    /// Says of `points`, whose program and data are those of `workload`, what may surprise who reads their rows: why
    /// `digital` outputs may not be what they are taken for, and what does nothing at any of the points.
    pub(super) fn add_points<T: Real>(
        &self,
        points: &[Point],
        workload: &Workload<'_, T>,
        digital: &Judged<T>,
    ) {
        let Some(first) = points.first() else {
            return;
        };
        let (path, data) = (first.source.path(), &first.data);
        let (program, scorer) = (workload.program(), workload.scorer());
        if let Some(dark) = program.network().dark_words() {
            self.add(format!("{path}: {dark}"));
        }
        let chance = Chance::of(&digital.worth, scorer).map(|chance| chance.to_string());
        for doubt in scorer.doubt(digital).into_iter().chain(chance) {
            self.add(format!("{path} on {data}: {doubt}"));
        }
        let settings = points
            .iter()
            .map(|point| (&point.hardware, point.correction));
        idle_words(program, settings)
            .into_iter()
            .for_each(|note| self.add(note));
    }
}
