//! The command line's contract, on the built binary, in an empty folder.

use std::path::Path;
use std::process::{Command, Output};

use lightloom::linalg::haar_unitary;
use lightloom::rng::{Effect, Seed};
use ndarray::{Array1, Array2};
use num_complex::Complex;
use serde_json::Value;

pub const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/meshes/demo");

pub fn lightloom(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lightloom"))
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap()
}

/// The standard output of a command that must succeed.
pub fn ok(folder: &Path, args: &[&str]) -> String {
    let output = lightloom(folder, args);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// Fails unless the command exits with 2 and one line on stderr, that of `tests/golden/errors.txt`, and leaves no file
/// behind.
#[track_caller]
pub fn refused(folder: &Path, args: &[&str]) {
    let files = || {
        let mut names: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        names
    };
    let before = files();
    refused_at_work(folder, args);
    assert_eq!(files(), before, "{args:?} left a file behind");
}

/// As [`refused`], but what was done until then may be left.
#[track_caller]
pub fn refused_at_work(folder: &Path, args: &[&str]) {
    refusal(folder, args, &lightloom(folder, args));
}

/// Fails unless `output` of `lightloom args…` is exit code 2 and the one line on stderr that the golden file has.
#[track_caller]
pub fn refusal(folder: &Path, args: &[&str], output: &Output) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {stderr}");
    assert_eq!(stderr.lines().count(), 1, "{args:?}: {stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    crate::golden::check(folder, args, &stderr);
}

pub fn write_npy(path: &Path, array: &Array2<Complex<f64>>) {
    let mut bytes = Vec::new();
    lightloom::io::npy::write(&mut bytes, array.view()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

pub fn read_npy(path: &Path) -> Array2<Complex<f64>> {
    let tensor = lightloom::io::npy::read(path).unwrap();
    tensor.into_complex_matrix("array").unwrap()
}

pub fn haar(n: usize) -> Array2<Complex<f64>> {
    let u = haar_unitary(n, &mut Seed(1).stream(Effect::Haar, 0, 0, 0));
    Array2::from_shape_fn((n, n), |(row, col)| u[(row, col)])
}

pub fn distance(a: &Array2<Complex<f64>>, b: &Array2<Complex<f64>>) -> f64 {
    assert_eq!(a.dim(), b.dim());
    a.iter()
        .zip(b)
        .map(|(x, y)| (x - y).norm())
        .fold(0.0, f64::max)
}

#[test]
fn a_unitary_goes_to_phases_and_back() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let u = haar(6);
    write_npy(&folder.join("U.npy"), &u);
    for geometry in ["clements", "reck"] {
        ok(
            folder,
            &[
                "decompose",
                "U.npy",
                "-o",
                "u.mesh.json",
                "--geometry",
                geometry,
            ],
        );
        ok(folder, &["matrix", "u.mesh.json", "-o", "V.npy"]);
        assert!(distance(&read_npy(&folder.join("V.npy")), &u) < 1e-13);
    }
    // Fields, both precisions: y = U x for every sample.
    let x = Array2::from_shape_fn((5, 6), |(i, j)| {
        Complex::new((i + j) as f64, j as f64 - 2.0)
    });
    write_npy(&folder.join("x.npy"), &x);
    let y = x.dot(&u.t());
    for (precision, off) in [("f64", 0.0..1e-12), ("f32", 1e-9..1e-5)] {
        ok(
            folder,
            &[
                "apply",
                "u.mesh.json",
                "x.npy",
                "-o",
                "y.npy",
                "--precision",
                precision,
            ],
        );
        let found = distance(&read_npy(&folder.join("y.npy")), &y);
        assert!(off.contains(&found), "{precision}: {found:e}");
    }
    // One drawn chip, twice the same, another trial another.
    let chip = |trial: &str, file: &str| {
        let set = "coupler.splitting_error_rad=0.05";
        ok(
            folder,
            &[
                "matrix",
                "u.mesh.json",
                "--set",
                set,
                "--trial",
                trial,
                "-o",
                file,
            ],
        );
        read_npy(&folder.join(file))
    };
    assert_eq!(chip("1", "a.npy"), chip("1", "b.npy"));
    assert!(distance(&chip("1", "a.npy"), &chip("2", "b.npy")) > 1e-3);
    let preset = &[
        "matrix",
        "u.mesh.json",
        "--hardware",
        "thermo-optic",
        "--correct",
        "none",
        "-o",
        "c.npy",
    ];
    ok(folder, preset);
}

#[test]
fn a_mesh_is_drawn_inspected_and_exported() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    write_npy(&folder.join("U.npy"), &haar(5));
    ok(folder, &["decompose", "U.npy", "-o", "u.mesh.json"]);
    for color in ["theta", "phi", "light"] {
        ok(
            folder,
            &["draw", "u.mesh.json", "-o", "u.svg", "--color", color],
        );
        let svg = std::fs::read_to_string(folder.join("u.svg")).unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    }
    let said = ok(folder, &["inspect", "u.mesh.json"]);
    assert!(
        said.contains("5 modes, clements, 10 MZIs in 5 columns, 25 phase shifters"),
        "{said}"
    );
    assert!(ok(folder, &["inspect", "U.npy"]).contains("unitary: lightloom decompose takes it"));
    assert!(ok(folder, &["inspect", "thermo-optic"]).contains("splitting_error_rad = 0.02"));

    let csv = ok(
        folder,
        &["export", "u.mesh.json", "--format", "csv", "--volts"],
    );
    let mut lines = csv.lines();
    assert_eq!(
        lines.next().unwrap(),
        "id,kind,column,mode,phase_rad,voltage_v"
    );
    assert_eq!(lines.count(), 25);
    let rows: Value = serde_json::from_str(&ok(
        folder,
        &["export", "u.mesh.json", "--format", "json", "--volts"],
    ))
    .unwrap();
    for row in rows.as_array().unwrap() {
        let (phase, volts) = (
            row["phase_rad"].as_f64().unwrap(),
            row["voltage_v"].as_f64().unwrap(),
        );
        let from_volts = std::f64::consts::PI * (volts / 4.36).powi(2);
        assert!((from_volts - phase).abs() < 1e-12, "{row}");
    }
    ok(
        folder,
        &["export", "u.mesh.json", "--format", "npz", "-o", "u.npz"],
    );
    let arrays = lightloom::io::npy::read_npz(folder.join("u.npz")).unwrap();
    assert_eq!(arrays["mesh.theta_rad"].shape(), [10]);
    assert_eq!(arrays["mesh.screen_rad"].shape(), [5]);
    let sax: Value =
        serde_json::from_str(&ok(folder, &["export", "u.mesh.json", "--format", "sax"])).unwrap();
    assert_eq!(sax["instances"].as_object().unwrap().len(), 15);
    assert_eq!(sax["ports"].as_object().unwrap().len(), 10);
    assert_eq!(sax["connections"].as_object().unwrap().len(), 20);
}

#[test]
fn a_network_is_compiled_inferred_drawn_and_exported() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let network = format!("{DEMO}/network.toml");
    let data = format!("{DEMO}/digits-test.npz");
    ok(
        folder,
        &[
            "compile",
            &network,
            "-o",
            "d.program.safetensors",
            "--tile",
            "16",
            "--geometry",
            "reck",
        ],
    );
    let said = ok(folder, &["inspect", "d.program.safetensors"]);
    assert!(said.contains("tiles of 16 modes, reck meshes"), "{said}");
    ok(
        folder,
        &[
            "draw",
            "d.program.safetensors",
            "-o",
            "d.svg",
            "--layer",
            "2",
            "--tile",
            "2",
            "--section",
            "output",
        ],
    );
    let rows = ok(
        folder,
        &["export", "d.program.safetensors", "--format", "csv"],
    );
    assert!(
        rows.contains("\n2.0.attenuators.attenuator.0.3,"),
        "{}",
        &rows[..200]
    );

    let infer = |threads: &str| -> Value {
        let args = [
            "infer",
            "d.program.safetensors",
            "--data",
            &data,
            "--hardware",
            "thermo-optic",
            "--limit",
            "200",
            "--trials",
            "3",
            "--seed",
            "7",
            "--threads",
            threads,
            "--json",
            "-",
        ];
        serde_json::from_str(&ok(folder, &args)).unwrap()
    };
    let mut report = infer("1");
    for (pointer, expected) in [("/samples", 200), ("/trials", 3), ("/seed", 7)] {
        assert_eq!(report.pointer(pointer).unwrap(), expected);
    }
    assert_eq!(report["program"], "d.program.safetensors");
    assert_eq!(report["hardware"]["coupler"]["splitting_error_rad"], 0.02);
    assert_eq!(report["ideal"]["agreement"], 1.0);
    assert_eq!(report["ideal"]["accuracy"], report["digital"]["accuracy"]);
    for key in ["mean", "std", "min", "p05", "p50", "p95", "max"] {
        assert!(report["noisy"]["accuracy"][key].is_number(), "{key}");
    }
    assert!(report["noisy"]["agreement"]["mean"].is_number());
    assert_eq!(report["noisy"]["per_trial"].as_array().unwrap().len(), 3);
    assert_eq!(report["noisy"]["per_trial"][2]["trial"], 2);
    for key in ["name", "tiles", "mzis", "matrix_error"] {
        assert!(report["layers"][0].get(key).is_some(), "{key}");
    }
    for key in ["load", "digital", "ideal", "noisy", "noisy_per_trial"] {
        assert!(report["seconds"][key].is_number(), "{key}");
    }
    let mut other = infer("2");
    report["seconds"].take();
    other["seconds"].take();
    assert_eq!(report, other);

    let table = ok(
        folder,
        &[
            "infer",
            "d.program.safetensors",
            "--data",
            &data,
            "--limit",
            "50",
            "--trials",
            "1",
        ],
    );
    assert!(
        table.contains("digital") && table.contains("agreement 100.00 %"),
        "{table}"
    );
}

