//! Sweeps that are given more trials.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::cli::{ok, refused};
use crate::sweep::{assert_same_files, digits, experiment, read};

/// The journal of `folder` cut behind its first `lines` lines and a half.
fn cut(folder: &Path, lines: usize) {
    let journal = read(folder, "trials.journal");
    let ends = (0..journal.len()).filter(|i| journal[*i] == b'\n');
    let end = ends.take(lines).last().unwrap() + 1;
    std::fs::write(folder.join("trials.journal"), &journal[..end + 40]).unwrap();
}

#[test]
fn a_sweep_given_more_trials_comes_out_as_if_it_had_had_them_from_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    experiment(folder, &digits(5));
    ok(folder, &["sweep", "e.toml", "--out", "whole"]);
    experiment(folder, &digits(2));
    let sweep = ["sweep", "e.toml", "--out", "out"];
    ok(folder, &sweep);
    let two = read(&folder.join("out"), "rows.csv");
    experiment(folder, &digits(3));
    let said = ok(folder, &[&sweep[..], &["--dry-run"]].concat());
    assert!(said.contains("trials    18, 6 of them not"), "{said}");
    assert_eq!(read(&folder.join("out"), "rows.csv"), two);
    assert!(ok(folder, &sweep).contains("18, 6 of them now"));
    // A second time, killed on the way: in the line that says how many there will be, and in a trial behind it.
    experiment(folder, &digits(5));
    assert!(ok(folder, &sweep).contains("30, 12 of them now"));
    assert_same_files(&folder.join("whole"), &folder.join("out"));
    let journal = String::from_utf8(read(&folder.join("out"), "trials.journal")).unwrap();
    let heads: Vec<usize> = (journal.lines().enumerate())
        .filter(|(_, line)| line[17..].starts_with("{\"head\""))
        .map(|(number, _)| number)
        .collect();
    assert_eq!(heads.len(), 3);
    for lines in [heads[2], heads[2] + 1, heads[2] + 4] {
        cut(&folder.join("out"), lines);
        let missing = 12 - lines.saturating_sub(heads[2] + 1);
        let says = format!("30, {missing} of them now");
        let said = ok(folder, &sweep);
        assert!(said.contains(&says), "{said} {says}");
        assert_same_files(&folder.join("whole"), &folder.join("out"));
    }
    // Trials are not taken away.
    experiment(folder, &digits(3));
    refused(folder, &sweep);
    assert_same_files(&folder.join("whole"), &folder.join("out"));
}

/// What `report` draws stays one whole until the new trials are done.
#[test]
fn rows_and_experiment_agree_while_new_trials_run() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    experiment(folder, &digits(2));
    let sweep = ["sweep", "e.toml", "--out", "out"];
    ok(folder, &sweep);
    let out = folder.join("out");
    let rows = || ["experiment.toml", "rows.csv", "manifest.json"].map(|name| read(&out, name));
    let old = (rows(), read(&out, "trials.journal").len());
    experiment(folder, &digits(2000));
    let mut child = Command::new(env!("CARGO_BIN_EXE_lightloom"))
        .args(sweep)
        .args(["--quiet", "--threads=1"])
        .current_dir(folder)
        .spawn()
        .unwrap();
    // Its line about the trials to come, and some of them.
    while read(&out, "trials.journal").len() < old.1 + 8000 {
        assert!(child.try_wait().unwrap().is_none(), "it was to be killed");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(rows(), old.0);
    ok(folder, &["report", "out"]);
}

#[test]
fn shards_given_more_trials_merge_to_the_bytes_of_one_run() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let shards = |trials: usize| {
        experiment(folder, &digits(trials));
        for share in ["1/4", "2/4", "3/4", "4/4"] {
            let out = format!("part-{}", &share[..1]);
            ok(
                folder,
                &["sweep", "e.toml", "--out", &out, "--shard", share],
            );
        }
    };
    let parts = ["part-1", "part-2", "part-3", "part-4"];
    let merge = [&["merge"], &parts[..], &["--out", "merged"]].concat();
    shards(2);
    ok(folder, &merge);
    experiment(folder, &digits(5));
    let more = ["sweep", "e.toml", "--out", "part-1", "--shard", "1/4"];
    let said = ok(folder, &more);
    assert!(said.contains("trials    7, 4 of them now"), "{said}");
    refused(folder, &merge);
    let backwards = ["merge", "part-4", "part-1", "--out", "merged"];
    refused(folder, &backwards);
    shards(5);
    ok(folder, &merge);
    ok(folder, &["sweep", "e.toml", "--out", "whole"]);
    assert_same_files(&folder.join("whole"), &folder.join("merged"));
    // What was merged can be given more as well.
    experiment(folder, &digits(6));
    for out in ["merged", "whole"] {
        assert!(ok(folder, &["sweep", "e.toml", "--out", out]).contains("36, 6 of them now"));
    }
    assert_same_files(&folder.join("whole"), &folder.join("merged"));
    let other = ["sweep", "e.toml", "--out", "part-1", "--shard", "2/4"];
    refused(folder, &other);
}

#[test]
fn a_sweep_under_a_new_name_says_how_to_keep_the_old_one() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let nameless = |trials| digits(trials).replace("name = \"digits\"\n", "");
    std::fs::write(folder.join("sh.toml"), nameless(1)).unwrap();
    ok(folder, &["sweep", "sh.toml", "--out", "out"]);
    std::fs::write(folder.join("more.toml"), nameless(2)).unwrap();
    refused(folder, &["sweep", "more.toml", "--out", "out"]);
    let named = format!("name = \"sh\"\n{}", nameless(2));
    std::fs::write(folder.join("more.toml"), named).unwrap();
    assert!(ok(folder, &["sweep", "more.toml", "--out", "out"]).contains("12, 6 of them now"));
}
