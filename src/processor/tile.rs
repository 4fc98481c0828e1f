//! Tile × chip → what light meets on its way: two meshes and the attenuators between them.

use ndarray::Array2;

use crate::compile::{Array, Meshes, Tile};
use crate::error::Result;
use crate::field::{Fields, Real};
use crate::hardware::{Chip, Placed, Section};
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
    fn matrix<T: Real>(
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
    let [input, middle, output] =
        [Section::Input, Section::Attenuators, Section::Output].map(|section| at.section(section));
    let joined = tile.attenuators.len();
    let input_cells = chip.cells(input, tile.input.nodes().len());
    let output_cells = chip.cells(output, tile.output.nodes().len());
    let attenuators = chip.attenuators(middle, joined);
    let pass = |attenuators: Cells, bars: Vec<f64>| -> Vec<C64> {
        let bars = chip.with_phase_errors(Values::each(bars), (middle, 0), 0..joined);
        let set = attenuators.matrices(bars, Values::same(0.0));
        set.iter().map(|[bar, ..]| bar).collect()
    };
    if chip.shows_what_is_asked(correction) {
        return Ok(SetMeshes {
            input: chip.coefficients(input, &tile.input, input_cells, None),
            attenuators: pass(attenuators, tile.attenuators.clone()),
            output: chip.coefficients(output, &tile.output, output_cells, None),
            unreachable: 0,
        });
    }
    let (input_cells, output_cells) = (input_cells.drawn(), output_cells.drawn());
    let attenuators = attenuators.drawn();
    let corrected = |mesh: &Mesh, cells| mesh.corrected_watched(correction, cells, watch);
    let mut before = corrected(&tile.input, &input_cells)?;
    let behind = corrected(&tile.output, &output_cells)?;
    let mut unreachable = before.unreachable + behind.unreachable;
    let mut bars = tile.attenuators.clone();
    if correction != Correction::None {
        // The phase that an attenuator adds is undone by the screen in front of it.
        let pairs = bars.iter_mut().zip(&mut before.phases.screen);
        for (mode, (bar, screen)) in pairs.enumerate() {
            let set = attenuator(&attenuators.cell(mode), *bar);
            unreachable += usize::from(!set.reached);
            *bar = set.theta;
            *screen -= set.ahead;
        }
    }
    let kind = chip.cell_kind();
    let heaters = chip.heaters(|heaters| {
        heaters.push_mesh(&tile.input, kind);
        heaters.push_bank(joined);
        heaters.push_mesh(&tile.output, kind);
    });
    let targets = [before.phases.flat(), bars, behind.phases.flat()];
    let sections = [
        (input, targets[0].len()),
        (middle, joined),
        (output, targets[2].len()),
    ];
    let settled = chip.settle(&heaters, &sections, targets.concat(), correction);
    let [before, bars, behind] =
        <[Vec<f64>; 3]>::try_from(settled).expect("three sections went in");
    Ok(SetMeshes {
        input: chip.coefficients(input, &tile.input, input_cells, Some(before)),
        attenuators: pass(attenuators, bars),
        output: chip.coefficients(output, &tile.output, output_cells, Some(behind)),
        unreachable,
    })
}
