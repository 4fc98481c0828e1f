//! Every slope of every mesh against central differences.

use ndarray::Array2;

use super::*;
use crate::mesh::{CellKind, Cells, Geometry, Mesh, Mzi, Values};
use crate::rng::{Effect, Seed, Stream};

/// Differences of five points with this step miss by 1e-13 of the fifth derivative, which is of the size of the loss.
const STEP: f64 = 1e-3;
/// How far a slope may be from its difference, relative to the largest one of its kind.
const BOUND: f64 = 1e-9;

const GEOMETRIES: [(Geometry, usize); 6] = [
    (Geometry::Clements, 5),
    (Geometry::Clements, 2),
    (Geometry::Reck, 4),
    (Geometry::Diamond, 3),
    (Geometry::Butterfly, 4),
    (Geometry::Redundant { extra: 2 }, 3),
];

fn stream(unit: u64) -> Stream {
    Seed(22).stream(Effect::Haar, 0, unit, 0)
}

fn random_fields(modes: usize, samples: usize, unit: u64) -> Fields<f64> {
    let mut stream = stream(unit);
    let mut part = || Array2::from_shape_fn((modes, samples), |_| stream.standard_normal());
    Fields {
        re: part(),
        im: part(),
    }
}

/// Faulty, lossy cells, some of them with an arm that lets no light pass.
fn faulty(kind: CellKind, count: usize, [theta_arm, phi_arm]: [f64; 2]) -> Cells<'static> {
    let mut stream = stream(1);
    let mut draw = |mean: f64, sigma: f64| -> Values<'static> {
        let all = (0..count).map(|_| mean + sigma * stream.standard_normal());
        Values::each(all.collect::<Vec<_>>())
    };
    let [alpha, beta, gamma] = [0.1, 0.2, 0.1].map(|sigma| draw(0.0, sigma));
    Cells {
        kind,
        count,
        alpha,
        beta,
        gamma: match kind.couplers() {
            3 => gamma,
            _ => Values::same(0.0),
        },
        amplitude: draw(0.9, 0.03),
        theta_arm,
        phi_arm,
    }
}

/// L = Σ w |y|⁴ + Re(v* y), which is neither linear nor blind to phases.
fn loss(y: &Fields<f64>, v: &Fields<f64>) -> f64 {
    let places = y.re.indexed_iter().enumerate();
    let terms = places.map(|(k, (at, re))| {
        let im = y.im[at];
        let weight = 1.0 + k as f64 / 7.0;
        weight * (re * re + im * im).powi(2) + re * v.re[at] + im * v.im[at]
    });
    terms.sum()
}

fn adjoint(y: &Fields<f64>, v: &Fields<f64>) -> Fields<f64> {
    let mut adjoint = v.clone();
    for (k, (at, re)) in y.re.indexed_iter().enumerate() {
        let im = y.im[at];
        let slope = 4.0 * (1.0 + k as f64 / 7.0) * (re * re + im * im);
        adjoint.re[at] += slope * re;
        adjoint.im[at] += slope * im;
    }
    adjoint
}

/// The derivative at 0 of a loss of one number.
fn difference(loss: impl Fn(f64) -> f64) -> f64 {
    let [far, near] = [2.0, 1.0].map(|k| loss(k * STEP) - loss(-k * STEP));
    (8.0 * near - far) / (12.0 * STEP)
}

/// The fields behind `coefficients` on either way.
fn sent(coefficients: &Coefficients, direction: Direction, x: &Fields<f64>) -> Fields<f64> {
    let mut y = x.clone();
    match direction {
        Direction::Forth => coefficients.walk(&mut y),
        Direction::Back => coefficients.walk_back(&mut y),
    }
    y
}

fn check(what: &str, got: &[f64], expected: &[f64]) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let size = expected.iter().fold(1e-3, |most: f64, x| most.max(x.abs()));
    for (index, (got, expected)) in got.iter().zip(expected).enumerate() {
        let off = (got - expected).abs();
        assert!(off < BOUND * size, "{what} {index}: {got} {expected}");
    }
}

/// Of few samples, which are walked, and of as many as modes, whose overlaps are carried where they can be.
fn check_mesh(mesh: &Mesh, cells: &Cells, direction: Direction) {
    for samples in [1, mesh.modes] {
        check_batch(mesh, cells, direction, samples);
    }
}

fn check_batch(mesh: &Mesh, cells: &Cells, direction: Direction, samples: usize) {
    let what = format!(
        "{:?} {} {direction:?} {samples}",
        mesh.geometry(),
        cells.kind
    );
    let x = random_fields(mesh.modes, samples, 2);
    let v = random_fields(mesh.modes, samples, 3);
    let mut stream = stream(4);
    let count = mesh.phase_shifters_of(cells.kind);
    let flat: Vec<f64> = (0..count).map(|_| 6.0 * stream.uniform()).collect();
    let set = |flat: Vec<f64>| Coefficients::of(mesh, cells.clone(), Phases::from_flat(flat, mesh));
    let coefficients = set(flat.clone());
    let by_outputs = adjoint(&sent(&coefficients, direction, &x), &v);
    let gradient = match direction {
        Direction::Forth => coefficients.gradient(&x, by_outputs),
        Direction::Back => coefficients.gradient_back(&x, by_outputs),
    };
    let by_phase = (0..count).map(|index| {
        difference(|step| {
            let mut flat = flat.clone();
            flat[index] += step;
            loss(&sent(&set(flat), direction, &x), &v)
        })
    });
    check(
        &what,
        &gradient.phases.flat(),
        &by_phase.collect::<Vec<_>>(),
    );
    for (part, got) in [(0, &gradient.inputs.re), (1, &gradient.inputs.im)] {
        let expected = x.re.indexed_iter().map(|(at, _)| {
            difference(|step| {
                let mut x = x.clone();
                [&mut x.re, &mut x.im][part][at] += step;
                loss(&sent(&coefficients, direction, &x), &v)
            })
        });
        let got: Vec<f64> = got.iter().copied().collect();
        check(
            &format!("{what} inputs"),
            &got,
            &expected.collect::<Vec<_>>(),
        );
    }
}

