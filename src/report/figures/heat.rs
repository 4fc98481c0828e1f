//! The mean score over two axes.

use super::curves::cell;
use crate::experiment::Summary;
use crate::experiment::rows::Row;
use crate::experiment::sweep::Axis;
use crate::io::record::Cell;
use crate::report::plot::chart::WIDTH;
use crate::report::plot::color::sequential;
use crate::report::plot::figure::Figure;
use crate::report::plot::ruler::Ruler;
use crate::report::plot::style::{EDGE, FONT, INK, text_width};
use crate::report::plot::svg::{Svg, number};
use crate::report::plot::table::Table;
use crate::report::sweep::axis::Described;
use crate::report::sweep::axis::file_name;
use crate::report::sweep::measure::Measure;
use crate::report::sweep::results::Results;
use crate::report::sweep::slice::{Beside, Slice};
use crate::units::counted;

const LEFT: f64 = 62.0;
const TOP: f64 = 30.0;
const PLOT: f64 = 300.0;

/// A square of the map, and its place in the grid.
pub(crate) struct Square {
    pub mean: f64,
    digital: f64,
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
        let chips = here.trials(results).count();
        (chips > 0).then(|| Square {
            mean: Summary::of(here.trials(results).map(Row::value)).mean,
            digital: Summary::of(here.trials(results).map(|row| row.digital.value())).mean,
            chips,
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
    let mut table = Table::new([rows.key(), columns.key(), "chips", "mean", "digital"]);
    let measure = results.measure;
    measure.show(&mut table, &["mean", "digital"]);
    for (row, squares) in grid.iter().enumerate() {
        for (column, square) in squares.iter().enumerate() {
            table.push(vec![
                cell(rows, row),
                cell(columns, column),
                square.as_ref().map_or(0, |square| square.chips).into(),
                square
                    .as_ref()
                    .map_or(Cell::Null, |square| square.mean.into()),
                square
                    .as_ref()
                    .map_or(Cell::Null, |square| square.digital.into()),
            ]);
        }
    }
    let (across, along) = (columns.quantity(), rows.quantity());
    let title = format!(
        "{} over {} and {}{}",
        measure.title(),
        along.name,
        across.name,
        group.behind_title(results.axes())
    );
    let contour = contour(grid, measure);
    let line = if contour.is_empty() {
        String::new()
    } else {
        format!(
            " The line runs where {} is lost against digital.",
            measure.tolerated_in_words()
        )
    };
    let caption = format!(
        "Mean {} of the chips in every square{}.{line}{}",
        measure.name(),
        if measure.score.is_share() {
            ", in percent"
        } else {
            ""
        },
        pair.beside.sentences(results)
    );
    let picture = Picture {
        rows,
        columns,
        scale,
        measure,
        size: [
            PLOT / columns.len() as f64,
            (PLOT / rows.len() as f64).min(44.0),
        ],
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
    measure: Measure,
    /// Width and height of a square, px.
    size: [f64; 2],
}

impl Picture<'_> {
    /// The middle of a square that may lie between squares; the first row is the lowest.
    fn middle(&self, row: f64, column: f64) -> [f64; 2] {
        let bottom = TOP + self.size[1] * self.rows.len() as f64;
        [
            self.left() + self.size[0] * (column + 0.5),
            bottom - self.size[1] * (row + 0.5),
        ]
    }

    fn left(&self) -> f64 {
        let names = (0..self.rows.len()).map(|row| text_width(&self.rows.text(row), FONT));
        names.fold(LEFT - 22.0, f64::max) + 22.0
    }

    fn draw(
        &self,
        title: &str,
        caption: &str,
        grid: &[Vec<Option<Square>>],
        contour: &[[[f64; 2]; 2]],
    ) -> String {
        let (left, [w, h]) = (self.left(), self.size);
        let bottom = TOP + h * self.rows.len() as f64;
        let slanted = (0..self.columns.len())
            .any(|column| text_width(&self.columns.text(column), FONT) > w - 5.0);
        let widest = (0..self.columns.len())
            .map(|column| text_width(&self.columns.text(column), FONT))
            .fold(0.0, f64::max);
        let depth = if slanted { 0.55 * widest + 10.0 } else { 16.0 };
        let mut svg = Svg::document(
            WIDTH.max(left + PLOT + 94.0),
            bottom + depth + 32.0,
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
                let color = sequential(self.scale.place(self.measure.drawn(square.mean)));
                let fill = color.hex();
                place.push(("fill", &fill));
                svg.open("rect", &place);
                let says = format!(
                    "{}, {}: mean {}, {}",
                    self.rows.valued(row),
                    self.columns.valued(column),
                    self.measure.text(square.mean),
                    counted(square.chips, "chip")
                );
                svg.content("title", &[], &says);
                svg.close();
            }
        }
        svg.close();
        self.draw_contour(&mut svg, contour);
        if w >= 27.0 && h >= 14.0 {
            self.draw_numbers(&mut svg, grid);
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

    /// The mean of every square, on a ground of its colour that covers the contour.
    fn draw_numbers(&self, svg: &mut Svg, grid: &[Vec<Option<Square>>]) {
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
                let [x, y] = self.middle(row as f64, column as f64);
                let color = sequential(self.scale.place(self.measure.drawn(square.mean)));
                let text = self.measure.on_square(square.mean);
                let ground = [x, y, text_width(&text, 11.0) + 3.0, 13.0];
                svg.pill(ground, 2.0, &[("fill", &color.hex())]);
                svg.label(x, y + 4.0, &[("fill", color.ink())], &text);
            }
        }
        svg.close();
    }

    fn texts(&self, svg: &mut Svg, size: &str, slanted: bool, depth: f64) {
        let left = self.left();
        let bottom = TOP + self.size[1] * self.rows.len() as f64;
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
        let label = self.columns.quantity().label();
        let half = text_width(&label, FONT) / 2.0;
        let middle = (left + PLOT / 2.0).max(half + 6.0);
        svg.centred(middle, bottom + depth + 23.0, &label);
        // Level, for a map of few rows is lower than its label is long.
        svg.label(6.0, 16.0, &[], &self.rows.quantity().label());
        svg.close();
    }

    fn bar(&self, svg: &mut Svg, size: &str) {
        let x = self.left() + PLOT + 18.0;
        let height = self.size[1] * self.rows.len() as f64;
        svg.open(
            "g",
            &[("class", "colorbar"), ("font-size", size), ("fill", INK)],
        );
        let (across, middle) = (x + 68.0, TOP + height / 2.0);
        svg.upright(across, middle, &self.measure.label());
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

/// Where the mean loss against digital crosses [`Measure::tolerated`]: pieces of a line from (row, column) to (row, column), by
/// linear interpolation between the middles of neighbouring squares.
fn contour(grid: &[Vec<Option<Square>>], measure: Measure) -> Vec<[[f64; 2]; 2]> {
    let height = |row: usize, column: usize| {
        let square = grid[row][column].as_ref()?;
        Some(measure.tolerated() - measure.loss(square.digital, square.mean))
    };
    let mut pieces = Vec::new();
    let columns = grid.first().map_or(0, Vec::len);
    for row in 0..grid.len().saturating_sub(1) {
        for column in 0..columns.saturating_sub(1) {
            let corners = [
                (row, column),
                (row, column + 1),
                (row + 1, column + 1),
                (row + 1, column),
            ];
            let heights = corners.map(|(row, column)| height(row, column));
            let [Some(a), Some(b), Some(c), Some(d)] = heights else {
                continue;
            };
            let heights = [a, b, c, d];
            let mut crossings = Vec::new();
            for edge in 0..4 {
                let (from, to) = (heights[edge], heights[(edge + 1) % 4]);
                if (from > 0.0) != (to > 0.0) {
                    let share = from / (from - to);
                    let (start, end) = (corners[edge], corners[(edge + 1) % 4]);
                    let between = |a: usize, b: usize| a as f64 + share * (b as f64 - a as f64);
                    crossings.push([between(start.0, end.0), between(start.1, end.1)]);
                }
            }
            match crossings[..] {
                [a, b] => pieces.push([a, b]),
                // A saddle: the middle says which corners belong together.
                [a, b, c, d] if (heights.iter().sum::<f64>() > 0.0) == (heights[0] > 0.0) => {
                    pieces.extend([[a, b], [c, d]]);
                }
                [a, b, c, d] => pieces.extend([[d, a], [b, c]]),
                _ => {}
            }
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::Score;

    const ACCURACY: Measure = Measure {
        score: Score::Accuracy,
        decimals: 1,
    };

    fn square(mean: f64) -> Option<Square> {
        Some(Square {
            mean,
            digital: 0.98,
            chips: 1,
        })
    }

    /// A plane that falls by 1 % a column crosses the line one column behind where it equals digital.
    #[test]
    fn the_contour_lies_where_one_percent_is_lost() {
        let grid: Vec<Vec<_>> = (0..3)
            .map(|_| {
                (0..4)
                    .map(|column| square(0.985 - 0.01 * f64::from(column)))
                    .collect()
            })
            .collect();
        let pieces = contour(&grid, ACCURACY);
        assert_eq!(pieces.len(), 2);
        for [row, column] in pieces.concat() {
            assert!((column - 1.5).abs() < 1e-9, "{column}");
            assert!((0.0..=2.0).contains(&row));
        }
    }

    #[test]
    fn a_saddle_has_two_pieces_that_do_not_cross() {
        let grid = vec![
            vec![square(0.99), square(0.90)],
            vec![square(0.90), square(0.99)],
        ];
        let pieces = contour(&grid, ACCURACY);
        assert_eq!(pieces.len(), 2);
        let side = |[row, column]: [f64; 2]| (row + column - 1.0).signum();
        for [from, to] in pieces {
            assert_eq!(side(from), side(to), "a piece around one corner");
        }
    }
}
