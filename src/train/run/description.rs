//! `[train]` of an experiment: what is learnt before it is judged.

use std::ops::RangeInclusive;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::ROWS;
use crate::error::{Context, Error, Result, line_of};
use crate::experiment::sweep::value::{count, scalar, text};
use crate::experiment::sweep::{Beside, Key, Sweep};
use crate::hardware::{Hardware, show};
use crate::io::Source;
use crate::io::record::Cell;
use crate::mesh::Correction;
use crate::nn::{Activation, Split};
use crate::train::in_situ::Passes;
use crate::train::loss::Loss;
use crate::train::method::{InSitu, MethodName};
use crate::train::optimizer::Rule;
use crate::train::rate::Schedule;
use crate::train::trainable::Parameters;

/// A new network.
#[derive(Debug, Clone, PartialEq)]
pub struct NewNetwork {
    /// Its widths, inputs first.
    pub widths: Vec<usize>,
    /// What follows every layer but the last.
    pub activation: Activation,
}

/// How a program is trained.
#[derive(Debug, Clone, PartialEq)]
pub struct Training {
    /// The new network that it starts from, if it starts from none that there is.
    pub new_network: Option<NewNetwork>,
    /// Path of what is learnt from, where it is not the data that judge.
    pub data: Option<String>,
    /// The label's column of a table; none: as of the data that judge.
    pub label: Option<String>,
    /// Path of its labels.
    pub labels: Option<String>,
    /// Which part of it.
    pub split: Option<Split>,
    /// Only so many samples.
    pub limit: Option<usize>,
    /// Share of the samples that is held back to validate.
    pub validation: f64,
    /// How slopes are had.
    pub method: MethodName,
    /// What is learnt.
    pub parameters: Parameters,
    /// What is to become small; none: by the labels.
    pub loss: Option<Loss>,
    /// How a step follows from slopes.
    pub optimizer: Rule,
    /// Largest size of a step.
    pub rate: f64,
    /// How it changes on the way.
    pub schedule: Schedule,
    /// Passes over the samples.
    pub epochs: u64,
    /// Samples of a step.
    pub batch: usize,
    /// New chips of every step.
    pub chips: usize,
    /// The one chip instead.
    pub trial: Option<u64>,
    /// Steps after which weights are written.
    pub compile_every: u64,
    /// How phases are chosen on chips that are trained on; none: as on those that are judged.
    pub correction: Option<Correction>,
    /// Hardware keys that change on the way, from one value to the other.
    pub ramp: Vec<(String, [f64; 2])>,
    /// How far simultaneous perturbation moves every parameter.
    pub perturbation: f64,
    /// How in-situ measures.
    pub in_situ: InSitu,
    /// Seed of what is not the chips'; none: that of the experiment.
    pub seed: Option<u64>,
    /// Chips that validate.
    pub validation_chips: usize,
}

impl Default for Training {
    fn default() -> Self {
        Self {
            new_network: None,
            data: None,
            label: None,
            labels: None,
            split: None,
            limit: None,
            validation: 0.1,
            method: MethodName::default(),
            parameters: Parameters::default(),
            loss: None,
            optimizer: Rule::Adam,
            rate: 1e-3,
            schedule: Schedule::default(),
            epochs: 10,
            batch: 128,
            chips: 1,
            trial: None,
            compile_every: 1,
            correction: None,
            ramp: Vec::new(),
            perturbation: 0.01,
            in_situ: InSitu::default(),
            seed: None,
            validation_chips: 3,
        }
    }
}

/// Stands for the network of an experiment that starts from a new one.
pub(super) const NEW: &str = "new";

/// `[train]` as it is read.
#[derive(Default)]
struct Reader {
    training: Option<Training>,
}

impl Beside for Reader {
    fn entry(&mut self, key: &str, value: &Spanned<DeValue<'_>>, text: &str) -> Result<bool> {
        if key != "train" {
            return Ok(false);
        }
        let DeValue::Table(table) = value.get_ref() else {
            return Err(Error::value(
                "train",
                show(value.get_ref()),
                "a table [train]",
            ));
        };
        self.training = Some(Training::of_table(table, text)?);
        Ok(true)
    }

    fn network(&self) -> Option<&str> {
        let training = self.training.as_ref()?;
        training.new_network.as_ref().map(|_| NEW)
    }
}

fn number(
    key: &str,
    value: &Spanned<DeValue<'_>>,
    allows: impl Fn(f64) -> bool,
    limit: &str,
) -> Result<f64> {
    let number = match scalar(key, value)? {
        Cell::Int(number) => Some(number as f64),
        Cell::Float(number) => Some(number),
        _ => None,
    };
    let number = number.filter(|number| allows(*number));
    number.ok_or_else(|| Error::value(key, show(value.get_ref()), limit))
}

