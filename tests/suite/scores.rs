//! Scores of networks that are no classifiers, and scores that are asked for.

use std::path::Path;

use lightloom::io::{self, Tensor, Tensors};
use lightloom::nn::PARTS;
use ndarray::Array2;
use serde_json::Value;
use tract_onnx::pb;

use super::cli::{DEMO, lightloom, ok, refused};
use super::onnx;

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases");

fn case(name: &str) -> String {
    format!("{CASES}/{name}")
}

fn arrays(path: &str) -> Tensors {
    io::npy::read_npz(path).unwrap()
}

fn matrix(arrays: &Tensors, name: &str) -> Array2<f64> {
    arrays[name].clone().into_matrix(name).unwrap()
}

/// Writes `x` and `y` as an archive of data.
fn write_data(path: &Path, arrays: &[(&str, &Array2<f64>)]) {
    let mut zip = zip::ZipWriter::new(std::fs::File::create(path).unwrap());
    for (name, array) in arrays {
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file(format!("{name}.npy"), options).unwrap();
        io::npy::write(&mut zip, array.view()).unwrap();
    }
    zip.finish().unwrap();
}

fn infer(folder: &Path, args: &[&str]) -> Value {
    let all = [&["infer", "p.safetensors", "--quiet", "--json", "-"], args].concat();
    serde_json::from_str(&ok(folder, &all)).unwrap()
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

fn near(a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance * b.abs(), "{a} is not {b}");
}

fn rows(folder: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join("rows.jsonl")).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A regression of ONNX Runtime's outputs with 0.1 added to the target of one sample: the error is 0.01 / 12, and R² is
/// 1 − 0.01 / Σ (t − mean t)².
#[test]
fn a_regression_is_scored_by_its_mean_squared_error_in_every_command() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let network = "regression_one_output";
    let expected = arrays(&case(&format!("{network}.expected.npz")));
    let (x, mut y) = (matrix(&expected, "x"), matrix(&expected, "out0_output"));
    y[[3, 0]] += 0.1;
    write_data(&folder.join("d.npz"), &[("x", &x), ("y", &y)]);
    let onnx = case(&format!("{network}.onnx"));
    ok(
        folder,
        &["compile", &onnx, "-o", "p.safetensors", "--quiet"],
    );
    let args = ["--data", "d.npz", "--trials", "3", "--precision", "f64"];
    let noise = ["--set", "phase_shifter.phase_error_rad=0.02"];
    let found = infer(folder, &[&args[..], &noise].concat());
    assert_eq!(found["score_name"], "mse");
    near(number(&found["digital"]["score"]), 0.01 / 12.0, 1e-3);
    let mean = y.sum() / 12.0;
    let spread: f64 = y.iter().map(|t| (t - mean).powi(2)).sum();
    near(1.0 - number(&found["digital"]["r2"]), 0.01 / spread, 1e-3);
    assert!(found["digital"].get("accuracy").is_none());
    near(number(&found["ideal"]["score"]), 0.01 / 12.0, 1e-3);
    assert!(number(&found["ideal"]["output_error"]) < 1e-9);
    assert!(number(&found["noisy"]["score"]["mean"]) > number(&found["digital"]["score"]));
    let trials = found["noisy"]["per_trial"].as_array().unwrap();
    let scores: Vec<f64> = trials.iter().map(|trial| number(&trial["score"])).collect();
    near(
        number(&found["noisy"]["score"]["mean"]),
        scores.iter().sum::<f64>() / 3.0,
        1e-12,
    );
    let printed = ok(folder, &[&["infer", "p.safetensors"], &args[..]].concat());
    assert!(
        printed.contains("\nscore     mean squared error\n"),
        "{printed}"
    );
    assert!(printed.contains("   R² "), "{printed}");
    assert!(!printed.contains("agreement"), "{printed}");

    let text = "program = 'p.safetensors'\ndata = 'd.npz'\ntrials = 3\nprecision = 'f64'\n\
                    [axes]\n\"phase_shifter.phase_error_rad\" = [0.0, 0.02, 0.05]\n";
    std::fs::write(folder.join("e.toml"), text).unwrap();
    ok(folder, &["sweep", "e.toml", "--out", network, "--quiet"]);
    let out = folder.join(network);
    let swept = rows(&out);
    for (trial, row) in swept[3..6].iter().enumerate() {
        let trial = &trials[trial];
        assert_eq!(row["score_name"], "mse");
        for part in ["score", "r2", "output_error"] {
            assert_eq!(row[part], trial[part], "{part}");
            assert_eq!(row[format!("ideal_{part}")], found["ideal"][part], "{part}");
        }
        assert_eq!(row["digital_score"], found["digital"]["score"]);
        assert!(row.get("both_right").is_none() && row.get("accuracy").is_none());
    }
    assert!(!out.join("confusion.csv").exists());
    ok(folder, &["report", network, "--quiet"]);
    let page = std::fs::read_to_string(out.join("report.html")).unwrap();
    for says in [
        "<h2 id=\"accuracy\">Mean squared error</h2>",
        "Mean squared error against ",
        " of digital’s mean squared error",
    ] {
        assert!(page.contains(says), "{says}");
    }
    for says in [
        "<h2 id=\"classes\">",
        "chips_worse",
        "McNemar",
        "accuracy against",
    ] {
        assert!(!page.contains(says), "{says}");
    }
    let means: Vec<f64> = swept
        .chunks(3)
        .map(|point| point.iter().map(|row| number(&row["score"])).sum())
        .collect();
    assert!(means[0] < means[1] && means[1] < means[2]);
    // The smallest error is the best point.
    let best = page.split("Best point, mean").nth(1).unwrap();
    let best = best.split("</small>").next().unwrap();
    assert!(best.ends_with("σ phase 0 rad"), "{best}");
    for file in [
        network.to_owned(),
        format!("{network}/rows.csv"),
        format!("{network}/rows.jsonl"),
    ] {
        let said: Value =
            serde_json::from_str(&ok(folder, &["inspect", &file, "--json", "-"])).unwrap();
        let place = said
            .get("settings")
            .map_or(&said["score"]["min"], |all| &all[0]["score"]);
        assert!(number(place) > 0.0, "{said}");
    }
}

