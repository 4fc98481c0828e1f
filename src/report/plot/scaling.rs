//! Times against sizes on logarithmic axes, panels side by side: how a cost grows.

use super::ruler::{Ruler, Tick};
use super::series::{Look, Mark, Series, stroke, symbol};
use super::style::{FONT, GRID, INK, SOFT, text_width};
use super::svg::{Svg, level, number, plumb};
use super::words::short;

const PLOT_WIDTH: f64 = 330.0;
const PLOT_HEIGHT: f64 = 360.0;
/// Room on the left of a frame, for the ticks and the name of its axis.
const LEFT: f64 = 78.0;
const TOP: f64 = 36.0;
/// Height of a name beside its line.
const NAME_HEIGHT: f64 = 17.0;
/// From the frame to the name of a line.
const LEADER: f64 = 34.0;
/// Letters of the text below the panels.
const SMALL: f64 = 12.0;
/// Most sizes that are ticks themselves; more of them get powers of ten.
const MOST_SIZES: usize = 9;

/// Times of some operations against one size.
#[derive(Debug, Clone, PartialEq)]
pub struct TimePanel {
    /// What it shows.
    pub title: String,
    /// The size, with its unit.
    pub size: String,
    /// The operations.
    pub lines: Vec<TimeLine>,
    /// Powers to compare slopes with.
    pub guides: Vec<Guide>,
}

/// Times of one operation.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeLine {
    /// What stands beside the line.
    pub name: String,
    /// Number of its colour, dashes and marks.
    pub style: usize,
    /// Size and time in s, both positive, sizes ascending.
    pub points: Vec<(f64, f64)>,
}

/// A grey line of a given slope.
#[derive(Debug, Clone, PartialEq)]
pub struct Guide {
    /// The power of the size with which a time grows.
    pub power: f64,
    /// What stands beside it.
    pub name: String,
    /// Where it runs.
    pub side: Side,
}

/// On which side of the lines a guide runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Ends at twice the largest of the last times.
    Above,
    /// Runs below every point, nowhere nearer than two thirds of its time.
    Below,
}

/// The slope between two points of sizes and times, `d log t / d log x`: the power with which a time grows.
pub fn slope((x0, t0): (f64, f64), (x1, t1): (f64, f64)) -> f64 {
    (t1 / t0).ln() / (x1 / x0).ln()
}

/// The ranges of sizes in which `other` takes less time than `line`, between measured sizes by straight lines on
/// logarithmic axes. Both hold the same sizes.
pub fn faster(line: &[(f64, f64)], other: &[(f64, f64)]) -> Vec<(f64, f64)> {
    // The logarithm of the ratio of times: below zero where `other` is faster.
    let ratios = line
        .iter()
        .zip(other)
        .map(|((x, t), (_, u))| (x.ln(), (u / t).ln()));
    let crossing = |(x0, r0): (f64, f64), (x1, r1): (f64, f64)| x0 + (x1 - x0) * r0 / (r0 - r1);
    let mut ranges: Vec<(f64, f64)> = Vec::new();
    let mut before: Option<(f64, f64)> = None;
    for here in ratios {
        let (x, ratio) = here;
        match before {
            Some(last) if last.1 < 0.0 => {
                let range = ranges.last_mut().expect("it began before");
                range.1 = if ratio < 0.0 { x } else { crossing(last, here) };
            }
            Some(last) if ratio < 0.0 => ranges.push((crossing(last, here), x)),
            None if ratio < 0.0 => ranges.push((x, x)),
            _ => {}
        }
        before = Some(here);
    }
    let sizes = ranges.into_iter().map(|(x0, x1)| (x0.exp(), x1.exp()));
    sizes.collect()
}

