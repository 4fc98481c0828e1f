//! What can be varied, and its values.

use std::ops::RangeInclusive;

use crate::compile::{Aim, Arrangement, Multiplier, Weights};
use crate::error::{Error, Result, nearest};
use crate::field::Precision;
use crate::hardware::{Hardware, HardwareKey, When};
use crate::io::record::Cell;
use crate::io::whole_number;
use crate::mesh::Correction;

/// Something that an axis varies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// Path of a trained network.
    Network,
    /// Path of a compiled program.
    Program,
    /// Path of a data set.
    Data,
    /// Modes of the chip's meshes.
    Tile,
    /// Layout of the meshes.
    Geometry,
    /// Order of the singular values of a tile.
    Arrange,
    /// The chips that the phases which the weights leave free are chosen for.
    For,
    /// How weights are held by a program, where the hardware takes them as they are.
    Weights,
    /// How phases are chosen for a chip.
    Correct,
    /// Precision of the arithmetic.
    Precision,
    /// A key of the hardware by its dotted name.
    Hardware(&'static str),
}

/// Modes of a tile.
const TILES: RangeInclusive<i64> = 2..=4096;

/// What a key is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Names {
    /// In an experiment and as a column.
    pub name: &'static str,
    /// As on an axis of a figure: `σ of the coupler angle`.
    pub label: &'static str,
    /// As in a legend: `σ coupler`.
    pub short: &'static str,
    /// What stands for the σ of the label on an axis, `_` before what is lowered; empty where there is none.
    pub symbol: &'static str,
    /// Unit of its numbers; empty for ratios and names.
    pub unit: &'static str,
    /// What is modelled where it has no value; empty where it always has one.
    pub none: &'static str,
}

/// The keys that are not of the hardware.
const OWN: [(Key, Names); 10] = [
    (Key::Network, Names::own("network", "network", "network")),
    (Key::Program, Names::own("program", "program", "program")),
    (Key::Data, Names::own("data", "data", "data")),
    (
        Key::Tile,
        Names {
            unit: "modes",
            none: "whole layer",
            ..Names::own("tile", "modes of a tile", "tile")
        },
    ),
    (
        Key::Geometry,
        Names::own("geometry", "geometry of the meshes", "geometry"),
    ),
    (
        Key::Arrange,
        Names::own("arrange", "order of the singular values", "order"),
    ),
    (
        Key::For,
        Names::own(
            "for",
            "chips that free phases are chosen for",
            "compiled for",
        ),
    ),
    (
        Key::Weights,
        Names::own("weights", "how weights are held", "weights"),
    ),
    (
        Key::Correct,
        Names::own("correct", "error correction", "correction"),
    ),
    (
        Key::Precision,
        Names::own("precision", "precision of the arithmetic", "precision"),
    ),
];

impl Names {
    const fn own(name: &'static str, label: &'static str, short: &'static str) -> Self {
        Self {
            name,
            label,
            short,
            symbol: "",
            unit: "",
            none: "",
        }
    }
}

impl Key {
    /// What it is called.
    pub fn names(self) -> Names {
        if let Self::Hardware(name) = self {
            let key = HardwareKey::named(name).expect("it was parsed");
            return Names {
                name,
                label: key.row.label,
                short: key.row.short,
                symbol: key.row.symbol,
                unit: key.unit(),
                none: key.row.none,
            };
        }
        let own = OWN.iter().find(|(key, _)| *key == self);
        own.expect("every key has names").1
    }

