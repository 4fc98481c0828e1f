//! What a photonic chip is like, and one draw from it.

use std::path::PathBuf;

use lightloom::compile::Program;
use lightloom::error::did_you_mean;
use lightloom::hardware::HardwareKey;
use lightloom::io::record::Cell;
use lightloom::linalg::check_finite;
use lightloom::mesh::Mesh;
use lightloom::processor::map_on_chip;
use lightloom::{Correction, Error, Seed};
use num_complex::Complex;
use numpy::PyArray2;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyMapping};

use crate::array;
use crate::mesh::Mesh as PyMesh;
use crate::named::{Argument, LayerName, Whole, Word, written};
use crate::program::Program as PyProgram;
use crate::refusal::raise;
use crate::work::work;

/// A kind of chip: a distribution from which chips are drawn.
///
/// `source` is the name of a preset (ideal, thermo-optic, mit-pnp, low-noise), the path of a TOML file, a nested dict
/// {"coupler": {"splitting_error_rad": 0.02}}, or another `Hardware`. Keywords set single keys, section and name joined by
/// an underscore: coupler_splitting_error_rad=0.02; None leaves a key without a value. docs/hardware.md lists all keys.
#[pyclass(frozen, eq, module = "lightloom")]
#[derive(PartialEq)]
pub struct Hardware {
    pub(crate) hardware: lightloom::Hardware,
}

impl Hardware {
    /// The hardware that `source` describes, as [`Hardware`] says.
    pub fn of(source: &Bound<'_, PyAny>) -> PyResult<lightloom::Hardware> {
        if let Ok(hardware) = source.cast::<Self>() {
            return Ok(hardware.get().hardware.clone());
        }
        if let Ok(sections) = source.cast::<PyMapping>() {
            return of_sections(sections);
        }
        let path: Argument<PathBuf> = source.extract()?;
        let path = path.named("hardware", "a name, a path, a dict or a Hardware")?;
        let name = path.to_str().ok_or_else(|| {
            let limit = "a path in UTF-8";
            raise(Error::value("hardware", path.display(), limit))
        })?;
        lightloom::Hardware::open(name).map_err(raise)
    }
}

/// What describes a hardware, if it is there: `None` describes nothing.
struct Source<'py>(Option<Bound<'py, PyAny>>);

impl<'py> FromPyObject<'_, 'py> for Source<'py> {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        Ok(Self(Some(object.to_owned())))
    }
}

/// The hardware with the keys of a dict of dicts.
fn of_sections(sections: &Bound<'_, PyMapping>) -> PyResult<lightloom::Hardware> {
    let mut changes = Vec::new();
    for section in sections.items()? {
        let (section, keys): (Word, Bound<'_, PyAny>) = section.extract()?;
        let section = section.text("section of hardware")?;
        let Ok(keys) = keys.cast::<PyMapping>() else {
            let limit = "a dict of its keys";
            return Err(raise(Error::value(section, written(&keys)?, limit)));
        };
        for key in keys.items()? {
            let (key, value): (Word, Bound<'_, PyAny>) = key.extract()?;
            let key = key.text(&format!("key of {section}"))?;
            let name = format!("{section}.{key}");
            let value = cell(&name, &value)?;
            changes.push((name, value));
        }
    }
    let changes = changes.iter().map(|(name, value)| (&**name, value.clone()));
    lightloom::Hardware::default()
        .with_values(changes)
        .map_err(raise)
}

/// A value of a key as Python says it.
fn cell(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Cell> {
    if value.is_none() {
        return Ok(Cell::Null);
    }
    if let Ok(text) = value.extract::<String>() {
        return Ok(Cell::Text(text));
    }
    if !value.is_instance_of::<PyBool>() {
        if let Ok(number) = value.extract::<i64>() {
            return Ok(Cell::Int(number));
        }
        if let Ok(number) = value.extract::<f64>() {
            return Ok(Cell::Float(number));
        }
    }
    let limit = "a number, a name or None";
    Err(raise(Error::value(name, written(value)?, limit)))
}

/// What `key` is called as a keyword.
fn keyword(key: &HardwareKey) -> String {
    key.name.replace('.', "_")
}

/// The key that a keyword means.
fn key(word: &str) -> lightloom::Result<&'static HardwareKey> {
    let keys = lightloom::Hardware::keys();
    let words: Vec<String> = keys.iter().map(keyword).collect();
    if let Some(index) = words.iter().position(|known| known == word) {
        return Ok(&keys[index]);
    }
    let is_of_section = |section: &str| {
        let name = word.strip_prefix(section);
        name.is_some_and(|name| name.starts_with('_'))
    };
    let of_section = keys.iter().filter(|key| is_of_section(key.parts().0));
    let of_section: Vec<String> = of_section.map(keyword).collect();
    let allowed = match of_section.as_slice() {
        [] => "a keyword is section_name, such as coupler_splitting_error_rad".to_owned(),
        words => format!("its section has {}", words.join(", ")),
    };
    let meant = did_you_mean(word, words.iter().map(String::as_str));
    Err(Error::format(
        word,
        format!("is no keyword of the hardware: {allowed}{meant}"),
    ))
}

/// `cell` as Python's object.
pub fn object<'py>(py: Python<'py>, cell: Cell) -> PyResult<Bound<'py, PyAny>> {
    Ok(match cell {
        Cell::Null => py.None().into_bound(py),
        Cell::Int(number) => number.into_pyobject(py)?.into_any(),
        Cell::Float(number) => number.into_pyobject(py)?.into_any(),
        Cell::Text(text) => text.into_pyobject(py)?.into_any(),
    })
}

