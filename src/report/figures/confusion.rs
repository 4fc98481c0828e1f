//! Which class is taken for which.

mod class_names;
mod picture;

use crate::report::plot::style::FONT;
use crate::report::plot::words::percent;
use std::collections::HashMap;

use self::class_names::ClassNames;
use self::picture::picture;

use crate::experiment::stats::Confusion;
use crate::io::record::Cell;
use crate::report::plot::bars::{self, Bar};
use crate::report::plot::color::{Rgb, light, sequential};
use crate::report::plot::figure::Figure;
use crate::report::plot::svg::escape;
use crate::report::plot::table::Table;
use crate::report::sweep::choice::place;
use crate::report::sweep::results::{PointTrials, Results};

/// The most points that a page offers.
const CHOICES: usize = 200;
/// Classes of a picture of class-wise losses at most.
const MOST_BARS: usize = 26;
/// What names of classes may take beside a figure, px.
const OF_NAMES: f64 = 110.0;

/// The matrices of one point: its chips', and that of the network in digital.
struct Matrices {
    chips: Confusion,
    digital: Confusion,
}

impl Matrices {
    /// What digital says of the data of `point`, and no chips yet.
    fn of_digital(results: &Results, point: &PointTrials, classes: usize) -> Self {
        let mut matrices = Self {
            chips: Confusion::new(classes),
            digital: Confusion::new(classes),
        };
        let reference = results.reference(point).into_iter();
        for (label, predicted, count) in reference.flat_map(|r| &r.digital_confusion) {
            matrices.digital.add(*label, *predicted, *count);
        }
        matrices
    }
}

/// The confusion matrix of the chips at one point beside that of digital, and a choice of the point.
pub(crate) fn matrix(results: &Results, focus: &PointTrials) -> Option<Figure> {
    if results.confusion.is_empty() {
        return None;
    }
    let references = results.manifest.references.iter();
    let classes = references.map(|reference| reference.classes).max()?;
    // Of very many points, evenly chosen ones; the file confusion.csv has all.
    let every = results.points.len().div_ceil(CHOICES);
    let is_offered =
        |(index, point): &(usize, &PointTrials)| index % every == 0 || point.number == focus.number;
    let offered = results.points.iter().enumerate().filter(is_offered);
    let mut all: Vec<(&PointTrials, Matrices)> = offered
        .map(|(_, point)| (point, Matrices::of_digital(results, point, classes)))
        .collect();
    let index_of: HashMap<usize, usize> = all
        .iter()
        .enumerate()
        .map(|(index, (point, _))| (point.number, index))
        .collect();
    for count in &results.confusion {
        if let Some(index) = index_of.get(&count.point) {
            all[*index]
                .1
                .chips
                .add(count.label, count.predicted, count.count);
        }
    }
    let names = ClassNames::of_all(results);
    let mut table = Table::new(["point", "by", "label", "predicted", "count"]);
    for (point, matrices) in &all {
        for (by, counts) in [("chips", &matrices.chips), ("digital", &matrices.digital)] {
            for (label, row) in rows(counts).into_iter().enumerate() {
                for (predicted, count) in
                    row.into_iter().enumerate().filter(|(_, count)| *count > 0)
                {
                    let [label, predicted] = [label, predicted].map(|class| names.cell(class));
                    let number = Cell::from(point.number);
                    table.push(vec![
                        number,
                        by.into(),
                        label,
                        predicted,
                        (count as usize).into(),
                    ]);
                }
            }
        }
    }
    let (_, shown) = all.iter().find(|(point, _)| point.number == focus.number)?;
    let title = "Which class is taken for which".to_owned();
    let caption = format!(
        "First the chips with {}, then the network in digital. Rows: the class that a sample has. Numbers and colours: \
         percent of the row; what is taken for another class has a scale of its own.",
        place(results, focus)
    );
    let width = results.options.width_mm.map(|_| results.options.width_px());
    let svg = picture(&title, &caption, shown, names, width);
    let mut figure = Figure::new("confusion".to_owned(), title, caption, svg, table);
    figure.is_wide = true;
    figure.control = control(results, focus, &all, classes, names);
    Some(figure)
}

