//! tract at work: what it says becomes one sentence, and none of its panics is heard.

mod lists;
mod logarithm;
mod shapes;
mod words;

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, ValueInfoProto};
use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::{DimLike, TDim, bail};
use tract_onnx::tract_core::ops::cnn::Deconv;
use tract_onnx::tract_core::ops::nn::{Reduce, Reducer, Softmax};
use tract_onnx::tract_core::optim::Optimizer;

use super::view;
use crate::error::{Error, Result};
use crate::nn::port::{Element, Port};

/// The most letters of what tract says that a sentence repeats.
const LETTERS: usize = 200;

/// The typed graph of `model` with its constants folded. It is not decluttered, which would split matrices.
///
/// # Errors
/// [`Error::Format`] in one sentence where tract refuses the graph; [`Error::Value`] and [`Error::Shape`] for what does not
/// fit in it.
pub(super) fn typed(model: &ModelProto) -> Result<TypedModel> {
    let refused = |said: Vec<String>| {
        let node = named_in(model, &said).or_else(|| first_refused(model));
        sentence(node, &said)
    };
    let mut typed = heard(|| read(model)).map_err(refused)?;
    shapes::check(model, &typed)?;
    heard(|| fold(&mut typed)).map_err(refused)?;
    // Constants that were computed may be indices.
    shapes::check(model, &typed)?;
    Ok(typed)
}

fn read(model: &ModelProto) -> TractResult<TypedModel> {
    let mut onnx = tract_onnx::onnx().with_ignore_value_info(true);
    lists::register(&mut onnx);
    logarithm::register(&mut onnx);
    let typed = onnx.model_for_proto_model(model)?.into_typed()?;
    check_axes(&typed)?;
    Ok(typed)
}

/// Computes what depends on constants alone.
fn fold(typed: &mut TypedModel) -> TractResult<()> {
    Optimizer::prop_consts().optimize(typed)
}

/// The first node of `model`, of which tract refuses a node without a name, that it does not take with all nodes before it.
fn first_refused(model: &ModelProto) -> Option<&NodeProto> {
    let nodes = &model.graph.as_ref()?.node;
    let is_refused = |count: &usize| {
        let mut start = model.clone();
        let graph = start.graph.get_or_insert_default();
        graph.node.truncate(*count);
        let last = graph.node.last();
        let outputs = last.into_iter().flat_map(view::writes);
        let outputs = outputs.map(|name| ValueInfoProto {
            name: name.to_owned(),
            ..Default::default()
        });
        graph.output = outputs.collect();
        heard(|| fold(&mut read(&start)?)).is_err()
    };
    let (mut taken, mut refused) = (0, nodes.len());
    while refused - taken > 1 {
        let middle = taken + (refused - taken) / 2;
        match is_refused(&middle) {
            true => refused = middle,
            false => taken = middle,
        }
    }
    nodes.get(refused.checked_sub(1)?)
}

/// The pass of tract that splits a product with a mask where the mask begins and ends. It takes a bound that differs from row
/// to row, as that of `p[:, None] < p`, for one number.
const MASKS: &str = "FoldUniformMask";

/// `model` as it runs: decluttered and optimized, but for what tract makes of [`MASKS`].
///
/// # Errors
/// What tract refuses.
pub(in crate::nn::graph) fn optimized(mut model: TypedModel) -> TractResult<TypedModel> {
    let mut declutter = Optimizer::declutter();
    declutter
        .passes
        .retain(|pass| !format!("{pass:?}").starts_with(MASKS));
    declutter.optimize(&mut model)?;
    model.optimize()?;
    Ok(model)
}