fn list<'a, 'i>(
    key: &str,
    value: &'a Spanned<DeValue<'i>>,
    lengths: RangeInclusive<usize>,
    limit: &str,
) -> Result<Vec<&'a Spanned<DeValue<'i>>>> {
    match value.get_ref() {
        DeValue::Array(items) if lengths.contains(&items.len()) => Ok(items.iter().collect()),
        other => Err(Error::value(key, show(other), limit)),
    }
}

impl Training {
    /// The experiment in `source` with what is learnt before it is judged, and the folder that its paths are relative to.
    ///
    /// # Errors
    /// As [`Sweep::read`], and in one sentence what is wrong in `[train]`: [`Error::Format`] where there is none.
    pub fn read(source: &Source) -> Result<(Self, Sweep, &std::path::Path)> {
        // What is missing is said before what is wrong with the rest.
        let table: toml::Table = source.text("TOML")?.parse().unwrap_or_default();
        if !table.is_empty() && !table.contains_key("train") {
            let what = "has no table [train], which says how it is trained: lightloom sweep runs what has none";
            return Err(Error::format(source.name(), what));
        }
        let starts = |key: &str| table.contains_key(key);
        let has_layers = table
            .get("train")
            .is_some_and(|train| train.get("layers").is_some());
        if !table.is_empty() && !starts("network") && !starts("program") && !has_layers {
            let what = "is missing: must be where training starts, the path of one of the two or the widths of a new network";
            let missing = Error::format("`network`, `program` or `layers` of [train]", what);
            return Err(missing.within(source.name()));
        }
        let mut reader = Reader::default();
        let (sweep, folder) = Sweep::read_beside(source, &mut reader)?;
        let training = reader.training.expect("there is a table [train]");
        training.check(&sweep).within(source.name())?;
        Ok((training, sweep, folder))
    }

    fn of_table(table: &DeTable<'_>, whole: &str) -> Result<Self> {
        let mut training = Self::default();
        let (mut widths, mut activation) = (None, None);
        let (mut momentum, mut temperature) = (None, None);
        let mut given = Vec::new();
        for (key, value) in table {
            let place = key.span().start;
            let key = &**key.get_ref();
            given.push(key.to_owned());
            let mut entry = || -> Result<()> {
                match key {
                    "layers" => {
                        let limit = "2 to 64 widths in a list";
                        let items = list(key, value, 2..=64, limit)?;
                        let items = items.into_iter();
                        let all: Result<Vec<usize>> =
                            items.map(|item| count(key, item, 1..=1 << 20)).collect();
                        widths = Some(all?);
                    }
                    "activation" => activation = Some(text(key, value)?.parse::<Activation>()?),
                    "data" => training.data = Some(text(key, value)?),
                    "label" => training.label = Some(text(key, value)?),
                    "labels" => training.labels = Some(text(key, value)?),
                    "split" => training.split = Some(text(key, value)?.parse()?),
                    "limit" => training.limit = Some(count(key, value, 1..=usize::MAX)?),
                    "validation" => {
                        let allows = |share| (0.0..=0.5).contains(&share);
                        training.validation = number(key, value, allows, "0 to 0.5")?;
                    }
                    "method" => training.method = text(key, value)?.parse()?,
                    "parameters" => training.parameters = text(key, value)?.parse()?,
                    "loss" => training.loss = Some(text(key, value)?.parse()?),
                    "temperature" => temperature = Some(above_zero(key, value)?),
                    "optimizer" => training.optimizer = text(key, value)?.parse()?,
                    "momentum" => {
                        let allows = |share| (0.0..1.0).contains(&share);
                        momentum = Some(number(key, value, allows, "0 or more and below 1")?);
                    }
                    "rate" => training.rate = above_zero(key, value)?,
                    "schedule" => training.schedule = text(key, value)?.parse()?,
                    "epochs" => training.epochs = count(key, value, 1..=1_000_000)? as u64,
                    "batch" => training.batch = count(key, value, 1..=1 << 20)?,
                    "chips" => training.chips = count(key, value, 1..=1000)?,
                    "trial" => {
                        training.trial = match value.get_ref() {
                            DeValue::String(none) if none == "none" => None,
                            _ => Some(count(key, value, 0..=(1 << 32) - 1)? as u64),
                        };
                    }
                    "compile_every" => {
                        training.compile_every = count(key, value, 1..=1_000_000)? as u64
                    }
                    "correct" => training.correction = Some(correction(&text(key, value)?)?),
                    "ramp" => training.ramp = ramp(value)?,
                    "perturbation" => training.perturbation = above_zero(key, value)?,
                    "passes" => {
                        training.in_situ.passes = match count(key, value, 3..=4)? {
                            3 => Passes::Three,
                            _ => Passes::Four,
                        };
                    }
                    "tap_noise" => {
                        let allows = |noise| noise >= 0.0;
                        training.in_situ.tap_noise = number(key, value, allows, "0 or more")?;
                    }
                    "tap_fraction" => {
                        let allows = |share| (0.0..1.0).contains(&share);
                        let limit = "0 or more and below 1";
                        training.in_situ.tap_fraction = number(key, value, allows, limit)?;
                    }
                    "drop_ports" => {
                        training.in_situ.has_drop_ports = match value.get_ref() {
                            DeValue::Boolean(has) => *has,
                            other => return Err(Error::value(key, show(other), "true or false")),
                        };
                    }
                    "seed" => training.seed = Some(count(key, value, 0..=usize::MAX)? as u64),
                    "validation_chips" => training.validation_chips = count(key, value, 1..=1000)?,
                    other => {
                        let names = ROWS.map(|row| row.name);
                        return Err(Error::unknown("key of [train]", other, &names));
                    }
                }
                Ok(())
            };
            entry().within(line_of(whole, place))?;
        }
        let idle = |key: &str, without: &str| {
            let reason = format!("says nothing without {without}");
            Err(Error::format(format!("`{key}` of [train]"), reason))
        };
        let is_given = |key: &&str| given.iter().any(|given| given == key);
        let of_in_situ = ["passes", "tap_noise", "tap_fraction", "drop_ports"];
        for (keys, method) in [
            (&of_in_situ[..], MethodName::InSitu),
            (&["perturbation"], MethodName::Spsa),
        ] {
            if let Some(key) = keys.iter().find(|key| is_given(key))
                && training.method != method
            {
                return idle(key, &format!("method = \"{method}\""));
            }
        }
        match (widths, activation) {
            (None, Some(_)) => return idle("activation", "`layers`"),
            (None, None) => {}
            (Some(widths), activation) => {
                let activation = activation.unwrap_or(Activation::Tanh);
                training.new_network = Some(NewNetwork { widths, activation });
            }
        }
        match (&mut training.optimizer, momentum) {
            (Rule::Sgd { momentum }, given) => *momentum = given.unwrap_or(0.9),
            (Rule::Adam, Some(_)) => return idle("momentum", "optimizer = \"sgd\""),
            (Rule::Adam, None) => {}
        }
        match (&mut training.loss, temperature) {
            (Some(Loss::Distillation { temperature }), Some(given)) => *temperature = given,
            (_, Some(_)) => return idle("temperature", "loss = \"distillation\""),
            (_, None) => {}
        }
        Ok(training)
    }