/// 60 images of zeros and ones, and the network that tells them apart: scikit-learn's formulas, by hand.
#[test]
fn one_output_behind_a_sigmoid_tells_two_classes_apart_at_one_half() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let onnx = case("binary_one_output_sigmoid.onnx");
    let data = case("binary_one_output_data.npz");
    ok(
        folder,
        &["compile", &onnx, "-o", "p.safetensors", "--quiet"],
    );
    let args = [
        "--data",
        &data,
        "--trials",
        "2",
        "--set",
        "coupler.splitting_error_rad=0.1",
    ];
    let found = infer(folder, &[&args[..], &["--predictions", "out.npz"]].concat());
    assert_eq!(found["score_name"], "binary");
    let labels = arrays(&data)["y"].clone().into_vector("y").unwrap();
    let kept = arrays(folder.join("out.npz").to_str().unwrap());
    let check = |outputs: &[f64], worth: &Value| {
        let right = outputs
            .iter()
            .zip(&labels)
            .filter(|(p, y)| (**p > 0.5) == (**y == 1.0));
        assert_eq!(number(&worth["accuracy"]), right.count() as f64 / 60.0);
        let (mut won, mut pairs) = (0.0, 0.0);
        for (p, _) in outputs.iter().zip(&labels).filter(|(_, y)| **y == 1.0) {
            for (q, _) in outputs.iter().zip(&labels).filter(|(_, y)| **y == 0.0) {
                pairs += 1.0;
                won += if p > q {
                    1.0
                } else {
                    0.5 * f64::from(u8::from(p == q))
                };
            }
        }
        near(number(&worth["auc"]), won / pairs, 1e-12);
    };
    check(
        matrix(&kept, "digital").as_slice().unwrap(),
        &found["digital"],
    );
    assert!(number(&found["digital"]["accuracy"]) > 0.9);
    let chips = kept["chips"].clone();
    assert_eq!(chips.shape(), [2, 60, 1]);
    let lightloom::io::TensorData::Real(values) = chips.data() else {
        panic!("outputs are real");
    };
    for (trial, outputs) in values.chunks(60).enumerate() {
        check(outputs, &found["noisy"]["per_trial"][trial]);
    }
    let output = lightloom(folder, &[&["infer", "p.safetensors"], &args[..]].concat());
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.contains("one output: class 1 above 0.5, else class 0"),
        "{stderr}"
    );
    refused(
        folder,
        &[
            &["infer", "p.safetensors", "--score", "accuracy"],
            &args[..],
        ]
        .concat(),
    );
    let text = format!(
        "program = 'p.safetensors'\ndata = '{data}'\ntrials = 2\n[axes]\n\
         \"coupler.splitting_error_rad\" = [0.0, 0.1]\n"
    );
    std::fs::write(folder.join("e.toml"), text).unwrap();
    ok(folder, &["sweep", "e.toml", "--out", "out", "--quiet"]);
    let row = &rows(&folder.join("out"))[2];
    for part in ["accuracy", "auc", "agreement"] {
        assert_eq!(row[part], found["noisy"]["per_trial"][0][part], "{part}");
    }
    let paired = [
        "both_right",
        "only_digital_right",
        "only_chip_right",
        "neither_right",
    ];
    let sum: f64 = paired.iter().map(|name| number(&row[*name])).sum();
    assert_eq!(sum, 60.0);
    ok(folder, &["report", "out", "--quiet"]);
    let page = std::fs::read_to_string(folder.join("out/report.html")).unwrap();
    assert!(page.contains("<h2 id=\"classes\">"));
}

