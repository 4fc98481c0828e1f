//! Maps of wafers: what every die reaches.

use std::collections::BTreeMap;

use super::plot::color::{Rgb, sequential};
use super::plot::figure::Figure;
use super::plot::ruler::Ruler;
use super::plot::style::{EDGE, FONT, INK, SOFT, text_width};
use super::plot::svg::{Svg, number};
use super::plot::table::Table;
use super::plot::words::percent;
use super::sweep::choice::evenly;
use super::sweep::results::{PointTrials, Results};
use super::sweep::slice::{FIGURES, Slice};
use crate::error::Result;
use crate::experiment::Summary;
use crate::hardware::{Die, Wafer};
use crate::io::record::Cell;
use crate::units::counted;

/// Room around the wafer, px.
const MARGIN: f64 = 10.0;
/// Room of the bar of colours beside it, px.
const BAR: f64 = 96.0;
/// Colours of the bar.
const STEPS: usize = 64;
/// Letters on dies, px.
const SMALL: f64 = 11.0;
/// A wafer is no larger, px.
const LARGEST: f64 = 420.0;

/// The chips of one die.
struct OnDie {
    die: Die,
    number: usize,
    /// Mean of the scores of its chips, one of each wafer.
    value: f64,
    chips: usize,
    /// Chips that lose no more than is tolerated.
    near: usize,
}

/// A map for each point whose hardware has a wafer, of many points for some.
///
/// # Errors
/// As [`Sweep::point`](crate::experiment::sweep::Sweep::point).
pub(super) fn figures(results: &Results) -> Result<Vec<Figure>> {
    let mut maps = Vec::new();
    for point in &results.points {
        let hardware = results.sweep.point(point.number)?.hardware;
        if let Some(wafer) = Wafer::of(&hardware) {
            maps.push((point, wafer));
        }
    }
    let measure = results.measure;
    let all = maps.iter().flat_map(|(point, _)| &point.trials);
    let scale = measure.scale(all.map(|row| measure.drawn(row.value())));
    let chosen = evenly(maps.len(), FIGURES);
    let figures = chosen.into_iter().map(|index| {
        let (point, wafer) = &maps[index];
        figure(results, point, wafer, scale)
    });
    Ok(figures.collect())
}

fn figure(results: &Results, point: &PointTrials, wafer: &Wafer, scale: Ruler) -> Figure {
    let measure = results.measure;
    let dies = on_dies(results, point, wafer);
    let chips: usize = dies.iter().map(|die| die.chips).sum();
    let near: usize = dies.iter().map(|die| die.near).sum();
    let mut table = Table::new(["die", "x_mm", "y_mm", "chips", "mean", "near_digital"]);
    measure.show(&mut table, &["mean"]);
    for die in &dies {
        let Die { x_mm, y_mm, .. } = die.die;
        let cells: [Cell; 6] = [
            die.number.into(),
            x_mm.into(),
            y_mm.into(),
            die.chips.into(),
            die.value.into(),
            die.near.into(),
        ];
        table.push(cells.into());
    }
    let varied = results
        .axes()
        .iter()
        .enumerate()
        .filter(|(_, axis)| axis.len() > 1);
    let here = varied.fold(Slice::default(), |here, (axis, _)| {
        here.and(axis, point.at[axis])
    });
    let (behind, id) = match here.fixed.is_empty() {
        true => (String::new(), "wafer".to_owned()),
        false => (
            format!(", {}", here.name(results.axes())),
            format!("wafer-{}", point.number),
        ),
    };
    let title = format!("Wafer: {} of every die{behind}", measure.name());
    let wafers = chips.div_ceil(wafer.dies.len());
    let of = match wafers {
        0 | 1 => String::new(),
        _ => format!(" of {wafers} wafers, means over them"),
    };
    let missing = match wafer.dies.len() - dies.len() {
        0 => String::new(),
        count => format!(" {} without a trial: dotted.", counted(count, "die")),
    };
    let caption = format!(
        "{} on a wafer of {} mm{of}: die t is trial t, row by row. Yield: {} ({near} of {chips} chips lose at most {} against \
         digital); a die where half of the chips or more lose more has a dashed edge.{missing}",
        counted(wafer.dies.len(), "die"),
        wafer.diameter_mm,
        percent(near as f64 / chips.max(1) as f64, 0),
        measure.tolerated_in_words(),
    );
    let picture = Picture {
        wafer,
        scale,
        width: results.options.width_px(),
    };
    let svg = picture.draw(results, &dies, [&title, &caption]);
    Figure::new(id, title, caption, svg, table)
}

fn on_dies(results: &Results, point: &PointTrials, wafer: &Wafer) -> Vec<OnDie> {
    let measure = results.measure;
    let mut rows: BTreeMap<usize, Vec<_>> = BTreeMap::new();
    for row in &point.trials {
        let number = row.trial.trial % wafer.dies.len();
        rows.entry(number).or_default().push(row);
    }
    let dies = rows.into_iter().map(|(number, rows)| OnDie {
        die: wafer.dies[number],
        number,
        value: Summary::of(rows.iter().map(|row| row.value())).mean,
        chips: rows.len(),
        near: rows
            .iter()
            .filter(|row| {
                let loss = measure.loss(row.digital.value(), row.value());
                loss <= measure.tolerated() + 1e-9
            })
            .count(),
    });
    dies.collect()
}

