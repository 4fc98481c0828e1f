//! A program loaded on a chip: inference as the chip does it.
//!
//! A layer is modulators → tiles → detectors → digital sum over the tiles of a row, scale, bias → activation.
//! A complex layer of one tile column whose activation acts on fields goes on without detection: the
//! activation is optical. Its light is taken to be restored to the full scale of the next layer.

mod detector;
mod layer;
mod load;
mod loss;
mod modulator;
mod placement;
mod tile;

pub use detector::{Adc, DetectorNoise, Reading, adc_range, detector_noise};
pub use modulator::{full_scale_power_w, laser_field_error};
pub use placement::Loading;
pub(crate) use tile::set_tile;

use crate::compile::Program;
use crate::error::{Context, Error, Result};
use crate::field::{Fields, Real};
use crate::hardware::{Chip, Detection, Hardware, When};
use crate::nn::{Activation, Batch, Encoding, Layer, LayerSignal, Readout};
use layer::LoadedLayer;
use load::{LoadedTile, assemble, load_tile, relative_errors};
use placement::{check_given, seats};

/// A [`Program`] loaded on a [`Chip`], at precision `T`.
#[derive(Debug)]
pub struct Processor<T> {
    program: Program,
    chip: Chip,
    layers: Vec<LoadedLayer<T>>,
}

impl<T: Real> Processor<T> {
    /// Programs `program` into `chip` and sets the ranges of modulators and converters so that the encoded batch
    /// `calibration` just fits, in a run without noise. `loading` says how phases are chosen and which tiles share silicon: a
    /// [`Correction`](crate::Correction), or a [`Loading`].
    ///
    /// # Errors
    /// [`Error::Shape`] if tiles that share silicon differ in their meshes, or what the chip is
    /// [given](Chip::with_given) does not fit them; [`Error::Value`] if the chip detects intensities where the network needs a sign or a phase, or if so
    /// much light is lost that none arrives; [`Error::Format`] if an effect of a shot [acts](Hardware::acting) on the chip
    /// and there is no calibration batch.
    pub fn load(
        program: &Program,
        chip: Chip,
        loading: impl Into<Loading>,
        calibration: Option<&Batch<T>>,
    ) -> Result<Self> {
        let Loading {
            correction,
            placement,
        } = loading.into();
        let seats = seats(program, &placement)?;
        check_given(program, &chip, &seats)?;
        let readings = readings(program, chip.hardware())?;
        let mut modulated = true;
        let mut layers = Vec::with_capacity(readings.len());
        for (index, (layer, tiles)) in program
            .model()
            .layers
            .iter()
            .zip(program.tiles())
            .enumerate()
        {
            let reading = readings[index];
            let mut tiles = tiles
                .iter()
                .zip(&seats[index])
                .map(|(tile, seat)| load_tile(tile, &chip, *seat, reading, correction))
                .collect::<Result<Vec<_>>>()
                .map_err(|error| error.within(format_args!("layer `{}`", layer.name)))?;
            let weight = &layer.weight;
            let mut whole = assemble(&tiles, weight.outputs(), weight.inputs());
            let (matrix_error, mut read_error) = relative_errors(&whole, weight, reading);
            if tiles.iter().any(|tile| tile.oscillators.is_some()) {
                tiles.iter_mut().for_each(LoadedTile::turn_to_oscillators);
                whole = assemble(&tiles, weight.outputs(), weight.inputs());
                read_error = relative_errors(&whole, weight, reading).1;
            }
            layers.push(LoadedLayer {
                reading,
                modulated,
                tiles,
                matrix_error,
                read_error,
                whole,
                calibration: None,
            });
            modulated = reading != Reading::Optical;
        }
        let mut processor = Self {
            program: program.clone(),
            chip,
            layers,
        };
        if processor.has_shot_effects() {
            let batch = calibration.ok_or_else(|| {
                let what = "is missing: hardware whose shots differ needs it for its ranges";
                Error::format("calibration batch", what)
            })?;
            processor.calibrate(batch.clone());
        }
        Ok(processor)
    }

    /// The matrix of layer number `layer` on this chip, `[out, in]`, as its receivers see it: all tiles with their digital
    /// scales, every row turned by the phase of its local oscillator, without gains.
    ///
    /// # Panics
    /// If there is no such layer.
    pub fn layer_matrix(&self, layer: usize) -> &Fields<T> {
        &self.layers[layer].whole
    }

    /// Relative error of every layer's matrix on this chip, in front of the detectors: ‖W_chip − W‖_F / ‖W‖_F.
    pub fn matrix_errors(&self) -> Vec<f64> {
        self.layers.iter().map(|layer| layer.matrix_error).collect()
    }

    /// Relative error of what detectors read of every layer's matrix, each with the phase of its local oscillator: of a real
    /// network the real part. Gains are left out.
    pub fn read_errors(&self) -> Vec<f64> {
        self.layers.iter().map(|layer| layer.read_error).collect()
    }

