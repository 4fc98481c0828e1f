//! The constant matrices of a model that runs elsewhere, on a chip: what `lightloom.torch` multiplies by.

use std::sync::Arc;

use lightloom::compile::compile_watched;
use lightloom::field::{Precision, Real};
use lightloom::nn::{
    Activation, At, BLOCK, Batch, Body, Input, Layer, Linear, LinearId, Linears, Network, Readout,
    Weight,
};
use lightloom::processor::{check_fits, has_shot_effects, weights_on};
use lightloom::{Correction, Error, Processor, Program, Result, Watch};
use ndarray::{Array2, Array3, Axis, Ix1, Ix3, s};
use numpy::{Element, IntoPyArray, PyArray1, PyArray2, PyArrayMethods};
use pyo3::prelude::*;

use crate::array;
use crate::hardware::{Chip, Hardware};
use crate::named::{Whole, Word, wrong_type};
use crate::network::Network as PyNetwork;
use crate::phases::{
    Programmed, by_matrix, by_products, check_trainable, program_of, programmed, reprogrammed,
};
use crate::processor::{BLOCKS_OF_SHOT, LAST_SHOT, Loaded, by_blocks};
use crate::program::{Program as PyProgram, layout};
use crate::refusal::raise;
use crate::work::work;

/// The compiled matrices of a model whose order and whose other operations its owner knows.
#[pyclass(frozen, module = "lightloom._lightloom")]
pub struct Maps {
    program: Program,
}

/// The same on a chip. A map is told by its number.
#[pyclass(frozen, module = "lightloom._lightloom")]
pub struct LoadedMaps {
    loaded: Loaded,
    shots_differ: bool,
}

/// Columns `[column, in]` that a place of the model, a node, gives to a map.
struct Given<T> {
    map: LinearId,
    node: usize,
    columns: Array2<T>,
}

/// The phases, float64 [phase], and the digital scales, float64 [tile], of a map, or what stands for each of them.
type OfTiles<'py> = (Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<f64>>);

