//! How raw data become the signals of the first layer.

use std::ops::Range;

use ndarray::{Array2, ArrayView2, Axis, s};
use serde::{Deserialize, Serialize};

use super::batch::Batch;
use super::dataset::{Samples, Values};
use crate::error::{Error, Result};
use crate::field::{Fields, Real};

/// The first step of a network: `x = (raw · scale − mean) / std`, then [`Encoding`].
///
/// The default takes data at [`Scale::FullScale`]: bytes become pixel / 255, other numbers stay.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Input {
    /// What raw values are multiplied with.
    pub scale: Scale,
    /// Subtracted after scaling.
    pub mean: f64,
    /// Divided by after that.
    pub std: f64,
    /// How real features become signals.
    pub encoding: Encoding,
}

/// The factor on raw values.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Scale {
    /// One over the full scale of the data: 1/255 for bytes, 1 for other numbers. Written `"full-scale"`.
    #[default]
    FullScale,
    /// This number, whatever the data. Written as the number.
    Factor(f64),
}

/// How real features become the signals of the first layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// One real signal a feature.
    #[default]
    Real,
    /// The first half of the features are real parts, the second half imaginary parts.
    ComplexHalves,
}

impl Default for Input {
    fn default() -> Self {
        Self {
            scale: Scale::FullScale,
            mean: 0.0,
            std: 1.0,
            encoding: Encoding::Real,
        }
    }
}

impl Serialize for Scale {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::FullScale => serializer.serialize_str("full-scale"),
            Self::Factor(factor) => serializer.serialize_f64(*factor),
        }
    }
}

