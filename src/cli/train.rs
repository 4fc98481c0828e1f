//! Programs that are trained, for a kind of chip or for one chip.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::common::args::{ChipArgs, Common, precisions};
use super::common::count::{any, count};
use super::common::output;
use super::common::watch::Terminal;
use super::infer::{corrections, say_of_chips};
use super::sweep::{conduct, duration};
use crate::compile::Program;
use crate::error::{Context, Error};
use crate::experiment::Workload;
use crate::experiment::sweep::Shard;
use crate::field::{Precision, Real};
use crate::hardware::Given;
use crate::mesh::Correction;
use crate::nn::{Dataset, Score, Selection, Split};
use crate::processor::asked_of_program;
use crate::rng::Seed;
use crate::train::{
    BEST, EPOCHS, Epoch, InSitu, Loss, MethodName, Parameters, Passes, Rule, Schedule, Setting,
    Trainer, Training, TrainingRun, TrainingWatch, diverged, epochs_in,
};
use crate::watch::Watch;

/// How often where a training stands is kept.
const KEEP_EVERY: Duration = Duration::from_secs(10);

#[derive(Debug, Args)]
#[command(
    after_help = "Example: lightloom train digits.toml --out digits\n\nA training that was stopped goes on when it is started again, to the same bits. docs/training.md describes [train]."
)]
pub(super) struct TrainArgs {
    /// The experiment with a table [train], TOML; - is stdin. Paths in it are relative to it
    pub experiment: PathBuf,
    /// Folder for the best program, the table of epochs and the rows, new or of the same experiment
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example: lightloom tune mlp.program.safetensors --data mnist --hardware thermo-optic --trial 3 -o tuned.program.safetensors"
)]
pub(super) struct TuneArgs {
    /// Compiled program
    pub program: PathBuf,
    /// What is learnt from: as --data of lightloom infer
    #[arg(long, value_name = "DATA")]
    pub data: PathBuf,
    /// Labels for a .npy data set
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// The label's column of a table
    #[arg(long, value_name = "COLUMN")]
    pub label: Option<String>,
    /// Which part of a folder of IDX files, or of an .npz with x_test and x_train, is learnt from: train or test. Without it,
    /// train where there are parts
    #[arg(long, value_name = "PART")]
    pub split: Option<Split>,
    /// Only the first N samples
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = count::<usize>(1..=u64::MAX))]
    pub limit: Option<usize>,
    /// What outputs are scored by, as --score of lightloom infer
    #[arg(long, value_name = "SCORE")]
    pub score: Option<Score>,
    #[command(flatten)]
    pub chip: ChipArgs,
    /// Number of the chip
    #[arg(long, value_name = "t", allow_negative_numbers = true, value_parser = count::<u64>(0..=(1 << 32) - 1))]
    pub trial: u64,
    /// How the phases that training begins with are chosen; they are then trained as they are
    #[arg(long, default_value = "none", value_parser = corrections())]
    pub correct: Correction,
    /// How the slopes of the loss are had
    #[arg(long, default_value = "adjoint", value_parser = methods())]
    pub method: MethodName,
    /// What is to become small; without it cross-entropy of classes, mean-square of numbers
    #[arg(long, value_parser = losses())]
    pub loss: Option<Loss>,
    /// How a step follows from slopes
    #[arg(long, default_value = "adam", value_parser = rules())]
    pub optimizer: Rule,
    /// Largest size of a step; phases in rad
    #[arg(long, default_value_t = 0.003, value_name = "SIZE")]
    pub rate: f64,
    /// How the size of a step changes on the way
    #[arg(long, default_value = "cosine", value_parser = schedules())]
    pub schedule: Schedule,
    /// Passes over the samples
    #[arg(long, default_value_t = 3, value_name = "N", allow_negative_numbers = true, value_parser = count::<u64>(1..=1_000_000))]
    pub epochs: u64,
    /// Samples of a step
    #[arg(long, default_value_t = 128, value_name = "N", allow_negative_numbers = true, value_parser = count::<usize>(1..=1 << 20))]
    pub batch: usize,
    /// How far spsa moves every parameter, phases in rad
    #[arg(long, default_value_t = 0.01, value_name = "SIZE")]
    pub perturbation: f64,
    /// Passes of light that in-situ takes its slopes from: 3, or 4, which takes out most of what loss does to them
    #[arg(long, default_value_t = 3, value_name = "N", allow_negative_numbers = true, value_parser = count::<u8>(3..=4))]
    pub passes: u8,
    /// Standard deviation of what an in-situ power tap reads, relative
    #[arg(long, default_value_t = 0.0, value_name = "SIGMA")]
    pub tap_noise: f64,
    /// In-situ has sources and receivers where light enters and leaves between the meshes of a tile
    #[arg(long)]
    pub drop_ports: bool,
    /// Seed of the order of samples; without it that of the chips
    #[arg(long, value_name = "SEED", allow_negative_numbers = true, value_parser = any::<u64>())]
    pub train_seed: Option<u64>,
    /// Precision of the arithmetic
    #[arg(long, default_value = "f32", value_parser = precisions())]
    pub precision: Precision,
    /// Program file to write
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    #[command(flatten)]
    pub common: Common,
}

