//! Program × chip → the matrices that light really sees.

use ndarray::{Array2, Zip, s};
use pulp::Arch;

use super::detector::{DetectorNoise, Reading, detector_noise};
use super::loss::{Watched, absorbs, tile_loss_db};
use super::modulator::full_scale_power_w;
use super::numbers::check_numbers;
use super::placement::{Seat, check_measured};
use super::readings;
use super::tile::{SetTile, on_site, set_tile};
use crate::compile::{Array, Layout, Program, Tile, outline};
use crate::error::{Context, Error, Result};
use crate::field::{Fields, Real};
use crate::hardware::{Built, Chip, Hardware, Place, Placed, Section};
use crate::io::record::Cell;
use crate::linalg::C64;
use crate::mesh::Correction;
use crate::nn::{Network, Weight};
use crate::simd::{Loop, vectorized};
use crate::units::amplitude_from_db;
use crate::watch::Watch;

/// Largest mean loss of a tile, dB, that is simulated: beyond it single precision has no exponents left for amplitudes, or
/// for powers, and no photon of any laser arrives.
fn loss_limit_db(reading: Reading) -> f64 {
    match reading {
        Reading::Intensity => 300.0,
        _ => 600.0,
    }
}

/// A tile on a chip.
#[derive(Debug, Clone)]
pub(super) struct LoadedTile<T> {
    pub(super) row: usize,
    pub(super) col: usize,
    pub(super) rows: usize,
    pub(super) cols: usize,
    /// The tile's detectors.
    pub(super) at: Placed,
    /// Digital factor that turns amplitudes behind the chip into values.
    pub(super) scale: f64,
    /// Digital factors of the rows, where they have their own.
    pub(super) row_scales: Option<Vec<f64>>,
    /// Modes that light enters in, lit or not.
    pub(super) inputs: usize,
    /// Amplitudes behind the chip per amplitude before it, `[row, col]`.
    pub(super) matrix: Fields<T>,
    /// Loss that the digital factor makes up for, dB.
    pub(super) loss_db: f64,
    /// Number of cells and attenuators that no phases could make do what was asked.
    pub(super) unreachable: usize,
    /// e^{iδ} of each row's local oscillator, where detection is coherent and their phases err.
    pub(super) oscillators: Option<Vec<C64>>,
    /// Gains of each row's detectors (both quadratures), where there are detectors and their gains spread.
    pub(super) gains: Option<Vec<[f64; 2]>>,
    pub(super) noise: DetectorNoise,
}

impl<T: Real> LoadedTile<T> {
    /// Turns every row by the phase of its local oscillator: a receiver reads a e^{iδ} where the field is a.
    pub(super) fn turn_to_oscillators(&mut self) {
        if let Some(factors) = &self.oscillators {
            self.matrix.scale_modes(factors);
        }
    }
}

/// Loss of a path by design, dB: a mode of a rectangle of N modes meets N − 1 MZIs on average, and half of the
/// light passes each of a cell's two heaters.
fn design_loss_db(hardware: &Hardware, tile: &Tile) -> f64 {
    let mesh = &hardware.mesh();
    match mesh.insertion_loss_db + mesh.arm_imbalance_db {
        0.0 => 0.0,
        loss_db => loss_db * tile.mean_depth(),
    }
}

/// Fails if the mean path of `tile` loses more light than is simulated.
pub(super) fn check_loss(hardware: &Hardware, tile: &Tile, reading: Reading) -> Result<()> {
    let loss_db = design_loss_db(hardware, tile);
    let limit_db = loss_limit_db(reading);
    if loss_db <= limit_db {
        return Ok(());
    }
    let (key, set_db) = lossiest(hardware);
    let got = format!("{set_db} ({loss_db:.0} dB per path)");
    let limit = format!("such that a path loses at most {limit_db} dB: use smaller tiles");
    Err(Error::value(key, got, limit))
}

/// The key that costs most light in a mesh, and its value, dB.
fn lossiest(hardware: &Hardware) -> (&'static str, f64) {
    let keys = Hardware::keys().iter();
    let keys = keys.filter(|key| key.row.place == Place::Loss);
    let most = keys
        .filter_map(|key| match key.get(hardware) {
            Cell::Float(loss_db) => Some((key.name, loss_db)),
            _ => None,
        })
        .max_by(|a, b| a.1.total_cmp(&b.1));
    most.expect("some keys are losses")
}

