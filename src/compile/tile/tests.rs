use std::f64::consts::PI;

use super::*;
use crate::compile::{Aim, Arrangement};
use crate::linalg::max_abs_difference;

fn random(rows: usize, cols: usize) -> Matrix {
    let mut stream = Seed(4).stream(Effect::Haar, rows as u64, cols as u64, 0);
    Matrix::from_fn(rows, cols, |_, _| C64::from(stream.standard_normal()))
}

fn compiled(weight: &Matrix, modes: (usize, usize), layout: Layout) -> Tile {
    let place = Place {
        layer: 0,
        tile: 0,
        corner: (0, 0),
        output_modes: modes.0,
        input_modes: modes.1,
    };
    compile_tile(weight, &place, &layout).unwrap()
}

fn check(weight: &Matrix, modes: (usize, usize)) -> Tile {
    for geometry in [Geometry::Diamond, Geometry::Redundant { extra: 2 }] {
        check_tile(
            weight,
            modes,
            Layout {
                multiplier: geometry.into(),
                ..Layout::default()
            },
        );
    }
    for aim in Aim::ALL {
        for arrangement in Arrangement::ALL {
            let layout = Layout {
                aim: *aim,
                arrangement: *arrangement,
                ..Layout::default()
            };
            check_tile(weight, modes, layout);
        }
    }
    check_tile(weight, modes, Layout::default())
}

fn check_tile(weight: &Matrix, modes: (usize, usize), layout: Layout) -> Tile {
    let tile = compiled(weight, modes, layout);
    let size = weight.norm().max(1.0);
    assert!(max_abs_difference(&tile.matrix(), weight) < 1e-13 * size);
    let mut thetas = tile.meshes().unwrap().attenuators.iter();
    assert!(thetas.all(|theta| (0.0..=PI).contains(theta)));
    assert_eq!((tile.outputs(), tile.inputs()), modes);
    tile
}

/// The singular vectors of a diagonal are an identity, which is a butterfly; those of a random matrix are not.
#[test]
fn a_butterfly_tile_is_as_exact_as_its_singular_vectors() {
    let error = |weight: &Matrix| {
        let layout = Layout {
            multiplier: Geometry::Butterfly.into(),
            arrangement: Arrangement::Descending,
            ..Layout::default()
        };
        let tile = compiled(weight, (8, 8), layout);
        let size = weight.norm() / 8f64.sqrt();
        (&tile.matrix() - weight).norm() / (8f64.sqrt() * size)
    };
    let diagonal = Matrix::from_fn(8, 8, |r, c| {
        C64::from(if r == c { 8.0 - r as f64 } else { 0.0 })
    });
    assert!(error(&diagonal) < 1e-12);
    // Best factors never leave more than the weight itself.
    let missing = error(&random(8, 8));
    assert!(missing > 0.1 && missing < 1.0, "{missing}");
}

#[test]
fn tiles_hold_square_wide_tall_and_padded_matrices() {
    for (rows, cols) in [(1, 1), (5, 5), (3, 9), (9, 3)] {
        let weight = random(rows, cols);
        check(&weight, (rows, cols));
        check(&weight, (9, 9));
    }
}

#[test]
fn tiles_hold_zero_rows_rank_deficient_and_all_zero_matrices() {
    let mut weight = random(6, 4);
    weight.row_mut(2).fill(C64::from(0.0));
    check(&weight, (6, 4));
    let (column, row) = (random(6, 1), random(1, 4));
    check(&(column * row), (8, 8));
    let tile = check(&Matrix::zeros(3, 5), (5, 5));
    assert_eq!(tile.scale, 0.0);
}

/// What the matrix leaves free stands away from the bar state, but for a perfect chip.
#[test]
fn no_mzi_of_a_compiled_tile_stands_in_the_bar_state_by_chance() {
    for (weight, modes) in [
        (random(5, 8), (8, 8)),
        (random(4, 12), (4, 12)),
        (random(3, 3), (16, 16)),
    ] {
        let bars = |aim| {
            let layout = Layout {
                aim,
                ..Layout::default()
            };
            let tile = compiled(&weight, modes, layout);
            let Meshes { input, output, .. } = tile.meshes().unwrap();
            let thetas = input.theta().iter().chain(output.theta());
            thetas.filter(|theta| PI - **theta < 1e-6).count()
        };
        assert!(bars(Aim::Perfect) > 0, "{modes:?}");
        let others = (bars(Aim::Uncorrected), bars(Aim::Corrected));
        assert_eq!(others, (0, 0), "{modes:?}");
    }
}

#[test]
fn a_real_matrix_stays_real_without_correction_and_a_seed_decides_what_is_free() {
    let weight = random(4, 8);
    let tile = |aim, seed| {
        let layout = Layout {
            aim,
            seed: Seed(seed),
            ..Layout::default()
        };
        compiled(&weight, (8, 8), layout)
    };
    let imaginary = |tile: &Tile| {
        // The screen in front of the attenuators undoes their phases.
        let Meshes {
            input, attenuators, ..
        } = tile.meshes().unwrap();
        let mut v = input.transfer();
        for (mut row, theta) in v.row_iter_mut().zip(attenuators) {
            row *= C64::from_polar(1.0, attenuator_phase(*theta));
        }
        v.iter().map(|z| z.im.abs()).fold(0.0, f64::max)
    };
    assert!(imaginary(&tile(Aim::Uncorrected, 0)) < 1e-13);
    assert!(imaginary(&tile(Aim::Corrected, 0)) > 0.1);
    let same = tile(Aim::Uncorrected, 0);
    assert!(same == tile(Aim::Uncorrected, 0) && same != tile(Aim::Uncorrected, 1));
}

/// N² phases a mesh, and min(rows, cols) attenuators.
#[test]
fn a_tile_counts_its_parts() {
    let tile = check(&random(3, 5), (3, 5));
    assert_eq!(tile.mzis(), 3 + 3 + 10);
    assert_eq!(tile.phase_shifters(), 9 + 3 + 25);
    assert!((tile.mean_depth() - (2.0 + 1.0 + 4.0)).abs() < 1e-15);
}

/// It stores the block over the largest singular value, which is what light through meshes is multiplied by.
#[test]
fn a_crossbar_holds_the_block_itself_and_has_no_mzi() {
    for (rows, cols) in [(1, 1), (3, 5), (6, 2)] {
        let weight = random(rows, cols);
        let crossbar = Layout {
            multiplier: Multiplier::Crossbar,
            ..Layout::default()
        };
        let tile = compiled(&weight, (8, 8), crossbar);
        let meshes = compiled(&weight, (8, 8), Layout::default());
        assert!(max_abs_difference(&tile.matrix(), &weight) < 1e-15 * weight.norm());
        assert!((tile.scale / meshes.scale - 1.0).abs() < 1e-14);
        assert_eq!((tile.outputs(), tile.inputs()), (8, 8));
        assert_eq!((tile.mzis(), tile.phase_shifters()), (0, 0));
        let Array::Crossbar(Crossbar { weights, .. }) = &tile.array else {
            panic!("{tile:?}")
        };
        assert!(weights.iter().all(|weight| weight.norm() <= 1.0 + 1e-15));
        let dark = compiled(&Matrix::zeros(rows, cols), (8, 8), crossbar);
        assert_eq!(dark.matrix(), Matrix::zeros(rows, cols));
    }
}
