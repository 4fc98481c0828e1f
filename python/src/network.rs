//! The network as it was trained.

use std::path::PathBuf;
use std::sync::Arc;

use lightloom::nn::{
    Activation, Choice, Chosen, Graph, GraphHints, Hints, Input, Layer, Linear, Normalization,
    Readout, Scale,
};
use lightloom::{Error, field};
use numpy::{IntoPyArray, PyArray2};
use pyo3::prelude::*;

use crate::array;
use crate::dataset::arranged;
use crate::named::{encoding, parse, readout};
use crate::refusal::raise;
use crate::work::work;

/// A trained network: layers of weight, bias and activation, or a graph of ONNX.
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
                     inputs = vec![], outputs = vec![], shapes = vec![], digital = vec![], light = vec![]),
        text_signature = "(path, /, *, activation=None, layers=None, scale=None, mean=None, std=None, channels=None, \
                          inputs=(), outputs=(), shapes=(), digital=(), light=())"
    )]
    #[allow(
        clippy::too_many_arguments,
        reason = "keywords of Python, one a fact that a file may lack"
    )]
    fn load(
        py: Python<'_>,
        path: PathBuf,
        activation: Option<&str>,
        layers: Option<Vec<String>>,
        scale: Option<&Bound<'_, PyAny>>,
        mean: Option<&Bound<'_, PyAny>>,
        std: Option<&Bound<'_, PyAny>>,
        channels: Option<&str>,
        inputs: Vec<String>,
        outputs: Vec<String>,
        shapes: Vec<String>,
        digital: Vec<String>,
        light: Vec<String>,
    ) -> PyResult<Self> {
        let numbers = |what: &str, given: Option<&Bound<'_, PyAny>>| {
            given
                .map(|given| array::per_feature(what, given))
                .transpose()
        };
        let hints = Hints {
            activation: activation.map(parse).transpose()?,
            layers,
            normalization: Normalization {
                scale: numbers("scale", scale)?,
                mean: numbers("mean", mean)?,
                std: numbers("std", std)?,
                channels: channels.map(parse).transpose()?,
            },
            graph: GraphHints {
                choice: Choice {
                    inputs,
                    outputs,
                    shapes: shapes
                        .iter()
                        .map(|shape| parse(shape))
                        .collect::<PyResult<_>>()?,
                },
                chosen: Chosen { light, digital },
            },
        };
        let loaded = work(py, move |_| lightloom::Network::load_with(path, &hints))?;
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
        signature = (weights, /, biases = None, *, activation = Activations::Between("relu".to_owned()), readout = None,
                     encoding = "real", scale = None, mean = None, std = None),
        text_signature = "(weights, /, biases=None, *, activation='relu', readout=None, encoding='real', scale=None, \
                          mean=None, std=None)"
    )]
    #[allow(
        clippy::too_many_arguments,
        reason = "keywords of Python, one a part of a network"
    )]
    fn from_weights(
        py: Python<'_>,
        weights: Vec<Bound<'_, PyAny>>,
        biases: Option<Vec<Option<Bound<'_, PyAny>>>>,
        activation: Activations,
        readout: Option<&str>,
        encoding: &str,
        scale: Option<&Bound<'_, PyAny>>,
        mean: Option<&Bound<'_, PyAny>>,
        std: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let count = weights.len();
        let one_each = |what: &str, got: usize| match got == count {
            true => Ok(()),
            false => Err(raise(Error::shape(
                what,
                [got],
                format!("[{count}]: one a weight"),
            ))),
        };
        let biases = biases.unwrap_or_else(|| vec![None; count]);
        one_each("biases", biases.len())?;
        let activations: Vec<Activation> = match activation {
            Activations::Between(name) => {
                let mut all = vec![parse(&name)?; count.saturating_sub(1)];
                all.resize(count, Activation::Identity);
                all
            }
            Activations::Each(names) => {
                one_each("activation", names.len())?;
                names
                    .iter()
                    .map(|name| parse(name))
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
            Some(word) => self::readout(word)?,
            None if is_complex => Readout::Modulus,
            None => Readout::Real,
        };
        let mut input = Input {
            encoding: self::encoding(encoding)?,
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

    /// What its file does not say and was taken, in sentences.
    #[getter]
    fn notes(&self) -> Vec<String> {
        self.notes.clone()
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

    /// Number of weights and biases.
    #[getter]
    fn parameters(&self) -> usize {
        self.network.parameters()
    }

    /// What the network gives digitally for the samples `x`: float64 [sample, output].
    ///
    /// `x` is [sample, feature], or [sample, …] read row by row. `precision` is that of the arithmetic, f32 or f64.
    #[pyo3(signature = (x, /, *, precision = "f32"))]
    fn __call__<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        precision: &str,
    ) -> PyResult<Bound<'py, PyArray2<f64>>> {
        let x = array::samples("x", x)?;
        let precision: field::Precision = parse(precision)?;
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

/// `names` with commas, the first of them where there are many.
pub fn listed(names: &[String]) -> String {
    const LISTED: usize = 6;
    match names.len() {
        0..=LISTED => names.join(", "),
        count => format!("{}, … ({count} in all)", names[..LISTED].join(", ")),
    }
}
