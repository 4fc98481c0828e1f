//! One tile's outputs: amplitudes, detectors, converters.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView1, ArrayView2, s};
use pulp::Arch;

use super::detector::{Adc, Reading, adc_range};
use super::load::LoadedTile;
use crate::field::{Fields, Real};
use crate::hardware::{CodeNoise, Hardware};
use crate::nn::Batch;
use crate::rng::Stream;
use crate::simd::{Loop, vectorized};

/// Light in the inputs of one tile, `[input, sample]`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lit<'a, T> {
    pub(super) re: ArrayView2<'a, T>,
    pub(super) im: Option<ArrayView2<'a, T>>,
}

impl<'a, T: Real> Lit<'a, T> {
    /// All of a batch.
    pub(super) fn all(input: &'a Batch<T>) -> Self {
        match input {
            Batch::Real(x) => Self {
                re: x.view(),
                im: None,
            },
            Batch::Complex(x) => Self {
                re: x.re.view(),
                im: Some(x.im.view()),
            },
        }
    }

    fn samples(&self) -> usize {
        self.re.ncols()
    }

    /// The same light in storage of its own.
    pub(super) fn to_batch(self) -> Batch<T> {
        match self.im {
            None => Batch::Real(self.re.to_owned()),
            Some(im) => Batch::Complex(Fields {
                re: self.re.to_owned(),
                im: im.to_owned(),
            }),
        }
    }
}

/// Conditions of one reading of a tile; the default has no noise and no converter.
#[derive(Default)]
pub(super) struct Shot<'a> {
    /// Value that drives a modulator to full amplitude.
    pub(super) full_scale: f64,
    /// No amplitude of the inputs is larger, where something says so.
    pub(super) limit: Option<f64>,
    pub(super) noise: Option<Stream>,
    pub(super) adc: Option<Adc>,
    /// See [`TileCalibration::unseen`].
    pub(super) unseen: Option<&'a Unseen>,
    /// Noise in front of the converter.
    pub(super) codes: Option<Codes>,
    /// Whether clipped readings are counted.
    pub(super) counts: bool,
    /// Whether the converter leaves readings as they are, also those that it would clip.
    pub(super) is_exact: bool,
}

/// Noise of converters in codes.
pub(super) struct Codes {
    pub(super) stream: Stream,
    pub(super) kind: CodeNoise,
    /// Its standard deviation, codes.
    pub(super) sigma: f64,
}

impl Codes {
    /// Fills `noise` with draws for a converter whose codes are `code` apart.
    fn fill<T: Real>(&mut self, code: f64, noise: &mut [T]) {
        let mut draws = vec![0.0; noise.len()];
        match self.kind {
            CodeNoise::Normal => self.stream.fill_normals(&mut draws),
            CodeNoise::Logistic => self.stream.fill_logistic(&mut draws),
        }
        for (noise, draw) in noise.iter_mut().zip(draws) {
            *noise = T::of(self.sigma * code * f64::from(draw));
        }
    }
}

/// What a calibration batch says of one tile.
#[derive(Debug, Clone)]
pub(super) struct TileCalibration {
    /// The converter, with its range set.
    pub(super) adc: Option<Adc>,
    /// The quadrature that a homodyne receiver does not see, where its shot noise is small; none where the readings show both.
    pub(super) unseen: Option<Unseen>,
}

