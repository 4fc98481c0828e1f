//! Files and numbers as people have them, at the doors where they were misread or refused.

use std::path::Path;

use lightloom::linalg::{from_array, nearest_unitary, unitarity_error};
use lightloom::mesh::{Mesh, Node};
use lightloom::nn::{Labels, Selection};
use lightloom::{Dataset, io};
use ndarray::Array2;
use num_complex::Complex;
use serde_json::Value;

use crate::cli::{DEMO, distance, lightloom, ok, read_npy, refused, refused_at_work, write_npy};
use crate::sweep::{digits, experiment, rows};

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases");
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/meshes/golden");

/// What a command that must succeed says on stdout and on stderr.
fn says(folder: &Path, args: &[&str]) -> [String; 2] {
    let output = lightloom(folder, args);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let stderr = text(output.stderr);
    assert!(output.status.success(), "{args:?}: {stderr}");
    [text(output.stdout), stderr]
}

/// The digital accuracy that `infer` prints.
fn digital(folder: &Path, program: &str, data: &[&str]) -> f64 {
    let infer = [
        "infer", program, "--trials", "1", "--json", "-", "--quiet", "--data",
    ];
    let report: Value = serde_json::from_str(&ok(folder, &[&infer, data].concat())).unwrap();
    report["digital"]["accuracy"].as_f64().unwrap()
}

/// The same 150 flowers in two files: 50 of each class, four features. The network was trained on them in NumPy.
#[test]
fn iris_is_read_alike_with_the_label_first_and_as_scikit_learn_ships_it() {
    let read = |file: &str| Dataset::load(format!("{CASES}/{file}"), None, None).unwrap();
    let (shipped, first) = (
        read("iris_as_sklearn_ships.csv"),
        read("iris_label_first.csv"),
    );
    let classes: Vec<usize> = (0..150).map(|flower| flower / 50).collect();
    let classes = Labels::Classes(classes);
    assert_eq!((&shipped.labels, &first.labels), (&classes, &classes));
    assert_eq!((shipped.x.len(), shipped.x.features()), (150, 4));
    assert_eq!(shipped.x, first.x);

    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let network = format!("{CASES}/iris_net.safetensors");
    ok(folder, &["compile", &network, "-o", "i.safetensors"]);
    for (file, label) in [
        (
            "iris_as_sklearn_ships.csv",
            "the label is the last column, column 4; the first line counts samples and features; classes from 0 are setosa, \
             versicolor, virginica; ",
        ),
        ("iris_label_first.csv", "the label is column 0, `target`; "),
    ] {
        let path = format!("{CASES}/{file}");
        let accuracy = digital(folder, "i.safetensors", &[&path]);
        assert!(accuracy > 0.9, "{file}: {accuracy}");
        let infer = [
            "infer",
            "i.safetensors",
            "--trials",
            "1",
            "--hardware",
            "low-noise",
            "--data",
            &path,
        ];
        let [_, said] = says(folder, &infer);
        let note =
            format!("note: {path}: {label}features are numbers from 0.1 to 7.9, as they are\n");
        assert_eq!(said, note);
        let given = [&infer[..], &["--label", "0"]].concat();
        if file == "iris_label_first.csv" {
            let [_, said] = says(folder, &given);
            assert_eq!(
                said,
                format!("note: {path}: features are numbers from 0.1 to 7.9, as they are\n")
            );
        } else {
            // A column of fractions that is asked for is no class.
            let selection = Selection {
                label: Some("0"),
                ..Selection::default()
            };
            let labels = Dataset::open(&path, selection).unwrap().labels;
            assert!(matches!(labels, Labels::Targets(targets) if targets.dim() == (150, 1)));
        }
        let [_, said] = says(folder, &[&infer[..], &["--quiet"]].concat());
        assert_eq!(said, "");
    }
    let inspected = says(
        folder,
        &["inspect", &format!("{CASES}/iris_as_sklearn_ships.csv")],
    );
    assert!(inspected[0].contains("150 samples of 4 features, labels 0 to 2"));
    assert!(inspected[0].contains("its first line counts samples and features: 150,4,setosa"));
}

