//! Complex matrices of the compiler: products, singular values, Haar unitaries, distances.
//!
//! The matrices are `nalgebra`'s; products and singular values come from `faer`, which is several times
//! faster on complex matrices and yields the full `V` that a mesh needs (`benches/linalg.rs`).

mod unitary;

pub use unitary::{
    NearestUnitary, UNITARY_LIMIT, check_unitary, haar_orthogonal, haar_unitary, nearest_unitary,
    single_precision_limit, to_unitary, unitarity_error,
};

use faer::traits::Conjugate;
use faer::{Accum, Mat, MatMut, MatRef, Par};
use nalgebra::DMatrix;
use ndarray::{Array2, ArrayView2, LinalgScalar};
use num_complex::Complex;
use num_traits::Float;

use crate::error::{Error, Result};

/// A complex amplitude or matrix element in double precision.
pub type C64 = Complex<f64>;

/// A complex matrix, row = output mode, column = input mode.
pub type Matrix = DMatrix<C64>;

fn view(m: &Matrix) -> MatRef<'_, C64> {
    MatRef::from_column_major_slice(m.as_slice(), m.nrows(), m.ncols())
}

fn from_faer(m: MatRef<'_, C64>) -> Matrix {
    Matrix::from_fn(m.nrows(), m.ncols(), |row, col| m[(row, col)])
}

fn from_real(m: MatRef<'_, f64>) -> Matrix {
    Matrix::from_fn(m.nrows(), m.ncols(), |row, col| C64::from(m[(row, col)]))
}

/// The matrix of an array `[row, column]`.
pub fn from_array(array: ArrayView2<'_, C64>) -> Matrix {
    Matrix::from_fn(array.nrows(), array.ncols(), |row, col| array[[row, col]])
}

/// The product `a b`.
///
/// # Panics
/// If the inner dimensions differ.
pub fn product(a: &Matrix, b: &Matrix) -> Matrix {
    multiply(view(a), view(b))
}

/// The product `a† b`.
///
/// # Panics
/// If the inner dimensions differ.
pub fn adjoint_product(a: &Matrix, b: &Matrix) -> Matrix {
    multiply(view(a).adjoint(), view(b))
}

fn multiply<A: Conjugate<Canonical = C64>>(a: MatRef<'_, A>, b: MatRef<'_, C64>) -> Matrix {
    assert_eq!(
        a.ncols(),
        b.nrows(),
        "inner dimensions of a product must agree"
    );
    let mut out = Matrix::zeros(a.nrows(), b.ncols());
    let (rows, cols) = out.shape();
    faer::linalg::matmul::matmul(
        MatMut::from_column_major_slice_mut(out.as_mut_slice(), rows, cols),
        Accum::Replace,
        a,
        b,
        C64::new(1.0, 0.0),
        Par::Seq,
    );
    out
}

/// A full singular value decomposition `m = U diag(s) V†`.
#[derive(Debug, Clone)]
pub struct Svd {
    /// Left singular vectors, `[rows, rows]`, unitary.
    pub u: Matrix,
    /// Singular values, `min(rows, cols)` of them, not negative, descending.
    pub s: Vec<f64>,
    /// Adjoint of the right singular vectors, `[cols, cols]`, unitary.
    pub v_adjoint: Matrix,
}

/// The full singular value decomposition of `m`; singular vectors of a real matrix are real.
///
/// # Errors
/// [`Error::NotFinite`] if `m` holds NaN or an infinity, [`Error::Format`] if the iteration does not converge.
pub fn svd(m: &Matrix) -> Result<Svd> {
    check_finite("matrix", m)?;
    let failed = |_| not_converged();
    if is_real(m) {
        let svd = real_parts(m).svd().map_err(failed)?;
        return Ok(Svd {
            u: from_real(svd.U()),
            s: svd.S().column_vector().iter().copied().collect(),
            v_adjoint: from_real(svd.V().transpose()),
        });
    }
    let svd = view(m).svd().map_err(failed)?;
    let values = svd.S().column_vector().iter();
    Ok(Svd {
        u: from_faer(svd.U()),
        s: values.map(|value| value.re).collect(),
        v_adjoint: from_faer(svd.V()).adjoint(),
    })
}

