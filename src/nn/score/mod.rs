//! What outputs are worth: the names of scores, and the numbers that a score has.

mod formulas;
mod scorer;

pub use scorer::{Judged, Scorer};

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::units::percent_of;

/// What outputs are compared with, and by which number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Score {
    /// Share of samples whose largest output is that of their class.
    Accuracy,
    /// Share of samples whose class is among those of the k largest outputs.
    Top(usize),
    /// Share of samples on the right side of the threshold, of a network of one output; with the area under the curve.
    Binary,
    /// As [`Self::Binary`], of an output that is a probability though the network does not end in what gives one.
    BinaryOfProbabilities,
    /// Mean of (output − target)² over samples and outputs; with R².
    Mse,
    /// Mean of −ln p of the class that a sample has.
    Nll,
    /// As [`Self::Nll`], of outputs that are probabilities though the network does not end in what gives them.
    NllOfProbabilities,
    /// Nothing is known of the samples: outputs are compared with the digital ones alone.
    None,
}

/// The numbers of [`Worth`], by the names that they have in all files.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    /// Its name.
    pub name: &'static str,
    /// What tables call it.
    pub label: &'static str,
    /// What it is.
    pub words: &'static str,
    /// The values that it can have.
    pub range: [f64; 2],
}

/// The parts in the order of the fields of [`Worth`].
pub const PARTS: [Part; 6] = [
    Part {
        name: "accuracy",
        label: "accuracy",
        words: "share of samples that are right",
        range: [0.0, 1.0],
    },
    Part {
        name: "score",
        label: "score",
        words: "mean squared error, or negative log-likelihood in nats",
        range: [f64::NEG_INFINITY, f64::INFINITY],
    },
    Part {
        name: "auc",
        label: "area under the curve",
        words: "area under the receiver operating characteristic; null where all samples are of one class",
        range: [0.0, 1.0],
    },
    Part {
        name: "r2",
        label: "R²",
        words: "R², of several outputs weighted by their variance; null where targets do not vary",
        range: [f64::NEG_INFINITY, 1.0],
    },
    Part {
        name: "agreement",
        label: "agreement",
        words: "share of samples that are classified as digital does",
        range: [0.0, 1.0],
    },
    Part {
        name: "output_error",
        label: "output error",
        words: "‖y − y_digital‖ / ‖y_digital‖ over all outputs y of all samples",
        range: [0.0, f64::INFINITY],
    },
];

/// What outputs are worth: numbers, or summaries of them over chips. What a score does not have is absent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Worth<V = f64> {
    /// Share of samples that are right, in [0, 1]; absent without classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<V>,
    /// The score, where it is no share of right samples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<V>,
    /// Area under the curve of [`Score::Binary`]; absent where all samples are of one class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auc: Option<V>,
    /// R² of [`Score::Mse`]; absent where targets do not vary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r2: Option<V>,
    /// Share of samples that are classified as digital does; absent without classes and for digital itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement: Option<V>,
    /// ‖y − y_digital‖ / ‖y_digital‖ of outputs that are no classes; for digital itself 0 of [`Score::None`], else absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_error: Option<V>,
}

impl Part {
    /// A value of it for people: shares of samples in percent, else four digits that count.
    pub fn text(&self, value: f64) -> String {
        match self.name {
            "accuracy" | "agreement" => format!("{} %", percent_of(value, 2)),
            _ => digits(value),
        }
    }
}

/// `value` with four digits that count, with a power of ten where it is far from 1.
fn digits(value: f64) -> String {
    let power = value.abs().log10().floor();
    match value == 0.0 || !value.is_finite() {
        true => value.to_string(),
        false if (-4.0..=6.0).contains(&power) => {
            format!("{value:.*}", (3.0 - power).max(0.0) as usize)
        }
        false => format!("{value:.3e}"),
    }
}

impl<V> Default for Worth<V> {
    fn default() -> Self {
        Self {
            accuracy: None,
            score: None,
            auc: None,
            r2: None,
            agreement: None,
            output_error: None,
        }
    }
}

impl<V: Copy> Worth<V> {
    /// What is there, in the order of [`PARTS`].
    pub fn parts(&self) -> [Option<V>; PARTS.len()] {
        [
            self.accuracy,
            self.score,
            self.auc,
            self.r2,
            self.agreement,
            self.output_error,
        ]
    }

    /// The numbers in the order of [`PARTS`].
    pub fn of_parts(parts: [Option<V>; PARTS.len()]) -> Self {
        let [accuracy, score, auc, r2, agreement, output_error] = parts;
        Self {
            accuracy,
            score,
            auc,
            r2,
            agreement,
            output_error,
        }
    }

    /// The part called `name`.
    pub fn part(&self, name: &str) -> Option<V> {
        let index = PARTS.iter().position(|part| part.name == name)?;
        self.parts()[index]
    }

    /// The number that the score is named after: the score, else the accuracy, else the output error.
    ///
    /// # Panics
    /// If there is none of them, as in [`Worth::default`].
    pub fn value(&self) -> V {
        let value = self.score.or(self.accuracy).or(self.output_error);
        value.expect("what was judged has one of the three")
    }
}

impl Score {
    /// What `--score` takes, in words.
    pub const CHOICES: &str = "accuracy, top and a number (top5), binary, binary-of-probabilities, mse, nll, \
                               nll-of-probabilities or none";