/// The light of the quadrature that is not read.
#[derive(Debug, Clone)]
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

    /// What of `input` enters the tile.
    pub(super) fn lit<'a>(&self, input: &'a Batch<T>) -> Lit<'a, T> {
        let all = Lit::all(input);
        let own = |part: ArrayView2<'a, T>| part.slice_move(s![self.col..self.col + self.cols, ..]);
        Lit {
            re: own(all.re),
            im: all.im.map(own),
        }
    }

    /// Amplitudes behind the tile; the imaginary part only where it is needed.
    fn amplitudes(&self, input: Lit<T>, imaginary: bool) -> (Array2<T>, Option<Array2<T>>) {
        multiply(&self.matrix, input, imaginary)
    }

    /// What `input`, in which `full_scale` drives a modulator to full amplitude, says of the tile.
    pub(super) fn calibrate(
        &self,
        input: Lit<T>,
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

    /// Full scale of converters of blocks with this gain in the tile's own units: n/G products of the largest weight and the
    /// largest input, n the tile's inputs.
    pub(super) fn block_range(&self, gain: f64) -> f64 {
        if self.scale == 0.0 {
            return 0.0;
        }
        self.inputs as f64 / (gain * self.scale)
    }

    /// Whether the unseen quadrature's shot noise stays below [`UNSEEN_SHARE`] in every reading of `input`.
    fn hides_little(
        &self,
        unseen: &Unseen,
        input: Lit<T>,
        full_scale: f64,
        limit: Option<f64>,
    ) -> bool {
        let Lit { re: x, im: None } = input else {
            return false;
        };
        let mean = unseen.means.iter().copied().fold(0.0, f64::max);
        let hides = |brightest: f64| {
            let most = (unseen.norm.powi(2) * brightest).max(mean);
            self.noise.slope * most <= UNSEEN_SHARE * self.noise.constant * full_scale.powi(2)
        };
        // No sample is brighter than one whose inputs all are the largest, which mostly says enough.
        if limit.is_some_and(|limit| hides(x.nrows() as f64 * limit.powi(2))) {
            return true;
        }
        let mut squares = vec![T::zero(); x.ncols()];
        for row in x.rows() {
            for (sum, x) in squares.iter_mut().zip(contiguous(row)) {
                *sum += *x * *x;
            }
        }
        hides(squares.into_iter().fold(T::zero(), T::max).double())
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

    /// Reads the tile's outputs and adds them, scaled, to `out`, from row `first` on. What comes back is the number of clipped
    /// readings, where they are counted.
    pub(super) fn read(
        &self,
        reading: Reading,
        input: Lit<T>,
        shot: Shot,
        (out, first): (&mut Fields<T>, usize),
    ) -> usize {
        let mut clipped = 0;
        self.each_row(reading, input, shot, |row| {
            let part = [&mut out.re, &mut out.im][row.part].row_mut(first + row.row);
            let sums = part.into_slice();
            let sums = sums.expect("sums are stored in standard layout");
            clipped += row.sense.add(row.values, row.powers, sums);
        });
        clipped
    }

    /// Shows `visit` everything that the receivers of each row see and do, in the order in which noise is drawn.
    pub(super) fn each_row(
        &self,
        reading: Reading,
        input: Lit<T>,
        shot: Shot,
        mut visit: impl FnMut(SensedRow<'_, T>),
    ) {
        let Shot {
            full_scale,
            limit,
            mut noise,
            adc,
            unseen,
            mut codes,
            counts,
            is_exact,
        } = shot;
        let unseen = unseen.filter(|unseen| self.hides_little(unseen, input, full_scale, limit));
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
        let scale = |row: usize| {
            let scale = match &self.row_scales {
                Some(scales) => self.scale * scales[row],
                None => self.scale,
            };
            if intensity { scale.powi(2) } else { scale }
        };
        let variances = &self.noise;
        if !variances.is_active() || full_scale == 0.0 {
            noise = None;
        }
        let mut sense = Sense {
            constant: T::of(unit.powi(2) * variances.constant),
            slope: T::of((unit / full_scale).powi(2) * variances.slope),
            gain: T::one(),
            adc: adc.filter(|_| !is_exact),
            scale: T::one(),
            normals: vec![T::zero(); if noise.is_some() { input.samples() } else { 0 }],
            codes: vec![T::zero(); if codes.is_some() { input.samples() } else { 0 }],
            limits: adc.filter(|_| counts).and_then(|adc| adc.limits()),
        };
        let mut powers = vec![T::zero(); input.samples()];
        for row in 0..self.rows {
            let [gain_re, gain_im] = self.gains(row).map(T::of);
            sense.scale = T::of(scale(row));
            let re = contiguous(re.row(row));
            let im = im.as_ref().map(|im| contiguous(im.row(row)));
            // Readings without noise do not depend on them.
            if intensity || noise.is_some() {
                let unseen = unseen.map_or(0.0, |unseen| unseen.means[row]);
                fill_powers(&mut powers, re, im, T::of(unseen));
            }
            let parts = match (im, reading) {
                (Some(im), Reading::Quadratures) => [Some((re, gain_re)), Some((im, gain_im))],
                _ if intensity => [Some((powers.as_slice(), gain_re)), None],
                _ => [Some((re, gain_re)), None],
            };
            for (number, part) in parts.into_iter().enumerate() {
                let Some((values, gain)) = part else { continue };
                if let Some(stream) = &mut noise {
                    T::fill_normals(stream, &mut sense.normals);
                }
                if let (Some(codes), Some(adc)) = (&mut codes, adc) {
                    codes.fill(adc.code(), &mut sense.codes);
                }
                sense.gain = gain;
                visit(SensedRow {
                    row,
                    part: number,
                    values,
                    powers: &powers,
                    amplitudes: (re, im),
                    sense: &sense,
                });
            }
        }
    }
}

fn contiguous<T>(row: ArrayView1<'_, T>) -> &[T] {
    row.to_slice()
        .expect("products are stored in standard layout")
}

/// Fills `powers` with |re + i im|², or with re² + `unseen` where there is no imaginary part.
fn fill_powers<T: Real>(powers: &mut [T], re: &[T], im: Option<&[T]>, unseen: T) {
    struct Powers<'a, T>(&'a mut [T], &'a [T], Option<&'a [T]>, T);
    impl<T: Real> Loop for Powers<'_, T> {
        #[inline(always)]
        fn run<const FUSED: bool>(self) {
            let Self(powers, re, im, unseen) = self;
            let pairs = powers.iter_mut().zip(re);
            match im {
                Some(im) => pairs
                    .zip(im)
                    .for_each(|((power, x), y)| *power = *x * *x + *y * *y),
                None => pairs.for_each(|(power, x)| *power = *x * *x + unseen),
            }
        }
    }
    vectorized(Arch::new(), Powers(powers, re, im, unseen));
}

