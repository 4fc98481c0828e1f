//! One matrix → one tile of the chip: `W = s · U diag(a) V†`.

use std::f64::consts::{FRAC_PI_2, PI, TAU};

use super::cover::Block;
use super::freedom::{End, completed};
use super::weights::{Held, Weights};
use super::{Layout, Multiplier, matrix};
use crate::error::{Error, Result};
use crate::field::Fields;
use crate::linalg::{C64, Matrix, adjoint_product, is_real, spectral_norm, svd};
use crate::mesh::{Geometry, Mesh, Mzi, closest};
use crate::nn::Linear;
use crate::rng::{Effect, Seed, Stream};

/// A block of a map's matrix, and what multiplies by it.
#[derive(Debug, Clone, PartialEq)]
pub struct Tile {
    /// First row of the map's matrix that the tile covers.
    pub row: usize,
    /// First column of the map's matrix that the tile covers.
    pub col: usize,
    /// Rows covered; there may be more [outputs](Self::outputs).
    pub rows: usize,
    /// Columns covered; there may be more [inputs](Self::inputs).
    pub cols: usize,
    /// Digital scale `s`: the largest singular value, or what stands for it in a butterfly. Light is multiplied by the
    /// block as its weights are held, over `s`.
    pub scale: f64,
    /// Digital factors of the rows, where weights are held over scales of their own: [`Weights::Abfp`](super::Weights).
    pub row_scales: Option<Vec<f64>>,
    /// What multiplies.
    pub array: Array,
}

/// What a tile is made of.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Array {
    /// Two meshes.
    Meshes(Box<Meshes>),
    /// A plain array of weights.
    Crossbar(Crossbar),
}

/// Two meshes with attenuators between them: `U diag(a) V†`.
///
/// The first `attenuators.len()` modes of the two meshes are joined; a mode of the larger mesh beyond them, and
/// every ancilla, ends in the dark.
#[derive(Debug, Clone, PartialEq)]
pub struct Meshes {
    /// Mesh of V†. Its screen also undoes the phase that each attenuator adds.
    pub input: Mesh,
    /// Internal phases of the attenuators, rad: the bar port of an MZI passes `a = sin(θ/2)`.
    pub attenuators: Vec<f64>,
    /// Mesh of U.
    pub output: Mesh,
}

/// A plain array: output k is Σ_j `weights[k, j]` · input j.
#[derive(Debug, Clone, PartialEq)]
pub struct Crossbar {
    /// The block over its digital scale, `[rows, cols]`; no entry is larger than 1.
    pub weights: Matrix,
    /// Columns of the array, between which the laser is split.
    pub inputs: usize,
    /// Rows of the array.
    pub outputs: usize,
}

/// Which part of a network a tile is to hold, and on what meshes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Number of the map.
    pub layer: usize,
    /// Number of the tile in it.
    pub tile: usize,
    /// First row and first column of the layer's matrix.
    pub corner: (usize, usize),
    /// Outputs of the tile, at least as many as rows.
    pub output_modes: usize,
    /// Inputs of the tile, at least as many as columns.
    pub input_modes: usize,
}

impl Place {
    /// The stream of one of the tile's choices: 0 the unused vectors of V†, 1 those of U, 2 the order of modes.
    fn stream(&self, seed: Seed, choice: u64) -> Stream {
        let unit = ((self.layer as u64) << 32) | self.tile as u64;
        seed.stream(Effect::Compiler, 0, unit, 1 + choice)
    }
}

/// Compiles `weight` into a tile.
pub(super) fn compile_tile(weight: &Matrix, place: &Place, layout: &Layout) -> Result<Tile> {
    let (rows, cols) = weight.shape();
    let Held { block, row_scales } = layout.weights.held(weight);
    let (scale, array) = match layout.multiplier {
        Multiplier::Meshes(geometry) => {
            let (scale, meshes) = compile_meshes(&block, geometry, place, layout)?;
            (scale, Array::Meshes(Box::new(meshes)))
        }
        Multiplier::Crossbar => {
            let largest = spectral_norm(&block)?;
            let (inputs, outputs) = (place.input_modes, place.output_modes);
            let crossbar = Crossbar::new(&block, largest, inputs, outputs);
            (largest, Array::Crossbar(crossbar))
        }
    };
    Ok(Tile {
        row: place.corner.0,
        col: place.corner.1,
        rows,
        cols,
        scale,
        row_scales,
        array,
    })
}

