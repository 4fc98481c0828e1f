//! Training on the built binary: in a folder, stopped and resumed, for a kind of chip and for one chip.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::cli::{DEMO, lightloom, ok, refused, refused_at_work};
use super::sweep::{FILES, experiment, read, rows};

/// A small network of the built-in digits, trained as `train` says.
fn small(train: &str) -> String {
    format!(
        r#"name = "small"
data = '{DEMO}/digits-test.npz'
scale = 0.0625
hardware = {{ coupler = {{ splitting_error_rad = 0.1 }} }}
trials = 3
limit = 100
[axes]
"phase_shifter.phase_error_rad" = [0.0, 0.05]
[train]
layers = [64, 12, 10]
data = '{DEMO}/digits-train.npz'
limit = 200
batch = 32
rate = 0.01
{train}
"#
    )
}

fn train(folder: &Path, out: &str, threads: &str) -> String {
    let threads = format!("--threads={threads}");
    ok(folder, &["train", "e.toml", "--out", out, &threads])
}

const LEARNT: [&str; 2] = ["best.program.safetensors", "epochs.csv"];

fn assert_same(a: &Path, b: &Path) {
    for file in LEARNT {
        assert!(read(a, file) == read(b, file), "{file} differs");
    }
    // The experiment names the folder's own program, whose bytes are the same.
    for file in FILES {
        assert!(read(a, file) == read(b, file), "{file} differs");
    }
}

/// A column of `epochs.csv`.
fn column(folder: &Path, name: &str) -> Vec<f64> {
    let text = String::from_utf8(read(folder, "epochs.csv")).unwrap();
    let mut lines = text.lines();
    let header = lines.next().unwrap();
    let place = header.split(',').position(|cell| cell == name).unwrap();
    let cells = lines.map(|line| line.split(',').nth(place).unwrap());
    cells.map(|cell| cell.parse().unwrap()).collect()
}

#[test]
fn what_is_learnt_does_not_depend_on_threads() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for parameters in ["weights", "phases"] {
        experiment(
            folder,
            &small(&format!(
                "epochs = 3\nchips = 2\nparameters = \"{parameters}\""
            )),
        );
        let [one, two] = ["one", "two"].map(|name| format!("{parameters}-{name}"));
        train(folder, &one, "1");
        train(folder, &two, "2");
        let (one, two) = (folder.join(one), folder.join(two));
        assert_same(&one, &two);
        let losses = column(&one, "loss");
        assert_eq!(losses.len(), 3);
        assert!(losses[2] < losses[0], "{parameters}: {losses:?}");
        // 180 samples are learnt from, six steps an epoch; each is sent through two chips.
        assert_eq!(column(&one, "step"), [6.0, 12.0, 18.0]);
        assert_eq!(column(&one, "passes")[2], (3 * 180 * 2) as f64);
        assert_eq!(rows(&one).len(), 2 * 3);
    }
}

/// Killed at any moment, the same command goes on to the same bytes.
#[test]
fn a_killed_training_goes_on_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (name, more) in [
        ("weights", "compile_every = 4"),
        ("phases", "parameters = \"phases\"\noptimizer = \"sgd\""),
    ] {
        experiment(
            folder,
            &small(&format!("epochs = 6\nvalidation = 0\n{more}")),
        );
        let whole = format!("{name}-whole");
        train(folder, &whole, "2");
        let out = format!("{name}-killed");
        for kill in 0..4 {
            let mut process = Command::new(env!("CARGO_BIN_EXE_lightloom"))
                .args(["train", "e.toml", "--out", &out, "--quiet"])
                .current_dir(folder)
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            let clock = Instant::now();
            let state = folder.join(&out).join("training.safetensors");
            let size = || {
                std::fs::metadata(&state)
                    .ok()
                    .and_then(|it| it.modified().ok())
            };
            let before = size();
            while size() == before && process.try_wait().unwrap().is_none() {
                assert!(clock.elapsed() < Duration::from_secs(60), "it hangs");
                std::thread::sleep(Duration::from_micros(200));
            }
            std::thread::sleep(Duration::from_millis(3 * kill));
            process.kill().unwrap();
            process.wait().unwrap();
        }
        train(folder, &out, "1");
        assert_same(&folder.join(&whole), &folder.join(&out));
    }
}

