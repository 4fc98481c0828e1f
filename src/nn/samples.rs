//! Raw samples.

use std::ops::Range;

use ndarray::{Array2, Axis, concatenate, s};

use super::normalization::PerFeature;

/// Raw samples, `[sample, feature]`, in the type of their file.
#[derive(Debug, Clone, PartialEq)]
pub struct Samples {
    /// The numbers.
    pub values: Values,
    /// What a network takes as 1 unless its input says otherwise: 255 for bytes, else 1; one number a feature where some
    /// features are bytes.
    pub full_scale: PerFeature,
}

/// The numbers of [`Samples`], `[sample, feature]`.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Unsigned bytes, as images are stored.
    Bytes(Array2<u8>),
    /// Single precision.
    Single(Array2<f32>),
    /// Double precision.
    Double(Array2<f64>),
}

/// A number that may not stand where it stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bad {
    pub(super) sample: usize,
    pub(super) feature: usize,
    pub(super) got: f64,
}

impl Values {
    /// These features and behind them those of `other`, in a type that holds both exactly.
    fn beside(self, other: Self) -> Self {
        fn join<T: Copy>(a: &Array2<T>, b: &Array2<T>) -> Array2<T> {
            let joined = concatenate(Axis(1), &[a.view(), b.view()]);
            joined.expect("both are of the same samples")
        }
        match (self, other) {
            (Self::Bytes(a), Self::Bytes(b)) => Self::Bytes(join(&a, &b)),
            (a @ Self::Double(_), b) | (a, b @ Self::Double(_)) => {
                Self::Double(join(&a.doubles(), &b.doubles()))
            }
            (a, b) => Self::Single(join(&a.singles(), &b.singles())),
        }
    }

    fn doubles(self) -> Array2<f64> {
        match self {
            Self::Bytes(x) => x.mapv(f64::from),
            Self::Single(x) => x.mapv(f64::from),
            Self::Double(x) => x,
        }
    }

    /// The numbers in single precision, which rounds only those of double precision.
    fn singles(self) -> Array2<f32> {
        match self {
            Self::Bytes(x) => x.mapv(f32::from),
            Self::Single(x) => x,
            Self::Double(x) => x.mapv(|x| x as f32),
        }
    }
}

impl From<Array2<u8>> for Samples {
    fn from(x: Array2<u8>) -> Self {
        Self {
            values: Values::Bytes(x),
            full_scale: 255.0.into(),
        }
    }
}

impl From<Array2<f32>> for Samples {
    fn from(x: Array2<f32>) -> Self {
        Self {
            values: Values::Single(x),
            full_scale: 1.0.into(),
        }
    }
}

impl From<Array2<f64>> for Samples {
    fn from(x: Array2<f64>) -> Self {
        Self {
            values: Values::Double(x),
            full_scale: 1.0.into(),
        }
    }
}

