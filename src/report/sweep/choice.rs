//! Which axis and which points stand for a sweep.

use super::axis::Described;
use super::results::{PointTrials, Results};
use crate::error::{Error, Result};
use crate::experiment::Summary;
use crate::experiment::rows::Row;
use crate::experiment::sweep::Axis;

/// The axis that figures run along: of those that vary and are not asked for as lines one of numbers, else of names; that
/// with the most values; the first of equals.
pub(crate) fn main_axis(results: &Results) -> Option<usize> {
    let axes = results.axes();
    let rank = |axis: &usize| {
        let is_named = axes[*axis].numbers().is_none();
        (is_named, std::cmp::Reverse(axes[*axis].len()))
    };
    let axes = results.varied().into_iter();
    axes.filter(|axis| Some(*axis) != results.lines)
        .min_by_key(rank)
}

/// The axis that is asked for as lines; fails if it does not vary beside another one.
pub(crate) fn axis_of_lines(results: &Results) -> Result<Option<usize>> {
    let Some(key) = &results.options.lines else {
        return Ok(None);
    };
    let (axes, varied) = (results.axes(), results.varied());
    let has_key = |axis: &usize| axes[*axis].keys.iter().any(|own| own.name() == key);
    let found = varied.iter().copied().find(has_key);
    if found.is_none() || varied.len() < 2 {
        let names: Vec<&str> = varied.iter().map(|axis| axes[*axis].key()).collect();
        let limit = match names.len() {
            0 | 1 => "left out where fewer than two axes vary".to_owned(),
            _ => format!("an axis that varies: {}", names.join(", ")),
        };
        return Err(Error::value("lines", key, limit));
    }
    Ok(found)
}

/// Fails if ends of the lower axis are asked for and it has no numbers.
pub(crate) fn check_limits(results: &Results) -> Result<()> {
    let numbers = main_axis(results).and_then(|axis| results.axes()[axis].numbers());
    match (results.options.xlim, numbers) {
        (Some([from, to]), None) => {
            let limit = "left out where figures run along no axis of numbers";
            Err(Error::value("xlim", format!("{from},{to}"), limit))
        }
        _ => Ok(()),
    }
}

/// Mean score of the chips of a point.
pub(crate) fn mean(point: &PointTrials) -> f64 {
    Summary::of(point.trials.iter().map(Row::value)).mean
}

/// The point of the best mean score, the first of equals.
pub(crate) fn best(results: &Results) -> &PointTrials {
    let (points, measure) = (results.points.iter(), results.measure);
    let best = points.reduce(|a, b| {
        if measure.is_better(mean(b), mean(a)) {
            b
        } else {
            a
        }
    });
    best.expect("a sweep has points")
}

/// The point of the worst mean score, the first of equals.
pub(crate) fn worst(results: &Results) -> &PointTrials {
    let (points, measure) = (results.points.iter(), results.measure);
    let worst = points.reduce(|a, b| {
        if measure.is_better(mean(a), mean(b)) {
            b
        } else {
            a
        }
    });
    worst.expect("a sweep has points")
}

/// The point at the least imperfect value of every axis, where nothing tells at the first one, or the one next to it that
/// has trials. What scores came out does not matter: the best of many noisy means is too good.
pub(crate) fn baseline(results: &Results) -> &PointTrials {
    let least = |axis: &Axis| {
        let rank = |index: usize| -> Vec<f64> {
            let keys = axis.keys.iter().zip(&axis.values);
            keys.map(|(key, values)| key.imperfection(&values[index]))
                .collect()
        };
        let better = |a: usize, b: usize| match rank(b).partial_cmp(&rank(a)) {
            Some(std::cmp::Ordering::Less) => b,
            _ => a,
        };
        (0..axis.len()).reduce(better).expect("an axis has values")
    };
    let least: Vec<usize> = results.axes().iter().map(least).collect();
    nearest(results, &least)
}

/// The point next to `at` that has trials, the first of equals.
fn nearest<'a>(results: &'a Results, at: &[usize]) -> &'a PointTrials {
    let distance = |point: &&PointTrials| {
        let steps = point.at.iter().zip(at);
        steps.map(|(a, b)| a.abs_diff(*b)).sum::<usize>()
    };
    let nearest = results.points.iter().min_by_key(distance);
    nearest.expect("a sweep has points")
}

/// The point in the middle of all axes of numbers and at the first name of all others, or the one next to it that has trials.
pub(crate) fn middle(results: &Results) -> &PointTrials {
    let middle = results.axes().iter().map(|axis| match axis.numbers() {
        Some(numbers) => numbers.len() / 2,
        None => 0,
    });
    let middle: Vec<usize> = middle.collect();
    nearest(results, &middle)
}

/// Where a point lies, in words.
pub(crate) fn place(results: &Results, point: &PointTrials) -> String {
    let words: Vec<String> = (results.axes().iter().zip(&point.at))
        .filter(|(axis, _)| axis.len() > 1)
        .map(|(axis, index)| axis.valued(*index))
        .collect();
    match words.is_empty() {
        true => "the settings of the experiment".to_owned(),
        false => words.join(", "),
    }
}

/// At most `most` of `count` indices, the first and the last among them.
pub(crate) fn evenly(count: usize, most: usize) -> Vec<usize> {
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

    #[test]
    fn chosen_values_hold_the_first_and_the_last() {
        assert_eq!(evenly(4, 6), [0, 1, 2, 3]);
        assert_eq!(evenly(11, 6), [0, 2, 4, 6, 8, 10]);
        assert_eq!(evenly(7, 6), [0, 1, 2, 3, 4, 6]);
    }
}
