//! What users type: the commands.

use clap::{Parser, Subcommand};

use super::bench::BenchArgs;
use super::common::args::Common;
use super::compile::CompileArgs;
use super::demo::DemoArgs;
#[cfg(feature = "onnx")]
use super::generate::GenerateArgs;
use super::infer::InferArgs;
use super::inspect::InspectArgs;
use super::laboratory::correct::CorrectArgs;
use super::laboratory::export::{ChipCommandArgs, ExportArgs};
use super::laboratory::twin::{MeasureArgs, TwinArgs};
use super::manual::{CompletionsArgs, ManArgs};
use super::mesh::{ApplyArgs, DecomposeArgs, DrawArgs, MatrixArgs};
use super::report::ReportArgs;
use super::sweep::{MergeArgs, SweepArgs};
use super::train::{TrainArgs, TuneArgs};
use super::validate::ValidateArgs;

/// Trained networks on simulated photonic chips.
#[derive(Debug, Parser)]
#[command(
    version,
    about,
    after_help = "Without a command, lightloom runs the demo. A file name of - is stdin or stdout.\n\nExamples:\n  lightloom compile mlp.onnx -o mlp.program.safetensors --tile 64\n  lightloom infer mlp.program.safetensors --data mnist --hardware thermo-optic\n  lightloom infer --help"
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// The main job on the built-in network and data: digital, ideal and noisy inference
    Demo(DemoArgs),
    /// Unitary matrix → phases of a mesh
    Decompose(DecomposeArgs),
    /// Matrix of a mesh or of a layer, ideal or on one drawn chip
    Matrix(MatrixArgs),
    /// Send fields through a mesh or a layer, ideal or on one drawn chip
    Apply(ApplyArgs),
    /// Trained network → program: the phases of every mesh
    Compile(CompileArgs),
    /// Accuracy, or another score, of a program on drawn chips, against digital
    Infer(InferArgs),
    /// Text of a language model on one drawn chip, beside what it writes digitally
    #[cfg(feature = "onnx")]
    Generate(GenerateArgs),
    /// Accuracy on drawn chips over a grid of settings: a table of one row per chip, resumable and in shards
    Sweep(SweepArgs),
    /// Train a program for a kind of chip, and judge what was learnt on chips that it has not seen
    Train(TrainArgs),
    /// Train the program of one drawn chip
    Tune(TuneArgs),
    /// Measure one drawn chip as a bench would: settings of its heaters and what its receivers read
    Measure(MeasureArgs),
    /// Find a chip from its measurements: couplers, losses, offsets, V_π and crosstalk, with error bars
    Twin(TwinArgs),
    /// Shards of one sweep → the files of one run
    Merge(MergeArgs),
    /// What the heaters of one chip are asked for, so that it does what a mesh or a program says
    Correct(CorrectArgs),
    /// Draw a mesh as SVG
    Draw(DrawArgs),
    /// Say in plain words what a file holds
    Inspect(InspectArgs),
    /// One drawn chip as a hardware file with a table of its numbers, as if it had been measured
    Chip(ChipCommandArgs),
    /// Phases for a laboratory, one row per phase shifter
    Export(ExportArgs),
    /// A sweep's folder → one page of figures, report.html, and the figures as SVG files
    Report(ReportArgs),
    /// Our values beside those of analysis, other packages and papers
    Validate(ValidateArgs),
    /// Throughput on this machine: batches, transfer matrix, decomposition, beside the peak measured in the same run
    Bench(BenchArgs),
    /// Completions for a shell
    Completions(CompletionsArgs),
    /// Manual pages
    Man(ManArgs),
}

impl Default for Command {
    fn default() -> Self {
        Self::Demo(DemoArgs::default())
    }
}

impl Command {
    /// The flags that every computing command has.
    pub fn common(&self) -> &Common {
        match self {
            Self::Demo(args) => &args.common,
            Self::Decompose(args) => &args.common,
            Self::Matrix(args) => &args.common,
            Self::Apply(args) => &args.common,
            Self::Compile(args) => &args.common,
            Self::Infer(args) => &args.common,
            #[cfg(feature = "onnx")]
            Self::Generate(args) => &args.common,
            Self::Sweep(args) => &args.common,
            Self::Train(args) => &args.common,
            Self::Tune(args) => &args.common,
            Self::Measure(args) => &args.common,
            Self::Twin(args) => &args.common,
            Self::Merge(args) => &args.common,
            Self::Correct(args) => &args.common,
            Self::Draw(args) => &args.common,
            Self::Inspect(args) => &args.common,
            Self::Chip(args) => &args.common,
            Self::Export(args) => &args.common,
            Self::Report(args) => &args.common,
            Self::Validate(args) => &args.common,
            Self::Bench(args) => &args.common,
            Self::Completions(args) => &args.common,
            Self::Man(args) => &args.common,
        }
    }
}
