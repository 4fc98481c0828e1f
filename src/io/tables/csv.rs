//! Tables as text: cells with a separator, one sample a line.

use std::path::Path;

use csv::StringRecord;

use super::column::NamedColumn;
use super::table::{Cells, Columns, LabelCells, Table, is_text, no_samples};
use crate::error::{Error, Result};
use crate::io::Source;
use crate::io::record::Cell;

/// Reads the table at `path`: one column of which is the label, all others numbers.
///
/// Cells are separated by the first of tab, `;` and `,` that the first line has outside quotes; a line of numbers
/// without any of them is separated by spaces. Numbers have a decimal point.
///
/// The first line is a header if some cell of it is neither a number nor missing, unless it is a sample with the name of
/// its class. `label` is the column of the labels: a name of the header, else a position from 0. Without it, the column
/// with a name of [`LABEL_NAMES`](super::table::LABEL_NAMES) is the label wherever it stands, and the last column where
/// none has one. Names of classes are numbered in their sorted order.
///
/// # Errors
/// [`Error::Io`] if it cannot be read, [`Error::Format`] for lines of different length, an empty table, or several columns
/// that could be the label, [`Error::Value`] for a `label` that is no column, a cell that is not a finite number, or a label
/// that is neither a whole number from 0 nor a name.
pub fn read(path: impl AsRef<Path>, label: Option<&str>) -> Result<Table> {
    Source::open(path)?.parse(|bytes| parse(bytes, label))
}

/// Reads a table from its bytes.
///
/// # Errors
/// As [`read`], without the file's name.
pub fn parse(bytes: &[u8], label: Option<&str>) -> Result<Table> {
    // Excel writes a byte order mark.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let separator = Separator::of(bytes);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator.byte())
        .trim(csv::Trim::All)
        .from_reader(bytes);
    let records = reader.records();
    let mut records = records
        .map(|record| record.map_err(|error| Error::format("CSV table", plain(&error))))
        .peekable();
    let Some(first) = records.next().transpose()? else {
        return Err(no_samples());
    };
    let cells: Vec<&str> = first.iter().collect();
    let second = records.peek().and_then(|second| second.as_ref().ok());
    let second: Option<Vec<&str>> = second.map(|second| second.iter().collect());
    let mut columns = Columns::of(&cells, second.as_deref(), label)?;
    columns.separator = separator.words();
    let is_sample = columns.header.is_none();
    let samples = is_sample.then_some(Ok(first)).into_iter().chain(records);
    let (mut x, mut labels, mut lines) = (Vec::new(), LabelCells::default(), Vec::new());
    for record in samples {
        let record = record?;
        check_width(&record, columns.width)?;
        for (column, cell) in record.iter().enumerate() {
            if column == columns.label {
                read_label(&columns, &record, &mut labels)?;
                lines.push(line_of(&record));
            } else {
                x.push(number(&record, column, cell)?);
            }
        }
    }
    let column = columns.label;
    let place = |sample: usize| place(lines[sample], column);
    let label = labels;
    Cells {
        columns,
        x,
        label,
        place: &place,
    }
    .into_table()
}

/// The columns of a table by the names that its first line has, and the line of every row; an empty cell is missing.
pub(super) fn columns(bytes: &[u8]) -> Result<(Vec<NamedColumn>, Vec<u64>)> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(Separator::of(bytes).byte())
        .trim(csv::Trim::All)
        .from_reader(bytes);
    let mut columns: Vec<NamedColumn> = Vec::new();
    let mut lines = Vec::new();
    for (number, record) in reader.records().enumerate() {
        let record = record.map_err(|error| Error::format("CSV table", plain(&error)))?;
        if number == 0 {
            let named = record.iter().map(NamedColumn::new);
            columns.extend(named);
            continue;
        }
        check_width(&record, columns.len())?;
        for (column, cell) in columns.iter_mut().zip(&record) {
            column.cells.push(match cell {
                "" => Cell::Null,
                text => Cell::from(text),
            });
        }
        lines.push(line_of(&record));
    }
    Ok((columns, lines))
}

