use std::f64::consts::{FRAC_PI_2, PI, TAU};

use serde::Deserialize;

use super::*;
use crate::error::compare::{golden, value};
use crate::field::TwoByTwo;
use crate::linalg::{C64, Matrix, haar_unitary, max_abs_difference};
use crate::mesh::{Geometry, StrawberryRow, decompose};
use crate::rng::{Effect, Seed};

fn e(phase: f64) -> C64 {
    C64::from_polar(1.0, phase)
}

fn times(a: TwoByTwo, b: TwoByTwo) -> TwoByTwo {
    [
        a[0] * b[0] + a[1] * b[2],
        a[0] * b[1] + a[1] * b[3],
        a[2] * b[0] + a[3] * b[2],
        a[2] * b[1] + a[3] * b[3],
    ]
}

/// The cell of each package as its documentation writes it, built from couplers and shifters or from the
/// published closed form, never from the code under test.
fn documented(convention: Convention, [a, b]: [f64; 2]) -> TwoByTwo {
    let half = C64::from(0.5f64.sqrt());
    let coupler = [half, C64::i() * half, C64::i() * half, half];
    let shift = |top: f64, bottom: f64| [e(top), C64::default(), C64::default(), e(bottom)];
    let mzi = |theta, phi| {
        times(
            coupler,
            times(shift(theta, 0.0), times(coupler, shift(phi, 0.0))),
        )
    };
    match convention {
        // Clements et al. (2016) eq. 1; `T` in strawberryfields.decompositions; `Beamsplitter` of clementsw.
        Convention::Clements | Convention::StrawberryFields | Convention::Clementsw => [
            e(b) * a.cos(),
            C64::from(-a.sin()),
            e(b) * a.sin(),
            C64::from(a.cos()),
        ],
        // `mach_zehnder(m, n, internal_phase, external_phase, nmax)`: BS Rinternal BS Rexternal.
        Convention::StrawberryFieldsMzi => mzi(a, b),
        // catalog["mzi phase first"]: PS(phi_a), BS, PS(phi_b), BS.
        Convention::Perceval => mzi(b, a),
        // neuroptica `MZI.get_transfer_matrix`.
        Convention::Neuroptica => {
            let (t, one, i) = (e(a), C64::from(1.0), C64::i());
            [
                e(b) * (t - one) * 0.5,
                i * e(b) * (one + t) * 0.5,
                i * (t + one) * 0.5,
                (one - t) * 0.5,
            ]
        }
        // neurophox `SMMZI`, B L(θ) B L(φ), applied from the right to a row: the transpose acts on a column.
        Convention::Neurophox => {
            let [t11, t12, t21, t22] = mzi(a, b);
            [t11, t21, t12, t22]
        }
        // Bell and Walmsley (2021) eq. 1: i e^{iΣ} [[sin δ, cos δ], [cos δ, −sin δ]].
        Convention::BellWalmsley => {
            let (sum, delta) = ((a + b) / 2.0, (a - b) / 2.0);
            let g = C64::i() * e(sum);
            [
                g * delta.sin(),
                g * delta.cos(),
                g * delta.cos(),
                g * -delta.sin(),
            ]
        }
    }
}

/// The matrix of `cells` from the documented cells, element by element.
fn product_of(cells: &Notation) -> Matrix {
    let first = cells.convention.first_mode();
    let mut u = Matrix::identity(cells.modes, cells.modes);
    for element in &cells.elements {
        let mut factor = Matrix::identity(cells.modes, cells.modes);
        let (modes, phases_rad, is_inverse) = match *element {
            Element::Phase { mode, phase_rad } => {
                factor[(mode - first, mode - first)] = e(phase_rad);
                u = factor * u;
                continue;
            }
            Element::Cell { modes, phases_rad } => (modes, phases_rad, false),
            Element::Inverse { modes, phases_rad } => (modes, phases_rad, true),
        };
        let [top, bottom] = modes.map(|mode| mode - first);
        let m = documented(cells.convention, phases_rad);
        factor[(top, top)] = m[0];
        factor[(top, bottom)] = m[1];
        factor[(bottom, top)] = m[2];
        factor[(bottom, bottom)] = m[3];
        u = if is_inverse { factor.adjoint() } else { factor } * u;
    }
    u
}

fn haar(n: usize) -> Matrix {
    haar_unitary(n, &mut Seed(12).stream(Effect::Haar, n as u64, 0, 0))
}

#[test]
fn every_cell_is_the_one_that_its_package_documents() {
    for convention in Convention::ALL {
        for step in 0..200 {
            let a = -7.0 + 0.173 * f64::from(step);
            for phases in [
                [a, 1.1 * a - 2.0],
                [a, 0.0],
                [0.0, a],
                [FRAC_PI_2, a],
                [PI, a],
                [a, a],
            ] {
                let (got, said) = (convention.matrix(phases), documented(convention, phases));
                let error = got
                    .iter()
                    .zip(said)
                    .map(|(x, y)| (x - y).norm())
                    .fold(0.0, f64::max);
                assert!(error < 2e-14, "{convention} {phases:?}: {error:e}");
            }
        }
    }
}

