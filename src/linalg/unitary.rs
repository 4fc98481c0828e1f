//! Unitary matrices: how far a matrix is from one, the nearest one, and random ones.

use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::{Accum, Mat, MatMut, Par};

use super::{C64, Matrix, Svd, check_finite, from_faer, from_real, product, svd, view};
use crate::error::{Error, Result};
use crate::rng::Stream;

/// Largest element of |U†U − 1| that is accepted as unitary.
///
/// A matrix that went through single precision misses it by 1e-8 and more: [`to_unitary`] takes the unitary that is
/// nearest to such a one, and says how far it is. Nothing is repaired in silence.
pub const UNITARY_LIMIT: f64 = 1e-9;

/// Largest element of |U†U − 1| that single precision explains in a unitary of `modes`: 1e-6·√N.
///
/// Each of the N steps of a computation adds an error of some 2⁻²⁴ = 6e-8 of its own, and independent errors add up as
/// their root: so the √N, with 17·2⁻²⁴ in front of it. Unitaries of N = 16 to 512 that were rounded to single precision
/// miss unitarity by 5e-8 at most; the Q of a Householder QR in that precision by 4e-7 to 7e-7, all MZIs of a rectangle
/// multiplied out by 7e-7 to 1.7e-6, a product of N/4 unitaries by 1e-6 to 2.5e-6.
pub fn single_precision_limit(modes: usize) -> f64 {
    1e-6 * (modes as f64).sqrt()
}

/// Fails unless `u` is a unitary of at least one mode.
///
/// # Errors
/// [`Error::Shape`] if `u` is empty or not square, [`Error::NotFinite`] if it holds NaN or an infinity,
/// [`Error::NotUnitary`] if it misses unitarity by more than [`UNITARY_LIMIT`].
pub fn check_unitary(what: &str, u: &Matrix) -> Result<()> {
    let got = checked_unitarity_error(what, u)?;
    check_limit(what, got, UNITARY_LIMIT)
}

/// |U†U − 1| of what can be a unitary at all: square, of at least one mode, finite.
fn checked_unitarity_error(what: &str, u: &Matrix) -> Result<f64> {
    if u.nrows() != u.ncols() || u.is_empty() {
        return Err(Error::shape(
            what,
            [u.nrows(), u.ncols()],
            "square, of at least one mode",
        ));
    }
    check_finite(what, u)?;
    Ok(unitarity_error(u))
}

fn check_limit(what: &str, got: f64, limit: f64) -> Result<()> {
    if got > limit {
        return Err(Error::NotUnitary {
            what: what.to_owned(),
            got,
            limit,
        });
    }
    Ok(())
}

/// A unitary and how far the matrix is from it that it stands for.
#[derive(Debug, Clone, PartialEq)]
pub struct NearestUnitary {
    /// The unitary, `[modes, modes]`.
    pub unitary: Matrix,
    /// Spectral norm of the difference: of no field of power 1 does the output move by more. 0 where the matrix is taken as
    /// it is.
    pub distance: f64,
}

/// The unitary nearest to `m`: its polar factor W V† of the singular value decomposition m = W diag(s) V†.
///
/// It is nearest in every unitarily invariant norm; its distance in the spectral norm is max |s − 1|. Of a singular matrix
/// it is one of many.
///
/// Fan, Hoffman, Proc. AMS 6, 111 (1955).
///
/// # Errors
/// [`Error::Shape`] if `m` is empty or not square, and those of [`svd()`].
///
/// ```
/// use lightloom::linalg::{C64, Matrix, nearest_unitary};
///
/// let lossy = Matrix::from_diagonal_element(2, 2, C64::new(0.0, 0.9));
/// let nearest = nearest_unitary(&lossy)?;
/// assert!((nearest.unitary[(0, 0)] - C64::i()).norm() < 1e-15);
/// assert!((nearest.distance - 0.1).abs() < 1e-15);
/// # Ok::<(), lightloom::Error>(())
/// ```
pub fn nearest_unitary(m: &Matrix) -> Result<NearestUnitary> {
    if m.nrows() != m.ncols() || m.is_empty() {
        let limit = "square, of at least one mode";
        return Err(Error::shape("matrix", [m.nrows(), m.ncols()], limit));
    }
    let Svd { u, s, v_adjoint } = svd(m)?;
    Ok(NearestUnitary {
        unitary: product(&u, &v_adjoint),
        distance: s.iter().map(|s| (s - 1.0).abs()).fold(0.0, f64::max),
    })
}

