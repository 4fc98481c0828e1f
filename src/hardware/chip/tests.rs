//! What is drawn on a chip, and what becomes of phases.

use std::f64::consts::TAU;

use super::*;
use crate::hardware::{Element, Site};
use crate::mesh::{Geometry, Mzi};

const MODES: usize = 64;

fn chip(settings: &[(&str, &str)]) -> Chip {
    settings
        .iter()
        .fold(Hardware::default(), |hw, (key, value)| {
            hw.with(key, value).unwrap()
        })
        .fabricate(Seed(9), 3)
}

fn mesh() -> Mesh {
    let mut stream = Seed(1).stream(Effect::Haar, 0, 0, 0);
    Mesh::haar(Geometry::Clements, MODES, &mut stream).unwrap()
}

fn settle(chip: &Chip, targets: &[f64]) -> Vec<f64> {
    let mut heaters = Heaters::default();
    heaters.push_mesh(&mesh(), CellKind::Mzi);
    let sections = [(Placed::MESH, targets.len())];
    let targets = targets.to_vec();
    let settled = chip.settle(&heaters, &sections, targets, Correction::None);
    let settled = Values::each(settled.concat());
    let count = sections[0].1;
    chip.with_phase_errors(settled, (Placed::MESH, 0), 0..count)
        .all(count)
}

fn ideal_mzis(chip: &Chip) -> Vec<Mzi> {
    chip.cells(Placed::MESH, mesh().nodes().len()).mzis()
}

