//! From an ONNX graph to a model: one path from the input to the output.

use std::collections::BTreeMap;

use ndarray::Array1;

use super::load::{bias, default_readout, weight};
use super::model::{Bias, Layer, Model, Weight};
use super::{Activation, Input};
use crate::error::{Context, Error, Result};
use crate::io::onnx::{Attribute, Graph, Node};
use crate::io::{Tensor, TensorData, Tensors};

/// What operators are accepted, for error messages.
const OPERATORS: &str = "must be Gemm, MatMul, Add, Flatten, Reshape, Relu, LeakyRelu, Tanh, Sigmoid, Softplus, \
     Gelu, Softmax, LogSoftmax, Identity, Dropout or Constant";

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
    let mut walk = Walk {
        constants,
        batch,
        layers: Vec::new(),
        fresh: false,
        features: None,
    };
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

/// The layers found so far on the way from input to output.
struct Walk {
    constants: Tensors,
    /// The length of the first axis of the input, where the file fixes it.
    batch: Option<usize>,
    layers: Vec<Layer>,
    /// Whether the last layer may still take a bias or an activation.
    fresh: bool,
    /// The width that a Reshape promised to the next layer.
    features: Option<usize>,
}

impl Walk {
    /// Takes in `node`, which reads `value`.
    fn step(&mut self, node: &Node, value: &str) -> Result<()> {
        if !matches!(&*node.domain, "" | "ai.onnx") {
            let got = format!("{}.{}", node.domain, node.op);
            return Err(Error::unsupported("operator", got, OPERATORS));
        }
        if node.op != "Add" && node.inputs.first().is_none_or(|first| first != value) {
            return Err(Error::unsupported(
                format!("input `{value}`"),
                "second operand",
                "samples must be its first operand, constants the others",
            ));
        }
        let attributes = Attributes(node);
        match &*node.op {
            "Gemm" => self.gemm(node),
            "MatMul" => {
                let weight = self.matrix(node, false)?;
                self.push(node, weight)
            }
            "Add" => self.add(node, value),
            "Flatten" => match attributes.int("axis", 1)? {
                1 => Ok(()),
                axis => Err(Error::value("axis", axis, "1, so that samples stay apart")),
            },
            "Reshape" => self.reshape(node),
            "Identity" => Ok(()),
            "Dropout" => self.dropout(node),
            "Relu" => self.activate(Activation::Relu),
            "LeakyRelu" => {
                let slope = attributes.float("alpha", 0.01)?;
                self.activate(Activation::LeakyRelu { slope })
            }
            "Tanh" => self.activate(Activation::Tanh),
            "Sigmoid" => self.activate(Activation::Sigmoid),
            "Softplus" => self.activate(Activation::Softplus),
            "Gelu" => match attributes.text("approximate", "none")? {
                "none" => self.activate(Activation::Gelu),
                "tanh" => self.activate(Activation::GeluTanh),
                other => Err(Error::value("approximate", other, "none or tanh")),
            },
            "Softmax" | "LogSoftmax" => match attributes.int("axis", -1)? {
                1 | -1 if node.op == "Softmax" => self.activate(Activation::Softmax),
                1 | -1 => self.activate(Activation::LogSoftmax),
                axis => Err(Error::value("axis", axis, "1 or -1, the features")),
            },
            other => Err(Error::unsupported("operator", other, OPERATORS)),
        }
    }

    /// `Y = alpha · X B + beta · C`, with `B` transposed or not.
    fn gemm(&mut self, node: &Node) -> Result<()> {
        let attributes = Attributes(node);
        if attributes.int("transA", 0)? != 0 {
            return Err(Error::value("transA", 1, "0: samples are rows"));
        }
        let transposed = match attributes.int("transB", 0)? {
            0 => false,
            1 => true,
            other => return Err(Error::value("transB", other, "0 or 1")),
        };
        let alpha = attributes.float("alpha", 1.0)?;
        let beta = attributes.float("beta", 1.0)?;
        let weight = match self.matrix(node, transposed)? {
            Weight::Real(w) => Weight::Real(w * alpha),
            Weight::Complex(w) => Weight::Complex(w * alpha),
        };
        self.push(node, weight)?;
        match node.inputs.get(2).filter(|name| !name.is_empty()) {
            None => Ok(()),
            Some(name) => {
                let name = name.clone();
                self.add_bias(&name, beta)
            }
        }
    }

