//! The rows of a sweep: their columns, how they are written, and how they are read, by name.

mod manifest;
mod read;
mod scores;

pub use manifest::{InputFile, Manifest, ManifestAxis};
pub(crate) use read::check_draws;
pub use read::{Count, Folder};
pub use scores::{is_rows, score_column, scores_of_csv, scores_of_lines};

use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::experiment::stats::PairedTable;
use crate::experiment::sweep::{Reference, Sweep};
use crate::experiment::{LayerTrial, Trial};
use crate::io::record::{Cell, Column, Kind};
use crate::nn::{PARTS, Score, Worth};

/// The version of the format of rows.
pub const ROWS_FORMAT: u32 = 3;

/// The columns in front of those of the axes.
pub const KEYS: [&str; 4] = ["experiment", "point", "trial", "seed"];

/// The columns of `confusion.csv`.
pub const CONFUSION: [&str; 5] = ["point", "trial", "label", "predicted", "count"];

/// The columns of `times.csv`.
pub const TIMES: [&str; 3] = ["point", "trial", "seconds"];

/// What is told of every layer, behind `layer.NAME.`.
const OF_LAYER: [(&str, Kind); 5] = [
    ("matrix_error", Kind::Float),
    ("read_error", Kind::Float),
    ("weighted_error", Kind::Float),
    ("loss_db", Kind::Float),
    ("unreachable_mzis", Kind::Int),
];

/// One chip, and what it is compared with.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What the chip gave; its layers are those of the table, null where its network has none of that name.
    pub trial: Trial,
    /// What outputs are scored by.
    pub score: Score,
    /// The network as it was trained.
    pub digital: Worth,
    /// The program on a perfect chip.
    pub ideal: Worth,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    Experiment,
    Point,
    Trial,
    Seed,
    Axis(usize),
    Samples,
    ScoreName,
    /// A part of [`Worth`], by number.
    Worth(Side, usize),
    /// A count of [`PairedTable::counts`], by number.
    Paired(usize),
    /// A layer, and one of [`OF_LAYER`], by numbers.
    Layer(usize, usize),
}

/// Which of the three that a row tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Digital,
    Ideal,
    Chip,
}

impl Side {
    const ALL: [Self; 3] = [Self::Digital, Self::Ideal, Self::Chip];

    fn prefix(self) -> &'static str {
        match self {
            Self::Digital => "digital_",
            Self::Ideal => "ideal_",
            Self::Chip => "",
        }
    }
}

/// The columns of the rows of one sweep.
#[derive(Debug, Clone)]
pub struct Columns<'a> {
    sweep: &'a Sweep,
    columns: Vec<(Column, Content)>,
    /// Names of the layers that have columns.
    layers: Vec<String>,
}

impl<'a> Columns<'a> {
    /// The columns of `sweep`, whose chips are compared with `references`; of their parts and layers each once, in the
    /// order of the references.
    pub fn new(sweep: &'a Sweep, references: &[&Reference]) -> Self {
        let scores: Vec<Score> = references.iter().map(|r| r.score_name).collect();
        let layers = match sweep.records_layers {
            true => layers(references),
            false => Vec::new(),
        };
        let mut columns = Vec::new();
        let mut add = |name: &str, kind, content| columns.push((Column::new(name, kind), content));
        add(KEYS[0], Kind::Text, Content::Experiment);
        add(KEYS[1], Kind::Int, Content::Point);
        add(KEYS[2], Kind::Int, Content::Trial);
        add(KEYS[3], Kind::Int, Content::Seed);
        let axes = sweep
            .axes
            .iter()
            .flat_map(|axis| axis.keys.iter().zip(&axis.values));
        for (index, (key, values)) in axes.enumerate() {
            add(key.name(), Cell::common_kind(values), Content::Axis(index));
        }
        add("samples", Kind::Int, Content::Samples);
        add("score_name", Kind::Text, Content::ScoreName);
        for side in Side::ALL {
            for (index, part) in PARTS.iter().enumerate() {
                if scores
                    .iter()
                    .any(|score| score.has(part.name, side == Side::Digital))
                {
                    let name = format!("{}{}", side.prefix(), part.name);
                    add(&name, Kind::Float, Content::Worth(side, index));
                }
            }
        }
        if scores.iter().any(|score| score.has_classes()) {
            for (index, name) in PairedTable::NAMES.into_iter().enumerate() {
                add(name, Kind::Int, Content::Paired(index));
            }
        }
        for (layer, name) in layers.iter().enumerate() {
            for (index, (what, kind)) in OF_LAYER.into_iter().enumerate() {
                add(
                    &format!("layer.{name}.{what}"),
                    kind,
                    Content::Layer(layer, index),
                );
            }
        }
        Self {
            sweep,
            columns,
            layers,
        }
    }

