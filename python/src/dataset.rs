//! Raw data and what is known of them.

use std::path::PathBuf;
use std::sync::Arc;

use lightloom::Network;
use lightloom::io::Tensor;
use lightloom::nn::{Intake, Samples, Selection, Split};
use pyo3::prelude::*;

use crate::array::{self, Sampled};
use crate::named::{Argument, Whole, Word};
use crate::network::Network as PyNetwork;
use crate::program::Program as PyProgram;
use crate::refusal::{in_python, raise};
use crate::work::work;

/// Samples and their labels.
///
/// `x` is [sample, feature], or [sample, …] of several axes; bytes (uint8) stay bytes, which networks take as x / 255
/// unless they say otherwise. `y` holds one class a sample, rows with a single 1, or targets [sample, output].
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
        let labels = y.map(|y| {
            let y = array::doubles("y", y)?;
            let shape = y.shape().to_vec();
            let numbers = y.into_iter().collect();
            Tensor::real("labels", shape, numbers).map_err(raise)
        });
        let labels = labels.transpose()?;
        let data = work(py, move |_| {
            lightloom::Dataset::of_arrays("arrays", samples, &axes, labels, intake.as_ref())
        })?;
        let data = Arc::new(data);
        Ok(Self { data })
    }

    /// The data set at `path`: a folder of IDX files, .npz, .npy (with `labels` in another file), .csv, .tsv or .parquet.
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
        let assumed = self.data.assumed.iter();
        assumed.map(|note| in_python(note)).collect()
    }

    fn __len__(&self) -> usize {
        self.data.len()
    }

    fn __repr__(&self) -> String {
        use lightloom::nn::Labels;
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
