//! Trained network → phases: tiles, singular values, decomposition.

mod cover;
mod file;
mod freedom;
mod multiplier;
mod open;
mod tile;
mod weights;

pub use file::{read_network, write_network};
pub use freedom::{Aim, Arrangement};
pub use multiplier::Multiplier;
pub use open::{Compiled, load_network};
pub use tile::{Array, Crossbar, Meshes, Tile};
pub use weights::Weights;
pub(crate) use weights::bfloat16;

use std::collections::BTreeMap;
use std::f64::consts::PI;
use std::sync::Arc;

use rayon::prelude::*;

use crate::error::{Context, Error, Result};
use crate::linalg::{Matrix, from_array};
use crate::nn::{Linear, LinearId, Network, Weight};
use crate::rng::Seed;
use crate::watch::Watch;
use cover::check_cover;
use tile::{Place, compile_tile, outline_tile};

/// Modes of the largest tile: beyond it the phases of one mesh alone fill gigabytes.
pub const LARGEST_TILE: usize = 4096;

/// Distance of θ from the bar and the cross state, rad, below which couplers of usual errors (σ of 0.01 to 0.02 rad)
/// keep an MZI from its setting: it reaches 2|α + β| ≤ θ ≤ π − 2|α − β|. Bandyopadhyay et al., Optica 8, 1247 (2021).
pub const EDGE_RAD: f64 = 0.05;

/// How a network is laid out on tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Layout {
    /// Modes of the chip's meshes that carry data; `None` gives every layer one tile of its own size.
    pub tile: Option<usize>,
    /// What every tile is made of.
    pub multiplier: Multiplier,
    /// How weights are held, before phases are chosen for them.
    pub weights: Weights,
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

#[derive(Debug, Clone, PartialEq)]
struct Parts {
    network: Network,
    layout: Layout,
    /// Tiles of each map, row by row.
    tiles: BTreeMap<LinearId, Vec<Tile>>,
}

/// A product of a network, and the tiles that compute it.
#[derive(Debug, Clone, Copy)]
pub struct Map<'a> {
    /// Its number in the network.
    pub id: LinearId,
    /// Its name and weights.
    pub linear: &'a Linear,
    /// Its tiles, row by row.
    pub tiles: &'a [Tile],
}

impl Map<'_> {
    /// Number of MZIs of its tiles, attenuators included.
    pub fn mzis(&self) -> usize {
        self.tiles.iter().map(Tile::mzis).sum()
    }
}

impl Program {
    fn new(network: Network, layout: Layout, tiles: BTreeMap<LinearId, Vec<Tile>>) -> Self {
        let parts = Arc::new(Parts {
            network,
            layout,
            tiles,
        });
        Self { parts }
    }

    /// A program of tiles that are there already, such as trained ones: those of map i at place i. `layout` says what they
    /// are made of.
    ///
    /// # Errors
    /// Those of [`Network::check`]; [`Error::Shape`] if there is not one list of tiles for every map; within the map:
    /// [`Error::Shape`], [`Error::Value`] or [`Error::NotFinite`] if a tile's parts do not fit together, [`Error::Format`] if
    /// they are not those of the layout's multiplier or its rows not scaled as its weights are, [`Error::Value`] or [`Error::Format`] if the tiles do not cover every
    /// weight once.
    pub fn from_tiles(network: Network, layout: Layout, tiles: Vec<Vec<Tile>>) -> Result<Self> {
        network.check()?;
        let tiles = fitting(&network, layout, tiles)?;
        Ok(Self::new(network, layout, tiles))
    }

    /// The same program with other tiles, such as trained ones: those of map i at place i.
    ///
    /// # Errors
    /// Those of [`from_tiles`](Self::from_tiles).
    pub fn with_tiles(&self, tiles: Vec<Vec<Tile>>) -> Result<Self> {
        let Parts {
            network, layout, ..
        } = &*self.parts;
        let tiles = fitting(network, *layout, tiles)?;
        Ok(Self::new(network.clone(), *layout, tiles))
    }

    /// Gives it another network of the same shapes.
    pub(crate) fn set_network(&mut self, network: Network) {
        Arc::make_mut(&mut self.parts).network = network;
    }

    /// Tile `number` of map `id`, whose numbers may change; copied only where another handle of the program is left.
    pub(crate) fn tile_mut(&mut self, id: LinearId, number: usize) -> &mut Tile {
        let tiles = Arc::make_mut(&mut self.parts).tiles.get_mut(&id);
        &mut tiles.expect("the program has the map")[number]
    }

