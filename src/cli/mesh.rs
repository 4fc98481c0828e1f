//! Commands on one mesh.

use std::path::Path;

use anyhow::Result;
use ndarray::{Array2, ArrayView2};
use num_complex::Complex;

use super::args::{
    ApplyArgs, ChipArgs, ColorArg, Correct, DecomposeArgs, DrawArgs, MatrixArgs, OnChipArgs,
    SectionArg,
};
use super::open::{self, Compiled};
use super::output;
use crate::error::Error;
use crate::field::{Precision, Real};
use crate::hardware::{Chip, Hardware, Kept};
use crate::io::npy::{self, Element};
use crate::linalg::{
    C64, Matrix, check_finite, from_array, max_abs_difference, to_unitary, unitarity_error,
};
use crate::mesh::{Correction, Mesh, closest};
use crate::processor::{idle_words, map_on_chip, self_configured};
use crate::report::{ColorBy, DrawOptions};
use crate::rng::Seed;

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
        let (matrix, said) = on_chip(&open::compiled(&args.file)?, &args.on)?;
        if !args.common.quiet {
            said.iter().for_each(|said| eprintln!("{said}"));
        }
        let rows = Array2::from_shape_fn(matrix.shape(), |(row, col)| matrix[(row, col)]);
        output::npy(rows.view())
    })
}

/// The matrix of a mesh, or of a layer of a program, on a chip, and what to say of it.
fn on_chip(compiled: &Compiled, on: &OnChipArgs) -> Result<(Matrix, Vec<String>)> {
    let hardware = hardware(&on.chip)?;
    let mut said = notes(&hardware);
    let chip = hardware.fabricate(Seed(on.chip.seed), on.trial);
    let which = format!("seed {}, trial {}", on.chip.seed, on.trial);
    let (matrix, headline) = match compiled {
        Compiled::Mesh(mesh) => {
            if let Some(layer) = &on.layer {
                let limit = "left out: this is a mesh, not a program";
                return Err(Error::value("--layer", layer, limit).into());
            }
            let (u, done) = program(chip, mesh, on.correct)?;
            let u = mesh.between_ports(&u);
            check_finite("transfer matrix", &u)?;
            let ideal = mesh.between_ports(&mesh.transfer());
            let headline = format!(
                "{} modes; {which}; matrix error {:.3e}, fidelity {:.6} against the ideal mesh{done}",
                mesh.ports(),
                crate::linalg::matrix_error(&u, &ideal),
                crate::linalg::fidelity(&u, &ideal)
            );
            (u, headline)
        }
        Compiled::Program(program) => {
            let correction = on.correct.correction().ok_or_else(|| {
                let limit =
                    "none, local, progressive or fit for a layer: only a mesh configures itself";
                Error::value("--correct", "self-configure", limit)
            })?;
            said.extend(idle_words(program, &hardware));
            let layer = open::layer(program, on.layer.as_deref())?;
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

/// The matrix of `mesh` on `chip`, and what to say about its phases.
fn program(chip: Chip, mesh: &Mesh, correct: Correct) -> Result<(Matrix, String)> {
    let correction = match correct.correction() {
        Some(Correction::None) => return Ok((chip.transfer(mesh), String::new())),
        Some(correction) => correction,
        None => {
            let (matrix, done) = self_configured(mesh, chip)?;
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
            return Ok((matrix, said));
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
    let is_ideal = hardware(&on.chip)? == Hardware::default() && on.correct == Correct::None;
    let compiled = open::compiled(&args.file)?;
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
            if !args.common.quiet {
                said.iter().for_each(|said| eprintln!("{said}"));
            }
            apply_matrix::<T>(&matrix, fields.view())
        }
    };
    output::npy(output::in_file(&args.fields, through)?.view())
}

/// `matrix` times every row of `fields`, `[sample, in]` → `[sample, out]`.
fn apply_matrix<T: Real>(
    matrix: &Matrix,
    fields: ArrayView2<'_, C64>,
) -> crate::Result<Array2<Complex<T>>> {
    if fields.ncols() != matrix.ncols() {
        let limit = format!("[sample, {}], one amplitude an input", matrix.ncols());
        return Err(Error::shape("fields", fields.shape(), limit));
    }
    let narrow = |z: C64| Complex::new(T::of(z.re), T::of(z.im));
    let (columns, rows) = (matrix.ncols(), matrix.nrows());
    let turned = Array2::from_shape_fn((columns, rows), |(column, row)| {
        narrow(matrix[(row, column)])
    });
    let through = fields.mapv(narrow).dot(&turned);
    match through.iter().all(|z| z.re.is_finite() && z.im.is_finite()) {
        true => Ok(through),
        false => {
            let largest = fields.iter().fold(0.0, |most, z| z.norm().max(most));
            let limit = "small enough that what leaves the chip is finite at this precision";
            Err(Error::value("fields", format!("up to {largest:e}"), limit))
        }
    }
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
    let program = match open::compiled(&args.file)? {
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
    let layer = open::layer(&program, args.layer.as_deref())?;
    let number = args.tile.unwrap_or(0);
    let meshes = open::tile(layer, number)?.as_meshes()?;
    let (mesh, section) = match args.section.unwrap_or_default() {
        SectionArg::Input => (&meshes.input, "V†"),
        SectionArg::Output => (&meshes.output, "U"),
    };
    let layer = &layer.linear.name;
    let title = format!("{name}: layer {layer}, tile {number}, {section}");
    Ok((mesh.clone(), title))
}

fn read_matrix(path: &Path) -> Result<Matrix> {
    let source = output::source(path)?;
    let array = source.parse(|bytes| npy::parse("matrix", bytes)?.into_complex_matrix("matrix"))?;
    Ok(from_array(array.view()))
}

/// The hardware that `--hardware` and `--set` describe.
pub(super) fn hardware(args: &ChipArgs) -> Result<Hardware> {
    hardware_with(&args.hardware, &args.set)
}

pub(super) fn hardware_with(name: &str, settings: &[String]) -> Result<Hardware> {
    let mut hardware = open::hardware(name)?;
    for setting in settings {
        let Some((key, value)) = setting.split_once('=') else {
            return Err(Error::value("--set", setting, "key=value").into());
        };
        hardware = hardware.with(key.trim(), value.trim())?;
    }
    Ok(hardware)
}

/// What is worth saying of hardware that is allowed and hardly meant.
pub(super) fn notes(hardware: &Hardware) -> Vec<String> {
    let shifter = hardware.phase_shifter();
    [
        ("phase_error_rad", shifter.phase_error_rad),
        ("offset_rad", shifter.offset_rad),
    ]
    .into_iter()
    .filter(|(_, error_rad)| *error_rad > std::f64::consts::TAU)
    .map(|(key, error_rad)| {
        format!(
            "phase_shifter.{key} = {error_rad}: more than a turn (6.28 rad) is noise, every phase is as likely as any other"
        )
    })
    .collect()
}
