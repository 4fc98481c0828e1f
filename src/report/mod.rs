//! Pictures of meshes, and reports on sweeps: figures, tables and one page.

mod bar;
mod chart;
mod chip;
mod color;
mod confusion;
mod curves;
mod draw;
mod effects;
mod figure;
mod group;
mod hardware;
mod heat;
mod layout;
mod light;
mod page;
mod quantity;
mod render;
mod scale;
mod svg;
mod sweep;
mod table;
mod yields;

pub use draw::{ColorBy, DrawOptions, draw};
pub use figure::Figure;
pub use render::{Rendered, render};
pub use table::{Cell, Table};
