//! Operators of scikit-learn's exporter; numbers are those of ONNX Runtime 1.32 for the same nodes.

use tract_onnx::pb::NodeProto;

use super::build::*;
use super::*;

/// `[3, 2]` samples.
const X: [f64; 6] = [1.0, 2.0, -1.0, 0.5, 0.0, 0.0];

fn outputs(mut model: ModelProto, names: &[&str], x: &[f64]) -> Vec<Vec<f64>> {
    graph(&mut model).output = names.iter().map(|name| open(name)).collect();
    let choice = Choice {
        outputs: names.iter().map(|&name| name.to_owned()).collect(),
        ..Choice::default()
    };
    let prepared = prepare(&Source::new("model", bytes(&model)), &choice).unwrap();
    let x = io::Tensor::real("x", vec![x.len() / 2, 2], x.to_vec()).unwrap();
    run(&prepared, &[x]).iter().map(numbers).collect()
}

fn classifier(labels: &[i64], rows: usize, transform: &str) -> NodeProto {
    let coefficients: Vec<f32> = (0..2 * rows).map(|i| i as f32 * 0.3 - 0.2).collect();
    let intercepts: Vec<f32> = (0..rows).map(|i| i as f32 * 0.1 + 0.05).collect();
    let mut node = of(
        "ai.onnx.ml",
        node("linear", "LinearClassifier", &["x"], "label"),
    );
    node.output.push("scores".to_owned());
    node = super::super::view::with_ints(node, "classlabels_ints", labels);
    node = with_floats(node, "coefficients", &coefficients);
    node = with_floats(node, "intercepts", &intercepts);
    with_text(node, "post_transform", transform)
}

#[test]
fn linear_classifiers_have_the_labels_and_scores_of_onnx_runtime() {
    for (labels, rows, transform, expected_labels, expected_scores) in [
        (
            &[5, 7][..],
            1,
            "NONE",
            &[7.0, 7.0, 7.0][..],
            &[0.95, 0.05, 0.7, 0.3, 0.95, 0.05][..],
        ),
        (
            &[5, 7],
            1,
            "LOGISTIC",
            &[7.0, 7.0, 7.0],
            &[
                0.487_502_57,
                0.512_497_4,
                0.425_557_5,
                0.574_442_5,
                0.487_502_6,
                0.512_497_4,
            ],
        ),
        (
            &[5, 7],
            2,
            "NONE",
            &[7.0, 5.0, 7.0],
            &[0.05, 1.95, 0.3, 0.1, 0.05, 0.15],
        ),
        (
            &[5, 7],
            2,
            "LOGISTIC",
            &[7.0, 5.0, 7.0],
            &[
                0.512_497_4,
                0.875_446_7,
                0.574_442_5,
                0.524_979_2,
                0.512_497_4,
                0.537_429_9,
            ],
        ),
        (
            &[3, 4, 5],
            3,
            "SOFTMAX",
            &[5.0, 3.0, 5.0],
            &[
                0.019_088_68,
                0.127_624_9,
                0.853_286_4,
                0.401_759_6,
                0.328_932_9,
                0.269_307_5,
                0.300_609_6,
                0.332_225,
                0.367_165_4,
            ],
        ),
    ] {
        let what = format!("{labels:?} {rows} {transform}");
        let got = outputs(
            model(vec![classifier(labels, rows, transform)]),
            &["label", "scores"],
            &X,
        );
        assert_close(&what, &got[0], expected_labels);
        assert_close(&what, &got[1], expected_scores);
    }
}

