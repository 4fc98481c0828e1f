//! What a sweep says while it runs.

use std::cell::RefCell;
use std::collections::HashSet;

use crate::experiment::sweep::{Point, Reference};
use crate::nn::Scorer;
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

    /// Says so if the digital accuracy of the network of `point`, in `reference`, is near chance.
    pub(super) fn add_chance(&self, point: &Point, reference: &Reference, scorer: &Scorer<'_>) {
        if let Some(chance) = Chance::of(&reference.digital, scorer) {
            self.add(format!(
                "{} on {}: {chance}",
                point.source.path(),
                point.data
            ));
        }
    }
}
