//! A chip on a bench, and how it is configured by measurement alone.

mod calibrate;
mod configure;
mod response;
mod tap;

pub use configure::{Kept, SelfConfiguration};

use super::{Chip, Heaters, Placed};
use crate::linalg::{C64, Matrix};
use crate::mesh::{Cells, Coefficients, Mesh, Phases};
use crate::rng::Effect;

/// A chip with one mesh on a bench: phases are set, light goes in, and coherent receivers read the fields at the
/// outputs.
///
/// Couplers, losses and offsets cannot be seen. Every setting has a programming error of its own, and phases
/// drift while [time passes](Self::wait). The bench has a source and a receiver on every waveguide, ancillas included.
#[derive(Debug, Clone)]
pub struct Laboratory {
    chip: Chip,
    layout: Mesh,
    heaters: Heaters,
    cells: Cells<'static>,
    coefficients: Coefficients<'static>,
    /// The crosstalk that settings make up for.
    known_crosstalk: f64,
    /// Standard deviation of each quadrature of a read field, in units of the input's amplitude.
    receiver_noise: f64,
    /// What every heater is asked for so that it shows a phase of 1 rad, in the order of the heaters.
    scale: Vec<f64>,
    /// The phases that were set last, rad, in the order of the heaters.
    phases: Vec<f64>,
    /// What every phase shows but for its drift, rad, in the order of the heaters.
    settled: Vec<f64>,
    /// What every phase has drifted since the beginning, rad, in the order of the heaters.
    drift: Vec<f64>,
    waits: u64,
    settings: u64,
    readings: u64,
}

impl Laboratory {
    /// A bench with `chip`, whose mesh has the layout of `mesh`, all heaters off.
    pub fn new(mut chip: Chip, mesh: &Mesh) -> Self {
        // Drift passes with the time on the bench.
        chip.hardware.phase_shifter.drift_time_s = 0.0;
        let mut heaters = Heaters::default();
        heaters.push_mesh(mesh, chip.cell_kind());
        let cells = chip.cells(Placed::MESH, mesh.nodes().len()).drawn();
        let off = vec![0.0; heaters.len()];
        let mut bench = Self {
            coefficients: of(mesh, &cells, off.clone()),
            scale: vec![1.0; heaters.len()],
            phases: off.clone(),
            settled: off.clone(),
            drift: off.clone(),
            layout: mesh.clone(),
            known_crosstalk: 0.0,
            receiver_noise: 0.0,
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

    /// The bench whose receivers add N(0, `noise`²) to each quadrature of every field they read, in units of the
    /// amplitude of an input of length 1.
    #[must_use]
    pub fn with_receiver_noise(mut self, noise: f64) -> Self {
        self.receiver_noise = noise;
        self
    }

    /// The phases that were set last, of the chip's cells.
    pub fn phases(&self) -> Phases {
        Phases::from_flat(self.phases.clone(), &self.layout)
    }

    /// Sets every phase shifter: theta, phi, screen, free shifters, rad.
    ///
    /// # Panics
    /// If there is not one phase per shifter.
    pub fn set(&mut self, phases: &[f64]) {
        self.settings += 1;
        self.phases.copy_from_slice(phases);
        let mut asked = self.heaters.heated_to(phases, self.known_crosstalk);
        for (phase, scale) in asked.iter_mut().zip(&self.scale) {
            *phase *= scale;
        }
        self.settled = self.chip.settle_at(&self.heaters, asked, self.settings);
        self.show();
    }

    fn show(&mut self) {
        let sums = self.settled.iter().zip(&self.drift);
        let phases: Vec<f64> = sums.map(|(phase, drift)| phase + drift).collect();
        self.coefficients = of(&self.layout, &self.cells, phases);
    }

    /// Lets `seconds` pass: every phase walks at random by `drift_rad_per_sqrt_s`.
    pub fn wait(&mut self, seconds: f64) {
        self.waits += 1;
        let sigma = self.chip.hardware().phase_shifter.drift_rad_per_sqrt_s * seconds.sqrt();
        let mut stream = self.chip.stream(Effect::Drift, Placed::MESH, self.waits);
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
        let mut fields = self.coefficients.pass(input);
        self.receive(&mut fields);
        fields
    }

    /// The transfer matrix as it is measured, input by input, `[modes, modes]`.
    pub fn transfer(&mut self) -> Matrix {
        let mut u = self.coefficients.transfer();
        for mode in 0..u.ncols() {
            self.receive(u.column_mut(mode).as_mut_slice());
        }
        u
    }

    /// The transfer matrix itself, without the noise of the receivers, `[modes, modes]`: what nobody on the bench sees.
    pub fn true_transfer(&self) -> Matrix {
        self.coefficients.transfer()
    }

    /// Counts a reading and adds the noise of the receivers to it.
    fn receive(&mut self, fields: &mut [C64]) {
        self.readings += 1;
        if self.receiver_noise == 0.0 {
            return;
        }
        let block = self.readings;
        let mut stream = self.chip.stream(Effect::Detector, Placed::MESH, block);
        let normals = stream.standard_normals(2 * fields.len());
        for (field, pair) in fields.iter_mut().zip(normals.chunks_exact(2)) {
            *field += self.receiver_noise * C64::new(pair[0], pair[1]);
        }
    }
}

/// What light sees of `cells` that show `phases`, in the order of the heaters.
fn of(mesh: &Mesh, cells: &Cells<'static>, phases: Vec<f64>) -> Coefficients<'static> {
    Coefficients::of(mesh, cells.clone(), Phases::from_flat(phases, mesh))
}

#[cfg(test)]
mod tests;
