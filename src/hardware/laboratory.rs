//! A chip on a bench, and how it is configured by measurement alone.

use std::collections::VecDeque;
use std::f64::consts::PI;

use super::{Chip, Heaters, Part};
use crate::error::{Error, Result};
use crate::linalg::{C64, Matrix};
use crate::mesh::{CellArray, CellKind, Coefficients, Geometry, Mesh, Setting};
use crate::rng::Effect;

/// A chip with one mesh on a bench: phases are set, light goes in, and coherent receivers read the fields at the outputs.
///
/// Couplers, losses and offsets cannot be seen. Every setting has a programming error of its own, and phases
/// drift while [time passes](Self::wait). The receivers are free of noise.
#[derive(Debug, Clone)]
pub struct Laboratory {
    chip: Chip,
    layout: Mesh,
    heaters: Heaters,
    cells: CellArray,
    coefficients: Coefficients<'static>,
    /// The crosstalk that settings make up for.
    known_crosstalk: f64,
    /// What every phase shows but for its drift, rad, in the order of the heaters.
    settled: Vec<f64>,
    /// What every phase has drifted since the beginning, rad, in the order of the heaters.
    drift: Vec<f64>,
    waits: u64,
    settings: u64,
    readings: u64,
}

/// What a self-configuration did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SelfConfiguration {
    /// Number of cells whose signal could not be nulled.
    pub unreachable: usize,
    /// Number of times that phases were set.
    pub settings: u64,
    /// Number of inputs for which the outputs were read.
    pub readings: u64,
}

impl Laboratory {
    /// A bench with `chip`, whose mesh has the layout of `mesh`, all heaters off.
    pub fn new(mut chip: Chip, mesh: &Mesh) -> Self {
        // Drift passes with the time on the bench.
        chip.hardware.phase_shifter.drift_time_s = 0.0;
        let mut heaters = Heaters::default();
        heaters.push_mesh(mesh, chip.cell_kind());
        let cells = chip.cells(Part::MESH, mesh.nodes().len()).array();
        let off = vec![0.0; heaters.len()];
        let mut bench = Self {
            coefficients: Coefficients::of_cells(mesh, cells.clone(), off.clone()),
            settled: off.clone(),
            drift: off.clone(),
            layout: mesh.clone(),
            known_crosstalk: 0.0,
            heaters,
            cells,
            chip,
            waits: 0,
            settings: 0,
            readings: 0,
        };
        bench.set(&off);
        bench
    }

    /// The bench that makes up for thermal crosstalk of this strength, which follows from the layout: see
    /// [`Heaters::heated_to`].
    #[must_use]
    pub fn with_known_crosstalk(mut self, crosstalk: f64) -> Self {
        self.known_crosstalk = crosstalk;
        self
    }

    /// Sets every phase shifter: theta, phi, screen, free shifters, rad.
    ///
    /// # Panics
    /// If there is not one phase per shifter.
    pub fn set(&mut self, phases: &[f64]) {
        self.settings += 1;
        let asked = self.heaters.heated_to(phases, self.known_crosstalk);
        self.settled = self.chip.settle_at(&self.heaters, asked, self.settings);
        self.show();
    }

    fn show(&mut self) {
        let sums = self.settled.iter().zip(&self.drift);
        let phases: Vec<f64> = sums.map(|(phase, drift)| phase + drift).collect();
        let cells = self.cells.clone();
        self.coefficients = Coefficients::of_cells(&self.layout, cells, phases);
    }

    /// Lets `seconds` pass: every phase walks at random by `drift_rad_per_sqrt_s`.
    pub fn wait(&mut self, seconds: f64) {
        self.waits += 1;
        let sigma = self.chip.hardware().phase_shifter.drift_rad_per_sqrt_s * seconds.sqrt();
        let mut stream = self.chip.stream(Effect::Drift, Part::MESH, self.waits);
        for drift in &mut self.drift {
            *drift += sigma * stream.standard_normal();
        }
        self.show();
    }

