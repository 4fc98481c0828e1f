//! The table of operators of `docs/networks.md`.

use super::build::*;
use super::*;
use crate::nn::graph::{Chosen, Graph, chosen};

/// Those of scikit-learn's exporter, as they are or written anew.
const CLASSICAL: [&str; 8] = [
    "ArrayFeatureExtractor",
    "CategoryMapper",
    "LinearClassifier",
    "LinearRegressor",
    "Normalizer",
    "Scaler",
    "TreeEnsembleClassifier",
    "ZipMap",
];

fn names(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

fn table() -> String {
    let left = chosen::OPERATORS;
    let mut digital = operators::standard();
    assert!(
        chosen::PRODUCTS
            .iter()
            .chain(&left)
            .all(|name| digital.contains(name))
    );
    digital.retain(|name| !chosen::PRODUCTS.contains(name) && !left.contains(name));
    let mut rows = vec![
        (
            "on light, times a constant".to_owned(),
            names(&chosen::PRODUCTS),
        ),
        ("digital, and named".to_owned(), names(&left)),
        ("digital".to_owned(), names(&digital)),
        ("digital, of `ai.onnx.ml`".to_owned(), names(&CLASSICAL)),
        (
            "digital, of `com.microsoft`".to_owned(),
            names(&operators::CONTRIBUTED),
        ),
    ];
    rows.extend(operators::LIMITS.iter().map(|limit| {
        let what = format!("refused by `{}`: {}", limit.attribute, limit.limit);
        (what, names(limit.operators))
    }));
    let rows = rows
        .iter()
        .map(|(what, operators)| format!("| {what} | {operators} |\n"));
    format!("| | operators |\n|---|---|\n{}", rows.collect::<String>())
}

#[test]
fn the_page_shows_every_operator() {
    crate::nn::page::assert_shows("operators", &table());
}

#[test]
fn what_the_table_says_is_on_light_is() {
    for op in chosen::PRODUCTS {
        let (input, weight) = match op {
            "Conv" | "ConvTranspose" => (&[1, 2, 3, 3][..], &[2, 2, 1, 1][..]),
            _ => (&[1, 2][..], &[2, 2][..]),
        };
        let mut product = node("product", op, &["x", "w"], "y");
        if op == "Einsum" {
            product = with_text(product, "equation", "mk,kn->mn");
        }
        let mut file = model(vec![product]);
        graph(&mut file).input = vec![port("x", input)];
        let weight = float_tensor("w", weight, &[1.0, 2.0, 3.0, 4.0]);
        graph(&mut file).initializer.push(weight);
        let source = Source::new("model", bytes(&file));
        let graph = Graph::read(&source, &Choice::default(), &Chosen::default()).unwrap();
        assert_eq!(graph.linears().len(), 1, "{op}");
    }
}

/// What is refused of them here is that they have none of their attributes.
#[test]
fn operators_of_scikit_learn_are_known() {
    for op in CLASSICAL {
        let file = model(vec![of("ai.onnx.ml", node("p", op, &["x", "x"], "y"))]);
        let read = prepare(&Source::new("model", bytes(&file)), &Choice::default());
        if let Err(error) = read {
            assert!(!error.to_string().contains("standard operators"), "{error}");
        }
    }
}
