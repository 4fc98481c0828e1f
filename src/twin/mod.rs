//! A chip found from its measurements: couplers, losses, offsets, V_π and crosstalk by maximum likelihood.
//!
//! A bench sets heaters, sends unit light into one input after another and reads powers or fields ([`Measurements`]). A
//! reading y has the standard deviation σ = √((noise · y)² + floor²), so that the most likely chip has the least Σ (y − model)²/σ²,
//! to which what was [believed](Twin::fit) before adds. It is found from nothing: offsets first, then all parameters together by steps of
//! Gauss, Newton, Levenberg and Marquardt, with exact derivatives of every reading. The Fisher matrix at the end says how well
//! each parameter is known, which settings to measure next ([`Twin::plan`]), and how far the matrix at a new setting may be off.
//! Cramér, Mathematical Methods of Statistics (1946); Fedorov, Theory of Optimal Experiments (1972).

mod blind;
mod jacobian;
mod light;
mod measurements;
mod model;
mod normal;
mod parameters;
mod posterior;
mod prior;
mod start;

use measurements::Row;
pub(crate) use measurements::settings_in;
pub use measurements::{ASSUMED_FLOOR, ASSUMED_NOISE, Measurements, Readings, Settings};
pub use parameters::Parameters;
pub use posterior::error_up_to_phases;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::hardware::{Chip, Given, Hardware, Known, MeasuredChip, Quantity, Section, Site};
use crate::linalg::Matrix;
use crate::mesh::Mesh;
use crate::rng::Seed;
use crate::watch::Watch;
use blind::Blind;
use light::Pass;
use model::Model;
use normal::Problem;
use parameters::Sizes;
use posterior::Posterior;
use prior::{OFFSET_RAD, Prior};

/// A chip as its measurements show it.
#[derive(Debug, Clone)]
pub struct Twin {
    model: Model,
    hardware: Hardware,
    measured: Measurements,
    parameters: Parameters,
    posterior: Posterior,
    quality: Quality,
    blind: Vec<Blind>,
}

/// How well a twin explains what was measured, and how well it is known.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Quality {
    /// Number of readings.
    pub readings: usize,
    /// Number of parameters.
    pub parameters: usize,
    /// Number of parameters that readings decide; what was believed before decides the others.
    pub decided: f64,
    /// Σ ((reading − model)/σ)² over readings less decided parameters: near 1 where model and noise are right.
    pub chi_squared_per_freedom: f64,
    /// Matrix error that is to be expected at a new setting, root mean square; of powers up to phases of inputs and outputs.
    pub expected_error: f64,
    /// Beginnings that were tried.
    pub attempts: u64,
    /// Relative noise that readings were taken to have.
    pub noise: f64,
    /// Absolute noise that readings were taken to have.
    pub floor: f64,
}

/// Beginnings that are tried before the best one is taken.
const MOST_ATTEMPTS: u64 = 8;

/// Parameters of the largest fit: their normal equations fill 512 MB.
const MOST_PARAMETERS: usize = 8192;

/// χ² per degree of freedom beyond which a fit does not explain its readings, besides five standard deviations.
const MOST_CHI_SQUARED: f64 = 1.2;

/// Noise of readings while a fit is still far away, as a share of what an output receives on average.
const ROUGH: f64 = 0.03;

