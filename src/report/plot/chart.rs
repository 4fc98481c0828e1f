//! A frame with two axes, and lines with bands in it.

use super::ruler::{Ruler, Tick};
use super::series::{BANDS, Look, Mark, Series, stroke, symbol};
use super::style::{FONT, GRID, INK, text_width, wrapped};
use super::svg::{Svg, label_width, level, number, plumb};

/// Height of a frame in a figure of [`OWN_WIDTH`], px; others are as high as their roots are wide.
const PLOT_HEIGHT: f64 = 262.0;
const OWN_WIDTH: f64 = 480.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 16.0;
/// In a legend: from one entry to the next below it, from one line of a name to the next, and from a line to its name, px.
const ROW: f64 = 19.0;
const WRAPPED: f64 = 16.0;
const NAME: f64 = 32.0;

/// What stands along an axis.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Along {
    /// Numbers on a scale.
    Numbers(Ruler),
    /// Names, evenly spaced.
    Names(Vec<String>),
}

impl Along {
    /// Where `value` lies, in [0, 1]; a name's value is its number.
    fn place(&self, value: f64) -> f64 {
        match self {
            Self::Numbers(scale) => scale.place(value),
            Self::Names(names) => (value + 0.5) / names.len().max(1) as f64,
        }
    }

    fn ticks(&self) -> Vec<Tick> {
        match self {
            Self::Numbers(scale) => scale.ticks(),
            Self::Names(names) => names
                .iter()
                .enumerate()
                .map(|(index, name)| Tick {
                    value: index as f64,
                    text: name.clone(),
                })
                .collect(),
        }
    }
}

/// A quantity along an axis, as it is labelled.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AxisOf {
    pub along: Along,
    pub label: String,
}

/// A frame with two axes, drawn with a legend above it.
pub(crate) struct Chart {
    pub svg: Svg,
    x: AxisOf,
    y: AxisOf,
    /// Left, top, right, bottom of the frame.
    frame: [f64; 4],
    width: f64,
    /// Number of series that stand side by side over a name.
    abreast: usize,
    /// Whether there may be marks outside of the frame, which are left out.
    is_cut: bool,
}

impl Chart {
    /// The frame, its grid and the legend of `series`, in a figure of `width` px.
    pub fn new(
        [title, description]: [&str; 2],
        [x, y]: [AxisOf; 2],
        series: &[Series],
        width: f64,
    ) -> Self {
        let (left, right) = (LEFT, width - RIGHT);
        let legend = Legend::of(series, right - left);
        let top = 12.0 + legend.height;
        let bottom = top + plot_height(width);
        let slanted = is_slanted(&x.along, right - left);
        let depth = match &x.along {
            Along::Names(names) if slanted => {
                let widest = names
                    .iter()
                    .map(|n| text_width(n, FONT))
                    .fold(0.0, f64::max);
                0.55 * widest + 8.0
            }
            _ => 14.0,
        };
        let label = wrapped(&x.label, label_room(width)[0], FONT);
        let height = bottom + depth + 34.0 + WRAPPED * (label.len() - 1) as f64;
        let abreast = series.iter().filter(|s| has_symbols(s.look)).count();
        let mut chart = Self {
            svg: Svg::document(width, height, title, description),
            x,
            y,
            frame: [left, top, right, bottom],
            width,
            abreast,
            is_cut: false,
        };
        chart.grid();
        chart.axis_texts(slanted, depth, &label);
        chart.draw_legend(&legend);
        chart
    }

    /// Leaves out what lies outside of the frame.
    pub fn cut(mut self) -> Self {
        let [left, top, right, bottom] = self.frame;
        self.is_cut = true;
        self.svg.open("clipPath", &[("id", "lightloom-frame")]);
        let [x, y, w, h] = [left, top, right - left, bottom - top].map(number);
        let frame = [("x", &x), ("y", &y), ("width", &w), ("height", &h)];
        let frame = frame.map(|(key, value)| (key, value.as_str()));
        self.svg.empty("rect", &frame);
        self.svg.close();
        self
    }

    fn is_inside(&self, mark: &Mark) -> bool {
        let [left, top, right, bottom] = self.frame;
        let (x, y) = (self.x_of(mark.x), self.y_of(mark.middle));
        let within = |at: f64, from: f64, to: f64| (from - 0.01..=to + 0.01).contains(&at);
        !self.is_cut || within(x, left, right) && within(y, top, bottom)
    }

