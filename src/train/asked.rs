//! Programs of what heaters are asked for, where training begins on one chip.

use super::trainable::{meshes_mut, set_phases};
use crate::compile::{Meshes, Program, Tile};
use crate::error::{Error, Result};
use crate::hardware::{Chip, Hardware};
use crate::mesh::{CellKind, Correction};
use crate::nn::Linears;
use crate::processor::Processor;

/// `program` with the phases that the heaters of `chip` are asked for when it is loaded with `correction`: without one they do
/// the same on this chip.
///
/// # Errors
/// Those of [`Processor::load`] and [`Processor::bench`]; [`Error::Value`] where the chip's cells are no MZIs.
pub fn as_asked(program: &Program, chip: &Chip, correction: Correction) -> Result<Program> {
    check_cells(chip.hardware())?;
    let run = |_: &dyn Linears<f64>| Ok(());
    let processor = Processor::<f64>::load_by(program, chip.clone(), correction, run)?;
    let maps = program.maps().map(|map| {
        let tiles = map.tiles.iter().enumerate().map(|(number, tile)| {
            let bench = processor.bench(map.id, number)?;
            let mut tile = tile.clone();
            let Meshes {
                input,
                attenuators,
                output,
            } = meshes_mut(&mut tile);
            let (ahead, rest) = bench.phases().split_at(input.phase_shifters());
            let (middle, behind) = rest.split_at(attenuators.len());
            set_phases(input, ahead)?;
            attenuators.copy_from_slice(middle);
            set_phases(output, behind)?;
            Ok(tile)
        });
        tiles.collect::<Result<Vec<Tile>>>()
    });
    let maps = maps.collect::<Result<_>>()?;
    program.with_tiles(maps)
}

/// Fails unless the phases of a program are those of the cells of such chips.
pub(super) fn check_cells(hardware: &Hardware) -> Result<()> {
    match hardware.mesh().cell {
        CellKind::Mzi => Ok(()),
        cell => {
            let limit = "mzi where phases are trained: those of other cells are chosen for them";
            Err(Error::value("mesh.cell", cell, limit))
        }
    }
}
