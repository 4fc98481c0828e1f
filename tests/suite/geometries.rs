//! Every geometry through the command line: matrix, phases, chip, network.

use std::collections::HashMap;
use std::path::Path;

use lightloom::Mesh;
use lightloom::compile::Program;
use lightloom::linalg::{C64, haar_unitary};
use lightloom::mesh::Mzi;
use lightloom::rng::{Effect, Seed};
use ndarray::Array2;
use num_complex::Complex;
use serde_json::Value;

use super::cli::{DEMO, distance, haar, lightloom, ok, read_npy, refused, write_npy};

/// What `decompose` says on stderr.
fn decompose(folder: &Path, geometry: &str) -> String {
    let args = [
        "decompose",
        "U.npy",
        "-o",
        "u.mesh.json",
        "--geometry",
        geometry,
    ];
    let output = lightloom(folder, &args);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn every_universal_geometry_holds_the_matrix() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let u = haar(6);
    write_npy(&folder.join("U.npy"), &u);
    let x = Array2::from_shape_fn((3, 6), |(i, j)| {
        Complex::new((i + j) as f64, 1.0 - j as f64)
    });
    write_npy(&folder.join("x.npy"), &x);
    let says = [
        (
            "diamond",
            "6 modes, 25 MZIs, 9 columns",
            "mesh: 6 modes and 4 ancillas, diamond, 25 MZIs",
        ),
        (
            "clements+4",
            "6 modes, 25 MZIs, 10 columns",
            "mesh: 6 modes, clements+4, 25 MZIs in 10 columns",
        ),
    ];
    for (geometry, said, inspected) in says {
        assert!(decompose(folder, geometry).contains(said));
        assert!(ok(folder, &["inspect", "u.mesh.json"]).contains(inspected));
        ok(folder, &["matrix", "u.mesh.json", "-o", "V.npy"]);
        assert!(distance(&read_npy(&folder.join("V.npy")), &u) < 1e-13);
        ok(folder, &["apply", "u.mesh.json", "x.npy", "-o", "y.npy"]);
        assert!(distance(&read_npy(&folder.join("y.npy")), &x.dot(&u.t())) < 1e-12);
        ok(
            folder,
            &["draw", "u.mesh.json", "-o", "u.svg", "--color", "light"],
        );
        let mesh = Mesh::load(folder.join("u.mesh.json")).unwrap();
        assert_eq!(mesh.geometry().unwrap().to_string(), geometry);
        let sax = ok(folder, &["export", "u.mesh.json", "--format", "sax"]);
        let sax: Value = serde_json::from_str(&sax).unwrap();
        let count = sax["instances"].as_object().unwrap().len();
        assert_eq!(count, mesh.nodes().len() + mesh.modes());
    }
}

#[test]
fn a_butterfly_is_fitted_and_says_what_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    // The Fourier transform of four inputs in bit-reversed order 0, 2, 1, 3.
    let dft = Array2::from_shape_fn((4, 4), |(row, col)| {
        let turns = (row * [0, 2, 1, 3][col]) as f64 / 4.0;
        Complex::from_polar(0.5, -std::f64::consts::TAU * turns)
    });
    write_npy(&folder.join("U.npy"), &dft);
    let said = decompose(folder, "butterfly");
    assert!(
        said.contains("4 modes, 4 MZIs, 2 columns; max |U - U'| = "),
        "{said}"
    );
    assert!(said.contains("matrix error 0.0000 after"), "{said}");
    ok(folder, &["matrix", "u.mesh.json", "-o", "V.npy"]);
    assert!(distance(&read_npy(&folder.join("V.npy")), &dft) < 1e-12);
    write_npy(&folder.join("U.npy"), &haar(8));
    let said = decompose(folder, "butterfly");
    assert!(
        said.contains("matrix error 0.") && !said.contains("error 0.0000"),
        "{said}"
    );
    write_npy(&folder.join("U.npy"), &haar(6));
    let args = [
        "decompose",
        "U.npy",
        "-o",
        "o.mesh.json",
        "--geometry",
        "butterfly",
    ];
    refused(folder, &args);
    let args = [
        "decompose",
        "U.npy",
        "-o",
        "o.mesh.json",
        "--geometry",
        "clements+0",
    ];
    refused(folder, &args);
}

