//! What the first output of a graph comes from, where that says what its numbers mean.

use std::cell::Cell;
use std::collections::BTreeMap;

use tract_onnx::pb::{GraphProto, NodeProto, TensorProto};

use super::prepare::numbers;
use crate::nn::activation::Activation;

/// Operators that hand numbers on as they are, or some of them.
const HANDS_ON: [&str; 13] = [
    "Cast",
    "Clip",
    "DequantizeLinear",
    "Dropout",
    "Flatten",
    "Gather",
    "Identity",
    "QuantizeLinear",
    "Reshape",
    "Slice",
    "Squeeze",
    "Transpose",
    "Unsqueeze",
];

/// Operators that change no number, only its type or axes.
const RESHAPES: [&str; 8] = [
    "Cast",
    "Dropout",
    "Expand",
    "Flatten",
    "Identity",
    "Reshape",
    "Squeeze",
    "Unsqueeze",
];

/// The most operators that are looked at, on all ways to the output.
const LOOKS: usize = 256;

/// The activation that the numbers of the first output of `graph` come from: softmax and sigmoid where they are
/// probabilities, log-softmax where they are logarithms of probabilities, whoever wrote these as single operators or as
/// several.
pub(super) fn last_activation(graph: &GraphProto) -> Option<Activation> {
    let outputs = |node| -> Vec<(&str, &NodeProto)> {
        let node: &NodeProto = node;
        let names = node.output.iter().map(String::as_str);
        names.map(|name| (name, node)).collect()
    };
    let stored = graph.initializer.iter();
    let tail = Tail {
        makers: graph.node.iter().flat_map(outputs).collect(),
        stored: stored.map(|tensor| (&*tensor.name, tensor)).collect(),
        looks: Cell::new(LOOKS),
    };
    tail.meaning(&graph.output.first()?.name)
}

struct Tail<'a> {
    makers: BTreeMap<&'a str, &'a NodeProto>,
    stored: BTreeMap<&'a str, &'a TensorProto>,
    /// How many operators may still be looked at: ways that part and meet again are many.
    looks: Cell<usize>,
}

impl<'a> Tail<'a> {
    /// What `value` comes from.
    fn meaning(&self, value: &'a str) -> Option<Activation> {
        self.looks.set(self.looks.get().checked_sub(1)?);
        let node = *self.makers.get(value)?;
        let input = |index: usize| node.input.get(index).map(String::as_str);
        let of = |index: usize| self.meaning(input(index)?);
        match &*node.op_type {
            "Softmax" => Some(Activation::Softmax),
            "LogSoftmax" => Some(Activation::LogSoftmax),
            "Sigmoid" | "HardSigmoid" => Some(Activation::Sigmoid),
            op if HANDS_ON.contains(&op) => of(0),
            "Split" => of(0),
            "Reciprocal" => self.one_and_exp(input(0)?).map(|_| Activation::Sigmoid),
            "Pow" if self.is_number(input(1)?, -1.0) => {
                self.one_and_exp(input(0)?).map(|_| Activation::Sigmoid)
            }
            "Div" => self.ratio(input(0)?, input(1)?),
            "Mul" => {
                let (a, b) = (input(0)?, input(1)?);
                self.half_of(a, b)
                    .and_then(|sum| self.with_number(sum, "Add", 1.0))
                    .filter(|tanh| self.maker(tanh, "Tanh").is_some())
                    .map(|_| Activation::Sigmoid)
                    .or_else(|| self.over(a, b))
                    .or_else(|| self.over(b, a))
            }
            "Add" => {
                let product = self.other(input(0)?, input(1)?, 0.5)?;
                let product = self.maker(product, "Mul")?;
                let tanh = self.half_of(product.input.first()?, product.input.get(1)?)?;
                self.maker(tanh, "Tanh").map(|_| Activation::Sigmoid)
            }
            "Sub" => {
                let (a, b) = (input(0)?, input(1)?);
                // 1 − p is a probability where p is.
                if self.is_number(a, 1.0) {
                    return of(1).filter(is_probability).map(|_| Activation::Sigmoid);
                }
                self.is_log_of_sum(a, b).then_some(Activation::LogSoftmax)
            }
            "Log" => of(0).filter(is_probability).map(|_| Activation::LogSoftmax),
            // ln of a sigmoid is −ln(1 + e⁻ˣ).
            "Neg" => self
                .maker(input(0)?, "Softplus")
                .map(|_| Activation::LogSoftmax),
            "Exp" => match of(0)? {
                Activation::LogSoftmax => Some(Activation::Softmax),
                _ => None,
            },
            "Concat" => {
                let mut all = (0..node.input.len()).map(of);
                let first = all.next()??;
                all.all(|other| {
                    other.is_some_and(|other| is_probability(&other) == is_probability(&first))
                })
                .then_some(first)
            }
            _ => None,
        }
    }

