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

fn all() -> Vec<Student> {
    let of = |parameters, learns| Student::new(&program(), parameters, learns).unwrap();
    vec![
        of(Parameters::Weights, Learns::Everything),
        of(Parameters::Weights, Learns::LastLayer),
        of(Parameters::Phases, Learns::Everything),
        of(Parameters::Phases, Learns::SingularValues),
        of(Parameters::Phases, Learns::Digital),
        of(Parameters::Phases, Learns::LastLayer),
    ]
}

#[test]
fn values_that_are_set_are_had_again() {
    for mut student in all() {
        let values = student.values();
        let other: Vec<f64> = (0..values.len()).map(|k| 0.1 + 0.05 * k as f64).collect();
        student.set(&other, true).unwrap();
        let again = student.values();
        for (value, other) in again.iter().zip(&other) {
            assert!((value - other).abs() < 1e-12, "{value} {other}");
        }
        student.set(&values, true).unwrap();
        let whole = student.graduate().unwrap();
        assert!(whole.weight_error() < 1e-12, "{}", whole.weight_error());
    }
}

/// Two layers of 2 × 3 and 1 × 2 in tiles of 2: three tiles, of 2 + 2, 2 + 1 and 1 + 2 ports.
#[test]
fn a_student_learns_what_it_is_to_learn() {
    let counts: Vec<usize> = all().iter().map(|student| student.values().len()).collect();
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
    let mut student = Student::new(&program(), Parameters::Weights, Learns::Everything).unwrap();
    let before = student.program().tiles(LinearId(0)).to_vec();
    let values: Vec<f64> = student.values().iter().map(|value| value + 0.1).collect();
    student.set(&values, false).unwrap();
    assert_eq!(student.program().tiles(LinearId(0)), before);
    let bias = student.program().network().layers()[0]
        .bias
        .clone()
        .unwrap();
    assert_eq!(bias, Bias::Real(vec![0.2, -0.1].into()));
    student.set(&values, true).unwrap();
    assert_ne!(student.program().tiles(LinearId(0)), before);
    assert!(student.program().weight_error() < 1e-12);
}

/// The network of what was trained by phases is what its meshes do.
#[test]
fn who_graduates_says_what_its_tiles_hold() {
    let mut student = Student::new(&program(), Parameters::Phases, Learns::Everything).unwrap();
    let values: Vec<f64> = student.values().iter().map(|value| value + 0.2).collect();
    student.set(&values, true).unwrap();
    assert!(student.program().weight_error() > 0.1);
    let graduate = student.graduate().unwrap();
    let weight = graduate.network().layers()[0].linear.whole().into_owned();
    let Weight::Real(weight) = weight else {
        panic!("real stays real")
    };
    for tile in graduate.tiles(LinearId(0)) {
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
    let refused = |program: &Program, parameters, learns| {
        let student = Student::new(program, parameters, learns);
        student.unwrap_err().to_string()
    };
    let part = refused(&program(), Parameters::Weights, Learns::SingularValues);
    assert!(
        part.contains("parameters") && part.contains("phases"),
        "{part}"
    );
    let layout = Layout {
        multiplier: Multiplier::Crossbar,
        ..Layout::default()
    };
    let crossbar = compile(&network(), layout).unwrap();
    let phases = refused(&crossbar, Parameters::Phases, Learns::Everything);
    assert!(phases.contains("crossbar"), "{phases}");
    let mut student = Student::new(&program(), Parameters::Phases, Learns::Digital).unwrap();
    let mut values = student.values();
    values[1] = f64::NAN;
    let nan = student.set(&values, true).unwrap_err().to_string();
    assert!(nan.contains("NaN"), "{nan}");
}
