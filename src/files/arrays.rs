//! Files of named tensors: programs, networks, data sets, and what commands write as arrays.

use super::{Known, data_in};
use crate::compile::{Program, load_network};
use crate::error::{Context, Result};
use crate::experiment::predictions_in;
use crate::export::Export;
use crate::io::npy::{Array, Npz};
use crate::io::{self, Source, Tensor};
use crate::nn::Hints;
use crate::train::State;
use crate::twin::settings_in;

/// A named tensor of a file, without its numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorShape {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// The type of its numbers, or `text`.
    pub dtype: &'static str,
}

impl TensorShape {
    fn of(name: impl Into<String>, tensor: &Tensor) -> Self {
        Self {
            name: name.into(),
            shape: tensor.shape().to_vec(),
            dtype: tensor.dtype().name(),
        }
    }
}

/// An `.npz` archive: exported phases, predictions, layers of a network or a data set.
pub(super) fn of_archive(source: &Source) -> Result<Known> {
    let tensors = source.parse(|bytes| {
        let mut archive = Npz::open(bytes)?;
        let names = archive.names().to_vec();
        let tensors = names.into_iter().map(|name| {
            Ok(match archive.array(&name)? {
                Array::Numbers(tensor) => TensorShape::of(name, &tensor),
                Array::Texts(texts) => TensorShape {
                    name,
                    shape: texts.shape,
                    dtype: "text",
                },
            })
        });
        tensors.collect::<Result<Vec<_>>>()
    });
    let mut tensors = tensors?;
    tensors.sort_by(|a, b| a.name.cmp(&b.name));
    let shape = |name: &str| {
        let found = tensors.iter().find(|tensor| tensor.name == name)?;
        Some(&*found.shape)
    };
    let names = tensors.iter().map(|tensor| &*tensor.name);
    if let Some(shifters) = Export::shifters_in(names, shape) {
        return Ok(Known::Phases { shifters });
    }
    if let Some([chips, samples, outputs]) = predictions_in(shape) {
        return Ok(Known::Predictions {
            chips,
            samples,
            outputs,
        });
    }
    if let Some([settings, heaters, inputs]) = settings_in(shape)
        && (inputs > 0 || tensors.len() == 1)
    {
        return Ok(Known::Measurements {
            settings,
            heaters,
            ports: (inputs > 0).then_some(inputs),
        });
    }
    Ok(of_tensors(source, tensors))
}

/// What `torch.save` wrote.
pub(super) fn of_state_dict(source: &Source) -> Result<Known> {
    let tensors = source.parse(io::torch::parse)?.tensors;
    let tensors = tensors
        .iter()
        .map(|(name, tensor)| TensorShape::of(&**name, tensor));
    Ok(of_tensors(source, tensors.collect()))
}

/// A program, or layers of a network.
pub(super) fn of_safetensors(source: &Source) -> Result<Known> {
    let bundle = source.parse(io::safetensors::parse)?;
    if Program::is_program(&bundle) {
        let program = Program::from_bundle(bundle).within(source.name())?;
        return Ok(Known::Program(program));
    }
    if let Some(step) = State::step_in(&bundle) {
        return Ok(Known::TrainingState { step });
    }
    let tensors = bundle.tensors.iter();
    let tensors = tensors.map(|(name, tensor)| TensorShape::of(&**name, tensor));
    Ok(of_tensors(source, tensors.collect()))
}

/// The layers of a network, else the arrays of a data set, else what they are.
fn of_tensors(source: &Source, tensors: Vec<TensorShape>) -> Known {
    match load_network(source, &Hints::default()) {
        Ok(loaded) => Known::Network { loaded, tensors },
        Err(no_network) => match data_in(source) {
            Ok(data) => Known::Dataset { data, tensors },
            Err(_) => Known::Tensors {
                tensors,
                no_network,
            },
        },
    }
}
