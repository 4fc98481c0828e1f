//! Decompositions against the matrices that they came from.

use super::*;
use crate::error::compare::value;
use crate::linalg::{haar_unitary, max_abs_difference, product};
use crate::rng::{Effect, Seed};
use std::f64::consts::{PI, TAU};

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
        // No light goes between ports and ancillas.
        let mut expected = whole.clone();
        let (n, ancillas) = (u.nrows(), mesh.modes - u.nrows());
        expected.view_mut((0, n), (n, ancillas)).fill(C64::ZERO);
        expected.view_mut((n, 0), (ancillas, n)).fill(C64::ZERO);
        assert!(max_abs_difference(&whole, &expected) <= 2.0 * tolerance(n));
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
    assert!(mesh.phi().iter().all(|phi| *phi == 0.0));
    let turned = Matrix::from_fn(6, 6, |row, col| {
        C64::from(f64::from(u8::from(row + col == 5)))
    });
    let mesh = decompose(&turned, Geometry::Clements).unwrap();
    assert!(mesh.theta().iter().all(|theta| *theta == 0.0));
    assert!(mesh.phi().iter().all(|phi| *phi == 0.0));
}

/// 2π − 3 and 2π − 2 to the last bit; TAU − 3 is 3.2831853071795862.
#[test]
fn an_angle_below_the_real_axis_is_the_number_nearest_to_2_pi_less_it() {
    assert_eq!(angle(C64::from_polar(1.0, -3.0)), 3.283_185_307_179_586_7);
    assert_eq!(angle(C64::from_polar(1.0, -2.0)), 4.283_185_307_179_586);
    assert_eq!(angle(C64::new(1.0, -1e-17)), 0.0);
    assert_eq!(angle(C64::new(-1.0, 0.0)), PI);
}

#[test]
fn a_matrix_that_is_not_unitary_is_refused() {
    assert!(decompose(&(haar(4) * C64::from(1.001)), Geometry::Reck).is_err());
}

/// Shokraneh et al. 2020: the triangle is Reck's, the other MZIs are for symmetry only.
#[test]
fn only_mzis_between_ports_and_ancillas_stand_in_the_bar_state() {
    for n in [2, 3, 8] {
        for geometry in [Geometry::Diamond, Geometry::Redundant { extra: 4 }] {
            let mesh = decompose(&haar(n), geometry).unwrap();
            let bars = (0..mesh.nodes.len()).filter(|index| mesh.phases.theta[*index] == PI);
            let between = bars.filter(|index| mesh.nodes[*index].bottom == n);
            let own = n * (n - 1) / 2;
            let spare = mesh.nodes.len() - own;
            let reachable = |theta: &&f64| (PI / 3.0..=2.0 * PI / 3.0).contains(*theta);
            let ancillas = match geometry {
                Geometry::Diamond => (n - 2) * n.saturating_sub(3) / 2,
                _ => 0,
            };
            assert_eq!(mesh.ports(), n);
            match geometry {
                Geometry::Diamond => assert_eq!(between.count() + ancillas, spare),
                _ => {
                    let last = &mesh.phases.theta[own..];
                    assert_eq!(last.iter().filter(reachable).count(), spare);
                }
            }
        }
    }
}

#[test]
fn a_butterfly_is_left_to_the_fit() {
    let error = decompose(&haar(4), Geometry::Butterfly).unwrap_err();
    assert_eq!(error.refusal(), value("geometry", "butterfly"));
}
