//! Whole numbers as people write them.

/// The whole number that `text` writes out, `1000`, or with an exponent, `1e3`; nothing if it is none, or 2⁶⁴ or more.
///
/// The value counts, to the last digit: `1.5e3` is 1500, and `1.5e0` is no whole number.
///
/// ```
/// use lightloom::io::whole_number;
///
/// assert_eq!(whole_number("1e3"), Some(1000));
/// assert_eq!(whole_number("1.5e0"), None);
/// ```
pub fn whole_number(text: &str) -> Option<u64> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_number = |digits: &str| digits.bytes().all(|digit| digit.is_ascii_digit());
    let has_point = mantissa.contains('.');
    if whole.is_empty() || (has_point && fraction.is_empty()) {
        return None;
    }
    if !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return Some(0);
    }
    let dropped = (digits.len() - significant.len()) as i64;
    let zeros = exponent
        .checked_sub(fraction.len() as i64)?
        .checked_add(dropped)?;
    let power = 10u64.checked_pow(u32::try_from(zeros).ok()?)?;
    significant.parse::<u64>().ok()?.checked_mul(power)
}

#[cfg(test)]
mod tests {
    use super::whole_number;

    #[test]
    fn whole_numbers_are_told_by_their_value() {
        for (text, value) in [
            ("0", 0),
            ("007", 7),
            ("1000", 1000),
            ("1e3", 1000),
            ("1E3", 1000),
            ("1e+3", 1000),
            ("1.5e3", 1500),
            ("1.50e1", 15),
            ("20.0", 20),
            ("10e-1", 1),
            ("0e99", 0),
            ("18446744073709551615", u64::MAX),
            ("1.8446744073709551615e19", u64::MAX),
        ] {
            assert_eq!(whole_number(text), Some(value), "{text}");
        }
        for text in [
            "",
            "-1",
            "+1",
            "1.5",
            "1.5e0",
            "15e-1",
            "1e",
            "e3",
            ".5e1",
            "1.",
            "1.e3",
            "1e3.0",
            "1 000",
            "1_000",
            "0x10",
            "inf",
            "nan",
            "ten",
            "18446744073709551616",
            "2e19",
            "1e99",
            "1e99999999999999999999",
            "1e9223372036854775807",
            "1.1e-9223372036854775808",
            "1ee3",
            "1e3e3",
        ] {
            assert_eq!(whole_number(text), None, "{text}");
        }
    }
}
