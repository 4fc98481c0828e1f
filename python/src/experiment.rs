//! What a sweep runs, as a file or as Python's own objects say it.

use std::path::{Path, PathBuf, absolute};
use std::sync::Arc;

use lightloom::Error;
use lightloom::experiment::sweep::Sweep;
use lightloom::io::Source;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyList, PyMapping, PySequence};

use crate::given::Given;
use crate::hardware::{Hardware, object};
use crate::named::{Argument, Word, written};
use crate::refusal::{check_version, in_python, raise};

/// A grid of settings and the number of chips of each: what `sweep` runs.
///
/// `source` is the path of an EXPERIMENT.toml, whose paths are relative to its folder, or a dict of the same keys, which
/// keywords can take the place of: Experiment(network="net.npz", data="test.npz", hardware="mit-pnp", trials=20,
/// axes={"coupler.splitting_error_rad": [0.0, 0.02]}). Paths in those are relative to the current folder; network may be a
/// `Network`, program a `Program`, data a `Dataset`, each or a list of them, and hardware a `Hardware`; values may be arrays,
/// None is "none". docs/experiments.md lists all keys.
#[pyclass(frozen, eq, module = "lightloom")]
pub struct Experiment {
    text: String,
    name: String,
    /// Where paths lead from.
    folder: PathBuf,
    /// What is given as objects.
    pub(crate) files: Vec<Given>,
    pub(crate) sweep: Sweep,
}

/// Whatever texts say the same.
impl PartialEq for Experiment {
    fn eq(&self, other: &Self) -> bool {
        // The name of a file says what it holds.
        self.sweep == other.sweep && self.folder == other.folder
    }
}

/// What an experiment is called that no file and no key names.
const NAME: &str = "experiment";

impl Experiment {
    fn of_text(
        text: String,
        name: String,
        folder: PathBuf,
        files: Vec<Given>,
    ) -> lightloom::Result<Self> {
        if files.is_empty() {
            let sweep = Sweep::parse_in(&folder, &text, &name)?;
            return Ok(Self {
                text,
                name,
                folder,
                files,
                sweep,
            });
        }
        // Files of objects lie in the folder of the rows, all others where they are.
        let folder = absolute(folder.join(".")).map_err(|source| Error::io(&folder, source))?;
        let sweep = Sweep::parse_in(&folder, &text, &name)?;
        let sweep = sweep.with_paths(|path| match files.iter().any(|file| file.path == path) {
            true => path.to_owned(),
            false => folder.join(path).to_string_lossy().into_owned(),
        });
        Ok(Self {
            text,
            name,
            folder,
            files,
            sweep,
        })
    }

    /// The folder that paths are relative to where rows come to stand in `out`.
    pub(crate) fn folder(&self, out: &Path) -> PathBuf {
        match self.files.is_empty() {
            true => self.folder.clone(),
            false => out.to_owned(),
        }
    }
}

/// The version of the pickles that are written.
const VERSION: u32 = 1;

/// What a pickle holds: its version, text, name, folder, and paths and bytes of what was given as objects.
type State<'py> = (
    u32,
    String,
    String,
    PathBuf,
    Vec<(String, Bound<'py, PyBytes>)>,
);

#[pymethods]
impl Experiment {
    #[new]
    #[pyo3(signature = (source = None, /, **keys), text_signature = "(source=None, /, **keys)")]
    fn new(source: Option<&Bound<'_, PyAny>>, keys: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let (mut text, mut files) = (String::new(), Vec::new());
        if let Some(source) = source {
            let Ok(entries) = source.cast::<PyMapping>() else {
                let path: Argument<PathBuf> = source.extract()?;
                let path = path.named("experiment", "a path or a dict of its keys")?;
                if let Some((key, _)) = keys.and_then(|keys| keys.iter().next()) {
                    let reason =
                        "is a keyword beside a file, which says all: must stand in the file";
                    return Err(raise(Error::format(key.to_string(), reason)));
                }
                return of_file(&path).map_err(raise);
            };
            put_entries(&mut text, &mut files, entries, keys)?;
        }
        if let Some(keys) = keys {
            put_entries(&mut text, &mut files, keys.as_mapping(), None)?;
        }
        let read = Self::of_text(text, NAME.to_owned(), PathBuf::new(), files);
        read.map_err(|error| raise(without_lines(error)))
    }

