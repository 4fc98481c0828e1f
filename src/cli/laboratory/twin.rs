//! A bench that is simulated, and a chip that is found from its measurements.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use serde::Serialize;

use super::super::common::args::{ChipArgs, Common, DrawnChipArgs};
use super::super::common::count::{any, count, number};
use super::super::common::output;
use super::super::common::watch::Terminal;
use super::super::{DONE, FAILED};
use crate::compile::Compiled;
use crate::error::Error;
use crate::hardware::{Hardware, Instrument, Laboratory};
use crate::mesh::Mesh;
use crate::processor::unread_words;
use crate::rng::Seed;
use crate::twin::{Measurements, Parameters, Quality, Settings, Twin};
use crate::watch::Watch;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lightloom measure u.mesh.json --hardware mit-pnp --set phase_shifter.offset_rad=30 --trial 3 -o M.npz\n  lightloom measure u.mesh.json --hardware mit-pnp --trial 3 --settings-from next.npz --bench-seed 1 -o more.npz\n\nThe file holds phases [measurement, heater], heaters as theta, phi, screen and free shifters, and powers or fields\n[measurement, input, output]: what receivers read of unit light in one input at a time."
)]
pub(in crate::cli) struct MeasureArgs {
    /// Mesh file, whose layout the chip has
    pub mesh: PathBuf,
    #[command(flatten)]
    pub chip: DrawnChipArgs,
    /// Number of random settings, every phase uniform in 2π
    #[arg(long, default_value_t = 64, value_name = "N", allow_negative_numbers = true, value_parser = count::<usize>(1..=65536))]
    pub settings: usize,
    /// The phases of this file instead, .npz, such as lightloom twin plans
    #[arg(long, value_name = "FILE", conflicts_with = "settings")]
    pub settings_from: Option<PathBuf>,
    /// Receivers read fields instead of powers
    #[arg(long)]
    pub fields: bool,
    /// Standard deviation of a reading relative to it
    #[arg(long, default_value_t = 0.01, value_name = "SIGMA", allow_negative_numbers = true, value_parser = number)]
    pub noise: f64,
    /// Standard deviation of every reading besides, relative to the light that was sent
    #[arg(long, default_value_t = 0.0, value_name = "SIGMA", allow_negative_numbers = true, value_parser = number)]
    pub floor: f64,
    /// Seed of settings and noise; without it that of the chip
    #[arg(long, value_name = "SEED", allow_negative_numbers = true, value_parser = any::<u64>())]
    pub bench_seed: Option<u64>,
    /// Measurements to write, .npz
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lightloom twin u.mesh.json --measured M.npz -o chip.toml --json twin.json\n  lightloom twin u.mesh.json --measured M.npz --measured more.npz --plan 8 --plan-to next.npz\n\nMeasurements are phases or volts [measurement, heater] and powers or fields [measurement, input, output], with noise and\nfloor where they are known. The hardware says the kind of cell, the calibrated V_π and, by its spreads, what is believed\nbefore. Exit code 1 if what was found does not explain what was measured."
)]
pub(in crate::cli) struct TwinArgs {
    /// Mesh file, whose layout the chip has
    pub mesh: PathBuf,
    /// Measurements, .npz; may be repeated
    #[arg(long, value_name = "FILE", required = true)]
    pub measured: Vec<PathBuf>,
    #[command(flatten)]
    pub chip: ChipArgs,
    /// Hardware file of the chip that was found, .toml, with a table of its components beside it
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// What was found as JSON, every number with its standard deviation; - is stdout
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Number of settings to measure next: of random ones those that gain most information
    #[arg(long, value_name = "N", requires = "plan_to", allow_negative_numbers = true, value_parser = count::<usize>(1..=1024))]
    pub plan: Option<usize>,
    /// File for those settings, .npz, which lightloom measure reads
    #[arg(long, value_name = "FILE", requires = "plan")]
    pub plan_to: Option<PathBuf>,
    #[command(flatten)]
    pub common: Common,
}

/// Steps of progress, and Ctrl-C.
struct Steps(Terminal);

impl Watch for Steps {
    fn step(&self) {
        self.0.step();
    }

    fn stops(&self) -> bool {
        self.0.stops()
    }
}

