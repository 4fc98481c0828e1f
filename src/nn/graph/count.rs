//! Multiply-accumulates of what stays digital.

use tract_onnx::pb::NodeProto;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::{DimLike, SymbolValues, TDim};
use tract_onnx::tract_core::ops::cnn::{Conv, Deconv};
use tract_onnx::tract_core::ops::einsum::EinSum;
use tract_onnx::tract_core::ops::logic::IfThenElse;
use tract_onnx::tract_core::ops::scan::Scan;

use super::names::Names;

/// Multiply-accumulates of `node`, a product or a convolution, in one run; open lengths are as in `ones`.
pub(super) fn products(
    model: &TypedModel,
    node: &TypedNode,
    ones: &SymbolValues,
) -> TractResult<usize> {
    let length = |dim: &TDim| dim.eval(ones).to_usize().unwrap_or(1);
    if let Some(op) = node.op_as::<EinSum>() {
        let shapes: TVec<&TypedFact> = model.node_input_facts(node.id)?;
        let axes = op.axes.iter_all_axes().map(|axis| {
            let inputs = axis.inputs.iter().zip(&shapes);
            let lengths =
                inputs.flat_map(|(places, fact)| places.iter().map(|at| length(&fact.shape[*at])));
            lengths.max().unwrap_or(1)
        });
        return Ok(axes.product());
    }
    // A convolution: every weight at every place, of the output or, transposed, of the input.
    let places = match node.op_is::<Conv>() {
        true => model.outlet_fact(node.id.into())?,
        false => model.outlet_fact(node.inputs[0])?,
    };
    let kernel = model.outlet_fact(node.inputs[1])?;
    let kernel: usize = kernel.shape.iter().map(length).product();
    let samples = places.shape.first().map_or(1, length);
    let places: usize = places.shape.iter().skip(2).map(length).product();
    Ok(kernel * places * samples)
}

/// Multiply-accumulates of an LSTM, GRU or RNN, or of a Scan of the file, `proto`, in one run of `samples`; nothing where they
/// depend on values. Every step of a recurrent layer multiplies by all of its weights once: gates · hidden · (inputs + hidden) of them
/// in each direction.
pub(super) fn repeated(
    model: &TypedModel,
    names: &Names<'_>,
    proto: &NodeProto,
    ones: &SymbolValues,
    samples: usize,
) -> TractResult<Option<usize>> {
    let mut nodes = model.nodes().iter();
    let Some(node) = nodes.find(|node| node.name == proto.name) else {
        return Ok(None);
    };
    let inputs: TVec<&TypedFact> = model.node_input_facts(node.id)?;
    let scan = node.op_as::<Scan>();
    let steps = match scan {
        Some(scan) => scan.iteration_count(&inputs),
        // A layer that is one operator of tract: its sequence is [sample, step, feature].
        None => inputs.first().and_then(|fact| fact.shape.get(1)).cloned(),
    };
    let Some(steps) = steps.and_then(|steps| steps.eval(ones).to_usize().ok()) else {
        return Ok(None);
    };
    let step = match (scan, &*proto.op_type) {
        (Some(scan), "Scan") => of_body(&scan.body, ones)?,
        _ => {
            let weights = proto.input.iter().skip(1).take(2);
            let stored = weights.map(|weight| names.stored(weight));
            let weights: Option<usize> = stored.sum();
            weights.map(|weights| weights.saturating_mul(samples))
        }
    };
    Ok(step.and_then(|step| step.checked_mul(steps)))
}

/// Multiply-accumulates of one run of the body of a Scan; nothing where they depend on values.
fn of_body(body: &TypedModel, ones: &SymbolValues) -> TractResult<Option<usize>> {
    let mut sum = 0;
    for node in body.nodes() {
        if node.op_is::<EinSum>() || node.op_is::<Conv>() || node.op_is::<Deconv>() {
            sum += products(body, node, ones)?;
        }
        // What is nested deeper is named.
        if node.op_is::<IfThenElse>() || node.op_is::<Scan>() {
            return Ok(None);
        }
    }
    Ok(Some(sum))
}
