//! Where the light of one input field is in a mesh.

use std::f64::consts::FRAC_1_SQRT_2;

use crate::error::{Error, Result};
use crate::linalg::C64;
use crate::mesh::{Mesh, Node};

/// Powers everywhere in a mesh, as a share of the input power.
pub(super) struct Light {
    /// `[column][mode]`, in front of every column and behind the last.
    pub columns: Vec<Vec<f64>>,
    /// Between the couplers of every node: top, bottom.
    pub arms: Vec<[f64; 2]>,
    /// The largest power in a waveguide or an MZI.
    pub most: f64,
}

impl Light {
    /// The powers of one input field, one amplitude per mode.
    pub fn new(mesh: &Mesh, input: &[C64]) -> Result<Self> {
        if input.len() != mesh.modes() {
            let limit = format!("[{}], one amplitude per mode", mesh.modes());
            return Err(Error::shape("input", [input.len()], limit));
        }
        let total: f64 = input.iter().map(|a| a.norm_sqr()).sum();
        if !(total.is_finite() && total > 0.0) {
            return Err(Error::value(
                "power of the input",
                total,
                "above 0 and finite",
            ));
        }
        let scale = total.sqrt().recip();
        let field: Vec<C64> = input.iter().map(|a| a * scale).collect();
        let coefficients = mesh.coefficients();
        let columns = coefficients.powers(&field);
        let mut arms = Vec::with_capacity(mesh.nodes().len());
        coefficients.visit(&field, |index, field| {
            let (node, phi) = (mesh.nodes()[index], mesh.phi()[index]);
            let (x, y) = (field[node.top], field[node.bottom]);
            let (shifted, i) = (x * C64::from_polar(FRAC_1_SQRT_2, phi), C64::i());
            let y_half = y * FRAC_1_SQRT_2;
            arms.push([
                (shifted + i * y_half).norm_sqr(),
                (i * shifted + y_half).norm_sqr(),
            ]);
        });
        let mut light = Self {
            columns,
            arms,
            most: 0.0,
        };
        let passing = mesh.nodes().iter().map(|node| light.passing(node));
        let all = light.columns.iter().flatten().copied().chain(passing);
        light.most = all.fold(0.0, f64::max);
        Ok(light)
    }

    /// The power that passes an MZI.
    pub fn passing(&self, node: &Node) -> f64 {
        let column = &self.columns[node.column];
        column[node.top] + column[node.bottom]
    }

    /// Field amplitude relative to the largest, in [0, 1]: what the eye should see grow evenly.
    pub fn level(&self, power: f64) -> f64 {
        (power / self.most).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mesh::Geometry;
    use crate::rng::{Effect, Seed};

    fn haar(geometry: Geometry, modes: usize) -> Mesh {
        let mut stream = Seed(4).stream(Effect::Haar, 0, modes as u64, 0);
        Mesh::haar(geometry, modes, &mut stream).unwrap()
    }

    /// Light between the couplers: half on each arm for light from one side, and as much as enters the MZI.
    #[test]
    fn drawn_powers_are_conserved_between_the_couplers_and_behind_every_column() {
        for mesh in [haar(Geometry::Clements, 7), haar(Geometry::Reck, 6)] {
            let field: Vec<C64> = (0..mesh.modes())
                .map(|mode| C64::from_polar(1.0 + mode as f64, 0.3 * mode as f64))
                .collect();
            let light = Light::new(&mesh, &field).unwrap();
            for powers in &light.columns {
                assert!((powers.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            }
            for (node, arms) in mesh.nodes().iter().zip(&light.arms) {
                assert!((arms[0] + arms[1] - light.passing(node)).abs() < 1e-12);
            }
        }
        let one_sided = Light::new(
            &haar(Geometry::Clements, 2),
            &[C64::from(3.0), C64::default()],
        );
        assert!((one_sided.unwrap().arms[0][0] - 0.5).abs() < 1e-15);
    }
}
