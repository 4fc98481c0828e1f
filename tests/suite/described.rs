//! What `compile` and `inspect` say of graphs that are not the usual: recurrent layers, several ports, nothing on light.

use lightloom::nn::Network;
use ndarray::{Array2, Array3, Array4};
use serde_json::Value;
use tract_onnx::pb;

use crate::cli::{lightloom, ok};
use crate::graphs::written;
use crate::onnx::{FLOAT, floats, node, onnx, port, with_int, with_ints};

/// The multiply-adds that stay digital in `network`.
fn digital(network: &Network) -> usize {
    let left = network.graph().unwrap().left();
    left.iter().map(|left| left.products).sum()
}

/// A layer `operator` of `gates` gates over 5 steps of 3 features, with 2 hidden features in each of so many directions.
fn recurrent(operator: &str, gates: usize, directions: usize) -> Network {
    let (nodes, stored) = layer(operator, gates, directions);
    written(nodes, &["5", "3"], stored, &["y"]).unwrap()
}

/// Its nodes and its weights.
fn layer(
    operator: &str,
    gates: usize,
    directions: usize,
) -> (Vec<pb::NodeProto>, Vec<pb::TensorProto>) {
    let mut layer = with_int(node(operator, &["t", "w", "r"], "h"), "hidden_size", 2);
    if directions == 2 {
        layer.attribute.push(pb::AttributeProto {
            name: "direction".to_owned(),
            r#type: pb::attribute_proto::AttributeType::String.into(),
            s: b"bidirectional".to_vec(),
            ..Default::default()
        });
    }
    let weights = |inputs: usize| Array3::from_elem((directions, gates * 2, inputs), 0.1f32);
    let nodes = vec![
        with_ints(node("Transpose", &["x"], "t"), "perm", &[1, 0, 2]),
        layer,
        with_ints(node("Transpose", &["h"], "y"), "perm", &[2, 0, 1, 3]),
    ];
    let stored = vec![
        floats("w", weights(3).view()),
        floats("r", weights(2).view()),
    ];
    (nodes, stored)
}

/// A run of four samples has four times as many.
#[test]
fn multiply_adds_of_a_fixed_batch_are_those_of_one_sample() {
    for (operator, gates) in [("LSTM", 4), ("GRU", 3), ("RNN", 1)] {
        let (nodes, stored) = layer(operator, gates, 1);
        let graph = pb::GraphProto {
            name: "fixed".to_owned(),
            node: nodes,
            initializer: stored,
            input: vec![port("x", FLOAT, &["4", "5", "3"])],
            output: vec![port("y", FLOAT, &["4", "5", "1", "2"])],
            ..Default::default()
        };
        let source = lightloom::io::Source::new("fixed", onnx(graph));
        let fixed = Network::read(&source, &Default::default()).unwrap();
        let open = recurrent(operator, gates, 1);
        assert_eq!(digital(&fixed.network), digital(&open), "{operator}");
    }
}

/// Its full output is 11 × 13 pixels; what is cut off of fewer would not be what ONNX says.
#[test]
fn transposed_convolutions_that_cut_their_output_are_refused() {
    let read = |shape: [i64; 2]| {
        let layer = with_ints(node("ConvTranspose", &["x", "w"], "y"), "strides", &[2, 2]);
        let graph = pb::GraphProto {
            name: "up".to_owned(),
            node: vec![with_ints(layer, "output_shape", &shape)],
            initializer: vec![floats("w", Array4::from_elem((3, 2, 3, 3), 0.1f32).view())],
            input: vec![port("x", FLOAT, &["4", "3", "5", "6"])],
            output: vec![port("y", FLOAT, &["4", "2", "a", "b"])],
            ..Default::default()
        };
        let source = lightloom::io::Source::new("up", onnx(graph));
        Network::read(&source, &Default::default())
    };
    assert!(read([11, 13]).is_ok());
    assert!(read([9, 12]).is_err());
}

/// Every step multiplies by gates · hidden · (inputs + hidden) weights in each direction.
#[test]
fn multiply_adds_of_recurrent_layers_are_counted() {
    for (operator, gates) in [("LSTM", 4), ("GRU", 3), ("RNN", 1)] {
        for directions in [1, 2] {
            let network = recurrent(operator, gates, directions);
            let expected = 5 * directions * gates * 2 * (3 + 2);
            assert_eq!(digital(&network), expected, "{operator} {directions}");
            let mut left = network.graph().unwrap().left().iter();
            assert!(left.all(|left| !left.is_uncounted()), "{operator}");
        }
    }
}

