//! A program loaded on a chip: inference as the chip does it.
//!
//! A layer is modulators → tiles → detectors → digital sum over the tiles of a row, scale, bias → activation.
//! A complex layer of one tile column whose activation acts on fields goes on without detection: the
//! activation is optical. Its light is taken to be restored to the full scale of the next layer.

mod alone;
mod bench;
mod detector;
mod gradient;
mod idle;
mod layer;
mod load;
mod loss;
mod modulator;
mod numbers;
mod placement;
mod quality;
mod reading;
mod tile;

pub use alone::{MeshOnChip, mesh_on_chip, self_configured};
pub use bench::{Asked, asked_of_mesh, asked_of_program};
pub use detector::{Adc, DetectorNoise, Reading, adc_range, detector_noise};
pub use gradient::{MapGradient, MeshesGradient, TileGradient};
pub use idle::{idle_words, unread_words};
pub use load::check_fits;
pub(crate) use load::check_layout;
pub use modulator::{full_scale_power_w, laser_field_error};
pub use numbers::{compiled_for, weights_of, weights_on};
pub use placement::Loading;
pub use quality::{Clipped, Quality};
pub(crate) use tile::set_meshes;

use std::collections::BTreeMap;
use std::sync::Mutex;

use ndarray::{Array2, Axis};

use crate::compile::{Map, Program, Tile};
use crate::error::{Error, Result};
use crate::field::{Fields, Real};
use crate::hardware::{Chip, Detection, Hardware, When};
use crate::linalg::{C64, Matrix};
use crate::mesh::Correction;
use crate::nn::{Activation, At, Batch, Encoding, Layer, LayerSignal, LinearId, Linears, Readout};
use crate::watch::Watch;
use bench::check_correction;
use layer::{Calibration, LoadedMap};
use load::{load_tile, relative};
use numbers::check_numbers;
pub(crate) use placement::seated_tile;
use placement::{Seat, check_given, seated, seats};
pub use placement::{check_measured, measured_of};
use quality::{Clips, Effects};

/// A [`Program`] loaded on a [`Chip`], at precision `T`.
#[derive(Debug)]
pub struct Processor<T> {
    program: Program,
    chip: Chip,
    correction: Correction,
    maps: BTreeMap<LinearId, LoadedMap<T>>,
    /// Ranges of modulators and converters by the [node](At) whose signals they fit; none where shots do not differ.
    ranges: BTreeMap<usize, Calibration>,
}

impl<T: Real> Processor<T> {
    /// Programs `program` into `chip` and sets the ranges of modulators and converters so that the encoded batch
    /// `calibration` just fits, in a run without noise. `loading` says how phases are chosen and which tiles share silicon: a
    /// [`Correction`], or a [`Loading`].
    ///
    /// # Errors
    /// [`Error::Shape`] or [`Error::Format`] if tiles that share silicon differ in their meshes, or what the chip is
    /// [given](Chip::with_given) does not fit them; [`Error::Value`] if the chip detects intensities where the network needs
    /// a sign or a phase, if so much light is lost that none arrives, or if the chip holds weights otherwise than the program
    /// was [compiled](crate::processor::compiled_for); [`Error::Format`] if an effect of a shot
    /// [acts](Hardware::acting) on the chip and there is no calibration batch.
    pub fn load(
        program: &Program,
        chip: Chip,
        loading: impl Into<Loading>,
        calibration: Option<&Batch<T>>,
    ) -> Result<Self> {
        Self::load_by(program, chip, loading, run_of(program, calibration))
    }

    /// As [`load`](Self::load), with ranges that whatever `run` multiplies just fits: for a network whose inputs are no batch
    /// of signals, such as the tokens of a text. It is called where shots differ, and only then.
    ///
    /// # Errors
    /// Those of [`load`](Self::load) but for a missing batch, and those of `run`.
    pub fn load_by(
        program: &Program,
        chip: Chip,
        loading: impl Into<Loading>,
        run: impl FnOnce(&dyn Linears<T>) -> Result<()>,
    ) -> Result<Self> {
        Self::load_watched(program, chip, loading, run, &())
    }

