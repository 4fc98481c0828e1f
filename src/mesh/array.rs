//! The cells of a whole mesh as arrays, and their 2×2 matrices many at a time.

use std::f64::consts::FRAC_PI_4;
use std::ops::Range;

use pulp::Arch;

use super::mzi::{Sines, behind_coupler, between_couplers, crossed, times};
use super::{CellKind, Mzi};
use crate::elementary::{Loop, sin_cos_all, vectorized};
use crate::field::{BLOCK, MatrixSource, Parts, TwoByTwo};
use crate::linalg::C64;

/// Cells of one kind without phases: couplers and losses, parallel to the nodes of a mesh.
#[derive(Debug, Clone, PartialEq)]
pub struct CellArray {
    /// Which couplers, phase shifters and crossing each cell is made of.
    pub kind: CellKind,
    /// Splitting error of every first coupler, rad; see [`Mzi`].
    pub alpha: Vec<f64>,
    /// Splitting error of every second coupler, rad.
    pub beta: Vec<f64>,
    /// Splitting error of every coupler in front of φ, rad; empty where cells have none.
    pub gamma: Vec<f64>,
    /// Field transmission of every cell, both arms, in [0, 1].
    pub amplitude: Vec<f64>,
    /// Additional field transmission of the top arm between the couplers, in [0, 1].
    pub top_arm: f64,
}

impl CellArray {
    /// `count` perfect, lossless cells.
    pub fn perfect(kind: CellKind, count: usize) -> Self {
        Self {
            kind,
            alpha: vec![0.0; count],
            beta: vec![0.0; count],
            gamma: vec![0.0; if kind.couplers() == 3 { count } else { 0 }],
            amplitude: vec![1.0; count],
            top_arm: 1.0,
        }
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        self.alpha.len()
    }

    /// Whether there is no cell.
    pub fn is_empty(&self) -> bool {
        self.alpha.is_empty()
    }

    /// One cell, with these phases, rad.
    ///
    /// # Panics
    /// If there is no such cell.
    pub fn with_phases(&self, index: usize, theta: f64, phi: f64) -> Mzi {
        Mzi {
            kind: self.kind,
            theta,
            phi,
            alpha: self.alpha[index],
            beta: self.beta[index],
            gamma: self.gamma.get(index).copied().unwrap_or(0.0),
            amplitude: self.amplitude[index],
            top_arm: self.top_arm,
        }
    }

    /// The cells one by one, their phases 0.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Mzi> {
        (0..self.len()).map(|index| self.with_phases(index, 0.0, 0.0))
    }

    /// The cells at phases `theta` and `phi`, rad.
    ///
    /// # Panics
    /// If there are not as many phases as cells.
    pub fn set<'a>(&'a self, theta: &'a [f64], phi: &'a [f64]) -> SetCells<'a> {
        let count = self.len();
        assert_eq!((theta.len(), phi.len()), (count, count), "one phase a cell");
        SetCells {
            cells: self,
            theta,
            phi,
            arch: Arch::new(),
        }
    }
}

/// Cells with their phases: their matrices are those of [`Mzi::matrix`], computed many at a time.
#[derive(Clone, Copy)]
pub struct SetCells<'a> {
    cells: &'a CellArray,
    theta: &'a [f64],
    phi: &'a [f64],
    arch: Arch,
}

impl MatrixSource for SetCells<'_> {
    type Scratch = Angles;

    fn count(&self) -> usize {
        self.cells.len()
    }

    fn write(&self, block: usize, angles: &mut Angles, parts: &mut Parts) {
        let start = block * BLOCK;
        let one = OneBlock {
            set: self,
            range: start..self.count().min(start + BLOCK),
            angles,
            parts,
        };
        vectorized(self.arch, one);
    }
}

impl From<&[Mzi]> for CellArray {
    /// The couplers and losses of `cells`.
    ///
    /// # Panics
    /// If they differ in kind or in the loss of the top arm.
    fn from(cells: &[Mzi]) -> Self {
        let kind = cells.first().map_or(CellKind::Mzi, |cell| cell.kind);
        let top_arm = cells.first().map_or(1.0, |cell| cell.top_arm);
        let alike = |cell: &Mzi| cell.kind == kind && cell.top_arm == top_arm;
        assert!(cells.iter().all(alike), "cells of one kind");
        let of = |part: fn(&Mzi) -> f64| cells.iter().map(part).collect();
        Self {
            kind,
            alpha: of(|cell| cell.alpha),
            beta: of(|cell| cell.beta),
            gamma: if kind.couplers() == 3 {
                of(|cell| cell.gamma)
            } else {
                Vec::new()
            },
            amplitude: of(|cell| cell.amplitude),
            top_arm,
        }
    }
}

/// What the matrices of a block are computed from. Lanes beyond the cells' number hold what was there before.
pub struct Angles {
    /// θ (of symmetric cells θ₁ − θ₂), φ, and the couplers' angles, rad; their sines and cosines.
    angle: [[f64; BLOCK]; 5],
    sin: [[f64; BLOCK]; 5],
    cos: [[f64; BLOCK]; 5],
    amplitude: [f64; BLOCK],
}

impl Default for Angles {
    fn default() -> Self {
        Self {
            angle: [[0.0; BLOCK]; 5],
            sin: [[0.0; BLOCK]; 5],
            cos: [[0.0; BLOCK]; 5],
            amplitude: [0.0; BLOCK],
        }
    }
}

