//! The scaled form of MZIs, one by one and the MZIs of a block side by side.

use std::ops::Range;

use num_complex::Complex;

use super::{Factor, Link};
use crate::field::matrices::BLOCK;
use crate::field::{Real, TwoByTwo};
use crate::simd::Loop;

/// A result whose leading entry is this much smaller than the other one is computed by the plain 2×2.
const LARGEST_RATIO: f64 = 1e4;
/// A mode's scale below this is folded back into its field: `f32` then never runs out of exponents.
const SMALLEST_SCALE: f64 = 1e-6;

/// One MZI in scaled form.
pub(super) struct Scaled {
    /// Whether each result is led by the other mode's operand.
    pub(super) swap: bool,
    /// Factor of the lower row in the upper one, and the other way round; not finite where nothing leads.
    pub(super) down: Complex<f64>,
    pub(super) up: Complex<f64>,
    /// Scales of the results.
    pub(super) top: Complex<f64>,
    pub(super) bottom: Complex<f64>,
}

impl Scaled {
    /// Whether no scale fits, and the plain 2×2 has to do. NaN, from a row of zeros, fits nothing.
    #[inline(always)]
    pub(super) fn is_plain(&self) -> bool {
        let fits = |ratio: Complex<f64>| ratio.norm_sqr() <= LARGEST_RATIO * LARGEST_RATIO;
        !(fits(self.down) && fits(self.up))
    }
}

/// `[a b; c d]` on fields with scales `s` and `t`; the larger pair of entries leads.
#[inline(always)]
pub(super) fn scaled_form([a, b, c, d]: TwoByTwo, s: Complex<f64>, t: Complex<f64>) -> Scaled {
    let swap = a.norm_sqr() * d.norm_sqr() < b.norm_sqr() * c.norm_sqr();
    let [a, b, c, d] = [a * s, b * t, c * s, d * t];
    // Part by part: a choice of numbers is no branch.
    let pick = |x: Complex<f64>, y: Complex<f64>| {
        let pick = |x: f64, y: f64| if swap { x } else { y };
        Complex::new(pick(x.re, y.re), pick(x.im, y.im))
    };
    let (top, top_rest) = (pick(b, a), pick(a, b));
    let (bottom, bottom_rest) = (pick(c, d), pick(d, c));
    let over = |rest: Complex<f64>, lead: Complex<f64>| {
        let inverse = 1.0 / lead.norm_sqr();
        let product = rest * lead.conj();
        Complex::new(product.re * inverse, product.im * inverse)
    };
    Scaled {
        swap,
        down: over(top_rest, top),
        up: over(bottom_rest, bottom),
        top,
        bottom,
    }
}

/// One MZI as a link of a chain, and whether its operands swap.
pub(super) type Swapped<T> = (Link<T>, bool);

pub(super) fn factor<T: Real>(z: Complex<f64>) -> Factor<T> {
    (T::of(z.re), T::of(z.im))
}

#[inline(always)]
pub(super) fn is_small(scale: Complex<f64>) -> bool {
    scale.norm_sqr() < SMALLEST_SCALE * SMALLEST_SCALE
}

/// The scales of all modes, even and odd ones apart: real parts, imaginary parts.
pub(super) struct Scales {
    parts: [[Vec<f64>; 2]; 2],
}

impl Scales {
    pub(super) fn new(modes: usize) -> Self {
        let half = modes / 2 + 1;
        let ones = || [vec![1.0; half], vec![0.0; half]];
        Self {
            parts: [ones(), ones()],
        }
    }

    /// Where the scales of `count` modes from `mode` on, every other one, stand.
    fn range(mode: usize, count: usize) -> Range<usize> {
        mode / 2..mode / 2 + count
    }

    /// Puts the scales of the MZIs on `top` and every other mode below it before the lanes `used`.
    pub(super) fn lend(&self, top: usize, lanes: &mut Lanes, used: Range<usize>) {
        for (mode, into) in [top, top + 1].into_iter().zip(&mut lanes.before) {
            for (part, into) in self.parts[mode % 2].iter().zip(into) {
                let scales = &part[Self::range(mode, used.len())];
                into.as_flattened_mut()[used.clone()].copy_from_slice(scales);
            }
        }
    }

    /// Takes the scales behind the lanes `used`.
    pub(super) fn take_back(&mut self, top: usize, lanes: &Lanes, used: Range<usize>) {
        for (mode, from) in [top, top + 1].into_iter().zip(&lanes.behind) {
            for (part, from) in self.parts[mode % 2].iter_mut().zip(from) {
                let scales = &from.as_flattened()[used.clone()];
                part[Self::range(mode, used.len())].copy_from_slice(scales);
            }
        }
    }

