//! Files as exporters write them, against ONNX Runtime; and what is refused.

mod build;
mod classical;
mod functions;
mod refused;
mod table;

use std::path::{Path, PathBuf};

use prost::Message;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::ops::einsum::EinSum;

use super::*;
use crate::io;
use crate::nn::port::Element;
use crate::nn::{Dataset, Split, Values};

/// The path of `../shared/<name>`, or nothing (and a line that says so) where there is none.
fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared")
        .join(name);
    if path.exists() {
        return Some(path);
    }
    assert!(
        std::env::var("LIGHTLOOM_REQUIRE_SHARED").as_deref() != Ok("1"),
        "../shared/{name} not found, and LIGHTLOOM_REQUIRE_SHARED=1"
    );
    println!("skipped: ../shared/{name} not found");
    None
}

/// The ONNX files of `folder`, in the order of their names.
fn files(folder: impl AsRef<Path>) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let is_onnx = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "onnx");
    let mut paths: Vec<PathBuf> = paths.filter(is_onnx).collect();
    paths.sort();
    paths
}

/// Networks as PyTorch and scikit-learn export them.
fn cases() -> Vec<PathBuf> {
    const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases");
    let networks = files(Path::new(CASES).join("networks"));
    [files(CASES), networks].concat()
}

/// The case `name`, with the inputs and outputs of `choice`.
fn case(name: &str, choice: &Choice) -> Prepared {
    let named = |path: &PathBuf| path.file_stem().is_some_and(|stem| stem == name);
    load(&cases().into_iter().find(named).unwrap(), choice)
}

fn load(path: &Path, choice: &Choice) -> Prepared {
    prepare(&Source::open(path).unwrap(), choice).unwrap()
}

/// The values of `tensor` as numbers.
fn numbers(tensor: &tract_onnx::prelude::Tensor) -> Vec<f64> {
    let cast = tensor.cast_to::<f64>().unwrap();
    let view = cast.to_plain_array_view::<f64>().unwrap();
    view.iter().copied().collect()
}

fn real(tensor: &io::Tensor) -> Vec<f64> {
    match tensor.data() {
        io::TensorData::Real(data) => data.clone(),
        io::TensorData::Complex(_) => panic!("must be real"),
    }
}

/// What tract gives on `inputs`, in the element of each port.
fn run(prepared: &Prepared, inputs: &[io::Tensor]) -> Vec<tract_onnx::prelude::Tensor> {
    let model = prepared.model.clone().into_optimized().unwrap();
    let inputs = inputs.iter().zip(&prepared.inputs).map(|(input, port)| {
        let floats: Vec<f32> = real(input).iter().map(|&x| x as f32).collect();
        let tensor = tract_onnx::prelude::Tensor::from_shape(input.shape(), &floats).unwrap();
        match port.element {
            Element::Float => tensor.into_tvalue(),
            Element::Integer => tensor.cast_to::<i64>().unwrap().into_owned().into_tvalue(),
            Element::Boolean => tensor.cast_to::<bool>().unwrap().into_owned().into_tvalue(),
        }
    });
    let plan = model.into_runnable().unwrap();
    let outputs = plan.run(inputs.collect()).unwrap();
    outputs
        .into_iter()
        .map(|output| output.into_tensor())
        .collect()
}

/// |a − b| is at most 2e-4 of the larger of 1 and |b|.
#[track_caller]
fn assert_close(what: &str, got: &[f64], expected: &[f64]) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (a, b) in got.iter().zip(expected) {
        assert!(
            (a - b).abs() <= 2e-4 * b.abs().max(1.0),
            "{what}: {a} against {b}"
        );
    }
}

/// `x`, or `x0_…`, `x1_…` in that order, and the outputs by name.
fn expected(path: &Path) -> (Vec<io::Tensor>, Vec<(String, io::Tensor)>) {
    let arrays = io::npy::read_npz(path).unwrap();
    let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
    for (name, array) in arrays {
        let output = name
            .strip_prefix("out")
            .and_then(|rest| rest.split_once('_'));
        match output {
            Some((_, output)) => outputs.push((output.to_owned(), array)),
            None => inputs.push(array),
        }
    }
    (inputs, outputs)
}

/// The file was computed by integer kernels, which round some values of the last layer to its next step of 0.1206;
/// graph optimizations off give what tract gives.
const ROUNDED: (&str, f64, usize) = ("quantized_qdq", 0.120_639_15, 8);

