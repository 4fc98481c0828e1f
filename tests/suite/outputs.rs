//! Where results go: tables, `--json`, and names whose endings say what stands in a file.

use serde_json::Value;

use crate::cli::{DEMO, haar, ok, refused, write_npy};

#[test]
fn json_in_a_file_stands_beside_the_table_and_json_on_stdout_alone() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let program = format!("{DEMO}/digits.program.safetensors");
    let data = format!("{DEMO}/digits-test.npz");
    let json = |text: &str| serde_json::from_str::<Value>(text);
    for (command, table) in [
        (
            format!("infer {program} --data {data} --limit 50 --trials 1"),
            "noisy     ",
        ),
        ("demo --trials 1".to_owned(), "thermo-optic"),
        ("bench --modes 4 --batch 3".to_owned(), "GFlop/s"),
        (
            "bench --scaling s.svg --modes 8,4 --batch 1,4,64".to_owned(),
            "against modes",
        ),
        (format!("inspect {program}"), "program: "),
    ] {
        let words: Vec<&str> = command.split(' ').collect();
        let with = |file| [&words[..], &["--quiet", "--json", file]].concat();
        let said = ok(folder, &with("result.json"));
        assert!(said.contains(table) && json(&said).is_err(), "{said}");
        assert!(!said.contains("\"seed\""), "{said}");
        let written = std::fs::read_to_string(folder.join("result.json")).unwrap();
        let alone = ok(folder, &with("-"));
        let (written, alone) = (json(&written).unwrap(), json(&alone).unwrap());
        let keys = |value: &Value| -> Vec<String> {
            let object = value.get(0).unwrap_or(value).as_object().unwrap();
            object.keys().cloned().collect()
        };
        assert_eq!(keys(&written), keys(&alone));
        refused(folder, &with("result.txt"));
    }
    refused(folder, &["validate", "--write", "a.md", "--json", "a.md"]);
    refused(folder, &["infer", &data, "--data", &data]);
    refused(folder, &["infer", "-", "--data", "-"]);
}

/// Refused before anything is read, computed or written.
#[test]
fn an_output_is_named_after_what_stands_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    write_npy(&folder.join("U.npy"), &haar(3));
    ok(folder, &["decompose", "U.npy", "-o", "u.mesh.json"]);
    let network = format!("{DEMO}/network.toml");
    for args in [
        &["draw", "no-such.json", "-o", "u.png"][..],
        &["draw", "u.mesh.json", "-o", "picture"],
        &["compile", &network, "-o", "net.txt"],
        &["decompose", "U.npy", "-o", "u.mesh.npy"],
        &["matrix", "u.mesh.json", "-o", "V.npz"],
        &["apply", "u.mesh.json", "U.npy", "-o", "y.csv"],
        &["export", "u.mesh.json", "--format", "csv", "-o", "p.json"],
        &["export", "u.mesh.json", "--format", "npz", "-o", "p.npy"],
        &["export", "u.mesh.json", "--format", "sax", "-o", "p.py"],
        &["bench", "--scaling", "s.pdf"],
        &["validate", "--write", "page.html"],
    ] {
        refused(folder, args);
    }
    // Upper case is the same ending, and devices have none.
    ok(folder, &["draw", "u.mesh.json", "-o", "U.SVG"]);
    #[cfg(unix)]
    ok(folder, &["draw", "u.mesh.json", "-o", "/dev/stdout"]);
}

/// What a command does after this one, and what it took otherwise than it was told, stands on stderr alone.
#[test]
fn notes_and_next_steps_go_to_stderr_and_not_under_quiet() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let data = format!("{DEMO}/digits-test.npz");
    let net = "weights = 'z.npz'\n[[layers]]\nweight = 'w'\n";
    std::fs::write(folder.join("net.toml"), net).unwrap();
    let zero = ndarray::Array2::<f64>::zeros((10, 64));
    crate::sweep::write_npz(&folder.join("z.npz"), "w", &zero);
    let program = format!("{DEMO}/digits.program.safetensors");
    crate::sweep::experiment(folder, &crate::sweep::digits(1));
    for (args, says) in [
        (
            &["compile", "net.toml", "-o", "z.safetensors"][..],
            &[
                "note: all weights of layer w are 0",
                "next: lightloom infer z.safetensors --data DATA",
            ][..],
        ),
        (
            &[
                "infer",
                &program,
                "--data",
                &data,
                "--limit=5000",
                "--trials=1",
            ],
            &["note: --limit 5000 takes all 797 samples of the data"],
        ),
        (
            &["sweep", "e.toml", "--out", "out"],
            &["next: lightloom report out"],
        ),
        (
            &["sweep", "e.toml", "--out", "part", "--shard=1/1"],
            &["next: lightloom report part"],
        ),
        (
            &["merge", "out", "--out", "all"],
            &["next: lightloom report all"],
        ),
    ] {
        let output = crate::cli::lightloom(folder, args);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        assert!(output.status.success(), "{stderr}");
        for line in says {
            assert!(stderr.lines().any(|said| said == *line), "{line}: {stderr}");
            assert!(!stdout.contains(line), "{stdout}");
        }
        let quiet = crate::cli::lightloom(folder, &[args, &["--quiet"]].concat());
        assert_eq!(text(quiet.stderr), "");
    }
}
