//! What `lightloom report` reads beside a sweep's folder, and what it leaves there.

use std::path::Path;

use lightloom::io::record::Cell;
use lightloom::report::{FigureOptions, render};

use crate::cli::{DEMO, ok, refused};

const EXPERIMENT: &str = r#"
name = "folder"
program = "digits.program.safetensors"
data = "digits-test.npz"
limit = 20
trials = 2
[axes]
"coupler.splitting_error_rad" = [0.0, 0.05]
"#;

/// A folder with an experiment, its inputs and what its sweep left in `out`, two folders away from the inputs' names.
fn swept() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    std::fs::create_dir(&home).unwrap();
    for name in ["digits.program.safetensors", "digits-test.npz"] {
        std::fs::copy(Path::new(DEMO).join(name), home.join(name)).unwrap();
    }
    std::fs::write(home.join("folder.toml"), EXPERIMENT).unwrap();
    let arguments = ["sweep", "home/folder.toml", "--out", "out", "--quiet"];
    ok(folder.path(), &arguments);
    folder
}

#[test]
fn a_named_folder_must_hold_the_program_that_the_sweep_read() {
    let folder = swept();
    let path = folder.path();
    let from = |from: &str| {
        refused(path, &["report", "out", "--from", from]);
        assert!(!path.join("out/report.html").exists() && !path.join("out/figures").exists());
    };
    from("nowhere");
    from("home/folder.toml");
    from("out");
    std::fs::create_dir(path.join("other")).unwrap();
    std::fs::write(path.join("other/digits.program.safetensors"), "another").unwrap();
    from("other");
    ok(path, &["report", "out", "--from", "home", "--quiet"]);
    assert!(path.join("out/figures/mesh-error.svg").exists());
}

#[test]
fn a_program_that_is_not_found_by_itself_is_said_and_not_drawn() {
    let folder = swept();
    let out = folder.path().join("out");
    let without = render(&out, None, &FigureOptions::default()).unwrap();
    let says = "The mesh is not drawn: digits.program.safetensors";
    assert!(without.html.contains(says));
    assert!(without.notes.iter().any(|note| note.starts_with(says)));
    let mut ids = without.figures.iter().map(|figure| &figure.id);
    assert!(ids.all(|id| !id.starts_with("mesh-")));
    std::fs::write(folder.path().join("digits.program.safetensors"), "another").unwrap();
    assert_eq!(
        render(&out, None, &FigureOptions::default()).unwrap(),
        without
    );
    let home = folder.path().join("home");
    let with = render(&out, Some(&home), &FigureOptions::default()).unwrap();
    assert_eq!(with.figures.len(), without.figures.len() + 2);
    assert!(with.notes.is_empty());
}

#[test]
fn figures_of_an_earlier_report_go_and_files_of_others_stay() {
    let folder = swept();
    let path = folder.path();
    ok(path, &["report", "out", "--from", "home", "--quiet"]);
    let figures = path.join("out/figures");
    let [phase, error] = ["mesh-phase.svg", "mesh-error.svg"].map(|name| figures.join(name));
    assert!(phase.exists() && error.exists());
    // One was edited since, one was never ours, and the list names a file elsewhere.
    std::fs::write(&error, "edited").unwrap();
    std::fs::write(figures.join("own.svg"), "own").unwrap();
    std::fs::write(path.join("out/elsewhere.svg"), "elsewhere").unwrap();
    let list = figures.join("figures.json");
    let text = std::fs::read_to_string(&list).unwrap();
    let sha256 = lightloom::io::hash::sha256(b"elsewhere");
    let more = format!("{{\n  \"../elsewhere.svg\": \"{sha256}\",");
    std::fs::write(&list, text.replacen('{', &more, 1)).unwrap();
    ok(path, &["report", "out", "--quiet"]);
    assert!(!phase.exists());
    for kept in [
        error,
        figures.join("own.svg"),
        path.join("out/elsewhere.svg"),
    ] {
        assert!(kept.exists(), "{}", kept.display());
    }
    let listed: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&list).unwrap()).unwrap();
    for name in listed.as_object().unwrap().keys() {
        assert!(
            figures.join(name).exists() && !name.starts_with("mesh-"),
            "{name}"
        );
    }
    // A list that cannot be read removes nothing.
    std::fs::write(&list, "no list").unwrap();
    ok(path, &["report", "out", "--quiet"]);
    assert!(figures.join("own.svg").exists());
}

