//! Self-configuration: phases by measurement alone.

use std::f64::consts::PI;

use super::Instrument;
use super::driver::{Driven, Driver};
use super::response::{Response, TURNS};
use super::tap::{Seen, Tap, taps};
use crate::error::{Error, Result};
use crate::linalg::{C64, Matrix, matrix_error};
use crate::mesh::{CellKind, Cells, Correction, Mesh, Mzi, Phases, mix};

/// Passes after which what is left stays.
const MOST_PASSES: usize = 4;
/// A matrix error below this is rounding.
const ROUNDING: f64 = 1e-9;

/// What a self-configuration did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SelfConfiguration {
    /// Number of cells that the last pass could not make send the light of one state to one port.
    pub unreachable: usize,
    /// Number of times that all cells were configured.
    pub passes: usize,
    /// Which phases the chip was left with.
    pub kept: Kept,
    /// Matrix error with these phases as it was measured, loss of all modes together left out.
    pub error: f64,
    /// Number of times that phases were set.
    pub settings: u64,
    /// Number of inputs for which the outputs were read.
    pub readings: u64,
}

/// Phases that a self-configuration leaves a chip with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Those that it found.
    Found,
    /// Those that were set before: what it found is no better.
    Before,
    /// Those of perfect cells: what it found is no better.
    Perfect,
}

/// Phases that were tried.
struct Tried {
    kept: Kept,
    phases: Vec<f64>,
    /// What the heaters were taken for.
    scale: Vec<f64>,
    error: f64,
}

/// What one pass over all cells could not do.
#[derive(Default)]
struct Missed {
    unreachable: usize,
    /// Sum over these cells of the share of light that is left in a port that should be dark.
    power: f64,
}

impl Missed {
    /// The matrix error that follows: light that leaves a cell by the wrong port is missing at the right one, for both
    /// states that a cell separates.
    fn error(&self, modes: usize) -> f64 {
        (2.0 * self.power / modes as f64).sqrt()
    }
}

impl Driver {
    /// Finds phases of `instrument` for the matrix of `target` by measurement and sets them.
    ///
    /// Cells are configured in the order of light. Light comes in that perfect cells up to this one would send to one
    /// of its two modes alone; its other mode must then be dark, which a heater of the next cell shows: of the fields
    /// at the outputs, what changes with the heater is the light that passes it. This light is measured for θ and φ as
    /// they are and half a turn further, and is affine in e^{iθ} and e^{iφ}, so four measurements tell where it
    /// vanishes. All light of the input passes the cell, so no error grows from cell to cell: offsets may be anything.
    /// The phases that cells add to their modes are met at the screen.
    ///
    /// If more is left than the noise of the receivers explains, couplers do not reach what is asked or heaters show other
    /// phases than are. So they are [calibrated](Self::calibrate), and the cells configured once more from where they
    /// stand, until the cells that are out of reach explain what is left or it does not help. The chip keeps the best phases
    /// of those found, those set before, and those of perfect cells, by the matrix error as the receivers read it; phases
    /// that are set again meet new programming errors.
    ///
    /// # Errors
    /// [`Error::Value`] if the target has another layout than the chip, or for 3-splitter MZIs if both ports of a cell
    /// lead to the same cell; and those of [`set`](Self::set).
    ///
    /// Power ratios of states instead of elements of the matrix: Hamerly, Bandyopadhyay, Englund, arXiv:2106.04363.
    pub fn self_configure(
        &mut self,
        instrument: &mut dyn Instrument,
        target: &Mesh,
    ) -> Result<SelfConfiguration> {
        self.check(target)?;
        let taps = taps(&self.layout, self.kind)?;
        Driven::new(self, instrument)?.configure(target, &taps)
    }