#[test]
fn every_case_has_the_outputs_of_onnx_runtime() {
    let paths = cases();
    for path in &paths {
        let (inputs, outputs) = expected(&path.with_extension("expected.npz"));
        let choice = Choice {
            outputs: outputs.iter().map(|(name, _)| name.clone()).collect(),
            ..Choice::default()
        };
        let got = run(&load(path, &choice), &inputs);
        assert_eq!(got.len(), outputs.len());
        for (got, (name, expected)) in got.iter().zip(&outputs) {
            let what = format!("{} {name}", path.display());
            assert_eq!(got.shape(), expected.shape(), "{what}");
            let (got, mut expected) = (numbers(got), real(expected));
            if path.file_stem().unwrap() == ROUNDED.0 {
                let far = |(a, b): &(&f64, &mut f64)| (*a - **b).abs() > 1e-4;
                let steps = got.iter().zip(&mut expected).filter(far);
                let moved = steps.map(|(a, b)| *b += ROUNDED.1 * (a - *b).signum());
                assert!(moved.count() <= ROUNDED.2, "{what}");
            }
            assert_close(&what, &got, &expected);
        }
    }
    assert_eq!(paths.len(), 32);
}

/// Program files hold the graph and nothing beside it.
#[test]
fn a_prepared_graph_is_prepared_to_itself() {
    let models = shared("models").map(files).unwrap_or_default();
    for path in cases().iter().chain(&models) {
        let prepared = load(path, &Choice::default());
        let source = Source::new("program", prepared.proto.encode_to_vec());
        let again = prepare(&source, &Choice::default()).unwrap();
        assert!(again.proto == prepared.proto, "{}", path.display());
        assert_eq!(again.inputs, prepared.inputs);
        assert_eq!(again.outputs, prepared.outputs);
        assert_eq!(again.notes, [""; 0], "{}", path.display());
    }
}

#[test]
fn a_classifier_of_scikit_learn_gives_its_probabilities() {
    for name in ["sklearn_logreg_iris", "sklearn_mlpclassifier"] {
        let prepared = case(name, &Choice::default());
        assert_eq!(prepared.outputs.len(), 1);
        assert_eq!(prepared.outputs[0].name, "probabilities");
        assert_eq!(prepared.outputs[0].element, Element::Float);
        let note =
            "the output taken is `probabilities`, not `label` (--outputs NAME,… takes others)";
        assert_eq!(prepared.notes, [note]);
    }
}

#[test]
fn a_fixed_batch_stays_and_an_open_one_is_open() {
    let shapes = |name: &str| {
        let prepared = case(name, &Choice::default());
        (
            prepared.inputs[0].shape.clone(),
            prepared.outputs[0].shape.clone(),
        )
    };
    let fixed = shapes("torch-2.15-default-export_external-data");
    assert_eq!(fixed, (vec![Some(1), Some(64)], vec![Some(1), Some(10)]));
    let open = shapes("lenet_8x8");
    assert_eq!(
        open,
        (vec![None, Some(1), Some(8), Some(8)], vec![None, Some(10)])
    );
    let labels = case("argmax_output", &Choice::default());
    assert_eq!(labels.outputs[0].element, Element::Integer);
}

/// The constant matrices of products in `model`, by their shapes.
fn weights(model: &TypedModel) -> Vec<Vec<usize>> {
    let products = model.nodes.iter().filter(|node| node.op_is::<EinSum>());
    let inputs = products.flat_map(|node| node.inputs.iter());
    let facts = inputs.map(|outlet| model.outlet_fact(*outlet).unwrap());
    let constants =
        facts.filter(|fact| fact.konst.is_some() && fact.datum_type == f32::datum_type());
    constants
        .map(|fact| fact.shape.as_concrete().unwrap().to_vec())
        .collect()
}

#[test]
fn weights_behind_nodes_are_constants() {
    for (name, count) in [
        ("weight_only_dequantizelinear", 3),
        ("weight_through_transpose_node", 3),
        ("quantized_qdq", 3),
    ] {
        let found = weights(&case(name, &Choice::default()).model);
        assert_eq!(found.len(), count, "{name}: {found:?}");
    }
    for (name, count) in [
        ("mnist_mlp_qdq", 2),
        ("mnist_mlp_qdq_channel", 2),
        ("stories260k", 36),
    ] {
        let Some(path) = shared(&format!("models/{name}.onnx")) else {
            return;
        };
        let found = weights(&load(&path, &Choice::default()).model);
        assert_eq!(found.len(), count, "{name}: {found:?}");
    }
}

/// The reference of a model in `../shared/models`.
fn reference(name: &str) -> Option<serde_json::Value> {
    let text = std::fs::read_to_string(shared("models/reference.json")?).unwrap();
    let all: serde_json::Value = serde_json::from_str(&text).unwrap();
    Some(all["files"][name].clone())
}

