//! One program and one data set, ready for any number of chips.

use std::sync::atomic::{AtomicUsize, Ordering};

use ndarray::{Array2, s};
use rayon::prelude::*;

use super::trial::{LayerTrial, Trial, paired};
use crate::compile::Program;
use crate::error::{Error, Result};
use crate::field::Real;
use crate::hardware::{Chip, Hardware};
use crate::mesh::Correction;
use crate::nn::{BLOCK, Batch, Dataset, Digital, Judged, LayerSignal, Score, Scorer};
use crate::processor::{Processor, Quality, has_shot_effects, run_of};
use crate::rng::Seed;
use crate::watch::Watch;

/// A program with the encoded data that chips run it on, at precision `T`.
#[derive(Debug)]
pub struct Workload<'a, T> {
    program: Program,
    scorer: Scorer<'a>,
    samples: usize,
    blocks: Vec<Batch<T>>,
    /// Number of the block that sets ranges: the first one with light.
    calibration: usize,
    /// What that block is in every layer of the network as it was trained.
    signals: Vec<LayerSignal<T>>,
    digital: Digital<T>,
}

impl<'a, T: Real> Workload<'a, T> {
    /// `program` and the encoded samples of `data`, scored by `score`, else as [`Scorer::new`] chooses.
    ///
    /// # Errors
    /// Those of [`Scorer::new`], if data, network and score do not fit together.
    pub fn new(program: &Program, data: &'a Dataset, score: Option<Score>) -> Result<Self> {
        let network = program.network();
        let scorer = Scorer::new(network, data, score)?;
        // Random numbers of shots are addressed by block, so the size of a block is part of the result.
        let blocks = (0..data.len())
            .step_by(BLOCK)
            .map(|start| {
                let samples = start..data.len().min(start + BLOCK);
                network.encode(&data.x, samples)
            })
            .collect::<Result<Vec<Batch<T>>>>()?;
        let digital = network.digital()?;
        // A dark block sets no range.
        let calibration = blocks
            .iter()
            .position(|block| !block.is_dark())
            .unwrap_or(0);
        let signals = match blocks.get(calibration) {
            Some(block) => network.signals(block.clone(), &digital)?,
            None => Vec::new(),
        };
        Ok(Self {
            program: program.clone(),
            scorer,
            samples: data.len(),
            calibration,
            signals,
            blocks,
            digital,
        })
    }

