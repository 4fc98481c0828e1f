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
/// Files are looked for from the current folder, from `folder` and from the folders above it, and taken only if they are
/// those that the sweep read, by their SHA-256.
pub(super) fn first_tile(results: &Results, source: &Source, folder: &Path) -> Found {
    let (Source::Network(name, _) | Source::Program(name)) = source;
    let Some(path) = locate(results, name, folder) else {
        return Err(format!(
            "The mesh is not drawn: {name}, as the sweep read it, is found neither from here nor from {} or a folder above it.",
            folder.display()
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
fn locate(results: &Results, name: &str, folder: &Path) -> Option<PathBuf> {
    let input = results
        .manifest
        .inputs
        .iter()
        .find(|input| input.path == name)?;
    let here = folder.canonicalize().ok()?;
    let roots = std::iter::once(PathBuf::new()).chain(here.ancestors().map(Path::to_owned));
    roots
        .map(|root| root.join(name))
        .find(|path| sha256_of_file(path).is_ok_and(|(_, sha256)| sha256 == input.sha256))
}
