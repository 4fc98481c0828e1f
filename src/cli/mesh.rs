//! Commands on one mesh.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, ValueEnum};
use ndarray::Array2;
use num_complex::Complex;

use super::common::args::{ChipArgs, Common, DrawnChipArgs, precisions};
use super::common::count::any;
use super::common::output;
use crate::compile::{Compiled, Map, Program, Tile};
use crate::error::Error;
use crate::field::{Precision, Real};
use crate::hardware::{Hardware, Kept, MeasuredQuantity, Section, SelfConfiguration};
use crate::io::npy::{self, Element};
use crate::linalg::{
    Matrix, apply as apply_matrix, check_finite, from_array, max_abs_difference, to_unitary,
    unitarity_error,
};
use crate::mesh::{Correction, Geometry, Mesh, closest};
use crate::processor::{
    MeshOnChip, idle_words, map_on_chip, measured_of, mesh_on_chip, self_configured, unread_words,
};
use crate::report::{ColorBy, DrawOptions, SPOKEN};

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
    /// The layer of a program, whose weights alone act: no input scale, bias or activation; the first by default
    #[arg(long, value_name = "NAME")]
    pub layer: Option<String>,
    #[command(flatten)]
    pub chip: DrawnChipArgs,
    /// How phases are chosen; `local` and `progressive` know the chip's splitting errors, phase offsets and crosstalk
    #[arg(long, value_enum, default_value_t)]
    pub correct: Correct,
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

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  lightloom draw u.mesh.json -o u.svg --color light --input 0\n  lightloom draw mlp.program.safetensors -o layer.svg --layer 2 --section output\n  lightloom draw u.mesh.json -o chip.svg --hardware chip.toml --show splitting_error_rad"
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
    /// Colour every MZI by a number of the chip on --hardware, measured or drawn, that of its parts which is farthest from 0:
    /// splitting_error_rad, loss_db, offset_rad, v_pi_v or dead
    #[arg(long, value_name = "QUANTITY", conflicts_with_all = ["color", "input"])]
    pub show: Option<String>,
    #[command(flatten)]
    pub chip: DrawnChipArgs,
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
    output::write(&args.output, "npy", &[&args.file], || {
        let (matrix, said) = on_chip(&Compiled::read(&output::source(&args.file)?)?, &args.on)?;
        if !args.common.quiet {
            said.iter().for_each(|said| eprintln!("{said}"));
        }
        let rows = Array2::from_shape_fn(matrix.shape(), |(row, col)| matrix[(row, col)]);
        output::npy(rows.view())
    })
}

