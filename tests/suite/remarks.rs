//! What is said of a network beside its file: options of `compile` and keys of an experiment are one.

use std::path::Path;

use ndarray::{Array2, Axis};
use serde_json::Value;
use tract_onnx::pb;

use crate::cli::{ok, refused};
use crate::onnx::{FLOAT, floats, node, onnx, port, with_int};
use crate::sweep::rows;

/// y = relu([a, b] F) S and, first, z = [a, b] T, of inputs a `[batch, 2]` and b `[batch, wide]`, which is 3.
fn network() -> Vec<u8> {
    let weights = |rows: usize, columns: usize, seed: f32| {
        Array2::from_shape_fn((rows, columns), |(i, j)| {
            ((1 + i * columns + j) as f32 * seed).sin()
        })
    };
    onnx(pb::GraphProto {
        name: "remarked".to_owned(),
        node: vec![
            with_int(node("Concat", &["a", "b"], "all"), "axis", 1),
            node("MatMul", &["all", "t"], "z"),
            node("MatMul", &["all", "f"], "first"),
            node("Relu", &["first"], "hidden"),
            node("MatMul", &["hidden", "s"], "y"),
        ],
        initializer: vec![
            floats("t", weights(5, 4, 0.3).view()),
            floats("f", weights(5, 6, 0.7).view()),
            floats("s", weights(6, 3, 1.1).view()),
        ],
        input: vec![
            port("a", FLOAT, &["batch", "2"]),
            port("b", FLOAT, &["batch", "wide"]),
        ],
        output: vec![
            port("z", FLOAT, &["batch", "4"]),
            port("y", FLOAT, &["batch", "3"]),
        ],
        ..Default::default()
    })
}

/// 90 samples of 5 features and their classes of 3, and what is subtracted of the features.
fn put(folder: &Path) {
    std::fs::write(folder.join("net.onnx"), network()).unwrap();
    let mut table = String::new();
    for sample in 0..90 {
        for feature in 0..5 {
            let x = (1.3 * f64::from(sample) + 2.1 * f64::from(feature)).cos();
            table.push_str(&format!("{x},"));
        }
        table.push_str(&format!("{}\n", sample % 3));
    }
    std::fs::write(folder.join("d.csv"), table).unwrap();
    put_means(folder, 0.1);
}

fn put_means(folder: &Path, mean: f64) {
    let means = Array2::from_shape_fn((1, 5), |(_, j)| mean * j as f64).remove_axis(Axis(0));
    let mut bytes = Vec::new();
    lightloom::io::npy::write(&mut bytes, means.view()).unwrap();
    std::fs::write(folder.join("means.npy"), bytes).unwrap();
}

/// Every key with its options.
const KEYS: [(&str, &[&str]); 9] = [
    ("inputs = ['b', 'a']", &["--inputs", "b,a"]),
    ("outputs = ['y']", &["--outputs", "y"]),
    ("shape = ['b=N,3']", &["--shape", "b=N,3"]),
    ("digital = ['fir*']", &["--digital", "fir*"]),
    ("light = ['y']", &["--light", "y"]),
    ("scale = 0.5", &["--scale", "0.5"]),
    ("mean = 'means.npy'", &["--mean", "means.npy"]),
    ("std = [1, 2, 0.5, 1, 4]", &["--std", "1,2,0.5,1,4"]),
    ("weights = 'fixed:4'", &["--weights", "fixed:4"]),
];

const HARDWARE: [&str; 2] = ["coupler.splitting_error_rad=0.05", "readout.adc_bits=6"];

fn experiment(folder: &Path, keys: &[&str]) {
    let [error, bits] = HARDWARE;
    let text = format!(
        "network = 'net.onnx'\ndata = 'd.csv'\ntrials = 2\nseed = 5\n{}\n[set]\n{error}\n{bits}\n",
        keys.join("\n")
    );
    std::fs::write(folder.join("e.toml"), text).unwrap();
}

/// What `infer` says of the network compiled with these options.
fn inferred(folder: &Path, options: &[&str]) -> Value {
    let compile = ["compile", "net.onnx", "-o", "p.safetensors", "--quiet"];
    ok(folder, &[&compile[..], options].concat());
    let [error, bits] = HARDWARE;
    let infer = [
        "infer",
        "p.safetensors",
        "--data=d.csv",
        "--seed=5",
        "--trials=2",
        "--json=-",
        "--quiet",
        "--set",
        error,
        "--set",
        bits,
    ];
    serde_json::from_str(&ok(folder, &infer)).unwrap()
}

/// Fails unless the rows of the experiment with these `keys` are those of `infer` with these `options`.
fn assert_same(folder: &Path, out: &str, keys: &[&str], options: &[&str]) -> Value {
    experiment(folder, keys);
    ok(folder, &["sweep", "e.toml", "--out", out, "--quiet"]);
    let report = inferred(folder, options);
    let rows = rows(&folder.join(out));
    assert_eq!(rows.len(), 2);
    let layers = report["layers"].as_array().unwrap();
    for (row, chip) in rows
        .iter()
        .zip(report["noisy"]["per_trial"].as_array().unwrap())
    {
        for key in ["accuracy", "agreement"] {
            assert_eq!(row[key], chip[key], "{keys:?}");
        }
        assert_eq!(row["digital_accuracy"], report["digital"]["accuracy"]);
        assert_eq!(row["ideal_agreement"], report["ideal"]["agreement"]);
        for (index, layer) in layers.iter().enumerate() {
            let of = |name: &str| &row[format!("layer.{}.{name}", layer["name"].as_str().unwrap())];
            assert_eq!(
                *of("matrix_error"),
                chip["matrix_errors"][index],
                "{keys:?}"
            );
            assert_eq!(*of("weighted_error"), chip["weighted_errors"][index]);
        }
    }
    let columns = rows[0].as_object().unwrap().keys();
    let measured = columns.filter(|name| name.ends_with(".matrix_error"));
    assert_eq!(measured.count(), layers.len());
    report
}

