//! Which pairs of axes get a map.

use super::heat::{Pair, grid, map};
use super::map_of::Colors;
use crate::experiment::Summary;
use crate::report::plot::figure::Figure;
use crate::report::plot::ruler::Ruler;
use crate::report::sweep::axis::Described;
use crate::report::sweep::results::Results;
use crate::report::sweep::slice::{Beside, FIGURES, others};

/// Pairs of axes that get maps.
const PAIRS: usize = 4;
/// Maps of all pairs at most.
const MAPS: usize = 8;

/// One map for each pair of axes of numbers, and for each combination of names where these are few; of many pairs those over
/// which the score varies most. The sentence says which are left out.
pub(crate) fn figures(results: &Results) -> (Vec<Figure>, Option<String>) {
    let numbers: Vec<usize> = results
        .varied()
        .into_iter()
        .filter(|axis| results.axes()[*axis].numbers().is_some())
        .collect();
    let pairs = numbers.iter().enumerate().flat_map(|(position, first)| {
        let seconds = numbers[position + 1..].iter();
        seconds.map(|second| (*first, *second))
    });
    let pairs: Vec<(usize, usize)> = pairs.collect();
    let most = FIGURES.min(MAPS / pairs.len().clamp(1, PAIRS));
    let mut pairs: Vec<Pair> = pairs
        .into_iter()
        .map(|(y, x)| pair(results, y, x, most))
        .collect();
    pairs.sort_by(|a, b| spread(b).total_cmp(&spread(a)));
    let left_out = pairs.split_off(pairs.len().min(PAIRS));
    let names = left_out.iter().map(|pair| {
        let short = |axis: usize| results.axes()[axis].quantity().short;
        format!("{} and {}", short(pair.y), short(pair.x))
    });
    let note = (!left_out.is_empty()).then(|| {
        format!(
            "Shown are the {PAIRS} pairs of axes over which {} varies most. Left out: {}.",
            results.measure.name(),
            names.collect::<Vec<_>>().join("; ")
        )
    });
    (
        pairs
            .iter()
            .flat_map(|pair| of_pair(results, pair))
            .collect(),
        note,
    )
}

fn pair(results: &Results, y: usize, x: usize, most: usize) -> Pair {
    let beside = Beside::figures(results, &others(results, &[x, y]), most);
    let groups = beside.groups.iter();
    let grids = groups.map(|group| grid(results, group, y, x)).collect();
    Pair {
        y,
        x,
        beside,
        grids,
    }
}

/// The largest standard deviation of the squares of one map.
fn spread(pair: &Pair) -> f64 {
    let deviations = pair.grids.iter().map(|grid| {
        let squares = grid.iter().flatten().flatten();
        Summary::of(squares.map(|square| square.value)).std
    });
    deviations.fold(0.0, f64::max)
}

/// The maps of one pair of axes, all with one scale of colours.
fn of_pair(results: &Results, pair: &Pair) -> Vec<Figure> {
    let squares = pair.grids.iter().flatten().flatten().flatten();
    let colors = Colors::of(results);
    // No colour is kept for what is not there.
    let scale = Ruler::spanning(squares.map(|square| colors.drawn(square.value)));
    let maps = pair.beside.groups.iter().zip(&pair.grids);
    maps.map(|(group, grid)| map(results, pair, group, grid, scale))
        .collect()
}
