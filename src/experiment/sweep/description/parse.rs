//! Reading `EXPERIMENT.toml`.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::key::unknown;
use super::resolved::toml_value;
use super::value::{RANGE, RENAMED, count, list, numbers, read_list, scalar, text, texts};
use super::{Axis, Base, Key, Sweep};
use crate::compile::{Aim, Arrangement};
use crate::error::{Context, Error, Result, line_of};
use crate::experiment::TRIALS_LIMIT;
use crate::hardware::{Hardware, preset, show};
use crate::io::Source;
use crate::io::record::Cell;
#[cfg(feature = "onnx")]
use crate::nn::GivenShape;
use crate::nn::{Activation, Channels, Score, Split};
use crate::rng::Seed;

/// Every key of an experiment's first level.
const KEYS: [&str; 34] = [
    "name",
    "network",
    "program",
    "activation",
    "layers",
    "data",
    "labels",
    "label",
    "split",
    "limit",
    "score",
    "scale",
    "mean",
    "std",
    "channels",
    "inputs",
    "outputs",
    "shape",
    "digital",
    "light",
    "tile",
    "geometry",
    "arrange",
    "for",
    "weights",
    "correct",
    "precision",
    "trials",
    "seed",
    "record",
    "hardware",
    "set",
    "axes",
    "zip",
];

/// Whoever reads what stands beside a sweep in its file: a table of its own.
pub trait Beside {
    /// Reads the entry `key` of the first level of `text`; whether it is one of its own.
    ///
    /// # Errors
    /// Whatever is wrong with it.
    fn entry(&mut self, key: &str, value: &Spanned<DeValue<'_>>, text: &str) -> Result<bool>;

    /// The name of a network that it stands for, where the file names none.
    fn network(&self) -> Option<&str> {
        None
    }
}

/// Nothing stands beside a sweep that is no more than that.
impl Beside for () {
    fn entry(&mut self, key: &str, _: &Spanned<DeValue<'_>>, _: &str) -> Result<bool> {
        match key {
            "train" => {
                let what = "is trained before it is judged: lightloom train runs it";
                Err(Error::format("the experiment's program", what))
            }
            _ => Ok(false),
        }
    }
}

/// A key's dotted name, where it stands, and its value.
type Entry<'a, 'i> = (String, Range<usize>, &'a Spanned<DeValue<'i>>);

impl Sweep {
    /// The experiment in `source`, and the folder that its paths are relative to: that of its file.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), named by the source.
    pub fn read(source: &Source) -> Result<(Self, &Path)> {
        Self::read_beside(source, &mut ())
    }

    /// As [`read`](Self::read); `beside` reads what else stands in the file.
    ///
    /// # Errors
    /// As [`read`](Self::read), and those of `beside`.
    pub fn read_beside<'s>(
        source: &'s Source,
        beside: &mut dyn Beside,
    ) -> Result<(Self, &'s Path)> {
        let path = source.path();
        let folder = path.and_then(Path::parent).unwrap_or(Path::new(""));
        let name = path.map_or("experiment".to_owned(), |_| source.stem());
        let sweep = source.parse(|bytes| {
            let text = std::str::from_utf8(bytes)
                .map_err(|_| Error::format("experiment", "is not UTF-8 text"))?;
            Self::parse_beside(text, &name, in_folder(folder), beside)
        })?;
        Ok((sweep, folder))
    }

    /// Reads an experiment from its TOML text, whose paths are relative to `folder`. `name` is its name if it states none.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), and those of a file of hardware.
    pub fn parse_in(folder: &Path, text: &str, name: &str) -> Result<Self> {
        Self::parse(text, name, in_folder(folder))
    }

