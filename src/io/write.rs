//! How files are written: whole or not at all.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use crate::error::{Error, Result};

/// Writes the file at `path` so that it is either the old file or the whole new one, never a part.
///
/// `write` fills a temporary file in the same folder, which takes the place of `path` once it succeeded.
/// A link is followed. What is not a regular file (a pipe, `/dev/null`) is written directly. An old file that may not be
/// written is not replaced either. A process that is killed leaves at most a file `.lightloom-…` beside `path`.
///
/// # Errors
/// [`Error::Io`] if the folder or the old file cannot be written, and whatever `write` returns.
pub fn write_atomic<E: From<Error>>(
    path: impl AsRef<Path>,
    write: impl FnOnce(&mut (dyn Write + Send)) -> Result<(), E>,
) -> Result<(), E> {
    let path = path.as_ref();
    let io = |source| Error::io(path, source);
    let target = match path.canonicalize() {
        Ok(target) => target,
        Err(_) => path.to_owned(),
    };
    if target.is_dir() {
        let what = path.display().to_string();
        return Err(Error::format(what, "is a folder: must be a file").into());
    }
    if target.exists() && !target.is_file() {
        let mut writer = BufWriter::new(File::options().write(true).open(&target).map_err(io)?);
        write(&mut writer)?;
        return Ok(writer.flush().map_err(io)?);
    }
    check_old(&target).map_err(io)?;
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".lightloom-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As any new file: what the umask leaves of rw-rw-rw-, or what the old file had.
        let mode = target
            .metadata()
            .map_or(0o666, |old| old.permissions().mode());
        builder.permissions(std::fs::Permissions::from_mode(mode));
    }
    let mut writer = BufWriter::new(
        builder
            .tempfile_in(folder)
            .map_err(|source| io(plain(source)))?,
    );
    write(&mut writer)?;
    let file = writer
        .into_inner()
        .map_err(|error| io(error.into_error()))?;
    file.as_file().sync_all().map_err(io)?;
    file.persist(&target).map_err(|error| io(error.error))?;
    Ok(())
}

/// Fails where the file at `path` exists and its owner allows no writing.
fn check_old(path: &Path) -> std::io::Result<()> {
    match File::options().write(true).open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Err(error),
        _ => Ok(()),
    }
}

/// Fails as [`write_atomic`] would before it writes: if the folder is missing or closed, the old file is closed, or
/// `path` is a folder.
///
/// # Errors
/// [`Error::Io`], [`Error::Format`].
pub fn check_writable(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    if path.is_dir() {
        return Err(Error::format(
            path.display().to_string(),
            "is a folder: must be a file",
        ));
    }
    if path.exists() && !path.is_file() {
        return Ok(());
    }
    check_old(path).map_err(|source| Error::io(path, source))?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // A nameless file where the system has them; in any case gone at once.
    match tempfile::tempfile_in(folder) {
        Ok(_) => Ok(()),
        Err(source) => Err(Error::io(path, plain(source))),
    }
}

/// An error of the operating system without the temporary path that its message would add.
fn plain(error: std::io::Error) -> std::io::Error {
    match error.get_ref().and_then(|inner| inner.source()) {
        Some(source) => std::io::Error::new(error.kind(), source.to_string()),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::compare::io;

    fn put(text: &str) -> impl FnOnce(&mut (dyn Write + Send)) -> Result<()> {
        move |w| w.write_all(text.as_bytes()).map_err(|e| Error::io("w", e))
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_atomic(&path, put("old")).unwrap();
        let failed = write_atomic(&path, |w| {
            put("half of the n")(w)?;
            Err(Error::format("a.txt", "the writer gave up"))
        });
        assert!(failed.is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        write_atomic(&path, put("new")).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error = write_atomic("no/such/folder/a.txt", put("")).unwrap_err();
        assert_eq!(error.refusal(), io("no/such/folder/a.txt"));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_devices_are_not_replaced() {
        use std::os::unix::fs::{FileTypeExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        write_atomic(&file, put("old")).unwrap();
        symlink(&file, &link).unwrap();
        write_atomic(&link, put("new")).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new");
        assert!(link.symlink_metadata().unwrap().is_symlink());
        write_atomic("/dev/null", put("gone")).unwrap();
        assert!(
            std::fs::metadata("/dev/null")
                .unwrap()
                .file_type()
                .is_char_device()
        );
    }
}