/// The matrix of a mesh, or of a layer of a program, on a chip, and what to say of it.
fn on_chip(compiled: &Compiled, on: &OnChipArgs) -> Result<(Matrix, Vec<String>)> {
    let chip = on.chip.chip()?;
    let hardware = chip.hardware().clone();
    let mut said = hardware.notes();
    let which = &on.chip;
    let (matrix, headline) = match compiled {
        Compiled::Mesh(mesh) => {
            if let Some(layer) = &on.layer {
                let limit = "left out: this is a mesh, not a program";
                return Err(Error::value("--layer", layer, limit).into());
            }
            if on.correct != Correct::SelfConfigure {
                said.extend(unread_words(&hardware, false));
            }
            let found = match on.correct.correction() {
                Some(correction) => mesh_on_chip(mesh, &chip, correction)?,
                None => self_configured(mesh, chip)?,
            };
            let u = &found.matrix;
            let ideal = mesh.between_ports(&mesh.transfer());
            let beside = match mesh.is_asked() {
                true => "phases as heaters are asked for them, which no ideal mesh stands beside"
                    .to_owned(),
                false => format!(
                    "matrix error {:.3e}, fidelity {:.6} against the ideal mesh",
                    crate::linalg::matrix_error(u, &ideal),
                    crate::linalg::fidelity(u, &ideal),
                ),
            };
            let words = phase_words(mesh, on.correct, &found);
            let headline = format!("{} modes; {which}; {beside}{words}", mesh.ports());
            (found.matrix, headline)
        }
        Compiled::Program(program) => {
            let correction = on.correct.correction().ok_or_else(|| {
                let limit =
                    "none, local, progressive or fit for a layer: only a mesh configures itself";
                Error::value("--correct", "self-configure", limit)
            })?;
            // Errors that are given are no keys.
            let told = match chip.given().is_empty() {
                true => correction,
                false => Correction::None,
            };
            said.extend(idle_words(program, [(&hardware, told)]));
            said.extend(unread_words(&hardware, true));
            let layer = program.layer("--layer", on.layer.as_deref())?;
            let found = map_on_chip(program, layer.id, &chip, correction)?;
            check_finite("matrix", &found.matrix)?;
            let unreachable = match correction {
                Correction::None => String::new(),
                _ => format!("; {} MZIs could not be set exactly", found.unreachable),
            };
            let headline = format!(
                "layer {}, {} × {}; {which}; matrix error {:.3e} against the weights, loss {:.2} dB made up for{unreachable}",
                layer.linear.name,
                layer.linear.outputs(),
                layer.linear.inputs(),
                found.matrix_error,
                found.loss_db,
            );
            (found.matrix, headline)
        }
    };
    let notes = said.into_iter().map(|note| format!("note: {note}"));
    let said = std::iter::once(headline).chain(notes);
    Ok((matrix, said.collect()))
}

/// What to say about the phases of `found`, which is `mesh` on a chip.
fn phase_words(mesh: &Mesh, correct: Correct, found: &MeshOnChip) -> String {
    let of = |when| {
        let (unreachable, all) = (found.unreachable, mesh.nodes().len());
        format!("; {unreachable} of {all} MZIs could not be set exactly{when}")
    };
    match (correct, &found.configured) {
        (Correct::None, _) => String::new(),
        (Correct::Fit, _) => of(" before the fit"),
        (_, None) => of(""),
        (_, Some(done)) => of(&configured_words(done)),
    }
}

/// What to say of a self-configuration.
fn configured_words(done: &SelfConfiguration) -> String {
    let kept = match done.kept {
        Kept::Found => "",
        Kept::Before => "; kept what was set before, for nothing better was found",
        Kept::Perfect => "; kept phases for a perfect chip, for nothing better was found",
    };
    format!(
        "; {} pass{}, {} settings, {} readings{kept}",
        done.passes,
        if done.passes == 1 { "" } else { "es" },
        done.settings,
        done.readings
    )
}

pub fn apply(args: &ApplyArgs) -> Result<()> {
    output::write(&args.output, "npy", &[&args.file, &args.fields], || {
        output::check_differs("fields", &args.fields, &args.file, "the mesh")?;
        match args.precision {
            Precision::F32 => applied::<f32>(args),
            Precision::F64 => applied::<f64>(args),
        }
    })
}

/// What becomes of the fields.
fn applied<T: Real>(args: &ApplyArgs) -> Result<Vec<u8>>
where
    Complex<T>: Element,
{
    let on = &args.on;
    let is_ideal = on.chip.kind.hardware()? == Hardware::default() && on.correct == Correct::None;
    let compiled = Compiled::read(&output::source(&args.file)?)?;
    let source = output::source(&args.fields)?;
    let fields = npy::parse("fields", source.bytes()).and_then(|fields| {
        fields.check_finite("fields")?;
        fields.into_complex_matrix("fields")
    });
    let fields = output::in_file(&args.fields, fields)?;
    let through = match &compiled {
        Compiled::Mesh(mesh) if is_ideal && on.layer.is_none() => mesh.apply::<T>(fields.view()),
        _ => {
            let (matrix, said) = on_chip(&compiled, on)?;
            let through = apply_matrix(&matrix, fields.view());
            if !args.common.quiet && through.is_ok() {
                said.iter().for_each(|said| eprintln!("{said}"));
            }
            through
        }
    };
    output::npy(output::in_file(&args.fields, through)?.view())
}

