//! Whole graphs of ONNX: what multiplies by a constant matrix goes to light, everything else is computed by tract, in single
//! precision.

mod chosen;
mod classes;
mod convolution;
mod count;
mod light;
mod names;
mod prepare;
mod product;
mod run;
mod tail;
#[cfg(test)]
mod tests;

pub use chosen::Chosen;
pub use prepare::{Choice, GivenShape};

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use prost::Message;
use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::{DimLike, SymbolValues};
use tract_onnx::tract_core::model::TypedSimplePlan;

use self::light::{Found, Light, Place, lift};
use self::names::Names;
use self::prepare::{Prepared, guarded, prepare};
use super::activation::Activation;
use super::batch::BLOCK;
use super::linear::{Linear, LinearId};
use super::port::{Element, Port};
use crate::error::{Error, Result};
use crate::io::Source;

/// Most numbers of the columns of one product that are held at a time: with fewer, dense layers behind convolutions see so few
/// samples that packing their weights and starting each row's noise cost more than their products.
const HELD: usize = 1 << 20;

/// A graph of ONNX: its products with constant matrices are [`Linear`] maps, the rest is digital.
///
/// A clone is another handle of the same graph.
#[derive(Debug, Clone)]
pub struct Graph {
    parts: Arc<Parts>,
}

struct Parts {
    /// The file, with all weights in it.
    file: Vec<u8>,
    /// Its nodes, by which errors name them.
    nodes: ModelProto,
    chosen: Chosen,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    notes: Vec<String>,
    linears: Vec<Linear>,
    places: Vec<Place>,
    left: Vec<Left>,
    parameters: usize,
    last_activation: Option<Activation>,
    /// Classes that its first output is the number of one of, as far as is known.
    classes: Option<usize>,
    /// The graph with [`Light`] in it, not yet optimized.
    lifted: TypedModel,
    /// Samples that pass through it together.
    chunk: usize,
    /// What runs, by the number of samples that it is for.
    plans: Mutex<BTreeMap<usize, Arc<TypedSimplePlan>>>,
}

/// A product that stays digital.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The name of its node.
    pub name: String,
    /// Why.
    pub why: Why,
    /// Multiply-accumulates of one sample; 0 where they are not known.
    pub products: usize,
}

/// Why a product stays digital.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// Both of its factors are computed.
    Computed,
    /// It is a convolution whose groups have one input channel each.
    Depthwise,
    /// It was asked to.
    Asked,
    /// It is an operator, or has a shape, that is not put on light: this is its name.
    Operator(&'static str),
}

impl std::fmt::Display for Why {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Computed => formatter.write_str("a product of two computed tensors"),
            Self::Depthwise => formatter.write_str("a depthwise convolution"),
            Self::Asked => formatter.write_str("left digital as asked"),
            Self::Operator(name) => write!(formatter, "{name}"),
        }
    }
}

impl Port {
    /// The shape for `count` samples.
    pub(in crate::nn) fn shape_for(&self, count: usize) -> Vec<usize> {
        let mut shape: Vec<usize> = self
            .shape
            .iter()
            .map(|length| length.unwrap_or(1))
            .collect();
        if self.is_batched() {
            shape[0] = count;
        }
        shape
    }
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Parts")
            .field("inputs", &self.inputs)
            .field("outputs", &self.outputs)
            .field("places", &self.places)
            .finish_non_exhaustive()
    }
}

/// Graphs are the same where their files are, and what of them goes to light.
impl PartialEq for Graph {
    fn eq(&self, other: &Self) -> bool {
        self.parts.file == other.parts.file && self.parts.chosen == other.parts.chosen
    }
}

impl Graph {
    /// The graph of the ONNX file `source`, of which `choice` takes inputs and outputs, with what `chosen` says on light.
    ///
    /// # Errors
    /// [`Error::Format`], [`Error::Shape`] or [`Error::NotFinite`] for a malformed file, [`Error::Unsupported`] for what
    /// cannot be evaluated, [`Error::Value`] for names and shapes that do not fit. They name node and operator.
    pub fn read(source: &Source, choice: &Choice, chosen: &Chosen) -> Result<Self> {
        let prepared = prepare(source, choice)?;
        Self::of(prepared, chosen).map_err(|error| error.within(source.name()))
    }

