//! Offsets from nothing: where a fit begins whose chip has offsets uniform in 2π.
//!
//! Readings by themselves have a valley for nearly every choice of offsets. Two steps lead to the right one. First light
//! is taken to be incoherent: powers mix by |T|² of every cell. That is what is left of interference when nobody knows
//! the phases between cells, and it depends on the phases inside of cells alone; what is measured scatters around it
//! as speckle, whose powers have an exponential distribution, so that Σ ln q + p/q of powers p and expected ones q is to become
//! small. Then light is coherent, and all phases move. Couplers are as they are expected, losses too. Both steps are gradient
//! descents in small batches of settings with large steps (Kingma, Ba, arXiv:1412.6980), whose noise crosses low hills.

use std::f64::consts::{PI, TAU};

use rayon::prelude::*;

use super::jacobian::Kind;
use super::light::{Pass, Rows};
use super::measurements::UNIT;
use super::normal::Problem;
use super::parameters::Parameters;
use crate::error::{Error, Result};
use crate::linalg::C64;
use crate::mesh::CellKind;
use crate::rng::{Effect, Seed, Stream};
use crate::watch::Watch;

/// One descent: how many steps of how many settings, and how large, rad.
struct Descent {
    steps: usize,
    batch: usize,
    rate_rad: f64,
}

/// Incoherent descents of which the best one is gone on with.
const TRIES: u64 = 3;

/// Adam's memory of slopes and of their squares.
const MEMORY: [f64; 2] = [0.9, 0.99];

/// Steps of Adam.
struct Adam {
    mean: Vec<f64>,
    square: Vec<f64>,
    steps: i32,
}

impl Adam {
    fn new(count: usize) -> Self {
        Self {
            mean: vec![0.0; count],
            square: vec![0.0; count],
            steps: 0,
        }
    }

    /// Moves `values` against their `slopes`, each by `rate` times its factor at most, more or less.
    fn step(&mut self, values: &mut [f64], slopes: &[f64], rate: impl Fn(usize) -> f64) {
        self.steps += 1;
        let [a, b] = MEMORY;
        let (young_a, young_b) = (1.0 - a.powi(self.steps), 1.0 - b.powi(self.steps));
        for (index, (value, slope)) in values.iter_mut().zip(slopes).enumerate() {
            let (mean, square) = (&mut self.mean[index], &mut self.square[index]);
            *mean = a * *mean + (1.0 - a) * slope;
            *square = b * *square + (1.0 - b) * slope * slope;
            let size = (*square / young_b).sqrt() + 1e-12;
            *value -= rate(index) * *mean / young_a / size;
        }
    }
}

/// The settings in random order, over and over.
struct Batches {
    stream: Stream,
    order: Vec<usize>,
    next: usize,
}

impl Batches {
    fn new(stream: Stream, count: usize) -> Self {
        Self {
            stream,
            order: (0..count).collect(),
            next: count,
        }
    }

    fn next(&mut self) -> usize {
        if self.next >= self.order.len() {
            self.order = self.stream.permutation(self.order.len());
            self.next = 0;
        }
        self.next += 1;
        self.order[self.next - 1]
    }
}

/// How large steps are at `step` of a descent: they fall to 0 as a cosine does.
fn cooled(descent: &Descent, step: usize) -> f64 {
    let share = step as f64 / descent.steps as f64;
    descent.rate_rad * (0.5 * (1.0 + (PI * share).cos())).max(0.01)
}

