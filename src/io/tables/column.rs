//! A column of a table by its name.

use crate::io::record::Cell;

/// A column: its name and its cells.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NamedColumn {
    pub(super) name: String,
    /// Null where a cell is missing; all that a text holds is text.
    pub(super) cells: Vec<Cell>,
}

impl NamedColumn {
    /// An empty column called `name`.
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            cells: Vec::new(),
        }
    }
}
