//! Commands on one mesh.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, ValueEnum};
use ndarray::Array2;

use super::common::args::{ChipArgs, Common, precisions};
use super::common::count::any;
use super::common::output;
use crate::compile::{Compiled, Program, Tile};
use crate::error::Error;
use crate::field::Precision;
use crate::hardware::{Chip, Kept, Laboratory};
use crate::io::npy;
use crate::linalg::{
    Matrix, check_finite, from_array, max_abs_difference, to_unitary, unitarity_error,
};
use crate::mesh::{Correction, Geometry, Mesh, closest};
use crate::processor::receiver_noise;
use crate::report::{ColorBy, DrawOptions};
use crate::rng::Seed;

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

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lightloom matrix u.mesh.json -o U.npy\n  lightloom matrix u.mesh.json --hardware thermo-optic --trial 3 --correct local -o chip.npy"
)]
pub(super) struct MatrixArgs {
    /// Mesh file, or phases of another package (meshes/README.md); - is stdin
    pub mesh: PathBuf,
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
    /// Matrix to write, .npy, complex128; - is stdout
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lightloom apply u.mesh.json x.npy -o y.npy\n  lightloom apply u.mesh.json x.npy -o y.npy --precision f32"
)]
pub(super) struct ApplyArgs {
    /// Mesh file, or phases of another package (meshes/README.md)
    pub mesh: PathBuf,
    /// Input fields, .npy, [sample, mode], real or complex; - is stdin
    pub fields: PathBuf,
    /// Output fields to write, .npy, [sample, mode], complex; - is stdout
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Precision of the arithmetic and of the output
    #[arg(long, default_value = "f64", value_parser = precisions())]
    pub precision: Precision,
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

pub fn decompose(args: &DecomposeArgs) -> Result<()> {
    output::write(&args.output, "json", &[&args.matrix], || {
        let matrix = read_matrix(&args.matrix)?;
        let nearest = output::in_file(&args.matrix, to_unitary("matrix", &matrix))?;
        let found = output::in_file(&args.matrix, closest(&nearest.unitary, args.geometry))?;
        let mesh = found.mesh;
        if !args.common.quiet {
            if nearest.distance > 0.0 {
                eprintln!(
                    "note: {} is unitary to single precision only, max |U†U - 1| = {:.1e}: decomposed is the nearest unitary, at a distance of {:.1e} (spectral norm)",
                    args.matrix.display(),
                    unitarity_error(&matrix),
                    nearest.distance
                );
            }
            let fitted = if args.geometry.is_universal() {
                String::new()
            } else {
                let (error, count) = (found.error, found.iterations);
                format!(", matrix error {error:.4} after {count} iterations")
            };
            eprintln!(
                "{} modes, {} MZIs, {} columns; max |U - U'| = {:.1e}{fitted}",
                mesh.ports(),
                mesh.nodes().len(),
                mesh.columns(),
                max_abs_difference(&mesh.between_ports(&mesh.transfer()), &matrix)
            );
        }
        Ok(mesh.to_json().into_bytes())
    })
}

pub fn matrix(args: &MatrixArgs) -> Result<()> {
    output::write(&args.output, "npy", &[&args.mesh], || {
        let mesh = Compiled::mesh(&output::source(&args.mesh)?)?;
        let hardware = args.chip.hardware()?;
        let notes = hardware.notes();
        let chip = hardware.fabricate(Seed(args.chip.seed), args.trial);
        let (u, done) = program(chip, &mesh, args.correct)?;
        let u = mesh.between_ports(&u);
        check_finite("transfer matrix", &u)?;
        let rows = Array2::from_shape_fn(u.shape(), |(row, col)| u[(row, col)]);
        if !args.common.quiet {
            let ideal = mesh.between_ports(&mesh.transfer());
            eprintln!(
                "{} modes; seed {}, trial {}; matrix error {:.3e}, fidelity {:.6} against the ideal mesh{done}",
                mesh.ports(),
                args.chip.seed,
                args.trial,
                crate::linalg::matrix_error(&u, &ideal),
                crate::linalg::fidelity(&u, &ideal)
            );
            notes.iter().for_each(|note| eprintln!("note: {note}"));
        }
        output::npy(rows.view())
    })
}

/// The matrix of `mesh` on `chip`, and what to say about its phases.
fn program(chip: Chip, mesh: &Mesh, correct: Correct) -> Result<(Matrix, String)> {
    let correction = match correct {
        Correct::None => return Ok((chip.transfer(mesh), String::new())),
        Correct::Local => Correction::Local,
        Correct::Progressive => Correction::Progressive,
        Correct::Fit => Correction::Fit,
        Correct::SelfConfigure => {
            let shifter = &chip.hardware().phase_shifter();
            let (crosstalk, seconds) = (shifter.crosstalk, shifter.drift_time_s);
            let noise = receiver_noise(chip.hardware(), mesh.ports());
            let mut bench = Laboratory::new(chip, mesh)
                .with_known_crosstalk(crosstalk)
                .with_receiver_noise(noise);
            let done = bench.self_configure(mesh)?;
            let kept = match done.kept {
                Kept::Found => "",
                Kept::Before => "; kept what was set before, for nothing better was found",
                Kept::Perfect => "; kept phases for a perfect chip, for nothing better was found",
            };
            let said = format!(
                "; {} of {} MZIs could not be set exactly; {} pass{}, {} settings, {} readings{kept}",
                done.unreachable,
                mesh.nodes().len(),
                done.passes,
                if done.passes == 1 { "" } else { "es" },
                done.settings,
                done.readings
            );
            bench.wait(seconds);
            return Ok((bench.true_transfer(), said));
        }
    };
    let programmed = chip.program(mesh, correction);
    let before = match correction {
        Correction::Fit => " before the fit",
        _ => "",
    };
    let said = format!(
        "; {} of {} MZIs could not be set exactly{before}",
        programmed.unreachable,
        mesh.nodes().len()
    );
    Ok((programmed.coefficients.transfer(), said))
}

pub fn apply(args: &ApplyArgs) -> Result<()> {
    output::write(&args.output, "npy", &[&args.mesh, &args.fields], || {
        output::check_differs("fields", &args.fields, &args.mesh, "the mesh")?;
        let mesh = Compiled::mesh(&output::source(&args.mesh)?)?;
        let source = output::source(&args.fields)?;
        let fields = npy::parse("fields", source.bytes()).and_then(|fields| {
            fields.check_finite("fields")?;
            fields.into_complex_matrix("fields")
        });
        let fields = output::in_file(&args.fields, fields)?;
        match args.precision {
            Precision::F32 => {
                let through = output::in_file(&args.fields, mesh.apply::<f32>(fields.view()))?;
                output::npy(through.view())
            }
            Precision::F64 => {
                let through = output::in_file(&args.fields, mesh.apply::<f64>(fields.view()))?;
                output::npy(through.view())
            }
        }
    })
}

pub fn draw(args: &DrawArgs) -> Result<()> {
    output::write(&args.output, "svg", &[&args.file], || {
        let (mesh, title) = pick_mesh(args)?;
        let color = match (args.color, args.input) {
            (ColorArg::Light, mode) => {
                let mode = mode.unwrap_or(0);
                if mode >= mesh.modes() {
                    let limit = format!("a mode below {}", mesh.modes());
                    return Err(Error::value("--input", mode, limit).into());
                }
                ColorBy::light_in(mode, mesh.modes())?
            }
            (_, Some(mode)) => {
                return Err(Error::value("--input", mode, "used with --color light only").into());
            }
            (ColorArg::Theta, None) => ColorBy::Theta,
            (ColorArg::Phi, None) => ColorBy::Phi,
        };
        let options = DrawOptions {
            color,
            title: Some(title),
        };
        Ok(crate::report::draw(&mesh, &options)?.into_bytes())
    })
}

/// The mesh that the arguments name, and a title for it.
fn pick_mesh(args: &DrawArgs) -> Result<(Mesh, String)> {
    let name = args.file.file_name().unwrap_or(args.file.as_os_str());
    let name = name.to_string_lossy();
    let program = match Compiled::read(&output::source(&args.file)?)? {
        Compiled::Program(program) => program,
        Compiled::Mesh(mesh) => {
            if args.layer.is_some() || args.tile.is_some() || args.section.is_some() {
                let what = "--layer, --tile and --section";
                return Err(
                    Error::format(what, "choose a mesh of a program: this is a mesh").into(),
                );
            }
            return Ok((mesh, name.into_owned()));
        }
    };
    let layer = layer(&program, args.layer.as_deref())?;
    let number = args.tile.unwrap_or(0);
    let tile = tile(&program, layer, number)?;
    let (mesh, section) = match args.section.unwrap_or_default() {
        SectionArg::Input => (&tile.input, "V†"),
        SectionArg::Output => (&tile.output, "U"),
    };
    let layer = &program.model().layers[layer].name;
    let title = format!("{name}: layer {layer}, tile {number}, {section}");
    Ok((mesh.clone(), title))
}

fn read_matrix(path: &Path) -> Result<Matrix> {
    let source = output::source(path)?;
    let array = source.parse(|bytes| npy::parse("matrix", bytes)?.into_complex_matrix("matrix"))?;
    Ok(from_array(array.view()))
}

/// The number of the layer called `name`; the first layer without a name.
fn layer(program: &Program, name: Option<&str>) -> Result<usize> {
    let layers = &program.model().layers;
    let Some(name) = name else { return Ok(0) };
    let found = layers.iter().position(|layer| layer.name == name);
    found.ok_or_else(|| {
        let names: Vec<&str> = layers.iter().map(|layer| layer.name.as_str()).collect();
        Error::unknown("--layer", name, &names).into()
    })
}

/// A tile of a layer by its number.
fn tile(program: &Program, layer: usize, number: usize) -> Result<&Tile> {
    let tiles = &program.tiles()[layer];
    tiles.get(number).ok_or_else(|| {
        Error::value("--tile", number, format!("a number below {}", tiles.len())).into()
    })
}
