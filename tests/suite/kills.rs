//! Sweeps that SIGKILL ends at moments of all kinds, and that go on to the same bytes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lightloom::rng::{Effect, Seed, Stream};

use super::cli::ok;
use super::sweep::{FILES, assert_same_files, digits, experiment, read};

/// 6 points of 30 trials.
const TRIALS: usize = 180;
/// How long a sweep may take to come to the moment at which it is killed.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a sweep was doing when it was killed.
#[derive(Debug, Default)]
struct Met {
    /// Before the first trial of the run: finished trials of earlier runs.
    start: Vec<usize>,
    /// Finished trials.
    trials: Vec<usize>,
    /// Files that stood, of [`FILES`] and `times.csv`.
    files: Vec<usize>,
    /// Runs that ended before they were killed.
    ended: usize,
}

/// A sweep of `e.toml` into `folder/out`.
struct Sweep {
    out: PathBuf,
    process: Child,
}

impl Sweep {
    fn start(folder: &Path, out: &str) -> Self {
        let process = Command::new(env!("CARGO_BIN_EXE_lightloom"))
            .args(["sweep", "e.toml", "--out", out, "--quiet", "--threads=2"])
            .current_dir(folder)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let out = folder.join(out);
        Self { out, process }
    }

    /// Waits until `reached` holds or the sweep has ended, and some microseconds more; kills it. Whether it still ran.
    fn kill_when(
        mut self,
        moments: &mut Stream,
        longest_s: f64,
        reached: impl Fn(&Path) -> bool,
    ) -> bool {
        let clock = Instant::now();
        while !reached(&self.out) && self.process.try_wait().unwrap().is_none() {
            assert!(clock.elapsed() < PATIENCE, "the sweep hangs");
            std::thread::sleep(Duration::from_micros(100));
        }
        std::thread::sleep(Duration::from_secs_f64(moments.uniform() * longest_s));
        let ran = self.process.try_wait().unwrap().is_none();
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        ran
    }
}

/// Trials whose lines stand whole in the journal.
fn finished(out: &Path) -> usize {
    let journal = std::fs::read(out.join("trials.journal")).unwrap_or_default();
    let journal = String::from_utf8_lossy(&journal);
    let lines = journal.split_inclusive('\n');
    lines
        .filter(|line| line.contains(" {\"trial\":") && line.ends_with('\n'))
        .count()
}

fn standing(out: &Path) -> usize {
    let files = FILES.iter().chain(&["times.csv"]);
    files.filter(|file| out.join(file).exists()).count()
}

/// Ten kills, or as many as `LIGHTLOOM_KILLS` says: half of them while trials run, half while the files are written.
#[test]
fn a_sweep_killed_at_any_moment_goes_on_to_the_same_bytes() {
    let kills: usize = std::env::var("LIGHTLOOM_KILLS").map_or(10, |text| text.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    experiment(folder, &digits(30));
    ok(folder, &["sweep", "e.toml", "--out", "whole", "--quiet"]);
    let (whole, killed, written) = (
        folder.join("whole"),
        folder.join("killed"),
        folder.join("written"),
    );
    assert_eq!((finished(&whole), standing(&whole)), (TRIALS, 7));
    let mut moments = Seed(1).stream(Effect::Haar, 0, 0, 0);
    let mut met = Met::default();

    let mut before = 0;
    for _ in 0..kills.div_ceil(2) {
        // The last of these kills should still meet trials.
        let more = (moments.uniform() * (4 * TRIALS) as f64 / (kills + 4) as f64) as usize;
        let sweep = Sweep::start(folder, "killed");
        let ran = sweep.kill_when(&mut moments, 0.01, |out| finished(out) >= before + more);
        let now = finished(&killed);
        assert!(now >= before, "finished trials were lost");
        match ran {
            true if now == before => met.start.push(now),
            true => met.trials.push(now),
            false => met.ended += 1,
        }
        before = now;
    }
    for kill in 0..kills / 2 {
        // All trials are there, no file is.
        let _ = std::fs::remove_dir_all(&written);
        std::fs::create_dir(&written).unwrap();
        std::fs::copy(whole.join("trials.journal"), written.join("trials.journal")).unwrap();
        let files = kill % 6;
        let sweep = Sweep::start(folder, "written");
        let ran = sweep.kill_when(&mut moments, 0.001, |out| standing(out) >= files);
        // A file stands whole or not at all.
        for file in FILES.iter().filter(|file| written.join(file).exists()) {
            assert!(read(&whole, file) == read(&written, file), "{file} differs");
        }
        match ran {
            true => met.files.push(standing(&written)),
            false => met.ended += 1,
        }
        if kill % 5 == 4 || kill + 1 == kills / 2 {
            ok(folder, &["sweep", "e.toml", "--out", "written", "--quiet"]);
            assert_same_files(&whole, &written);
        }
    }
    println!("{kills} kills of sweeps of {TRIALS} trials and 7 files: {met:?}");
    assert!(met.trials.len() >= kills / 4, "{met:?}");
    assert!(met.files.len() >= kills / 4, "{met:?}");

    ok(folder, &["sweep", "e.toml", "--out", "killed", "--quiet"]);
    assert_same_files(&whole, &killed);
    // A finished sweep that is started again has nothing to do and changes nothing.
    let said = ok(folder, &["sweep", "e.toml", "--out", "killed"]);
    assert!(said.contains("180, 0 of them now"), "{said}");
    assert_same_files(&whole, &killed);
    // What was being written at a kill may lie beside the files, hidden, and nothing else (docs/experiments.md).
    let names = |folder: &Path| -> BTreeSet<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names
            .filter(|name| !name.starts_with(".lightloom-"))
            .collect()
    };
    assert_eq!(names(&killed), names(&whole));
    assert_eq!(names(&written), names(&whole));
}
