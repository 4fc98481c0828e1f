//! One drawn chip, and what happens to phases that are programmed into it.

mod back;
mod heat;
mod save;
mod seat;
mod shares;

pub(crate) use seat::{Others, Parts, Silicon};

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::{Given, Hardware, Heaters, Place, Placed, Quantity, Section, Supply, asked_rad};
use crate::error::Result;
use crate::linalg::Matrix;
use crate::mesh::{CellKind, Cells, Coefficients, Correction, Mesh, Phases, Shown, Values};
use crate::rng::{Address, Effect, Seed, Stream};
use crate::units::{amplitude_from_db, heater_phase_rad, heater_volts};
use shares::Drawing;

/// One chip drawn from [`Hardware`].
///
/// It holds no arrays but those that it is [given](Self::with_given): every error is a function of (seed, effect, trial,
/// silicon or work), drawn where it is needed, so chips of any size cost nothing to keep.
#[derive(Debug, Clone, PartialEq)]
pub struct Chip {
    pub(super) hardware: Hardware,
    seed: Seed,
    trial: u64,
    /// Number of its programming, from which all that is not drawn once a chip follows as well.
    load: u64,
    given: Arc<Given>,
    /// Whether what was measured of it is in what is given.
    is_seated: bool,
    drawing: Drawing,
}

impl Chip {
    pub(super) fn new(hardware: Hardware, seed: Seed, trial: u64) -> Self {
        Self {
            drawing: Drawing::new(&hardware, trial),
            hardware,
            seed,
            trial,
            load: 0,
            given: Arc::default(),
            is_seated: false,
        }
    }

    /// The same chip, of which this is known: where it says so, an element has a number of its own or another share of what
    /// was drawn.
    #[must_use]
    pub fn with_given(mut self, given: Given) -> Self {
        self.given = Arc::new(given);
        self
    }

    /// What is known of the chip instead of drawn.
    pub fn given(&self) -> &Given {
        &self.given
    }

    /// Fails unless what is given of the section `at` a site fits one of so many `cells` and `shifters`.
    ///
    /// # Errors
    /// Those of [`Given::check`].
    pub fn check_given(&self, at: Placed, cells: usize, shifters: usize) -> Result<()> {
        let section = at.part.section;
        let couplers = match section {
            Section::Attenuators => CellKind::Mzi.couplers(),
            _ => self.cell_kind().couplers(),
        };
        self.given
            .check(at.site, section, |quantity| match quantity {
                Quantity::ThirdCouplerRad if couplers < 3 => 0,
                Quantity::OffsetRad | Quantity::VPiError => shifters,
                _ => cells,
            })
    }

    /// The distribution that the chip was drawn from.
    pub fn hardware(&self) -> &Hardware {
        &self.hardware
    }

    /// Which of the chips that follow from the seed this is.
    pub fn trial(&self) -> u64 {
        self.trial
    }

    /// The stream of `effect` for a piece of work on this chip: that of its silicon where the effect is
    /// [drawn once a chip](Effect::is_per_chip).
    pub fn stream(&self, effect: Effect, at: Placed, block: u64) -> Stream {
        self.address(effect, at, block).stream()
    }

    fn address(&self, effect: Effect, at: Placed, block: u64) -> Address {
        let load = match effect.is_per_chip() {
            true => 0,
            false => self.load << 32,
        };
        at.address(self.seed, effect, self.trial, block.wrapping_add(load))
    }

    /// The same chip as it is programmed for the `load`-th time, from 0: what is drawn once a load, and the noise of shots, are
    /// others.
    #[must_use]
    pub fn at_load(mut self, load: u64) -> Self {
        self.load = load;
        self
    }

