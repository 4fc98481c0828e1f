//! The table of the hardware's keys: its page, and that a key is one row and one place.

#[cfg(feature = "cli")]
use std::path::Path;
use std::path::PathBuf;

use lightloom::Hardware;
use lightloom::hardware::{HardwareKey, MeasuredQuantity, ValueKind};
use lightloom::io::record::Cell;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A row of the page.
fn row(key: &HardwareKey) -> String {
    let code = |text: &str| format!("`{text}`");
    let default = match key.get(&Hardware::default()) {
        Cell::Null => format!("none: {}", key.row.none),
        Cell::Text(name) => code(&name),
        Cell::Float(number) => number.to_string(),
        Cell::Int(number) => number.to_string(),
    };
    let range = match key.kind {
        ValueKind::Name(names) => names
            .iter()
            .map(|name| code(name))
            .collect::<Vec<_>>()
            .join(", "),
        _ => key.row.range.words.to_owned(),
    };
    let cells = [
        code(key.name),
        default,
        range,
        key.row.when.name().to_owned(),
        key.words.to_owned(),
    ];
    format!("| {} |\n", cells.join(" | "))
}

/// `LIGHTLOOM_WRITE_DOCS=1 cargo test --test suite keys` writes it.
#[test]
fn the_page_of_the_hardware_has_a_row_of_every_key() {
    let path = root().join("docs/hardware.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let header = "| key | default | range | when | what |\n|---|---|---|---|---|\n";
    let start = page.find("| key |").unwrap();
    let end = start + page[start..].find("\n\n").unwrap() + 1;
    let rows: String = Hardware::keys().iter().map(row).collect();
    let fresh = format!("{}{header}{rows}{}", &page[..start], &page[end..]);
    if std::env::var_os("LIGHTLOOM_WRITE_DOCS").is_some() {
        std::fs::write(&path, &fresh).unwrap();
    }
    assert!(
        page == fresh || std::env::var_os("LIGHTLOOM_WRITE_DOCS").is_some(),
        "docs/hardware.md is stale: LIGHTLOOM_WRITE_DOCS=1 cargo test --test suite keys"
    );
}

/// `LIGHTLOOM_WRITE_DOCS=1 cargo test --test suite keys` writes it.
#[test]
fn the_page_of_the_hardware_has_a_row_of_every_measured_quantity() {
    let path = root().join("docs/hardware.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let header = "| column | of | range | what |\n|---|---|---|---|\n";
    let start = page.find("| column |").unwrap();
    let end = start + page[start..].find("\n\n").unwrap() + 1;
    let row = |quantity: MeasuredQuantity| {
        let kinds = quantity.kinds().map(|kind| format!("`{kind}`"));
        let kinds = kinds.collect::<Vec<_>>().join(", ");
        let (name, range, words) = (quantity.name(), quantity.range(), quantity.words());
        format!("| `{name}` | {kinds} | {range} | {words} |\n")
    };
    let rows: String = MeasuredQuantity::ALL.into_iter().map(row).collect();
    let fresh = format!("{}{header}{rows}{}", &page[..start], &page[end..]);
    if std::env::var_os("LIGHTLOOM_WRITE_DOCS").is_some() {
        std::fs::write(&path, &fresh).unwrap();
    }
    assert!(
        page == fresh || std::env::var_os("LIGHTLOOM_WRITE_DOCS").is_some(),
        "docs/hardware.md is stale: LIGHTLOOM_WRITE_DOCS=1 cargo test --test suite keys"
    );
}

#[cfg(feature = "cli")]
mod worked_example {
    use super::*;
    use std::process::Command;

    /// The block of CONTRIBUTING behind `<!-- NAME -->`.
    fn block<'a>(page: &'a str, name: &str) -> &'a str {
        let mark = format!("<!-- {name} -->\n```rust\n");
        let start = page.find(&mark).expect(name) + mark.len();
        &page[start..start + page[start..].find("```").unwrap()]
    }

    fn copy(from: &Path, to: &Path) {
        if from.is_dir() {
            std::fs::create_dir_all(to).unwrap();
            for entry in std::fs::read_dir(from).unwrap() {
                let entry = entry.unwrap();
                copy(&entry.path(), &to.join(entry.file_name()));
            }
        } else {
            std::fs::copy(from, to).unwrap();
        }
    }

    /// Writes `text` behind the one line of `file` that holds `anchor`.
    fn insert(file: &Path, anchor: &str, text: &str) {
        let code = std::fs::read_to_string(file).unwrap();
        assert_eq!(code.matches(anchor).count(), 1, "{anchor} in {file:?}");
        let at = code.find(anchor).unwrap();
        let end = at + code[at..].find('\n').unwrap() + 1;
        let code = format!("{}{text}{}", &code[..end], &code[end..]);
        std::fs::write(file, code).unwrap();
    }

    /// What `lightloom arguments…` of the copy prints on both channels.
    fn run(command: &Path, folder: &Path, arguments: &[&str]) -> String {
        let output = Command::new(command)
            .args(arguments)
            .current_dir(folder)
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Compiles a copy of the crate with the row and the place that CONTRIBUTING shows, and looks for the key wherever keys
    /// show. Ignored, as it takes as long as building the crate; `.ci/run` runs it.
    #[test]
    #[ignore = "builds the crate"]
    fn the_worked_example_of_a_key_is_found_everywhere() {
        let page = std::fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path();
        for name in [
            "Cargo.toml",
            "Cargo.lock",
            "src",
            "benches",
            "examples",
            "meshes",
            "README.md",
            "docs",
        ] {
            copy(&root().join(name), &home.join(name));
        }
        // Under another name it shares the compiled dependencies and overwrites nothing.
        for name in ["Cargo.toml", "Cargo.lock"] {
            let text = std::fs::read_to_string(home.join(name)).unwrap();
            let text = text.replace("name = \"lightloom\"", "name = \"worked-example\"");
            let text = text.replace(
                "default-run = \"lightloom\"",
                "default-run = \"worked-example\"",
            );
            let text = text.replace("[lib]\n", "[lib]\nname = \"lightloom\"\n");
            let text = text.replace("members = [\"python\"]\n", "");
            std::fs::write(home.join(name), text).unwrap();
        }
        insert(
            &home.join("src/hardware/table.rs"),
            "Row::new(\"time since programming\"",
            block(&page, "row"),
        );
        insert(
            &home.join("src/hardware/chip.rs"),
            "let mut phases = asked;",
            block(&page, "place"),
        );
        let target = std::env::current_exe().unwrap();
        let target = target
            .ancestors()
            .find(|path| path.ends_with("debug"))
            .unwrap();
        // For a test, so that dependencies have the features of this build and are not compiled anew.
        std::fs::create_dir(home.join("tests")).unwrap();
        std::fs::write(home.join("tests/none.rs"), "").unwrap();
        let built = Command::new(env!("CARGO"))
            .args(["test", "--no-run", "--offline", "--test", "none"])
            .current_dir(home)
            .env("CARGO_TARGET_DIR", target.parent().unwrap())
            .status()
            .unwrap();
        assert!(built.success());
        let command = target.join("worked-example");
        let run = |arguments: &[&str]| run(&command, home, arguments);

        let key = "phase_shifter.ageing";
        // Its range, its neighbours, its name when misspelt.
        let said = run(&["inspect", "ideal", "--json", "-"]);
        assert!(said.contains("\"ageing\": 0.0"), "{said}");
        let mesh = "meshes/haar-4-clements.mesh.json";
        let set = format!("{key}=2");
        let said = run(&["matrix", mesh, "--set", &set, "-o", "U.npy"]);
        assert!(
            said.contains("phase_shifter.ageing = 2: must be from 0 to 1"),
            "{said}"
        );
        let said = run(&[
            "matrix",
            mesh,
            "--set",
            "phase_shifter.aging=0.1",
            "-o",
            "U.npy",
        ]);
        assert!(
            said.contains("did you mean `phase_shifter.ageing`?"),
            "{said}"
        );
        // Where it acts, alone too: a chip that it leaves as asked is no shortcut.
        let set = format!("{key}=0.25");
        run(&["matrix", mesh, "--set", &set, "-o", "aged.npy"]);
        let text = std::fs::read_to_string(home.join(mesh)).unwrap();
        let mesh = lightloom::Mesh::from_json(&text).unwrap();
        let scaled = |phases: &[f64]| phases.iter().map(|phase| 0.75 * phase).collect::<Vec<_>>();
        let mut described: serde_json::Value = serde_json::from_str(&text).unwrap();
        let (theta, phi) = (scaled(mesh.theta()), scaled(mesh.phi()));
        for (index, node) in described["nodes"]
            .as_array_mut()
            .unwrap()
            .iter_mut()
            .enumerate()
        {
            node["theta_rad"] = theta[index].into();
            node["phi_rad"] = phi[index].into();
        }
        described["screen_rad"] = scaled(mesh.screen()).into();
        let aged = lightloom::Mesh::from_json(&described.to_string()).unwrap();
        let read = lightloom::io::npy::read(home.join("aged.npy")).unwrap();
        let lightloom::io::TensorData::Complex(found) = read.data() else {
            panic!("a matrix is complex");
        };
        let wanted = aged.transfer();
        for (index, found) in found.iter().enumerate() {
            let wanted = wanted[(index / 4, index % 4)];
            assert!((found - wanted).norm() < 1e-14, "{found} {wanted}");
        }
        // An axis of an experiment, with its label, and a row of the report.
        let experiment = format!(
            "program = 'meshes/demo/digits.program.safetensors'\ndata = 'meshes/demo/digits-test.npz'\n\
             limit = 20\ntrials = 2\n[axes]\n'{key}' = [0.0, 0.1]\n"
        );
        std::fs::write(home.join("aged.toml"), experiment).unwrap();
        run(&["sweep", "aged.toml", "--out", "aged", "--quiet"]);
        run(&["report", "aged", "--quiet"]);
        let report = std::fs::read_to_string(home.join("aged/report.html")).unwrap();
        for words in ["ageing of the heaters", key, "heater ageing 0.1"] {
            assert!(report.contains(words), "{words}");
        }
    }
}
