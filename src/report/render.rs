//! A sweep's folder → its report.

use crate::units::counted;
use std::collections::BTreeSet;
use std::path::Path;

use super::figures::{chip, confusion, curves, effects, hardware, layers, maps, tables, yields};
use super::options::{FigureFormat, FigureOptions};
use super::page::{Block, Chapter, Headline, Page};
use super::plot::figure::Figure;
use super::sweep::axis::Described;
use super::sweep::choice::{axis_of_lines, best, check_limits, mean, middle, place, worst};
use super::sweep::program;
use super::sweep::results::{PointTrials, Results};
use super::{training, wafer};
use crate::error::{Error, Result};
use crate::experiment::Summary;
use crate::experiment::rows::Row;
use crate::experiment::stats::mean_interval;
use crate::processor::seated_tile;

/// Confidence of the intervals.
const LEVEL: f64 = 0.95;

/// A report: one page, and its figures as files of their own.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// The page, HTML that needs no other file.
    pub html: String,
    /// The figures in the order of the page.
    pub figures: Vec<Figure>,
    /// What is missing, and why; the page says it as well.
    pub notes: Vec<String>,
}

/// The report on the sweep whose files `folder` holds.
///
/// The program that the sweep ran is read again for a picture of its first mesh: its path is that of the experiment. It must
/// lie in the folder `from`; without that it is looked for from the current folder, `folder` and those above it, and where it
/// is not found, or is not the file that the sweep read, the page says so. The same files give the same bytes. Of a sweep
/// that has not ended it is a preview on the trials in its journal, and says so.
///
/// # Errors
/// [`Error::Io`], [`Error::Format`] and [`Error::Value`](crate::Error::Value) if the folder does not hold what `lightloom
/// sweep` writes, `from` not what the sweep read, or `options` are out of range or not for its axes.
pub fn render(folder: &Path, from: Option<&Path>, options: &FigureOptions) -> Result<Rendered> {
    if let Some(from) = from.filter(|from| !from.is_dir()) {
        let what = "is no folder: must be the one that the experiment's paths are relative to";
        return Err(Error::format(from.display().to_string(), what));
    }
    let mut results = Results::open(folder, options)?;
    results.lines = axis_of_lines(&results)?;
    check_limits(&results)?;
    let middle = middle(&results);
    let (measure, title) = (results.measure, results.measure.title());
    let mut sections = Vec::new();
    let mut add = |id, title: &str, blocks: Vec<Block>| {
        let title = title.to_owned();
        let is_empty =
            |block: &Block| matches!(block, Block::Figures(figures) if figures.is_empty());
        if !blocks.iter().all(is_empty) {
            sections.push(Chapter { id, title, blocks });
        }
    };
    let figures = |figures| vec![Block::Figures(figures)];
    add("accuracy", &title, figures(curves::main(&results)?));
    add(
        "training",
        "Training",
        figures(training::figures(&results, folder)?),
    );
    add("yields", "Yield", figures(yields::figures(&results)));
    add("wafers", "Wafer", figures(wafer::figures(&results)?));
    add(
        "costs",
        "What costs how much",
        figures(effects::figures(&results)),
    );
    add(
        "further",
        &format!("{title} against further axes"),
        figures(curves::further(&results)?),
    );
    let (over_pairs, left_out) = maps::figures(&results);
    let left_out = left_out.map(Block::Note);
    let over_pairs = left_out.into_iter().chain([Block::Figures(over_pairs)]);
    add("maps", "Two effects at once", over_pairs.collect());
    add("layers", "Layers", figures(layers::figures(&results)));
    if measure.score.has_classes() {
        let classes = match confusion::matrix(&results, middle) {
            Some(figure) => {
                let losses = confusion::class_losses(&results, middle);
                Block::Figures(std::iter::once(figure).chain(losses).collect())
            }
            None => Block::Note(
                "The experiment does not record confusion, so classes are not told apart."
                    .to_owned(),
            ),
        };
        add("classes", "Classes", vec![classes]);
    }
    let mut notes: Vec<String> = incomplete(&results).into_iter().collect();
    let mesh = match mesh(&results, middle, folder, from)? {
        Ok(figures) => Block::Figures(figures),
        Err(why) => {
            notes.push(why.clone());
            Block::Note(why)
        }
    };
    add("mesh", "Mesh", vec![mesh]);
    let varied: Vec<String> = results
        .sweep
        .keys()
        .map(|key| key.name().to_owned())
        .collect();
    let table = |name: &str, caption: &str, table| {
        vec![Block::Table(name.to_owned(), caption.to_owned(), table)]
    };
    let numbers = hardware::table(&results.sweep.base.hardware, &varied);
    let caption = "Every key of the hardware, its value, its unit, and where the number is from";
    add("chips", "Hardware", table("hardware", caption, numbers));
    let worse = match measure.score.has_classes() {
        true => {
            ". chips_worse: chips below digital with p < 0.05 over samples, McNemar’s exact test of each chip"
        }
        false => "",
    };
    let caption = format!(
        "{title} over the chips of every point, and the mean error of every layer’s matrix. loss: against digital{worse}"
    );
    add(
        "every-point",
        "Every point",
        table("points", &caption, tables::points(&results)),
    );
    let caption = "What ran, on what, and the files that were read";
    add(
        "origin",
        "Origin",
        table("origin", caption, tables::origin(&results)),
    );
    let page = Page {
        title: match preview(&results) {
            Some(words) => format!("{} ({words})", results.sweep.name),
            None => results.sweep.name.clone(),
        },
        formats: options.formats.clone(),
        subtitle: subtitle(&results),
        notice: incomplete(&results),
        headlines: headlines(&results),
        sections,
        footer: format!(
            "Trials by lightloom {}, page by lightloom {}. {}",
            results.manifest.lightloom,
            env!("CARGO_PKG_VERSION"),
            beside(folder, &options.formats)
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
        notes,
    })
}

