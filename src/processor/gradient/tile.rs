//! How a loss changes with the phases of a tile, from how it changes with the tile's matrix.

use ndarray::{ArrayView1, s};

use crate::compile::Meshes;
use crate::field::{Direction, Fields, Real};
use crate::hardware::{Chip, Placed};
use crate::linalg::C64;
use crate::mesh::{Correction, Gradient, Phases};
use crate::processor::tile::{SetMeshes, Wiring, asked, on_site, set_meshes};

/// The slopes of a real loss by the phases of a tile's meshes, per rad.
#[derive(Debug, Clone, PartialEq)]
pub struct MeshesGradient {
    /// Those of the mesh of V†.
    pub input: Phases,
    /// Those of the attenuators between the meshes.
    pub attenuators: Vec<f64>,
    /// Those of the mesh of U.
    pub output: Phases,
}

impl SetMeshes<'_> {
    /// The slopes by the phases that heaters show, from the gradient `by_matrix` by the tile's matrix, `[row, col]`. The work
    /// does not depend on any batch.
    pub(super) fn by_shown<T: Real>(&self, by_matrix: &Fields<T>) -> MeshesGradient {
        let of_overlaps = self.by_overlaps(by_matrix);
        of_overlaps.unwrap_or_else(|| self.by_batches(by_matrix))
    }

    /// The slopes from the overlaps of all modes in front of the attenuators with all modes behind them, none where those
    /// cannot be carried through the meshes: `V G† U` for the gradient G by the matrix U Σ V.
    fn by_overlaps<T: Real>(&self, by_matrix: &Fields<T>) -> Option<MeshesGradient> {
        let (rows, cols) = by_matrix.re.dim();
        let (input, output) = (self.input.kept(), self.output.kept());
        let back = input.passage(Direction::Back)?;
        let forth = output.passage(Direction::Forth)?;
        let conjugated = by_matrix.clone().conjugated();
        let (left, right) = if rows < cols {
            let mut left = placed(conjugated.transposed(), input.modes(), rows);
            input.walk(&mut left);
            (left, output.first_rows(rows))
        } else {
            let mut right = placed(conjugated, output.modes(), cols);
            output.walk_back(&mut right);
            (input.first_columns(cols), right)
        };
        let overlaps = left.times_transposed(&right);
        let joined = self.attenuators.len();
        let slope = |(mode, slope): (usize, &C64)| {
            let at = [mode, mode];
            let overlap = C64::new(overlaps.re[at].double(), overlaps.im[at].double());
            (slope * overlap).re
        };
        let attenuators = self.slopes.iter().enumerate().map(slope).collect();
        // On either side of the attenuators, which join the first modes.
        let mut ahead = overlaps.clone().crop(input.modes(), joined);
        ahead.scale_samples(&self.attenuators);
        let ahead = placed(ahead, input.modes(), input.modes());
        let input = input.slopes_of_overlaps(&back, ahead);
        let mut behind = overlaps.crop(joined, output.modes());
        behind.scale_modes(&self.attenuators);
        let behind = placed(behind, output.modes(), output.modes());
        let output = output.slopes_of_overlaps(&forth, behind);
        Some(MeshesGradient {
            input,
            attenuators,
            output,
        })
    }

    /// The slopes from light of the fewer ports that goes through both meshes and its adjoint, which goes back.
    fn by_batches<T: Real>(&self, by_matrix: &Fields<T>) -> MeshesGradient {
        let (rows, cols) = by_matrix.re.dim();
        if rows < cols {
            // A row is what light from its output becomes on the way back (reciprocity).
            let light = self.output.first_rows(rows);
            let between = self.pass(&light, self.input.modes());
            let by_inputs = placed(by_matrix.transposed(), self.input.modes(), rows);
            let ahead = self.input.gradient_back(&between, by_inputs);
            let attenuators = self.by_attenuators(&light, &ahead);
            let by_light = self.pass_back(&ahead.inputs, self.output.modes());
            let basis = Fields::basis(self.output.modes(), rows);
            let behind = self.output.gradient_back(&basis, by_light);
            MeshesGradient {
                input: ahead.phases,
                attenuators,
                output: behind.phases,
            }
        } else {
            let light = self.input.first_columns(cols);
            let between = self.pass(&light, self.output.modes());
            let by_outputs = placed(by_matrix.clone(), self.output.modes(), cols);
            let behind = self.output.gradient(&between, by_outputs);
            let attenuators = self.by_attenuators(&light, &behind);
            let by_light = self.pass_back(&behind.inputs, self.input.modes());
            let basis = Fields::basis(self.input.modes(), cols);
            let ahead = self.input.gradient(&basis, by_light);
            MeshesGradient {
                input: ahead.phases,
                attenuators,
                output: behind.phases,
            }
        }
    }

    /// Light behind the attenuators, in the first of `modes` modes.
    fn pass<T: Real>(&self, light: &Fields<T>, modes: usize) -> Fields<T> {
        attenuated(light, &self.attenuators, modes)
    }

    /// The adjoint in front of the attenuators.
    fn pass_back<T: Real>(&self, adjoint: &Fields<T>, modes: usize) -> Fields<T> {
        let factors: Vec<C64> = self.attenuators.iter().map(|bar| bar.conj()).collect();
        attenuated(adjoint, &factors, modes)
    }

    /// The slopes by the attenuators' phases, of `light` in front of them and the adjoint behind them.
    fn by_attenuators<T: Real>(&self, light: &Fields<T>, behind: &Gradient<T>) -> Vec<f64> {
        let adjoint = &behind.inputs;
        let slope = |(mode, slope): (usize, &C64)| {
            let [xr, xi] = [light.re.row(mode), light.im.row(mode)];
            let [ar, ai] = [adjoint.re.row(mode), adjoint.im.row(mode)];
            let overlap = C64::new(dot(xr, ar) + dot(xi, ai), dot(xi, ar) - dot(xr, ai));
            (slope * overlap).re
        };
        self.slopes.iter().enumerate().map(slope).collect()
    }
}

