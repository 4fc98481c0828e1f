//! `EXPERIMENT.toml`: reading it, and writing it as resolved.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write;
use std::ops::Range;

use serde::Serialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::key::unknown;
use super::{Axis, Base, Key, Sweep};
use crate::error::{Context, Error, Result};
use crate::hardware::Hardware;
use crate::io::record::Cell;
use crate::nn::{Activation, Split};
use crate::rng::Seed;

/// Every key of an experiment's first level.
const KEYS: [&str; 19] = [
    "name",
    "network",
    "program",
    "activation",
    "data",
    "labels",
    "split",
    "limit",
    "tile",
    "geometry",
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

/// Values of a range at most.
const STEPS_LIMIT: i64 = 100_000;

/// A key's dotted name, where it stands, and its value.
type Entry<'a, 'i> = (String, Range<usize>, &'a Spanned<DeValue<'i>>);

impl Sweep {
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
        let table = DeTable::parse(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            Error::format(line(text, start), error.message().replace('\n', " "))
        })?;
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
            reader
                .entry(key.get_ref(), value)
                .within(line(text, key.span().start))?;
        }
        reader.finish(open)
    }

    /// The experiment as TOML with every default and every value of every axis written out: equal experiments give
    /// equal text, and [`parse`](Self::parse) reads it back as it was.
    pub fn resolved(&self) -> String {
        #[derive(Serialize)]
        struct Section<'a> {
            hardware: &'a Hardware,
        }
        let mut text = String::new();
        let mut put = |key: &str, value: toml::Value| {
            writeln!(text, "{key} = {value}").expect("text can be written");
        };
        let own = |name: &Option<String>| name.clone().map(toml::Value::String);
        put("name", self.name.clone().into());
        let base = &self.base;
        for (key, cell) in &base.values {
            put(key.name(), value(cell));
        }
        let options = [
            ("activation", own(&base.activation)),
            ("labels", own(&base.labels)),
            ("split", own(&base.split)),
            ("limit", base.limit.map(|limit| (limit as i64).into())),
        ];
        for (key, option) in options {
            if let Some(option) = option {
                put(key, option);
            }
        }
        put("trials", (self.trials as i64).into());
        put("seed", (self.seed.0 as i64).into());
        let recorded = [
            ("confusion", self.records_confusion),
            ("layers", self.records_layers),
        ];
        let recorded = recorded.iter().filter(|(_, is_on)| *is_on);
        let recorded: Vec<toml::Value> = recorded.map(|(name, _)| (*name).into()).collect();
        put("record", recorded.into());
        let section = Section {
            hardware: &base.hardware,
        };
        let hardware = toml::to_string(&section).expect("hardware is a TOML table");
        write!(text, "\n{hardware}").expect("text can be written");
        // Of several tables of axes only the first can be called so: further axes are zips of one.
        let mut previous = "";
        let mut has_axes = false;
        for axis in &self.axes {
            let is_single = axis.keys.len() == 1 && (!has_axes || previous == "axes");
            let header = if is_single { "axes" } else { "zip" };
            if header == "zip" {
                text.push_str("\n[[zip]]\n");
            } else if previous != "axes" {
                text.push_str("\n[axes]\n");
                has_axes = true;
            }
            previous = header;
            for (key, cells) in axis.keys.iter().zip(&axis.values) {
                let cells: Vec<_> = cells.iter().map(|cell| value(cell).to_string()).collect();
                writeln!(text, "\"{}\" = [{}]", key.name(), cells.join(", "))
                    .expect("text can be written");
            }
        }
        text
    }
}

fn value(cell: &Cell) -> toml::Value {
    match cell {
        Cell::Null => "none".into(),
        Cell::Int(value) => (*value).into(),
        Cell::Float(value) => (*value).into(),
        Cell::Text(text) => text.as_str().into(),
    }
}

