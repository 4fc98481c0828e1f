//! A mesh as light sees it: one complex 2×2 per MZI and one factor per output.

use std::sync::Arc;

use ndarray::Array2;

use super::{CellArray, CellKind, Mesh, Mzi, Node};
use crate::field::{ColumnWalk, Direction, Fields, Matrices, MatrixSource, Real, Walk};
use crate::linalg::{C64, Matrix};

/// Samples up to which a walk by columns is the faster one (`lightloom bench --batch 1,4,8`).
pub const FEW: usize = 2;

/// The numbers that a walk needs: every device effect inside a mesh is in them.
#[derive(Debug, Clone, PartialEq)]
pub struct Coefficients {
    modes: usize,
    nodes: Arc<[Node]>,
    source: Source,
    screen: Vec<C64>,
}

/// The 2×2 of every MZI, kept or to be computed.
#[derive(Debug, Clone, PartialEq)]
enum Source {
    Kept(Matrices),
    /// Cells, and theta and phi of all of them.
    Cells(CellArray, Vec<f64>),
}

impl Coefficients {
    /// The coefficients of `mesh`'s layout and screen with the MZI that `mzi` says for each node.
    pub fn new(mesh: &Mesh, mzi: impl Fn(usize) -> Mzi) -> Self {
        Self::with_screen(mesh, mzi, phase_factors(&mesh.screen))
    }

    /// As [`new`](Self::new), with the output factors given.
    ///
    /// # Panics
    /// If there is not one factor per mode.
    pub fn with_screen(mesh: &Mesh, mzi: impl Fn(usize) -> Mzi, screen: Vec<C64>) -> Self {
        assert_eq!(screen.len(), mesh.modes, "one output factor per mode");
        Self {
            modes: mesh.modes,
            nodes: mesh.nodes.clone(),
            source: Source::Kept(
                (0..mesh.nodes.len())
                    .map(|node| mzi(node).matrix())
                    .collect(),
            ),
            screen,
        }
    }

    /// The coefficients of `mesh` with cells of `kind`, phases of its `screen` and of its
    /// [`free`](Mesh::free_shifters) shifters, rad, and the cell that `mzi` says for each node.
    ///
    /// # Panics
    /// If there is not one phase for every mode and every free shifter.
    pub fn of_setting(
        mesh: &Mesh,
        kind: CellKind,
        screen: &[f64],
        free: &[f64],
        mzi: impl Fn(usize) -> Mzi,
    ) -> Self {
        let mut coefficients = Self::with_screen(mesh, mzi, phase_factors(screen));
        coefficients.shift(mesh, kind, free);
        coefficients
    }

    /// The coefficients of `mesh` made of `cells` at `phases`, rad: theta and phi of every node, the screen, the
    /// [`free`](Mesh::free_shifters) shifters. What [`of_setting`](Self::of_setting) computes cell by cell is computed a
    /// register at a time, when light is sent.
    ///
    /// # Panics
    /// If there is not one phase for every phase shifter.
    pub fn of_cells(mesh: &Mesh, cells: CellArray, mut phases: Vec<f64>) -> Self {
        let count = mesh.nodes.len();
        assert_eq!(cells.len(), count, "one cell per node");
        let free = phases.split_off(2 * count + mesh.modes);
        let screen = phase_factors(&phases.split_off(2 * count));
        let kind = cells.kind;
        let mut coefficients = Self {
            modes: mesh.modes,
            nodes: mesh.nodes.clone(),
            source: Source::Cells(cells, phases),
            screen,
        };
        coefficients.shift(mesh, kind, &free);
        coefficients
    }

    /// Adds the phases of free shifters, rad.
    fn shift(&mut self, mesh: &Mesh, kind: CellKind, free: &[f64]) {
        let shifters = mesh.free_shifters(kind);
        assert_eq!(free.len(), shifters.len(), "one phase a free shifter");
        if shifters.is_empty() {
            return;
        }
        let mut matrices = self.matrices();
        for (shifter, phase) in shifters.iter().zip(free) {
            let factor = C64::from_polar(1.0, *phase);
            let arm = usize::from(shifter.mode != mesh.nodes[shifter.node].top);
            matrices.scale_input(shifter.node, arm, factor);
        }
        self.source = Source::Kept(matrices);
    }

    /// Number of modes.
    pub fn modes(&self) -> usize {
        self.modes
    }

    /// The 2×2 of every MZI, in the order of the nodes.
    pub fn matrices(&self) -> Matrices {
        match &self.source {
            Source::Kept(matrices) => matrices.clone(),
            Source::Cells(cells, phases) => {
                let (theta, phi) = phases.split_at(cells.len());
                cells.set(theta, phi).all()
            }
        }
    }

    fn pair(&self, index: usize) -> (usize, usize) {
        (self.nodes[index].top, self.nodes[index].bottom)
    }

    /// Sends `fields` through the mesh: `x` becomes `U x`.
    ///
    /// # Panics
    /// If `fields` has another number of modes.
    pub fn walk<T: Real>(&self, fields: &mut Fields<T>) {
        assert_eq!(
            fields.modes(),
            self.modes,
            "fields and mesh must agree in modes"
        );
        match (fields.samples() <= FEW)
            .then(|| self.prepare_few())
            .flatten()
        {
            Some(walk) => walk.run(fields),
            None => self.prepare().run(fields),
        }
    }

