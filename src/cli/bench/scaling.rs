//! How time grows with the modes of a mesh and with the samples of a batch: measured, drawn, and as slopes.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use indicatif::ProgressBar;
use serde::Serialize;

use super::BenchArgs;
use super::machine::{Machine, light};
use crate::cli::common::output;
use crate::error::Error;
use crate::field::{Fields, Real};
use crate::mesh::{Geometry, Mesh, decompose};
use crate::report::scaling::{Guide, Side, TimeLine, TimePanel, draw_times, faster, slope, time};
use crate::rng::{Effect, Seed};

/// Time that one point is measured for, s, and the least number of timings. The shortest counts: what else a machine does
/// can only add to it.
const LEAST_SECONDS: f64 = 0.1;
const LEAST_TIMINGS: usize = 5;
/// A point that has taken so long, s, is not timed again.
const MOST_SECONDS: f64 = 1.5;
/// Samples of the batch whose time is measured against modes.
const BATCH: usize = 1024;
/// Modes of the meshes whose time is measured against batch.
const BATCH_MODES: [usize; 2] = [64, 256];
const LARGEST_BATCH: usize = 100_000;

#[derive(Serialize)]
struct Growth {
    machine: Machine,
    scaling: Scaling,
}

#[derive(Serialize)]
struct Scaling {
    modes: Vec<Timing>,
    batch: Vec<Timing>,
}

/// What is timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Operation {
    /// A batch through a mesh that is prepared for it.
    Batch,
    /// Phases → transfer matrix: its coefficients, then its columns.
    Transfer,
    /// Unitary → phases.
    Decompose,
    /// A batch times a transfer matrix that is there.
    Multiply,
    /// The transfer matrix, then the product with it.
    CompileMultiply,
}

/// One measured time.
#[derive(Debug, Clone, Serialize)]
struct Timing {
    operation: Operation,
    modes: usize,
    /// None where no batch is sent.
    batch: Option<usize>,
    geometry: Geometry,
    precision: &'static str,
    threads: usize,
    seconds: f64,
    /// d log t / d log x from the point before of the same line; none at its first.
    slope: Option<f64>,
}

impl Timing {
    /// What the points of a line have in common, when they stand against modes or against batch.
    fn line(&self, against: Against) -> (Operation, Geometry, &'static str, Option<usize>) {
        let fixed = match against {
            Against::Modes => self.batch,
            Against::Batch => Some(self.modes),
        };
        (self.operation, self.geometry, self.precision, fixed)
    }

    fn place(&self, against: Against) -> (f64, f64) {
        let size = match against {
            Against::Modes => self.modes,
            Against::Batch => self.batch.expect("it stands against batch"),
        };
        (size as f64, self.seconds)
    }