fn line(text: &str, offset: usize) -> String {
    let before = &text.as_bytes()[..offset.min(text.len())];
    format!(
        "line {}",
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    )
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
            "network" | "program" | "data" | "tile" | "geometry" | "correct" | "precision" => {
                let is_path = matches!(key, "network" | "program" | "data");
                let key = Key::parse(key)?;
                if matches!(value.get_ref(), DeValue::Array(_)) && is_path {
                    let values = vec![list(&key, value)?];
                    let keys = vec![key];
                    self.axes.push((start, Axis { keys, values }));
                } else {
                    let cell = key.check(scalar(key.name(), value)?)?;
                    base.values.push((key, cell));
                }
            }
            "activation" => {
                let name = text(key, value)?;
                name.parse::<Activation>()?;
                base.activation = Some(name);
            }
            "labels" => base.labels = Some(text(key, value)?),
            "split" => {
                let name = text(key, value)?;
                name.parse::<Split>()?;
                base.split = Some(name);
            }
            "limit" => base.limit = Some(count(key, value, 1)?),
            "trials" => self.trials = Some(count(key, value, 1)?),
            "seed" => self.sweep.seed = Seed(count(key, value, 0)? as u64),
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
                    DeValue::Table(table) => Named::Inline(Box::new(self.inline(table)?)),
                    other => {
                        let limit = "a preset, a TOML file, or [hardware.coupler] tables";
                        return Err(Error::value(key, show(other), limit));
                    }
                });
            }
            "set" => {
                for (name, span, value) in entries(key, value)? {
                    let place = line(self.text, span.start);
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
                    let place = line(self.text, span.start);
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
            let place = line(self.text, span.start);
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
                .map(|cells| self::value(&cells[later]).to_string());
            if let Some(earlier) = seen.insert(texts.collect::<Vec<_>>(), later) {
                let what = format!("[[zip]] of `{}`", zipped.keys[0].name());
                let reason = format!(
                    "holds the same values twice: number {} is number {}",
                    later + 1,
                    earlier + 1
                );
                return Err(Error::format(what, reason).within(line(self.text, start)));
            }
        }
        self.axes.push((start, zipped));
        Ok(())
    }

    /// Hardware written into the experiment.
    fn inline(&self, table: &DeTable<'_>) -> Result<Hardware> {
        let mut entries = Vec::new();
        flatten("", table, &mut entries);
        let mut changes = BTreeMap::new();
        for (name, span, value) in entries {
            let place = line(self.text, span.start);
            let key = match Key::parse(&name).within(&place)? {
                key @ Key::Hardware(_) => key,
                _ => {
                    let what =
                        "is no hardware key: must stand in a table such as [hardware.coupler]";
                    return Err(Error::format(format!("`{name}`"), what).within(&place));
                }
            };
            let cell = scalar(&name, value).and_then(|cell| key.check(cell));
            changes.insert(name, cell.within(&place)?);
        }
        let changes = changes.iter().map(|(name, cell)| (&**name, toml_of(cell)));
        Hardware::default().with_values(changes)
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
                sweep.base.hardware = open(&name).within(line(self.text, start))?;
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
            .map(|(key, _, cell)| (key.name(), toml_of(cell)));
        if let Some((_, start, _)) = self.set.first() {
            sweep.base.hardware = sweep
                .base
                .hardware
                .with_values(changes)
                .within(line(self.text, *start))?;
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
                let place = || line(self.text, *start);
                let name = format!("`{}`", key.name());
                let fixed = sweep.base.values.iter().any(|(other, _)| other == key);
                let set = self.set.iter().any(|(other, _, _)| other == key);
                if fixed || set {
                    let what = "is given a value and varied too: must be one of the two";
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
            if let Some(key) = [Key::Tile, Key::Geometry].iter().find(|key| has(key)) {
                let what =
                    "is chosen when a program is compiled: name a network instead of a program";
                return Err(Error::format(format!("`{}`", key.name()), what));
            }
            if sweep.base.activation.is_some() {
                let what = "is part of a program: name a network instead of a program";
                return Err(Error::format("`activation`", what));
            }
        }
        sweep.check()?;
        Ok(self.sweep)
    }
}

fn toml_of(cell: &Cell) -> Option<toml::Value> {
    (*cell != Cell::Null).then(|| value(cell))
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
    table.is_empty() || table.keys().any(|key| RANGE.contains(&&**key.get_ref()))
}

const RANGE: [&str; 4] = ["from", "to", "steps", "log"];

/// The values of an axis, none of them twice.
fn list(key: &Key, value: &Spanned<DeValue<'_>>) -> Result<Vec<Cell>> {
    let cells = read_list(key, value)?;
    let mut seen = HashSet::new();
    for cell in &cells {
        let text = self::value(cell).to_string();
        if seen.contains(&text) {
            let what = format!("`{}`", key.name());
            let reason = format!("holds {text} twice: values must differ");
            return Err(Error::format(what, reason));
        }
        seen.insert(text);
    }
    Ok(cells)
}

