//! How readings follow from the parameters, to first order.

use super::light::{Pass, Rows};
use super::model::Model;
use super::parameters::Parameters;
use crate::field::TwoByTwo;
use crate::linalg::C64;

/// What receivers read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Powers,
    /// Real parts of all fields, then imaginary parts.
    Fields,
}

impl Kind {
    /// Readings of one setting with so many ports: `[output][input]`, of fields twice.
    pub(super) fn readings(self, ports: usize) -> usize {
        match self {
            Self::Powers => ports * ports,
            Self::Fields => 2 * ports * ports,
        }
    }

    /// What is read of a pass of light.
    pub(super) fn read(self, pass: &Pass) -> Vec<f64> {
        let ports = pass.out.samples;
        let mut readings = vec![0.0; self.readings(ports)];
        for output in 0..ports {
            let (re, im) = pass.out.mode(output);
            for input in 0..ports {
                let at = output * ports + input;
                match self {
                    Self::Powers => readings[at] = re[input].powi(2) + im[input].powi(2),
                    Self::Fields => {
                        readings[at] = re[input];
                        readings[ports * ports + at] = im[input];
                    }
                }
            }
        }
        readings
    }
}

/// Derivatives of the readings of one setting by all parameters: column by column, `[parameter][reading]`.
#[derive(Debug, Clone)]
pub(super) struct Jacobian {
    pub(super) rows: usize,
    pub(super) values: Vec<f64>,
}

impl Jacobian {
    pub(super) fn column(&self, column: usize) -> &[f64] {
        &self.values[column * self.rows..(column + 1) * self.rows]
    }

    pub(super) fn column_mut(&mut self, column: usize) -> &mut [f64] {
        &mut self.values[column * self.rows..(column + 1) * self.rows]
    }

    /// That of a `pass` through `model`, whose heaters are `asked`.
    ///
    /// U = L T R around every cell: dU = L dT R, and a power changes by 2 Re U* dU.
    pub(super) fn new(
        model: &Model,
        of: &Parameters,
        asked: &[f64],
        pass: &Pass,
        kind: Kind,
    ) -> Self {
        let (sizes, ports) = (model.sizes, model.ports);
        let rows = kind.readings(ports);
        let mut jacobian = Self {
            rows,
            values: vec![0.0; rows * sizes.all()],
        };
        let offsets = sizes.offsets().start;
        // Rows of L by the mode that they come from: how what is on a mode here reaches each output.
        let mut left = Rows::units(model.mesh.modes(), ports);
        for (output, factor) in pass.screen.iter().enumerate().take(ports) {
            left.scale(output, *factor);
        }
        if kind == Kind::Fields {
            jacobian.by_screen(model, pass);
        }
        for (index, node) in model.mesh.nodes().iter().enumerate().rev() {
            let element = &pass.elements[index];
            let arms = [node.top, node.bottom].map(|mode| weighted(&left, mode, pass, kind));
            let entering = pass.entering_cell(index);
            for (heater, slope) in element.by_phases(index, sizes.cells) {
                jacobian.fill(offsets + heater, &arms, &behind(&slope, entering), kind);
            }
            let silicon = element.by_silicon();
            let (loss, couplers) = silicon.split_last().expect("every cell can lose light");
            for (coupler, slope) in couplers.iter().enumerate() {
                let column = sizes.coupler(coupler).start + index;
                jacobian.fill(column, &arms, &behind(slope, entering), kind);
            }
            let column = sizes.loss().start + index;
            jacobian.fill(column, &arms, &behind(loss, entering), kind);
            let [a, b, c, d] = pass.matrices[index];
            left.mix(node.top, node.bottom, &[a, c, b, d]);
        }
        jacobian.by_heaters(model, of, asked);
        jacobian
    }

    fn by_screen(&mut self, model: &Model, pass: &Pass) {
        let ports = model.ports;
        let first = model.sizes.offsets().start + 2 * model.sizes.cells;
        for output in 0..ports {
            let (re, im) = pass.out.mode(output);
            let column = self.column_mut(first + output);
            for input in 0..ports {
                let at = output * ports + input;
                column[at] = -im[input];
                column[ports * ports + at] = re[input];
            }
        }
    }

