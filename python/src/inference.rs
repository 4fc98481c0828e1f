//! A program on many drawn chips, against digital.

use std::path::PathBuf;
use std::sync::Arc;

use lightloom::experiment::{Experiment, LayerTrial, Predictions, Report, TRIALS_LIMIT, Workload};
use lightloom::field::{Precision, Real};
use lightloom::io::npy::Element;
use lightloom::nn::metrics::Chance;
use lightloom::nn::{PARTS, Score, Scorer};
use lightloom::processor::{compiled_for, idle_words};
use lightloom::{Program, Seed, Watch};
use numpy::PyArray1;
use pyo3::exceptions::PyModuleNotFoundError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict};

use crate::array::read_only;
use crate::dataset::{Dataset, open};
use crate::hardware::Hardware;
use crate::named::{Argument, Whole, Word, written, wrong_type};
use crate::program::Program as PyProgram;
use crate::refusal::{check_version, in_python, raise};
use crate::work::{Progress, work_told};

/// What a program gives on drawn chips, beside digital and a perfect chip.
#[pyclass(frozen, module = "lightloom")]
pub struct Inference {
    told: Told,
    /// An `.npz` archive of all outputs, where they were asked for.
    predictions: Option<Vec<u8>>,
    /// What it holds, from when Python first asked.
    arrays: PyOnceLock<Py<PyDict>>,
    notes: Vec<String>,
}

/// What a report tells.
struct Told {
    /// The whole of it, in JSON.
    json: String,
    score: Score,
    seed: u64,
    digital: f64,
    ideal: f64,
    mean: f64,
    std: f64,
    /// Numbers of the chips.
    trials: Vec<usize>,
    columns: Vec<Column>,
}

/// A column of the rows.
#[derive(FromPyObject, IntoPyObject)]
struct Column {
    #[pyo3(item)]
    name: String,
    /// NaN where there is no such number.
    #[pyo3(item)]
    values: Vec<f64>,
}

/// How a number is told of a layer.
type OfLayer = fn(&LayerTrial) -> Option<f64>;

/// What is told of every layer of every chip, by its name.
const OF_LAYER: [(&str, OfLayer); 5] = [
    ("matrix_error", |layer| layer.matrix_error),
    ("read_error", |layer| layer.read_error),
    ("weighted_error", |layer| layer.weighted_error),
    ("loss_db", |layer| layer.loss_db),
    ("unreachable_mzis", |layer| {
        layer.unreachable_mzis.map(|count| count as f64)
    }),
];

impl From<&Report> for Told {
    fn from(report: &Report) -> Self {
        let trials = &report.noisy.per_trial;
        let mut columns = Vec::new();
        let mut column = |name: String, values: Vec<Option<f64>>| {
            if values.iter().any(Option::is_some) {
                let values = values.into_iter().map(|value| value.unwrap_or(f64::NAN));
                let values = values.collect();
                columns.push(Column { name, values });
            }
        };
        for (index, part) in PARTS.iter().enumerate() {
            let values = trials.iter().map(|trial| trial.worth.parts()[index]);
            column(part.name.to_owned(), values.collect());
        }
        for (index, layer) in report.layers.iter().enumerate() {
            for (what, value) in OF_LAYER {
                let values = trials.iter().map(|trial| value(&trial.layers[index]));
                column(format!("layer.{}.{what}", layer.name), values.collect());
            }
        }
        let over = report.noisy.value();
        Self {
            json: serde_json::to_string(report).expect("a report has names for keys"),
            score: report.score_name,
            seed: report.seed.0,
            digital: report.digital.value(),
            ideal: report.ideal.value(),
            mean: over.mean,
            std: match report.trials {
                1 => f64::NAN,
                _ => over.std,
            },
            trials: trials.iter().map(|trial| trial.trial).collect(),
            columns,
        }
    }
}

/// The version of the pickles that are written.
const VERSION: u32 = 1;

/// What a pickle holds: its version, the whole result in JSON and the name of its score, the seed, what `digital`, `ideal`,
/// `mean` and `std` are, numbers of the chips, the columns, predictions, notes.
type State<'py> = (
    u32,
    (String, String),
    u64,
    [f64; 4],
    Vec<usize>,
    Vec<Column>,
    Option<Bound<'py, PyBytes>>,
    Vec<String>,
);

