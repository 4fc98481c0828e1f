//! Numbers as a table: on the page, and as CSV.

use super::scale::short;
use super::svg::escape;
use crate::io::record::{Cell, Column, write_csv};

/// Named columns and their rows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// One name a column, as it stands in CSV.
    pub columns: Vec<String>,
    /// One cell a column.
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table without rows.
    pub fn new(columns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            columns: columns.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
        }
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
    pub(super) fn html(&self, caption: &str) -> String {
        let mut html = format!(
            "<table>\n<caption>{}</caption>\n<thead><tr>",
            escape(caption)
        );
        for column in &self.columns {
            html.push_str(&format!("<th scope=\"col\">{}</th>", escape(column)));
        }
        html.push_str("</tr></thead>\n<tbody>\n");
        for row in &self.rows {
            html.push_str("<tr>");
            for cell in row {
                match cell {
                    Cell::Float(number) => {
                        html.push_str(&format!("<td class=\"number\">{}</td>", short(*number, 5)));
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
    pub(super) fn address(&self) -> String {
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
    fn text_cannot_leave_its_cell_nor_its_address() {
        let html = table().html("a < b");
        assert!(html.contains("<td>&lt;&quot;x&quot;&gt;</td><td class=\"number\">0.3</td>"));
        assert!(!table().address().contains(['"', '<', '\n', ' ', '#']));
    }
}