    /// The same with labels or targets of its own.
    pub fn into_owned(self) -> Workload<'static, T> {
        Workload {
            program: self.program,
            scorer: self.scorer.into_owned(),
            samples: self.samples,
            blocks: self.blocks,
            calibration: self.calibration,
            signals: self.signals,
            digital: self.digital,
        }
    }

    /// The program.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// How outputs are scored.
    pub fn scorer(&self) -> &Scorer<'a> {
        &self.scorer
    }

    /// Number of samples.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// What the digital network gives; `watch` is told how far it is, and may stop it behind any block of samples.
    ///
    /// # Errors
    /// [`Error::NotFinite`](crate::Error::NotFinite) if data or logits leave the range of `T`;
    /// [`Error::Stopped`](crate::Error::Stopped) if `watch` stops it.
    pub fn digital(&self, watch: &dyn Watch) -> Result<Judged<T>> {
        for batch in &self.blocks {
            batch.check_finite("encoded data")?;
        }
        let pass = Pass::new("digital network", self.samples, watch);
        let outputs = self.outputs(|index, batch| {
            pass.block(batch.samples(), || {
                let network = self.program.network();
                let logits = Batch::Real(network.run(batch, &self.digital, index as u64)?);
                logits.check_finite("digital logits")?;
                match logits {
                    Batch::Real(logits) => Ok(logits),
                    Batch::Complex(_) => unreachable!("logits are real"),
                }
            })
        })?;
        Ok(self.scorer.judge(outputs))
    }

    /// What a perfect chip gives, beside `digital`; `watch` as in [`digital`](Self::digital).
    ///
    /// # Errors
    /// As [`trial`](Self::trial).
    pub fn ideal(&self, seed: Seed, digital: &Judged<T>, watch: &dyn Watch) -> Result<Judged<T>> {
        let chip = Hardware::default().fabricate(seed, 0);
        let pass = Pass::new("perfect chip", self.samples, watch);
        let processor = self.load(chip, Correction::None, watch)?;
        let outputs = self.outputs(|index, batch| {
            pass.block(batch.samples(), || processor.forward(batch, index as u64))
        })?;
        Ok(self.scorer.judge_beside(outputs, digital))
    }

    /// Loads the program on `chip`, with phases chosen by `correction`, and sends all samples through it: what it gives
    /// beside `digital`, as trial of point 0 without its time and its confusion matrix, and its outputs. `watch` may
    /// stop it while phases are fitted.
    ///
    /// # Errors
    /// Those of [`Processor::load_watched`] and [`Processor::forward`].
    pub fn trial(
        &self,
        chip: Chip,
        correction: Correction,
        digital: &Judged<T>,
        watch: &dyn Watch,
    ) -> Result<(Trial, Judged<T>)> {
        let trial = chip.trial() as usize;
        let processor = self.load(chip, correction, watch)?;
        let outputs = self.outputs(|index, batch| processor.forward(batch, index as u64))?;
        let judged = self.scorer.judge_beside(outputs, digital);
        let is_corrected = correction != Correction::None;
        let finite = |value: f64| Some(value).filter(|value| value.is_finite());
        let weighted_errors = match self.signals.as_slice() {
            [] => vec![0.0; self.program.maps().count()],
            signals => processor.weighted_errors(signals),
        };
        let (matrix_errors, read_errors) = (processor.matrix_errors(), processor.read_errors());
        let (losses_db, unreachable) = (processor.losses_db(), processor.unreachable());
        let layer = |index: usize| LayerTrial {
            matrix_error: finite(matrix_errors[index]),
            read_error: finite(read_errors[index]),
            weighted_error: finite(weighted_errors[index]),
            loss_db: finite(losses_db[index]),
            unreachable_mzis: is_corrected.then(|| unreachable[index]),
        };
        let trial = Trial {
            point: 0,
            trial,
            seconds: 0.0,
            samples: self.samples,
            worth: judged.worth,
            paired: paired(digital, &judged),
            layers: (0..matrix_errors.len()).map(layer).collect(),
            confusion: Vec::new(),
        };
        Ok((trial, judged))
    }

    /// How good what every map's receivers read on `chip` is, phases chosen by `correction`, of the last whole block of samples;
    /// nothing where shots do not differ. Only where there is no other block is it the one that sets ranges.
    ///
    /// # Errors
    /// As [`trial`](Self::trial).
    pub fn qualities(
        &self,
        chip: Chip,
        correction: Correction,
        watch: &dyn Watch,
    ) -> Result<Vec<Quality>> {
        if self.blocks.is_empty() || !has_shot_effects(chip.hardware()) {
            return Ok(Vec::new());
        }
        let is_whole = |block: &Batch<T>| block.samples() == BLOCK;
        let last = self.blocks.iter().rposition(is_whole).unwrap_or(0);
        let last = last.max(self.calibration);
        let processor = self.load(chip, correction, watch)?;
        processor.qualities(self.blocks[last].clone(), last as u64, &self.digital)
    }

    /// The program on `chip`.
    fn load(&self, chip: Chip, correction: Correction, watch: &dyn Watch) -> Result<Processor<T>> {
        let run = run_of(&self.program, self.blocks.get(self.calibration));
        Processor::load_watched(&self.program, chip, correction, run, watch)
    }

    /// The outputs of every sample, `[sample, output]`, blocks in parallel, in the order of the data.
    fn outputs(
        &self,
        logits: impl Fn(usize, Batch<T>) -> Result<Array2<T>> + Sync,
    ) -> Result<Array2<T>> {
        let blocks: Vec<Array2<T>> = self
            .blocks
            .par_iter()
            .enumerate()
            .map(|(index, batch)| logits(index, batch.clone()))
            .collect::<Result<_>>()?;
        let outputs = self.program.network().classes();
        let mut whole = Array2::zeros((self.samples, outputs));
        for (index, block) in blocks.iter().enumerate() {
            let start = index * BLOCK;
            let rows = s![start..start + block.ncols(), ..];
            whole.slice_mut(rows).assign(&block.t());
        }
        Ok(whole)
    }
}

/// All samples on their way through a network, before any step of an experiment.
struct Pass<'a> {
    /// Whose they are.
    name: &'static str,
    samples: usize,
    done: AtomicUsize,
    watch: &'a dyn Watch,
}

impl<'a> Pass<'a> {
    fn new(name: &'static str, samples: usize, watch: &'a dyn Watch) -> Self {
        let pass = Self {
            name,
            samples,
            done: AtomicUsize::new(0),
            watch,
        };
        pass.tell(0);
        pass
    }

    fn tell(&self, done: usize) {
        let Self { name, samples, .. } = self;
        let what = format!("{name}: {done} of {samples} samples");
        self.watch.doing(Some(&what));
    }

    /// What `run` makes of so many samples.
    ///
    /// # Errors
    /// Those of `run`; [`Error::Stopped`] if the samples should not set out.
    fn block<R>(&self, samples: usize, run: impl FnOnce() -> Result<R>) -> Result<R> {
        if self.watch.stops() {
            return Err(Error::Stopped);
        }
        let result = run()?;
        let before = self.done.fetch_add(samples, Ordering::Relaxed);
        self.tell(before + samples);
        Ok(result)
    }
}