/// Loads `tile`, which has this seat on `chip`, its phases chosen by `correction`, which `watch` may stop.
pub(super) fn load_tile<T: Real>(
    tile: &Tile,
    chip: &Chip,
    Seat { at, detectors }: Seat,
    reading: Reading,
    correction: Correction,
    watch: &dyn Watch,
) -> Result<LoadedTile<T>> {
    let hardware = chip.hardware();
    check_loss(hardware, tile, reading)?;
    let chip = &*match &tile.array {
        Array::Meshes(meshes) => on_site(chip, meshes),
        Array::Crossbar(crossbar) => chip.on_site(&Built {
            kind: chip.cell_kind(),
            input: None,
            attenuators: 0,
            output: None,
            rows: crossbar.outputs,
        }),
    };
    let set = set_tile(tile, chip, at, correction, watch)?;
    let absorbs = absorbs(chip);
    let mut watched = Watched::default();
    let matrix = set.matrix(tile.rows, tile.cols, |light| {
        if absorbs {
            watched.note(light);
        }
    });
    let loss_db = match (&tile.array, &set) {
        (Array::Meshes(meshes), SetTile::Meshes(set)) if absorbs => {
            let lit = (tile.rows, tile.cols);
            tile_loss_db(meshes, lit, chip, at, &set.attenuators, &watched)
        }
        _ => 0.0,
    };
    if !loss_db.is_finite() {
        let (key, set_db) = lossiest(hardware);
        let limit = "such that some light arrives: use smaller tiles";
        return Err(Error::value(key, set_db, limit));
    }
    let at = at.section(Section::Detectors);
    let is_coherent = matches!(reading, Reading::Real | Reading::Quadratures);
    let oscillators = is_coherent
        .then(|| chip.oscillator_phases(at, detectors))
        .flatten();
    let spreads = reading != Reading::Optical && chip.has_gain_errors();
    Ok(LoadedTile {
        row: tile.row,
        col: tile.col,
        rows: tile.rows,
        cols: tile.cols,
        at,
        scale: tile.scale / amplitude_from_db(-loss_db),
        row_scales: tile.row_scales.clone(),
        inputs: tile.inputs(),
        matrix,
        loss_db,
        unreachable: set.unreachable(),
        oscillators: oscillators.map(|phases| {
            let phases = phases.into_iter().take(tile.rows);
            phases.map(|phase| C64::from_polar(1.0, phase)).collect()
        }),
        gains: spreads.then(|| {
            let gains = chip.detector_gains(at, 2 * detectors);
            gains
                .chunks_exact(2)
                .take(tile.rows)
                .map(|pair| [pair[0], pair[1]])
                .collect()
        }),
        noise: detector_noise(
            hardware,
            reading,
            full_scale_power_w(hardware, tile.inputs()),
        ),
    })
}

/// The matrix of a whole layer as its tiles realize it, with digital scales, without detectors, `[out, in]`.
pub(super) fn assemble<T: Real>(
    tiles: &[LoadedTile<T>],
    outputs: usize,
    inputs: usize,
) -> Fields<T> {
    let mut whole = Fields::zeros(outputs, inputs);
    for tile in tiles {
        let place = s![
            tile.row..tile.row + tile.rows,
            tile.col..tile.col + tile.cols
        ];
        for (whole, part) in [
            (&mut whole.re, &tile.matrix.re),
            (&mut whole.im, &tile.matrix.im),
        ] {
            // In double precision: a lossy tile has tiny elements and a huge scale.
            Zip::from(whole.slice_mut(place))
                .and(part)
                .for_each(|whole, x| *whole = T::of(x.double() * tile.scale));
        }
        if let Some(scales) = &tile.row_scales {
            for part in [&mut whole.re, &mut whole.im] {
                let rows = part.slice_mut(place);
                for (mut row, scale) in rows.into_outer_iter_mut().zip(scales) {
                    row.mapv_inplace(|x| T::of(x.double() * scale));
                }
            }
        }
    }
    whole
}

/// Relative errors of a layer's matrix, ‖W_chip − W‖_F / ‖W‖_F: of the whole, and of what `reading` sees of it, which of a
/// real network is the real part. 0 for a layer of zeros that stays zero.
pub(super) fn relative_errors<T: Real>(
    chip: &Fields<T>,
    weight: &Weight,
    reading: Reading,
) -> (f64, f64) {
    let [real, imaginary, norm] = match weight {
        Weight::Real(weight) => squares(chip, weight),
        Weight::Complex(weight) => squares(chip, weight),
    };
    let whole = relative(real + imaginary, norm);
    match reading {
        Reading::Real => (whole, relative(real, norm)),
        _ => (whole, whole),
    }
}

/// √(`error` / `norm`) of two sums of squares; 0 where nothing errs.
pub(super) fn relative(error: f64, norm: f64) -> f64 {
    if error == 0.0 {
        0.0
    } else {
        (error / norm).sqrt()
    }
}

