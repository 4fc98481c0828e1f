//! Two confusion matrices in one picture, and the scales of their colours.

use super::class_names::ClassNames;
use super::{Matrices, OF_NAMES, color, in_percent, most_off_diagonal, rows};
use crate::experiment::stats::Confusion;
use crate::report::plot::style::{FONT, INK, text_width};
use crate::report::plot::svg::{Svg, number};
use crate::units::counted;

/// Side of a matrix on a page, px.
const SIDE: f64 = 400.0;
/// Side of a matrix beside another one on paper at least, px; narrower figures have one below the other.
const LEAST_SIDE: f64 = 250.0;
/// Left of a matrix whose classes are numbers, px, and what they take there.
const LEFT: f64 = 66.0;
const OF_NUMBERS: f64 = 24.0;
const TOP: f64 = 44.0;
/// Between two matrices, px: side by side without longer names, and one below the other.
const GAP: f64 = 50.0;
const BELOW: f64 = 60.0;
const RIGHT: f64 = 16.0;

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

/// The matrices of the chips and of digital, on a page or laid out for `width` px on paper.
pub(super) fn picture(
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
