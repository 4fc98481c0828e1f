//! Raw data and what is known of them.

use std::path::PathBuf;
use std::sync::Arc;

use lightloom::Network;
use lightloom::io::Tensor;
use lightloom::nn::{Intake, Samples, Selection};
use pyo3::prelude::*;

use crate::array::{self, Sampled};
use crate::named::{Whole, parse};
use crate::network::Network as PyNetwork;
use crate::program::Program as PyProgram;
use crate::refusal::raise;
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

impl Taker<'_> {
    fn intake(&self) -> Intake {
        match self {
            Self::Network(network) => network.get().network.intake(),
            Self::Program(program) => program.get().program.network().intake(),
        }
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
    split: Option<&str>,
    labels: Option<PathBuf>,
    label: Option<String>,
    intake: Option<Intake>,
) -> PyResult<lightloom::Dataset> {
    let split = split.map(parse).transpose()?;
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
        network: Option<Taker<'_>>,
    ) -> PyResult<Self> {
        let Sampled { samples, axes } = array::samples("x", x)?;
        let labels = y.map(|y| {
            let y = array::doubles("y", y)?;
            let shape = y.shape().to_vec();
            let numbers = y.into_iter().collect();
            Tensor::real("labels", shape, numbers).map_err(raise)
        });
        let labels = labels.transpose()?;
        let intake = network.map(|network| network.intake());
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
        path: PathBuf,
        split: Option<&str>,
        labels: Option<PathBuf>,
        label: Option<String>,
        limit: Option<Whole>,
        network: Option<Taker<'_>>,
    ) -> PyResult<Self> {
        let limit = limit.map(|limit| limit.named("limit")).transpose()?;
        let intake = network.map(|network| network.intake());
        let data = open(py, path, split, labels, label, intake)?;
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
        self.data.assumed.clone()
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
