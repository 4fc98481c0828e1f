//! What stands between digital inputs and the chip: converters, modulators, the laser.

use ndarray::Zip;
use pulp::Arch;

use super::detector::{Adc, Converter, Reading, limited};
use crate::field::Real;
use crate::hardware::Hardware;
use crate::nn::Batch;
use crate::rng::Stream;
use crate::simd::{Loop, vectorized};
use crate::units::{amplitude_from_db, hz_from_ghz, power_from_db, w_from_mw};

/// Power that reaches a detector behind a lossless mesh when one mode is at full scale, W.
///
/// The laser is split evenly over `modes`; light crosses a facet, a modulator, and a facet again.
pub fn full_scale_power_w(hardware: &Hardware, modes: usize) -> f64 {
    let input = &hardware.input();
    let loss_db = 2.0 * input.facet_loss_db + input.modulator_loss_db;
    w_from_mw(input.laser_power_mw) / modes as f64 * power_from_db(-loss_db)
}

/// Standard deviation of the field's relative error by laser noise: ½ √(RIN · B).
pub fn laser_field_error(hardware: &Hardware) -> f64 {
    let bandwidth_hz = hz_from_ghz(hardware.readout().bandwidth_ghz);
    let rin = hardware.input().rin_dbc_hz.map_or(0.0, power_from_db);
    0.5 * (rin * bandwidth_hz).sqrt()
}

/// The modulators of one layer: values in, field amplitudes in units of `full_scale` out.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Modulator {
    /// Value that drives a modulator to full amplitude.
    full_scale: f64,
    /// The converter in front, whose levels are those of one for signed readings.
    dac: Option<Adc>,
    /// Smallest amplitude, relative to full scale.
    floor: f64,
}

impl Modulator {
    pub(super) fn new(hardware: &Hardware, full_scale: f64) -> Self {
        Self {
            full_scale,
            dac: hardware
                .input()
                .dac_bits
                .map(|bits| Adc::new(bits, full_scale, Reading::Real)),
            floor: hardware
                .input()
                .extinction_ratio_db
                .map_or(0.0, |ratio| amplitude_from_db(-ratio)),
        }
    }

    /// Modulates `values`, `[input, sample]`, in place; a value beyond full scale saturates: a modulator adds no light. What is
    /// not finite is no value: it stays, or becomes another infinity or NaN. `factors`, one a sample, are what the laser
    /// multiplies the light by.
    pub(super) fn drive<T: Real>(&self, values: &mut Batch<T>, factors: Option<&[T]>) {
        struct RealParts<'a, T>(&'a Drive<T>, &'a mut [T], Option<&'a [T]>);
        impl<T: Real> Loop for RealParts<'_, T> {
            #[inline(always)]
            fn run<const FUSED: bool>(self) {
                // By value: behind a reference it would be read again after every write.
                let Self(&drive, values, factors) = self;
                match factors {
                    None => values.iter_mut().for_each(|x| *x = drive.real(*x)),
                    Some(factors) => {
                        for row in values.chunks_exact_mut(factors.len().max(1)) {
                            for (x, factor) in row.iter_mut().zip(factors) {
                                *x = drive.real(*x) * *factor;
                            }
                        }
                    }
                }
            }
        }
        struct BothParts<'a, T>(&'a Drive<T>, &'a mut [T], &'a mut [T]);
        impl<T: Real> Loop for BothParts<'_, T> {
            #[inline(always)]
            fn run<const FUSED: bool>(self) {
                let Self(&drive, re, im) = self;
                for (re, im) in re.iter_mut().zip(im) {
                    (*re, *im) = drive.complex(*re, *im);
                }
            }
        }
        if self.full_scale == 0.0 {
            return;
        }
        let drive = Drive {
            converter: self.dac.map(|dac| dac.converter()),
            full_scale: T::of(self.full_scale),
            floor: T::of(self.floor * self.full_scale),
        };
        let whole = "a batch is stored in standard layout";
        match values {
            Batch::Real(x) => {
                let x = x.as_slice_mut().expect(whole);
                vectorized(Arch::new(), RealParts(&drive, x, factors));
            }
            Batch::Complex(z) => {
                let (re, im) = (z.re.as_slice_mut(), z.im.as_slice_mut());
                let both = BothParts(&drive, re.expect(whole), im.expect(whole));
                vectorized(Arch::new(), both);
                if let Some(factors) = factors {
                    scale_samples(values, factors);
                }
            }
        }
    }
}

