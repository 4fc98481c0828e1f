//! What a network is given, and what it gives.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What the elements of an input or output are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// Floating-point numbers of any width.
    Float,
    /// Whole numbers, signed or not.
    Integer,
    /// True and false.
    Boolean,
}

/// Where the channels of a picture stand among the axes of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channels {
    /// `[channel, row, column]`, as PyTorch and ONNX have them.
    First,
    /// `[row, column, channel]`, as Keras and files of pictures have them.
    Last,
}

/// An input or output of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Its name in the file; empty for that of a chain.
    pub name: String,
    /// What its elements are.
    pub element: Element,
    /// Lengths of its axes; nothing where the length is open.
    pub shape: Vec<Option<usize>>,
    /// Where its channels stand, where an operator that reads it says so.
    pub channels: Option<Channels>,
}

/// The axes of a sample that is a picture, of any number of axes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Picture {
    /// Number of channels.
    pub(super) channels: usize,
    /// Where they stand.
    pub(super) layout: Channels,
    /// The other axes: rows, columns.
    plane: Vec<usize>,
}

/// What a network takes of data: its inputs, and how raw pictures come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Intake {
    /// Its inputs, whose features stand one after another in a sample.
    pub ports: Vec<Port>,
    /// Where the channels of raw pictures stand; nothing where their shapes tell.
    pub channels: Option<Channels>,
}

impl Channels {
    /// The other place.
    pub(super) fn other(self) -> Self {
        match self {
            Self::First => Self::Last,
            Self::Last => Self::First,
        }
    }
}

impl fmt::Display for Channels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::First => "first",
            Self::Last => "last",
        })
    }
}

impl FromStr for Channels {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "first" => Ok(Self::First),
            "last" => Ok(Self::Last),
            _ => Err(Error::value("channels", text, "first or last")),
        }
    }
}

impl Port {
    /// The input of a chain: `features` numbers a sample, which are a picture of these `axes` if there are any.
    pub(super) fn of_chain(features: usize, axes: &[usize]) -> Self {
        let axes = match axes {
            [] => &[features],
            axes => axes,
        };
        Self {
            name: String::new(),
            element: Element::Float,
            shape: [None]
                .into_iter()
                .chain(axes.iter().copied().map(Some))
                .collect(),
            channels: None,
        }
    }

    /// Whether the first axis counts samples. A list alone is one sample.
    pub(super) fn is_batched(&self) -> bool {
        self.shape.len() > 1 || self.shape == [None]
    }

    /// Lengths of the axes of one sample; nothing where one of them is open.
    pub fn axes(&self) -> Option<Vec<usize>> {
        let skipped = usize::from(self.is_batched());
        self.shape.iter().skip(skipped).copied().collect()
    }

    /// Numbers of one sample; nothing where an axis of it is open.
    pub fn features(&self) -> Option<usize> {
        Some(self.axes()?.iter().product())
    }

    /// Samples that pass together where the file fixes their number.
    pub fn batch(&self) -> Option<usize> {
        match self.is_batched() {
            true => self.shape[0],
            false => Some(1),
        }
    }

    /// Its picture, where a sample is one: where an operator says where its channels stand, or it has at least three axes, the
    /// first of which then counts channels.
    pub(super) fn picture(&self) -> Option<Picture> {
        let axes = self.axes()?;
        let layout = match (self.channels, axes.len()) {
            (_, 0 | 1) | (None, 2) => return None,
            (stated, _) => stated.unwrap_or(Channels::First),
        };
        let (channels, plane) = match layout {
            Channels::First => axes.split_first()?,
            Channels::Last => axes.split_last()?,
        };
        Some(Picture {
            channels: *channels,
            layout,
            plane: plane.to_vec(),
        })
    }