fn methods() -> impl TypedValueParser<Value = MethodName> {
    PossibleValuesParser::new(MethodName::ALL.map(MethodName::name))
        .map(|name| name.parse().expect("it is one of them"))
}

fn losses() -> impl TypedValueParser<Value = Loss> {
    PossibleValuesParser::new(Loss::NAMES).map(|name| name.parse().expect("it is one of them"))
}

fn rules() -> impl TypedValueParser<Value = Rule> {
    PossibleValuesParser::new(["adam", "sgd"]).map(|name| name.parse().expect("it is one of them"))
}

fn schedules() -> impl TypedValueParser<Value = Schedule> {
    PossibleValuesParser::new(Schedule::ALL.map(Schedule::name))
        .map(|name| name.parse().expect("it is one of them"))
}

/// A bar of steps, and a line an epoch.
struct Progress {
    terminal: Terminal,
    common: Common,
    score: Mutex<Score>,
    epochs: u64,
    began: Mutex<(Instant, u64, u64)>,
    kept: Mutex<Instant>,
}

impl Progress {
    fn new(common: &Common, epochs: u64) -> Self {
        Self {
            terminal: Terminal::new(common, 0, "steps"),
            common: common.clone(),
            score: Mutex::new(Score::Accuracy),
            epochs,
            began: Mutex::new((Instant::now(), 0, 0)),
            kept: Mutex::new(Instant::now()),
        }
    }
}

impl Watch for Progress {
    fn step(&self) {
        self.terminal.step();
    }

    fn note(&self, text: &str) {
        self.terminal.note(text);
    }

    fn stops(&self) -> bool {
        self.terminal.stops()
    }
}

impl TrainingWatch for Progress {
    fn begins(&self, steps: u64, all: u64, score: Score) {
        let bar = self.terminal.bar();
        bar.set_length(all);
        bar.set_position(steps);
        bar.reset_eta();
        *self.began.lock().expect("nothing panics here") = (Instant::now(), steps, all);
        *self.score.lock().expect("nothing panics here") = score;
    }

    fn ended(&self, epoch: &Epoch) {
        if self.common.quiet {
            return;
        }
        let (began, before, all) = *self.began.lock().expect("nothing panics here");
        let score = *self.score.lock().expect("nothing panics here");
        let each = began.elapsed().as_secs_f64() / (epoch.step - before).max(1) as f64;
        let left = each * (all - epoch.step) as f64;
        let worth = |who: &str, score: Score, value: Option<f64>| {
            value.map_or(String::new(), |value| {
                format!(", {who} {}", score.text(value))
            })
        };
        let words = format!(
            "epoch {} of {}: loss {:.4}{}{}, {} left",
            epoch.epoch,
            self.epochs,
            epoch.loss,
            worth("on chips", score, epoch.chips),
            worth("ideal", score, epoch.ideal),
            duration(left)
        );
        // Who no longer reads it does not end the training.
        self.terminal.bar().suspend(|| {
            let _ = writeln!(std::io::stderr(), "{words}");
        });
    }