/// The panels side by side as an SVG file, with `notes` below, a line each. Times are in s.
///
/// # Panics
/// If a panel holds no point, or one that is not positive.
pub fn draw_times(title: &str, panels: &[TimePanel], notes: &[String]) -> String {
    let lefts: Vec<f64> = panels
        .iter()
        .scan(0.0, |left, panel| {
            let at = *left;
            *left += LEFT + PLOT_WIDTH + names_width(panel);
            Some(at)
        })
        .collect();
    let width = panels.last().zip(lefts.last()).map_or(0.0, |(panel, at)| {
        at + LEFT + PLOT_WIDTH + names_width(panel)
    });
    let bottom = TOP + PLOT_HEIGHT + 56.0;
    let height = bottom + 17.0 * notes.len() as f64 + 6.0;
    let mut svg = Svg::document(width, height, title, &notes.join(" "));
    for (panel, left) in panels.iter().zip(lefts) {
        Frame::of(panel, left + LEFT).draw(&mut svg);
    }
    let size = number(SMALL);
    svg.open("g", &[("font-size", &size), ("fill", SOFT)]);
    for (line, note) in notes.iter().enumerate() {
        svg.label(14.0, bottom + 12.0 + 17.0 * line as f64, &[], note);
    }
    svg.close();
    svg.finish()
}

/// Room on the right of a frame.
fn names_width(panel: &TimePanel) -> f64 {
    let names = panel.lines.iter().map(|line| text_width(&line.name, FONT));
    LEADER + names.fold(0.0, f64::max) + 10.0
}

/// A panel and its place in the picture.
struct Frame<'a> {
    panel: &'a TimePanel,
    x: Ruler,
    y: Ruler,
    left: f64,
}

impl<'a> Frame<'a> {
    fn of(panel: &'a TimePanel, left: f64) -> Self {
        let points = || panel.lines.iter().flat_map(|line| &line.points);
        Self {
            panel,
            x: Ruler::factors(points().map(|(size, _)| *size)),
            y: Ruler::decades(points().map(|(_, time)| *time)),
            left,
        }
    }

    fn at(&self, (size, time): (f64, f64)) -> (f64, f64) {
        (
            self.left + PLOT_WIDTH * self.x.place(size),
            TOP + PLOT_HEIGHT * (1.0 - self.y.place(time)),
        )
    }

    fn draw(&self, svg: &mut Svg) {
        svg.open("g", &[("class", "panel")]);
        let bold = [("font-size", "15"), ("font-weight", "bold"), ("fill", INK)];
        svg.label(self.left, 20.0, &bold, &self.panel.title);
        let (sizes, times) = (self.sizes(), self.times());
        self.grid(svg, &sizes, &times);
        self.texts(svg, &sizes, &times);
        for guide in &self.panel.guides {
            self.guide(svg, guide);
        }
        self.lines(svg);
        svg.close();
    }

    /// Ticks at the sizes themselves where they are few.
    fn sizes(&self) -> Vec<Tick> {
        let mut sizes: Vec<f64> = (self.panel.lines.iter())
            .flat_map(|line| line.points.iter().map(|(size, _)| *size))
            .collect();
        sizes.sort_by(f64::total_cmp);
        sizes.dedup();
        if sizes.len() > MOST_SIZES {
            sizes = self.x.ticks().into_iter().map(|tick| tick.value).collect();
        }
        let text = |value: f64| grouped(value.round() as u64);
        let ticks = sizes.into_iter().map(|value| Tick {
            value,
            text: text(value),
        });
        ticks.collect()
    }

    fn times(&self) -> Vec<Tick> {
        let ticks = self.y.ticks().into_iter().map(|tick| Tick {
            text: time(tick.value),
            ..tick
        });
        ticks.collect()
    }

    fn grid(&self, svg: &mut Svg, sizes: &[Tick], times: &[Tick]) {
        let (left, right, bottom) = (self.left, self.left + PLOT_WIDTH, TOP + PLOT_HEIGHT);
        let mut lines = String::new();
        let mut edges = plumb(left, TOP, bottom) + &format!("H{}", number(right));
        for tick in times {
            let y = self.at((1.0, tick.value)).1;
            lines.push_str(&level(left, y, right));
            edges.push_str(&format!("M{} {}h-5", number(left), number(y)));
        }
        for tick in sizes {
            let x = self.at((tick.value, 1.0)).0;
            lines.push_str(&plumb(x, TOP, bottom));
            edges.push_str(&format!("M{} {}v5", number(x), number(bottom)));
        }
        for value in self.y.minor() {
            let y = number(self.at((1.0, value)).1);
            edges.push_str(&format!("M{} {y}h-2.5", number(left)));
        }
        for (path, color) in [(&lines, GRID), (&edges, INK)] {
            svg.line(path, color, "1");
        }
    }

