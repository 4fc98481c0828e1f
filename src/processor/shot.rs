//! One tile read: its amplitudes, what detectors and converters make of them, and the ranges for it.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView1, ArrayView2, s};
use pulp::Arch;

use super::detector::{Adc, Reading, adc_range};
use super::load::LoadedTile;
use crate::field::{Fields, Real};
use crate::hardware::Hardware;
use crate::nn::Batch;
use crate::rng::Stream;
use crate::simd::{Loop, vectorized};

/// Conditions of one reading of a tile; the default has no noise and no converter.
#[derive(Default)]
pub(super) struct Shot<'a> {
    /// Value that drives a modulator to full amplitude.
    pub(super) full_scale: f64,
    pub(super) noise: Option<Stream>,
    pub(super) adc: Option<Adc>,
    /// See [`TileCalibration::unseen`].
    pub(super) unseen: Option<&'a Unseen>,
}

/// What a calibration batch says of one tile.
#[derive(Debug)]
pub(super) struct TileCalibration {
    /// The converter, with its range set.
    pub(super) adc: Option<Adc>,
    /// The quadrature that a homodyne receiver does not see, where its shot noise is small; none where the readings show both.
    pub(super) unseen: Option<Unseen>,
}

/// The light of the quadrature that is not read.
#[derive(Debug)]
pub(super) struct Unseen {
    /// Its mean power in the calibration batch, of every row, in the tile's own units.
    means: Vec<f64>,
    /// Largest norm of a row of the matrix's imaginary part: no amplitude is larger than it times the norm of the inputs.
    norm: f64,
}

/// Share of a reading's variance up to which the shot noise of the unseen quadrature counts by its mean: no standard
/// deviation is off by more than half of it. It spares the product with the imaginary part of the matrix.
const UNSEEN_SHARE: f64 = 1e-2;

impl<T: Real> LoadedTile<T> {
    /// Gains of a row's detectors: real part (or the only one), imaginary part.
    fn gains(&self, row: usize) -> [f64; 2] {
        self.gains.as_ref().map_or([1.0; 2], |gains| gains[row])
    }

    /// Amplitudes behind the tile for the inputs that it covers; the imaginary part only where it is needed.
    fn amplitudes(&self, input: &Batch<T>, imaginary: bool) -> (Array2<T>, Option<Array2<T>>) {
        let columns = s![self.col..self.col + self.cols, ..];
        match input {
            Batch::Real(x) => multiply(&self.matrix, x.slice(columns), None, imaginary),
            Batch::Complex(x) => multiply(
                &self.matrix,
                x.re.slice(columns),
                Some(x.im.slice(columns)),
                imaginary,
            ),
        }
    }

    /// What `input`, in which `full_scale` drives a modulator to full amplitude, says of the tile.
    pub(super) fn calibrate(
        &self,
        input: &Batch<T>,
        reading: Reading,
        full_scale: f64,
        hardware: &Hardware,
    ) -> TileCalibration {
        let hides = reading == Reading::Real && self.noise.slope > 0.0 && full_scale > 0.0;
        let bits = hardware.readout().adc_bits;
        if bits.is_none() && !hides {
            return TileCalibration {
                adc: None,
                unseen: None,
            };
        }
        let (re, im) = self.amplitudes(input, reading != Reading::Real || hides);
        let unseen = im.as_ref().filter(|_| hides).map(|im| {
            let square =
                |row: ArrayView1<'_, T>| row.iter().map(|y| y.double().powi(2)).sum::<f64>();
            let rows = self.matrix.im.rows().into_iter();
            Unseen {
                means: im
                    .rows()
                    .into_iter()
                    .map(|row| square(row) / row.len() as f64)
                    .collect(),
                norm: rows.map(square).fold(0.0, f64::max).sqrt(),
            }
        });
        let adc = bits.map(|bits| {
            let seen = im.filter(|_| reading != Reading::Real);
            let sizes = self.magnitudes(&re, seen.as_ref(), reading);
            Adc::new(
                bits,
                adc_range(hardware.readout().adc_range, sizes),
                reading,
            )
        });
        TileCalibration { adc, unseen }
    }

    /// Whether the unseen quadrature's shot noise stays below [`UNSEEN_SHARE`] in every reading of `input`.
    fn hides_little(&self, unseen: &Unseen, input: &Batch<T>, full_scale: f64) -> bool {
        let Batch::Real(x) = input else { return false };
        let x = x.slice(s![self.col..self.col + self.cols, ..]);
        let mut squares = vec![T::zero(); x.ncols()];
        for row in x.rows() {
            for (sum, x) in squares.iter_mut().zip(contiguous(row)) {
                *sum += *x * *x;
            }
        }
        let brightest = squares.into_iter().fold(T::zero(), T::max).double();
        let mean = unseen.means.iter().copied().fold(0.0, f64::max);
        let most = (unseen.norm.powi(2) * brightest).max(mean);
        self.noise.slope * most <= UNSEEN_SHARE * self.noise.constant * full_scale.powi(2)
    }

    /// Sizes of all readings of a batch before noise and conversion, in the tile's own units.
    fn magnitudes(&self, re: &Array2<T>, im: Option<&Array2<T>>, reading: Reading) -> Vec<f64> {
        let mut sizes = Vec::new();
        for row in 0..self.rows {
            let [gain_re, gain_im] = self.gains(row).map(f64::abs);
            let re = re.row(row);
            match (reading, im.map(|im| im.row(row))) {
                (Reading::Intensity, Some(im)) => {
                    sizes.extend(re.iter().zip(im).map(|(x, y)| power(*x, *y) * gain_re));
                }
                (_, im) => {
                    sizes.extend(re.iter().map(|x| x.double().abs() * gain_re));
                    sizes.extend(im.iter().flatten().map(|y| y.double().abs() * gain_im));
                }
            }
        }
        sizes
    }