/// Fails for axes and lengths that tract would first miss as it runs, and for the largest and the smallest of no numbers.
fn check_axes(typed: &TypedModel) -> TractResult<()> {
    for node in &typed.nodes {
        let lengths = node
            .outputs
            .iter()
            .flat_map(|output| output.fact.shape.iter());
        if let Some(length) = lengths.into_iter().find(|length| differ(length)) {
            bail!("\"{}\" {length}", node.name);
        }
        let rank = node.outputs.first().map_or(0, |output| output.fact.rank());
        if let Some(reduce) = node.op_as::<Reduce>()
            && matches!(reduce.reducer, Reducer::Max | Reducer::Min)
        {
            let shape = &typed.outlet_fact(node.inputs[0])?.shape;
            if shape
                .iter()
                .any(|length| length.to_usize().is_ok_and(|length| length == 0))
            {
                bail!("\"{}\" is of no numbers", node.name);
            }
        }
        // Differences below zero, as numbers without a sign.
        if let Some(deconv) = node.op_as::<Deconv>()
            && deconv
                .adjustments
                .iter()
                .any(|length| *length > isize::MAX as usize)
        {
            bail!("\"{}\" cuts what it gives to output_shape", node.name);
        }
        if let Some(softmax) = node.op_as::<Softmax>()
            && let Some(axis) = softmax.axes.iter().find(|&&axis| axis >= rank)
        {
            bail!("\"{}\" has axis {axis} of {rank} axes", node.name);
        }
    }
    Ok(())
}

/// Whether `length` is that of two lengths above 1 that are not the same.
fn differ(length: &TDim) -> bool {
    let TDim::Broadcast(lengths) = length else {
        return false;
    };
    let known = lengths.iter().filter_map(|length| length.to_usize().ok());
    let mut known = known.filter(|length| *length != 1);
    let first = known.next();
    known.any(|other| Some(other) != first) || lengths.iter().any(differ)
}

/// Which ports of a graph.
#[derive(Clone, Copy)]
pub(super) enum Side {
    Inputs,
    Outputs,
}

/// The ports of `typed`, in the names of `model`.
///
/// # Errors
/// [`Error::Unsupported`] for elements that are no numbers.
pub(super) fn ports(typed: &TypedModel, model: &ModelProto, side: Side) -> Result<Vec<Port>> {
    let outputs = model.graph.iter().flat_map(|graph| &graph.output);
    let outputs: Vec<&str> = outputs.map(|output| &*output.name).collect();
    let outlets = match side {
        Side::Inputs => &typed.inputs,
        Side::Outputs => &typed.outputs,
    };
    let port = |(index, outlet): (usize, &OutletId)| {
        let name = match side {
            Side::Inputs => typed.nodes[outlet.node].name.clone(),
            Side::Outputs => outputs
                .get(index)
                .map_or(String::new(), |&name| name.to_owned()),
        };
        let fact = &typed.nodes[outlet.node].outputs[outlet.slot].fact;
        let element = element(fact.datum_type).ok_or_else(|| {
            let got = format!("{:?}", fact.datum_type).to_lowercase();
            Error::unsupported(format!("`{name}`"), got, "elements must be numbers")
        })?;
        let shape = fact
            .shape
            .iter()
            .map(|length| length.to_usize().ok())
            .collect();
        Ok(Port {
            name,
            element,
            shape,
            channels: None,
        })
    };
    outlets.iter().enumerate().map(port).collect()
}

fn element(kind: DatumType) -> Option<Element> {
    if kind.is_float() {
        Some(Element::Float)
    } else if kind.is_integer() || kind.is_tdim() {
        Some(Element::Integer)
    } else {
        (kind == DatumType::Bool).then_some(Element::Boolean)
    }
}

/// What `work` of tract on `model` gives.
///
/// # Errors
/// [`Error::Format`] with the node and operator that tract names, for its errors and its panics.
pub(in crate::nn::graph) fn guarded<T>(
    model: &ModelProto,
    work: impl FnOnce() -> TractResult<T>,
) -> Result<T> {
    heard(work).map_err(|said| sentence(named_in(model, &said), &said))
}

