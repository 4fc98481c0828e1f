//! A small writer of SVG text.

use std::fmt::Write as _;

use super::style::{FONT, text_width};

/// SVG text that grows element by element.
#[derive(Debug, Default)]
pub(crate) struct Svg {
    text: String,
    open: Vec<&'static str>,
}

impl Svg {
    /// A document of `width` × `height` px on white, with its title and description for readers.
    pub fn document(width: f64, height: f64, title: &str, description: &str) -> Self {
        let (w, h) = (number(width), number(height));
        let mut svg = Self::default();
        svg.open(
            "svg",
            &[
                ("xmlns", "http://www.w3.org/2000/svg"),
                ("width", &w),
                ("height", &h),
                ("viewBox", &format!("0 0 {w} {h}")),
                ("role", "img"),
                ("font-family", "Helvetica, Arial, 'DejaVu Sans', sans-serif"),
            ],
        );
        svg.content("title", &[], title);
        svg.content("desc", &[], description);
        svg.empty(
            "rect",
            &[("width", &w), ("height", &h), ("fill", "#ffffff")],
        );
        svg
    }

    fn tag(&mut self, name: &str, attributes: &[(&str, &str)], end: &str) {
        write!(self.text, "<{name}").expect("a String takes any text");
        for (key, value) in attributes {
            write!(self.text, " {key}=\"{}\"", escape(value)).expect("a String takes any text");
        }
        self.text.push_str(end);
    }

    /// Opens an element that [`close`](Self::close) closes.
    pub fn open(&mut self, name: &'static str, attributes: &[(&str, &str)]) {
        self.tag(name, attributes, ">\n");
        self.open.push(name);
    }

    /// Closes the last open element.
    pub fn close(&mut self) {
        let name = self.open.pop().expect("close() follows open()");
        writeln!(self.text, "</{name}>").expect("a String takes any text");
    }

    /// An element without content.
    pub fn empty(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.tag(name, attributes, "/>\n");
    }

    /// An element that holds text only.
    pub fn content(&mut self, name: &str, attributes: &[(&str, &str)], text: &str) {
        self.tag(name, attributes, ">");
        writeln!(self.text, "{}</{name}>", escape(text)).expect("a String takes any text");
    }

    /// Text at (x, y).
    pub fn label(&mut self, x: f64, y: f64, attributes: &[(&str, &str)], text: &str) {
        let (x, y) = (number(x), number(y));
        let mut all = vec![("x", x.as_str()), ("y", y.as_str())];
        all.extend_from_slice(attributes);
        self.content("text", &all, text);
    }

    /// Text at (x, y) in which `_x` and `_{xy}` are lowered, `^` raises.
    pub fn formula(&mut self, x: f64, y: f64, attributes: &[(&str, &str)], text: &str) {
        let parts = scripts(text);
        if parts.len() < 2 {
            return self.label(x, y, attributes, text);
        }
        let (x, y) = (number(x), number(y));
        let mut all = vec![("x", x.as_str()), ("y", y.as_str())];
        all.extend_from_slice(attributes);
        self.tag("text", &all, ">");
        let mut height = 0.0;
        for part in parts {
            let shift = number(part.shift - height);
            height = part.shift;
            let size = number(SCRIPT * FONT);
            let mut look = Vec::new();
            if shift != "0" {
                look.push(("dy", shift.as_str()));
            }
            if part.shift != 0.0 {
                look.push(("font-size", size.as_str()));
            }
            self.tag("tspan", &look, ">");
            write!(self.text, "{}</tspan>", escape(&part.text)).expect("a String takes any text");
        }
        self.text.push_str("</text>\n");
    }

    /// Text at (x, y) that is centred on x.
    pub fn centred(&mut self, x: f64, y: f64, text: &str) {
        self.label(x, y, &[("text-anchor", "middle")], text);
    }

    /// Text at (x, y) that ends there.
    pub fn before(&mut self, x: f64, y: f64, text: &str) {
        self.label(x, y, &[("text-anchor", "end")], text);
    }

