//! The main job on the built-in network and data.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Serialize;

use super::args::DemoArgs;
use super::output;
use crate::compile::Program;
use crate::experiment::{Experiment, Report, Summary};
use crate::hardware::Hardware;
use crate::io::Source;
use crate::mesh::Correction;
use crate::nn::{Dataset, Selection};
use crate::report::{ColorBy, DrawOptions, draw};
use crate::rng::Seed;

/// The compiled network of the demo and its test data.
const PROGRAM: &[u8] = include_bytes!("../../meshes/demo/digits.program.safetensors");
const TEST_DATA: &[u8] = include_bytes!("../../meshes/demo/digits-test.npz");

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
    let tile = &program.tiles()[0][0];
    let options = DrawOptions {
        color: ColorBy::Theta,
        title: Some("digits, first layer, V†".to_owned()),
    };
    output::write(&picture, "svg", &[], || {
        Ok(draw(&tile.input, &options)?.into_bytes())
    })?;
    let bar = args
        .common
        .progress(KINDS.len() * args.trials as usize, "chips");
    let kinds = KINDS
        .into_iter()
        .map(|hardware| {
            let experiment = Experiment {
                hardware: Hardware::open(hardware)?,
                seed: Seed(args.seed),
                trials: args.trials as usize,
                correction: Correction::None,
            };
            let report = experiment.run::<f32>(&program, &data, || bar.inc(1))?;
            Ok(Kind {
                program: "digits",
                preset: hardware,
                report,
            })
        })
        .collect::<Result<_>>()?;
    bar.finish_and_clear();
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
    writeln!(
        out,
        "digital          {:6.2} %",
        percent(first.digital.accuracy)
    )?;
    let ideal = &first.ideal;
    writeln!(
        out,
        "ideal chip       {:6.2} %            {:6.2} %",
        percent(ideal.accuracy),
        percent(ideal.agreement)
    )?;
    for Kind { preset, report, .. } in kinds {
        let Summary { mean, std, .. } = report.noisy.accuracy;
        writeln!(
            out,
            "{preset:<16} {:6.2} % ± {:5.2}    {:6.2} %",
            percent(mean),
            percent(std),
            percent(report.noisy.agreement.mean)
        )?;
    }
    writeln!(out)?;
    writeln!(out, "picture of the first mesh: {}", picture.display())?;
    Ok(())
}
