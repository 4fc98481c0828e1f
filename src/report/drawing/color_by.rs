//! What the colours of a drawing mean.

use crate::error::{Error, Result};
use crate::linalg::C64;

/// What the colours of a drawing mean.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum ColorBy {
    /// The internal phase shifts θ, dark at the cross state (0), bright at the bar state (π).
    #[default]
    Theta,
    /// The external phase shifts φ and the output screen, as angles.
    Phi,
    /// The power in every waveguide for this input field, one amplitude per mode.
    Light(Vec<C64>),
    /// An error of every MZI, 0 or more, in the order of the nodes.
    Error(Vec<f64>),
    /// A quantity of every MZI, in the order of the nodes; grey where an MZI has none.
    Quantity {
        /// What it is called, with its unit.
        name: String,
        /// Its finite numbers.
        values: Vec<Option<f64>>,
    },
}

impl ColorBy {
    /// Light that enters in one mode only.
    ///
    /// # Errors
    /// [`Error::Value`] if there is no such mode.
    pub fn light_in(mode: usize, modes: usize) -> Result<Self> {
        if mode >= modes {
            return Err(Error::value("input", mode, format!("a mode below {modes}")));
        }
        let mut field = vec![C64::default(); modes];
        field[mode] = C64::from(1.0);
        Ok(Self::Light(field))
    }
}

/// Fails unless there is a finite number or none for each of so many nodes.
pub(super) fn check_values(values: &[Option<f64>], nodes: usize) -> Result<()> {
    if values.len() != nodes {
        let limit = format!("[{nodes}], one per MZI");
        return Err(Error::shape("values", [values.len()], limit));
    }
    match values.iter().flatten().find(|value| !value.is_finite()) {
        Some(value) => Err(Error::value("quantity of an MZI", value, "finite")),
        None => Ok(()),
    }
}

/// The least and the largest of some values, apart from each other.
pub(super) fn span(values: &[Option<f64>]) -> [f64; 2] {
    let there = || values.iter().flatten().copied();
    let (low, high) = (
        there().fold(f64::INFINITY, f64::min),
        there().fold(f64::NEG_INFINITY, f64::max),
    );
    match low < high {
        true => [low, high],
        // One number alone, or none.
        false if low.is_finite() => [low - 0.5, low + 0.5],
        false => [0.0, 1.0],
    }
}

pub(super) fn check_errors(errors: &[f64], nodes: usize) -> Result<()> {
    if errors.len() != nodes {
        return Err(Error::shape(
            "errors",
            [errors.len()],
            format!("[{nodes}], one per MZI"),
        ));
    }
    match errors
        .iter()
        .find(|error| !(error.is_finite() && **error >= 0.0))
    {
        Some(error) => Err(Error::value(
            "error of an MZI",
            error,
            "0 or more and finite",
        )),
        None => Ok(()),
    }
}

/// The largest of some errors; 1 where all are 0, so that they can be divided by it.
pub(super) fn largest(errors: &[f64]) -> f64 {
    let most = errors.iter().copied().fold(0.0, f64::max);
    if most > 0.0 { most } else { 1.0 }
}
