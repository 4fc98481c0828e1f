//! What can be varied, and its values.

use std::ops::RangeInclusive;

use super::resolved::toml_value;
use super::value::whole;
use crate::compile::{Aim, Arrangement};
use crate::error::{Error, Result, nearest};
use crate::hardware::{HardwareKey, KEYS};
use crate::io::record::Cell;
use crate::mesh::{Correction, Geometry};

/// Something that an axis varies.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
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
    /// How phases are chosen for a chip.
    Correct,
    /// Precision of the arithmetic.
    Precision,
    /// A dotted key of the hardware.
    Hardware(String),
}

/// Modes of a tile.
const TILES: RangeInclusive<i64> = 2..=4096;

/// The keys that are not of the hardware.
const OWN: [Key; 9] = [
    Key::Network,
    Key::Program,
    Key::Data,
    Key::Tile,
    Key::Geometry,
    Key::Arrange,
    Key::For,
    Key::Correct,
    Key::Precision,
];

/// Precision of the arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Precision {
    /// Single.
    #[default]
    F32,
    /// Double.
    F64,
}

impl Precision {
    /// The name that files and the command line use.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }
}

impl Key {
    /// Its name in an experiment and as a column.
    pub fn name(&self) -> &str {
        match self {
            Self::Network => "network",
            Self::Program => "program",
            Self::Data => "data",
            Self::Tile => "tile",
            Self::Geometry => "geometry",
            Self::Arrange => "arrange",
            Self::For => "for",
            Self::Correct => "correct",
            Self::Precision => "precision",
            Self::Hardware(name) => name,
        }
    }

    /// The key called `name`; `cell` is short for `mesh.cell`.
    ///
    /// # Errors
    /// [`Error::Format`] if there is none, with the nearest one.
    pub fn parse(name: &str) -> Result<Self> {
        let name = if name == "cell" { "mesh.cell" } else { name };
        if let Some(own) = OWN.iter().find(|key| key.name() == name) {
            return Ok(own.clone());
        }
        if KEYS.contains(&name) {
            return Ok(Self::Hardware(name.to_owned()));
        }
        let all: Vec<&str> = OWN
            .iter()
            .map(Key::name)
            .chain(KEYS.iter().copied())
            .collect();
        Err(unknown(name, "key that can be varied", &all))
    }

    /// `cell` as this key holds it.
    ///
    /// # Errors
    /// [`Error::Value`] if it is none of the key's values.
    pub fn check(&self, cell: Cell) -> Result<Cell> {
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
                Cell::Text(name) => Ok(Cell::Text(name.parse::<Geometry>()?.to_string())),
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
            Self::Correct => match &cell {
                Cell::Text(name) if correction(name).is_some() => Ok(cell),
                Cell::Text(name) => {
                    let names = Correction::ALL.map(Correction::name);
                    Err(Error::unknown(self.name(), name, &names))
                }
                _ => wrong("none, local, progressive or fit"),
            },
            Self::Precision => match &cell {
                Cell::Text(name) if precision(name).is_some() => Ok(cell),
                _ => wrong("f32 or f64"),
            },
            Self::Hardware(name) => {
                let read = HardwareKey::named(name)?.read(toml_value(&cell))?;
                Ok(match read {
                    Some(toml::Value::Integer(value)) => Cell::Int(value),
                    Some(toml::Value::Float(value)) => Cell::Float(value),
                    Some(toml::Value::String(text)) => Cell::Text(text),
                    _ => Cell::Null,
                })
            }
        }
    }
}

pub(super) fn correction(name: &str) -> Option<Correction> {
    Correction::ALL
        .into_iter()
        .find(|correction| correction.name() == name)
}

pub(super) fn precision(name: &str) -> Option<Precision> {
    [Precision::F32, Precision::F64]
        .into_iter()
        .find(|precision| precision.name() == name)
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

    #[test]
    fn misspelt_keys_are_told_the_nearest_one() {
        let error = |name: &str| Key::parse(name).unwrap_err().to_string();
        assert_eq!(
            error("coupler.spliting_error_rad"),
            "`coupler.spliting_error_rad`: is no key that can be varied: did you mean `coupler.splitting_error_rad`?"
        );
        assert!(
            error("splitting_error_rad").ends_with("did you mean `coupler.splitting_error_rad`?")
        );
        assert!(error("tyle").ends_with("did you mean `tile`?"));
        let other = "`hardware`: is no key that can be varied: must be one of network, program, ";
        assert!(
            error("hardware").starts_with(other),
            "{}",
            error("hardware")
        );
        assert!(error("hardware").ends_with("or a hardware key (docs/hardware.md lists them)"));
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
        assert_eq!(
            error.to_string(),
            "readout.adc_bits = 0.5: must be a whole number or \"none\""
        );
        assert!(check("coupler.splitting_error_rad", Cell::from("none")).is_err());
        assert!(check("correct", Cell::from("loca")).is_err());
        assert!(check("geometry", Cell::from("round")).is_err());
    }
}
