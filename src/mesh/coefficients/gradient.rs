//! How a loss changes with every phase of a mesh: light forwards, its adjoint back.
//!
//! Every phase's slope is −Im of an overlap of light and adjoint at its shifter, whatever couplers and losses stand
//! around it (Hughes, Minkov, Shi, Fan, Optica 5, 864 (2018), who measure it in the chip). The overlaps in front of every
//! cell come from one walk back; those inside of a cell follow from them.

use num_complex::Complex;

use super::{Coefficients, Source};
use crate::field::{Carried, Direction, Fields, Passage, Real, TwoByTwo, pull};
use crate::linalg::C64;
use crate::mesh::Phases;

/// The derivatives of a real loss L.
#[derive(Debug, Clone, PartialEq)]
pub struct Gradient<T> {
    /// By the phases that the mesh shows: ∂L/∂θ, ∂L/∂φ, ∂L/∂screen and those of free shifters, per rad.
    pub phases: Phases,
    /// The adjoint at the inputs, ∂L/∂Re x + i ∂L/∂Im x, `[mode, sample]`.
    pub inputs: Fields<T>,
}

impl Coefficients<'_> {
    /// The gradient of a real loss L of what becomes of `inputs`, `[mode, sample]`, behind the mesh, `y = U x`. `by_outputs`
    /// is its adjoint there, ∂L/∂Re y + i ∂L/∂Im y (PyTorch's `grad`), so that dL = Re Σ conj(adjoint) dy.
    ///
    /// Exact for any couplers and losses. The work is some walks of the batch, or, from half as many samples as modes on, one
    /// walk and what does not depend on the batch. Where L depends on the transfer matrix, `inputs` is [`Fields::basis`] and
    /// `by_outputs` is ∂L/∂U.
    ///
    /// # Panics
    /// If the two do not have the mesh's modes and the same samples.
    ///
    /// ```
    /// use lightloom::field::Fields;
    /// use lightloom::mesh::{Geometry, Mesh};
    ///
    /// // L = |y₀|², the power at output 0 of one MZI with light in its upper arm: sin²(θ/2).
    /// let mesh = Mesh::new(2, Geometry::Clements.nodes(2), vec![1.0], vec![0.3], vec![0.0; 2])?;
    /// let coefficients = mesh.coefficients();
    /// let inputs = Fields::<f64>::basis(2, 1);
    /// let mut adjoint = inputs.clone();
    /// coefficients.walk(&mut adjoint); // ∂L/∂Re y₀ = 2 Re y₀, and so for Im
    /// adjoint.scale_modes(&[2.0.into(), 0.0.into()]);
    /// let gradient = coefficients.gradient(&inputs, adjoint);
    /// assert!((gradient.phases.theta[0] - 0.5f64.sin() * 0.5f64.cos()).abs() < 1e-15);
    /// # Ok::<(), lightloom::Error>(())
    /// ```
    pub fn gradient<T: Real>(&self, inputs: &Fields<T>, mut by_outputs: Fields<T>) -> Gradient<T> {
        if let Some(gradient) = self.by_overlaps(Direction::Forth, inputs, &by_outputs) {
            return gradient;
        }
        by_outputs.scale_modes(&self.conjugate_screen());
        let (phases, inputs) = self.pull(Direction::Forth, inputs, by_outputs);
        Gradient { phases, inputs }
    }

    /// [`gradient`](Self::gradient) of light that goes from the outputs to the inputs, `y = Uᵀ x`: `inputs` are at the
    /// mesh's outputs, and so is the adjoint that comes back.
    ///
    /// # Panics
    /// As [`gradient`](Self::gradient).
    pub fn gradient_back<T: Real>(&self, inputs: &Fields<T>, by_outputs: Fields<T>) -> Gradient<T> {
        if let Some(gradient) = self.by_overlaps(Direction::Back, inputs, &by_outputs) {
            return gradient;
        }
        let mut light = inputs.clone();
        light.scale_modes(&self.screen);
        let (mut phases, mut adjoint) = self.pull(Direction::Back, &light, by_outputs);
        phases.screen = overlaps(&light, &adjoint).map(|z| -z.im).collect();
        adjoint.scale_modes(&self.conjugate_screen());
        Gradient {
            phases,
            inputs: adjoint,
        }
    }

    /// The gradient of a batch of light from the overlaps of all modes where it enters. None where those cannot be carried
    /// through the mesh, or where the batch is so small that it is sooner walked.
    fn by_overlaps<T: Real>(
        &self,
        direction: Direction,
        inputs: &Fields<T>,
        by_outputs: &Fields<T>,
    ) -> Option<Gradient<T>> {
        assert_eq!(
            inputs.modes(),
            self.modes,
            "fields and mesh must agree in modes"
        );
        assert_eq!(
            by_outputs.re.dim(),
            inputs.re.dim(),
            "one adjoint per field"
        );
        // The plain way takes some five walks of the batch; this one two, a product with it among them, and two sides of the
        // overlaps, which are walks of as many samples as modes, or half of that where nothing is lost.
        if 2 * inputs.samples() < self.modes {
            return None;
        }
        let kept = self.kept();
        let passage = kept.passage(direction)?;
        // The conjugate of the adjoint goes back through what light went through, as light of its own does.
        let mut back = by_outputs.clone().conjugated();
        let overlaps = match direction {
            Direction::Forth => {
                kept.walk_back(&mut back);
                inputs.times_transposed(&back)
            }
            Direction::Back => {
                kept.walk(&mut back);
                back.times_transposed(inputs)
            }
        };
        let phases = kept.slopes_of_overlaps(&passage, overlaps);
        Some(Gradient {
            phases,
            inputs: back.conjugated(),
        })
    }

    fn conjugate_screen(&self) -> Vec<C64> {
        self.screen.iter().map(|factor| factor.conj()).collect()
    }

    /// The slopes of all phases, of the screen where the route ends, and the adjoint where it starts.
    fn pull<T: Real>(
        &self,
        direction: Direction,
        light: &Fields<T>,
        adjoint: Fields<T>,
    ) -> (Phases, Fields<T>) {
        let route = self.nodes.route(self.modes, direction);
        let pulled = pull(route, &*self.matrices(), light, adjoint);
        (self.slopes(pulled.overlaps, &pulled.ends), pulled.adjoint)
    }

    /// The way of overlaps from the inputs to the outputs ([forth](Direction::Forth)), or back; none where they cannot be
    /// carried through the mesh.
    pub(crate) fn passage(&self, direction: Direction) -> Option<Passage<'_>> {
        Passage::new(self.nodes.route(self.modes, direction), self.matrices())
    }

    /// The slopes of all phases from the overlaps Σ x a† of all modes, `[mode of the light, mode of the adjoint]`, at the side
    /// where the `passage` of these coefficients begins.
    ///
    /// # Panics
    /// If the overlaps are not those of the mesh's modes.
    pub(crate) fn slopes_of_overlaps<T: Real>(
        &self,
        passage: &Passage<'_>,
        mut overlaps: Fields<T>,
    ) -> Phases {
        if passage.direction() == Direction::Back {
            // In front of the screen.
            overlaps.scale_modes(&self.conjugate_screen());
            overlaps.scale_samples(&self.screen);
        }
        let Carried { overlaps, behind } = passage.carry(&overlaps);
        self.slopes(overlaps, &behind)
    }

    /// The slopes of all phases, from the overlaps in front of every cell and of every mode behind the last.
    fn slopes(&self, mut overlaps: Vec<TwoByTwo>, behind: &[Complex<f64>]) -> Phases {
        let mut free = Vec::new();
        if let Source::Shifted(shifted) = &self.source {
            for (shifter, factor) in &shifted.shifters {
                let [a, b, c, d] = &mut overlaps[shifter.node];
                // The light and the adjoint behind the shifter, in front of the cell.
                if shifter.mode == self.nodes[shifter.node].top {
                    free.push(-a.im);
                    (*b, *c) = (*b * factor, *c * factor.conj());
                } else {
                    free.push(-d.im);
                    (*b, *c) = (*b * factor.conj(), *c * factor);
                }
            }
        }
        let [theta, phi] = match &self.source {
            Source::Cells(cells) => cells.slopes(&overlaps),
            Source::Shifted(shifted) => shifted.cells.slopes(&overlaps),
            Source::Mzis(mzis) => {
                let cells = mzis.cells.iter().zip(&overlaps);
                let (theta, phi) = cells
                    .map(|(cell, overlaps)| cell.slopes(*overlaps).into())
                    .unzip();
                [theta, phi]
            }
        };
        Phases {
            theta,
            phi,
            screen: behind.iter().map(|z| -z.im).collect(),
            free,
        }
    }
}

/// Σ x a* over the samples of every mode.
fn overlaps<T: Real>(x: &Fields<T>, a: &Fields<T>) -> impl Iterator<Item = Complex<f64>> {
    (0..x.modes()).map(|mode| {
        let part = |fields: &Fields<T>, sample: usize| {
            let at = [mode, sample];
            C64::new(fields.re[at].double(), fields.im[at].double())
        };
        (0..x.samples())
            .map(|sample| part(x, sample) * part(a, sample).conj())
            .sum()
    })
}

#[cfg(test)]
mod tests;