    /// Names of the layers that have columns.
    pub fn layers(&self) -> &[String] {
        &self.layers
    }

    /// Their names and kinds.
    pub fn columns(&self) -> Vec<Column> {
        self.columns
            .iter()
            .map(|(column, _)| column.clone())
            .collect()
    }

    /// The row of `trial`, which is compared with `reference`.
    pub fn join(&self, trial: Trial, reference: &Reference) -> Row {
        let place = |name: &String| {
            reference
                .layers
                .iter()
                .position(|layer| layer.name == *name)
        };
        let layers = self.layers.iter().map(|name| {
            let layer = place(name).and_then(|index| trial.layers.get(index));
            layer.copied().unwrap_or_default()
        });
        let layers = layers.collect();
        Row {
            trial: Trial { layers, ..trial },
            score: reference.score_name,
            digital: reference.digital,
            ideal: reference.ideal,
        }
    }

    /// The cells of `row`.
    pub fn cells(&self, row: &Row) -> Vec<Cell> {
        let values = self.sweep.values(row.trial.point);
        let float = |value: Option<f64>| value.map_or(Cell::Null, Cell::from);
        let count = |value: Option<usize>| value.map_or(Cell::Null, Cell::from);
        let cell = |(column, content): &(Column, Content)| match *content {
            Content::Experiment => Cell::from(&*self.sweep.name),
            Content::Point => row.trial.point.into(),
            Content::Trial => row.trial.trial.into(),
            Content::Seed => (self.sweep.seed.0 as usize).into(),
            Content::Axis(index) => values[index].cast(column.kind),
            Content::Samples => row.trial.samples.into(),
            Content::ScoreName => Cell::Text(row.score.to_string()),
            Content::Worth(side, part) => float(row.worth(side).parts()[part]),
            Content::Paired(index) => count(row.trial.paired.map(|table| table.counts()[index])),
            Content::Layer(layer, what) => {
                let layer = row.trial.layers[layer];
                match what {
                    0 => float(layer.matrix_error),
                    1 => float(layer.read_error),
                    2 => float(layer.weighted_error),
                    3 => float(layer.loss_db),
                    _ => count(layer.unreachable_mzis),
                }
            }
        };
        self.columns.iter().map(cell).collect()
    }

    /// The row that `object` is, whatever the order of its keys.
    ///
    /// # Errors
    /// [`Error::Format`] for a column that it lacks, [`Error::Value`] for a value that a column cannot have.
    fn row(&self, object: &Map<String, Value>) -> Result<Row> {
        let missing = |(column, _): &&(Column, Content)| !object.contains_key(&column.name);
        if let Some((column, _)) = self.columns.iter().find(missing) {
            let names: Vec<&str> = self
                .columns
                .iter()
                .map(|(column, _)| &*column.name)
                .collect();
            let what = format!(
                "has not the columns of its experiment: lacks {}, must have {}",
                column.name,
                names.join(", ")
            );
            return Err(Error::format("row", what));
        }
        let mut row = Row {
            trial: Trial {
                layers: vec![LayerTrial::default(); self.layers.len()],
                ..Trial::default()
            },
            score: Score::None,
            digital: Worth::default(),
            ideal: Worth::default(),
        };
        let mut paired = [None; PairedTable::NAMES.len()];
        for (column, content) in &self.columns {
            let value = Named {
                name: &column.name,
                value: &object[&column.name],
            };
            match *content {
                // The experiment says them.
                Content::Experiment | Content::Seed | Content::Axis(_) => {}
                Content::Point => row.trial.point = value.count(self.sweep.points())?,
                Content::Trial => row.trial.trial = value.count(self.sweep.trials)?,
                Content::Samples => row.trial.samples = value.count(usize::MAX)?,
                Content::ScoreName => row.score = value.text()?.parse()?,
                Content::Worth(side, part) => {
                    let worth = row.worth_mut(side);
                    let mut parts = worth.parts();
                    parts[part] = value.number(PARTS[part].range)?;
                    *worth = Worth::of_parts(parts);
                }
                Content::Paired(index) => paired[index] = value.count_or_null()?,
                Content::Layer(layer, what) => {
                    let layer = &mut row.trial.layers[layer];
                    let number = || value.number([0.0, f64::INFINITY]);
                    match what {
                        0 => layer.matrix_error = number()?,
                        1 => layer.read_error = number()?,
                        2 => layer.weighted_error = number()?,
                        3 => layer.loss_db = value.number([f64::NEG_INFINITY, f64::INFINITY])?,
                        _ => layer.unreachable_mzis = value.count_or_null()?,
                    }
                }
            }
        }
        if let [Some(a), Some(b), Some(c), Some(d)] = paired {
            row.trial.paired = Some(PairedTable::of_counts([a, b, c, d]));
        }
        row.check()?;
        Ok(row)
    }
}

