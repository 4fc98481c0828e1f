//! Every fast walk against the plain product of 2×2 matrices, on every instruction set of the machine.

use std::borrow::Cow;

use ndarray::s;

use super::*;
use crate::field::InstructionSet;
use crate::field::TwoByTwo;
use crate::field::matrices::Matrices;
use crate::field::{ColumnWalk, Product};
use crate::rng::{Effect, Seed};

fn random_fields(modes: usize, samples: usize) -> Fields<f64> {
    let mut stream = Seed(1).stream(Effect::Haar, modes as u64, samples as u64, 0);
    let mut part =
        || ndarray::Array2::from_shape_fn((modes, samples), |_| stream.standard_normal());
    Fields {
        re: part(),
        im: part(),
    }
}

/// One MZI on its modes.
#[derive(Clone, Copy)]
struct Step {
    top: usize,
    bottom: usize,
    matrix: TwoByTwo,
}

fn walk<T: Real>(steps: &[Step], direction: Direction, factors: &[Complex<f64>]) -> Walk<T> {
    walk_from(steps, direction, factors, factors.len())
}

fn walk_from<T: Real>(
    steps: &[Step],
    direction: Direction,
    factors: &[Complex<f64>],
    lit: usize,
) -> Walk<T> {
    let pair = |index: usize| (steps[index].top, steps[index].bottom);
    let matrices: Matrices = steps.iter().map(|step| step.matrix).collect();
    let route = Route::new(steps.len(), pair, factors.len(), direction);
    Walk::new(&route, &matrices, factors, lit)
}

/// The plain product of 2×2 matrices, sample by sample.
fn product(fields: &Fields<f64>, steps: &[Step], factors: &[Complex<f64>]) -> Fields<f64> {
    let mut out = fields.clone();
    for sample in 0..fields.samples() {
        let mut x: Vec<_> = (0..fields.modes())
            .map(|mode| Complex::new(fields.re[[mode, sample]], fields.im[[mode, sample]]))
            .collect();
        for Step {
            top,
            bottom,
            matrix: [a, b, c, d],
        } in steps
        {
            (x[*top], x[*bottom]) = (a * x[*top] + b * x[*bottom], c * x[*top] + d * x[*bottom]);
        }
        for (mode, (x, factor)) in x.iter().zip(factors).enumerate() {
            out.re[[mode, sample]] = (x * factor).re;
            out.im[[mode, sample]] = (x * factor).im;
        }
    }
    out
}

/// Rectangular layout with the given 2×2 per MZI.
fn rectangle(modes: usize, mut matrix: impl FnMut() -> TwoByTwo) -> Vec<Step> {
    (0..modes)
        .flat_map(|column| (column % 2..modes - 1).step_by(2))
        .map(|top| Step {
            top,
            bottom: top + 1,
            matrix: matrix(),
        })
        .collect()
}

fn check(steps: &[Step], modes: usize) {
    for arch in InstructionSet::all().into_iter().map(|set| set.0) {
        check_on(arch, steps, modes);
    }
}

