//! Trained network → program.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;
use clap::Args;

use super::common::args::Common;
use super::common::count::any;
use super::common::output;
use crate::compile::{
    Aim, Arrangement, Layout, Multiplier, Program, Weights, compile, load_network,
};
use crate::error::Error;
use crate::hardware::Hardware;
use crate::nn::{Activation, Linear, Loaded, Remarks};
#[cfg(feature = "onnx")]
use crate::nn::{Element, Port};
use crate::processor::check_layout;
use crate::rng::Seed;

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
    /// How weights are held, as numbers.format and numbers.weight_bits of a hardware say it: exact, fixed:BITS (one scale a
    /// tile), abfp or abfp:BITS (one a row of a tile); docs/numbers.md
    #[arg(long, default_value_t, value_name = "FORMAT")]
    pub weights: Weights,
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
    /// What raw data are multiplied with: a number, numbers with commas, one a feature or one a channel of pictures, or an
    /// .npy or .npz file (array scale); by default 1/255 for bytes, 1 for other numbers
    #[arg(long, value_name = "K", allow_hyphen_values = true)]
    pub scale: Option<String>,
    /// What is subtracted then: 0 by default; as --scale (array mean)
    #[arg(long, value_name = "M", allow_hyphen_values = true)]
    pub mean: Option<String>,
    /// What is divided by then: 1 by default; as --scale (array std)
    #[arg(long, value_name = "S", allow_hyphen_values = true)]
    pub std: Option<String>,
    /// Where the channels of raw pictures stand: first, as [channel, row, column], or last; by default as their shapes tell
    #[arg(long, value_name = "PLACE")]
    pub channels: Option<String>,
    #[cfg(feature = "onnx")]
    #[command(flatten)]
    pub graph: GraphArgs,
    #[command(flatten)]
    pub common: Common,
}

/// What is asked of an ONNX file; with any of these it is read as a graph, in single precision.
#[cfg(feature = "onnx")]
#[derive(Debug, Args)]
pub(super) struct GraphArgs {
    /// Inputs of an ONNX file in the order in which their features come in a sample; all by default
    #[arg(long, value_delimiter = ',', value_name = "NAME,…")]
    pub inputs: Vec<String>,
    /// Outputs of an ONNX file; by default the first one of floating-point numbers
    #[arg(long, value_delimiter = ',', value_name = "NAME,…")]
    pub outputs: Vec<String>,
    /// Shape of an input that an ONNX file leaves open, such as x=N,3,32,32 (N: any number of samples); may be repeated
    #[arg(long = "shape", value_name = "NAME=N,…")]
    pub shapes: Vec<String>,
    /// Products of an ONNX file that stay digital, by name; * stands for any run of characters; may be repeated
    #[arg(long, value_name = "PATTERN")]
    pub digital: Vec<String>,
    /// Products of an ONNX file that go to light though they would stay digital, such as depthwise convolutions; as --digital
    #[arg(long, value_name = "PATTERN")]
    pub light: Vec<String>,
}

fn activation_help() -> String {
    let names = Activation::names(false).join(", ");
    let complex = Activation::names(true).join(", ");
    format!(
        "Activation between the layers of a state dict (.safetensors, .npz, .pt, .pth); relu by default. On real \
         signals {names}; on complex ones {complex} (docs/networks.md)"
    )
}

pub fn run(args: &CompileArgs) -> Result<()> {
    let mut compiled = None;
    output::write(&args.output, "safetensors", &[&args.network], || {
        let hints = remarks(args).hints(Path::new(""))?;
        let source = output::source(&args.network)?;
        if Program::is_in(&source) {
            let reason = "is a program already: lightloom infer takes it";
            return Err(Error::format(source.name(), reason).into());
        }
        let loaded = load_network(&source, &hints)?;
        let layout = Layout {
            tile: args.tile,
            multiplier: args.geometry,
            weights: args.weights,
            arrangement: args.arrangement,
            aim: args.aim,
            seed: Seed(args.seed),
        };
        let clock = Instant::now();
        let program = output::in_file(&args.network, compile(&loaded.network, layout))?;
        // What no chip can run is no program.
        output::in_file(&args.network, check_layout(&program, &Hardware::default()))?;
        let seconds = clock.elapsed().as_secs_f64();
        let mut bytes = Vec::new();
        program.write(&mut bytes)?;
        compiled = Some((loaded, program, seconds));
        Ok(bytes)
    })?;
    // Said of a file that is there.
    match compiled {
        Some((loaded, program, seconds)) if !args.common.quiet => {
            describe(args, &loaded, &program, seconds)
        }
        _ => Ok(()),
    }
}