#[test]
fn normalizers_divide_rows_by_their_norm_as_onnx_runtime_does() {
    let x = [1.0, -3.0, 0.0, 0.0, -2.0, -5.0];
    for (norm, expected) in [
        ("MAX", [1.0, -3.0, 0.0, 0.0, 1.0, 2.5]),
        ("L1", [0.25, -0.75, 0.0, 0.0, -0.285_714_3, -0.714_285_7]),
        (
            "L2",
            [
                0.316_227_8,
                -0.948_683_3,
                0.0,
                0.0,
                -0.371_390_7,
                -0.928_476_7,
            ],
        ),
    ] {
        for opset in [9, 13, 18] {
            let normalizer = of("ai.onnx.ml", node("norm", "Normalizer", &["x"], "y"));
            let mut model = model(vec![with_text(normalizer, "norm", norm)]);
            model.opset_import[0].version = opset;
            assert_close(
                &format!("{norm} {opset}"),
                &outputs(model, &["y"], &x)[0],
                &expected,
            );
        }
    }
}

/// (x − offset) scale, then W x + b: the definition of both.
#[test]
fn a_scaler_and_a_regressor_are_a_product_and_two_sums() {
    let scaler = of("ai.onnx.ml", node("scale", "Scaler", &["x"], "scaled"));
    let scaler = with_floats(
        with_floats(scaler, "offset", &[1.0, -1.0]),
        "scale",
        &[2.0, 0.5],
    );
    let regressor = of(
        "ai.onnx.ml",
        node("linear", "LinearRegressor", &["scaled"], "y"),
    );
    let regressor = with_floats(regressor, "coefficients", &[1.0, 2.0, -1.0, 3.0]);
    let regressor = with_floats(
        with_int(regressor, "targets", 2),
        "intercepts",
        &[0.25, -0.5],
    );
    let got = outputs(model(vec![scaler, regressor]), &["y"], &X);
    let expected = X.chunks(2).flat_map(|x| {
        let (a, b) = ((x[0] - 1.0) * 2.0, (x[1] + 1.0) * 0.5);
        [a + 2.0 * b + 0.25, -a + 3.0 * b - 0.5]
    });
    assert_close("scores", &got[0], &expected.collect::<Vec<_>>());
}

/// Its output is a list of maps from names to scores, which is no tensor.
#[test]
fn a_map_of_names_gives_its_scores() {
    let softmax = with_int(node("soft", "Softmax", &["x"], "scores"), "axis", 1);
    let zip = of("ai.onnx.ml", node("zip", "ZipMap", &["scores"], "y"));
    let got = outputs(model(vec![softmax, zip]), &["y"], &X);
    let expected = X.chunks(2).flat_map(|x| {
        let sum = x[0].exp() + x[1].exp();
        [x[0].exp() / sum, x[1].exp() / sum]
    });
    assert_close("scores", &got[0], &expected.collect::<Vec<_>>());
}

#[test]
fn open_inputs_take_their_length_from_the_first_constant() {
    let shape = |mut model: ModelProto| {
        graph(&mut model).input = vec![open("x")];
        let prepared = prepare(&Source::new("model", bytes(&model)), &Choice::default()).unwrap();
        (prepared.inputs[0].shape.clone(), prepared.notes)
    };
    let (found, notes) = shape(dense());
    assert_eq!(found, [None, Some(2)]);
    assert_eq!(
        notes,
        [
            "the input `x` is taken as [N, 2], which a constant of node `product` (Gemm) fixes",
            "the input `x` is taken as float32, which its file does not say"
        ]
    );
    let mut scaled = dense();
    graph(&mut scaled).node[0].input[0] = "scaled".to_owned();
    graph(&mut scaled)
        .node
        .push(node("scale", "Mul", &["x", "factor"], "scaled"));
    graph(&mut scaled)
        .initializer
        .push(float_tensor("factor", &[2], &[2.0, 3.0]));
    assert_eq!(shape(scaled).0, [None, Some(2)]);
    let mut picture = model(vec![node("conv", "Conv", &["x", "k"], "y")]);
    graph(&mut picture)
        .initializer
        .push(float_tensor("k", &[1, 3, 1, 1], &[1.0; 3]));
    graph(&mut picture).input = vec![port("x", &[0, 0, 4, 4])];
    let prepared = prepare(&Source::new("model", bytes(&picture)), &Choice::default()).unwrap();
    assert_eq!(prepared.inputs[0].shape, [None, Some(3), Some(4), Some(4)]);
}
