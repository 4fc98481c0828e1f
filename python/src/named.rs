//! Choices that Python spells as words, and whole numbers.

use std::str::FromStr;

use lightloom::nn::{Encoding, Readout};
use lightloom::{Correction, Error, Result};
use pyo3::prelude::*;

use crate::refusal::raise;

/// The choice that `word` names.
pub fn parse<T: FromStr<Err = Error>>(word: &str) -> PyResult<T> {
    word.parse().map_err(raise)
}

/// The value of `choices` called `word`; errors call it `what`.
fn choice<T: Copy>(what: &str, word: &str, choices: &[(&'static str, T)]) -> Result<T> {
    let found = choices.iter().find(|(name, _)| *name == word);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        Error::unknown(what, word, &names)
    })
}

/// The correction called `word`.
pub fn correction(word: &str) -> PyResult<Correction> {
    let choices = Correction::ALL.map(|correction| (correction.name(), correction));
    choice("correction", word, &choices).map_err(raise)
}

/// The readout called `word`.
pub fn readout(word: &str) -> PyResult<Readout> {
    let choices = [
        ("real", Readout::Real),
        ("modulus", Readout::Modulus),
        ("intensity", Readout::Intensity),
    ];
    choice("readout", word, &choices).map_err(raise)
}

/// The encoding called `word`.
pub fn encoding(word: &str) -> PyResult<Encoding> {
    let choices = [
        ("real", Encoding::Real),
        ("complex-halves", Encoding::ComplexHalves),
    ];
    choice("encoding", word, &choices).map_err(raise)
}

/// A whole number from 0, or what stands where one should.
#[derive(Clone)]
pub struct Whole(std::result::Result<u64, String>);

impl Whole {
    /// `number`, as a default.
    pub const fn of(number: u64) -> Self {
        Self(Ok(number))
    }

    /// The number; errors call it `what`.
    pub fn named<T: TryFrom<u64>>(self, what: &str) -> PyResult<T> {
        let number = self
            .0
            .and_then(|number| T::try_from(number).map_err(|_| number.to_string()));
        number.map_err(|got| raise(Error::value(what, got, "a whole number from 0")))
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Whole {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        Ok(Self(match object.extract::<u64>() {
            Ok(number) => Ok(number),
            Err(_) => Err(object.repr()?.to_string()),
        }))
    }
}
