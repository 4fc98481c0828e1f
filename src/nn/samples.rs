//! Raw samples.

use ndarray::{Array2, s};

/// Raw samples, `[sample, feature]`, in the type of their file.
#[derive(Debug, Clone, PartialEq)]
pub struct Samples {
    /// The numbers.
    pub values: Values,
    /// What a network takes as 1 unless its input says otherwise: 255 for bytes, else 1.
    pub full_scale: f64,
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

impl From<Array2<u8>> for Samples {
    fn from(x: Array2<u8>) -> Self {
        Self {
            values: Values::Bytes(x),
            full_scale: 255.0,
        }
    }
}

impl From<Array2<f32>> for Samples {
    fn from(x: Array2<f32>) -> Self {
        Self {
            values: Values::Single(x),
            full_scale: 1.0,
        }
    }
}

impl From<Array2<f64>> for Samples {
    fn from(x: Array2<f64>) -> Self {
        Self {
            values: Values::Double(x),
            full_scale: 1.0,
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
