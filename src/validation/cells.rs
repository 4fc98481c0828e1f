//! Cells and geometries beside the rectangle of MZIs.

use super::sample::haar;
use super::{Case, Expected, Section};
use crate::linalg::{C64, Matrix, max_abs_difference};
use crate::mesh::{
    CellKind, Cells, Coefficients, Correction, Geometry, Mesh, Values, closest, decompose,
};
use crate::rng::{Effect, Seed};

const BURGWAL: &str =
    "Burgwal et al., Opt. Express 25, 28236 (2017): spare columns make up for couplers";
const BUTTERFLY: &str =
    "Cooley, Tukey, Math. Comput. 19, 297 (1965): log₂ N columns of N/2 butterflies";

/// Other cells in every geometry, ancillas, butterflies, spare columns.
pub(super) fn section() -> Section {
    let mut cases = vec![every_cell_in_every_geometry()];
    cases.extend(symmetric());
    cases.push(diamond());
    cases.extend(butterfly());
    cases.extend(redundant());
    Section {
        title: "Cells and geometries",
        about: "Cells (MZI, 3-splitter MZI, MZI + crossing, symmetric) and geometries (rectangle, triangle, diamond, redundant rectangle, butterfly) \
                are chosen independently.",
        cases,
        curves: None,
    }
}

/// The matrix of `mesh` built of perfect cells of `kind`.
fn transfer(mesh: &Mesh, kind: CellKind) -> Matrix {
    let perfect = Cells::perfect(kind, mesh.nodes().len());
    let set = mesh.corrected(Correction::None, &perfect).phases;
    Coefficients::of(mesh, perfect, set).transfer()
}

fn every_cell_in_every_geometry() -> Case {
    let u = haar(Geometry::Clements, 8, 0).transfer();
    let mut largest: f64 = 0.0;
    let universal = [
        Geometry::Clements,
        Geometry::Reck,
        Geometry::Diamond,
        Geometry::Redundant { extra: 3 },
        Geometry::Butterfly,
    ];
    for geometry in universal {
        let mesh = closest(&u, geometry).expect("8 is a power of two").mesh;
        for kind in CellKind::ALL {
            let off = max_abs_difference(&transfer(&mesh, kind), &mesh.transfer());
            largest = largest.max(off);
        }
    }
    Case::analytic(
        "largest difference between the matrices of four kinds of perfect cells in five geometries, N = 8".to_owned(),
        largest,
        Expected::AtMost(1e-13),
        "every cell is an MZI up to phases, which move on to the next cells",
    )
}

fn symmetric() -> Vec<Case> {
    let modes = 8;
    let mesh = haar(Geometry::Clements, modes, 0);
    let source = "Bell, Walmsley, APL Photonics 6, 070804 (2021)";
    vec![
        Case::analytic(
            "phase sections that light passes in a rectangle of symmetric cells, N = 8: N + 2"
                .to_owned(),
            mesh.sections(CellKind::Symmetric) as f64,
            Expected::Near {
                value: (modes + 2) as f64,
                tolerance: 0.0,
            },
            source,
        ),
        Case::analytic(
            "the same of MZIs: 2 N + 1".to_owned(),
            mesh.sections(CellKind::Mzi) as f64,
            Expected::Near {
                value: (2 * modes + 1) as f64,
                tolerance: 0.0,
            },
            source,
        ),
    ]
}

fn diamond() -> Case {
    let u = haar(Geometry::Clements, 8, 1).transfer();
    let mesh = decompose(&u, Geometry::Diamond).expect("a diamond is universal");
    Case::analytic(
        format!(
            "max |U − U'| between the ports of a diamond, N = 8, {} MZIs on {} waveguides",
            mesh.nodes().len(),
            mesh.modes()
        ),
        max_abs_difference(&mesh.between_ports(&mesh.transfer()), &u),
        Expected::AtMost(1e-13),
        "Shokraneh et al., Opt. Express 28, 23495 (2020): (N − 1)² MZIs on 2N − 2 waveguides",
    )
}

fn butterfly() -> Vec<Case> {
    let n = 32usize;
    let bits = n.trailing_zeros();
    // The discrete Fourier transform of inputs in bit-reversed order.
    let fourier = Matrix::from_fn(n, n, |row, col| {
        let col = col.reverse_bits() >> (usize::BITS - bits);
        let turns = (row * col % n) as f64 / n as f64;
        C64::from_polar((n as f64).sqrt().recip(), -std::f64::consts::TAU * turns)
    });
    let error = |u: &Matrix| {
        closest(u, Geometry::Butterfly)
            .expect("a power of two")
            .error
    };
    vec![
        Case::analytic(
            "E of the butterfly that comes closest to a Fourier transform of bit-reversed inputs, N = 32".to_owned(),
            error(&fourier),
            Expected::AtMost(1e-9),
            BUTTERFLY,
        ),
        Case::analytic(
            "the same for a Haar-random unitary, N = 16".to_owned(),
            error(&haar(Geometry::Clements, 16, 2).transfer()),
            Expected::AtLeast(0.5),
            "80 phases of a butterfly against 256 of U(16): only a part of the unitaries",
        ),
    ]
}

fn redundant() -> Vec<Case> {
    let (modes, sigma) = (8, 0.1);
    let error = |extra: usize| {
        let u = haar(Geometry::Clements, modes, 3).transfer();
        let geometry = match extra {
            0 => Geometry::Clements,
            extra => Geometry::Redundant { extra },
        };
        let mesh = decompose(&u, geometry).expect("a rectangle is universal");
        let mut stream = Seed(4).stream(Effect::Splitting, 0, 0, 0);
        let mut draw = || sigma * stream.standard_normal();
        let count = mesh.nodes().len();
        let (alpha, beta): (Vec<f64>, Vec<f64>) = (0..count).map(|_| (draw(), draw())).unzip();
        let cells = Cells {
            alpha: Values::each(alpha),
            beta: Values::each(beta),
            ..Cells::perfect(CellKind::Mzi, count)
        };
        let set = mesh.corrected(Correction::Fit, &cells).phases;
        let on_chip = Coefficients::of(&mesh, cells, set);
        crate::linalg::matrix_error(&mesh.between_ports(&on_chip.transfer()), &u)
    };
    vec![
        Case::analytic(
            "E after a fit of all phases, rectangle, N = 8, σ = 0.1 rad".to_owned(),
            error(0),
            Expected::AtLeast(1e-4),
            "some MZIs cannot be set: no phases reach the matrix",
        ),
        Case::analytic(
            "the same with 4 spare columns".to_owned(),
            error(4),
            Expected::AtMost(1e-6),
            BURGWAL,
        ),
    ]
}