#[pymethods]
impl Hardware {
    #[new]
    #[pyo3(
        signature = (source = Source(None), /, **keys),
        text_signature = "(source='ideal', /, **keys)"
    )]
    fn new(source: Source<'_>, keys: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let hardware = match source.0 {
            Some(source) => Self::of(&source)?,
            None => lightloom::Hardware::default(),
        };
        let mut changes = Vec::new();
        for (keyword, value) in keys.into_iter().flat_map(|keys| keys.iter()) {
            let name = key(&keyword.extract::<String>()?).map_err(raise)?.name;
            changes.push((name, cell(name, &value)?));
        }
        let hardware = hardware.with_values(changes).map_err(raise)?;
        Ok(Self { hardware })
    }

    /// The hardware that a text in TOML describes.
    #[staticmethod]
    #[pyo3(signature = (text, /))]
    fn from_toml(text: Word) -> PyResult<Self> {
        let text = text.text("text")?;
        let hardware = lightloom::Hardware::from_toml(&text).map_err(raise)?;
        Ok(Self { hardware })
    }

    /// Every key as TOML, with what it is beside it; of a measured chip its tables too.
    fn to_toml(&self) -> String {
        self.hardware.annotated()
    }

    /// Every key and its value, as a dict of sections; None where a key has no value.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let sections = PyDict::new(py);
        for key in lightloom::Hardware::keys() {
            let (section, name) = key.parts();
            if !sections.contains(section)? {
                sections.set_item(section, PyDict::new(py))?;
            }
            let inside = sections.get_item(section)?.expect("it was put there");
            inside.set_item(name, object(py, key.get(&self.hardware))?)?;
        }
        Ok(sections)
    }

    /// The value of one key, such as hardware["coupler.splitting_error_rad"]; None where it has none.
    fn __getitem__<'py>(&self, py: Python<'py>, key: Word) -> PyResult<Bound<'py, PyAny>> {
        let key = HardwareKey::named(&key.text("key")?).map_err(raise)?;
        object(py, key.get(&self.hardware))
    }

    /// What is worth saying of it that is allowed and hardly meant, in sentences.
    #[getter]
    fn notes(&self) -> Vec<String> {
        self.hardware.notes()
    }

    /// One chip of this kind: `trial` counts the chips that follow from `seed`.
    #[pyo3(
        signature = (seed = Whole::Held(0), trial = Whole::Held(0)),
        text_signature = "($self, seed=0, trial=0)"
    )]
    fn fabricate(&self, seed: Whole, trial: Whole) -> PyResult<Chip> {
        let seed = seed.within("seed", 0..=u64::MAX)?;
        let trial = trial.within("trial", 0..=u64::MAX)?;
        let chip = self.hardware.fabricate(Seed(seed), trial);
        Ok(Chip { chip, seed })
    }

    pub(crate) fn __repr__(&self) -> String {
        let ideal = lightloom::Hardware::default();
        let keys = lightloom::Hardware::keys().iter();
        let set = keys.filter(|key| key.get(&self.hardware) != key.get(&ideal));
        let set = set.map(|key| match key.get(&self.hardware) {
            Cell::Text(name) => format!("{}={name:?}", keyword(key)),
            Cell::Null => format!("{}=None", keyword(key)),
            value => format!("{}={value}", keyword(key)),
        });
        let mut set: Vec<String> = set.collect();
        let measured = self.hardware.measured();
        if !measured.is_empty() {
            let count = measured.numbers().count();
            let (responses, pairs) = (measured.response_count(), measured.pair_count());
            set.push(format!(
                "measured=<{count} numbers, {responses} responses, {pairs} pairs>"
            ));
        }
        format!("Hardware({})", set.join(", "))
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        let text = slf.get().to_toml();
        Ok((slf.get_type().getattr("from_toml")?, (text,)))
    }
}

