//! Tile × chip → what light meets on its way: two meshes and the attenuators between them.

use std::borrow::Cow;
use std::f64::consts::PI;

use ndarray::Array2;

use crate::compile::{Array, Meshes, Tile};
use crate::error::Result;
use crate::field::{Fields, Real};
use crate::hardware::{Built, Chip, Heaters, Placed, Section};
use crate::linalg::{C64, Matrix};
use crate::mesh::{Cells, Coefficients, Correction, Mesh, Values, attenuator};
use crate::watch::Watch;

/// A tile as it is set on a chip.
#[derive(Debug, Clone)]
pub(super) enum SetTile<'a> {
    /// Two meshes whose phases are set.
    Meshes(SetMeshes<'a>),
    /// An array of weights that nothing disturbs.
    Crossbar(&'a Matrix),
}

/// A tile's meshes whose phases are set on a chip.
#[derive(Debug, Clone)]
pub(crate) struct SetMeshes<'a> {
    /// The mesh of V†.
    pub(crate) input: Coefficients<'a>,
    /// The bar amplitudes of the attenuators, one a joined mode.
    pub(crate) attenuators: Vec<C64>,
    /// Their derivatives by the attenuators' phases, per rad.
    pub(super) slopes: Vec<C64>,
    /// The mesh of U.
    pub(crate) output: Coefficients<'a>,
    /// Number of cells and attenuators that no phases could make do what was asked.
    pub(crate) unreachable: usize,
}

impl SetTile<'_> {
    /// Number of cells and attenuators that no phases could make do what was asked.
    pub(super) fn unreachable(&self) -> usize {
        match self {
            Self::Meshes(meshes) => meshes.unreachable,
            Self::Crossbar(_) => 0,
        }
    }

    /// Light out of the first `rows` modes per light into the first `cols`, `[rows, cols]`. `watch` sees the light between
    /// meshes as [`SetMeshes::matrix`] shows it.
    pub(super) fn matrix<T: Real>(
        &self,
        rows: usize,
        cols: usize,
        watch: impl FnMut(&Fields<T>),
    ) -> Fields<T> {
        match self {
            Self::Meshes(meshes) => meshes.matrix(rows, cols, watch),
            Self::Crossbar(weights) => {
                let part = |of: fn(&C64) -> f64| {
                    Array2::from_shape_fn((rows, cols), |(row, col)| {
                        T::of(of(&weights[(row, col)]))
                    })
                };
                Fields {
                    re: part(|z| z.re),
                    im: part(|z| z.im),
                }
            }
        }
    }
}

impl SetMeshes<'_> {
    /// The tile's matrix, `[rows, cols]`: light of the fewer ports goes through both meshes. `watch` sees it behind either,
    /// `[mode, sample]`, in all modes.
    pub(super) fn matrix<T: Real>(
        &self,
        rows: usize,
        cols: usize,
        mut watch: impl FnMut(&Fields<T>),
    ) -> Fields<T> {
        if rows <= cols {
            // A row is what light from its output becomes on the way back (reciprocity).
            let light = self.output.first_rows(rows);
            watch(&light);
            let light = self.input.walk_back_on(light, &self.attenuators);
            watch(&light);
            light.crop(cols, rows).transposed()
        } else {
            let light = self.input.first_columns(cols);
            watch(&light);
            let light = self.output.walk_on(light, &self.attenuators);
            watch(&light);
            light.crop(rows, cols)
        }
    }
}

/// What the bar ports of a tile's attenuators pass, and the derivatives by their phases, per rad.
struct Bars {
    amplitudes: Vec<C64>,
    slopes: Vec<C64>,
}

impl Bars {
    /// Of `attenuators`, which are the section `at` the chip, whose heaters do `phases`.
    fn of(chip: &Chip, at: Placed, attenuators: Cells, phases: Vec<f64>) -> Self {
        let count = phases.len();
        let shown = chip.with_phase_errors(Values::each(phases), (at, 0), 0..count);
        let attenuators = attenuators.drawn();
        let bars = |shown| -> Vec<C64> {
            let set = attenuators.clone().matrices(shown, Values::same(0.0));
            set.iter().map(|[bar, ..]| bar).collect()
        };
        let amplitudes = bars(shown.clone());
        // A bar port is affine in e^{iθ}: half a turn on, that part has the other sign.
        let turned = bars(shown.plus(&vec![PI; count]));
        let pairs = amplitudes.iter().zip(turned);
        let slopes = pairs.map(|(bar, turned)| C64::i() * (bar - turned) * 0.5);
        Self {
            slopes: slopes.collect(),
            amplitudes,
        }
    }
}