    fn texts(&self, svg: &mut Svg, sizes: &[Tick], times: &[Tick]) {
        let bottom = TOP + PLOT_HEIGHT;
        let size = number(FONT);
        svg.open("g", &[("font-size", &size), ("fill", INK)]);
        let mut end = f64::NEG_INFINITY;
        for tick in sizes {
            let (x, half) = (
                self.at((tick.value, 1.0)).0,
                text_width(&tick.text, FONT) / 2.0,
            );
            if x - half < end + 4.0 {
                continue; // the tick stays, its text would touch the one before
            }
            end = x + half;
            svg.centred(x, bottom + 20.0, &tick.text);
        }
        for tick in times {
            let y = self.at((1.0, tick.value)).1;
            svg.before(self.left - 9.0, y + 4.5, &tick.text);
        }
        let middle = self.left + PLOT_WIDTH / 2.0;
        svg.centred(middle, bottom + 42.0, &self.panel.size);
        let (x, y) = (self.left - LEFT + 18.0, TOP + PLOT_HEIGHT / 2.0);
        svg.upright(x, y, "time");
        svg.close();
    }

    /// A line of slope `power`, cut where it leaves the frame.
    fn guide(&self, svg: &mut Svg, guide: &Guide) {
        let (
            Ruler::Log { from, to },
            Ruler::Log {
                from: low,
                to: high,
            },
        ) = (self.x, self.y)
        else {
            unreachable!("both axes are logarithmic");
        };
        let lines = self.panel.lines.iter();
        let end = match guide.side {
            Side::Above => {
                let last = lines.filter_map(|line| line.points.last());
                2.0 * last.map(|(_, time)| *time).fold(0.0, f64::max)
            }
            Side::Below => {
                let points = lines.flat_map(|line| &line.points);
                let ends = points.map(|(size, time)| time * (to / size).powf(guide.power));
                ends.fold(f64::INFINITY, f64::min) / 1.5
            }
        };
        let time = |size: f64| end * (size / to).powf(guide.power);
        let size = |time: f64| to * (time / end).powf(1.0 / guide.power);
        let (first, last) = (size(low).max(from), size(high).min(to));
        if first >= last {
            return;
        }
        let ((x0, y0), (x1, y1)) = (self.at((first, time(first))), self.at((last, time(last))));
        let path = format!(
            "M{} {}L{} {}",
            number(x0),
            number(y0),
            number(x1),
            number(y1)
        );
        svg.open("g", &[("class", "guide")]);
        let thin = [
            ("d", path.as_str()),
            ("fill", "none"),
            ("stroke", SOFT),
            ("stroke-width", "1"),
            ("stroke-dasharray", "2 3"),
        ];
        svg.empty("path", &thin);
        let (anchor, share, dx, dy) = match guide.side {
            Side::Above => ("end", 0.85, -7.0, -3.0),
            Side::Below => ("start", 0.6, 7.0, 12.0),
        };
        let (x, y) = (x0 + share * (x1 - x0), y0 + share * (y1 - y0));
        let style = [
            ("text-anchor", anchor),
            ("font-size", "13"),
            ("font-style", "italic"),
            ("fill", SOFT),
        ];
        svg.label(x + dx, y + dy, &style, &guide.name);
        svg.close();
    }