#[pymethods]
impl Maps {
    /// Refuse what no layout or correction is called and what no chip of `hardware` can be, before there are matrices;
    /// `name` is that of a layer. Whether shots of such chips differ. The arguments are those of `compile` and `load`; with
    /// `has_phases` phases are parameters, which not every layout, cell and correction leaves to others.
    #[staticmethod]
    #[pyo3(signature = (name, hardware, correction, has_phases, *, tile, geometry, weights, chips, arrange, seed))]
    #[allow(
        clippy::too_many_arguments,
        reason = "keywords of Python, one a part of the layout"
    )]
    fn check(
        name: String,
        hardware: &Bound<'_, Hardware>,
        correction: Word,
        has_phases: bool,
        tile: Option<Whole>,
        geometry: Word,
        weights: Word,
        chips: Word,
        arrange: Word,
        seed: Whole,
    ) -> PyResult<bool> {
        let mut layout = layout(tile, geometry, weights, chips, arrange, seed)?;
        let correction = correction.correction()?;
        let hardware = &hardware.get().hardware;
        if has_phases {
            check_trainable(layout, hardware, correction).map_err(raise)?;
        }
        layout.weights = weights_on(layout.weights, hardware);
        let linear = Linear {
            name,
            groups: vec![Weight::Real(Array2::zeros((1, 1)))],
            columns: 1,
        };
        let fits = apart(vec![linear]).and_then(|one| check_fits(&one, layout, hardware));
        fits.map_err(raise)?;
        Ok(has_shot_effects(hardware))
    }

    /// Compile `matrices`, [group, out, in] each, called `names`, for chips of `hardware`, whose numbers decide how
    /// weights are held. The other arguments are those of `compile`.
    #[staticmethod]
    #[pyo3(signature = (names, matrices, hardware, *, tile, geometry, weights, chips, arrange, seed))]
    #[allow(
        clippy::too_many_arguments,
        reason = "keywords of Python, one a part of the layout"
    )]
    fn compile(
        py: Python<'_>,
        names: Vec<String>,
        matrices: Vec<Bound<'_, PyAny>>,
        hardware: &Bound<'_, Hardware>,
        tile: Option<Whole>,
        geometry: Word,
        weights: Word,
        chips: Word,
        arrange: Word,
        seed: Whole,
    ) -> PyResult<Self> {
        let mut layout = layout(tile, geometry, weights, chips, arrange, seed)?;
        layout.weights = weights_on(layout.weights, &hardware.get().hardware);
        let named = names.into_iter().zip(&matrices);
        let linears = named.map(|(name, matrix)| linear(name, matrix));
        let linears = linears.collect::<PyResult<Vec<Linear>>>()?;
        let program = work(py, move |interrupt| {
            compile_watched(&apart(linears)?, layout, interrupt)
        })?;
        Ok(Self { program })
    }

    /// What the tiles of every map are programmed to: their phases, rad, tile after tile, of each those of the mesh of V†, of
    /// the attenuators, of the mesh of U; and their digital scales.
    fn programmed<'py>(&self, py: Python<'py>) -> PyResult<Vec<OfTiles<'py>>> {
        let maps = programmed(&self.program).map_err(raise)?.into_iter();
        Ok(maps.map(|map| of_tiles(py, map)).collect())
    }

    /// The same maps with other phases and scales.
    fn reprogrammed(
        &self,
        py: Python<'_>,
        programmed: Vec<(Bound<'_, PyAny>, Bound<'_, PyAny>)>,
    ) -> PyResult<Self> {
        let line = |what: &str, numbers: &Bound<'_, PyAny>| -> PyResult<Vec<f64>> {
            let numbers = array::doubles(what, numbers)?;
            let shape = numbers.shape().to_vec();
            let line = numbers.into_dimensionality::<Ix1>();
            let line = line.map_err(|_| raise(Error::shape(what, shape, "a list")))?;
            Ok(line.to_vec())
        };
        let programmed = programmed.iter().map(|(phases, scales)| {
            Ok(Programmed {
                phases: line("phases", phases)?,
                scales: line("scales", scales)?,
            })
        });
        let programmed = programmed.collect::<PyResult<Vec<_>>>()?;
        let program = self.program.clone();
        let program = work(py, move |_| reprogrammed(&program, programmed))?;
        Ok(Self { program })
    }

    /// The program of `network` with the tiles of these maps, in order. Its weights must be `matrices`, [group, out, in] each.
    fn program(
        &self,
        py: Python<'_>,
        network: &Bound<'_, PyNetwork>,
        matrices: Vec<Bound<'_, PyAny>>,
    ) -> PyResult<PyProgram> {
        let names = self.program.maps().map(|map| map.linear.name.clone());
        let matrices = names.zip(&matrices);
        let matrices = matrices.map(|(name, matrix)| groups(&name, matrix));
        let matrices = matrices.collect::<PyResult<Vec<Array3<f64>>>>()?;
        let (program, network) = (self.program.clone(), Arc::clone(&network.get().network));
        let program = work(py, move |_| program_of(&program, &network, &matrices))?;
        Ok(PyProgram { program })
    }

    /// The maps on `chip`, their phases chosen as `correction` says.
    ///
    /// Ranges of modulators and converters just fit `given`: for every node, in order, the number of its map and its
    /// columns [column, in] in a run without noise. Without it shots are without noise.
    #[pyo3(signature = (chip, correction, precision, given = None))]
    fn load(
        &self,
        py: Python<'_>,
        chip: &Bound<'_, Chip>,
        correction: Word,
        precision: Word,
        given: Option<Vec<(usize, Bound<'_, PyAny>)>>,
    ) -> PyResult<LoadedMaps> {
        let correction = correction.correction()?;
        let chip = chip.get().chip.clone();
        let program = self.program.clone();
        let given = given.unwrap_or_default();
        let shots_differ = has_shot_effects(chip.hardware());
        let loaded = match precision.parse("precision")? {
            Precision::F32 => {
                let given = columns(&program, given)?;
                let load = move |_: &_| loaded(&program, chip, correction, given);
                Loaded::Single(work(py, load)?)
            }
            Precision::F64 => {
                let given = columns(&program, given)?;
                let load = move |_: &_| loaded(&program, chip, correction, given);
                Loaded::Double(work(py, load)?)
            }
        };
        Ok(LoadedMaps {
            loaded,
            shots_differ,
        })
    }
}

#[pymethods]
impl LoadedMaps {
    /// Whether shots of this chip differ.
    #[getter]
    fn shots_differ(&self) -> bool {
        self.shots_differ
    }

    /// Relative error of every map's matrix, as that of a `Processor`.
    #[getter]
    fn matrix_errors(&self) -> Vec<f64> {
        match &self.loaded {
            Loaded::Single(processor) => processor.matrix_errors(),
            Loaded::Double(processor) => processor.matrix_errors(),
        }
    }

    /// Loss of every map's tiles, dB, mean over the tiles: what their digital scales make up for.
    #[getter]
    fn losses_db(&self) -> Vec<f64> {
        match &self.loaded {
            Loaded::Single(processor) => processor.losses_db(),
            Loaded::Double(processor) => processor.losses_db(),
        }
    }

