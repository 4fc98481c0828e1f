//! Whole graphs of ONNX on one thread: a digital run, the engine's own run of the same file, and a noisy trial.
//!
//! `LIGHTLOOM_GRAPHS=FOLDER cargo bench --bench graph` measures every `.onnx` file of a folder whose one input counts its
//! samples; without it those of `tests/cases/networks` that say so are measured, which are small. For every file are printed:
//!
//! | row | what | goal |
//! |---|---|---|
//! | `digital` | this crate's digital run over the engine's own optimized run, whose samples pass 1, 16 or 128 at a time, whichever is fastest; of a file that the engine does not take as it is, the run of what this crate prepares of it | 1.1 |
//! | `trial` | a trial with splitting and phase errors over the digital run: a chip is drawn, loaded, and all samples sent | 1.3 |
//! | `shots` | the same with converters of 8 bits, laser, shot and thermal noise | 2.5 |
//!
//! The runs of a file alternate in one process. Tiles have 64 modes.

mod settings;

use std::path::{Path, PathBuf};
use std::time::Instant;

use lightloom::compile::{Layout, compile};
use lightloom::io::Source;
use lightloom::nn::{BLOCK, Batch, Choice, Chosen, Element, Graph};
use lightloom::rng::{Effect, Seed};
use lightloom::{Correction, Hardware, Network, Processor, Program};
use ndarray::{Array2, Axis};
use settings::{CHIP, SHOTS, hardware};
use tract_onnx::prelude::*;

/// Samples of a run. Chips are drawn once for all of them, as in an experiment.
const SAMPLES: usize = 20 * BLOCK;
/// Times that the runs of a file alternate.
const ROUNDS: usize = 3;
/// Blocks of them that the engine runs, whose time counts for all.
const ENGINE_BLOCKS: usize = 4;
/// Samples that pass the engine together.
const PASSES: [usize; 3] = [1, 16, 128];

fn files() -> Vec<PathBuf> {
    let given = std::env::var_os("LIGHTLOOM_GRAPHS").map(PathBuf::from);
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/networks");
    let folder = std::fs::read_dir(given.unwrap_or(own)).expect("the folder can be read");
    let paths = folder.map(|entry| entry.expect("the folder can be read").path());
    let mut files: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|ending| ending == "onnx"))
        .collect();
    files.sort();
    files
}

/// The graph of a file; nothing where it has not one input of numbers whose first axis alone is open.
fn graph(path: &Path) -> Option<Graph> {
    let source = Source::open(path).ok()?;
    let graph = Graph::read(&source, &Choice::default(), &Chosen::default()).ok()?;
    let [port] = graph.inputs() else {
        return None;
    };
    let is_open = port.shape.first() == Some(&None) && port.features().is_some();
    (is_open && port.element == Element::Float && !graph.linears().is_empty()).then_some(graph)
}

/// The engine's own run of a file, `pass` samples at a time.
fn engine(mut file: &[u8], sample: &[usize], pass: usize) -> TractResult<Arc<TypedRunnableModel>> {
    let shape: Vec<usize> = std::iter::once(pass)
        .chain(sample.iter().copied())
        .collect();
    tract_onnx::onnx()
        .model_for_read(&mut file)?
        .with_input_fact(0, f32::fact(&shape).into())?
        .into_optimized()?
        .into_runnable()
}

fn seconds(mut work: impl FnMut()) -> f64 {
    let clock = Instant::now();
    work();
    clock.elapsed().as_secs_f64()
}

fn trial(program: &Program, hardware: &Hardware, number: u64, blocks: &[Array2<f32>]) {
    let chip = hardware.fabricate(Seed(0), number);
    let first = Batch::Real(blocks[0].clone());
    let processor = Processor::<f32>::load(program, chip, Correction::None, Some(&first));
    let processor = processor.expect("the hardware reads the network");
    for (index, block) in blocks.iter().enumerate() {
        let logits = processor.forward(Batch::Real(block.clone()), index as u64);
        std::hint::black_box(logits.expect("finite logits"));
    }
}