fn row(value: &serde_json::Value) -> Vec<f64> {
    let numbers = value.as_array().unwrap().iter();
    numbers.map(|x| x.as_f64().unwrap()).collect()
}

/// The first 20 pictures of `data` as the input of `prepared`, in [0, 1].
fn pictures(data: &Path, prepared: &Prepared) -> io::Tensor {
    let data = Dataset::load(data, Some(Split::Test), None).unwrap();
    let Values::Bytes(pixels) = data.x.limit(20).values else {
        panic!("pictures are bytes");
    };
    let pixels = pixels.iter().map(|&x| f64::from(x) / 255.0).collect();
    let features = prepared.inputs[0]
        .shape
        .iter()
        .skip(1)
        .map(|length| length.unwrap());
    let shape = std::iter::once(20).chain(features).collect();
    io::Tensor::real("pictures", shape, pixels).unwrap()
}

/// Fashion-MNIST is where Debian's package puts it, or nowhere.
#[test]
fn models_have_the_logits_of_onnx_runtime() {
    let fashion = Path::new("/usr/share/datasets/fashion-mnist");
    for name in [
        "fashion_cnn",
        "fashion_resnet",
        "mnist_vit",
        "mnist_depthwise",
        "mnist_mlp_small",
        "mnist_mlp_qdq",
        "mnist_mlp_qdq_channel",
        "mnist_autoencoder",
    ] {
        let file = format!("{name}.onnx");
        let (Some(path), Some(mnist)) = (shared(&format!("models/{file}")), shared("data/mnist"))
        else {
            return;
        };
        let prepared = load(&path, &Choice::default());
        // Two normalizations behind convolutions, one behind a Gemm.
        let folded = if name == "fashion_cnn" { 3 } else { 0 };
        assert_eq!(prepared.notes.len(), folded, "{:?}", prepared.notes);
        let data = if name.starts_with("fashion") {
            fashion
        } else {
            &mnist
        };
        if !data.exists() {
            println!("skipped: {name}, {} not found", data.display());
            continue;
        }
        let reference = reference(&file).unwrap();
        let output = run(&prepared, &[pictures(data, &prepared)]).remove(0);
        let width = output.shape()[1];
        let output = numbers(&output);
        let rows: Vec<&[f64]> = output.chunks(width).collect();
        if name == "mnist_autoencoder" {
            let expected = row(&reference["output_first_image_row14"]);
            assert_close(name, &rows[0][14 * 28..15 * 28], &expected);
            continue;
        }
        for (got, expected) in rows
            .iter()
            .zip(reference["logits_first3"].as_array().unwrap())
        {
            assert_close(name, got, &row(expected));
        }
        let classes: Vec<f64> = rows.iter().map(|row| largest(row) as f64).collect();
        assert_eq!(classes, row(&reference["argmax_first20"]), "{name}");
    }
}

fn largest(row: &[f64]) -> usize {
    (0..row.len())
        .max_by(|&a, &b| row[a].total_cmp(&row[b]))
        .unwrap()
}

/// The text that the model writes by itself, 256 tokens long, has the mean negative log-likelihood of ONNX Runtime.
#[test]
fn the_language_model_has_the_likelihood_of_onnx_runtime() {
    let Some(path) = shared("models/stories260k.onnx") else {
        return;
    };
    let prepared = load(&path, &Choice::default());
    assert_eq!(prepared.inputs[0].shape, [None, None]);
    assert_eq!(prepared.inputs[0].element, Element::Integer);
    assert_eq!(prepared.outputs[0].shape, [None, None, Some(512)]);
    let text = std::fs::read_to_string(path.with_file_name("stories260k.tokens.json")).unwrap();
    let tokens: serde_json::Value = serde_json::from_str(&text).unwrap();
    let ids = row(&tokens["greedy"]["ids"]);
    let read: Vec<f64> = [1.0]
        .into_iter()
        .chain(ids.iter().copied().take(ids.len() - 1))
        .collect();
    let input = io::Tensor::real("ids", vec![1, read.len()], read).unwrap();
    let logits = numbers(&run(&prepared, &[input])[0]);
    let loss = |(row, &next): (&[f64], &f64)| {
        let top = row[largest(row)];
        let sum: f64 = row.iter().map(|x| (x - top).exp()).sum();
        top + sum.ln() - row[next as usize]
    };
    let mean = logits.chunks(512).zip(&ids).map(loss).sum::<f64>() / ids.len() as f64;
    assert!((mean - 0.457_346).abs() < 1e-4, "{mean}");
}

