//! Phases for a laboratory.

use anyhow::Result;

use super::args::{ExportArgs, ExportFormat};
use super::open::{self, Compiled};
use super::{mesh, output};
use crate::error::Error;
use crate::export::{Export, netlist};
use crate::hardware::{Calibration, Hardware, Heater};
use crate::mesh::CellKind;

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
        let hardware = mesh::hardware_with(&args.hardware, &args.set)?;
        let kind = hardware.mesh().cell;
        let compiled = open::compiled(&args.file)?;
        if args.format == ExportFormat::Sax {
            check_netlist(args, kind)?;
            return match &compiled {
                Compiled::Mesh(mesh) => output::json(&netlist::mesh(mesh)),
                Compiled::Program(program) => output::json(&netlist::program(program)?),
            };
        }
        let mut export = match &compiled {
            Compiled::Mesh(mesh) => Export::of_mesh(mesh, kind),
            Compiled::Program(program) => Export::of_program(program, kind)?,
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
        None => vec![Heater::of(hardware); export.shifters().count()],
    };
    let supply = export.supply(hardware, &heaters, args.dac_bits, args.dac_max_v)?;
    Ok(export.drive(hardware, &heaters, supply.as_ref())?)
}
