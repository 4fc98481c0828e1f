//! Meshes of 16 to 1024 modes: unitary → phases, phases → transfer matrix, and batches sent through.
//!
//! Every group prints its medians beside their goals and the peak of multiply-adds that it measured itself: a rate says
//! little without the speed of the machine at that time. Goals, on one thread unless two are named:
//!
//! | group | goal |
//! |---|---|
//! | `decompose` | Clements and Reck, where the f64 peak is 58 GFlop/s: 15 ms at 256 modes, 1 s at 1024 |
//! | `transfer` | of a drawn chip, f64: 4 ms at 256 modes |
//! | `gradient` | of all phases of a drawn tile, given that by its matrix: 4 × the time in which the tile is loaded |
//! | `batch`, 1024 samples | f32: 0.7 of the peak's multiply-adds / 8, MZI·samples per second; f64: half of that rate; x86-64-v3 0.6 of its own peak |
//! | `batch`, 1 sample | f32: 10⁹ MZI/s at 256 modes |
//! | `batch`, two threads | 1.8 times the rate of one |
//!
//! An MZI takes 8 multiply-adds a sample in scaled form: that is the limit of a walk. Up to 64 modes a batch is
//! multiplied by the mesh's matrix, which takes fewer.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput};
use criterion::{criterion_group, criterion_main};
use ndarray::Array2;

use lightloom::compile::{Layout, compile};
use lightloom::field::{InstructionSet, Real, peak_gflops_f32, peak_gflops_f64};
use lightloom::linalg::haar_unitary;
use lightloom::mesh::{Coefficients, Geometry, decompose};
use lightloom::nn::{LinearId, Readout, Weight};
use lightloom::rng::{Effect, Seed};
use lightloom::{Correction, Fields, Hardware, Mesh, Network, Processor, Program};

/// Samples of a batch.
const BATCH: usize = 1024;
/// Multiply-adds of an MZI on one sample in scaled form.
const SLOTS: f64 = 8.0;
/// The f64 peak of the machine that the goals of `decompose` are stated for, GFlop/s.
const GOAL_PEAK_GFLOPS: f64 = 58.0;

/// Short runs: the whole file takes about a minute.
fn group<'a>(criterion: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(10);
    group.warm_up_time(Duration::from_millis(300));
    group.measurement_time(Duration::from_secs(1));
    group
}

/// Median time of one `work`, s; none if the command line leaves this benchmark out.
fn measure(
    group: &mut BenchmarkGroup<'_, WallTime>,
    id: BenchmarkId,
    mut work: impl FnMut(),
) -> Option<f64> {
    measure_times(group, id, |times| (0..times).for_each(|_| work()))
}

/// The same of work that is told how many times to do it.
fn measure_times(
    group: &mut BenchmarkGroup<'_, WallTime>,
    id: BenchmarkId,
    mut work: impl FnMut(u64),
) -> Option<f64> {
    let mut seconds = Vec::new();
    group.bench_function(id, |bencher| {
        bencher.iter_custom(|times| {
            let clock = Instant::now();
            work(times);
            let elapsed = clock.elapsed();
            seconds.push(elapsed.as_secs_f64() / times as f64);
            elapsed
        });
    });
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied()
}

fn haar_mesh(modes: usize) -> Mesh {
    let mut stream = Seed(0).stream(Effect::Haar, 0, modes as u64, 0);
    Mesh::haar(Geometry::Clements, modes, &mut stream).expect("there is at least one mode")
}

fn phases(criterion: &mut Criterion) {
    let mut group = group(criterion, "decompose");
    let peak = peak_gflops_f64(InstructionSet::best());
    for (modes, goal_ms) in [(64, None), (256, Some(15.0)), (1024, Some(1000.0))] {
        let u = haar_unitary(modes, &mut Seed(0).stream(Effect::Haar, 0, modes as u64, 0));
        for geometry in [Geometry::Clements, Geometry::Reck] {
            let id = BenchmarkId::new(geometry.to_string(), modes);
            let decomposed = measure(&mut group, id, || {
                black_box(decompose(black_box(&u), geometry).expect("u is unitary"));
            });
            let Some(seconds) = decomposed else { continue };
            let goal = goal_ms.map_or(String::new(), |goal| {
                format!(", goal {goal} ms at {GOAL_PEAK_GFLOPS} GFlop/s peak")
            });
            println!(
                "decompose/{geometry}/{modes}: {:.3} ms{goal}; this run's peak {peak:.0} GFlop/s",
                1e3 * seconds
            );
        }
    }
}

