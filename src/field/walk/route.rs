//! The order in which a walk takes the MZIs of a mesh.

use std::ops::Range;

use super::{GROUP, LONGEST};

/// Which way light goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the inputs to the outputs.
    Forth,
    /// From the outputs to the inputs: transposed matrices in reversed order.
    Back,
}

/// The way through a mesh, which follows from its layout alone: chips of one layout share it.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    pub(super) direction: Direction,
    pub(super) modes: usize,
    /// Number of MZIs.
    pub(super) count: usize,
    pub(super) order: Order,
}

#[derive(Debug, Clone)]
pub(super) enum Order {
    /// The MZIs in the order of light, on any pairs (top, bottom).
    OneByOne(Vec<(usize, usize)>),
    Diagonals(Diagonals),
}

/// A mesh of neighbouring modes: the MZIs of a column are scaled together, and walked along diagonals.
#[derive(Debug, Clone)]
pub(super) struct Diagonals {
    /// Ranges of MZIs on every other pair of modes, and the top mode of the first one; in the order of light.
    pub(super) runs: Vec<(Range<usize>, usize)>,
    /// The place of each MZI in the walk.
    pub(super) places: Vec<u32>,
    /// Bottom mode and number of MZIs of every chain of the walk, on each of which the top mode of one MZI is the bottom
    /// mode of the next.
    pub(super) chains: Vec<(u32, u32)>,
}

impl Route {
    /// The way through `count` MZIs on the modes (top, bottom) that `pair` says for each, in the order of light.
    ///
    /// # Panics
    /// If a pair names a mode that does not exist, or one mode twice.
    pub fn new(
        count: usize,
        pair: impl Fn(usize) -> (usize, usize),
        modes: usize,
        direction: Direction,
    ) -> Self {
        let mut neighbours = u32::try_from(count).is_ok();
        for index in 0..count {
            let (top, bottom) = pair(index);
            assert!(top != bottom, "an MZI joins two different modes");
            assert!(top.max(bottom) < modes, "an MZI's modes exist");
            neighbours &= bottom == top + 1;
        }
        let order = if neighbours {
            let top = |index| pair(index).0;
            Order::Diagonals(Diagonals::new(count, top, modes, direction))
        } else {
            Order::OneByOne((0..count).map(pair).collect())
        };
        Self {
            direction,
            modes,
            count,
            order,
        }
    }
}

impl Diagonals {
    fn new(count: usize, top: impl Fn(usize) -> usize, modes: usize, direction: Direction) -> Self {
        let mut runs: Vec<(Range<usize>, usize)> = Vec::new();
        for index in 0..count {
            let top = top(index);
            match runs.last_mut() {
                Some((range, first)) if top == *first + 2 * range.len() => range.end += 1,
                _ => runs.push((index..index + 1, top)),
            }
        }
        if direction == Direction::Back {
            runs.reverse();
        }
        let places = along_diagonals(&runs, count, modes);
        let mut bottoms = vec![0; count];
        for (index, place) in places.iter().enumerate() {
            bottoms[*place as usize] = top(index) as u32 + 1;
        }
        let mut chains: Vec<(u32, u32)> = Vec::new();
        for bottom in bottoms {
            match chains.last_mut() {
                Some((first, count)) if *first == bottom + *count && *count < LONGEST as u32 => {
                    *count += 1;
                }
                _ => chains.push((bottom, 1)),
            }
        }
        Self {
            runs,
            places,
            chains,
        }
    }

    /// The MZIs of each run that light from the first `lit` modes reaches, and the top mode of the first one.
    pub(super) fn reached(&self, mut lit: usize) -> impl Iterator<Item = (Range<usize>, usize)> {
        self.runs.iter().filter_map(move |(range, first)| {
            let count = range.len().min(lit.saturating_sub(*first).div_ceil(2));
            if count == 0 {
                return None;
            }
            // It goes on to the bottom mode of the last one.
            lit = lit.max(first + 2 * count);
            Some((range.start..range.start + count, *first))
        })
    }
}

/// The place of every MZI in the walk: grouped by columns and within a group along diagonals, as light allows. An MZI
/// depends on those of earlier columns at most one mode away, which lie on the same or an earlier diagonal.
fn along_diagonals(runs: &[(Range<usize>, usize)], count: usize, modes: usize) -> Vec<u32> {
    // The column of each MZI: one more than the last column that touched either mode.
    let mut next = vec![0usize; modes];
    let diagonals = modes + GROUP;
    let mut keys = vec![0; count];
    let mut columns = 0;
    for (range, first) in runs {
        for (index, top) in range.clone().zip((*first..).step_by(2)) {
            let column = next[top].max(next[top + 1]);
            next[top] = column + 1;
            next[top + 1] = column + 1;
            columns = columns.max(column + 1);
            keys[index] = column / GROUP * diagonals + top + column % GROUP;
        }
    }
    // A counting sort: MZIs of one diagonal stay in the order of their columns.
    let mut starts = vec![0u32; columns.div_ceil(GROUP) * diagonals + 1];
    for key in &keys {
        starts[key + 1] += 1;
    }
    for key in 1..starts.len() {
        starts[key] += starts[key - 1];
    }
    let mut places = vec![0; count];
    for (range, _) in runs {
        for index in range.clone() {
            let start = &mut starts[keys[index]];
            places[index] = *start;
            *start += 1;
        }
    }
    places
}