#[test]
fn a_network_runs_on_every_geometry() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let network = format!("{DEMO}/network.toml");
    let data = format!("{DEMO}/digits-test.npz");
    let compile = |geometry: &str, rest: &[&str]| {
        let program = "d.program.safetensors";
        let args = [
            &["compile", &network, "-o", program, "--geometry", geometry],
            rest,
        ]
        .concat();
        let output = lightloom(folder, &args);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{stderr}");
        let fitted = stderr.contains("weights: relative error 0.");
        assert_eq!(fitted, geometry == "butterfly", "{stderr}");
        let args = [
            "infer", program, "--data", &data, "--limit", "100", "--trials", "1", "--json", "-",
        ];
        let report: Value = serde_json::from_str(&ok(folder, &args)).unwrap();
        report
    };
    for (geometry, rest) in [
        ("diamond", vec!["--tile", "16"]),
        ("diamond", vec![]),
        ("clements+2", vec!["--tile", "16"]),
    ] {
        let report = compile(geometry, &rest);
        assert_eq!(report["ideal"]["agreement"], 1.0, "{geometry} {rest:?}");
        assert_eq!(
            report["noisy"]["agreement"]["mean"], 1.0,
            "{geometry} {rest:?}"
        );
        let said = ok(folder, &["inspect", "d.program.safetensors"]);
        assert!(said.contains(&format!("{geometry} meshes")), "{said}");
        for (format, file) in [("csv", "e.csv"), ("sax", "e.json")] {
            ok(
                folder,
                &[
                    "export",
                    "d.program.safetensors",
                    "--format",
                    format,
                    "-o",
                    file,
                ],
            );
        }
        ok(
            folder,
            &[
                "draw",
                "d.program.safetensors",
                "-o",
                "d.svg",
                "--section",
                "output",
            ],
        );
    }
    // Its weights are no butterflies: what is missing is an error of the layers' matrices.
    let report = compile("butterfly", &["--tile", "8"]);
    assert!(report["layers"][0]["matrix_error"].as_f64().unwrap() > 0.1);
    let mut args = vec![
        "compile",
        &network,
        "-o",
        "o.safetensors",
        "--geometry",
        "butterfly",
    ];
    refused(folder, &args);
    args.extend(["--tile", "12"]);
    refused(folder, &args);
}

/// A butterfly of 2 × 2 tiles is universal: one MZI holds every unitary of two modes.
#[test]
fn a_matrix_of_two_modes_is_exact_on_every_geometry() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let u = haar_unitary(2, &mut Seed(3).stream(Effect::Haar, 0, 0, 0));
    let u = Array2::from_shape_fn((2, 2), |(row, col)| u[(row, col)]);
    write_npy(&folder.join("U.npy"), &u);
    for geometry in ["clements", "reck", "diamond", "butterfly", "clements+3"] {
        decompose(folder, geometry);
        ok(folder, &["matrix", "u.mesh.json", "-o", "V.npy"]);
        assert!(
            distance(&read_npy(&folder.join("V.npy")), &u) < 1e-12,
            "{geometry}"
        );
    }
}

