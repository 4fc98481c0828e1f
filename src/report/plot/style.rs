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
