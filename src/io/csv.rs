//! Tables of numbers, one sample a line, one column of which is the label.

use std::path::Path;

use csv::StringRecord;
use ndarray::Array2;

use super::read_bytes;
use crate::error::{Context, Error, Result, did_you_mean};

/// Largest label; a class index is never near it.
const LABEL_LIMIT: f64 = 1e9;

/// Names of a column that holds the label wherever it stands, in any case.
pub const LABEL_NAMES: [&str; 7] = [
    "label", "labels", "target", "class", "y", "species", "variety",
];

/// Cells that stand for a missing number, in lower case: they make no line a header.
const MISSING: [&str; 6] = ["", "na", "n/a", "null", "none", "?"];

/// Samples and their labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Values, `[sample, feature]`, in the order of the other columns.
    pub x: Array2<f64>,
    /// Label of every sample.
    pub y: Vec<usize>,
    /// What its columns are.
    pub columns: Columns,
}

/// What the columns of a table are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// Number of columns, that of the label included.
    pub width: usize,
    /// What the first line is, if it is no sample.
    pub header: Option<Header>,
    /// Position of the label, from 0.
    pub label: usize,
    /// Why that column is the label.
    pub choice: Choice,
}

/// A first line that is no sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Header {
    /// The names of the columns.
    Names(Vec<String>),
    /// Numbers of samples and features, then the names of the classes: the tables that scikit-learn ships.
    Counts(Vec<String>),
}

/// Why a column is the label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// It was asked for.
    Given,
    /// Its name is one of [`LABEL_NAMES`].
    Named,
    /// It is the last one, and nothing else tells.
    Last,
}

/// Reads the CSV file at `path`: comma-separated numbers, one column of which is the label.
///
/// The first line is a header if some cell of it is neither a number nor missing. `label` is the column of the labels: a
/// name of the header, else a position from 0. Without it, the column with a name of [`LABEL_NAMES`] is the label
/// wherever it stands, and the last column where none has one.
///
/// # Errors
/// [`Error::Io`] if it cannot be read, [`Error::Format`] for lines of different length, an empty table, or several columns
/// that could be the label, [`Error::Value`] for a `label` that is no column, a cell that is not a finite number, or a label
/// that is not a whole number from 0.
pub fn read(path: impl AsRef<Path>, label: Option<&str>) -> Result<Table> {
    let path = path.as_ref();
    parse(&read_bytes(path)?, label).within(path.display())
}

/// Reads a CSV table from its bytes.
///
/// # Errors
/// As [`read`], without the file's name.
pub fn parse(bytes: &[u8], label: Option<&str>) -> Result<Table> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(bytes);
    let records = reader.records();
    let mut records = records
        .map(|record| record.map_err(|error| Error::format("CSV table", plain(&error))))
        .peekable();
    let Some(first) = records.next().transpose()? else {
        return Err(no_samples());
    };
    let second = records.peek().and_then(|second| second.as_ref().ok());
    let columns = Columns::of(&first, second.map(StringRecord::len), label)?;
    let is_sample = columns.header.is_none();
    let samples = is_sample.then_some(Ok(first)).into_iter().chain(records);
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for record in samples {
        let record = record?;
        check_width(&record, columns.width)?;
        for (column, cell) in record.iter().enumerate() {
            let value = cell.parse::<f64>().ok();
            if column == columns.label {
                let label = value
                    .filter(|value| (0.0..=LABEL_LIMIT).contains(value) && value.fract() == 0.0);
                let label = label.ok_or_else(|| {
                    let what = format!("{} ({})", place(&record, column), columns.why());
                    let limit = "a whole number from 0 (--label COLUMN, or label in an experiment, takes another column)";
                    Error::value(what, shown(cell, value), limit)
                })?;
                y.push(label as usize);
            } else {
                x.push(value.filter(|value| value.is_finite()).ok_or_else(|| {
                    Error::value(
                        place(&record, column),
                        format!("`{cell}`"),
                        "a finite number",
                    )
                })?);
            }
        }
    }
    let features = columns.width - 1;
    if y.is_empty() || features == 0 {
        return Err(no_samples());
    }
    let x = Array2::from_shape_vec((y.len(), features), x).expect("every line has one length");
    Ok(Table { x, y, columns })
}

