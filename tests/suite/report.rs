//! The report on a sweep: its figures, their numbers, its page.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use lightloom::experiment::Summary;
use lightloom::experiment::stats::{PairedTable, paired_difference, quantiles, yield_above};
use lightloom::io::record::Cell;
use lightloom::report::{Figure, FigureOptions, Rendered, Table, render};
use serde_json::Value;

use crate::cli::{DEMO, ok, refused};

const EXPERIMENT: &str = r#"
name = "small & <b>bold</b>"
program = "digits.program.safetensors"
data = "digits-test.npz"
limit = 120
trials = 4
[axes]
"coupler.splitting_error_rad" = [0.0, 0.03, 0.06]
"phase_shifter.phase_error_rad" = [0.0, 0.03]
correct = ["none", "local"]
"#;

/// A folder with an experiment, its inputs and what its sweep left in `out`.
static SWEPT: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    for name in ["digits.program.safetensors", "digits-test.npz"] {
        std::fs::copy(Path::new(DEMO).join(name), folder.path().join(name)).unwrap();
    }
    std::fs::write(folder.path().join("small.toml"), EXPERIMENT).unwrap();
    ok(
        folder.path(),
        &["sweep", "small.toml", "--out", "out", "--quiet"],
    );
    folder
});

fn out() -> PathBuf {
    SWEPT.path().join("out")
}

fn rendered() -> Rendered {
    render(&out(), Some(SWEPT.path()), &FigureOptions::default()).unwrap()
}

fn figure<'a>(rendered: &'a Rendered, id: &str) -> &'a Figure {
    rendered
        .figures
        .iter()
        .find(|figure| figure.id == id)
        .unwrap_or_else(|| panic!("{id}"))
}

