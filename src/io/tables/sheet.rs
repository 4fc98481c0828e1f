//! Tables of columns that are told by their names: CSV, Parquet, and archives of equally long arrays.

use super::column::NamedColumn;
use super::{csv, parquet};
use crate::error::{Error, Result};
use crate::io::npy::{Array, Npz};
use crate::io::record::Cell;
use crate::io::{Format, Source, TensorData};

/// A table of named columns.
///
/// ```
/// use lightloom::io::Source;
/// use lightloom::io::sheet::Sheet;
///
/// let source = Source::new("chip.csv", "id,offset_rad\nmesh.theta.0.0,0.2\nmesh.phi.0.0,\n");
/// let sheet = Sheet::read(&source)?;
/// assert_eq!((sheet.rows(), sheet.column("offset_rad")), (2, Some(1)));
/// assert_eq!((sheet.number(0, 1), sheet.number(1, 1)), (Some(0.2), None));
/// assert_eq!(sheet.place(1), "line 3");
/// # Ok::<(), lightloom::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    columns: Vec<NamedColumn>,
    /// The line of every row, of a text.
    lines: Option<Vec<u64>>,
    rows: usize,
}

impl Sheet {
    /// The table in `source`: CSV with a header, Parquet, or an NPZ archive with a one-dimensional array for each column.
    ///
    /// Cells of a text are separated by tabs, `;` or commas. An empty cell of it, and a null of Parquet, is missing; in an
    /// archive no cell is.
    ///
    /// # Errors
    /// [`Error::Format`], named by the source, for bytes that are no such table, columns of different length or of one name;
    /// [`Error::Unsupported`] for a column of Parquet that holds neither numbers nor text.
    pub fn read(source: &Source) -> Result<Self> {
        source.parse(|bytes| match source.format() {
            Format::Table | Format::Text => {
                let (columns, lines) = csv::columns(bytes)?;
                Self::new(columns, Some(lines))
            }
            Format::Parquet => Self::new(parquet::columns(bytes)?, None),
            Format::Npz => of_archive(bytes),
            _ => Err(Error::format(
                "content",
                "must be a table: CSV, Parquet or NPZ",
            )),
        })
    }

    /// The table with these columns, whose rows stand in these `lines` of a text.
    fn new(columns: Vec<NamedColumn>, lines: Option<Vec<u64>>) -> Result<Self> {
        let Some(first) = columns.first() else {
            return Err(Error::format(
                "table",
                "is empty: must have columns with names",
            ));
        };
        let rows = first.cells.len();
        for (number, column) in columns.iter().enumerate() {
            let what = || format!("column `{}`", column.name);
            if columns[..number]
                .iter()
                .any(|other| other.name == column.name)
            {
                return Err(Error::format(what(), "is there twice"));
            }
            if column.cells.len() != rows {
                let limit = format!("[{rows}], as column `{}`", first.name);
                return Err(Error::shape(what(), [column.cells.len()], limit));
            }
        }
        Ok(Self {
            columns,
            lines,
            rows,
        })
    }

    /// Names of the columns, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The position of the column called `name`.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.names().position(|column| column == name)
    }

    /// The cell of a column in a row; null where it is missing.
    ///
    /// # Panics
    /// If there is no such row or column.
    pub fn cell(&self, row: usize, column: usize) -> &Cell {
        &self.columns[column].cells[row]
    }

    /// The number in a cell; nothing where it is missing or is none.
    ///
    /// # Panics
    /// As [`cell`](Self::cell).
    pub fn number(&self, row: usize, column: usize) -> Option<f64> {
        match self.cell(row, column) {
            Cell::Null => None,
            Cell::Int(number) => Some(*number as f64),
            Cell::Float(number) => Some(*number),
            Cell::Text(text) => text.parse().ok(),
        }
    }

    /// The line of a row, of a text.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn line(&self, row: usize) -> Option<u64> {
        self.lines.as_ref().map(|lines| lines[row])
    }

    /// Where a row stands, for errors: the line of a text, else its number from 0.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn place(&self, row: usize) -> String {
        match self.line(row) {
            Some(line) => format!("line {line}"),
            None => format!("row {row}"),
        }
    }
}

/// The arrays of an `.npz` archive as columns.
fn of_archive(bytes: &[u8]) -> Result<Sheet> {
    let mut archive = Npz::open(bytes)?;
    let names = archive.names().to_vec();
    let column = |name: String| {
        let what = format!("array `{name}.npy`");
        let one = |shape: &[usize]| match shape {
            [_] => Ok(()),
            shape => Err(Error::shape(&*what, shape, "[rows]: one cell for each row")),
        };
        let cells = match archive.array(&name)? {
            Array::Texts(texts) => {
                one(&texts.shape)?;
                texts.texts.into_iter().map(Cell::Text).collect()
            }
            Array::Numbers(tensor) => {
                one(tensor.shape())?;
                match tensor.data() {
                    TensorData::Real(numbers) => numbers.iter().copied().map(Cell::Float).collect(),
                    TensorData::Complex(_) => {
                        let limit = "a column must hold real numbers or text";
                        return Err(Error::unsupported(what, "complex", limit));
                    }
                }
            }
        };
        Ok(NamedColumn { name, cells })
    };
    let columns: Vec<NamedColumn> = names.into_iter().map(column).collect::<Result<_>>()?;
    Sheet::new(columns, None)
}
