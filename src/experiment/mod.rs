//! Monte-Carlo inference: many drawn chips, one data set, their score against digital; sweeps over what chips are like;
//! and the statistics of both.

mod predictions;
pub mod stats;
pub mod sweep;
#[cfg(feature = "onnx")]
mod text;
mod trial;
mod workload;

pub use predictions::{Predictions, predictions_in};
pub use stats::{Summary, quantile};
pub use sweep::{Sweep, rows};
#[cfg(feature = "onnx")]
pub use text::{LENGTH_LIMIT, Likelihood, Sampler, Writing, Written};
pub use trial::{Counts, LayerTrial, Trial};
pub use workload::Workload;

use std::time::Instant;

use rayon::prelude::*;
use serde::Serialize;

use crate::compile::Program;
use crate::error::{Error, Result};
use crate::field::Real;
use crate::hardware::Hardware;
use crate::mesh::Correction;
use crate::nn::{Dataset, Judged, Score, Worth};
use crate::processor::Quality;
use crate::rng::Seed;
use crate::watch::Watch;

/// Most chips of one kind in an experiment, and of one point of a sweep: a result is held for each of them.
pub const TRIALS_LIMIT: usize = 1_000_000;

/// Noisy inference of one program on `trials` chips of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Experiment {
    /// The kind of chip.
    pub hardware: Hardware,
    /// The seed from which every chip and every shot follows.
    pub seed: Seed,
    /// Number of chips.
    pub trials: usize,
    /// How the phases of each chip are chosen.
    pub correction: Correction,
}

/// What came out of an [`Experiment`]; its JSON form is that of `lightloom infer --json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The kind of chip, with every default.
    pub hardware: Hardware,
    /// The seed.
    pub seed: Seed,
    /// Number of samples.
    pub samples: usize,
    /// Number of chips.
    pub trials: usize,
    /// Number of chips that were asked for, where the work was stopped before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped_of: Option<usize>,
    /// How the phases of each chip were chosen.
    pub correct: Correction,
    /// What outputs are scored by.
    pub score_name: Score,
    /// Why outputs may not be what the score takes them for, as [`Scorer::doubt`](crate::nn::Scorer::doubt) says it.
    #[serde(skip)]
    pub doubt: Option<String>,
    /// The network as it was trained.
    pub digital: Worth,
    /// The program on a perfect chip.
    pub ideal: Worth,
    /// The program on the drawn chips.
    pub noisy: Noisy,
    /// What each layer became, and how far the chips' matrices are from it.
    pub layers: Vec<LayerReport>,
    /// Wall-clock times, s.
    pub seconds: Seconds,
}

/// What the drawn chips give.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Noisy {
    /// Over the trials; absent what a trial lacks.
    #[serde(flatten)]
    pub worth: Worth<Summary>,
    /// One entry a chip.
    #[serde(serialize_with = "trial::as_printed")]
    pub per_trial: Vec<Trial>,
}

impl Noisy {
    fn of(per_trial: Vec<Trial>) -> Self {
        let parts = std::array::from_fn(|part| {
            let values = per_trial.iter().map(|trial| trial.worth.parts()[part]);
            let values: Option<Vec<f64>> = values.collect();
            Some(Summary::of(values.filter(|values| !values.is_empty())?))
        });
        Self {
            worth: Worth::of_parts(parts),
            per_trial,
        }
    }

    /// The score over the trials.
    ///
    /// # Panics
    /// If there are none.
    pub fn value(&self) -> Summary {
        self.worth.value()
    }
}

/// Whose outputs an [`Experiment`] has computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Those of the network as it was trained.
    Digital,
    /// Those of the perfect chip.
    Ideal,
    /// Those of a chip, by its place among those of the run.
    Chip(usize),
}

/// One layer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LayerReport {
    /// Its name in the network.
    pub name: String,
    /// Number of tiles.
    pub tiles: usize,
    /// Number of MZIs, attenuators included.
    pub mzis: usize,
    /// ‖W_chip − W‖_F / ‖W‖_F, mean over the trials.
    pub matrix_error: f64,
    /// The relative error of what detectors read of it, mean over the trials: of a real network the real part.
    pub read_error: f64,
    /// ‖(W_chip − W) x‖ / ‖W x‖ of what detectors read, over the calibration batch, mean over the trials: the error that
    /// accuracy follows.
    pub weighted_error: f64,
    /// Loss of a tile that its digital scale makes up for, dB, mean over tiles and trials.
    pub loss_db: f64,
    /// Number of MZIs that no phases could make do what the correction asked of them, mean over the trials; null without
    /// a correction.
    pub unreachable_mzis: Option<f64>,
    /// How good what its receivers read on the first chip is, of the last whole block of samples; absent where shots do not
    /// differ, or work was stopped before.
    #[serde(flatten)]
    pub quality: Option<Quality>,
}

/// Wall-clock times, s.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Default)]
pub struct Seconds {
    /// Reading the program and the data; 0 where the library was given both.
    pub load: f64,
    /// One digital inference of the data set.
    pub digital: f64,
    /// One inference on the perfect chip, its loading included.
    pub ideal: f64,
    /// All trials.
    pub noisy: f64,
    /// One trial on average.
    pub noisy_per_trial: f64,
}

