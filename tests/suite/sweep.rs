//! Sweeps on the built binary: resumed, in shards, on any number of threads, the same bytes.

use std::path::Path;

use serde_json::Value;

use super::cli::{DEMO, lightloom, ok, refused, refused_at_work};

/// The files that do not depend on when and where trials ran.
pub const FILES: [&str; 6] = [
    "rows.csv",
    "rows.jsonl",
    "rows.parquet",
    "confusion.csv",
    "experiment.toml",
    "manifest.json",
];

/// An experiment on the built-in digits: 2 × 3 points.
pub fn digits(trials: usize) -> String {
    format!(
        r#"name = "digits"
program = '{DEMO}/digits.program.safetensors'
data = '{DEMO}/digits-test.npz'
hardware = "mit-pnp"
limit = 300
trials = {trials}
seed = 3
[axes]
"coupler.splitting_error_rad" = [0.0, 0.03]
[[zip]]
"phase_shifter.phase_error_rad" = [0.0, 0.01, 0.02]
correct = ["none", "local", "progressive"]
"#
    )
}

pub fn experiment(folder: &Path, text: &str) {
    std::fs::write(folder.join("e.toml"), text).unwrap();
}

pub fn read(folder: &Path, file: &str) -> Vec<u8> {
    let path = folder.join(file);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub fn assert_same_files(a: &Path, b: &Path) {
    for file in FILES {
        assert!(read(a, file) == read(b, file), "{file} differs");
    }
}

pub fn rows(folder: &Path) -> Vec<Value> {
    let text = String::from_utf8(read(folder, "rows.jsonl")).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// What stands in a folder under a sweep's names, and came from no sweep, is not replaced.
#[test]
fn files_that_no_sweep_wrote_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    experiment(path, &digits(1));
    std::fs::create_dir(path.join("mine")).unwrap();
    std::fs::write(path.join("mine/rows.csv"), "x\n").unwrap();
    let sweep = ["sweep", "e.toml", "--out", "mine", "--quiet"];
    refused(path, &sweep);
    assert_eq!(
        std::fs::read_to_string(path.join("mine/rows.csv")).unwrap(),
        "x\n"
    );
    assert_eq!(std::fs::read_dir(path.join("mine")).unwrap().count(), 1);
}

/// A network that is compiled in several ways has a program of each: on faulty chips they do not do the same.
#[test]
fn what_a_compiler_may_choose_can_be_varied() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let text = format!(
        r#"network = '{DEMO}/network.toml'
data = '{DEMO}/digits-test.npz'
limit = 100
trials = 1
set = {{ "coupler.splitting_error_rad" = 0.03 }}
[axes]
for = ["uncorrected", "corrected"]
arrange = ["ascending", "descending"]
"#
    );
    experiment(folder, &text);
    ok(folder, &["sweep", "e.toml", "--out", "out"]);
    let rows = rows(&folder.join("out"));
    let errors: Vec<String> = rows
        .iter()
        .map(|row| row["layer.0.weighted_error"].to_string())
        .collect();
    assert_eq!(errors.len(), 4);
    let distinct: std::collections::BTreeSet<&String> = errors.iter().collect();
    assert_eq!(distinct.len(), 4, "{errors:?}");
    for (row, aim, order) in [
        (0, "uncorrected", "ascending"),
        (3, "corrected", "descending"),
    ] {
        assert_eq!(
            (&rows[row]["for"], &rows[row]["arrange"]),
            (&aim.into(), &order.into())
        );
    }
    ok(folder, &["report", "out"]);
}