    /// Its name, elements and axes: `ids: integers [1, ?]`, where `?` is an open length.
    pub fn words_of_shape(&self) -> String {
        let element = match self.element {
            Element::Float => "numbers",
            Element::Integer => "integers",
            Element::Boolean => "truths",
        };
        let axes = self.shape.iter().map(|axis| match axis {
            Some(length) => length.to_string(),
            None => "?".to_owned(),
        });
        let axes: Vec<String> = axes.collect();
        format!("{}: {element} [{}]", self.name, axes.join(", "))
    }

    /// How sentences call it.
    pub(super) fn words(&self) -> String {
        match &*self.name {
            "" => "the input of this network".to_owned(),
            name => format!("the input `{name}` of this network"),
        }
    }
}

impl Picture {
    /// Its axes with the channels at `layout`.
    pub(super) fn axes(&self, layout: Channels) -> Vec<usize> {
        let channels = [self.channels];
        match layout {
            Channels::First => [&channels, &self.plane[..]].concat(),
            Channels::Last => [&self.plane[..], &channels].concat(),
        }
    }

    /// Whether its numbers come in the same order wherever its channels stand.
    pub(super) fn is_flat(&self) -> bool {
        self.channels <= 1 || self.plane() <= 1
    }

    /// Pixels of a channel.
    fn plane(&self) -> usize {
        self.plane.iter().product()
    }

    /// The channel of the number at `place` of a sample.
    pub(super) fn channel(&self, place: usize) -> usize {
        match self.layout {
            Channels::First => place / self.plane(),
            Channels::Last => place % self.channels,
        }
    }

    /// The place in a sample with the channels at the other end, of each number of a sample.
    pub(super) fn places_in_other(&self) -> Vec<usize> {
        let (channels, plane) = (self.channels, self.plane());
        let place = |at: usize| match self.layout {
            Channels::First => (at % plane) * channels + at / plane,
            Channels::Last => (at % channels) * plane + at / channels,
        };
        (0..channels * plane).map(place).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(shape: &[usize], channels: Option<Channels>) -> Port {
        let axes = shape.iter().map(|length| Some(*length));
        Port {
            name: "x".to_owned(),
            element: Element::Float,
            shape: [None].into_iter().chain(axes).collect(),
            channels,
        }
    }

    /// `numpy.arange(12).reshape(2, 3, 2)[h, w, c]` is number `(h · 3 + w) · 2 + c`; `transpose(2, 0, 1)` has it at
    /// `(c · 2 + h) · 3 + w`.
    #[test]
    fn the_numbers_of_a_picture_have_a_place_in_both_orders() {
        let first = port(&[2, 2, 3], None).picture().unwrap();
        assert_eq!(first.axes(Channels::First), [2, 2, 3]);
        assert_eq!(first.axes(Channels::Last), [2, 3, 2]);
        let places = [0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11];
        assert_eq!(first.places_in_other(), places);
        let last = port(&[2, 3, 2], Some(Channels::Last)).picture().unwrap();
        assert_eq!(last.axes(Channels::First), [2, 2, 3]);
        let places = [0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11];
        assert_eq!(last.places_in_other(), places);
        for (at, place) in places.into_iter().enumerate() {
            assert_eq!(first.places_in_other()[place], at);
            assert_eq!(last.channel(at), first.channel(place));
        }
        assert_eq!(first.channel(5), 0);
        assert_eq!(first.channel(6), 1);
    }

    #[test]
    fn three_axes_are_a_picture_and_two_where_an_operator_says_so() {
        assert_eq!(port(&[12], None).picture(), None);
        assert_eq!(port(&[12], Some(Channels::First)).picture(), None);
        assert_eq!(port(&[3, 4], None).picture(), None);
        let signal = port(&[3, 4], Some(Channels::Last)).picture().unwrap();
        assert_eq!((signal.channels, signal.is_flat()), (4, false));
        assert!(port(&[1, 28, 28], None).picture().unwrap().is_flat());
        assert!(port(&[3, 1, 1], None).picture().unwrap().is_flat());
        let volume = port(&[2, 3, 4, 5], None).picture().unwrap();
        assert_eq!(volume.axes(Channels::Last), [3, 4, 5, 2]);
    }
}