    /// A [`formula`](Self::formula) that is centred on (x, y) and read upwards.
    pub fn upright(&mut self, x: f64, y: f64, text: &str) {
        let turn = format!("rotate(-90 {} {})", number(x), number(y));
        let look = [("text-anchor", "middle"), ("transform", turn.as_str())];
        self.formula(x, y, &look, text);
    }

    /// Text that rises to (x, y), where it ends.
    pub fn rising(&mut self, x: f64, y: f64, text: &str) {
        let turn = format!("rotate(-30 {} {})", number(x), number(y));
        let look = [("text-anchor", "end"), ("transform", turn.as_str())];
        self.label(x, y, &look, text);
    }

    /// A line along `path`.
    pub fn line(&mut self, path: &str, color: &str, width: &str) {
        let look = [
            ("d", path),
            ("fill", "none"),
            ("stroke", color),
            ("stroke-width", width),
        ];
        self.empty("path", &look);
    }

    /// A rounded box of `w` × `h` around (x, y).
    pub fn pill(&mut self, [x, y, w, h]: [f64; 4], radius: f64, attributes: &[(&str, &str)]) {
        let (left, top) = (number(x - w / 2.0), number(y - h / 2.0));
        let (w, h, radius) = (number(w), number(h), number(radius));
        let mut all = vec![
            ("x", left.as_str()),
            ("y", top.as_str()),
            ("width", w.as_str()),
            ("height", h.as_str()),
            ("rx", radius.as_str()),
        ];
        all.extend_from_slice(attributes);
        self.empty("rect", &all);
    }

    /// The text, with everything closed.
    pub fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.close();
        }
        self.text
    }
}

/// Size of lowered and raised letters, as a share of the others.
const SCRIPT: f64 = 0.75;

/// Letters of one height.
struct Script {
    text: String,
    /// How far below the line they stand, px.
    shift: f64,
}

/// `text` by the height of its letters.
fn scripts(text: &str) -> Vec<Script> {
    let mut parts: Vec<Script> = Vec::new();
    let mut put = |text: String, shift: f64| match parts.last_mut() {
        Some(last) if last.shift == shift => last.text.push_str(&text),
        _ => parts.push(Script { text, shift }),
    };
    let mut rest = text.chars().peekable();
    while let Some(letter) = rest.next() {
        let shift = match letter {
            '_' => 3.5,
            '^' => -4.5,
            _ => {
                put(letter.to_string(), 0.0);
                continue;
            }
        };
        match rest.next_if_eq(&'{') {
            Some(_) => put(rest.by_ref().take_while(|c| *c != '}').collect(), shift),
            None => put(rest.next().map(String::from).unwrap_or_default(), shift),
        }
    }
    parts
}

/// About how wide a label with lowered and raised letters is.
pub(crate) fn label_width(text: &str, font: f64) -> f64 {
    let parts = scripts(text).into_iter();
    let widths = parts.map(|part| {
        let size = if part.shift == 0.0 { 1.0 } else { SCRIPT };
        text_width(&part.text, size * font)
    });
    widths.sum()
}

/// `value` with at most two decimals.
pub(crate) fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0" } else { text }.to_owned()
}

/// The path of a level line from (x, y).
pub(crate) fn level(x: f64, y: f64, to: f64) -> String {
    format!("M{} {}H{}", number(x), number(y), number(to))
}

/// The path of an upright line from (x, y).
pub(crate) fn plumb(x: f64, y: f64, to: f64) -> String {
    format!("M{} {}V{}", number(x), number(y), number(to))
}

/// `text` with XML's own characters escaped and characters that XML forbids replaced.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' => escaped.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_text_cannot_leave_its_element() {
        assert_eq!(
            [1.0, -0.001, 2.345, 100.0].map(number),
            ["1", "0", "2.35", "100"]
        );
        assert_eq!(
            escape("a<b & \"c\"\u{1}"),
            "a&lt;b &amp; &quot;c&quot;\u{fffd}"
        );
    }
}
