//! Reading a model from the files that training leaves.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use super::model::{Bias, Layer, Model, Weight};
use super::{Activation, Input, Readout, description, onnx};
use crate::error::{Context, Error, Result};
use crate::io::{self, Tensor, Tensors};

impl Model {
    /// Reads a network.
    ///
    /// `path` is `.safetensors` or `.npz` with PyTorch `Linear` tensors (`0.weight [out, in]`, optional
    /// `0.bias`; the layers in the natural order of their names, so `10` after `2`), `.onnx`, or a
    /// `network.toml`. `between` follows every layer but the last of the first two; an ONNX file and a
    /// `network.toml` state their own activations.
    ///
    /// A file without an input description takes data at [`super::Scale::FullScale`] (pixel / 255 for bytes),
    /// and reads the modulus if its weights are complex.
    ///
    /// # Errors
    /// Whatever is wrong with the file, named; [`Error::Unsupported`] for what cannot be represented.
    pub fn load(path: impl AsRef<Path>, between: Activation) -> Result<Self> {
        let path = path.as_ref();
        match &*io::extension(path) {
            "safetensors" | "npz" => Self::from_tensors(read_tensors(path)?, between),
            "onnx" => Self::from_onnx(&io::onnx::read(path)?),
            "toml" => return description::load(path),
            _ => {
                // A path that is not there at all is the likelier mistake.
                std::fs::metadata(path).map_err(|source| Error::io(path, source))?;
                let pickled = matches!(&*io::extension(path), "pt" | "pth" | "bin" | "ckpt");
                let limit = if pickled {
                    "a pickle of PyTorch runs code when it is read; write the weights with \
                     safetensors.torch.save_file(model.state_dict(), \"net.safetensors\") (docs/tutorial.md)"
                } else {
                    "must be .safetensors, .npz, .onnx or a network.toml"
                };
                return Err(Error::unsupported("network", path.display().to_string(), limit));
            }
        }
        .within(path.display())
    }

    /// The files that [`load`](Self::load) reads for `path`: itself, and the weights beside a `network.toml`.
    ///
    /// # Errors
    /// Whatever is wrong with a `network.toml`, named.
    pub fn files(path: impl AsRef<Path>) -> Result<Vec<PathBuf>> {
        let path = path.as_ref();
        let mut files = vec![path.to_owned()];
        if io::extension(path) == "toml" {
            files.push(description::weights(path)?);
        }
        Ok(files)
    }

    /// The network whose layers are the pairs `<name>.weight`, `<name>.bias` of `tensors`, with `between` after every
    /// layer but the last.
    ///
    /// # Errors
    /// Whatever does not fit, by the tensor's name.
    pub fn from_tensors(tensors: Tensors, between: Activation) -> Result<Self> {
        linear_layers(tensors, between)
    }

    /// The network that an ONNX graph computes.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for an operator or a shape of graph that is none of a fully connected network's.
    pub fn from_onnx(graph: &io::onnx::Graph) -> Result<Self> {
        onnx::model(graph)
    }

    /// The network that the text of a `network.toml` describes, with the tensors of its weights file.
    ///
    /// # Errors
    /// [`Error::Format`] with the line for TOML that is no description; whatever does not fit, by name.
    pub fn from_description(text: &str, weights: &Tensors) -> Result<Self> {
        description::build(description::parse(text.as_bytes())?, weights)
    }
}

/// The tensors of a `.safetensors` or `.npz` file.
pub(super) fn read_tensors(path: &Path) -> Result<Tensors> {
    match &*io::extension(path) {
        "safetensors" => Ok(io::safetensors::read(path)?.tensors),
        "npz" => io::npy::read_npz(path),
        _ => Err(Error::unsupported(
            "weights",
            path.display().to_string(),
            "must be .safetensors or .npz",
        )),
    }
}

/// The model whose layers are the pairs `<name>.weight`, `<name>.bias`.
fn linear_layers(mut tensors: Tensors, between: Activation) -> Result<Model> {
    let mut names: Vec<String> = tensors
        .keys()
        .filter_map(|key| layer_name(key, "weight"))
        .map(str::to_owned)
        .collect();
    names.sort_by(|a, b| natural_order(a, b));
    let mut layers = Vec::new();
    for name in names {
        let key = |part: &str| {
            if name.is_empty() {
                part.to_owned()
            } else {
                format!("{name}.{part}")
            }
        };
        let tensor = tensors
            .remove(&key("weight"))
            .expect("the name comes from this key");
        let bias = tensors.remove(&key("bias"));
        layers.push(Layer {
            weight: weight(&key("weight"), tensor)?,
            bias: bias
                .map(|tensor| self::bias(&key("bias"), tensor))
                .transpose()?,
            activation: between,
            name: if name.is_empty() {
                "0".to_owned()
            } else {
                name
            },
        });
    }
    if let Some(extra) = tensors.keys().next() {
        return Err(Error::unsupported(
            "tensor",
            extra,
            "every tensor must be `<layer>.weight` [out, in] or the `<layer>.bias` beside one",
        ));
    }
    if let Some(last) = layers.last_mut() {
        last.activation = Activation::Identity;
    }
    let complex = layers.iter().any(|layer| layer.weight.is_complex());
    let readout = default_readout(complex);
    Model::new(Input::default(), layers, readout)
}

