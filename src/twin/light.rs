//! Light through the model of a chip, and slopes back through it.

use super::model::{Element, Model};
use super::parameters::Parameters;
use crate::field::TwoByTwo;
use crate::linalg::{C64, Matrix};

/// Amplitudes of many samples on every mode, real parts and imaginary parts apart: `[mode][re, im][sample]`.
#[derive(Debug, Clone)]
pub(super) struct Rows {
    pub(super) samples: usize,
    pub(super) values: Vec<f64>,
}

impl Rows {
    /// Sample k has unit light in mode k.
    pub(super) fn units(modes: usize, samples: usize) -> Self {
        let mut values = vec![0.0; 2 * modes * samples];
        for sample in 0..samples {
            values[2 * sample * samples + sample] = 1.0;
        }
        Self { samples, values }
    }

    /// Real and imaginary parts of a mode.
    pub(super) fn mode(&self, mode: usize) -> (&[f64], &[f64]) {
        let start = 2 * mode * self.samples;
        self.values[start..start + 2 * self.samples].split_at(self.samples)
    }

    pub(super) fn mode_mut(&mut self, mode: usize) -> (&mut [f64], &mut [f64]) {
        let start = 2 * mode * self.samples;
        self.values[start..start + 2 * self.samples].split_at_mut(self.samples)
    }

    pub(super) fn scale(&mut self, mode: usize, factor: C64) {
        let (re, im) = self.mode_mut(mode);
        for (x, y) in re.iter_mut().zip(im) {
            let z = C64::new(*x, *y) * factor;
            (*x, *y) = (z.re, z.im);
        }
    }

    /// Mixes modes `top` and `bottom`, the first of which is the lower number.
    pub(super) fn mix(&mut self, top: usize, bottom: usize, [a, b, c, d]: &TwoByTwo) {
        let n = self.samples;
        let (before, behind) = self.values.split_at_mut(2 * bottom * n);
        let (xr, xi) = before[2 * top * n..2 * (top + 1) * n].split_at_mut(n);
        let (yr, yi) = behind[..2 * n].split_at_mut(n);
        for (((xr, xi), yr), yi) in xr.iter_mut().zip(xi).zip(yr).zip(yi) {
            let (p, q, r, s) = (*xr, *xi, *yr, *yi);
            *xr = a.re * p - a.im * q + b.re * r - b.im * s;
            *xi = a.re * q + a.im * p + b.re * s + b.im * r;
            *yr = c.re * p - c.im * q + d.re * r - d.im * s;
            *yi = c.re * q + c.im * p + d.re * s + d.im * r;
        }
    }
}

/// The adjoint of a 2×2.
pub(super) fn adjoint([a, b, c, d]: &TwoByTwo) -> TwoByTwo {
    [a.conj(), c.conj(), b.conj(), d.conj()]
}

/// Light of every measured input through a chip at one setting.
#[derive(Debug, Clone)]
pub(super) struct Pass {
    pub(super) elements: Vec<Element>,
    pub(super) matrices: Vec<TwoByTwo>,
    pub(super) screen: Vec<C64>,
    /// What enters each cell: `[cell][top, bottom][re, im][input]`; nothing where it was not kept.
    pub(super) entering: Vec<f64>,
    /// What leaves the chip, `[mode][re, im][input]`.
    pub(super) out: Rows,
}

impl Pass {
    /// Sends light through the chip of these parameters, whose heaters are asked for `asked`; `keeps` what enters cells.
    pub(super) fn new(model: &Model, of: &Parameters, asked: &[f64], keeps: bool) -> Self {
        let shown = model.shown(of, asked);
        let elements = model.elements(of, &shown);
        let matrices: Vec<TwoByTwo> = elements.iter().map(Element::matrix).collect();
        let screen = model.screen(&shown);
        let mut light = Rows::units(model.mesh.modes(), model.ports);
        let mut entering = Vec::new();
        for (node, matrix) in model.mesh.nodes().iter().zip(&matrices) {
            if keeps {
                for mode in [node.top, node.bottom] {
                    let (re, im) = light.mode(mode);
                    entering.extend_from_slice(re);
                    entering.extend_from_slice(im);
                }
            }
            light.mix(node.top, node.bottom, matrix);
        }
        for (mode, factor) in screen.iter().enumerate() {
            light.scale(mode, *factor);
        }
        Self {
            elements,
            matrices,
            screen,
            entering,
            out: light,
        }
    }

    /// What enters a cell: `[top, bottom][re, im][input]`.
    pub(super) fn entering_cell(&self, index: usize) -> &[f64] {
        let length = 4 * self.out.samples;
        &self.entering[index * length..(index + 1) * length]
    }

    /// The transfer matrix between the measured ports.
    pub(super) fn transfer(&self) -> Matrix {
        let ports = self.out.samples;
        Matrix::from_fn(ports, ports, |output, input| {
            let (re, im) = self.out.mode(output);
            C64::new(re[input], im[input])
        })
    }

    /// Slopes of a loss by what every heater shows, from its `slopes` by the amplitudes that leave: dL = Re Σ slope* dU.
    pub(super) fn pull_back(&self, model: &Model, mut slopes: Rows) -> Vec<f64> {
        let (cells, n) = (model.sizes.cells, self.out.samples);
        let mut by_shown = vec![0.0; model.sizes.heaters];
        for (mode, factor) in self.screen.iter().enumerate() {
            let (re, im) = slopes.mode(mode);
            let (out_re, out_im) = self.out.mode(mode);
            let overlap = (0..n).map(|k| im[k] * out_re[k] - re[k] * out_im[k]);
            by_shown[2 * cells + mode] = overlap.sum();
            slopes.scale(mode, factor.conj());
        }
        for (index, node) in model.mesh.nodes().iter().enumerate().rev() {
            let overlaps = overlaps(&slopes, [node.top, node.bottom], self.entering_cell(index));
            for (heater, slope) in self.elements[index].by_phases(index, cells) {
                let sum: C64 = overlaps.iter().zip(&slope).map(|(s, t)| s * t).sum();
                by_shown[heater] = sum.re;
            }
            slopes.mix(node.top, node.bottom, &adjoint(&self.matrices[index]));
        }
        by_shown
    }
}

/// Σ slope*(row) x(column) over the inputs, for both arms behind a cell and both in front of it.
fn overlaps(slopes: &Rows, modes: [usize; 2], entering: &[f64]) -> TwoByTwo {
    let n = slopes.samples;
    std::array::from_fn(|at| {
        let (re, im) = slopes.mode(modes[at / 2]);
        let (x, y) = entering[2 * (at % 2) * n..2 * (at % 2 + 1) * n].split_at(n);
        let mut sum = C64::ZERO;
        for (((re, im), x), y) in re.iter().zip(im).zip(x).zip(y) {
            sum.re += re * x + im * y;
            sum.im += re * y - im * x;
        }
        sum
    })
}
