//! Tables of numbers with the label last, one sample a line.

use std::path::Path;

use ndarray::Array2;

use super::read_bytes;
use crate::error::{Context, Error, Result};

/// Largest label; a class index is never near it.
const LABEL_LIMIT: f64 = 1e9;

/// Samples and their labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Values, `[sample, feature]`.
    pub x: Array2<f64>,
    /// Label of every sample.
    pub y: Vec<usize>,
}

/// Reads the CSV file at `path`: comma-separated numbers, the last of a line is the label.
///
/// The first line may be a header: it is one if none of its cells is a number.
///
/// # Errors
/// [`Error::Io`] if it cannot be read, [`Error::Format`] for lines of different length or an empty table,
/// [`Error::Value`] for a cell that is not a finite number or a label that is not a whole number from 0.
pub fn read(path: impl AsRef<Path>) -> Result<Table> {
    let path = path.as_ref();
    parse(&read_bytes(path)?).within(path.display())
}

/// Reads a CSV table from its bytes.
///
/// # Errors
/// As [`read`], without the file's name.
pub fn parse(bytes: &[u8]) -> Result<Table> {
    let malformed = |error: csv::Error| Error::format("CSV table", plain(&error));
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .trim(csv::Trim::All)
        .from_reader(bytes);
    let (mut x, mut y, mut width) = (Vec::new(), Vec::new(), 0);
    for (row, record) in reader.records().enumerate() {
        let record = record.map_err(malformed)?;
        if row == 0 && record.iter().all(|cell| cell.parse::<f64>().is_err()) {
            continue;
        }
        width = record.len() - 1;
        for (column, cell) in record.iter().enumerate() {
            let place = || {
                let line = record.position().map_or(0, |position| position.line());
                format!("line {line}, column {}", column + 1)
            };
            let value = match cell.parse::<f64>() {
                Ok(value) if value.is_finite() => value,
                _ => {
                    return Err(Error::value(
                        place(),
                        format!("`{cell}`"),
                        "a finite number",
                    ));
                }
            };
            if column < width {
                x.push(value);
            } else if (0.0..=LABEL_LIMIT).contains(&value) && value.fract() == 0.0 {
                y.push(value as usize);
            } else {
                return Err(Error::value(
                    format!("{} (label)", place()),
                    cell,
                    "a whole number from 0",
                ));
            }
        }
    }
    if y.is_empty() || width == 0 {
        return Err(Error::format(
            "CSV table",
            "holds no samples: must have lines of at least one feature and a label",
        ));
    }
    let x = Array2::from_shape_vec((y.len(), width), x).expect("csv checks equal line lengths");
    Ok(Table { x, y })
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
        } => format!("line {line} has {len} columns: must have {expected_len}, as the first line"),
        _ => "cannot be read".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr2;

    fn error(text: &str) -> String {
        parse(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn the_last_column_is_the_label_and_a_header_is_skipped() {
        let expected = Table {
            x: arr2(&[[0.5, -1e-3], [2.0, 3.0]]),
            y: vec![7, 0],
        };
        assert_eq!(parse(b"0.5, -1e-3, 7\n2,3,0\n").unwrap(), expected);
        assert_eq!(
            parse(b"a,b,label\r\n0.5,-1e-3,7\r\n2,3,0").unwrap(),
            expected
        );
    }

    #[test]
    fn a_wrong_cell_is_named_by_line_and_column() {
        assert_eq!(
            error("1,2,3\n1,x,3\n"),
            "line 2, column 2 = `x`: must be a finite number"
        );
        assert_eq!(
            error("1,nan,3\n"),
            "line 1, column 2 = `nan`: must be a finite number"
        );
        assert!(error("1,2,0.5\n").starts_with("line 1, column 3 (label) = 0.5"));
        assert!(error("1,2,-1\n").contains("whole number"));
        assert!(error("1,2,3\n1,2\n").contains("line 2 has 2 columns: must have 3"));
    }

    #[test]
    fn tables_without_samples_are_refused() {
        for text in ["", "a,b\n", "1\n2\n", "\n\n"] {
            assert!(error(text).contains("no samples"), "{text:?}");
        }
        assert!(parse(&[0xff, b',', 0xfe, b'\n', 0xff]).is_err());
    }
}
