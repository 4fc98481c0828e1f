//! Phases for one mesh on a chip whose errors are known, or measured.

use lightloom::linalg::{Matrix, fidelity, from_array, matrix_error};
use lightloom::mesh::{CellKind, Phases};
use lightloom::processor::{MeshOnChip, mesh_on_chip, self_configured};
use lightloom::{Correction, Error};
use ndarray::Ix2;
use num_complex::Complex;
use numpy::{PyArray1, PyArray2};
use pyo3::prelude::*;

use crate::array;
use crate::hardware::Chip;
use crate::mesh::Mesh;
use crate::named::{Argument, Word, written, wrong_type};
use crate::program::Program;
use crate::refusal::{check_version, raise};
use crate::work::work;

/// A mesh on a chip with the phases that were chosen for it; `correct` makes it.
///
/// Matrix errors are ‖U − U₀‖_F / √N against the ideal mesh, global phase included.
#[pyclass(frozen, module = "lightloom")]
pub struct Corrected {
    target: lightloom::Mesh,
    cell: CellKind,
    method: &'static str,
    found: MeshOnChip,
    ideal: Matrix,
    uncorrected_error: f64,
}

impl Corrected {
    fn phases(&self) -> &Phases {
        &self.found.phases
    }
}

/// The version of the pickles that are written.
const VERSION: u32 = 1;

/// What a pickle holds: its version, the mesh in JSON, cell and method by their names, θ, φ, screen and free phases, the
/// matrices of the chip and of the ideal mesh, the error without a correction, the number of MZIs that could not be set.
type State<'py> = (
    u32,
    String,
    (String, String),
    [Vec<f64>; 4],
    [Bound<'py, PyAny>; 2],
    f64,
    usize,
);

#[pymethods]
impl Corrected {
    /// The mesh with these phases: what the chip is asked for. Those of symmetric cells are no mesh.
    #[getter]
    fn mesh(&self) -> PyResult<Mesh> {
        if self.cell == CellKind::Symmetric {
            let limit = "a mesh holds the phases of MZIs: take theta, phi, screen and free";
            return Err(raise(Error::unsupported("mesh", "symmetric cells", limit)));
        }
        let mesh = self.target.with_phases(self.phases().clone());
        mesh.map(Mesh::new).map_err(raise)
    }

    /// Internal phases θ, rad, one a cell; of symmetric cells those of the top arms: float64 [mzi].
    #[getter]
    fn theta<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<f64>>> {
        array::read_only(PyArray1::from_slice(py, &self.phases().theta))
    }

    /// External phases φ, rad, one a cell; of symmetric cells those of the bottom arms: float64 [mzi].
    #[getter]
    fn phi<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<f64>>> {
        array::read_only(PyArray1::from_slice(py, &self.phases().phi))
    }

    /// Phases of the screen at the outputs, rad: float64 [mode].
    #[getter]
    fn screen<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<f64>>> {
        array::read_only(PyArray1::from_slice(py, &self.phases().screen))
    }

    /// Phases of the shifters between symmetric cells, rad; none of other cells: float64 [shifter].
    #[getter]
    fn free<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<f64>>> {
        array::read_only(PyArray1::from_slice(py, &self.phases().free))
    }

