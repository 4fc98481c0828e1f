//! Numbers that data are scaled and shifted by: one for all features, one a feature, or one a channel of pictures.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::port::{Channels, Element, Port};
use crate::error::{Context, Error, Result};
use crate::io;

/// Most numbers of a list that are said one by one.
const LISTED: usize = 4;

/// One number for all features, one a feature, or one a channel of pictures; written as a number or a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum PerFeature {
    /// This number for every feature.
    Same(f64),
    /// One number a feature; or one a channel of every picture that has so many, while other inputs stay as they are.
    Each(Vec<f64>),
}

/// A feature of a sample, for which [`PerFeature`] has a number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Feature {
    /// Its number.
    pub(super) number: usize,
    /// How many a sample has.
    pub(super) of: usize,
    /// Its channel, where it is one of a picture.
    pub(super) channel: Option<Channel>,
}

/// A channel of a picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Channel {
    /// Its number.
    pub(super) number: usize,
    /// How many the picture has.
    pub(super) of: usize,
}

/// The factor on raw values.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Scale {
    /// One over the full scale of the data: 1/255 for bytes, 1 for other numbers. Written `"full-scale"`.
    #[default]
    FullScale,
    /// These numbers, whatever the data. Written as numbers.
    Factor(PerFeature),
}

/// What data go through in front of a network whose file does not say it; nothing is left as the file has it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Normalization {
    /// What raw values are multiplied with.
    pub scale: Option<PerFeature>,
    /// Subtracted after scaling.
    pub mean: Option<PerFeature>,
    /// Divided by after that.
    pub std: Option<PerFeature>,
    /// Where the channels of raw pictures stand; nothing where their shapes tell.
    pub channels: Option<Channels>,
}

impl Normalization {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl From<f64> for PerFeature {
    fn from(value: f64) -> Self {
        Self::Same(value)
    }
}

impl From<Vec<f64>> for PerFeature {
    fn from(values: Vec<f64>) -> Self {
        Self::Each(values)
    }
}

/// The number, or the range of several.
impl fmt::Display for PerFeature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same(value) => write!(f, "{value}"),
            Self::Each(values) => f.write_str(&ranged(values, "feature")),
        }
    }
}

/// `values`, which are one a `place`, by their range.
fn ranged(values: &[f64], place: &str) -> String {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    format!("one number a {place}, from {low} to {high}")
}

impl PerFeature {
    /// The numbers that `text` gives: one number, a list with commas, or the path of an `.npy` array or of an `.npz`
    /// archive that holds an array called `name`, of any shape.
    ///
    /// # Errors
    /// [`Error::Value`] for text that is none of these; whatever is wrong with the file, named.
    ///
    /// ```
    /// use lightloom::nn::PerFeature;
    ///
    /// assert_eq!(PerFeature::open("mean", "0.1307")?, PerFeature::Same(0.1307));
    /// assert_eq!(PerFeature::open("mean", "0.1, -2")?, PerFeature::Each(vec![0.1, -2.0]));
    /// # Ok::<(), lightloom::Error>(())
    /// ```
    pub fn open(name: &str, text: &str) -> Result<Self> {
        Self::open_in(Path::new(""), name, text)
    }

    /// The numbers that stand in `text` itself; none where it is something else, such as a path.
    pub(crate) fn written(text: &str) -> Option<Self> {
        let numbers = text.split(',').map(|x| x.trim().parse().ok());
        let numbers: Vec<f64> = numbers.collect::<Option<_>>()?;
        Some(match numbers[..] {
            [only] => Self::Same(only),
            _ => Self::Each(numbers),
        })
    }

    /// Whether `text` is the path of an array.
    pub(crate) fn is_file(text: &str) -> bool {
        Self::written(text).is_none() && matches!(&*io::extension(Path::new(text)), "npy" | "npz")
    }

    /// As [`open`](Self::open), where a path leads from `folder`.
    pub(super) fn open_in(folder: &Path, name: &str, text: &str) -> Result<Self> {
        if let Some(numbers) = Self::written(text) {
            return Ok(numbers);
        }
        let path = &folder.join(text);
        let tensor = match &*io::extension(path) {
            "npy" => io::npy::read(path)?,
            "npz" => {
                let mut arrays = io::npy::read_npz(path)?;
                arrays.remove(name).ok_or_else(|| {
                    let held: Vec<String> = arrays.into_keys().collect();
                    let reason = format!("holds {}: must hold an array `{name}`", held.join(", "));
                    Error::format(text, reason)
                })?
            }
            _ => {
                let limit = "a number, numbers with commas, one a feature or a channel, or an .npy or .npz file";
                return Err(Error::value(name, text, limit));
            }
        };
        let values = tensor.into_real(name).within(text)?;
        Ok(match values[..] {
            [only] => Self::Same(only),
            _ => Self::Each(values),
        })
    }

