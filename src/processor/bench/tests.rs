//! The bench of a tile beside the processor that it is a tile of.

use ndarray::{Array2, Zip, s};

use super::*;
use crate::compile::{Layout, Multiplier, Program, compile};
use crate::error::compare::{unsupported, value};
use crate::field::Fields;
use crate::hardware::{Hardware, Instrument, Placement, Side};
use crate::linalg::C64;
use crate::mesh::{CellKind, Correction, Geometry, Mesh};
use crate::nn::{Network, Readout, Weight};
use crate::processor::Loading;
use crate::rng::{Effect, Seed};

/// Every effect of the phases, couplers and losses of a chip.
const ALL: [(&str, &str); 9] = [
    ("coupler.splitting_error_rad", "0.1"),
    ("phase_shifter.offset_rad", "0.5"),
    ("phase_shifter.phase_error_rad", "0.1"),
    ("phase_shifter.v_pi_error", "0.05"),
    ("phase_shifter.crosstalk", "0.03"),
    ("phase_shifter.dac_bits", "12"),
    ("mesh.insertion_loss_db", "0.5"),
    ("mesh.insertion_loss_spread_db", "0.2"),
    ("mesh.arm_imbalance_db", "0.7"),
];

fn hardware(settings: &[(&str, &str)]) -> Hardware {
    let set = |hw: Hardware, (key, value): &(&str, &str)| hw.with(key, value).unwrap();
    settings.iter().fold(Hardware::default(), set)
}

fn program(shape: (usize, usize), layout: Layout) -> Program {
    let mut stream = Seed(5).stream(Effect::Haar, shape.0 as u64, shape.1 as u64, 0);
    let weight = Array2::from_shape_simple_fn(shape, || {
        C64::new(stream.standard_normal(), stream.standard_normal())
    });
    let network = Network::of_weight(Weight::Complex(weight), Readout::Modulus).unwrap();
    compile(&network, layout).unwrap()
}

fn tiled(geometry: Geometry) -> Layout {
    Layout {
        multiplier: geometry.into(),
        tile: Some(4),
        ..Layout::default()
    }
}

/// The largest difference between what a bench makes of light in each of the first ports and a tile's matrix.
fn difference(bench: &mut Laboratory, matrix: &Fields<f64>) -> f64 {
    let (rows, cols) = (matrix.modes(), matrix.samples());
    let light = Fields::basis(bench.ports(Side::Inputs), cols);
    let fields = bench.send(Side::Inputs, &light).unwrap();
    let mut most: f64 = 0.0;
    for (ours, expected) in [(&fields.re, &matrix.re), (&fields.im, &matrix.im)] {
        Zip::from(ours.slice(s![..rows, ..]))
            .and(expected)
            .for_each(|x, y| most = most.max((x - y).abs()));
    }
    most
}

/// With every effect at once, corrected or not, on silicon of its own or shared: what a loaded tile does to light.
#[test]
fn a_bench_makes_of_light_what_the_loaded_tile_does() {
    for geometry in [Geometry::Clements, Geometry::Reck, Geometry::Diamond] {
        for kind in CellKind::ALL {
            for (correction, placement) in [
                (Correction::None, Placement::OwnMeshes),
                (Correction::None, Placement::Shared { meshes: 2 }),
                (Correction::Local, Placement::OwnMeshes),
                (Correction::Progressive, Placement::Shared { meshes: 3 }),
            ] {
                // Blocks of 4×4, 4×2, 3×4 and 3×2.
                let program = program((7, 6), tiled(geometry));
                let hw = hardware(&ALL).with("mesh.cell", kind.name()).unwrap();
                let loading = Loading {
                    correction,
                    placement,
                    ..Loading::default()
                };
                let chip = hw.fabricate(Seed(4), 2);
                let processor = Processor::<f64>::load(&program, chip, loading, None).unwrap();
                let id = LinearId(0);
                assert_eq!(processor.maps[&id].tiles.len(), 4);
                for (tile, loaded) in processor.maps[&id].tiles.iter().enumerate() {
                    let mut bench = processor.bench(id, tile).unwrap();
                    let off = difference(&mut bench, &loaded.matrix);
                    assert!(
                        off < 1e-12,
                        "{geometry} {kind} {correction:?} {tile}: {off:e}"
                    );
                }
            }
        }
    }
}

