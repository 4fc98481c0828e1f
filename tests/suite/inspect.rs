//! `inspect` knows every kind of file that lightloom writes or reads.

use serde_json::Value;

use crate::cli::{DEMO, haar, lightloom, ok, refused, write_npy};
use crate::sweep::{digits, experiment};

#[test]
fn every_file_of_a_sweeps_folder_and_the_folder_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    experiment(folder, &digits(2));
    ok(folder, &["sweep", "e.toml", "--out", "out"]);
    ok(folder, &["report", "out"]);
    let inspect = |file: &str| ok(folder, &["inspect", file]);
    let record = |file: &str| -> Value {
        serde_json::from_str(&ok(folder, &["inspect", file, "--json", "-"])).unwrap()
    };
    let axes = "varied: coupler.splitting_error_rad, phase_shifter.phase_error_rad, correct";
    for (file, kind, says) in [
        (
            "out",
            "sweep",
            "sweep digits: 12 of 12 trials done; 6 points of up to 2 chips each, seed 3",
        ),
        (
            "out",
            "sweep",
            "axis: coupler.splitting_error_rad (0.0, 0.03)",
        ),
        ("out", "sweep", "next: lightloom report out\n"),
        ("out/rows.csv", "rows", "rows of a sweep: 12 trials, "),
        ("out/rows.csv", "rows", axes),
        ("out/rows.csv", "rows", "accuracy: mean "),
        ("out/rows.jsonl", "rows", "rows of a sweep: 12 trials, "),
        ("out/rows.jsonl", "rows", axes),
        ("out/rows.parquet", "rows", "rows of a sweep: 12 trials, "),
        ("out/rows.parquet", "rows", axes),
        (
            "out/confusion.csv",
            "confusion",
            "confusion matrices of a sweep's trials: ",
        ),
        (
            "out/times.csv",
            "times",
            "wall-clock times of a sweep: 12 trials",
        ),
        (
            "out/manifest.json",
            "manifest",
            "manifest of sweep digits: 12 trials of 6 points",
        ),
        (
            "out/experiment.toml",
            "experiment",
            "experiment digits: 6 points of 2 chips each, 12 trials",
        ),
        (
            "e.toml",
            "experiment",
            "next: lightloom sweep e.toml --out DIR",
        ),
        ("out/trials.journal", "journal", "12 of 12 trials done"),
        (
            "out/report.html",
            "report of a sweep",
            "report of a sweep: open it in a browser",
        ),
    ] {
        let said = inspect(file);
        assert!(said.contains(says), "{file}: {said}");
        assert!(said.lines().count() <= 24, "{file}: {said}");
        let record = record(file);
        assert_eq!(
            (&record["kind"], &record["file"]),
            (&kind.into(), &file.into())
        );
    }
    // The means are those of the rows.
    let rows = crate::sweep::rows(&folder.join("out"));
    let of_point = |point: u64| {
        let own = rows.iter().filter(|row| row["point"] == point);
        let own: Vec<f64> = own.map(|row| row["accuracy"].as_f64().unwrap()).collect();
        own.iter().sum::<f64>() / own.len() as f64
    };
    let whole = record("out");
    let settings = whole["settings"].as_array().unwrap();
    assert_eq!(settings.len(), 6);
    for (point, setting) in settings.iter().enumerate() {
        let accuracy = setting["accuracy"].as_f64().unwrap();
        assert!((accuracy - of_point(point as u64)).abs() < 1e-12);
        let shown = format!(": {:.2} % (2 chips)", 100.0 * accuracy);
        assert!(inspect("out").contains(&shown), "{shown}");
    }
    let all: Vec<f64> = (rows.iter().map(|row| row["accuracy"].as_f64().unwrap())).collect();
    for file in ["out/rows.csv", "out/rows.jsonl"] {
        let mean = record(file)["accuracy"]["mean"].as_f64().unwrap();
        assert!((mean - all.iter().sum::<f64>() / 12.0).abs() < 1e-12);
    }
    // Half a sweep says how it goes on.
    let shard = ["sweep", "e.toml", "--out", "part", "--shard", "1/2"];
    ok(folder, &shard);
    let said = inspect("part");
    assert!(
        said.contains("sweep digits, shard 1/2: 6 of 6 trials done"),
        "{said}"
    );
    assert!(said.contains("next: lightloom merge"), "{said}");
    let journal = std::fs::read(folder.join("out/trials.journal")).unwrap();
    std::fs::write(
        folder.join("out/trials.journal"),
        &journal[..journal.len() - 9],
    )
    .unwrap();
    let said = inspect("out");
    assert!(said.contains("11 of 12 trials done"), "{said}");
    assert!(
        said.contains("next: lightloom sweep EXPERIMENT.toml --out out"),
        "{said}"
    );
    std::fs::write(folder.join("trials.journal"), &journal[..99]).unwrap();
    refused(folder, &["inspect", "trials.journal"]);
    std::fs::write(folder.join("x.html"), "<p>hello").unwrap();
    refused(folder, &["inspect", "x.html"]);
}

