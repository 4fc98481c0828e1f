//! What the heaters of a chip are asked for, as a mesh or a program that needs no correction any more.

use super::super::load::load_tile;
use super::super::placement::{Loading, check_given, seated, seats};
use super::super::readings;
use super::super::tile::asked;
use crate::compile::{Array, Meshes, Program, Tile};
use crate::error::{Context, Error, Result};
use crate::hardware::{ASKED_LIMIT_RAD, Chip, Placed};
use crate::mesh::{CellKind, Correction, Mesh, Phases};
use crate::units::amplitude_from_db;
use crate::watch::Watch;

/// A mesh or a program whose phases are what the heaters of one chip are asked for.
#[derive(Debug, Clone)]
pub struct Asked<T> {
    /// It: loaded without a correction, the chip does what it does with the correction that chose the phases.
    pub of: T,
    /// Number of cells and attenuators that no phases could make do what was asked.
    pub unreachable: usize,
}

/// `mesh` with the phases, rad, that the heaters of `chip` are asked for when `correction` makes up for what is known of it.
///
/// What is known is what the chip's hardware says is known: of a chip that was found from its measurements, all that was
/// found. Phases lie from 0 to 3π; beyond 2π where crosstalk or a heater that is weaker than its calibration asks for it.
///
/// # Errors
/// [`Error::Unsupported`] for cells other than MZIs, whose phases no file holds; [`Error::Value`] for a phase beyond 3π;
/// those of [`Chip::on_mesh`].
///
/// ```
/// use lightloom::mesh::{Correction, Geometry, Mesh};
/// use lightloom::processor::asked_of_mesh;
/// use lightloom::{Hardware, Seed};
///
/// let hardware = Hardware::from_toml("[phase_shifter]\noffset_rad = 2.0")?;
/// let chip = hardware.fabricate(Seed(0), 0);
/// let mesh = Mesh::bar(Geometry::Clements, 4)?;
/// let asked = asked_of_mesh(&mesh, &chip, Correction::Local)?.of;
/// let off = &chip.transfer(&asked) - &mesh.transfer();
/// assert!(off.iter().all(|z| z.norm() < 1e-12));
/// # Ok::<(), lightloom::Error>(())
/// ```
pub fn asked_of_mesh(mesh: &Mesh, chip: &Chip, correction: Correction) -> Result<Asked<Mesh>> {
    check_kind(chip)?;
    check_correction(mesh.is_asked(), correction)?;
    let chip = chip.on_mesh(mesh)?;
    let chip = &*chip.on_places_of(mesh);
    let chosen = chip.program(mesh, correction);
    let targets = chosen.phases.flat();
    let heaters = chip.heaters(|heaters| heaters.push_mesh(mesh, chip.cell_kind()));
    let sections = [(Placed::MESH, targets.len())];
    let flat = chip.asked(&heaters, &sections, targets, correction);
    Ok(Asked {
        of: with_flat(mesh, flat)?,
        unreachable: chosen.unreachable,
    })
}

/// `program` with the phases, rad, that the heaters of `chip` are asked for when it is loaded so: as
/// [`asked_of_mesh`] for both meshes and the attenuators of every tile. Digital scales make up for what the chip loses as they
/// do with the correction, though loss is then told by the phases of the file.
///
/// # Errors
/// Those of [`asked_of_mesh`] and [`Processor::load`](super::super::Processor::load); [`Error::Unsupported`] for a tile without
/// meshes; [`Error::Stopped`] if `watch` stops a fit.
pub fn asked_of_program(
    program: &Program,
    chip: &Chip,
    loading: impl Into<Loading>,
    watch: &dyn Watch,
) -> Result<Asked<Program>> {
    check_kind(chip)?;
    let Loading {
        correction,
        placement,
        ..
    } = loading.into();
    check_correction(program.is_asked(), correction)?;
    let seats = seats(program, &placement)?;
    let chip = seated(program, chip, &seats)?;
    check_given(program, &chip, &seats)?;
    let readings = readings(program, chip.hardware())?;
    let mut unreachable = 0;
    let mut maps = Vec::new();
    for ((map, seats), reading) in program.maps().zip(&seats).zip(readings) {
        let mut tiles = Vec::new();
        for (number, (tile, seat)) in map.tiles.iter().zip(seats).enumerate() {
            let place = || format!("layer `{}`, tile {number}", map.linear.name);
            let meshes = tile.as_meshes().within(place())?;
            let asked = asked(meshes, &chip, seat.at, correction, watch)?;
            unreachable += asked.unreachable;
            let meshes = with_asked(meshes, asked.phases).within(place())?;
            let mut as_asked = Tile {
                array: Array::Meshes(Box::new(meshes)),
                ..tile.clone()
            };
            let loss_db = |tile: &Tile, correction| {
                let loaded = load_tile::<f64>(tile, &chip, *seat, reading, correction, watch);
                Ok(loaded.within(place())?.loss_db)
            };
            let more_db: f64 = loss_db(tile, correction)? - loss_db(&as_asked, Correction::None)?;
            as_asked.scale *= amplitude_from_db(more_db);
            tiles.push(as_asked);
        }
        maps.push(tiles);
    }
    Ok(Asked {
        of: program.with_tiles(maps)?,
        unreachable,
    })
}

/// What a correction of phases that were corrected must be.
pub(in crate::processor) const CORRECTED: &str =
    "none: the phases are what heaters of one chip are asked for, corrected already";

/// Fails if `correction` would choose phases for what heaters are asked for already.
pub(in crate::processor) fn check_correction(is_asked: bool, correction: Correction) -> Result<()> {
    match correction {
        Correction::None => Ok(()),
        _ if !is_asked => Ok(()),
        _ => Err(Error::value("correction", correction.name(), CORRECTED)),
    }
}

/// Fails unless a file holds the phases of the chip's cells.
fn check_kind(chip: &Chip) -> Result<()> {
    match chip.cell_kind() {
        CellKind::Mzi => Ok(()),
        kind => {
            let what = format!("mesh.cell = {kind}");
            Err(Error::unsupported(
                "correction in a file",
                what,
                "plain MZIs, whose phases files hold",
            ))
        }
    }
}

/// `meshes` with these phases of the mesh of V†, the attenuators and the mesh of U.
fn with_asked(meshes: &Meshes, mut flat: Vec<f64>) -> Result<Meshes> {
    let output = flat.split_off(flat.len() - meshes.output.phase_shifters());
    let attenuators = flat.split_off(flat.len() - meshes.attenuators.len());
    check(&attenuators)?;
    Ok(Meshes {
        input: with_flat(&meshes.input, flat)?,
        attenuators,
        output: with_flat(&meshes.output, output)?,
    })
}

fn with_flat(mesh: &Mesh, flat: Vec<f64>) -> Result<Mesh> {
    check(&flat)?;
    let mesh = mesh.with_phases(Phases::from_flat(flat, mesh))?;
    Ok(mesh.said_asked())
}

/// Fails on a phase that would be taken for one a turn below when it is read.
fn check(phases: &[f64]) -> Result<()> {
    let within = |phase: &&f64| !(0.0..ASKED_LIMIT_RAD).contains(*phase);
    match phases.iter().find(within) {
        Some(phase) => {
            let limit = "below 3π, as files hold phases of heaters: less crosstalk, or smaller errors of V_π";
            Err(Error::value("phase of a heater, rad", phase, limit))
        }
        None => Ok(()),
    }
}
