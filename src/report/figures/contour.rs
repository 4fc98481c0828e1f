//! The line of one height through a grid of squares.

/// Where the heights of the squares are 0: pieces of a line from (row, column) to (row, column), by linear interpolation between
/// the middles of neighbouring squares. From the outermost middles to the edge of the map, half a square, nothing changes.
pub(crate) fn contour(grid: &[Vec<Option<f64>>]) -> Vec<[[f64; 2]; 2]> {
    let (rows, columns) = (grid.len(), grid.first().map_or(0, Vec::len));
    // Corner 0 is the edge, corner 1 the first middle, and so on to the other edge.
    let square = |corner: usize, count: usize| corner.saturating_sub(1).min(count - 1);
    let place = |corner: usize, count: usize| (corner as f64 - 1.0).clamp(-0.5, count as f64 - 0.5);
    let height = |(row, column): (usize, usize)| grid[square(row, rows)][square(column, columns)];
    let mut pieces = Vec::new();
    for row in 0..=rows {
        for column in 0..=columns {
            let corners = [
                (row, column),
                (row, column + 1),
                (row + 1, column + 1),
                (row + 1, column),
            ];
            let [Some(a), Some(b), Some(c), Some(d)] = corners.map(height) else {
                continue;
            };
            let heights = [a, b, c, d];
            let mut crossings = Vec::new();
            for edge in 0..4 {
                let (from, to) = (heights[edge], heights[(edge + 1) % 4]);
                if (from > 0.0) != (to > 0.0) {
                    let share = from / (from - to);
                    let (start, end) = (corners[edge], corners[(edge + 1) % 4]);
                    let between = |a: f64, b: f64| a + share * (b - a);
                    crossings.push([
                        between(place(start.0, rows), place(end.0, rows)),
                        between(place(start.1, columns), place(end.1, columns)),
                    ]);
                }
            }
            match crossings[..] {
                [a, b] => pieces.push([a, b]),
                // A saddle: the middle says which corners belong together.
                [a, b, c, d] if (heights.iter().sum::<f64>() > 0.0) == (heights[0] > 0.0) => {
                    pieces.extend([[a, b], [c, d]]);
                }
                [a, b, c, d] => pieces.extend([[d, a], [b, c]]),
                _ => {}
            }
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::Score;
    use crate::report::sweep::measure::Measure;

    const ACCURACY: Measure = Measure {
        score: Score::Accuracy,
        decimals: 1,
        within: None,
    };

    fn square(mean: f64) -> Option<f64> {
        Some(ACCURACY.tolerated() - ACCURACY.loss(0.98, mean))
    }

    /// A plane that falls by 1 % a column crosses the line one column behind where it equals digital.
    #[test]
    fn the_contour_lies_where_one_percent_is_lost() {
        let grid: Vec<Vec<_>> = (0..3)
            .map(|_| {
                (0..4)
                    .map(|column| square(0.985 - 0.01 * f64::from(column)))
                    .collect()
            })
            .collect();
        let pieces = contour(&grid);
        // From edge to edge: half a square, two, and half a square.
        let mut ends: Vec<f64> = pieces.iter().flatten().map(|[row, _]| *row).collect();
        ends.sort_by(f64::total_cmp);
        assert_eq!(ends, [-0.5, 0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 2.5]);
        for [_, column] in pieces.concat() {
            assert!((column - 1.5).abs() < 1e-9, "{column}");
        }
    }

    #[test]
    fn a_saddle_has_two_pieces_that_do_not_cross() {
        let grid = vec![
            vec![square(0.99), square(0.90)],
            vec![square(0.90), square(0.99)],
        ];
        let pieces = contour(&grid);
        // Two between the middles, and one from each crossing of the outermost ones to the edge.
        assert_eq!(pieces.len(), 2 + 4);
        let side = |[row, column]: [f64; 2]| (row + column - 1.0).signum();
        for [from, to] in pieces {
            assert_eq!(side(from), side(to), "a piece around one corner");
        }
    }
}