/// How outputs are read where the file does not say it.
pub(super) fn default_readout(complex: bool) -> Readout {
    if complex {
        Readout::Modulus
    } else {
        Readout::Real
    }
}

/// `fc1` for `fc1.weight`, and nothing before a bare `weight`.
fn layer_name<'a>(key: &'a str, part: &str) -> Option<&'a str> {
    let name = key.strip_suffix(part)?;
    if name.is_empty() {
        Some(name)
    } else {
        name.strip_suffix('.')
    }
}

/// A weight matrix `[out, in]`.
pub(super) fn weight(name: &str, tensor: Tensor) -> Result<Weight> {
    let what = format!("tensor `{name}`");
    tensor.check_finite(&what)?;
    Ok(if tensor.is_complex() {
        Weight::Complex(tensor.into_complex_matrix(&what)?)
    } else {
        Weight::Real(tensor.into_matrix(&what)?)
    })
}

/// A bias vector `[out]`.
pub(super) fn bias(name: &str, tensor: Tensor) -> Result<Bias> {
    let what = format!("tensor `{name}`");
    tensor.check_finite(&what)?;
    Ok(if tensor.is_complex() {
        Bias::Complex(tensor.into_complex_vector(&what)?)
    } else {
        Bias::Real(tensor.into_vector(&what)?)
    })
}

/// Text order, but runs of digits compare as numbers: `2` before `10`, `fc2` before `fc10`.
fn natural_order(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    loop {
        let (x, rest_x) = chunk(left);
        let (y, rest_y) = chunk(right);
        let order = match (number(x), number(y)) {
            (Some(m), Some(n)) => m.len().cmp(&n.len()).then(m.cmp(n)),
            _ => x.cmp(y),
        };
        if order.is_ne() {
            return order;
        }
        if x.is_empty() {
            return a.cmp(b);
        }
        (left, right) = (rest_x, rest_y);
    }
}

/// The leading run of digits or of other characters, and what follows.
fn chunk(text: &str) -> (&str, &str) {
    let digits = text.starts_with(|c: char| c.is_ascii_digit());
    let end = text.find(|c: char| c.is_ascii_digit() != digits);
    text.split_at(end.unwrap_or(text.len()))
}

/// A run of digits without its leading zeros.
fn number(chunk: &str) -> Option<&str> {
    chunk
        .starts_with(|c: char| c.is_ascii_digit())
        .then(|| chunk.trim_start_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_complex::Complex;

    fn tensors(list: &[(&str, &[usize])]) -> Tensors {
        let one = |(name, shape): &(&str, &[usize])| {
            let data = vec![1.0; shape.iter().product()];
            (
                (*name).to_owned(),
                Tensor::real(name, shape.to_vec(), data).unwrap(),
            )
        };
        list.iter().map(one).collect()
    }

    #[test]
    fn layers_follow_the_natural_order_of_their_names() {
        let mut names = ["fc10", "10", "fc2", "2", "fc2b", "fc02", "", "b.1", "a.12"];
        names.sort_by(|a, b| natural_order(a, b));
        assert_eq!(
            names,
            ["", "2", "10", "a.12", "b.1", "fc02", "fc2", "fc2b", "fc10"]
        );
        let file = tensors(&[
            ("10.weight", &[2, 3]),
            ("2.weight", &[3, 4]),
            ("2.bias", &[3]),
        ]);
        let model = linear_layers(file, Activation::Tanh).unwrap();
        let names: Vec<_> = model.layers.iter().map(|layer| &*layer.name).collect();
        assert_eq!(names, ["2", "10"]);
        assert_eq!(model.layers[0].activation, Activation::Tanh);
        assert_eq!(model.layers[1].activation, Activation::Identity);
        assert!(model.layers[0].bias.is_some() && model.layers[1].bias.is_none());
        let single = linear_layers(tensors(&[("weight", &[2, 3])]), Activation::Relu).unwrap();
        assert_eq!(single.layers[0].name, "0");
    }

    #[test]
    fn tensors_that_are_no_linear_layers_are_refused_by_name() {
        let error = |list: &[(&str, &[usize])]| {
            linear_layers(tensors(list), Activation::Relu)
                .unwrap_err()
                .to_string()
        };
        assert!(
            error(&[("0.weight", &[2, 3]), ("1.running_mean", &[2])]).contains("`1.running_mean`")
        );
        assert!(error(&[("0.bias", &[2])]).contains("`0.bias` is not supported"));
        assert!(error(&[("bn.weight", &[2])]).contains("tensor `bn.weight` has shape [2]"));
        assert!(error(&[]).contains("no layers"));
        let mut file = tensors(&[("0.weight", &[1, 2])]);
        let nan = Tensor::real("w", vec![1, 2], vec![0.0, f64::NAN]).unwrap();
        file.insert("0.weight".into(), nan);
        assert_eq!(
            linear_layers(file, Activation::Relu)
                .unwrap_err()
                .to_string(),
            "tensor `0.weight`: element [0, 1] is NaN: must be finite"
        );
    }

    #[test]
    fn complex_weights_are_read_by_their_modulus() {
        let tensor = Tensor::complex("w", vec![1, 1], vec![Complex::new(0.0, 1.0)]).unwrap();
        let file = Tensors::from([("0.weight".to_owned(), tensor)]);
        let model = linear_layers(file, Activation::Relu).unwrap();
        assert_eq!(model.readout, Readout::Modulus);
    }
}