/// Digits as a table of whole numbers, the label first, as Kaggle's MNIST has them.
#[test]
fn a_table_of_pixels_with_the_label_first_is_read_and_says_its_scale() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let npz = format!("{DEMO}/digits-test.npz");
    let arrays = io::npy::read_npz(&npz).unwrap();
    let x = arrays["x"].clone().into_matrix("x").unwrap();
    let y = arrays["y"].clone().into_vector("y").unwrap();
    let rows = || x.rows().into_iter().zip(&y).take(40);
    let table = |header: &str, line: &dyn Fn(Vec<String>, f64) -> String| {
        let lines =
            rows().map(|(row, label)| line(row.iter().map(f64::to_string).collect(), *label));
        format!("{header}\n{}", lines.collect::<String>())
    };
    let names = |prefix: &str| {
        (0..64)
            .map(|k| format!("{prefix}{k}"))
            .collect::<Vec<_>>()
            .join(",")
    };
    let first = |cells: Vec<String>, label: f64| format!("{label},{}\n", cells.join(","));
    let last = |cells: Vec<String>, label: f64| format!("{},{label}\n", cells.join(","));
    let put = |name: &str, text: String| std::fs::write(folder.join(name), text).unwrap();
    put(
        "first.csv",
        table(&format!("label,{}", names("pixel")), &first),
    );
    put("numbers.csv", table(&format!("{},label", names("")), &last));
    put(
        "digit.csv",
        table(&format!("digit,{}", names("pixel")), &first),
    );
    let program = format!("{DEMO}/digits.program.safetensors");
    let expected = digital(folder, &program, &[&npz, "--limit", "40"]);
    assert!(expected > 0.9, "{expected}");
    for data in [
        &["first.csv"][..],
        &["numbers.csv"],
        &["digit.csv", "--label", "digit"],
        &["digit.csv", "--label", "0"],
    ] {
        assert_eq!(digital(folder, &program, data), expected, "{data:?}");
    }
    // Labels given apart mean another thing.
    let infer = ["infer", &program, "--data"];
    let npz_label = [&infer[..], &[&npz, "--label", "0"]].concat();
    refused(folder, &npz_label);

    // Bytes as numbers, before a network that leaves their scale open.
    let bytes = "label,a,b,c,d\n0,0,255,16,3\n1,7,1,0,2\n";
    put("bytes.csv", bytes.to_owned());
    let network = format!("{CASES}/iris_net.safetensors");
    ok(folder, &["compile", &network, "-o", "i.safetensors"]);
    let infer = [
        "infer",
        "i.safetensors",
        "--trials",
        "1",
        "--hardware",
        "low-noise",
        "--data",
    ];
    let [_, said] = says(folder, &[&infer[..], &["bytes.csv"]].concat());
    assert_eq!(
        said,
        "note: bytes.csv: the label is column 0, `label`; features are numbers from 0 to 255, as they are \
         (--scale 0.00392156862745098 at compile divides them by 255)\n"
    );
    let mut array = Vec::new();
    npy_of_bytes(&mut array, &[[0, 255, 16, 3], [7, 1, 0, 2]]);
    std::fs::write(folder.join("x.npy"), array).unwrap();
    let mut labels = Vec::new();
    io::npy::write(&mut labels, ndarray::arr1(&[0.0, 1.0]).view()).unwrap();
    std::fs::write(folder.join("y.npy"), labels).unwrap();
    let [_, said] = says(
        folder,
        &[&infer[..], &["x.npy", "--labels", "y.npy"]].concat(),
    );
    assert_eq!(
        said,
        "note: x.npy: features are bytes from 0 to 255, divided by 255\n"
    );
}

/// A `.npy` file of unsigned bytes, by its specification.
fn npy_of_bytes(out: &mut Vec<u8>, rows: &[[u8; 4]]) {
    let header = format!(
        "{{'descr': '|u1', 'fortran_order': False, 'shape': ({}, 4), }}",
        rows.len()
    );
    let header = format!("{header:<117}\n");
    out.extend(b"\x93NUMPY\x01\x00");
    out.extend((header.len() as u16).to_le_bytes());
    out.extend(header.as_bytes());
    out.extend(rows.concat());
}