fn median(mut ratios: Vec<f64>) -> f64 {
    ratios.sort_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}

fn measure(path: &Path) {
    let name = path.file_stem().unwrap_or_default().display();
    let Some(graph) = graph(path) else {
        return;
    };
    let sample: Vec<usize> = graph.inputs()[0]
        .shape
        .iter()
        .skip(1)
        .flatten()
        .copied()
        .collect();
    let file = std::fs::read(path).expect("it was read before");
    let prepared = graph.file().to_vec();
    let network = Network::of_graph(graph);
    let layout = Layout {
        tile: Some(64),
        ..Layout::default()
    };
    let program = compile(&network, layout).expect("the weights are finite");
    let digital = network.digital::<f32>().expect("the network is sound");
    let mut stream = Seed(1).stream(Effect::Haar, 0, 0, 0);
    let shape = (network.features(), BLOCK);
    let mut block = || Array2::from_shape_simple_fn(shape, || stream.uniform() as f32);
    let blocks: Vec<Array2<f32>> = (0..SAMPLES / BLOCK).map(|_| block()).collect();
    let plans = |file: &[u8]| -> TractResult<Vec<_>> {
        let plans = PASSES.iter();
        let plans = plans.map(|pass| Ok((*pass, engine(file, &sample, *pass)?)));
        plans.collect()
    };
    let plans = plans(&file).or_else(|_| plans(&prepared));
    let Ok(plans) = plans else {
        println!("{name}: the engine fixes no number of samples");
        return;
    };
    let engines = plans.into_iter().map(|(pass, plan)| {
        let shape: Vec<usize> = std::iter::once(pass)
            .chain(sample.iter().copied())
            .collect();
        let passes = blocks[..ENGINE_BLOCKS].iter().flat_map(|block| {
            block.axis_chunks_iter(Axis(1), pass).map(|rows| {
                let values: Vec<f32> = rows.t().iter().copied().collect();
                Tensor::from_shape(&shape, &values).expect("one number a feature")
            })
        });
        let passes: Vec<Tensor> = passes.collect();
        (plan, passes)
    });
    let engines: Vec<_> = engines.collect();
    let (chip, shots) = (hardware(&CHIP), hardware(&[&CHIP[..], &SHOTS].concat()));
    let mut ratios: [Vec<f64>; 3] = Default::default();
    for round in 0..=ROUNDS {
        let mine = seconds(|| {
            for (index, block) in blocks.iter().enumerate() {
                let logits = network.run(Batch::Real(block.clone()), &digital, index as u64);
                std::hint::black_box(logits.expect("a computer multiplies"));
            }
        });
        let theirs = engines.iter().map(|(plan, passes)| {
            seconds(|| {
                for pass in passes {
                    let outputs = plan.run(tvec!(pass.clone().into_tvalue()));
                    std::hint::black_box(outputs.expect("the engine runs"));
                }
            })
        });
        let share = (ENGINE_BLOCKS * BLOCK) as f64 / SAMPLES as f64;
        let theirs = theirs.fold(f64::INFINITY, f64::min) / share;
        let noisy = seconds(|| trial(&program, &chip, round as u64, &blocks));
        let shot = seconds(|| trial(&program, &shots, round as u64, &blocks));
        // The first round warms up.
        if round > 0 {
            ratios[0].push(mine / theirs);
            ratios[1].push(noisy / mine);
            ratios[2].push(shot / mine);
        }
        if round == ROUNDS {
            let rate = SAMPLES as f64 / mine;
            println!(
                "{name}: {rate:.0} samples/s digital in the last round, {:.0} of the engine",
                SAMPLES as f64 / theirs
            );
        }
    }
    let [digital, trial, shots] = ratios.map(median);
    println!(
        "{name}: digital {digital:.2} × the engine, trial {trial:.2} × digital, shots {shots:.2} × digital"
    );
}

fn main() {
    files().iter().for_each(|file| measure(file));
}