    fn check(&self, target: &Mesh) -> Result<()> {
        if target.modes() != self.layout.modes() {
            let limit = format!("{}, as the chip has", self.layout.modes());
            return Err(Error::value("modes of the target", target.modes(), limit));
        }
        if target.nodes() != self.layout.nodes() {
            let name = |mesh: &Mesh| match mesh.geometry() {
                Some(geometry) => geometry.to_string(),
                None => "one of its own".to_owned(),
            };
            let limit = format!("that of the chip: {}", name(&self.layout));
            return Err(Error::value("layout of the target", name(target), limit));
        }
        Ok(())
    }
}

impl Driven<'_> {
    fn configure(&mut self, target: &Mesh, taps: &[Tap]) -> Result<SelfConfiguration> {
        let wanted = target.between_ports(&target.transfer());
        let mut best = Tried {
            kept: Kept::Before,
            phases: self.driver.phases.clone(),
            scale: self.driver.scale.clone(),
            error: self.error(&wanted)?,
        };
        let cells = Cells::perfect(self.driver.kind, target.nodes().len());
        let perfect = target.corrected(Correction::None, &cells);
        self.try_out(Kept::Perfect, perfect.phases.flat(), &wanted, &mut best)?;
        let mut missed = Missed::default();
        let mut passes = 0;
        let mut last = f64::INFINITY;
        while passes < MOST_PASSES {
            if passes == 1 {
                self.calibrate()?;
            }
            passes += 1;
            let found = self.pass(target, taps, best.phases.clone(), &mut missed)?;
            let error = self.try_out(Kept::Found, found, &wanted, &mut best)?;
            // Heaters of unknown scale make cells seem out of reach that are not: these explain nothing before calibration.
            let out_of_reach = match passes {
                1 => 0.0,
                _ => missed.error(wanted.nrows()),
            };
            let explained = out_of_reach + self.reading_error(wanted.nrows());
            if error <= (2.0 * explained).max(ROUNDING) || error > last / 2.0 {
                break;
            }
            last = error;
        }
        if self.driver.phases != best.phases || self.driver.scale != best.scale {
            self.driver.scale = best.scale;
            self.set(&best.phases)?;
        }
        let costs = self.bench.costs();
        Ok(SelfConfiguration {
            unreachable: missed.unreachable,
            passes,
            kept: best.kept,
            error: best.error,
            settings: costs.settings,
            readings: costs.passes,
        })
    }

    /// Sets `phases`, measures their error, and keeps them if they are better than the best so far.
    fn try_out(
        &mut self,
        kept: Kept,
        phases: Vec<f64>,
        wanted: &Matrix,
        best: &mut Tried,
    ) -> Result<f64> {
        self.set(&phases)?;
        let error = self.error(wanted)?;
        if error < best.error {
            *best = Tried {
                kept,
                phases,
                scale: self.driver.scale.clone(),
                error,
            };
        }
        Ok(error)
    }

    /// The matrix error as the receivers read it, with the loss of all modes together made up for.
    fn error(&mut self, wanted: &Matrix) -> Result<f64> {
        let u = self.transfer()?;
        let mut u = self.driver.layout.between_ports(&u);
        let gain = wanted.norm() / u.norm();
        if gain.is_finite() {
            u *= C64::from(gain);
        }
        Ok(matrix_error(&u, wanted))
    }

    /// The matrix error that the noise of the receivers shows of a matrix without error.
    fn reading_error(&self, modes: usize) -> f64 {
        self.driver.receiver_noise * (2.0 * modes as f64).sqrt()
    }

    /// Configures every cell once, beginning at the phases `start`; the phases that it found.
    fn pass(
        &mut self,
        target: &Mesh,
        taps: &[Tap],
        start: Vec<f64>,
        missed: &mut Missed,
    ) -> Result<Vec<f64>> {
        *missed = Missed::default();
        let modes = target.modes();
        let mut plan = Plan::new(target, self.driver.kind, start);
        // The inputs that perfect cells so far send to one mode each.
        let mut inputs: Vec<Vec<C64>> = (0..modes)
            .map(|mode| {
                (0..modes)
                    .map(|k| C64::from(f64::from(u8::from(k == mode))))
                    .collect()
            })
            .collect();
        for (index, (node, tap)) in target.nodes().iter().zip(taps).enumerate() {
            let ideal = Mzi::ideal(target.theta()[index], target.phi()[index]).matrix();
            let back = ideal.map(|z| z.conj());
            let [top, bottom] = inputs
                .get_disjoint_mut([node.top, node.bottom])
                .expect("a node joins two different modes");
            for (x, y) in top.iter_mut().zip(bottom) {
                [*x, *y] = mix(&back, [*x, *y]);
            }
            let darkest = self
                .response(&mut plan, index, &inputs[tap.lit], tap.dark)?
                .darkest();
            plan.turns.theta[index] += darkest.theta;
            plan.turns.phi[index] += darkest.phi;
            missed.unreachable += usize::from(darkest.left > 0.0);
            missed.power += darkest.left.powi(2);
        }
        self.set(&plan.phases())?;
        for (mode, input) in inputs.iter().enumerate() {
            let ahead = self.read(input)?[mode].arg();
            plan.turns.screen[mode] = target.screen()[mode] - ahead;
        }
        Ok(plan.phases())
    }

    /// What the light that is to be dark does as the phases of one cell turn.
    fn response(
        &mut self,
        plan: &mut Plan,
        cell: usize,
        input: &[C64],
        dark: Seen,
    ) -> Result<Response> {
        let (theta, phi) = (plan.turns.theta[cell], plan.turns.phi[cell]);
        let mut signals = TURNS.map(|_| Vec::new());
        for (signal, (by_theta, by_phi)) in signals.iter_mut().zip(TURNS) {
            plan.turns.theta[cell] = theta + by_theta;
            plan.turns.phi[cell] = phi + by_phi;
            *signal = self.see(plan, input, dark)?;
        }
        plan.turns.theta[cell] = theta;
        plan.turns.phi[cell] = phi;
        Ok(Response::of(&signals))
    }

    /// A vector that is proportional to the light in a mode.
    fn see(&mut self, plan: &mut Plan, input: &[C64], seen: Seen) -> Result<Vec<C64>> {
        self.set(&plan.phases())?;
        let mut fields = self.read(input)?;
        let heater = match seen {
            Seen::AtOutput(mode) => return Ok(vec![fields[mode]]),
            Seen::ByPhi(next) => &mut plan.turns.phi[next],
            Seen::ByTheta(next) => &mut plan.turns.theta[next],
        };
        let phase = std::mem::replace(heater, *heater + PI);
        self.set(&plan.phases())?;
        let turned = self.read(input)?;
        match seen {
            Seen::AtOutput(_) => {}
            Seen::ByPhi(next) => plan.turns.phi[next] = phase,
            Seen::ByTheta(next) => plan.turns.theta[next] = phase,
        }
        fields.iter_mut().zip(&turned).for_each(|(x, y)| *x -= y);
        Ok(fields)
    }
}

/// Phases while a mesh is configured.
struct Plan<'a> {
    layout: &'a Mesh,
    kind: CellKind,
    /// Where the heaters stood at the beginning, rad.
    start: Vec<f64>,
    /// What the phases of MZIs have turned since, rad.
    turns: Phases,
}

impl<'a> Plan<'a> {
    fn new(layout: &'a Mesh, kind: CellKind, start: Vec<f64>) -> Self {
        let cells = layout.nodes().len();
        let turns = Phases {
            theta: vec![0.0; cells],
            phi: vec![0.0; cells],
            screen: vec![0.0; layout.modes()],
            free: Vec::new(),
        };
        Self {
            layout,
            kind,
            start,
            turns,
        }
    }

    /// The phases of the heaters, rad.
    fn phases(&self) -> Vec<f64> {
        let turns = match self.kind {
            CellKind::Symmetric => self.layout.symmetric(&self.turns).flat(),
            _ => self.turns.flat(),
        };
        turns
            .iter()
            .zip(&self.start)
            .map(|(turn, start)| start + turn)
            .collect()
    }
}

#[cfg(test)]
mod tests;
