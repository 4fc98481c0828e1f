//! What was measured of a chip: settings of its heaters, and what its receivers read.

use ndarray::{Array0, Array2, Array3, Axis};
use num_complex::Complex;

use super::jacobian::Kind;
use crate::error::{Error, Result};
use crate::hardware::{Instrument, Metered, Side};
use crate::io::Tensor;
use crate::io::npy::{NpzWriter, parse_npz};
use crate::linalg::C64;
use crate::rng::{Effect, Seed};
use crate::units::heater_phase_rad;

/// What the heaters were set to, `[measurement, heater]`: theta, phi, screen and free shifters, as
/// [`Phases::flat`](crate::mesh::Phases::flat) has them.
#[derive(Debug, Clone, PartialEq)]
pub enum Settings {
    /// Phases that were asked of them, rad, at least 0: those of the calibrated V_π.
    PhasesRad(Array2<f64>),
    /// Voltages, V, at least 0.
    Volts(Array2<f64>),
}

/// What receivers read with unit light in one input at a time, `[measurement, input, output]`.
#[derive(Debug, Clone, PartialEq)]
pub enum Readings {
    /// Powers, relative to that of the input.
    Powers(Array3<f64>),
    /// Amplitudes, relative to that of the input.
    Fields(Array3<C64>),
}

/// Settings of a chip's heaters and what was read at each of them.
///
/// The file is an archive of NumPy arrays: `phases` or `volts`, `powers` or `fields`, and if they are known `noise`, `floor`
/// and `saturation`, single numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurements {
    /// What heaters were set to.
    pub settings: Settings,
    /// What was read.
    pub readings: Readings,
    /// Standard deviation of a reading relative to it: of a power, or of either quadrature of a field. None if nobody said.
    pub noise: Option<f64>,
    /// Standard deviation that every reading has besides, in its unit. None if nobody said.
    pub floor: Option<f64>,
}

/// The arrays that a file may hold.
const NAMES: [&str; 7] = [
    "phases",
    "volts",
    "powers",
    "fields",
    "noise",
    "floor",
    "saturation",
];

/// What a file is called in errors.
const WHAT: &str = "measurements";

/// Noise of a reading that nobody stated, relative.
pub const ASSUMED_NOISE: f64 = 0.01;

/// Noise that every reading is taken to have besides, as a share of what an output receives on average.
pub const ASSUMED_FLOOR: f64 = 1e-3;

impl Settings {
    /// The values as they are stored.
    pub fn values(&self) -> &Array2<f64> {
        match self {
            Self::PhasesRad(values) | Self::Volts(values) => values,
        }
    }