/// What `work` gives, or what tract says, the outermost first.
fn heard<T>(work: impl FnOnce() -> TractResult<T>) -> std::result::Result<T, Vec<String>> {
    match quietly(work) {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(error.chain().map(ToString::to_string).collect()),
        Err(panic) => Err(vec![panic]),
    }
}

thread_local! {
    /// Whether a panic of this thread is caught by [`quietly`].
    static CAUGHT: Cell<bool> = const { Cell::new(false) };
    /// What the last of them said.
    static SAID: RefCell<String> = const { RefCell::new(String::new()) };
}

/// What `work` gives, or what it said as it panicked, which no one else hears.
pub(in crate::nn::graph) fn quietly<T>(work: impl FnOnce() -> T) -> std::result::Result<T, String> {
    static HOOK: Once = Once::new();
    // Panics of other threads, and of this one outside, go where they went before.
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if CAUGHT.get() {
                let payload = info.payload();
                let fixed = payload
                    .downcast_ref::<&str>()
                    .map(|text| (*text).to_owned());
                let text = fixed.or_else(|| payload.downcast_ref::<String>().cloned());
                SAID.set(text.unwrap_or_default());
            } else {
                before(info);
            }
        }));
    });
    let before = CAUGHT.replace(true);
    // Nothing that `work` may have left half done is used after a panic.
    let done = catch_unwind(AssertUnwindSafe(work));
    CAUGHT.set(before);
    done.map_err(|_| SAID.take())
}

/// The node of `model` that tract named in what it `said`.
fn named_in<'a>(model: &'a ModelProto, said: &[String]) -> Option<&'a NodeProto> {
    let graph = model.graph.as_ref()?;
    let mut quoted = said
        .iter()
        .flat_map(|text| text.split('"').skip(1).step_by(2));
    let named = quoted.find_map(|name| named(graph, name));
    named.or_else(|| {
        let mut nodes = graph.node.iter();
        nodes.find(|node| said.iter().any(|text| text.contains(&bare(node))))
    })
}

/// The error for what tract `said` of `node`, the outermost first.
fn sentence(node: Option<&NodeProto>, said: &[String]) -> Error {
    let what = node.map_or_else(|| "ONNX graph".to_owned(), view::words);
    let cause = said.iter().rev().find(|text| !text.trim().is_empty());
    let cause = cause.map_or("", |text| text.trim().trim_end_matches('.'));
    let mut cause: String = cause.split_whitespace().collect::<Vec<_>>().join(" ");
    // The node stands in front already.
    if let Some(node) = node {
        let names = [format!("\"{}\" ", node.name), format!("N{}: ", bare(node))];
        let rest = names.iter().find_map(|name| cause.strip_prefix(&**name));
        cause = rest.map_or(cause.clone(), str::to_owned);
    }
    let is_gather = node.is_some_and(|node| node.op_type.starts_with("Gather"));
    let mut reason = match &*cause {
        "" => "cannot be evaluated".to_owned(),
        // Of constants tract cuts memory before it looks.
        cause if is_gather && cause.contains("out of range for slice") => {
            "asks for a place that its axis does not have".to_owned()
        }
        cause => words::plain(cause),
    };
    if let Some((end, _)) = reason.char_indices().nth(LETTERS) {
        reason.truncate(end);
        reason += "…";
    }
    Error::format(what, reason)
}

/// `node` as tract writes it where it reads the file, without the first letter.
fn bare(node: &NodeProto) -> String {
    format!("ode {} ({})", node.name, node.op_type)
}

/// The node of `graph`, or of the bodies within it, that tract calls `name`.
fn named<'a>(graph: &'a GraphProto, name: &str) -> Option<&'a NodeProto> {
    let of = |node: &&NodeProto| {
        let rest = name.strip_prefix(&*node.name);
        !node.name.is_empty() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let own = graph.node.iter().find(of);
    own.or_else(|| {
        let bodies = graph.node.iter().flat_map(view::bodies);
        bodies.into_iter().find_map(|body| named(body, name))
    })
}