fn rows() -> Vec<Value> {
    let text = std::fs::read_to_string(out().join("rows.jsonl")).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Accuracies of the rows whose columns have these values, in the order of the file.
fn accuracies(wanted: &[(&str, Value)]) -> Vec<f64> {
    let rows = rows().into_iter();
    let rows = rows.filter(|row| wanted.iter().all(|(key, value)| row[key] == *value));
    rows.map(|row| row["accuracy"].as_f64().unwrap()).collect()
}

/// Accuracies of the chips of every point.
fn points() -> Vec<Vec<f64>> {
    let points = (0..12).map(|point| accuracies(&[("point", point.into())]));
    points.collect()
}

/// The first point of the highest mean accuracy.
fn best_point() -> usize {
    let means = points()
        .into_iter()
        .map(|accuracies| Summary::of(accuracies).mean);
    let means: Vec<f64> = means.collect();
    let highest = means.iter().copied().fold(0.0, f64::max);
    means.iter().position(|mean| *mean == highest).unwrap()
}

/// The cell of a table's row.
fn cell<'a>(table: &'a Table, row: &'a [Cell], column: &str) -> &'a Cell {
    let index = table.columns.iter().position(|name| name == column);
    &row[index.unwrap_or_else(|| panic!("{column} of {:?}", table.columns))]
}

fn number(table: &Table, row: &[Cell], column: &str) -> f64 {
    match cell(table, row, column) {
        Cell::Float(number) => *number,
        Cell::Int(count) => *count as f64,
        other => panic!("{column} is {other:?}"),
    }
}

fn value(cell: &Cell) -> Value {
    serde_json::to_value(cell).unwrap()
}

const SIGMA: &str = "coupler.splitting_error_rad";
const PHASE: &str = "phase_shifter.phase_error_rad";

#[test]
fn a_report_has_every_figure_and_the_same_bytes_again() {
    let folder = SWEPT.path();
    ok(folder, &["report", "out", "--quiet"]);
    let page = std::fs::read(out().join("report.html")).unwrap();
    let figures = rendered().figures;
    for figure in &figures {
        let file = out().join(format!("figures/{}.svg", figure.id));
        assert_eq!(std::fs::read_to_string(file).unwrap(), figure.svg);
    }
    let ids: Vec<&str> = figures.iter().map(|figure| figure.id.as_str()).collect();
    let map = "map-coupler-splitting-error-rad-phase-shifter-phase-error-rad";
    assert_eq!(
        ids,
        [
            "accuracy-coupler-splitting-error-rad",
            "yield-coupler-splitting-error-rad",
            "yield-correct-none",
            "yield-correct-local",
            "effects",
            "variance-shares",
            "accuracy-phase-shifter-phase-error-rad",
            &format!("{map}-correct-none"),
            &format!("{map}-correct-local"),
            "layer-errors-correct-none",
            "layer-errors-correct-local",
            "confusion",
            "class-losses",
            "mesh-phase",
            "mesh-error",
        ]
    );
    ok(folder, &["report", "out", "--quiet", "--threads", "1"]);
    assert_eq!(std::fs::read(out().join("report.html")).unwrap(), page);
    assert_eq!(rendered().html.as_bytes(), page);
}

#[test]
fn curves_are_quantiles_of_the_rows() {
    let rendered = rendered();
    let table = &figure(&rendered, "accuracy-coupler-splitting-error-rad").table;
    // One line for each correction and phase error, 3 values of σ each.
    assert_eq!(table.rows.len(), 3 * 4);
    for row in &table.rows {
        let wanted = [SIGMA, PHASE, "correct"].map(|key| (key, value(cell(table, row, key))));
        let accuracies = accuracies(&wanted);
        assert_eq!(number(table, row, "chips") as usize, accuracies.len());
        assert_eq!(accuracies.len(), 4);
        let expected = quantiles(&accuracies, &[0.2, 0.5, 0.8]);
        let found = ["p20", "median", "p80"].map(|name| number(table, row, name));
        assert_eq!(found, expected[..]);
        assert_eq!(number(table, row, "mean"), Summary::of(accuracies).mean);
    }
}

#[test]
fn maps_and_yields_are_statistics_of_the_rows() {
    let rendered = rendered();
    let map = "map-coupler-splitting-error-rad-phase-shifter-phase-error-rad-correct-local";
    let table = &figure(&rendered, map).table;
    assert_eq!(table.rows.len(), 6);
    for row in &table.rows {
        let mut wanted = [SIGMA, PHASE]
            .map(|key| (key, value(cell(table, row, key))))
            .to_vec();
        wanted.push(("correct", "local".into()));
        assert_eq!(
            number(table, row, "mean"),
            Summary::of(accuracies(&wanted)).mean
        );
    }
    let best = &rows()[4 * best_point()];
    let table = &figure(&rendered, "yield-correct-local").table;
    for row in &table.rows {
        let sigma = value(cell(table, row, SIGMA));
        let accuracies = accuracies(&[
            (SIGMA, sigma),
            (PHASE, best[PHASE].clone()),
            ("correct", "local".into()),
        ]);
        assert_eq!(accuracies.len(), 4);
        let expected = yield_above(&accuracies, number(table, row, "accuracy"), 0.95).unwrap();
        let found = ["yield", "wilson_low", "wilson_high"].map(|name| number(table, row, name));
        assert_eq!(found, [expected.estimate, expected.low, expected.high]);
    }
    let table = &figure(&rendered, "yield-coupler-splitting-error-rad").table;
    assert_eq!(table.rows.len(), 3 * 4);
    for row in &table.rows {
        let wanted = [SIGMA, PHASE, "correct"].map(|key| (key, value(cell(table, row, key))));
        let accuracies = accuracies(&wanted);
        let digital = rows()[0]["digital_accuracy"].as_f64().unwrap();
        let near = accuracies
            .iter()
            .filter(|accuracy| **accuracy > digital - 0.01 - 1e-9);
        assert_eq!(number(table, row, "near_digital") as usize, near.count());
        assert_eq!(number(table, row, "chips"), 4.0);
    }
}

#[test]
fn effects_are_differences_of_the_same_chips_from_the_perfect_end_of_every_axis() {
    let rendered = rendered();
    let table = &figure(&rendered, "effects").table;
    let points = points();
    // No splitting error, no phase error, and of names the first.
    let at = [0, 0, 0];
    // Two other values of σ, one of the phase error, one of the correction.
    assert_eq!(table.rows.len(), 4);
    let values: [&[Value]; 3] = [
        &[0.0.into(), 0.03.into(), 0.06.into()],
        &[0.0.into(), 0.03.into()],
        &["none".into(), "local".into()],
    ];
    for row in &table.rows {
        let name = value(cell(table, row, "axis"));
        let axis = [SIGMA, PHASE, "correct"]
            .iter()
            .position(|key| name == **key)
            .unwrap();
        let wanted = value(cell(table, row, "value"));
        let mut there = at;
        there[axis] = values[axis]
            .iter()
            .position(|value| *value == wanted)
            .unwrap();
        let there = &points[4 * there[0] + 2 * there[1] + there[2]];
        let expected = paired_difference(&points[0], there, 0.95)
            .unwrap()
            .difference;
        let found = ["loss", "low", "high"].map(|name| number(table, row, name));
        assert_eq!(found, [expected.estimate, expected.low, expected.high]);
    }
}

#[test]
fn the_table_of_points_counts_the_chips_that_mcnemar_finds_worse_than_digital() {
    let html = rendered().html;
    let table = html.split("id=\"every-point\"").nth(1).unwrap();
    let table = table.split("</table>").next().unwrap();
    let columns = table.split("<th scope=\"col\">").skip(1);
    let column = columns
        .map(|text| text.split('<').next().unwrap())
        .position(|name| name == "chips_worse")
        .unwrap();
    let shown = table.split("<tr>").skip(2).map(|row| {
        let cell = row.split("<td").nth(1 + column).unwrap();
        let text = cell.split('>').nth(1).unwrap();
        text.split('<').next().unwrap().parse::<usize>().unwrap()
    });
    let shown: Vec<usize> = shown.collect();
    let mut expected = vec![0; 12];
    for row in rows() {
        let count = |key: &str| row[key].as_u64().unwrap() as usize;
        let paired = PairedTable {
            both_right: count("both_right"),
            only_digital_right: count("only_digital_right"),
            only_chip_right: count("only_chip_right"),
            neither_right: count("neither_right"),
        };
        let is_worse = paired.loss(0.95).unwrap().estimate > 0.0 && paired.mcnemar_p() < 0.05;
        expected[count("point")] += usize::from(is_worse);
    }
    assert_eq!(shown, expected);
    assert!(expected.contains(&0) && expected.iter().any(|count| *count > 0));
}

/// A mean between two roundings is the same number in both, and so is rounded the same way.
#[test]
fn inspect_says_the_means_of_the_report_to_the_last_bit() {
    let said: Value =
        serde_json::from_str(&ok(SWEPT.path(), &["inspect", "out", "--json", "-"])).unwrap();
    for (point, scores) in points().into_iter().enumerate() {
        let mean = said["settings"][point]["accuracy"].as_f64().unwrap();
        assert_eq!(mean, Summary::of(scores).mean, "point {point}");
    }
}

#[test]
fn confusion_counts_every_sample_of_every_chip() {
    let rendered = rendered();
    let table = &figure(&rendered, "confusion").table;
    for point in 0..12 {
        let sum = |by: &str, only_right: bool| -> f64 {
            let rows = table.rows.iter().filter(|row| {
                number(table, row, "point") == f64::from(point)
                    && *cell(table, row, "by") == Cell::from(by)
                    && (!only_right || cell(table, row, "label") == cell(table, row, "predicted"))
            });
            rows.map(|row| number(table, row, "count")).sum()
        };
        assert_eq!([sum("chips", false), sum("digital", false)], [480.0, 120.0]);
        let right: f64 = accuracies(&[("point", point.into())]).iter().sum();
        assert!((sum("chips", true) - 120.0 * right).abs() < 1e-9);
    }
}

/// Rare confusions are as dark as the scale of their own has it, whatever the diagonal is.
#[test]
fn what_is_taken_for_another_class_has_a_scale_of_its_own() {
    let rendered = rendered();
    let svg = &figure(&rendered, "confusion").svg;
    let share = |cell: &str| -> f64 {
        let says = cell.split(": class").nth(1).unwrap();
        let (_, says) = says.split_once(": ").unwrap();
        says.split(" %").next().unwrap().parse().unwrap()
    };
    let cells: Vec<&str> = svg.split("data-cell=\"").skip(1).collect();
    let parts = |cell: &str| -> Vec<String> {
        let name = cell.split('"').next().unwrap();
        name.split('-').map(str::to_owned).collect()
    };
    let others = cells.iter().filter(|cell| {
        let parts = parts(cell);
        parts[1] != parts[2]
    });
    let most = others
        .clone()
        .map(|cell| share(cell))
        .fold(1.0, f64::max)
        .ceil();
    assert!(
        svg.contains(&format!(">taken for another, 0 to {most} %<")),
        "{most}"
    );
    let fill = |cell: &str| {
        cell.split("fill=\"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap()
            .to_owned()
    };
    let none = cells
        .iter()
        .find(|cell| share(cell) == 0.0 && parts(cell)[1] != parts(cell)[2])
        .unwrap();
    let worst = others.max_by(|a, b| share(a).total_cmp(&share(b))).unwrap();
    // Pale grey and deep red, as light on paper.
    let brightness = |color: &str| -> i32 {
        [1, 3, 5]
            .iter()
            .map(|at| i32::from_str_radix(&color[*at..at + 2], 16).unwrap())
            .sum()
    };
    assert!(brightness(&fill(none)) > brightness(&fill(worst)) + 200);
}

#[test]
fn figures_are_files_that_stand_alone() {
    for Figure { id, svg, title, .. } in rendered().figures {
        assert!(
            svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""),
            "{id}"
        );
        assert_eq!(svg.matches("http").count(), 1, "{id} names no other place");
        assert!(svg.contains("fill=\"#ffffff\"/>"), "{id} stands on white");
        assert!(
            !svg.contains("var(") && !svg.contains("style="),
            "{id} needs no style sheet"
        );
        assert!(
            svg.contains("<title>") && svg.contains("<desc>"),
            "{id} says what it is"
        );
        assert!(
            !title.contains("_rad"),
            "{id} is named in physics, not by keys: {title}"
        );
        let mut open = 0;
        for tag in svg.split('<').skip(1) {
            match (tag.starts_with('/'), tag.contains("/>")) {
                (true, _) => open -= 1,
                (false, false) => open += 1,
                (false, true) => {}
            }
            assert!(open >= 0, "{id}: every tag that closes was open");
        }
        assert_eq!(open, 0, "{id}: every tag is closed");
    }
}

#[test]
fn the_page_needs_nothing_else_and_no_name_becomes_markup() {
    let Rendered { html, figures, .. } = rendered();
    assert!(html.starts_with("<!doctype html>\n<html lang=\"en\">"));
    assert!(html.contains("default-src 'none'"));
    let without = html.replace("http://www.w3.org/2000/svg", "");
    for outside in ["http:", "https:", "src=\"", "@import", "url(//"] {
        assert!(!without.contains(outside), "{outside}");
    }
    assert!(html.contains("<h1>small &amp; &lt;b&gt;bold&lt;/b&gt;</h1>"));
    assert!(!html.contains("<b>"));
    for part in [
        "class=\"skip\"",
        "prefers-color-scheme: dark",
        "@media print",
        ":focus-visible",
        "<nav",
        "<main",
    ] {
        assert!(html.contains(part), "{part}");
    }
    for Figure { id, table, .. } in &figures {
        assert!(html.contains(&format!("<figure id=\"{id}\"")), "{id}");
        assert!(
            html.contains(&format!("<a download=\"{id}.csv\" href=\"data:text/csv")),
            "{id}"
        );
        assert!(!table.rows.is_empty(), "{id} has data");
    }
    assert_eq!(html.matches("<figure").count(), figures.len());
    assert_eq!(html.matches("<details>").count(), figures.len());
    // Every key of the hardware has a row; those that vary say so.
    for key in [SIGMA, "readout.adc_range", "mesh.cell"] {
        assert!(html.contains(&format!("<td>{key}</td>")), "{key}");
    }
    assert!(html.contains("varied: an axis of this experiment"));
}

#[test]
fn a_folder_that_no_sweep_left_is_refused_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    refused(path, &["report", "nowhere"]);
    refused(path, &["report", "-o", "out"]);
    refused(path, &["sweep", "e.toml", "-o", "out"]);
    refused(path, &["decompose", "u.npy", "--out", "out"]);
    std::fs::create_dir(path.join("out")).unwrap();
    refused(path, &["report", "out"]);
    let copy = |name: &str| {
        std::fs::copy(out().join(name), path.join("out").join(name)).unwrap();
    };
    let damage = |name: &str, from: &str, to: &str| {
        let text = std::fs::read_to_string(out().join(name)).unwrap();
        assert!(text.contains(from), "{name} holds {from}");
        std::fs::write(path.join("out").join(name), text.replacen(from, to, 1)).unwrap();
    };
    let names = [
        "experiment.toml",
        "manifest.json",
        "rows.jsonl",
        "confusion.csv",
    ];
    names.iter().for_each(|name| copy(name));
    for (name, from, to) in [
        ("manifest.json", "\"rows_format\": 3", "\"rows_format\": 1"),
        ("manifest.json", "\"draws\": 3", "\"draws\": 0"),
        ("manifest.json", "\"classes\": 10", "\"classes\": 9"),
        ("experiment.toml", "trials = 4", "trials = "),
        ("experiment.toml", "\"correct\" = [", "\"precision\" = ["),
        ("rows.jsonl", "\"point\":1,", "\"point\":99,"),
        ("rows.jsonl", "\"accuracy\":", "\"accuracy\":7"),
        ("rows.jsonl", "\"samples\"", "\"sample\""),
        ("confusion.csv", "\n0,0,0,0,", "\n0,0,77,0,"),
        ("confusion.csv", "\n0,0,0,0,", "\n0,0,0,0,x"),
    ] {
        damage(name, from, to);
        refused(path, &["report", "out"]);
        let left: Vec<_> = std::fs::read_dir(path.join("out")).unwrap().collect();
        assert_eq!(left.len(), names.len(), "{to}: nothing was written");
        copy(name);
    }
    ok(path, &["report", "out", "--quiet"]);
}