    /// The weight `[out, in]` of a product: its second operand, which is `[in, out]` unless `transposed`.
    fn matrix(&self, node: &Node, transposed: bool) -> Result<Weight> {
        let name = node.inputs.get(1).map_or("", String::as_str);
        let stored = weight(name, self.constant(name)?)?;
        Ok(match stored {
            stored if transposed => stored,
            Weight::Real(w) => Weight::Real(w.reversed_axes().as_standard_layout().into_owned()),
            Weight::Complex(w) => {
                Weight::Complex(w.reversed_axes().as_standard_layout().into_owned())
            }
        })
    }

    fn constant(&self, name: &str) -> Result<Tensor> {
        self.constants.get(name).cloned().ok_or_else(|| {
            Error::unsupported(
                format!("input `{name}`"),
                "a computed value",
                "must be an initializer or a Constant node",
            )
        })
    }

    fn push(&mut self, node: &Node, weight: Weight) -> Result<()> {
        if let Some(features) = self.features.take().filter(|&n| n != weight.inputs()) {
            let shape = [weight.outputs(), weight.inputs()];
            return Err(Error::shape(
                "weight",
                shape,
                format!("[out, {features}] after the Reshape"),
            ));
        }
        let stored = &node.inputs[1];
        let name = match stored.strip_suffix(".weight") {
            Some(name) => name,
            None if node.name.is_empty() => stored,
            None => &node.name,
        };
        self.layers.push(Layer {
            name: name.to_owned(),
            weight,
            bias: None,
            activation: Activation::Identity,
        });
        self.fresh = true;
        Ok(())
    }

    fn add(&mut self, node: &Node, value: &str) -> Result<()> {
        match &node.inputs[..] {
            [a, b] if a == value && b != value => self.add_bias(b, 1.0),
            [a, b] if b == value && a != value => self.add_bias(a, 1.0),
            _ => Err(Error::format(
                "operands",
                "must be the samples and a constant",
            )),
        }
    }

    /// Adds `factor · C` to the bias of the last layer, with the constant `name` broadcast to its outputs.
    fn add_bias(&mut self, name: &str, factor: f64) -> Result<()> {
        let tensor = self.constant(name)?;
        let Some(layer) = self.layers.last_mut().filter(|_| self.fresh) else {
            return Err(Error::unsupported(
                format!("input `{name}`"),
                "a sum",
                "a constant may be added only straight after MatMul or Gemm",
            ));
        };
        let outputs = layer.weight.outputs();
        let width = match tensor.shape() {
            [] => 1,
            [width] | [1, width] => *width,
            other => return Err(Error::shape(format!("tensor `{name}`"), other, "[out]")),
        };
        let flat = match tensor.data().clone() {
            TensorData::Real(data) => Tensor::real(name, vec![width], data)?,
            TensorData::Complex(data) => Tensor::complex(name, vec![width], data)?,
        };
        let added = match bias(name, flat)? {
            Bias::Real(b) => broadcast(b * factor, outputs).map(Bias::Real),
            Bias::Complex(b) => broadcast(b * factor, outputs).map(Bias::Complex),
        };
        let limit = || format!("[{outputs}], one number an output");
        let added =
            added.ok_or_else(|| Error::shape(format!("tensor `{name}`"), [width], limit()))?;
        layer.bias = Some(match (layer.bias.take(), added) {
            (None, added) => added,
            (Some(Bias::Real(a)), Bias::Real(b)) => Bias::Real(a + b),
            (Some(Bias::Complex(a)), Bias::Complex(b)) => Bias::Complex(a + b),
            (Some(Bias::Real(a)), Bias::Complex(b)) | (Some(Bias::Complex(b)), Bias::Real(a)) => {
                Bias::Complex(b + a.mapv(num_complex::Complex::from))
            }
        });
        Ok(())
    }

