//! What a photonic chip is like: a distribution ([`Hardware`]) and one draw from it ([`Chip`]).

mod calibration;
mod chip;
mod crosstalk;
mod given;
mod key;
mod laboratory;
mod preset;
mod read;
mod setting;
mod site;
mod supply;
mod table;

pub use calibration::{Calibration, Heater, Measured};
pub use chip::{Chip, Programmed};
pub use crosstalk::Heaters;
pub use given::{Element, Elements, Given, Quantity};
pub use laboratory::{Kept, Laboratory, SelfConfiguration};
pub use preset::{PRESETS, Sourced, preset, sources};
pub(crate) use read::show;
pub use setting::{Perfect, Place, Range, ValueKind, When};
pub use site::{Part, Placed, Placement, Section, Site};
pub use supply::Supply;
pub use table::{CellDesign, Coupler, Hardware, HardwareKey, Input, PhaseShifter, Readout, Row};

use std::path::Path;

use serde::{Serialize, Serializer};

use crate::error::{Context, Error, Result, did_you_mean};
use crate::io::{self, Source};
use crate::rng::Seed;

/// What a detector measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Detection {
    /// Balanced homodyne against a local oscillator: the field, with its sign.
    Coherent,
    /// A single photodiode: the power.
    Intensity,
}

impl Detection {
    /// The name that files and the command line use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Coherent => "coherent",
            Self::Intensity => "intensity",
        }
    }
}

/// Full scale of the converters behind a tile, from a calibration batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AdcRange {
    /// The largest value of the batch.
    Max,
    /// This percentile of its absolute values, in (0, 100].
    Percentile(f64),
}

impl AdcRange {
    /// The name of [`Max`](Self::Max) in files and on the command line.
    pub const MAX: &'static str = "max";
}

impl Serialize for AdcRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Max => serializer.serialize_str(Self::MAX),
            Self::Percentile(percentile) => serializer.serialize_f64(*percentile),
        }
    }
}

impl Hardware {
    /// What is known of every key, in the order of `docs/hardware.md`.
    pub fn keys() -> &'static [HardwareKey] {
        table::KEYS
    }

    /// The keys that act in this hardware.
    pub fn acting(&self) -> impl Iterator<Item = &'static HardwareKey> {
        Self::keys().iter().filter(|key| key.acts(self))
    }

    /// A preset by its name, or else a TOML file by its path.
    ///
    /// # Errors
    /// [`Error::Value`] for a name that is neither, [`Error::Io`] for a path to no file, and those of
    /// [`from_toml`](Self::from_toml).
    pub fn open(name_or_path: &str) -> Result<Self> {
        if let Some(text) = preset(name_or_path) {
            return Self::from_toml(text).within(name_or_path);
        }
        let path = Path::new(name_or_path);
        // That there is no such file says more than what else it could be.
        let is_path = io::extension(path) == "toml" || path.components().count() > 1;
        if !is_path && !path.exists() {
            let presets: Vec<_> = PRESETS.iter().map(|(name, _)| *name).collect();
            let meant = did_you_mean(name_or_path, presets.iter().copied());
            let limit = format!("a TOML file or one of {}{meant}", presets.join(", "));
            return Err(Error::value("hardware", name_or_path, limit));
        }
        Source::open(path)?.parse(|bytes| {
            let text = std::str::from_utf8(bytes)
                .map_err(|_| Error::format("content", "is not UTF-8 text"))?;
            Self::from_toml(text)
        })
    }

    /// What is worth saying of it that is allowed and hardly meant, in sentences.
    pub fn notes(&self) -> Vec<String> {
        let shifter = self.phase_shifter();
        [
            ("phase_error_rad", shifter.phase_error_rad),
            ("offset_rad", shifter.offset_rad),
        ]
        .into_iter()
        .filter(|(_, error_rad)| *error_rad > std::f64::consts::TAU)
        .map(|(key, error_rad)| {
            format!(
                "phase_shifter.{key} = {error_rad}: more than a turn (6.28 rad) is noise, every phase is as likely as \
                 any other"
            )
        })
        .collect()
    }

    /// One chip of this kind: `trial` counts the chips that follow from `seed`.
    pub fn fabricate(&self, seed: Seed, trial: u64) -> Chip {
        Chip::new(self.clone(), seed, trial)
    }
}

#[cfg(test)]
mod tests;