    fn open_group(&mut self, class: &'static str) {
        let mut attributes = vec![("class", class)];
        if self.is_cut && class != "marks" {
            attributes.push(("clip-path", "url(#lightloom-frame)"));
        }
        self.svg.open("g", &attributes);
    }

    fn x_of(&self, value: f64) -> f64 {
        let [left, _, right, _] = self.frame;
        left + (right - left) * self.x.along.place(value)
    }

    fn y_of(&self, value: f64) -> f64 {
        let [_, top, _, bottom] = self.frame;
        bottom - (bottom - top) * self.y.along.place(value)
    }

    /// How far from its place a series stands: over a name side by side with the others, over a number exactly there.
    fn offset(&self, series: &Series) -> f64 {
        match (&self.x.along, series.look) {
            (Along::Numbers(_), _) | (_, Look::Reference) => 0.0,
            (Along::Names(_), _) => {
                11.0 * (series.style as f64 - (self.abreast as f64 - 1.0) / 2.0)
            }
        }
    }

    fn grid(&mut self) {
        let [left, top, right, bottom] = self.frame;
        let mut lines = String::new();
        for tick in self.y.along.ticks() {
            lines.push_str(&level(left, self.y_of(tick.value), right));
        }
        if matches!(self.x.along, Along::Numbers(_)) {
            for tick in self.x.along.ticks() {
                lines.push_str(&plumb(self.x_of(tick.value), top, bottom));
            }
        }
        self.svg.line(&lines, GRID, "1");
        let mut edges = plumb(left, top, bottom) + &format!("H{}", number(right));
        for tick in self.x.along.ticks() {
            let x = number(self.x_of(tick.value));
            edges.push_str(&format!("M{x} {}v4", number(bottom)));
        }
        for tick in self.y.along.ticks() {
            let y = number(self.y_of(tick.value));
            edges.push_str(&format!("M{} {y}h-4", number(left)));
        }
        self.svg.line(&edges, INK, "1");
    }

    fn axis_texts(&mut self, slanted: bool, depth: f64, label: &[String]) {
        let [left, top, right, bottom] = self.frame;
        let size = number(FONT);
        self.svg.open("g", &[("font-size", &size), ("fill", INK)]);
        let mut end = f64::NEG_INFINITY;
        for tick in self.x.along.ticks() {
            let x = self.x_of(tick.value);
            if slanted {
                self.svg.rising(x + 4.0, bottom + 16.0, &tick.text);
                continue;
            }
            let half = text_width(&tick.text, FONT) / 2.0;
            if x - half < end + 4.0 {
                continue; // the tick stays, its text would touch the one before
            }
            end = x + half;
            self.svg.centred(x, bottom + 18.0, &tick.text);
        }
        for tick in self.y.along.ticks() {
            let y = self.y_of(tick.value);
            self.svg.before(left - 8.0, y + 4.5, &tick.text);
        }
        let middle = (left + right) / 2.0;
        let centred = [("text-anchor", "middle")];
        for (index, line) in label.iter().enumerate() {
            let half = label_width(line, FONT) / 2.0;
            let middle = middle.min(self.width - 6.0 - half).max(6.0 + half);
            let y = bottom + depth + 24.0 + WRAPPED * index as f64;
            self.svg.formula(middle, y, &centred, line);
        }
        let (x, y) = (16.0, (top + bottom) / 2.0);
        self.svg.upright(x, y, &self.y.label);
        self.svg.close();
    }

    fn draw_legend(&mut self, legend: &Legend<'_>) {
        let size = number(FONT);
        let left = self.frame[0];
        self.svg.open(
            "g",
            &[("class", "legend"), ("font-size", &size), ("fill", INK)],
        );
        for entry in &legend.entries {
            let (x, y) = (left + entry.x, 14.0 + entry.y);
            let line = format!("M{} {}h26", number(x), number(y));
            let width = if entry.series.look == Look::Reference {
                "1.4"
            } else {
                "2"
            };
            stroke(&mut self.svg, &line, entry.series, width);
            if has_symbols(entry.series.look) {
                symbol(
                    &mut self.svg,
                    entry.series.style,
                    x + 13.0,
                    y,
                    entry.series.color(),
                    None,
                );
            }
            for (index, line) in entry.lines.iter().enumerate() {
                let y = y + 4.5 + WRAPPED * index as f64;
                self.svg.label(x + NAME, y, &[], line);
            }
        }
        self.svg.close();
    }

