//! A mesh as light sees it: one complex 2×2 per MZI and one factor per output.

mod gradient;

use std::borrow::Cow;

use ndarray::s;
use pulp::Arch;

use super::cell::SetCells;
pub use gradient::Gradient;

use super::{Cells, FreeShifter, Mesh, Mzi, Nodes, Shown, mix};
use crate::field::{
    ColumnWalk, Direction, Fields, InstructionSet, Matrices, MatrixSource, Product, Real, Walk,
};
use crate::linalg::{C64, Matrix};

/// Samples up to which a walk by columns is faster than one along diagonals (`lightloom bench --batch 1,4,8`).
const FEW: usize = 2;
/// Modes up to which tiles stay in the first-level cache: a product reads them once for every two rows.
const SMALL: usize = 64;

/// The numbers that a walk needs: every device effect inside a mesh is in them.
///
/// Of a chip these are [`Cells`] at the phases that they [show](Shown): both still hold what is to be drawn as where it
/// is drawn from.
#[derive(Debug, Clone, PartialEq)]
pub struct Coefficients<'a> {
    modes: usize,
    nodes: Nodes,
    source: Source<'a>,
    screen: Vec<C64>,
}

/// A way through a mesh, ready for many batches.
#[derive(Debug, Clone)]
pub struct Prepared<T>(Way<T>);

#[derive(Debug, Clone)]
enum Way<T> {
    /// Along diagonals, a few samples at a time.
    Walk(Walk<T>),
    /// Column by column, one sample at a time.
    Columns(ColumnWalk<T>),
    /// By the transfer matrix.
    Matrix(Product<T>),
}

impl<T: Real> Prepared<T> {
    /// Sends `fields` through the mesh: `x` becomes `U x`.
    ///
    /// # Panics
    /// If `fields` has another number of modes.
    pub fn run(&self, fields: &mut Fields<T>) {
        self.run_on(InstructionSet::best(), fields);
    }

    /// [`run`](Self::run) with an instruction set of this machine.
    ///
    /// # Panics
    /// If `fields` has another number of modes.
    pub fn run_on(&self, set: InstructionSet, fields: &mut Fields<T>) {
        match &self.0 {
            Way::Walk(walk) => walk.run_on(set.0, fields),
            Way::Columns(walk) => walk.run_on(set.0, fields),
            Way::Matrix(product) => product.run_on(set.0, fields),
        }
    }
}

/// The 2×2 of every MZI: to be computed, or kept where free shifters stand in front of cells or cells have nothing in common.
#[derive(Debug, Clone, PartialEq)]
enum Source<'a> {
    Cells(Box<SetCells<'a>>),
    Shifted(Box<Shifted<'a>>),
    Mzis(Box<Mzis>),
}

/// Cells, some of which may have a phase shifter in front of one arm.
#[derive(Debug, Clone, PartialEq)]
struct Shifted<'a> {
    cells: SetCells<'a>,
    /// Every free shifter and e^{iφ} of its phase.
    shifters: Vec<(FreeShifter, C64)>,
    /// Of the cells with their shifters.
    matrices: Matrices,
}

/// Cells that may differ in everything.
#[derive(Debug, Clone, PartialEq)]
struct Mzis {
    cells: Vec<Mzi>,
    matrices: Matrices,
}

impl<'a> Shifted<'a> {
    fn new(mesh: &Mesh, cells: SetCells<'a>, shifters: Vec<(FreeShifter, C64)>) -> Self {
        let mut matrices = cells.all();
        for (shifter, factor) in &shifters {
            let arm = usize::from(shifter.mode != mesh.nodes[shifter.node].top);
            matrices.scale_input(shifter.node, arm, *factor);
        }
        Self {
            cells,
            shifters,
            matrices,
        }
    }
}

impl<'a> Coefficients<'a> {
    /// The coefficients of `mesh`'s layout, made of `cells` that show `phases` (those of a mesh, or what a chip makes of
    /// them).
    ///
    /// Nothing is computed and no error of cells or of their phases is drawn yet: that happens when light is sent, 64 cells
    /// at a time.
    ///
    /// # Panics
    /// If there is not one cell for every node, or not one phase for every phase shifter of such cells.
    pub fn of(mesh: &Mesh, cells: Cells<'a>, phases: impl Into<Shown<'a>>) -> Self {
        let Shown {
            theta,
            phi,
            screen,
            free,
        } = phases.into();
        let cells = cells.set(theta.values, phi.values);
        assert_eq!(cells.count(), mesh.nodes.len(), "one cell per node");
        assert_eq!(screen.count, mesh.modes, "one output phase per mode");
        let shifters = mesh.free_shifters(cells.kind());
        let free = free.all();
        assert_eq!(free.len(), shifters.len(), "one phase a free shifter");
        Self {
            modes: mesh.modes,
            nodes: mesh.nodes.clone(),
            source: match shifters.is_empty() {
                true => Source::Cells(Box::new(cells)),
                false => {
                    let shifters = shifters.into_iter().zip(phase_factors(&free));
                    Source::Shifted(Box::new(Shifted::new(mesh, cells, shifters.collect())))
                }
            },
            screen: phase_factors(&screen.all()),
        }
    }

