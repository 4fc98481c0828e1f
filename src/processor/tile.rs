//! Tile × chip → what light meets on its way: two meshes and the attenuators between them.

use crate::compile::Tile;
use crate::field::{Fields, Real};
use crate::hardware::{Chip, Part, Section};
use crate::linalg::C64;
use crate::mesh::{Cells, Coefficients, Correction, Values, attenuator};

/// A tile whose phases are set on a chip.
#[derive(Debug, Clone)]
pub(crate) struct SetTile<'a> {
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
    /// The tile's matrix, `[rows, cols]`: light of the fewer ports goes through both meshes. `watch` sees it behind either,
    /// `[mode, sample]`, in all modes.
    pub(crate) fn matrix<T: Real>(
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

/// Sets `tile`, which is tile `index` of `layer`, on `chip`, its phases chosen by `correction`.
pub(crate) fn set_tile<'a>(
    tile: &'a Tile,
    chip: &Chip,
    (layer, index): (usize, usize),
    correction: Correction,
) -> SetTile<'a> {
    let part = |section| Part {
        layer,
        tile: index,
        section,
    };
    let (input, middle, output) = (
        part(Section::Input),
        part(Section::Attenuators),
        part(Section::Output),
    );
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
        return SetTile {
            input: chip.coefficients(input, &tile.input, input_cells, None),
            attenuators: pass(attenuators, tile.attenuators.clone()),
            output: chip.coefficients(output, &tile.output, output_cells, None),
            unreachable: 0,
        };
    }
    let (input_cells, output_cells) = (input_cells.drawn(), output_cells.drawn());
    let attenuators = attenuators.drawn();
    let mut before = tile.input.corrected(correction, &input_cells);
    let behind = tile.output.corrected(correction, &output_cells);
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
    SetTile {
        input: chip.coefficients(input, &tile.input, input_cells, Some(before)),
        attenuators: pass(attenuators, bars),
        output: chip.coefficients(output, &tile.output, output_cells, Some(behind)),
        unreachable,
    }
}
