//! The network as it was trained.

use std::path::PathBuf;
use std::sync::Arc;

use lightloom::compile::{load_network, read_network, write_network};
use lightloom::io::{Source, safetensors, write_atomic};
use lightloom::nn::{
    Activation, Bias, Choice, Chosen, Graph, GraphHints, Hints, Input, Layer, Linear,
    Normalization, Readout, Scale, Weight,
};
use lightloom::{Error, field};
use ndarray::{Array2, Axis};
use numpy::{IntoPyArray, PyArray2, ToPyArray};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::array;
use crate::dataset::arranged;
use crate::named::{Argument, Word};
use crate::refusal::{in_python, raise};
use crate::work::work;

/// A trained network: layers of weight, bias and activation, or a graph of ONNX.
///
/// network(x, *, precision='f32') is what it gives digitally: float64 [sample, output], for the samples `x`, which are
/// [sample, feature], or [sample, …] of several axes read row by row. `precision` is that of the arithmetic, f32 or f64;
/// the outputs are float64 in both. Data that leave its range are refused.
#[pyclass(frozen, module = "lightloom")]
pub struct Network {
    pub(crate) network: Arc<lightloom::Network>,
    /// What its file does not say and was taken, in sentences.
    notes: Vec<String>,
}

impl Network {
    /// A handle of `network`, of which nothing was assumed.
    pub(crate) fn new(network: lightloom::Network) -> Self {
        Self {
            network: Arc::new(network),
            notes: Vec::new(),
        }
    }
}

/// Names of layers, inputs, ….
type Names = Argument<Vec<String>>;

/// An activation between all layers, or one behind each.
#[derive(FromPyObject)]
enum Activations {
    Between(String),
    Each(Vec<String>),
}

