//! Horizontal bars with intervals, one under the other.

use super::ruler::Ruler;
use super::series::PALETTE;
use super::style::{FONT, GRID, INK, SOFT, text_width};
use super::svg::{Svg, number, plumb};

/// A bar: from zero to its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bar {
    /// Left of it, line by line.
    pub name: [String; 2],
    pub value: f64,
    /// The ends of its interval.
    pub interval: Option<[f64; 2]>,
    /// A thin line beside the bar: a second value of the same thing.
    pub second: Option<f64>,
    /// Right of it.
    pub text: String,
    pub says: String,
}

/// Height of one bar with its space.
const STEP: f64 = 44.0;
const TOP: f64 = 14.0;

/// Bars on one scale, `width` px wide and wider for long names. `second` names what the thin lines are.
pub(crate) fn draw(
    title: &str,
    caption: &str,
    label: &str,
    second: Option<[&str; 2]>,
    bars: &[Bar],
    width: f64,
) -> String {
    let widest = bars
        .iter()
        .flat_map(|bar| &bar.name)
        .map(|name| text_width(name, FONT))
        .fold(60.0, f64::max);
    let left = widest + 18.0;
    let texts = bars.iter().map(|bar| text_width(&bar.text, FONT));
    let named = second.map_or(0.0, |[first, second]| {
        second_name(left, first) + text_width(second, FONT) + 6.0
    });
    let width = width.max(left + 0.5 * width).max(named);
    let right = width - texts.fold(30.0, f64::max) - 14.0;
    let top = TOP + if second.is_some() { 24.0 } else { 0.0 };
    let bottom = top + STEP * bars.len() as f64;
    let mut svg = Svg::document(width, bottom + 52.0, title, caption);
    let ends = bars.iter().flat_map(|bar| {
        let [low, high] = bar.interval.unwrap_or([bar.value; 2]);
        [bar.value, low, high, bar.second.unwrap_or(0.0)]
    });
    let scale = Ruler::covering(ends.chain([0.0]));
    let x_of = |value: f64| left + (right - left) * scale.place(value);
    let size = number(FONT);
    let mut lines = String::new();
    for tick in scale.ticks() {
        lines.push_str(&plumb(x_of(tick.value), top, bottom));
    }
    svg.empty(
        "path",
        &[
            ("d", &lines),
            ("stroke", GRID),
            ("stroke-width", "1"),
            ("fill", "none"),
        ],
    );
    if let Some([first, second]) = second {
        legend(&mut svg, left, [first, second], &size);
    }
    for (index, bar) in bars.iter().enumerate() {
        let middle = top + STEP * (index as f64 + 0.5);
        put(&mut svg, bar, middle, &x_of, &size);
        let names: Vec<&String> = bar.name.iter().filter(|name| !name.is_empty()).collect();
        for (line, name) in names.iter().enumerate() {
            let y = middle + 4.5 + 16.0 * (line as f64 - (names.len() as f64 - 1.0) / 2.0);
            let fill = if line == 0 { INK } else { SOFT };
            let end = [
                ("text-anchor", "end"),
                ("font-size", size.as_str()),
                ("fill", fill),
            ];
            svg.label(left - 10.0, y, &end, name);
        }
    }
    let zero = plumb(x_of(0.0), top, bottom);
    svg.empty(
        "path",
        &[("d", &zero), ("stroke", INK), ("stroke-width", "1")],
    );
    svg.open(
        "g",
        &[
            ("font-size", &size),
            ("fill", INK),
            ("text-anchor", "middle"),
        ],
    );
    for tick in scale.ticks() {
        svg.label(x_of(tick.value), bottom + 18.0, &[], &tick.text);
    }
    let half = text_width(label, FONT) / 2.0;
    let middle = ((left + right) / 2.0).min(width - half - 6.0);
    svg.label(middle, bottom + 40.0, &[], label);
    svg.close();
    svg.finish()
}

fn legend(svg: &mut Svg, left: f64, [first, second]: [&str; 2], size: &str) {
    let y = 14.0;
    svg.pill([left + 9.0, y, 18.0, 10.0], 0.0, &[("fill", PALETTE[0])]);
    svg.open("g", &[("font-size", size), ("fill", INK)]);
    svg.label(left + 24.0, y + 4.5, &[], first);
    let next = second_name(left, first);
    svg.label(next, y + 4.5, &[], second);
    svg.close();
    diamond(svg, next - 11.0, y);
}

/// Where the second name of a legend begins, px.
fn second_name(left: f64, first: &str) -> f64 {
    left + 24.0 + text_width(first, FONT) + 38.0
}

fn diamond(svg: &mut Svg, x: f64, y: f64) {
    let path = format!("M{} {}m0 -6l6 6l-6 6l-6 -6Z", number(x), number(y));
    let look = [
        ("d", path.as_str()),
        ("fill", PALETTE[1]),
        ("stroke", "#ffffff"),
        ("stroke-width", "1"),
    ];
    svg.empty("path", &look);
}

fn put(svg: &mut Svg, bar: &Bar, middle: f64, x_of: &impl Fn(f64) -> f64, size: &str) {
    svg.open("g", &[("class", "mark")]);
    svg.content("title", &[], &bar.says);
    let (from, to) = (x_of(bar.value.min(0.0)), x_of(bar.value.max(0.0)));
    let long = (to - from).max(1.0);
    svg.pill(
        [(from + to) / 2.0, middle, long, 18.0],
        0.0,
        &[("fill", PALETTE[0])],
    );
    let mut end = x_of(bar.value);
    if let Some([low, high]) = bar.interval {
        let (a, b) = (number(x_of(low)), number(x_of(high)));
        let (up, down) = (number(middle - 5.0), number(middle + 5.0));
        let path = format!(
            "M{a} {}H{b}M{a} {up}V{down}M{b} {up}V{down}",
            number(middle)
        );
        svg.line(&path, INK, "1.4");
        end = end.max(x_of(high));
    }
    if let Some(second) = bar.second {
        diamond(svg, x_of(second), middle);
        end = end.max(x_of(second) + 4.0);
    }
    let ink = [("font-size", size), ("fill", INK)];
    svg.label(end.max(x_of(0.0)) + 8.0, middle + 4.5, &ink, &bar.text);
    svg.close();
}
