//! What users type.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::count::{any, count, number};
use crate::compile::{Aim, Arrangement, Multiplier};
use crate::experiment::TRIALS_LIMIT;
use crate::experiment::sweep::Shard;
use crate::field::Precision;
use crate::mesh::{Correction, Geometry};
use crate::nn::{Activation, Score, Split};

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
    /// Transfer matrix of a mesh, ideal or on one drawn chip
    Matrix(MatrixArgs),
    /// Send fields through an ideal mesh
    Apply(ApplyArgs),
    /// Trained network → program: the phases of every mesh
    Compile(CompileArgs),
    /// Accuracy, or another score, of a program on drawn chips, against digital
    Infer(InferArgs),
    /// Accuracy on drawn chips over a grid of settings: a table of one row per chip, resumable and in shards
    Sweep(SweepArgs),
    /// Shards of one sweep → the files of one run
    Merge(MergeArgs),
    /// Draw a mesh as SVG
    Draw(DrawArgs),
    /// Say in plain words what a file holds
    Inspect(InspectArgs),
    /// Phases for a laboratory, one row per phase shifter
    Export(ExportArgs),
    /// A sweep's folder → one page of figures, report.html, and the figures as SVG files
    Report(super::report::ReportArgs),
    /// Our values beside those of analysis, other packages and papers
    Validate(super::validate::ValidateArgs),
    /// Throughput on this machine: walk, transfer matrix, decomposition, beside the peak measured in the same run
    Bench(super::bench::BenchArgs),
    /// Completions for a shell
    Completions(super::manual::CompletionsArgs),
    /// Manual pages
    Man(super::manual::ManArgs),
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
            Self::Sweep(args) => &args.common,
            Self::Merge(args) => &args.common,
            Self::Draw(args) => &args.common,
            Self::Inspect(args) => &args.common,
            Self::Export(args) => &args.common,
            Self::Report(args) => &args.common,
            Self::Validate(args) => &args.common,
            Self::Bench(args) => &args.common,
            Self::Completions(args) => &args.common,
            Self::Man(args) => &args.common,
        }
    }
}

/// Flags of every computing command.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Common {
    /// Threads; 0 means one per core. Results do not depend on it
    #[arg(long, default_value_t = 0, value_name = "N", allow_negative_numbers = true, value_parser = count::<u16>(0..=256))]
    pub threads: u16,
    /// No progress and no notes on stderr
    #[arg(long)]
    pub quiet: bool,
}

/// Which chips: a kind of hardware and a seed.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct ChipArgs {
    /// A preset (ideal, thermo-optic, mit-pnp, low-noise) or a TOML file
    #[arg(long, default_value = "ideal", value_name = "HW")]
    pub hardware: String,
    /// Set one hardware key, such as coupler.splitting_error_rad=0.02, or phase_shifter.dac_bits=none to leave it without
    /// a value; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Seed of every random number
    #[arg(long, default_value_t = 0, allow_negative_numbers = true, value_parser = any::<u64>())]
    pub seed: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Correct {
    /// Phases for a perfect chip
    #[default]
    None,
    /// Every MZI by itself splits light as a perfect one does
    Local,
    /// Every MZI is set for the light that really arrives, so that later ones absorb what earlier ones could not do
    Progressive,
    /// Progressive, then gradient descent on all phases together: makes use of spare MZIs; slow
    Fit,
    /// No error is known: phases are found by sending light in and reading fields at the outputs
    SelfConfigure,
}

impl Correct {
    /// The correction that a chip's known errors allow; nothing where the mesh configures itself.
    pub fn correction(self) -> Option<Correction> {
        match self {
            Self::None => Some(Correction::None),
            Self::Local => Some(Correction::Local),
            Self::Progressive => Some(Correction::Progressive),
            Self::Fit => Some(Correction::Fit),
            Self::SelfConfigure => None,
        }
    }
}

