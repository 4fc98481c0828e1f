//! Every evaluator against the plain product.

use ndarray::Array2;

use super::*;
use crate::mesh::{CellKind, Correction, Geometry, Phases, Values, decompose};
use crate::rng::{Address, Effect, Seed};

/// Coefficients of every sort of mesh.
fn all_sorts() -> Vec<(&'static str, Coefficients<'static>)> {
    let n = 9;
    let mut stream = Seed(5).stream(Effect::Haar, 0, 0, 0);
    let decomposed = |u: Matrix, geometry| decompose(&u, geometry).unwrap();
    let haar = crate::linalg::haar_unitary(n, &mut stream);
    let shift = Matrix::from_fn(n, n, |r, c| {
        C64::from(f64::from(u8::from((r + 1) % n == c)))
    });
    let clements = decomposed(haar.clone(), Geometry::Clements);
    let cross = clements.set(Phases {
        theta: vec![0.0; clements.nodes.len()],
        ..clements.phases.clone()
    });
    let bar = Mesh::bar(Geometry::Clements, n).unwrap();
    let mut butterfly = Mesh::bar(Geometry::Butterfly, 16).unwrap();
    for phase in butterfly
        .phases
        .theta
        .iter_mut()
        .chain(&mut butterfly.phases.phi)
    {
        *phase = 3.0 * stream.uniform();
    }
    let faulty = |mesh: &Mesh, loss: f64, kind| {
        let count = mesh.nodes.len();
        let address = Address {
            seed: Seed(6),
            effect: Effect::Splitting,
            trial: 0,
            unit: 0,
            block: 0,
        };
        let errors = || Values::same(0.0).with_errors(0.1, address, 0..count);
        let cells = Cells {
            kind,
            count,
            alpha: errors(),
            beta: errors(),
            gamma: errors(),
            amplitude: Values::same(loss),
            theta_arm: 0.95,
            phi_arm: 0.93,
        };
        let set = mesh.corrected(Correction::None, &cells);
        Coefficients::of(mesh, cells, set.phases)
    };
    let mut all = vec![
        ("haar", clements.coefficients()),
        (
            "reck",
            decomposed(haar.clone(), Geometry::Reck).coefficients(),
        ),
        (
            "diamond",
            decomposed(haar, Geometry::Diamond).coefficients(),
        ),
        (
            "identity",
            decomposed(Matrix::identity(n, n), Geometry::Clements).coefficients(),
        ),
        (
            "permutation",
            decomposed(shift, Geometry::Clements).coefficients(),
        ),
        ("cross", cross.coefficients()),
        ("bar", bar.coefficients()),
        ("butterfly", butterfly.coefficients()),
        ("faulty butterfly", faulty(&butterfly, 0.9, CellKind::Mzi)),
        ("lossy", faulty(&clements, 0.02, CellKind::Mzi)),
    ];
    let kinds = CellKind::ALL.map(|kind| (kind.name(), faulty(&clements, 1.0, kind)));
    all.extend(kinds);
    all
}

/// Every evaluator against [`Coefficients::pass`], the plain product, sample by sample; bounds grow with the number
/// of columns and are relative to the largest amplitude.
#[test]
fn every_fast_path_is_the_plain_product_on_every_sort_of_mesh_and_batch() {
    for (name, coefficients) in all_sorts() {
        let modes = coefficients.modes();
        let columns = coefficients.nodes.last().map_or(0, |node| node.column + 1) as f64;
        for samples in (1..=70).chain([127, 128, 129]) {
            let mut stream = Seed(7).stream(Effect::Haar, samples as u64, 0, 0);
            let mut part =
                || Array2::from_shape_simple_fn((modes, samples), || stream.standard_normal());
            let input = Fields {
                re: part(),
                im: part(),
            };
            let mut walked = input.clone();
            coefficients.walk(&mut walked);
            let mut compiled = input.clone();
            coefficients.prepare(modes).run(&mut compiled);
            let mut single = Fields {
                re: input.re.mapv(|x| x as f32),
                im: input.im.mapv(|x| x as f32),
            };
            coefficients.prepare(samples).run(&mut single);
            let multiplied = coefficients.first_columns::<f64>(modes).times(&input);
            for sample in 0..samples {
                let at = |fields: &Fields<f64>, mode: usize| {
                    C64::new(fields.re[[mode, sample]], fields.im[[mode, sample]])
                };
                let field: Vec<C64> = (0..modes).map(|mode| at(&input, mode)).collect();
                let plain = coefficients.pass(&field);
                let size = plain.iter().map(|z| z.norm()).fold(1e-300, f64::max);
                let bound = (1.0 + columns) * size;
                for (mode, plain) in plain.iter().enumerate() {
                    let got = (single.re[[mode, sample]], single.im[[mode, sample]]);
                    let got = C64::new(f64::from(got.0), f64::from(got.1));
                    let name = format!("{name}, mode {mode} of sample {sample} of {samples}");
                    assert!((at(&walked, mode) - plain).norm() < 4e-15 * bound, "{name}");
                    let off = (at(&compiled, mode) - plain).norm();
                    assert!(off < 4e-15 * bound, "compiled, {name}");
                    assert!((got - plain).norm() < 1e-6 * bound, "f32, {name}");
                    let off = (at(&multiplied, mode) - plain).norm();
                    assert!(off < 4e-15 * (modes as f64) * bound, "multiplied, {name}");
                }
            }
        }
    }
}

