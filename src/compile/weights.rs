//! How the weights of a tile are held.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, did_you_mean};
use crate::linalg::{C64, Matrix};

/// How the weights of a program are held, before phases are chosen for them.
///
/// Files and the command line write `exact`, `fixed:BITS`, `abfp` and `abfp:BITS`. Weights of b bits have 2^b − 1 levels from
/// −scale to scale, zero among them; complex ones have them in both parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Weights {
    /// As they were trained.
    #[default]
    Exact,
    /// Rounded to so many bits over the largest modulus of their tile.
    Fixed(u32),
    /// Every row of a tile over its own largest modulus, in bfloat16, by which its readings are multiplied digitally; then
    /// rounded, if there are bits. Basumallik et al., arXiv:2205.06287.
    Abfp(Option<u32>),
}

/// The weights of a tile as light has them, up to the tile's digital scale.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Held {
    pub(super) block: Matrix,
    /// The digital factor of every row; none where it is 1 everywhere.
    pub(super) row_scales: Option<Vec<f64>>,
}

impl Weights {
    /// Bits of the weights; none where they are not rounded.
    pub fn bits(self) -> Option<u32> {
        match self {
            Self::Exact => None,
            Self::Fixed(bits) => Some(bits),
            Self::Abfp(bits) => bits,
        }
    }

    /// Whether they are as they were trained.
    pub fn is_exact(&self) -> bool {
        *self == Self::Exact
    }

    /// Fails unless the bits are as many as weights can have.
    pub(super) fn check(self) -> Result<()> {
        match self.bits() {
            Some(bits) if !(2..=24).contains(&bits) => {
                Err(Error::value("bits of weights", bits, "2..=24"))
            }
            _ => Ok(()),
        }
    }

    /// `block` as it is held.
    pub(super) fn held(self, block: &Matrix) -> Held {
        let largest = |values: &mut dyn Iterator<Item = &C64>| {
            values.map(|value| value.norm()).fold(0.0, f64::max)
        };
        match self {
            Self::Exact => Held {
                block: block.clone(),
                row_scales: None,
            },
            Self::Fixed(bits) => {
                let scale = largest(&mut block.iter());
                Held {
                    block: block.map(|weight| rounded(weight, scale, Some(bits)) * scale),
                    row_scales: None,
                }
            }
            Self::Abfp(bits) => {
                let rows = block.row_iter();
                let scales: Vec<f64> = rows.map(|row| bfloat16(largest(&mut row.iter()))).collect();
                let (rows, cols) = block.shape();
                Held {
                    block: Matrix::from_fn(rows, cols, |row, col| {
                        rounded(block[(row, col)], scales[row], bits)
                    }),
                    row_scales: Some(scales),
                }
            }
        }
    }
}

/// `weight` over `scale`, both parts at most 1 in size and rounded to `bits`; 0 where the scale is 0.
fn rounded(weight: C64, scale: f64, bits: Option<u32>) -> C64 {
    if scale == 0.0 {
        return C64::ZERO;
    }
    let part = |part: f64| {
        let held = (part / scale).clamp(-1.0, 1.0);
        match bits {
            None => held,
            Some(bits) => {
                let steps = f64::from((1u32 << (bits - 1)) - 1);
                (held * steps).round() / steps
            }
        }
    };
    C64::new(part(weight.re), part(weight.im))
}

/// The nearest number of eight significant bits, of two the even one: bfloat16 without limits of its exponent.
pub(crate) fn bfloat16(value: f64) -> f64 {
    const DROPPED: u32 = f64::MANTISSA_DIGITS - 8;
    let bits = value.to_bits();
    let half = (1u64 << (DROPPED - 1)) - 1 + ((bits >> DROPPED) & 1);
    let nearest = f64::from_bits(((bits + half) >> DROPPED) << DROPPED);
    // The largest numbers have no neighbour above.
    if nearest.is_finite() { nearest } else { value }
}

const EXACT: &str = "exact";
const FIXED: &str = "fixed";
const ABFP: &str = "abfp";

impl std::fmt::Display for Weights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exact => EXACT.fmt(f),
            Self::Fixed(bits) => write!(f, "{FIXED}:{bits}"),
            Self::Abfp(None) => ABFP.fmt(f),
            Self::Abfp(Some(bits)) => write!(f, "{ABFP}:{bits}"),
        }
    }
}

