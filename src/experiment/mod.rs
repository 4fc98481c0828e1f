//! Monte-Carlo inference: many drawn chips, one data set, accuracy against digital; sweeps over what chips are like;
//! and the statistics of both.

pub mod stats;
pub mod sweep;
mod workload;

pub use stats::{Summary, quantile};
pub use sweep::Sweep;
pub use workload::{Inferred, Workload};

use std::time::Instant;

use rayon::prelude::*;
use serde::Serialize;

use crate::compile::Program;
use crate::error::{Error, Result};
use crate::field::Real;
use crate::hardware::Hardware;
use crate::mesh::Correction;
use crate::nn::Dataset;
use crate::nn::metrics::{accuracy, agreement};
use crate::rng::Seed;

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
    /// How the phases of each chip were chosen.
    pub correct: Correction,
    /// The network as it was trained.
    pub digital: Digital,
    /// The program on a perfect chip.
    pub ideal: Ideal,
    /// The program on the drawn chips.
    pub noisy: Noisy,
    /// What each layer became, and how far the chips' matrices are from it.
    pub layers: Vec<LayerReport>,
    /// Wall-clock times, s.
    pub seconds: Seconds,
}

/// Accuracy of the digital network.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Digital {
    /// Share of samples that are classified as labelled.
    pub accuracy: f64,
}

/// Accuracy of the perfect chip.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Ideal {
    /// Share of samples that are classified as labelled.
    pub accuracy: f64,
    /// Share of samples that are classified as by the digital network.
    pub agreement: f64,
}

/// Accuracy of the drawn chips.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Noisy {
    /// Accuracy over the trials.
    pub accuracy: Summary,
    /// Agreement with the digital network over the trials.
    pub agreement: Summary,
    /// One entry a chip.
    pub per_trial: Vec<Trial>,
}

/// One chip.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trial {
    /// Its number, from 0.
    pub trial: usize,
    /// Share of samples that it classifies as labelled.
    pub accuracy: f64,
    /// Share of samples that it classifies as the digital network does.
    pub agreement: f64,
    /// ‖W_chip − W‖_F / ‖W‖_F of every layer.
    pub matrix_errors: Vec<f64>,
    /// The same of what detectors read: the real part of a real network's matrix.
    pub read_errors: Vec<f64>,
    /// ‖(W_chip − W) x‖ / ‖W x‖ of what detectors read of every layer, over the calibration batch.
    pub weighted_errors: Vec<f64>,
    /// Loss of every layer's tiles, dB, mean over the tiles.
    pub losses_db: Vec<f64>,
    /// Number of MZIs in every layer that no phases could make do what the correction asked of them; null without one.
    pub unreachable_mzis: Option<Vec<usize>>,
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
    /// The same of what detectors read: the real part of a real network's matrix.
    pub read_error: f64,
    /// ‖(W_chip − W) x‖ / ‖W x‖ of what detectors read, over the calibration batch, mean over the trials: the error that
    /// accuracy follows.
    pub weighted_error: f64,
    /// Loss of a tile that its digital scale makes up for, dB, mean over tiles and trials.
    pub loss_db: f64,
    /// Number of MZIs that no phases could make do what the correction asked of them, mean over the trials; null without
    /// a correction.
    pub unreachable_mzis: Option<f64>,
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
    /// Runs the experiment at precision `T` on rayon's current pool; `done` is called after every trial.
    ///
    /// The result (not its times) is the same to the bit on any number of threads. At most as many chips as
    /// there are threads are held at a time.
    ///
    /// # Errors
    /// [`Error::Shape`] or [`Error::Value`] if data and network do not
    /// fit together or the hardware cannot read this network, or there are more trials than [`TRIALS_LIMIT`].
    pub fn run<T: Real>(
        &self,
        program: &Program,
        data: &Dataset,
        done: impl Fn() + Sync,
    ) -> Result<Report> {
        if self.trials > TRIALS_LIMIT {
            let limit = format!("at most {TRIALS_LIMIT}");
            return Err(Error::value("trials", self.trials, limit));
        }
        let workload = Workload::<T>::new(program, data)?;
        let labels = workload.labels();

        let clock = Instant::now();
        let digital = workload.digital()?;
        let digital_seconds = clock.elapsed().as_secs_f64();

        let clock = Instant::now();
        let ideal = workload.ideal(self.seed)?.classes;
        let ideal_seconds = clock.elapsed().as_secs_f64();

        let clock = Instant::now();
        let is_corrected = self.correction != Correction::None;
        let mut trials = Vec::with_capacity(self.trials);
        let threads = rayon::current_num_threads().max(1);
        for start in (0..self.trials).step_by(threads) {
            let chunk = (start..self.trials.min(start + threads))
                .into_par_iter()
                .map(|trial| {
                    let chip = self.hardware.fabricate(self.seed, trial as u64);
                    let inferred = workload.infer(chip, self.correction)?;
                    done();
                    Ok(Trial {
                        trial,
                        accuracy: accuracy(&inferred.classes, labels),
                        agreement: agreement(&inferred.classes, &digital),
                        matrix_errors: inferred.matrix_errors,
                        read_errors: inferred.read_errors,
                        weighted_errors: inferred.weighted_errors,
                        losses_db: inferred.losses_db,
                        unreachable_mzis: inferred.unreachable_mzis,
                    })
                })
                .collect::<Result<Vec<_>>>()?;
            trials.extend(chunk);
        }
        let noisy_seconds = clock.elapsed().as_secs_f64();

        let layers = program
            .model()
            .layers
            .iter()
            .zip(program.tiles())
            .enumerate();
        let layers = layers.map(|(index, (layer, tiles))| LayerReport {
            name: layer.name.clone(),
            tiles: tiles.len(),
            mzis: tiles.iter().map(|tile| tile.mzis()).sum(),
            matrix_error: mean(trials.iter().map(|trial| trial.matrix_errors[index])),
            read_error: mean(trials.iter().map(|trial| trial.read_errors[index])),
            weighted_error: mean(trials.iter().map(|trial| trial.weighted_errors[index])),
            loss_db: mean(trials.iter().map(|trial| trial.losses_db[index])),
            unreachable_mzis: is_corrected.then(|| {
                let counts = trials
                    .iter()
                    .filter_map(|trial| trial.unreachable_mzis.as_ref());
                let counts: Vec<f64> = counts.map(|counts| counts[index] as f64).collect();
                mean(counts.into_iter())
            }),
        });
        Ok(Report {
            hardware: self.hardware.clone(),
            seed: self.seed,
            samples: labels.len(),
            trials: self.trials,
            correct: self.correction,
            digital: Digital {
                accuracy: accuracy(&digital, labels),
            },
            ideal: Ideal {
                accuracy: accuracy(&ideal, labels),
                agreement: agreement(&ideal, &digital),
            },
            layers: layers.collect(),
            noisy: Noisy {
                accuracy: Summary::of(trials.iter().map(|trial| trial.accuracy)),
                agreement: Summary::of(trials.iter().map(|trial| trial.agreement)),
                per_trial: trials,
            },
            seconds: Seconds {
                load: 0.0,
                digital: digital_seconds,
                ideal: ideal_seconds,
                noisy: noisy_seconds,
                noisy_per_trial: noisy_seconds / self.trials.max(1) as f64,
            },
        })
    }
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len().max(1) as f64;
    values.sum::<f64>() / count
}
