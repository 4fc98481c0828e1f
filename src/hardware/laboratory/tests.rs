//! Self-configuration, drift, and what limits them.

use super::*;
use crate::hardware::Hardware;
use crate::linalg::matrix_error;
use crate::mesh::Correction;
use crate::rng::Seed;

fn target(geometry: Geometry, modes: usize, trial: u64) -> Mesh {
    let mut stream = Seed(31).stream(Effect::Haar, trial, modes as u64, 0);
    Mesh::haar(geometry, modes, &mut stream).unwrap()
}

fn hardware(settings: &[(&str, &str)]) -> Hardware {
    let ideal = Hardware::default();
    let set = |hw: Hardware, (key, value): &(&str, &str)| hw.with(key, value).unwrap();
    settings.iter().fold(ideal, set)
}

fn error_of(bench: &mut Laboratory, target: &Mesh) -> f64 {
    matrix_error(&bench.transfer(), &target.transfer())
}

/// Every cell in reach: what is left is rounding, though the bench shows neither couplers nor offsets.
#[test]
fn a_chip_whose_errors_cannot_be_read_is_configured_to_rounding() {
    for geometry in [Geometry::Clements, Geometry::Reck] {
        for kind in CellKind::ALL {
            for modes in [1, 2, 3, 4, 7, 8] {
                if (geometry, kind) == (Geometry::Clements, CellKind::ThreeSplitter) {
                    continue;
                }
                let hw = hardware(&[
                    ("coupler.splitting_error_rad", "0.002"),
                    ("phase_shifter.offset_rad", "0.7"),
                    ("mesh.cell", kind.name()),
                ]);
                let mesh = target(geometry, modes, 0);
                let mut bench = Laboratory::new(hw.fabricate(Seed(1), 0), &mesh);
                let done = bench.self_configure(&mesh).unwrap();
                let error = error_of(&mut bench, &mesh);
                assert_eq!(done.unreachable, 0, "{geometry} {kind} {modes}");
                assert!(error < 1e-9, "{geometry} {kind} {modes}: {error:e}");
                let cells = mesh.nodes().len() as u64;
                assert_eq!(done.readings, 5 * cells + modes as u64);
            }
        }
    }
}

/// Quadratic suppression of splitting errors by measurement alone, as with known errors.
/// Hamerly, Bandyopadhyay, Englund, Phys. Rev. Applied 18, 024019 (2022).
#[test]
fn self_configuration_does_as_well_as_a_correction_that_knows_the_errors() {
    for geometry in [Geometry::Clements, Geometry::Reck] {
        let hw = hardware(&[("coupler.splitting_error_rad", "0.05")]);
        let (mut known, mut measured, mut none) = (0.0, 0.0, 0.0);
        for trial in 0..6 {
            let mesh = target(geometry, 16, trial);
            let chip = hw.fabricate(Seed(1), trial);
            let u = mesh.transfer();
            let corrected = chip.program(&mesh, Correction::Progressive).coefficients;
            known += matrix_error(&corrected.transfer(), &u);
            none += matrix_error(&chip.transfer(&mesh), &u);
            let mut bench = Laboratory::new(chip, &mesh);
            let done = bench.self_configure(&mesh).unwrap();
            assert!(done.unreachable > 0 || trial > 0);
            measured += error_of(&mut bench, &mesh);
        }
        assert!(measured < 1.3 * known, "{geometry}: {measured} {known}");
        assert!(measured < 0.15 * none, "{geometry}: {measured} {none}");
    }
}

#[test]
fn a_chip_that_drifted_is_calibrated_anew() {
    let hw = hardware(&[
        ("coupler.splitting_error_rad", "0.002"),
        ("phase_shifter.drift_rad_per_sqrt_s", "0.01"),
    ]);
    let mesh = target(Geometry::Clements, 8, 1);
    let mut bench = Laboratory::new(hw.fabricate(Seed(1), 0), &mesh);
    bench.self_configure(&mesh).unwrap();
    let fresh = error_of(&mut bench, &mesh);
    bench.wait(100.0);
    let aged = error_of(&mut bench, &mesh);
    bench.self_configure(&mesh).unwrap();
    let again = error_of(&mut bench, &mesh);
    assert!(fresh < 1e-9 && again < 1e-9, "{fresh:e} {again:e}");
    // Drift of 0.1 rad on every phase: F = exp(−N σ²), E = √(2 − 2 √F).
    let law = (2.0 - 2.0 * f64::exp(-0.5 * 8.0 * 0.01)).sqrt();
    assert!((aged / law - 1.0).abs() < 0.5, "{aged} {law}");
}

/// Levels of the supply, unequal arms and crosstalk that is not known limit what measurement can do.
#[test]
fn self_configuration_ends_where_the_supply_and_unknown_heat_do() {
    let error = |key: &str, value: &str, known_crosstalk| {
        let mesh = target(Geometry::Clements, 8, 2);
        let chip = hardware(&[(key, value)]).fabricate(Seed(1), 0);
        let mut bench = Laboratory::new(chip, &mesh).with_known_crosstalk(known_crosstalk);
        bench.self_configure(&mesh).unwrap();
        // Loss of all modes together is no error of the phases.
        let fidelity = crate::linalg::fidelity(&bench.transfer(), &mesh.transfer());
        (2.0 - 2.0 * fidelity.min(1.0).sqrt()).sqrt()
    };
    let bits = |bits| error("phase_shifter.dac_bits", bits, 0.0);
    let (coarse, fine) = (bits("8"), bits("12"));
    assert!(coarse < 0.05 && fine < coarse / 8.0, "{coarse} {fine}");
    let arms = error("mesh.arm_imbalance_db", "0.1", 0.0);
    assert!((1e-4..5e-2).contains(&arms), "{arms}");
    let heat = |known| error("phase_shifter.crosstalk", "0.01", known);
    let (unknown, known) = (heat(0.0), heat(0.01));
    assert!(unknown > 0.01 && known < 1e-7, "{unknown} {known}");
}

#[test]
fn what_cannot_be_configured_is_refused() {
    let mesh = target(Geometry::Clements, 4, 0);
    let hw = hardware(&[("mesh.cell", "3-splitter")]);
    let mut bench = Laboratory::new(hw.fabricate(Seed(0), 0), &mesh);
    let error = bench.self_configure(&mesh).unwrap_err().to_string();
    assert!(error.contains("mesh.cell = 3-splitter"), "{error}");
    let mut bench = Laboratory::new(Hardware::default().fabricate(Seed(0), 0), &mesh);
    let other = target(Geometry::Clements, 5, 0);
    assert!(bench.self_configure(&other).is_err());
}
