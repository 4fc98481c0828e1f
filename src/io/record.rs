//! Flat records of typed columns, written as CSV, JSON Lines and Parquet.
//!
//! All three hold the same cells in the same columns. Floats of the two texts are the shortest digits that read back
//! as the same number, so equal records are equal bytes. What is missing is `null`, in CSV an empty cell; a number
//! that is not finite counts as missing.

use std::io::Write;
use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Records of one row group of a Parquet file: what is held in memory at a time.
const ROW_GROUP: usize = 1 << 16;

/// What the cells of a column are, where they are not null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Whole numbers, 64 bits.
    Int,
    /// Double precision.
    Float,
    /// UTF-8 text.
    Text,
}

/// A column: its name and what its cells are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name, unique in its table.
    pub name: String,
    /// What its cells are.
    pub kind: Kind,
}

impl Column {
    /// A column called `name`.
    pub fn new(name: impl Into<String>, kind: Kind) -> Self {
        Self {
            name: name.into(),
            kind,
        }
    }
}

/// One value of a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cell {
    /// Missing.
    Null,
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// Text.
    Text(String),
}

impl Cell {
    /// What a column that holds this cell must be; nothing for a missing one.
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Self::Null => None,
            Self::Int(_) => Some(Kind::Int),
            Self::Float(_) => Some(Kind::Float),
            Self::Text(_) => Some(Kind::Text),
        }
    }

    /// The kind of column that holds all of `cells`: text if one is text, else floats if one is a float.
    pub fn common_kind<'a>(cells: impl IntoIterator<Item = &'a Self>) -> Kind {
        let mut common = Kind::Int;
        for kind in cells.into_iter().filter_map(Self::kind) {
            common = match (common, kind) {
                (Kind::Text, _) | (_, Kind::Text) => Kind::Text,
                (Kind::Float, _) | (_, Kind::Float) => Kind::Float,
                _ => Kind::Int,
            };
        }
        common
    }

    /// The same value as a column of `kind` holds it.
    ///
    /// # Panics
    /// If text must be a number, or a float a whole one.
    #[must_use]
    pub fn cast(&self, kind: Kind) -> Self {
        match (self, kind) {
            (Self::Int(value), Kind::Float) => Self::Float(*value as f64),
            (Self::Int(_) | Self::Float(_), Kind::Text) => Self::Text(self.to_string()),
            (cell, kind) => {
                assert!(
                    cell.kind().is_none_or(|own| own == kind),
                    "{cell:?} is no {kind:?}"
                );
                cell.clone()
            }
        }
    }
}

impl From<usize> for Cell {
    fn from(count: usize) -> Self {
        Self::Int(i64::try_from(count).expect("counts fit 63 bits"))
    }
}

