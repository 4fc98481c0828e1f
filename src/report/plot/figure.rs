//! A figure: its picture, what it shows, and its numbers.

use super::table::Table;

/// A picture with its numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Its name: that of its files, and its address on the page.
    pub id: String,
    /// Its headline.
    pub title: String,
    /// What it shows, in sentences.
    pub caption: String,
    /// The picture, an SVG file that stands alone.
    pub svg: String,
    /// Every number that is drawn.
    pub table: Table,
    /// Whether it needs the whole width of a page.
    pub(crate) is_wide: bool,
    /// What lies above it on the page: choices, as HTML.
    pub(crate) control: String,
}

impl Figure {
    pub(crate) fn new(
        id: String,
        title: String,
        caption: String,
        svg: String,
        table: Table,
    ) -> Self {
        Self {
            id,
            title,
            caption,
            svg,
            table,
            is_wide: false,
            control: String::new(),
        }
    }

    /// The picture as it stands within a page: named by the page's own text, no headline of its own.
    pub(crate) fn inline(&self) -> String {
        let without = |svg: &str, tag: &str| {
            let (open, close) = (format!("<{tag}>"), format!("</{tag}>\n"));
            match (svg.find(&open), svg.find(&close)) {
                (Some(start), Some(end)) if start < end => {
                    format!("{}{}", &svg[..start], &svg[end + close.len()..])
                }
                _ => svg.to_owned(),
            }
        };
        let svg = without(&without(&self.svg, "title"), "desc");
        let named = format!(
            "<svg aria-labelledby=\"{0}-title\" aria-describedby=\"{0}-caption\"",
            self.id
        );
        // Two pictures of one page must not share the names of their parts.
        svg.replacen("<svg", &named, 1)
            .replace("lightloom-frame", &format!("{}-frame", self.id))
    }
}
