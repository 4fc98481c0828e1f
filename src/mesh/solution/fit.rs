//! Target matrix → best phases, by gradient descent.
//!
//! Where a mesh cannot hold a matrix, or its couplers are not what a decomposition assumes, the phases that come
//! closest are searched: L-BFGS on the squared matrix error, with the exact gradient of
//! [`Coefficients::gradient`].
//!
//! Liu, Nocedal, Math. Program. 45, 503 (1989); line search: Lewis, Overton, Math. Program. 141, 135 (2013).

use std::collections::VecDeque;

use super::{butterfly, decompose};
use crate::error::{Error, Result};
use crate::field::Fields;
use crate::linalg::{C64, Matrix, check_finite, check_unitary, matrix_error};
use crate::mesh::{Coefficients, Convention, Geometry, Mesh, Mzi, Phases, wrap};
use crate::watch::Watch;

/// Iterations after which a fit ends in any case.
const ITERATIONS: usize = 3000;
/// A fit ends if so many iterations lowered the squared error by less than this share.
const PATIENCE: (usize, f64) = (100, 1e-3);
/// Matrix error that counts as zero: rounding through a deep mesh.
const ZERO: f64 = 1e-13;
/// Steps whose curvature the search remembers.
const MEMORY: usize = 16;
/// Share of the promised decrease that a step must reach, and of the slope that it may leave (Wolfe).
const WOLFE: (f64, f64) = (1e-4, 0.9);
/// Halvings and doublings of one line search.
const TRIALS: usize = 40;

/// The phases that a fit found.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// The mesh with these phases, all in [0, 2π).
    pub mesh: Mesh,
    /// Matrix error ‖U − U₀‖_F / √N between the ports, global phase included.
    pub error: f64,
    /// Iterations that it took.
    pub iterations: usize,
}

/// The phases near those of `start` with which the mesh comes closest to `target`, `[ports, ports]`.
///
/// `mzi` says the cell, couplers and losses of each node; its phases are replaced. Symmetric cells are fitted with
/// their free shifters at 0. The search is local and
/// deterministic: another start may end elsewhere. What ancillas receive does not count.
///
/// Measured with splitting errors of 0.1 rad, from the decomposition of a Haar unitary: a rectangle keeps a matrix
/// error of 0.04 at N = 16 and 0.05 at N = 32; `clements+4` reaches 1e-10 and 0.007, `clements+8` 3e-10 and 0.002.
///
/// # Errors
/// [`Error::Shape`] if `target` is not `[ports, ports]`, [`Error::NotFinite`] if it holds NaN or an infinity.
///
/// ```
/// use lightloom::mesh::{Geometry, Mzi, decompose, fit};
/// use lightloom::{Seed, linalg, rng::Effect};
///
/// let u = linalg::haar_unitary(4, &mut Seed(1).stream(Effect::Haar, 0, 0, 0));
/// let start = decompose(&u, Geometry::Redundant { extra: 4 })?;
/// // Every coupler splits 0.1 rad off 50:50.
/// let faulty = |_| Mzi { alpha: 0.1, beta: 0.1, ..Mzi::ideal(0.0, 0.0) };
/// assert!(fit(&u, &start, faulty)?.error < 1e-6);
/// # Ok::<(), lightloom::Error>(())
/// ```
pub fn fit(target: &Matrix, start: &Mesh, mzi: impl Fn(usize) -> Mzi) -> Result<Fit> {
    fit_watched(target, start, mzi, &())
}

/// As [`fit()`], which `watch` may stop.
///
/// # Errors
/// Those of [`fit()`]; [`Error::Stopped`] if it is stopped.
pub(super) fn fit_watched(
    target: &Matrix,
    start: &Mesh,
    mzi: impl Fn(usize) -> Mzi,
    watch: &dyn Watch,
) -> Result<Fit> {
    let ports = start.ports();
    if target.shape() != (ports, ports) {
        let got = [target.nrows(), target.ncols()];
        let limit = format!("[{ports}, {ports}], as the mesh has ports");
        return Err(Error::shape("target", got, limit));
    }
    check_finite("target", target)?;
    let problem = Problem { target, start, mzi };
    let evaluate = |phases: &[f64]| match watch.stops() {
        true => Err(Error::Stopped),
        false => Ok(problem.evaluate(phases)),
    };
    let (phases, loss, iterations) = minimize(start.phases.flat(), ITERATIONS, evaluate)?;
    let wrapped: Vec<f64> = phases.into_iter().map(wrap).collect();
    Ok(Fit {
        mesh: problem.mesh(&wrapped),
        error: loss.sqrt(),
        iterations,
    })
}

/// The phases with which an ideal mesh of `geometry` comes closest to the unitary `u`: those of [`decompose`]
/// where it is universal, else those of a [`fit()`] whose start follows from `u`, with θ in [0, π].
///
/// # Errors
/// Those of [`decompose`]; [`Error::Value`] if a butterfly should have a number of modes that is no power of two.
pub fn closest(u: &Matrix, geometry: Geometry) -> Result<Fit> {
    if geometry.is_universal() {
        let mesh = decompose(u, geometry)?;
        return Ok(Fit {
            error: matrix_error(&mesh.between_ports(&mesh.transfer()), u),
            mesh,
            iterations: 0,
        });
    }
    check_unitary("matrix", u)?;
    geometry.check(u.nrows())?;
    let found = fit(u, &butterfly::start(u)?, |_| Mzi::ideal(0.0, 0.0))?;
    // θ beyond π heats more than 2π − θ, which does the same with other φ.
    let mut mesh = Mesh::from_notation(&found.mesh.to_notation(Convention::StrawberryFieldsMzi))?;
    mesh.geometry = Some(geometry);
    Ok(Fit { mesh, ..found })
}