/// Without labels: 64 outputs of 64 features are asked for their inputs; other outputs are compared with digital alone.
#[test]
fn without_labels_an_autoencoder_gives_its_inputs_and_any_other_network_what_digital_gives() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let x = matrix(&arrays(&case("input_hidden_output_data.npz")), "x");
    write_data(&folder.join("x.npz"), &[("x", &x)]);
    let net = case("encoder_decoder.safetensors");
    let layers = "encoder.0,encoder.2,decoder.0,decoder.2";
    ok(
        folder,
        &[
            "compile",
            &net,
            "-o",
            "p.safetensors",
            "--quiet",
            "--layers",
            layers,
        ],
    );
    let args = [
        "--data",
        "x.npz",
        "--trials",
        "2",
        "--precision",
        "f64",
        "--predictions",
        "out.npz",
    ];
    let found = infer(folder, &args);
    assert_eq!(found["score_name"], "mse");
    let digital = matrix(&arrays(folder.join("out.npz").to_str().unwrap()), "digital");
    let squares: f64 = digital.iter().zip(&x).map(|(y, x)| (y - x).powi(2)).sum();
    near(
        number(&found["digital"]["score"]),
        squares / x.len() as f64,
        1e-12,
    );

    let first = Tensor::real(
        "w",
        vec![3, 64],
        (0..192).map(|i| f64::from(i % 7) - 3.0).collect(),
    );
    let weight = first.unwrap().into_matrix("w").unwrap();
    write_data(&folder.join("net.npz"), &[("0.weight", &weight)]);
    ok(
        folder,
        &["compile", "net.npz", "-o", "p.safetensors", "--quiet"],
    );
    let noise = ["--set", "phase_shifter.phase_error_rad=0.05"];
    let found = infer(folder, &[&args[..], &noise].concat());
    assert_eq!(found["score_name"], "none");
    let kept = arrays(folder.join("out.npz").to_str().unwrap());
    let digital = matrix(&kept, "digital");
    let lightloom::io::TensorData::Real(chips) = kept["chips"].data() else {
        panic!("outputs are real");
    };
    let norm = digital.iter().map(|y| y * y).sum::<f64>().sqrt();
    for (trial, outputs) in chips.chunks(digital.len()).enumerate() {
        let apart: f64 = outputs
            .iter()
            .zip(&digital)
            .map(|(y, d)| (y - d).powi(2))
            .sum();
        let error = number(&found["noisy"]["per_trial"][trial]["output_error"]);
        near(error, apart.sqrt() / norm, 1e-12);
    }
    let text = "program = 'p.safetensors'\ndata = 'x.npz'\ntrials = 2\n[axes]\n\
                \"phase_shifter.phase_error_rad\" = [0.0, 0.05, 0.1]\n";
    std::fs::write(folder.join("e.toml"), text).unwrap();
    ok(folder, &["sweep", "e.toml", "--out", "out", "--quiet"]);
    ok(folder, &["report", "out", "--quiet"]);
    let page = std::fs::read_to_string(folder.join("out/report.html")).unwrap();
    assert!(page.contains("Output error against "));
    for score in ["accuracy", "nll", "mse", "binary", "top2"] {
        let infer = [
            "infer",
            "p.safetensors",
            "--data",
            "x.npz",
            "--score",
            score,
        ];
        refused(folder, &infer);
    }
}

