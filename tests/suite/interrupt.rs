//! Ctrl-C: what is done is shown and kept, and the exit code says so.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use super::cli::ok;
use super::sweep::{assert_same_files, digits, experiment};

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/meshes/demo");

const LIGHTLOOM: &str = env!("CARGO_BIN_EXE_lightloom");
/// Exit code behind SIGINT.
const STOPPED: Option<i32> = Some(130);

/// `lightloom arguments…` in `folder`, to which SIGINT is sent when `begun` holds.
fn interrupted(folder: &Path, arguments: &[&str], begun: impl Fn() -> bool) -> Output {
    let process = Command::new(LIGHTLOOM)
        .args(arguments)
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while !begun() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let pid = process.id().to_string();
    let sent = Command::new("kill").args(["-INT", &pid]).status().unwrap();
    assert!(sent.success());
    process.wait_with_output().unwrap()
}

#[test]
fn an_interrupted_inference_shows_the_chips_that_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let trials = 1_000_000;
    let arguments = [
        "infer",
        &format!("{DEMO}/digits.program.safetensors"),
        &format!("--data={DEMO}/digits-test.npz"),
        "--limit=50",
        "--trials=1000000",
        "--hardware=mit-pnp",
        "--threads=1",
        "--json=out.json",
    ];
    // Some chips are done within seconds on any machine, a million are not.
    let output = interrupted(folder, &arguments, || {
        std::thread::sleep(Duration::from_secs(4));
        true
    });
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), STOPPED, "{said}");
    let report = std::fs::read(folder.join("out.json")).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
    let done = report["trials"].as_u64().unwrap();
    assert!((1..trials).contains(&done));
    assert_eq!(
        report["noisy"]["per_trial"].as_array().unwrap().len() as u64,
        done
    );
    let note = format!("note: stopped: the result is of {done} of {trials} chips");
    assert!(said.contains(&note), "{said}");
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains("noisy"), "{table}");
    // They are the first chips: what fewer trials would have given.
    let first = ["--trials=1", "--json=first.json"];
    let arguments: Vec<&str> = arguments[..4]
        .iter()
        .chain(&arguments[5..7])
        .copied()
        .collect();
    ok(folder, &[&arguments[..], &first].concat());
    let first = std::fs::read(folder.join("first.json")).unwrap();
    let first: serde_json::Value = serde_json::from_slice(&first).unwrap();
    assert_eq!(
        first["noisy"]["per_trial"][0],
        report["noisy"]["per_trial"][0]
    );
}

#[test]
fn an_interrupted_sweep_keeps_its_trials_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    experiment(folder, &digits(60));
    let journal = folder.join("cut/trials.journal");
    let begun = || {
        let text = std::fs::read(&journal).unwrap_or_default();
        String::from_utf8_lossy(&text).contains("{\"trial\":")
    };
    let sweep = ["sweep", "e.toml", "--threads=1", "--out", "cut"];
    let output = interrupted(folder, &sweep, begun);
    let said = String::from_utf8(output.stderr).unwrap();
    if output.status.code() == STOPPED {
        assert!(
            said.contains("trials are left; the same command goes on with them"),
            "{said}"
        );
    } else {
        assert!(output.status.success(), "{said}");
    }
    ok(folder, &sweep);
    ok(
        folder,
        &["sweep", "e.toml", "--threads=1", "--out", "whole"],
    );
    assert_same_files(&folder.join("cut"), &folder.join("whole"));
}
