//! What Strawberry Fields' decompositions return.

use super::{Convention, Element, Notation};
use crate::error::{Context, Error, Result};
use crate::linalg::C64;

/// One row of a Strawberry Fields list: `[m, n, theta, phi, size]`.
pub type StrawberryRow = [f64; 5];

impl Notation {
    /// What Strawberry Fields' `rectangular` (cells `T`), `rectangular_phase_end`, `rectangular_MZ` and
    /// `rectangular_symmetric` (cells `mach_zehnder`) return: `(before, diagonal, after)`.
    ///
    /// Light meets `before` in its order, then the diagonal, then the inverses of `after` from its last row
    /// to its first. Pass an empty `after` where the package returns `None`.
    ///
    /// # Errors
    /// [`Error::Value`] if `convention` is not one of Strawberry Fields' or a mode is not a whole number;
    /// [`Error::NotFinite`] if a diagonal element has no phase.
    pub fn from_strawberryfields(
        convention: Convention,
        before: &[StrawberryRow],
        diagonal: &[C64],
        after: &[StrawberryRow],
    ) -> Result<Self> {
        check_strawberry(convention)?;
        let mut notation = Self::new(convention, diagonal.len());
        for row in before {
            notation.elements.push(strawberry_cell(row)?);
        }
        let mut notation = notation.phases(diagonal_phases(diagonal)?);
        for row in after.iter().rev() {
            notation.elements.push(strawberry_cell(row)?.inverse());
        }
        Ok(notation)
    }

    /// What Strawberry Fields' `triangular` returns: `(rows, diagonal, None)`. Light meets the diagonal
    /// first, then the inverse of every row.
    ///
    /// # Errors
    /// As [`from_strawberryfields`](Self::from_strawberryfields).
    pub fn from_strawberryfields_triangular(
        rows: &[StrawberryRow],
        diagonal: &[C64],
    ) -> Result<Self> {
        let mut notation = Self::new(Convention::StrawberryFields, diagonal.len())
            .phases(diagonal_phases(diagonal)?);
        for row in rows {
            notation.elements.push(strawberry_cell(row)?.inverse());
        }
        Ok(notation)
    }
}

fn check_strawberry(convention: Convention) -> Result<()> {
    match convention {
        Convention::StrawberryFields | Convention::StrawberryFieldsMzi => Ok(()),
        other => Err(Error::value(
            "convention",
            other,
            "strawberryfields or strawberryfields-mzi",
        )),
    }
}

fn strawberry_cell(row: &StrawberryRow) -> Result<Element> {
    let mode = |value: f64| {
        if value >= 0.0 && value.fract() == 0.0 && value < 1e9 {
            Ok(value as usize)
        } else {
            Err(Error::value("mode", value, "a whole number, 0 or more"))
                .within(format!("row {row:?}"))
        }
    };
    Ok(Element::Cell {
        modes: [mode(row[0])?, mode(row[1])?],
        phases_rad: [row[2], row[3]],
    })
}

fn diagonal_phases(diagonal: &[C64]) -> Result<Vec<f64>> {
    let phase = |(index, factor): (usize, &C64)| {
        let phase = factor.arg();
        // The argument of 0 is no phase, and that of NaN is NaN.
        if factor.norm() > 0.0 && phase.is_finite() {
            Ok(phase)
        } else {
            Err(Error::NotFinite {
                what: "phase of the diagonal".to_owned(),
                index: format!("[{index}]"),
                got: format!("that of {factor}"),
            })
        }
    };
    diagonal.iter().enumerate().map(phase).collect()
}
