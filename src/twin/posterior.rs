//! How well the readings tell the parameters: the Fisher matrix and what follows from it.

use faer::linalg::solvers::{Llt, Solve};
use faer::{Mat, MatRef};
use rayon::prelude::*;

use super::blind::orthonormal;
use super::jacobian::{Jacobian, Kind};
use super::light::Pass;
use super::measurements::UNIT;
use super::model::Model;
use super::normal::{Normal, Problem};
use super::parameters::Parameters;
use super::prior::OFFSET_RAD;
use crate::error::{Error, Result};
use crate::linalg::{C64, Matrix};
use crate::rng::{Effect, Seed};

/// The normal distribution around the best parameters: its inverse covariance J†WJ + prior is the Fisher matrix of the readings
/// and of what was believed. Directions to which readings are blind are held.
#[derive(Debug, Clone)]
pub(super) struct Posterior {
    precision: Normal,
    /// Standard deviations of all parameters.
    pub(super) sigmas: Vec<f64>,
    /// Number of parameters that the readings, and not the prior, decide.
    pub(super) decided: f64,
}

/// What holds a blind direction, in units of the largest element of the precision's diagonal.
const HELD: f64 = 1.0;

impl Posterior {
    /// That of the `problem` at `best`; a direction of `blind` is one of the offsets.
    ///
    /// # Errors
    /// [`Error::Format`] if the readings leave no finite answer.
    pub(super) fn new(
        problem: &Problem<'_>,
        best: &Parameters,
        blind: &[Vec<f64>],
    ) -> Result<Self> {
        let sizes = problem.model.sizes;
        let count = sizes.all();
        let mut precision = problem.normal(best);
        let data = precision.clone();
        problem
            .prior
            .add_to(&mut precision.matrix, &mut precision.right, best);
        // What is uniform in 2π is known to so much before it is measured.
        sizes
            .offsets()
            .for_each(|index| precision.add_to_diagonal(index, OFFSET_RAD.powi(-2)));
        let largest = precision.diagonal().into_iter().fold(0.0, f64::max);
        let first = sizes.offsets().start;
        for direction in orthonormal(blind.iter().cloned()) {
            let moved: Vec<usize> = (0..direction.len())
                .filter(|k| direction[*k] != 0.0)
                .collect();
            for (at, column) in moved.iter().enumerate() {
                for row in &moved[at..] {
                    let share = HELD * largest * direction[*column] * direction[*row];
                    precision.matrix[(first + column) * count + first + row] += share;
                }
            }
        }
        let factor = precision.factor().ok_or_else(unfounded)?;
        let covariance = factor.solve(Mat::<f64>::identity(count, count));
        let sigmas = (0..count)
            .map(|k| covariance[(k, k)].max(0.0).sqrt())
            .collect();
        // tr(J†WJ C): one for a parameter that readings decide, 0 for one that only the prior does.
        let shares = (0..count).into_par_iter().map(|column| {
            let share = |row: usize| {
                let element = data.matrix[column.min(row) * count + column.max(row)];
                element * covariance[(row, column)]
            };
            (0..count).map(share).sum::<f64>()
        });
        let shares: Vec<f64> = shares.collect();
        Ok(Self {
            precision,
            sigmas,
            decided: shares.iter().sum(),
        })
    }

    /// The matrix error, up to the phases of inputs and outputs where those cannot be `seen`, that a chip drawn from this
    /// distribution has against the best one at a new setting: root mean square over some draws.
    pub(super) fn error_at_new_settings(
        &self,
        model: &Model,
        best: &Parameters,
        kind: Kind,
        seed: Seed,
    ) -> Result<f64> {
        let factor = self.precision.factor().ok_or_else(unfounded)?;
        let (count, flat) = (self.precision.count, best.flat());
        let squares: Vec<f64> = (0..DRAWS)
            .map(|number| {
                let mut stream = seed.stream(Effect::Haar, number, UNIT, 4);
                let normals = Mat::from_fn(count, 1, |_, _| stream.standard_normal());
                // C = (L L†)⁻¹: L†⁻¹ z has this covariance.
                let mut moved = normals;
                factor
                    .L()
                    .transpose()
                    .solve_upper_triangular_in_place(moved.as_mut());
                let drawn: Vec<f64> = (0..count).map(|k| flat[k] + moved[(k, 0)]).collect();
                let drawn = Parameters::from_flat(&drawn, model.sizes).within_physics();
                let turn = std::f64::consts::TAU;
                let asked: Vec<f64> = (0..model.sizes.heaters)
                    .map(|_| turn * stream.uniform())
                    .collect();
                let [here, there] =
                    [best, &drawn].map(|of| Pass::new(model, of, &asked, false).transfer());
                matrix_error(&there, &here, kind).powi(2)
            })
            .collect();
        Ok((squares.iter().sum::<f64>() / squares.len() as f64).sqrt())
    }

