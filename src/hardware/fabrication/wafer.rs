//! Where the dies of a wafer are.

use crate::hardware::Hardware;

/// A die, by the middle of the wafer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Die {
    /// Column in the grid of dies, from the left.
    pub column: usize,
    /// Row in the grid of dies, from the top.
    pub row: usize,
    /// Its middle, to the right of that of the wafer, mm.
    pub x_mm: f64,
    /// Its middle, below that of the wafer, mm.
    pub y_mm: f64,
}

/// A round wafer of dies in a grid, whose middle is a corner of four dies or the middle of one: whichever gives more dies.
#[derive(Debug, Clone, PartialEq)]
pub struct Wafer {
    /// Its diameter, mm.
    pub diameter_mm: f64,
    /// Width and height of a die, mm.
    pub die_mm: [f64; 2],
    /// The dies that lie on it whole, row by row: die t is trial t.
    pub dies: Vec<Die>,
}

impl Wafer {
    /// The wafer that the keys of `hardware` describe, if they do.
    pub fn of(hardware: &Hardware) -> Option<Self> {
        let fabrication = hardware.fabrication();
        let die_mm = [fabrication.die_x_mm, fabrication.die_y_mm];
        Some(Self::new(fabrication.wafer_mm?, die_mm))
    }

    fn new(diameter_mm: f64, die_mm: [f64; 2]) -> Self {
        let grids = [[0.0, 0.0], [0.5, 0.5], [0.5, 0.0], [0.0, 0.5]];
        let counts = grids.map(|shift| dies(diameter_mm, die_mm, shift));
        // Of equals the first.
        let most = counts.into_iter().rev().max_by_key(Vec::len);
        Self {
            diameter_mm,
            die_mm,
            dies: most.expect("four grids"),
        }
    }

    /// The die of a trial: trials go over one wafer after the other.
    pub fn die(&self, trial: u64) -> Die {
        self.dies[(trial % self.dies.len() as u64) as usize]
    }

    /// How far the middle of the die of a trial is from that of the wafer, in radii.
    pub fn radius(&self, trial: u64) -> f64 {
        let Die { x_mm, y_mm, .. } = self.die(trial);
        x_mm.hypot(y_mm) / (self.diameter_mm / 2.0)
    }
}

/// The dies within the wafer of a grid that is shifted by so many dies.
fn dies(diameter_mm: f64, [width, height]: [f64; 2], [right, down]: [f64; 2]) -> Vec<Die> {
    let half = |size: f64| (diameter_mm / 2.0 / size).ceil() as isize;
    let (columns, rows) = (half(width), half(height));
    let radius_mm = diameter_mm / 2.0 * (1.0 + 1e-12);
    let mut found = Vec::new();
    for row in -rows..=rows {
        for column in -columns..=columns {
            let x_mm = (column as f64 + right) * width;
            let y_mm = (row as f64 + down) * height;
            let corner_mm = (x_mm.abs() + width / 2.0).hypot(y_mm.abs() + height / 2.0);
            if corner_mm <= radius_mm {
                found.push((column, row, x_mm, y_mm));
            }
        }
    }
    let first = |of: fn(&(isize, isize, f64, f64)) -> isize| found.iter().map(of).min();
    let (left, top) = (first(|die| die.0), first(|die| die.1));
    let (left, top) = (left.unwrap_or(0), top.unwrap_or(0));
    let die = |(column, row, x_mm, y_mm): (isize, isize, f64, f64)| Die {
        column: (column - left) as usize,
        row: (row - top) as usize,
        x_mm,
        y_mm,
    };
    found.into_iter().map(die).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dies_lie_on_the_wafer_whole_and_side_by_side() {
        for (diameter, die) in [
            (100.0, [10.0, 10.0]),
            (200.0, [20.0, 25.0]),
            (30.0, [20.0, 20.0]),
        ] {
            let wafer = Wafer::new(diameter, die);
            for (index, a) in wafer.dies.iter().enumerate() {
                let corner = (a.x_mm.abs() + die[0] / 2.0).hypot(a.y_mm.abs() + die[1] / 2.0);
                assert!(corner <= diameter / 2.0 + 1e-9);
                for b in &wafer.dies[..index] {
                    let apart = (a.x_mm - b.x_mm).abs() > die[0] - 1e-9
                        || (a.y_mm - b.y_mm).abs() > die[1] - 1e-9;
                    assert!(apart && (a.row, a.column) > (b.row, b.column));
                }
            }
        }
        // 2√2 · 10 = 28.3: four dies of 10 mm about a corner, one of 20 mm about its middle.
        assert_eq!(Wafer::new(29.0, [10.0, 10.0]).dies.len(), 4);
        assert_eq!(Wafer::new(29.0, [20.0, 20.0]).dies.len(), 1);
    }

    #[test]
    fn trials_go_over_one_wafer_after_the_other() {
        let wafer = Wafer::new(29.0, [10.0, 10.0]);
        assert_eq!(wafer.die(1), wafer.dies[1]);
        assert_eq!(wafer.die(5), wafer.dies[1]);
        assert!((wafer.radius(6) - 50f64.sqrt() / 14.5).abs() < 1e-12);
    }
}
