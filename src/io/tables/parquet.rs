//! Parquet files: flat tables of numbers and names, and the columns of any.

mod headers;

use std::cell::Cell as Flag;
use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::sync::Once;

use parquet::basic::{Compression, LogicalType, Type as Physical};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescPtr;
use prost::bytes::Bytes;

use super::column::NamedColumn;
use super::table::{Cells, Columns, LabelCells, PANDAS_INDEX, Table, is_text, no_samples};
use crate::error::{Context, Error, Result};
use crate::io::UNPACKED_LIMIT;
use crate::io::content::{PARQUET, refused};
use crate::io::record::Cell;

/// Records of a column that are read at a time.
const BATCH: usize = 1 << 16;

/// Largest whole number up to which every integer is an `f64`: 2⁵³.
const EXACT_INTEGER: i64 = 1 << 53;

/// Number of rows and names of the columns of a Parquet file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// Number of rows.
    pub rows: usize,
    /// Names of the columns.
    pub columns: Vec<String>,
}

/// The rows and columns of the Parquet file in `bytes`.
///
/// # Errors
/// [`Error::Format`] if it is no such file.
pub fn outline(bytes: &[u8]) -> Result<Outline> {
    contained(|| read_outline(bytes))
}

fn read_outline(bytes: &[u8]) -> Result<Outline> {
    let file = open(bytes)?;
    let metadata = file.metadata().file_metadata();
    let columns = metadata.schema_descr().columns().iter();
    Ok(Outline {
        rows: usize::try_from(metadata.num_rows()).unwrap_or(0),
        columns: columns.map(|column| column.name().to_owned()).collect(),
    })
}

/// Reads the samples of a Parquet file, one a row: columns of numbers, one of which is the label, which may be names too.
///
/// `label` and what is the label without it are those of [`super::csv::read`]. Columns may be plain or packed with Snappy
/// or gzip; the index that pandas writes beside them is left out.
///
/// # Errors
/// [`Error::Format`] if it is no whole Parquet file or has no samples; [`Error::Unsupported`] for another packing or
/// kind of column; [`Error::Value`] for a cell that is missing or not finite, or a `label` that is no column.
pub fn parse(bytes: &[u8], label: Option<&str>) -> Result<Table> {
    contained(|| read_table(bytes, label))
}

fn read_table(bytes: &[u8], label: Option<&str>) -> Result<Table> {
    let file = open(bytes)?;
    let metadata = file.metadata();
    let schema = metadata.file_metadata().schema_descr();
    let names = schema.columns().iter().map(|column| column.path().string());
    let names: Vec<String> = names.collect();
    let rows = rows_of(&file, names.len())?;
    if names.is_empty() || rows == 0 {
        return Err(no_samples());
    }
    let mut columns = Columns::named(names, label)?;
    let index = (0..columns.width).find(|column| columns.name(*column) == Some(PANDAS_INDEX));
    columns.row_numbers = index.filter(|index| *index != columns.label);
    let mut features = Vec::new();
    let mut label = LabelCells::default();
    for position in 0..columns.width {
        let place = Place {
            name: columns.name(position).unwrap_or_default(),
            column: schema.column(position),
        };
        if Some(position) == columns.row_numbers {
            continue;
        }
        let mut missing = Vec::new();
        let values = place.read(&file, position, rows, &mut missing)?;
        if let Some(row) = missing.first() {
            let limit = "present: no cell may be missing";
            return Err(Error::value(place.row(*row), "null", limit));
        }
        match values {
            Values::Numbers(numbers) if position == columns.label => label.numbers = numbers,
            Values::Texts(texts) if position == columns.label => label.texts = texts,
            Values::Numbers(numbers) => {
                if let Some(row) = numbers.iter().position(|number| !number.is_finite()) {
                    let (what, got) = (place.row(row), numbers[row]);
                    return Err(Error::value(what, got, "a finite number"));
                }
                features.push(numbers);
            }
            Values::Texts(_) => {
                let what = format!("column `{}`", place.name);
                return Err(Error::unsupported(
                    what,
                    "text",
                    "a feature must be a number",
                ));
            }
        }
    }
    if let Some(row) = label.texts.iter().position(|text| !is_text(text)) {
        let place = row_place(row, columns.name(columns.label).unwrap_or_default());
        return Err(columns.no_label(&place, format!("`{}`", label.texts[row])));
    }
    let x = (0..rows).flat_map(|row| features.iter().map(move |column| column[row]));
    let name = columns.name(columns.label).unwrap_or_default().to_owned();
    Cells {
        x: x.collect(),
        columns,
        label,
        place: &|row| row_place(row, &name),
    }
    .into_table()
}