fn read_mesh(path: &Path) -> Result<Mesh> {
    match Compiled::read(&output::source(path)?)? {
        Compiled::Mesh(mesh) => Ok(mesh),
        Compiled::Program(_) => {
            let limit = "one mesh is measured and fitted at a time";
            let error = Error::unsupported("chip on the bench", "program", limit);
            output::in_file(path, Err(error))
        }
    }
}

/// Says on stderr what of `hardware` the simulated bench does not have, or may surprise.
fn say_of_bench(hardware: &Hardware) {
    let drifts = hardware.phase_shifter().drift_rad_per_sqrt_s > 0.0;
    let drift = "phase_shifter.drift_rad_per_sqrt_s does not act here: light is read as soon as heaters are set";
    let said = hardware.notes().into_iter();
    let said = said.chain(unread_words(hardware, false));
    let said = said.chain(drifts.then(|| drift.to_owned()));
    said.for_each(|note| eprintln!("note: {note}"));
}

/// Simulates the bench.
pub fn measure(args: &MeasureArgs) -> Result<()> {
    let mut inputs = vec![args.mesh.as_path()];
    inputs.extend(args.settings_from.as_deref());
    output::write(&args.output, "npz", &inputs, || {
        for (flag, sigma) in [("--noise", args.noise), ("--floor", args.floor)] {
            if !(sigma.is_finite() && sigma >= 0.0) {
                return Err(Error::value(flag, sigma, "0 or more").into());
            }
        }
        let chip = args.chip.chip()?;
        let mesh = read_mesh(&args.mesh)?;
        let mut bench = Laboratory::new(chip.on_mesh(&mesh)?, &mesh);
        if !args.common.quiet {
            say_of_bench(chip.hardware());
        }
        let seed = Seed(args.bench_seed.unwrap_or(args.chip.kind.seed));
        let settings = match &args.settings_from {
            Some(path) => output::source(path)?.parse(Settings::parse)?,
            None => Settings::random(bench.heaters(), args.settings, seed, 0),
        };
        let count = settings.values().nrows();
        let terminal = Terminal::new(&args.common, count, "settings");
        let taken = Measurements::take(&mut bench, settings, !args.fields, || {
            terminal.step();
            !terminal.stops()
        });
        terminal.finish();
        Ok(taken?.with_noise(args.noise, args.floor, seed).bytes()?)
    })
}

/// What a twin says of itself.
#[derive(Debug, Serialize)]
struct Found<'a> {
    #[serde(flatten)]
    quality: &'a Quality,
    is_explained: bool,
    blind: Vec<String>,
    parameters_found: &'a Parameters,
    standard_deviations: Parameters,
}

/// Finds the chip.
pub fn twin(args: &TwinArgs) -> Result<u8> {
    let mut inputs = vec![args.mesh.as_path()];
    inputs.extend(args.measured.iter().map(PathBuf::as_path));
    if let (Some(json), Some(plan)) = (&args.json, &args.plan_to) {
        output::check_differs("--json", json, plan, "that of --plan-to")?;
    }
    if let Some(path) = &args.output {
        output::check_ending(path, "toml")?;
        crate::io::check_writable(path)?;
    }
    let mut code = DONE;
    let mut compute = || -> Result<Twin> {
        let twin = find(args)?;
        if let Some(path) = &args.output {
            twin.measured()?.save(path)?;
        }
        if !twin.quality().is_explained() {
            code = FAILED;
        }
        Ok(twin)
    };
    let document = |twin: &Twin| {
        output::json(&Found {
            quality: twin.quality(),
            is_explained: twin.quality().is_explained(),
            blind: twin.blind(),
            parameters_found: twin.parameters(),
            standard_deviations: twin.sigmas(),
        })
    };
    let show = |twin: &Twin| table(twin, args);
    match (&args.plan_to, args.plan) {
        (Some(path), Some(count)) => output::write(path, "npz", &inputs, || {
            let mut planned = Vec::new();
            let json = args.json.as_deref();
            output::report(
                json,
                &inputs,
                || {
                    let twin = compute()?;
                    planned = twin.plan(count, Seed(args.chip.seed))?.bytes()?;
                    Ok(twin)
                },
                document,
                show,
            )?;
            Ok(planned)
        }),
        _ => output::report(args.json.as_deref(), &inputs, compute, document, show),
    }?;
    Ok(code)
}