    /// The number of `feature`; nothing where others than its picture have theirs.
    pub(super) fn of(&self, feature: Feature) -> Option<f64> {
        match (self, feature.channel) {
            (Self::Same(value), _) => Some(*value),
            (Self::Each(values), _) if values.len() == feature.of => Some(values[feature.number]),
            (Self::Each(values), Some(channel)) if values.len() == channel.of => {
                Some(values[channel.number])
            }
            (Self::Each(_), _) => None,
        }
    }

    /// The number, or those of several, of which a sample has `features`: `0.5, 0.25 by channel`.
    pub(super) fn words(&self, features: usize) -> String {
        match self {
            Self::Each(values) if values.len() == features => ranged(values, "feature"),
            Self::Each(values) if values.len() > LISTED => ranged(values, "channel"),
            Self::Each(values) => {
                let listed: Vec<String> = values.iter().map(f64::to_string).collect();
                format!("{} by channel", listed.join(", "))
            }
            Self::Same(value) => value.to_string(),
        }
    }

    /// Fails unless all numbers of `what` are `allowed`, which `limit` says, and as many as the features of a sample that
    /// `ports` take, or as the channels of a picture.
    pub(super) fn check(
        &self,
        what: &str,
        ports: &[Port],
        limit: &str,
        allowed: impl Fn(f64) -> bool,
    ) -> Result<()> {
        let features: usize = ports.iter().filter_map(Port::features).sum();
        let pictures = ports.iter().filter(|port| port.element == Element::Float);
        let mut channels: Vec<usize> = pictures
            .filter_map(|port| Some(port.picture()?.channels))
            .filter(|channels| *channels > 1 && *channels != features)
            .collect();
        channels.dedup();
        match self {
            Self::Same(value) if allowed(*value) => Ok(()),
            Self::Same(value) => Err(Error::value(what, value, limit)),
            Self::Each(values) => match values.iter().position(|value| !allowed(*value)) {
                Some(at) => Err(Error::value(format!("{what}[{at}]"), values[at], limit)),
                None if values.len() == features || channels.contains(&values.len()) => Ok(()),
                None => {
                    let mut limit = format!("one number, or [{features}], one a feature");
                    for channels in channels {
                        limit += &format!(", or [{channels}], one a channel");
                    }
                    Err(Error::shape(what, [values.len()], limit))
                }
            },
        }
    }
}

impl Serialize for Scale {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::FullScale => serializer.serialize_str("full-scale"),
            Self::Factor(factor) => factor.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Scale {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let allows_full_scale = true;
        deserializer.deserialize_any(Numbers { allows_full_scale })
    }
}

impl<'de> Deserialize<'de> for PerFeature {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let allows_full_scale = false;
        match deserializer.deserialize_any(Numbers { allows_full_scale })? {
            Scale::Factor(numbers) => Ok(numbers),
            Scale::FullScale => unreachable!("it was not allowed"),
        }
    }
}

/// Reads a number, a list of numbers, and `"full-scale"` where that is allowed.
struct Numbers {
    allows_full_scale: bool,
}

impl<'de> serde::de::Visitor<'de> for Numbers {
    type Value = Scale;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, numbers in a list")?;
        match self.allows_full_scale {
            true => f.write_str(", or \"full-scale\""),
            false => Ok(()),
        }
    }

    fn visit_f64<E>(self, number: f64) -> Result<Scale, E> {
        Ok(Scale::Factor(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Scale, E> {
        Ok(Scale::Factor((number as f64).into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Scale, E> {
        Ok(Scale::Factor((number as f64).into()))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Scale, E> {
        match text {
            "full-scale" if self.allows_full_scale => Ok(Scale::FullScale),
            other => Err(E::invalid_value(serde::de::Unexpected::Str(other), &self)),
        }
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<Scale, A::Error> {
        let mut numbers = Vec::new();
        while let Some(number) = list.next_element()? {
            numbers.push(number);
        }
        Ok(Scale::Factor(PerFeature::Each(numbers)))
    }
}
