//! Values as an experiment writes them: numbers, text, lists and ranges.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Key;
use super::key::{unknown, whole};
use super::resolved::toml_value;
use crate::error::{Error, Result};
use crate::hardware::show;
use crate::io::record::Cell;
use crate::nn::PerFeature;

/// Values of a range at most.
const STEPS_LIMIT: usize = 100_000;

/// What NumPy and others call the keys of a range.
pub(super) const RENAMED: [(&str, &str); 8] = [
    ("start", "from"),
    ("min", "from"),
    ("stop", "to"),
    ("end", "to"),
    ("max", "to"),
    ("num", "steps"),
    ("count", "steps"),
    ("points", "steps"),
];

/// The keys of a range.
pub(super) const RANGE: [&str; 4] = ["from", "to", "steps", "log"];

/// The values of an axis, none of them twice.
pub(super) fn list(key: &Key, value: &Spanned<DeValue<'_>>) -> Result<Vec<Cell>> {
    let cells = read_list(key, value)?;
    let mut seen = HashSet::new();
    for cell in &cells {
        let text = toml_value(cell).to_string();
        if seen.contains(&text) {
            let what = format!("`{}`", key.name());
            let reason = format!("holds {text} twice: values must differ");
            return Err(Error::format(what, reason));
        }
        seen.insert(text);
    }
    Ok(cells)
}

pub(crate) fn read_list(key: &Key, value: &Spanned<DeValue<'_>>) -> Result<Vec<Cell>> {
    let cells = match value.get_ref() {
        DeValue::Array(items) => items
            .iter()
            .map(|item| scalar(key.name(), item))
            .collect::<Result<Vec<_>>>()?,
        DeValue::Table(range) => read_range(key.name(), range)?,
        other => {
            let limit = "a list or a range { from, to, steps }";
            return Err(Error::value(key.name(), show(other), limit));
        }
    };
    if cells.is_empty() {
        return Err(Error::value(
            key.name(),
            "[]",
            "a list of at least one value",
        ));
    }
    cells.into_iter().map(|cell| key.check(cell)).collect()
}

/// `{ from, to, steps }`: so many values from the one to the other, both included; with `log = true` in equal ratios.
fn read_range(name: &str, range: &DeTable<'_>) -> Result<Vec<Cell>> {
    for key in range.keys() {
        if !RANGE.contains(&&**key.get_ref()) {
            let key = key.get_ref();
            return Err(match RENAMED.iter().find(|(theirs, _)| *theirs == key) {
                Some((_, ours)) => {
                    let reason =
                        format!("is no key of a range {{ from, to, steps }}: must be `{ours}`");
                    Error::format(format!("`{key}`"), reason)
                }
                None => unknown(key, "key of a range", &RANGE),
            });
        }
    }
    let find = |key: &str| {
        let found = range.iter().find(|(name, _)| name.get_ref() == key);
        found.map(|(_, value)| value)
    };
    let needed = |key: &str| {
        find(key).ok_or_else(|| {
            let what = format!("has no `{key}`: must be {{ from, to, steps }}");
            Error::format(format!("range of `{name}`"), what)
        })
    };
    let end = |key: &str| -> Result<Cell> {
        match scalar(key, needed(key)?)? {
            cell @ (Cell::Int(_) | Cell::Float(_)) => Ok(cell),
            other => Err(Error::value(
                format!("{name}: {key}"),
                toml_value(&other),
                "a number",
            )),
        }
    };
    let (from, to) = (end("from")?, end("to")?);
    let steps = count("steps", needed("steps")?, 2..=STEPS_LIMIT)?;
    let log = match find("log").map(Spanned::get_ref) {
        None => false,
        Some(DeValue::Boolean(log)) => *log,
        Some(other) => {
            return Err(Error::value(
                format!("{name}: log"),
                show(other),
                "true or false",
            ));
        }
    };
    let last = steps - 1;
    if let (Cell::Int(from), Cell::Int(to), false) = (&from, &to, log) {
        let span = to.checked_sub(*from).filter(|span| span % last as i64 == 0);
        if let Some(span) = span {
            let step = span / last as i64;
            return Ok((0..steps as i64)
                .map(|i| Cell::Int(from + i * step))
                .collect());
        }
    }
    let number = |cell: &Cell| match cell {
        Cell::Int(value) => *value as f64,
        Cell::Float(value) => *value,
        _ => unreachable!("ends are numbers"),
    };
    let (from, to) = (number(&from), number(&to));
    if log && !(from > 0.0 && to > 0.0) {
        let got = format!("{from} to {to}");
        return Err(Error::value(
            format!("{name}: log range"),
            got,
            "from and to above 0",
        ));
    }
    Ok((0..steps)
        .map(|i| {
            let share = i as f64 / last as f64;
            Cell::Float(match (i, log) {
                (0, _) => from,
                (i, _) if i == last => to,
                (_, false) => shortened(from + (to - from) * share),
                // Not the platform's functions, whose last bits differ.
                (_, true) => shortened(from * libm::exp(libm::log(to / from) * share)),
            })
        })
        .collect())
}

