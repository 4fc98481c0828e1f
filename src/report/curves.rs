//! Accuracy and matrix errors against one axis.

use super::axis::Described;
use super::chart::{Along, AxisOf, Chart};
use super::figure::Figure;
use super::group::{Group, LINES, beside, file_name, pooled_sentence};
use super::results::{Results, Trial};
use super::scale::{Scale, percent};
use super::series::{Look, Mark, Series};
use super::table::Table;
use crate::experiment::Summary;
use crate::experiment::stats::quantiles;
use crate::experiment::sweep::Axis;
use crate::io::record::Cell;

/// What an axis looks like along the bottom of a chart.
pub(super) fn along(axis: &Axis) -> AxisOf {
    let quantity = axis.quantity();
    match axis.numbers() {
        Some(numbers) => AxisOf {
            along: Along::Numbers(Scale::of_axis(&numbers)),
            label: quantity.label(),
        },
        None => AxisOf {
            along: Along::Names((0..axis.len()).map(|index| axis.text(index)).collect()),
            label: quantity.name,
        },
    }
}

/// Indices of the values of `axis` from the least to the greatest.
pub(super) fn in_order(axis: &Axis) -> Vec<usize> {
    let mut order: Vec<usize> = (0..axis.len()).collect();
    order.sort_by(|a, b| axis.position(*a).total_cmp(&axis.position(*b)));
    order
}

/// The middle of `values` and where 20 % and 80 % of them lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Band {
    pub low: f64,
    pub middle: f64,
    pub high: f64,
}

impl Band {
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let values: Vec<f64> = values.into_iter().collect();
        if values.is_empty() {
            return None;
        }
        let [low, middle, high] = quantiles(&values, &[0.2, 0.5, 0.8])[..] else {
            unreachable!("three were asked for");
        };
        Some(Self { low, middle, high })
    }
}

/// One figure an axis that has more than one value.
pub(super) fn accuracy(results: &Results) -> Vec<Figure> {
    let varied = results.varied().into_iter();
    varied.map(|axis| accuracy_along(results, axis)).collect()
}

fn accuracy_along(results: &Results, x: usize) -> Figure {
    let axis = &results.axes()[x];
    let quantity = axis.quantity();
    let (groups, pooled) = beside(results, &[x], LINES);
    let mut table = Table::new([axis.key()]);
    table.columns.extend(
        groups[0]
            .fixed
            .iter()
            .map(|(a, _)| results.axes()[*a].key().to_owned()),
    );
    let more = [
        "chips", "p20", "median", "p80", "mean", "min", "max", "digital", "ideal",
    ];
    table.columns.extend(more.map(str::to_owned));
    let mut series = Vec::new();
    for (style, group) in groups.iter().enumerate() {
        let mut marks = Vec::new();
        for index in in_order(axis) {
            let here = group.and(x, index);
            let accuracies: Vec<f64> = here.trials(results).map(|trial| trial.accuracy).collect();
            let Some(band) = Band::of(accuracies.iter().copied()) else {
                continue;
            };
            let summary = Summary::of(accuracies.iter().copied());
            let mean = |of: fn(&Trial) -> f64| Summary::of(here.trials(results).map(of)).mean;
            let mut row: Vec<Cell> = vec![cell(axis, index)];
            row.extend(
                group
                    .fixed
                    .iter()
                    .map(|(a, i)| cell(&results.axes()[*a], *i)),
            );
            row.push(accuracies.len().into());
            let numbers = [
                band.low,
                band.middle,
                band.high,
                summary.mean,
                summary.min,
                summary.max,
            ];
            row.extend(numbers.map(Cell::from));
            row.extend([mean(|t| t.digital).into(), mean(|t| t.ideal).into()]);
            table.push(row);
            marks.push(Mark {
                x: axis.position(index),
                low: 100.0 * band.low,
                middle: 100.0 * band.middle,
                high: 100.0 * band.high,
                says: format!(
                    "{}: median {}, 20 to 80 % of chips {} to {}, {} chips",
                    here.name(results.axes()),
                    percent(band.middle),
                    percent(band.low),
                    percent(band.high),
                    accuracies.len()
                ),
            });
        }
        let name = match group.fixed.is_empty() {
            true => "chips, median".to_owned(),
            false => group.name(results.axes()),
        };
        series.push(Series {
            name,
            style,
            look: Look::Curve,
            marks,
        });
    }
    let references = [
        reference(results, x, &groups, "digital", 0, |trial| trial.digital),
        reference(results, x, &groups, "ideal chip", 1, |trial| trial.ideal),
    ];
    let mut all: Vec<Series> = references.into_iter().flatten().collect();
    all.extend(series);
    let ends = all
        .iter()
        .flat_map(|s| s.marks.iter().flat_map(|m| [m.low, m.high]));
    let y = AxisOf {
        along: Along::Numbers(within_percent(Scale::covering(ends))),
        label: "accuracy, %".to_owned(),
    };
    let title = format!("Accuracy against {}", quantity.name);
    let caption = format!(
        "Lines: median over the chips. Bands: from the 20 % to the 80 % quantile. Grey: digital and a perfect chip.{}",
        pooled_sentence(results, &pooled)
    );
    let mut chart = Chart::new(&title, &caption, along(axis), y, &all);
    chart.draw(&all);
    Figure::new(
        format!("accuracy-{}", file_name(axis.key())),
        title,
        caption,
        chart.svg.finish(),
        table,
    )
}

/// What `of` is along the axis, where chips of a group share it; drawn once where groups agree.
fn reference(
    results: &Results,
    x: usize,
    groups: &[Group],
    name: &str,
    style: usize,
    of: fn(&Trial) -> f64,
) -> Vec<Series> {
    let axis = &results.axes()[x];
    let mut lines: Vec<Series> = Vec::new();
    for group in groups {
        let mut marks = Vec::new();
        for index in in_order(axis) {
            let here = group.and(x, index);
            let Some(band) = Band::of(here.trials(results).map(of)) else {
                continue;
            };
            let value = 100.0 * band.middle;
            marks.push(Mark {
                x: axis.position(index),
                low: value,
                middle: value,
                high: value,
                says: String::new(),
            });
        }
        if lines.iter().all(|line| line.marks != marks) {
            lines.push(Series {
                name: if lines.is_empty() {
                    name.to_owned()
                } else {
                    String::new()
                },
                style,
                look: Look::Reference,
                marks,
            });
        }
    }
    lines
}

/// The value at `index` as it stands in a table.
pub(super) fn cell(axis: &Axis, index: usize) -> Cell {
    axis.values[0][index].clone()
}

/// The same scale, ending at 0 % and 100 %.
pub(super) fn within_percent(scale: Scale) -> Scale {
    match scale {
        Scale::Linear { from, to } => Scale::Linear {
            from: from.max(0.0),
            to: to.min(100.0),
        },
        log => log,
    }
}