impl Twin {
    /// Finds the chip of `hardware` with the layout of `mesh` that explains what was `measured`.
    ///
    /// Of the hardware are the kind of cell, the loss of heated arms and the V_π that voltages are read with. Its spreads are what
    /// is believed before anything is measured: splitting errors, losses around a mean that is free, errors of V_π; where it
    /// states none, couplers may err by 0.1 rad, V_π by 10 % and losses differ by 0.1 dB. Crosstalk is expected at 0.003 ± 0.02.
    /// Offsets are uniform in 2π. Random numbers are those of `seed`; the result does not depend on the number of threads.
    ///
    /// # Errors
    /// [`Error::Shape`] or [`Error::Value`] if the measurements are not of such a mesh, or too few of them to tell the parameters;
    /// [`Error::Unsupported`] for more parameters than 8192; [`Error::Stopped`] if `watch` says so.
    pub fn fit(
        mesh: &Mesh,
        hardware: &Hardware,
        measured: Measurements,
        seed: Seed,
        watch: &dyn Watch,
    ) -> Result<Self> {
        let model = Model::new(mesh, hardware, measured.ports())?;
        let kind = measured.kind();
        check(&model, &measured)?;
        let prior = Prior::new(hardware, model.sizes);
        let asked = measured
            .settings
            .phases_rad(hardware.phase_shifter().v_pi_v);
        let rows = measured.rows();
        let of_own = Problem {
            model: &model,
            kind,
            asked: &asked,
            rows: &rows,
            prior: &prior,
            sigma: None,
        };
        let rough = Problem {
            sigma: Some(rough_sigma(&measured)),
            asked: &asked,
            rows: &rows,
            ..of_own
        };
        let readings = rows.iter().map(|row| row.values.len()).sum::<usize>();
        let freedom = (readings as f64 - model.sizes.all() as f64).max(1.0);
        let softer: Vec<Vec<Row>> = softer_floors(&measured).map(|m| m.rows()).collect();
        let mut attempts = 0;
        let mut best: Option<(f64, Parameters)> = None;
        // What comes near roughly may still be another chip: then one goes on from other beginnings.
        while attempts < MOST_ATTEMPTS {
            let start;
            (start, attempts) = begin(&rough, &prior, seed, attempts, watch)?;
            let mut near = start;
            for rows in &softer {
                let softer = Problem { rows, ..of_own };
                near = softer.descend(near, 6, 1e-2, watch)?;
            }
            let found = of_own.descend(near, 25, 1e-7, watch)?.wrapped();
            let missed = of_own.chi_squared(&found) / freedom;
            if best.as_ref().is_none_or(|(least, _)| missed < *least) {
                best = Some((missed, found));
            }
            if missed <= most_chi_squared(freedom) {
                break;
            }
        }
        let (_, best) = best.expect("there was an attempt");
        let blind = model.blind(kind);
        let directions: Vec<Vec<f64>> = blind.iter().map(|blind| blind.direction.clone()).collect();
        let posterior = Posterior::new(&of_own, &best, &directions)?;
        let freedom = (readings as f64 - posterior.decided).max(1.0);
        let mut quality = Quality {
            readings,
            parameters: model.sizes.all(),
            decided: posterior.decided,
            chi_squared_per_freedom: of_own.chi_squared(&best) / freedom,
            expected_error: posterior.error_at_new_settings(&model, &best, kind, seed)?,
            attempts,
            noise: measured.noise.unwrap_or(ASSUMED_NOISE),
            floor: measured.floor_or_assumed(),
        };
        // Noise that was understated shows in what is missed, and counts.
        quality.expected_error *= quality.understated();
        Ok(Self {
            hardware: hardware.clone(),
            measured,
            parameters: best,
            posterior,
            quality,
            blind,
            model,
        })
    }

    /// What was found.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The standard deviation of every parameter, directions that [cannot be seen](Self::blind) held; an offset that only such
    /// directions move has that of what is uniform in 2π.
    pub fn sigmas(&self) -> Parameters {
        let flat = self.posterior.sigmas.iter();
        let flat: Vec<f64> = flat.map(|s| s * self.quality.understated()).collect();
        let mut sigmas = Parameters::from_flat(&flat, self.model.sizes);
        for blind in &self.blind {
            let moved = sigmas.offset_rad.iter_mut().zip(&blind.direction);
            for (sigma, share) in moved {
                if share.abs() > 1e-9 {
                    *sigma = OFFSET_RAD;
                }
            }
        }
        sigmas
    }

    /// How well it explains what was measured.
    pub fn quality(&self) -> &Quality {
        &self.quality
    }

    /// What the readings cannot tell, in sentences: directions in which no reading changes, and what is known no better than
    /// before it was measured.
    pub fn blind(&self) -> Vec<String> {
        let mut words = blind::words(&self.blind);
        words.extend(self.unlearnt());
        words
    }

    /// What readings hardly say anything of.
    fn unlearnt(&self) -> Vec<String> {
        let sizes = self.model.sizes;
        let prior = Prior::new(&self.hardware, sizes).sigmas();
        let is_open = |index: &usize| self.posterior.sigmas[*index] > UNLEARNT * prior[*index];
        let couplers = 0..sizes.loss().start;
        let groups = [
            ("couplers", couplers),
            ("losses", sizes.loss()),
            ("offsets", sizes.offsets()),
            ("V_π", sizes.v_pi()),
        ];
        let mut words = Vec::new();
        for (what, range) in groups {
            let all = range.len();
            let open = range.filter(is_open).count();
            if open > 0 {
                words.push(format!(
                    "{what}: {open} of {all} are known hardly better than before they were measured"
                ));
            }
        }
        words
    }

    /// The transfer matrix between the measured ports with heaters asked for these phases, rad, `[output, input]`.
    ///
    /// # Errors
    /// [`Error::Shape`] if there is not one for every heater.
    pub fn transfer(&self, asked_rad: &[f64]) -> Result<Matrix> {
        let heaters = self.model.sizes.heaters;
        if asked_rad.len() != heaters {
            let limit = format!("[{heaters}]: one for every heater");
            return Err(Error::shape("list of phases", [asked_rad.len()], limit));
        }
        Ok(Pass::new(&self.model, &self.parameters, asked_rad, false).transfer())
    }

