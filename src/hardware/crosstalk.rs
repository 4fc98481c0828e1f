//! Thermal crosstalk: heat that reaches the neighbours of a heater.

use std::collections::HashMap;
use std::f64::consts::TAU;

use crate::mesh::{CellKind, Floorplan, Mesh};

/// Coupling beyond this distance (in pitches) is left out; `0.1³` is the largest share that this drops.
const REACH: i32 = 3;

/// Where the heaters of a tile stand on the chip.
///
/// Their places are those of the [`Floorplan`] of what they belong to, one behind the other. Across the light, two modes
/// are one pitch, so that the MZIs of a column are neighbours at distance 1; along the light, a step is one pitch.
#[derive(Debug, Clone, Default)]
pub struct Heaters {
    /// (position along the light, mode), one per heater.
    places: Vec<(usize, usize)>,
    next: usize,
}

impl Heaters {
    /// Appends the heaters of `mesh` with cells of `kind` behind what is there: its theta, its phi, its screen, its free
    /// shifters.
    pub fn push_mesh(&mut self, mesh: &Mesh, kind: CellKind) {
        self.push(&mesh.floorplan(kind));
    }

    /// Appends one heater on each of `modes` modes.
    pub fn push_bank(&mut self, modes: usize) {
        self.push(&Floorplan::bank(modes));
    }

    /// Appends the heaters of `plan`, in the order of their numbers.
    fn push(&mut self, plan: &Floorplan) {
        let first = self.places.len();
        self.places.resize(first + plan.shifters().count(), (0, 0));
        for shifter in plan.shifters() {
            // Heaters stand on whole steps.
            let steps = shifter.place.steps as usize;
            self.places[first + shifter.number] = (self.next + steps, shifter.mode);
        }
        self.next += plan.steps;
    }

    /// Number of heaters.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is no heater.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Of every heater the ones that its heat [reaches](Self::heat), and how many pitches away they are.
    pub(crate) fn neighbours(&self) -> Vec<Vec<(usize, f64)>> {
        let numbers: HashMap<(usize, usize), usize> =
            self.places.iter().copied().zip(0..).collect();
        let near = |(x, mode): &(usize, usize)| {
            let beyond =
                (-REACH..=REACH).flat_map(|dx| (-2 * REACH..=2 * REACH).map(move |dm| (dx, dm)));
            let found = beyond.filter_map(|(dx, dm)| {
                let distance = reached(dx, dm)?;
                let there = (
                    x.checked_add_signed(dx as isize)?,
                    mode.checked_add_signed(dm as isize)?,
                );
                Some((*numbers.get(&there)?, distance))
            });
            found.collect()
        };
        self.places.iter().map(near).collect()
    }

    /// The phases with the heat of their neighbours: `(1 + C) phases`, `C_ij = crosstalk^d_ij`, rad. Without crosstalk they
    /// are the phases themselves, and no places are needed.
    ///
    /// # Panics
    /// If there is crosstalk, and not one phase per heater.
    pub fn heat(&self, phases: &[f64], crosstalk: f64) -> Vec<f64> {
        if crosstalk == 0.0 {
            return phases.to_vec();
        }
        assert_eq!(phases.len(), self.len(), "one phase per heater");
        let pad = REACH as usize;
        let modes = self
            .places
            .iter()
            .map(|place| place.1 + 1)
            .max()
            .unwrap_or(0);
        // A dense grid with an empty rim: [position + pad][mode + 2 pad].
        let width = modes + 4 * pad;
        let mut grid = vec![0.0; (self.next + 2 * pad) * width];
        let cell = |(x, mode): (usize, usize)| (x + pad) * width + mode + 2 * pad;
        for (place, phase) in self.places.iter().zip(phases) {
            grid[cell(*place)] = *phase;
        }
        let taps = taps(crosstalk);
        self.places
            .iter()
            .zip(phases)
            .map(|(place, phase)| {
                let here = cell(*place) as isize;
                let heat: f64 = taps
                    .iter()
                    .map(|(dx, dm, share)| share * grid[(here + dx * width as isize + dm) as usize])
                    .sum();
                phase + heat
            })
            .collect()
    }

