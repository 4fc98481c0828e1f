//! The model against chips, its slopes against differences, and fits of drawn chips.

use super::blind::orthonormal;
use super::jacobian::{Jacobian, Kind};
use super::*;
use crate::hardware::Laboratory;
use crate::mesh::{CellKind, Correction, Geometry, Phases};
use crate::rng::Effect;

/// A chip that errs in everything that a twin knows, with offsets uniform in 2π.
fn hardware(kind: CellKind) -> Hardware {
    let text = format!(
        "mesh = {{ cell = \"{kind}\", insertion_loss_db = 0.1, insertion_loss_spread_db = 0.02, arm_imbalance_db = 0.03 }}\n\
         coupler = {{ splitting_error_rad = 0.03, splitting_bias_rad = 0.01 }}\n\
         phase_shifter = {{ offset_rad = 30.0, v_pi_error = 0.02, crosstalk = 0.005 }}"
    );
    Hardware::from_toml(&text).unwrap()
}

/// Parameters of a chip, drawn for themselves.
fn drawn(sizes: Sizes, seed: u64) -> Parameters {
    let mut stream = Seed(seed).stream(Effect::Haar, 1, 0, 0);
    let mut draw = |count: usize, mean: f64, size: f64| -> Vec<f64> {
        (0..count)
            .map(|_| mean + size * stream.standard_normal())
            .collect()
    };
    Parameters {
        couplers_rad: (0..sizes.couplers)
            .map(|_| draw(sizes.cells, 0.0, 0.05))
            .collect(),
        loss_db: draw(sizes.cells, 0.3, 0.05),
        offset_rad: draw(sizes.heaters, 0.0, 3.0),
        v_pi_error: draw(sizes.heaters, 0.0, 0.03),
        crosstalk: 0.01,
    }
}

const GEOMETRIES: [(Geometry, usize); 5] = [
    (Geometry::Clements, 5),
    (Geometry::Reck, 4),
    (Geometry::Diamond, 4),
    (Geometry::Butterfly, 4),
    (Geometry::Redundant { extra: 2 }, 4),
];

fn model(geometry: Geometry, modes: usize, kind: CellKind) -> Model {
    let mesh = Mesh::bar(geometry, modes).unwrap();
    Model::new(&mesh, &hardware(kind), mesh.modes()).unwrap()
}

fn uniform(count: usize, seed: u64) -> Vec<f64> {
    let mut stream = Seed(seed).stream(Effect::Haar, 2, 0, 0);
    (0..count).map(|_| 6.2 * stream.uniform()).collect()
}

/// Every geometry and cell: a twin's matrix is that of the chip which is given its parameters.
#[test]
fn the_model_is_the_chip_that_is_given_its_parameters() {
    for kind in CellKind::ALL {
        for (geometry, modes) in GEOMETRIES {
            let model = model(geometry, modes, kind);
            let parameters = drawn(model.sizes, 3);
            let given = Twin::given_of(&parameters);
            let crosstalk = parameters.crosstalk.to_string();
            let hardware = hardware(kind)
                .with("phase_shifter.crosstalk", &crosstalk)
                .unwrap();
            let chip = hardware.fabricate(Seed(0), 0).with_given(given);
            let asked = uniform(model.sizes.heaters, 4);
            let pass = Pass::new(&model, &parameters, &asked, false);
            let mut bench = Laboratory::new(chip.clone(), &model.mesh);
            crate::hardware::Instrument::set(&mut bench, &asked).unwrap();
            let miss = crate::linalg::max_abs_difference(&pass.transfer(), &bench.true_transfer());
            assert!(miss < 1e-12, "{kind} {geometry}: {miss:e}");
            if kind == CellKind::Mzi {
                let mesh = model
                    .mesh
                    .with_phases(Phases::from_flat(asked, &model.mesh))
                    .unwrap();
                let programmed = chip
                    .program(&mesh, Correction::None)
                    .coefficients
                    .transfer();
                let miss = crate::linalg::max_abs_difference(&pass.transfer(), &programmed);
                assert!(miss < 1e-12, "{geometry}: {miss:e}");
            }
        }
    }
}

