//! What chips reach over two axes.

use super::contour::contour;
use super::curves::cell;
use super::map_of::Colors;
use super::yields::near_digital;
use crate::experiment::rows::Row;
use crate::experiment::sweep::Axis;
use crate::experiment::{Summary, quantile};
use crate::io::record::Cell;
use crate::report::options::MapOf;
use crate::report::plot::color::{Rgb, sequential};
use crate::report::plot::figure::Figure;
use crate::report::plot::ruler::Ruler;
use crate::report::plot::style::{EDGE, FONT, INK, text_width, wrapped};
use crate::report::plot::svg::{Svg, label_width, number};
use crate::report::plot::table::Table;
use crate::report::sweep::axis::Described;
use crate::report::sweep::axis::file_name;
use crate::report::sweep::results::Results;
use crate::report::sweep::slice::{Beside, Slice};
use crate::units::counted;

const LEFT: f64 = 62.0;
const TOP: f64 = 30.0;
/// Room beside the squares: names of rows on the left, the bar of colours on the right.
const BESIDE: f64 = 180.0;
const BAR: f64 = 94.0;
/// From one line of a label to the next, px.
const LINE: f64 = 16.0;
/// Height of a square at most, px.
const HIGHEST: f64 = 44.0;
/// Letters of the numbers on squares, px.
const SMALL: f64 = 11.0;
/// Steps along a piece of a contour at which a number may not lie on it.
const STEPS: usize = 8;
/// The share of chips of which the line of a map of yields tells.
const HALF: f64 = 0.5;

/// A square of the map, and its place in the grid.
pub(crate) struct Square {
    /// What its colour stands for.
    pub value: f64,
    digital: f64,
    /// How far it is from what is tolerated: below 0 where more is lost.
    height: f64,
    chips: usize,
}

/// One pair of axes: its combinations of names, and their squares.
pub(crate) struct Pair {
    /// The axis of the rows, and that of the columns.
    pub y: usize,
    pub x: usize,
    pub beside: Beside,
    pub grids: Vec<Vec<Vec<Option<Square>>>>,
}

/// The squares of `group`, row by row.
pub(crate) fn grid(
    results: &Results,
    group: &Slice,
    y: usize,
    x: usize,
) -> Vec<Vec<Option<Square>>> {
    let square = |row, column| {
        let here = group.and(y, row).and(x, column);
        let scores: Vec<f64> = here.trials(results).map(Row::value).collect();
        let digital = Summary::of(here.trials(results).map(|row| row.digital.value())).mean;
        let value = match results.options.map {
            MapOf::Mean => Summary::of(scores.iter().copied()).mean,
            MapOf::Quantile(share) => {
                let mut sorted = scores.clone();
                sorted.sort_by(f64::total_cmp);
                quantile(&sorted, share)
            }
            MapOf::Yield => near_digital(results, &here) as f64 / scores.len() as f64,
        };
        let measure = results.measure;
        (!scores.is_empty()).then(|| Square {
            value,
            digital,
            height: match results.options.map {
                MapOf::Yield => value - HALF,
                _ => measure.tolerated() - measure.loss(digital, value),
            },
            chips: scores.len(),
        })
    };
    (0..results.axes()[y].len())
        .map(|row| {
            (0..results.axes()[x].len())
                .map(|column| square(row, column))
                .collect()
        })
        .collect()
}

