//! What a photonic chip is like: a distribution ([`Hardware`]) and one draw from it ([`Chip`]).

mod calibration;
mod chip;
mod crosstalk;
mod keys;
mod laboratory;
mod preset;
mod read;
mod supply;

pub use calibration::{Calibration, Heater, Measured};
pub use chip::{Chip, Part, Programmed, Section};
pub use crosstalk::Heaters;
pub use keys::{HardwareKey, KEYS, ValueKind};
pub use laboratory::{Kept, Laboratory, SelfConfiguration};
pub use preset::{PRESETS, preset};
pub(crate) use read::show;
pub use supply::Supply;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Context, Error, Result, did_you_mean};
use crate::mesh::CellKind;
use crate::rng::Seed;
use crate::units::{hz_from_ghz, power_from_db};

/// A kind of chip: how its parts deviate from the ideal, and what stands at its inputs and outputs.
///
/// The TOML form has the same names; a key that is left out is ideal, an unknown key is refused. Every random
/// value is a standard deviation.
///
/// ```
/// use lightloom::Hardware;
///
/// let hardware = Hardware::from_toml("[coupler]\nsplitting_error_rad = 0.02")?;
/// assert_eq!(hardware.coupler.splitting_error_rad, 0.02);
/// assert!(Hardware::from_toml("[coupler]\nspliting_error_rad = 0.02").is_err());
/// # Ok::<(), lightloom::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hardware {
    /// The couplers of every MZI.
    pub coupler: Coupler,
    /// The phase shifters: heaters, their supply, their neighbours.
    pub phase_shifter: PhaseShifter,
    /// The cells of the mesh and their loss.
    pub mesh: CellDesign,
    /// Laser, modulators and the way onto the chip.
    pub input: Input,
    /// Detectors and what digitizes them.
    pub readout: Readout,
}

/// Couplers.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Coupler {
    /// Spread of the coupler angle around π/4, rad, drawn for each coupler of each chip.
    pub splitting_error_rad: f64,
    /// The same deviation of every coupler angle from π/4, rad (a wavelength or etch offset).
    pub splitting_bias_rad: f64,
}

/// Phase shifters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PhaseShifter {
    /// Programming error, rad: drawn at each load for every theta, phi, screen and attenuator phase.
    pub phase_error_rad: f64,
    /// Spread of the phase that each waveguide has with its heater off, rad, drawn for each chip.
    pub offset_rad: f64,
    /// Resolution of the heater supply, bits in voltage over 0 to `v_max_v`.
    pub dac_bits: Option<u32>,
    /// Voltage for a phase of π, V.
    pub v_pi_v: f64,
    /// Largest voltage of the supply, V; `√2 v_pi_v`, which reaches 2π, where it is left out.
    pub v_max_v: Option<f64>,
    /// Relative error of the calibrated V_π of each heater, drawn for each chip: a calibration knows every heater's V_π, and
    /// errs by this. It is the same at every load, and no correction knows it.
    pub v_pi_error: f64,
    /// Share of a heater's phase that reaches a neighbour at one pitch; at distance d it is `crosstalk^d`.
    pub crosstalk: f64,
    /// Random walk of every phase, rad/√s.
    pub drift_rad_per_sqrt_s: f64,
    /// Time between programming and inference, s.
    pub drift_time_s: f64,
}

impl Default for PhaseShifter {
    fn default() -> Self {
        Self {
            phase_error_rad: 0.0,
            offset_rad: 0.0,
            dac_bits: None,
            v_pi_v: 4.36, // thermo-optic heater, pytorch-onn
            v_max_v: None,
            v_pi_error: 0.0,
            crosstalk: 0.0,
            drift_rad_per_sqrt_s: 0.0,
            drift_time_s: 0.0,
        }
    }
}

/// The cells of the mesh.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CellDesign {
    /// What stands at every node of the mesh; attenuators are plain MZIs.
    pub cell: CellKind,
    /// Loss of both arms of every cell, dB, whatever its kind.
    pub insertion_loss_db: f64,
    /// Spread of that loss from cell to cell, dB; a draw below 0 dB counts as 0 dB.
    pub insertion_loss_spread_db: f64,
    /// What an arm with a heater on it loses more than a bare one, dB: the top arm of every cell at θ and again at φ; both
    /// arms of a symmetric cell.
    pub arm_imbalance_db: f64,
}

