//! The network as it was trained.

use std::borrow::Cow;
use std::ops::Range;

use ndarray::{Array1, Array2};
use num_complex::Complex;

use super::activation::{Activation, Domain};
use super::batch::{Batch, Readout};
#[cfg(feature = "onnx")]
use super::graph::Graph;
use super::input::{Encoding, Input};
use super::linear::{At, Linear, LinearId, Linears, Weight, first_bad, not_finite};
use super::normalization::Scale;
use super::port::{Element, Intake, Port};
use super::samples::Samples;
use crate::error::{Context, Error, Result};
use crate::field::Real;
use crate::io::check_name;

/// A network: what enters, what is computed, how the last signals are read.
///
/// The loaders return only models that pass [`Network::check`].
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// How raw data enter.
    pub input: Input,
    /// What becomes of them.
    pub body: Body,
    /// How the last signals are read.
    pub readout: Readout,
}

/// What a network computes.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Body {
    /// Layers in the order in which signals meet them, each given what the one before it gives.
    Chain(Vec<Layer>),
    /// A graph of ONNX, in single precision.
    #[cfg(feature = "onnx")]
    Graph(Graph),
}

/// One layer: `y = activation(weight · x + bias)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Its weight, `[out, in]`, and its name.
    pub linear: Linear,
    /// One number an output.
    pub bias: Option<Bias>,
    /// What follows.
    pub activation: Activation,
}

/// A bias vector, `[out]`.
#[derive(Debug, Clone, PartialEq)]
pub enum Bias {
    /// Real biases.
    Real(Array1<f64>),
    /// Complex biases.
    Complex(Array1<Complex<f64>>),
}

impl Bias {
    /// Number of outputs.
    pub fn len(&self) -> usize {
        match self {
            Self::Real(b) => b.len(),
            Self::Complex(b) => b.len(),
        }
    }

    /// Whether there are no outputs.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the biases are complex.
    pub fn is_complex(&self) -> bool {
        matches!(self, Self::Complex(_))
    }

    fn check_finite(&self) -> Result<()> {
        match self {
            Self::Real(b) => first_bad(b.indexed_iter().map(|(at, x)| (at, *x, 0.0))),
            Self::Complex(b) => first_bad(b.indexed_iter().map(|(at, z)| (at, z.re, z.im))),
        }
        .map_or(Ok(()), |(at, got)| {
            Err(not_finite("bias", format!("[{at}]"), got))
        })
    }
}

impl<T: Real> Batch<T> {
    /// Adds `bias`, one number a feature, to every sample.
    ///
    /// # Panics
    /// If there is not one number a feature, or a complex bias meets real signals ([`Network::check`]
    /// refuses both).
    pub fn add_bias(&mut self, bias: &Bias) {
        fn add<T: Real>(x: &mut Array2<T>, bias: impl Iterator<Item = f64>) {
            for (mut row, b) in x.rows_mut().into_iter().zip(bias) {
                let b = T::of(b);
                row.mapv_inplace(|value| value + b);
            }
        }
        assert_eq!(bias.len(), self.features(), "one bias a feature");
        match (self, bias) {
            (Self::Real(x), Bias::Real(b)) => add(x, b.iter().copied()),
            (Self::Complex(fields), Bias::Real(b)) => add(&mut fields.re, b.iter().copied()),
            (Self::Complex(fields), Bias::Complex(b)) => {
                add(&mut fields.re, b.iter().map(|z| z.re));
                add(&mut fields.im, b.iter().map(|z| z.im));
            }
            (Self::Real(_), Bias::Complex(_)) => panic!("a complex bias needs complex signals"),
        }
    }
}

impl Layer {
    /// A dense layer.
    pub fn new(
        name: impl Into<String>,
        weight: Weight,
        bias: Option<Bias>,
        activation: Activation,
    ) -> Self {
        Self {
            linear: Linear::dense(name, weight),
            bias,
            activation,
        }
    }

    /// The layer's name.
    pub fn name(&self) -> &str {
        &self.linear.name
    }

