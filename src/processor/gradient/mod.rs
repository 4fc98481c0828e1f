//! How a loss changes with what a processor is made of: its signals, weights, digital scales and phases.
//!
//! The gradient of a real loss by a complex number z is kept as ∂L/∂Re z + i ∂L/∂Im z. A map multiplies a batch by one
//! matrix, so one product over the batch gives the gradient by that matrix, and all that depends on phases follows from
//! it: the work of a tile does not depend on the batch.

mod map;
mod tile;

use ndarray::{Zip, s};
use rayon::prelude::*;

use super::Processor;
use super::layer::Conditions;
use super::quality::{Clips, Effects};
use crate::compile::Array;
use crate::field::{Fields, Real};
use crate::hardware::Section;
use crate::linalg::C64;
use crate::nn::{At, Batch, LinearId};
pub use map::MapGradient;
pub use tile::MeshesGradient;

/// How a loss changes with what a tile is programmed to.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum TileGradient {
    /// By the phases that the heaters of its meshes are asked for.
    Meshes(Box<MeshesGradient>),
    /// By the weights of a crossbar over the digital scale, `[row, col]`.
    Crossbar(Fields<f64>),
}

impl<T: Real> Processor<T> {
    /// The gradient of a real loss by what map `id` is given and is made of, from that by its product, `by_outputs`, `[out,
    /// sample]`. `inputs`, `[in, sample]`, and the place `at` are those of the [product](crate::nn::Linears::multiply), whose
    /// noise is the same again.
    ///
    /// Noise of a shot is part of a reading that depends on the light (σ(|a|²) n with n held); converters, of inputs too,
    /// count as if they had no steps: straight through within their range, 0 beyond. The scales of blocks (`numbers.format
    /// = "abfp"`), within which nothing is out of range, are held, and so is the light that digital scales make up for.
    ///
    /// # Panics
    /// If the chip has no such map or no ranges for the place, or the batches are not those of a product.
    pub fn map_gradient(
        &self,
        id: LinearId,
        inputs: &Batch<T>,
        by_outputs: &Batch<T>,
        at: At,
    ) -> MapGradient<T> {
        let map = &self.maps[&id];
        let mut inputs = inputs.clone();
        inputs.store_by_rows();
        let mut gradient = match self.ranges.get(&at.node) {
            None => map.gradient(&inputs, by_outputs),
            Some(calibration) => {
                let conditions = Conditions {
                    map,
                    chip: &self.chip,
                    calibration,
                    at,
                    counts: Clips::default().counts,
                    effects: Effects::All,
                };
                conditions.gradient(inputs, by_outputs)
            }
        };
        // The tile's own digital scale, of which the loaded one makes up for lost light.
        let tiles = self.program.tiles(id).iter().zip(&map.tiles);
        for (by_scale, (tile, loaded)) in gradient.scales.iter_mut().zip(tiles) {
            if tile.scale > 0.0 {
                *by_scale *= loaded.scale / tile.scale;
            }
        }
        gradient
    }

    /// The gradient by what every tile of map `id` is programmed to, from that by the map's matrix, `[out, in]`: what
    /// [`map_gradient`](Self::map_gradient) says of its weights.
    ///
    /// Phases are those that heaters are asked for: the program's own where nothing is corrected and the chip's cells are
    /// MZIs, else those that were chosen for its cells; choosing them is not differentiated. Tiles that were corrected are
    /// corrected again. Tiles are worked on in parallel, on rayon's current pool; the result does not depend on it.
    ///
    /// # Panics
    /// If the chip has no such map, or its matrix has another shape.
    pub fn tile_gradients(&self, id: LinearId, by_weight: &Fields<T>) -> Vec<TileGradient> {
        let map = &self.maps[&id];
        assert_eq!(
            by_weight.re.dim(),
            map.whole.re.dim(),
            "a slope for every weight"
        );
        let tiles = self.program.tiles(id).par_iter().zip(&map.tiles);
        let gradients = tiles.map(|(tile, loaded)| {
            let block = s![
                tile.row..tile.row + tile.rows,
                tile.col..tile.col + tile.cols
            ];
            let mut by_matrix = Fields {
                re: by_weight.re.slice(block).to_owned(),
                im: by_weight.im.slice(block).to_owned(),
            };
            let factors = (0..tile.rows).map(|row| {
                let oscillator = loaded.oscillators.as_ref().map_or(C64::ONE, |all| all[row]);
                oscillator.conj() * loaded.row_scale(row)
            });
            by_matrix.scale_modes(&factors.collect::<Vec<_>>());
            match &tile.array {
                Array::Meshes(meshes) => {
                    let at = loaded.at.section(Section::Input);
                    let gradient =
                        tile::by_asked(meshes, &self.chip, at, self.correction, &by_matrix);
                    TileGradient::Meshes(Box::new(gradient))
                }
                Array::Crossbar(_) => TileGradient::Crossbar(Fields {
                    re: by_matrix.re.mapv(T::double),
                    im: by_matrix.im.mapv(T::double),
                }),
            }
        });
        gradients.collect()
    }

    /// The digital factor of row `row` of tile `tile` of map `id`; 0 of rows that no output is of.
    pub(crate) fn row_scale(&self, id: LinearId, tile: usize, row: usize) -> f64 {
        let loaded = &self.maps[&id].tiles[tile];
        match row < loaded.rows {
            true => loaded.row_scale(row),
            false => 0.0,
        }
    }

    /// The same processor with the ranges of modulators and converters of `other`.
    #[cfg(test)]
    pub(crate) fn with_ranges_of(mut self, other: &Self) -> Self {
        self.ranges.clone_from(&other.ranges);
        self
    }

    /// The gradient by a network's last signals from that by the outputs that are [read](crate::nn::Linears::read) of them.
    pub(crate) fn readout_gradient(
        &self,
        readout: crate::nn::Readout,
        signals: &Batch<T>,
        by_outputs: &ndarray::Array2<T>,
    ) -> Batch<T> {
        use super::Reading;
        use crate::nn::Readout;
        let measured = self.maps.values().next_back().map(|map| map.reading);
        match (measured, readout, signals) {
            (Some(Reading::Intensity), Readout::Intensity, powers) => {
                Readout::Real.pull_back(powers, by_outputs)
            }
            (Some(Reading::Intensity), Readout::Modulus, Batch::Real(powers)) => {
                let mut by = by_outputs.clone();
                Zip::from(&mut by).and(powers).for_each(|by, power| {
                    *by = match *power > T::zero() {
                        true => *by / (power.sqrt() + power.sqrt()),
                        false => T::zero(),
                    };
                });
                Batch::Real(by)
            }
            (_, readout, signals) => readout.pull_back(signals, by_outputs),
        }
    }
}