    /// Whether its phases are what the heaters of one chip are asked for, as [`Mesh::is_asked`](crate::Mesh::is_asked) says of one
    /// mesh.
    pub fn is_asked(&self) -> bool {
        let mut tiles = self.maps().flat_map(|map| map.tiles);
        tiles.any(|tile| tile.meshes().is_some_and(|meshes| meshes.input.is_asked()))
    }

    /// The network that was compiled.
    pub fn network(&self) -> &Network {
        &self.parts.network
    }

    /// How it was laid out.
    pub fn layout(&self) -> Layout {
        self.parts.layout
    }

    /// Error of the weights on a perfect chip, ‖W − W₀‖_F / ‖W₀‖_F over all layers: what weights of few bits lack, and what
    /// the meshes cannot hold where their geometry is not universal.
    pub fn weight_error(&self) -> f64 {
        let (mut error, mut norm) = (0.0, 0.0);
        for map in self.maps() {
            let weight = matrix(&map.linear.whole());
            norm += weight.norm_squared();
            for tile in map.tiles {
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
        let tiles = self.parts.tiles.values().flatten();
        let meshes = tiles.filter_map(Tile::meshes);
        let meshes = meshes.flat_map(|meshes| [&meshes.input, &meshes.output]);
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

    /// The products that are computed with light, by their number.
    pub fn maps(&self) -> impl Iterator<Item = Map<'_>> {
        let tiles = &self.parts.tiles;
        self.network().linears().filter_map(|(id, linear)| {
            let tiles = tiles.get(&id)?;
            Some(Map { id, linear, tiles })
        })
    }

    /// The product called `name`, which is that of the layer of this name; the first one without a name. Errors call the
    /// name `what`.
    ///
    /// # Errors
    /// [`Error::Value`] if there is none.
    pub fn layer(&self, what: &str, name: Option<&str>) -> Result<Map<'_>> {
        let mut maps = self.maps();
        let found = maps.find(|map| name.is_none_or(|name| map.linear.name == name));
        found.ok_or_else(|| {
            let names: Vec<&str> = self.maps().map(|map| &*map.linear.name).collect();
            Error::unknown(what, name.unwrap_or_default(), &names)
        })
    }

    /// The tiles of map `id`, row by row; none where it is not computed with light.
    pub fn tiles(&self, id: LinearId) -> &[Tile] {
        self.parts.tiles.get(&id).map_or(&[], Vec::as_slice)
    }
}

/// The `tiles` of every map of `network`, those of map i at place i: fails unless they fit it and `layout`.
fn fitting(
    network: &Network,
    layout: Layout,
    tiles: Vec<Vec<Tile>>,
) -> Result<BTreeMap<LinearId, Vec<Tile>>> {
    let maps = network.linears().count();
    if tiles.len() != maps {
        let limit = format!("[{maps}]: one list for every map");
        return Err(Error::shape("tiles", [tiles.len()], limit));
    }
    for ((_, linear), tiles) in network.linears().zip(&tiles) {
        let fit = tiles.iter().try_for_each(|tile| {
            tile.check()?;
            tile.check_made_of(layout.multiplier)?;
            tile.check_row_scales(layout.weights, linear)
        });
        fit.and_then(|()| check_cover(tiles.iter().map(Tile::block), linear))
            .within(format_args!("layer `{}`", linear.name))?;
    }
    let tiles = tiles.into_iter().enumerate();
    Ok(tiles.map(|(map, tiles)| (LinearId(map), tiles)).collect())
}

/// Fails unless a tile can have `modes` modes.
fn check_tile_size(modes: usize) -> Result<()> {
    match (2..=LARGEST_TILE).contains(&modes) {
        true => Ok(()),
        false => {
            let limit = format!("2..={LARGEST_TILE} modes");
            Err(Error::value("tile", modes, limit))
        }
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
pub fn compile(network: &Network, layout: Layout) -> Result<Program> {
    compile_watched(network, layout, &())
}

/// Compiles as [`compile`]; where `watch` stops the work, no more tiles are begun.
///
/// # Errors
/// Those of [`compile`], and [`Error::Stopped`].
pub fn compile_watched(network: &Network, layout: Layout, watch: &impl Watch) -> Result<Program> {
    laid_out(network, layout, |block, place, layout| {
        match watch.stops() {
            true => Err(Error::Stopped),
            false => compile_tile(block, place, layout),
        }
    })
}

/// The program that [`compile`] would lay out, with tiles that hold no weights: what of it does not depend on phases is
/// there at once.
///
/// # Errors
/// Those of [`compile`], but for those of the decomposition.
pub(crate) fn outline(network: &Network, layout: Layout) -> Result<Program> {
    laid_out(network, layout, outline_tile)
}

/// How a tile is made of a block of weights and its place.
trait MakeTile: Fn(&Matrix, &Place, &Layout) -> Result<Tile> + Sync {}

impl<F: Fn(&Matrix, &Place, &Layout) -> Result<Tile> + Sync> MakeTile for F {}

fn laid_out(network: &Network, layout: Layout, make: impl MakeTile) -> Result<Program> {
    layout.weights.check()?;
    if let Some(modes) = layout.tile {
        check_tile_size(modes)?;
    }
    if let Some(modes) = layout
        .tile
        .filter(|modes| layout.multiplier.check(*modes).is_err())
    {
        let limit = format!("a power of two for {} meshes", layout.multiplier);
        return Err(Error::value("tile", modes, limit));
    }
    let tiles = network
        .linears()
        .map(|(id, linear)| {
            let tiles = compile_map(id, linear, layout, &make);
            let tiles = tiles.within(format_args!("layer `{}`", linear.name))?;
            Ok((id, tiles))
        })
        .collect::<Result<_>>()?;
    Ok(Program::new(network.clone(), layout, tiles))
}

/// The tiles of one map: those of its first group row by row, then those of the next.
fn compile_map(
    id: LinearId,
    linear: &Linear,
    layout: Layout,
    make: &impl MakeTile,
) -> Result<Vec<Tile>> {
    let mut tiles = Vec::new();
    let mut corner = (0, 0);
    for group in &linear.groups {
        let start = (corner, tiles.len());
        tiles.extend(compile_group(id, group, start, layout, make)?);
        corner = (corner.0 + group.outputs(), corner.1 + group.inputs());
    }
    Ok(tiles)
}

/// The tiles of one group, whose first weight stands at `corner` of its map, and whose first tile has number `first`.
fn compile_group(
    id: LinearId,
    weight: &Weight,
    (corner, first): ((usize, usize), usize),
    layout: Layout,
    make: &impl MakeTile,
) -> Result<Vec<Tile>> {
    let weight = matrix(weight);
    let (rows, cols) = weight.shape();
    let (tile_rows, tile_cols) = layout.tile.map_or((rows, cols), |modes| (modes, modes));
    if [tile_rows, tile_cols]
        .iter()
        .any(|modes| layout.multiplier.check(*modes).is_err())
    {
        let limit = format!(
            "powers of two for {} meshes of the layer's own size: give a tile (lightloom compile --tile 16)",
            layout.multiplier
        );
        return Err(Error::shape("weight", [rows, cols], limit));
    }
    let blocks: Vec<_> = (0..rows)
        .step_by(tile_rows)
        .flat_map(|row| (0..cols).step_by(tile_cols).map(move |col| (row, col)))
        .collect();
    blocks
        .into_par_iter()
        .enumerate()
        .map(|(number, (row, col))| {
            let shape = (tile_rows.min(rows - row), tile_cols.min(cols - col));
            let block = weight.view((row, col), shape).into_owned();
            let place = Place {
                layer: id.0,
                tile: first + number,
                corner: (corner.0 + row, corner.1 + col),
                output_modes: tile_rows,
                input_modes: tile_cols,
            };
            make(&block, &place, &layout)
        })
        .collect()
}

/// A weight as a complex matrix, `[out, in]`.
pub(crate) fn matrix(weight: &Weight) -> Matrix {
    from_array(weight.to_complex().view())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::linalg::C64;
    use crate::mesh::{Geometry, Mesh};
    use crate::nn::Readout;

    fn program(multiplier: Multiplier) -> Program {
        let weight = ndarray::Array2::from_shape_fn((5, 6), |(r, c)| (r * 7 + c * c) as f64 - 9.0);
        let network = Network::of_weight(Weight::Real(weight), Readout::Real).unwrap();
        let layout = Layout {
            tile: Some(4),
            multiplier,
            ..Layout::default()
        };
        compile(&network, layout).unwrap()
    }

    fn tiles(program: &Program) -> Vec<Vec<Tile>> {
        program.maps().map(|map| map.tiles.to_vec()).collect()
    }

    fn meshes(tile: &mut Tile) -> &mut Meshes {
        match &mut tile.array {
            Array::Meshes(meshes) => meshes,
            Array::Crossbar(_) => panic!("the tile is made of meshes"),
        }
    }

    fn crossbar(tile: &mut Tile) -> &mut Crossbar {
        match &mut tile.array {
            Array::Crossbar(crossbar) => crossbar,
            Array::Meshes(_) => panic!("the tile is a crossbar"),
        }
    }

    #[test]
    fn a_program_of_its_own_tiles_is_the_program() {
        for multiplier in [Multiplier::default(), Multiplier::Crossbar] {
            let program = program(multiplier);
            let (network, layout) = (program.network().clone(), program.layout());
            let again = Program::from_tiles(network, layout, tiles(&program));
            assert_eq!(again.unwrap(), program);
            assert_eq!(program.with_tiles(tiles(&program)).unwrap(), program);
        }
    }

    #[test]
    fn work_that_is_stopped_begins_no_more_tiles() {
        struct AfterOne(AtomicUsize);
        impl Watch for AfterOne {
            fn stops(&self) -> bool {
                self.0.fetch_add(1, Ordering::Relaxed) > 0
            }
        }
        let weight = Weight::Real(ndarray::Array2::ones((64, 64)));
        let network = Network::of_weight(weight, Readout::Real).unwrap();
        let layout = Layout {
            tile: Some(2),
            ..Layout::default()
        };
        let watch = AfterOne(AtomicUsize::new(0));
        let error = compile_watched(&network, layout, &watch).unwrap_err();
        assert!(matches!(error.root(), Error::Stopped));
        let asked = watch.0.into_inner();
        assert!(asked < 1024 / 2, "{asked} of 1024 tiles were begun");
        assert!(compile_watched(&network, layout, &()).is_ok());
    }

    #[test]
    fn tiles_that_are_no_program_are_refused() {
        let refused = |multiplier, change: &dyn Fn(&mut Vec<Vec<Tile>>)| {
            let program = program(multiplier);
            let mut tiles = tiles(&program);
            change(&mut tiles);
            let (network, layout) = (program.network().clone(), program.layout());
            let error = Program::from_tiles(network, layout, tiles).unwrap_err();
            match error {
                Error::Within { context, source } => {
                    assert_eq!(context, "layer `only`");
                    *source
                }
                other => other,
            }
        };
        let of_meshes =
            |change: &dyn Fn(&mut Vec<Vec<Tile>>)| refused(Multiplier::default(), change);
        let of_crossbars =
            |change: &dyn Fn(&mut Vec<Vec<Tile>>)| refused(Multiplier::Crossbar, change);
        let shape = |error| matches!(error, Error::Shape { .. });
        let value = |error| matches!(error, Error::Value { .. });
        let format = |error| matches!(error, Error::Format { .. });
        let not_finite = |error| matches!(error, Error::NotFinite { .. });
        assert!(shape(of_meshes(&|tiles| tiles.clear())));
        assert!(shape(of_meshes(&|tiles| {
            meshes(&mut tiles[0][1]).attenuators.truncate(2);
        })));
        assert!(not_finite(of_meshes(&|tiles| {
            meshes(&mut tiles[0][1]).attenuators[2] = f64::NAN;
        })));
        assert!(shape(of_meshes(&|tiles| tiles[0][0].rows = 5)));
        assert!(value(of_meshes(&|tiles| tiles[0][2].scale = -1.0)));
        assert!(value(of_meshes(&|tiles| tiles[0][1].col = 3)));
        assert!(value(of_meshes(&|tiles| tiles[0][1].col = 5)));
        assert!(format(of_meshes(&|tiles| drop(tiles[0].pop()))));
        let other = Mesh::bar(Geometry::Reck, 4).unwrap();
        assert!(format(of_meshes(&|tiles| {
            meshes(&mut tiles[0][0]).output = other.clone();
        })));
        assert!(value(of_crossbars(&|tiles| {
            crossbar(&mut tiles[0][0]).weights *= C64::from(2.0);
        })));
        assert!(shape(of_crossbars(&|tiles| {
            crossbar(&mut tiles[0][0]).weights = Matrix::zeros(3, 4);
        })));
        let array = program(Multiplier::default()).tiles(LinearId(0))[0]
            .array
            .clone();
        assert!(format(of_crossbars(&|tiles| {
            tiles[0][0].array = array.clone();
        })));
    }
}
