//! Tables of samples, one a row, one column of which is the label: which column is what.

use ndarray::{Array2, s};

use super::classes::{self, Named, Numbered};
use crate::error::{Error, Result, did_you_mean};

/// Names of a column that holds the label wherever it stands, in any case.
pub const LABEL_NAMES: [&str; 7] = [
    "label", "labels", "target", "class", "y", "species", "variety",
];

/// The name under which pandas writes the index of its rows into a Parquet file.
pub(super) const PANDAS_INDEX: &str = "__index_level_0__";

/// Names of an index in a text: what pandas and R write, and what pandas makes of it when it reads it again.
const INDEX_NAMES: [&str; 3] = ["", "Unnamed: 0", PANDAS_INDEX];

/// Cells that stand for a missing number, in lower case: they make no line a header, and no class.
const MISSING: [&str; 6] = ["", "na", "n/a", "null", "none", "?"];

/// Samples and their labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Values, `[sample, feature]`, in the order of the other columns.
    pub x: Array2<f64>,
    /// The label of every sample.
    pub label: Label,
    /// What its columns are.
    pub columns: Columns,
}

/// The cells of the label's column.
#[derive(Debug, Clone, PartialEq)]
pub enum Label {
    /// Classes from 0, and their names where the table has them.
    Classes(Vec<usize>, Option<Vec<String>>),
    /// Finite numbers of a column that was asked for: targets of a regression.
    Numbers(Vec<f64>),
}

/// What the columns of a table are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// Number of columns, that of the label included.
    pub width: usize,
    /// What stands between the cells of a text, if it is no comma.
    pub separator: Option<&'static str>,
    /// What the first line is, if it is no sample.
    pub header: Option<Header>,
    /// Whether the first line holds text and is a sample all the same.
    pub starts_with_sample: bool,
    /// Position of the label, from 0.
    pub label: usize,
    /// Why that column is the label.
    pub choice: Choice,
    /// Position of a column that only numbers the rows: it is no feature.
    pub row_numbers: Option<usize>,
    /// Whether the labels are −1 and 1, which are taken as classes 0 and 1.
    pub has_signs: bool,
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

impl Columns {
    /// What the columns are of a table whose first line is `first` and whose second one is `second`: the one place that
    /// decides it.
    pub(super) fn of(first: &[&str], second: Option<&[&str]>, label: Option<&str>) -> Result<Self> {
        let names: Vec<String> = first.iter().map(|&cell| cell.to_owned()).collect();
        let has_label_name = names.iter().any(|name| is_label_name(name));
        let counted = second
            .map(<[&str]>::len)
            .filter(|width| !has_label_name && is_counts(&names, *width));
        let width = counted.unwrap_or(names.len());
        let is_named = label.is_some_and(|label| first.contains(&label) && is_text(label));
        let has_text = names.iter().any(|cell| is_text(cell));
        let header = if !has_text && counts_columns(first) {
            Some(Header::Names(names))
        } else if !has_text {
            None
        } else if counted.is_some() {
            Some(Header::Counts(names))
        } else if !has_label_name
            && !is_named
            && second.is_some_and(|second| is_sample(first, second))
        {
            None
        } else {
            Some(Header::Names(names))
        };
        Ok(Self {
            starts_with_sample: has_text && header.is_none(),
            ..Self::with(header, width, label)?
        })
    }

    /// The columns called `names`.
    pub(super) fn named(names: Vec<String>, label: Option<&str>) -> Result<Self> {
        let width = names.len();
        Self::with(Some(Header::Names(names)), width, label)
    }

