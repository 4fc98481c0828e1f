//! A program loaded on a chip.

use std::ops::Range;
use std::sync::Arc;

use lightloom::field::{Precision, Real};
use lightloom::nn::{BLOCK, Batch, LinearId};
use lightloom::{Correction, Error, Program, Watch};
use ndarray::{Array2, s};
use num_complex::Complex;
use numpy::{Element, IntoPyArray};
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyDict};
use rayon::prelude::*;

use crate::array::{self, Sampled};
use crate::dataset::arranged;
use crate::hardware::Chip;
use crate::named::{Argument, LayerName, Whole, Word};
use crate::program::Program as PyProgram;
use crate::refusal::raise;
use crate::work::work;

/// A program loaded on a chip: what computes as the chip does.
///
/// processor(x, *, shot=0) is what the chip gives for the samples `x`: [sample, output], float32, or float64 where `load`
/// was asked for precision f64. `x` is [sample, feature], or [sample, …] of several axes read row by row.
///
/// Calls of the same `shot`, from 0 to 2^31 − 1, have the same noise, that of shot 0 being what `infer` draws; another
/// shot has another noise, independent of it. So give every mini-batch a shot of its own. Noise is drawn for blocks of 512
/// samples: that of a sample depends on its place, and on how many samples stand in its block.
#[pyclass(frozen, module = "lightloom")]
pub struct Processor {
    program: Program,
    trial: u64,
    loaded: Loaded,
}

/// A processor at its precision.
pub enum Loaded {
    Single(Arc<lightloom::Processor<f32>>),
    Double(Arc<lightloom::Processor<f64>>),
}

#[pymethods]
impl Processor {
    /// The program that is loaded.
    #[getter]
    fn program(&self) -> PyProgram {
        let program = self.program.clone();
        PyProgram { program }
    }

    /// What the chip gives, as the class says.
    #[pyo3(signature = (x, /, *, shot = Whole::Held(0)))]
    fn __call__<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        shot: Whole,
    ) -> PyResult<Bound<'py, PyAny>> {
        let x = array::samples("x", x)?;
        let shot = shot.within("shot", 0..=LAST_SHOT)?;
        match &self.loaded {
            Loaded::Single(processor) => outputs(py, &self.program, processor, x, shot),
            Loaded::Double(processor) => outputs(py, &self.program, processor, x, shot),
        }
    }

    /// The matrix of a layer on this chip as its receivers see it: [out, in], complex64 or complex128 as the precision is.
    ///
    /// `layer` is its name, the first one by default. Gains of the receivers are left out.
    #[pyo3(signature = (layer = None))]
    fn matrix<'py>(
        &self,
        py: Python<'py>,
        layer: Option<Argument<LayerName>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let layer = layer.map(Argument::layer).transpose()?;
        let layer = self
            .program
            .layer("layer", layer.as_deref())
            .map_err(raise)?
            .id;
        Ok(match &self.loaded {
            Loaded::Single(processor) => matrix(py, processor, layer),
            Loaded::Double(processor) => matrix(py, processor, layer),
        })
    }

    /// Relative error of every layer's matrix on this chip, ‖W_chip − W‖_F / ‖W‖_F: a dict by the layer's name.
    ///
    /// W_chip is what stands in front of the receivers: phases of local oscillators, which `matrix` has in it, do not count.
    #[getter]
    fn matrix_errors<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let errors = match &self.loaded {
            Loaded::Single(processor) => processor.matrix_errors(),
            Loaded::Double(processor) => processor.matrix_errors(),
        };
        let names = self.program.maps().map(|map| &*map.linear.name);
        names.zip(errors).into_py_dict(py)
    }

    fn __repr__(&self) -> String {
        let precision = match &self.loaded {
            Loaded::Single(_) => "f32",
            Loaded::Double(_) => "f64",
        };
        let network = self.program.network();
        format!(
            "<Processor {} → {} on the chip of trial {}, in {precision}>",
            network.features(),
            network.classes(),
            self.trial
        )
    }
}

/// The last number of a shot.
pub const LAST_SHOT: u64 = (1 << 31) - 1;

/// Blocks of samples that a shot has: those of all shots, times the samples of one, which graphs count, are numbers of 64
/// bits.
pub const BLOCKS_OF_SHOT: u64 = 1 << 22;

/// What `processor` gives for the samples `x` in the shot of this number.
fn outputs<'py, T: Real + Element>(
    py: Python<'py>,
    program: &Program,
    processor: &Arc<lightloom::Processor<T>>,
    x: Sampled,
    shot: u64,
) -> PyResult<Bound<'py, PyAny>> {
    let (program, processor) = (program.clone(), Arc::clone(processor));
    let outputs = work(py, move |interrupt| {
        let network = program.network();
        let samples = arranged(network, x)?;
        let most = BLOCKS_OF_SHOT as usize * BLOCK;
        if samples.len() > most {
            let limit = format!("at most {most} of one shot");
            return Err(Error::value("samples", samples.len(), limit));
        }
        by_blocks(
            samples.len(),
            network.classes(),
            interrupt,
            |block, rows| {
                let batch = network.encode(&samples, rows)?;
                processor.forward(batch, shot * BLOCKS_OF_SHOT + block)
            },
        )
    })?;
    Ok(outputs.into_pyarray(py).into_any())
}