#[pymethods]
impl Network {
    /// The network in a file: .safetensors, .npz, .pt or .pth of PyTorch's Linear weights, .onnx, or a network.toml.
    ///
    /// `activation` stands between layers whose file does not say it (relu), `layers` names those of a state dict in
    /// order. Raw data enter as (raw · scale − mean) / std, each a number or one a feature. `inputs`, `outputs`, `shapes`
    /// (such as "x=N,3,32,32"), `digital` and `light` choose parts of an ONNX graph. docs/networks.md says more.
    #[staticmethod]
    #[pyo3(
        signature = (path, /, *, activation = None, layers = None, scale = None, mean = None, std = None, channels = None,
                     inputs = Names::of(vec![]), outputs = Names::of(vec![]), shapes = Names::of(vec![]),
                     digital = Names::of(vec![]), light = Names::of(vec![])),
        text_signature = "(path, /, *, activation=None, layers=None, scale=None, mean=None, std=None, channels=None, \
                          inputs=(), outputs=(), shapes=(), digital=(), light=())"
    )]
    #[allow(
        clippy::too_many_arguments,
        reason = "keywords of Python, one a fact that a file may lack"
    )]
    fn load(
        py: Python<'_>,
        path: Argument<PathBuf>,
        activation: Option<Word>,
        layers: Option<Names>,
        scale: Option<&Bound<'_, PyAny>>,
        mean: Option<&Bound<'_, PyAny>>,
        std: Option<&Bound<'_, PyAny>>,
        channels: Option<Word>,
        inputs: Names,
        outputs: Names,
        shapes: Names,
        digital: Names,
        light: Names,
    ) -> PyResult<Self> {
        let path = path.named("path", "a path")?;
        let names = |what: &str, names: Names| names.named(what, "a list of str");
        let numbers = |what: &str, given: Option<&Bound<'_, PyAny>>| {
            given
                .map(|given| array::per_feature(what, given))
                .transpose()
        };
        let hints = Hints {
            activation: activation
                .map(|activation| activation.parse("activation"))
                .transpose()?,
            layers: layers.map(|layers| names("layers", layers)).transpose()?,
            normalization: Normalization {
                scale: numbers("scale", scale)?,
                mean: numbers("mean", mean)?,
                std: numbers("std", std)?,
                channels: channels
                    .map(|channels| channels.parse("channels"))
                    .transpose()?,
            },
            graph: GraphHints {
                choice: Choice {
                    inputs: names("inputs", inputs)?,
                    outputs: names("outputs", outputs)?,
                    shapes: names("shapes", shapes)?
                        .iter()
                        .map(|shape| shape.parse().map_err(raise))
                        .collect::<PyResult<_>>()?,
                },
                chosen: Chosen {
                    light: names("light", light)?,
                    digital: names("digital", digital)?,
                },
            },
        };
        let loaded = work(py, move |_| load_network(&Source::open(path)?, &hints))?;
        let words = loaded
            .entry_words()
            .into_iter()
            .chain(loaded.words("activation"));
        let graph = loaded.network.graph().into_iter().flat_map(Graph::notes);
        let notes = words.chain(graph.map(|note| note.to_string())).collect();
        Ok(Self {
            network: Arc::new(loaded.network),
            notes,
        })
    }

    /// The network of the arrays `weights`, [out, in] each, real or complex, in the order in which signals meet them.
    ///
    /// `biases` holds an array [out] or None for each. `activation` stands between layers, or is a list of one behind
    /// each layer. Outputs are read as `readout` says: real, modulus or intensity; by default real, of complex weights
    /// modulus. Raw data enter as (raw · scale − mean) / std, bytes divided by 255 where there is no `scale`;
    /// `encoding` "complex-halves" takes the second half of the features as imaginary parts. Layers are called 0, 1, …
    #[staticmethod]
    #[pyo3(
        signature = (weights, /, biases = None, *, activation = Argument::of(Activations::Between("relu".to_owned())),
                     readout = None, encoding = Word::default_of("real"), scale = None, mean = None, std = None),
        text_signature = "(weights, /, biases=None, *, activation='relu', readout=None, encoding='real', scale=None, \
                          mean=None, std=None)"
    )]
    #[allow(
        clippy::too_many_arguments,
        reason = "keywords of Python, one a part of a network"
    )]
    fn from_weights(
        py: Python<'_>,
        weights: Argument<Vec<Bound<'_, PyAny>>>,
        biases: Option<Argument<Vec<Option<Bound<'_, PyAny>>>>>,
        activation: Argument<Activations>,
        readout: Option<Word>,
        encoding: Word,
        scale: Option<&Bound<'_, PyAny>>,
        mean: Option<&Bound<'_, PyAny>>,
        std: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let weights = weights.named("weights", "a list of arrays [out, in]")?;
        let biases = biases.map(|biases| biases.named("biases", "a list of arrays [out] or None"));
        let count = weights.len();
        let one_each = |what: &str, got: usize| match got == count {
            true => Ok(()),
            false => Err(raise(Error::shape(
                what,
                [got],
                format!("[{count}]: one a weight"),
            ))),
        };
        let biases = biases.transpose()?.unwrap_or_else(|| vec![None; count]);
        one_each("biases", biases.len())?;
        let activations: Vec<Activation> =
            match activation.named("activation", "a str or a list of str")? {
                Activations::Between(name) => {
                    let between = name.parse().map_err(raise)?;
                    let mut all = vec![between; count.saturating_sub(1)];
                    all.resize(count, Activation::Identity);
                    all
                }
                Activations::Each(names) => {
                    one_each("activation", names.len())?;
                    names
                        .iter()
                        .map(|name| name.parse().map_err(raise))
                        .collect::<PyResult<_>>()?
                }
            };
        let parts = weights.iter().zip(&biases).zip(activations).enumerate();
        let layers = parts.map(|(index, ((weight, bias), activation))| {
            let weight = array::weight(&format!("weights[{index}]"), weight)?;
            let bias = bias.as_ref();
            let bias = bias.map(|bias| array::bias(&format!("biases[{index}]"), bias));
            Ok(Layer::new(
                index.to_string(),
                weight,
                bias.transpose()?,
                activation,
            ))
        });
        let layers = layers.collect::<PyResult<Vec<Layer>>>()?;
        let is_complex = layers.iter().any(|layer| layer.linear.is_complex());
        let readout = match readout {
            Some(word) => word.readout()?,
            None if is_complex => Readout::Modulus,
            None => Readout::Real,
        };
        let mut input = Input {
            encoding: encoding.encoding()?,
            ..Input::default()
        };
        if let Some(scale) = scale {
            input.scale = Scale::Factor(array::per_feature("scale", scale)?);
        }
        if let Some(mean) = mean {
            input.mean = array::per_feature("mean", mean)?;
        }
        if let Some(std) = std {
            input.std = array::per_feature("std", std)?;
        }
        work(py, move |_| lightloom::Network::new(input, layers, readout)).map(Self::new)
    }

    /// Write the network to a safetensors file, which appears whole or not at all; `load` and the commands read it.
    #[pyo3(signature = (path, /))]
    fn save(&self, py: Python<'_>, path: Argument<PathBuf>) -> PyResult<()> {
        let path = path.named("path", "a path")?;
        let network = Arc::clone(&self.network);
        work(py, move |_| {
            write_atomic(&path, |file| write_network(&network, file))
        })
    }

    /// What its file does not say and was taken, in sentences.
    #[getter]
    fn notes(&self) -> Vec<String> {
        self.notes.iter().map(|note| in_python(note)).collect()
    }

    /// Number of features of a sample.
    #[getter]
    fn features(&self) -> usize {
        self.network.features()
    }

    /// Number of outputs: of a classifier, its classes.
    #[getter]
    fn classes(&self) -> usize {
        self.network.classes()
    }

    /// Names of the products with constant weights, in the order in which signals meet them.
    #[getter]
    fn layers(&self) -> Vec<String> {
        let linears = self.network.linears();
        linears.map(|(_, linear)| linear.name.clone()).collect()
    }

    /// Weights by the names of the layers: a dict of arrays [out, in], float64, complex128 of a complex layer; of several
    /// groups [group, out, in].
    #[getter]
    fn weights<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let weights = PyDict::new(py);
        for (_, linear) in self.network.linears() {
            let array = match linear.is_complex() {
                true => grouped(py, linear, Weight::to_complex)?,
                false => grouped(py, linear, |weight| weight.to_complex().mapv(|z| z.re))?,
            };
            weights.set_item(&linear.name, array)?;
        }
        Ok(weights)
    }

    /// Biases by the names of the layers that have some: a dict of arrays [out], float64, complex128 of a complex bias.
    /// Those of an ONNX graph are in its digital part.
    #[getter]
    fn biases<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let biases = PyDict::new(py);
        for layer in self.network.layers() {
            match &layer.bias {
                None => {}
                Some(Bias::Real(bias)) => {
                    let bias = array::read_only(bias.to_pyarray(py))?;
                    biases.set_item(layer.name(), bias)?;
                }
                Some(Bias::Complex(bias)) => {
                    let bias = array::read_only(bias.to_pyarray(py))?;
                    biases.set_item(layer.name(), bias)?;
                }
            }
        }
        Ok(biases)
    }

    /// Number of weights and biases.
    #[getter]
    fn parameters(&self) -> usize {
        self.network.parameters()
    }

    /// What the network gives digitally, as the class says.
    #[pyo3(signature = (x, /, *, precision = Word::default_of("f32")))]
    fn __call__<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        precision: Word,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let x = array::samples("x", x)?;
        let precision: field::Precision = precision.parse("precision")?;
        let network = Arc::clone(&self.network);
        let outputs = work(py, move |_| {
            let samples = arranged(&network, x)?;
            match precision {
                field::Precision::F32 => network.forward::<f32>(&samples),
                field::Precision::F64 => network.forward::<f64>(&samples),
            }
        })?;
        Ok(outputs.into_pyarray(py))
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Rebuilt<'py>> {
        let (py, this) = (slf.py(), slf.get());
        let network = Arc::clone(&this.network);
        let bytes = work(py, move |_| {
            let mut bytes = Vec::new();
            write_network(&network, &mut bytes)?;
            Ok(bytes)
        })?;
        let state = (PyBytes::new(py, &bytes), this.notes.clone());
        Ok((slf.get_type().getattr("_of_pickle")?, state))
    }

    /// The network that a pickle holds.
    #[staticmethod]
    #[pyo3(signature = (data, notes, /))]
    fn _of_pickle(py: Python<'_>, data: &Bound<'_, PyBytes>, notes: Vec<String>) -> PyResult<Self> {
        let data = data.as_bytes().to_vec();
        let network = work(py, move |_| read_network(safetensors::parse(&data)?))?;
        Ok(Self {
            network: Arc::new(network),
            notes,
        })
    }

    fn __repr__(&self) -> String {
        let shapes = self.network.linears().map(|(_, linear): (_, &Linear)| {
            format!("{} {}×{}", linear.name, linear.outputs(), linear.inputs())
        });
        let shapes: Vec<String> = shapes.collect();
        format!(
            "<Network {} → {}: {}>",
            self.features(),
            self.classes(),
            listed(&shapes)
        )
    }
}

/// What rebuilds an object from its pickle.
type Rebuilt<'py> = (Bound<'py, PyAny>, (Bound<'py, PyBytes>, Vec<String>));

/// The weights of `linear` as an array that nobody may write: `[out, in]`, or `[group, out, in]` of several groups.
fn grouped<'py, T: numpy::Element + Copy>(
    py: Python<'py>,
    linear: &Linear,
    numbers: impl Fn(&Weight) -> Array2<T>,
) -> PyResult<Bound<'py, PyAny>> {
    let groups: Vec<Array2<T>> = linear.groups.iter().map(numbers).collect();
    if let [only] = &groups[..] {
        return Ok(array::read_only(only.to_pyarray(py))?.into_any());
    }
    let views: Vec<_> = groups.iter().map(|group| group.view()).collect();
    let all = ndarray::stack(Axis(0), &views).expect("groups are alike");
    Ok(array::read_only(all.into_pyarray(py))?.into_any())
}

/// `names` with commas, the first of them where there are many.
pub fn listed(names: &[String]) -> String {
    const LISTED: usize = 6;
    match names.len() {
        0..=LISTED => names.join(", "),
        count => format!("{}, … ({count} in all)", names[..LISTED].join(", ")),
    }
}
