//! What errors of the parts cost a mesh that is not corrected.

use rayon::prelude::*;

use super::sample::{Sample, chip, haar, hardware};
use super::{Case, Expected, Section, Tier};
use crate::linalg::{C64, Matrix, fidelity, haar_unitary, matrix_error, max_abs_difference};
use crate::mesh::{Geometry, Mesh, Node, decompose};
use crate::rng::{Effect, Seed};

/// Decomposition, coupler and phase errors, loss.
pub(super) fn section() -> Section {
    let mut cases = decompositions();
    cases.extend(couplers());
    cases.push(read_quadrature());
    cases.extend(phases());
    cases.extend(rectangles_of_256());
    cases.extend(losses());
    Section {
        title: "Errors of a mesh",
        about: "E = ‖U − U₀‖_F/√N, F = |tr(U†U₀)|²/N² (divided by tr(U†U)/N for lossy meshes). Means over drawn chips with Haar-random targets; \
                a tolerance of a mean is five standard errors and what the law leaves out.",
        cases,
        curves: None,
    }
}

fn decompositions() -> Vec<Case> {
    [Geometry::Clements, Geometry::Reck]
        .into_iter()
        .map(|geometry| {
            let u = haar_unitary(128, &mut Seed(2).stream(Effect::Haar, 0, 0, 0));
            let mesh = decompose(&u, geometry).expect("a Haar unitary is unitary");
            Case {
                name: format!("max |U − U'| of a decomposed Haar unitary, N = 128, {geometry}"),
                tier: Tier::Analytic,
                ours: max_abs_difference(&mesh.transfer(), &u),
                expected: Expected::AtMost(1e-12),
                source: match geometry {
                    Geometry::Reck => "Reck et al., Phys. Rev. Lett. 73, 58 (1994)",
                    _ => "Clements et al., Optica 3, 1460 (2016)",
                },
                note: "",
            }
        })
        .collect()
}

fn couplers() -> Vec<Case> {
    [(16, 0.05f64), (64, 0.02)]
        .into_iter()
        .map(|(modes, sigma)| {
            let hw = hardware(&[("coupler.splitting_error_rad", &sigma.to_string())]);
            let sample = Sample::of(60, |trial| {
                let mesh = haar(Geometry::Clements, modes, trial);
                matrix_error(&chip(&hw, trial).transfer(&mesh), &mesh.transfer())
            });
            let law = (2.0 - 2.0 * (-((modes - 1) as f64) * sigma * sigma).exp()).sqrt();
            Case {
                name: format!("E by splitting errors of {sigma} rad, N = {modes}, no correction"),
                tier: Tier::Analytic,
                ours: sample.mean,
                expected: near(law, &sample, 0.01),
                source: "√(2 − 2e^{−(N−1)σ²}); Bandyopadhyay et al., Optica 8, 1247 (2021)",
                note: "",
            }
        })
        .collect()
}

/// T with couplers off by a = α + β and b = α − β is, up to phases, [[s + i c a, c + i s b], [c − i s b, −s + i c a]] to
/// first order, s and c the sine and cosine of θ/2: the error of a real matrix is imaginary.
fn read_quadrature() -> Case {
    let modes = 32;
    let hw = hardware(&[("coupler.splitting_error_rad", "0.001")]);
    let share = Sample::of(10, |trial| {
        let mut stream = Seed(3).stream(Effect::Haar, trial, 0, 0);
        let normals = Matrix::from_fn(modes, modes, |_, _| C64::from(stream.standard_normal()));
        let u = normals.qr().q();
        let mesh = decompose(&u, Geometry::Clements).expect("Q is orthogonal");
        let error = chip(&hw, trial).transfer(&mesh) - &u;
        let read: f64 = error.iter().map(|z| z.re * z.re).sum();
        read / error.norm_squared()
    });
    Case {
        name: "share of the squared error that homodyne detectors of a real network read, real U, N = 32, σ = 0.001 rad".to_owned(),
        tier: Tier::Analytic,
        ours: share.mean,
        expected: Expected::AtMost(1e-3),
        source: "to first order, splitting errors of a real matrix are imaginary: derived from T with errors",
        note: "A real network bears splitting errors that its matrix error would not let one expect.",
    }
}

fn phases() -> Vec<Case> {
    // Papers that add σ_BS to the field amplitude 1/√2 mean an angle error of √2 σ_BS.
    [(32, 0.05f64, 0.03f64), (16, 0.1, 0.0), (24, 0.02, 0.02 * 2f64.sqrt())]
        .into_iter()
        .map(|(modes, phase, coupler)| {
            let hw = hardware(&[
                ("phase_shifter.phase_error_rad", &phase.to_string()),
                ("coupler.splitting_error_rad", &coupler.to_string()),
            ]);
            let sample = Sample::of(100, |trial| {
                let mesh = haar(Geometry::Clements, modes, trial);
                fidelity(&chip(&hw, trial).transfer(&mesh), &mesh.transfer())
            });
            let cost = (modes - 1) as f64 * (phase.powi(2) + 2.0 * coupler.powi(2)) + phase.powi(2);
            Case {
                name: format!(
                    "F by phase errors of {phase} rad and splitting errors of {coupler:.4} rad, N = {modes}"
                ),
                tier: Tier::Analytic,
                ours: sample.mean,
                expected: near((-cost).exp(), &sample, 0.003),
                source: "exp(−[(N−1)(σ_p² + 2σ_a²) + σ_p²]); law, second order in the errors",
                note: "",
            }
        })
        .collect()
}

