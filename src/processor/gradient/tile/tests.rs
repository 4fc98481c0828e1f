//! Every slope of a tile on a chip against central differences: geometry × cell × what a chip does.

use ndarray::Array2;

use super::*;
use crate::compile::{Array, Layout, Tile, compile};
use crate::hardware::Hardware;
use crate::mesh::{CellKind, Geometry};
use crate::nn::{LinearId, Network, Readout, Weight};
use crate::processor::tile::{Silicon, set_to};
use crate::rng::{Effect, Seed};

/// Differences of five points with this step miss by 1e-13.
const STEP: f64 = 1e-3;
/// How far a slope may be from its difference, relative to the largest one.
const BOUND: f64 = 1e-9;

const GEOMETRIES: [Geometry; 5] = [
    Geometry::Clements,
    Geometry::Reck,
    Geometry::Diamond,
    Geometry::Butterfly,
    Geometry::Redundant { extra: 2 },
];

/// What a chip does that is smooth, alone and all at once.
const EFFECTS: [&[(&str, &str)]; 10] = [
    &[],
    &[
        ("coupler.splitting_error_rad", "0.1"),
        ("coupler.splitting_bias_rad", "0.05"),
    ],
    &[("phase_shifter.offset_rad", "0.5")],
    &[("phase_shifter.phase_error_rad", "0.1")],
    &[
        ("phase_shifter.drift_rad_per_sqrt_s", "0.1"),
        ("phase_shifter.drift_time_s", "2"),
    ],
    &[("phase_shifter.v_pi_error", "0.05")],
    &[("phase_shifter.crosstalk", "0.03")],
    &[
        ("mesh.insertion_loss_db", "0.5"),
        ("mesh.insertion_loss_spread_db", "0.2"),
    ],
    &[("mesh.arm_imbalance_db", "0.7")],
    &[
        ("coupler.splitting_error_rad", "0.1"),
        ("phase_shifter.offset_rad", "0.5"),
        ("phase_shifter.phase_error_rad", "0.1"),
        ("phase_shifter.v_pi_error", "0.05"),
        ("phase_shifter.crosstalk", "0.03"),
        ("mesh.insertion_loss_db", "0.5"),
        ("mesh.insertion_loss_spread_db", "0.2"),
        ("mesh.arm_imbalance_db", "0.7"),
    ],
];

fn chip(kind: CellKind, effects: &[(&str, &str)]) -> Chip {
    let cell = Hardware::default().with("mesh.cell", kind.name()).unwrap();
    let set = |hw: Hardware, (key, value): &(&str, &str)| hw.with(key, value).unwrap();
    effects.iter().fold(cell, set).fabricate(Seed(4), 2)
}

fn tile(geometry: Geometry, modes: usize, shape: (usize, usize)) -> Tile {
    let mut stream = Seed(5).stream(Effect::Haar, shape.0 as u64, shape.1 as u64, 0);
    let weight = Array2::from_shape_simple_fn(shape, || {
        C64::new(stream.standard_normal(), stream.standard_normal())
    });
    let network = Network::of_weight(Weight::Complex(weight), Readout::Modulus).unwrap();
    let layout = Layout {
        multiplier: geometry.into(),
        tile: Some(modes),
        ..Layout::default()
    };
    let mut tile = compile(&network, layout).unwrap().tiles(LinearId(0))[0].clone();
    // Attenuators inside of their range, where light of every mode arrives.
    let Array::Meshes(meshes) = &mut tile.array else {
        panic!("the tile has meshes")
    };
    for (mode, theta) in meshes.attenuators.iter_mut().enumerate() {
        *theta = 0.5 + 0.6 * mode as f64;
    }
    tile
}

fn random(shape: (usize, usize)) -> Fields<f64> {
    let mut stream = Seed(6).stream(Effect::Haar, 0, 0, 0);
    let mut part = || Array2::from_shape_simple_fn(shape, || stream.standard_normal());
    Fields {
        re: part(),
        im: part(),
    }
}

/// L = Re Σ v* m + Σ |m|⁴ / 4.
fn loss(m: &Fields<f64>, v: &Fields<f64>) -> f64 {
    let powers = &m.re * &m.re + &m.im * &m.im;
    (&m.re * &v.re).sum() + (&m.im * &v.im).sum() + 0.25 * (&powers * &powers).sum()
}

