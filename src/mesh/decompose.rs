//! Unitary → phases.
//!
//! Nulling: rotations of neighbouring columns (T† from the right) and rows (T from the left) turn `u` into a
//! diagonal. Rotations from the right are MZIs at once; those from the left move through the diagonal to the
//! input side of it. Each antidiagonal is nulled in sweeps that run along contiguous memory.

use std::f64::consts::PI;

use super::{Geometry, Mesh, Mzi, wrap};
use crate::error::{Error, Result};
use crate::field::TwoByTwo;
use crate::linalg::{C64, Matrix, check_unitary};

/// Elements below this size count as zero, so that identities and permutations get bar and cross states
/// instead of phases computed from rounding errors.
const ZERO: f64 = 16.0 * f64::EPSILON;

/// Decomposes a unitary into a mesh of `n (n − 1) / 2` MZIs, or more where the geometry has more.
///
/// `u` is `[n, n]`, row = output mode. The mesh reproduces `u` including its global phase; MZIs that a geometry
/// has beyond `n (n − 1) / 2` stand in the bar state, and ancillas keep their light. Phases are in rad:
/// `theta` in [0, π], `phi` and `screen` in [0, 2π); where only one combination of phases matters (θ = 0 or
/// π found by a zero), `phi` is 0.
///
/// # Errors
/// [`Error::Shape`](crate::Error::Shape) if `u` is empty or not square,
/// [`Error::NotFinite`](crate::Error::NotFinite) if it holds NaN or an infinity,
/// [`Error::NotUnitary`](crate::Error::NotUnitary) if max |u†u − 1| > 1e-9,
/// [`Error::Value`] for a butterfly, which holds only some unitaries: [`fit`](super::fit()) comes closest.
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
    let mut work = u.clone();
    // Rotations in the order in which they were applied.
    let mut right = Vec::new();
    let mut left = Vec::new();
    match geometry {
        Geometry::Clements | Geometry::Redundant { .. } => {
            for diagonal in 0..n.saturating_sub(1) {
                if diagonal % 2 == 0 {
                    null_by_columns(&mut work, diagonal, &mut right);
                } else {
                    null_by_rows(&mut work, diagonal, &mut left);
                }
            }
        }
        Geometry::Reck => {
            for row in (1..n).rev() {
                for top in 0..row {
                    right.push(null_element_by_columns(&mut work, row, top));
                }
            }
        }
        Geometry::Diamond => {
            for row in 0..n.saturating_sub(1) {
                for top in (row..n - 1).rev() {
                    right.push(null_first_row_by_columns(&mut work, row, top));
                }
            }
        }
        Geometry::Butterfly => {
            let limit = "universal (clements, reck, diamond, clements+K): mesh::fit finds the best phases of a butterfly";
            return Err(Error::value("geometry", geometry, limit));
        }
    }
    let mut diagonal: Vec<C64> = work.diagonal().iter().copied().collect();
    // u = L₁† … L_k† D R_m … R₁: push the last L† through D first. Light meets R₁ … R_m, then these.
    let pushed = left.iter().rev().map(|rotation| {
        let &Rotation { top, theta, phi } = rotation;
        let (upper, lower) = (diagonal[top], diagonal[top + 1]);
        let g = -C64::from_polar(1.0, -theta) * lower;
        diagonal[top] = g * C64::from_polar(1.0, -phi);
        diagonal[top + 1] = g;
        Rotation {
            top,
            theta,
            phi: wrap((upper * lower.conj()).arg()),
        }
    });
    let in_light_order: Vec<Rotation> = right.into_iter().chain(pushed).collect();
    let unused = place(&mut mesh, &in_light_order);
    for (screen, z) in mesh.screen.iter_mut().zip(&diagonal) {
        *screen = wrap(z.arg());
    }
    if !unused.is_empty() {
        take_up_bars(&mut mesh, &unused);
    }
    Ok(mesh)
}

/// T(θ, φ) on modes `top` and `top + 1`.
#[derive(Debug, Clone, Copy)]
struct Rotation {
    top: usize,
    theta: f64,
    phi: f64,
}

impl Rotation {
    /// The rotation whose θ/2 has tangent |opposite| / |adjacent|; φ is the phase of `opposite` over
    /// `adjacent`, plus `offset`.
    fn nulling(top: usize, opposite: C64, adjacent: C64, offset: f64) -> Self {
        let (o, a) = (opposite.norm(), adjacent.norm());
        let (theta, phi) = if a < ZERO {
            (PI, 0.0)
        } else if o < ZERO {
            (0.0, 0.0)
        } else {
            let phi = (adjacent * opposite.conj()).arg() + offset;
            (2.0 * o.atan2(a), wrap(phi))
        };
        Self { top, theta, phi }
    }

    fn matrix(&self) -> TwoByTwo {
        Mzi::ideal(self.theta, self.phi).matrix()
    }
}

