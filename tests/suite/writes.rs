//! A full disk, a closed folder, a killed process: the old file or the new one, never half of one.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use ndarray::Array2;
use num_complex::Complex;

use crate::cli::{DEMO, haar, lightloom, ok, refusal, refused_at_work, write_npy};

const LIGHTLOOM: &str = env!("CARGO_BIN_EXE_lightloom");

/// Fails unless `output` is one sentence with exit code 2 that holds `says`, words of the operating system.
///
/// For what not every machine can be made to refuse, so that no golden file can hold it.
fn refused(output: &Output, says: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.contains(says), "{stderr}");
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// `script` in a shell, with LIGHTLOOM and DEMO in its environment.
fn shell(folder: &Path, program: &[&str], script: &str) -> std::io::Result<Output> {
    Command::new(program[0])
        .args(&program[1..])
        .arg(script)
        .env("LIGHTLOOM", LIGHTLOOM)
        .env("DEMO", DEMO)
        .current_dir(folder)
        .output()
}

/// The limit on a file's size stands in for a disk that is full after 16 blocks.
#[test]
fn a_write_that_ends_early_leaves_the_old_file_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    std::fs::write(folder.join("p.safetensors"), "old").unwrap();
    let script = "trap '' XFSZ; ulimit -f 16; exec \"$LIGHTLOOM\" compile \"$DEMO/network.toml\" -o p.safetensors";
    let output = shell(folder, &["sh", "-c"], script).unwrap();
    refusal(
        folder,
        &["compile", "$DEMO/network.toml", "-o", "p.safetensors"],
        &output,
    );
    let kept = std::fs::read_to_string(folder.join("p.safetensors")).unwrap();
    assert_eq!(kept, "old");
    assert_eq!(names(folder), ["p.safetensors"]);
}

#[test]
fn a_full_disk_leaves_the_old_file_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    std::fs::create_dir(folder.join("disk")).unwrap();
    // The mount is gone with the namespace, so the listing is made inside.
    let script = "mount -t tmpfs -o size=64k none disk || exit 77
        echo old > disk/p.safetensors
        \"$LIGHTLOOM\" compile \"$DEMO/network.toml\" -o disk/p.safetensors --quiet
        echo $? > code; cat disk/p.safetensors > kept; ls -A disk > names";
    let mounted = [
        &["unshare", "-m", "sh", "-c"][..],
        &["unshare", "-rm", "sh", "-c"],
    ]
    .iter()
    .find_map(|program| {
        let output = shell(folder, program, script).ok()?;
        output.status.success().then_some(output)
    });
    let Some(output) = mounted else {
        eprintln!("skipped: no file system may be mounted here");
        return;
    };
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("p.safetensors: No space left on device"),
        "{stderr}"
    );
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    assert_eq!(read("code"), "2\n");
    assert_eq!(
        (read("kept"), read("names")),
        ("old\n".into(), "p.safetensors\n".into())
    );
}

/// Every write to `/dev/full` fails as on a full disk.
#[test]
#[cfg(target_os = "linux")]
fn a_full_device_is_reported_for_files_and_for_stdout() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    write_npy(&folder.join("U.npy"), &haar(3));
    refused_at_work(
        folder,
        &["decompose", "U.npy", "-o", "/dev/full", "--quiet"],
    );
    // What was computed is shown.
    let args = ["demo", "--trials", "1", "--quiet", "--json", "/dev/full"];
    let output = lightloom(folder, &args);
    refusal(folder, &args, &output);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.contains("accuracy"), "{stdout}");
    for args in [
        &["decompose", "U.npy", "-o", "-", "--quiet"][..],
        &["inspect", "ideal"],
        &["completions", "bash"],
        &["man"],
        &["demo", "--trials", "1", "--quiet"],
        &["demo", "--trials", "1", "--quiet", "--json", "-"],
    ] {
        let output = Command::new(LIGHTLOOM)
            .args(args)
            .current_dir(folder)
            .stdout(
                std::fs::File::options()
                    .write(true)
                    .open("/dev/full")
                    .unwrap(),
            )
            .output()
            .unwrap();
        refusal(folder, args, &output);
    }
}

/// Runs lightloom as a user who may read but not write; `None` where that cannot be arranged.
fn powerless(folder: &Path, args: &[&str]) -> Option<Output> {
    let probe = folder.join("closed/probe");
    if std::fs::write(&probe, "").is_err() {
        return Some(lightloom(folder, args));
    }
    // Permissions do not bind root; nobody must be able to reach the command.
    std::fs::remove_file(probe).unwrap();
    let own = folder.join("lightloom");
    // By a command: while this process holds a file open for writing, a child of another test does too, and a file that
    // is being written cannot be run.
    let copied = Command::new("cp").arg(LIGHTLOOM).arg(&own).status();
    assert!(copied.unwrap().success());
    Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(own)
        .args(args)
        .current_dir(folder)
        .output()
        .ok()
}

