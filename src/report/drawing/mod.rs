//! Meshes as drawings.

mod bar;
mod color_by;
mod draw;
mod layout;
mod light;

pub use color_by::ColorBy;
pub use draw::{DrawOptions, SPOKEN, draw};
