//! What a sweep says while it runs.

use std::cell::RefCell;
use std::collections::HashSet;

use super::Point;
use crate::nn::metrics::Chance;

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

    /// Says so if the digital `accuracy` of the network of `point` on data with these `labels` is near chance.
    pub(super) fn add_chance(&self, point: &Point, accuracy: f64, labels: &[usize]) {
        if let Some(chance) = Chance::near(accuracy, labels) {
            self.add(format!(
                "{} on {}: {chance}",
                point.source.path(),
                point.data
            ));
        }
    }
}