fn by_matrix(m: &Fields<f64>, v: &Fields<f64>) -> Fields<f64> {
    let powers = &m.re * &m.re + &m.im * &m.im;
    Fields {
        re: &v.re + &(&m.re * &powers),
        im: &v.im + &(&m.im * &powers),
    }
}

fn difference(loss: impl Fn(f64) -> f64) -> f64 {
    let [far, near] = [2.0, 1.0].map(|k| loss(k * STEP) - loss(-k * STEP));
    (8.0 * near - far) / (12.0 * STEP)
}

/// The largest deviation of a slope by an asked phase from its difference, relative to the largest slope.
fn deviation(chip: &Chip, tile: &Tile, correction: Correction) -> f64 {
    let meshes = tile.as_meshes().unwrap();
    let (rows, cols) = (tile.rows, tile.cols);
    let v = random((rows, cols));
    let set = |targets: Vec<f64>| {
        let silicon = Silicon::of(meshes, chip, Placed::MESH);
        set_to(meshes, chip, Placed::MESH, silicon, (targets, correction))
    };
    let matrix = |set: &SetMeshes| set.matrix::<f64>(rows, cols, |_| {});
    let kind = chip.cell_kind();
    let count = |mesh: &crate::mesh::Mesh| mesh.phase_shifters_of(kind);
    let targets = count(&meshes.input) + meshes.attenuators.len() + count(&meshes.output);
    // Phases away from 0 and 2π, where a heater's steps.
    let mut stream = Seed(7).stream(Effect::Haar, 0, 0, 0);
    let targets: Vec<f64> = (0..targets).map(|_| 0.3 + 5.0 * stream.uniform()).collect();
    let here = set(targets.clone());
    let by_shown = here.by_shown(&by_matrix(&matrix(&here), &v));
    let gradient = by_asked_of(meshes, chip, Placed::MESH, None, by_shown);
    let got = [
        gradient.input.flat(),
        gradient.attenuators,
        gradient.output.flat(),
    ]
    .concat();
    assert_eq!(got.len(), targets.len());
    let expected = (0..targets.len()).map(|index| {
        difference(|step| {
            let mut targets = targets.clone();
            targets[index] += step;
            loss(&matrix(&set(targets)), &v)
        })
    });
    let expected: Vec<f64> = expected.collect();
    let size = expected.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    let off = got.iter().zip(&expected).map(|(x, y)| (x - y).abs());
    off.fold(0.0, f64::max) / size
}

#[test]
fn slopes_of_every_geometry_cell_and_effect_are_central_differences() {
    for geometry in GEOMETRIES {
        let modes = if geometry == Geometry::Butterfly {
            4
        } else {
            3
        };
        let tile = tile(geometry, modes, (modes, modes));
        for kind in CellKind::ALL {
            for effects in EFFECTS {
                let off = deviation(&chip(kind, effects), &tile, Correction::None);
                assert!(off < BOUND, "{geometry} {kind} {effects:?}: {off:e}");
            }
        }
    }
}

/// Light of the fewer ports, from either side.
#[test]
fn slopes_of_padded_and_oblong_tiles_are_central_differences() {
    let all = EFFECTS[EFFECTS.len() - 1];
    for shape in [(2, 4), (4, 2), (1, 3), (3, 1)] {
        for geometry in [Geometry::Clements, Geometry::Diamond] {
            let tile = tile(geometry, 4, shape);
            for kind in CellKind::ALL {
                let off = deviation(&chip(kind, all), &tile, Correction::None);
                assert!(off < BOUND, "{geometry} {kind} {shape:?}: {off:e}");
            }
        }
    }
}

