//! Sweeps whose journal was damaged.

use std::path::Path;

use crate::cli::{lightloom, ok, refused};
use crate::sweep::{assert_same_files, digits, experiment, read};

/// What a resumed sweep of `folder` says on stdout and on stderr.
fn resume(folder: &Path, args: &[&str]) -> [String; 2] {
    let output = lightloom(folder, args);
    let [stdout, stderr] = [output.stdout, output.stderr].map(|s| String::from_utf8(s).unwrap());
    assert!(output.status.success(), "{stderr}");
    [stdout, stderr]
}

/// Each line but the first in turn: a byte of it, its line end, and half of it.
#[test]
fn a_damaged_line_costs_what_it_held_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    experiment(folder, &digits(1));
    ok(folder, &["sweep", "e.toml", "--out", "whole"]);
    experiment(folder, &digits(2));
    ok(folder, &["sweep", "e.toml", "--out", "whole"]);
    let whole = folder.join("whole");
    let good = String::from_utf8(read(&whole, "trials.journal")).unwrap();
    let lines: Vec<&str> = good.split_inclusive('\n').collect();
    // Two heads, one kind of CPU, one digital result, 12 trials.
    assert_eq!(lines.len(), 16);
    let out = folder.join("out");
    let sweep = ["sweep", "e.toml", "--out", "out", "--quiet"];
    let trial = |line: &str| usize::from(line[17..].starts_with("{\"trial\""));
    for (number, line) in lines.iter().enumerate().skip(1) {
        let middle = line.len() / 2;
        let spoilt = match number % 3 {
            0 => format!("{}?{}", &line[..middle], &line[middle + 1..]),
            1 => format!("{}?", line.trim_end()),
            _ => format!("{}\n", &line[..middle]),
        };
        let mut bad = lines.clone();
        bad[number] = &spoilt;
        let _ = std::fs::remove_dir_all(&out);
        std::fs::create_dir(&out).unwrap();
        std::fs::write(out.join("trials.journal"), bad.concat()).unwrap();
        let [stdout, stderr] = resume(folder, &sweep);
        let again = trial(line);
        assert!(
            stdout.contains(&format!("12, {again} of them now")),
            "{number}: {stdout}"
        );
        let is_torn = !bad.concat().ends_with('\n');
        let says = format!(
            "note: out/trials.journal: line {} is damaged and left out: of 12 trials, {again} are missing",
            number + 1
        );
        assert_eq!(stderr.contains(&says), !is_torn, "{number}: {stderr}");
        assert_eq!(stderr.lines().count(), usize::from(!is_torn), "{stderr}");
        assert_same_files(&whole, &out);
        // It is told once.
        let [stdout, stderr] = resume(folder, &sweep);
        assert!(stdout.contains("12, 0 of them now"), "{stdout}");
        assert_eq!(stderr, "");
        assert_same_files(&whole, &out);
    }
    // Without its first line nobody knows of what experiment the trials are.
    let bad = good.replacen("name", "nane", 1);
    std::fs::write(out.join("trials.journal"), &bad).unwrap();
    refused(folder, &sweep);
    assert_eq!(read(&out, "trials.journal"), bad.as_bytes());
}

/// Two shards that have both lost the digital results cannot be merged; they can be made whole.
#[test]
fn damaged_shards_are_named_by_merge() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    experiment(folder, &digits(2));
    let parts = ["1/2", "2/2"].map(|share| {
        let out = format!("part-{}", &share[..1]);
        ok(
            folder,
            &["sweep", "e.toml", "--out", &out, "--shard", share],
        );
        out
    });
    let merge = ["merge", "part-1", "part-2", "--out", "merged"];
    let spoil = |what: &str, part: &str| {
        let path = folder.join(part).join("trials.journal");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replacen(what, "{?", 1)).unwrap();
    };
    spoil("{\"trial\"", "part-2");
    refused(folder, &merge);
    ok(
        folder,
        &["sweep", "e.toml", "--out", "part-2", "--shard=2/2"],
    );
    for part in &parts {
        spoil("{\"reference\"", part);
    }
    refused(folder, &merge);
    for (part, share) in parts.iter().zip(["1/2", "2/2"]) {
        ok(
            folder,
            &["sweep", "e.toml", "--out", part, "--shard", share],
        );
    }
    ok(folder, &merge);
    ok(folder, &["sweep", "e.toml", "--out", "whole"]);
    assert_same_files(&folder.join("whole"), &folder.join("merged"));
}
