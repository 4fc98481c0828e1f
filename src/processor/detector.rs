//! What stands behind the chip: photodiodes, amplifiers, converters.

use crate::field::Real;
use crate::hardware::{AdcRange, Hardware};
use crate::units::{ELEMENTARY_CHARGE_C, a_from_na, a_from_pa, hz_from_ghz, w_from_mw};

/// How the outputs of a tile are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Not at all: the field goes on to an optical activation.
    Optical,
    /// One quadrature: the signed real part of the field.
    Real,
    /// Both quadratures: signal and local oscillator are split in half between two balanced pairs.
    Quadratures,
    /// The power.
    Intensity,
}

/// Variance of a reading in the square of its own unit: `constant + slope · |a|²`, where `a` is the field
/// amplitude relative to full scale. A coherent reading is in units of `a`, an intensity in units of `|a|²`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DetectorNoise {
    /// Variance in the dark (with the local oscillator on).
    pub constant: f64,
    /// Additional variance per `|a|²`: the shot noise of the signal.
    pub slope: f64,
}

/// Noise of a detector that sees `full_scale_w` at amplitude 1.
///
/// Coherent: i = 2R √(P_lo P_fs) Re a, variance 2q (R (P_lo + |a|² P_fs) + 2 I_d) B + i_n² B.
/// Intensity: i = R P_fs |a|², variance 2q (R P_fs |a|² + I_d) B + i_n² B.
/// Laser noise is not here: it is on the field before the chip. The local oscillator has none, as if it came from
/// a laser of its own; from the same laser a coherent reading would show twice the relative error.
pub fn detector_noise(hardware: &Hardware, reading: Reading, full_scale_w: f64) -> DetectorNoise {
    let readout = &hardware.readout();
    let bandwidth_hz = hz_from_ghz(readout.bandwidth_ghz);
    let responsivity = readout.responsivity_a_w;
    let shot = 2.0 * ELEMENTARY_CHARGE_C * bandwidth_hz;
    let dark_a = a_from_na(readout.dark_current_na);
    let thermal = a_from_pa(readout.thermal_noise_pa_sqrt_hz).powi(2) * bandwidth_hz;
    // Current at |a| = 1, current of the noise at a = 0, signal's photocurrent at |a| = 1.
    let (unit_a, dark_sources_a, signal_a) = match reading {
        Reading::Intensity => {
            let unit = responsivity * full_scale_w;
            (unit, dark_a, unit)
        }
        Reading::Real | Reading::Quadratures | Reading::Optical => {
            let share = if reading == Reading::Quadratures {
                0.5
            } else {
                1.0
            };
            let lo_w = share * w_from_mw(readout.lo_power_mw);
            let signal_w = share * full_scale_w;
            (
                2.0 * responsivity * (lo_w * signal_w).sqrt(),
                responsivity * lo_w + 2.0 * dark_a,
                responsivity * signal_w,
            )
        }
    };
    DetectorNoise {
        constant: (shot * dark_sources_a + thermal) / unit_a.powi(2),
        slope: shot * signal_a / unit_a.powi(2),
    }
}

impl DetectorNoise {
    /// Whether there is any noise.
    pub fn is_active(&self) -> bool {
        self.constant > 0.0 || self.slope > 0.0
    }
}

/// An ideal quantizer for readings.
///
/// A signed one of b bits has 2^b − 1 levels from −range to range, zero among them; of one bit it is a comparator
/// with the levels ±range. One for powers has 2^b levels from 0 to range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adc {
    range: f64,
    /// Levels above zero.
    steps: f64,
    reading: Reading,
}

impl Adc {
    /// A converter of `bits` for readings from −range to range, or from 0 to range where they are powers.
    pub fn new(bits: u32, range: f64, reading: Reading) -> Self {
        let steps = match reading {
            Reading::Intensity => f64::from((1u32 << bits) - 1),
            _ => signed_steps(bits),
        };
        Self {
            range,
            steps,
            reading,
        }
    }