    /// The hardware that it was fitted with, with the crosstalk that was found and no number of single components.
    pub fn hardware(&self) -> Hardware {
        let crosstalk = self.parameters.crosstalk.to_string();
        let hardware = self.hardware.with("phase_shifter.crosstalk", &crosstalk);
        let hardware = hardware.expect("a fit stays within physics");
        hardware.with_measured(MeasuredChip::default())
    }

    /// What was found of a mesh that stands alone, element by element.
    pub fn given(&self) -> Given {
        Self::given_of(&self.parameters)
    }

    fn given_of(parameters: &Parameters) -> Given {
        let Parameters {
            couplers_rad,
            loss_db,
            offset_rad,
            v_pi_error,
            ..
        } = parameters;
        let couplers = [
            Quantity::FirstCouplerRad,
            Quantity::SecondCouplerRad,
            Quantity::ThirdCouplerRad,
        ];
        let couplers = couplers.into_iter().zip(couplers_rad);
        let rest = [
            (Quantity::LossDb, loss_db),
            (Quantity::OffsetRad, offset_rad),
            (Quantity::VPiError, v_pi_error),
        ];
        couplers
            .chain(rest)
            .fold(Given::default(), |given, (quantity, values)| {
                given
                    .with(quantity, Site::default(), Section::Input, values.clone())
                    .expect("a fit stays within physics")
            })
    }

    /// The chip: what was found, and all else as chip number `trial` of `seed` has it.
    pub fn chip(&self, seed: Seed, trial: u64) -> Chip {
        self.hardware()
            .fabricate(seed, trial)
            .with_given(self.given())
    }

    /// The hardware of the twin, whose chips have what was found in place of what would be drawn: of the components of a mesh that
    /// stands alone, by their ids. [`Hardware::save`] writes it.
    ///
    /// # Errors
    /// Those of [`Chip::measured`].
    ///
    /// ```
    /// use lightloom::hardware::{Instrument, Laboratory};
    /// use lightloom::mesh::{Geometry, Mesh};
    /// use lightloom::twin::{Measurements, Settings, Twin};
    /// use lightloom::{Hardware, Seed};
    ///
    /// // A bench with a chip that nobody knows.
    /// let mesh = Mesh::bar(Geometry::Clements, 3)?;
    /// let hardware = Hardware::from_toml(
    ///     "coupler.splitting_error_rad = 0.03\nphase_shifter = { offset_rad = 30.0, v_pi_error = 0.02 }",
    /// )?;
    /// let mut bench = Laboratory::new(hardware.fabricate(Seed(1), 0), &mesh);
    /// // 24 settings, powers read with an error of 1 %.
    /// let settings = Settings::random(bench.heaters(), 24, Seed(2), 0);
    /// let measured = Measurements::take(&mut bench, settings, true, || true)?;
    /// let measured = measured.with_noise(0.01, 1e-5, Seed(3));
    /// let twin = Twin::fit(&mesh, &hardware, measured, Seed(4), &())?;
    /// assert!(twin.quality().is_explained(), "{:?}", twin.quality());
    /// assert!(twin.quality().expected_error < 0.02, "{:?}", twin.quality());
    /// // The same chip whatever the seed.
    /// let [a, b] = [5, 6].map(|seed| twin.measured().unwrap().fabricate(Seed(seed), 0));
    /// assert_eq!(a.transfer(&mesh), b.transfer(&mesh));
    /// # Ok::<(), lightloom::Error>(())
    /// ```
    pub fn measured(&self) -> Result<Hardware> {
        let measured = self.chip(Seed(0), 0).measured(&self.model.mesh)?;
        // Whoever found how heaters answer knows it.
        Ok(self
            .hardware()
            .with_measured(measured.with_known(Known::ALL)))
    }

    /// The `count` settings to measure next: of random ones those that gain most information, the best first.
    ///
    /// # Errors
    /// [`Error::Format`] if what was measured leaves the chip without a finite answer.
    pub fn plan(&self, count: usize, seed: Seed) -> Result<Settings> {
        let heaters = self.model.sizes.heaters;
        // Other numbers than those of the settings before.
        let Settings::PhasesRad(phases) = Settings::random(
            heaters,
            CANDIDATES * count,
            seed,
            self.measured.len() + PLANNED,
        ) else {
            unreachable!("random settings are phases");
        };
        let candidates: Vec<Vec<f64>> = phases.outer_iter().map(|row| row.to_vec()).collect();
        let prior = Prior::new(&self.hardware, self.model.sizes);
        let problem = Problem {
            model: &self.model,
            kind: self.measured.kind(),
            asked: &[],
            rows: &[],
            prior: &prior,
            sigma: None,
        };
        let sigmas = |read: &[f64]| self.measured.sigmas_of(read);
        let chosen = self.posterior.most_informative(
            &problem,
            &self.parameters,
            &candidates,
            sigmas,
            count,
        )?;
        let rows = ndarray::Array2::from_shape_fn((chosen.len(), heaters), |(row, heater)| {
            candidates[chosen[row]][heater]
        });
        Ok(Settings::PhasesRad(rows))
    }
}

