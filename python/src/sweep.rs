//! A grid of settings on drawn chips, in this process or in others.

use std::path::PathBuf;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use lightloom::experiment::rows::Folder;
use lightloom::experiment::sweep::{self, Session, Shard};
use lightloom::io::record::{Cell, Kind};
use lightloom::{Error, Watch};
use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use crate::array::read_only;
use crate::experiment::{Experiment, axes, words};
use crate::given::Made;
use crate::hardware::object;
use crate::inference::frame;
use crate::named::Argument;
use crate::refusal::{in_python, raise};
use crate::work::{Interrupt, work, work_to_its_end};

/// What a grid of settings gave: a row for every chip of every point.
#[pyclass(frozen, module = "lightloom")]
pub struct Sweep {
    folder: Folder,
    /// Where its files are kept, if they are.
    path: Option<PathBuf>,
    notes: Vec<String>,
    rows: Py<PyDict>,
}

impl Sweep {
    fn of(
        py: Python<'_>,
        folder: Folder,
        path: Option<PathBuf>,
        notes: Vec<String>,
    ) -> PyResult<Self> {
        let rows = PyDict::new(py);
        for (column, cells) in folder.columns() {
            rows.set_item(&*column.name, array(py, column.kind, cells)?)?;
        }
        Ok(Self {
            folder,
            path,
            notes,
            rows: rows.unbind(),
        })
    }
}

/// The cells of a column of `kind` as a read-only array [row].
fn array(py: Python<'_>, kind: Kind, cells: Vec<Cell>) -> PyResult<Bound<'_, PyAny>> {
    let is_whole = !cells.contains(&Cell::Null);
    let array = match kind {
        Kind::Int if is_whole => {
            let numbers = cells.into_iter().map(|cell| match cell {
                Cell::Int(number) => number,
                other => unreachable!("{other:?} in a column of whole numbers"),
            });
            PyArray1::from_iter(py, numbers).into_any()
        }
        Kind::Int | Kind::Float => {
            let numbers = cells.into_iter().map(|cell| match cell {
                Cell::Int(number) => number as f64,
                Cell::Float(number) => number,
                _ => f64::NAN,
            });
            PyArray1::from_iter(py, numbers).into_any()
        }
        Kind::Text => {
            let texts = cells.into_iter().map(|cell| object(py, cell));
            let texts = PyList::new(py, texts.collect::<PyResult<Vec<_>>>()?)?;
            let numpy = py.import("numpy")?;
            let dtype = if is_whole { "str" } else { "object" };
            numpy.call_method1("array", (texts, dtype))?
        }
    };
    read_only(array)
}

#[pymethods]
impl Sweep {
    /// The sweep in the folder that `lightloom sweep`, `lightloom merge` or `sweep` wrote; of one that has not ended the
    /// trials that are finished.
    #[staticmethod]
    #[pyo3(signature = (folder, /))]
    fn load(py: Python<'_>, folder: Argument<PathBuf>) -> PyResult<Self> {
        let path = folder.named("folder", "a path")?;
        let place = path.clone();
        let folder = work(py, move |_| sweep::gathered(&place))?;
        Self::of(py, folder, Some(path), Vec::new())
    }

    /// One entry a chip, by point, then trial: a dict of arrays [row] by the names of the columns of `lightloom sweep`.
    ///
    /// Whole numbers are int64, or float64 where one is missing, other numbers float64, texts str; NaN or None where there
    /// is nothing. The arrays are read-only.
    #[getter]
    fn rows<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        // Whoever changes the dict has one of its own.
        self.rows.bind(py).copy()
    }

    /// `rows` as a data frame of pandas, which must be installed.
    fn to_pandas<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        frame(self.rows.bind(py))
    }

    /// What varies, the last axis fastest: a dict an axis, of the values of each of its keys.
    #[getter]
    fn axes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        axes(py, &self.folder.sweep)
    }

    /// How the rows came to be, as manifest.json says it: versions, SHA-256 of all files, digital and ideal results.
    #[getter]
    fn manifest<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let text = serde_json::to_string(&self.folder.manifest).expect("a manifest is JSON");
        py.import("json")?.call_method1("loads", (text,))
    }

    /// The folder that holds its files; None where none was asked for.
    #[getter]
    fn path(&self) -> Option<PathBuf> {
        self.path.clone()
    }

    /// What is worth saying of networks, data and hardware, in sentences.
    #[getter]
    fn notes(&self) -> Vec<String> {
        self.notes.iter().map(|note| in_python(note)).collect()
    }

    fn __len__(&self) -> usize {
        self.folder.rows.len()
    }

    fn __repr__(&self) -> String {
        let (done, sweep) = (self.folder.rows.len(), &self.folder.sweep);
        match done == sweep.rows() {
            true => format!("<Sweep {}>", words(sweep)),
            false => format!("<Sweep {}, {done} of them done>", words(sweep)),
        }
    }
}

/// What trials of one program and one data set need, and their rows.
#[pyclass(frozen, module = "lightloom._lightloom")]
pub struct Parcel {
    /// Gone with the sweep: whoever keeps a parcel does not keep its folder locked.
    session: Weak<Session>,
    parcel: Mutex<sweep::Parcel>,
}

