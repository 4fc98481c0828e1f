//! Which class is taken for which.

mod class_names;

use crate::report::plot::style::{FONT, INK, text_width};
use crate::report::plot::words::percent;
use crate::units::counted;
use std::collections::HashMap;

use self::class_names::ClassNames;

use crate::experiment::stats::Confusion;
use crate::io::record::Cell;
use crate::report::plot::bars::{self, Bar};
use crate::report::plot::color::{Rgb, light, sequential};
use crate::report::plot::figure::Figure;
use crate::report::plot::svg::{Svg, escape, number};
use crate::report::plot::table::Table;
use crate::report::sweep::choice::place;
use crate::report::sweep::results::{PointTrials, Results};

/// The most points that a page offers.
const CHOICES: usize = 200;
/// Classes of a picture of class-wise losses at most.
const MOST_BARS: usize = 26;
/// Side of a matrix on a page, px.
const SIDE: f64 = 400.0;
/// Side of a matrix beside another one on paper at least, px; narrower figures have one below the other.
const LEAST_SIDE: f64 = 250.0;
/// Left of a matrix whose classes are numbers, px, and what longer names may take there.
const LEFT: f64 = 66.0;
const OF_NUMBERS: f64 = 24.0;
const OF_NAMES: f64 = 110.0;
const TOP: f64 = 44.0;
/// Between two matrices, px: side by side without longer names, and one below the other.
const GAP: f64 = 50.0;
const BELOW: f64 = 60.0;
const RIGHT: f64 = 16.0;

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
        "Left: the chips with {}. Right: the network in digital. Rows: the class that a sample has. Numbers and colours: \
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

/// Side of both matrices, px, and the upper left corner of each.
struct Places {
    side: f64,
    corners: [[f64; 2]; 2],
}

impl Places {
    /// For names that take `more` px than numbers do, of a figure of `width` px on paper, or on a page.
    fn new(more: f64, width: Option<f64>) -> Self {
        let (left, gap) = (LEFT + more, GAP + more);
        let beside = width.map_or(SIDE, |width| 0.5 * (width - left - gap - RIGHT));
        let second = |side: f64| [left + side + gap, TOP];
        match width {
            Some(width) if beside < LEAST_SIDE => {
                let side = width - left - RIGHT;
                Self {
                    side,
                    corners: [[left, TOP], [left, TOP + side + BELOW]],
                }
            }
            _ => Self {
                side: beside,
                corners: [[left, TOP], second(beside)],
            },
        }
    }

    /// Where the figure ends on the right and where its matrices end below.
    fn ends(&self) -> [f64; 2] {
        let [_, [left, top]] = self.corners;
        [left + self.side + RIGHT, top + self.side]
    }
}

fn picture(
    title: &str,
    caption: &str,
    matrices: &Matrices,
    names: ClassNames<'_>,
    width: Option<f64>,
) -> String {
    let more = names.widest(matrices.chips.classes(), FONT, OF_NAMES) - OF_NUMBERS;
    let places = Places::new(more.max(0.0), width);
    let [right, bottom] = places.ends();
    let most = most_off_diagonal(matrices);
    let [[left, top], _] = places.corners;
    let scales = Scales::new(left, bottom, right, most);
    let mut svg = Svg::document(right, scales.bottom(), title, caption);
    let panels = [
        ("chips", "class that the chips say", &matrices.chips),
        ("digital", "class that digital says", &matrices.digital),
    ];
    for ((id, heading, counts), corner) in panels.into_iter().zip(places.corners) {
        let place = (corner, places.side);
        panel(&mut svg, place, [id, heading], counts, most, names);
    }
    scales.draw(&mut svg);
    let (x, y) = (18.0, top + 0.5 * (bottom - top));
    let turn = format!("rotate(-90 {x} {})", number(y));
    let size = number(FONT);
    let upright = [
        ("transform", turn.as_str()),
        ("text-anchor", "middle"),
        ("font-size", &size),
        ("fill", INK),
    ];
    svg.label(x, y, &upright, "class of the sample");
    svg.finish()
}

