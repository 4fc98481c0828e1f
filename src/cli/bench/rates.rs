//! How many MZIs and samples a second, beside the limit.

use std::io::Write;
use std::time::Instant;

use anyhow::Result;
use rayon::prelude::*;
use serde::Serialize;

use super::BenchArgs;
use super::machine::{Machine, light};
use crate::cli::common::output;
use crate::field::Real;
use crate::linalg::{haar_unitary, max_abs_difference};
use crate::mesh::{Geometry, Mesh, decompose};
use crate::rng::{Effect, Seed};

/// What is measured by default.
const MODES: [usize; 3] = [16, 64, 256];
const BATCHES: [usize; 2] = [1, 1024];
/// Time that one rate is measured for, s, and the least number of timings; their median counts.
const LEAST_SECONDS: f64 = 0.2;
const LEAST_TIMINGS: usize = 5;
/// Least time of what a thread is given at once.
const LEAST_TASK_SECONDS: f64 = 1e-2;
/// Multiply-adds of an MZI on one sample in scaled form.
const SLOTS: f64 = 8.0;

#[derive(Serialize)]
struct Rates {
    machine: Machine,
    batch: Vec<Batch>,
    transfer: Vec<Transfer>,
    decompose: Vec<Decompose>,
}

#[derive(Serialize)]
struct Batch {
    modes: usize,
    batch: usize,
    precision: &'static str,
    threads: usize,
    mzi_samples_per_s: f64,
    /// Of peak multiply-adds per second of all threads over 8; more than 1 where the matrix takes fewer.
    of_limit: f64,
}

#[derive(Serialize)]
struct Transfer {
    modes: usize,
    precision: &'static str,
    seconds: f64,
}

#[derive(Serialize)]
struct Decompose {
    modes: usize,
    geometry: Geometry,
    threads: usize,
    seconds: f64,
    max_error: f64,
}

/// Measures, and shows a table or JSON.
pub(super) fn run(args: &BenchArgs) -> Result<()> {
    output::report(
        args.json.as_deref(),
        &[],
        || Ok(measure(args)),
        output::json,
        print,
    )
}

fn measure(args: &BenchArgs) -> Rates {
    let sizes = args.modes.as_deref().unwrap_or(&MODES);
    let batches = args.batch.as_deref().unwrap_or(&BATCHES);
    let bar = args.common.progress(sizes.len(), "sizes");
    let mut report = Rates {
        machine: Machine::this(),
        batch: Vec::new(),
        transfer: Vec::new(),
        decompose: Vec::new(),
    };
    let all_threads = rayon::current_num_threads();
    for &modes in sizes {
        let mut stream = Seed(0).stream(Effect::Haar, 0, modes as u64, 0);
        let mesh = Mesh::haar(Geometry::Clements, modes, &mut stream).expect("one mode or more");
        for &batch in batches {
            for threads in [1, all_threads] {
                if threads == 1 || all_threads > 1 {
                    let machine = &report.machine;
                    let (single, double) = (machine.peak_gflops_f32, machine.peak_gflops_f64);
                    let rates = [
                        send::<f32>(&mesh, batch, threads, "f32", single),
                        send::<f64>(&mesh, batch, threads, "f64", double),
                    ];
                    report.batch.extend(rates);
                }
                if all_threads == 1 {
                    break;
                }
            }
        }
        report.transfer.push(Transfer {
            modes,
            precision: "f32",
            seconds: median(|| mesh.coefficients().first_columns::<f32>(modes)),
        });
        report.transfer.push(Transfer {
            modes,
            precision: "f64",
            seconds: median(|| mesh.transfer()),
        });
        let u = haar_unitary(modes, &mut stream);
        for geometry in [Geometry::Clements, Geometry::Reck] {
            let phases = || decompose(&u, geometry).expect("a Haar unitary is unitary");
            report.decompose.push(Decompose {
                modes,
                geometry,
                threads: 1,
                seconds: median(phases),
                max_error: max_abs_difference(&phases().transfer(), &u),
            });
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    report
}

/// A batch on every thread, each through the whole mesh.
fn send<T: Real>(
    mesh: &Mesh,
    batch: usize,
    threads: usize,
    precision: &'static str,
    peak_gflops: f64,
) -> Batch {
    let way = mesh.coefficients().prepare::<T>(batch);
    let fields = || light::<T>(mesh.modes(), batch);
    let mut batches: Vec<_> = std::iter::repeat_with(fields).take(threads).collect();
    // The mesh is lossless: the same fields are sent over and over, so often that waking a thread costs little.
    let once = Instant::now();
    way.run(&mut batches[0]);
    let times = (LEAST_TASK_SECONDS / once.elapsed().as_secs_f64().max(1e-9)).ceil() as usize;
    let seconds = median(|| {
        batches.par_iter_mut().for_each(|fields| {
            (0..times).for_each(|_| way.run(std::hint::black_box(fields)));
        });
    });
    let rate = (mesh.nodes().len() * batch * threads * times) as f64 / seconds;
    Batch {
        modes: mesh.modes(),
        batch,
        precision,
        threads,
        mzi_samples_per_s: rate,
        of_limit: rate / (0.5e9 * peak_gflops * threads as f64 / SLOTS),
    }
}

/// Median time of `work`, s.
fn median<R>(mut work: impl FnMut() -> R) -> f64 {
    let mut seconds = Vec::new();
    let clock = Instant::now();
    while seconds.len() < LEAST_TIMINGS || clock.elapsed().as_secs_f64() < LEAST_SECONDS {
        let start = Instant::now();
        std::hint::black_box(work());
        seconds.push(start.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

fn print(report: &Rates) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}\n", report.machine)?;
    writeln!(
        out,
        "batch  modes samples  threads  10⁹ MZI·samples/s  of the limit"
    )?;
    for row in &report.batch {
        writeln!(
            out,
            "{:<5} {:>6} {:>7} {:>8} {:>18.3} {:>12.0} %",
            row.precision,
            row.modes,
            row.batch,
            row.threads,
            row.mzi_samples_per_s / 1e9,
            100.0 * row.of_limit
        )?;
    }
    writeln!(
        out,
        "the limit: {SLOTS} multiply-adds an MZI and sample at the peak; small meshes multiply a batch by their matrix, \
         which takes fewer"
    )?;
    writeln!(out, "\ntransfer matrix  modes         ms")?;
    for row in &report.transfer {
        writeln!(
            out,
            "{:<15} {:>6} {:>10.3}",
            row.precision,
            row.modes,
            1e3 * row.seconds
        )?;
    }
    writeln!(out, "\ndecomposition    modes         ms   max |U − U'|")?;
    for row in &report.decompose {
        writeln!(
            out,
            "{:<15} {:>6} {:>10.3} {:>14.1e}",
            row.geometry.to_string(),
            row.modes,
            1e3 * row.seconds,
            row.max_error
        )?;
    }
    Ok(())
}
