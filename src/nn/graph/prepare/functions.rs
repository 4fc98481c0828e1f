//! Functions that a file defines are put in place of the nodes that call them.

use std::collections::{BTreeMap, HashMap};

use prost::Message;
use tract_onnx::pb::{AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto};

use super::names::Names;
use super::{operators, view};
use crate::error::{Error, Result};
use crate::io::UNPACKED_LIMIT;

/// The most nodes that calls may grow to: functions that call each other twice double with every level.
const NODES: usize = 20_000;

/// Operators that mean something else from some version of the standard set on, and these versions.
const CHANGED: [(&str, &[i64]); 14] = [
    ("Clip", &[11]),
    ("GridSample", &[20]),
    ("GroupNormalization", &[21]),
    ("LogSoftmax", &[13]),
    ("Pad", &[11]),
    ("ReduceMax", &[18]),
    ("ReduceMean", &[18]),
    ("ReduceSum", &[13]),
    ("Resize", &[11, 13]),
    ("Slice", &[10]),
    ("Softmax", &[13]),
    ("Split", &[13]),
    ("Squeeze", &[13]),
    ("Unsqueeze", &[13]),
];

/// Fields of functions that tract does not decode; numbers after `onnx.proto`.
#[derive(Clone, PartialEq, Message)]
struct Rest {
    #[prost(message, repeated, tag = "25")]
    functions: Vec<RestOfFunction>,
}

#[derive(Clone, PartialEq, Message)]
struct RestOfFunction {
    /// Attributes that have a default, and the default.
    #[prost(message, repeated, tag = "11")]
    defaults: Vec<AttributeProto>,
}

/// Domain and name, as a node calls a function.
type Key = (String, String);

struct Function {
    proto: FunctionProto,
    defaults: Vec<AttributeProto>,
}

/// No node of `model`, whose file holds `bytes`, calls a function any more.
///
/// # Errors
/// [`Error::Format`] for functions that are defined twice, call themselves, or do not fit their calls;
/// [`Error::Value`] for more than 20 000 nodes.
pub(super) fn inline(model: &mut ModelProto, bytes: &[u8]) -> Result<()> {
    if model.functions.is_empty() {
        return Ok(());
    }
    let rest = Rest::decode(bytes).unwrap_or_default().functions;
    let mut rest = rest.into_iter().map(|rest| rest.defaults);
    let mut functions = BTreeMap::new();
    for proto in std::mem::take(&mut model.functions) {
        let key = (proto.domain().to_owned(), proto.name().to_owned());
        let what = format!("function `{}`", proto.name());
        let defaults = rest.next().unwrap_or_default();
        if functions
            .insert(key, Function { proto, defaults })
            .is_some()
        {
            return Err(Error::format(what, "is defined twice: names must differ"));
        }
    }
    let version = operators::version(model);
    let Some(graph) = &mut model.graph else {
        return Ok(());
    };
    let mut inliner = Inliner {
        functions: &functions,
        version,
        names: Names::of(graph),
        nodes: 0,
        bytes: 0,
    };
    inliner.graph(graph, &mut Vec::new())
}

struct Inliner<'a> {
    functions: &'a BTreeMap<Key, Function>,
    version: i64,
    names: Names,
    nodes: usize,
    bytes: usize,
}