fn check_on(arch: Arch, steps: &[Step], modes: usize) {
    let factors: Vec<_> = (0..modes)
        .map(|k| Complex::from_polar(1.0, k as f64))
        .collect();
    for samples in [1, 31, 32, 33, 100] {
        let fields = random_fields(modes, samples);
        let expected = product(&fields, steps, &factors);
        let size = (expected.power() / (modes * samples) as f64)
            .sqrt()
            .max(1e-300);
        let mut got = fields.clone();
        walk(steps, Direction::Forth, &factors).run_on(arch, &mut got);
        let bound = (1e-15 * size * (modes * modes) as f64).max(1e-14 * size);
        let off = distance(&got, &expected);
        assert!(off < bound, "f64 {modes} {samples}: {off:e}");
        let amplitude = |k| Complex::new(1.0, 0.1 * k as f64);
        let amplitudes: Vec<_> = (0..samples.min(modes)).map(amplitude).collect();
        let mut light = Fields::<f64>::basis(modes, amplitudes.len());
        light.scale_modes(&(0..modes).map(amplitude).collect::<Vec<_>>());
        let columns: Walk<f64> = walk(steps, Direction::Forth, &factors);
        let back: Vec<Step> = steps.iter().rev().map(transposed).collect();
        let mut got = fields.clone();
        walk(steps, Direction::Back, &factors).run_on(arch, &mut got);
        let off = distance(&got, &product(&fields, &back, &factors));
        assert!(off < bound, "back {modes} {samples}: {off:e}");
        for (direction, in_turn) in [(Direction::Forth, steps), (Direction::Back, &back[..])] {
            for lit in [0, 1, modes / 3, modes - 1] {
                let mut light = fields.clone();
                for part in [&mut light.re, &mut light.im] {
                    part.slice_mut(s![lit.., ..]).fill(0.0);
                }
                // What stands in dark modes does not count.
                let mut got = fields.clone();
                walk_from(steps, direction, &factors, lit).run_on(arch, &mut got);
                let off = distance(&got, &product(&light, in_turn, &factors));
                assert!(off < bound, "lit {lit} of {modes}, {samples}: {off:e}");
            }
        }
        let off = distance(
            &columns.columns_on(arch, &amplitudes),
            &product(&light, steps, &factors),
        );
        assert!(
            off < 1e-14 * (modes * modes) as f64,
            "columns {modes} {samples}: {off:e}"
        );
        let matrix = product(&Fields::basis(modes, modes), steps, &factors);
        let mut got = fields.clone();
        Product::new(&matrix).run_on(arch, &mut got);
        let off = distance(&got, &expected);
        assert!(off < bound, "matrix {modes} {samples}: {off:e}");
        let pair = |index: usize| (steps[index].top, steps[index].bottom);
        let matrices: Matrices = steps.iter().map(|step| step.matrix).collect();
        if let Some(columns) = ColumnWalk::new(pair, &matrices, &factors) {
            let mut got = fields.clone();
            columns.run_on(arch, &mut got);
            let off = distance(&got, &expected);
            assert!(off < bound, "columns {modes} {samples}: {off:e}");
        }
        let single = |part: &ndarray::Array2<f64>| part.mapv(|x| x as f32);
        let mut got = Fields {
            re: single(&fields.re),
            im: single(&fields.im),
        };
        walk(steps, Direction::Forth, &factors).run_on(arch, &mut got);
        let double = |part: &ndarray::Array2<f32>| part.mapv(f64::from);
        let got = Fields {
            re: double(&got.re),
            im: double(&got.im),
        };
        let bound = 1e-6 * size * (modes as f64).sqrt().max(8.0);
        assert!(distance(&got, &expected) < bound, "f32 {modes} {samples}");
    }
}

fn transposed(step: &Step) -> Step {
    let [a, b, c, d] = step.matrix;
    Step {
        matrix: [a, c, b, d],
        ..*step
    }
}

fn distance(a: &Fields<f64>, b: &Fields<f64>) -> f64 {
    let part = |x: &ndarray::Array2<f64>, y: &ndarray::Array2<f64>| {
        x.iter()
            .zip(y)
            .map(|(x, y)| (x - y).abs())
            .fold(0.0, f64::max)
    };
    let far = part(&a.re, &b.re).max(part(&a.im, &b.im));
    assert!(a.re.iter().chain(&a.im).all(|x| x.is_finite()));
    far
}

fn mzi(theta: f64, phi: f64) -> TwoByTwo {
    let g = Complex::<f64>::i() * Complex::from_polar(1.0, theta / 2.0);
    let e = Complex::from_polar(1.0, phi);
    let (s, c) = (theta / 2.0).sin_cos();
    [g * e * s, g * c, g * e * c, -g * s]
}

#[test]
fn the_fast_walk_equals_the_plain_one_on_random_meshes() {
    for modes in [2, 3, 5, 16, 33, 64] {
        let mut stream = Seed(2).stream(Effect::Haar, modes as u64, 0, 0);
        let mut random = || mzi(stream.uniform() * 3.1, stream.uniform() * 6.2);
        check(&rectangle(modes, &mut random), modes);
    }
}

#[test]
fn the_fast_walk_holds_bar_cross_and_nearly_so() {
    use std::f64::consts::PI;
    for theta in [0.0, PI, 1e-9, PI - 1e-9, PI / 2.0] {
        check(&rectangle(24, || mzi(theta, 0.3)), 24);
    }
}

#[test]
fn the_fast_walk_holds_strong_loss_and_dead_devices() {
    // 30 dB an MZI, some dead arms, over 40 columns: 1e-60 in amplitude would leave f32.
    let mut count = 0;
    let steps = rectangle(40, || {
        count += 1;
        mzi(1.0 + f64::from(count % 7) / 3.0, 0.1 * f64::from(count)).map(|z| z * 0.3)
    });
    check(&steps, 40);
    let dead = [Complex::ZERO; 4];
    let blocked = [Complex::ZERO, Complex::ZERO, Complex::ONE, Complex::ZERO];
    let mut steps = rectangle(6, || mzi(1.2, 0.4));
    steps[3].matrix = dead;
    steps[6].matrix = blocked;
    check(&steps, 6);
}

