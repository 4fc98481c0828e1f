//! Networks of papers on faulty meshes.
//!
//! Every section trains its own network on data that the binary carries or draws, puts it on meshes and draws the
//! errors that its paper prescribes. Nothing is read from files.

mod banerjee;
mod chips;
mod fang;
mod learn;
mod shen;
mod tasks;
mod zones;

pub(super) use banerjee::section as banerjee;
pub(super) use fang::section as fang;
pub(super) use shen::section as shen;
pub(super) use zones::section as zones;

use super::{Case, Expected, Tier};
use crate::compile::{Aim, Arrangement, Layout};
use crate::mesh::Geometry;
use crate::rng::Seed;

/// From which every number of these sections follows: the seed of network `number` of a section and of its chips.
fn seed(number: u64) -> Seed {
    Seed(2017 + number)
}

/// How the papers lay out a layer: the largest singular value first, and nothing chosen for faulty chips.
fn layout(geometry: Geometry) -> Layout {
    Layout {
        multiplier: geometry.into(),
        arrangement: Arrangement::Descending,
        aim: Aim::Perfect,
        ..Layout::default()
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn near(value: f64, tolerance: f64) -> Expected {
    Expected::Near { value, tolerance }
}

fn case(
    (name, tier): (impl Into<String>, Tier),
    ours: f64,
    expected: Expected,
    source: &'static str,
    note: &'static str,
) -> Case {
    Case {
        name: name.into(),
        tier,
        ours,
        expected,
        source,
        note,
    }
}
