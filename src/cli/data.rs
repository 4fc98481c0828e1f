//! What was assumed of a data set, in words.

use crate::io::csv::{Choice, Columns, Header};
use crate::nn::{Dataset, Input, Samples, Scale, Values};

/// What was assumed of `data` in front of a network with this `input`: which column of a table the label is where that was
/// not given, and how raw features are scaled where the network leaves it open. Nothing where nothing was.
pub fn assumed(data: &Dataset, input: &Input) -> Option<String> {
    let label = data.columns.as_ref().and_then(label);
    let is_table = data.columns.is_some();
    let features = match input.scale {
        Scale::FullScale => features(&data.x, is_table),
        Scale::Factor(_) => None,
    };
    let said: Vec<String> = label.into_iter().chain(features).collect();
    (!said.is_empty()).then(|| said.join("; "))
}

fn label(columns: &Columns) -> Option<String> {
    let column = columns.label_in_words();
    let said = match columns.choice {
        Choice::Given => return None,
        Choice::Named => format!("the label is {column}"),
        Choice::Last => format!("the label is the last column, {column}"),
    };
    Some(match columns.header {
        Some(Header::Counts(_)) => {
            format!("{said}; the first line counts samples and features")
        }
        _ => said,
    })
}

fn features(samples: &Samples, is_table: bool) -> Option<String> {
    let said = match samples.values {
        Values::Bytes(_) => "features are bytes, divided by 255".to_owned(),
        _ if samples.are_bytes_as_numbers() => format!(
            "features are whole numbers 0..255, taken as they are; --scale {} at compile divides them by 255",
            1.0 / 255.0
        ),
        _ if is_table => "features are taken as they are".to_owned(),
        _ => return None,
    };
    Some(said)
}