    pub(super) fn into_factors(self, modes: usize) -> Vec<Complex<f64>> {
        let factor = |mode: usize| {
            let [re, im] = &self.parts[mode % 2];
            Complex::new(re[mode / 2], im[mode / 2])
        };
        (0..modes).map(factor).collect()
    }
}

/// Lanes are computed in whole sets of this many: loops of known length.
pub(super) const SET: usize = 16;
/// A number of each MZI of a block.
type Numbers = [[f64; SET]; BLOCK / SET];
/// Real and imaginary parts of a quantity of each MZI of a block.
type Planar = [Numbers; 2];

/// MZIs of a block that are scaled together.
pub(super) struct Lanes {
    /// Scales of the top and the bottom modes, before and behind the MZIs.
    pub(super) before: [Planar; 2],
    pub(super) behind: [Planar; 2],
    pub(super) down: Planar,
    pub(super) up: Planar,
    /// 1 where the operands swap.
    pub(super) swap: Numbers,
    /// Whether an MZI needs the plain 2×2, or a scale a fold.
    pub(super) is_exceptional: bool,
}

impl Default for Lanes {
    fn default() -> Self {
        let all = |value: f64| [[value; SET]; BLOCK / SET];
        let (one, zero) = ([all(1.0), all(0.0)], [all(0.0); 2]);
        Self {
            before: [one; 2],
            behind: [one; 2],
            down: zero,
            up: zero,
            swap: all(0.0),
            is_exceptional: false,
        }
    }
}

impl Lanes {
    pub(super) fn set_scales(&mut self, lane: usize, scales: [Complex<f64>; 2]) {
        for ([re, im], scale) in self.behind.iter_mut().zip(scales) {
            re.as_flattened_mut()[lane] = scale.re;
            im.as_flattened_mut()[lane] = scale.im;
        }
    }

    pub(super) fn link<T: Real>(&self, lane: usize) -> Swapped<T> {
        let link = Link {
            down: factor(at(&self.down, lane)),
            up: factor(at(&self.up, lane)),
        };
        (link, self.swap.as_flattened()[lane] == 1.0)
    }
}

#[inline(always)]
pub(super) fn at([re, im]: &Planar, lane: usize) -> Complex<f64> {
    Complex::new(re.as_flattened()[lane], im.as_flattened()[lane])
}

/// The scaled form of the MZIs in some sets of lanes; lanes besides those in use hold what was there before.
pub(super) struct Scaling<'a> {
    pub(super) entries: [&'a [f64; BLOCK]; 8],
    pub(super) lanes: &'a mut Lanes,
    pub(super) sets: Range<usize>,
}

impl Loop for Scaling<'_> {
    #[inline(always)]
    fn run<const FUSED: bool>(self) {
        let Lanes {
            before,
            behind,
            down,
            up,
            swap,
            is_exceptional,
        } = self.lanes;
        // Whole numbers: others would have to be added up in their order.
        let mut exceptional = 0;
        for set in self.sets {
            let part = |k: usize| &self.entries[k].as_chunks::<SET>().0[set];
            let (ar, ai, br, bi) = (part(0), part(1), part(2), part(3));
            let (cr, ci, dr, di) = (part(4), part(5), part(6), part(7));
            let [s, t] = before;
            let (s, t) = ([&s[0][set], &s[1][set]], [&t[0][set], &t[1][set]]);
            for lane in 0..SET {
                let z = |re: &[f64; SET], im: &[f64; SET]| Complex::new(re[lane], im[lane]);
                let matrix = [z(ar, ai), z(br, bi), z(cr, ci), z(dr, di)];
                let scaled = scaled_form(matrix, z(s[0], s[1]), z(t[0], t[1]));
                let write = |[re, im]: &mut Planar, z: Complex<f64>| {
                    (re[set][lane], im[set][lane]) = (z.re, z.im);
                };
                write(down, scaled.down);
                write(up, scaled.up);
                write(&mut behind[0], scaled.top);
                write(&mut behind[1], scaled.bottom);
                swap[set][lane] = if scaled.swap { 1.0 } else { 0.0 };
                let is_exception =
                    scaled.is_plain() | is_small(scaled.top) | is_small(scaled.bottom);
                exceptional |= u64::from(is_exception);
            }
        }
        *is_exceptional = exceptional != 0;
    }
}
