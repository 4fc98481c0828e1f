//! Our values against analysis, other packages and papers.
//!
//! A [`Case`] holds one number of ours, what it must be, and who says so. `lightloom validate` runs every case and
//! writes `docs/validation.md`; a case that fails, or a file that no longer says what the code computes, fails the
//! gate. What a paper prints and we do not reproduce stands there too, with our value beside it and the reason.

mod cells;
mod correction;
mod couplers;
mod document;
mod errors;
mod learning;
mod networks;
mod packages;
mod presets;
mod readout;
mod sample;
mod self_configuration;
mod table;
mod training;

pub use document::Document;
pub use table::{markdown, stale_line};

use serde::Serialize;

/// Who vouches for a reference value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// A derivation, an exact identity, or a law checked numerically by its authors.
    Analytic,
    /// A number that another package returned.
    Package,
    /// A number that a paper prints.
    Published,
    /// A number that a source reports of a setup or a chip, by which ours was set: that ours gives it checks how the source
    /// was read, not what was predicted.
    Reading,
    /// What a paper states in words, such as which of two networks loses less.
    Trend,
}

/// What one of our values must be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expected {
    /// This value, give or take.
    Near {
        /// The reference value.
        value: f64,
        /// Largest allowed distance from it.
        tolerance: f64,
    },
    /// No smaller than this.
    AtLeast(f64),
    /// No larger than this.
    AtMost(f64),
    /// A published value that we do not reproduce; the case's note says why.
    NotReproduced(f64),
}

/// One value of ours beside its reference.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Case {
    /// What is compared, with the sizes and errors that it was computed for.
    pub name: String,
    /// Who vouches for the reference.
    pub tier: Tier,
    /// Our value.
    pub ours: f64,
    /// What it must be.
    pub expected: Expected,
    /// Paper and equation, package and version, or the law.
    pub source: &'static str,
    /// What a reader must know to believe the comparison; may be empty.
    pub note: &'static str,
}

impl Case {
    /// A case without a note whose reference is a law.
    fn analytic(name: String, ours: f64, expected: Expected, source: &'static str) -> Self {
        Self {
            name,
            tier: Tier::Analytic,
            ours,
            expected,
            source,
            note: "",
        }
    }

    /// Whether our value is what it must be.
    pub fn holds(&self) -> bool {
        match self.expected {
            Expected::Near { value, tolerance } => (self.ours - value).abs() <= tolerance,
            Expected::AtLeast(limit) => self.ours >= limit,
            Expected::AtMost(limit) => self.ours <= limit,
            Expected::NotReproduced(_) => true,
        }
    }
}

/// Cases of one subject.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Section {
    /// The subject.
    pub title: &'static str,
    /// What all of its cases share: the task, the number of chips, the seed.
    pub about: &'static str,
    /// The cases.
    pub cases: Vec<Case>,
    /// The curves behind them, where a paper shows a figure.
    pub curves: Option<Curves>,
}

/// The numbers of a figure, row by row.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Curves {
    /// What each column holds.
    pub header: &'static [&'static str],
    /// Where the curves are, and their values there: accuracies.
    pub rows: Vec<Vec<f64>>,
}

/// A section before it is computed.
#[derive(Debug, Clone, Copy)]
pub struct Chapter {
    /// Whether it takes seconds even without optimization.
    pub is_quick: bool,
    /// Computes it.
    pub compute: fn() -> Section,
}

const fn quick(compute: fn() -> Section) -> Chapter {
    Chapter {
        is_quick: true,
        compute,
    }
}

const fn slow(compute: fn() -> Section) -> Chapter {
    Chapter {
        is_quick: false,
        compute,
    }
}

/// Every section, each computed by itself.
pub const SECTIONS: &[Chapter] = &[
    quick(errors::section),
    slow(correction::section),
    slow(couplers::section),
    slow(cells::section),
    quick(readout::section),
    quick(presets::section),
    quick(packages::section),
    slow(networks::shen),
    slow(networks::banerjee),
    slow(networks::zones),
    slow(networks::fang),
    slow(training::section),
];

/// A tolerance rounded up to two digits: what stands in the page does not change with the last bits of a mean.
fn two_digits_up(tolerance: f64) -> f64 {
    let unit = 10f64.powf(tolerance.log10().floor() - 1.0);
    (tolerance / unit - 1e-6).ceil() * unit
}
