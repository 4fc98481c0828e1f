//! Outputs that are probabilities, whoever wrote the sigmoid or the softmax out.

use lightloom::nn::{Dataset, Network, Samples, Score, Scorer};
use ndarray::{Array1, Array2, arr2};
use tract_onnx::pb;

use crate::graphs::written;
use crate::onnx::{INT64, floats, node, tensor, with_int, with_ints};

const SAMPLES: [[f64; 2]; 3] = [[0.5, -1.0], [2.0, 0.25], [-1.5, 1.0]];
const LABELS: [usize; 3] = [1, 0, 1];
/// Of two logits, `[feature, logit]`.
const WEIGHTS: [[f32; 2]; 2] = [[1.0, -0.5], [0.25, 2.0]];

/// The graph of a product `z` with [`WEIGHTS`], of `logits` of its columns, and these nodes, whose last output is `y`.
fn network(logits: usize, nodes: Vec<pb::NodeProto>) -> Network {
    let weights = arr2(&WEIGHTS);
    let index = |name: &str, value: i64| tensor(name, INT64, &[1], value.to_le_bytes().to_vec());
    let number = |name: &str, value: f32| floats(name, Array1::from_elem(1, value).view());
    let constants = vec![
        floats("w", weights.slice(ndarray::s![.., ..logits])),
        number("one", 1.0),
        number("half", 0.5),
        number("minus_one", -1.0),
        number("nothing", 0.0),
        index("first", 0),
        index("second", 1),
        index("third", 2),
        index("last", -1),
    ];
    let product = vec![node("MatMul", &["x", "w"], "z")];
    written([product, nodes].concat(), &["2"], constants, &["y"]).unwrap()
}

/// The mean of −ln p of the labels, and what is said of the outputs.
fn nll(network: &Network) -> (f64, String) {
    let x = Samples::from(arr2(&SAMPLES));
    let outputs = network.forward::<f32>(&x).unwrap();
    let data = Dataset::new("data", x, LABELS.to_vec()).unwrap();
    let scorer = Scorer::new(network, &data, Some(Score::Nll)).unwrap();
    let note = scorer.note().unwrap().to_owned();
    (scorer.judge(outputs).worth.score.unwrap(), note)
}

/// Logit `k` of every sample.
fn logits(k: usize) -> Vec<f64> {
    let w = arr2(&WEIGHTS).mapv(f64::from);
    arr2(&SAMPLES).dot(&w).column(k).to_vec()
}

/// The mean of −ln p where class 1 has probability 1 / (1 + e^{−logit}).
fn binary(logits: &[f64]) -> f64 {
    let terms = logits.iter().zip(LABELS).map(|(logit, label)| {
        let p = 1.0 / (1.0 + (-logit).exp());
        -(if label == 1 { p } else { 1.0 - p }).ln()
    });
    terms.sum::<f64>() / 3.0
}

fn assert_reads(what: &str, network: &Network, expected: f64, note: &str) {
    let (got, said) = nll(network);
    assert!((got - expected).abs() < 1e-5, "{what}: {got} {expected}");
    assert_eq!(said, note, "{what}");
}

const PROBABILITIES: &str = "outputs are taken as probabilities";
const LOGARITHMS: &str = "outputs are taken as logarithms of probabilities";
const AS_LOGITS: &str = "outputs are taken as logits";

#[test]
fn a_sigmoid_that_is_written_out_is_a_probability() {
    let power = || {
        vec![
            node("Neg", &["z"], "minus"),
            node("Exp", &["minus"], "e"),
            node("Add", &["one", "e"], "sum"),
        ]
    };
    let turned = || {
        vec![
            node("Mul", &["z", "minus_one"], "minus"),
            node("Exp", &["minus"], "e"),
            node("Add", &["e", "one"], "sum"),
        ]
    };
    let own = || vec![node("Exp", &["z"], "e"), node("Add", &["e", "one"], "sum")];
    let tanh = || vec![node("Mul", &["z", "half"], "h"), node("Tanh", &["h"], "t")];
    let forms = [
        (
            "1 / (1 + e)",
            [power(), vec![node("Div", &["one", "sum"], "y")]],
        ),
        (
            "reciprocal",
            [turned(), vec![node("Reciprocal", &["sum"], "y")]],
        ),
        (
            "power of −1",
            [power(), vec![node("Pow", &["sum", "minus_one"], "y")]],
        ),
        (
            "e / (1 + e)",
            [own(), vec![node("Div", &["e", "sum"], "y")]],
        ),
        (
            "e · 1 / (1 + e)",
            [
                own(),
                vec![
                    node("Reciprocal", &["sum"], "r"),
                    node("Mul", &["r", "e"], "y"),
                ],
            ],
        ),
        (
            "half of 1 + tanh",
            [
                tanh(),
                vec![
                    node("Add", &["t", "one"], "s"),
                    node("Mul", &["half", "s"], "y"),
                ],
            ],
        ),
        (
            "half and half of tanh",
            [
                tanh(),
                vec![
                    node("Mul", &["t", "half"], "s"),
                    node("Add", &["s", "half"], "y"),
                ],
            ],
        ),
    ];
    for (what, nodes) in forms {
        let network = network(1, nodes.concat());
        assert_reads(what, &network, binary(&logits(0)), PROBABILITIES);
    }
    let rest = vec![
        node("Sigmoid", &["z"], "p"),
        node("Sub", &["one", "p"], "y"),
    ];
    let minus: Vec<f64> = logits(0).iter().map(|z| -z).collect();
    assert_reads("1 − p", &network(1, rest), binary(&minus), PROBABILITIES);
    let log = vec![node("Sigmoid", &["z"], "p"), node("Log", &["p"], "y")];
    assert_reads("ln p", &network(1, log), binary(&logits(0)), LOGARITHMS);
    // Of what is none of them the note says what is taken for granted.
    let other = vec![
        node("Exp", &["z"], "e"),
        node("Add", &["e", "half"], "sum"),
        node("Reciprocal", &["sum"], "y"),
    ];
    let others: Vec<f64> = logits(0).iter().map(|z| 1.0 / (z.exp() + 0.5)).collect();
    assert_reads("half", &network(1, other), binary(&others), AS_LOGITS);
}