/// One quadrature, or the power, of a row of a tile as its receiver sees it, `[sample]` each.
pub(super) struct SensedRow<'a, T> {
    pub(super) row: usize,
    /// 1 for the imaginary part, else 0.
    pub(super) part: usize,
    /// What is read: amplitudes or powers.
    pub(super) values: &'a [T],
    /// Powers that shot noise follows.
    pub(super) powers: &'a [T],
    /// Real and, where it counts, imaginary parts of the light.
    pub(super) amplitudes: (&'a [T], Option<&'a [T]>),
    pub(super) sense: &'a Sense<T>,
}

/// What a detector and its converter make of amplitudes or powers.
pub(super) struct Sense<T> {
    /// Variance of a value: in the dark, and in addition for each power of the signal.
    constant: T,
    slope: T,
    gain: T,
    adc: Option<Adc>,
    /// Digital factor behind the converter.
    scale: T,
    /// One N(0, 1) a value, none without noise.
    normals: Vec<T>,
    /// What is added to each value in front of the converter; none without noise of codes.
    codes: Vec<T>,
    /// The readings beyond which a converter clips, where they are counted.
    limits: Option<[f64; 2]>,
}

/// How one reading changes with what is read.
pub(super) struct ReadingSlopes<T> {
    /// What the digital factor multiplies.
    pub(super) reading: T,
    /// By the value, at the same noise.
    pub(super) by_value: T,
    /// By the power that the noise follows.
    pub(super) by_power: T,
}

impl<T: Real> Sense<T> {
    /// The slopes of reading `index` of `value` and `power`, its noise the one that [`add`](Self::add) adds: straight through
    /// the converter within its range, 0 beyond it.
    pub(super) fn slopes(&self, index: usize, value: T, power: T) -> ReadingSlopes<T> {
        let sigma = (self.constant + self.slope * power).sqrt();
        let mut reading = value;
        let mut by_power = T::zero();
        if let Some(normal) = self.normals.get(index) {
            reading += sigma * *normal;
            if sigma > T::zero() {
                by_power = *normal * self.slope / (sigma + sigma);
            }
        }
        reading *= self.gain;
        if let Some(code) = self.codes.get(index) {
            reading += *code;
        }
        let gain = match &self.adc {
            Some(adc) if !adc.passes(reading.double()) => T::zero(),
            _ => self.gain,
        };
        if let Some(adc) = &self.adc {
            reading = adc.converter::<T>().convert(reading);
        }
        ReadingSlopes {
            reading,
            by_value: gain,
            by_power: gain * by_power,
        }
    }

    /// The digital factor behind the converter.
    pub(super) fn scale(&self) -> T {
        self.scale
    }

    /// Adds the scaled readings of `values`, whose signals have `powers`, to `sums`; what comes back is the number of clipped
    /// ones, where they are counted.
    fn add(&self, values: &[T], powers: &[T], sums: &mut [T]) -> usize {
        struct Readings<'a, T>(&'a Sense<T>, &'a [T], &'a [T], &'a mut [T], &'a mut usize);
        impl<T: Real> Loop for Readings<'_, T> {
            #[inline(always)]
            fn run<const FUSED: bool>(self) {
                let Self(sense, values, powers, sums, clipped) = self;
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
                let sigma = |power: T| (constant + slope * power).sqrt();
                if !sense.codes.is_empty() || sense.limits.is_some() {
                    for (index, sum) in sums.iter_mut().enumerate() {
                        let value = match sense.normals.get(index) {
                            Some(n) => values[index] + sigma(powers[index]) * *n,
                            None => values[index],
                        };
                        let reading = match sense.codes.get(index) {
                            Some(code) => value * gain + *code,
                            None => value * gain,
                        };
                        let is_clipped = |[low, high]: [f64; 2]| {
                            reading.double() < low || reading.double() > high
                        };
                        *clipped += usize::from(sense.limits.is_some_and(is_clipped));
                        *sum += convert(reading) * scale;
                    }
                } else if sense.normals.is_empty() {
                    for (sum, value) in sums.iter_mut().zip(values) {
                        *sum += convert(*value * gain) * scale;
                    }
                } else {
                    let noise = powers.iter().zip(&sense.normals);
                    let noise = noise.map(|(power, n)| sigma(*power) * *n);
                    for ((sum, value), noise) in sums.iter_mut().zip(values).zip(noise) {
                        *sum += convert((*value + noise) * gain) * scale;
                    }
                }
            }
        }
        let mut clipped = 0;
        let readings = Readings(self, values, powers, sums, &mut clipped);
        vectorized(Arch::new(), readings);
        clipped
    }
}

/// `matrix · input`; without `imaginary` only the real part is computed.
pub(super) fn multiply<T: Real>(
    matrix: &Fields<T>,
    Lit { re, im }: Lit<T>,
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
