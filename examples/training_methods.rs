//! What does training win back on bad chips, and what does each method ask of a chip?
//!
//! A network is trained without errors, then tried on chips whose couplers err by 0.05 rad: as it is, corrected, and
//! trained further on such chips. Then one chip is tuned by every method, and once more with three faulty devices. By itself
//! it takes the built-in digits, behind `--` the four files of MNIST (some 25 minutes on two cores):
//!
//! ```text
//! cargo run --release --example training_methods -- mnist
//! ```

use std::path::Path;

use lightloom::compile::{Layout, Multiplier, compile};
use lightloom::experiment::Workload;
use lightloom::hardware::{Costs, Element, Given, Placement, Quantity, Section};
use lightloom::nn::{Activation, Input, LinearId, PerFeature, Scale, Selection, Split};
use lightloom::train::{
    InSitu, MethodName, NewNetwork, Parameters, Passes, Setting, Trainer, Training,
};
use lightloom::{Correction, Dataset, Experiment, Hardware, Program, Result, Seed};

const SEED: Seed = Seed(3);
/// Chips that judge, none of which was trained on.
const CHIPS: usize = 20;

struct Task {
    /// A network that knows nothing, as plain weights: what is trained without errors needs no mesh.
    start: Program,
    /// Modes of a mesh; none: layers are one tile each.
    tile: Option<usize>,
    train: Dataset,
    test: Dataset,
    /// Epochs without errors, on new chips, and on one chip.
    epochs: [u64; 3],
    /// Samples of a step.
    batch: usize,
    /// Samples that one chip is tuned on.
    tuned_on: usize,
}

impl Task {
    fn new(widths: &[usize], scale: f64, tile: Option<usize>, data: [Dataset; 2]) -> Result<Self> {
        let network = NewNetwork {
            widths: widths.to_vec(),
            activation: Activation::Relu,
        };
        let input = Input {
            scale: Scale::Factor(PerFeature::Same(scale)),
            ..Input::default()
        };
        let layout = Layout {
            multiplier: Multiplier::Crossbar,
            ..Layout::default()
        };
        let [train, test] = data;
        Ok(Self {
            start: compile(&network.network(input, SEED)?, layout)?,
            tile,
            train,
            test,
            epochs: [40, 25, 2],
            batch: 32,
            tuned_on: usize::MAX,
        })
    }

    fn digits() -> Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("meshes/demo");
        let open = |name: &str| Dataset::load(folder.join(name), None, Default::default());
        let data = [open("digits-train.npz")?, open("digits-test.npz")?];
        Self::new(&[64, 64, 64, 10], 1.0 / 16.0, None, data)
    }

    fn mnist(folder: &Path) -> Result<Self> {
        let open = |split| {
            let selection = Selection {
                split: Some(split),
                ..Selection::default()
            };
            Dataset::open(folder, selection)
        };
        let data = [open(Split::Train)?, open(Split::Test)?];
        let task = Self::new(&[784, 256, 256, 10], 1.0 / 255.0, Some(64), data)?;
        Ok(Self {
            epochs: [8, 10, 2],
            batch: 128,
            tuned_on: 6400,
            ..task
        })
    }

    /// What `training` makes of `program` on chips of `hardware` of which this is `given`, and what that cost.
    fn trained(
        &self,
        training: &Training,
        program: &Program,
        hardware: &Hardware,
        given: &Given,
    ) -> Result<(Program, Costs)> {
        let data = match training.trial {
            Some(_) => self.train.clone().limit(self.tuned_on),
            None => self.train.clone(),
        };
        let setting = Setting {
            program,
            hardware,
            seed: SEED,
            given,
            data: &data,
            score: None,
            correction: Correction::None,
        };
        let mut trainer = Trainer::<f32>::new(training, setting, None)?;
        let mut costs = Costs::default();
        for _ in 0..trainer.steps() {
            if let Some(epoch) = trainer.step(&())? {
                costs = epoch.costs;
            }
        }
        let best = trainer.best()?;
        let program = match training.trial {
            Some(_) => best.program().clone(),
            None => best.trained_program()?,
        };
        Ok((program, costs))
    }

    /// What `program` scores on chip 0 with this `given`.
    fn on_one(&self, program: &Program, hardware: &Hardware, given: &Given) -> Result<f64> {
        let workload = Workload::<f32>::new(program, &self.test, None)?;
        let digital = workload.digital(&())?;
        let chip = hardware.fabricate(SEED, 0).with_given(given.clone());
        let (trial, _) = workload.trial(chip, Correction::None, &digital, &())?;
        Ok(trial.worth.value())
    }
}