/// What a run gives for `count` samples, `[sample, output]`, block after block on all threads: `run` makes `[output, sample]`
/// of a block's number and its samples.
pub fn by_blocks<T: Real>(
    count: usize,
    outputs: usize,
    watch: &impl Watch,
    run: impl Fn(u64, Range<usize>) -> lightloom::Result<Array2<T>> + Sync,
) -> lightloom::Result<Array2<T>> {
    let samples = |block| block * BLOCK..count.min((block + 1) * BLOCK);
    let blocks = (0..count.div_ceil(BLOCK)).into_par_iter().map(|block| {
        if watch.stops() {
            return Err(Error::Stopped);
        }
        run(block as u64, samples(block))
    });
    let blocks = blocks.collect::<lightloom::Result<Vec<Array2<T>>>>()?;
    let mut whole = Array2::zeros((count, outputs));
    for (block, outputs) in blocks.iter().enumerate() {
        whole.slice_mut(s![samples(block), ..]).assign(&outputs.t());
    }
    Ok(whole)
}

/// The matrix of map `layer`, as an array of Python's.
fn matrix<'py, T: Real>(
    py: Python<'py>,
    processor: &lightloom::Processor<T>,
    layer: LinearId,
) -> Bound<'py, PyAny>
where
    Complex<T>: Element,
{
    let fields = processor.matrix(layer);
    let (re, im) = (fields.re(), fields.im());
    let at = |place| Complex::new(re[place], im[place]);
    Array2::from_shape_fn(re.dim(), at)
        .into_pyarray(py)
        .into_any()
}

/// Load a program on a chip.
///
/// Phases are chosen as `correction` says: none, local, progressive or fit. `calibration` is samples [sample, feature];
/// chips whose shots differ need them to set the ranges of modulators and converters. `precision` is that of the
/// arithmetic, f32 or f64.
#[pyfunction]
#[pyo3(
    signature = (program, chip, /, *, correction = Word::default_of("none"), calibration = None,
                 precision = Word::default_of("f32")),
    text_signature = "(program, chip, /, *, correction='none', calibration=None, precision='f32')"
)]
pub fn load(
    py: Python<'_>,
    program: Argument<Bound<'_, PyProgram>>,
    chip: Argument<Bound<'_, Chip>>,
    correction: Word,
    calibration: Option<&Bound<'_, PyAny>>,
    precision: Word,
) -> PyResult<Processor> {
    let program = program.named("program", "a Program, which compile makes")?;
    let chip = chip.named("chip", "a Chip, which Hardware.fabricate draws")?;
    let correction = correction.correction()?;
    let precision: Precision = precision.parse("precision")?;
    let calibration = calibration
        .map(|x| array::samples("calibration", x))
        .transpose()?;
    let program = program.get().program.clone();
    let chip = chip.get().chip.clone();
    let trial = chip.trial();
    let asked = program.clone();
    let loaded = work(py, move |_| {
        Ok(match precision {
            Precision::F32 => Loaded::Single(loaded(&asked, chip, correction, calibration)?),
            Precision::F64 => Loaded::Double(loaded(&asked, chip, correction, calibration)?),
        })
    })?;
    Ok(Processor {
        program,
        trial,
        loaded,
    })
}

/// `program` on `chip`, with ranges for the first block of the samples that has light.
fn loaded<T: Real>(
    program: &Program,
    chip: lightloom::Chip,
    correction: Correction,
    calibration: Option<Sampled>,
) -> lightloom::Result<Arc<lightloom::Processor<T>>> {
    let network = program.network();
    let batch = calibration.map(|samples| {
        let samples = arranged(network, samples)?;
        let block = |start| network.encode(&samples, start..samples.len().min(start + BLOCK));
        let blocks = (0..samples.len()).step_by(BLOCK).map(block);
        first_with_light(blocks)
    });
    let batch = batch.transpose()?;
    let processor = lightloom::Processor::load(program, chip, correction, batch.as_ref())?;
    Ok(Arc::new(processor))
}

/// The first of `blocks` that is not dark; the first one where all are.
fn first_with_light<T: Real>(
    blocks: impl Iterator<Item = lightloom::Result<Batch<T>>>,
) -> lightloom::Result<Batch<T>> {
    let mut first = None;
    for block in blocks {
        let block = block?;
        if !block.is_dark() {
            return Ok(block);
        }
        first.get_or_insert(block);
    }
    Ok(first.expect("samples that were arranged are not none"))
}