#[test]
fn training_in_the_folder_of_another_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    experiment(folder, &small("epochs = 1"));
    train(folder, "out", "2");
    // Other chips that judge are no other training.
    let judged = small("epochs = 1").replace("trials = 3", "trials = 4");
    experiment(folder, &judged);
    train(folder, "out", "2");
    assert_eq!(rows(&folder.join("out")).len(), 2 * 4);
    // Nor one that runs at the same time.
    let other = std::fs::File::open(folder.join("out")).unwrap();
    other.lock().unwrap();
    refused_at_work(folder, &["train", "e.toml", "--out", "out", "--quiet"]);
    drop(other);
    train(folder, "out", "2");
    experiment(folder, &small("epochs = 2"));
    refused_at_work(folder, &["train", "e.toml", "--out", "out", "--quiet"]);
}

#[test]
fn what_cannot_be_trained_gives_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let args = ["train", "e.toml", "--out", "out", "--quiet"];
    for train in [
        "epoch = 3",
        "epochs = 0",
        "rate = -1",
        "method = \"adjont\"",
        "method = \"sigma-only\"",
        "loss = \"hinge\"",
        "momentum = 0.9",
        "passes = 4",
        "loss = \"distillation\"",
        "temperature = 3",
        "compile_every = 5\nparameters = \"phases\"",
        "trial = 3\nchips = 2",
        "validation = 0.9",
        "ramp = { \"coupler.spliting_error_rad\" = [0, 0.1] }",
        "ramp = { \"coupler.splitting_error_rad\" = 0.1 }",
    ] {
        experiment(folder, &small(train));
        refused(folder, &args);
    }
    // An experiment without [train], one with it given to `sweep`, and axes that are no chip's.
    experiment(folder, &small("").replace("[train]", "[[zip]]"));
    refused(folder, &args);
    experiment(folder, &small(""));
    refused(folder, &["sweep", "e.toml", "--out", "out"]);
    let axis = small("").replace("[axes]", "[axes]\ntile = [8, 16]");
    experiment(folder, &axis);
    refused(folder, &args);
    // What is learnt from must not be what judges.
    let path = format!("data = '{DEMO}/digits-train.npz'\nlimit = 200");
    experiment(folder, &small("").replace(&path, "split = \"test\""));
    refused(folder, &args);
    experiment(
        folder,
        &small("").replace(&path, &format!("data = '{DEMO}/digits-test.npz'")),
    );
    refused(folder, &args);
    std::fs::copy(format!("{DEMO}/digits-test.npz"), folder.join("copy.npz")).unwrap();
    experiment(folder, &small("").replace(&path, "data = 'copy.npz'"));
    refused(folder, &args);
    // Numbers of classes that mean other names.
    let table = |name: &str, labels: [&str; 2]| {
        let rows = (0..40).map(|k| format!("{}.5,{}\n", k % 7, labels[k % 2]));
        let text = format!("x,label\n{}", rows.collect::<String>());
        std::fs::write(folder.join(name), text).unwrap();
    };
    table("one.csv", ["cat", "dog"]);
    table("two.csv", ["ant", "cat"]);
    let tables = "data = 'two.csv'\ntrials = 1\n[train]\nlayers = [1, 2]\ndata = 'one.csv'\n";
    experiment(folder, tables);
    refused(folder, &args);
    // Labels that the loss needs.
    let labels = ndarray::Array2::<f64>::ones((20, 64));
    let mut bytes = Vec::new();
    lightloom::io::npy::write(&mut bytes, labels.view()).unwrap();
    std::fs::write(folder.join("x.npy"), bytes).unwrap();
    let path = format!("{DEMO}/digits-train.npz");
    experiment(
        folder,
        &small("loss = \"cross-entropy\"").replace(&path, "x.npy"),
    );
    refused(folder, &args);
}

/// A training that cannot go on says at which step, and keeps the best program so far.
#[test]
fn a_training_that_fails_keeps_the_best_program() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let wild = "optimizer = \"sgd\"\nmomentum = 0\nschedule = \"constant\"";
    let text = small(wild).replace("rate = 0.01", "rate = 1e300");
    experiment(folder, &text);
    // How large a number is that leaves its range depends on the last bits.
    let stopped = lightloom(folder, &["train", "e.toml", "--out", "first", "--quiet"]);
    let said = String::from_utf8_lossy(&stopped.stderr).into_owned();
    assert_eq!(stopped.status.code(), Some(2), "{said}");
    assert!(said.contains("step 2 of 60: "), "{said}");
    assert!(!folder.join("first/best.program.safetensors").exists());
    // More and more light is lost, until none arrives.
    let ramp = "epochs = 3\nramp = { \"mesh.insertion_loss_db\" = [0, 9] }";
    experiment(folder, &small(ramp));
    refused_at_work(folder, &["train", "e.toml", "--out", "later", "--quiet"]);
    ok(folder, &["inspect", "later/best.program.safetensors"]);
    let epochs = column(&folder.join("later"), "epoch").len();
    assert!((1..3).contains(&epochs), "{epochs}");
}

