//! Crossbars from the command line: the control beside meshes, and what they have not.

use std::path::Path;

use lightloom::io::safetensors;
use lightloom::{Program, Result};

use crate::cli::{DEMO, lightloom, ok, refused};
use crate::sweep::rows;

const KEY: &str = "lightloom-program";

fn compiled(folder: &Path) {
    for name in ["network.toml", "digits.safetensors", "digits-test.npz"] {
        std::fs::copy(format!("{DEMO}/{name}"), folder.join(name)).unwrap();
    }
    let compile = [
        "compile",
        "network.toml",
        "--geometry",
        "crossbar",
        "--tile",
        "16",
        "--quiet",
        "-o",
        "x.safetensors",
    ];
    ok(folder, &compile);
}

#[test]
fn a_sweep_compares_crossbars_with_meshes_and_says_once_what_does_not_act_on_them() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    compiled(folder);
    let experiment = "network = 'network.toml'\ndata = 'digits-test.npz'\nlimit = 200\ntrials = 2\n\
                      [axes]\ngeometry = ['clements', 'crossbar']\n\
                      'coupler.splitting_error_rad' = [0.0, 0.1]\n'mesh.insertion_loss_db' = [0.0, 0.1]\n";
    std::fs::write(folder.join("e.toml"), experiment).unwrap();
    let output = lightloom(folder, &["sweep", "e.toml", "--out", "out"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    let notes: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("crossbar"))
        .collect();
    let keys = "coupler.splitting_error_rad, mesh.insertion_loss_db do not act on crossbars";
    assert!(notes.len() == 1 && notes[0].contains(keys), "{said}");
    let rows = rows(&folder.join("out"));
    assert_eq!(rows.len(), 16);
    let mut worst_mesh: f64 = 1.0;
    for row in rows {
        let agreement = row["agreement"].as_f64().unwrap();
        match row["geometry"].as_str().unwrap() {
            "crossbar" => assert_eq!(agreement, 1.0, "{row}"),
            _ => worst_mesh = worst_mesh.min(agreement),
        }
    }
    assert!(worst_mesh < 0.9);
}

/// On a crossbar nothing is free and nothing is corrected: along these axes all rows are the same.
#[test]
fn a_sweep_names_choices_that_do_nothing_at_any_point() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    compiled(folder);
    let said = |base: &str, axes: &str, dry: bool| {
        let text = format!(
            "network = 'network.toml'\ndata = 'digits-test.npz'\nlimit = 20\ntrials = 1\ntile = 16\n{base}\n[axes]\n{axes}\n"
        );
        std::fs::write(folder.join("e.toml"), text).unwrap();
        let _ = std::fs::remove_dir_all(folder.join("out"));
        let args: &[&str] = match dry {
            true => &["sweep", "e.toml", "--dry-run"],
            false => &["sweep", "e.toml", "--out", "out"],
        };
        let output = lightloom(folder, args);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{said}");
        said
    };
    let crossbar = "geometry = 'crossbar'\n[set]\n'readout.adc_bits' = 6";
    let abfp = "[set]\n'numbers.format' = 'abfp'\n'numbers.weight_bits' = 6";
    let exact = "[set]\n'readout.adc_bits' = 6";
    for dry in [false, true] {
        for (base, axes, notes) in [
            (
                crossbar,
                "arrange = ['ascending', 'shuffled']",
                &["arrange does nothing"][..],
            ),
            (
                crossbar,
                "for = ['uncorrected', 'corrected']",
                &["for does nothing"],
            ),
            (
                crossbar,
                "correct = ['none', 'local']",
                &["a correction does nothing on crossbars"],
            ),
            (
                abfp,
                "weights = ['exact', 'fixed:6']",
                &["weights does nothing"],
            ),
            (
                exact,
                "correct = ['none', 'local']",
                &["nothing to correct"],
            ),
            (exact, "weights = ['exact', 'fixed:6']", &[]),
            (exact, "arrange = ['ascending', 'shuffled']", &[]),
        ] {
            let said = said(base, axes, dry);
            let idle = ["does nothing", "nothing to correct"];
            let found: Vec<&str> = said
                .lines()
                .filter(|line| idle.iter().any(|words| line.contains(words)))
                .collect();
            assert_eq!(found.len(), notes.len(), "{axes}: {said}");
            for (line, words) in found.iter().zip(notes) {
                assert!(line.contains(words), "{said}");
            }
        }
    }
}