/// The heaters of a tile and its sections, with the number of phases of each.
pub(super) struct Wiring {
    pub(super) heaters: Heaters,
    pub(super) sections: [(Placed, usize); 3],
}

impl Wiring {
    pub(super) fn of(tile: &Meshes, chip: &Chip, at: Placed) -> Self {
        let kind = chip.cell_kind();
        let joined = tile.attenuators.len();
        let heaters = chip.heaters(|heaters| {
            heaters.push_mesh(&tile.input, kind);
            heaters.push_bank(joined);
            heaters.push_mesh(&tile.output, kind);
        });
        let [input, middle, output] = sections(at);
        let sections = [
            (input, tile.input.phase_shifters_of(kind)),
            (middle, joined),
            (output, tile.output.phase_shifters_of(kind)),
        ];
        Self { heaters, sections }
    }
}

/// `chip` with the places that the elements of `tile` have on it.
pub(super) fn on_site<'a>(chip: &'a Chip, tile: &Meshes) -> Cow<'a, Chip> {
    chip.on_site(&Built {
        kind: chip.cell_kind(),
        input: Some(&tile.input),
        attenuators: tile.attenuators.len(),
        output: Some(&tile.output),
        rows: tile.output.modes(),
    })
}

/// Sets `tile` on the silicon of `chip` that it is `at`, its phases chosen by `correction`, which `watch` may stop.
pub(super) fn set_tile<'a>(
    tile: &'a Tile,
    chip: &Chip,
    at: Placed,
    correction: Correction,
    watch: &dyn Watch,
) -> Result<SetTile<'a>> {
    Ok(match &tile.array {
        Array::Meshes(meshes) => {
            SetTile::Meshes(set_meshes_watched(meshes, chip, at, correction, watch)?)
        }
        Array::Crossbar(crossbar) => SetTile::Crossbar(&crossbar.weights),
    })
}

/// Sets the meshes of a tile on the silicon of `chip` that it is `at`, their phases chosen by `correction`.
pub(crate) fn set_meshes<'a>(
    tile: &'a Meshes,
    chip: &Chip,
    at: Placed,
    correction: Correction,
) -> SetMeshes<'a> {
    set_meshes_watched(tile, chip, at, correction, &()).expect("nobody stops it")
}

/// As [`set_meshes`]; `watch` may stop a fit.
///
/// # Errors
/// [`Error::Stopped`](crate::Error::Stopped) if it does.
fn set_meshes_watched<'a>(
    tile: &'a Meshes,
    chip: &Chip,
    at: Placed,
    correction: Correction,
    watch: &dyn Watch,
) -> Result<SetMeshes<'a>> {
    let chip = &*on_site(chip, tile);
    let silicon = Silicon::of(tile, chip, at);
    if chip.shows_what_is_asked(correction) {
        let [input, middle, output] = sections(at);
        let bars = Bars::of(chip, middle, silicon.attenuators, tile.attenuators.clone());
        return Ok(SetMeshes {
            input: chip.coefficients(input, &tile.input, silicon.input, None),
            attenuators: bars.amplitudes,
            slopes: bars.slopes,
            output: chip.coefficients(output, &tile.output, silicon.output, None),
            unreachable: 0,
        });
    }
    let silicon = silicon.drawn();
    let Chosen {
        targets,
        unreachable,
    } = choose(
        tile,
        silicon.as_known(chip).as_ref().unwrap_or(&silicon),
        correction,
        watch,
    )?;
    let set = set_to(tile, chip, at, silicon, (targets, correction));
    Ok(SetMeshes { unreachable, ..set })
}

/// Phases that a correction chose for a tile.
struct Chosen {
    /// Those of the mesh of V†, of the attenuators and of the mesh of U, of the chip's cells.
    targets: Vec<f64>,
    /// Number of cells and attenuators that no phases could make do what was asked.
    unreachable: usize,
}