    /// The share of the phase of heater number `from` that reaches heater number `to`.
    ///
    /// # Panics
    /// If there is crosstalk, and no such heater.
    pub fn share(&self, from: usize, to: usize, crosstalk: f64) -> f64 {
        if crosstalk == 0.0 || from == to {
            return 0.0;
        }
        let [from, to] = [from, to].map(|heater| self.places[heater]);
        let away = |a: usize, b: usize| a.abs_diff(b) as f64;
        let distance = away(from.0, to.0).hypot(0.5 * away(from.1, to.1));
        match distance <= f64::from(REACH) {
            true => crosstalk.powf(distance),
            false => 0.0,
        }
    }

    /// The phases in [0, 2π) (up to 4π for strong crosstalk), rad, to be set so that with the heat of their neighbours they are `targets` modulo 2π:
    /// solves `(1 + C) phases = targets`. A heater cannot cool: what would be negative is set one turn higher.
    ///
    /// # Panics
    /// If there is not one target per heater.
    pub fn heated_to(&self, targets: &[f64], crosstalk: f64) -> Vec<f64> {
        if crosstalk == 0.0 {
            return targets.iter().map(|phase| phase.rem_euclid(TAU)).collect();
        }
        heated_to(targets, |phases| self.heat(phases, crosstalk))
    }
}

/// As [`Heaters::heated_to`], of any `heat` of which neighbours give less than a heater does itself.
pub(super) fn heated_to(targets: &[f64], heat: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    let mut wanted: Vec<f64> = targets.iter().map(|phase| phase.rem_euclid(TAU)).collect();
    let mut phases = wanted.clone();
    let mut turns = 0;
    // Jacobi's iteration: the sum of a row of C stays below 1.
    for _ in 0..MOST_STEPS {
        let heated = heat(&phases);
        let mut largest: f64 = 0.0;
        let mut turned = false;
        for ((phase, heated), wanted) in phases.iter_mut().zip(&heated).zip(&mut wanted) {
            let miss = *wanted - heated;
            *phase += miss;
            largest = largest.max(miss.abs());
            // A turn more, or a turn less where the neighbours' own turns have taken heat away.
            if *phase < 0.0 || (*phase >= TAU && turns < MOST_TURNS) {
                let turn = TAU.copysign(-*phase);
                *wanted += turn;
                *phase += turn;
                turned = true;
            }
        }
        turns += usize::from(turned);
        if largest < HEAT_MISS_RAD && !turned {
            break;
        }
    }
    phases
}

/// Steps in which heaters turn up or down by 2π. Some are enough unless crosstalk is some percent, where neighbours may
/// ask for turns of each other for ever: then heaters only turn up, and some end above 2π.
const MOST_TURNS: usize = 100;

/// What is left of crosstalk when it is solved for, rad.
const HEAT_MISS_RAD: f64 = 1e-13;

/// Steps after which rounding, not convergence, decides what is left.
const MOST_STEPS: usize = 4000;

/// The distance in pitches of what is so many positions and modes away, if heat reaches it.
fn reached(dx: i32, dm: i32) -> Option<f64> {
    let distance = f64::from(dx).hypot(0.5 * f64::from(dm));
    (distance > 0.0 && distance <= f64::from(REACH)).then_some(distance)
}