/// The tile that [`compile_tile`] would lay out, all of it in the bar state.
pub(super) fn outline_tile(weight: &Matrix, place: &Place, layout: &Layout) -> Result<Tile> {
    let (rows, cols) = weight.shape();
    let (inputs, outputs) = (place.input_modes, place.output_modes);
    let array = match layout.multiplier {
        Multiplier::Meshes(geometry) => {
            let input = Mesh::bar(geometry, inputs)?;
            let output = Mesh::bar(geometry, outputs)?;
            Array::Meshes(Box::new(Meshes {
                attenuators: vec![PI; inputs.min(outputs)],
                input,
                output,
            }))
        }
        Multiplier::Crossbar => {
            let zeros = Matrix::zeros(rows, cols);
            Array::Crossbar(Crossbar::new(&zeros, 0.0, inputs, outputs))
        }
    };
    Ok(Tile {
        row: place.corner.0,
        col: place.corner.1,
        rows,
        cols,
        scale: 0.0,
        row_scales: layout.weights.held(weight).row_scales,
        array,
    })
}

/// Compiles `weight` into the digital scale and the meshes of a tile.
///
/// Rows and columns beyond the matrix are padding: they carry no light. Singular vectors whose values are 0 to rounding
/// are free, as the modes of the padding are; see [`Aim`](super::Aim) and [`Arrangement`](super::Arrangement). A
/// butterfly comes as close to U and to V† as it can, then the attenuators make the best of both; what is missing is an
/// error of the tile's matrix.
fn compile_meshes(
    weight: &Matrix,
    geometry: Geometry,
    place: &Place,
    layout: &Layout,
) -> Result<(f64, Meshes)> {
    let (rows, cols) = weight.shape();
    let aim = layout.aim;
    let svd = svd(weight)?;
    let real = is_real(weight);
    let joined = place.output_modes.min(place.input_modes);
    let rounding = svd.s[0] * f64::EPSILON * rows.max(cols) as f64;
    let used = svd.s.iter().filter(|s| **s > rounding).count();
    let stream = |choice| place.stream(layout.seed, choice);
    let end = End::of(weight, used, place.output_modes, place.input_modes);
    let places = layout.arrangement.places(used, joined, end, &mut stream(2));
    let unitary = |vectors: &Matrix, modes, choice| {
        completed(vectors, modes, &places, aim, real, &mut stream(choice))
    };
    let v = unitary(&svd.v_adjoint.transpose(), place.input_modes, 0);
    let u = unitary(&svd.u, place.output_modes, 1);
    let input = closest(&v.transpose(), geometry)?.mesh;
    let output = closest(&u, geometry)?.mesh;
    let factors: Vec<C64> = if geometry.is_universal() {
        let mut factors = vec![C64::ZERO; joined];
        for (place, s) in places.iter().zip(&svd.s) {
            factors[*place] = C64::from(*s);
        }
        factors
    } else {
        best_factors(weight, joined, &output, &input)
    };
    let scale = factors
        .iter()
        .map(|factor| factor.norm())
        .fold(0.0, f64::max);
    let attenuators: Vec<f64> = factors
        .iter()
        .map(|factor| match scale > 0.0 {
            true => 2.0 * (factor.norm() / scale).min(1.0).asin(),
            false => 0.0,
        })
        .collect();
    let mut phases = input.phases().clone();
    for ((screen, theta), factor) in phases.screen.iter_mut().zip(&attenuators).zip(&factors) {
        *screen = crate::mesh::wrap(*screen - attenuator_phase(*theta) + factor.arg());
    }
    let input = input.with_phases(phases)?;
    let meshes = Meshes {
        input,
        attenuators,
        output,
    };
    Ok((scale, meshes))
}

/// The factors between two meshes that are not quite U and V† which make ‖weight − U diag(d) V†‖ smallest:
/// d_k = u_k† weight v_k, because the products u_k v_k† are orthonormal.
fn best_factors(weight: &Matrix, joined: usize, output: &Mesh, input: &Mesh) -> Vec<C64> {
    let (rows, cols) = weight.shape();
    let u = output.transfer().view((0, 0), (rows, joined)).into_owned();
    let v_adjoint = input.transfer().view((0, 0), (joined, cols)).into_owned();
    let inner = adjoint_product(&u, weight);
    let factor = |mode| inner.row(mode).dotc(&v_adjoint.row(mode)).conj();
    (0..joined).map(factor).collect()
}

/// Phase of the bar port of an MZI at `theta`, rad: T₁₁ = i e^{iθ/2} sin(θ/2).
fn attenuator_phase(theta: f64) -> f64 {
    FRAC_PI_2 + theta / 2.0
}

/// The factor of an attenuator at `theta`: that of the bar port of an MZI.
fn passed(theta: f64) -> C64 {
    Mzi::ideal(theta, 0.0).matrix()[0]
}

