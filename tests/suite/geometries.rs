//! Every geometry through the command line: matrix, phases, chip, network.

use std::path::Path;

use lightloom::Mesh;
use lightloom::linalg::haar_unitary;
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
    refused(
        folder,
        &args,
        "modes = 6: must be a power of two for a butterfly",
    );
    let args = [
        "decompose",
        "U.npy",
        "-o",
        "o.mesh.json",
        "--geometry",
        "clements+0",
    ];
    refused(
        folder,
        &args,
        "geometry = clements+0: must be clements, reck, diamond, butterfly or",
    );
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
        for format in ["csv", "sax"] {
            ok(
                folder,
                &[
                    "export",
                    "d.program.safetensors",
                    "--format",
                    format,
                    "-o",
                    "e",
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
    refused(
        folder,
        &args,
        "powers of two for butterfly meshes of the layer's own size",
    );
    args.extend(["--tile", "12"]);
    refused(
        folder,
        &args,
        "tile = 12: must be a power of two for butterfly meshes",
    );
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
