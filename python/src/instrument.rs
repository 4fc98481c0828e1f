//! Benches: what methods that need only measurements talk to, written in Python or simulated.

use lightloom::field::Fields;
use lightloom::hardware::{Costs, Driver, Instrument, Kept, Metered, Side};
use lightloom::mesh::CellKind;
use lightloom::train::Passes;
use lightloom::{Error, Result};
use ndarray::{Array1, Array2};
use num_complex::Complex;
use numpy::{IntoPyArray, PyArray1, PyArray2};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::array;
use crate::hardware::Chip;
use crate::mesh::Mesh;
use crate::named::{Argument, Whole, Word, written, wrong_type};
use crate::refusal::raise;

/// The sides by their names.
const SIDES: [(&str, Side); 2] = [("inputs", Side::Inputs), ("outputs", Side::Outputs)];

fn name(side: Side) -> &'static str {
    let found = SIDES.iter().find(|(_, one)| *one == side);
    found.expect("every side has a name").0
}

/// Fails unless `number`, which errors call `what`, is finite and not negative.
fn check_not_negative(what: &str, number: f64) -> PyResult<()> {
    match number >= 0.0 && number.is_finite() {
        true => Ok(()),
        false => Err(raise(Error::value(what, number, "a finite number from 0"))),
    }
}

type Amplitudes<'py> = Bound<'py, PyArray2<Complex<f64>>>;

/// Fields `[port, sample]` as an array `[sample, port]`.
fn to_python<'py>(py: Python<'py>, fields: &Fields<f64>) -> Amplitudes<'py> {
    let (re, im) = (fields.re(), fields.im());
    let shape = (re.ncols(), re.nrows());
    Array2::from_shape_fn(shape, |(sample, port)| {
        Complex::new(re[[port, sample]], im[[port, sample]])
    })
    .into_pyarray(py)
}

/// Fields `[port, sample]` of an array `[sample, port]`.
fn from_python(numbers: &Array2<Complex<f64>>) -> Fields<f64> {
    let [re, im] = [|z: &Complex<f64>| z.re, |z: &Complex<f64>| z.im].map(|part| numbers.map(part));
    Fields::new(re.t(), im.t()).expect("two parts of one array")
}

/// An instrument that is an object of Python's.
struct Given<'py> {
    object: Bound<'py, PyAny>,
    ports: [usize; 2],
    heaters: usize,
    /// What it raised.
    raised: Option<PyErr>,
}

/// What an object must offer.
const OFFERS: &str = "an instrument: ports, heaters, set(phases), send(side, light) and, for in_situ, taps(side, light)";

impl<'py> Given<'py> {
    fn new(object: &Bound<'py, PyAny>) -> PyResult<Self> {
        for name in ["ports", "heaters", "set", "send"] {
            if !object.hasattr(name)? {
                return Err(wrong_type("instrument", &written(object)?, OFFERS));
            }
        }
        let count = |what: &str, number: Bound<'py, PyAny>| -> PyResult<usize> {
            number
                .extract::<Whole>()?
                .within(what, 1..=u64::from(u32::MAX))
        };
        let ports = object.getattr("ports")?;
        let (inputs, outputs) = ports
            .extract::<(Bound<'py, PyAny>, Bound<'py, PyAny>)>()
            .map_err(|_| {
                let limit = "the numbers of ports at the inputs and at the outputs, (8, 8)";
                let got = written(&ports).unwrap_or_default();
                wrong_type("ports of the instrument", &got, limit)
            })?;
        let what = "ports of the instrument";
        Ok(Self {
            ports: [count(what, inputs)?, count(what, outputs)?],
            heaters: count("heaters of the instrument", object.getattr("heaters")?)?,
            object: object.clone(),
            raised: None,
        })
    }

    /// What Python makes of it, or why it stops; the exception is kept.
    fn kept<R>(&mut self, result: PyResult<R>) -> Result<R> {
        result.map_err(|error| {
            self.raised = Some(error);
            Error::Stopped
        })
    }

    /// `result`, with the instrument's own exception where it raised one.
    fn out<R>(self, result: Result<R>) -> PyResult<R> {
        match self.raised {
            Some(raised) => Err(raised),
            None => result.map_err(raise),
        }
    }

    fn fields(answer: &Bound<'py, PyAny>) -> PyResult<Fields<f64>> {
        let what = "fields that the instrument read";
        let numbers = array::complex(what, answer)?;
        let shape = numbers.shape().to_vec();
        let numbers = numbers.into_dimensionality();
        let numbers = numbers.map_err(|_| raise(Error::shape(what, shape, "[sample, port]")))?;
        Ok(from_python(&numbers))
    }
}