    /// Sends `input`, one amplitude per mode, and reads the fields at all outputs.
    ///
    /// # Panics
    /// If there is not one amplitude per mode.
    pub fn read(&mut self, input: &[C64]) -> Vec<C64> {
        self.readings += 1;
        self.coefficients.pass(input)
    }

    /// The transfer matrix as it is measured, input by input.
    pub fn transfer(&mut self) -> Matrix {
        let n = self.layout.modes();
        let mut u = Matrix::zeros(n, n);
        for mode in 0..n {
            let mut input = vec![C64::ZERO; n];
            input[mode] = C64::ONE;
            u.column_mut(mode).copy_from_slice(&self.read(&input));
        }
        u
    }

    /// Finds phases for the matrix of `target` by measurement and sets them.
    ///
    /// The target is diagonalized from both sides by ideal rotations, `U = V X W`, and for every element of X that becomes
    /// zero one cell is set: with light `W† e` at the inputs, the receivers' projection on `V e` must vanish. It is
    /// measured for θ and φ as they are and half a turn further, and is affine in e^{iθ} and e^{iφ}, so four readings
    /// tell where it vanishes. Phases of the cells at the outputs act behind them; those of the cells inside are moved
    /// outwards.
    ///
    /// # Errors
    /// [`Error::Value`] if the mesh is neither a rectangle nor a triangle of the same size, or a rectangle of 3-splitter
    /// MZIs, whose phases cannot be moved outwards.
    ///
    /// Hamerly, Bandyopadhyay, Englund, Phys. Rev. Applied 18, 024018 (triangle) and 024019 (rectangle) (2022).
    pub fn self_configure(&mut self, target: &Mesh) -> Result<SelfConfiguration> {
        let geometry = match self.layout.geometry() {
            Some(geometry @ (Geometry::Clements | Geometry::Reck)) => geometry,
            _ => {
                let limit = "clements or reck for self-configuration";
                let got = self.layout.geometry();
                let got = got.map_or("none".to_owned(), |geometry| geometry.to_string());
                return Err(Error::value("geometry", got, limit));
            }
        };
        if target.modes() != self.layout.modes() {
            let limit = format!("{}, as the chip has", self.layout.modes());
            return Err(Error::value("modes of the target", target.modes(), limit));
        }
        if geometry == Geometry::Clements && self.chip.cell_kind() == CellKind::ThreeSplitter {
            let limit = "mzi, mzi-crossing or symmetric for self-configuration of a rectangle";
            return Err(Error::value("mesh.cell", CellKind::ThreeSplitter, limit));
        }
        let (settings, readings) = (self.settings, self.readings);
        let mut unreachable = 0;
        let mut plan = Plan::new(&self.layout, self.chip.cell_kind());
        let mut frame = Frame::new(&target.transfer());
        for step in steps(&self.layout, geometry) {
            let (input, projection) = frame.rotate(&step);
            if step.at_output {
                plan.at_output[step.node] = true;
            }
            unreachable += usize::from(!self.null(&mut plan, &step, &input, &projection));
        }
        self.set(&plan.phases(&self.layout, self.chip.cell_kind()));
        for mode in 0..self.layout.modes() {
            let (input, projection) = frame.mode(mode);
            let got = dot(&projection, &self.read(&input));
            plan.middle[mode] += (frame.x[(mode, mode)] * got.conj()).arg();
        }
        self.set(&plan.phases(&self.layout, self.chip.cell_kind()));
        Ok(SelfConfiguration {
            unreachable,
            settings: self.settings - settings,
            readings: self.readings - readings,
        })
    }