/// Bars: what every class loses against digital, at the point where it is shown.
pub(crate) fn class_losses(results: &Results, focus: &PointTrials) -> Option<Figure> {
    if results.confusion.is_empty() {
        return None;
    }
    let references = results.manifest.references.iter();
    let classes = references.map(|reference| reference.classes).max()?;
    let mut matrices = Matrices::of_digital(results, focus, classes);
    for count in results
        .confusion
        .iter()
        .filter(|count| count.point == focus.number)
    {
        matrices
            .chips
            .add(count.label, count.predicted, count.count);
    }
    let losses = matrices.chips.loss_against(&matrices.digital);
    let recalls = matrices
        .chips
        .recall()
        .into_iter()
        .zip(matrices.digital.recall());
    let names = ClassNames::of(results, focus);
    let mut table = Table::new(["class", "recall_chips", "recall_digital", "loss"]);
    table.shares(&["recall_chips", "recall_digital", "loss"], 1);
    let mut bars = Vec::new();
    for (class, (loss, (chips, digital))) in losses.into_iter().zip(recalls).enumerate() {
        let cell = |share: Option<f64>| share.map_or(Cell::Null, Cell::from);
        let name = names.cell(class);
        table.push(vec![name, cell(chips), cell(digital), cell(loss)]);
        let Some(loss) = loss else {
            continue;
        };
        bars.push(Bar {
            name: [names.cut_in_words(class, FONT, OF_NAMES), String::new()],
            value: 100.0 * loss,
            interval: None,
            second: None,
            text: percent(loss, 1),
            says: format!(
                "{}: recall {} on chips, {} in digital",
                names.in_words(class),
                percent(chips.unwrap_or(0.0), 1),
                percent(digital.unwrap_or(0.0), 1)
            ),
        });
    }
    if bars.is_empty() || bars.len() > MOST_BARS {
        return None;
    }
    let title = "What each class loses".to_owned();
    let caption = format!(
        "Recall in digital less recall of the chips with {}: the share of a class’s samples that only digital gets right, less \
         those that only the chips get right.",
        place(results, focus)
    );
    let label = "recall lost, % of the class";
    let width = results.options.width_px();
    let svg = bars::draw(&title, &caption, label, None, &bars, width);
    Some(Figure::new(
        "class-losses".to_owned(),
        title,
        caption,
        svg,
        table,
    ))
}

/// The counts of every label, by class.
fn rows(counts: &Confusion) -> Vec<Vec<u64>> {
    let classes = counts.classes();
    let row = |label| {
        (0..classes)
            .map(|class| counts.count(label, class))
            .collect()
    };
    (0..classes).map(row).collect()
}

/// The share of a row in percent to one decimal, and how it is written: nothing where there is no sample. Halves are rounded
/// up, as the page's script does.
fn in_percent(row: &[u64], predicted: usize) -> (f64, String) {
    let all = row.iter().sum::<u64>().max(1) as f64;
    let count = row[predicted] as f64;
    let text = match 100.0 * count / all {
        0.0 => String::new(),
        percent if percent < 9.95 => format!("{:.1}", (1000.0 * count / all).round() / 10.0),
        _ => format!("{:.0}", (100.0 * count / all).round()),
    };
    ((1000.0 * count / all).round() / 10.0, text)
}

/// The colour of a share of a row, percent, where all that are off the diagonal are at most `most`.
fn color(percent: f64, is_diagonal: bool, most: f64) -> Rgb {
    let step = |share: f64| (100.0 * share).round() / 100.0;
    match is_diagonal {
        true => sequential(step(percent / 100.0)),
        false => light(step(percent / most)),
    }
}

/// The end of the scale off the diagonal, percent: the largest share there, rounded up, and at least 1.
fn most_off_diagonal(matrices: &Matrices) -> f64 {
    let shares = [&matrices.chips, &matrices.digital]
        .into_iter()
        .flat_map(|counts| {
            let rows = rows(counts).into_iter().enumerate();
            rows.flat_map(|(label, row)| {
                let others = (0..row.len()).filter(move |predicted| *predicted != label);
                let shares: Vec<f64> = others.map(|other| in_percent(&row, other).0).collect();
                shares
            })
        });
    shares.fold(1.0, f64::max).ceil()
}

/// A list of the points, shown where scripts run, and the counts that it switches between.
fn control(
    results: &Results,
    focus: &PointTrials,
    all: &[(&PointTrials, Matrices)],
    classes: usize,
    names: ClassNames<'_>,
) -> String {
    let mut html = "<p class=\"choice\" hidden><label for=\"confusion-point\">Chips with</label> \
                    <select id=\"confusion-point\">\n"
        .to_owned();
    for (point, _) in all {
        let chosen = match point.number == focus.number {
            true => " selected",
            false => "",
        };
        html.push_str(&format!(
            "<option value=\"{}\"{chosen}>{}</option>\n",
            point.number,
            escape(&place(results, point))
        ));
    }
    html.push_str("</select></p>\n<script type=\"application/json\" id=\"confusion-data\">");
    let counts: serde_json::Map<String, serde_json::Value> = all
        .iter()
        .map(|(point, matrices)| {
            let flat = serde_json::json!({
                "chips": rows(&matrices.chips).concat(),
                "digital": rows(&matrices.digital).concat(),
            });
            (point.number.to_string(), flat)
        })
        .collect();
    let colors = |is_diagonal: bool| -> Vec<[String; 2]> {
        (0..=100)
            .map(|percent| color(f64::from(percent), is_diagonal, 100.0))
            .map(|color| [color.hex(), color.ink().to_owned()])
            .collect()
    };
    let colors = [true, false].map(colors);
    // Numbers and colours, and names without any `<`: no text of a file can end the element.
    let data = serde_json::json!({"classes": classes, "counts": counts, "colors": colors});
    let data = data.to_string();
    let inner = data.strip_suffix('}').expect("it is an object");
    html.push_str(&format!("{inner},\"names\":{}}}", names.json()));
    html.push_str("</script>\n");
    html
}
