//! Where the elements of a site stand: its mesh of V†, attenuators, mesh of U and detectors one behind the other.

use std::collections::BTreeMap;

use super::Family;
use crate::hardware::{Quantity, Section};
use crate::mesh::{CellKind, Component, ComponentKind, Floorplan, Mesh};

/// Parts of a step along the light that places are multiples of.
const STEP: f64 = 3.0;

/// Parts of the distance of two modes that places are multiples of.
const MODE: f64 = 4.0;

/// Steps from θ of an attenuator to each of its couplers.
const COUPLER_STEPS: f64 = 1.0;

/// A place in thirds of a step along the light and quarters of a mode across it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    along: i64,
    across: i64,
}

impl Place {
    fn new(steps: f64, modes: f64) -> Self {
        Self {
            along: (steps * STEP).round() as i64,
            across: (modes * MODE).round() as i64,
        }
    }
}

/// A place, by its numbers in the lists of places along and across the light.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Spot {
    pub(super) along: u32,
    pub(super) across: u32,
}

/// The places of the elements of a family.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Places {
    /// Steps along the light, ascending.
    pub(super) steps: Vec<f64>,
    /// Modes across it, ascending.
    pub(super) modes: Vec<f64>,
    /// The places of the elements of a section, in their order.
    pub(super) spots: BTreeMap<(Section, Quantity), Vec<Spot>>,
}

/// What stands on a site.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Built<'a> {
    /// The kind of the cells.
    pub(crate) kind: CellKind,
    /// The mesh of V†, or one that stands alone.
    pub(crate) input: Option<&'a Mesh>,
    /// Number of attenuators.
    pub(crate) attenuators: usize,
    /// The mesh of U.
    pub(crate) output: Option<&'a Mesh>,
    /// Rows that have detectors.
    pub(crate) rows: usize,
}

/// Elements of one family while they are placed.
type Elements = BTreeMap<(Section, Quantity), Vec<Place>>;

impl Places {
    /// Those of every family, in the order of [`Family::ALL`].
    pub(super) fn of(built: &Built<'_>) -> [Self; 6] {
        let mut placing = Placing::default();
        if let Some(mesh) = built.input {
            placing.mesh(Section::Input, mesh, built.kind);
        }
        if built.attenuators > 0 {
            placing.attenuators(built.attenuators);
        }
        if let Some(mesh) = built.output {
            placing.mesh(Section::Output, mesh, built.kind);
        }
        placing.detectors(built.rows);
        placing.families.map(Self::sorted)
    }

    fn sorted(elements: Elements) -> Self {
        let list = |of: fn(&Place) -> i64| {
            let mut all: Vec<i64> = elements.values().flatten().map(of).collect();
            all.sort_unstable();
            all.dedup();
            all
        };
        let (along, across) = (list(|place| place.along), list(|place| place.across));
        let number = |list: &[i64], of: i64| list.binary_search(&of).expect("is listed") as u32;
        let spot = |place: &Place| Spot {
            along: number(&along, place.along),
            across: number(&across, place.across),
        };
        let spots = elements
            .iter()
            .map(|(of, places)| (*of, places.iter().map(spot).collect()))
            .collect();
        Self {
            steps: along.iter().map(|parts| *parts as f64 / STEP).collect(),
            modes: across.iter().map(|parts| *parts as f64 / MODE).collect(),
            spots,
        }
    }
}

#[derive(Default)]
struct Placing {
    families: [Elements; 6],
    /// Steps from the first heater of the site to where the next section begins.
    start: usize,
}

impl Placing {
    fn put(&mut self, section: Section, quantity: Quantity, places: Vec<Place>) {
        let family = Family::of(quantity) as usize;
        self.families[family].insert((section, quantity), places);
    }

    fn mesh(&mut self, section: Section, mesh: &Mesh, kind: CellKind) {
        let plan = mesh.floorplan(kind);
        let start = self.start as f64;
        let place = |part: &Component| Place::new(start + part.place.steps, part.place.modes);
        let cells = mesh.nodes().len();
        for (coupler, quantity) in [
            (ComponentKind::Alpha, Quantity::FirstCouplerRad),
            (ComponentKind::Beta, Quantity::SecondCouplerRad),
            (ComponentKind::Gamma, Quantity::ThirdCouplerRad),
        ] {
            let parts = plan.couplers().filter(|part| part.kind == coupler);
            let places = by_number(cells, parts.map(|part| (part.number, place(part))));
            // Cells without a third coupler have none to place.
            if coupler != ComponentKind::Gamma || kind.couplers() > 2 {
                self.put(section, quantity, places);
            }
        }
        // A cell is where its θ is, between its modes.
        let thetas = plan
            .shifters()
            .filter(|part| part.kind == ComponentKind::Theta);
        let places = thetas.map(|part| {
            let node = mesh.nodes()[part.number];
            let middle = (node.top + node.bottom) as f64 / 2.0;
            (part.number, Place::new(start + part.place.steps, middle))
        });
        let places = by_number(cells, places);
        self.put(section, Quantity::LossDb, places);
        self.shifters(section, &plan);
        self.start += plan.steps;
    }

    fn shifters(&mut self, section: Section, plan: &Floorplan) {
        let start = self.start as f64;
        let places = plan.shifters().map(|part| {
            let place = Place::new(start + part.place.steps, part.place.modes);
            (part.number, place)
        });
        let places = by_number(plan.shifters().count(), places);
        self.put(section, Quantity::OffsetRad, places.clone());
        self.put(section, Quantity::VPiError, places);
    }

    /// MZIs with one arm on each mode and the other one half-way to the next.
    fn attenuators(&mut self, count: usize) {
        let plan = Floorplan::bank(count);
        let start = self.start as f64;
        let at = |steps: f64| {
            let places = plan.shifters().map(|part| {
                let place = part.place;
                Place::new(start + place.steps + steps, place.modes + 0.5)
            });
            places.collect()
        };
        let section = Section::Attenuators;
        self.put(section, Quantity::FirstCouplerRad, at(-COUPLER_STEPS));
        self.put(section, Quantity::SecondCouplerRad, at(COUPLER_STEPS));
        self.put(section, Quantity::LossDb, at(0.0));
        self.shifters(section, &plan);
        self.start += plan.steps;
    }

    /// Two detectors a row, a quarter of a mode to either side of it.
    fn detectors(&mut self, rows: usize) {
        let start = self.start as f64;
        let at = |row: usize, beside: f64| Place::new(start, row as f64 + beside);
        let pairs = (0..rows).flat_map(|row| [at(row, -0.25), at(row, 0.25)]);
        self.put(Section::Detectors, Quantity::Gain, pairs.collect());
        let rows = (0..rows).map(|row| at(row, 0.0));
        let phases = Quantity::OscillatorPhaseRad;
        self.put(Section::Detectors, phases, rows.collect());
    }
}

/// Places in the order of their numbers, of which there are `count`.
fn by_number(count: usize, places: impl Iterator<Item = (usize, Place)>) -> Vec<Place> {
    let mut ordered = vec![Place::new(0.0, 0.0); count];
    for (number, place) in places {
        ordered[number] = place;
    }
    ordered
}
