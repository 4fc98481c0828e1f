//! Which class is taken for which.

use super::chart::{FONT, text_width};
use super::color::sequential;
use super::draw::INK;
use super::figure::Figure;
use super::group::valued;
use super::scale::percent;
use super::svg::{Svg, escape, number};
use super::sweep::{Point, Sweep};
use super::table::Table;

/// Side of a matrix, px.
const SIDE: f64 = 400.0;
const LEFT: f64 = 66.0;
const TOP: f64 = 44.0;

/// The confusion matrix of the chips of one point, and a choice of the point.
pub(super) fn matrix(sweep: &Sweep, focus: &Point) -> Option<Figure> {
    let classes = sweep
        .confusion
        .iter()
        .map(|count| count.label.max(count.predicted) + 1)
        .max()?;
    let mut table = Table::new(["point", "label", "predicted", "count"]);
    let mut shares = Vec::new();
    for point in &sweep.points {
        let counts = counts(sweep, point, classes);
        for (label, row) in counts.iter().enumerate() {
            for (predicted, count) in row.iter().enumerate().filter(|(_, count)| **count > 0) {
                let numbers = [point.number, label, predicted, *count as usize];
                table.push(numbers.map(Into::into).to_vec());
            }
        }
        shares.push((point, counts));
    }
    let (_, counts) = shares
        .iter()
        .find(|(point, _)| point.number == focus.number)?;
    let title = "Which class is taken for which".to_owned();
    let place = place(sweep, focus);
    let caption = format!(
        "Rows: the class that a sample has. Columns: the class that the chips say. Numbers and colours: percent of the row, \
         over all {} chips. On file: {place}.",
        focus.trials.len()
    );
    let svg = picture(&title, &caption, counts);
    let mut figure = Figure::new("confusion".to_owned(), title, caption, svg, table);
    figure.control = control(sweep, focus, &shares, classes);
    Some(figure)
}

/// Where a point lies, in words.
pub(super) fn place(sweep: &Sweep, point: &Point) -> String {
    let words: Vec<String> = (sweep.axes.iter().zip(&point.at))
        .filter(|(axis, _)| axis.len() > 1)
        .map(|(axis, index)| valued(axis, *index))
        .collect();
    match words.is_empty() {
        true => "the only point".to_owned(),
        false => words.join(", "),
    }
}

fn counts(sweep: &Sweep, point: &Point, classes: usize) -> Vec<Vec<u64>> {
    let mut counts = vec![vec![0; classes]; classes];
    for count in sweep
        .confusion
        .iter()
        .filter(|count| count.point == point.number)
    {
        counts[count.label][count.predicted] += count.count;
    }
    counts
}

/// The share of a row, and how it is written: nothing where it is 0.
fn share(row: &[u64], predicted: usize) -> (f64, String) {
    let all: u64 = row.iter().sum();
    let share = row[predicted] as f64 / all.max(1) as f64;
    let text = match 100.0 * share {
        0.0 => String::new(),
        share if share < 9.95 => format!("{share:.1}"),
        share => format!("{share:.0}"),
    };
    (share, text)
}

fn picture(title: &str, caption: &str, counts: &[Vec<u64>]) -> String {
    let classes = counts.len();
    let side = SIDE / classes as f64;
    let mut svg = Svg::document(LEFT + SIDE + 20.0, TOP + SIDE + 16.0, title, caption);
    let small = number((0.36 * side).clamp(5.0, 12.0));
    svg.open("g", &[("font-size", &small), ("text-anchor", "middle")]);
    for (label, row) in counts.iter().enumerate() {
        for predicted in 0..classes {
            let (share, text) = share(row, predicted);
            let color = sequential(share);
            let (x, y) = (LEFT + side * predicted as f64, TOP + side * label as f64);
            let edge = number(side - 1.0);
            svg.open(
                "g",
                &[
                    ("class", "mark"),
                    ("data-cell", &format!("{label}-{predicted}")),
                ],
            );
            let says = format!(
                "class {label} taken for {predicted}: {} ({} samples)",
                percent(share),
                row[predicted]
            );
            svg.content("title", &[], &says);
            let (px, py) = (number(x), number(y));
            svg.empty(
                "rect",
                &[
                    ("x", &px),
                    ("y", &py),
                    ("width", &edge),
                    ("height", &edge),
                    ("fill", &color.hex()),
                ],
            );
            svg.label(
                x + side / 2.0 - 0.5,
                y + 0.62 * side,
                &[("fill", color.ink())],
                &text,
            );
            svg.close();
        }
    }
    svg.close();
    let size = number(FONT.min(0.8 * side).max(5.0));
    svg.open("g", &[("font-size", &size), ("fill", INK)]);
    for class in 0..classes {
        let middle = side * (class as f64 + 0.5);
        let text = class.to_string();
        svg.label(
            LEFT + middle,
            TOP - 8.0,
            &[("text-anchor", "middle")],
            &text,
        );
        svg.label(
            LEFT - 9.0,
            TOP + middle + 4.5,
            &[("text-anchor", "end")],
            &text,
        );
    }
    svg.close();
    let size = number(FONT);
    svg.open(
        "g",
        &[
            ("font-size", &size),
            ("fill", INK),
            ("text-anchor", "middle"),
        ],
    );
    svg.label(LEFT + SIDE / 2.0, 16.0, &[], "class that the chips say");
    let (x, y) = (18.0, TOP + SIDE / 2.0);
    let turn = format!("rotate(-90 {x} {})", number(y));
    svg.label(x, y, &[("transform", &turn)], "class of the sample");
    svg.close();
    debug_assert!(text_width("class of the sample", FONT) < SIDE);
    svg.finish()
}

/// A list of the points, shown where scripts run, and the counts that it switches between.
fn control(
    sweep: &Sweep,
    focus: &Point,
    all: &[(&Point, Vec<Vec<u64>>)],
    classes: usize,
) -> String {
    let mut html = "<p class=\"choice\" hidden><label for=\"confusion-point\">Chips with</label> \
                    <select id=\"confusion-point\">\n"
        .to_owned();
    for (point, _) in all {
        let chosen = if point.number == focus.number {
            " selected"
        } else {
            ""
        };
        html.push_str(&format!(
            "<option value=\"{}\"{chosen}>{}</option>\n",
            point.number,
            escape(&place(sweep, point))
        ));
    }
    html.push_str("</select></p>\n<script type=\"application/json\" id=\"confusion-data\">");
    let counts: serde_json::Map<String, serde_json::Value> = all
        .iter()
        .map(|(point, counts)| (point.number.to_string(), serde_json::json!(counts.concat())))
        .collect();
    let colors: Vec<[String; 2]> = (0..=100)
        .map(|step| sequential(f64::from(step) / 100.0))
        .map(|color| [color.hex(), color.ink().to_owned()])
        .collect();
    let data = serde_json::json!({"classes": classes, "counts": counts, "colors": colors});
    // No text of a file is in it: numbers and colours only.
    html.push_str(&data.to_string());
    html.push_str("</script>\n");
    html
}
