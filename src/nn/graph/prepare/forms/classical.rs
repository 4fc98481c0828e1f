//! Operators of scikit-learn's exporter as plain ones: what computes scores is rewritten, what only names them goes.

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, TensorProto, type_proto};

use crate::error::{Error, Result};
use crate::nn::graph::prepare::names::Names;
use crate::nn::graph::prepare::{operators, view};

/// The domain of these operators.
const DOMAIN: &str = "ai.onnx.ml";

/// No node of `model` is a scaler, linear model, normalizer or map of names any more.
///
/// A lookup of texts stays as it is: it stands behind the scores, and where it does not it is refused by its name.
///
/// # Errors
/// [`Error::Format`] for coefficients that do not fit, [`Error::Unsupported`] for transformations behind a linear model
/// other than `SOFTMAX` and `LOGISTIC`.
pub(in crate::nn::graph::prepare) fn rewrite(model: &mut ModelProto) -> Result<()> {
    let opset = operators::version(model);
    let Some(graph) = &mut model.graph else {
        return Ok(());
    };
    if graph.node.iter().all(|node| node.domain != DOMAIN) {
        return Ok(());
    }
    let names = Names::of(graph);
    let nodes = std::mem::take(&mut graph.node);
    let mut plain = Plain {
        graph,
        names,
        opset,
    };
    for node in nodes {
        plain.rewrite(node)?;
    }
    Ok(())
}

/// The graph that is being written.
struct Plain<'a> {
    graph: &'a mut GraphProto,
    names: Names,
    opset: i64,
}

