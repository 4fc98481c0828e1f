//! What light meets on a bench, as it is set.

use std::ops::Range;

use ndarray::Array2;

use crate::field::Fields;
use crate::hardware::{Chip, Placed, Side};
use crate::linalg::C64;
use crate::mesh::{CellParts, Cells, Coefficients, Inside, Mesh, Mzi, Phases};

/// One mesh, or two with attenuators between them, on a chip.
#[derive(Debug, Clone)]
pub(super) struct Optics {
    first: SetMesh,
    /// The attenuators and the mesh behind them.
    rest: Option<(Bank, SetMesh)>,
    /// Field transmission of the tap behind every phase shifter.
    pub(super) kept: f64,
    /// Whether the second ports of the attenuators are ports of the bench.
    pub(super) has_drop_ports: bool,
}

/// A mesh at the phases that it shows.
#[derive(Debug, Clone)]
struct SetMesh {
    layout: Mesh,
    cells: Cells<'static>,
    phases: Phases,
    coefficients: Coefficients<'static>,
}

/// Attenuators at the phases that they show: MZIs, of which light passes from top to top.
#[derive(Debug, Clone)]
struct Bank {
    cells: Vec<Mzi>,
}

impl SetMesh {
    fn new(chip: &Chip, at: Placed, layout: &Mesh) -> Self {
        let cells = chip.cells(at, layout.nodes().len()).drawn();
        let off = vec![0.0; layout.phase_shifters_of(cells.kind)];
        let phases = Phases::from_flat(off, layout);
        Self {
            coefficients: Coefficients::of(layout, cells.clone(), phases.clone()),
            layout: layout.clone(),
            cells,
            phases,
        }
    }

    fn show(&mut self, phases: Vec<f64>) {
        self.phases = Phases::from_flat(phases, &self.layout);
        self.coefficients = Coefficients::of(&self.layout, self.cells.clone(), self.phases.clone());
    }

    fn shifters(&self) -> usize {
        self.phases.theta.len()
            + self.phases.phi.len()
            + self.phases.screen.len()
            + self.phases.free.len()
    }

    fn inside(&self, kept: f64) -> Inside<'_> {
        self.layout.inside(&self.cells, &self.phases, kept)
    }

    /// Light from the first modes, each times its factor, as far as there are factors.
    fn send(&self, side: Side, light: Fields<f64>, factors: &[C64]) -> Fields<f64> {
        match side {
            Side::Inputs => self.coefficients.walk_on(light, factors),
            Side::Outputs => self.coefficients.walk_back_on(light, factors),
        }
    }
}

impl Optics {
    pub(super) fn of_mesh(chip: &Chip, at: Placed, mesh: &Mesh) -> Self {
        Self {
            first: SetMesh::new(chip, at, mesh),
            rest: None,
            kept: 1.0,
            has_drop_ports: false,
        }
    }

    pub(super) fn of_pair(
        chip: &Chip,
        [first, middle, last]: [Placed; 3],
        [input, output]: [&Mesh; 2],
        joined: usize,
    ) -> Self {
        let bank = Bank {
            cells: chip.attenuators(middle, joined).mzis(),
        };
        Self {
            rest: Some((bank, SetMesh::new(chip, last, output))),
            ..Self::of_mesh(chip, first, input)
        }
    }

    /// Shows `phases`, rad, in the order of the heaters.
    pub(super) fn show(&mut self, mut phases: Vec<f64>) {
        if let Some((bank, last)) = &mut self.rest {
            last.show(phases.split_off(self.first.shifters() + bank.cells.len()));
            let bars = phases.split_off(self.first.shifters());
            for (cell, theta) in bank.cells.iter_mut().zip(bars) {
                cell.theta = theta;
            }
        }
        self.first.show(phases);
    }

    /// The mesh that light from `side` meets first, and the one that it meets last.
    fn ends(&self, side: Side) -> [&SetMesh; 2] {
        match (side, &self.rest) {
            (_, None) => [&self.first; 2],
            (Side::Inputs, Some((_, last))) => [&self.first, last],
            (Side::Outputs, Some((_, last))) => [last, &self.first],
        }
    }

    /// Drop ports of `side`, behind its modes: one for every mode of the mesh beyond the attenuators.
    fn drop_ports(&self, side: Side) -> usize {
        match self.has_drop_ports && self.rest.is_some() {
            true => self.ends(side)[1].layout.modes(),
            false => 0,
        }
    }

    pub(super) fn ports(&self, side: Side) -> usize {
        self.ends(side)[0].layout.modes() + self.drop_ports(side)
    }

    /// What comes out of the other side, of `light`, `[port, sample]`.
    pub(super) fn send(&self, side: Side, light: &Fields<f64>) -> Fields<f64> {
        if self.kept < 1.0 || self.drop_ports(side) > 0 {
            return self.trace(side, light, |_, _| {});
        }
        let all = vec![C64::ONE; light.modes()];
        match &self.rest {
            None if light.samples() == 1 && side == Side::Inputs => {
                // A sample alone takes the plain way, cell by cell.
                from_columns(
                    light.modes(),
                    &[self.first.coefficients.pass(&column(light, 0))],
                )
            }
            None => self.first.send(side, light.clone(), &all),
            Some((bank, _)) => {
                let bars: Vec<C64> = bank.cells.iter().map(|cell| cell.matrix()[0]).collect();
                let [near, far] = self.ends(side);
                let between = near.send(side, light.clone(), &all);
                far.send(side, between, &bars)
            }
        }
    }

