//! An experiment that is trained in a folder before it is judged.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::description::{NEW, NewNetwork, Training};
use super::state::{Epoch, State, write_epochs};
use super::trainer::{Setting, Trainer};
use crate::compile::{Layout, Program, compile_watched};
use crate::error::{Context, Error, Result};
use crate::experiment::sweep::rows::InputFile;
use crate::experiment::sweep::{Key, Notes, Point, Source, Sweep};
use crate::field::{InstructionSet, Precision, Real};
use crate::hardware::Given;
use crate::io::hash::sha256;
use crate::io::record::Cell;
use crate::io::{Format, write_atomic};
use crate::nn::{
    Activation, Bias, Dataset, Input, Layer, Network, Readout, Score, Scorer, Split, Weight,
};
use crate::rng::{DRAWS, Effect, Seed};
use crate::watch::Watch;

/// Name of the best program in the folder.
pub const BEST: &str = "best.program.safetensors";
/// Name of the file from which a training goes on.
pub const STATE: &str = "training.safetensors";

/// An experiment that is trained in a folder before it is judged.
#[derive(Debug)]
pub struct TrainingRun {
    training: Training,
    sweep: Sweep,
    /// The folder that paths of the experiment are relative to.
    folder: PathBuf,
    out: PathBuf,
    /// Its only point, as far as training goes.
    point: Point,
}

/// What of an experiment decides what is trained.
#[derive(Serialize)]
struct Of<'a> {
    lightloom: &'static str,
    draws: u32,
    training: String,
    experiment: &'a str,
    inputs: &'a [InputFile],
}

/// Whoever is told how a training goes.
pub trait TrainingWatch: Watch {
    /// It begins, or goes on, at so many steps of all; epochs are scored by `score`.
    fn begins(&self, steps: u64, all: u64, score: Score);

    /// An epoch ended.
    fn ended(&self, epoch: &Epoch);

    /// Whether it is time to keep where it stands.
    fn keeps(&self) -> bool;
}

impl TrainingRun {
    /// `training` and then `sweep`, whose paths are relative to `folder`, in the folder `out`.
    ///
    /// # Errors
    /// Those of the sweep's first point.
    pub fn new(training: Training, sweep: Sweep, folder: &Path, out: &Path) -> Result<Self> {
        let mut only = sweep.clone();
        only.axes.clear();
        let is_given = |key: &Key| only.base.values.iter().any(|(other, _)| other == key);
        let defaults = [(Key::Correct, "none"), (Key::Precision, "f32")];
        let defaults = defaults.map(|(key, value)| (!is_given(&key)).then(|| (key, value.into())));
        only.base.values.extend(defaults.into_iter().flatten());
        let point = only.point(0)?;
        Ok(Self {
            training,
            sweep,
            folder: folder.to_owned(),
            out: out.to_owned(),
            point,
        })
    }

    /// The experiment that judges by `score` what was learnt: the same one with the best program in place of what was
    /// trained, its paths relative to the folder `out`.
    fn judged(&self, score: Score) -> Sweep {
        let is_of_network = |key: &Key| {
            matches!(
                key,
                Key::Network
                    | Key::Program
                    | Key::Tile
                    | Key::Geometry
                    | Key::Arrange
                    | Key::For
                    | Key::Weights
            )
        };
        let mut sweep = self.sweep.clone();
        sweep.base.values.retain(|(key, _)| !is_of_network(key));
        sweep.base.remarks = crate::nn::Remarks::default();
        // The folder of a file that is named alone is the current one.
        let folder = std::path::absolute(Path::new(".").join(&self.folder));
        let folder = folder.unwrap_or_else(|_| self.folder.clone());
        let mut sweep = sweep.with_paths(|path| folder.join(path).to_string_lossy().into_owned());
        let program = (Key::Program, BEST.into());
        sweep.base.values.insert(0, program);
        if sweep.base.score.is_none() && score == Score::Accuracy {
            sweep.base.score = Some(score);
        }
        sweep
    }

    /// Trains until the end, from where the folder's last training of the same experiment stood, and writes the best program
    /// and the table of epochs. Notes of what was assumed go to `listener`, which may stop it: what is done is kept. At the end
    /// the experiment that judges what was learnt, its paths relative to the folder of results; nothing where it was stopped.
    ///
    /// # Errors
    /// Those of the files, of [`Trainer::new`] and [`Trainer::step`], the best program so far kept; [`Error::Format`] if the
    /// folder holds another training, or one that is running.
    pub fn run(&self, listener: &dyn TrainingWatch) -> Result<Option<Sweep>> {
        match self.point.precision {
            Precision::F32 => self.run_in::<f32>(listener),
            Precision::F64 => self.run_in::<f64>(listener),
        }
    }

