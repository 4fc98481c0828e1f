//! The colour bar of a drawing.

use super::color_by::{ColorBy, largest, span as span_of};
use super::light::Light;
use crate::report::plot::color::{self, Rgb};
use crate::report::plot::style::{EDGE, INK};
use crate::report::plot::svg::{Svg, number};

/// Number of colours in a bar.
const STEPS: u32 = 64;

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
        (ColorBy::Quantity { values, .. }, _) => {
            let [low, high] = span_of(values);
            [0.0, 0.25, 0.5, 0.75, 1.0]
                .map(|level| (level, short(low + level * (high - low))))
                .to_vec()
        }
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
        ColorBy::Quantity { name, .. } => (color::sequential, name.as_str()),
    };
    svg.open(
        "g",
        &[("class", "colorbar"), ("font-size", "12"), ("fill", INK)],
    );
    svg.label(x - 6.0, top - 14.0, &[("font-size", "12.5")], heading);
    // Each from its top to the foot of the bar, so that no paper shows between two. No gradient: PDF would lose its scale.
    for step in (0..STEPS).rev() {
        let share = f64::from(step + 1) / f64::from(STEPS);
        let color = map((f64::from(step) + 0.5) / f64::from(STEPS)).hex();
        let step_of = [
            x + 8.0,
            top + height * (1.0 - share / 2.0),
            16.0,
            height * share,
        ];
        svg.pill(step_of, 0.0, &[("fill", &color)]);
    }
    let frame = [("fill", "none"), ("stroke", EDGE), ("stroke-width", "0.6")];
    svg.pill([x + 8.0, top + height / 2.0, 16.0, height], 0.0, &frame);
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

    /// Programs that read SVG differ in what they make of gradients.
    #[test]
    fn the_bar_is_a_stack_of_the_colours_of_its_map() {
        let mut svg = Svg::document(100.0, 300.0, "", "");
        draw_bar(&mut svg, &ColorBy::Theta, None, [10.0, 20.0, 256.0]);
        let svg = svg.finish();
        assert!(!svg.contains("Gradient") && !svg.contains("url("));
        let bar = svg.split("class=\"colorbar\"").nth(1).unwrap();
        let steps: Vec<&str> = bar
            .lines()
            .filter(|l| l.starts_with("<rect") && !l.contains("none"))
            .collect();
        assert_eq!(steps.len(), 64);
        for (step, line) in steps.iter().enumerate() {
            let color = color::sequential(1.0 - (step as f64 + 0.5) / 64.0).hex();
            assert!(line.contains(&color), "{line}");
            let top = number(20.0 + 4.0 * step as f64);
            assert!(line.contains(&format!(" y=\"{top}\"")), "{line}");
        }
    }

    #[test]
    fn ticks_have_the_digits_that_count() {
        assert_eq!(
            [0.0, 1.0, 0.5, 0.05, 0.0123].map(short),
            ["0", "1", "0.5", "0.05", "0.012"]
        );
    }
}
