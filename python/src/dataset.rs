//! Raw data and what is known of them.

use std::path::PathBuf;
use std::sync::Arc;

use lightloom::Network;
use lightloom::io::write_atomic;
use lightloom::nn::{Intake, Labels, PerFeature, Samples, Selection, Split, Values};
use numpy::{PyArray1, ToPyArray};
use pyo3::prelude::*;

use crate::array::{self, Sampled};
use crate::named::{Argument, Whole, Word};
use crate::network::Network as PyNetwork;
use crate::program::Program as PyProgram;
use crate::refusal::{check_version, in_python, raise};
use crate::work::work;

/// Samples and their labels.
///
/// `x` is [sample, feature], or [sample, …] of several axes; bytes (uint8) stay bytes, which networks take as x / 255
/// unless they say otherwise. `y` holds one class a sample, a number or a text, rows with a single 1, or targets
/// [sample, output]; texts are classes in their sorted order.
/// `network`, a `Network` or `Program`, says what pictures are brought into the order of.
#[pyclass(frozen, module = "lightloom")]
pub struct Dataset {
    pub(crate) data: Arc<lightloom::Dataset>,
}

/// What takes samples.
#[derive(FromPyObject)]
enum Taker<'py> {
    Network(Bound<'py, PyNetwork>),
    Program(Bound<'py, PyProgram>),
}

impl Argument<Taker<'_>> {
    fn intake(self) -> PyResult<Intake> {
        Ok(match self.named("network", "a Network or a Program")? {
            Taker::Network(network) => network.get().network.intake(),
            Taker::Program(program) => program.get().program.network().intake(),
        })
    }
}

/// The samples as `network` takes them.
pub fn arranged(network: &Network, x: Sampled) -> lightloom::Result<Samples> {
    let Sampled { samples, axes } = x;
    let intake = network.intake();
    Ok(lightloom::Dataset::of_arrays("x", samples, &axes, None, Some(&intake))?.x)
}

/// The data set at `path`.
pub fn open(
    py: Python<'_>,
    path: PathBuf,
    split: Option<Split>,
    labels: Option<PathBuf>,
    label: Option<String>,
    intake: Option<Intake>,
) -> PyResult<lightloom::Dataset> {
    work(py, move |_| {
        let selection = Selection {
            split,
            labels: labels.as_deref(),
            label: label.as_deref(),
            intake: intake.as_ref(),
        };
        lightloom::Dataset::open(path, selection)
    })
}

/// The version of the pickles that are written.
const VERSION: u32 = 1;

/// What a pickle holds: its version, the name, the samples, whether their full scales are one a feature, and these, classes
/// or targets, names of classes and what was assumed, axes.
type State<'py> = (
    u32,
    String,
    Bound<'py, PyAny>,
    (bool, Vec<f64>),
    Option<Bound<'py, PyAny>>,
    (Option<Vec<String>>, Vec<String>),
    Vec<usize>,
);

impl Dataset {
    fn state<'py>(&self, py: Python<'py>) -> PyResult<State<'py>> {
        let data = &*self.data;
        let x = match &data.x.values {
            Values::Bytes(x) => x.to_pyarray(py).into_any(),
            Values::Single(x) => x.to_pyarray(py).into_any(),
            Values::Double(x) => x.to_pyarray(py).into_any(),
        };
        let full_scale = match &data.x.full_scale {
            PerFeature::Same(same) => (false, vec![*same]),
            PerFeature::Each(each) => (true, each.clone()),
        };
        let labels = match &data.labels {
            Labels::None => None,
            Labels::Classes(classes) => {
                let classes = classes.iter().map(|class| *class as i64);
                Some(PyArray1::from_iter(py, classes).into_any())
            }
            Labels::Targets(targets) => Some(targets.to_pyarray(py).into_any()),
        };
        Ok((
            VERSION,
            data.name.clone(),
            x,
            full_scale,
            labels,
            (data.class_names.clone(), data.all_assumed()),
            data.axes.clone(),
        ))
    }
}

#[pymethods]
impl Dataset {
    #[new]
    #[pyo3(signature = (x, y = None, *, network = None))]
    fn new(
        py: Python<'_>,
        x: &Bound<'_, PyAny>,
        y: Option<&Bound<'_, PyAny>>,
        network: Option<Argument<Taker<'_>>>,
    ) -> PyResult<Self> {
        let intake = network.map(Argument::intake).transpose()?;
        let Sampled { samples, axes } = array::samples("x", x)?;
        let labels = y.map(|y| array::labels("y", y)).transpose()?;
        let data = work(py, move |_| {
            lightloom::Dataset::of_arrays("arrays", samples, &axes, labels, intake.as_ref())
        })?;
        let data = Arc::new(data);
        Ok(Self { data })
    }

