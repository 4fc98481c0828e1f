//! Which score is chosen, and what it says.

use super::*;
use crate::error::compare::golden;
use crate::nn::{Input, Layer, Samples, Weight};
use approx::assert_relative_eq;
use ndarray::{Array2, arr2};

/// A network of one layer of ones.
fn network(outputs: usize, inputs: usize, activation: Activation) -> Network {
    let layer = Layer::new(
        "0",
        Weight::Real(Array2::ones((outputs, inputs))),
        None,
        activation,
    );
    Network::new(Input::default(), vec![layer], Readout::Real).unwrap()
}

fn data(features: usize, labels: impl Into<Labels>) -> Dataset {
    let x = Array2::from_shape_fn((4, features), |(i, j)| (3 * i + j) as f64);
    Dataset::new("d", Samples::from(x), labels).unwrap()
}

#[test]
fn the_score_follows_from_the_shapes_of_labels_and_outputs() {
    let classes = |labels: &[usize]| Labels::Classes(labels.to_vec());
    for (outputs, features, labels, expected) in [
        (3, 2, classes(&[0, 2, 1, 0]), Score::Accuracy),
        (1, 2, classes(&[0, 1, 1, 0]), Score::Binary),
        (1, 2, classes(&[0, 5, 1, 0]), Score::Mse),
        (2, 3, Labels::Targets(Array2::zeros((4, 2))), Score::Mse),
        (2, 2, Labels::None, Score::Mse),
        (3, 2, Labels::None, Score::None),
    ] {
        let (network, data) = (
            network(outputs, features, Activation::Identity),
            data(features, labels),
        );
        let scorer = Scorer::new(&network, &data, None).unwrap();
        assert_eq!(scorer.score(), expected, "{:?}", data.labels);
    }
}

/// Names are numbered by their order among those that occur: with one missing, all behind it would be other classes.
#[test]
fn names_of_classes_must_be_as_many_as_the_network_tells_apart() {
    let named = |outputs: usize, names: &[&str]| {
        let names = names.iter().map(|&name| name.to_owned());
        let data = Dataset {
            class_names: Some(names.collect()),
            ..data(2, Labels::Classes(vec![0, 1, 1, 0]))
        };
        Scorer::new(&network(outputs, 2, Activation::Identity), &data, None).map(|_| ())
    };
    assert!(named(3, &["a", "b", "c"]).is_ok());
    assert!(named(1, &["-1", "1"]).is_ok());
    golden("two names of three", named(3, &["b", "c"]).unwrap_err());
    assert!(named(1, &["well"]).is_err());
}

/// -1 and 1 are classes 0 and 1, and no numbers to be compared with.
#[test]
fn classes_that_have_names_are_no_numbers() {
    let network = network(1, 2, Activation::Identity);
    let mut data = data(2, Labels::Classes(vec![0, 1, 1, 0]));
    assert!(Scorer::new(&network, &data, Some(Score::Mse)).is_ok());
    data.class_names = Some(vec!["-1".into(), "1".into()]);
    assert!(Scorer::new(&network, &data, Some(Score::Mse)).is_err());
}

#[test]
fn an_autoencoder_of_labelled_data_is_compared_with_its_inputs_where_that_is_asked() {
    let network = network(3, 3, Activation::Identity);
    let data = data(3, Labels::Classes(vec![0, 1, 2, 0]));
    let scorer = Scorer::new(&network, &data, Some(Score::Mse)).unwrap();
    assert!(scorer.note().unwrap().contains("the labels are not used"));
    let Against::Targets(targets) = &scorer.against else {
        panic!("inputs are targets");
    };
    assert_eq!(targets[[1, 2]], 5.0);
    let scorer = Scorer::new(&network, &data, None).unwrap();
    assert_eq!(scorer.score(), Score::Accuracy);
    assert!(scorer.note().unwrap().contains("--score mse"));
}

#[test]
fn a_hard_sigmoid_ends_in_probabilities_and_a_power_in_none() {
    let hard = Activation::HardSigmoid {
        alpha: 1.0 / 6.0,
        beta: 0.5,
    };
    assert_eq!(reading(&network(1, 2, hard)), Reading::Probabilities);
    let network = Network::new(
        Input::default(),
        vec![Layer::new(
            "0",
            Weight::Complex(Array2::ones((1, 2)).mapv(|x: f64| x.into())),
            None,
            Activation::Identity,
        )],
        Readout::Intensity,
    );
    let data = data(2, Labels::Classes(vec![0, 1, 1, 0]));
    let refused = Scorer::new(&network.unwrap(), &data, Some(Score::Nll));
    golden("nll of a power", refused.unwrap_err());
}