/// The figures of the first mesh, or why there are none.
fn mesh(
    results: &Results,
    point: &PointTrials,
    folder: &Path,
    from: Option<&Path>,
) -> Result<std::result::Result<Vec<Figure>, String>> {
    let settings = results.sweep.point(point.number)?;
    let tile = match program::first_tile(results, &settings.source, folder, from)? {
        Ok(tile) => tile,
        Err(why) => return Ok(Err(why)),
    };
    let drawn = settings.hardware.fabricate(results.sweep.seed, 0);
    let drawn = seated_tile(&drawn, &tile.layer, 0, &tile.meshes)?;
    let figures = chip::figures(results, point, &tile.meshes, &drawn, settings.correction)?;
    Ok(Ok(figures.into()))
}

/// What a sweep that has not ended is called.
fn preview(results: &Results) -> Option<String> {
    let [there, total] = [results.trials(), results.sweep.rows()];
    results
        .is_unfinished
        .then(|| format!("unfinished, {there} of {total} trials"))
}

/// How many of the planned trials there are, if not all.
fn incomplete(results: &Results) -> Option<String> {
    let [there, total] = [results.trials(), results.sweep.rows()];
    let shard = match &results.manifest.shard {
        Some(shard) => format!(": those of shard {shard}"),
        None => String::new(),
    };
    let what = match results.is_unfinished {
        true => "The sweep has not ended. This is a preview of",
        false => "This is a report on",
    };
    (there < total).then(|| {
        format!(
            "{what} {there} of the {total} planned trials{shard}. All figures are of these alone; shares of the \
             variance are left out, and costs where fewer than two chips are at both points."
        )
    })
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
    format!("{} of {program} on {data}{over}.", results.measure.title())
}

/// The last part of a path.
fn last_part(path: &str) -> String {
    let name = Path::new(path).file_name();
    name.map_or(path.to_owned(), |name| name.to_string_lossy().into_owned())
}

fn headlines(results: &Results) -> Vec<Headline> {
    let trials = || results.points.iter().flat_map(|point| &point.trials);
    let measure = results.measure;
    let range = |of: fn(&Row) -> f64| {
        let summary = Summary::of(trials().map(of));
        let [least, most] = [summary.min, summary.max].map(|value| measure.text(value));
        match least == most {
            true => least,
            false => format!("{least} to {most}"),
        }
    };
    let (worst, best) = (worst(results), best(results));
    let spread = |point: &PointTrials| {
        let values: Vec<f64> = point.trials.iter().map(Row::value).collect();
        let chips = counted(values.len(), "chip");
        match mean_interval(&values, LEVEL) {
            Some(found) => {
                let reach = 0.5 * (found.high - found.low);
                let place = place(results, point);
                format!(
                    "± {} ({:.0} % interval, {chips}): {place}",
                    measure.text(reach),
                    100.0 * LEVEL
                )
            }
            None => format!("{chips}: {}", place(results, point)),
        }
    };
    let card = |name: &str, value: String, more: String| Headline {
        name: name.to_owned(),
        value,
        more,
    };
    let of_point =
        |name: &str, point: &PointTrials| card(name, measure.text(mean(point)), spread(point));
    let mut cards = vec![
        card(
            "Digital network",
            range(|row| row.digital.value()),
            measure.name(),
        ),
        card(
            "Perfect chip",
            range(|row| row.ideal.value()),
            measure.name(),
        ),
    ];
    match results.points.len() {
        1 => cards.push(of_point("Only point, mean", best)),
        _ => cards.extend([
            of_point("Best point, mean", best),
            of_point("Worst point, mean", worst),
        ]),
    }
    cards.push(chips(results));
    cards
}

/// How many chips there are, and what ran on them. Chip number t is the same one at every point.
fn chips(results: &Results) -> Headline {
    let trials = || results.points.iter().flat_map(|point| &point.trials);
    let chips: BTreeSet<usize> = trials().map(|row| row.trial.trial).collect();
    let samples: BTreeSet<usize> = trials().map(|row| row.trial.samples).collect();
    let samples: Vec<usize> = samples.into_iter().collect();
    let samples = match samples[..] {
        [one] => counted(one, "sample"),
        [one, other] => format!("{one} or {other} samples"),
        _ => format!("{} to {} samples", samples[0], samples[samples.len() - 1]),
    };
    let (points, rows) = (results.points.len(), trials().count());
    // Of a shard a point may have some of the chips only.
    let times = match chips.len() * points == rows {
        true => "× ",
        false => "at ",
    };
    Headline {
        name: "Chips".to_owned(),
        value: chips.len().to_string(),
        more: format!(
            "{times}{}: {} of {samples}",
            counted(points, "point"),
            counted(rows, "trial")
        ),
    }
}

/// Which of the files with one row a trial lie in `folder`, and where the figures are.
fn beside(folder: &Path, formats: &[FigureFormat]) -> String {
    let rows = ["rows.csv", "rows.jsonl", "rows.parquet"];
    let there: Vec<&str> = rows
        .into_iter()
        .filter(|name| folder.join(name).is_file())
        .collect();
    let names: Vec<String> = formats.iter().map(|of| of.name().to_uppercase()).collect();
    let figures = format!("the figures as {} files", names.join(", "));
    match there.split_last() {
        // A sweep that has not ended has a journal alone.
        None => format!("Beside this page: {figures}."),
        Some((last, first)) => {
            let rows = match first.is_empty() {
                true => (*last).to_owned(),
                false => format!("{} and {last}", first.join(", ")),
            };
            format!("Beside this page: {rows} with one row a trial, and {figures}.")
        }
    }
}
