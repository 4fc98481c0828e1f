//! A number of each of many cells: what is given, and errors that are drawn where they are used.

use std::borrow::Cow;
use std::ops::Range;

use crate::field::{BLOCK, fetch};
use crate::rng::{Address, Normals};

/// Numbers of the cells of a mesh: one for all or one each, plus normal errors.
#[derive(Debug, Clone, PartialEq)]
pub struct Values<'a> {
    given: Given<'a>,
    errors: Vec<Spread>,
}

#[derive(Debug, Clone, PartialEq)]
enum Given<'a> {
    Same(f64),
    Each(Cow<'a, [f64]>),
}

/// `sigma` times a draw from N(0, 1) for every value.
#[derive(Debug, Clone, PartialEq)]
struct Spread {
    sigma: f64,
    address: Address,
    /// Number of values that the stream draws for, and of the first one among them.
    count: usize,
    first: usize,
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
            self.errors.push(Spread {
                sigma,
                address,
                count: numbers.end,
                first: numbers.start,
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

    /// Whether these can be the numbers of `count` cells.
    pub(super) fn fit(&self, count: usize) -> bool {
        match &self.given {
            Given::Same(_) => true,
            Given::Each(values) => values.len() == count,
        }
    }

    /// The numbers of all `count` cells.
    ///
    /// # Panics
    /// If they are not the numbers of so many.
    pub fn all(self, count: usize) -> Vec<f64> {
        assert!(self.fit(count), "one value each");
        let mut drawn = self.draw();
        let mut all = match self.given {
            Given::Same(value) => vec![value; count],
            Given::Each(values) => values.into_owned(),
        };
        for (index, block) in all.chunks_mut(BLOCK).enumerate() {
            drawn.read(index * BLOCK, block.len());
            drawn.add_to(block);
        }
        all
    }

    /// Reads a number of every line of the cache that holds those of `range`: they are there when they are asked for.
    pub(super) fn fetch(&self, range: Range<usize>) {
        if let Given::Each(values) = &self.given {
            fetch(&values[range]);
        }
    }

    /// What draws the errors of a block at a time.
    pub(super) fn draw(&self) -> Drawn {
        let errors = self.errors.iter().map(|error| Draws {
            sigma: error.sigma,
            normals: Normals::new(error.address, error.count),
            first: error.first,
            block: [0.0; BLOCK],
        });
        Drawn(errors.collect())
    }

    /// `into[k]` = number `range.start + k` and its errors, which `drawn` holds, plus `offset`; part of a loop.
    #[inline(always)]
    pub(super) fn write(
        &self,
        drawn: &Drawn,
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
        drawn.add_to(into);
        if offset != 0.0 {
            for value in into {
                *value += offset;
            }
        }
    }
}

/// The errors of a block of values.
#[derive(Debug)]
pub(super) struct Drawn(Vec<Draws>);

#[derive(Debug)]
struct Draws {
    sigma: f64,
    normals: Normals,
    first: usize,
    block: [f32; BLOCK],
}

impl Drawn {
    /// Draws those of the `count` values from number `start` on.
    pub(super) fn read(&mut self, start: usize, count: usize) {
        for Draws {
            normals,
            first,
            block,
            ..
        } in &mut self.0
        {
            let first = *first + start;
            if count == BLOCK {
                // Of known length.
                normals.read(first, block);
            } else {
                normals.read(first, &mut block[..count]);
            }
        }
    }

    /// Adds them; part of a loop.
    #[inline(always)]
    fn add_to(&self, values: &mut [f64]) {
        for draws in &self.0 {
            for (value, normal) in values.iter_mut().zip(&draws.block) {
                *value += draws.sigma * f64::from(*normal);
            }
        }
    }
}
