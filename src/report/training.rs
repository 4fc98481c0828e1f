//! How a program was trained, epoch by epoch.

use std::path::Path;

use crate::error::Result;
use crate::report::plot::chart::{Along, AxisOf, Chart};
use crate::report::plot::figure::Figure;
use crate::report::plot::ruler::Ruler;
use crate::report::plot::series::{Look, Mark, Series};
use crate::report::plot::table::Table;
use crate::report::plot::words::short;
use crate::report::sweep::results::Results;
use crate::train::{Epoch, epochs_in};

/// The score against passes of light and the loss against epochs, where `folder` holds a training.
pub(crate) fn figures(results: &Results, folder: &Path) -> Result<Vec<Figure>> {
    let epochs = epochs_in(folder)?;
    if epochs.is_empty() {
        return Ok(Vec::new());
    }
    Ok(score(results, &epochs)
        .into_iter()
        .chain([loss(results, &epochs)])
        .collect())
}

fn table(epochs: &[Epoch]) -> Table {
    let columns = [
        "epoch",
        "loss",
        "chips",
        "ideal",
        "passes",
        "phase_writes",
        "readings",
    ];
    let mut table = Table::new(columns);
    for epoch in epochs {
        let missing = f64::NAN;
        table.push(vec![
            (epoch.epoch as usize).into(),
            epoch.loss.into(),
            epoch.chips.unwrap_or(missing).into(),
            epoch.ideal.unwrap_or(missing).into(),
            (epoch.costs.passes as usize).into(),
            (epoch.costs.phase_writes as usize).into(),
            (epoch.costs.readings as usize).into(),
        ]);
    }
    table
}

/// The score on the chips that validate; nothing where none did.
fn score(results: &Results, epochs: &[Epoch]) -> Option<Figure> {
    let measure = results.measure;
    let line = |name: &str, style, look, of: fn(&Epoch) -> Option<f64>| {
        let marks = epochs.iter().filter_map(|epoch| {
            let value = of(epoch)?;
            let drawn = measure.drawn(value);
            Some(Mark {
                x: epoch.costs.passes as f64 / 1e3,
                low: drawn,
                middle: drawn,
                high: drawn,
                says: format!(
                    "epoch {}, {} passes of light: {} {}",
                    epoch.epoch,
                    epoch.costs.passes,
                    name,
                    measure.text(value)
                ),
            })
        });
        Series {
            name: name.to_owned(),
            style,
            look,
            marks: marks.collect(),
        }
    };
    let series = [
        line("ideal chip", 1, Look::Reference, |epoch| epoch.ideal),
        line("chips that validate, mean", 0, Look::Curve, |epoch| {
            epoch.chips
        }),
    ];
    if series.iter().all(|series| series.marks.is_empty()) {
        return None;
    }
    let marks = || series.iter().flat_map(|series| &series.marks);
    let x = AxisOf {
        along: Along::Numbers(Ruler::covering(marks().map(|mark| mark.x))),
        label: "passes of light, thousands".to_owned(),
    };
    let y = AxisOf {
        along: Along::Numbers(measure.scale(marks().map(|mark| mark.middle))),
        label: measure.label(),
    };
    let title = format!("{} against passes of light, in training", measure.title());
    let caption = "A point is an epoch: samples held back from the training, on chips that it did not see unless it was \
                   of one chip alone. A pass is a sample whose light goes once through the network, forward or backward.";
    let width = results.options.width_px();
    let mut chart = Chart::new([&title, caption], [x, y], &series, width);
    chart.draw(&series);
    Some(Figure::new(
        "training-passes".to_owned(),
        title,
        caption.to_owned(),
        chart.svg.finish(),
        table(epochs),
    ))
}

fn loss(results: &Results, epochs: &[Epoch]) -> Figure {
    let marks = epochs.iter().map(|epoch| Mark {
        x: epoch.epoch as f64,
        low: epoch.loss,
        middle: epoch.loss,
        high: epoch.loss,
        says: format!("epoch {}: loss {}", epoch.epoch, short(epoch.loss, 4)),
    });
    let series = [Series {
        name: "loss".to_owned(),
        style: 0,
        look: Look::Curve,
        marks: marks.collect(),
    }];
    let marks = &series[0].marks;
    let x = AxisOf {
        along: Along::Numbers(Ruler::covering(marks.iter().map(|mark| mark.x))),
        label: "epoch".to_owned(),
    };
    let y = AxisOf {
        along: Along::Numbers(Ruler::logarithmic(marks.iter().map(|mark| mark.middle))),
        label: "loss".to_owned(),
    };
    let title = "Loss against epochs".to_owned();
    let caption = "Mean over the samples of an epoch, each before the step that was taken by it, on the chips that were \
                   trained on.";
    let width = results.options.width_px();
    let mut chart = Chart::new([&title, caption], [x, y], &series, width);
    chart.draw(&series);
    Figure::new(
        "training-loss".to_owned(),
        title,
        caption.to_owned(),
        chart.svg.finish(),
        table(epochs),
    )
}
