//! Self-configuration, drift, and what limits them.

use super::*;
use crate::error::compare::value;
use crate::hardware::instrument::tap;
use crate::hardware::{Chip, Hardware, Laboratory, Placed};
use crate::linalg::matrix_error;
use crate::mesh::{CellKind, Correction, Geometry, decompose};
use crate::rng::{Effect, Seed};

/// A chip on a bench, and what drives it.
struct Bench {
    chip: Chip,
    laboratory: Laboratory,
    driver: Driver,
}

impl Bench {
    fn new(chip: Chip, mesh: &Mesh) -> Self {
        Self {
            laboratory: Laboratory::new(chip.clone(), mesh),
            driver: Driver::new(mesh, chip.cell_kind()),
            chip,
        }
    }

    fn with_known_crosstalk(self, crosstalk: f64) -> Self {
        Self {
            driver: self.driver.with_known_crosstalk(crosstalk),
            ..self
        }
    }

    fn with_receiver_noise(self, noise: f64) -> Self {
        Self {
            laboratory: self.laboratory.with_receiver_noise(noise),
            driver: self.driver.with_receiver_noise(noise),
            ..self
        }
    }

    fn self_configure(&mut self, target: &Mesh) -> Result<SelfConfiguration> {
        self.driver.self_configure(&mut self.laboratory, target)
    }

    fn transfer(&self) -> Matrix {
        self.laboratory.true_transfer()
    }
}

fn target(geometry: Geometry, modes: usize, trial: u64) -> Mesh {
    let mut stream = Seed(31).stream(Effect::Haar, trial, modes as u64, 0);
    Mesh::haar(geometry, modes, &mut stream).unwrap()
}

fn hardware(settings: &[(&str, &str)]) -> Hardware {
    let ideal = Hardware::default();
    let set = |hw: Hardware, (key, value): &(&str, &str)| hw.with(key, value).unwrap();
    settings.iter().fold(ideal, set)
}

fn error_of(bench: &Bench, target: &Mesh) -> f64 {
    matrix_error(&bench.transfer(), &target.transfer())
}

/// The bench for one chip and its target.
fn bench(hw: &Hardware, geometry: Geometry, modes: usize, trial: u64) -> (Bench, Mesh) {
    let mesh = target(geometry, modes, trial);
    (Bench::new(hw.fabricate(Seed(1), trial), &mesh), mesh)
}

/// Every cell in reach: what is left is rounding, though the bench shows neither couplers nor offsets. Offsets with a
/// spread of 6 rad are uniform modulo 2π to some 1e-8.
#[test]
fn a_chip_whose_errors_cannot_be_read_is_configured_to_rounding() {
    for geometry in [Geometry::Clements, Geometry::Reck] {
        for kind in CellKind::ALL {
            for modes in [1, 2, 3, 4, 7, 8] {
                let hw = hardware(&[
                    ("coupler.splitting_error_rad", "0.002"),
                    ("phase_shifter.offset_rad", "6"),
                    ("mesh.cell", kind.name()),
                ]);
                let (mut bench, mesh) = bench(&hw, geometry, modes, 0);
                let done = bench.self_configure(&mesh).unwrap();
                let error = error_of(&bench, &mesh);
                assert_eq!(done.unreachable, 0, "{geometry} {kind} {modes}");
                assert_eq!((done.passes, done.kept), (1, Kept::Found));
                assert!(error < 1e-12, "{geometry} {kind} {modes}: {error:e}");
                // Eight readings a cell, four where a receiver sees it; the screen; three matrices.
                let taps = tap::taps(&mesh, kind).unwrap();
                let at_output = |tap: &&tap::Tap| matches!(tap.dark, tap::Seen::AtOutput(_));
                let seen = taps.iter().filter(at_output).count();
                let expected = 8 * taps.len() - 4 * seen + 4 * modes;
                assert_eq!(done.readings, expected as u64);
            }
        }
    }
}

