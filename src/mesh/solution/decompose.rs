//! Unitary → phases.
//!
//! Nulling: rotations of neighbouring columns (T† from the right) and rows (T from the left) turn `u` into a
//! diagonal. Rotations from the right are MZIs at once; those from the left move through the diagonal to the
//! input side of it.
//!
//! The sweeps of `field` leave out the phases that a rotation gives to both of its columns or rows. These are kept
//! here, one for each column and one for each row, and decide φ together with what the sweep turned.

mod spare;

use std::f64::consts::TAU;

use self::spare::SpareColumns;
use crate::error::{Error, Result};
use crate::field::{ByColumns, ByDiagonals, Rotation, Rotations, Side, side};
use crate::linalg::{C64, Matrix, check_unitary};
use crate::mesh::{Geometry, Mesh};

/// Subdiagonals of a rectangle that are nulled together.
const GROUP: usize = 16;

/// Decomposes a unitary into a mesh of `n (n − 1) / 2` MZIs, or more where the geometry has more.
///
/// `u` is `[n, n]`, row = output mode. The mesh reproduces `u` including its global phase. Spare columns split light
/// (θ in [π/3, 2π/3], the same for every `u`) and the first `n` columns make up for it; ancillas share their light with
/// ancillas. Phases are in rad: `theta` in [0, π], `phi` and `screen` in [0, 2π); where only one combination of phases
/// matters (θ = 0 or π found by a zero), `phi` is 0.
///
/// # Errors
/// [`Error::Shape`](crate::Error::Shape) if `u` is empty or not square,
/// [`Error::NotFinite`](crate::Error::NotFinite) if it holds NaN or an infinity,
/// [`Error::NotUnitary`](crate::Error::NotUnitary) if max |u†u − 1| > 1e-9,
/// [`Error::Value`] for a butterfly, which holds only some unitaries: [`fit`](crate::mesh::fit()) comes closest.
///
/// Clements et al., Optica 3, 1460 (2016); Reck et al., Phys. Rev. Lett. 73, 58 (1994); Shokraneh et al.,
/// Opt. Express 28, 23495 (2020).
///
/// ```
/// use lightloom::{linalg, mesh::{decompose, Geometry}};
///
/// let swap = linalg::Matrix::from_row_slice(2, 2, &[0.0, 1.0, 1.0, 0.0].map(linalg::C64::from));
/// let mesh = decompose(&swap, Geometry::Clements)?;
/// assert_eq!(mesh.theta(), [0.0]); // the cross state
/// assert!(linalg::max_abs_difference(&mesh.transfer(), &swap) < 1e-15);
/// # Ok::<(), lightloom::Error>(())
/// ```
pub fn decompose(u: &Matrix, geometry: Geometry) -> Result<Mesh> {
    check_unitary("matrix", u)?;
    let n = u.nrows();
    let mut mesh = Mesh::bar(geometry, n)?;
    let mut places = Places::new(&mesh);
    let spare = matches!(geometry, Geometry::Redundant { .. })
        .then(|| SpareColumns::new(&mesh, Geometry::Clements.columns(n)));
    let rest = spare.as_ref().map(|columns| columns.taken_from(&mesh, u));
    let u = rest.as_ref().unwrap_or(u);
    let fill = |placed: &Placed| places.fill(&mut mesh, placed);
    let diagonal = match geometry {
        Geometry::Clements | Geometry::Redundant { .. } => null_from_both_sides(u, fill),
        Geometry::Reck => {
            let element = |row, col| u[(n - 1 - row, n - 1 - col)];
            null_by_columns(n, Top::Carried, element, fill)
        }
        Geometry::Diamond => null_by_columns(n, Top::Next, |row, col| u[(row, col)], fill),
        Geometry::Butterfly => {
            let limit = "universal (clements, reck, diamond, clements+K): mesh::fit finds the best phases of a butterfly";
            return Err(Error::value("geometry", geometry, limit));
        }
    };
    for (screen, z) in mesh.phases.screen.iter_mut().zip(&diagonal) {
        *screen = angle(*z);
    }
    if let Some(columns) = spare {
        columns.set(&mut mesh);
    }
    if geometry == Geometry::Diamond {
        let bars = spare::set_ancillas(&mut mesh, &places.unused(), n);
        spare::take_up_bars(&mut mesh, &bars);
    }
    Ok(mesh)
}

/// T(θ, φ) on modes `top` and `top + 1`.
#[derive(Debug, Clone, Copy)]
struct Placed {
    top: usize,
    /// e^{iθ/2}; its real part is 0 in the bar state and its imaginary part in the cross state.
    half_theta: C64,
    /// e^{iφ}, to a positive factor.
    phi: C64,
}