#[test]
fn what_may_not_be_written_is_refused_and_stays_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let mode = |path: &str, mode| {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(folder.join(path), permissions).unwrap();
    };
    write_npy(&folder.join("U.npy"), &haar(3));
    for name in ["closed", "open"] {
        std::fs::create_dir(folder.join(name)).unwrap();
        std::fs::write(folder.join(name).join("u.mesh.json"), "old").unwrap();
    }
    mode(".", 0o755);
    mode("U.npy", 0o644);
    // A folder that is closed, a file that is closed in an open folder, an input that may not be read.
    mode("closed/u.mesh.json", 0o666);
    mode("closed", 0o555);
    mode("open/u.mesh.json", 0o444);
    mode("open", 0o777);
    std::fs::write(folder.join("secret.npy"), "secret").unwrap();
    mode("secret.npy", 0o000);
    for (input, output, says) in [
        (
            "U.npy",
            "closed/u.mesh.json",
            "closed/u.mesh.json: Permission denied",
        ),
        (
            "U.npy",
            "closed/new.mesh.json",
            "closed/new.mesh.json: Permission denied",
        ),
        (
            "U.npy",
            "open/u.mesh.json",
            "open/u.mesh.json: Permission denied",
        ),
        (
            "secret.npy",
            "open/new.mesh.json",
            "secret.npy: Permission denied",
        ),
    ] {
        let Some(run) = powerless(folder, &["decompose", input, "-o", output]) else {
            eprintln!("skipped: root may write everywhere and there is no setpriv");
            return;
        };
        refused(&run, says);
    }
    for name in ["closed", "open"] {
        let kept = std::fs::read_to_string(folder.join(name).join("u.mesh.json")).unwrap();
        assert_eq!(kept, "old");
        assert_eq!(names(&folder.join(name)), ["u.mesh.json"]);
    }
    mode("closed", 0o755);
}

/// SIGKILL while tens of megabytes are on their way to the disk.
#[test]
fn a_kill_during_a_write_leaves_the_old_file_or_the_new_one() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    write_npy(&folder.join("U.npy"), &haar(2));
    ok(
        folder,
        &["decompose", "U.npy", "-o", "u.mesh.json", "--quiet"],
    );
    let fields = Array2::from_shape_fn((1_000_000, 2), |(i, j)| {
        Complex::new(i as f64, j as f64 + 0.5)
    });
    write_npy(&folder.join("x.npy"), &fields);
    let args = ["apply", "u.mesh.json", "x.npy", "-o", "y.npy", "--quiet"];
    ok(folder, &args);
    let new = std::fs::read(folder.join("y.npy")).unwrap();
    assert!(new.len() > 30_000_000);
    let (mut cut, mut tries) = (0, 0);
    let start = Instant::now();
    while cut < 3 {
        assert!(
            start.elapsed() < Duration::from_secs(120),
            "{cut} of {tries} kills came during the write"
        );
        std::fs::write(folder.join("y.npy"), "old").unwrap();
        let mut child = Command::new(LIGHTLOOM)
            .args(args)
            .current_dir(folder)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // The new file grows under another name: kill once it has begun, each time a little later.
        let begun = || {
            names(folder)
                .into_iter()
                .find(|name| name.starts_with(".lightloom-"))
                .and_then(|name| std::fs::metadata(folder.join(name)).ok())
                .is_some_and(|file| file.len() > tries << 20)
        };
        while child.try_wait().unwrap().is_none() && !begun() {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let kept = std::fs::read(folder.join("y.npy")).unwrap();
        assert!(
            kept == b"old" || kept == new,
            "half a file of {} bytes",
            kept.len()
        );
        for name in names(folder) {
            if name.starts_with(".lightloom-") {
                let rest = std::fs::metadata(folder.join(&name)).unwrap().len();
                if rest > 0 && rest < new.len() as u64 && kept == b"old" {
                    cut += 1;
                }
                std::fs::remove_file(folder.join(name)).unwrap();
            }
        }
        tries += 1;
    }
    // What a kill leaves behind does not hinder the next run.
    std::fs::write(folder.join("y.npy"), "old").unwrap();
    ok(folder, &args);
    assert!(std::fs::read(folder.join("y.npy")).unwrap() == new);
}