#[test]
fn rows_are_what_infer_says_of_the_same_chips() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    experiment(folder, &digits(3));
    ok(folder, &["sweep", "e.toml", "--out", "out"]);
    let rows = rows(&folder.join("out"));
    assert_eq!(rows.len(), 18);
    for (point, [splitting, phase, correct]) in [
        (0, ["0.0", "0.0", "none"]),
        (2, ["0.0", "0.02", "progressive"]),
        (4, ["0.03", "0.01", "local"]),
    ] {
        let splitting = format!("coupler.splitting_error_rad={splitting}");
        let phase = format!("phase_shifter.phase_error_rad={phase}");
        let json = ok(
            folder,
            &[
                "infer",
                &format!("{DEMO}/digits.program.safetensors"),
                "--data",
                &format!("{DEMO}/digits-test.npz"),
                "--limit=300",
                "--hardware=mit-pnp",
                "--set",
                &splitting,
                "--set",
                &phase,
                "--correct",
                correct,
                "--seed=3",
                "--trials=3",
                "--json=-",
            ],
        );
        let report: Value = serde_json::from_str(&json).unwrap();
        for trial in 0..3 {
            let row = &rows[3 * point + trial];
            let chip = &report["noisy"]["per_trial"][trial];
            assert_eq!(
                (row["point"].as_u64(), row["trial"].as_u64()),
                (Some(point as u64), Some(trial as u64))
            );
            assert_eq!(row["correct"], correct);
            assert_eq!(row["samples"], 300);
            assert_eq!(row["accuracy"], chip["accuracy"]);
            assert_eq!(row["agreement"], chip["agreement"]);
            assert_eq!(row["digital_accuracy"], report["digital"]["accuracy"]);
            assert_eq!(row["ideal_agreement"], report["ideal"]["agreement"]);
            for (index, layer) in ["0", "2", "4"].iter().enumerate() {
                let of = |name: &str| &row[format!("layer.{layer}.{name}")];
                assert_eq!(*of("matrix_error"), chip["matrix_errors"][index]);
                assert_eq!(*of("read_error"), chip["read_errors"][index]);
                assert_eq!(*of("loss_db"), chip["losses_db"][index]);
                let unreachable = chip["unreachable_mzis"].get(index).unwrap_or(&Value::Null);
                assert_eq!(of("unreachable_mzis"), unreachable);
            }
            // The four cells of the paired table are all samples, and its margins the two accuracies.
            let count = |name: &str| row[name].as_u64().unwrap();
            let (both, digital) = (count("both_right"), count("only_digital_right"));
            let (chip, neither) = (count("only_chip_right"), count("neither_right"));
            assert_eq!(both + digital + chip + neither, 300);
            assert_eq!(
                (both + chip) as f64 / 300.0,
                row["accuracy"].as_f64().unwrap()
            );
            let digital_accuracy = row["digital_accuracy"].as_f64().unwrap();
            assert_eq!((both + digital) as f64 / 300.0, digital_accuracy);
        }
    }
    // The diagonal of a trial's confusion matrix is what it has right.
    let confusion = String::from_utf8(read(&folder.join("out"), "confusion.csv")).unwrap();
    let mut right = vec![0; rows.len()];
    for line in confusion.lines().skip(1) {
        let cells: Vec<usize> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
        if cells[2] == cells[3] {
            right[3 * cells[0] + cells[1]] += cells[4];
        }
    }
    for (row, right) in rows.iter().zip(right) {
        assert_eq!(row["accuracy"].as_f64().unwrap(), right as f64 / 300.0);
    }
    let times = String::from_utf8(read(&folder.join("out"), "times.csv")).unwrap();
    assert_eq!(times.lines().count(), 19);
}

/// The file of a process that died in the middle of a line, and one whose rows were lost.
#[test]
fn half_a_line_and_lost_files_are_made_good() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    experiment(folder, &digits(2));
    ok(folder, &["sweep", "e.toml", "--out", "whole"]);
    let journal = read(&folder.join("whole"), "trials.journal");
    std::fs::create_dir(folder.join("cut")).unwrap();
    let half = &journal[..journal.len() * 2 / 3];
    std::fs::write(folder.join("cut/trials.journal"), half).unwrap();
    let said = ok(folder, &["sweep", "e.toml", "--out", "cut"]);
    assert!(
        !said.contains("12, 0 of") && !said.contains("12, 12 of"),
        "{said}"
    );
    assert_same_files(&folder.join("whole"), &folder.join("cut"));
    std::fs::remove_file(folder.join("cut/rows.parquet")).unwrap();
    std::fs::write(folder.join("cut/rows.csv"), "half a ro").unwrap();
    ok(folder, &["sweep", "e.toml", "--out", "cut"]);
    assert_same_files(&folder.join("whole"), &folder.join("cut"));
}

