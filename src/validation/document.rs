//! The values as a record.

use serde::Serialize;

use super::{Case, Curves, Section};

/// Every value, its reference and whether it holds: what `lightloom validate --json` writes.
#[derive(Debug, Serialize)]
pub struct Document<'a> {
    lightloom: &'static str,
    values: usize,
    failed: usize,
    sections: Vec<Checked<'a>>,
}

#[derive(Debug, Serialize)]
struct Checked<'a> {
    title: &'a str,
    about: &'a str,
    cases: Vec<CheckedCase<'a>>,
    curves: &'a Option<Curves>,
}

#[derive(Debug, Serialize)]
struct CheckedCase<'a> {
    #[serde(flatten)]
    case: &'a Case,
    holds: bool,
}

impl<'a> Document<'a> {
    /// The values of these sections.
    pub fn new(sections: &'a [Section]) -> Self {
        let cases = || sections.iter().flat_map(|section| &section.cases);
        let sections = sections.iter().map(|section| Checked {
            title: section.title,
            about: section.about,
            cases: (section.cases.iter())
                .map(|case| CheckedCase {
                    case,
                    holds: case.holds(),
                })
                .collect(),
            curves: &section.curves,
        });
        Self {
            lightloom: env!("CARGO_PKG_VERSION"),
            values: cases().count(),
            failed: cases().filter(|case| !case.holds()).count(),
            sections: sections.collect(),
        }
    }
}
