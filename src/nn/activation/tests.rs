//! Names and parameters of the activations.

mod back;
mod slopes;
mod values;

use std::collections::HashSet;

use super::*;
use crate::error::compare::{golden, value};

/// One of each kind: its defaults, 0.1 for what has none.
pub(crate) fn all() -> Vec<Activation> {
    let one = |kind: &Kind| {
        let values = kind
            .parameters
            .iter()
            .map(|known| known.default.unwrap_or(0.1));
        (kind.build)(&mut values.map(|value| {
            if value.is_finite() {
                value
            } else {
                0.5 * value.signum()
            }
        }))
    };
    KINDS.iter().map(one).collect()
}

#[test]
fn every_kind_makes_itself_from_its_name_and_parameters() {
    let names: HashSet<&str> = KINDS.iter().map(|kind| kind.name).collect();
    assert_eq!(names.len(), KINDS.len());
    for (kind, activation) in KINDS.iter().zip(all()) {
        assert_eq!(activation.name(), kind.name);
        let json = serde_json::to_value(activation).unwrap();
        let written: HashSet<&str> = json
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let parameters = kind.parameters.iter().map(|parameter| parameter.name);
        assert_eq!(written, parameters.chain(["kind"]).collect());
        activation.check().unwrap();
    }
}

#[test]
fn every_activation_survives_text_json_and_toml() {
    #[derive(Serialize, Deserialize)]
    struct File {
        activation: Activation,
    }
    for activation in all() {
        assert_eq!(
            activation.to_string().parse::<Activation>().unwrap(),
            activation
        );
        let json = serde_json::to_string(&activation).unwrap();
        assert!(
            json.contains(&format!("\"kind\":\"{}\"", activation.name())),
            "{json}"
        );
        assert_eq!(
            serde_json::from_str::<Activation>(&json).unwrap(),
            activation
        );
        let toml = toml::to_string(&File { activation }).unwrap();
        assert_eq!(
            toml::from_str::<File>(&toml).unwrap().activation,
            activation
        );
    }
}

#[test]
fn an_integer_parameter_and_a_plain_name_are_accepted() {
    let parse = |text: &str| serde_json::from_str::<Activation>(text).unwrap();
    assert_eq!(
        parse(r#""leaky-relu""#),
        Activation::LeakyRelu { slope: 0.01 }
    );
    assert_eq!(
        parse(r#"{"kind": "modrelu", "bias": -1}"#),
        Activation::Modrelu { bias: -1.0 }
    );
}

#[test]
fn a_wrong_activation_is_refused_in_a_sentence() {
    for text in [
        "swish",
        "rleu",
        "leaky-relu:slpoe=1",
        "modulus-softplus",
        "relu:slope=1",
        "leaky-relu:slope=x",
    ] {
        golden(text, text.parse::<Activation>().unwrap_err());
    }
    let error = "modulus-softplus:temperature=1.5".parse::<Activation>();
    assert_eq!(
        error.unwrap_err().refusal(),
        value("modulus-softplus: temperature", "1.5")
    );
    let json = r#"{"kind": "relu", "slop": 1}"#;
    golden(json, serde_json::from_str::<Activation>(json).unwrap_err());
}

#[test]
fn bounds_may_be_left_out_one_by_one_and_must_not_cross() {
    for text in ["clip:min=0", "clip:max=1.5", "clip:min=-1,max=1"] {
        assert_eq!(text.parse::<Activation>().unwrap().to_string(), text);
    }
    for (text, refusal) in [
        ("clip", value("clip: max", "inf")),
        ("clip:min=2,max=1", value("clip: max", "1")),
        ("clip:min=inf", value("clip: min", "inf")),
        ("hardtanh:min_val=2", value("hardtanh: max_val", "1")),
        ("celu:alpha=0", value("celu: alpha", "0")),
    ] {
        let error = text.parse::<Activation>().unwrap_err();
        assert_eq!(error.refusal(), refusal, "{text}");
    }
}

#[test]
fn only_a_slip_of_the_finger_is_taken_for_another_function() {
    for word in [
        "rleu",
        "LeakyReLU",
        "hard_swish",
        "sigmod",
        "gelu_tanh",
        "ReLU6",
        // A number says which function; felu is as near to relu as to celu; prelu2 was no slip.
        "relu7",
        "felu",
        "quick-gelu",
        "glu2",
        "tanhshrink",
        "logsigmoid",
    ] {
        golden(word, word.parse::<Activation>().unwrap_err());
    }
}

#[test]
fn the_page_shows_the_table() {
    crate::nn::page::assert_shows("activations", &table());
}

fn table() -> String {
    let mut table = "| name | function | parameters | in ONNX |\n|---|---|---|---|\n".to_owned();
    for complex in [false, true] {
        for kind in KINDS
            .iter()
            .filter(|kind| (kind.domain == Domain::Complex) == complex)
        {
            let parameters = kind.parameters.iter().map(|parameter| {
                let name = match parameter.default.filter(|default| default.is_finite()) {
                    // Sixths are no decimal numbers.
                    Some(default) if default == 1.0 / 6.0 => format!("`{}` (1/6)", parameter.name),
                    Some(default) => format!("`{}` ({default})", parameter.name),
                    None => format!("`{}`", parameter.name),
                };
                let words = parameter.words();
                format!("{name}: {}{}", words[..1].to_lowercase(), &words[1..])
            });
            let parameters: Vec<String> = parameters.collect();
            let onnx: Vec<String> = kind.onnx.iter().map(|form| format!("`{form}`")).collect();
            let cells = [kind.words(), &parameters.join("; "), &onnx.join(", ")]
                .map(|cell| cell.replace('|', "\\|"));
            table.push_str(&format!("| `{}` | {} |\n", kind.name, cells.join(" | ")));
        }
    }
    table
}
