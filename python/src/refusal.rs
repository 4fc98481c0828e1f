//! The library's errors as Python's exceptions, each with the library's own sentence, where flags of the command are
//! keywords of Python.

use std::io::ErrorKind;

use lightloom::Error;
use pyo3::exceptions::{
    PyFileNotFoundError, PyKeyboardInterrupt, PyNotImplementedError, PyOSError, PyPermissionError,
    PyValueError,
};
use pyo3::{PyErr, PyResult, pyfunction};

/// `OSError` (or one of its kinds) for files, `NotImplementedError` for what cannot be represented, `KeyboardInterrupt`
/// for work that was stopped, `ValueError` for everything else.
pub fn raise(error: Error) -> PyErr {
    let sentence = in_python(&error.to_string());
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

/// Fails unless a pickle of a `what` is of this version of the package's pickles.
pub fn check_version(what: &str, got: u32, known: u32) -> PyResult<()> {
    match got == known {
        true => Ok(()),
        false => {
            let limit = format!("{known}, which this version of lightloom reads");
            Err(raise(Error::value(
                format!("version of a pickled {what}"),
                got,
                limit,
            )))
        }
    }
}

/// The sentence for a `got` that is none of `names`, with the one that was probably meant; errors call it `what`.
#[pyfunction]
#[pyo3(signature = (what, got, names, /))]
pub fn unknown_name(what: &str, got: &str, names: Vec<String>) -> String {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Error::unknown(what, got, &names).to_string()
}

/// How a flag of the command is said in Python.
enum Keyword {
    Text(&'static str),
    Number(&'static str),
    List(&'static str),
    /// Said without a value.
    Bare(&'static str),
}

/// The flags that sentences name where Python has a keyword.
const FLAGS: [(&str, Keyword); 11] = [
    ("channels", Keyword::Text("channels")),
    ("label", Keyword::Text("label")),
    ("layers", Keyword::List("layers")),
    ("limit", Keyword::Number("limit")),
    ("out", Keyword::Bare("out")),
    ("outputs", Keyword::List("outputs")),
    ("scale", Keyword::Number("scale")),
    ("score", Keyword::Text("score")),
    ("shape", Keyword::List("shapes")),
    ("split", Keyword::Text("split")),
    ("weights", Keyword::Text("weights")),
];

/// `sentence` with keywords of Python for the command's flags: `split="test"` for `--split test`.
pub fn in_python(sentence: &str) -> String {
    let mut parts = sentence.split("--");
    let mut said = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let begins = said.is_empty() || said.ends_with([' ', '(']);
        let (name, rest) = part.split_at(
            part.find(|c: char| !c.is_ascii_lowercase())
                .unwrap_or(part.len()),
        );
        let flag = FLAGS.iter().find(|(flag, _)| begins && *flag == name);
        let Some((_, keyword)) = flag else {
            said.push_str("--");
            said.push_str(part);
            continue;
        };
        let (value, rest) = match rest.strip_prefix(' ') {
            Some(words) if !matches!(keyword, Keyword::Bare(_)) => {
                let value = words.split([' ', ')']).next().unwrap_or_default();
                let value = value.trim_end_matches(',');
                (value, &words[value.len()..])
            }
            _ => ("", rest),
        };
        said.push_str(&match keyword {
            Keyword::Text(name) | Keyword::Number(name) | Keyword::List(name)
                if value.is_empty() =>
            {
                (*name).to_owned()
            }
            Keyword::Bare(name) => (*name).to_owned(),
            Keyword::Text(name) => format!("{name}=\"{value}\""),
            Keyword::Number(name) => format!("{name}={value}"),
            Keyword::List(name) => format!("{name}=[\"{value}\"]"),
        });
        said.push_str(rest);
    }
    said
}
