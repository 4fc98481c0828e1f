//! `Known` tells what a file is, of all that lightloom reads or writes.

use std::io::Write;
use std::path::{Path, PathBuf};

use lightloom::Error;
use lightloom::files::{Known, Record};
use lightloom::io::Source;

use crate::cli::{DEMO, haar, ok, write_npy};
use crate::golden::check_error;
use crate::sweep::{digits, experiment};

/// What [`kind`] says of a file that is refused.
const REFUSED: &str = "refused";

fn kind(path: &Path) -> &'static str {
    Known::open(path).map_or(REFUSED, |known| known.kind())
}

/// Every file below `folder`.
fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => files_in(&path),
            false => vec![path],
        })
        .collect()
}

/// What a file of this repository is, by its path in it.
fn kind_in_repository(path: &str) -> &'static str {
    let ends = |ending: &str| path.ends_with(ending);
    match path {
        _ if ends(".py") || ends(".md") => REFUSED,
        // Weights of a graph beside it.
        _ if ends(".onnx.data") => REFUSED,
        "tests/cases/activations.json" | "tests/cases/torch/numbers.json" => REFUSED,
        "tests/cases/language/language.json" => REFUSED,
        // A cell is empty.
        "tests/cases/iris_nan.csv" => REFUSED,
        // Pickles of a module, of a program, of Python's own lists; not of tensors.
        _ if path.contains("whole_model") => REFUSED,
        "tests/cases/torch/script.pt" | "tests/cases/torch/system.pt" => REFUSED,
        "tests/cases/torch/plain.pt" => REFUSED,
        // Tensors of all types, parts of others, layers that are not linear.
        _ if path.contains("torch/kinds") || path.contains("torch/views") => "tensors",
        _ if path.contains("torch/batchnorm") || path.contains("torch/weight_norm") => "tensors",
        _ if ends(".mesh.json") => "mesh",
        _ if ends(".unitary.json") => "unitary",
        _ if path.starts_with("meshes/golden/") => "cells",
        _ if ends(".program.safetensors") => "program",
        _ if ends(".npy") => "array",
        // Arrays called x and y of tests of ours.
        _ if ends(".expected.npz") => "tensors",
        // Their order is not to be told from names or shapes.
        "tests/cases/encoder_decoder.safetensors"
        | "tests/cases/input_hidden_output.safetensors" => "tensors",
        "tests/cases/input_hidden_output.npz" | "tests/cases/names_in_file_order.npz" => "network",
        _ if ends(".npz") || ends(".csv") || ends(".tsv") || ends(".parquet") => "data set",
        _ => "network",
    }
}