    fn with(header: Option<Header>, width: usize, label: Option<&str>) -> Result<Self> {
        let names = match &header {
            Some(Header::Names(names)) => names.as_slice(),
            _ => &[],
        };
        let mut candidates = (0..names.len()).filter(|column| is_label_name(&names[*column]));
        let (label, choice) = match (label, candidates.next(), candidates.next()) {
            (Some(label), ..) => (find(label, names, width)?, Choice::Given),
            (None, None, _) => (width - 1, Choice::Last),
            (None, Some(only), None) => (only, Choice::Named),
            (None, Some(first), Some(second)) => {
                let what = format!(
                    "columns {first} (`{}`) and {second} (`{}`) could both be the label: must be told which one (--label COLUMN, or label in an experiment)",
                    names[first], names[second]
                );
                return Err(Error::format("table", what));
            }
        };
        Ok(Self {
            width,
            separator: None,
            header,
            starts_with_sample: false,
            label,
            choice,
            row_numbers: None,
            has_signs: false,
        })
    }

    /// The name of the column at `position`, where the table has names.
    pub fn name(&self, position: usize) -> Option<&str> {
        match &self.header {
            Some(Header::Names(names)) => names.get(position).map(String::as_str),
            _ => None,
        }
    }

    /// What was assumed of the columns, in words; nothing where nothing was.
    pub fn assumed(&self) -> Option<String> {
        let mut said = Vec::new();
        if let Some(separator) = self.separator {
            said.push(format!("cells are separated by {separator}"));
        }
        if let Some(column) = self.row_numbers {
            let column = self.in_words(column);
            said.push(format!("{column} numbers the rows and is left out"));
        }
        let column = self.label_in_words();
        match self.choice {
            Choice::Given => {}
            Choice::Named => said.push(format!("the label is {column}")),
            Choice::Last => said.push(format!("the label is the last column, {column}")),
        }
        if self.starts_with_sample {
            said.push("the first line is a sample".to_owned());
        }
        if let Some(Header::Names(names)) = &self.header
            && names.iter().all(|name| !is_text(name))
        {
            said.push("the first line counts the columns and is a header".to_owned());
        }
        if self.has_signs {
            said.push("labels -1 and 1 are classes 0 and 1".to_owned());
        }
        if matches!(self.header, Some(Header::Counts(_))) && self.choice != Choice::Given {
            said.push("the first line counts samples and features".to_owned());
        }
        (!said.is_empty()).then(|| said.join("; "))
    }

    /// The label's column in words, such as "column 0, `label`".
    pub fn label_in_words(&self) -> String {
        self.in_words(self.label)
    }

    fn in_words(&self, position: usize) -> String {
        match self.name(position) {
            Some(name) if !name.is_empty() => format!("column {position}, `{name}`"),
            _ => format!("column {position}"),
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

/// A table whose cells were read: `x` holds all columns but the label's and that of `columns.row_numbers`.
pub(super) struct Cells<'a> {
    pub(super) columns: Columns,
    pub(super) x: Vec<f64>,
    pub(super) label: LabelCells,
    /// The place of a sample's label in the file, for errors.
    pub(super) place: &'a dyn Fn(usize) -> String,
}

/// The cells of the label's column as they stand in a file.
#[derive(Debug, Default)]
pub(super) struct LabelCells {
    pub(super) numbers: Vec<f64>,
    /// Empty where they are numbers.
    pub(super) texts: Vec<String>,
}

impl LabelCells {
    pub(super) fn len(&self) -> usize {
        self.numbers.len().max(self.texts.len())
    }
}

impl Cells<'_> {
    /// The samples and their labels; a column that numbers the rows is left out.
    pub(super) fn into_table(self) -> Result<Table> {
        let Self {
            mut columns,
            x,
            label,
            place,
        } = self;
        let features = columns.width - 1 - usize::from(columns.row_numbers.is_some());
        if label.len() == 0 || features == 0 {
            return Err(no_samples());
        }
        let mut x =
            Array2::from_shape_vec((label.len(), features), x).expect("every line has one length");
        if columns.row_numbers.is_none()
            && let Some(column) = row_numbers(&columns, &x)
        {
            if features == 1 {
                return Err(no_samples());
            }
            columns.row_numbers = Some(column);
            // Without the label, which may stand in front of it.
            let column = column - usize::from(columns.label < column);
            x = match column {
                0 => x.slice(s![.., 1..]).to_owned(),
                _ => x.slice(s![.., ..column]).to_owned(),
            };
        }
        let label = columns.labels(label, place)?;
        Ok(Table { x, label, columns })
    }
}

impl Columns {
    fn labels(&mut self, cells: LabelCells, place: &dyn Fn(usize) -> String) -> Result<Label> {
        if !cells.texts.is_empty() {
            let Named { classes, names } = classes::of_texts(&cells.texts);
            return Ok(Label::Classes(classes, Some(names)));
        }
        let names = match &self.header {
            Some(Header::Counts(cells)) => Some(cells[2..].to_vec()),
            _ => None,
        };
        match classes::of_numbers(&cells.numbers) {
            Numbered::Classes(classes) => Ok(Label::Classes(classes, names)),
            Numbered::Signs(classes) => {
                self.has_signs = true;
                Ok(Label::Classes(classes, Some(classes::signs())))
            }
            Numbered::Other(_)
                if self.choice == Choice::Given
                    && cells.numbers.iter().all(|number| number.is_finite()) =>
            {
                Ok(Label::Numbers(cells.numbers))
            }
            Numbered::Other(sample) => {
                Err(self.no_label(&place(sample), cells.numbers[sample].to_string()))
            }
        }
    }