/// Fails unless the values have this mean and spread within five standard errors.
fn check_normal(values: &[f64], mean: f64, sigma: f64) {
    let n = values.len() as f64;
    let got = values.iter().sum::<f64>() / n;
    let spread = (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
    assert!(
        (got - mean).abs() < 5.0 * sigma / n.sqrt(),
        "mean {got}, expected {mean}"
    );
    assert!(
        (spread / sigma - 1.0).abs() < 5.0 / (2.0 * n).sqrt(),
        "spread {spread}, expected {sigma}"
    );
}

#[test]
fn a_chip_without_effects_is_the_ideal_mesh_to_the_bit() {
    let mesh = mesh();
    assert_eq!(chip(&[]).transfer(&mesh), mesh.transfer());
    // Keys that belong to inputs and detectors do not touch the mesh.
    let readout = chip(&[
        ("input.facet_loss_db", "3"),
        ("input.dac_bits", "4"),
        ("readout.bandwidth_ghz", "5"),
        ("phase_shifter.v_pi_v", "2"),
        ("phase_shifter.drift_time_s", "100"),
    ]);
    assert_eq!(readout.transfer(&mesh), mesh.transfer());
}

#[test]
fn splitting_errors_have_their_spread_and_bias() {
    let chip = chip(&[
        ("coupler.splitting_error_rad", "0.03"),
        ("coupler.splitting_bias_rad", "-0.1"),
    ]);
    let mzis = ideal_mzis(&chip);
    let both: Vec<f64> = mzis.iter().flat_map(|mzi| [mzi.alpha, mzi.beta]).collect();
    check_normal(&both, -0.1, 0.03);
    let product: f64 = mzis
        .iter()
        .map(|mzi| (mzi.alpha + 0.1) * (mzi.beta + 0.1))
        .sum::<f64>()
        / (0.03f64.powi(2) * mzis.len() as f64);
    assert!(
        product.abs() < 5.0 / (mzis.len() as f64).sqrt(),
        "{product}"
    );
}

#[test]
fn losses_have_their_mean_and_spread_and_are_never_gains() {
    let chip_at = |loss, spread| {
        chip(&[
            ("mesh.insertion_loss_db", loss),
            ("mesh.insertion_loss_spread_db", spread),
            ("mesh.arm_imbalance_db", "0.5"),
        ])
    };
    let losses = |chip: &Chip| -> Vec<f64> {
        let mzis = ideal_mzis(chip);
        mzis.iter()
            .map(|mzi| -20.0 * mzi.amplitude.log10())
            .collect()
    };
    check_normal(&losses(&chip_at("0.8", "0.1")), 0.8, 0.1);
    assert!(
        losses(&chip_at("0.05", "0.1"))
            .iter()
            .all(|loss| *loss >= 0.0)
    );
    for mzi in ideal_mzis(&chip_at("0", "0")) {
        assert!((mzi.theta_arm - 10f64.powf(-0.025)).abs() < 1e-15);
        assert_eq!((mzi.phi_arm, mzi.amplitude), (mzi.theta_arm, 1.0));
    }
    // An attenuator has no heater in front of its couplers.
    let attenuators = chip_at("0", "0").attenuators(Placed::MESH, 3);
    assert_eq!(attenuators.theta_arm, 10f64.powf(-0.025));
    assert_eq!(attenuators.phi_arm, 1.0);
}

#[test]
fn additive_phase_errors_have_their_spread_on_every_shifter() {
    let targets = vec![1.0; MODES * MODES];
    for settings in [
        vec![("phase_shifter.phase_error_rad", "0.02")],
        vec![("phase_shifter.offset_rad", "0.02")],
        vec![
            ("phase_shifter.drift_rad_per_sqrt_s", "0.002"),
            ("phase_shifter.drift_time_s", "100"),
        ],
    ] {
        let phases = settle(&chip(&settings), &targets);
        assert_eq!(phases.len(), MODES * MODES);
        assert!(phases.iter().all(|phase| *phase != 1.0));
        check_normal(&phases, 1.0, 0.02);
    }
}

#[test]
fn drift_grows_with_the_square_root_of_time() {
    let at = |time| {
        let settings = [
            ("phase_shifter.drift_rad_per_sqrt_s", "0.01"),
            ("phase_shifter.drift_time_s", time),
        ];
        settle(&chip(&settings), &vec![0.0; MODES * MODES])
    };
    for (early, late) in at("4").iter().zip(at("36")) {
        assert!((3.0 * early - late).abs() < 1e-14);
    }
}

/// phase = π V²/V_π²: a supply of b bits has 2^b phases, evenly spaced in their square root.
#[test]
fn a_supply_of_five_bits_sets_the_nearest_of_32_voltages() {
    let chip = chip(&[("phase_shifter.dac_bits", "5")]);
    let targets: Vec<f64> = (0..MODES * MODES)
        .map(|k| TAU * k as f64 / (MODES * MODES) as f64)
        .collect();
    let phases = settle(&chip, &targets);
    let code = |phase: f64| (phase / TAU).sqrt() * 31.0;
    for (phase, target) in phases.iter().zip(&targets) {
        assert!((code(*phase) - code(*phase).round()).abs() < 1e-9);
        assert!((code(*phase) - code(*target)).abs() < 0.5 + 1e-9);
    }
    let mut codes: Vec<i64> = phases.iter().map(|p| code(*p).round() as i64).collect();
    codes.dedup();
    assert_eq!(codes, (0..32).collect::<Vec<_>>());
}

#[test]
fn a_wrong_v_pi_scales_a_phase_by_its_inverse_square() {
    let chip = chip(&[("phase_shifter.v_pi_error", "0.01")]);
    let phases = settle(&chip, &vec![2.0; MODES * MODES]);
    let errors: Vec<f64> = phases.iter().map(|p| (2.0 / p).sqrt() - 1.0).collect();
    check_normal(&errors, 0.0, 0.01);
}

/// V_π belongs to a heater: what calibration gets wrong once, every load gets wrong. Programming errors are new each time.
#[test]
fn errors_of_v_pi_are_the_same_at_every_load() {
    let mut heaters = Heaters::default();
    heaters.push_mesh(&mesh(), CellKind::Mzi);
    let count = MODES * MODES;
    let load = |chip: &Chip, phase: f64, number| {
        let sections = [(Placed::MESH, count)];
        let shown = chip.settle_at(&heaters, &sections, vec![phase; count], number);
        shown.iter().map(|shown| shown / phase).collect::<Vec<_>>()
    };
    let wrong_v_pi = chip(&[("phase_shifter.v_pi_error", "0.01")]);
    let (first, second) = (load(&wrong_v_pi, 1.0, 1), load(&wrong_v_pi, 2.0, 2));
    assert!(first.iter().all(|ratio| *ratio != 1.0));
    for (a, b) in first.iter().zip(&second) {
        assert!((a - b).abs() < 1e-15);
    }
    let noisy = chip(&[("phase_shifter.phase_error_rad", "0.01")]);
    assert_ne!(load(&noisy, 1.0, 1), load(&noisy, 1.0, 2));
}

/// Another programming of the same chip draws anew what is drawn once a load, and nothing else.
#[test]
fn another_load_has_other_programming_errors_of_the_same_chip() {
    let mut heaters = Heaters::default();
    heaters.push_mesh(&mesh(), CellKind::Mzi);
    let count = MODES * MODES;
    let shown = |chip: &Chip| {
        let sections = [(Placed::MESH, count)];
        chip.settle_at(&heaters, &sections, vec![1.0; count], 0)
    };
    let noisy = chip(&[("phase_shifter.phase_error_rad", "0.01")]);
    assert_eq!(shown(&noisy), shown(&noisy.clone().at_load(0)));
    assert_ne!(shown(&noisy), shown(&noisy.clone().at_load(1)));
    let wrong_v_pi = chip(&[("phase_shifter.v_pi_error", "0.01")]);
    assert_eq!(shown(&wrong_v_pi), shown(&wrong_v_pi.clone().at_load(1)));
}

/// A correction asks for the same phases whatever the errors of V_π are: it does not know them.
#[test]
fn no_correction_knows_the_errors_of_v_pi() {
    let target = [("coupler.splitting_error_rad", "0.02")];
    let wrong = [target[0], ("phase_shifter.v_pi_error", "0.01")];
    for correction in [Correction::Local, Correction::Progressive] {
        let mesh = mesh();
        let error = |chip: &Chip| {
            let programmed = chip.program(&mesh, correction);
            crate::linalg::matrix_error(&programmed.coefficients.transfer(), &mesh.transfer())
        };
        let (known, unknown) = (error(&chip(&target)), error(&chip(&wrong)));
        assert!(known < 0.03 && unknown > 0.1, "{known} {unknown}");
    }
}

#[test]
fn gains_spread_around_one() {
    let chip = chip(&[("readout.gain_spread", "0.05")]);
    check_normal(&chip.detector_gains(Placed::MESH, 4000), 1.0, 0.05);
}

#[test]
fn oscillator_phases_spread_and_drift_with_the_root_of_time() {
    assert_eq!(chip(&[]).oscillator_phases(Placed::MESH, 4), None);
    let of = |settings: &[(&str, &str)]| chip(settings).oscillator_phases(Placed::MESH, 4000);
    let fixed = of(&[("readout.lo_phase_error_rad", "0.05")]).unwrap();
    check_normal(&fixed, 0.0, 0.05);
    let after = |seconds| {
        let drift = ("readout.lo_phase_drift_rad_per_sqrt_s", "0.01");
        of(&[drift, ("phase_shifter.drift_time_s", seconds)])
    };
    assert_eq!(after("0"), None);
    check_normal(&after("25").unwrap(), 0.0, 0.05);
    for (early, late) in after("4").unwrap().iter().zip(after("36").unwrap()) {
        assert!((3.0 * early - late).abs() < 1e-14);
    }
    assert_ne!(after("25").unwrap(), fixed);
}

#[test]
fn effects_do_not_disturb_each_others_draws() {
    let splitting = ("coupler.splitting_error_rad", "0.02");
    let alone = ideal_mzis(&chip(&[splitting]));
    let together = ideal_mzis(&chip(&[
        splitting,
        ("mesh.insertion_loss_db", "0.2"),
        ("mesh.insertion_loss_spread_db", "0.1"),
        ("phase_shifter.phase_error_rad", "0.1"),
    ]));
    for (a, b) in alone.iter().zip(&together) {
        assert_eq!((a.alpha, a.beta), (b.alpha, b.beta));
    }
    // A sweep over sigma scales the same chip.
    let double = ideal_mzis(&chip(&[("coupler.splitting_error_rad", "0.04")]));
    for (a, b) in alone.iter().zip(&double) {
        assert_eq!(2.0 * a.alpha, b.alpha);
    }
}

#[test]
fn another_trial_is_another_chip() {
    let hardware = Hardware::default()
        .with("coupler.splitting_error_rad", "0.02")
        .unwrap();
    let u = |trial| hardware.fabricate(Seed(0), trial).transfer(&mesh());
    assert_eq!(u(1), u(1));
    assert_ne!(u(1), u(2));
}

#[test]
fn phases_beyond_a_turn_are_those_within_it() {
    let targets: Vec<f64> = (0..MODES * MODES).map(|k| 0.37 * (k % 16) as f64).collect();
    let turned: Vec<f64> = targets
        .iter()
        .enumerate()
        .map(|(k, phase)| phase + [0.0, 2.0 * TAU, -TAU][k % 3])
        .collect();
    for settings in [
        ("phase_shifter.v_pi_error", "0.02"),
        ("phase_shifter.crosstalk", "0.05"),
        ("phase_shifter.dac_bits", "12"),
    ] {
        let chip = chip(&[settings]);
        let pairs = settle(&chip, &targets).into_iter();
        for (plain, turned) in pairs.zip(settle(&chip, &turned)) {
            assert!((plain - turned).abs() < 1e-12, "{settings:?}");
        }
    }
}

/// Errors that are drawn where a mesh's matrices are computed, against those drawn into arrays.
#[test]
fn a_chip_drawn_in_blocks_is_the_chip_drawn_at_once() {
    let chip = chip(&[
        ("coupler.splitting_error_rad", "0.02"),
        ("coupler.splitting_bias_rad", "0.01"),
        ("mesh.insertion_loss_db", "0.1"),
        ("mesh.insertion_loss_spread_db", "0.02"),
        ("mesh.arm_imbalance_db", "0.05"),
        ("phase_shifter.phase_error_rad", "0.03"),
        ("phase_shifter.offset_rad", "0.02"),
        ("phase_shifter.drift_rad_per_sqrt_s", "0.001"),
        ("phase_shifter.drift_time_s", "100"),
    ]);
    let mesh = mesh();
    assert!(chip.shows_what_is_asked(Correction::None));
    let count = mesh.nodes().len();
    let array = |bias: f64, block: u64| {
        let mut errors = vec![bias; count];
        let mut stream = chip.stream(Effect::Splitting, Placed::MESH, block);
        stream.add_normals(&mut errors, 0.02);
        errors
    };
    let mut loss_db = vec![0.1; count];
    let mut stream = chip.stream(Effect::Loss, Placed::MESH, 0);
    stream.add_normals(&mut loss_db, 0.02);
    let loss = |db: &f64| amplitude_from_db(-db.max(0.0));
    let amplitude: Vec<f64> = loss_db.iter().map(loss).collect();
    let cells = Cells {
        kind: CellKind::Mzi,
        count,
        alpha: Values::each(array(0.01, 0)),
        beta: Values::each(array(0.01, 1)),
        gamma: Values::same(0.0),
        amplitude: Values::each(amplitude),
        theta_arm: amplitude_from_db(-0.05),
        phi_arm: amplitude_from_db(-0.05),
    };
    let mut phases = mesh.phases().flat();
    for (effect, sigma) in [
        (Effect::Offset, 0.02),
        (Effect::Programming, 0.03),
        (Effect::Drift, 0.01),
    ] {
        let mut stream = chip.stream(effect, Placed::MESH, 0);
        stream.add_normals(&mut phases, sigma);
    }
    let at_once = Coefficients::of(&mesh, cells, Phases::from_flat(phases, &mesh));
    let in_blocks = chip.program(&mesh, Correction::None).coefficients;
    assert_eq!(in_blocks.matrices(), at_once.matrices());
    assert_eq!(in_blocks.transfer(), at_once.transfer());
    let rows = |of: &Coefficients| of.first_rows::<f64>(MODES / 3);
    assert_eq!(rows(&in_blocks), rows(&at_once));
}

/// Every array that a chip may be given of the mesh that stands alone.
fn arrays(chip: &Chip) -> Given {
    let count = mesh().nodes().len();
    let cells = chip.cells(Placed::MESH, count);
    let Hardware {
        mesh: cell,
        phase_shifter,
        ..
    } = chip.hardware();
    let mut loss_db = vec![cell.insertion_loss_db; count];
    let mut stream = chip.stream(Effect::Loss, Placed::MESH, 0);
    stream.add_normals(&mut loss_db, cell.insertion_loss_spread_db);
    let of_shifters = |effect, sigma| {
        let mut errors = vec![0.0; MODES * MODES];
        chip.stream(effect, Placed::MESH, 0)
            .add_normals(&mut errors, sigma);
        errors
    };
    let offsets = of_shifters(Effect::Offset, phase_shifter.offset_rad);
    let v_pi_errors = of_shifters(Effect::VPi, phase_shifter.v_pi_error);
    let given = [
        (Quantity::FirstCouplerRad, cells.alpha.all(count)),
        (Quantity::SecondCouplerRad, cells.beta.all(count)),
        (Quantity::LossDb, loss_db),
        (Quantity::OffsetRad, offsets),
        (Quantity::VPiError, v_pi_errors),
    ];
    given
        .into_iter()
        .fold(Given::default(), |given, (quantity, values)| {
            let with = given.with(quantity, Site::default(), Section::Input, values);
            with.unwrap()
        })
}

#[test]
fn a_chip_that_is_given_what_another_drew_is_that_chip() {
    let spreads = [
        ("coupler.splitting_error_rad", "0.02"),
        ("coupler.splitting_bias_rad", "0.01"),
        ("mesh.insertion_loss_db", "1"),
        ("mesh.insertion_loss_spread_db", "0.02"),
        ("phase_shifter.offset_rad", "0.02"),
    ];
    let mesh = mesh();
    for v_pi_error in ["0", "0.01"] {
        let drawn = chip(&[&spreads[..], &[("phase_shifter.v_pi_error", v_pi_error)]].concat());
        let given = chip(&[]).with_given(arrays(&drawn));
        assert_eq!(given.hardware(), &Hardware::default());
        for correction in [Correction::None, Correction::Local] {
            let of = |chip: &Chip| chip.program(&mesh, correction).coefficients.transfer();
            let apart = crate::linalg::max_abs_difference(&of(&drawn), &of(&given));
            assert!(apart < 1e-12, "{correction:?}: {apart:e}");
        }
    }
}

#[test]
fn errors_of_a_zone_are_those_of_the_whole_chip_within_it() {
    let keys = [
        ("coupler.splitting_error_rad", "0.03"),
        ("coupler.splitting_bias_rad", "0.1"),
        ("phase_shifter.offset_rad", "0.05"),
    ];
    let whole = chip(&keys);
    let count = mesh().nodes().len();
    // A third as drawn, a third with half of its errors, a third that is known.
    let element = |k| [Element::Drawn, Element::Times(0.5), Element::Is(0.2)][k % 3];
    let each = |count: usize| (0..count).map(element).collect::<Vec<_>>();
    let site = Site::default();
    let given = Given::default()
        .with(
            Quantity::SecondCouplerRad,
            site,
            Section::Input,
            each(count),
        )
        .unwrap()
        .with(
            Quantity::OffsetRad,
            site,
            Section::Input,
            each(MODES * MODES),
        )
        .unwrap();
    let zone = whole.clone().with_given(given);
    let cells = |chip: &Chip| chip.cells(Placed::MESH, count);
    assert_eq!(
        cells(&zone).alpha.all(count),
        cells(&whole).alpha.all(count)
    );
    let offsets = |chip: &Chip| settle(chip, &vec![0.0; MODES * MODES]);
    for (mean, zone, whole) in [
        (
            0.1,
            cells(&zone).beta.all(count),
            cells(&whole).beta.all(count),
        ),
        (0.0, offsets(&zone), offsets(&whole)),
    ] {
        for (k, (zone, whole)) in zone.iter().zip(&whole).enumerate() {
            let expected = [*whole, mean + 0.5 * (whole - mean), 0.2][k % 3];
            assert!((zone - expected).abs() < 1e-15, "{k}: {zone} {expected}");
        }
    }
}

#[test]
#[should_panic(expected = "first couplers at chip 0, bank 0, mesh 0, mesh of V† has shape [3]")]
fn an_array_that_does_not_fit_the_mesh_is_no_chip_of_it() {
    let section = Section::Input;
    let given = Given::default().with(
        Quantity::FirstCouplerRad,
        Site::default(),
        section,
        vec![0.0; 3],
    );
    chip(&[]).with_given(given.unwrap()).transfer(&mesh());
}