    fn lines(&self, svg: &mut Svg) {
        let names = self.names();
        for (line, name) in self.panel.lines.iter().zip(names) {
            let series = series(line);
            svg.open("g", &[("class", "series")]);
            let places = series
                .marks
                .iter()
                .map(|mark| self.at((mark.x, mark.middle)));
            let path: String = places
                .clone()
                .enumerate()
                .map(|(index, (x, y))| {
                    let command = if index == 0 { 'M' } else { 'L' };
                    format!("{command}{} {}", number(x), number(y))
                })
                .collect();
            stroke(svg, &path, &series, "2");
            let right = self.left + PLOT_WIDTH;
            if let Some((_, end)) = places.clone().next_back() {
                let leader = format!(
                    "M{} {}L{} {}",
                    number(right + 6.0),
                    number(end),
                    number(right + 17.0),
                    number(name)
                );
                svg.line(&leader, series.color(), "1");
            }
            for ((x, y), mark) in places.zip(&series.marks) {
                symbol(svg, line.style, x, y, series.color(), Some(&mark.says));
            }
            symbol(svg, line.style, right + 23.0, name, series.color(), None);
            let style = [("font-size", "13"), ("fill", INK)];
            svg.label(right + LEADER, name + 4.5, &style, &line.name);
            svg.close();
        }
    }

    /// Heights of the names: those of the ends of their lines, moved apart.
    fn names(&self) -> Vec<f64> {
        let ends = self.panel.lines.iter().map(|line| {
            let last = line.points.last().expect("a line holds points");
            self.at(*last).1
        });
        let (low, high) = (TOP + 4.0, TOP + PLOT_HEIGHT - 4.0);
        apart(&ends.collect::<Vec<f64>>(), NAME_HEIGHT, low, high)
    }
}

/// A line as a series of marks that say what they are.
fn series(line: &TimeLine) -> Series {
    let mark = |index: usize| {
        let (size, seconds) = line.points[index];
        let place = format!(
            "{}: {} at {}",
            line.name,
            time(seconds),
            grouped(size as u64)
        );
        let slope = index
            .checked_sub(1)
            .map(|before| slope(line.points[before], line.points[index]));
        let says = match slope {
            Some(slope) => format!("{place}, slope {slope:.2}").replace('-', "−"),
            None => place,
        };
        Mark {
            x: size,
            low: seconds,
            middle: seconds,
            high: seconds,
            says,
        }
    };
    Series {
        name: line.name.clone(),
        style: line.style,
        look: Look::Curve,
        marks: (0..line.points.len()).map(mark).collect(),
    }
}

/// Places near `wanted`, in its order, no two of them closer than `room`, within `low` and `high` if they fit there.
fn apart(wanted: &[f64], room: f64, low: f64, high: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|a, b| wanted[*a].total_cmp(&wanted[*b]));
    // Groups of neighbours that touch, each centred on what its members want.
    let mut groups: Vec<(f64, Vec<usize>)> = Vec::new();
    let start = |sum: f64, count: usize| {
        let half = 0.5 * room * (count as f64 - 1.0);
        let first = sum / count as f64 - half;
        first.min(high - 2.0 * half).max(low)
    };
    for index in order {
        groups.push((wanted[index], vec![index]));
        while let [.., (sum, above), (more, below)] = groups.as_slice() {
            let end = start(*sum, above.len()) + room * above.len() as f64;
            if start(*more, below.len()) >= end {
                break;
            }
            let (more, below) = groups.pop().expect("there are two");
            let last = groups.last_mut().expect("there are two");
            last.0 += more;
            last.1.extend(below);
        }
    }
    let mut places = vec![0.0; wanted.len()];
    for (sum, members) in &groups {
        let first = start(*sum, members.len());
        for (row, member) in members.iter().enumerate() {
            places[*member] = first + room * row as f64;
        }
    }
    places
}

/// A time in s, in the unit that suits it, three digits.
pub fn time(seconds: f64) -> String {
    let (factor, unit) = match seconds {
        ..0.9995e-6 => (1e9, "ns"),
        ..0.9995e-3 => (1e6, "µs"),
        ..0.9995 => (1e3, "ms"),
        _ => (1.0, "s"),
    };
    format!("{} {unit}", short(seconds * factor, 3))
}

/// A count with a narrow space between its thousands.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests;