#[test]
fn inputs_and_outputs_are_chosen_by_name() {
    let names = |choice: &Choice| -> Vec<String> {
        let inputs = case("two_inputs", choice).inputs;
        inputs.into_iter().map(|port| port.name).collect()
    };
    let (first, second) = ("onnx::Gemm_0".to_owned(), "onnx::Gemm_1".to_owned());
    assert_eq!(names(&Choice::default()), [first.clone(), second.clone()]);
    let turned = Choice {
        inputs: vec![second.clone(), first.clone()],
        ..Choice::default()
    };
    assert_eq!(names(&turned), [second, first]);
}

/// What is replaced by light later: nodes of three kinds, whose weight has the axes of the file, but for transposed
/// convolutions: theirs is `[out, in, …]`. The second constant of a convolution is its bias.
#[test]
fn products_with_constants_are_one_node_each() {
    use build::*;
    let product = |node: tract_onnx::pb::NodeProto, input: &[i64], weight: &[usize]| {
        let mut model = model(vec![node]);
        graph(&mut model).input = vec![port("x", input)];
        let count = weight.iter().product();
        let numbers: Vec<f32> = (0..count).map(|i| i as f32).collect();
        graph(&mut model)
            .initializer
            .push(float_tensor("w", weight, &numbers));
        let prepared = prepare(&Source::new("model", bytes(&model)), &Choice::default()).unwrap();
        let typed = prepared.model;
        let constant = |outlet: &OutletId| typed.outlet_fact(*outlet).unwrap().konst.clone();
        let products = typed.nodes.iter().filter(|node| {
            let name = node.op.name();
            ["EinSum", "Conv", "Deconv"].contains(&&*name)
        });
        let words: Vec<String> = products
            .map(|node| {
                let weights = node.inputs.iter().filter_map(constant);
                let shapes: Vec<_> = weights.map(|weight| weight.shape().to_vec()).collect();
                let axes = node.op_as::<EinSum>().map(|op| op.axes.to_string());
                format!("{} {} {shapes:?}", node.op.name(), axes.unwrap_or_default())
            })
            .collect();
        words.join("; ")
    };
    let turned = with_int(node("p", "Gemm", &["x", "w"], "y"), "transB", 1);
    let einsum = with_text(
        node("p", "Einsum", &["x", "w"], "y"),
        "equation",
        "btc,oc->bto",
    );
    let found = [
        product(turned, &[0, 2], &[3, 2]),
        product(node("p", "Gemm", &["x", "w"], "y"), &[0, 2], &[2, 3]),
        product(node("p", "MatMul", &["x", "w"], "y"), &[0, 4, 2], &[2, 3]),
        product(node("p", "MatMul", &["w", "x"], "y"), &[0, 2, 4], &[3, 2]),
        product(einsum, &[0, 4, 2], &[3, 2]),
        product(node("p", "Conv", &["x", "w"], "y"), &[0, 2, 5], &[3, 2, 3]),
        product(
            node("p", "Conv", &["x", "w"], "y"),
            &[0, 2, 5, 5],
            &[3, 2, 3, 3],
        ),
        product(
            node("p", "ConvTranspose", &["x", "w"], "y"),
            &[0, 2, 5, 5],
            &[2, 3, 3, 3],
        ),
    ];
    assert_eq!(
        found,
        [
            "EinSum mk,nk->mn [[3, 2]]",
            "EinSum mk,kn->mn [[2, 3]]",
            "EinSum amk,kn->amn [[2, 3]]",
            "EinSum mk,akn->amn [[3, 2]]",
            "EinSum btc,oc->bto [[3, 2]]",
            "Conv  [[3, 2, 3], []]",
            "Conv  [[3, 2, 3, 3], []]",
            "Deconv  [[3, 2, 3, 3], []]",
        ]
    );
}

/// tract has no product of two lists.
#[test]
fn the_product_of_two_lists_is_a_number() {
    use build::*;
    let mut list = model(vec![node("product", "MatMul", &["x", "w"], "y")]);
    graph(&mut list).input = vec![port("x", &[3])];
    let weight = float_tensor("w", &[3], &[1.0, -2.0, 4.0]);
    graph(&mut list).initializer.push(weight);
    let prepared = prepare(&Source::new("model", bytes(&list)), &Choice::default()).unwrap();
    let x = io::Tensor::real("x", vec![3], vec![0.5, 3.0, 2.0]).unwrap();
    let y = run(&prepared, &[x]).remove(0);
    assert_eq!((y.shape(), numbers(&y)), (&[][..], vec![2.5]));
    assert_eq!(weights(&prepared.model), [[3]]);
}