/// What stands between the cells of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Separator {
    Comma,
    Semicolon,
    Tab,
    Space,
}

impl Separator {
    fn of(bytes: &[u8]) -> Self {
        let mut lines = bytes.split(|byte| *byte == b'\n');
        let line = lines.find(|line| !line.trim_ascii().is_empty());
        let line = line.unwrap_or_default();
        let mut is_quoted = false;
        let outside: Vec<u8> = (line.iter().copied())
            .filter(|byte| {
                is_quoted ^= *byte == b'"';
                !is_quoted
            })
            .collect();
        let has = |separator: Self| outside.contains(&separator.byte());
        let candidates = [Self::Tab, Self::Semicolon, Self::Comma];
        if let Some(found) = candidates.into_iter().find(|separator| has(*separator)) {
            return found;
        }
        let text = String::from_utf8_lossy(line);
        let mut cells = text.trim().split(' ');
        match has(Self::Space) && cells.all(|cell| cell.parse::<f64>().is_ok()) {
            true => Self::Space,
            false => Self::Comma,
        }
    }

    fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
            Self::Space => b' ',
        }
    }

    /// In words, if it is not what the format is called after.
    fn words(self) -> Option<&'static str> {
        match self {
            Self::Comma => None,
            Self::Semicolon => Some("`;`"),
            Self::Tab => Some("tabs"),
            Self::Space => Some("spaces"),
        }
    }
}

/// A feature.
fn number(record: &StringRecord, column: usize, cell: &str) -> Result<f64> {
    let value = cell.parse::<f64>().ok().filter(|value| value.is_finite());
    value.ok_or_else(|| {
        let has_comma = cell.replacen(',', ".", 1).parse::<f64>().is_ok();
        let limit = match has_comma && cell.contains(',') {
            true => "a finite number with a decimal point, not a comma",
            false => "a finite number",
        };
        Error::value(place(line_of(record), column), format!("`{cell}`"), limit)
    })
}

/// Adds the label of a line: a number where the first one is a number, else a name.
fn read_label(columns: &Columns, record: &StringRecord, labels: &mut LabelCells) -> Result<()> {
    let cell = &record[columns.label];
    let value = cell.parse::<f64>().ok();
    match value {
        Some(value) if labels.texts.is_empty() => labels.numbers.push(value),
        None if labels.numbers.is_empty() && is_text(cell) => labels.texts.push(cell.to_owned()),
        _ => {
            let place = place(line_of(record), columns.label);
            return Err(columns.no_label(&place, shown(cell, value)));
        }
    }
    Ok(())
}

fn check_width(record: &StringRecord, width: usize) -> Result<()> {
    if record.len() == width {
        return Ok(());
    }
    let what = unequal(line_of(record), record.len(), width);
    Err(Error::format("CSV table", what))
}

fn unequal(line: u64, got: usize, width: usize) -> String {
    format!("line {line} has {got} columns: must have {width}, as the first line")
}

fn line_of(record: &StringRecord) -> u64 {
    record.position().map_or(0, csv::Position::line)
}

/// Where a cell stands, as people count.
fn place(line: u64, column: usize) -> String {
    format!("line {line}, column {}", column + 1)
}

/// A cell in an error: a number as it stands, text in quotes.
fn shown(cell: &str, value: Option<f64>) -> String {
    match value {
        Some(_) => cell.to_owned(),
        None => format!("`{cell}`"),
    }
}

/// What the reader of CSV says, in plain words.
pub fn plain(error: &csv::Error) -> String {
    let line = error.position().map_or(0, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => {
            format!("line {line} is not UTF-8 text: must be comma-separated numbers")
        }
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => unequal(line, *len as usize, *expected_len as usize),
        _ => "cannot be read".to_owned(),
    }
}

#[cfg(test)]
mod tests;
