//! Figures of a report for papers: their files, and what flags change of them.

use std::path::Path;
use std::sync::LazyLock;

use lightloom::experiment::stats::quantiles;
use lightloom::io::record::Cell;
use lightloom::report::{Figure, FigureOptions, MapOf, render};
use resvg::usvg;

use crate::cli::{DEMO, ok, refused};

const EXPERIMENT: &str = r#"
name = "paper"
program = "digits.program.safetensors"
data = "digits-test.npz"
limit = 60
trials = 5
[axes]
"coupler.splitting_error_rad" = [0.0, 0.03, 0.06, 0.1]
"phase_shifter.phase_error_rad" = [0.0, 0.03, 0.06, 0.1]
"#;

static SWEPT: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    for name in ["digits.program.safetensors", "digits-test.npz"] {
        std::fs::copy(Path::new(DEMO).join(name), folder.path().join(name)).unwrap();
    }
    std::fs::write(folder.path().join("e.toml"), EXPERIMENT).unwrap();
    ok(
        folder.path(),
        &["sweep", "e.toml", "--out", "out", "--quiet"],
    );
    folder
});

const MAIN: &str = "accuracy-coupler-splitting-error-rad";
const MAP: &str = "map-coupler-splitting-error-rad-phase-shifter-phase-error-rad";

/// The figures with `options`, of a report that draws no mesh.
fn figures(options: FigureOptions) -> Vec<Figure> {
    render(&SWEPT.path().join("out"), None, &options)
        .unwrap()
        .figures
}

fn figure(options: FigureOptions, id: &str) -> Figure {
    let all = figures(options);
    let ids: Vec<String> = all.iter().map(|figure| figure.id.clone()).collect();
    let found = all.into_iter().find(|figure| figure.id == id);
    found.unwrap_or_else(|| panic!("{id} of {ids:?}"))
}

fn default() -> FigureOptions {
    FigureOptions::default()
}

/// What `report` with these flags writes into `figures` of a copy of the sweep.
fn written(flags: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let out = SWEPT.path().join("out");
    for name in [
        "experiment.toml",
        "manifest.json",
        "rows.jsonl",
        "confusion.csv",
    ] {
        std::fs::copy(out.join(name), folder.path().join(name)).unwrap();
    }
    let arguments = [&["report", ".", "--quiet"], flags].concat();
    ok(folder.path(), &arguments);
    folder
}

/// The number behind `key` in a picture's first line.
fn size(svg: &str, key: &str) -> f64 {
    let text = svg.split(&format!(" {key}=\"")).nth(1).unwrap();
    let text = text.split('"').next().unwrap();
    text.trim_end_matches("mm").parse().unwrap()
}

/// Four bytes of a PNG as a number.
fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap())
}

#[test]
fn files_have_the_width_that_is_asked_for_and_pdf_holds_its_font() {
    let folder = written(&["--format", "pdf,svg,png", "--width", "85mm"]);
    let read = |ending: &str| {
        std::fs::read(folder.path().join(format!("figures/{MAIN}.{ending}"))).unwrap()
    };
    let svg = String::from_utf8(read("svg")).unwrap();
    assert_eq!(size(&svg, "width"), 85.0);
    let height_mm = size(&svg, "height");
    // PNG has 300 pixels to the inch, and says so: 11811 to the meter.
    let png = read("png");
    assert_eq!(&png[1..4], b"PNG");
    assert_eq!(number(&png, 16), (85.0f64 / 25.4 * 300.0).round() as u32);
    assert!((f64::from(number(&png, 20)) - height_mm / 25.4 * 300.0).abs() < 1.0);
    let at = png.windows(4).position(|name| name == b"pHYs").unwrap();
    assert_eq!([number(&png, at + 4), number(&png, at + 8)], [11811; 2]);
    // PDF counts in points of 1/72 inch.
    let pdf = read("pdf");
    assert!(pdf.starts_with(b"%PDF"));
    let text = String::from_utf8_lossy(&pdf);
    let page = text.split("/MediaBox").nth(1).unwrap();
    let page = page.split(['[', ']']).nth(1).unwrap();
    let page: Vec<f64> = page
        .split_whitespace()
        .map(|side| side.parse().unwrap())
        .collect();
    assert!((page[2] - 85.0 / 25.4 * 72.0).abs() < 0.01, "{page:?}");
    assert!((page[3] - height_mm / 25.4 * 72.0).abs() < 0.05, "{page:?}");
    assert!(text.contains("DejaVuSansCondensed") && text.contains("/ToUnicode"));
    assert!(
        !text.contains("/Subtype /Image") && !text.contains("/Subtype/Image"),
        "it is vectors"
    );
    // The page links them all.
    let html = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    for ending in ["pdf", "svg", "png"] {
        assert!(html.contains(&format!("<a href=\"figures/{MAIN}.{ending}\">")));
    }
}