#[test]
fn the_fast_walk_holds_meshes_of_distant_modes() {
    // A butterfly of 8 modes.
    let mut steps = Vec::new();
    for stride in [1, 2, 4] {
        for top in (0..8).filter(|mode| mode & stride == 0) {
            let matrix = mzi(0.3 + top as f64 / 5.0, stride as f64);
            steps.push(Step {
                top,
                bottom: top + stride,
                matrix,
            });
        }
    }
    check(&steps, 8);
}

#[test]
fn the_fast_walk_holds_mzis_that_stand_upside_down() {
    let mut turned = false;
    let mut steps = rectangle(12, || mzi(0.9, 2.2));
    for step in &mut steps {
        turned = !turned;
        if turned {
            (step.top, step.bottom) = (step.bottom, step.top);
        }
    }
    check(&steps, 12);
}

/// An MZI of couplers, phases and a loss of both arms, times what its top arm loses in front.
fn lossy(stream: &mut crate::rng::Stream, top_arm: f64) -> TwoByTwo {
    let (s, c) = stream.uniform().sin_cos();
    let [front, whole] = [0; 2].map(|_| Complex::from_polar(1.0, 6.0 * stream.uniform()));
    let whole = whole * (0.9 + 0.1 * stream.uniform());
    let i = Complex::i();
    [
        whole * front * top_arm * c,
        whole * i * s,
        whole * front * top_arm * i * s,
        whole * c,
    ]
}

fn unitary(stream: &mut crate::rng::Stream) -> TwoByTwo {
    let matrix = lossy(stream, 1.0);
    let whole = matrix[0].norm_sqr() + matrix[1].norm_sqr();
    matrix.map(|z| z / whole.sqrt())
}

/// Few samples, a register of them and more, in both precisions, on every instruction set: what they meet in a product of
/// 2×2 matrices, sample by sample.
#[test]
fn overlaps_of_walked_light_are_those_of_the_plain_product() {
    let mut stream = Seed(41).stream(Effect::Haar, 0, 0, 0);
    for (modes, samples) in [(2, 1), (3, 7), (8, 40), (21, 5)] {
        let steps = rectangle(modes, || lossy(&mut stream, 0.9));
        let pair = |index: usize| (steps[index].top, steps[index].bottom);
        let matrices: Matrices = steps.iter().map(|step| step.matrix).collect();
        let route = Route::new(steps.len(), pair, modes, Direction::Forth);
        let light = random_fields(modes, samples);
        let adjoint = random_fields(modes, samples + 1).crop(modes, samples);
        let expected = plain_overlaps(&steps, &light, &adjoint);
        let size = expected
            .iter()
            .flatten()
            .fold(0.0, |most: f64, z| most.max(z.norm()));
        let single = |fields: &Fields<f64>| Fields {
            re: fields.re.mapv(|x| x as f32),
            im: fields.im.mapv(|x| x as f32),
        };
        for arch in InstructionSet::all().into_iter().map(|set| set.0) {
            let double = pull::pull_on(arch, &route, &matrices, &light, adjoint.clone());
            let (x, a) = (single(&light), single(&adjoint));
            let single = pull::pull_on(arch, &route, &matrices, &x, a);
            for (got, bound) in [(double.overlaps, 1e-12), (single.overlaps, 1e-4)] {
                for (got, expected) in got.iter().flatten().zip(expected.iter().flatten()) {
                    assert!((got - expected).norm() < bound * size, "{got} {expected}");
                }
            }
        }
    }
}

/// R in front of every MZI: of light through those ahead and of the adjoint back through the others.
fn plain_overlaps(steps: &[Step], light: &Fields<f64>, adjoint: &Fields<f64>) -> Vec<TwoByTwo> {
    let ones = vec![Complex::ONE; light.modes()];
    let back: Vec<Step> = steps.iter().rev().map(transposed).collect();
    let conjugate = adjoint.clone().conjugated();
    let of = |(index, step): (usize, &Step)| {
        let x = product(light, &steps[..index], &ones);
        let conjugate = product(&conjugate, &back[..steps.len() - index], &ones);
        let all = x.times_transposed(&conjugate);
        let at = |row: usize, col: usize| Complex::new(all.re[[row, col]], all.im[[row, col]]);
        let Step { top, bottom, .. } = *step;
        [
            at(top, top),
            at(top, bottom),
            at(bottom, top),
            at(bottom, bottom),
        ]
    };
    steps.iter().enumerate().map(of).collect()
}

