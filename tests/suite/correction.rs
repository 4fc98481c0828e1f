//! `--correct` and `mesh.cell` as a user meets them.

use std::path::Path;

use lightloom::hardware::Hardware;
use lightloom::linalg::{haar_unitary, matrix_error};
use lightloom::mesh::{Correction, Geometry, decompose};
use lightloom::rng::{Effect, Seed};

use crate::cli::{distance, haar, lightloom, ok, read_npy, refused, write_npy};

/// Matrix error of the mesh on a chip, and what the command says.
fn on_chip(folder: &Path, arguments: &[&str]) -> (f64, String) {
    let all = [&["matrix", "u.mesh.json", "-o", "chip.npy"], arguments].concat();
    let output = lightloom(folder, &all);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    let (chip, u) = (
        read_npy(&folder.join("chip.npy")),
        read_npy(&folder.join("u.npy")),
    );
    let squares = (&chip - &u).mapv(|z| z.norm_sqr()).sum();
    ((squares / u.nrows() as f64).sqrt(), said)
}

/// √(2/3) N σ², as the plain rectangle has it (Bandyopadhyay et al. 2021): spare MZIs in the bar state would leave ten
/// times as much.
#[test]
fn spare_columns_are_corrected_as_well_as_a_plain_rectangle() {
    let sigma: f64 = 0.02;
    let key = "coupler.splitting_error_rad";
    let hardware = Hardware::default().with(key, &sigma.to_string()).unwrap();
    for n in [8, 16] {
        let squares = (0..60).map(|trial| {
            let u = haar_unitary(n, &mut Seed(5).stream(Effect::Haar, trial, n as u64, 0));
            let mesh = decompose(&u, Geometry::Redundant { extra: 4 }).unwrap();
            let chip = hardware.fabricate(Seed(0), trial);
            let set = chip.program(&mesh, Correction::Local);
            matrix_error(&set.coefficients.transfer(), &u).powi(2)
        });
        let error = (squares.sum::<f64>() / 60.0).sqrt();
        let law = (2.0f64 / 3.0).sqrt() * n as f64 * sigma.powi(2);
        assert!(error < 1.5 * law, "{n}: {error} {law}");
    }
}

/// √(2 − 2e^{−(N−1)σ²}) without correction, √(2/3) N σ² with a local one.
#[test]
fn a_matrix_is_corrected_by_every_scheme_and_the_command_says_what_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_npy(&folder.join("u.npy"), &haar(16));
    ok(folder, &["decompose", "u.npy", "-o", "u.mesh.json"]);
    let splitting = ["--set", "coupler.splitting_error_rad=0.04"];
    let (none, said) = on_chip(folder, &splitting);
    assert!((none / 0.217 - 1.0).abs() < 0.3, "{none}");
    assert!(!said.contains("could not be set"), "{said}");
    for correct in ["local", "progressive", "fit", "self-configure"] {
        let arguments = [&splitting[..], &["--correct", correct]].concat();
        let (error, said) = on_chip(folder, &arguments);
        assert!(error < 0.2 * none, "{correct}: {error} {none}");
        assert!(
            said.contains("of 120 MZIs could not be set exactly"),
            "{said}"
        );
    }
    for cell in ["3-splitter", "mzi-crossing", "symmetric"] {
        let cell = format!("mesh.cell={cell}");
        let ideal = on_chip(folder, &["--set", &cell]).0;
        assert!(ideal < 1e-13, "{cell}: {ideal:e}");
        let arguments = [
            &splitting[..],
            &["--set", &cell, "--correct", "progressive"],
        ]
        .concat();
        let error = on_chip(folder, &arguments).0;
        assert!(error < 0.2 * none, "{cell}: {error} {none}");
    }
    let heat = [
        "--set",
        "phase_shifter.crosstalk=0.01",
        "--set",
        "phase_shifter.offset_rad=2",
    ];
    assert!(on_chip(folder, &heat).0 > 0.5);
    let known = [&heat[..], &["--correct", "local"]].concat();
    assert!(on_chip(folder, &known).0 < 1e-12);
    assert!(distance(&read_npy(&folder.join("chip.npy")), &haar(16)) < 1e-12);
}

/// Offsets of 6 rad are uniform modulo 2π. Receivers have the noise of the readout's keys: at 1 MHz and 1 mW that 16
/// modes share, ε² = q B/(R P_fs) in each quadrature with a bright oscillator, P_fs = 1/16 mW.
#[test]
fn a_chip_configures_itself_by_light_alone() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_npy(&folder.join("u.npy"), &haar(16));
    let offsets = ["--set", "phase_shifter.offset_rad=6"];
    let itself = [&offsets[..], &["--correct", "self-configure"]].concat();
    for geometry in ["clements", "reck", "diamond"] {
        let decompose = [
            "decompose",
            "u.npy",
            "-o",
            "u.mesh.json",
            "--geometry",
            geometry,
        ];
        ok(folder, &decompose);
        assert!(on_chip(folder, &offsets).0 > 1.0);
        let (error, said) = on_chip(folder, &itself);
        assert!(error < 1e-12, "{geometry}: {error:e}");
        assert!(said.contains("; 1 pass, "), "{said}");
    }
    ok(folder, &["decompose", "u.npy", "-o", "u.mesh.json"]);
    let v_pi = ["--set", "phase_shifter.v_pi_error=0.02"];
    let (error, said) = on_chip(folder, &[&itself[..], &v_pi].concat());
    assert!(error < 1e-12, "{error:e}");
    assert!(said.contains("; 2 passes, "), "{said}");
    let bandwidth = ["--set", "readout.bandwidth_ghz=0.001"];
    let noisy = on_chip(folder, &[&itself[..], &bandwidth].concat()).0;
    let noise = (1.602_176_634e-19 * 1e6 / 62.5e-6f64).sqrt();
    let law = noise * (0.65f64 * 16.0 + 3.0).sqrt();
    assert!((noisy / law - 1.0).abs() < 0.5, "{noisy:e} {law:e}");
    let programming = [
        "--set",
        "phase_shifter.phase_error_rad=0.01",
        "--correct",
        "self-configure",
    ];
    let said = on_chip(folder, &programming).1;
    assert!(said.contains("kept phases for a perfect chip"), "{said}");
}