impl Placed {
    /// A rotation of a sweep as an MZI. `turned` says e^{iφ} where θ is neither 0 nor π; elsewhere φ is 0.
    fn new(top: usize, rotation: Rotation, turned: C64) -> Self {
        let half_theta = C64::new(rotation.cos, rotation.sin);
        let phi = if rotation.cos == 0.0 || rotation.sin == 0.0 {
            C64::ONE
        } else {
            turned
        };
        Self {
            top,
            half_theta,
            phi,
        }
    }

    /// D' and T' of T† D = D' T', with D = diag(`upper`, `lower`) and the same θ.
    fn through_diagonal(&self, upper: C64, lower: C64) -> ((C64, C64), Self) {
        if self.is_bar() {
            ((upper, lower), *self)
        } else if self.is_cross() {
            ((-lower, -upper), *self)
        } else {
            let common = -(self.half_theta * self.half_theta).conj() * lower;
            let phi = upper * lower.conj();
            ((common * self.phi.conj(), common), Self { phi, ..*self })
        }
    }

    fn is_bar(&self) -> bool {
        self.half_theta.re == 0.0
    }

    fn is_cross(&self) -> bool {
        self.half_theta.im == 0.0
    }

    fn theta(&self) -> f64 {
        // Exactly π in the bar state.
        2.0 * self.half_theta.arg()
    }

    fn phi(&self) -> f64 {
        angle(self.phi)
    }
}

/// The angle of `z` in [0, 2π), to the last bit.
///
/// The number [`TAU`] is less than 2π. Without the rest, the phases of half the MZIs would err to the same side.
fn angle(z: C64) -> f64 {
    const REST: f64 = 2.449_293_598_294_706_4e-16;
    let angle = z.arg();
    if angle >= 0.0 {
        return angle;
    }
    let turned = angle + TAU;
    let lost = angle - (turned - TAU);
    let nearest = turned + (lost + REST);
    // A tiny negative angle rounds up to 2π itself.
    if nearest >= TAU { 0.0 } else { nearest }
}

/// Which of its two modes a rotation has as its top mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Top {
    /// The one that is carried along.
    Carried,
    /// The next one.
    Next,
}

/// The phases by which the columns of a matrix are ahead of those of its sweeps, as e^{iα}.
struct ColumnPhases(Vec<C64>);

impl ColumnPhases {
    /// The MZI whose T† does, on the true columns, what `rotation` does on those of the sweep.
    ///
    /// T† = −i e^{−iθ/2} [[e^{−iφ} sin θ/2, e^{−iφ} cos θ/2], [cos θ/2, −sin θ/2]] on columns (top, bottom).
    fn place(&mut self, top: usize, rotation: Rotation, carried: Top) -> Placed {
        let (x, y) = (self.0[top], self.0[top + 1]);
        let ahead = x * y.conj();
        let turned = match carried {
            Top::Next => ahead * rotation.turn.conj(),
            Top::Carried => -ahead * rotation.turn,
        };
        let placed = Placed::new(top, rotation, turned);
        let common = placed.half_theta.conj() * -C64::i();
        (self.0[top], self.0[top + 1]) = match carried {
            _ if placed.is_cross() => (y * common, x * common),
            Top::Next if placed.is_bar() => (-x, -y),
            Top::Carried if placed.is_bar() => (x, y),
            Top::Next => (y * common, y * common),
            Top::Carried => {
                let both = y * common * rotation.turn.conj();
                (both, -both)
            }
        };
        placed
    }
}

/// The same of the rows.
struct RowPhases(Vec<C64>);

impl RowPhases {
    /// The MZI whose T does, on the true rows, what `rotation` does on those of the sweep, which carries the top row.
    fn place(&mut self, top: usize, rotation: Rotation) -> Placed {
        let (x, y) = (self.0[top], self.0[top + 1]);
        let placed = Placed::new(top, rotation, -y * x.conj() * rotation.turn.conj());
        let common = placed.half_theta * C64::i();
        (self.0[top], self.0[top + 1]) = if placed.is_cross() {
            (y * common, x * common)
        } else if placed.is_bar() {
            (x, y)
        } else {
            let both = y * common * rotation.turn.conj();
            (both, -both)
        };
        placed
    }
}
/// The nodes of a mesh by pairs of modes, to be filled in the order of light.
struct Places {
    /// The nodes of each pair in the order of light, one pair after the other.
    nodes: Vec<usize>,
    /// Where in `nodes` each pair's next free one is, and where its nodes end.
    next: Vec<usize>,
    ends: Vec<usize>,
}

