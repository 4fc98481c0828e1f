//! Commands on one mesh.

use std::path::Path;

use anyhow::Result;
use ndarray::{Array2, ArrayView2};
use num_complex::Complex;

use super::args::{
    ApplyArgs, ChipArgs, ColorArg, DecomposeArgs, DrawArgs, MatrixArgs, Precision, SectionArg,
};
use super::output;
use crate::compile::Program;
use crate::error::Error;
use crate::field::{Fields, Real};
use crate::hardware::Hardware;
use crate::io::npy;
use crate::linalg::{C64, Matrix, max_abs_difference};
use crate::mesh::{Mesh, decompose as decompose_matrix};
use crate::report::{ColorBy, DrawOptions};
use crate::rng::Seed;

pub fn decompose(args: &DecomposeArgs) -> Result<()> {
    output::write(&args.output, |writer| {
        let matrix = read_matrix(&args.matrix)?;
        let mesh = output::in_file(&args.matrix, decompose_matrix(&matrix, args.geometry))?;
        writer.write_all(mesh.to_json().as_bytes())?;
        if !args.common.quiet {
            eprintln!(
                "{} modes, {} MZIs, {} columns; max |U - U'| = {:.1e}",
                mesh.modes(),
                mesh.nodes().len(),
                mesh.columns(),
                max_abs_difference(&mesh.transfer(), &matrix)
            );
        }
        Ok(())
    })
}

pub fn matrix(args: &MatrixArgs) -> Result<()> {
    output::write(&args.output, |writer| {
        let mesh = read_mesh(&args.mesh)?;
        let chip = hardware(&args.chip)?.fabricate(Seed(args.chip.seed), args.trial);
        let u = chip.transfer(&mesh);
        let rows = Array2::from_shape_fn(u.shape(), |(row, col)| u[(row, col)]);
        npy::write(writer, rows.view())?;
        if !args.common.quiet {
            let ideal = mesh.transfer();
            eprintln!(
                "{} modes; seed {}, trial {}; matrix error {:.4}, fidelity {:.6} against the ideal mesh",
                mesh.modes(),
                args.chip.seed,
                args.trial,
                crate::linalg::matrix_error(&u, &ideal),
                crate::linalg::fidelity(&u, &ideal)
            );
        }
        Ok(())
    })
}

pub fn apply(args: &ApplyArgs) -> Result<()> {
    output::write(&args.output, |writer| {
        let mesh = read_mesh(&args.mesh)?;
        let input = npy::parse("fields", &output::read(&args.fields)?);
        let input = output::in_file(&args.fields, input)?;
        let input = output::in_file(&args.fields, input.into_complex_matrix("fields"))?;
        if input.ncols() != mesh.modes() {
            let limit = format!("[sample, {}], as the mesh has modes", mesh.modes());
            let error = Error::shape("fields", input.shape(), limit);
            return output::in_file(&args.fields, Err(error));
        }
        match args.precision {
            Precision::F32 => npy::write(writer, walk::<f32>(&mesh, input.view()).view())?,
            Precision::F64 => npy::write(writer, walk::<f64>(&mesh, input.view()).view())?,
        }
        Ok(())
    })
}

/// Fields `[sample, mode]` through a mesh, `[sample, mode]`.
fn walk<T: Real>(mesh: &Mesh, input: ArrayView2<C64>) -> Array2<Complex<T>> {
    let planar = |part: fn(&C64) -> f64| {
        let part = input.t().map(|z| T::of(part(z)));
        part.as_standard_layout().into_owned()
    };
    let mut fields = Fields {
        re: planar(|z| z.re),
        im: planar(|z| z.im),
    };
    mesh.coefficients().walk(&mut fields);
    Array2::from_shape_fn(input.dim(), |(sample, mode)| {
        Complex::new(fields.re[[mode, sample]], fields.im[[mode, sample]])
    })
}

pub fn draw(args: &DrawArgs) -> Result<()> {
    output::write(&args.output, |writer| {
        let (mesh, title) = pick_mesh(args)?;
        let color = match args.color {
            ColorArg::Theta => ColorBy::Theta,
            ColorArg::Phi => ColorBy::Phi,
            ColorArg::Light => ColorBy::light_in(args.input, mesh.modes())?,
        };
        let options = DrawOptions {
            color,
            title: Some(title),
        };
        writer.write_all(crate::report::draw(&mesh, &options)?.as_bytes())?;
        Ok(())
    })
}

/// The mesh that the arguments name, and a title for it.
fn pick_mesh(args: &DrawArgs) -> Result<(Mesh, String)> {
    let name = args.file.file_name().unwrap_or(args.file.as_os_str());
    let name = name.to_string_lossy();
    if !is_program_path(&args.file) {
        return Ok((read_mesh(&args.file)?, name.into_owned()));
    }
    let program = Program::load(&args.file)?;
    let pick = |what: &str, index: usize, count: usize| {
        Error::value(what, index, format!("a number below {count}"))
    };
    let layers = program.tiles();
    let tiles = layers
        .get(args.layer)
        .ok_or_else(|| pick("--layer", args.layer, layers.len()))?;
    let tile = tiles
        .get(args.tile)
        .ok_or_else(|| pick("--tile", args.tile, tiles.len()))?;
    let (mesh, section) = match args.section {
        SectionArg::Input => (&tile.input, "V†"),
        SectionArg::Output => (&tile.output, "U"),
    };
    let layer = &program.model().layers[args.layer].name;
    let title = format!("{name}: layer {layer}, tile {}, {section}", args.tile);
    Ok((mesh.clone(), title))
}

/// Programs are safetensors files; meshes are JSON.
pub(super) fn is_program_path(path: &Path) -> bool {
    crate::io::extension(path) == "safetensors"
}

pub(super) fn read_mesh(path: &Path) -> Result<Mesh> {
    let bytes = output::read(path)?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| Error::format("mesh", "is not UTF-8 text: must be a mesh file in JSON"));
    output::in_file(path, text.and_then(Mesh::from_json))
}

fn read_matrix(path: &Path) -> Result<Matrix> {
    let parsed = npy::parse("matrix", &output::read(path)?)
        .and_then(|tensor| tensor.into_complex_matrix("matrix"));
    let array = output::in_file(path, parsed)?;
    Ok(Matrix::from_fn(array.nrows(), array.ncols(), |row, col| {
        array[[row, col]]
    }))
}

/// The hardware that `--hardware` and `--set` describe.
pub(super) fn hardware(args: &ChipArgs) -> Result<Hardware> {
    hardware_with(&args.hardware, &args.set)
}

pub(super) fn hardware_with(name: &str, settings: &[String]) -> Result<Hardware> {
    let mut hardware = Hardware::open(name)?;
    for setting in settings {
        let Some((key, value)) = setting.split_once('=') else {
            return Err(Error::value("--set", setting, "key=value").into());
        };
        hardware = hardware.with(key.trim(), value.trim())?;
    }
    Ok(hardware)
}
