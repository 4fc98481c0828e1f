//! What files of networks and data do not say: the order of layers, what data are divided by.
//!
//! The files of `tests/cases` were written by PyTorch and NumPy from modules of PyTorch, whose accuracy stands beside
//! them.

use std::io::Write;
use std::path::Path;

use lightloom::io::{self, Tensor, Tensors};
use ndarray::{Array1, Array2};

use super::cli::{DEMO, lightloom, ok, refused, refused_at_work};

fn case(name: &str) -> String {
    format!("{}/tests/cases/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// What a command that must succeed says on stderr.
fn said(folder: &Path, args: &[&str]) -> String {
    let output = lightloom(folder, args);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{args:?}: {stderr}");
    stderr
}

/// Fails unless `text` has this line.
fn has_line(text: &str, line: &str) {
    assert!(text.lines().any(|other| other == line), "{line}: {text}");
}

/// The digital accuracy of a program on `data`.
fn accuracy(folder: &Path, program: &str, data: &str) -> f64 {
    let args = [
        "infer", program, "--data", data, "--trials", "1", "--json", "-", "--quiet",
    ];
    let report: serde_json::Value = serde_json::from_str(&ok(folder, &args)).unwrap();
    report["digital"]["accuracy"].as_f64().unwrap()
}

fn npz(path: &Path, arrays: &[(&str, Array2<f64>)]) {
    let mut archive = zip::ZipWriter::new(std::fs::File::create(path).unwrap());
    for (name, array) in arrays {
        let options = zip::write::SimpleFileOptions::default();
        archive.start_file(format!("{name}.npy"), options).unwrap();
        let mut bytes = Vec::new();
        match array.ncols() {
            1 => io::npy::write(&mut bytes, array.column(0)).unwrap(),
            _ => io::npy::write(&mut bytes, array.view()).unwrap(),
        }
        archive.write_all(&bytes).unwrap();
    }
    archive.finish().unwrap();
}

/// PyTorch: 269 of 297 right, 90.57 %. In the other order that the shapes allow, 34 of 297 are.
#[test]
fn layers_stand_in_the_order_of_the_module_or_are_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let net = case("input_hidden_output.safetensors");
    let data = case("input_hidden_output_data.npz");
    let compile = ["compile", &net, "-o", "p.safetensors"];
    refused(folder, &compile);
    let layers = ["--layers", "input_layer,hidden,output"];
    let stderr = said(folder, &[&compile[..], &layers].concat());
    has_line(
        &stderr,
        "note: layers in the order input_layer, hidden, output (as given); relu between them assumed (--activation)",
    );
    assert_eq!(accuracy(folder, "p.safetensors", &data), 269.0 / 297.0);

    let net = case("input_hidden_output.npz");
    let stderr = said(folder, &["compile", &net, "-o", "q.safetensors"]);
    has_line(
        &stderr,
        "note: layers in the order input_layer, hidden, output (the order of the file); relu between them assumed \
         (--activation)",
    );
    assert_eq!(accuracy(folder, "q.safetensors", &data), 269.0 / 297.0);

    let wrong = [
        "compile",
        &net,
        "-o",
        "w.safetensors",
        "--quiet",
        "--layers",
    ];
    assert_eq!(
        said(
            folder,
            &[&wrong[..], &["hidden,input_layer,output"]].concat()
        ),
        ""
    );
    assert_eq!(accuracy(folder, "w.safetensors", &data), 34.0 / 297.0);
    let args = ["infer", "w.safetensors", "--data", &data, "--trials", "1"];
    let stderr = said(folder, &args);
    has_line(
        &stderr,
        "note: the digital accuracy of 11.45 % is near chance (11.11 % of the labels are 4): usual causes are the \
         scaling of the data, the column of the labels, the order of the layers, the activation between them, or another split of \
         the data",
    );
    assert_eq!(said(folder, &[&args[..], &["--quiet"]].concat()), "");
    let right = ["infer", "q.safetensors", "--data", &data, "--trials", "1"];
    assert!(!said(folder, &right).contains("near chance"));
}

#[test]
fn shapes_that_close_a_circle_are_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let net = case("encoder_decoder.safetensors");
    let compile = ["compile", &net, "-o", "p.safetensors"];
    refused(folder, &compile);
    let layers = ["--layers", "encoder.0,encoder.2,decoder.0,decoder.2"];
    ok(folder, &[&compile[..], &layers].concat());
    let program = ok(folder, &["inspect", "p.safetensors"]);
    let rows: Vec<&str> = program
        .lines()
        .filter_map(|line| line.strip_prefix("layer "))
        .collect();
    let sizes = ["64 → 32", "32 → 8", "8 → 32", "32 → 64"];
    assert_eq!(rows.len(), 4);
    assert!(
        rows.iter().zip(sizes).all(|(row, size)| row.contains(size)),
        "{program}"
    );
    // What cannot be read as a network says why.
    let inspected = ok(folder, &["inspect", &net]);
    assert!(inspected.contains("as a network: "), "{inspected}");
    assert!(inspected.contains("in more than one order"), "{inspected}");
}

