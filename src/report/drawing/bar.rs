//! The colour bar of a drawing.

use super::color_by::{ColorBy, largest};
use super::light::Light;
use crate::report::plot::color::{self, Rgb};
use crate::report::plot::style::{EDGE, INK};
use crate::report::plot::svg::{Svg, number};

/// The colour bar at `x`, from `top`, beside a mesh of height `span`.
pub(super) fn draw_bar(
    svg: &mut Svg,
    color: &ColorBy,
    light: Option<&Light>,
    [x, top, span]: [f64; 3],
) {
    let height = span.min(280.0);
    let top = top + (span - height) / 2.0;
    let ticks: Vec<(f64, String)> = match (color, light) {
        (ColorBy::Light(_), Some(light)) => [0.0, 0.05, 0.2, 0.5, 1.0]
            .map(|share| (light.level(share * light.most), short(share * light.most)))
            .to_vec(),
        (ColorBy::Error(errors), _) => [0.0, 0.25, 0.5, 0.75, 1.0]
            .map(|level| (level, short(level * largest(errors))))
            .to_vec(),
        (color, _) => {
            let names = if *color == ColorBy::Phi {
                ["0", "π/2", "π", "3π/2", "2π"]
            } else {
                ["0", "π/4", "π/2", "3π/4", "π"]
            };
            let tick = |(index, name): (usize, &str)| (index as f64 / 4.0, name.to_owned());
            names.into_iter().enumerate().map(tick).collect()
        }
    };
    let (map, heading): (fn(f64) -> Rgb, &str) = match color {
        ColorBy::Theta => (color::sequential, "θ (rad)"),
        ColorBy::Phi => (color::cyclic, "φ (rad)"),
        ColorBy::Light(_) => (color::light, "power / input"),
        ColorBy::Error(_) => (color::light, "error"),
    };
    svg.open("defs", &[]);
    svg.open(
        "linearGradient",
        &[
            ("id", "lightloom-bar"),
            ("x1", "0"),
            ("y1", "1"),
            ("x2", "0"),
            ("y2", "0"),
        ],
    );
    for stop in 0..=24 {
        let t = f64::from(stop) / 24.0;
        let offset = format!("{:.4}", t);
        svg.empty(
            "stop",
            &[("offset", &offset), ("stop-color", &map(t).hex())],
        );
    }
    svg.close();
    svg.close();
    svg.open(
        "g",
        &[("class", "colorbar"), ("font-size", "12"), ("fill", INK)],
    );
    svg.label(x - 6.0, top - 14.0, &[("font-size", "12.5")], heading);
    let frame = [
        ("fill", "url(#lightloom-bar)"),
        ("stroke", EDGE),
        ("stroke-width", "0.6"),
    ];
    svg.pill([x + 8.0, top + height / 2.0, 16.0, height], 2.0, &frame);
    for (level, text) in ticks {
        let y = top + height * (1.0 - level);
        let line = format!("M{} {}h4", number(x + 16.0), number(y));
        svg.empty(
            "path",
            &[("d", &line), ("stroke", EDGE), ("stroke-width", "0.8")],
        );
        svg.label(x + 24.0, y + 4.2, &[], &text);
    }
    svg.close();
}

/// Two digits that count.
fn short(value: f64) -> String {
    if value == 0.0 || value >= 0.095 {
        return format!("{}", (100.0 * value).round() / 100.0);
    }
    let decimals = (1.0 - value.log10().floor()).clamp(0.0, 12.0) as usize;
    format!("{value:.decimals$}")
        .trim_end_matches('0')
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_have_the_digits_that_count() {
        assert_eq!(
            [0.0, 1.0, 0.5, 0.05, 0.0123].map(short),
            ["0", "1", "0.5", "0.05", "0.012"]
        );
    }
}