/// What leaves the ports of a netlist of `mzi` and `phase`, with light in `in{input}` only. Ports that nothing leads
/// to are dark.
fn through_netlist(netlist: &Value, input: usize) -> HashMap<String, C64> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut leads_to: HashMap<String, String> = HashMap::new();
    for (from, to) in netlist["connections"].as_object().unwrap() {
        assert!(
            leads_to.insert(text(to), from.clone()).is_none(),
            "{to} has two sources"
        );
    }
    let mut light = HashMap::new();
    let ports = netlist["ports"].as_object().unwrap();
    for (name, port) in ports.iter().filter(|(name, _)| name.starts_with("in")) {
        let lit = *name == format!("in{input}");
        light.insert(name.clone(), C64::from(f64::from(u8::from(lit))));
        assert!(
            leads_to.insert(text(port), name.clone()).is_none(),
            "{port} has two sources"
        );
    }
    let mut waiting: Vec<_> = netlist["instances"].as_object().unwrap().iter().collect();
    while !waiting.is_empty() {
        let before = waiting.len();
        waiting.retain(|(name, instance)| {
            let setting = |key: &str| instance["settings"][key].as_f64().unwrap();
            let arrived = |port: usize| match leads_to.get(&format!("{name},in{port}")) {
                Some(from) => light.get(from).copied(),
                None => Some(C64::ZERO),
            };
            let mut outputs = Vec::new();
            if instance["component"] == "mzi" {
                let (Some(x), Some(y)) = (arrived(0), arrived(1)) else {
                    return true;
                };
                let [a, b, c, d] = Mzi::ideal(setting("theta"), setting("phi")).matrix();
                outputs.extend([a * x + b * y, c * x + d * y]);
            } else {
                let Some(x) = arrived(0) else {
                    return true;
                };
                outputs.push(x * C64::from_polar(1.0, setting("phi")));
            }
            for (port, amplitude) in outputs.into_iter().enumerate() {
                light.insert(format!("{name},out{port}"), amplitude);
            }
            false
        });
        assert!(waiting.len() < before, "a netlist has no loop");
    }
    let out = ports.iter().filter(|(name, _)| name.starts_with("out"));
    out.map(|(name, port)| (name.clone(), light[&text(port)]))
        .collect()
}

#[test]
fn the_netlist_of_a_tile_is_its_matrix_and_ancillas_end_between_its_meshes() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    // Layers of 64 → 32 → 10: both meshes of a tile differ in size.
    let network = format!("{DEMO}/network.toml");
    let program = "d.program.safetensors";
    for geometry in ["diamond", "clements+1"] {
        ok(
            folder,
            &["compile", &network, "-o", program, "--geometry", geometry],
        );
        let sax = ok(folder, &["export", program, "--format", "sax"]);
        let sax: Value = serde_json::from_str(&sax).unwrap();
        let loaded = Program::load(folder.join(program)).unwrap();
        let last = loaded.network().layers().len() - 1;
        let tile = &loaded.tiles(lightloom::nn::LinearId(last))[0];
        let entry = &sax[format!("{}.0", loaded.network().layers()[last].name())];
        let matrix = tile.matrix();
        for input in 0..tile.cols {
            let outputs = through_netlist(&entry["netlist"], input);
            for row in 0..tile.rows {
                let got = outputs[&format!("out{row}")] * tile.scale;
                assert!(
                    (got - matrix[(row, input)]).norm() < 1e-12,
                    "{geometry} {row} {input}"
                );
            }
        }
    }
}

/// Bandyopadhyay, Hamerly, Englund, Optica 8, 1247 (2021): correction needs the couplers of each MZI, whatever the
/// layout. Mean of six chips with splitting errors of 0.05 rad at N = 8. Spare MZIs stand in the bar state, which faulty couplers
/// cannot reach: spare columns cost what they add, and only a fit makes use of them.
#[test]
fn corrections_work_on_every_geometry() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    write_npy(&folder.join("U.npy"), &haar(8));
    for geometry in ["clements", "diamond", "butterfly", "clements+3"] {
        decompose(folder, geometry);
        ok(folder, &["matrix", "u.mesh.json", "-o", "I.npy"]);
        let ideal = read_npy(&folder.join("I.npy"));
        let error_of = |correct: &str, trial: &str| {
            let set = "coupler.splitting_error_rad=0.05";
            let args = [
                "matrix",
                "u.mesh.json",
                "--set",
                set,
                "--correct",
                correct,
                "--trial",
                trial,
                "-o",
                "V.npy",
            ];
            ok(folder, &args);
            let off = &read_npy(&folder.join("V.npy")) - &ideal;
            let sum: f64 = off.iter().map(|z| z.norm_sqr()).sum();
            (sum / 8.0).sqrt()
        };
        let error = |correct: &str| {
            let chips = ["0", "1", "2", "3", "4", "5"];
            chips
                .map(|trial| error_of(correct, trial))
                .iter()
                .sum::<f64>()
                / 6.0
        };
        let [none, local, progressive] = ["none", "local", "progressive"].map(error);
        assert!(local < 0.6 * none, "{geometry}: {none} {local}");
        assert!(progressive < 0.6 * none, "{geometry}: {none} {progressive}");
    }
}