/// Nulling single elements of the matrix fails on 32 modes with offsets of 1 rad. Hamerly, Bandyopadhyay, Englund,
/// arXiv:2106.04363: power ratios do not.
#[test]
fn offsets_uniform_in_two_pi_cost_nothing_on_thirty_two_modes() {
    let hw = hardware(&[("phase_shifter.offset_rad", "6")]);
    for geometry in [Geometry::Clements, Geometry::Reck] {
        let (mut bench, mesh) = bench(&hw, geometry, 32, 0);
        bench.self_configure(&mesh).unwrap();
        let error = error_of(&bench, &mesh);
        assert!(error < 1e-12, "{geometry}: {error:e}");
    }
}

/// Any layout of cells, also where a geometry is not universal or has spare cells and ancillas.
#[test]
fn every_geometry_configures_itself() {
    let hw = hardware(&[
        ("coupler.splitting_error_rad", "0.002"),
        ("phase_shifter.offset_rad", "6"),
    ]);
    for name in ["diamond", "butterfly", "clements+3"] {
        let u = target(Geometry::Clements, 8, 0).transfer();
        let mesh = crate::mesh::closest(&u, name.parse().unwrap())
            .unwrap()
            .mesh;
        let chip = hw.fabricate(Seed(1), 0);
        let ports = |u: &Matrix| mesh.between_ports(u);
        let wanted = ports(&mesh.transfer());
        let known = chip.program(&mesh, Correction::Progressive).coefficients;
        let known = matrix_error(&ports(&known.transfer()), &wanted);
        let mut bench = Bench::new(chip, &mesh);
        bench.self_configure(&mesh).unwrap();
        let error = matrix_error(&ports(&bench.transfer()), &wanted);
        assert!(error < 2.0 * known + 1e-12, "{name}: {error:e} {known:e}");
    }
}

/// Quadratic suppression of splitting errors by measurement alone, as with known errors: to within the cells that both
/// cannot reach, which each takes for the light that it sees.
/// Hamerly, Bandyopadhyay, Englund, Phys. Rev. Applied 18, 024019 (2022).
#[test]
fn self_configuration_does_as_well_as_a_correction_that_knows_the_errors() {
    for geometry in [Geometry::Clements, Geometry::Reck] {
        let hw = hardware(&[("coupler.splitting_error_rad", "0.05")]);
        let (mut known, mut measured, mut none) = (0.0, 0.0, 0.0);
        let mut unreachable = 0;
        for trial in 0..6 {
            let (mut bench, mesh) = bench(&hw, geometry, 16, trial);
            let chip = hw.fabricate(Seed(1), trial);
            let u = mesh.transfer();
            let corrected = chip.program(&mesh, Correction::Progressive).coefficients;
            known += matrix_error(&corrected.transfer(), &u);
            none += matrix_error(&chip.transfer(&mesh), &u);
            unreachable += bench.self_configure(&mesh).unwrap().unreachable;
            measured += error_of(&bench, &mesh);
        }
        assert!(unreachable > 0);
        assert!(measured < 1.05 * known, "{geometry}: {measured} {known}");
        assert!(measured < 0.15 * none, "{geometry}: {measured} {none}");
    }
}

/// V_π = V_π,calibrated (1 + ε): a heater shows 1/(1 + ε)² of what is asked of it.
#[test]
fn calibration_finds_what_each_heater_shows() {
    for kind in [CellKind::Mzi, CellKind::Symmetric] {
        let hw = hardware(&[
            ("phase_shifter.v_pi_error", "0.02"),
            ("phase_shifter.offset_rad", "6"),
            ("mesh.cell", kind.name()),
        ]);
        let (mut bench, _) = bench(&hw, Geometry::Clements, 5, 0);
        bench.driver.calibrate(&mut bench.laboratory).unwrap();
        let count = bench.driver.scale.len();
        let errors = bench
            .chip
            .stream(Effect::VPi, Placed::MESH, 0)
            .standard_normals(count);
        for (scale, error) in bench.driver.scale.iter().zip(errors) {
            let expected = (1.0 + 0.02 * error).powi(2);
            assert!((scale - expected).abs() < 1e-12, "{scale} {expected}");
        }
    }
}