    /// Sets one cell so that the projection of the output vanishes; false if it cannot.
    fn null(&mut self, plan: &mut Plan, step: &Step, input: &[C64], projection: &[C64]) -> bool {
        let kind = self.chip.cell_kind();
        let (theta, outer) = (plan.theta[step.node], plan.outer[step.node]);
        let mut signal = |bench: &mut Self, theta, outer| {
            plan.theta[step.node] = theta;
            plan.outer[step.node] = outer;
            bench.set(&plan.phases(&bench.layout, kind));
            dot(projection, &bench.read(input))
        };
        let s00 = signal(self, theta, outer);
        let s10 = signal(self, theta + PI, outer);
        let s01 = signal(self, theta, outer + PI);
        let s11 = signal(self, theta + PI, outer + PI);
        // signal = a + b e^{iδθ} + (c + d e^{iδθ}) e^{iδφ}
        let a = (s00 + s10 + s01 + s11) / 4.0;
        let b = (s00 - s10 + s01 - s11) / 4.0;
        let c = (s00 + s10 - s01 - s11) / 4.0;
        let d = (s00 - s10 - s01 + s11) / 4.0;
        // It vanishes for some φ where |a + b e^{iδθ}| = |c + d e^{iδθ}|.
        let constant = a.norm_sqr() + b.norm_sqr() - c.norm_sqr() - d.norm_sqr();
        let swing = a.conj() * b - c.conj() * d;
        let cosine = -constant / (2.0 * swing.norm());
        if !cosine.is_finite() {
            // Neither phase moves the signal.
            return signal(self, theta, outer).norm() < ROUNDING;
        }
        let spread = cosine.clamp(-1.0, 1.0).acos();
        let turns = [-swing.arg() + spread, -swing.arg() - spread];
        // Two settings of θ do it; the one in [0, π] is that of a perfect cell.
        let turn = turns
            .into_iter()
            .min_by(|x, y| {
                let off = |turn: &f64| ((theta + turn).rem_euclid(2.0 * PI) - PI / 2.0).abs();
                off(x).total_cmp(&off(y))
            })
            .expect("there are two");
        let factor = C64::from_polar(1.0, turn);
        let against = -(a + b * factor) * (c + d * factor).conj();
        signal(self, theta + turn, outer + against.arg());
        cosine.abs() <= 1.0 + ROUNDING
    }
}

/// How far rounding takes a cosine beyond 1.
const ROUNDING: f64 = 1e-9;

/// `a† b`.
fn dot(a: &[C64], b: &[C64]) -> C64 {
    a.iter().zip(b).map(|(a, b)| a.conj() * b).sum()
}

/// Phases while a mesh is configured.
struct Plan {
    theta: Vec<f64>,
    /// The other phase of every cell: φ in front of its top arm, or behind it for cells at the outputs.
    outer: Vec<f64>,
    at_output: Vec<bool>,
    /// A phase on every mode between the cells at the inputs and those at the outputs.
    middle: Vec<f64>,
}

impl Plan {
    /// All cells in the cross state: light at the edge of a cell's reach then gets there.
    fn new(layout: &Mesh, kind: CellKind) -> Self {
        let cross = if kind == CellKind::Crossing { PI } else { 0.0 };
        Self {
            theta: vec![cross; layout.nodes().len()],
            outer: vec![0.0; layout.nodes().len()],
            at_output: vec![false; layout.nodes().len()],
            middle: vec![0.0; layout.modes()],
        }
    }

    /// The phases of the heaters: what stands behind a cell or in the middle moves to the next φ or to the screen, for
    /// M(θ) P(a, b) = e^{ib} M(θ) P(a − b, 0).
    fn phases(&self, layout: &Mesh, kind: CellKind) -> Vec<f64> {
        let mut ahead = self.middle.clone();
        let mut phi = self.outer.clone();
        for (index, node) in layout.nodes().iter().enumerate() {
            if self.at_output[index] {
                let common = ahead[node.bottom];
                phi[index] = ahead[node.top] - common;
                ahead[node.top] = common + self.outer[index];
            }
        }
        let setting = Setting {
            theta: self.theta.clone(),
            phi,
            screen: ahead,
            free: Vec::new(),
        };
        match kind {
            CellKind::Symmetric => layout.symmetric(&setting).phases(),
            _ => setting.phases(),
        }
    }
}

/// One cell and the element of X that its rotation makes zero.
struct Step {
    node: usize,
    at_output: bool,
    /// The first of the two neighbouring columns (at the input) or rows (at the output) that rotate.
    first: usize,
    /// The row (at the input) or column (at the output) in which an element becomes zero.
    other: usize,
}