    /// The graph of a [file](Self::file) of its own, with what `chosen` says on light.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub(crate) fn read_own(bytes: Vec<u8>, chosen: &Chosen) -> Result<Self> {
        let damaged = |_| Error::format("graph", "is damaged");
        let proto = ModelProto::decode(&*bytes).map_err(damaged)?;
        let outputs = proto.graph.iter().flat_map(|graph| &graph.output);
        let choice = Choice {
            outputs: outputs.map(|output| output.name.clone()).collect(),
            ..Choice::default()
        };
        Self::read(&Source::new("graph", bytes), &choice, chosen)
    }

    fn of(prepared: Prepared, chosen: &Chosen) -> Result<Self> {
        let Prepared {
            proto,
            mut model,
            inputs,
            outputs,
            notes,
        } = prepared;
        let mut nodes = proto.clone();
        if let Some(graph) = &mut nodes.graph {
            graph.initializer.clear();
        }
        let batches: Vec<usize> = inputs.iter().filter_map(Port::batch).collect();
        if let Some(other) = batches.iter().find(|batch| **batch != batches[0]) {
            let limit = format!("{}, as that of the first input", batches[0]);
            return Err(Error::value("batch of an input", other, limit));
        }
        let fixed = batches.first().copied();
        if fixed == Some(0) {
            return Err(Error::value("batch of the inputs", 0, "at least 1"));
        }
        if fixed != Some(1) {
            check_samples(&model, &outputs)?;
        }
        check_lengths(&model, &outputs)?;
        let graph = proto.graph.clone().unwrap_or_default();
        let names = Names::of(&graph);
        let ones = ones(&model);
        let in_a_run = fixed.unwrap_or(1);
        let left = guarded(&nodes, || chosen.left(&model, &names, &ones, in_a_run))?;
        chosen.check(&model, &names)?;
        let (mut linears, places) = guarded(&nodes, || {
            let is_on_light = |node: &TypedNode, found: &Found| {
                let name = names.map(&node.name);
                chosen.why_digital(&name, &node.name, found).is_none()
            };
            lift(&mut model, is_on_light, |node| names.map(&node.name))
        })?;
        tell_apart(&mut linears);
        let mut largest = 1;
        linears.iter_mut().for_each(|linear| linear.columns = 0);
        for node in model.nodes() {
            let Some(light) = node.op_as::<Light>() else {
                continue;
            };
            let shape = guarded(&nodes, || {
                Ok(model.outlet_fact(node.inputs[0])?.shape.clone())
            })?;
            let shape: Option<Vec<usize>> = shape
                .iter()
                .map(|length| length.eval(&ones).to_usize().ok())
                .collect();
            let linear = &mut linears[light.map.0];
            let columns = shape.map_or(1, |shape| light.form.count(&shape).max(1));
            let columns = columns.div_ceil(in_a_run);
            linear.columns += columns;
            largest = largest.max(columns * linear.inputs());
        }
        let chunk = fixed.unwrap_or_else(|| {
            let fitting = (HELD / largest).clamp(1, BLOCK);
            1 << fitting.ilog2()
        });
        let stored = graph.initializer.iter();
        let parameters = stored
            .filter(|tensor| tensor.data_type != INT64)
            .map(|tensor| tensor.dims.iter().product::<i64>() as usize);
        if let Some(port) = outputs.iter().find(|port| port.shape.contains(&Some(0))) {
            let limit = "[sample, …] with numbers in it";
            let shape: Vec<usize> = port.shape_for(0);
            return Err(Error::shape(
                format!("output `{}`", port.name),
                shape,
                limit,
            ));
        }
        let parts = Parts {
            last_activation: tail::last_activation(&graph),
            classes: guarded(&nodes, || Ok(classes::told_apart(&model)))?,
            parameters: parameters.sum(),
            file: proto.encode_to_vec(),
            nodes,
            chosen: chosen.clone(),
            inputs,
            outputs,
            notes,
            linears,
            places,
            left,
            lifted: model,
            chunk,
            plans: Mutex::default(),
        };
        Ok(Self {
            parts: Arc::new(parts),
        })
    }

    /// Its file, with all weights in it and only what its outputs need.
    pub fn file(&self) -> &[u8] {
        &self.parts.file
    }

    /// What of it was asked to be on light or digital.
    pub fn chosen(&self) -> &Chosen {
        &self.parts.chosen
    }

    /// What was assumed of its file or dropped, one sentence each.
    pub fn notes(&self) -> &[String] {
        &self.parts.notes
    }

    /// What it is given.
    pub fn inputs(&self) -> &[Port] {
        &self.parts.inputs
    }

    /// What comes of it.
    pub fn outputs(&self) -> &[Port] {
        &self.parts.outputs
    }

    /// Its products with constant matrices, by their number.
    pub fn linears(&self) -> &[Linear] {
        &self.parts.linears
    }

    /// Its products that stay digital.
    pub fn left(&self) -> &[Left] {
        &self.parts.left
    }

    /// What is said of it where nothing of it is on light, and why.
    pub fn dark_words(&self) -> Option<String> {
        if !self.linears().is_empty() {
            return None;
        }
        let products = self.left();
        if products.is_empty() {
            return Some(
                "nothing of it is on light: it multiplies by no constant matrix".to_owned(),
            );
        }
        let mut reasons: Vec<String> = Vec::new();
        for left in products {
            let reason = left.why.to_string();
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
        let hint = match products.iter().any(|left| left.why == Why::Depthwise) {
            true => "; --light NAME puts a depthwise convolution there",
            false => "",
        };
        Some(format!(
            "nothing of it is on light, 0 of {} products: {}{hint}",
            products.len(),
            reasons.join(", ")
        ))
    }

    /// What kind of product map `id` is, for example `convolution 5×5`.
    ///
    /// # Panics
    /// If there is no such map.
    pub fn kind(&self, id: LinearId) -> &str {
        let mut places = self.parts.places.iter();
        &places
            .find(|place| place.map == id)
            .expect("every map has a place")
            .kind
    }

    /// Numbers of one sample that it is given, as far as its file says.
    pub fn features(&self) -> usize {
        self.inputs().iter().filter_map(Port::features).sum()
    }

    /// Numbers of one sample that come of it, as far as its file says.
    pub fn width(&self) -> usize {
        // Of a file that fixes its samples, outputs of one sample need no axis of samples.
        let fixed = self.inputs().iter().find_map(Port::batch);
        let width = |port: &Port| match fixed {
            Some(samples) => {
                let all: Option<usize> = port.shape.iter().copied().product();
                all?.checked_div(samples)
            }
            None => port.features(),
        };
        self.outputs().iter().filter_map(width).sum()
    }

    /// Number of constants that are no indices and no shapes.
    pub fn parameters(&self) -> usize {
        self.parts.parameters
    }

    /// What its first output comes from, where it is an activation.
    pub(super) fn last_activation(&self) -> Option<Activation> {
        self.parts.last_activation
    }

    /// Whether its output is the number of a class: one integer or truth a sample.
    pub(super) fn says_class(&self) -> bool {
        match self.outputs() {
            [port] => port.element != Element::Float && self.width() == 1,
            _ => false,
        }
    }

    /// Number of classes that its output is the number of one of, where the graph says it.
    pub(super) fn classes(&self) -> Option<usize> {
        self.parts.classes
    }

    /// The map and the name of every node that multiplies by one, in the order of evaluation.
    pub fn nodes(&self) -> impl Iterator<Item = (LinearId, &str)> {
        let places = self.parts.places.iter();
        places.map(|place| (place.map, &*place.node))
    }
}

