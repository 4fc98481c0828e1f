//! From an ONNX graph to a model: one path from the input to the output.

mod walk;

use std::collections::BTreeMap;

use super::load::default_readout;
use super::{Input, Model};
use crate::error::{Context, Error, Result};
use crate::io::onnx::{Attribute, Graph, Node};
use crate::io::{Tensor, Tensors};
use walk::Walk;

/// The network that `graph` computes.
pub(super) fn model(graph: &Graph) -> Result<Model> {
    let constants = constants(graph)?;
    let ([input], [output]) = (&graph.inputs[..], &graph.outputs[..]) else {
        return Err(Error::format(
            "ONNX graph",
            format!(
                "has {} inputs and {} outputs: must have one of each",
                graph.inputs.len(),
                graph.outputs.len()
            ),
        ));
    };
    let batch = input.shape.as_ref().and_then(|shape| *shape.first()?);
    let mut walk = Walk::new(constants, batch);
    let mut readers: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, node) in graph.nodes.iter().enumerate() {
        for name in &node.inputs {
            readers.entry(name).or_default().push(index);
        }
    }
    let mut visited = vec![false; graph.nodes.len()];
    let mut value = input.name.as_str();
    while value != output.name {
        let index = match readers.get(value).map_or(&[][..], Vec::as_slice) {
            [one] => *one,
            [] => {
                return Err(Error::format(
                    format!("ONNX value `{value}`"),
                    format!(
                        "is read by no node, and the output `{}` is not reached",
                        output.name
                    ),
                ));
            }
            [first, .., last] => {
                return Err(Error::unsupported(
                    format!("ONNX value `{value}`"),
                    format!(
                        "a branch to {} and {}",
                        label(&graph.nodes[*first]),
                        label(&graph.nodes[*last])
                    ),
                    "the graph must be one path from input to output",
                ));
            }
        };
        let node = &graph.nodes[index];
        if std::mem::replace(&mut visited[index], true) {
            return Err(Error::format(label(node), "stands in a cycle"));
        }
        walk.step(node, value).within(label(node))?;
        value = match &node.outputs[..] {
            [one] => one,
            [one, rest @ ..] if rest.iter().all(|name| !readers.contains_key(name.as_str())) => one,
            _ => return Err(Error::format(label(node), "must have one output in use")),
        };
    }
    if let Some(node) = graph.nodes.iter().zip(&visited).find_map(|(node, seen)| {
        let constant = node
            .outputs
            .iter()
            .any(|name| walk.constants.contains_key(name));
        (!seen && !constant).then_some(node)
    }) {
        return Err(Error::unsupported(
            "ONNX graph",
            label(node),
            "it is not on the path from the input to the output",
        ));
    }
    let complex = walk.layers.iter().any(|layer| layer.weight.is_complex());
    Model::new(Input::default(), walk.layers, default_readout(complex))
}

/// How a node is called in errors: its name and its operator.
fn label(node: &Node) -> String {
    let name = match (&*node.name, node.outputs.first()) {
        ("", Some(output)) => output,
        (name, _) => name,
    };
    format!("node `{name}` ({})", node.op)
}

/// Initializers, `Constant` nodes, and copies of them by `Identity`.
fn constants(graph: &Graph) -> Result<Tensors> {
    let mut constants = graph.constants.clone();
    for node in &graph.nodes {
        let Some(output) = node.outputs.first() else {
            continue;
        };
        let tensor = match (&*node.op, &node.inputs[..]) {
            ("Constant", []) => constant(node).within(label(node))?,
            ("Identity", [source]) if constants.contains_key(source) => constants[source].clone(),
            _ => continue,
        };
        constants.insert(output.clone(), tensor);
    }
    Ok(constants)
}