/// The colours on and off the diagonal, below the matrices: beside each other where the figure is wide enough.
struct Scales {
    names: [(&'static str, String); 2],
    corners: [[f64; 2]; 2],
    /// Length of a scale, px: shorter where its name would not fit beside it.
    length: f64,
}

impl Scales {
    const STEPS: u32 = 40;
    const LENGTH: f64 = 120.0;
    /// From the right of a scale to its name, px.
    const GAP: f64 = 10.0;
    const LINE: f64 = 20.0;

    fn new(left: f64, bottom: f64, right: f64, most: f64) -> Self {
        let names = [
            ("right", "right, 0 to 100 %".to_owned()),
            ("most", format!("taken for another, 0 to {most} %")),
        ];
        let y = bottom + 20.0;
        let widths = names.each_ref().map(|(_, name)| text_width(name, FONT));
        let room = right - left - Self::GAP - f64::max(widths[0], widths[1]);
        let length = room.clamp(10.0, Self::LENGTH);
        let [first, second] = widths.map(|width| length + Self::GAP + width);
        let beside = left + first + 40.0;
        let corners = match beside + second <= right {
            true => [[left, y], [beside, y]],
            false => [[left, y], [left, y + Self::LINE]],
        };
        Self {
            names,
            corners,
            length,
        }
    }

    /// Where the figure ends below.
    fn bottom(&self) -> f64 {
        self.corners[1][1] + 26.0
    }

    fn draw(&self, svg: &mut Svg) {
        let size = number(FONT);
        let step_px = self.length / f64::from(Self::STEPS);
        for ((class, name), [x, y]) in self.names.iter().zip(self.corners) {
            for step in 0..Self::STEPS {
                let share = (f64::from(step) + 0.5) / f64::from(Self::STEPS);
                let fill = color(100.0 * share, *class == "right", 100.0).hex();
                svg.pill(
                    [x + step_px * f64::from(step), y, step_px + 0.5, 12.0],
                    0.0,
                    &[("fill", &fill)],
                );
            }
            let look = [
                ("class", *class),
                ("font-size", size.as_str()),
                ("fill", INK),
            ];
            svg.label(x + self.length + Self::GAP, y + 4.5, &look, name);
        }
    }
}

/// One matrix at its upper left corner, of a given side.
fn panel(
    svg: &mut Svg,
    ([left, top], matrix): ([f64; 2], f64),
    [id, heading]: [&str; 2],
    counts: &Confusion,
    most: f64,
    names: ClassNames<'_>,
) {
    let classes = counts.classes();
    let side = matrix / classes as f64;
    let small = number((0.33 * side).clamp(4.0, 12.0));
    svg.open("g", &[("font-size", &small), ("text-anchor", "middle")]);
    for (label, row) in rows(counts).iter().enumerate() {
        for predicted in 0..classes {
            let (rounded, text) = in_percent(row, predicted);
            let color = color(rounded, label == predicted, most);
            let (x, y) = (left + side * predicted as f64, top + side * label as f64);
            let edge = number(side - 1.0);
            let cell = format!("{id}-{label}-{predicted}");
            svg.open("g", &[("class", "mark"), ("data-cell", &cell)]);
            let says = format!(
                "{id}: {} taken for {}: {rounded:.1} % ({})",
                names.in_words(label),
                names.name(predicted),
                counted(row[predicted] as usize, "sample")
            );
            svg.content("title", &[], &says);
            let square = [
                ("x", number(x)),
                ("y", number(y)),
                ("width", edge.clone()),
                ("height", edge),
                ("fill", color.hex()),
            ];
            let square: Vec<(&str, &str)> = square.iter().map(|(k, v)| (*k, v.as_str())).collect();
            svg.empty("rect", &square);
            let ink = [("fill", color.ink())];
            svg.label(x + side / 2.0 - 0.5, y + 0.62 * side, &ink, &text);
            svg.close();
        }
    }
    svg.close();
    let font = FONT.min(0.8 * side).max(5.0);
    let size = number(font);
    svg.open("g", &[("font-size", &size), ("fill", INK)]);
    for class in 0..classes {
        let middle = side * (class as f64 + 0.5);
        let [above, beside] = [side - 4.0, OF_NAMES].map(|most| names.cut(class, font, most));
        svg.centred(left + middle, top - 8.0, &above);
        svg.before(left - 9.0, top + middle + 4.5, &beside);
    }
    svg.close();
    let size = number(FONT);
    let middle = [
        ("font-size", size.as_str()),
        ("fill", INK),
        ("text-anchor", "middle"),
    ];
    svg.label(left + matrix / 2.0, top - 28.0, &middle, heading);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// 85 mm at 8 pt are 391 px, 170 mm are 783.
    #[test]
    fn matrices_of_a_column_of_paper_stand_one_below_the_other() {
        for (width, is_beside) in [(276.4, false), (391.5, false), (783.0, true)] {
            let Places { side, corners } = Places::new(0.0, Some(width));
            let [[left, top], [next, below]] = corners;
            assert_eq!(below == top, is_beside);
            assert!(next + side <= width && left + side <= width);
            let [right, bottom] = Places::new(0.0, Some(width)).ends();
            assert!((right - width).abs() < 1e-9, "{right}");
            let scales = Scales::new(left, bottom, right, 12.0);
            for ([x, _], (_, name)) in scales.corners.iter().zip(&scales.names) {
                let to_name = scales.length + Scales::GAP;
                assert!(x + to_name + text_width(name, FONT) <= right + 1e-9);
            }
        }
        let own = Places::new(10.0, None);
        assert_eq!((own.side, own.corners[1][1]), (SIDE, TOP));
    }
}
