//! How good what the receivers of a map read is.

use super::reading::power;
use crate::field::Real;
use crate::nn::Batch;

/// What receivers make of a map's products, noise and converters and faults of the chip in all.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Quality {
    /// Power of the exact products over that of the error, dB; none where one of them is 0.
    pub snr_db: Option<f64>,
    /// Bits of an ideal converter whose full-scale sine has this ratio: (SNR − 1.76 dB) / 6.02 dB.
    pub effective_bits: Option<f64>,
    /// Share of the readings that are beyond the last level of their converter by more than half a step.
    pub clipped: f64,
    /// Share of the inputs that are beyond the full scale of their modulator.
    pub clipped_inputs: f64,
    /// Both shares where no shot of the chip has any noise.
    #[serde(skip)]
    pub without_noise: Clipped,
    /// Both shares where values also are as exact as those that set the ranges: modulators and converters leave them as they
    /// are.
    #[serde(skip)]
    pub exact: Clipped,
    /// Share of the readings where this map alone has noise, not those in front of it.
    #[serde(skip)]
    pub by_own_noise: f64,
}

/// Shares of clipped values.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Clipped {
    /// Of the readings.
    pub readings: f64,
    /// Of the inputs.
    pub inputs: f64,
}

/// Numbers of clipped values of a run, and how it is run.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Clips {
    /// Whether any are counted.
    pub(super) counts: bool,
    /// What of a shot acts.
    pub(super) effects: Effects,
    readings: Share,
    inputs: Share,
}

/// What of the effects of a shot acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Effects {
    /// All of them.
    #[default]
    All,
    /// All but noise.
    NoNoise,
    /// None: values are as they set ranges.
    None,
}

#[derive(Debug, Clone, Copy, Default)]
struct Share {
    part: usize,
    of: usize,
}

impl Share {
    fn value(self) -> f64 {
        self.part as f64 / self.of.max(1) as f64
    }
}

impl Clips {
    /// None so far, of shots in which `effects` act.
    pub(super) fn counting(effects: Effects) -> Self {
        Self {
            counts: true,
            effects,
            ..Self::default()
        }
    }

    /// Shares of what was clipped.
    pub(super) fn shares(&self) -> Clipped {
        Clipped {
            readings: self.readings.value(),
            inputs: self.inputs.value(),
        }
    }

    pub(super) fn note_readings(&mut self, clipped: usize, of: usize) {
        self.readings.part += clipped;
        self.readings.of += of;
    }

    /// Notes `inputs` of modulators of this full scale.
    pub(super) fn note_inputs<T: Real>(&mut self, inputs: &Batch<T>, full_scale: f64) {
        if !self.counts {
            return;
        }
        let parts = match inputs {
            Batch::Real(x) => [Some(x), None],
            Batch::Complex(z) => [Some(&z.re), Some(&z.im)],
        };
        for part in parts.into_iter().flatten() {
            let beyond = part.iter().filter(|x| x.double().abs() > full_scale);
            self.inputs.part += beyond.count();
            self.inputs.of += part.len();
        }
    }
}

impl Quality {
    /// That of `outputs` where they should be `wanted`; nothing is clipped without noise.
    pub(super) fn of<T: Real>(outputs: &Batch<T>, wanted: &Batch<T>, clips: &Clips) -> Self {
        let parts = |batch: &Batch<T>| match batch {
            Batch::Real(x) => [Some(x.clone()), None],
            Batch::Complex(z) => [Some(z.re.clone()), Some(z.im.clone())],
        };
        let (mut signal, mut error) = (0.0, 0.0);
        for pair in parts(outputs).into_iter().zip(parts(wanted)) {
            match pair {
                (Some(y), Some(wanted)) => {
                    signal += wanted.iter().map(|w| power(*w, T::zero())).sum::<f64>();
                    let pairs = y.iter().zip(&wanted);
                    error += pairs.map(|(y, w)| power(*y - *w, T::zero())).sum::<f64>();
                }
                (Some(y), None) => error += y.iter().map(|y| power(*y, T::zero())).sum::<f64>(),
                // Of a real layer the other quadrature is not asked for.
                (None, _) => {}
            }
        }
        let snr_db = crate::units::db_from_power(signal / error);
        let snr_db = Some(snr_db).filter(|db| db.is_finite());
        let Clipped { readings, inputs } = clips.shares();
        Self {
            snr_db,
            effective_bits: snr_db.map(|db| (db - 1.76) / 6.02),
            clipped: readings,
            clipped_inputs: inputs,
            without_noise: Clipped::default(),
            exact: Clipped::default(),
            by_own_noise: 0.0,
        }
    }
}
