//! How many classes a graph tells apart whose output is the number of one.

use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::{AxisOp, DimLike};
use tract_onnx::tract_core::ops::array::Gather;
use tract_onnx::tract_core::ops::cast::Cast;
use tract_onnx::tract_core::ops::identity::Identity;
use tract_onnx::tract_core::ops::nn::{Reduce, Reducer};

/// The number of classes that the first output of `model` tells apart, where it is the place of a largest number, or one of
/// a list at that place.
pub(super) fn told_apart(model: &TypedModel) -> Option<usize> {
    let mut outlet = *model.outputs.first()?;
    // A graph has no circle.
    loop {
        let node = model.node(outlet.node);
        let first = *node.inputs.first()?;
        if let Some(reduce) = node.op_as::<Reduce>() {
            let is_place = matches!(reduce.reducer, Reducer::ArgMax(_));
            let shape = &model.outlet_fact(first).ok()?.shape;
            let axes = reduce.axes.iter().filter(|_| is_place);
            let lengths = axes.map(|axis| shape[*axis].to_usize().ok());
            return lengths.reduce(|a, b| a?.checked_mul(b?))?;
        }
        if node.op_is::<Gather>() {
            let listed = model.outlet_fact(first).ok()?.konst.clone()?;
            let listed = listed.cast_to::<i64>().ok()?.into_owned();
            let listed = listed.into_plain_array::<i64>().ok()?;
            let largest = usize::try_from(*listed.iter().max()?).ok()?;
            return largest.checked_add(1);
        }
        if !node.op_is::<AxisOp>() && !node.op_is::<Cast>() && !node.op_is::<Identity>() {
            return None;
        }
        outlet = first;
    }
}