    /// Fails unless the layer is consistent in itself and accepts `inputs` signals, complex or not; returns
    /// whether its outputs are complex.
    fn check(&self, inputs: Option<usize>, complex: bool) -> Result<bool> {
        let shape = [self.linear.outputs(), self.linear.inputs()];
        if let Some(inputs) = inputs.filter(|&inputs| inputs != shape[1] && !shape.contains(&0)) {
            return Err(Error::shape(
                "weight",
                shape,
                format!("[out, {inputs}], as the layer before it has {inputs} outputs"),
            ));
        }
        self.linear.check()?;
        if self.linear.columns != 1 {
            let limit = "1: a layer of a chain is given one column a sample";
            return Err(Error::value("columns", self.linear.columns, limit));
        }
        let complex = complex || self.linear.is_complex();
        if let Some(bias) = &self.bias {
            if bias.len() != shape[0] {
                let limit = format!("[{}], one number an output", shape[0]);
                return Err(Error::shape("bias", [bias.len()], limit));
            }
            bias.check_finite()?;
            if bias.is_complex() && !complex {
                return Err(Error::unsupported(
                    "bias",
                    "complex",
                    "the outputs of this layer are real, so its bias must be real",
                ));
            }
        }
        self.activation.check()?;
        let signals = match (complex, self.activation.domain()) {
            (true, Domain::Real) => "complex",
            (false, Domain::Complex) => "real",
            _ => return Ok(complex),
        };
        let allowed = Activation::names(complex).join(", ");
        Err(Error::unsupported(
            "activation",
            self.activation.name(),
            format!("the outputs of this layer are {signals}, so it must be one of {allowed}"),
        ))
    }
}

impl Network {
    /// A network of these parts.
    ///
    /// # Errors
    /// As [`Network::check`].
    pub fn new(input: Input, layers: Vec<Layer>, readout: Readout) -> Result<Self> {
        let network = Self {
            input,
            body: Body::Chain(layers),
            readout,
        };
        network.check()?;
        Ok(network)
    }

    /// The network that `graph` computes, whose inputs are data as they come.
    #[cfg(feature = "onnx")]
    pub fn of_graph(graph: Graph) -> Self {
        Self {
            input: Input::default(),
            body: Body::Graph(graph),
            readout: Readout::Real,
        }
    }

    /// A network of one layer, `weight` alone: it takes numbers as they are, whatever their type, and its `readout` is all
    /// that follows.
    ///
    /// # Errors
    /// As [`Network::check`].
    pub fn of_weight(weight: Weight, readout: Readout) -> Result<Self> {
        let layer = Layer::new("only", weight, None, Activation::Identity);
        let input = Input {
            scale: Scale::Factor(1.0.into()),
            ..Input::default()
        };
        Self::new(input, vec![layer], readout)
    }

    /// Fails unless the network can be evaluated: at least one layer, shapes that chain, finite numbers, real
    /// activations on real signals and complex ones on complex signals, and a printable name of its own for every layer.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::NotFinite`], [`Error::Value`] or [`Error::Unsupported`] within the layer's
    /// name; [`Error::Format`] for an empty network and for names.
    pub fn check(&self) -> Result<()> {
        #[cfg(feature = "onnx")]
        if let Body::Graph(graph) = &self.body {
            self.input.check(graph.inputs())?;
            return check_graph(graph, &self.input, self.readout);
        }
        let layers = self.layers();
        if layers.is_empty() {
            return Err(Error::format(
                "network",
                "has no layers: must have at least one",
            ));
        }
        let axes = &self.input.shape;
        let numbers = axes
            .iter()
            .try_fold(1usize, |all, axis| all.checked_mul(*axis));
        if !axes.is_empty() && numbers != Some(self.features()) {
            let limit = format!("one of {} numbers, which a sample has", self.features());
            return Err(Error::shape("input.shape", axes, limit));
        }
        self.input.check(&self.ports())?;
        let mut complex = self.input.encoding == Encoding::ComplexHalves;
        let mut inputs = None;
        for layer in layers {
            complex = layer
                .check(inputs, complex)
                .within(format!("layer `{}`", layer.name()))?;
            inputs = Some(layer.linear.outputs());
        }
        for (index, layer) in layers.iter().enumerate() {
            check_name("layer", layer.name())?;
            if layers[..index]
                .iter()
                .any(|other| other.name() == layer.name())
            {
                let what = format!("layer `{}`", layer.name());
                let reason = "is there twice: every layer must have a name of its own";
                return Err(Error::format(what, reason));
            }
        }
        Ok(())
    }

