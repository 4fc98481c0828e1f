//! Trained networks on chips with the errors that a paper prescribes.

use rayon::prelude::*;

use super::learn::Samples;
use crate::compile::{Meshes, Multiplier, Program, Tile, compile};
use crate::hardware::{Chip, Element, Given, Hardware, Quantity, Section, Site};
use crate::mesh::{Correction, Geometry, Mesh};
use crate::nn::{Batch, LinearId, metrics};
use crate::processor::Processor;
use crate::rng::Seed;

/// Standard deviations of the errors of every element.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spread {
    /// Of each phase, rad.
    pub phase_rad: f64,
    /// Of the angle of each coupler, rad.
    pub splitting_rad: f64,
}

impl Spread {
    /// Phases off by `sigma` rad, and the amplitude r = 1/√2 of each coupler off by `sigma`: its angle by √2 σ.
    pub fn of_both(sigma: f64) -> Self {
        Self {
            phase_rad: sigma,
            splitting_rad: std::f64::consts::SQRT_2 * sigma,
        }
    }

    /// Chips whose elements are off by so much. An attenuator's φ is the screen of the mesh in front of it.
    pub fn hardware(self) -> Hardware {
        let hardware = Hardware::default().with_values([
            ("phase_shifter.offset_rad", self.phase_rad.into()),
            ("coupler.splitting_error_rad", self.splitting_rad.into()),
        ]);
        hardware.expect("errors of papers are in range")
    }
}

/// The source line of [`fidelity_law`].
pub const FIDELITY_LAW: &str =
    "F = exp(−[P σ_p² (N − 1)/N² + 2 C σ_a²/N]), P phases and C couplers on N modes";

/// The mean fidelity of a lossless mesh whose phases and couplers are off by small normal errors.
///
/// One phase δ changes tr(U†U′)/N by (e^{iδ} − 1)/N, one coupler angle α by (2 cos α − 2)/N, wherever they stand; to
/// first order in the squares of many errors the losses add.
pub fn fidelity_law(modes: usize, phases: usize, couplers: usize, spread: Spread) -> f64 {
    let (n, phases, couplers) = (modes as f64, phases as f64, couplers as f64);
    let of_phases = phases * spread.phase_rad.powi(2) * (n - 1.0) / (n * n);
    let of_couplers = 2.0 * couplers * spread.splitting_rad.powi(2) / n;
    (-of_phases - of_couplers).exp()
}

/// An element of a network on meshes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot {
    /// The layer, from 0.
    pub layer: usize,
    /// V†, attenuators or U.
    pub section: Section,
    /// The column; `None` for a phase of the output screen.
    pub column: Option<usize>,
    /// The upper mode.
    pub mode: usize,
}

/// The elements that err.
pub(super) type Zone<'a> = &'a (dyn Fn(Spot) -> bool + Sync);

/// Drawn where an element errs, else without an error.
fn element(errs: bool) -> Element {
    if errs {
        Element::Drawn
    } else {
        Element::Times(0.0)
    }
}

/// With errors on those elements of a mesh that `errs` says by column, none for the screen, and mode.
pub(super) fn within_mesh(
    given: Given,
    (site, section): (Site, Section),
    mesh: &Mesh,
    errs: impl Fn(Option<usize>, usize) -> bool,
) -> Given {
    let cells = mesh.nodes().iter();
    let cells = cells.map(|node| element(errs(Some(node.column), node.top)));
    let cells: Vec<Element> = cells.collect();
    let screen = (0..mesh.modes()).map(|mode| element(errs(None, mode)));
    let phases = [&cells[..], &cells, &screen.collect::<Vec<_>>()].concat();
    [
        (Quantity::FirstCouplerRad, cells.clone()),
        (Quantity::SecondCouplerRad, cells),
        (Quantity::OffsetRad, phases),
    ]
    .into_iter()
    .fold(given, |given, (quantity, elements)| {
        let given = given.with(quantity, site, section, elements);
        given.expect("a mesh has couplers and phases")
    })
}

