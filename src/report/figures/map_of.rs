//! What the colours of a map are of the chips of a square.

use crate::report::options::MapOf;
use crate::report::plot::words::{percent, short};
use crate::report::sweep::measure::Measure;
use crate::report::sweep::results::Results;

/// What the colours of a map are of the chips.
pub(crate) struct Colors {
    measure: Measure,
    pub is_yield: bool,
    /// Its column in the table.
    pub column: String,
    /// On a square in words.
    pub name: String,
    /// Beside the bar of colours.
    pub label: String,
    /// In the caption, without a point.
    pub sentence: String,
}

impl Colors {
    pub fn of(results: &Results) -> Self {
        let measure = results.measure;
        let unit = match measure.score.is_share() {
            true => ", in percent",
            false => "",
        };
        let (column, name) = match results.options.map {
            MapOf::Mean => ("mean".to_owned(), "mean".to_owned()),
            MapOf::Quantile(0.5) => ("median".to_owned(), "median".to_owned()),
            MapOf::Quantile(share) => {
                let percent = short(100.0 * share, 4);
                (format!("p{percent}"), format!("{percent} % quantile"))
            }
            MapOf::Yield => ("yield".to_owned(), "yield".to_owned()),
        };
        let is_yield = results.options.map == MapOf::Yield;
        Self {
            measure,
            is_yield,
            label: match (is_yield, results.options.map) {
                (true, _) => "yield, % of chips".to_owned(),
                (false, MapOf::Mean) => measure.label(),
                (false, _) => format!("{name} of {}", measure.label()),
            },
            sentence: match is_yield {
                true => format!(
                    "Share of the chips in every square that lose at most {} against digital, in percent",
                    measure.tolerated_in_words()
                ),
                false => format!(
                    "{} {} of the chips in every square{unit}",
                    name[..1].to_uppercase() + &name[1..],
                    match name.ends_with("quantile") {
                        true => format!("of the {}", measure.name()),
                        false => measure.name(),
                    },
                ),
            },
            column,
            name,
        }
    }

    /// At the beginning of a headline.
    pub fn title(&self) -> String {
        match (self.is_yield, self.name.as_str()) {
            (true, _) => "Yield".to_owned(),
            (false, "mean") => self.measure.title(),
            (false, name) => format!("{}, {name},", self.measure.title()),
        }
    }

    /// The value in the unit of the bar of colours.
    pub fn drawn(&self, value: f64) -> f64 {
        match self.is_yield {
            true => 100.0 * value,
            false => self.measure.drawn(value),
        }
    }

    /// The value with its unit.
    pub fn text(&self, value: f64) -> String {
        match self.is_yield {
            true => percent(value, 0),
            false => self.measure.text(value),
        }
    }

    /// The value on a square, without its unit.
    pub fn on_square(&self, value: f64) -> String {
        match self.is_yield {
            true => format!("{:.0}", 100.0 * value),
            false => self.measure.on_square(value),
        }
    }
}