#[pymethods]
impl Inference {
    /// What outputs are scored by: accuracy, top5, binary, binary-of-probabilities, mse, nll, nll-of-probabilities or none.
    #[getter]
    fn score_name(&self) -> String {
        self.told.score.to_string()
    }

    /// The score of the network as it was trained.
    #[getter]
    fn digital(&self) -> f64 {
        self.told.digital
    }

    /// The score of the program on a perfect chip.
    #[getter]
    fn ideal(&self) -> f64 {
        self.told.ideal
    }

    /// Mean over the chips of their scores.
    #[getter]
    fn mean(&self) -> f64 {
        self.told.mean
    }

    /// Standard deviation (n − 1) over the chips of their scores; NaN of one chip.
    #[getter]
    fn std(&self) -> f64 {
        self.told.std
    }

    /// What is worth saying of hardware, data and score, in sentences.
    #[getter]
    fn notes(&self) -> Vec<String> {
        self.notes.iter().map(|note| in_python(note)).collect()
    }

    /// One entry a chip: a dict of arrays [trial] by the names of the columns of `lightloom sweep`.
    ///
    /// trial is int64; scores such as accuracy and agreement, and layer.NAME.matrix_error and its like, are float64, NaN
    /// where there is no such number. The arrays are read-only.
    #[getter]
    fn rows<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let rows = PyDict::new(py);
        let numbers = self.told.trials.iter().map(|trial| *trial as i64);
        rows.set_item("trial", read_only(PyArray1::from_iter(py, numbers))?)?;
        for Column { name, values } in &self.told.columns {
            rows.set_item(name, read_only(PyArray1::from_slice(py, values))?)?;
        }
        Ok(rows)
    }

    /// `rows` as a data frame of pandas, which must be installed.
    fn to_pandas<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        frame(&self.rows(py)?)
    }

    /// The whole result as `lightloom infer --json` prints it, without the program's name.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        py.import("json")?.call_method1("loads", (&self.told.json,))
    }

    /// All outputs, where they were asked for, as a dict of read-only arrays; else None.
    ///
    /// digital and ideal are [sample, output], chips [trial, sample, output]; where there are classes, digital_class and
    /// ideal_class are int64 [sample], chip_class [trial, sample].
    #[getter]
    fn predictions<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let Some(bytes) = &self.predictions else {
            return Ok(None);
        };
        let arrays = self.arrays.get_or_try_init(py, || {
            let file = py
                .import("io")?
                .call_method1("BytesIO", (PyBytes::new(py, bytes),))?;
            let archive = py.import("numpy")?.call_method1("load", (file,))?;
            let arrays = PyDict::new(py);
            for name in archive.try_iter()? {
                let name = name?;
                arrays.set_item(&name, read_only(archive.get_item(&name)?)?)?;
            }
            PyResult::Ok(arrays.unbind())
        })?;
        // Whoever changes the dict has one of its own.
        Ok(Some(arrays.bind(py).copy()?))
    }

    fn __repr__(&self) -> String {
        let Told {
            score,
            digital,
            mean,
            std,
            trials,
            seed,
            ..
        } = &self.told;
        let (digital, mean) = (score.text(*digital), score.text(*mean));
        let of_chips = match trials.len() {
            1 => format!("(one chip, seed {seed})"),
            count => format!("± {} on {count} chips of seed {seed}", score.text(*std)),
        };
        format!("<Inference {score}: digital {digital}, {mean} {of_chips}>")
    }

    fn _repr_html_(&self) -> String {
        let Told {
            score,
            digital,
            ideal,
            mean,
            std,
            trials,
            ..
        } = &self.told;
        let spread = match std.is_nan() {
            true => String::new(),
            false => format!(" ± {}", score.text(*std)),
        };
        let chips = match trials.len() {
            1 => "one chip".to_owned(),
            count => format!("{count} chips"),
        };
        format!(
            "<table><tr><th></th><th>{score}</th></tr><tr><td>digital</td><td>{}</td></tr>\
             <tr><td>perfect chip</td><td>{}</td></tr><tr><td>{chips}</td><td>{}{spread}</td></tr></table>",
            score.text(*digital),
            score.text(*ideal),
            score.text(*mean)
        )
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, State<'py>)> {
        let Self {
            told,
            predictions,
            notes,
            ..
        } = slf.get();
        let column = |Column { name, values }: &Column| Column {
            name: name.clone(),
            values: values.clone(),
        };
        let predictions = predictions.as_deref();
        let state = (
            VERSION,
            (told.json.clone(), told.score.to_string()),
            told.seed,
            [told.digital, told.ideal, told.mean, told.std],
            told.trials.clone(),
            told.columns.iter().map(column).collect(),
            predictions.map(|bytes| PyBytes::new(slf.py(), bytes)),
            notes.clone(),
        );
        Ok((slf.get_type().getattr("_of_pickle")?, state))
    }

    /// The result that a pickle holds.
    #[staticmethod]
    #[pyo3(signature = (version, report, seed, scores, trials, columns, predictions, notes, /))]
    #[allow(clippy::too_many_arguments, reason = "one a part of a pickle")]
    fn _of_pickle(
        version: u32,
        report: (String, String),
        seed: u64,
        scores: [f64; 4],
        trials: Vec<usize>,
        columns: Vec<Column>,
        predictions: Option<Bound<'_, PyBytes>>,
        notes: Vec<String>,
    ) -> PyResult<Self> {
        check_version("Inference", version, VERSION)?;
        let (json, score) = report;
        let [digital, ideal, mean, std] = scores;
        let told = Told {
            json,
            score: score.parse().map_err(raise)?,
            seed,
            digital,
            ideal,
            mean,
            std,
            trials,
            columns,
        };
        Ok(Self {
            told,
            predictions: predictions.map(|bytes| bytes.as_bytes().to_vec()),
            arrays: PyOnceLock::new(),
            notes,
        })
    }
}