#[test]
fn the_same_folder_gives_the_same_bytes_and_other_formats_replace_those_of_before() {
    let folder = written(&["--format", "pdf,png"]);
    let file = folder.path().join(format!("figures/{MAIN}.pdf"));
    let first = std::fs::read(&file).unwrap();
    ok(
        folder.path(),
        &["report", ".", "--quiet", "--format", "pdf"],
    );
    assert_eq!(std::fs::read(&file).unwrap(), first);
    let kinds = |ending: &str| {
        let files = folder.path().join("figures").read_dir().unwrap();
        files
            .filter(|file| file.as_ref().unwrap().path().extension() == Some(ending.as_ref()))
            .count()
    };
    assert_eq!([kinds("png"), kinds("svg")], [0, 0]);
    ok(folder.path(), &["report", ".", "--quiet"]);
    assert!(kinds("pdf") == 0 && kinds("svg") > 5);
}

/// At 85 mm, 392 px, a letter of 13 px has 8 points; large pictures shrink to the width.
#[test]
fn a_width_lays_charts_out_anew_and_no_figure_is_wider() {
    let wide = figure(default(), MAIN);
    let narrow = figure(
        FigureOptions {
            width_mm: Some(85.0),
            ..default()
        },
        MAIN,
    );
    assert_eq!(size(&wide.svg, "width"), 480.0);
    let px = size(&narrow.svg, "width");
    assert!((px * 8.0 / 13.0 / 72.0 * 25.4 - 85.0).abs() < 0.01, "{px}");
    assert_eq!(wide.table, narrow.table);
    let folder = written(&["--width", "85mm"]);
    for file in folder.path().join("figures").read_dir().unwrap() {
        let path = file.unwrap().path();
        if path.extension() == Some("svg".as_ref()) {
            let svg = std::fs::read_to_string(&path).unwrap();
            assert!(size(&svg, "width") <= 85.0, "{}", path.display());
        }
    }
}

/// Names of lines that differ at their end alone must be read to their end.
#[test]
fn no_letter_is_cut_off_at_any_width() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["digits.program.safetensors", "digits-test.npz"] {
        std::fs::copy(Path::new(DEMO).join(name), folder.path().join(name)).unwrap();
    }
    let zip = r#"
correct = ["none", "local"]
[[zip]]
"phase_shifter.phase_error_rad" = [0.0, 0.02]
"phase_shifter.dac_bits" = ["none", 8]
"#;
    let axes = EXPERIMENT.split("\"phase_shifter").next().unwrap();
    let axes = axes.replace("limit = 60\ntrials = 5", "limit = 5\ntrials = 1");
    std::fs::write(folder.path().join("e.toml"), axes + zip).unwrap();
    ok(
        folder.path(),
        &["sweep", "e.toml", "--out", "out", "--quiet"],
    );
    let mut reading = usvg::Options {
        font_family: "DejaVu Sans Condensed".into(),
        ..usvg::Options::default()
    };
    let font = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/cli/report/font/DejaVuSansCondensed.ttf"
    );
    let fonts = reading.fontdb_mut();
    fonts.load_font_file(font).unwrap();
    fonts.set_sans_serif_family("DejaVu Sans Condensed");
    let mut cut = Vec::new();
    for width_mm in [60.0, 85.0, 180.0] {
        let options = FigureOptions {
            width_mm: Some(width_mm),
            ..default()
        };
        let all = render(&folder.path().join("out"), None, &options).unwrap();
        for figure in &all.figures {
            let tree = usvg::Tree::from_str(&figure.svg, &reading).unwrap();
            let mut texts = Vec::new();
            find_texts(tree.root(), &mut texts);
            assert!(texts.len() > 5, "{}", figure.id);
            for (text, place) in texts {
                let size = tree.size();
                // A place has the room beside its letters.
                let is_inside = place.left() >= -1.0
                    && place.top() >= -1.0
                    && place.right() <= size.width() + 1.0
                    && place.bottom() <= size.height() + 1.0;
                if !is_inside {
                    cut.push(format!(
                        "{width_mm} {} {text}: {place:?} {size:?}",
                        figure.id
                    ));
                }
            }
        }
    }
    assert!(cut.is_empty(), "{}", cut.join("\n"));
}

