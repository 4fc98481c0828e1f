//! How raw data become the signals of the first layer.

use std::ops::Range;

use ndarray::{Array2, ArrayView2, Axis, s};
use serde::{Deserialize, Serialize};

use super::batch::Batch;
use super::normalization::{Normalization, PerFeature, Scale};
use super::samples::{Samples, Values};
use crate::error::{Error, Result};
use crate::field::{Fields, Real};

/// The first step of a network: `x = (raw · scale − mean) / std`, then [`Encoding`].
///
/// The default takes data at [`Scale::FullScale`]: bytes become pixel / 255, other numbers stay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Input {
    /// What raw values are multiplied with.
    pub scale: Scale,
    /// Subtracted after scaling.
    pub mean: PerFeature,
    /// Divided by after that.
    pub std: PerFeature,
    /// How real features become signals.
    pub encoding: Encoding,
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
            mean: PerFeature::Same(0.0),
            std: PerFeature::Same(1.0),
            encoding: Encoding::Real,
        }
    }
}

impl Input {
    /// Fails unless every parameter is finite, scale is not zero and std above zero, and those that are given for every
    /// feature are as many as the `features` of a sample.
    ///
    /// # Errors
    /// [`Error::Value`], [`Error::Shape`].
    pub fn check(&self, features: usize) -> Result<()> {
        self.mean
            .check("input.mean", features, "finite", f64::is_finite)?;
        let limit = "finite and above 0 (1 where a feature never varies)";
        let is_divisor = |std: f64| std.is_finite() && std > 0.0;
        self.std.check("input.std", features, limit, is_divisor)?;
        match &self.scale {
            Scale::FullScale => Ok(()),
            Scale::Factor(factor) => {
                let is_factor = |factor: f64| factor.is_finite() && factor != 0.0;
                factor.check("input.scale", features, "finite and not 0", is_factor)
            }
        }
    }

    /// What is made of numbers before the first layer, in words, as far as this says it: `bytes divided by 255, other
    /// numbers as they are; less 0.1307; divided by 0.3081`.
    pub fn words(&self) -> String {
        let scaled = match &self.scale {
            Scale::FullScale => "bytes divided by 255, other numbers as they are".to_owned(),
            Scale::Factor(factor) => format!("numbers times {factor}"),
        };
        scaled + &self.normalized()
    }

    /// The same of these `samples`: `bytes from 0 to 16, divided by 255`.
    pub fn words_of(&self, samples: &Samples) -> String {
        let (low, high) = range(&samples.values);
        let kind = match samples.values {
            Values::Bytes(_) => "bytes",
            Values::Single(_) | Values::Double(_) => "numbers",
        };
        let scaled = match &self.scale {
            Scale::FullScale if samples.are_bytes_as_numbers() => format!(
                "as they are (--scale {} at compile divides them by 255)",
                1.0 / 255.0
            ),
            Scale::FullScale if samples.full_scale == 1.0 => "as they are".to_owned(),
            Scale::FullScale => format!("divided by {}", samples.full_scale),
            Scale::Factor(factor) => format!("times {factor}"),
        };
        format!("{kind} from {low} to {high}, {scaled}") + &self.normalized()
    }