    /// Their name in a file.
    fn name(&self) -> &'static str {
        match self {
            Self::PhasesRad(_) => "phases",
            Self::Volts(_) => "volts",
        }
    }

    /// Settings of `values`, called `name` in a file.
    fn new(name: &str, values: Array2<f64>) -> Result<Self> {
        if let Some(((row, heater), value)) = values.indexed_iter().find(|(_, v)| **v < 0.0) {
            let limit = "0 or more: a heater cannot cool";
            return Err(Error::value(
                format!("{name}[{row}, {heater}]"),
                value,
                limit,
            ));
        }
        Ok(match name {
            "volts" => Self::Volts(values),
            _ => Self::PhasesRad(values),
        })
    }

    /// The settings of a file of them, `phases` or `volts`; other arrays of it do not count.
    ///
    /// # Errors
    /// As [`Measurements::parse`].
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut arrays = parse_npz(bytes)?;
        let (name, values) = match (arrays.remove("phases"), arrays.remove("volts")) {
            (Some(_), Some(_)) => {
                let reason = "has both phases and volts: one of them says what heaters were set to";
                return Err(Error::format(WHAT, reason));
            }
            (Some(phases), None) => ("phases", phases),
            (None, Some(volts)) => ("volts", volts),
            (None, None) => {
                let reason = "has neither phases nor volts: one of them says what heaters were set to, \
                              [measurement, heater]";
                return Err(Error::format(WHAT, reason));
            }
        };
        values.check_finite(name)?;
        Self::new(name, values.into_matrix(name)?)
    }

    /// A file of settings alone.
    ///
    /// # Errors
    /// As [`NpzWriter::put`].
    pub fn bytes(&self) -> Result<Vec<u8>> {
        let mut archive = NpzWriter::new();
        archive.put(self.name(), self.values().view())?;
        archive.finish()
    }

    /// The phases that were asked of the heaters, rad, where a voltage of `v_pi_v` makes π.
    pub(super) fn phases_rad(&self, v_pi_v: f64) -> Vec<Vec<f64>> {
        let rows = self.values().axis_iter(Axis(0));
        match self {
            Self::PhasesRad(_) => rows.map(|row| row.to_vec()).collect(),
            Self::Volts(_) => rows
                .map(|row| row.iter().map(|v| heater_phase_rad(*v, v_pi_v)).collect())
                .collect(),
        }
    }

    /// `count` settings of `heaters` heaters, every phase uniform in [0, 2π): the random numbers of `seed` from setting number
    /// `first` on.
    ///
    /// Whatever the offsets are, what is shown is then uniform in 2π: all heaters of a chip that nobody knows get the same
    /// range, and every one is seen through both of its quadratures.
    pub fn random(heaters: usize, count: usize, seed: Seed, first: usize) -> Self {
        let mut phases = Array2::zeros((count, heaters));
        for (number, mut row) in phases.axis_iter_mut(Axis(0)).enumerate() {
            let mut stream = seed.stream(Effect::Haar, (first + number) as u64, UNIT, 0);
            row.mapv_inplace(|_| std::f64::consts::TAU * stream.uniform());
        }
        Self::PhasesRad(phases)
    }
}

/// The unit of random numbers of a bench: no mesh has this number.
pub(super) const UNIT: u64 = u64::MAX;

impl Measurements {
    /// Sets the `instrument` to every one of `settings` and sends unit light into one input after another; reads fields, or
    /// powers if `powers`. `after` is called after every setting, and says whether to go on.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for settings in volts: an [`Instrument`] is asked for phases; [`Error::Stopped`] if `after` said
    /// so; those of [`Metered`].
    pub fn take(
        instrument: &mut dyn Instrument,
        settings: Settings,
        powers: bool,
        mut after: impl FnMut() -> bool,
    ) -> Result<Self> {
        let Settings::PhasesRad(phases) = &settings else {
            let limit = "an instrument is asked for phases";
            return Err(Error::unsupported("settings", "volts", limit));
        };
        let mut bench = Metered::new(instrument);
        let (inputs, outputs) = (bench.ports(Side::Inputs), bench.ports(Side::Outputs));
        let light = crate::field::Fields::basis(inputs, inputs);
        let mut fields = Array3::zeros((phases.nrows(), inputs, outputs));
        for (row, mut fields) in phases.axis_iter(Axis(0)).zip(fields.outer_iter_mut()) {
            bench.set(&row.to_vec())?;
            let read = bench.send(Side::Inputs, &light)?;
            for ((input, output), z) in fields.indexed_iter_mut() {
                *z = C64::new(read.re()[[output, input]], read.im()[[output, input]]);
            }
            if !after() {
                return Err(Error::Stopped);
            }
        }
        let readings = match powers {
            true => Readings::Powers(fields.mapv(|z| z.norm_sqr())),
            false => Readings::Fields(fields),
        };
        Ok(Self {
            settings,
            readings,
            noise: None,
            floor: None,
        })
    }

