//! Operators that tract reads in some of their forms only, in one that it reads.

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{GraphProto, NodeProto};

use crate::error::{Error, Result};
use crate::nn::graph::prepare::names::Names;
use crate::nn::graph::prepare::view;

/// Writes nodes of `graph` in the form that tract reads: products of half precision with a bias as product and sum, transposed
/// convolutions that keep their size with the paddings that do so.
///
/// # Errors
/// [`Error::Unsupported`] for products of half precision with factors, and for convolutions whose kernels are smaller than
/// their strides, of which nothing can be cut off.
pub(in crate::nn::graph::prepare) fn settle(graph: &mut GraphProto) -> Result<()> {
    let mut names = Names::of(graph);
    for mut node in std::mem::take(&mut graph.node) {
        match &*node.op_type {
            "ConvTranspose" => pad(&mut node, graph)?,
            "Gemm" if is_half_with_bias(&node, graph) => {
                check_factors(&node)?;
                let bias = node.input.remove(2);
                let written = std::mem::take(&mut node.output[0]);
                let product = names.unique(&format!("{written}/product"));
                node.output[0].clone_from(&product);
                graph.node.push(node);
                graph
                    .node
                    .push(view::node("", "Add", &[&product, &bias], &written));
                continue;
            }
            _ => {}
        }
        graph.node.push(node);
    }
    Ok(())
}

/// Whether one of the stored factors of `node`, which has a bias, is of half precision.
fn is_half_with_bias(node: &NodeProto, graph: &GraphProto) -> bool {
    let half = i32::from(DataType::Float16);
    let mut stored = graph.initializer.iter();
    node.input.get(2).is_some_and(|bias| !bias.is_empty())
        && stored.any(|tensor| tensor.data_type == half && node.input.contains(&tensor.name))
}

fn check_factors(node: &NodeProto) -> Result<()> {
    for name in ["alpha", "beta"] {
        let factor = view::attribute(node, name).map_or(1.0, |attribute| attribute.f);
        if factor != 1.0 {
            let limit = "must be 1 in half precision";
            return Err(Error::unsupported(
                view::words(node),
                format!("{name} = {factor}"),
                limit,
            ));
        }
    }
    Ok(())
}

/// Gives a transposed convolution that keeps its size, times its strides, the paddings that do so: along every axis
/// (kernel − 1) · dilation + 1 − stride in all, of which SAME_UPPER puts the odd one behind.
///
/// The definition subtracts what is asked for, input · stride, from what there is without paddings,
/// stride · (input − 1) + output_padding + (kernel − 1) · dilation + 1.
fn pad(node: &mut NodeProto, graph: &GraphProto) -> Result<()> {
    let is_upper = match view::text(node, "auto_pad").as_deref() {
        Some("SAME_UPPER") => true,
        Some("SAME_LOWER") => false,
        _ => return Ok(()),
    };
    if view::attribute(node, "output_shape").is_some() {
        return Ok(());
    }
    let weight = node.input.get(1);
    let mut stored = graph.initializer.iter();
    let weight = stored.find(|tensor| Some(&tensor.name) == weight);
    let (Some(sides), false) = (
        weight.and_then(|tensor| tensor.dims.get(2..)),
        view::attribute(node, "pads").is_some(),
    ) else {
        return Ok(());
    };
    let list = |name: &str, axis: usize, otherwise: i64| {
        let list = view::attribute(node, name).map_or(&[][..], |attribute| &attribute.ints);
        list.get(axis).copied().unwrap_or(otherwise)
    };
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for (axis, side) in sides.iter().enumerate() {
        let stride = list("strides", axis, 1);
        let reach = (side - 1)
            .saturating_mul(list("dilations", axis, 1))
            .saturating_add(1);
        let total = reach.saturating_add(list("output_padding", axis, 0)) - stride;
        if total < 0 {
            let limit = format!(
                "must be at most {reach}, as far as the kernel reaches: give pads and output_padding instead"
            );
            let got = format!("a stride of {stride} with auto_pad");
            return Err(Error::unsupported(view::words(node), got, limit));
        }
        let less = total / 2;
        let (first, last) = match is_upper {
            true => (less, total - less),
            false => (total - less, less),
        };
        before.push(first);
        after.push(last);
    }
    node.attribute
        .retain(|attribute| attribute.name != "auto_pad");
    before.extend(after);
    *node = view::with_ints(std::mem::take(node), "pads", &before);
    Ok(())
}