#[test]
fn a_score_that_cannot_be_is_refused_in_a_sentence() {
    let classes = || Labels::Classes(vec![0, 1, 1, 0]);
    let targets = || Labels::Targets(Array2::zeros((4, 2)));
    for (outputs, what, labels, score) in [
        (3, "classes", classes(), Score::Mse),
        (1, "classes", classes(), Score::Accuracy),
        (3, "targets", targets(), Score::Accuracy),
        (3, "classes", classes(), Score::Binary),
        (3, "classes", classes(), Score::Top(3)),
        (3, "no labels", Labels::None, Score::Nll),
        (3, "targets", targets(), Score::Mse),
        (
            1,
            "a class 2",
            Labels::Classes(vec![0, 2, 1, 0]),
            Score::Binary,
        ),
    ] {
        let (network, data) = (network(outputs, 5, Activation::Identity), data(5, labels));
        let error = Scorer::new(&network, &data, Some(score)).unwrap_err();
        golden(&format!("{score} of {outputs} outputs and {what}"), error);
    }
}

#[test]
fn one_output_is_class_1_above_one_half_behind_a_sigmoid_and_above_0_as_a_logit() {
    let data = data(5, vec![0_usize, 1, 1, 0]);
    let outputs = arr2(&[[0.2], [0.4], [0.9], [0.7]]);
    for (activation, accuracy, note) in [
        (
            Activation::Sigmoid,
            0.5,
            "one output: class 1 above 0.5, else class 0",
        ),
        (
            Activation::Identity,
            0.5,
            "one output: class 1 above 0, else class 0",
        ),
    ] {
        let network = network(1, 5, activation);
        let scorer = Scorer::new(&network, &data, None).unwrap();
        let judged = scorer.judge(outputs.clone());
        let above = activation != Activation::Sigmoid;
        assert_eq!(judged.classes, Some(vec![above.into(), above.into(), 1, 1]));
        assert_eq!(judged.worth.accuracy, Some(accuracy));
        // Pairs (0.4, 0.2), (0.9, 0.2), (0.9, 0.7) are in order, (0.4, 0.7) is not.
        assert_eq!(judged.worth.auc, Some(0.75));
        assert_eq!(scorer.note(), Some(note));
    }
}

/// A graph may end in probabilities in a way that nobody knows; ln 0.8 and ln 0.6 are by hand.
#[test]
fn logits_that_may_be_probabilities_are_doubted_and_probabilities_that_cannot_be_too() {
    let data_of = |labels: Vec<usize>| data(5, labels);
    let doubt = |outputs: &Array2<f64>, data: &Dataset, score: Score, activation: Activation| {
        let network = network(outputs.ncols(), 5, activation);
        let scorer = Scorer::new(&network, data, Some(score)).unwrap();
        let judged = scorer.judge(outputs.clone());
        (scorer.doubt(&judged), judged.worth)
    };
    let plain = Activation::Identity;
    let data = data_of(vec![0, 1, 1, 0]);
    let shares = arr2(&[[0.8, 0.2], [0.4, 0.6], [0.2, 0.8], [0.6, 0.4]]);
    let (said, taken) = doubt(&shares, &data, Score::Nll, plain);
    let said = said.unwrap();
    assert!(
        said.contains("sum to 1") && said.contains("--score nll-of-probabilities"),
        "{said}"
    );
    let (said, worth) = doubt(&shares, &data, Score::NllOfProbabilities, plain);
    assert_eq!(said, None);
    let by_hand = -(0.8_f64.ln() + 0.6_f64.ln()) / 2.0;
    assert_relative_eq!(worth.value(), by_hand, max_relative = 1e-14);
    assert!((taken.value() - by_hand).abs() > 0.05);
    let (said, _) = doubt(&shares, &data, Score::Nll, Activation::Softmax);
    assert_eq!(said, None);
    let (said, _) = doubt(&shares, &data, Score::Accuracy, plain);
    assert_eq!(said, None);
    // Numbers of which no sample's sum is 1 are no probabilities, and neither is one below 0.
    for other in [&shares * 0.9, &shares - 0.3] {
        let (said, _) = doubt(&other, &data, Score::Nll, plain);
        assert_eq!(said, None);
    }
    let (said, _) = doubt(&(&shares * 2.0), &data, Score::NllOfProbabilities, plain);
    assert!(said.unwrap().ends_with("is 1.600"));

    let one = arr2(&[[0.2], [0.9], [0.6], [0.4]]);
    let (said, taken) = doubt(&one, &data, Score::Binary, plain);
    assert!(said.unwrap().contains("--score binary-of-probabilities"));
    let (said, worth) = doubt(&one, &data, Score::BinaryOfProbabilities, plain);
    assert_eq!(
        (said, taken.accuracy, worth.accuracy),
        (None, Some(0.5), Some(1.0))
    );
    let (said, _) = doubt(&(&one - 0.5), &data, Score::Binary, plain);
    assert_eq!(said, None);
}

