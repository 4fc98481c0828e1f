//! Silicon and the work that it does: the two addresses of what is drawn on a chip.

use crate::error::{Error, Result};
use crate::rng::{Address, Effect, Seed};

/// The silicon of one tile: two meshes, the attenuators between them and the detectors behind them.
///
/// It is the unit of what is drawn once a chip, such as splitting errors: tiles on one site have the same ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Site {
    /// Which chip of several.
    pub chip: u16,
    /// Which bank of meshes on it.
    pub bank: u16,
    /// Which mesh of the bank.
    pub mesh: u32,
}

impl std::fmt::Display for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "chip {}, bank {}, mesh {}",
            self.chip, self.bank, self.mesh
        )
    }
}

/// A section of a tile, in the order in which light meets them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u64)]
pub enum Section {
    /// The mesh of V†, or a mesh that stands alone.
    Input = 0,
    /// The attenuators between the meshes.
    Attenuators = 1,
    /// The mesh of U.
    Output = 2,
    /// The detectors.
    Detectors = 3,
}

impl Section {
    /// All of them, in the order in which light meets them.
    pub const ALL: [Self; 4] = [
        Self::Input,
        Self::Attenuators,
        Self::Output,
        Self::Detectors,
    ];

    /// The path of this section of tile number `tile` of a program's `layer`, with which the ids of its components begin:
    /// `0.3.input`.
    pub fn path(self, layer: &str, tile: usize) -> String {
        let section = match self {
            Self::Input => "input",
            Self::Attenuators => "attenuators",
            Self::Output => "output",
            Self::Detectors => "detectors",
        };
        format!("{layer}.{tile}.{section}")
    }

    /// Its name in errors.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Input => "mesh of V†",
            Self::Attenuators => "attenuators",
            Self::Output => "mesh of U",
            Self::Detectors => "detectors",
        }
    }
}

/// A piece of work: a section of a tile of a program.
///
/// It is the unit of what is drawn once a load, such as programming errors, and once a shot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The layer of the network.
    pub layer: usize,
    /// The tile within the layer.
    pub tile: usize,
    /// Which section of the tile.
    pub section: Section,
}

impl Part {
    fn unit(self) -> u64 {
        unit(self.layer as u64, self.tile as u64, self.section)
    }
}

/// The unit of the streams of a section.
fn unit(bank: u64, mesh: u64, section: Section) -> u64 {
    (bank << 40) | (mesh << 8) | section as u64
}

/// Trials of a seed end here: above stands the number of the chip, where a program has several.
const CHIP_SHIFT: u32 = 48;

/// A piece of work and the silicon that does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// The work.
    pub part: Part,
    /// The silicon.
    pub site: Site,
}

impl Placed {
    /// A mesh that stands alone.
    pub const MESH: Self = Self {
        part: Part {
            layer: 0,
            tile: 0,
            section: Section::Input,
        },
        site: Site {
            chip: 0,
            bank: 0,
            mesh: 0,
        },
    };

    /// Another section of the same tile.
    #[must_use]
    pub fn section(mut self, section: Section) -> Self {
        self.part.section = section;
        self
    }

    /// The same silicon at work for another node of the network, which multiplies by the same map.
    #[must_use]
    pub fn of_node(mut self, node: usize) -> Self {
        self.part.layer = node;
        self
    }

    /// Where `effect` is drawn for this piece: silicon where it is [drawn once a chip](Effect::is_per_chip), else the work.
    pub(super) fn address(self, seed: Seed, effect: Effect, trial: u64, block: u64) -> Address {
        let Self { part, site } = self;
        let (trial, unit) = if effect.is_per_chip() {
            let trial = trial ^ (u64::from(site.chip) << CHIP_SHIFT);
            (
                trial,
                unit(site.bank.into(), site.mesh.into(), part.section),
            )
        } else {
            (trial, part.unit())
        };
        Address {
            seed,
            effect,
            trial,
            unit,
            block,
        }
    }
}

/// Which silicon each tile of a program is loaded on.
///
/// Tiles on one site are loaded one after another: they share its splitting errors, losses, offsets, V_π errors, gains and
/// oscillator phases, while each load has its own programming errors and drift.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Placement {
    /// Every tile has its own: the bank is the layer, the mesh is the tile.
    #[default]
    OwnMeshes,
    /// So many, reprogrammed in turn: tile k of the program is on mesh k mod `meshes`.
    Shared {
        /// How many there are, at least 1.
        meshes: usize,
    },
    /// One site for every tile, in the order of the program's tiles.
    Table(Vec<Site>),
}

