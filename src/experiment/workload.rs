//! One program and one data set, ready for any number of chips.

use ndarray::{Array2, s};
use rayon::prelude::*;

use super::trial::{LayerTrial, Trial, paired};
use crate::compile::Program;
use crate::error::Result;
use crate::field::Real;
use crate::hardware::{Chip, Hardware};
use crate::mesh::Correction;
use crate::nn::{BLOCK, Batch, Dataset, Digital, Judged, LayerSignal, Score, Scorer};
use crate::processor::{Processor, Quality, has_shot_effects};
use crate::rng::Seed;

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

    /// What the digital network gives.
    ///
    /// # Errors
    /// [`Error::NotFinite`](crate::Error::NotFinite) if data or logits leave the range of `T`.
    pub fn digital(&self) -> Result<Judged<T>> {
        for batch in &self.blocks {
            batch.check_finite("encoded data")?;
        }
        let outputs = self.outputs(|index, batch| {
            let network = self.program.network();
            let logits = Batch::Real(network.run(batch, &self.digital, index as u64)?);
            logits.check_finite("digital logits")?;
            match logits {
                Batch::Real(logits) => Ok(logits),
                Batch::Complex(_) => unreachable!("logits are real"),
            }
        })?;
        Ok(self.scorer.judge(outputs))
    }

    /// What a perfect chip gives, beside `digital`.
    ///
    /// # Errors
    /// As [`trial`](Self::trial).
    pub fn ideal(&self, seed: Seed, digital: &Judged<T>) -> Result<Judged<T>> {
        let chip = Hardware::default().fabricate(seed, 0);
        let (_, outputs) = self.send(chip, Correction::None)?;
        Ok(self.scorer.judge_beside(outputs, digital))
    }

    /// Loads the program on `chip`, with phases chosen by `correction`, and sends all samples through it: what it gives
    /// beside `digital`, as trial of point 0 without its time and its confusion matrix, and its outputs.
    ///
    /// # Errors
    /// Those of [`Processor::load`] and [`Processor::forward`].
    pub fn trial(
        &self,
        chip: Chip,
        correction: Correction,
        digital: &Judged<T>,
    ) -> Result<(Trial, Judged<T>)> {
        let trial = chip.trial() as usize;
        let (processor, outputs) = self.send(chip, correction)?;
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
    pub fn qualities(&self, chip: Chip, correction: Correction) -> Result<Vec<Quality>> {
        let (Some(ranges), true) = (
            self.blocks.get(self.calibration),
            has_shot_effects(chip.hardware()),
        ) else {
            return Ok(Vec::new());
        };
        let is_whole = |block: &Batch<T>| block.samples() == BLOCK;
        let last = self.blocks.iter().rposition(is_whole).unwrap_or(0);
        let last = last.max(self.calibration);
        let processor = Processor::load(&self.program, chip, correction, Some(ranges))?;
        processor.qualities(self.blocks[last].clone(), last as u64, &self.digital)
    }

    /// The program on `chip`, and the outputs of all samples.
    fn send(&self, chip: Chip, correction: Correction) -> Result<(Processor<T>, Array2<T>)> {
        let calibration = self.blocks.get(self.calibration);
        let processor = Processor::load(&self.program, chip, correction, calibration)?;
        let outputs = self.outputs(|index, batch| processor.forward(batch, index as u64))?;
        Ok((processor, outputs))
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
