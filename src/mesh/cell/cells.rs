//! The cells of a whole mesh as arrays, and their 2×2 matrices many at a time.

use std::f64::consts::FRAC_PI_4;
use std::ops::Range;

use pulp::Arch;

use super::mzi::{Sines, behind_coupler, between_couplers, crossed, times};
use super::values::{Draws, Values};
use super::{CellKind, Mzi};
use crate::field::{BLOCK, Matrices, MatrixSource, Parts, TwoByTwo};
use crate::linalg::C64;
use crate::simd::{Loop, sin_cos_all, vectorized};

/// Cells of one kind without phases, parallel to the nodes of a mesh: what an [`Mzi`] says of one cell.
///
/// What a chip draws of its cells is in here: the splitting errors of all couplers and the loss of every cell
/// ([`Chip::cells`](crate::hardware::Chip::cells)). Splitting errors are drawn when the 2×2 of the cells are computed, a
/// block of cells at a time (see [`Values`]), which is when [`Coefficients`](crate::mesh::Coefficients) send light or say a
/// matrix; [`drawn`](Self::drawn) draws them before, for whoever needs to look at the cells themselves.
#[derive(Debug, Clone, PartialEq)]
pub struct Cells<'a> {
    /// Which couplers, phase shifters and crossing each cell is made of.
    pub kind: CellKind,
    /// Number of cells.
    pub count: usize,
    /// Splitting error of every first coupler, rad; see [`Mzi`].
    pub alpha: Values<'a>,
    /// Splitting error of every second coupler, rad.
    pub beta: Values<'a>,
    /// Splitting error of every coupler in front of φ, rad; nothing where cells have none.
    pub gamma: Values<'a>,
    /// Field transmission of every cell, both arms, in [0, 1].
    pub amplitude: Values<'a>,
    /// Additional field transmission of the arm that θ stands on, in [0, 1].
    pub theta_arm: f64,
    /// Additional field transmission of the arm that φ stands on, in (0, 1].
    pub phi_arm: f64,
}

impl<'a> Cells<'a> {
    /// `count` perfect, lossless cells.
    pub fn perfect(kind: CellKind, count: usize) -> Self {
        let [alpha, beta, gamma] = [0.0; 3].map(Values::same);
        Self {
            kind,
            count,
            alpha,
            beta,
            gamma,
            amplitude: Values::same(1.0),
            theta_arm: 1.0,
            phi_arm: 1.0,
        }
    }

    /// The same cells with every error drawn.
    ///
    /// # Panics
    /// If a part is given for another number of cells.
    #[must_use]
    pub fn drawn(self) -> Self {
        let Self { count, .. } = self;
        Self {
            alpha: self.alpha.drawn(count),
            beta: self.beta.drawn(count),
            gamma: match self.kind.couplers() {
                3 => self.gamma.drawn(count),
                _ => Values::same(0.0),
            },
            amplitude: self.amplitude.drawn(count),
            ..self
        }
    }

    /// One cell, its phases 0. Of many cells, have the errors [drawn](Self::drawn) first.
    ///
    /// # Panics
    /// If there is no such cell.
    pub fn cell(&self, index: usize) -> Mzi {
        assert!(index < self.count, "there is a cell {index}");
        Mzi {
            kind: self.kind,
            theta: 0.0,
            phi: 0.0,
            alpha: self.alpha.get(index),
            beta: self.beta.get(index),
            gamma: match self.kind.couplers() {
                3 => self.gamma.get(index),
                _ => 0.0,
            },
            amplitude: self.amplitude.get(index),
            theta_arm: self.theta_arm,
            phi_arm: self.phi_arm,
        }
    }

    /// The cells one by one, their phases 0.
    pub fn mzis(&self) -> Vec<Mzi> {
        let drawn = self.clone().drawn();
        (0..self.count).map(|index| drawn.cell(index)).collect()
    }

    /// The 2×2 of every cell at phases `theta` and `phi`, rad.
    ///
    /// # Panics
    /// If there are not as many phases as cells.
    pub(crate) fn matrices(self, theta: Values<'a>, phi: Values<'a>) -> Matrices {
        self.set(theta, phi).all()
    }

    /// The cells at phases `theta` and `phi`, rad.
    ///
    /// # Panics
    /// If there are not as many phases as cells.
    pub(in crate::mesh) fn set(self, theta: Values<'a>, phi: Values<'a>) -> SetCells<'a> {
        let set = SetCells {
            cells: self,
            theta,
            phi,
        };
        let fit = set.values().all(|values| values.fit(set.cells.count));
        assert!(fit, "one value a cell");
        set
    }
}

