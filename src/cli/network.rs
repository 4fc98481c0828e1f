//! Commands on networks and programs.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use serde::Serialize;

use super::args::{CompileArgs, InferArgs};
use super::watch::Terminal;
use super::{mesh, open, output};
use crate::compile::{Layout, Program, compile as compile_model};
use crate::error::Error;
use crate::experiment::{Experiment, Predictions, Report, Workload};
use crate::field::{Precision, Real};
use crate::hardware::Hardware;
use crate::io::Source;
use crate::io::npy::Element;
use crate::mesh::Correction;
use crate::nn::metrics::Chance;
use crate::nn::{
    Dataset, Hints, Linear, Loaded, Model, Normalization, PARTS, Part, PerFeature, Score, Scorer,
    Selection, Worth,
};
use crate::processor::idle_words;
use crate::rng::Seed;

pub fn compile(args: &CompileArgs) -> Result<()> {
    let mut compiled = None;
    output::write(&args.output, "safetensors", &[&args.network], || {
        let hints = hints(args)?;
        let source = output::source(&args.network)?;
        if open::is_program(&source) {
            let reason = "is a program already: lightloom infer takes it";
            return Err(Error::format(source.name(), reason).into());
        }
        let loaded = Model::read(&source, &hints)?;
        let layout = Layout {
            tile: args.tile,
            multiplier: args.geometry,
            arrangement: args.arrangement,
            aim: args.aim,
            seed: Seed(args.seed),
        };
        let clock = Instant::now();
        let program = output::in_file(&args.network, compile_model(&loaded.model, layout))?;
        let seconds = clock.elapsed().as_secs_f64();
        let mut bytes = Vec::new();
        program.write(&mut bytes)?;
        compiled = Some((loaded, program, seconds));
        Ok(bytes)
    })?;
    // Said of a file that is there.
    match compiled {
        Some((loaded, program, seconds)) if !args.common.quiet => {
            describe(args, &loaded, &program, seconds)
        }
        _ => Ok(()),
    }
}

/// What the flags say of a network beside its file.
fn hints(args: &CompileArgs) -> Result<Hints> {
    let numbers = |name: &str, text: &Option<String>| {
        let text = text.as_ref();
        text.map(|text| PerFeature::open(name, text)).transpose()
    };
    let activation = args.activation.as_ref();
    Ok(Hints {
        activation: activation.map(|name| name.parse()).transpose()?,
        layers: args.layers.clone(),
        normalization: Normalization {
            scale: numbers("scale", &args.scale)?,
            mean: numbers("mean", &args.mean)?,
            std: numbers("std", &args.std)?,
        },
    })
}

/// Says on stderr what was compiled in how many `seconds`, and what was assumed.
fn describe(args: &CompileArgs, loaded: &Loaded, program: &Program, seconds: f64) -> Result<()> {
    let mut stderr = std::io::stderr().lock();
    for assumed in loaded
        .entry_words()
        .into_iter()
        .chain(loaded.words("--activation"))
    {
        writeln!(stderr, "note: {assumed}")?;
    }
    writeln!(stderr, "note: data: {}", loaded.model.input.words())?;
    super::inspect::describe_program(&mut stderr, program)?;
    if !args.geometry.is_universal() {
        writeln!(
            stderr,
            "weights: relative error {:.4}, as {} meshes hold only some matrices",
            program.weight_error(),
            args.geometry
        )?;
    }
    let linears = loaded.model.linears().map(|(_, linear)| linear);
    for linear in linears.filter(|linear| linear.is_zero()) {
        writeln!(stderr, "note: all weights of layer {} are 0", linear.name)?;
    }
    if let Some(note) = spare_modes(program) {
        writeln!(stderr, "note: {note}")?;
    }
    writeln!(stderr, "compiled in {seconds:.2} s")?;
    if !output::is_standard(&args.output) {
        let program = args.output.display();
        writeln!(stderr, "next: lightloom infer {program} --data DATA")?;
    }
    Ok(())
}

/// What is said of tiles that are larger than every layer.
fn spare_modes(program: &Program) -> Option<String> {
    let tile = program.layout().tile?;
    let needed = |linear: &Linear| linear.inputs().max(linear.outputs());
    let linears = program.maps().map(|map| map.linear);
    let largest = linears.max_by_key(|linear| needed(linear))?;
    let modes = needed(largest);
    (modes < tile).then(|| {
        format!(
            "--tile {tile}: layer {} ({} → {}) needs {modes} modes, and no other one more: the other modes of each mesh do \
             nothing but cost MZIs",
            largest.name,
            largest.inputs(),
            largest.outputs()
        )
    })
}

