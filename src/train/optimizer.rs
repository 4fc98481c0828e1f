//! Optimizers: what becomes of parameters against a gradient.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// How a step follows from gradients.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// Stochastic gradient descent; a step remembers this share of the one before it, from 0 up to below 1. Polyak, USSR
    /// Comput. Math. Math. Phys. 4, 1 (1964).
    Sgd {
        /// The share.
        momentum: f64,
    },
    /// Kingma, Ba, ICLR 2015 (arXiv:1412.6980), with the decay rates given there.
    Adam,
}

impl Rule {
    /// Its name: `sgd` or `adam`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sgd { .. } => "sgd",
            Self::Adam => "adam",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Rule {
    type Err = Error;

    /// By name; without momentum.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "sgd" => Ok(Self::Sgd { momentum: 0.0 }),
            "adam" => Ok(Self::Adam),
            other => Err(Error::unknown("optimizer", other, &["adam", "sgd"])),
        }
    }
}

/// An optimizer of so many parameters on its way.
#[derive(Debug, Clone, PartialEq)]
pub struct Optimizer {
    rule: Rule,
    /// Running mean of gradients.
    pub(super) mean: Vec<f64>,
    /// Running mean of their squares.
    pub(super) square: Vec<f64>,
    pub(super) steps: u64,
}

impl Optimizer {
    /// Before the first step of `count` parameters.
    pub fn new(rule: Rule, count: usize) -> Self {
        let squares = match rule {
            Rule::Sgd { .. } => 0,
            Rule::Adam => count,
        };
        Self {
            rule,
            mean: vec![0.0; count],
            square: vec![0.0; squares],
            steps: 0,
        }
    }

    /// Moves `values` by a step of size `rate` against `gradient`.
    ///
    /// # Panics
    /// If there is not one value and one slope for every parameter.
    pub fn step(&mut self, values: &mut [f64], gradient: &[f64], rate: f64) {
        assert_eq!(values.len(), self.mean.len(), "one value a parameter");
        assert_eq!(gradient.len(), self.mean.len(), "one slope a parameter");
        self.steps += 1;
        let means = values.iter_mut().zip(gradient).zip(&mut self.mean);
        match self.rule {
            Rule::Sgd { momentum } => {
                for ((value, slope), mean) in means {
                    *mean = momentum * *mean + slope;
                    *value -= rate * *mean;
                }
            }
            Rule::Adam => {
                const DECAY: [f64; 2] = [0.9, 0.999];
                let steps = i32::try_from(self.steps).unwrap_or(i32::MAX);
                let [unbias_mean, unbias_square] =
                    DECAY.map(|decay| 1.0 / (1.0 - decay.powi(steps)));
                for (((value, slope), mean), square) in means.zip(&mut self.square) {
                    *mean += (1.0 - DECAY[0]) * (slope - *mean);
                    *square += (1.0 - DECAY[1]) * (slope * slope - *square);
                    let size = (*square * unbias_square).sqrt() + 1e-8;
                    *value -= rate * *mean * unbias_mean / size;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The gradient of `(1 − a)² + 5 (b − a²)² + 0.3 b sin 3c`.
    fn gradient(p: &[f64]) -> [f64; 3] {
        let [a, b, c] = [p[0], p[1], p[2]];
        let off = b - a * a;
        [
            -2.0 * (1.0 - a) - 20.0 * a * off,
            10.0 * off + 0.3 * (3.0 * c).sin(),
            0.9 * b * (3.0 * c).cos(),
        ]
    }

    /// Where PyTorch 1.13 is after 100 steps, in double precision.
    #[test]
    fn hundred_steps_are_those_of_pytorch() {
        let plain = [
            -0.638_185_738_310_836_9,
            0.556_972_505_038_511_7,
            0.477_673_236_254_281_5,
        ];
        let heavy = [
            0.760_543_727_507_413_5,
            0.541_396_337_838_804_4,
            0.284_141_223_714_147_24,
        ];
        let adam = [
            -0.252_015_945_147_294_7,
            0.135_189_908_108_675_7,
            -0.540_830_949_210_921_8,
        ];
        for (rule, rate, expected) in [
            (Rule::Sgd { momentum: 0.0 }, 0.003, plain),
            (Rule::Sgd { momentum: 0.9 }, 0.003, heavy),
            (Rule::Adam, 0.02, adam),
        ] {
            let mut values = [-1.2, 1.0, 0.5];
            let mut optimizer = Optimizer::new(rule, 3);
            for _ in 0..100 {
                let slopes = gradient(&values);
                optimizer.step(&mut values, &slopes, rate);
            }
            for (value, expected) in values.iter().zip(expected) {
                assert!(
                    (value - expected).abs() < 1e-6,
                    "{rule}: {value} {expected}"
                );
            }
        }
    }
}