/// One drawn chip, far off: its own phases win back what it lost.
#[test]
fn a_chip_is_tuned() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let program = format!("{DEMO}/digits.program.safetensors");
    let data = format!("{DEMO}/digits-train.npz");
    let tune = |more: &[&str], out: &str| {
        let mut args = vec![
            "tune",
            &program,
            "--data",
            &data,
            "--set",
            "coupler.splitting_error_rad=0.08",
            "--trial",
            "2",
            "--epochs",
            "2",
            "--batch",
            "50",
            "--limit",
            "500",
            "-o",
            out,
        ];
        args.extend(more);
        let text = ok(folder, &args);
        let share = |name: &str| -> f64 {
            let line = text.lines().find(|line| line.starts_with(name)).unwrap();
            let percent = line[10..].split(' ').next().unwrap();
            percent.parse().unwrap()
        };
        (share("before"), share("after"))
    };
    let (before, after) = tune(&[], "adjoint.safetensors");
    assert!(after > before + 10.0, "{before} {after}");
    for method in [
        &["sigma-only"][..],
        &["digital-only"],
        &["last-layer"],
        &["in-situ", "--passes", "4"],
    ] {
        let out = format!("{}.safetensors", method[0]);
        let (again, after) = tune(&[&["--method"], method, &["--quiet"]].concat(), &out);
        assert_eq!(again, before, "{method:?}");
        assert!(after > before, "{method:?}: {before} {after}");
    }
    // Where a correction begins is nearer, and training goes on from there.
    let (corrected, after) = tune(&["--correct", "local", "--quiet"], "corrected.safetensors");
    assert!(
        before + 5.0 < corrected && corrected < after,
        "{before} {corrected} {after}"
    );
    // What ends worse than it began is not written.
    let mut wild = vec![
        "tune", &program, "--data", &data, "--limit", "200", "--trial", "2",
    ];
    wild.extend([
        "--rate",
        "3",
        "--epochs",
        "1",
        "--quiet",
        "-o",
        "wild.safetensors",
    ]);
    let worse = lightloom(folder, &wild);
    let said = String::from_utf8_lossy(&worse.stderr).into_owned();
    assert_eq!(worse.status.code(), Some(2), "{said}");
    assert!(said.contains("where it began: lower --rate"), "{said}");
    assert!(!folder.join("wild.safetensors").exists());
    // Too few samples for any to be held back.
    let few = [
        "tune", &program, "--data", &data, "--limit", "4", "--trial", "0",
    ];
    refused(
        folder,
        &[&few[..], &["--quiet", "-o", "few.safetensors"]].concat(),
    );
    // The file is a program for this chip.
    let said = lightloom(folder, &["inspect", "adjoint.safetensors"]);
    assert!(said.status.success());
    refused(
        folder,
        &[
            "tune",
            &program,
            "--data",
            &data,
            "--trial",
            "0",
            "--rate",
            "0",
            "--quiet",
            "-o",
            "x.safetensors",
        ],
    );
}

/// Fields in front of every MZI would take 256 · 255 / 2 · 512 · 8 bytes, 134 MB, for one mesh.
#[cfg(target_os = "linux")]
#[test]
fn meshes_of_256_modes_train_on_512_samples_within_100_mib() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let text = small("epochs = 2\nparameters = \"phases\"");
    let text = text.replace("[64, 12, 10]", "[64, 256, 256, 10]");
    let text = text.replace("limit = 200", "limit = 600");
    experiment(folder, &text.replace("batch = 32", "batch = 512"));
    let within = |kib: usize, out: &str| {
        let limited = format!("ulimit -d {kib} && exec \"$0\" \"$@\"");
        let mut command = Command::new("sh");
        command.current_dir(folder).stdout(Stdio::null());
        command.args(["-c", &limited, env!("CARGO_BIN_EXE_lightloom")]);
        let run = command.args(["train", "e.toml", "--threads=2", "--out", out]);
        run.output().unwrap()
    };
    let run = within(100 << 10, "out");
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}");
    // The limit holds.
    assert!(!within(10 << 10, "little").status.success());
}