/// A body that multiplies three features by a 3 × 3 matrix, over five steps.
#[test]
fn multiply_adds_of_a_scan_are_those_of_its_body_at_every_step() {
    let body = pb::GraphProto {
        name: "body".to_owned(),
        node: vec![node("MatMul", &["step", "m"], "product")],
        initializer: vec![floats("m", Array2::from_elem((3, 3), 0.5f32).view())],
        input: vec![port("step", FLOAT, &["1", "3"])],
        output: vec![port("product", FLOAT, &["1", "3"])],
        ..Default::default()
    };
    let mut scan = with_int(node("Scan", &["t"], "h"), "num_scan_inputs", 1);
    scan.attribute.push(pb::AttributeProto {
        name: "body".to_owned(),
        r#type: pb::attribute_proto::AttributeType::Graph.into(),
        g: Some(body),
        ..Default::default()
    });
    let graph = pb::GraphProto {
        name: "scan".to_owned(),
        node: vec![
            with_ints(node("Transpose", &["x"], "t"), "perm", &[1, 0, 2]),
            scan,
            with_ints(node("Transpose", &["h"], "y"), "perm", &[1, 0, 2]),
        ],
        input: vec![port("x", FLOAT, &["1", "5", "3"])],
        output: vec![port("y", FLOAT, &["1", "5", "3"])],
        ..Default::default()
    };
    let source = lightloom::io::Source::new("scan", onnx(graph));
    let loaded = Network::read(&source, &Default::default()).unwrap();
    assert_eq!(digital(&loaded.network), 5 * 3 * 3);
}

/// What `compile` says of the file `net.onnx` in a folder of `graph`, and the record of its program.
fn said(graph: pb::GraphProto, more: &[&str]) -> (String, Value) {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("net.onnx"), onnx(graph)).unwrap();
    let start = ["compile", "net.onnx", "-o", "p.safetensors"];
    let output = lightloom(folder, &[&start, more].concat());
    assert!(output.status.success());
    let record = ok(folder, &["inspect", "p.safetensors", "--json", "-"]);
    let said = String::from_utf8(output.stderr).unwrap();
    (said, serde_json::from_str(&record).unwrap())
}

fn sums() -> pb::GraphProto {
    let matrix = |rows| Array2::from_elem((rows, 2), 0.25f32);
    pb::GraphProto {
        name: "sums".to_owned(),
        node: vec![
            node("MatMul", &["a", "wa"], "ha"),
            node("MatMul", &["b", "wb"], "hb"),
            node("Add", &["ha", "hb"], "sum"),
            node("Relu", &["sum"], "bent"),
        ],
        initializer: vec![
            floats("wa", matrix(3).view()),
            floats("wb", matrix(4).view()),
        ],
        input: vec![port("a", FLOAT, &["N", "3"]), port("b", FLOAT, &["N", "4"])],
        output: vec![
            port("sum", FLOAT, &["N", "2"]),
            port("bent", FLOAT, &["N", "2"]),
        ],
        ..Default::default()
    }
}

#[test]
fn several_inputs_and_outputs_are_named_with_their_shapes() {
    let (text, _) = said(sums(), &["--outputs", "sum,bent"]);
    for line in [
        "input a: numbers [?, 3]\n",
        "input b: numbers [?, 4]\n",
        "output sum: numbers [?, 2]\n",
        "output bent: numbers [?, 2]\n",
    ] {
        assert!(text.contains(line), "{text}");
    }
    let (text, _) = said(sums(), &["--outputs", "bent"]);
    assert!(
        text.contains("input b:") && !text.contains("output bent:"),
        "{text}"
    );
}

#[test]
fn a_graph_of_which_nothing_is_on_light_says_so() {
    let kernel = ndarray::Array4::from_elem((2, 1, 1, 1), 0.5f32);
    let depthwise = || pb::GraphProto {
        name: "depthwise".to_owned(),
        node: vec![with_int(node("Conv", &["x", "w"], "y"), "group", 2)],
        initializer: vec![floats("w", kernel.view())],
        input: vec![port("x", FLOAT, &["N", "2", "2", "2"])],
        output: vec![port("y", FLOAT, &["N", "2", "2", "2"])],
        ..Default::default()
    };
    let (text, record) = said(depthwise(), &[]);
    assert_eq!(record["graph"]["share_on_light"], 0.0);
    let note = "note: nothing of it is on light, 0 of 1 products: a depthwise convolution; --light NAME puts";
    assert!(text.contains(note), "{text}");
    let (text, _) = said(depthwise(), &["--light", "*"]);
    assert!(!text.contains("nothing of it is on light"), "{text}");
    let (text, _) = said(sums(), &["--outputs", "sum", "--digital", "*"]);
    let note = "note: nothing of it is on light, 0 of 2 products: left digital as asked\n";
    assert!(text.contains(note), "{text}");
}