    /// The walk through the mesh for [few](FEW) samples at a time; none if the mesh joins distant modes.
    pub fn prepare_few<T: Real>(&self) -> Option<ColumnWalk<T>> {
        ColumnWalk::new(|index| self.pair(index), &self.matrices(), &self.screen)
    }

    /// The walk through the mesh at precision `T`, ready for many batches.
    pub fn prepare<T: Real>(&self) -> Walk<T> {
        self.toward(Direction::Forth, &self.screen)
    }

    /// Sends `fields` through the mesh from its outputs to its inputs: `x` becomes `Uᵀ x` (reciprocity).
    ///
    /// # Panics
    /// If `fields` has another number of modes.
    pub fn walk_back<T: Real>(&self, fields: &mut Fields<T>) {
        assert_eq!(
            fields.modes(),
            self.modes,
            "fields and mesh must agree in modes"
        );
        fields.scale_modes(&self.screen);
        self.prepare_back().run(fields);
    }

    /// The walk from the outputs, behind the screen, to the inputs.
    fn prepare_back<T: Real>(&self) -> Walk<T> {
        self.toward(Direction::Back, &vec![C64::ONE; self.modes])
    }

    fn toward<T: Real>(&self, direction: Direction, factors: &[C64]) -> Walk<T> {
        let pair = |index| self.pair(index);
        match &self.source {
            Source::Kept(matrices) => Walk::new(pair, matrices, direction, factors),
            Source::Cells(cells, phases) => {
                let (theta, phi) = phases.split_at(cells.len());
                Walk::new(pair, &cells.set(theta, phi), direction, factors)
            }
        }
    }

    /// One field through the mesh, one amplitude per mode, by plain 2×2 products.
    ///
    /// # Panics
    /// If `input` does not hold one amplitude per mode.
    pub fn pass(&self, input: &[C64]) -> Vec<C64> {
        assert_eq!(input.len(), self.modes, "one amplitude per mode");
        let mut field = input.to_vec();
        let matrices = self.matrices();
        for (node, m) in self.nodes.iter().zip(matrices.iter()) {
            let (x, y) = (field[node.top], field[node.bottom]);
            field[node.top] = m[0] * x + m[1] * y;
            field[node.bottom] = m[2] * x + m[3] * y;
        }
        field.iter().zip(&self.screen).map(|(a, s)| a * s).collect()
    }

    /// The transfer matrix, `[modes, modes]`, row = output mode.
    pub fn transfer(&self) -> Matrix {
        let fields = self.first_columns::<f64>(self.modes);
        Matrix::from_fn(self.modes, self.modes, |row, col| {
            C64::new(fields.re[[row, col]], fields.im[[row, col]])
        })
    }

    /// The first `count` columns of the transfer matrix, `[mode, column]`.
    pub fn first_columns<T: Real>(&self, count: usize) -> Fields<T> {
        self.prepare().columns(&vec![C64::ONE; count])
    }

    /// The first rows of the transfer matrix, row k times `factors[k]`, transposed: `[mode, row]`.
    ///
    /// # Panics
    /// If there are more factors than modes.
    pub fn scaled_rows<T: Real>(&self, factors: &[C64]) -> Fields<T> {
        // Light goes backwards: factor and screen first.
        let amplitudes = factors.iter().zip(&self.screen).map(|(x, y)| x * y);
        self.prepare_back().columns(&amplitudes.collect::<Vec<_>>())
    }

    /// The first `count` rows of the transfer matrix, `[row, mode]`.
    pub fn first_rows<T: Real>(&self, count: usize) -> Fields<T> {
        let columns = self.scaled_rows(&vec![C64::ONE; count]);
        let transpose = |part: Array2<T>| part.reversed_axes().as_standard_layout().into_owned();
        Fields {
            re: transpose(columns.re),
            im: transpose(columns.im),
        }
    }

    /// The light in front of every column and behind the last: power `[column][mode]` of one input field.
    ///
    /// # Panics
    /// If `input` does not hold one amplitude per mode.
    pub fn powers(&self, input: &[C64]) -> Vec<Vec<f64>> {
        assert_eq!(input.len(), self.modes, "one amplitude per mode");
        let mut field = input.to_vec();
        let columns = self.nodes.last().map_or(0, |node| node.column + 1);
        let mut powers = Vec::with_capacity(columns + 1);
        let matrices = self.matrices();
        let mut steps = self.nodes.iter().zip(matrices.iter()).peekable();
        for column in 0..columns {
            powers.push(field.iter().map(|a| a.norm_sqr()).collect());
            while let Some((node, m)) = steps.next_if(|(node, _)| node.column == column) {
                let (x, y) = (field[node.top], field[node.bottom]);
                field[node.top] = m[0] * x + m[1] * y;
                field[node.bottom] = m[2] * x + m[3] * y;
            }
        }
        powers.push(field.iter().map(|a| a.norm_sqr()).collect());
        powers
    }
}

fn phase_factors(phases: &[f64]) -> Vec<C64> {
    let factors = phases.iter().map(|phase| C64::from_polar(1.0, *phase));
    factors.collect()
}