/// Wrong V_π make cells in the bar or the cross state look out of reach. What is left is the root of rounding: in these
/// states power is flat in the phases.
#[test]
fn wrong_v_pi_are_found_where_all_cells_stand_in_the_bar_or_the_cross_state() {
    let hw = hardware(&[
        ("phase_shifter.v_pi_error", "0.02"),
        ("phase_shifter.offset_rad", "6"),
    ]);
    let order = [3, 1, 0, 2, 7, 6, 4, 5];
    let permutation = Matrix::from_fn(8, 8, |row, col| {
        C64::from(f64::from(u8::from(order[row] == col)))
    });
    for target in [permutation, Matrix::identity(8, 8)] {
        for geometry in [Geometry::Clements, Geometry::Reck] {
            let mesh = decompose(&target, geometry).unwrap();
            for trial in 0..4 {
                let mut bench = Bench::new(hw.fabricate(Seed(0), trial), &mesh);
                let done = bench.self_configure(&mesh).unwrap();
                let error = error_of(&bench, &mesh);
                assert!(error < 1e-6, "{geometry} {trial}: {error:e}");
                assert_eq!(done.unreachable, 0);
            }
        }
    }
}

#[test]
fn a_second_pass_removes_errors_of_v_pi() {
    for (kind, crosstalk, limit) in [
        (CellKind::Mzi, "0", 1e-12),
        (CellKind::Symmetric, "0", 1e-12),
        (CellKind::Mzi, "0.01", 1e-7),
    ] {
        let hw = hardware(&[
            ("phase_shifter.v_pi_error", "0.02"),
            ("phase_shifter.offset_rad", "6"),
            ("phase_shifter.crosstalk", crosstalk),
            ("mesh.cell", kind.name()),
        ]);
        let (bench, mesh) = bench(&hw, Geometry::Clements, 8, 0);
        let knows_offsets = bench
            .chip
            .program(&mesh, Correction::Progressive)
            .coefficients;
        let without = matrix_error(&knows_offsets.transfer(), &mesh.transfer());
        let mut bench = bench.with_known_crosstalk(hw.phase_shifter.crosstalk);
        let done = bench.self_configure(&mesh).unwrap();
        let error = error_of(&bench, &mesh);
        assert!(without > 0.2 && error < limit, "{without} {error:e}");
        assert!(done.passes == 2 || crosstalk != "0", "{}", done.passes);
    }
}

/// E = ε √(0.65 N + 3), measured over 4 to 32 modes: below the error ε √(2N) that the same receivers see in a perfect
/// matrix. 30 chips whose E spreads by some 15 %.
#[test]
fn noise_of_the_receivers_stays_in_proportion() {
    let hw = hardware(&[("phase_shifter.offset_rad", "6")]);
    for noise in [1e-4, 1e-2] {
        let mean = |modes: usize| {
            let one = |trial| {
                let (bench, mesh) = bench(&hw, Geometry::Clements, modes, trial);
                let mut bench = bench.with_receiver_noise(noise);
                let done = bench.self_configure(&mesh).unwrap();
                assert_eq!(done.passes, 1);
                matrix_error(&bench.transfer(), &mesh.transfer())
            };
            (0..30).map(one).sum::<f64>() / 30.0
        };
        for modes in [4, 8] {
            let law = noise * (0.65 * modes as f64 + 3.0).sqrt();
            let error = mean(modes);
            assert!((error / law - 1.0).abs() < 0.15, "{modes}: {error} {law}");
        }
    }
}

