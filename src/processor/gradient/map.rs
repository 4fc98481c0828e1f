//! How a loss changes with the inputs, the matrix and the digital scales of one map.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, Zip, s};

use crate::field::{Fields, Real};
use crate::nn::Batch;
use crate::processor::detector::Reading;
use crate::processor::layer::{Conditions, LoadedMap, block_scales, divide_samples};
use crate::processor::load::LoadedTile;
use crate::processor::modulator::scale_samples;
use crate::processor::reading::{Lit, Shot, multiply};

/// How a loss changes with one map of a processor.
#[derive(Debug, Clone)]
pub struct MapGradient<T> {
    /// By what it was given, `[in, sample]`.
    pub inputs: Batch<T>,
    /// By its matrix as its receivers see it, `[out, in]` (see [`Processor::matrix`](crate::Processor::matrix)): straight
    /// through programming, what a weight of the network is trained by, of a real one the real part.
    pub weight: Fields<T>,
    /// By the digital scale of every tile.
    pub scales: Vec<f64>,
}

impl<T: Real> LoadedTile<T> {
    /// Digital factor of a row.
    pub(super) fn row_scale(&self, row: usize) -> f64 {
        let own = self.row_scales.as_ref().map_or(1.0, |scales| scales[row]);
        self.scale * own
    }

    /// The gradient by the fields behind the tile in units of the map's outputs, `[row, sample]`, and by its digital scale:
    /// from that by the sums that its readings, each under the conditions of `shot`, were added to.
    fn by_fields(
        &self,
        reading: Reading,
        input: Lit<T>,
        shot: Shot,
        by_sums: &Fields<T>,
    ) -> (Fields<T>, f64) {
        let mut by = Fields::zeros(self.rows, by_sums.samples());
        let mut by_scale = 0.0;
        let intensity = reading == Reading::Intensity;
        self.each_row(reading, input, shot, |read| {
            let row = read.row;
            let sums = [&by_sums.re, &by_sums.im][read.part].row(row);
            let mut by_re = by.re.row_mut(row);
            let mut by_im = by.im.row_mut(row);
            let (re, im) = read.amplitudes;
            // A reading of a field a is R(a) times the row's factor f, that of a power R(|a|²) f²; a f is the field in units of
            // the outputs.
            let outer = match intensity {
                true => T::of(self.row_scale(row)),
                false => T::one(),
            };
            for (sample, by_sum) in sums.iter().enumerate() {
                let slopes = read
                    .sense
                    .slopes(sample, read.values[sample], read.powers[sample]);
                let by_reading = *by_sum * outer;
                by_scale += (*by_sum * slopes.reading * read.sense.scale()).double();
                let mut by_power = slopes.by_power;
                if intensity {
                    by_power += slopes.by_value;
                } else if read.part == 0 {
                    by_re[sample] += by_reading * slopes.by_value;
                } else {
                    by_im[sample] += by_reading * slopes.by_value;
                }
                let twice = by_reading * (by_power + by_power);
                by_re[sample] += twice * re[sample];
                if let Some(im) = im {
                    by_im[sample] += twice * im[sample];
                }
            }
        });
        let powers = if intensity { 2.0 } else { 1.0 };
        let by_scale = match self.scale > 0.0 {
            true => powers * by_scale / self.scale,
            false => 0.0,
        };
        (by, by_scale)
    }
}

impl<T: Real> LoadedMap<T> {
    /// The gradient of what no shot changes.
    pub(super) fn gradient(&self, input: &Batch<T>, by_outputs: &Batch<T>) -> MapGradient<T> {
        if self.tiles.iter().any(|tile| tile.gains.is_some()) {
            self.by_tiles(input, by_outputs, |_| Shot::default())
        } else {
            self.clean_gradient(input, by_outputs)
        }
    }

