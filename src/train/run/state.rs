//! Where a training stands, and how that is kept in a file.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Context, Error, Result};
use crate::hardware::Costs;
use crate::io::record::{Cell, Column, Kind, write_csv};
use crate::io::{Source, Tensor, TensorData, Tensors, safetensors, write_atomic};
use crate::train::optimizer::{Optimizer, Rule};
use crate::train::trainable::Trainable;

/// Name of the table of epochs in a folder.
pub const EPOCHS: &str = "epochs.csv";
/// The version of its format.
const VERSION: u32 = 1;
/// The key of its metadata.
const KEY: &str = "lightloom.training";

/// What an epoch came to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Its number, from 1.
    pub epoch: u64,
    /// Steps taken until its end.
    pub step: u64,
    /// Size of its last step.
    pub rate: f64,
    /// Mean loss of its samples, each before the step that learnt from it.
    pub loss: f64,
    /// Mean score of the samples held back on the chips that validate.
    pub chips: Option<f64>,
    /// Their score on a perfect chip.
    pub ideal: Option<f64>,
    /// What was asked of chips until its end.
    pub costs: Costs,
}

/// Where a training stands: all that it goes on from.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// What is trained.
    pub(super) values: Vec<f64>,
    pub(super) optimizer: Optimizer,
    /// Steps taken.
    pub(super) step: u64,
    /// Sum of the losses of this epoch's samples so far.
    pub(super) loss: f64,
    pub(super) costs: Costs,
    /// The best values so far, and their score where there is one.
    pub(super) best: Option<(Option<f64>, Vec<f64>)>,
    pub(super) epochs: Vec<Epoch>,
}

/// What of a state is no array.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    version: u32,
    /// What the training is of: everything that decides its result.
    of: String,
    step: u64,
    loss: f64,
    costs: Costs,
    best: Option<f64>,
    epochs: Vec<Epoch>,
}

impl State {
    /// Before the first step of `trainable`.
    pub(super) fn new(optimizer: Optimizer, trainable: &Trainable) -> Self {
        Self {
            values: trainable.values(),
            optimizer,
            step: 0,
            loss: 0.0,
            costs: Costs::default(),
            best: None,
            epochs: Vec::new(),
        }
    }

    /// Steps taken.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// What was asked of chips so far.
    pub fn costs(&self) -> Costs {
        self.costs
    }

    /// What the epochs so far came to.
    pub fn epochs(&self) -> &[Epoch] {
        &self.epochs
    }

    /// The best score so far.
    pub fn best_score(&self) -> Option<f64> {
        self.best.as_ref().and_then(|(score, _)| *score)
    }

    /// The steps that were taken in the training whose state `bundle` is, if it is one.
    pub fn step_in(bundle: &safetensors::Bundle) -> Option<u64> {
        let head: Head = serde_json::from_str(bundle.metadata.get(KEY)?).ok()?;
        Some(head.step)
    }

    /// Writes it to the file at `path`, whole or not at all; `of` says what it is of.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write(&self, path: &Path, of: &str) -> Result<()> {
        let head = Head {
            version: VERSION,
            of: of.to_owned(),
            step: self.step,
            loss: self.loss,
            costs: self.costs,
            best: self.best_score(),
            epochs: self.epochs.clone(),
        };
        let text = serde_json::to_string(&head).expect("a head is JSON");
        let mut tensors = Tensors::new();
        let mut put = |name: &str, values: &[f64]| -> Result<()> {
            let tensor = Tensor::real(name, vec![values.len()], values.to_vec())?;
            tensors.insert(name.to_owned(), tensor);
            Ok(())
        };
        put("values", &self.values)?;
        put("mean", &self.optimizer.mean)?;
        put("square", &self.optimizer.square)?;
        if let Some((_, best)) = &self.best {
            put("best", best)?;
        }
        write_atomic(path, |writer| {
            safetensors::write(writer, &tensors, (KEY, &text))
        })
    }

    /// Reads one of an optimizer of this `rule` from the file at `path`.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Format`] if it is none, or one of another training than `of`.
    pub fn read(path: &Path, rule: Rule, of: &str) -> Result<Self> {
        let place = path.display();
        Self::parse(Source::open(path)?.bytes(), rule, of).within(place)
    }

    fn parse(bytes: &[u8], rule: Rule, of: &str) -> Result<Self> {
        let bundle = safetensors::parse(bytes)?;
        let wrong = |reason: &str| Error::format("training", reason);
        let text = bundle.metadata.get(KEY);
        let text = text.ok_or_else(|| wrong("is no state of one: give another --out"))?;
        let head: Head = serde_json::from_str(text)
            .map_err(|_| wrong("was kept by another version of lightloom: give another --out"))?;
        if head.version != VERSION {
            return Err(wrong(
                "was kept by another version of lightloom: give another --out",
            ));
        }
        if head.of != of {
            let reason = "is of another experiment, other inputs, another version or another kind of CPU: give another --out";
            return Err(wrong(reason));
        }
        let get = |name: &str| match bundle.tensors.get(name).map(Tensor::data) {
            None => Ok(None),
            Some(TensorData::Real(values)) => Ok(Some(values.clone())),
            Some(TensorData::Complex(_)) => Err(wrong("holds numbers of another kind")),
        };
        let needed = |name: &str| get(name)?.ok_or_else(|| wrong("lacks numbers"));
        let values = needed("values")?;
        let mut optimizer = Optimizer::new(rule, values.len());
        let [mean, square] = [needed("mean")?, needed("square")?];
        let best = get("best")?;
        let is_whole = mean.len() == values.len()
            && square.len() == optimizer.square.len()
            && best.as_ref().is_none_or(|best| best.len() == values.len());
        if !is_whole {
            return Err(wrong("lacks numbers"));
        }
        (optimizer.mean, optimizer.square, optimizer.steps) = (mean, square, head.step);
        Ok(Self {
            values,
            optimizer,
            step: head.step,
            loss: head.loss,
            costs: head.costs,
            best: best.map(|values| (head.best, values)),
            epochs: head.epochs,
        })
    }
}

