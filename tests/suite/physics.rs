//! Laws that drawn chips must obey, at the sizes where their values are known.

use lightloom::hardware::Hardware;
use lightloom::linalg::{Matrix, fidelity, matrix_error};
use lightloom::mesh::{Geometry, Mesh};
use lightloom::rng::{Effect, Seed};

fn haar_mesh(geometry: Geometry, modes: usize, trial: u64) -> Mesh {
    let mut stream = Seed(21).stream(Effect::Haar, trial, modes as u64, 0);
    Mesh::haar(geometry, modes, &mut stream).unwrap()
}

fn hardware(settings: &[(&str, f64)]) -> Hardware {
    settings
        .iter()
        .fold(Hardware::default(), |hw, (key, value)| {
            hw.with(key, &value.to_string()).unwrap()
        })
}

/// Mean and standard error of `measure` over chips that carry Haar-random meshes.
fn over_chips(
    geometry: Geometry,
    modes: usize,
    hardware: &Hardware,
    chips: u64,
    measure: fn(&Matrix, &Matrix) -> f64,
) -> (f64, f64) {
    let values: Vec<f64> = (0..chips)
        .map(|trial| {
            let mesh = haar_mesh(geometry, modes, trial);
            let chip = hardware.fabricate(Seed(0), trial);
            measure(&chip.transfer(&mesh), &mesh.transfer())
        })
        .collect();
    let n = chips as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

/// E = √(2 − 2e^{−(N−1)σ²}); N = 64, σ = 0.02: 0.2231.
#[test]
fn splitting_errors_cost_the_matrix_error_of_the_law() {
    let (modes, sigma) = (64, 0.02f64);
    let law = (2.0 - 2.0 * (-((modes - 1) as f64) * sigma * sigma).exp()).sqrt();
    assert!((law - 0.2231).abs() < 5e-5);
    let hw = hardware(&[("coupler.splitting_error_rad", sigma)]);
    let (mean, se) = over_chips(Geometry::Clements, modes, &hw, 40, matrix_error);
    assert!(
        (mean - law).abs() < 5.0 * se + 0.002,
        "{mean} ± {se}, law {law}"
    );
}

/// F = exp(−[(N − 1)(σ_p² + 2σ_a²) + σ_p²]) for phase noise on every shifter and errors of both couplers.
#[test]
fn phase_and_coupler_noise_cost_the_fidelity_of_the_law() {
    let (modes, phase, coupler) = (32, 0.05f64, 0.03f64);
    let law =
        f64::exp(-((modes - 1) as f64 * (phase.powi(2) + 2.0 * coupler.powi(2)) + phase.powi(2)));
    let hw = hardware(&[
        ("phase_shifter.phase_error_rad", phase),
        ("coupler.splitting_error_rad", coupler),
    ]);
    let (mean, se) = over_chips(Geometry::Clements, modes, &hw, 100, fidelity);
    assert!(
        (mean - law).abs() < 5.0 * se + 0.002,
        "{mean} ± {se}, law {law}"
    );
}

/// Loss on both arms of every MZI, mean of 100 Haar draws: 1 − F at N = 8 and 10, 0.2 dB, and N = 20, 0.5 dB.
/// Clements et al., Optica 3, 1460 (2016) show the same comparison.
#[test]
fn loss_costs_a_triangular_mesh_more_than_a_rectangular_one() {
    for (modes, loss_db, rectangular, triangular) in [
        (8, 0.2, 4.24e-4, 3.03e-3),
        (10, 0.2, 5.0e-4, 5.31e-3),
        (20, 0.5, 5.4e-3, 0.157),
    ] {
        let hw = hardware(&[("mesh.insertion_loss_db", loss_db)]);
        for (geometry, expected) in [
            (Geometry::Clements, rectangular),
            (Geometry::Reck, triangular),
        ] {
            let (mean, se) = over_chips(geometry, modes, &hw, 100, fidelity);
            // The reference is a mean of 100 draws itself, given to two or three digits.
            let room = 5.0 * se * 2f64.sqrt() + 0.01 * expected;
            assert!(
                (1.0 - mean - expected).abs() < room,
                "{geometry} {modes}: {} ± {se}, expected {expected}",
                1.0 - mean
            );
        }
    }
}

#[test]
fn lossless_mesh_keeps_the_power() {
    let mesh = haar_mesh(Geometry::Clements, 12, 0);
    let hw = hardware(&[
        ("coupler.splitting_error_rad", 0.1),
        ("phase_shifter.phase_error_rad", 0.3),
        ("phase_shifter.crosstalk", 0.02),
    ]);
    let u = hw.fabricate(Seed(5), 0).transfer(&mesh);
    assert!(lightloom::linalg::unitarity_error(&u) < 1e-13);
}

/// The field after L columns of MZIs with 1 dB each has lost L dB where every mode meets an MZI.
#[test]
fn loss_in_db_adds_along_the_path() {
    let nodes = (0..5).map(|column| lightloom::mesh::Node {
        column,
        top: 0,
        bottom: 1,
    });
    let mesh = Mesh::new(2, nodes.collect(), vec![0.7; 5], vec![0.2; 5], vec![0.0; 2]).unwrap();
    let hw = hardware(&[("mesh.insertion_loss_db", 1.0)]);
    let u = hw.fabricate(Seed(0), 0).transfer(&mesh);
    for column in u.column_iter() {
        let loss_db = -10.0 * column.norm_squared().log10();
        assert!((loss_db - 5.0).abs() < 1e-12, "{loss_db} dB");
    }
}
