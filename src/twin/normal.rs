//! Least squares of the readings: normal equations, and the steps of Gauss, Newton, Levenberg and Marquardt.

use faer::linalg::matmul::matmul;
use faer::linalg::solvers::{Llt, Solve};
use faer::{Accum, Mat, MatMut, MatRef, Par, Side};
use rayon::prelude::*;

use super::jacobian::{Jacobian, Kind};
use super::light::Pass;
use super::measurements::Row;
use super::model::Model;
use super::parameters::Parameters;
use super::prior::Prior;
use crate::error::{Error, Result};
use crate::watch::Watch;

/// Readings that a model is to explain.
#[derive(Debug)]
pub(super) struct Problem<'a> {
    pub(super) model: &'a Model,
    pub(super) kind: Kind,
    /// Phases that heaters are asked for, rad, setting by setting.
    pub(super) asked: &'a [Vec<f64>],
    pub(super) rows: &'a [Row],
    pub(super) prior: &'a Prior,
    /// What every reading is taken to err by, in place of its own standard deviation.
    pub(super) sigma: Option<f64>,
}

/// J†WJ and J†W r, where J holds the derivatives of all readings, W weighs them and r is what is missing.
#[derive(Debug, Clone)]
pub(super) struct Normal {
    pub(super) count: usize,
    /// Column by column; what is above the diagonal does not count.
    pub(super) matrix: Vec<f64>,
    pub(super) right: Vec<f64>,
}

/// Settings whose derivatives are in memory at a time.
const AT_ONCE: usize = 8;

/// Columns that a thread adds to at a time.
const BLOCK: usize = 64;

impl Normal {
    pub(super) fn zeros(count: usize) -> Self {
        Self {
            count,
            matrix: vec![0.0; count * count],
            right: vec![0.0; count],
        }
    }

    /// Adds the rows of `jacobians`, which are weighed.
    pub(super) fn add(&mut self, jacobians: &[Jacobian]) {
        let count = self.count;
        let chunks = self.matrix.par_chunks_mut(BLOCK * count).enumerate();
        chunks.for_each(|(block, columns)| {
            let start = block * BLOCK;
            let width = columns.len() / count;
            for jacobian in jacobians {
                let all = MatRef::from_column_major_slice(&jacobian.values, jacobian.rows, count);
                let below = all.subcols(start, count - start).transpose();
                let here = all.subcols(start, width);
                let sum = MatMut::from_column_major_slice_mut(columns, count, width);
                let sum = sum.subrows_mut(start, count - start);
                matmul(sum, Accum::Add, below, here, 1.0, Par::Seq);
            }
        });
    }

    /// The diagonal, one element each.
    pub(super) fn diagonal(&self) -> Vec<f64> {
        (0..self.count)
            .map(|k| self.matrix[k * self.count + k])
            .collect()
    }

    pub(super) fn add_to_diagonal(&mut self, index: usize, value: f64) {
        self.matrix[index * self.count + index] += value;
    }

    /// The Cholesky factor; none if the matrix is not positive.
    pub(super) fn factor(&self) -> Option<Llt<f64>> {
        let matrix = MatRef::from_column_major_slice(&self.matrix, self.count, self.count);
        Llt::new(matrix, Side::Lower).ok()
    }

    /// The solution with `damping` added to the diagonal; none if the matrix is not positive.
    fn solve(&self, damping: &[f64]) -> Option<Vec<f64>> {
        let mut damped = self.clone();
        for (index, value) in damping.iter().enumerate() {
            damped.add_to_diagonal(index, *value);
        }
        let right = Mat::from_fn(self.count, 1, |row, _| self.right[row]);
        let solution = damped.factor()?.solve(&right);
        let solution: Vec<f64> = (0..self.count).map(|row| solution[(row, 0)]).collect();
        solution.iter().all(|x| x.is_finite()).then_some(solution)
    }
}

