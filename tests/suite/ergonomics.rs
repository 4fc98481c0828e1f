//! Help, completions, man pages, colours, silence, and errors that name the fix.

use std::path::Path;
use std::process::{Command, Output};

use crate::cli::{DEMO, haar, lightloom, ok, refused, write_npy};

const SHELLS: [&str; 5] = ["bash", "zsh", "fish", "elvish", "powershell"];

/// The commands as `lightloom --help` lists them.
fn commands(folder: &Path) -> Vec<String> {
    let help = ok(folder, &["--help"]);
    let (_, list) = help.split_once("Commands:\n").unwrap();
    let lines = list.lines().take_while(|line| !line.trim().is_empty());
    // Wrapped explanations are indented deeper than names.
    let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .filter(|name| name != "help")
        .collect()
}

#[test]
fn completions_of_every_shell_know_every_command() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let commands = commands(folder);
    assert!(commands.len() >= 13, "{commands:?}");
    for shell in SHELLS {
        let script = ok(folder, &["completions", shell]);
        for command in &commands {
            assert!(script.contains(command.as_str()), "{shell}: {command}");
        }
        assert!(script.contains("calibration"), "{shell} knows flags");
        let file = format!("{shell}.txt");
        ok(folder, &["completions", shell, "-o", &file]);
        assert_eq!(std::fs::read_to_string(folder.join(file)).unwrap(), script);
    }
    refused(folder, &["completions", "fsh"]);
}

/// A shell that is installed reads its script without a complaint.
#[test]
fn the_shells_that_are_here_accept_their_completions() {
    let dir = tempfile::tempdir().unwrap();
    for (shell, check) in [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")] {
        ok(dir.path(), &["completions", shell, "-o", "script"]);
        let run = Command::new(shell)
            .args([check, "script"])
            .current_dir(dir.path())
            .output();
        match run {
            Ok(output) => {
                let stderr = String::from_utf8_lossy(&output.stderr);
                assert!(
                    output.status.success() && stderr.is_empty(),
                    "{shell}: {stderr}"
                );
            }
            Err(_) => eprintln!("skipped: no {shell} on this machine"),
        }
    }
}

#[test]
fn every_command_has_a_man_page() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    ok(folder, &["man", "--out", "man1"]);
    let mut found: Vec<String> = std::fs::read_dir(folder.join("man1"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    let mut expected = vec!["lightloom.1".to_owned()];
    for command in commands(folder) {
        expected.push(format!("lightloom-{command}.1"));
        let page = ok(folder, &["man", &command]);
        let file = folder.join(format!("man1/lightloom-{command}.1"));
        assert_eq!(std::fs::read_to_string(file).unwrap(), page);
        // `-` is written `\-` in roff.
        assert!(
            page.contains(".TH ") && page.contains(".SH OPTIONS"),
            "{page}"
        );
        assert!(
            page.contains(".SH EXAMPLES") && !page.contains("EXTRA"),
            "{page}"
        );
        assert!(
            page.contains(&format!("lightloom {command}")),
            "{command} has an example"
        );
    }
    for (command, usage) in [
        (
            "sweep",
            "[OPTIONS] <\\-\\-out <DIR>|\\-\\-dry\\-run> <EXPERIMENT>",
        ),
        ("merge", "[OPTIONS] \\-\\-out <DIR> <DIR>..."),
    ] {
        let page = ok(folder, &["man", command]);
        assert!(page.contains(usage), "{page}");
    }
    expected.sort();
    assert_eq!(found, expected);
    assert!(ok(folder, &["man"]).contains(".TH lightloom 1"));
    refused(folder, &["man", "infre"]);
}

#[test]
fn colours_are_for_terminals_and_never_with_no_color() {
    let dir = tempfile::tempdir().unwrap();
    let run = |args: &[&str], variables: &[(&str, &str)]| -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lightloom"));
        command.args(args).current_dir(dir.path());
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
            command.env_remove(name);
        }
        command.envs(variables.iter().copied()).output().unwrap()
    };
    let coloured = |output: &Output| {
        let bytes = [&output.stdout[..], &output.stderr].concat();
        bytes.contains(&0x1b)
    };
    let force = ("CLICOLOR_FORCE", "1");
    assert!(coloured(&run(&["--help"], &[force])), "help has styles");
    for args in [
        &["--help"][..],
        &["infer", "--help"],
        &["infer"],
        &["inspect", "ideal"],
    ] {
        assert!(!coloured(&run(args, &[])), "{args:?} into a pipe");
        assert!(
            !coloured(&run(args, &[force, ("NO_COLOR", "1")])),
            "{args:?}"
        );
    }
}

