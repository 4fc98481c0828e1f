//! Long work: on threads of its own, without Python's lock, until it is done or Ctrl-C is pressed.

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lightloom::Watch;
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rayon::ThreadPool;

use crate::refusal::raise;

/// How often whoever waits for work looks for signals.
const LOOK: Duration = Duration::from_millis(50);

/// The threads of this process. It is locked only by whoever holds Python's lock, and for an instant: no thread holds it
/// where another one forks.
static POOL: Mutex<Option<Arc<ThreadPool>>> = Mutex::new(None);

/// What work and whoever waits for it tell each other.
#[derive(Default)]
pub struct Interrupt {
    /// Whether whoever waited has left.
    left: AtomicBool,
    /// Steps that are done.
    done: AtomicUsize,
}

impl Watch for Interrupt {
    fn step(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    fn stops(&self) -> bool {
        self.left.load(Ordering::Relaxed)
    }
}

/// A function of Python's that is told how many of so many steps are done.
pub struct Progress {
    /// The function.
    pub tell: Py<PyAny>,
    /// Number of steps.
    pub steps: usize,
}

/// What a piece of work came to.
type Outcome<R> = Result<lightloom::Result<R>, Box<dyn Any + Send>>;

/// What `job` returns, computed on the threads of this package while other threads of Python run.
///
/// Ctrl-C raises at once: what `job` has begun is finished by those threads, unheard, and `job` is told to stop.
///
/// # Errors
/// The exception of the error of `job`, and that of a signal's handler.
pub fn work<R: Send + 'static>(
    py: Python<'_>,
    job: impl FnOnce(&Interrupt) -> lightloom::Result<R> + Send + 'static,
) -> PyResult<R> {
    work_told(py, None, job)
}

/// What `job` returns, as [`work`] does; `progress` is told of its steps, now and then, and of the last one.
///
/// # Errors
/// Those of [`work`]; what `progress` raises, which ends the work.
pub fn work_told<R: Send + 'static>(
    py: Python<'_>,
    progress: Option<Progress>,
    job: impl FnOnce(&Interrupt) -> lightloom::Result<R> + Send + 'static,
) -> PyResult<R> {
    let interrupt = Arc::new(Interrupt::default());
    let seen = Arc::clone(&interrupt);
    let (sender, mut receiver) = sync_channel::<Outcome<R>>(1);
    pool()?.spawn(move || {
        let outcome = catch_unwind(AssertUnwindSafe(|| job(&seen)));
        // Nobody hears it after an interrupt.
        let _ = sender.send(outcome);
    });
    let mut told = 0;
    let mut tell = || match (&progress, interrupt.done.load(Ordering::Relaxed)) {
        (Some(progress), done) if done > told => {
            told = done;
            progress.tell.call1(py, (done, progress.steps)).map(drop)
        }
        _ => Ok(()),
    };
    let leave = |_: &PyErr| interrupt.left.store(true, Ordering::Relaxed);
    loop {
        let heard;
        (heard, receiver) = py.detach(move || (receiver.recv_timeout(LOOK), receiver));
        match heard {
            Ok(Ok(result)) => {
                let result = result.map_err(raise)?;
                return tell().map(|()| result);
            }
            Ok(Err(panic)) => resume_unwind(panic),
            Err(RecvTimeoutError::Timeout) => {
                py.check_signals()
                    .and_then(|()| tell())
                    .inspect_err(leave)?;
            }
            Err(RecvTimeoutError::Disconnected) => unreachable!("every job sends its outcome"),
        }
    }
}

/// The threads of this process, which begin with its first work: one a core, or as `RAYON_NUM_THREADS` says.
fn pool() -> PyResult<Arc<ThreadPool>> {
    let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pool) = &*pool {
        return Ok(Arc::clone(pool));
    }
    let name = |index| format!("lightloom-{index}");
    let begun = rayon::ThreadPoolBuilder::new().thread_name(name).build();
    let begun = begun.map_err(|error| PyOSError::new_err(error.to_string()))?;
    Ok(Arc::clone(pool.insert(Arc::new(begun))))
}

/// Forgets the threads, of which a fork's child has none: its first work begins its own.
#[pyfunction]
fn forget_pool() {
    let pool = POOL.lock().unwrap_or_else(PoisonError::into_inner).take();
    // To end threads that are not there would wait for them.
    mem::forget(pool);
}

/// Sees to it that a fork's child forgets the threads of its parent.
pub fn drop_pool_in_children(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    let register = py.import("os")?.getattr("register_at_fork");
    let Ok(register) = register else {
        // A system without forks.
        return Ok(());
    };
    let when = PyDict::new(py);
    when.set_item("after_in_child", wrap_pyfunction!(forget_pool, module)?)?;
    register.call((), Some(&when))?;
    Ok(())
}
