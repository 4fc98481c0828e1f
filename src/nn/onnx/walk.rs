//! What each operator on the path adds to the network.

use ndarray::Array1;

use crate::error::{Error, Result};
use crate::io::onnx::{Attribute, Node};
use crate::io::{Tensor, TensorData, Tensors};
use crate::nn::load::{bias, weight};
use crate::nn::{Activation, Bias, Layer, Weight};

/// What operators are accepted, for error messages.
const OPERATORS: &str = "must be Gemm, MatMul, Add, Flatten, Reshape, Relu, LeakyRelu, Tanh, Sigmoid, Softplus, \
     Gelu, Softmax, LogSoftmax, Identity, Dropout or Constant";

/// The layers found so far on the way from input to output.
pub(super) struct Walk {
    /// Every constant of the graph by name.
    pub(super) constants: Tensors,
    /// The length of the first axis of the input, where the file fixes it.
    batch: Option<usize>,
    /// Layers in the order of the path.
    pub(super) layers: Vec<Layer>,
    /// Whether the last layer may still take a bias or an activation.
    fresh: bool,
    /// The width that a Reshape promised to the next layer.
    features: Option<usize>,
}

impl Walk {
    /// A walk that has met no node yet.
    pub(super) fn new(constants: Tensors, batch: Option<usize>) -> Self {
        Self {
            constants,
            batch,
            layers: Vec::new(),
            fresh: false,
            features: None,
        }
    }

    /// Takes in `node`, which reads `value`.
    pub(super) fn step(&mut self, node: &Node, value: &str) -> Result<()> {
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
        let stored = node.inputs.get(1).map_or("", String::as_str);
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
