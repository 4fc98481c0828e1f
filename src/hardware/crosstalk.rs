//! Thermal crosstalk: heat that reaches the neighbours of a heater.

use crate::mesh::Mesh;

/// Coupling beyond this distance (in pitches) is left out; `0.1³` is the largest share that this drops.
const REACH: i32 = 3;

/// Pitches between successive heaters of a path.
const PITCHES: usize = 2;

/// Where the heaters of a tile stand on the chip.
///
/// Across the light, two modes are one pitch, so that the MZIs of a column are neighbours at distance 1. Along
/// the light, where a heater and a coupler must fit in between, two pitches separate φ from θ and θ from the
/// next column's φ. Shifters that stand on every mode (screens, attenuators) are staggered over two places.
#[derive(Debug, Clone, Default)]
pub struct Heaters {
    /// (position along the light, mode), one per heater.
    places: Vec<(usize, usize)>,
    next: usize,
}

impl Heaters {
    /// Appends the heaters of `mesh` behind what is there: its theta, its phi, its screen.
    pub fn push_mesh(&mut self, mesh: &Mesh) {
        let start = self.next;
        let nodes = mesh.nodes();
        let place = |offset| {
            nodes
                .iter()
                .map(move |node| (start + 2 * PITCHES * node.column + offset, node.top))
        };
        self.places.extend(place(PITCHES));
        self.places.extend(place(0));
        self.next += 2 * PITCHES * mesh.columns();
        self.push_bank(mesh.modes());
    }

    /// Appends one heater on each of `modes` modes.
    pub fn push_bank(&mut self, modes: usize) {
        let start = self.next;
        self.places
            .extend((0..modes).map(|mode| (start + PITCHES * (mode % 2), mode)));
        self.next += 2 * PITCHES;
    }

    /// Number of heaters.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is no heater.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The phases with the heat of their neighbours: `(1 + C) phases`, `C_ij = crosstalk^d_ij`, rad.
    ///
    /// # Panics
    /// If there is not one phase per heater.
    pub fn heat(&self, phases: &[f64], crosstalk: f64) -> Vec<f64> {
        assert_eq!(phases.len(), self.len(), "one phase per heater");
        if crosstalk == 0.0 {
            return phases.to_vec();
        }
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
}

/// (positions, modes, share) of every neighbour in reach.
fn taps(crosstalk: f64) -> Vec<(isize, isize, f64)> {
    let mut taps = Vec::new();
    for dx in -REACH..=REACH {
        for dm in -2 * REACH..=2 * REACH {
            let distance = f64::from(dx).hypot(0.5 * f64::from(dm));
            if distance > 0.0 && distance <= f64::from(REACH) {
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
        heaters.push_mesh(&mesh);
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
}
