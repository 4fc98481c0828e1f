//! Networks of papers on faulty meshes.

use super::Section;

/// Networks of papers on faulty meshes.
pub(super) fn section() -> Section {
    Section {
        title: "Networks on faulty meshes",
        about: "",
        cases: Vec::new(),
    }
}