struct OneBlock<'a> {
    set: &'a SetCells<'a>,
    range: Range<usize>,
    angles: &'a mut Angles,
    parts: &'a mut Parts,
}

impl Loop for OneBlock<'_> {
    #[inline(always)]
    fn run<const FUSED: bool>(mut self) {
        self.sines::<FUSED>();
        let cells = self.set.cells;
        let core =
            |sines: &Sines, amplitude: f64| between_couplers(sines, cells.top_arm, amplitude);
        match cells.kind {
            CellKind::Mzi => self.each(core),
            CellKind::Crossing => self.each(|sines, amplitude| crossed(core(sines, amplitude))),
            CellKind::ThreeSplitter => {
                self.each(|sines, amplitude| behind_coupler(core(sines, amplitude), sines.gamma));
            }
            CellKind::Symmetric => self.each(|sines, amplitude| {
                let bare = Sines {
                    phi: (0.0, 1.0),
                    ..*sines
                };
                let (sin, cos) = sines.phi;
                times(core(&bare, amplitude), C64::new(cos, sin))
            }),
        }
    }
}

/// `into[k] = f(into[k], from[k])`: in whole blocks a loop of known length.
#[inline(always)]
fn update(into: &mut [f64; BLOCK], from: &[f64], f: impl Fn(f64, f64) -> f64) {
    if let Some(from) = from.first_chunk::<BLOCK>() {
        for k in 0..BLOCK {
            into[k] = f(into[k], from[k]);
        }
    } else {
        for (into, from) in into.iter_mut().zip(from) {
            *into = f(*into, *from);
        }
    }
}

impl OneBlock<'_> {
    /// Amplitudes, and sines and cosines of all angles.
    #[inline(always)]
    fn sines<const FUSED: bool>(&mut self) {
        let SetCells {
            cells, theta, phi, ..
        } = self.set;
        let sources = [
            (*theta, 0.0),
            (*phi, 0.0),
            (&cells.alpha, FRAC_PI_4),
            (&cells.beta, FRAC_PI_4),
            (&cells.gamma, FRAC_PI_4),
        ];
        let Angles {
            angle,
            sin,
            cos,
            amplitude,
        } = &mut *self.angles;
        update(amplitude, &cells.amplitude[self.range.clone()], |_, x| x);
        for (at, (source, offset)) in sources.into_iter().enumerate() {
            if source.is_empty() {
                continue;
            }
            update(&mut angle[at], &source[self.range.clone()], |_, x| {
                x + offset
            });
            if at == 0 && cells.kind == CellKind::Symmetric {
                update(&mut angle[0], &phi[self.range.clone()], |x, common| {
                    x - common
                });
            }
            sin_cos_all::<FUSED, BLOCK>(&angle[at], &mut sin[at], &mut cos[at]);
        }
    }

    /// All lanes, those beyond the cells' number too: a loop of known length.
    #[inline(always)]
    fn each(self, matrix: impl Fn(&Sines, f64) -> TwoByTwo) {
        let Angles {
            sin,
            cos,
            amplitude,
            ..
        } = self.angles;
        for k in 0..BLOCK {
            let pair = |at: usize| (sin[at][k], cos[at][k]);
            let sines = Sines {
                theta: pair(0),
                phi: pair(1),
                alpha: pair(2),
                beta: pair(3),
                gamma: pair(4),
            };
            let [a, b, c, d] = matrix(&sines, amplitude[k]);
            let values = [a.re, a.im, b.re, b.im, c.re, c.im, d.re, d.im];
            for (part, value) in self.parts.iter_mut().zip(values) {
                part[k] = value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::instruction_sets;
    use crate::rng::{Effect, Seed};

    /// The fast path against [`Mzi::matrix`], for chunks that are full and not.
    #[test]
    fn matrices_of_an_array_are_those_of_its_cells() {
        for kind in CellKind::ALL {
            for count in [0, 1, 63, 64, 65, 200] {
                let mut stream = Seed(6).stream(Effect::Haar, count as u64, 0, 0);
                let mut draw = |size: f64| -> Vec<f64> {
                    (0..count).map(|_| size * stream.uniform()).collect()
                };
                let cells = CellArray {
                    alpha: draw(0.2),
                    beta: draw(-0.3),
                    gamma: if kind.couplers() == 3 {
                        draw(0.1)
                    } else {
                        Vec::new()
                    },
                    amplitude: draw(1.0),
                    top_arm: 0.9,
                    kind,
                };
                let (theta, phi) = (draw(3.2), draw(6.3));
                for arch in instruction_sets() {
                    let set = SetCells {
                        arch,
                        ..cells.set(&theta, &phi)
                    };
                    let fast = set.all();
                    assert_eq!(fast.len(), count);
                    for (index, fast) in fast.iter().enumerate() {
                        let plain = cells.with_phases(index, theta[index], phi[index]).matrix();
                        for (x, y) in fast.into_iter().zip(plain) {
                            assert!((x - y).norm() < 6e-16, "{kind} {index}");
                        }
                    }
                }
                let mzis: Vec<Mzi> = cells.iter().collect();
                if count > 0 {
                    assert_eq!(CellArray::from(&mzis[..]), cells);
                }
            }
        }
    }
}
