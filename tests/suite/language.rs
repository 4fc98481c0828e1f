//! Language models whose masks and angles are computed of their open length, against ONNX Runtime (`tests/cases/language`).

use std::path::Path;

use lightloom::nn::{Choice, Chosen, Graph, Network, Samples};
use ndarray::Array2;
use serde_json::{Value, json};

use crate::cli::ok;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/language");

/// What ONNX Runtime writes with each model, by its name.
fn reference() -> Value {
    let text = std::fs::read_to_string(format!("{FOLDER}/language.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// A folder with the program of the model `name` and tokens `t.json`.
fn compiled(name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let file = format!("{FOLDER}/{name}.onnx");
    ok(path, &["compile", &file, "-o", "p.safetensors"]);
    let pieces: Vec<String> = ('a'..='l').map(String::from).collect();
    let tokens = json!({"pieces": pieces, "bos": 0});
    std::fs::write(path.join("t.json"), tokens.to_string()).unwrap();
    folder
}

fn generate(folder: &Path, more: &[&str]) -> Value {
    let start = ["generate", "p.safetensors", "--tokens", "t.json"];
    let end = ["--json", "-", "--quiet"];
    serde_json::from_str(&ok(folder, &[&start, more, &end].concat())).unwrap()
}

#[test]
fn models_with_masks_and_angles_of_an_open_length_write_what_onnx_runtime_writes() {
    for (name, expected) in reference().as_object().unwrap() {
        let folder = compiled(name);
        let written = generate(folder.path(), &["--length", "9"]);
        assert_eq!(written["ids"], expected["ids"], "{name}");
        assert_eq!(written["digital_ids"], expected["ids"], "{name}");
        assert_eq!(written["agreement"], 1.0, "{name}");
        for whose in ["digital", "chip"] {
            let got = written["nll"][whose].as_f64().unwrap();
            let nll = expected["nll"].as_f64().unwrap();
            assert!((got - nll).abs() < 1e-5, "{name} {whose}: {got} {nll}");
        }
    }
}

/// Row t of the logits of a closed length is what follows the first t tokens: the most likely ones are the text itself.
#[test]
fn a_model_of_a_closed_length_has_the_same_mask() {
    for (name, expected) in reference().as_object().unwrap() {
        let file = std::fs::read(format!("{FOLDER}/{name}.onnx")).unwrap();
        let source = lightloom::io::Source::new("model", file);
        let choice = Choice {
            shapes: vec!["ids=1,9".parse().unwrap()],
            ..Choice::default()
        };
        let graph = Graph::read(&source, &choice, &Chosen::default()).unwrap();
        let ids: Vec<f64> = serde_json::from_value(expected["ids"].clone()).unwrap();
        let given = [&[0.0], &ids[..8]].concat();
        let given = Array2::from_shape_vec((1, 9), given).unwrap();
        let network = Network::of_graph(graph);
        let logits = network.forward::<f32>(&Samples::from(given)).unwrap();
        let logits = logits.into_shape_with_order((9, 12)).unwrap();
        for (row, id) in logits.rows().into_iter().zip(&ids) {
            let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            assert_eq!(row[*id as usize], most, "{name}");
        }
    }
}