    fn activate(&mut self, activation: Activation) -> Result<()> {
        match self.layers.last_mut() {
            Some(layer) if self.fresh => {
                layer.activation = activation;
                self.fresh = false;
                Ok(())
            }
            _ => Err(Error::unsupported(
                "activation",
                activation.name(),
                "each layer takes one activation, after its product",
            )),
        }
    }

    /// A reshape to `[samples, features]` changes nothing here: features lie in the same order.
    fn reshape(&mut self, node: &Node) -> Result<()> {
        let name = node.inputs.get(1).map_or("", String::as_str);
        let target = self.constant(name)?.into_vector(name)?;
        let one_sample_a_row = |rows: f64| {
            rows == -1.0 || rows == 0.0 || self.batch.is_some_and(|batch| rows == batch as f64)
        };
        let [rows, columns] = target.as_slice().unwrap_or_default() else {
            return Err(Error::shape(
                "target",
                target.len(),
                "[samples, features]: two axes",
            ));
        };
        if !one_sample_a_row(*rows) || *columns < -1.0 || *columns == 0.0 {
            return Err(Error::value(
                "target",
                format!("[{rows}, {columns}]"),
                "[-1, features], [0, -1] or [batch, -1]",
            ));
        }
        if *columns > 0.0 {
            let columns = *columns as usize;
            if let Some(layer) = self.layers.last().filter(|l| l.weight.outputs() != columns) {
                return Err(Error::shape(
                    "target",
                    [-1, columns as i64],
                    format!(
                        "[-1, {}], the outputs of the layer before it",
                        layer.weight.outputs()
                    ),
                ));
            }
            self.features = Some(columns);
        }
        Ok(())
    }

    /// Dropout passes everything on at inference.
    fn dropout(&self, node: &Node) -> Result<()> {
        match node.inputs.get(2).filter(|name| !name.is_empty()) {
            None => Ok(()),
            Some(name) => match self.constant(name)?.data() {
                TensorData::Real(data) if data.iter().all(|&training| training == 0.0) => Ok(()),
                _ => Err(Error::value(
                    "training_mode",
                    "true",
                    "false: export the model with eval()",
                )),
            },
        }
    }
}

/// `b` itself or its only element `outputs` times.
fn broadcast<T: Copy>(b: Array1<T>, outputs: usize) -> Option<Array1<T>> {
    match b.len() {
        n if n == outputs => Some(b),
        1 => Some(Array1::from_elem(outputs, b[0])),
        _ => None,
    }
}

/// The attributes of a node, with their defaults.
struct Attributes<'a>(&'a Node);

impl<'a> Attributes<'a> {
    fn wrong(name: &str, kind: &str) -> Error {
        Error::format(format!("attribute `{name}`"), format!("must be {kind}"))
    }

    fn int(&self, name: &str, default: i64) -> Result<i64> {
        match self.0.attributes.get(name) {
            None => Ok(default),
            Some(Attribute::Int(int)) => Ok(*int),
            Some(_) => Err(Self::wrong(name, "an integer")),
        }
    }

    fn float(&self, name: &str, default: f64) -> Result<f64> {
        match self.0.attributes.get(name) {
            None => Ok(default),
            Some(Attribute::Float(float)) => Ok(*float),
            Some(_) => Err(Self::wrong(name, "a number")),
        }
    }

    fn text(&self, name: &str, default: &'a str) -> Result<&'a str> {
        match self.0.attributes.get(name) {
            None => Ok(default),
            Some(Attribute::Text(text)) => Ok(text),
            Some(_) => Err(Self::wrong(name, "a text")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Samples;
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
}