#[test]
fn results_and_every_other_kind_are_told_with_their_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let program = format!("{DEMO}/digits.program.safetensors");
    let data = format!("{DEMO}/digits-test.npz");
    let mut infer = vec![
        "infer",
        &program,
        "--data",
        &data,
        "--limit=60",
        "--trials=2",
    ];
    infer.extend([
        "--hardware",
        "low-noise",
        "--json",
        "result.json",
        "--quiet",
    ]);
    let table = ok(folder, &infer);
    let said = ok(folder, &["inspect", "result.json"]);
    assert!(said.starts_with("results of infer: 2 chips, "), "{said}");
    for start in ["digital", "ideal"] {
        let line = table.lines().find(|line| line.starts_with(start)).unwrap();
        assert!(said.contains(line), "{said}\n{line}");
    }
    let noisy = |text: &str| {
        let line = text.lines().find(|line| line.starts_with("noisy")).unwrap();
        line.split("   (").next().unwrap().to_owned()
    };
    assert_eq!(noisy(&said), noisy(&table));
    write_npy(&folder.join("u.npy"), &haar(4));
    ok(folder, &["decompose", "u.npy", "-o", "u.mesh.json"]);
    let mut header = String::from("width,height,label\n");
    header.push_str("0.5,1,0\n2,3,1\n");
    std::fs::write(folder.join("d.csv"), header).unwrap();
    std::fs::write(folder.join("hw.toml"), "[readout]\nadc_bits = 8\n").unwrap();
    ok(
        folder,
        &["export", "u.mesh.json", "--format", "csv", "-o", "p.csv"],
    );
    ok(
        folder,
        &[
            "bench", "--modes", "4", "--batch", "3", "--quiet", "--json", "b.json",
        ],
    );
    ok(folder, &["inspect", "u.mesh.json", "--json", "i.json"]);
    for (file, kind, key, value) in [
        (&*program, "program", "/layers/0/inputs", 64.into()),
        (&data, "data set", "/samples", 797.into()),
        ("u.npy", "array", "/shape/1", 4.into()),
        ("u.mesh.json", "mesh", "/mzis", 6.into()),
        ("d.csv", "data set", "/classes/1", 1.into()),
        (
            "hw.toml",
            "hardware",
            "/hardware/readout/adc_bits",
            8.into(),
        ),
        ("thermo-optic", "hardware", "/file", "thermo-optic".into()),
        ("p.csv", "phases", "/rows", 16.into()),
        ("b.json", "bench", "/file", "b.json".into()),
        ("i.json", "inspection", "/file", "i.json".into()),
        ("result.json", "results", "/trials", Value::from(2)),
    ] {
        let said = ok(folder, &["inspect", file, "--json", "-"]);
        let record: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(record["kind"], kind, "{said}");
        assert_eq!(record.pointer(key), Some(&value), "{said}");
    }
    let said = ok(folder, &["inspect", "d.csv"]);
    assert!(
        said.contains("its first line is a header: width,height,label"),
        "{said}"
    );
}

#[test]
fn a_folder_names_none_zipped_values_and_what_tells_references_apart() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    let text = format!(
        "network = '{DEMO}/network.toml'\ndata = '{DEMO}/digits-test.npz'\nlimit = 9999\ntrials = 1\n\
         [[zip]]\ntile = [\"none\", 8]\ngeometry = [\"clements\", \"reck\"]\n"
    );
    experiment(folder, &text);
    let output = lightloom(folder, &["sweep", "e.toml", "--out", "out"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    let samples: Vec<&str> = (stderr.lines())
        .filter(|line| line.starts_with("note: limit takes all "))
        .collect();
    assert_eq!(samples.len(), 1, "{stderr}");
    let said = ok(folder, &["inspect", "out"]);
    for says in [
        "axis: tile with geometry (none with clements, 8 with reck)\n",
        "digits-test.npz, tile = none, geometry = clements: digital ",
        "digits-test.npz, tile = 8, geometry = reck: digital ",
        "  tile = none, geometry = clements: ",
    ] {
        assert!(said.contains(says), "{said}");
    }
    assert!(!said.contains("precision"), "{said}");
    // What every reference shares is not said.
    assert!(
        ok(folder, &["inspect", "out/manifest.json"]).contains(", tile = 8, geometry = reck: ")
    );
}