    /// What outputs of a map are the product of its inputs with, noise and converters left out: real [out, in], gains
    /// of receivers included. Of maps that were loaded without `given`.
    fn matrix<'py>(&self, py: Python<'py>, map: usize) -> PyResult<Bound<'py, PyAny>> {
        match &self.loaded {
            Loaded::Single(processor) => read_matrix(py, processor, map),
            Loaded::Double(processor) => read_matrix(py, processor, map),
        }
    }

    /// What receivers make of the columns `x`, [column, in] → [column, out], at a node in the shot of a number.
    ///
    /// Noise is drawn for blocks of 512 columns.
    #[pyo3(signature = (map, x, *, node, shot))]
    fn multiply<'py>(
        &self,
        py: Python<'py>,
        map: usize,
        x: &Bound<'py, PyAny>,
        node: usize,
        shot: Whole,
    ) -> PyResult<Bound<'py, PyAny>> {
        let shot: u64 = shot.within("shot", 0..=LAST_SHOT)?;
        let first = shot * BLOCKS_OF_SHOT;
        let map = LinearId(map);
        match &self.loaded {
            Loaded::Single(processor) => products(py, processor, map, own(x)?, node, first),
            Loaded::Double(processor) => products(py, processor, map, own(x)?, node, first),
        }
    }

    /// How a loss changes with a map's phases and scales, where it changes so with `matrix`, [out, in]. Of maps that were
    /// loaded without `given`.
    fn slopes<'py>(
        &self,
        py: Python<'py>,
        map: usize,
        by_matrix: &Bound<'py, PyAny>,
    ) -> PyResult<OfTiles<'py>> {
        match &self.loaded {
            Loaded::Single(processor) => slopes(py, processor, map, own(by_matrix)?),
            Loaded::Double(processor) => slopes(py, processor, map, own(by_matrix)?),
        }
    }

    /// How a loss changes with the columns `x`, [column, in], and with a map's phases and scales, where it changes so with
    /// what `multiply` gives, [column, out]. The noise is that of the shot; converters count as if they had no steps, and
    /// pass nothing back beyond their ranges.
    #[pyo3(signature = (map, x, by_products, *, node, shot))]
    fn slopes_of_shot<'py>(
        &self,
        py: Python<'py>,
        map: usize,
        x: &Bound<'py, PyAny>,
        by_products: &Bound<'py, PyAny>,
        node: usize,
        shot: Whole,
    ) -> PyResult<(Bound<'py, PyAny>, OfTiles<'py>)> {
        let shot: u64 = shot.within("shot", 0..=LAST_SHOT)?;
        let at = (node, shot * BLOCKS_OF_SHOT);
        match &self.loaded {
            Loaded::Single(processor) => {
                let batches = (own(x)?, own(by_products)?);
                slopes_of_shot(py, processor, map, batches, at)
            }
            Loaded::Double(processor) => {
                let batches = (own(x)?, own(by_products)?);
                slopes_of_shot(py, processor, map, batches, at)
            }
        }
    }
}

fn of_tiles(py: Python<'_>, Programmed { phases, scales }: Programmed) -> OfTiles<'_> {
    (phases.into_pyarray(py), scales.into_pyarray(py))
}

fn slopes<'py, T: Real + Element>(
    py: Python<'py>,
    processor: &Arc<Processor<T>>,
    map: usize,
    by: Array2<T>,
) -> PyResult<OfTiles<'py>> {
    let processor = Arc::clone(processor);
    let slopes = work(py, move |_| Ok(by_matrix(&processor, LinearId(map), by)))?;
    Ok(of_tiles(py, slopes))
}

fn slopes_of_shot<'py, T: Real + Element>(
    py: Python<'py>,
    processor: &Arc<Processor<T>>,
    map: usize,
    (x, by): (Array2<T>, Array2<T>),
    at: (usize, u64),
) -> PyResult<(Bound<'py, PyAny>, OfTiles<'py>)> {
    let processor = Arc::clone(processor);
    let slopes = work(py, move |interrupt| {
        by_products(&processor, LinearId(map), (&x, &by), at, interrupt)
    })?;
    let inputs = slopes.inputs.into_pyarray(py).into_any();
    Ok((inputs, of_tiles(py, slopes.tiles)))
}

/// The numbers `[group, out, in]` of `matrix`, which errors call `name`.
fn groups(name: &str, matrix: &Bound<'_, PyAny>) -> PyResult<Array3<f64>> {
    let groups = array::doubles(name, matrix)?;
    let shape = groups.shape().to_vec();
    let groups = groups.into_dimensionality::<Ix3>();
    groups.map_err(|_| raise(Error::shape(name, shape, "[group, out, in]")))
}

/// The map of the groups `matrix`, `[group, out, in]`.
fn linear(name: String, matrix: &Bound<'_, PyAny>) -> PyResult<Linear> {
    let groups = groups(&name, matrix)?;
    let groups = groups.axis_iter(Axis(0));
    Ok(Linear {
        name,
        groups: groups.map(|group| Weight::Real(group.to_owned())).collect(),
        columns: 1,
    })
}

