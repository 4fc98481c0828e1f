//! A walk back for derivatives: what a loss behind a mesh makes of the light at every MZI.
//!
//! Where light `x` meets the adjoint `a` of a real loss, ∂L/∂Re x + i ∂L/∂Im x, a phase η on mode m changes the loss by
//! `dL/dη = −Im Σ x_m a_m*`, the sum over samples. So all that a cell's phases need is the 2×2 of overlaps
//! `R_mn = Σ x_m a_n*` on its two modes; how it changes from one side of a coupler or a shifter to the other follows
//! from those alone, and no field inside of a cell is needed. R does not depend on the number of samples.
//!
//! No field is won back by an inverse, which amplifies rounding where light is lost, and no array of fields per MZI
//! and sample is kept: a few samples at a time go through the whole mesh, the state in front of every segment of it is
//! kept, and a segment is walked again before the adjoint walks back through it.

use num_complex::Complex;
use pulp::{Arch, Simd};

use super::plain;
use super::route::{Direction, Order, Route};
use super::scaled::factor;
use crate::field::matrices::MatrixSource;
use crate::field::tile::{Factor, Lines, Pair, Tiled, by_tiles, load, store};
use crate::field::{Fields, Real, TwoByTwo};

/// Bytes of a cache that fields in front of the MZIs of a segment should stay in.
const CACHE: usize = 128 << 10;

/// What a loss makes of the light in a mesh.
#[derive(Debug, Clone)]
pub(crate) struct Pulled<T> {
    /// R of every MZI, `[R11, R12, R21, R22]`, 1 = top, on that side of it where the inputs of the mesh are; in the order of
    /// the matrices.
    pub(crate) overlaps: Vec<TwoByTwo>,
    /// R of every mode where the route ends.
    pub(crate) ends: Vec<Complex<f64>>,
    /// The adjoint where the route starts, `[mode, sample]`.
    pub(crate) adjoint: Fields<T>,
}

/// An MZI of the route, its matrix as light meets it on the way.
#[derive(Debug, Clone, Copy)]
struct Step<T> {
    top: usize,
    bottom: usize,
    matrix: [Factor<T>; 4],
}

impl<T: Real> Step<T> {
    /// The matrix of the adjoint's way back: transposed and conjugate.
    #[inline(always)]
    fn adjoint(&self) -> [Factor<T>; 4] {
        let [a, b, c, d] = self.matrix.map(|(re, im)| (re, -im));
        [a, c, b, d]
    }
}

/// Walks `inputs` along `route` through the MZIs of `matrices` and the adjoint of what comes out back.
///
/// # Panics
/// If the fields have another number of modes than the route, or there is not one adjoint for each.
pub(crate) fn pull<T: Real>(
    route: &Route,
    matrices: &impl MatrixSource,
    inputs: &Fields<T>,
    adjoint: Fields<T>,
) -> Pulled<T> {
    pull_on(Arch::new(), route, matrices, inputs, adjoint)
}

/// [`pull`] with an instruction set of this machine.
pub(super) fn pull_on<T: Real>(
    arch: Arch,
    route: &Route,
    matrices: &impl MatrixSource,
    inputs: &Fields<T>,
    mut adjoint: Fields<T>,
) -> Pulled<T> {
    assert_eq!(
        inputs.modes(),
        route.modes,
        "fields and mesh must agree in modes"
    );
    assert_eq!(adjoint.re.dim(), inputs.re.dim(), "one adjoint per field");
    let (order, steps) = steps(route, matrices);
    let mut sums = vec![[0.0; 8]; steps.len()];
    let mut ends = vec![Complex::ZERO; route.modes];
    let samples = inputs.samples();
    let work = Back {
        steps: &steps,
        direction: route.direction,
        inputs,
        adjoint: &mut adjoint,
        sums: &mut sums,
        ends: &mut ends,
    };
    by_tiles(arch, samples, work);
    let mut overlaps = vec![[Complex::ZERO; 4]; steps.len()];
    for (index, sums) in order.iter().zip(&sums) {
        let [a, b, c, d] = std::array::from_fn(|k| Complex::new(sums[2 * k], sums[2 * k + 1]));
        // Light that goes backwards is the adjoint of the forward problem, and the other way round.
        overlaps[*index] = match route.direction {
            Direction::Forth => [a, b, c, d],
            Direction::Back => [a, c, b, d],
        };
    }
    Pulled {
        overlaps,
        ends,
        adjoint,
    }
}

