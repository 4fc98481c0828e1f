//! Weights in other files, which must lie beside the file that names them.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use tract_onnx::pb::TensorProto;

use crate::error::{Error, Result};
use crate::io::{Source, UNPACKED_LIMIT, folder_of};

/// The folder in which weights may lie, and how many bytes of it were read.
pub(super) struct External {
    /// Nothing for a stream, which has none.
    folder: Option<PathBuf>,
    bytes: u64,
}

impl External {
    /// The folder of `source`.
    pub(super) fn beside(source: &Source) -> Self {
        Self {
            folder: source.path().map(|path| folder_of(path).to_owned()),
            bytes: 0,
        }
    }

    /// The `bytes` of `tensor`, which it has elsewhere.
    pub(super) fn read(
        &mut self,
        what: &str,
        tensor: &TensorProto,
        bytes: usize,
    ) -> Result<Vec<u8>> {
        let entry = |key: &str| {
            let entries = tensor.external_data.iter();
            entries
                .rev()
                .find(|entry| entry.key == key)
                .map(|entry| &*entry.value)
        };
        let number = |key: &str| {
            let whole = |text: &str| {
                let number = text.parse::<u64>();
                number.map_err(|_| {
                    Error::value(
                        format!("{what}: {key} of its bytes"),
                        text,
                        "a whole number from 0",
                    )
                })
            };
            entry(key).map(whole).transpose()
        };
        let location = entry("location").ok_or_else(|| {
            Error::format(what, "has no `location`: must name the file of its bytes")
        })?;
        let offset = number("offset")?.unwrap_or(0);
        let expected = bytes as u64;
        if let Some(length) = number("length")?.filter(|&length| length != expected) {
            let reason = format!(
                "has {length} bytes in `{location}`: must be the {expected} of shape {:?}",
                tensor.dims
            );
            return Err(Error::format(what, reason));
        }
        let path = self.path(what, location)?;
        let held = std::fs::metadata(&path).map_err(unread(what, &path))?;
        if !held.is_file() {
            return Err(Error::format(
                what,
                format!("`{location}` is no file: must hold its bytes"),
            ));
        }
        if offset
            .checked_add(expected)
            .is_none_or(|end| end > held.len())
        {
            let reason = format!(
                "asks for {expected} bytes from {offset} of `{location}`: must lie within its {} bytes",
                held.len()
            );
            return Err(Error::format(what, reason));
        }
        // Tensors may share bytes, so the size of the file is no bound.
        self.bytes = self.bytes.saturating_add(expected);
        if self.bytes > UNPACKED_LIMIT {
            let limit = format!("at most {UNPACKED_LIMIT} in all");
            return Err(Error::value(
                format!("{what}: bytes in other files"),
                self.bytes,
                limit,
            ));
        }
        let read = || {
            let mut file = File::open(&path)?;
            file.seek(SeekFrom::Start(offset))?;
            let mut raw = vec![0; bytes];
            file.read_exact(&mut raw)?;
            Ok(raw)
        };
        read().map_err(unread(what, &path))
    }

    /// The file `location`, which must lie in the folder.
    fn path(&self, what: &str, location: &str) -> Result<PathBuf> {
        let Some(folder) = &self.folder else {
            let limit = "a stream has no folder: give the path of the .onnx file";
            return Err(Error::unsupported(
                what,
                format!("external data in {location}"),
                limit,
            ));
        };
        let limit = "must lie in the folder of the .onnx file";
        let refused = || Error::unsupported(what, format!("external data in {location}"), limit);
        let mut parts = Path::new(location).components();
        if location.is_empty()
            || !parts.all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
        {
            return Err(refused());
        }
        let path = folder.join(location);
        let real = path.canonicalize().map_err(unread(what, &path))?;
        let folder = folder.canonicalize().map_err(unread(what, folder))?;
        if !real.starts_with(folder) {
            return Err(refused());
        }
        Ok(path)
    }
}

/// The error for bytes of `what` that cannot be read from `path`.
fn unread(what: &str, path: &Path) -> impl Fn(std::io::Error) -> Error {
    move |source| Error::io(path, source).within(what)
}