    /// Fails on what cannot be trained, as far as the experiment tells.
    fn check(&self, sweep: &Sweep) -> Result<()> {
        if let Some(key) = sweep
            .keys()
            .find(|key| !matches!(key, Key::Hardware(_) | Key::Correct | Key::Precision))
        {
            let what =
                "varies: what is trained must be one program; only hardware and `correct` may";
            return Err(Error::format(format!("`{}`", key.name()), what));
        }
        if self.trial.is_some() && self.chips > 1 {
            let limit = "1 with a fixed trial";
            return Err(Error::value("chips", self.chips, limit));
        }
        if self.parameters == Parameters::Phases && self.compile_every > 1 {
            let limit = "1 where phases are trained: they are on the chip at once";
            return Err(Error::value("compile_every", self.compile_every, limit));
        }
        for (key, [from, to]) in &self.ramp {
            // What is between them is met on the way.
            for at in [*from, 0.5 * (from + to) + 0.1 * (to - from), *to] {
                Hardware::default().with(key, &at.to_string())?;
            }
        }
        Ok(())
    }
}

fn above_zero(key: &str, value: &Spanned<DeValue<'_>>) -> Result<f64> {
    number(key, value, |number| number > 0.0, "a number above 0")
}

fn correction(name: &str) -> Result<Correction> {
    let found = Correction::ALL.into_iter().find(|one| one.name() == name);
    found.ok_or_else(|| Error::unknown("correct", name, &Correction::ALL.map(Correction::name)))
}

/// `{ KEY = [from, to] }`, keys dotted or not.
fn ramp(value: &Spanned<DeValue<'_>>) -> Result<Vec<(String, [f64; 2])>> {
    fn add(
        prefix: &str,
        value: &Spanned<DeValue<'_>>,
        all: &mut Vec<(String, [f64; 2])>,
    ) -> Result<()> {
        match value.get_ref() {
            DeValue::Table(table) => table.iter().try_for_each(|(key, value)| {
                let name = match prefix {
                    "" => key.get_ref().to_string(),
                    prefix => format!("{prefix}.{}", key.get_ref()),
                };
                add(&name, value, all)
            }),
            _ => {
                let limit = "two numbers, [from, to]";
                let ends = list(prefix, value, 2..=2, limit)?;
                let end = |index: usize| number(prefix, ends[index], |_| true, limit);
                all.push((prefix.to_owned(), [end(0)?, end(1)?]));
                Ok(())
            }
        }
    }
    let mut all = Vec::new();
    match value.get_ref() {
        DeValue::Table(_) => add("", value, &mut all)?,
        other => return Err(Error::value("ramp", show(other), "{ KEY = [from, to] }")),
    }
    Ok(all)
}

#[cfg(test)]
mod tests;