/// Of two classes, class 1 has probability 1 / (1 + e^{z₀ − z₁}).
#[test]
fn a_softmax_that_is_written_out_or_cut_is_a_probability() {
    let softmax = || node("Softmax", &["z"], "p");
    let powers = || {
        vec![
            node("Exp", &["z"], "e"),
            node("ReduceSum", &["e", "last"], "sum"),
        ]
    };
    let two = Array2::from_shape_fn((3, 2), |(sample, k)| logits(k)[sample]);
    let apart: Vec<f64> = two.rows().into_iter().map(|z| z[1] - z[0]).collect();
    let expected = binary(&apart);
    let column = |data: &str| with_int(node("Gather", &[data, "second"], "y"), "axis", 1);
    let forms = [
        (
            "e over its sum",
            [powers(), vec![node("Div", &["e", "sum"], "y")]].concat(),
            PROBABILITIES,
        ),
        (
            "a column",
            vec![
                softmax(),
                node("Slice", &["p", "second", "third", "second"], "y"),
            ],
            PROBABILITIES,
        ),
        (
            "a gathered column",
            vec![softmax(), column("p")],
            PROBABILITIES,
        ),
        (
            "a gathered column of what is written out",
            [powers(), vec![node("Div", &["e", "sum"], "p"), column("p")]].concat(),
            PROBABILITIES,
        ),
        (
            "its logarithm",
            vec![softmax(), node("Log", &["p"], "y")],
            LOGARITHMS,
        ),
        (
            "less the logarithm of its sum",
            vec![
                with_ints(node("ReduceLogSumExp", &["z"], "s"), "axes", &[1]),
                node("Sub", &["z", "s"], "y"),
            ],
            LOGARITHMS,
        ),
        (
            "both of two",
            vec![
                softmax(),
                with_int(node("Gather", &["p", "second"], "b"), "axis", 1),
                node("Sub", &["one", "b"], "a"),
                with_int(node("Concat", &["a", "b"], "y"), "axis", 1),
            ],
            PROBABILITIES,
        ),
    ];
    for (what, nodes, note) in forms {
        assert_reads(what, &network(2, nodes), expected, note);
    }
}

/// A sigmoid is 1 / (1 + e⁻ˣ) however small: of logits as far as −20 and 20.
#[test]
fn a_sigmoid_is_no_coarser_far_from_zero() {
    let network = network(2, vec![node("Sigmoid", &["z"], "y")]);
    let x = Samples::from(arr2(&[[-16.0, -8.0], [-14.0, 4.0], [16.0, 4.0]]));
    let outputs = network.forward::<f32>(&x).unwrap();
    let wanted = arr2(&[[-16.0, -8.0], [-14.0, 4.0], [16.0, 4.0]])
        .dot(&arr2(&WEIGHTS).mapv(f64::from))
        .mapv(|z: f64| 1.0 / (1.0 + (-z).exp()));
    for (got, wanted) in outputs.iter().zip(&wanted) {
        assert!((got / wanted - 1.0).abs() < 3e-6, "{got:e} {wanted:e}");
    }
}

/// Of logits as far apart as 300 the logarithm of a softmax in single precision is −∞; in double precision it is a number.
#[test]
fn a_logarithm_of_a_softmax_has_no_floor() {
    for (axis, scale) in [(1, 1.0f32), (-1, 40.0), (1, 150.0)] {
        let weights = arr2(&WEIGHTS) * scale;
        let nodes = vec![
            node("MatMul", &["x", "w"], "z"),
            with_int(node("LogSoftmax", &["z"], "y"), "axis", axis),
        ];
        let network = written(nodes, &["2"], vec![floats("w", weights.view())], &["y"]).unwrap();
        let found = network
            .forward::<f32>(&Samples::from(arr2(&SAMPLES)))
            .unwrap();
        let z = arr2(&SAMPLES).dot(&weights.mapv(f64::from));
        for (row, found) in z.rows().into_iter().zip(found.rows()) {
            let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = row.iter().map(|z| (z - most).exp()).sum();
            for (z, found) in row.iter().zip(found) {
                let expected = z - most - sum.ln();
                let error = (found - expected).abs();
                assert!(
                    error < 1e-6 * (1.0 + z.abs() + most.abs()),
                    "{found} {expected}"
                );
            }
        }
    }
}