pub fn draw(args: &DrawArgs) -> Result<()> {
    output::write(&args.output, "svg", &[&args.file], || {
        let Picked {
            mesh,
            title,
            path,
            program,
        } = pick_mesh(args)?;
        if args.show.is_none() && args.chip.kind != ChipArgs::ideal() {
            let what = "--hardware, --set and --seed";
            return Err(Error::format(what, "are of the chip that --show shows: give it").into());
        }
        let color = match (args.color, args.input) {
            _ if args.show.is_some() => {
                let name = args.show.as_deref().unwrap_or_default();
                shown(args, name, (&path, &mesh), program.as_ref())?
            }
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
        let svg = crate::report::draw(&mesh, &options)?;
        let mzis = mesh.nodes().len();
        if mzis > SPOKEN && !args.common.quiet {
            eprintln!(
                "note: of {mzis} MZIs, more than {SPOKEN}, each is a box alone, without its phases in words ({:.1} MB)",
                svg.len() as f64 / 1e6
            );
        }
        Ok(svg.into_bytes())
    })
}

/// The numbers of a quantity of the chip, MZI by MZI of a mesh, alone or of a program.
fn shown(
    args: &DrawArgs,
    name: &str,
    (path, mesh): (&str, &Mesh),
    program: Option<&Program>,
) -> Result<ColorBy> {
    let Some(quantity) = MeasuredQuantity::named(name) else {
        let names = MeasuredQuantity::ALL.map(MeasuredQuantity::name);
        return Err(Error::unknown("--show", name, &names).into());
    };
    let chip = args.chip.chip()?;
    let measured = match program {
        Some(program) => measured_of(program, &chip)?,
        None => chip.measured(mesh)?,
    };
    let values = measured.of_nodes(quantity, (path, mesh, chip.cell_kind()));
    if values.iter().all(Option::is_none) {
        let reason = "is of no MZI here: it is neither measured nor drawn on this hardware";
        return Err(Error::format(format!("--show {name}"), reason).into());
    }
    let name = name.to_owned();
    Ok(ColorBy::Quantity { name, values })
}

/// A mesh to be drawn.
struct Picked {
    mesh: Mesh,
    title: String,
    /// What the ids of its components begin with.
    path: String,
    /// The program that it is of, if it is of one.
    program: Option<Program>,
}

/// The mesh that the arguments name, and a title for it.
fn pick_mesh(args: &DrawArgs) -> Result<Picked> {
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
            return Ok(Picked {
                mesh,
                title: name.into_owned(),
                path: Mesh::PATH.to_owned(),
                program: None,
            });
        }
    };
    let layer = program.layer("--layer", args.layer.as_deref())?;
    let number = args.tile.unwrap_or(0);
    let meshes = output::in_file(&args.file, tile(layer, number)?.as_meshes())?;
    let (mesh, section, called) = match args.section.unwrap_or_default() {
        SectionArg::Input => (&meshes.input, Section::Input, "V†"),
        SectionArg::Output => (&meshes.output, Section::Output, "U"),
    };
    let layer = &layer.linear.name;
    Ok(Picked {
        title: format!("{name}: layer {layer}, tile {number}, {called}"),
        path: section.path(layer, number),
        mesh: mesh.clone(),
        program: Some(program),
    })
}

fn read_matrix(path: &Path) -> Result<Matrix> {
    let source = output::source(path)?;
    let array = source.parse(|bytes| npy::parse("matrix", bytes)?.into_complex_matrix("matrix"))?;
    Ok(from_array(array.view()))
}

/// A tile of a layer by its number.
fn tile<'a>(layer: Map<'a>, number: usize) -> Result<&'a Tile> {
    let count = layer.tiles.len();
    let tile = layer.tiles.get(number);
    tile.ok_or_else(|| Error::value("--tile", number, format!("a number below {count}")).into())
}
