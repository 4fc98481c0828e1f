//! A program on drawn chips, against digital.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};

use super::common::args::{ChipArgs, Common, precisions};
use super::common::count::count;
use super::common::output;
use super::common::watch::Terminal;
use super::mesh::Correct;
use crate::compile::Program;
use crate::error::Error;
use crate::experiment::{Experiment, Predictions, Report, TRIALS_LIMIT, Workload};
use crate::field::{Precision, Real};
use crate::hardware::{AdcRange, Hardware, NumberFormat};
use crate::io::Source;
use crate::io::npy::Element;
use crate::mesh::Correction;
use crate::nn::metrics::Chance;
use crate::nn::{BLOCK, Dataset, Intake, PARTS, Part, Score, Scorer, Selection, Split, Worth};
use crate::processor::{compiled_for, idle_words};
use crate::rng::Seed;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lightloom infer mlp.program.safetensors --data mnist --hardware thermo-optic --trials 20 --json -\n  lightloom infer mlp.program.safetensors --data digits.npz --set coupler.splitting_error_rad=0.02 --correct local"
)]
pub(super) struct InferArgs {
    /// Compiled program
    pub program: PathBuf,
    /// Data set: a folder of IDX files, .npz with x and y, .npy with --labels, or a table (.csv, .tsv, .parquet), one column
    /// of which is the label (docs/data.md); - is stdin
    #[arg(long, value_name = "DATA")]
    pub data: PathBuf,
    /// The label's column of a table: a name of its header, else a position from 0. Without it, the column called
    /// label, labels, target, class, y, species or variety, else the last one
    #[arg(long, value_name = "COLUMN")]
    pub label: Option<String>,
    /// Labels for a .npy data set
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// Which part of a folder of IDX files, or of an .npz with x_test and x_train: test (the default) or train
    #[arg(long, value_name = "PART")]
    pub split: Option<Split>,
    /// Only the first N samples
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = count::<usize>(1..=u64::MAX))]
    pub limit: Option<usize>,
    /// What outputs are scored by: accuracy, top5 (or another number), binary, mse, nll or none; binary-of-probabilities and
    /// nll-of-probabilities where the network does not end in what makes outputs such. Without it, what the shapes of labels
    /// and outputs say: accuracy of classes, binary of one output and classes 0 and 1, mse of numbers
    #[arg(long, value_name = "SCORE")]
    pub score: Option<Score>,
    /// Also write the outputs of the digital network and of all chips to this file, .npz
    #[arg(long, value_name = "FILE")]
    pub predictions: Option<PathBuf>,
    #[command(flatten)]
    pub chip: ChipArgs,
    /// How phases are chosen; `local` and `progressive` know the chip's splitting errors, phase offsets and crosstalk
    #[arg(long, default_value = "none", value_parser = corrections())]
    pub correct: Correction,
    /// Number of chips
    #[arg(long, default_value_t = 10, value_name = "T", allow_negative_numbers = true, value_parser = count::<u32>(1..=TRIALS_LIMIT as u64))]
    pub trials: u32,
    /// Number of the first chip; those behind it follow
    #[arg(long, default_value_t = 0, value_name = "t", allow_negative_numbers = true, value_parser = count::<u64>(0..=(1 << 32) - 1))]
    pub first_trial: u64,
    /// Precision of the arithmetic
    #[arg(long, default_value = "f32", value_parser = precisions())]
    pub precision: Precision,
    /// Also write the results as JSON to this file; - is stdout, without the table
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    #[command(flatten)]
    pub common: Common,
}

/// What `infer` offers of [`Correct`]: a tile has no detectors between its meshes, by which it could configure itself.
pub(super) fn corrections() -> impl clap::builder::TypedValueParser<Value = Correction> {
    let offered = Correct::value_variants()
        .iter()
        .filter(|c| **c != Correct::SelfConfigure);
    let offered: Vec<PossibleValue> = offered.filter_map(Correct::to_possible_value).collect();
    PossibleValuesParser::new(offered).map(|name| {
        let mut all = Correction::ALL.into_iter();
        all.find(|correction| correction.name() == name)
            .expect("every name is one of them")
    })
}