#[test]
fn what_a_correction_cannot_do_is_said_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_npy(&folder.join("u.npy"), &haar(4));
    ok(folder, &["decompose", "u.npy", "-o", "u.mesh.json"]);
    let matrix = ["matrix", "u.mesh.json", "-o", "chip.npy"];
    for arguments in [["--correct", "global"], ["--set", "mesh.cell=ring"]] {
        refused(folder, &[&matrix[..], &arguments].concat());
    }
    write_npy(&folder.join("two.npy"), &haar(2));
    let spare = ["--geometry", "clements+2"];
    let decompose = ["decompose", "two.npy", "-o", "two.mesh.json"];
    ok(folder, &[&decompose[..], &spare].concat());
    let mixed = [
        "matrix",
        "two.mesh.json",
        "-o",
        "chip.npy",
        "--correct",
        "self-configure",
        "--set",
        "mesh.cell=3-splitter",
    ];
    refused(folder, &mixed);
    let sax = [
        "export",
        "u.mesh.json",
        "--format",
        "sax",
        "--set",
        "mesh.cell=symmetric",
    ];
    refused(folder, &sax);
    let volts = ["export", "u.mesh.json", "--format", "sax", "--volts"];
    refused(folder, &volts);
    // An output that is the input would be lost.
    let before = std::fs::read(folder.join("u.mesh.json")).unwrap();
    for same in ["u.mesh.json", "./u.mesh.json"] {
        let own = ["matrix", "u.mesh.json", "-o", same];
        refused(folder, &own);
    }
    assert_eq!(std::fs::read(folder.join("u.mesh.json")).unwrap(), before);
}

/// A symmetric cell has no φ: its phases stand on both arms, and some modes have a shifter of their own.
#[test]
fn phases_are_exported_for_the_cells_of_the_hardware() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write_npy(&folder.join("u.npy"), &haar(6));
    ok(folder, &["decompose", "u.npy", "-o", "u.mesh.json"]);
    let rows = |cell: &str| {
        let set = format!("mesh.cell={cell}");
        let csv = ok(
            folder,
            &["export", "u.mesh.json", "--format", "csv", "--set", &set],
        );
        let count = |kind: &str| csv.matches(&format!(",{kind},")).count();
        (count("theta"), count("phi"), count("free"), count("screen"))
    };
    assert_eq!(rows("mzi"), (15, 15, 0, 6));
    assert_eq!(rows("3-splitter"), (15, 15, 0, 6));
    assert_eq!(rows("symmetric"), (15, 15, 5, 6));
}

#[test]
fn inference_counts_what_could_not_be_set() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/meshes/demo");
    let (program, data) = (
        format!("{demo}/digits.program.safetensors"),
        format!("{demo}/digits-test.npz"),
    );
    let infer = |arguments: &[&str]| {
        let common = [
            "infer", &program, "--data", &data, "--trials", "3", "--limit", "300",
        ];
        let hardware = ["--set", "coupler.splitting_error_rad=0.1"];
        let all = [&common[..], &hardware, arguments, &["--json", "-"]].concat();
        let report: serde_json::Value = serde_json::from_str(&ok(folder, &all)).unwrap();
        report
    };
    let (none, local) = (infer(&[]), infer(&["--correct", "local"]));
    let three = infer(&["--correct", "progressive", "--set", "mesh.cell=3-splitter"]);
    let accuracy =
        |report: &serde_json::Value| report["noisy"]["accuracy"]["mean"].as_f64().unwrap();
    let unreachable =
        |report: &serde_json::Value| report["layers"][0]["unreachable_mzis"].as_f64().unwrap();
    assert_eq!(none["correct"], "none");
    assert!(none["layers"][0]["unreachable_mzis"].is_null());
    assert_eq!(local["correct"], "local");
    assert!(unreachable(&local) > 10.0 * unreachable(&three));
    assert!(accuracy(&none) < accuracy(&local) && accuracy(&local) < accuracy(&three));
    let common = [
        "infer",
        &program,
        "--data",
        &data,
        "--correct",
        "self-configure",
    ];
    refused(folder, &common);
    // Nor do completions offer it there.
    let script = ok(folder, &["completions", "fish"]);
    for (command, offers) in [("infer", false), ("matrix", true)] {
        let of_command = format!("using_subcommand {command}\" -l correct");
        let at = script.find(&of_command).expect("the command has --correct");
        let option = &script[at..];
        let end = option[1..].find("complete -c").unwrap();
        assert_eq!(
            option[..end].contains("self-configure"),
            offers,
            "{command}"
        );
    }
}