    fn keeps(&self) -> bool {
        let mut kept = self.kept.lock().expect("nothing panics here");
        let is_due = kept.elapsed() >= KEEP_EVERY;
        if is_due {
            *kept = Instant::now();
        }
        is_due
    }
}

/// Trains in a folder, and judges.
pub fn train(args: &TrainArgs) -> Result<()> {
    output::check_folder(&args.out)?;
    let source = output::source(&args.experiment)?;
    let (training, sweep, folder) = Training::read(&source)?;
    let epochs = training.epochs;
    let work = TrainingRun::new(training, sweep, folder, &args.out)?;
    let progress = Progress::new(&args.common, epochs);
    let judged = work.run(&progress)?;
    progress.terminal.finish();
    let Some(judged) = judged else {
        eprintln!("note: stopped: the same command goes on with what is left");
        return Ok(());
    };
    let epochs = epochs_in(&args.out)?;
    let score = *progress.score.lock().expect("nothing panics here");
    let mut stdout = std::io::stdout();
    if let Some(best) = best(&epochs, score) {
        let (on_chips, epoch) = (score.text(best.chips.unwrap_or(f64::NAN)), best.epoch);
        writeln!(stdout, "validated {on_chips} on chips, epoch {epoch}")?;
    }
    writeln!(stdout, "program   {}", args.out.join(BEST).display())?;
    writeln!(stdout, "epochs    {}", args.out.join(EPOCHS).display())?;
    // Its program is the one that was written into the folder.
    conduct(judged, &args.out, &args.out, Shard::WHOLE, &args.common)
}

/// The first epoch that validated best, if any validated.
fn best(epochs: &[Epoch], score: Score) -> Option<&Epoch> {
    let validated = epochs.iter().filter(|epoch| epoch.chips.is_some());
    validated.reduce(|best, epoch| match score.is_share() {
        true if epoch.chips > best.chips => epoch,
        false if epoch.chips < best.chips => epoch,
        _ => best,
    })
}

/// Trains the program of one chip.
pub fn tune(args: &TuneArgs) -> Result<()> {
    output::check_differs("--output", &args.output, &args.program, "the program")?;
    let inputs = [args.program.as_path(), &args.data];
    let mut told = None;
    output::write(&args.output, "safetensors", &inputs, || {
        let (program, words) = match args.precision {
            Precision::F32 => tuned::<f32>(args),
            Precision::F64 => tuned::<f64>(args),
        }?;
        told = Some(words);
        let mut bytes = Vec::new();
        program.write(&mut bytes)?;
        Ok(bytes)
    })?;
    for (what, words) in told.expect("what was written was trained") {
        println!("{what:<10}{words}");
    }
    Ok(())
}