/// The largest singular value of `m`, 0 of one without elements.
///
/// # Errors
/// As [`svd()`].
pub fn spectral_norm(m: &Matrix) -> Result<f64> {
    check_finite("matrix", m)?;
    let failed = |_| not_converged();
    let values = match is_real(m) {
        true => real_parts(m).singular_values().map_err(failed)?,
        false => view(m).singular_values().map_err(failed)?,
    };
    Ok(values.into_iter().fold(0.0, f64::max))
}

fn real_parts(m: &Matrix) -> Mat<f64> {
    Mat::from_fn(m.nrows(), m.ncols(), |row, col| m[(row, col)].re)
}

fn not_converged() -> Error {
    Error::format(
        "singular value decomposition",
        "it did not converge for this matrix",
    )
}

/// Whether every element of `m` is real.
pub fn is_real(m: &Matrix) -> bool {
    m.iter().all(|z| z.im == 0.0)
}

/// Fails on the first element of `m` that is NaN or infinite, and names it.
///
/// # Errors
/// [`Error::NotFinite`].
pub fn check_finite(what: &str, m: &Matrix) -> Result<()> {
    for col in 0..m.ncols() {
        for row in 0..m.nrows() {
            let value = m[(row, col)];
            if !(value.re.is_finite() && value.im.is_finite()) {
                let bad = if value.re.is_finite() {
                    value.im
                } else {
                    value.re
                };
                return Err(Error::NotFinite {
                    what: what.to_owned(),
                    index: format!("[{row}, {col}]"),
                    got: bad.to_string(),
                });
            }
        }
    }
    Ok(())
}

/// Fidelity of `u` to the unitary `target`, in [0, 1]: `|tr(target† u)|² / (N tr(u†u))`.
///
/// For a unitary `u` this is `|tr(target† u)|² / N²`; a global phase or a uniform loss does not lower it.
///
/// # Panics
/// If the shapes differ.
pub fn fidelity(u: &Matrix, target: &Matrix) -> f64 {
    assert_eq!(u.shape(), target.shape(), "fidelity needs equal shapes");
    let overlap: C64 = target.iter().zip(u).map(|(t, x)| t.conj() * x).sum();
    let power: f64 = u.iter().map(|x| x.norm_sqr()).sum();
    overlap.norm_sqr() / (u.nrows() as f64 * power)
}

/// Matrix error of `u` against `target`: `‖u − target‖_F / √N`.
///
/// # Panics
/// If the shapes differ.
pub fn matrix_error(u: &Matrix, target: &Matrix) -> f64 {
    assert_eq!(u.shape(), target.shape(), "matrix error needs equal shapes");
    (u - target).norm() / (u.nrows() as f64).sqrt()
}

/// The largest element of |a − b|.
///
/// # Panics
/// If the shapes differ.
pub fn max_abs_difference(a: &Matrix, b: &Matrix) -> f64 {
    assert_eq!(a.shape(), b.shape(), "a difference needs equal shapes");
    a.iter()
        .zip(b)
        .map(|(x, y)| (x - y).norm())
        .fold(0.0, f64::max)
}

