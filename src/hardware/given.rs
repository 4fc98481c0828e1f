//! What is known of a chip, element by element, instead of drawn.

use std::collections::BTreeMap;
use std::f64::consts::FRAC_PI_4;
use std::sync::Arc;

use super::{Curve, Section, Site};
use crate::error::{Error, Result};
use crate::rng::Effect;

/// A number of every element of a section that a chip has once and for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Quantity {
    /// How far the angle of every cell's first coupler is from π/4, rad.
    FirstCouplerRad,
    /// The same of every second coupler.
    SecondCouplerRad,
    /// The same of every coupler in front of φ, where cells have one.
    ThirdCouplerRad,
    /// Loss of both arms of every cell, dB.
    LossDb,
    /// Phase of every shifter with its heater off, rad: theta, phi, screen and free shifters of a mesh, θ of the
    /// attenuators.
    OffsetRad,
    /// Relative error of every heater's calibrated V_π, in the order of the offsets.
    VPiError,
    /// Gain of every detector relative to the calibrated one: two a row, real part and imaginary part.
    Gain,
    /// Phase of the local oscillator at every row, rad.
    OscillatorPhaseRad,
}

/// What there is to know of a quantity.
struct Row {
    name: &'static str,
    effect: Effect,
    /// Block of the effect's stream.
    block: u64,
    /// What it may be.
    range: &'static str,
    holds: fn(f64) -> bool,
}

impl Quantity {
    /// Every quantity.
    pub const ALL: [Self; 8] = [
        Self::FirstCouplerRad,
        Self::SecondCouplerRad,
        Self::ThirdCouplerRad,
        Self::LossDb,
        Self::OffsetRad,
        Self::VPiError,
        Self::Gain,
        Self::OscillatorPhaseRad,
    ];

    fn row(self) -> Row {
        let finite: (&str, fn(f64) -> bool) = ("a finite number", f64::is_finite);
        let quarter: (&str, fn(f64) -> bool) = ("from -π/4 to π/4", |x| x.abs() <= FRAC_PI_4);
        let (name, effect, block, (range, holds)) = match self {
            Self::FirstCouplerRad => ("first couplers", Effect::Splitting, 0, quarter),
            Self::SecondCouplerRad => ("second couplers", Effect::Splitting, 1, quarter),
            Self::ThirdCouplerRad => ("third couplers", Effect::Splitting, 2, quarter),
            Self::LossDb => ("losses", Effect::Loss, 0, not_negative()),
            Self::OffsetRad => ("phase offsets", Effect::Offset, 0, finite),
            Self::VPiError => ("errors of V_π", Effect::VPi, 0, above_minus_one()),
            Self::Gain => ("gains", Effect::Gain, 0, not_negative()),
            Self::OscillatorPhaseRad => ("oscillator phases", Effect::OscillatorPhase, 0, finite),
        };
        Row {
            name,
            effect,
            block,
            range,
            holds,
        }
    }

    /// The effect that draws it where it is not given, and the block of the effect's stream.
    pub(super) fn drawn_by(self) -> (Effect, u64) {
        let Row { effect, block, .. } = self.row();
        (effect, block)
    }

    fn is_of_detectors(self) -> bool {
        matches!(self, Self::Gain | Self::OscillatorPhaseRad)
    }
}

fn not_negative() -> (&'static str, fn(f64) -> bool) {
    ("a finite number from 0", |x| x.is_finite() && x >= 0.0)
}

fn above_minus_one() -> (&'static str, fn(f64) -> bool) {
    ("a finite number above -1", |x| x.is_finite() && x > -1.0)
}

/// What is known of one element.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Element {
    /// Nothing: it is drawn as its hardware says.
    Drawn,
    /// What is drawn, times this factor; what all elements have in common stays.
    Times(f64),
    /// The number.
    Is(f64),
}

impl Element {
    /// The number of an element of mean `mean` whose deviation was drawn.
    fn value(self, mean: f64, deviation: f64) -> f64 {
        match self {
            Self::Drawn => mean + deviation,
            Self::Times(factor) => mean + factor * deviation,
            Self::Is(value) => value,
        }
    }
}

/// What is known of the elements of a section.
#[derive(Debug, Clone, PartialEq)]
pub enum Elements {
    /// The same of all.
    All(Element),
    /// Of each, in the order of the section.
    Each(Vec<Element>),
}

impl From<Element> for Elements {
    fn from(element: Element) -> Self {
        Self::All(element)
    }
}

