//! A number of each of many cells: what is given, and errors that are drawn where they are used.

use std::borrow::Cow;
use std::ops::Range;

use crate::field::{BLOCK, fetch};
use crate::rng::{Address, Normals};

/// Numbers of the cells of a mesh: one for all or one each, plus normal errors.
///
/// The errors of a drawn chip stand here as what they follow from, a standard deviation and an
/// [`Address`] in the random numbers. They are drawn 64 at a time, where the matrices of so many cells are computed; a
/// chip that is drawn, walked through once and forgotten never has them in memory. [`all`](Self::all) draws them at
/// once.
#[derive(Debug, Clone, PartialEq)]
pub struct Values<'a> {
    given: Given<'a>,
    errors: Vec<Errors>,
}

#[derive(Debug, Clone, PartialEq)]
enum Given<'a> {
    Same(f64),
    Each(Cow<'a, [f64]>),
}

/// `sigma` times a draw from N(0, 1) for every value.
#[derive(Debug, Clone, PartialEq)]
struct Errors {
    sigma: f64,
    address: Address,
    /// The number of the first value in the stream, and how many numbers the stream draws: these are its next ones, not
    /// always its last.
    numbers: Range<usize>,
}

impl<'a> Values<'a> {
    /// The same number for all.
    pub fn same(value: f64) -> Self {
        Self {
            given: Given::Same(value),
            errors: Vec::new(),
        }
    }

    /// One number each.
    pub fn each(values: impl Into<Cow<'a, [f64]>>) -> Self {
        Self {
            given: Given::Each(values.into()),
            errors: Vec::new(),
        }
    }

    /// Adds `sigma` N(0, 1): what [`add_normals`](crate::rng::Stream::add_normals) of the stream at `address` would add to
    /// `numbers.end` values, of which these are the ones from number `numbers.start` on.
    #[must_use]
    pub fn with_errors(mut self, sigma: f64, address: Address, numbers: Range<usize>) -> Self {
        if sigma != 0.0 {
            self.errors.push(Errors {
                sigma,
                address,
                numbers,
            });
        }
        self
    }

    /// Adds a number to each, those of `numbers` in their order.
    ///
    /// # Panics
    /// If there are fewer than values.
    #[must_use]
    pub fn plus(mut self, numbers: &[f64]) -> Self {
        let sums = match &self.given {
            Given::Same(value) => numbers.iter().map(|number| value + number).collect(),
            Given::Each(values) => {
                assert!(values.len() <= numbers.len(), "a number for each value");
                values.iter().zip(numbers).map(|(a, b)| a + b).collect()
            }
        };
        self.given = Given::Each(Cow::Owned(sums));
        self
    }

    /// Adds the same number to all.
    #[must_use]
    pub fn plus_same(mut self, number: f64) -> Self {
        if number != 0.0 {
            self.given = match self.given {
                Given::Same(value) => Given::Same(value + number),
                Given::Each(values) => {
                    let sums = values.iter().map(|value| value + number);
                    Given::Each(sums.collect())
                }
            };
        }
        self
    }

    /// Whether these can be the numbers of `count` cells.
    pub(super) fn fit(&self, count: usize) -> bool {
        match &self.given {
            Given::Same(_) => true,
            Given::Each(values) => values.len() == count,
        }
    }

    /// The numbers of all `count` cells, every error drawn.
    ///
    /// # Panics
    /// If they are not the numbers of so many.
    pub fn all(self, count: usize) -> Vec<f64> {
        assert!(self.fit(count), "one value each");
        let mut drawn = self.draws();
        let mut all = match self.given {
            Given::Same(value) => vec![value; count],
            Given::Each(values) => values.into_owned(),
        };
        for (index, block) in all.chunks_mut(BLOCK).enumerate() {
            let start = index * BLOCK;
            for draws in &mut drawn {
                draws.read(start..start + block.len());
            }
            add(&drawn, block);
        }
        all
    }

    /// The same numbers of `count` cells with every error drawn.
    ///
    /// # Panics
    /// If they are not the numbers of so many.
    #[must_use]
    pub fn drawn(self, count: usize) -> Self {
        if self.errors.is_empty() {
            return self;
        }
        Self::each(self.all(count))
    }

