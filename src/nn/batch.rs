//! A batch of signals between layers, and how the last one is read.

use ndarray::{Array2, Zip};
use serde::{Deserialize, Serialize};

use super::model::Bias;
use crate::error::{Error, Result};
use crate::field::{Fields, Real};

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
        if let Self::Real(x) = self
            && !x.is_standard_layout()
        {
            *x = x.as_standard_layout().into_owned();
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
            if x.as_slice()
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

    /// Adds `bias`, one number a feature, to every sample.
    ///
    /// # Panics
    /// If there is not one number a feature, or a complex bias meets real signals ([`super::Model::check`]
    /// refuses both).
    pub fn add_bias(&mut self, bias: &Bias) {
        fn add<T: Real>(x: &mut Array2<T>, bias: impl Iterator<Item = f64>) {
            for (mut row, b) in x.rows_mut().into_iter().zip(bias) {
                let b = T::of(b);
                row.mapv_inplace(|value| value + b);
            }
        }
        assert_eq!(bias.len(), self.features(), "one bias a feature");
        match (self, bias) {
            (Self::Real(x), Bias::Real(b)) => add(x, b.iter().copied()),
            (Self::Complex(fields), Bias::Real(b)) => add(&mut fields.re, b.iter().copied()),
            (Self::Complex(fields), Bias::Complex(b)) => {
                add(&mut fields.re, b.iter().map(|z| z.re));
                add(&mut fields.im, b.iter().map(|z| z.im));
            }
            (Self::Real(_), Bias::Complex(_)) => panic!("a complex bias needs complex signals"),
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
    use ndarray::{arr1, arr2};
    use num_complex::Complex;

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

    #[test]
    fn a_bias_is_added_to_every_sample_of_its_feature() {
        let mut real = Batch::Real(arr2(&[[1.0, 2.0], [3.0, 4.0]]));
        real.add_bias(&Bias::Real(arr1(&[10.0, 20.0])));
        assert_eq!(real, Batch::Real(arr2(&[[11.0, 12.0], [23.0, 24.0]])));
        let mut complex = fields();
        complex.add_bias(&Bias::Complex(arr1(&[Complex::new(1.0, -4.0)])));
        let Batch::Complex(sum) = complex else {
            panic!()
        };
        assert_eq!(
            (sum.re, sum.im),
            (arr2(&[[4.0, 0.0]]), arr2(&[[0.0, -4.0]]))
        );
    }
}