/// The phases that `correction` chooses for `tile` on `silicon`.
fn choose(
    tile: &Meshes,
    silicon: &Silicon,
    correction: Correction,
    watch: &dyn Watch,
) -> Result<Chosen> {
    let corrected = |mesh: &Mesh, cells| mesh.corrected_watched(correction, cells, watch);
    let mut before = corrected(&tile.input, &silicon.input)?;
    let behind = corrected(&tile.output, &silicon.output)?;
    let mut unreachable = before.unreachable + behind.unreachable;
    let mut bars = tile.attenuators.clone();
    if correction != Correction::None {
        // The phase that an attenuator adds is undone by the screen in front of it.
        let pairs = bars.iter_mut().zip(&mut before.phases.screen);
        for (mode, (bar, screen)) in pairs.enumerate() {
            let set = attenuator(&silicon.attenuators.cell(mode), *bar);
            unreachable += usize::from(!set.reached);
            *bar = set.theta;
            *screen -= set.ahead;
        }
    }
    Ok(Chosen {
        targets: [before.phases.flat(), bars, behind.phases.flat()].concat(),
        unreachable,
    })
}

/// What the heaters of a tile are asked for.
pub(super) struct AskedPhases {
    /// The mesh of V†, the attenuators, the mesh of U, rad.
    pub(super) phases: Vec<f64>,
    /// Number of cells and attenuators that no phases could make do what was asked.
    pub(super) unreachable: usize,
}

/// What the heaters of `tile`, which is `at` this silicon of `chip`, are asked for when it is loaded with `correction`.
///
/// # Errors
/// [`Error::Stopped`](crate::Error::Stopped) if `watch` stops a fit.
pub(super) fn asked(
    tile: &Meshes,
    chip: &Chip,
    at: Placed,
    correction: Correction,
    watch: &dyn Watch,
) -> Result<AskedPhases> {
    let chip = &*on_site(chip, tile);
    let silicon = Silicon::of(tile, chip, at).drawn();
    let chosen = choose(
        tile,
        silicon.as_known(chip).as_ref().unwrap_or(&silicon),
        correction,
        watch,
    )?;
    let Wiring { heaters, sections } = Wiring::of(tile, chip, at);
    Ok(AskedPhases {
        phases: chip.asked(&heaters, &sections, chosen.targets, correction),
        unreachable: chosen.unreachable,
    })
}

/// The sections of the tile that has this seat: mesh of V†, attenuators, mesh of U.
fn sections(at: Placed) -> [Placed; 3] {
    [Section::Input, Section::Attenuators, Section::Output].map(|section| at.section(section))
}

/// The cells of a tile's silicon.
pub(super) struct Silicon {
    input: Cells<'static>,
    attenuators: Cells<'static>,
    output: Cells<'static>,
}

impl Silicon {
    pub(super) fn of(tile: &Meshes, chip: &Chip, at: Placed) -> Self {
        let [input, middle, output] = sections(at);
        Self {
            input: chip.cells(input, tile.input.nodes().len()),
            attenuators: chip.attenuators(middle, tile.attenuators.len()),
            output: chip.cells(output, tile.output.nodes().len()),
        }
    }

    /// The cells as corrections know them, where that is not all of them.
    fn as_known(&self, chip: &Chip) -> Option<Self> {
        Some(Self {
            input: chip.as_known(&self.input)?,
            attenuators: chip.as_known(&self.attenuators)?,
            output: chip.as_known(&self.output)?,
        })
    }

    fn drawn(self) -> Self {
        Self {
            input: self.input.drawn(),
            attenuators: self.attenuators.drawn(),
            output: self.output.drawn(),
        }
    }
}

/// Sets the heaters of `tile` to `targets`, which `correction` chose: the phases of both meshes of the chip's cells, those
/// of the attenuators between them.
pub(super) fn set_to<'a>(
    tile: &'a Meshes,
    chip: &Chip,
    at: Placed,
    silicon: Silicon,
    (targets, correction): (Vec<f64>, Correction),
) -> SetMeshes<'a> {
    let [input, middle, output] = sections(at);
    let Wiring { heaters, sections } = Wiring::of(tile, chip, at);
    let settled = chip.settle(&heaters, &sections, targets, correction);
    let [before, bars, behind] =
        <[Vec<f64>; 3]>::try_from(settled).expect("three sections went in");
    let bars = Bars::of(chip, middle, silicon.attenuators, bars);
    SetMeshes {
        input: chip.coefficients(input, &tile.input, silicon.input, Some(before)),
        attenuators: bars.amplitudes,
        slopes: bars.slopes,
        output: chip.coefficients(output, &tile.output, silicon.output, Some(behind)),
        unreachable: 0,
    }
}
