//! Who waits at a terminal: a bar, and Ctrl-C.

use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::ProgressBar;

use super::args::Common;
use crate::watch::Watch;

/// Whether Ctrl-C was pressed.
static STOPS: AtomicBool = AtomicBool::new(false);

/// The exit code of work that Ctrl-C has stopped, as shells say it: 128 + SIGINT.
pub const STOPPED: u8 = 130;

/// Whether Ctrl-C was pressed.
pub fn is_stopped() -> bool {
    STOPS.load(Ordering::Relaxed)
}

/// A terminal in front of long work that Ctrl-C ends with what is done; pressed twice, at once.
pub(crate) struct Terminal {
    bar: ProgressBar,
    /// What a step is called.
    what: &'static str,
    is_quiet: bool,
}

impl Terminal {
    /// A bar of `length` steps, `what` each is called.
    pub fn new(common: &Common, length: usize, what: &'static str) -> Self {
        // Another handler of this process stays.
        let _ = ctrlc::set_handler(|| {
            if STOPS.swap(true, Ordering::Relaxed) {
                std::process::exit(STOPPED.into());
            }
            eprintln!("stopping after what has begun; Ctrl-C again stops at once");
        });
        Self {
            bar: common.progress(length, what),
            what,
            is_quiet: common.quiet,
        }
    }

    /// The bar.
    pub fn bar(&self) -> &ProgressBar {
        &self.bar
    }

    /// Says how far the work came where it was stopped.
    pub fn say_if_stopped(&self, done: usize, of: usize) {
        if done < of {
            eprintln!(
                "note: stopped: the result is of {done} of {of} {}",
                self.what
            );
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Watch for Terminal {
    fn step(&self) {
        self.bar.inc(1);
    }

    fn doing(&self, what: Option<&str>) {
        self.bar.set_message(what.unwrap_or(self.what).to_owned());
        if what.is_none() && self.bar.position() == 0 {
            // What came before says nothing about how long steps take.
            self.bar.reset_eta();
        }
    }

    fn note(&self, text: &str) {
        if !self.is_quiet {
            self.bar.suspend(|| eprintln!("note: {text}"));
        }
    }

    fn stops(&self) -> bool {
        is_stopped()
    }
}
