//! What stands at the nodes of a mesh: kinds of cells, their 2×2, and the errors that they are drawn with.

mod cells;
mod inside;
mod kind;
mod mzi;
mod slopes;
mod values;

pub use cells::Cells;
pub(super) use cells::SetCells;
pub(crate) use inside::CellParts;
pub use kind::CellKind;
pub use mzi::Mzi;
pub(crate) use mzi::mix;
pub use values::Values;
