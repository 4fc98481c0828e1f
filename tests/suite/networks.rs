//! Networks as PyTorch writes them.

use std::path::Path;

use lightloom::nn::{Activation, Hints, Order, Samples};
use lightloom::{Error, Network, io};
use serde_json::Value;

use crate::cli::{lightloom, ok, refused};
use crate::golden::check_error;

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/networks");

/// Exported by PyTorch 2.15; the outputs beside each are those of ONNX Runtime 1.32 in single precision.
#[test]
fn exported_networks_have_the_outputs_of_onnx_runtime() {
    use Activation::*;
    for (name, expected) in [
        ("act_clamp", Clip { min: 0.0, max: 1.0 }),
        ("act_elu", Elu { alpha: 1.0 }),
        ("act_hardswish", Hardswish),
        (
            "act_hardtanh",
            Clip {
                min: -1.0,
                max: 1.0,
            },
        ),
        ("act_relu6", Relu6),
        ("act_selu", Selu),
        ("act_silu", Silu),
        ("act_softplus_dynamo", Softplus),
        ("batchnorm_after_gemm_legacy", Relu),
    ] {
        let network = Network::load(format!("{CASES}/{name}.onnx"), Identity).unwrap();
        assert_eq!(network.layers()[0].activation, expected, "{name}");
        let mut arrays = io::npy::read_npz(format!("{CASES}/{name}.expected.npz")).unwrap();
        let x = arrays.remove("x").unwrap().into_matrix("x").unwrap();
        let (_, y) = arrays.pop_first().unwrap();
        let y = y.into_matrix("y").unwrap();
        let got = network.forward::<f64>(&Samples::from(x)).unwrap();
        assert_eq!(got.dim(), y.dim(), "{name}");
        // A sum of n products in single precision is off by some √n roundings of its largest.
        let far = got.iter().zip(&y).map(|(a, b)| (a - b).abs());
        let largest = y.iter().fold(1.0f64, |most, y| most.max(y.abs()));
        let tolerance = 8.0 * f64::from(f32::EPSILON) * largest;
        assert!(far.fold(0.0, f64::max) < tolerance, "{name}");
    }
}

const TORCH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/torch");

/// Both files hold one state dict; so does an archive of its arrays, and a `network.toml` around it.
#[test]
fn a_state_dict_of_torch_is_a_network_in_the_order_of_its_modules() {
    let load =
        |file: &str| Network::load_with(format!("{TORCH}/{file}"), &Hints::default()).unwrap();
    let zip = load("state_dict_zip.pt");
    assert_eq!(load("state_dict_legacy.pth").network, zip.network);
    let names: Vec<&str> = zip
        .network
        .layers()
        .iter()
        .map(|layer| layer.name())
        .collect();
    assert_eq!(names, ["0", "2", "4"]);
    let dir = tempfile::tempdir().unwrap();
    let text = format!("weights = '{TORCH}/state_dict_zip.pt'\n");
    let path = dir.path().join("network.toml");
    std::fs::write(&path, text).unwrap();
    assert_eq!(Network::load(&path, Activation::Relu).unwrap(), zip.network);
    let checkpoint = load("checkpoint.pt");
    assert_eq!(
        checkpoint.entry_words().unwrap(),
        "the weights are those of state_dict, not of ema"
    );
    assert_eq!(load("cuda.pt").network, checkpoint.network);
    assert_eq!(load("cuda.pt").entry_words(), None);
    assert_eq!(load("only.pth").entry_words(), None);
}

/// Without numbers and with equal shapes, the order of the file is all there is: input, hidden, output.
#[test]
fn names_without_numbers_keep_the_order_of_the_file() {
    let loaded = Network::load_with(format!("{TORCH}/named.pt"), &Hints::default()).unwrap();
    let names: Vec<&str> = loaded
        .network
        .layers()
        .iter()
        .map(|layer| layer.name())
        .collect();
    assert_eq!(names, ["output", "hidden", "input"]);
    assert_eq!(loaded.assumed.unwrap().order, Order::File);
}

#[test]
fn batch_norm_and_weight_norm_are_refused_by_name() {
    for (file, layer, norm) in [
        ("batchnorm_state_dict.safetensors", "layer `1`", "BatchNorm"),
        ("batchnorm.pt", "layer `1`", "BatchNorm"),
        (
            "weight_norm_state_dict.safetensors",
            "layer `0`",
            "weight norm",
        ),
        ("weight_norm.pt", "layer `0`", "weight norm"),
    ] {
        let error = Network::load(format!("{TORCH}/{file}"), Activation::Relu).unwrap_err();
        assert!(
            matches!(error.root(), Error::Unsupported { what, got, .. } if what == layer && got == norm),
            "{error}"
        );
        check_error(Path::new(TORCH), file, &error);
    }
}

#[test]
fn the_command_line_takes_state_dicts_of_torch_and_every_real_activation() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    for (from, to) in [
        ("cuda.pt", "net.pt"),
        ("checkpoint.pt", "net.ckpt"),
        ("whole_model.pt", "whole.pt"),
    ] {
        std::fs::copy(format!("{TORCH}/{from}"), folder.join(to)).unwrap();
    }
    let compile = ["compile", "net.pt", "-o", "p.safetensors"];
    for kind in Activation::kinds() {
        let needed = kind
            .parameters
            .iter()
            .filter(|parameter| parameter.default.is_none());
        if kind.domain == lightloom::nn::Domain::Complex {
            let needed: Vec<String> = needed
                .map(|parameter| format!("{}=0.5", parameter.name))
                .collect();
            let name = format!("{}:{}", kind.name, needed.join(","));
            refused(folder, &[&compile[..], &["--activation", &name]].concat());
            continue;
        }
        assert_eq!(needed.count(), 0, "{}", kind.name);
        let name = match kind.name {
            "clip" => "clip:min=-0.5,max=1",
            name => name,
        };
        ok(folder, &[&compile[..], &["--activation", name]].concat());
        let inspected = ok(folder, &["inspect", "p.safetensors", "--json", "-"]);
        let inspected: Value = serde_json::from_str(&inspected).unwrap();
        let first = inspected["layers"][0]["activation"].as_str().unwrap();
        assert!(first.starts_with(name), "{first}");
        assert_eq!(inspected["layers"][1]["activation"], "identity");
    }
    let said = ok(folder, &["inspect", "net.pt"]);
    assert!(said.contains("0.weight: [2, 3] float32"), "{said}");
    assert!(said.contains("layer 2: 2 → 2 real with bias"), "{said}");
    let output = lightloom(folder, &["compile", "net.ckpt", "-o", "c.safetensors"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.starts_with("note: the weights are those of state_dict, not of ema\n"),
        "{said}"
    );
    refused(folder, &["inspect", "whole.pt"]);
    refused(folder, &["infer", "net.pt", "--data", "x.npz"]);
    let typo = [&compile[..], &["--activation", "relu7"]].concat();
    refused(folder, &typo);
}