    /// Draws `series`: bands first, then lines, then marks.
    pub fn draw(&mut self, series: &[Series]) {
        self.open_group("bands");
        if has_bands(series, &self.x.along) {
            let all = series.iter();
            all.filter(|series| series.look != Look::Reference)
                .for_each(|series| self.band(series));
        }
        self.svg.close();
        self.open_group("lines");
        for series in series {
            self.line(series);
        }
        self.svg.close();
        self.open_group("marks");
        for series in series {
            self.marks(series);
        }
        self.svg.close();
    }

    fn band(&mut self, series: &Series) {
        let color = series.color();
        if matches!(self.x.along, Along::Names(_)) || series.look == Look::Bars {
            let mut bars = String::new();
            for mark in &series.marks {
                let x = self.x_of(mark.x) + self.offset(series);
                bars.push_str(&plumb(x, self.y_of(mark.low), self.y_of(mark.high)));
            }
            let (opacity, width) = match series.look {
                Look::Bars => ("0.6", "1.6"),
                _ => ("0.35", "5"),
            };
            let thick = [
                ("d", bars.as_str()),
                ("stroke", color),
                ("stroke-opacity", opacity),
                ("stroke-width", width),
                ("fill", "none"),
            ];
            return self.svg.empty("path", &thick);
        }
        let has_extent = series.marks.iter().any(|mark| mark.low < mark.high);
        if series.marks.len() < 2 || !has_extent {
            return;
        }
        let mut path = String::new();
        let above = series.marks.iter().map(|mark| (mark.x, mark.high));
        let below = series.marks.iter().rev().map(|mark| (mark.x, mark.low));
        for (index, (x, y)) in above.chain(below).enumerate() {
            let command = if index == 0 { "M" } else { "L" };
            path.push_str(&format!(
                "{command}{} {}",
                number(self.x_of(x)),
                number(self.y_of(y))
            ));
        }
        path.push('Z');
        let opacity = if series.look == Look::Steps {
            "0.12"
        } else {
            "0.18"
        };
        let pale = [
            ("d", path.as_str()),
            ("fill", color),
            ("fill-opacity", opacity),
        ];
        self.svg.empty("path", &pale);
    }

    fn line(&mut self, series: &Series) {
        let names = matches!(self.x.along, Along::Names(_));
        let shift = self.offset(series);
        let mut path = String::new();
        for (index, mark) in series.marks.iter().enumerate() {
            let (x, y) = (self.x_of(mark.x) + shift, number(self.y_of(mark.middle)));
            if names && series.look == Look::Reference {
                let half = 5.5 * self.abreast as f64 + 5.0;
                path.push_str(&format!("M{} {y}h{}", number(x - half), number(2.0 * half)));
            } else if names {
                return;
            } else {
                let command = if index == 0 { "M" } else { "L" };
                path.push_str(&format!("{command}{} {y}", number(x)));
            }
        }
        let width = if series.look == Look::Reference {
            "1.4"
        } else {
            "2"
        };
        if !path.is_empty() {
            stroke(&mut self.svg, &path, series, width);
        }
    }

    fn marks(&mut self, series: &Series) {
        let shift = self.offset(series);
        for mark in series
            .marks
            .iter()
            .filter(|mark| self.is_inside(mark))
            .cloned()
            .collect::<Vec<_>>()
        {
            let (x, y) = (self.x_of(mark.x), self.y_of(mark.middle));
            match series.look {
                Look::Curve | Look::Bars => symbol(
                    &mut self.svg,
                    series.style,
                    x + shift,
                    y,
                    series.color(),
                    Some(&mark.says),
                ),
                // Seen only by those who point at it.
                Look::Steps | Look::Reference if !mark.says.is_empty() => {
                    self.svg.open(
                        "circle",
                        &[
                            ("class", "mark"),
                            ("cx", &number(x)),
                            ("cy", &number(y)),
                            ("r", "5"),
                            ("fill", series.color()),
                            ("fill-opacity", "0"),
                        ],
                    );
                    self.svg.content("title", &[], &mark.says);
                    self.svg.close();
                }
                _ => {}
            }
        }
    }
}