    /// The same, and the powers behind all phase shifters, `[heater, sample]`.
    pub(super) fn taps(&self, side: Side, light: &Fields<f64>) -> (Fields<f64>, Array2<f64>) {
        let bars = self
            .rest
            .as_ref()
            .map_or(0, |(bank, last)| bank.cells.len() + last.shifters());
        let mut powers = Array2::zeros((self.first.shifters() + bars, light.samples()));
        // A tap reads what is in front of it: light of inference has passed it by where its field is known.
        let read = match side {
            Side::Inputs => self.kept.powi(-2),
            Side::Outputs => 1.0,
        };
        let fields = self.trace(side, light, |sample, behind| {
            for (heater, z) in behind.iter().enumerate() {
                powers[[heater, sample]] = read * z.norm_sqr();
            }
        });
        (fields, powers)
    }

    /// What comes out of the other side, followed from part to part; `look` sees the fields behind all phase shifters of every
    /// sample.
    fn trace(
        &self,
        side: Side,
        light: &Fields<f64>,
        mut look: impl FnMut(usize, &[C64]),
    ) -> Fields<f64> {
        let first = self.first.inside(self.kept);
        let rest = self.rest.as_ref().map(|(bank, last)| {
            // The tap stands behind θ, on its arm.
            let tapped = |cell: &Mzi| {
                let theta_arm = cell.theta_arm * self.kept;
                Mzi { theta_arm, ..*cell }.parts()
            };
            let cells: Vec<CellParts> = bank.cells.iter().map(tapped).collect();
            (cells, last.inside(self.kept))
        });
        let (of_first, of_bank) = (
            first.shifters(),
            rest.as_ref().map_or(0, |(bank, _)| bank.len()),
        );
        let of_last = rest.as_ref().map_or(0, |(_, last)| last.shifters());
        let mut behind = vec![C64::ZERO; of_first + of_bank + of_last];
        let parts = [
            0..of_first,
            of_first..of_first + of_bank,
            of_first + of_bank..behind.len(),
        ];
        let mut columns = Vec::with_capacity(light.samples());
        for sample in 0..light.samples() {
            let mut field = column(light, sample);
            match (&rest, side) {
                (None, Side::Inputs) => first.forth(&mut field, &mut behind),
                (None, Side::Outputs) => first.back(&mut field, &mut behind),
                (Some((bank, last)), _) => {
                    field = self.trace_pair(side, field, (&first, bank, last), &mut behind, &parts);
                }
            }
            look(sample, &behind);
            columns.push(field);
        }
        from_columns(self.ports(side.other()), &columns)
    }

    /// One sample through both meshes.
    fn trace_pair(
        &self,
        side: Side,
        mut light: Vec<C64>,
        (first, bank, last): (&Inside<'_>, &[CellParts], &Inside<'_>),
        behind: &mut [C64],
        [of_first, of_bank, of_last]: &[Range<usize>; 3],
    ) -> Vec<C64> {
        let [near, far] = self.ends(side).map(|mesh| mesh.layout.modes());
        let mut beyond = light.split_off(near);
        beyond.resize(far, C64::ZERO);
        match side {
            Side::Inputs => first.forth(&mut light, &mut behind[of_first.clone()]),
            Side::Outputs => last.back(&mut light, &mut behind[of_last.clone()]),
        }
        for (mode, (cell, behind)) in bank.iter().zip(&mut behind[of_bank.clone()]).enumerate() {
            let ports = [light[mode], beyond[mode]];
            let through = match side {
                Side::Inputs => cell.forth(ports),
                Side::Outputs => cell.back(ports),
            };
            // Light goes on in the other mesh; what crosses, and modes that no attenuator joins, are dropped.
            [beyond[mode], light[mode]] = through.out;
            *behind = through.theta;
        }
        let (mut light, dropped) = (beyond, light);
        match side {
            Side::Inputs => last.forth(&mut light, &mut behind[of_last.clone()]),
            Side::Outputs => first.back(&mut light, &mut behind[of_first.clone()]),
        }
        if self.has_drop_ports {
            light.extend(dropped);
        }
        light
    }
}

fn column(fields: &Fields<f64>, sample: usize) -> Vec<C64> {
    let pairs = fields
        .re
        .column(sample)
        .into_iter()
        .zip(fields.im.column(sample));
    pairs.map(|(re, im)| C64::new(*re, *im)).collect()
}

/// The fields of `modes` modes whose samples are `columns`.
fn from_columns(modes: usize, columns: &[Vec<C64>]) -> Fields<f64> {
    let mut fields = Fields::zeros(modes, columns.len());
    for (sample, column) in columns.iter().enumerate() {
        for (mode, z) in column.iter().enumerate() {
            (fields.re[[mode, sample]], fields.im[[mode, sample]]) = (z.re, z.im);
        }
    }
    fields
}