    fn run_in<T: Real>(&self, listener: &dyn TrainingWatch) -> Result<Option<Sweep>> {
        let say = |text: &str| listener.note(text);
        let notes = Notes::new(&say);
        let learning = self.learning()?;
        let program = self.program(&learning, &notes, listener)?;
        let network = program.network();
        let intake = network.intake();
        let data = learning.data(&self.data(), &self.folder, &intake)?;
        notes.add(format!("{}: {}", self.data(), data.words(network)));
        let judging = self.sweep.data(&self.point.data, &self.folder, &intake)?;
        check_names(&data, &judging)?;
        let inputs = self.sweep_of_files(&learning).inputs(&self.folder)?;
        let of_data = |inputs: Vec<InputFile>| -> Vec<String> {
            let data = inputs.into_iter().filter(|input| input.key == "data");
            data.map(|input| input.sha256).collect()
        };
        let judges = of_data(self.sweep_of_files(&self.sweep).inputs(&self.folder)?);
        let split = |sweep: &Sweep| sweep.base.split.clone().unwrap_or("test".to_owned());
        let is_other_part = split(&learning) != split(&self.sweep);
        if of_data(inputs.clone()) == judges && !is_other_part {
            let limit = "other samples than those that judge: these files hold the same";
            return Err(Error::value("data of [train]", self.data(), limit));
        }
        let of = self.of(&learning, &inputs);
        let held = self.hold()?;
        let path = self.out.join(STATE);
        let state = match path.exists() {
            true => Some(State::read(&path, self.training.optimizer, &of)?),
            false => None,
        };
        let setting = Setting {
            program: &program,
            hardware: &self.point.hardware,
            seed: self.sweep.seed,
            given: &Given::default(),
            data: &data,
            score: self.sweep.base.score,
            correction: self.point.correction,
        };
        let mut trainer = Trainer::<T>::new(&self.training, setting, state).within(self.data())?;
        // What judges is looked at before the work, not behind it.
        let score = Some(trainer.score());
        Scorer::new(network, &judging, score).within(&self.point.data)?;
        if let (Some(labels), true) = (data.labels.classes(), trainer.score().has_classes()) {
            let told = labels.iter().max().map_or(0, |largest| largest + 1);
            if network.classes() > told.max(1) {
                notes.add(format!(
                    "the network has {} outputs, the data have {told} classes",
                    network.classes()
                ));
            }
        }
        std::fs::create_dir_all(&self.out).map_err(|source| Error::io(&self.out, source))?;
        let _held = match held {
            Some(held) => Some(held),
            None => self.hold()?,
        };
        let steps = trainer.steps();
        listener.begins(trainer.state().step(), steps, trainer.score());
        while trainer.state().step() < steps {
            if listener.stops() && trainer.may_be_kept() {
                trainer.state().write(&path, &of)?;
                return Ok(None);
            }
            let ended = match trainer.step(listener) {
                Ok(ended) => ended,
                Err(error) => {
                    let error = diverged(error, trainer.state().step(), steps);
                    if trainer.state().epochs().is_empty() {
                        return Err(error);
                    }
                    self.write(&trainer)?;
                    let kept = self.out.join(BEST);
                    let kept = format!("training (the best program so far is {})", kept.display());
                    return Err(error.within(kept));
                }
            };
            listener.step();
            if let Some(epoch) = &ended {
                listener.ended(epoch);
            }
            if trainer.may_be_kept() && (ended.is_some() || listener.keeps()) {
                trainer.state().write(&path, &of)?;
            }
        }
        self.write(&trainer)?;
        Ok(Some(self.judged(trainer.score())))
    }