/// The columns of the table of epochs; the third to the sixth are no whole numbers.
pub const EPOCH_COLUMNS: [&str; 10] = [
    "epoch",
    "step",
    "rate",
    "loss",
    "chips",
    "ideal",
    "settings",
    "phase_writes",
    "passes",
    "readings",
];

/// Writes the table of epochs into `folder`.
pub(super) fn write_epochs(folder: &Path, epochs: &[Epoch]) -> Result<()> {
    let kind = |index| match index {
        2..=5 => Kind::Float,
        _ => Kind::Int,
    };
    let columns = EPOCH_COLUMNS.iter().enumerate();
    let columns: Vec<Column> = columns
        .map(|(index, name)| Column::new(*name, kind(index)))
        .collect();
    let score = |score: Option<f64>| score.map_or(Cell::Null, Cell::Float);
    let rows = epochs.iter().map(|epoch| {
        Ok(vec![
            (epoch.epoch as usize).into(),
            (epoch.step as usize).into(),
            epoch.rate.into(),
            epoch.loss.into(),
            score(epoch.chips),
            score(epoch.ideal),
            (epoch.costs.settings as usize).into(),
            (epoch.costs.phase_writes as usize).into(),
            (epoch.costs.passes as usize).into(),
            (epoch.costs.readings as usize).into(),
        ])
    });
    write_atomic(folder.join(EPOCHS), |writer| {
        write_csv(&columns, rows, writer)
    })
}

/// The epochs of the training in `folder`; none where none ended there.
///
/// # Errors
/// [`Error::Io`], and [`Error::Format`] if the table is not as it was written.
pub fn epochs_in(folder: &Path) -> Result<Vec<Epoch>> {
    let path = folder.join(EPOCHS);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = std::fs::read_to_string(&path).map_err(|source| Error::io(&path, source))?;
    let wrong = || {
        let what = "is not as lightloom train wrote it";
        Error::format(path.display().to_string(), what)
    };
    let mut lines = text.lines();
    let header = EPOCH_COLUMNS.join(",");
    if lines.next() != Some(&header) {
        return Err(wrong());
    }
    let epoch = |line: &str| -> Option<Epoch> {
        let cells: Vec<&str> = line.split(',').collect();
        let [
            epoch,
            step,
            rate,
            loss,
            chips,
            ideal,
            settings,
            phase_writes,
            passes,
            readings,
        ] = cells[..]
        else {
            return None;
        };
        let score = |cell: &str| match cell {
            "" => Some(None),
            cell => cell.parse().ok().map(Some),
        };
        Some(Epoch {
            epoch: epoch.parse().ok()?,
            step: step.parse().ok()?,
            rate: rate.parse().ok()?,
            loss: loss.parse().ok()?,
            chips: score(chips)?,
            ideal: score(ideal)?,
            costs: Costs {
                settings: settings.parse().ok()?,
                phase_writes: phase_writes.parse().ok()?,
                passes: passes.parse().ok()?,
                readings: readings.parse().ok()?,
            },
        })
    };
    lines.map(|line| epoch(line).ok_or_else(wrong)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> State {
        let mut optimizer = Optimizer::new(Rule::Adam, 2);
        let mut values = vec![0.1, f64::MIN_POSITIVE];
        optimizer.step(&mut values, &[1.0 / 3.0, -2.0], 0.1);
        State {
            values,
            optimizer,
            step: 1,
            loss: 0.1 + 0.2,
            costs: Costs {
                settings: 4,
                phase_writes: 2,
                passes: 1,
                readings: 3,
            },
            best: Some((Some(0.97), vec![1.0, 2.0])),
            epochs: vec![Epoch {
                epoch: 1,
                step: 1,
                rate: 0.1,
                loss: 1.0 / 7.0,
                chips: Some(0.97),
                ideal: Some(1.0),
                costs: Costs::default(),
            }],
        }
    }

    #[test]
    fn a_state_comes_back_bit_for_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        state().write(&path, "this").unwrap();
        assert_eq!(State::read(&path, Rule::Adam, "this").unwrap(), state());
        let other = State::read(&path, Rule::Adam, "that").unwrap_err();
        assert!(
            other.to_string().contains("is of another experiment"),
            "{other}"
        );
        let sgd = Rule::Sgd { momentum: 0.0 };
        assert!(State::read(&path, sgd, "this").is_err());
    }

    #[test]
    fn epochs_are_read_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(epochs_in(folder.path()).unwrap(), []);
        let mut epochs = state().epochs;
        epochs.push(Epoch {
            epoch: 2,
            chips: None,
            ideal: None,
            ..epochs[0]
        });
        write_epochs(folder.path(), &epochs).unwrap();
        assert_eq!(epochs_in(folder.path()).unwrap(), epochs);
        std::fs::write(folder.path().join(EPOCHS), "epoch\n1\n").unwrap();
        assert!(epochs_in(folder.path()).is_err());
    }

    #[test]
    fn damaged_states_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        state().write(&path, "this").unwrap();
        let good = std::fs::read(&path).unwrap();
        crate::io::corruption::survives(&good, |bytes| State::parse(bytes, Rule::Adam, "this"));
    }
}