fn transfer(criterion: &mut Criterion) {
    let mut group = group(criterion, "transfer");
    let peak = peak_gflops_f64(InstructionSet::best());
    let hardware = Hardware::open("thermo-optic").expect("the preset exists");
    let chip = hardware.fabricate(Seed(0), 0);
    for (modes, goal_ms) in [(16, None), (64, None), (256, Some(4.0))] {
        let mesh = haar_mesh(modes);
        // Errors are drawn where they are used: drawing and programming are in it.
        let found = measure(&mut group, BenchmarkId::new("f64", modes), || {
            black_box(chip.transfer(black_box(&mesh)));
        });
        let Some(seconds) = found else { continue };
        let goal = goal_ms.map_or(String::new(), |goal| format!(", goal {goal} ms"));
        println!(
            "transfer/f64/{modes}: {:.3} ms{goal}; this run's peak {peak:.0} GFlop/s",
            1e3 * seconds
        );
    }
}

fn gradients(criterion: &mut Criterion) {
    let mut group = group(criterion, "gradient");
    // What light meets on a chip of the preset `thermo-optic`, without its shots; then without its loss.
    let chip = "coupler.splitting_error_rad = 0.02\nphase_shifter.phase_error_rad = 0.005\n";
    let hardware = |loss_db: &str| {
        let text = format!("{chip}mesh.insertion_loss_db = {loss_db}");
        Hardware::from_toml(&text).expect("errors and loss are in range")
    };
    let (lossless, lossy) = (hardware("0.0"), hardware("0.2"));
    for modes in [64, 256] {
        let mut stream = Seed(0).stream(Effect::Haar, 1, modes as u64, 0);
        let weight = Array2::from_shape_simple_fn((modes, modes), || stream.standard_normal());
        let network = Network::of_weight(Weight::Real(weight), Readout::Real);
        let network = network.expect("the weight is finite");
        let program = compile(&network, Layout::default()).expect("a weight has tiles");
        for (name, hardware) in [("lossless", &lossless), ("0.2 dB an MZI", &lossy)] {
            let of = (&program, hardware);
            gradient::<f32>(&mut group, &format!("f32, {name}"), modes, of);
            gradient::<f64>(&mut group, &format!("f64, {name}"), modes, of);
        }
    }
}

/// The gradient of a program of one tile beside its loading, `kind` of numbers and of chip.
fn gradient<T: Real>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    kind: &str,
    modes: usize,
    (program, hardware): (&Program, &Hardware),
) {
    let chip = hardware.fabricate(Seed(0), 0);
    let ones = Array2::from_elem((modes, modes), T::one());
    let load = || {
        Processor::<T>::load(program, chip.clone(), Correction::None, None)
            .expect("the program fits the chip")
    };
    let id = BenchmarkId::new(format!("{kind}, load"), modes);
    let loaded = measure(group, id, || {
        black_box(load());
    });
    let processor = load();
    let by_weight = Fields::new(ones.view(), ones.view()).expect("two parts of one shape");
    let id = BenchmarkId::new(kind, modes);
    let pulled = measure(group, id, || {
        black_box(processor.tile_gradients(LinearId(0), black_box(&by_weight)));
    });
    if let (Some(loaded), Some(pulled)) = (loaded, pulled) {
        println!(
            "gradient/{kind}/{modes}: {:.3} ms, {:.2} times the {:.3} ms of loading, goal 4",
            1e3 * pulled,
            pulled / loaded,
            1e3 * loaded
        );
    }
}