#[test]
fn shards_merge_to_the_bytes_of_one_run_on_any_number_of_threads() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    experiment(folder, &digits(5));
    ok(folder, &["sweep", "e.toml", "--out", "one", "--threads=1"]);
    for threads in ["2", "3", "7"] {
        let out = format!("threads-{threads}");
        ok(
            folder,
            &["sweep", "e.toml", "--out", &out, "--threads", threads],
        );
        assert_same_files(&folder.join("one"), &folder.join(out));
    }
    for of in [2, 7] {
        let shard = |index: usize| format!("part-{index}-of-{of}");
        let mut merge = vec!["merge".to_owned()];
        for index in 1..=of {
            let share = format!("{index}/{of}");
            ok(
                folder,
                &["sweep", "e.toml", "--out", &shard(index), "--shard", &share],
            );
            merge.insert(1, shard(index));
        }
        let out = format!("merged-{of}");
        merge.extend(["--out".to_owned(), out.clone()]);
        let merge: Vec<&str> = merge.iter().map(String::as_str).collect();
        // Twice: a merge that was killed can be started again.
        for _ in 0..2 {
            ok(folder, &merge);
            assert_same_files(&folder.join("one"), &folder.join(&out));
        }
        // What was merged is a finished sweep like any other.
        let said = ok(folder, &["sweep", "e.toml", "--out", &out]);
        assert!(said.contains("30, 0 of them now"), "{said}");
        assert_same_files(&folder.join("one"), &folder.join(&out));
    }
    let lacking = ["merge", "part-1-of-7", "part-3-of-7", "--out", "lacking"];
    refused(folder, &lacking);
    refused(folder, &["merge", "nowhere", "--out", "lacking"]);
    let taken = ["sweep", "e.toml", "--out", "part-1-of-7", "--shard", "2/7"];
    refused(folder, &taken);
    for wrong in ["0/4", "5/4", "1", "a/b", "1/0"] {
        refused(folder, &["sweep", "e.toml", "--out", "x", "--shard", wrong]);
    }
    experiment(folder, &digits(6));
    ok(
        folder,
        &["sweep", "e.toml", "--out", "other", "--shard=2/2"],
    );
    let mixed = ["merge", "part-1-of-2", "other", "--out", "mixed"];
    refused(folder, &mixed);
    experiment(folder, &digits(5).replace("seed = 3", "seed = 4"));
    let sweep = ["sweep", "e.toml", "--out", "seed", "--shard=2/2"];
    ok(folder, &sweep);
    let mixed = ["merge", "part-1-of-2", "seed", "--out", "mixed"];
    refused(folder, &mixed);
}

#[test]
fn a_changed_experiment_is_refused_with_the_difference() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let text = digits(2);
    for name in ["digits.program.safetensors", "digits-test.npz"] {
        std::fs::copy(format!("{DEMO}/{name}"), folder.join(name)).unwrap();
    }
    let text = text.replace(&format!("{DEMO}/"), "");
    experiment(folder, &text);
    let sweep = ["sweep", "e.toml", "--out", "out"];
    ok(folder, &sweep);
    let before: Vec<_> = FILES
        .iter()
        .map(|file| read(&folder.join("out"), file))
        .collect();
    for (old, new) in [
        ("trials = 2", "trials = 1"),
        ("trials = 2\nseed = 3", "trials = 3\nseed = 4"),
        ("seed = 3", "seed = 4"),
        ("limit = 300\n", ""),
        ("[0.0, 0.03]", "[0.0, 0.04]"),
        ("\"mit-pnp\"", "\"thermo-optic\""),
        ("\"mit-pnp\"", "\"ideal\""),
        ("\"digits\"", "\"numbers\""),
        ("\"progressive\"", "\"fit\""),
    ] {
        assert!(text.contains(old));
        experiment(folder, &text.replace(old, new));
        refused(folder, &sweep);
        refused(folder, &["sweep", "e.toml", "--out", "out", "--dry-run"]);
    }
    // A comment is no change, and neither is another way to write the same.
    experiment(
        folder,
        &text.replace("[0.0, 0.03]", "{ from = 0, to = 3e-2, steps = 2 } # rad"),
    );
    ok(folder, &sweep);
    // Another file under the old name is one.
    experiment(folder, &text);
    std::fs::copy(
        format!("{DEMO}/digits-train.npz"),
        folder.join("digits-test.npz"),
    )
    .unwrap();
    refused(folder, &sweep);
    let after: Vec<_> = FILES
        .iter()
        .map(|file| read(&folder.join("out"), file))
        .collect();
    assert!(before == after, "a refused sweep changed the folder");
}