    /// What a / b comes from: a sigmoid or a softmax that is written out.
    fn ratio(&self, a: &'a str, b: &'a str) -> Option<Activation> {
        if let Some(power) = self.one_and_exp(b) {
            let is_sigmoid = self.is_number(a, 1.0) || self.root(a) == self.root(power);
            return is_sigmoid.then_some(Activation::Sigmoid);
        }
        let sum = self.maker(b, "ReduceSum")?;
        let is_softmax =
            self.maker(a, "Exp").is_some() && self.root(sum.input.first()?) == self.root(a);
        is_softmax.then_some(Activation::Softmax)
    }

    /// What a · b comes from where b is one over something.
    fn over(&self, a: &'a str, b: &'a str) -> Option<Activation> {
        let reciprocal = self.maker(b, "Reciprocal");
        let below = reciprocal.and_then(|node| node.input.first());
        let ratio = self.maker(b, "Div").map(|node| &*node.input);
        let below = below.or_else(|| match ratio {
            Some([one, below]) if self.is_number(one, 1.0) => Some(below),
            _ => None,
        });
        self.ratio(a, below?)
    }

    /// Whether a − b is a − ln Σ e^a.
    fn is_log_of_sum(&self, a: &'a str, b: &'a str) -> bool {
        let log = |b| {
            let log = self.maker(b, "Log")?;
            let sum = self.maker(log.input.first()?, "ReduceSum")?;
            let power = self.maker(sum.input.first()?, "Exp")?;
            power.input.first()
        };
        let at_once = |b| self.maker(b, "ReduceLogSumExp")?.input.first();
        let summed = log(b).or_else(|| at_once(b));
        summed.is_some_and(|summed| self.root(summed) == self.root(a))
    }

    /// The power of e where `value` is 1 and it.
    fn one_and_exp(&self, value: &'a str) -> Option<&'a str> {
        let power = self.with_number(value, "Add", 1.0)?;
        self.maker(power, "Exp").map(|_| power)
    }

    /// The other operand where one of those of the `operator` that makes `value` is `number`.
    fn with_number(&self, value: &'a str, operator: &str, number: f64) -> Option<&'a str> {
        let node = self.maker(value, operator)?;
        self.other(node.input.first()?, node.input.get(1)?, number)
    }

    /// The other of `a` and `b` where one is ½.
    fn half_of(&self, a: &'a str, b: &'a str) -> Option<&'a str> {
        self.other(a, b, 0.5)
    }

    /// The other of `a` and `b` where one is `number`.
    fn other(&self, a: &'a str, b: &'a str, number: f64) -> Option<&'a str> {
        match (self.is_number(a, number), self.is_number(b, number)) {
            (true, false) => Some(b),
            (false, true) => Some(a),
            _ => None,
        }
    }

    /// The node that makes `value`, or what it is another shape of, where its operator is this one.
    fn maker(&self, value: &'a str, operator: &str) -> Option<&'a NodeProto> {
        let node = *self.makers.get(self.root(value))?;
        (node.op_type == operator).then_some(node)
    }

    /// The value that `value` is another shape of.
    fn root(&self, value: &'a str) -> &'a str {
        let mut value = value;
        for _ in 0..LOOKS {
            let node = self.makers.get(value);
            let node = node.filter(|node| RESHAPES.contains(&&*node.op_type));
            match node.and_then(|node| node.input.first()) {
                Some(input) => value = input,
                None => break,
            }
        }
        value
    }

    /// Whether `value` is a constant, all of whose elements are `number`.
    fn is_number(&self, value: &'a str, number: f64) -> bool {
        let root = self.root(value);
        let holds = |tensor: &TensorProto| {
            let mut all = numbers(tensor).peekable();
            all.peek().is_some() && all.all(|x| x == number)
        };
        if let Some(tensor) = self.stored.get(root) {
            return holds(tensor);
        }
        let Some(node) = self.maker(root, "Constant") else {
            return false;
        };
        node.attribute
            .iter()
            .any(|attribute| match &*attribute.name {
                "value" => attribute.t.as_ref().is_some_and(holds),
                "value_float" => f64::from(attribute.f) == number,
                _ => false,
            })
    }
}

fn is_probability(activation: &Activation) -> bool {
    matches!(activation, Activation::Softmax | Activation::Sigmoid)
}