#[test]
fn the_one_order_that_fits_is_taken_and_said() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let order = "note: layers in the order input_layer, hidden, classifier";
    for (file, found, name) in [
        ("names_in_file_order.npz", "the order of the file", "file"),
        (
            "names_unique_by_shape.safetensors",
            "the only order that the shapes allow",
            "shapes",
        ),
    ] {
        let net = case(file);
        let compile = [
            "compile",
            &net,
            "-o",
            "p.safetensors",
            "--activation",
            "tanh",
        ];
        let stderr = said(folder, &compile);
        has_line(&stderr, &format!("{order} ({found}); tanh between them"));
        let inspect = ["inspect", &net, "--json", "-"];
        has_line(&said(folder, &inspect), &format!("{order} ({found})"));
        let record: serde_json::Value = serde_json::from_str(&ok(folder, &inspect)).unwrap();
        assert_eq!(record["order"], name);
        assert_eq!(said(folder, &["inspect", &net, "--quiet"]), "");
    }
    let net = format!("{DEMO}/digits.safetensors");
    let stderr = said(folder, &["compile", &net, "-o", "p.safetensors"]);
    has_line(
        &stderr,
        "note: layers in the order 0, 2, 4 (by their numbers); relu between them assumed (--activation)",
    );
}

#[test]
fn a_given_order_must_be_all_layers_of_a_network_that_states_none() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let net = case("input_hidden_output.npz");
    let refuse = |net: &str, layers: &str| {
        refused(
            folder,
            &["compile", net, "-o", "p.safetensors", "--layers", layers],
        );
    };
    refuse(&net, "input_layer,hiden,output");
    refuse(&net, "input_layer,hidden");
    refuse(&net, "hidden,hidden,output");
    refuse(&net, "output,hidden,input_layer");
    refuse(&format!("{DEMO}/network.toml"), "0,2,4");
    let onnx = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/onnx/seed-0");
    std::fs::copy(onnx, folder.join("net.onnx")).unwrap();
    refuse("net.onnx", "0,2,4");
    // Without [[layers]] a description is its weights.
    std::fs::write(folder.join("net.toml"), format!("weights = '{net}'\n")).unwrap();
    let compile = [
        "compile",
        "net.toml",
        "-o",
        "p.safetensors",
        "--layers",
        "hidden,input_layer,output",
    ];
    let stderr = said(folder, &compile);
    has_line(
        &stderr,
        "note: layers in the order hidden, input_layer, output (as given); relu between them assumed (--activation)",
    );
}

#[test]
fn a_sweep_takes_an_order_and_says_what_it_assumed_once() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let copy = |name: &str| std::fs::copy(case(name), folder.join(name)).unwrap();
    copy("input_hidden_output.safetensors");
    copy("input_hidden_output_data.npz");
    let experiment = |keys: &str| {
        let text = format!(
            "network = 'input_hidden_output.safetensors'\ndata = 'input_hidden_output_data.npz'\ntrials = 1\n{keys}\n\
             [axes]\ntile = [32, 64]\n"
        );
        std::fs::write(folder.join("e.toml"), text).unwrap();
    };
    experiment("");
    refused_at_work(folder, &["sweep", "e.toml", "--out", "none", "--quiet"]);

    experiment("layers = ['input_layer', 'hidden', 'output']");
    let sweep = ["sweep", "e.toml", "--out", "out"];
    let stderr = said(folder, &sweep);
    let notes: Vec<&str> = stderr
        .lines()
        .filter(|line| line.starts_with("note: "))
        .collect();
    assert_eq!(
        notes[0],
        "note: input_hidden_output.safetensors: layers in the order input_layer, hidden, output (as given); relu \
         between them assumed (activation = …)"
    );
    assert_eq!(
        notes[1],
        "note: input_hidden_output_data.npz: features are numbers from 0 to 1, as they are"
    );
    assert_eq!(notes.len(), 2, "{stderr}");
    for row in super::sweep::rows(&folder.join("out")) {
        assert_eq!(row["digital_accuracy"], 269.0 / 297.0);
    }
    // The order is part of the experiment.
    let resolved = std::fs::read_to_string(folder.join("out/experiment.toml")).unwrap();
    has_line(
        &resolved,
        "layers = [\"input_layer\", \"hidden\", \"output\"]",
    );
    experiment("layers = ['hidden', 'input_layer', 'output']");
    refused(folder, &sweep);
    let stderr = said(folder, &["sweep", "e.toml", "--out", "wrong", "--dry-run"]);
    let near: Vec<&str> = stderr
        .lines()
        .filter(|line| line.contains("is near chance"))
        .collect();
    assert_eq!(near.len(), 1, "{stderr}");
    assert!(near[0].starts_with(
        "note: input_hidden_output.safetensors on input_hidden_output_data.npz: the digital"
    ));
}

