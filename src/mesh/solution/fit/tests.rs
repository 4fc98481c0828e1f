use super::*;
use crate::error::compare::{shape, value};
use crate::linalg::haar_unitary;
use crate::mesh::{Cells, Coefficients};
use crate::rng::{Effect, Seed};
use std::f64::consts::{PI, TAU};

fn ideal(_: usize) -> Mzi {
    Mzi::ideal(0.0, 0.0)
}

fn haar(n: usize, trial: u64) -> Matrix {
    haar_unitary(n, &mut Seed(31).stream(Effect::Haar, trial, n as u64, 0))
}

/// A butterfly of random phases; every MZI alone is Haar-random.
fn random_butterfly(modes: usize, trial: u64) -> Mesh {
    let mut stream = Seed(32).stream(Effect::Haar, trial, modes as u64, 0);
    let mut mesh = Mesh::bar(Geometry::Butterfly, modes).unwrap();
    for theta in &mut mesh.phases.theta {
        *theta = PI - 2.0 * stream.uniform().sqrt().asin();
    }
    for phase in mesh.phases.phi.iter_mut().chain(&mut mesh.phases.screen) {
        *phase = TAU * stream.uniform();
    }
    mesh
}

/// The worst of five fits of a butterfly, each from other random phases.
fn worst_from_random_phases(target: &Matrix) -> f64 {
    let errors = (1..=5).map(|trial| {
        let start = random_butterfly(target.nrows(), trial);
        fit(target, &start, ideal).unwrap().error
    });
    errors.fold(0.0, f64::max)
}

/// F R: the discrete Fourier transform of inputs in bit-reversed order.
fn reversed_dft(n: usize) -> Matrix {
    Matrix::from_fn(n, n, |row, col| {
        let reversed = col.reverse_bits() >> (usize::BITS - n.ilog2());
        let turns = (row * reversed % n) as f64 / n as f64;
        C64::from_polar((n as f64).sqrt().recip(), -TAU * turns)
    })
}

/// Splitting errors of standard deviation 0.1 rad on every coupler.
fn faulty(mesh: &Mesh, trial: u64) -> Vec<Mzi> {
    let mut stream = Seed(33).stream(Effect::Splitting, trial, 0, 0);
    let mzi = |_| Mzi {
        alpha: 0.1 * stream.standard_normal(),
        beta: 0.1 * stream.standard_normal(),
        ..Mzi::ideal(0.0, 0.0)
    };
    (0..mesh.nodes.len()).map(mzi).collect()
}

/// Measured: 1e-13 from every start.
#[test]
fn a_butterfly_is_recovered_from_any_of_five_random_starts() {
    let error = worst_from_random_phases(&random_butterfly(8, 0).transfer());
    assert!(error < 1e-6, "{error:e}");
}

/// Cooley, Tukey, Math. Comput. 19, 297 (1965).
#[test]
fn a_butterfly_holds_the_fourier_transform_of_bit_reversed_inputs() {
    for n in [2, 8, 16] {
        let error = worst_from_random_phases(&reversed_dft(n));
        assert!(error < 1e-6, "{n}: {error:e}");
        assert!(
            closest(&reversed_dft(n), Geometry::Butterfly)
                .unwrap()
                .error
                < 1e-12
        );
    }
    let in_order = Matrix::from_fn(8, 8, |row, col| {
        C64::from_polar(8f64.sqrt().recip(), -TAU * (row * col % 8) as f64 / 8.0)
    });
    assert!(closest(&in_order, Geometry::Butterfly).unwrap().error > 0.1);
}

/// 80 phases instead of 256: two Haar unitaries at N = 16 measured 0.897 and 0.879.
#[test]
fn a_butterfly_cannot_hold_a_haar_unitary() {
    for trial in 0..2 {
        let u = haar(16, trial);
        let found = closest(&u, Geometry::Butterfly).unwrap();
        assert!(found.error > 0.5, "{}", found.error);
        // The same minimum from elsewhere.
        let other = fit(&u, &random_butterfly(16, 1), ideal).unwrap();
        assert!((other.error - found.error).abs() < 1e-3);
        let mesh = found.mesh;
        assert_eq!(mesh.geometry(), Some(Geometry::Butterfly));
        assert!(mesh.theta().iter().all(|theta| (0.0..=PI).contains(theta)));
        assert!((matrix_error(&mesh.transfer(), &u) - found.error).abs() < 1e-12);
    }
}

/// Burgwal et al., Opt. Express 25, 28236 (2017). Of three chips at N = 8 with splitting errors of 0.1 rad, a
/// plain rectangle keeps 0.009, 0.017 and 0.023 of 0.28 to 0.34; four or eight more columns leave 1e-13.
#[test]
fn redundant_columns_make_up_for_faulty_couplers() {
    for trial in 0..2 {
        let u = haar(8, trial);
        let error = |name: &str| {
            let start = decompose(&u, name.parse().unwrap()).unwrap();
            let mzis = faulty(&start, trial);
            let found = fit(&u, &start, |node| mzis[node]).unwrap();
            let mesh = &found.mesh;
            let u_found = Coefficients::of(mesh, Cells::from(&mzis[..]), mesh.phases());
            let error = matrix_error(&u_found.transfer(), &u);
            assert!((error - found.error).abs() < 1e-12);
            error
        };
        let plain = error("clements");
        assert!(plain > 5e-3, "{plain}");
        for name in ["clements+4", "clements+8"] {
            let redundant = error(name);
            assert!(redundant < 1e-6, "{name}: {redundant:e}");
        }
    }
}

/// The mirrored part of a diamond lets a fit correct couplers too; what ancillas receive does not count.
#[test]
fn a_fit_of_a_diamond_looks_at_its_ports_only() {
    let u = haar(4, 0);
    let start = decompose(&u, Geometry::Diamond).unwrap();
    let mzis = faulty(&start, 0);
    let chip = |mesh: &Mesh| {
        let whole = Coefficients::of(mesh, Cells::from(&mzis[..]), mesh.phases()).transfer();
        matrix_error(&mesh.between_ports(&whole), &u)
    };
    let found = fit(&u, &start, |node| mzis[node]).unwrap();
    assert!((chip(&found.mesh) - found.error).abs() < 1e-12);
    assert!(
        found.error < 0.3 * chip(&start),
        "{} {}",
        found.error,
        chip(&start)
    );
}

#[test]
fn targets_that_do_not_fit_are_named() {
    let start = Mesh::bar(Geometry::Diamond, 4).unwrap();
    let error = fit(&haar(6, 0), &start, ideal).unwrap_err();
    assert_eq!(error.refusal(), shape("target", &[6, 6]));
    let error = closest(&haar(6, 0), Geometry::Butterfly).unwrap_err();
    assert_eq!(error.refusal(), value("modes", "6"));
}