/// The columns of a table by their names; a null is missing.
pub(super) fn columns(bytes: &[u8]) -> Result<Vec<NamedColumn>> {
    contained(|| read_columns(bytes))
}

fn read_columns(bytes: &[u8]) -> Result<Vec<NamedColumn>> {
    let file = open(bytes)?;
    let metadata = file.metadata().file_metadata();
    let schema = metadata.schema_descr();
    let rows = rows_of(&file, schema.num_columns())?;
    let mut columns = Vec::new();
    for position in 0..schema.num_columns() {
        let column = schema.column(position);
        let name = column.path().string();
        let place = Place {
            name: &name,
            column,
        };
        if name == PANDAS_INDEX {
            continue;
        }
        let mut missing = Vec::new();
        let mut cells: Vec<Cell> = match place.read(&file, position, rows, &mut missing)? {
            Values::Numbers(numbers) => numbers.into_iter().map(Cell::Float).collect(),
            Values::Texts(texts) => texts.into_iter().map(Cell::Text).collect(),
        };
        for row in missing {
            cells[row] = Cell::Null;
        }
        columns.push(NamedColumn { name, cells });
    }
    Ok(columns)
}

/// The number of rows of `file`, whose table of so many columns is to be held in memory.
fn rows_of(file: &SerializedFileReader<Bytes>, columns: usize) -> Result<usize> {
    let rows = usize::try_from(file.metadata().file_metadata().num_rows()).unwrap_or(0);
    let size = (rows as u64).saturating_mul(8 * columns as u64);
    if size > UNPACKED_LIMIT {
        let limit = format!("at most {UNPACKED_LIMIT}");
        return Err(Error::value("table: size in bytes", size, limit));
    }
    Ok(rows)
}

fn open(bytes: &[u8]) -> Result<SerializedFileReader<Bytes>> {
    if !bytes.starts_with(b"PAR1") {
        return Err(refused(bytes, PARQUET));
    }
    if !headers::footer_is_sound(bytes).ok_or_else(damage)? {
        return Err(damage());
    }
    let file = SerializedFileReader::new(Bytes::copy_from_slice(bytes)).map_err(damaged)?;
    match headers::pages_are_sound(&file, bytes) {
        true => Ok(file),
        false => Err(damage()),
    }
}

thread_local! {
    /// Whether this thread decodes a Parquet file.
    static DECODES: Flag<bool> = const { Flag::new(false) };
}

/// What `read` makes of a file. The decoder panics at some files that are damaged; that is an error of the file, and is
/// not told on stderr.
fn contained<T>(read: impl FnOnce() -> Result<T>) -> Result<T> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let tell = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !DECODES.get() {
                tell(panic);
            }
        }));
    });
    DECODES.set(true);
    let read = std::panic::catch_unwind(AssertUnwindSafe(read));
    DECODES.set(false);
    read.unwrap_or_else(|_| Err(damage()))
}

fn damaged(_: ParquetError) -> Error {
    damage()
}

fn damage() -> Error {
    let reason = "is cut short or damaged: must be a whole Parquet file";
    Error::format("content", reason)
}

fn row_place(row: usize, column: &str) -> String {
    format!("row {row}, column `{column}`")
}

/// The cells of a column.
enum Values {
    Numbers(Vec<f64>),
    Texts(Vec<String>),
}

/// A column, for errors in it.
struct Place<'a> {
    name: &'a str,
    column: ColumnDescPtr,
}