pub(crate) fn map(
    results: &Results,
    pair: &Pair,
    group: &Slice,
    grid: &[Vec<Option<Square>>],
    scale: Ruler,
) -> Figure {
    let Pair { y, x, .. } = *pair;
    let (rows, columns) = (&results.axes()[y], &results.axes()[x]);
    let of = Colors::of(results);
    let mut table = Table::new([rows.key(), columns.key(), "chips", &of.column, "digital"]);
    let measure = results.measure;
    measure.show(&mut table, &["digital"]);
    match of.is_yield {
        true => table.shares(&[&of.column], 1),
        false => measure.show(&mut table, &[&of.column]),
    }
    for (row, squares) in grid.iter().enumerate() {
        for (column, square) in squares.iter().enumerate() {
            table.push(vec![
                cell(rows, row),
                cell(columns, column),
                square.as_ref().map_or(0, |square| square.chips).into(),
                square
                    .as_ref()
                    .map_or(Cell::Null, |square| square.value.into()),
                square
                    .as_ref()
                    .map_or(Cell::Null, |square| square.digital.into()),
            ]);
        }
    }
    let (across, along) = (columns.quantity(), rows.quantity());
    let title = format!(
        "{} over {} and {}{}",
        of.title(),
        along.name,
        across.name,
        group.behind_title(results.axes())
    );
    let heights = grid.iter().map(|squares| {
        let heights = squares.iter().map(|square| Some(square.as_ref()?.height));
        heights.collect()
    });
    let contour = contour(&heights.collect::<Vec<_>>());
    let line = match (contour.is_empty(), of.is_yield) {
        (true, _) => String::new(),
        (false, true) => " The line runs where half of the chips do.".to_owned(),
        (false, false) => format!(
            " The line runs where {} is lost against digital.",
            measure.tolerated_in_words()
        ),
    };
    let caption = format!("{}.{line}{}", of.sentence, pair.beside.sentences(results));
    let picture = Picture {
        rows,
        columns,
        scale,
        of,
        width: results.options.width_px(),
    };
    let svg = picture.draw(&title, &caption, grid, &contour);
    let id = format!(
        "map-{}-{}{}",
        file_name(rows.key()),
        file_name(columns.key()),
        group.behind_id(results.axes())
    );
    Figure::new(id, title, caption, svg, table)
}

struct Picture<'a> {
    rows: &'a Axis,
    columns: &'a Axis,
    scale: Ruler,
    of: Colors,
    /// Width of the figure, px.
    width: f64,
}

