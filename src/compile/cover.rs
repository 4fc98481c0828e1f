//! Which weights of a map the tiles cover.

use ndarray::{Array2, s};

use crate::error::{Error, Result};
use crate::nn::Linear;

/// Where in a map's matrix a tile stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    /// First row.
    pub row: usize,
    /// First column.
    pub col: usize,
    /// Rows covered.
    pub rows: usize,
    /// Columns covered.
    pub cols: usize,
}

/// Fails unless the blocks of tiles cover every weight of every group exactly once, and nothing between the groups.
pub(super) fn check_cover(blocks: impl IntoIterator<Item = Block>, linear: &Linear) -> Result<()> {
    let (rows, cols) = (linear.outputs(), linear.inputs());
    let mut covered = Array2::from_elem((rows, cols), true);
    let (mut row, mut col) = (0, 0);
    for weight in &linear.groups {
        let end = (row + weight.outputs(), col + weight.inputs());
        covered.slice_mut(s![row..end.0, col..end.1]).fill(false);
        (row, col) = end;
    }
    for Block {
        row,
        col,
        rows: tall,
        cols: wide,
    } in blocks
    {
        let inside = |start: usize, count, end| start.checked_add(count).is_some_and(|e| e <= end);
        let refused = |limit| Error::value("tile corner", format!("{:?}", (row, col)), limit);
        if tall == 0 || wide == 0 {
            return Err(Error::shape(
                "tile",
                [tall, wide],
                "[rows, cols] with none of them 0",
            ));
        }
        if !(inside(row, tall, rows) && inside(col, wide, cols)) {
            return Err(refused("inside its layer"));
        }
        let mut block = covered.slice_mut(s![row..row + tall, col..col + wide]);
        if block.iter().any(|done| *done) {
            return Err(refused("beside other tiles"));
        }
        block.fill(true);
    }
    if covered.iter().all(|done| *done) {
        Ok(())
    } else {
        Err(Error::format("tiles", "do not cover the whole layer"))
    }
}