#[test]
fn every_file_of_the_repository_is_what_it_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = files_in(&root.join("meshes"));
    files.extend(files_in(&root.join("tests/cases")));
    let mut wrong = Vec::new();
    for path in &files {
        let inner = path.strip_prefix(root).unwrap().to_string_lossy();
        let inner = inner.replace('\\', "/");
        let (is, must) = (kind(path), kind_in_repository(&inner));
        if is != must {
            wrong.push(format!("{inner}: {is}, must be {must}"));
        }
    }
    assert!(files.len() > 70, "{} files", files.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_that_a_command_writes_is_known_for_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let program = format!("{DEMO}/digits.program.safetensors");
    let data = format!("{DEMO}/digits-test.npz");
    write_npy(&folder.join("u.npy"), &haar(4));
    ok(folder, &["decompose", "u.npy", "-o", "u.mesh.json"]);
    ok(folder, &["apply", "u.mesh.json", "u.npy", "-o", "y.npy"]);
    ok(folder, &["draw", "u.mesh.json", "-o", "u.svg"]);
    let volts = ["--volts", "--hardware", "thermo-optic", "--dac-bits", "12"];
    for (file, format, more) in [
        ("u.mesh.json", "csv", &[][..]),
        ("u.mesh.json", "json", &[]),
        ("u.mesh.json", "npz", &[]),
        ("u.mesh.json", "sax", &[]),
        (&*program, "csv", &volts),
        (&*program, "json", &volts),
        (&*program, "npz", &volts),
        (&*program, "sax", &[]),
    ] {
        let ending = if format == "sax" { "json" } else { format };
        let of = if file == program { "program" } else { "mesh" };
        let output = format!("{of}.{format}.{ending}");
        let export = ["export", file, "--format", format, "-o", &output];
        ok(folder, &[&export[..], more].concat());
    }
    let network = format!("{DEMO}/network.toml");
    let crossbar = ["--geometry", "crossbar", "--quiet"];
    let compile = ["compile", &*network, "-o", "x.program.safetensors"];
    ok(folder, &[&compile[..], &crossbar].concat());
    let infer = ["infer", &*program, "--data", &*data, "--limit", "20"];
    let kept = ["--json", "results.json", "--predictions", "kept.npz"];
    ok(folder, &[&infer[..], &kept].concat());
    let demo = ["demo", "--trials", "1", "--json", "demo.json"];
    ok(folder, &[&demo[..], &["--out", "demo", "--quiet"]].concat());
    let bench = ["bench", "--modes", "4", "--batch", "3"];
    ok(folder, &[&bench[..], &["--json", "bench.json"]].concat());
    experiment(folder, &digits(1));
    ok(folder, &["sweep", "e.toml", "--out", "out"]);
    ok(folder, &["report", "out"]);
    let t = format!(
        "data = '{data}'\ntrials = 1\nlimit = 20\n[train]\nlayers = [64, 10]\ndata = '{DEMO}/digits-train.npz'\nlimit = 50\nepochs = 1\n"
    );
    std::fs::write(folder.join("t.toml"), t).unwrap();
    ok(folder, &["train", "t.toml", "--out", "trained"]);
    let kind_of = |path: &Path| match path.file_name().unwrap().to_str().unwrap() {
        "u.npy" | "y.npy" => "array",
        "u.mesh.json" => "mesh",
        "x.program.safetensors" | "best.program.safetensors" => "program",
        "t.toml" => "training",
        "training.safetensors" => "state of a training",
        "epochs.csv" => "epochs",
        "program.sax.json" | "mesh.sax.json" => "netlist",
        "results.json" | "demo.json" => "results",
        "bench.json" => "bench",
        "kept.npz" => "predictions",
        "rows.csv" | "rows.jsonl" | "rows.parquet" => "rows",
        "confusion.csv" => "confusion",
        "times.csv" => "times",
        "e.toml" | "experiment.toml" => "experiment",
        "manifest.json" => "manifest",
        "trials.journal" => "journal",
        "report.html" => "report of a sweep",
        "figures.json" => "figures",
        name if name.ends_with(".svg") => "drawing",
        _ => "phases",
    };
    let mut kinds = Vec::new();
    for path in files_in(folder) {
        let must = kind_of(&path);
        assert_eq!(kind(&path), must, "{}", path.display());
        kinds.push(must);
        // What `inspect` writes of it is a record of its own, not another file of that kind.
        let inspect = ["inspect", path.to_str().unwrap(), "--quiet"];
        ok(folder, &[&inspect[..], &["--json", "i.json"]].concat());
        let Known::Record { of, value } = Known::open(folder.join("i.json")).unwrap() else {
            panic!("{} is no record when inspected", path.display());
        };
        assert_eq!((of, &value["kind"]), (Record::Inspection, &must.into()));
    }
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds.len(), 20, "{kinds:?}");
    assert_eq!(kind(&folder.join("out")), "sweep");
    let phases = |file: &str| match Known::open(folder.join(file)).unwrap() {
        Known::Phases { shifters } => shifters,
        other => panic!("{file} is {}", other.kind()),
    };
    // Two of every MZI and one of every mode: 2 · 6 + 4.
    for ending in ["csv", "json", "npz"] {
        assert_eq!(phases(&format!("mesh.{ending}.{ending}")), 16);
        assert_eq!(phases(&format!("program.{ending}.{ending}")), 8366);
    }
    let Known::Predictions {
        chips,
        samples,
        outputs,
    } = Known::open(folder.join("kept.npz")).unwrap()
    else {
        panic!("kept.npz is no file of predictions");
    };
    assert_eq!([chips, samples, outputs], [10, 20, 10]);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

