//! The first mesh of a program, as it is asked for and as a drawn chip makes it.

use crate::compile::Meshes;
use crate::error::Result;
use crate::hardware::{Chip, Placed};
use crate::io::record::Cell;
use crate::linalg::C64;
use crate::mesh::{CellKind, Correction};
use crate::processor::set_meshes;
use crate::report::drawing::{ColorBy, DrawOptions, draw};
use crate::report::plot::figure::Figure;
use crate::report::plot::table::Table;
use crate::report::sweep::choice::place;
use crate::report::sweep::results::{PointTrials, Results};

/// What one MZI of a chip does wrong.
pub(crate) struct Errors {
    /// One a node.
    pub errors: Vec<f64>,
    /// What it measures.
    pub meaning: &'static str,
}

/// How far every MZI of a tile's first mesh is from what is asked of it, on `chip`.
///
/// Without a correction, and in plain MZIs, that is ‖T − T₀‖_F / √2 of the 2×2 matrix. A correction moves phases from one
/// MZI to the next, and other cells have phases of their own: there it is the difference of the amplitudes that go straight
/// on, ||T₁₁| − |T₀₁₁||.
pub(crate) fn errors(tile: &Meshes, chip: &Chip, correction: Correction) -> Errors {
    let real = set_meshes(tile, chip, Placed::MESH, correction).input;
    let ideal = tile.input.coefficients();
    let (real, ideal) = (real.matrices(), ideal.matrices());
    let pairs = real.iter().zip(ideal.iter());
    if correction == Correction::None && chip.cell_kind() == CellKind::Mzi {
        let distance = |a: &[C64; 4], b: &[C64; 4]| {
            let squares = a.iter().zip(b).map(|(a, b)| (a - b).norm_sqr());
            (squares.sum::<f64>() / 2.0).sqrt()
        };
        return Errors {
            errors: pairs.map(|(a, b)| distance(&a, &b)).collect(),
            meaning: "‖T − T₀‖ / √2 of every MZI’s 2×2 matrix, Frobenius norm",
        };
    }
    Errors {
        errors: pairs
            .map(|(a, b)| (a[0].norm() - b[0].norm()).abs())
            .collect(),
        meaning: "difference of the amplitudes that go straight on through an MZI, ||T₁₁| − |T₀₁₁||, which no phase hides",
    }
}

/// The mesh of V† of the first tile: by phase, and by error on the drawn chip of trial 0 at `focus`.
pub(crate) fn figures(
    results: &Results,
    focus: &PointTrials,
    tile: &Meshes,
    chip: &Chip,
    correction: Correction,
) -> Result<[Figure; 2]> {
    let mesh = &tile.input;
    let found = errors(tile, chip, correction);
    let mut table = Table::new([
        "mzi",
        "column",
        "top",
        "bottom",
        "theta_rad",
        "phi_rad",
        "error",
    ]);
    for (index, node) in mesh.nodes().iter().enumerate() {
        let counts = [index, node.column, node.top, node.bottom].map(Cell::from);
        let mut row = counts.to_vec();
        row.extend([mesh.theta()[index], mesh.phi()[index], found.errors[index]].map(Cell::from));
        table.push(row);
    }
    // The size is headline enough: the page names the figure.
    let drawn = |color| draw(mesh, &DrawOptions { color, title: None });
    let layers = results.reference(focus).map(|reference| &reference.layers);
    let layer = layers.and_then(|layers| layers.first());
    let layer = layer.map_or("0", |layer| layer.name.as_str());
    let title = format!("First mesh of layer {layer}: what it is asked to do");
    let mut phase = Figure::new(
        "mesh-phase".to_owned(),
        title,
        "The mesh of V† of the layer’s first tile. Light enters on the left. Colour: internal phase θ; dark MZIs let light \
         cross, bright ones let it pass straight on."
            .to_owned(),
        drawn(ColorBy::Theta)?,
        table.clone(),
    );
    let title = format!("First mesh of layer {layer}: where the chip of trial 0 errs");
    let caption = format!(
        "The same mesh on the drawn chip with {}. Colour: {}.",
        place(results, focus),
        found.meaning
    );
    let svg = drawn(ColorBy::Error(found.errors))?;
    let mut error = Figure::new("mesh-error".to_owned(), title, caption, svg, table);
    // Small meshes fit beside each other.
    let is_wide = mesh.columns() > 10;
    (phase.is_wide, error.is_wide) = (is_wide, is_wide);
    Ok([phase, error])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hardware::Hardware;
    use crate::mesh::{Geometry, Mesh};
    use crate::rng::{Effect, Seed};

    fn tile(modes: usize) -> Meshes {
        let haar = |unit| {
            let mut stream = Seed(7).stream(Effect::Haar, 0, unit, 0);
            Mesh::haar(Geometry::Clements, modes, &mut stream).unwrap()
        };
        Meshes {
            input: haar(0),
            attenuators: vec![1.0; modes],
            output: haar(1),
        }
    }

    fn errors_with(tile: &Meshes, key: &str, value: &str, correction: Correction) -> Vec<f64> {
        let hardware = Hardware::default().with(key, value).unwrap();
        errors(tile, &hardware.fabricate(Seed(0), 0), correction).errors
    }

    #[test]
    fn a_perfect_chip_has_no_error_of_either_kind() {
        let tile = tile(8);
        for correction in [Correction::None, Correction::Local] {
            let found = errors_with(&tile, "coupler.splitting_error_rad", "0", correction);
            assert!(found.len() == 28 && found.iter().all(|error| *error < 1e-12));
        }
    }

    /// To first order δT = i (β X T + α T X), whose squared norm is 2 (α² + β² + 2 α β cos θ): on average 4 σ², half of which
    /// is the square of the error. For 2016 MZIs the root of the mean is known to some 2 %.
    #[test]
    fn splitting_errors_of_sigma_give_errors_of_sqrt_2_sigma() {
        let found = errors_with(
            &tile(64),
            "coupler.splitting_error_rad",
            "0.01",
            Correction::None,
        );
        let squares: f64 = found.iter().map(|error| error * error).sum();
        let root = (squares / found.len() as f64).sqrt();
        assert!((root / (2f64.sqrt() * 0.01) - 1.0).abs() < 0.1, "{root}");
    }

    #[test]
    fn corrected_mzis_err_only_where_no_phase_could_set_them() {
        let tile = tile(32);
        let hardware = Hardware::default()
            .with("coupler.splitting_error_rad", "0.05")
            .unwrap();
        let chip = hardware.fabricate(Seed(0), 0);
        let cells = chip.cells(Placed::MESH, tile.input.nodes().len());
        let unreachable = tile.input.corrected(Correction::Local, &cells).unreachable;
        let found = errors(&tile, &chip, Correction::Local).errors;
        let wrong = found.iter().filter(|error| **error > 1e-9).count();
        assert!(
            unreachable > 0 && wrong == unreachable,
            "{wrong}, {unreachable}"
        );
    }
}