/// The standard output of a command that reads `file` as its stdin.
fn ok_from(folder: &Path, args: &[&str], file: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_lightloom"))
        .args(args)
        .current_dir(folder)
        .stdin(std::fs::File::open(file).unwrap())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_dash_is_stdin_for_every_input() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let demo = |name: &str| Path::new(DEMO).join(name);
    let (program, data) = (demo("digits.program.safetensors"), demo("digits-test.npz"));
    let (program_name, data_name) = (program.to_str().unwrap(), data.to_str().unwrap());
    let tail = ["--trials", "1", "--limit", "50", "--quiet"];
    let infer = |program: &str, data: &str, stdin: &Path| {
        let args = [&["infer", program, "--data", data], &tail[..]].concat();
        let said = ok_from(folder, &args, stdin);
        said.lines().take(4).collect::<Vec<_>>().join("\n")
    };
    let expected = infer(program_name, data_name, &data);
    assert_eq!(infer("-", data_name, &program), expected);
    assert_eq!(infer(program_name, "-", &data), expected);
    refused(folder, &["infer", "-", "--data", "-"]);
    ok_from(
        folder,
        &["compile", "-", "-o", "c.safetensors", "--quiet"],
        &demo("digits.safetensors"),
    );
    let drawn = ok_from(folder, &["draw", "-", "-o", "-"], &program);
    assert!(drawn.starts_with("<svg"));
    assert!(ok_from(folder, &["inspect", "-"], &program).starts_with("program:"));
    assert!(ok_from(folder, &["inspect", "-"], &data).contains("797 samples of 64 features"));
}