impl Instrument for Given<'_> {
    fn ports(&self, side: Side) -> usize {
        self.ports[usize::from(side == Side::Outputs)]
    }

    fn heaters(&self) -> usize {
        self.heaters
    }

    fn set(&mut self, phases: &[f64]) -> Result<()> {
        let py = self.object.py();
        let phases = PyArray1::from_slice(py, phases);
        // An instrument that is none of Python's code would not notice Ctrl-C.
        let signals = py.check_signals();
        let done = signals.and_then(|()| self.object.call_method1("set", (phases,)));
        self.kept(done).map(drop)
    }

    fn send(&mut self, side: Side, light: &Fields<f64>) -> Result<Fields<f64>> {
        let light = to_python(self.object.py(), light);
        let answer = self.object.call_method1("send", (name(side), light));
        let read = answer.and_then(|answer| Self::fields(&answer));
        self.kept(read)
    }

    fn taps(&mut self, side: Side, light: &Fields<f64>) -> Result<(Fields<f64>, Array2<f64>)> {
        let light = to_python(self.object.py(), light);
        let answer = self.object.call_method1("taps", (name(side), light));
        let read = answer.and_then(|answer| {
            let pair = answer.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>();
            let (fields, powers) = pair.map_err(|_| {
                let limit = "fields and powers, a tuple of two arrays";
                let got = written(&answer).unwrap_or_default();
                wrong_type("answer of the instrument's taps", &got, limit)
            })?;
            let what = "powers that the instrument's taps read";
            let powers = array::doubles(what, &powers)?;
            let shape = powers.shape().to_vec();
            let powers = powers.into_dimensionality::<ndarray::Ix2>();
            let powers =
                powers.map_err(|_| raise(Error::shape(what, shape, "[sample, heater]")))?;
            Ok((Self::fields(&fields)?, powers.reversed_axes()))
        });
        self.kept(read)
    }
}

/// The side and the light of a question.
fn asked(side: Word, light: &Bound<'_, PyAny>) -> PyResult<(Side, Fields<f64>)> {
    let side = side.choice("side", &SIDES)?;
    Ok((side, from_python(&array::fields("light", light)?)))
}

/// A simulated bench: a chip with one mesh, all heaters off.
///
/// `mesh` says the layout. Receivers add N(0, `receiver_noise`²) to each quadrature of a read field, in units of an input of
/// length 1; a tap reads a power p as p (1 + N(0, `tap_noise`²)) and takes `tap_fraction` of it.
#[pyclass(module = "lightloom")]
pub struct Laboratory(lightloom::hardware::Laboratory);