#[test]
fn gradients_of_all_meshes_of_faulty_and_lossy_cells_are_central_differences() {
    for (geometry, modes) in GEOMETRIES {
        let mesh = Mesh::bar(geometry, modes).unwrap();
        for kind in CellKind::ALL {
            for arms in [[0.99, 0.98], [0.7, 0.8], [0.0, 0.8]] {
                let cells = faulty(kind, mesh.nodes().len(), arms);
                check_mesh(&mesh, &cells, Direction::Forth);
                check_mesh(&mesh, &cells, Direction::Back);
            }
        }
    }
}

#[test]
fn gradients_of_a_mesh_whose_modes_cross_and_of_one_without_cells_are_central_differences() {
    let node = |column, top, bottom| crate::mesh::Node {
        column,
        top,
        bottom,
    };
    let nodes = vec![node(0, 2, 0), node(1, 1, 2), node(2, 0, 1)];
    let crossed = Mesh::new(3, nodes, vec![0.0; 3], vec![0.0; 3], vec![0.0; 3]).unwrap();
    let bare = Mesh::new(2, Vec::new(), Vec::new(), Vec::new(), vec![0.0; 2]).unwrap();
    for mesh in [crossed, bare] {
        for kind in CellKind::ALL {
            let cells = faulty(kind, mesh.nodes().len(), [0.9, 0.8]);
            check_mesh(&mesh, &cells, Direction::Forth);
            check_mesh(&mesh, &cells, Direction::Back);
        }
    }
}

/// Deep enough for several segments, wide enough for several tiles of samples, on both precisions.
#[test]
fn gradients_of_a_large_mesh_are_those_of_its_parts() {
    let mut stream = stream(5);
    let mesh = Mesh::haar(Geometry::Clements, 80, &mut stream).unwrap();
    let cells = faulty(CellKind::Mzi, mesh.nodes().len(), [0.99; 2]);
    let coefficients = Coefficients::of(&mesh, cells.clone(), mesh.phases());
    let mzis = cells.mzis().into_iter().enumerate().map(|(node, mzi)| Mzi {
        theta: mesh.theta()[node],
        phi: mesh.phi()[node],
        ..mzi
    });
    let plain = Coefficients::of_mzis(&mesh, mzis.collect());
    let mut draw = || Array2::from_shape_simple_fn((80, 70), || stream.standard_normal());
    let [all_x, all_g] = [0, 1].map(|_| Fields {
        re: draw(),
        im: draw(),
    });
    // Of 30 samples, which are walked, and of 70, whose overlaps are carried.
    for samples in [30, 70] {
        let [x, g] = [&all_x, &all_g].map(|fields| fields.clone().crop(80, samples));
        let whole = coefficients.gradient(&x, g.clone());
        // Sample by sample, the slopes add up.
        let mut sums = vec![0.0; mesh.phase_shifters()];
        let single = |part: &Array2<f64>, at: usize| {
            let column = part.column(at).to_owned().insert_axis(ndarray::Axis(1));
            column.as_standard_layout().into_owned()
        };
        for sample in 0..samples {
            let [x, g] = [&x, &g].map(|fields| Fields {
                re: single(&fields.re, sample),
                im: single(&fields.im, sample),
            });
            let one = plain.gradient(&x, g);
            for (sum, slope) in sums.iter_mut().zip(one.phases.flat()) {
                *sum += slope;
            }
            for mode in 0..80 {
                let off = one.inputs.re[[mode, 0]] - whole.inputs.re[[mode, sample]];
                assert!(off.abs() < 1e-12, "{mode} {sample}: {off:e}");
            }
        }
        check("whole", &whole.phases.flat(), &sums);
        // Adjoint and light in single precision, of which the slopes keep most.
        let rounded = |fields: &Fields<f64>| Fields {
            re: fields.re.mapv(|x| x as f32),
            im: fields.im.mapv(|x| x as f32),
        };
        let single = coefficients.gradient(&rounded(&x), rounded(&g));
        let size = sums.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
        for (got, expected) in single.phases.flat().iter().zip(&sums) {
            assert!((got - expected).abs() < 1e-5 * size, "{got} {expected}");
        }
    }
}

/// The gradient by the transfer matrix is that of light in one mode each.
#[test]
fn both_ways_through_a_mesh_have_one_gradient_by_its_matrix() {
    let mut stream = stream(6);
    let mesh = Mesh::haar(Geometry::Reck, 6, &mut stream).unwrap();
    let cells = faulty(CellKind::ThreeSplitter, mesh.nodes().len(), [0.8; 2]);
    let coefficients = Coefficients::of(&mesh, cells, mesh.phases());
    let mut draw = || Array2::from_shape_simple_fn((6, 6), || stream.standard_normal());
    let by_matrix = Fields {
        re: draw(),
        im: draw(),
    };
    let basis = Fields::basis(6, 6);
    let forth = coefficients.gradient(&basis, by_matrix.clone());
    let back = coefficients.gradient_back(&basis, by_matrix.transposed());
    check("back", &back.phases.flat(), &forth.phases.flat());
}
