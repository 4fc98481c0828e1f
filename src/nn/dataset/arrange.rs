//! Samples in the order in which the inputs of a network take them.

use super::Samples;
use crate::error::{Error, Result};
use crate::nn::port::{Channels, Element, Intake, Port};

/// Largest size of a whole number for an input of integers: graphs are computed in single precision, which has all of them
/// up to 2²⁴.
const WHOLE_LIMIT: f64 = 16_777_216.0;

/// Samples as they stand in a file.
pub(super) struct Raw<'a> {
    /// What errors call them.
    pub(super) what: &'a str,
    /// Their numbers, those of each sample in the order of its axes.
    pub(super) samples: Samples,
    /// Lengths of the axes of a sample.
    pub(super) axes: &'a [usize],
}

/// Samples as inputs take them.
pub(super) struct Arranged {
    pub(super) samples: Samples,
    /// What was assumed of the order of their numbers, in words.
    pub(super) assumed: Vec<String>,
    /// Lengths of the axes of a sample, where they are several and nothing was known of inputs.
    pub(super) axes: Vec<usize>,
}

impl Arranged {
    /// Samples of which `assumed` was assumed.
    pub(super) fn new(samples: Samples, assumed: Vec<String>) -> Self {
        let axes = Vec::new();
        Self {
            samples,
            assumed,
            axes,
        }
    }
}

/// Whether samples of these `axes`, read row by row, are what `port` takes, with raw channels `stated`; none are a list.
pub(super) fn are_of(axes: &[usize], port: &Port, stated: Option<Channels>) -> bool {
    let given = lengths(axes);
    let own = port.axes().unwrap_or_default();
    let is_moved = |layout: Channels| stated.is_some_and(|stated| stated != layout);
    let picture = port.picture().filter(|picture| !picture.is_flat());
    let is_moved = picture.is_some_and(|picture| is_moved(picture.layout));
    given.len() <= 1 || own.len() <= 1 || given == lengths(&own) && !is_moved
}

