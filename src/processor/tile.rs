//! Tile × chip → what light meets on its way: two meshes and the attenuators between them.

use crate::compile::Tile;
use crate::field::MatrixSource;
use crate::hardware::{Chip, Part, Section};
use crate::linalg::C64;
use crate::mesh::{Coefficients, Correction, attenuator};

/// A tile whose phases are set on a chip.
#[derive(Debug, Clone)]
pub(crate) struct SetTile {
    /// The mesh of V†.
    pub(crate) input: Coefficients,
    /// The bar amplitudes of the attenuators, one a joined mode.
    pub(crate) attenuators: Vec<C64>,
    /// The mesh of U.
    pub(crate) output: Coefficients,
    /// Number of cells and attenuators that no phases could make do what was asked.
    pub(crate) unreachable: usize,
}

/// Sets `tile`, which is tile `index` of `layer`, on `chip`, its phases chosen by `correction`.
pub(crate) fn set_tile(
    tile: &Tile,
    chip: &Chip,
    (layer, index): (usize, usize),
    correction: Correction,
) -> SetTile {
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
    let kind = chip.cell_kind();
    let input_cells = chip.cells(input, tile.input.nodes().len());
    let output_cells = chip.cells(output, tile.output.nodes().len());
    let attenuators = chip.attenuators(middle, joined);
    let mut before = tile.input.corrected(correction, &input_cells);
    let behind = tile.output.corrected(correction, &output_cells);
    let mut unreachable = before.unreachable + behind.unreachable;
    let mut bars = tile.attenuators.clone();
    if correction != Correction::None {
        // The phase that an attenuator adds is undone by the screen in front of it.
        for (mode, bar) in bars.iter_mut().enumerate() {
            let set = attenuator(&attenuators.with_phases(mode, 0.0, 0.0), *bar);
            unreachable += usize::from(!set.reached);
            *bar = set.theta;
            before.setting.screen[mode] -= set.ahead;
        }
    }
    let heaters = chip.heaters(|heaters| {
        heaters.push_mesh(&tile.input, kind);
        heaters.push_bank(joined);
        heaters.push_mesh(&tile.output, kind);
    });
    let targets = [
        (input, before.setting.phases()),
        (middle, bars),
        (output, behind.setting.phases()),
    ];
    let phases = chip.settle(
        &heaters,
        &targets.each_ref().map(|(part, p)| (*part, p.as_slice())),
        correction,
    );
    let phases: [Vec<f64>; 3] = phases.try_into().expect("three sections went in");
    let [before, bars, behind] = phases;
    let set = attenuators.set(&bars, &vec![0.0; joined]).all();
    SetTile {
        input: chip.coefficients(&tile.input, input_cells, before),
        attenuators: set.iter().map(|[bar, ..]| bar).collect(),
        output: chip.coefficients(&tile.output, output_cells, behind),
        unreachable,
    }
}
