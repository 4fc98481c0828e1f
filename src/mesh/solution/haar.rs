//! Haar-random meshes.

use std::f64::consts::{PI, TAU};

use crate::error::{Error, Result};
use crate::mesh::{Geometry, Mesh, Node};
use crate::rng::Stream;

impl Mesh {
    /// A mesh of `geometry` whose transfer matrix is Haar-random, drawn phase by phase.
    ///
    /// An MZI of rank k has density ∝ sin(θ/2) cos^{2k−1}(θ/2) on [0, π], so θ = π − 2 asin(u^{1/2k}) with
    /// uniform u; φ and the screen are uniform. Costs O(N²), where drawing a unitary costs O(N³).
    ///
    /// # Errors
    /// [`Error::Value`] if `modes` is 0, or the geometry is neither `clements` nor `reck`: the others have
    /// more phases than a unitary, or fewer.
    ///
    /// Russell et al., New J. Phys. 19, 033007 (2017); Pai et al., Phys. Rev. Applied 11, 064044 (2019).
    pub fn haar(geometry: Geometry, modes: usize, stream: &mut Stream) -> Result<Self> {
        if !matches!(geometry, Geometry::Clements | Geometry::Reck) {
            let limit = "clements or reck for a Haar-random mesh";
            return Err(Error::value("geometry", geometry, limit));
        }
        let mut mesh = Self::bar(geometry, modes)?;
        for (theta, rank) in mesh.phases.theta.iter_mut().zip(ranks(modes, &mesh.nodes)) {
            let u = stream.uniform();
            *theta = PI - 2.0 * u.powf(0.5 / rank as f64).asin();
        }
        for phase in mesh.phases.phi.iter_mut().chain(&mut mesh.phases.screen) {
            *phase = TAU * stream.uniform();
        }
        Ok(mesh)
    }
}

/// The rank of every node of a universal mesh: (inputs that reach it) + (outputs that it reaches) − N − 1.
fn ranks(modes: usize, nodes: &[Node]) -> Vec<usize> {
    let inputs = cone_sizes(modes, nodes.iter());
    let mut outputs = cone_sizes(modes, nodes.iter().rev());
    outputs.reverse();
    inputs
        .iter()
        .zip(outputs)
        .map(|(i, o)| i + o - modes - 1)
        .collect()
}

/// How many of the first modes light in each node can come from; in a mesh of neighbours they are an interval.
fn cone_sizes<'a>(modes: usize, nodes: impl Iterator<Item = &'a Node>) -> Vec<usize> {
    let mut cones: Vec<(usize, usize)> = (0..modes).map(|mode| (mode, mode)).collect();
    nodes
        .map(|node| {
            let (a, b) = (cones[node.top], cones[node.bottom]);
            let cone = (a.0.min(b.0), a.1.max(b.1));
            cones[node.top] = cone;
            cones[node.bottom] = cone;
            cone.1 - cone.0 + 1
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::compare::value;
    use crate::linalg::haar_unitary;
    use crate::mesh::decompose;
    use crate::rng::{Effect, Seed};

    /// cos²(θ/2) of rank k is Beta(k, 1): mean k/(k + 1), variance k/((k + 1)²(k + 2)), both for drawn meshes
    /// and for decomposed Haar unitaries.
    #[test]
    fn haar_meshes_and_decomposed_haar_unitaries_have_the_same_angles() {
        let (n, draws) = (6, 1500);
        for (unit, geometry) in [(0, Geometry::Clements), (1, Geometry::Reck)] {
            let nodes = geometry.nodes(n);
            let ranks = ranks(n, &nodes);
            let mut sums = vec![[0.0; 2]; nodes.len()];
            for trial in 0..draws {
                let mut stream = Seed(11).stream(Effect::Haar, trial, unit, 0);
                let drawn = Mesh::haar(geometry, n, &mut stream).unwrap();
                let solved = decompose(&haar_unitary(n, &mut stream), geometry).unwrap();
                for (which, mesh) in [drawn, solved].iter().enumerate() {
                    for (sum, theta) in sums.iter_mut().zip(&mesh.phases.theta) {
                        sum[which] += (theta / 2.0).cos().powi(2) / draws as f64;
                    }
                }
            }
            for ((sum, rank), node) in sums.iter().zip(&ranks).zip(&nodes) {
                let k = *rank as f64;
                let spread = (k / ((k + 1.0).powi(2) * (k + 2.0)) / draws as f64).sqrt();
                for mean in sum {
                    let off = (mean - k / (k + 1.0)).abs();
                    assert!(off < 5.0 * spread, "{geometry} {node:?} rank {k}: {mean}");
                }
            }
        }
    }

    #[test]
    fn only_the_smallest_universal_meshes_have_a_haar_measure() {
        for name in ["diamond", "butterfly", "clements+2"] {
            let mut stream = Seed(0).stream(Effect::Haar, 0, 0, 0);
            let error = Mesh::haar(name.parse().unwrap(), 4, &mut stream).unwrap_err();
            assert_eq!(error.refusal(), value("geometry", name));
        }
    }
}
