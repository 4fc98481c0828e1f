//! Pictures of meshes, and reports on sweeps: figures, tables and one page.

mod axis;
mod bar;
mod bars;
mod chart;
mod chip;
mod choice;
mod color;
mod confusion;
mod curves;
mod draw;
mod effects;
mod figure;
mod group;
mod hardware;
mod heat;
mod layers;
mod layout;
mod light;
mod maps;
mod measure;
mod page;
mod program;
mod quantity;
mod render;
mod results;
mod scale;
pub mod scaling;
mod series;
mod svg;
mod table;
mod tables;
mod yields;

pub use draw::{ColorBy, DrawOptions, draw};
pub use figure::Figure;
pub use render::{Rendered, render};
pub use table::Table;
