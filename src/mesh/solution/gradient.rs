//! How a loss changes with every phase of a mesh: one walk forwards, one back.
//!
//! Every cell's 2×2 is affine in e^{iθ} and in e^{iφ}, so ∂M/∂θ = i (M(θ) − M(θ + π))/2, and so for φ: nothing
//! is assumed about couplers or loss. The fields in front of every MZI are kept, none is won back by an
//! inverse, so lossy meshes are differentiated as exactly as lossless ones.
//!
//! Hughes, Minkov, Shi, Fan, Optica 5, 864 (2018) do the same in the chip; Pai et al., Phys. Rev. Applied 11,
//! 064044 (2019), in a computer.

use std::f64::consts::PI;

use crate::field::{Fields, TwoByTwo};
use crate::linalg::C64;
use crate::mesh::{Mesh, Mzi, Node, Nodes, Phases};

/// A batch of fields on its way through a mesh, with what a gradient needs of it.
///
/// Keeps two amplitudes per MZI and sample, 32 bytes.
///
/// ```
/// use lightloom::field::Fields;
/// use lightloom::mesh::{Geometry, Mesh, Mzi, Trace};
///
/// // L = |y₀|², the power at output 0 of one MZI with light in its upper arm: sin²(θ/2).
/// let mesh = Mesh::new(2, Geometry::Clements.nodes(2), vec![1.0], vec![0.3], vec![0.0; 2])?;
/// let mzi = |node: usize| Mzi::ideal(mesh.theta()[node], mesh.phi()[node]);
/// let trace = Trace::new(&mesh, mzi, Fields::basis(2, 1));
/// let mut adjoint = trace.outputs().clone(); // ∂L/∂Re y₀ = 2 Re y₀, and so for Im
/// adjoint.scale_modes(&[2.0.into(), 0.0.into()]);
/// let gradient = trace.gradient(adjoint);
/// assert!((gradient.phases.theta[0] - 0.5f64.sin() * 0.5f64.cos()).abs() < 1e-15);
/// # Ok::<(), lightloom::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Trace {
    nodes: Nodes,
    mzis: Vec<Mzi>,
    screen: Vec<C64>,
    /// In front of every MZI: real and imaginary part at the top, then at the bottom, `[sample]` each.
    arms: Vec<f64>,
    outputs: Fields<f64>,
}

/// The derivatives of a real loss L.
#[derive(Debug, Clone, PartialEq)]
pub struct Gradient {
    /// By the phases: ∂L/∂θ, ∂L/∂φ and ∂L/∂screen, per rad; of free shifters none.
    pub phases: Phases,
    /// The adjoint at the inputs, ∂L/∂Re x + i ∂L/∂Im x, `[mode, sample]`.
    pub inputs: Fields<f64>,
}

impl Trace {
    /// Sends `inputs`, `[mode, sample]`, through `mesh`'s layout and screen with the MZI that `mzi` says for
    /// each node, phases included.
    ///
    /// # Panics
    /// If `inputs` has another number of modes.
    pub fn new(mesh: &Mesh, mzi: impl Fn(usize) -> Mzi, inputs: Fields<f64>) -> Self {
        assert_eq!(inputs.modes(), mesh.modes, "one input per waveguide");
        let samples = inputs.samples();
        let mzis: Vec<Mzi> = (0..mesh.nodes.len()).map(mzi).collect();
        let mut arms = Vec::with_capacity(4 * samples * mzis.len());
        let mut fields = inputs;
        for (node, mzi) in mesh.nodes.iter().zip(&mzis) {
            for mode in [node.top, node.bottom] {
                arms.extend(fields.re.row(mode));
                arms.extend(fields.im.row(mode));
            }
            mix(&mut fields, node, mzi.matrix());
        }
        let screen: Vec<C64> = mesh
            .phases
            .screen
            .iter()
            .map(|s| C64::from_polar(1.0, *s))
            .collect();
        fields.scale_modes(&screen);
        Self {
            nodes: mesh.nodes.clone(),
            mzis,
            screen,
            arms,
            outputs: fields,
        }
    }

    /// The fields behind the mesh, `[mode, sample]`.
    pub fn outputs(&self) -> &Fields<f64> {
        &self.outputs
    }