/// The MZIs in an order in which light can meet them: their numbers and their steps.
fn steps<T: Real>(route: &Route, matrices: &impl MatrixSource) -> (Vec<usize>, Vec<Step<T>>) {
    let matrices = matrices.all();
    let mut pairs = vec![(0, 0); route.count];
    let mut order = vec![0; route.count];
    match &route.order {
        Order::OneByOne(all) => {
            pairs.copy_from_slice(all);
            for (place, index) in order.iter_mut().enumerate() {
                *index = match route.direction {
                    Direction::Forth => place,
                    Direction::Back => route.count - 1 - place,
                };
            }
        }
        Order::Diagonals(diagonals) => {
            for (range, first) in &diagonals.runs {
                for (index, top) in range.clone().zip((*first..).step_by(2)) {
                    pairs[index] = (top, top + 1);
                    order[diagonals.places[index] as usize] = index;
                }
            }
        }
    }
    let step = |index: &usize| {
        let (top, bottom) = pairs[*index];
        let [a, b, c, d] = matrices.get(*index);
        let matrix = match route.direction {
            Direction::Forth => [a, b, c, d],
            Direction::Back => [a, c, b, d],
        };
        Step {
            top,
            bottom,
            matrix: matrix.map(factor),
        }
    };
    let steps = order.iter().map(step).collect();
    (order, steps)
}

struct Back<'a, T> {
    steps: &'a [Step<T>],
    direction: Direction,
    inputs: &'a Fields<T>,
    adjoint: &'a mut Fields<T>,
    sums: &'a mut [[f64; 8]],
    ends: &'a mut [Complex<f64>],
}