#[test]
fn inspect_knows_every_kind_of_file() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let program = format!("{DEMO}/digits.program.safetensors");
    let meshes = concat!(env!("CARGO_MANIFEST_DIR"), "/meshes");
    for (format, file, says) in [
        ("csv", "p.csv", "exported phases: 8366 phase shifters"),
        ("json", "p.json", "exported phases: 8366 phase shifters"),
        ("sax", "s.json", "SAX netlist of 3 mesh(es)"),
    ] {
        ok(
            folder,
            &["export", &program, "--format", format, "-o", file],
        );
        assert!(
            ok(folder, &["inspect", file, "--quiet"]).contains(says),
            "{file}"
        );
    }
    ok(folder, &["draw", &program, "-o", "d.svg"]);
    ok(
        folder,
        &["demo", "--trials", "1", "--json", "r.json", "--quiet"],
    );
    for (file, says) in [
        ("d.svg".to_owned(), "drawing"),
        ("r.json".to_owned(), "results of infer or demo: 3"),
        (program.clone(), "program: a network as phases"),
        (
            format!("{DEMO}/digits.safetensors"),
            "layer 0: 64 → 32 real with bias",
        ),
        (format!("{DEMO}/network.toml"), "then relu"),
        (
            format!("{DEMO}/digits-test.npz"),
            "797 samples of 64 features",
        ),
        (
            format!("{meshes}/haar-4-reck.mesh.json"),
            "4 modes, reck, 6 MZIs",
        ),
        (
            format!("{meshes}/haar-4.unitary.json"),
            "a unitary of 4 modes",
        ),
        (
            format!("{meshes}/golden/perceval_rectangle.json"),
            "convention perceval",
        ),
        ("ideal".to_owned(), "splitting_error_rad = 0.0"),
    ] {
        let said = ok(folder, &["inspect", &file]);
        assert!(said.contains(says), "{file}: {said}");
    }
}

