//! The share of chips that reach a score.

use super::curves::{Lines, along, along_main, cell, in_order, line_name};
use crate::experiment::rows::Row;
use crate::experiment::stats::wilson_interval;
use crate::io::record::Cell;
use crate::report::plot::chart::{Along, AxisOf, Chart, has_bands};
use crate::report::plot::figure::Figure;
use crate::report::plot::ruler::Ruler;
use crate::report::plot::series::{BANDS, Look, Mark, Series};
use crate::report::plot::table::Table;
use crate::report::plot::words::percent;
use crate::report::sweep::axis::Described;
use crate::report::sweep::axis::file_name;
use crate::report::sweep::choice::{evenly, main_axis};
use crate::report::sweep::measure::Measure;
use crate::report::sweep::results::Results;
use crate::report::sweep::slice::{Beside, FIGURES, LINES, Slice, others};
use crate::units::counted;

/// Confidence of the bands.
const LEVEL: f64 = 0.95;
/// Chips of a curve from which its band is drawn: that of fewer covers half of the picture.
const BANDED_CHIPS: usize = 20;

/// The share of chips that stay near digital against the main axis, then the share that reaches any score.
pub(crate) fn figures(results: &Results) -> Vec<Figure> {
    let near = along_main(results)
        .into_iter()
        .map(|lines| against_axis(results, &lines));
    near.chain(staircases(results)).collect()
}

/// Number of chips of `here` that lose at most [`Measure::tolerated`] against digital.
pub(crate) fn near_digital(results: &Results, here: &Slice) -> usize {
    let measure = results.measure;
    // Shares of samples are rounded: a loss of exactly one percent is within it.
    let is_near = |loss: f64| loss <= measure.tolerated() + 1e-9;
    here.trials(results)
        .filter(|row| is_near(measure.loss(row.digital.value(), row.value())))
        .count()
}

/// The yield along the axis of `lines`.
fn against_axis(results: &Results, lines: &Lines) -> Figure {
    let (axes, measure) = (results.axes(), results.measure);
    let axis = &axes[lines.x];
    let mut table = Table::new([axis.key()]);
    let told = lines.groups[0].fixed.iter();
    table
        .columns
        .extend(told.map(|choice| axes[choice.axis].key().to_owned()));
    let columns = [
        "chips",
        "near_digital",
        "yield",
        "wilson_low",
        "wilson_high",
    ];
    table.columns.extend(columns.map(str::to_owned));
    table.shares(&columns[2..], 1);
    let mut series = Vec::new();
    for (style, group) in lines.groups.iter().enumerate() {
        let mut marks = Vec::new();
        for index in in_order(axis) {
            let here = group.and(lines.x, index);
            let chips = here.trials(results).count();
            let near = near_digital(results, &here);
            let Some(found) = wilson_interval(near, chips, LEVEL) else {
                continue;
            };
            let shares = [found.low, found.estimate, found.high];
            let mut row = vec![cell(axis, index)];
            row.extend(
                group
                    .fixed
                    .iter()
                    .map(|choice| cell(&axes[choice.axis], choice.index)),
            );
            row.extend([chips.into(), near.into()]);
            row.extend([found.estimate, found.low, found.high].map(Cell::from));
            table.push(row);
            let says = format!(
                "{}: {near} of {chips} chips, 95 % interval {} to {}",
                here.name(axes),
                percent(found.low, 0),
                percent(found.high, 0)
            );
            marks.push(mark(
                axis.position(index),
                shares.map(|share| 100.0 * share),
                says,
            ));
        }
        series.push(Series {
            name: match group.fixed.is_empty() {
                true => "chips".to_owned(),
                false => line_name(group, axes),
            },
            style,
            look: Look::Bars,
            marks,
        });
    }
    let y = AxisOf {
        along: Along::Numbers(whole()),
        label: "yield, % of chips".to_owned(),
    };
    let title = format!(
        "Yield against {}: chips within {} of digital{}",
        axis.quantity().name,
        measure.tolerated_percent(),
        lines.figure.behind_title(axes)
    );
    let caption = format!(
        "Share of chips whose {} is at most {} {} digital. {}{}",
        measure.name(),
        measure.tolerated_in_words(),
        if measure.score.is_share() {
            "below"
        } else {
            "above"
        },
        match has_bands(&series, &along(axis).along) {
            true => "Bars: 95 % interval of Wilson.".to_owned(),
            false => format!(
                "The 95 % interval of Wilson is in the table: bars of more than {BANDS} lines would cover each other."
            ),
        },
        lines.unsaid
    );
    let width = results.options.width_px();
    let mut chart = Chart::new([&title, &caption], [along(axis), y], &series, width);
    chart.draw(&series);
    let id = format!(
        "yield-{}{}",
        file_name(axis.key()),
        lines.figure.behind_id(axes)
    );
    Figure::new(id, title, caption, chart.svg.finish(), table)
}