    /// Its name in an experiment and as a column.
    pub fn name(self) -> &'static str {
        self.names().name
    }

    /// The key called `name`; `cell` is short for `mesh.cell`.
    ///
    /// # Errors
    /// [`Error::Format`] if there is none, with the nearest one.
    pub fn parse(name: &str) -> Result<Self> {
        let name = if name == "cell" { "mesh.cell" } else { name };
        if let Some((key, _)) = OWN.iter().find(|(_, names)| names.name == name) {
            return Ok(*key);
        }
        let mut hardware = Hardware::keys().iter().map(|key| key.name);
        if let Some(name) = hardware.find(|known| *known == name) {
            return Ok(Self::Hardware(name));
        }
        let own = OWN.iter().map(|(_, names)| names.name);
        let all: Vec<&str> = own
            .chain(Hardware::keys().iter().map(|key| key.name))
            .collect();
        Err(unknown(name, "key that can be varied", &all))
    }

    /// Whether it changes no result.
    pub(crate) fn is_recorded_only(self) -> bool {
        match self {
            Self::Hardware(name) => {
                let key = HardwareKey::named(name).expect("it was parsed");
                key.row.when == When::Recorded
            }
            _ => false,
        }
    }

    /// How far a value is from a perfect chip's; 0 for all values of a key of which none is.
    pub fn imperfection(self, value: &Cell) -> f64 {
        match self {
            Self::Hardware(name) => {
                let key = HardwareKey::named(name).expect("it was parsed");
                key.imperfection(value)
            }
            // Whole layers are no worse than tiles, nor better.
            _ => match value {
                Cell::Null => f64::NEG_INFINITY,
                _ => 0.0,
            },
        }
    }

    /// `cell` as this key holds it.
    ///
    /// # Errors
    /// [`Error::Value`] if it is none of the key's values.
    pub fn check(self, cell: Cell) -> Result<Cell> {
        let wrong = |limit: &str| {
            let got = match &cell {
                Cell::Text(text) => format!("`{text}`"),
                other => other.to_string(),
            };
            Err(Error::value(self.name(), got, limit))
        };
        match self {
            Self::Network | Self::Program | Self::Data => match &cell {
                Cell::Text(path) if !path.is_empty() => Ok(cell),
                _ => wrong("a path"),
            },
            Self::Tile => match &cell {
                Cell::Text(text) if text == "none" => Ok(Cell::Null),
                Cell::Int(modes) if TILES.contains(modes) => Ok(cell),
                Cell::Float(value)
                    if whole(*value).is_some_and(|n| TILES.contains(&(n as i64))) =>
                {
                    Ok(Cell::Int(*value as i64))
                }
                _ => wrong("2..=4096 modes, or \"none\" for one tile a layer"),
            },
            Self::Geometry => match &cell {
                Cell::Text(name) => Ok(Cell::Text(name.parse::<Multiplier>()?.to_string())),
                _ => wrong("a name, such as clements"),
            },
            Self::Arrange => match &cell {
                Cell::Text(name) => Ok(Cell::from(name.parse::<Arrangement>()?.name())),
                _ => wrong("a name, such as spread"),
            },
            Self::For => match &cell {
                Cell::Text(name) => Ok(Cell::from(name.parse::<Aim>()?.name())),
                _ => wrong("a name, such as corrected"),
            },
            Self::Weights => match &cell {
                Cell::Text(name) => Ok(Cell::Text(name.parse::<Weights>()?.to_string())),
                _ => wrong("a format, such as fixed:6"),
            },
            Self::Correct => match &cell {
                Cell::Text(name) if correction(name).is_some() => Ok(cell),
                Cell::Text(name) => {
                    let names = Correction::ALL.map(Correction::name);
                    Err(Error::unknown(self.name(), name, &names))
                }
                _ => wrong("none, local, progressive or fit"),
            },
            Self::Precision => match &cell {
                Cell::Text(name) if name.parse::<Precision>().is_ok() => Ok(cell),
                _ => wrong("f32 or f64"),
            },
            Self::Hardware(name) => HardwareKey::named(name)?.read(cell),
        }
    }
}

pub(super) fn correction(name: &str) -> Option<Correction> {
    Correction::ALL
        .into_iter()
        .find(|correction| correction.name() == name)
}

/// A float as the whole number that it is: TOML writes `1e3` as one.
pub(super) fn whole(value: f64) -> Option<usize> {
    whole_number(&value.to_string())?.try_into().ok()
}

/// The error for a `name` that is none of `known`, with the nearest one if it is near.
pub(super) fn unknown(name: &str, what: &str, known: &[&str]) -> Error {
    let hint = match nearest(name, known.iter().copied()) {
        Some(key) => format!("did you mean `{key}`?"),
        None => {
            let plain = known.iter().copied().filter(|key| !key.contains('.'));
            let plain = plain.collect::<Vec<_>>().join(", ");
            match known.iter().find(|key| key.contains('.')) {
                Some(_) => format!(
                    "must be one of {plain}, or a hardware key (docs/hardware.md lists them)"
                ),
                None => format!("must be one of {plain}"),
            }
        }
    };
    Error::format(format!("`{name}`"), format!("is no {what}: {hint}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::compare::{golden, value};

    #[test]
    fn misspelt_keys_are_told_the_nearest_one() {
        for name in [
            "coupler.spliting_error_rad",
            "splitting_error_rad",
            "tyle",
            "hardware",
        ] {
            golden(name, Key::parse(name).unwrap_err());
        }
        assert_eq!(Key::parse("cell").unwrap().name(), "mesh.cell");
    }

    #[test]
    fn values_are_those_of_their_key() {
        let check = |name: &str, cell: Cell| Key::parse(name).unwrap().check(cell);
        assert_eq!(check("tile", Cell::from("none")).unwrap(), Cell::Null);
        assert!(check("tile", Cell::Int(1)).is_err());
        assert_eq!(
            check("coupler.splitting_error_rad", Cell::Int(0)).unwrap(),
            Cell::Float(0.0)
        );
        assert_eq!(
            check("readout.adc_bits", Cell::from("none")).unwrap(),
            Cell::Null
        );
        assert_eq!(
            check("readout.adc_range", Cell::Int(99)).unwrap(),
            Cell::Float(99.0)
        );
        let error = check("readout.adc_bits", Cell::Float(0.5)).unwrap_err();
        assert_eq!(error.refusal(), value("readout.adc_bits", "0.5"));
        assert!(check("coupler.splitting_error_rad", Cell::from("none")).is_err());
        assert!(check("correct", Cell::from("loca")).is_err());
        assert!(check("geometry", Cell::from("round")).is_err());
    }
}