impl Columns {
    /// What the columns are of a table whose first line is `first` and whose second one, if there is one, has `second`
    /// cells: the one place that decides it.
    fn of(first: &StringRecord, second: Option<usize>, label: Option<&str>) -> Result<Self> {
        let names: Vec<String> = first.iter().map(str::to_owned).collect();
        let candidates: Vec<usize> = (0..names.len())
            .filter(|column| is_label_name(&names[*column]))
            .collect();
        let counted = second.filter(|width| candidates.is_empty() && is_counts(&names, *width));
        let width = counted.unwrap_or(names.len());
        let header = if !names.iter().any(|cell| is_text(cell)) {
            None
        } else if counted.is_some() {
            Some(Header::Counts(names))
        } else {
            Some(Header::Names(names))
        };
        let names = match &header {
            Some(Header::Names(names)) => names.as_slice(),
            _ => &[],
        };
        let (label, choice) = match (label, &*candidates) {
            (Some(label), _) => (find(label, names, width)?, Choice::Given),
            (None, []) => (width - 1, Choice::Last),
            (None, [only]) => (*only, Choice::Named),
            (None, [first, second, ..]) => {
                let what = format!(
                    "columns {first} (`{}`) and {second} (`{}`) could both be the label: must be told which one (--label COLUMN, or label in an experiment)",
                    names[*first], names[*second]
                );
                return Err(Error::format("CSV table", what));
            }
        };
        Ok(Self {
            width,
            header,
            label,
            choice,
        })
    }

    /// The name of the column at `position`, where the table has names.
    pub fn name(&self, position: usize) -> Option<&str> {
        match &self.header {
            Some(Header::Names(names)) => names.get(position).map(String::as_str),
            _ => None,
        }
    }

    /// What was assumed of the label, in words; nothing where its column was given.
    pub fn assumed(&self) -> Option<String> {
        let column = self.label_in_words();
        let said = match self.choice {
            Choice::Given => return None,
            Choice::Named => format!("the label is {column}"),
            Choice::Last => format!("the label is the last column, {column}"),
        };
        Some(match self.header {
            Some(Header::Counts(_)) => {
                format!("{said}; the first line counts samples and features")
            }
            _ => said,
        })
    }

    /// The label's column in words, such as "column 0, `label`".
    pub fn label_in_words(&self) -> String {
        match self.name(self.label) {
            Some(name) if !name.is_empty() => format!("column {}, `{name}`", self.label),
            _ => format!("column {}", self.label),
        }
    }

    /// What the label's column is and why, for an error in it.
    fn why(&self) -> String {
        let named = match self.name(self.label) {
            Some(name) if !name.is_empty() => format!("`{name}`, "),
            _ => String::new(),
        };
        match self.choice {
            Choice::Last => format!("{named}the last column, taken as the label"),
            _ => format!("{named}the label"),
        }
    }
}

/// The position of the column that `label` means: a name, else a position.
fn find(label: &str, names: &[String], width: usize) -> Result<usize> {
    let found: Vec<usize> = (0..names.len())
        .filter(|column| names[*column] == label)
        .collect();
    match *found {
        [only] => return Ok(only),
        [] => {}
        [first, second, ..] => {
            let limit = format!("a position: columns {first} and {second} both have that name");
            return Err(Error::value("label", format!("`{label}`"), limit));
        }
    }
    if let Some(position) = label.parse().ok().filter(|position| *position < width) {
        return Ok(position);
    }
    let last = width - 1;
    let limit = match names {
        [] => format!("a position from 0 to {last}: the columns of this table have no names"),
        [name, ..] => {
            let meant = did_you_mean(label, names.iter().map(String::as_str));
            format!("a column's name, such as `{name}`, or its position from 0 to {last}{meant}")
        }
    };
    Err(Error::value("label", format!("`{label}`"), limit))
}

fn is_label_name(cell: &str) -> bool {
    LABEL_NAMES
        .iter()
        .any(|name| cell.eq_ignore_ascii_case(name))
}

/// Whether `cell` is neither a number nor what stands for one that is missing.
fn is_text(cell: &str) -> bool {
    cell.parse::<f64>().is_err() && !MISSING.contains(&&*cell.to_lowercase())
}

/// Whether `cells` are scikit-learn's first line of a table of `width` columns: samples, features, names of classes.
fn is_counts(cells: &[String], width: usize) -> bool {
    let [samples, features, classes @ ..] = cells else {
        return false;
    };
    samples.parse::<usize>().is_ok()
        && features.parse() == Ok(width - 1)
        && !classes.is_empty()
        && classes.iter().all(|class| is_text(class))
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
fn place(record: &StringRecord, column: usize) -> String {
    format!("line {}, column {}", line_of(record), column + 1)
}

/// A cell in an error: a number as it stands, text in quotes.
fn shown(cell: &str, value: Option<f64>) -> String {
    match value {
        Some(_) => cell.to_owned(),
        None => format!("`{cell}`"),
    }
}

fn no_samples() -> Error {
    let what = "holds no samples: must have lines of at least one feature and a label";
    Error::format("CSV table", what)
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