/// The built-in digits by every score of classes; the log-likelihood and the five largest from the outputs themselves.
#[test]
fn scores_of_classes_follow_from_the_predictions_that_are_written() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let (program, data) = (
        format!("{DEMO}/digits.program.safetensors"),
        format!("{DEMO}/digits-test.npz"),
    );
    std::fs::copy(&program, folder.join("p.safetensors")).unwrap();
    let labels = arrays(&data)["y"].clone().into_vector("y").unwrap();
    let args = [
        "--data",
        &data,
        "--limit",
        "200",
        "--trials",
        "2",
        "--precision",
        "f64",
        "--predictions",
        "out.npz",
        "--set",
        "coupler.splitting_error_rad=0.1",
    ];
    for score in ["accuracy", "top2", "nll", "none"] {
        let found = infer(folder, &[&args[..], &["--score", score]].concat());
        assert_eq!(found["score_name"], score);
        let kept = arrays(folder.join("out.npz").to_str().unwrap());
        let lightloom::io::TensorData::Real(chips) = kept["chips"].data() else {
            panic!("outputs are real");
        };
        assert_eq!(kept["chips"].shape(), [2, 200, 10]);
        assert_eq!(kept["chips"].dtype(), io::Dtype::F64);
        assert_eq!(kept.contains_key("chip_class"), score != "none");
        for (trial, outputs) in chips.chunks(2000).enumerate() {
            let worth = &found["noisy"]["per_trial"][trial];
            let samples = || outputs.chunks(10).zip(&labels);
            let rank =
                |row: &[f64], label: f64| row.iter().filter(|y| **y > row[label as usize]).count();
            let among = |k: usize| {
                samples()
                    .filter(|(row, label)| rank(row, **label) < k)
                    .count() as f64
                    / 200.0
            };
            match score {
                "top2" => assert_eq!(number(&worth["accuracy"]), among(2)),
                "none" => assert!(worth.get("accuracy").is_none()),
                _ => assert_eq!(number(&worth["accuracy"]), among(1)),
            }
            if score == "nll" {
                let ln_p = samples().map(|(row, label)| {
                    row[*label as usize] - row.iter().map(|y| y.exp()).sum::<f64>().ln()
                });
                near(number(&worth["score"]), -ln_p.sum::<f64>() / 200.0, 1e-10);
            }
            if score == "accuracy" {
                let classes = matrix(&kept, "chip_class");
                let right = classes
                    .row(trial)
                    .iter()
                    .zip(&labels)
                    .filter(|(a, b)| a == b)
                    .count();
                assert_eq!(number(&worth["accuracy"]), right as f64 / 200.0);
            }
        }
    }
    let single = [
        "infer",
        "p.safetensors",
        "--data",
        &data,
        "--limit",
        "3",
        "--trials",
        "1",
        "--quiet",
        "--predictions",
        "s.npz",
    ];
    ok(folder, &single);
    let kept = arrays(folder.join("s.npz").to_str().unwrap());
    assert_eq!(kept["digital"].dtype(), io::Dtype::F32);
    assert_eq!(kept["digital_class"].shape(), [3]);
}

