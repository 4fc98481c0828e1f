//! The one error type of the crate.

#[cfg(test)]
pub(crate) mod compare;
mod suggest;
mod wording;

pub use suggest::{did_you_mean, nearest, one_slip_from};
pub use wording::{line_of, plain, plain_io};

use std::path::Path;

/// What can be wrong with what a user hands over: every message names what, got and what is allowed.
///
/// A broken invariant of lightloom itself is a panic, never an `Error`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be opened, read or written.
    #[error("{path}: {}", plain_io(source))]
    Io {
        /// The path as it was given.
        path: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The bytes of a file or stream do not follow the format that they claim.
    #[error("{what}: {reason}")]
    Format {
        /// The format or the part of it.
        what: String,
        /// What is wrong with it, and what would be right.
        reason: String,
    },
    /// An array has the wrong shape, or shapes do not chain.
    #[error("{what} has shape {got}: must be {limit}")]
    Shape {
        /// The array.
        what: String,
        /// Its shape.
        got: String,
        /// The shape that fits.
        limit: String,
    },
    /// A value is out of its range.
    #[error("{what} = {got}: must be {limit}")]
    Value {
        /// The name of the value, as the user typed it.
        what: String,
        /// The value.
        got: String,
        /// The allowed range.
        limit: String,
    },
    /// A number that must be finite is NaN or infinite.
    #[error("{what}: element {index} is {got}: must be finite")]
    NotFinite {
        /// The array.
        what: String,
        /// Where in it, for example `[3, 7]`.
        index: String,
        /// `NaN`, `inf` or `-inf`.
        got: String,
    },
    /// A matrix that must be unitary is not.
    #[error(
        "{what} is not unitary: max |U†U - 1| = {got:.1e}: must be at most {limit:.0e} (U V† of its SVD is the nearest unitary)"
    )]
    NotUnitary {
        /// The matrix.
        what: String,
        /// The largest element of |U†U − 1|.
        got: f64,
        /// The largest value that is accepted.
        limit: f64,
    },
    /// A well-formed input that lightloom cannot represent.
    #[error("{what}: `{got}` is not supported: {limit}")]
    Unsupported {
        /// Where it stands.
        what: String,
        /// The thing.
        got: String,
        /// What is supported.
        limit: String,
    },
    /// Whoever watched the work stopped it before there was a result.
    #[error("stopped before there was a result: nothing is kept")]
    Stopped,
    /// An error inside a named file, tensor, layer or node.
    #[error("{context}: {source}")]
    Within {
        /// The file, tensor, layer or node.
        context: String,
        /// The error there.
        source: Box<Error>,
    },
}

/// `Result` with the crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// The operating system's error for `path`.
    pub fn io(path: impl AsRef<Path>, source: std::io::Error) -> Self {
        Self::Io {
            path: path.as_ref().display().to_string(),
            source,
        }
    }

    /// A malformed `what`.
    pub fn format(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Format {
            what: what.into(),
            reason: reason.into(),
        }
    }

    /// A `what` of the wrong shape.
    pub fn shape(
        what: impl Into<String>,
        got: impl std::fmt::Debug,
        limit: impl Into<String>,
    ) -> Self {
        Self::Shape {
            what: what.into(),
            got: format!("{got:?}"),
            limit: limit.into(),
        }
    }

    /// A `what` out of range.
    pub fn value(
        what: impl Into<String>,
        got: impl std::fmt::Display,
        limit: impl Into<String>,
    ) -> Self {
        Self::Value {
            what: what.into(),
            got: got.to_string(),
            limit: limit.into(),
        }
    }

    /// A name `got` that is none of `names`; says which one is near.
    pub fn unknown(what: impl Into<String>, got: &str, names: &[&str]) -> Self {
        let meant = did_you_mean(got, names.iter().copied());
        let limit = match names {
            [] => "absent: there is none to choose from".to_owned(),
            [only] => format!("{only}{meant}"),
            _ => format!("one of {}{meant}", names.join(", ")),
        };
        Self::value(what, got, limit)
    }

    /// A well-formed `got` that lightloom cannot represent.
    pub fn unsupported(
        what: impl Into<String>,
        got: impl Into<String>,
        limit: impl Into<String>,
    ) -> Self {
        Self::Unsupported {
            what: what.into(),
            got: got.into(),
            limit: limit.into(),
        }
    }

    /// The error itself, without the files, tensors, layers and nodes around it.
    ///
    /// ```
    /// use lightloom::Error;
    ///
    /// let error = Error::value("tile", 1, "2..=4096 modes").within("network.toml");
    /// assert!(matches!(error.root(), Error::Value { what, got, .. } if what == "tile" && got == "1"));
    /// ```
    pub fn root(&self) -> &Self {
        match self {
            Self::Within { source, .. } => source.root(),
            error => error,
        }
    }

    /// The same error, said to lie within `context` (a file, a tensor, a layer); that work was stopped lies nowhere.
    #[must_use]
    pub fn within(self, context: impl std::fmt::Display) -> Self {
        if let Self::Stopped = self {
            return self;
        }
        Self::Within {
            context: context.to_string(),
            source: Box::new(self),
        }
    }
}

/// Adds the file, tensor or layer to an error on its way up.
pub trait Context<T> {
    /// The same result, whose error is said to lie within `context`.
    fn within(self, context: impl std::fmt::Display) -> Result<T>;
}

impl<T> Context<T> for Result<T> {
    fn within(self, context: impl std::fmt::Display) -> Result<T> {
        self.map_err(|error| error.within(context))
    }
}
