//! Pictures of meshes.

mod color;
mod draw;
mod layout;
mod svg;

pub use draw::{ColorBy, DrawOptions, draw};
