//! A chip as it stands on a bench: what its heaters are asked for, and one tile of a loaded program as an instrument.

mod asked;

pub use asked::{Asked, asked_of_mesh, asked_of_program};
pub(super) use asked::{CORRECTED, check_correction};

use super::Processor;
use super::tile::asked;
use crate::error::{Error, Result};
use crate::field::Real;
use crate::hardware::{Laboratory, Section};
use crate::nn::LinearId;

impl<T: Real> Processor<T> {
    /// A bench with tile number `tile` of map `id`, as it is loaded: what light meets is what it meets in this processor, down
    /// to the programming errors, which every further setting draws anew. Its heaters are those of the mesh of V†, of the
    /// attenuators and of the mesh of U, each mesh's theta, phi, screen and free shifters; they stand at the phases that they
    /// were asked for when the program was loaded, corrections included.
    ///
    /// Light in the first [`cols`](crate::compile::Tile::cols) inputs comes out at the first
    /// [`rows`](crate::compile::Tile::rows) outputs times the block of the map's matrix, in front of detectors and digital
    /// scales. There are ports for all modes of the meshes: light that goes backwards comes out of all of them. Drift begins
    /// when the bench does, whatever `phase_shifter.drift_time_s` says.
    ///
    /// # Errors
    /// [`Error::Value`] if there is no such map or tile, [`Error::Unsupported`] if it is a crossbar, which has no heaters.
    pub fn bench(&self, id: LinearId, tile: usize) -> Result<Laboratory> {
        let Some(map) = self.maps.get(&id) else {
            let limit = format!("below {}, as the program has maps", self.maps.len());
            return Err(Error::value("number of the map", id.0, limit));
        };
        let tiles = self.program.tiles(id);
        let (Some(programmed), Some(loaded)) = (tiles.get(tile), map.tiles.get(tile)) else {
            let limit = format!("below {}, as the map has tiles", tiles.len());
            return Err(Error::value("number of the tile", tile, limit));
        };
        let meshes = programmed.as_meshes()?;
        let at = loaded.at.section(Section::Input);
        let phases = asked(meshes, &self.chip, at, self.correction, &())?.phases;
        Ok(Laboratory::of_pair(
            self.chip.clone(),
            at,
            [&meshes.input, &meshes.output],
            meshes.attenuators.len(),
            &phases,
        ))
    }
}

#[cfg(test)]
mod tests;