/// What the flags say of a network beside its file.
fn remarks(args: &CompileArgs) -> Remarks {
    let remarks = Remarks {
        activation: args.activation.clone(),
        layers: args.layers.clone(),
        scale: args.scale.clone(),
        mean: args.mean.clone(),
        std: args.std.clone(),
        channels: args.channels.clone(),
        ..Remarks::default()
    };
    #[cfg(feature = "onnx")]
    let remarks = Remarks {
        inputs: args.graph.inputs.clone(),
        outputs: args.graph.outputs.clone(),
        shape: args.graph.shapes.clone(),
        digital: args.graph.digital.clone(),
        light: args.graph.light.clone(),
        ..remarks
    };
    remarks
}

/// Says on stderr what was compiled in how many `seconds`, and what was assumed.
fn describe(args: &CompileArgs, loaded: &Loaded, program: &Program, seconds: f64) -> Result<()> {
    let mut stderr = std::io::stderr().lock();
    for assumed in loaded
        .entry_words()
        .into_iter()
        .chain(loaded.words("--activation"))
    {
        writeln!(stderr, "note: {assumed}")?;
    }
    #[cfg(feature = "onnx")]
    if let Some(graph) = loaded.network.graph() {
        let notes = graph.notes().iter().cloned();
        for note in notes.chain(graph.dark_words()) {
            writeln!(stderr, "note: {note}")?;
        }
    }
    writeln!(stderr, "note: data: {}", loaded.network.input_words())?;
    super::inspect::describe_program(&mut stderr, program)?;
    if !args.geometry.is_universal() {
        writeln!(
            stderr,
            "weights: relative error {:.4}, as {} meshes hold only some matrices",
            program.weight_error(),
            args.geometry
        )?;
    } else if let Some(bits) = args.weights.bits() {
        writeln!(
            stderr,
            "weights: relative error {:.4}, of {bits} bits",
            program.weight_error()
        )?;
    }
    let free = (args.aim, args.arrangement, args.seed);
    if args.geometry == Multiplier::Crossbar && free != Default::default() {
        let what = "--for, --arrange and --seed do nothing: a crossbar leaves nothing free";
        writeln!(stderr, "note: {what}")?;
    }
    let linears = loaded.network.linears().map(|(_, linear)| linear);
    for linear in linears.filter(|linear| linear.is_zero()) {
        writeln!(stderr, "note: all weights of layer {} are 0", linear.name)?;
    }
    if let Some(note) = spare_modes(program) {
        writeln!(stderr, "note: {note}")?;
    }
    writeln!(stderr, "compiled in {seconds:.2} s")?;
    if !output::is_standard(&args.output) {
        let file = args.output.display();
        let next = match writes_text(program) {
            true => format!("lightloom generate {file} --tokens TOKENS.json --length 64"),
            false => format!("lightloom infer {file} --data DATA"),
        };
        writeln!(stderr, "next: {next}")?;
    }
    Ok(())
}

/// Whether a program may be a language model: it is given integers of which there may be any number.
#[cfg(feature = "onnx")]
fn writes_text(program: &Program) -> bool {
    let is_text = |port: &Port| port.element == Element::Integer && port.features().is_none();
    let graph = program.network().graph();
    graph.is_some_and(|graph| graph.inputs().iter().all(is_text))
}

#[cfg(not(feature = "onnx"))]
fn writes_text(_: &Program) -> bool {
    false
}

/// What is said of tiles that are larger than every layer.
fn spare_modes(program: &Program) -> Option<String> {
    let tile = program.layout().tile?;
    let needed = |linear: &Linear| linear.inputs().max(linear.outputs());
    let linears = program.maps().map(|map| map.linear);
    let largest = linears.max_by_key(|linear| needed(linear))?;
    let modes = needed(largest);
    (modes < tile).then(|| {
        format!(
            "--tile {tile}: layer {} ({} → {}) needs {modes} modes, and no other one more: the other modes of each mesh do \
             nothing but cost MZIs",
            largest.name,
            largest.inputs(),
            largest.outputs()
        )
    })
}