#[test]
fn an_experiment_takes_its_label_from_the_column_that_it_names() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let network = format!("{CASES}/iris_net.safetensors");
    let table = std::fs::read_to_string(format!("{CASES}/iris_label_first.csv")).unwrap();
    let kind = table.replacen("target", "kind", 1);
    std::fs::write(folder.join("iris.csv"), kind).unwrap();
    let text =
        |label: &str| format!("network = '{network}'\ndata = 'iris.csv'\ntrials = 1e0\n{label}\n");
    experiment(folder, &text(""));
    let sweep = ["sweep", "e.toml", "--out"];
    refused_at_work(folder, &[&sweep[..], &["none", "--quiet"]].concat());
    let accuracy = |label: &str, out: &str| {
        experiment(folder, &text(label));
        let [_, said] = says(folder, &[&sweep[..], &[out]].concat());
        let note = "note: iris.csv: features are numbers from 0.1 to 7.9, as they are\n";
        assert!(said.contains(note), "{said}");
        rows(&folder.join(out))[0]["digital_accuracy"]
            .as_f64()
            .unwrap()
    };
    let by_name = accuracy("label = 'kind'", "name");
    assert!(by_name > 0.9, "{by_name}");
    assert_eq!(accuracy("label = 0", "position"), by_name);
    for label in ["label = -1", "label = 9"] {
        experiment(folder, &text(label));
        refused(folder, &[&sweep[..], &["none", "--quiet"]].concat());
    }
    // Another label is another experiment.
    experiment(folder, &text("label = '0'"));
    ok(folder, &[&sweep[..], &["position"]].concat());
    refused(folder, &[&sweep[..], &["name"]].concat());
}

/// NumPy 2: `a = np.load(…).astype(complex); np.abs(np.linalg.svd(a)[1] - 1).max()` is 3.8409e-8, and `u @ v` of the same
/// decomposition differs from `a` by 2.3683e-8 at most.
#[test]
fn a_unitary_in_single_precision_is_taken_as_the_nearest_one() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let file = format!("{CASES}/complex64_unitary_refused.npy");
    let given = read_npy(Path::new(&file));
    let nearest = nearest_unitary(&from_array(given.view())).unwrap();
    assert!((nearest.distance - 3.840_920_4e-8).abs() < 1e-14);
    for geometry in ["clements", "reck"] {
        let decompose = [
            "decompose",
            &file,
            "-o",
            "u.mesh.json",
            "--geometry",
            geometry,
        ];
        let [_, said] = says(folder, &decompose);
        assert_eq!(
            said.lines().next().unwrap(),
            format!(
                "note: {file} is unitary to single precision only, max |U†U - 1| = 4.6e-8: decomposed is the nearest \
                 unitary, at a distance of 3.8e-8 (spectral norm)"
            )
        );
        assert!(said.contains("max |U - U'| = 2.4e-8"), "{said}");
        ok(folder, &["matrix", "u.mesh.json", "-o", "V.npy"]);
        let made = read_npy(&folder.join("V.npy"));
        assert!(unitarity_error(&from_array(made.view())) < 1e-13);
        assert!((distance(&made, &given) - 2.368_346_4e-8).abs() < 1e-13);
        let [_, said] = says(folder, &[&decompose[..], &["--quiet"]].concat());
        assert_eq!(said, "");
    }
    let [said, _] = says(folder, &["inspect", &file]);
    let verdict = "unitary to single precision: lightloom decompose takes the nearest unitary";
    assert!(said.contains(verdict), "{said}");
    // The same numbers as doubles; and a matrix that no precision explains.
    write_npy(&folder.join("double.npy"), &given);
    let double = ["decompose", "double.npy", "-o", "double.mesh.json"];
    assert!(
        says(folder, &double)[1].starts_with("note: double.npy is unitary to single precision")
    );
    let read = |file: &str| std::fs::read(folder.join(file)).unwrap();
    ok(folder, &["decompose", &file, "-o", "u.mesh.json"]);
    assert_eq!(read("double.mesh.json"), read("u.mesh.json"));
    write_npy(
        &folder.join("far.npy"),
        &given.mapv(|z| z * Complex::from(1.0 + 3e-6)),
    );
    refused(folder, &["decompose", "far.npy", "-o", "far.mesh.json"]);
}