    /// What it is called in titles and on axes.
    pub fn words(self) -> String {
        match self {
            Self::Accuracy | Self::Binary | Self::BinaryOfProbabilities => "accuracy".to_owned(),
            Self::Top(k) => format!("top-{k} accuracy"),
            Self::Mse => "mean squared error".to_owned(),
            Self::Nll | Self::NllOfProbabilities => "negative log-likelihood".to_owned(),
            Self::None => "output error".to_owned(),
        }
    }

    /// Whether it is a share of samples, best at 1; all others are best where they are least.
    pub fn is_share(self) -> bool {
        self.has_classes() && !self.is_nll()
    }

    /// A value of it for people: shares of samples in percent, else four digits that count.
    pub fn text(self, value: f64) -> String {
        match self.is_share() {
            true => format!("{} %", percent_of(value, 2)),
            false => digits(value),
        }
    }

    /// Whether samples have classes.
    pub fn has_classes(self) -> bool {
        !matches!(self, Self::Mse | Self::None)
    }

    /// Whether it is a mean of −ln p.
    pub fn is_nll(self) -> bool {
        matches!(self, Self::Nll | Self::NllOfProbabilities)
    }

    /// Whether it is of one output, above whose threshold a sample is of class 1.
    pub fn is_binary(self) -> bool {
        matches!(self, Self::Binary | Self::BinaryOfProbabilities)
    }

    /// The name of the part that is the score itself.
    pub fn main_part(self) -> &'static str {
        match self {
            Self::Mse | Self::Nll | Self::NllOfProbabilities => "score",
            Self::None => "output_error",
            _ => "accuracy",
        }
    }

    /// The name of the part that says how near outputs of a chip are to digital ones.
    pub fn beside_digital(self) -> &'static str {
        match self.has_classes() {
            true => "agreement",
            false => "output_error",
        }
    }

    /// Whether outputs have the part called `part`, be they digital or of a chip.
    pub fn has(self, part: &str, of_digital: bool) -> bool {
        match part {
            "accuracy" => self.has_classes(),
            "score" => self == Self::Mse || self.is_nll(),
            "auc" => self.is_binary(),
            "r2" => self == Self::Mse,
            _ => part == self.beside_digital() && (!of_digital || self == Self::None),
        }
    }
}

/// The scores that have a name without a number, and the names.
const NAMED: [(Score, &str); 7] = [
    (Score::Accuracy, "accuracy"),
    (Score::Binary, "binary"),
    (Score::BinaryOfProbabilities, "binary-of-probabilities"),
    (Score::Mse, "mse"),
    (Score::Nll, "nll"),
    (Score::NllOfProbabilities, "nll-of-probabilities"),
    (Score::None, "none"),
];

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Top(k) = self {
            return write!(f, "top{k}");
        }
        let named = NAMED.iter().find(|(score, _)| score == self);
        f.write_str(named.expect("all others have a name").1)
    }
}

impl FromStr for Score {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if let Some((score, _)) = NAMED.iter().find(|(_, name)| *name == text) {
            return Ok(*score);
        }
        let counted = text.strip_prefix("top").and_then(|k| k.parse().ok());
        counted.filter(|k| *k > 0).map(Self::Top).ok_or_else(|| {
            let names = NAMED.iter().map(|(_, name)| *name);
            let meant = crate::error::did_you_mean(text, names.chain(["top5"]));
            Error::value("score", text, format!("{}{meant}", Self::CHOICES))
        })
    }
}

impl TryFrom<String> for Score {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Score> for String {
    fn from(score: Score) -> Self {
        score.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::compare::value;

    #[test]
    fn every_name_of_a_score_is_read_back_and_no_other() {
        let named = NAMED.iter().map(|(_, name)| *name);
        for name in named.chain(["top5", "top1"]) {
            assert_eq!(name.parse::<Score>().unwrap().to_string(), name);
        }
        for name in ["top0", "top", "topx", "Accuracy", ""] {
            let error = name.parse::<Score>().unwrap_err();
            assert_eq!(error.refusal(), value("score", name));
        }
    }

    #[test]
    fn shares_are_told_in_percent_and_numbers_in_four_digits() {
        assert_eq!(Score::Top(5).text(0.98237), "98.24 %");
        let texts = [0.0, 0.012_345_6, -2.0, 123.456, 1.234_56e-9, 65_432_100.0];
        let texts = texts.map(|value| Score::Mse.text(value));
        assert_eq!(
            texts,
            ["0", "0.01235", "-2.000", "123.5", "1.235e-9", "6.543e7"]
        );
        assert_eq!(
            (PARTS[0].text(0.5), PARTS[3].text(0.5)),
            ("50.00 %".into(), "0.5000".into())
        );
    }

    #[test]
    fn parts_keep_their_places_and_a_score_goes_before_an_accuracy() {
        let numbers = [0.5, 2.0, 0.25, -1.0, 0.75, 3.0];
        let worth = Worth::of_parts(numbers.map(Some));
        assert_eq!(worth.parts(), numbers.map(Some));
        let json = serde_json::to_value(worth).unwrap();
        for (part, number) in PARTS.iter().zip(numbers) {
            assert_eq!(json[part.name], number);
            assert_eq!(worth.part(part.name), Some(number));
        }
        assert_eq!(worth.value(), 2.0);
        let share = Worth {
            accuracy: Some(0.5),
            agreement: Some(1.0),
            ..Worth::default()
        };
        assert_eq!(
            serde_json::to_string(&share).unwrap(),
            r#"{"accuracy":0.5,"agreement":1.0}"#
        );
        assert_eq!(share.value(), 0.5);
    }
}
