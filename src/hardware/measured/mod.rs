//! A chip that was measured: numbers by the ids of its components, instead of drawn.

mod curve;
mod id;
mod known;
mod quantity;
mod read;
mod summary;
mod text;

pub use curve::Curve;
pub(crate) use id::{Id, Spot};
pub use known::Known;
pub use quantity::MeasuredQuantity;
pub use summary::MeasuredSummary;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::error::{Error, Result};

/// What was measured of one chip, by the ids that `lightloom export` and [`Mesh::floorplan`] give to its components.
///
/// What is not measured is drawn as the hardware says. A chip is described by up to three tables
/// (CSV, Parquet or NPZ): numbers by id ([`with_numbers`](Self::with_numbers)), how heaters answer to their voltage
/// ([`with_responses`](Self::with_responses)), and shares of heat from heater to heater
/// ([`with_crosstalk`](Self::with_crosstalk)). Whether a mesh has the components is found out when it is put on the chip.
///
/// ```
/// use lightloom::hardware::{MeasuredChip, MeasuredQuantity};
/// use lightloom::mesh::{Geometry, Mesh};
/// use lightloom::{Correction, Hardware, Seed};
///
/// let measured = MeasuredChip::default()
///     .with("mesh.alpha.0.0", MeasuredQuantity::SplittingErrorRad, 0.03)?
///     .with("mesh.theta.1.1", MeasuredQuantity::OffsetRad, 0.4)?;
/// let chip = Hardware::default().with_measured(measured).fabricate(Seed(0), 0);
/// let mesh = Mesh::bar(Geometry::Clements, 4)?;
/// assert_ne!(chip.program(&mesh, Correction::None).coefficients.transfer(), mesh.transfer());
/// # Ok::<(), lightloom::Error>(())
/// ```
///
/// [`Mesh::floorplan`]: crate::mesh::Mesh::floorplan
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MeasuredChip {
    /// By the path of a section of the chip.
    pub(crate) sections: BTreeMap<String, MeasuredSection>,
    /// By the heater that is heated and the one that heats.
    pub(crate) crosstalk: BTreeMap<(Id, Id), (f64, Origin)>,
    /// What corrections may use.
    pub(crate) known: Known,
}

/// What was measured of one section.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct MeasuredSection {
    pub(crate) numbers: BTreeMap<(Spot, MeasuredQuantity), (f64, Origin)>,
    pub(crate) responses: BTreeMap<Spot, (Arc<Curve>, Origin)>,
}

/// Where something was read, for errors.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    file: Arc<str>,
    /// The line of a text, else the row.
    row: u64,
    is_line: bool,
}

/// Where something stands is no part of what it says.
impl PartialEq for Origin {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = if self.is_line { "line" } else { "row" };
        match &*self.file {
            "" => f.write_str("what is measured"),
            file => write!(f, "{file}: {row} {}", self.row),
        }
    }
}

impl Origin {
    /// Of what no file says.
    fn none() -> Self {
        Self {
            file: "".into(),
            row: 0,
            is_line: false,
        }
    }
}

impl MeasuredChip {
    /// Whether nothing is said of the chip.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether nothing is measured: at most it is said what corrections know.
    pub fn has_no_numbers(&self) -> bool {
        self.sections.is_empty() && self.crosstalk.is_empty()
    }

    /// What corrections may use of the chip.
    pub fn known(&self) -> Known {
        self.known
    }

    /// The same, of which corrections may use what is `known`.
    #[must_use]
    pub fn with_known(mut self, known: Known) -> Self {
        self.known = known;
        self
    }

    /// With a number of the component called `id`.
    ///
    /// # Errors
    /// [`Error::Value`] for an id that is none or a number out of its range, [`Error::Format`] for a quantity that such
    /// components do not have, or one that is there already.
    pub fn with(mut self, id: &str, quantity: MeasuredQuantity, number: f64) -> Result<Self> {
        let id = Id::parse("id", id)?;
        self.put(id, quantity, number, Origin::none())?;
        Ok(self)
    }

