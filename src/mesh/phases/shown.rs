//! The phases that the heaters of a chip show.

use std::borrow::Cow;
use std::ops::Range;

use super::Phases;
use crate::mesh::Values;

/// Phases as heaters show them: what they do about what they were asked for, and errors that add to that.
///
/// What a chip draws for its phase shifters is in here: [`Chip::coefficients`](crate::hardware::Chip::coefficients) adds
/// offsets, programming errors and drift. Those of `theta` and `phi` are drawn with the 2×2 of their cells, a block at a
/// time (see [`Values`]).
#[derive(Debug, Clone, PartialEq)]
pub struct Shown<'a> {
    pub(in crate::mesh) theta: Part<'a>,
    pub(in crate::mesh) phi: Part<'a>,
    pub(in crate::mesh) screen: Part<'a>,
    pub(in crate::mesh) free: Part<'a>,
}

/// The phases of one sort.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::mesh) struct Part<'a> {
    pub(in crate::mesh) values: Values<'a>,
    pub(in crate::mesh) count: usize,
}

impl<'a> Part<'a> {
    fn new(phases: impl Into<Cow<'a, [f64]>>) -> Self {
        let phases = phases.into();
        Self {
            count: phases.len(),
            values: Values::each(phases),
        }
    }

    /// All phases of the sort, every error drawn, rad.
    pub(in crate::mesh) fn all(self) -> Vec<f64> {
        self.values.all(self.count)
    }
}

impl<'a> Shown<'a> {
    /// These phases with what `add` adds to each sort of them. It also gets the number of the sort's first one in
    /// [one list](Phases::flat) of all phases, and how long that list is, as [`Values::with_errors`] wants them.
    #[must_use]
    pub fn with(self, mut add: impl FnMut(Values<'a>, Range<usize>) -> Values<'a>) -> Self {
        let count = self.theta.count + self.phi.count + self.screen.count + self.free.count;
        let mut first = 0;
        let mut each = |part: Part<'a>| {
            let values = add(part.values, first..count);
            first += part.count;
            Part { values, ..part }
        };
        Self {
            theta: each(self.theta),
            phi: each(self.phi),
            screen: each(self.screen),
            free: each(self.free),
        }
    }
}

impl From<Phases> for Shown<'_> {
    fn from(phases: Phases) -> Self {
        Self {
            theta: Part::new(phases.theta),
            phi: Part::new(phases.phi),
            screen: Part::new(phases.screen),
            free: Part::new(phases.free),
        }
    }
}

impl<'a> From<&'a Phases> for Shown<'a> {
    fn from(phases: &'a Phases) -> Self {
        Self {
            theta: Part::new(&phases.theta[..]),
            phi: Part::new(&phases.phi[..]),
            screen: Part::new(&phases.screen[..]),
            free: Part::new(&phases.free[..]),
        }
    }
}