fn batches(criterion: &mut Criterion) {
    let mut group = group(criterion, "batch");
    // Goals as shares of the limit: f64 at half the rate of f32 has the same share of the f32 peak's half.
    let (single, double) = (
        peak_gflops_f32(InstructionSet::best()),
        peak_gflops_f64(InstructionSet::best()),
    );
    let limit = |peak_gflops: f64| 1e9 * peak_gflops / 2.0 / SLOTS;
    // Between the portable one, which no machine of today uses, and the best.
    let sets = InstructionSet::all();
    let others = sets[1..].split_last().map_or(&[][..], |(_, others)| others);
    let others = others
        .iter()
        .map(|set| (*set, peak_gflops_f32(*set), peak_gflops_f64(*set)));
    let others: Vec<_> = others.collect();
    for modes in [16, 64, 256, 1024] {
        let mesh = haar_mesh(modes);
        let coefficients = mesh.coefficients();
        let mzis = mesh.nodes().len();
        group.throughput(Throughput::Elements((mzis * BATCH) as u64));
        let report = |precision: &str, seconds: Option<f64>, peak: f64, goal: f64| {
            let Some(seconds) = seconds else { return };
            let rate = (mzis * BATCH) as f64 / seconds;
            println!(
                "batch/{precision}/{modes}: {:.2}·10⁹ MZI·samples/s, {:.0} % of the limit; goal {:.2}·10⁹; this run's \
                 peak {peak:.0} GFlop/s",
                rate / 1e9,
                100.0 * rate / limit(peak),
                goal / 1e9
            );
        };
        let best = InstructionSet::best();
        let goal = 0.7 * limit(single);
        let one = send_batches::<f32>(&mut group, "f32", (&coefficients, best), 1);
        report("f32", one, single, goal);
        let seconds = send_batches::<f64>(&mut group, "f64", (&coefficients, best), 1);
        report("f64", seconds, double, goal / 2.0);
        for (set, single, double) in &others {
            let name = set.name();
            let seconds =
                send_batches::<f32>(&mut group, &format!("f32-{name}"), (&coefficients, *set), 1);
            report(
                &format!("f32-{name}"),
                seconds,
                *single,
                0.6 * limit(*single),
            );
            let seconds =
                send_batches::<f64>(&mut group, &format!("f64-{name}"), (&coefficients, *set), 1);
            report(
                &format!("f64-{name}"),
                seconds,
                *double,
                0.6 * limit(*double),
            );
        }
        group.throughput(Throughput::Elements((2 * mzis * BATCH) as u64));
        let two = send_batches::<f32>(&mut group, "f32-two-threads", (&coefficients, best), 2);
        if let (Some(one), Some(two)) = (one, two) {
            let gain = 2.0 * one / two;
            println!("batch/f32-two-threads/{modes}: {gain:.2} times one thread, goal 1.8");
        }
        group.throughput(Throughput::Elements(mzis as u64));
        if let Some(seconds) = send_one(&mut group, &coefficients) {
            let goal = if modes == 256 {
                ", goal 1.00·10⁹"
            } else {
                ""
            };
            println!(
                "batch/f32-one-sample/{modes}: {:.2}·10⁹ MZI/s{goal}; this run's peak {single:.0} GFlop/s",
                mzis as f64 / seconds / 1e9
            );
        }
    }
}

/// Fields of amplitude 1. Meshes are lossless: the same fields can be sent over and over.
fn light<T: Real>(modes: usize, samples: usize) -> Fields<T> {
    let ones = Array2::from_elem((modes, samples), T::one());
    Fields::new(ones.view(), Array2::zeros((modes, samples)).view())
        .expect("two parts of one shape")
}

/// Sends a batch on each of `threads`.
fn send_batches<T: Real>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    (coefficients, set): (&Coefficients, InstructionSet),
    threads: usize,
) -> Option<f64> {
    let way = coefficients.prepare::<T>(BATCH);
    let batch = || light::<T>(coefficients.modes(), BATCH);
    let mut batches: Vec<_> = std::iter::repeat_with(batch).take(threads).collect();
    let id = BenchmarkId::new(name, coefficients.modes());
    // Threads start once for many batches.
    measure_times(group, id, |times| {
        std::thread::scope(|scope| {
            let (own, others) = batches.split_first_mut().expect("there is a thread");
            let many = |fields: &mut Fields<T>| {
                (0..times).for_each(|_| way.run_on(set, black_box(fields)));
            };
            for fields in others {
                scope.spawn(move || many(fields));
            }
            many(own);
        });
    })
}

/// Sends a single sample.
fn send_one(group: &mut BenchmarkGroup<'_, WallTime>, coefficients: &Coefficients) -> Option<f64> {
    let way = coefficients.prepare::<f32>(1);
    let mut fields = light(coefficients.modes(), 1);
    let id = BenchmarkId::new("f32-one-sample", coefficients.modes());
    measure(group, id, || way.run(black_box(&mut fields)))
}

criterion_group! {
    name = benches;
    // Plots and a long bootstrap would take more time than the measurement.
    config = Criterion::default().without_plots().nresamples(10_000);
    targets = phases, transfer, gradients, batches
}
criterion_main!(benches);