impl Picture<'_> {
    /// Width of all squares together, px.
    fn plot(&self) -> f64 {
        self.width - BESIDE
    }

    /// Width and height of a square, px.
    fn size(&self) -> [f64; 2] {
        let [columns, rows] = [self.columns, self.rows].map(|axis| axis.len() as f64);
        [self.plot() / columns, (self.plot() / rows).min(HIGHEST)]
    }

    fn color(&self, square: &Square) -> Rgb {
        sequential(self.scale.place(self.of.drawn(square.value)))
    }

    /// The middle of a square that may lie between squares; the first row is the lowest.
    fn middle(&self, row: f64, column: f64) -> [f64; 2] {
        let [w, h] = self.size();
        let bottom = TOP + h * self.rows.len() as f64;
        [self.left() + w * (column + 0.5), bottom - h * (row + 0.5)]
    }

    fn left(&self) -> f64 {
        let names = (0..self.rows.len()).map(|row| text_width(&self.rows.text(row), FONT));
        let beside = names.fold(LEFT - 22.0, f64::max) + 22.0;
        if !self.is_slanted() {
            return beside;
        }
        // Below each column its name ends, and begins to the left of it.
        let w = self.size()[0];
        let begins = |(column, wide): (usize, f64)| 0.87 * wide - w * (column as f64 + 0.5);
        let below = self.columns_wide().enumerate().map(begins);
        below.fold(beside, f64::max)
    }

    /// Widths of the names of the columns, px.
    fn columns_wide(&self) -> impl Iterator<Item = f64> {
        (0..self.columns.len()).map(|column| text_width(&self.columns.text(column), FONT))
    }

    /// Whether the names of the columns are wider than these.
    fn is_slanted(&self) -> bool {
        let w = self.size()[0];
        self.columns_wide().any(|wide| wide > w - 5.0)
    }

    /// What stands below the map, line by line.
    fn label(&self) -> Vec<String> {
        wrapped(&self.columns.quantity().label(), self.width - 12.0, FONT)
    }

    fn draw(
        &self,
        title: &str,
        caption: &str,
        grid: &[Vec<Option<Square>>],
        contour: &[[[f64; 2]; 2]],
    ) -> String {
        let (left, [w, h]) = (self.left(), self.size());
        let bottom = TOP + h * self.rows.len() as f64;
        let slanted = self.is_slanted();
        let widest = self.columns_wide().fold(0.0, f64::max);
        let depth = if slanted { 0.55 * widest + 10.0 } else { 16.0 };
        let mut svg = Svg::document(
            self.width.max(left + self.plot() + BAR),
            bottom + depth + 32.0 + LINE * (self.label().len() - 1) as f64,
            title,
            caption,
        );
        let size = number(FONT);
        svg.open("g", &[("font-size", "11"), ("text-anchor", "middle")]);
        for (row, squares) in grid.iter().enumerate() {
            for (column, square) in squares.iter().enumerate() {
                let [x, y] = self.middle(row as f64, column as f64);
                let (width, height) = (number(w), number(h));
                let place = [
                    ("class", "mark"),
                    ("x", &number(x - w / 2.0)),
                    ("y", &number(y - h / 2.0)),
                    ("width", &width),
                    ("height", &height),
                ]
                .map(|(key, value)| (key, value.to_owned()));
                let mut place: Vec<(&str, &str)> =
                    place.iter().map(|(k, v)| (*k, v.as_str())).collect();
                let Some(square) = square else {
                    place.extend([
                        ("fill", "none"),
                        ("stroke", EDGE),
                        ("stroke-dasharray", "2 2"),
                    ]);
                    svg.empty("rect", &place);
                    continue;
                };
                let fill = self.color(square).hex();
                place.push(("fill", &fill));
                svg.open("rect", &place);
                let says = format!(
                    "{}, {}: {} {}, {}",
                    self.rows.valued(row),
                    self.columns.valued(column),
                    self.of.name,
                    self.of.text(square.value),
                    counted(square.chips, "chip")
                );
                svg.content("title", &[], &says);
                svg.close();
            }
        }
        svg.close();
        self.draw_contour(&mut svg, contour);
        if w >= 27.0 && h >= 14.0 {
            self.draw_numbers(&mut svg, grid, contour);
        }
        self.texts(&mut svg, &size, slanted, depth);
        self.bar(&mut svg, &size);
        svg.finish()
    }

    fn draw_contour(&self, svg: &mut Svg, contour: &[[[f64; 2]; 2]]) {
        let mut path = String::new();
        for [from, to] in contour {
            let [x1, y1] = self.middle(from[0], from[1]);
            let [x2, y2] = self.middle(to[0], to[1]);
            path.push_str(&format!(
                "M{} {}L{} {}",
                number(x1),
                number(y1),
                number(x2),
                number(y2)
            ));
        }
        if path.is_empty() {
            return;
        }
        for (color, width) in [("#fefefe", "4.5"), ("#010101", "2")] {
            svg.empty(
                "path",
                &[
                    ("d", path.as_str()),
                    ("class", "contour"),
                    ("fill", "none"),
                    ("stroke", color),
                    ("stroke-width", width),
                    ("stroke-linecap", "round"),
                    ("pointer-events", "none"),
                ],
            );
        }
    }

    /// The place of a number in a square where no contour crosses it: the middle, else as near to it as there is one.
    fn free_place(
        &self,
        [x, y]: [f64; 2],
        text: &str,
        contour: &[[[f64; 2]; 2]],
    ) -> Option<[f64; 2]> {
        let [w, h] = self.size();
        // Half of what letters and the line need.
        let (half_w, half_h) = (text_width(text, SMALL) / 2.0 + 2.5, SMALL / 2.0 + 1.5);
        let (room_x, room_y) = ((w / 2.0 - half_w).max(0.0), (h / 2.0 - half_h).max(0.0));
        let pieces: Vec<[[f64; 2]; 2]> = contour
            .iter()
            .map(|ends| ends.map(|[row, column]| self.middle(row, column)))
            .collect();
        let is_free = |[x, y]: [f64; 2]| {
            let crosses = |[from, to]: &[[f64; 2]; 2]| {
                (0..=STEPS).any(|step| {
                    let share = step as f64 / STEPS as f64;
                    let at = |axis: usize| from[axis] + share * (to[axis] - from[axis]);
                    (at(0) - x).abs() < half_w && (at(1) - y).abs() < half_h
                })
            };
            !pieces.iter().any(crosses)
        };
        let shifts = (-4..=4).flat_map(|row| (-4..=4).map(move |column| [column, row]));
        let mut shifts: Vec<[i32; 2]> = shifts.collect();
        shifts.sort_by_key(|[a, b]| a * a + b * b);
        let places = shifts.into_iter().map(|[column, row]| {
            let shift = |steps: i32, room: f64| 0.25 * f64::from(steps) * room;
            [x + shift(column, room_x), y + shift(row, room_y)]
        });
        places.into_iter().find(|place| is_free(*place))
    }

    /// The value of every square beside the contour; none where there is no room for both.
    fn draw_numbers(&self, svg: &mut Svg, grid: &[Vec<Option<Square>>], contour: &[[[f64; 2]; 2]]) {
        svg.open(
            "g",
            &[
                ("font-size", "11"),
                ("text-anchor", "middle"),
                ("pointer-events", "none"),
            ],
        );
        for (row, squares) in grid.iter().enumerate() {
            for (column, square) in squares.iter().enumerate() {
                let Some(square) = square else {
                    continue;
                };
                let text = self.of.on_square(square.value);
                let middle = self.middle(row as f64, column as f64);
                if let Some([x, y]) = self.free_place(middle, &text, contour) {
                    let ink = self.color(square).ink();
                    svg.label(x, y + 4.0, &[("fill", ink)], &text);
                }
            }
        }
        svg.close();
    }

    fn texts(&self, svg: &mut Svg, size: &str, slanted: bool, depth: f64) {
        let left = self.left();
        let bottom = TOP + self.size()[1] * self.rows.len() as f64;
        svg.open("g", &[("font-size", size), ("fill", INK)]);
        for row in 0..self.rows.len() {
            let [_, y] = self.middle(row as f64, 0.0);
            svg.before(left - 8.0, y + 4.5, &self.rows.text(row));
        }
        for column in 0..self.columns.len() {
            let [x, _] = self.middle(0.0, column as f64);
            let text = self.columns.text(column);
            if slanted {
                svg.rising(x + 4.0, bottom + 14.0, &text);
            } else {
                svg.centred(x, bottom + 17.0, &text);
            }
        }
        let centred = [("text-anchor", "middle")];
        for (index, line) in self.label().iter().enumerate() {
            let half = label_width(line, FONT) / 2.0;
            let middle = (left + self.plot() / 2.0).max(half + 6.0);
            let y = bottom + depth + 23.0 + LINE * index as f64;
            svg.formula(middle, y, &centred, line);
        }
        // Level, for a map of few rows is lower than its label is long.
        svg.formula(6.0, 16.0, &[], &self.rows.quantity().label());
        svg.close();
    }

    fn bar(&self, svg: &mut Svg, size: &str) {
        let x = self.left() + self.plot() + 18.0;
        let height = self.size()[1] * self.rows.len() as f64;
        svg.open(
            "g",
            &[("class", "colorbar"), ("font-size", size), ("fill", INK)],
        );
        let (across, middle) = (x + 68.0, TOP + height / 2.0);
        svg.upright(across, middle, &self.of.label);
        let steps = 60;
        for step in 0..steps {
            let share = (f64::from(step) + 0.5) / f64::from(steps);
            let y = TOP + height * (1.0 - f64::from(step + 1) / f64::from(steps));
            // A little taller than a step, so that no seam shows between them.
            let tall = height / f64::from(steps) + 0.6;
            svg.empty(
                "rect",
                &[
                    ("x", &number(x)),
                    ("y", &number(y)),
                    ("width", "14"),
                    ("height", &number(tall.min(TOP + height - y))),
                    ("fill", &sequential(share).hex()),
                ],
            );
        }
        for tick in self.scale.ticks() {
            let y = TOP + height * (1.0 - self.scale.place(tick.value));
            let line = format!("M{} {}h4", number(x + 14.0), number(y));
            svg.empty(
                "path",
                &[("d", &line), ("stroke", EDGE), ("stroke-width", "1")],
            );
            svg.label(x + 21.0, y + 4.5, &[], &tick.text);
        }
        svg.close();
    }
}