    /// The same where every detector has its calibrated gain.
    fn clean_gradient(&self, input: &Batch<T>, by_outputs: &Batch<T>) -> MapGradient<T> {
        let by = match (self.reading, by_outputs) {
            (Reading::Intensity, Batch::Real(by)) => {
                let (mut re, im) = multiply(&self.whole, Lit::all(input), true);
                let mut im = im.expect("both parts were asked for");
                for part in [&mut re, &mut im] {
                    Zip::from(part).and(by).for_each(|y, by| *y *= *by + *by);
                }
                Fields { re, im }
            }
            (_, by_outputs) => complex(by_outputs),
        };
        let mut gradient = self.empty_gradient(input);
        let whole = (0, 0, self.whole.modes(), self.whole.samples());
        self.add_block(whole, Lit::all(input), &by, &mut gradient);
        for (tile, by_scale) in self.tiles.iter().zip(&mut gradient.scales) {
            if tile.scale == 0.0 {
                continue;
            }
            let block = s![
                tile.row..tile.row + tile.rows,
                tile.col..tile.col + tile.cols
            ];
            let of = |weight: &Array2<T>, by: &Array2<T>| {
                let pairs = weight.slice(block).into_iter().zip(by.slice(block));
                pairs.map(|(w, by)| w.double() * by.double()).sum::<f64>()
            };
            let by =
                of(&self.whole.re, &gradient.weight.re) + of(&self.whole.im, &gradient.weight.im);
            *by_scale = by / tile.scale;
        }
        gradient
    }

    /// The gradient of the sum of all tiles' readings, each under the conditions of `shot`.
    fn by_tiles<'c>(
        &self,
        input: &Batch<T>,
        by_outputs: &Batch<T>,
        shot: impl Fn(usize) -> Shot<'c>,
    ) -> MapGradient<T> {
        let by_sums = complex(by_outputs);
        let mut gradient = self.empty_gradient(input);
        for (index, tile) in self.tiles.iter().enumerate() {
            let lit = tile.lit(input);
            let own = rows(&by_sums, tile);
            let (by, by_scale) = tile.by_fields(self.reading, lit, shot(index), &own);
            gradient.scales[index] = by_scale;
            self.add_block(
                (tile.row, tile.col, tile.rows, tile.cols),
                lit,
                &by,
                &mut gradient,
            );
        }
        gradient
    }

    fn empty_gradient(&self, input: &Batch<T>) -> MapGradient<T> {
        MapGradient {
            inputs: dark(input),
            weight: Fields::zeros(self.whole.modes(), self.whole.samples()),
            scales: vec![0.0; self.tiles.len()],
        }
    }

    /// Adds what the block of the matrix at (row, column, rows, columns) gives: `by x†` by its weights, `W† by` by its inputs.
    fn add_block(
        &self,
        (row, col, rows, cols): (usize, usize, usize, usize),
        light: Lit<T>,
        by: &Fields<T>,
        gradient: &mut MapGradient<T>,
    ) {
        let one = T::one();
        let block = s![row..row + rows, col..col + cols];
        // Receivers of a real network read one quadrature.
        let has_imaginary = by.im.iter().any(|x| *x != T::zero());
        let mut by_re = gradient.weight.re.slice_mut(block);
        let mut by_im = gradient.weight.im.slice_mut(block);
        general_mat_mul(one, &by.re, &light.re.t(), one, &mut by_re);
        if has_imaginary {
            general_mat_mul(one, &by.im, &light.re.t(), one, &mut by_im);
        }
        if let Some(im) = &light.im {
            if has_imaginary {
                general_mat_mul(one, &by.im, &im.t(), one, &mut by_re);
            }
            general_mat_mul(-one, &by.re, &im.t(), one, &mut by_im);
        }
        let [re, im] = [&self.whole.re, &self.whole.im].map(|part| part.slice(block));
        let inputs = s![col..col + cols, ..];
        let (by_x, by_y) = match &mut gradient.inputs {
            Batch::Real(x) => (x, None),
            Batch::Complex(z) => (&mut z.re, Some(&mut z.im)),
        };
        let mut by_x = by_x.slice_mut(inputs);
        general_mat_mul(one, &re.t(), &by.re, one, &mut by_x);
        if has_imaginary {
            general_mat_mul(one, &im.t(), &by.im, one, &mut by_x);
        }
        if let Some(by_y) = by_y {
            let mut by_y = by_y.slice_mut(inputs);
            if has_imaginary {
                general_mat_mul(one, &re.t(), &by.im, one, &mut by_y);
            }
            general_mat_mul(-one, &im.t(), &by.re, one, &mut by_y);
        }
    }
}

