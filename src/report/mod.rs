//! Pictures of meshes, and reports on sweeps: figures, tables and one page.

mod drawing;
mod figures;
mod options;
mod page;
mod plot;
mod render;
mod sweep;
mod training;
mod wafer;

pub use drawing::{ColorBy, DrawOptions, SPOKEN, draw};
pub use options::{FigureFormat, FigureOptions, MapOf};
pub use plot::figure::Figure;
pub use plot::scaling;
pub use plot::table::Table;
pub use render::{Rendered, render};
