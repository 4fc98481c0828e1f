//! Trained network → phases.

use std::path::PathBuf;
use std::sync::Arc;

use lightloom::Seed;
use lightloom::compile::{Aim, LARGEST_TILE, Layout, Meshes, Tile, compile_watched, load_network};
use lightloom::io::{Source, write_atomic};
use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::array::read_only;
use crate::mesh::Mesh;
use crate::named::{Argument, LayerName, Whole, Word};
use crate::network::{Network, listed};
use crate::refusal::raise;
use crate::work::work;

/// A network as phase settings: what you want of a chip.
#[pyclass(frozen, eq, module = "lightloom")]
#[derive(PartialEq)]
pub struct Program {
    pub(crate) program: lightloom::Program,
}

impl Program {
    /// The bytes of a program file.
    fn bytes(&self, py: Python<'_>) -> PyResult<Vec<u8>> {
        let program = self.program.clone();
        work(py, move |_| {
            let mut bytes = Vec::new();
            program.write(&mut bytes)?;
            Ok(bytes)
        })
    }

    /// The meshes of tile `tile` of a layer.
    fn meshes(&self, layer: Option<Argument<LayerName>>, tile: Whole) -> PyResult<&Meshes> {
        let layer = layer.map(Argument::layer).transpose()?;
        let map = self
            .program
            .layer("layer", layer.as_deref())
            .map_err(raise)?;
        let last = map.tiles.len() - 1;
        let tile: usize = tile.within("tile", 0..=last as u64)?;
        map.tiles[tile].as_meshes().map_err(raise)
    }
}

/// A number that every tile has.
type NumberOfTile = fn(&Tile) -> usize;

#[pymethods]
impl Program {
    /// The program in a file that `lightloom compile` or `save` wrote.
    #[staticmethod]
    #[pyo3(signature = (path, /))]
    fn load(py: Python<'_>, path: Argument<PathBuf>) -> PyResult<Self> {
        let path = path.named("path", "a path")?;
        let program = work(py, move |_| lightloom::Program::read(&Source::open(path)?))?;
        Ok(Self { program })
    }

    /// The program of bytes that `to_bytes` returned.
    #[staticmethod]
    #[pyo3(signature = (data, /))]
    fn from_bytes(py: Python<'_>, data: Argument<Bound<'_, PyBytes>>) -> PyResult<Self> {
        let data = data.named("data", "bytes")?;
        let source = Source::new("data", data.as_bytes());
        let program = work(py, move |_| lightloom::Program::read(&source))?;
        Ok(Self { program })
    }

    /// Write the program to a file, which appears whole or not at all.
    #[pyo3(signature = (path, /))]
    fn save(&self, py: Python<'_>, path: Argument<PathBuf>) -> PyResult<()> {
        let path = path.named("path", "a path")?;
        let program = self.program.clone();
        work(py, move |_| write_atomic(&path, |file| program.write(file)))
    }

    /// The program as the bytes of a program file.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.bytes(py)?))
    }

    /// The network that was compiled.
    #[getter]
    fn network(&self) -> Network {
        Network::new(self.program.network().clone())
    }

    /// Names of the layers that are computed with light.
    #[getter]
    fn layers(&self) -> Vec<String> {
        let maps = self.program.maps();
        maps.map(|map| map.linear.name.clone()).collect()
    }

    /// Modes of the chip's meshes; None where every layer has one tile of its own size.
    #[getter]
    fn tile(&self) -> Option<usize> {
        self.program.layout().tile
    }

    /// Name of the layout of the meshes, such as `clements`.
    #[getter]
    fn geometry(&self) -> String {
        self.program.layout().multiplier.to_string()
    }

    /// Number of MZIs, attenuators included.
    #[getter]
    fn mzis(&self) -> usize {
        self.program.maps().map(|map| map.mzis()).sum()
    }

    /// A mesh of the tile with number `tile`, row by row, of the layer called `layer`, the first one by default: that
    /// of V† with `section` "input", that of U with "output".
    #[pyo3(
        signature = (layer = None, tile = Whole::Held(0), section = Word::default_of("input")),
        text_signature = "($self, layer=None, tile=0, section='input')"
    )]
    fn mesh(
        &self,
        layer: Option<Argument<LayerName>>,
        tile: Whole,
        section: Word,
    ) -> PyResult<Mesh> {
        let meshes = self.meshes(layer, tile)?;
        let sections = [("input", &meshes.input), ("output", &meshes.output)];
        let mesh = section.choice("section", &sections)?;
        Ok(Mesh::new(mesh.clone()))
    }

    /// The tiles of the layer called `layer`, the first one by default, row by row: a dict of read-only arrays.
    ///
    /// row and col are where in the layer's matrix a tile begins, rows and cols how much of it it covers, inputs and
    /// outputs its modes, mzis its MZIs with attenuators: int64 [tile]. scale is the digital factor behind it, float64
    /// [tile].
    #[pyo3(signature = (layer = None))]
    fn tiles<'py>(
        &self,
        py: Python<'py>,
        layer: Option<Argument<LayerName>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let layer = layer.map(Argument::layer).transpose()?;
        let map = self
            .program
            .layer("layer", layer.as_deref())
            .map_err(raise)?;
        let numbers: [(&str, NumberOfTile); 7] = [
            ("row", |tile| tile.row),
            ("col", |tile| tile.col),
            ("rows", |tile| tile.rows),
            ("cols", |tile| tile.cols),
            ("inputs", Tile::inputs),
            ("outputs", Tile::outputs),
            ("mzis", Tile::mzis),
        ];
        let tiles = PyDict::new(py);
        for (name, number) in numbers {
            let column = map.tiles.iter().map(|tile| number(tile) as i64);
            tiles.set_item(name, read_only(PyArray1::from_iter(py, column))?)?;
        }
        let scales = map.tiles.iter().map(|tile| tile.scale);
        tiles.set_item("scale", read_only(PyArray1::from_iter(py, scales))?)?;
        Ok(tiles)
    }

    /// Amplitudes that the attenuators of a tile pass, from 0 to 1, between the meshes of V† and U, in the order of the
    /// modes: float64 [mode].
    ///
    /// `layer` and `tile` as in `mesh`. Times the tile's scale these are the singular values of its block of the weights; of
    /// butterflies, which come only near the block, they are what stands for them.
    #[pyo3(
        signature = (layer = None, tile = Whole::Held(0)),
        text_signature = "($self, layer=None, tile=0)"
    )]
    fn attenuators<'py>(
        &self,
        py: Python<'py>,
        layer: Option<Argument<LayerName>>,
        tile: Whole,
    ) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let passed = self.meshes(layer, tile)?.passed();
        read_only(PyArray1::from_vec(py, passed))
    }

    fn __repr__(&self) -> String {
        let tiles: usize = self.program.maps().map(|map| map.tiles.len()).sum();
        let size = self.tile().map_or_else(
            || "of the layers' own sizes".to_owned(),
            |modes| format!("of {modes} modes"),
        );
        format!(
            "<Program {}: layers {}; {tiles} tiles {size}, {} MZIs>",
            self.geometry(),
            listed(&self.layers()),
            self.mzis()
        )
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }

    fn __reduce__<'py>(
        slf: &Bound<'py, Self>,
    ) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        let bytes = slf.get().to_bytes(slf.py())?;
        Ok((slf.get_type().getattr("from_bytes")?, (bytes,)))
    }
}