/// Names of all layers of `references`, in the order in which they are met.
pub fn layers(references: &[&Reference]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for layer in references.iter().flat_map(|reference| &reference.layers) {
        if !names.contains(&layer.name) {
            names.push(layer.name.clone());
        }
    }
    names
}

impl Row {
    /// The score of the chip.
    ///
    /// # Panics
    /// If it was not judged.
    pub fn value(&self) -> f64 {
        self.trial.worth.value()
    }

    fn worth(&self, side: Side) -> &Worth {
        match side {
            Side::Digital => &self.digital,
            Side::Ideal => &self.ideal,
            Side::Chip => &self.trial.worth,
        }
    }

    fn worth_mut(&mut self, side: Side) -> &mut Worth {
        match side {
            Side::Digital => &mut self.digital,
            Side::Ideal => &mut self.ideal,
            Side::Chip => &mut self.trial.worth,
        }
    }

    /// Fails unless the score itself is there.
    fn check(&self) -> Result<()> {
        let part = self.score.main_part();
        let lacks = |side: &Side| self.worth(*side).part(part).is_none();
        Side::ALL.into_iter().find(lacks).map_or(Ok(()), |side| {
            let limit = format!("a number, as score_name is {}", self.score);
            Err(Error::value(
                format!("{}{part}", side.prefix()),
                "null",
                limit,
            ))
        })
    }
}

/// The column of the score itself among those called `names`: of rows of any version.
pub fn main_column<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Option<&'static str> {
    let mut parts = ["score", "accuracy", "output_error"].into_iter();
    parts.find(|part| names.clone().any(|name| name == *part))
}

/// A value and the column that it stands in.
struct Named<'a> {
    name: &'a str,
    value: &'a Value,
}

impl Named<'_> {
    fn wrong(&self, limit: impl Into<String>) -> Error {
        Error::value(self.name, self.value, limit)
    }

    fn text(&self) -> Result<&str> {
        self.value.as_str().ok_or_else(|| self.wrong("text"))
    }

    fn count(&self, below: usize) -> Result<usize> {
        let count = self.value.as_u64().map(|count| count as usize);
        count
            .filter(|count| *count < below)
            .ok_or_else(|| self.wrong(format!("a whole number below {below}")))
    }

    fn count_or_null(&self) -> Result<Option<usize>> {
        match self.value {
            Value::Null => Ok(None),
            _ => self.count(usize::MAX).map(Some),
        }
    }

    /// A number in `range`, or null.
    fn number(&self, range: [f64; 2]) -> Result<Option<f64>> {
        let [low, high] = range;
        match self.value {
            Value::Null => Ok(None),
            value => match value.as_f64() {
                Some(number) if (low..=high).contains(&number) => Ok(Some(number)),
                _ => Err(self.wrong(match (low.is_finite(), high.is_finite()) {
                    (true, true) => format!("from {low} to {high}"),
                    (true, false) => format!("{low} or more, or null"),
                    (false, true) => format!("at most {high}, or null"),
                    (false, false) => "a number or null".to_owned(),
                })),
            },
        }
    }
}