/// Where the tile of a layer is, which is its only one.
pub(super) fn site(layer: usize) -> Site {
    Site {
        bank: layer as u16,
        ..Site::default()
    }
}

fn meshes(tile: &Tile) -> &Meshes {
    tile.meshes().expect("layers are laid out on meshes")
}

/// Errors on the elements of `zone` alone.
pub(super) fn within(program: &Program, zone: Zone) -> Given {
    let mut given = Given::default();
    for map in program.maps() {
        let (layer, meshes) = (map.id.0, meshes(&map.tiles[0]));
        let site = site(layer);
        let errs = |section, column, mode| {
            zone(Spot {
                layer,
                section,
                column,
                mode,
            })
        };
        let attenuator = |mode| errs(Section::Attenuators, Some(0), mode);
        let joined = meshes.attenuators.len();
        // The screen in front of the attenuators stands for their φ.
        let place = (site, Section::Input);
        given = within_mesh(given, place, &meshes.input, |column, mode| match column {
            Some(_) => errs(Section::Input, column, mode),
            None => mode < joined && attenuator(mode),
        });
        let place = (site, Section::Output);
        given = within_mesh(given, place, &meshes.output, |column, mode| {
            errs(Section::Output, column, mode)
        });
        let attenuators: Vec<Element> = (0..joined).map(|mode| element(attenuator(mode))).collect();
        for quantity in [
            Quantity::FirstCouplerRad,
            Quantity::SecondCouplerRad,
            Quantity::OffsetRad,
        ] {
            let with = given.with(quantity, site, Section::Attenuators, attenuators.clone());
            given = with.expect("attenuators have couplers and phases");
        }
    }
    given
}

/// A trained network on chips.
#[derive(Debug, Clone)]
pub(super) struct OnChips {
    /// The network on meshes, one tile a layer.
    pub program: Program,
    /// From which its chips follow.
    seed: Seed,
}

impl OnChips {
    /// What learnt weights on a crossbar stands on rectangles, through singular values and decomposition; what learnt phases
    /// is as it is. Chips follow from `seed`.
    pub fn new(learnt: Program, seed: Seed) -> Self {
        let program = match learnt.layout().multiplier {
            Multiplier::Crossbar => compile(learnt.network(), super::layout(Geometry::Clements))
                .expect("trained networks fit on meshes"),
            Multiplier::Meshes(_) => learnt,
        };
        Self { program, seed }
    }

    /// The tile of a layer, which is its only one.
    pub fn tile(&self, layer: usize) -> &Tile {
        &self.program.tiles(LinearId(layer))[0]
    }

    /// The meshes of a layer.
    pub fn meshes(&self, layer: usize) -> &Meshes {
        meshes(self.tile(layer))
    }

    /// V† and U of every layer.
    pub fn unitaries(&self) -> impl Iterator<Item = &Mesh> {
        let meshes = self.program.maps().map(|map| meshes(&map.tiles[0]));
        meshes.flat_map(|meshes| [&meshes.input, &meshes.output])
    }

    /// Chip number `chip` of a spread, with errors as `given` says.
    pub fn chip(&self, chip: u64, spread: Spread, given: &Given) -> Chip {
        let chip = spread.hardware().fabricate(self.seed, chip);
        chip.with_given(given.clone())
    }

    /// The network on a chip.
    pub fn load(&self, chip: Chip) -> Processor<f64> {
        let loaded = Processor::load(&self.program, chip, Correction::None, None);
        loaded.expect("the network fits the chip")
    }

    /// The accuracy on each of `chips` chips.
    pub fn accuracies(
        &self,
        samples: &Samples,
        chips: u64,
        spread: Spread,
        given: &Given,
    ) -> Vec<f64> {
        let chips = (0..chips).into_par_iter();
        let accuracy = |chip| {
            let processor = self.load(self.chip(chip, spread, given));
            let logits = processor.forward(Batch::Complex(samples.x.clone()), 0);
            let logits = logits.expect("small networks stay finite");
            metrics::accuracy(&metrics::predict(logits.t()), &samples.y)
        };
        chips.map(accuracy).collect()
    }
}