    /// The error for a label at `place` that is `shown`.
    pub(super) fn no_label(&self, place: &str, shown: String) -> Error {
        let what = format!("{place} ({})", self.why());
        let limit = "a whole number from 0, or a name in every row (--label COLUMN, or label in an experiment, takes \
                     another column)";
        Error::value(what, shown, limit)
    }
}

/// The position of the column of row numbers, of features `x`: the first or the last one under a name of
/// [`INDEX_NAMES`], of whole numbers that are all different.
fn row_numbers(columns: &Columns, x: &Array2<f64>) -> Option<usize> {
    let last = columns.width - 1;
    let is_index = |column: &usize| {
        let name = columns.name(*column);
        name.is_some_and(|name| INDEX_NAMES.contains(&name)) && *column != columns.label
    };
    let column = [0, last].into_iter().find(is_index)?;
    let mut numbers = x
        .column(column - usize::from(columns.label < column))
        .to_vec();
    numbers.sort_unstable_by(f64::total_cmp);
    let is_whole = |number: &f64| *number >= 0.0 && number.fract() == 0.0;
    let is_distinct = numbers.windows(2).all(|pair| pair[0] < pair[1]);
    (is_distinct && numbers.iter().all(is_whole)).then_some(column)
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
pub(super) fn is_text(cell: &str) -> bool {
    cell.parse::<f64>().is_err() && !MISSING.contains(&&*cell.to_lowercase())
}

/// Whether the cells of the line `first` are the positions of their columns, as pandas calls columns that have no names; the
/// first cell may be empty, above an index.
fn counts_columns(first: &[&str]) -> bool {
    let cells = match first {
        ["", cells @ ..] => cells,
        cells => cells,
    };
    let mut counted = cells.iter().enumerate();
    cells.len() > 2 && counted.all(|(position, cell)| cell.parse() == Ok(position))
}

/// Whether the line `first` is a sample with the name of its class, as `second` is: it has text only where `second` has
/// text, and numbers that do not count the columns.
fn is_sample(first: &[&str], second: &[&str]) -> bool {
    let numbers: Vec<(usize, f64)> = (first.iter().enumerate())
        .filter_map(|(column, cell)| Some((column, cell.parse().ok()?)))
        .collect();
    let counts_from = |start: usize| {
        numbers
            .iter()
            .all(|(column, number)| *number == (column + start) as f64)
    };
    let mut pairs = first.iter().zip(second);
    first.len() == second.len()
        && pairs.all(|(first, second)| !is_text(first) || is_text(second))
        && !counts_from(0)
        && !counts_from(1)
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

pub(super) fn no_samples() -> Error {
    let what = "holds no samples: must have lines of at least one feature and a label";
    Error::format("table", what)
}
