//! A chip on a bench: an instrument whose truth is known.

mod optics;

use ndarray::Array2;
use optics::Optics;

use super::{Built, Chip, Heaters, Instrument, Placed, Section, Side};
use crate::error::{Error, Result};
use crate::field::Fields;
use crate::linalg::{C64, Matrix};
use crate::mesh::Mesh;
use crate::rng::Effect;

/// A chip on a bench, as an [`Instrument`]: one mesh, or two with attenuators between them.
///
/// What light meets cannot be seen: couplers, losses, offsets. Heaters are asked for phases; a heater that is asked for less
/// than 0 is set whole turns higher, for it cannot cool. Every setting has programming errors of its own, and phases drift
/// while [time passes](Self::wait). There is a source and a coherent receiver on every waveguide, ancillas included, and a
/// power tap behind every phase shifter. What a cell loses on both arms is lost half in front of its parts and half behind.
#[derive(Debug, Clone)]
pub struct Laboratory {
    chip: Chip,
    /// The work that random numbers of the bench are drawn for.
    at: Placed,
    optics: Optics,
    heaters: Heaters,
    /// The sections of the chip, with the number of heaters of each.
    sections: Vec<(Placed, usize)>,
    /// Standard deviation of each quadrature of a read field, in units of the input's amplitude.
    receiver_noise: f64,
    /// Standard deviation of the power that a tap reads, relative to the power.
    tap_noise: f64,
    /// The phases that were asked for last, rad, in the order of the heaters.
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
    ///
    /// # Panics
    /// If what was measured of the chip is not [of the mesh](Chip::on_mesh).
    pub fn new(chip: Chip, mesh: &Mesh) -> Self {
        let seated = chip.on_mesh(mesh);
        let chip = seated.unwrap_or_else(|error| panic!("{error}"));
        let chip = chip.on_places_of(mesh).into_owned();
        let sections = vec![(Placed::MESH, mesh.phase_shifters_of(chip.cell_kind()))];
        let heaters = chip.heaters(|heaters| heaters.push_mesh(mesh, chip.cell_kind()));
        let optics = Optics::of_mesh(&chip, Placed::MESH, mesh);
        let mut bench = Self::with(chip, Placed::MESH, optics, heaters, sections);
        // Numbers of settings, which programming errors follow from, begin at 1 with the heaters off.
        bench.settings = 1;
        let off = vec![0.0; bench.drift.len()];
        bench.show(&off);
        bench
    }

    /// A bench with `chip`, on which light meets a mesh with the layout of `input`, `joined` attenuators on the first modes, and
    /// a mesh with the layout of `output`: the work and silicon of `at`, whose section does not count. Heaters stand at
    /// `phases`, rad, as if a program with them had just been loaded: those of the first mesh, of the attenuators, of the
    /// second mesh, each mesh's theta, phi, screen and free shifters.
    ///
    /// An attenuator is an MZI of which light passes the bar port; what crosses is lost, and so is light in modes that none
    /// joins, unless there are [drop ports](Self::with_drop_ports).
    ///
    /// # Panics
    /// If there is not one phase per heater, or a mesh has fewer modes than are joined.
    pub fn of_pair(
        chip: Chip,
        at: Placed,
        [input, output]: [&Mesh; 2],
        joined: usize,
        phases: &[f64],
    ) -> Self {
        assert!(joined <= input.modes().min(output.modes()), "modes to join");
        let kind = chip.cell_kind();
        let built = Built {
            kind,
            input: Some(input),
            attenuators: joined,
            output: Some(output),
            rows: output.modes(),
        };
        let chip = chip.on_site(&built).into_owned();
        let [first, middle, last] =
            [Section::Input, Section::Attenuators, Section::Output].map(|part| at.section(part));
        let sections = vec![
            (first, input.phase_shifters_of(kind)),
            (middle, joined),
            (last, output.phase_shifters_of(kind)),
        ];
        let heaters = chip.heaters(|heaters| {
            heaters.push_mesh(input, kind);
            heaters.push_bank(joined);
            heaters.push_mesh(output, kind);
        });
        let optics = Optics::of_pair(&chip, [first, middle, last], [input, output], joined);
        let mut bench = Self::with(chip, first, optics, heaters, sections);
        bench.show(phases);
        bench
    }

    fn with(
        mut chip: Chip,
        at: Placed,
        optics: Optics,
        heaters: Heaters,
        sections: Vec<(Placed, usize)>,
    ) -> Self {
        // Drift passes with the time on the bench.
        chip.hardware.phase_shifter.drift_time_s = 0.0;
        let count = sections.iter().map(|(_, count)| count).sum();
        Self {
            chip,
            at,
            optics,
            heaters,
            sections,
            receiver_noise: 0.0,
            tap_noise: 0.0,
            phases: vec![0.0; count],
            settled: vec![0.0; count],
            drift: vec![0.0; count],
            waits: 0,
            settings: 0,
            readings: 0,
        }
    }

    /// The bench whose receivers add N(0, `noise`²) to each quadrature of every field they read, in units of the
    /// amplitude of an input of length 1.
    #[must_use]
    pub fn with_receiver_noise(mut self, noise: f64) -> Self {
        self.receiver_noise = noise;
        self
    }

    /// The bench whose taps read every power p as p (1 + N(0, `noise`²)).
    #[must_use]
    pub fn with_tap_noise(mut self, noise: f64) -> Self {
        self.tap_noise = noise;
        self
    }

