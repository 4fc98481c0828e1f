//! Program files that are not as they were written.

use lightloom::compile::{Layout, Multiplier};
use lightloom::io::{Tensor, TensorData, safetensors};
use lightloom::mesh::Geometry;
use lightloom::nn::{Activation, Input, Layer, Readout, Weight};
use lightloom::rng::{Effect, Seed};
use lightloom::{Error, Network, Program, Result, compile};
use ndarray::Array2;
use num_complex::Complex;

use crate::golden::check_error;

/// Two layers, 4 → 4 → 3, of random complex weights.
fn network() -> Network {
    let mut stream = Seed(3).stream(Effect::Haar, 0, 0, 0);
    let mut layer = |name: &str, rows, activation| {
        let weight = Array2::from_shape_fn((rows, 4), |_| {
            Complex::new(stream.standard_normal(), stream.standard_normal())
        });
        Layer::new(name, Weight::Complex(weight), None, activation)
    };
    let layers = vec![
        layer("first", 4, Activation::Zrelu),
        layer("second", 3, Activation::Identity),
    ];
    Network::new(Input::default(), layers, Readout::Intensity).unwrap()
}

/// The bytes of the network on tiles of 4 modes.
fn written(multiplier: Multiplier) -> Vec<u8> {
    let layout = Layout {
        tile: Some(4),
        multiplier,
        ..Layout::default()
    };
    let mut bytes = Vec::new();
    compile(&network(), layout)
        .unwrap()
        .write(&mut bytes)
        .unwrap();
    bytes
}

/// Reads `bytes` with `change` added to number `index` of the tensor called `name`.
fn with_change(bytes: &[u8], name: &str, index: usize, change: f64) -> Result<Program> {
    let mut bundle = safetensors::parse(bytes).unwrap();
    let tensor = bundle.tensors.remove(name).unwrap();
    let shape = tensor.shape().to_vec();
    let TensorData::Real(data) = tensor.data() else {
        panic!("a program holds real numbers");
    };
    let mut data = data.to_vec();
    data[index] += change;
    let tensor = Tensor::real(name, shape, data).unwrap();
    bundle.tensors.insert(name.to_owned(), tensor);
    Program::from_bundle(bundle)
}

/// Weights of full rank leave no phase free but those of outputs and of singular values that are not used.
#[test]
fn a_phase_that_does_not_make_the_weights_is_refused_with_its_layer() {
    for geometry in [Geometry::Clements, Geometry::Reck, Geometry::Diamond] {
        let bytes = written(geometry.into());
        let tensors = safetensors::parse(&bytes).unwrap().tensors;
        let mut changed = 0;
        for (name, tensor) in &tensors {
            if !name.ends_with("_rad") || !name.starts_with("maps.0") {
                continue;
            }
            // Ancillas of a diamond are dark.
            let count = match geometry {
                Geometry::Diamond => 1,
                _ => tensor.shape()[0],
            };
            for index in 0..count {
                let error = with_change(&bytes, name, index, 1e-6).unwrap_err();
                let Error::Within { context, source } = &error else {
                    panic!("{error}");
                };
                assert_eq!(context, "layer `first`");
                let what = "phases of tile 0";
                let is_named =
                    matches!(&**source, Error::Format { what: named, .. } if named == what);
                assert!(is_named, "{name}: {error}");
                changed += 1;
            }
            // A turn is no change.
            let turn = std::f64::consts::TAU;
            if name.contains("put.") {
                with_change(&bytes, name, 0, turn).unwrap();
            }
        }
        assert!(changed >= 7, "{geometry}: {changed}");
    }
    let bytes = written(Geometry::Clements.into());
    let error = with_change(&bytes, "maps.1.tiles.0.output.theta_rad", 0, 0.5).unwrap_err();
    check_error(std::path::Path::new("/"), "a θ of the second layer", &error);
    // Digital weights are held against the same light.
    let error = with_change(&bytes, "maps.0.weight", 3, 1e-6).unwrap_err();
    assert!(matches!(error.root(), Error::Format { .. }), "{error}");
}

#[test]
fn meshes_that_hold_only_some_matrices_are_read_with_what_they_miss() {
    let bytes = written(Geometry::Butterfly.into());
    let program = Program::from_bundle(safetensors::parse(&bytes).unwrap()).unwrap();
    assert!(program.weight_error() > 0.01);
}