/// Laser, modulators and the way onto the chip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Input {
    /// Laser power, mW, split evenly over the modes of a tile.
    pub laser_power_mw: f64,
    /// Wavelength, nm.
    pub wavelength_nm: f64,
    /// Loss of one facet or grating coupler, dB; light crosses one on the way in and one on the way out.
    pub facet_loss_db: f64,
    /// Insertion loss of an input modulator, dB.
    pub modulator_loss_db: f64,
    /// Resolution of the input modulators, bits over [−1, 1] in amplitude.
    pub dac_bits: Option<u32>,
    /// Extinction ratio of the input modulators, dB: no amplitude is below `10^(−ER/20)` of full scale.
    pub extinction_ratio_db: Option<f64>,
    /// Relative intensity noise of the laser, dBc/Hz, over the bandwidth of the readout.
    pub rin_dbc_hz: Option<f64>,
}

impl Default for Input {
    fn default() -> Self {
        Self {
            laser_power_mw: 1.0,
            wavelength_nm: 1550.0,
            facet_loss_db: 0.0,
            modulator_loss_db: 0.0,
            dac_bits: None,
            extinction_ratio_db: None,
            rin_dbc_hz: None,
        }
    }
}

/// Detectors and what digitizes them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Readout {
    /// What a detector measures.
    pub detection: Detection,
    /// Power of the local oscillator at each coherent detector, mW.
    pub lo_power_mw: f64,
    /// Responsivity of a photodiode, A/W.
    pub responsivity_a_w: f64,
    /// Dark current of a photodiode, nA.
    pub dark_current_na: f64,
    /// Noise bandwidth of the readout, GHz; 0 means no shot, thermal, dark or laser noise.
    pub bandwidth_ghz: f64,
    /// Input-referred current noise of the amplifier, pA/√Hz.
    pub thermal_noise_pa_sqrt_hz: f64,
    /// Relative spread of the detectors' gain, drawn for each chip.
    pub gain_spread: f64,
    /// Spread of the local oscillator's phase at the coherent detectors, rad, drawn for each chip: a detector at phase δ reads
    /// Re(a e^{iδ}).
    pub lo_phase_error_rad: f64,
    /// Random walk of that phase, rad/√s, over `phase_shifter.drift_time_s`.
    pub lo_phase_drift_rad_per_sqrt_s: f64,
    /// Resolution of the converters, bits.
    pub adc_bits: Option<u32>,
    /// Full scale of the converters.
    pub adc_range: AdcRange,
}

impl Default for Readout {
    fn default() -> Self {
        Self {
            detection: Detection::Coherent,
            lo_power_mw: 1.0,
            responsivity_a_w: 1.0,
            dark_current_na: 0.0,
            bandwidth_ghz: 0.0,
            thermal_noise_pa_sqrt_hz: 0.0,
            gain_spread: 0.0,
            lo_phase_error_rad: 0.0,
            lo_phase_drift_rad_per_sqrt_s: 0.0,
            adc_bits: None,
            adc_range: AdcRange::Max,
        }
    }
}

/// What a detector measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Detection {
    /// Balanced homodyne against a local oscillator: the field, with its sign.
    Coherent,
    /// A single photodiode: the power.
    Intensity,
}

/// Full scale of the converters behind a tile, from a calibration batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AdcRange {
    /// The largest value of the batch.
    Max,
    /// This percentile of its absolute values, in (0, 100].
    Percentile(f64),
}

impl Serialize for AdcRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Max => serializer.serialize_str("max"),
            Self::Percentile(percentile) => serializer.serialize_f64(*percentile),
        }
    }
}

impl<'de> Deserialize<'de> for AdcRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Raw {
            Number(f64),
            Text(String),
        }
        match Raw::deserialize(deserializer) {
            Ok(Raw::Number(percentile)) => Ok(Self::Percentile(percentile)),
            Ok(Raw::Text(text)) if text == "max" => Ok(Self::Max),
            _ => Err(serde::de::Error::custom(
                "adc_range must be \"max\" or a percentile in (0, 100]",
            )),
        }
    }
}

impl Hardware {
    /// A preset by its name, or else a TOML file by its path.
    ///
    /// # Errors
    /// [`Error::Io`] if `name_or_path` is neither, and those of [`from_toml`](Self::from_toml).
    pub fn open(name_or_path: &str) -> Result<Self> {
        if let Some(text) = preset(name_or_path) {
            return Self::from_toml(text).within(name_or_path);
        }
        let text = std::fs::read_to_string(name_or_path).map_err(|source| {
            if source.kind() == std::io::ErrorKind::NotFound {
                let presets: Vec<_> = PRESETS.iter().map(|(name, _)| *name).collect();
                let meant = did_you_mean(name_or_path, presets.iter().copied());
                let limit = format!("a TOML file or one of {}{meant}", presets.join(", "));
                Error::value("hardware", name_or_path, limit)
            } else {
                Error::io(name_or_path, source)
            }
        })?;
        Self::from_toml(&text).within(name_or_path)
    }