#[test]
fn quiet_commands_say_nothing_on_stderr() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    write_npy(&folder.join("U.npy"), &haar(4));
    let network = format!("{DEMO}/network.toml");
    let data = format!("{DEMO}/digits-test.npz");
    for args in [
        &["decompose", "U.npy", "-o", "u.mesh.json"][..],
        &[
            "matrix",
            "u.mesh.json",
            "--hardware",
            "mit-pnp",
            "--correct",
            "local",
            "-o",
            "V.npy",
        ],
        &["apply", "u.mesh.json", "U.npy", "-o", "y.npy"],
        &[
            "compile",
            &network,
            "-o",
            "p.safetensors",
            "--geometry",
            "butterfly",
            "--tile",
            "8",
        ],
        &[
            "infer",
            "p.safetensors",
            "--data",
            &data,
            "--limit",
            "20",
            "--trials",
            "1",
        ],
        &["draw", "u.mesh.json", "-o", "u.svg"],
        &["inspect", "u.mesh.json"],
        &["export", "u.mesh.json", "--format", "csv"],
        &["demo", "--trials", "1"],
        &["completions", "bash"],
        &["man"],
    ] {
        let output = lightloom(folder, &[args, &["--quiet"]].concat());
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && stderr.is_empty(),
            "{args:?}: {stderr}"
        );
    }
}

#[test]
fn a_slip_is_answered_with_the_word_that_was_meant() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    write_npy(&folder.join("U.npy"), &haar(3));
    ok(folder, &["decompose", "U.npy", "-o", "u.mesh.json"]);
    std::fs::write(
        folder.join("hw.toml"),
        "[copler]\nsplitting_error_rad = 0.02\n",
    )
    .unwrap();
    std::fs::write(folder.join("cell.toml"), "[mesh]\ncell = \"symetric\"\n").unwrap();
    std::fs::write(folder.join("net.pt"), b"PK\x03\x04").unwrap();
    let program = format!("{DEMO}/digits.program.safetensors");
    let network = format!("{DEMO}/digits.safetensors");
    let data = format!("{DEMO}/digits-test.npz");
    let typo = format!("{DEMO}/digits-tset.npz");
    let matrix = ["matrix", "u.mesh.json", "-o", "V.npy"];
    let with = |rest: &[&str]| refused(folder, &[&matrix[..], rest].concat());
    with(&["--set", "copler.splitting_error_rad=0.02"]);
    with(&["--set", "mesh.cell=3-spliter"]);
    with(&["--set", "dac_bits=8"]);
    with(&["--hardware", "hw.toml"]);
    with(&["--hardware", "cell.toml"]);
    with(&["--hardware", "thermo-optics"]);
    with(&["--correct", "locl"]);
    with(&["--hardwear", "ideal"]);
    refused(folder, &["decompse", "U.npy"]);
    let args = [
        "decompose",
        "U.npy",
        "-o",
        "v.mesh.json",
        "--geometry",
        "clemens",
    ];
    refused(folder, &args);
    let args = [
        "compile",
        &network,
        "-o",
        "p.safetensors",
        "--activation",
        "rleu",
    ];
    refused(folder, &args);
    let args = ["compile", "net.pt", "-o", "p.safetensors"];
    refused(folder, &args);
    refused(folder, &["infer", &program, "--data", &typo]);
    refused(
        folder,
        &["infer", &program, "--data", &data, "--split", "tets"],
    );
    refused(folder, &["draw", "u.mehs.json", "-o", "u.svg"]);
    refused(folder, &["inspect", "u.mehs.json"]);
    refused(folder, &["inspect", "thermo_optic"]);
    with(&["--seed", "-1"]);
    with(&["--set", "coupler.splitting_error_rad=0,02"]);
    with(&["--set", "coupler.splitting_error_rad=none"]);
    let args = ["compile", &program, "-o", "p.safetensors"];
    refused(folder, &args);
    let args = ["decompose", "u.mesh.json", "-o", "v.mesh.json"];
    refused(folder, &args);
    let args = ["draw", "u.mesh.json", "-o", "figures/u.svg"];
    refused(folder, &args);
}

#[test]
fn none_takes_a_presets_value_away() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    write_npy(&folder.join("u.npy"), &haar(4));
    ok(folder, &["decompose", "u.npy", "-o", "u.mesh.json"]);
    let matrix = |out: &str, rest: &[&str]| {
        let to = ["matrix", "u.mesh.json", "-o", out];
        ok(folder, &[&to[..], rest].concat());
        std::fs::read(folder.join(out)).unwrap()
    };
    std::fs::write(
        folder.join("hw.toml"),
        "[phase_shifter]\ndac_bits = \"none\"\n",
    )
    .unwrap();
    let ideal = matrix("ideal.npy", &[]);
    let coarse = ["--set", "phase_shifter.dac_bits=4"];
    let none = ["--set", "phase_shifter.dac_bits=none"];
    assert_ne!(matrix("coarse.npy", &coarse), ideal);
    assert_eq!(matrix("none.npy", &[coarse, none].concat()), ideal);
    assert_eq!(matrix("file.npy", &["--hardware", "hw.toml"]), ideal);
}
