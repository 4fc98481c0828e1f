//! Laws that drawn chips must obey, at the sizes where their values are known.

use lightloom::hardware::Hardware;
use lightloom::mesh::{Geometry, Mesh};
use lightloom::rng::{Effect, Seed};
use lightloom::validation::SECTIONS;

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

/// Laws of errors and readout, presets and the matrices of other packages, as `lightloom validate` shows them; statistics of
/// many corrected chips and the networks take longer and are left to the command.
#[test]
fn quick_values_of_the_validation_are_what_they_must_be() {
    for chapter in SECTIONS.iter().filter(|chapter| chapter.is_quick) {
        let section = (chapter.compute)();
        assert!(section.cases.len() > 2, "{}", section.title);
        for case in &section.cases {
            assert!(case.holds(), "{case:?}");
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