impl Tile {
    /// Fails unless the parts fit together: a scale, a block that the tile holds, an attenuator for each mode of the smaller
    /// mesh, no weight of a crossbar above 1.
    pub(super) fn check(&self) -> Result<()> {
        if !(self.scale.is_finite() && self.scale >= 0.0) {
            return Err(Error::value("scale", self.scale, "0 or more"));
        }
        match &self.array {
            Array::Meshes(meshes) => meshes.check()?,
            Array::Crossbar(Crossbar { weights, .. }) => {
                if weights.shape() != (self.rows, self.cols) {
                    let limit = format!("[{}, {}]", self.rows, self.cols);
                    let got = [weights.nrows(), weights.ncols()];
                    return Err(Error::shape("weights", got, limit));
                }
                if !weights.iter().all(|weight| weight.norm() <= 1.0 + 1e-12) {
                    let limit = "at least the largest weight of the tile";
                    return Err(Error::value("scale", self.scale, limit));
                }
            }
        }
        let (inputs, outputs) = (self.inputs(), self.outputs());
        if self.rows > outputs || self.cols > inputs {
            let limit = format!("at most [{outputs}, {inputs}]");
            return Err(Error::shape("tile", [self.rows, self.cols], limit));
        }
        Ok(())
    }

    /// Fails unless the tile is made of what `multiplier` says, and both its meshes have the nodes of the geometry.
    pub(super) fn check_made_of(&self, multiplier: Multiplier) -> Result<()> {
        let fits = match (multiplier, &self.array) {
            (Multiplier::Meshes(geometry), Array::Meshes(meshes)) => {
                [&meshes.input, &meshes.output].iter().all(|mesh| {
                    let ports = mesh.ports();
                    geometry.check(ports).is_ok()
                        && geometry.waveguides(ports) == mesh.modes()
                        && geometry.nodes(ports) == *mesh.nodes()
                })
            }
            (Multiplier::Crossbar, Array::Crossbar(_)) => true,
            _ => false,
        };
        if fits {
            Ok(())
        } else {
            let reason = format!("is not laid out as {multiplier}");
            Err(Error::format("a tile", reason))
        }
    }

    /// Fails unless the rows have the digital factors that `weights` says for this block of `linear`.
    pub(super) fn check_row_scales(&self, weights: Weights, linear: &Linear) -> Result<()> {
        if self.row_scales.is_none() && !matches!(weights, Weights::Abfp(_)) {
            return Ok(());
        }
        let whole = matrix(&linear.whole());
        let is_inside = |corner: usize, count, end| corner.checked_add(count) <= Some(end);
        let fits = is_inside(self.row, self.rows, whole.nrows())
            && is_inside(self.col, self.cols, whole.ncols())
            && {
                let block = whole.view((self.row, self.col), (self.rows, self.cols));
                weights.held(&block.into_owned()).row_scales == self.row_scales
            };
        if fits {
            Ok(())
        } else {
            let reason = format!("are not those of {weights} weights");
            Err(Error::format("row scales of a tile", reason))
        }
    }

    /// Where in the map's matrix it stands.
    pub(super) fn block(&self) -> Block {
        Block {
            row: self.row,
            col: self.col,
            rows: self.rows,
            cols: self.cols,
        }
    }

    /// The matrix that the tile realizes on a perfect chip, `[rows, cols]`.
    pub fn matrix(&self) -> Matrix {
        let mut matrix = match &self.array {
            Array::Meshes(meshes) => meshes.matrix(self.scale, (self.rows, self.cols)),
            Array::Crossbar(crossbar) => &crossbar.weights * C64::from(self.scale),
        };
        let scales = self.row_scales.iter().flatten();
        for (mut row, scale) in matrix.row_iter_mut().zip(scales) {
            row *= C64::from(*scale);
        }
        matrix
    }

    /// The tile's meshes, if it has any.
    pub fn meshes(&self) -> Option<&Meshes> {
        match &self.array {
            Array::Meshes(meshes) => Some(meshes),
            Array::Crossbar(_) => None,
        }
    }

    /// The tile's meshes.
    ///
    /// # Errors
    /// [`Error::Unsupported`] if it has none.
    pub fn as_meshes(&self) -> Result<&Meshes> {
        self.meshes().ok_or_else(|| {
            let limit = "it has no phases: compile with meshes, such as --geometry clements";
            Error::unsupported("tile", "crossbar", limit)
        })
    }

    /// Modes that light enters in, between which the laser is split.
    pub fn inputs(&self) -> usize {
        match &self.array {
            Array::Meshes(meshes) => meshes.input.ports(),
            Array::Crossbar(crossbar) => crossbar.inputs,
        }
    }

    /// Modes that light leaves in.
    pub fn outputs(&self) -> usize {
        match &self.array {
            Array::Meshes(meshes) => meshes.output.ports(),
            Array::Crossbar(crossbar) => crossbar.outputs,
        }
    }

