//! What the matrices of a graph are called.

use std::collections::BTreeMap;

use tract_onnx::pb::{GraphProto, NodeProto};

/// Operators that hand on what they are given, in another shape or type.
const HANDS_ON: [&str; 8] = [
    "Transpose",
    "DequantizeLinear",
    "QuantizeLinear",
    "Identity",
    "Cast",
    "Reshape",
    "Squeeze",
    "Unsqueeze",
];

/// What the weights of an exporter end in.
const ENDINGS: [&str; 5] = ["_quantized", ".weight", "_weight", ".kernel", ".w"];

/// The names that maps get, by node.
pub(super) struct Names<'a> {
    graph: &'a GraphProto,
    /// The node that makes a value.
    makers: BTreeMap<&'a str, &'a NodeProto>,
}

impl<'a> Names<'a> {
    pub(super) fn of(graph: &'a GraphProto) -> Self {
        let outputs = |node: &'a NodeProto| node.output.iter().map(move |name| (&**name, node));
        Self {
            graph,
            makers: graph.node.iter().flat_map(outputs).collect(),
        }
    }

    /// All nodes of the file.
    pub(super) fn nodes(&self) -> &'a [NodeProto] {
        &self.graph.node
    }

    /// Whether `node` looks rows of stored numbers up.
    pub(super) fn is_table(&self, node: &NodeProto) -> bool {
        let table = node.input.first().and_then(|input| self.weight(input));
        let mut stored = self.graph.initializer.iter();
        stored.any(|tensor| Some(&*tensor.name) == table && tensor.dims.len() == 2)
    }

    /// Number of elements of the stored tensor that `value` is, or is made of by operators that hand on.
    pub(super) fn stored(&self, value: &str) -> Option<usize> {
        let name = self.weight(value)?;
        let mut stored = self.graph.initializer.iter();
        let tensor = stored.find(|tensor| tensor.name == name)?;
        Some(tensor.dims.iter().product::<i64>() as usize)
    }

    /// The node of the file that became `node`, whose name may go on behind a point.
    pub(super) fn node(&self, node: &str) -> Option<&'a NodeProto> {
        let exact = self.graph.node.iter().find(|proto| proto.name == node);
        exact.or_else(|| {
            let nodes = self.graph.node.iter();
            nodes
                .filter(|proto| {
                    let rest = node.strip_prefix(&*proto.name);
                    !proto.name.is_empty() && rest.is_some_and(|rest| rest.starts_with('.'))
                })
                .max_by_key(|proto| proto.name.len())
        })
    }

    /// What the matrix of `node` is called: as its weights are where these have a name of their own (`fc1` of `fc1.weight`),
    /// else as the node is (`fc1` of `/fc1/Gemm`).
    pub(super) fn map(&self, node: &str) -> String {
        let Some(proto) = self.node(node) else {
            return node.to_owned();
        };
        let weights = proto.input.iter().filter_map(|input| self.weight(input));
        for weight in weights {
            let bare = ENDINGS.iter().fold(weight, |name, ending| {
                name.strip_suffix(ending).unwrap_or(name)
            });
            // PyTorch's exporter numbers weights that it has transposed.
            if bare.len() < weight.len() && !bare.is_empty() && !bare.contains("::") {
                return bare.to_owned();
            }
        }
        let path = proto.name.trim_start_matches('/');
        match path.rsplit_once('/') {
            Some((module, operator)) if operator.starts_with(&proto.op_type) => module.to_owned(),
            _ => path.to_owned(),
        }
    }

    /// The stored tensor that `value` is, or is made of by operators that hand on.
    fn weight(&self, value: &str) -> Option<&'a str> {
        let mut value = value;
        // No longer than the graph, for a file may go in a circle.
        for _ in 0..=self.graph.node.len() {
            let stored = self.graph.initializer.iter();
            if let Some(tensor) = stored
                .map(|tensor| &*tensor.name)
                .find(|name| *name == value)
            {
                return Some(tensor);
            }
            let maker = self.makers.get(value)?;
            if !HANDS_ON.contains(&&*maker.op_type) {
                return None;
            }
            value = maker.input.first()?;
        }
        None
    }
}