/// `value` to twelve digits: what a list would say, and what two ranges share.
fn shortened(value: f64) -> f64 {
    format!("{value:.11e}").parse().unwrap_or(value)
}

pub(crate) fn scalar(name: &str, value: &Spanned<DeValue<'_>>) -> Result<Cell> {
    let value = value.get_ref();
    let cell = match value {
        DeValue::String(text) => Some(Cell::Text(text.to_string())),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .ok()
            .map(Cell::Int),
        DeValue::Float(number) => number
            .as_str()
            .parse()
            .ok()
            .filter(|value: &f64| value.is_finite())
            .map(Cell::Float),
        _ => None,
    };
    cell.ok_or_else(|| Error::value(name, show(value), "a finite number or text"))
}

pub(crate) fn text(key: &str, value: &Spanned<DeValue<'_>>) -> Result<String> {
    match value.get_ref() {
        DeValue::String(text) => Ok(text.to_string()),
        other => Err(Error::value(key, show(other), "text in quotes")),
    }
}

/// A list of texts, of at least one; `limit` says what they are.
pub(super) fn texts(key: &str, value: &Spanned<DeValue<'_>>, limit: &str) -> Result<Vec<String>> {
    match value.get_ref() {
        DeValue::Array(items) if !items.is_empty() => {
            items.iter().map(|item| text(key, item)).collect()
        }
        DeValue::Array(_) => Err(Error::value(key, "[]", limit)),
        other => Err(Error::value(key, show(other), limit)),
    }
}

/// A number, numbers in a list, or the path of an array, as [`PerFeature::open`] reads them.
pub(super) fn numbers(key: &str, value: &Spanned<DeValue<'_>>) -> Result<String> {
    let limit = "a number, numbers in a list, one a feature or a channel, or the path of an .npy or .npz file";
    let wrong = || Error::value(key, show(value.get_ref()), limit);
    let number = |item: &Spanned<DeValue<'_>>| match scalar(key, item) {
        Ok(Cell::Int(number)) => Ok(format!("{:?}", number as f64)),
        Ok(Cell::Float(number)) => Ok(format!("{number:?}")),
        _ => Err(wrong()),
    };
    match value.get_ref() {
        DeValue::Array(items) if !items.is_empty() => {
            let numbers: Vec<String> = items.iter().map(number).collect::<Result<_>>()?;
            Ok(numbers.join(","))
        }
        DeValue::String(path) if PerFeature::is_file(path) => Ok(path.to_string()),
        _ => number(value),
    }
}

/// A whole number in `range`, written out or with an exponent.
pub(crate) fn count(
    key: &str,
    value: &Spanned<DeValue<'_>>,
    range: RangeInclusive<usize>,
) -> Result<usize> {
    let found = match scalar(key, value)? {
        Cell::Int(count) => usize::try_from(count).ok(),
        Cell::Float(value) => whole(value),
        _ => None,
    };
    found.filter(|count| range.contains(count)).ok_or_else(|| {
        let limit = match *range.end() {
            usize::MAX => format!("a whole number from {}", range.start()),
            end => format!("a whole number from {} to {end}", range.start()),
        };
        Error::value(key, show(value.get_ref()), limit)
    })
}
