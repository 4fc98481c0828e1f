//! From an ONNX file to a sound, self-contained model that tract evaluates.
//!
//! Passes over the protobuf, in this order: functions of the file are inlined ([`functions`]), tensors get their bytes
//! ([`tensors`]), scikit-learn's operators become plain ones ([`forms`]), names, order and operators are checked
//! ([`sound`]), outputs are chosen and what stands behind the others is dropped ([`outputs`]), operators get the forms that
//! tract reads ([`forms`]), inputs their shapes ([`inputs`]). What is left goes to tract ([`guard`]).

mod constants;
mod forms;
mod functions;
mod guard;
mod inputs;
mod names;
mod operators;
mod outputs;
mod sound;
mod tensors;
#[cfg(test)]
mod tests;
mod view;

pub(super) use guard::{guarded, optimized, quietly};
pub(super) use tensors::numbers;

use std::str::FromStr;

use prost::Message;
use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::TypedModel;

use crate::error::{Context, Error, Result};
use crate::io::Source;
use crate::nn::port::Port;

/// The symbol of an open batch axis in a [`Prepared`] model.
pub(super) const BATCH: &str = "N";

/// What of a graph is asked for, where its file leaves a choice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// Inputs in the order in which samples come; all of them in the file's order if empty.
    pub inputs: Vec<String>,
    /// Outputs; the first one of floating-point numbers if empty, or the first one where there is none.
    pub outputs: Vec<String>,
    /// Shapes of inputs that the file leaves open.
    pub shapes: Vec<GivenShape>,
}

/// The shape of an input as its user gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenShape {
    /// The input.
    pub name: String,
    /// Lengths of its axes; nothing for an axis that stays open, such as the batch.
    pub axes: Vec<Option<usize>>,
}

impl FromStr for GivenShape {
    type Err = Error;

    /// `x=N,3,32,32`, where `N` is an axis that stays open.
    ///
    /// # Errors
    /// [`Error::Value`] for anything else.
    fn from_str(text: &str) -> Result<Self> {
        let refused = || Error::value("shape", text, "NAME=N,… such as x=N,3,32,32");
        let (name, axes) = text.split_once('=').ok_or_else(refused)?;
        let axis = |text: &str| match text.trim() {
            "N" => Ok(None),
            number => number.parse().map(Some).map_err(|_| refused()),
        };
        Ok(Self {
            name: name.trim().to_owned(),
            axes: axes.split(',').map(axis).collect::<Result<_>>()?,
        })
    }
}

/// A graph that tract evaluates, and the file that says so.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    /// The graph with all of its weights inside. Written and prepared again it is itself.
    pub proto: ModelProto,
    /// The graph of tract with its constants folded, not decluttered: a weight is still one tensor.
    ///
    /// The first axis of inputs has the symbol [`BATCH`] where the file leaves it open.
    pub model: TypedModel,
    /// Inputs, in the order of the model.
    pub inputs: Vec<Port>,
    /// Outputs, in the order of the model.
    pub outputs: Vec<Port>,
    /// What was assumed or dropped, one sentence each.
    pub notes: Vec<String>,
}

/// The graph of the ONNX file `source`, of which `choice` takes inputs and outputs.
///
/// Weights in other files are read from beside it.
///
/// # Errors
/// [`Error::Format`], [`Error::Shape`] or [`Error::NotFinite`] for a malformed file, [`Error::Unsupported`] for what
/// cannot be evaluated, [`Error::Value`] for names and shapes of `choice` that do not fit. They name the source, and
/// node, operator or tensor.
pub(super) fn prepare(source: &Source, choice: &Choice) -> Result<Prepared> {
    prepared(source, choice).within(source.name())
}

fn prepared(source: &Source, choice: &Choice) -> Result<Prepared> {
    let bytes = source.bytes();
    let mut model = ModelProto::decode(bytes).map_err(|_| malformed())?;
    if model.graph.is_none() {
        return Err(malformed());
    }
    operators::check_versions(&model)?;
    functions::inline(&mut model, bytes)?;
    tensors::settle(&mut model, source)?;
    let mut notes = Vec::new();
    forms::rewrite(&mut model)?;
    let opset = operators::version(&model);
    let graph = model.graph.as_mut().ok_or_else(malformed)?;
    sound::order(graph)?;
    outputs::choose(graph, &choice.outputs, &mut notes)?;
    operators::check(graph)?;
    forms::settle(graph)?;
    sound::check_weights(graph)?;
    sound::name_nodes(graph);
    sound::check_printable(graph)?;
    inputs::settle(graph, choice, &mut notes)?;
    let channels = inputs::channels(graph);
    forms::fold(graph, &mut notes);
    strip(&mut model, opset);
    // Its scales are those of all samples that pass together, which a user does not choose.
    if has(&model, &["DynamicQuantizeLinear"]) && inputs::fix_batch(&mut model) {
        notes.push("its DynamicQuantizeLinear takes one sample at a time".to_owned());
    }
    let typed = match guard::typed(&model) {
        Ok(typed) => typed,
        // These are evaluated for a known number of samples alone.
        Err(_) if has(&model, &["LSTM", "GRU", "RNN"]) && inputs::fix_batch(&mut model) => {
            let typed = guard::typed(&model)?;
            notes.push("its LSTM, GRU or RNN takes one sample at a time".to_owned());
            typed
        }
        Err(error) => return Err(error),
    };
    let mut inputs = guard::ports(&typed, &model, guard::Side::Inputs)?;
    for port in &mut inputs {
        port.channels = channels.get(&port.name).copied();
    }
    let outputs = guard::ports(&typed, &model, guard::Side::Outputs)?;
    Ok(Prepared {
        proto: model,
        model: typed,
        inputs,
        outputs,
        notes,
    })
}

fn malformed() -> Error {
    Error::format(
        "ONNX graph",
        "is cut short or damaged: must be an ONNX file",
    )
}

/// Whether `model` has one of these operators.
fn has(model: &ModelProto, operators: &[&str]) -> bool {
    let mut nodes = model.graph.iter().flat_map(|graph| &graph.node);
    nodes.any(|node| operators.contains(&&*node.op_type))
}

/// Leaves out what no evaluation needs.
fn strip(model: &mut ModelProto, opset: i64) {
    model.training_info.clear();
    model.metadata_props.clear();
    model.doc_string.clear();
    model
        .opset_import
        .retain(|import| !operators::is_standard(&import.domain) || import.version == opset);
    model
        .opset_import
        .dedup_by(|a, b| operators::is_standard(&a.domain) && operators::is_standard(&b.domain));
    if let Some(graph) = &mut model.graph {
        graph.value_info.clear();
        graph.quantization_annotation.clear();
        graph.doc_string.clear();
    }
}