impl Placement {
    /// The site of every tile of a program whose layers have so many `tiles`, layer by layer.
    ///
    /// # Errors
    /// [`Error::Value`] if there are no meshes to share, more than 2¹⁶ layers or more than 2³² tiles of one;
    /// [`Error::Shape`] if a table does not have one site for every tile.
    pub fn sites(&self, tiles: &[usize]) -> Result<Vec<Vec<Site>>> {
        let count: usize = tiles.iter().sum();
        match self {
            Self::Shared { meshes: 0 } => {
                return Err(Error::value("shared meshes", 0, "1 or more"));
            }
            Self::Table(sites) if sites.len() != count => {
                let limit = format!("[{count}]: one site for every tile");
                return Err(Error::shape("table of sites", [sites.len()], limit));
            }
            _ => {}
        }
        let site = |layer: usize, tile: usize, number: usize| match self {
            Self::OwnMeshes => numbered(layer, tile),
            Self::Shared { meshes } => numbered(0, number % meshes),
            Self::Table(sites) => Ok(sites[number]),
        };
        let mut first = 0;
        let layers = tiles.iter().enumerate().map(|(layer, tiles)| {
            let start = first;
            first += tiles;
            (0..*tiles)
                .map(|tile| site(layer, tile, start + tile))
                .collect()
        });
        layers.collect()
    }
}

/// The site of this number on the first chip.
fn numbered(bank: usize, mesh: usize) -> Result<Site> {
    let refuse = |what: &str, number: usize, most: u64| {
        let limit = format!("at most {most} on a chip");
        Error::value(what, number + 1, limit)
    };
    Ok(Site {
        chip: 0,
        bank: u16::try_from(bank).map_err(|_| refuse("banks", bank, 1 << 16))?,
        mesh: u32::try_from(mesh).map_err(|_| refuse("meshes", mesh, 1 << 32))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const EFFECTS: [Effect; 6] = [
        Effect::Splitting,
        Effect::Offset,
        Effect::Programming,
        Effect::Drift,
        Effect::Laser,
        Effect::Detector,
    ];

    fn site(chip: u16, bank: u16, mesh: u32) -> Site {
        Site { chip, bank, mesh }
    }

    /// The unit of a stream is (layer, tile, section) in 24, 32 and 8 bits, as it was when silicon and work were one.
    #[test]
    fn silicon_of_a_tile_of_its_own_has_the_address_of_its_work() {
        let sites = Placement::OwnMeshes.sites(&[2, 0, 9]).unwrap();
        assert_eq!(sites[2][7], site(0, 2, 7));
        let part = Part {
            layer: 2,
            tile: 7,
            section: Section::Output,
        };
        let placed = Placed {
            part,
            site: sites[2][7],
        };
        for effect in EFFECTS {
            let address = placed.address(Seed(5), effect, 3, 1);
            let expected = Address {
                seed: Seed(5),
                effect,
                trial: 3,
                unit: (2 << 40) | (7 << 8) | 2,
                block: 1,
            };
            assert_eq!(address, expected);
        }
    }

    #[test]
    fn silicon_decides_what_is_drawn_once_a_chip_and_work_the_rest() {
        let at = |layer, site| {
            let part = Part {
                layer,
                ..Placed::MESH.part
            };
            Placed { part, site }
        };
        let [here, there, other] = [site(0, 0, 0), site(0, 0, 1), site(1, 0, 0)];
        for effect in EFFECTS {
            let address = |placed: Placed| placed.address(Seed(0), effect, 4, 0);
            let of_silicon = effect.is_per_chip();
            assert_eq!(address(at(0, here)) == address(at(1, here)), of_silicon);
            assert_eq!(address(at(0, here)) == address(at(0, there)), !of_silicon);
            assert_eq!(address(at(0, here)) == address(at(0, other)), !of_silicon);
        }
    }

    #[test]
    fn shared_meshes_are_taken_in_turn_over_all_layers() {
        let sites = Placement::Shared { meshes: 3 }.sites(&[2, 3]).unwrap();
        let meshes = |of: &[Site]| of.iter().map(|site| site.mesh).collect::<Vec<_>>();
        assert_eq!(
            (meshes(&sites[0]), meshes(&sites[1])),
            (vec![0, 1], vec![2, 0, 1])
        );
        assert!(sites.iter().flatten().all(|site| site.bank == 0));
    }

    #[test]
    fn a_table_gives_every_tile_its_site_and_no_other_length_will_do() {
        let table = vec![site(1, 0, 4), site(0, 0, 0), site(1, 0, 4)];
        let sites = Placement::Table(table.clone()).sites(&[1, 2]).unwrap();
        assert_eq!(sites, [table[..1].to_vec(), table[1..].to_vec()]);
        for tiles in [vec![2], vec![1, 3], vec![]] {
            let error = Placement::Table(table.clone()).sites(&tiles);
            assert!(matches!(error, Err(Error::Shape { .. })), "{tiles:?}");
        }
        let none = Placement::Shared { meshes: 0 }.sites(&[1]);
        assert!(matches!(none, Err(Error::Value { .. })));
    }
}