    /// The data set at `path`: a folder of IDX files, .npz, .npy (with `labels` in another file), .csv, .tsv, .parquet, or
    /// what `save` wrote.
    ///
    /// `split` is test or train; `label` is the label's column of a table, a name or a position; `limit` takes the first
    /// samples only; `network`, a `Network` or `Program`, says what samples are for. docs/data.md says more.
    #[staticmethod]
    #[pyo3(signature = (path, /, *, split = None, labels = None, label = None, limit = None, network = None))]
    #[allow(
        clippy::too_many_arguments,
        reason = "keywords of Python, one a choice in a file"
    )]
    fn load(
        py: Python<'_>,
        path: Argument<PathBuf>,
        split: Option<Word>,
        labels: Option<Argument<PathBuf>>,
        label: Option<Word>,
        limit: Option<Whole>,
        network: Option<Argument<Taker<'_>>>,
    ) -> PyResult<Self> {
        let path = path.named("path", "a path")?;
        let split = split.map(|split| split.parse("split")).transpose()?;
        let labels = labels.map(|labels| labels.named("labels", "a path"));
        let label =
            label.map(|label| label.named("label", "a str: the name of a column, or its position"));
        let limit = limit.map(Whole::limit).transpose()?;
        let intake = network.map(Argument::intake).transpose()?;
        let data = open(
            py,
            path,
            split,
            labels.transpose()?,
            label.transpose()?,
            intake,
        )?;
        let data = Arc::new(match limit {
            Some(limit) => data.limit(limit),
            None => data,
        });
        Ok(Self { data })
    }

    /// Write all that is known of the samples to a safetensors file, which appears whole or not at all; `load`, commands
    /// and experiments read it.
    #[pyo3(signature = (path, /))]
    fn save(&self, py: Python<'_>, path: Argument<PathBuf>) -> PyResult<()> {
        let path = path.named("path", "a path")?;
        let data = Arc::clone(&self.data);
        work(py, move |_| write_atomic(&path, |file| data.write(file)))
    }

    /// Number of features of a sample.
    #[getter]
    fn features(&self) -> usize {
        self.data.x.features()
    }

    /// Names of the classes where the file states them.
    #[getter]
    fn class_names(&self) -> Option<Vec<String>> {
        self.data.class_names.clone()
    }

    /// What was assumed of its files, in sentences.
    #[getter]
    fn notes(&self) -> Vec<String> {
        let assumed = self.data.all_assumed();
        assumed.iter().map(|note| in_python(note)).collect()
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, State<'py>)> {
        let state = slf.get().state(slf.py())?;
        Ok((slf.get_type().getattr("_of_pickle")?, state))
    }

    /// The data set that a pickle holds.
    #[staticmethod]
    #[pyo3(signature = (version, name, x, full_scale, labels, words, axes, /))]
    fn _of_pickle(
        version: u32,
        name: String,
        x: &Bound<'_, PyAny>,
        full_scale: (bool, Vec<f64>),
        labels: Option<Bound<'_, PyAny>>,
        words: (Option<Vec<String>>, Vec<String>),
        axes: Vec<usize>,
    ) -> PyResult<Self> {
        check_version("Dataset", version, VERSION)?;
        let Sampled { mut samples, .. } = array::samples("x", x)?;
        samples.full_scale = match full_scale {
            (true, each) => each.into(),
            (false, same) => PerFeature::Same(same[0]),
        };
        let labels = match labels {
            None => Labels::None,
            Some(labels) => match labels.extract::<Vec<usize>>() {
                Ok(classes) => classes.into(),
                Err(_) => array::targets("y", &labels)?.into(),
            },
        };
        let data = lightloom::Dataset::new(&name, samples, labels).map_err(raise)?;
        let (class_names, assumed) = words;
        let data = Arc::new(lightloom::Dataset {
            class_names,
            assumed,
            axes,
            ..data
        });
        Ok(Self { data })
    }

    fn __len__(&self) -> usize {
        self.data.len()
    }

    fn __repr__(&self) -> String {
        let labels = match &self.data.labels {
            Labels::None => "no labels".to_owned(),
            Labels::Classes(_) => "classes".to_owned(),
            Labels::Targets(targets) => format!("{} targets", targets.ncols()),
        };
        let (name, count) = (&self.data.name, self.data.len());
        format!(
            "<Dataset {name}: {count} samples of {} features, {labels}>",
            self.features()
        )
    }
}