/// A network, or the path of one.
#[derive(FromPyObject)]
pub enum Trained<'py> {
    Network(Bound<'py, Network>),
    Path(PathBuf),
}

/// Compile a trained network: W = s · U diag(a) V† for every tile of every layer.
///
/// `network` is a `Network` or the path of one. `tile` is the number of modes of the chip's meshes; without it every
/// layer has one tile of its own size. `geometry` is clements, reck, diamond, butterfly, clements+K or crossbar;
/// `weights` is exact, fixed:BITS, abfp or abfp:BITS; `chips` says for which chips the phases are chosen that the weights
/// leave free: perfect, uncorrected or corrected; `arrange` orders the singular values of a tile: descending, ascending,
/// spread or shuffled. Tiles are compiled in parallel, and the result does not depend on it.
#[pyfunction]
#[pyo3(
    signature = (network, /, *, tile = None, geometry = Word::default_of("clements"), weights = Word::default_of("exact"),
                 chips = Word::default_of("uncorrected"), arrange = Word::default_of("ascending"), seed = Whole::Held(0)),
    text_signature = "(network, /, *, tile=None, geometry='clements', weights='exact', chips='uncorrected', \
                      arrange='ascending', seed=0)"
)]
#[allow(
    clippy::too_many_arguments,
    reason = "keywords of Python, one a part of the layout"
)]
pub fn compile(
    py: Python<'_>,
    network: Argument<Trained<'_>>,
    tile: Option<Whole>,
    geometry: Word,
    weights: Word,
    chips: Word,
    arrange: Word,
    seed: Whole,
) -> PyResult<Program> {
    let layout = layout(tile, geometry, weights, chips, arrange, seed)?;
    let network = match network.named("network", "a Network or a path")? {
        Trained::Network(network) => Arc::clone(&network.get().network),
        Trained::Path(path) => {
            let hints = lightloom::nn::Hints::default();
            let loaded = work(py, move |_| load_network(&Source::open(path)?, &hints))?;
            Arc::new(loaded.network)
        }
    };
    let program = work(py, move |interrupt| {
        compile_watched(&network, layout, interrupt)
    })?;
    Ok(Program { program })
}

/// The layout that these keywords of [`compile`] say.
pub fn layout(
    tile: Option<Whole>,
    geometry: Word,
    weights: Word,
    chips: Word,
    arrange: Word,
    seed: Whole,
) -> PyResult<Layout> {
    let modes = 2..=LARGEST_TILE as u64;
    let aims: Vec<_> = Aim::ALL.iter().map(|aim| (aim.name(), *aim)).collect();
    Ok(Layout {
        tile: tile.map(|tile| tile.within("tile", modes)).transpose()?,
        multiplier: geometry.parse("geometry")?,
        weights: weights.parse("weights")?,
        arrangement: arrange.parse("arrange")?,
        aim: chips.choice("chips", &aims)?,
        seed: Seed(seed.within("seed", 0..=u64::MAX)?),
    })
}
