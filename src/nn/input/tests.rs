//! Raw numbers → signals.

use super::*;
use crate::error::compare::{shape, value};
use ndarray::arr2;

/// The input of a chain that takes `samples`.
fn list(samples: &Samples) -> [Port; 1] {
    [Port::of_chain(samples.features(), &[])]
}

fn words_of(input: &Input, samples: &Samples) -> String {
    input.words_of(samples, &list(samples)[0], samples.features())
}

#[test]
fn bytes_are_taken_at_full_scale_unless_a_factor_is_given() {
    let bytes = Samples::from(arr2(&[[0u8, 51], [255, 102], [1, 2]]));
    let input = Input::default();
    let expected = Batch::Real(arr2(&[[1.0, 1.0 / 255.0], [0.4, 2.0 / 255.0]]));
    assert_eq!(
        input.encode::<f64>(&bytes, 1..3, &list(&bytes)).unwrap(),
        expected
    );
    let raw = Input {
        scale: Scale::Factor(1.0.into()),
        ..input.clone()
    };
    let expected = Batch::Real(arr2(&[[0.0f32], [51.0]]));
    assert_eq!(
        raw.encode::<f32>(&bytes, 0..1, &list(&bytes)).unwrap(),
        expected
    );
    let numbers = Samples::from(arr2(&[[7.0, 9.0]]));
    let expected = Batch::Real(arr2(&[[7.0], [9.0]]));
    assert_eq!(
        input
            .encode::<f64>(&numbers, 0..1, &list(&numbers))
            .unwrap(),
        expected
    );
}

#[test]
fn features_are_scaled_then_centred_then_divided() {
    let input = Input {
        scale: Scale::Factor(0.5.into()),
        mean: 1.0.into(),
        std: 4.0.into(),
        encoding: Encoding::ComplexHalves,
        ..Input::default()
    };
    let samples = Samples::from(arr2(&[[10.0f32, 2.0, -6.0, 4.0]]));
    let expected = Fields {
        re: arr2(&[[1.0], [0.0]]),
        im: arr2(&[[-1.0], [0.25]]),
    };
    let batch = input
        .encode::<f64>(&samples, 0..1, &list(&samples))
        .unwrap();
    assert_eq!(batch, Batch::Complex(expected));
    let odd = Samples::from(arr2(&[[1.0f32, 2.0, 3.0]]));
    assert!(input.encode::<f64>(&odd, 0..1, &list(&odd)).is_err());
}

#[test]
fn more_samples_than_a_tile_keep_their_order() {
    let raw = Array2::from_shape_fn((37, 3), |(sample, feature)| (sample * 3 + feature) as f64);
    let samples = Samples::from(raw.clone());
    let batch = Input::default()
        .encode::<f64>(&samples, 0..37, &list(&samples))
        .unwrap();
    assert_eq!(batch, Batch::Real(raw.t().to_owned()));
}

/// By hand: ((10, 2, −6, 4) · (1, 2, 1, 0.5) − (0, 1, 2, 3)) / (1, 2, 4, 0.5) = (10, 1.5, −2, −2).
#[test]
fn features_have_scales_means_and_deviations_of_their_own() {
    let input = Input {
        scale: Scale::Factor(vec![1.0, 2.0, 1.0, 0.5].into()),
        mean: vec![0.0, 1.0, 2.0, 3.0].into(),
        std: vec![1.0, 2.0, 4.0, 0.5].into(),
        encoding: Encoding::ComplexHalves,
        ..Input::default()
    };
    let expected = Batch::Complex(Fields {
        re: arr2(&[[10.0], [1.5]]),
        im: arr2(&[[-2.0], [-2.0]]),
    });
    let single = Samples::from(arr2(&[[10.0f32, 2.0, -6.0, 4.0]]));
    assert_eq!(
        input.encode::<f64>(&single, 0..1, &list(&single)).unwrap(),
        expected
    );
    let double = Samples::from(arr2(&[[10.0, 2.0, -6.0, 4.0]]));
    assert_eq!(
        input.encode::<f64>(&double, 0..1, &list(&double)).unwrap(),
        expected
    );
    let bytes = Samples::from(arr2(&[[10u8, 2, 6, 4]]));
    let expected = Batch::Complex(Fields {
        re: arr2(&[[10.0], [1.5]]),
        im: arr2(&[[1.0], [-2.0]]),
    });
    assert_eq!(
        input.encode::<f64>(&bytes, 0..1, &list(&bytes)).unwrap(),
        expected
    );
    assert!(input.check(&[Port::of_chain(4, &[])]).is_ok());
    assert_eq!(
        input
            .check(&[Port::of_chain(3, &[])])
            .unwrap_err()
            .refusal(),
        shape("input.mean", &[4])
    );
}