impl Samples {
    /// Number of samples.
    pub fn len(&self) -> usize {
        self.shape().0
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of features of a sample.
    pub fn features(&self) -> usize {
        self.shape().1
    }

    /// Whether they look like bytes that were written as other numbers: all whole, from 0 to 255, some above 1.
    pub fn are_bytes_as_numbers(&self) -> bool {
        fn look_so<'a, T: Copy + Into<f64> + 'a>(values: impl Iterator<Item = &'a T>) -> bool {
            let mut largest: f64 = 0.0;
            for &value in values {
                let value: f64 = value.into();
                if !(0.0..=255.0).contains(&value) || value.fract() != 0.0 {
                    return false;
                }
                largest = largest.max(value);
            }
            largest > 1.0
        }
        match &self.values {
            Values::Bytes(_) => false,
            Values::Single(x) => look_so(x.iter()),
            Values::Double(x) => look_so(x.iter()),
        }
    }

    fn shape(&self) -> (usize, usize) {
        match &self.values {
            Values::Bytes(x) => x.dim(),
            Values::Single(x) => x.dim(),
            Values::Double(x) => x.dim(),
        }
    }

    /// The features in `range` of all samples.
    ///
    /// # Panics
    /// If there are fewer.
    pub(super) fn columns(&self, range: Range<usize>) -> Self {
        let full_scale = match &self.full_scale {
            PerFeature::Same(same) => PerFeature::Same(*same),
            PerFeature::Each(each) => {
                let part = &each[range.clone()];
                match part.iter().all(|one| *one == part[0]) && !part.is_empty() {
                    true => PerFeature::Same(part[0]),
                    false => PerFeature::Each(part.to_vec()),
                }
            }
        };
        let part = s![.., range];
        let values = match &self.values {
            Values::Bytes(x) => Values::Bytes(x.slice(part).to_owned()),
            Values::Single(x) => Values::Single(x.slice(part).to_owned()),
            Values::Double(x) => Values::Double(x.slice(part).to_owned()),
        };
        Self { values, full_scale }
    }

    /// Samples whose feature `k` is feature `places[k]` of these, all of which are scaled alike.
    ///
    /// # Panics
    /// If there is no such feature.
    pub(super) fn at(&self, places: &[usize]) -> Self {
        let values = match &self.values {
            Values::Bytes(x) => Values::Bytes(x.select(Axis(1), places)),
            Values::Single(x) => Values::Single(x.select(Axis(1), places)),
            Values::Double(x) => Values::Double(x.select(Axis(1), places)),
        };
        let full_scale = self.full_scale.clone();
        Self { values, full_scale }
    }

    /// Samples that have the features of all `parts`, which are of the same samples, one after another.
    ///
    /// # Panics
    /// If there are none, or their numbers of samples differ.
    pub(super) fn beside(parts: Vec<Self>) -> Self {
        let full_scale = parts.iter().flat_map(|part| match &part.full_scale {
            PerFeature::Same(same) => vec![*same; part.features()],
            PerFeature::Each(each) => each.clone(),
        });
        let full_scale: Vec<f64> = full_scale.collect();
        let is_same = full_scale.iter().all(|one| *one == full_scale[0]);
        let full_scale = match full_scale.first() {
            Some(first) if is_same => PerFeature::Same(*first),
            _ => PerFeature::Each(full_scale),
        };
        let values = parts.into_iter().map(|part| part.values);
        let values = values.reduce(Values::beside).expect("there are parts");
        Self { values, full_scale }
    }

    /// The first number that `is_bad`, by sample, then feature; no byte is.
    pub(super) fn first_bad(&self, is_bad: impl Fn(f64) -> bool) -> Option<Bad> {
        fn first<T: Copy + Into<f64>>(x: &Array2<T>, is_bad: impl Fn(f64) -> bool) -> Option<Bad> {
            let mut numbers = x.indexed_iter().map(|(at, x)| (at, (*x).into()));
            let ((sample, feature), got) = numbers.find(|(_, x)| is_bad(*x))?;
            Some(Bad {
                sample,
                feature,
                got,
            })
        }
        match &self.values {
            Values::Bytes(_) => None,
            Values::Single(x) => first(x, is_bad),
            Values::Double(x) => first(x, is_bad),
        }
    }

    /// The samples at these places, in this order.
    pub(super) fn select(&self, places: &[usize]) -> Self {
        let values = match &self.values {
            Values::Bytes(x) => Values::Bytes(x.select(Axis(0), places)),
            Values::Single(x) => Values::Single(x.select(Axis(0), places)),
            Values::Double(x) => Values::Double(x.select(Axis(0), places)),
        };
        Self {
            values,
            full_scale: self.full_scale.clone(),
        }
    }

    /// The first `n` samples, or all if there are fewer.
    #[must_use]
    pub fn limit(self, n: usize) -> Self {
        let part = s![..n.min(self.len()), ..];
        let values = match self.values {
            Values::Bytes(x) => Values::Bytes(x.slice(part).to_owned()),
            Values::Single(x) => Values::Single(x.slice(part).to_owned()),
            Values::Double(x) => Values::Double(x.slice(part).to_owned()),
        };
        Self { values, ..self }
    }
}