#[test]
fn every_form_of_data_gives_the_same_accuracy() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let arrays = lightloom::io::npy::read_npz(format!("{DEMO}/digits-test.npz")).unwrap();
    let x = arrays["x"].clone().into_matrix("x").unwrap();
    let y = arrays["y"].clone().into_vector("y").unwrap();
    let (x, y) = (
        x.slice(ndarray::s![..60, ..]).to_owned(),
        y.slice(ndarray::s![..60]).to_owned(),
    );
    let mut bytes = Vec::new();
    lightloom::io::npy::write(&mut bytes, x.view()).unwrap();
    std::fs::write(folder.join("x.npy"), bytes).unwrap();
    let mut bytes = Vec::new();
    lightloom::io::npy::write(&mut bytes, y.view()).unwrap();
    std::fs::write(folder.join("y.npy"), bytes).unwrap();
    let csv: String = x
        .rows()
        .into_iter()
        .zip(&y)
        .map(|(row, label)| {
            let cells: Vec<String> = row.iter().map(|v| v.to_string()).collect();
            format!("{},{label}\n", cells.join(","))
        })
        .collect();
    std::fs::write(folder.join("d.csv"), csv).unwrap();
    let program = format!("{DEMO}/digits.program.safetensors");
    let npz = format!("{DEMO}/digits-test.npz");
    let accuracy = |data: &[&str]| {
        let mut args = vec![
            "infer", &program, "--trials", "1", "--json", "-", "--limit", "60", "--data",
        ];
        args.extend(data);
        let report: Value = serde_json::from_str(&ok(folder, &args)).unwrap();
        report["digital"]["accuracy"].as_f64().unwrap()
    };
    let expected = accuracy(&[&npz]);
    assert!(expected > 0.9);
    assert_eq!(accuracy(&["x.npy", "--labels", "y.npy"]), expected);
    assert_eq!(accuracy(&["d.csv"]), expected);
}

#[test]
fn the_demo_prints_its_table_and_leaves_its_picture() {
    let dir = tempfile::tempdir().unwrap();
    let said = ok(dir.path(), &["demo", "--trials", "2"]);
    for word in [
        "digital",
        "ideal chip",
        "low-noise",
        "mit-pnp",
        "thermo-optic",
        "mesh.svg",
    ] {
        assert!(said.contains(word), "{said}");
    }
    assert!(dir.path().join("lightloom-demo/mesh.svg").exists());
    let json: Value =
        serde_json::from_str(&ok(dir.path(), &["demo", "--trials", "1", "--json", "-"])).unwrap();
    let presets: Vec<_> = json
        .as_array()
        .unwrap()
        .iter()
        .map(|kind| &kind["preset"])
        .collect();
    assert_eq!(presets, ["low-noise", "mit-pnp", "thermo-optic"]);
}

