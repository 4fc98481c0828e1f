//! What a photonic chip is like: a distribution ([`Hardware`]) and one draw from it ([`Chip`]).

mod calibration;
mod chip;
mod crosstalk;
mod fabrication;
mod given;
mod idle;
mod instrument;
mod key;
mod laboratory;
mod measured;
mod preset;
mod read;
mod setting;
mod site;
mod supply;
mod table;

pub use calibration::{Calibration, Heater, Measured};
pub use chip::{Chip, Programmed};
pub(crate) use chip::{Others, Parts, Silicon};
pub use crosstalk::Heaters;
pub(crate) use fabrication::Built;
pub use fabrication::{Die, Wafer};
pub use given::{Element, Elements, Given, Quantity};
pub use instrument::{Costs, Driver, Instrument, Kept, Metered, SelfConfiguration, Side};
pub use laboratory::Laboratory;
pub use measured::{Curve, Known, MeasuredChip, MeasuredQuantity, MeasuredSummary};
pub use preset::{PRESETS, Sourced, preset, sources};
pub(crate) use setting::show;
pub use setting::{Perfect, Place, Range, ValueKind, When};
pub use site::{Part, Placed, Placement, Section, Site};
pub use supply::{ASKED_LIMIT_RAD, Supply, asked_rad};
pub use table::{
    CellDesign, Coupler, DieShare, Distribution, Fabrication, FieldShare, Hardware, HardwareKey,
    Input, Numbers, PhaseShifter, Readout, Row, WaferBowl, WaferLinear,
};

use std::borrow::Borrow;
use std::f64::consts::TAU;
use std::path::Path;

use idle::{Alone, IDLE, Set};
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
    /// Both.
    pub const ALL: [Self; 2] = [Self::Coherent, Self::Intensity];

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

/// How the correlation of two elements falls with their distance r over the length ℓ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Correlation {
    /// exp(−(r/ℓ)²): smooth.
    Gaussian,
    /// exp(−r/ℓ): rough on every scale.
    Exponential,
}

impl Correlation {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Gaussian, Self::Exponential];

    /// The name that files and the command line use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gaussian => "gaussian",
            Self::Exponential => "exponential",
        }
    }
}

/// The law of what is drawn once a chip, of mean 0 and variance 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Law {
    /// Gaussian.
    Normal,
    /// Flat from −√3 to √3.
    Uniform,
    /// Of couplers: the power that stays is flat about one half.
    UniformPower,
    /// −1 or 1: the worst that errors of a bounded size can be.
    Worst,
    /// Student's t, scaled to variance 1: heavy tails.
    Student,
    /// Logistic, whose kurtosis is 4.2.
    Logistic,
}

impl Law {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Normal,
        Self::Uniform,
        Self::UniformPower,
        Self::Worst,
        Self::Student,
        Self::Logistic,
    ];

    /// Largest standard deviation of an angle by which the power in a coupler's port is flat, rad: ½ √(π²/4 − 2), where
    /// it is flat from 0 to 1.
    pub const MOST_UNIFORM_POWER_RAD: f64 = 0.3418;

    /// The name that files and the command line use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Uniform => "uniform",
            Self::UniformPower => "uniform-power",
            Self::Worst => "worst",
            Self::Student => "student",
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
        Self::read(&Source::open(path)?)
    }

    /// What is worth saying of it that is allowed and hardly meant, in sentences.
    pub fn notes(&self) -> Vec<String> {
        Self::notes_of([self])
    }

    /// The same of several `kinds` of chips that are run together: a key does nothing where it does nothing on all kinds
    /// that set it.
    pub fn notes_of(kinds: impl IntoIterator<Item = impl Borrow<Self>>) -> Vec<String> {
        let mut turns: [Option<[f64; 2]>; 2] = [None; 2];
        let mut dead = false;
        let mut set: [Set; IDLE.len()] = Default::default();
        let mut alone: Vec<Alone> = Alone::all().collect();
        for hardware in kinds {
            let hardware = hardware.borrow();
            let of_dead = |of| of == MeasuredQuantity::Dead;
            dead |= hardware
                .measured
                .numbers()
                .any(|(_, of, number)| of_dead(of) && number != 0.0);
            let shifter = hardware.phase_shifter();
            let errors_rad = [shifter.phase_error_rad, shifter.offset_rad];
            for (span, error_rad) in turns.iter_mut().zip(errors_rad) {
                if error_rad > TAU {
                    let [low, high] = span.unwrap_or([error_rad; 2]);
                    *span = Some([low.min(error_rad), high.max(error_rad)]);
                }
            }
            for (set, idle) in set.iter_mut().zip(&IDLE) {
                set.note(hardware, idle);
            }
            alone.iter_mut().for_each(|alone| alone.note(hardware));
        }
        let turns = ["phase_error_rad", "offset_rad"].iter().zip(turns);
        let turns = turns.filter_map(|(key, span)| {
            let [low, high] = span?;
            let to = if low == high {
                String::new()
            } else {
                format!(" to {high}")
            };
            Some(format!(
                "phase_shifter.{key} = {low}{to}: more than a turn (6.28 rad) is noise, every phase is as likely as \
                 any other"
            ))
        });
        let idle = IDLE.iter().zip(set);
        let alone = alone
            .into_iter()
            .filter(|alone| alone.is_set && !alone.acts);
        let dead = dead.then(|| {
            "some heaters or detectors are dead: corrections take them for working, and do not count them among what could not be set"
                .to_owned()
        });
        turns
            .chain(dead)
            .chain(idle.filter_map(|(idle, set)| set.words(idle)))
            .chain(alone.map(|alone| alone.words()))
            .collect()
    }

    /// One chip of this kind: `trial` counts the chips that follow from `seed`.
    pub fn fabricate(&self, seed: Seed, trial: u64) -> Chip {
        Chip::new(self.clone(), seed, trial)
    }
}

#[cfg(test)]
mod tests;
