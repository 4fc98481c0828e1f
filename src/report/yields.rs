//! The share of chips that reach an accuracy.

use super::axis::Described;
use super::chart::{Along, AxisOf, Chart, Look, Mark, Series};
use super::curves::{cell, within_percent};
use super::figure::Figure;
use super::group::{Group, LINES, pooled_sentence};
use super::results::Results;
use super::scale::{Scale, percent};
use super::table::Table;
use crate::experiment::stats::{Interval, wilson_interval};
use crate::io::record::Cell;

/// Confidence of the bands.
const LEVEL: f64 = 0.95;

/// One curve a value of the first axis that varies; of many values, evenly chosen ones.
pub(super) fn curves(results: &Results) -> Figure {
    let axis = results.varied().first().copied();
    let (groups, left_out): (Vec<Group>, usize) = match axis {
        None => (vec![Group::default()], 0),
        Some(axis) => {
            let all = results.axes()[axis].len();
            let chosen = evenly(all, LINES);
            let left_out = all - chosen.len();
            let groups = chosen
                .into_iter()
                .map(|index| Group::default().and(axis, index));
            (groups.collect(), left_out)
        }
    };
    let key = axis.map_or("all", |axis| results.axes()[axis].key());
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
    for (style, group) in groups.iter().enumerate() {
        let mut accuracies: Vec<f64> = group.trials(results).map(|trial| trial.accuracy).collect();
        accuracies.sort_by(f64::total_cmp);
        let chips = accuracies.len();
        let name = match axis {
            Some(axis) => results.axes()[axis].valued(group.fixed[0].1),
            None => "all chips".to_owned(),
        };
        let mut marks = Vec::new();
        let mut before: Option<(f64, [f64; 3])> = None;
        let mut steps = accuracies.clone();
        steps.dedup();
        for threshold in steps {
            let reach = chips - accuracies.partition_point(|accuracy| *accuracy < threshold);
            let found = wilson_interval(reach, chips, LEVEL).expect("there are chips");
            let Interval {
                estimate: share,
                low,
                high,
            } = found;
            let first: Cell = axis.map_or("".into(), |axis| {
                cell(&results.axes()[axis], group.fixed[0].1)
            });
            table.push(vec![
                first,
                threshold.into(),
                chips.into(),
                reach.into(),
                share.into(),
                low.into(),
                high.into(),
            ]);
            let says = format!(
                "{name}: {reach} of {chips} chips ({}, 95 % interval {} to {}) reach {}",
                percent(share),
                percent(low),
                percent(high),
                percent(threshold)
            );
            let heights = [low, share, high].map(|share| 100.0 * share);
            // Between two accuracies that occur, the share is that of the upper one.
            let start = before.map_or(0.0, |(threshold, _)| threshold);
            marks.push(mark(100.0 * start, heights, String::new()));
            marks.push(mark(100.0 * threshold, heights, says));
            before = Some((threshold, heights));
        }
        if let Some((most, _)) = before {
            let Interval { low, high, .. } =
                wilson_interval(0, chips, LEVEL).expect("there are chips");
            marks.push(mark(
                100.0 * most,
                [low, 0.0, high].map(|share| 100.0 * share),
                String::new(),
            ));
        }
        series.push(Series {
            name,
            style,
            look: Look::Steps,
            marks,
        });
    }
    // The scale begins a little below the worst chip, where every curve is at 100 %.
    let occurring = || {
        series
            .iter()
            .flat_map(|s| s.marks.iter().filter(|m| !m.says.is_empty()).map(|m| m.x))
    };
    let scale = within_percent(Scale::covering(occurring()));
    if let Scale::Linear { from, to } = scale {
        for series in &mut series {
            for mark in &mut series.marks {
                mark.x = mark.x.max(from);
            }
            if let Some(last) = series.marks.last().cloned() {
                series.marks.push(Mark { x: to, ..last });
            }
        }
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
    let others: Vec<usize> = results.varied().into_iter().skip(1).collect();
    let title = "Yield: how many chips reach an accuracy".to_owned();
    let omitted = match left_out {
        0 => String::new(),
        count => format!(" {count} further values of the axis are left out."),
    };
    let caption = format!(
        "Share of chips whose accuracy is at least that on the lower axis. Bands: 95 % interval of Wilson.{omitted}{}",
        pooled_sentence(results, &others)
    );
    let mut chart = Chart::new(&title, &caption, x, y, &series);
    chart.draw(&series);
    Figure::new(
        "yield".to_owned(),
        title,
        caption,
        chart.svg.finish(),
        table,
    )
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
    use super::evenly;

    #[test]
    fn chosen_values_hold_the_first_and_the_last() {
        assert_eq!(evenly(4, 6), [0, 1, 2, 3]);
        assert_eq!(evenly(11, 6), [0, 2, 4, 6, 8, 10]);
        assert_eq!(evenly(7, 6), [0, 1, 2, 3, 4, 6]);
    }
}
