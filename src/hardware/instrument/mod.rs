//! What a method that needs only measurements talks to, and how a mesh is configured through it.

mod calibrate;
mod configure;
mod driver;
mod response;
mod tap;

pub use configure::{Kept, SelfConfiguration};
pub use driver::Driver;

use std::ops::{Add, AddAssign, Mul};

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::field::Fields;

/// A side of a chip that light is sent into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Where light of inference goes in: light sent here meets the chip's matrix M.
    Inputs,
    /// Where it comes out: light sent here goes backwards and meets Mᵀ (reciprocity).
    Outputs,
}

impl Side {
    /// The other one, where light that is sent into this one is received.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Inputs => Self::Outputs,
            Self::Outputs => Self::Inputs,
        }
    }
}

/// A chip whose heaters are set and whose light is measured: everything that is known of it comes through here.
///
/// Who has a chip implements it for the driver of the bench; [`Laboratory`](super::Laboratory) simulates one. A method takes
/// a `&mut dyn Instrument` and asks it through a [`Metered`], which refuses an answer of the wrong shape or with a NaN.
pub trait Instrument {
    /// Number of ports on a side, each with a source and a coherent receiver.
    fn ports(&self, side: Side) -> usize;

    /// Number of heaters.
    fn heaters(&self) -> usize;

    /// Asks every heater for its phase, rad, in the order of the heaters. They stay until the next setting.
    ///
    /// # Errors
    /// The instrument's own.
    fn set(&mut self, phases: &[f64]) -> Result<()>;

    /// Sends `light`, `[port, sample]`, into the ports of `side`, and says what the receivers of the [other](Side::other) one
    /// read: fields, `[port, sample]`, in units of what was sent.
    ///
    /// # Errors
    /// The instrument's own.
    fn send(&mut self, side: Side, light: &Fields<f64>) -> Result<Fields<f64>>;

    /// Sends light as [`send`](Self::send) does; beside the fields at the receivers, what a power tap behind every phase
    /// shifter read of the same pass: `[heater, sample]`, in the order of the heaters and in units of the power that was sent.
    ///
    /// Behind, on the arm that the shifter stands on, is where light of inference leaves it: light from the outputs passes
    /// the tap before the shifter.
    ///
    /// # Errors
    /// The instrument's own; [`Error::Unsupported`] as long as it does not say what its taps read.
    fn taps(&mut self, side: Side, light: &Fields<f64>) -> Result<(Fields<f64>, Array2<f64>)> {
        let _ = (side, light);
        let limit = "an instrument with a power tap behind every phase shifter reads them";
        Err(Error::unsupported("instrument", "taps", limit))
    }
}

impl<I: Instrument + ?Sized> Instrument for &mut I {
    fn ports(&self, side: Side) -> usize {
        (**self).ports(side)
    }

    fn heaters(&self) -> usize {
        (**self).heaters()
    }

    fn set(&mut self, phases: &[f64]) -> Result<()> {
        (**self).set(phases)
    }

    fn send(&mut self, side: Side, light: &Fields<f64>) -> Result<Fields<f64>> {
        (**self).send(side, light)
    }

    fn taps(&mut self, side: Side, light: &Fields<f64>) -> Result<(Fields<f64>, Array2<f64>)> {
        (**self).taps(side, light)
    }
}

impl<I: Instrument + ?Sized> Instrument for Box<I> {
    fn ports(&self, side: Side) -> usize {
        (**self).ports(side)
    }

    fn heaters(&self) -> usize {
        (**self).heaters()
    }

    fn set(&mut self, phases: &[f64]) -> Result<()> {
        (**self).set(phases)
    }

    fn send(&mut self, side: Side, light: &Fields<f64>) -> Result<Fields<f64>> {
        (**self).send(side, light)
    }

    fn taps(&mut self, side: Side, light: &Fields<f64>) -> Result<(Fields<f64>, Array2<f64>)> {
        (**self).taps(side, light)
    }
}

