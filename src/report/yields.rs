//! The share of chips that reach an accuracy.

use super::axis::Described;
use super::chart::{Along, AxisOf, Chart};
use super::curves::{cell, within_percent};
use super::figure::Figure;
use super::group::{FIGURES, Group, LINES, beside, pooled_sentence};
use super::results::Results;
use super::scale::{Scale, percent};
use super::series::{Look, Mark, Series};
use super::table::Table;
use crate::experiment::stats::wilson_interval;
use crate::io::record::Cell;

/// Confidence of the bands.
const LEVEL: f64 = 0.95;

/// One curve a value of the first axis that varies, of many values evenly chosen ones; one figure for each combination of
/// the other axes where these are few.
pub(super) fn figures(results: &Results) -> Vec<Figure> {
    let axis = results.varied().first().copied();
    let taken: Vec<usize> = axis.into_iter().collect();
    let (groups, pooled) = beside(results, &taken, FIGURES);
    let all = results.points.iter().flat_map(|point| &point.trials);
    let scale = within_percent(Scale::covering(all.map(|trial| 100.0 * trial.accuracy)));
    groups
        .iter()
        .map(|group| figure(results, axis, group, &pooled, scale))
        .collect()
}

fn figure(
    results: &Results,
    axis: Option<usize>,
    group: &Group,
    pooled: &[usize],
    scale: Scale,
) -> Figure {
    let axes = results.axes();
    let (curves, left_out): (Vec<(Group, String, Cell)>, usize) = match axis {
        None => (vec![(group.clone(), "all chips".to_owned(), Cell::Null)], 0),
        Some(axis) => {
            let count = axes[axis].len();
            let chosen = evenly(count, LINES);
            let left_out = count - chosen.len();
            let curves = chosen.into_iter().map(|index| {
                let name = axes[axis].valued(index);
                (group.and(axis, index), name, cell(&axes[axis], index))
            });
            (curves.collect(), left_out)
        }
    };
    let key = axis.map_or("all", |axis| axes[axis].key());
    let mut table = Table::new([
        key,
        "accuracy",
        "chips",
        "reach_it",
        "yield",
        "wilson_low",
        "wilson_high",
    ]);
    let mut series = Vec::new();
    for (style, (here, name, value)) in curves.into_iter().enumerate() {
        let accuracies = here.trials(results).map(|trial| trial.accuracy).collect();
        let marks = steps(accuracies, &name, &value, scale, &mut table);
        series.push(Series {
            name,
            style,
            look: Look::Steps,
            marks,
        });
    }
    let x = AxisOf {
        along: Along::Numbers(scale),
        label: "accuracy that a chip must reach, %".to_owned(),
    };
    let y = AxisOf {
        along: Along::Numbers(Scale::Linear {
            from: 0.0,
            to: 100.0,
        }),
        label: "yield: chips that reach it, %".to_owned(),
    };
    let title = format!(
        "Yield: how many chips reach an accuracy{}",
        group.behind_title(axes)
    );
    let omitted = match left_out {
        0 => String::new(),
        count => format!(" {count} further values of the axis are left out."),
    };
    let caption = format!(
        "Share of chips whose accuracy is at least that on the lower axis. Bands, from the worst to the best chip: 95 % interval \
         of Wilson.{omitted}{}",
        pooled_sentence(results, pooled)
    );
    let mut chart = Chart::new(&title, &caption, x, y, &series);
    chart.draw(&series);
    let id = format!("yield{}", group.behind_id(axes));
    Figure::new(id, title, caption, chart.svg.finish(), table)
}

/// The staircase of one curve along `scale`; a row of `table` for every accuracy that occurs.
fn steps(
    mut accuracies: Vec<f64>,
    name: &str,
    value: &Cell,
    scale: Scale,
    table: &mut Table,
) -> Vec<Mark> {
    accuracies.sort_by(f64::total_cmp);
    let chips = accuracies.len();
    let (Scale::Linear { from, to } | Scale::Log { from, to }) = scale;
    let flat = |x: f64, share: f64| mark(x, [share; 3], String::new());
    let mut marks = vec![flat(from, 100.0)];
    let mut thresholds = accuracies.clone();
    thresholds.dedup();
    for threshold in thresholds {
        let reach = chips - accuracies.partition_point(|accuracy| *accuracy < threshold);
        let found = wilson_interval(reach, chips, LEVEL).expect("there are chips");
        let [share, low, high] = [found.estimate, found.low, found.high];
        let mut row = vec![value.clone(), threshold.into(), chips.into(), reach.into()];
        row.extend([share.into(), low.into(), high.into()]);
        table.push(row);
        let says = format!(
            "{name}: {reach} of {chips} chips ({}, 95 % interval {} to {}) reach {}",
            percent(share),
            percent(low),
            percent(high),
            percent(threshold)
        );
        let heights = [low, share, high].map(|share| 100.0 * share);
        // Between two accuracies that occur, the share is that of the upper one.
        let before = marks.last().map_or(from, |mark| mark.x);
        marks.push(match reach == chips {
            // The band begins at the worst chip.
            true => flat(100.0 * threshold, 100.0),
            false => mark(before, heights, String::new()),
        });
        marks.push(mark(100.0 * threshold, heights, says));
    }
    if let Some(last) = marks.last().filter(|_| chips > 0) {
        let best = last.x;
        marks.extend([flat(best, 0.0), flat(to, 0.0)]);
    }
    marks
}

fn mark(x: f64, [low, middle, high]: [f64; 3], says: String) -> Mark {
    Mark {
        x,
        low,
        middle,
        high,
        says,
    }
}

/// At most `most` of `count` indices, the first and the last among them.
fn evenly(count: usize, most: usize) -> Vec<usize> {
    if count <= most {
        return (0..count).collect();
    }
    (0..most)
        .map(|index| index * (count - 1) / (most - 1))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Chips at 80, 90, 90 and 95 %: all reach 80 %, three of four 90 %, one 95 %, none more.
    #[test]
    fn the_staircase_falls_behind_each_accuracy_that_occurs() {
        let scale = Scale::Linear {
            from: 75.0,
            to: 100.0,
        };
        let mut table = Table::new(["", "", "", "", "", "", ""]);
        let marks = steps(
            vec![0.95, 0.9, 0.8, 0.9],
            "",
            &Cell::Null,
            scale,
            &mut table,
        );
        let corners: Vec<(f64, f64)> = marks.iter().map(|mark| (mark.x, mark.middle)).collect();
        assert_eq!(
            corners,
            [
                (75.0, 100.0),
                (80.0, 100.0),
                (80.0, 100.0),
                (80.0, 75.0),
                (90.0, 75.0),
                (90.0, 25.0),
                (95.0, 25.0),
                (95.0, 0.0),
                (100.0, 0.0)
            ]
        );
        // No band in front of the worst chip, nor behind the best.
        let has_band = |mark: &&Mark| mark.low < mark.high;
        let banded = marks.iter().filter(has_band).map(|mark| mark.x);
        assert_eq!(
            banded.fold((100.0, 0.0), |(a, b): (f64, f64), x| (a.min(x), b.max(x))),
            (80.0, 95.0)
        );
        assert_eq!(table.rows.len(), 3);
    }

    #[test]
    fn chosen_values_hold_the_first_and_the_last() {
        assert_eq!(evenly(4, 6), [0, 1, 2, 3]);
        assert_eq!(evenly(11, 6), [0, 2, 4, 6, 8, 10]);
        assert_eq!(evenly(7, 6), [0, 1, 2, 3, 4, 6]);
    }
}