struct Picture<'a> {
    wafer: &'a Wafer,
    scale: Ruler,
    width: f64,
}

impl Picture<'_> {
    /// Diameter of the wafer, px.
    fn diameter(&self) -> f64 {
        (self.width - BAR - 2.0 * MARGIN).min(LARGEST)
    }

    fn color(&self, drawn: f64) -> Rgb {
        sequential(self.scale.place(drawn))
    }

    /// The rectangle of a die: its middle, width and height, px.
    fn place(&self, die: &Die) -> [f64; 4] {
        let px = self.diameter() / self.wafer.diameter_mm;
        let middle = MARGIN + self.diameter() / 2.0;
        let [width, height] = self.wafer.die_mm;
        [
            middle + px * die.x_mm,
            middle + px * die.y_mm,
            px * width,
            px * height,
        ]
    }

    fn draw(&self, results: &Results, dies: &[OnDie], [title, caption]: [&str; 2]) -> String {
        let measure = results.measure;
        let (diameter, middle) = (self.diameter(), MARGIN + self.diameter() / 2.0);
        let mut svg = Svg::document(self.width, diameter + 2.0 * MARGIN, title, caption);
        let circle = [
            ("cx", number(middle)),
            ("cy", number(middle)),
            ("r", number(diameter / 2.0)),
        ];
        let mut circle: Vec<(&str, &str)> = circle
            .iter()
            .map(|(key, value)| (*key, value.as_str()))
            .collect();
        circle.extend([("fill", "none"), ("stroke", EDGE), ("stroke-width", "1")]);
        svg.empty("circle", &circle);
        for die in &self.wafer.dies {
            let [x, y, w, h] = self.place(die);
            let edge = [
                ("fill", "none"),
                ("stroke", SOFT),
                ("stroke-width", "0.6"),
                ("stroke-dasharray", "1 2"),
            ];
            rectangle(&mut svg, [x, y, w - 2.0, h - 2.0], &edge);
            svg.close();
        }
        for on in dies {
            let [x, y, w, h] = self.place(&on.die);
            let fill = self.color(measure.drawn(on.value));
            let hex = fill.hex();
            let mut attributes = vec![("class", "mark"), ("fill", hex.as_str()), ("stroke", EDGE)];
            // A mark beside colour.
            match 2 * on.near > on.chips {
                true => attributes.push(("stroke-width", "0.6")),
                false => attributes.extend([("stroke-width", "1.6"), ("stroke-dasharray", "4 2")]),
            }
            rectangle(&mut svg, [x, y, w - 2.0, h - 2.0], &attributes);
            let says = format!("die {}: {}", on.number, measure.text(on.value));
            svg.content("title", &[], &says);
            svg.close();
            let text = measure.on_square(on.value);
            if text_width(&text, SMALL) + 4.0 <= w && SMALL + 4.0 <= h {
                let size = number(SMALL);
                let ink = [
                    ("font-size", size.as_str()),
                    ("text-anchor", "middle"),
                    ("fill", fill.ink()),
                ];
                svg.label(x, y + 0.36 * SMALL, &ink, &text);
            }
        }
        self.bar(&mut svg, &measure.label());
        svg.finish()
    }

    fn bar(&self, svg: &mut Svg, label: &str) {
        let (x, top) = (2.0 * MARGIN + self.diameter() + 6.0, MARGIN + 24.0);
        let height = self.diameter() - 48.0;
        for step in (0..STEPS).rev() {
            let share = (step + 1) as f64 / STEPS as f64;
            let color = sequential((step as f64 + 0.5) / STEPS as f64).hex();
            let place = [x, top + height * (1.0 - share / 2.0), 16.0, height * share];
            svg.pill(place, 0.0, &[("fill", &color)]);
        }
        let frame = [("fill", "none"), ("stroke", EDGE), ("stroke-width", "0.6")];
        svg.pill([x, top + height / 2.0, 16.0, height], 0.0, &frame);
        let size = number(FONT);
        svg.open("g", &[("font-size", &size), ("fill", INK)]);
        for tick in self.scale.ticks() {
            let y = top + height * (1.0 - self.scale.place(tick.value));
            let line = format!("M{} {}h4", number(x + 8.0), number(y));
            svg.line(&line, EDGE, "0.8");
            svg.label(x + 16.0, y + 0.36 * FONT, &[], &tick.text);
        }
        svg.upright(x + 66.0, top + height / 2.0, label);
        svg.close();
    }
}

/// Opens a rectangle about its middle.
fn rectangle(svg: &mut Svg, [x, y, w, h]: [f64; 4], attributes: &[(&str, &str)]) {
    let place = [
        ("x", number(x - w / 2.0)),
        ("y", number(y - h / 2.0)),
        ("width", number(w)),
        ("height", number(h)),
    ];
    let mut all: Vec<(&str, &str)> = place
        .iter()
        .map(|(key, value)| (*key, value.as_str()))
        .collect();
    all.extend(attributes);
    svg.open("rect", &all);
}
