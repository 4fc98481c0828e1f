//! Which silicon the tiles of a program are on, and whether they fit it.

use std::collections::{BTreeMap, BTreeSet};

use crate::compile::{Array, Meshes, Program, Tile};
use crate::error::{Context, Error, Result};
use crate::hardware::{
    Chip, Hardware, MeasuredChip, Others, Part, Parts, Placed, Placement, Quantity, Section,
    Silicon, Site,
};
use crate::mesh::{Correction, Mesh};
use crate::rng::Seed;

/// How a program is loaded: a [`Correction`] alone says that every tile has its own silicon.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Loading {
    /// How phases are chosen.
    pub correction: Correction,
    /// Which silicon each tile is on.
    pub placement: Placement,
    /// Whether the tiles of a map are loaded in parallel, on rayon's current pool, which the result does not depend on: for
    /// one chip at a time.
    pub parallel: bool,
}

impl From<Correction> for Loading {
    fn from(correction: Correction) -> Self {
        Self {
            correction,
            ..Self::default()
        }
    }
}

/// A tile of a program and its silicon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seat {
    pub(super) at: Placed,
    /// Rows that the site has detectors for: those of the tallest tile on it.
    pub(super) detectors: usize,
}

/// The seat of every tile, map by map.
///
/// # Errors
/// Those of [`Placement::sites`]; [`Error::Shape`] or [`Error::Format`], within its layer, if a tile is on one site with a
/// tile of other meshes.
pub(super) fn seats(program: &Program, placement: &Placement) -> Result<Vec<Vec<Seat>>> {
    let tiles: Vec<usize> = program.maps().map(|map| map.tiles.len()).collect();
    let sites = placement.sites(&tiles)?;
    let mut silicon: BTreeMap<Site, OnSite> = BTreeMap::new();
    for (map, sites) in program.maps().zip(&sites) {
        let layer = &map.linear.name;
        for (number, (tile, site)) in map.tiles.iter().zip(sites).enumerate() {
            let first = silicon.entry(*site).or_insert_with(|| OnSite {
                tile,
                name: format!("tile {number} of layer `{layer}`"),
                detectors: 0,
            });
            first.detectors = first.detectors.max(tile.rows);
            first
                .check(tile, *site)
                .within(format_args!("layer `{layer}`, tile {number}"))?;
        }
    }
    let maps = program.maps().zip(sites);
    let maps = maps.map(|(map, sites)| {
        let seats = sites.into_iter().enumerate().map(|(tile, site)| Seat {
            at: Placed {
                part: Part {
                    layer: map.id.0,
                    tile,
                    section: Section::Input,
                },
                site,
            },
            detectors: silicon[&site].detectors,
        });
        seats.collect()
    });
    Ok(maps.collect())
}

/// `chip` with what was measured of it put on the tiles of `program`, each under the ids of its layer and number: tiles that
/// share silicon are names of the same components.
///
/// # Errors
/// [`Error::Format`] and [`Error::Value`] for a component that no tile has, or that is measured in two ways.
pub(super) fn seated(program: &Program, chip: &Chip, seats: &[Vec<Seat>]) -> Result<Chip> {
    let silicon = match chip.needs_seat() {
        true => silicon(program, seats),
        false => Vec::new(),
    };
    chip.on(&silicon, Others::Refused)
}

/// What would be measured of `chip` under `program`, each tile on silicon of its own, by instruments that do not err: every
/// number that was drawn, or that was measured.
///
/// # Errors
/// [`Error::Format`] and [`Error::Value`] for a measured component that no tile has, or that is measured in two ways.
pub fn measured_of(program: &Program, chip: &Chip) -> Result<MeasuredChip> {
    let seats = seats(program, &Placement::OwnMeshes)?;
    let silicon = silicon(program, &seats);
    chip.on(&silicon, Others::Refused)?.measured_of(&silicon)
}

/// Fails unless every component that was measured of chips of `hardware` is one of `program`, each tile of which has silicon
/// of its own.
///
/// # Errors
/// As [`measured_of`].
pub fn check_measured(program: &Program, hardware: &Hardware) -> Result<()> {
    if hardware.measured().has_no_numbers() {
        return Ok(());
    }
    let seats = seats(program, &Placement::OwnMeshes)?;
    let chip = hardware.fabricate(Seed(0), 0);
    chip.on(&silicon(program, &seats), Others::Refused)
        .map(drop)
}

/// The sections of all tiles of `program`, which have these seats.
fn silicon<'a>(program: &'a Program, seats: &[Vec<Seat>]) -> Vec<Silicon<'a>> {
    let maps = program.maps().zip(seats);
    let tiles = maps.flat_map(|(map, seats)| {
        let tiles = map.tiles.iter().zip(seats).enumerate();
        let layer = &map.linear.name;
        let of = |(number, (tile, seat)): (usize, (&'a Tile, &Seat))| {
            silicon_of(layer, number, tile, *seat)
        };
        tiles.flat_map(of).collect::<Vec<_>>()
    });
    tiles.collect()
}

