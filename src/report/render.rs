//! A sweep's folder → its report.

use std::path::{Path, PathBuf};

use super::axis::Described;
use super::confusion::place;
use super::figure::Figure;
use super::page::{Block, Headline, Page, Section};
use super::results::{Point, Results, Trial};
use super::scale::percent;
use super::table::Table;
use super::{chip, confusion, curves, effects, hardware, heat, layers, program, yields};
use crate::error::Result;
use crate::experiment::Summary;
use crate::io::record::Cell;

/// A report: one page, and its figures as files of their own.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// The page, HTML that needs no other file.
    pub html: String,
    /// The figures in the order of the page.
    pub figures: Vec<Figure>,
}

/// The report on the sweep whose files `folder` holds.
///
/// The program that the sweep ran is read again for a picture of its first mesh: its path is that of the experiment, taken
/// from one of `roots`. Where it is not found, or is not the file that the sweep read, the page says so. The same files give
/// the same bytes.
///
/// # Errors
/// [`Error::Io`](crate::Error::Io), [`Error::Format`](crate::Error::Format) and [`Error::Value`](crate::Error::Value) if the
/// folder does not hold what `lightloom sweep` writes.
pub fn render(folder: &Path, roots: &[PathBuf]) -> Result<Rendered> {
    let results = Results::open(folder)?;
    let focus = focus(&results);
    let mut sections = Vec::new();
    let mut add = |id, title, blocks: Vec<Block>| {
        let is_empty =
            |block: &Block| matches!(block, Block::Figures(figures) if figures.is_empty());
        if !blocks.iter().all(is_empty) {
            sections.push(Section { id, title, blocks });
        }
    };
    let figures = |figures| vec![Block::Figures(figures)];
    add("accuracy", "Accuracy", figures(curves::accuracy(&results)));
    add("maps", "Two effects at once", figures(heat::maps(&results)));
    add("yields", "Yield", figures(yields::figures(&results)));
    add(
        "costs",
        "What costs how much",
        figures(effects::figures(&results)),
    );
    add("layers", "Layers", figures(layers::figures(&results)));
    let classes = match confusion::matrix(&results, focus) {
        Some(figure) => {
            let losses = confusion::class_losses(&results, focus);
            Block::Figures(std::iter::once(figure).chain(losses).collect())
        }
        None => Block::Note(
            "The experiment does not record confusion, so classes are not told apart.".to_owned(),
        ),
    };
    add("classes", "Classes", vec![classes]);
    add("mesh", "Mesh", vec![mesh(&results, focus, roots)?]);
    let varied: Vec<String> = results
        .sweep
        .keys()
        .map(|key| key.name().to_owned())
        .collect();
    let caption = "Every key of the hardware, its value, its unit, and where the number is from";
    let numbers = hardware::table(&results.sweep.base.hardware, &varied);
    add(
        "chips",
        "Hardware",
        vec![Block::Table(
            "hardware".to_owned(),
            caption.to_owned(),
            numbers,
        )],
    );
    let caption =
        "Accuracy over the chips of every point, and the mean error of every layer’s matrix";
    add(
        "every-point",
        "Every point",
        vec![Block::Table(
            "points".to_owned(),
            caption.to_owned(),
            points(&results),
        )],
    );
    let caption = "What ran, on what, and the files that were read";
    add(
        "origin",
        "Origin",
        vec![Block::Table(
            "origin".to_owned(),
            caption.to_owned(),
            origin(&results),
        )],
    );
    let page = Page {
        title: results.sweep.name.clone(),
        subtitle: subtitle(&results),
        headlines: headlines(&results),
        sections,
        footer: format!(
            "Trials by lightloom {}, page by lightloom {}. Beside this page: rows.csv, rows.jsonl and rows.parquet with one row \
             a chip, and the figures as SVG files.",
            results.manifest.lightloom,
            env!("CARGO_PKG_VERSION")
        ),
    };
    let html = page.html();
    let blocks = page.sections.into_iter().flat_map(|section| section.blocks);
    let figures = blocks.filter_map(|block| match block {
        Block::Figures(figures) => Some(figures),
        _ => None,
    });
    Ok(Rendered {
        html,
        figures: figures.flatten().collect(),
    })
}

