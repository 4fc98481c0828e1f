//! How far the matrices of the layers are from what they should be.

use super::curves::{Band, along, cell, in_order, marks_in_words};
use crate::experiment::LayerTrial;
use crate::report::plot::chart::{Along, AxisOf, Chart};
use crate::report::plot::figure::Figure;
use crate::report::plot::ruler::Ruler;
use crate::report::plot::series::{Look, Mark, Series};
use crate::report::plot::table::Table;
use crate::report::plot::words::tidy;
use crate::report::sweep::axis::Described;
use crate::report::sweep::choice::main_axis;
use crate::report::sweep::results::Results;
use crate::report::sweep::slice::{Beside, FIGURES, Slice, others};

/// Layers up to which the error of the matrix is drawn beside that on the data.
const BOTH: usize = 3;

/// One of the errors of a layer.
struct ErrorKind {
    name: &'static str,
    short_name: &'static str,
    /// Whether it is drawn for few layers, and for many; the table has it always.
    drawn: [bool; 2],
    of: fn(&LayerTrial) -> Option<f64>,
}

/// The errors of a layer.
const KINDS: [ErrorKind; 3] = [
    ErrorKind {
        name: "of the matrix",
        short_name: "matrix",
        drawn: [true, false],
        of: |layer| layer.matrix_error,
    },
    ErrorKind {
        name: "of what is read",
        short_name: "read",
        drawn: [false, false],
        of: |layer| layer.read_error,
    },
    ErrorKind {
        name: "on the data",
        short_name: "on the data",
        drawn: [true, true],
        of: |layer| layer.weighted_error,
    },
];

/// Matrix errors against the main axis: one figure for each combination of names where these are few.
pub(crate) fn figures(results: &Results) -> Vec<Figure> {
    let Some(x) = main_axis(results) else {
        return Vec::new();
    };
    if results.layers.is_empty() {
        return Vec::new();
    }
    let beside = Beside::figures(results, &others(results, &[x]), FIGURES);
    let drawn: Vec<(Vec<Series>, Table)> = beside
        .groups
        .iter()
        .map(|group| series(results, x, group))
        .collect();
    let all = drawn.iter().flat_map(|(series, _)| series);
    let ends = all.flat_map(|series| series.marks.iter().flat_map(|mark| [mark.low, mark.high]));
    let scale = Ruler::covering(ends.chain([0.0]));
    let axis = &results.axes()[x];
    let (drawn_kinds, only) = match results.layers.len() > BOTH {
        true => (
            "on the data",
            "those of the matrix and of the part that detectors read are",
        ),
        false => (
            "of the whole matrix, and on the data",
            "that of the part that detectors read is",
        ),
    };
    let unsaid = beside.sentences(results);
    let figures = beside.groups.iter().zip(drawn).map(|(group, (series, table))| {
        let marks = marks_in_words(results, axis, &series);
        let title = format!(
            "Error of each layer against {}{}",
            axis.quantity().name,
            group.behind_title(results.axes())
        );
        let caption = format!(
            "Relative error of every layer, {drawn_kinds}; {only} in the table. Of the matrix: ‖W_chip − W‖ / ‖W‖, Frobenius \
             norm. On the data: ‖(W_chip − W) x‖ / ‖W x‖ of what is read, over the calibration batch x, the one that {} \
             follows. {marks}{unsaid}",
            results.measure.name()
        );
        let y = AxisOf {
            along: Along::Numbers(scale),
            label: "relative error".to_owned(),
        };
        let width = results.options.width_px();
        let mut chart = Chart::new([&title, &caption], [along(axis), y], &series, width);
        chart.draw(&series);
        let id = format!("layer-errors{}", group.behind_id(results.axes()));
        Figure::new(id, title, caption, chart.svg.finish(), table)
    });
    figures.collect()
}

/// The lines of one figure, and their numbers.
fn series(results: &Results, x: usize, group: &Slice) -> (Vec<Series>, Table) {
    let axis = &results.axes()[x];
    let [low, high] = results.options.quantile_names();
    let columns = [axis.key(), "layer", "error", "chips", &low, "median", &high];
    let mut table = Table::new(columns);
    let mut lines = Vec::new();
    for (layer, name) in results.layers.iter().enumerate() {
        for error in &KINDS {
            let what = error.name;
            let mut marks = Vec::new();
            for index in in_order(axis) {
                let here = group.and(x, index);
                let errors = here.trials(results);
                let errors: Vec<f64> = errors
                    .filter_map(|row| (error.of)(&row.trial.layers[layer]))
                    .collect();
                let chips = errors.len();
                let Some(band) = Band::of(errors, results.options.quantiles) else {
                    continue;
                };
                let mut row = vec![cell(axis, index), name.as_str().into(), what.into()];
                row.push(chips.into());
                row.extend([band.low.into(), band.middle.into(), band.high.into()]);
                table.push(row);
                let says = format!(
                    "layer {name}, error {what}, {}: median {}, {} of chips {} to {}",
                    here.name(results.axes()),
                    tidy(band.middle, 3),
                    results.options.quantiles_in_words(),
                    tidy(band.low, 3),
                    tidy(band.high, 3)
                );
                marks.push(Mark {
                    x: axis.position(index),
                    low: band.low,
                    middle: band.middle,
                    high: band.high,
                    says,
                });
            }
            if error.drawn[usize::from(results.layers.len() > BOTH)] {
                lines.push(Series {
                    name: format!("layer {name}, {}", error.short_name),
                    style: lines.len(),
                    look: Look::Curve,
                    marks,
                });
            }
        }
    }
    (lines, table)
}