#[test]
fn a_dry_run_counts_and_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    experiment(folder, &digits(5));
    let said = ok(folder, &["sweep", "e.toml", "--dry-run", "--threads=2"]);
    assert!(
        said.contains("points    6\ntrials    30, 30 of them not finished\nprograms  1\n"),
        "{said}"
    );
    assert!(said.contains(" on 2 threads\nmemory    "), "{said}");
    let mut names = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    assert_eq!(names.next().unwrap(), "e.toml");
    assert!(names.next().is_none());
    ok(folder, &["sweep", "e.toml", "--out", "out"]);
    let said = ok(folder, &["sweep", "e.toml", "--out", "out", "--dry-run"]);
    assert!(
        said.contains("trials    30, 0 of them not finished"),
        "{said}"
    );
    // The room that it promised is about what was taken: within a factor of two.
    let disk = |said: &str| -> f64 {
        let line = said.lines().find(|line| line.starts_with("disk")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let promised = disk(&ok(folder, &["sweep", "e.toml", "--dry-run"]));
    let taken: u64 = std::fs::read_dir(folder.join("out"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| {
            entry.file_name() != "manifest.json" && entry.file_name() != "experiment.toml"
        })
        .map(|entry| entry.metadata().unwrap().len())
        .sum();
    let ratio = promised / (taken as f64 / 1000.0);
    assert!(
        (0.5..2.0).contains(&ratio),
        "{promised} kB promised, {taken} bytes taken"
    );
}

/// Networks of different layers, compiled for different tiles, at two precisions: null where a layer is not there.
#[test]
fn networks_tiles_and_precisions_can_be_axes() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let one = "weights = 'one.npz'\n[[layers]]\nweight = 'w'\n";
    std::fs::write(folder.join("one.toml"), one).unwrap();
    // One layer of 64 to 10, of which no two classes come out equal.
    let w = ndarray::Array2::from_shape_fn((10, 64), |(i, j)| ((64 * i + j) as f64).sin());
    write_npz(&folder.join("one.npz"), "w", &w);
    experiment(
        folder,
        &format!(
            "network = ['{DEMO}/network.toml', 'one.toml']\ndata = '{DEMO}/digits-test.npz'\nlimit = 50\n\
             trials = 1\n[axes]\ntile = ['none', 16]\nprecision = ['f32', 'f64']\ngeometry = ['clements', 'reck']\n"
        ),
    );
    ok(folder, &["sweep", "e.toml", "--out", "out"]);
    let rows = rows(&folder.join("out"));
    assert_eq!(rows.len(), 16);
    let csv = String::from_utf8(read(&folder.join("out"), "rows.csv")).unwrap();
    let header = csv.lines().next().unwrap();
    assert!(
        header.starts_with("experiment,point,trial,seed,network,tile,precision,geometry,samples,"),
        "{header}"
    );
    assert_eq!(rows[0]["tile"], Value::Null);
    assert_eq!(rows[4]["tile"], 16);
    assert!(rows[0]["layer.2.matrix_error"].is_f64());
    assert!(rows[8]["layer.2.matrix_error"].is_null() && rows[8]["layer.w.matrix_error"].is_f64());
    for row in &rows {
        assert_eq!(row["ideal_agreement"], 1.0);
        assert_eq!(row["accuracy"], row["digital_accuracy"]);
    }
    // Rounding of f64 is far below that of f32.
    let error = |row: &Value| row["layer.0.matrix_error"].as_f64().unwrap();
    assert!(error(&rows[2]) < 1e-12 && error(&rows[0]) > 1e-9);
    let manifest: Value =
        serde_json::from_slice(&read(&folder.join("out"), "manifest.json")).unwrap();
    assert_eq!(manifest["references"].as_array().unwrap().len(), 16);
    assert_eq!(manifest["inputs"].as_array().unwrap().len(), 5);
}

#[test]
fn an_experiment_that_failed_before_its_first_trial_gives_way_to_the_mended_one() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    // What no look at the files tells: amplitudes beyond single precision.
    let mut data = lightloom::io::npy::NpzWriter::new();
    let bright = ndarray::Array2::from_elem((2, 64), 1e300);
    data.put("x", bright.view()).unwrap();
    data.put("y", ndarray::arr1(&[0i64, 1]).view()).unwrap();
    std::fs::write(folder.join("bright.npz"), data.finish().unwrap()).unwrap();
    let too_bright = digits(1).replace(&format!("{DEMO}/digits-test.npz"), "bright.npz");
    let fails = || {
        experiment(folder, &too_bright);
        refused_at_work(folder, &["sweep", "e.toml", "--out", "out", "--quiet"]);
    };
    fails();
    experiment(folder, &digits(1));
    assert!(
        lightloom(folder, &["sweep", "e.toml", "--out", "out"])
            .status
            .success()
    );
    let afresh = lightloom(folder, &["sweep", "e.toml", "--out", "afresh"]);
    assert!(afresh.status.success());
    assert_same_files(&folder.join("out"), &folder.join("afresh"));
    // One with a trial does not.
    fails();
}

