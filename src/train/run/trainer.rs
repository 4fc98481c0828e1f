//! A training on its way: epochs, steps, what was best.

use ndarray::{Array2, s};
use rayon::prelude::*;

use super::description::Training;
use super::state::{Epoch, State};
use crate::compile::Program;
use crate::error::{Error, Result};
use crate::experiment::Workload;
use crate::field::{Fields, Real};
use crate::hardware::{Chip, Costs, Given, Hardware};
use crate::mesh::{CellKind, Correction};
use crate::nn::{BLOCK, Batch, Dataset, Digital, Labels, Network, Score, Scorer};
use crate::rng::{Effect, Seed};
use crate::train::loss::{Criterion, Loss};
use crate::train::method::{Adjoint, DirectFeedback, Method, MethodName, Minibatch, Spsa};
use crate::train::optimizer::Optimizer;
use crate::train::trainable::{Parameters, Trainable};
use crate::watch::Watch;

/// Number of the first chip that is drawn for training. Those that judge have smaller numbers, so none of them is ever
/// trained on.
const FIRST_TRAINED: u64 = 1 << 40;
/// Number of the first chip that validates.
const FIRST_JUDGE: u64 = 1 << 41;

/// What a training needs beside its own description.
#[derive(Debug)]
pub struct Setting<'a> {
    /// What it begins with.
    pub program: &'a Program,
    /// The kind of chip.
    pub hardware: &'a Hardware,
    /// From which every chip follows.
    pub seed: Seed,
    /// What is known of all of them.
    pub given: &'a Given,
    /// What is learnt from, and validated on.
    pub data: &'a Dataset,
    /// What validation is scored by, if not by what labels and outputs are.
    pub score: Option<Score>,
    /// How phases are chosen on chips that are judged.
    pub correction: Correction,
}

/// A training on its way, at precision `T`.
pub struct Trainer<'a, T> {
    training: &'a Training,
    setting: Setting<'a>,
    /// Of what is not the chips'.
    seed: Seed,
    samples: Encoded<T>,
    criterion: Criterion,
    calibration: Batch<T>,
    validation: Option<Dataset>,
    method: Box<dyn Method<T> + Sync>,
    score: Score,
    trainable: Trainable,
    state: State,
}

/// Encoded samples in the order of their files, one row each: a batch picks rows.
struct Encoded<T> {
    /// `[sample, signal]`; real parts, and imaginary ones where there are any.
    parts: Vec<Array2<T>>,
    /// Which samples are learnt from.
    learnt: Vec<usize>,
}

impl<T: Real> Encoded<T> {
    fn new(network: &Network, data: &Dataset, learnt: Vec<usize>) -> Result<Self> {
        let mut parts: Vec<Array2<T>> = Vec::new();
        for start in (0..data.len()).step_by(BLOCK) {
            let range = start..data.len().min(start + BLOCK);
            let block = network.encode::<T>(&data.x, range.clone())?;
            block.check_finite("encoded data")?;
            let blocks = match &block {
                Batch::Real(x) => vec![x],
                Batch::Complex(z) => vec![&z.re, &z.im],
            };
            if parts.is_empty() {
                let shape = (data.len(), block.features());
                parts = blocks.iter().map(|_| Array2::zeros(shape)).collect();
            }
            for (part, block) in parts.iter_mut().zip(blocks) {
                part.slice_mut(s![range.clone(), ..]).assign(&block.t());
            }
        }
        Ok(Self { parts, learnt })
    }

    /// The samples at these places of the file, `[signal, sample]`.
    fn batch(&self, samples: &[usize]) -> Batch<T> {
        let pick = |part: &Array2<T>| {
            let mut picked = Array2::zeros((samples.len(), part.ncols()));
            for (mut to, sample) in picked.rows_mut().into_iter().zip(samples) {
                to.assign(&part.row(*sample));
            }
            picked.t().as_standard_layout().into_owned()
        };
        match &self.parts[..] {
            [re, im] => Batch::Complex(Fields {
                re: pick(re),
                im: pick(im),
            }),
            [only] => Batch::Real(pick(only)),
            _ => unreachable!("data have samples"),
        }
    }
}

