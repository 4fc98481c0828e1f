//! Where the nodes of a mesh are, and the routes of light between them.

mod geometry;
mod nodes;

pub(super) use geometry::check_nodes;
pub use geometry::{Geometry, Node};
pub(super) use nodes::Nodes;