    /// The layers of a chain in the order in which signals meet them; a graph has none.
    pub fn layers(&self) -> &[Layer] {
        match &self.body {
            Body::Chain(layers) => layers,
            #[cfg(feature = "onnx")]
            Body::Graph(_) => &[],
        }
    }

    /// The graph, where the network is no chain.
    #[cfg(feature = "onnx")]
    pub fn graph(&self) -> Option<&Graph> {
        match &self.body {
            Body::Chain(_) => None,
            Body::Graph(graph) => Some(graph),
        }
    }

    /// What is said of a graph of which nothing is on light, and why; nothing of all other networks.
    pub fn dark_words(&self) -> Option<String> {
        #[cfg(feature = "onnx")]
        return self.graph().and_then(Graph::dark_words);
        #[cfg(not(feature = "onnx"))]
        None
    }

    /// The products with constant weights, by their number.
    pub fn linears(&self) -> impl Iterator<Item = (LinearId, &Linear)> {
        let layers = self.layers().iter().map(|layer| &layer.linear);
        #[cfg(feature = "onnx")]
        let linears = layers.chain(self.graph().into_iter().flat_map(Graph::linears));
        #[cfg(not(feature = "onnx"))]
        let linears = layers;
        linears
            .enumerate()
            .map(|(id, linear)| (LinearId(id), linear))
    }

    /// The outputs, `[output, sample]`, of the encoded `signals`, which are block number `block` of the data; `with` computes
    /// the products.
    ///
    /// # Errors
    /// Those of `with`.
    ///
    /// # Panics
    /// If the batch does not have the signals that the first layer takes.
    pub fn run<T: Real>(
        &self,
        mut signals: Batch<T>,
        with: &(impl Linears<T> + ?Sized),
        block: u64,
    ) -> Result<Array2<T>> {
        #[cfg(feature = "onnx")]
        if let Body::Graph(graph) = &self.body {
            let Batch::Real(signals) = signals else {
                panic!("a graph is given real signals");
            };
            return graph.run(&signals, with, block);
        }
        signals.store_by_rows();
        for (node, layer) in self.layers().iter().enumerate() {
            signals = with.multiply(LinearId(node), signals, At { node, block })?;
            if let Some(bias) = &layer.bias {
                signals.add_bias(bias);
            }
            layer.activation.apply(&mut signals);
        }
        Ok(with.read(self.readout, signals))
    }

    /// How many of `given` samples set ranges: all of a chain; of a graph, whose samples give many columns, no more than whose
    /// columns can be held together.
    pub(crate) fn calibration_samples(&self, given: usize) -> usize {
        const HELD: usize = 1 << 24;
        let columns = |(_, linear): (LinearId, &Linear)| match linear.columns {
            0 | 1 => 0,
            columns => columns * linear.inputs(),
        };
        match self.linears().map(columns).sum::<usize>() {
            0 => given,
            numbers => (HELD / numbers).clamp(1, given.max(1)),
        }
    }

    /// The first samples of `batch`, as many as [set ranges](Self::calibration_samples).
    pub(crate) fn calibrating<T: Real>(&self, batch: Batch<T>) -> Batch<T> {
        let count = self.calibration_samples(batch.samples());
        batch.first(count)
    }

    /// Those of them that are told the quality of: where a file fixes how many pass together whole runs, which no copy of a
    /// sample fills; all where they are no whole run.
    pub(crate) fn judging<T: Real>(&self, batch: Batch<T>) -> Batch<T> {
        let batch = self.calibrating(batch);
        #[cfg(feature = "onnx")]
        if let Some(graph) = self.graph()
            && let Some(run) = graph.inputs().iter().find_map(Port::batch)
            && run <= batch.samples()
        {
            let whole = batch.samples() / run * run;
            return batch.first(whole);
        }
        batch
    }

    /// Raw features that a sample must have; 0 for an empty network.
    pub fn features(&self) -> usize {
        #[cfg(feature = "onnx")]
        if let Body::Graph(graph) = &self.body {
            return graph.features();
        }
        let first = self.layers().first();
        self.input
            .features(first.map_or(0, |layer| layer.linear.inputs()))
    }