impl<'a, T: Real> Trainer<'a, T> {
    /// A training that begins, or goes on from `state`.
    ///
    /// # Errors
    /// What of `training` cannot be done with its setting, in one sentence: those of [`Trainable::new`] and
    /// [`Criterion::new`]; [`Error::Value`] where no sample is left to learn from.
    pub fn new(training: &'a Training, setting: Setting<'a>, state: Option<State>) -> Result<Self> {
        let seed = training.seed.map_or(setting.seed, Seed);
        let (program, data) = (setting.program, setting.data);
        let network = program.network();
        check_method(training)?;
        let mut trainable = Trainable::new(program, training.parameters, training.method.part())?;
        if training.parameters == Parameters::Phases {
            check_phases(
                setting.hardware,
                training.correction.unwrap_or(setting.correction),
            )?;
        }
        let labels = &data.labels;
        let loss = training.loss.unwrap_or(match labels {
            Labels::Targets(_) => Loss::MeanSquare,
            _ => Loss::CrossEntropy,
        });
        let (learnt, held) = held_back(data.len(), training.validation, seed);
        if learnt.is_empty() {
            let limit = "more than are held back for validation";
            return Err(Error::value("samples to learn from", data.len(), limit));
        }
        let samples = Encoded::new(network, data, learnt)?;
        let teacher = || -> Result<Array2<f64>> {
            let digital: Digital<T> = network.digital()?;
            let all: Vec<usize> = (0..data.len()).collect();
            let blocks = all.chunks(BLOCK).enumerate().map(|(block, chunk)| {
                let outputs = network.run(samples.batch(chunk), &digital, block as u64)?;
                Ok(outputs.mapv(T::double))
            });
            let blocks: Vec<Array2<f64>> = blocks.collect::<Result<_>>()?;
            let rows = blocks.iter().flat_map(|block| block.columns());
            let mut outputs = Array2::zeros((data.len(), network.classes()));
            for (mut to, row) in outputs.rows_mut().into_iter().zip(rows) {
                to.assign(&row);
            }
            Ok(outputs)
        };
        if training.new_network.is_some() && matches!(loss, Loss::Distillation { .. }) {
            let limit = "another one with `layers`: a new network has nothing to be distilled";
            return Err(Error::value("loss", loss, limit));
        }
        let criterion = Criterion::new(loss, network, labels, teacher)?;
        let first = &samples.learnt[..samples.learnt.len().min(BLOCK)];
        let calibration = samples.batch(first);
        // Who learns classes is validated by them, whatever else labels and outputs look like.
        let own = (loss == Loss::CrossEntropy && network.classes() > 1).then_some(Score::Accuracy);
        let score = Scorer::new(network, data, setting.score.or(own))?.score();
        let validation = (!held.is_empty()).then(|| data.select(&held));
        let method: Box<dyn Method<T> + Sync> = match training.method {
            MethodName::Dfa => Box::new(DirectFeedback::new(&trainable, seed)?),
            MethodName::InSitu => Box::new(training.in_situ),
            MethodName::Spsa => Box::new(Spsa {
                size: training.perturbation,
                seed,
            }),
            MethodName::Adjoint
            | MethodName::SigmaOnly
            | MethodName::DigitalOnly
            | MethodName::LastLayer => Box::new(Adjoint),
        };
        let state = match state {
            None => State::new(
                Optimizer::new(training.optimizer, trainable.values().len()),
                &trainable,
            ),
            Some(state) => {
                trainable.set(&state.values, true)?;
                state
            }
        };
        Ok(Self {
            training,
            setting,
            seed,
            samples,
            criterion,
            calibration,
            validation,
            method,
            score,
            trainable,
            state,
        })
    }

    /// Steps of an epoch.
    fn steps_of_epoch(&self) -> u64 {
        self.samples.learnt.len().div_ceil(self.training.batch) as u64
    }

    /// Steps of the whole training.
    pub fn steps(&self) -> u64 {
        self.training.epochs * self.steps_of_epoch()
    }

    /// Where it stands.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Whether a state of it that is kept now is one to go on from: what the chip holds follows from its values.
    pub fn may_be_kept(&self) -> bool {
        self.state.step.is_multiple_of(self.training.compile_every)
    }