/// Spread of phases (rad) and of the amplitudes 1/√2 of couplers, F of the whole rectangle.
const RECTANGLE_256: [(f64, f64); 4] = [
    (0.005, 0.9686),
    (0.01, 0.8802),
    (0.015, 0.7499),
    (0.02, 0.5991),
];

/// The same of its first eight columns alone.
const EIGHT_COLUMNS: [(f64, f64); 2] = [(0.01, 0.9959), (0.02, 0.9835)];

/// Every phase off by σ rad and every coupler's amplitude by σ, its angle by √2 σ, on 256 modes.
fn rectangles_of_256() -> Vec<Case> {
    let chips = 10;
    let meshes: Vec<Mesh> = (0..chips)
        .map(|trial| haar(Geometry::Clements, 256, trial))
        .collect();
    let starts: Vec<Mesh> = meshes.iter().map(|mesh| first_columns(mesh, 8)).collect();
    let mut cases = fidelities_of("rectangle", &meshes, &RECTANGLE_256);
    cases.extend(fidelities_of(
        "first 8 columns of a rectangle",
        &starts,
        &EIGHT_COLUMNS,
    ));
    cases
}

/// The part of `mesh` that light meets first.
fn first_columns(mesh: &Mesh, columns: usize) -> Mesh {
    let nodes: Vec<Node> = mesh
        .nodes()
        .iter()
        .copied()
        .filter(|node| node.column < columns)
        .collect();
    let count = nodes.len();
    let (theta, phi) = (mesh.theta()[..count].to_vec(), mesh.phi()[..count].to_vec());
    Mesh::new(mesh.modes(), nodes, theta, phi, mesh.screen().to_vec())
        .expect("some columns of a mesh are a mesh")
}

fn fidelities_of(what: &str, meshes: &[Mesh], published: &[(f64, f64)]) -> Vec<Case> {
    let ideal: Vec<Matrix> = meshes.par_iter().map(Mesh::transfer).collect();
    let case = |(sigma, value): &(f64, f64)| {
        let hw = hardware(&[
            ("phase_shifter.phase_error_rad", &sigma.to_string()),
            (
                "coupler.splitting_error_rad",
                &(sigma * 2f64.sqrt()).to_string(),
            ),
        ]);
        let sample = Sample::of(meshes.len() as u64, |trial| {
            let index = trial as usize;
            fidelity(&chip(&hw, trial).transfer(&meshes[index]), &ideal[index])
        });
        Case {
            name: format!(
                "F by errors of {sigma} of every phase (rad) and every coupler's amplitude, {what}, \
                 N = 256, {} chips",
                meshes.len()
            ),
            tier: Tier::Reading,
            ours: sample.mean,
            // Amplitudes that are normal give angles that are not: 10 σ² of the exponent.
            expected: near(*value, &sample, 10.0 * sigma * sigma * -value.ln()),
            source: "reported for the setup of Fang et al., Opt. Express 27, 14009 (2019): F as above, errors of field \
                     amplitudes, angles √2 larger",
            note: "",
        }
    };
    published.iter().map(case).collect()
}

/// 1 − F of both geometries: modes, dB an MZI, rectangle, triangle.
const LOSSES: [(usize, &str, f64, f64); 5] = [
    (8, "0.2", 4.24e-4, 3.03e-3),
    (10, "0.2", 5.0e-4, 5.31e-3),
    (20, "0.2", 8.2e-4, 2.72e-2),
    (20, "0.5", 5.4e-3, 0.157),
    (20, "1", 2.4e-2, 0.463),
];

fn losses() -> Vec<Case> {
    let mut cases = Vec::new();
    for (modes, loss_db, rectangle, triangle) in LOSSES {
        let hw = hardware(&[("mesh.insertion_loss_db", loss_db)]);
        for (geometry, value) in [(Geometry::Clements, rectangle), (Geometry::Reck, triangle)] {
            let sample = Sample::of(100, |trial| {
                let mesh = haar(geometry, modes, trial);
                1.0 - fidelity(&chip(&hw, trial).transfer(&mesh), &mesh.transfer())
            });
            cases.push(Case {
                name: format!("1 − F by {loss_db} dB in both arms of every MZI, N = {modes}, {geometry}"),
                tier: Tier::Analytic,
                ours: sample.mean,
                // The reference is a mean of 100 draws itself.
                expected: near(value, &sample, 0.01),
                source: "mean of 100 Haar draws in NumPy; the comparison of Clements et al., Optica 3, 1460 (2016)",
                note: "",
            });
        }
    }
    cases
}

/// Five standard errors of two means, and a share of the value.
fn near(value: f64, sample: &Sample, share: f64) -> Expected {
    let tolerance = 5.0 * 2f64.sqrt() * sample.standard_error + share * value;
    Expected::Near {
        value,
        tolerance: super::two_digits_up(tolerance),
    }
}