/// A network whose products are those of `linears`. It is no chain, as their shapes need not fit: only its products are
/// asked for.
fn apart(linears: Vec<Linear>) -> Result<Network> {
    for linear in &linears {
        let layer = format!("layer `{}`", linear.name);
        linear.check().map_err(|error| error.within(layer))?;
    }
    let layers = linears.into_iter().map(|linear| Layer {
        linear,
        bias: None,
        activation: Activation::Identity,
    });
    Ok(Network {
        input: Input::default(),
        body: Body::Chain(layers.collect()),
        readout: Readout::Real,
    })
}

/// The numbers of `x`, `[column, in]`, in storage of their own.
fn own<T: Element + Copy>(x: &Bound<'_, PyAny>) -> PyResult<Array2<T>> {
    let x = x.cast::<PyArray2<T>>().map_err(|_| {
        let got = x.get_type().to_string();
        wrong_type("x", &got, "an array [column, in] of the maps' precision")
    })?;
    Ok(x.readonly().as_array().to_owned())
}

/// What every node of `program` is given.
fn columns<T: Element + Copy>(
    program: &Program,
    given: Vec<(usize, Bound<'_, PyAny>)>,
) -> PyResult<Vec<Given<T>>> {
    let maps = program.maps().count();
    let given = given.into_iter().enumerate();
    let given = given.map(|(node, (map, columns))| {
        if map >= maps {
            let limit = format!("a map's number, below {maps}");
            return Err(raise(Error::value("map", map, limit)));
        }
        Ok(Given {
            map: LinearId(map),
            node,
            columns: own(&columns)?,
        })
    });
    given.collect()
}

/// `program` on `chip`, with ranges that fit what every node is `given`.
fn loaded<T: Real>(
    program: &Program,
    chip: lightloom::Chip,
    correction: Correction,
    given: Vec<Given<T>>,
) -> Result<Arc<Processor<T>>> {
    let run = |with: &dyn Linears<T>| {
        given.into_iter().try_for_each(|given| {
            let at = At {
                node: given.node,
                block: 0,
            };
            let columns = Batch::Real(given.columns.reversed_axes());
            with.multiply(given.map, columns, at).map(drop)
        })
    };
    Ok(Arc::new(Processor::load_by(
        program, chip, correction, run,
    )?))
}

/// What outputs of map number `map` are the product of its inputs with: its answers to one input after another.
fn read_matrix<'py, T: Real + Element>(
    py: Python<'py>,
    processor: &Arc<Processor<T>>,
    map: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let map = LinearId(map);
    let inputs = processor.matrix(map).re().ncols();
    let processor = Arc::clone(processor);
    let rows = work(py, move |interrupt| {
        multiplied(&processor, map, Array2::eye(inputs), 0, 0, interrupt)
    })?;
    let matrix = rows.reversed_axes().as_standard_layout().into_owned();
    Ok(matrix.into_pyarray(py).into_any())
}

/// What receivers make of the columns `x` of `map` at `node`, blocks from number `first` on, as an array of Python's.
fn products<'py, T: Real + Element>(
    py: Python<'py>,
    processor: &Arc<Processor<T>>,
    map: LinearId,
    x: Array2<T>,
    node: usize,
    first: u64,
) -> PyResult<Bound<'py, PyAny>> {
    let processor = Arc::clone(processor);
    let products = work(py, move |interrupt| {
        multiplied(&processor, map, x, node, first, interrupt)
    })?;
    Ok(products.into_pyarray(py).into_any())
}

/// The products `[column, out]` of `map` with the columns `x`, `[column, in]`, as shots of `node` in blocks from number
/// `first` on.
fn multiplied<T: Real>(
    processor: &Processor<T>,
    map: LinearId,
    x: Array2<T>,
    node: usize,
    first: u64,
    watch: &impl Watch,
) -> Result<Array2<T>> {
    let (outputs, inputs) = processor.matrix(map).re().dim();
    if x.ncols() != inputs {
        let limit = format!("[column, {inputs}]");
        return Err(Error::shape("x", [x.nrows(), x.ncols()], limit));
    }
    let count = x.nrows();
    let most = BLOCKS_OF_SHOT as usize * BLOCK;
    if count > most {
        let limit = format!("at most {most} of one shot");
        return Err(Error::value("columns", count, limit));
    }
    by_blocks(count, outputs, watch, |block, rows| {
        let columns = Batch::Real(x.slice(s![rows, ..]).t().to_owned());
        columns.check_finite("inputs")?;
        let at = At {
            node,
            block: first + block,
        };
        let Batch::Real(products) = processor.multiply(map, columns, at)? else {
            unreachable!("a real map gives real products of real columns");
        };
        Ok(products)
    })
}