/// One curve a value of the main axis, of many values evenly chosen ones; one figure for each combination of names where
/// these are few.
fn staircases(results: &Results) -> Vec<Figure> {
    let axis = main_axis(results);
    let taken: Vec<usize> = axis.into_iter().collect();
    let beside = Beside::figures(results, &others(results, &taken), FIGURES);
    let all = beside.groups.iter().flat_map(|group| group.trials(results));
    let measure = results.measure;
    let scale = measure.scale(all.map(|row| measure.drawn(row.value())));
    let groups = beside.groups.iter();
    groups
        .map(|group| staircase(results, axis, group, &beside, scale))
        .collect()
}

fn staircase(
    results: &Results,
    axis: Option<usize>,
    group: &Slice,
    beside: &Beside,
    scale: Ruler,
) -> Figure {
    let axes = results.axes();
    let (curves, left_out): (Vec<(Slice, String, Cell)>, usize) = match axis {
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
    let measure = results.measure;
    let shares = [
        measure.score.main_part(),
        "yield",
        "wilson_low",
        "wilson_high",
    ];
    let mut table = Table::new([key, shares[0], "chips", "reach_it"]);
    table
        .columns
        .extend(shares[1..].iter().map(|name| name.to_string()));
    measure.show(&mut table, &shares[..1]);
    table.shares(&shares[1..], 1);
    let mut series = Vec::new();
    let fewest = curves
        .iter()
        .map(|(here, ..)| here.trials(results).count())
        .filter(|chips| *chips > 0)
        .min()
        .unwrap_or(0);
    for (style, (here, name, value)) in curves.into_iter().enumerate() {
        let values = here.trials(results).map(Row::value).collect();
        let marks = steps(values, (&name, &value), (scale, measure), &mut table);
        series.push(Series {
            name,
            style,
            look: Look::Steps,
            marks,
        });
    }
    let x = AxisOf {
        along: Along::Numbers(scale),
        label: match measure.score.is_share() {
            true => format!("{} that a chip must reach, %", measure.name()),
            false => format!("{} that a chip may have", measure.name()),
        },
    };
    let y = AxisOf {
        along: Along::Numbers(whole()),
        label: "yield, % of chips".to_owned(),
    };
    let name_starts_with_a_vowel = measure.name().starts_with(['a', 'o']);
    let title = format!(
        "Yield: how many chips reach {} {}{}",
        if name_starts_with_a_vowel { "an" } else { "a" },
        measure.name(),
        group.behind_title(axes)
    );
    let omitted = match left_out {
        0 => String::new(),
        count => format!(" {count} further values of the axis are left out."),
    };
    let intervals = match (fewest >= BANDED_CHIPS, series.len() <= BANDS) {
        (true, true) => {
            "Bands, from the worst to the best chip: 95 % interval of Wilson.".to_owned()
        }
        (true, false) => format!(
            "The 95 % interval of Wilson is in the table: bands of more than {BANDS} curves would cover each other."
        ),
        (false, _) => format!(
            "The 95 % interval of Wilson is in the table: of {} it is too wide to be drawn.",
            counted(fewest, "chip")
        ),
    };
    if fewest < BANDED_CHIPS {
        let marks = series.iter_mut().flat_map(|series| &mut series.marks);
        marks.for_each(|mark| (mark.low, mark.high) = (mark.middle, mark.middle));
    }
    let caption = format!(
        "Share of chips whose {} is at {} that on the lower axis. {intervals}{omitted}{}",
        measure.name(),
        if measure.score.is_share() {
            "least"
        } else {
            "most"
        },
        beside.sentences(results)
    );
    let width = results.options.width_px();
    let mut chart = Chart::new([&title, &caption], [x, y], &series, width);
    chart.draw(&series);
    let id = format!("yield{}", group.behind_id(axes));
    Figure::new(id, title, caption, chart.svg.finish(), table)
}

/// From none to all.
fn whole() -> Ruler {
    Ruler::Linear {
        from: 0.0,
        to: 100.0,
    }
}

/// The staircase of one curve along `scale`; a row of `table` for every score that occurs.
fn steps(
    mut values: Vec<f64>,
    (name, value): (&str, &Cell),
    (scale, measure): (Ruler, Measure),
    table: &mut Table,
) -> Vec<Mark> {
    // From the worst chip to the best: along the axis where more is better, else against it.
    values.sort_by(f64::total_cmp);
    let (Ruler::Linear { mut from, mut to } | Ruler::Log { mut from, mut to }) = scale;
    let is_reversed = !measure.score.is_share();
    if is_reversed {
        values.reverse();
        (from, to) = (to, from);
    }
    let chips = values.len();
    let flat = |x: f64, share: f64| mark(x, [share; 3], String::new());
    let mut marks = vec![flat(from, 100.0)];
    let mut thresholds = values.clone();
    thresholds.dedup();
    for threshold in thresholds {
        let reach = chips - values.partition_point(|value| measure.is_better(threshold, *value));
        let found = wilson_interval(reach, chips, LEVEL).expect("there are chips");
        let [share, low, high] = [found.estimate, found.low, found.high];
        let mut row = vec![value.clone(), threshold.into(), chips.into(), reach.into()];
        row.extend([share.into(), low.into(), high.into()]);
        table.push(row);
        let says = format!(
            "{name}: {reach} of {chips} chips ({}, 95 % interval {} to {}) reach {}",
            percent(share, 0),
            percent(low, 0),
            percent(high, 0),
            measure.text(threshold)
        );
        let heights = [low, share, high].map(|share| 100.0 * share);
        let x = measure.drawn(threshold);
        // Between two scores that occur, the share is that of the better one.
        let before = marks.last().map_or(from, |mark| mark.x);
        marks.push(match reach == chips {
            // The band begins at the worst chip.
            true => flat(x, 100.0),
            false => mark(before, heights, String::new()),
        });
        marks.push(mark(x, heights, says));
    }
    if let Some(last) = marks.last().filter(|_| chips > 0) {
        let best = last.x;
        marks.extend([flat(best, 0.0), flat(to, 0.0)]);
    }
    if is_reversed {
        marks.reverse();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::Score;

    fn measure(score: Score) -> Measure {
        Measure {
            score,
            decimals: 1,
            within: None,
        }
    }

    /// Chips of errors 1, 2, 2 and 3: one has at most 1, three at most 2, all at most 3, none less than 1.
    #[test]
    fn the_staircase_of_an_error_rises_to_the_right() {
        let scale = Ruler::Linear { from: 0.0, to: 4.0 };
        let mut table = Table::new(["", "", "", "", "", "", ""]);
        let errors = vec![2.0, 1.0, 3.0, 2.0];
        let of = (scale, measure(Score::Mse));
        let marks = steps(errors, ("", &Cell::Null), of, &mut table);
        let corners: Vec<(f64, f64)> = marks.iter().map(|mark| (mark.x, mark.middle)).collect();
        assert_eq!(
            corners,
            [
                (0.0, 0.0),
                (1.0, 0.0),
                (1.0, 25.0),
                (2.0, 25.0),
                (2.0, 75.0),
                (3.0, 75.0),
                (3.0, 100.0),
                (3.0, 100.0),
                (4.0, 100.0)
            ]
        );
        assert_eq!(table.rows.len(), 3);
    }

    /// Chips at 80, 90, 90 and 95 %: all reach 80 %, three of four 90 %, one 95 %, none more.
    #[test]
    fn the_staircase_falls_behind_each_accuracy_that_occurs() {
        let scale = Ruler::Linear {
            from: 75.0,
            to: 100.0,
        };
        let mut table = Table::new(["", "", "", "", "", "", ""]);
        let marks = steps(
            vec![0.95, 0.9, 0.8, 0.9],
            ("", &Cell::Null),
            (scale, measure(Score::Accuracy)),
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
}