    /// As [`load_by`](Self::load_by); `watch` may stop it while phases are fitted.
    ///
    /// # Errors
    /// Those of [`load_by`](Self::load_by); [`Error::Stopped`] if it is stopped.
    pub fn load_watched(
        program: &Program,
        chip: Chip,
        loading: impl Into<Loading>,
        run: impl FnOnce(&dyn Linears<T>) -> Result<()>,
        watch: &dyn Watch,
    ) -> Result<Self> {
        let Loading {
            correction,
            placement,
            parallel,
        } = loading.into();
        check_correction(program.is_asked(), correction)?;
        let seats = seats(program, &placement)?;
        let chip = seated(program, &chip, &seats)?;
        check_given(program, &chip, &seats)?;
        let readings = readings(program, chip.hardware())?;
        check_numbers(program, chip.hardware(), &readings)?;
        let mut modulated = true;
        let mut maps = BTreeMap::new();
        for ((map, reading), seats) in program.maps().zip(readings).zip(&seats) {
            let load = |tile: &Tile, seat: &Seat| {
                load_tile(tile, &chip, *seat, reading, correction, watch)
            };
            let loaded = LoadedMap::load(map, seats, reading, modulated, parallel, load)?;
            maps.insert(map.id, loaded);
            modulated = reading != Reading::Optical;
        }
        let mut processor = Self {
            program: program.clone(),
            chip,
            correction,
            maps,
            ranges: BTreeMap::new(),
        };
        if has_shot_effects(processor.chip.hardware()) {
            processor.ranges = processor.ranges_by(run)?;
        }
        Ok(processor)
    }

    /// What is loaded.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The matrix of map `id` on this chip, `[out, in]`, as its receivers see it: all tiles with their digital scales, every
    /// row turned by the phase of its local oscillator, without gains.
    ///
    /// # Panics
    /// If the chip has no such map.
    pub fn matrix(&self, id: LinearId) -> &Fields<T> {
        &self.maps[&id].whole
    }

    /// Relative error of every map's matrix on this chip, in front of the detectors: ‖W_chip − W‖_F / ‖W‖_F.
    pub fn matrix_errors(&self) -> Vec<f64> {
        self.maps.values().map(|map| map.matrix_error).collect()
    }

    /// Relative error of what detectors read of every map's matrix, each with the phase of its local oscillator: of a real
    /// network the real part. Gains are left out.
    pub fn read_errors(&self) -> Vec<f64> {
        self.maps.values().map(|map| map.read_error).collect()
    }

    /// Error of what detectors read of every map, weighted by data: ‖(W_chip − W) x‖ / ‖W x‖ over the samples of
    /// `signals`, one for each map, without bias, detectors and noise of a shot. A matrix may err where the data have
    /// no light; accuracy follows this error.
    ///
    /// # Panics
    /// If there is not one signal for each map, of the map's shape.
    pub fn weighted_errors(&self, signals: &[LayerSignal<T>]) -> Vec<f64> {
        assert_eq!(signals.len(), self.maps.len(), "one signal for each map");
        let pairs = self.maps.values().zip(signals);
        pairs
            .map(|(map, signal)| map.weighted_error(signal))
            .collect()
    }