/// The cells in the order in which they are configured.
fn steps(layout: &Mesh, geometry: Geometry) -> Vec<Step> {
    let n = layout.modes();
    let mut on_pair = vec![VecDeque::new(); n];
    for (index, node) in layout.nodes().iter().enumerate() {
        on_pair[node.top].push_back(index);
    }
    let mut from_input = |first: usize, other| Step {
        node: on_pair[first].pop_front().expect("a cell per element"),
        at_output: false,
        first,
        other,
    };
    if geometry == Geometry::Reck {
        let rows = (1..n).rev();
        return rows
            .flat_map(|row| (0..row).map(move |top| (top, row)))
            .map(|(top, row)| from_input(top, row))
            .collect();
    }
    let mut steps = Vec::with_capacity(layout.nodes().len());
    for diagonal in 0..n.saturating_sub(1) {
        for j in 0..=diagonal {
            if diagonal % 2 == 0 {
                let first = diagonal - j;
                steps.push(Step {
                    node: on_pair[first].pop_front().expect("a cell per element"),
                    at_output: false,
                    first,
                    other: n - 1 - j,
                });
            } else {
                let first = n - 2 - diagonal + j;
                steps.push(Step {
                    node: on_pair[first].pop_back().expect("a cell per element"),
                    at_output: true,
                    first,
                    other: j,
                });
            }
        }
    }
    steps
}

/// The target as `U = V X W` with unitary V and W.
struct Frame {
    v: Matrix,
    x: Matrix,
    w: Matrix,
}

impl Frame {
    fn new(target: &Matrix) -> Self {
        let n = target.nrows();
        Self {
            v: Matrix::identity(n, n),
            x: target.clone(),
            w: Matrix::identity(n, n),
        }
    }

    /// Makes the step's element of X zero; the input and the projection of the signal that must vanish on the chip.
    fn rotate(&mut self, step: &Step) -> (Vec<C64>, Vec<C64>) {
        let (p, q) = (step.first, step.first + 1);
        let n = self.x.nrows();
        if step.at_output {
            let (x, y) = unit(self.x[(p, step.other)], self.x[(q, step.other)]);
            // Rows of X by G = [[x*, y*], [−y, x]], columns of V by G†.
            for k in 0..n {
                let (a, b) = (self.x[(p, k)], self.x[(q, k)]);
                self.x[(p, k)] = x.conj() * a + y.conj() * b;
                self.x[(q, k)] = x * b - y * a;
                let (a, b) = (self.v[(k, p)], self.v[(k, q)]);
                self.v[(k, p)] = a * x + b * y;
                self.v[(k, q)] = b * x.conj() - a * y.conj();
            }
            (self.input(step.other), self.projection(q))
        } else {
            let (x, y) = unit(self.x[(step.other, p)], self.x[(step.other, q)]);
            // Columns of X by G† = [[y, x*], [−x, y*]], rows of W by G.
            for k in 0..n {
                let (a, b) = (self.x[(k, p)], self.x[(k, q)]);
                self.x[(k, p)] = a * y - b * x;
                self.x[(k, q)] = a * x.conj() + b * y.conj();
                let (a, b) = (self.w[(p, k)], self.w[(q, k)]);
                self.w[(p, k)] = y.conj() * a - x.conj() * b;
                self.w[(q, k)] = x * a + y * b;
            }
            (self.input(p), self.projection(step.other))
        }
    }

    /// Input and projection that belong to a diagonal element of X.
    fn mode(&self, mode: usize) -> (Vec<C64>, Vec<C64>) {
        (self.input(mode), self.projection(mode))
    }

    fn input(&self, mode: usize) -> Vec<C64> {
        self.w.row(mode).iter().map(|z| z.conj()).collect()
    }

    fn projection(&self, mode: usize) -> Vec<C64> {
        self.v.column(mode).iter().copied().collect()
    }
}

/// (x, y) at length 1; (1, 0) of nothing.
fn unit(x: C64, y: C64) -> (C64, C64) {
    let size = x.norm().hypot(y.norm());
    if size > 0.0 {
        (x / size, y / size)
    } else {
        (C64::ONE, C64::ZERO)
    }
}

#[cfg(test)]
mod tests;