impl From<f64> for Cell {
    fn from(value: f64) -> Self {
        if value.is_finite() {
            Self::Float(value)
        } else {
            Self::Null
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// As in CSV: nothing for a missing value, the shortest digits that read back as the same float.
impl std::fmt::Display for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::Int(value) => write!(f, "{value}"),
            Self::Float(value) if value.is_finite() => {
                f.write_str(&serde_json::to_string(value).expect("a finite float is JSON"))
            }
            Self::Float(_) => Ok(()),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl Cell {
    /// What a sentence says of it: `none` where there is no value.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Null => "none".to_owned(),
            cell => cell.to_string(),
        }
    }
}

/// Writes `records` as CSV with a header line.
///
/// # Errors
/// [`Error::Io`] if `writer` fails, and those of `records`.
pub fn write_csv(
    columns: &[Column],
    records: impl Iterator<Item = Result<Vec<Cell>>>,
    writer: impl Write,
) -> Result<()> {
    let failed = |error: csv::Error| Error::io("rows", std::io::Error::other(error));
    let mut csv = csv::WriterBuilder::new().from_writer(writer);
    csv.write_record(columns.iter().map(|column| &column.name))
        .map_err(failed)?;
    for record in records {
        csv.write_record(record?.iter().map(Cell::to_string))
            .map_err(failed)?;
    }
    csv.flush().map_err(|source| Error::io("rows", source))
}

/// Writes `records` as JSON Lines: one object a line, its keys in the order of the columns.
///
/// # Errors
/// [`Error::Io`] if `writer` fails, and those of `records`.
pub fn write_jsonl(
    columns: &[Column],
    records: impl Iterator<Item = Result<Vec<Cell>>>,
    mut writer: impl Write,
) -> Result<()> {
    let keys: Vec<String> = columns
        .iter()
        .map(|column| serde_json::to_string(&column.name).expect("text is JSON"))
        .collect();
    let mut line = String::new();
    for record in records {
        line.clear();
        for (key, cell) in keys.iter().zip(record?) {
            line.push(if line.is_empty() { '{' } else { ',' });
            line.push_str(key);
            line.push(':');
            line.push_str(&serde_json::to_string(&cell).expect("a cell is JSON"));
        }
        line.push_str("}\n");
        writer
            .write_all(line.as_bytes())
            .map_err(|source| Error::io("rows", source))?;
    }
    Ok(())
}

/// Writes `records` as a Parquet file of optional INT64, DOUBLE and UTF-8 columns, not compressed.
///
/// # Errors
/// [`Error::Io`] if `writer` fails, and those of `records`.
pub fn write_parquet(
    columns: &[Column],
    mut records: impl Iterator<Item = Result<Vec<Cell>>>,
    writer: impl Write + Send,
) -> Result<()> {
    let fields = columns.iter().map(field).collect();
    let schema = Type::group_type_builder("rows").with_fields(fields).build();
    let schema = Arc::new(schema.map_err(parquet_failed)?);
    let properties = Arc::new(WriterProperties::builder().build());
    let mut file = SerializedFileWriter::new(writer, schema, properties).map_err(parquet_failed)?;
    loop {
        let rows = records
            .by_ref()
            .take(ROW_GROUP)
            .collect::<Result<Vec<_>>>()?;
        if rows.is_empty() {
            break;
        }
        let mut group = file.next_row_group().map_err(parquet_failed)?;
        write_group(columns, &rows, &mut group).map_err(parquet_failed)?;
        group.close().map_err(parquet_failed)?;
    }
    file.close().map_err(parquet_failed)?;
    Ok(())
}

fn parquet_failed(error: parquet::errors::ParquetError) -> Error {
    Error::io("rows", std::io::Error::other(error))
}

fn field(column: &Column) -> Arc<Type> {
    let physical = match column.kind {
        Kind::Int => Physical::INT64,
        Kind::Float => Physical::DOUBLE,
        Kind::Text => Physical::BYTE_ARRAY,
    };
    let text = (column.kind == Kind::Text).then_some(LogicalType::String);
    let built = Type::primitive_type_builder(&column.name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(text)
        .build();
    Arc::new(built.expect("the type of a column is valid"))
}

fn write_group<W: Write + Send>(
    columns: &[Column],
    rows: &[Vec<Cell>],
    group: &mut SerializedRowGroupWriter<'_, W>,
) -> Result<(), parquet::errors::ParquetError> {
    for index in 0..columns.len() {
        let cells = || rows.iter().map(|row| &row[index]);
        let is_there = |cell: &Cell| match cell {
            Cell::Null => false,
            Cell::Float(value) => value.is_finite(),
            _ => true,
        };
        let levels: Vec<i16> = cells().map(|cell| i16::from(is_there(cell))).collect();
        let present = cells().filter(|cell| is_there(cell));
        let mut writer = group
            .next_column()?
            .expect("the file has as many columns as its schema");
        match writer.untyped() {
            ColumnWriter::Int64ColumnWriter(typed) => {
                let values: Vec<i64> = present
                    .map(|cell| match cell {
                        Cell::Int(value) => *value,
                        other => unreachable!("{other:?} in a column of whole numbers"),
                    })
                    .collect();
                typed.write_batch(&values, Some(&levels), None)?;
            }
            ColumnWriter::DoubleColumnWriter(typed) => {
                let values: Vec<f64> = present
                    .map(|cell| match cell {
                        Cell::Float(value) => *value,
                        other => unreachable!("{other:?} in a column of floats"),
                    })
                    .collect();
                typed.write_batch(&values, Some(&levels), None)?;
            }
            ColumnWriter::ByteArrayColumnWriter(typed) => {
                let values: Vec<ByteArray> = present
                    .map(|cell| match cell {
                        Cell::Text(text) => ByteArray::from(text.as_str()),
                        other => unreachable!("{other:?} in a column of text"),
                    })
                    .collect();
                typed.write_batch(&values, Some(&levels), None)?;
            }
            _ => unreachable!("columns are whole numbers, floats or text"),
        }
        writer.close()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;

    fn table() -> (Vec<Column>, Vec<Vec<Cell>>) {
        let columns = vec![
            Column::new("point", Kind::Int),
            Column::new("a.b_rad", Kind::Float),
            Column::new("name", Kind::Text),
        ];
        let records = vec![
            vec![Cell::Int(0), Cell::Float(0.1), Cell::from("a, \"b\"\nπ")],
            vec![Cell::Int(-7), Cell::Float(1e-7), Cell::Null],
            vec![Cell::Null, Cell::Float(f64::NAN), Cell::from("")],
            vec![Cell::Int(i64::MAX), Cell::Float(1.0), Cell::from("none")],
        ];
        (columns, records)
    }

    #[test]
    fn texts_hold_the_shortest_digits_that_read_back() {
        let (columns, records) = table();
        let mut csv = Vec::new();
        write_csv(&columns, records.iter().cloned().map(Ok), &mut csv).unwrap();
        assert_eq!(
            String::from_utf8(csv).unwrap(),
            "point,a.b_rad,name\n0,0.1,\"a, \"\"b\"\"\nπ\"\n-7,1e-7,\n,,\n9223372036854775807,1.0,none\n"
        );
        let mut lines = Vec::new();
        write_jsonl(&columns, records.iter().cloned().map(Ok), &mut lines).unwrap();
        assert_eq!(
            String::from_utf8(lines).unwrap(),
            "{\"point\":0,\"a.b_rad\":0.1,\"name\":\"a, \\\"b\\\"\\nπ\"}\n\
             {\"point\":-7,\"a.b_rad\":1e-7,\"name\":null}\n\
             {\"point\":null,\"a.b_rad\":null,\"name\":\"\"}\n\
             {\"point\":9223372036854775807,\"a.b_rad\":1.0,\"name\":\"none\"}\n"
        );
    }

    #[test]
    fn parquet_reads_back_across_row_groups() {
        let (columns, records) = table();
        let many = ROW_GROUP + 3;
        let cells = (0..many).map(|i| Ok(records[i % 4].clone()));
        let mut file = tempfile::tempfile().unwrap();
        write_parquet(&columns, cells, &mut file).unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        assert_eq!(reader.metadata().num_row_groups(), 2);
        let mut count = 0;
        for (i, row) in reader.get_row_iter(None).unwrap().enumerate() {
            let row = row.unwrap();
            for ((name, field), (column, cell)) in row
                .get_column_iter()
                .zip(columns.iter().zip(&records[i % 4]))
            {
                assert_eq!(*name, column.name);
                match (field, cell) {
                    (Field::Null, Cell::Null) => {}
                    (Field::Null, Cell::Float(value)) => assert!(value.is_nan()),
                    (Field::Long(a), Cell::Int(b)) => assert_eq!(a, b),
                    (Field::Double(a), Cell::Float(b)) => assert_eq!(a, b),
                    (Field::Str(a), Cell::Text(b)) => assert_eq!(a, b),
                    (field, cell) => panic!("{field:?} for {cell:?}"),
                }
            }
            count += 1;
        }
        assert_eq!(count, many);
    }

    #[test]
    fn a_column_is_of_the_widest_kind_of_its_cells() {
        let kind = |cells: &[Cell]| Cell::common_kind(cells);
        assert_eq!(kind(&[Cell::Null, Cell::Int(1)]), Kind::Int);
        assert_eq!(kind(&[Cell::Int(1), Cell::Float(0.5)]), Kind::Float);
        assert_eq!(kind(&[Cell::from("max"), Cell::Float(99.5)]), Kind::Text);
        assert_eq!(Cell::Float(99.5).cast(Kind::Text), Cell::from("99.5"));
        assert_eq!(Cell::Int(4).cast(Kind::Float), Cell::Float(4.0));
        assert_eq!(Cell::Null.cast(Kind::Text), Cell::Null);
    }
}
