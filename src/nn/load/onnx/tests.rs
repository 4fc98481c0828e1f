//! Graphs that are networks, and graphs that are refused.

use super::*;
use crate::error::compare::{self, golden, unsupported, value};
use crate::io::onnx::{build::*, parse};
use crate::nn::{Activation, Samples};
use ndarray::arr2;

fn load(nodes: Vec<NodeProto>, constants: Vec<TensorProto>) -> Result<Network> {
    network(&parse(&file(nodes, constants)).unwrap())
}

fn error(nodes: Vec<NodeProto>, constants: Vec<TensorProto>) -> Error {
    load(nodes, constants).unwrap_err()
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

fn logits(network: &Network, x: [f64; 2]) -> Vec<f64> {
    let samples = Samples::from(arr2(&[x]));
    network
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
    let network = load(nodes, vec![w(), weights("c", &[3], &[1.0, 2.0, 3.0])]).unwrap();
    assert_eq!(logits(&network, [1.0, 10.0]), [42.0, 54.0, 66.0]);
    assert_eq!(network.layers()[0].name(), "/b");
}

/// Weights [[1, 2], [3, 4]] twice: [1, 10] → [31, 42] → [157, 230].
#[test]
fn a_weight_of_two_layers_names_the_first_and_its_node_the_second() {
    let square = weights("fc.weight", &[2, 2], &[1.0, 2.0, 3.0, 4.0]);
    let nodes = vec![
        node("MatMul", &["x", "fc.weight"], "a"),
        node("MatMul", &["a", "fc.weight"], "y"),
    ];
    let network = load(nodes, vec![square]).unwrap();
    assert_eq!(logits(&network, [1.0, 10.0]), [157.0, 230.0]);
    let names: Vec<&str> = network.layers().iter().map(|layer| layer.name()).collect();
    assert_eq!(names, ["fc", "/y"]);
}

#[test]
fn names_that_a_terminal_would_obey_are_refused() {
    let graph = |input: &str, output: &str| {
        let nodes = vec![node("MatMul", &["x", input], output)];
        parse(&file(nodes, vec![weights(input, &[2, 1], &[1.0, 2.0])]))
    };
    assert!(graph("w", "y").is_ok());
    golden("a tensor", graph("w\u{1b}[2J", "y").unwrap_err());
    golden("a node", graph("w", "y\r").unwrap_err());
}

/// 2 · (X Bᵀ) + ½ · c with B = [[1, 2], [3, 4], [5, 6]] and a broadcast c = 1.
#[test]
fn gemm_takes_its_factors_and_its_transposition() {
    let mut gemm = node("Gemm", &["x", "fc.weight", "c"], "y");
    gemm.attribute = vec![int("transB", 1), float("alpha", 2.0), float("beta", 0.5)];
    let b = weights("fc.weight", &[3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let network = load(vec![gemm], vec![b, weights("c", &[1], &[1.0])]).unwrap();
    assert_eq!(logits(&network, [1.0, 10.0]), [42.5, 86.5, 130.5]);
    assert_eq!(network.layers()[0].name(), "fc");
}

/// The activation of the nodes that make `y` of `a = W x`.
fn activation(mut nodes: Vec<NodeProto>, mut constants: Vec<TensorProto>) -> Result<Activation> {
    nodes.insert(0, node("MatMul", &["x", "w"], "a"));
    constants.push(w());
    let network = load(nodes, constants)?;
    assert_eq!(network.layers().len(), 1);
    Ok(network.layers()[0].activation)
}

fn number(name: &str, value: f32) -> TensorProto {
    weights(name, &[], &[value])
}

fn float(name: &str, f: f32) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        f,
        kind: 1,
        ..Default::default()
    }
}

#[test]
fn every_operator_of_the_table_becomes_its_activation() {
    use Activation::*;
    for (op, expected) in [
        ("Relu", Relu),
        ("LeakyRelu", LeakyRelu { slope: 0.01 }),
        ("Tanh", Tanh),
        ("Sigmoid", Sigmoid),
        (
            "HardSigmoid",
            HardSigmoid {
                alpha: 0.2,
                beta: 0.5,
            },
        ),
        ("Softplus", Softplus),
        ("Softsign", Softsign),
        ("Elu", Elu { alpha: 1.0 }),
        ("Selu", Selu),
        ("Celu", Celu { alpha: 1.0 }),
        ("Gelu", Gelu),
        ("Swish", Silu),
        ("HardSwish", Hardswish),
        ("Mish", Mish),
        ("Softmax", Softmax),
        ("LogSoftmax", LogSoftmax),
    ] {
        let got = activation(vec![node(op, &["a"], "y")], vec![]).unwrap();
        assert_eq!(got, expected, "{op}");
    }
    let of = |op: &str, attribute: AttributeProto| {
        let mut only = node(op, &["a"], "y");
        only.attribute = vec![attribute];
        activation(vec![only], vec![])
    };
    assert_eq!(of("Elu", float("alpha", 0.5)).unwrap(), Elu { alpha: 0.5 });
    assert_eq!(of("Swish", float("alpha", 1.0)).unwrap(), Silu);
    for (op, attribute, refusal) in [
        ("Swish", float("alpha", 1.5), value("alpha", "1.5")),
        ("Selu", float("gamma", 1.0), value("gamma", "1")),
        ("Softmax", int("axis", 0), value("axis", "0")),
        ("Celu", float("alpha", -1.0), value("celu: alpha", "-1")),
    ] {
        let refusal = refusal.within(&format!("node `/y` ({op})"));
        assert_eq!(of(op, attribute).unwrap_err().refusal(), refusal);
    }
}

#[test]
fn bounds_and_slopes_are_attributes_or_constants() {
    use Activation::*;
    let clip = |operands: &[&str]| {
        let constants = vec![
            number("zero", 0.0),
            number("six", 6.0),
            number("far", f32::MAX),
        ];
        activation(vec![node("Clip", operands, "y")], constants)
    };
    let to = |min, max| Clip { min, max };
    assert_eq!(clip(&["a", "zero", "six"]).unwrap(), Relu6);
    assert_eq!(clip(&["a", "zero", "far"]).unwrap(), to(0.0, f64::INFINITY));
    assert_eq!(clip(&["a", "", "six"]).unwrap(), to(f64::NEG_INFINITY, 6.0));
    for (operands, refusal) in [
        (&["a"][..], value("clip: max", "inf")),
        (&["a", "six", "zero"], value("clip: max", "0")),
        (&["a", "w"], unsupported("min", "a tensor `w`")),
        (
            &["a", "b"],
            unsupported("operands of Clip", "a computed value"),
        ),
    ] {
        let refusal = refusal.within("node `/y` (Clip)");
        assert_eq!(clip(operands).unwrap_err().refusal(), refusal);
    }
    let mut old = node("Clip", &["a"], "y");
    old.attribute = vec![float("max", 1.0), float("min", -1.0)];
    assert_eq!(activation(vec![old], vec![]).unwrap(), to(-1.0, 1.0));

    let prelu = |slope: TensorProto| activation(vec![node("PRelu", &["a", "s"], "y")], vec![slope]);
    let quarter = Prelu { weight: 0.25 };
    assert_eq!(prelu(number("s", 0.25)).unwrap(), quarter);
    assert_eq!(prelu(weights("s", &[3], &[0.25; 3])).unwrap(), quarter);
    let several = prelu(weights("s", &[3], &[0.25, 0.5, 0.25]));
    let slope = unsupported("slope", "3 numbers").within("node `/y` (PRelu)");
    assert_eq!(several.unwrap_err().refusal(), slope);
}

/// What exporters write where an operator is missing in their version.
#[test]
fn few_nodes_on_one_value_are_known_as_an_activation() {
    use Activation::*;
    let numbers = || {
        [
            ("one", 1.0),
            ("three", 3.0),
            ("six", 6.0),
            ("zero", 0.0),
            ("half", 0.5),
        ]
        .map(|(name, value)| number(name, value))
        .into_iter()
        .chain([number("root", 2f32.sqrt()), number("t", 20.0)])
        .collect::<Vec<_>>()
    };
    let sixth = || {
        let mut sixth = node("HardSigmoid", &["a"], "b");
        sixth.attribute = vec![float("alpha", 1.0 / 6.0), float("beta", 0.5)];
        sixth
    };
    for (expected, nodes) in [
        (
            Silu,
            vec![node("Sigmoid", &["a"], "b"), node("Mul", &["a", "b"], "y")],
        ),
        (
            Silu,
            vec![node("Sigmoid", &["a"], "b"), node("Mul", &["b", "a"], "y")],
        ),
        (Hardswish, vec![sixth(), node("Mul", &["a", "b"], "y")]),
        (
            Hardswish,
            vec![
                node("Add", &["a", "three"], "b"),
                node("Clip", &["b", "zero", "six"], "c"),
                node("Mul", &["a", "c"], "d"),
                node("Div", &["d", "six"], "y"),
            ],
        ),
        (
            Mish,
            vec![
                node("Softplus", &["a"], "b"),
                node("Tanh", &["b"], "c"),
                node("Mul", &["a", "c"], "y"),
            ],
        ),
        (
            Softsign,
            vec![
                node("Abs", &["a"], "b"),
                node("Add", &["b", "one"], "c"),
                node("Div", &["a", "c"], "y"),
            ],
        ),
        (
            Gelu,
            vec![
                node("Div", &["a", "root"], "b"),
                node("Erf", &["b"], "c"),
                node("Add", &["c", "one"], "d"),
                node("Mul", &["a", "d"], "e"),
                node("Mul", &["e", "half"], "y"),
            ],
        ),
        (
            Softplus,
            vec![
                node("Softplus", &["a"], "b"),
                node("Greater", &["a", "t"], "c"),
                node("Where", &["c", "a", "b"], "y"),
            ],
        ),
        (
            Relu6,
            vec![node("Relu", &["a"], "b"), node("Min", &["b", "six"], "y")],
        ),
    ] {
        assert_eq!(activation(nodes, numbers()).unwrap(), expected);
    }
    for (op, function, nodes) in [
        (
            "Sub",
            "Sub(x, Tanh(x))",
            vec![node("Tanh", &["a"], "b"), node("Sub", &["a", "b"], "y")],
        ),
        (
            "Where",
            "Where(Greater(x, 1), x, Softplus(x))",
            vec![
                node("Softplus", &["a"], "b"),
                node("Greater", &["a", "one"], "c"),
                node("Where", &["c", "a", "b"], "y"),
            ],
        ),
        // With ONNX's own slope it is another function.
        (
            "Mul",
            "Mul(HardSigmoid(x), x)",
            vec![
                node("HardSigmoid", &["a"], "b"),
                node("Mul", &["a", "b"], "y"),
            ],
        ),
    ] {
        let refusal = unsupported("activation", function).within(&format!("node `/y` ({op})"));
        let error = activation(nodes, numbers()).unwrap_err();
        assert_eq!(error.refusal(), refusal);
        golden(function, error);
    }
    let nodes = vec![
        node("Sigmoid", &["a"], "b"),
        node("Mul", &["a", "b"], "c"),
        node("MatMul", &["b", "w"], "y"),
    ];
    let error = activation(nodes, numbers()).unwrap_err();
    golden("a value inside that is read by something else too", error);
}

/// scale · (y − mean) / √(variance + ε) + offset of y = [1, 10] · [[1, 2, 3], [4, 5, 6]] + [1, 2, 3], [42, 54, 66].
#[test]
fn a_batch_norm_after_a_product_is_computed_into_it() {
    let norm = |from: &str, to: &str| {
        let mut norm = node("BatchNormalization", &[from, "g", "b", "m", "v"], to);
        norm.attribute = vec![float("epsilon", 0.5)];
        norm
    };
    let constants = |width: usize| {
        let some = |name: &str, three: [f32; 3]| weights(name, &[width as i64], &three[..width]);
        vec![
            w(),
            weights("c", &[3], &[1.0, 2.0, 3.0]),
            some("g", [2.0, 1.0, -1.0]),
            some("b", [0.0, 1.0, 0.5]),
            some("m", [40.0, 50.0, 60.0]),
            some("v", [0.5, 3.5, 15.5]),
        ]
    };
    let product = || {
        [
            node("MatMul", &["x", "w"], "p"),
            node("Add", &["p", "c"], "a"),
        ]
    };
    let nodes = product()
        .into_iter()
        .chain([norm("a", "n"), node("Relu", &["n"], "y")]);
    let network = load(nodes.collect(), constants(3)).unwrap();
    assert_eq!(network.layers().len(), 1);
    let got = logits(&network, [1.0, 10.0]);
    for (got, expected) in got.iter().zip([4.0, 3.0, 0.0]) {
        assert!((got - expected).abs() < 1e-12, "{got}");
    }
    let nodes = product()
        .into_iter()
        .chain([node("Relu", &["a"], "n"), norm("n", "y")]);
    golden("behind Relu", error(nodes.collect(), constants(3)));
    let nodes = product().into_iter().chain([norm("a", "y")]);
    let scale = compare::shape("scale", &[2]).within("node `/y` (BatchNormalization)");
    assert_eq!(error(nodes.collect(), constants(2)).refusal(), scale);
    let nodes = vec![norm("x", "a"), node("MatMul", &["a", "w"], "y")];
    golden("in front of MatMul", error(nodes, constants(3)));
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
    let network = load(nodes, vec![shape("s", &[-1, 2])]).unwrap();
    assert_eq!(logits(&network, [1.0, 0.0]), [1.0, 2.0, 3.0]);
}

#[test]
fn what_is_no_path_of_layers_is_refused_by_node() {
    let product = || node("MatMul", &["x", "w"], "a");
    for (asked, nodes) in [
        ("Conv", vec![product(), node("Conv", &["a", "w"], "y")]),
        (
            "a sum of itself",
            vec![product(), node("Add", &["a", "a"], "y")],
        ),
        (
            "two activations",
            vec![
                product(),
                node("Relu", &["a"], "b"),
                node("Tanh", &["b"], "y"),
            ],
        ),
        (
            "an activation before any product",
            vec![node("Relu", &["x"], "a"), node("MatMul", &["a", "w"], "y")],
        ),
        (
            "the input as second operand",
            vec![node("MatMul", &["w", "x"], "y")],
        ),
        ("an unknown weight", vec![node("MatMul", &["x", "q"], "y")]),
        ("an end", vec![product(), node("Relu", &["w"], "z")]),
        (
            "a node beside the path",
            vec![node("MatMul", &["x", "w"], "y"), node("Relu", &["w"], "z")],
        ),
        ("a cycle", vec![node("Identity", &["x"], "x")]),
        ("no layers", vec![node("Identity", &["x"], "y")]),
    ] {
        golden(asked, error(nodes, vec![w()]));
    }
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
    let before = error(
        vec![
            node("Add", &["x", "c"], "a"),
            node("MatMul", &["a", "w"], "y"),
        ],
        vec![w(), c()],
    );
    golden("a sum in front of MatMul", before);
    let narrow = error(
        vec![
            node("MatMul", &["x", "w"], "a"),
            node("Add", &["a", "c"], "y"),
        ],
        vec![w(), c()],
    );
    let refusal = compare::shape("tensor `c`", &[2]).within("node `/y` (Add)");
    assert_eq!(narrow.refusal(), refusal);
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
            let _ = parse(&bytes).and_then(|graph| network(&graph));
        }
        let _ = parse(&good[..position]).and_then(|graph| network(&graph));
    }
}

/// The layer of [`w`] takes two features; what has more axes than a row is no chain.
#[test]
fn a_chain_takes_rows_of_the_features_that_its_file_declares() {
    let read = |axes: &[Option<usize>], nodes: Vec<NodeProto>| {
        let mut graph = parse(&file(nodes, vec![w()])).unwrap();
        graph.inputs[0].shape = Some(axes.to_vec());
        network(&graph)
    };
    let dense = || vec![node("MatMul", &["x", "w"], "y")];
    let flat = || {
        vec![
            node("Flatten", &["x"], "a"),
            node("MatMul", &["a", "w"], "y"),
        ]
    };
    assert!(read(&[None, Some(2)], dense()).is_ok());
    assert!(read(&[None, Some(1), Some(2)], flat()).is_ok());
    assert!(read(&[None, None, None], flat()).is_ok());
    golden(
        "rows of three",
        read(&[None, Some(3)], dense()).unwrap_err(),
    );
    golden(
        "four rows a sample",
        read(&[None, Some(4), Some(2)], dense()).unwrap_err(),
    );
    golden(
        "open rows",
        read(&[None, None, Some(2)], dense()).unwrap_err(),
    );
}