    /// How the phases were chosen.
    #[getter]
    fn method(&self) -> &'static str {
        self.method
    }

    /// The transfer matrix of the chip with these phases: complex128 [mode, mode], row = output.
    fn matrix<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray2<Complex<f64>>> {
        array::matrix(py, &self.found.matrix)
    }

    /// Matrix error with these phases.
    #[getter]
    fn matrix_error(&self) -> f64 {
        matrix_error(&self.found.matrix, &self.ideal)
    }

    /// Matrix error of the same chip with the phases of a perfect one.
    #[getter]
    fn uncorrected_error(&self) -> f64 {
        self.uncorrected_error
    }

    /// Fidelity |tr(U₀†U)|² / (N tr(U†U)) with these phases, from 0 to 1: loss that all modes share does not lower it.
    #[getter]
    fn fidelity(&self) -> f64 {
        fidelity(&self.found.matrix, &self.ideal)
    }

    /// Number of MZIs that no phases could make do what was asked; a fit starts from there.
    #[getter]
    fn unreachable_mzis(&self) -> usize {
        self.found.unreachable
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, State<'py>)> {
        let (py, this) = (slf.py(), slf.get());
        let Phases {
            theta,
            phi,
            screen,
            free,
        } = this.phases().clone();
        let matrices = [&this.found.matrix, &this.ideal];
        let state = (
            VERSION,
            this.target.to_json(),
            (this.cell.to_string(), this.method.to_owned()),
            [theta, phi, screen, free],
            matrices.map(|matrix| array::matrix(py, matrix).into_any()),
            this.uncorrected_error,
            this.found.unreachable,
        );
        Ok((slf.get_type().getattr("_of_pickle")?, state))
    }

    /// The mesh that a pickle holds.
    #[staticmethod]
    #[pyo3(signature = (version, mesh, names, phases, matrices, uncorrected_error, unreachable, /))]
    fn _of_pickle(
        version: u32,
        mesh: &str,
        names: (String, String),
        phases: [Vec<f64>; 4],
        matrices: [Bound<'_, PyAny>; 2],
        uncorrected_error: f64,
        unreachable: usize,
    ) -> PyResult<Self> {
        check_version("Corrected", version, VERSION)?;
        let (cell, method) = names;
        let (method, _) = Word::of(method).choice("method", &methods())?;
        let [theta, phi, screen, free] = phases;
        let [matrix, ideal] = matrices;
        Ok(Self {
            target: lightloom::Mesh::from_json(mesh).map_err(raise)?,
            cell: cell.parse().map_err(raise)?,
            method,
            found: MeshOnChip {
                matrix: square("matrix", &matrix)?,
                phases: Phases {
                    theta,
                    phi,
                    screen,
                    free,
                },
                unreachable,
                configured: None,
            },
            ideal: square("ideal", &ideal)?,
            uncorrected_error,
        })
    }

    fn __repr__(&self) -> String {
        format!(
            "<Corrected {}: matrix error {:.3e} instead of {:.3e}, {} of {} MZIs could not be set exactly>",
            self.method,
            self.matrix_error(),
            self.uncorrected_error,
            self.found.unreachable,
            self.target.nodes().len()
        )
    }
}

/// How phases of one mesh are chosen: from known errors, or by measurement.
#[derive(Clone, Copy)]
enum Method {
    Known(Correction),
    SelfConfigure,
}

/// Every method by its name, and with it.
fn methods() -> [(&'static str, (&'static str, Method)); 4] {
    let known = [Correction::Local, Correction::Progressive, Correction::Fit];
    let known = known.map(|correction| (correction.name(), Method::Known(correction)));
    let [local, progressive, fit] = known;
    let own = ("self-configure", Method::SelfConfigure);
    [local, progressive, fit, own].map(|(name, method)| (name, (name, method)))
}

/// The matrix `[mode, mode]` of a pickle, which calls it `what`.
fn square(what: &str, object: &Bound<'_, PyAny>) -> PyResult<Matrix> {
    let numbers = array::complex(what, object)?;
    let shape = numbers.shape().to_vec();
    let numbers = numbers.into_dimensionality::<Ix2>();
    let numbers = numbers.map_err(|_| raise(Error::shape(what, shape, "[mode, mode]")))?;
    Ok(from_array(numbers.view()))
}

/// What is said of a program.
const OF_PROGRAM: &str =
    "a Mesh: a program is corrected as it is loaded, load(program, chip, correction=…)";

/// Choose the phases of a mesh for one chip.
///
/// `mesh` is a `Mesh`, `chip` a `Chip`. `method` is local or progressive, which know the chip's splitting errors, phase
/// offsets and crosstalk; fit, which follows with gradient descent on all phases and takes seconds to minutes; or
/// self-configure, which knows crosstalk alone and measures. The numbers are those of `lightloom matrix --correct`.
#[pyfunction]
#[pyo3(
    signature = (mesh, chip, /, method = Word::default_of("progressive")),
    text_signature = "(mesh, chip, /, method='progressive')"
)]
pub fn correct(
    py: Python<'_>,
    mesh: &Bound<'_, PyAny>,
    chip: Argument<Bound<'_, Chip>>,
    method: Word,
) -> PyResult<Corrected> {
    if mesh.is_instance_of::<Program>() {
        return Err(wrong_type("mesh", &written(mesh)?, OF_PROGRAM));
    }
    let mesh: Argument<Bound<'_, Mesh>> = mesh.extract()?;
    let mesh = mesh.named("mesh", "a Mesh, which decompose makes")?;
    let chip = chip.named("chip", "a Chip, which Hardware.fabricate draws")?;
    let (method, how) = method.choice("method", &methods())?;
    let target = lightloom::Mesh::clone(&mesh.get().mesh);
    let chip = chip.get().chip.clone();
    work(py, move |_| {
        let ideal = target.between_ports(&target.transfer());
        let before = mesh_on_chip(&target, &chip, Correction::None)?;
        let cell = chip.cell_kind();
        let found = match how {
            Method::Known(correction) => mesh_on_chip(&target, &chip, correction)?,
            Method::SelfConfigure => self_configured(&target, chip)?,
        };
        Ok(Corrected {
            uncorrected_error: matrix_error(&before.matrix, &ideal),
            target,
            cell,
            method,
            found,
            ideal,
        })
    })
}