/// The unitary that `m` stands for: `m` itself to the bit where it is unitary to [`UNITARY_LIMIT`], and the nearest one where
/// it is unitary to single precision.
///
/// # Errors
/// Those of [`check_unitary`], with the limit of [`single_precision_limit`].
pub fn to_unitary(what: &str, m: &Matrix) -> Result<NearestUnitary> {
    let got = checked_unitarity_error(what, m)?;
    if got <= UNITARY_LIMIT {
        return Ok(NearestUnitary {
            unitary: m.clone(),
            distance: 0.0,
        });
    }
    check_limit(what, got, single_precision_limit(m.nrows()))?;
    nearest_unitary(m)
}

/// The largest element of |U†U − 1|, infinite where U†U overflows.
pub fn unitarity_error(u: &Matrix) -> f64 {
    // U†U is Hermitian: its lower triangle is all of it.
    let n = u.ncols();
    let mut gram = Matrix::zeros(n, n);
    triangular::matmul(
        MatMut::from_column_major_slice_mut(gram.as_mut_slice(), n, n),
        BlockStructure::TriangularLower,
        Accum::Replace,
        view(u).adjoint(),
        BlockStructure::Rectangular,
        view(u),
        BlockStructure::Rectangular,
        C64::ONE,
        Par::Seq,
    );
    let mut largest: f64 = 0.0;
    for (i, column) in gram.as_mut_slice().chunks_exact_mut(n.max(1)).enumerate() {
        column[i] -= 1.0;
        for value in &column[i..] {
            let square = value.norm_sqr();
            // The differences of infinities are no numbers, which no comparison finds large.
            largest = largest.max(if square.is_nan() {
                f64::INFINITY
            } else {
                square
            });
        }
    }
    largest.sqrt()
}

/// A Haar-random unitary of `n` modes: QR of a Ginibre matrix with the phases of R's diagonal moved to Q.
///
/// Mezzadri, Notices of the AMS 54, 592 (2007).
pub fn haar_unitary(n: usize, stream: &mut Stream) -> Matrix {
    let ginibre = Matrix::from_fn(n, n, |_, _| {
        C64::new(stream.standard_normal(), stream.standard_normal())
    });
    let qr = view(&ginibre).qr();
    let mut q = from_faer(qr.compute_Q().as_ref());
    for (col, mut column) in q.column_iter_mut().enumerate() {
        let diagonal = qr.R()[(col, col)];
        column *= diagonal / diagonal.norm();
    }
    q
}