/// Share of what was believed that is left of an error of a parameter that readings say hardly anything of.
const UNLEARNT: f64 = 0.7;

/// Random settings that are weighed for every one that is planned.
const CANDIDATES: usize = 4;

/// Numbers of settings between those that were measured at random and those that are planned.
const PLANNED: usize = 1 << 20;

impl Quality {
    /// Whether what is missed is noise: χ² per degree of freedom is at most 1.2 and five of its standard deviations.
    pub fn is_explained(&self) -> bool {
        let freedom = (self.readings as f64 - self.decided).max(1.0);
        self.chi_squared_per_freedom <= most_chi_squared(freedom)
    }

    /// By how much noise was understated, at least 1: √(χ² per degree of freedom).
    fn understated(&self) -> f64 {
        self.chi_squared_per_freedom.max(1.0).sqrt()
    }
}

/// Largest χ² per degree of freedom that noise explains.
fn most_chi_squared(freedom: f64) -> f64 {
    MOST_CHI_SQUARED + 5.0 * (2.0 / freedom).sqrt()
}

/// The most likely of several beginnings from number `first` on by rough readings, and the number of the next one: the first one
/// that comes near all readings.
fn begin(
    rough: &Problem<'_>,
    prior: &Prior,
    seed: Seed,
    first: u64,
    watch: &dyn Watch,
) -> Result<(Parameters, u64)> {
    let readings: usize = rough.rows.iter().map(|row| row.values.len()).sum();
    let mut best: Option<(f64, Parameters)> = None;
    for attempt in first..MOST_ATTEMPTS {
        let start = rough.begin(&prior.mean(), seed, attempt, watch)?;
        let found = rough.descend(start, 8, 0.03, watch)?;
        let missed = rough.chi_squared(&found) / readings as f64;
        let is_near = missed < 1.0;
        if best.as_ref().is_none_or(|(least, _)| missed < *least) {
            best = Some((missed, found));
        }
        if is_near {
            let (_, best) = best.expect("it was just found");
            return Ok((best, attempt + 1));
        }
    }
    let (_, best) = best.expect("there was an attempt");
    Ok((best, MOST_ATTEMPTS))
}

/// Noise with which a fit comes near: above that of the readings, the same for all.
fn rough_sigma(measured: &Measurements) -> f64 {
    let noise = measured.noise.unwrap_or(ASSUMED_NOISE);
    measured.typical() * ROUGH.max(3.0 * noise) + 3.0 * measured.floor_or_assumed()
}

/// The same measurements with floors that fall by factors of ten towards their own: outputs that are nearly dark, whose noise is next
/// to nothing, would hold a fit from afar where it is.
fn softer_floors(measured: &Measurements) -> impl Iterator<Item = Measurements> {
    let own = measured.floor_or_assumed();
    let floors = (2..=5).map(|power| measured.typical() * 0.1f64.powi(power));
    floors
        .filter(move |floor| *floor > own)
        .map(|floor| Measurements {
            floor: Some(floor),
            ..measured.clone()
        })
}

/// Fails unless the measurements are of this model, and enough to tell its parameters.
fn check(model: &Model, measured: &Measurements) -> Result<()> {
    let Sizes { heaters, .. } = model.sizes;
    let values = measured.settings.values();
    if values.ncols() != heaters {
        let limit = format!("[measurement, {heaters}]: one for every heater of the mesh");
        return Err(Error::shape("settings", values.shape(), limit));
    }
    let parameters = model.sizes.all();
    if parameters > MOST_PARAMETERS {
        let limit = format!("at most {MOST_PARAMETERS} parameters are fitted");
        return Err(Error::unsupported(
            "mesh",
            format!("{parameters} parameters"),
            limit,
        ));
    }
    let kind = measured.kind();
    let blind = model.blind(kind).len();
    let (unknown, each) = (parameters - blind, kind.readings(model.ports));
    let have = each * measured.len();
    if have < unknown {
        let missing = unknown.div_ceil(each);
        let limit = format!(
            "at least {missing}: {have} readings cannot tell {unknown} parameters ({parameters} without {blind} directions that no \
             reading sees)"
        );
        return Err(Error::value("measured settings", measured.len(), limit));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