/// The sections of tile number `number` of a layer, which has this seat.
fn silicon_of<'a>(
    layer: &str,
    number: usize,
    tile: &'a Tile,
    Seat { at, detectors }: Seat,
) -> Vec<Silicon<'a>> {
    let meshes = tile.meshes();
    let mut silicon = meshes.map_or(Vec::new(), |meshes| {
        silicon_of_meshes(layer, number, meshes, at).into()
    });
    silicon.push(Silicon {
        at: at.section(Section::Detectors),
        path: Section::Detectors.path(layer, number),
        parts: Parts::Detectors(detectors),
    });
    silicon
}

/// The sections with meshes and attenuators of tile number `number` of a layer.
fn silicon_of_meshes<'a>(
    layer: &str,
    number: usize,
    meshes: &'a Meshes,
    at: Placed,
) -> [Silicon<'a>; 3] {
    let joined = meshes.attenuators.len();
    [
        (Section::Input, Parts::Mesh(&meshes.input)),
        (Section::Attenuators, Parts::Attenuators(joined)),
        (Section::Output, Parts::Mesh(&meshes.output)),
    ]
    .map(|(section, parts)| Silicon {
        at: at.section(section),
        path: section.path(layer, number),
        parts,
    })
}

/// `chip` with what was measured of tile number `number` of a layer put on its `meshes`; what was measured of others is
/// left out.
///
/// # Errors
/// As [`seated`].
pub(crate) fn seated_tile(
    chip: &Chip,
    layer: &str,
    number: usize,
    meshes: &Meshes,
) -> Result<Chip> {
    let silicon = silicon_of_meshes(layer, number, meshes, Placed::MESH);
    chip.on(&silicon, Others::Elsewhere)
}

/// Fails unless what `chip` is given fits the tiles on its sites.
///
/// # Errors
/// [`Error::Shape`] for an array of another length than its section has elements; [`Error::Format`] for one of a section
/// that the program does not use.
pub(super) fn check_given(program: &Program, chip: &Chip, seats: &[Vec<Seat>]) -> Result<()> {
    if chip.given().is_empty() {
        return Ok(());
    }
    let kind = chip.cell_kind();
    let mut used = BTreeSet::new();
    let tiles = program.maps().flat_map(|map| map.tiles);
    for (tile, seat) in tiles.zip(seats.iter().flatten()) {
        if !used.insert(seat.at.site) {
            continue;
        }
        // A crossbar has no cells of which anything could be known.
        let parts = tile.meshes().map_or([(0, 0); 3], |meshes| {
            let joined = meshes.attenuators.len();
            let of = |mesh: &Mesh| (mesh.nodes().len(), mesh.phase_shifters_of(kind));
            [of(&meshes.input), (joined, joined), of(&meshes.output)]
        });
        let sections = [Section::Input, Section::Attenuators, Section::Output];
        for (section, (cells, shifters)) in sections.into_iter().zip(parts) {
            chip.check_given(seat.at.section(section), cells, shifters)?;
        }
        let detectors = |quantity| match quantity {
            Quantity::Gain => 2 * seat.detectors,
            _ => seat.detectors,
        };
        let given = chip.given();
        given.check(seat.at.site, Section::Detectors, detectors)?;
    }
    match chip.given().sites().find(|site| !used.contains(site)) {
        Some(site) => {
            let reason = format!("are given at {site}, where no tile of the program is");
            Err(Error::format("numbers of a chip", reason))
        }
        None => Ok(()),
    }
}

/// What a site has: the meshes of the first tile on it.
struct OnSite<'a> {
    tile: &'a Tile,
    name: String,
    detectors: usize,
}

impl OnSite<'_> {
    fn check(&self, tile: &Tile, site: Site) -> Result<()> {
        let modes = |tile: &Tile| match &tile.array {
            Array::Meshes(meshes) => [meshes.output.modes(), meshes.input.modes()],
            Array::Crossbar(crossbar) => [crossbar.outputs, crossbar.inputs],
        };
        let joined = |tile: &Tile| tile.meshes().map(|meshes| meshes.attenuators.len());
        if modes(tile) != modes(self.tile) || joined(tile) != joined(self.tile) {
            let limit = format!(
                "{:?}, as {} has on the same silicon ({site}): meshes are shared by tiles of one shape, \
                 which a network compiled with a tile size has",
                modes(self.tile),
                self.name
            );
            return Err(Error::shape("pair of meshes", modes(tile), limit));
        }
        let alike = |a: &Mesh, b: &Mesh| a.nodes() == b.nodes();
        let is_alike = match (tile.meshes(), self.tile.meshes()) {
            (Some(a), Some(b)) => alike(&a.input, &b.input) && alike(&a.output, &b.output),
            (a, b) => a.is_none() && b.is_none(),
        };
        if !is_alike {
            let reason = format!(
                "are laid out otherwise than those of {} on the same silicon ({site})",
                self.name
            );
            return Err(Error::format("meshes", reason));
        }
        Ok(())
    }
}
