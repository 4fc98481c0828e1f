//! Corrections against the published forms and limits.

use super::*;
use crate::linalg::{matrix_error, max_abs_difference};
use crate::mesh::{Coefficients, Geometry, decompose};
use crate::rng::{Effect, Seed, Stream};

fn haar(geometry: Geometry, modes: usize, trial: u64) -> Mesh {
    let mut stream = Seed(5).stream(Effect::Haar, trial, modes as u64, 0);
    Mesh::haar(geometry, modes, &mut stream).unwrap()
}

fn cells(kind: CellKind, count: usize, sigma: f64, stream: &mut Stream) -> Vec<Mzi> {
    let mut error = || sigma * stream.standard_normal();
    let cell = |_| Mzi {
        kind,
        alpha: error(),
        beta: error(),
        gamma: error(),
        ..Mzi::ideal(0.0, 0.0)
    };
    (0..count).map(cell).collect()
}

fn transfer(mesh: &Mesh, cells: &[Mzi], phases: &Phases) -> Matrix {
    Coefficients::of(mesh, Cells::from(cells), phases).transfer()
}

/// sin²(θ'/2) = (|T₁₁|² − sin² a) / (cos² b − sin² a), reachable for 2|a| ≤ θ ≤ π − 2|b|, a = α + β, b = α − β.
/// Bandyopadhyay, Hamerly, Englund, Optica 8, 1247 (2021).
#[test]
fn a_locally_corrected_mzi_has_the_published_theta_and_range() {
    for (alpha, beta) in [(0.05, 0.02), (-0.07, 0.03), (0.1, -0.1), (0.0, 0.0)] {
        let (a, b): (f64, f64) = (alpha + beta, alpha - beta);
        for k in 1..40 {
            let theta = PI * f64::from(k) / 40.0;
            let mesh = Mesh::new(
                2,
                Geometry::Clements.nodes(2),
                vec![theta],
                vec![0.4],
                vec![0.0; 2],
            )
            .unwrap();
            let cell = Mzi {
                alpha,
                beta,
                ..Mzi::ideal(0.0, 0.0)
            };
            let corrected = mesh.corrected(Correction::Local, &Cells::from(&[cell][..]));
            let reachable = (2.0 * a.abs()..=PI - 2.0 * b.abs()).contains(&theta);
            assert_eq!(corrected.unreachable == 0, reachable, "{theta} {a} {b}");
            let wanted = ((theta / 2.0).sin().powi(2) - a.sin().powi(2))
                / (b.cos().powi(2) - a.sin().powi(2));
            let published = 2.0 * wanted.clamp(0.0, 1.0).sqrt().asin();
            assert!((corrected.phases.theta[0] - published).abs() < 1e-7);
            if reachable {
                let u = transfer(&mesh, &[cell], &corrected.phases);
                assert!(max_abs_difference(&u, &mesh.transfer()) < 1e-14);
            }
        }
    }
}

/// With every cell in reach, nothing is left of errors of the couplers and of unequal arms' phases, for every cell,
/// geometry and correction.
#[test]
fn small_errors_of_a_small_mesh_are_corrected_to_rounding() {
    for geometry in [Geometry::Clements, Geometry::Reck] {
        for kind in CellKind::ALL {
            let mesh = haar(geometry, 5, 3);
            let count = mesh.nodes.len();
            let mut stream = Seed(6).stream(Effect::Splitting, 1, 0, 0);
            let cells = cells(kind, count, 0.003, &mut stream);
            for correction in [Correction::Local, Correction::Progressive] {
                let corrected = mesh.corrected(correction, &Cells::from(&cells[..]));
                assert_eq!(corrected.unreachable, 0);
                let u = transfer(&mesh, &cells, &corrected.phases);
                let off = max_abs_difference(&u, &mesh.transfer());
                assert!(off < 1e-12, "{kind} {correction} {geometry}: {off:e}");
            }
        }
    }
}