/// Of powers and of fields, by every parameter.
#[test]
fn derivatives_of_readings_are_differences_of_readings() {
    for kind in CellKind::ALL {
        for read in [Kind::Powers, Kind::Fields] {
            let model = model(Geometry::Clements, 4, kind);
            let parameters = drawn(model.sizes, 5);
            let asked = uniform(model.sizes.heaters, 6);
            let pass = Pass::new(&model, &parameters, &asked, true);
            let jacobian = Jacobian::new(&model, &parameters, &asked, &pass, read);
            let flat = parameters.flat();
            const STEP: f64 = 1e-6;
            for column in 0..flat.len() {
                let moved = |by: f64| {
                    let mut flat = flat.clone();
                    flat[column] += by;
                    let of = Parameters::from_flat(&flat, model.sizes);
                    read.read(&Pass::new(&model, &of, &asked, false))
                };
                let (more, less) = (moved(STEP), moved(-STEP));
                for (row, slope) in jacobian.column(column).iter().enumerate() {
                    let expected = (more[row] - less[row]) / (2.0 * STEP);
                    let miss = (slope - expected).abs();
                    assert!(
                        miss < 1e-7 * (1.0 + expected.abs()),
                        "{kind} {read:?} {column}: {slope} {expected}"
                    );
                }
            }
        }
    }
}

/// Both descents of the beginning follow the slopes of their losses by all phases.
#[test]
fn slopes_of_light_coherent_or_not_are_differences() {
    for kind in CellKind::ALL {
        let model = model(Geometry::Clements, 4, kind);
        let parameters = drawn(model.sizes, 7);
        let asked = vec![uniform(model.sizes.heaters, 8)];
        let truth = Pass::new(&model, &drawn(model.sizes, 9), &asked[0], false);
        let prior = Prior::new(&hardware(kind), model.sizes);
        for read in [Kind::Powers, Kind::Fields] {
            let values = read.read(&truth);
            let sigmas = vec![1e-4; values.len()];
            let rows = vec![measurements::Row { values, sigmas }];
            let problem = Problem {
                model: &model,
                kind: read,
                asked: &asked,
                rows: &rows,
                prior: &prior,
                sigma: None,
            };
            let mut incoherent = vec![0.0; model.sizes.heaters];
            problem.add_incoherent(&parameters, 0, &mut incoherent);
            let pass = Pass::new(&model, &parameters, &asked[0], true);
            let coherent = pass.pull_back(&model, problem.missed(&pass, 0));
            const STEP: f64 = 1e-5;
            for heater in 0..model.sizes.heaters {
                let losses = |by: f64| {
                    let mut of = parameters.clone();
                    of.offset_rad[heater] += by;
                    let incoherent = problem.add_incoherent(&of, 0, &mut vec![0.0; asked[0].len()]);
                    let seen = read.read(&Pass::new(&model, &of, &asked[0], false));
                    let squares = seen.iter().zip(&rows[0].values).map(|(x, y)| match read {
                        Kind::Powers => (x.sqrt() - y.sqrt()).powi(2),
                        Kind::Fields => (x - y).powi(2),
                    });
                    [incoherent, squares.sum()]
                };
                let (more, less) = (losses(STEP), losses(-STEP));
                let ports = (model.ports * model.ports) as f64;
                for (slope, at) in [(incoherent[heater] / ports, 0), (coherent[heater], 1)] {
                    let expected = (more[at] - less[at]) / (2.0 * STEP);
                    assert!(
                        (slope - expected).abs() < 1e-6,
                        "{kind} {read:?} {heater} {at}: {slope} {expected}"
                    );
                }
            }
        }
    }
}

