//! Numbers as a table: on the page, and as CSV.

use super::scale::short;
use super::svg::escape;

/// What stands in one place of a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// A word.
    Text(String),
    /// A number; a page shows five digits of it, CSV all.
    Number(f64),
    /// Nothing.
    Empty,
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<f64> for Cell {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<usize> for Cell {
    fn from(count: usize) -> Self {
        Self::Number(count as f64)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Empty, Into::into)
    }
}

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
        let mut writer = csv::Writer::from_writer(Vec::new());
        let mut write = |record: Vec<String>| {
            writer
                .write_record(&record)
                .expect("memory takes any record");
        };
        write(self.columns.clone());
        for row in &self.rows {
            write(row.iter().map(exact).collect());
        }
        let bytes = writer.into_inner().expect("memory takes any record");
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
                    Cell::Number(number) => {
                        html.push_str(&format!("<td class=\"number\">{}</td>", short(*number, 5)));
                    }
                    Cell::Text(text) => html.push_str(&format!("<td>{}</td>", escape(text))),
                    Cell::Empty => html.push_str("<td>–</td>"),
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

fn exact(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => text.clone(),
        Cell::Number(number) => number.to_string(),
        Cell::Empty => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(["a, b", "accuracy"]);
        table.push(vec!["<\"x\">".into(), Cell::Number(0.1 + 0.2)]);
        table.push(vec![Cell::Empty, 1usize.into()]);
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