    /// The same, read by receivers that add N(0, 1) times `noise` of every reading and `floor`: what they read depends on the
    /// number of the setting, the input and the output alone.
    #[must_use]
    pub fn with_noise(mut self, noise: f64, floor: f64, seed: Seed) -> Self {
        let normals = |setting: usize, count: usize| {
            let mut stream = seed.stream(Effect::Detector, setting as u64, UNIT, 0);
            (0..count)
                .map(move |_| stream.standard_normal())
                .collect::<Vec<f64>>()
        };
        match &mut self.readings {
            Readings::Powers(powers) => {
                for (setting, mut powers) in powers.outer_iter_mut().enumerate() {
                    let drawn = normals(setting, 2 * powers.len());
                    for (power, pair) in powers.iter_mut().zip(drawn.chunks_exact(2)) {
                        *power += noise * *power * pair[0] + floor * pair[1];
                    }
                }
            }
            Readings::Fields(fields) => {
                for (setting, mut fields) in fields.outer_iter_mut().enumerate() {
                    let drawn = normals(setting, 4 * fields.len());
                    for (z, four) in fields.iter_mut().zip(drawn.chunks_exact(4)) {
                        let relative = noise * z.norm();
                        z.re += relative * four[0] + floor * four[1];
                        z.im += relative * four[2] + floor * four[3];
                    }
                }
            }
        }
        (self.noise, self.floor) = (Some(noise), Some(floor));
        self
    }

    /// These and `more` of the same chip, one after the other.
    ///
    /// # Errors
    /// [`Error::Format`] if the two are of different kinds or noise, [`Error::Shape`] if they are of other heaters or ports.
    pub fn with(mut self, more: Self) -> Result<Self> {
        let differ = |what: &str| {
            Err(Error::format(
                WHAT,
                format!("differ in {what} from file to file"),
            ))
        };
        if (self.noise, self.floor) != (more.noise, more.floor) {
            return differ("their noise or floor");
        }
        let shape = |error: ndarray::ShapeError, got: &[usize]| {
            Error::shape(WHAT, got, format!("as in the file before: {error}"))
        };
        match (&mut self.settings, &more.settings) {
            (Settings::PhasesRad(all), Settings::PhasesRad(new))
            | (Settings::Volts(all), Settings::Volts(new)) => {
                let got = new.shape();
                all.append(Axis(0), new.view())
                    .map_err(|error| shape(error, got))?;
            }
            _ => return differ("phases or volts"),
        }
        match (&mut self.readings, &more.readings) {
            (Readings::Powers(all), Readings::Powers(new)) => {
                let got = new.shape();
                all.append(Axis(0), new.view())
                    .map_err(|error| shape(error, got))?;
            }
            (Readings::Fields(all), Readings::Fields(new)) => {
                let got = new.shape();
                all.append(Axis(0), new.view())
                    .map_err(|error| shape(error, got))?;
            }
            _ => return differ("powers or fields"),
        }
        Ok(self)
    }

    /// Number of settings.
    pub fn len(&self) -> usize {
        self.settings.values().nrows()
    }

    /// Whether there is no setting.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of measured inputs.
    pub fn ports(&self) -> usize {
        self.shape()[1]
    }

    fn shape(&self) -> [usize; 3] {
        let (a, b, c) = match &self.readings {
            Readings::Powers(powers) => powers.dim(),
            Readings::Fields(fields) => fields.dim(),
        };
        [a, b, c]
    }