    /// Reads the tile's outputs and adds them, scaled, to the layer's outputs.
    pub(super) fn read(&self, reading: Reading, input: &Batch<T>, shot: Shot, out: &mut Fields<T>) {
        let Shot {
            full_scale,
            mut noise,
            adc,
            unseen,
        } = shot;
        let unseen = unseen.filter(|unseen| self.hides_little(unseen, input, full_scale));
        // The shot noise of a real reading also depends on the quadrature that it does not see.
        let imaginary = reading != Reading::Real
            || (noise.is_some() && self.noise.slope > 0.0 && unseen.is_none());
        let (re, im) = self.amplitudes(input, imaginary);
        let intensity = reading == Reading::Intensity;
        // What a reading of 1 means in the tile's own units: amplitude, or power.
        let unit = if intensity {
            full_scale.powi(2)
        } else {
            full_scale
        };
        let scale = if intensity {
            self.scale.powi(2)
        } else {
            self.scale
        };
        let variances = &self.noise;
        if !variances.is_active() || full_scale == 0.0 {
            noise = None;
        }
        let mut sense = Sense {
            constant: T::of(unit.powi(2) * variances.constant),
            slope: T::of((unit / full_scale).powi(2) * variances.slope),
            gain: T::one(),
            adc,
            scale: T::of(scale),
            normals: vec![T::zero(); if noise.is_some() { input.samples() } else { 0 }],
        };
        let mut powers = Vec::new();
        for row in 0..self.rows {
            let [gain_re, gain_im] = self.gains(row).map(T::of);
            let re = contiguous(re.row(row));
            let im = im.as_ref().map(|im| contiguous(im.row(row)));
            powers.clear();
            match im {
                Some(im) => powers.extend(re.iter().zip(im).map(|(x, y)| *x * *x + *y * *y)),
                None => {
                    let unseen = T::of(unseen.map_or(0.0, |unseen| unseen.means[row]));
                    powers.extend(re.iter().map(|x| *x * *x + unseen));
                }
            }
            let parts = match (im, reading) {
                (Some(im), Reading::Quadratures) => [Some((re, gain_re)), Some((im, gain_im))],
                _ if intensity => [Some((powers.as_slice(), gain_re)), None],
                _ => [Some((re, gain_re)), None],
            };
            for (part, out) in parts.into_iter().zip([&mut out.re, &mut out.im]) {
                let Some((values, gain)) = part else { continue };
                if let Some(stream) = &mut noise {
                    T::fill_normals(stream, &mut sense.normals);
                }
                sense.gain = gain;
                let mut sums = out.row_mut(self.row + row);
                let sums = sums
                    .as_slice_mut()
                    .expect("sums are stored in standard layout");
                sense.add(values, &powers, sums);
            }
        }
    }
}

fn contiguous<T>(row: ArrayView1<'_, T>) -> &[T] {
    row.to_slice()
        .expect("products are stored in standard layout")
}

/// What a detector and its converter make of amplitudes or powers.
struct Sense<T> {
    /// Variance of a value: in the dark, and in addition for each power of the signal.
    constant: T,
    slope: T,
    gain: T,
    adc: Option<Adc>,
    /// Digital factor behind the converter.
    scale: T,
    /// One N(0, 1) a value, none without noise.
    normals: Vec<T>,
}

impl<T: Real> Sense<T> {
    /// Adds the scaled readings of `values`, whose signals have `powers`, to `sums`.
    fn add(&self, values: &[T], powers: &[T], sums: &mut [T]) {
        struct Readings<'a, T>(&'a Sense<T>, &'a [T], &'a [T], &'a mut [T]);
        impl<T: Real> Loop for Readings<'_, T> {
            #[inline(always)]
            fn run<const FUSED: bool>(self) {
                let Self(sense, values, powers, sums) = self;
                let Sense {
                    constant,
                    slope,
                    gain,
                    scale,
                    ..
                } = *sense;
                let converter = sense.adc.map(|adc| adc.converter::<T>());
                let convert = |value: T| match &converter {
                    Some(converter) => converter.convert(value),
                    None => value,
                };
                if sense.normals.is_empty() {
                    for (sum, value) in sums.iter_mut().zip(values) {
                        *sum += convert(*value * gain) * scale;
                    }
                } else {
                    let noise = powers.iter().zip(&sense.normals);
                    let noise = noise.map(|(power, n)| (constant + slope * *power).sqrt() * *n);
                    for ((sum, value), noise) in sums.iter_mut().zip(values).zip(noise) {
                        *sum += convert((*value + noise) * gain) * scale;
                    }
                }
            }
        }
        vectorized(Arch::new(), Readings(self, values, powers, sums));
    }
}

/// `matrix · (re + i im)`; without `imaginary` only the real part is computed.
pub(super) fn multiply<T: Real>(
    matrix: &Fields<T>,
    re: ArrayView2<T>,
    im: Option<ArrayView2<T>>,
    imaginary: bool,
) -> (Array2<T>, Option<Array2<T>>) {
    let mut out_re = matrix.re.dot(&re);
    let mut out_im = imaginary.then(|| matrix.im.dot(&re));
    if let Some(im) = im {
        general_mat_mul(-T::one(), &matrix.im, &im, T::one(), &mut out_re);
        if let Some(out_im) = &mut out_im {
            general_mat_mul(T::one(), &matrix.re, &im, T::one(), out_im);
        }
    }
    (out_re, out_im)
}

/// |x + iy|² in double precision.
pub(super) fn power<T: Real>(x: T, y: T) -> f64 {
    x.double().powi(2) + y.double().powi(2)
}
