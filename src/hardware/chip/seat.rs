//! What was measured of a chip, put on the meshes that are on it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::Chip;
use crate::error::{Error, Result, did_you_mean};
use crate::hardware::given::{Response, Share};
use crate::hardware::measured::{Id, MeasuredSection, Origin, Spot};
use crate::hardware::{Element, Given, Heaters, MeasuredQuantity, Placed, Quantity, Section, Site};
use crate::mesh::{CellKind, ComponentKind, Floorplan, Mesh};

/// A section of a chip: its silicon, what it is made of, and what the ids of its components begin with.
#[derive(Debug, Clone)]
pub(crate) struct Silicon<'a> {
    pub(crate) at: Placed,
    pub(crate) path: String,
    pub(crate) parts: Parts<'a>,
}

/// What a section is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Parts<'a> {
    Mesh(&'a Mesh),
    /// So many.
    Attenuators(usize),
    /// On so many rows.
    Detectors(usize),
}

impl<'a> Silicon<'a> {
    /// A mesh that stands alone.
    pub(crate) fn mesh(mesh: &'a Mesh) -> Self {
        Self {
            at: Placed::MESH,
            path: Mesh::PATH.to_owned(),
            parts: Parts::Mesh(mesh),
        }
    }

    fn key(&self) -> (Site, Section) {
        (self.at.site, self.at.part.section)
    }

    /// Its components on a chip whose cells are of `kind`.
    pub(crate) fn floorplan(&self, kind: CellKind) -> Floorplan {
        match self.parts {
            Parts::Mesh(mesh) => mesh.floorplan(kind),
            Parts::Attenuators(count) => Floorplan::bank(count),
            Parts::Detectors(rows) => Floorplan::detectors(rows),
        }
    }

    /// Number of elements that a quantity has there.
    fn count(&self, quantity: Quantity, kind: CellKind) -> usize {
        match (self.parts, quantity) {
            (Parts::Mesh(mesh), Quantity::OffsetRad | Quantity::VPiError) => {
                mesh.phase_shifters_of(kind)
            }
            (Parts::Mesh(mesh), _) => mesh.nodes().len(),
            (Parts::Attenuators(count), _) => count,
            (Parts::Detectors(rows), Quantity::Gain) => 2 * rows,
            (Parts::Detectors(rows), _) => rows,
        }
    }

    /// Number of its phase shifters.
    fn shifters(&self, kind: CellKind) -> usize {
        match self.parts {
            Parts::Mesh(mesh) => mesh.phase_shifters_of(kind),
            Parts::Attenuators(count) => count,
            Parts::Detectors(_) => 0,
        }
    }
}

/// What is done with measured components that no section has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Others {
    /// They are refused by name.
    Refused,
    /// They are elsewhere on the chip.
    Elsewhere,
}

impl Chip {
    /// The chip with what was measured of it put on `mesh`, which stands alone.
    ///
    /// # Errors
    /// [`Error::Format`] for a component that the mesh does not have, or that is measured in two ways; [`Error::Value`] for
    /// crosstalk that cannot be made up for.
    pub fn on_mesh(&self, mesh: &Mesh) -> Result<Self> {
        self.on(&[Silicon::mesh(mesh)], Others::Refused)
    }

    /// The chip with what was measured of it put on these sections, which are all of a mesh or of a program.
    pub(crate) fn on(&self, silicon: &[Silicon<'_>], others: Others) -> Result<Self> {
        let mut chip = self.clone();
        if !self.is_seated && !self.hardware.measured.has_no_numbers() {
            let given = (*self.given).clone();
            chip.given = Arc::new(Seating::new(self, silicon, others, given).seated()?);
        }
        chip.is_seated = true;
        Ok(chip)
    }
}

/// What was measured on its way to the elements of sections.
struct Seating<'a> {
    chip: &'a Chip,
    kind: CellKind,
    silicon: &'a [Silicon<'a>],
    others: Others,
    /// Sections by their paths.
    paths: HashMap<&'a str, &'a Silicon<'a>>,
    /// Numbers of components by their places, of sections that were asked for.
    numbers: HashMap<&'a str, HashMap<Spot, usize>>,
    elements: BTreeMap<(Site, Section, Quantity), Vec<Element>>,
    given: Given,
}

