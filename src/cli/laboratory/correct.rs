//! What the heaters of one chip are asked for.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::super::common::args::{Common, DrawnChipArgs};
use super::super::common::output;
use super::super::common::watch::Terminal;
use super::super::infer::corrections;
use crate::compile::Compiled;
use crate::mesh::Correction;
use crate::processor::{Asked, asked_of_mesh, asked_of_program};

#[derive(Debug, Args)]
#[command(
    after_help = "The file holds the phases that every heater is asked for: infer, matrix and export take it as it is, without a correction.\n\nExamples:\n  lightloom correct u.mesh.json --hardware chip.toml -o corrected.mesh.json\n  lightloom correct mlp.program.safetensors --hardware chip.toml --correct local -o corrected.program.safetensors"
)]
pub(in crate::cli) struct CorrectArgs {
    /// Mesh file, phases of another package (meshes/README.md), or program
    pub file: PathBuf,
    #[command(flatten)]
    pub chip: DrawnChipArgs,
    /// How phases are chosen; all but `none` make up for what the hardware says is known of the chip
    #[arg(long, default_value = "progressive", value_parser = corrections())]
    pub correct: Correction,
    /// File of the same kind to write; - is stdout
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    #[command(flatten)]
    pub common: Common,
}

pub fn run(args: &CorrectArgs) -> Result<()> {
    let compiled = Compiled::read(&output::source(&args.file)?)?;
    let ending = match &compiled {
        Compiled::Mesh(_) => "json",
        Compiled::Program(_) => "safetensors",
    };
    output::write(&args.output, ending, &[&args.file], || {
        let chip = args.chip.chip()?;
        if !args.common.quiet {
            let notes = chip.hardware().notes().into_iter();
            notes.for_each(|note| eprintln!("note: {note}"));
        }
        let (bytes, unreachable) = match &compiled {
            Compiled::Mesh(mesh) => {
                let Asked { of, unreachable } = asked_of_mesh(mesh, &chip, args.correct)?;
                (of.to_json().into_bytes(), unreachable)
            }
            Compiled::Program(program) => {
                let terminal = Terminal::new(&args.common, 1, "programs");
                let asked = asked_of_program(program, &chip, args.correct, &terminal);
                terminal.finish();
                let Asked { of, unreachable } = output::in_file(&args.file, asked)?;
                let mut bytes = Vec::new();
                of.write(&mut bytes)?;
                (bytes, unreachable)
            }
        };
        if !args.common.quiet {
            eprintln!("{unreachable} MZIs could not be set exactly");
        }
        Ok(bytes)
    })
}
