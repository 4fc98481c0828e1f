//! One noisy trial against digital inference of the same network on the same 10 000 samples, on one thread.
//!
//! Networks of MNIST's shapes with drawn weights: 784-256-256-10 with ReLU between real layers, and complex 392-64-10. Whole
//! layers are one tile. Every row is printed beside its goal as a ratio to the digital inference that alternates with it in
//! this process:
//!
//! | trial | effects | goal |
//! |---|---|---|
//! | `chip` | splitting and phase errors | 1.5 × digital |
//! | `shots` | these, converters of 8 bits, extinction, laser, shot and thermal noise | 2.5 × |
//! | `complex` | splitting and phase errors | 1.7 × the digital complex network |
//!
//! A trial draws its chip, loads it and sends all samples; a digital run multiplies by the weights.

mod settings;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use lightloom::compile::{Layout, compile};
use lightloom::nn::{Activation, Batch, Encoding, Input, Layer, Readout, Weight};
use lightloom::rng::{Effect, Seed};
use lightloom::{Correction, Fields, Network, Processor, Program};
use ndarray::Array2;
use num_complex::Complex;
use settings::{CHIP, SHOTS, hardware};

const SAMPLES: usize = 10_000;
/// Samples of one product, as in an experiment.
const BLOCK: usize = lightloom::nn::BLOCK;

/// Layers of these widths with weights of variance 1 / inputs.
fn network(widths: &[usize], is_complex: bool) -> Program {
    let mut stream = Seed(0).stream(Effect::Haar, 0, widths[0] as u64, 0);
    let layers = widths.windows(2).enumerate().map(|(index, pair)| {
        let (inputs, outputs) = (pair[0], pair[1]);
        let size = (inputs as f64).sqrt().recip();
        let mut draw = || size * stream.standard_normal();
        let shape = (outputs, inputs);
        let weight = if is_complex {
            Weight::Complex(Array2::from_shape_simple_fn(shape, || {
                Complex::new(draw(), draw())
            }))
        } else {
            Weight::Real(Array2::from_shape_simple_fn(shape, draw))
        };
        let activation = match (index + 2 == widths.len(), is_complex) {
            (true, _) => Activation::Identity,
            (false, true) => Activation::ModulusSoftplus { temperature: 0.03 },
            (false, false) => Activation::Relu,
        };
        let (name, bias) = (index.to_string(), None);
        Layer::new(name, weight, bias, activation)
    });
    let (encoding, readout) = if is_complex {
        (Encoding::ComplexHalves, Readout::Intensity)
    } else {
        (Encoding::Real, Readout::Real)
    };
    let input = Input {
        encoding,
        ..Input::default()
    };
    let network = Network::new(input, layers.collect(), readout).expect("the layers fit");
    compile(&network, Layout::default()).expect("the weights are finite")
}

/// Samples in [0, 1), a fifth of them lit as in MNIST.
fn blocks(signals: usize, is_complex: bool) -> Vec<Batch<f32>> {
    let mut stream = Seed(1).stream(Effect::Haar, 0, signals as u64, 0);
    let mut pixel = || (5.0 * stream.uniform() - 4.0).max(0.0) as f32;
    let starts = (0..SAMPLES).step_by(BLOCK);
    let block = starts.map(|start| {
        let shape = (signals, BLOCK.min(SAMPLES - start));
        let mut part = || Array2::from_shape_simple_fn(shape, &mut pixel);
        if is_complex {
            let (re, im) = (part(), part());
            Batch::Complex(Fields::new(re.view(), im.view()).expect("two parts of one shape"))
        } else {
            Batch::Real(part())
        }
    });
    block.collect()
}

fn seconds(mut work: impl FnMut()) -> f64 {
    let clock = Instant::now();
    work();
    clock.elapsed().as_secs_f64()
}

fn trials(criterion: &mut Criterion) {
    let real = (network(&[784, 256, 256, 10], false), blocks(784, false));
    let complex = (network(&[392, 64, 10], true), blocks(392, true));
    let mut group = criterion.benchmark_group("trial");
    group.sample_size(10);
    group.warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(3));
    let all: Vec<_> = CHIP.into_iter().chain(SHOTS).collect();
    for (name, (program, blocks), settings, goal) in [
        ("chip", &real, &CHIP[..], 1.5),
        ("shots", &real, &all[..], 2.5),
        ("complex", &complex, &CHIP[..], 1.7),
    ] {
        let network = program.network();
        let digital = network.digital::<f32>().expect("the network is sound");
        let hardware = hardware(settings);
        let mut chip = 0;
        let mut pairs = Vec::new();
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|times| {
                let mut total = 0.0;
                for _ in 0..times {
                    let digital = seconds(|| {
                        for (index, block) in blocks.iter().enumerate() {
                            let logits = network.run(block.clone(), &digital, index as u64);
                            black_box(logits.expect("a computer multiplies"));
                        }
                    });
                    chip += 1;
                    let noisy = seconds(|| {
                        let chip = hardware.fabricate(Seed(0), chip);
                        let correction = Correction::None;
                        let first = Some(&blocks[0]);
                        let processor = Processor::<f32>::load(program, chip, correction, first)
                            .expect("the hardware reads the network");
                        for (index, block) in blocks.iter().enumerate() {
                            let logits = processor.forward(block.clone(), index as u64);
                            black_box(logits.expect("finite logits"));
                        }
                    });
                    pairs.push(noisy / digital);
                    total += noisy;
                }
                Duration::from_secs_f64(total)
            });
        });
        if !pairs.is_empty() {
            pairs.sort_by(f64::total_cmp);
            println!(
                "trial/{name}: {:.2} × digital (median of {}), goal {goal} ×",
                pairs[pairs.len() / 2],
                pairs.len()
            );
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    // Plots and a long bootstrap would take more time than the measurement.
    config = Criterion::default().without_plots().nresamples(10_000);
    targets = trials
}
criterion_main!(benches);