/// One chip drawn from a `Hardware`; it follows from hardware, seed and trial, and costs nothing to keep.
#[pyclass(frozen, eq, module = "lightloom")]
#[derive(PartialEq)]
pub struct Chip {
    pub(crate) chip: lightloom::Chip,
    seed: u64,
}

/// What a chip is asked to do.
#[derive(FromPyObject)]
enum Asked<'py> {
    Mesh(Bound<'py, PyMesh>),
    Program(Bound<'py, PyProgram>),
}

#[pymethods]
impl Chip {
    /// The kind of chip.
    #[getter]
    fn hardware(&self) -> Hardware {
        let hardware = self.chip.hardware().clone();
        Hardware { hardware }
    }

    /// The seed from which the chip follows.
    #[getter]
    fn seed(&self) -> u64 {
        self.seed
    }

    /// Its number among the chips of that seed.
    #[getter]
    fn trial(&self) -> u64 {
        self.chip.trial()
    }

    /// The matrix of a mesh, or of a layer of a program, on this chip: complex128 [out, in].
    ///
    /// `of` is a `Mesh` or a `Program`; `layer` names one of the program, the first by default, whose weights alone act;
    /// it is as receivers see it, each row turned by the phase of its local oscillator.
    /// Phases are chosen as `correction` says: none, local, progressive or fit.
    #[pyo3(
        signature = (of, /, layer = None, *, correction = Word::default_of("none")),
        text_signature = "($self, of, /, layer=None, *, correction='none')"
    )]
    fn matrix<'py>(
        &self,
        py: Python<'py>,
        of: Argument<Asked<'_>>,
        layer: Option<Argument<LayerName>>,
        correction: Word,
    ) -> PyResult<Bound<'py, PyArray2<Complex<f64>>>> {
        let correction = correction.correction()?;
        let layer = layer.map(Argument::layer).transpose()?;
        let chip = self.chip.clone();
        let matrix = match of.named("of", "a Mesh or a Program")? {
            Asked::Mesh(mesh) => {
                if let Some(layer) = layer {
                    let limit = "left out: this is a mesh, not a program";
                    return Err(raise(Error::value("layer", layer, limit)));
                }
                let mesh = mesh.get().mesh.clone();
                work(py, move |_| of_mesh(&mesh, &chip, correction))?
            }
            Asked::Program(program) => {
                let program = program.get().program.clone();
                work(py, move |_| {
                    of_layer(&program, layer.as_deref(), &chip, correction)
                })?
            }
        };
        Ok(array::matrix(py, &matrix))
    }

    fn __repr__(&self) -> String {
        format!(
            "<Chip of seed {}, trial {}: {}>",
            self.seed,
            self.chip.trial(),
            self.hardware().__repr__()
        )
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (u64, u64))> {
        let this = slf.get();
        let hardware = Bound::new(slf.py(), this.hardware())?;
        Ok((
            hardware.getattr("fabricate")?,
            (this.seed, this.chip.trial()),
        ))
    }
}

/// The matrix of `mesh` on `chip`, between its ports.
fn of_mesh(
    mesh: &Mesh,
    chip: &lightloom::Chip,
    correction: Correction,
) -> lightloom::Result<lightloom::linalg::Matrix> {
    let whole = match correction {
        Correction::None => chip.transfer(mesh),
        _ => chip.program(mesh, correction).coefficients.transfer(),
    };
    let matrix = mesh.between_ports(&whole);
    check_finite("transfer matrix", &matrix)?;
    Ok(matrix)
}

/// The matrix of a layer of `program` on `chip`.
fn of_layer(
    program: &Program,
    layer: Option<&str>,
    chip: &lightloom::Chip,
    correction: Correction,
) -> lightloom::Result<lightloom::linalg::Matrix> {
    let layer = program.layer("layer", layer)?;
    let matrix = map_on_chip(program, layer.id, chip, correction)?.matrix;
    check_finite("matrix", &matrix)?;
    Ok(matrix)
}
