//! Meshes of 16, 64 and 256 modes: unitary → phases, phases → transfer matrix, and a batch walked through.
//!
//! Goal: a walk near the arithmetic limit of a 2×2, 16 multiply-adds per MZI and sample. The rate of the
//! `walk` group is in MZI·samples per second (criterion prints it as elements); one thread throughout.

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput};
use criterion::{criterion_group, criterion_main};
use lightloom::field::Real;
use lightloom::linalg::haar_unitary;
use lightloom::mesh::{Geometry, decompose};
use lightloom::rng::{Effect, Seed};
use lightloom::{Fields, Mesh};

const MODES: [usize; 3] = [16, 64, 256];
/// Samples of a walked batch.
const BATCH: usize = 1024;

/// Short runs: the whole file takes less than a minute.
fn group<'a>(criterion: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(10);
    group.warm_up_time(Duration::from_millis(300));
    group.measurement_time(Duration::from_secs(1));
    group
}

fn haar_mesh(modes: usize) -> Mesh {
    let mut stream = Seed(0).stream(Effect::Haar, 0, modes as u64, 0);
    Mesh::haar(Geometry::Clements, modes, &mut stream).expect("there is at least one mode")
}

fn phases(criterion: &mut Criterion) {
    let mut group = group(criterion, "decompose");
    for modes in MODES {
        let u = haar_unitary(modes, &mut Seed(0).stream(Effect::Haar, 0, modes as u64, 0));
        for geometry in [Geometry::Clements, Geometry::Reck] {
            group.bench_function(BenchmarkId::new(geometry.to_string(), modes), |bencher| {
                bencher.iter(|| decompose(black_box(&u), geometry).expect("u is unitary"));
            });
        }
    }
}

fn transfer(criterion: &mut Criterion) {
    let mut group = group(criterion, "transfer");
    for modes in MODES {
        let mesh = haar_mesh(modes);
        group.bench_function(BenchmarkId::new("f64", modes), |bencher| {
            bencher.iter(|| black_box(&mesh).transfer());
        });
    }
}

fn walk(criterion: &mut Criterion) {
    let mut group = group(criterion, "walk");
    for modes in MODES {
        let mesh = haar_mesh(modes);
        group.throughput(Throughput::Elements((mesh.nodes().len() * BATCH) as u64));
        walk_in::<f32>(&mut group, "f32", &mesh);
        walk_in::<f64>(&mut group, "f64", &mesh);
    }
}

fn walk_in<T: Real>(group: &mut BenchmarkGroup<'_, WallTime>, precision: &str, mesh: &Mesh) {
    let coefficients = mesh.coefficients();
    let mut fields = Fields::<T>::zeros(mesh.modes(), BATCH);
    fields.re.fill(T::one());
    // The mesh is lossless: the same fields can be walked over and over.
    group.bench_function(BenchmarkId::new(precision, mesh.modes()), |bencher| {
        bencher.iter(|| coefficients.walk(black_box(&mut fields)));
    });
}

criterion_group! {
    name = benches;
    // Plots and a long bootstrap would take more time than the measurement.
    config = Criterion::default().without_plots().nresamples(10_000);
    targets = phases, transfer, walk
}
criterion_main!(benches);
