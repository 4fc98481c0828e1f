//! What a worker of a sweep does, in whatever process it is.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use lightloom::experiment::sweep::Worker;
use lightloom::io::hash::sha256;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;

use crate::work::work_alone;

/// The parcel that was opened last: one program and one data set at a time are held.
static OPEN: Mutex<Option<Open>> = Mutex::new(None);

/// A parcel by its key, which the first task opens while others wait.
#[derive(Clone)]
pub struct Open {
    key: String,
    worker: Arc<Mutex<Option<Arc<Worker>>>>,
}

impl Open {
    /// The one of this process under `key`.
    fn of(key: String) -> Self {
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        match &*open {
            Some(open) if open.key == key => open.clone(),
            _ => open
                .insert(Self {
                    key,
                    worker: Arc::default(),
                })
                .clone(),
        }
    }

    /// The worker of the parcel, whose bytes are `data` or stand in the file at `path`; nothing where neither is there.
    fn worker(
        &self,
        path: Option<PathBuf>,
        data: Option<&[u8]>,
    ) -> lightloom::Result<Option<Arc<Worker>>> {
        let mut worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(worker) = &*worker {
            return Ok(Some(Arc::clone(worker)));
        }
        let read = path.and_then(|path| std::fs::read(path).ok());
        let read = read.filter(|bytes| sha256(bytes) == self.key);
        let Some(bytes) = data.or(read.as_deref()) else {
            return Ok(None);
        };
        let opened = Arc::new(Worker::open(bytes)?);
        Ok(Some(Arc::clone(worker.insert(opened))))
    }
}

/// Takes the parcel away, which a fork's child may have inherited half open.
pub fn forget() -> Option<Open> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Run the trials of `rows` of the parcel `key`, whose bytes are `data` or stand in the file at `path`.
///
/// Returns what `Parcel.take` takes; None where this process has no bytes of that parcel.
#[pyfunction]
#[pyo3(signature = (key, path, data, rows, /))]
pub fn run_task<'py>(
    py: Python<'py>,
    key: String,
    path: Option<PathBuf>,
    data: Option<PyBackedBytes>,
    rows: Vec<usize>,
) -> PyResult<Option<Bound<'py, PyBytes>>> {
    let open = Open::of(key);
    let trials = work_alone(py, move |interrupt| {
        match open.worker(path, data.as_deref())? {
            Some(worker) => worker.run(&rows, interrupt).map(Some),
            None => Ok(None),
        }
    })?;
    Ok(trials.map(|trials| PyBytes::new(py, &trials)))
}