/// The phases of a program without correction are those that are asked for, and set again without programming errors they do
/// the same; with them, another draw.
#[test]
fn a_bench_begins_as_it_was_loaded_and_errs_anew_with_every_setting() {
    let program = program((4, 6), Layout::default());
    let id = LinearId(0);
    let meshes = program.tiles(id)[0].as_meshes().unwrap();
    let [input, output] = [&meshes.input, &meshes.output].map(|mesh| mesh.phases().flat());
    let phases = [input, meshes.attenuators.clone(), output].concat();
    for (phase_error, errs) in [("0", false), ("0.1", true)] {
        let hw = hardware(&[
            ("coupler.splitting_error_rad", "0.1"),
            ("phase_shifter.phase_error_rad", phase_error),
        ]);
        let chip = hw.fabricate(Seed(4), 0);
        let processor = Processor::<f64>::load(&program, chip, Correction::None, None).unwrap();
        let mut bench = processor.bench(id, 0).unwrap();
        for (ours, asked) in bench.phases().iter().zip(&phases) {
            assert!((ours - asked).abs() < 1e-12);
        }
        assert_eq!(
            (bench.ports(Side::Inputs), bench.ports(Side::Outputs)),
            (6, 4)
        );
        let matrix = &processor.maps[&id].tiles[0].matrix;
        assert!(difference(&mut bench, matrix) < 1e-12);
        bench.set(&phases).unwrap();
        let off = difference(&mut bench, matrix);
        assert_eq!(off > 1e-3, errs, "{off:e}");
    }
}

#[test]
fn what_is_no_tile_of_meshes_has_no_bench() {
    let load = |program: &Program| {
        let chip = Hardware::default().fabricate(Seed(0), 0);
        Processor::<f64>::load(program, chip, Correction::None, None).unwrap()
    };
    let processor = load(&program((3, 3), Layout::default()));
    let refusal = |processor: &Processor<f64>, map, tile| {
        processor.bench(LinearId(map), tile).unwrap_err().refusal()
    };
    assert_eq!(refusal(&processor, 1, 0), value("number of the map", "1"));
    assert_eq!(refusal(&processor, 0, 1), value("number of the tile", "1"));
    let crossbar = Layout {
        multiplier: Multiplier::Crossbar,
        ..Layout::default()
    };
    let processor = load(&program((3, 3), crossbar));
    assert_eq!(refusal(&processor, 0, 0), unsupported("tile", "crossbar"));
}

/// A program or mesh of what heaters are asked for does without a correction what the correction did, through crosstalk, heaters
/// that are weaker than their calibration, offsets and converters.
#[test]
fn what_is_asked_of_heaters_makes_the_corrected_matrix_without_a_correction() {
    let hw = hardware(&ALL)
        .with("phase_shifter.offset_rad", "3")
        .unwrap();
    let hw = hw.with("phase_shifter.phase_error_rad", "0").unwrap();
    let chip = hw.fabricate(Seed(4), 2);
    for correction in [Correction::Local, Correction::Progressive] {
        let program = program((7, 6), tiled(Geometry::Clements));
        let load = |program: &Program, correction: Correction| {
            Processor::<f64>::load(program, chip.clone(), correction, None).unwrap()
        };
        let asked = asked_of_program(&program, &chip, correction, &()).unwrap();
        let [corrected, as_asked] = [
            load(&program, correction),
            load(&asked.of, Correction::None),
        ];
        assert_eq!(
            corrected.unreachable().iter().sum::<usize>(),
            asked.unreachable
        );
        let [a, b] = [&corrected, &as_asked].map(|processor| processor.matrix(LinearId(0)));
        let pairs = a.re.iter().chain(&a.im).zip(b.re.iter().chain(&b.im));
        let off = pairs.fold(0.0, |most: f64, (a, b)| most.max((a - b).abs()));
        assert!(off < 1e-12, "{correction:?}: {off:e}");

        let mesh = Mesh::bar(Geometry::Reck, 5).unwrap();
        let asked = asked_of_mesh(&mesh, &chip, correction).unwrap().of;
        let corrected = chip.program(&mesh, correction).coefficients.transfer();
        let off = (chip.transfer(&asked) - corrected).norm();
        assert!(off < 1e-12, "{correction:?}: {off:e}");
    }
}

#[test]
fn files_hold_no_phases_of_other_cells_than_mzis() {
    let chip = hardware(&[("mesh.cell", "symmetric")]).fabricate(Seed(0), 0);
    let mesh = Mesh::bar(Geometry::Clements, 3).unwrap();
    let refused = asked_of_mesh(&mesh, &chip, Correction::Local).map(|_| ());
    assert_eq!(
        refused.unwrap_err().refusal(),
        unsupported("correction in a file", "mesh.cell = symmetric")
    );
}
