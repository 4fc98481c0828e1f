//! Numbers as a table: on the page, and as CSV.

use super::svg::escape;
use super::words::{in_percent, short, tidy};
use crate::io::record::{Cell, Column, write_csv};

/// Named columns and their rows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// One name a column, as it stands in CSV.
    pub columns: Vec<String>,
    /// One cell a column.
    pub rows: Vec<Vec<Cell>>,
    /// Columns that a page does not show as plain numbers.
    formats: Vec<(String, Format)>,
}

/// How the page shows the numbers of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// A share, in percent with this many decimals.
    Percent(usize),
    /// The p value of a test.
    Probability,
}

impl Table {
    /// A table without rows.
    pub fn new(columns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            columns: columns.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
            formats: Vec::new(),
        }
    }

    /// Shows these columns, which hold shares, in percent with this many decimals. In CSV they stay shares.
    pub(crate) fn shares(&mut self, columns: &[&str], decimals: usize) {
        let columns = columns.iter();
        self.formats
            .extend(columns.map(|name| ((*name).to_owned(), Format::Percent(decimals))));
    }

    /// Shows this column as p values.
    pub(crate) fn probability(&mut self, column: &str) {
        self.formats.push((column.to_owned(), Format::Probability));
    }

    /// Its first `rows` rows.
    pub(crate) fn first(&self, rows: usize) -> Self {
        Self {
            rows: self.rows.iter().take(rows).cloned().collect(),
            ..self.clone()
        }
    }

    fn format(&self, column: &str) -> Option<Format> {
        let mut formats = self.formats.iter();
        formats
            .find(|(name, _)| name == column)
            .map(|(_, format)| *format)
    }

    /// Adds a row.
    ///
    /// # Panics
    /// If it does not have one cell a column.
    pub fn push(&mut self, row: Vec<Cell>) {
        assert_eq!(row.len(), self.columns.len(), "one cell a column");
        self.rows.push(row);
    }

    /// The table as CSV, every number with all its digits.
    pub fn csv(&self) -> String {
        let columns: Vec<Column> = self
            .columns
            .iter()
            .enumerate()
            .map(|(index, name)| {
                Column::new(
                    name,
                    Cell::common_kind(self.rows.iter().map(|row| &row[index])),
                )
            })
            .collect();
        let mut bytes = Vec::new();
        write_csv(&columns, self.rows.iter().cloned().map(Ok), &mut bytes)
            .expect("memory takes any record");
        String::from_utf8(bytes).expect("it was written from text")
    }

    /// The table as HTML.
    pub(crate) fn html(&self, caption: &str) -> String {
        let mut html = format!(
            "<table>\n<caption>{}</caption>\n<thead><tr>",
            escape(caption)
        );
        let formats: Vec<Option<Format>> =
            self.columns.iter().map(|name| self.format(name)).collect();
        for (column, format) in self.columns.iter().zip(&formats) {
            let unit = match format {
                Some(Format::Percent(_)) => ", %",
                _ => "",
            };
            html.push_str(&format!("<th scope=\"col\">{}{unit}</th>", escape(column)));
        }
        html.push_str("</tr></thead>\n<tbody>\n");
        for row in &self.rows {
            html.push_str("<tr>");
            for (cell, format) in row.iter().zip(&formats) {
                match cell {
                    Cell::Float(number) => {
                        let text = match format {
                            Some(Format::Percent(decimals)) => in_percent(*number, *decimals),
                            Some(Format::Probability) if *number < 1e-4 => "&lt; 0.0001".to_owned(),
                            Some(Format::Probability) => short(*number, 2),
                            None => tidy(*number, 4),
                        };
                        html.push_str(&format!("<td class=\"number\">{text}</td>"));
                    }
                    Cell::Int(count) => {
                        html.push_str(&format!("<td class=\"number\">{count}</td>"));
                    }
                    Cell::Text(text) => html.push_str(&format!("<td>{}</td>", escape(text))),
                    Cell::Null => html.push_str("<td>–</td>"),
                }
            }
            html.push_str("</tr>\n");
        }
        html.push_str("</tbody>\n</table>\n");
        html
    }

    /// The CSV as an address that holds it, so that a page needs no other file.
    pub(crate) fn address(&self) -> String {
        let mut address = "data:text/csv;charset=utf-8,".to_owned();
        for byte in self.csv().bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b',' => {
                    address.push(byte.into());
                }
                _ => address.push_str(&format!("%{byte:02X}")),
            }
        }
        address
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(["a, b", "accuracy"]);
        table.push(vec!["<\"x\">".into(), Cell::Float(0.1 + 0.2)]);
        table.push(vec![Cell::Null, 1.into()]);
        table
    }

    #[test]
    fn csv_keeps_every_digit_and_quotes_what_needs_it() {
        assert_eq!(
            table().csv(),
            "\"a, b\",accuracy\n\"<\"\"x\"\">\",0.30000000000000004\n,1\n"
        );
    }

    #[test]
    fn a_page_shows_shares_in_percent_and_rounding_as_zero_while_csv_keeps_all_digits() {
        let mut table = Table::new(["std", "error", "p"]);
        table.shares(&["std"], 1);
        table.probability("p");
        table.push(vec![0.01234.into(), 2e-16.into(), 1e-9.into()]);
        let html = table.html("");
        assert!(html.contains("<th scope=\"col\">std, %</th>"));
        for shown in ["1.2", "0", "&lt; 0.0001"] {
            assert!(
                html.contains(&format!("<td class=\"number\">{shown}</td>")),
                "{shown}"
            );
        }
        assert_eq!(table.csv().lines().nth(1), Some("0.01234,2e-16,1e-9"));
    }

    #[test]
    fn text_cannot_leave_its_cell_nor_its_address() {
        let html = table().html("a < b");
        assert!(html.contains("<td>&lt;&quot;x&quot;&gt;</td><td class=\"number\">0.3</td>"));
        assert!(!table().address().contains(['"', '<', '\n', ' ', '#']));
    }
}