impl Plain<'_> {
    fn rewrite(&mut self, node: NodeProto) -> Result<()> {
        match (&*node.domain, &*node.op_type) {
            (DOMAIN, "Scaler") => self.scaler(&node),
            (DOMAIN, "Normalizer") => self.normalizer(&node),
            (DOMAIN, "LinearRegressor") => self.regressor(&node),
            (DOMAIN, "LinearClassifier") => self.classifier(&node),
            (DOMAIN, "ZipMap") => {
                let scores = input(&node, 0)?;
                self.write("Identity", &[&scores], output(&node, 0)?);
                Ok(())
            }
            (DOMAIN, "ArrayFeatureExtractor") => {
                let (x, places) = (input(&node, 0)?, input(&node, 1)?);
                let name = output(&node, 0)?;
                let flat = self.constant(view::int_tensor(&format!("{name}/flat"), &[-1]));
                let places = self.value("Reshape", &[&places, &flat], &format!("{name}/places"));
                let gather = view::node("", "Gather", &[&x, &places], name);
                self.graph.node.push(view::with_int(gather, "axis", -1));
                Ok(())
            }
            _ => {
                self.graph.node.push(node);
                Ok(())
            }
        }
    }

    /// (x − offset) scale.
    fn scaler(&mut self, node: &NodeProto) -> Result<()> {
        let name = output(node, 0)?;
        let (offset, scale) = (view::floats(node, "offset"), view::floats(node, "scale"));
        if offset.is_empty() || scale.is_empty() {
            return Err(Error::format(
                view::words(node),
                "has no offset or no scale",
            ));
        }
        let x = self.as_float(node)?;
        let offset = self.constant(view::float_tensor(
            &format!("{name}/offset"),
            &[offset.len()],
            offset,
        ));
        let scale = self.constant(view::float_tensor(
            &format!("{name}/scale"),
            &[scale.len()],
            scale,
        ));
        let centred = self.value("Sub", &[&x, &offset], &format!("{name}/centred"));
        self.write("Mul", &[&centred, &scale], name);
        Ok(())
    }

    /// Rows over their largest element, or over the sum or the norm of their elements; a row without stays as it is.
    fn normalizer(&mut self, node: &NodeProto) -> Result<()> {
        let name = output(node, 0)?;
        let norm = view::text(node, "norm").unwrap_or_else(|| "MAX".to_owned());
        let reduction = match &*norm {
            "MAX" => "ReduceMax",
            "L1" => "ReduceL1",
            "L2" => "ReduceL2",
            other => {
                return Err(Error::unsupported(
                    view::words(node),
                    format!("norm {other}"),
                    "MAX, L1 and L2 are",
                ));
            }
        };
        let x = self.as_float(node)?;
        let wanted = format!("{name}/norm");
        let norm = self.names.unique(&wanted);
        // Axes are an attribute in older operator sets and an input in newer ones.
        let reduce = if self.opset < 18 {
            view::with_ints(view::node("", reduction, &[&x], &norm), "axes", &[-1])
        } else {
            let axes = self.constant(view::int_tensor(&format!("{name}/axes"), &[-1]));
            view::node("", reduction, &[&x, &axes], &norm)
        };
        self.graph.node.push(view::with_int(reduce, "keepdims", 1));
        let zero = self.constant(view::float_tensor(&format!("{name}/zero"), &[], &[0.0]));
        let one = self.constant(view::float_tensor(&format!("{name}/one"), &[], &[1.0]));
        let none = self.value("Equal", &[&norm, &zero], &format!("{name}/none"));
        let divisor = self.value("Where", &[&none, &one, &norm], &format!("{name}/divisor"));
        self.write("Div", &[&x, &divisor], name);
        Ok(())
    }

    fn regressor(&mut self, node: &NodeProto) -> Result<()> {
        let targets = view::int(node, "targets").unwrap_or(1);
        match view::text(node, "post_transform").as_deref() {
            None | Some("NONE") => {}
            Some(other) => return Err(unsupported(node, other, "NONE is")),
        }
        let name = output(node, 0)?.to_owned();
        self.linear(node, usize::try_from(targets).unwrap_or(0), &name)
    }

    /// Labels and scores: those of every class, or of the second one where there is one row of coefficients.
    fn classifier(&mut self, node: &NodeProto) -> Result<()> {
        let labels =
            view::attribute(node, "classlabels_ints").map_or(&[][..], |labels| &labels.ints);
        let texts =
            view::attribute(node, "classlabels_strings").map_or(0, |labels| labels.strings.len());
        let classes = labels.len().max(texts);
        let rows = view::floats(node, "intercepts").len();
        if rows != classes && (rows, classes) != (1, 2) {
            let reason = format!(
                "has {rows} intercepts for {classes} classes: must have one a class, or one for two"
            );
            return Err(Error::format(view::words(node), reason));
        }
        let label = output(node, 0)?;
        let name = match node.output.get(1) {
            Some(scores) if !scores.is_empty() => scores.clone(),
            _ => self.names.unique(&format!("{label}/scores")),
        };
        let raw = self.names.unique(&format!("{name}/raw"));
        self.linear(node, rows, &raw)?;
        let transform = view::text(node, "post_transform");
        let transform = transform.as_deref().unwrap_or("NONE");
        // What is compared for the label: ONNX Runtime takes the second of two classes where its score is positive.
        let compared = if rows == 1 {
            let negative = self.value("Neg", &[&raw], &format!("{name}/negative"));
            let both = self.joined(&[&negative, &raw], &format!("{name}/both"));
            match transform {
                "LOGISTIC" => self.write("Sigmoid", &[&both], &name),
                "NONE" | "SOFTMAX" => {
                    let one =
                        self.constant(view::float_tensor(&format!("{name}/one"), &[], &[1.0]));
                    let rest = self.value("Sub", &[&one, &raw], &format!("{name}/rest"));
                    let scores = self.joined(&[&rest, &raw], &format!("{name}/joined"));
                    self.write("Identity", &[&scores], &name);
                }
                other => return Err(unsupported(node, other, "NONE, SOFTMAX and LOGISTIC are")),
            }
            both
        } else {
            match transform {
                "NONE" => self.write("Identity", &[&raw], &name),
                "LOGISTIC" => self.write("Sigmoid", &[&raw], &name),
                "SOFTMAX" => {
                    let softmax = view::node("", "Softmax", &[&raw], &name);
                    self.graph.node.push(view::with_int(softmax, "axis", 1));
                }
                other => return Err(unsupported(node, other, "NONE, SOFTMAX and LOGISTIC are")),
            }
            raw
        };
        self.label(node, labels, &compared)
    }

    /// The label of the largest score; one that is a text stays a lookup.
    fn label(&mut self, node: &NodeProto, labels: &[i64], scores: &str) -> Result<()> {
        let label = output(node, 0)?;
        let place = self.names.unique(&format!("{label}/place"));
        let largest = view::with_int(view::node("", "ArgMax", &[scores], &place), "axis", 1);
        self.graph.node.push(view::with_int(largest, "keepdims", 0));
        if labels.is_empty() {
            let mut lookup = view::node("", "LabelEncoder", &[&place], label);
            lookup.domain = DOMAIN.to_owned();
            self.graph.node.push(lookup);
        } else {
            let labels = self.constant(view::int_tensor(&format!("{label}/labels"), labels));
            self.write("Gather", &[&labels, &place], label);
        }
        Ok(())
    }

    /// W x + b with W `[rows, features]`, written to `name`.
    fn linear(&mut self, node: &NodeProto, rows: usize, name: &str) -> Result<()> {
        let coefficients = view::floats(node, "coefficients");
        let intercepts = view::floats(node, "intercepts");
        let fits = rows > 0 && !coefficients.is_empty() && coefficients.len().is_multiple_of(rows);
        if !fits || !(intercepts.is_empty() || intercepts.len() == rows) {
            let reason = format!(
                "has {} coefficients and {} intercepts: must have as many of each for every one of {rows} rows",
                coefficients.len(),
                intercepts.len()
            );
            return Err(Error::format(view::words(node), reason));
        }
        let x = self.as_float(node)?;
        let dims = [rows, coefficients.len() / rows];
        let weight = self.constant(view::float_tensor(
            &format!("{name}/coefficients"),
            &dims,
            coefficients,
        ));
        let mut inputs = vec![x, weight];
        if !intercepts.is_empty() {
            inputs.push(self.constant(view::float_tensor(
                &format!("{name}/intercepts"),
                &[rows],
                intercepts,
            )));
        }
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let gemm = view::node(&node.name, "Gemm", &inputs, name);
        self.graph.node.push(view::with_int(gemm, "transB", 1));
        Ok(())
    }

    /// What `node` reads first, in single precision.
    fn as_float(&mut self, node: &NodeProto) -> Result<String> {
        let x = input(node, 0)?;
        if self
            .graph
            .input
            .iter()
            .any(|input| input.name == x && is_single(input))
        {
            return Ok(x);
        }
        let name = self.names.unique(&format!("{x}/float"));
        let cast = view::node("", "Cast", &[&x], &name);
        self.graph
            .node
            .push(view::with_int(cast, "to", DataType::Float as i64));
        Ok(name)
    }

    fn joined(&mut self, inputs: &[&str], wanted: &str) -> String {
        let name = self.names.unique(wanted);
        let joined = view::node("", "Concat", inputs, &name);
        self.graph.node.push(view::with_int(joined, "axis", 1));
        name
    }

    fn constant(&mut self, mut tensor: TensorProto) -> String {
        tensor.name = self.names.unique(&tensor.name);
        let name = tensor.name.clone();
        self.graph.initializer.push(tensor);
        name
    }

    /// The name of what a new node writes.
    fn value(&mut self, op: &str, inputs: &[&str], wanted: &str) -> String {
        let name = self.names.unique(wanted);
        self.write(op, inputs, &name);
        name
    }

    fn write(&mut self, op: &str, inputs: &[&str], output: &str) {
        self.graph.node.push(view::node("", op, inputs, output));
    }
}

fn is_single(input: &tract_onnx::pb::ValueInfoProto) -> bool {
    let value = input.r#type.as_ref().and_then(|kind| kind.value.as_ref());
    let Some(type_proto::Value::TensorType(tensor)) = value else {
        return false;
    };
    tensor.elem_type == DataType::Float as i32
}

fn input(node: &NodeProto, index: usize) -> Result<String> {
    let name = node.input.get(index).filter(|name| !name.is_empty());
    name.cloned()
        .ok_or_else(|| Error::format(view::words(node), format!("has no input {index}")))
}

fn output(node: &NodeProto, index: usize) -> Result<&str> {
    let name = node.output.get(index).filter(|name| !name.is_empty());
    name.map(String::as_str)
        .ok_or_else(|| Error::format(view::words(node), format!("has no output {index}")))
}

fn unsupported(node: &NodeProto, transform: &str, limit: &str) -> Error {
    Error::unsupported(
        view::words(node),
        format!("post_transform {transform}"),
        limit,
    )
}
