//! Arguments by their names, of whatever type: words that stand for choices, whole numbers, and all others.

use std::ops::RangeInclusive;
use std::str::FromStr;

use lightloom::nn::{Encoding, Readout};
use lightloom::{Correction, Error, Result};
use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;

use crate::refusal::raise;

/// An argument, or what stands where one should: a wrong type is told with the argument's name.
#[derive(Clone)]
pub struct Argument<T>(std::result::Result<T, String>);

impl<T> Argument<T> {
    /// `value`, as a default.
    pub const fn of(value: T) -> Self {
        Self(Ok(value))
    }

    /// The value of the argument called `what`, which must be `limit`.
    ///
    /// # Errors
    /// `TypeError`.
    pub fn named(self, what: &str, limit: &str) -> PyResult<T> {
        self.0.map_err(|got| wrong_type(what, &got, limit))
    }
}

impl<'a, 'py, T: FromPyObject<'a, 'py>> FromPyObject<'a, 'py> for Argument<T> {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let extracted: PyResult<T> = object.extract().map_err(Into::into);
        match extracted {
            Ok(value) => Ok(Self(Ok(value))),
            Err(error) if error.is_instance_of::<PyTypeError>(object.py()) => {
                Ok(Self(Err(written(&object)?)))
            }
            Err(error) => Err(error),
        }
    }
}

/// The exception for a `got` of another type than `limit`.
pub fn wrong_type(what: &str, got: &str, limit: &str) -> PyErr {
    PyTypeError::new_err(Error::value(what, got, limit).to_string())
}

/// `object` as Python writes it, on one line, its beginning where it is long.
pub fn written(object: &Bound<'_, PyAny>) -> PyResult<String> {
    const LONGEST: usize = 60;
    let text = object.repr()?.to_string();
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    Ok(match line.char_indices().nth(LONGEST) {
        None => line,
        Some((end, _)) => format!("{}…", &line[..end]),
    })
}

/// A text.
pub type Word = Argument<String>;

impl Word {
    /// `text`, as a default.
    pub fn default_of(text: &str) -> Self {
        Self::of(text.to_owned())
    }

    /// The text; errors call it `what`.
    pub fn text(self, what: &str) -> PyResult<String> {
        self.named(what, "a str")
    }

    /// The choice that the text names; errors call it `what`.
    pub fn parse<T: FromStr<Err = Error>>(self, what: &str) -> PyResult<T> {
        self.text(what)?.parse().map_err(raise)
    }

    /// The value of `choices` that the text names; errors call it `what`.
    pub fn choice<T: Copy>(self, what: &str, choices: &[(&'static str, T)]) -> PyResult<T> {
        choice(what, &self.text(what)?, choices).map_err(raise)
    }

    /// The correction that the text names.
    pub fn correction(self) -> PyResult<Correction> {
        let choices = Correction::ALL.map(|correction| (correction.name(), correction));
        self.choice("correction", &choices)
    }

    /// The readout that the text names.
    pub fn readout(self) -> PyResult<Readout> {
        let choices = [
            ("real", Readout::Real),
            ("modulus", Readout::Modulus),
            ("intensity", Readout::Intensity),
        ];
        self.choice("readout", &choices)
    }

    /// The encoding that the text names.
    pub fn encoding(self) -> PyResult<Encoding> {
        let choices = [
            ("real", Encoding::Real),
            ("complex-halves", Encoding::ComplexHalves),
        ];
        self.choice("encoding", &choices)
    }
}

/// The value of `choices` called `word`; errors call it `what`.
fn choice<T: Copy>(what: &str, word: &str, choices: &[(&'static str, T)]) -> Result<T> {
    let found = choices.iter().find(|(name, _)| *name == word);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        Error::unknown(what, word, &names)
    })
}

/// The name of a layer, which is often a number.
#[derive(FromPyObject)]
pub enum LayerName {
    Name(String),
    Number(i64),
}

impl Argument<LayerName> {
    /// The name.
    pub fn layer(self) -> PyResult<String> {
        Ok(match self.named("layer", "the name of a layer")? {
            LayerName::Name(name) => name,
            LayerName::Number(number) => number.to_string(),
        })
    }
}

/// A whole number of Python's, or what stands where one should.
#[derive(Clone)]
pub enum Whole {
    /// One from 0 that 64 bits hold.
    Held(u64),
    /// One below 0.
    Below(String),
    /// One that 64 bits do not hold.
    Above(String),
    /// No whole number.
    Other(String),
}

impl Whole {
    /// The number, within `limits`; errors call it `what`.
    ///
    /// # Errors
    /// `TypeError` for what is no whole number, `ValueError` for one outside.
    pub fn within<T: TryFrom<u64>>(self, what: &str, limits: RangeInclusive<u64>) -> PyResult<T> {
        let (first, last) = (limits.start(), limits.end());
        let from = format!("a whole number from {first}");
        let got = match self {
            Self::Held(number) if limits.contains(&number) => match T::try_from(number) {
                Ok(number) => return Ok(number),
                Err(_) => number.to_string(),
            },
            Self::Other(got) => return Err(wrong_type(what, &got, &from)),
            // No number below the first one is beyond the last.
            Self::Below(got) if *last == u64::MAX => {
                return Err(raise(Error::value(what, got, from)));
            }
            Self::Held(got) if *last == u64::MAX => {
                return Err(raise(Error::value(what, got, from)));
            }
            Self::Held(number) => number.to_string(),
            Self::Below(got) | Self::Above(got) => got,
        };
        Err(raise(Error::value(what, got, format!("{from} to {last}"))))
    }
}

impl Whole {
    /// How many samples are taken: at least one.
    pub fn limit(self) -> PyResult<usize> {
        self.within("limit", 1..=u64::MAX)
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Whole {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let error = match object.extract::<u64>() {
            Ok(number) => return Ok(Self::Held(number)),
            Err(error) => error,
        };
        let got = written(&object)?;
        Ok(match error.is_instance_of::<PyOverflowError>(object.py()) {
            true if object.lt(0)? => Self::Below(got),
            true => Self::Above(got),
            false => Self::Other(got),
        })
    }
}