    /// The settings of `candidates`, one after another, whose readings add most to ln det of the Fisher matrix: the
    /// information that is gained. Each is `count`ed once.
    ///
    /// Fedorov, Theory of Optimal Experiments (1972): D-optimal design, here greedy.
    pub(super) fn most_informative(
        &self,
        problem: &Problem<'_>,
        best: &Parameters,
        candidates: &[Vec<f64>],
        sigmas: impl Fn(&[f64]) -> Vec<f64> + Sync,
        count: usize,
    ) -> Result<Vec<usize>> {
        let model = problem.model;
        let mut precision = self.precision.clone();
        let mut chosen = Vec::new();
        for _ in 0..count {
            let factor = precision.factor().ok_or_else(unfounded)?;
            let jacobian = |number: usize| {
                let asked = &candidates[number];
                let pass = Pass::new(model, best, asked, true);
                let mut jacobian = Jacobian::new(model, best, asked, &pass, problem.kind);
                let read = problem.kind.read(&pass);
                let weights: Vec<f64> = sigmas(&read).iter().map(|sigma| 1.0 / sigma).collect();
                jacobian.weigh(&weights);
                jacobian
            };
            let free: Vec<usize> = (0..candidates.len())
                .filter(|k| !chosen.contains(k))
                .collect();
            let gains: Vec<f64> = free
                .par_iter()
                .map(|number| gain(&factor, &jacobian(*number)))
                .collect();
            let best_of = free.iter().zip(&gains).max_by(|a, b| a.1.total_cmp(b.1));
            let Some((number, _)) = best_of else { break };
            precision.add(&[jacobian(*number)]);
            chosen.push(*number);
        }
        Ok(chosen)
    }
}

/// Chips that are drawn for an error at new settings.
const DRAWS: u64 = 8;

/// ln det (1 + J C J†): what readings with these weighed derivatives add.
fn gain(factor: &Llt<f64>, jacobian: &Jacobian) -> f64 {
    let rows = jacobian.rows;
    let count = jacobian.values.len() / rows;
    let all = MatRef::from_column_major_slice(&jacobian.values, rows, count);
    let mut half = all.transpose().to_owned();
    factor.L().solve_lower_triangular_in_place(half.as_mut());
    let mut gram = half.transpose() * &half;
    for row in 0..rows {
        gram[(row, row)] += 1.0;
    }
    let Ok(root) = Llt::new(gram.as_ref(), faer::Side::Lower) else {
        return f64::NEG_INFINITY;
    };
    let diagonal = (0..rows).map(|row| root.L()[(row, row)].ln());
    2.0 * diagonal.sum::<f64>()
}

fn unfounded() -> Error {
    Error::format(
        "measurements",
        "leave directions of the chip without a finite answer",
    )
}

/// ‖u − v‖_F/√N; of chips that are known by powers, the least over phases of the inputs and outputs of u.
pub(super) fn matrix_error(u: &Matrix, v: &Matrix, kind: Kind) -> f64 {
    match kind {
        Kind::Fields => crate::linalg::matrix_error(u, v),
        Kind::Powers => error_up_to_phases(u, v),
    }
}

/// The matrix error ‖D u D′ − v‖_F/√N, the least over diagonal phases D of the outputs and D′ of the inputs: what powers
/// cannot see is left out.
///
/// Outputs and inputs are turned in turn, each to where it is best while the others stay, until nothing changes.
///
/// # Panics
/// If the matrices differ in size.
pub fn error_up_to_phases(u: &Matrix, v: &Matrix) -> f64 {
    assert_eq!(u.shape(), v.shape(), "matrices of one size");
    let mut turned = u.clone();
    let mut error = f64::INFINITY;
    let unit = |z: C64| {
        if z.norm() > 0.0 {
            z / z.norm()
        } else {
            C64::ONE
        }
    };
    for _ in 0..MOST_TURNS {
        for row in 0..u.nrows() {
            let pairs = turned
                .row(row)
                .iter()
                .zip(v.row(row).iter())
                .map(|(a, b)| a.conj() * b)
                .sum();
            let factor = unit(pairs);
            turned.row_mut(row).iter_mut().for_each(|z| *z *= factor);
        }
        for column in 0..u.ncols() {
            let factor = unit(turned.column(column).dotc(&v.column(column)));
            turned
                .column_mut(column)
                .iter_mut()
                .for_each(|z| *z *= factor);
        }
        let now = crate::linalg::matrix_error(&turned, v);
        if error - now <= 1e-9 * now {
            return now;
        }
        error = now;
    }
    error
}

/// Rounds of turning phases; they converge geometrically.
const MOST_TURNS: usize = 500;
