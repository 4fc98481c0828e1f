//! Long work and whoever waits for it.

/// Whoever waits for long work: is told of its progress, and says whether to stop.
pub trait Watch: Sync {
    /// One step of the work is done: a trial.
    fn step(&self) {}

    /// What is done that no step is of, such as `digital network: 512 of 1000 samples`; nothing where steps go on.
    fn doing(&self, _what: Option<&str>) {}

    /// `text` is said of the work: what was assumed.
    fn note(&self, _text: &str) {}

    /// Whether to stop: what is done is kept, steps that have begun are finished, no more begin. What comes before steps
    /// is left where it is, and so is a step that fits phases, which may take as long as all others.
    fn stops(&self) -> bool {
        false
    }
}

/// Nobody waits: work is not stopped.
impl Watch for () {}