/// Data with labels and data without: every row has what its own score has, null elsewhere.
#[test]
fn rows_of_two_scores_stand_in_one_table_and_a_report_wants_one() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let program = format!("{DEMO}/digits.program.safetensors");
    std::fs::copy(program, folder.join("p.safetensors")).unwrap();
    std::fs::copy(format!("{DEMO}/digits-test.npz"), folder.join("d.npz")).unwrap();
    let x = matrix(&arrays(&format!("{DEMO}/digits-test.npz")), "x");
    write_data(&folder.join("x.npz"), &[("x", &x)]);
    let text = "program = 'p.safetensors'\ndata = ['d.npz', 'x.npz']\nlimit = 50\ntrials = 1\n";
    std::fs::write(folder.join("e.toml"), text).unwrap();
    ok(folder, &["sweep", "e.toml", "--out", "out", "--quiet"]);
    let rows = rows(&folder.join("out"));
    assert_eq!(
        [&rows[0]["score_name"], &rows[1]["score_name"]],
        ["accuracy", "none"]
    );
    for (name, own, other) in [
        ("accuracy", 0, 1),
        ("both_right", 0, 1),
        ("output_error", 1, 0),
    ] {
        assert!(
            rows[own][name].is_number() && rows[other][name].is_null(),
            "{name}"
        );
    }
    assert_eq!(rows[1]["digital_output_error"], 0.0);
    refused(folder, &["report", "out"]);
    std::fs::write(folder.join("e.toml"), format!("{text}score = 'none'\n")).unwrap();
    refused(folder, &["sweep", "e.toml", "--out", "out"]);
    ok(folder, &["sweep", "e.toml", "--out", "one", "--quiet"]);
    ok(folder, &["report", "one", "--quiet"]);
}