/// A chip is the same by itself as among others.
#[test]
fn chips_from_a_number_on_are_those_of_a_longer_run() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let program = format!("{DEMO}/digits.program.safetensors");
    let data = format!("{DEMO}/digits-test.npz");
    let infer = |arguments: &[&str]| {
        let own = ["infer", &program, "--data", &data, "--limit", "30"];
        let chips = ["--set", "coupler.splitting_error_rad=0.1"];
        ok(folder, &[&own[..], &chips, arguments].concat())
    };
    let report = |arguments: &[&str]| -> Value {
        let outputs = ["--predictions", "y.npz", "--json", "-"];
        serde_json::from_str(&infer(&[&outputs[..], arguments].concat())).unwrap()
    };
    let four = report(&["--trials", "4"]);
    let last = report(&["--first-trial", "2", "--trials", "2"]);
    let of = |report: &Value| report["noisy"]["per_trial"].as_array().unwrap().clone();
    assert_eq!(of(&four)[2..], of(&last));
    let one = infer(&["--first-trial", "3", "--trials", "1"]);
    assert!(one.contains("(chip 3, seed 0)"), "{one}");
    refused(
        folder,
        &["infer", &program, "--data", &data, "--first-trial", "-1"],
    );
}

#[test]
fn more_trials_than_a_million_are_refused_and_an_exponent_makes_a_count() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let program = format!("{DEMO}/digits.program.safetensors");
    let data = format!("{DEMO}/digits-test.npz");
    let infer = ["infer", &program, "--data", &data, "--json", "-"];
    for trials in ["1e9", "1000001", "1e300", "0", "1.5e0", "1e", "-1"] {
        refused(folder, &[&infer[..], &["--trials", trials]].concat());
        refused(folder, &["demo", "--trials", trials]);
    }
    let report = |arguments: &[&str]| -> Value {
        serde_json::from_str(&ok(folder, &[&infer[..], arguments].concat())).unwrap()
    };
    let counted = report(&[
        "--trials",
        "0.2e1",
        "--limit",
        "3e1",
        "--seed",
        "1e2",
        "--threads",
        "1e0",
    ]);
    assert_eq!(counted["trials"], 2);
    assert_eq!(counted["samples"], 30);
    assert_eq!(counted["seed"], 100);
    let written = report(&["--trials", "2", "--limit", "30", "--seed", "100"]);
    assert_eq!(counted["noisy"], written["noisy"]);
    refused(folder, &[&infer[..], &["--limit", "1.5"]].concat());
    refused(
        folder,
        &[&infer[..], &["--seed", "18446744073709551616"]].concat(),
    );
    let seed = report(&[
        "--seed",
        "18446744073709551615",
        "--trials",
        "1",
        "--limit",
        "1",
    ]);
    assert_eq!(seed["seed"], u64::MAX);

    let text = digits(2).replace("trials = 2", "trials = 1e9");
    experiment(folder, &text);
    let sweep = ["sweep", "e.toml", "--out", "out"];
    refused(folder, &sweep);
    let text = digits(2).replace("trials = 2", "trials = 1.5e0");
    experiment(folder, &text);
    refused(folder, &sweep);
    let text = digits(2)
        .replace("trials = 2", "trials = 1e0")
        .replace("limit = 300", "limit = 3e1");
    experiment(folder, &text);
    let said = ok(folder, &[&sweep[..], &["--dry-run"]].concat());
    assert!(said.contains("trials    6"), "{said}");
}

/// The library has no other door.
#[test]
fn an_experiment_of_too_many_trials_is_refused_by_the_library() {
    let program = lightloom::Program::load(format!("{DEMO}/digits.program.safetensors")).unwrap();
    let selection = Selection::default();
    let data = Dataset::open(format!("{DEMO}/digits-test.npz"), selection).unwrap();
    let run = |trials| {
        lightloom::experiment::Experiment {
            hardware: lightloom::Hardware::default(),
            seed: lightloom::Seed(0),
            trials,
            correction: lightloom::mesh::Correction::None,
        }
        .run::<f32>(&program, &data, &())
    };
    let error = run(usize::MAX).unwrap_err();
    assert!(matches!(error, lightloom::Error::Value { what, .. } if what == "trials"));
    assert!(run(1_000_001).is_err());
}

