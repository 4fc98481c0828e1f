//! Which operators are evaluated, of which domains, and since when.

use std::collections::HashSet;
use std::sync::LazyLock;

use tract_onnx::pb::{GraphProto, ModelProto, NodeProto};

use super::view;
use crate::error::{Error, Result, did_you_mean};

/// The oldest operator set that is read: from here on shapes broadcast as in numpy.
const OLDEST: i64 = 7;

/// Operators of scikit-learn's exporter that tract knows beside the rewritten ones.
const CLASSICAL: [&str; 3] = [
    "ArrayFeatureExtractor",
    "CategoryMapper",
    "TreeEnsembleClassifier",
];

/// Those of ONNX Runtime's own domain that tract knows.
pub(super) const CONTRIBUTED: [&str; 12] = [
    "BiasGelu",
    "FastGelu",
    "GatherBlockQuantized",
    "Gelu",
    "GroupQueryAttention",
    "MatMulNBits",
    "MultiHeadAttention",
    "QuickGelu",
    "RotaryEmbedding",
    "SimplifiedLayerNormalization",
    "SkipLayerNormalization",
    "SkipSimplifiedLayerNormalization",
];

/// Those of [`CONTRIBUTED`] that the standard domain has too, or exporters write there.
const BOTH: [&str; 3] = ["Gelu", "RotaryEmbedding", "SimplifiedLayerNormalization"];

/// Operators of other domains that tract registers, and [`super::forms`] rewrites.
const REWRITTEN: [&str; 3] = ["LinearClassifier", "LinearRegressor", "Normalizer"];

/// Those that tract knows and that are refused: a shift by all bits or more gives what was shifted, norms of whole planes are
/// not those of their definition, and numbers at random are others in every run.
const REFUSED: [&str; 7] = [
    "BitShift",
    "GlobalLpPool",
    "Multinomial",
    "RandomNormal",
    "RandomNormalLike",
    "RandomUniform",
    "RandomUniformLike",
];

/// An attribute that tract does not read as its operator defines it.
pub(super) struct Limit {
    pub(super) operators: &'static [&'static str],
    pub(super) attribute: &'static str,
    /// The values that are evaluated.
    evaluated: &'static [&'static str],
    /// What sentences say of another value.
    pub(super) limit: &'static str,
}

pub(super) const LIMITS: [Limit; 10] = [
    Limit {
        operators: &["BatchNormalization"],
        attribute: "training_mode",
        evaluated: &["0"],
        limit: "export the model in evaluation mode",
    },
    Limit {
        operators: &["Celu", "Swish"],
        attribute: "alpha",
        evaluated: &["1"],
        limit: "must be 1",
    },
    Limit {
        operators: &["GRU", "LSTM", "RNN"],
        attribute: "direction",
        evaluated: &["forward", "bidirectional"],
        limit: "must be forward or bidirectional",
    },
    Limit {
        operators: &["GRU", "LSTM", "RNN"],
        attribute: "clip",
        evaluated: &[],
        limit: "must be left out",
    },
    Limit {
        operators: &["GRU", "LSTM", "RNN"],
        attribute: "activations",
        evaluated: &[],
        limit: "must be left out, or the default ones",
    },
    Limit {
        operators: &["LSTM"],
        attribute: "input_forget",
        evaluated: &["0"],
        limit: "must be 0",
    },
    Limit {
        operators: &["MultiHeadAttention"],
        attribute: "unidirectional",
        evaluated: &["0"],
        limit: "must be 0",
    },
    Limit {
        operators: &["QuantizeLinear"],
        attribute: "output_dtype",
        evaluated: &["0", "2"],
        limit: "must be left out: give a zero point of the type instead",
    },
    Limit {
        operators: &["Resize"],
        attribute: "coordinate_transformation_mode",
        evaluated: &[
            "half_pixel",
            "half_pixel_symmetric",
            "pytorch_half_pixel",
            "align_corners",
            "asymmetric",
        ],
        limit: "must be half_pixel, half_pixel_symmetric, pytorch_half_pixel, align_corners or asymmetric",
    },
    Limit {
        operators: &["SpaceToDepth"],
        attribute: "mode",
        evaluated: &["DCR"],
        limit: "must be DCR",
    },
];

/// What tract registers, whatever the domain.
static REGISTERED: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let register = tract_onnx::onnx().op_register;
    register.0.into_keys().collect()
});

/// Whether `domain` is that of ONNX itself.
pub(super) fn is_standard(domain: &str) -> bool {
    matches!(domain, "" | "ai.onnx")
}

/// The version of the standard operators of `model`.
pub(super) fn version(model: &ModelProto) -> i64 {
    let mut imports = model.opset_import.iter();
    let import = imports.find(|import| is_standard(&import.domain));
    import.map_or(OLDEST, |import| import.version)
}

/// Fails for operator sets before 7, and for two versions of one set.
pub(super) fn check_versions(model: &ModelProto) -> Result<()> {
    let standard = model
        .opset_import
        .iter()
        .filter(|import| is_standard(&import.domain));
    let versions: Vec<i64> = standard.map(|import| import.version).collect();
    let what = "operator set of ONNX";
    match versions[..] {
        [] => Err(Error::format(
            "ONNX graph",
            "states no operator set: must import one of ai.onnx",
        )),
        [first, ..] if first < OLDEST => Err(Error::value(
            what,
            first,
            format!("at least {OLDEST}: convert the model or export it again"),
        )),
        [first, ..] => match versions.iter().find(|&&version| version != first) {
            Some(other) => Err(Error::value(
                what,
                format!("{first} and {other}"),
                "one version",
            )),
            None => Ok(()),
        },
    }
}