#[pymethods]
impl Laboratory {
    #[new]
    #[pyo3(signature = (chip, mesh, /, *, receiver_noise = 0.0, tap_noise = 0.0, tap_fraction = 0.0))]
    fn new(
        chip: Argument<Bound<'_, Chip>>,
        mesh: Argument<Bound<'_, Mesh>>,
        receiver_noise: f64,
        tap_noise: f64,
        tap_fraction: f64,
    ) -> PyResult<Self> {
        let chip = chip.named("chip", "a Chip, which Hardware.fabricate draws")?;
        let mesh = mesh.named("mesh", "a Mesh, which decompose makes")?;
        check_not_negative("receiver_noise", receiver_noise)?;
        check_not_negative("tap_noise", tap_noise)?;
        if !(0.0..1.0).contains(&tap_fraction) {
            return Err(raise(Error::value(
                "tap_fraction",
                tap_fraction,
                "0 to below 1",
            )));
        }
        let mesh = &mesh.get().mesh;
        let chip = chip.get().chip.on_mesh(mesh).map_err(raise)?;
        let bench = lightloom::hardware::Laboratory::new(chip, mesh);
        let bench = bench
            .with_receiver_noise(receiver_noise)
            .with_tap_noise(tap_noise);
        Ok(Self(bench.with_tap_fraction(tap_fraction)))
    }

    /// Number of ports at the inputs and at the outputs.
    #[getter]
    fn ports(&self) -> (usize, usize) {
        (self.0.ports(Side::Inputs), self.0.ports(Side::Outputs))
    }

    /// Number of heaters.
    #[getter]
    fn heaters(&self) -> usize {
        self.0.heaters()
    }

    /// Asks every heater for its phase, rad: θ of all cells, φ of all cells, the screen, free shifters: float64 [heater].
    #[pyo3(signature = (phases, /))]
    fn set(&mut self, phases: &Bound<'_, PyAny>) -> PyResult<()> {
        let phases: Vec<f64> = array::doubles("phases", phases)?.into_iter().collect();
        self.0.set(&phases).map_err(raise)
    }

    /// Sends `light`, [sample, port], into the ports of `side` ("inputs" or "outputs"): the fields that the receivers of the
    /// other side read, complex128 [sample, port].
    #[pyo3(signature = (side, light, /))]
    fn send<'py>(
        &mut self,
        py: Python<'py>,
        side: Word,
        light: &Bound<'py, PyAny>,
    ) -> PyResult<Amplitudes<'py>> {
        let (side, light) = asked(side, light)?;
        let read = self.0.send(side, &light).map_err(raise)?;
        Ok(to_python(py, &read))
    }

    /// Sends light as `send` does: the fields, and the power that a tap behind every phase shifter read, float64
    /// [sample, heater].
    #[pyo3(signature = (side, light, /))]
    fn taps<'py>(
        &mut self,
        py: Python<'py>,
        side: Word,
        light: &Bound<'py, PyAny>,
    ) -> PyResult<(Amplitudes<'py>, Bound<'py, PyArray2<f64>>)> {
        let (side, light) = asked(side, light)?;
        let (read, powers) = self.0.taps(side, &light).map_err(raise)?;
        Ok((
            to_python(py, &read),
            powers.reversed_axes().into_pyarray(py),
        ))
    }

    /// Lets `seconds` pass: every phase drifts.
    #[pyo3(signature = (seconds, /))]
    fn wait(&mut self, seconds: f64) -> PyResult<()> {
        check_not_negative("seconds", seconds)?;
        self.0.wait(seconds);
        Ok(())
    }

    /// The transfer matrix itself, complex128 [output, input]: what nobody on the bench sees.
    fn true_transfer<'py>(&self, py: Python<'py>) -> Amplitudes<'py> {
        array::matrix(py, &self.0.true_transfer())
    }

    fn __repr__(&self) -> String {
        let (inputs, outputs) = self.ports();
        let heaters = self.0.heaters();
        format!("<Laboratory: {inputs} inputs, {outputs} outputs, {heaters} heaters>")
    }
}

fn costs_of<'py>(py: Python<'py>, costs: Costs) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("settings", costs.settings)?;
    dict.set_item("phase_writes", costs.phase_writes)?;
    dict.set_item("passes", costs.passes)?;
    dict.set_item("readings", costs.readings)?;
    Ok(dict)
}