fn constant(node: &Node) -> Result<Tensor> {
    let vector = |data: Vec<f64>| Tensor::real("constant", vec![data.len()], data);
    let ints = |data: &[i64]| data.iter().map(|&int| int as f64).collect();
    match node
        .attributes
        .iter()
        .next()
        .map(|(name, value)| (name.as_str(), value))
    {
        Some(("value", Attribute::Tensor(tensor))) => Ok(tensor.clone()),
        Some(("value_float", Attribute::Float(x))) => Tensor::real("constant", vec![], vec![*x]),
        Some(("value_int", Attribute::Int(n))) => Tensor::real("constant", vec![], ints(&[*n])),
        Some(("value_floats", Attribute::Floats(list))) => vector(list.clone()),
        Some(("value_ints", Attribute::Ints(list))) => vector(ints(list)),
        _ => Err(Error::unsupported(
            "constant",
            "its value",
            "must be numbers",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Activation, Samples};
    use super::*;
    use crate::io::onnx::{build::*, parse};
    use ndarray::arr2;

    fn load(nodes: Vec<NodeProto>, constants: Vec<TensorProto>) -> Result<Model> {
        model(&parse(&file(nodes, constants)).unwrap())
    }

    fn error(nodes: Vec<NodeProto>, constants: Vec<TensorProto>) -> String {
        load(nodes, constants).unwrap_err().to_string()
    }

    fn w() -> TensorProto {
        weights("w", &[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    }

    fn shape(name: &str, ints: &[i64]) -> TensorProto {
        TensorProto {
            name: name.into(),
            dims: vec![ints.len() as i64],
            data_type: 7,
            int64_data: ints.into(),
            ..Default::default()
        }
    }

    fn logits(model: &Model, x: [f64; 2]) -> Vec<f64> {
        let samples = Samples::from(arr2(&[x]));
        model
            .forward::<f64>(&samples)
            .unwrap()
            .into_iter()
            .collect()
    }

    /// [1, 10] · [[1, 2, 3], [4, 5, 6]] = [41, 52, 63].
    #[test]
    fn a_product_and_a_sum_are_a_layer() {
        let nodes = vec![
            node("Flatten", &["x"], "a"),
            node("MatMul", &["a", "w"], "b"),
            node("Add", &["c", "b"], "d"),
            node("Dropout", &["d"], "e"),
            node("Identity", &["e"], "y"),
        ];
        let model = load(nodes, vec![w(), weights("c", &[3], &[1.0, 2.0, 3.0])]).unwrap();
        assert_eq!(logits(&model, [1.0, 10.0]), [42.0, 54.0, 66.0]);
        assert_eq!(model.layers[0].name, "/b");
    }

    /// 2 · (X Bᵀ) + ½ · c with B = [[1, 2], [3, 4], [5, 6]] and a broadcast c = 1.
    #[test]
    fn gemm_takes_its_factors_and_its_transposition() {
        let mut gemm = node("Gemm", &["x", "fc.weight", "c"], "y");
        let float = |name: &str, f| AttributeProto {
            name: name.into(),
            f,
            kind: 1,
            ..Default::default()
        };
        gemm.attribute = vec![int("transB", 1), float("alpha", 2.0), float("beta", 0.5)];
        let b = weights("fc.weight", &[3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let model = load(vec![gemm], vec![b, weights("c", &[1], &[1.0])]).unwrap();
        assert_eq!(logits(&model, [1.0, 10.0]), [42.5, 86.5, 130.5]);
        assert_eq!(model.layers[0].name, "fc");
    }

    #[test]
    fn every_activation_operator_becomes_its_activation() {
        for (op, activation) in [
            ("Relu", Activation::Relu),
            ("LeakyRelu", Activation::LeakyRelu { slope: 0.01 }),
            ("Tanh", Activation::Tanh),
            ("Sigmoid", Activation::Sigmoid),
            ("Softplus", Activation::Softplus),
            ("Gelu", Activation::Gelu),
            ("Softmax", Activation::Softmax),
            ("LogSoftmax", Activation::LogSoftmax),
        ] {
            let nodes = vec![node("MatMul", &["x", "w"], "a"), node(op, &["a"], "y")];
            assert_eq!(
                load(nodes, vec![w()]).unwrap().layers[0].activation,
                activation
            );
        }
    }

    #[test]
    fn constants_may_be_nodes_and_copies() {
        let mut constant = node("Constant", &[], "w");
        let t = Some(w());
        constant.attribute = vec![AttributeProto {
            name: "value".into(),
            t,
            kind: 4,
            ..Default::default()
        }];
        let nodes = vec![
            constant,
            node("Identity", &["w"], "v"),
            node("Reshape", &["x", "s"], "a"),
            node("MatMul", &["a", "v"], "y"),
        ];
        let model = load(nodes, vec![shape("s", &[-1, 2])]).unwrap();
        assert_eq!(logits(&model, [1.0, 0.0]), [1.0, 2.0, 3.0]);
    }

    #[test]
    fn what_is_no_path_of_layers_is_refused_by_node() {
        let product = || node("MatMul", &["x", "w"], "a");
        let e = error(vec![product(), node("Conv", &["a", "w"], "y")], vec![w()]);
        assert!(
            e.starts_with("node `/y` (Conv): operator: `Conv` is not supported: must be Gemm"),
            "{e}"
        );
        let e = error(vec![product(), node("Add", &["a", "a"], "y")], vec![w()]);
        assert!(
            e.contains("a branch to node `/y` (Add) and node `/y` (Add)"),
            "{e}"
        );
        let e = error(
            vec![
                product(),
                node("Relu", &["a"], "b"),
                node("Tanh", &["b"], "y"),
            ],
            vec![w()],
        );
        assert!(e.contains("one activation"), "{e}");
        let e = error(
            vec![node("Relu", &["x"], "a"), node("MatMul", &["a", "w"], "y")],
            vec![w()],
        );
        assert!(e.contains("node `/a` (Relu)"), "{e}");
        let e = error(vec![node("MatMul", &["w", "x"], "y")], vec![w()]);
        assert!(e.contains("must be its first operand"), "{e}");
        let e = error(vec![node("MatMul", &["x", "q"], "y")], vec![]);
        assert!(e.contains("`q`: `a computed value`"), "{e}");
        let e = error(vec![product(), node("Relu", &["w"], "z")], vec![w()]);
        assert!(e.contains("`a`: is read by no node"), "{e}");
        let stray = vec![node("MatMul", &["x", "w"], "y"), node("Relu", &["w"], "z")];
        assert!(error(stray, vec![w()]).contains("not on the path"));
        let cycle = vec![node("Identity", &["x"], "x")];
        assert!(error(cycle, vec![]).contains("cycle"));
        assert!(error(vec![node("Identity", &["x"], "y")], vec![]).contains("no layers"));
    }

    #[test]
    fn a_reshape_must_keep_samples_apart() {
        for (target, right) in [
            (&[-1, 2][..], true),
            (&[0, -1], true),
            (&[-1, -1], true),
            (&[2, -1], false),
            (&[-1, 3], false),
            (&[-1, 1, 2], false),
        ] {
            let nodes = vec![
                node("Reshape", &["x", "s"], "a"),
                node("MatMul", &["a", "w"], "y"),
            ];
            let loaded = load(nodes, vec![w(), shape("s", target)]);
            assert_eq!(loaded.is_ok(), right, "{target:?}");
        }
    }

    #[test]
    fn sums_elsewhere_and_wrong_widths_are_refused() {
        let c = || weights("c", &[2], &[1.0, 2.0]);
        let e = error(
            vec![
                node("Add", &["x", "c"], "a"),
                node("MatMul", &["a", "w"], "y"),
            ],
            vec![w(), c()],
        );
        assert!(e.contains("only straight after MatMul or Gemm"), "{e}");
        let e = error(
            vec![
                node("MatMul", &["x", "w"], "a"),
                node("Add", &["a", "c"], "y"),
            ],
            vec![w(), c()],
        );
        assert!(e.contains("tensor `c` has shape [2]: must be [3]"), "{e}");
    }

    #[test]
    fn no_flipped_byte_of_a_file_makes_the_walk_panic() {
        let nodes = vec![
            node("Reshape", &["x", "s"], "a"),
            node("Gemm", &["a", "w", "c"], "b"),
            node("Softmax", &["b"], "y"),
        ];
        let good = file(
            nodes,
            vec![w(), shape("s", &[-1, 2]), weights("c", &[3], &[1.0; 3])],
        );
        for position in 0..good.len() {
            let mut bytes = good.clone();
            for wrong in 0..=255 {
                bytes[position] = wrong;
                let _ = parse(&bytes).and_then(|graph| model(&graph));
            }
            let _ = parse(&good[..position]).and_then(|graph| model(&graph));
        }
    }
}