    /// Error of what detectors read of every layer, weighted by data: ‖(W_chip − W) x‖ / ‖W x‖ over the samples of
    /// `signals`, one for each layer, without bias, detectors and noise of a shot. A matrix may err where the data have
    /// no light; accuracy follows this error.
    ///
    /// # Panics
    /// If there is not one signal for each layer, of the layer's shape.
    pub fn weighted_errors(&self, signals: &[LayerSignal<T>]) -> Vec<f64> {
        assert_eq!(
            signals.len(),
            self.layers.len(),
            "one signal for each layer"
        );
        let pairs = self.layers.iter().zip(signals);
        pairs
            .map(|(layer, signal)| layer.weighted_error(signal))
            .collect()
    }

    /// Number of cells and attenuators in every layer that no phases could make do what the correction asked of them.
    pub fn unreachable(&self) -> Vec<usize> {
        let count = |layer: &LoadedLayer<T>| layer.tiles.iter().map(|tile| tile.unreachable).sum();
        self.layers.iter().map(count).collect()
    }

    /// Loss of every layer's tiles on this chip, dB, mean over the tiles: what their digital scales make up for.
    pub fn losses_db(&self) -> Vec<f64> {
        let mean = |layer: &LoadedLayer<T>| {
            let sum: f64 = layer.tiles.iter().map(|tile| tile.loss_db).sum();
            sum / layer.tiles.len() as f64
        };
        self.layers.iter().map(mean).collect()
    }

    /// Sets the ranges of modulators and converters so that `signal` just fits, in a run without noise.
    fn calibrate(&mut self, mut signal: Batch<T>) {
        signal.store_by_rows();
        for index in 0..self.layers.len() {
            self.layers[index].calibrate(&self.chip, &signal);
            signal = self.layers[index].noiseless(&signal);
            self.activate(index, &mut signal);
        }
    }

    /// Whether shots differ, and share ranges.
    fn has_shot_effects(&self) -> bool {
        let mut acting = self.chip.hardware().acting();
        acting.any(|key| key.row.when == When::PerShot)
    }

    /// Logits `[class, sample]` of the encoded `batch`, which is block number `block` of the data.
    ///
    /// The block number is part of the address of every random number of a shot.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if a layer's outputs or the logits leave the range of `T`: the light is too weak, the noise too
    /// strong or the data too large to be computed. No converter and no modulator hides it.
    pub fn forward(&self, batch: Batch<T>, block: u64) -> Result<ndarray::Array2<T>> {
        let shots = self.has_shot_effects();
        let mut signal = batch;
        signal.store_by_rows();
        for (index, layer) in self.layers.iter().enumerate() {
            signal = if shots {
                layer.shots(&self.chip, signal, block).within(format_args!(
                    "layer `{}`",
                    self.program.model().layers[index].name
                ))?
            } else {
                layer.noiseless(&signal)
            };
            signal.check_finite(&format!(
                "outputs of layer `{}` on chip {}",
                self.program.model().layers[index].name,
                self.chip.trial()
            ))?;
            self.activate(index, &mut signal);
        }
        let measured = self.layers.last().map(|layer| layer.reading);
        let readout = match (measured, self.program.model().readout) {
            // The detectors have already squared the field.
            (Some(Reading::Intensity), Readout::Intensity) => Readout::Real,
            (Some(Reading::Intensity), Readout::Modulus) => {
                return match signal {
                    Batch::Real(powers) => Ok(powers.mapv(|power| power.max(T::zero()).sqrt())),
                    Batch::Complex(_) => unreachable!("intensities are real"),
                };
            }
            (_, readout) => readout,
        };
        // A bias or a square may have left the range.
        let logits = Batch::Real(readout.read(signal));
        logits.check_finite(&format!("logits on chip {}", self.chip.trial()))?;
        match logits {
            Batch::Real(logits) => Ok(logits),
            Batch::Complex(_) => unreachable!("logits are real"),
        }
    }

    /// The digital part behind layer `index`: bias and activation.
    fn activate(&self, index: usize, signal: &mut Batch<T>) {
        let layer = &self.program.model().layers[index];
        if let Some(bias) = &layer.bias {
            signal.add_bias(bias);
        }
        layer.activation.apply(signal);
    }
}

/// How each layer's outputs are measured.
fn readings(program: &Program, hardware: &Hardware) -> Result<Vec<Reading>> {
    let model = program.model();
    let intensity = hardware.readout().detection == Detection::Intensity;
    let mut complex = model.input.encoding == Encoding::ComplexHalves;
    let count = model.layers.len();
    let mut readings = Vec::with_capacity(count);
    for (index, (layer, tiles)) in model.layers.iter().zip(program.tiles()).enumerate() {
        complex |= layer.weight.is_complex();
        let whole_field = tiles.iter().all(|tile| tile.col == 0) && layer.bias.is_none();
        let last = index + 1 == count;
        readings.push(match (complex, last) {
            (true, true) if intensity && whole_field && reads_power(layer, model.readout) => {
                Reading::Intensity
            }
            (true, false) if whole_field => Reading::Optical,
            _ if intensity => {
                let what = "readout.detection";
                let limit = format!(
                    "coherent: layer `{}` needs the sign or phase of what it sums",
                    layer.name
                );
                return Err(Error::value(what, "intensity", limit));
            }
            (true, _) => Reading::Quadratures,
            (false, _) => Reading::Real,
        });
    }
    Ok(readings)
}

/// Whether the network's output follows from the power of the last layer's fields alone.
fn reads_power(layer: &Layer, readout: Readout) -> bool {
    layer.activation == Activation::Identity && readout != Readout::Real
}