/// Every text of `group` with its place on the page.
fn find_texts(group: &usvg::Group, found: &mut Vec<(String, usvg::Rect)>) {
    for node in group.children() {
        match node {
            usvg::Node::Group(group) => find_texts(group, found),
            usvg::Node::Text(text) => {
                let parts: Vec<&str> = text.chunks().iter().map(|chunk| chunk.text()).collect();
                found.push((parts.concat(), text.abs_bounding_box()));
            }
            _ => {}
        }
    }
}

#[test]
fn bands_end_at_the_quantiles_that_are_asked_for() {
    let found = figure(
        FigureOptions {
            quantiles: [0.1, 0.95],
            ..default()
        },
        MAIN,
    );
    let names: Vec<&str> = found.table.columns.iter().map(String::as_str).collect();
    assert!(names.contains(&"p10") && names.contains(&"p95") && !names.contains(&"p20"));
    let at = |name: &str| names.iter().position(|column| *column == name).unwrap();
    let text = std::fs::read_to_string(SWEPT.path().join("out/rows.jsonl")).unwrap();
    let rows: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for row in &found.table.rows {
        let [sigma, phase] = [0, 1].map(|column| serde_json::to_value(&row[column]).unwrap());
        let is_here = |row: &&serde_json::Value| {
            row["coupler.splitting_error_rad"] == sigma
                && row["phase_shifter.phase_error_rad"] == phase
        };
        let scores: Vec<f64> = rows
            .iter()
            .filter(is_here)
            .map(|row| row["accuracy"].as_f64().unwrap())
            .collect();
        assert_eq!(scores.len(), 5);
        let expected = quantiles(&scores, &[0.1, 0.95]);
        assert_eq!(
            [&row[at("p10")], &row[at("p95")]],
            [&Cell::Float(expected[0]), &Cell::Float(expected[1])]
        );
    }
}

#[test]
fn labels_and_limits_are_those_of_the_score_along_the_main_axis_alone() {
    let options = FigureOptions {
        xlabel: Some("σ_{BS} (rad)".into()),
        ylabel: Some("test accuracy <%>".into()),
        xlim: Some([0.0, 0.06]),
        ylim: Some([50.0, 100.0]),
        ..default()
    };
    let own = figures(default());
    for (changed, own) in figures(options).iter().zip(&own) {
        assert_eq!(changed.table, own.table);
        if changed.id != MAIN {
            assert_eq!(changed.svg, own.svg, "{}", own.id);
            continue;
        }
        assert!(
            changed.svg.contains(">BS</tspan>")
                && changed.svg.contains(">test accuracy &lt;%&gt;<")
        );
        assert!(!changed.svg.contains("of the coupler angle, rad"));
        // The mark at 0.1 lies outside: no place to point at, of four lines.
        let marks = |svg: &str| svg.matches("class=\"mark\"").count();
        assert!(marks(&changed.svg) <= marks(&own.svg) - 4);
        assert!(changed.svg.contains("clip-path") && !own.svg.contains("clip-path"));
        assert!(changed.svg.contains(">50</text>") && changed.svg.contains(">100</text>"));
    }
}

#[test]
fn a_logarithmic_axis_has_the_marks_of_factors() {
    let options = FigureOptions {
        log_y: true,
        ylim: Some([1.0, 100.0]),
        ..default()
    };
    let svg = figure(options, MAIN).svg;
    let height = |text: &str| {
        let line = svg.lines().find(|line| {
            line.ends_with(&format!(">{text}</text>")) && line.contains("text-anchor=\"end\"")
        });
        size(line.unwrap_or_else(|| panic!("{text} of {svg}")), "y")
    };
    let [one, ten, hundred] = ["1", "10", "100"].map(height);
    assert!(
        ((one - ten) - (ten - hundred)).abs() < 0.02,
        "{one} {ten} {hundred}"
    );
}

