//! One matrix → one tile of the chip: `W = s · U diag(a) V†`.

use std::f64::consts::FRAC_PI_2;

use crate::error::Result;
use crate::linalg::{C64, Matrix, adjoint_product, svd};
use crate::mesh::{Geometry, Mesh, closest};

/// A matrix as two meshes with attenuators between them.
///
/// The first `attenuators.len()` modes of the two meshes are joined; a mode of the larger mesh beyond them, and
/// every ancilla, ends in the dark.
#[derive(Debug, Clone, PartialEq)]
pub struct Tile {
    /// First row of the layer's matrix that the tile covers.
    pub row: usize,
    /// First column of the layer's matrix that the tile covers.
    pub col: usize,
    /// Rows covered; the output mesh may have more modes.
    pub rows: usize,
    /// Columns covered; the input mesh may have more modes.
    pub cols: usize,
    /// Digital scale `s`: the largest singular value, or what stands for it in a butterfly.
    pub scale: f64,
    /// Mesh of V†. Its screen also undoes the phase that each attenuator adds.
    pub input: Mesh,
    /// Internal phases of the attenuators, rad: the bar port of an MZI passes `a = sin(θ/2)`.
    pub attenuators: Vec<f64>,
    /// Mesh of U.
    pub output: Mesh,
}

/// Compiles `weight` into meshes of `input_modes` and `output_modes` modes.
///
/// Rows and columns beyond the matrix are padding: they carry no light. A butterfly comes as close to U and to V†
/// as it can, then the attenuators make the best of both; what is missing is an error of the tile's matrix.
pub(super) fn compile_tile(
    weight: &Matrix,
    (row, col): (usize, usize),
    (output_modes, input_modes): (usize, usize),
    geometry: Geometry,
) -> Result<Tile> {
    let (rows, cols) = weight.shape();
    let svd = svd(weight)?;
    let joined = output_modes.min(input_modes);
    let mut input = closest(&padded(svd.v_adjoint, input_modes), geometry)?.mesh;
    let output = closest(&padded(svd.u, output_modes), geometry)?.mesh;
    let factors: Vec<C64> = if geometry.is_universal() {
        let given = svd.s.into_iter().map(C64::from);
        given
            .chain(std::iter::repeat(C64::ZERO))
            .take(joined)
            .collect()
    } else {
        best_factors(weight, joined, &output, &input)
    };
    let scale = factors
        .iter()
        .map(|factor| factor.norm())
        .fold(0.0, f64::max);
    let attenuators: Vec<f64> = factors
        .iter()
        .map(|factor| match scale > 0.0 {
            true => 2.0 * (factor.norm() / scale).min(1.0).asin(),
            false => 0.0,
        })
        .collect();
    for ((screen, theta), factor) in input.screen.iter_mut().zip(&attenuators).zip(&factors) {
        *screen = crate::mesh::wrap(*screen - attenuator_phase(*theta) + factor.arg());
    }
    Ok(Tile {
        row,
        col,
        rows,
        cols,
        scale,
        input,
        attenuators,
        output,
    })
}

/// The factors between two meshes that are not quite U and V† which make ‖weight − U diag(d) V†‖ smallest:
/// d_k = u_k† weight v_k, because the products u_k v_k† are orthonormal.
fn best_factors(weight: &Matrix, joined: usize, output: &Mesh, input: &Mesh) -> Vec<C64> {
    let (rows, cols) = weight.shape();
    let u = output.transfer().view((0, 0), (rows, joined)).into_owned();
    let v_adjoint = input.transfer().view((0, 0), (joined, cols)).into_owned();
    let inner = adjoint_product(&u, weight);
    let factor = |mode| inner.row(mode).dotc(&v_adjoint.row(mode)).conj();
    (0..joined).map(factor).collect()
}

/// Phase of the bar port of an MZI at `theta`, rad: T₁₁ = i e^{iθ/2} sin(θ/2).
fn attenuator_phase(theta: f64) -> f64 {
    FRAC_PI_2 + theta / 2.0
}

/// `unitary` on the first modes, nothing on the others.
fn padded(unitary: Matrix, modes: usize) -> Matrix {
    if unitary.nrows() == modes {
        return unitary;
    }
    let mut whole = Matrix::identity(modes, modes);
    whole.view_mut((0, 0), unitary.shape()).copy_from(&unitary);
    whole
}

