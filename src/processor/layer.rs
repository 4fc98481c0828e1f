//! One map on a chip: fields through tiles, readings, digital sum.

use ndarray::{Array2, s};
use rayon::prelude::*;

use super::detector::{Adc, Reading};
use super::load::{LoadedTile, assemble, relative, relative_errors};
use super::modulator::{Modulator, laser_factors, laser_field_error, scale_samples};
use super::placement::Seat;
use super::quality::{Clips, Effects, Quality};
use super::reading::{Codes, Lit, Shot, TileCalibration, multiply, power};
use crate::compile::{Map, Tile, bfloat16};
use crate::error::{Context, Error, Result};
use crate::field::{Fields, Real};
use crate::hardware::{Chip, NumberFormat, Placed, Section};
use crate::nn::{At, Batch, LayerSignal};
use crate::rng::Effect;

/// A map's tiles on a chip.
#[derive(Debug)]
pub(super) struct LoadedMap<T> {
    pub(super) reading: Reading,
    /// Whether light enters through modulators, not from an optical activation.
    pub(super) modulated: bool,
    pub(super) tiles: Vec<LoadedTile<T>>,
    /// All tiles as one matrix with digital scales, `[out, in]`.
    pub(super) whole: Fields<T>,
    /// ‖W_chip − W‖_F / ‖W‖_F.
    pub(super) matrix_error: f64,
    /// The relative error of what detectors read of the matrix.
    pub(super) read_error: f64,
}

/// Ranges set with a calibration batch.
#[derive(Debug, Clone)]
pub(super) struct Calibration {
    /// Value that drives a modulator to full amplitude.
    full_scale: f64,
    pub(super) modulator: Modulator,
    tiles: Vec<TileCalibration>,
}

impl<T: Real> LoadedMap<T> {
    /// Loads the tiles of `map`, which have these seats, each as `load` does.
    pub(super) fn load(
        map: Map<'_>,
        seats: &[Seat],
        reading: Reading,
        modulated: bool,
        parallel: bool,
        load: impl Fn(&Tile, &Seat) -> Result<LoadedTile<T>> + Sync,
    ) -> Result<Self> {
        let loaded = |(tile, seat)| load(tile, seat);
        let tiles: Result<Vec<LoadedTile<T>>> = match parallel {
            true => map.tiles.par_iter().zip(seats).map(loaded).collect(),
            false => map.tiles.iter().zip(seats).map(loaded).collect(),
        };
        let mut tiles = tiles.within(format_args!("layer `{}`", map.linear.name))?;
        let weight = map.linear.whole();
        let mut whole = assemble(&tiles, weight.outputs(), weight.inputs());
        let (matrix_error, mut read_error) = relative_errors(&whole, &weight, reading);
        if tiles.iter().any(|tile| tile.oscillators.is_some()) {
            tiles.iter_mut().for_each(LoadedTile::turn_to_oscillators);
            whole = assemble(&tiles, weight.outputs(), weight.inputs());
            read_error = relative_errors(&whole, &weight, reading).1;
        }
        Ok(Self {
            reading,
            modulated,
            tiles,
            matrix_error,
            read_error,
            whole,
        })
    }

    /// Loss of its tiles, dB, mean over the tiles.
    pub(super) fn loss_db(&self) -> f64 {
        let sum: f64 = self.tiles.iter().map(|tile| tile.loss_db).sum();
        sum / self.tiles.len() as f64
    }

    /// Number of cells and attenuators that no phases could make do what was asked of them.
    pub(super) fn unreachable(&self) -> usize {
        self.tiles.iter().map(|tile| tile.unreachable).sum()
    }

    /// The map's outputs without any effect that differs from shot to shot, `[out, sample]`.
    pub(super) fn noiseless(&self, input: &Batch<T>) -> Batch<T> {
        if self.tiles.iter().any(|tile| tile.gains.is_some()) {
            // A gain acts on a reading, so every tile is read by itself.
            let mut clips = Clips::default();
            self.read_tiles(input, |_| Shot::default(), &mut clips)
        } else {
            self.clean(input)
        }
    }

