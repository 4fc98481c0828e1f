//! A mesh as a drawing.

use std::path::PathBuf;
use std::sync::Arc;

use lightloom::Error;
use lightloom::io::write_atomic;
use lightloom::report::{ColorBy, DrawOptions};
use ndarray::Ix1;
use pyo3::prelude::*;

use crate::array;
use crate::mesh::Mesh;
use crate::named::{Argument, Whole, Word};
use crate::refusal::{check_version, raise};
use crate::work::work;

/// A drawing, as the text of an SVG file; a notebook shows it.
#[pyclass(frozen, module = "lightloom")]
pub struct Drawing {
    svg: String,
}

/// The version of the pickles that are written.
const VERSION: u32 = 1;

#[pymethods]
impl Drawing {
    /// The text of the SVG file.
    #[getter]
    fn svg(&self) -> &str {
        &self.svg
    }

    /// Write the SVG file, which appears whole or not at all.
    #[pyo3(signature = (path, /))]
    fn save(&self, py: Python<'_>, path: Argument<PathBuf>) -> PyResult<()> {
        let path = path.named("path", "a path")?;
        let svg = self.svg.clone();
        work(py, move |_| {
            write_atomic(&path, |file| {
                let written = file.write_all(svg.as_bytes());
                written.map_err(|source| Error::io(&path, source))
            })
        })
    }

    fn _repr_svg_(&self) -> &str {
        &self.svg
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (u32, String))> {
        let state = (VERSION, slf.get().svg.clone());
        Ok((slf.get_type().getattr("_of_pickle")?, state))
    }

    /// The drawing that a pickle holds.
    #[staticmethod]
    #[pyo3(signature = (version, svg, /))]
    fn _of_pickle(version: u32, svg: String) -> PyResult<Self> {
        check_version("Drawing", version, VERSION)?;
        Ok(Self { svg })
    }

    fn __repr__(&self) -> String {
        format!("<Drawing: {} characters of SVG>", self.svg.chars().count())
    }
}

/// Draw a mesh: waveguides from left to right, one coloured element an MZI, a colour bar with its unit.
///
/// `color` is theta, phi or light. With light, the power of what enters is drawn: `input` is the mode that carries it, 0 by
/// default, or one amplitude a mode, real or complex [mode]. `errors` [mzi], 0 or more, colours every MZI by its own
/// instead. `title` is the headline, by default the size of the mesh. Without errors and title it is the drawing of
/// `lightloom draw`.
#[pyfunction]
#[pyo3(
    signature = (mesh, /, color = Word::default_of("theta"), *, input = None, errors = None, title = None),
    text_signature = "(mesh, /, color='theta', *, input=None, errors=None, title=None)"
)]
pub fn draw(
    py: Python<'_>,
    mesh: Argument<Bound<'_, Mesh>>,
    color: Word,
    input: Option<&Bound<'_, PyAny>>,
    errors: Option<&Bound<'_, PyAny>>,
    title: Option<Word>,
) -> PyResult<Drawing> {
    let mesh = mesh.named("mesh", "a Mesh, which decompose makes")?;
    let mesh = Arc::clone(&mesh.get().mesh);
    let color = color.choice("color", &["theta", "phi", "light"].map(|name| (name, name)))?;
    let color = match (color, input, errors) {
        ("light", input, None) => light(input, mesh.modes())?,
        (_, Some(_), _) => {
            let limit = "color=\"light\", which has an input, without errors";
            return Err(raise(Error::value("color", color, limit)));
        }
        (_, None, Some(errors)) => {
            let errors = array::doubles("errors", errors)?;
            let shape = errors.shape().to_vec();
            let errors = errors.into_dimensionality::<Ix1>().map_err(|_| {
                let limit = format!("[{}], one a MZI", mesh.nodes().len());
                raise(Error::shape("errors", shape, limit))
            })?;
            ColorBy::Error(errors.to_vec())
        }
        ("phi", None, None) => ColorBy::Phi,
        _ => ColorBy::Theta,
    };
    let title = title.map(|title| title.text("title")).transpose()?;
    let options = DrawOptions { color, title };
    let svg = work(py, move |_| lightloom::report::draw(&mesh, &options))?;
    Ok(Drawing { svg })
}

/// The light of one mode, or of one amplitude a mode.
fn light(input: Option<&Bound<'_, PyAny>>, modes: usize) -> PyResult<ColorBy> {
    let Some(input) = input else {
        return ColorBy::light_in(0, modes).map_err(raise);
    };
    let whole: Whole = input.extract()?;
    if !matches!(whole, Whole::Other(_)) {
        let mode = whole.within("input", 0..=modes as u64 - 1)?;
        return ColorBy::light_in(mode, modes).map_err(raise);
    }
    let field = array::complex("input", input)?;
    let shape = field.shape().to_vec();
    let field = field.into_dimensionality::<Ix1>().map_err(|_| {
        let limit = format!("a mode, or [{modes}], one amplitude a mode");
        raise(Error::shape("input", shape, limit))
    })?;
    Ok(ColorBy::Light(field.to_vec()))
}