impl From<Vec<Element>> for Elements {
    fn from(elements: Vec<Element>) -> Self {
        Self::Each(elements)
    }
}

impl From<Vec<f64>> for Elements {
    fn from(values: Vec<f64>) -> Self {
        Self::Each(values.into_iter().map(Element::Is).collect())
    }
}

impl Elements {
    /// Numbers of the elements from number `first` on, of mean `mean`, one for each of the `deviations` that were drawn.
    pub(super) fn values(&self, first: usize, mean: f64, deviations: &[f64]) -> Vec<f64> {
        let element = |index: usize| match self {
            Self::All(element) => *element,
            Self::Each(elements) => elements[first + index],
        };
        let deviations = deviations.iter().enumerate();
        deviations
            .map(|(index, deviation)| element(index).value(mean, *deviation))
            .collect()
    }

    fn iter(&self) -> impl Iterator<Item = Element> {
        let elements = match self {
            Self::All(element) => std::slice::from_ref(element),
            Self::Each(elements) => elements,
        };
        elements.iter().copied()
    }
}

/// What is known of a chip: arrays by site, section and element that stand for what would be drawn.
///
/// An array is whole, or says of a zone what is [known](Element) and leaves the rest to be drawn. Corrections know what is
/// given as they know what is drawn.
///
/// ```
/// use lightloom::hardware::{Element, Given, Quantity, Section, Site};
/// use lightloom::{Hardware, Seed};
///
/// let given = Given::default()
///     .with(Quantity::FirstCouplerRad, Site::default(), Section::Input, vec![0.01, -0.02])?
///     .with(Quantity::OffsetRad, Site::default(), Section::Attenuators, Element::Times(0.0))?;
/// let chip = Hardware::default().fabricate(Seed(0), 0).with_given(given);
/// # Ok::<(), lightloom::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Given {
    elements: BTreeMap<(Site, Section, Quantity), Elements>,
    /// Heaters that answer otherwise than φ = π V²/V_π², by their number in the section.
    responses: BTreeMap<(Site, Section), BTreeMap<usize, Response>>,
    /// Shares of heat that do not follow from distances.
    shares: BTreeMap<Site, Vec<Share>>,
}

/// How a heater answers to its voltage.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Response {
    /// Not at all.
    Dead,
    /// As it was measured.
    Measured(Arc<Curve>),
}

/// The share of a heater's phase in that of another one on the same site; heaters are told by section and number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Share {
    pub(super) from: (Section, usize),
    pub(super) to: (Section, usize),
    pub(super) share: f64,
}

impl Given {
    /// With this known of a quantity in one section.
    ///
    /// # Errors
    /// [`Error::Value`] if a number is out of the quantity's range or a factor not finite, [`Error::Format`] if the section
    /// has no such quantity, or the quantity is given there already.
    pub fn with(
        mut self,
        quantity: Quantity,
        site: Site,
        section: Section,
        elements: impl Into<Elements>,
    ) -> Result<Self> {
        let elements = elements.into();
        let Row {
            name, range, holds, ..
        } = quantity.row();
        if quantity.is_of_detectors() != (section == Section::Detectors) {
            let reason = format!("are not in the {}", section.name());
            return Err(Error::format(name, reason));
        }
        for (index, element) in elements.iter().enumerate() {
            let place = |what: &str| format!("{what}[{index}] at {site}, {}", section.name());
            match element {
                Element::Is(value) if !holds(value) => {
                    return Err(Error::value(place(name), value, range));
                }
                Element::Times(factor) if !factor.is_finite() => {
                    let what = place(&format!("factor of the {name}"));
                    return Err(Error::value(what, factor, "a finite number"));
                }
                _ => {}
            }
        }
        let key = (site, section, quantity);
        if self.elements.insert(key, elements).is_some() {
            let what = format!("{name} at {site}, {}", section.name());
            return Err(Error::format(what, "are given twice"));
        }
        Ok(self)
    }

    /// With this response of the heater of this number in one section.
    pub(super) fn put_response(
        &mut self,
        site: Site,
        section: Section,
        number: usize,
        response: Response,
    ) {
        let heaters = self.responses.entry((site, section)).or_default();
        heaters.insert(number, response);
    }

    /// With this share of heat on one site.
    pub(super) fn put_share(&mut self, site: Site, share: Share) {
        self.shares.entry(site).or_default().push(share);
    }

    /// Heaters of a section that answer otherwise than φ = π V²/V_π², by their number.
    pub(super) fn responses(
        &self,
        site: Site,
        section: Section,
    ) -> Option<&BTreeMap<usize, Response>> {
        self.responses.get(&(site, section))
    }