impl<T: Real> Tiled for Back<'_, T> {
    type Precision = T;

    #[inline(always)]
    fn run<S: Simd, const K: usize>(self, simd: S) {
        let width = K * size_of::<T::Vector<S>>() / size_of::<T>();
        let samples = self.inputs.samples();
        let modes = self.inputs.modes();
        let segment = (CACHE / (2 * size_of::<Lines<Pair<S, T, K>>>())).max(1);
        let dark: Lines<Pair<S, T, K>> = Lines([[T::splat(simd, T::zero()); K]; 2]);
        let mut light = vec![dark; modes];
        let mut back = vec![dark; modes];
        let count = self.steps.len().div_ceil(segment);
        let mut checkpoints = vec![dark; modes * count];
        let mut kept = vec![[dark; 2]; segment.min(self.steps.len())];
        let standard = "fields are stored in standard layout";
        let inputs =
            [&self.inputs.re, &self.inputs.im].map(|part| part.as_slice().expect(standard));
        let mut adjoint = [&mut self.adjoint.re, &mut self.adjoint.im]
            .map(|part| part.as_slice_mut().expect(standard));
        for start in (0..samples).step_by(width) {
            let len = width.min(samples - start);
            for (mode, (Lines(light), Lines(back))) in light.iter_mut().zip(&mut back).enumerate() {
                let from = mode * samples + start;
                for part in 0..2 {
                    // Lanes beyond the batch must stay dark.
                    light[part] = dark.0[part];
                    back[part] = dark.0[part];
                    load::<S, T, K>(&mut light[part], &inputs[part][from..from + len]);
                    load::<S, T, K>(&mut back[part], &adjoint[part][from..from + len]);
                }
            }
            let mut segments = self
                .steps
                .chunks(segment)
                .zip(checkpoints.chunks_mut(modes));
            let last = segments.next_back();
            for (steps, checkpoint) in segments {
                checkpoint.copy_from_slice(&light);
                for step in steps {
                    plain::<S, T, K>(simd, &mut light, (step.top, step.bottom), step.matrix);
                }
            }
            if let Some((_, checkpoint)) = last {
                checkpoint.copy_from_slice(&light);
            }
            let mut behind = self.steps.len();
            let mut is_last = true;
            let segments = self.steps.chunks(segment).zip(checkpoints.chunks(modes));
            for (steps, checkpoint) in segments.rev() {
                if !is_last {
                    light.copy_from_slice(checkpoint);
                }
                let sums = &mut self.sums[behind - steps.len()..behind];
                behind -= steps.len();
                for (step, kept) in steps.iter().zip(&mut kept) {
                    let at = (step.top, step.bottom);
                    if self.direction == Direction::Forth {
                        *kept = [light[at.0], light[at.1]];
                    }
                    plain::<S, T, K>(simd, &mut light, at, step.matrix);
                    if self.direction == Direction::Back {
                        *kept = [light[at.0], light[at.1]];
                    }
                }
                if is_last {
                    for (end, (light, back)) in self.ends.iter_mut().zip(light.iter().zip(&back)) {
                        *end += overlap::<S, T, K>(simd, &light.0, &back.0);
                    }
                    is_last = false;
                }
                for ((step, kept), sums) in steps.iter().zip(&kept).zip(sums).rev() {
                    let at = (step.top, step.bottom);
                    if self.direction == Direction::Back {
                        add::<S, T, K>(simd, sums, kept, [&back[at.0], &back[at.1]]);
                    }
                    plain::<S, T, K>(simd, &mut back, at, step.adjoint());
                    if self.direction == Direction::Forth {
                        add::<S, T, K>(simd, sums, kept, [&back[at.0], &back[at.1]]);
                    }
                }
            }
            if self.steps.is_empty() {
                for (end, (light, back)) in self.ends.iter_mut().zip(light.iter().zip(&back)) {
                    *end += overlap::<S, T, K>(simd, &light.0, &back.0);
                }
            }
            for (mode, Lines(pair)) in back.iter().enumerate() {
                let to = mode * samples + start;
                for (row, part) in pair.iter().zip(&mut adjoint) {
                    store::<S, T, K>(row, &mut part[to..to + len]);
                }
            }
        }
    }
}

/// Adds the four overlaps of `light` and `back` to `sums`.
#[inline(always)]
fn add<S: Simd, T: Real, const K: usize>(
    simd: S,
    sums: &mut [f64; 8],
    light: &[Lines<Pair<S, T, K>>; 2],
    back: [&Lines<Pair<S, T, K>>; 2],
) {
    for (row, light) in light.iter().enumerate() {
        for (col, back) in back.iter().enumerate() {
            let at = 2 * (2 * row + col);
            let z = overlap::<S, T, K>(simd, &light.0, &back.0);
            sums[at] += z.re;
            sums[at + 1] += z.im;
        }
    }
}

/// Σ x a* over all lanes.
#[inline(always)]
pub(super) fn overlap<S: Simd, T: Real, const K: usize>(
    simd: S,
    x: &Pair<S, T, K>,
    a: &Pair<S, T, K>,
) -> Complex<f64> {
    let mut re = T::splat(simd, T::zero());
    let mut im = re;
    for k in 0..K {
        re = T::plus_product(simd, x[0][k], a[0][k], re);
        re = T::plus_product(simd, x[1][k], a[1][k], re);
        im = T::plus_product(simd, x[1][k], a[0][k], im);
        im = T::less_product(simd, x[0][k], a[1][k], im);
    }
    Complex::new(T::sum(simd, re).double(), T::sum(simd, im).double())
}