impl Modulator {
    /// What no real value that is [driven](Self::drive) with these factors exceeds.
    pub(super) fn limit<T: Real>(&self, factors: Option<&[T]>) -> f64 {
        let sizes = factors.map(|factors| factors.iter().map(|factor| factor.abs()));
        let strongest = sizes.map_or(1.0, |sizes| sizes.fold(T::zero(), T::max).double());
        self.full_scale * strongest
    }

    /// The gradient of a real loss by the `values` that are [modulated](Self::drive), from that by what comes of them: straight
    /// through the converter, 0 beyond full scale and, along an amplitude, below the floor.
    pub(super) fn pull_back<T: Real>(&self, values: &Batch<T>, by_light: &mut Batch<T>) {
        if self.full_scale == 0.0 {
            return;
        }
        let converter = self.dac.map(|dac| dac.converter());
        let drive = Drive {
            converter,
            full_scale: T::of(self.full_scale),
            floor: T::of(self.floor * self.full_scale),
        };
        match (values, by_light) {
            (Batch::Real(x), Batch::Real(by)) => Zip::from(by).and(x).for_each(|by, x| {
                if drive.limits(*x) || drive.convert(*x).abs() < drive.floor {
                    *by = T::zero();
                }
            }),
            (Batch::Complex(z), Batch::Complex(by)) => {
                let parts = Zip::from(&mut by.re).and(&mut by.im).and(&z.re).and(&z.im);
                parts.for_each(|by_re, by_im, x, y| {
                    let (re, im) = (drive.convert(*x), drive.convert(*y));
                    let square = re * re + im * im;
                    if square < drive.floor * drive.floor {
                        // The phase stays: what lies across the amplitude passes.
                        let across = match square > T::zero() {
                            true => {
                                (re * *by_im - im * *by_re) * drive.floor / (square * square.sqrt())
                            }
                            false => T::zero(),
                        };
                        (*by_re, *by_im) = (-im * across, re * across);
                    }
                    for (by, part) in [(by_re, x), (by_im, y)] {
                        if drive.limits(*part) {
                            *by = T::zero();
                        }
                    }
                });
            }
            _ => panic!("a gradient is of the kind of its signals"),
        }
    }
}

/// A modulator at precision `T`, in the values' own units.
#[derive(Clone, Copy)]
struct Drive<T> {
    converter: Option<Converter<T>>,
    full_scale: T,
    /// Smallest amplitude.
    floor: T,
}

impl<T: Real> Drive<T> {
    /// Whether a value is beyond full scale.
    fn limits(&self, value: T) -> bool {
        value.abs() > self.full_scale
    }

    /// What the converter makes of a value, or else the limits of a modulator.
    #[inline(always)]
    fn convert(&self, value: T) -> T {
        match &self.converter {
            Some(converter) => converter.convert(value),
            None if value.is_finite() => limited(value, -self.full_scale, self.full_scale),
            None => value,
        }
    }

    #[inline(always)]
    fn real(&self, value: T) -> T {
        let amplitude = self.convert(value);
        let size = amplitude.abs();
        let lifted = if size < self.floor { self.floor } else { size };
        lifted.copysign(amplitude)
    }