#[test]
fn a_chip_that_cannot_run_names_its_point() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let text = digits(2).replace(
        "[axes]\n",
        "[axes]\n\"readout.detection\" = [\"coherent\", \"intensity\"]\n",
    );
    experiment(folder, &text);
    // Before the trials of the points in front of it, and before there is a folder for them.
    refused(folder, &["sweep", "e.toml", "--out", "out", "--quiet"]);
    for (file, text) in [
        ("none.toml", None),
        ("a.toml", Some("trails = 3")),
        (
            "b.toml",
            Some("network = 'x.onnx'\ndata = 'y.npz'\ntrials = 1"),
        ),
    ] {
        if let Some(text) = text {
            std::fs::write(folder.join(file), text).unwrap();
        }
        refused(folder, &["sweep", file, "--out", "new"]);
    }
}

#[test]
fn a_point_that_cannot_run_is_refused_before_there_is_a_folder() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let text = |axes: &str| {
        format!(
            "network = '{DEMO}/network.toml'\ndata = '{DEMO}/digits-test.npz'\nlimit = 20\ntrials = 1\n[axes]\n{axes}"
        )
    };
    for axes in [
        "tile = [8, 5000]\n",
        "geometry = ['clements', 'butterfly']\ntile = [10]\n",
        "tile = [8, 'none']\n\"mesh.insertion_loss_db\" = [0.1, 20]\n",
        "data = ['{DEMO}/digits-test.npz', '{DEMO}/digits.safetensors']\n",
        "network = ['{DEMO}/network.toml', '{DEMO}/digits.program.safetensors']\n",
        "\"readout.detection\" = ['coherent', 'intensity']\n",
    ] {
        let axes = axes.replace("{DEMO}", DEMO);
        let key = axes.split(" =").next().unwrap();
        let fixed = |line: &&str| !line.starts_with(&format!("{key} ="));
        let text = text("");
        let text: Vec<&str> = text.lines().filter(fixed).collect();
        experiment(folder, &format!("{}\n{axes}", text.join("\n")));
        refused(folder, &["sweep", "e.toml", "--out", "out", "--quiet"]);
    }
    // A program that was compiled for other numbers than a point has.
    let text = format!(
        "program = '{DEMO}/digits.program.safetensors'\ndata = '{DEMO}/digits-test.npz'\nlimit = 20\ntrials = 1\n\
         [axes]\n'numbers.format' = ['float', 'abfp']\n"
    );
    experiment(folder, &text);
    refused(folder, &["sweep", "e.toml", "--out", "out", "--quiet"]);
    refused(folder, &["sweep", "e.toml", "--dry-run", "--quiet"]);
}

/// The example of `docs/experiments.md`, beside the network and data that it names.
#[test]
fn the_example_of_the_document_runs() {
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/experiments.md");
    let document = std::fs::read_to_string(document).unwrap();
    let example = document.split("```toml\n").nth(1).unwrap();
    let example = example.split("```").next().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    for name in ["network.toml", "digits.safetensors", "digits-test.npz"] {
        std::fs::copy(format!("{DEMO}/{name}"), folder.join(name)).unwrap();
    }
    std::fs::write(folder.join("digits.toml"), example).unwrap();
    ok(folder, &["sweep", "digits.toml", "--out", "digits"]);
    let rows = rows(&folder.join("digits"));
    assert_eq!(rows.len(), 4 * 2 * 2 * 5);
    // Every column of the rows stands in its table.
    for column in rows[0].as_object().unwrap().keys() {
        let is_axis = example.contains(column.as_str());
        let name = column
            .splitn(3, '.')
            .nth(2)
            .filter(|_| column.starts_with("layer."));
        let documented = match name {
            Some(name) => document.contains(&format!("`layer.NAME.{name}`")),
            None => document.contains(&format!("`{column}`")),
        };
        assert!(
            is_axis || documented,
            "{column} is in no table of the document"
        );
    }
}

pub fn write_npz(path: &Path, name: &str, array: &ndarray::Array2<f64>) {
    use std::io::Write;
    let mut bytes = Vec::new();
    lightloom::io::npy::write(&mut bytes, array.view()).unwrap();
    let mut zip = zip::ZipWriter::new(std::fs::File::create(path).unwrap());
    zip.start_file(
        format!("{name}.npy"),
        zip::write::SimpleFileOptions::default(),
    )
    .unwrap();
    zip.write_all(&bytes).unwrap();
    zip.finish().unwrap();
}