/// Cells with their phases: their matrices are those of [`Mzi::matrix`], computed many at a time, errors drawn with them.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::mesh) struct SetCells<'a> {
    pub(super) cells: Cells<'a>,
    theta: Values<'a>,
    phi: Values<'a>,
}

impl SetCells<'_> {
    /// Which couplers, phase shifters and crossing each cell is made of.
    pub(in crate::mesh) fn kind(&self) -> CellKind {
        self.cells.kind
    }

    /// Amplitude, θ, φ and the splitting errors of the couplers that cells have.
    fn values(&self) -> impl Iterator<Item = &Values<'_>> {
        let Cells {
            alpha, beta, gamma, ..
        } = &self.cells;
        let couplers = [alpha, beta, gamma];
        let couplers = couplers.into_iter().take(self.cells.kind.couplers());
        let first = [&self.cells.amplitude, &self.theta, &self.phi];
        first.into_iter().chain(couplers)
    }
}

impl MatrixSource for SetCells<'_> {
    type Scratch = Angles;

    fn scratch(&self) -> Angles {
        Angles {
            arch: Arch::new(),
            angle: [[0.0; BLOCK]; 5],
            sin: [[0.0; BLOCK]; 5],
            cos: [[0.0; BLOCK]; 5],
            amplitude: [0.0; BLOCK],
            draws: self.values().map(Values::draws).collect(),
        }
    }

    fn count(&self) -> usize {
        self.cells.count
    }

    fn fetch(&self, range: Range<usize>) {
        for values in self.values() {
            values.fetch(range.clone());
        }
    }

    fn write(&self, block: usize, angles: &mut Angles, parts: &mut Parts) {
        let start = block * BLOCK;
        let count = BLOCK.min(self.count() - start);
        angles.draw(start..start + count);
        let one = OneBlock {
            set: self,
            start,
            count,
            angles,
            parts,
        };
        vectorized(one.angles.arch, one);
    }
}

impl From<&[Mzi]> for Cells<'_> {
    /// The couplers and losses of `cells`.
    ///
    /// # Panics
    /// If they differ in kind or in the loss of heated arms.
    fn from(cells: &[Mzi]) -> Self {
        let kind = cells.first().map_or(CellKind::Mzi, |cell| cell.kind);
        let arms = |cell: &Mzi| (cell.theta_arm, cell.phi_arm);
        let (theta_arm, phi_arm) = cells.first().map_or((1.0, 1.0), arms);
        let alike = |cell: &Mzi| cell.kind == kind && arms(cell) == (theta_arm, phi_arm);
        assert!(cells.iter().all(alike), "cells of one kind");
        let of = |part: fn(&Mzi) -> f64| Values::each(cells.iter().map(part).collect::<Vec<_>>());
        Self {
            kind,
            count: cells.len(),
            alpha: of(|cell| cell.alpha),
            beta: of(|cell| cell.beta),
            gamma: match kind.couplers() {
                3 => of(|cell| cell.gamma),
                _ => Values::same(0.0),
            },
            amplitude: of(|cell| cell.amplitude),
            theta_arm,
            phi_arm,
        }
    }
}

/// What the matrices of a block are computed from. Lanes beyond the cells' number hold something finite.
pub(crate) struct Angles {
    pub(super) arch: Arch,
    /// θ (of symmetric cells θ₁ − θ₂), φ, and the couplers' angles, rad; their sines and cosines.
    angle: [[f64; BLOCK]; 5],
    sin: [[f64; BLOCK]; 5],
    cos: [[f64; BLOCK]; 5],
    amplitude: [f64; BLOCK],
    /// The errors of the amplitudes and of the angles.
    draws: Vec<Vec<Draws>>,
}

impl Angles {
    /// Draws the errors of the cells of `range`, which are a block at most.
    pub(super) fn draw(&mut self, range: Range<usize>) {
        for draws in self.draws.iter_mut().flatten() {
            draws.read(range.clone());
        }
    }

    /// Sines and cosines of the cell in a lane.
    #[inline(always)]
    pub(super) fn sines(&self, lane: usize) -> Sines {
        let pair = |at: usize| (self.sin[at][lane], self.cos[at][lane]);
        Sines {
            theta: pair(0),
            phi: pair(1),
            alpha: pair(2),
            beta: pair(3),
            gamma: pair(4),
        }
    }
}

