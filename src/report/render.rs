//! A sweep's folder → its report.

use std::path::Path;

use super::figure::Figure;
use super::page::{Block, Headline, Page, Section};
use super::scale::percent;
use super::sweep::{Point, Sweep};
use super::table::{Cell, Table};
use super::{confusion, curves, effects, heat, yields};
use crate::error::Result;
use crate::experiment::Summary;

/// A report: one page, and its figures as files of their own.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// The page, HTML that needs no other file.
    pub html: String,
    /// The figures in the order of the page.
    pub figures: Vec<Figure>,
}

/// The report on the sweep that `folder` holds.
///
/// The same folder gives the same bytes.
///
/// # Errors
/// Those of [`Sweep::open`].
pub fn render(folder: &Path) -> Result<Rendered> {
    let sweep = Sweep::open(folder)?;
    Ok(render_sweep(&sweep))
}

fn mean(point: &Point) -> f64 {
    Summary::of(point.trials.iter().map(|trial| trial.accuracy)).mean
}

/// The point in the middle of the ranking by mean accuracy.
fn focus(sweep: &Sweep) -> &Point {
    let mut ranked: Vec<&Point> = sweep.points.iter().collect();
    ranked.sort_by(|a, b| mean(a).total_cmp(&mean(b)));
    ranked[ranked.len() / 2]
}

pub(super) fn render_sweep(sweep: &Sweep) -> Rendered {
    let focus = focus(sweep);
    let mut sections = Vec::new();
    let accuracy = curves::accuracy(sweep);
    if !accuracy.is_empty() {
        sections.push(Section {
            id: "accuracy",
            title: "Accuracy",
            blocks: vec![Block::Figures(accuracy)],
        });
    }
    let maps = heat::maps(sweep);
    if !maps.is_empty() {
        sections.push(Section {
            id: "maps",
            title: "Two effects at once",
            blocks: vec![Block::Figures(maps)],
        });
    }
    sections.push(Section {
        id: "yield-of-chips",
        title: "Yield",
        blocks: vec![Block::Figures(vec![yields::curves(sweep)])],
    });
    let effects = effects::figures(sweep);
    if !effects.is_empty() {
        sections.push(Section {
            id: "effects",
            title: "What costs how much",
            blocks: vec![Block::Figures(effects)],
        });
    }
    if let Some(layers) = curves::layers(sweep) {
        sections.push(Section {
            id: "layers",
            title: "Layers",
            blocks: vec![Block::Figures(vec![layers])],
        });
    }
    let confusion = match confusion::matrix(sweep, focus) {
        Some(figure) => Block::Figures(vec![figure]),
        None => Block::Note(
            "The sweep recorded no confusion.csv, so there is no confusion matrix.".to_owned(),
        ),
    };
    sections.push(Section {
        id: "classes",
        title: "Classes",
        blocks: vec![confusion],
    });
    sections.push(Section {
        id: "points",
        title: "Every point",
        blocks: vec![Block::Table(
            "points".to_owned(),
            "Accuracy over the chips of every point, and the mean error of every layer’s matrix"
                .to_owned(),
            points(sweep),
        )],
    });
    let page = Page {
        title: sweep.name.clone(),
        subtitle: String::new(),
        headlines: headlines(sweep),
        sections,
        footer: "Written by lightloom report.".to_owned(),
    };
    let html = page.html();
    let figures = page
        .sections
        .into_iter()
        .flat_map(|section| section.blocks)
        .filter_map(|block| match block {
            Block::Figures(figures) => Some(figures),
            _ => None,
        });
    Rendered {
        html,
        figures: figures.flatten().collect(),
    }
}

fn headlines(sweep: &Sweep) -> Vec<Headline> {
    let trials = || sweep.points.iter().flat_map(|point| &point.trials);
    let range = |of: fn(&super::sweep::Trial) -> f64| {
        let summary = Summary::of(trials().map(of));
        match summary.min == summary.max {
            true => percent(summary.min),
            false => format!("{} to {}", percent(summary.min), percent(summary.max)),
        }
    };
    let best = sweep
        .points
        .iter()
        .max_by(|a, b| mean(a).total_cmp(&mean(b)))
        .expect("a sweep has points");
    let worst = sweep
        .points
        .iter()
        .min_by(|a, b| mean(a).total_cmp(&mean(b)))
        .expect("a sweep has points");
    let card = |name: &str, value: String, more: String| Headline {
        name: name.to_owned(),
        value,
        more,
    };
    vec![
        card(
            "Digital network",
            range(|t| t.digital),
            "accuracy".to_owned(),
        ),
        card("Perfect chip", range(|t| t.ideal), "accuracy".to_owned()),
        card(
            "Best point",
            percent(mean(best)),
            confusion::place(sweep, best),
        ),
        card(
            "Worst point",
            percent(mean(worst)),
            confusion::place(sweep, worst),
        ),
        card(
            "Chips",
            trials().count().to_string(),
            format!("at {} points", sweep.points.len()),
        ),
    ]
}

fn points(sweep: &Sweep) -> Table {
    let mut table = Table::new(["point"]);
    let varied: Vec<usize> = (0..sweep.axes.len()).collect();
    table
        .columns
        .extend(varied.iter().map(|axis| sweep.axes[*axis].key().to_owned()));
    let numbers = [
        "chips",
        "mean",
        "std",
        "min",
        "p20",
        "median",
        "p80",
        "max",
        "agreement",
        "digital",
        "ideal",
    ];
    table.columns.extend(numbers.map(str::to_owned));
    table.columns.extend(
        sweep
            .layers
            .iter()
            .map(|name| format!("layer.{name}.matrix_error")),
    );
    for point in &sweep.points {
        let of =
            |value: fn(&super::sweep::Trial) -> f64| Summary::of(point.trials.iter().map(value));
        let accuracy = of(|trial| trial.accuracy);
        let band =
            curves::Band::of(point.trials.iter().map(|t| t.accuracy)).expect("a point has trials");
        let mut row: Vec<Cell> = vec![point.number.into()];
        row.extend(
            varied
                .iter()
                .map(|axis| curves::cell(&sweep.axes[*axis], point.at[*axis])),
        );
        row.push(point.trials.len().into());
        row.extend(
            [
                accuracy.mean,
                accuracy.std,
                accuracy.min,
                band.low,
                band.middle,
                band.high,
                accuracy.max,
                of(|t| t.agreement).mean,
                of(|t| t.digital).mean,
                of(|t| t.ideal).mean,
            ]
            .map(Cell::from),
        );
        row.extend((0..sweep.layers.len()).map(|layer| {
            let errors: Vec<f64> = point
                .trials
                .iter()
                .filter_map(|t| Some(t.layers[layer]?[0]))
                .collect();
            Cell::from((!errors.is_empty()).then(|| Summary::of(errors).mean))
        }));
        table.push(row);
    }
    table
}