    /// One column from what both arms behind a cell do to the readings, and the change of light there.
    fn fill(&mut self, column: usize, arms: &[Rows; 2], change: &[f64], kind: Kind) {
        let ports = arms[0].samples;
        let (x, change) = change.split_at(2 * ports);
        let ((xr, xi), (yr, yi)) = (x.split_at(ports), change.split_at(ports));
        let column = self.column_mut(column);
        let (real, imaginary) = column.split_at_mut(ports * ports);
        for (output, real) in real.chunks_exact_mut(ports).enumerate() {
            let ((ar, ai), (br, bi)) = (arms[0].mode(output), arms[1].mode(output));
            for (k, value) in real.iter_mut().enumerate() {
                *value = ar[k] * xr[k] - ai[k] * xi[k] + br[k] * yr[k] - bi[k] * yi[k];
            }
        }
        if kind == Kind::Powers {
            return;
        }
        for (output, imaginary) in imaginary.chunks_exact_mut(ports).enumerate() {
            let ((ar, ai), (br, bi)) = (arms[0].mode(output), arms[1].mode(output));
            for (k, value) in imaginary.iter_mut().enumerate() {
                *value = ar[k] * xi[k] + ai[k] * xr[k] + br[k] * yi[k] + bi[k] * yr[k];
            }
        }
    }

    /// The columns of V_π and of crosstalk, from those of the phases that heaters show.
    fn by_heaters(&mut self, model: &Model, of: &Parameters, asked: &[f64]) {
        let sizes = model.sizes;
        let (offsets, rows) = (sizes.offsets().start, self.rows);
        let heat = model.driven(of, asked);
        let (shown, rest) = self.values.split_at_mut(sizes.v_pi().start * rows);
        let shown = &shown[offsets * rows..];
        let of_shown = |heater: usize| &shown[heater * rows..(heater + 1) * rows];
        let (by_v_pi, by_crosstalk) = rest.split_at_mut(sizes.heaters * rows);
        for (heater, column) in by_v_pi.chunks_exact_mut(rows).enumerate() {
            // d/dε of φ/(1 + ε)².
            let slope = -2.0 * heat[heater] / (1.0 + of.v_pi_error[heater]);
            add(column, of_shown(heater), slope);
            if of.crosstalk > 0.0 {
                for (other, distance) in &model.near[heater] {
                    let share = of.crosstalk.powf(*distance);
                    add(column, of_shown(*other), slope * share);
                }
            }
        }
        for (heater, near) in model.near.iter().enumerate() {
            let slopes = near.iter().map(|(other, distance)| {
                let slope = distance * of.crosstalk.powf(distance - 1.0);
                slope * heat[*other]
            });
            add(by_crosstalk, of_shown(heater), slopes.sum());
        }
    }

    /// Every row times its weight.
    pub(super) fn weigh(&mut self, weights: &[f64]) {
        for column in self.values.chunks_exact_mut(self.rows) {
            for (value, weight) in column.iter_mut().zip(weights) {
                *value *= weight;
            }
        }
    }
}

fn add(into: &mut [f64], column: &[f64], factor: f64) {
    if factor != 0.0 {
        for (sum, value) in into.iter_mut().zip(column) {
            *sum += factor * value;
        }
    }
}

/// What a change of light on `mode` behind a cell does to every reading, `[output][re, im][input]`: L, or 2 U* L.
fn weighted(left: &Rows, mode: usize, pass: &Pass, kind: Kind) -> Rows {
    let ports = left.samples;
    let mut arm = Rows {
        samples: ports,
        values: vec![0.0; 2 * ports * ports],
    };
    let (re, im) = left.mode(mode);
    for output in 0..ports {
        let reach = C64::new(re[output], im[output]);
        let (out_re, out_im) = pass.out.mode(output);
        let (arm_re, arm_im) = arm.mode_mut(output);
        for k in 0..ports {
            let z = match kind {
                Kind::Powers => 2.0 * C64::new(out_re[k], -out_im[k]) * reach,
                Kind::Fields => reach,
            };
            (arm_re[k], arm_im[k]) = (z.re, z.im);
        }
    }
    arm
}

/// What a change of a cell makes of the light that enters it, `[top, bottom][re, im][input]`.
fn behind([a, b, c, d]: &TwoByTwo, entering: &[f64]) -> Vec<f64> {
    let n = entering.len() / 4;
    let mut out = vec![0.0; 4 * n];
    for k in 0..n {
        let x = C64::new(entering[k], entering[n + k]);
        let y = C64::new(entering[2 * n + k], entering[3 * n + k]);
        let (top, bottom) = (a * x + b * y, c * x + d * y);
        (out[k], out[n + k]) = (top.re, top.im);
        (out[2 * n + k], out[3 * n + k]) = (bottom.re, bottom.im);
    }
    out
}
