//! Errors as unit tests compare them: by kind and fields, and by the sentence only in `tests/golden/library.txt`.

#[path = "../../tests/golden/sentences.rs"]
mod sentences;

use std::fmt::Display;

use super::Error;

static SENTENCES: sentences::Golden = sentences::Golden::new("tests/golden/library.txt");

/// Fails unless `tests/golden/library.txt` has the sentence of `error` for what this test `asked`.
#[track_caller]
pub(crate) fn golden(asked: &str, error: impl Display) {
    SENTENCES.check(asked, error);
}

/// What an error refuses, without its words: what is allowed and why are wording.
#[derive(Debug, PartialEq)]
pub(crate) struct Refusal {
    kind: &'static str,
    /// The files, tensors and layers around it, the outermost first.
    within: Vec<String>,
    what: String,
    index: String,
    got: String,
}

impl Refusal {
    fn new(kind: &'static str, what: &str, index: &str, got: &str) -> Self {
        Self {
            kind,
            within: Vec::new(),
            what: what.to_owned(),
            index: index.to_owned(),
            got: got.to_owned(),
        }
    }

    /// The same within `context`.
    pub(crate) fn within(mut self, context: &str) -> Self {
        self.within.insert(0, context.to_owned());
        self
    }
}

/// What is refused by an [`Error::Value`].
pub(crate) fn value(what: &str, got: &str) -> Refusal {
    Refusal::new("value", what, "", got)
}

/// What is refused by an [`Error::Shape`].
pub(crate) fn shape(what: &str, got: &[usize]) -> Refusal {
    Refusal::new("shape", what, "", &format!("{got:?}"))
}

/// What is refused by an [`Error::Unsupported`].
pub(crate) fn unsupported(what: &str, got: &str) -> Refusal {
    Refusal::new("unsupported", what, "", got)
}

/// What is refused by an [`Error::NotFinite`].
pub(crate) fn not_finite(what: &str, index: &str, got: &str) -> Refusal {
    Refusal::new("not finite", what, index, got)
}

/// What is refused by an [`Error::NotUnitary`].
pub(crate) fn not_unitary(what: &str) -> Refusal {
    Refusal::new("not unitary", what, "", "")
}

/// What is refused by an [`Error::Format`].
pub(crate) fn format(what: &str) -> Refusal {
    Refusal::new("format", what, "", "")
}

/// What is refused by an [`Error::Io`].
pub(crate) fn io(path: &str) -> Refusal {
    Refusal::new("io", path, "", "")
}

impl Error {
    /// What it refuses: its kind and fields, without its words.
    pub(crate) fn refusal(&self) -> Refusal {
        match self {
            Self::Io { path, .. } => io(path),
            Self::Format { what, .. } => format(what),
            Self::Shape { what, got, .. } => Refusal::new("shape", what, "", got),
            Self::Value { what, got, .. } => value(what, got),
            Self::NotFinite { what, index, got } => not_finite(what, index, got),
            Self::NotUnitary { what, .. } => not_unitary(what),
            Self::Unsupported { what, got, .. } => unsupported(what, got),
            Self::Stopped => Refusal::new("stopped", "", "", ""),
            Self::Within { context, source } => source.refusal().within(context),
        }
    }
}