    /// Fails on the first value that is out of its range.
    ///
    /// # Errors
    /// [`Error::Value`], which names the key, the value and the range.
    pub fn check(&self) -> Result<()> {
        let Self {
            coupler,
            phase_shifter: shifter,
            mesh,
            input,
            readout,
        } = self;
        let not_negative = [
            ("phase_shifter.phase_error_rad", shifter.phase_error_rad),
            ("phase_shifter.offset_rad", shifter.offset_rad),
            ("phase_shifter.v_pi_error", shifter.v_pi_error),
            (
                "phase_shifter.drift_rad_per_sqrt_s",
                shifter.drift_rad_per_sqrt_s,
            ),
            ("phase_shifter.drift_time_s", shifter.drift_time_s),
            ("mesh.insertion_loss_db", mesh.insertion_loss_db),
            (
                "mesh.insertion_loss_spread_db",
                mesh.insertion_loss_spread_db,
            ),
            ("mesh.arm_imbalance_db", mesh.arm_imbalance_db),
            ("input.facet_loss_db", input.facet_loss_db),
            ("input.modulator_loss_db", input.modulator_loss_db),
            (
                "input.extinction_ratio_db",
                input.extinction_ratio_db.unwrap_or(0.0),
            ),
            ("readout.dark_current_na", readout.dark_current_na),
            ("readout.bandwidth_ghz", readout.bandwidth_ghz),
            (
                "readout.thermal_noise_pa_sqrt_hz",
                readout.thermal_noise_pa_sqrt_hz,
            ),
            ("readout.gain_spread", readout.gain_spread),
            ("readout.lo_phase_error_rad", readout.lo_phase_error_rad),
            (
                "readout.lo_phase_drift_rad_per_sqrt_s",
                readout.lo_phase_drift_rad_per_sqrt_s,
            ),
        ];
        for (key, value) in not_negative {
            within(key, value, value >= 0.0, "0 or more")?;
        }
        let positive = [
            ("phase_shifter.v_pi_v", shifter.v_pi_v),
            ("input.laser_power_mw", input.laser_power_mw),
            ("input.wavelength_nm", input.wavelength_nm),
            ("readout.lo_power_mw", readout.lo_power_mw),
            ("readout.responsivity_a_w", readout.responsivity_a_w),
        ];
        for (key, value) in positive {
            within(key, value, value > 0.0, "more than 0")?;
        }
        let quarter = std::f64::consts::FRAC_PI_4;
        let spread = coupler.splitting_error_rad;
        within(
            "coupler.splitting_error_rad",
            spread,
            (0.0..=quarter).contains(&spread),
            "from 0 to π/4",
        )?;
        let bias = coupler.splitting_bias_rad;
        within(
            "coupler.splitting_bias_rad",
            bias,
            bias.abs() <= quarter,
            "from -π/4 to π/4",
        )?;
        let crosstalk = shifter.crosstalk;
        // Beyond this the heat of all neighbours together outweighs a heater's own: I + C may not be solved.
        within(
            "phase_shifter.crosstalk",
            crosstalk,
            (0.0..=0.1).contains(&crosstalk),
            "from 0 to 0.1",
        )?;
        if let Some(v_max) = shifter.v_max_v {
            let least = Supply::default_v_max_v(shifter.v_pi_v, 0.0);
            let limit = format!("at least √2 · v_pi_v = {least} so that 2π is reached");
            within("phase_shifter.v_max_v", v_max, v_max >= least, &limit)?;
        }
        if let Some(rin) = input.rin_dbc_hz {
            let bandwidth_hz = hz_from_ghz(readout.bandwidth_ghz);
            let spread = (power_from_db(rin) * bandwidth_hz).sqrt();
            let limit = "such that the power spread √(RIN · B) is at most 0.3";
            within("input.rin_dbc_hz", rin, spread <= 0.3, limit)?;
        }
        if let AdcRange::Percentile(p) = readout.adc_range {
            within(
                "readout.adc_range",
                p,
                p > 0.0 && p <= 100.0,
                "\"max\" or a percentile in (0, 100]",
            )?;
        }
        for (key, bits) in [
            ("phase_shifter.dac_bits", shifter.dac_bits),
            ("input.dac_bits", input.dac_bits),
            ("readout.adc_bits", readout.adc_bits),
        ] {
            if let Some(bits) = bits.filter(|bits| !(1..=24).contains(bits)) {
                return Err(Error::value(key, bits, "1..=24"));
            }
        }
        Ok(())
    }

    /// One chip of this kind: `trial` counts the chips that follow from `seed`.
    pub fn fabricate(&self, seed: Seed, trial: u64) -> Chip {
        Chip::new(self.clone(), seed, trial)
    }
}

fn within(key: &str, value: f64, holds: bool, limit: &str) -> Result<()> {
    if holds && value.is_finite() {
        Ok(())
    } else {
        Err(Error::value(key, value, limit))
    }
}

#[cfg(test)]
mod tests;
