//! What all pictures share: inks, and the size of letters.

/// Lines and letters.
pub(crate) const INK: &str = "#1c2126";
/// Lines and letters of less weight.
pub(crate) const SOFT: &str = "#59626c";
/// The lines behind a chart.
pub(crate) const GRID: &str = "#dfe3e7";
/// The edges of what is filled with a colour.
pub(crate) const EDGE: &str = "#39414a";
/// Size of the letters of a figure, px.
pub(crate) const FONT: f64 = 13.0;

/// About how wide `text` is at the size of a figure's letters.
pub(crate) fn text_width(text: &str, font: f64) -> f64 {
    let letters: f64 = text
        .chars()
        .map(|c| match c {
            'i' | 'l' | 'j' | '.' | ',' | ' ' | '|' | '\'' | 't' | 'f' | 'r' | '(' | ')' => 0.32,
            'm' | 'w' | 'M' | 'W' | '%' | '…' => 0.88,
            'A'..='Z' | '–' | '−' | 'σ' | 'θ' => 0.66,
            _ => 0.56,
        })
        .sum();
    letters * font
}

/// `text` in lines no wider than `width`, broken at spaces and within words that are wider than a line.
pub(crate) fn wrapped(text: &str, width: f64, font: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        if let Some(last) = lines.last_mut()
            && text_width(&format!("{last} {word}"), font) <= width
        {
            last.push(' ');
            last.push_str(word);
            continue;
        }
        lines.push(String::new());
        for letter in word.chars() {
            let last = lines.last_mut().expect("one was begun");
            if !last.is_empty() && text_width(&format!("{last}{letter}"), font) > width {
                lines.push(letter.to_string());
            } else {
                last.push(letter);
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_lines_fit_and_keep_every_letter() {
        let text = "correction none, σ phase 0.02 rad and heater-supply-of-the-whole-chip none";
        for width in [60.0, 100.0, 250.0, 1000.0] {
            let lines = wrapped(text, width, FONT);
            assert!(lines.iter().all(|line| text_width(line, FONT) <= width));
            let letters = |text: &str| text.replace(' ', "");
            assert_eq!(letters(&lines.concat()), letters(text));
        }
        assert_eq!(wrapped(text, 1000.0, FONT), [text]);
        assert_eq!(
            wrapped("a bb cc", text_width("a bb", FONT), FONT),
            ["a bb", "cc"]
        );
    }
}
