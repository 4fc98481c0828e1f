//! What networks refuse and count.

use super::*;
use crate::error::compare::{golden, not_finite, shape, unsupported};
use crate::field::Fields;
use ndarray::{arr1, arr2};

fn layer(weight: Weight, bias: Option<Bias>, activation: Activation) -> Layer {
    Layer::new("fc", weight, bias, activation)
}

fn real(rows: usize, cols: usize) -> Weight {
    Weight::Real(Array2::ones((rows, cols)))
}

fn error(layers: Vec<Layer>) -> Error {
    Network::new(Input::default(), layers, Readout::Real).unwrap_err()
}

#[test]
fn what_cannot_be_evaluated_is_refused_in_a_sentence() {
    use Activation::*;
    golden("no layers", error(vec![]));
    let layers = vec![
        layer(real(3, 2), None, Relu),
        layer(real(2, 4), None, Identity),
    ];
    let weight = |got| shape("weight", got).within("layer `fc`");
    assert_eq!(error(layers).refusal(), weight(&[2, 4]));
    let nan = Weight::Real(arr2(&[[0.0, 1.0], [f64::NAN, 2.0]]));
    assert_eq!(
        error(vec![layer(nan, None, Relu)]).refusal(),
        not_finite("weight", "[1, 0]", "NaN").within("layer `fc`")
    );
    for size in [1e-170, 1e170] {
        let extreme = Weight::Real(arr2(&[[0.0, size]]));
        let error = error(vec![layer(extreme, None, Relu)]);
        golden(&format!("weights up to {size:e}"), error);
    }
    let tiny = Weight::Real(arr2(&[[0.0, 1e-40]]));
    let layers = vec![layer(tiny, None, Relu)];
    let network = Network::new(Input::default(), layers, Readout::Real).unwrap();
    assert!(network.digital::<f64>().is_ok());
    let single = network.digital::<f32>().unwrap_err();
    golden("weights of 1e-40 in single precision", single);
    let bias = Some(Bias::Real(arr1(&[0.0, f64::INFINITY])));
    assert_eq!(
        error(vec![layer(real(2, 1), bias.clone(), Relu)]).refusal(),
        not_finite("bias", "[1]", "inf").within("layer `fc`")
    );
    assert_eq!(
        error(vec![layer(real(3, 1), bias, Relu)]).refusal(),
        shape("bias", &[2]).within("layer `fc`")
    );
    let bias = Some(Bias::Complex(arr1(&[Complex::new(0.0, 1.0)])));
    assert_eq!(
        error(vec![layer(real(1, 1), bias, Identity)]).refusal(),
        unsupported("bias", "complex").within("layer `fc`")
    );
    let empty = error(vec![layer(real(0, 2), None, Identity)]);
    assert_eq!(empty.refusal(), weight(&[0, 2]));
    let layers = vec![layer(real(1, 1), None, Zrelu)];
    golden("zrelu of real signals", error(layers));
    let complex = Weight::Complex(arr2(&[[Complex::new(0.0, 1.0)]]));
    // A real weight on complex signals stays complex.
    let layers = vec![layer(complex, None, Zrelu), layer(real(1, 1), None, Relu)];
    golden("relu of complex signals", error(layers));
}

#[test]
fn a_model_counts_its_features_classes_and_parameters() {
    let bias = Some(Bias::Real(Array1::zeros(5)));
    let layers = vec![layer(real(5, 4), bias, Activation::Identity)];
    let input = Input {
        encoding: Encoding::ComplexHalves,
        ..Input::default()
    };
    let network = Network::new(input, layers, Readout::Modulus).unwrap();
    assert_eq!(
        (network.features(), network.classes(), network.parameters()),
        (8, 5, 25)
    );
    assert!(network.is_complex());
}

#[test]
fn a_bias_is_added_to_every_sample_of_its_feature() {
    let mut real = Batch::Real(arr2(&[[1.0, 2.0], [3.0, 4.0]]));
    real.add_bias(&Bias::Real(arr1(&[10.0, 20.0])));
    assert_eq!(real, Batch::Real(arr2(&[[11.0, 12.0], [23.0, 24.0]])));
    let mut complex = Batch::Complex(Fields {
        re: arr2(&[[3.0, -1.0]]),
        im: arr2(&[[4.0, 0.0]]),
    });
    complex.add_bias(&Bias::Complex(arr1(&[Complex::new(1.0, -4.0)])));
    let Batch::Complex(sum) = complex else {
        panic!()
    };
    assert_eq!(
        (sum.re, sum.im),
        (arr2(&[[4.0, 0.0]]), arr2(&[[0.0, -4.0]]))
    );
}

/// By hand: ((1, 2, 3, 4) − (1, 1, −2, −2)) / (2, 2, 0.5, 0.5) of two channels of two pixels.
#[test]
fn a_chain_that_takes_a_picture_takes_numbers_a_channel() {
    let picture = |shape: Vec<usize>| {
        let input = Input {
            mean: vec![1.0, -2.0].into(),
            std: vec![2.0, 0.5].into(),
            shape,
            ..Input::default()
        };
        let layers = vec![layer(real(1, 4), None, Activation::Identity)];
        Network::new(input, layers, Readout::Real)
    };
    let network = picture(vec![2, 1, 2]).unwrap();
    let samples = Samples::from(arr2(&[[1.0, 2.0, 3.0, 4.0]]));
    let expected = Batch::Real(arr2(&[[0.0], [0.5], [10.0], [12.0]]));
    assert_eq!(network.encode::<f64>(&samples, 0..1).unwrap(), expected);
    let refused = |axes: Vec<usize>| picture(axes).unwrap_err().refusal();
    assert_eq!(refused(vec![2, 3]), shape("input.shape", &[2, 3]));
    let huge = vec![usize::MAX, 2, 2];
    assert_eq!(refused(huge.clone()), shape("input.shape", &huge));
    assert_eq!(refused(Vec::new()), shape("input.mean", &[2]));
}