    /// The coefficients of `mesh`'s layout and screen, made of `cells` with their phases, which may differ in everything.
    ///
    /// # Panics
    /// If there is not one cell for every node.
    pub(in crate::mesh) fn of_mzis(mesh: &Mesh, cells: Vec<Mzi>) -> Self {
        assert_eq!(cells.len(), mesh.nodes.len(), "one cell per node");
        let matrices = cells.iter().map(Mzi::matrix).collect();
        Self {
            modes: mesh.modes,
            nodes: mesh.nodes.clone(),
            source: Source::Mzis(Box::new(Mzis { cells, matrices })),
            screen: phase_factors(&mesh.phases.screen),
        }
    }

    /// Number of modes.
    pub fn modes(&self) -> usize {
        self.modes
    }

    /// The 2×2 of every MZI, in the order of the nodes.
    pub(crate) fn matrices(&self) -> Cow<'_, Matrices> {
        match &self.source {
            Source::Cells(cells) => Cow::Owned(cells.all()),
            Source::Shifted(shifted) => Cow::Borrowed(&shifted.matrices),
            Source::Mzis(mzis) => Cow::Borrowed(&mzis.matrices),
        }
    }

    /// The same with the 2×2 of every MZI kept, for those who need them more than once.
    pub(crate) fn kept(&self) -> Self {
        let mut kept = self.clone();
        if let Source::Cells(cells) = kept.source {
            let matrices = cells.all();
            kept.source = Source::Shifted(Box::new(Shifted {
                cells: *cells,
                shifters: Vec::new(),
                matrices,
            }));
        }
        kept
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
        // One batch does not pay for a matrix.
        match self.few(fields.samples()) {
            Some(walk) => walk.run_on(Arch::new(), fields),
            None => self.forth().run_on(Arch::new(), fields),
        }
    }

    /// The fastest way through the mesh, at precision `T`, for batches of `samples`. Through small meshes it is the product
    /// with their matrix, whose rounding is relative to an amplitude, not to its real and imaginary part each.
    pub fn prepare<T: Real>(&self, samples: usize) -> Prepared<T> {
        if samples > 1 && self.is_product_faster() {
            Prepared(Way::Matrix(Product::new(&self.first_columns(self.modes))))
        } else if let Some(walk) = self.few(samples) {
            Prepared(Way::Columns(walk))
        } else {
            Prepared(Way::Walk(self.forth()))
        }
    }

    /// The walk column by column where so few samples gain by it; none if the mesh joins distant modes.
    fn few<T: Real>(&self, samples: usize) -> Option<ColumnWalk<T>> {
        let pair = |index: usize| (self.nodes[index].top, self.nodes[index].bottom);
        (samples <= FEW)
            .then(|| ColumnWalk::new(pair, &self.matrices(), &self.screen))
            .flatten()
    }

    /// Whether multiplying by the matrix takes less time than walking through the MZIs (`cargo bench --bench mesh`).
    fn is_product_faster(&self) -> bool {
        // In multiply-adds a sample; a walk also has a factor for each mode at its end.
        let product = 3 * self.modes * self.modes;
        let walk = 8 * self.nodes.len() + 4 * self.modes;
        self.modes <= SMALL && product <= walk
    }

    fn forth<T: Real>(&self) -> Walk<T> {
        self.forth_from(self.modes)
    }

    /// The walk for light that comes from the first `lit` modes alone.
    fn forth_from<T: Real>(&self, lit: usize) -> Walk<T> {
        self.toward(Direction::Forth, &self.screen, lit)
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
        self.back_from(self.modes).run_on(Arch::new(), fields);
    }

    /// The walk from the first `lit` outputs, behind the screen, to the inputs.
    fn back_from<T: Real>(&self, lit: usize) -> Walk<T> {
        self.toward(Direction::Back, &vec![C64::ONE; self.modes], lit)
    }

    fn toward<T: Real>(&self, direction: Direction, factors: &[C64], lit: usize) -> Walk<T> {
        let route = self.nodes.route(self.modes, direction);
        match &self.source {
            Source::Cells(cells) => Walk::new(route, &**cells, factors, lit),
            Source::Shifted(shifted) => Walk::new(route, &shifted.matrices, factors, lit),
            Source::Mzis(mzis) => Walk::new(route, &mzis.matrices, factors, lit),
        }
    }

    /// Sends one field through the mesh, one amplitude per mode, by plain 2×2 products: what is behind its last MZI. In
    /// front of each MZI, `look` sees its number and the whole field.
    ///
    /// # Panics
    /// If `input` does not hold one amplitude per mode.
    pub(crate) fn visit(&self, input: &[C64], mut look: impl FnMut(usize, &[C64])) -> Vec<C64> {
        assert_eq!(input.len(), self.modes, "one amplitude per mode");
        let mut field = input.to_vec();
        let matrices = self.matrices();
        for (index, (node, matrix)) in self.nodes.iter().zip(matrices.iter()).enumerate() {
            look(index, &field);
            [field[node.top], field[node.bottom]] =
                mix(&matrix, [field[node.top], field[node.bottom]]);
        }
        field
    }

    /// One field through the mesh, one amplitude per mode, by plain 2×2 products.
    ///
    /// # Panics
    /// If `input` does not hold one amplitude per mode.
    pub fn pass(&self, input: &[C64]) -> Vec<C64> {
        let field = self.visit(input, |_, _| {});
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
    ///
    /// # Panics
    /// If there are fewer.
    pub fn first_columns<T: Real>(&self, count: usize) -> Fields<T> {
        self.forth_from(count).columns(&vec![C64::ONE; count])
    }

    /// The first `count` rows of the transfer matrix, each a sample: `[mode, row]`. Light that goes backwards from one output
    /// each ends as they are (reciprocity).
    ///
    /// # Panics
    /// If there are fewer rows.
    pub fn first_rows<T: Real>(&self, count: usize) -> Fields<T> {
        self.back_from(count).columns(&self.screen[..count])
    }

    /// [`walk`](Self::walk) of light that comes from another mesh: mode k of `fields` goes on in mode k of this mesh with
    /// `factors[k]`, as far as there are factors; the other modes start dark. `[mode, sample]`, of all modes.
    ///
    /// # Panics
    /// If there are more factors than modes of the fields or of the mesh.
    pub fn walk_on<T: Real>(&self, fields: Fields<T>, factors: &[C64]) -> Fields<T> {
        self.go_on(&self.forth_from(factors.len()), fields, factors)
    }

    /// [`walk_back`](Self::walk_back) of such light.
    ///
    /// # Panics
    /// As [`walk_on`](Self::walk_on).
    pub fn walk_back_on<T: Real>(&self, fields: Fields<T>, factors: &[C64]) -> Fields<T> {
        assert!(factors.len() <= self.modes, "a mode for every factor");
        let factors: Vec<C64> = factors
            .iter()
            .zip(&self.screen)
            .map(|(x, y)| x * y)
            .collect();
        self.go_on(&self.back_from(factors.len()), fields, &factors)
    }

    fn go_on<T: Real>(&self, walk: &Walk<T>, fields: Fields<T>, factors: &[C64]) -> Fields<T> {
        let lit = factors.len();
        let mut light = Fields::zeros(self.modes, fields.samples());
        let mut fields = fields.crop(lit, light.samples());
        fields.scale_modes(factors);
        for (to, from) in [(&mut light.re, fields.re), (&mut light.im, fields.im)] {
            to.slice_mut(s![..lit, ..]).assign(&from);
        }
        walk.run_on(Arch::new(), &mut light);
        light
    }

    /// The light in front of every column and behind the last: power `[column][mode]` of one input field.
    ///
    /// # Panics
    /// If `input` does not hold one amplitude per mode.
    pub fn powers(&self, input: &[C64]) -> Vec<Vec<f64>> {
        let of = |field: &[C64]| field.iter().map(|a| a.norm_sqr()).collect::<Vec<f64>>();
        let mut powers = Vec::new();
        let last = self.visit(input, |index, field| {
            // A column without MZIs has the light of the next one.
            while powers.len() <= self.nodes[index].column {
                powers.push(of(field));
            }
        });
        powers.push(of(&last));
        powers
    }
}

fn phase_factors(phases: &[f64]) -> Vec<C64> {
    let factors = phases.iter().map(|phase| C64::from_polar(1.0, *phase));
    factors.collect()
}

#[cfg(test)]
mod tests;
