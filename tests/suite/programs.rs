//! Files of programs and networks that are not as they were written, and names that they must not have.

use lightloom::compile::{Layout, Multiplier};
use lightloom::io::{Tensor, TensorData, npy, safetensors};
use lightloom::mesh::Geometry;
use lightloom::nn::{Activation, Input, Layer, Readout, Weight};
use lightloom::rng::{Effect, Seed};
use lightloom::{Error, Network, Program, Result, compile};
use ndarray::Array2;
use num_complex::Complex;

use crate::cli::{lightloom, refused};
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

/// Escape sequences of a file would be obeyed by the terminal that names of layers are shown on.
#[test]
fn names_with_control_characters_are_refused_where_files_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let ones = Tensor::real("w", vec![2, 2], vec![1.0; 4]).unwrap();
    let name = "a\u{1b}[31m.weight";
    let tensors = [(name.to_owned(), ones)].into();
    let mut bytes = Vec::new();
    safetensors::write(&mut bytes, &tensors, ("about", "names")).unwrap();
    std::fs::write(path("n.safetensors"), bytes).unwrap();
    let mut archive = npy::NpzWriter::new();
    archive.put(name, ndarray::arr2(&[[1.0]]).view()).unwrap();
    std::fs::write(path("n.npz"), archive.finish().unwrap()).unwrap();
    for file in ["n.safetensors", "n.npz"] {
        let error = Network::load(path(file), Activation::Relu).unwrap_err();
        assert!(!error.to_string().contains('\u{1b}'), "{error:?}");
        check_error(dir.path(), file, &error);
        refused(dir.path(), &["inspect", file]);
    }
    let output = lightloom(dir.path(), &["inspect", "no\u{1b}[2Jsuch.npz"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.starts_with("error: file = no\\u{1b}[2Jsuch.npz: "),
        "{said}"
    );
    let network = |names: [&str; 2]| {
        let layer = |name| {
            let weight = Weight::Real(Array2::ones((2, 2)));
            Layer::new(name, weight, None, Activation::Identity)
        };
        Network::new(Input::default(), names.map(layer).into(), Readout::Real)
    };
    assert!(network(["a", "b"]).is_ok());
    let error = network(["a", "b\n"]).unwrap_err();
    check_error(dir.path(), "a layer", &error);
}

#[test]
fn two_layers_of_one_name_are_refused_in_networks_and_programs() {
    let dir = tempfile::tempdir().unwrap();
    let layer = |name| {
        let weight = Weight::Real(Array2::ones((2, 2)));
        Layer::new(name, weight, None, Activation::Identity)
    };
    let layers = vec![layer("a"), layer("b"), layer("a")];
    let error = Network::new(Input::default(), layers, Readout::Real).unwrap_err();
    check_error(dir.path(), "layers", &error);
    let bytes = written(Geometry::Clements.into());
    let mut bundle = safetensors::parse(&bytes).unwrap();
    let header = bundle.metadata.get_mut("lightloom-program").unwrap();
    *header = header.replace("\"second\"", "\"first\"");
    let error = Program::from_bundle(bundle).unwrap_err();
    check_error(dir.path(), "a program", &error);
}