    /// The bench whose taps take this share of the power behind every phase shifter, in [0, 1): light loses it there, from
    /// either side. What a tap reads is the power on its arm in front of it.
    ///
    /// # Panics
    /// If it is not a number from 0 to below 1.
    #[must_use]
    pub fn with_tap_fraction(mut self, share: f64) -> Self {
        assert!((0.0..1.0).contains(&share), "a share from 0 to below 1");
        self.optics.kept = (1.0 - share).sqrt();
        self
    }

    /// The bench of two meshes that also has a source and a receiver wherever light enters or leaves between them. On either
    /// side these come after the modes of its mesh, one for every mode of the other mesh: the second port of its attenuator
    /// or, where none joins it, the mode itself. Then a chip whose cells are lossless loses nothing: what attenuators take is
    /// received.
    #[must_use]
    pub fn with_drop_ports(mut self) -> Self {
        self.optics.has_drop_ports = true;
        self
    }

    /// The phases that heaters were asked for last, rad, in the order of the heaters.
    pub fn phases(&self) -> &[f64] {
        &self.phases
    }

    /// Asks for `phases` and lets them settle as setting number `settings`.
    fn show(&mut self, phases: &[f64]) {
        let (chip, load) = (&self.chip, self.settings);
        self.settled = chip.settle_at(&self.heaters, &self.sections, phases.to_vec(), load);
        self.phases = phases.to_vec();
        self.drifted();
    }

    fn drifted(&mut self) {
        let sums = self.settled.iter().zip(&self.drift);
        self.optics
            .show(sums.map(|(phase, drift)| phase + drift).collect());
    }

    /// Lets `seconds` pass: every phase walks at random by `drift_rad_per_sqrt_s`.
    pub fn wait(&mut self, seconds: f64) {
        self.waits += 1;
        let sigma = self.chip.hardware().phase_shifter.drift_rad_per_sqrt_s * seconds.sqrt();
        let mut stream = self.chip.stream(Effect::Drift, self.at, self.waits);
        for drift in &mut self.drift {
            *drift += sigma * stream.standard_normal();
        }
        self.drifted();
    }

    /// The transfer matrix itself, without the noise of the receivers, `[output, input]`: what nobody on the bench sees.
    pub fn true_transfer(&self) -> Matrix {
        let ports = self.ports(Side::Inputs);
        let light = Fields::basis(ports, ports);
        let fields = self.optics.send(Side::Inputs, &light);
        Matrix::from_fn(fields.modes(), ports, |row, col| {
            C64::new(fields.re[[row, col]], fields.im[[row, col]])
        })
    }

    /// Fails unless `light` is that of the ports of `side`.
    fn check(&self, side: Side, light: &Fields<f64>) -> Result<()> {
        let ports = self.ports(side);
        if light.modes() == ports {
            return Ok(());
        }
        let limit = format!("[{ports}, sample]: one amplitude for every port of that side");
        let shape = [light.modes(), light.samples()];
        Err(Error::shape("light for the bench", shape, limit))
    }

    /// Adds the noise of the receivers to what they read, each sample a reading of its own, and the noise of the taps.
    fn receive(&mut self, fields: &mut Fields<f64>, mut taps: Option<&mut Array2<f64>>) {
        for sample in 0..fields.samples() {
            self.readings += 1;
            let stream = |effect| self.chip.stream(effect, self.at, self.readings);
            if self.receiver_noise > 0.0 {
                let normals = stream(Effect::Detector).standard_normals(2 * fields.modes());
                for (mode, pair) in normals.chunks_exact(2).enumerate() {
                    fields.re[[mode, sample]] += self.receiver_noise * pair[0];
                    fields.im[[mode, sample]] += self.receiver_noise * pair[1];
                }
            }
            if let Some(taps) = taps.as_deref_mut()
                && self.tap_noise > 0.0
            {
                let normals = stream(Effect::Tap).standard_normals(taps.nrows());
                let powers = taps.column_mut(sample);
                for (power, normal) in powers.into_iter().zip(normals) {
                    *power *= 1.0 + self.tap_noise * normal;
                }
            }
        }
    }
}

impl Instrument for Laboratory {
    fn ports(&self, side: Side) -> usize {
        self.optics.ports(side)
    }

    fn heaters(&self) -> usize {
        self.drift.len()
    }

    /// # Errors
    /// [`Error::Shape`] if there is not one phase per heater.
    fn set(&mut self, phases: &[f64]) -> Result<()> {
        if phases.len() != self.heaters() {
            let limit = format!("[{}]: one for every heater", self.heaters());
            return Err(Error::shape(
                "list of phases of the bench",
                [phases.len()],
                limit,
            ));
        }
        self.settings += 1;
        // A heater cannot cool.
        let hot = |phase: &f64| match *phase < 0.0 {
            true => phase.rem_euclid(std::f64::consts::TAU),
            false => *phase,
        };
        let phases: Vec<f64> = phases.iter().map(hot).collect();
        self.show(&phases);
        Ok(())
    }

    /// # Errors
    /// [`Error::Shape`] if there is not one amplitude per port.
    fn send(&mut self, side: Side, light: &Fields<f64>) -> Result<Fields<f64>> {
        self.check(side, light)?;
        let mut fields = self.optics.send(side, light);
        self.receive(&mut fields, None);
        Ok(fields)
    }

    /// # Errors
    /// [`Error::Shape`] if there is not one amplitude per port.
    fn taps(&mut self, side: Side, light: &Fields<f64>) -> Result<(Fields<f64>, Array2<f64>)> {
        self.check(side, light)?;
        let (mut fields, mut powers) = self.optics.taps(side, light);
        self.receive(&mut fields, Some(&mut powers));
        Ok((fields, powers))
    }
}

#[cfg(test)]
mod tests;