/// Every command makes of a golden file the matrix that the package computed and that stands in the file.
#[test]
fn phases_of_other_packages_go_through_every_command_that_takes_a_mesh() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let mut files = 0;
    for entry in std::fs::read_dir(GOLDEN).unwrap() {
        let path = entry.unwrap().path();
        if io::extension(&path) != "json" {
            continue;
        }
        files += 1;
        let text = std::fs::read_to_string(&path).unwrap();
        let golden: Value = serde_json::from_str(&text).unwrap();
        let n = golden["cells"]["modes"].as_u64().unwrap() as usize;
        let number = |key: &str, row: usize, col: usize| golden[key][row][col].as_f64().unwrap();
        let u = Array2::from_shape_fn((n, n), |(row, col)| {
            Complex::new(
                number("unitary_re", row, col),
                number("unitary_im", row, col),
            )
        });
        let file = path.to_str().unwrap();
        ok(folder, &["matrix", file, "-o", "U.npy", "--quiet"]);
        assert!(
            distance(&read_npy(&folder.join("U.npy")), &u) < 2e-14,
            "{file}"
        );

        // Light in one mode at a time: the rows are the columns of U.
        write_npy(&folder.join("x.npy"), &Array2::eye(n));
        ok(folder, &["apply", file, "x.npy", "-o", "y.npy"]);
        let y = read_npy(&folder.join("y.npy"));
        assert!(distance(&y.reversed_axes(), &u) < 2e-14, "{file}");

        let exported = ok(folder, &["export", file, "--format", "json"]);
        let exported = rebuilt(n, &serde_json::from_str(&exported).unwrap());
        let transfer = exported.transfer();
        let made = Array2::from_shape_fn((n, n), |(row, col)| transfer[(row, col)]);
        assert!(distance(&made, &u) < 2e-14, "{file}");

        ok(folder, &["draw", file, "-o", "u.svg"]);
        let svg = std::fs::read_to_string(folder.join("u.svg")).unwrap();
        let drawn = svg.matches("class=\"mzi\"").count();
        assert_eq!(drawn, exported.nodes().len(), "{file}");

        let said = ok(folder, &["inspect", file, "--json", "-"]);
        let said: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(
            (&said["kind"], &said["modes"]),
            (&"cells".into(), &n.into())
        );
        assert_eq!(said["mzis"], exported.nodes().len());
    }
    assert_eq!(files, 13);
    // The cells alone, from stdin too, and what is wrong with them.
    let cells = "{\"convention\": \"perceval\", \"modes\": 2, \"elements\": [{\"cell\": {\"modes\": [0, 2], \"phases_rad\": [0, 0]}}]}";
    std::fs::write(folder.join("bare.json"), cells).unwrap();
    let matrix = ["matrix", "bare.json", "-o", "bare.npy"];
    refused(folder, &matrix);
    std::fs::write(folder.join("bare.json"), cells.replace("[0, 2]", "[0, 1]")).unwrap();
    ok(folder, &matrix);
    // θ = 0 is the cross state, i in both directions.
    let cross = ndarray::arr2(&[[0.0, 1.0], [1.0, 0.0]]).mapv(|x| Complex::new(0.0, x));
    assert!(distance(&read_npy(&folder.join("bare.npy")), &cross) < 1e-15);
}

/// The mesh of exported rows: MZIs of neighbours, each with its θ and φ on the top arm, and the screen.
fn rebuilt(modes: usize, rows: &Value) -> Mesh {
    let rows = rows.as_array().unwrap();
    let of = |kind: &str| -> Vec<(usize, usize, f64)> {
        let number = |row: &Value, key: &str| row[key].as_u64().unwrap() as usize;
        let rows = rows.iter().filter(|row| row["kind"] == kind);
        rows.map(|row| {
            let phase_rad = row["phase_rad"].as_f64().unwrap();
            (number(row, "column"), number(row, "mode"), phase_rad)
        })
        .collect()
    };
    let (theta, phi) = (of("theta"), of("phi"));
    let nodes = theta.iter().map(|(column, top, _)| Node {
        column: *column,
        top: *top,
        bottom: top + 1,
    });
    let phases = |rows: &[(usize, usize, f64)]| rows.iter().map(|row| row.2).collect();
    let place = |rows: &[(usize, usize, f64)]| -> Vec<(usize, usize)> {
        rows.iter().map(|row| (row.0, row.1)).collect()
    };
    assert_eq!(place(&theta), place(&phi));
    Mesh::new(
        modes,
        nodes.collect(),
        phases(&theta),
        phases(&phi),
        phases(&of("screen")),
    )
    .unwrap()
}