fn mean(point: &Point) -> f64 {
    Summary::of(point.trials.iter().map(|trial| trial.accuracy)).mean
}

/// Points from the lowest to the highest mean accuracy.
fn ranked(results: &Results) -> Vec<&Point> {
    let mut ranked: Vec<&Point> = results.points.iter().collect();
    ranked.sort_by(|a, b| mean(a).total_cmp(&mean(b)));
    ranked
}

/// The point of the highest mean accuracy, the first of equals.
pub(super) fn best(results: &Results) -> &Point {
    let points = results.points.iter();
    let best = points.reduce(|a, b| if mean(b) > mean(a) { b } else { a });
    best.expect("a sweep has points")
}

/// The point in the middle of all axes of numbers and at the first name of all others, or the one next to it that has trials.
fn focus(results: &Results) -> &Point {
    let middle = results.axes().iter().map(|axis| match axis.numbers() {
        Some(numbers) => numbers.len() / 2,
        None => 0,
    });
    let middle: Vec<usize> = middle.collect();
    let distance = |point: &&Point| {
        let steps = point.at.iter().zip(&middle);
        steps.map(|(a, b)| a.abs_diff(*b)).sum::<usize>()
    };
    let nearest = results.points.iter().min_by_key(distance);
    nearest.expect("a sweep has points")
}

fn mesh(results: &Results, focus: &Point, roots: &[PathBuf]) -> Result<Block> {
    let settings = results.sweep.point(focus.number)?;
    let tile = match program::first_tile(results, &settings.source, roots) {
        Ok(tile) => tile,
        Err(why) => return Ok(Block::Note(why)),
    };
    let drawn = settings.hardware.fabricate(results.sweep.seed, 0);
    let figures = chip::figures(results, focus, &tile, &drawn, settings.correction)?;
    Ok(Block::Figures(figures.into()))
}

fn subtitle(results: &Results) -> String {
    let varied: Vec<String> = results
        .varied()
        .into_iter()
        .map(|axis| results.axes()[axis].quantity().name)
        .collect();
    let of = |name: fn(&crate::experiment::sweep::Reference) -> Option<String>| {
        let mut names: Vec<String> = results
            .manifest
            .references
            .iter()
            .filter_map(name)
            .collect();
        names.dedup();
        names.join(", ")
    };
    let program = of(|r| {
        r.network
            .as_ref()
            .or(r.program.as_ref())
            .map(|path| last_part(path))
    });
    let data = of(|r| Some(last_part(&r.data)));
    let over = match varied.is_empty() {
        true => String::new(),
        false => format!(" over {}", varied.join(", ")),
    };
    let shard = match &results.manifest.shard {
        Some(shard) => format!(" Shard {shard} only."),
        None => String::new(),
    };
    let total = results.sweep.rows();
    let there: usize = results.points.iter().map(|point| point.trials.len()).sum();
    let missing = match total - there.min(total) {
        0 => String::new(),
        count => format!(" {count} of {total} trials are missing."),
    };
    format!("Accuracy of {program} on {data}{over}.{shard}{missing}")
}

/// The last part of a path.
fn last_part(path: &str) -> String {
    let name = Path::new(path).file_name();
    name.map_or(path.to_owned(), |name| name.to_string_lossy().into_owned())
}

