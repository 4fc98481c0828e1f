//! Batch normalizations behind products become part of their weights.

use std::collections::{HashMap, HashSet};

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{GraphProto, NodeProto, TensorProto};

use crate::nn::graph::prepare::view;

/// Operators whose outputs lie along the axis that a normalization scales.
const PRODUCTS: [&str; 3] = ["Conv", "ConvTranspose", "Gemm"];

/// Folds every batch normalization that alone reads what a product with constant weights gives into these weights.
///
/// γ (W x + b − μ) / √(σ² + ε) + β is a product again, of γ W / √(σ² + ε): the matrix that light gets.
pub(in crate::nn::graph::prepare) fn fold(graph: &mut GraphProto, notes: &mut Vec<String>) {
    let mut readers: HashMap<String, usize> = HashMap::new();
    let outputs = graph.output.iter().map(|output| output.name.clone());
    let captured = graph
        .node
        .iter()
        .flat_map(view::captured)
        .map(str::to_owned);
    let read = graph.node.iter().flat_map(view::reads).map(str::to_owned);
    for name in outputs.chain(captured).chain(read) {
        *readers.entry(name).or_default() += 1;
    }
    let mut folded = Vec::new();
    for index in 0..graph.node.len() {
        let Some(fold) = Fold::of(graph, index, &readers) else {
            continue;
        };
        let names = [&graph.node[fold.product], &graph.node[index]].map(view::words);
        notes.push(format!("{} is folded into {}", names[1], names[0]));
        let written = graph.node[index].output[0].clone();
        let Fold {
            product,
            weight,
            bias,
        } = fold;
        let node = &mut graph.node[product];
        node.output[0] = written;
        node.input.truncate(1);
        node.input.extend([weight.name.clone(), bias.name.clone()]);
        // The bias counts once; a scale of it is in its numbers.
        node.attribute.retain(|attribute| attribute.name != "beta");
        let name = weight.name.clone();
        graph.initializer.retain(|tensor| tensor.name != name);
        graph.initializer.extend([weight, bias]);
        folded.push(index);
    }
    if folded.is_empty() {
        return;
    }
    let mut index = 0;
    graph.node.retain(|_| {
        index += 1;
        !folded.contains(&(index - 1))
    });
    let captured = graph.node.iter().flat_map(view::captured);
    let read: HashSet<&str> = graph
        .node
        .iter()
        .flat_map(view::reads)
        .chain(captured)
        .collect();
    let mut stored = std::mem::take(&mut graph.initializer);
    stored.retain(|tensor| read.contains(&*tensor.name));
    graph.initializer = stored;
}

/// A product with the weights that hold a normalization.
struct Fold {
    product: usize,
    weight: TensorProto,
    bias: TensorProto,
}

impl Fold {
    /// What node number `index` of `graph` is folded into, if it is a normalization that can be.
    fn of(graph: &GraphProto, index: usize, readers: &HashMap<String, usize>) -> Option<Self> {
        let norm = &graph.node[index];
        let is_inference =
            view::writes(norm).count() == 1 && view::int(norm, "training_mode").unwrap_or(0) == 0;
        if norm.op_type != "BatchNormalization" || !is_inference || norm.input.len() < 5 {
            return None;
        }
        let x = &norm.input[0];
        if readers.get(x) != Some(&1) {
            return None;
        }
        let product = graph
            .node
            .iter()
            .position(|node| view::writes(node).any(|name| name == x))?;
        let node = &graph.node[product];
        if !PRODUCTS.contains(&&*node.op_type) || node.input.len() < 2 {
            return None;
        }
        let weight = constant(graph, &node.input[1])?;
        let stored = node.input.get(2).filter(|name| !name.is_empty());
        let stored = stored
            .map(|name| constant(graph, name))
            .map_or(Some(None), |bias| bias.map(Some))?;
        let axis = axis(node)?;
        let groups = usize::try_from(view::int(node, "group").unwrap_or(1)).ok()?;
        // Of a transposed convolution [in, out of a group, …]: outputs of several groups lie along two axes.
        if node.op_type == "ConvTranspose" && groups != 1 {
            return None;
        }
        let outputs = *weight.dims.get(axis)?;
        let [gamma, beta, mean, variance] = [1, 2, 3, 4].map(|at| {
            constant(graph, &norm.input[at]).filter(|values| values.data.len() == outputs)
        });
        let (gamma, beta, mean, variance) = (gamma?, beta?, mean?, variance?);
        let epsilon =
            view::attribute(norm, "epsilon").map_or(1e-5, |attribute| f64::from(attribute.f));
        let factor: Vec<f64> = gamma
            .data
            .iter()
            .zip(&variance.data)
            .map(|(gamma, variance)| gamma / (variance + epsilon).sqrt())
            .collect();
        if factor.iter().any(|factor| !factor.is_finite()) {
            return None;
        }
        let scale = view::attribute(node, "beta").map_or(1.0, |attribute| f64::from(attribute.f));
        let old = |output: usize| match &stored {
            None => Some(0.0),
            Some(bias) if bias.data.len() == 1 => Some(scale * bias.data[0]),
            Some(bias) => bias.data.get(output).map(|b| scale * b),
        };
        if stored
            .as_ref()
            .is_some_and(|bias| ![1, outputs].contains(&bias.data.len()))
        {
            return None;
        }
        let bias: Vec<f32> = (0..outputs)
            .map(|at| Some(((old(at)? - mean.data[at]) * factor[at] + beta.data[at]) as f32))
            .collect::<Option<_>>()?;
        let behind: usize = weight.dims[axis + 1..].iter().product();
        let values = weight.data.iter().enumerate();
        let values: Vec<f32> = values
            .map(|(at, w)| (w * factor[at / behind % outputs]) as f32)
            .collect();
        // Weights that somebody else reads stay as they are.
        let name = match readers.get(&node.input[1]) {
            Some(1) => node.input[1].clone(),
            _ => format!("{}.normalized", node.input[1]),
        };
        let written = &norm.output[0];
        Some(Self {
            product,
            weight: view::float_tensor(&name, &weight.dims, &values),
            bias: view::float_tensor(&format!("{written}.bias"), &[outputs], &bias),
        })
    }
}

/// The axis of the weight of `product` along which its outputs lie; nothing where a factor stands beside it.
fn axis(product: &NodeProto) -> Option<usize> {
    match &*product.op_type {
        "Conv" => Some(0),
        "ConvTranspose" => Some(1),
        _ => {
            let alpha = view::attribute(product, "alpha").map_or(1.0, |attribute| attribute.f);
            (alpha == 1.0).then(|| usize::from(view::int(product, "transB").unwrap_or(0) == 0))
        }
    }
}

/// A stored tensor of floating-point numbers.
struct Constant {
    dims: Vec<usize>,
    data: Vec<f64>,
}

fn constant(graph: &GraphProto, name: &str) -> Option<Constant> {
    let tensor = graph
        .initializer
        .iter()
        .find(|tensor| tensor.name == name)?;
    let data: Vec<f64> = match DataType::try_from(tensor.data_type).ok()? {
        DataType::Float => {
            let numbers = tensor.raw_data.as_chunks::<4>().0;
            numbers
                .iter()
                .map(|bytes| f64::from(f32::from_le_bytes(*bytes)))
                .collect()
        }
        _ => return None,
    };
    let dims = tensor
        .dims
        .iter()
        .map(|length| usize::try_from(*length).ok());
    Some(Constant {
        dims: dims.collect::<Option<_>>()?,
        data,
    })
}