    /// ‖(W_chip − W) x‖ / ‖W x‖ of what the map's detectors see of the fields.
    pub(super) fn weighted_error(&self, signal: &LayerSignal<T>) -> f64 {
        let imaginary = self.reading != Reading::Real;
        let (re, im) = multiply(&self.whole, Lit::all(&signal.input), imaginary);
        let (wanted_re, wanted_im) = match &signal.product {
            Batch::Real(y) => (y, None),
            Batch::Complex(y) => (&y.re, Some(&y.im)),
        };
        let square = |x: T| x.double().powi(2);
        let power = |part: &Array2<T>| part.iter().map(|x| square(*x)).sum::<f64>();
        let apart = |a: &Array2<T>, b: &Array2<T>| -> f64 {
            a.iter().zip(b).map(|(a, b)| square(*a - *b)).sum()
        };
        let mut error = apart(&re, wanted_re);
        let mut norm = power(wanted_re);
        match (&im, wanted_im) {
            (Some(im), Some(wanted)) => {
                error += apart(im, wanted);
                norm += power(wanted);
            }
            (Some(im), None) => error += power(im),
            // A real reading of a real layer: the other quadrature is not asked for.
            (None, _) => {}
        }
        relative(error, norm)
    }

    /// The same where every detector has its calibrated gain.
    fn clean(&self, input: &Batch<T>) -> Batch<T> {
        let imaginary = self.reading != Reading::Real;
        let (re, im) = multiply(&self.whole, Lit::all(input), imaginary);
        match (self.reading, im) {
            (Reading::Intensity, Some(mut im)) => {
                im.zip_mut_with(&re, |y, x| *y = *x * *x + *y * *y);
                Batch::Real(im)
            }
            (_, Some(im)) => Batch::Complex(Fields { re, im }),
            (_, None) => Batch::Real(re),
        }
    }

    /// The ranges of modulators and converters that `input` just fits; those of blocks follow from the tiles.
    pub(super) fn calibration(&self, chip: &Chip, input: &Batch<T>) -> Calibration {
        let hardware = chip.hardware();
        let is_blocks = hardware.numbers().format == NumberFormat::Abfp;
        let full_scale = if is_blocks { 1.0 } else { largest(input) };
        let calibrate = |tile: &LoadedTile<T>| {
            if is_blocks {
                let bits = hardware.readout().adc_bits;
                let range = tile.block_range(hardware.numbers().gain);
                TileCalibration {
                    adc: bits.map(|bits| Adc::new(bits, range, self.reading)),
                    unseen: None,
                }
            } else {
                tile.calibrate(tile.lit(input), self.reading, full_scale, hardware)
            }
        };
        Calibration {
            full_scale,
            modulator: Modulator::new(hardware, full_scale),
            tiles: self.tiles.iter().map(calibrate).collect(),
        }
    }

    /// The map's outputs with every effect of the shots at `at`, `[out, sample]`, within the ranges of `calibration`. Where
    /// `clips` counts, it counts those of the shots.
    ///
    /// # Errors
    /// [`Error::Value`] if the calibration batch was dark here and `input` is not: no range is set for it.
    pub(super) fn shots(
        &self,
        chip: &Chip,
        calibration: &Calibration,
        mut input: Batch<T>,
        at: At,
        clips: &mut Clips,
    ) -> Result<Batch<T>> {
        let conditions = Conditions {
            map: self,
            chip,
            calibration,
            at,
            counts: clips.counts,
            effects: clips.effects,
        };
        let factors = conditions.laser_factors(input.samples());
        let modulate = |light: &mut Batch<T>| conditions.modulate(light, factors.as_deref());
        let limit = conditions.limit(factors.as_deref());
        let shot = |index| conditions.shot(index, limit);
        if conditions.is_blocks() {
            return Ok(self.read_blocks(&input, modulate, shot, clips));
        }
        if calibration.full_scale == 0.0 && largest(&input) > 0.0 {
            let limit = "above 0: give data whose first samples do not leave a layer dark";
            return Err(Error::value(
                "full scale of the calibration batch",
                0,
                limit,
            ));
        }
        if self.modulated {
            clips.note_inputs(&input, calibration.full_scale);
            modulate(&mut input);
        }
        if self.reading == Reading::Optical {
            return Ok(self.clean(&input));
        }
        Ok(self.read_tiles(&input, shot, clips))
    }