/// Σ (Re c − Re w)², Σ (Im c − Im w)², Σ |w|² over all entries.
fn squares<T: Real, W: Copy + Into<C64>>(chip: &Fields<T>, weight: &Array2<W>) -> [f64; 3] {
    struct Rows<'a, T, W> {
        re: &'a [T],
        im: &'a [T],
        weight: &'a [W],
        sums: &'a mut [[f64; LANES]; 3],
    }
    /// Sums side by side: whole registers.
    const LANES: usize = 32;

    impl<T: Real, W: Copy + Into<C64>> Loop for Rows<'_, T, W> {
        #[inline(always)]
        fn run<const FUSED: bool>(self) {
            let [real, imaginary, norm] = self.sums;
            let mut add = |lane: usize, re: T, im: T, weight: W| {
                let weight: C64 = weight.into();
                real[lane] += (re.double() - weight.re).powi(2);
                imaginary[lane] += (im.double() - weight.im).powi(2);
                norm[lane] += weight.norm_sqr();
            };
            let (re, last_re) = self.re.as_chunks::<LANES>();
            let (im, last_im) = self.im.as_chunks::<LANES>();
            let (weight, last_weight) = self.weight.as_chunks::<LANES>();
            for ((re, im), weight) in re.iter().zip(im).zip(weight) {
                for lane in 0..LANES {
                    add(lane, re[lane], im[lane], weight[lane]);
                }
            }
            let last = last_re.iter().zip(last_im).zip(last_weight);
            for (lane, ((re, im), weight)) in last.enumerate() {
                add(lane, *re, *im, *weight);
            }
        }
    }

    let standard = "matrices are stored in standard layout";
    let weight = weight.as_standard_layout();
    let mut sums = [[0.0; LANES]; 3];
    let rows = Rows {
        re: chip.re.as_slice().expect(standard),
        im: chip.im.as_slice().expect(standard),
        weight: weight.as_slice().expect(standard),
        sums: &mut sums,
    };
    vectorized(Arch::new(), rows);
    sums.map(|lanes| lanes.iter().sum())
}

/// Fails if no chip of `hardware` can run `program`, as far as its layout and its numbers tell: [`Processor::load`] fails
/// so too.
///
/// [`Processor::load`]: super::Processor::load
pub(crate) fn check_layout(program: &Program, hardware: &Hardware) -> Result<()> {
    let readings = readings(program, hardware)?;
    check_numbers(program, hardware, &readings)?;
    check_measured(program, hardware)?;
    for (map, reading) in program.maps().zip(readings) {
        let check = |tile| check_loss(hardware, tile, reading);
        let fits = map.tiles.iter().try_for_each(check);
        fits.within(format_args!("layer `{}`", map.linear.name))?;
    }
    Ok(())
}

/// Fails if no chip of `hardware` can run `network` in this `layout`: nothing is compiled.
///
/// # Errors
/// Those of [`compile`](crate::compile::compile) and of [`Processor::load`](super::Processor::load) that do not depend on
/// phases.
pub fn check_fits(network: &Network, layout: Layout, hardware: &Hardware) -> Result<()> {
    check_layout(&outline(network, layout)?, hardware)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Effect, Seed};

    /// Against the plain sum, for whole and broken lanes, real and complex weights.
    #[test]
    fn errors_of_a_matrix_are_norms_of_differences() {
        let mut stream = Seed(9).stream(Effect::Haar, 0, 0, 0);
        for (rows, cols) in [(1, 1), (3, 7), (4, 8), (5, 13), (2, 32)] {
            let mut draw =
                || Array2::from_shape_simple_fn((rows, cols), || stream.standard_normal());
            let chip = Fields {
                re: draw(),
                im: draw(),
            };
            let (re, im) = (draw(), draw());
            let complex = Array2::from_shape_fn((rows, cols), |at| C64::new(re[at], im[at]));
            for weight in [Weight::Real(re), Weight::Complex(complex)] {
                let target = weight.to_complex();
                let norm = |part: &dyn Fn(C64) -> f64| -> f64 {
                    let of = |((row, col), w): ((usize, usize), &C64)| {
                        part(C64::new(chip.re[[row, col]], chip.im[[row, col]]) - w)
                    };
                    let squares = target.indexed_iter().map(of).map(|x| x.powi(2));
                    let all = target.iter().map(|w| w.norm_sqr());
                    (squares.sum::<f64>() / all.sum::<f64>()).sqrt()
                };
                let (whole, read) = relative_errors(&chip, &weight, Reading::Real);
                assert!((whole / norm(&|d| d.norm()) - 1.0).abs() < 1e-14);
                assert!((read / norm(&|d| d.re) - 1.0).abs() < 1e-14);
                let (whole, read) = relative_errors(&chip, &weight, Reading::Quadratures);
                assert_eq!(whole, read);
            }
        }
    }
}