/// The MZIs of each pair of modes fill that pair's nodes in the order of light. Nodes that are left over come
/// back; they keep the bar state.
fn place(mesh: &mut Mesh, in_light_order: &[Rotation]) -> Vec<usize> {
    let mut queues = vec![std::collections::VecDeque::new(); mesh.modes];
    for rotation in in_light_order {
        queues[rotation.top].push_back(rotation);
    }
    let mut unused = Vec::new();
    for (index, node) in mesh.nodes.iter().enumerate() {
        match queues[node.top].pop_front() {
            Some(rotation) => {
                mesh.theta[index] = rotation.theta;
                mesh.phi[index] = rotation.phi;
            }
            None => unused.push(index),
        }
    }
    assert!(
        queues.iter().all(std::collections::VecDeque::is_empty),
        "a mesh has a node for every rotation"
    );
    unused
}

/// Takes the phases of MZIs that should do nothing out again: T(π, 0) = diag(−1, 1) turns its top mode by π,
/// which later MZIs and the screen make up for. `unused` lists these MZIs in the order of light.
fn take_up_bars(mesh: &mut Mesh, unused: &[usize]) {
    // How far the light of each mode is ahead of what the decomposition says.
    let mut ahead = vec![0.0; mesh.modes];
    let mut unused = unused.iter().peekable();
    for (index, node) in mesh.nodes.iter().enumerate() {
        if unused.next_if(|next| **next == index).is_some() {
            ahead[node.top] = wrap(ahead[node.top] + PI);
            continue;
        }
        let canonical = mesh.phi[index] == 0.0;
        if canonical && mesh.theta[index] == 0.0 {
            ahead.swap(node.top, node.bottom);
        } else if !(canonical && mesh.theta[index] == PI) {
            let phi = mesh.phi[index] + ahead[node.bottom] - ahead[node.top];
            mesh.phi[index] = wrap(phi);
            ahead[node.top] = ahead[node.bottom];
        }
    }
    for (screen, ahead) in mesh.screen.iter_mut().zip(&ahead) {
        *screen = wrap(*screen - ahead);
    }
}

/// Nulls `work[row, top]` with a T† on columns `top`, `top + 1`, applied to rows `0..=row`.
fn null_element_by_columns(work: &mut Matrix, row: usize, top: usize) -> Rotation {
    let rotation = Rotation::nulling(top, work[(row, top + 1)], work[(row, top)], PI);
    let [a, b, c, d] = rotation.matrix().map(|z| z.conj());
    let n = work.nrows();
    let (left, right) = work.as_mut_slice()[top * n..(top + 2) * n].split_at_mut(n);
    for (x, y) in left[..=row].iter_mut().zip(&mut right[..=row]) {
        (*x, *y) = (a * *x + b * *y, c * *x + d * *y);
    }
    rotation
}

/// Nulls `work[row, top + 1]` with a T† on columns `top`, `top + 1`, applied to rows `row..`.
fn null_first_row_by_columns(work: &mut Matrix, row: usize, top: usize) -> Rotation {
    let (left, right) = (work[(row, top)].conj(), work[(row, top + 1)].conj());
    let rotation = Rotation::nulling(top, left, right, 0.0);
    let [a, b, c, d] = rotation.matrix().map(|z| z.conj());
    let n = work.nrows();
    let (left, right) = work.as_mut_slice()[top * n..(top + 2) * n].split_at_mut(n);
    for (x, y) in left[row..].iter_mut().zip(&mut right[row..]) {
        (*x, *y) = (a * *x + b * *y, c * *x + d * *y);
    }
    rotation
}

/// Nulls antidiagonal `diagonal` (its elements `[n − 1 − j, diagonal − j]`) by rotations of columns.
fn null_by_columns(work: &mut Matrix, diagonal: usize, right: &mut Vec<Rotation>) {
    let last = work.nrows() - 1;
    for j in 0..=diagonal {
        right.push(null_element_by_columns(work, last - j, diagonal - j));
    }
}