/// W (x/16 − m + m) + b = (W s) · ((x/16 − m) / s) + (b + W m): a network on normalized digits that classifies as the
/// one on x/16 does, 782 of 797.
#[test]
fn normalization_given_by_flags_is_that_of_a_description() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let data = format!("{DEMO}/digits-test.npz");
    let mut tensors = io::safetensors::read(format!("{DEMO}/digits.safetensors"))
        .unwrap()
        .tensors;
    let mean = Array1::from_shape_fn(64, |pixel| 0.3 + 0.004 * pixel as f64);
    let std = Array1::from_shape_fn(64, |pixel| 0.5 - 0.003 * pixel as f64);
    let weight = tensors
        .remove("0.weight")
        .unwrap()
        .into_matrix("w")
        .unwrap();
    let bias = tensors.remove("0.bias").unwrap().into_vector("b").unwrap();
    let put = |tensors: &mut Tensors, name: &str, shape: Vec<usize>, data: Vec<f64>| {
        tensors.insert(name.to_owned(), Tensor::real(name, shape, data).unwrap());
    };
    put(
        &mut tensors,
        "0.bias",
        vec![32],
        (&bias + &weight.dot(&mean)).to_vec(),
    );
    put(
        &mut tensors,
        "0.weight",
        vec![32, 64],
        (&weight * &std).into_iter().collect(),
    );
    let mut bytes = Vec::new();
    io::safetensors::write(&mut bytes, &tensors, ("note", "normalized")).unwrap();
    std::fs::write(folder.join("net.safetensors"), bytes).unwrap();
    let column = |values: &Array1<f64>| values.clone().insert_axis(ndarray::Axis(1));
    npz(
        &folder.join("stats.npz"),
        &[
            ("mean", column(&mean)),
            ("std", column(&std)),
            ("scale", Array2::from_elem((1, 1), 0.0625)),
        ],
    );
    let list = |values: &Array1<f64>| {
        let values: Vec<String> = values.iter().map(f64::to_string).collect();
        values.join(",")
    };
    let (means, stds) = (list(&mean), list(&std));
    let text = format!(
        "weights = 'net.safetensors'\n[input]\nscale = 0.0625\nmean = [{means}]\nstd = [{stds}]\n"
    );
    std::fs::write(folder.join("net.toml"), text).unwrap();
    let compile = |net: &str, program: &str, flags: &[&str]| {
        said(
            folder,
            &[&["compile", net, "-o", program][..], flags].concat(),
        )
    };
    compile("net.toml", "toml.safetensors", &[]);
    let expected = std::fs::read(folder.join("toml.safetensors")).unwrap();
    for (number, flags) in [
        ["--scale", "0.0625", "--mean", &means, "--std", &stds],
        [
            "--scale",
            "stats.npz",
            "--mean",
            "stats.npz",
            "--std",
            "stats.npz",
        ],
    ]
    .iter()
    .enumerate()
    {
        let program = format!("{number}.safetensors");
        let stderr = compile("net.safetensors", &program, flags);
        has_line(
            &stderr,
            "note: data: numbers times 0.0625; less one number a feature, from 0.3 to 0.552; divided by one number a \
             feature, from 0.311 to 0.5",
        );
        assert!(
            std::fs::read(folder.join(&program)).unwrap() == expected,
            "{flags:?}"
        );
    }
    assert_eq!(accuracy(folder, "toml.safetensors", &data), 782.0 / 797.0);
    let infer = [
        "infer",
        "toml.safetensors",
        "--data",
        &data,
        "--trials",
        "1",
    ];
    has_line(
        &said(folder, &infer),
        &format!(
            "note: {data}: features are bytes from 0 to 16, times 0.0625; less one number a feature, from 0.3 to 0.552; divided by one number \
         a feature, from 0.311 to 0.5"
        ),
    );
    // One number for all pixels, and an ONNX file.
    let onnx = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/onnx/seed-0");
    std::fs::copy(onnx, folder.join("net.onnx")).unwrap();
    let text = "weights = 'net.onnx'\n[input]\nmean = 0.1307\nstd = 0.3081\n";
    std::fs::write(folder.join("onnx.toml"), text).unwrap();
    compile("onnx.toml", "a.safetensors", &[]);
    let stderr = compile(
        "net.onnx",
        "b.safetensors",
        &["--mean", "0.1307", "--std", "0.3081"],
    );
    has_line(
        &stderr,
        "note: data: bytes divided by 255, other numbers as they are; less 0.1307; divided by 0.3081",
    );
    let [a, b] =
        ["a", "b"].map(|name| std::fs::read(folder.join(format!("{name}.safetensors"))).unwrap());
    assert!(a == b);
}

#[test]
fn a_normalization_that_makes_no_numbers_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let net = format!("{DEMO}/digits.safetensors");
    let refuse = |net: &str, flag: &str, value: &str| {
        refused(
            folder,
            &["compile", net, "-o", "p.safetensors", flag, value],
        );
    };
    refuse(&net, "--std", "0");
    refuse(&net, "--std", "-0.3");
    refuse(&net, "--mean", "nan");
    refuse(&net, "--mean", "-0.5,0.5");
    refuse(&net, "--scale", "0");
    refuse(&net, "--mean", "average");
    let data = format!("{DEMO}/digits-test.npz");
    refuse(&net, "--mean", &data);
    refuse(&format!("{DEMO}/network.toml"), "--mean", "0.1");
}