    /// The step between two levels.
    pub(super) fn code(&self) -> f64 {
        match self.steps {
            0.0 => 2.0 * self.range,
            steps => self.range / steps,
        }
    }

    /// The readings beyond which the nearest level is further than half a step away; none of a comparator, which has no
    /// other levels.
    pub(super) fn limits(&self) -> Option<[f64; 2]> {
        let half = 0.5 * self.code();
        let lowest = match self.reading {
            Reading::Intensity => 0.0,
            _ => -self.range,
        };
        (self.steps > 0.0).then_some([lowest - half, self.range + half])
    }

    /// Whether `reading` is within the range, where a converter without steps would pass it unchanged.
    pub(super) fn passes(&self, reading: f64) -> bool {
        let lowest = match self.reading {
            Reading::Intensity => 0.0,
            _ => -self.range,
        };
        self.range > 0.0 && (lowest..=self.range).contains(&reading)
    }

    /// The nearest level; beyond its range the converter saturates. An infinity or NaN, which is no reading but the end of
    /// the numbers that are computed with, stays what it is.
    pub fn convert(&self, reading: f64) -> f64 {
        self.converter().convert(reading)
    }

    /// The same for many readings at precision `T`.
    pub(super) fn converter<T: Real>(&self) -> Converter<T> {
        let lowest = match self.reading {
            Reading::Intensity => T::zero(),
            _ => -T::one(),
        };
        Converter {
            // Nothing ever reached a converter of range 0 in calibration.
            inverse_range: T::of(if self.range == 0.0 {
                0.0
            } else {
                self.range.recip()
            }),
            range: T::of(self.range),
            lowest,
            steps: T::of(self.steps),
            step: T::of(if self.steps == 0.0 {
                1.0
            } else {
                self.steps.recip()
            }),
        }
    }
}

/// A quantizer at precision `T`, without branches on what it converts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Converter<T> {
    inverse_range: T,
    range: T,
    /// Lowest level, in units of the range.
    lowest: T,
    /// Levels above zero; 0 stands for a comparator.
    steps: T,
    step: T,
}

impl<T: Real> Converter<T> {
    #[inline(always)]
    pub(super) fn convert(&self, reading: T) -> T {
        let converted = self.range * self.level(reading * self.inverse_range);
        // No converter hides that a signal left the range of `T`.
        if reading.is_finite() {
            converted
        } else {
            reading
        }
    }

    /// The level nearest to `relative`, both in units of the range.
    #[inline(always)]
    fn level(&self, relative: T) -> T {
        if self.steps == T::zero() {
            return T::one().copysign(relative);
        }
        (limited(relative, self.lowest, T::one()) * self.steps).round() * self.step
    }
}

/// `value`, or the limit that it is beyond; NaN stays NaN.
#[inline(always)]
pub(super) fn limited<T: Real>(value: T, low: T, high: T) -> T {
    if value < low {
        low
    } else if value > high {
        high
    } else {
        value
    }
}

/// Levels above zero of a signed converter; 0 stands for a comparator.
fn signed_steps(bits: u32) -> f64 {
    f64::from((1u32 << (bits - 1)) - 1)
}