#[test]
fn the_axis_that_is_asked_for_becomes_lines() {
    let lines = Some("coupler.splitting_error_rad".to_owned());
    let all = figures(FigureOptions { lines, ..default() });
    let first = &all[0];
    assert_eq!(first.id, "accuracy-phase-shifter-phase-error-rad");
    assert_eq!(
        first.table.columns[..2],
        [
            "phase_shifter.phase_error_rad",
            "coupler.splitting_error_rad"
        ]
    );
    assert!(first.svg.contains(">σ coupler 0.06 rad<"));
}

#[test]
fn yields_allow_and_maps_show_what_is_asked_for() {
    let yield_of = |within: Option<f64>| -> Vec<Cell> {
        let table = figure(
            FigureOptions {
                within,
                ..default()
            },
            "yield-coupler-splitting-error-rad",
        )
        .table;
        let at = table
            .columns
            .iter()
            .position(|name| name == "yield")
            .unwrap();
        table.rows.iter().map(|row| row[at].clone()).collect()
    };
    let all_chips = vec![Cell::Float(1.0); 16];
    assert_eq!(yield_of(Some(1.0)), all_chips);
    assert_ne!(yield_of(None), all_chips);
    let title = figure(
        FigureOptions {
            within: Some(0.005),
            ..default()
        },
        "yield-coupler-splitting-error-rad",
    )
    .title;
    assert!(title.ends_with("chips within 0.5 % of digital"), "{title}");
    // The share of chips in a map is that of the figure of yields; the median lies between two quantiles.
    let map = |map: MapOf| figure(FigureOptions { map, ..default() }, MAP).table;
    let column = |table: &lightloom::report::Table| -> Vec<f64> {
        let values = table.rows.iter().map(|row| match row[3] {
            Cell::Float(value) => value,
            ref other => panic!("{other:?}"),
        });
        values.collect()
    };
    assert_eq!(map(MapOf::Yield).columns[3], "yield");
    let mut shares: Vec<f64> = column(&map(MapOf::Yield));
    let mut expected: Vec<f64> = yield_of(None)
        .iter()
        .map(|cell| match cell {
            Cell::Float(value) => *value,
            other => panic!("{other:?}"),
        })
        .collect();
    shares.sort_by(f64::total_cmp);
    expected.sort_by(f64::total_cmp);
    assert_eq!(shares, expected);
    let [low, median, high] = [0.1, 0.5, 0.9].map(|share| map(MapOf::Quantile(share)));
    assert_eq!(
        [&low, &median, &high].map(|table| table.columns[3].as_str()),
        ["p10", "median", "p90"]
    );
    let [low, median, high] = [low, median, high].map(|table| column(&table));
    assert!(
        low.iter()
            .zip(&median)
            .zip(&high)
            .all(|((a, b), c)| a <= b && b <= c)
    );
    assert!(low != high);
}

/// Digital is at most 100 %, the worst square far below: a scale to round numbers would leave colours without data.
#[test]
fn the_colours_of_a_map_end_where_its_data_do() {
    let found = figure(default(), MAP);
    let fills: Vec<&str> = found
        .svg
        .lines()
        .filter(|line| line.starts_with("<rect class=\"mark\""))
        .map(|line| {
            line.split("fill=\"")
                .nth(1)
                .unwrap()
                .split('"')
                .next()
                .unwrap()
        })
        .collect();
    assert_eq!(fills.len(), 16);
    // The ends of the bar of colours are the colours of the worst and the best square.
    let bar = found.svg.split("class=\"colorbar\"").nth(1).unwrap();
    let bar: Vec<&str> = bar
        .lines()
        .filter(|line| line.starts_with("<rect"))
        .map(|line| {
            line.split("fill=\"")
                .nth(1)
                .unwrap()
                .split('"')
                .next()
                .unwrap()
        })
        .collect();
    let near = |a: &str, b: &str| {
        let channels =
            |text: &str| [1, 3, 5].map(|at| i32::from_str_radix(&text[at..at + 2], 16).unwrap());
        channels(a)
            .iter()
            .zip(channels(b))
            .all(|(a, b)| (a - b).abs() <= 4)
    };
    for end in [bar[0], bar[bar.len() - 1]] {
        assert!(
            fills.iter().any(|fill| near(fill, end)),
            "{end} of {fills:?}"
        );
    }
}