impl<'de> Deserialize<'de> for Scale {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Scale;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number or \"full-scale\"")
            }
            fn visit_f64<E>(self, factor: f64) -> Result<Scale, E> {
                Ok(Scale::Factor(factor))
            }
            fn visit_i64<E>(self, factor: i64) -> Result<Scale, E> {
                Ok(Scale::Factor(factor as f64))
            }
            fn visit_u64<E>(self, factor: u64) -> Result<Scale, E> {
                Ok(Scale::Factor(factor as f64))
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Scale, E> {
                match text {
                    "full-scale" => Ok(Scale::FullScale),
                    other => Err(E::invalid_value(serde::de::Unexpected::Str(other), &self)),
                }
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl Input {
    /// Fails unless every parameter is finite, and scale and std are not zero.
    ///
    /// # Errors
    /// [`Error::Value`].
    pub fn check(&self) -> Result<()> {
        if !self.mean.is_finite() {
            return Err(Error::value("input.mean", self.mean, "finite"));
        }
        if !(self.std.is_finite() && self.std > 0.0) {
            return Err(Error::value("input.std", self.std, "finite and above 0"));
        }
        match self.scale {
            Scale::Factor(factor) if !(factor.is_finite() && factor != 0.0) => {
                Err(Error::value("input.scale", factor, "finite and not 0"))
            }
            _ => Ok(()),
        }
    }

    /// Raw features a sample must have so that the first layer sees `signals` of them.
    pub fn features(&self, signals: usize) -> usize {
        match self.encoding {
            Encoding::Real => signals,
            Encoding::ComplexHalves => 2 * signals,
        }
    }

    /// The signals of the samples in `range`, planar `[signal, sample]`.
    ///
    /// # Errors
    /// [`Error::Shape`] if halves are asked of an odd number of features.
    ///
    /// # Panics
    /// If `range` leaves the samples.
    pub fn encode<T: Real>(&self, samples: &Samples, range: Range<usize>) -> Result<Batch<T>> {
        let features = samples.features();
        let split = match self.encoding {
            Encoding::Real => features,
            Encoding::ComplexHalves if features.is_multiple_of(2) => features / 2,
            Encoding::ComplexHalves => {
                return Err(Error::shape(
                    "data",
                    [samples.len(), features],
                    "of an even number of features for encoding = \"complex-halves\"",
                ));
            }
        };
        let half = |columns: Range<usize>| {
            let part = s![range.clone(), columns];
            match &samples.values {
                Values::Bytes(raw) => {
                    let table: [T; 256] = std::array::from_fn(|raw| self.of(samples, raw as f64));
                    planar(raw.slice(part), |raw| table[usize::from(raw)])
                }
                Values::Single(raw) => {
                    planar(raw.slice(part), |raw| self.of(samples, f64::from(raw)))
                }
                Values::Double(raw) => planar(raw.slice(part), |raw| self.of(samples, raw)),
            }
        };
        Ok(match self.encoding {
            Encoding::Real => Batch::Real(half(0..features)),
            Encoding::ComplexHalves => Batch::Complex(Fields {
                re: half(0..split),
                im: half(split..features),
            }),
        })
    }

    fn of<T: Real>(&self, samples: &Samples, raw: f64) -> T {
        let scaled = match self.scale {
            Scale::FullScale => raw / samples.full_scale,
            Scale::Factor(factor) => raw * factor,
        };
        T::of((scaled - self.mean) / self.std)
    }
}

/// `raw` transposed to `[feature, sample]` and mapped; samples are taken a few at a time, so that the strided
/// side stays in the cache.
fn planar<R: Copy, T: Real>(raw: ArrayView2<'_, R>, map: impl Fn(R) -> T) -> Array2<T> {
    const TILE: usize = 16;
    let mut out = Array2::zeros((raw.ncols(), raw.nrows()));
    for (rows, mut columns) in raw
        .axis_chunks_iter(Axis(0), TILE)
        .zip(out.axis_chunks_iter_mut(Axis(1), TILE))
    {
        for (feature, mut column) in columns.rows_mut().into_iter().enumerate() {
            for (sample, slot) in column.iter_mut().enumerate() {
                *slot = map(rows[[sample, feature]]);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr2;

    #[test]
    fn bytes_are_taken_at_full_scale_unless_a_factor_is_given() {
        let bytes = Samples::from(arr2(&[[0u8, 51], [255, 102], [1, 2]]));
        let input = Input::default();
        let expected = Batch::Real(arr2(&[[1.0, 1.0 / 255.0], [0.4, 2.0 / 255.0]]));
        assert_eq!(input.encode::<f64>(&bytes, 1..3).unwrap(), expected);
        let raw = Input {
            scale: Scale::Factor(1.0),
            ..input
        };
        let expected = Batch::Real(arr2(&[[0.0f32], [51.0]]));
        assert_eq!(raw.encode::<f32>(&bytes, 0..1).unwrap(), expected);
        let numbers = Samples::from(arr2(&[[7.0, 9.0]]));
        let expected = Batch::Real(arr2(&[[7.0], [9.0]]));
        assert_eq!(input.encode::<f64>(&numbers, 0..1).unwrap(), expected);
    }

    #[test]
    fn features_are_scaled_then_centred_then_divided() {
        let input = Input {
            scale: Scale::Factor(0.5),
            mean: 1.0,
            std: 4.0,
            encoding: Encoding::ComplexHalves,
        };
        let samples = Samples::from(arr2(&[[10.0f32, 2.0, -6.0, 4.0]]));
        let expected = Fields {
            re: arr2(&[[1.0], [0.0]]),
            im: arr2(&[[-1.0], [0.25]]),
        };
        let batch = input.encode::<f64>(&samples, 0..1).unwrap();
        assert_eq!(batch, Batch::Complex(expected));
        let odd = Samples::from(arr2(&[[1.0f32, 2.0, 3.0]]));
        assert!(input.encode::<f64>(&odd, 0..1).is_err());
    }

    #[test]
    fn more_samples_than_a_tile_keep_their_order() {
        let raw = Array2::from_shape_fn((37, 3), |(sample, feature)| (sample * 3 + feature) as f64);
        let samples = Samples::from(raw.clone());
        let batch = Input::default().encode::<f64>(&samples, 0..37).unwrap();
        assert_eq!(batch, Batch::Real(raw.t().to_owned()));
    }

    #[test]
    fn an_input_survives_json_and_refuses_what_it_does_not_know() {
        for scale in [Scale::FullScale, Scale::Factor(1.0 / 255.0)] {
            let input = Input {
                scale,
                mean: 0.1307,
                ..Input::default()
            };
            let text = serde_json::to_string(&input).unwrap();
            assert_eq!(serde_json::from_str::<Input>(&text).unwrap(), input);
        }
        assert_eq!(
            serde_json::from_str::<Input>("{}").unwrap(),
            Input::default()
        );
        assert!(serde_json::from_str::<Input>(r#"{"scael": 1}"#).is_err());
        assert!(serde_json::from_str::<Input>(r#"{"scale": "half"}"#).is_err());
        assert!(
            Input {
                std: 0.0,
                ..Input::default()
            }
            .check()
            .is_err()
        );
    }
}
