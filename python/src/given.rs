//! Networks, programs and data of an experiment that are Python's own objects: as files in the folder of its rows.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lightloom::Error;
use lightloom::compile::write_network;
use lightloom::io::hash::sha256;
use lightloom::io::write_atomic;
use numpy::PyUntypedArray;
use pyo3::prelude::*;

use crate::dataset::Dataset;
use crate::named::{written, wrong_type};
use crate::network::Network;
use crate::program::Program;
use crate::work::work;

/// The folder beside the rows that holds them.
const FOLDER: &str = "inputs";

/// Digits of a file's SHA-256 in its name.
const DIGITS: usize = 16;

/// An object as a file that is named by what it holds.
#[derive(Clone, PartialEq)]
pub struct Given {
    /// The path in the folder of the rows.
    pub path: String,
    /// What stands in it.
    pub bytes: Arc<Vec<u8>>,
}

impl Given {
    /// `value` as a file, where it is an object that may stand for the path of the key `key`; nothing for other values.
    ///
    /// # Errors
    /// `TypeError` for an object of another key's, and for arrays of data.
    pub fn of(key: &str, value: &Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        let py = value.py();
        let (kind, bytes) = if let Ok(network) = value.cast::<Network>() {
            let network = Arc::clone(&network.get().network);
            let write = move |bytes: &mut Vec<u8>| write_network(&network, bytes);
            ("network", in_memory(py, write)?)
        } else if let Ok(program) = value.cast::<Program>() {
            let program = program.get().program.clone();
            let write = move |bytes: &mut Vec<u8>| program.write(bytes);
            ("program", in_memory(py, write)?)
        } else if let Ok(data) = value.cast::<Dataset>() {
            let data = Arc::clone(&data.get().data);
            let write = move |bytes: &mut Vec<u8>| data.write(bytes);
            ("data", in_memory(py, write)?)
        } else if key == "data" && value.cast::<PyUntypedArray>().is_ok() {
            let limit = "a path or a Dataset, such as Dataset(x, y)";
            return Err(wrong_type(key, &written(value)?, limit));
        } else {
            return Ok(None);
        };
        if kind != key {
            let limit = match kind {
                "data" => "something else: a Dataset is the value of data".to_owned(),
                _ => format!("something else: it is the value of {kind}"),
            };
            return Err(wrong_type(key, &written(value)?, &limit));
        }
        let path = format!("{FOLDER}/{}.{kind}.safetensors", &sha256(&bytes)[..DIGITS]);
        let bytes = Arc::new(bytes);
        Ok(Some(Self { path, bytes }))
    }
}

/// What `write` writes.
fn in_memory(
    py: Python<'_>,
    write: impl FnOnce(&mut Vec<u8>) -> lightloom::Result<()> + Send + 'static,
) -> PyResult<Vec<u8>> {
    work(py, move |_| {
        let mut bytes = Vec::new();
        write(&mut bytes)?;
        Ok(bytes)
    })
}

/// Files and folders that were made, each behind the folder that it is in.
pub struct Made(Vec<PathBuf>);

impl Made {
    /// Writes `files` into `folder`, but for those that are there.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn new(files: &[Given], folder: &Path) -> lightloom::Result<Self> {
        let mut made = Vec::new();
        if files.is_empty() {
            return Ok(Self(made));
        }
        for path in [folder.to_owned(), folder.join(FOLDER)] {
            if !path.exists() {
                std::fs::create_dir_all(&path).map_err(|source| Error::io(&path, source))?;
                made.push(path);
            }
        }
        for file in files {
            let path = folder.join(&file.path);
            if std::fs::read(&path).is_ok_and(|bytes| bytes == *file.bytes) {
                continue;
            }
            let is_new = !path.exists();
            write_atomic(&path, |writer| {
                let written = writer.write_all(&file.bytes);
                written.map_err(|source| Error::io(&path, source))
            })?;
            if is_new {
                made.push(path);
            }
        }
        Ok(Self(made))
    }

    /// Removes them; folders only if nothing else is in them.
    pub fn undo(&self) {
        for path in self.0.iter().rev() {
            let _ = match path.is_dir() {
                true => std::fs::remove_dir(path),
                false => std::fs::remove_file(path),
            };
        }
    }
}