/// The first modes of `fields` times `factors`, as the first of `modes` modes.
fn attenuated<T: Real>(fields: &Fields<T>, factors: &[C64], modes: usize) -> Fields<T> {
    let samples = fields.samples();
    let mut joint = fields.clone().crop(factors.len(), samples);
    joint.scale_modes(factors);
    placed(joint, modes, samples)
}

/// `fields` as the first of `modes` modes and of `samples` samples, the others dark.
fn placed<T: Real>(fields: Fields<T>, modes: usize, samples: usize) -> Fields<T> {
    let (own_modes, own_samples) = fields.re.dim();
    if (own_modes, own_samples) == (modes, samples) {
        return fields;
    }
    let mut placed = Fields::zeros(modes, samples);
    for (to, from) in [(&mut placed.re, &fields.re), (&mut placed.im, &fields.im)] {
        to.slice_mut(s![..own_modes, ..own_samples]).assign(from);
    }
    placed
}

fn dot<T: Real>(x: ArrayView1<'_, T>, y: ArrayView1<'_, T>) -> f64 {
    let products = x.iter().zip(y).map(|(x, y)| x.double() * y.double());
    products.sum()
}

/// The slopes by the phases that heaters of `tile`, which is `at` this silicon of `chip`, are asked for: by the tile's own
/// phases where nothing is corrected and cells are MZIs, else by those that `correction` chose for the chip's cells.
pub(super) fn by_asked<T: Real>(
    tile: &Meshes,
    chip: &Chip,
    at: Placed,
    correction: Correction,
    by_matrix: &Fields<T>,
) -> MeshesGradient {
    let set = set_meshes(tile, chip, at, correction);
    let by_shown = set.by_shown(by_matrix);
    if chip.shows_what_is_asked(correction) {
        return by_shown;
    }
    // Where a response was measured, its slope depends on the phase.
    let asked = chip.has_curves().then(|| {
        let asked = asked(tile, chip, at, correction, &());
        asked.expect("nobody stops it").phases
    });
    by_asked_of(tile, chip, at, asked.as_deref(), by_shown)
}

fn by_asked_of(
    tile: &Meshes,
    chip: &Chip,
    at: Placed,
    asked: Option<&[f64]>,
    by_shown: MeshesGradient,
) -> MeshesGradient {
    let chip = &*on_site(chip, tile);
    let Wiring { heaters, sections } = Wiring::of(tile, chip, at);
    let flat = [
        by_shown.input.flat(),
        by_shown.attenuators,
        by_shown.output.flat(),
    ];
    let flat = flat.concat();
    let mut input = match asked {
        Some(asked) => chip.pull_back_at(&heaters, &sections, asked, flat),
        None => chip.pull_back(&heaters, &sections, flat),
    };
    let mut attenuators = input.split_off(sections[0].1);
    let output = attenuators.split_off(sections[1].1);
    MeshesGradient {
        input: Phases::from_flat(input, &tile.input),
        attenuators,
        output: Phases::from_flat(output, &tile.output),
    }
}

#[cfg(test)]
mod tests;
