//! What a tile multiplies with.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, did_you_mean};
use crate::mesh::Geometry;

/// What the tiles of a program are made of.
///
/// Files and the command line name them as [`Geometry`] does, and `crossbar`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum Multiplier {
    /// Two meshes of one geometry, with attenuators between them.
    Meshes(Geometry),
    /// A plain array of weights, one a crossing of a row and a column, each as exact as it is stored: the control for
    /// meshes. It stands behind the same modulators and in front of the same detectors; it has no MZI, so nothing that
    /// errs in a mesh errs in it.
    Crossbar,
}

/// The name of [`Multiplier::Crossbar`].
const CROSSBAR: &str = "crossbar";

impl Multiplier {
    /// Fails unless a tile can have `modes` modes.
    ///
    /// # Errors
    /// As [`Geometry::check`].
    pub fn check(self, modes: usize) -> Result<()> {
        match self {
            Self::Meshes(geometry) => geometry.check(modes),
            Self::Crossbar if modes == 0 => Err(Error::value("modes", modes, "at least 1")),
            Self::Crossbar => Ok(()),
        }
    }

    /// Whether every matrix can be compiled exactly.
    pub fn is_universal(self) -> bool {
        match self {
            Self::Meshes(geometry) => geometry.is_universal(),
            Self::Crossbar => true,
        }
    }
}

impl Default for Multiplier {
    fn default() -> Self {
        Geometry::default().into()
    }
}

impl From<Geometry> for Multiplier {
    fn from(geometry: Geometry) -> Self {
        Self::Meshes(geometry)
    }
}

impl std::fmt::Display for Multiplier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Meshes(geometry) => geometry.fmt(f),
            Self::Crossbar => CROSSBAR.fmt(f),
        }
    }
}

impl std::str::FromStr for Multiplier {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text == CROSSBAR {
            return Ok(Self::Crossbar);
        }
        text.parse().map(Self::Meshes).map_err(|error| match error {
            Error::Value { what, got, limit } => {
                let meant = did_you_mean(text, [CROSSBAR]);
                Error::value(what, got, format!("{CROSSBAR}, {limit}{meant}"))
            }
            other => other,
        })
    }
}

impl From<Multiplier> for String {
    fn from(multiplier: Multiplier) -> Self {
        multiplier.to_string()
    }
}

impl TryFrom<String> for Multiplier {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}