    /// Number of MZIs, attenuators included.
    pub fn mzis(&self) -> usize {
        self.meshes().map_or(
            0,
            |Meshes {
                 input,
                 attenuators,
                 output,
             }| { input.nodes().len() + attenuators.len() + output.nodes().len() },
        )
    }

    /// Number of phase shifters, attenuators included.
    pub fn phase_shifters(&self) -> usize {
        self.meshes().map_or(
            0,
            |Meshes {
                 input,
                 attenuators,
                 output,
             }| {
                input.phase_shifters() + attenuators.len() + output.phase_shifters()
            },
        )
    }

    /// MZIs that light meets on its way through the tile, averaged over the modes.
    pub fn mean_depth(&self) -> f64 {
        self.meshes().map_or(0.0, |Meshes { input, output, .. }| {
            input.mean_depth() + 1.0 + output.mean_depth()
        })
    }
}

impl Meshes {
    /// Fails unless there is an attenuator for each mode of the smaller mesh.
    fn check(&self) -> Result<()> {
        if self.attenuators.len() != self.input.ports().min(self.output.ports()) {
            let limit = "one per mode of the smaller mesh";
            return Err(Error::shape("attenuators", [self.attenuators.len()], limit));
        }
        let bad = self.attenuators.iter().position(|theta| !theta.is_finite());
        bad.map_or(Ok(()), |mode| {
            Err(Error::NotFinite {
                what: "attenuators".to_owned(),
                index: format!("[{mode}]"),
                got: self.attenuators[mode].to_string(),
            })
        })
    }

    /// Amplitude that each attenuator passes, from 0 to 1: times the tile's digital scale these are the singular values of
    /// its block, unless its meshes are butterflies, which come only near it.
    pub fn passed(&self) -> Vec<f64> {
        let thetas = self.attenuators.iter();
        thetas.map(|theta| passed(*theta).norm()).collect()
    }

    /// How far `U diag(a) V†` on a perfect chip, of the first rows and columns, is from `block`: the amplitude of what
    /// is wrong behind it, of a few fields of unit power that light all columns. Another phase anywhere on their way is
    /// another field.
    pub(super) fn probed_error(&self, block: &Matrix) -> f64 {
        const FIELDS: usize = 2;
        let (rows, cols) = block.shape();
        // Phases k² / (golden ratio), in turns: no two columns are alike.
        let turns = |col: usize, field: usize| ((col + 1) * (col + 1 + field)) as f64 * 0.618_034;
        let probe = Matrix::from_fn(cols, FIELDS, |col, field| {
            C64::from_polar((cols as f64).sqrt().recip(), TAU * turns(col, field))
        });
        let mut light = Fields::zeros(self.input.modes(), FIELDS);
        for col in 0..cols {
            for field in 0..FIELDS {
                let amplitude = probe[(col, field)];
                light.re[[col, field]] = amplitude.re;
                light.im[[col, field]] = amplitude.im;
            }
        }
        self.input.coefficients().walk(&mut light);
        let factors = self.attenuators.iter().map(|theta| passed(*theta));
        let factors: Vec<C64> = factors.collect();
        let light = self.output.coefficients().walk_on(light, &factors);
        let wanted = crate::linalg::product(block, &probe);
        let off = |row: usize, field: usize| {
            let got = C64::new(light.re[[row, field]], light.im[[row, field]]);
            (got - wanted[(row, field)]).norm_sqr()
        };
        let all = (0..rows).flat_map(|row| (0..FIELDS).map(move |field| off(row, field)));
        (all.sum::<f64>() / FIELDS as f64).sqrt()
    }

    /// `scale · U diag(a) V†` on a perfect chip, of the first rows and columns.
    fn matrix(&self, scale: f64, shape: (usize, usize)) -> Matrix {
        let joined = self.attenuators.len();
        let mut inner = self.input.transfer().rows(0, joined).into_owned();
        for (mut row, theta) in inner.row_iter_mut().zip(&self.attenuators) {
            row *= passed(*theta) * C64::from(scale);
        }
        let outer = self.output.transfer().columns(0, joined).into_owned();
        let whole = crate::linalg::product(&outer, &inner);
        whole.view((0, 0), shape).into_owned()
    }
}

impl Crossbar {
    /// `block` over its digital `scale`, in an array of so many columns and rows; zeros where the scale is 0.
    pub(super) fn new(block: &Matrix, scale: f64, inputs: usize, outputs: usize) -> Self {
        let factor = if scale > 0.0 { scale.recip() } else { 0.0 };
        Self {
            weights: block * C64::from(factor),
            inputs,
            outputs,
        }
    }
}

#[cfg(test)]
mod tests;