    /// The gradient of a real loss L whose adjoint at the outputs, ∂L/∂Re y + i ∂L/∂Im y, is `adjoint`,
    /// `[mode, sample]`: then dL = Re Σ conj(adjoint) dy.
    ///
    /// # Panics
    /// If `adjoint` has another shape than the outputs.
    pub fn gradient(&self, mut adjoint: Fields<f64>) -> Gradient {
        let shape = self.outputs.re.dim();
        assert_eq!(adjoint.re.dim(), shape, "one adjoint per output");
        // y = e^{is} z: ∂y/∂s = i y.
        let screen = (0..shape.0)
            .map(|mode| {
                let re = adjoint.re.row(mode).dot(&self.outputs.im.row(mode));
                adjoint.im.row(mode).dot(&self.outputs.re.row(mode)) - re
            })
            .collect();
        let conjugate: Vec<C64> = self.screen.iter().map(|factor| factor.conj()).collect();
        adjoint.scale_modes(&conjugate);
        let count = self.nodes.len();
        let (mut theta, mut phi) = (vec![0.0; count], vec![0.0; count]);
        for (index, (node, mzi)) in self.nodes.iter().zip(&self.mzis).enumerate().rev() {
            let size = 4 * shape.1;
            let arms = &self.arms[index * size..(index + 1) * size];
            let overlaps = overlaps(&adjoint, node, arms);
            let along = |derivative: TwoByTwo| -> f64 {
                let products = derivative.iter().zip(&overlaps);
                products.map(|(m, o)| m.re * o.re - m.im * o.im).sum()
            };
            let here = mzi.matrix();
            let half_turn = |mzi: Mzi| {
                let there = mzi.matrix();
                std::array::from_fn(|k| C64::i() * (here[k] - there[k]) * 0.5)
            };
            theta[index] = along(half_turn(Mzi {
                theta: mzi.theta + PI,
                ..*mzi
            }));
            phi[index] = along(half_turn(Mzi {
                phi: mzi.phi + PI,
                ..*mzi
            }));
            let [a, b, c, d] = here.map(|z| z.conj());
            mix(&mut adjoint, node, [a, c, b, d]);
        }
        Gradient {
            phases: Phases {
                theta,
                phi,
                screen,
                free: Vec::new(),
            },
            inputs: adjoint,
        }
    }
}

/// Σ over samples of conj(adjoint of output i) · input j, in the order of a 2×2.
fn overlaps(adjoint: &Fields<f64>, node: &Node, arms: &[f64]) -> TwoByTwo {
    let samples = adjoint.samples();
    let arm = |k: usize| &arms[k * samples..(k + 1) * samples];
    let overlap = |output: usize, input: usize| {
        let (re, im) = (adjoint.re.row(output), adjoint.im.row(output));
        let (x, y) = (arm(2 * input), arm(2 * input + 1));
        let mut sum = C64::ZERO;
        for k in 0..samples {
            sum.re += re[k] * x[k] + im[k] * y[k];
            sum.im += re[k] * y[k] - im[k] * x[k];
        }
        sum
    };
    [
        overlap(node.top, 0),
        overlap(node.top, 1),
        overlap(node.bottom, 0),
        overlap(node.bottom, 1),
    ]
}