    /// Whether any heater answers otherwise than φ = π V²/V_π².
    pub(super) fn has_responses(&self) -> bool {
        !self.responses.is_empty()
    }

    /// Whether any heater answers as it was measured.
    pub(super) fn has_curves(&self) -> bool {
        let mut all = self.responses.values().flat_map(BTreeMap::values);
        all.any(|response| matches!(response, Response::Measured(_)))
    }

    /// Shares of heat on a site that do not follow from distances.
    pub(super) fn shares(&self, site: Site) -> &[Share] {
        self.shares.get(&site).map_or(&[], Vec::as_slice)
    }

    /// Whether any share of heat does not follow from distances.
    pub(super) fn has_shares(&self) -> bool {
        !self.shares.is_empty()
    }

    /// What is known of a quantity in one section.
    pub(super) fn of(&self, quantity: Quantity, site: Site, section: Section) -> Option<&Elements> {
        self.elements.get(&(site, section, quantity))
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether anything is known of a quantity anywhere.
    pub fn knows(&self, quantity: Quantity) -> bool {
        self.elements.keys().any(|(_, _, known)| *known == quantity)
    }

    /// The sites of which anything is known, each once for every array.
    pub fn sites(&self) -> impl Iterator<Item = Site> {
        self.elements.keys().map(|(site, ..)| *site)
    }

    /// Fails unless every array of a section has as many elements as `count` says of its quantity.
    ///
    /// # Errors
    /// [`Error::Shape`] for an array of another length, [`Error::Format`] if the section has no such element at all.
    pub fn check(
        &self,
        site: Site,
        section: Section,
        count: impl Fn(Quantity) -> usize,
    ) -> Result<()> {
        for quantity in Quantity::ALL {
            let Some(elements) = self.of(quantity, site, section) else {
                continue;
            };
            let what = format!("{} at {site}, {}", quantity.row().name, section.name());
            match (elements, count(quantity)) {
                (_, 0) => return Err(Error::format(what, "are given, but there are none")),
                (Elements::Each(elements), count) if elements.len() != count => {
                    let limit = format!("[{count}]: one number an element");
                    return Err(Error::shape(what, [elements.len()], limit));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Site = Site {
        chip: 0,
        bank: 0,
        mesh: 0,
    };

    #[test]
    fn numbers_out_of_range_are_refused_by_name_and_element() {
        for (quantity, section, wrong) in [
            (Quantity::FirstCouplerRad, Section::Input, 0.8),
            (Quantity::LossDb, Section::Attenuators, -0.1),
            (Quantity::OffsetRad, Section::Output, f64::NAN),
            (Quantity::VPiError, Section::Output, -1.0),
            (Quantity::Gain, Section::Detectors, f64::INFINITY),
        ] {
            let given = Given::default().with(quantity, HERE, section, vec![0.0, wrong]);
            let Err(Error::Value { what, .. }) = given else {
                panic!("{quantity:?}");
            };
            assert!(
                what.contains("[1]") && what.contains(section.name()),
                "{what}"
            );
            let factor = Element::Times(f64::NAN);
            let given = Given::default().with(quantity, HERE, section, factor);
            assert!(matches!(given, Err(Error::Value { .. })));
        }
    }

    #[test]
    fn a_quantity_is_given_once_and_where_it_is() {
        let given =
            |section| Given::default().with(Quantity::Gain, HERE, section, Element::Is(1.0));
        assert!(matches!(given(Section::Output), Err(Error::Format { .. })));
        let twice = given(Section::Detectors).unwrap().with(
            Quantity::Gain,
            HERE,
            Section::Detectors,
            Element::Drawn,
        );
        assert!(matches!(twice, Err(Error::Format { .. })));
        let couplers = Given::default().with(
            Quantity::FirstCouplerRad,
            HERE,
            Section::Detectors,
            Element::Drawn,
        );
        assert!(matches!(couplers, Err(Error::Format { .. })));
    }

    #[test]
    fn arrays_of_another_length_are_refused() {
        let three = vec![0.0; 3];
        let given = Given::default().with(Quantity::OffsetRad, HERE, Section::Input, three);
        let given = given.unwrap();
        let check = |count: usize| given.check(HERE, Section::Input, |_| count);
        assert!(check(3).is_ok());
        assert!(matches!(check(4), Err(Error::Shape { .. })));
        assert!(matches!(check(0), Err(Error::Format { .. })));
        assert!(given.check(HERE, Section::Output, |_| 4).is_ok());
    }
}
