//! What figures call the classes.

use serde_json::json;

use crate::io::record::Cell;
use crate::report::plot::style::text_width;
use crate::report::sweep::results::{PointTrials, Results};

/// The names of the classes as the data state them; their numbers where they do not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClassNames<'a>(Option<&'a [String]>);

impl<'a> ClassNames<'a> {
    /// Those of the data of `point`.
    pub fn of(results: &'a Results, point: &PointTrials) -> Self {
        let reference = results.reference(point);
        Self(reference.and_then(|reference| reference.class_names.as_deref()))
    }

    /// Those of all data; numbers where they differ.
    pub fn of_all(results: &'a Results) -> Self {
        let mut references = results.manifest.references.iter();
        let first = references.next().and_then(|one| one.class_names.as_deref());
        let same = references.all(|other| other.class_names.as_deref() == first);
        Self(first.filter(|_| same))
    }

    /// The name of `class`, or its number.
    pub fn name(&self, class: usize) -> String {
        let name = self.0.and_then(|names| names.get(class));
        name.cloned().unwrap_or_else(|| class.to_string())
    }

    /// The name of `class`, or `class` and its number.
    pub fn in_words(&self, class: usize) -> String {
        let name = self.0.and_then(|names| names.get(class));
        name.cloned().unwrap_or_else(|| format!("class {class}"))
    }

    /// The name of `class` in a table, or its number.
    pub fn cell(&self, class: usize) -> Cell {
        let name = self.0.and_then(|names| names.get(class));
        name.map_or_else(|| class.into(), |name| name.as_str().into())
    }

    /// The names as a page's script takes them, null where there are none; no text of a file can end its element.
    pub fn json(&self) -> String {
        json!(self.0).to_string().replace('<', "\\u003c")
    }

    /// Width of the widest of `classes` names in letters of size `font`, at most `most`.
    pub fn widest(&self, classes: usize, font: f64, most: f64) -> f64 {
        let widths = (0..classes).map(|class| text_width(&self.name(class), font));
        widths.fold(0.0, f64::max).min(most)
    }

    /// The name of `class` as far as it is `most` px wide in letters of size `font`.
    pub fn cut(&self, class: usize, font: f64, most: f64) -> String {
        match self.0 {
            Some(_) => shortened(self.name(class), font, most),
            None => self.name(class),
        }
    }

    /// [`in_words`](Self::in_words) as far as it is `most` px wide in letters of size `font`.
    pub fn cut_in_words(&self, class: usize, font: f64, most: f64) -> String {
        shortened(self.in_words(class), font, most)
    }
}

/// `name` as far as it is `most` px wide in letters of size `font`.
fn shortened(mut name: String, font: f64, most: f64) -> String {
    if text_width(&name, font) <= most {
        return name;
    }
    while name.pop().is_some() {
        let short = format!("{}…", name.trim_end());
        if text_width(&short, font) <= most {
            return short;
        }
    }
    "…".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_for_numbers_and_long_ones_are_cut() {
        let names = ["</script>", "a class with a long name"].map(str::to_owned);
        let named = ClassNames(Some(&names));
        let (numbered, most) = (ClassNames(None), 60.0);
        assert_eq!(
            (named.name(0), numbered.name(0)),
            (names[0].clone(), "0".into())
        );
        assert_eq!(numbered.in_words(3), "class 3");
        // A class that a network has and the data do not name.
        assert_eq!(
            (named.in_words(2), named.name(2)),
            ("class 2".into(), "2".into())
        );
        assert_eq!(
            named.json(),
            "[\"\\u003c/script>\",\"a class with a long name\"]"
        );
        assert_eq!(numbered.json(), "null");
        let cut = named.cut(1, 13.0, most);
        assert!(cut.starts_with("a cla") && cut.ends_with('…'));
        assert!(text_width(&cut, 13.0) <= most);
        assert_eq!(named.widest(2, 13.0, most), most);
        assert_eq!(numbered.cut(123, 13.0, 1.0), "123");
    }
}