    /// The experiment that a text in TOML describes, whose paths are relative to `folder`.
    #[staticmethod]
    #[pyo3(
        signature = (text, /, *, folder = Argument::of(PathBuf::new()), name = Word::default_of(NAME)),
        text_signature = "(text, /, *, folder='', name='experiment')"
    )]
    fn from_toml(text: Word, folder: Argument<PathBuf>, name: Word) -> PyResult<Self> {
        let folder = folder.named("folder", "a path")?;
        let (text, name) = (text.text("text")?, name.text("name")?);
        Self::of_text(text, name, folder, Vec::new()).map_err(raise)
    }

    /// The experiment as TOML with every default and every value of every axis. Objects are the paths of the files that
    /// `sweep` writes for them into its folder.
    fn to_toml(&self) -> String {
        self.sweep.resolved()
    }

    /// Its name, the first column of every row.
    #[getter]
    fn name(&self) -> &str {
        &self.sweep.name
    }

    /// Number of points: the product of the axes' lengths.
    #[getter]
    fn points(&self) -> usize {
        self.sweep.points()
    }

    /// Chips of every point.
    #[getter]
    fn trials(&self) -> usize {
        self.sweep.trials
    }

    /// The seed from which every chip follows.
    #[getter]
    fn seed(&self) -> u64 {
        self.sweep.seed.0
    }

    /// What varies, the last axis fastest: a dict an axis, of the values of each of its keys.
    #[getter]
    fn axes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        axes(py, &self.sweep)
    }

    /// What is worth saying of its hardware, in sentences.
    #[getter]
    fn notes(&self) -> PyResult<Vec<String>> {
        let notes = self.sweep.notes().map_err(raise)?;
        Ok(notes.iter().map(|note| in_python(note)).collect())
    }

    fn __repr__(&self) -> String {
        format!("<Experiment {}>", words(&self.sweep))
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, State<'py>)> {
        let Self {
            text,
            name,
            folder,
            files,
            ..
        } = slf.get();
        let files = files.iter().map(|file| {
            let bytes = PyBytes::new(slf.py(), &file.bytes);
            (file.path.clone(), bytes)
        });
        let (text, name, folder) = (text.clone(), name.clone(), folder.clone());
        let state = (VERSION, text, name, folder, files.collect());
        Ok((slf.get_type().getattr("_of_pickle")?, state))
    }

    /// The experiment that a pickle holds.
    #[staticmethod]
    #[pyo3(signature = (version, text, name, folder, files, /))]
    fn _of_pickle(
        version: u32,
        text: String,
        name: String,
        folder: PathBuf,
        files: Vec<(String, Bound<'_, PyBytes>)>,
    ) -> PyResult<Self> {
        check_version("Experiment", version, VERSION)?;
        let files = files.into_iter().map(|(path, bytes)| Given {
            path,
            bytes: Arc::new(bytes.as_bytes().to_vec()),
        });
        Self::of_text(text, name, folder, files.collect()).map_err(raise)
    }
}

/// The axes of `sweep`, as [`Experiment::axes`] says.
pub fn axes<'py>(py: Python<'py>, sweep: &Sweep) -> PyResult<Bound<'py, PyList>> {
    let axes = PyList::empty(py);
    for axis in &sweep.axes {
        let keys = PyDict::new(py);
        for (key, cells) in axis.keys.iter().zip(&axis.values) {
            let values = cells.iter().map(|cell| object(py, cell.clone()));
            keys.set_item(key.name(), values.collect::<PyResult<Vec<_>>>()?)?;
        }
        axes.append(keys)?;
    }
    Ok(axes)
}

/// `sweep` in a few words.
pub fn words(sweep: &Sweep) -> String {
    let points = match sweep.points() {
        1 => "1 point".to_owned(),
        points => format!("{points} points"),
    };
    let trials = match sweep.trials {
        1 => "1 trial".to_owned(),
        trials => format!("{trials} trials"),
    };
    format!(
        "{}: {points} × {trials} of seed {}",
        sweep.name, sweep.seed.0
    )
}