    fn normalized(&self) -> String {
        let mut words = String::new();
        if self.mean != PerFeature::Same(0.0) {
            words += &format!("; less {}", self.mean);
        }
        if self.std != PerFeature::Same(1.0) {
            words += &format!("; divided by {}", self.std);
        }
        words
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
            let first = columns.start;
            let part = s![range.clone(), columns];
            let of = |feature: usize, raw: f64| self.of(samples, first + feature, raw);
            match &samples.values {
                Values::Bytes(raw) if self.is_same() => {
                    let table: [T; 256] = std::array::from_fn(|raw| of(0, raw as f64));
                    planar(raw.slice(part), |_, raw| table[usize::from(raw)])
                }
                Values::Bytes(raw) => planar(raw.slice(part), |at, raw| of(at, f64::from(raw))),
                Values::Single(raw) => planar(raw.slice(part), |at, raw| of(at, f64::from(raw))),
                Values::Double(raw) => planar(raw.slice(part), of),
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

    /// Whether all features are taken alike.
    fn is_same(&self) -> bool {
        let is_same = |values: &PerFeature| matches!(values, PerFeature::Same(_));
        let is_scaled_alike = match &self.scale {
            Scale::FullScale => true,
            Scale::Factor(factor) => is_same(factor),
        };
        is_scaled_alike && is_same(&self.mean) && is_same(&self.std)
    }

    fn of<T: Real>(&self, samples: &Samples, feature: usize, raw: f64) -> T {
        let scaled = match &self.scale {
            Scale::FullScale => raw / samples.full_scale,
            Scale::Factor(factor) => raw * factor.of(feature),
        };
        T::of((scaled - self.mean.of(feature)) / self.std.of(feature))
    }
}

impl Normalization {
    /// `input` with what is said here.
    pub(super) fn over(&self, input: Input) -> Input {
        Input {
            scale: (self.scale.clone()).map_or(input.scale, Scale::Factor),
            mean: self.mean.clone().unwrap_or(input.mean),
            std: self.std.clone().unwrap_or(input.std),
            encoding: input.encoding,
        }
    }
}

/// The smallest and the largest of the numbers.
fn range(values: &Values) -> (f64, f64) {
    fn of<T: Copy + Into<f64>>(values: &Array2<T>) -> (f64, f64) {
        let start = (f64::INFINITY, f64::NEG_INFINITY);
        values.iter().fold(start, |(low, high), &value| {
            let value = value.into();
            (value.min(low), value.max(high))
        })
    }
    match values {
        Values::Bytes(values) => of(values),
        Values::Single(values) => of(values),
        Values::Double(values) => of(values),
    }
}

/// `raw` transposed to `[feature, sample]` and mapped, with the number of the feature; samples are taken a few at a
/// time, so that the strided side stays in the cache.
fn planar<R: Copy, T: Real>(raw: ArrayView2<'_, R>, map: impl Fn(usize, R) -> T) -> Array2<T> {
    const TILE: usize = 16;
    let mut out = Array2::zeros((raw.ncols(), raw.nrows()));
    for (rows, mut columns) in raw
        .axis_chunks_iter(Axis(0), TILE)
        .zip(out.axis_chunks_iter_mut(Axis(1), TILE))
    {
        for (feature, mut column) in columns.rows_mut().into_iter().enumerate() {
            for (sample, slot) in column.iter_mut().enumerate() {
                *slot = map(feature, rows[[sample, feature]]);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::compare::{shape, value};
    use ndarray::arr2;

    #[test]
    fn bytes_are_taken_at_full_scale_unless_a_factor_is_given() {
        let bytes = Samples::from(arr2(&[[0u8, 51], [255, 102], [1, 2]]));
        let input = Input::default();
        let expected = Batch::Real(arr2(&[[1.0, 1.0 / 255.0], [0.4, 2.0 / 255.0]]));
        assert_eq!(input.encode::<f64>(&bytes, 1..3).unwrap(), expected);
        let raw = Input {
            scale: Scale::Factor(1.0.into()),
            ..input.clone()
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
            scale: Scale::Factor(0.5.into()),
            mean: 1.0.into(),
            std: 4.0.into(),
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

    /// By hand: ((10, 2, −6, 4) · (1, 2, 1, 0.5) − (0, 1, 2, 3)) / (1, 2, 4, 0.5) = (10, 1.5, −2, −2).
    #[test]
    fn features_have_scales_means_and_deviations_of_their_own() {
        let input = Input {
            scale: Scale::Factor(vec![1.0, 2.0, 1.0, 0.5].into()),
            mean: vec![0.0, 1.0, 2.0, 3.0].into(),
            std: vec![1.0, 2.0, 4.0, 0.5].into(),
            encoding: Encoding::ComplexHalves,
        };
        let expected = Batch::Complex(Fields {
            re: arr2(&[[10.0], [1.5]]),
            im: arr2(&[[-2.0], [-2.0]]),
        });
        let single = Samples::from(arr2(&[[10.0f32, 2.0, -6.0, 4.0]]));
        assert_eq!(input.encode::<f64>(&single, 0..1).unwrap(), expected);
        let double = Samples::from(arr2(&[[10.0, 2.0, -6.0, 4.0]]));
        assert_eq!(input.encode::<f64>(&double, 0..1).unwrap(), expected);
        let bytes = Samples::from(arr2(&[[10u8, 2, 6, 4]]));
        let expected = Batch::Complex(Fields {
            re: arr2(&[[10.0], [1.5]]),
            im: arr2(&[[1.0], [-2.0]]),
        });
        assert_eq!(input.encode::<f64>(&bytes, 0..1).unwrap(), expected);
        assert!(input.check(4).is_ok());
        assert_eq!(
            input.check(3).unwrap_err().refusal(),
            shape("input.mean", &[4])
        );
    }

    #[test]
    fn what_is_assumed_of_data_is_said_in_words() {
        let bytes = Samples::from(arr2(&[[0u8, 16], [3, 1]]));
        let input = Input::default();
        assert_eq!(input.words_of(&bytes), "bytes from 0 to 16, divided by 255");
        let numbers = Samples::from(arr2(&[[-0.5f32, 2.0]]));
        assert_eq!(
            input.words_of(&numbers),
            "numbers from -0.5 to 2, as they are"
        );
        let input = Input {
            scale: Scale::Factor(0.0625.into()),
            mean: 0.1307.into(),
            std: vec![0.5, 1.0].into(),
            ..input
        };
        let normalized = "; less 0.1307; divided by one number a feature, from 0.5 to 1";
        assert_eq!(
            input.words_of(&bytes),
            format!("bytes from 0 to 16, times 0.0625{normalized}")
        );
        assert_eq!(input.words(), format!("numbers times 0.0625{normalized}"));
    }

    #[test]
    fn an_input_survives_json_and_refuses_what_it_does_not_know() {
        for (scale, mean) in [
            (Scale::FullScale, PerFeature::Same(0.1307)),
            (
                Scale::Factor((1.0 / 255.0).into()),
                vec![0.1, 1.0 / 3.0].into(),
            ),
            (Scale::Factor(vec![0.1, 3.0].into()), PerFeature::Same(0.0)),
        ] {
            let input = Input {
                scale,
                mean,
                ..Input::default()
            };
            let text = serde_json::to_string(&input).unwrap();
            assert_eq!(serde_json::from_str::<Input>(&text).unwrap(), input);
        }
        assert_eq!(
            serde_json::from_str::<Input>("{}").unwrap(),
            Input::default()
        );
        // What program files of earlier versions hold.
        let old = r#"{"scale":"full-scale","mean":0.0,"std":1.0,"encoding":"real"}"#;
        assert_eq!(serde_json::to_string(&Input::default()).unwrap(), old);
        assert!(serde_json::from_str::<Input>(r#"{"scael": 1}"#).is_err());
        assert!(serde_json::from_str::<Input>(r#"{"scale": "half"}"#).is_err());
        assert!(serde_json::from_str::<Input>(r#"{"mean": "full-scale"}"#).is_err());
    }

    #[test]
    fn what_would_make_no_number_of_data_is_refused() {
        let error = |mean: PerFeature, std: PerFeature| {
            let input = Input {
                mean,
                std,
                ..Input::default()
            };
            input.check(2).unwrap_err().refusal()
        };
        let still = error(0.0.into(), 0.0.into());
        assert_eq!(still, value("input.std", "0"));
        let second_still = error(0.0.into(), vec![1.0, 0.0].into());
        assert_eq!(second_still, value("input.std[1]", "0"));
        let unknown = error(vec![f64::NAN, 0.0].into(), 1.0.into());
        assert_eq!(unknown, value("input.mean[0]", "NaN"));
        let input = Input {
            scale: Scale::Factor(0.0.into()),
            ..Input::default()
        };
        assert!(input.check(2).is_err());
    }
}
