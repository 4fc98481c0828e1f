//! What each operator on the path adds to the network.

use ndarray::Array1;

use super::Attributes;
use super::activation::operators;
use crate::error::{Error, Result};
use crate::io::onnx::Node;
use crate::io::{Tensor, TensorData, Tensors};
use crate::nn::load::state_dict::{bias, weight};
use crate::nn::{Activation, Bias, Layer, Weight};

/// Operators that are accepted beside activations.
const OPERATORS: &str = "Gemm, MatMul, Add, BatchNormalization, Flatten, Reshape, Identity, Dropout, Constant or an \
                         activation";

/// The error for an operator that is none of those.
fn unknown_operator(got: String) -> Error {
    let limit = format!("must be {OPERATORS}: {}", operators().join(", "));
    Error::unsupported("operator", got, limit)
}

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
            return Err(unknown_operator(got));
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
            "BatchNormalization" => self.batch_norm(node),
            "Flatten" => match attributes.int("axis", 1)? {
                1 => Ok(()),
                axis => Err(Error::value("axis", axis, "1, so that samples stay apart")),
            },
            "Reshape" => self.reshape(node),
            "Identity" => Ok(()),
            "Dropout" => self.dropout(node),
            activation if operators().contains(&activation) => Err(Error::unsupported(
                format!("operands of {activation}"),
                "a computed value",
                "those after the samples must be initializers or Constant nodes",
            )),
            other => Err(unknown_operator(other.to_owned())),
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
        // A weight that two nodes share names the first of them.
        let is_free =
            |name: &&str| !name.is_empty() && self.layers.iter().all(|layer| layer.name() != *name);
        let known = stored.strip_suffix(".weight").unwrap_or_default();
        let name = [known, &node.name, stored].into_iter().find(is_free);
        let name = name.unwrap_or(stored);
        self.layers
            .push(Layer::new(name, weight, None, Activation::Identity));
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
        let outputs = layer.linear.outputs();
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

    /// Computes a batch norm into the last layer, as in evaluation: `scale · (y − mean) / √(variance + ε) + offset`.
    fn batch_norm(&mut self, node: &Node) -> Result<()> {
        let attributes = Attributes(node);
        if attributes.int("training_mode", 0)? != 0 {
            return Err(Error::value(
                "training_mode",
                1,
                "0: export the network with eval()",
            ));
        }
        let epsilon = attributes.float("epsilon", 1e-5)?;
        let [_, scale, offset, mean, variance] = &node.inputs[..] else {
            let reason = format!("are {}: must be 5", node.inputs.len());
            return Err(Error::format("operands", reason));
        };
        let vector = |name: &str| {
            self.constant(name)?
                .into_vector(&format!("tensor `{name}`"))
        };
        let (scale, offset) = (vector(scale)?, vector(offset)?);
        let (mean, variance) = (vector(mean)?, vector(variance)?);
        let (Some(layer), true) = (self.layers.last_mut(), self.fresh) else {
            return Err(Error::unsupported(
                "BatchNorm",
                "elsewhere",
                "must stand straight after MatMul or Gemm",
            ));
        };
        let outputs = layer.linear.outputs();
        for (what, vector) in [
            ("scale", &scale),
            ("offset", &offset),
            ("mean", &mean),
            ("variance", &variance),
        ] {
            if vector.len() != outputs {
                let limit = format!("[{outputs}], one number an output");
                return Err(Error::shape(what, [vector.len()], limit));
            }
        }
        let groups = &mut layer.linear.groups[..];
        let ([Weight::Real(weight)], None | Some(Bias::Real(_))) = (groups, &layer.bias) else {
            return Err(Error::unsupported(
                "BatchNorm",
                "of complex numbers",
                "must be real",
            ));
        };
        let factor = scale / (variance + epsilon).sqrt();
        for (mut row, factor) in weight.rows_mut().into_iter().zip(&factor) {
            row *= *factor;
        }
        let bias = match layer.bias.take() {
            Some(Bias::Real(bias)) => bias,
            _ => Array1::zeros(outputs),
        };
        layer.bias = Some(Bias::Real((bias - mean) * factor + offset));
        Ok(())
    }

    /// Puts `activation` behind the last layer.
    pub(super) fn activate(&mut self, activation: Activation) -> Result<()> {
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
            if let Some(layer) = self.layers.last().filter(|l| l.linear.outputs() != columns) {
                return Err(Error::shape(
                    "target",
                    [-1, columns as i64],
                    format!(
                        "[-1, {}], the outputs of the layer before it",
                        layer.linear.outputs()
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
                    "false: export the network with eval()",
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