#[test]
fn classes_are_compared_with_digital_by_sample_and_numbers_by_distance() {
    let network = network(3, 5, Activation::Identity);
    let data_of_classes = data(5, vec![0_usize, 1, 2, 2]);
    let digital = arr2(&[
        [3.0, 2.0, 1.0],
        [3.0, 2.0, 1.0],
        [0.0, 1.0, 2.0],
        [2.0, 0.0, 1.0],
    ]);
    let mut chip = digital.clone();
    chip[[0, 1]] = 4.0;
    for (score, right, chip_right) in [
        (Score::Accuracy, [true, false, true, false], 1),
        (Score::Top(2), [true, true, true, true], 4),
    ] {
        let scorer = Scorer::new(&network, &data_of_classes, Some(score)).unwrap();
        let digital = scorer.judge(digital.clone());
        assert_eq!(digital.right, Some(right.to_vec()));
        assert_eq!(digital.worth.agreement, None);
        let judged = scorer.judge_beside(chip.clone(), &digital);
        assert_eq!(judged.worth.accuracy, Some(f64::from(chip_right) / 4.0));
        assert_eq!(judged.worth.agreement, Some(0.75));
        assert_eq!(judged.worth.output_error, None);
    }
    let scorer = Scorer::new(&network, &data_of_classes, Some(Score::Nll)).unwrap();
    let worth = scorer.judge(digital.clone()).worth;
    let ln_sum = |row: [f64; 3]| row.map(f64::exp).iter().sum::<f64>().ln();
    let by_hand = [
        ln_sum([3.0, 2.0, 1.0]) - 3.0,
        ln_sum([3.0, 2.0, 1.0]) - 2.0,
        ln_sum([0.0, 1.0, 2.0]) - 2.0,
        ln_sum([2.0, 0.0, 1.0]) - 1.0,
    ];
    let expected = by_hand.iter().sum::<f64>() / 4.0;
    assert_relative_eq!(worth.value(), expected, max_relative = 1e-14);
    assert_eq!(worth.accuracy, Some(0.5));

    let wanted = data(5, Labels::Targets(digital.clone()));
    let scorer = Scorer::new(&network, &wanted, None).unwrap();
    let reference = scorer.judge(digital.clone());
    assert_eq!(
        (reference.worth.score, reference.worth.r2),
        (Some(0.0), Some(1.0))
    );
    let worth = scorer.judge_beside(chip, &reference).worth;
    // One of twelve outputs is off by 2.
    assert_relative_eq!(worth.value(), 4.0 / 12.0, max_relative = 1e-15);
    let norm: f64 = digital.iter().map(|y| y * y).sum();
    assert_relative_eq!(
        worth.output_error.unwrap(),
        2.0 / norm.sqrt(),
        max_relative = 1e-15
    );
    assert_eq!(worth.agreement, None);
}

#[test]
fn an_autoencoder_is_compared_with_its_inputs_as_they_are_encoded() {
    let mut network = network(5, 5, Activation::Identity);
    network.input.std = 2.0.into();
    let data = data(5, Labels::None);
    let scorer = Scorer::new(&network, &data, None).unwrap();
    let halves = Array2::from_shape_fn((4, 5), |(i, j)| (3 * i + j) as f64 / 2.0);
    assert_eq!(scorer.judge(halves).worth.score, Some(0.0));
    assert!(scorer.note().unwrap().contains("as they are encoded"));
}