/// The object of the interface: machine, batch, transfer, decompose.
#[test]
fn bench_prints_rates_beside_the_peak_of_the_same_run() {
    let dir = tempfile::tempdir().unwrap();
    let arguments = [
        "bench",
        "--modes",
        "4",
        "--batch",
        "3",
        "--threads",
        "1",
        "--json",
        "-",
    ];
    let report: serde_json::Value = serde_json::from_str(&ok(dir.path(), &arguments)).unwrap();
    let positive = |value: &serde_json::Value| value.as_f64().unwrap() > 0.0;
    let machine = &report["machine"];
    assert!(positive(&machine["peak_gflops_f32"]) && positive(&machine["peak_gflops_f64"]));
    let rates = report["batch"].as_array().unwrap();
    assert_eq!(rates.len(), 2, "f32 and f64");
    for row in rates {
        assert_eq!((&row["modes"], &row["batch"]), (&4.into(), &3.into()));
        assert!(positive(&row["mzi_samples_per_s"]) && positive(&row["of_limit"]));
    }
    assert_eq!(report["transfer"].as_array().unwrap().len(), 2);
    for row in report["decompose"].as_array().unwrap() {
        assert!(row["max_error"].as_f64().unwrap() < 1e-14);
    }
    refused(dir.path(), &["bench", "--modes", "0"]);
}

