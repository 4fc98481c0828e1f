//! Where data comes from and goes to: a file, or `-` for stdin and stdout.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use ndarray::{ArrayView, Dimension};

use crate::error::Error;
use crate::io::{self, Source, npy::Element};

pub fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// What stands in the file at `path`, or in stdin.
pub fn source(path: &Path) -> crate::Result<Source> {
    match is_standard(path) {
        true => Source::read(STDIN, std::io::stdin().lock()),
        false => Source::open(path),
    }
}

/// What errors call stdin.
const STDIN: &str = "stdin";

/// What the input at `path` is called.
pub fn name(path: &Path) -> String {
    match is_standard(path) {
        true => STDIN.to_owned(),
        false => path.display().to_string(),
    }
}

/// Fails if `path`, which `what` names, is `other`, which is read as `role`.
pub fn check_differs(what: &str, path: &Path, other: &Path, role: &str) -> Result<()> {
    if path != other {
        return Ok(());
    }
    let limit = match is_standard(path) {
        true => format!("another file than {role}: stdin is read once"),
        false => format!("another file than {role}"),
    };
    Err(Error::value(what, path.display(), limit).into())
}

/// Fails unless the name of the file at `path` ends as what will stand in it; stdout, pipes and devices have any name.
///
/// An `ending` of nothing is any.
pub fn check_ending(path: &Path, ending: &str) -> Result<()> {
    let is_special = || std::fs::metadata(path).is_ok_and(|found| !found.is_file());
    if ending.is_empty() || io::extension(path) == ending || is_standard(path) || is_special() {
        return Ok(());
    }
    let right = path.with_extension(ending);
    let limit = format!("a name that ends in .{ending}, such as {}", right.display());
    Err(Error::value("output", path.display(), limit).into())
}

/// Fails if `path`, which is to be a folder, is a file.
pub fn check_folder(path: &Path) -> Result<()> {
    if !path.is_file() {
        return Ok(());
    }
    Err(Error::value("--out", path.display(), "a folder: this is a file").into())
}

/// Shows the result of `compute`: as a table on stdout, and as the JSON `document` in the file `json` where there is one.
/// `--json -` is the document on stdout and no table.
pub fn report<R>(
    json: Option<&Path>,
    inputs: &[&Path],
    compute: impl FnOnce() -> Result<R>,
    document: impl FnOnce(&R) -> Result<Vec<u8>>,
    table: impl FnOnce(&R) -> Result<()>,
) -> Result<()> {
    let Some(path) = json else {
        return table(&compute()?);
    };
    let mut computed = None;
    let written = write(path, "json", inputs, || {
        let result = compute()?;
        let bytes = document(&result)?;
        computed = Some(result);
        Ok(bytes)
    });
    // What took hours to compute is shown also where the file could not be written.
    if let Some(result) = computed.filter(|_| !is_standard(path)) {
        table(&result)?;
    }
    written
}

/// Fills the file at `path`, whose name must end in `ending`, or stdout, with what `work` makes of `inputs`, none of which
/// it may be.
///
/// Whether a file can be written is tried before `work` starts; it appears only when `work` has succeeded, and
/// an interrupt during `work` leaves nothing behind.
pub fn write(
    path: &Path,
    ending: &str,
    inputs: &[&Path],
    work: impl FnOnce() -> Result<Vec<u8>>,
) -> Result<()> {
    let is_input = |input: &&Path| match (input.canonicalize(), path.canonicalize()) {
        (Ok(input), Ok(output)) => input == output,
        _ => false,
    };
    if !is_standard(path) && inputs.iter().any(is_input) {
        let limit = "another file than the input";
        return Err(Error::value("output", path.display(), limit).into());
    }
    check_ending(path, ending)?;
    if is_standard(path) {
        let bytes = work()?;
        let mut stdout = std::io::stdout().lock();
        return stdout
            .write_all(&bytes)
            .and_then(|()| stdout.flush())
            .context("stdout");
    }
    io::check_writable(path)?;
    let bytes = work()?;
    io::write_atomic(path, |writer| {
        writer
            .write_all(&bytes)
            .map_err(|source| Error::io(path, source))
    })?;
    Ok(())
}

/// A value as one JSON document and a line end.
pub fn json(value: &impl serde::Serialize) -> Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// `value` as JSON, behind the name of the `program` that it is of.
pub fn json_of(program: &Path, value: &impl serde::Serialize) -> Result<Vec<u8>> {
    #[derive(serde::Serialize)]
    struct Named<'a, T> {
        program: String,
        #[serde(flatten)]
        value: &'a T,
    }
    json(&Named {
        program: program.display().to_string(),
        value,
    })
}

/// An array as a `.npy` file.
pub fn npy<T: Element, D: Dimension>(array: ArrayView<'_, T, D>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::npy::write(&mut bytes, array)?;
    Ok(bytes)
}

/// An error of this library as the command line's error, said to lie in the file at `path`.
pub fn in_file<T>(path: &Path, result: crate::Result<T>) -> Result<T> {
    Ok(result.map_err(|error: Error| error.within(name(path)))?)
}