/// Overlaps that are carried through a mesh, either way, are those of light that is walked: of lossy MZIs all of them, of
/// unitary ones their anti-Hermitian part.
#[test]
fn carried_overlaps_are_those_of_light_and_adjoint() {
    let mut stream = Seed(43).stream(Effect::Haar, 0, 0, 0);
    for (modes, arm) in [2, 3, 8, 21, 40]
        .into_iter()
        .flat_map(|modes| [(modes, 1.0), (modes, 0.98)])
    {
        let mut mzi = || {
            let [a, b, c, d] = unitary(&mut stream);
            // The top arm loses, and both do.
            let both = arm + (1.0 - arm) * stream.uniform();
            [both * arm * a, both * b, both * arm * c, both * d]
        };
        let rectangle = rectangle(modes, &mut mzi);
        // A triangle of single MZIs behind it: short runs.
        let triangle = (1..modes).flat_map(|last| (0..last).rev().map(move |top| (top, top + 1)));
        let triangle: Vec<Step> = triangle
            .map(|(top, bottom)| Step {
                top,
                bottom,
                matrix: mzi(),
            })
            .collect();
        for steps in [rectangle, triangle] {
            let pair = |index: usize| (steps[index].top, steps[index].bottom);
            let matrices: Matrices = steps.iter().map(|step| step.matrix).collect();
            let [forth, back] = [Direction::Forth, Direction::Back]
                .map(|direction| Route::new(steps.len(), pair, modes, direction));
            let light = random_fields(modes, 7);
            let adjoint = random_fields(modes, 8).crop(modes, 7);
            let plain = pull::pull(&forth, &matrices, &light, adjoint.clone());
            let mut sent = light.clone();
            Walk::new(&forth, &matrices, &vec![Complex::ONE; modes], modes)
                .run_on(Arch::new(), &mut sent);
            let of = |light: &Fields<f64>, adjoint: &Fields<f64>| {
                light.times(&adjoint.clone().conjugated().transposed())
            };
            let (ahead, behind) = (of(&light, &plain.adjoint), of(&sent, &adjoint));
            for arch in InstructionSet::all().into_iter().map(|set| set.0) {
                let single = |fields: &Fields<f64>| Fields {
                    re: fields.re.mapv(|x| x as f32),
                    im: fields.im.mapv(|x| x as f32),
                };
                for (route, from) in [(&forth, &ahead), (&back, &behind)] {
                    let passage = Passage::new(route, Cow::Borrowed(&matrices)).unwrap();
                    let double = passage.carry_on(arch, from);
                    compare_overlaps(&double, &plain, arm == 1.0, 1e-12);
                    let single = passage.carry_on(arch, &single(from));
                    compare_overlaps(&single, &plain, arm == 1.0, 1e-4);
                }
            }
        }
    }
}

fn compare_overlaps(
    got: &overlaps::Carried,
    expected: &pull::Pulled<f64>,
    is_unitary: bool,
    bound: f64,
) {
    let part = |[a, b, c, d]: TwoByTwo| match is_unitary {
        false => [a, b, c, d],
        true => {
            let turned = [a, c, b, d].map(|z| z.conj());
            std::array::from_fn(|k| 0.5 * ([a, b, c, d][k] - turned[k]))
        }
    };
    let sums = expected.overlaps.iter().copied();
    let size = sums.flatten().fold(0.0, |most: f64, z| most.max(z.norm()));
    let pairs = got.overlaps.iter().zip(&expected.overlaps);
    for (got, expected) in pairs.flat_map(|(got, all)| got.iter().zip(part(*all))) {
        assert!((got - expected).norm() < bound * size, "{got} {expected}");
    }
    for (got, expected) in got.behind.iter().zip(&expected.ends) {
        assert!(
            (got.im - expected.im).abs() < bound * size,
            "{got} {expected}"
        );
    }
}

#[test]
fn overlaps_are_not_carried_where_rounding_would_grow() {
    let mut stream = Seed(44).stream(Effect::Haar, 0, 0, 0);
    for (arm, is_carried) in [(0.5, true), (0.1, false), (0.0, false)] {
        let steps = rectangle(4, || lossy(&mut stream, arm));
        let pair = |index: usize| (steps[index].top, steps[index].bottom);
        let matrices: Matrices = steps.iter().map(|step| step.matrix).collect();
        let route = Route::new(steps.len(), pair, 4, Direction::Forth);
        let passage = Passage::new(&route, Cow::Borrowed(&matrices));
        assert_eq!(passage.is_some(), is_carried, "{arm}");
    }
    let route = Route::new(2, |index| (index, index + 2), 4, Direction::Forth);
    let matrices: Matrices = (0..2).map(|_| lossy(&mut stream, 1.0)).collect();
    assert!(Passage::new(&route, Cow::Borrowed(&matrices)).is_none());
}