/// Nulls antidiagonal `diagonal` (its elements `[n − 1 − diagonal + j, j]`) by rotations of rows.
///
/// The j-th rotation is decided in column j after the earlier ones have run down that column; every column
/// is swept once, from the top.
fn null_by_rows(work: &mut Matrix, diagonal: usize, left: &mut Vec<Rotation>) {
    let n = work.nrows();
    let first_row = n - 1 - diagonal;
    let mut chain: Vec<TwoByTwo> = Vec::with_capacity(diagonal + 1);
    for (col, column) in work.as_mut_slice().chunks_exact_mut(n).enumerate() {
        for (j, [a, b, c, d]) in chain.iter().enumerate() {
            let row = first_row + j;
            let (x, y) = (column[row - 1], column[row]);
            column[row - 1] = a * x + b * y;
            column[row] = c * x + d * y;
        }
        if col <= diagonal {
            let row = first_row + col;
            let rotation = Rotation::nulling(row - 1, column[row - 1], column[row], 0.0);
            let [a, b, c, d] = rotation.matrix();
            let (x, y) = (column[row - 1], column[row]);
            column[row - 1] = a * x + b * y;
            column[row] = c * x + d * y;
            chain.push(rotation.matrix());
            left.push(rotation);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::{haar_unitary, max_abs_difference, product};
    use crate::rng::{Effect, Seed};
    use std::f64::consts::TAU;

    /// Rounding grows with the optical depth; 1e-12 at N = 256 is the promise.
    fn tolerance(n: usize) -> f64 {
        1e-14 + 1e-12 / 256.0 * n as f64
    }

    const UNIVERSAL: [Geometry; 5] = [
        Geometry::Clements,
        Geometry::Reck,
        Geometry::Diamond,
        Geometry::Redundant { extra: 1 },
        Geometry::Redundant { extra: 4 },
    ];

    fn check(u: &Matrix) {
        for geometry in UNIVERSAL {
            let mesh = decompose(u, geometry).unwrap();
            let whole = mesh.transfer();
            let error = max_abs_difference(&mesh.between_ports(&whole), u);
            // Ancillas keep their light, to the phase.
            let mut expected = Matrix::identity(mesh.modes, mesh.modes);
            expected.view_mut((0, 0), u.shape()).copy_from(u);
            assert!(max_abs_difference(&whole, &expected) <= 2.0 * tolerance(u.nrows()));
            assert!(
                error <= tolerance(u.nrows()),
                "{geometry} {}: {error:e}",
                u.nrows()
            );
            assert!(mesh.theta().iter().all(|theta| (0.0..=PI).contains(theta)));
            let mut outer = mesh.phi().iter().chain(mesh.screen());
            assert!(outer.all(|phase| (0.0..TAU).contains(phase)));
        }
    }

    fn haar(n: usize) -> Matrix {
        haar_unitary(n, &mut Seed(2).stream(Effect::Haar, n as u64, 0, 0))
    }

    #[test]
    fn decomposition_reproduces_haar_unitaries_of_every_small_size() {
        for n in 1..=17 {
            check(&haar(n));
        }
        check(&haar(64));
    }

    #[test]
    fn decomposition_of_256_modes_is_exact_to_1e_12() {
        check(&haar(256));
    }

    #[test]
    fn decomposition_holds_identity_permutations_and_diagonals() {
        for n in [1, 2, 3, 8, 13] {
            check(&Matrix::identity(n, n));
            check(&(Matrix::identity(n, n) * -C64::i()));
            check(&Matrix::from_fn(n, n, |r, c| {
                C64::from(f64::from(u8::from(r + c == n - 1)))
            }));
            check(&Matrix::from_fn(n, n, |r, c| {
                C64::from(f64::from(u8::from((r + 1) % n == c)))
            }));
            check(&Matrix::from_diagonal(&nalgebra::DVector::from_fn(
                n,
                |i, _| C64::from_polar(1.0, 0.7 * i as f64),
            )));
        }
    }

    #[test]
    fn decomposition_holds_nearly_degenerate_unitaries() {
        for size in [1e-3, 1e-8, 1e-12, 1e-15, 1e-17] {
            for n in [2, 5, 12] {
                // exp(i size H) to second order, then orthonormal again.
                let random = haar(n);
                let h = (&random + random.adjoint()) * C64::new(0.0, size);
                let near = Matrix::identity(n, n) + &h + product(&h, &h) * C64::from(0.5);
                let q = near.qr().q();
                check(&q);
            }
        }
        // Blocks: two meshes that do not touch.
        let mut blocks = Matrix::identity(9, 9);
        blocks.view_mut((0, 0), (4, 4)).copy_from(&haar(4));
        blocks.view_mut((4, 4), (5, 5)).copy_from(&haar(5));
        check(&blocks);
    }

    #[test]
    fn identity_is_all_bar_and_a_swap_is_a_cross() {
        let mesh = decompose(&Matrix::identity(6, 6), Geometry::Clements).unwrap();
        assert!(mesh.theta().iter().all(|theta| *theta == PI));
        assert!(mesh.phi().iter().filter(|phi| **phi != 0.0).count() <= mesh.phi().len());
    }

    #[test]
    fn a_matrix_that_is_not_unitary_is_refused() {
        assert!(decompose(&(haar(4) * C64::from(1.001)), Geometry::Reck).is_err());
    }

    /// Shokraneh et al. 2020: the triangle is Reck's, (N − 1)² − N (N − 1)/2 MZIs are for symmetry only.
    #[test]
    fn mzis_beyond_the_unitary_s_own_stand_in_the_bar_state() {
        for n in [2, 3, 8] {
            for geometry in [Geometry::Diamond, Geometry::Redundant { extra: 4 }] {
                let mesh = decompose(&haar(n), geometry).unwrap();
                let bars = |index: &usize| mesh.theta[*index] == PI && mesh.phi[*index] == 0.0;
                let own = n * (n - 1) / 2;
                let all = mesh.nodes.len();
                assert_eq!((0..all).filter(bars).count(), all - own);
                assert_eq!(mesh.ports(), n);
            }
        }
    }

    #[test]
    fn a_butterfly_is_left_to_the_fit() {
        let error = decompose(&haar(4), Geometry::Butterfly).unwrap_err();
        assert!(error.to_string().contains("mesh::fit"), "{error}");
    }
}