impl std::str::FromStr for Weights {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, bits) = match text.split_once(':') {
            Some((name, bits)) => (name, Some(bits)),
            None => (text, None),
        };
        let refused = || {
            let meant = did_you_mean(name, [EXACT, FIXED, ABFP]);
            let limit = format!("exact, fixed:BITS, abfp or abfp:BITS with bits in 2..=24{meant}");
            Error::value("weights", format!("{text:?}"), limit)
        };
        let bits: Option<u32> = bits
            .map(|bits| bits.parse().map_err(|_| refused()))
            .transpose()?;
        let weights = match (name, bits) {
            (EXACT, None) => Self::Exact,
            (FIXED, Some(bits)) => Self::Fixed(bits),
            (ABFP, bits) => Self::Abfp(bits),
            _ => return Err(refused()),
        };
        weights.check().map_err(|_| refused())?;
        Ok(weights)
    }
}

impl From<Weights> for String {
    fn from(weights: Weights) -> Self {
        weights.to_string()
    }
}

impl TryFrom<String> for Weights {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1 + 2⁻⁸ is half-way between 1 and 1 + 2⁻⁷, 1 + 3 · 2⁻⁸ between that and 1 + 2⁻⁶: each goes to the even one.
    #[test]
    fn bfloat16_keeps_eight_bits_and_rounds_to_the_even_neighbour() {
        for exact in [0.0, 1.0, -1.5, 3.0e-30, 255.0 * 2f64.powi(90)] {
            let kept = bfloat16(exact);
            assert!((kept - exact).abs() <= exact.abs() / 256.0);
            assert_eq!(bfloat16(kept), kept);
        }
        assert_eq!(bfloat16(255.0), 255.0);
        assert_eq!(bfloat16(257.0), 256.0);
        assert_eq!(bfloat16(1.0 + 1.0 / 256.0), 1.0);
        assert_eq!(bfloat16(1.0 + 3.0 / 256.0), 1.0 + 2.0 / 128.0);
        assert_eq!(bfloat16(-1.0 - 3.1 / 512.0), -1.0 - 1.0 / 128.0);
        assert_eq!(bfloat16(f64::MAX), f64::MAX);
    }

    /// Three bits: 0, ±1/3, ±2/3, ±1 of the scale.
    #[test]
    fn weights_are_the_nearest_levels_of_their_scale() {
        let weights = [3.0, -1.4, 0.4, 0.2, -0.12, 0.05];
        let block = Matrix::from_fn(2, 3, |row, col| C64::from(weights[row * 3 + col]));
        let fixed = Weights::Fixed(3).held(&block);
        assert_eq!(fixed.row_scales, None);
        let levels = [3.0, -1.0, 0.0, 0.0, 0.0, 0.0];
        for (index, level) in levels.iter().enumerate() {
            assert!((fixed.block[(index / 3, index % 3)].re - level).abs() < 1e-15);
        }
        let blocks = Weights::Abfp(Some(3)).held(&block);
        let scales = blocks.row_scales.unwrap();
        assert_eq!(scales, [3.0, bfloat16(0.2)]);
        let levels = [1.0, -1.0 / 3.0, 0.0, 1.0, -2.0 / 3.0, 1.0 / 3.0];
        for (index, level) in levels.iter().enumerate() {
            assert!((blocks.block[(index / 3, index % 3)].re - level).abs() < 1e-15);
        }
    }

    #[test]
    fn every_way_to_hold_weights_has_a_name() {
        for weights in [
            Weights::Exact,
            Weights::Fixed(2),
            Weights::Abfp(None),
            Weights::Abfp(Some(24)),
        ] {
            assert_eq!(weights.to_string().parse::<Weights>().unwrap(), weights);
        }
        for text in [
            "", "float", "exact:3", "fixed", "fixed:1", "abfp:25", "abfp:", "abfp:x",
        ] {
            assert!(text.parse::<Weights>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_row_of_zeros_stays_dark() {
        let block = Matrix::zeros(2, 2);
        for weights in [Weights::Fixed(4), Weights::Abfp(Some(4))] {
            assert_eq!(weights.held(&block).block, block);
        }
    }
}