/// (positions, modes, share) of every neighbour in reach.
fn taps(crosstalk: f64) -> Vec<(isize, isize, f64)> {
    let mut taps = Vec::new();
    for dx in -REACH..=REACH {
        for dm in -2 * REACH..=2 * REACH {
            if let Some(distance) = reached(dx, dm) {
                taps.push((dx as isize, dm as isize, crosstalk.powf(distance)));
            }
        }
    }
    taps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesh::Geometry;
    use approx::assert_relative_eq;

    #[test]
    fn heat_falls_with_distance_and_adds_up() {
        let mesh = Mesh::bar(Geometry::Clements, 8).unwrap();
        let mut heaters = Heaters::default();
        heaters.push_mesh(&mesh, CellKind::Mzi);
        let node = |column, top| {
            let found = |n: &crate::mesh::Node| n.column == column && n.top == top;
            mesh.nodes().iter().position(found).unwrap()
        };
        let mut phases = vec![0.0; heaters.len()];
        phases[node(2, 2)] = 1.0; // a theta
        let k: f64 = 0.01;
        let heat = heaters.heat(&phases, k);
        let phi = mesh.nodes().len();
        assert_relative_eq!(heat[node(2, 2)], 1.0);
        assert_relative_eq!(heat[node(2, 4)], k); // the next MZI of the column
        assert_relative_eq!(heat[node(2, 6)], k * k, max_relative = 1e-12);
        assert_relative_eq!(heat[phi + node(2, 2)], k * k, max_relative = 1e-12); // its own phi
        assert_relative_eq!(heat[phi + node(3, 3)], k.powf(4.25f64.sqrt())); // next column
        assert_eq!(heat[node(3, 3)], 0.0); // 4 pitches away
        // Linear: twice the phases, twice the heat.
        let other = heaters.heat(&vec![0.3; heaters.len()], k);
        let double = heaters.heat(&vec![0.6; heaters.len()], k);
        for (a, b) in other.iter().zip(&double) {
            assert_relative_eq!(2.0 * a, b, max_relative = 1e-14);
        }
    }

    /// Harris et al., Nat. Photonics 11, 447 (2017): 1 % to the nearest neighbours.
    #[test]
    fn solving_for_crosstalk_leaves_less_than_1e_10_rad() {
        for kind in CellKind::ALL {
            for crosstalk in [0.01, 0.05, 0.1] {
                let mesh = Mesh::bar(Geometry::Clements, 9).unwrap();
                let mut heaters = Heaters::default();
                heaters.push_mesh(&mesh, kind);
                heaters.push_bank(9);
                let targets: Vec<f64> = (0..heaters.len())
                    .map(|k| 7.0 * (k as f64 * 1.7).sin().max(0.0))
                    .collect();
                let phases = heaters.heated_to(&targets, crosstalk);
                let out = phases.iter().filter(|phase| !(0.0..TAU).contains(*phase));
                assert!(out.count() == 0 || crosstalk > 0.01, "{kind} {crosstalk}");
                for (heated, target) in heaters.heat(&phases, crosstalk).iter().zip(&targets) {
                    let off = (heated - target).rem_euclid(TAU);
                    assert!(off.min(TAU - off) < 1e-10, "{kind} {crosstalk}: {off:e}");
                }
            }
        }
    }

    /// Along the light, in pitches: φ of column c at 4c, θ at 4c + 2, the screen of a mesh of D columns at 4D and 4D + 2 in turn,
    /// then a bank of attenuators, then the next mesh.
    #[test]
    fn heaters_stand_two_pitches_apart_along_the_light() {
        let mesh = Mesh::bar(Geometry::Clements, 5).unwrap();
        let mut heaters = Heaters::default();
        heaters.push_mesh(&mesh, CellKind::Mzi);
        heaters.push_bank(5);
        heaters.push_mesh(&mesh, CellKind::Mzi);
        let (cells, depth) = (mesh.nodes().len(), mesh.columns());
        let (first, rest) = heaters.places.split_at(2 * cells + 5);
        let (bank, second) = rest.split_at(5);
        let check = |places: &[(usize, usize)], start: usize| {
            for (index, node) in mesh.nodes().iter().enumerate() {
                let column = start + 4 * node.column;
                assert_eq!(places[index], (column + 2, node.top)); // θ
                assert_eq!(places[cells + index], (column, node.top)); // φ
            }
            for (mode, place) in places[2 * cells..].iter().enumerate() {
                assert_eq!(*place, (start + 4 * depth + 2 * (mode % 2), mode));
            }
        };
        check(first, 0);
        for (mode, place) in bank.iter().enumerate() {
            assert_eq!(*place, (4 * depth + 4 + 2 * (mode % 2), mode));
        }
        check(second, 4 * depth + 8);
    }

    #[test]
    fn no_two_heaters_share_a_place() {
        for kind in CellKind::ALL {
            for geometry in [Geometry::Clements, Geometry::Reck] {
                for modes in 2..12 {
                    let mut heaters = Heaters::default();
                    heaters.push_mesh(&Mesh::bar(geometry, modes).unwrap(), kind);
                    heaters.push_bank(modes);
                    heaters.push_mesh(&Mesh::bar(geometry, modes).unwrap(), kind);
                    let count = heaters.len();
                    heaters.places.sort_unstable();
                    heaters.places.dedup();
                    assert_eq!(heaters.places.len(), count, "{kind} {geometry} {modes}");
                }
            }
        }
    }
}
