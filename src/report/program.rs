//! The first tile of the program that a sweep ran, read again from its files.

use std::path::{Path, PathBuf};

use super::results::Results;
use crate::compile::{Program, Tile, compile};
use crate::error::Result;
use crate::experiment::sweep::Source;
use crate::io::hash::sha256_of_file;
use crate::nn::{Activation, Model};

/// Meshes beyond this size are too fine to look at.
const MOST_MODES: usize = 64;

/// A tile, or a sentence that says why there is none.
pub(super) type Found = std::result::Result<Box<Tile>, String>;

/// The first tile of the first layer of `source`.
///
/// Its file is looked for from `roots`, and taken only if it is the one that the sweep read, by its SHA-256.
pub(super) fn first_tile(results: &Results, source: &Source, roots: &[PathBuf]) -> Found {
    let (Source::Network(name, _) | Source::Program(name)) = source;
    let Some(path) = locate(results, name, roots) else {
        return Err(format!(
            "The mesh is not drawn: {name}, as the sweep read it, is not found. Paths are those of the experiment: give its \
             folder (lightloom report --from)."
        ));
    };
    match tile(results, source, &path) {
        Ok(found) => found,
        Err(error) => Err(format!("The mesh is not drawn: {error}.")),
    }
}

fn tile(results: &Results, source: &Source, path: &Path) -> Result<Found> {
    let too_large = |modes: usize| {
        Err(format!(
            "The mesh is not drawn: it has {modes} modes, and meshes of at most {MOST_MODES} modes can be looked at. \
             `lightloom draw` draws any."
        ))
    };
    let program = match source {
        Source::Program(_) => Program::load(path)?,
        Source::Network(_, layout) => {
            let between = match &results.sweep.base.activation {
                Some(name) => name.parse()?,
                None => Activation::Relu,
            };
            let mut model = Model::load(path, between)?;
            // Of the other layers nothing is drawn.
            model.layers.truncate(1);
            let modes = layout.tile.unwrap_or_else(|| {
                let weight = &model.layers[0].weight;
                weight.inputs().max(weight.outputs())
            });
            if modes > MOST_MODES {
                return Ok(too_large(modes));
            }
            compile(&model, *layout)?
        }
    };
    let tile = &program.tiles()[0][0];
    let modes = tile.input.modes().max(tile.output.modes());
    // A diamond of 64 modes has as many ancillas again.
    if modes > 2 * MOST_MODES {
        return Ok(too_large(modes));
    }
    Ok(Ok(Box::new(tile.clone())))
}

/// Where `name` lies with the content that the sweep read.
fn locate(results: &Results, name: &str, roots: &[PathBuf]) -> Option<PathBuf> {
    let mut inputs = results.manifest.inputs.iter();
    let input = inputs.find(|input| input.path == name)?;
    let mut paths = roots.iter().map(|root| root.join(name));
    paths.find(|path| sha256_of_file(path).is_ok_and(|(_, sha256)| sha256 == input.sha256))
}
