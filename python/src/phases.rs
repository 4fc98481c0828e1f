//! What the tiles of maps are programmed to, as parameters that are trained elsewhere: phases and digital scales, and how a
//! loss changes with them.
//!
//! The phases of a tile stand in one list: those of the mesh of V†, of the attenuators, of the mesh of U, each mesh's as
//! `Phases::flat` has them. Those of a map are those of its tiles, row by row.

use lightloom::compile::{Array, Layout, Meshes, Multiplier, Tile, Weights};
use lightloom::error::Context;
use lightloom::field::Real;
use lightloom::mesh::{CellKind, Phases};
use lightloom::nn::{At, BLOCK, Batch, LinearId, Network, Weight};
use lightloom::processor::{MapGradient, TileGradient, weights_on};
use lightloom::{Correction, Error, Fields, Hardware, Processor, Program, Result, Watch};
use ndarray::{Array2, Array3, Axis, s};
use rayon::prelude::*;

/// Share of the largest weight by which those of a network may differ from the chip's: single precision and what an exporter
/// folds.
const SAME_WEIGHTS: f64 = 1e-5;

/// What the tiles of a map are programmed to.
pub struct Programmed {
    /// Of all tiles, rad.
    pub phases: Vec<f64>,
    /// The digital scale of each.
    pub scales: Vec<f64>,
}

/// How a loss changes with what a map is given, `[column, in]`, and with what its tiles are programmed to.
pub struct Slopes<T> {
    pub inputs: Array2<T>,
    pub tiles: Programmed,
}

/// Fails unless phases can be the parameters of programs of this `layout`, held as `hardware` holds weights, on its chips.
pub fn check_trainable(layout: Layout, hardware: &Hardware, correction: Correction) -> Result<()> {
    const HERE: &str = "where parameters are phases";
    if layout.multiplier == Multiplier::Crossbar {
        let limit = format!("meshes, such as clements, {HERE}: a crossbar has none");
        return Err(Error::value("geometry", layout.multiplier, limit));
    }
    let weights = weights_on(layout.weights, hardware);
    if weights != Weights::Exact {
        let limit = format!("exact {HERE}: there are no weights to round");
        return Err(Error::value("weights", weights, limit));
    }
    if correction != Correction::None {
        let limit = format!("none {HERE}: it would choose other ones");
        return Err(Error::value("correction", correction.name(), limit));
    }
    let cell = hardware.mesh().cell;
    if cell != CellKind::Mzi {
        let limit = format!("mzi {HERE}: they are those of MZIs");
        return Err(Error::value("mesh.cell", cell.name(), limit));
    }
    Ok(())
}

/// What the tiles of every map of `program` are programmed to.
///
/// # Errors
/// [`Error::Unsupported`] if a tile has no phases.
pub fn programmed(program: &Program) -> Result<Vec<Programmed>> {
    let of_map = |tiles: &[Tile]| -> Result<Programmed> {
        let mut phases = Vec::new();
        for tile in tiles {
            let meshes = tile.as_meshes()?;
            phases.extend(meshes.input.phases().flat());
            phases.extend(&meshes.attenuators);
            phases.extend(meshes.output.phases().flat());
        }
        let scales = tiles.iter().map(|tile| tile.scale).collect();
        Ok(Programmed { phases, scales })
    };
    program.maps().map(|map| of_map(map.tiles)).collect()
}

/// `program` with what its maps' tiles are `programmed` to.
///
/// # Errors
/// Within the map: [`Error::Shape`] if there is not a phase for every heater and a scale for every tile,
/// [`Error::NotFinite`] if one is not finite, [`Error::Value`] if a scale is below 0.
pub fn reprogrammed(program: &Program, programmed: Vec<Programmed>) -> Result<Program> {
    let maps = program.maps().zip(programmed).map(|(map, programmed)| {
        let tiles = tiles_of(map.tiles, programmed);
        tiles.within(format_args!("layer `{}`", map.linear.name))
    });
    program.with_tiles(maps.collect::<Result<Vec<Vec<Tile>>>>()?)
}

fn tiles_of(tiles: &[Tile], Programmed { phases, scales }: Programmed) -> Result<Vec<Tile>> {
    let shifters: Vec<usize> = tiles.iter().map(Tile::phase_shifters).collect();
    for (what, numbers, count) in [
        ("phases", &phases, shifters.iter().sum::<usize>()),
        ("scales", &scales, tiles.len()),
    ] {
        if numbers.len() != count {
            return Err(Error::shape(what, [numbers.len()], format!("[{count}]")));
        }
        if let Some(index) = numbers.iter().position(|number| !number.is_finite()) {
            return Err(Error::NotFinite {
                what: what.to_owned(),
                index: format!("[{index}]"),
                got: numbers[index].to_string(),
            });
        }
    }
    let mut rest = phases;
    let made = tiles.iter().zip(shifters).zip(scales);
    let made = made.map(|((tile, count), scale)| {
        let behind = rest.split_off(count);
        let own = std::mem::replace(&mut rest, behind);
        Ok(Tile {
            scale,
            array: Array::Meshes(Box::new(set(tile.as_meshes()?, own)?)),
            ..tile.clone()
        })
    });
    made.collect()
}

/// `meshes` with the phases of one tile.
fn set(meshes: &Meshes, mut phases: Vec<f64>) -> Result<Meshes> {
    let Meshes {
        input,
        attenuators,
        output,
    } = meshes;
    let mut middle = phases.split_off(input.phase_shifters());
    let last = middle.split_off(attenuators.len());
    Ok(Meshes {
        input: input.with_phases(Phases::from_flat(phases, input))?,
        attenuators: middle,
        output: output.with_phases(Phases::from_flat(last, output))?,
    })
}

