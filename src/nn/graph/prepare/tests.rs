//! Files as exporters write them, against ONNX Runtime.

use std::path::{Path, PathBuf};

use tract_onnx::prelude::*;

use super::*;
use crate::io;

/// The path of `../shared/<name>`, or nothing (and a line that says so) where there is none.
fn shared(name: &str) -> Option<PathBuf> {
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

fn load(path: &Path, choice: &Choice) -> Result<Prepared> {
    prepare(&Source::open(path)?, choice)
}

/// The values of `tensor` as numbers.
fn numbers(tensor: &tract_onnx::prelude::Tensor) -> Vec<f64> {
    let cast = tensor.cast_to::<f64>().unwrap();
    cast.to_plain_array_view::<f64>()
        .unwrap()
        .iter()
        .copied()
        .collect()
}

fn real(tensor: &io::Tensor) -> Vec<f64> {
    match tensor.data() {
        io::TensorData::Real(data) => data.clone(),
        io::TensorData::Complex(_) => panic!("real"),
    }
}

/// Runs `prepared` as tract does, on `inputs` in the element of each port.
fn run(prepared: &Prepared, inputs: &[io::Tensor]) -> Vec<tract_onnx::prelude::Tensor> {
    let model = prepared.model.clone().into_optimized().unwrap();
    let inputs = inputs.iter().zip(&prepared.inputs).map(|(input, port)| {
        let floats: Vec<f32> = real(input).iter().map(|&x| x as f32).collect();
        let tensor = tract_onnx::prelude::Tensor::from_shape(input.shape(), &floats).unwrap();
        match port.element {
            Element::Float => tensor.into_tvalue(),
            Element::Integer => tensor.cast_to::<i64>().unwrap().into_owned().into_tvalue(),
            Element::Boolean => tensor.cast_to::<bool>().unwrap().into_owned().into_tvalue(),
        }
    });
    let outputs = model
        .into_runnable()
        .unwrap()
        .run(inputs.collect())
        .unwrap();
    outputs
        .into_iter()
        .map(|output| output.into_tensor())
        .collect()
}

/// |a − b| at most 2e-4 of the larger of 1 and |b|.
fn assert_close(what: &str, got: &[f64], expected: &[f64]) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (a, b) in got.iter().zip(expected) {
        assert!(
            (a - b).abs() <= 2e-4 * b.abs().max(1.0),
            "{what}: {a} against {b}"
        );
    }
}

/// `x`, or `x0_…`, `x1_…` in that order, and the outputs by name.
fn expected(path: &Path) -> (Vec<io::Tensor>, Vec<(String, io::Tensor)>) {
    let arrays = io::npy::read_npz(path).unwrap();
    let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
    for (name, array) in arrays {
        match name
            .strip_prefix("out")
            .and_then(|rest| rest.split_once('_'))
        {
            Some((_, output)) => outputs.push((output.to_owned(), array)),
            None => inputs.push(array),
        }
    }
    (inputs, outputs)
}

#[test]
fn every_case_has_the_outputs_of_onnx_runtime() {
    let Some(folder) = shared("cases/networks") else {
        return;
    };
    let mut cases = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "onnx") {
            continue;
        }
        let (inputs, outputs) = expected(&path.with_extension("expected.npz"));
        let choice = Choice {
            outputs: outputs.iter().map(|(name, _)| name.clone()).collect(),
            ..Choice::default()
        };
        let prepared = load(&path, &choice).unwrap();
        let got = run(&prepared, &inputs);
        for (got, (name, expected)) in got.iter().zip(&outputs) {
            let what = format!("{} {name}", path.display());
            assert_eq!(got.shape(), expected.shape(), "{what}");
            assert_close(&what, &numbers(got), &real(expected));
        }
        cases += 1;
    }
    assert_eq!(cases, 29);
}