impl Problem<'_> {
    /// The chip of `mean` with offsets from which `attempt` number so many found its way to the readings.
    ///
    /// # Errors
    /// [`Error::Stopped`].
    pub(super) fn begin(
        &self,
        mean: &Parameters,
        seed: Seed,
        attempt: u64,
        watch: &dyn Watch,
    ) -> Result<Parameters> {
        let modes = self.model.mesh.modes();
        let is_split = self.model.kind == CellKind::ThreeSplitter;
        let tries: Vec<(f64, Parameters)> = (0..TRIES)
            .into_par_iter()
            .map(|number| {
                let stream =
                    |block| seed.stream(Effect::Haar, attempt * TRIES + number, UNIT, block);
                let mut of = mean.clone();
                let mut draws = stream(1);
                let seen = of.offset_rad.iter_mut().enumerate();
                for (heater, offset) in seen {
                    // Where powers are read, the screen is never seen.
                    let is_screen = self.is_screen(heater) && self.kind == Kind::Powers;
                    *offset = if is_screen {
                        0.0
                    } else {
                        TAU * draws.uniform()
                    };
                }
                let descent = Descent {
                    steps: 300 + 20 * modes,
                    batch: 8,
                    rate_rad: 0.8,
                };
                // Light that enters a 3-splitter MZI is coherent behind its first coupler: there is nothing to begin with.
                let loss = match is_split {
                    true => 0.0,
                    false => self.descend_incoherent(&mut of, &descent, stream(2), watch),
                };
                (loss, of)
            })
            .collect();
        let best = tries.into_iter().min_by(|a, b| a.0.total_cmp(&b.0));
        let (_, mut of) = best.expect("there are tries");
        let descent = Descent {
            steps: 500 + 100 * modes,
            batch: 4,
            // Attempts differ in how boldly they go.
            rate_rad: [0.3, 0.4, 0.2][attempt as usize % 3],
        };
        let stream = seed.stream(Effect::Haar, attempt * TRIES, UNIT, 3);
        self.descend_coherent(&mut of, &descent, stream, watch);
        match watch.stops() {
            true => Err(Error::Stopped),
            false => Ok(of),
        }
    }

    fn is_screen(&self, heater: usize) -> bool {
        let first = 2 * self.model.sizes.cells;
        (first..first + self.model.mesh.modes()).contains(&heater)
    }

    /// Incoherent descent; the mean loss of the last steps.
    fn descend_incoherent(
        &self,
        of: &mut Parameters,
        descent: &Descent,
        stream: Stream,
        watch: &dyn Watch,
    ) -> f64 {
        let mut adam = Adam::new(of.offset_rad.len());
        let mut batches = Batches::new(stream, self.asked.len());
        let mut mean_loss = 0.0;
        for step in 0..descent.steps {
            if watch.stops() {
                break;
            }
            let mut slopes = vec![0.0; of.offset_rad.len()];
            let mut loss = 0.0;
            for _ in 0..descent.batch {
                loss += self.add_incoherent(of, batches.next(), &mut slopes);
            }
            mean_loss = match step {
                0 => loss,
                _ => 0.95 * mean_loss + 0.05 * loss,
            };
            let rate = cooled(descent, step);
            adam.step(&mut of.offset_rad, &slopes, |_| rate);
        }
        mean_loss
    }

    /// Adds the slopes of the incoherent loss of one setting by all phases, and returns the loss.
    pub(super) fn add_incoherent(
        &self,
        of: &Parameters,
        setting: usize,
        slopes: &mut [f64],
    ) -> f64 {
        let (model, ports) = (self.model, self.model.ports);
        let (modes, cells) = (model.mesh.modes(), model.sizes.cells);
        let shown = model.shown(of, &self.asked[setting]);
        let elements = model.elements(of, &shown);
        let mut powers = vec![0.0; modes * ports];
        for input in 0..ports {
            powers[input * ports + input] = 1.0;
        }
        let mut entering = Vec::with_capacity(2 * cells * ports);
        let mut mixes = Vec::with_capacity(cells);
        for (node, element) in model.mesh.nodes().iter().zip(&elements) {
            let mixed = element.matrix().map(|z| z.norm_sqr());
            for mode in [node.top, node.bottom] {
                entering.extend_from_slice(&powers[mode * ports..(mode + 1) * ports]);
            }
            mix_powers(&mut powers, ports, [node.top, node.bottom], mixed);
            mixes.push(mixed);
        }
        // Darkest reading that counts.
        let dark = 0.005 / ports as f64 + self.rows[setting].darkest(self.kind);
        let mut loss = 0.0;
        let mut back = vec![0.0; modes * ports];
        for at in 0..ports * ports {
            let read = self.rows[setting].power(self.kind, at).max(0.0) + dark;
            let expected = powers[at] + dark;
            loss += (expected / read).ln() + read / expected;
            back[at] = 1.0 / expected - read / (expected * expected);
        }
        for (index, node) in model.mesh.nodes().iter().enumerate().rev() {
            let into = &entering[2 * index * ports..2 * (index + 1) * ports];
            let arms = [node.top, node.bottom];
            let overlap = |at: usize| -> f64 {
                let slopes = &back[arms[at / 2] * ports..(arms[at / 2] + 1) * ports];
                let powers = &into[(at % 2) * ports..(at % 2 + 1) * ports];
                slopes.iter().zip(powers).map(|(a, b)| a * b).sum()
            };
            let overlaps: [f64; 4] = std::array::from_fn(overlap);
            let here = elements[index].matrix();
            for (heater, slope) in elements[index].by_phases(index, cells) {
                // d|t|² = 2 Re t* dt.
                let parts = here.iter().zip(&slope).zip(&overlaps);
                let sum: f64 = parts.map(|((t, d), s)| 2.0 * (t.conj() * d).re * s).sum();
                slopes[heater] += sum;
            }
            let [a, b, c, d] = mixes[index];
            mix_powers(&mut back, ports, arms, [a, c, b, d]);
        }
        loss / (ports * ports) as f64
    }

    /// Coherent descent on amplitudes, or on fields where they were read.
    fn descend_coherent(
        &self,
        of: &mut Parameters,
        descent: &Descent,
        stream: Stream,
        watch: &dyn Watch,
    ) {
        let cells = self.model.sizes.cells;
        let mut adam = Adam::new(of.offset_rad.len());
        let mut batches = Batches::new(stream, self.asked.len());
        for step in 0..descent.steps {
            if watch.stops() {
                break;
            }
            let mut slopes = vec![0.0; of.offset_rad.len()];
            for _ in 0..descent.batch {
                let setting = batches.next();
                let pass = Pass::new(self.model, of, &self.asked[setting], true);
                let missed = self.missed(&pass, setting);
                for (sum, slope) in slopes.iter_mut().zip(pass.pull_back(self.model, missed)) {
                    *sum += slope;
                }
            }
            let rate = cooled(descent, step);
            // Phases between cells are found first: until then what is known of those inside of cells is kept.
            let share = step as f64 / descent.steps as f64;
            let inside = ((share - HELD) / (1.0 - HELD)).clamp(0.0, 1.0);
            let is_held =
                |heater: usize| heater < cells && self.model.kind != CellKind::ThreeSplitter;
            let factor = |heater: usize| if is_held(heater) { inside } else { 1.0 };
            adam.step(&mut of.offset_rad, &slopes, |heater| rate * factor(heater));
        }
    }

    /// The slopes of Σ (|U| − √p)², or of Σ |U − field|², by the amplitudes that leave.
    pub(super) fn missed(&self, pass: &Pass, setting: usize) -> Rows {
        let ports = self.model.ports;
        let row = &self.rows[setting];
        let mut slopes = Rows {
            samples: ports,
            values: vec![0.0; 2 * self.model.mesh.modes() * ports],
        };
        for output in 0..ports {
            let (re, im) = pass.out.mode(output);
            let (slope_re, slope_im) = slopes.mode_mut(output);
            for input in 0..ports {
                let at = output * ports + input;
                let seen = C64::new(re[input], im[input]);
                let slope = match self.kind {
                    Kind::Powers => {
                        let length = seen.norm();
                        let miss = length - row.values[at].max(0.0).sqrt();
                        seen * (2.0 * miss / (length + TINY))
                    }
                    Kind::Fields => {
                        let read = C64::new(row.values[at], row.values[ports * ports + at]);
                        (seen - read) * 2.0
                    }
                };
                (slope_re[input], slope_im[input]) = (slope.re, slope.im);
            }
        }
        slopes
    }
}

/// Share of a coherent descent in which phases inside of cells stay.
const HELD: f64 = 0.1;

/// Amplitude below which light has no direction.
const TINY: f64 = 1e-9;

/// Mixes the powers on two modes, `[mode][input]`, the first of which is the lower number.
fn mix_powers(powers: &mut [f64], ports: usize, [top, bottom]: [usize; 2], [a, b, c, d]: [f64; 4]) {
    let (before, behind) = powers.split_at_mut(bottom * ports);
    let upper = &mut before[top * ports..(top + 1) * ports];
    for (x, y) in upper.iter_mut().zip(&mut behind[..ports]) {
        (*x, *y) = (a * *x + b * *y, c * *x + d * *y);
    }
}