impl Place<'_> {
    fn row(&self, row: usize) -> String {
        row_place(row, self.name)
    }

    fn unsupported(&self, got: impl Into<String>) -> Error {
        let limit = "must be whole numbers, floats, true and false, or text";
        Error::unsupported(format!("column `{}`", self.name), got, limit)
    }

    /// The cells of the column at `position`, all `rows` of them; the rows of those that are missing go to `missing`, and
    /// something stands in their place.
    fn read(
        &self,
        file: &SerializedFileReader<Bytes>,
        position: usize,
        rows: usize,
        missing: &mut Vec<usize>,
    ) -> Result<Values> {
        if self.column.max_rep_level() > 0 {
            return Err(self.unsupported("lists"));
        }
        let is_text = match (self.column.logical_type_ref(), self.column.physical_type()) {
            (None | Some(LogicalType::String | LogicalType::Enum), Physical::BYTE_ARRAY) => true,
            (None | Some(LogicalType::Integer(_)), Physical::INT32 | Physical::INT64) => false,
            (None, Physical::BOOLEAN | Physical::FLOAT | Physical::DOUBLE) => false,
            (Some(logical), _) => return Err(self.unsupported(format!("{logical:?}"))),
            (None, physical) => return Err(self.unsupported(physical.to_string())),
        };
        let (mut numbers, mut texts) = (Vec::new(), Vec::new());
        for group in 0..file.num_row_groups() {
            let group = file.get_row_group(group).map_err(damaged)?;
            let count = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
            let done = numbers.len().max(texts.len());
            if count > rows - done || position >= group.num_columns() {
                let reason = "is damaged: its parts do not have the rows that it claims";
                return Err(Error::format("content", reason));
            }
            let packing = group.metadata().column(position).compression();
            if !matches!(
                packing,
                Compression::UNCOMPRESSED | Compression::SNAPPY | Compression::GZIP(_)
            ) {
                let got = packing.to_string();
                let got = got.split('(').next().unwrap_or_default();
                let limit = "must be uncompressed, or packed with Snappy or gzip (to_parquet(…, compression=\"snappy\"))";
                return Err(Error::unsupported("packing", got, limit));
            }
            let reader = group.get_column_reader(position).map_err(damaged)?;
            let physical = self.column.physical_type();
            match reader {
                ColumnReader::BoolColumnReader(reader) => {
                    numbers.extend(
                        self.cells(reader, done..done + count, missing)?
                            .into_iter()
                            .map(f64::from),
                    );
                }
                ColumnReader::Int32ColumnReader(reader) => {
                    let is_signed = self.is_signed();
                    let number = |value: i32| match is_signed {
                        true => f64::from(value),
                        false => f64::from(value.cast_unsigned()),
                    };
                    numbers.extend(
                        self.cells(reader, done..done + count, missing)?
                            .into_iter()
                            .map(number),
                    );
                }
                ColumnReader::Int64ColumnReader(reader) => {
                    for (row, value) in self
                        .cells(reader, done..done + count, missing)?
                        .into_iter()
                        .enumerate()
                    {
                        if value.abs() > EXACT_INTEGER || (value < 0 && !self.is_signed()) {
                            let limit = "exact in float64: within 2^53";
                            return Err(Error::value(self.row(done + row), value, limit));
                        }
                        numbers.push(value as f64);
                    }
                }
                ColumnReader::FloatColumnReader(reader) => {
                    numbers.extend(
                        self.cells(reader, done..done + count, missing)?
                            .into_iter()
                            .map(f64::from),
                    );
                }
                ColumnReader::DoubleColumnReader(reader) => {
                    numbers.extend(self.cells(reader, done..done + count, missing)?);
                }
                ColumnReader::ByteArrayColumnReader(reader) if is_text => {
                    for (row, cell) in self
                        .cells(reader, done..done + count, missing)?
                        .into_iter()
                        .enumerate()
                    {
                        let text = cell.as_utf8().map_err(|_| {
                            Error::format(self.row(done + row), "is not UTF-8 text")
                        })?;
                        texts.push(text.trim().to_owned());
                    }
                }
                _ => return Err(self.unsupported(physical.to_string())),
            }
        }
        if numbers.len().max(texts.len()) != rows {
            let reason = format!("holds fewer rows than the {rows} that it claims");
            return Err(Error::format("content", reason).within(format!("column `{}`", self.name)));
        }
        Ok(match is_text {
            true => Values::Texts(texts),
            false => Values::Numbers(numbers),
        })
    }

    /// Whether whole numbers may be below 0.
    fn is_signed(&self) -> bool {
        match self.column.logical_type_ref() {
            Some(LogicalType::Integer(integer)) => integer.is_signed,
            _ => true,
        }
    }

    /// The cells of the row group that has these `rows`; a missing one is that of a default, and its row goes to `missing`.
    fn cells<T: DataType>(
        &self,
        mut reader: ColumnReaderImpl<T>,
        rows: Range<usize>,
        missing: &mut Vec<usize>,
    ) -> Result<Vec<T::T>> {
        let (mut cells, mut levels) = (Vec::new(), Vec::new());
        let (mut done, count) = (0, rows.len());
        let whole = self.column.max_def_level();
        while done < count {
            let batch = BATCH.min(count - done);
            levels.clear();
            let mut there = Vec::new();
            let read = reader.read_records(batch, Some(&mut levels), None, &mut there);
            let (records, ..) = read.map_err(damaged)?;
            if records == 0 {
                break;
            }
            if levels.iter().all(|level| *level == whole) {
                cells.append(&mut there);
            } else {
                let mut there = there.into_iter();
                for (row, level) in levels.iter().enumerate() {
                    if *level == whole {
                        cells.push(there.next().ok_or_else(damage)?);
                    } else {
                        missing.push(rows.start + done + row);
                        cells.push(T::T::default());
                    }
                }
            }
            done += records;
        }
        if cells.len() != count {
            let reason = "is damaged: its parts do not have the rows that it claims";
            return Err(Error::format("content", reason)).within(format!("column `{}`", self.name));
        }
        Ok(cells)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::compare::{golden, unsupported, value};
    use crate::io::record::{Column, Kind, write_parquet};
    use crate::io::table::Label;
    use ndarray::arr2;

    fn file(columns: &[(&str, Kind)], rows: &[Vec<Cell>]) -> Vec<u8> {
        let columns = columns.iter().map(|(name, kind)| Column::new(*name, *kind));
        let columns: Vec<Column> = columns.collect();
        let mut bytes = Vec::new();
        write_parquet(&columns, rows.iter().cloned().map(Ok), &mut bytes).unwrap();
        bytes
    }

    fn flowers() -> Vec<u8> {
        let row = |index: i64, a: f64, b: i64, kind: &str| {
            vec![
                Cell::Float(a),
                Cell::Int(b),
                Cell::from(kind),
                Cell::Int(index),
            ]
        };
        file(
            &[
                ("a", Kind::Float),
                ("b", Kind::Int),
                ("species", Kind::Text),
                (PANDAS_INDEX, Kind::Int),
            ],
            &[
                row(7, 0.1, 2, "setosa"),
                row(3, -1.5, 0, "virginica"),
                row(9, 1e300, -4, "setosa"),
            ],
        )
    }

    #[test]
    fn a_table_is_read_with_its_names_of_classes_and_without_its_index() {
        let table = parse(&flowers(), None).unwrap();
        assert_eq!(table.x, arr2(&[[0.1, 2.0], [-1.5, 0.0], [1e300, -4.0]]));
        let names = ["setosa", "virginica"].map(str::to_owned);
        assert_eq!(
            table.label,
            Label::Classes(vec![0, 1, 0], Some(names.to_vec()))
        );
        assert_eq!(
            table.columns.assumed().unwrap(),
            "column 3, `__index_level_0__` numbers the rows and is left out; the label is column 2, `species`"
        );
        let outline = outline(&flowers()).unwrap();
        assert_eq!(outline.rows, 3);
        assert_eq!(outline.columns, ["a", "b", "species", PANDAS_INDEX]);
    }

    #[test]
    fn what_is_no_number_is_refused_by_row_and_column() {
        let error = |columns: &[(&str, Kind)], rows: &[Vec<Cell>]| {
            parse(&file(columns, rows), None).unwrap_err()
        };
        let columns = [("a", Kind::Float), ("label", Kind::Int)];
        let missing = [
            vec![Cell::Float(0.5), Cell::Int(0)],
            vec![Cell::Null, Cell::Int(1)],
        ];
        assert_eq!(
            error(&columns, &missing).refusal(),
            value("row 1, column `a`", "null")
        );
        let below = [vec![Cell::Float(0.5), Cell::Int(-3)]];
        assert_eq!(
            error(&columns, &below).refusal(),
            value("row 0, column `label` (`label`, the label)", "-3")
        );
        let words = [("a", Kind::Text), ("label", Kind::Int)];
        let text = [vec![Cell::from("x"), Cell::Int(0)]];
        assert_eq!(
            error(&words, &text).refusal(),
            unsupported("column `a`", "text")
        );
        golden("no rows", error(&columns, &[]));
    }

    #[test]
    fn a_damaged_file_is_refused_and_never_a_panic() {
        let good = flowers();
        for length in 0..good.len() {
            assert!(outline(&good[..length]).is_err(), "{length}");
            assert!(parse(&good[..length], None).is_err(), "{length}");
        }
        for position in 0..good.len() {
            for flip in [0xff, 1, 0x80] {
                let mut bytes = good.clone();
                bytes[position] ^= flip;
                let _ = (outline(&bytes), parse(&bytes, None));
            }
        }
    }
}
