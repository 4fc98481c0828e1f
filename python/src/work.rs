//! Long work: on threads of its own, without Python's lock, until it is done or Ctrl-C is pressed.

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
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
    Begun::on(&*pool()?, job).outcome(py, None)
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
    Begun::on(&*pool()?, job).outcome(py, progress)
}

/// What `job` returns, computed as by [`work`], but on one thread of its own: what calls it has many at a time.
///
/// # Errors
/// As [`work`].
pub fn work_alone<R: Send + 'static>(
    py: Python<'_>,
    job: impl FnOnce(&Interrupt) -> lightloom::Result<R> + Send + 'static,
) -> PyResult<R> {
    Begun::on(&new_pool(1)?, job).outcome(py, None)
}

/// What `job` returns, computed on threads of its own, and heard to its end: Ctrl-C raises when `job`, which is told to
/// stop, has returned, a second one at once. Whatever `job` sends on the way goes to `hear`, whose exceptions tell it to stop too.
///
/// # Errors
/// As [`work`], and the exceptions of `hear`.
pub fn work_to_its_end<M: Send + 'static>(
    py: Python<'_>,
    job: impl FnOnce(&Interrupt, &SyncSender<M>) -> lightloom::Result<()> + Send + 'static,
    mut hear: impl FnMut(M) -> PyResult<()>,
) -> PyResult<()> {
    let (sender, mut messages) = sync_channel(0);
    let mut begun = Begun::on(&new_pool(0)?, move |interrupt| job(interrupt, &sender));
    let mut raised = None;
    loop {
        let heard;
        (heard, messages) = py.detach(move || (messages.recv_timeout(LOOK), messages));
        let said = match heard {
            Ok(message) => hear(message),
            Err(RecvTimeoutError::Timeout) => py.check_signals(),
            // The job is over, or about to be.
            Err(RecvTimeoutError::Disconnected) => break,
        };
        if let Err(error) = said {
            begun.stop();
            if raised.replace(error).is_some() {
                break;
            }
        }
    }
    match raised {
        Some(error) => {
            // What it holds is let go of when its outcome is sent.
            if let Some(receiver) = begun.receiver.take() {
                let _ = py.detach(move || receiver.recv_timeout(LOOK));
            }
            Err(error)
        }
        None => begun.outcome(py, None),
    }
}

/// A job that has begun.
struct Begun<R> {
    interrupt: Arc<Interrupt>,
    receiver: Option<Receiver<Outcome<R>>>,
}

impl<R: Send + 'static> Begun<R> {
    fn on(
        pool: &ThreadPool,
        job: impl FnOnce(&Interrupt) -> lightloom::Result<R> + Send + 'static,
    ) -> Self {
        let interrupt = Arc::new(Interrupt::default());
        let seen = Arc::clone(&interrupt);
        let (sender, receiver) = sync_channel::<Outcome<R>>(1);
        pool.spawn(move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| job(&seen)));
            // Nobody hears it after an interrupt.
            let _ = sender.send(outcome);
        });
        let receiver = Some(receiver);
        Self {
            interrupt,
            receiver,
        }
    }

    /// Tells the job to stop.
    fn stop(&self) {
        self.interrupt.left.store(true, Ordering::Relaxed);
    }

    /// What the job comes to; `progress` is told of its steps. A signal whose handler raises stops it, and so does what
    /// `progress` raises.
    fn outcome(mut self, py: Python<'_>, progress: Option<Progress>) -> PyResult<R> {
        let interrupt = Arc::clone(&self.interrupt);
        let mut told = 0;
        let mut tell = || match (&progress, interrupt.done.load(Ordering::Relaxed)) {
            (Some(progress), done) if done > told => {
                told = done;
                progress.tell.call1(py, (done, progress.steps)).map(drop)
            }
            _ => Ok(()),
        };
        let mut receiver = self.receiver.take().expect("it is heard once");
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
                    let said = py.check_signals().and_then(|()| tell());
                    said.inspect_err(|_| self.stop())?;
                }
                Err(RecvTimeoutError::Disconnected) => unreachable!("every job sends its outcome"),
            }
        }
    }
}

/// The threads of this process, which begin with its first work: one a core, or as `RAYON_NUM_THREADS` says.
fn pool() -> PyResult<Arc<ThreadPool>> {
    let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pool) = &*pool {
        return Ok(Arc::clone(pool));
    }
    Ok(Arc::clone(pool.insert(Arc::new(new_pool(0)?))))
}

/// So many threads; 0 is one a core, or as `RAYON_NUM_THREADS` says.
fn new_pool(threads: usize) -> PyResult<ThreadPool> {
    let name = |index| format!("lightloom-{index}");
    let pool = rayon::ThreadPoolBuilder::new().thread_name(name);
    let begun = pool.num_threads(threads).build();
    begun.map_err(|error| PyOSError::new_err(error.to_string()))
}

/// Forgets the threads, of which a fork's child has none: its first work begins its own.
#[pyfunction]
fn forget_pool() {
    let pool = POOL.lock().unwrap_or_else(PoisonError::into_inner).take();
    // To end threads that are not there would wait for them.
    mem::forget(pool);
    mem::forget(crate::task::forget());
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