/// One picture, and one flat record a point in the JSON.
#[test]
fn bench_draws_how_time_grows_and_writes_every_point() {
    let dir = tempfile::tempdir().unwrap();
    let arguments = "bench --scaling s.svg --modes 8,4 --batch 1,4,64 --quiet";
    let mut arguments: Vec<&str> = arguments.split(' ').collect();
    let table = ok(dir.path(), &arguments);
    assert!(table.contains("against modes") && table.contains("against batch"));
    arguments.extend(["--json", "-"]);
    let report: serde_json::Value = serde_json::from_str(&ok(dir.path(), &arguments)).unwrap();
    assert!(report["machine"]["peak_gflops_f32"].as_f64().unwrap() > 0.0);
    let points = |against: &str| report["scaling"][against].as_array().unwrap().clone();
    // Against 2 sizes: two batches and a transfer matrix in two precisions, two decompositions. Against 3 batches: each
    // and two products, of 64 and of 256 modes.
    assert_eq!(points("modes").len(), 2 * (3 * 2 + 2));
    assert_eq!(points("batch").len(), 2 * 3 * 3);
    for (against, axis, lines) in [("modes", "modes", 8), ("batch", "batch", 6)] {
        let points = points(against);
        let slopes = points.iter().filter(|point| !point["slope"].is_null());
        assert_eq!(
            slopes.count(),
            points.len() - lines,
            "the first of a line has none"
        );
        for pair in points.windows(2) {
            let seconds = |point: &serde_json::Value| point["seconds"].as_f64().unwrap();
            let size = |point: &serde_json::Value| point[axis].as_f64().unwrap();
            assert!(seconds(&pair[0]) > 0.0 && seconds(&pair[1]) > 0.0);
            if let Some(slope) = pair[1]["slope"].as_f64() {
                let times = (seconds(&pair[1]) / seconds(&pair[0])).ln();
                let sizes = (size(&pair[1]) / size(&pair[0])).ln();
                assert!((slope - times / sizes).abs() < 1e-9, "{pair:?}");
            }
        }
    }
    let svg = std::fs::read_to_string(dir.path().join("s.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
    assert!(!svg.contains("NaN") && !svg.contains("inf"));
    assert_eq!(svg.matches("class=\"panel\"").count(), 2);
    // One that the measured times leave no room for is left out.
    assert!((1..=3).contains(&svg.matches("class=\"guide\"").count()));
    assert_eq!(
        svg.matches("class=\"series\"").count(),
        (2 + 1 + 2) + 2 * 3,
        "f32 and decompositions; then the batch"
    );
    for opened in ["svg", "g", "path", "text", "title"] {
        let closed = svg.matches(&format!("</{opened}>")).count();
        let single = format!("<{opened} ");
        let opens = svg.matches(&format!("<{opened}>")).count()
            + (svg.split(&single).skip(1))
                .filter(|rest| {
                    rest.find("/>")
                        .is_none_or(|end| end > rest.find('>').unwrap())
                })
                .count();
        assert_eq!(opens, closed, "{opened}");
    }
    refused(dir.path(), &["bench", "--scaling", "-", "--json", "-"]);
    refused(dir.path(), &["bench", "--scaling", "none/s.svg"]);
}

#[test]
fn every_command_has_help_with_an_example() {
    let dir = tempfile::tempdir().unwrap();
    for command in [
        "demo",
        "decompose",
        "matrix",
        "apply",
        "compile",
        "infer",
        "draw",
        "inspect",
        "export",
        "validate",
        "bench",
    ] {
        let help = ok(dir.path(), &[command, "--help"]);
        let (_, examples) = help.split_once("Example").expect(command);
        assert!(examples.contains(&format!("lightloom {command}")), "{help}");
    }
    assert!(ok(dir.path(), &["--version"]).starts_with("lightloom "));
}

#[test]
fn bad_input_gives_one_sentence_and_exit_code_2() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let put = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).unwrap();
    let network = format!("{DEMO}/network.toml");
    let program = format!("{DEMO}/digits.program.safetensors");
    let data = format!("{DEMO}/digits-test.npz");
    write_npy(&folder.join("U.npy"), &haar(3));
    ok(folder, &["decompose", "U.npy", "-o", "u.mesh.json"]);

    // Matrices.
    write_npy(&folder.join("half.npy"), &haar(3).mapv(|z| z * 0.5));
    refused(folder, &["decompose", "half.npy", "-o", "o.json"]);
    write_npy(&folder.join("wide.npy"), &Array2::zeros((2, 3)));
    refused(folder, &["decompose", "wide.npy", "-o", "o.json"]);
    write_npy(&folder.join("empty.npy"), &Array2::zeros((0, 0)));
    refused(folder, &["decompose", "empty.npy", "-o", "o.json"]);
    let mut nan = haar(3);
    nan[[1, 2]].im = f64::NAN;
    write_npy(&folder.join("nan.npy"), &nan);
    refused(folder, &["decompose", "nan.npy", "-o", "o.json"]);
    refused(folder, &["decompose", "none.npy", "-o", "o.json"]);
    refused(
        folder,
        &["decompose", "U.npy", "-o", "no/such/folder/o.json"],
    );
    refused(folder, &["decompose", "U.npy", "-o", "."]);
    let whole = std::fs::read(folder.join("U.npy")).unwrap();
    put("cut.npy", &whole[..whole.len() - 5]);
    refused(folder, &["decompose", "cut.npy", "-o", "o.json"]);
    let huge = b"\x93NUMPY\x01\x00\x76\x00{'descr': '<c16', 'fortran_order': False, 'shape': (1000000000, 1000000000), }                                  \n";
    put("huge.npy", huge);
    refused(folder, &["decompose", "huge.npy", "-o", "o.json"]);

    // Meshes.
    let mesh = std::fs::read(folder.join("u.mesh.json")).unwrap();
    put("cut.json", &mesh[..mesh.len() / 2]);
    refused(folder, &["matrix", "cut.json", "-o", "o.npy"]);
    put("binary.json", &[0xff, 0xfe, 0x00]);
    refused(folder, &["matrix", "binary.json", "-o", "o.npy"]);
    refused(
        folder,
        &[
            "apply",
            "u.mesh.json",
            "half.npy",
            "-o",
            "o.npy",
            "--precision",
            "f16",
        ],
    );
    write_npy(&folder.join("x4.npy"), &Array2::zeros((2, 4)));
    refused(folder, &["apply", "u.mesh.json", "x4.npy", "-o", "o.npy"]);
    refused(
        folder,
        &[
            "draw",
            "u.mesh.json",
            "-o",
            "o.svg",
            "--color",
            "light",
            "--input",
            "3",
        ],
    );

    let mut inf = haar(3);
    inf[[0, 1]].re = f64::INFINITY;
    write_npy(&folder.join("inf.npy"), &inf);
    refused(folder, &["apply", "u.mesh.json", "inf.npy", "-o", "o.npy"]);
    let mut bright = haar(3);
    bright[[0, 1]].re = 1e39;
    write_npy(&folder.join("bright.npy"), &bright);
    refused(
        folder,
        &[
            "apply",
            "u.mesh.json",
            "bright.npy",
            "-o",
            "o.npy",
            "--precision",
            "f32",
        ],
    );
    refused(folder, &["apply", "-", "-", "-o", "o.npy"]);
    refused(
        folder,
        &["draw", "u.mesh.json", "-o", "o.svg", "--layer", "0"],
    );
    refused(
        folder,
        &["draw", "u.mesh.json", "-o", "o.svg", "--input", "0"],
    );
    refused(folder, &["draw", &program, "-o", "o.svg", "--layer", "9"]);
    refused(folder, &["infer", "u.mesh.json", "--data", &data]);
    refused(folder, &["infer", &network, "--data", &data]);
    refused(folder, &["inspect", "thermo"]);

    // Hardware.
    let matrix = |rest: &[&str]| {
        let mut args = vec!["matrix", "u.mesh.json", "-o", "o.npy"];
        args.extend(rest);
        refused(folder, &args);
    };
    matrix(&["--hardware", "thermo-optics"]);
    matrix(&["--set", "readout.adc_bits=40"]);
    matrix(&["--set", "coupler.error=1"]);
    matrix(&["--set", "coupler.splitting_error_rad"]);
    put("bad.toml", b"[coupler]\nsplitting_error_rad = ");
    matrix(&["--hardware", "bad.toml"]);
    put("unknown.toml", b"[coupler]\nspliting = 1");
    matrix(&["--hardware", "unknown.toml"]);
    matrix(&["--correct", "magic"]);

    // Networks and programs.
    put("cut.safetensors", &std::fs::read(&program).unwrap()[..5000]);
    refused(
        folder,
        &["compile", "cut.safetensors", "-o", "o.safetensors"],
    );
    refused(folder, &["infer", "cut.safetensors", "--data", &data]);
    put("huge.safetensors", b"\xff\xff\xff\xff\xff\xff\xff\x7f{}");
    refused(folder, &["infer", "huge.safetensors", "--data", &data]);
    refused(
        folder,
        &[
            "infer",
            &format!("{DEMO}/digits.safetensors"),
            "--data",
            &data,
        ],
    );
    refused(
        folder,
        &["compile", &network, "-o", "o.safetensors", "--tile", "1"],
    );
    refused(
        folder,
        &[
            "compile",
            &network,
            "-o",
            "o.safetensors",
            "--geometry",
            "round",
        ],
    );
    let weights = format!("{DEMO}/digits.safetensors");
    refused(
        folder,
        &[
            "compile",
            &weights,
            "-o",
            "o.safetensors",
            "--activation",
            "zrelu",
        ],
    );
    refused(
        folder,
        &[
            "compile",
            &weights,
            "-o",
            "o.safetensors",
            "--activation",
            "rely",
        ],
    );

    let compile = |rest: &[&str]| {
        let mut args = vec!["compile", &network, "-o", "o.safetensors"];
        args.extend(rest);
        refused(folder, &args);
    };
    compile(&["--tile", "100000"]);
    compile(&["--tile", "-3"]);
    compile(&["--threads", "9999"]);
    compile(&["--activation", "tanh"]);

    // Data.
    let labels = |labels: Vec<f64>, name: &str| {
        let mut bytes = Vec::new();
        lightloom::io::npy::write(&mut bytes, Array1::from(labels).view()).unwrap();
        put(name, &bytes);
    };
    write_npy(&folder.join("x64.npy"), &Array2::zeros((2, 64)));
    let mut real = Vec::new();
    lightloom::io::npy::write(&mut real, Array2::<f64>::zeros((2, 64)).view()).unwrap();
    put("x.npy", &real);
    labels(vec![1.0, 12.0], "y12.npy");
    labels(vec![1.0], "y1.npy");
    labels(vec![1.0, 2.0], "y.npy");
    let infer = |rest: &[&str]| {
        let mut args = vec!["infer", &program, "--json", "o.json", "--data"];
        args.extend(rest);
        refused(folder, &args);
    };
    infer(&["x.npy", "--labels", "y12.npy"]);
    infer(&["x.npy", "--labels", "y1.npy"]);
    infer(&["x64.npy", "--labels", "y.npy"]);
    infer(&["nowhere"]);
    put("bad.csv", b"1,2,3\n1,2\n");
    infer(&["bad.csv"]);
    put("few.csv", b"1,2,3\n1,2,3\n");
    infer(&["few.csv"]);
    infer(&[
        "x.npy",
        "--labels",
        "y.npy",
        "--set",
        "readout.detection=intensity",
    ]);
    infer(&["x.npy", "--labels", "y.npy", "--trials", "0"]);
    infer(&["x.npy", "--labels", "y.npy", "--limit", "0"]);
}
