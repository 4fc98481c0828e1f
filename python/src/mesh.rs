//! One mesh of Mach–Zehnder interferometers.

use std::path::PathBuf;
use std::sync::Arc;

use lightloom::linalg::{from_array, to_unitary};
use lightloom::mesh::{Geometry, closest};
use lightloom::report::{DrawOptions, draw};
use lightloom::{Error, Watch};
use ndarray::{Array2, ArrayView2, Axis, Ix2};
use num_complex::Complex;
use numpy::{IntoPyArray, PyArray1, PyArray2};
use pyo3::prelude::*;
use pyo3::types::PyList;
use rayon::prelude::*;

use crate::array;
use crate::named::{Argument, Word};
use crate::work::work;

/// A mesh of MZIs with its phases: cells in columns on a number of modes, and a screen of phases behind them.
#[pyclass(frozen, eq, module = "lightloom")]
#[derive(PartialEq)]
pub struct Mesh {
    pub(crate) mesh: Arc<lightloom::Mesh>,
}

impl Mesh {
    pub(crate) fn new(mesh: lightloom::Mesh) -> Self {
        let mesh = Arc::new(mesh);
        Self { mesh }
    }
}

#[pymethods]
impl Mesh {
    /// The mesh in a file that `lightloom decompose` or `save` wrote.
    #[staticmethod]
    #[pyo3(signature = (path, /))]
    fn load(py: Python<'_>, path: Argument<PathBuf>) -> PyResult<Self> {
        let path = path.named("path", "a path")?;
        work(py, move |_| lightloom::Mesh::load(path)).map(Self::new)
    }

    /// The mesh of a text that `to_json` returned.
    #[staticmethod]
    #[pyo3(signature = (text, /))]
    fn from_json(py: Python<'_>, text: Word) -> PyResult<Self> {
        let text = text.text("text")?;
        work(py, move |_| lightloom::Mesh::from_json(&text)).map(Self::new)
    }

    /// Write the mesh to a file, which appears whole or not at all.
    #[pyo3(signature = (path, /))]
    fn save(&self, py: Python<'_>, path: Argument<PathBuf>) -> PyResult<()> {
        let path = path.named("path", "a path")?;
        let mesh = Arc::clone(&self.mesh);
        work(py, move |_| mesh.save(path))
    }

    /// The mesh as the text of a mesh file; phases keep all their bits.
    fn to_json(&self, py: Python<'_>) -> PyResult<String> {
        let mesh = Arc::clone(&self.mesh);
        work(py, move |_| Ok(mesh.to_json()))
    }

    /// Number of modes that carry data: rows and columns of `matrix()`.
    #[getter]
    fn modes(&self) -> usize {
        self.mesh.ports()
    }

    /// Name of the layout, such as `clements`; None for another one.
    #[getter]
    fn geometry(&self) -> Option<String> {
        self.mesh.geometry().map(|geometry| geometry.to_string())
    }

    /// Number of columns of MZIs, the optical depth.
    #[getter]
    fn columns(&self) -> usize {
        self.mesh.columns()
    }

    /// Number of MZIs.
    #[getter]
    fn mzis(&self) -> usize {
        self.mesh.nodes().len()
    }

    /// Where every MZI stands, in the order of `theta`: int64 [mzi, 3], its column, its upper and its lower mode.
    #[getter]
    fn nodes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<i64>>> {
        let nodes = self.mesh.nodes();
        let place = |(mzi, axis): (usize, usize)| {
            let node = &nodes[mzi];
            [node.column, node.top, node.bottom][axis] as i64
        };
        array::read_only(Array2::from_shape_fn((nodes.len(), 3), place).into_pyarray(py))
    }

    /// Internal phases θ, rad, one an MZI: float64 [mzi].
    #[getter]
    fn theta<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<f64>>> {
        array::read_only(PyArray1::from_slice(py, self.mesh.theta()))
    }

    /// External phases φ, rad, one an MZI: float64 [mzi].
    #[getter]
    fn phi<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<f64>>> {
        array::read_only(PyArray1::from_slice(py, self.mesh.phi()))
    }