/// Find phases of an instrument's mesh by measurement alone, and set them.
///
/// `instrument` is a `Laboratory` or any object of that kind. `mesh` says the layout and, by its phases, the matrix;
/// `cell` what its cells are. `crosstalk` is the known thermal crosstalk that settings make up for, `receiver_noise` what the
/// receivers are taken to add to each quadrature. The dict says the `phases` that the heaters were left with, rad, the
/// `matrix_error` as it was measured, how many cells were `unreachable`, whether phases were `kept` as found or others were
/// better, and what was asked of the instrument: `settings`, `phase_writes`, `passes` of light, `readings`.
#[pyfunction]
#[pyo3(
    signature = (instrument, mesh, /, *, cell = Word::default_of("mzi"), crosstalk = 0.0, receiver_noise = 0.0),
    text_signature = "(instrument, mesh, /, *, cell='mzi', crosstalk=0.0, receiver_noise=0.0)"
)]
pub fn self_configure<'py>(
    instrument: &Bound<'py, PyAny>,
    mesh: Argument<Bound<'py, Mesh>>,
    cell: Word,
    crosstalk: f64,
    receiver_noise: f64,
) -> PyResult<Bound<'py, PyDict>> {
    let py = instrument.py();
    let mesh = mesh.named("mesh", "a Mesh, which decompose makes")?;
    let target = &mesh.get().mesh;
    let cell: CellKind = cell.parse("cell")?;
    check_not_negative("crosstalk", crosstalk)?;
    check_not_negative("receiver_noise", receiver_noise)?;
    let mut given = Given::new(instrument)?;
    let mut bench = Metered::new(&mut given);
    let mut driver = Driver::new(target, cell)
        .with_known_crosstalk(crosstalk)
        .with_receiver_noise(receiver_noise);
    let done = driver.self_configure(&mut bench, target);
    let costs = bench.costs();
    let done = given.out(done)?;
    let dict = costs_of(py, costs)?;
    dict.set_item("phases", driver.phases().flat().into_pyarray(py))?;
    dict.set_item("matrix_error", done.error)?;
    dict.set_item("unreachable", done.unreachable)?;
    let kept = match done.kept {
        Kept::Found => "found",
        Kept::Before => "before",
        Kept::Perfect => "perfect",
    };
    dict.set_item("kept", kept)?;
    Ok(dict)
}

/// Measure how a loss changes with every phase of an instrument (Hughes et al. 2018, Pai et al. 2023).
///
/// `light`, [sample, port], goes in; `gradient` is the loss's by what comes out, ∂L/∂Re y + i ∂L/∂Im y, [sample, port]
/// (PyTorch's `grad`). `passes` of light are 3, exact where nothing is lost, or 4, which takes out most of what loss does.
/// Slopes by the phases, float64 [heater] per rad, and by the light, complex128 [sample, port].
#[pyfunction]
#[pyo3(
    signature = (instrument, light, gradient, /, *, passes = Whole::Held(3)),
    text_signature = "(instrument, light, gradient, /, *, passes=3)"
)]
pub fn in_situ<'py>(
    instrument: &Bound<'py, PyAny>,
    light: &Bound<'py, PyAny>,
    gradient: &Bound<'py, PyAny>,
    passes: Whole,
) -> PyResult<(Bound<'py, PyArray1<f64>>, Amplitudes<'py>)> {
    let py = instrument.py();
    let passes = match passes.within::<u8>("passes", 3..=4)? {
        3 => Passes::Three,
        _ => Passes::Four,
    };
    let light = from_python(&array::fields("light", light)?);
    let by_outputs = from_python(&array::fields("gradient", gradient)?);
    let mut given = Given::new(instrument)?;
    if !instrument.hasattr("taps")? {
        return Err(wrong_type("instrument", &written(instrument)?, OFFERS));
    }
    let measured = lightloom::train::in_situ(&mut given, &light, &by_outputs, passes);
    let measured = given.out(measured)?;
    let phases = Array1::from(measured.phases).into_pyarray(py);
    Ok((phases, to_python(py, &measured.inputs)))
}
