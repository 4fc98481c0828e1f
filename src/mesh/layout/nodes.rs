//! The MZIs of a mesh and the ways through them, shared by all meshes of one layout.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use super::geometry::Node;
use crate::field::{Direction, Route};

/// The nodes of a mesh in the order in which light meets them. Clones share them, and the routes once they are known.
#[derive(Debug, Clone)]
pub(crate) struct Nodes(Arc<Layout>);

#[derive(Debug)]
struct Layout {
    nodes: Vec<Node>,
    forth: OnceLock<Route>,
    back: OnceLock<Route>,
}

impl Nodes {
    /// The way through the nodes on `modes` modes.
    pub(crate) fn route(&self, modes: usize, direction: Direction) -> &Route {
        let route = match direction {
            Direction::Forth => &self.0.forth,
            Direction::Back => &self.0.back,
        };
        route.get_or_init(|| {
            let pair = |index: usize| (self[index].top, self[index].bottom);
            Route::new(self.len(), pair, modes, direction)
        })
    }
}

impl From<Vec<Node>> for Nodes {
    fn from(nodes: Vec<Node>) -> Self {
        Self(Arc::new(Layout {
            nodes,
            forth: OnceLock::new(),
            back: OnceLock::new(),
        }))
    }
}

impl Deref for Nodes {
    type Target = [Node];

    fn deref(&self) -> &[Node] {
        &self.0.nodes
    }
}

impl PartialEq for Nodes {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self[..] == other[..]
    }
}