/// A heater that does nothing, a detector that reads nothing, and an MZI that loses half of its light: all of the tile
/// in the middle of the first layer.
fn faults(program: &Program) -> Result<Given> {
    let tiles = program.tiles(LinearId(0));
    let tile = tiles.len() / 2;
    let counts: Vec<usize> = program.maps().map(|map| map.tiles.len()).collect();
    let site = Placement::default().sites(&counts)?[0][tile];
    let meshes = tiles[tile].as_meshes()?;
    let only = |count: usize, at: &[usize], value: f64| {
        let element = |k| match at.contains(&k) {
            true => Element::Is(value),
            false => Element::Drawn,
        };
        (0..count).map(element).collect::<Vec<_>>()
    };
    let nodes = meshes.input.nodes().len();
    let heaters = only(meshes.input.phase_shifters(), &[nodes / 2], 1e3);
    let detectors = only(2 * tiles[tile].rows, &[6, 7], 0.0);
    Given::default()
        .with(Quantity::VPiError, site, Section::Input, heaters)?
        .with(Quantity::Gain, site, Section::Detectors, detectors)?
        .with(
            Quantity::LossDb,
            site,
            Section::Output,
            only(meshes.output.nodes().len(), &[nodes / 3], 3.0),
        )
}

fn main() -> Result<()> {
    let task = match std::env::args_os().nth(1) {
        None => Task::digits()?,
        Some(folder) => Task::mnist(Path::new(&folder))?,
    };
    let nothing = Given::default();
    let bad = Hardware::default().with("coupler.splitting_error_rad", "0.05")?;
    let [without, on_new, on_one] = task.epochs;
    let plain = Training {
        epochs: without,
        batch: task.batch,
        ..Training::default()
    };
    let (plain, _) = task.trained(&plain, &task.start, &Hardware::default(), &nothing)?;
    let layout = Layout {
        tile: task.tile,
        ..Layout::default()
    };
    let plain = compile(plain.network(), layout)?;
    let aware = Training {
        epochs: on_new,
        batch: task.batch,
        parameters: Parameters::Phases,
        rate: 0.002,
        ..Training::default()
    };
    let (aware, _) = task.trained(&aware, &plain, &bad, &nothing)?;

    println!(
        "| on {CHIPS} chips of 0.05 rad | digital % | on chips % | less two standard errors |"
    );
    println!("|---|---|---|---|");
    for (name, program, correction) in [
        ("none", &plain, Correction::None),
        ("progressive", &plain, Correction::Progressive),
        ("noise-aware", &aware, Correction::None),
        ("noise-aware, progressive", &aware, Correction::Progressive),
    ] {
        let experiment = Experiment {
            hardware: bad.clone(),
            seed: SEED,
            trials: CHIPS,
            correction,
        };
        let report = experiment.run::<f32>(program, &task.test, &())?;
        let (digital, chips) = (100.0 * report.digital.value(), report.noisy.value());
        let (mean, error) = (
            100.0 * chips.mean,
            100.0 * chips.std / (CHIPS as f64).sqrt(),
        );
        println!(
            "| {name} | {digital:.2} | {mean:.2} | {:.2} |",
            mean - 2.0 * error
        );
    }

    println!("\n| one chip | score % | passes of light | phases written | readings |");
    println!("|---|---|---|---|---|");
    let untuned = 100.0 * task.on_one(&plain, &bad, &nothing)?;
    println!("| as it is | {untuned:.2} | 0 | 0 | 0 |");
    let tune = |method: MethodName, given: &Given| -> Result<(f64, Costs)> {
        let training = Training {
            method,
            parameters: Parameters::Phases,
            trial: Some(0),
            epochs: on_one,
            batch: task.batch,
            rate: 0.003,
            in_situ: InSitu {
                passes: Passes::Four,
                ..InSitu::default()
            },
            ..Training::default()
        };
        let (tuned, costs) = task.trained(&training, &plain, &bad, given)?;
        Ok((100.0 * task.on_one(&tuned, &bad, given)?, costs))
    };
    for method in [
        MethodName::Adjoint,
        MethodName::InSitu,
        MethodName::Spsa,
        MethodName::SigmaOnly,
        MethodName::DigitalOnly,
    ] {
        let (score, costs) = tune(method, &nothing)?;
        let Costs {
            passes,
            phase_writes,
            readings,
            ..
        } = costs;
        let name = match method {
            MethodName::InSitu => "in-situ, four passes".to_owned(),
            other => other.to_string(),
        };
        println!("| {name} | {score:.2} | {passes} | {phase_writes} | {readings} |");
    }
    let faults = faults(&plain)?;
    let untuned = 100.0 * task.on_one(&plain, &bad, &faults)?;
    println!("| a dead heater and detector, 3 dB lost in an MZI | {untuned:.2} | 0 | 0 | 0 |");
    let (score, costs) = tune(MethodName::Adjoint, &faults)?;
    println!(
        "| the same, adjoint | {score:.2} | {} | {} | {} |",
        costs.passes, costs.phase_writes, costs.readings
    );
    Ok(())
}