/// 1e-13 up to 16 modes, in both geometries and directions.
#[test]
fn meshes_keep_their_matrix_and_phases_through_every_convention() {
    for n in 1..=16 {
        for geometry in [Geometry::Clements, Geometry::Reck] {
            let u = haar(n);
            let mesh = decompose(&u, geometry).unwrap();
            for convention in Convention::ALL {
                let cells = mesh.to_notation(convention);
                let error = max_abs_difference(&product_of(&cells), &u);
                assert!(error < 1e-13, "{convention} {geometry} {n}: {error:e}");
                let back = Mesh::from_notation(&cells).unwrap();
                assert_eq!(back.nodes(), mesh.nodes());
                for (x, y) in back.phases.flat().iter().zip(mesh.phases.flat()) {
                    let off = (x - y).abs();
                    assert!(
                        off.min(TAU - off) < 1e-12,
                        "{convention} {geometry} {n}: {x} {y}"
                    );
                }
                let error = max_abs_difference(&back.transfer(), &u);
                assert!(error < 1e-13, "{convention} {geometry} {n}: {error:e}");
            }
        }
    }
}

#[test]
fn every_convention_spends_a_phase_per_squared_mode() {
    for n in 1..=9 {
        for geometry in [Geometry::Clements, Geometry::Reck] {
            let mesh = decompose(&haar(n), geometry).unwrap();
            for convention in Convention::ALL {
                let cells = mesh.to_notation(convention);
                let phases: usize = cells
                    .elements
                    .iter()
                    .map(|element| {
                        if matches!(element, Element::Phase { .. }) {
                            1
                        } else {
                            2
                        }
                    })
                    .sum();
                // In an even rectangle, N/2 − 1 combinations of common phases move nothing.
                let idle = match (convention, geometry) {
                    (Convention::BellWalmsley, Geometry::Clements) if n % 2 == 0 => n / 2 - 1,
                    _ => 0,
                };
                assert_eq!(phases, n * n + idle, "{convention} {geometry} {n}");
            }
        }
    }
}

#[test]
fn bar_and_cross_meshes_and_any_phases_convert() {
    let n = 6;
    let reversal = Matrix::from_fn(n, n, |r, c| C64::from(f64::from(u8::from(r + c == n - 1))));
    for u in [Matrix::identity(n, n), reversal] {
        for geometry in [Geometry::Clements, Geometry::Reck] {
            let mut mesh = decompose(&u, geometry).unwrap();
            for shift in [0.0, -9.0, 4.0, 40.0] {
                // θ far outside of [0, π].
                mesh.phases
                    .theta
                    .iter_mut()
                    .for_each(|theta| *theta += shift);
                let u = mesh.transfer();
                for convention in Convention::ALL {
                    let cells = mesh.to_notation(convention);
                    assert!(max_abs_difference(&product_of(&cells), &u) < 1e-13);
                    let back = Mesh::from_notation(&cells).unwrap();
                    assert!(back.theta().iter().all(|theta| (0.0..=PI).contains(theta)));
                    assert!(max_abs_difference(&back.transfer(), &u) < 1e-13);
                }
            }
        }
    }
}

#[test]
fn meshes_of_distant_modes_convert() {
    let nodes = [(0, 0, 2), (0, 3, 1), (1, 3, 0), (2, 2, 0), (2, 1, 3)];
    let nodes = nodes.map(|(column, top, bottom)| Node {
        column,
        top,
        bottom,
    });
    let (theta, phi) = (vec![0.3, 2.0, 1.2, 3.0, 0.1], vec![5.0, 0.2, 1.0, 3.3, 2.2]);
    let mesh = Mesh::new(5, nodes.to_vec(), theta, phi, vec![0.1, 0.2, 0.3, 0.4, 0.5]).unwrap();
    for convention in Convention::ALL {
        let cells = mesh.to_notation(convention);
        assert!(max_abs_difference(&product_of(&cells), &mesh.transfer()) < 1e-13);
        let back = Mesh::from_notation(&cells).unwrap();
        assert!(max_abs_difference(&back.transfer(), &mesh.transfer()) < 1e-13);
    }
}

/// A file of `meshes/golden`: phases that a package returned, beside its own matrix.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Golden {
    package: String,
    version: String,
    function: String,
    date: String,
    unitary_re: Vec<Vec<f64>>,
    unitary_im: Vec<Vec<f64>>,
    cells: Notation,
}

