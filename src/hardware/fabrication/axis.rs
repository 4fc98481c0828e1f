//! A stationary Gaussian process of Gaussian covariance at points of a line.

/// Factors of points farther apart than this many lengths are left out: covariances end at six, below the rounding of 1.
const REACH: f64 = 8.0;

/// What a point may keep of its variance to itself and still follow from others.
const FOLLOWS: f64 = 1e-9;

/// Factors at the ends of a row that are smaller are left out.
const SMALL: f64 = 1e-6;

/// Points that are farther apart than this many lengths each keep more than [`FOLLOWS`].
const APART: f64 = 0.8;

/// `process = A z` of independent normals z, with `A Aᵀ` = exp(−(x − x')²/ℓ²) and every row of length 1.
///
/// Where points are many within a length, the process at some of them says what it is at all: at those that a pivoted
/// Cholesky factorization takes first. A is the factor of these in their order, whose rows have numbers in a window only.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    rows: Vec<Window>,
    factors: Vec<f64>,
    /// Number of normals.
    pub(super) rank: usize,
}

/// The factors of a row, and the normal of the first one.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Window {
    first: usize,
    start: usize,
    len: usize,
}

fn covariance(a: f64, b: f64, length: f64) -> f64 {
    (-((a - b) / length).powi(2)).exp()
}

/// The points from which all follow, ascending.
fn pivots(points: &[f64], length: f64) -> Vec<usize> {
    let mut gaps = points.windows(2).map(|pair| pair[1] - pair[0]);
    if gaps.all(|gap| gap > APART * length) {
        return (0..points.len()).collect();
    }
    let mut own: Vec<f64> = vec![1.0; points.len()];
    let mut columns: Vec<Vec<f64>> = Vec::new();
    let mut pivots = Vec::new();
    while let Some(next) = (0..points.len()).max_by(|a, b| own[*a].total_cmp(&own[*b]))
        && own[next] > FOLLOWS
    {
        let mut column: Vec<f64> = points
            .iter()
            .map(|point| covariance(*point, points[next], length))
            .collect();
        for other in &columns {
            let factor = other[next];
            for (number, known) in column.iter_mut().zip(other) {
                *number -= factor * known;
            }
        }
        let root = own[next].sqrt();
        for (number, own) in column.iter_mut().zip(&mut own) {
            *number /= root;
            *own -= *number * *number;
        }
        own[next] = 0.0;
        columns.push(column);
        pivots.push(next);
    }
    pivots.sort_unstable();
    pivots
}

impl Axis {
    /// Of the process at ascending `points`.
    pub(super) fn new(points: &[f64], length: f64) -> Self {
        let pivots = pivots(points, length);
        let at: Vec<f64> = pivots.iter().map(|pivot| points[*pivot]).collect();
        let near = |point: f64| {
            let first = at.partition_point(|pivot| *pivot < point - REACH * length);
            (
                first,
                at.partition_point(|pivot| *pivot <= point + REACH * length),
            )
        };
        // The rows of the pivots: the last factor of each is its own.
        let mut own: Vec<(usize, Vec<f64>)> = Vec::with_capacity(at.len());
        for (index, point) in at.iter().enumerate() {
            let (first, _) = near(*point);
            let mut row = solved(&own, *point, (first, index), &at, length);
            let left = 1.0 - row.iter().map(|factor| factor * factor).sum::<f64>();
            row.push(left.max(FOLLOWS * FOLLOWS).sqrt());
            own.push((first, row));
        }
        let mut axis = Self {
            rows: Vec::with_capacity(points.len()),
            factors: Vec::new(),
            rank: at.len(),
        };
        for (index, point) in points.iter().enumerate() {
            match pivots.binary_search(&index) {
                Ok(pivot) => axis.push(own[pivot].0, &own[pivot].1),
                Err(_) => {
                    let (first, end) = near(*point);
                    axis.push(first, &solved(&own, *point, (first, end), &at, length));
                }
            }
        }
        axis
    }

    /// Appends a row of these factors, of length 1, from normal `first` on.
    fn push(&mut self, first: usize, factors: &[f64]) {
        let counts = |factor: &f64| factor.abs() > SMALL;
        let skipped = factors.iter().take_while(|factor| !counts(factor)).count();
        let end = factors.iter().rposition(counts);
        let factors = &factors[skipped..end.map_or(skipped, |last| last + 1)];
        let length = factors
            .iter()
            .map(|factor| factor * factor)
            .sum::<f64>()
            .sqrt();
        self.rows.push(Window {
            first: first + skipped,
            start: self.factors.len(),
            len: factors.len(),
        });
        self.factors
            .extend(factors.iter().map(|factor| factor / length));
    }

    /// The factors of a point, and the number of the normal that the first one is of.
    pub(super) fn row(&self, point: usize) -> (usize, &[f64]) {
        let Window { first, start, len } = self.rows[point];
        (first, &self.factors[start..start + len])
    }
}

/// The factors of `point` for the pivots from number `first` to `end`, which stand `at` their places, from the rows of those.
fn solved(
    rows: &[(usize, Vec<f64>)],
    point: f64,
    (first, end): (usize, usize),
    at: &[f64],
    length: f64,
) -> Vec<f64> {
    let mut factors: Vec<f64> = Vec::with_capacity(end - first + 1);
    for pivot in first..end {
        let (from, row) = &rows[pivot];
        let common = first.max(*from);
        let (theirs, last) = (&row[common - from..row.len() - 1], row[row.len() - 1]);
        let ours = &factors[common - first..];
        let known: f64 = ours.iter().zip(theirs).map(|(a, b)| a * b).sum();
        factors.push((covariance(point, at[pivot], length) - known) / last);
    }
    factors
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points at thirds, as couplers stand, and at wholes; lengths far below, at and far above their distance.
    #[test]
    fn the_factor_has_the_covariance_of_the_law_at_every_pair_and_rows_of_length_one() {
        let points: Vec<f64> = (0..60)
            .flat_map(|k| [4.0, 3.0 * 4.0 + 1.0].map(|at| f64::from(k) * 4.0 + at / 3.0))
            .chain((0..9).map(|k| 300.0 + f64::from(k)))
            .collect();
        for length in [1e-3, 0.5, 1.0, 2.0, 4.0, 9.0, 30.0, 300.0, 1e5] {
            let axis = Axis::new(&points, length);
            assert!(axis.rank <= points.len());
            let dense = |point: usize| {
                let mut row = vec![0.0; axis.rank];
                let (first, factors) = axis.row(point);
                row[first..first + factors.len()].copy_from_slice(factors);
                row
            };
            for (a, x) in points.iter().enumerate() {
                let row = dense(a);
                let length_of_row: f64 = row.iter().map(|x| x * x).sum();
                assert!(
                    (length_of_row - 1.0).abs() < 1e-12,
                    "{length}: {length_of_row}"
                );
                for (b, y) in points.iter().enumerate().skip(a) {
                    let found: f64 = row.iter().zip(dense(b)).map(|(x, y)| x * y).sum();
                    let exact = (-((x - y) / length).powi(2)).exp();
                    assert!(
                        (found - exact).abs() < 1e-5,
                        "{length}: {a} {b} {}",
                        found - exact
                    );
                }
            }
        }
        // Where points are many within a length, few normals say all.
        assert!(Axis::new(&points, 30.0).rank < 60);
    }
}
