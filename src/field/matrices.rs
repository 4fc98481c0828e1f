//! The 2×2 matrices of many MZIs.

use std::hint::black_box;
use std::ops::Range;

use num_complex::Complex;

use super::TwoByTwo;

/// Matrices that lie together, part by part.
pub const BLOCK: usize = 64;

/// Real and imaginary parts of t11, t12, t21, t22, each of [`BLOCK`] matrices.
pub(crate) type Parts = [[f64; BLOCK]; 8];

/// The 2×2 matrices of many MZIs, planar in blocks: what is computed for all of them is computed a register at a time.
#[derive(Debug, Clone)]
pub(crate) struct Matrices {
    count: usize,
    blocks: Vec<Parts>,
}

impl PartialEq for Matrices {
    /// What lies beyond the last matrix does not count.
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

/// Where the matrices of a mesh come from: kept, or computed when a walk asks for them.
pub(crate) trait MatrixSource {
    /// What a source keeps from one block to the next.
    type Scratch;

    /// What is kept before the first block.
    fn scratch(&self) -> Self::Scratch;

    /// Number of matrices.
    fn count(&self) -> usize;

    /// Brings what the matrices of `range` are computed from into the cache: without it, each is waited for by itself.
    fn fetch(&self, range: Range<usize>);

    /// Writes block number `block`; parts beyond the last matrix may hold anything finite.
    fn write(&self, block: usize, scratch: &mut Self::Scratch, parts: &mut Parts);

    /// All matrices.
    fn all(&self) -> Matrices {
        let count = self.count();
        let mut blocks = vec![[[0.0; BLOCK]; 8]; count.div_ceil(BLOCK)];
        let mut scratch = self.scratch();
        for (index, parts) in blocks.iter_mut().enumerate() {
            self.write(index, &mut scratch, parts);
        }
        Matrices { count, blocks }
    }
}

impl MatrixSource for Matrices {
    type Scratch = ();

    fn scratch(&self) {}

    fn fetch(&self, _: Range<usize>) {}

    fn count(&self) -> usize {
        self.count
    }

    fn write(&self, block: usize, (): &mut (), parts: &mut Parts) {
        *parts = self.blocks[block];
    }
}

/// The matrix in one lane.
#[inline(always)]
pub(crate) fn matrix_of(parts: &Parts, lane: usize) -> TwoByTwo {
    let part = |at: usize| parts[at][lane];
    std::array::from_fn(|entry| Complex::new(part(2 * entry), part(2 * entry + 1)))
}

/// Reads a value of every line of the cache, all of which are under way at once.
pub(crate) fn fetch<T: Copy>(values: &[T]) {
    const LINE: usize = 64;
    for line in values.chunks(LINE / size_of::<T>()) {
        black_box(line[0]);
    }
}

/// Blocks of a source, the last few of which are held.
pub(super) struct Reader<'a, M: MatrixSource> {
    source: &'a M,
    scratch: M::Scratch,
    held: Vec<Held>,
}

struct Held {
    block: Option<usize>,
    parts: Parts,
}

/// Blocks that are held: on the way back through a mesh of up to 896 modes those that two columns share are.
const HELD: usize = 8;

impl<'a, M: MatrixSource> Reader<'a, M> {
    pub(super) fn new(source: &'a M) -> Self {
        let nothing = || Held {
            block: None,
            parts: [[0.0; BLOCK]; 8],
        };
        Self {
            source,
            scratch: source.scratch(),
            held: std::iter::repeat_with(nothing).take(HELD).collect(),
        }
    }

    pub(super) fn block(&mut self, block: usize) -> &Parts {
        let held = &mut self.held[block % HELD];
        if held.block != Some(block) {
            self.source.write(block, &mut self.scratch, &mut held.parts);
            held.block = Some(block);
        }
        &held.parts
    }
}

impl Matrices {
    /// One matrix.
    ///
    /// # Panics
    /// If there is no such matrix.
    pub fn get(&self, index: usize) -> TwoByTwo {
        assert!(index < self.count, "there is a matrix {index}");
        matrix_of(&self.blocks[index / BLOCK], index % BLOCK)
    }

    /// The matrices one by one.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = TwoByTwo> {
        (0..self.count).map(|index| self.get(index))
    }

    /// Copies the parts of the matrices of `range` into the first lanes of `lanes`; how many there are.
    ///
    /// # Panics
    /// If there are fewer matrices, or more of them than lanes.
    #[inline(always)]
    pub(super) fn copy<const LANES: usize>(
        &self,
        range: Range<usize>,
        lanes: &mut [[f64; LANES]; 8],
    ) -> usize {
        let mut done = 0;
        while done < range.len() {
            let (block, lane) = ((range.start + done) / BLOCK, (range.start + done) % BLOCK);
            let count = (range.len() - done).min(BLOCK - lane);
            for (into, part) in lanes.iter_mut().zip(&self.blocks[block]) {
                into[done..done + count].copy_from_slice(&part[lane..lane + count]);
            }
            done += count;
        }
        done
    }

    /// Multiplies column `arm` of a matrix, the input at the top (0) or at the bottom (1), by `factor`.
    ///
    /// # Panics
    /// If there is no such matrix or arm.
    pub fn scale_input(&mut self, index: usize, arm: usize, factor: Complex<f64>) {
        let mut matrix = self.get(index);
        matrix[arm] *= factor;
        matrix[arm + 2] *= factor;
        self.set(index, matrix);
    }

    fn set(&mut self, index: usize, matrix: TwoByTwo) {
        let values = matrix.into_iter().flat_map(|z| [z.re, z.im]);
        for (part, value) in self.blocks[index / BLOCK].iter_mut().zip(values) {
            part[index % BLOCK] = value;
        }
    }
}

impl FromIterator<TwoByTwo> for Matrices {
    fn from_iter<I: IntoIterator<Item = TwoByTwo>>(matrices: I) -> Self {
        let matrices: Vec<TwoByTwo> = matrices.into_iter().collect();
        let mut all = Self {
            count: matrices.len(),
            blocks: vec![[[0.0; BLOCK]; 8]; matrices.len().div_ceil(BLOCK)],
        };
        for (index, matrix) in matrices.into_iter().enumerate() {
            all.set(index, matrix);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matrices_come_back_as_they_were_given() {
        let matrix = |k: usize| {
            let z = Complex::new(k as f64, -0.5 * k as f64);
            [z, z + 1.0, z * 2.0, -z]
        };
        for count in [0, 1, 63, 64, 65, 200] {
            let mut matrices: Matrices = (0..count).map(matrix).collect();
            assert_eq!(matrices.count, count);
            assert!(matrices.iter().eq((0..count).map(matrix)));
            if count > 5 {
                matrices.scale_input(5, 1, Complex::i());
                let [a, b, c, d] = matrix(5);
                let turned = [a, b * Complex::i(), c, d * Complex::i()];
                assert_eq!(matrices.get(5), turned);
                assert_eq!(matrices.get(4), matrix(4));
            }
        }
    }
}