#[test]
fn what_is_assumed_of_data_is_said_in_words() {
    let bytes = Samples::from(arr2(&[[0u8, 16], [3, 1]]));
    let input = Input::default();
    assert_eq!(
        words_of(&input, &bytes),
        "bytes from 0 to 16, divided by 255"
    );
    let numbers = Samples::from(arr2(&[[-0.5f32, 2.0]]));
    assert_eq!(
        words_of(&input, &numbers),
        "numbers from -0.5 to 2, as they are"
    );
    let input = Input {
        scale: Scale::Factor(0.0625.into()),
        mean: 0.1307.into(),
        std: vec![0.5, 1.0].into(),
        ..input
    };
    let normalized = "; less 0.1307; divided by one number a feature, from 0.5 to 1";
    assert_eq!(
        words_of(&input, &bytes),
        format!("bytes from 0 to 16, times 0.0625{normalized}")
    );
    assert_eq!(input.words(2), format!("numbers times 0.0625{normalized}"));
}

#[test]
fn an_input_survives_json_and_refuses_what_it_does_not_know() {
    for (scale, mean) in [
        (Scale::FullScale, PerFeature::Same(0.1307)),
        (
            Scale::Factor((1.0 / 255.0).into()),
            vec![0.1, 1.0 / 3.0].into(),
        ),
        (Scale::Factor(vec![0.1, 3.0].into()), PerFeature::Same(0.0)),
    ] {
        let input = Input {
            scale,
            mean,
            ..Input::default()
        };
        let text = serde_json::to_string(&input).unwrap();
        assert_eq!(serde_json::from_str::<Input>(&text).unwrap(), input);
    }
    assert_eq!(
        serde_json::from_str::<Input>("{}").unwrap(),
        Input::default()
    );
    // What program files of earlier versions hold.
    let old = r#"{"scale":"full-scale","mean":0.0,"std":1.0,"encoding":"real"}"#;
    assert_eq!(serde_json::to_string(&Input::default()).unwrap(), old);
    assert!(serde_json::from_str::<Input>(r#"{"scael": 1}"#).is_err());
    assert!(serde_json::from_str::<Input>(r#"{"scale": "half"}"#).is_err());
    assert!(serde_json::from_str::<Input>(r#"{"mean": "full-scale"}"#).is_err());
}

#[test]
fn what_would_make_no_number_of_data_is_refused() {
    let error = |mean: PerFeature, std: PerFeature| {
        let input = Input {
            mean,
            std,
            ..Input::default()
        };
        input
            .check(&[Port::of_chain(2, &[])])
            .unwrap_err()
            .refusal()
    };
    let still = error(0.0.into(), 0.0.into());
    assert_eq!(still, value("input.std", "0"));
    let second_still = error(0.0.into(), vec![1.0, 0.0].into());
    assert_eq!(second_still, value("input.std[1]", "0"));
    let unknown = error(vec![f64::NAN, 0.0].into(), 1.0.into());
    assert_eq!(unknown, value("input.mean[0]", "NaN"));
    let input = Input {
        scale: Scale::Factor(0.0.into()),
        ..Input::default()
    };
    assert!(input.check(&[Port::of_chain(2, &[])]).is_err());
}