/// The tuned program, and what is said of it.
fn tuned<T: Real>(args: &TuneArgs) -> Result<(Program, Vec<(&'static str, String)>)> {
    let hardware = args.chip.hardware()?;
    let program = Program::read(&output::source(&args.program)?)?;
    let network = program.network();
    let intake = network.intake();
    let selection = Selection {
        split: args
            .split
            .or_else(|| has_parts(args).then_some(Split::Train)),
        labels: args.labels.as_deref(),
        label: args.label.as_deref(),
        intake: Some(&intake),
    };
    let data = Dataset::open(&args.data, selection)?;
    let data = match args.limit {
        Some(limit) => data.limit(limit),
        None => data,
    };
    let name = args.data.display();
    if !args.common.quiet {
        say_of_chips(&program, &hardware, args.correct);
        eprintln!("note: {name}: {}", data.words(network));
    }
    let training = Training {
        method: args.method,
        parameters: Parameters::Phases,
        loss: args.loss,
        optimizer: args.optimizer,
        rate: args.rate,
        schedule: args.schedule,
        epochs: args.epochs,
        batch: args.batch,
        trial: Some(args.trial),
        perturbation: args.perturbation,
        in_situ: InSitu {
            passes: match args.passes {
                4 => Passes::Four,
                _ => Passes::Three,
            },
            tap_noise: args.tap_noise,
            has_drop_ports: args.drop_ports,
            ..InSitu::default()
        },
        seed: args.train_seed,
        ..Training::default()
    };
    for (what, size) in [("--rate", args.rate), ("--perturbation", args.perturbation)] {
        if !(size.is_finite() && size > 0.0) {
            return Err(Error::value(what, size, "a number above 0").into());
        }
    }
    if !(args.tap_noise.is_finite() && args.tap_noise >= 0.0) {
        return Err(Error::value("--tap-noise", args.tap_noise, "0 or more").into());
    }
    let seed = Seed(args.chip.seed);
    let chip = hardware.fabricate(seed, args.trial);
    // What a correction chose for this chip is where training begins.
    let start = match args.correct {
        Correction::None => program.clone(),
        correction => asked_of_program(&program, &chip, correction, &())?.of,
    };
    let setting = Setting {
        program: &start,
        hardware: &hardware,
        seed,
        given: &Given::default(),
        data: &data,
        score: args.score,
        correction: Correction::None,
    };
    let mut trainer = Trainer::<T>::new(&training, setting, None).within(&name)?;
    let score = trainer.score();
    let progress = Progress::new(&args.common, args.epochs);
    progress.begins(0, trainer.steps(), score);
    let Some(held) = trainer.held_back().cloned() else {
        let limit = "5 or more: a tenth is held back to validate";
        return Err(Error::value("samples", data.len(), limit).into());
    };
    let on_chip = |program: &Program| -> Result<f64> {
        let workload = Workload::<T>::new(program, &held, Some(score))?;
        let digital = workload.digital(&())?;
        let (_, judged) = workload.trial(chip.clone(), Correction::None, &digital, &progress)?;
        Ok(judged.worth.value())
    };
    let workload = Workload::<T>::new(&program, &held, Some(score))?;
    let digital = workload.digital(&())?.worth.value();
    let before = on_chip(&start)?;
    let steps = trainer.steps();
    while trainer.state().step() < steps && !progress.stops() {
        let step = trainer.state().step();
        let ended = trainer.step(&progress);
        let ended = ended.map_err(|error| diverged(error, step, steps))?;
        progress.step();
        if let Some(epoch) = &ended {
            progress.ended(epoch);
        }
    }
    progress.terminal.finish();
    let done = trainer.state().epochs().len();
    if done == 0 {
        return Err(Error::Stopped.into());
    }
    if trainer.state().step() < steps {
        eprintln!(
            "note: stopped: the program is that of {done} of {} epochs",
            args.epochs
        );
    }
    let tuned = trainer.best()?.program().clone();
    let after = on_chip(&tuned)?;
    let is_worse = match score.is_share() {
        true => after < before,
        false => after.is_nan() || after > before,
    };
    if is_worse {
        let (before, after) = (score.text(before), score.text(after));
        let what = format!("ends at {after}, worse than {before} where it began: lower --rate");
        return Err(Error::format("training", what).into());
    }
    let costs = trainer.state().costs();
    let words = vec![
        ("digital", score.text(digital)),
        (
            "before",
            format!("{} on chip {}", score.text(before), args.trial),
        ),
        (
            "after",
            format!("{} on chip {}", score.text(after), args.trial),
        ),
        (
            "samples",
            format!(
                "{} held back, which chose the epoch; {} learnt from",
                held.len(),
                data.len() - held.len()
            ),
        ),
        (
            "asked",
            format!(
                "{} passes of light, {} phases written, {} readings",
                costs.passes, costs.phase_writes, costs.readings
            ),
        ),
    ];
    Ok((tuned, words))
}

/// Whether the data are a folder of IDX files or an archive with parts.
fn has_parts(args: &TuneArgs) -> bool {
    args.data.is_dir()
        || Dataset::open(
            &args.data,
            Selection {
                split: Some(Split::Train),
                ..Selection::default()
            },
        )
        .is_ok()
}
