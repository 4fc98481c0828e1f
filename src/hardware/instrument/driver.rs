//! What asks the heaters of one mesh for phases, by what is known of them.

use super::{Instrument, Metered, Side};
use crate::error::{Error, Result};
use crate::field::Fields;
use crate::hardware::Heaters;
use crate::linalg::{C64, Matrix};
use crate::mesh::{CellKind, Mesh, Phases};

/// Drives an [`Instrument`] that is one mesh: knows its layout, makes up for what is known of its heaters, and finds phases
/// by measurement alone.
///
/// ```
/// use lightloom::hardware::{Driver, Laboratory};
/// use lightloom::linalg::matrix_error;
/// use lightloom::mesh::{Geometry, Mesh};
/// use lightloom::{Hardware, Seed, rng::Effect};
///
/// let target = Mesh::haar(Geometry::Clements, 4, &mut Seed(1).stream(Effect::Haar, 0, 0, 0))?;
/// // Offsets of any size, which nobody on the bench sees.
/// let hardware = Hardware::default().with("phase_shifter.offset_rad", "6")?;
/// let mut bench = Laboratory::new(hardware.fabricate(Seed(1), 0), &target);
/// let mut driver = Driver::new(&target, hardware.mesh().cell);
/// driver.self_configure(&mut bench, &target)?;
/// assert!(matrix_error(&bench.true_transfer(), &target.transfer()) < 1e-12);
/// # Ok::<(), lightloom::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Driver {
    pub(super) layout: Mesh,
    pub(super) kind: CellKind,
    heaters: Heaters,
    /// The crosstalk that settings make up for.
    known_crosstalk: f64,
    /// Standard deviation of each quadrature of a read field, in units of the input's amplitude.
    pub(super) receiver_noise: f64,
    /// What every heater is asked for so that it shows a phase of 1 rad, in the order of the heaters.
    pub(super) scale: Vec<f64>,
    /// The phases that were set last, rad, in the order of the heaters.
    pub(super) phases: Vec<f64>,
}

impl Driver {
    /// The driver of a mesh with the layout of `layout` and cells of `kind`, whose heaters are off.
    pub fn new(layout: &Mesh, kind: CellKind) -> Self {
        let mut heaters = Heaters::default();
        heaters.push_mesh(layout, kind);
        Self {
            layout: layout.clone(),
            kind,
            known_crosstalk: 0.0,
            receiver_noise: 0.0,
            scale: vec![1.0; heaters.len()],
            phases: vec![0.0; heaters.len()],
            heaters,
        }
    }

    /// The driver that makes up for thermal crosstalk of this strength, which follows from the layout: see
    /// [`Heaters::heated_to`].
    #[must_use]
    pub fn with_known_crosstalk(mut self, crosstalk: f64) -> Self {
        self.known_crosstalk = crosstalk;
        self
    }

    /// The driver that takes the receivers to add N(0, `noise`²) to each quadrature of every field that they read, in units of
    /// the amplitude of an input of length 1: what errs by no more is configured.
    #[must_use]
    pub fn with_receiver_noise(mut self, noise: f64) -> Self {
        self.receiver_noise = noise;
        self
    }

    /// The phases that were set last, of the chip's cells.
    pub fn phases(&self) -> Phases {
        Phases::from_flat(self.phases.clone(), &self.layout)
    }

    /// Sets every phase shifter of `instrument`, as far as is known of its heaters: theta, phi, screen, free shifters, rad.
    ///
    /// # Errors
    /// [`Error::Value`] if the instrument does not have the ports and heaters of the mesh, and those of [`Metered`].
    ///
    /// # Panics
    /// If there is not one phase per shifter.
    pub fn set(&mut self, instrument: &mut dyn Instrument, phases: &[f64]) -> Result<()> {
        Driven::new(self, instrument)?.set(phases)
    }
}

/// A driver at its instrument.
pub(super) struct Driven<'a> {
    pub(super) driver: &'a mut Driver,
    pub(super) bench: Metered<&'a mut dyn Instrument>,
}

impl<'a> Driven<'a> {
    /// # Errors
    /// [`Error::Value`] if the instrument does not have the ports and heaters of the mesh.
    pub(super) fn new(driver: &'a mut Driver, instrument: &'a mut dyn Instrument) -> Result<Self> {
        let modes = driver.layout.modes();
        for (what, got, expected) in [
            (
                "inputs of the instrument",
                instrument.ports(Side::Inputs),
                modes,
            ),
            (
                "outputs of the instrument",
                instrument.ports(Side::Outputs),
                modes,
            ),
            (
                "heaters of the instrument",
                instrument.heaters(),
                driver.heaters.len(),
            ),
        ] {
            if got != expected {
                return Err(Error::value(
                    what,
                    got,
                    format!("{expected}, as the mesh has"),
                ));
            }
        }
        Ok(Self {
            driver,
            bench: Metered::new(instrument),
        })
    }

    pub(super) fn set(&mut self, phases: &[f64]) -> Result<()> {
        let driver = &mut *self.driver;
        driver.phases.copy_from_slice(phases);
        let mut asked = driver.heaters.heated_to(phases, driver.known_crosstalk);
        for (phase, scale) in asked.iter_mut().zip(&driver.scale) {
            *phase *= scale;
        }
        self.bench.set(&asked)
    }

    /// Sends `input`, one amplitude per mode, and reads the fields at all outputs.
    pub(super) fn read(&mut self, input: &[C64]) -> Result<Vec<C64>> {
        let mut light = Fields::zeros(input.len(), 1);
        for (mode, amplitude) in input.iter().enumerate() {
            (light.re[[mode, 0]], light.im[[mode, 0]]) = (amplitude.re, amplitude.im);
        }
        let fields = self.bench.send(Side::Inputs, &light)?;
        let pairs = fields.re.iter().zip(&fields.im);
        Ok(pairs.map(|(re, im)| C64::new(*re, *im)).collect())
    }

    /// The transfer matrix as it is measured, input by input, `[modes, modes]`.
    pub(super) fn transfer(&mut self) -> Result<Matrix> {
        let modes = self.driver.layout.modes();
        let light = Fields::basis(modes, modes);
        let fields = self.bench.send(Side::Inputs, &light)?;
        Ok(Matrix::from_fn(modes, modes, |row, col| {
            C64::new(fields.re[[row, col]], fields.im[[row, col]])
        }))
    }
}