    /// How good what every map's receivers read is, in the run of the encoded `batch` as block `block`, beside `exact`, which
    /// multiplies the same inputs; nothing where shots do not differ.
    ///
    /// # Errors
    /// As [`forward`](Self::forward), and those of `exact`.
    pub fn qualities(
        &self,
        batch: Batch<T>,
        block: u64,
        exact: &(impl Linears<T> + ?Sized),
    ) -> Result<Vec<Quality>> {
        /// What a map gave so far, and should have.
        struct Judged<T> {
            outputs: Vec<Batch<T>>,
            wanted: Vec<Batch<T>>,
            clips: Clips,
            /// Where what it is given has no noise, and it has.
            own: Clips,
        }
        struct Judging<'a, T, L: ?Sized> {
            processor: &'a Processor<T>,
            exact: &'a L,
            effects: Effects,
            maps: Mutex<BTreeMap<LinearId, Judged<T>>>,
        }
        impl<T: Real, L: Linears<T> + ?Sized> Linears<T> for Judging<'_, T, L> {
            fn multiply(&self, id: LinearId, columns: Batch<T>, at: At) -> Result<Batch<T>> {
                let wanted = self.exact.multiply(id, columns.clone(), at)?;
                let mut maps = self.maps.lock().expect("no product panicked");
                let map = maps.entry(id).or_insert_with(|| Judged {
                    outputs: Vec::new(),
                    wanted: Vec::new(),
                    clips: Clips::counting(self.effects),
                    own: Clips::counting(Effects::All),
                });
                if self.effects == Effects::NoNoise {
                    self.processor
                        .shots(id, columns.clone(), at, &mut map.own)?;
                }
                let outputs = self.processor.shots(id, columns, at, &mut map.clips)?;
                map.outputs.push(outputs.clone());
                map.wanted.push(wanted);
                Ok(outputs)
            }

            fn read(&self, readout: Readout, signals: Batch<T>) -> Array2<T> {
                self.processor.read(readout, signals)
            }
        }
        if self.ranges.is_empty() {
            return Ok(Vec::new());
        }
        let network = self.program.network();
        let batch = network.judging(batch);
        let judged = |effects| {
            let judging = Judging {
                processor: self,
                exact,
                effects,
                maps: Mutex::default(),
            };
            network.run(batch.clone(), &judging, block)?;
            Ok(judging.maps.into_inner().expect("no product panicked"))
        };
        let quiet: BTreeMap<LinearId, Judged<T>> = judged(Effects::NoNoise)?;
        let is_clipped = |judged: &Judged<T>| judged.clips.shares() != Clipped::default();
        // Where nothing is clipped without noise, nothing is of exact values either.
        let exact = match quiet.values().any(is_clipped) {
            true => judged(Effects::None)?,
            false => BTreeMap::new(),
        };
        let shares = |of: &BTreeMap<LinearId, Judged<T>>, id: &LinearId| {
            of.get(id)
                .map_or_else(Clipped::default, |judged| judged.clips.shares())
        };
        let noisy = judged(Effects::All)?.into_iter().map(|(id, judged)| {
            let outputs = Batch::stack(Axis(1), &judged.outputs);
            let wanted = Batch::stack(Axis(1), &judged.wanted);
            Quality {
                without_noise: shares(&quiet, &id),
                exact: shares(&exact, &id),
                by_own_noise: quiet[&id].own.shares().readings,
                ..self.maps[&id].quality(&outputs, &wanted, &judged.clips)
            }
        });
        Ok(noisy.collect())
    }

    /// Number of cells and attenuators in every map that no phases could make do what the correction asked of them.
    pub fn unreachable(&self) -> Vec<usize> {
        self.maps.values().map(LoadedMap::unreachable).collect()
    }

    /// Loss of every map's tiles on this chip, dB, mean over the tiles: what their digital scales make up for.
    pub fn losses_db(&self) -> Vec<f64> {
        self.maps.values().map(LoadedMap::loss_db).collect()
    }

    /// The ranges of modulators and converters that whatever `run` multiplies just fits, without noise.
    fn ranges_by(
        &self,
        run: impl FnOnce(&dyn Linears<T>) -> Result<()>,
    ) -> Result<BTreeMap<usize, Calibration>> {
        /// What a node was given so far.
        struct Given<T> {
            map: LinearId,
            columns: Vec<Batch<T>>,
        }
        struct Calibrating<'a, T> {
            processor: &'a Processor<T>,
            nodes: Mutex<BTreeMap<usize, Given<T>>>,
        }
        impl<T: Real> Linears<T> for Calibrating<'_, T> {
            fn multiply(&self, map: LinearId, mut columns: Batch<T>, at: At) -> Result<Batch<T>> {
                columns.store_by_rows();
                let product = self.processor.maps[&map].noiseless(&columns);
                let mut nodes = self.nodes.lock().expect("no product panicked");
                let node = nodes.entry(at.node).or_insert_with(|| Given {
                    map,
                    columns: Vec::new(),
                });
                node.columns.push(columns);
                Ok(product)
            }
        }
        let calibrating = Calibrating {
            processor: self,
            nodes: Mutex::default(),
        };
        run(&calibrating)?;
        let nodes = calibrating.nodes.into_inner().expect("no product panicked");
        let ranges = nodes.into_iter().map(|(node, given)| {
            let columns = Batch::stack(Axis(1), &given.columns);
            let range = self.maps[&given.map].calibration(&self.chip, &columns);
            (node, range)
        });
        Ok(ranges.collect())
    }

    /// What the receivers of map `id` make of `columns`, as shots of the node and block of `at`.
    fn shots(
        &self,
        id: LinearId,
        mut columns: Batch<T>,
        at: At,
        clips: &mut Clips,
    ) -> Result<Batch<T>> {
        columns.store_by_rows();
        let map = &self.maps[&id];
        let layer = || {
            let mut maps = self.program.maps();
            let name = maps.find(|map| map.id == id).map(|map| &*map.linear.name);
            format!("layer `{}`", name.unwrap_or_default())
        };
        let product = if self.ranges.is_empty() {
            map.noiseless(&columns)
        } else {
            let shots = map.shots(&self.chip, &self.ranges[&at.node], columns, at, clips);
            shots.map_err(|error| error.within(layer()))?
        };
        product.check_finite(&format!(
            "outputs of {} on chip {}",
            layer(),
            self.chip.trial()
        ))?;
        Ok(product)
    }

    /// Logits `[class, sample]` of the encoded `batch`, which is block number `block` of the data.
    ///
    /// The block number is part of the address of every random number of a shot.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if a layer's outputs or the logits leave the range of `T`: the light is too weak, the noise too
    /// strong or the data too large to be computed. No converter and no modulator hides it.
    pub fn forward(&self, batch: Batch<T>, block: u64) -> Result<Array2<T>> {
        let logits = self.program.network().run(batch, self, block)?;
        // A bias or a square may have left the range.
        let logits = Batch::Real(logits);
        logits.check_finite(&format!("logits on chip {}", self.chip.trial()))?;
        match logits {
            Batch::Real(logits) => Ok(logits),
            Batch::Complex(_) => unreachable!("logits are real"),
        }
    }
}

