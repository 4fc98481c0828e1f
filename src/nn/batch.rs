//! A batch of signals between layers, and how the last one is read.

use std::ops::Range;

use ndarray::{Array2, ArrayView2, Axis, Zip, concatenate, s};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::field::{Fields, Real, by_rows};

/// Samples that pass through the network together; memory does not grow with the number of samples.
pub const BLOCK: usize = 512;

/// Values that are checked at a time.
const RUN: usize = 256;

/// Signals of some samples, planar: `[feature, sample]`.
#[derive(Debug, Clone, PartialEq)]
pub enum Batch<T> {
    /// Real numbers.
    Real(Array2<T>),
    /// Complex amplitudes.
    Complex(Fields<T>),
}

impl<T: Real> Batch<T> {
    /// Number of features, or modes.
    pub fn features(&self) -> usize {
        match self {
            Self::Real(x) => x.nrows(),
            Self::Complex(fields) => fields.modes(),
        }
    }

    /// Number of samples.
    pub fn samples(&self) -> usize {
        match self {
            Self::Real(x) => x.ncols(),
            Self::Complex(fields) => fields.samples(),
        }
    }

    /// Stores real signals row by row, as kernels take them; fields are.
    pub(crate) fn store_by_rows(&mut self) {
        if let Self::Real(x) = self {
            *x = by_rows(std::mem::take(x));
        }
    }

    /// The signals of `features`.
    pub(crate) fn rows(&self, features: Range<usize>) -> Self {
        let rows = |x: &Array2<T>| x.slice(s![features.clone(), ..]).to_owned();
        match self {
            Self::Real(x) => Self::Real(rows(x)),
            Self::Complex(fields) => Self::Complex(Fields {
                re: rows(&fields.re),
                im: rows(&fields.im),
            }),
        }
    }

    /// The first samples, as many as `count`, of those there are.
    pub(crate) fn first(self, count: usize) -> Self {
        if count >= self.samples() {
            return self;
        }
        let first = |x: &Array2<T>| x.slice(s![.., ..count]).to_owned();
        match &self {
            Self::Real(x) => Self::Real(first(x)),
            Self::Complex(fields) => Self::Complex(Fields {
                re: first(&fields.re),
                im: first(&fields.im),
            }),
        }
    }

    /// Every `stride`-th column, walking through the places of a sample that has as many.
    pub(crate) fn every(&self, stride: usize) -> Self {
        if stride == 1 {
            return self.clone();
        }
        // One more than a sample has, or all would be of one place.
        let stride = (stride + 1) as isize;
        let columns = |x: &Array2<T>| x.slice(s![.., ..;stride]).to_owned();
        match self {
            Self::Real(x) => Self::Real(columns(x)),
            Self::Complex(fields) => Self::Complex(Fields {
                re: columns(&fields.re),
                im: columns(&fields.im),
            }),
        }
    }

    /// Batches of the same kind one after another along `axis`.
    ///
    /// # Panics
    /// If there is none, or they do not fit.
    pub(crate) fn stack(axis: Axis, batches: &[Self]) -> Self {
        let joined = |parts: Vec<ArrayView2<'_, T>>| {
            concatenate(axis, &parts).expect("batches of one shape")
        };
        let reals = batches.iter().filter_map(|batch| match batch {
            Self::Real(x) => Some(x.view()),
            Self::Complex(_) => None,
        });
        let fields = || {
            batches.iter().filter_map(|batch| match batch {
                Self::Real(_) => None,
                Self::Complex(fields) => Some(fields),
            })
        };
        match batches {
            [only] => only.clone(),
            [Self::Complex(_), ..] => Self::Complex(Fields {
                re: joined(fields().map(|part| part.re.view()).collect()),
                im: joined(fields().map(|part| part.im.view()).collect()),
            }),
            _ => Self::Real(joined(reals.collect())),
        }
    }

    /// Whether every signal is 0.
    pub fn is_dark(&self) -> bool {
        let dark = |x: &Array2<T>| x.iter().all(|x| *x == T::zero());
        match self {
            Self::Real(x) => dark(x),
            Self::Complex(fields) => dark(&fields.re) && dark(&fields.im),
        }
    }

    /// Whether the signals are complex.
    pub fn is_complex(&self) -> bool {
        matches!(self, Self::Complex(_))
    }

    /// Fails on the first signal that is NaN or infinite; `what` names the batch.
    ///
    /// # Errors
    /// [`Error::NotFinite`].
    pub fn check_finite(&self, what: &str) -> Result<()> {
        let check = |x: &Array2<T>| {
            // A run at a time: a register full of comparisons. Only what fails is searched.
            let is_sound = |run: &[T]| run.iter().fold(true, |sound, x| sound & x.is_finite());
            if x.as_slice_memory_order()
                .is_some_and(|all| all.chunks(RUN).all(is_sound))
            {
                return Ok(());
            }
            match x.indexed_iter().find(|(_, x)| !x.is_finite()) {
                None => Ok(()),
                Some(((feature, sample), got)) => Err(Error::NotFinite {
                    what: what.to_owned(),
                    index: format!("[{sample}, {feature}]"),
                    got: got.double().to_string(),
                }),
            }
        };
        match self {
            Self::Real(x) => check(x),
            Self::Complex(fields) => check(&fields.re).and_then(|()| check(&fields.im)),
        }
    }
}

