//! What of a graph goes to light.

use serde::{Deserialize, Serialize};
use tract_onnx::pb::NodeProto;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::internal::SymbolValues;
use tract_onnx::tract_core::ops::cnn::{Conv, Deconv};
use tract_onnx::tract_core::ops::einsum::EinSum;

use super::count::{products, repeated};
use super::light::{Found, found};
use super::names::Names;
use super::{Left, Why};
use crate::error::{Error, Result};

/// Names of maps or nodes that go to light, or stay digital; `*` stands for any run of characters.
///
/// What neither names goes to light, but for depthwise convolutions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chosen {
    /// Names of what goes to light.
    pub light: Vec<String>,
    /// Names of what stays digital.
    pub digital: Vec<String>,
}

/// Operators that multiply by constants, whatever becomes of them.
pub(super) const OPERATORS: [&str; 10] = [
    "If",
    "Scan",
    "LSTM",
    "GRU",
    "RNN",
    "MatMulInteger",
    "ConvInteger",
    "QLinearMatMul",
    "QLinearConv",
    "Gather",
];

/// Operators whose product with a constant would be light's.
pub(super) const PRODUCTS: [&str; 5] = ["Conv", "ConvTranspose", "Einsum", "Gemm", "MatMul"];

impl Left {
    /// Whether the number of its multiply-adds is not known.
    pub fn is_uncounted(&self) -> bool {
        matches!(self.why, Why::Operator(name) if name != "Gather") && self.products == 0
    }
}

impl Chosen {
    /// Why the map `name` of `node` stays digital; nothing where it goes to light.
    pub(super) fn why_digital(&self, name: &str, node: &str, found: &Found) -> Option<Why> {
        let is_in = |patterns: &[String]| {
            let mut patterns = patterns.iter();
            patterns.any(|pattern| matches(pattern, name) || matches(pattern, node))
        };
        if is_in(&self.digital) {
            Some(Why::Asked)
        } else if is_in(&self.light) || !found.is_depthwise {
            None
        } else {
            Some(Why::Depthwise)
        }
    }

    /// Fails where a pattern names no product of `model` that light could compute, by its map or its node.
    pub(super) fn check(&self, model: &TypedModel, names: &Names<'_>) -> Result<()> {
        let mut maps = Vec::new();
        let mut nodes = Vec::new();
        for node in model.nodes() {
            if found(model, node).is_ok_and(|found| found.is_some()) {
                maps.push(names.map(&node.name));
                nodes.push(&*node.name);
            }
        }
        let known: Vec<&str> = maps.iter().map(String::as_str).collect();
        for (what, patterns) in [("light", &self.light), ("digital", &self.digital)] {
            let is_vain = |pattern: &&String| {
                let mut all = known.iter().chain(&nodes);
                !all.any(|name| matches(pattern, name))
            };
            if let Some(pattern) = patterns.iter().find(is_vain) {
                return Err(Error::unknown(what, pattern, &known));
            }
        }
        Ok(())
    }

    /// The products of `model` that stay digital; as many `samples` pass in a run where symbols are as in `ones`.
    pub(super) fn left(
        &self,
        model: &TypedModel,
        names: &Names<'_>,
        ones: &SymbolValues,
        samples: usize,
    ) -> TractResult<Vec<Left>> {
        let mut left = Vec::new();
        for id in model.eval_order()? {
            let node = model.node(id);
            let name = names.map(&node.name);
            let why = match found(model, node)? {
                Some(found) => self.why_digital(&name, &node.name, &found),
                None if node.op_is::<EinSum>() => {
                    let mut constants = node.inputs.iter().map(|input| {
                        let fact = model.outlet_fact(*input)?;
                        Ok(fact.konst.is_some())
                    });
                    let is_computed =
                        constants.all(|known: TractResult<bool>| known.is_ok_and(|known| !known));
                    Some(if is_computed {
                        Why::Computed
                    } else {
                        Why::Operator("a product along axes that are no matrix's")
                    })
                }
                None if node.op_is::<Conv>() || node.op_is::<Deconv>() => Some(Why::Operator(
                    "a convolution with a kernel that is not constant, or of quantized numbers",
                )),
                None => None,
            };
            if let Some(why) = why {
                left.push(Left {
                    name,
                    why,
                    products: products(model, node, ones)?.div_ceil(samples),
                });
            }
        }
        for node in names.nodes() {
            if let Some(operator) = OPERATORS.iter().find(|name| **name == node.op_type) {
                let has_constants = match *operator {
                    "Gather" => names.is_table(node),
                    "If" | "Scan" => has_products(node),
                    _ => true,
                };
                if !has_constants {
                    continue;
                }
                let products = match *operator {
                    "LSTM" | "GRU" | "RNN" | "Scan" => repeated(model, names, node, ones, samples)?,
                    _ => None,
                };
                left.push(Left {
                    name: node.name.clone(),
                    why: Why::Operator(operator),
                    products: products.unwrap_or(0).div_ceil(samples),
                });
            }
        }
        Ok(left)
    }
}

/// Whether a body of `node` has a product.
fn has_products(node: &NodeProto) -> bool {
    let bodies = node
        .attribute
        .iter()
        .filter_map(|attribute| attribute.g.as_ref());
    let mut nodes = bodies.flat_map(|body| &body.node);
    nodes.any(|node| PRODUCTS.contains(&&*node.op_type) || has_products(node))
}

/// Whether `name` is what `pattern` says, in which `*` stands for any run of characters.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut name) = name.strip_prefix(start) else {
        return false;
    };
    let parts: Vec<&str> = rest.split('*').collect();
    let (last, between) = parts.split_last().expect("a split has a part");
    for part in between {
        match name.find(part) {
            Some(at) => name = &name[at + part.len()..],
            None => return false,
        }
    }
    name.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        for (pattern, name, is_match) in [
            ("fc1", "fc1", true),
            ("fc1", "fc12", false),
            ("fc*", "fc12", true),
            ("*", "", true),
            ("*.conv", "net.0.conv", true),
            ("*.conv", "net.0.conv1", false),
            ("net.*.conv*", "net.0.conv1", true),
            ("a*a", "a", false),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
        ] {
            assert_eq!(matches(pattern, name), is_match, "{pattern} {name}");
        }
    }
}
