//! The library's errors as Python's exceptions, each with the library's own sentence.

use std::io::ErrorKind;

use lightloom::Error;
use pyo3::PyErr;
use pyo3::exceptions::{
    PyFileNotFoundError, PyKeyboardInterrupt, PyNotImplementedError, PyOSError, PyPermissionError,
    PyValueError,
};

/// `OSError` (or one of its kinds) for files, `NotImplementedError` for what cannot be represented, `KeyboardInterrupt`
/// for work that was stopped, `ValueError` for everything else.
pub fn raise(error: Error) -> PyErr {
    let sentence = error.to_string();
    match error.root() {
        Error::Io { source, .. } => match source.kind() {
            ErrorKind::NotFound => PyFileNotFoundError::new_err(sentence),
            ErrorKind::PermissionDenied => PyPermissionError::new_err(sentence),
            _ => PyOSError::new_err(sentence),
        },
        Error::Unsupported { .. } => PyNotImplementedError::new_err(sentence),
        Error::Stopped => PyKeyboardInterrupt::new_err(()),
        _ => PyValueError::new_err(sentence),
    }
}
