use ndarray::arr2;

use super::*;
use crate::compile::Multiplier;
use crate::nn::{Activation, Input, Readout};

fn network() -> Network {
    let layers = vec![
        Layer::new(
            "0",
            Weight::Real(arr2(&[[0.5, -0.2, 0.1], [0.3, 0.4, -0.6]])),
            Some(Bias::Real(vec![0.1, -0.2].into())),
            Activation::Tanh,
        ),
        Layer::new(
            "1",
            Weight::Real(arr2(&[[1.0, -1.0]])),
            None,
            Activation::Identity,
        ),
    ];
    Network::new(Input::default(), layers, Readout::Real).unwrap()
}

fn program() -> Program {
    let layout = Layout {
        tile: Some(2),
        ..Layout::default()
    };
    compile(&network(), layout).unwrap()
}

fn all() -> Vec<Trainable> {
    let of = |parameters, part| Trainable::new(&program(), parameters, part).unwrap();
    vec![
        of(Parameters::Weights, TrainedPart::Everything),
        of(Parameters::Weights, TrainedPart::LastLayer),
        of(Parameters::Phases, TrainedPart::Everything),
        of(Parameters::Phases, TrainedPart::SingularValues),
        of(Parameters::Phases, TrainedPart::Digital),
        of(Parameters::Phases, TrainedPart::LastLayer),
    ]
}

#[test]
fn values_that_are_set_are_had_again() {
    for mut trainable in all() {
        let values = trainable.values();
        let other: Vec<f64> = (0..values.len()).map(|k| 0.1 + 0.05 * k as f64).collect();
        trainable.set(&other, true).unwrap();
        let again = trainable.values();
        for (value, other) in again.iter().zip(&other) {
            assert!((value - other).abs() < 1e-12, "{value} {other}");
        }
        trainable.set(&values, true).unwrap();
        let whole = trainable.trained_program().unwrap();
        assert!(whole.weight_error() < 1e-12, "{}", whole.weight_error());
    }
}

/// Two layers of 2 × 3 and 1 × 2 in tiles of 2: three tiles, of 2 + 2, 2 + 1 and 1 + 2 ports.
#[test]
fn a_program_trains_what_it_is_to_train() {
    let counts: Vec<usize> = all()
        .iter()
        .map(|trainable| trainable.values().len())
        .collect();
    let program = program();
    let tiles: Vec<&Tile> = program.maps().flat_map(|map| map.tiles).collect();
    let phases: Vec<usize> = tiles.iter().map(|tile| tile.phase_shifters()).collect();
    let joined: usize = tiles
        .iter()
        .map(|tile| meshes(tile).attenuators.len())
        .sum();
    let count = tiles.len();
    assert_eq!(
        counts,
        [
            6 + 2 + 2,
            2,
            phases.iter().sum::<usize>() + count + 2,
            joined + count + 2,
            count + 2,
            phases[count - 1] + 1,
        ]
    );
}

/// Weights that are not compiled yet are those of the network alone: the chip holds the old ones, with new biases.
#[test]
fn the_chip_holds_old_weights_until_they_are_written() {
    let mut trainable =
        Trainable::new(&program(), Parameters::Weights, TrainedPart::Everything).unwrap();
    let before = trainable.program().tiles(LinearId(0)).to_vec();
    let values: Vec<f64> = trainable.values().iter().map(|value| value + 0.1).collect();
    trainable.set(&values, false).unwrap();
    assert_eq!(trainable.program().tiles(LinearId(0)), before);
    let bias = trainable.program().network().layers()[0]
        .bias
        .clone()
        .unwrap();
    assert_eq!(bias, Bias::Real(vec![0.2, -0.1].into()));
    trainable.set(&values, true).unwrap();
    assert_ne!(trainable.program().tiles(LinearId(0)), before);
    assert!(trainable.program().weight_error() < 1e-12);
}

/// The network of what was trained by phases is what its meshes do.
#[test]
fn a_trained_program_says_what_its_tiles_hold() {
    let mut trainable =
        Trainable::new(&program(), Parameters::Phases, TrainedPart::Everything).unwrap();
    let values: Vec<f64> = trainable.values().iter().map(|value| value + 0.2).collect();
    trainable.set(&values, true).unwrap();
    assert!(trainable.program().weight_error() > 0.1);
    let trained_program = trainable.trained_program().unwrap();
    let weight = trained_program.network().layers()[0]
        .linear
        .whole()
        .into_owned();
    let Weight::Real(weight) = weight else {
        panic!("real stays real")
    };
    for tile in trained_program.tiles(LinearId(0)) {
        let matrix = tile.matrix();
        for row in 0..tile.rows {
            for col in 0..tile.cols {
                assert_eq!(
                    weight[[tile.row + row, tile.col + col]],
                    matrix[(row, col)].re
                );
            }
        }
    }
}

#[test]
fn what_cannot_be_learnt_is_refused() {
    let refused = |program: &Program, parameters, part| {
        let trainable = Trainable::new(program, parameters, part);
        trainable.unwrap_err().to_string()
    };
    let part = refused(&program(), Parameters::Weights, TrainedPart::SingularValues);
    assert!(
        part.contains("parameters") && part.contains("phases"),
        "{part}"
    );
    let layout = Layout {
        multiplier: Multiplier::Crossbar,
        ..Layout::default()
    };
    let crossbar = compile(&network(), layout).unwrap();
    let phases = refused(&crossbar, Parameters::Phases, TrainedPart::Everything);
    assert!(phases.contains("crossbar"), "{phases}");
    let mut trainable =
        Trainable::new(&program(), Parameters::Phases, TrainedPart::Digital).unwrap();
    let mut values = trainable.values();
    values[1] = f64::NAN;
    let nan = trainable.set(&values, true).unwrap_err().to_string();
    assert!(nan.contains("NaN"), "{nan}");
}
