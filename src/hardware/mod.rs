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
pub use table::{
    CellDesign, Coupler, Hardware, HardwareKey, Input, Numbers, PhaseShifter, Readout, Row,
};

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

/// How the numbers that enter and leave the chip, and its weights, are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NumberFormat {
    /// Weights are exact; converters work within the ranges of a calibration batch.
    Float,
    /// As float, with weights of a limited number of bits over one scale a tile.
    Fixed,
    /// Adaptive block floating point: a scale for every vector of inputs and for every row of weights of a tile, converters
    /// of a range that follows from the tile alone.
    Abfp,
}

impl NumberFormat {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Float, Self::Fixed, Self::Abfp];

    /// The name that files and the command line use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Float => "float",
            Self::Fixed => "fixed",
            Self::Abfp => "abfp",
        }
    }
}

/// The distribution of the noise of converters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CodeNoise {
    /// Gaussian.
    Normal,
    /// Logistic, whose kurtosis is 4.2.
    Logistic,
}

impl CodeNoise {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Normal, Self::Logistic];

    /// The name that files and the command line use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Logistic => "logistic",
        }
    }
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
        let turns = [
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
        });
        turns.chain(self.idle_numbers()).collect()
    }

    /// What of the numbers does nothing, as another key is what it is.
    fn idle_numbers(&self) -> impl Iterator<Item = String> {
        let Numbers {
            format,
            weight_bits,
            gain,
            noise_codes,
            ..
        } = self.numbers;
        let is_blocks = format == NumberFormat::Abfp;
        let sets = |name: &str| format!("numbers.format is {}, {name}", format.name());
        [
            (
                weight_bits.is_some() && format == NumberFormat::Float,
                "numbers.weight_bits",
                sets("which leaves weights exact: fixed and abfp round them"),
            ),
            (
                gain != 1.0 && !is_blocks,
                "numbers.gain",
                sets("whose converters have the range that readout.adc_range says"),
            ),
            (
                self.readout.adc_range != AdcRange::Max && is_blocks,
                "readout.adc_range",
                sets("whose converters have the range that numbers.gain says"),
            ),
            (
                noise_codes > 0.0 && self.readout.adc_bits.is_none(),
                "numbers.noise_codes",
                "without readout.adc_bits there are no codes".to_owned(),
            ),
        ]
        .into_iter()
        .filter_map(|(is_idle, key, why)| is_idle.then(|| format!("{key} does nothing: {why}")))
    }

    /// One chip of this kind: `trial` counts the chips that follow from `seed`.
    pub fn fabricate(&self, seed: Seed, trial: u64) -> Chip {
        Chip::new(self.clone(), seed, trial)
    }
}

#[cfg(test)]
mod tests;
