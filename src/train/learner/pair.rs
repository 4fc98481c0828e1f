//! Two meshes whose phases are trained.

use std::f64::consts::{PI, TAU};

use crate::compile::{Array, Meshes, Tile, attenuator_phase};
use crate::field::Fields;
use crate::mesh::{Geometry, Mesh, Phases};
use crate::rng::Stream;

/// `A · U diag(sin θ/2) V†`: two meshes, the attenuators between them, and a common gain `A`.
#[derive(Debug, Clone)]
pub struct MeshPair {
    /// Mesh of V†.
    pub input: Mesh,
    /// Internal phases of the attenuators, rad.
    pub attenuators: Vec<f64>,
    /// Mesh of U; its first outputs are read.
    pub output: Mesh,
    /// The common gain `A`.
    pub gain: f64,
    /// Number of outputs that are read.
    pub rows: usize,
}

/// A butterfly with internal phases asin u and other phases 2π u, u uniform in [0, 1).
///
/// The start that the code of Fang et al., Opt. Express 27, 14009 (2019), gives its FFTNet.
fn random_mesh(modes: usize, stream: &mut Stream) -> Mesh {
    let mesh = Mesh::bar(Geometry::Butterfly, modes).expect("a butterfly has 2^p modes");
    let mut phases = mesh.phases().clone();
    for theta in &mut phases.theta {
        *theta = stream.uniform().asin();
    }
    for phase in phases.phi.iter_mut().chain(&mut phases.screen) {
        *phase = TAU * stream.uniform();
    }
    mesh.with_phases(phases).expect("drawn phases are finite")
}

/// Gives `mesh` these phases, in the order of [`Phases::flat`].
fn set(mesh: &mut Mesh, phases: &[f64]) {
    let phases = Phases::from_flat(phases.to_vec(), mesh);
    *mesh = mesh
        .with_phases(phases)
        .expect("training keeps phases finite");
}

impl MeshPair {
    /// Butterflies of random phases with `inputs` inputs, a power of two; the first `rows` outputs are read.
    ///
    /// # Panics
    /// If `inputs` is no power of two.
    pub fn butterflies(inputs: usize, rows: usize, gain: f64, stream: &mut Stream) -> Self {
        let outputs = rows.next_power_of_two();
        Self {
            input: random_mesh(inputs, stream),
            attenuators: (0..inputs.min(outputs))
                .map(|_| stream.uniform().asin())
                .collect(),
            output: random_mesh(outputs, stream),
            gain,
            rows,
        }
    }

    /// The pair as a tile of a program, whose attenuators are MZIs: the screen in front of them undoes their phases.
    pub fn tile(&self) -> Tile {
        let mut ahead = self.input.phases().clone();
        for (screen, theta) in ahead.screen.iter_mut().zip(&self.attenuators) {
            *screen -= attenuator_phase(*theta);
        }
        let mut behind = self.output.phases().clone();
        if self.gain < 0.0 {
            behind.screen.iter_mut().for_each(|phase| *phase += PI);
        }
        let with = |mesh: &Mesh, phases| mesh.with_phases(phases).expect("phases stay finite");
        Tile {
            row: 0,
            col: 0,
            rows: self.rows,
            cols: self.input.ports(),
            scale: self.gain.abs(),
            row_scales: None,
            array: Array::Meshes(Box::new(Meshes {
                input: with(&self.input, ahead),
                attenuators: self.attenuators.clone(),
                output: with(&self.output, behind),
            })),
        }
    }

    /// The fields behind the attenuators, from those in front of them.
    fn attenuate(&self, front: &Fields<f64>) -> Fields<f64> {
        let mut behind = Fields::zeros(self.output.modes(), front.samples());
        for (mode, theta) in self.attenuators.iter().enumerate() {
            let passed = self.gain * (theta / 2.0).sin();
            let (re, im) = (front.re.row(mode), front.im.row(mode));
            behind.re.row_mut(mode).scaled_add(passed, &re);
            behind.im.row_mut(mode).scaled_add(passed, &im);
        }
        behind
    }

    pub(super) fn forward(&self, x: &Fields<f64>) -> Fields<f64> {
        let mut fields = x.clone();
        self.input.coefficients().walk(&mut fields);
        fields = self.attenuate(&fields);
        self.output.coefficients().walk(&mut fields);
        fields.crop(self.rows, x.samples())
    }

    /// Everything that is trained, in one order: mesh, attenuators, gain, mesh.
    pub(super) fn parameters(&self) -> Vec<f64> {
        let [input, output] = [&self.input, &self.output].map(|mesh| mesh.phases().flat());
        [&input[..], &self.attenuators, &[self.gain], &output].concat()
    }

    pub(super) fn set_parameters(&mut self, values: &[f64]) {
        let (input, rest) = values.split_at(self.input.phase_shifters());
        let (attenuators, rest) = rest.split_at(self.attenuators.len());
        set(&mut self.input, input);
        self.attenuators.copy_from_slice(attenuators);
        self.gain = rest[0];
        set(&mut self.output, &rest[1..]);
    }

    /// Gradients by the parameters and by the inputs, from those by the outputs.
    pub(super) fn backward(&self, x: &Fields<f64>, g: &Fields<f64>) -> (Vec<f64>, Fields<f64>) {
        let [input, output] = [&self.input, &self.output].map(Mesh::coefficients);
        let mut front = x.clone();
        input.walk(&mut front);
        let between = self.attenuate(&front);
        let mut by_outputs = Fields::zeros(self.output.modes(), x.samples());
        for row in 0..self.rows {
            by_outputs.re.row_mut(row).assign(&g.re.row(row));
            by_outputs.im.row_mut(row).assign(&g.im.row(row));
        }
        let behind = output.gradient(&between, by_outputs);
        let mut by_front = Fields::zeros(self.input.modes(), x.samples());
        let (mut by_attenuators, mut by_gain) = (Vec::new(), 0.0);
        for (mode, theta) in self.attenuators.iter().enumerate() {
            let (s, c) = (theta / 2.0).sin_cos();
            let (re, im) = (behind.inputs.re.row(mode), behind.inputs.im.row(mode));
            by_front.re.row_mut(mode).scaled_add(self.gain * s, &re);
            by_front.im.row_mut(mode).scaled_add(self.gain * s, &im);
            let overlap = front.re.row(mode).dot(&re) + front.im.row(mode).dot(&im);
            by_attenuators.push(0.5 * self.gain * c * overlap);
            by_gain += s * overlap;
        }
        let ahead = input.gradient(x, by_front);
        let by_parameters = [
            ahead.phases.flat(),
            by_attenuators,
            vec![by_gain],
            behind.phases.flat(),
        ];
        (by_parameters.concat(), ahead.inputs)
    }
}