impl Places {
    fn new(mesh: &Mesh) -> Self {
        let mut ends = vec![0; mesh.modes];
        for node in mesh.nodes.iter() {
            ends[node.top] += 1;
        }
        let mut total = 0;
        let mut next = Vec::with_capacity(mesh.modes);
        for end in &mut ends {
            next.push(total);
            total += *end;
            *end = total;
        }
        let mut nodes = vec![0; total];
        let mut free = next.clone();
        for (index, node) in mesh.nodes.iter().enumerate() {
            nodes[free[node.top]] = index;
            free[node.top] += 1;
        }
        Self { nodes, next, ends }
    }

    fn fill(&mut self, mesh: &mut Mesh, placed: &Placed) {
        let top = placed.top;
        assert!(
            self.next[top] < self.ends[top],
            "a mesh has a node for every rotation"
        );
        let index = self.nodes[self.next[top]];
        self.next[top] += 1;
        mesh.phases.theta[index] = placed.theta();
        mesh.phases.phi[index] = placed.phi();
    }

    /// Nodes that are left over, in the order of light.
    fn unused(&self) -> Vec<usize> {
        let pairs = self.next.iter().zip(&self.ends);
        let mut unused: Vec<usize> = pairs
            .flat_map(|(next, end)| &self.nodes[*next..*end])
            .copied()
            .collect();
        unused.sort_unstable();
        unused
    }
}

/// D of u = D T_m … T_1, whose T `fill` gets in their order.
///
/// Nulls the subdiagonals of `u` from the lower left corner on, in turn by rotations of columns and of rows.
fn null_from_both_sides(u: &Matrix, mut fill: impl FnMut(&Placed)) -> Vec<C64> {
    let n = u.nrows();
    let mut work = ByDiagonals::new(n, |row, col| u[(row, col)]);
    let mut sweeps = vec![Rotations::new(n); GROUP];
    let mut columns = ColumnPhases(vec![C64::ONE; n]);
    let mut rows = RowPhases(vec![C64::ONE; n]);
    let mut left = Vec::with_capacity(n * n / 4);
    for first in (0..n - 1).step_by(GROUP) {
        let group = &mut sweeps[..GROUP.min(n - 1 - first)];
        work.null(first, group);
        for (k, sweep) in (first..).zip(&*group) {
            match side(k) {
                Side::Columns => {
                    for top in (0..=k).rev() {
                        fill(&columns.place(top, sweep.get(top), Top::Next));
                    }
                }
                Side::Rows => {
                    let placed = (n - 1 - k..n).map(|row| rows.place(row - 1, sweep.get(row)));
                    left.extend(placed);
                }
            }
        }
    }
    let phases = columns.0.iter().zip(&rows.0);
    let main = work.main().into_iter().zip(phases);
    let mut diagonal: Vec<C64> = main.map(|(z, (column, row))| z * column * row).collect();
    // u = L₁† … L_k† D R_m … R₁: push the last L† through D first. Light meets R₁ … R_m, then these.
    for placed in left.iter().rev() {
        let (upper, lower) = (diagonal[placed.top], diagonal[placed.top + 1]);
        let ((top, bottom), pushed) = placed.through_diagonal(upper, lower);
        diagonal[placed.top] = top;
        diagonal[placed.top + 1] = bottom;
        fill(&pushed);
    }
    diagonal
}

/// D of u = D T_m … T_1, whose T `fill` gets in their order.
///
/// Nulls a matrix row by row, from the first row and its last element on, by rotations of columns. `element` says
/// the elements of u, in reverse order of both rows and columns if the top mode of a rotation is the carried one.
fn null_by_columns(
    n: usize,
    carried: Top,
    element: impl Fn(usize, usize) -> C64,
    mut fill: impl FnMut(&Placed),
) -> Vec<C64> {
    let mut work = ByColumns::new(n, element);
    let mut sweeps = vec![Rotations::new(n); ByColumns::GROUP];
    let mut columns = ColumnPhases(vec![C64::ONE; n]);
    for first in (0..n - 1).step_by(ByColumns::GROUP) {
        let group = &mut sweeps[..ByColumns::GROUP.min(n - 1 - first)];
        work.null(first, group);
        for (row, sweep) in (first..).zip(&*group) {
            for index in 1..n - row {
                let top = match carried {
                    Top::Carried => index - 1,
                    Top::Next => n - 1 - index,
                };
                fill(&columns.place(top, sweep.get(index), carried));
            }
        }
    }
    let mut diagonal = work.main();
    if carried == Top::Carried {
        diagonal.reverse();
    }
    for (z, phase) in diagonal.iter_mut().zip(&columns.0) {
        *z *= phase;
    }
    diagonal
}

#[cfg(test)]
mod tests;