/// Letters that lie on the line would break it or be unread.
#[test]
fn the_contour_of_a_map_runs_from_edge_to_edge_beside_the_numbers() {
    let svg = figure(default(), MAP).svg;
    let line = svg
        .lines()
        .find(|line| line.contains("class=\"contour\""))
        .unwrap();
    let path = line
        .split(" d=\"")
        .nth(1)
        .or(line.split("<path d=\"").nth(1))
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let ends: Vec<[f64; 2]> = path
        .split(['M', 'L'])
        .filter(|part| !part.is_empty())
        .map(|part| {
            let numbers: Vec<f64> = part
                .split(' ')
                .map(|number| number.parse().unwrap())
                .collect();
            [numbers[0], numbers[1]]
        })
        .collect();
    let squares: Vec<[f64; 4]> = svg
        .lines()
        .filter(|line| line.starts_with("<rect class=\"mark\""))
        .map(|line| ["x", "y", "width", "height"].map(|key| size(line, key)))
        .collect();
    let edges = squares.iter().fold(
        [f64::INFINITY, f64::INFINITY, 0.0, 0.0],
        |[l, t, r, b], [x, y, w, h]| [l.min(*x), t.min(*y), f64::max(r, x + w), f64::max(b, y + h)],
    );
    let on_edge = |[x, y]: &[f64; 2]| {
        let near = |a: f64, b: f64| (a - b).abs() < 0.02;
        near(*x, edges[0]) || near(*x, edges[2]) || near(*y, edges[1]) || near(*y, edges[3])
    };
    assert_eq!(ends.iter().filter(|end| on_edge(end)).count(), 2, "{path}");
    // No white ground covers it.
    let after = svg.split("class=\"contour\"").last().unwrap();
    assert!(
        !after
            .split("class=\"colorbar\"")
            .next()
            .unwrap()
            .contains("<rect")
    );
}

#[test]
fn bands_that_would_cover_each_other_are_left_to_the_table() {
    let bands = |figure: &Figure| {
        let group = figure.svg.split("class=\"bands\"").nth(1).unwrap();
        group.split("</g>").next().unwrap().matches("<path").count()
    };
    let all = figures(default());
    let find = |id: &str| all.iter().find(|figure| figure.id == id).unwrap();
    assert_eq!(bands(find(MAIN)), 0);
    assert!(find(MAIN).caption.contains("quantile are in the table"));
    let staircase = find("yield");
    assert_eq!(bands(staircase), 0);
    assert!(staircase.caption.contains("Wilson is in the table"));
}

const LONG: &str = "spread of the splitting angle of all couplers of the chip, rad";

#[test]
fn a_setting_that_cannot_be_is_refused_in_one_sentence() {
    let folder = SWEPT.path();
    let before = folder.join("out/report.html").exists();
    for flags in [
        &["--format", "eps"][..],
        &["--quantiles", "0.6,0.9"],
        &["--quantiles", "0.1"],
        &["--quantiles=-0.1,0.9"],
        &["--width", "85"],
        &["--width", "5mm"],
        &["--width", "nanmm"],
        &["--xlim", "1,0"],
        &["--ylim", "0,100", "--log-y"],
        &["--ylim", "a,b"],
        &["--lines", "correct"],
        &["--within", "0"],
        &["--within", "200%"],
        &["--within", "1"],
        &["--within", "50"],
        &["--ylim", "0.8,1.0"],
        &["--xlim", "1,2"],
        &["--xlabel", r"$\sigma_\alpha$"],
        &["--ylabel", r"\alpha"],
        &["--width", "60mm", "--xlabel", LONG],
        &["--width", "60mm", "--ylabel", LONG],
        &["--map", "1.5"],
        &["--map", "best"],
    ] {
        refused(folder, &[&["report", "out"], flags].concat());
        assert_eq!(folder.join("out/report.html").exists(), before, "{flags:?}");
    }
}