    /// A mesh that stands alone, with its phases programmed into this chip.
    ///
    /// # Panics
    /// If what the chip is given does not [fit](Self::check_given) the mesh, or what was measured is not [of it](Self::on_mesh).
    pub fn program<'a>(&self, mesh: &'a Mesh, correction: Correction) -> Programmed<'a> {
        if let Cow::Owned(placed) = self.on_places_of(mesh)
            && placed.drawing != self.drawing
        {
            return placed.program(mesh, correction);
        }
        let at = Placed::MESH;
        if self.needs_seat() {
            let seated = self.on_mesh(mesh);
            let seated = seated.unwrap_or_else(|error| panic!("{error}"));
            return seated.program(mesh, correction);
        }
        if !self.given.is_empty() {
            let shifters = mesh.phase_shifters_of(self.cell_kind());
            let fits = self.check_given(at, mesh.nodes().len(), shifters);
            fits.unwrap_or_else(|error| panic!("{error}"));
        }
        let cells = self.cells(at, mesh.nodes().len());
        if self.shows_what_is_asked(correction) {
            return Programmed {
                coefficients: self.coefficients(at, mesh, cells, None),
                phases: mesh.phases().clone(),
                unreachable: 0,
            };
        }
        let cells = cells.drawn();
        let known = self.as_known(&cells);
        let corrected = mesh.corrected(correction, known.as_ref().unwrap_or(&cells));
        let heaters = self.heaters(|heaters| heaters.push_mesh(mesh, self.cell_kind()));
        let targets = corrected.phases.flat();
        let sections = [(at, targets.len())];
        let mut phases = self.settle(&heaters, &sections, targets, correction);
        Programmed {
            coefficients: self.coefficients(at, mesh, cells, phases.pop()),
            phases: corrected.phases,
            unreachable: corrected.unreachable,
        }
    }

    /// Transfer matrix of a mesh that stands alone, programmed without correction.
    ///
    /// # Panics
    /// As [`program`](Self::program).
    pub fn transfer(&self, mesh: &Mesh) -> Matrix {
        self.program(mesh, Correction::None).coefficients.transfer()
    }

    /// Whether the answer of any heater to its voltage was measured.
    pub(crate) fn has_curves(&self) -> bool {
        self.given.has_curves()
    }

    /// Whether numbers were measured of it and are not put on a mesh or a program yet.
    pub(crate) fn needs_seat(&self) -> bool {
        !self.is_seated && !self.hardware.measured.has_no_numbers()
    }

    /// `cells` of this chip as corrections know them, with what the hardware says of all in place of what they do not know;
    /// nothing where they know all of it.
    pub(crate) fn as_known<'a>(&self, cells: &Cells<'a>) -> Option<Cells<'a>> {
        let known = self.hardware.measured.known();
        if known.splitting_error_rad && known.loss_db {
            return None;
        }
        let Hardware { coupler, mesh, .. } = &self.hardware;
        let mut cells = cells.clone();
        if !known.splitting_error_rad {
            for errors in [&mut cells.alpha, &mut cells.beta, &mut cells.gamma] {
                *errors = Values::same(coupler.splitting_bias_rad);
            }
        }
        if !known.loss_db {
            cells.amplitude = Values::same(amplitude_from_db(-mesh.insertion_loss_db));
        }
        Some(cells)
    }

    /// The kind of the chip's cells.
    pub fn cell_kind(&self) -> CellKind {
        self.hardware.mesh.cell
    }

    /// The heaters that `push` appends: none on a chip without crosstalk, where their places do not matter.
    pub fn heaters(&self, push: impl FnOnce(&mut Heaters)) -> Heaters {
        let mut heaters = Heaters::default();
        if self.hardware.phase_shifter.crosstalk > 0.0 {
            push(&mut heaters);
        }
        heaters
    }

    /// Whether a mesh's own phases are what its heaters do, but for the errors that add to every phase: without a correction,
    /// and with nothing between what is asked of a heater and what it does.
    pub fn shows_what_is_asked(&self, correction: Correction) -> bool {
        let mut acting = self.hardware.acting();
        correction == Correction::None
            && !acting.any(|key| key.row.place == Place::Drive)
            && !self.given.knows(Quantity::VPiError)
            && !self.given.has_responses()
            && !self.given.has_shares()
    }

    /// Whether some heaters have another V_π than calibration said.
    fn has_v_pi_errors(&self) -> bool {
        self.errs(Quantity::VPiError, 0.0)
    }

    /// The `numbers` of a quantity where it is given, if only in part: what the rest is drawn from is the stream of
    /// `numbers.end` elements.
    fn known(&self, quantity: Quantity, at: Placed, numbers: Range<usize>) -> Option<Vec<f64>> {
        assert!(!self.needs_seat(), "what was measured is put on a mesh");
        let elements = self.given.of(quantity, at.site, at.part.section)?;
        let zero = Values::same(0.0);
        let deviations = self.with_deviations(zero, quantity, at, numbers.clone());
        let deviations = deviations.all(numbers.len());
        Some(elements.values(numbers.start, self.mean(quantity), &deviations))
    }

    /// The `numbers` of a quantity, given or drawn.
    fn numbers(&self, quantity: Quantity, at: Placed, numbers: Range<usize>) -> Values<'static> {
        match self.known(quantity, at, numbers.clone()) {
            Some(known) => Values::each(known),
            None => {
                let mean = Values::same(self.mean(quantity));
                self.with_deviations(mean, quantity, at, numbers)
            }
        }
    }

    /// What heaters do after `targets` were programmed into the `sections` of one tile, of so many phases each.
    ///
    /// A correction knows the chip's offsets and its crosstalk and asks for phases that make up for both. Then the supply
    /// rounds the voltage, V_π is not what calibration said, heat spreads over the whole tile. Each section's phases come
    /// back in their order, rad, without the errors that [add](Self::with_phase_errors) to them.
    ///
    /// # Panics
    /// If there is not one target for every phase of the sections, or there is crosstalk and `heaters` does not hold one
    /// place per phase.
    pub fn settle(
        &self,
        heaters: &Heaters,
        sections: &[(Placed, usize)],
        targets: Vec<f64>,
        correction: Correction,
    ) -> Vec<Vec<f64>> {
        let asked = self.asked(heaters, sections, targets, correction);
        self.drive(heaters, sections, asked)
    }

    /// What heaters are asked for so that `sections`, of so many phases each, do `targets`: all phases in their order, rad.
    ///
    /// # Panics
    /// As [`settle`](Self::settle).
    pub(crate) fn asked(
        &self,
        heaters: &Heaters,
        sections: &[(Placed, usize)],
        targets: Vec<f64>,
        correction: Correction,
    ) -> Vec<f64> {
        let shifter = &self.hardware.phase_shifter;
        assert_eq!(
            sections.iter().map(|(_, count)| count).sum::<usize>(),
            targets.len(),
            "one target for every phase of the sections"
        );
        let mut asked = targets;
        let known = self.hardware.measured.known();
        if correction != Correction::None {
            let mut rest = asked.as_mut_slice();
            for (at, count) in sections.iter().filter(|_| known.offset_rad) {
                let (section, behind) = rest.split_at_mut(*count);
                rest = behind;
                let offsets = self
                    .numbers(Quantity::OffsetRad, *at, 0..*count)
                    .all(*count);
                for (phase, offset) in section.iter_mut().zip(offsets) {
                    *phase -= offset;
                }
            }
            asked = self.heated_to(heaters, sections, &asked);
            self.make_up_for_responses(sections, &mut asked);
        } else if shifter.dac_bits.is_some()
            || self.has_v_pi_errors()
            || self.given.has_responses()
            || self.has_crosstalk()
        {
            asked
                .iter_mut()
                .for_each(|phase| *phase = asked_rad(*phase));
        }
        asked
    }

    /// What the heaters of `sections`, of so many each, show after they were asked for `phases` for the `load`-th time, drift
    /// left out, rad.
    pub(super) fn settle_at(
        &self,
        heaters: &Heaters,
        sections: &[(Placed, usize)],
        phases: Vec<f64>,
        load: u64,
    ) -> Vec<f64> {
        let settled = self.drive(heaters, sections, phases);
        let shown = settled
            .into_iter()
            .zip(sections)
            .map(|(phases, (at, count))| {
                let phases = Values::each(phases);
                let shown = self.with_phase_errors(phases, (*at, load), 0..*count);
                shown.all(*count)
            });
        shown.collect::<Vec<_>>().concat()
    }

    /// What comes of the phases that were asked of `sections`, of so many phases each, section by section.
    fn drive(
        &self,
        heaters: &Heaters,
        sections: &[(Placed, usize)],
        asked: Vec<f64>,
    ) -> Vec<Vec<f64>> {
        let shifter = &self.hardware.phase_shifter;
        let mut phases = asked;
        if let Some(supply) = self.supply(&phases) {
            for phase in &mut phases {
                let volts = supply.nearest_v(heater_volts(*phase, shifter.v_pi_v));
                *phase = heater_phase_rad(volts, shifter.v_pi_v);
            }
        }
        self.respond(sections, &mut phases);
        if self.has_crosstalk() {
            phases = self.heat(heaters, sections, &phases);
        }
        // From the last section on, so that the first and largest one stays where it is.
        let cut = sections.iter().rev().map(|(_, count)| {
            let start = phases.len() - count;
            match start {
                0 => std::mem::take(&mut phases),
                _ => phases.split_off(start),
            }
        });
        let mut cut: Vec<Vec<f64>> = cut.collect();
        cut.reverse();
        cut
    }

    /// `phases` with the errors that add to what heaters do: offset, programming, drift. They are those of `at`, which has
    /// `numbers.end` phases, from number `numbers.start` on, after it was programmed for the `load`-th time.
    pub fn with_phase_errors<'a>(
        &self,
        phases: Values<'a>,
        (at, load): (Placed, u64),
        numbers: Range<usize>,
    ) -> Values<'a> {
        let shifter = &self.hardware.phase_shifter;
        let drift_rad = shifter.drift_rad_per_sqrt_s * shifter.drift_time_s.sqrt();
        let given = self.known(Quantity::OffsetRad, at, numbers.clone());
        let phases = match given {
            Some(offsets) => phases.plus(&offsets),
            None => {
                let phases = phases.plus_same(self.mean(Quantity::OffsetRad));
                self.with_deviations(phases, Quantity::OffsetRad, at, numbers.clone())
            }
        };
        let effects = [
            (Effect::Programming, shifter.phase_error_rad, load),
            (Effect::Drift, drift_rad, 0),
        ];
        effects
            .into_iter()
            .fold(phases, |phases, (effect, sigma, block)| {
                phases.with_errors(sigma, self.address(effect, at, block), numbers.clone())
            })
    }

    /// The coefficients of `mesh`, which is `at` a section of this chip, made of `cells`; its heaters do what
    /// [`settle`](Self::settle) said (theta, phi, screen, free shifters); none where the chip
    /// [shows what is asked](Self::shows_what_is_asked).
    ///
    /// # Panics
    /// If there is not one phase per phase shifter, or the mesh's own are not those of the chip's cells.
    pub fn coefficients<'a>(
        &self,
        at: Placed,
        mesh: &'a Mesh,
        cells: Cells<'a>,
        settled: Option<Vec<f64>>,
    ) -> Coefficients<'a> {
        let phases = match settled {
            None => {
                let kind = self.cell_kind();
                assert_eq!(kind, CellKind::Mzi, "other cells have phases of their own");
                Shown::from(mesh.phases())
            }
            Some(flat) => Phases::from_flat(flat, mesh).into(),
        };
        let shown = phases.with(|phases, numbers| self.with_phase_errors(phases, (at, 0), numbers));
        Coefficients::of(mesh, cells, shown)
    }

    /// The chip's attenuators: one MZI on each of `count` modes, whose bar port light passes.
    pub fn attenuators(&self, at: Placed, count: usize) -> Cells<'static> {
        Cells {
            // An attenuator has no φ.
            phi_arm: 1.0,
            ..self.draw_cells(at, count, CellKind::Mzi)
        }
    }

    /// The chip's cells in one section, with their couplers and losses and no phases.
    pub fn cells(&self, at: Placed, count: usize) -> Cells<'static> {
        self.draw_cells(at, count, self.cell_kind())
    }

    /// Gain of `count` detectors relative to the calibrated one.
    pub fn detector_gains(&self, at: Placed, count: usize) -> Vec<f64> {
        self.numbers(Quantity::Gain, at, 0..count).all(count)
    }

    /// Whether some detectors have another gain than the calibrated one.
    pub(crate) fn has_gain_errors(&self) -> bool {
        self.errs(Quantity::Gain, 1.0)
    }

    /// Phase of the local oscillator at each of `count` coherent detectors, rad: how far the quadrature that it reads is from
    /// the calibrated one, and how far that has drifted. None where all are as calibrated.
    pub fn oscillator_phases(&self, at: Placed, count: usize) -> Option<Vec<f64>> {
        let Hardware {
            readout,
            phase_shifter,
            ..
        } = &self.hardware;
        let drift_rad = readout.lo_phase_drift_rad_per_sqrt_s * phase_shifter.drift_time_s.sqrt();
        let quantity = Quantity::OscillatorPhaseRad;
        if drift_rad == 0.0 && !self.errs(quantity, 0.0) {
            return None;
        }
        let mut phases = self.numbers(quantity, at, 0..count).all(count);
        self.stream(Effect::OscillatorDrift, at, 0)
            .add_normals(&mut phases, drift_rad);
        Some(phases)
    }

    fn draw_cells(&self, at: Placed, count: usize, kind: CellKind) -> Cells<'static> {
        let mesh = &self.hardware.mesh;
        // A block of the stream for each coupler: the same two for every kind of cell.
        let errors = |quantity: Quantity| match quantity {
            Quantity::ThirdCouplerRad if kind.couplers() < 3 => Values::same(0.0),
            _ => self.numbers(quantity, at, 0..count),
        };
        let amplitude = if self.errs(Quantity::LossDb, mesh.insertion_loss_db) {
            let loss_db = self.numbers(Quantity::LossDb, at, 0..count).all(count);
            let amplitudes = loss_db.iter().map(|db| amplitude_from_db(-db.max(0.0)));
            Values::each(amplitudes.collect::<Vec<_>>())
        } else {
            Values::same(amplitude_from_db(-mesh.insertion_loss_db))
        };
        let heated_arm = amplitude_from_db(-mesh.arm_imbalance_db);
        let [alpha, beta, gamma] = [
            Quantity::FirstCouplerRad,
            Quantity::SecondCouplerRad,
            Quantity::ThirdCouplerRad,
        ]
        .map(errors);
        Cells {
            kind,
            count,
            alpha,
            beta,
            gamma,
            amplitude,
            theta_arm: heated_arm,
            phi_arm: heated_arm,
        }
    }

    /// The supply of the heaters, where its resolution is limited: with crosstalk solved for, some heaters go a little beyond
    /// 2π, and so does its [default range](Supply::default_v_max_v).
    fn supply(&self, asked_rad: &[f64]) -> Option<Supply> {
        let shifter = &self.hardware.phase_shifter;
        let bits = shifter.dac_bits?;
        let v_max_v = shifter.v_max_v.unwrap_or_else(|| {
            let largest_rad = asked_rad.iter().copied().fold(0.0, f64::max);
            Supply::default_v_max_v(shifter.v_pi_v, largest_rad)
        });
        Some(Supply::new(bits, v_max_v))
    }
}

/// A mesh programmed into a chip.
#[derive(Debug, Clone, PartialEq)]
pub struct Programmed<'a> {
    /// What light sees.
    pub coefficients: Coefficients<'a>,
    /// The phases that were chosen, of the chip's cells.
    pub phases: Phases,
    /// Number of cells that no phases could make do what was asked.
    pub unreachable: usize,
}

#[cfg(test)]
mod tests;
