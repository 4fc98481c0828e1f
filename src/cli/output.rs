//! Where data comes from and goes to: a file, or `-` for stdin and stdout.

use std::io::{BufWriter, Read, Write};
use std::path::Path;

use anyhow::{Context, Result};

use crate::error::Error;
use crate::io;

fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// The bytes of the file at `path`, or of stdin.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    if is_standard(path) {
        let mut bytes = Vec::new();
        std::io::stdin()
            .lock()
            .read_to_end(&mut bytes)
            .context("stdin")?;
        Ok(bytes)
    } else {
        Ok(io::read_bytes(path)?)
    }
}

/// Fills the file at `path`, or stdout, with what `work` writes.
///
/// A file is opened before `work` starts and appears only when it has succeeded.
pub fn write(path: &Path, work: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    if is_standard(path) {
        let mut stdout = BufWriter::new(std::io::stdout().lock());
        work(&mut stdout)?;
        stdout.flush()?;
        return Ok(());
    }
    io::write_atomic(path, work)
}

/// Writes a value as one JSON document and a line end.
pub fn json(writer: &mut dyn Write, value: &impl serde::Serialize) -> Result<()> {
    serde_json::to_writer_pretty(&mut *writer, value)?;
    writeln!(writer)?;
    Ok(())
}

/// An error of this library as the command line's error, said to lie in the file at `path`.
pub fn in_file<T>(path: &Path, result: crate::Result<T>) -> Result<T> {
    Ok(result.map_err(|error: Error| {
        if is_standard(path) {
            error.within("stdin")
        } else {
            error.within(path.display())
        }
    })?)
}