fn read_list(key: &Key, value: &Spanned<DeValue<'_>>) -> Result<Vec<Cell>> {
    let cells = match value.get_ref() {
        DeValue::Array(items) => items
            .iter()
            .map(|item| scalar(key.name(), item))
            .collect::<Result<Vec<_>>>()?,
        DeValue::Table(range) => read_range(key.name(), range)?,
        other => {
            let limit = "a list or a range { from, to, steps }";
            return Err(Error::value(key.name(), show(other), limit));
        }
    };
    if cells.is_empty() {
        return Err(Error::value(
            key.name(),
            "[]",
            "a list of at least one value",
        ));
    }
    cells.into_iter().map(|cell| key.check(cell)).collect()
}

/// `{ from, to, steps }`: so many values from the one to the other, both included; with `log = true` in equal ratios.
fn read_range(name: &str, range: &DeTable<'_>) -> Result<Vec<Cell>> {
    for key in range.keys() {
        if !RANGE.contains(&&**key.get_ref()) {
            return Err(unknown(key.get_ref(), "key of a range", &RANGE));
        }
    }
    let find = |key: &str| {
        let found = range.iter().find(|(name, _)| name.get_ref() == key);
        found.map(|(_, value)| value)
    };
    let needed = |key: &str| {
        find(key).ok_or_else(|| {
            let what = format!("has no `{key}`: must be {{ from, to, steps }}");
            Error::format(format!("range of `{name}`"), what)
        })
    };
    let end = |key: &str| -> Result<Cell> {
        match scalar(key, needed(key)?)? {
            cell @ (Cell::Int(_) | Cell::Float(_)) => Ok(cell),
            other => Err(Error::value(
                format!("{name}: {key}"),
                value(&other),
                "a number",
            )),
        }
    };
    let (from, to) = (end("from")?, end("to")?);
    let steps = count("steps", needed("steps")?, 2)?;
    if steps as i64 > STEPS_LIMIT {
        return Err(Error::value("steps", steps, format!("2..={STEPS_LIMIT}")));
    }
    let log = match find("log").map(Spanned::get_ref) {
        None => false,
        Some(DeValue::Boolean(log)) => *log,
        Some(other) => {
            return Err(Error::value(
                format!("{name}: log"),
                show(other),
                "true or false",
            ));
        }
    };
    let last = steps - 1;
    if let (Cell::Int(from), Cell::Int(to), false) = (&from, &to, log) {
        let span = to.checked_sub(*from).filter(|span| span % last as i64 == 0);
        if let Some(span) = span {
            let step = span / last as i64;
            return Ok((0..steps as i64)
                .map(|i| Cell::Int(from + i * step))
                .collect());
        }
    }
    let number = |cell: &Cell| match cell {
        Cell::Int(value) => *value as f64,
        Cell::Float(value) => *value,
        _ => unreachable!("ends are numbers"),
    };
    let (from, to) = (number(&from), number(&to));
    if log && !(from > 0.0 && to > 0.0) {
        let got = format!("{from} to {to}");
        return Err(Error::value(
            format!("{name}: log range"),
            got,
            "from and to above 0",
        ));
    }
    Ok((0..steps)
        .map(|i| {
            let share = i as f64 / last as f64;
            Cell::Float(match (i, log) {
                (0, _) => from,
                (i, _) if i == last => to,
                (_, false) => from + (to - from) * share,
                // Not the platform's functions, whose last bits differ.
                (_, true) => from * libm::exp(libm::log(to / from) * share),
            })
        })
        .collect())
}

fn scalar(name: &str, value: &Spanned<DeValue<'_>>) -> Result<Cell> {
    let value = value.get_ref();
    let cell = match value {
        DeValue::String(text) => Some(Cell::Text(text.to_string())),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .ok()
            .map(Cell::Int),
        DeValue::Float(number) => number
            .as_str()
            .parse()
            .ok()
            .filter(|value: &f64| value.is_finite())
            .map(Cell::Float),
        _ => None,
    };
    cell.ok_or_else(|| Error::value(name, show(value), "a finite number or text"))
}

fn text(key: &str, value: &Spanned<DeValue<'_>>) -> Result<String> {
    match value.get_ref() {
        DeValue::String(text) => Ok(text.to_string()),
        other => Err(Error::value(key, show(other), "text in quotes")),
    }
}

fn count(key: &str, value: &Spanned<DeValue<'_>>, least: i64) -> Result<usize> {
    match scalar(key, value)? {
        Cell::Int(count) if count >= least => Ok(count as usize),
        _ => {
            let limit = format!("a whole number from {least}");
            Err(Error::value(key, show(value.get_ref()), limit))
        }
    }
}

/// A value as the user wrote it, or what it is.
fn show(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("\"{text}\""),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

#[cfg(test)]
mod tests;