    /// The number of one cell; its errors are drawn for it alone, which for many is slow.
    ///
    /// # Panics
    /// If there is no such cell.
    pub(super) fn get(&self, index: usize) -> f64 {
        let given = match &self.given {
            Given::Same(value) => *value,
            Given::Each(values) => values[index],
        };
        self.errors.iter().fold(given, |value, errors| {
            let mut normal = [0.0];
            let mut normals = Normals::new(errors.address, errors.numbers.end);
            normals.read(errors.numbers.start + index, &mut normal);
            value + errors.sigma * f64::from(normal[0])
        })
    }

    /// Reads a number of every line of the cache that holds those of `range`: they are there when they are asked for.
    pub(super) fn fetch(&self, range: Range<usize>) {
        if let Given::Each(values) = &self.given {
            fetch(&values[range]);
        }
    }

    /// What draws the errors of a block at a time.
    pub(super) fn draws(&self) -> Vec<Draws> {
        let draws = self.errors.iter().map(|errors| Draws {
            sigma: errors.sigma,
            normals: Normals::new(errors.address, errors.numbers.end),
            first: errors.numbers.start,
            block: [0.0; BLOCK],
        });
        draws.collect()
    }

    /// `into[k]` = number `range.start + k` and its errors, which `draws` hold, plus `offset`; part of a loop.
    #[inline(always)]
    pub(super) fn write(
        &self,
        draws: &[Draws],
        range: Range<usize>,
        offset: f64,
        into: &mut [f64; BLOCK],
    ) {
        match &self.given {
            Given::Same(value) => *into = [*value; BLOCK],
            Given::Each(values) => {
                let values = &values[range];
                match values.first_chunk::<BLOCK>() {
                    // Of known length.
                    Some(values) => *into = *values,
                    None => into[..values.len()].copy_from_slice(values),
                }
            }
        }
        add(draws, into);
        if offset != 0.0 {
            for value in into {
                *value += offset;
            }
        }
    }
}

/// The errors of a block of values.
#[derive(Debug)]
pub(super) struct Draws {
    sigma: f64,
    normals: Normals,
    /// The number in the stream of the first of all values.
    first: usize,
    block: [f32; BLOCK],
}

impl Draws {
    /// Draws those of the values of `range`, which are a block at most.
    pub(super) fn read(&mut self, range: Range<usize>) {
        let first = self.first + range.start;
        if range.len() == BLOCK {
            // Of known length.
            self.normals.read(first, &mut self.block);
        } else {
            self.normals.read(first, &mut self.block[..range.len()]);
        }
    }
}

/// Adds the errors of a block to its values; part of a loop.
#[inline(always)]
fn add(draws: &[Draws], values: &mut [f64]) {
    for draws in draws {
        for (value, normal) in values.iter_mut().zip(&draws.block) {
            *value += draws.sigma * f64::from(*normal);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Effect, Seed};

    fn address(effect: Effect) -> Address {
        Address {
            seed: Seed(2),
            effect,
            trial: 1,
            unit: 3,
            block: 0,
        }
    }

    /// Two errors on the numbers from 70 on of a list of 200: what [`add_normals`](crate::rng::Stream::add_normals) adds
    /// to the whole list.
    #[test]
    fn errors_drawn_by_block_by_one_or_at_once_are_those_of_the_stream() {
        let numbers = 70..200;
        let mut expected = vec![0.25; 200];
        let drawn = [(Effect::Offset, 0.1), (Effect::Drift, 0.02)];
        for (effect, sigma) in drawn {
            address(effect).stream().add_normals(&mut expected, sigma);
        }
        let expected = &expected[numbers.clone()];
        for given in [Values::same(0.25), Values::each(vec![0.25; numbers.len()])] {
            let values = drawn.into_iter().fold(given, |values, (effect, sigma)| {
                values.with_errors(sigma, address(effect), numbers.clone())
            });
            assert_eq!(values.clone().all(numbers.len()), expected);
            let at_once = values.clone().drawn(numbers.len());
            assert!(at_once.errors.is_empty());
            for (index, expected) in expected.iter().enumerate() {
                assert_eq!(values.get(index), *expected, "{index}");
                assert_eq!(at_once.get(index), *expected, "{index}");
            }
        }
    }
}