/// What `infer` offers of [`Correct`]: a tile has no detectors between its meshes, by which it could configure itself.
fn corrections() -> impl clap::builder::TypedValueParser<Value = Correction> {
    let offered = Correct::value_variants()
        .iter()
        .filter(|correct| correct.correction().is_some());
    let offered: Vec<PossibleValue> = offered.filter_map(Correct::to_possible_value).collect();
    PossibleValuesParser::new(offered).map(|name| {
        let mut all = Correction::ALL.into_iter();
        all.find(|correction| correction.name() == name)
            .expect("every name is one of them")
    })
}

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

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lightloom decompose U.npy -o u.mesh.json\n  lightloom decompose U.npy -o u.mesh.json --geometry reck"
)]
pub(super) struct DecomposeArgs {
    /// Unitary matrix, .npy, real or complex, row = output mode; of one in single precision, the nearest unitary is taken
    pub matrix: PathBuf,
    /// Mesh file to write; - is stdout
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Layout of the mesh: clements, reck, diamond, butterfly (fitted), or clements+K with K more columns
    #[arg(long, default_value_t)]
    pub geometry: Geometry,
    #[command(flatten)]
    pub common: Common,
}

/// A mesh, or a layer of a program, on one chip.
#[derive(Debug, Args)]
pub(super) struct OnChipArgs {
    /// The layer of a program; the first by default
    #[arg(long, value_name = "NAME")]
    pub layer: Option<String>,
    #[command(flatten)]
    pub chip: ChipArgs,
    /// How phases are chosen; `local` and `progressive` know the chip's splitting errors, phase offsets and crosstalk
    #[arg(long, value_enum, default_value_t)]
    pub correct: Correct,
    /// Which of the chips that follow from the seed
    #[arg(
        long,
        default_value_t = 0,
        value_name = "T",
        allow_negative_numbers = true,
        value_parser = any::<u64>()
    )]
    pub trial: u64,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lightloom matrix u.mesh.json -o U.npy\n  lightloom matrix u.mesh.json --hardware thermo-optic --trial 3 --correct local -o chip.npy\n  lightloom matrix mlp.program.safetensors --layer 2 --hardware thermo-optic -o W.npy"
)]
pub(super) struct MatrixArgs {
    /// Mesh file, phases of another package (meshes/README.md), or a program; - is stdin
    pub file: PathBuf,
    #[command(flatten)]
    pub on: OnChipArgs,
    /// Matrix to write, .npy, complex128; - is stdout
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lightloom apply u.mesh.json x.npy -o y.npy\n  lightloom apply u.mesh.json x.npy -o y.npy --hardware thermo-optic --correct local\n  lightloom apply mlp.program.safetensors x.npy --layer 2 --trial 3 -o y.npy"
)]
pub(super) struct ApplyArgs {
    /// Mesh file, phases of another package (meshes/README.md), or a program
    pub file: PathBuf,
    /// Input fields, .npy, [sample, mode], real or complex; - is stdin
    pub fields: PathBuf,
    #[command(flatten)]
    pub on: OnChipArgs,
    /// Output fields to write, .npy, [sample, mode], complex; - is stdout
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Precision of the arithmetic and of the output
    #[arg(long, default_value = "f64", value_parser = precisions())]
    pub precision: Precision,
    #[command(flatten)]
    pub common: Common,
}

fn precisions() -> impl clap::builder::TypedValueParser<Value = Precision> {
    PossibleValuesParser::new(Precision::NAMES).map(|name| name.parse().expect("it is one of them"))
}

