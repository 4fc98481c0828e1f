//! Which silicon the tiles of a program are on, and whether they fit it.

use std::collections::{BTreeMap, BTreeSet};

use crate::compile::{Array, Program, Tile};
use crate::error::{Context, Error, Result};
use crate::hardware::{Chip, Part, Placed, Placement, Quantity, Section, Site};
use crate::mesh::{Correction, Mesh};

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
    let mut silicon: BTreeMap<Site, Silicon> = BTreeMap::new();
    for (map, sites) in program.maps().zip(&sites) {
        let layer = &map.linear.name;
        for (number, (tile, site)) in map.tiles.iter().zip(sites).enumerate() {
            let first = silicon.entry(*site).or_insert_with(|| Silicon {
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
struct Silicon<'a> {
    tile: &'a Tile,
    name: String,
    detectors: usize,
}

impl Silicon<'_> {
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
