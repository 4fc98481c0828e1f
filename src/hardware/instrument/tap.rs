//! Where the light behind a port of a cell is seen from outside.

use crate::error::{Error, Result};
use crate::mesh::{CellKind, Mesh};

/// A port of a cell that is to stay dark, and where its light is seen.
///
/// A heater marks the light that passes it: of the fields at the outputs, what changes as the heater turns by π is that
/// light and no other. So the heaters of the next cell show the light of a port as a detector behind the port would.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tap {
    /// The mode of the cell that is meant to hold all light.
    pub(super) lit: usize,
    /// How the light of its other mode is seen.
    pub(super) dark: Seen,
}

/// How the light of a mode behind a cell is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// The mode meets no further cell: by its receiver.
    AtOutput(usize),
    /// It is the top arm of this cell: by its φ.
    ByPhi(usize),
    /// It is the bottom arm of this cell: by its θ, which light of the top arm also passes.
    ByTheta(usize),
}

/// Where a mode goes behind a cell.
struct Port {
    mode: usize,
    seen: Seen,
    /// Column of the next cell; none at an output.
    column: Option<usize>,
}

impl Port {
    /// Light of the other port may meet the same cell later, but not before it met one of its own: the port whose
    /// next cell comes first is seen alone.
    fn comes_no_later(&self, other: &Self) -> bool {
        match (self.column, other.column) {
            (Some(column), Some(other)) => column <= other,
            (None, _) => true,
            (Some(_), None) => false,
        }
    }
}

/// One tap for every cell of `layout`.
///
/// # Errors
/// [`Error::Value`] for 3-splitter MZIs if both ports of a cell lead to one and the same: a coupler mixes the two
/// before a heater sees either.
pub(super) fn taps(layout: &Mesh, kind: CellKind) -> Result<Vec<Tap>> {
    let nodes = layout.nodes();
    let mut next: Vec<Option<usize>> = vec![None; layout.modes()];
    let mut taps = Vec::with_capacity(nodes.len());
    for (index, node) in nodes.iter().enumerate().rev() {
        let port = |mode: usize| match next[mode] {
            None => Port {
                mode,
                seen: Seen::AtOutput(mode),
                column: None,
            },
            Some(cell) if nodes[cell].top == mode => Port {
                mode,
                seen: Seen::ByPhi(cell),
                column: Some(nodes[cell].column),
            },
            Some(cell) => Port {
                mode,
                seen: Seen::ByTheta(cell),
                column: Some(nodes[cell].column),
            },
        };
        let (top, bottom) = (port(node.top), port(node.bottom));
        if kind == CellKind::ThreeSplitter
            && next[node.top].is_some()
            && next[node.top] == next[node.bottom]
        {
            let limit = "mzi, mzi-crossing or symmetric for self-configuration where a cell feeds one cell alone";
            return Err(Error::value("mesh.cell", kind, limit));
        }
        let rank = |port: &Port, other: &Port| {
            let by_theta = matches!(port.seen, Seen::ByTheta(_));
            (!port.comes_no_later(other), by_theta)
        };
        let (dark, lit) = if rank(&bottom, &top) <= rank(&top, &bottom) {
            (bottom, top)
        } else {
            (top, bottom)
        };
        taps.push(Tap {
            lit: lit.mode,
            dark: dark.seen,
        });
        next[node.top] = Some(index);
        next[node.bottom] = Some(index);
    }
    taps.reverse();
    Ok(taps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesh::Geometry;

    /// In a rectangle of four modes the cells of the first column stand on (0, 1) and (2, 3), those of the second on
    /// (1, 2).
    #[test]
    fn light_is_seen_by_the_heater_that_it_meets_first() {
        let mesh = Mesh::bar(Geometry::Clements, 4).unwrap();
        let seen = |lit, dark| Tap { lit, dark };
        let expected = [
            seen(0, Seen::ByPhi(2)),
            // Mode 2 enters cell 2 below before mode 3 enters cell 4.
            seen(3, Seen::ByTheta(2)),
            seen(1, Seen::ByPhi(4)),
            seen(1, Seen::AtOutput(0)),
            seen(2, Seen::AtOutput(3)),
            seen(1, Seen::AtOutput(2)),
        ];
        assert_eq!(taps(&mesh, CellKind::Mzi).unwrap(), expected);
    }
}