/// Real packages: `meshes/README.md` has the versions and the commands.
#[test]
fn phases_from_other_packages_make_their_matrices() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("meshes/golden");
    let mut seen = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let golden: Golden =
            serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let name = format!(
            "{} {} {} {}",
            golden.package, golden.version, golden.function, golden.date
        );
        let n = golden.cells.modes;
        let u = Matrix::from_fn(n, n, |r, c| {
            C64::new(golden.unitary_re[r][c], golden.unitary_im[r][c])
        });
        let mesh = Mesh::from_notation(&golden.cells).unwrap();
        let error = max_abs_difference(&mesh.transfer(), &u);
        // Strawberry Fields rounds its mach_zehnder matrices to 14 digits.
        assert!(error < 1e-13, "{name}: {error:e}");
        // And back into the package's words.
        let back = mesh.to_notation(golden.cells.convention);
        assert!(max_abs_difference(&product_of(&back), &u) < 1e-13, "{name}");
        assert_eq!(Notation::from_json(&back.to_json()).unwrap(), back);
        seen.push(golden.cells.convention);
    }
    for convention in Convention::ALL {
        assert!(
            seen.contains(&convention),
            "no golden file for {convention}"
        );
    }
}

/// `rectangular` of Strawberry Fields returns `(tilist, diag, tlist)`; the golden file has them unfolded.
#[test]
fn pasted_strawberry_fields_lists_are_read_in_the_order_of_light() {
    let text = include_str!("../../../../meshes/golden/strawberryfields_rectangular.json");
    let golden: Golden = serde_json::from_str(text).unwrap();
    let n = golden.cells.modes;
    let row = |modes: [usize; 2], phases_rad: [f64; 2]| -> StrawberryRow {
        let [m, n_] = modes.map(|mode| mode as f64);
        [m, n_, phases_rad[0], phases_rad[1], n as f64]
    };
    let (mut before, mut diagonal, mut after) = (Vec::new(), Vec::new(), Vec::new());
    for element in &golden.cells.elements {
        match *element {
            Element::Cell { modes, phases_rad } => before.push(row(modes, phases_rad)),
            Element::Phase { phase_rad, .. } => diagonal.push(e(phase_rad)),
            Element::Inverse { modes, phases_rad } => after.insert(0, row(modes, phases_rad)),
        }
    }
    let convention = Convention::StrawberryFields;
    let read = Notation::from_strawberryfields(convention, &before, &diagonal, &after).unwrap();
    assert!(max_abs_difference(&product_of(&read), &product_of(&golden.cells)) < 1e-15);
    // `triangular`: the diagonal first, then inverses.
    let read = Notation::from_strawberryfields_triangular(&after, &diagonal).unwrap();
    assert!(matches!(read.elements[0], Element::Phase { .. }));
    let Element::Inverse { modes, phases_rad } = read.elements[n] else {
        panic!("an inverse cell stands behind the diagonal");
    };
    assert_eq!(row(modes, phases_rad), after[0]);
    let half = [[0.5, 1.0, 0.0, 0.0, 2.0]];
    let error = Notation::from_strawberryfields(convention, &half, &diagonal, &[]).unwrap_err();
    let row = "row [0.5, 1.0, 0.0, 0.0, 2.0]";
    assert_eq!(error.refusal(), value("mode", "0.5").within(row));
    let error = Notation::from_strawberryfields(Convention::Perceval, &[], &diagonal, &[]);
    let package = value("convention", "perceval");
    assert_eq!(error.unwrap_err().refusal(), package);
}

#[test]
fn names_of_conventions_are_the_same_in_files_and_on_the_command_line() {
    for convention in Convention::ALL {
        assert_eq!(convention.name().parse::<Convention>().unwrap(), convention);
        let json = format!("\"{convention}\"");
        assert_eq!(serde_json::to_string(&convention).unwrap(), json);
    }
    golden("clement", "clement".parse::<Convention>().unwrap_err());
}

#[test]
fn cells_that_cannot_be_are_named() {
    let new = |modes| Notation::new(Convention::Clements, modes);
    let error = |cells: &Notation| Mesh::from_notation(cells).unwrap_err();
    assert_eq!(error(&new(0)).refusal(), value("modes", "0"));
    let many = usize::MAX.to_string();
    assert_eq!(error(&new(usize::MAX)).refusal(), value("modes", &many));
    golden("mode 2 of 2", error(&new(2).cell([0, 2], [0.0; 2])));
    golden("mode 1 twice", error(&new(2).cell([1, 1], [0.0; 2])));
    let nan = error(&new(2).phases([0.0, f64::NAN]));
    assert_eq!(
        nan.refusal(),
        value("phase_rad", "NaN").within("elements[1]")
    );
    let from_one = Notation::new(Convention::Clementsw, 2).cell([0, 1], [0.0; 2]);
    golden("mode 0, counted from 1", error(&from_one));
    for text in [
        "{",
        r#"{"convention": "clements", "modes": 1, "elements": [], "size": 1}"#,
        r#"{"convention": "reck", "modes": 1, "elements": []}"#,
        r#"{"convention": "clements", "modes": 1, "elements": [{"gate": 1}]}"#,
    ] {
        golden(text, Notation::from_json(text).unwrap_err());
    }
}