impl<'a> Seating<'a> {
    fn new(chip: &'a Chip, silicon: &'a [Silicon<'a>], others: Others, given: Given) -> Self {
        let paths = silicon
            .iter()
            .map(|section| (section.path.as_str(), section));
        Self {
            chip,
            kind: chip.cell_kind(),
            silicon,
            others,
            paths: paths.collect(),
            numbers: HashMap::new(),
            elements: BTreeMap::new(),
            given,
        }
    }

    fn seated(mut self) -> Result<Given> {
        let measured = &self.chip.hardware.measured;
        for (path, section) in &measured.sections {
            let Some(silicon) = self.paths.get(path.as_str()).copied() else {
                self.elsewhere(path, section)?;
                continue;
            };
            for ((spot, quantity), (number, origin)) in &section.numbers {
                let index = self.number(silicon, *spot, origin)?;
                self.put(silicon, section, *spot, index, (*quantity, *number, origin))?;
            }
            for (spot, (curve, origin)) in &section.responses {
                let index = self.number(silicon, *spot, origin)?;
                let response = Response::Measured(Arc::clone(curve));
                self.put_response(silicon, *spot, index, response, origin)?;
            }
        }
        for ((to, from), (share, origin)) in &measured.crosstalk {
            self.put_share(from, to, *share, origin)?;
        }
        for ((site, section, quantity), elements) in std::mem::take(&mut self.elements) {
            let given = std::mem::take(&mut self.given);
            self.given = given.with(quantity, site, section, elements)?;
        }
        self.check_crosstalk()?;
        Ok(self.given)
    }

    /// Numbers of a component, and of the elements of its section that it stands for.
    fn put(
        &mut self,
        silicon: &Silicon<'_>,
        section: &MeasuredSection,
        spot: Spot,
        index: usize,
        (measured, number, origin): (MeasuredQuantity, f64, &Origin),
    ) -> Result<()> {
        let id = || spot.id(&silicon.path);
        let has = |quantity| section.numbers.contains_key(&(spot, quantity));
        let both = |a: &str, b: &str| {
            let reason = format!("has {a} and {b}: must have one of the two");
            Err(Error::format(format!("{origin}: `{}`", id()), reason))
        };
        let quantities: &[(Quantity, usize)] = match measured {
            MeasuredQuantity::SplittingErrorRad => match spot.kind() {
                ComponentKind::Alpha => &[(Quantity::FirstCouplerRad, index)],
                ComponentKind::Beta => &[(Quantity::SecondCouplerRad, index)],
                _ => &[(Quantity::ThirdCouplerRad, index)],
            },
            MeasuredQuantity::LossDb => &[(Quantity::LossDb, index)],
            MeasuredQuantity::OffsetRad => &[(Quantity::OffsetRad, index)],
            MeasuredQuantity::VPiV => {
                if section.responses.contains_key(&spot) {
                    return both("a v_pi_v", "a response of its own");
                }
                let error = number / self.chip.hardware.phase_shifter.v_pi_v - 1.0;
                let elements = [(Quantity::VPiError, index)];
                return self.put_elements(silicon, &elements, error, spot, origin);
            }
            MeasuredQuantity::Dead if number == 0.0 => return Ok(()),
            MeasuredQuantity::Dead if spot.kind() == ComponentKind::Detector => {
                if has(MeasuredQuantity::Gain) || has(MeasuredQuantity::ImaginaryGain) {
                    return both("a gain", "dead = true");
                }
                let elements = [0, 1].map(|part| (Quantity::Gain, 2 * index + part));
                return self.put_elements(silicon, &elements, 0.0, spot, origin);
            }
            MeasuredQuantity::Dead => {
                if section.responses.contains_key(&spot) || has(MeasuredQuantity::VPiV) {
                    return both("a response or v_pi_v", "dead = true");
                }
                return self.put_response(silicon, spot, index, Response::Dead, origin);
            }
            MeasuredQuantity::Gain if has(MeasuredQuantity::ImaginaryGain) => {
                &[(Quantity::Gain, 2 * index)]
            }
            MeasuredQuantity::Gain => {
                &[(Quantity::Gain, 2 * index), (Quantity::Gain, 2 * index + 1)]
            }
            MeasuredQuantity::ImaginaryGain => &[(Quantity::Gain, 2 * index + 1)],
            MeasuredQuantity::LoPhaseRad => &[(Quantity::OscillatorPhaseRad, index)],
        };
        self.put_elements(silicon, quantities, number, spot, origin)
    }

    fn put_elements(
        &mut self,
        silicon: &Silicon<'_>,
        elements: &[(Quantity, usize)],
        number: f64,
        spot: Spot,
        origin: &Origin,
    ) -> Result<()> {
        let (site, section) = silicon.key();
        for &(quantity, index) in elements {
            let all = self.elements.entry((site, section, quantity));
            let count = silicon.count(quantity, self.kind);
            let all = all.or_insert_with(|| vec![Element::Drawn; count]);
            match all[index] {
                Element::Is(other) if other != number => {
                    return Err(contradicts(&spot.id(&silicon.path), origin, number, other));
                }
                _ => all[index] = Element::Is(number),
            }
        }
        Ok(())
    }

    fn put_response(
        &mut self,
        silicon: &Silicon<'_>,
        spot: Spot,
        index: usize,
        response: Response,
        origin: &Origin,
    ) -> Result<()> {
        let (site, section) = silicon.key();
        let there = self.given.responses(site, section);
        if there.is_some_and(|there| there.get(&index).is_some_and(|other| *other != response)) {
            let what = format!("{origin}: response of `{}`", spot.id(&silicon.path));
            let reason = "is another one under another id of the same heater: must be one";
            return Err(Error::format(what, reason));
        }
        self.given.put_response(site, section, index, response);
        Ok(())
    }

    fn put_share(&mut self, from: &Id, to: &Id, share: f64, origin: &Origin) -> Result<()> {
        let mut found = Vec::new();
        for id in [from, to] {
            let Some(silicon) = self.paths.get(id.path.as_str()).copied() else {
                return match self.others {
                    Others::Refused => Err(self.unknown(&id.path, id.spot, origin)),
                    Others::Elsewhere => Ok(()),
                };
            };
            found.push((silicon.key(), self.number(silicon, id.spot, origin)?));
        }
        let [
            ((from_site, from_section), from_number),
            ((site, section), number),
        ] = found[..]
        else {
            unreachable!("two ids were looked for");
        };
        if from_site != site {
            let what = format!("{origin}: share of `{from}` in `{to}`");
            let reason = "is from one tile to another: heat stays within a tile";
            return Err(Error::format(what, reason));
        }
        let new = Share {
            from: (from_section, from_number),
            to: (section, number),
            share,
        };
        let mut shares = self.given.shares(site).iter();
        match shares.find(|other| other.from == new.from && other.to == new.to) {
            Some(other) if other.share != share => {
                let what = format!("share of `{from}` in `{to}`");
                Err(contradicts(&what, origin, share, other.share))
            }
            Some(_) => Ok(()),
            None => {
                self.given.put_share(site, new);
                Ok(())
            }
        }
    }

    /// Fails unless what heaters give each other can be made up for: the shares that reach one add up to less than 1.
    fn check_crosstalk(&self) -> Result<()> {
        let crosstalk = self.chip.hardware.phase_shifter.crosstalk;
        let mut checked = Vec::new();
        for site in self.silicon.iter().map(|silicon| silicon.at.site) {
            let shares = self.given.shares(site);
            if shares.is_empty() || checked.contains(&site) {
                continue;
            }
            checked.push(site);
            let mut sections: Vec<&Silicon<'_>> = Vec::new();
            for section in Section::ALL {
                let mut all = self.silicon.iter();
                sections.extend(all.find(|silicon| silicon.key() == (site, section)));
            }
            let heaters = self.chip.heaters(|heaters| {
                for silicon in &sections {
                    match silicon.parts {
                        Parts::Mesh(mesh) => heaters.push_mesh(mesh, self.kind),
                        Parts::Attenuators(count) => heaters.push_bank(count),
                        Parts::Detectors(_) => {}
                    }
                }
            });
            let counts = sections
                .iter()
                .map(|silicon| (silicon.at, silicon.shifters(self.kind)));
            let counts: Vec<(Placed, usize)> = counts.collect();
            self.check_sums(&heaters, &counts, shares, crosstalk)?;
        }
        Ok(())
    }

    fn check_sums(
        &self,
        heaters: &Heaters,
        sections: &[(Placed, usize)],
        shares: &[Share],
        crosstalk: f64,
    ) -> Result<()> {
        let count = sections.iter().map(|(_, count)| count).sum();
        let warmed = heaters.heat(&vec![1.0; count], crosstalk);
        let mut sums: Vec<f64> = warmed.iter().map(|heat| heat - 1.0).collect();
        for share in shares {
            let [from, to] = [share.from, share.to].map(|at| super::heat::index(sections, at));
            sums[to] += share.share.abs() - heaters.share(from, to, crosstalk);
        }
        for share in shares {
            let to = super::heat::index(sections, share.to);
            if sums[to] >= 1.0 {
                let id = self.id(sections[0].0.site, share.to);
                let what = format!("sum of the shares of heat that reach `{id}`");
                let limit = "below 1: else no phases make up for crosstalk";
                return Err(Error::value(what, format!("{:.3}", sums[to]), limit));
            }
        }
        Ok(())
    }

    /// The id of a heater by its section and number.
    fn id(&self, site: Site, (section, number): (Section, usize)) -> String {
        let mut all = self.silicon.iter();
        let silicon = all.find(|silicon| silicon.key() == (site, section));
        let silicon = silicon.expect("it was measured there");
        let plan = silicon.floorplan(self.kind);
        let mut shifters = plan.shifters();
        let found = shifters.find(|shifter| shifter.number == number);
        found.expect("it was measured there").id(&silicon.path)
    }

    /// The number of a component in its section.
    fn number(&mut self, silicon: &Silicon<'a>, spot: Spot, origin: &Origin) -> Result<usize> {
        let Some((path, _)) = self.paths.get_key_value(silicon.path.as_str()) else {
            unreachable!("sections have paths");
        };
        let numbers = self.numbers.entry(path).or_insert_with(|| {
            let plan = silicon.floorplan(self.kind);
            let numbers = plan.components.iter();
            numbers
                .map(|component| (Spot::from(component), component.number))
                .collect()
        });
        match numbers.get(&spot) {
            Some(number) => Ok(*number),
            None => Err(self.unknown(&silicon.path, spot, origin)),
        }
    }

    /// Fails if a measured section that is not there must be.
    fn elsewhere(&self, path: &str, section: &MeasuredSection) -> Result<()> {
        if self.others == Others::Elsewhere {
            return Ok(());
        }
        let numbers = section.numbers.iter();
        let numbers = numbers.map(|((spot, _), (_, origin))| (*spot, origin));
        let responses = section.responses.iter();
        let responses = responses.map(|(spot, (_, origin))| (*spot, origin));
        let first = numbers.chain(responses).next();
        first.map_or(Ok(()), |(spot, origin)| {
            Err(self.unknown(path, spot, origin))
        })
    }

    /// The error for a component that no section has.
    fn unknown(&self, path: &str, spot: Spot, origin: &Origin) -> Error {
        let id = spot.id(path);
        let ids = self.silicon.iter().flat_map(|silicon| {
            let plan = silicon.floorplan(self.kind);
            let ids = plan.components.iter().map(|part| part.id(&silicon.path));
            ids.collect::<Vec<_>>()
        });
        let ids: Vec<String> = ids.collect();
        let meant = did_you_mean(&id, ids.iter().map(String::as_str));
        let is_alone = self.silicon.len() == 1 && self.silicon[0].path == Mesh::PATH;
        let whole = if is_alone { "mesh" } else { "program" };
        let first = ids.first().map_or("", String::as_str);
        let reason = format!(
            "is no component of the {whole}{meant}: it has {}, such as `{first}`",
            ids.len()
        );
        Error::format(format!("{origin}: id `{id}`"), reason)
    }
}

/// The error for a number that is another one under another id.
fn contradicts(what: &str, origin: &Origin, number: f64, other: f64) -> Error {
    let limit = format!("{other}, as under another id of the same silicon");
    Error::value(format!("{origin}: {what}"), number, limit)
}