#[test]
fn data_are_known_packed_or_not_and_by_their_folder() {
    let dir = tempfile::tempdir().unwrap();
    let images = [
        &[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3][..],
        &[7; 6],
    ]
    .concat();
    let labels = [0, 0, 8, 1, 0, 0, 0, 2, 1, 0];
    let table = b"width,height,label\n0.5,1,0\n2,3,1\n";
    for (name, bytes, must) in [
        ("t10k-images-idx3-ubyte", &images[..], "images"),
        ("t10k-labels-idx1-ubyte", &labels, "labels"),
        ("d.csv", table, "data set"),
    ] {
        let plain = dir.path().join(name);
        let packed = dir.path().join(format!("{name}.gz"));
        std::fs::write(&plain, bytes).unwrap();
        std::fs::write(&packed, gzip(bytes)).unwrap();
        assert_eq!([kind(&plain), kind(&packed)], [must; 2], "{name}");
        let stream = Source::new("stdin", gzip(bytes));
        assert_eq!(Known::read(&stream).unwrap().kind(), must, "{name}");
    }
    match Known::open(dir.path().join("t10k-images-idx3-ubyte.gz")).unwrap() {
        Known::Images(images) => assert_eq!(images, ndarray::arr2(&[[7; 3]; 2])),
        other => panic!("{}", other.kind()),
    }
    match Known::open(dir.path()).unwrap() {
        Known::Dataset { data, .. } => assert_eq!((data.len(), data.x.features()), (2, 3)),
        other => panic!("{}", other.kind()),
    }
}

#[test]
fn hardware_and_calibrations_are_told_from_experiments_and_data() {
    let dir = tempfile::tempdir().unwrap();
    let told = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        let stream = Source::new("stdin", text);
        [kind(&path), Known::read(&stream).unwrap().kind()]
    };
    let hardware = "[readout]\nadc_bits = 8\n";
    assert_eq!(told("hw.toml", hardware), ["hardware"; 2]);
    let calibration = "id,v_pi_v\nmesh.theta.0.0,4.3\n";
    assert_eq!(told("c.csv", calibration), ["calibration"; 2]);
    assert_eq!(told("e.toml", &digits(1)), ["experiment"; 2]);
}

#[test]
fn what_is_nothing_of_ours_is_refused_in_a_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let error = Known::open(&path).unwrap_err();
        let sentence = error.to_string();
        assert!(
            sentence.contains(name) && sentence.lines().count() == 1,
            "{sentence}"
        );
        check_error(dir.path(), name, &error);
        error
    };
    let error = refused("letter.doc", b"Dear reader,\n");
    assert!(matches!(error.root(), Error::Unsupported { .. }));
    refused("letter.csv", b"Dear reader,\nthis is a letter.\n");
    refused("object.json", b"{\"a\": 1}");
    refused("list.json", b"[]");
    refused("other.svg.json", b"{\"a.svg\": \"no hash\"}");
    refused("cut.json", b"{\"a\": ");
    refused("page.html", b"<p>hello</p>");
    refused("drawing.svg", b"hello");
    refused("rows.jsonl", b"");
    refused("empty.csv", b"");
    refused("empty.npy", b"");
    refused("odd-ubyte", &[0, 0, 8, 2, 0, 0, 0, 1]);
    refused("cut.gz", &gzip(b"1,2\n3,4\n")[..12]);
    refused("trials.journal", b"");
    std::fs::create_dir(dir.path().join("folder")).unwrap();
    let error = Known::open(dir.path().join("folder")).unwrap_err();
    check_error(dir.path(), "folder", &error);
    let error = Known::open(dir.path().join("nowhere")).unwrap_err();
    assert!(matches!(error.root(), Error::Io { .. }));
}