fn of_file(path: &Path) -> lightloom::Result<Experiment> {
    let source = Source::open(path)?;
    let text = source.text("an experiment in TOML")?.to_owned();
    let (sweep, folder) = Sweep::read(&source)?;
    Ok(Experiment {
        text,
        name: source.stem(),
        folder: folder.to_owned(),
        files: Vec::new(),
        sweep,
    })
}

/// `error` without the lines of a text that nobody wrote.
fn without_lines(error: Error) -> Error {
    match error {
        Error::Within { context, source } => {
            let number = context.strip_prefix("line ");
            let is_line = number.is_some_and(|number| number.parse::<usize>().is_ok());
            match is_line {
                true => without_lines(*source),
                false => without_lines(*source).within(context),
            }
        }
        error => error,
    }
}

/// Writes `entries`, but for those that stand in `others`, as keys of a TOML file; objects go to `files`.
fn put_entries(
    text: &mut String,
    files: &mut Vec<Given>,
    entries: &Bound<'_, PyMapping>,
    others: Option<&Bound<'_, PyDict>>,
) -> PyResult<()> {
    for entry in entries.items()? {
        let (key, value): (Word, Bound<'_, PyAny>) = entry.extract()?;
        let key = key.text("key of an experiment")?;
        if others.is_some_and(|others| others.contains(&key).unwrap_or(false)) {
            continue;
        }
        let value = match value.cast::<Hardware>() {
            Ok(hardware) => toml(&key, &hardware.call_method0("to_dict")?, files)?,
            Err(_) => toml(&key, &value, files)?,
        };
        text.push_str(&format!("{} = {value}\n", quoted(&key)));
    }
    Ok(())
}

/// A text as TOML has it, which is as JSON has it.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a text is JSON")
}

/// `value` as TOML; errors call it `what`, the innermost key. Objects are paths of `files`, to which they go.
fn toml(what: &str, value: &Bound<'_, PyAny>, files: &mut Vec<Given>) -> PyResult<String> {
    let py = value.py();
    if let Some(file) = Given::of(what, value)? {
        let path = quoted(&file.path);
        if !files.contains(&file) {
            files.push(file);
        }
        return Ok(path);
    }
    if value.is_none() {
        return Ok(quoted("none"));
    }
    if value.is_instance_of::<PyBool>() {
        return Ok(value.extract::<bool>()?.to_string());
    }
    if let Ok(text) = value.extract::<String>() {
        return Ok(quoted(&text));
    }
    if let Ok(entries) = value.cast::<PyMapping>() {
        let mut written = Vec::new();
        for entry in entries.items()? {
            let (key, value): (Word, Bound<'_, PyAny>) = entry.extract()?;
            let key = key.text(&format!("key of {what}"))?;
            let value = toml(&key, &value, files)?;
            written.push(format!("{} = {value}", quoted(&key)));
        }
        return Ok(format!("{{ {} }}", written.join(", ")));
    }
    // Arrays and numbers of NumPy.
    if value.hasattr("tolist")? {
        return toml(what, &value.call_method0("tolist")?, files);
    }
    if let Ok(number) = value.extract::<i64>() {
        return Ok(number.to_string());
    }
    if let Ok(number) = value.extract::<f64>() {
        return Ok(format!("{number:?}").replace("NaN", "nan"));
    }
    if let Ok(items) = value.cast::<PySequence>() {
        let items = items.try_iter()?.map(|item| toml(what, &item?, files));
        return Ok(format!(
            "[{}]",
            items.collect::<PyResult<Vec<_>>>()?.join(", ")
        ));
    }
    let path = py.import("os")?.call_method1("fspath", (value,));
    if let Some(path) = path.ok().and_then(|path| path.extract::<String>().ok()) {
        return Ok(quoted(&path));
    }
    let limit = "a number, a text, a path, None, or lists and dicts of them";
    Err(crate::named::wrong_type(what, &written(value)?, limit))
}