    /// Takes the next step; the epoch that it ends, if it ends one.
    ///
    /// # Errors
    /// [`Error::NotFinite`] with the number of the step if the loss or a slope is not finite; those of
    /// [`Method::slopes`].
    pub fn step(&mut self, watch: &dyn Watch) -> Result<Option<Epoch>> {
        let number = self.state.step;
        let of_epoch = self.steps_of_epoch();
        let (epoch, within) = (number / of_epoch, number % of_epoch);
        let order = shuffled(self.samples.learnt.len(), epoch, self.seed);
        let start = within as usize * self.training.batch;
        let end = order.len().min(start + self.training.batch);
        let samples: Vec<usize> = order[start..end]
            .iter()
            .map(|index| self.samples.learnt[*index])
            .collect();
        let minibatch = Minibatch {
            batch: self.samples.batch(&samples),
            samples: &samples,
            criterion: &self.criterion,
            calibration: &self.calibration,
            correction: self.training.correction.unwrap_or(self.setting.correction),
            step: number,
        };
        let hardware = self.hardware(number)?;
        let chips: Vec<Chip> = (0..self.training.chips as u64)
            .map(|chip| {
                let fresh = FIRST_TRAINED + number * self.training.chips as u64 + chip;
                let trial = self.training.trial.unwrap_or(fresh);
                // Every step is another programming, whose errors nobody can train on.
                self.chip(&hardware, trial).at_load(number + 1)
            })
            .collect();
        let all: Vec<(f64, Vec<f64>)> = chips
            .par_iter()
            .map(|chip| self.method.slopes(&self.trainable, chip, &minibatch))
            .collect::<Result<_>>()?;
        let share = 1.0 / all.len() as f64;
        let loss = share * all.iter().map(|(loss, _)| loss).sum::<f64>();
        let mut slopes = vec![0.0; self.state.values.len()];
        for (_, of_chip) in &all {
            for (sum, slope) in slopes.iter_mut().zip(of_chip) {
                *sum += share * slope;
            }
        }
        let bad = [loss].into_iter().chain(slopes.iter().copied());
        if let Some(got) = bad.into_iter().find(|number| !number.is_finite()) {
            return Err(Error::NotFinite {
                what: "loss or a slope of it".to_owned(),
                index: format!("batch {} of epoch {}", within + 1, epoch + 1),
                got: got.to_string(),
            });
        }
        let rate = self.training.rate * self.training.schedule.factor(number, self.steps());
        let state = &mut self.state;
        state.optimizer.step(&mut state.values, &slopes, rate);
        state.step += 1;
        state.loss += loss * samples.len() as f64;
        let writes = state.step.is_multiple_of(self.training.compile_every);
        state.costs += self.method.costs(&self.trainable, samples.len()) * chips.len() as u64;
        let written = self.trainable.written();
        let is_fresh = self.training.trial.is_none();
        let measures = self.training.method == MethodName::Spsa;
        if written > 0 && !measures && (writes || is_fresh) {
            state.costs += Costs {
                settings: chips.len() as u64,
                phase_writes: (written * chips.len()) as u64,
                ..Costs::default()
            };
        }
        self.trainable.set(&self.state.values, writes)?;
        match within + 1 == of_epoch {
            true => self.end(epoch, rate, watch).map(Some),
            false => Ok(None),
        }
    }

    /// Chip number `trial`.
    fn chip(&self, hardware: &Hardware, trial: u64) -> Chip {
        let chip = hardware.fabricate(self.setting.seed, trial);
        chip.with_given(self.setting.given.clone())
    }

    /// The kind of chip at step `number`.
    fn hardware(&self, number: u64) -> Result<Hardware> {
        let done = number as f64 / (self.steps() - 1).max(1) as f64;
        let start = self.setting.hardware.clone();
        self.training
            .ramp
            .iter()
            .try_fold(start, |hardware, (key, [from, to])| {
                let value = from + (to - from) * done;
                hardware.with(key, &format!("{value:?}"))
            })
    }