/// What `--json` prints: the report with the program's name.
#[derive(Serialize)]
struct Named<'a> {
    program: String,
    #[serde(flatten)]
    report: &'a Report,
}

pub fn infer(args: &InferArgs) -> Result<()> {
    let mut inputs = vec![args.program.as_path(), &args.data];
    inputs.extend(args.labels.as_deref());
    let document = |report: &Report| {
        output::json(&Named {
            program: args.program.display().to_string(),
            report,
        })
    };
    let compute = || match &args.predictions {
        None => Ok(run(args)?.0),
        Some(path) => {
            check_predictions(path, args.json.as_deref())?;
            let mut computed = None;
            output::write(path, "npz", &inputs, || {
                let (report, predictions) = run(args)?;
                computed = Some(report);
                Ok(predictions)
            })?;
            Ok(computed.expect("what was written was computed"))
        }
    };
    output::report(args.json.as_deref(), &inputs, compute, document, print)
}

/// Fails unless the file of predictions is a file of its own.
fn check_predictions(path: &Path, json: Option<&Path>) -> Result<()> {
    if output::is_standard(path) {
        let limit = "a file: stdout is for results";
        return Err(Error::value("--predictions", "-", limit).into());
    }
    json.map_or(Ok(()), |json| {
        output::check_differs("--predictions", path, json, "that of --json")
    })
}

/// The report and, where they were asked for, the bytes of the file of predictions.
fn run(args: &InferArgs) -> Result<(Report, Vec<u8>)> {
    output::check_differs("--data", &args.data, &args.program, "the program")?;
    let clock = Instant::now();
    let program = program(args)?;
    let data = data(args)?;
    let samples = data.len();
    let data = match args.limit {
        Some(limit) => data.limit(limit),
        None => data,
    };
    let scorer = output::in_file(&args.data, Scorer::new(program.model(), &data, args.score))?;
    let load = clock.elapsed().as_secs_f64();
    let experiment = Experiment {
        hardware: mesh::hardware(&args.chip)?,
        seed: Seed(args.chip.seed),
        trials: args.trials as usize,
        correction: args.correct,
    };
    let (mut report, predictions) = match args.precision {
        Precision::F32 => trials::<f32>(args, &experiment, &program, &data),
        Precision::F64 => trials::<f64>(args, &experiment, &program, &data),
    }?;
    report.seconds.load = load;
    if !args.common.quiet {
        if let Some(limit) = args.limit.filter(|limit| *limit > samples) {
            eprintln!("note: --limit {limit} takes all {samples} samples of the data");
        }
        if experiment.hardware == Hardware::default() {
            eprintln!(
                "note: these chips are ideal: --hardware thermo-optic (or another kind) or --set KEY=VALUE gives them errors"
            );
        }
        for note in mesh::notes(&experiment.hardware) {
            eprintln!("note: {note}");
        }
        if let Some(note) = idle_words(&program, &experiment.hardware) {
            eprintln!("note: {note}");
        }
        let words = data.words(&program.model().input);
        let name = output::name(&args.data);
        eprintln!("note: {name}: {words}");
        if let Some(note) = scorer.note() {
            eprintln!("note: {name}: {note}");
        }
        if let Some(chance) = Chance::of(&report.digital, &scorer) {
            eprintln!("note: {chance}");
        }
    }
    Ok((report, predictions))
}

/// All trials at one precision.
fn trials<T: Real + Element>(
    args: &InferArgs,
    experiment: &Experiment,
    program: &Program,
    data: &Dataset,
) -> Result<(Report, Vec<u8>)> {
    let workload = Workload::<T>::new(program, data, args.score)?;
    let room = args.predictions.as_ref();
    let kept = room
        .map(|_| Predictions::new(&workload, experiment.trials))
        .transpose()?;
    let terminal = Terminal::new(&args.common, experiment.trials, "chips");
    let report = experiment.run_on(&workload, &terminal, |whose, judged| {
        if let Some(kept) = &kept {
            kept.keep(whose, judged);
        }
    })?;
    terminal.finish();
    terminal.say_if_stopped(report.trials, experiment.trials);
    let bytes = kept.map_or(Ok(Vec::new()), |kept| kept.npz(report.trials))?;
    Ok((report, bytes))
}