/// Equal errors of both couplers: an MZI cannot cross, one with a crossing can.
/// Hamerly, Bandyopadhyay, Englund, Nat. Commun. 13, 6831 (2022).
#[test]
fn a_crossing_makes_the_cross_state_exact_for_equal_errors() {
    let swap = Mesh::new(
        2,
        Geometry::Clements.nodes(2),
        vec![0.0],
        vec![0.0],
        vec![0.0; 2],
    )
    .unwrap();
    let error = |kind| {
        let cell = Mzi {
            kind,
            alpha: 0.1,
            beta: 0.1,
            ..Mzi::ideal(0.0, 0.0)
        };
        let corrected = swap.corrected(Correction::Local, &Cells::from(&[cell][..]));
        let u = transfer(&swap, &[cell], &corrected.phases);
        (matrix_error(&u, &swap.transfer()), corrected.unreachable)
    };
    let (mzi, crossing) = (error(CellKind::Mzi), error(CellKind::Crossing));
    assert!(mzi.0 > 0.1 && mzi.1 == 1, "{mzi:?}");
    assert!(crossing.0 < 1e-14 && crossing.1 == 0, "{crossing:?}");
}

/// Two couplers cannot darken a port for states within 2|α ± β| of the poles of the sphere of states; the third coupler
/// turns the height z of a state to z' = −z sin 2γ + 2 Im(s₁ s₂*) cos 2γ. What lies deeper in a cap by δ leaves
/// sin²(δ/2) of the power in the wrong port.
/// Hamerly, Bandyopadhyay, Englund, Nat. Commun. 13, 6831 (2022): the caps of the 3-splitter MZI lie on the equator.
#[test]
fn a_3_splitter_mzi_misses_the_states_of_two_caps_on_the_equator_by_their_depth() {
    for (alpha, beta, gamma) in [(0.1, 0.04, -0.07), (-0.12, 0.05, 0.1), (0.02, 0.15, 0.0)] {
        let cell = Mzi {
            kind: CellKind::ThreeSplitter,
            alpha,
            beta,
            gamma,
            ..Mzi::ideal(0.0, 0.0)
        };
        let (bar, cross) = (2.0 * f64::abs(alpha - beta), 2.0 * f64::abs(alpha + beta));
        let mut missed = 0;
        for k in 1..60 {
            for turn in 0..90 {
                let (theta, phi) = (PI * f64::from(k) / 60.0, 2.0 * PI * f64::from(turn) / 90.0);
                let nodes = Geometry::Clements.nodes(2);
                let mesh = Mesh::new(2, nodes, vec![theta], vec![phi], vec![0.0; 2]).unwrap();
                let [t11, t12, ..] = Mzi::ideal(theta, phi).matrix();
                let (top, bottom) = (t11.conj(), t12.conj());
                let height = -(top.norm_sqr() - bottom.norm_sqr()) * (2.0 * gamma).sin()
                    + 2.0 * (top * bottom.conj()).im * (2.0 * gamma).cos();
                let from_pole = height.clamp(-1.0, 1.0).acos();
                let depth = (bar - from_pole).max(cross - (PI - from_pole)).max(0.0);
                let corrected = mesh.corrected(Correction::Local, &Cells::from(&[cell][..]));
                assert_eq!(corrected.unreachable == 1, depth > 0.0, "{theta} {phi}");
                missed += corrected.unreachable;
                let u = transfer(&mesh, &[cell], &corrected.phases);
                let error = matrix_error(&u, &mesh.transfer());
                let left = (2.0 - 2.0 * (depth / 2.0).cos()).sqrt();
                assert!((error - left).abs() < 1e-7, "{theta} {phi}: {error} {left}");
            }
        }
        assert!(missed > 10, "{missed}");
    }
}