impl Parcel {
    fn parcel(&self) -> MutexGuard<'_, sweep::Parcel> {
        self.parcel.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Parcel {
    /// SHA-256 of `data`.
    #[getter]
    fn key(&self) -> String {
        self.parcel().key().to_owned()
    }

    /// What `run_task` needs.
    #[getter]
    fn data<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.parcel().bytes())
    }

    /// Number of trials of the whole sweep that are not finished.
    #[getter]
    fn left(&self) -> usize {
        self.session
            .upgrade()
            .map_or(0, |session| session.missing())
    }

    /// Number of trials of the whole sweep.
    #[getter]
    fn total(&self) -> usize {
        self.session.upgrade().map_or(0, |session| session.total())
    }

    /// The rows of the next task, of about a second, for one of `workers`; None where all are handed out.
    #[pyo3(signature = (workers, /))]
    fn next_task(&self, workers: usize) -> Option<Vec<usize>> {
        self.parcel().next_task(workers)
    }

    /// Put what `run_task` returned into the journal.
    #[pyo3(signature = (trials, /))]
    fn take(&self, trials: &[u8]) -> PyResult<()> {
        let session = self.session.upgrade();
        let session =
            session.ok_or_else(|| raise(Error::format("parcel", "is of a sweep that is over")))?;
        let taken = session.take(&mut self.parcel(), trials);
        taken.map_err(raise)
    }
}

/// Collects what is said of a sweep, and stops it.
struct Listener<'a> {
    interrupt: &'a Interrupt,
    notes: &'a Mutex<Vec<String>>,
}

impl Watch for Listener<'_> {
    fn note(&self, text: &str) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.push(text.to_owned());
    }

    fn stops(&self) -> bool {
        self.interrupt.stops()
    }
}

/// A parcel, and whom to tell that all of its trials are in the journal.
struct Message(sweep::Parcel, SyncSender<()>);

/// Run what is missing of `experiment` in the folder `out`, trials where `send` has each `Parcel` run, or here.
#[pyfunction]
#[pyo3(signature = (experiment, out, keeps, send = None, /))]
pub fn run_sweep(
    py: Python<'_>,
    experiment: &Bound<'_, Experiment>,
    out: PathBuf,
    keeps: bool,
    send: Option<Bound<'_, PyAny>>,
) -> PyResult<Sweep> {
    let experiment = experiment.get();
    let (sweep, folder) = (experiment.sweep.clone(), experiment.folder(&out));
    let (files, place) = (experiment.files.clone(), out.clone());
    let session = work(py, move |_| {
        let made = Made::new(&files, &place)?;
        let session = Session::open(sweep, &folder, &place, Shard::WHOLE);
        session.inspect_err(|_| made.undo())
    })?;
    let session = Arc::new(session);
    let notes = Arc::new(Mutex::new(Vec::new()));
    let (runner, said) = (Arc::clone(&session), Arc::clone(&notes));
    let is_sent = send.is_some();
    let run = move |interrupt: &Interrupt, sender: &SyncSender<Message>| {
        let listener = Listener {
            interrupt,
            notes: &said,
        };
        let send = |parcel| {
            let (done, is_done) = sync_channel(1);
            // Whoever hears nothing more, or says nothing more, has left.
            let sent = sender.send(Message(parcel, done)).ok();
            let heard = sent.and_then(|()| is_done.recv().ok());
            heard.ok_or(Error::Stopped)
        };
        let run = match is_sent {
            true => runner.run_elsewhere(&send, &listener),
            false => runner.run(&listener),
        };
        runner.sync()?;
        run
    };
    let ended = work_to_its_end(py, run, |Message(parcel, done)| {
        let parcel = Parcel {
            session: Arc::downgrade(&session),
            parcel: Mutex::new(parcel),
        };
        let send = send.as_ref().expect("parcels are made to be sent");
        send.call1((parcel,))?;
        // A job that was stopped hears nothing.
        let _ = done.send(());
        Ok(())
    });
    ended?;
    let mut notes = notes.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let (folder, more) = work(py, move |_| {
        session.finish()?;
        let mut notes = session.sweep().notes()?;
        let short = session.short_data().into_iter();
        notes.extend(
            short.map(|(data, samples)| format!("limit takes all {samples} samples of {data}")),
        );
        if !session.damaged().is_empty() {
            let lines: Vec<String> = session.damaged().iter().map(ToString::to_string).collect();
            let lines = lines.join(", ");
            notes.push(format!(
                "damaged lines of trials.journal, whose trials ran again: {lines}"
            ));
        }
        for cpu in session.other_cpus() {
            notes.push(format!(
                "earlier trials ran on {cpu}: the last bits of results may differ from those of this machine"
            ));
        }
        Ok((Folder::open(&out)?, (notes, out)))
    })?;
    let (also, out) = more;
    notes.extend(also);
    Sweep::of(py, folder, keeps.then_some(out), notes)
}
