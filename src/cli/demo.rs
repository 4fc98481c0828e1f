//! The main job on the built-in network and data.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;

use super::common::args::Common;
use super::common::count::{any, count};
use super::common::output;
use super::common::watch::Terminal;
use crate::compile::Program;
use crate::error::Error;
use crate::experiment::{Experiment, Report, Summary, TRIALS_LIMIT};
use crate::hardware::Hardware;
use crate::io::Source;
use crate::mesh::Correction;
use crate::nn::{Dataset, LinearId, Selection};
use crate::report::{ColorBy, DrawOptions, draw};
use crate::rng::Seed;

/// The compiled network of the demo and its test data.
const PROGRAM: &[u8] = include_bytes!("../../meshes/demo/digits.program.safetensors");
const TEST_DATA: &[u8] = include_bytes!("../../meshes/demo/digits-test.npz");

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lightloom demo --trials 50 --out figures\n  lightloom demo --quiet --json results.json"
)]
pub(super) struct DemoArgs {
    /// Number of chips of each kind
    #[arg(long, default_value_t = 20, value_name = "T", allow_negative_numbers = true, value_parser = count::<u32>(1..=TRIALS_LIMIT as u64))]
    pub trials: u32,
    /// Folder for the picture
    #[arg(long, default_value = "lightloom-demo", value_name = "DIR")]
    pub out: PathBuf,
    /// Also write the results as JSON to this file; - is stdout, without the table
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Seed of every random number
    #[arg(long, default_value_t = 0, allow_negative_numbers = true, value_parser = any::<u64>())]
    pub seed: u64,
    #[command(flatten)]
    pub common: Common,
}

impl Default for DemoArgs {
    fn default() -> Self {
        Self {
            trials: 20,
            out: "lightloom-demo".into(),
            json: None,
            seed: 0,
            common: Common::default(),
        }
    }
}

/// The kinds of chips that the demo shows, from good to typical.
const KINDS: [&str; 3] = ["low-noise", "mit-pnp", "thermo-optic"];

#[derive(Serialize)]
struct Kind {
    program: &'static str,
    preset: &'static str,
    #[serde(flatten)]
    report: Report,
}

pub fn run(args: &DemoArgs) -> Result<()> {
    if let Some(json) = &args.json {
        output::check_ending(json, "json")?;
    }
    std::fs::create_dir_all(&args.out).with_context(|| args.out.display().to_string())?;
    output::report(
        args.json.as_deref(),
        &[],
        || compute(args),
        |(kinds, _)| output::json(kinds),
        |(kinds, picture)| print(kinds, picture),
    )
}

fn compute(args: &DemoArgs) -> Result<(Vec<Kind>, PathBuf)> {
    let program = Program::from_bundle(crate::io::safetensors::parse(PROGRAM)?)?;
    let data = Dataset::read(Source::new("digits-test", TEST_DATA), Selection::default())?;
    let picture = args.out.join("mesh.svg");
    let meshes = program.tiles(LinearId(0))[0].as_meshes()?;
    let options = DrawOptions {
        color: ColorBy::Theta,
        title: Some("digits, first layer, V†".to_owned()),
    };
    output::write(&picture, "svg", &[], || {
        Ok(draw(&meshes.input, &options)?.into_bytes())
    })?;
    let trials = args.trials as usize;
    let terminal = Terminal::new(&args.common, KINDS.len() * trials, "chips");
    let mut kinds = Vec::new();
    for preset in KINDS {
        let experiment = Experiment {
            hardware: Hardware::open(preset)?,
            seed: Seed(args.seed),
            trials,
            correction: Correction::None,
        };
        let report = match experiment.run::<f32>(&program, &data, &terminal) {
            // What is there is shown.
            Err(Error::Stopped) if !kinds.is_empty() => break,
            report => report?,
        };
        kinds.push(Kind {
            program: "digits",
            preset,
            report,
        });
    }
    terminal.finish();
    let done = kinds.iter().map(|kind| kind.report.trials).sum();
    terminal.say_if_stopped(done, KINDS.len() * trials);
    Ok((kinds, picture))
}

fn print(kinds: &[Kind], picture: &std::path::Path) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let first = &kinds[0].report;
    let layers: Vec<&str> = first
        .layers
        .iter()
        .map(|layer| layer.name.as_str())
        .collect();
    let mzis: usize = first.layers.iter().map(|layer| layer.mzis).sum();
    writeln!(
        out,
        "handwritten digits, {} test samples; layers {} on meshes of {mzis} MZIs; {} chips of each kind, seed {}",
        first.samples,
        layers.join(", "),
        first.trials,
        first.seed.0
    )?;
    writeln!(out)?;
    writeln!(
        out,
        "                 accuracy            agreement with digital"
    )?;
    let percent = |share: f64| 100.0 * share;
    let agreement = |share: Option<f64>| share.expect("digits have classes");
    writeln!(
        out,
        "digital          {:6.2} %",
        percent(first.digital.value())
    )?;
    let ideal = &first.ideal;
    writeln!(
        out,
        "ideal chip       {:6.2} %            {:6.2} %",
        percent(ideal.value()),
        percent(agreement(ideal.agreement))
    )?;
    for Kind { preset, report, .. } in kinds {
        let Summary { mean, std, .. } = report.noisy.value();
        let agreement = agreement(report.noisy.worth.agreement.map(|over| over.mean));
        writeln!(
            out,
            "{preset:<16} {:6.2} % ± {:5.2}    {:6.2} %",
            percent(mean),
            percent(std),
            percent(agreement)
        )?;
    }
    writeln!(out)?;
    writeln!(out, "picture of the first mesh: {}", picture.display())?;
    Ok(())
}