    /// The digital sum of all tiles' readings, each under the conditions of `shot`.
    fn read_tiles<'c>(
        &self,
        input: &Batch<T>,
        shot: impl Fn(usize) -> Shot<'c>,
        clips: &mut Clips,
    ) -> Batch<T> {
        let mut out = Fields::zeros(self.whole.modes(), input.samples());
        for (index, tile) in self.tiles.iter().enumerate() {
            let sums = (&mut out, tile.row);
            let clipped = tile.read(self.reading, tile.lit(input), shot(index), sums);
            clips.note_readings(clipped, self.readings_of(tile, input));
        }
        self.outputs(out)
    }

    /// The same in blocks: every tile is given each sample's part over its own largest modulus, in bfloat16, as `modulate`
    /// leaves it, and its readings are multiplied by that.
    ///
    /// Basumallik et al., arXiv:2205.06287: y_i = s_w,i s_x (n/G) · Q{ (G/n) Σ Q(ŵ) Q(x̂) + noise }.
    fn read_blocks<'c>(
        &self,
        input: &Batch<T>,
        modulate: impl Fn(&mut Batch<T>),
        shot: impl Fn(usize) -> Shot<'c>,
        clips: &mut Clips,
    ) -> Batch<T> {
        let mut out = Fields::zeros(self.whole.modes(), input.samples());
        for (index, tile) in self.tiles.iter().enumerate() {
            let mut own = tile.lit(input).to_batch();
            let scales = block_scales(&own);
            divide_samples(&mut own, &scales);
            modulate(&mut own);
            let mut part = Fields::zeros(tile.rows, input.samples());
            let clipped = tile.read(self.reading, Lit::all(&own), shot(index), (&mut part, 0));
            clips.note_readings(clipped, self.readings_of(tile, input));
            let mut part = Batch::Complex(part);
            scale_samples(&mut part, &scales);
            let Batch::Complex(part) = part else {
                unreachable!("a complex batch stays one")
            };
            let rows = s![tile.row..tile.row + tile.rows, ..];
            for (sums, part) in [(&mut out.re, part.re), (&mut out.im, part.im)] {
                let mut sums = sums.slice_mut(rows);
                sums += &part;
            }
        }
        self.outputs(out)
    }

    /// Number of readings that the receivers of `tile` take of `input`.
    fn readings_of(&self, tile: &LoadedTile<T>, input: &Batch<T>) -> usize {
        let receivers = match self.reading {
            Reading::Quadratures => 2,
            Reading::Real | Reading::Intensity | Reading::Optical => 1,
        };
        receivers * tile.rows * input.samples()
    }

    /// What is digital behind the receivers, of the sums of their readings.
    fn outputs(&self, sums: Fields<T>) -> Batch<T> {
        match self.reading {
            Reading::Real | Reading::Intensity => Batch::Real(sums.re),
            Reading::Optical | Reading::Quadratures => Batch::Complex(sums),
        }
    }

    /// How good `outputs` are where the exact product is `wanted`.
    pub(super) fn quality(&self, outputs: &Batch<T>, wanted: &Batch<T>, clips: &Clips) -> Quality {
        match (self.reading, wanted) {
            (Reading::Intensity, Batch::Complex(y)) => {
                let mut powers = y.re.clone();
                powers.zip_mut_with(&y.im, |x, y| *x = *x * *x + *y * *y);
                Quality::of(outputs, &Batch::Real(powers), clips)
            }
            (_, wanted) => Quality::of(outputs, wanted, clips),
        }
    }
}

/// What the shots of a map at one place of a run share.
pub(super) struct Conditions<'a, T> {
    pub(super) map: &'a LoadedMap<T>,
    pub(super) chip: &'a Chip,
    pub(super) calibration: &'a Calibration,
    pub(super) at: At,
    /// Whether clipped readings are counted.
    pub(super) counts: bool,
    pub(super) effects: Effects,
}

impl<'a, T: Real> Conditions<'a, T> {
    /// Whether numbers are in blocks, each over a scale of its own.
    pub(super) fn is_blocks(&self) -> bool {
        self.chip.hardware().numbers().format == NumberFormat::Abfp
    }