    /// The name of its line, without its precision.
    fn name(&self, against: Against) -> String {
        let what = match self.operation {
            Operation::Batch => "batch",
            Operation::Transfer => "transfer matrix",
            Operation::Decompose => "decompose",
            Operation::Multiply => "multiply",
            Operation::CompileMultiply => "matrix + multiply",
        };
        match (against, self.batch) {
            (Against::Batch, _) => format!("{what}, N = {}", self.modes),
            (Against::Modes, Some(1)) => format!("{what}, 1 sample"),
            (Against::Modes, Some(batch)) => format!("{what}, {batch} samples"),
            (Against::Modes, None) if self.operation == Operation::Decompose => {
                format!("{what}, {}", self.geometry)
            }
            (Against::Modes, None) => what.to_owned(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Against {
    Modes,
    Batch,
}

/// Draws into `picture`; JSON goes where `args` say, and a table to stdout unless one of them goes there.
pub fn run(args: &BenchArgs, picture: &Path) -> Result<()> {
    if args.json.as_deref() == Some(picture) {
        let limit = "another file than that of --json";
        return Err(Error::value("--scaling", picture.display(), limit).into());
    }
    let single = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    output::write(picture, "svg", &[], || {
        let mut svg = None;
        let measure = || {
            let report = single.install(|| measure(args));
            svg = Some(draw(&report));
            Ok(report)
        };
        let table = |report: &Growth| match output::is_standard(picture) {
            true => Ok(()),
            false => print(report),
        };
        output::report(args.json.as_deref(), &[], measure, output::json, table)?;
        Ok(svg.expect("it is drawn").into_bytes())
    })
}

fn measure(args: &BenchArgs) -> Growth {
    let ascending = |counts: Vec<usize>| -> Vec<usize> {
        let counts: BTreeSet<usize> = counts.into_iter().collect();
        counts.into_iter().collect()
    };
    let sizes = args.modes.clone();
    let sizes = ascending(sizes.unwrap_or_else(|| (4..12).map(|power| 1 << power).collect()));
    let batches = args.batch.clone().unwrap_or_else(|| {
        let powers = (0..).map(|power| 1 << power);
        let below = powers.take_while(|batch| *batch < LARGEST_BATCH);
        below.chain([LARGEST_BATCH]).collect()
    });
    let batches = ascending(batches);
    let steps = sizes.len() + BATCH_MODES.len() * batches.len();
    let bar = args.common.progress(steps, "points");
    let machine = Machine::this();
    let mut scaling = Scaling {
        modes: against_modes(&sizes, &bar),
        batch: BATCH_MODES
            .iter()
            .flat_map(|modes| against_batch(*modes, &batches, &bar))
            .collect(),
    };
    bar.finish_and_clear();
    in_lines(&mut scaling.modes, Against::Modes);
    in_lines(&mut scaling.batch, Against::Batch);
    Growth { machine, scaling }
}

/// Sorts points by lines, each in the order of its sizes, and adds the slopes.
fn in_lines(points: &mut Vec<Timing>, against: Against) {
    let mut lines: Vec<Vec<Timing>> = Vec::new();
    for point in points.drain(..) {
        let key = point.line(against);
        match lines.iter_mut().find(|line| line[0].line(against) == key) {
            Some(line) => line.push(point),
            None => lines.push(vec![point]),
        }
    }
    for line in &mut lines {
        for index in 1..line.len() {
            let [before, here] = [index - 1, index].map(|index| line[index].place(against));
            line[index].slope = Some(slope(before, here));
        }
    }
    *points = lines.concat();
}

fn haar(modes: usize) -> Mesh {
    let mut stream = Seed(0).stream(Effect::Haar, 0, modes as u64, 0);
    Mesh::haar(Geometry::Clements, modes, &mut stream).expect("one mode or more")
}

fn against_modes(sizes: &[usize], bar: &ProgressBar) -> Vec<Timing> {
    let mut points = Vec::new();
    for &modes in sizes {
        let mesh = haar(modes);
        mesh_points::<f32>(&mesh, "f32", &mut points);
        mesh_points::<f64>(&mesh, "f64", &mut points);
        let u = mesh.transfer();
        for geometry in [Geometry::Clements, Geometry::Reck] {
            points.push(Timing {
                operation: Operation::Decompose,
                modes,
                batch: None,
                geometry,
                precision: "f64",
                threads: 1,
                seconds: shortest(|| {
                    decompose(&u, geometry).expect("a transfer matrix is unitary")
                }),
                slope: None,
            });
        }
        bar.inc(1);
    }
    points
}

/// A batch, a single sample, and the transfer matrix.
fn mesh_points<T: Real>(mesh: &Mesh, precision: &'static str, points: &mut Vec<Timing>) {
    let mut push = |operation, batch, seconds| {
        points.push(Timing {
            operation,
            modes: mesh.modes(),
            batch,
            geometry: Geometry::Clements,
            precision,
            threads: 1,
            seconds,
            slope: None,
        });
    };
    for batch in [BATCH, 1] {
        let seconds = send::<T>(mesh, batch);
        push(Operation::Batch, Some(batch), seconds);
    }
    let transfer = || mesh.coefficients().first_columns::<T>(mesh.modes());
    push(Operation::Transfer, None, shortest(transfer));
}

fn send<T: Real>(mesh: &Mesh, batch: usize) -> f64 {
    let way = mesh.coefficients().prepare::<T>(batch);
    // The mesh is lossless: the same fields are sent over and over.
    let mut fields = light::<T>(mesh.modes(), batch);
    shortest(|| way.run(&mut fields))
}

/// Batches and products in f32.
fn against_batch(modes: usize, batches: &[usize], bar: &ProgressBar) -> Vec<Timing> {
    let mesh = haar(modes);
    let coefficients = mesh.coefficients();
    let compile = || coefficients.first_columns::<f32>(modes);
    let matrix = compile();
    let mut points = Vec::new();
    for &batch in batches {
        let fields: Fields<f32> = light(modes, batch);
        let times = [
            (Operation::Batch, send::<f32>(&mesh, batch)),
            (Operation::Multiply, shortest(|| matrix.times(&fields))),
            (
                Operation::CompileMultiply,
                shortest(|| compile().times(&fields)),
            ),
        ];
        points.extend(times.map(|(operation, seconds)| Timing {
            operation,
            modes,
            batch: Some(batch),
            geometry: Geometry::Clements,
            precision: "f32",
            threads: 1,
            seconds,
            slope: None,
        }));
        bar.inc(1);
    }
    points
}

/// Shortest time of `work`, s.
fn shortest<R>(mut work: impl FnMut() -> R) -> f64 {
    let (mut best, mut timings) = (f64::INFINITY, 0);
    let clock = Instant::now();
    loop {
        let start = Instant::now();
        std::hint::black_box(work());
        best = best.min(start.elapsed().as_secs_f64());
        timings += 1;
        let total = clock.elapsed().as_secs_f64();
        if total > MOST_SECONDS || (timings >= LEAST_TIMINGS && total > LEAST_SECONDS) {
            return best;
        }
    }
}

/// The lines of points that `in_lines` has sorted.
fn lines(points: &[Timing], against: Against) -> Vec<&[Timing]> {
    points
        .chunk_by(|a, b| a.line(against) == b.line(against))
        .collect()
}

fn draw(report: &Growth) -> String {
    let Growth { machine, scaling } = report;
    let panel = |points: &[Timing], against, title: &str, size: &str, guides| TimePanel {
        title: title.to_owned(),
        size: size.to_owned(),
        lines: lines(points, against)
            .into_iter()
            // Double precision runs beside single precision, at about twice the time: the table has it.
            .filter(|line| line[0].precision == "f32" || line[0].operation == Operation::Decompose)
            .map(|line| TimeLine {
                name: line[0].name(against),
                style: style(&line[0], against),
                points: line.iter().map(|point| point.place(against)).collect(),
            })
            .collect(),
        guides,
    };
    let guide = |power: f64, name: &str, side| Guide {
        power,
        name: name.to_owned(),
        side,
    };
    let panels = [
        panel(
            &scaling.modes,
            Against::Modes,
            "Time against modes",
            "modes N",
            vec![
                guide(2.0, "∝ N²", Side::Below),
                guide(3.0, "∝ N³", Side::Above),
            ],
        ),
        panel(
            &scaling.batch,
            Against::Batch,
            "Time against batch",
            "batch, samples",
            vec![guide(1.0, "∝ batch", Side::Below)],
        ),
    ];
    let notes = [
        format!(
            "{}, {}; one thread; its peak in the same run: {:.0} GFlop/s f32, {:.0} GFlop/s f64.",
            machine.cpu, machine.isa, machine.peak_gflops_f32, machine.peak_gflops_f64
        ),
        format!(
            "f32, decomposition f64. Rectangular meshes, but for Reck's. Shortest of {LEAST_TIMINGS} runs or more, of fewer above 0.3 s. Batch and \
             multiply: mesh and matrix are ready. lightloom {}.",
            env!("CARGO_PKG_VERSION")
        ),
    ];
    draw_times("How time grows with modes and with batch", &panels, &notes)
}

/// The colour, dashes and marks of a line: those of its operation, two where times against modes show two of it.
fn style(point: &Timing, against: Against) -> usize {
    match point.operation {
        Operation::Batch if against == Against::Modes && point.batch == Some(1) => 5,
        Operation::Batch => 0,
        Operation::Multiply => 1,
        Operation::CompileMultiply | Operation::Transfer => 2,
        Operation::Decompose if point.geometry == Geometry::Clements => 3,
        Operation::Decompose => 4,
    }
}

fn print(report: &Growth) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}\none thread", report.machine)?;
    for (points, against, size) in [
        (&report.scaling.modes, Against::Modes, "modes"),
        (&report.scaling.batch, Against::Batch, "batch"),
    ] {
        writeln!(
            out,
            "\n{:<26} precision {size:>7} {:>10}  slope",
            format!("against {size}"),
            "time"
        )?;
        for point in points {
            let slope = point.slope.map(|slope| format!("{slope:6.2}"));
            writeln!(
                out,
                "{:<26} {:<9} {:>7} {:>10} {}",
                point.name(against),
                point.precision,
                point.place(against).0,
                time(point.seconds),
                slope.unwrap_or_default()
            )?;
        }
    }
    writeln!(out)?;
    let lines = lines(&report.scaling.batch, Against::Batch);
    let places = |line: &[Timing]| -> Vec<(f64, f64)> {
        let places = line.iter().map(|point| point.place(Against::Batch));
        places.collect()
    };
    for batch in &lines {
        if batch[0].operation != Operation::Batch {
            continue;
        }
        for other in &lines {
            let (modes, operation) = (batch[0].modes, other[0].operation);
            if other[0].modes != modes || operation == Operation::Batch {
                continue;
            }
            let ranges = faster(&places(batch), &places(other));
            let ranges: Vec<String> = ranges
                .iter()
                .map(|(from, to)| format!("{from:.0} to {to:.0}"))
                .collect();
            let less = match ranges.as_slice() {
                [] => "at no batch".to_owned(),
                ranges => format!("at batches {}", ranges.join(", ")),
            };
            let what = other[0].name(Against::Batch);
            writeln!(out, "{what}: less time than the prepared batch {less}")?;
        }
    }
    Ok(())
}
