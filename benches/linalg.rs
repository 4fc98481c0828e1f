//! Full singular value decompositions: `linalg::svd` (faer, all of U and V) against nalgebra's thin one.
//!
//! Goal: the factors of a 256-mode tile in less than 0.1 s on one thread. `256x784` is a layer of a network for
//! MNIST: its 784 input modes need the full V, which nalgebra does not yield.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use lightloom::linalg::{C64, Matrix, svd};
use lightloom::rng::{Effect, Seed};

/// Real N(0, 1) elements stored as complex numbers: the weights of a trained layer.
fn weights(rows: usize, cols: usize) -> Matrix {
    let mut stream = Seed(0).stream(Effect::Haar, rows as u64, cols as u64, 0);
    Matrix::from_fn(rows, cols, |_, _| C64::from(stream.standard_normal()))
}

fn factors(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("svd");
    group.sample_size(10);
    group.warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(3));
    for (rows, cols) in [(64, 64), (256, 256), (256, 784)] {
        let m = weights(rows, cols);
        let shape = format!("{rows}x{cols}");
        group.bench_function(BenchmarkId::new("faer full", &shape), |bencher| {
            bencher.iter(|| svd(black_box(&m)).expect("the matrix is finite"));
        });
        if rows == cols {
            group.bench_function(BenchmarkId::new("nalgebra thin", &shape), |bencher| {
                bencher.iter(|| black_box(&m).clone().svd(true, true));
            });
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    // Plots and a long bootstrap would take more time than the measurement.
    config = Criterion::default().without_plots().nresamples(10_000);
    targets = factors
}
criterion_main!(benches);
