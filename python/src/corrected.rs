//! Phases for one mesh on a chip whose errors are known, or measured.

use lightloom::linalg::{Matrix, fidelity, matrix_error};
use lightloom::mesh::{CellKind, Phases};
use lightloom::processor::{MeshOnChip, mesh_on_chip, self_configured};
use lightloom::{Correction, Error};
use num_complex::Complex;
use numpy::{PyArray1, PyArray2};
use pyo3::prelude::*;

use crate::array;
use crate::hardware::Chip;
use crate::mesh::Mesh;
use crate::named::{Argument, Word, written, wrong_type};
use crate::program::Program;
use crate::refusal::raise;
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
    let known = [Correction::Local, Correction::Progressive, Correction::Fit];
    let known = known.map(|correction| (correction.name(), Method::Known(correction)));
    let [local, progressive, fit] = known;
    let own = ("self-configure", Method::SelfConfigure);
    let choices = [local, progressive, fit, own].map(|(name, method)| (name, (name, method)));
    let (method, how) = method.choice("method", &choices)?;
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