    /// What an epoch came to.
    fn end(&mut self, epoch: u64, rate: f64, watch: &dyn Watch) -> Result<Epoch> {
        let (chips, ideal) = match &self.validation {
            None => (None, None),
            Some(data) => {
                let program = self.trainable.trained_program()?;
                let (chips, ideal) = self.validated(&program, data, watch)?;
                (Some(chips), Some(ideal))
            }
        };
        let ended = Epoch {
            epoch: epoch + 1,
            step: self.state.step,
            rate,
            loss: self.state.loss / self.samples.learnt.len() as f64,
            chips,
            ideal,
            costs: self.state.costs,
        };
        self.state.loss = 0.0;
        let is_best = match (chips, self.state.best_score()) {
            (Some(now), Some(best)) => match self.score.is_share() {
                true => now > best,
                false => now < best,
            },
            _ => true,
        };
        if is_best {
            self.state.best = Some((chips, self.state.values.clone()));
        }
        self.state.epochs.push(ended);
        Ok(ended)
    }

    /// What validation is scored by.
    pub fn score(&self) -> Score {
        self.score
    }

    /// The samples that are held back to validate, if any are.
    pub fn held_back(&self) -> Option<&Dataset> {
        self.validation.as_ref()
    }

    /// What `program` scores on the chips that validate, their mean, and on a perfect one, which is its own network.
    fn validated(
        &self,
        program: &Program,
        data: &Dataset,
        watch: &dyn Watch,
    ) -> Result<(f64, f64)> {
        let workload = Workload::<T>::new(program, data, Some(self.score))?;
        let digital = workload.digital(&())?;
        let trials: Vec<u64> = match self.training.trial {
            Some(trial) => vec![trial],
            None => (0..self.training.validation_chips as u64)
                .map(|judge| FIRST_JUDGE + judge)
                .collect(),
        };
        let mut sum = 0.0;
        for trial in &trials {
            if watch.stops() {
                return Err(Error::Stopped);
            }
            let chip = self.chip(self.setting.hardware, *trial);
            let (_, judged) = workload.trial(chip, self.setting.correction, &digital, watch)?;
            sum += judged.worth.value();
        }
        Ok((sum / trials.len() as f64, digital.worth.value()))
    }

    /// The best trainable so far: of the epoch that validated best, else the last one.
    ///
    /// # Errors
    /// Those of [`Trainable::set`].
    pub fn best(&self) -> Result<Trainable> {
        let mut trainable = self.trainable.clone();
        if let Some((_, values)) = &self.state.best {
            trainable.set(values, true)?;
        }
        Ok(trainable)
    }
}

/// Fails where the method trains what only phases have.
fn check_method(training: &Training) -> Result<()> {
    let method = training.method;
    let needs = matches!(
        method,
        MethodName::InSitu | MethodName::SigmaOnly | MethodName::DigitalOnly
    );
    if needs && training.parameters == Parameters::Weights {
        let limit = format!("phases with method = \"{method}\"");
        return Err(Error::value("parameters", training.parameters, limit));
    }
    Ok(())
}

/// Fails unless the phases of a program are those that its heaters are asked for.
fn check_phases(hardware: &Hardware, correction: Correction) -> Result<()> {
    if correction != Correction::None {
        let limit = "none where phases are trained: they are asked for as they are";
        return Err(Error::value("correct", correction.name(), limit));
    }
    match hardware.mesh().cell {
        CellKind::Mzi => Ok(()),
        cell => {
            let limit = "mzi where phases are trained: those of other cells are chosen for them";
            Err(Error::value("mesh.cell", cell, limit))
        }
    }
}

/// Places of samples to learn from and of those held back, a `share` of all, each in the order of the data.
fn held_back(count: usize, share: f64, seed: Seed) -> (Vec<usize>, Vec<usize>) {
    let held = (count as f64 * share).round() as usize;
    let mut stream = seed.stream(Effect::Haar, 0, 1, 6);
    let mut order = stream.permutation(count);
    let mut learnt = order.split_off(held);
    learnt.sort_unstable();
    order.sort_unstable();
    (learnt, order)
}

/// The numbers below `count` in an order that depends on the epoch.
fn shuffled(count: usize, epoch: u64, seed: Seed) -> Vec<usize> {
    seed.stream(Effect::Haar, epoch, 2, 6).permutation(count)
}
