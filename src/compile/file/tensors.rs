//! The tensors of a network in program files: what it is made of, put into a bundle and taken out of one.

use ndarray::Array2;
use num_complex::Complex;

use super::header::{BodyHeader, MapHeader};
use crate::error::{Context, Error, Result};
use crate::io::{Tensor, Tensors};
#[cfg(feature = "onnx")]
use crate::nn::Graph;
use crate::nn::{Bias, Body, Layer, Linear, LinearId, Network, Weight};

/// The tensor of bytes that holds the file of a graph.
#[cfg(feature = "onnx")]
const GRAPH: &str = "graph.onnx";

fn pairs<'a>(values: impl Iterator<Item = &'a Complex<f64>>) -> Vec<f64> {
    values.flat_map(|z| [z.re, z.im]).collect()
}

pub(super) fn put(
    tensors: &mut Tensors,
    name: String,
    shape: Vec<usize>,
    data: Vec<f64>,
) -> Result<()> {
    let tensor = Tensor::real(&name, shape, data)?;
    tensors.insert(name, tensor);
    Ok(())
}

/// What the tensors of map `id` begin with.
pub(super) fn map_prefix(id: LinearId) -> String {
    format!("maps.{}", id.0)
}

/// Puts the weights of map `id`, and says what it is, without tiles.
pub(super) fn put_map(tensors: &mut Tensors, id: LinearId, linear: &Linear) -> Result<MapHeader> {
    put_weights(tensors, &map_prefix(id), linear)?;
    Ok(MapHeader {
        name: linear.name.clone(),
        groups: linear.groups.len(),
        columns: linear.columns,
        complex: linear.is_complex(),
        tiles: Vec::new(),
    })
}

fn put_weights(tensors: &mut Tensors, prefix: &str, linear: &Linear) -> Result<()> {
    let mut shape = vec![linear.groups.len()];
    shape.retain(|groups| *groups > 1);
    let mut values = Vec::new();
    for weight in &linear.groups {
        match weight {
            Weight::Real(w) if !linear.is_complex() => values.extend(w.iter()),
            _ => values.extend(pairs(weight.to_complex().iter())),
        }
    }
    let first = &linear.groups[0];
    shape.extend([first.outputs(), first.inputs()]);
    shape.extend(linear.is_complex().then_some(2));
    put(tensors, format!("{prefix}.weight"), shape, values)
}

/// Puts what is computed with the maps of `network`.
pub(super) fn put_body(tensors: &mut Tensors, network: &Network) -> Result<BodyHeader> {
    match &network.body {
        Body::Chain(layers) => {
            for (index, layer) in layers.iter().enumerate() {
                put_bias(tensors, &format!("layers.{index}.bias"), &layer.bias)?;
            }
            let activations = layers.iter().map(|layer| layer.activation);
            Ok(BodyHeader::Chain(activations.collect()))
        }
        #[cfg(feature = "onnx")]
        Body::Graph(graph) => {
            tensors.insert(GRAPH.to_owned(), Tensor::of_bytes(graph.file().to_vec()));
            Ok(BodyHeader::Graph(graph.chosen().clone()))
        }
        #[allow(unreachable_patterns)] // Without graphs there are only chains.
        _ => unreachable!("a network is a chain or a graph"),
    }
}

/// What is computed with these maps.
pub(super) fn take_body(
    tensors: &mut Tensors,
    header: BodyHeader,
    linears: Vec<Linear>,
) -> Result<Body> {
    match header {
        BodyHeader::Chain(activations) => {
            if activations.len() != linears.len() {
                let limit = format!("[{}], one a map", linears.len());
                return Err(Error::shape("chain", [activations.len()], limit));
            }
            let layers = linears.into_iter().zip(activations).enumerate();
            let layers = layers.map(|(index, (linear, activation))| {
                let bias = take_bias(tensors, &format!("layers.{index}.bias"))?;
                Ok(Layer {
                    linear,
                    bias,
                    activation,
                })
            });
            Ok(Body::Chain(layers.collect::<Result<_>>()?))
        }
        #[cfg(feature = "onnx")]
        BodyHeader::Graph(chosen) => {
            let bytes = tensors
                .remove(GRAPH)
                .ok_or_else(|| Error::format(format!("tensor `{GRAPH}`"), "is missing"))?;
            let graph = Graph::read_own(bytes.into_bytes(GRAPH)?, &chosen)?;
            let maps = graph.linears();
            if maps.len() != linears.len() {
                let limit = format!("[{}], one for every map of the graph", maps.len());
                return Err(Error::shape("maps", [linears.len()], limit));
            }
            for (stored, own) in linears.iter().zip(maps) {
                if stored != own {
                    let reason = "has another name, shape or weight than in the graph of this file";
                    return Err(Error::format(format!("layer `{}`", stored.name), reason));
                }
            }
            Ok(Body::Graph(graph))
        }
    }
}