/// Amplitudes of the cells of `range`, whose errors are [drawn](Angles::draw), and sines and cosines of all their angles;
/// part of a [`Loop`].
#[inline(always)]
pub(super) fn sines<const FUSED: bool>(
    set: &SetCells<'_>,
    range: Range<usize>,
    angles: &mut Angles,
) {
    let Angles {
        angle,
        sin,
        cos,
        amplitude,
        draws,
        ..
    } = angles;
    let offsets = [0.0, 0.0, 0.0, FRAC_PI_4, FRAC_PI_4, FRAC_PI_4];
    let into = std::iter::once(amplitude).chain(&mut *angle);
    for (((values, draws), offset), into) in set.values().zip(draws).zip(offsets).zip(into) {
        values.write(draws, range.clone(), offset, into);
    }
    if set.cells.kind == CellKind::Symmetric {
        let [theta, phi, ..] = angle;
        for (theta, phi) in theta.iter_mut().zip(phi) {
            *theta -= *phi;
        }
    }
    for at in 0..2 + set.cells.kind.couplers() {
        sin_cos_all::<FUSED, BLOCK>(&angle[at], &mut sin[at], &mut cos[at]);
    }
}

struct OneBlock<'a, 'c> {
    set: &'a SetCells<'c>,
    start: usize,
    count: usize,
    angles: &'a mut Angles,
    parts: &'a mut Parts,
}

impl Loop for OneBlock<'_, '_> {
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        sines::<FUSED>(self.set, self.start..self.start + self.count, self.angles);
        let cells = &self.set.cells;
        let arms = [cells.theta_arm, cells.phi_arm];
        let core = |sines: &Sines, amplitude: f64| between_couplers(sines, arms, amplitude);
        match cells.kind {
            CellKind::Mzi => self.each(core),
            CellKind::Crossing => self.each(|sines, amplitude| crossed(core(sines, amplitude))),
            CellKind::ThreeSplitter => {
                self.each(|sines, amplitude| behind_coupler(core(sines, amplitude), sines.gamma));
            }
            // See `Mzi::with_external_phase`.
            CellKind::Symmetric => {
                let [theta_arm, phi_arm] = arms;
                let ratio = theta_arm / phi_arm;
                self.each(|sines, amplitude| {
                    let bare = Sines {
                        phi: (0.0, 1.0),
                        ..*sines
                    };
                    let core = between_couplers(&bare, [ratio, 1.0], amplitude * phi_arm);
                    let (sin, cos) = sines.phi;
                    times(core, C64::new(cos, sin))
                });
            }
        }
    }
}

impl OneBlock<'_, '_> {
    /// All lanes, those beyond the cells' number too: a loop of known length.
    #[inline(always)]
    fn each(self, matrix: impl Fn(&Sines, f64) -> TwoByTwo) {
        let angles = &*self.angles;
        for k in 0..BLOCK {
            let [a, b, c, d] = matrix(&angles.sines(k), angles.amplitude[k]);
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
    use crate::field::InstructionSet;
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
                let cells = Cells {
                    kind,
                    count,
                    alpha: Values::each(draw(0.2)),
                    beta: Values::each(draw(-0.3)),
                    gamma: match kind.couplers() {
                        3 => Values::each(draw(0.1)),
                        _ => Values::same(0.0),
                    },
                    amplitude: Values::each(draw(1.0)),
                    theta_arm: 0.9,
                    phi_arm: 0.8,
                };
                let (theta, phi) = (draw(3.2), draw(6.3));
                let set = cells.clone();
                let set = set.set(Values::each(&theta[..]), Values::each(&phi[..]));
                assert_eq!(set.count(), count);
                for arch in InstructionSet::all().into_iter().map(|set| set.0) {
                    let mut parts = [[0.0; BLOCK]; 8];
                    let mut scratch = Angles {
                        arch,
                        ..set.scratch()
                    };
                    for index in 0..count {
                        if index % BLOCK == 0 {
                            set.write(index / BLOCK, &mut scratch, &mut parts);
                        }
                        let cell = Mzi {
                            theta: theta[index],
                            phi: phi[index],
                            ..cells.cell(index)
                        };
                        let plain = cell.matrix();
                        for (k, y) in plain.iter().enumerate() {
                            let part = |part: usize| parts[part][index % BLOCK];
                            let x = C64::new(part(2 * k), part(2 * k + 1));
                            assert!((x - y).norm() < 6e-16, "{kind} {index}");
                        }
                    }
                }
                if count > 0 {
                    assert_eq!(Cells::from(&cells.mzis()[..]), cells);
                }
            }
        }
    }
}
