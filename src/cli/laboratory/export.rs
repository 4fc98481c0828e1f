//! Phases for a laboratory.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};

use super::super::common::args::{Common, DrawnChipArgs, hardware};
use super::super::common::count::{count, number};
use super::super::common::output;
use crate::compile::Compiled;
use crate::error::Error;
use crate::export::{Export, netlist};
use crate::hardware::{Calibration, Hardware};
use crate::mesh::CellKind;
use crate::processor::{check_measured, measured_of};
use crate::rng::Seed;
use crate::units::counted;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lightloom export u.mesh.json --format csv --volts --hardware thermo-optic -o phases.csv\n  lightloom export u.mesh.json --format csv --calibration cal.csv --dac-bits 12 -o codes.csv\n  lightloom export u.mesh.json --format sax -o u.sax.json"
)]
pub(in crate::cli) struct ExportArgs {
    /// Mesh file, phases of another package (meshes/README.md), or program
    pub file: PathBuf,
    /// Format of the phases
    #[arg(long, value_enum)]
    pub format: ExportFormat,
    /// Also the voltage of every heater, from the hardware's V_π and from what was measured of its own
    #[arg(long)]
    pub volts: bool,
    /// Voltages from what was measured of every heater: a CSV table with id and v_pi_v, and phase_offset_rad and v_max_v
    /// where they are known
    #[arg(long, value_name = "FILE")]
    pub calibration: Option<PathBuf>,
    /// Also the code of a DAC of so many bits, and the phase that it yields
    #[arg(long, value_name = "B", allow_negative_numbers = true, value_parser = count::<u32>(1..=24))]
    pub dac_bits: Option<u32>,
    /// Voltage of the largest code; by default the hardware's v_max_v, or what brings the weakest heater to 2π
    #[arg(
        long,
        value_name = "V",
        requires = "dac_bits",
        allow_negative_numbers = true,
        value_parser = number
    )]
    pub dac_max_v: Option<f64>,
    /// Hardware whose cells the phases are for, and whose V_π is used by --volts: a preset or a TOML file
    #[arg(long, default_value = "ideal", value_name = "HW")]
    pub hardware: String,
    /// Set one hardware key, such as mesh.cell=3-splitter; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// File to write; - is stdout
    #[arg(short, long, default_value = "-", value_name = "FILE")]
    pub output: PathBuf,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lightloom chip u.mesh.json --hardware mit-pnp --trial 3 -o chip.toml\n  lightloom chip mlp.program.safetensors --hardware thermo-optic -o chip.toml"
)]
pub(in crate::cli) struct ChipCommandArgs {
    /// Mesh file, phases of another package (meshes/README.md), or program, each tile of which has silicon of its own
    pub file: PathBuf,
    #[command(flatten)]
    pub chip: DrawnChipArgs,
    /// TOML file to write, with a table of its numbers beside it: chip.csv beside chip.toml
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    #[command(flatten)]
    pub common: Common,
}

/// One drawn chip as hardware of which everything was measured.
pub fn chip(args: &ChipCommandArgs) -> Result<()> {
    output::check_ending(&args.output, "toml")?;
    output::check_differs("--output", &args.output, &args.file, "the mesh or program")?;
    let chip = args.chip.chip()?;
    let compiled = Compiled::read(&output::source(&args.file)?)?;
    let measured = match &compiled {
        Compiled::Mesh(mesh) => chip.measured(mesh)?,
        Compiled::Program(program) => output::in_file(&args.file, measured_of(program, &chip))?,
    };
    if !args.common.quiet {
        let count = counted(measured.numbers().count(), "number");
        eprintln!("{count} of the chip of {}", args.chip);
    }
    Ok(chip
        .hardware()
        .clone()
        .with_measured(measured)
        .save(&args.output)?)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ExportFormat {
    /// One row per phase shifter; digital scales are not phases and not in it
    Csv,
    /// The same rows as JSON
    Json,
    /// Arrays by mesh, for NumPy, with the digital scale and block of every tile
    Npz,
    /// A netlist of MZIs for SAX; of a program, one for each tile with its scale and block
    Sax,
}

pub fn run(args: &ExportArgs) -> Result<()> {
    let mut inputs = vec![args.file.as_path()];
    inputs.extend(args.calibration.as_deref());
    let ending = match args.format {
        ExportFormat::Csv => "csv",
        ExportFormat::Json | ExportFormat::Sax => "json",
        ExportFormat::Npz => "npz",
    };
    output::write(&args.output, ending, &inputs, || {
        if let Some(calibration) = &args.calibration {
            let role = "the mesh or program";
            output::check_differs("--calibration", calibration, &args.file, role)?;
        }
        let hardware = hardware(&args.hardware, &args.set)?;
        let kind = hardware.mesh().cell;
        let compiled = Compiled::read(&output::source(&args.file)?)?;
        if args.format == ExportFormat::Sax {
            check_netlist(args, kind)?;
            return match &compiled {
                Compiled::Mesh(mesh) => output::json(&netlist::mesh(mesh)),
                Compiled::Program(program) => {
                    output::json(&output::in_file(&args.file, netlist::program(program))?)
                }
            };
        }
        if compiled.is_asked()
            && (args.calibration.is_some() || !hardware.measured().has_no_numbers())
        {
            let what = "says how single heaters answer, which the phases of this file have taken into account (lightloom correct): must \
                        be the kind of chip without measured numbers, whose V_π they are asked with";
            let flag = if args.calibration.is_some() {
                "--calibration"
            } else {
                "--hardware"
            };
            return Err(Error::format(flag, what).into());
        }
        let mut export = match &compiled {
            Compiled::Mesh(mesh) => {
                hardware.fabricate(Seed(0), 0).on_mesh(mesh)?;
                Export::of_mesh(mesh, kind)
            }
            Compiled::Program(program) => {
                check_measured(program, &hardware)?;
                output::in_file(&args.file, Export::of_program(program, kind))?
            }
        };
        if args.volts || args.calibration.is_some() || args.dac_bits.is_some() {
            drive(&mut export, args, &hardware)?;
        }
        match args.format {
            ExportFormat::Csv => Ok(export.csv()?),
            ExportFormat::Npz => Ok(export.npz()?),
            ExportFormat::Json | ExportFormat::Sax => {
                output::json(&export.shifters().collect::<Vec<_>>())
            }
        }
    })
}

/// Fails on flags that a netlist has no room for.
fn check_netlist(args: &ExportArgs, kind: CellKind) -> Result<()> {
    for (flag, given) in [
        ("--volts", args.volts),
        ("--calibration", args.calibration.is_some()),
        ("--dac-bits", args.dac_bits.is_some()),
    ] {
        if given {
            let what =
                "is given with --format sax: must be left out: a netlist has phases, not voltages";
            return Err(Error::format(flag, what).into());
        }
    }
    if kind != CellKind::Mzi {
        let limit = "mzi for a netlist of SAX";
        return Err(Error::value("mesh.cell", kind, limit).into());
    }
    Ok(())
}

/// Fills in voltages, and codes where they are asked for.
fn drive(export: &mut Export, args: &ExportArgs, hardware: &Hardware) -> Result<()> {
    let heaters = match &args.calibration {
        Some(path) => {
            output::source(path)?.parse(|bytes| export.heaters(&Calibration::parse(bytes)?))?
        }
        None => export.measured_heaters(hardware)?,
    };
    let supply = export.supply(hardware, &heaters, args.dac_bits, args.dac_max_v)?;
    Ok(export.drive(hardware, &heaters, supply.as_ref())?)
}