/// Full scale for the given readings of a calibration batch.
pub fn adc_range(rule: AdcRange, mut magnitudes: Vec<f64>) -> f64 {
    let percentile = match rule {
        AdcRange::Max => 100.0,
        AdcRange::Percentile(percentile) => percentile,
    };
    if magnitudes.is_empty() {
        return 0.0;
    }
    let rank = (percentile / 100.0 * magnitudes.len() as f64).ceil() as usize;
    let index = rank.clamp(1, magnitudes.len()) - 1;
    *magnitudes.select_nth_unstable_by(index, f64::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;
    use std::f64::consts::TAU;

    fn hardware(settings: &[(&str, &str)]) -> Hardware {
        settings
            .iter()
            .fold(Hardware::default(), |hw, (key, value)| {
                hw.with(key, value).unwrap()
            })
    }

    /// Shot-limited SNR = R P / (2 q B): 1 µW, 1 A/W, 1 GHz → 3120.8 (34.9 dB).
    #[test]
    fn shot_limited_intensity_has_the_textbook_snr() {
        let hw = hardware(&[("readout.bandwidth_ghz", "1")]);
        let noise = detector_noise(&hw, Reading::Intensity, 1e-6);
        assert_eq!(noise.constant, 0.0);
        let snr = 1.0 / noise.slope;
        assert_relative_eq!(
            snr,
            1e-6 / (2.0 * 1.602_176_634e-19 * 1e9),
            max_relative = 1e-12
        );
        assert_relative_eq!(snr, 3120.755, max_relative = 1e-6);
    }

    /// i = 2R√(P_lo P_fs) Re a; variance 2qR(P_lo + |a|²P_fs)B + i_n²B.
    #[test]
    fn coherent_noise_follows_its_formula() {
        let hw = hardware(&[
            ("readout.bandwidth_ghz", "5"),
            ("readout.lo_power_mw", "2"),
            ("readout.responsivity_a_w", "0.8"),
            ("readout.thermal_noise_pa_sqrt_hz", "10"),
        ]);
        let (q, b, r, lo, fs) = (1.602_176_634e-19, 5e9, 0.8, 2e-3, 3e-6);
        let unit: f64 = 2.0 * r * f64::sqrt(lo * fs);
        for a2 in [0.0, 0.5, 2.0] {
            let variance_a = 2.0 * q * r * (lo + a2 * fs) * b + 1e-22 * b;
            let noise = detector_noise(&hw, Reading::Real, fs);
            let ours = noise.constant + noise.slope * a2;
            assert_relative_eq!(ours, variance_a / unit.powi(2), max_relative = 1e-12);
        }
    }

    /// Both quadratures at once cost 3 dB where shot noise of the oscillator rules.
    #[test]
    fn two_quadratures_double_the_shot_variance() {
        let hw = hardware(&[("readout.bandwidth_ghz", "1")]);
        let one = detector_noise(&hw, Reading::Real, 1e-6).constant;
        let two = detector_noise(&hw, Reading::Quadratures, 1e-6).constant;
        assert_relative_eq!(two / one, 2.0, max_relative = 1e-12);
    }

    /// Half of the signal meets half of the oscillator: amplitudes of a quarter of the power, beside the same amplifier.
    #[test]
    fn two_quadratures_cost_6_db_where_the_amplifier_rules() {
        let hw = hardware(&[
            ("readout.bandwidth_ghz", "1"),
            ("readout.thermal_noise_pa_sqrt_hz", "1e6"),
        ]);
        let one = detector_noise(&hw, Reading::Real, 1e-6).constant;
        let two = detector_noise(&hw, Reading::Quadratures, 1e-6).constant;
        assert_relative_eq!(two / one, 4.0, max_relative = 1e-6);
    }

    #[test]
    fn dark_current_adds_its_shot_noise() {
        let hw = hardware(&[
            ("readout.bandwidth_ghz", "1"),
            ("readout.dark_current_na", "50"),
        ]);
        let noise = detector_noise(&hw, Reading::Intensity, 1e-6);
        let expected = 2.0 * 1.602_176_634e-19 * 50e-9 * 1e9 / 1e-12;
        assert_relative_eq!(noise.constant, expected, max_relative = 1e-12);
    }

    #[test]
    fn without_bandwidth_there_is_no_noise() {
        for reading in [Reading::Real, Reading::Quadratures, Reading::Intensity] {
            assert!(!detector_noise(&Hardware::default(), reading, 1e-6).is_active());
        }
    }

    fn sqnr_db(adc: &Adc, signal: impl Fn(f64) -> f64) -> f64 {
        let n = 200_003;
        let (mut power, mut noise) = (0.0, 0.0);
        for k in 0..n {
            let x = signal(f64::from(k) / f64::from(n));
            power += x * x;
            noise += (adc.convert(x) - x).powi(2);
        }
        10.0 * (power / noise).log10()
    }

    /// A full-scale ramp over L levels has an SQNR of 20 lg(L − 1); a full-scale sine has 6.02 b + 1.76 dB, ± 0.1 dB
    /// from 10 bits on: the error of fewer bits is not uniform near the crests.
    #[test]
    fn quantizer_has_the_textbook_noise_of_sines_and_ramps() {
        for bits in [4, 6, 8, 10, 12, 14] {
            let adc = Adc::new(bits, 1.0, Reading::Real);
            let ramp = sqnr_db(&adc, |t| 2.0 * t - 1.0);
            let law = 20.0 * (2f64.powi(bits as i32) - 2.0).log10();
            assert!((ramp - law).abs() < 0.03, "{bits} bits: {ramp} dB");
            if bits >= 10 {
                let sine = sqnr_db(&adc, |t| (TAU * 61_803.0 * t).sin());
                let textbook = 6.0206 * f64::from(bits) + 1.7609;
                assert!((sine - textbook).abs() < 0.1, "{bits} bits: {sine} dB");
            }
        }
    }

    #[test]
    fn a_converter_of_one_bit_is_a_comparator() {
        let adc = Adc::new(1, 2.0, Reading::Real);
        assert_eq!(
            [-9.0, -0.1, 0.1, 9.0].map(|x| adc.convert(x)),
            [-2.0, -2.0, 2.0, 2.0]
        );
        let adc = Adc::new(1, 2.0, Reading::Intensity);
        assert_eq!(
            [-9.0, 0.9, 1.1, 9.0].map(|x| adc.convert(x)),
            [0.0, 0.0, 2.0, 2.0]
        );
    }

    #[test]
    fn no_converter_hides_what_is_not_finite() {
        for bits in [1, 4, 24] {
            for reading in [Reading::Real, Reading::Quadratures, Reading::Intensity] {
                for range in [0.0, 2.0] {
                    let adc = Adc::new(bits, range, reading);
                    for infinity in [f64::INFINITY, f64::NEG_INFINITY] {
                        assert_eq!(adc.convert(infinity), infinity);
                    }
                    assert!(adc.convert(f64::NAN).is_nan());
                    assert_eq!(adc.convert(f64::MAX), range);
                    assert_eq!(adc.converter::<f32>().convert(f32::MAX), range as f32);
                }
            }
        }
    }

    /// 2^b − 1 levels where a reading has a sign, zero among them; 2^b where it is a power.
    #[test]
    fn a_converter_has_one_level_more_for_powers() {
        for bits in [2, 3, 6] {
            let levels = |reading, lowest: i32| {
                let adc = Adc::new(bits, 1.0, reading);
                let ramp = (1000 * lowest..=1000).map(|k| adc.convert(f64::from(k) / 1000.0));
                let mut levels: Vec<f64> = ramp.collect();
                levels.sort_by(f64::total_cmp);
                levels.dedup_by(|a, b| a == b);
                levels
            };
            let count = 1 << bits;
            for reading in [Reading::Real, Reading::Quadratures] {
                assert_eq!(levels(reading, -1).len(), count - 1);
                assert!(levels(reading, -1).contains(&0.0));
            }
            assert_eq!(levels(Reading::Intensity, 0).len(), count);
        }
    }

    #[test]
    fn the_range_is_the_largest_or_the_percentile_of_the_batch() {
        let values: Vec<f64> = (1..=1000).rev().map(f64::from).collect();
        assert_eq!(adc_range(AdcRange::Max, values.clone()), 1000.0);
        assert_eq!(adc_range(AdcRange::Percentile(99.0), values), 990.0);
        let adc = Adc::new(3, 3.0, Reading::Real);
        assert_eq!(
            [-9.0, -0.4, 0.6, 9.0].map(|x| adc.convert(x)),
            [-3.0, 0.0, 1.0, 3.0]
        );
        let adc = Adc::new(2, 3.0, Reading::Intensity);
        assert_eq!([-1.0, 1.4, 9.0].map(|x| adc.convert(x)), [0.0, 1.0, 3.0]);
    }
}