#[test]
fn a_report_on_a_shard_says_how_many_trials_it_holds() {
    let folder = swept();
    let path = folder.path();
    let whole = render(&path.join("out"), None, &FigureOptions::default()).unwrap();
    assert!(!whole.html.contains("planned trials"));
    let arguments = [
        "sweep",
        "home/folder.toml",
        "--out",
        "part",
        "--shard",
        "1/3",
        "--quiet",
    ];
    ok(path, &arguments);
    let part = render(&path.join("part"), None, &FigureOptions::default()).unwrap();
    let says = "This is a report on 2 of the 4 planned trials: those of shard 1/3.";
    assert!(part.html.contains(says) && part.notes[0].starts_with(says));
}

#[test]
fn a_sweep_that_has_not_ended_has_a_preview_that_says_so() {
    let folder = swept();
    let path = folder.path();
    let journal = std::fs::read_to_string(path.join("out/trials.journal")).unwrap();
    std::fs::create_dir(path.join("cut")).unwrap();
    let cut = |text: &str| std::fs::write(path.join("cut/trials.journal"), text).unwrap();
    let trials: Vec<usize> = journal
        .match_indices("{\"trial")
        .map(|(at, _)| at)
        .collect();
    assert_eq!(trials.len(), 4);
    let start = |trial: usize| journal[..trials[trial]].rfind('\n').unwrap() + 1;
    cut(&journal[..start(3)]);
    ok(path, &["report", "cut", "--quiet"]);
    let preview = render(&path.join("cut"), None, &FigureOptions::default()).unwrap();
    let page = std::fs::read_to_string(path.join("cut/report.html")).unwrap();
    assert_eq!(preview.html, page);
    assert!(page.contains("<h1>folder (unfinished, 3 of 4 trials)</h1>"));
    let says = "The sweep has not ended. This is a preview of 3 of the 4 planned trials.";
    assert!(page.contains(says) && preview.notes.iter().any(|note| note.starts_with(says)));
    // A point that has both of its chips has the numbers of the finished sweep.
    let whole = render(&path.join("out"), None, &FigureOptions::default()).unwrap();
    let [there, all] = [&preview, &whole].map(|of| &of.figures[0].table.rows);
    assert_eq!((there.len(), all.len()), (2, 2));
    for (there, all) in there.iter().zip(all) {
        let has_both = there[1] == Cell::from(2);
        assert_eq!(there == all, has_both, "{there:?}");
    }
    assert!(there.iter().any(|row| row[1] == Cell::from(2)));
    cut(&journal[..start(0)]);
    refused(path, &["report", "cut"]);
    cut("");
    refused(path, &["report", "cut"]);
}

#[test]
fn the_page_names_only_the_files_that_lie_beside_it() {
    let folder = swept();
    let out = folder.path().join("out");
    let beside = || {
        let html = render(&out, None, &FigureOptions::default()).unwrap().html;
        let after = html.split("Beside this page: ").nth(1).unwrap();
        after.split(" with one row").next().unwrap().to_owned()
    };
    assert_eq!(beside(), "rows.csv, rows.jsonl and rows.parquet");
    std::fs::remove_file(out.join("rows.csv")).unwrap();
    assert_eq!(beside(), "rows.jsonl and rows.parquet");
    std::fs::remove_file(out.join("rows.parquet")).unwrap();
    assert_eq!(beside(), "rows.jsonl");
}

#[test]
fn the_card_of_chips_counts_chips_trials_and_the_samples_of_all_data() {
    let folder = swept();
    let path = folder.path();
    let card = |out: &str| {
        let html = render(&path.join(out), None, &FigureOptions::default())
            .unwrap()
            .html;
        let card = html.split("<dt>Chips</dt><dd>").nth(1).unwrap();
        card.split("</small>").next().unwrap().to_owned()
    };
    assert_eq!(card("out"), "2<small>× 2 points: 4 trials of 20 samples");
    // A second data set with fewer samples.
    let pixels: Vec<String> = (0..64).map(|pixel| format!("{}", pixel % 16)).collect();
    let rows = [0, 1, 2].map(|label| format!("{},{label}\n", pixels.join(",")));
    std::fs::write(path.join("home/three.csv"), rows.concat()).unwrap();
    let text = EXPERIMENT.replace("data = \"digits-test.npz\"\n", "");
    let text = text + "data = [\"digits-test.npz\", \"three.csv\"]\n";
    std::fs::write(path.join("home/two.toml"), text).unwrap();
    let arguments = ["sweep", "home/two.toml", "--out", "two", "--quiet"];
    ok(path, &arguments);
    assert_eq!(
        card("two"),
        "2<small>× 4 points: 8 trials of 3 or 20 samples"
    );
}
