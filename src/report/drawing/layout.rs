//! Where the waveguides and the MZIs of a drawn mesh lie.

use std::fmt::Write as _;

use crate::mesh::{Mesh, Node};
use crate::report::plot::svg::number;

/// Meshes up to this size show couplers, arms and phase shifters with their values.
const DETAILED_MODES: usize = 8;

/// Lengths of a drawing, px.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    /// Couplers, arms and labels, or one box per MZI.
    pub detailed: bool,
    /// Distance of neighbouring modes.
    pub pitch: f64,
    /// Width of one MZI.
    pub lane: f64,
    /// Width of a waveguide.
    pub stroke: f64,
    /// Size of the mode numbers.
    pub font: f64,
}

impl Style {
    pub fn of(modes: usize) -> Self {
        if modes <= DETAILED_MODES {
            return Self {
                detailed: true,
                pitch: 48.0,
                lane: 166.0,
                stroke: 1.6,
                font: 12.0,
            };
        }
        let pitch = (104.0 / (modes as f64).sqrt()).round().max(8.0);
        Self {
            detailed: false,
            pitch,
            lane: (1.25 * pitch).round(),
            stroke: (0.06 * pitch).clamp(0.7, 1.5),
            font: (0.55 * pitch).clamp(7.5, 12.0),
        }
    }
}

/// A piece of waveguide with one power all along.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub mode: usize,
    pub x: f64,
    /// How far under the mode's height it starts.
    pub dy: f64,
    /// Relative path commands from there.
    pub path: String,
    pub light: Place,
}

/// Where on a mode the light of a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In front of a column; the last one is behind the mesh.
    Column(usize),
    /// Between the couplers of a node.
    Arm(usize),
}

/// The plan of a drawing, with (0, 0) at the first mode's input.
#[derive(Debug)]
pub(super) struct Layout {
    pub style: Style,
    /// Left end of every node's lane.
    pub x: Vec<f64>,
    pub width: f64,
    /// By mode, then from left to right.
    pub pieces: Vec<Piece>,
}

/// Whether the MZI's waveguides are neighbours, so that they can bend to each other.
pub(super) fn adjacent(node: &Node) -> bool {
    node.top.abs_diff(node.bottom) == 1
}

impl Layout {
    pub fn of(mesh: &Mesh) -> Self {
        let style = Style::of(mesh.modes());
        let (x, edges) = lanes(mesh, style.lane);
        let mut pieces = Vec::new();
        for mode in 0..mesh.modes() {
            let mut own = mesh
                .nodes()
                .iter()
                .enumerate()
                .filter(|(_, node)| node.top == mode || node.bottom == mode)
                .peekable();
            for column in 0..edges.len() - 1 {
                let (left, right) = (edges[column], edges[column + 1]);
                match own.next_if(|(_, node)| node.column == column) {
                    None => pieces.push(Piece {
                        mode,
                        x: left,
                        dy: 0.0,
                        path: format!("h{}", number(right - left)),
                        light: Place::Column(column),
                    }),
                    Some((index, node)) => {
                        let other = node.top + node.bottom - mode;
                        let toward = match (adjacent(node), other > mode) {
                            (false, _) => 0.0,
                            (true, true) => 1.0,
                            (true, false) => -1.0,
                        };
                        let span = [left, x[index], right];
                        through_mzi(&mut pieces, style, mode, (index, column), toward, span);
                    }
                }
            }
        }
        Self {
            style,
            x,
            width: *edges.last().expect("a mesh has an input edge"),
            pieces,
        }
    }

    /// Height of `mode`.
    pub fn y(&self, mode: usize) -> f64 {
        mode as f64 * self.style.pitch
    }
}

/// Places along a detailed MZI, from the left of its lane: centres of the phase shifters, and the couplers.
pub(super) const PHI_X: f64 = 28.0;
pub(super) const THETA_X: f64 = 107.0;
pub(super) const COUPLERS_X: [f64; 2] = [70.0, 144.0];
const COUPLER: f64 = 6.0; // length
const BEND: f64 = 19.0; // from a waveguide to a coupler
const ARM_BEND: f64 = 14.0; // from a coupler to an arm
/// Distance of the arms of a detailed MZI from its middle, and of the waveguides in a coupler, in pitches.
pub(super) const ARM: f64 = 0.33;
const GAP: f64 = 0.045;

