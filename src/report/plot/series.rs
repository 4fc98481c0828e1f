//! Lines of a chart: what they hold, and how they look.

use super::style::SOFT;
use super::svg::{Svg, number};

/// Colours that are told apart with every kind of colour vision: Okabe and Ito, 2008, without the
/// yellow, and with Tol's purple, which prints darker, in place of the pink.
pub(crate) const PALETTE: [&str; 7] = [
    "#0072b2", "#d55e00", "#009e73", "#aa4499", "#e69f00", "#56b4e9", "#333333",
];
/// Lines differ by their dashes as well.
const DASHES: [&str; 7] = ["", "7 3", "2 3", "9 3 2 3", "4 2", "1 3", "12 3"];

/// One point of a line: its place, what its band spans, and what it says when it is pointed at.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mark {
    pub x: f64,
    pub low: f64,
    pub middle: f64,
    pub high: f64,
    pub says: String,
}

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// Marks, joined where the axis holds numbers, over a band.
    Curve,
    /// Marks, joined where the axis holds numbers, each with a thin bar.
    Bars,
    /// A staircase over a band, without marks but with places to point at.
    Steps,
    /// A thin grey line to compare with.
    Reference,
}

/// A line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Series {
    pub name: String,
    /// Number of its colour, dashes and marks.
    pub style: usize,
    pub look: Look,
    pub marks: Vec<Mark>,
}

/// The most lines of one chart whose bands are drawn: those of more cover each other.
pub(crate) const BANDS: usize = 3;

impl Series {
    pub fn color(&self) -> &'static str {
        match self.look {
            Look::Reference => SOFT,
            _ => PALETTE[self.style % PALETTE.len()],
        }
    }

    pub fn dash(&self) -> &'static str {
        match (self.look, self.style) {
            (Look::Reference, 0) => "",
            (Look::Reference, _) => "2 3",
            // Beyond the palette the dashes go on differently.
            (_, style) => DASHES[(style + style / PALETTE.len()) % DASHES.len()],
        }
    }
}

pub(crate) fn stroke(svg: &mut Svg, path: &str, series: &Series, width: &str) {
    let mut attributes = vec![
        ("d", path),
        ("fill", "none"),
        ("stroke", series.color()),
        ("stroke-width", width),
        ("stroke-linejoin", "round"),
    ];
    if !series.dash().is_empty() {
        attributes.push(("stroke-dasharray", series.dash()));
    }
    svg.empty("path", &attributes);
}

/// A mark of the given style, filled with `color`, edged with white.
pub(crate) fn symbol(svg: &mut Svg, style: usize, x: f64, y: f64, color: &str, says: Option<&str>) {
    let at = format!("M{} {}", number(x), number(y));
    let shape = match style % PALETTE.len() {
        0 => "m-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0Z",
        1 => "m-4 -4h8v8h-8Z",
        2 => "m0 -5.2l5.2 9h-10.4Z",
        3 => "m0 -5.6l5.6 5.6l-5.6 5.6l-5.6 -5.6Z",
        4 => "m0 5.2l5.2 -9h-10.4Z",
        5 => "m-5.4 -1.8h3.6v-3.6h3.6v3.6h3.6v3.6h-3.6v3.6h-3.6v-3.6h-3.6Z",
        _ => "m-4.8 -2.6l4.8 -2.8l4.8 2.8v5.4l-4.8 2.8l-4.8 -2.8Z",
    };
    let path = format!("{at}{shape}");
    let mut attributes = vec![
        ("d", path.as_str()),
        ("fill", color),
        ("stroke", "#ffffff"),
        ("stroke-width", "1"),
    ];
    match says {
        None => svg.empty("path", &attributes),
        Some(says) => {
            attributes.insert(0, ("class", "mark"));
            svg.open("path", &attributes);
            svg.content("title", &[], says);
            svg.close();
        }
    }
}