impl<T: Real> Linears<T> for Processor<T> {
    /// What the chip's receivers make of `columns`, as shots of the node and block of `at`.
    ///
    /// # Panics
    /// If the chip has no such map, or no ranges for the node.
    fn multiply(&self, id: LinearId, columns: Batch<T>, at: At) -> Result<Batch<T>> {
        self.shots(id, columns, at, &mut Clips::default())
    }

    fn read(&self, readout: Readout, signals: Batch<T>) -> Array2<T> {
        let measured = self.maps.values().next_back().map(|map| map.reading);
        match (measured, readout, signals) {
            // The detectors have already squared the field.
            (Some(Reading::Intensity), Readout::Intensity, powers) => Readout::Real.read(powers),
            (Some(Reading::Intensity), Readout::Modulus, Batch::Real(powers)) => {
                powers.mapv_into(|power| power.max(T::zero()).sqrt())
            }
            (_, readout, signals) => readout.read(signals),
        }
    }
}

/// A run of `program` whose multiplications are those of the encoded batch `calibration`.
pub(crate) fn run_of<T: Real>(
    program: &Program,
    calibration: Option<&Batch<T>>,
) -> impl FnOnce(&dyn Linears<T>) -> Result<()> {
    move |with| {
        let batch = calibration.ok_or_else(|| {
            let what = "is missing: hardware whose shots differ needs it for its ranges";
            Error::format("calibration batch", what)
        })?;
        let network = program.network();
        let signals = network.calibrating(batch.clone());
        network.run(signals, with, 0).map(drop)
    }
}