pub fn run(args: &InferArgs) -> Result<()> {
    let mut inputs = vec![args.program.as_path(), &args.data];
    inputs.extend(args.labels.as_deref());
    let document = |report: &Report| output::json_of(&args.program, report);
    let compute = || match &args.predictions {
        None => Ok(trials_of(args)?.0),
        Some(path) => {
            check_predictions(path, args.json.as_deref())?;
            let mut computed = None;
            output::write(path, "npz", &inputs, || {
                let (report, predictions) = trials_of(args)?;
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
fn trials_of(args: &InferArgs) -> Result<(Report, Vec<u8>)> {
    output::check_differs("--data", &args.data, &args.program, "the program")?;
    let clock = Instant::now();
    let hardware = args.chip.hardware()?;
    let program = program(args)?;
    let compiled = compiled_for(&program, &hardware)?;
    let is_compiled = compiled.is_some();
    let program = compiled.unwrap_or(program);
    let intake = program.network().intake();
    let data = data(args, &intake)?;
    let samples = data.len();
    let data = match args.limit {
        Some(limit) => data.limit(limit),
        None => data,
    };
    let scorer = output::in_file(
        &args.data,
        Scorer::new(program.network(), &data, args.score),
    )?;
    let load = clock.elapsed().as_secs_f64();
    let experiment = Experiment {
        hardware,
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
        if is_compiled {
            let weights = program.layout().weights;
            eprintln!(
                "note: compiled again with {weights} weights, which the hardware holds: lightloom compile --weights {weights} does it once"
            );
        }
        for note in clipped_words(&report) {
            eprintln!("note: {note}");
        }
        say_of_chips(&program, &experiment.hardware, experiment.correction);
        let words = data.words(program.network());
        let name = output::name(&args.data);
        eprintln!("note: {name}: {words}");
        if let Some(note) = scorer.note() {
            eprintln!("note: {name}: {note}");
        }
        if let Some(doubt) = &report.doubt {
            eprintln!("note: {name}: {doubt}");
        }
        if let Some(chance) = Chance::of(&report.digital, &scorer) {
            eprintln!("note: {chance}");
        }
    }
    Ok((report, predictions))
}

/// What is said of layers of which more than [`MOST_CLIPPED`] is clipped.
fn clipped_words(report: &Report) -> Vec<String> {
    let numbers = report.hardware.numbers();
    let first = |range: &str| format!("the first samples, which set their {range}, are smaller");
    let by_range = match (numbers.format, report.hardware.readout().adc_range) {
        (NumberFormat::Abfp, _) => "a smaller numbers.gain clips fewer".to_owned(),
        (_, AdcRange::Percentile(percentile)) if percentile < 100.0 => {
            "a larger readout.adc_range clips fewer".to_owned()
        }
        _ => first("range"),
    };
    let mut notes = Vec::new();
    for layer in &report.layers {
        let Some(quality) = layer.quality else {
            continue;
        };
        let is_most = |part: f64, clipped: f64| 2.0 * part >= clipped;
        let cause = |clipped: f64, exact: f64, quiet: f64, by_range: &str, lost_db: f64| {
            if is_most(exact, clipped) {
                by_range.to_owned()
            } else if is_most(quiet, clipped) {
                by_levels(exact, &report.hardware)
            } else {
                by_noise(quiet, lost_db)
            }
        };
        let (exact, quiet) = (quality.exact, quality.without_noise);
        if quality.clipped > MOST_CLIPPED {
            // Noise that comes with the inputs is not that of a path through this layer.
            let lost_db = match is_most(quality.by_own_noise, quality.clipped) {
                true => layer.loss_db,
                false => 0.0,
            };
            notes.push(format!(
                "converters clip {:.1} % of the readings of layer `{}`: {}",
                100.0 * quality.clipped,
                layer.name,
                cause(
                    quality.clipped,
                    exact.readings,
                    quiet.readings,
                    &by_range,
                    lost_db
                )
            ));
        }
        // Beyond the ranges that a block sets for itself there is only noise.
        if quality.clipped_inputs > MOST_CLIPPED && report.samples >= 2 * BLOCK {
            let by_range = first("full scale");
            notes.push(format!(
                "modulators clip {:.1} % of the inputs of layer `{}`: {}",
                100.0 * quality.clipped_inputs,
                layer.name,
                cause(
                    quality.clipped_inputs,
                    exact.inputs,
                    quiet.inputs,
                    &by_range,
                    0.0
                )
            ));
        }
    }
    notes
}

/// Why values are clipped of which this share is where neither modulators nor converters change them.
fn by_levels(exact: f64, hardware: &Hardware) -> String {
    let input = hardware.input();
    let set = [
        input
            .dac_bits
            .map(|bits| format!("input.dac_bits = {bits}")),
        input
            .extinction_ratio_db
            .map(|ratio_db| format!("input.extinction_ratio_db = {ratio_db}")),
        hardware
            .readout()
            .adc_bits
            .map(|bits| format!("readout.adc_bits = {bits}")),
    ];
    let set: Vec<String> = set.into_iter().flatten().collect();
    format!(
        "values are larger by {}, without which {:.1} % are clipped",
        set.join(" and "),
        100.0 * exact
    )
}

/// Why values are clipped of which this share is without noise, where what is read loses so much light.
fn by_noise(quiet: f64, lost_db: f64) -> String {
    let quiet = 100.0 * quiet;
    let lost = match lost_db > LOST_DB {
        true => format!(" (a path loses {lost_db:.0} dB of the light)"),
        false => String::new(),
    };
    format!("noise carries them there{lost}, without it {quiet:.1} % are clipped")
}

/// Loss of a path beyond which it is said beside what noise does.
const LOST_DB: f64 = 10.0;

/// Share of clipped values beyond which it is said.
const MOST_CLIPPED: f64 = 0.01;

/// Says on stderr what of `hardware`, and of how phases are chosen for it, may surprise who runs `program` on it.
pub(super) fn say_of_chips(program: &Program, hardware: &Hardware, correction: Correction) {
    if *hardware == Hardware::default() {
        eprintln!(
            "note: these chips are ideal: --hardware thermo-optic (or another kind) or --set KEY=VALUE gives them errors"
        );
    }
    if program.is_asked() {
        eprintln!(
            "note: the phases are what heaters of one chip are asked for: neither ideal nor other chips say anything of it"
        );
    }
    let dark = program.network().dark_words();
    for note in dark.into_iter().chain(hardware.notes()) {
        eprintln!("note: {note}");
    }
    let samples = program.network().calibration_samples(BLOCK);
    if samples < BLOCK && *hardware != Hardware::default() {
        eprintln!(
            "note: ranges of converters are set by the first {samples} samples, whose columns are as many as are held"
        );
    }
    for note in idle_words(program, [(hardware, correction)]) {
        eprintln!("note: {note}");
    }
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
    let report = experiment.run_from(args.first_trial, &workload, &terminal, |whose, judged| {
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
    Program::read(&source).map_err(|error| {
        let is_swapped = !output::is_standard(&args.data)
            && Source::open(&args.data).is_ok_and(|data| Program::is_in(&data));
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

/// The data set that the arguments name, for a network that takes `intake`.
fn data(args: &InferArgs, intake: &Intake) -> Result<Dataset> {
    let selection = Selection {
        split: args.split,
        labels: args.labels.as_deref(),
        label: args.label.as_deref(),
        intake: Some(intake),
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
    let chips = match (report.trials, noisy.per_trial[0].trial) {
        (1, 0) => "one chip".to_owned(),
        (1, number) => format!("chip {number}"),
        (count, 0) => format!("{count} chips"),
        (count, first) => format!("{count} chips from number {first} on"),
    };
    if report.trials == 1 {
        let mean = text(a.mean);
        writeln!(out, "noisy     {mean}{beside}   ({chips}, seed {seed})")?;
    } else {
        writeln!(
            out,
            "noisy     {} ± {}{beside}   ({chips}, seed {seed})",
            text(a.mean),
            text(a.std),
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
    print_qualities(&mut out, report)?;
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

/// The table of what receivers read, where shots differ.
fn print_qualities(out: &mut impl Write, report: &Report) -> Result<()> {
    let read = report.layers.iter();
    let mut read = read
        .filter_map(|layer| Some((layer, layer.quality?)))
        .peekable();
    if read.peek().is_some() {
        writeln!(
            out,
            "\nread, chip 0     SNR   effective bits   clipped   inputs clipped"
        )?;
    }
    for (layer, quality) in read {
        let number =
            |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.1}"));
        writeln!(
            out,
            "{:<12} {:>4} dB   {:>14}   {:>5.2} %   {:>12.2} %",
            layer.name,
            number(quality.snr_db),
            number(quality.effective_bits),
            100.0 * quality.clipped,
            100.0 * quality.clipped_inputs
        )?;
    }
    Ok(())
}

/// Loss of a path beyond which a smaller tile is worth a hint.
const DARK_DB: f64 = 40.0;