/// How the output of the last layer becomes a logit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Readout {
    /// The real part: a coherent detector, or a real network's output itself.
    #[default]
    Real,
    /// The modulus |z|.
    Modulus,
    /// The intensity |z|².
    Intensity,
}

impl Readout {
    /// The gradient of a real loss by `signals`, ∂L/∂Re z + i ∂L/∂Im z of complex ones, from that by the logits that are read
    /// of them; 0 where a modulus is 0.
    ///
    /// # Panics
    /// If the two differ in shape.
    pub fn pull_back<T: Real>(self, signals: &Batch<T>, by_logits: &Array2<T>) -> Batch<T> {
        // What every part of a signal is multiplied by.
        let weights = match (self, signals) {
            (Self::Real, Batch::Real(_)) => return Batch::Real(by_logits.clone()),
            (Self::Real, Batch::Complex(_)) => {
                return Batch::Complex(Fields {
                    re: by_logits.clone(),
                    im: Array2::zeros(by_logits.dim()),
                });
            }
            (Self::Intensity, _) => by_logits.mapv(|by| by + by),
            (Self::Modulus, signals) => {
                let mut moduli = self.read(signals.clone());
                Zip::from(&mut moduli)
                    .and(by_logits)
                    .for_each(|modulus, by| {
                        *modulus = match *modulus > T::zero() {
                            true => *by / *modulus,
                            false => T::zero(),
                        };
                    });
                moduli
            }
        };
        match signals {
            Batch::Real(x) => Batch::Real(x * &weights),
            Batch::Complex(z) => Batch::Complex(Fields {
                re: &z.re * &weights,
                im: &z.im * &weights,
            }),
        }
    }

    /// The logits, `[class, sample]`.
    pub fn read<T: Real>(self, batch: Batch<T>) -> Array2<T> {
        match (self, batch) {
            (Self::Real, Batch::Real(x)) => x,
            (Self::Real, Batch::Complex(fields)) => fields.re,
            (Self::Modulus, Batch::Real(x)) => x.mapv_into(|x| x.abs()),
            (Self::Intensity, Batch::Real(x)) => x.mapv_into(|x| x * x),
            (Self::Modulus, Batch::Complex(Fields { mut re, im })) => {
                Zip::from(&mut re)
                    .and(&im)
                    .for_each(|re, &im| *re = re.hypot(im));
                re
            }
            (Self::Intensity, Batch::Complex(Fields { mut re, im })) => {
                Zip::from(&mut re)
                    .and(&im)
                    .for_each(|re, &im| *re = *re * *re + im * im);
                re
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr2;

    fn fields() -> Batch<f64> {
        Batch::Complex(Fields {
            re: arr2(&[[3.0, -1.0]]),
            im: arr2(&[[4.0, 0.0]]),
        })
    }

    #[test]
    fn readouts_are_real_part_modulus_and_its_square() {
        assert_eq!(Readout::Real.read(fields()), arr2(&[[3.0, -1.0]]));
        assert_eq!(Readout::Modulus.read(fields()), arr2(&[[5.0, 1.0]]));
        assert_eq!(Readout::Intensity.read(fields()), arr2(&[[25.0, 1.0]]));
        let real = Batch::Real(arr2(&[[-2.0f32]]));
        assert_eq!(Readout::Real.read(real.clone()), arr2(&[[-2.0]]));
        assert_eq!(Readout::Modulus.read(real.clone()), arr2(&[[2.0]]));
        assert_eq!(Readout::Intensity.read(real), arr2(&[[4.0]]));
    }
}