    /// Reads a file of measurements from its bytes.
    ///
    /// # Errors
    /// [`Error::Format`] if it is no archive of arrays, or not of these; [`Error::Shape`] if their shapes do not chain;
    /// [`Error::NotFinite`] for a reading of NaN; [`Error::Value`] for a phase below 0, noise that is no number from 0 on, or a
    /// reading at the `saturation` of its detector or beyond.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let settings = Settings::parse(bytes)?;
        let mut arrays = parse_npz(bytes)?;
        if let Some(name) = arrays.keys().find(|name| !NAMES.contains(&name.as_str())) {
            return Err(Error::unknown("array of measurements", name, &NAMES));
        }
        let readings = match (arrays.remove("powers"), arrays.remove("fields")) {
            (Some(_), Some(_)) => {
                let reason = "has both powers and fields: one of them is what was read";
                return Err(Error::format(WHAT, reason));
            }
            (Some(powers), None) => Readings::Powers(cube("powers", powers)?.mapv(|z| z.re)),
            (None, Some(fields)) => Readings::Fields(cube("fields", fields)?),
            (None, None) => {
                let reason = "has neither powers nor fields: one of them is what was read, \
                              [measurement, input, output]";
                return Err(Error::format(WHAT, reason));
            }
        };
        let mut number = |name: &str| match arrays.remove(name) {
            None => Ok(None),
            Some(tensor) => one_number(name, tensor).map(Some),
        };
        let (noise, floor, saturation) =
            (number("noise")?, number("floor")?, number("saturation")?);
        let measured = Self {
            settings,
            readings,
            noise,
            floor,
        };
        let [count, inputs, outputs] = measured.shape();
        let name = measured.readings_name();
        if count != measured.len() || inputs != outputs || inputs == 0 || count == 0 {
            let (count, inputs) = (measured.len().max(1), inputs.max(1));
            let limit = format!(
                "[{count}, {inputs}, {inputs}]: for every setting the light of every input at every output"
            );
            return Err(Error::shape(name, measured.shape(), limit));
        }
        if let Some(level) = saturation {
            measured.check_saturation(level)?;
        }
        Ok(measured)
    }

    fn readings_name(&self) -> &'static str {
        match self.readings {
            Readings::Powers(_) => "powers",
            Readings::Fields(_) => "fields",
        }
    }

    fn check_saturation(&self, level: f64) -> Result<()> {
        let found = match &self.readings {
            Readings::Powers(powers) => powers.indexed_iter().find(|(_, p)| **p >= level),
            Readings::Fields(_) => {
                let reason = "is the level of a detector of powers, not of fields";
                return Err(Error::format("saturation", reason));
            }
        };
        let Some(((setting, input, output), power)) = found else {
            return Ok(());
        };
        let limit = format!("below {level}, where the detector saturates");
        let what = format!("powers[{setting}, {input}, {output}]");
        Err(Error::value(what, power, limit))
    }

    /// A file of these measurements.
    ///
    /// # Errors
    /// As [`NpzWriter::put`].
    pub fn bytes(&self) -> Result<Vec<u8>> {
        let mut archive = NpzWriter::new();
        archive.put(self.settings.name(), self.settings.values().view())?;
        match &self.readings {
            Readings::Powers(powers) => archive.put("powers", powers.view())?,
            Readings::Fields(fields) => archive.put("fields", fields.view())?,
        }
        for (name, value) in [("noise", self.noise), ("floor", self.floor)] {
            if let Some(value) = value {
                archive.put(name, Array0::from_elem((), value).view())?;
            }
        }
        archive.finish()
    }

    pub(super) fn kind(&self) -> Kind {
        match self.readings {
            Readings::Powers(_) => Kind::Powers,
            Readings::Fields(_) => Kind::Fields,
        }
    }

    /// The readings of every setting in the order of [`Kind::read`], with the standard deviation of each.
    pub(super) fn rows(&self) -> Vec<Row> {
        let ports = self.ports();
        let noise = self.noise.unwrap_or(ASSUMED_NOISE);
        let floor = self.floor_or_assumed();
        let sigma = |size: f64| (noise * size).hypot(floor);
        let row = |setting: usize| {
            let mut row = Row::default();
            match &self.readings {
                Readings::Powers(powers) => {
                    for output in 0..ports {
                        for input in 0..ports {
                            let power = powers[[setting, input, output]];
                            row.values.push(power);
                            row.sigmas.push(sigma(power));
                        }
                    }
                }
                Readings::Fields(fields) => {
                    for part in [|z: C64| z.re, |z: C64| z.im] {
                        for output in 0..ports {
                            for input in 0..ports {
                                let z = fields[[setting, input, output]];
                                row.values.push(part(z));
                                row.sigmas.push(sigma(z.norm()));
                            }
                        }
                    }
                }
            }
            row
        };
        (0..self.len()).map(row).collect()
    }

    /// Standard deviations of readings of this model's, in the order of [`Kind::read`].
    pub(super) fn sigmas_of(&self, read: &[f64]) -> Vec<f64> {
        let noise = self.noise.unwrap_or(ASSUMED_NOISE);
        let floor = self.floor_or_assumed();
        let size = |at: usize| match self.readings {
            Readings::Powers(_) => read[at],
            Readings::Fields(_) => {
                let half = read.len() / 2;
                read[at % half].hypot(read[half + at % half])
            }
        };
        (0..read.len())
            .map(|at| (noise * size(at)).hypot(floor))
            .collect()
    }

    /// What an output receives on average of light that is spread over all.
    pub(super) fn typical(&self) -> f64 {
        let power = 1.0 / self.ports() as f64;
        match self.readings {
            Readings::Powers(_) => power,
            Readings::Fields(_) => power.sqrt(),
        }
    }

    /// The noise floor, or what stands for it.
    pub(super) fn floor_or_assumed(&self) -> f64 {
        let typical = self.typical();
        // Readings of no noise at all would weigh without end.
        let least = LEAST_FLOOR * typical;
        self.floor.unwrap_or(ASSUMED_FLOOR * typical).max(least)
    }
}