impl Experiment {
    /// Runs the experiment at precision `T` on rayon's current pool; `watch` is told of every trial.
    ///
    /// The result (not its times) is the same to the bit on any number of threads. At most as many chips as
    /// there are threads are held at a time. Where `watch` stops the work, the result is that of the chips so far, whose
    /// number it says.
    ///
    /// # Errors
    /// Those of [`Workload::new`] if data and network do not fit together, and as [`run_on`](Self::run_on).
    pub fn run<T: Real>(
        &self,
        program: &Program,
        data: &Dataset,
        watch: &impl Watch,
    ) -> Result<Report> {
        let workload = Workload::<T>::new(program, data, None)?;
        self.run_on(&workload, watch, |_, _| ())
    }

    /// Runs the experiment on `workload` as [`run`](Self::run) does, and hands all outputs to `seen`, those of chips in any
    /// order, from any thread.
    ///
    /// # Errors
    /// [`Error::Value`] if the hardware cannot read this network, or there are more trials than [`TRIALS_LIMIT`];
    /// [`Error::Stopped`] if `watch` stops the work in front of the first chip.
    pub fn run_on<T: Real>(
        &self,
        workload: &Workload<'_, T>,
        watch: &impl Watch,
        seen: impl Fn(Whose, &Judged<T>) + Sync,
    ) -> Result<Report> {
        self.run_from(0, workload, watch, seen)
    }

    /// Runs a part of a longer experiment as [`run_on`](Self::run_on) does: its chips from trial `first` on, each of which
    /// gives what it gives there.
    ///
    /// # Errors
    /// As [`run_on`](Self::run_on).
    pub fn run_from<T: Real>(
        &self,
        first: u64,
        workload: &Workload<'_, T>,
        watch: &impl Watch,
        seen: impl Fn(Whose, &Judged<T>) + Sync,
    ) -> Result<Report> {
        if self.trials > TRIALS_LIMIT {
            let limit = format!("at most {TRIALS_LIMIT}");
            return Err(Error::value("trials", self.trials, limit));
        }
        let clock = Instant::now();
        let digital = workload.digital(watch)?;
        let digital_seconds = clock.elapsed().as_secs_f64();
        seen(Whose::Digital, &digital);

        let clock = Instant::now();
        let ideal = workload.ideal(self.seed, &digital, watch)?;
        let ideal_seconds = clock.elapsed().as_secs_f64();
        seen(Whose::Ideal, &ideal);
        watch.doing(None);

        let clock = Instant::now();
        let is_corrected = self.correction != Correction::None;
        let mut trials = Vec::with_capacity(self.trials);
        let threads = rayon::current_num_threads().max(1);
        for start in (0..self.trials).step_by(threads) {
            if watch.stops() {
                break;
            }
            let chunk = (start..self.trials.min(start + threads))
                .into_par_iter()
                .map(|number| {
                    let chip = self.hardware.fabricate(self.seed, first + number as u64);
                    match workload.trial(chip, self.correction, &digital, watch) {
                        Ok((trial, judged)) => {
                            seen(Whose::Chip(number), &judged);
                            watch.step();
                            Ok(Some(trial))
                        }
                        Err(Error::Stopped) => Ok(None),
                        Err(error) => Err(error),
                    }
                })
                .collect::<Result<Vec<_>>>()?;
            // Of a chunk that was stopped those before the first that was left.
            trials.extend(chunk.into_iter().map_while(|trial| trial));
        }
        let noisy_seconds = clock.elapsed().as_secs_f64();
        if trials.is_empty() && self.trials > 0 {
            return Err(Error::Stopped);
        }

        let first = self.hardware.fabricate(self.seed, first);
        let qualities = match self.trials {
            0 => Vec::new(),
            _ => match workload.qualities(first, self.correction, watch) {
                Err(Error::Stopped) => Vec::new(),
                found => found?,
            },
        };
        let program = workload.program();
        let layers = program.maps().enumerate().map(|(index, map)| {
            let layers = || trials.iter().map(|trial: &Trial| &trial.layers[index]);
            let mean_of = |value: fn(&LayerTrial) -> Option<f64>| {
                mean(layers().map(|layer| value(layer).unwrap_or(f64::NAN)))
            };
            LayerReport {
                name: map.linear.name.clone(),
                tiles: map.tiles.len(),
                mzis: map.mzis(),
                matrix_error: mean_of(|layer| layer.matrix_error),
                read_error: mean_of(|layer| layer.read_error),
                weighted_error: mean_of(|layer| layer.weighted_error),
                loss_db: mean_of(|layer| layer.loss_db),
                unreachable_mzis: is_corrected
                    .then(|| mean_of(|layer| layer.unreachable_mzis.map(|count| count as f64))),
                quality: qualities.get(index).copied(),
            }
        });
        Ok(Report {
            hardware: self.hardware.clone(),
            seed: self.seed,
            samples: workload.samples(),
            trials: trials.len(),
            stopped_of: Some(self.trials).filter(|asked| *asked > trials.len()),
            correct: self.correction,
            score_name: workload.scorer().score(),
            doubt: workload.scorer().doubt(&digital),
            digital: digital.worth,
            ideal: ideal.worth,
            layers: layers.collect(),
            seconds: Seconds {
                load: 0.0,
                digital: digital_seconds,
                ideal: ideal_seconds,
                noisy: noisy_seconds,
                noisy_per_trial: noisy_seconds / trials.len().max(1) as f64,
            },
            noisy: Noisy::of(trials),
        })
    }
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len().max(1) as f64;
    values.sum::<f64>() / count
}