impl<T: Real> Conditions<'_, T> {
    /// The gradient of the map's shots.
    pub(super) fn gradient(&self, input: Batch<T>, by_outputs: &Batch<T>) -> MapGradient<T> {
        let factors = self.laser_factors(input.samples());
        if self.is_blocks() {
            return self.by_blocks(&input, by_outputs, factors.as_deref());
        }
        let map = self.map;
        let mut light = input.clone();
        let limit = self.limit(factors.as_deref());
        if map.modulated {
            self.modulate(&mut light, factors.as_deref());
        }
        let mut gradient = match map.reading {
            Reading::Optical => map.clean_gradient(&light, by_outputs),
            _ => map.by_tiles(&light, by_outputs, |index| self.shot(index, limit)),
        };
        if map.modulated {
            self.modulated(&input, &mut gradient.inputs, factors.as_deref());
        }
        gradient
    }

    /// The gradient in front of the modulators, from that behind them.
    fn modulated(&self, values: &Batch<T>, by: &mut Batch<T>, factors: Option<&[T]>) {
        if let Some(factors) = factors {
            scale_samples(by, factors);
        }
        self.calibration.modulator.pull_back(values, by);
    }

    /// The gradient of readings in blocks, the scales of the blocks held.
    fn by_blocks(
        &self,
        input: &Batch<T>,
        by_outputs: &Batch<T>,
        factors: Option<&[T]>,
    ) -> MapGradient<T> {
        let map = self.map;
        let mut gradient = map.empty_gradient(input);
        for (index, tile) in map.tiles.iter().enumerate() {
            let mut own = tile.lit(input).to_batch();
            let scales = block_scales(&own);
            divide_samples(&mut own, &scales);
            let mut light = own.clone();
            self.modulate(&mut light, factors);
            let mut by_sums = Batch::Complex(rows(&complex(by_outputs), tile));
            scale_samples(&mut by_sums, &scales);
            let Batch::Complex(by_sums) = by_sums else {
                unreachable!("a complex batch stays one")
            };
            let lit = Lit::all(&light);
            let (by, by_scale) = tile.by_fields(map.reading, lit, self.shot(index, None), &by_sums);
            gradient.scales[index] = by_scale;
            // By the tile's own inputs, apart from those of other tiles.
            let mut block = MapGradient {
                inputs: dark(input),
                weight: gradient.weight,
                scales: Vec::new(),
            };
            map.add_block(
                (tile.row, tile.col, tile.rows, tile.cols),
                lit,
                &by,
                &mut block,
            );
            gradient.weight = block.weight;
            let inputs = tile.col..tile.col + tile.cols;
            let mut by_light = block.inputs.rows(inputs);
            // The scale of a block follows its largest value, which rounding of the scale may have put out of range.
            clamp(&mut own);
            self.modulated(&own, &mut by_light, factors);
            divide_samples(&mut by_light, &scales);
            add_rows(&mut gradient.inputs, tile.col, &by_light);
        }
        gradient
    }
}

/// Brings all parts of a block into its range, from -1 to 1.
fn clamp<T: Real>(block: &mut Batch<T>) {
    let parts = match block {
        Batch::Real(x) => vec![x],
        Batch::Complex(z) => vec![&mut z.re, &mut z.im],
    };
    for part in parts {
        part.mapv_inplace(|x| x.max(-T::one()).min(T::one()));
    }
}

/// Dark signals of the kind and shape of `batch`.
fn dark<T: Real>(batch: &Batch<T>) -> Batch<T> {
    let shape = (batch.features(), batch.samples());
    match batch {
        Batch::Real(_) => Batch::Real(Array2::zeros(shape)),
        Batch::Complex(_) => Batch::Complex(Fields::zeros(shape.0, shape.1)),
    }
}

/// The signals as complex ones.
fn complex<T: Real>(batch: &Batch<T>) -> Fields<T> {
    match batch {
        Batch::Real(x) => Fields {
            re: x.as_standard_layout().into_owned(),
            im: Array2::zeros(x.dim()),
        },
        Batch::Complex(z) => z.clone(),
    }
}

/// The rows of a map's outputs that `tile` adds to.
fn rows<T: Real>(sums: &Fields<T>, tile: &LoadedTile<T>) -> Fields<T> {
    let rows = s![tile.row..tile.row + tile.rows, ..];
    Fields {
        re: sums.re.slice(rows).to_owned(),
        im: sums.im.slice(rows).to_owned(),
    }
}

/// Adds `part` to the rows of `batch` from `first` on.
fn add_rows<T: Real>(batch: &mut Batch<T>, first: usize, part: &Batch<T>) {
    let add = |to: &mut Array2<T>, from: &Array2<T>| {
        let mut rows = to.slice_mut(s![first..first + from.nrows(), ..]);
        rows += from;
    };
    match (batch, part) {
        (Batch::Real(x), Batch::Real(part)) => add(x, part),
        (Batch::Complex(z), Batch::Complex(part)) => {
            add(&mut z.re, &part.re);
            add(&mut z.im, &part.im);
        }
        _ => unreachable!("both are of the kind of the inputs"),
    }
}