/// Standard operators that are evaluated; for the table of what runs.
pub(super) fn standard() -> Vec<&'static str> {
    let mut names: Vec<&str> = REGISTERED
        .iter()
        .map(String::as_str)
        .filter(|name| is_known("", name))
        .collect();
    names.sort_unstable();
    names
}

fn is_known(domain: &str, name: &str) -> bool {
    let elsewhere = (CONTRIBUTED.contains(&name) && !BOTH.contains(&name))
        || CLASSICAL.contains(&name)
        || REWRITTEN.contains(&name)
        || REFUSED.contains(&name);
    REGISTERED.contains(name)
        && match domain {
            "" | "ai.onnx" => !elsewhere,
            "ai.onnx.ml" => CLASSICAL.contains(&name),
            "com.microsoft" => CONTRIBUTED.contains(&name),
            _ => false,
        }
}

/// Fails for operators of `graph` that are not evaluated, all of them in one sentence.
pub(super) fn check(graph: &GraphProto) -> Result<()> {
    let mut unknown = Vec::new();
    collect(graph, &mut unknown);
    if unknown.is_empty() {
        return check_attributes(graph);
    }
    const SHOWN: usize = 8;
    let places: Vec<String> = unknown
        .iter()
        .take(SHOWN)
        .map(|node| view::words(node))
        .collect();
    let mut what = places.join(", ");
    if unknown.len() > SHOWN {
        what += &format!(" and {} more", unknown.len() - SHOWN);
    }
    let standard = standard();
    let mut meant = unknown
        .iter()
        .filter(|node| is_standard(&node.domain))
        .map(|node| did_you_mean(&node.op_type, standard.iter().copied()));
    let meant = meant.find(|meant| !meant.is_empty()).unwrap_or_default();
    let mut operators: Vec<&str> = unknown.iter().map(|node| &*node.op_type).collect();
    operators.sort_unstable();
    operators.dedup();
    operators.truncate(SHOWN);
    let limit = format!("{} standard operators of ONNX are{meant}", standard.len());
    Err(Error::unsupported(what, operators.join(", "), limit))
}

fn collect<'a>(graph: &'a GraphProto, unknown: &mut Vec<&'a NodeProto>) {
    for node in &graph.node {
        if !is_known(&node.domain, &node.op_type) {
            unknown.push(node);
        }
        view::bodies(node).for_each(|body| collect(body, unknown));
    }
}

/// Fails for attributes with a value that is not evaluated, and for inputs that are passed over.
fn check_attributes(graph: &GraphProto) -> Result<()> {
    for node in &graph.node {
        let limits = LIMITS.iter();
        for limit in limits.filter(|limit| limit.operators.contains(&&*node.op_type)) {
            let Some(value) = view::value(node, limit.attribute) else {
                continue;
            };
            let is_default = limit.attribute == "activations" && has_own_activations(node, &value);
            if !is_default && !limit.evaluated.contains(&&*value) {
                let got = format!("{} = {value}", limit.attribute);
                return Err(Error::unsupported(view::words(node), got, limit.limit));
            }
        }
        if let ("Einsum", Some(equation)) = (&*node.op_type, view::text(node, "equation")) {
            check_equation(node, &equation)?;
        }
        if let ("SkipSimplifiedLayerNormalization", Some(bias)) = (
            &*node.op_type,
            node.input.get(3).filter(|name| !name.is_empty()),
        ) {
            let limit = "a bias as fourth input is passed over: add it to the second";
            return Err(Error::unsupported(view::words(node), bias, limit));
        }
        view::bodies(node).try_for_each(check_attributes)?;
    }
    Ok(())
}

/// Whether `activations`, word by word, are those that the operator of `node` has by itself, in one direction or two.
fn has_own_activations(node: &NodeProto, activations: &str) -> bool {
    let own = match &*node.op_type {
        "LSTM" => "Sigmoid Tanh Tanh",
        "GRU" => "Sigmoid Tanh",
        _ => "Tanh",
    };
    let is_two_way = view::text(node, "direction").as_deref() == Some("bidirectional");
    match is_two_way {
        true => activations == format!("{own} {own}"),
        false => activations == own,
    }
}

/// Fails where one of several factors of `equation` has an index twice: its diagonal is not taken.
fn check_equation(node: &NodeProto, equation: &str) -> Result<()> {
    let factors = equation.split("->").next().unwrap_or_default();
    let factors: Vec<&str> = factors.split(',').collect();
    let repeated = |factor: &&str| {
        let mut seen = HashSet::new();
        let mut indices = factor.chars().filter(char::is_ascii_alphabetic);
        indices.any(|index| !seen.insert(index))
    };
    match factors.iter().any(repeated) && factors.len() > 1 {
        true => Err(Error::unsupported(
            view::words(node),
            equation,
            "one of several factors must have no index twice",
        )),
        false => Ok(()),
    }
}
