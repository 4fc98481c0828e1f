//! Bytes that were read, with the name that errors give them.

use std::borrow::Cow;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use super::content::Content;
use super::{UNPACKED_LIMIT, extension};
use crate::error::{Context, Error, Result, nearest};

/// What a reader reads: the bytes of a file, or of a stream, and what they are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    name: String,
    /// Nothing for what is no file.
    path: Option<PathBuf>,
    bytes: Vec<u8>,
}

/// What a source holds, told by its first bytes, and by the ending of its name where they do not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // The names are those of the formats.
pub enum Format {
    Safetensors,
    Npz,
    Npy,
    Parquet,
    Gzip,
    Idx,
    Onnx,
    /// What `torch.save` writes: `.pt`, `.pth`, `.ckpt`, `.bin`.
    Torch,
    Toml,
    /// Cells with a separator: `.csv`, `.tsv`.
    Table,
    Json,
    JsonLines,
    Svg,
    Html,
    Markdown,
    /// The journal of a sweep.
    Journal,
    /// Text of a stream, which has no ending.
    Text,
    /// Anything else of a stream.
    Binary,
    /// A file whose ending says nothing.
    Unknown,
}

impl Format {
    /// The ending of files of this format that hold a network and never a program.
    pub fn of_network(self) -> Option<&'static str> {
        match self {
            Self::Onnx => Some("onnx"),
            Self::Npz => Some("npz"),
            Self::Torch => Some("pt"),
            Self::Toml => Some("toml"),
            _ => None,
        }
    }
}

impl Source {
    /// The file at `path`.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|source| Error::io(path, source))?;
        Ok(Self {
            name: path.display().to_string(),
            path: Some(path.to_owned()),
            bytes,
        })
    }

    /// All that `stream` yields, called `name`.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read.
    pub fn read(name: &str, mut stream: impl Read) -> Result<Self> {
        let mut bytes = Vec::new();
        let read = stream.read_to_end(&mut bytes);
        read.map_err(|source| Error::io(name, source))?;
        Ok(Self::new(name, bytes))
    }

    /// `bytes` that are no file, called `name`.
    pub fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            name: name.into(),
            path: None,
            bytes: bytes.into(),
        }
    }

    /// What errors call it: its path as it was given, or the name of its stream.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The path of the file; nothing for a stream.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// What stands in it.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its file's name without folder and endings.
    pub fn stem(&self) -> String {
        let file = Path::new(&self.name).file_name();
        let file = file.map_or(Cow::Borrowed(&*self.name), |file| file.to_string_lossy());
        let stem = file.strip_suffix(".gz").unwrap_or(&file);
        let stem = Path::new(stem).file_stem();
        stem.map_or(String::new(), |stem| stem.to_string_lossy().into_owned())
    }

    /// The file that this one calls `path`: relative to its folder, if it has one.
    pub fn beside(&self, path: &Path) -> PathBuf {
        // `join` keeps an absolute path as it is.
        let folder = self.path.as_deref().and_then(Path::parent);
        folder.unwrap_or(Path::new("")).join(path)
    }

    /// What `parse` makes of the bytes; its errors name the source.
    ///
    /// # Errors
    /// Those of `parse`.
    pub fn parse<T>(&self, parse: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
        parse(&self.bytes).within(&self.name)
    }

    /// The bytes as text that is `wanted`, such as `TOML`.
    ///
    /// # Errors
    /// [`Error::Format`] if they are not UTF-8.
    pub fn text(&self, wanted: &str) -> Result<&str> {
        std::str::from_utf8(&self.bytes).map_err(|_| {
            let reason = format!("is not UTF-8 text: must be {wanted}");
            Error::format(&*self.name, reason)
        })
    }

    /// What the source holds.
    pub fn format(&self) -> Format {
        let named = self.path.as_deref().map(of_name);
        if named == Some(Format::Torch) {
            return Format::Torch;
        }
        match Content::of(&self.bytes) {
            Some(Content::Npz) => Format::Npz,
            Some(Content::Torch | Content::Pickle) => Format::Torch,
            Some(Content::Npy) => Format::Npy,
            Some(Content::Safetensors) => Format::Safetensors,
            Some(Content::Parquet) => Format::Parquet,
            Some(Content::Gzip) => Format::Gzip,
            Some(Content::Idx) => Format::Idx,
            Some(Content::Json | Content::Text) => named.unwrap_or(Format::Text),
            None => named.unwrap_or(Format::Binary),
        }
    }

    /// The source itself, unpacked if it is a gzip file; `digits.csv.gz` is then `digits.csv`.
    ///
    /// # Errors
    /// [`Error::Format`] if it cannot be unpacked, [`Error::Value`] beyond [`UNPACKED_LIMIT`].
    pub fn unpacked(self) -> Result<Self> {
        if self.format() != Format::Gzip {
            return Ok(self);
        }
        let mut bytes = Vec::new();
        let mut reader = MultiGzDecoder::new(&*self.bytes).take(UNPACKED_LIMIT + 1);
        reader.read_to_end(&mut bytes).map_err(|_| {
            let reason = "is cut short or damaged: must be a whole gzip file";
            Error::format(&*self.name, reason)
        })?;
        if bytes.len() as u64 > UNPACKED_LIMIT {
            let what = format!("{}: unpacked size in bytes", self.name);
            let limit = format!("at most {UNPACKED_LIMIT}");
            return Err(Error::value(what, "more", limit));
        }
        let path = self.path.map(|path| match &*extension(&path) {
            "gz" => path.with_extension(""),
            _ => path,
        });
        Ok(Self {
            name: self.name,
            path,
            bytes,
        })
    }
}