#[test]
fn a_row_is_what_infer_says_of_the_network_compiled_with_the_same_options() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    put(folder);
    let keys = KEYS.map(|(key, _)| key);
    let options: Vec<&str> = KEYS
        .iter()
        .flat_map(|(_, options)| *options)
        .copied()
        .collect();
    let all = assert_same(folder, "all", &keys, &options);
    assert_eq!(all["layers"].as_array().unwrap().len(), 1);
    // Each of them changes what comes out, or is refused beside others that it contradicts.
    let without = |left: &str| -> (Vec<&str>, Vec<&str>) {
        let kept = KEYS.iter().filter(|(key, _)| !key.starts_with(left));
        let kept: Vec<_> = kept.collect();
        let options = kept.iter().flat_map(|(_, options)| *options).copied();
        (
            kept.iter().map(|(key, _)| *key).collect(),
            options.collect(),
        )
    };
    for left in ["inputs", "digital", "scale", "mean", "std", "weights"] {
        let (keys, options) = without(left);
        let report = assert_same(folder, left, &keys, &options);
        let measured = |report: &Value| report["noisy"]["per_trial"][0].clone();
        assert_ne!(measured(&report), measured(&all), "{left}");
    }
}

#[test]
fn what_is_said_of_a_network_is_part_of_the_experiment() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    put(folder);
    let keys = KEYS.map(|(key, _)| key);
    experiment(folder, &keys);
    let sweep = ["sweep", "e.toml", "--out", "out", "--quiet"];
    ok(folder, &sweep);
    // The experiment as resolved is the experiment.
    std::fs::copy(folder.join("out/experiment.toml"), folder.join("e.toml")).unwrap();
    ok(folder, &sweep);
    for (key, other) in [
        ("inputs", "inputs = ['a', 'b']"),
        ("outputs", "outputs = ['z']"),
        ("shape", "shape = ['a=N,2']"),
        ("digital", "digital = ['y']"),
        ("light", "light = ['first']"),
        ("scale", "scale = 0.25"),
        ("mean", "mean = 0"),
        ("std", "std = [1, 2, 0.5, 1, 5]"),
        ("weights", "weights = 'fixed:5'"),
    ] {
        let changed = keys.map(|line| if line.starts_with(key) { other } else { line });
        experiment(folder, &changed);
        refused(folder, &sweep);
    }
    experiment(folder, &keys);
    put_means(folder, 0.2);
    refused(folder, &sweep);
    put_means(folder, 0.1);
    ok(folder, &sweep);
    let manifest = std::fs::read_to_string(folder.join("out/manifest.json")).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    let inputs = manifest["inputs"].as_array().unwrap();
    assert!(
        inputs
            .iter()
            .any(|input| input["key"] == "mean" && input["path"] == "means.npy")
    );
    ok(folder, &["report", "out"]);
}

#[test]
fn weights_can_be_varied_and_hardware_that_holds_them_has_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    put(folder);
    let keys = ["outputs = ['y']", "shape = ['b=N,3']"];
    let axes =
        "[axes]\nweights = ['exact', 'fixed:3', 'abfp:4']\n'numbers.format' = ['float', 'abfp']";
    experiment(folder, &keys);
    let text = std::fs::read_to_string(folder.join("e.toml")).unwrap();
    std::fs::write(folder.join("e.toml"), format!("{text}{axes}\n")).unwrap();
    ok(folder, &["sweep", "e.toml", "--out", "out", "--quiet"]);
    let rows = rows(&folder.join("out"));
    let errors = |weights: &str, format: &str| -> Vec<&Value> {
        let here = rows
            .iter()
            .filter(|row| row["weights"] == weights && row["numbers.format"] == format);
        here.map(|row| &row["layer.y.matrix_error"]).collect()
    };
    let float = ["exact", "fixed:3", "abfp:4"].map(|weights| errors(weights, "float"));
    assert!(float[0] != float[1] && float[1] != float[2] && float[0].len() == 2);
    let blocks = ["exact", "fixed:3", "abfp:4"].map(|weights| errors(weights, "abfp"));
    assert!(blocks[0] == blocks[1] && blocks[1] == blocks[2]);
}

#[test]
fn what_says_nothing_of_a_network_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    put(folder);
    for key in [
        "inputs = 'a'",
        "outputs = []",
        "shape = ['b']",
        "digital = [1]",
        "scale = 'half'",
        "mean = ['0.1']",
        "std = 'no.npy'",
        "channels = 'middle'",
        "weights = 'fixed'",
        "weights = 4",
        "light = ['no']",
    ] {
        let name = key.split(' ').next().unwrap();
        let others = ["outputs = ['y']", "shape = ['b=N,3']"];
        let others = others.into_iter().filter(|other| !other.starts_with(name));
        experiment(folder, &others.chain([key]).collect::<Vec<_>>());
        refused(folder, &["sweep", "e.toml", "--out", "out", "--quiet"]);
    }
    let text = "program = 'p.safetensors'\ndata = 'd.csv'\ntrials = 1\n";
    for key in ["scale = 2", "inputs = ['a']", "weights = 'fixed:4'"] {
        std::fs::write(folder.join("e.toml"), format!("{text}{key}\n")).unwrap();
        refused(folder, &["sweep", "e.toml", "--out", "out", "--quiet"]);
    }
}