/// `rows` as a data frame of pandas.
///
/// # Errors
/// `ModuleNotFoundError` where it is not installed.
pub fn frame<'py>(rows: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyAny>> {
    let py = rows.py();
    let pandas = py.import("pandas").map_err(|error| {
        match error.is_instance_of::<PyModuleNotFoundError>(py) {
            true => PyModuleNotFoundError::new_err("pandas is not installed: pip install pandas"),
            false => error,
        }
    })?;
    pandas.call_method1("DataFrame", (rows,))
}

/// A data set, or the path of one.
#[derive(FromPyObject)]
pub enum Data<'py> {
    Dataset(Bound<'py, Dataset>),
    Path(PathBuf),
}

/// Run a program on drawn chips and compare them with digital; the numbers are those of `lightloom infer`, to the bit.
///
/// `data` is a `Dataset` or the path of one, `hardware` whatever `Hardware` takes; None is ideal. Chips are those of trial
/// `first_trial` to `first_trial` + `trials` − 1 of `seed`, each with phases chosen as `correction` says: none, local,
/// progressive or fit; a part of a longer run has the rows that they have there. `limit`
/// takes the first samples only; `score` is accuracy, top5, binary, mse, nll or none, or binary-of-probabilities or
/// nll-of-probabilities of outputs that are probabilities, by default what the shapes of labels and outputs say; `precision`
/// is f32 or f64. With `predictions` all outputs are kept. `progress` is called now and then as
/// progress(done, trials), and behind the last chip.
#[pyfunction]
#[pyo3(
    signature = (program, data, hardware = None, *, trials = Whole::Held(10), seed = Whole::Held(0),
                 correction = Word::default_of("none"), precision = Word::default_of("f32"), limit = None, score = None,
                 predictions = Argument::of(false), first_trial = Whole::Held(0), progress = None),
    text_signature = "(program, data, hardware='ideal', *, trials=10, seed=0, correction='none', precision='f32', \
                      limit=None, score=None, predictions=False, first_trial=0, progress=None)"
)]
#[allow(
    clippy::too_many_arguments,
    reason = "keywords of Python, one a flag of the command"
)]
pub fn infer(
    py: Python<'_>,
    program: Argument<Bound<'_, PyProgram>>,
    data: Argument<Data<'_>>,
    hardware: Option<&Bound<'_, PyAny>>,
    trials: Whole,
    seed: Whole,
    correction: Word,
    precision: Word,
    limit: Option<Whole>,
    score: Option<Word>,
    predictions: Argument<bool>,
    first_trial: Whole,
    progress: Option<Bound<'_, PyAny>>,
) -> PyResult<Inference> {
    let program = program.named("program", "a Program, which compile makes")?;
    let program = program.get().program.clone();
    let data = data.named("data", "a Dataset or a path")?;
    let experiment = Experiment {
        hardware: hardware.map_or_else(|| Ok(lightloom::Hardware::default()), Hardware::of)?,
        seed: Seed(seed.within("seed", 0..=u64::MAX)?),
        trials: trials.within("trials", 1..=TRIALS_LIMIT as u64)?,
        correction: correction.correction()?,
    };
    let precision: Precision = precision.parse("precision")?;
    let limit = limit.map(Whole::limit).transpose()?;
    let score: Option<Score> = score.map(|score| score.parse("score")).transpose()?;
    let predictions = predictions.named("predictions", "True or False")?;
    let first_trial = first_trial.within("first_trial", 0..=LAST_FIRST)?;
    let progress = progress.map(|tell| match tell.is_callable() {
        true => Ok(Progress {
            tell: tell.unbind(),
            steps: experiment.trials,
        }),
        false => {
            let limit = "a function of the chips that are done and of all";
            Err(wrong_type("progress", &written(&tell)?, limit))
        }
    });
    let progress = progress.transpose()?;
    let data = match data {
        Data::Dataset(data) => Arc::clone(&data.get().data),
        Data::Path(path) => {
            let intake = program.network().intake();
            Arc::new(open(py, path, None, None, None, Some(intake))?)
        }
    };
    work_told(py, progress, move |interrupt| {
        let limited;
        let data = match limit {
            Some(limit) if limit < data.len() => {
                limited = lightloom::Dataset::clone(&data).limit(limit);
                &limited
            }
            _ => &*data,
        };
        let asked = Asked {
            experiment,
            program,
            data,
            score,
            predictions,
            first_trial,
        };
        match precision {
            Precision::F32 => asked.run::<f32>(interrupt),
            Precision::F64 => asked.run::<f64>(interrupt),
        }
    })
}