    /// What it is given: the inputs of a graph, or the one of a chain.
    pub fn ports(&self) -> Cow<'_, [Port]> {
        #[cfg(feature = "onnx")]
        if let Body::Graph(graph) = &self.body {
            return Cow::Borrowed(graph.inputs());
        }
        Cow::Owned(vec![Port::of_chain(self.features(), &self.input.shape)])
    }

    /// What it takes of data.
    pub fn intake(&self) -> Intake {
        Intake {
            ports: self.ports().into_owned(),
            channels: self.input.channels,
        }
    }

    /// The signals of the samples in `range`, planar `[signal, sample]`, as its input says; inputs of integers take numbers as
    /// they are.
    ///
    /// # Errors
    /// As [`check_features`](Self::check_features), and [`Error::Shape`] if halves are asked of an odd number of features.
    ///
    /// # Panics
    /// If `range` leaves the samples.
    pub fn encode<T: Real>(&self, samples: &Samples, range: Range<usize>) -> Result<Batch<T>> {
        self.check_features(samples)?;
        self.input.encode(samples, range, &self.ports())
    }

    /// What is made of data before the first layer, in words: `bytes divided by 255, other numbers as they are; less 0.1307`.
    pub fn input_words(&self) -> String {
        let ports = self.ports();
        let integers = ports.iter().filter(|port| port.element != Element::Float);
        let names: Vec<String> = integers.map(|port| format!("`{}`", port.name)).collect();
        match names.len() {
            0 => self.input.words(self.features()),
            count if count == ports.len() => "integers as they are".to_owned(),
            _ => format!(
                "{}; integers of {} as they are",
                self.input.words(self.features()),
                names.join(", ")
            ),
        }
    }

    /// Number of outputs of the last layer, where there are classes one each; 0 for an empty network.
    pub fn classes(&self) -> usize {
        #[cfg(feature = "onnx")]
        if let Body::Graph(graph) = &self.body {
            return graph.width();
        }
        let last = self.layers().last();
        last.map_or(0, |layer| layer.linear.outputs())
    }

    /// Whether the output is the number of a class, not a number for each of them.
    pub(super) fn says_class(&self) -> bool {
        #[cfg(feature = "onnx")]
        if let Body::Graph(graph) = &self.body {
            return graph.says_class();
        }
        false
    }

    /// Number of classes that outputs tell apart, where the network says it: one output, which is a number, tells two apart.
    pub(super) fn classes_told_apart(&self) -> Option<usize> {
        #[cfg(feature = "onnx")]
        if let Body::Graph(graph) = &self.body
            && graph.says_class()
        {
            return graph.classes();
        }
        Some(self.classes().max(2))
    }

    /// Whether any signal inside is complex.
    pub fn is_complex(&self) -> bool {
        self.input.encoding == Encoding::ComplexHalves
            || self.linears().any(|(_, linear)| linear.is_complex())
    }

    /// What the outputs come from, where it is one of the activations: that of the last layer, or the last operator of a
    /// graph.
    pub(super) fn last_activation(&self) -> Option<Activation> {
        #[cfg(feature = "onnx")]
        if let Body::Graph(graph) = &self.body {
            return graph.last_activation();
        }
        self.layers().last().map(|layer| layer.activation)
    }

    /// Number of weights and biases; a complex one counts once.
    pub fn parameters(&self) -> usize {
        #[cfg(feature = "onnx")]
        if let Body::Graph(graph) = &self.body {
            return graph.parameters();
        }
        self.layers()
            .iter()
            .map(|layer| layer.linear.weights() + layer.bias.as_ref().map_or(0, Bias::len))
            .sum()
    }
}

/// Fails unless data that enter as `input` says, and outputs that `readout` reads, are those of a graph.
#[cfg(feature = "onnx")]
fn check_graph(graph: &Graph, input: &Input, readout: Readout) -> Result<()> {
    if input.encoding != Encoding::Real || readout != Readout::Real {
        let limit = "encoding = \"real\" and readout = \"real\"";
        return Err(Error::value("signals of a graph", "complex", limit));
    }
    if !input.shape.is_empty() {
        let limit = "left out: a graph states the shapes of its inputs";
        return Err(Error::value(
            "input.shape",
            format!("{:?}", input.shape),
            limit,
        ));
    }
    graph
        .linears()
        .iter()
        .try_for_each(|linear| linear.check().within(format!("layer `{}`", linear.name)))
}

#[cfg(test)]
mod tests;
