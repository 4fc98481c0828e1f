//! Trained network → phases: tiles, singular values, decomposition.

mod file;
mod freedom;
mod open;
mod tile;

pub use freedom::{Aim, Arrangement};
pub use open::Compiled;
pub use tile::Tile;

use std::sync::Arc;

use std::f64::consts::PI;

use rayon::prelude::*;

use crate::error::{Context, Error, Result};
use crate::linalg::{Matrix, from_array};
use crate::mesh::Geometry;
use crate::nn::{Layer, Model, Weight};
use crate::rng::Seed;
use tile::{Place, compile_tile};

/// Modes of the largest tile: beyond it the phases of one mesh alone fill gigabytes.
const LARGEST_TILE: usize = 4096;

/// Distance of θ from the bar and the cross state, rad, below which couplers of usual errors (σ of 0.01 to 0.02 rad)
/// keep an MZI from its setting: it reaches 2|α + β| ≤ θ ≤ π − 2|α − β|. Bandyopadhyay et al., Optica 8, 1247 (2021).
pub const EDGE_RAD: f64 = 0.05;

/// How a network is laid out on meshes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Layout {
    /// Modes of the chip's meshes that carry data; `None` gives every layer one tile of its own size.
    pub tile: Option<usize>,
    /// Geometry of every mesh.
    pub geometry: Geometry,
    /// Order of the singular values of every tile.
    pub arrangement: Arrangement,
    /// The chip that the phases which the weights leave free are chosen for.
    pub aim: Aim,
    /// Seed of what is chosen at random.
    pub seed: Seed,
}

/// A network as phase settings: what a chip of the right size is asked to do.
///
/// It keeps the network that it was compiled from, so that a chip can be compared with digital. A clone is another handle
/// of the same program.
#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    parts: Arc<Parts>,
}

#[derive(Debug, PartialEq)]
struct Parts {
    model: Model,
    layout: Layout,
    /// Tiles of each layer, row by row.
    tiles: Vec<Vec<Tile>>,
}

impl Program {
    fn new(model: Model, layout: Layout, tiles: Vec<Vec<Tile>>) -> Self {
        let parts = Arc::new(Parts {
            model,
            layout,
            tiles,
        });
        Self { parts }
    }

    /// The network that was compiled.
    pub fn model(&self) -> &Model {
        &self.parts.model
    }

    /// How it was laid out.
    pub fn layout(&self) -> Layout {
        self.parts.layout
    }

    /// Error of the weights on a perfect chip, ‖W − W₀‖_F / ‖W₀‖_F over all layers: rounding where the geometry
    /// is universal, what the meshes cannot hold where it is not.
    pub fn weight_error(&self) -> f64 {
        let (mut error, mut norm) = (0.0, 0.0);
        for (layer, tiles) in self.parts.model.layers.iter().zip(&self.parts.tiles) {
            let weight = matrix(&layer.weight);
            norm += weight.norm_squared();
            for tile in tiles {
                let block = weight.view((tile.row, tile.col), (tile.rows, tile.cols));
                error += (block - tile.matrix()).norm_squared();
            }
        }
        if error == 0.0 {
            0.0
        } else {
            (error / norm).sqrt()
        }
    }

    /// Share of the MZIs of all meshes that stand within [`EDGE_RAD`] of the bar or the cross state, attenuators left out.
    pub fn share_at_edges(&self) -> f64 {
        let tiles = self.parts.tiles.iter().flatten();
        let meshes = tiles.flat_map(|tile| [&tile.input, &tile.output]);
        let (mut at_edges, mut all) = (0, 0);
        for mesh in meshes {
            let near = |theta: &&f64| {
                let folded = theta.rem_euclid(2.0 * PI);
                folded.min((folded - PI).abs()).min(2.0 * PI - folded) < EDGE_RAD
            };
            at_edges += mesh.theta().iter().filter(near).count();
            all += mesh.theta().len();
        }
        at_edges as f64 / all.max(1) as f64
    }

    /// The tiles of each layer: by layer, then row by row.
    pub fn tiles(&self) -> &[Vec<Tile>] {
        &self.parts.tiles
    }
}

/// Compiles a network: `W = s · U diag(a) V†` for every tile of every layer.
///
/// Tiles are compiled in parallel on rayon's current pool; the result does not depend on it.
///
/// # Errors
/// [`Error::Value`] if a tile would have fewer than 2 or more than 4096 modes, or not a power of two for
/// butterflies; [`Error::Shape`] if there is no tile, and a layer's own size is no power of two for butterflies;
/// those of the decomposition.
pub fn compile(model: &Model, layout: Layout) -> Result<Program> {
    if let Some(modes) = layout
        .tile
        .filter(|modes| !(2..=LARGEST_TILE).contains(modes))
    {
        return Err(Error::value(
            "tile",
            modes,
            format!("2..={LARGEST_TILE} modes"),
        ));
    }
    if let Some(modes) = layout
        .tile
        .filter(|modes| layout.geometry.check(*modes).is_err())
    {
        let limit = format!("a power of two for {} meshes", layout.geometry);
        return Err(Error::value("tile", modes, limit));
    }
    let tiles = model
        .layers
        .iter()
        .enumerate()
        .map(|(index, layer)| {
            let tiles = compile_layer(index, layer, layout);
            tiles.within(format_args!("layer `{}`", layer.name))
        })
        .collect::<Result<_>>()?;
    Ok(Program::new(model.clone(), layout, tiles))
}

fn compile_layer(index: usize, layer: &Layer, layout: Layout) -> Result<Vec<Tile>> {
    let weight = matrix(&layer.weight);
    let (rows, cols) = weight.shape();
    let (tile_rows, tile_cols) = layout.tile.map_or((rows, cols), |modes| (modes, modes));
    if [tile_rows, tile_cols]
        .iter()
        .any(|modes| layout.geometry.check(*modes).is_err())
    {
        let limit = format!(
            "powers of two for {} meshes of the layer's own size: give a tile (lightloom compile --tile 16)",
            layout.geometry
        );
        return Err(Error::shape("weight", [rows, cols], limit));
    }
    let corners: Vec<_> = (0..rows)
        .step_by(tile_rows)
        .flat_map(|row| (0..cols).step_by(tile_cols).map(move |col| (row, col)))
        .collect();
    corners
        .into_par_iter()
        .enumerate()
        .map(|(tile, corner)| {
            let (row, col) = corner;
            let shape = (tile_rows.min(rows - row), tile_cols.min(cols - col));
            let block = weight.view(corner, shape).into_owned();
            let place = Place {
                layer: index,
                tile,
                corner,
                output_modes: tile_rows,
                input_modes: tile_cols,
            };
            compile_tile(&block, &place, &layout)
        })
        .collect()
}

/// The weight of a layer as a complex matrix, `[out, in]`.
pub(crate) fn matrix(weight: &Weight) -> Matrix {
    from_array(weight.to_complex().view())
}