/// Largest number of a first trial: a float holds all numbers up to it.
const LAST_FIRST: u64 = 1 << 53;

/// What is said of chips without errors.
const IDEAL: &str = "these chips are ideal: hardware=\"thermo-optic\" (or another kind), or keys of a Hardware, \
                     give them errors";

/// What is asked of [`infer`].
struct Asked<'a> {
    experiment: Experiment,
    program: Program,
    data: &'a lightloom::Dataset,
    score: Option<Score>,
    predictions: bool,
    first_trial: u64,
}

impl Asked<'_> {
    fn run<T: Real + Element>(self, interrupt: &impl Watch) -> lightloom::Result<Inference> {
        let Self {
            experiment,
            program,
            data,
            score,
            predictions,
            first_trial,
        } = self;
        let dark = program.network().dark_words();
        let mut notes: Vec<String> = dark.into_iter().collect();
        notes.extend(experiment.hardware.notes());
        if experiment.hardware == lightloom::Hardware::default() {
            notes.push(IDEAL.to_owned());
        }
        let compiled = compiled_for(&program, &experiment.hardware)?;
        if let Some(program) = &compiled {
            let weights = program.layout().weights;
            notes.push(format!(
                "compiled again with {weights} weights, which the hardware holds"
            ));
        }
        let program = compiled.unwrap_or(program);
        let workload = Workload::<T>::new(&program, data, score)?;
        let kept = predictions.then(|| Predictions::new(&workload, experiment.trials));
        let kept = kept.transpose()?;
        let seen = |whose, judged: &_| {
            if let Some(kept) = &kept {
                kept.keep(whose, judged);
            }
        };
        let report = experiment.run_from(first_trial, &workload, interrupt, seen)?;
        let scorer: &Scorer<'_> = workload.scorer();
        notes.extend(idle_words(
            &program,
            [(&experiment.hardware, experiment.correction)],
        ));
        notes.push(data.words(program.network()));
        notes.extend(scorer.note().map(str::to_owned));
        notes.extend(report.doubt.clone());
        notes.extend(Chance::of(&report.digital, scorer).map(|chance| chance.to_string()));
        Ok(Inference {
            predictions: kept.map(|kept| kept.npz(report.trials)).transpose()?,
            arrays: PyOnceLock::new(),
            told: Told::from(&report),
            notes,
        })
    }
}