    /// Reads an experiment from its TOML text. `name` is its name if it states none; `open` reads the hardware that it
    /// names, a preset or a file.
    ///
    /// # Errors
    /// [`Error::Format`] and [`Error::Value`] in one sentence that names the line: what is not TOML, keys that are
    /// none, values of the wrong kind or out of range, two values for one thing.
    pub fn parse(
        text: &str,
        name: &str,
        open: impl FnOnce(&str) -> Result<Hardware>,
    ) -> Result<Self> {
        Self::parse_beside(text, name, open, &mut ())
    }

    fn parse_beside(
        text: &str,
        name: &str,
        open: impl FnOnce(&str) -> Result<Hardware>,
        beside: &mut dyn Beside,
    ) -> Result<Self> {
        let table = DeTable::parse(text).map_err(|error| Error::toml(text, &error, &[]))?;
        let mut reader = Reader {
            text,
            sweep: Self {
                name: name.to_owned(),
                base: Base::default(),
                axes: Vec::new(),
                trials: 0,
                seed: Seed(0),
                records_confusion: true,
                records_layers: true,
            },
            trials: None,
            hardware: None,
            set: Vec::new(),
            axes: Vec::new(),
        };
        for (key, value) in table.get_ref() {
            let entry = match beside.entry(key.get_ref(), value, text) {
                Ok(true) => Ok(()),
                Ok(false) => reader.entry(key.get_ref(), value),
                Err(error) => Err(error),
            };
            entry.map_err(|error| at_line(text, key.span().start, error))?;
        }
        if let Some(network) = beside.network() {
            let network = (Key::Network, Cell::from(network));
            reader.sweep.base.values.push(network);
        }
        reader.finish(open)
    }
}

/// Hardware by the name of a preset, or of a file in `folder`.
fn in_folder(folder: &Path) -> impl FnOnce(&str) -> Result<Hardware> {
    move |hardware| match preset(hardware).is_some() || folder.as_os_str().is_empty() {
        true => Hardware::open(hardware),
        false => Hardware::open(&folder.join(hardware).to_string_lossy()),
    }
}

/// `error` at the byte `start` of `text`; what lies within something here lies within its line already.
fn at_line(text: &str, start: usize, error: Error) -> Error {
    match &error {
        Error::Within { .. } => error,
        _ => error.within(line_of(text, start)),
    }
}

struct Reader<'t> {
    text: &'t str,
    sweep: Sweep,
    trials: Option<usize>,
    hardware: Option<Named>,
    /// Keys of `[set]`, where they stand, and their values.
    set: Vec<(Key, usize, Cell)>,
    /// Axes and where they stand.
    axes: Vec<(usize, Axis)>,
}

enum Named {
    /// A preset or a file, and where it is named.
    Open(String, usize),
    Inline(Box<Hardware>),
}