/// Height of the frame in a figure of `width`, px.
fn plot_height(width: f64) -> f64 {
    PLOT_HEIGHT * (width / OWN_WIDTH).sqrt()
}

/// How long a line below the frame and one beside it may be in a figure of `width`, px.
pub(crate) fn label_room(width: f64) -> [f64; 2] {
    // Beside it, a line is centred on the frame: above that is a line of the legend, below it are ticks and a label.
    let above = 12.0 + ROW;
    [width - 12.0, plot_height(width) + 2.0 * (above - 6.0)]
}

/// Whether `series` are drawn with their bands: those of many lines along numbers would cover each other.
pub(crate) fn has_bands(series: &[Series], along: &Along) -> bool {
    let lines = series
        .iter()
        .filter(|series| series.look != Look::Reference);
    matches!(along, Along::Names(_)) || lines.count() <= BANDS
}

fn has_symbols(look: Look) -> bool {
    matches!(look, Look::Curve | Look::Bars)
}

fn is_slanted(along: &Along, width: f64) -> bool {
    let Along::Names(names) = along else {
        return false;
    };
    let slot = width / names.len().max(1) as f64;
    names.iter().any(|name| text_width(name, FONT) > slot - 6.0)
}

/// The entries of a legend.
struct Legend<'a> {
    entries: Vec<Entry<'a>>,
    height: f64,
}

/// A line, and its name in as many lines of text as it needs.
struct Entry<'a> {
    series: &'a Series,
    x: f64,
    y: f64,
    lines: Vec<String>,
}

impl<'a> Legend<'a> {
    /// The places of the entries of `series` within `width`; a name that is longer stands below itself.
    fn of(series: &'a [Series], width: f64) -> Self {
        let (mut x, mut y, mut height) = (0.0, 0.0, 0.0);
        let mut entries = Vec::new();
        for series in series.iter().filter(|series| !series.name.is_empty()) {
            let wide = NAME + text_width(&series.name, FONT) + 16.0;
            if x > 0.0 && x + wide - 16.0 > width {
                (x, y) = (0.0, height);
            }
            let lines = wrapped(&series.name, width - NAME, FONT);
            height = y + ROW + WRAPPED * (lines.len() - 1) as f64;
            entries.push(Entry {
                series,
                x,
                y,
                lines,
            });
            x += wide;
        }
        Self { entries, height }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::plot::series::Mark;

    fn series(style: usize, look: Look) -> Series {
        let mark = |x: f64| Mark {
            x,
            low: 40.0,
            middle: 50.0,
            high: 60.0,
            says: String::new(),
        };
        Series {
            name: format!("line {style}"),
            style,
            look,
            marks: [0.01, 0.02, 0.04].map(mark).to_vec(),
        }
    }

    /// Readers take the number below a mark for its value, whichever line it belongs to.
    #[test]
    fn marks_lines_and_bars_of_all_lines_stand_at_their_number() {
        for look in [Look::Bars, Look::Curve] {
            let all = [0, 1, 2].map(|style| series(style, look));
            let axis = |along| AxisOf {
                along: Along::Numbers(along),
                label: String::new(),
            };
            let x = axis(Ruler::of_axis(&[0.01, 0.02, 0.04]));
            let y = axis(Ruler::covering([0.0, 100.0]));
            let mut chart = Chart::new([""; 2], [x, y], &all, 480.0);
            let places = [0.01, 0.02, 0.04].map(|value| number(chart.x_of(value)));
            chart.draw(&all);
            let svg = chart.svg.finish();
            let drawn = svg.split("class=\"bands\"").nth(1).unwrap();
            for place in &places {
                let starts = drawn.matches(&format!("M{place} ")).count();
                let further = drawn.matches(&format!("L{place} ")).count();
                // A mark of each line, its bar or the corners of its band, and its line, three times.
                let corners = if look == Look::Bars { 1 } else { 2 };
                assert_eq!(starts + further, 3 * (1 + corners + 1), "{look:?} {place}");
            }
        }
    }
}