/// A Haar-random orthogonal matrix of `n` modes: QR of a real Ginibre matrix with the signs of R's diagonal moved to Q.
///
/// Mezzadri, Notices of the AMS 54, 592 (2007).
pub fn haar_orthogonal(n: usize, stream: &mut Stream) -> Matrix {
    let ginibre = Mat::from_fn(n, n, |_, _| stream.standard_normal());
    let qr = ginibre.qr();
    let mut q = from_real(qr.compute_Q().as_ref());
    for (col, mut column) in q.column_iter_mut().enumerate() {
        column *= C64::from(qr.R()[(col, col)].signum());
    }
    q
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::compare::{not_finite, not_unitary, shape};
    use crate::linalg::{is_real, max_abs_difference};
    use crate::rng::{Effect, Seed};

    /// For Haar U, the eigenvalue-phase moment E|tr U|² = 1 (Diaconis–Shahshahani); its variance is 1.
    #[test]
    fn haar_unitaries_have_the_trace_moment_of_the_haar_measure() {
        let draws = 2000;
        let mean = (0..draws)
            .map(|trial| {
                let u = haar_unitary(4, &mut Seed(3).stream(Effect::Haar, trial, 0, 0));
                assert!(unitarity_error(&u) < 1e-14);
                u.trace().norm_sqr()
            })
            .sum::<f64>()
            / draws as f64;
        assert!((mean - 1.0).abs() < 5.0 / (draws as f64).sqrt(), "{mean}");
    }

    /// For Haar O of the orthogonal group E (tr O)² = 1 and E (tr O)⁴ = 3 from n = 4 on (Diaconis–Shahshahani): the variance
    /// of (tr O)² is 2.
    #[test]
    fn haar_orthogonal_matrices_have_the_trace_moment_of_the_haar_measure() {
        let draws = 2000;
        let mean = (0..draws)
            .map(|trial| {
                let o = haar_orthogonal(5, &mut Seed(3).stream(Effect::Haar, trial, 1, 0));
                assert!(unitarity_error(&o) < 1e-14 && is_real(&o));
                o.trace().re.powi(2)
            })
            .sum::<f64>()
            / draws as f64;
        let error = (2.0 / draws as f64).sqrt();
        assert!((mean - 1.0).abs() < 5.0 * error, "{mean}");
    }

    #[test]
    fn what_is_not_unitary_is_named() {
        for check in [check_unitary, |what: &str, m: &Matrix| {
            to_unitary(what, m).map(|_| ())
        }] {
            let error = |m: &Matrix| check("U", m).unwrap_err().refusal();
            assert_eq!(error(&Matrix::zeros(0, 0)), shape("U", &[0, 0]));
            let random = |rows: usize, cols: usize| {
                let mut stream = Seed(1).stream(Effect::Haar, 3, 3, 0);
                Matrix::from_fn(rows, cols, |_, _| C64::from(stream.standard_normal()))
            };
            assert_eq!(error(&random(2, 3)), shape("U", &[2, 3]));
            assert_eq!(error(&random(3, 3)), not_unitary("U"));
            let mut nan = Matrix::identity(3, 3);
            nan[(1, 2)] = C64::new(f64::NAN, 0.0);
            assert_eq!(error(&nan), not_finite("U", "[1, 2]", "NaN"));
            // Finite, but U†U is not.
            let huge = Matrix::from_element(2, 2, C64::new(1e300, 1e300));
            assert_eq!(error(&huge), not_unitary("U"));
        }
        let error = |m: &Matrix, limit: f64| match to_unitary("U", m) {
            Err(Error::NotUnitary { got, limit: of, .. }) => of == limit && got > limit,
            _ => false,
        };
        assert!(error(
            &(Matrix::identity(16, 16) * C64::from(1.0 + 2.1e-6)),
            4e-6
        ));
    }

    fn haar(n: usize, draw: u64) -> Matrix {
        haar_unitary(n, &mut Seed(5).stream(Effect::Haar, n as u64, draw, 0))
    }

    /// m = W S V† with chosen W, S, V: the polar factor is W V†, and max |s − 1| is how far it is (Fan, Hoffman 1955).
    #[test]
    fn the_nearest_unitary_is_the_polar_factor() {
        for n in [1, 2, 5, 16] {
            let (w, v) = (haar(n, 0), haar(n, 1));
            let s: Vec<f64> = (0..n).map(|k| 1.0 + 0.2 * (k as f64 + 1.0).sin()).collect();
            let stretch = Matrix::from_fn(n, n, |i, j| C64::from(if i == j { s[i] } else { 0.0 }));
            let nearest = nearest_unitary(&(&w * stretch * v.adjoint())).unwrap();
            let tolerance = 1e-14 * n as f64;
            assert!(max_abs_difference(&nearest.unitary, &(&w * v.adjoint())) < tolerance);
            let distance = s.iter().map(|s| (s - 1.0).abs()).fold(0.0, f64::max);
            assert!((nearest.distance - distance).abs() < tolerance);
        }
    }

    #[test]
    fn a_unitary_of_single_precision_is_repaired_and_one_of_double_is_not_touched() {
        for n in [2, 16, 100] {
            let u = haar(n, 2);
            let exact = to_unitary("U", &u).unwrap();
            assert_eq!((&exact.unitary, exact.distance), (&u, 0.0));
            let rounded = u.map(|z| C64::new(f64::from(z.re as f32), f64::from(z.im as f32)));
            assert!(check_unitary("U", &rounded).is_err());
            let found = to_unitary("U", &rounded).unwrap();
            assert!(unitarity_error(&found.unitary) < 1e-14 * n as f64);
            // Half a unit in the last place of 24 bits, at most 2⁻²⁵ of an element of 1/2 to 1.
            let largest = 2f64.powi(-25) * (n as f64).sqrt();
            assert!(found.distance > 0.0 && found.distance < 2.0 * largest);
            assert!(max_abs_difference(&found.unitary, &u) < 2.0 * largest);
        }
    }
}