    /// Each quadrature has a converter; the floor is one of amplitude.
    #[inline(always)]
    fn complex(&self, re: T, im: T) -> (T, T) {
        let (re, im) = (self.convert(re), self.convert(im));
        let square = re * re + im * im;
        let lift = self.floor / square.sqrt();
        if square < self.floor * self.floor {
            if square > T::zero() {
                (re * lift, im * lift)
            } else {
                (self.floor, T::zero())
            }
        } else if square.is_finite() || self.floor == T::zero() {
            (re, im)
        } else {
            // Too large to be compared with the floor.
            (square, square)
        }
    }
}

/// Multiplies every sample by its own factor.
pub(super) fn scale_samples<T: Real>(batch: &mut Batch<T>, factors: &[T]) {
    let factors = ndarray::ArrayView1::from(factors);
    match batch {
        Batch::Real(x) => *x *= &factors,
        Batch::Complex(z) => {
            z.re *= &factors;
            z.im *= &factors;
        }
    }
}

/// The factor 1 + ε on the field of each of `samples` shots.
pub(super) fn laser_factors<T: Real>(sigma: f64, samples: usize, stream: &mut Stream) -> Vec<T> {
    let mut factors = vec![T::zero(); samples];
    T::fill_normals(stream, &mut factors);
    let sigma = T::of(sigma);
    factors.iter_mut().for_each(|n| *n = T::one() + sigma * *n);
    factors
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;
    use num_complex::Complex;

    use crate::field::Fields;

    fn real(modulator: &Modulator, value: f64) -> f64 {
        let mut batch = Batch::Real(ndarray::arr2(&[[value]]));
        modulator.drive(&mut batch, None);
        match batch {
            Batch::Real(x) => x[[0, 0]],
            Batch::Complex(_) => panic!("real stays real"),
        }
    }

    fn complex(modulator: &Modulator, re: f64, im: f64) -> Complex<f64> {
        let (re, im) = (ndarray::arr2(&[[re]]), ndarray::arr2(&[[im]]));
        let mut batch = Batch::Complex(Fields { re, im });
        modulator.drive(&mut batch, None);
        match batch {
            Batch::Complex(z) => Complex::new(z.re[[0, 0]], z.im[[0, 0]]),
            Batch::Real(_) => panic!("complex stays complex"),
        }
    }

    /// A value far beyond full scale, on every sample, comes to the limit on the one with the strongest laser.
    #[test]
    fn no_light_is_beyond_the_limit_and_some_is_at_it() {
        let settings = [("input.dac_bits", "4"), ("input.extinction_ratio_db", "10")];
        for settings in [&settings[..0], &settings] {
            let modulator = modulator(settings, 0.7);
            for factors in [None, Some([0.9, -1.3, 1.1].as_slice())] {
                let mut light = Batch::Real(ndarray::arr2(&[[9.0, 9.0, 9.0], [-9.0, 0.1, 0.6]]));
                modulator.drive(&mut light, factors);
                let Batch::Real(light) = light else {
                    panic!("real stays real")
                };
                let most = light
                    .iter()
                    .fold(0.0, |most: f64, x: &f64| most.max(x.abs()));
                assert_relative_eq!(most, modulator.limit(factors), max_relative = 1e-12);
            }
        }
    }

    fn modulator(settings: &[(&str, &str)], full_scale: f64) -> Modulator {
        let hardware = settings
            .iter()
            .fold(Hardware::default(), |hw, (key, value)| {
                hw.with(key, value).unwrap()
            });
        Modulator::new(&hardware, full_scale)
    }

    #[test]
    fn a_modulator_adds_no_light() {
        let m = modulator(&[], 2.0);
        assert_eq!([-5.0, 0.3, 2.5].map(|x| real(&m, x)), [-2.0, 0.3, 2.0]);
    }

    #[test]
    fn a_converter_of_four_bits_has_fifteen_levels_and_saturates() {
        let m = modulator(&[("input.dac_bits", "4")], 2.0);
        let levels: std::collections::BTreeSet<i64> = (-400..=400)
            .map(|k| (real(&m, f64::from(k) / 100.0) * 7.0 / 2.0).round() as i64)
            .collect();
        assert_eq!(
            levels.into_iter().collect::<Vec<_>>(),
            (-7..=7).collect::<Vec<_>>()
        );
        assert_relative_eq!(real(&m, 9.0), 2.0);
        assert_eq!(real(&m, 0.0), 0.0);
    }

    #[test]
    fn no_amplitude_is_below_the_extinction_ratio() {
        let m = modulator(&[("input.extinction_ratio_db", "20")], 3.0);
        assert_relative_eq!(real(&m, 0.0), 0.3, max_relative = 1e-15);
        assert_relative_eq!(real(&m, -0.1), -0.3, max_relative = 1e-15);
        assert_relative_eq!(real(&m, 1.5), 1.5, max_relative = 1e-15);
        assert!((complex(&m, 0.0, 0.01) - Complex::new(0.0, 0.3)).norm() < 1e-15);
        assert!((complex(&m, 0.0, 0.0) - Complex::new(0.3, 0.0)).norm() < 1e-15);
        assert_eq!(complex(&m, 0.4, -0.3), Complex::new(0.4, -0.3));
    }

    #[test]
    fn no_modulator_hides_what_is_not_finite() {
        for settings in [
            &[][..],
            &[("input.dac_bits", "6")],
            &[("input.extinction_ratio_db", "20")],
            &[("input.dac_bits", "6"), ("input.extinction_ratio_db", "20")],
        ] {
            let m = modulator(settings, 2.0);
            for value in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
                assert!(!real(&m, value).is_finite(), "{settings:?} {value}");
                for (re, im) in [(value, 0.5), (0.5, value), (value, value)] {
                    let z = complex(&m, re, im);
                    assert!(
                        !(z.re.is_finite() && z.im.is_finite()),
                        "{settings:?} {re} {im}"
                    );
                }
            }
        }
        // |z|² beyond the range: nothing says whether |z| is above the floor.
        let m = modulator(&[("input.extinction_ratio_db", "20")], 1e200);
        assert!(!complex(&m, 1e180, 0.0).re.is_finite());
    }

    #[test]
    fn full_scale_power_is_the_laser_power_less_every_loss_on_the_way() {
        let hw = Hardware::default()
            .with("input.laser_power_mw", "10")
            .unwrap()
            .with("input.facet_loss_db", "3.5")
            .unwrap()
            .with("input.modulator_loss_db", "3")
            .unwrap();
        assert_relative_eq!(
            full_scale_power_w(&hw, 10),
            1e-3 * 0.1,
            max_relative = 1e-12
        );
    }

    /// σ = ½ √(RIN B): −140 dBc/Hz over 1 GHz is 10⁻⁵ in power, 1.58e-3 in field; 5 sigma of 200 000 draws.
    #[test]
    fn laser_noise_has_the_spread_of_its_rin() {
        let hw = Hardware::default()
            .with("input.rin_dbc_hz", "-140")
            .unwrap()
            .with("readout.bandwidth_ghz", "1")
            .unwrap();
        let sigma = laser_field_error(&hw);
        assert_relative_eq!(sigma, 0.5 * 1e-5f64.sqrt(), max_relative = 1e-12);
        let n = 200_000;
        let mut stream = crate::Seed(0).stream(crate::rng::Effect::Laser, 0, 0, 0);
        let factors: Vec<f64> = laser_factors(sigma, n, &mut stream);
        let mean = factors.iter().sum::<f64>() / n as f64;
        let var = factors.iter().map(|f| (f - 1.0).powi(2)).sum::<f64>() / n as f64;
        assert!((mean - 1.0).abs() < 5.0 * sigma / (n as f64).sqrt());
        assert!((var / sigma.powi(2) - 1.0).abs() < 5.0 * (2.0 / n as f64).sqrt());
    }
}
