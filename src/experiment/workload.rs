//! One program and one data set, ready for any number of chips.

use rayon::prelude::*;

use crate::compile::Program;
use crate::error::{Error, Result};
use crate::field::Real;
use crate::hardware::{Chip, Hardware};
use crate::mesh::Correction;
use crate::nn::metrics::predict;
use crate::nn::{BLOCK, Batch, Dataset, LayerSignal, Network};
use crate::processor::Processor;
use crate::rng::Seed;

/// A program with the encoded data that chips run it on, at precision `T`.
#[derive(Debug)]
pub struct Workload<'a, T> {
    program: &'a Program,
    labels: &'a [usize],
    blocks: Vec<Batch<T>>,
    /// Number of the block that sets ranges: the first one with light.
    calibration: usize,
    /// What that block is in every layer of the network as it was trained.
    signals: Vec<LayerSignal<T>>,
    network: Network<T>,
}

/// What one chip did.
#[derive(Debug, Clone, PartialEq)]
pub struct Inferred {
    /// The predicted class of every sample.
    pub classes: Vec<usize>,
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

impl<'a, T: Real> Workload<'a, T> {
    /// `program` and the encoded samples of `data`.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) or [`Error::Value`](crate::Error::Value) if data and network do not fit
    /// together.
    pub fn new(program: &'a Program, data: &'a Dataset) -> Result<Self> {
        let model = program.model();
        model.check_classes()?;
        model.check_features(&data.x)?;
        data.check_labels(model.classes())?;
        let labels = data.labels.classes().ok_or_else(|| {
            Error::unsupported("labels", "no classes", "must be a class for every sample")
        })?;
        // Random numbers of shots are addressed by block, so the size of a block is part of the result.
        let blocks = (0..data.len())
            .step_by(BLOCK)
            .map(|start| {
                let samples = start..data.len().min(start + BLOCK);
                model.input.encode(&data.x, samples)
            })
            .collect::<Result<Vec<Batch<T>>>>()?;
        let network = model.prepare()?;
        // A dark block sets no range.
        let calibration = blocks
            .iter()
            .position(|block| !block.is_dark())
            .unwrap_or(0);
        let signals = blocks.get(calibration);
        Ok(Self {
            program,
            labels,
            calibration,
            signals: signals.map_or(Vec::new(), |block| network.signals(block.clone())),
            blocks,
            network,
        })
    }

    /// The program.
    pub fn program(&self) -> &'a Program {
        self.program
    }

    /// The label of every sample.
    pub fn labels(&self) -> &'a [usize] {
        self.labels
    }

    /// The class of every sample as the digital network predicts it.
    ///
    /// # Errors
    /// [`Error::NotFinite`](crate::Error::NotFinite) if data or logits leave the range of `T`.
    pub fn digital(&self) -> Result<Vec<usize>> {
        for batch in &self.blocks {
            batch.check_finite("encoded data")?;
        }
        self.predictions(|_, batch| {
            let logits = Batch::Real(self.network.forward_block(batch));
            logits.check_finite("digital logits")?;
            match logits {
                Batch::Real(logits) => Ok(logits),
                Batch::Complex(_) => unreachable!("logits are real"),
            }
        })
    }

    /// What a perfect chip does.
    ///
    /// # Errors
    /// As [`infer`](Self::infer).
    pub fn ideal(&self, seed: Seed) -> Result<Inferred> {
        self.infer(Hardware::default().fabricate(seed, 0), Correction::None)
    }

    /// Loads the program on `chip`, with phases chosen by `correction`, and sends all samples through it.
    ///
    /// # Errors
    /// Those of [`Processor::load`] and [`Processor::forward`].
    pub fn infer(&self, chip: Chip, correction: Correction) -> Result<Inferred> {
        let mut processor = Processor::load(self.program, chip, correction)?;
        if processor.needs_calibration()
            && let Some(block) = self.blocks.get(self.calibration)
        {
            processor.calibrate(block);
        }
        let classes = self.predictions(|index, batch| processor.forward(batch, index as u64))?;
        let is_corrected = correction != Correction::None;
        Ok(Inferred {
            classes,
            matrix_errors: processor.matrix_errors(),
            read_errors: processor.read_errors(),
            weighted_errors: match self.signals.as_slice() {
                [] => vec![0.0; self.program.tiles().len()],
                signals => processor.weighted_errors(signals),
            },
            losses_db: processor.losses_db(),
            unreachable_mzis: is_corrected.then(|| processor.unreachable()),
        })
    }

    /// The predicted class of every sample, blocks in parallel, in the order of the data.
    fn predictions(
        &self,
        logits: impl Fn(usize, Batch<T>) -> Result<ndarray::Array2<T>> + Sync,
    ) -> Result<Vec<usize>> {
        let classes: Vec<Vec<usize>> = self
            .blocks
            .par_iter()
            .enumerate()
            .map(|(index, batch)| Ok(predict(logits(index, batch.clone())?.t())))
            .collect::<Result<_>>()?;
        Ok(classes.concat())
    }
}
