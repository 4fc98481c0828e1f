//! Throughput on this machine, beside the peak that was measured in the same run.

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use clap::Args;
use rayon::prelude::*;
use serde::Serialize;

use super::args::Common;
use super::count::any;
use super::{output, scaling};
use crate::error::Error;
use crate::field::{Fields, InstructionSet, Real, peak_gflops_f32, peak_gflops_f64};
use crate::linalg::{haar_unitary, max_abs_difference};
use crate::mesh::{Geometry, Mesh, decompose};
use crate::rng::{Effect, Seed};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lightloom bench --modes 64,256 --batch 1,1024 --json -\n  lightloom bench --scaling scaling.svg"
)]
pub(super) struct BenchArgs {
    /// Sizes of the meshes; by default 16,64,256, and with --scaling the powers of two from 16 to 2048
    #[arg(long, value_delimiter = ',', value_name = "N,…", value_parser = any::<usize>())]
    pub modes: Option<Vec<usize>>,
    /// Samples walked at a time; by default 1,1024, and with --scaling the powers of two and 100000
    #[arg(long, value_delimiter = ',', value_name = "N,…", value_parser = any::<usize>())]
    pub batch: Option<Vec<usize>>,
    /// How time grows instead of rates: draw it against modes, and against batch at 64 and 256 modes, on one thread, into this SVG file; - is
    /// stdout. Takes about a minute
    #[arg(long, value_name = "FILE")]
    pub scaling: Option<PathBuf>,
    /// Also write the results as JSON to this file; - is stdout, without the table
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    #[command(flatten)]
    pub common: Common,
}

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

/// Sizes that are measured: a mesh of one mode has no MZI, one of more does not fit a common machine's memory.
const MEASURED: std::ops::RangeInclusive<usize> = 2..=4096;

#[derive(Serialize)]
struct Report {
    machine: Machine,
    walk: Vec<Walk>,
    transfer: Vec<Transfer>,
    decompose: Vec<Decompose>,
}

#[derive(Serialize)]
pub(super) struct Machine {
    pub cpu: String,
    pub isa: &'static str,
    pub peak_gflops_f32: f64,
    pub peak_gflops_f64: f64,
}

impl Machine {
    /// This machine, its peak measured now.
    pub fn this() -> Self {
        Self {
            cpu: cpu(),
            isa: InstructionSet::best().name(),
            peak_gflops_f32: peak_gflops_f32(InstructionSet::best()),
            peak_gflops_f64: peak_gflops_f64(InstructionSet::best()),
        }
    }
}

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}, {}; one thread's peak: {:.0} GFlop/s f32, {:.0} GFlop/s f64",
            self.cpu, self.isa, self.peak_gflops_f32, self.peak_gflops_f64
        )
    }
}

#[derive(Serialize)]
struct Walk {
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

pub fn run(args: &BenchArgs) -> Result<()> {
    if args.batch.iter().flatten().any(|count| *count == 0) {
        return Err(Error::value("--batch", 0, "1 or more").into());
    }
    let sizes = args.modes.iter().flatten();
    if let Some(modes) = sizes.into_iter().find(|modes| !MEASURED.contains(modes)) {
        let limit = format!("{} to {}", MEASURED.start(), MEASURED.end());
        return Err(Error::value("--modes", modes, limit).into());
    }
    if let Some(picture) = &args.scaling {
        return scaling::run(args, picture);
    }
    output::report(
        args.json.as_deref(),
        &[],
        || Ok(measure(args)),
        output::json,
        print,
    )
}

fn measure(args: &BenchArgs) -> Report {
    let sizes = args.modes.as_deref().unwrap_or(&MODES);
    let batches = args.batch.as_deref().unwrap_or(&BATCHES);
    let bar = args.common.progress(sizes.len(), "sizes");
    let mut report = Report {
        machine: Machine::this(),
        walk: Vec::new(),
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
                    let peaks = (
                        report.machine.peak_gflops_f32,
                        report.machine.peak_gflops_f64,
                    );
                    report
                        .walk
                        .push(walk::<f32>(&mesh, batch, threads, ("f32", peaks.0)));
                    report
                        .walk
                        .push(walk::<f64>(&mesh, batch, threads, ("f64", peaks.1)));
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
fn walk<T: Real>(
    mesh: &Mesh,
    batch: usize,
    threads: usize,
    (precision, peak_gflops): (&'static str, f64),
) -> Walk {
    let walk = mesh.coefficients().prepare::<T>(batch);
    let fields = || light::<T>(mesh.modes(), batch);
    let mut batches: Vec<_> = std::iter::repeat_with(fields).take(threads).collect();
    // The mesh is lossless: the same fields are walked over and over, so often that waking a thread costs little.
    let once = Instant::now();
    walk.run(&mut batches[0]);
    let times = (LEAST_TASK_SECONDS / once.elapsed().as_secs_f64().max(1e-9)).ceil() as usize;
    let seconds = median(|| {
        batches.par_iter_mut().for_each(|fields| {
            (0..times).for_each(|_| walk.run(std::hint::black_box(fields)));
        });
    });
    let rate = (mesh.nodes().len() * batch * threads * times) as f64 / seconds;
    Walk {
        modes: mesh.modes(),
        batch,
        precision,
        threads,
        mzi_samples_per_s: rate,
        of_limit: rate / (0.5e9 * peak_gflops * threads as f64 / SLOTS),
    }
}

/// Light of amplitude 1 in every mode of every sample.
pub(super) fn light<T: Real>(modes: usize, batch: usize) -> Fields<T> {
    let mut fields = Fields::zeros(modes, batch);
    fields.re.fill(T::one());
    fields
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

/// The processor's name, where the system tells it.
fn cpu() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    name.map_or(std::env::consts::ARCH.to_owned(), |name| {
        name.trim_start_matches([' ', '\t', ':']).to_owned()
    })
}

fn print(report: &Report) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}\n", report.machine)?;
    writeln!(
        out,
        "walk   modes   batch  threads  10⁹ MZI·samples/s  of the limit"
    )?;
    for row in &report.walk {
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