#[test]
fn rows_and_light_from_joined_modes_are_those_of_the_transfer_matrix() {
    for (name, coefficients) in all_sorts() {
        let transfer = coefficients.transfer();
        let modes = coefficients.modes();
        let size = transfer.iter().map(|z| z.norm()).fold(0.0, f64::max);
        let check = |got: &Fields<f64>, expected: &dyn Fn(usize, usize) -> C64, what: &str| {
            assert_eq!((got.modes(), got.samples()), (modes, 5), "{name}: {what}");
            for ((mode, sample), re) in got.re.indexed_iter() {
                let got = C64::new(*re, got.im[[mode, sample]]);
                let off = (got - expected(mode, sample)).norm();
                assert!(off < 1e-13 * size, "{name}: {what} {mode} {sample}");
            }
        };
        let rows = coefficients.first_rows::<f64>(5);
        check(&rows, &|mode, row| transfer[(row, mode)], "rows");
        // Light in six modes, of which four are joined.
        let mut stream = Seed(8).stream(Effect::Haar, 0, 0, 0);
        let mut part = || Array2::from_shape_simple_fn((6, 5), || stream.standard_normal());
        let (re, im) = (part(), part());
        let fields = Fields { re, im };
        let factors: Vec<C64> = (0..4).map(|k| C64::new(1.0, 0.3 * f64::from(k))).collect();
        let sum = |entry: &dyn Fn(usize) -> C64, sample| -> C64 {
            let field = |k| C64::new(fields.re[[k, sample]], fields.im[[k, sample]]);
            (0..4).map(|k| entry(k) * factors[k] * field(k)).sum()
        };
        let forth = coefficients.walk_on(fields.clone(), &factors);
        let expected = |mode, sample| sum(&|k| transfer[(mode, k)], sample);
        check(&forth, &expected, "forth");
        let back = coefficients.walk_back_on(fields.clone(), &factors);
        let expected = |mode, sample| sum(&|k| transfer[(k, mode)], sample);
        check(&back, &expected, "back");
    }
}

/// Batches of one sample, of two, of many; meshes that are multiplied, walked by columns and along diagonals.
#[test]
fn a_batch_goes_through_a_mesh_the_way_that_is_prepared_for_it() {
    for modes in [5, 64, 70] {
        let mut stream = Seed(8).stream(Effect::Haar, modes as u64, 0, 0);
        let mesh = Mesh::haar(Geometry::Clements, modes, &mut stream).unwrap();
        let transfer = mesh.transfer();
        for samples in [0, 1, 2, 40] {
            let input = Array2::from_shape_simple_fn((samples, modes), || {
                C64::new(stream.standard_normal(), stream.standard_normal())
            });
            let output = mesh.apply::<f64>(input.view()).unwrap();
            let mut fields = Fields {
                re: input.t().mapv(|z| z.re).as_standard_layout().into_owned(),
                im: input.t().mapv(|z| z.im).as_standard_layout().into_owned(),
            };
            mesh.coefficients().prepare(samples).run(&mut fields);
            for ((sample, mode), z) in output.indexed_iter() {
                let prepared = C64::new(fields.re[[mode, sample]], fields.im[[mode, sample]]);
                assert_eq!(*z, prepared);
                let terms = (0..modes).map(|from| transfer[(mode, from)] * input[[sample, from]]);
                let plain: C64 = terms.sum();
                assert!((z - plain).norm() < 1e-14 * modes as f64, "{modes} modes");
            }
        }
    }
}