/// Fresh programming errors at every setting make each measurement worse than phases that need none. 20 chips, five
/// standard errors of the mean difference.
#[test]
fn a_chip_is_left_no_worse_than_without_configuration() {
    let hw = hardware(&[("phase_shifter.phase_error_rad", "0.01")]);
    let differences: Vec<f64> = (0..20)
        .map(|trial| {
            let (mut bench, mesh) = bench(&hw, Geometry::Clements, 6, trial);
            let nothing = bench.chip.transfer(&mesh);
            let nothing = matrix_error(&nothing, &mesh.transfer());
            let done = bench.self_configure(&mesh).unwrap();
            assert!(done.settings > 200);
            error_of(&bench, &mesh) - nothing
        })
        .collect();
    let mean = differences.iter().sum::<f64>() / 20.0;
    let squares: f64 = differences.iter().map(|x| (x - mean).powi(2)).sum();
    let standard_error = (squares / 19.0 / 20.0).sqrt();
    assert!(mean < 5.0 * standard_error, "{mean} {standard_error}");
    // E itself is √N · 0.01: the bound is a small part of it.
    assert!(standard_error < 2e-3, "{standard_error}");
}

/// Receivers that see next to nothing find nothing better than what they are given.
#[test]
fn a_chip_that_is_configured_well_stays_so_with_bad_receivers() {
    let hw = hardware(&[
        ("phase_shifter.offset_rad", "6"),
        ("phase_shifter.v_pi_error", "0.02"),
    ]);
    let (mut bench, mesh) = bench(&hw, Geometry::Reck, 6, 0);
    bench.self_configure(&mesh).unwrap();
    let mut bench = bench.with_receiver_noise(0.3);
    let done = bench.self_configure(&mesh).unwrap();
    assert_eq!(done.kept, Kept::Before);
    let error = matrix_error(&bench.transfer(), &mesh.transfer());
    assert!(error < 1e-12, "{error:e}");
}

#[test]
fn a_chip_that_drifted_is_calibrated_anew() {
    let hw = hardware(&[
        ("coupler.splitting_error_rad", "0.002"),
        ("phase_shifter.drift_rad_per_sqrt_s", "0.01"),
    ]);
    let mesh = target(Geometry::Clements, 8, 1);
    let mut bench = Bench::new(hw.fabricate(Seed(1), 0), &mesh);
    bench.self_configure(&mesh).unwrap();
    let fresh = error_of(&bench, &mesh);
    bench.laboratory.wait(100.0);
    let aged = error_of(&bench, &mesh);
    bench.self_configure(&mesh).unwrap();
    let again = error_of(&bench, &mesh);
    assert!(fresh < 1e-12 && again < 1e-12, "{fresh:e} {again:e}");
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
        let mut bench = Bench::new(chip, &mesh).with_known_crosstalk(known_crosstalk);
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
    assert!(
        (1e-6..1e-3).contains(&unknown) && known < 1e-7,
        "{unknown} {known}"
    );
}

#[test]
fn what_cannot_be_configured_is_refused() {
    let refusal = |settings: &[(&str, &str)], chip: &Mesh, target: &Mesh| {
        let mut bench = Bench::new(hardware(settings).fabricate(Seed(0), 0), chip);
        bench.self_configure(target).unwrap_err().refusal()
    };
    let mesh = target(Geometry::Clements, 4, 0);
    let other = target(Geometry::Clements, 5, 0);
    let modes = value("modes of the target", "5");
    assert_eq!(refusal(&[], &mesh, &other), modes);
    let other = target(Geometry::Reck, 4, 0);
    let layout = value("layout of the target", "reck");
    assert_eq!(refusal(&[], &mesh, &other), layout);
    // Both outputs of the first cell lead to the second, whose first coupler mixes them.
    let cell = |column| crate::mesh::Node {
        column,
        top: 0,
        bottom: 1,
    };
    let phases = vec![1.0; 2];
    let nodes = vec![cell(0), cell(1)];
    let chain = Mesh::new(2, nodes, phases.clone(), phases.clone(), phases).unwrap();
    let three = [("mesh.cell", "3-splitter")];
    let cell = value("mesh.cell", "3-splitter");
    assert_eq!(refusal(&three, &chain, &chain), cell);
    let mut bench = Bench::new(Hardware::default().fabricate(Seed(0), 0), &chain);
    bench.self_configure(&chain).unwrap();
    assert!(error_of(&bench, &chain) < 1e-12);
}
