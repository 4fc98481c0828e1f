//! Which axis the accuracy depends on.

use serde::Serialize;

/// A quantity on a full grid, one value for every combination of the axes' values, the last axis fastest.
///
/// Chips may be an axis of their own: their number is the last axis of the rows of a sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    lengths: Vec<usize>,
    values: Vec<f64>,
}

/// Share of the variance over a grid that one axis explains.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Indices {
    /// By itself: Var(E[y | xᵢ]) / Var(y), the first-order index.
    pub first: f64,
    /// With all that it does together with others: 1 − Var(E[y | all but xᵢ]) / Var(y), the total index.
    pub total: f64,
}

/// What one axis does while the others rest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Effect {
    /// The quantity at every value of the axis.
    pub values: Vec<f64>,
    /// The same less what it is at rest.
    pub changes: Vec<f64>,
    /// Largest less smallest value.
    pub range: f64,
}

impl Grid {
    /// `values` on axes of these `lengths`; nothing if there is not one for each combination.
    pub fn new(lengths: Vec<usize>, values: Vec<f64>) -> Option<Self> {
        let count: usize = lengths.iter().product();
        (count == values.len() && count > 0).then_some(Self { lengths, values })
    }

    /// One axis at a time: what every axis does while all others are at index `rest`.
    ///
    /// # Panics
    /// If `rest` is not one index an axis.
    pub fn one_at_a_time(&self, rest: &[usize]) -> Vec<Effect> {
        assert_eq!(rest.len(), self.lengths.len(), "one index an axis");
        let inside = rest
            .iter()
            .zip(&self.lengths)
            .all(|(index, length)| index < length);
        assert!(inside, "{rest:?} is not in a grid of {:?}", self.lengths);
        let place: usize = (0..rest.len())
            .map(|axis| rest[axis] * self.stride(axis))
            .sum();
        let at_rest = self.values[place];
        let effect = |axis: usize| {
            let stride = self.stride(axis);
            let first = place - rest[axis] * stride;
            let values = (0..self.lengths[axis]).map(|index| self.values[first + index * stride]);
            let values: Vec<f64> = values.collect();
            let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
            Effect {
                changes: values.iter().map(|value| value - at_rest).collect(),
                range: highest - lowest,
                values,
            }
        };
        (0..self.lengths.len()).map(effect).collect()
    }

    /// Variance over the grid, every combination counted once: Σ (y − ȳ)² / n.
    pub fn variance(&self) -> f64 {
        variance(&self.values)
    }

    /// First-order and total index of every axis: the variance of the grid decomposed as in a balanced analysis of
    /// variance. Nothing where all values are equal.
    ///
    /// First-order indices add up to 1 at most; what lacks is done by axes together. Sobol, Math. Network. Comput. Exp. 1,
    /// 407 (1993); Homma, Saltelli, Reliab. Eng. Syst. Saf. 52, 1 (1996).
    pub fn decompose(&self) -> Option<Vec<Indices>> {
        let all = self.variance();
        if all == 0.0 || self.values.iter().all(|value| *value == self.values[0]) {
            return None;
        }
        let indices = |axis: usize| {
            let stride = self.stride(axis);
            let length = self.lengths[axis];
            let others = self.values.len() / length;
            let mut by_value = vec![0.0; length];
            let mut by_others = vec![0.0; others];
            for (place, value) in self.values.iter().enumerate() {
                by_value[place / stride % length] += value / others as f64;
                by_others[place / (stride * length) * stride + place % stride] +=
                    value / length as f64;
            }
            Indices {
                first: variance(&by_value) / all,
                total: 1.0 - variance(&by_others) / all,
            }
        };
        Some((0..self.lengths.len()).map(indices).collect())
    }

    fn stride(&self, axis: usize) -> usize {
        self.lengths[axis + 1..].iter().product()
    }
}

fn variance(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    values
        .iter()
        .map(|value| (value - mean).powi(2))
        .sum::<f64>()
        / n
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    const Y: [f64; 24] = [
        -0.802, -1.324, -0.248, 0.42, 1.136, 0.11, -0.553, -0.785, 0.749, 1.635, 0.273, -1.233,
        -0.958, 1.6, 0.203, -1.732, -0.084, -1.163, -0.629, -0.488, -0.713, 0.553, -0.063, -0.589,
    ];

    /// numpy 2.4: `y.mean(axis=others).var() / y.var()` and `1 - y.mean(axis=k).var() / y.var()`. First-order indices are
    /// the shares of the sums of squares of statsmodels 0.14's `anova_lm`, and total ones their sums over all terms with
    /// the axis.
    #[test]
    fn indices_are_shares_of_sums_of_squares() {
        let grid = Grid::new(vec![3, 4, 2], Y.to_vec()).unwrap();
        assert_relative_eq!(grid.variance(), 0.7687700815972223, max_relative = 1e-13);
        let indices = grid.decompose().unwrap();
        for (found, (first, total)) in indices.iter().zip([
            (0.04908444047036377, 0.7238800968358625),
            (0.13088352545226084, 0.9422724452001499),
            (0.0038577334634079257, 0.4940083148279637),
        ]) {
            assert_relative_eq!(found.first, first, max_relative = 1e-12);
            assert_relative_eq!(found.total, total, max_relative = 1e-12);
        }
    }

    /// y = a + 2b on three equidistant values each adds up without interaction, 1 : 4; of y = ab on ±1 nothing is first
    /// order and all is total.
    #[test]
    fn sums_have_no_interactions_and_products_nothing_else() {
        let pairs = |values: &[f64], f: fn(f64, f64) -> f64| {
            let all = values
                .iter()
                .flat_map(|a| values.iter().map(move |b| f(*a, *b)));
            Grid::new(vec![values.len(); 2], all.collect()).unwrap()
        };
        let sum = pairs(&[-1.0, 0.0, 1.0], |a, b| a + 2.0 * b)
            .decompose()
            .unwrap();
        for (found, share) in sum.iter().zip([0.2, 0.8]) {
            assert_relative_eq!(found.first, share, max_relative = 1e-14);
            assert_relative_eq!(found.total, share, max_relative = 1e-14);
        }
        let product = pairs(&[-1.0, 1.0], |a, b| a * b).decompose().unwrap();
        for found in product {
            assert_eq!((found.first, found.total), (0.0, 1.0));
        }
        assert_eq!(pairs(&[0.3, 0.4], |_, _| 0.1).decompose(), None);
        assert_eq!(Grid::new(vec![2, 2], vec![0.0; 3]), None);
    }

    #[test]
    fn one_axis_at_a_time_leaves_the_others_at_rest() {
        // y = 10 a + b, a in 0..2, b in 0..3.
        let grid = Grid::new(vec![2, 3], vec![0.0, 1.0, 2.0, 10.0, 11.0, 12.0]).unwrap();
        let effects = grid.one_at_a_time(&[1, 1]);
        assert_eq!(effects[0].values, [1.0, 11.0]);
        assert_eq!(effects[0].changes, [-10.0, 0.0]);
        assert_eq!(effects[1].values, [10.0, 11.0, 12.0]);
        assert_eq!(effects[1].changes, [-1.0, 0.0, 1.0]);
        assert_eq!((effects[0].range, effects[1].range), (10.0, 2.0));
    }
}
