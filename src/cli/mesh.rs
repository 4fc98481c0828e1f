//! Commands on one mesh.

use std::path::Path;

use anyhow::Result;
use ndarray::Array2;

use super::args::{
    ApplyArgs, ChipArgs, ColorArg, Correct, DecomposeArgs, DrawArgs, MatrixArgs, SectionArg,
};
use super::open::{self, Compiled};
use super::output;
use crate::error::Error;
use crate::field::Precision;
use crate::hardware::{Chip, Hardware, Kept, Laboratory};
use crate::io::npy;
use crate::linalg::{
    Matrix, check_finite, from_array, max_abs_difference, to_unitary, unitarity_error,
};
use crate::mesh::{Correction, Mesh, closest};
use crate::processor::{Reading, detector_noise, full_scale_power_w};
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
    output::write(&args.output, "npy", &[&args.mesh], || {
        let mesh = open::mesh(&args.mesh)?;
        let hardware = hardware(&args.chip)?;
        let notes = notes(&hardware);
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

/// Noise of receivers that read both quadratures of light that `modes` outputs share: that of the readout's keys,
/// relative to the amplitude of an input of full scale.
fn receiver_noise(hardware: &Hardware, modes: usize) -> f64 {
    let full_scale_w = full_scale_power_w(hardware, modes);
    let noise = detector_noise(hardware, Reading::Quadratures, full_scale_w);
    (noise.constant + noise.slope / modes as f64).sqrt()
}

pub fn apply(args: &ApplyArgs) -> Result<()> {
    output::write(&args.output, "npy", &[&args.mesh, &args.fields], || {
        output::check_differs("fields", &args.fields, &args.mesh, "the mesh")?;
        let mesh = open::mesh(&args.mesh)?;
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
