//! `.npz` archives of arrays.

use std::collections::HashSet;
use std::io::{Cursor, Read};
use std::path::Path;

use ndarray::{ArrayView, Dimension};

use super::{Array, Element, parse, parse_array, write};
use crate::error::{Error, Result};
use crate::io::content::{NPZ, refused};
use crate::io::{Source, Tensor, Tensors, UNPACKED_LIMIT, check_name, read_exactly};

/// Reads the `.npz` archive at `path`; names lose their `.npy`.
///
/// # Errors
/// As [`read`](super::read), and [`Error::Value`] if the archive unpacks to more than [`UNPACKED_LIMIT`].
pub fn read_npz(path: impl AsRef<Path>) -> Result<Tensors> {
    Source::open(path)?.parse(parse_npz)
}

/// Reads a `.npz` archive from its bytes.
///
/// # Errors
/// As [`read_npz`], without the file's name.
pub fn parse_npz(bytes: &[u8]) -> Result<Tensors> {
    Ok(parse_npz_in_order(bytes)?.into_iter().collect())
}

/// As [`parse_npz`], the arrays in the order of the archive, which is that in which they were handed to `numpy.savez`.
///
/// # Errors
/// As [`parse_npz`].
pub fn parse_npz_in_order(bytes: &[u8]) -> Result<Vec<(String, Tensor)>> {
    let mut archive = Npz::open(bytes)?;
    let names = archive.names.clone();
    names
        .into_iter()
        .map(|name| {
            let (what, array) = archive.unpack(&name)?;
            let array = parse(&what, &array)?;
            Ok((name, array))
        })
        .collect()
}

/// An `.npz` archive, whose arrays are read one by one.
pub(crate) struct Npz<'a> {
    bytes: &'a [u8],
    archive: zip::ZipArchive<Cursor<&'a [u8]>>,
    names: Vec<String>,
    unpacked: u64,
}

impl<'a> Npz<'a> {
    /// The archive in `bytes`.
    ///
    /// # Errors
    /// [`Error::Format`] if it is none or has two arrays of one name, [`Error::Unsupported`] for a file in it that is no
    /// array.
    pub fn open(bytes: &'a [u8]) -> Result<Self> {
        let malformed = |_: zip::result::ZipError| refused(bytes, NPZ);
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(malformed)?;
        if archive.has_duplicate_names() {
            return Err(Error::format(
                "npz archive",
                "two arrays have the same name",
            ));
        }
        let mut names = Vec::new();
        // Names that differ in their bytes can be the same as text.
        let mut known = HashSet::new();
        for index in 0..archive.len() {
            let file = archive.by_index_raw(index).map_err(malformed)?;
            let file = file.name().map_err(malformed)?.into_owned();
            check_name("array", &file)?;
            let Some(name) = file.strip_suffix(".npy").map(str::to_owned) else {
                return Err(Error::unsupported(
                    "npz archive",
                    file,
                    "every file in it must be a .npy array",
                ));
            };
            if !known.insert(name.clone()) {
                let what = format!("array `{file}`");
                return Err(Error::format(what, "stands twice in the archive"));
            }
            names.push(name);
        }
        Ok(Self {
            bytes,
            archive,
            names,
            unpacked: 0,
        })
    }

    /// The names of its arrays in the order of the archive.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The array called `name`, numbers or texts.
    ///
    /// # Errors
    /// As [`read_npz`], without the file's name.
    ///
    /// # Panics
    /// If `name` is none of [`names`](Self::names).
    pub fn array(&mut self, name: &str) -> Result<Array> {
        let (what, bytes) = self.unpack(name)?;
        parse_array(&what, &bytes)
    }

    /// The file of the array called `name`, and what errors call it.
    fn unpack(&mut self, name: &str) -> Result<(String, Vec<u8>)> {
        let index = self.names.iter().position(|other| other == name);
        let index = index.expect("the archive holds what it names");
        let what = format!("array `{name}.npy`");
        let malformed = |_: zip::result::ZipError| refused(self.bytes, NPZ);
        let mut entry = self.archive.by_index(index).map_err(malformed)?;
        let size = entry.size();
        self.unpacked = size.saturating_add(self.unpacked);
        if self.unpacked > UNPACKED_LIMIT {
            return Err(Error::value(
                format!("{what}: unpacked size of the archive in bytes"),
                self.unpacked,
                format!("at most {UNPACKED_LIMIT}"),
            ));
        }
        let bytes = read_exactly(&what, entry.by_ref(), size)?;
        Ok((what, bytes))
    }
}

/// An `.npz` archive that is being written into memory.
pub struct NpzWriter {
    zip: zip::ZipWriter<std::io::Cursor<Vec<u8>>>,
}

impl Default for NpzWriter {
    fn default() -> Self {
        Self::new()
    }
}

impl NpzWriter {
    /// An archive without arrays.
    pub fn new() -> Self {
        let zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        Self { zip }
    }

    /// Adds `array` under `name`.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be packed, or the name is there already.
    pub fn put<T: Element, D: Dimension>(
        &mut self,
        name: &str,
        array: ArrayView<'_, T, D>,
    ) -> Result<()> {
        let failed = |source: std::io::Error| Error::io(format!("array {name}"), source);
        let options = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Deflated)
            .large_file(true);
        let entry = format!("{name}.npy");
        let started = self.zip.start_file(entry, options);
        started.map_err(|error| failed(error.into()))?;
        let mut writer = std::io::BufWriter::new(&mut self.zip);
        write(&mut writer, array)
            .and_then(|()| std::io::Write::flush(&mut writer))
            .map_err(failed)
    }

    /// The bytes of the archive.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be closed.
    pub fn finish(self) -> Result<Vec<u8>> {
        let bytes = self.zip.finish();
        let bytes = bytes.map_err(|error| Error::io("archive", error.into()))?;
        Ok(bytes.into_inner())
    }
}
