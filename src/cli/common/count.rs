//! Counts as users type them.

use std::ops::RangeInclusive;

use crate::io::whole_number;

/// A parser of whole numbers in `range`, written out or with an exponent: `1000` or `1e3`.
pub fn count<T: TryFrom<u64>>(
    range: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |text| {
        let found = whole_number(text).filter(|count| range.contains(count));
        let found = found.and_then(|count| T::try_from(count).ok());
        found.ok_or_else(|| match range.end() {
            &u64::MAX => format!("must be a whole number from {}", range.start()),
            end => format!("must be a whole number from {} to {end}", range.start()),
        })
    }
}

/// A parser of any whole number from 0.
pub fn any<T: TryFrom<u64>>() -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static
{
    count(0..=u64::MAX)
}

/// A parser of numbers.
pub fn number(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| "must be a number".to_owned())
}