fn put_bias(tensors: &mut Tensors, name: &str, bias: &Option<Bias>) -> Result<()> {
    match bias {
        None => Ok(()),
        Some(Bias::Real(b)) => put(tensors, name.to_owned(), vec![b.len()], b.to_vec()),
        Some(Bias::Complex(b)) => put(tensors, name.to_owned(), vec![b.len(), 2], pairs(b.iter())),
    }
}

fn take(tensors: &mut Tensors, name: &str) -> Result<Tensor> {
    let tensor = tensors
        .remove(name)
        .ok_or_else(|| Error::format(format!("tensor `{name}`"), "is missing"))?;
    tensor.check_finite(&format!("tensor `{name}`"))?;
    Ok(tensor)
}

pub(super) fn take_vector(tensors: &mut Tensors, name: &str) -> Result<Vec<f64>> {
    let vector = take(tensors, name)?.into_vector(&format!("tensor `{name}`"))?;
    Ok(vector.to_vec())
}

/// A tensor whose last axis of two holds real and imaginary parts, as complex values and the other axes.
fn take_complex(tensors: &mut Tensors, name: &str) -> Result<(Vec<usize>, Vec<Complex<f64>>)> {
    let tensor = take(tensors, name)?;
    let Some((2, shape)) = tensor.shape().split_last() else {
        let what = format!("tensor `{name}`");
        return Err(Error::shape(
            what,
            tensor.shape(),
            "[.., 2] for complex values",
        ));
    };
    let shape = shape.to_vec();
    let flat = tensor.into_real(&format!("tensor `{name}`"))?;
    let values = flat.chunks_exact(2).map(|z| Complex::new(z[0], z[1]));
    Ok((shape, values.collect()))
}

pub(super) fn take_linear(
    tensors: &mut Tensors,
    prefix: &str,
    header: &MapHeader,
) -> Result<Linear> {
    let name = format!("{prefix}.weight");
    if header.groups == 0 || header.columns == 0 {
        let got = header.groups.min(header.columns);
        return Err(Error::value("groups and columns", got, "at least 1").within(prefix));
    }
    let (shape, values) = match header.complex {
        true => take_complex(tensors, &name)?,
        false => {
            let tensor = take(tensors, &name)?;
            let shape = tensor.shape().to_vec();
            let values = tensor.into_real(&name)?.into_iter();
            (shape, values.map(Complex::from).collect())
        }
    };
    let (groups, rows, cols) = match shape[..] {
        [rows, cols] => (1, rows, cols),
        [groups, rows, cols] if groups > 1 => (groups, rows, cols),
        _ => return Err(Error::shape(name, shape, "[out, in], or [group, out, in]")),
    };
    if groups != header.groups {
        let limit = format!("those of {} groups", header.groups);
        return Err(Error::shape(name, shape, limit));
    }
    if rows == 0 || cols == 0 {
        return Err(Error::shape(name, shape, "[out, in] with none of them 0"));
    }
    let groups = values.chunks_exact(rows * cols).map(|values| {
        let weight = Array2::from_shape_vec((rows, cols), values.to_vec());
        let weight = weight.expect("a chunk holds one group");
        match header.complex {
            true => Weight::Complex(weight),
            false => Weight::Real(weight.mapv(|z| z.re)),
        }
    });
    let linear = Linear {
        name: header.name.clone(),
        groups: groups.collect(),
        columns: header.columns,
    };
    linear.check().within(format!("layer `{}`", linear.name))?;
    Ok(linear)
}

fn take_bias(tensors: &mut Tensors, name: &str) -> Result<Option<Bias>> {
    Ok(match tensors.get(name).map(|bias| bias.shape().len()) {
        None => None,
        Some(1) => Some(Bias::Real(take_vector(tensors, name)?.into())),
        Some(_) => Some(Bias::Complex(take_complex(tensors, name)?.1.into())),
    })
}
