//! The Python package `lightloom`: the library's nouns and verbs over NumPy arrays.
//!
//! Everything here is conversion: arguments in, one call of the library without Python's lock, arrays out. What is
//! computed, refused and said is the library's.
#![deny(unsafe_code)]
#![warn(missing_docs)]

mod array;
mod corrected;
mod dataset;
mod drawing;
mod experiment;
mod given;
mod hardware;
mod inference;
mod instrument;
mod maps;
mod mesh;
mod named;
mod network;
mod phases;
mod processor;
mod program;
mod refusal;
mod sweep;
mod task;
mod work;

use std::ffi::OsString;
use std::iter::once;

use pyo3::prelude::*;

/// The exit code of the command `lightloom` for the words behind its name.
///
/// It writes to the streams of the process, not to `sys.stdout`.
#[pyfunction]
fn run_command(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    let words = once(OsString::from("lightloom")).chain(arguments);
    py.detach(|| lightloom::cli::main_of(words))
}

/// Trained networks on simulated photonic chips.
#[pymodule]
fn _lightloom(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_function(wrap_pyfunction!(run_command, module)?)?;
    module.add_function(wrap_pyfunction!(mesh::decompose, module)?)?;
    module.add_function(wrap_pyfunction!(program::compile, module)?)?;
    module.add_function(wrap_pyfunction!(corrected::correct, module)?)?;
    module.add_function(wrap_pyfunction!(instrument::self_configure, module)?)?;
    module.add_function(wrap_pyfunction!(instrument::in_situ, module)?)?;
    module.add_function(wrap_pyfunction!(drawing::draw, module)?)?;
    module.add_function(wrap_pyfunction!(processor::load, module)?)?;
    module.add_function(wrap_pyfunction!(inference::infer, module)?)?;
    module.add_function(wrap_pyfunction!(sweep::run_sweep, module)?)?;
    module.add_function(wrap_pyfunction!(task::run_task, module)?)?;
    module.add_function(wrap_pyfunction!(refusal::unknown_name, module)?)?;
    module.add_class::<mesh::Mesh>()?;
    module.add_class::<corrected::Corrected>()?;
    module.add_class::<instrument::Laboratory>()?;
    module.add_class::<drawing::Drawing>()?;
    module.add_class::<network::Network>()?;
    module.add_class::<program::Program>()?;
    module.add_class::<hardware::Hardware>()?;
    module.add_class::<hardware::Chip>()?;
    module.add_class::<processor::Processor>()?;
    module.add_class::<dataset::Dataset>()?;
    module.add_class::<inference::Inference>()?;
    module.add_class::<experiment::Experiment>()?;
    module.add_class::<maps::LoadedMaps>()?;
    module.add_class::<maps::Maps>()?;
    module.add_class::<sweep::Parcel>()?;
    module.add_class::<sweep::Sweep>()?;
    work::drop_pool_in_children(module)
}