/// χ² per degree of freedom below which noise was stated larger than it is.
const OVERSTATED: f64 = 0.5;

fn find(args: &TwinArgs) -> Result<Twin> {
    let hardware = args.chip.hardware()?;
    if !hardware.measured().has_no_numbers() {
        let what = "has [measured] numbers of single components, of which a fit takes none: must be a kind of chip without them";
        return Err(Error::format("--hardware", what).into());
    }
    let mesh = read_mesh(&args.mesh)?;
    let mut all: Option<Measurements> = None;
    let mut before: Vec<Measurements> = Vec::new();
    for path in &args.measured {
        let measured = output::source(path)?.parse(Measurements::parse)?;
        if before.contains(&measured) {
            let what = "has the readings of another file: the same noise, counted twice, is no new measurement";
            return output::in_file(path, Err(Error::format("--measured", what)));
        }
        before.push(measured.clone());
        all = Some(match all {
            None => measured,
            Some(before) => output::in_file(path, before.with(measured))?,
        });
    }
    let measured = all.expect("the flag is required");
    let is_stated = measured.noise.is_some();
    let steps = Steps(Terminal::new(&args.common, 0, "steps"));
    let twin = Twin::fit(&mesh, &hardware, measured, Seed(args.chip.seed), &steps);
    steps.0.finish();
    let twin = match &args.measured[..] {
        [only] => output::in_file(only, twin)?,
        _ => twin?,
    };
    if !args.common.quiet {
        if !is_stated {
            eprintln!(
                "note: nobody said how large the noise of a reading is: 1 % of it is assumed"
            );
        }
        for words in twin.blind() {
            eprintln!("note: {words}");
        }
    }
    if !args.common.quiet && twin.quality().chi_squared_per_freedom < OVERSTATED {
        eprintln!(
            "note: chi squared per degree of freedom is {:.3}, where 1 is noise: the noise of readings was overstated, and so are \
             standard deviations",
            twin.quality().chi_squared_per_freedom
        );
    }
    if !twin.quality().is_explained() {
        eprintln!(
            "warning: the twin does not explain what was measured: chi squared per degree of freedom is {:.3}, where 1 is noise. Either \
             noise was understated, or the chip has what the model has not, or the fit has not found it: more settings help",
            twin.quality().chi_squared_per_freedom
        );
    }
    Ok(twin)
}

/// What was found, in a few lines.
fn table(twin: &Twin, args: &TwinArgs) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let (quality, found, sigmas) = (twin.quality(), twin.parameters(), twin.sigmas());
    let root_mean = |values: &[f64]| {
        (values.iter().map(|x| x * x).sum::<f64>() / values.len().max(1) as f64).sqrt()
    };
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    writeln!(out, "readings    {}", quality.readings)?;
    writeln!(
        out,
        "parameters  {}, of which readings decide {:.1}",
        quality.parameters, quality.decided
    )?;
    writeln!(
        out,
        "chi squared {:.3} per degree of freedom",
        quality.chi_squared_per_freedom
    )?;
    writeln!(
        out,
        "error       {:.2e} of the matrix, expected at a new setting",
        quality.expected_error
    )?;
    let couplers = found.couplers_rad.concat();
    writeln!(
        out,
        "couplers    off by {:.4} rad (root mean square), each known to {:.1e}",
        root_mean(&couplers),
        root_mean(&sigmas.couplers_rad.concat())
    )?;
    writeln!(
        out,
        "losses      {:.4} dB on average, each known to {:.1e}",
        mean(&found.loss_db),
        root_mean(&sigmas.loss_db)
    )?;
    writeln!(
        out,
        "V_π         off by {:.4} (relative, root mean square), each known to {:.1e}",
        root_mean(&found.v_pi_error),
        root_mean(&sigmas.v_pi_error)
    )?;
    writeln!(
        out,
        "crosstalk   {:.5}, known to {:.1e}",
        found.crosstalk, sigmas.crosstalk
    )?;
    if let Some(path) = &args.output {
        writeln!(out, "chip        {}", path.display())?;
    }
    if let Some(path) = &args.plan_to {
        writeln!(out, "plan        {}", path.display())?;
    }
    Ok(())
}
