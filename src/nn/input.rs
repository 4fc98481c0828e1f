//! How raw data become the signals of the first layer.

use std::ops::Range;

use ndarray::{Array2, ArrayView2, Axis, s};
use serde::{Deserialize, Serialize};

use super::batch::Batch;
use super::normalization::{Channel, Feature, Normalization, PerFeature, Scale};
use super::port::{Channels, Element, Port};
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
    /// Where the channels of raw pictures stand; nothing where their shapes tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<Channels>,
    /// Lengths of the axes of a sample that is a picture, `[channel, row, column]`; none of a plain list, nor for a graph,
    /// which states them itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shape: Vec<usize>,
}

/// What becomes of the raw numbers of one feature.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Step {
    scaling: Scaling,
    mean: f64,
    std: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Scaling {
    /// Divided by a full scale.
    Over(f64),
    /// Multiplied with a factor.
    Times(f64),
}

impl Step {
    /// Numbers stay as they are.
    const NONE: Self = Self {
        scaling: Scaling::Over(1.0),
        mean: 0.0,
        std: 1.0,
    };

    fn of<T: Real>(self, raw: f64) -> T {
        let scaled = match self.scaling {
            Scaling::Over(full_scale) => raw / full_scale,
            Scaling::Times(factor) => raw * factor,
        };
        T::of((scaled - self.mean) / self.std)
    }
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
            channels: None,
            shape: Vec::new(),
        }
    }
}

impl Input {
    /// Fails unless every parameter is finite, scale is not zero and std above zero, those that are given for every
    /// feature are as many as the features of a sample that `ports` take, or as the channels of a picture, and what is said of
    /// pictures is said of some.
    ///
    /// # Errors
    /// [`Error::Value`], [`Error::Shape`].
    pub(super) fn check(&self, ports: &[Port]) -> Result<()> {
        self.mean
            .check("input.mean", ports, "finite", f64::is_finite)?;
        let limit = "finite and above 0 (1 where a feature never varies)";
        let is_divisor = |std: f64| std.is_finite() && std > 0.0;
        self.std.check("input.std", ports, limit, is_divisor)?;
        if let Some(channels) = self.channels
            && ports.iter().all(|port| port.picture().is_none())
        {
            let limit = "left out: no input of this network is a picture";
            return Err(Error::value("input.channels", channels, limit));
        }
        match &self.scale {
            Scale::FullScale => Ok(()),
            Scale::Factor(factor) => {
                let is_factor = |factor: f64| factor.is_finite() && factor != 0.0;
                factor.check("input.scale", ports, "finite and not 0", is_factor)
            }
        }
    }

    /// What is made of numbers before the first layer, in words, as far as this says it, where a sample has `features`: `bytes
    /// divided by 255, other numbers as they are; less 0.1307; divided by 0.3081`.
    pub(super) fn words(&self, features: usize) -> String {
        let scaled = match &self.scale {
            Scale::FullScale => "bytes divided by 255, other numbers as they are".to_owned(),
            Scale::Factor(factor) => format!("numbers times {}", factor.words(features)),
        };
        let channels = self
            .channels
            .map(|channels| format!("; the channels of pictures come {channels}"));
        scaled + &self.normalized(features) + &channels.unwrap_or_default()
    }

    /// The same of these `samples` for `port`, where a sample of all inputs has `features`: `bytes from 0 to 16, divided by
    /// 255`.
    pub(super) fn words_of(&self, samples: &Samples, port: &Port, features: usize) -> String {
        let (low, high) = range(&samples.values);
        let is_as_it_is = samples.full_scale == PerFeature::Same(1.0);
        let kind = match samples.values {
            Values::Single(_) | Values::Double(_) if is_as_it_is => "numbers",
            _ => "bytes",
        };
        let scaled = match &self.scale {
            _ if port.element != Element::Float => {
                return format!(
                    "{kind} from {low} to {high}, as they are: the input takes integers"
                );
            }
            Scale::FullScale if is_as_it_is && samples.are_bytes_as_numbers() => format!(
                "as they are (--scale {} at compile divides them by 255)",
                1.0 / 255.0
            ),
            Scale::FullScale if is_as_it_is => "as they are".to_owned(),
            Scale::FullScale => format!("divided by {}", samples.full_scale),
            Scale::Factor(factor) => format!("times {}", factor.words(features)),
        };
        format!("{kind} from {low} to {high}, {scaled}") + &self.normalized(features)
    }

    fn normalized(&self, features: usize) -> String {
        let mut words = String::new();
        if self.mean != PerFeature::Same(0.0) {
            words += &format!("; less {}", self.mean.words(features));
        }
        if self.std != PerFeature::Same(1.0) {
            words += &format!("; divided by {}", self.std.words(features));
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

    /// The signals of the samples in `range`, planar `[signal, sample]`, for the inputs `ports`, whose features stand one
    /// after another in a sample. Inputs of integers take numbers as they are.
    ///
    /// # Errors
    /// [`Error::Shape`] if halves are asked of an odd number of features.
    ///
    /// # Panics
    /// If `range` leaves the samples, or they have not the features of `ports`.
    pub(super) fn encode<T: Real>(
        &self,
        samples: &Samples,
        range: Range<usize>,
        ports: &[Port],
    ) -> Result<Batch<T>> {
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
        let steps = self.steps(samples, ports);
        assert_eq!(
            steps.len(),
            features,
            "a sample has the features of the inputs"
        );
        let is_same = steps.iter().all(|step| *step == steps[0]);
        let half = |columns: Range<usize>| {
            let first = columns.start;
            let part = s![range.clone(), columns];
            let of = |feature: usize, raw: f64| steps[first + feature].of(raw);
            match &samples.values {
                Values::Bytes(raw) if is_same => {
                    let table: [T; 256] = std::array::from_fn(|raw| steps[0].of(raw as f64));
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

    /// What becomes of each feature of `samples` in front of `ports`.
    fn steps(&self, samples: &Samples, ports: &[Port]) -> Vec<Step> {
        let of: usize = ports.iter().filter_map(Port::features).sum();
        let mut steps = Vec::with_capacity(of);
        for port in ports {
            let picture = port.picture();
            for place in 0..port.features().unwrap_or(0) {
                let channel = picture.as_ref().map(|picture| Channel {
                    number: picture.channel(place),
                    of: picture.channels,
                });
                let feature = Feature {
                    number: steps.len(),
                    of,
                    channel,
                };
                steps.push(match port.element {
                    Element::Float => self.step(samples, feature),
                    Element::Integer | Element::Boolean => Step::NONE,
                });
            }
        }
        steps
    }

    /// What becomes of a `feature` of `samples`, a floating-point number.
    fn step(&self, samples: &Samples, feature: Feature) -> Step {
        let factor = match &self.scale {
            Scale::FullScale => None,
            Scale::Factor(factor) => factor.of(feature),
        };
        let full_scale = || samples.full_scale.of(feature).unwrap_or(1.0);
        Step {
            scaling: factor.map_or_else(|| Scaling::Over(full_scale()), Scaling::Times),
            mean: self.mean.of(feature).unwrap_or(0.0),
            std: self.std.of(feature).unwrap_or(1.0),
        }
    }
}

impl Normalization {
    /// `input` with what is said here.
    pub(crate) fn over(&self, input: Input) -> Input {
        Input {
            scale: (self.scale.clone()).map_or(input.scale, Scale::Factor),
            mean: self.mean.clone().unwrap_or(input.mean),
            std: self.std.clone().unwrap_or(input.std),
            encoding: input.encoding,
            channels: self.channels.or(input.channels),
            shape: input.shape,
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
mod tests;