/// The mean of two softmaxes, which no operator tells: the score of their logarithms is computed here in double precision.
#[test]
fn probabilities_that_are_taken_for_logits_are_told_in_every_command() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let weights = [0.5f32, 1.25]
        .map(|turn| Array2::from_shape_fn((3, 3), |(a, b)| (turn * (1 + 2 * a + b) as f32).sin()));
    let [w, v] = &weights;
    let open = |name: &str| pb::ValueInfoProto {
        name: name.to_owned(),
        ..Default::default()
    };
    let half = ndarray::Array1::from_elem(1, 0.5f32);
    let graph = pb::GraphProto {
        name: "ensemble".to_owned(),
        node: vec![
            onnx::node("MatMul", &["x", "w"], "a"),
            onnx::node("MatMul", &["x", "v"], "b"),
            onnx::with_int(onnx::node("Softmax", &["a"], "p"), "axis", 1),
            onnx::with_int(onnx::node("Softmax", &["b"], "q"), "axis", 1),
            onnx::node("Add", &["p", "q"], "sum"),
            onnx::node("Mul", &["sum", "half"], "y"),
        ],
        initializer: vec![
            onnx::floats("w", w.view()),
            onnx::floats("v", v.view()),
            onnx::floats("half", half.view()),
        ],
        input: vec![onnx::port("x", onnx::FLOAT, &["N", "3"])],
        output: vec![open("y")],
        ..Default::default()
    };
    std::fs::write(folder.join("e.onnx"), onnx::onnx(graph)).unwrap();
    let x = Array2::from_shape_fn((6, 3), |(i, j)| (1.7 * (3 * i + j) as f64).cos());
    let labels = [0, 1, 2, 2, 1, 0];
    let y = Array2::from_shape_fn((6, 1), |(i, _)| labels[i] as f64);
    write_data(&folder.join("d.npz"), &[("x", &x), ("y", &y)]);
    let softmax = |w: &Array2<f32>| {
        let mut powers = x.dot(&w.mapv(f64::from)).mapv(f64::exp);
        for mut row in powers.rows_mut() {
            row /= row.sum();
        }
        powers
    };
    let p = (softmax(w) + softmax(v)) / 2.0;
    let by_hand = labels
        .iter()
        .enumerate()
        .map(|(i, label)| -p[[i, *label]].ln());
    let by_hand = by_hand.sum::<f64>() / 6.0;

    ok(
        folder,
        &["compile", "e.onnx", "-o", "p.safetensors", "--quiet"],
    );
    let said = |args: &[&str]| {
        let output = lightloom(folder, args);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{said}");
        said
    };
    let data = [
        "infer",
        "p.safetensors",
        "--data",
        "d.npz",
        "--trials",
        "1",
        "--score",
    ];
    let doubt = "--score nll-of-probabilities takes them as such";
    assert!(said(&[&data[..], &["nll"]].concat()).contains(doubt));
    for other in ["nll-of-probabilities", "accuracy"] {
        let said = said(&[&data[..], &[other]].concat());
        assert!(!said.contains("-of-probabilities takes"), "{said}");
    }
    for (score, is_doubted) in [("nll", true), ("nll-of-probabilities", false)] {
        let text = format!("network = 'e.onnx'\ndata = 'd.npz'\ntrials = 1\nscore = '{score}'\n");
        std::fs::write(folder.join("e.toml"), text).unwrap();
        assert_eq!(
            said(&["sweep", "e.toml", "--dry-run"]).contains(doubt),
            is_doubted
        );
        assert_eq!(
            said(&["sweep", "e.toml", "--out", score]).contains(doubt),
            is_doubted
        );
    }
    // All rows of a network of which nothing is on light are those of the digital one.
    let text = "network = 'e.onnx'\ndata = 'd.npz'\ntrials = 1\ndigital = ['*']\n";
    std::fs::write(folder.join("e.toml"), text).unwrap();
    for args in [&["--dry-run"][..], &["--out", "dark"]] {
        let said = said(&[&["sweep", "e.toml"], args].concat());
        assert!(said.contains("e.onnx: nothing of it is on light"), "{said}");
    }
    let all = [
        "--data",
        "d.npz",
        "--trials",
        "1",
        "--score",
        "nll-of-probabilities",
    ];
    let found = infer(folder, &all);
    near(number(&found["digital"]["score"]), by_hand, 1e-5);
    let row = &rows(&folder.join("nll-of-probabilities"))[0];
    assert_eq!(row["score_name"], "nll-of-probabilities");
    near(number(&row["digital_score"]), by_hand, 1e-5);
    let taken = infer(
        folder,
        &["--data", "d.npz", "--trials", "1", "--score", "nll"],
    );
    assert!((number(&taken["digital"]["score"]) - by_hand).abs() > 1e-3 * by_hand);
    ok(folder, &["report", "nll-of-probabilities", "--quiet"]);
}

#[test]
fn predictions_are_a_file_of_their_own_or_refused_before_anything_is_computed() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let program = format!("{DEMO}/digits.program.safetensors");
    let data = format!("{DEMO}/digits-test.npz");
    let infer = ["infer", &program, "--data", &data];
    for args in [
        &["--predictions", "-"][..],
        &["--predictions", "p.csv"],
        &["--predictions", &data],
        &["--predictions", "no/p.npz"],
        &["--predictions", "p.npz", "--trials", "1000000"],
        &["--score", "top10"],
        &["--score", "mse"],
    ] {
        refused(folder, &[&infer[..], args].concat());
    }
    let text = format!("program = '{program}'\ndata = '{data}'\ntrials = 1\nscore = 'best'\n");
    std::fs::write(folder.join("e.toml"), text).unwrap();
    refused(folder, &["sweep", "e.toml", "--dry-run"]);
}

#[test]
fn the_page_on_experiments_has_every_part_of_a_score() {
    let page = include_str!("../../docs/experiments.md");
    for part in PARTS {
        let line = page
            .lines()
            .find(|line| line.contains(&format!("`{}`", part.name)) && line.contains(part.words));
        assert!(line.is_some(), "{} is {}", part.name, part.words);
    }
}
