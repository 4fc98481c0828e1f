//! Which effect costs how much.

use crate::experiment::stats::{Grid, Interval, PairedDifference, paired_difference};
use crate::report::plot::bars::{self, Bar};
use crate::report::plot::figure::Figure;
use crate::report::plot::table::Table;
use crate::report::plot::words::percent;
use crate::report::sweep::axis::Described;
use crate::report::sweep::choice::{baseline, mean, place};
use crate::report::sweep::results::{PointTrials, Results};

/// Confidence of the intervals.
const LEVEL: f64 = 0.95;

/// What each axis does by itself, and what shares of the variance the axes explain.
pub(crate) fn figures(results: &Results) -> Vec<Figure> {
    let alone = one_at_a_time(results, baseline(results));
    alone.into_iter().chain(shares(results)).collect()
}

/// The point where `axis` alone has left `from`, and lies at `index`.
fn moved<'a>(
    results: &'a Results,
    from: &PointTrials,
    axis: usize,
    index: usize,
) -> Option<&'a PointTrials> {
    let mut at = from.at.clone();
    at[axis] = index;
    results.points.iter().find(|point| point.at == at)
}

/// Scores of the chips that two points have in common.
fn common(a: &PointTrials, b: &PointTrials) -> (Vec<f64>, Vec<f64>) {
    let pairs = a.trials.iter().filter_map(|left| {
        let right = b
            .trials
            .iter()
            .find(|right| right.trial.trial == left.trial.trial)?;
        Some((left.value(), right.value()))
    });
    pairs.unzip()
}

/// Bars: how much of the score every axis costs if it leaves `base`, where all others stay. Of a single axis there is
/// nothing to compare: what it does is in the figure against it.
fn one_at_a_time(results: &Results, base: &PointTrials) -> Option<Figure> {
    if results.varied().len() < 2 {
        return None;
    }
    let mut table = Table::new([
        "axis",
        "value",
        "chips",
        "loss",
        "low",
        "high",
        "p",
        "is_largest",
    ]);
    let measure = results.measure;
    measure.show(&mut table, &["loss", "low", "high"]);
    table.probability("p");
    let mut bars = Vec::new();
    for axis in results.varied() {
        let described = &results.axes()[axis];
        let losses: Vec<_> = (0..described.len())
            .filter(|index| *index != base.at[axis])
            .filter_map(|index| {
                let (here, there) = common(base, moved(results, base, axis, index)?);
                // What is lost is that of the worse one.
                let [more, less] = match measure.score.is_share() {
                    true => [&here, &there],
                    false => [&there, &here],
                };
                Some((index, here.len(), paired_difference(more, less, LEVEL)?))
            })
            .collect();
        let size = |found: &PairedDifference| found.difference.estimate.abs();
        let largest = losses
            .iter()
            .max_by(|a, b| size(&a.2).total_cmp(&size(&b.2)));
        let Some((worst, chips, found)) = largest else {
            continue;
        };
        for (index, chips, found) in &losses {
            table.push(vec![
                described.key().into(),
                described.values[0][*index].clone(),
                (*chips).into(),
                found.difference.estimate.into(),
                found.difference.low.into(),
                found.difference.high.into(),
                found.p.into(),
                usize::from(index == worst).into(),
            ]);
        }
        let Interval {
            estimate,
            low,
            high,
        } = found.difference;
        let quantity = described.quantity();
        let change = format!(
            "{} → {} {}",
            described.text(base.at[axis]),
            described.text(*worst),
            quantity.unit
        );
        bars.push(Bar {
            says: format!(
                "{} {}: {} {}, 95 % interval {}, {chips} chips",
                quantity.name,
                change.trim_end(),
                measure.text(estimate),
                if measure.score.is_share() {
                    "lost"
                } else {
                    "more"
                },
                measure.interval([low, high])
            ),
            name: [quantity.name, change.trim_end().to_owned()],
            value: measure.drawn(estimate),
            interval: Some([low, high].map(|end| measure.drawn(end))),
            second: None,
            text: measure.text(estimate),
        });
    }
    if bars.is_empty() {
        return None;
    }
    let is_share = measure.score.is_share();
    let title = "What each effect costs by itself".to_owned();
    let caption = format!(
        "{} when one axis goes from the baseline to the value that changes {} most and all others stay{}; below 0 where they \
         gain. Baseline: the least imperfect value of every axis, else the first one ({}). Lines: 95 % interval of the mean over \
         chips (Student).",
        match is_share {
            true => format!("Mean {} that the same chips lose", measure.name()),
            false => format!("Mean growth of the {} of the same chips", measure.name()),
        },
        measure.name(),
        if is_share {
            ", in percent of all samples"
        } else {
            ""
        },
        place(results, base)
    );
    let svg = bars::draw(
        &title,
        &caption,
        &match is_share {
            true => format!("{} lost, % of all samples", measure.name()),
            false => format!("growth of the {}", measure.name()),
        },
        None,
        &bars,
        results.options.width_px(),
    );
    Some(Figure::new(
        "effects".to_owned(),
        title,
        caption,
        svg,
        table,
    ))
}

/// Bars: shares of the variance of the mean score over the grid, if all of its trials are there: means of different
/// chips would differ by their chips too.
fn shares(results: &Results) -> Option<Figure> {
    let axes = results.axes();
    if results.varied().len() < 2 || results.trials() != results.sweep.rows() {
        return None;
    }
    let means = results.points.iter();
    let means = means.map(mean);
    let lengths = axes.iter().map(|axis| axis.len()).collect();
    let indices = Grid::new(lengths, means.collect())?.decompose()?;
    let mut table = Table::new(["axis", "first_order", "total"]);
    table.shares(&["first_order", "total"], 1);
    let mut bars = Vec::new();
    for axis in results.varied() {
        let found = indices[axis];
        table.push(vec![
            axes[axis].key().into(),
            found.first.into(),
            found.total.into(),
        ]);
        let name = axes[axis].quantity().name;
        let [text, total] = [found.first, found.total].map(|share| percent(share, 0));
        bars.push(Bar {
            says: format!(
                "{name}: {} of the variance by itself, {} with all it does together with others",
                percent(found.first, 1),
                percent(found.total, 1)
            ),
            name: [name, String::new()],
            value: 100.0 * found.first,
            interval: None,
            second: Some(100.0 * found.total),
            text: format!("{text} · {total}"),
        });
    }
    let name = results.measure.name();
    let title = format!("Which axis the {name} depends on");
    let caption = format!(
        "Shares of the variance of the mean {name} over all points. Bars: what an axis explains by itself (first-order index). \
         Diamonds: together with all that it does jointly with others (total index). They depend on the values that the axes \
         have here."
    );
    let names = Some(["by itself", "with others"]);
    let label = "share of the variance, %";
    let width = results.options.width_px();
    let svg = bars::draw(&title, &caption, label, names, &bars, width);
    Some(Figure::new(
        "variance-shares".to_owned(),
        title,
        caption,
        svg,
        table,
    ))
}
