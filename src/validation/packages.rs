//! Phases that other packages returned.

use serde::Deserialize;

use super::{Case, Expected, Section, Tier};
use crate::linalg::{C64, Matrix, max_abs_difference};
use crate::mesh::{Mesh, Notation};

/// The files of `meshes/golden`.
const GOLDEN: [&str; 13] = [
    include_str!("../../meshes/golden/strawberryfields_rectangular.json"),
    include_str!("../../meshes/golden/strawberryfields_rectangular_phase_end.json"),
    include_str!("../../meshes/golden/strawberryfields_rectangular_symmetric.json"),
    include_str!("../../meshes/golden/strawberryfields_rectangular_compact_5.json"),
    include_str!("../../meshes/golden/strawberryfields_rectangular_compact_6.json"),
    include_str!("../../meshes/golden/strawberryfields_triangular.json"),
    include_str!("../../meshes/golden/perceval_rectangle.json"),
    include_str!("../../meshes/golden/piquasso_clements.json"),
    include_str!("../../meshes/golden/clementsw_square.json"),
    include_str!("../../meshes/golden/clementsw_triangle.json"),
    include_str!("../../meshes/golden/phaseshift_clements.json"),
    include_str!("../../meshes/golden/neuroptica_clements.json"),
    include_str!("../../meshes/golden/neurophox_rectangular.json"),
];

/// Phases beside the package's own matrix.
#[derive(Deserialize)]
struct Golden {
    package: String,
    version: String,
    function: String,
    unitary_re: Vec<Vec<f64>>,
    unitary_im: Vec<Vec<f64>>,
    cells: Notation,
}

/// Conversions of other packages' cells.
pub(super) fn section() -> Section {
    let cases = GOLDEN.map(|text| {
        let golden: Golden = serde_json::from_str(text).expect("a golden file is valid");
        let modes = golden.cells.modes;
        let theirs = Matrix::from_fn(modes, modes, |row, col| {
            C64::new(golden.unitary_re[row][col], golden.unitary_im[row][col])
        });
        let ours = Mesh::from_notation(&golden.cells).expect("golden cells convert");
        Case {
            name: format!(
                "{} {}, {}, N = {modes}",
                golden.package, golden.version, golden.function
            ),
            tier: Tier::Package,
            ours: max_abs_difference(&ours.transfer(), &theirs),
            expected: Expected::AtMost(2e-14),
            source: "the matrix that the package itself computes from its phases",
            note: "",
        }
    });
    Section {
        title: "Phases of other packages",
        about: "Largest difference between the matrix of the converted mesh and the package's own (`meshes/golden`).",
        cases: cases.into(),
        curves: None,
    }
}