impl Tile {
    /// The matrix that the tile realizes on a perfect chip, `[rows, cols]`.
    pub fn matrix(&self) -> Matrix {
        let joined = self.attenuators.len();
        let mut inner = self.input.transfer().rows(0, joined).into_owned();
        for (mut row, theta) in inner.row_iter_mut().zip(&self.attenuators) {
            row *= crate::mesh::Mzi::ideal(*theta, 0.0).matrix()[0] * C64::from(self.scale);
        }
        let outer = self.output.transfer().columns(0, joined).into_owned();
        crate::linalg::product(&outer, &inner)
            .view((0, 0), (self.rows, self.cols))
            .into_owned()
    }

    /// Number of MZIs, attenuators included.
    pub fn mzis(&self) -> usize {
        self.input.nodes().len() + self.attenuators.len() + self.output.nodes().len()
    }

    /// Number of phase shifters, attenuators included.
    pub fn phase_shifters(&self) -> usize {
        self.input.phase_shifters() + self.attenuators.len() + self.output.phase_shifters()
    }

    /// MZIs that light meets on its way through the tile, averaged over the modes.
    pub fn mean_depth(&self) -> f64 {
        self.input.mean_depth() + 1.0 + self.output.mean_depth()
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;
    use crate::linalg::max_abs_difference;
    use crate::rng::{Effect, Seed};

    fn random(rows: usize, cols: usize) -> Matrix {
        let mut stream = Seed(4).stream(Effect::Haar, rows as u64, cols as u64, 0);
        Matrix::from_fn(rows, cols, |_, _| C64::from(stream.standard_normal()))
    }

    fn check(weight: &Matrix, modes: (usize, usize)) -> Tile {
        let geometries = [
            Geometry::Diamond,
            Geometry::Redundant { extra: 2 },
            Geometry::Clements,
        ];
        let mut tiles = geometries.map(|geometry| {
            let tile = compile_tile(weight, (0, 0), modes, geometry).unwrap();
            let size = weight.norm().max(1.0);
            assert!(max_abs_difference(&tile.matrix(), weight) < 1e-13 * size);
            let mut thetas = tile.attenuators.iter();
            assert!(thetas.all(|theta| (0.0..=PI).contains(theta)));
            assert_eq!((tile.output.ports(), tile.input.ports()), modes);
            Some(tile)
        });
        tiles[2].take().unwrap()
    }

    /// The singular vectors of a diagonal are an identity, which is a butterfly; those of a random matrix are not.
    #[test]
    fn a_butterfly_tile_is_as_exact_as_its_singular_vectors() {
        let error = |weight: &Matrix| {
            let tile = compile_tile(weight, (0, 0), (8, 8), Geometry::Butterfly).unwrap();
            let size = weight.norm() / 8f64.sqrt();
            (&tile.matrix() - weight).norm() / (8f64.sqrt() * size)
        };
        let diagonal = Matrix::from_fn(8, 8, |r, c| {
            C64::from(if r == c { 8.0 - r as f64 } else { 0.0 })
        });
        assert!(error(&diagonal) < 1e-12);
        // Best factors never leave more than the weight itself.
        let missing = error(&random(8, 8));
        assert!(missing > 0.1 && missing < 1.0, "{missing}");
    }

    #[test]
    fn tiles_hold_square_wide_tall_and_padded_matrices() {
        for (rows, cols) in [(1, 1), (5, 5), (3, 9), (9, 3)] {
            let weight = random(rows, cols);
            check(&weight, (rows, cols));
            check(&weight, (9, 9));
        }
    }

    #[test]
    fn tiles_hold_zero_rows_rank_deficient_and_all_zero_matrices() {
        let mut weight = random(6, 4);
        weight.row_mut(2).fill(C64::from(0.0));
        check(&weight, (6, 4));
        let (column, row) = (random(6, 1), random(1, 4));
        check(&(column * row), (8, 8));
        let tile = check(&Matrix::zeros(3, 5), (5, 5));
        assert_eq!(tile.scale, 0.0);
    }

    /// N² phases a mesh, and min(rows, cols) attenuators.
    #[test]
    fn a_tile_counts_its_parts() {
        let tile = check(&random(3, 5), (3, 5));
        assert_eq!(tile.mzis(), 3 + 3 + 10);
        assert_eq!(tile.phase_shifters(), 9 + 3 + 25);
        assert!((tile.mean_depth() - (2.0 + 1.0 + 4.0)).abs() < 1e-15);
    }
}
