//! One map on a chip: fields through tiles, digital sum of their readings.

use ndarray::Array2;

use super::detector::Reading;
use super::load::{LoadedTile, assemble, load_tile, relative, relative_errors};
use super::modulator::{Modulator, laser_factors, laser_field_error};
use super::placement::Seat;
use super::shot::{Shot, TileCalibration, multiply, power};
use crate::compile::Map;
use crate::error::{Context, Error, Result};
use crate::field::{Fields, Real};
use crate::hardware::{Chip, Section};
use crate::mesh::Correction;
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
#[derive(Debug)]
pub(super) struct Calibration {
    /// Value that drives a modulator to full amplitude.
    full_scale: f64,
    modulator: Modulator,
    tiles: Vec<TileCalibration>,
}

impl<T: Real> LoadedMap<T> {
    /// Loads the tiles of `map`, which have these seats on `chip`, their phases chosen by `correction`.
    pub(super) fn load(
        map: Map<'_>,
        chip: &Chip,
        seats: &[Seat],
        reading: Reading,
        modulated: bool,
        correction: Correction,
    ) -> Result<Self> {
        let tiles = map.tiles.iter().zip(seats);
        let tiles = tiles.map(|(tile, seat)| load_tile(tile, chip, *seat, reading, correction));
        let tiles: Result<Vec<LoadedTile<T>>> = tiles.collect();
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
            self.read_tiles(input, |_| Shot::default())
        } else {
            self.clean(input)
        }
    }

    /// ‖(W_chip − W) x‖ / ‖W x‖ of what the map's detectors see of the fields.
    pub(super) fn weighted_error(&self, signal: &LayerSignal<T>) -> f64 {
        let imaginary = self.reading != Reading::Real;
        let (re, im) = match &signal.input {
            Batch::Real(x) => multiply(&self.whole, x.view(), None, imaginary),
            Batch::Complex(x) => multiply(&self.whole, x.re.view(), Some(x.im.view()), imaginary),
        };
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
        let (re, im) = match input {
            Batch::Real(x) => multiply(&self.whole, x.view(), None, imaginary),
            Batch::Complex(x) => multiply(&self.whole, x.re.view(), Some(x.im.view()), imaginary),
        };
        match (self.reading, im) {
            (Reading::Intensity, Some(mut im)) => {
                im.zip_mut_with(&re, |y, x| *y = *x * *x + *y * *y);
                Batch::Real(im)
            }
            (_, Some(im)) => Batch::Complex(Fields { re, im }),
            (_, None) => Batch::Real(re),
        }
    }

    /// The ranges of modulators and converters that `input` just fits.
    pub(super) fn calibration(&self, chip: &Chip, input: &Batch<T>) -> Calibration {
        let hardware = chip.hardware();
        let full_scale = largest(input);
        let calibrate =
            |tile: &LoadedTile<T>| tile.calibrate(input, self.reading, full_scale, hardware);
        Calibration {
            full_scale,
            modulator: Modulator::new(hardware, full_scale),
            tiles: self.tiles.iter().map(calibrate).collect(),
        }
    }

    /// The map's outputs with every effect of the shots at `at`, `[out, sample]`, within the ranges of `calibration`.
    ///
    /// # Errors
    /// [`Error::Value`] if the calibration batch was dark here and `input` is not: no range is set for it.
    pub(super) fn shots(
        &self,
        chip: &Chip,
        calibration: &Calibration,
        mut input: Batch<T>,
        at: At,
    ) -> Result<Batch<T>> {
        if calibration.full_scale == 0.0 && largest(&input) > 0.0 {
            let limit = "above 0: give data whose first samples do not leave a layer dark";
            return Err(Error::value(
                "full scale of the calibration batch",
                0,
                limit,
            ));
        }
        if self.modulated {
            calibration.modulator.drive(&mut input);
            // All tiles share the map's laser.
            let laser = self.tiles[0].at.section(Section::Input).of_node(at.node);
            let sigma = laser_field_error(chip.hardware());
            if sigma > 0.0 {
                let mut stream = chip.stream(Effect::Laser, laser, at.block);
                let factors = laser_factors(sigma, input.samples(), &mut stream);
                scale_samples(&mut input, &factors);
            }
        }
        if self.reading == Reading::Optical {
            return Ok(self.clean(&input));
        }
        let detectors = |index: usize| self.tiles[index].at.of_node(at.node);
        Ok(self.read_tiles(&input, |index| Shot {
            full_scale: calibration.full_scale,
            noise: Some(chip.stream(Effect::Detector, detectors(index), at.block)),
            adc: calibration.tiles[index].adc,
            unseen: calibration.tiles[index].unseen.as_ref(),
        }))
    }

    /// The digital sum of all tiles' readings, each under the conditions of `shot`.
    fn read_tiles<'c>(&self, input: &Batch<T>, shot: impl Fn(usize) -> Shot<'c>) -> Batch<T> {
        let mut out = Fields::zeros(self.whole.modes(), input.samples());
        for (index, tile) in self.tiles.iter().enumerate() {
            tile.read(self.reading, input, shot(index), &mut out);
        }
        match self.reading {
            Reading::Real | Reading::Intensity => Batch::Real(out.re),
            Reading::Optical | Reading::Quadratures => Batch::Complex(out),
        }
    }
}

/// The largest absolute value (or modulus) of a batch.
fn largest<T: Real>(batch: &Batch<T>) -> f64 {
    match batch {
        Batch::Real(x) => x.iter().map(|x| x.double().abs()).fold(0.0, f64::max),
        Batch::Complex(z) => {
            let squares = z.re.iter().zip(&z.im).map(|(x, y)| power(*x, *y));
            squares.fold(0.0, f64::max).sqrt()
        }
    }
}

/// Multiplies every sample by its own factor.
fn scale_samples<T: Real>(batch: &mut Batch<T>, factors: &[T]) {
    let factors = ndarray::ArrayView1::from(factors);
    match batch {
        Batch::Real(x) => *x *= &factors,
        Batch::Complex(z) => {
            z.re *= &factors;
            z.im *= &factors;
        }
    }
}