impl Reader<'_> {
    fn entry(&mut self, key: &str, value: &Spanned<DeValue<'_>>) -> Result<()> {
        let start = value.span().start;
        let base = &mut self.sweep.base;
        match key {
            "name" => {
                self.sweep.name = text(key, value)?;
                if self.sweep.name.is_empty() {
                    return Err(Error::value("name", "\"\"", "some text"));
                }
            }
            "network" | "program" | "data" | "tile" | "geometry" | "arrange" | "for"
            | "weights" | "correct" | "precision" => {
                let is_path = matches!(key, "network" | "program" | "data");
                let key = Key::parse(key)?;
                if matches!(value.get_ref(), DeValue::Array(_)) && is_path {
                    let values = vec![list(&key, value)?];
                    let keys = vec![key];
                    self.axes.push((start, Axis { keys, values }));
                } else if matches!(value.get_ref(), DeValue::Array(_)) {
                    let what = "is a list, which makes an axis: write it under [axes]";
                    return Err(Error::format(format!("`{}`", key.name()), what));
                } else {
                    let cell = key.check(scalar(key.name(), value)?)?;
                    base.values.push((key, cell));
                }
            }
            "activation" => {
                let name = text(key, value)?;
                name.parse::<Activation>()?;
                base.remarks.activation = Some(name);
            }
            "layers" => {
                let limit = "the names of all layers in a list, in their order";
                base.remarks.layers = Some(texts(key, value, limit)?);
            }
            "scale" => base.remarks.scale = Some(numbers(key, value)?),
            "mean" => base.remarks.mean = Some(numbers(key, value)?),
            "std" => base.remarks.std = Some(numbers(key, value)?),
            "channels" => {
                let place = text(key, value)?;
                place.parse::<Channels>()?;
                base.remarks.channels = Some(place);
            }
            "inputs" => base.remarks.inputs = texts(key, value, "names in a list")?,
            "outputs" => base.remarks.outputs = texts(key, value, "names in a list")?,
            "shape" => {
                let limit = "a list of NAME=N,… such as [\"x=N,3,32,32\"]";
                base.remarks.shape = texts(key, value, limit)?;
                #[cfg(feature = "onnx")]
                for shape in &base.remarks.shape {
                    shape.parse::<GivenShape>()?;
                }
            }
            "digital" => base.remarks.digital = texts(key, value, "patterns in a list")?,
            "light" => base.remarks.light = texts(key, value, "patterns in a list")?,
            "labels" => base.labels = Some(text(key, value)?),
            "label" => {
                let column = match scalar(key, value)? {
                    Cell::Text(name) => name,
                    Cell::Int(position) if position >= 0 => position.to_string(),
                    _ => {
                        let limit = "a column's name in quotes, or its position from 0";
                        return Err(Error::value(key, show(value.get_ref()), limit));
                    }
                };
                base.label = Some(column);
            }
            "split" => {
                let name = text(key, value)?;
                name.parse::<Split>()?;
                base.split = Some(name);
            }
            "score" => base.score = Some(text(key, value)?.parse::<Score>()?),
            "limit" => base.limit = Some(count(key, value, 1..=usize::MAX)?),
            "trials" => self.trials = Some(count(key, value, 1..=TRIALS_LIMIT)?),
            "seed" => self.sweep.seed = Seed(count(key, value, 0..=usize::MAX)? as u64),
            "record" => {
                (self.sweep.records_confusion, self.sweep.records_layers) = (false, false);
                let limit = "a list of \"confusion\" and \"layers\"";
                let DeValue::Array(names) = value.get_ref() else {
                    return Err(Error::value(key, show(value.get_ref()), limit));
                };
                for name in names.iter() {
                    match &*text(key, name)? {
                        "confusion" => self.sweep.records_confusion = true,
                        "layers" => self.sweep.records_layers = true,
                        other => {
                            return Err(unknown(
                                other,
                                "thing to record",
                                &["confusion", "layers"],
                            ));
                        }
                    }
                }
            }
            "hardware" => {
                self.hardware = Some(match value.get_ref() {
                    DeValue::String(name) => Named::Open(name.to_string(), start),
                    DeValue::Table(table) => {
                        Named::Inline(Box::new(Hardware::from_table(self.text, table)?))
                    }
                    other => {
                        let limit = "a preset, a TOML file, or [hardware.coupler] tables";
                        return Err(Error::value(key, show(other), limit));
                    }
                });
            }
            "set" => {
                for (name, span, value) in entries(key, value)? {
                    let place = line_of(self.text, span.start);
                    let key = Key::parse(&name).within(&place)?;
                    if !matches!(key, Key::Hardware(_)) {
                        let what = "is no hardware key: write it in front of all tables";
                        return Err(Error::format(format!("`{name}`"), what).within(&place));
                    }
                    let cell = scalar(&name, value).and_then(|cell| key.check(cell));
                    self.set.push((key, span.start, cell.within(&place)?));
                }
            }
            "axes" => {
                for (name, span, value) in entries(key, value)? {
                    let place = line_of(self.text, span.start);
                    let key = Key::parse(&name).within(&place)?;
                    let values = vec![list(&key, value).within(&place)?];
                    let keys = vec![key];
                    self.axes.push((span.start, Axis { keys, values }));
                }
            }
            "zip" => {
                let DeValue::Array(tables) = value.get_ref() else {
                    return Err(Error::value(key, show(value.get_ref()), "[[zip]] tables"));
                };
                for table in tables.iter() {
                    self.zip(table)?;
                }
            }
            other => return Err(unknown(other, "key of an experiment", &KEYS)),
        }
        Ok(())
    }

    /// One `[[zip]]`: lists of one length.
    fn zip(&mut self, table: &Spanned<DeValue<'_>>) -> Result<()> {
        let mut zipped = Axis {
            keys: Vec::new(),
            values: Vec::new(),
        };
        let mut entries = entries("zip", table)?;
        entries.sort_by_key(|(_, span, _)| span.start);
        let start = entries.first().map_or(0, |(_, span, _)| span.start);
        for (name, span, value) in entries {
            let place = line_of(self.text, span.start);
            let key = Key::parse(&name).within(&place)?;
            let values = read_list(&key, value).within(&place)?;
            let length = zipped.values.first().map_or(values.len(), Vec::len);
            if values.len() != length {
                let limit = format!(
                    "{length}, as `{}` of the same [[zip]]",
                    zipped.keys[0].name()
                );
                let what = format!("number of values of `{name}`");
                return Err(Error::value(what, values.len(), limit).within(&place));
            }
            zipped.keys.push(key);
            zipped.values.push(values);
        }
        if zipped.keys.is_empty() {
            return Err(Error::format("[[zip]]", "is empty: must hold lists"));
        }
        let mut seen = HashMap::new();
        for later in 0..zipped.len() {
            let texts = zipped
                .values
                .iter()
                .map(|cells| toml_value(&cells[later]).to_string());
            if let Some(earlier) = seen.insert(texts.collect::<Vec<_>>(), later) {
                let what = format!("[[zip]] of `{}`", zipped.keys[0].name());
                let reason = format!(
                    "holds the same values twice: number {} is number {}",
                    later + 1,
                    earlier + 1
                );
                return Err(Error::format(what, reason).within(line_of(self.text, start)));
            }
        }
        self.axes.push((start, zipped));
        Ok(())
    }

    fn finish(mut self, open: impl FnOnce(&str) -> Result<Hardware>) -> Result<Sweep> {
        let sweep = &mut self.sweep;
        sweep.trials = self.trials.ok_or_else(|| {
            Error::format(
                "trials",
                "is missing: must be the number of chips of a point",
            )
        })?;
        match self.hardware {
            Some(Named::Open(name, start)) => {
                sweep.base.hardware = open(&name).within(line_of(self.text, start))?;
                if crate::hardware::preset(&name).is_none() {
                    sweep.base.hardware_file = Some(name);
                }
            }
            Some(Named::Inline(hardware)) => sweep.base.hardware = *hardware,
            None => {}
        }
        let changes = self
            .set
            .iter()
            .map(|(key, _, cell)| (key.name(), cell.clone()));
        if let Some((_, start, _)) = self.set.first() {
            sweep.base.hardware = sweep
                .base
                .hardware
                .with_values(changes)
                .within(line_of(self.text, *start))?;
        }
        let is_given = |key: &Key| {
            let mut keys = self.axes.iter().flat_map(|(_, axis)| &axis.keys);
            let is_fixed = sweep.base.values.iter().any(|(other, _)| other == key);
            is_fixed || keys.any(|other| other == key)
        };
        let mut defaults = vec![
            (Key::Correct, Cell::from("none")),
            (Key::Precision, Cell::from("f32")),
        ];
        if !is_given(&Key::Program) {
            let layout = [
                (Key::Tile, Cell::Null),
                (Key::Geometry, Cell::from("clements")),
                (Key::Arrange, Cell::from(Arrangement::default().name())),
                (Key::For, Cell::from(Aim::default().name())),
            ];
            defaults.extend(layout);
        }
        defaults.retain(|(key, _)| !is_given(key));
        sweep.base.values.extend(defaults);
        // Tables lose the order of the file, which is that of the points.
        self.axes.sort_by_key(|(start, _)| *start);
        let order = |(key, _): &(Key, Cell)| KEYS.iter().position(|name| *name == key.name());
        sweep.base.values.sort_by_key(order);
        for (start, axis) in &self.axes {
            for key in &axis.keys {
                let place = || line_of(self.text, *start);
                let name = format!("`{}`", key.name());
                let fixed = sweep.base.values.iter().any(|(other, _)| other == key);
                let set = self.set.iter().any(|(other, _, _)| other == key);
                if fixed || set {
                    let what = "is given a value and varied too: must be one of the two";
                    return Err(Error::format(name, what).within(place()));
                }
                if key.is_recorded_only() {
                    let what = "is recorded and changes no result: must not be varied";
                    return Err(Error::format(name, what).within(place()));
                }
                let axes = self.axes.iter().flat_map(|(_, axis)| &axis.keys);
                if axes.filter(|other| *other == key).count() > 1 {
                    let what = "is varied twice: must be on one axis";
                    return Err(Error::format(name, what).within(place()));
                }
            }
        }
        sweep.axes = self.axes.into_iter().map(|(_, axis)| axis).collect();
        let has = |key: &Key| {
            let fixed = sweep.base.values.iter().any(|(other, _)| other == key);
            fixed || sweep.keys().any(|other| other == key)
        };
        if has(&Key::Network) == has(&Key::Program) {
            let reason = match has(&Key::Network) {
                true => "are both given: must be one of the two",
                false => "is missing: must be the path of one of the two",
            };
            return Err(Error::format("network or program", reason));
        }
        if !has(&Key::Data) {
            return Err(Error::format(
                "data",
                "is missing: must be the path of a data set",
            ));
        }
        if has(&Key::Program) {
            let of_layout = [
                Key::Tile,
                Key::Geometry,
                Key::Arrange,
                Key::For,
                Key::Weights,
            ];
            if let Some(key) = of_layout.iter().find(|key| has(key)) {
                let what =
                    "is chosen when a program is compiled: name a network instead of a program";
                return Err(Error::format(format!("`{}`", key.name()), what));
            }
            if let Some(key) = sweep.base.remarks.said().first() {
                let what = "is part of a program: name a network instead of a program";
                return Err(Error::format(format!("`{key}`"), what));
            }
        }
        sweep.check()?;
        Ok(self.sweep)
    }
}