/// The program of `network`, which computes what the model of `program` does: with the tiles of `program`.
///
/// `matrices` are what the chip multiplies by, `[group, out, in]` a map: the weights of the network must be these.
///
/// # Errors
/// [`Error::Shape`] if the network has another number of maps; [`Error::Format`] if a map of it has other weights.
pub fn program_of(
    program: &Program,
    network: &Network,
    matrices: &[Array3<f64>],
) -> Result<Program> {
    let count = program.maps().count();
    let linears = network.linears().count();
    if linears != count {
        let names: Vec<&str> = program.maps().map(|map| &*map.linear.name).collect();
        let limit = format!("[{count}]: {}", names.join(", "));
        return Err(Error::shape("maps of network", [linears], limit));
    }
    let maps = program.maps().zip(network.linears()).zip(matrices);
    let tiles = maps.map(|((map, (_, linear)), matrix)| {
        if holds(&linear.groups, matrix) {
            return Ok(map.tiles.to_vec());
        }
        let reason = format!(
            "are not what the chip multiplies by in `{}`: export to_digital(model), and give to_photonic its order of layers",
            map.linear.name
        );
        Err(Error::format(format!("weights of layer `{}`", linear.name), reason))
    });
    let tiles = tiles.collect::<Result<Vec<Vec<Tile>>>>()?;
    Program::from_tiles(network.clone(), program.layout(), tiles)
}

/// Whether `groups` are the weights `matrix`, `[group, out, in]`.
fn holds(groups: &[Weight], matrix: &Array3<f64>) -> bool {
    let largest = matrix.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
    groups.len() == matrix.len_of(Axis(0))
        && groups
            .iter()
            .zip(matrix.outer_iter())
            .all(|(group, matrix)| match group {
                Weight::Real(weight) => {
                    let mut pairs = weight.iter().zip(matrix);
                    weight.dim() == matrix.dim()
                        && pairs.all(|(a, b)| (a - b).abs() <= SAME_WEIGHTS * largest)
                }
                Weight::Complex(_) => false,
            })
}

/// How a loss changes with what the tiles of `map` are programmed to, where it changes so with what its outputs are the
/// product of its inputs with, `[out, in]`: of a processor whose shots do not differ.
pub fn by_matrix<T: Real>(
    processor: &Processor<T>,
    map: LinearId,
    by_matrix: Array2<T>,
) -> Programmed {
    // The product of the unit matrix is the matrix.
    let inputs = Batch::Real(Array2::eye(by_matrix.ncols()));
    let at = At { node: 0, block: 0 };
    let gradient = processor.map_gradient(map, &inputs, &Batch::Real(by_matrix), at);
    Programmed {
        phases: by_phases(processor, map, &gradient.weight),
        scales: gradient.scales,
    }
}

/// How a loss changes with the columns `x`, `[column, in]`, and with what the tiles of `map` are programmed to, where it
/// changes so with their products, `[column, out]`: as shots of `node` in blocks from number `first` on.
pub fn by_products<T: Real>(
    processor: &Processor<T>,
    map: LinearId,
    (x, by_products): (&Array2<T>, &Array2<T>),
    (node, first): (usize, u64),
    watch: &impl Watch,
) -> Result<Slopes<T>> {
    let count = x.nrows();
    let blocks = (0..count.div_ceil(BLOCK)).into_par_iter().map(|block| {
        if watch.stops() {
            return Err(Error::Stopped);
        }
        let rows = block * BLOCK..count.min((block + 1) * BLOCK);
        let part = |of: &Array2<T>| Batch::Real(of.slice(s![rows.clone(), ..]).t().to_owned());
        let at = At {
            node,
            block: first + block as u64,
        };
        Ok(processor.map_gradient(map, &part(x), &part(by_products), at))
    });
    let blocks = blocks.collect::<Result<Vec<MapGradient<T>>>>()?;
    let mut inputs = Array2::zeros(x.dim());
    let (mut re, mut im) = (None, None);
    let mut scales = vec![0.0; processor.program().tiles(map).len()];
    for (block, gradient) in blocks.into_iter().enumerate() {
        let Batch::Real(own) = &gradient.inputs else {
            unreachable!("real columns have real slopes")
        };
        let rows = block * BLOCK..count.min((block + 1) * BLOCK);
        inputs.slice_mut(s![rows, ..]).assign(&own.t());
        add(&mut re, gradient.weight.re().to_owned());
        add(&mut im, gradient.weight.im().to_owned());
        for (sum, scale) in scales.iter_mut().zip(gradient.scales) {
            *sum += scale;
        }
    }
    let (re, im): (Array2<T>, Array2<T>) = re.zip(im).expect("there are columns");
    let weight = Fields::new(re.view(), im.view()).expect("both parts are of one shape");
    Ok(Slopes {
        inputs,
        tiles: Programmed {
            phases: by_phases(processor, map, &weight),
            scales,
        },
    })
}

fn add<T: Real>(sum: &mut Option<Array2<T>>, part: Array2<T>) {
    match sum {
        Some(sum) => *sum += &part,
        None => *sum = Some(part),
    }
}

/// The slopes by the phases of all tiles of `map`, from those by its matrix.
fn by_phases<T: Real>(processor: &Processor<T>, map: LinearId, by_weight: &Fields<T>) -> Vec<f64> {
    let tiles = processor.tile_gradients(map, by_weight).into_iter();
    let phases = tiles.map(|tile| match tile {
        TileGradient::Meshes(by) => [by.input.flat(), by.attenuators, by.output.flat()].concat(),
        _ => unreachable!("tiles without meshes were refused"),
    });
    phases.collect::<Vec<_>>().concat()
}