    /// With the response of the heater called `id`, in place of φ = π V²/V_π².
    ///
    /// # Errors
    /// As [`with`](Self::with).
    pub fn with_response(mut self, id: &str, curve: Curve) -> Result<Self> {
        let id = Id::parse("id", id)?;
        self.put_response(id, curve, Origin::none())?;
        Ok(self)
    }

    /// With this share of the phase of the heater called `from` in that of the heater called `to`.
    ///
    /// # Errors
    /// As [`with`](Self::with).
    pub fn with_share(mut self, from: &str, to: &str, share: f64) -> Result<Self> {
        let [from, to] = [("from", from), ("to", to)].map(|(what, id)| Id::parse(what, id));
        self.put_share(from?, to?, share, Origin::none())?;
        Ok(self)
    }

    /// The number of a quantity of the component called `id`, where it was measured.
    pub fn number(&self, id: &str, quantity: MeasuredQuantity) -> Option<f64> {
        let id = Id::parse("id", id).ok()?;
        let section = self.sections.get(&id.path)?;
        let found = section.numbers.get(&(id.spot, quantity))?;
        Some(found.0)
    }

    /// The response of the heater called `id`, where it was measured.
    pub fn response(&self, id: &str) -> Option<&Curve> {
        let id = Id::parse("id", id).ok()?;
        let section = self.sections.get(&id.path)?;
        section.responses.get(&id.spot).map(|(curve, _)| &**curve)
    }

    /// Every number with the id of its component and its quantity, in the order of the ids.
    pub fn numbers(&self) -> impl Iterator<Item = (String, MeasuredQuantity, f64)> {
        self.sections.iter().flat_map(|(path, section)| {
            let numbers = section.numbers.iter();
            numbers.map(|((spot, quantity), (number, _))| (spot.id(path), *quantity, *number))
        })
    }

    fn put(
        &mut self,
        id: Id,
        quantity: MeasuredQuantity,
        number: f64,
        origin: Origin,
    ) -> Result<()> {
        let row = quantity.row();
        if !quantity.is_of(id.spot.kind()) {
            let what = format!("{} of `{id}`", row.name);
            let reason = format!(
                "is measured of {}: must be left out of a {}",
                row.owners,
                id.spot.kind().name()
            );
            return Err(Error::format(what, reason));
        }
        if !(row.holds)(number) {
            return Err(Error::value(
                format!("{} of `{id}`", row.name),
                number,
                row.range,
            ));
        }
        let section = self.sections.entry(id.path.clone()).or_default();
        let new = (number, origin);
        match section.numbers.insert((id.spot, quantity), new) {
            Some((_, first)) => Err(twice(format!("{} of `{id}`", row.name), &first)),
            None => Ok(()),
        }
    }

    fn put_response(&mut self, id: Id, curve: Curve, origin: Origin) -> Result<()> {
        if !id.spot.kind().is_shifter() {
            return Err(no_heater(&id));
        }
        let section = self.sections.entry(id.path.clone()).or_default();
        let new = (Arc::new(curve), origin);
        match section.responses.insert(id.spot, new) {
            Some((_, first)) => Err(twice(format!("response of `{id}`"), &first)),
            None => Ok(()),
        }
    }

    fn put_share(&mut self, from: Id, to: Id, share: f64, origin: Origin) -> Result<()> {
        for id in [&from, &to] {
            if !id.spot.kind().is_shifter() {
                return Err(no_heater(id));
            }
        }
        let what = format!("share of `{from}` in `{to}`");
        if from == to {
            return Err(Error::format(
                what,
                "is that of a heater in itself: must be of two",
            ));
        }
        if !(share.is_finite() && share.abs() < 1.0) {
            return Err(Error::value(what, share, "between -1 and 1"));
        }
        match self.crosstalk.insert((to, from), (share, origin)) {
            Some((_, first)) => Err(twice(what, &first)),
            None => Ok(()),
        }
    }
}

fn no_heater(id: &Id) -> Error {
    let reason = "is no phase shifter: only those have heaters";
    Error::format(format!("`{id}`"), reason)
}

fn twice(what: String, first: &Origin) -> Error {
    Error::format(
        what,
        format!("stands in {first} already: must be there once"),
    )
}

#[cfg(test)]
mod tests;