/// `matrix` times every row of `samples`, `[sample, in]` → `[sample, out]`, at precision `T`.
///
/// # Errors
/// [`Error::Shape`] if there is not one amplitude an input, [`Error::Value`] if what comes out is not finite at precision `T`.
pub fn apply<T: Float + 'static>(
    matrix: &Matrix,
    samples: ArrayView2<'_, C64>,
) -> Result<Array2<Complex<T>>>
where
    Complex<T>: LinalgScalar,
{
    if samples.ncols() != matrix.ncols() {
        let limit = format!("[sample, {}], one amplitude an input", matrix.ncols());
        return Err(Error::shape("fields", samples.shape(), limit));
    }
    let number = |x: f64| T::from(x).unwrap_or_else(T::nan);
    let narrow = |z: C64| Complex::new(number(z.re), number(z.im));
    let turned = Array2::from_shape_fn((matrix.ncols(), matrix.nrows()), |(column, row)| {
        narrow(matrix[(row, column)])
    });
    let through = samples.mapv(narrow).dot(&turned);
    match through.iter().all(|z| z.re.is_finite() && z.im.is_finite()) {
        true => Ok(through),
        false => {
            let largest = samples.iter().fold(0.0, |most, z| z.norm().max(most));
            let limit = "small enough that what comes out is finite at this precision";
            Err(Error::value("fields", format!("up to {largest:e}"), limit))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Effect, Seed};
    use approx::assert_relative_eq;

    fn random(rows: usize, cols: usize) -> Matrix {
        let mut stream = Seed(1).stream(Effect::Haar, rows as u64, cols as u64, 0);
        Matrix::from_fn(rows, cols, |_, _| {
            C64::new(stream.standard_normal(), stream.standard_normal())
        })
    }

    #[test]
    fn products_agree_with_nalgebra() {
        let (a, b) = (random(5, 7), random(7, 3));
        assert!(max_abs_difference(&product(&a, &b), &(&a * &b)) < 1e-13);
        let c = random(5, 3);
        assert!(max_abs_difference(&adjoint_product(&a, &c), &(a.adjoint() * c)) < 1e-13);
    }

    #[test]
    fn the_spectral_norm_is_the_largest_singular_value() {
        // Singular values 3 and 1: a rotation of diag(3, 1), and i times it.
        let (sin, cos) = 0.3f64.sin_cos();
        let rotated =
            Matrix::from_row_slice(2, 2, &[3.0 * cos, -sin, 3.0 * sin, cos].map(C64::from));
        for m in [rotated.clone(), rotated.map(|z| z * C64::i())] {
            assert!((spectral_norm(&m).unwrap() - 3.0).abs() < 1e-14);
        }
        let wide = Matrix::from_fn(3, 50, |row, col| C64::new((row * col) as f64, 1.0));
        for m in [wide.clone(), wide.transpose()] {
            let expected = svd(&m).unwrap().s[0];
            assert!((spectral_norm(&m).unwrap() - expected).abs() < 1e-12 * expected);
        }
        assert!(spectral_norm(&Matrix::from_element(1, 1, C64::from(f64::NAN))).is_err());
    }

    #[test]
    fn full_svd_reproduces_wide_and_tall_matrices() {
        for (rows, cols) in [(1, 1), (4, 9), (9, 4), (6, 6)] {
            let m = random(rows, cols);
            let svd = svd(&m).unwrap();
            assert!(unitarity_error(&svd.u) < 1e-13 && unitarity_error(&svd.v_adjoint) < 1e-13);
            assert!(svd.s.is_sorted_by(|a, b| a >= b) && svd.s.iter().all(|s| *s >= 0.0));
            let mut sigma = Matrix::zeros(rows, cols);
            for (i, s) in svd.s.iter().enumerate() {
                sigma[(i, i)] = C64::from(*s);
            }
            assert!(max_abs_difference(&(svd.u * sigma * svd.v_adjoint), &m) < 1e-13);
        }
    }

    #[test]
    fn singular_vectors_of_a_real_matrix_are_real() {
        for (rows, cols) in [(4, 9), (9, 4), (6, 6)] {
            let m = random(rows, cols).map(|z| C64::from(z.re));
            let svd = svd(&m).unwrap();
            assert!(is_real(&svd.u) && is_real(&svd.v_adjoint) && !is_real(&random(2, 2)));
            let mut inner = svd.v_adjoint.rows(0, svd.s.len()).into_owned();
            for (mut row, s) in inner.row_iter_mut().zip(&svd.s) {
                row *= C64::from(*s);
            }
            let whole = svd.u.columns(0, svd.s.len()) * inner;
            assert!(max_abs_difference(&whole, &m) < 1e-13);
        }
    }

    #[test]
    fn fidelity_ignores_global_phase_and_uniform_loss() {
        let u = haar_unitary(6, &mut Seed(5).stream(Effect::Haar, 0, 0, 0));
        let lossy = &u * C64::from_polar(0.3, 1.1);
        assert_relative_eq!(fidelity(&lossy, &u), 1.0, epsilon = 1e-13);
        assert_relative_eq!(
            matrix_error(&(&u * C64::from(0.9)), &u),
            0.1,
            epsilon = 1e-13
        );
    }
}