impl Inliner<'_> {
    fn graph(&mut self, graph: &mut GraphProto, calls: &mut Vec<Key>) -> Result<()> {
        let nodes = std::mem::take(&mut graph.node);
        for node in nodes {
            self.node(node, calls, &mut graph.node)?;
        }
        Ok(())
    }

    /// `node`, or what the function that it calls is made of, behind `nodes`.
    fn node(
        &mut self,
        mut node: NodeProto,
        calls: &mut Vec<Key>,
        nodes: &mut Vec<NodeProto>,
    ) -> Result<()> {
        for body in view::bodies_mut(&mut node) {
            self.graph(body, calls)?;
        }
        let key = (node.domain.clone(), node.op_type.clone());
        let Some(function) = self.functions.get(&key) else {
            nodes.push(node);
            return Ok(());
        };
        let what = view::words(&node);
        if calls.contains(&key) {
            return Err(Error::format(what, "calls itself: functions must end"));
        }
        self.check_versions(&what, function)?;
        calls.push(key);
        for inner in self.body(&what, node, function)? {
            self.nodes += 1;
            self.bytes = self.bytes.saturating_add(inner.encoded_len());
            if self.nodes > NODES || self.bytes as u64 > UNPACKED_LIMIT {
                let what = format!("{what}: nodes of its functions");
                return Err(Error::value(
                    what,
                    "more",
                    format!("at most {NODES} in all, and {UNPACKED_LIMIT} bytes"),
                ));
            }
            self.node(inner, calls, nodes)?;
        }
        calls.pop();
        Ok(())
    }

    /// The nodes of `function` in the names of its `call`.
    fn body(&mut self, what: &str, call: NodeProto, function: &Function) -> Result<Vec<NodeProto>> {
        let Function { proto, defaults } = function;
        let too_many =
            call.input.len() > proto.input.len() || call.output.len() > proto.output.len();
        if too_many {
            let reason = format!(
                "has {} inputs and {} outputs: must have at most the {} and {} of its function",
                call.input.len(),
                call.output.len(),
                proto.input.len(),
                proto.output.len()
            );
            return Err(Error::format(what, reason));
        }
        let named = [
            &*call.name,
            call.output.first().map_or("", String::as_str),
            &*call.op_type,
        ];
        let name = named
            .into_iter()
            .find(|name| !name.is_empty())
            .unwrap_or_default();
        let mut renamed = Renamed {
            prefix: name.to_owned(),
            names: &mut self.names,
            map: HashMap::new(),
        };
        let mut handed_on = Vec::new();
        for (index, formal) in proto.input.iter().enumerate() {
            let actual = call.input.get(index).cloned().unwrap_or_default();
            renamed.map.insert(formal.clone(), actual);
        }
        for (formal, actual) in proto.output.iter().zip(&call.output) {
            match renamed.map.get(formal) {
                _ if actual.is_empty() => {}
                Some(input) => handed_on.push(view::node(actual, "Identity", &[input], actual)),
                None => {
                    renamed.map.insert(formal.clone(), actual.clone());
                }
            }
        }
        let given = |name: &str| {
            let attributes = call.attribute.iter().chain(defaults);
            attributes
                .into_iter()
                .find(|attribute| attribute.name == name)
        };
        let mut nodes = proto.node.clone();
        for node in &mut nodes {
            substitute(node, &given);
            renamed.node(node);
        }
        nodes.extend(handed_on);
        Ok(nodes)
    }

    /// Fails where `function` is written in another version of the standard operators, and that changes its meaning.
    fn check_versions(&self, what: &str, function: &Function) -> Result<()> {
        let mut imports = function.proto.opset_import.iter();
        let Some(import) = imports.find(|import| operators::is_standard(&import.domain)) else {
            return Ok(());
        };
        let (low, high) = (
            self.version.min(import.version),
            self.version.max(import.version),
        );
        let changed = |node: &&NodeProto| {
            let mut rows = CHANGED
                .iter()
                .filter(|row| operators::is_standard(&node.domain) && row.0 == node.op_type);
            rows.any(|row| row.1.iter().any(|&since| low < since && since <= high))
        };
        match function.proto.node.iter().find(changed) {
            Some(node) => Err(Error::unsupported(
                format!("{what}: operator set of its function"),
                import.version.to_string(),
                format!(
                    "{} means something else in the {} of the graph",
                    node.op_type, self.version
                ),
            )),
            None => Ok(()),
        }
    }
}

/// Attributes of `node`, and of the nodes in its bodies, that stand for one of the call get its value.
///
/// One that is neither given nor has a default is left out.
fn substitute<'a>(node: &mut NodeProto, given: &impl Fn(&str) -> Option<&'a AttributeProto>) {
    node.attribute.retain_mut(|attribute| {
        if attribute.ref_attr_name.is_empty() {
            return true;
        }
        let Some(value) = given(&attribute.ref_attr_name) else {
            return false;
        };
        let name = std::mem::take(&mut attribute.name);
        *attribute = AttributeProto {
            name,
            ..value.clone()
        };
        true
    });
    for body in view::bodies_mut(node) {
        body.node
            .iter_mut()
            .for_each(|node| substitute(node, given));
    }
}

/// Names of a function, and what they are in the graph that calls it.
struct Renamed<'a> {
    prefix: String,
    names: &'a mut Names,
    map: HashMap<String, String>,
}

impl Renamed<'_> {
    fn name(&mut self, name: &mut String) {
        if name.is_empty() {
            return;
        }
        if let Some(known) = self.map.get(name) {
            name.clone_from(known);
            return;
        }
        let new = self.names.unique(&format!("{}/{name}", self.prefix));
        self.map.insert(std::mem::replace(name, new.clone()), new);
    }

    fn node(&mut self, node: &mut NodeProto) {
        if !node.name.is_empty() {
            node.name = self.names.unique(&format!("{}/{}", self.prefix, node.name));
        }
        let names = node.input.iter_mut().chain(&mut node.output);
        names.for_each(|name| self.name(name));
        for body in view::bodies_mut(node) {
            let inputs = body.input.iter_mut().map(|input| &mut input.name);
            let outputs = body.output.iter_mut().map(|output| &mut output.name);
            let constants = body.initializer.iter_mut().map(|tensor| &mut tensor.name);
            inputs
                .chain(outputs)
                .chain(constants)
                .for_each(|name| self.name(name));
            body.value_info.clear();
            body.node.iter_mut().for_each(|node| self.node(node));
        }
    }
}
