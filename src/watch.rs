//! Long work and whoever waits for it.

/// Whoever waits for long work: is told of its progress, and says whether to stop.
pub trait Watch: Sync {
    /// One step of the work is done: a trial.
    fn step(&self) {}

    /// `text` is said of the work: what was assumed.
    fn note(&self, _text: &str) {}

    /// Whether to stop: what is done is kept, steps that have begun are finished, no more begin.
    fn stops(&self) -> bool {
        false
    }
}

/// Nobody waits: work is not stopped.
impl Watch for () {}