/// Burgwal et al., Opt. Express 25, 28236 (2017): spare columns make up for couplers that are far off.
#[test]
fn a_fit_makes_use_of_spare_columns() {
    let (modes, sigma) = (8, 0.15);
    let error = |extra| {
        let u = haar(Geometry::Clements, modes, 9).transfer();
        let mesh = match extra {
            0 => decompose(&u, Geometry::Clements),
            extra => decompose(&u, Geometry::Redundant { extra }),
        };
        let mesh = mesh.unwrap();
        let mut stream = Seed(6).stream(Effect::Splitting, 2, 0, 0);
        let cells = cells(CellKind::Mzi, mesh.nodes.len(), sigma, &mut stream);
        let error = |correction| {
            let phases = mesh.corrected(correction, &Cells::from(&cells[..])).phases;
            matrix_error(&transfer(&mesh, &cells, &phases), &u)
        };
        (error(Correction::Progressive), error(Correction::Fit))
    };
    let (progressive, plain) = error(0);
    assert!(plain < 0.9 * progressive, "{plain} {progressive}");
    let (_, spare) = error(4);
    assert!(plain > 1e-3 && spare < 1e-6, "{plain} {spare}");
}

#[test]
fn an_attenuator_passes_what_was_asked_as_far_as_its_couplers_allow() {
    let mzi = Mzi {
        alpha: 0.04,
        beta: 0.03,
        theta_arm: 0.97,
        ..Mzi::ideal(0.0, 0.0)
    };
    for (theta, within) in [
        (0.0, false),
        (0.1, false),
        (0.5, true),
        (2.0, true),
        (PI, false),
    ] {
        let set = attenuator(&mzi, theta);
        assert_eq!(set.reached, within, "{theta}");
        let got = Mzi {
            theta: set.theta,
            ..mzi
        };
        let (got, ideal) = (got.matrix()[0], Mzi::ideal(theta, 0.0).matrix()[0]);
        let ahead = C64::from_polar(1.0, set.ahead);
        if within {
            assert!((got - ideal * ahead).norm() < 1e-14);
        } else {
            // No phase comes closer.
            let off = |theta| {
                let cell = Mzi { theta, ..mzi };
                (cell.matrix()[0].norm() - ideal.norm()).abs()
            };
            let nearest = (0..20_000).map(|k| off(PI * f64::from(k) / 10_000.0));
            let nearest = nearest.fold(f64::INFINITY, f64::min);
            let found = (got.norm() - ideal.norm()).abs();
            assert!((found - nearest).abs() < 1e-7, "{theta}: {found} {nearest}");
        }
    }
}

#[test]
fn every_correction_is_exact_for_perfect_cells_of_every_kind() {
    for modes in [1, 2, 3, 4, 5, 8, 17] {
        for geometry in [Geometry::Clements, Geometry::Reck] {
            let mesh = haar(geometry, modes, 0);
            for kind in CellKind::ALL {
                let cells = cells(
                    kind,
                    mesh.nodes.len(),
                    0.0,
                    &mut Seed(0).stream(Effect::Haar, 0, 0, 0),
                );
                for correction in Correction::ALL {
                    let corrected = mesh.corrected(correction, &Cells::from(&cells[..]));
                    let u = transfer(&mesh, &cells, &corrected.phases);
                    let off = max_abs_difference(&u, &mesh.transfer());
                    assert!(
                        off < 1e-13 * modes as f64,
                        "{kind} {correction} {geometry} {modes}: {off:e}"
                    );
                    assert_eq!(corrected.unreachable, 0);
                }
            }
        }
    }
}

/// Unequal loss is not unitary: no phases make up for it, none may add to it.
#[test]
fn corrections_leave_the_loss_of_heated_arms_as_it_is() {
    let mesh = haar(Geometry::Clements, 16, 1);
    for kind in CellKind::ALL {
        let lossy = Mzi {
            kind,
            theta_arm: 0.99,
            phi_arm: 0.98,
            ..Mzi::ideal(0.0, 0.0)
        };
        let cells = vec![lossy; mesh.nodes.len()];
        let array = Cells::from(&cells[..]);
        let error = |correction| {
            let phases = mesh.corrected(correction, &array).phases;
            matrix_error(&transfer(&mesh, &cells, &phases), &mesh.transfer())
        };
        let plain = error(Correction::None);
        for correction in [Correction::Local, Correction::Progressive] {
            let corrected = error(correction);
            let ratio = corrected / plain;
            assert!((ratio - 1.0).abs() < 0.02, "{kind} {correction}: {ratio}");
        }
    }
}