struct Problem<'a, F> {
    target: &'a Matrix,
    start: &'a Mesh,
    mzi: F,
}

impl<F: Fn(usize) -> Mzi> Problem<'_, F> {
    fn mesh(&self, phases: &[f64]) -> Mesh {
        let phases = Phases::from_flat(phases.to_vec(), self.start);
        self.start.set(phases)
    }

    /// The squared matrix error and its gradient.
    fn evaluate(&self, phases: &[f64]) -> (f64, Vec<f64>) {
        let mesh = self.mesh(phases);
        let ports = self.target.nrows();
        let mzi = |node: usize| Mzi {
            theta: mesh.phases.theta[node],
            phi: mesh.phases.phi[node],
            ..(self.mzi)(node)
        };
        let mzis = (0..mesh.nodes.len()).map(mzi).collect();
        let coefficients = Coefficients::of_mzis(&mesh, mzis);
        let outputs = coefficients.first_columns::<f64>(ports);
        let mut adjoint = Fields::zeros(mesh.modes, ports);
        let mut loss = 0.0;
        for row in 0..ports {
            for col in 0..ports {
                let at = [row, col];
                let got = C64::new(outputs.re[at], outputs.im[at]);
                let off = got - self.target[(row, col)];
                loss += off.norm_sqr() / ports as f64;
                let slope = off * (2.0 / ports as f64);
                (adjoint.re[at], adjoint.im[at]) = (slope.re, slope.im);
            }
        }
        let inputs = Fields::basis(mesh.modes, ports);
        let gradient = coefficients.gradient(&inputs, adjoint);
        (loss, gradient.phases.flat())
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// `a + factor · b`.
fn plus(a: &[f64], factor: f64, b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + factor * b).collect()
}

/// A local minimum of a squared error by L-BFGS: where, how much, after how many iterations.
fn minimize(
    mut x: Vec<f64>,
    limit: usize,
    evaluate: impl Fn(&[f64]) -> Result<(f64, Vec<f64>)>,
) -> Result<(Vec<f64>, f64, usize)> {
    let (mut loss, mut gradient) = evaluate(&x)?;
    // (step, change of the gradient) of the last iterations.
    let mut history: VecDeque<(Vec<f64>, Vec<f64>)> = VecDeque::new();
    let mut milestone = f64::INFINITY;
    for iteration in 0..limit {
        if iteration % PATIENCE.0 == 0 {
            if loss > (1.0 - PATIENCE.1) * milestone {
                return Ok((x, loss, iteration));
            }
            milestone = loss;
        }
        if loss < ZERO * ZERO {
            return Ok((x, loss, iteration));
        }
        let mut direction = descent(&gradient, &history);
        if dot(&direction, &gradient) >= 0.0 {
            history.clear();
            direction = descent(&gradient, &history);
        }
        let found = line_search(&x, loss, &gradient, &direction, &evaluate)?;
        let Some((step, next_loss, next)) = found else {
            if history.is_empty() {
                return Ok((x, loss, iteration));
            }
            history.clear();
            continue;
        };
        let moved = plus(&vec![0.0; x.len()], step, &direction);
        let change = plus(&next, -1.0, &gradient);
        x = plus(&x, 1.0, &moved);
        (loss, gradient) = (next_loss, next);
        if dot(&moved, &change) > 0.0 {
            if history.len() == MEMORY {
                history.pop_front();
            }
            history.push_back((moved, change));
        }
    }
    Ok((x, loss, limit))
}

/// The direction −H g, with H the inverse curvature that `history` tells (two-loop recursion).
fn descent(gradient: &[f64], history: &VecDeque<(Vec<f64>, Vec<f64>)>) -> Vec<f64> {
    let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut shares = Vec::with_capacity(history.len());
    for (moved, change) in history.iter().rev() {
        let share = dot(moved, &direction) / dot(moved, change);
        direction = plus(&direction, -share, change);
        shares.push(share);
    }
    if let Some((moved, change)) = history.back() {
        let scale = dot(moved, change) / dot(change, change);
        direction.iter_mut().for_each(|d| *d *= scale);
    }
    for ((moved, change), share) in history.iter().zip(shares.iter().rev()) {
        let rest = share - dot(change, &direction) / dot(moved, change);
        direction = plus(&direction, rest, moved);
    }
    direction
}

/// The length of a step that meets the weak Wolfe conditions, with the loss and gradient there; `None` if rounding
/// leaves nothing to gain.
fn line_search(
    x: &[f64],
    loss: f64,
    gradient: &[f64],
    direction: &[f64],
    evaluate: &impl Fn(&[f64]) -> Result<(f64, Vec<f64>)>,
) -> Result<Option<(f64, f64, Vec<f64>)>> {
    let slope = dot(gradient, direction);
    let (mut low, mut high, mut step) = (0.0, f64::INFINITY, 1.0);
    for _ in 0..TRIALS {
        let (next_loss, next) = evaluate(&plus(x, step, direction))?;
        if next_loss > loss + WOLFE.0 * step * slope || next_loss.is_nan() {
            high = step;
        } else if dot(&next, direction) < WOLFE.1 * slope {
            low = step;
        } else {
            return Ok((next_loss < loss).then_some((step, next_loss, next)));
        }
        step = if high.is_finite() {
            0.5 * (low + high)
        } else {
            2.0 * low
        };
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
