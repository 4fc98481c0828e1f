//! The first tile of the program that a sweep ran, read again from its files.

use std::path::{Path, PathBuf};

use super::results::Results;
use crate::compile::{Meshes, Program, compile, load_network};
use crate::error::{Error, Result};
use crate::experiment::sweep::Source;
use crate::io;
use crate::io::hash::sha256_of_file;
use crate::nn::{LinearId, Network, Readout};

/// Meshes beyond this size are too fine to look at.
const MOST_MODES: usize = 64;

/// The first tile of a program.
pub(crate) struct FirstTile {
    /// The name of its layer.
    pub(crate) layer: String,
    pub(crate) meshes: Meshes,
}

/// A tile, or a sentence that says why there is none.
pub(crate) type Found = std::result::Result<Box<FirstTile>, String>;

/// The first tile of the first layer of `source`.
///
/// Its file is taken only if it is the one that the sweep read, by its SHA-256. It must lie in `from`; without that it is
/// looked for from the current folder, `folder` and those above it.
///
/// # Errors
/// [`Error::Format`] if it does not lie in `from`.
pub(crate) fn first_tile(
    results: &Results,
    source: &Source,
    folder: &Path,
    from: Option<&Path>,
) -> Result<Found> {
    let (Source::Network(name, _) | Source::Program(name)) = source;
    let mut inputs = results.manifest.inputs.iter();
    let wanted = inputs.find(|input| input.path == *name);
    let is_it = |path: &PathBuf| {
        let found = sha256_of_file(path);
        found.is_ok_and(|(_, sha256)| wanted.is_some_and(|input| input.sha256 == sha256))
    };
    let path = match from {
        Some(from) => {
            let path = from.join(name);
            if !is_it(&path) {
                let what = match path.exists() {
                    true => {
                        "is another file than the sweep read: must have the SHA-256 that manifest.json names"
                    }
                    false => {
                        "does not exist: must be the file that the sweep read, for --from names its folder"
                    }
                };
                return Err(Error::format(path.display().to_string(), what));
            }
            Some(path)
        }
        None => {
            let here = folder
                .canonicalize()
                .map_err(|source| Error::io(folder, source))?;
            let above = here.ancestors().map(|root| root.join(name));
            std::iter::once(PathBuf::from(name))
                .chain(above)
                .find(is_it)
        }
    };
    let Some(path) = path else {
        return Ok(Err(format!(
            "The mesh is not drawn: {name}, as the sweep read it, is not found. Paths are those of the experiment: give its \
             folder (lightloom report --from)."
        )));
    };
    let levels = Path::new(name).components().count();
    let root = path.ancestors().nth(levels).unwrap_or(Path::new(""));
    Ok(match tile(results, source, &path, root) {
        Ok(found) => found,
        Err(error) => Err(format!("The mesh is not drawn: {error}.")),
    })
}

/// The first tile of `source`, whose file is `path`, from `folder` on by the name that the experiment has for it.
fn tile(results: &Results, source: &Source, path: &Path, folder: &Path) -> Result<Found> {
    let too_large = |modes: usize| {
        Err(format!(
            "The mesh is not drawn: it has {modes} modes, and meshes of at most {MOST_MODES} modes can be looked at. \
             `lightloom draw` draws any."
        ))
    };
    let (layer, program) = match source {
        Source::Program(_) => {
            let program = Program::load(path)?;
            let layer = program.maps().next().map(|map| map.linear.name.clone());
            (layer.unwrap_or_default(), program)
        }
        Source::Network(_, layout) => {
            let hints = results.sweep.base.remarks.hints(folder)?;
            let network = load_network(&io::Source::open(path)?, &hints)?.network;
            let Some((_, linear)) = network.linears().next() else {
                return Ok(Err(
                    "No mesh is drawn: nothing of the network is on light.".to_owned()
                ));
            };
            let modes = layout
                .tile
                .unwrap_or_else(|| linear.inputs().max(linear.outputs()));
            let layer = linear.name.clone();
            // Of the other layers nothing is drawn.
            let network = Network::of_weight(linear.groups[0].clone(), Readout::Modulus)?;
            if modes > MOST_MODES {
                return Ok(too_large(modes));
            }
            (layer, compile(&network, *layout)?)
        }
    };
    let Some(meshes) = program.tiles(LinearId(0))[0].meshes() else {
        return Ok(Err(
            "No mesh is drawn: the tiles of the first program are crossbars.".to_owned(),
        ));
    };
    let modes = meshes.input.modes().max(meshes.output.modes());
    // A diamond of 64 modes has as many ancillas again.
    if modes > 2 * MOST_MODES {
        return Ok(too_large(modes));
    }
    let meshes = meshes.clone();
    Ok(Ok(Box::new(FirstTile { layer, meshes })))
}
