use super::*;
use crate::linalg::{haar_unitary, max_abs_difference};
use crate::rng::{Effect, Seed};
use std::f64::consts::{PI, TAU};

fn ideal(_: usize) -> Mzi {
    Mzi::ideal(0.0, 0.0)
}

fn haar(n: usize, trial: u64) -> Matrix {
    haar_unitary(n, &mut Seed(31).stream(Effect::Haar, trial, n as u64, 0))
}

/// A mesh of random phases; every MZI alone is Haar-random.
fn random(geometry: Geometry, modes: usize, trial: u64) -> Mesh {
    let mut stream = Seed(32).stream(Effect::Haar, trial, modes as u64, 0);
    let mut mesh = Mesh::bar(geometry, modes).unwrap();
    for theta in &mut mesh.theta {
        *theta = PI - 2.0 * stream.uniform().sqrt().asin();
    }
    for phase in mesh.phi.iter_mut().chain(&mut mesh.screen) {
        *phase = TAU * stream.uniform();
    }
    mesh
}

/// Errors of `starts` fits of a butterfly, each from random phases, the smallest first.
fn from_random_phases(target: &Matrix, starts: u64) -> Vec<(f64, usize)> {
    let mut errors: Vec<(f64, usize)> = (0..starts)
        .map(|trial| {
            let start = random(Geometry::Butterfly, target.nrows(), 100 + trial);
            let fit = fit(target, &start, ideal).unwrap();
            (fit.error, fit.iterations)
        })
        .collect();
    errors.sort_by(|a, b| a.0.total_cmp(&b.0));
    errors
}

/// F R: the discrete Fourier transform of inputs in bit-reversed order.
fn reversed_dft(n: usize) -> Matrix {
    Matrix::from_fn(n, n, |row, col| {
        let reversed = col.reverse_bits() >> (usize::BITS - n.ilog2());
        let turns = (row * reversed % n) as f64 / n as f64;
        C64::from_polar((n as f64).sqrt().recip(), -TAU * turns)
    })
}

/// Adam with a rate that decays to zero, for comparison.
fn adam(
    mut x: Vec<f64>,
    limit: usize,
    rate: f64,
    evaluate: impl Fn(&[f64]) -> (f64, Vec<f64>),
) -> f64 {
    let (mut mean, mut square) = (vec![0.0; x.len()], vec![0.0; x.len()]);
    for k in 1..=limit {
        let (_, gradient) = evaluate(&x);
        let now = rate * (1.0 - k as f64 / limit as f64);
        for (i, g) in gradient.iter().enumerate() {
            mean[i] = 0.9 * mean[i] + 0.1 * g;
            square[i] = 0.999 * square[i] + 0.001 * g * g;
            let m = mean[i] / (1.0 - 0.9f64.powi(k as i32));
            let v: f64 = square[i] / (1.0 - 0.999f64.powi(k as i32));
            x[i] -= now * m / (v.sqrt() + 1e-12);
        }
    }
    evaluate(&x).0.sqrt()
}

fn faulty(mesh: &Mesh, sigma: f64, trial: u64) -> Vec<Mzi> {
    let mut stream = Seed(33).stream(Effect::Splitting, trial, 0, 0);
    (0..mesh.nodes.len())
        .map(|_| Mzi {
            alpha: sigma * stream.standard_normal(),
            beta: sigma * stream.standard_normal(),
            ..Mzi::ideal(0.0, 0.0)
        })
        .collect()
}

#[test]
#[ignore = "a measurement"]
fn measure() {
    let clock = std::time::Instant::now();
    for n in [4, 8, 16, 32] {
        let target = random(Geometry::Butterfly, n, 0).transfer();
        println!("random butterfly {n}: {:?}", from_random_phases(&target, 6));
        println!("dft {n}: {:?}", from_random_phases(&reversed_dft(n), 6));
        for trial in 0..2 {
            let u = haar(n, trial);
            println!("haar {n}: {:?}", from_random_phases(&u, 4));
            let f = closest(&u, Geometry::Butterfly).unwrap();
            println!(
                "   from butterfly::start {} {}, start alone {}",
                f.error,
                f.iterations,
                matrix_error(&butterfly::start(&u).unwrap().transfer(), &u)
            );
        }
        println!("{:?}", clock.elapsed());
    }
    for trial in 0..3 {
        let u = haar(8, trial);
        for extra in [0, 2, 4, 8] {
            let geometry = Geometry::Redundant { extra };
            let start = decompose(&u, geometry).unwrap();
            let mzis = faulty(&start, 0.1, trial);
            let f = fit(&u, &start, |node| mzis[node]).unwrap();
            let problem = Problem {
                target: &u,
                start: &start,
                mzi: |node| mzis[node],
            };
            let before = problem.evaluate(&phases_of(&start)).0.sqrt();
            let a = [0.01, 0.03, 0.1]
                .map(|rate| adam(phases_of(&start), 1000, rate, |x| problem.evaluate(x)));
            let l = minimize(phases_of(&start), 1000, |x| problem.evaluate(x));
            println!(
                "extra {extra}: before {before}, after {} {}; adam {a:?}, lbfgs 1000 {} {}",
                f.error,
                f.iterations,
                l.1.sqrt(),
                l.2
            );
        }
        println!("{:?}", clock.elapsed());
    }
}

#[test]
fn starts_of_another_size_are_refused() {
    let start = Mesh::bar(Geometry::Diamond, 4).unwrap();
    let error = fit(&haar(6, 0), &start, ideal).unwrap_err().to_string();
    assert!(error.contains("must be [4, 4]"), "{error}");
    let error = closest(&haar(6, 0), Geometry::Butterfly)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("modes = 6: must be a power of two"),
        "{error}"
    );
    let _ = max_abs_difference;
}