/// The entries of a table, dotted keys written out: `coupler.splitting_error_rad = …` is a table in a table.
fn entries<'a, 'i>(key: &str, value: &'a Spanned<DeValue<'i>>) -> Result<Vec<Entry<'a, 'i>>> {
    let DeValue::Table(table) = value.get_ref() else {
        return Err(Error::value(key, show(value.get_ref()), "a table"));
    };
    let mut entries = Vec::new();
    flatten("", table, &mut entries);
    Ok(entries)
}

fn flatten<'a, 'i>(prefix: &str, table: &'a DeTable<'i>, entries: &mut Vec<Entry<'a, 'i>>) {
    for (key, value) in table {
        let name = match prefix {
            "" => key.get_ref().to_string(),
            prefix => format!("{prefix}.{}", key.get_ref()),
        };
        match value.get_ref() {
            // A range is a table too.
            DeValue::Table(inner) if !is_range(inner) => flatten(&name, inner, entries),
            _ => entries.push((name, key.span(), value)),
        }
    }
}

fn is_range(table: &DeTable<'_>) -> bool {
    let of_range =
        |key: &str| RANGE.contains(&key) || RENAMED.iter().any(|(theirs, _)| *theirs == key);
    table.is_empty() || table.keys().any(|key| of_range(key.get_ref()))
}

#[cfg(test)]
mod tests;
