//! Numbers in words.

use crate::units::percent_of;

/// `value` with `digits` digits that count, without zeros at the end; powers of ten where they are shorter.
pub(crate) fn short(value: f64, digits: usize) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if !value.is_finite() {
        return value.to_string();
    }
    let power = value.abs().log10().floor() as i32;
    if !(-4..=6).contains(&power) {
        let text = format!("{value:.*e}", digits.saturating_sub(1));
        let (mantissa, exponent) = text.split_once('e').expect("it is written with e");
        let mantissa = if mantissa.contains('.') {
            mantissa.trim_end_matches('0').trim_end_matches('.')
        } else {
            mantissa
        };
        return format!("{mantissa}e{exponent}").replace('-', "−");
    }
    let decimals = (digits as i32 - 1 - power).max(0) as usize;
    let text = format!("{value:.decimals$}");
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => &text,
    };
    text.replace('-', "−")
}

/// `value` with exactly `digits` digits that count, zeros at the end among them; all digits in front of the point.
pub(crate) fn significant(value: f64, digits: usize) -> String {
    let power = value.abs().log10().floor();
    if value == 0.0 || !(-4.0..=6.0).contains(&power) {
        return short(value, digits);
    }
    let decimals = (digits as i32 - 1 - power as i32).max(0) as usize;
    format!("{value:.decimals$}").replace('-', "−")
}

/// As [`short`]; what is below 1e-12 is rounding and shown as 0.
pub(crate) fn tidy(value: f64, digits: usize) -> String {
    short(if value.abs() < 1e-12 { 0.0 } else { value }, digits)
}

/// A share in percent with this many decimals.
pub(crate) fn percent(share: f64, decimals: usize) -> String {
    format!("{} %", in_percent(share, decimals))
}

/// The same without its sign. What is not zero takes up to three further decimals so that it does not look like it; what
/// is below 1e-12 is rounding.
pub(crate) fn in_percent(share: f64, decimals: usize) -> String {
    let is_zero = |text: &String| text.bytes().all(|byte| matches!(byte, b'-' | b'0' | b'.'));
    let text = |decimals: usize| percent_of(share, decimals);
    let further = match share.abs() < 1e-12 {
        true => 0,
        false => 3,
    };
    let texts = (decimals..=decimals + further).map(text);
    match texts.into_iter().find(|text| !is_zero(text)) {
        Some(text) => text.replace('-', "−"),
        None => text(decimals).replace('-', ""),
    }
}

/// The ends of an interval of a difference, each with its sign: `−0.04 % to +0.37 %`.
pub(crate) fn signed_interval([low, high]: [f64; 2], decimals: usize) -> String {
    let signed = |share: f64| {
        let text = percent(share, decimals);
        match text.starts_with('−') || share < 1e-12 {
            true => text,
            false => format!("+{text}"),
        }
    };
    format!("{} to {}", signed(low), signed(high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_the_digits_that_count() {
        assert_eq!(short(0.0123456, 3), "0.0123");
        assert_eq!(short(64.0, 4), "64");
        assert_eq!(short(-0.5, 3), "−0.5");
        assert_eq!(short(1.5e-7, 3), "1.5e−7");
        assert_eq!(short(100.0, 3), "100");
        let shares = [0.9824, 1.0, -0.005, -1e-17];
        let texts = shares.map(|share| percent(share, 1));
        assert_eq!(texts, ["98.2 %", "100.0 %", "−0.5 %", "0.0 %"]);
        assert_eq!(percent(0.9824, 2), "98.24 %");
        assert_eq!(percent(0.0, 1), "0.0 %");
        assert_eq!(percent(-2e-10, 1), "0.0 %");
        // An interval that holds 0 looks so.
        let interval = signed_interval([-0.000_44, 0.003_71], 1);
        assert_eq!(interval, "−0.04 % to +0.4 %");
        assert_eq!(signed_interval([0.0, 0.000_02], 1), "0.0 % to +0.002 %");
        let places = [0.0402, 0.0357, 5.0, 63.7, 128.2].map(|value| significant(value, 2));
        assert_eq!(places, ["0.040", "0.036", "5.0", "64", "128"]);
        assert_eq!([tidy(2e-16, 3), tidy(2e-8, 3)], ["0", "2e−8"]);
    }
}