fn headlines(results: &Results) -> Vec<Headline> {
    let trials = || results.points.iter().flat_map(|point| &point.trials);
    let range = |of: fn(&Trial) -> f64| {
        let summary = Summary::of(trials().map(of));
        match summary.min == summary.max {
            true => percent(summary.min),
            false => format!("{} to {}", percent(summary.min), percent(summary.max)),
        }
    };
    let ranked = ranked(results);
    let (worst, best) = (ranked[0], best(results));
    let card = |name: &str, value: String, more: String| Headline {
        name: name.to_owned(),
        value,
        more,
    };
    let samples = results
        .manifest
        .references
        .first()
        .map_or(0, |reference| reference.samples);
    let chips = format!("{} points, {samples} samples a chip", results.points.len());
    vec![
        card(
            "Digital network",
            range(|t| t.digital),
            "accuracy".to_owned(),
        ),
        card("Perfect chip", range(|t| t.ideal), "accuracy".to_owned()),
        card(
            "Best point, mean",
            percent(mean(best)),
            place(results, best),
        ),
        card(
            "Worst point, mean",
            percent(mean(worst)),
            place(results, worst),
        ),
        card("Chips", trials().count().to_string(), chips),
    ]
}

/// One row a point.
fn points(results: &Results) -> Table {
    let axes = results.axes();
    let mut table = Table::new(["point"]);
    table
        .columns
        .extend(axes.iter().map(|axis| axis.key().to_owned()));
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
    let errors = results
        .layers
        .iter()
        .map(|name| format!("layer.{name}.matrix_error"));
    table.columns.extend(errors);
    for point in &results.points {
        let of = |value: fn(&Trial) -> f64| Summary::of(point.trials.iter().map(value));
        let accuracy = of(|trial| trial.accuracy);
        let band = curves::Band::of(point.trials.iter().map(|trial| trial.accuracy));
        let band = band.expect("a point has trials");
        let mut row: Vec<Cell> = vec![point.number.into()];
        row.extend(
            axes.iter()
                .zip(&point.at)
                .map(|(axis, index)| curves::cell(axis, *index)),
        );
        row.push(point.trials.len().into());
        let numbers = [
            accuracy.mean,
            accuracy.std,
            accuracy.min,
            band.low,
            band.middle,
            band.high,
            accuracy.max,
            of(|trial| trial.agreement).mean,
            of(|trial| trial.digital).mean,
            of(|trial| trial.ideal).mean,
        ];
        row.extend(numbers.map(Cell::from));
        row.extend((0..results.layers.len()).map(|layer| {
            let errors = point.trials.iter().filter_map(|trial| trial.layers[layer]);
            let errors: Vec<f64> = errors.map(|[matrix, _]| matrix).collect();
            match errors.is_empty() {
                true => Cell::Null,
                false => Summary::of(errors).mean.into(),
            }
        }));
        table.push(row);
    }
    table
}

/// What the manifest says.
fn origin(results: &Results) -> Table {
    let manifest = &results.manifest;
    let mut table = Table::new(["what", "value"]);
    let mut add = |what: &str, value: String| table.push(vec![what.into(), Cell::Text(value)]);
    add("lightloom", manifest.lightloom.clone());
    add("processors", manifest.cpus.join(", "));
    add("seed", results.sweep.seed.0.to_string());
    add("chips of a point", results.sweep.trials.to_string());
    add(
        "SHA-256 of experiment.toml",
        manifest.experiment_sha256.clone(),
    );
    for input in &manifest.inputs {
        let what = format!("{}: {}", input.key, input.path);
        add(
            &what,
            format!("{} bytes, SHA-256 {}", input.bytes, input.sha256),
        );
    }
    for reference in &manifest.references {
        let tile = reference
            .tile
            .map_or("one tile a layer".to_owned(), |modes| {
                format!("tiles of {modes} modes")
            });
        let layers: Vec<String> = reference
            .layers
            .iter()
            .map(|layer| {
                format!(
                    "layer {}: {} tiles, {} MZIs",
                    layer.name, layer.tiles, layer.mzis
                )
            })
            .collect();
        let name = reference.network.as_ref().or(reference.program.as_ref());
        let what = format!("compiled: {}", name.map_or("", String::as_str));
        add(
            &what,
            format!(
                "{tile}, {} meshes, {}; {}",
                reference.geometry,
                reference.precision,
                layers.join("; ")
            ),
        );
    }
    table
}