/// What was asked of an instrument, or of all instruments that make up a network's chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Costs {
    /// Number of times that phases were set.
    pub settings: u64,
    /// Number of heaters that were set, over all settings.
    pub phase_writes: u64,
    /// Number of passes of light: samples that were sent, through a network once each.
    pub passes: u64,
    /// Number of readings of detectors: one for every receiver or tap and sample, of every tile.
    pub readings: u64,
}

impl AddAssign for Costs {
    fn add_assign(&mut self, more: Self) {
        *self = *self + more;
    }
}

impl Add for Costs {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        Self {
            settings: self.settings + more.settings,
            phase_writes: self.phase_writes + more.phase_writes,
            passes: self.passes + more.passes,
            readings: self.readings + more.readings,
        }
    }
}

impl Mul<u64> for Costs {
    type Output = Self;

    fn mul(self, times: u64) -> Self {
        Self {
            settings: self.settings * times,
            phase_writes: self.phase_writes * times,
            passes: self.passes * times,
            readings: self.readings * times,
        }
    }
}

/// An instrument whose answers are checked and whose costs are counted.
///
/// ```
/// use lightloom::field::Fields;
/// use lightloom::hardware::{Instrument, Laboratory, Metered, Side};
/// use lightloom::mesh::{Geometry, Mesh};
/// use lightloom::{Hardware, Seed};
///
/// let mesh = Mesh::bar(Geometry::Clements, 4)?;
/// let mut bench = Metered::new(Laboratory::new(Hardware::default().fabricate(Seed(1), 0), &mesh));
/// bench.set(&mesh.phases().flat())?;
/// let read = bench.send(Side::Inputs, &Fields::basis(4, 3))?;
/// assert_eq!((read.modes(), read.samples()), (4, 3));
/// assert_eq!((bench.costs().phase_writes, bench.costs().passes, bench.costs().readings), (16, 3, 12));
/// // A field too few: an error in one sentence.
/// assert!(bench.send(Side::Inputs, &Fields::basis(3, 1)).is_err());
/// # Ok::<(), lightloom::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Metered<I> {
    instrument: I,
    costs: Costs,
}

impl<I: Instrument> Metered<I> {
    /// The `instrument`, of which nothing was asked yet.
    pub fn new(instrument: I) -> Self {
        Self {
            instrument,
            costs: Costs::default(),
        }
    }

    /// What was asked of it so far, answered or not.
    pub fn costs(&self) -> Costs {
        self.costs
    }

    /// The instrument itself.
    pub fn into_inner(self) -> I {
        self.instrument
    }

    /// Fails unless `light` can be sent into `side`; the shape of what the other side reads of it.
    fn sent(&mut self, side: Side, light: &Fields<f64>) -> Result<[usize; 2]> {
        let ports = self.instrument.ports(side);
        let (modes, samples) = (light.modes(), light.samples());
        if modes != ports {
            let limit = format!("[{ports}, sample]: one amplitude for every port of that side");
            return Err(Error::shape(
                "light for the instrument",
                [modes, samples],
                limit,
            ));
        }
        check_fields("light for the instrument", light)?;
        self.costs.passes += samples as u64;
        Ok([self.instrument.ports(side.other()), samples])
    }

    /// Fails unless the receivers' answer has this shape and is finite.
    fn received(&mut self, fields: &Fields<f64>, shape: [usize; 2]) -> Result<()> {
        let what = "answer of the instrument's receivers";
        check_shape(what, [fields.modes(), fields.samples()], shape)?;
        check_fields(what, fields)?;
        self.costs.readings += (shape[0] * shape[1]) as u64;
        Ok(())
    }
}

impl<I: Instrument> Instrument for Metered<I> {
    fn ports(&self, side: Side) -> usize {
        self.instrument.ports(side)
    }

    fn heaters(&self) -> usize {
        self.instrument.heaters()
    }

    /// # Errors
    /// [`Error::Shape`] if there is not one phase for every heater, [`Error::NotFinite`] for a phase that is not finite, and
    /// the instrument's own.
    fn set(&mut self, phases: &[f64]) -> Result<()> {
        let heaters = self.instrument.heaters();
        let what = "list of phases for the instrument";
        if phases.len() != heaters {
            let limit = format!("[{heaters}]: one for every heater");
            return Err(Error::shape(what, [phases.len()], limit));
        }
        if let Some(index) = phases.iter().position(|phase| !phase.is_finite()) {
            return Err(not_finite(what, format!("[{index}]"), phases[index]));
        }
        self.costs.settings += 1;
        self.costs.phase_writes += heaters as u64;
        self.instrument.set(phases)
    }