    /// Under which tile `index` is read, whose inputs are within `limit`: its streams from their beginning.
    pub(super) fn shot(&self, index: usize, limit: Option<f64>) -> Shot<'a> {
        let numbers = self.chip.hardware().numbers();
        let is_quiet = self.effects != Effects::All;
        let at_node: Placed = self.map.tiles[index].at.of_node(self.at.node);
        let stream = |effect| self.chip.stream(effect, at_node, self.at.block);
        let TileCalibration { adc, unseen } = &self.calibration.tiles[index];
        Shot {
            full_scale: self.calibration.full_scale,
            limit,
            noise: (!is_quiet).then(|| stream(Effect::Detector)),
            adc: *adc,
            unseen: unseen.as_ref(),
            codes: (!is_quiet && adc.is_some() && numbers.noise_codes > 0.0).then(|| Codes {
                stream: stream(Effect::Converter),
                kind: numbers.noise,
                sigma: numbers.noise_codes,
            }),
            counts: self.counts,
            is_exact: self.effects == Effects::None,
        }
    }

    /// What laser noise multiplies each of `samples` by; none without it.
    pub(super) fn laser_factors(&self, samples: usize) -> Option<Vec<T>> {
        let sigma = match self.effects {
            Effects::All => laser_field_error(self.chip.hardware()),
            _ => 0.0,
        };
        (self.map.modulated && sigma > 0.0).then(|| {
            // All tiles share the map's laser.
            let laser = self.map.tiles[0].at.section(Section::Input);
            let laser = laser.of_node(self.at.node);
            let mut stream = self.chip.stream(Effect::Laser, laser, self.at.block);
            laser_factors(sigma, samples, &mut stream)
        })
    }

    /// Modulates `light`, whose samples' lasers have these factors.
    pub(super) fn modulate(&self, light: &mut Batch<T>, factors: Option<&[T]>) {
        if self.effects != Effects::None {
            self.calibration.modulator.drive(light, factors);
        }
    }

    /// What no value of [modulated](Self::modulate) light exceeds.
    pub(super) fn limit(&self, factors: Option<&[T]>) -> Option<f64> {
        let is_driven = self.map.modulated && self.effects != Effects::None;
        is_driven.then(|| self.calibration.modulator.limit(factors))
    }
}

/// The largest modulus of every sample, in bfloat16.
pub(super) fn block_scales<T: Real>(batch: &Batch<T>) -> Vec<T> {
    let mut largest = vec![T::zero(); batch.samples()];
    let mut note = |sample: usize, size: T| {
        if size > largest[sample] {
            largest[sample] = size;
        }
    };
    match batch {
        Batch::Real(x) => x.indexed_iter().for_each(|((_, at), x)| note(at, x.abs())),
        Batch::Complex(z) => {
            let parts = z.re.indexed_iter().zip(&z.im);
            parts.for_each(|(((_, at), x), y)| note(at, T::of(power(*x, *y).sqrt())));
        }
    }
    let scales = largest.into_iter();
    scales.map(|size| T::of(bfloat16(size.double()))).collect()
}

/// The largest absolute value (or modulus) of a batch.
fn largest<T: Real>(batch: &Batch<T>) -> f64 {
    match batch {
        // A run at a time, side by side: a register full of comparisons.
        Batch::Real(x) => {
            let x = x.as_slice_memory_order().expect("batches are whole");
            let mut most = [T::zero(); 16];
            let runs = x.chunks(most.len());
            runs.for_each(|run| {
                for (most, x) in most.iter_mut().zip(run) {
                    *most = if x.abs() > *most { x.abs() } else { *most };
                }
            });
            most.into_iter().fold(T::zero(), T::max).double()
        }
        Batch::Complex(z) => {
            let squares = z.re.iter().zip(&z.im).map(|(x, y)| power(*x, *y));
            squares.fold(0.0, f64::max).sqrt()
        }
    }
}

/// Divides every sample by its own scale, of which 0 leaves a dark one: a quotient, not a product with the inverse, so that
/// half of the scale is a half.
pub(super) fn divide_samples<T: Real>(batch: &mut Batch<T>, scales: &[T]) {
    let divide = |part: &mut Array2<T>| {
        for mut row in part.rows_mut() {
            for (x, scale) in row.iter_mut().zip(scales) {
                if *scale > T::zero() {
                    *x = *x / *scale;
                }
            }
        }
    };
    match batch {
        Batch::Real(x) => divide(x),
        Batch::Complex(z) => [&mut z.re, &mut z.im].into_iter().for_each(divide),
    }
}