/// The tile's own phases, through the way that a processor goes.
#[test]
fn slopes_by_the_phases_of_a_program_are_central_differences() {
    let tile = tile(Geometry::Clements, 3, (3, 3));
    for effects in EFFECTS {
        let chip = chip(CellKind::Mzi, effects);
        let v = random((3, 3));
        let mut meshes = tile.as_meshes().unwrap().clone();
        // Away from 0, below which a heater turns by 2π: that changes what a wrong V_π and crosstalk make of it.
        let mut stream = Seed(8).stream(Effect::Haar, 0, 0, 0);
        for mesh in [&mut meshes.input, &mut meshes.output] {
            let flat = mesh.phases().flat().into_iter();
            let flat = flat.map(|_| 0.3 + 5.0 * stream.uniform()).collect();
            *mesh = mesh.with_phases(Phases::from_flat(flat, mesh)).unwrap();
        }
        let matrix = |meshes: &Meshes| {
            set_meshes(meshes, &chip, Placed::MESH, Correction::None).matrix::<f64>(3, 3, |_| {})
        };
        let by_matrix = by_matrix(&matrix(&meshes), &v);
        let gradient = by_asked(&meshes, &chip, Placed::MESH, Correction::None, &by_matrix);
        let change = |got: f64, set: &dyn Fn(&mut Meshes, f64)| {
            let expected = difference(|step| {
                let mut meshes = meshes.clone();
                set(&mut meshes, step);
                loss(&matrix(&meshes), &v)
            });
            assert!(
                (got - expected).abs() < 1e-9,
                "{effects:?}: {got} {expected}"
            );
        };
        for (mode, got) in gradient.attenuators.iter().enumerate() {
            change(*got, &|meshes, step| meshes.attenuators[mode] += step);
        }
        for (index, got) in gradient.input.flat().into_iter().enumerate() {
            change(got, &|meshes, step| {
                let mut flat = meshes.input.phases().flat();
                flat[index] += step;
                let phases = Phases::from_flat(flat, &meshes.input);
                meshes.input = meshes.input.with_phases(phases).unwrap();
            });
        }
    }
}

/// Straight through a supply: the slopes of a chip of coarse voltages are those of the same one without steps, at the phases
/// that the steps left.
#[test]
fn slopes_go_straight_through_the_supply() {
    let tile = tile(Geometry::Clements, 3, (3, 3));
    let meshes = tile.as_meshes().unwrap();
    let errors = [
        ("phase_shifter.v_pi_error", "0.05"),
        ("phase_shifter.crosstalk", "0.03"),
    ];
    let smooth = chip(CellKind::Mzi, &errors);
    let stepped = [&errors[..], &[("phase_shifter.dac_bits", "5")]].concat();
    let stepped = chip(CellKind::Mzi, &stepped);
    let wiring = Wiring::of(meshes, &smooth, Placed::MESH);
    let count: usize = wiring.sections.iter().map(|(_, count)| count).sum();
    let slopes: Vec<f64> = (0..count).map(|k| (k as f64).sin()).collect();
    let of = |chip: &Chip| chip.pull_back(&wiring.heaters, &wiring.sections, slopes.clone());
    assert_eq!(of(&stepped), of(&smooth));
    // And they are the transpose of what the smooth one does to phases: Σ s (∂shown/∂asked) d = Σ (pulled s) d.
    let asked: Vec<f64> = (0..count).map(|k| 1.0 + (0.3 * k as f64).cos()).collect();
    let shown = |asked: Vec<f64>| {
        let settled = smooth.settle(&wiring.heaters, &wiring.sections, asked, Correction::None);
        settled.concat()
    };
    let pulled = of(&smooth);
    for index in 0..count {
        let mut moved = asked.clone();
        moved[index] += 1.0;
        let pairs = shown(moved).into_iter().zip(shown(asked.clone()));
        let expected: f64 = pairs
            .zip(&slopes)
            .map(|((to, from), s)| s * (to - from))
            .sum();
        assert!((pulled[index] - expected).abs() < 1e-12, "{index}");
    }
}

/// The bound is tight enough for a missing conjugate of any factor: with it the slopes are far off.
#[test]
fn a_missing_conjugate_is_far_from_central_differences() {
    let tile = tile(Geometry::Clements, 3, (3, 3));
    let chip = chip(CellKind::Mzi, EFFECTS[EFFECTS.len() - 1]);
    let meshes = tile.as_meshes().unwrap();
    let set = set_meshes(meshes, &chip, Placed::MESH, Correction::None);
    let by_matrix = random((3, 3));
    let right = set.by_shown(&by_matrix).input.flat();
    let conjugate = Fields {
        im: -by_matrix.im.clone(),
        re: by_matrix.re,
    };
    let wrong = set.by_shown(&conjugate).input.flat();
    let size = right.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    let off = right.iter().zip(&wrong).map(|(x, y)| (x - y).abs());
    assert!(off.fold(0.0, f64::max) > 0.1 * size);
}
