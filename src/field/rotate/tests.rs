//! Nulled matrices against the plain product of their rotations, on every instruction set of the machine.

use super::*;
use crate::field::InstructionSet;
use crate::rng::{Effect, Seed};

type Matrix = Vec<Vec<Complex<f64>>>;

/// Rows of N(0, 1/modes) elements, every seventh of which is 0.
fn random(modes: usize) -> Matrix {
    let mut stream = Seed(4).stream(Effect::Haar, modes as u64, 0, 0);
    let mut element = |index: usize| match index % 7 {
        6 => Complex::ZERO,
        _ => Complex::new(stream.standard_normal(), stream.standard_normal()),
    };
    let row = |row: usize| (0..modes).map(move |col| row * modes + col);
    (0..modes)
        .map(|r| {
            row(r)
                .map(|index| element(index) / (2.0 * modes as f64).sqrt())
                .collect()
        })
        .collect()
}

fn tolerance(modes: usize) -> f64 {
    1e-15 * modes as f64
}

/// The step of a chain from place `k` to place `z`, as the module's first lines say it.
fn join(m: &mut Matrix, k: (usize, usize), z: (usize, usize), rotation: Rotation) {
    let Rotation { turn, sin, cos } = rotation;
    let (carried, next) = (m[k.0][k.1], m[z.0][z.1]);
    m[z.0][z.1] = cos * carried + sin * turn * next;
    m[k.0][k.1] = cos * turn * next - sin * carried;
}

/// Fails unless the elements at and above the diagonal are those of `plain`, and its other elements are 0.
fn check(
    plain: &Matrix,
    element: impl Fn(usize, usize) -> Complex<f64>,
    keeps: impl Fn(usize, usize) -> bool,
) {
    for (row, elements) in plain.iter().enumerate() {
        for (col, expected) in elements.iter().enumerate() {
            let got = if keeps(row, col) {
                element(row, col)
            } else {
                Complex::ZERO
            };
            let off = (got - expected).norm();
            assert!(off < tolerance(plain.len()), "[{row}, {col}]: {off:e}");
        }
    }
}

#[test]
fn nulled_subdiagonals_are_those_of_the_plain_product_of_rotations() {
    for arch in InstructionSet::all().into_iter().map(|set| set.0) {
        for (modes, group) in [
            (2, 1),
            (3, 2),
            (5, 16),
            (16, 3),
            (17, 16),
            (33, 5),
            (70, 16),
        ] {
            let mut plain = random(modes);
            let mut matrix = ByDiagonals::new(modes, |row, col| plain[row][col]);
            for first in (0..modes - 1).step_by(group) {
                let mut sweeps = vec![Rotations::new(modes); group.min(modes - 1 - first)];
                matrix.null_on(arch, first, &mut sweeps);
                for (k, sweep) in (first..).zip(&sweeps) {
                    for line in 0..modes {
                        match side(k) {
                            Side::Columns => (0..=k).rev().for_each(|top| {
                                join(&mut plain, (line, top + 1), (line, top), sweep.get(top));
                            }),
                            Side::Rows => (modes - 1 - k..modes).for_each(|row| {
                                join(&mut plain, (row - 1, line), (row, line), sweep.get(row));
                            }),
                        }
                    }
                }
            }
            let element = |row, col| {
                matrix
                    .planes
                    .get(matrix.at(row as isize - col as isize, col as isize))
            };
            check(&plain, element, |row, col| row <= col);
            let main: Vec<_> = (0..modes).map(|i| element(i, i)).collect();
            assert_eq!(matrix.main(), main);
        }
    }
}

#[test]
fn nulled_rows_are_those_of_the_plain_product_of_rotations() {
    for arch in InstructionSet::all().into_iter().map(|set| set.0) {
        for modes in [2, 3, 16, 17, 33, 70] {
            let mut plain = random(modes);
            let mut matrix = ByColumns::new(modes, |row, col| plain[row][col]);
            for first in (0..modes - 1).step_by(ByColumns::GROUP) {
                let rows = ByColumns::GROUP.min(modes - 1 - first);
                let mut sweeps = vec![Rotations::new(modes); rows];
                matrix.null_on(arch, first, &mut sweeps);
                for (row, sweep) in (first..).zip(&sweeps) {
                    for line in 0..modes {
                        for index in 1..modes - row {
                            let right = modes - index;
                            let at = ((line, right), (line, right - 1));
                            join(&mut plain, at.0, at.1, sweep.get(index));
                        }
                    }
                }
            }
            let element = |row, col| matrix.planes.get(matrix.at(row, col));
            check(&plain, element, |row, col| row >= col);
            let main: Vec<_> = (0..modes).map(|i| element(i, i)).collect();
            assert_eq!(matrix.main(), main);
        }
    }
}

#[test]
fn real_elements_are_turned_by_signs_alone() {
    let real = |x: f64| Complex::new(x, 0.0);
    for (k, z) in [(0.3, -0.4), (-1e-9, 0.7), (0.1, 1e-12)] {
        for rotation in [
            Rotation::carrying_nothing(real(k), real(z)),
            Rotation::leaving_nothing(real(k), real(z)),
        ] {
            assert_eq!((rotation.turn.re.abs(), rotation.turn.im.abs()), (1.0, 0.0));
        }
    }
}

#[test]
fn elements_that_count_as_zero_are_passed_or_kept() {
    let (one, zero) = (Complex::ONE, Complex::new(1e-16, -1e-16));
    let parts = |rotation: Rotation| (rotation.turn, rotation.sin, rotation.cos);
    let (kept, exchanged) = ((Complex::ONE, 0.0, 1.0), (Complex::ONE, 1.0, 0.0));
    assert_eq!(parts(Rotation::carrying_nothing(zero, one)), kept);
    assert_eq!(parts(Rotation::carrying_nothing(one, zero)), exchanged);
    assert_eq!(parts(Rotation::leaving_nothing(one, zero)), kept);
    assert_eq!(parts(Rotation::leaving_nothing(zero, one)), exchanged);
    assert_eq!(parts(Rotation::leaving_nothing(zero, zero)), exchanged);
}
