//! Where the MZIs of a mesh stand.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// One MZI of a mesh: it joins modes `top` and `bottom` in column `column`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Column, from 0 at the input. MZIs of one column share no mode.
    pub column: usize,
    /// The mode at the top arm, which carries both phase shifters.
    pub top: usize,
    /// The mode at the bottom arm.
    pub bottom: usize,
}

/// A universal mesh layout: N (N − 1) / 2 MZIs on neighbouring modes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Geometry {
    /// Rectangular, N columns deep. Clements et al., Optica 3, 1460 (2016).
    #[default]
    Clements,
    /// Triangular, 2N − 3 columns deep. Reck et al., Phys. Rev. Lett. 73, 58 (1994).
    Reck,
}

impl Geometry {
    /// The name that files and the command line use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clements => "clements",
            Self::Reck => "reck",
        }
    }

    /// The MZIs of a mesh of `modes` modes, by column, then from top to bottom.
    pub fn nodes(self, modes: usize) -> Vec<Node> {
        let columns = self.columns(modes);
        let mut nodes = Vec::with_capacity(modes * modes.saturating_sub(1) / 2);
        for column in 0..columns {
            let tops = match self {
                Self::Clements => column % 2..modes - 1,
                // The triangle's apex is at the last mode: column c reaches down to mode min(c, 2N − 4 − c).
                Self::Reck => column % 2..column.min(2 * modes - 4 - column) + 1,
            };
            nodes.extend(tops.step_by(2).map(|top| Node {
                column,
                top,
                bottom: top + 1,
            }));
        }
        nodes
    }

    /// Optical depth of a mesh of `modes` modes.
    pub fn columns(self, modes: usize) -> usize {
        match (self, modes) {
            (_, 0 | 1) => 0,
            (_, 2) => 1,
            (Self::Clements, n) => n,
            (Self::Reck, n) => 2 * n - 3,
        }
    }

    /// The geometry whose canonical nodes these are.
    pub(crate) fn of(modes: usize, nodes: &[Node]) -> Option<Self> {
        [Self::Clements, Self::Reck]
            .into_iter()
            .find(|geometry| geometry.is_of(modes, nodes))
    }

    /// Whether these are the geometry's canonical nodes. Counts first: a file may claim any number of modes.
    pub(crate) fn is_of(self, modes: usize, nodes: &[Node]) -> bool {
        let count = modes.checked_mul(modes.saturating_sub(1)).map(|n| n / 2);
        count == Some(nodes.len()) && self.nodes(modes) == nodes
    }
}

impl std::fmt::Display for Geometry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Geometry {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "clements" => Ok(Self::Clements),
            "reck" => Ok(Self::Reck),
            _ => Err(Error::value("geometry", text, "clements or reck")),
        }
    }
}

pub(super) fn check_nodes(modes: usize, nodes: &[Node]) -> Result<()> {
    if modes == 0 {
        return Err(Error::value("modes", modes, "at least 1"));
    }
    // The column after the last one in which each mode met an MZI.
    let mut free_from = vec![0; modes];
    let mut last_column = 0;
    for (index, node) in nodes.iter().enumerate() {
        let wrong = |limit: String| {
            let got = format!(
                "column {}, top {}, bottom {}",
                node.column, node.top, node.bottom
            );
            Err(Error::value(format!("nodes[{index}]"), got, limit))
        };
        if node.top >= modes || node.bottom >= modes {
            return wrong(format!("on modes below {modes}"));
        }
        if node.top == node.bottom {
            return wrong("on two different modes".to_owned());
        }
        if node.column < last_column {
            return wrong(format!("in column {last_column} or later, as light goes"));
        }
        if node.column < free_from[node.top].max(free_from[node.bottom]) {
            return wrong("the only MZI of its column on these modes".to_owned());
        }
        last_column = node.column;
        free_from[node.top] = node.column + 1;
        free_from[node.bottom] = node.column + 1;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_geometries_have_a_pair_of_modes_per_mzi_and_the_published_depth() {
        for n in 1..40 {
            for geometry in [Geometry::Clements, Geometry::Reck] {
                let nodes = geometry.nodes(n);
                assert_eq!(nodes.len(), n * (n - 1) / 2, "{geometry} {n}");
                check_nodes(n, &nodes).unwrap();
                let depth = nodes.iter().map(|node| node.column + 1).max().unwrap_or(0);
                assert_eq!(depth, geometry.columns(n));
                assert!(n < 4 || Geometry::of(n, &nodes) == Some(geometry));
            }
        }
    }

    #[test]
    fn nodes_that_light_cannot_meet_are_refused() {
        let node = |column, top, bottom| Node {
            column,
            top,
            bottom,
        };
        for nodes in [
            vec![node(0, 0, 3)],
            vec![node(0, 1, 1)],
            vec![node(1, 0, 1), node(0, 1, 2)],
            vec![node(0, 0, 1), node(0, 1, 2)],
        ] {
            assert!(check_nodes(3, &nodes).is_err(), "{nodes:?}");
        }
    }
}