/// Every matrix fits a crossbar: no error of the weights is told, but choices that do nothing are.
#[test]
fn compile_tells_of_a_crossbar_what_was_asked_in_vain() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    compiled(folder);
    let said = |arguments: &[&str]| {
        let compile = [
            "compile",
            "network.toml",
            "--geometry",
            "crossbar",
            "-o",
            "y.safetensors",
        ];
        let output = lightloom(folder, &[&compile[..], arguments].concat());
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let plain = said(&[]);
    assert!(
        plain.contains("crossbars: arrays of exact weights"),
        "{plain}"
    );
    assert!(
        !plain.contains("relative error") && !plain.contains("do nothing"),
        "{plain}"
    );
    assert!(said(&["--seed", "3"]).contains("--for, --arrange and --seed do nothing"));
}

#[test]
fn what_a_crossbar_has_not_is_refused_or_null() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    compiled(folder);
    refused(folder, &["draw", "x.safetensors", "-o", "x.svg"]);
    for format in ["csv", "json", "npz", "sax"] {
        let export = ["export", "x.safetensors", "--format", format, "-o", "x.out"];
        let named = format!("x.{}", if format == "sax" { "json" } else { format });
        refused(folder, &[&export[..5], &[&named]].concat());
    }
    refused(
        folder,
        &[
            "decompose",
            "x.npy",
            "--geometry",
            "crossbar",
            "-o",
            "x.json",
        ],
    );
    let said = ok(folder, &["inspect", "x.safetensors", "--json", "-"]);
    let record: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(record["geometry"], "crossbar");
    for key in ["for", "arrange", "seed", "share_at_edges"] {
        assert!(record[key].is_null(), "{key}");
    }
}

/// The program with its header changed by `edit`.
fn edited(bytes: &[u8], edit: impl FnOnce(&mut serde_json::Value)) -> Result<Program> {
    let mut bundle = safetensors::parse(bytes)?;
    let mut header: serde_json::Value = serde_json::from_str(&bundle.metadata[KEY]).unwrap();
    edit(&mut header);
    bundle.metadata.insert(KEY.to_owned(), header.to_string());
    Program::from_bundle(bundle)
}

#[test]
fn a_header_that_does_not_follow_from_the_weights_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    compiled(dir.path());
    let bytes = std::fs::read(dir.path().join("x.safetensors")).unwrap();
    assert!(edited(&bytes, |_| ()).is_ok());
    type Edit = fn(&mut serde_json::Value);
    let edits: [Edit; 10] = [
        |header| header["maps"][0]["tiles"][0]["scale"] = 0.0.into(),
        |header| header["maps"][0]["tiles"][0]["scale"] = 1000.0.into(),
        |header| header["maps"][0]["tiles"][0]["input_modes"] = 1_000_000_000_000_u64.into(),
        |header| header["maps"][0]["columns"] = 2.into(),
        |header| header["maps"][0]["groups"] = 2.into(),
        |header| header["maps"][0]["tiles"][0]["rows"] = 0.into(),
        |header| header["tile"] = 7.into(),
        |header| header["tile"] = serde_json::Value::Null,
        |header| header["version"] = 3.into(),
        |header| header["body"]["chain"] = Vec::<String>::new().into(),
    ];
    for (number, edit) in edits.into_iter().enumerate() {
        assert!(edited(&bytes, edit).is_err(), "{number}");
    }
}