    /// The folder of results, locked as long as it is held, if it is there and the system locks folders.
    ///
    /// # Errors
    /// [`Error::Format`] if another training holds it.
    fn hold(&self) -> Result<Option<File>> {
        let Ok(folder) = File::open(&self.out) else {
            return Ok(None);
        };
        match folder.try_lock() {
            Err(TryLockError::WouldBlock) => {
                let reason = "is the folder of a training that is running";
                Err(Error::format(self.out.display().to_string(), reason))
            }
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Some(folder)),
        }
    }

    /// Writes the best program and the table of epochs.
    fn write<T: Real>(&self, trainer: &Trainer<'_, T>) -> Result<()> {
        let program = trainer.best()?.trained_program()?;
        write_atomic(self.out.join(BEST), |writer| program.write(writer))?;
        write_epochs(&self.out, trainer.state().epochs())
    }

    /// The hash of everything that decides what is trained, and the kind of CPU, which decides the last bits.
    fn of(&self, learning: &Sweep, inputs: &[InputFile]) -> String {
        // Neither what judges nor how often changes what is trained.
        let mut only = learning.clone();
        only.trials = 1;
        only.name.clear();
        let of = Of {
            lightloom: env!("CARGO_PKG_VERSION"),
            draws: DRAWS,
            training: format!("{:?}", self.training),
            experiment: &only.resolved(),
            inputs,
        };
        let text = serde_json::to_vec(&of).expect("what a training is of is JSON");
        format!("{} on {}", sha256(&text), InstructionSet::best().name())
    }

    /// The experiment without a network that is no file.
    fn sweep_of_files(&self, sweep: &Sweep) -> Sweep {
        let mut sweep = sweep.clone();
        if self.training.new_network.is_some() {
            sweep.base.values.retain(|(key, _)| *key != Key::Network);
        }
        sweep
    }

    /// Path of the data that are learnt from.
    fn data(&self) -> String {
        let own = self.training.data.clone();
        own.unwrap_or_else(|| self.point.data.clone())
    }

    /// The experiment with the data that are learnt from.
    fn learning(&self) -> Result<Sweep> {
        let training = &self.training;
        let mut sweep = self.sweep.clone();
        sweep.axes.clear();
        let base = &mut sweep.base;
        for (key, cell) in &mut base.values {
            if *key == Key::Data {
                *cell = Cell::Text(self.data());
            }
        }
        base.labels.clone_from(&training.labels);
        if training.label.is_some() {
            base.label.clone_from(&training.label);
        }
        base.limit = training.limit;
        let judges: Split = match &base.split {
            Some(name) => name.parse()?,
            None => Split::Test,
        };
        let split = match (training.split, &training.data) {
            (None, None) => Some(judges.other()),
            (split, _) => split,
        };
        let is_same = training
            .data
            .as_ref()
            .is_none_or(|data| *data == self.point.data);
        if is_same && split.unwrap_or_default() == judges {
            let limit = format!("another part than that which judges, {}", judges.name());
            return Err(Error::value("split of [train]", judges.name(), limit));
        }
        if training.data.is_none() {
            let path = self.folder.join(&self.point.data);
            let is_npz = !path.is_dir()
                && crate::io::Source::open(&path)
                    .and_then(crate::io::Source::unpacked)?
                    .format()
                    == Format::Npz;
            if !path.is_dir() && !is_npz {
                let what = "is missing in [train]: must be what is learnt from, as the data that judge are of one part";
                return Err(Error::format("`data`", what));
            }
        }
        base.split = split.map(|split| split.name().to_owned());
        Ok(sweep)
    }

    /// What training begins with.
    fn program(
        &self,
        sweep: &Sweep,
        notes: &Notes<'_>,
        watch: &dyn TrainingWatch,
    ) -> Result<Program> {
        let make =
            |network: &Network, layout: Layout| compile_watched(network, layout, &Stop(watch));
        match (&self.training.new_network, &self.point.source) {
            (Some(new_network), Source::Network(name, layout)) => {
                debug_assert_eq!(name, NEW);
                let seed = self.training.seed.map_or(self.sweep.seed, Seed);
                let hints = sweep.base.remarks.hints(&self.folder)?;
                let input = hints.normalization.over(Input::default());
                let network = new_network.network(input, seed)?;
                make(&network, *layout).within("the new network of [train]")
            }
            _ => sweep.program(&self.point.source, &self.folder, notes, &make),
        }
    }
}

/// `error`, which ended a training behind `step` of `steps`, with where that was: numbers leave their range where steps are
/// too large.
pub fn diverged(error: Error, step: u64, steps: u64) -> Error {
    let at = format!("step {} of {steps}", step + 1);
    match error.root() {
        Error::NotFinite { .. } => error.within(format!("{at}, which a smaller rate may mend")),
        _ => error.within(at),
    }
}

/// Fails where the numbers of classes mean other names in the data that are learnt from than in those that judge.
fn check_names(learnt: &Dataset, judging: &Dataset) -> Result<()> {
    let (Some(ours), Some(theirs)) = (&learnt.class_names, &judging.class_names) else {
        return Ok(());
    };
    if ours == theirs {
        return Ok(());
    }
    let limit = format!("those of the data that judge: {}", theirs.join(", "));
    Err(Error::value(
        "classes of the data that are learnt from",
        ours.join(", "),
        limit,
    ))
}

/// Lets whoever listens stop a compiler.
struct Stop<'a>(&'a dyn TrainingWatch);

impl Watch for Stop<'_> {
    fn stops(&self) -> bool {
        self.0.stops()
    }
}

impl NewNetwork {
    /// The network: of normal weights of variance 2/(inputs + outputs). Glorot, Bengio, AISTATS 2010.
    ///
    /// # Errors
    /// Those of [`Network::check`].
    pub fn network(&self, input: Input, seed: Seed) -> Result<Network> {
        let layers = self.widths.windows(2).enumerate().map(|(index, pair)| {
            let [inputs, outputs] = [pair[0], pair[1]];
            let mut stream = seed.stream(Effect::Haar, 0, index as u64, 7);
            let std = (2.0 / (inputs + outputs) as f64).sqrt();
            let weight = ndarray::Array2::from_shape_simple_fn((outputs, inputs), || {
                std * stream.standard_normal()
            });
            let activation = match index + 2 == self.widths.len() {
                true => Activation::Identity,
                false => self.activation,
            };
            let bias = Bias::Real(ndarray::Array1::zeros(outputs));
            Layer::new(
                index.to_string(),
                Weight::Real(weight),
                Some(bias),
                activation,
            )
        });
        Network::new(input, layers.collect(), Readout::Real)
    }
}
