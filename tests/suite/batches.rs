//! Files that fix how many samples pass together, on chips whose ranges follow from the data.

use lightloom::compile::{Layout, compile};
use lightloom::hardware::Hardware;
use lightloom::io::Source;
use lightloom::mesh::Correction;
use lightloom::nn::{Batch, Network};
use lightloom::processor::Processor;
use lightloom::rng::Seed;
use ndarray::{Array2, s};
use tract_onnx::pb;

use crate::onnx::{FLOAT, floats, node, onnx, port};

/// A product of three features that takes so many samples at a time.
fn network(samples: &str) -> Network {
    let weight = Array2::from_shape_fn((3, 2), |(i, j)| (0.3 + (2 * i + j) as f32).sin());
    let graph = pb::GraphProto {
        name: "product".to_owned(),
        node: vec![node("Abs", &["x"], "a"), node("MatMul", &["a", "w"], "y")],
        initializer: vec![floats("w", weight.view())],
        input: vec![port("x", FLOAT, &[samples, "3"])],
        output: vec![port("y", FLOAT, &[samples, "2"])],
        ..Default::default()
    };
    let source = Source::new("net", onnx(graph));
    Network::read(&source, &Default::default()).unwrap().network
}

/// What a chip with converters of five bits gives for the first four samples of `x`, `[feature, sample]`, whose ranges the
/// first `count` set.
fn outputs(network: &Network, x: &Array2<f64>, count: usize) -> Array2<f64> {
    let program = compile(network, Layout::default()).unwrap();
    let hardware = Hardware::default().with("readout.adc_bits", "5").unwrap();
    let batch = |count| Batch::Real(x.slice(s![.., ..count]).to_owned());
    let chip = hardware.fabricate(Seed(0), 0);
    let ranges = batch(count);
    let processor = Processor::load(&program, chip, Correction::None, Some(&ranges)).unwrap();
    processor.forward(batch(4), 0).unwrap()
}

/// Of six samples the last, which is the largest by far, stands in a run that copies of it fill.
#[test]
fn every_sample_of_a_fixed_batch_sets_the_ranges() {
    let mut x = Array2::from_shape_fn((3, 6), |(i, j)| ((i + 3 * j) as f64).cos());
    x.column_mut(5).mapv_inplace(|x| 40.0 * x);
    let (four, open) = (network("4"), network("N"));
    assert_ne!(outputs(&four, &x, 6), outputs(&four, &x, 4));
    for count in [4, 6] {
        assert_eq!(outputs(&four, &x, count), outputs(&open, &x, count));
    }
}
