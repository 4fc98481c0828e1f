//! Commands as people type them wrongly, and the sentence that names the fix.

use std::path::Path;

use crate::cli::{DEMO, haar, lightloom, ok, refused, write_npy};
use crate::sweep::{digits, experiment};

/// What a command that must succeed says on stderr.
fn said(folder: &Path, args: &[&str]) -> String {
    let output = lightloom(folder, args);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{args:?}: {stderr}");
    stderr
}

fn put(folder: &Path) {
    for (from, to) in [
        ("digits.program.safetensors", "p.program.safetensors"),
        ("digits.safetensors", "net.safetensors"),
        ("digits-test.npz", "data.npz"),
    ] {
        std::fs::copy(format!("{DEMO}/{from}"), folder.join(to)).unwrap();
    }
    write_npy(&folder.join("U.npy"), &haar(3));
    ok(
        folder,
        &["decompose", "U.npy", "-o", "u.mesh.json", "--quiet"],
    );
    experiment(folder, &digits(1));
}

#[test]
fn a_command_that_was_typed_wrongly_is_answered_with_the_right_one() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    put(folder);
    let p = "p.program.safetensors";
    for args in [
        &["infer", "data.npz", "--data", p][..],
        &["infer", "data.npz", "--data", "U.npy"],
        &["infer", p, "--data", "net.safetensors"],
        &["infer", p, "data.npz"],
        &["compile", "net.safetensors", "out.program.safetensors"],
        &["decompose", "U.npy", "u.json"],
        &["apply", "u.mesh.json", "U.npy", "y.npy"],
        &["draw", "u.mesh.json", "more.json", "-o", "u.svg"],
        &["merge", "part", "--out", "out", "--all"],
        &[
            "infer",
            p,
            "--data",
            "data.npz",
            "--set",
            "phase_shifter.phase_error_rad",
            "0.01",
        ],
        &["infer", p, "--data", "data.npz", "--hardware", "hw.toml"],
        &[
            "matrix",
            "u.mesh.json",
            "-o",
            "o.npy",
            "--hardware",
            "no/hw.toml",
        ],
        &["compile", "data.npz", "-o", "o.safetensors"],
        &["report", "nowhere"],
        &["report", "e.toml"],
        &["sweep", "e.toml", "--out", "data.npz"],
        &["merge", "a", "b", "--out", "data.npz"],
        &[
            "export",
            "u.mesh.json",
            "--format",
            "csv",
            "--dac-bits",
            "8",
            "--dac-max-v",
            "high",
        ],
    ] {
        refused(folder, args);
    }
    // One word away from a folder that is there.
    std::fs::create_dir(folder.join("results")).unwrap();
    refused(folder, &["report", "result"]);
}

#[test]
fn a_range_of_numpy_is_answered_with_our_keys() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let text = digits(1);
    let (head, _) = text.split_once("[axes]").unwrap();
    for range in [
        "{ start = 0, to = 1, steps = 3 }",
        "{ from = 0, stop = 1, steps = 3 }",
        "{ start = 0, stop = 1, num = 3 }",
        "{ from = 0, to = 1, stepz = 3 }",
    ] {
        let axis = format!("{head}[axes]\n\"coupler.splitting_error_rad\" = {range}\n");
        experiment(folder, &axis);
        refused(folder, &["sweep", "e.toml", "--dry-run"]);
    }
    // A whole number may have an exponent.
    let steps = "{ from = 0, to = 0.1, steps = 1e1 }";
    let axis = format!("{head}[axes]\n\"coupler.splitting_error_rad\" = {steps}\n");
    experiment(folder, &axis);
    let estimate = ok(folder, &["sweep", "e.toml", "--dry-run", "--quiet"]);
    assert!(estimate.contains("points    10"), "{estimate}");
}

#[test]
fn what_is_allowed_and_hardly_meant_is_said_after_it_is_done() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    put(folder);
    let compile = [
        "compile",
        "net.safetensors",
        "-o",
        "o.safetensors",
        "--seed",
        "1e3",
        "--tile",
    ];
    let wide = said(folder, &[&compile[..], &["70"]].concat());
    assert!(
        wide.contains(
            "note: --tile 70: layer 0 (64 → 32) needs 64 modes, and no other one more: the other modes of each mesh do \
             nothing but cost MZIs\n"
        ),
        "{wide}"
    );
    assert!(!said(folder, &[&compile[..], &["64"]].concat()).contains("--tile"));
    assert_eq!(
        said(folder, &[&compile[..], &["70", "--quiet"]].concat()),
        ""
    );
    let infer = [
        "infer",
        "p.program.safetensors",
        "--data",
        "data.npz",
        "--trials",
        "1",
        "--limit",
        "20",
    ];
    let with = |set: &str| said(folder, &[&infer[..], &["--set", set]].concat());
    let note = "note: phase_shifter.phase_error_rad = 1000: more than a turn (6.28 rad) is noise";
    assert!(with("phase_shifter.phase_error_rad=1000").contains(note));
    assert!(!with("phase_shifter.phase_error_rad=0.01").contains("more than a turn"));
    let matrix = [
        "matrix",
        "u.mesh.json",
        "-o",
        "o.npy",
        "--set",
        "phase_shifter.phase_error_rad=1e3",
    ];
    assert!(said(folder, &matrix).contains(note));
    // On an error there is one line, and no note.
    refused(
        folder,
        &[
            "infer",
            "p.program.safetensors",
            "--data",
            "data.npz",
            "--limit",
            "1e6",
            "--hardware",
            "no.toml",
        ],
    );
}

/// What a sweep says of its hardware is of that of its points, not of what they vary.
#[test]
fn a_sweep_says_what_does_nothing_at_any_of_its_points() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let notes = |set: &str, axes: &str| -> Vec<String> {
        let text = format!(
            "network = '{DEMO}/network.toml'\ndata = '{DEMO}/digits-test.npz'\nlimit = 20\ntrials = 1\ntile = 8\n\
             [set]\n{set}\n[axes]\n{axes}\n"
        );
        experiment(folder, &text);
        let text = said(folder, &["sweep", "e.toml", "--out", "out"]);
        let dry = said(folder, &["sweep", "e.toml", "--dry-run"]);
        std::fs::remove_dir_all(folder.join("out")).unwrap();
        let idle = |text: &str| -> Vec<String> {
            let lines = text.lines().filter(|line| line.contains("does nothing"));
            lines.map(str::to_owned).collect()
        };
        assert_eq!(idle(&text), idle(&dry));
        idle(&text)
    };
    // An axis makes a key of the base act.
    let formats = "'numbers.format' = ['float', 'fixed']";
    assert_eq!(
        notes("numbers.weight_bits = 6", formats),
        Vec::<String>::new()
    );
    // One along which nothing changes.
    assert_eq!(
        notes(
            "readout.bandwidth_ghz = 1",
            "'numbers.noise_codes' = [0, 1]"
        ),
        ["note: numbers.noise_codes does nothing: without readout.adc_bits there are no codes"]
    );
    assert_eq!(notes("numbers.gain = 2", formats).len(), 1);
}