    /// Phases of the screen at the outputs, rad: float64 [mode].
    #[getter]
    fn screen<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray1<f64>>> {
        array::read_only(PyArray1::from_slice(py, self.mesh.screen()))
    }

    /// The transfer matrix of the perfect mesh: complex128 [mode, mode], row = output.
    fn matrix<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<Complex<f64>>>> {
        let mesh = Arc::clone(&self.mesh);
        let matrix = work(py, move |_| Ok(mesh.between_ports(&mesh.transfer())))?;
        Ok(array::matrix(py, &matrix))
    }

    /// Fields behind the perfect mesh: complex128 [sample, mode], for the amplitudes `x` [sample, mode] in front of it.
    #[pyo3(signature = (x, /))]
    fn apply<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyArray2<Complex<f64>>>> {
        let x = array::fields("x", x)?;
        let mesh = Arc::clone(&self.mesh);
        let y = work(py, move |_| mesh.apply::<f64>(x.view()))?;
        Ok(y.into_pyarray(py))
    }

    /// The mesh as the text of an SVG drawing, coloured by θ.
    fn to_svg(&self, py: Python<'_>) -> PyResult<String> {
        let mesh = Arc::clone(&self.mesh);
        work(py, move |_| draw(&mesh, &DrawOptions::default()))
    }

    fn _repr_svg_(&self, py: Python<'_>) -> PyResult<String> {
        self.to_svg(py)
    }

    fn __repr__(&self) -> String {
        let geometry = self.geometry();
        format!(
            "<Mesh {} of {} modes: {} MZIs in {} columns>",
            geometry.as_deref().unwrap_or("of its own layout"),
            self.modes(),
            self.mzis(),
            self.columns()
        )
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        let text = slf.get().to_json(slf.py())?;
        Ok((slf.get_type().getattr("from_json")?, (text,)))
    }
}

/// The mesh that does what a unitary matrix does.
///
/// `u` is [mode, mode], row = output, or [batch, mode, mode], real or complex, unitary: no element of |U†U − 1| above 1e-9.
/// Of one in single precision, up to 1e-6 √modes, the nearest unitary is taken. `geometry` is clements, reck, diamond,
/// clements+K with K more columns, or butterfly, whose phases are fitted. Returns a `Mesh`, or a list of them for a batch,
/// which is decomposed in parallel.
#[pyfunction]
#[pyo3(
    signature = (u, /, geometry = Word::default_of("clements")),
    text_signature = "(u, /, geometry='clements')"
)]
pub fn decompose<'py>(
    py: Python<'py>,
    u: &Bound<'py, PyAny>,
    geometry: Word,
) -> PyResult<Bound<'py, PyAny>> {
    let geometry: Geometry = geometry.parse("geometry")?;
    let u = array::matrices("u", u)?;
    let mesh = move |u: ArrayView2<'_, Complex<f64>>| -> lightloom::Result<lightloom::Mesh> {
        let nearest = to_unitary("u", &from_array(u))?;
        Ok(closest(&nearest.unitary, geometry)?.mesh)
    };
    if u.ndim() == 3 {
        let meshes = work(py, move |interrupt| {
            let meshes = (0..u.len_of(Axis(0))).into_par_iter().map(|index| {
                if interrupt.stops() {
                    return Err(Error::Stopped);
                }
                let u = u.index_axis(Axis(0), index).into_dimensionality::<Ix2>();
                let u = u.expect("a part of three axes has two");
                array::within("u", index, mesh(u))
            });
            meshes.collect::<lightloom::Result<Vec<lightloom::Mesh>>>()
        })?;
        let meshes = meshes.into_iter().map(|mesh| Py::new(py, Mesh::new(mesh)));
        let meshes = meshes.collect::<PyResult<Vec<_>>>()?;
        return Ok(PyList::new(py, meshes)?.into_any());
    }
    let u = u.into_dimensionality::<Ix2>();
    let u = u.expect("what has no three axes has two");
    let mesh = work(py, move |_| mesh(u.view()))?;
    Ok(Bound::new(py, Mesh::new(mesh))?.into_any())
}