/// Least standard deviation of a reading that counts, as a share of what an output receives on average.
const LEAST_FLOOR: f64 = 1e-6;

/// Readings of one setting and their standard deviations.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Row {
    pub(super) values: Vec<f64>,
    pub(super) sigmas: Vec<f64>,
}

impl Row {
    /// The power of reading number `at`, `[output][input]`.
    pub(super) fn power(&self, kind: Kind, at: usize) -> f64 {
        match kind {
            Kind::Powers => self.values[at],
            Kind::Fields => {
                let other = self.values.len() / 2 + at;
                self.values[at].powi(2) + self.values[other].powi(2)
            }
        }
    }

    /// The least power that is told from none.
    pub(super) fn darkest(&self, kind: Kind) -> f64 {
        let least = self.sigmas.iter().copied().fold(f64::INFINITY, f64::min);
        match kind {
            Kind::Powers => least,
            Kind::Fields => 2.0 * least * least,
        }
    }
}

/// Settings, heaters and measured inputs of an archive whose arrays have these shapes, if it is one of measurements; no input
/// where it holds settings alone.
pub(crate) fn settings_in<'a>(shape: impl Fn(&str) -> Option<&'a [usize]>) -> Option<[usize; 3]> {
    let &[settings, heaters] = shape("phases").or_else(|| shape("volts"))? else {
        return None;
    };
    match shape("powers").or_else(|| shape("fields")) {
        None => Some([settings, heaters, 0]),
        Some(&[_, inputs, _]) => Some([settings, heaters, inputs]),
        Some(_) => None,
    }
}

fn cube(name: &str, tensor: Tensor) -> Result<Array3<C64>> {
    tensor.check_finite(name)?;
    if name == "powers" && tensor.is_complex() {
        let reason = "are complex: call amplitudes fields";
        return Err(Error::format(name, reason));
    }
    let shape = tensor.shape().to_vec();
    let &[count, inputs, outputs] = &shape[..] else {
        return Err(Error::shape(name, shape, "[measurement, input, output]"));
    };
    let flat: Vec<Complex<f64>> = match tensor.data() {
        crate::io::TensorData::Real(data) => data.iter().map(|x| C64::new(*x, 0.0)).collect(),
        crate::io::TensorData::Complex(data) => data.clone(),
    };
    Ok(Array3::from_shape_vec((count, inputs, outputs), flat).expect("a tensor is whole"))
}

fn one_number(name: &str, tensor: Tensor) -> Result<f64> {
    tensor.check_finite(name)?;
    let value = match tensor.data() {
        crate::io::TensorData::Real(data) if data.len() == 1 => data[0],
        _ => return Err(Error::shape(name, tensor.shape(), "[]: one real number")),
    };
    if value < 0.0 {
        return Err(Error::value(name, value, "0 or more"));
    }
    Ok(value)
}