impl Problem<'_> {
    fn weights(&self, row: &Row) -> Vec<f64> {
        let sigmas = row.sigmas.iter();
        sigmas.map(|own| 1.0 / self.sigma.unwrap_or(*own)).collect()
    }

    /// Σ (what is missing / σ)² over all readings.
    pub(super) fn chi_squared(&self, of: &Parameters) -> f64 {
        let pairs: Vec<_> = self.asked.iter().zip(self.rows).collect();
        let sums: Vec<f64> = pairs
            .into_par_iter()
            .map(|(asked, row)| {
                let read = self.kind.read(&Pass::new(self.model, of, asked, false));
                let misses = read.iter().zip(&row.values).zip(self.weights(row));
                misses
                    .map(|((x, y), weight)| ((y - x) * weight).powi(2))
                    .sum()
            })
            .collect();
        sums.iter().sum()
    }

    /// Twice the negative logarithm of the posterior, but for a constant.
    fn cost(&self, of: &Parameters) -> f64 {
        self.chi_squared(of) + self.prior.cost(of)
    }

    /// The normal equations of the readings at these parameters; the prior is not in them.
    pub(super) fn normal(&self, of: &Parameters) -> Normal {
        let mut normal = Normal::zeros(self.model.sizes.all());
        for (asked, rows) in self.asked.chunks(AT_ONCE).zip(self.rows.chunks(AT_ONCE)) {
            let pairs: Vec<_> = asked.iter().zip(rows).collect();
            let found: Vec<(Jacobian, Vec<f64>)> = pairs
                .into_par_iter()
                .map(|(asked, row)| {
                    let pass = Pass::new(self.model, of, asked, true);
                    let mut jacobian = Jacobian::new(self.model, of, asked, &pass, self.kind);
                    let weights = self.weights(row);
                    jacobian.weigh(&weights);
                    let read = self.kind.read(&pass);
                    let misses = read.iter().zip(&row.values).zip(&weights);
                    let misses: Vec<f64> =
                        misses.map(|((x, y), weight)| (y - x) * weight).collect();
                    let right = (0..normal.count).map(|column| {
                        let column = jacobian.column(column).iter();
                        column.zip(&misses).map(|(a, b)| a * b).sum()
                    });
                    let right = right.collect();
                    (jacobian, right)
                })
                .collect();
            let (jacobians, rights): (Vec<_>, Vec<_>) = found.into_iter().unzip();
            normal.add(&jacobians);
            for right in rights {
                for (sum, value) in normal.right.iter_mut().zip(right) {
                    *sum += value;
                }
            }
        }
        normal
    }

    /// Goes down from `start` for at most so many `steps`, until one gains less than `gain`, relative.
    ///
    /// A step solves (J†WJ + λ diag) δ = J†W r; λ falls where the step gains and rises where it does not. Levenberg, Q. Appl.
    /// Math. 2, 164 (1944); Marquardt, J. SIAM 11, 431 (1963).
    ///
    /// # Errors
    /// [`Error::Stopped`].
    pub(super) fn descend(
        &self,
        start: Parameters,
        steps: usize,
        gain: f64,
        watch: &dyn Watch,
    ) -> Result<Parameters> {
        let mut best = start;
        let mut cost = self.cost(&best);
        let mut damping = FIRST_DAMPING;
        for _ in 0..steps {
            if watch.stops() {
                return Err(Error::Stopped);
            }
            let mut normal = self.normal(&best);
            self.prior
                .add_to(&mut normal.matrix, &mut normal.right, &best);
            let diagonal = normal.diagonal();
            let largest = diagonal.iter().copied().fold(0.0, f64::max);
            let flat = best.flat();
            let before = cost;
            for _ in 0..MOST_TRIES {
                let damped: Vec<f64> = diagonal
                    .iter()
                    .map(|value| damping * value + LEAST_DAMPING * largest)
                    .collect();
                let step = normal.solve(&damped).map(|step| {
                    let moved: Vec<f64> = flat.iter().zip(&step).map(|(a, b)| a + b).collect();
                    let moved = Parameters::from_flat(&moved, self.model.sizes);
                    let moved = moved.within_physics();
                    (self.cost(&moved), moved)
                });
                if let Some((found, moved)) = step
                    && found < cost
                {
                    (cost, best) = (found, moved);
                    damping = (damping * 0.2).max(1e-9);
                    break;
                }
                damping *= 5.0;
            }
            watch.step();
            if before - cost <= gain * before {
                break;
            }
        }
        Ok(best)
    }
}

/// λ of the first step.
const FIRST_DAMPING: f64 = 1e-3;

/// What is added to every element of the diagonal, as a share of the largest one: directions that no reading sees stay.
const LEAST_DAMPING: f64 = 1e-12;

/// Steps that are tried with more and more damping before the search ends.
const MOST_TRIES: usize = 8;
