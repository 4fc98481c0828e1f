//! Networks trained in PyTorch reach PyTorch's accuracy on MNIST.
//!
//! The files lie beside the repository, not in it. Without them these tests say so and pass; with
//! `LIGHTLOOM_REQUIRE_SHARED=1` they fail.

use std::path::{Path, PathBuf};

use lightloom::Error;
use lightloom::compile::{Layout, compile};
use lightloom::experiment::Experiment;
use lightloom::field::Real;
use lightloom::hardware::Hardware;
use lightloom::mesh::Correction;
use lightloom::nn::{Activation, Dataset, Network, Split, metrics};
use lightloom::rng::Seed;

/// The path of `../shared/<name>`, or nothing (and a line that says so) where there is none.
pub fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared")
        .join(name);
    if path.exists() {
        return Some(path);
    }
    assert!(
        std::env::var("LIGHTLOOM_REQUIRE_SHARED").as_deref() != Ok("1"),
        "../shared/{name} not found, and LIGHTLOOM_REQUIRE_SHARED=1"
    );
    println!("skipped: ../shared/{name} not found");
    None
}

pub(crate) fn test_set() -> Option<Dataset> {
    Some(Dataset::load(shared("data/mnist")?, Some(Split::Test), None).unwrap())
}

/// Correct predictions of the 10 000.
fn correct<T: Real>(network: &Network, data: &Dataset) -> usize {
    data.check_labels(network.classes()).unwrap();
    let predicted = metrics::predict(network.forward::<T>(&data.x).unwrap().view());
    (metrics::accuracy(&predicted, data.labels.classes().unwrap()) * data.len() as f64).round()
        as usize
}

/// Writes the description of the complex network into `folder`.
fn complex_description(folder: &Path, kind: &str) -> Option<PathBuf> {
    let weights = shared(&format!("models/mnist_complex_392-64-10.{kind}"))?;
    let text = format!(
        r#"
weights = '{}'
[input]
scale = 0.00392156862745098
mean = 0.1307
std = 0.3081
encoding = "complex-halves"
[[layers]]
weight = "0.weight"
activation = {{ kind = "modulus-softplus", temperature = 0.03 }}
[[layers]]
weight = "2.weight"
[output]
readout = "intensity"
"#,
        weights.canonicalize().unwrap().display()
    );
    let path = folder.join("network.toml");
    std::fs::write(&path, text).unwrap();
    Some(path)
}

#[test]
fn the_real_network_reaches_its_accuracy_from_safetensors_and_onnx() {
    let Some(data) = test_set() else { return };
    for kind in ["safetensors", "onnx"] {
        let Some(path) = shared(&format!("models/mnist_mlp_784-256-256-10.{kind}")) else {
            return;
        };
        let network = Network::load(&path, Activation::Relu).unwrap();
        let names: Vec<_> = network.layers().iter().map(|layer| layer.name()).collect();
        assert_eq!(names, ["0", "2", "4"]);
        assert_eq!(correct::<f32>(&network, &data), 9824, "{kind} in f32");
        assert_eq!(correct::<f64>(&network, &data), 9824, "{kind} in f64");
    }
}

#[test]
fn onnx_and_safetensors_give_the_same_logits() {
    let Some(data) = test_set() else { return };
    let load = |kind: &str| {
        let path = shared(&format!("models/mnist_mlp_784-256-256-10.{kind}"))?;
        Some(Network::load(path, Activation::Relu).unwrap())
    };
    let (Some(a), Some(b)) = (load("safetensors"), load("onnx")) else {
        return;
    };
    let few = data.limit(20);
    assert_eq!(
        a.forward::<f64>(&few.x).unwrap(),
        b.forward::<f64>(&few.x).unwrap()
    );
}

#[test]
fn the_complex_network_reaches_its_accuracy_through_its_description() {
    let Some(data) = test_set() else { return };
    for kind in ["npz", "safetensors"] {
        let folder = tempfile::tempdir().unwrap();
        let Some(path) = complex_description(folder.path(), kind) else {
            return;
        };
        let network = Network::load(&path, Activation::Identity).unwrap();
        assert_eq!(network.features(), 784);
        assert_eq!(correct::<f32>(&network, &data), 9718, "{kind} in f32");
        assert_eq!(correct::<f64>(&network, &data), 9718, "{kind} in f64");
    }
}

#[test]
fn the_test_set_has_ten_thousand_images_of_784_bytes() {
    let Some(data) = test_set() else { return };
    assert_eq!((data.len(), data.x.features()), (10_000, 784));
    assert_eq!(data.x.full_scale, 255.0.into());
    assert_eq!(&*data.name, "mnist");
    assert_eq!(&data.labels.classes().unwrap()[..5], &[7, 2, 1, 0, 4]);
}

#[test]
fn a_cut_file_of_a_real_network_is_refused() {
    for name in [
        "models/mnist_complex_392-64-10.npz",
        "models/mnist_complex_392-64-10.safetensors",
        "models/mnist_mlp_784-256-256-10.onnx",
    ] {
        let Some(path) = shared(name) else { return };
        let bytes = std::fs::read(&path).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let cut = folder.path().join(path.file_name().unwrap());
        for step in 0..20 {
            std::fs::write(&cut, &bytes[..bytes.len() * step / 20]).unwrap();
            let error = Network::load(&cut, Activation::Identity).unwrap_err();
            let is_named =
                matches!(&error, Error::Within { context, .. } if Path::new(context) == cut);
            assert!(is_named, "{error}");
        }
    }
}

/// Agreement with digital of at least 0.9999, for whole layers and for tiles of 64 modes.
#[test]
fn perfect_chips_classify_as_the_digital_networks_do() {
    let folder = tempfile::tempdir().unwrap();
    let (Some(data), Some(real), Some(complex)) = (
        test_set(),
        shared("models/mnist_mlp_784-256-256-10.onnx"),
        complex_description(folder.path(), "npz"),
    ) else {
        return;
    };
    for (path, accuracy) in [(real, 0.9824), (complex, 0.9718)] {
        let network = Network::load(path, Activation::Relu).unwrap();
        for tile in [None, Some(64)] {
            let layout = Layout {
                tile,
                ..Layout::default()
            };
            let program = compile(&network, layout).unwrap();
            let hardware = Hardware::default()
                .with("coupler.splitting_error_rad", "0.02")
                .unwrap();
            let experiment = Experiment {
                hardware,
                seed: Seed(0),
                trials: 1,
                correction: Correction::None,
            };
            let report = experiment.run::<f32>(&program, &data, &()).unwrap();
            assert_eq!(report.digital.value(), accuracy);
            let agreement = report.ideal.agreement.unwrap();
            assert!(agreement >= 0.9999, "tile {tile:?}: {agreement}");
            assert!(report.noisy.worth.agreement.unwrap().mean < 1.0);
        }
    }
}