impl Raw<'_> {
    /// The samples for all inputs of `intake`, whose features stand one after another in them; where nothing is known of the
    /// network they stay as they are.
    ///
    /// # Errors
    /// As [`for_port`](Self::for_port).
    pub(super) fn arranged(self, intake: Option<&Intake>) -> Result<Arranged> {
        let Some(intake) = intake else {
            let axes = self.axes.to_vec();
            return Ok(Arranged {
                assumed: row_by_row(self.axes),
                axes: Some(axes).filter(|axes| axes.len() > 1).unwrap_or_default(),
                samples: self.samples,
            });
        };
        if let [port] = &intake.ports[..] {
            return self.for_port(port, intake.channels);
        }
        let widths: Option<Vec<usize>> = intake.ports.iter().map(Port::features).collect();
        let Some(widths) = widths.filter(|w| w.iter().sum::<usize>() == self.samples.features())
        else {
            return Ok(Arranged::new(self.samples, Vec::new()));
        };
        let mut parts = Vec::new();
        let mut assumed = row_by_row(self.axes);
        let mut first = 0;
        for (port, width) in intake.ports.iter().zip(widths) {
            let part = Raw {
                what: &format!("data for the input `{}`", port.name),
                samples: self.samples.columns(first..first + width),
                axes: &[width],
            };
            let part = part.for_port(port, intake.channels)?;
            assumed.extend(part.assumed);
            parts.push(part.samples);
            first += width;
        }
        Ok(Arranged::new(Samples::beside(parts), assumed))
    }

    /// The samples for `port`. Pictures come with their channels as `stated`, else as their shape tells: where it leaves both,
    /// as the input has them. Lists stay as they are, unless another order of channels is stated.
    ///
    /// # Errors
    /// [`Error::Shape`] for axes that are none of this input, [`Error::Value`] for numbers that are no integers where it takes
    /// them.
    pub(super) fn for_port(self, port: &Port, stated: Option<Channels>) -> Result<Arranged> {
        if port.element != Element::Float {
            self.check_whole(port)?;
        }
        let (Some(own), given) = (port.axes(), lengths(self.axes)) else {
            // Refused in front of the network, with the way to close it.
            return Ok(Arranged::new(self.samples, Vec::new()));
        };
        let is_list = given.len() <= 1;
        let picture = port.picture().filter(|picture| !picture.is_flat());
        let Some(picture) = picture else {
            return match own.len() {
                1 => {
                    let assumed = row_by_row(self.axes);
                    Ok(Arranged::new(self.samples, assumed))
                }
                _ if is_list || given == lengths(&own) => {
                    Ok(Arranged::new(self.samples, Vec::new()))
                }
                _ => Err(self.refused(&[own], port, None)),
            };
        };
        // A list of another length is refused in front of the network.
        if is_list && self.samples.features() != own.iter().product::<usize>() {
            return Ok(Arranged::new(self.samples, Vec::new()));
        }
        let (native, other) = (picture.layout, picture.layout.other());
        let is = |layout: Channels| is_list || given == lengths(&picture.axes(layout));
        let layouts: &[Channels] = match &stated {
            Some(stated) => std::slice::from_ref(stated),
            None => &[native, other],
        };
        let Some(&layout) = layouts.iter().find(|layout| is(**layout)) else {
            let axes: Vec<_> = layouts.iter().map(|layout| picture.axes(*layout)).collect();
            return Err(self.refused(&axes, port, stated));
        };
        let what = words(self.axes);
        let assumed = match stated {
            None if layout == other => Some(format!(
                "samples of {what} have their channels {layout}: they are taken as {}",
                words(&own)
            )),
            None if is(other) => {
                let taken = words(&own);
                let taken = match is_list {
                    true => format!("{what} numbers are taken as {taken},"),
                    false => format!("{what} are taken"),
                };
                Some(format!(
                    "samples of {taken} with their channels {layout} (--channels {other} at compile takes them otherwise)"
                ))
            }
            _ => None,
        };
        let samples = match layout == native {
            true => self.samples,
            false => self.samples.at(&picture.places_in_other()),
        };
        Ok(Arranged::new(samples, assumed.into_iter().collect()))
    }

    /// Fails unless all numbers are integers.
    fn check_whole(&self, port: &Port) -> Result<()> {
        let is_bad = |x: f64| x.fract() != 0.0 || x.abs() > WHOLE_LIMIT;
        let Some(bad) = self.samples.first_bad(is_bad) else {
            return Ok(());
        };
        let limit = format!(
            "a whole number up to {WHOLE_LIMIT} in size, which is what {} takes",
            port.words()
        );
        let place = format!("{} [{}, {}]", self.what, bad.sample, bad.feature);
        Err(Error::value(place, bad.got, limit))
    }

    /// The error for axes that are not one of `allowed`, of which channels that are `stated` leave one.
    fn refused(&self, allowed: &[Vec<usize>], port: &Port, stated: Option<Channels>) -> Error {
        let mut shapes: Vec<String> = allowed
            .iter()
            .map(|axes| axes.iter().map(usize::to_string).collect::<Vec<_>>())
            .map(|axes| format!("[sample, {}]", axes.join(", ")))
            .collect();
        shapes.dedup();
        let shape = [&[self.samples.len()], self.axes].concat();
        let stated =
            stated.map(|channels| format!(" with channels that come {channels}, as stated"));
        let limit = format!(
            "{}, which {} takes{}",
            shapes.join(" or "),
            port.words(),
            stated.unwrap_or_default()
        );
        Error::shape(self.what, shape, limit)
    }
}

/// `axes` without those of one element, which do not change the order.
fn lengths(axes: &[usize]) -> Vec<usize> {
    axes.iter().copied().filter(|length| *length != 1).collect()
}

/// A shape as sentences write it.
fn words(axes: &[usize]) -> String {
    let axes: Vec<String> = axes.iter().map(usize::to_string).collect();
    axes.join(" × ")
}

/// What is assumed of samples of several axes that are taken as a list.
pub(super) fn row_by_row(axes: &[usize]) -> Vec<String> {
    match axes.len() > 1 {
        true => vec![format!("samples of {} are taken row by row", words(axes))],
        false => Vec::new(),
    }
}
