//! `manifest.json`: how rows came to be.

use serde::{Deserialize, Serialize};

use crate::experiment::sweep::Reference;
use crate::io::record::Cell;

/// How the rows of a folder came to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of lightloom that ran the trials.
    pub lightloom: String,
    /// The version of the random numbers that their chips were drawn with.
    pub draws: u32,
    /// The version of the format of rows.
    pub rows_format: u32,
    /// The processors that the trials ran on.
    pub cpus: Vec<String>,
    /// The name of the experiment.
    pub experiment: String,
    /// SHA-256 of what decides the results.
    pub experiment_sha256: String,
    /// The seed.
    pub seed: u64,
    /// Number of points.
    pub points: usize,
    /// Chips that are planned of every point.
    pub trials: usize,
    /// Number of rows.
    pub rows: usize,
    /// Which share of the trials this folder holds, if not all.
    pub shard: Option<String>,
    /// What varies.
    pub axes: Vec<ManifestAxis>,
    /// Names of all layers.
    pub layers: Vec<String>,
    /// The files that were read.
    pub inputs: Vec<InputFile>,
    /// What chips are compared with.
    pub references: Vec<Reference>,
}

/// One axis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ManifestAxis {
    /// Names of its keys.
    pub keys: Vec<String>,
    /// Values of every key.
    pub values: Vec<Vec<Cell>>,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputFile {
    /// What it was read for.
    pub key: String,
    /// Its path as the experiment gives it; of a file that another one names, this and its own name.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: String,
}