/// T(θ, φ) diag(e^{ia}, e^{ib}) = e^{ib} T(θ, φ + a − b): powers stay, whatever the setting.
#[test]
fn no_power_moves_along_a_blind_direction() {
    for kind in CellKind::ALL {
        for (geometry, modes) in GEOMETRIES {
            let model = model(geometry, modes, kind);
            let parameters = drawn(model.sizes, 11);
            let asked = uniform(model.sizes.heaters, 12);
            let powers = |of: &Parameters| Kind::Powers.read(&Pass::new(&model, of, &asked, false));
            let before = powers(&parameters);
            let blind = model.blind(Kind::Powers);
            assert!(blind.len() >= model.mesh.modes());
            for blind in blind {
                let mut moved = parameters.clone();
                for (offset, by) in moved.offset_rad.iter_mut().zip(&blind.direction) {
                    *offset += 0.7 * by;
                }
                for (a, b) in before.iter().zip(powers(&moved)) {
                    assert!((a - b).abs() < 1e-13, "{kind} {geometry}: {:?}", blind.of);
                }
            }
        }
    }
    assert!(
        model(Geometry::Reck, 3, CellKind::Mzi)
            .blind(Kind::Fields)
            .is_empty()
    );
}

/// Measurements of a drawn chip, which the fit never sees.
fn measured(
    hardware: &Hardware,
    mesh: &Mesh,
    settings: usize,
    powers: bool,
    noise: f64,
) -> (Laboratory, Measurements) {
    let mut bench = Laboratory::new(hardware.fabricate(Seed(21), 1), mesh);
    let heaters = crate::hardware::Instrument::heaters(&bench);
    let settings = Settings::random(heaters, settings, Seed(5), 0);
    let measured = Measurements::take(&mut bench, settings, powers, || true).unwrap();
    (bench, measured.with_noise(noise, 1e-5, Seed(6)))
}

/// The matrix error at new settings, root mean square.
fn error(twin: &Twin, bench: &mut Laboratory, powers: bool) -> f64 {
    let heaters = crate::hardware::Instrument::heaters(bench);
    let new = Settings::random(heaters, 5, Seed(77), 0);
    let squares = new.values().outer_iter().map(|row| {
        let asked = row.to_vec();
        crate::hardware::Instrument::set(bench, &asked).unwrap();
        let (found, truth) = (twin.transfer(&asked).unwrap(), bench.true_transfer());
        match powers {
            true => error_up_to_phases(&found, &truth).powi(2),
            false => crate::linalg::matrix_error(&found, &truth).powi(2),
        }
    });
    (squares.sum::<f64>() / 5.0).sqrt()
}

#[test]
fn a_drawn_chip_is_found_from_powers_or_fields_and_predicts_new_settings() {
    for kind in CellKind::ALL {
        for powers in [true, false] {
            let hardware = hardware(kind);
            let mesh = Mesh::bar(Geometry::Clements, 4).unwrap();
            let (mut bench, measured) = measured(&hardware, &mesh, 24, powers, 0.01);
            let twin = Twin::fit(&mesh, &hardware, measured, Seed(1), &()).unwrap();
            let quality = twin.quality();
            let error = error(&twin, &mut bench, powers);
            assert!(quality.is_explained(), "{kind} {powers}: {quality:?}");
            assert!(error < 0.02, "{kind} powers {powers}: {error}");
            assert!(error < 3.0 * quality.expected_error, "{error} {quality:?}");
        }
    }
}

#[test]
fn orthonormal_directions_leave_out_what_others_span() {
    let basis = orthonormal([
        vec![1.0, 1.0, 0.0],
        vec![2.0, 2.0, 0.0],
        vec![1.0, 0.0, 0.0],
    ]);
    assert_eq!(basis.len(), 2);
    let dot: f64 = basis[0].iter().zip(&basis[1]).map(|(a, b)| a * b).sum();
    assert!(dot.abs() < 1e-15);
}