    /// # Errors
    /// [`Error::Shape`] if there is not one amplitude for every port, or the answer does not have one field for every port and
    /// sample; [`Error::NotFinite`] if either is not finite; and the instrument's own.
    fn send(&mut self, side: Side, light: &Fields<f64>) -> Result<Fields<f64>> {
        let shape = self.sent(side, light)?;
        let fields = self.instrument.send(side, light)?;
        self.received(&fields, shape)?;
        Ok(fields)
    }

    /// # Errors
    /// As [`send`](Self::send), and so for the taps.
    fn taps(&mut self, side: Side, light: &Fields<f64>) -> Result<(Fields<f64>, Array2<f64>)> {
        let shape = self.sent(side, light)?;
        let (fields, powers) = self.instrument.taps(side, light)?;
        self.received(&fields, shape)?;
        let what = "answer of the instrument's taps";
        let shape = [self.instrument.heaters(), shape[1]];
        check_shape(what, powers.dim().into(), shape)?;
        check_part(what, &powers)?;
        self.costs.readings += powers.len() as u64;
        Ok((fields, powers))
    }
}

fn check_shape(what: &str, got: [usize; 2], shape: [usize; 2]) -> Result<()> {
    if got == shape {
        return Ok(());
    }
    let limit = format!("{shape:?}: a reading of every detector for every sample that was sent");
    Err(Error::shape(what, got, limit))
}

fn check_fields(what: &str, fields: &Fields<f64>) -> Result<()> {
    check_part(what, &fields.re)?;
    check_part(what, &fields.im)
}

fn check_part(what: &str, part: &Array2<f64>) -> Result<()> {
    match part.indexed_iter().find(|(_, x)| !x.is_finite()) {
        Some(((row, sample), got)) => Err(not_finite(what, format!("[{row}, {sample}]"), *got)),
        None => Ok(()),
    }
}

