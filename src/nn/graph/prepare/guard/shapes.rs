//! What the shapes of a graph say and tract first misses as it runs, or never: places beyond an axis, parts that do not make
//! up what is split, windows that do not fit, weights of another width.

use std::collections::HashMap;

use tract_onnx::pb::{ModelProto, NodeProto};
use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::DimLike;
use tract_onnx::tract_core::ops::konst::Const;

use crate::error::{Error, Result};
use crate::nn::graph::prepare::view;

/// Fails for nodes of `model` whose inputs, which have the shapes of `typed`, do not fit together.
///
/// # Errors
/// [`Error::Value`], [`Error::Shape`] or [`Error::Format`], which name node and operator.
pub(super) fn check(model: &ModelProto, typed: &TypedModel) -> Result<()> {
    let labels = typed.outlet_labels.iter();
    let written = labels.map(|(outlet, name)| Some((&**name, typed.outlet_fact(*outlet).ok()?)));
    // Inputs and constants have no labels but names, to which tract adds a place where they are constants.
    let given = typed.nodes.iter().map(|node| {
        let bare = node.name.strip_suffix(".0");
        let bare = bare.filter(|_| node.op_is::<Const>());
        Some((bare.unwrap_or(&node.name), &node.outputs.first()?.fact))
    });
    let facts = given.chain(written).flatten().collect();
    let known = Known { facts };
    let mut nodes = model.graph.iter().flat_map(|graph| &graph.node);
    nodes.try_for_each(|node| known.check(node))
}

/// What is known of values, by their names.
struct Known<'a> {
    facts: HashMap<&'a str, &'a TypedFact>,
}

impl Known<'_> {
    fn check(&self, node: &NodeProto) -> Result<()> {
        match &*node.op_type {
            "Gather" | "GatherElements" => self.check_indices(node),
            "Split" => self.check_parts(node),
            "AveragePool" | "Conv" | "MaxPool" => self.check_window(node),
            "GRU" | "LSTM" | "RNN" => self.check_widths(node),
            _ => Ok(()),
        }
    }

    fn fact(&self, name: Option<&String>) -> Option<&TypedFact> {
        self.facts.get(&**name?).copied()
    }

    /// The lengths of the axes of input `slot` of `node`; nothing for one that is open.
    fn lengths(&self, node: &NodeProto, slot: usize) -> Option<Vec<Option<usize>>> {
        Some(lengths(self.fact(node.input.get(slot))?))
    }

    /// The integers in input `slot` of `node`, where it is constant.
    fn integers(&self, node: &NodeProto, slot: usize) -> Option<Vec<i64>> {
        let tensor = self.fact(node.input.get(slot))?.konst.as_ref()?;
        let tensor = tensor.cast_to::<i64>().ok()?;
        Some(
            tensor
                .to_plain_array_view::<i64>()
                .ok()?
                .iter()
                .copied()
                .collect(),
        )
    }

    /// The length of the axis of its first input along which `node` works, which is `otherwise` where it does not say it.
    fn length(&self, node: &NodeProto, otherwise: i64) -> Option<i64> {
        let lengths = self.lengths(node, 0)?;
        let axis = view::int(node, "axis").unwrap_or(otherwise);
        let axis = match axis < 0 {
            true => axis + lengths.len() as i64,
            false => axis,
        };
        let length = lengths.get(usize::try_from(axis).ok()?)?;
        length.map(|length| length as i64)
    }

    fn check_indices(&self, node: &NodeProto) -> Result<()> {
        let (Some(length), Some(indices)) = (self.length(node, 0), self.integers(node, 1)) else {
            return Ok(());
        };
        let beyond = |index: &&i64| !(-length..length).contains(*index);
        indices.iter().find(beyond).map_or(Ok(()), |index| {
            let limit = format!(
                "from {} to {}, places of an axis of {length}",
                -length,
                length - 1
            );
            Err(Error::value(
                format!("{}: index", view::words(node)),
                index,
                limit,
            ))
        })
    }

    fn check_parts(&self, node: &NodeProto) -> Result<()> {
        let stated = view::attribute(node, "split").map(|split| split.ints.clone());
        let parts = stated.or_else(|| self.integers(node, 1));
        let (Some(length), Some(parts)) = (self.length(node, 0), parts) else {
            return Ok(());
        };
        let sum: i64 = parts.iter().sum();
        match sum == length {
            true => Ok(()),
            false => {
                let what = format!("{}: parts", view::words(node));
                let limit = format!("{length} together, as long as the axis that is split");
                Err(Error::value(what, format!("{parts:?}"), limit))
            }
        }
    }

    /// Fails where a window is larger than what it moves over with its paddings, so that nothing comes of it; tract has it look
    /// beyond.
    fn check_window(&self, node: &NodeProto) -> Result<()> {
        let Some(given) = self.lengths(node, 0).filter(|given| given.len() > 2) else {
            return Ok(());
        };
        let list = |name: &str| view::attribute(node, name).map_or(&[][..], |list| &list.ints);
        let at = |list: &[i64], axis: usize, otherwise: i64| {
            list.get(axis).copied().unwrap_or(otherwise)
        };
        let stored = || {
            let sides = self.lengths(node, 1).unwrap_or_default().into_iter();
            let sides = sides.skip(2).map(|side| side.unwrap_or(1) as i64);
            sides.collect::<Vec<i64>>()
        };
        let window = match list("kernel_shape") {
            [] => stored(),
            stated => stated.to_vec(),
        };
        let is_padded = view::text(node, "auto_pad").is_some_and(|pad| pad.starts_with("SAME"));
        let pads = list("pads");
        let is_rounded_up = view::int(node, "ceil_mode") == Some(1);
        for (axis, side) in window.iter().enumerate() {
            let Some(Some(length)) = given.get(axis + 2) else {
                continue;
            };
            let padding = at(pads, axis, 0) + at(pads, axis + pads.len() / 2, 0);
            let reach = (side - 1) * at(list("dilations"), axis, 1) + 1;
            let room = *length as i64 + padding;
            // Rounded up, a part of a window counts.
            let allowed = match is_rounded_up {
                true => at(list("strides"), axis, 1) - 1,
                false => 0,
            };
            if reach - room > allowed && !is_padded {
                let what = format!("{}: a window", view::words(node));
                let limit = format!("at most {room}, what it moves over with paddings");
                return Err(Error::value(what, reach, limit));
            }
        }
        Ok(())
    }

    /// Fails where the weights of a recurrent layer are not as wide as what they are multiplied with.
    fn check_widths(&self, node: &NodeProto) -> Result<()> {
        let width = |slot: usize| *self.lengths(node, slot)?.get(2)?;
        let hidden = view::int(node, "hidden_size").and_then(|size| usize::try_from(size).ok());
        let pairs = [
            (1, width(0), "what it is given"),
            (2, hidden, "hidden_size says"),
        ];
        for (slot, wanted, whose) in pairs {
            let (Some(got), Some(wanted)) = (width(slot), wanted) else {
                continue;
            };
            if got != wanted {
                let what = format!("{}: width of `{}`", view::words(node), node.input[slot]);
                return Err(Error::value(what, got, format!("{wanted}, as {whose}")));
            }
        }
        Ok(())
    }
}

fn lengths(fact: &TypedFact) -> Vec<Option<usize>> {
    let lengths = fact.shape.iter();
    lengths.map(|length| length.to_usize().ok()).collect()
}