/// The parts of `worth` but the score itself, each behind its name.
fn beside<V: Copy>(score: Score, worth: &Worth<V>, text: impl Fn(&Part, V) -> String) -> String {
    let parts = PARTS.iter().zip(worth.parts());
    let parts = parts.filter(|(part, _)| part.name != score.main_part());
    let parts =
        parts.filter_map(|(part, value)| Some(format!("   {} {}", part.label, text(part, value?))));
    parts.collect()
}

/// The program that the arguments name.
fn program(args: &InferArgs) -> Result<Program> {
    let source = output::source(&args.program)?;
    open::program(&source).map_err(|error| {
        let is_swapped = !output::is_standard(&args.data)
            && Source::open(&args.data).is_ok_and(|data| open::is_program(&data));
        if !is_swapped {
            return error.into();
        }
        let reason = format!(
            "is no program, and {} is one: must be lightloom infer {} --data {}",
            args.data.display(),
            args.data.display(),
            args.program.display()
        );
        Error::format(source.name(), reason).into()
    })
}

/// The data set that the arguments name.
fn data(args: &InferArgs) -> Result<Dataset> {
    let selection = Selection {
        split: args.split,
        labels: args.labels.as_deref(),
        label: args.label.as_deref(),
    };
    Ok(match output::is_standard(&args.data) {
        true => Dataset::read(output::source(&args.data)?, selection)?,
        false => Dataset::open(&args.data, selection)?,
    })
}

/// A report for people.
fn print(report: &Report) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let score = report.score_name;
    let text = |value: f64| score.text(value);
    writeln!(out, "samples   {}", report.samples)?;
    if score != Score::Accuracy {
        writeln!(out, "score     {}", score.words())?;
    }
    for (name, worth) in [("digital", &report.digital), ("ideal", &report.ideal)] {
        let beside = beside(score, worth, |part, value| part.text(value));
        writeln!(out, "{name:<9} {}{beside}", text(worth.value()))?;
    }
    let noisy = &report.noisy;
    let a = noisy.value();
    let beside = beside(score, &noisy.worth, |part, over| part.text(over.mean));
    let seed = report.seed.0;
    if report.trials == 1 {
        let mean = text(a.mean);
        writeln!(out, "noisy     {mean}{beside}   (one chip, seed {seed})")?;
    } else {
        writeln!(
            out,
            "noisy     {} ± {}{beside}   ({} chips, seed {seed})",
            text(a.mean),
            text(a.std),
            report.trials,
        )?;
        writeln!(
            out,
            "          min {}   5 % {}   median {}   95 % {}   max {}",
            text(a.min),
            text(a.p05),
            text(a.p50),
            text(a.p95),
            text(a.max)
        )?;
    }
    writeln!(out)?;
    let corrected = report.correct != Correction::None;
    let title = if corrected {
        "   not set exactly (mean)"
    } else {
        ""
    };
    writeln!(
        out,
        "layer        tiles     MZIs   matrix error   of it read   on the data   loss of a path{title}"
    )?;
    for layer in &report.layers {
        write!(
            out,
            "{:<12} {:>5} {:>8}   {:>12.4}   {:>10.4}   {:>11.4}   {:>11.1} dB",
            layer.name,
            layer.tiles,
            layer.mzis,
            layer.matrix_error,
            layer.read_error,
            layer.weighted_error,
            layer.loss_db
        )?;
        if corrected {
            let count = layer.unreachable_mzis.unwrap_or(0.0);
            let share = 100.0 * count / layer.mzis.max(1) as f64;
            write!(out, "   {:>7.1} MZIs ({share:.2} %)", count)?;
        }
        writeln!(out)?;
    }
    let s = &report.seconds;
    writeln!(out)?;
    writeln!(
        out,
        "seconds   load {:.2}   digital {:.3}   ideal {:.3}   noisy {:.2} ({:.3} a chip)",
        s.load, s.digital, s.ideal, s.noisy, s.noisy_per_trial
    )?;
    for layer in report.layers.iter().filter(|layer| layer.loss_db > DARK_DB) {
        writeln!(
            out,
            "note      a path through layer `{}` loses {:.0} dB: smaller tiles (lightloom compile --tile) lose less",
            layer.name, layer.loss_db
        )?;
    }
    Ok(())
}

/// Loss of a path beyond which a smaller tile is worth a hint.
const DARK_DB: f64 = 40.0;