fn activation_help() -> String {
    let names = Activation::names(false).join(", ");
    let complex = Activation::names(true).join(", ");
    format!(
        "Activation between the layers of a state dict (.safetensors, .npz, .pt, .pth); relu by default. On real \
         signals {names}; on complex ones {complex} (docs/networks.md)"
    )
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lightloom compile mlp.onnx -o mlp.program.safetensors\n  lightloom compile mlp.safetensors -o mlp.program.safetensors --tile 64 --activation leaky-relu:slope=0.1\n  lightloom compile mlp.safetensors -o mlp.program.safetensors --layers input,hidden,output --mean 0.1307 --std 0.3081"
)]
pub(super) struct CompileArgs {
    /// Trained network: .safetensors, .npz, .pt, .pth, .onnx or network.toml
    pub network: PathBuf,
    /// Program to write; - is stdout
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Modes of the chip's meshes; without it every layer gets one tile of its own size
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = any::<usize>())]
    pub tile: Option<usize>,
    /// Layout of the meshes: clements, reck, diamond, butterfly (fitted), or clements+K with K more columns; or crossbar, a
    /// plain array of exact weights, the control that has no MZI
    #[arg(long, default_value_t)]
    pub geometry: Multiplier,
    #[arg(long, value_name = "NAME", help = activation_help())]
    pub activation: Option<String>,
    /// Chips that the phases which the weights leave free are chosen for: uncorrected, corrected, or perfect, which leaves
    /// them in the bar state
    #[arg(long = "for", default_value_t, value_name = "CHIPS")]
    pub aim: Aim,
    /// Order of the singular values of a tile: descending, ascending, spread or shuffled
    #[arg(long = "arrange", default_value_t, value_name = "ORDER")]
    pub arrangement: Arrangement,
    /// Seed of what is chosen at random among the phases that the weights leave free
    #[arg(long, default_value_t = 0, allow_negative_numbers = true, value_parser = any::<u64>())]
    pub seed: u64,
    /// Names of all layers of a state dict (.safetensors, .npz, .pt, .pth) in their order; by default found from names,
    /// file or shapes
    #[arg(long, value_delimiter = ',', value_name = "NAME,…")]
    pub layers: Option<Vec<String>>,
    /// What raw data are multiplied with: a number, numbers with commas, one a feature, or an .npy or .npz file (array
    /// scale); by default 1/255 for bytes, 1 for other numbers
    #[arg(long, value_name = "K", allow_hyphen_values = true)]
    pub scale: Option<String>,
    /// What is subtracted then: 0 by default; as --scale (array mean)
    #[arg(long, value_name = "M", allow_hyphen_values = true)]
    pub mean: Option<String>,
    /// What is divided by then: 1 by default; as --scale (array std)
    #[arg(long, value_name = "S", allow_hyphen_values = true)]
    pub std: Option<String>,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lightloom infer mlp.program.safetensors --data mnist --hardware thermo-optic --trials 20 --json -\n  lightloom infer mlp.program.safetensors --data digits.npz --set coupler.splitting_error_rad=0.02 --correct local"
)]
pub(super) struct InferArgs {
    /// Compiled program
    pub program: PathBuf,
    /// Data set: a folder of IDX files, .npz with x and y, .npy with --labels, or a table (.csv, .tsv, .parquet), one column
    /// of which is the label (docs/data.md); - is stdin
    #[arg(long, value_name = "DATA")]
    pub data: PathBuf,
    /// The label's column of a table: a name of its header, else a position from 0. Without it, the column called
    /// label, labels, target, class, y, species or variety, else the last one
    #[arg(long, value_name = "COLUMN")]
    pub label: Option<String>,
    /// Labels for a .npy data set
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// Which part of a folder of IDX files, or of an .npz with x_test and x_train: test (the default) or train
    #[arg(long, value_name = "PART")]
    pub split: Option<Split>,
    /// Only the first N samples
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = count::<usize>(1..=u64::MAX))]
    pub limit: Option<usize>,
    /// What outputs are scored by: accuracy, top5 (or another number), binary, mse, nll or none. Without it, what the shapes
    /// of labels and outputs say: accuracy of classes, binary of one output and classes 0 and 1, mse of numbers
    #[arg(long, value_name = "SCORE")]
    pub score: Option<Score>,
    /// Also write the outputs of the digital network and of all chips to this file, .npz
    #[arg(long, value_name = "FILE")]
    pub predictions: Option<PathBuf>,
    #[command(flatten)]
    pub chip: ChipArgs,
    /// How phases are chosen; `local` and `progressive` know the chip's splitting errors, phase offsets and crosstalk
    #[arg(long, default_value = "none", value_parser = corrections())]
    pub correct: Correction,
    /// Number of chips
    #[arg(long, default_value_t = 10, value_name = "T", allow_negative_numbers = true, value_parser = count::<u32>(1..=TRIALS_LIMIT as u64))]
    pub trials: u32,
    /// Precision of the arithmetic
    #[arg(long, default_value = "f32", value_parser = precisions())]
    pub precision: Precision,
    /// Also write the results as JSON to this file; - is stdout, without the table
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Args)]
#[command(
    override_usage = "lightloom sweep [OPTIONS] <--out <DIR>|--dry-run> <EXPERIMENT>",
    after_help = "Example: lightloom sweep splitting.toml --out splitting --shard 1/4\n\nA sweep that was stopped goes on when it is started again. docs/experiments.md describes the file and the rows."
)]
pub(super) struct SweepArgs {
    /// The experiment, TOML; - is stdin. Paths in it are relative to it
    pub experiment: PathBuf,
    /// Folder for the rows, new or of the same experiment
    #[arg(long, value_name = "DIR", required_unless_present = "dry_run")]
    pub out: Option<PathBuf>,
    /// Only a share of the trials, such as 1/4: the first of four. Each share needs a folder of its own
    #[arg(long, value_name = "i/n", default_value_t = Shard::WHOLE)]
    pub shard: Shard,
    /// Say how many trials, how long, how much memory and disk, from one trial of each kind; write nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Args)]
#[command(after_help = "Example: lightloom merge part-1 part-2 part-3 part-4 --out splitting")]
pub(super) struct MergeArgs {
    /// Folders of all shards
    #[arg(required = true, value_name = "DIR")]
    pub folders: Vec<PathBuf>,
    /// Folder for the rows
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lightloom draw u.mesh.json -o u.svg --color light --input 0\n  lightloom draw mlp.program.safetensors -o layer.svg --layer 2 --section output"
)]
pub(super) struct DrawArgs {
    /// Mesh file, phases of another package (meshes/README.md), or program
    pub file: PathBuf,
    /// SVG to write; - is stdout
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// What the colours mean
    #[arg(long, value_enum, default_value_t)]
    pub color: ColorArg,
    /// Input mode that carries light, for --color light; 0 by default
    #[arg(long, value_name = "MODE", value_parser = any::<usize>())]
    pub input: Option<usize>,
    /// Layer of a program, by the name that `inspect` shows; the first one by default
    #[arg(long, value_name = "NAME")]
    pub layer: Option<String>,
    /// Tile of that layer, by number, row by row; 0 by default
    #[arg(long, value_name = "K", value_parser = any::<usize>())]
    pub tile: Option<usize>,
    /// Which mesh of that tile; the mesh of V† by default
    #[arg(long, value_enum)]
    pub section: Option<SectionArg>,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorArg {
    /// Internal phase shift
    #[default]
    Theta,
    /// External phase shift
    Phi,
    /// Power of the light of one input mode
    Light,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum SectionArg {
    /// The mesh of V†
    #[default]
    Input,
    /// The mesh of U
    Output,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lightloom inspect mlp.program.safetensors\n  lightloom inspect thermo-optic\n  lightloom inspect splitting --json -"
)]
pub(super) struct InspectArgs {
    /// A file that lightloom reads or writes, the folder of a sweep, or a preset's name; - is stdin
    pub file: PathBuf,
    /// Also write what is said as JSON to this file; - is stdout, without the text
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lightloom export u.mesh.json --format csv --volts --hardware thermo-optic -o phases.csv\n  lightloom export u.mesh.json --format csv --calibration cal.csv --dac-bits 12 -o codes.csv\n  lightloom export u.mesh.json --format sax -o u.sax.json"
)]
pub(super) struct ExportArgs {
    /// Mesh file, phases of another package (meshes/README.md), or program
    pub file: PathBuf,
    /// Format of the phases
    #[arg(long, value_enum)]
    pub format: ExportFormat,
    /// Also the voltage of every heater, from the hardware's V_π
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ExportFormat {
    /// One row per phase shifter; digital scales are not phases and not in it
    Csv,
    /// The same rows as JSON
    Json,
    /// Arrays by mesh, for NumPy, with the digital scale and block of every tile
    Npz,
    /// A netlist of MZIs for SAX; of a program, one for each tile with its scale and block
    Sax,
}