/// Whether shots of a chip of this kind differ, and share ranges.
pub fn has_shot_effects(hardware: &Hardware) -> bool {
    let mut acting = hardware.acting();
    acting.any(|key| key.row.when == When::PerShot)
}

/// One map of a program on a chip.
#[derive(Debug, Clone, PartialEq)]
pub struct MapOnChip {
    /// Its matrix as its receivers see it, `[out, in]`: see [`Processor::matrix`].
    pub matrix: Matrix,
    /// Its relative error, ‖matrix − W‖_F / ‖W‖_F.
    pub matrix_error: f64,
    /// Loss of its tiles, dB, mean over the tiles: what their digital scales make up for.
    pub loss_db: f64,
    /// Number of cells and attenuators that no phases could make do what the correction asked of them.
    pub unreachable: usize,
}

/// Map `id` of `program`, loaded on `chip` as `loading` says; none of the other maps is computed.
///
/// # Errors
/// As [`Processor::load`].
///
/// # Panics
/// If the program has no such map.
pub fn map_on_chip(
    program: &Program,
    id: LinearId,
    chip: &Chip,
    loading: impl Into<Loading>,
) -> Result<MapOnChip> {
    let loading = loading.into();
    check_correction(program.is_asked(), loading.correction)?;
    let seats = seats(program, &loading.placement)?;
    let chip = &seated(program, chip, &seats)?;
    let readings = readings(program, chip.hardware())?;
    check_numbers(program, chip.hardware(), &readings)?;
    let mut maps = program.maps().zip(readings).zip(&seats);
    let ((map, reading), seats) = maps
        .find(|((map, _), _)| map.id == id)
        .expect("the program has the map");
    let correction = loading.correction;
    let load = |tile: &Tile, seat: &Seat| load_tile(tile, chip, *seat, reading, correction, &());
    let loaded = LoadedMap::<f64>::load(map, seats, reading, true, false, load)?;
    let Fields { re, im } = &loaded.whole;
    let matrix = Matrix::from_fn(re.nrows(), re.ncols(), |row, col| {
        C64::new(re[[row, col]], im[[row, col]])
    });
    let weight = crate::compile::matrix(&map.linear.whole());
    let squares = (&matrix - &weight).norm_squared();
    Ok(MapOnChip {
        matrix,
        matrix_error: relative(squares, weight.norm_squared()),
        loss_db: loaded.loss_db(),
        unreachable: loaded.unreachable(),
    })
}

/// How the outputs of each map are measured, by the map's number.
fn readings(program: &Program, hardware: &Hardware) -> Result<Vec<Reading>> {
    let network = program.network();
    let intensity = hardware.readout().detection == Detection::Intensity;
    let needs_coherent = |name: &str| {
        let limit = format!("coherent: layer `{name}` needs the sign or phase of what it sums");
        Error::value("readout.detection", "intensity", limit)
    };
    if network.layers().is_empty() {
        // Whatever multiplies in a graph is real, and its sign is needed.
        let reading = |map: Map<'_>| match intensity {
            true => Err(needs_coherent(&map.linear.name)),
            false => Ok(Reading::Real),
        };
        return program.maps().map(reading).collect();
    }
    let mut complex = network.input.encoding == Encoding::ComplexHalves;
    let count = network.layers().len();
    let mut readings = Vec::with_capacity(count);
    for (layer, map) in network.layers().iter().zip(program.maps()) {
        complex |= layer.linear.is_complex();
        let whole_field = map.tiles.iter().all(|tile| tile.col == 0) && layer.bias.is_none();
        let last = map.id.0 + 1 == count;
        readings.push(match (complex, last) {
            (true, true) if intensity && whole_field && reads_power(layer, network.readout) => {
                Reading::Intensity
            }
            (true, false) if whole_field => Reading::Optical,
            _ if intensity => return Err(needs_coherent(layer.name())),
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