/// The pieces of one mode through one MZI whose lane starts at `span[1]`, in a column from `span[0]` to
/// `span[2]`. `toward` is the direction of the other waveguide, 0 if that is no neighbour.
fn through_mzi(
    pieces: &mut Vec<Piece>,
    style: Style,
    mode: usize,
    (index, column): (usize, usize),
    toward: f64,
    [left, start, right]: [f64; 3],
) {
    let Style { pitch, lane, .. } = style;
    let mut push = |x: f64, dy: f64, path: String, light| {
        pieces.push(Piece {
            mode,
            x,
            dy: toward * dy,
            path,
            light,
        });
    };
    let bend = |dx: f64, dy: f64| {
        let (half, dx, dy) = (number(dx / 2.0), number(dx), number(toward * dy));
        format!("c{half} 0 {half} {dy} {dx} {dy}")
    };
    let run = |dx: f64| {
        if dx > 0.0 {
            format!("h{}", number(dx))
        } else {
            String::new()
        }
    };
    let tail = right - start - lane;
    if !style.detailed {
        let curve = 0.26 * lane;
        let straight = 0.5 * lane - curve;
        let reach = 0.34 * pitch;
        let (mut enter, mut leave) = (run(start - left), String::new());
        if toward == 0.0 {
            write!(enter, "{}", run(lane / 2.0)).expect("a String takes any text");
            leave.push_str(&run(lane / 2.0));
        } else {
            write!(enter, "{}{}", bend(curve, reach), run(straight))
                .expect("a String takes any text");
            write!(leave, "{}{}", run(straight), bend(curve, -reach))
                .expect("a String takes any text");
        }
        leave.push_str(&run(tail));
        push(left, 0.0, enter, Place::Column(column));
        push(start + lane / 2.0, reach, leave, Place::Column(column + 1));
        return;
    }
    let [first, second] = COUPLERS_X.map(|x| x - COUPLER / 2.0);
    let into = (0.5 - GAP) * pitch;
    let out = (ARM - GAP) * pitch;
    let arm = second - first - COUPLER - 2.0 * ARM_BEND;
    let rest = lane - second - COUPLER - BEND + tail;
    let (enter, inside, leave) = if toward == 0.0 {
        (
            run(start - left + COUPLERS_X[0]),
            run(COUPLERS_X[1] - COUPLERS_X[0]),
            run(lane - COUPLERS_X[1] + tail),
        )
    } else {
        let half = run(COUPLER / 2.0);
        (
            format!(
                "{}{}{half}",
                run(start - left + first - BEND),
                bend(BEND, into)
            ),
            format!(
                "{half}{}{}{}{half}",
                bend(ARM_BEND, -out),
                run(arm),
                bend(ARM_BEND, out)
            ),
            format!("{half}{}{}", bend(BEND, -into), run(rest)),
        )
    };
    push(left, 0.0, enter, Place::Column(column));
    push(start + COUPLERS_X[0], into, inside, Place::Arm(index));
    push(
        start + COUPLERS_X[1],
        into,
        leave,
        Place::Column(column + 1),
    );
}

/// The left end of every node's lane, and the edges of the columns. MZIs of a column whose links would lie
/// over each other stand side by side.
fn lanes(mesh: &Mesh, lane: f64) -> (Vec<f64>, Vec<f64>) {
    let mut lane_of = vec![0; mesh.nodes().len()];
    let mut counts = vec![1; mesh.columns()];
    // How far down each lane of the running column is taken.
    let mut taken: Vec<usize> = Vec::new();
    let mut order: Vec<usize> = (0..mesh.nodes().len()).collect();
    let span = |node: &Node| (node.top.min(node.bottom), node.top.max(node.bottom));
    order.sort_by_key(|&index| {
        let node = &mesh.nodes()[index];
        (node.column, span(node))
    });
    let mut column = usize::MAX;
    for index in order {
        let node = &mesh.nodes()[index];
        if node.column != column {
            column = node.column;
            taken.clear();
        }
        let (from, to) = span(node);
        let free = taken.iter().position(|last| *last < from);
        let which = free.unwrap_or(taken.len());
        if free.is_none() {
            taken.push(to);
        } else {
            taken[which] = to;
        }
        lane_of[index] = which;
        counts[column] = counts[column].max(taken.len());
    }
    let mut edges = vec![0.0];
    for count in &counts {
        edges.push(edges[edges.len() - 1] + lane * f64::from(*count as u32));
    }
    let x = mesh
        .nodes()
        .iter()
        .zip(&lane_of)
        .map(|(node, which)| edges[node.column] + lane * f64::from(*which as u32))
        .collect();
    (x, edges)
}
