//! Pictures of meshes.

mod bar;
mod color;
mod draw;
mod layout;
mod light;
mod svg;

pub use draw::{ColorBy, DrawOptions, draw};