/// The plain 2×2 on the modes of `node`, of a whole batch: [`mix`](crate::mesh::mix) for planar samples.
fn mix(fields: &mut Fields<f64>, node: &Node, [a, b, c, d]: TwoByTwo) {
    let samples = fields.samples();
    let standard = "fields are stored in standard layout";
    let rows =
        |node: &Node| [node.top, node.bottom].map(|mode| mode * samples..(mode + 1) * samples);
    let different = "an MZI joins two different modes of the mesh";
    let re = fields.re.as_slice_mut().expect(standard);
    let [xr, yr] = re.get_disjoint_mut(rows(node)).expect(different);
    let im = fields.im.as_slice_mut().expect(standard);
    let [xi, yi] = im.get_disjoint_mut(rows(node)).expect(different);
    for k in 0..samples {
        let (p, q, r, s) = (xr[k], xi[k], yr[k], yi[k]);
        xr[k] = a.re * p - a.im * q + b.re * r - b.im * s;
        xi[k] = a.re * q + a.im * p + b.re * s + b.im * r;
        yr[k] = c.re * p - c.im * q + d.re * r - d.im * s;
        yi[k] = c.re * q + c.im * p + d.re * s + d.im * r;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::max_abs_difference;
    use crate::mesh::{CellKind, Cells, Coefficients, Geometry};
    use crate::rng::{Effect, Seed};
    use ndarray::Array2;

    const SAMPLES: usize = 3;

    /// A mesh of random phases and its faulty, lossy cells.
    fn faulty(geometry: Geometry, modes: usize, kind: CellKind) -> (Mesh, Vec<Mzi>) {
        let mut stream = Seed(21).stream(Effect::Haar, modes as u64, 0, 0);
        let mut mesh = Mesh::bar(geometry, modes).unwrap();
        for phase in mesh
            .phases
            .theta
            .iter_mut()
            .chain(&mut mesh.phases.phi)
            .chain(&mut mesh.phases.screen)
        {
            *phase = 6.0 * stream.uniform();
        }
        let mzis = (0..mesh.nodes.len()).map(|_| Mzi {
            kind,
            gamma: 0.1 * stream.standard_normal(),
            alpha: 0.1 * stream.standard_normal(),
            beta: 0.1 * stream.standard_normal(),
            amplitude: 0.7 + 0.3 * stream.uniform(),
            theta_arm: 0.8 + 0.2 * stream.uniform(),
            phi_arm: 0.8 + 0.2 * stream.uniform(),
            ..Mzi::ideal(0.0, 0.0)
        });
        let mzis = mzis.collect();
        (mesh, mzis)
    }

    fn with_phases<'a>(mesh: &'a Mesh, mzis: &'a [Mzi]) -> impl Fn(usize) -> Mzi + 'a {
        |node| Mzi {
            theta: mesh.phases.theta[node],
            phi: mesh.phases.phi[node],
            ..mzis[node]
        }
    }

    fn random_fields(modes: usize, unit: u64) -> Fields<f64> {
        let mut stream = Seed(22).stream(Effect::Haar, 0, unit, 0);
        let mut part = || Array2::from_shape_fn((modes, SAMPLES), |_| stream.standard_normal());
        Fields {
            re: part(),
            im: part(),
        }
    }

    /// L = Σ w |y|⁴ + Re(v* y), which is neither linear nor blind to phases.
    fn loss(outputs: &Fields<f64>, v: &Fields<f64>) -> f64 {
        let places = outputs.re.indexed_iter().enumerate();
        let terms = places.map(|(k, (at, x))| {
            let y = outputs.im[at];
            let linear = x * v.re[at] + y * v.im[at];
            (1.0 + k as f64 / 7.0) * (x * x + y * y).powi(2) + linear
        });
        terms.sum()
    }

    fn adjoint(outputs: &Fields<f64>, v: &Fields<f64>) -> Fields<f64> {
        let mut adjoint = v.clone();
        for (k, (re, im)) in adjoint.re.iter_mut().zip(adjoint.im.iter_mut()).enumerate() {
            let at = (k / SAMPLES, k % SAMPLES);
            let (x, y) = (outputs.re[at], outputs.im[at]);
            let slope = 4.0 * (1.0 + k as f64 / 7.0) * (x * x + y * y);
            *re += slope * x;
            *im += slope * y;
        }
        adjoint
    }

    #[test]
    fn a_trace_ends_where_the_walk_ends() {
        let (mesh, mut mzis) = faulty(Geometry::Reck, 5, CellKind::Mzi);
        for mzi in &mut mzis {
            (mzi.theta_arm, mzi.phi_arm) = (0.9, 0.8);
        }
        let trace = Trace::new(&mesh, with_phases(&mesh, &mzis), Fields::basis(5, 5));
        let u = Coefficients::of(&mesh, Cells::from(&mzis[..]), mesh.phases()).transfer();
        let y = trace.outputs();
        let got = crate::linalg::Matrix::from_fn(5, 5, |r, c| C64::new(y.re[[r, c]], y.im[[r, c]]));
        assert!(max_abs_difference(&got, &u) < 1e-14);
    }

    /// Central differences with step h miss by h²/6 of the third derivative: 1e-8 at h = 1e-4 here.
    #[test]
    fn gradients_of_faulty_and_lossy_meshes_equal_central_differences() {
        const STEP: f64 = 1e-4;
        for (geometry, modes, kind) in [
            (Geometry::Clements, 5, CellKind::Mzi),
            (Geometry::Clements, 4, CellKind::ThreeSplitter),
            (Geometry::Reck, 4, CellKind::Crossing),
            (Geometry::Butterfly, 8, CellKind::Mzi),
            (Geometry::Butterfly, 4, CellKind::Symmetric),
            (Geometry::Diamond, 4, CellKind::Mzi),
        ] {
            let (mesh, mzis) = faulty(geometry, modes, kind);
            let (x, v) = (random_fields(mesh.modes, 0), random_fields(mesh.modes, 1));
            let trace = |mesh: &Mesh, x: &Fields<f64>| {
                Trace::new(mesh, with_phases(mesh, &mzis), x.clone())
            };
            let here = trace(&mesh, &x);
            let gradient = here.gradient(adjoint(here.outputs(), &v));
            let check =
                |what: &str, got: f64, change: &dyn Fn(&mut Mesh, &mut Fields<f64>, f64)| {
                    let at = |step: f64| {
                        let (mut mesh, mut x) = (mesh.clone(), x.clone());
                        change(&mut mesh, &mut x, step);
                        loss(trace(&mesh, &x).outputs(), &v)
                    };
                    let expected = (at(STEP) - at(-STEP)) / (2.0 * STEP);
                    let bound = 1e-6 * (1.0 + expected.abs());
                    assert!(
                        (got - expected).abs() < bound,
                        "{geometry} {what}: {got} {expected}"
                    );
                };
            for node in 0..mesh.nodes.len() {
                check("theta", gradient.phases.theta[node], &|mesh, _, h| {
                    mesh.phases.theta[node] += h
                });
                check("phi", gradient.phases.phi[node], &|mesh, _, h| {
                    mesh.phases.phi[node] += h
                });
            }
            for mode in 0..mesh.modes {
                check("screen", gradient.phases.screen[mode], &|mesh, _, h| {
                    mesh.phases.screen[mode] += h
                });
                for sample in 0..SAMPLES {
                    let at = [mode, sample];
                    check("re x", gradient.inputs.re[at], &|_, x, h| x.re[at] += h);
                    check("im x", gradient.inputs.im[at], &|_, x, h| x.im[at] += h);
                }
            }
        }
    }
}
