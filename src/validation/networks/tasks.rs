//! What the networks learn.

use std::f64::consts::TAU;

use ndarray::Array2;

use super::learn::Samples;
use crate::field::Fields;
use crate::io::Source;
use crate::linalg::C64;
use crate::nn::{Dataset, Labels, Selection, Values};
use crate::rng::{Effect, Seed};

/// The training and the test part of a task.
#[derive(Debug, Clone)]
pub(super) struct Split {
    /// What a network learns from.
    pub train: Samples,
    /// What it is judged by.
    pub test: Samples,
}

/// Pixels of the built-in digits, `[pixel, sample]`, in [0, 1].
fn digits(file: &'static [u8]) -> (Array2<f64>, Vec<usize>) {
    let source = Source::new("digits", file);
    let data = Dataset::read(source, Selection::default()).expect("they hold x and y");
    let Values::Bytes(x) = data.x.values else {
        panic!("their pixels are bytes");
    };
    let Labels::Classes(y) = data.labels else {
        panic!("their labels are classes");
    };
    (x.t().mapv(|pixel| f64::from(pixel) / 16.0), y)
}

/// The built-in 8×8 digits, 1000 to learn from and 797 to be judged by, as `encode` puts pixels on modes.
fn split(encode: impl Fn(Array2<f64>) -> Fields<f64>) -> Split {
    let task = |file| {
        let (pixels, y) = digits(file);
        Samples {
            x: encode(pixels),
            y,
        }
    };
    Split {
        train: task(include_bytes!("../../../meshes/demo/digits-train.npz")),
        test: task(include_bytes!("../../../meshes/demo/digits-test.npz")),
    }
}

/// One mode a pixel: 64 real amplitudes of mean 0 and variance 1 over the whole set.
pub fn pixels() -> Split {
    /// Mean and standard deviation of all pixels of the training part.
    const MEAN: f64 = 0.305;
    const STD: f64 = 0.376;
    split(|pixels| {
        let re = pixels.mapv(|pixel| (pixel - MEAN) / STD);
        let im = Array2::zeros(re.raw_dim());
        Fields { re, im }
    })
}

/// The 16 Fourier coefficients of lowest frequency of an 8×8 image: the centre of the shifted transform.
pub fn fourier() -> Split {
    split(|pixels| {
        let mut fields = Fields::zeros(16, pixels.ncols());
        for mode in 0..16 {
            let (u, v) = ((mode / 4) as f64 - 2.0, (mode % 4) as f64 - 2.0);
            for pixel in 0..64 {
                let turns = (u * (pixel / 8) as f64 + v * (pixel % 8) as f64) / 8.0;
                // 1/8 keeps the transform unitary.
                let factor = C64::from_polar(0.125, -TAU * turns);
                let row = pixels.row(pixel);
                fields.re.row_mut(mode).scaled_add(factor.re, &row);
                fields.im.row_mut(mode).scaled_add(factor.im, &row);
            }
        }
        fields
    })
}

/// Four classes of four real features, like the power of a vowel in four bands, with the scatter of speakers.
///
/// 180 samples to learn from and 180 to be judged by, as many of each class, drawn from `seed`.
pub fn vowels(seed: Seed) -> Split {
    /// Mean features of each class: a peak, its neighbours, a floor.
    const MEANS: [[f64; 4]; 4] = [
        [1.0, 0.6, 0.3, 0.2],
        [0.5, 1.0, 0.5, 0.2],
        [0.3, 0.5, 1.0, 0.5],
        [0.5, 0.2, 0.4, 1.0],
    ];
    /// Standard deviation of each feature within a class: the task is then about as hard as the paper's.
    const SCATTER: f64 = 0.22;
    let samples = 180;
    let task = |part| {
        let mut x = Fields::zeros(4, samples);
        let y: Vec<usize> = (0..samples).map(|sample| sample % 4).collect();
        for (sample, class) in y.iter().enumerate() {
            let mut stream = seed.stream(Effect::Haar, sample as u64, part, 1);
            for (mode, mean) in MEANS[*class].iter().enumerate() {
                x.re[[mode, sample]] = mean + SCATTER * stream.standard_normal();
            }
        }
        Samples { x, y }
    };
    Split {
        train: task(0),
        test: task(1),
    }
}