/// The file that `path`, which leads nowhere, was probably meant to be: one beside it with the same ending and a name
/// that is [near](nearest).
pub fn nearest_file(path: &Path) -> Option<PathBuf> {
    fn parts(name: &str) -> (&str, &str) {
        name.rsplit_once('.').unwrap_or((name, ""))
    }
    let entries = std::fs::read_dir(folder_of(path)).ok()?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    let wanted = path.file_name()?.to_string_lossy();
    // Endings are alike anyway: what stands before them decides.
    let (stem, ending) = parts(&wanted);
    let alike = names.iter().filter(|name| parts(name).1 == ending);
    let stems = alike.clone().map(|name| parts(name).0);
    let found = nearest(stem, stems)?;
    let name = alike.into_iter().find(|name| parts(name).0 == found)?;
    Some(path.with_file_name(name))
}

/// The folder in which `path` stands.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// What the ending of a name says.
fn of_name(path: &Path) -> Format {
    match &*extension(path) {
        "safetensors" => Format::Safetensors,
        "npz" => Format::Npz,
        "npy" => Format::Npy,
        "parquet" => Format::Parquet,
        "gz" => Format::Gzip,
        "onnx" => Format::Onnx,
        ending if super::torch::EXTENSIONS.contains(&ending) => Format::Torch,
        "toml" => Format::Toml,
        "csv" | "tsv" => Format::Table,
        "json" => Format::Json,
        "jsonl" => Format::JsonLines,
        "svg" => Format::Svg,
        "html" => Format::Html,
        "md" => Format::Markdown,
        "journal" => Format::Journal,
        _ => Format::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::compare::golden;
    use std::io::Write;

    #[test]
    fn bytes_tell_the_format_before_the_name_does() {
        let folder = tempfile::tempdir().unwrap();
        let format = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            Source::open(path).unwrap().format()
        };
        let npy = b"\x93NUMPY\x01\x00";
        assert_eq!(format("a.csv", npy), Format::Npy);
        assert_eq!(format("a", b"PAR1"), Format::Parquet);
        assert_eq!(format("a.onnx", b"PK\x03\x04"), Format::Npz);
        assert_eq!(format("a.pt", b"PK\x03\x04"), Format::Torch);
        assert_eq!(format("t10k-images-idx3-ubyte", &[0, 0, 8, 3]), Format::Idx);
        // Where bytes do not tell, the name does.
        assert_eq!(format("a.onnx", &[8, 7, 255]), Format::Onnx);
        assert_eq!(format("a.CSV", b"1,2\n"), Format::Table);
        assert_eq!(format("a.dat", b"1,2\n"), Format::Unknown);
        assert_eq!(format("a.safetensors", b""), Format::Safetensors);
        assert_eq!(Source::new("stdin", "1,2\n").format(), Format::Text);
        assert_eq!(Source::new("stdin", [8, 7, 255]).format(), Format::Binary);
    }

    #[test]
    fn a_packed_file_is_what_its_name_is_without_the_ending() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("iris.csv.gz");
        let file = std::fs::File::create(&path).unwrap();
        let mut packer = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        packer.write_all(b"1,2\n").unwrap();
        packer.finish().unwrap();
        let packed = Source::open(&path).unwrap();
        let plain = packed.clone().unpacked().unwrap();
        assert_eq!(
            (plain.bytes(), plain.format()),
            (&b"1,2\n"[..], Format::Table)
        );
        assert_eq!((plain.name(), plain.stem()), (packed.name(), "iris".into()));
        let cut = Source::new("stdin", &packed.bytes()[..packed.bytes().len() - 5]);
        golden("a cut file", cut.unpacked().unwrap_err());
    }

    #[test]
    fn files_beside_a_stream_are_those_of_the_current_folder() {
        let weights = Path::new("w.npz");
        assert_eq!(Source::new("stdin", []).beside(weights), weights);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net.toml");
        std::fs::write(&path, "").unwrap();
        let source = Source::open(&path).unwrap();
        assert_eq!(source.beside(weights), folder.path().join("w.npz"));
        assert_eq!(source.beside(&path), path);
    }
}