/// ONNX's number of the type of indices and shapes.
const INT64: i32 = 7;

/// Gives maps of one name numbers.
fn tell_apart(linears: &mut [Linear]) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for linear in linears {
        let times = seen.entry(linear.name.clone()).or_default();
        *times += 1;
        if *times > 1 {
            linear.name += &format!(".{times}");
        }
    }
}

/// Fails unless the first axis of every output counts what the first axis of the inputs does: samples.
fn check_samples(model: &TypedModel, outputs: &[Port]) -> Result<()> {
    let first = |outlet: &OutletId| {
        let fact = model.outlet_fact(*outlet).ok()?;
        fact.shape.first().cloned()
    };
    let samples = model.inputs.first().and_then(first);
    let mut ports = model.outputs.iter().zip(outputs);
    let other = ports.find(|(outlet, _)| first(outlet) != samples);
    let Some((outlet, port)) = other else {
        return Ok(());
    };
    let got = first(outlet).map_or("one number".to_owned(), |length| length.to_string());
    let wanted = samples.map_or("that of the inputs".to_owned(), |length| length.to_string());
    Err(Error::unsupported(
        format!("output `{}`", port.name),
        format!("a first axis of {got}"),
        format!(
            "it counts samples, as that of the inputs, which is {wanted}; a graph of one sample has 1 there"
        ),
    ))
}

/// Fails for outputs whose lengths depend on values, not on the shapes of the inputs.
fn check_lengths(model: &TypedModel, outputs: &[Port]) -> Result<()> {
    let symbols = |outlet: &OutletId| {
        let fact = model.outlet_fact(*outlet).ok();
        let lengths = fact.into_iter().flat_map(|fact| fact.shape.iter());
        lengths.flat_map(TDim::symbols).collect::<Vec<_>>()
    };
    let given: Vec<Symbol> = model.inputs.iter().flat_map(symbols).collect();
    let mut ports = model.outputs.iter().zip(outputs);
    let is_free = |outlet: &OutletId| symbols(outlet).iter().any(|name| !given.contains(name));
    let Some((_, port)) = ports.find(|(outlet, _)| is_free(outlet)) else {
        return Ok(());
    };
    Err(Error::unsupported(
        format!("output `{}`", port.name),
        "a length that depends on values",
        "the shape of an output must follow from those of the inputs",
    ))
}

/// Every symbol of `model` as 1: one sample, of one token.
fn ones(model: &TypedModel) -> SymbolValues {
    let symbols = model.symbols.all_symbols();
    let start = SymbolValues::default();
    symbols
        .iter()
        .fold(start, |values, symbol| values.with(symbol, 1))
}