fn not_finite(what: &str, index: String, got: f64) -> Error {
    Error::NotFinite {
        what: what.to_owned(),
        index,
        got: got.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::compare::{golden, not_finite, shape, unsupported};

    /// What an instrument answers instead of dark fields and taps.
    #[derive(Clone, Copy, PartialEq)]
    enum Answer {
        Right,
        Short,
        NotANumber,
    }

    /// Two inputs, three outputs, five heaters.
    struct Odd {
        fields: Answer,
        taps: Answer,
    }

    impl Odd {
        fn answer(answer: Answer, shape: (usize, usize)) -> Array2<f64> {
            let mut part = match answer {
                Answer::Short => Array2::zeros((shape.0 - 1, shape.1)),
                _ => Array2::zeros(shape),
            };
            if answer == Answer::NotANumber {
                part[[1, 2]] = f64::NAN;
            }
            part
        }
    }

    impl Instrument for Odd {
        fn ports(&self, side: Side) -> usize {
            match side {
                Side::Inputs => 2,
                Side::Outputs => 3,
            }
        }

        fn heaters(&self) -> usize {
            5
        }

        fn set(&mut self, _: &[f64]) -> Result<()> {
            Ok(())
        }

        fn send(&mut self, side: Side, light: &Fields<f64>) -> Result<Fields<f64>> {
            let im = Self::answer(self.fields, (self.ports(side.other()), light.samples()));
            Fields::new(Array2::zeros(im.dim()).view(), im.view())
        }

        fn taps(&mut self, side: Side, light: &Fields<f64>) -> Result<(Fields<f64>, Array2<f64>)> {
            let taps = Self::answer(self.taps, (5, light.samples()));
            Ok((self.send(side, light)?, taps))
        }
    }

    fn odd(fields: Answer, taps: Answer) -> Metered<Odd> {
        Metered::new(Odd { fields, taps })
    }

    #[test]
    fn an_answer_that_is_short_or_not_a_number_is_refused_in_one_sentence() {
        use Answer::{NotANumber, Right, Short};
        let receivers = "answer of the instrument's receivers";
        let taps = "answer of the instrument's taps";
        let light = Fields::basis(2, 4);
        let refused = |asked: &str, error: Error, expected| {
            golden(asked, &error);
            assert_eq!(error.refusal(), expected);
        };
        for (asked, answer, expected) in [
            ("a field too few", Short, shape(receivers, &[2, 4])),
            (
                "a field of NaN",
                NotANumber,
                not_finite(receivers, "[1, 2]", "NaN"),
            ),
        ] {
            let mut bench = odd(answer, Right);
            let error = bench.send(Side::Inputs, &light).unwrap_err();
            refused(asked, error, expected);
            assert!(bench.taps(Side::Inputs, &light).is_err());
        }
        for (asked, answer, expected) in [
            ("a tap too few", Short, shape(taps, &[4, 4])),
            (
                "a tap of NaN",
                NotANumber,
                not_finite(taps, "[1, 2]", "NaN"),
            ),
        ] {
            let mut bench = odd(Right, answer);
            let error = bench.taps(Side::Inputs, &light).unwrap_err();
            refused(asked, error, expected);
            assert!(bench.send(Side::Inputs, &light).is_ok());
        }
        let mut bench = odd(Right, Right);
        let wrong = Fields::basis(3, 1);
        refused(
            "light for other ports",
            bench.send(Side::Inputs, &wrong).unwrap_err(),
            shape("light for the instrument", &[3, 1]),
        );
        assert!(bench.send(Side::Outputs, &wrong).is_ok());
        let mut dark = Fields::zeros(2, 1);
        dark.re[[1, 0]] = f64::INFINITY;
        refused(
            "light without end",
            bench.taps(Side::Inputs, &dark).unwrap_err(),
            not_finite("light for the instrument", "[1, 0]", "inf"),
        );
        refused(
            "a phase too few",
            bench.set(&[0.0; 4]).unwrap_err(),
            shape("list of phases for the instrument", &[4]),
        );
        refused(
            "a phase of NaN",
            bench.set(&[0.0, 1.0, f64::NAN, 0.0, 0.0]).unwrap_err(),
            not_finite("list of phases for the instrument", "[2]", "NaN"),
        );
    }

    #[test]
    fn settings_passes_and_readings_are_counted() {
        let mut bench = odd(Answer::Right, Answer::Right);
        bench.set(&[0.0; 5]).unwrap();
        bench.set(&[1.0; 5]).unwrap();
        bench.send(Side::Inputs, &Fields::basis(2, 4)).unwrap();
        bench.taps(Side::Outputs, &Fields::basis(3, 2)).unwrap();
        let counted = Costs {
            settings: 2,
            phase_writes: 10,
            passes: 6,
            // Three receivers for four samples, then two and five taps for two.
            readings: 3 * 4 + (2 + 5) * 2,
        };
        assert_eq!(bench.costs(), counted);
        let mut all = counted;
        all += counted;
        assert_eq!((all.settings, all.readings), (4, 52));
    }

    /// As a bench without taps is implemented.
    struct NoTaps(Odd);

    impl Instrument for NoTaps {
        fn ports(&self, side: Side) -> usize {
            self.0.ports(side)
        }

        fn heaters(&self) -> usize {
            self.0.heaters()
        }

        fn set(&mut self, phases: &[f64]) -> Result<()> {
            self.0.set(phases)
        }

        fn send(&mut self, side: Side, light: &Fields<f64>) -> Result<Fields<f64>> {
            self.0.send(side, light)
        }
    }

    #[test]
    fn an_instrument_without_taps_says_so() {
        let mut bench = NoTaps(odd(Answer::Right, Answer::Right).into_inner());
        let bench: &mut dyn Instrument = &mut bench;
        let error = Metered::new(bench).taps(Side::Inputs, &Fields::basis(2, 1));
        let error = error.unwrap_err();
        golden("taps", &error);
        assert_eq!(error.refusal(), unsupported("instrument", "taps"));
    }
}
